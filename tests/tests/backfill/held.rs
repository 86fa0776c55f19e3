//! What a batch holds while it lasts, what it leaves of the table, and what makes it stand still.

use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use segue::backfill::Order;
use segue::backfill::job::Clients;
use segue::backfill::signals::Seen;
use segue_tests::server::eventually;

use crate::control::Beside;
use crate::{copy, dual_writing, order, rename, value};

fn migration() -> String {
    rename("t", "old", "new", Phase::DualWrite)
}

#[test]
fn no_step_and_no_other_runner_comes_in_beside_a_batch() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 20) g;
               CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END$$;
               CREATE TRIGGER slow AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION slow()";
    let (database, proxy) = dual_writing("held_batch", ddl, &migration());
    let beside = Beside::start(&database, order());
    let sleeps = "SELECT count(*) FROM pg_stat_activity
                  WHERE application_name = 'segue backfill' AND wait_event = 'PgSleep'
                    AND datname = current_database()";
    eventually("a batch is under way", || value(&database, sleeps) == "1");
    // What a step locks, and what whoever takes over locks.
    for held in ["segue.migration", "segue.backfill"] {
        let reply = database.connect().simple(&format!("SELECT FROM {held} FOR UPDATE NOWAIT"));
        assert_eq!(reply.code(), "55P03", "{held} is held");
    }
    let done = beside.end().unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!(done.changed, 20);
    proxy.stop();
}

#[test]
fn most_rows_stay_on_their_page() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old text, pad text, new text);
               INSERT INTO t SELECT g, md5(g::text), repeat('x', 90) FROM generate_series(1, 30000) g;
               CREATE INDEX ON t (old); ANALYZE t";
    let (database, proxy) = dual_writing("held_pages", ddl, &migration());
    let pages = || value(&database, "SELECT pg_relation_size('t')").parse::<u64>().expect("a size");
    let before = pages();
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(30_000));
    // Without stripes it grows to twice its size and more; what a batch could not prune costs a little.
    let after = pages();
    assert!(after < before * 16 / 10, "it grew from {before} to {after} bytes");
    proxy.stop();
}

#[test]
fn it_stands_still_while_clients_wait() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 3000) g";
    let (database, proxy) = dual_writing("held_clients", ddl, &migration());
    // Before it began nobody waited; now everybody does.
    let felt: Clients = Arc::new(|length| {
        let p99_us = if length > Duration::from_secs(30) { 2_000 } else { 200_000 };
        Some(Seen { count: 10_000, p99_us })
    });
    let beside = Beside::feeling(&database, Order { throttle: true, ..order() }, felt);
    let reason = "clients wait: p99 200.0 ms, 2.0 ms before";
    eventually("it stands still", || {
        let progress = beside.progress();
        progress.stands_still && progress.reason.as_deref() == Some(reason)
    });
    assert_eq!(value(&database, "SELECT count(new) FROM t"), "0", "it looked before it began");
    // That they go on waiting is not its doing.
    let done = beside.end().unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!(done.changed, 3_000);
    proxy.stop();
}
