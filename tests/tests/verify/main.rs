//! Verifications on a real server: every kind of key, rows that cannot be compared, writers beside it,
//! mending, what the gates make of the results, and the proxies' own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod added;
mod continuous;
mod failing_rows;
mod halves;
mod keys;
mod mending;
mod merged;
mod merged_races;
mod refused;
mod trusted;
mod writers;

use std::sync::{Arc, Mutex};

use rewrite_rules::Phase;
use segue::verify::{self, Event, Order, Outcome, VerifyError};
use segue_tests::copying::{column, control, drained, governed, nobody, value};
use segue_tests::server::{Database, run};

/// The `[[migration]]` entry that changes `from` of `table` to `to`.
fn change(table: &str, from: &str, to: &str, phase: Phase) -> String {
    column("change-column", table, from, to, phase)
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
