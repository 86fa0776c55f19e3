//! Random statements over the corpus' tables, compared like the corpus: those of clients of the old shape with the
//! unmigrated database, those of clients of the new one with a database that has the new tables and columns alone.
//!
//! `SEGUE_PARITY_CASES` says how many, `SEGUE_PARITY_SEED` which, and with `SEGUE_PARITY_SHOW` those
//! are shown that fail on that database, are refused, are late or differ. A statement that differs is made
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
use crate::observe::{Seen, is_lossy, observe, untouched};
use crate::report::say;
use crate::schemas::HALF;
use crate::stages::Through;

use maker::{Case, Maker, case, tree};
use worlds::World;

/// A statement that gives more than this is left out: joins of joins of
/// everything can give millions of rows. Units: milliseconds, messages.
const LONGEST_MS: u32 = 1_000;
const MOST_MESSAGES: usize = 10_000;

/// How long a statement may take through segue: rows that are joined of several tables make joins of joins longer, and
/// a session waits half a minute for an answer. Unit: milliseconds.
const LONGEST_THROUGH_MS: u32 = 15_000;

/// Most statements that may be late there. Unit: per mille of those of a phase.
const MOST_LATE: usize = 20;

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
fn fault(
    world: &World,
    phase: Phase,
    plain: &Seen,
    found: &Seen,
    untouched: &[String],
) -> Option<String> {
    let plain = &known_in(phase, plain);
    let did_something = found.content.as_ref().is_some_and(|content| content != untouched);
    match refusal(found) {
        Some(why) if !world.refused.contains(&why.as_str()) => Some(format!("    {why}\n")),
        // By its values: it may have drawn from a sequence before, and stands behind rows that it refers to.
        Some(why) if world.refused_when_run.contains(&why.as_str()) => None,
        Some(_) if did_something => Some("    refused, but something was done\n".to_owned()),
        Some(_) => None,
        None if is_late(found) => None,
        None if violates(plain) && violates(found) => None,
        None => (plain != found).then(|| difference(plain, found)),
    }
}

/// The same without what is not known in `expand`: rows of the new table of a split, which nobody may write there yet.
/// What the old table has of a row that a client of the new shape inserts are its defaults (`docs/limits.md`).
fn known_in(phase: Phase, seen: &Seen) -> Seen {
    let mut seen = seen.clone();
    if phase == Phase::Expand {
        let lines = seen.content.iter_mut();
        lines.for_each(|it| it.retain(|line| !line.starts_with(HALF)));
    }
    seen
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

#[test]
fn random_statements_of_the_new_shape_mean_the_same_in_every_phase() {
    check(&worlds::COLUMNS_NEW);
}

#[test]
fn random_statements_of_the_new_shape_mean_the_same_in_every_phase_of_a_split() {
    check(&worlds::SPLIT_NEW);
}

#[test]
fn random_statements_of_the_new_shape_mean_the_same_in_every_phase_of_a_merge() {
    check(&worlds::MERGE_NEW);
}

fn check(world: &'static World) {
    let stages = (world.stages)();
    let name = format!("{}, {} shape", stages.schema.name, world.client);
    let cases = setting("SEGUE_PARITY_CASES").map_or(world.cases, |cases| cases as usize);
    let seed = setting("SEGUE_PARITY_SEED").unwrap_or_else(|| RandomState::new().hash_one(cases));
    say(&format!(
        "random statements of {name}: SEGUE_PARITY_SEED={seed} SEGUE_PARITY_CASES={cases}\n"
    ));
    let all = (0..cases).map(|number| case(world, &tree(seed, number).current()));
    let (numbers, all, plain) = natively(world, all);
    let left_out = cases - all.len();
    say(&format!("random statements of {name}: {left_out} left out that cannot be compared\n"));
    let cases = all.len();
    let phases = in_each_phase(world, &all);
    let valid = plain.seen.iter().filter(|seen| seen.error().is_none()).count();
    let mut failures = Vec::new();
    let mut counts = String::new();
    let mut too_late = false;
    for (phase, run) in &phases {
        let (mut refused, mut late) = (0, 0);
        let before = failures.len();
        for ((plain, found), number) in plain.seen.iter().zip(&run.seen).zip(&numbers) {
            match fault(world, *phase, plain, found, &run.untouched) {
                Some(_) => failures.push((*phase, *number)),
                None if is_late(found) => late += 1,
                None => refused += usize::from(refusal(found).is_some()),
            }
        }
        let faults = failures.len() - before;
        let equal = cases - refused - late - faults;
        let called = phase.name();
        counts += &format!("  {called:<16} {equal:>6} {refused:>8} {late:>6} {faults:>7}\n");
        too_late |= late * 1_000 > cases * MOST_LATE;
    }
    say(&format!(
        "random statements of {name}: {cases}, of which {valid} are valid\n  phase             equal  refused   late  \
         faults\n{counts}{}",
        reasons(&plain, &phases)
    ));
    show(world, &all, &plain, &phases);
    let shown: Vec<String> = failures
        .iter()
        .take(SHOWN_FAULTS)
        .map(|(phase, number)| simplest::simplest(world, seed, *number, *phase))
        .collect();
    assert!(failures.is_empty(), "{} faults\n\n{}", failures.len(), shown.join("\n"));
    assert!(!too_late, "too many statements take too long");
    assert!(
        valid * 100 >= cases * world.valid_percent,
        "only {valid} of {cases} statements are valid"
    );
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} is {text}: {error}")))
}

/// The cases that can be compared, with their numbers and what the database says that has that shape alone.
fn natively(world: &World, all: impl Iterator<Item = Case>) -> (Vec<usize>, Vec<Case>, Run) {
    let mut wire = (world.stages)().native(world.client);
    let mut run = Run { untouched: untouched(&mut wire), seen: Vec::new() };
    wire.script(&format!("SET statement_timeout = {LONGEST_MS}"));
    let (mut numbers, mut cases) = (Vec::new(), Vec::new());
    for (number, case) in all.enumerate() {
        let seen = observe(&mut wire, &case.entry, case.mode);
        if can_be_compared(&seen) {
            numbers.push(number);
            cases.push(case);
            run.seen.push(seen);
        }
    }
    (numbers, cases, run)
}

/// Whether it has come to its end, is not too large, and has written nothing that no old column can hold.
fn can_be_compared(seen: &Seen) -> bool {
    !is_late(seen) && seen.answer.len() <= MOST_MESSAGES && !is_lossy(seen)
}

/// Whether its time was over.
fn is_late(seen: &Seen) -> bool {
    matches!(seen.error(), Some(Message::Error(it)) if it.code() == "57014")
}

/// A session of a client of that world through segue.
fn through(world: &World, phase: Phase) -> Through {
    let mut through = (world.stages)().through_as(phase, world.client);
    through.wire.script(&format!("SET statement_timeout = {LONGEST_THROUGH_MS}"));
    through
}

/// Runs all cases in each phase.
fn in_each_phase(world: &World, all: &[Case]) -> [(Phase, Run); 5] {
    let run = |wire: &mut Wire| Run {
        untouched: untouched(wire),
        seen: all.iter().map(|case| observe(wire, &case.entry, case.mode)).collect(),
    };
    thread::scope(|scope| {
        let phases = Phase::TWO_SIDED
            .map(|phase| scope.spawn(move || (phase, run(&mut through(world, phase).wire))));
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
fn show(world: &World, all: &[Case], plain: &Run, phases: &[(Phase, Run)]) {
    if setting("SEGUE_PARITY_SHOW").is_none() {
        return;
    }
    for (case, seen) in all.iter().zip(&plain.seen) {
        if let Some(error) = seen.error() {
            say(&format!("invalid [{error:?}] {}\n", case.entry.sql()));
        }
    }
    for (phase, run) in phases {
        for ((case, plain), seen) in all.iter().zip(&plain.seen).zip(&run.seen) {
            let sql = case.entry.sql();
            match (fault(world, *phase, plain, seen, &run.untouched), refusal(seen)) {
                (Some(fault), _) => say(&format!("{phase}: fault: {sql}\n{fault}")),
                (None, Some(why)) => say(&format!("{phase}: {why}: {sql}\n")),
                (None, None) if is_late(seen) => say(&format!("{phase}: late: {sql}\n")),
                (None, None) => {}
            }
        }
    }
}
