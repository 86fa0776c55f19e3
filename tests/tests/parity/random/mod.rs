//! Random statements over the corpus' tables, compared like the corpus.
//!
//! `SEGUE_PARITY_CASES` says how many, `SEGUE_PARITY_SEED` which, and with `SEGUE_PARITY_SHOW` those
//! are shown that fail on the unmigrated database or are refused. A statement that differs is made
//! simpler as long as it differs, and shown with its seed, its number and the phase.

mod choices;
mod expression;
mod from;
mod list;
mod maker;
mod query;
mod schema;
mod scope;
mod simplest;
mod worlds;
mod write;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::thread;

use proptest::strategy::ValueTree;
use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::wire::Wire;

use crate::compare::difference;
use crate::observe::{Seen, observe, untouched};
use crate::report::say;
use crate::stages::Stages;

use maker::{Case, Maker, case, tree};
use worlds::World;

/// A statement that gives more than this on the unmigrated database is left out: joins of joins of
/// everything can give millions of rows. Units: milliseconds, messages.
const LONGEST_MS: u32 = 1_000;
const MOST_MESSAGES: usize = 10_000;

/// Most faults that are made simpler and shown.
const SHOWN_FAULTS: usize = 8;

/// What one session saw of all cases.
struct Run {
    untouched: Vec<String>,
    seen: Vec<Seen>,
}

/// Why segue refused a statement, if it did.
fn refusal(found: &Seen) -> Option<String> {
    found.answer.iter().find_map(|message| match message {
        Message::Error(fields) if fields.code() == "0A000" => {
            let words = fields.get('M');
            let why = words.split_once(" on table ").map_or(words, |(why, _)| why);
            let why = why.strip_prefix("cannot rewrite ").unwrap_or(why).trim_end_matches(',');
            words.contains("during migration").then(|| why.to_owned())
        }
        _ => None,
    })
}

/// What is wrong with a statement in one phase.
fn fault(world: &World, plain: &Seen, found: &Seen, untouched: &[String]) -> Option<String> {
    let did_something = found.content.as_ref().is_some_and(|content| content != untouched);
    match refusal(found) {
        Some(why) if !world.refused.contains(&why.as_str()) => Some(format!("    {why}\n")),
        Some(_) if did_something => Some("    refused, but something was done\n".to_owned()),
        Some(_) => None,
        None if violates(plain) && violates(found) => None,
        None => (plain != found).then(|| difference(plain, found)),
    }
}

/// Whether a constraint or a column's length stood in the way. Which of several it is depends on which row, and which
/// table, comes first.
fn violates(seen: &Seen) -> bool {
    let is_violation = |code: &str| code.starts_with("23") || code == "22001";
    matches!(seen.error(), Some(Message::Error(fields)) if is_violation(fields.code()))
}

#[test]
fn random_statements_mean_the_same_in_every_phase() {
    check(&worlds::COLUMNS);
}

#[test]
fn random_statements_mean_the_same_in_every_phase_of_a_split() {
    check(&worlds::SPLIT);
}

#[test]
fn random_statements_mean_the_same_in_every_phase_of_a_merge() {
    check(&worlds::MERGE);
}

fn check(world: &'static World) {
    let stages = (world.stages)();
    let name = stages.schema.name;
    let cases = setting("SEGUE_PARITY_CASES").map_or(world.cases, |cases| cases as usize);
    let seed = setting("SEGUE_PARITY_SEED").unwrap_or_else(|| RandomState::new().hash_one(cases));
    say(&format!(
        "random statements of {name}: SEGUE_PARITY_SEED={seed} SEGUE_PARITY_CASES={cases}\n"
    ));
    let all = (0..cases).map(|number| case(world, &tree(seed, number).current()));
    let (numbers, all, plain) = on_the_unmigrated_database(stages, all);
    let left_out = cases - all.len();
    say(&format!("random statements of {name}: {left_out} left out that give too much\n"));
    let cases = all.len();
    let phases = in_each_phase(stages, &all);
    let valid = plain.seen.iter().filter(|seen| seen.error().is_none()).count();
    let mut failures = Vec::new();
    let mut counts = String::new();
    for (phase, run) in &phases {
        let mut refused = 0;
        let before = failures.len();
        for ((plain, found), number) in plain.seen.iter().zip(&run.seen).zip(&numbers) {
            match fault(world, plain, found, &run.untouched) {
                Some(_) => failures.push((*phase, *number)),
                None => refused += usize::from(refusal(found).is_some()),
            }
        }
        let faults = failures.len() - before;
        let equal = cases - refused - faults;
        counts += &format!("  {:<16} {equal:>6} {refused:>8} {faults:>7}\n", phase.name());
    }
    say(&format!(
        "random statements of {name}: {cases}, of which {valid} are valid\n  phase             equal  refused  \
         faults\n{counts}{}",
        reasons(&plain, &phases)
    ));
    show(&all, &plain, &phases);
    let shown: Vec<String> = failures
        .iter()
        .take(SHOWN_FAULTS)
        .map(|(phase, number)| simplest::simplest(world, seed, *number, *phase))
        .collect();
    assert!(failures.is_empty(), "{} faults\n\n{}", failures.len(), shown.join("\n"));
    assert!(
        valid * 100 >= cases * world.valid_percent,
        "only {valid} of {cases} statements are valid"
    );
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} is {text}: {error}")))
}

/// The cases that are not too large, with their numbers and what the unmigrated database says.
fn on_the_unmigrated_database(
    stages: &Stages,
    all: impl Iterator<Item = Case>,
) -> (Vec<usize>, Vec<Case>, Run) {
    let mut wire = stages.plain();
    let mut run = Run { untouched: untouched(&mut wire), seen: Vec::new() };
    wire.script(&format!("SET statement_timeout = {LONGEST_MS}"));
    let (mut numbers, mut cases) = (Vec::new(), Vec::new());
    for (number, case) in all.enumerate() {
        let seen = observe(&mut wire, &case.entry, case.mode);
        let late = matches!(seen.error(), Some(Message::Error(it)) if it.code() == "57014");
        if !late && seen.answer.len() <= MOST_MESSAGES {
            numbers.push(number);
            cases.push(case);
            run.seen.push(seen);
        }
    }
    (numbers, cases, run)
}

/// Runs all cases in each phase.
fn in_each_phase(stages: &Stages, all: &[Case]) -> [(Phase, Run); 5] {
    let run = |wire: &mut Wire| Run {
        untouched: untouched(wire),
        seen: all.iter().map(|case| observe(wire, &case.entry, case.mode)).collect(),
    };
    thread::scope(|scope| {
        let phases = Phase::TWO_SIDED
            .map(|phase| scope.spawn(move || (phase, run(&mut stages.through(phase).wire))));
        phases.map(|phase| phase.join().expect("a phase"))
    })
}

/// How often statements failed, and how often they were refused, for which reason.
fn reasons(plain: &Run, phases: &[(Phase, Run)]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for message in plain.seen.iter().filter_map(Seen::error) {
        if let Message::Error(fields) = message {
            *counts.entry(format!("fail with {}", fields.code())).or_default() += 1;
        }
    }
    for why in phases.iter().flat_map(|(_, run)| &run.seen).filter_map(refusal) {
        *counts.entry(why).or_default() += 1;
    }
    counts.into_iter().map(|(why, count)| format!("  {count:>6} {why}\n")).collect()
}

/// Shows what was not compared in earnest, where somebody asks for it.
fn show(all: &[Case], plain: &Run, phases: &[(Phase, Run)]) {
    if setting("SEGUE_PARITY_SHOW").is_none() {
        return;
    }
    for (case, seen) in all.iter().zip(&plain.seen) {
        if let Some(error) = seen.error() {
            say(&format!("invalid [{error:?}] {}\n", case.entry.sql()));
        }
    }
    for (phase, run) in phases {
        for (case, seen) in all.iter().zip(&run.seen) {
            if let Some(why) = refusal(seen) {
                say(&format!("{phase}: {why}: {}\n", case.entry.sql()));
            }
        }
    }
}
