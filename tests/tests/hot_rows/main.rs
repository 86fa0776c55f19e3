//! Sixteen writers on fifty rows whose columns move to another table, or of two tables that become one, through
//! every pair of neighbouring phases forth and back: no write is lost, both tables agree, nobody is a deadlock's victim, and all of it is
//! what some order of one after the other would have done.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod serial;
mod tables;
mod writer;

use std::sync::Arc;
use std::thread;

use rewrite_rules::Phase;
use segue::backfill;
use segue_tests::copying::{control, drained, governed, nobody};
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually, run};

use self::serial::{Row, Token, check};
use self::tables::Tables;
use self::writer::{Dialect, Progress, Writer};

/// Writers, of which each fourth one speaks the new shape.
const WRITERS: usize = 16;

/// Rows that they write.
const ROWS: i32 = 50;

/// Transactions of each writer in each phase, at least.
const UNITS: u64 = 40;

/// A step, once the one before has drained; its gate may want one table brought up to date.
fn step(proxy: &Proxy, tables: Tables, phase: Phase) {
    drained(proxy.database());
    let mut refused = String::new();
    for _attempt in 0..5 {
        match proxy.reload(&tables.migration(phase)) {
            Ok(_) => return,
            Err(error) => refused = error.to_string(),
        }
        if refused.contains("rows-differ") {
            copy(proxy.database());
        }
        proxy.database().connect().script("ANALYZE");
    }
    panic!("{phase}: {refused}");
}

fn copy(database: &Database) {
    let order = backfill::Order { throttle: false, ..backfill::Order::of("move", "a test") };
    let copied = run(backfill::run(&control(database), &order, &nobody(), &mut |_event| ()));
    copied.unwrap_or_else(|error| panic!("{}", error.with_hint()));
}

/// What a side holds.
fn rows(database: &Database, query: &str) -> Vec<Row> {
    let read = |line: &String| {
        let mut fields = line.split('|');
        let mut next = || fields.next().unwrap_or_default();
        let tokens = |text: &str| -> Vec<Token> {
            text.split_whitespace().map(|token| token.parse().expect("a token")).collect()
        };
        let id = next().parse().expect("a key");
        let (kept, log) = (tokens(next()), tokens(next()));
        Row { id, kept, log, count: next().parse().expect("a number") }
    };
    database.connect().rows(query).iter().map(read).collect()
}

#[test]
fn sixteen_writers_on_fifty_rows_of_a_split() {
    sixteen_writers_on_fifty_rows(Tables::Split);
}

#[test]
fn sixteen_writers_on_fifty_rows_of_a_merge() {
    sixteen_writers_on_fifty_rows(Tables::Merge);
}

#[track_caller]
fn sixteen_writers_on_fifty_rows(tables: Tables) {
    let expand = tables.migration(Phase::Expand);
    let (database, proxy) = governed("hot_rows", tables.ddl(), &expand);
    let progress = Arc::new(Progress::new(WRITERS));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let dialect = if number % 4 == 3 { Dialect::New } else { Dialect::Old };
            let writer =
                Writer::new(number, (dialect, tables), proxy.login(), Arc::clone(&progress));
            thread::spawn(move || writer.work(ROWS))
        })
        .collect();
    let way = [
        Phase::DualWrite,
        Phase::SwitchReads,
        Phase::StopDualWrite,
        Phase::Contract,
        Phase::StopDualWrite,
        Phase::SwitchReads,
        Phase::DualWrite,
        Phase::Expand,
        Phase::DualWrite,
        Phase::SwitchReads,
    ];
    let work = |phase: Phase| {
        // In the first phase there is no new table yet.
        let (before, may_all) = (progress.units(), phase != Phase::Expand);
        eventually("all writers have worked", || progress.has_each_done(&before, UNITS, may_all));
    };
    let mut present = Phase::Expand;
    for phase in way {
        work(present);
        step(&proxy, tables, phase);
        present = phase;
    }
    work(present);
    progress.stop();
    let histories: Vec<_> =
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect();
    for history in &histories {
        assert!(history.len() > 200, "each writer has got through: {}", history.len());
    }
    copy(&database);
    let [old, new] = tables.sides().map(|side| rows(&database, side));
    assert_eq!(old, new, "both tables hold the same");
    check(&new, &histories);
    assert_eq!(progress.deadlocks(), 0, "they lock rows in the order of their keys");
    proxy.stop();
}
