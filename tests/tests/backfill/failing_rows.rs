//! Rows that cannot be copied: found one by one, written down, and skipped or not.

use rewrite_rules::Phase;
use segue::backfill::{BackfillError, Event, OnError, Order};

use crate::{copy, dual_writing, order, rename, value};

/// Numbers as text, some of which are none.
fn ddl(key: &str) -> String {
    format!(
        "CREATE TABLE t (id bigint {key}, old text, new int);
         INSERT INTO t SELECT g, CASE WHEN g IN (1, 700, 701, 3000) THEN 'none' ELSE g::text END
         FROM generate_series(1, 3000) g;"
    )
}

fn migration() -> String {
    rename("t", "old", "new", Phase::DualWrite).replace("rename-column", "change-column")
}

/// The rows that were told to have failed, by key.
fn told(events: &[Event]) -> Vec<String> {
    let failed = events.iter().filter_map(|event| match event {
        Event::Failed(failure) => Some(format!("{} {}", failure.sqlstate, failure.key)),
        _other => None,
    });
    let mut told: Vec<String> = failed.collect();
    told.sort();
    told.dedup();
    told
}

fn check(about: &str, key: &str, expected: &[&str]) {
    let (database, proxy) = dual_writing(about, &ddl(key), &migration());
    let order = Order { on_error: OnError::Skip, ..order() };
    let (done, events) = copy(&database, &order);
    let done = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!(done.changed, 2_996, "all others are copied");
    assert_eq!(told(&events), expected);
    let apart = "SELECT count(*) FROM t WHERE old <> 'none' AND new IS DISTINCT FROM old::int";
    assert_eq!(value(&database, apart), "0");
    let kept = "SELECT string_agg(key || ' ' || message, '; ' ORDER BY at, key)
                FROM segue.backfill_failure";
    assert!(value(&database, kept).contains("invalid input syntax for type integer: \"none\""));
    // Mended rows are copied by the next run, and forgotten.
    proxy.connect().script("UPDATE t SET old = '0' WHERE id IN (1, 700, 701, 3000)");
    let (again, events) = copy(&database, &order);
    assert_eq!(again.map(|done| done.failures).map_err(|error| error.to_string()), Ok(0));
    assert_eq!(told(&events), [] as [&str; 0]);
    assert_eq!(value(&database, "SELECT count(*) FROM segue.backfill_failure"), "0");
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old::int"), "0");
    proxy.stop();
}

#[test]
fn skipped_rows_are_named() {
    let rows = ["22P02 id = 1", "22P02 id = 3000", "22P02 id = 700", "22P02 id = 701"];
    check("failing_skip", "PRIMARY KEY", &rows);
}

#[test]
fn rows_without_a_key_are_named_by_their_place() {
    let database = "failing_place";
    let (database, proxy) = dual_writing(database, &ddl(""), &migration());
    let places = "SELECT string_agg('22P02 ctid = ' || ctid, ',' ORDER BY ctid::text) FROM t WHERE old = 'none'";
    let expected = value(&database, places);
    let order = Order { on_error: OnError::Skip, ..order() };
    let (done, events) = copy(&database, &order);
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(2_996));
    assert_eq!(told(&events).join(","), expected);
    proxy.stop();
}

#[test]
fn one_stops_it_and_the_next_run_goes_on_there() {
    let (database, proxy) = dual_writing("failing_stop", &ddl("PRIMARY KEY"), &migration());
    let mut keys = Vec::new();
    let done = loop {
        let (stopped, events) = copy(&database, &order());
        let goes_on = !keys.is_empty();
        assert!(matches!(events.first(), Some(Event::Began { goes_on: it, .. }) if *it == goes_on));
        match stopped {
            Ok(done) => break done,
            Err(BackfillError::Row(failure)) => {
                assert_eq!(value(&database, "SELECT state FROM segue.backfill"), "failed");
                let key = failure.key.replace("id = ", "");
                database.connect().script(&format!("UPDATE t SET old = '5' WHERE id = {key}"));
                keys.push(key);
            }
            Err(other) => panic!("{other}"),
        }
        assert!(keys.len() < 5, "{keys:?}");
    };
    keys.sort();
    assert_eq!(keys, ["1", "3000", "700", "701"]);
    assert_eq!((done.changed, done.failures), (3_000, 0), "each row once");
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old::int"), "0");
    proxy.stop();
}

#[test]
fn a_constraint_or_a_trigger_refuses_a_row_too() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int CHECK (new <> 5));
               INSERT INTO t SELECT g, g FROM generate_series(1, 100) g;
               CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN IF NEW.id = 9 THEN RAISE 'never nine'; END IF; RETURN NEW; END$$;
               CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION no();";
    let migration = rename("t", "old", "new", Phase::DualWrite);
    let (database, proxy) = dual_writing("failing_check", ddl, &migration);
    let (done, events) = copy(&database, &Order { on_error: OnError::Skip, ..order() });
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(98));
    assert_eq!(told(&events), ["23514 id = 5", "P0001 id = 9"]);
    proxy.stop();
}
