//! What the gates make of verifications: a fresh and clean one opens them without reading a row, and no
//! other one does.

use rewrite_rules::Phase;
use segue::phase::wish::ReloadError;
use segue::verify::Order;
use segue_tests::proxy::{Proxy, Replica};
use segue_tests::server::{Database, eventually, run};

use crate::{change, drained, governed, order, value, verify};

/// A table that is ready for every phase up to switch-reads.
const DDL: &str = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
                   INSERT INTO t SELECT g, g, g FROM generate_series(1, 1000) g; ANALYZE t;";

/// Past every proxy, so that only a comparison of rows can know of it.
const PLANT: &str = "UPDATE t SET new = -1 WHERE id = 500";

fn at(phase: Phase) -> String {
    change("t", "old", "new", phase)
}

fn verified(database: &Database) {
    let (done, _) = verify(database, &order());
    assert_eq!(done.map(|it| it.equal()).map_err(|error| error.to_string()), Ok(Some(true)));
}

/// Whether the gate to switch-reads relies on what was verified: a row was planted that it does not see
/// then.
fn relies(proxy: &Proxy, database: &Database) -> bool {
    database.connect().script(PLANT);
    match proxy.reload(&at(Phase::SwitchReads)) {
        Ok(_) => true,
        Err(ReloadError::GateClosed(closed)) => {
            let said = closed.iter().map(ToString::to_string).collect::<String>();
            assert!(said.contains("rows-differ"), "{said}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// After a clean verification this is done; the gate relies on it or not.
fn check(about: &str, relied: bool, then: impl FnOnce(&Proxy, &Database)) {
    let (database, proxy) = governed(about, DDL, &at(Phase::DualWrite));
    verified(&database);
    then(&proxy, &database);
    assert_eq!(relies(&proxy, &database), relied, "{about}");
    proxy.stop();
}

#[test]
fn a_fresh_one_opens_the_gate_without_reading_a_row() {
    let (database, proxy) = governed("trusted_fresh", DDL, &at(Phase::DualWrite));
    verified(&database);
    // Sessions tell what they have read when they end, or after a second.
    segue_tests::server::pause(1_500);
    database.connect().script("SELECT pg_stat_reset()");
    assert!(relies(&proxy, &database));
    run(proxy.last_flip().drained());
    let scans = "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 't'";
    segue_tests::server::pause(1_500);
    assert_eq!(value(&database, scans), "1", "it is the row that was planted");
    let compared = "SELECT count(*) FROM segue.verification";
    assert_eq!(value(&database, compared), "1", "the gate has compared nothing");
    proxy.stop();
}

#[test]
fn what_was_not_verified_is_compared_by_the_gate() {
    let (database, proxy) = governed("trusted_none", DDL, &at(Phase::DualWrite));
    assert!(!relies(&proxy, &database));
    database.connect().script("UPDATE t SET new = old");
    proxy.reload(&at(Phase::SwitchReads)).unwrap_or_else(|error| panic!("{error}"));
    // The file is looked at once more when the proxy sees it change.
    let told = "SELECT phase, result, complete, who LIKE 'the gate of a proxy on %'
                FROM segue.verification GROUP BY 1, 2, 3, 4 ORDER BY min(id)";
    let expected = ["switch-reads|different|t|t", "switch-reads|equal|t|t"];
    assert_eq!(database.connect().rows(told), expected);
    proxy.stop();
}

#[test]
fn one_of_an_earlier_stay_in_the_phase_never_opens_it() {
    check("trusted_before", false, |proxy, database| {
        for phase in [Phase::Expand, Phase::DualWrite] {
            eventually("the way is free", || proxy.reload(&at(phase)).is_ok());
            run(proxy.last_flip().drained());
            drained(database);
        }
    });
}

#[test]
fn one_that_was_begun_before_the_last_replica_had_drained_never_opens_it() {
    check("trusted_drained", false, |_, database| {
        database.connect().script(
            "UPDATE segue.replica SET acknowledged_at = (SELECT started_at FROM segue.verification)",
        );
    });
    // A replica that came later has told so later.
    check("trusted_joined", false, |_, database| {
        let second = Proxy::join(database, &at(Phase::DualWrite), Replica::default());
        drained(database);
        second.stop();
    });
}

#[test]
fn one_that_is_old_never_opens_it() {
    for (about, age, relied) in
        [("trusted_young", "14 min", true), ("trusted_old", "16 min", false)]
    {
        check(about, relied, |_, database| {
            database.connect().script(&format!(
                "UPDATE segue.verification SET at = at - interval '{age}';
                 UPDATE segue.replica SET acknowledged_at = acknowledged_at - interval '1 h'"
            ));
        });
    }
}

#[test]
fn one_that_is_not_complete_or_not_clean_never_opens_it() {
    for (about, change) in [
        ("trusted_part", "complete = false"),
        ("trusted_differ", "result = 'different'"),
        ("trusted_unknown", "result = 'unknown'"),
        ("trusted_mended", "mended = 1"),
        ("trusted_epoch", "epoch = epoch - 1"),
    ] {
        check(about, false, |_, database| {
            database.connect().script(&format!("UPDATE segue.verification SET {change}"));
        });
    }
}

#[test]
fn one_that_another_has_belied_never_opens_it() {
    check("trusted_belied", false, |_, database| {
        database.connect().script(PLANT);
        let (done, _) = verify(database, &order());
        assert_eq!(done.map(|it| it.differing).map_err(|error| error.to_string()), Ok(1));
        // Even if that has not come to its end.
        database.connect().script("DELETE FROM segue.verification WHERE result = 'different'");
    });
}

#[test]
fn one_of_another_column_or_table_never_opens_it() {
    for (about, ddl) in [
        (
            "trusted_column",
            "ALTER TABLE t DROP COLUMN new, ADD COLUMN new int; UPDATE t SET new = old",
        ),
        ("trusted_rewritten", "VACUUM FULL t"),
        ("trusted_child", "CREATE TABLE child () INHERITS (t)"),
    ] {
        check(about, false, |proxy, database| {
            for statement in ddl.split("; ") {
                database.connect().script(statement);
            }
            // The proxy takes the new catalog in by itself.
            proxy.reload(&at(Phase::DualWrite)).unwrap_or_else(|error| panic!("{error}"));
            database.connect().script("ANALYZE t");
        });
    }
}

#[test]
fn the_way_back_has_one_of_its_own() {
    let (database, proxy) = governed("trusted_back", DDL, &at(Phase::DualWrite));
    verified(&database);
    assert!(relies(&proxy, &database));
    run(proxy.last_flip().drained());
    drained(&database);
    // What opened the gate then is worth nothing on the way back.
    let refused = proxy.reload(&at(Phase::DualWrite)).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|said| said.contains("rows-differ")));
    let (done, _) = verify(&database, &Order { fix: Some(segue::walk::Toward::Old), ..order() });
    assert_eq!(done.map(|it| it.mended).map_err(|error| error.to_string()), Ok(1));
    proxy.reload(&at(Phase::DualWrite)).unwrap_or_else(|error| panic!("{error}"));
    proxy.stop();
}

/// More rows than one statement is for.
#[test]
fn a_large_table_is_compared_in_stretches() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
               INSERT INTO t SELECT g, g, g FROM generate_series(1, 250000) g;
               UPDATE t SET new = NULL WHERE id IN (1, 123456, 250000);
               UPDATE t SET new = 0 WHERE id = 200000; ANALYZE t;";
    let (database, proxy) = governed("trusted_large", ddl, &at(Phase::DualWrite));
    let closed = |expected: &str| {
        let said = proxy.reload(&at(Phase::SwitchReads)).err().map(|error| error.to_string());
        let said = said.unwrap_or_default().replace("\n      ", " ");
        assert!(said.contains(expected), "{said}");
    };
    closed(
        "column \"new\" does not hold what \"old\" says in 4 rows of \"public.t\": id = 1 has NULL for \
         '1', id = 123456 has NULL for '123456', id = 200000 has '0' for '200000', …",
    );
    database.connect().script("UPDATE t SET old = 'none', new = 7 WHERE id = 77; ANALYZE t");
    database
        .connect()
        .script("UPDATE t SET new = old::int WHERE id <> 77 AND new IS DISTINCT FROM id");
    closed(
        "the rows of \"public.t\" cannot be compared: 1 rows, the first with id = 77: invalid input \
         syntax for type integer: \"none\"",
    );
    database.connect().script("UPDATE t SET old = 7 WHERE id = 77; ANALYZE t");
    proxy.reload(&at(Phase::SwitchReads)).unwrap_or_else(|error| panic!("{error}"));
    // The file is looked at once more when the proxy sees it change.
    let told = "SELECT result, rows, differing, failed FROM segue.verification
                GROUP BY 1, 2, 3, 4 ORDER BY min(id)";
    let expected = ["different|250000|4|0", "unknown|250000|0|1", "equal|250000|0|0"];
    assert_eq!(database.connect().rows(told), expected);
    proxy.stop();
}
