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
mod halves;
mod held;
mod keys;
mod merged;
mod merged_writers;
mod odd;
mod refused;
mod writers;

use std::sync::{Arc, Mutex};

use rewrite_rules::Phase;
use segue::backfill::{self, BackfillError, Event, Order, Progress};
use segue_tests::copying::{column, control, drained, governed as dual_writing, nobody, value};
use segue_tests::server::{Database, run};

/// The `[[migration]]` entry that renames `from` of `table` to `to`.
fn rename(table: &str, from: &str, to: &str, phase: Phase) -> String {
    column("rename-column", table, from, to, phase)
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
