//! A column that was added is filled for the past, and what the application has written stays.

use segue::backfill::Order;

use crate::{copy, dual_writing, order, value};

const DDL: &str = "
    CREATE TABLE t (id bigint PRIMARY KEY, seen date, made date, last date);
    INSERT INTO t SELECT g, CASE WHEN g % 3 = 0 THEN date '2026-1-1' + g % 100 END,
                         CASE WHEN g % 5 <> 0 THEN date '2025-1-1' END,
                         CASE WHEN g % 7 = 0 THEN date '2000-1-1' END
    FROM generate_series(1, 2100) g;
    CREATE TABLE before AS TABLE t;";

fn migration(value: &str) -> String {
    format!(
        "[[migration]]\nname = \"move\"\nkind = \"backfill-column\"\ntable = \"t\"\ncolumn = \"last\"\n\
         value = \"{value}\"\nphase = \"backfill\"\n"
    )
}

/// After a backfill with this value, the column holds `expected` where it was NULL.
fn check(about: &str, of: &str, order: &Order, expected: &str) {
    let (database, proxy) = dual_writing(about, DDL, &migration(of));
    let (done, _) = copy(&database, order);
    let done = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    let wrong = format!(
        "SELECT count(*) FROM t JOIN before b USING (id)
         WHERE t.last IS DISTINCT FROM CASE WHEN b.last IS NULL THEN {expected} ELSE b.last END"
    );
    assert_eq!(value(&database, &wrong), "0", "{about}");
    let filled = "SELECT count(*) FROM t JOIN before b USING (id) WHERE b.last IS NULL AND t.last IS NOT NULL";
    assert_eq!(value(&database, filled), done.changed.to_string(), "{about}");
    proxy.stop();
}

#[test]
fn what_is_null_is_filled_and_nothing_else() {
    let expected = "coalesce(b.seen, b.made)";
    check("added_plain", "COALESCE(seen, made)", &order(), expected);
    let first = Order { steps: vec!["seen > date '2026-2-1'".to_owned()], ..order() };
    check("added_steps", "COALESCE(seen, made)", &first, expected);
}

#[test]
fn each_row_has_a_value_of_its_own() {
    let of = "date '2026-1-1' + (random() * 1000000)::int";
    let (database, proxy) = dual_writing("added_random", DDL, &migration(of));
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(1_800));
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE last IS NULL"), "0");
    assert_eq!(value(&database, "SELECT count(DISTINCT last) > 1700 FROM t"), "t");
    proxy.stop();
}

#[test]
fn a_value_of_its_own_may_be_null() {
    let of = "CASE WHEN random() < 2 AND id % 10 > 0 THEN current_date END";
    let (database, proxy) = dual_writing("added_null", DDL, &migration(of));
    let (done, _) = copy(&database, &order());
    let done = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!(done.failures, 0);
    let filled = "SELECT count(*) FROM t WHERE (last IS NULL) <> (id % 10 = 0 AND id % 7 <> 0)";
    assert_eq!(value(&database, filled), "0");
    proxy.stop();
}
