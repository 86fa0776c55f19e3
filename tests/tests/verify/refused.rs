//! Who may not begin a verification, and what he is told.

use rewrite_rules::Phase;
use segue::verify::Order;
use segue::walk::Toward;
use segue_tests::proxy::Proxy;
use segue_tests::server::Database;

use crate::{change, drained, governed, order, verify};

const DDL: &str = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
                   INSERT INTO t SELECT g, g, g FROM generate_series(1, 100) g;";

fn migration(phase: Phase) -> String {
    change("t", "old", "new", phase)
}

/// The verification is refused with a message that contains each of `parts`.
#[track_caller]
fn check(database: &Database, order: &Order, parts: &[&str]) {
    let (refused, _) = verify(database, order);
    let said = refused.err().map(|error| error.with_hint()).expect("it is refused");
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
}

#[test]
fn phases_in_which_one_side_is_written() {
    for (about, phase, hint) in [
        ("refused_expand", Phase::Expand, "take it to dual-write first"),
        ("refused_stop", Phase::StopDualWrite, "go back to switch-reads"),
    ] {
        let (database, proxy) = governed(about, DDL, &migration(phase));
        let said = format!("is in phase \"{phase}\", in which only one side is written");
        check(&database, &order(), &[&said, hint]);
        proxy.stop();
    }
}

#[test]
fn a_transaction_of_the_phase_before() {
    let (database, proxy) = governed("refused_open", DDL, &migration(Phase::Expand));
    let mut old = proxy.connect();
    old.simple("BEGIN; UPDATE t SET old = -1 WHERE id = 1");
    proxy.reload(&migration(Phase::DualWrite)).unwrap_or_else(|error| panic!("{error}"));
    check(&database, &order(), &["has not drained on all replicas", "segue status"]);
    old.simple("COMMIT");
    drained(&database);
    // Just that row would have been missed.
    let (done, _) = verify(&database, &order());
    let rows = done.map(|done| done.rows.into_iter().map(|row| row.key).collect::<Vec<_>>());
    assert_eq!(rows.map_err(|error| error.to_string()), Ok(vec!["id = 1".to_owned()]));
    proxy.stop();
}

#[test]
fn what_the_journal_does_not_know() {
    let (database, proxy) = governed("refused_unknown", DDL, &migration(Phase::DualWrite));
    let other = Order { migration: "other".to_owned(), ..order() };
    check(&database, &other, &["the journal knows no migration \"other\""]);
    proxy.stop();
}

#[test]
fn a_role_that_may_not_see_all() {
    let database = Database::create("refused_role", DDL);
    database
        .connect()
        .script("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY part ON t USING (id < 50)");
    let proxy = Proxy::start(&database, &migration(Phase::DualWrite));
    drained(&database);
    check(&database, &order(), &["would be affected by row-level security policy", "--as URL"]);
    database.connect().script("ALTER TABLE t DISABLE ROW LEVEL SECURITY");
    let (done, _) = verify(&database, &order());
    assert_eq!(done.map(|done| done.compared).map_err(|error| error.to_string()), Ok(100));
    let mending = Order { fix: Some(Toward::New), ..order() };
    database.connect().script("UPDATE t SET new = 0 WHERE id = 7");
    check(&database, &mending, &["permission denied for table t", "--as URL"]);
    proxy.stop();
}

#[test]
fn overwriting_what_clients_read() {
    for (about, phase, fix, other) in [
        ("refused_fix_old", Phase::DualWrite, Toward::Old, "--fix new"),
        ("refused_fix_new", Phase::SwitchReads, Toward::New, "--fix old"),
    ] {
        let (database, proxy) = governed(about, DDL, &migration(phase));
        let order = Order { fix: Some(fix), ..order() };
        let said = format!("clients read the {fix} side in phase \"{phase}\"");
        check(&database, &order, &[&said, other, "--overwrite-read-side"]);
        let (done, _) = verify(&database, &Order { overwrites_read_side: true, ..order });
        assert_eq!(done.map(|done| done.compared).map_err(|error| error.to_string()), Ok(100));
        proxy.stop();
    }
}
