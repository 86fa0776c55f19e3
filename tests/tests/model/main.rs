//! All that can happen to a row while a fleet of two goes from phase to phase, looked through state
//! by state: nothing is lost while the rules of docs/guarantees.md are kept, and each rule that is
//! broken loses something.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod fleet;
mod rules;
mod words;

use std::collections::{HashMap, VecDeque};

use fleet::State;
use rules::Rules;
use words::Words;

/// More states than this would mean that something counts up for ever.
const MOST_STATES: usize = 5_000_000;

/// What was found.
#[derive(Debug)]
struct Found {
    states: usize,
    /// The shortest way to a loss, if there is one.
    loss: Option<Vec<String>>,
}

/// Looks through all states that can be reached under `rules`, the nearest first.
fn explore(words: &Words, rules: Rules) -> Found {
    let start = State::default();
    let mut came: HashMap<State, Option<(State, String)>> = HashMap::from([(start.clone(), None)]);
    let mut open = VecDeque::from([start]);
    while let Some(state) = open.pop_front() {
        if let Some(loss) = state.loss(words) {
            let mut way = vec![loss];
            let mut at = &state;
            while let Some(Some((before, action))) = came.get(at) {
                way.push(action.clone());
                at = before;
            }
            way.reverse();
            return Found { states: came.len(), loss: Some(way) };
        }
        for (action, next) in state.actions(words, rules) {
            if !came.contains_key(&next) {
                came.insert(next.clone(), Some((state.clone(), action)));
                open.push_back(next);
            }
        }
        assert!(came.len() < MOST_STATES, "the model does not end");
    }
    Found { states: came.len(), loss: None }
}

/// Prints what was found; `cargo test` shows it with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the report of the test")]
fn report(what: &str, found: &Found) {
    println!(
        "{what}: {} states, {}",
        found.states,
        match &found.loss {
            None => "nothing is lost".to_owned(),
            Some(way) => format!("a loss in {} actions:\n  {}", way.len() - 1, way.join("\n  ")),
        }
    );
}

#[test]
fn nothing_is_lost_while_the_rules_are_kept() {
    let words = Words::of_the_rewriter();
    let found = explore(&words, Rules::KEPT);
    report("all rules kept", &found);
    assert_eq!(found.loss, None);
    assert!(found.states > 1_000, "only {} states: the model does nothing", found.states);
}

#[test]
fn each_broken_rule_loses_something() {
    let words = Words::of_the_rewriter();
    for (what, rules) in Rules::each_broken() {
        let found = explore(&words, rules);
        report(what, &found);
        assert!(found.loss.is_some(), "{what}: no loss was found in {} states", found.states);
    }
}
