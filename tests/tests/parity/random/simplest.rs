//! Makes a statement that fails simpler, as long as it fails.

use std::collections::HashMap;

use proptest::strategy::ValueTree;
use rewrite_rules::Phase;

use super::maker::{Case, case, tree};
use super::worlds::World;
use super::{can_be_compared, fault, through};
use crate::observe::{observe, untouched};

/// Most statements that are tried.
const TRIED: usize = 800;

/// The case at its simplest, with what is wrong.
pub(super) fn simplest(world: &'static World, seed: u64, number: usize, phase: Phase) -> String {
    let mut native = (world.stages)().native(world.client);
    let mut through = through(world, phase);
    let before = untouched(&mut through.wire);
    let mut known: HashMap<String, Option<String>> = HashMap::new();
    let mut judged = |numbers: &[u16]| -> (Case, Option<String>) {
        let case = case(world, numbers);
        let key = format!("{:?} {:?}", case.mode, case.entry);
        let verdict = known.entry(key).or_insert_with(|| {
            let expected = observe(&mut native, &case.entry, case.mode);
            let found = observe(&mut through.wire, &case.entry, case.mode);
            can_be_compared(&expected)
                .then(|| fault(world, phase, &expected, &found, &before))
                .flatten()
        });
        (case, verdict.clone())
    };
    let mut tree = tree(seed, number);
    let mut best = judged(&tree.current());
    let mut goes_on = best.1.is_some() && tree.simplify();
    for _ in 0..TRIED {
        if !goes_on {
            break;
        }
        let next = judged(&tree.current());
        goes_on = if next.1.is_some() {
            best = next;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    let (case, fault) = best;
    let values: Vec<&Option<String>> = case.entry.steps.iter().flat_map(|it| &it.values).collect();
    format!(
        "seed {seed}, case {number} [{phase}, {:?}] {} {values:?}\n{}",
        case.mode,
        case.entry.sql(),
        fault.unwrap_or_else(|| "    does not fail when it is run alone\n".to_owned())
    )
}
