//! Rows that cannot be compared are named and counted, and no others are lost over them.

use rewrite_rules::Phase;
use segue::journal::verify::Found;
use segue::verify::{Order, VerifyError};

use crate::{change, governed, order, value, verify};

/// Numbers as text, some of which are none, and two rows that differ.
fn ddl(key: &str) -> String {
    format!(
        "CREATE TABLE t (id bigint {key}, old text, new int);
         INSERT INTO t SELECT g, CASE WHEN g IN (1, 2700, 2701, 5000) THEN 'none' ELSE g::text END,
                              CASE WHEN g NOT IN (2, 2702) THEN g END
         FROM generate_series(1, 5000) g; ANALYZE t;"
    )
}

fn told(row: &Found) -> String {
    format!("{}: {}", row.key, row.problem.as_deref().unwrap_or("differs"))
}

/// With `key` behind the first column, and `place` as what tells a row.
fn check(about: &str, key: &str, place: &str) {
    let (database, proxy) =
        governed(about, &ddl(key), &change("t", "old", "new", Phase::DualWrite));
    let (done, _) = verify(&database, &order());
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((outcome.compared, outcome.differing, outcome.failed), (5_000, 2, 4));
    assert_eq!(outcome.equal(), Some(false));
    let oracle = format!(
        "SELECT {place} || CASE old WHEN 'none'
                THEN ': invalid input syntax for type integer: \"none\" (SQLSTATE 22P02)'
                ELSE ': differs' END
         FROM t WHERE id IN (1, 2, 2700, 2701, 2702, 5000) ORDER BY id"
    );
    let found: Vec<String> = outcome.rows.iter().map(told).collect();
    assert_eq!(found, database.connect().rows(&oracle));
    // Where no others differ, it cannot be told whether all rows agree.
    database.connect().script("UPDATE t SET new = id WHERE id IN (2, 2702)");
    let (done, _) = verify(&database, &order());
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((outcome.differing, outcome.failed, outcome.equal()), (0, 4, None));
    let result = "SELECT result FROM segue.verification ORDER BY id DESC LIMIT 1";
    assert_eq!(value(&database, result), "unknown");
    database.connect().script("UPDATE t SET old = id WHERE old = 'none'");
    let (done, _) = verify(&database, &order());
    assert_eq!(done.map(|it| it.equal()).map_err(|error| error.to_string()), Ok(Some(true)));
    proxy.stop();
}

#[test]
fn they_are_named_by_their_key() {
    check("failing_key", "PRIMARY KEY", "'id = ' || id");
}

#[test]
fn they_are_named_by_their_place_where_there_is_no_key() {
    check("failing_place", "", "'ctid = ' || ctid");
}

#[test]
fn too_many_are_no_exceptions() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
               INSERT INTO t SELECT g, 'none' FROM generate_series(1, 1100) g;";
    let (database, proxy) =
        governed("failing_all", ddl, &change("t", "old", "new", Phase::DualWrite));
    let (done, _) = verify(&database, &Order { show: 0, ..order() });
    assert!(matches!(done, Err(VerifyError::TooManyFailures)), "{done:?}");
    assert_eq!(value(&database, "SELECT count(*) FROM segue.verification"), "0");
    proxy.stop();
}
