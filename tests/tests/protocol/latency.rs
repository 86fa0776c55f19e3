//! How long requests took, as the proxy counts them and as a client measures them.
//!
//! What a client measures around a request is longer than what the proxy counts, so nothing here
//! depends on how quick the machine is.

use std::time::{Duration, Instant};

use segue::latency::Window;
use segue_tests::relay::Relay;
use segue_tests::server::{Database, eventually, pause};
use segue_tests::wire::{Wire, bind, copy_data, copy_done, execute, parse, query, sync};

use super::started;

/// How long somebody sleeps. Unit: milliseconds.
const SLEEP_MS: u64 = 200;

const SLEEP: Duration = Duration::from_millis(SLEEP_MS);

/// How much longer a time may be shown than it was.
fn shown_at_most(time: Duration) -> Duration {
    time.mul_f64(1.032) + Duration::from_micros(1)
}

/// What `script` leaves behind when it is the only thing that a fresh proxy sees. It returns how
/// long the client itself has let the proxy wait.
fn counted(script: impl FnOnce(&mut Wire, &Database) -> Duration) -> (Window, Duration) {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    let begin = Instant::now();
    let idle = script(&mut wire, &database);
    let felt = begin.elapsed().saturating_sub(idle);
    let window = relay.latency();
    relay.stop();
    (window, felt)
}

/// Lets the proxy wait, and tells for how long.
fn rest() -> Duration {
    let begin = Instant::now();
    pause(SLEEP_MS);
    begin.elapsed()
}

/// Checks how many requests were counted, and that none is said to have taken longer than the client
/// has felt, nor the longest less than `least`.
fn check(count: u64, least: Duration, script: impl FnOnce(&mut Wire, &Database) -> Duration) {
    let (window, felt) = counted(script);
    assert_eq!(window.count, count, "{window:?}");
    assert!(window.max >= least, "{window:?}");
    assert!(window.max <= shown_at_most(felt), "{window:?}, but the client felt {felt:?}");
    assert!(window.p50 <= window.p99 && window.p99 <= window.max, "{window:?}");
}

#[test]
fn a_statement_that_sleeps_is_seen() {
    check(1, SLEEP, |wire, _| {
        wire.script("SELECT pg_sleep(0.2)");
        Duration::ZERO
    });
    check(1, SLEEP, |wire, _| {
        wire.extended("SELECT pg_sleep(0.2)", &[], false);
        Duration::ZERO
    });
    check(1, SLEEP, |wire, _| {
        assert_eq!(wire.simple("SELECT pg_sleep(0.2), 1/(random() * 0)::int").code(), "22012");
        Duration::ZERO
    });
    let (window, _) = counted(|wire, _| {
        (0..98).for_each(|_| drop(wire.rows("SELECT 1")));
        (0..2).for_each(|_| drop(wire.rows("SELECT pg_sleep(0.2)")));
        Duration::ZERO
    });
    assert!(window.p99 >= SLEEP, "two of a hundred: {window:?}");
    assert_eq!(window.count, 100);
}

#[test]
fn a_session_that_is_idle_is_not() {
    check(3, Duration::ZERO, |wire, _| {
        wire.script("BEGIN");
        let idle = rest();
        wire.rows("SELECT username FROM users WHERE id = 1");
        let idle = idle + rest();
        wire.script("COMMIT");
        idle
    });
}

#[test]
fn the_time_in_which_rows_are_sent_is_not() {
    let send = |wire: &mut Wire| {
        assert_eq!(wire.until_copy().error(), None);
        let mut idle = rest();
        for id in [101, 102] {
            wire.send_bytes(&copy_data(format!("{id}\tx\n").as_bytes()));
            idle += rest();
        }
        idle
    };
    check(1, Duration::ZERO, |wire, database| {
        wire.send_bytes(&query("COPY other FROM STDIN"));
        let idle = send(wire);
        wire.send_bytes(&copy_done());
        assert_eq!(wire.until_ready().tags(), ["COPY 2"]);
        assert_eq!(database.connect().rows("SELECT count(*) FROM other"), ["102"]);
        idle
    });
    // As libpq does it: a Sync that the server ignores, and another behind the rows.
    check(1, Duration::ZERO, |wire, _| {
        let text = parse("", "COPY other FROM STDIN", &[]);
        wire.send_bytes(&[text, bind("", "", &[], false), execute("", 0), sync()].concat());
        let idle = send(wire);
        wire.send_bytes(&[copy_done(), sync()].concat());
        assert_eq!(wire.until_ready().tags(), ["COPY 2"]);
        idle
    });
    // What the server does before it asks for rows counts.
    check(1, SLEEP, |wire, _| {
        wire.send_bytes(&query("SELECT pg_sleep(0.2); COPY other FROM STDIN"));
        let idle = send(wire);
        wire.send_bytes(&copy_done());
        wire.until_ready();
        idle
    });
}

#[test]
fn each_sync_of_a_pipeline_counts_once() {
    check(4, SLEEP, |wire, _| {
        let batch = |text: &str| {
            [parse("", text, &[]), bind("", "", &[], false), execute("", 0), sync()].concat()
        };
        let fails = batch("SELECT 1/(random() * 0)::int");
        let batches = [batch("SELECT 1"), fails, batch("SELECT pg_sleep(0.2)"), batch("SELECT 2")];
        wire.send_bytes(&batches.concat());
        (0..batches.len()).for_each(|_| drop(wire.until_ready()));
        Duration::ZERO
    });
    check(1, Duration::ZERO, |wire, _| {
        let one = [parse("", "SELECT 1", &[]), bind("", "", &[], false), execute("", 0)].concat();
        wire.send_bytes(&[one.clone(), one, sync()].concat());
        assert_eq!(wire.until_ready().lines(), ["1", "1"]);
        Duration::ZERO
    });
}

/// Waits until a statement waits for the lock that somebody else has taken.
fn waits_for_lock(database: &Database) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("it waits", || database.connect().rows(waiting) == ["1"]);
}

fn still_one(relay: &Relay) {
    assert_eq!(relay.latency().count, 1, "only what was answered before");
}

#[test]
fn a_session_that_is_cut_in_the_middle_counts_nothing() {
    let (database, relay) = started();
    let mut holder = database.connect();
    holder.script("SELECT pg_advisory_lock(1)");
    relay.connect(&database).rows("SELECT 1");
    let locks = query("SELECT pg_advisory_lock(1)");

    // The server ends it.
    let mut cut = relay.connect(&database);
    cut.send_bytes(&locks);
    waits_for_lock(&database);
    database.connect().script(&format!("SELECT pg_terminate_backend({})", cut.key.0));
    cut.until_closed();
    still_one(&relay);

    // The client hangs up; half a message follows the whole one.
    let mut gone = relay.connect(&database);
    gone.send_bytes(&[locks.as_slice(), b"Q\0\0"].concat());
    gone.hang_up();
    waits_for_lock(&database);
    pause(SLEEP_MS);
    holder.script("SELECT pg_advisory_unlock(1)");
    gone.until_closed();
    still_one(&relay);
    relay.stop();
}

#[test]
fn another_database_is_none_of_its_business() {
    let (database, relay) = started();
    let mut wire =
        segue_tests::wire::Login::at(relay.port, database.superuser(), "postgres").connect();
    wire.rows("SELECT 1");
    assert_eq!(relay.latency().count, 0);
    relay.stop();
}
