//! Verifications on a real server: every kind of key, rows that cannot be compared, writers beside it,
//! mending, what the gates make of the results, and the proxies' own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod continuous;
mod failing_rows;
mod keys;
mod mending;
mod refused;
mod trusted;
mod writers;

use std::sync::{Arc, Mutex};

use rewrite_rules::Phase;
use segue::backfill::job::Clients;
use segue::config::{ControlUrl, control_url};
use segue::verify::{self, Event, Order, Outcome, VerifyError};
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually, run};

/// The `[[migration]]` entry that changes `from` of `table` to `to`.
fn change(table: &str, from: &str, to: &str, phase: Phase) -> String {
    let [table, from, to] = [table, from, to].map(|name| name.replace('"', "\\\""));
    format!(
        "[[migration]]\nname = \"move\"\nkind = \"change-column\"\ntable = \"{table}\"\n\
         from = \"{from}\"\nto = \"{to}\"\nphase = \"{phase}\"\n"
    )
}

/// How the usual verification of these tests is ordered: nothing slows it down, and all rows are named.
fn order() -> Order {
    Order { throttle: false, show: 1_000, ..Order::of("move", "a test") }
}

/// Verifies as segue's own role, with everything that happened.
fn verify(database: &Database, order: &Order) -> (Result<Outcome, VerifyError>, Vec<Event>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let mut report = move |event: Event| seen.lock().expect("no poison").push(event);
    let done = run(verify::run(&control(database), order, &nobody(), &mut report));
    let events = events.lock().expect("no poison").clone();
    (done, events)
}

/// Verifies, and wants what an oracle says: `rows` gives the rows of all, `differing` lines of the key, the
/// column that is read, the other one, and what that should hold, for each row that differs.
#[track_caller]
fn check(database: &Database, about: &str, order: &Order, rows: &str, differing: &str) -> Outcome {
    let mut expected = database.connect().rows(differing);
    let (done, _) = verify(database, order);
    let outcome = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    let mut found: Vec<String> = outcome.rows.iter().map(line).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{about}");
    let counted = (outcome.compared, outcome.differing, outcome.failed);
    let all: u64 = value(database, rows).parse().expect("a number");
    let differ = u64::try_from(expected.len()).expect("a number");
    assert_eq!(counted, (all, differ, 0), "{about}");
    let told = "SELECT result, rows, differing, failed, complete FROM segue.verification
                ORDER BY id DESC LIMIT 1";
    let result = if differ == 0 { "equal" } else { "different" };
    let journal = [format!("{result}|{all}|{differ}|0|t")];
    assert_eq!(database.connect().rows(told), journal, "{about}");
    outcome
}

/// A row that differs, as oracles write it.
fn line(row: &segue::journal::verify::Found) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
    format!("{}|{}|{}|{}", row.key, value(&row.source), value(&row.found), value(&row.expected))
}

/// Nobody says what clients feel.
fn nobody() -> Clients {
    Arc::new(|_| None)
}

fn control(database: &Database) -> ControlUrl {
    control_url(&database.control_url()).expect("a URL")
}

/// A database with `ddl`, in which segue's role may write everything, and a proxy that governs it.
fn governed(about: &str, ddl: &str, migration: &str) -> (Database, Proxy) {
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
