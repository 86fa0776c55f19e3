//! Rows that differ are made equal, in both directions, and no others are touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rewrite_rules::Phase;
use segue::verify::Order;
use segue::walk::Toward;
use segue_tests::server::{eventually, run};

use crate::{change, control, governed, nobody, order, value, verify};

const ROWS: u64 = 6_000;

/// The new column has a thousand other values; `touched` counts what was written to a row.
fn ddl(key: &str) -> String {
    format!(
        "CREATE TABLE t (id bigint {key}, old text, new int, touched int NOT NULL DEFAULT 0);
         INSERT INTO t (id, old, new) SELECT g, g, CASE WHEN g % 6 = 0 THEN -g ELSE g END
         FROM generate_series(1, {ROWS}) g; ANALYZE t;
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN NEW.touched = OLD.touched + 1; RETURN NEW; END$$;
         CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();"
    )
}

/// All rows hold `holds` in the end, and only those that differed were written.
fn check(about: &str, key: &str, phase: Phase, order: &Order, holds: &str) {
    let (database, proxy) = governed(about, &ddl(key), &change("t", "old", "new", phase));
    let (done, _) = verify(&database, order);
    let outcome = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    let counted = (outcome.compared, outcome.mended, outcome.differing, outcome.failed);
    assert_eq!(counted, (ROWS, 1_000, 0, 0), "{about}");
    assert_eq!(value(&database, &format!("SELECT count(*) FROM t WHERE NOT ({holds})")), "0");
    let touched = "SELECT count(*) FROM t WHERE touched <> (id % 6 = 0)::int";
    assert_eq!(value(&database, touched), "0", "{about}");
    let (again, _) = verify(&database, &crate::order());
    assert_eq!(again.map(|it| it.equal()).map_err(|error| error.to_string()), Ok(Some(true)));
    proxy.stop();
}

fn fix(side: Toward) -> Order {
    Order { fix: Some(side), ..order() }
}

#[test]
fn the_side_that_is_not_read() {
    let to_old = "new = id AND old = id::text";
    check("mending_new", "PRIMARY KEY", Phase::DualWrite, &fix(Toward::New), to_old);
    let composite = ", kind text DEFAULT 'a', PRIMARY KEY (kind, id)";
    check("mending_composite", composite, Phase::DualWrite, &fix(Toward::New), to_old);
    check("mending_place", "", Phase::DualWrite, &fix(Toward::New), to_old);
    let shared = Order { workers: 3, ..fix(Toward::New) };
    check("mending_shared", "PRIMARY KEY", Phase::DualWrite, &shared, to_old);
    let to_new = "old = new::text AND abs(new) = id AND (new < 0) = (id % 6 = 0)";
    check("mending_old", "PRIMARY KEY", Phase::SwitchReads, &fix(Toward::Old), to_new);
}

#[test]
fn the_side_that_is_read_when_the_operator_says_so() {
    let over = |side| Order { overwrites_read_side: true, ..fix(side) };
    let to_new = "old = new::text AND abs(new) = id AND (new < 0) = (id % 6 = 0)";
    check("mending_over_old", "PRIMARY KEY", Phase::DualWrite, &over(Toward::Old), to_new);
    let to_old = "new = id AND old = id::text";
    check("mending_over_new", "PRIMARY KEY", Phase::SwitchReads, &over(Toward::New), to_old);
}

#[test]
fn rows_that_refuse_are_named_and_left() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int CHECK (new <> 250));
               INSERT INTO t (id, old, new) SELECT g, g, CASE WHEN g % 50 <> 0 THEN g END
               FROM generate_series(1, 500) g;";
    let (database, proxy) =
        governed("mending_refused", ddl, &change("t", "old", "new", Phase::DualWrite));
    let (done, _) = verify(&database, &fix(Toward::New));
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((outcome.mended, outcome.differing), (9, 1));
    let told: Vec<String> = outcome.rows.iter().map(|row| outcome.told(row)).collect();
    assert_eq!(
        told,
        [
            "public.t, id = 250: \"old\" is '250', \"new\" is NULL, should be '250'; cannot be mended: \
          new row for relation \"t\" violates check constraint \"t_new_check\" (SQLSTATE 23514)"
        ]
    );
    proxy.stop();
}

/// A client writes to rows under the lock that the mending waits for: what it writes stays.
#[test]
fn a_write_that_is_under_way_is_seen() {
    let (database, proxy) =
        governed("mending_race", &ddl("PRIMARY KEY"), &change("t", "old", "new", Phase::DualWrite));
    let mut client = proxy.connect();
    client.script("BEGIN; UPDATE t SET old = '77' WHERE id = 6");
    let over = Arc::new(AtomicBool::new(false));
    let (other, done) = (database.clone(), Arc::clone(&over));
    let mending = std::thread::spawn(move || {
        let done_now = run(segue::verify::run(
            &control(&other),
            &fix(Toward::New),
            &nobody(),
            &mut |_event| (),
        ));
        done.store(true, Ordering::Relaxed);
        done_now
    });
    // It gives way for as long as the client holds the row.
    let tried = "SELECT count(*) > 0 FROM pg_stat_activity
                 WHERE application_name = 'segue verify' AND query ILIKE '%ROLLBACK%'
                   AND datname = current_database()";
    eventually("it gave way", || value(&database, tried) == "t");
    assert!(!over.load(Ordering::Relaxed), "it waits");
    client.script("COMMIT");
    let outcome = mending.join().expect("no panic").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((outcome.mended, outcome.differing), (999, 0), "the client has mended one itself");
    assert_eq!(value(&database, "SELECT old || ' ' || new FROM t WHERE id = 6"), "77 77");
    proxy.stop();
}

#[test]
fn nothing_is_mended_in_a_phase_that_was_left() {
    let (database, proxy) =
        governed("mending_left", &ddl("PRIMARY KEY"), &change("t", "old", "new", Phase::DualWrite));
    let mut holder = database.connect();
    holder.script("BEGIN; UPDATE t SET touched = 0 WHERE id = 6");
    let other = database.clone();
    let mending = std::thread::spawn(move || verify(&other, &fix(Toward::New)).0);
    let tried = "SELECT count(*) > 0 FROM pg_stat_activity
                 WHERE application_name = 'segue verify' AND query ILIKE '%ROLLBACK%'
                   AND datname = current_database()";
    eventually("it gave way", || value(&database, tried) == "t");
    let back = change("t", "old", "new", Phase::Expand);
    eventually("the way is free", || proxy.reload(&back).is_ok());
    holder.script("COMMIT");
    let said = mending.join().expect("no panic").err().map(|error| error.to_string());
    assert_eq!(said.as_deref(), Some("migration \"move\" has left its phase meanwhile"));
    assert_eq!(value(&database, "SELECT new FROM t WHERE id = 6"), "-6");
    proxy.stop();
}
