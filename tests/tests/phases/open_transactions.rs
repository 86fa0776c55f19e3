//! A transaction lives in one generation from its first statement to its end.

use rewrite_rules::Phase;
use segue::phase::wish::ReloadError;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::{bind, execute, frame, parse, query, sync};

use super::{TELL_TALE, alone, prepare, started, swap_to_the_new_side};

/// Reads it.
const READ: &str = "SELECT username FROM users WHERE id = 1";

/// In `dual-write`, ready for `switch-reads`, with a row that tells the sides apart.
fn ready() -> (Database, Proxy) {
    let (database, proxy) = started(Phase::DualWrite);
    prepare(&database, Phase::SwitchReads);
    database.connect().script(TELL_TALE);
    (database, proxy)
}

#[test]
fn an_open_transaction_stays_in_its_generation_and_is_waited_for_by_name() {
    let _alone = alone();
    let (database, proxy) = ready();
    let mut open = proxy.login().with("application_name", "slow report").connect();
    assert_eq!(open.script("BEGIN; SELECT username FROM users WHERE id = 1").lines(), ["old side"]);
    swap_to_the_new_side(&database, &proxy);
    assert_eq!(proxy.connect().rows(READ), ["new side"]);
    assert_eq!(open.rows(READ), ["old side"]);
    assert_eq!(open.extended(READ, &[], false).lines(), ["old side"]);
    let flip = proxy.last_flip();
    segue_tests::server::eventually("the flip names who it waits for", || {
        flip.progress().waiting.iter().any(|waiting| {
            waiting.application_name == "slow report"
                && u32::try_from(waiting.pid) == Ok(open.key.0)
        })
    });
    assert!(!flip.is_drained());
    // Even when it has failed it is still there.
    assert_eq!(open.simple("SELECT nonsense FROM users").code(), "42703");
    assert!(!flip.is_drained());
    open.script("ROLLBACK");
    segue_tests::server::run(flip.drained());
    assert_eq!(open.rows(READ), ["new side"]);
    proxy.stop();
}

#[test]
fn the_next_flip_waits_for_the_one_before() {
    let _alone = alone();
    let (database, proxy) = ready();
    prepare(&database, Phase::StopDualWrite);
    let mut open = proxy.connect();
    open.script("BEGIN; SELECT username FROM users WHERE id = 1");
    swap_to_the_new_side(&database, &proxy);
    let number = proxy.current().number();
    let refused = proxy.reload(&rename_username(Phase::StopDualWrite));
    assert!(matches!(refused, Err(ReloadError::NotDrained { .. })), "{refused:?}");
    assert_eq!(proxy.current().number(), number);
    open.script("COMMIT");
    proxy.flip(Phase::StopDualWrite);
    proxy.stop();
}

#[test]
fn a_pipeline_without_sync_is_one_transaction() {
    let _alone = alone();
    const FLUSH: u8 = b'H';
    let (database, proxy) = ready();
    let mut wire = proxy.connect();
    let read = [parse("", READ, &[]), bind("", "", &[], false), execute("", 0), frame(FLUSH, &[])];
    wire.send_bytes(&read.concat());
    assert_eq!(wire.until_tag().lines(), ["old side"]);
    swap_to_the_new_side(&database, &proxy);
    wire.send_bytes(&read.concat());
    assert_eq!(wire.until_tag().lines(), ["old side"]);
    wire.send_bytes(&sync());
    wire.until_ready();
    wire.send_bytes(&read.concat());
    assert_eq!(wire.until_tag().lines(), ["new side"]);
    wire.send_bytes(&sync());
    wire.until_ready();
    segue_tests::server::run(proxy.last_flip().drained());
    proxy.stop();
}

#[test]
fn an_open_cursor_goes_on_as_it_began() {
    let _alone = alone();
    let (database, proxy) = ready();
    let mut wire = proxy.connect();
    wire.script("BEGIN; DECLARE c CURSOR FOR SELECT username FROM users WHERE id < 4 ORDER BY id");
    assert_eq!(wire.rows("FETCH 1 FROM c"), ["old side"]);
    swap_to_the_new_side(&database, &proxy);
    assert_eq!(wire.rows("FETCH 1 FROM c"), ["user2"]);
    assert_eq!(wire.rows(READ), ["old side"]);
    wire.script("COMMIT");
    assert_eq!(wire.rows(READ), ["new side"]);
    proxy.stop();
}

#[test]
fn a_writer_that_went_around_the_proxy_is_waited_for() {
    let _alone = alone();
    let (database, proxy) = ready();
    let mut around = database.connect();
    around.script("BEGIN; UPDATE users SET email = 'x' WHERE id = 2");
    swap_to_the_new_side(&database, &proxy);
    let flip = proxy.last_flip();
    segue_tests::server::eventually("the flip waits for it", || {
        flip.progress().waiting.iter().any(|waiting| u32::try_from(waiting.pid) == Ok(around.key.0))
    });
    assert!(!flip.is_drained());
    around.script("COMMIT");
    segue_tests::server::run(flip.drained());
    proxy.stop();
}

/// Nothing between a statement's answer and its client's next one may be lost or doubled.
#[test]
fn statements_in_flight_at_the_flip_are_answered_once() {
    let _alone = alone();
    let (database, proxy) = started(Phase::Expand);
    prepare(&database, Phase::DualWrite);
    let mut wire = proxy.connect();
    let insert = |id| format!("INSERT INTO users (id, username) VALUES ({id}, 'in flight {id}')");
    let burst: Vec<u8> = (1_000..1_200).flat_map(|id| query(&insert(id))).collect();
    wire.send_bytes(&burst);
    proxy.swap(Phase::DualWrite);
    for _ in 0..200 {
        assert_eq!(wire.until_ready().code(), "");
    }
    let both = "SELECT handle IS NOT NULL FROM users WHERE id >= 1000 ORDER BY id";
    let written = database.connect().rows(both);
    assert_eq!(written.len(), 200);
    let switched = written.iter().position(|both| both == "t").unwrap_or(200);
    assert!(written.iter().skip(switched).all(|both| both == "t"), "{written:?}");
    wire.script(&insert(1_200));
    let last = "SELECT handle FROM users WHERE id = 1200";
    assert_eq!(database.connect().rows(last), ["in flight 1200"]);
    proxy.stop();
}
