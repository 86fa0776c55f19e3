//! Who may not begin a backfill, and what he is told.

use rewrite_rules::Phase;
use segue::backfill::Order;
use segue::config::control_url;
use segue::journal::schema;
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, cluster, run};

use crate::{copy, drained, dual_writing, order, rename};

const DDL: &str = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
                   INSERT INTO t SELECT g, g FROM generate_series(1, 100) g;";

fn migration(phase: Phase) -> String {
    rename("t", "old", "new", phase)
}

/// The backfill is refused with a message that contains each of `parts`.
fn check(database: &Database, order: &Order, parts: &[&str]) {
    let (refused, _) = copy(database, order);
    let said = refused.err().map(|error| error.with_hint()).expect("it is refused");
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
}

#[test]
fn phases_in_which_one_side_is_written() {
    for (about, phase, hint) in [
        ("refused_expand", Phase::Expand, "take the next step first"),
        ("refused_stop", Phase::StopDualWrite, "go back to switch-reads"),
    ] {
        let (database, proxy) = dual_writing(about, DDL, &migration(phase));
        check(&database, &order(), &[&format!("is in phase \"{phase}\""), hint]);
        proxy.stop();
    }
}

#[test]
fn a_transaction_of_the_phase_before() {
    let (database, proxy) = dual_writing("refused_open", DDL, &migration(Phase::Expand));
    let mut old = proxy.connect();
    old.simple("BEGIN; UPDATE t SET old = -1 WHERE id = 1");
    proxy.reload(&migration(Phase::DualWrite)).unwrap_or_else(|error| panic!("{error}"));
    check(&database, &order(), &["has not drained on all replicas", "segue status"]);
    old.simple("COMMIT");
    drained(&database);
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(100));
    assert_eq!(database.connect().rows("SELECT new FROM t WHERE id = 1"), ["-1"]);
    proxy.stop();
}

#[test]
fn what_the_journal_does_not_know() {
    let (database, proxy) = dual_writing("refused_unknown", DDL, &migration(Phase::DualWrite));
    let other = Order { migration: "other".to_owned(), ..order() };
    check(&database, &other, &["the journal knows no migration \"other\""]);
    let step = Order { steps: vec!["nothing > 1".to_owned()], ..order() };
    check(&database, &step, &["step 1 cannot be used", "column \"nothing\" does not exist"]);
    proxy.stop();
}

#[test]
fn a_role_that_may_not_write_or_not_see_all() {
    let database = Database::create("refused_role", DDL);
    let proxy = Proxy::start(&database, &migration(Phase::DualWrite));
    drained(&database);
    check(&database, &order(), &["lacks UPDATE of the column", "GRANT UPDATE (new) ON public.t"]);
    database.connect().script(
        "GRANT UPDATE (new) ON t TO segue; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY part ON t USING (id < 50)",
    );
    check(&database, &order(), &["policies hide rows", "BYPASSRLS", "--as URL"]);
    database.connect().script("ALTER TABLE t DISABLE ROW LEVEL SECURITY");
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(100));
    proxy.stop();
}

#[test]
fn a_role_that_may_not_use_the_journal() {
    let (database, proxy) = dual_writing("refused_journal", DDL, &migration(Phase::DualWrite));
    let lacking = |role: &str| {
        let control = control_url(&cluster().url(role, &database.name)).expect("a URL");
        run(async {
            let client = segue::catalog::connect(&control).await.map_err(|it| it.to_string())?;
            schema::lacking(&client).await.map_err(|it| it.to_string())
        })
    };
    assert_eq!(lacking("segue"), Ok(None));
    let grants = "GRANT USAGE ON SCHEMA segue TO app;\n\
                  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segue TO app;\n";
    assert_eq!(lacking("app"), Ok(Some(grants.to_owned())));
    database.connect().script(grants);
    assert_eq!(lacking("app"), Ok(None));
    database.connect().script("REVOKE DELETE ON segue.backfill FROM app");
    assert_eq!(lacking("app"), Ok(Some(grants.to_owned())));
    proxy.stop();
}
