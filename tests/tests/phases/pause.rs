//! New transactions wait at the gate while it is closed; nobody sees an error, and nothing of theirs
//! has happened until it opens.

use std::time::{Duration, Instant};

use rewrite_rules::Phase;
use segue::admin::client::AdminClient;
use segue::admin::message::Took;
use segue_tests::server::{eventually, pause, run};
use segue_tests::wire::{bind, execute, parse, query, sync};

use super::{TELL_TALE, alone, prepare, started, swap_to_the_new_side};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// Reads the row whose two sides differ.
const READ: &str = "SELECT username FROM users WHERE id = 1";

#[test]
fn what_is_under_way_ends_and_what_is_new_waits_and_begins_in_the_newest_phase() {
    let _alone = alone();
    let (database, proxy) = started(Phase::DualWrite);
    prepare(&database, Phase::SwitchReads);
    database.connect().script(TELL_TALE);
    let current = proxy.current();
    let (mut open, mut simple, mut extended) = (proxy.connect(), proxy.connect(), proxy.connect());
    open.script("BEGIN");

    current.gate().close(LONG);
    simple.send_bytes(&query(READ));
    let batch = [parse("", READ, &[]), bind("", "", &[], false), execute("", 0), sync()].concat();
    extended.send_bytes(&batch);
    eventually("both wait", || current.held() == 2);
    let under_way: Vec<i32> =
        current.holders().iter().map(|holder| holder.occupant.backend_pid).collect();
    assert_eq!(
        under_way.iter().map(|pid| u32::try_from(*pid)).collect::<Vec<_>>(),
        [Ok(open.key.0)]
    );
    assert_eq!(open.rows(READ), ["old side"]);
    open.script("COMMIT");
    assert_eq!(current.holders(), []);

    // Whoever logs in now waits too; a flip has nobody to wait for.
    let mut late = proxy.connect();
    late.send_bytes(&query(READ));
    eventually("all three wait", || current.held() == 3);
    swap_to_the_new_side(&database, &proxy);
    run(proxy.last_flip().drained());
    assert_eq!(current.held(), 3);

    assert!(current.gate().open());
    for waiting in [&mut simple, &mut extended, &mut late] {
        assert_eq!(waiting.until_ready().lines(), ["new side"]);
    }
    assert_eq!(current.held(), 0);
    proxy.stop();
}

#[test]
fn what_is_held_counts_as_latency_and_status_shows_it() {
    let _alone = alone();
    let (_database, proxy) = started(Phase::Expand);
    let mut client = proxy.connect();
    assert_eq!(client.rows(READ), ["user1"]);
    let before = proxy.latency();
    proxy.current().gate().close(LONG);
    client.send_bytes(&query(READ));
    eventually("it waits", || proxy.current().held() == 1);
    let begin = Instant::now();
    pause(200);
    let held = begin.elapsed();
    assert!(proxy.current().gate().open());
    assert_eq!(client.until_ready().lines(), ["user1"]);
    let after = proxy.latency();
    assert_eq!(after.count, before.count + 1);
    assert!(after.max >= held, "{after:?}, held for {held:?}");

    let socket = proxy.config().with_extension("toml.sock");
    let status = run(async { AdminClient::connect(&socket).await?.status().await });
    let shown = status.expect("a status").latency.last_60s;
    let us = |time: Duration| u64::try_from(time.as_micros()).expect("a short time");
    let (p50_us, p99_us, max_us) = (us(after.p50), us(after.p99), us(after.max));
    let expected = Took { over_ms: shown.over_ms, count: after.count, p50_us, p99_us, max_us };
    assert_eq!(shown, expected);
    assert!(shown.over_ms >= us(held) / 1_000, "{shown:?}");
    proxy.stop();
}

#[test]
fn it_opens_by_itself() {
    let _alone = alone();
    let (_database, proxy) = started(Phase::Expand);
    let mut client = proxy.connect();
    proxy.current().gate().close(Duration::from_millis(200));
    assert_eq!(client.rows(READ), ["user1"]);
    assert!(!proxy.current().gate().is_closed());
    proxy.stop();
}

#[test]
fn nothing_is_done_for_a_client_that_has_given_up() {
    let _alone = alone();
    let (database, proxy) = started(Phase::Expand);
    let (mut gone, mut patient) = (proxy.connect(), proxy.connect());
    let insert = |id: i32| query(&format!("INSERT INTO users VALUES ({id}, 'name {id}', NULL, 0)"));
    proxy.current().gate().close(LONG);
    gone.send_bytes(&insert(901));
    patient.send_bytes(&insert(902));
    eventually("both wait", || proxy.current().held() == 2);
    gone.hang_up();
    eventually("one has gone", || proxy.current().held() == 1);
    assert!(proxy.current().gate().open());
    assert_eq!(patient.until_ready().tags(), ["INSERT 0 1"]);
    assert_eq!(database.connect().rows("SELECT id FROM users WHERE id > 900"), ["902"]);
    proxy.stop();
}

#[test]
fn a_proxy_that_holds_can_be_stopped() {
    let _alone = alone();
    let (database, proxy) = started(Phase::Expand);
    let mut client = proxy.connect();
    proxy.current().gate().close(LONG);
    client.send_bytes(&query("DELETE FROM users"));
    eventually("it waits", || proxy.current().held() == 1);
    proxy.stop();
    assert_eq!(database.connect().rows("SELECT count(*) FROM users"), ["100"]);
}
