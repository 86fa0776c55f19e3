//! Differential tests: an unchanged client cannot tell a database that is being migrated.
//!
//! Every statement of the corpus runs on the unmigrated database and through segue on a database
//! that stands in each phase: in the simple and in the extended protocol, with text and binary
//! results. Compared are whole answers (columns with types and modifiers, parameter types, rows,
//! tags, SQLSTATE, error position, COPY data) and what all tables mean afterwards.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod compare;
mod corpus;
mod observe;
mod planted;
mod random;
mod report;
mod schemas;
mod shapes;
mod stages;

use std::fmt::Debug;
use std::thread;

use compare::{Verdict, judge, listed_in_vain};
use corpus::Entry;
use observe::{Mode, Seen, modes, observe};
use report::Report;
use rewrite_rules::Phase;
use segue_tests::wire::Wire;
use stages::Stages;

/// Every entry in every mode that it can be sent in.
fn observe_all(wire: &mut Wire, entries: &[Entry]) -> Vec<Vec<(Mode, Seen)>> {
    let all = |entry| modes(entry).map(|mode| (mode, observe(wire, entry, mode))).collect();
    entries.iter().map(all).collect()
}

/// Compares all statements of a schema in every phase.
fn check(stages: &Stages) {
    let entries = &stages.entries();
    let mut report = Report::default();
    thread::scope(|scope| {
        let plain = scope.spawn(|| observe_all(&mut stages.plain(), entries));
        let phases = Phase::TWO_SIDED.map(|phase| {
            scope.spawn(move || {
                let mut through = stages.through(phase);
                let wire = &mut through.wire;
                let untouched = observe::untouched(wire);
                (phase, untouched, observe_all(wire, entries))
            })
        });
        let plain = plain.join().expect("the unmigrated database");
        for phase in phases {
            let (phase, untouched, found) = phase.join().expect("a phase");
            for ((entry, plain), found) in entries.iter().zip(&plain).zip(found) {
                let about =
                    |how: &dyn Debug| format!("{} [{phase}, {how:?}] {}", entry.place, entry.sql());
                let verdicts: Vec<Verdict> = (plain.iter().zip(&found))
                    .map(|((_, plain), (_, found))| judge(plain, found, &untouched, entry, phase))
                    .collect();
                if let Some(fault) = listed_in_vain(&verdicts, entry, phase) {
                    report.add(phase, fault, || about(&"every mode"));
                    continue;
                }
                for (verdict, (mode, _)) in verdicts.into_iter().zip(plain) {
                    report.add(phase, verdict, || about(mode));
                }
            }
        }
    });
    report.finish(&format!("corpus of {}: {} entries", stages.schema.name, entries.len()));
}

#[test]
fn an_unchanged_client_cannot_tell_the_phase() {
    check(&stages::COLUMNS);
}

#[test]
fn an_unchanged_client_cannot_tell_the_phase_of_a_split() {
    check(&stages::SPLIT);
}

#[test]
fn an_unchanged_client_cannot_tell_the_phase_of_a_merge() {
    check(&stages::MERGE);
}

/// Otherwise two failures would be compared, and nothing learned.
#[test]
fn the_corpus_means_what_it_says_on_the_unmigrated_database() {
    let report: Vec<String> = stages::all().into_iter().flat_map(not_as_it_says).collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// Statements that fail although they should not, or do not although they should.
fn not_as_it_says(stages: &Stages) -> Vec<String> {
    let mut wire = stages.plain();
    let untouched = observe::untouched(&mut wire);
    let mut report = Vec::new();
    for entry in stages.entries() {
        for mode in modes(&entry) {
            let seen = observe(&mut wire, &entry, mode);
            let error = seen.error();
            if error.is_some() != entry.should_fail() {
                report.push(format!("{} [{mode:?}] {error:?}: {}", entry.place, entry.sql()));
            }
            if entry.needs(corpus::Need::Autocommit)
                && seen.content.is_some_and(|it| it != untouched)
            {
                report.push(format!("{} [{mode:?}] leaves something behind", entry.place));
            }
        }
    }
    report
}
