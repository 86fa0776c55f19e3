//! The same rows for the unmigrated database and through segue in each phase.

use std::fmt::Write as _;

use rewrite_rules::Phase;
use segue_tests::message::{Fields, Message};
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::stage::{self, Shape};
use segue_tests::wire::Wire;

use super::cases::{Case, round_trips, written};
use super::{WAYS, Way, copy_in};

/// What a client sees of a COPY, and what all tables hold afterwards.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    answer: Vec<Message>,
    content: Vec<String>,
}

/// Copies inside a transaction that is rolled back.
fn observe(wire: &mut Wire, case: &Case, how: (Way, usize)) -> Seen {
    wire.script(
        "BEGIN; SELECT setval('code_seq', 1000, false); SELECT setval('tasks_id_seq', 100, false); \
         SAVEPOINT before",
    );
    let mut answer = copy_in(wire, &case.sql, &case.data, how);
    let mut failed = false;
    for message in &mut answer {
        if let Message::Error(fields) = message {
            failed = true;
            let kept = ['S', 'C', 'P'];
            *fields = Fields(
                kept.into_iter().map(|field| (field, fields.get(field).to_owned())).collect(),
            );
        }
    }
    if failed {
        wire.script("ROLLBACK TO before");
    }
    let content = wire.rows("SELECT audit()");
    wire.script("ROLLBACK");
    Seen { answer, content }
}

/// What the unmigrated database says of each case, by each way.
fn expected() -> Vec<(Case, Vec<Seen>)> {
    let mut wire = Database::in_shape("plain", Shape::Old).connect();
    let cases: Vec<Case> = round_trips(&mut wire).into_iter().chain(written()).collect();
    let mut expected = Vec::new();
    for case in cases {
        let seen = WAYS.map(|way| observe(&mut wire, &case, (way, 64 * 1024)));
        expected.push((case, seen.to_vec()));
    }
    expected
}

/// The lines of one that the other lacks.
fn difference(plain: &Seen, found: &Seen) -> String {
    let mut text = format!("    {:?}\n    {:?}\n", plain.answer, found.answer);
    for (title, one, other) in
        [("lacks", &plain.content, &found.content), ("has", &found.content, &plain.content)]
    {
        for line in one.iter().filter(|line| !other.contains(line)) {
            let _ = writeln!(text, "    {title} {line}");
        }
    }
    text
}

#[test]
fn an_unchanged_client_cannot_tell_what_becomes_of_its_rows() {
    let expected = expected();
    let mut report = Vec::new();
    for phase in Phase::TWO_SIDED {
        let database = Database::in_shape("phase", Shape::In(phase));
        let generation = relay::generation_of(1, &stage::rules(phase), &database);
        let proxy = Relay::start(&database, generation);
        let mut wire = proxy.connect(&database);
        for (case, seen) in &expected {
            for (way, plain) in WAYS.into_iter().zip(seen) {
                let small = if way == Way::Simple { 5 } else { 1 };
                for size in [64 * 1024, small] {
                    let found = observe(&mut wire, case, (way, size));
                    if found != *plain {
                        let difference = difference(plain, &found);
                        report.push(format!("[{phase}, {way:?}, {size}] {case:?}\n{difference}"));
                    }
                }
            }
        }
        proxy.stop();
    }
    assert!(report.is_empty(), "{} differ\n\n{}\n", report.len(), report.join("\n"));
}

/// Otherwise two failures would be compared, and nothing learned.
#[test]
fn the_cases_mean_what_they_say_on_the_unmigrated_database() {
    let failing = written().iter().position(|case| case.data == b"101\ta\n102\n");
    let failing = failing.expect("the first case that is wrong");
    let expected = expected();
    let right = expected.len() - written().len() + failing;
    for (place, (case, seen)) in expected.iter().enumerate() {
        for seen in seen {
            let error = seen.answer.iter().find(|message| matches!(message, Message::Error(_)));
            assert_eq!(error.is_some(), place >= right, "{case:?} {error:?}");
        }
    }
}
