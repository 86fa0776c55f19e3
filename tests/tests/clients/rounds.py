"""Workers that go on and on; whoever writes a line to us hears when each has done some more."""
import os
import sys
import threading
import time
import traceback

ROUNDS = 4
PATIENCE_S = 25
done = []
stop = threading.Event()


def check(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def repeat(number, work):
    try:
        while not stop.is_set():
            work(number)
            done[number] += 1
            # So that whoever waits for a session gets one, and the flips some of the machine.
            time.sleep(0.02)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def main(works):
    done.extend(0 for _ in works)
    threads = [threading.Thread(target=repeat, args=it) for it in enumerate(works)]
    for thread in threads:
        thread.start()
    for _ in sys.stdin:
        wanted = [rounds + ROUNDS for rounds in done]
        deadline = time.monotonic() + PATIENCE_S
        while any(found < rounds for found, rounds in zip(done, wanted)):
            if time.monotonic() > deadline:
                print(f"stuck: {done}, not {wanted}", file=sys.stderr, flush=True)
                os._exit(1)
            time.sleep(0.005)
        print("good", flush=True)
    stop.set()
    for thread in threads:
        thread.join()
