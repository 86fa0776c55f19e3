//! Random statements, made from those of the books and the corpus: rewriting never panics, gives
//! PostgreSQL nothing that it cannot read, and changes nothing but what it must. That last is not asked of
//! tables that are split or merged: what their statements become has too many forms for this comparison, so
//! their meaning is asked of PostgreSQL itself, by the random statements of the parity test.

use std::collections::BTreeMap;

use oracle::fate::{Demand, Fate, check};
use oracle::mangle::{Change, KINDS, Words, mangle};
use oracle::runs::runner;
use oracle::{Texts, tree};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// How often changes are drawn anew that leave nothing to read.
const MOST_ATTEMPTS: usize = 40;

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0..KINDS, any::<u16>(), any::<u16>()).prop_map(|(kind, place, with)| Change {
        kind,
        place,
        with,
    });
    proptest::collection::vec(change, 1..5)
}

#[test]
fn nothing_changes_in_any_statement_but_what_must() {
    hold("statements", 1_000, false);
}

#[test]
fn any_statement_of_a_split_or_a_merge_is_refused_or_readable() {
    hold("statements of a split or a merge", 1_500, true);
}

/// Holds random statements about tables that are split or merged, or about the others.
fn hold(what: &str, cases: u32, joint: bool) {
    let mut texts = Texts::read().expect("the books and the corpus");
    texts.texts.retain(|text| text.is_joint() == joint);
    let demand = if joint { Demand::Syntax } else { Demand::Meaning };
    let mut runner = runner(what, cases);
    let cases = runner.config().cases;
    let strategy = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), changes());
    let mut fates: BTreeMap<(Fate, bool), u32> = BTreeMap::new();
    let mut faults: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..cases {
        let mut draw = || strategy.new_tree(&mut runner).expect("a random value").current();
        let (first, second, mut changes) = draw();
        let text = first.get(&texts.texts);
        let alike: Vec<_> =
            texts.texts.iter().filter(|other| other.database == text.database).collect();
        let other = second.get(&alike);
        let words = if joint { Words::of(&other.sql) } else { Words::default() };
        // Most changes break the syntax; one in a few statements may stay broken.
        for _ in 0..first.index(MOST_ATTEMPTS) {
            if tree::parse(&mangle(&text.sql, &other.sql, &words, &changes)).is_ok() {
                break;
            }
            changes = draw().2;
        }
        for stage in texts.databases[text.database].phases.iter().flatten() {
            let run = |changes: &[Change]| {
                let client = mangle(&text.sql, &other.sql, &words, changes);
                (check(stage, text.speaks, &client, demand), client)
            };
            let (result, client) = run(&changes);
            match result {
                Ok(fate) => {
                    let readable = tree::parse(&client).is_ok();
                    *fates.entry((fate, readable)).or_default() += 1;
                }
                Err(_) => {
                    // Fewer changes tell more.
                    let mut fewest = changes.clone();
                    let mut at = 0;
                    while at < fewest.len() {
                        let mut fewer = fewest.clone();
                        fewer.remove(at);
                        if run(&fewer).0.is_err() { fewest = fewer } else { at += 1 }
                    }
                    let (why, client) = run(&fewest);
                    let why = why.err().unwrap_or_default();
                    let what = why.lines().next().unwrap_or_default().to_owned();
                    faults.entry(what).or_insert_with(|| {
                        format!("{} [{}]\n  {client}\n  {why}", text.place, stage.phase)
                    });
                }
            }
        }
    }
    println!("{fates:?}");
    let shown: Vec<&String> = faults.values().take(20).collect();
    let shown: Vec<&str> = shown.into_iter().map(String::as_str).collect();
    assert!(faults.is_empty(), "{} kinds of fault\n\n{}\n", faults.len(), shown.join("\n\n"));
}
