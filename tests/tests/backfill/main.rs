//! Backfills on a real server: every kind of key, interruptions, rows that cannot be copied, writers
//! beside it, and who may not begin one.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod added;
mod control;
mod failing_rows;
mod keys;
mod odd;
mod refused;
mod writers;

use std::sync::{Arc, Mutex};

use rewrite_rules::Phase;
use segue::backfill::{self, BackfillError, Event, Order, Progress, job::Clients};
use segue::config::control_url;
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually, run};

/// The `[[migration]]` entry that renames `from` of `table` to `to`.
fn rename(table: &str, from: &str, to: &str, phase: Phase) -> String {
    let [table, from, to] = [table, from, to].map(|name| name.replace('"', "\\\""));
    format!(
        "[[migration]]\nname = \"move\"\nkind = \"rename-column\"\ntable = \"{table}\"\n\
         from = \"{from}\"\nto = \"{to}\"\nphase = \"{phase}\"\n"
    )
}

/// How the usual backfill of these tests is ordered: nothing slows it down.
fn order() -> Order {
    Order { throttle: false, ..Order::of("move", "a test") }
}

/// Runs a backfill as segue's own role, with everything that happened.
fn copy(database: &Database, order: &Order) -> (Result<Progress, BackfillError>, Vec<Event>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let mut report = move |event: Event| seen.lock().expect("no poison").push(event);
    let done = run(backfill::run(&control(database), order, &nobody(), &mut report));
    let events = events.lock().expect("no poison").clone();
    (done, events)
}

/// Nobody says what clients feel.
fn nobody() -> Clients {
    Arc::new(|_| None)
}

fn control(database: &Database) -> segue::config::ControlUrl {
    control_url(&database.control_url()).expect("a URL")
}

/// A database with `ddl`, in which segue's role may write everything, and a proxy in dual-write.
fn dual_writing(about: &str, ddl: &str, migration: &str) -> (Database, Proxy) {
    let database = Database::create(about, ddl);
    database
        .connect()
        .script("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO segue");
    let proxy = Proxy::start(&database, migration);
    drained(&database);
    (database, proxy)
}

/// Waits until every replica has told the journal that it has drained.
fn drained(database: &Database) {
    let lagging = "SELECT count(*) FROM segue.replica, segue.fleet
                   WHERE expelled_at IS NULL AND acknowledged < epoch";
    eventually("all replicas have drained", || value(database, lagging) == "0");
}

/// The only value of a query.
fn value(database: &Database, query: &str) -> String {
    database.connect().rows(query).into_iter().next().unwrap_or_default()
}
