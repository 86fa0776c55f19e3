//! Leases: who has lost touch serves nothing governed, and is counted out only when it can do no
//! harm any more.

use rewrite_rules::Phase;
use segue::journal::step::StepError;
use segue::phase::wish::ReloadError;
use segue::{backfill, verify};
use segue_tests::copying::{control, nobody};
use segue_tests::proxy::{Proxy, Replica, forget_the_fleet, rename_username};
use segue_tests::server::{Database, eventually, pause, run};
use segue_tests::valve::Valve;

use super::{DDL, all_have_drained, alone, journal, step, step_of_all, two};

/// More than a lease of these tests. Unit: milliseconds.
const LEASE_MS: u64 = 1_500;

/// The migration's name.
const RENAME: &str = "rename-username";

const READ: &str = "SELECT username FROM users WHERE id = 1";

/// Two proxies, of which the second reaches the journal through a valve.
fn one_behind_a_valve(database: &Database) -> (Proxy, Proxy, Valve) {
    forget_the_fleet(database);
    let file = rename_username(Phase::Expand);
    let lease = Some("1s");
    let first = Proxy::join(database, &file, Replica { lease, ..Replica::default() });
    let valve = Valve::to(database.cluster().port());
    let behind = Replica { lease, control_port: Some(valve.port), ..Replica::default() };
    let second = Proxy::join(database, &file, behind);
    all_have_drained(&first);
    (first, second, valve)
}

#[test]
fn who_has_lost_touch_serves_nothing_governed_until_it_is_back() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second, valve) = one_behind_a_valve(&database);
    let mut wire = second.connect();
    assert_eq!(wire.rows(READ), ["user1"]);
    wire.extended(READ, &[], false);
    wire.script(&format!("PREPARE known AS {READ}; PREPARE other AS SELECT count(*) FROM others"));
    assert_eq!(wire.run("known", &[]).lines(), ["user1"]);
    assert_eq!(wire.run("other", &[]).lines(), ["0"]);
    valve.stop_up();
    // Whoever comes now cannot be registered: it is held while the lease lasts, and told then.
    assert_eq!(second.connect().simple(READ).code(), "40001");
    pause(LEASE_MS);
    // What was prepared before too, bound or executed by name.
    assert_eq!(wire.run("known", &[]).code(), "40001");
    assert_eq!(wire.simple("EXECUTE known").code(), "40001");
    assert_eq!(wire.run("other", &[]).lines(), ["0"]);
    // In every protocol; what names nothing governed goes on.
    assert_eq!(wire.simple(READ).code(), "40001");
    assert_eq!(wire.extended(READ, &[], false).code(), "40001");
    assert_eq!(wire.rows("SELECT count(*) FROM others"), ["0"]);
    wire.script("BEGIN; SELECT count(*) FROM others");
    assert_eq!(wire.simple(READ).code(), "40001");
    wire.script("ROLLBACK");
    // So for whoever comes now.
    let mut late = second.connect();
    assert_eq!(late.simple(READ).code(), "40001");
    assert_eq!(late.rows("SELECT count(*) FROM others"), ["0"]);

    valve.open();
    eventually("it is back", || wire.simple(READ).code().is_empty());
    eventually("for newcomers too", || late.simple(READ).code().is_empty());
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    first.stop();
    second.stop();
}

#[test]
fn a_proxy_that_died_is_counted_out_when_its_lease_is_over() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second) = two(&database);
    let mut wire = second.connect();
    wire.rows(READ);
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    second.crash();
    // It had drained, and is no obstacle yet; for the next step its lease must be over, which it is
    // before patience is.
    step(&first, Phase::SwitchReads).expect("a step");
    let expelled = "SELECT count(*) FROM segue.replica WHERE expelled_at IS NOT NULL";
    step(&first, Phase::StopDualWrite).expect("it is counted out");
    assert_eq!(journal(&database, expelled), ["1"]);
    first.stop();
}

#[test]
fn who_is_silent_is_counted_as_long_as_a_session_of_it_lives() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second, valve) = one_behind_a_valve(&database);
    let mut wire = second.connect();
    wire.rows(READ);
    valve.stop_up();
    pause(LEASE_MS);
    step(&first, Phase::DualWrite).expect("the second one had drained the epoch before");
    let refused = step(&first, Phase::SwitchReads);
    let Err(ReloadError::Fleet { error: StepError::Lagging { epoch: 2, lagging } }) = &refused
    else {
        panic!("{refused:?}");
    };
    assert!(lagging.iter().all(|it| it.lapsed && it.sessions == 1), "{lagging:?}");
    let refused = refused.expect_err("lagging").to_string();
    assert!(refused.contains("not heard of for"), "{refused}");
    assert!(refused.contains("left of it on the server: sessions: 1,"), "{refused}");

    // Its last session ends, so it can write nothing any more.
    drop(wire);
    eventually("it is counted out", || step(&first, Phase::SwitchReads).is_ok());
    let mut late = second.connect();
    assert_eq!(late.simple(READ).code(), "40001");
    assert_eq!(second.phase(), Some(Phase::Expand));

    // It comes back as another replica, two epochs later, and serves in today's words.
    valve.open();
    eventually("it has joined again", || second.phase() == Some(Phase::SwitchReads));
    eventually("it serves", || late.simple(READ).code().is_empty());
    database.connect().script("UPDATE users SET handle = 'new side' WHERE id = 1");
    assert_eq!(late.rows(READ), ["new side"]);
    database.connect().script("UPDATE users SET username = handle");
    step_of_all(&second, &[&first, &second], Phase::StopDualWrite);
    first.stop();
    second.stop();
}

/// The gate of the next step waits for both, so no step would ever count it out.
#[test]
fn who_died_undrained_keeps_no_rows_from_being_copied_or_compared() {
    let _alone = alone();
    type Goes = fn(&Database) -> bool;
    let copies: Goes = |database| {
        let order = backfill::Order { throttle: false, ..backfill::Order::of(RENAME, "a test") };
        run(backfill::run(&control(database), &order, &nobody(), &mut |_| {})).is_ok()
    };
    let compares: Goes = |database| {
        let order = verify::Order { throttle: false, ..verify::Order::of(RENAME, "a test") };
        run(verify::run(&control(database), &order, &nobody(), &mut |_| {})).is_ok()
    };
    for (what, goes) in [("copied", copies), ("compared", compares)] {
        let database = Database::create("leases", DDL);
        database.connect().script("GRANT UPDATE ON users TO segue");
        let (first, second, valve) = one_behind_a_valve(&database);
        valve.stop_up();
        step(&first, Phase::DualWrite).expect("the second one had drained the epoch before");
        second.crash();
        eventually(&format!("rows are {what}"), || goes(&database));
        let expelled = "SELECT count(*) FROM segue.replica WHERE expelled_at IS NOT NULL";
        assert_eq!(journal(&database, expelled), ["1"], "{what}");
        first.stop();
    }
}

#[test]
fn a_prepared_transaction_outlives_the_session_that_made_it() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second, valve) = one_behind_a_valve(&database);
    let mut wire = second.connect();
    wire.script("BEGIN; UPDATE users SET username = 'prepared' WHERE id = 1");
    valve.stop_up();
    wire.script("PREPARE TRANSACTION 'of the second'");
    drop(wire);
    pause(LEASE_MS);
    step(&first, Phase::DualWrite).expect("the second one had drained the epoch before");
    // Its row is written on the old side only, and not yet.
    let refused = step(&first, Phase::SwitchReads).expect_err("not drained").to_string();
    let waits = refused.contains("prepared by it: 1") || refused.contains("prepared transaction");
    assert!(waits, "{refused}");
    database.connect().script("COMMIT PREPARED 'of the second'");
    database.connect().script("UPDATE users SET handle = username");
    eventually("it is counted out", || step(&first, Phase::SwitchReads).is_ok());
    assert_eq!(first.connect().rows(READ), ["prepared"]);
    valve.open();
    eventually("it has joined again", || second.phase() == Some(Phase::SwitchReads));
    first.stop();
    second.stop();
}

/// Nobody knows what a journal that was made anew would have a proxy do.
#[test]
fn a_journal_that_is_another_one_serves_nobody() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second) = two(&database);
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    forget_the_fleet(&database);
    let mut wire = second.connect();
    let write = "UPDATE users SET username = 'x' WHERE id = 1";
    eventually("it is noticed", || wire.simple(write).code() == "40001");
    pause(LEASE_MS);
    assert_eq!(wire.simple(write).code(), "40001");
    assert_eq!(second.phase(), Some(Phase::DualWrite));
    let refused = step(&first, Phase::SwitchReads).expect_err("no step is taken").to_string();
    for text in ["made anew", "\"rename-username\" in \"dual-write\"", "--adopt"] {
        assert!(refused.contains(text), "{text}: {refused}");
    }
    first.stop();
    second.stop();
    let adopt = Replica { adopt: true, ..Replica::default() };
    let next = Proxy::join(&database, &rename_username(Phase::DualWrite), adopt);
    next.connect().script(write);
    assert_eq!(database.connect().rows("SELECT handle FROM users WHERE id = 1"), ["x"]);
    next.stop();
}

/// A server that loses what it had acknowledged, or a backup.
#[test]
fn a_journal_that_has_gone_back_serves_nobody() {
    let _alone = alone();
    let database = Database::create("leases", DDL);
    let (first, second) = two(&database);
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    database
        .connect()
        .script("UPDATE segue.fleet SET epoch = 1; UPDATE segue.migration SET phase = 'expand'");
    let mut wires = [first.connect(), second.connect()];
    for wire in &mut wires {
        eventually("it is noticed", || wire.simple(READ).code() == "40001");
    }
    let refused = step(&first, Phase::SwitchReads).expect_err("no step is taken").to_string();
    assert!(refused.contains("the journal has gone back from epoch 2 to 1"), "{refused}");
    first.stop();
    second.stop();
}
