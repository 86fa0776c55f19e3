//! Brings a file and the journal together: the journal says which phase is in force, and only what
//! has *changed* in a file asks for another. So a proxy whose file was left behind follows the
//! fleet, and asks for nothing.

use rewrite_rules::{Phase, Rule};
use serde::{Deserialize, Serialize};

use crate::config::{Draft, Places};
use crate::journal::state::{Recorded, State};
use crate::journal::step::Entry;

/// What a file and the journal come to, where neither is in force yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The epoch of the journal.
    pub epoch: i64,
    /// What begins with this file.
    pub begin: Vec<Entry>,
}

/// A phase that an operator has asked for by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The migration.
    pub migration: String,
    /// The phase to enter.
    pub phase: Phase,
}

/// Puts every migration of `draft` in the phase that the journal says. What disagrees by more than
/// a step becomes a fault, unless the file has not changed since it was last taken, so that it
/// `asks` for nothing. With `adopt` migrations may begin in any phase.
pub fn at_start(draft: &mut Draft, state: &State, asks: bool, adopt: bool) -> Agreed {
    let mut begin = Vec::new();
    let mut faults = Vec::new();
    for (index, (rule, _)) in draft.rules.iter_mut().enumerate() {
        let known = state.migrations.iter().find(|known| known.name == rule.name);
        let fault = |key, message, hint: &str| rewrite_rules::Fault {
            rule: index,
            key,
            message,
            hint: Some(hint.to_owned()),
        };
        let Some(known) = known else {
            if rule.phase != Phase::Expand && !adopt {
                faults.push(fault(
                    "phase",
                    format!(
                        "the journal does not know it, and in \"{}\" nothing begins",
                        rule.phase
                    ),
                    "set phase = \"expand\"; if it is over, take it out of the file; if it is that \
                     far and the journal is new: segue serve --adopt",
                ));
            }
            let (name, to) = (rule.name.clone(), Some((rule.change.clone(), rule.phase)));
            begin.push(Entry { name, from: None, to, forced: None });
            continue;
        };
        let Recorded { change, phase, .. } = known;
        if change.as_ref() != Some(&rule.change) && (*phase, rule.phase) == (Phase::Expand, *phase)
        {
            let (name, to) = (rule.name.clone(), Some((rule.change.clone(), *phase)));
            begin.push(Entry { name, from: Some(*phase), to, forced: None });
        } else if change.as_ref() != Some(&rule.change) {
            faults.push(fault(
                "kind",
                "the journal describes this migration differently".to_owned(),
                "give it the definition that it began with; see segue.migration",
            ));
        }
        match phase.step(rule.phase, rule.change.phases()) {
            Ok(()) if *phase != rule.phase => tracing::warn!(
                migration = rule.name,
                "the file says \"{}\", the journal \"{phase}\": that is in force",
                rule.phase
            ),
            Ok(()) => {}
            Err(_) if !asks => tracing::warn!(
                migration = rule.name,
                "the file still says \"{}\", the journal \"{phase}\": that is in force",
                rule.phase
            ),
            Err(_) => faults.push(fault(
                "phase",
                format!("the journal says \"{phase}\", which is more than one step from it"),
                &format!("set phase = \"{phase}\""),
            )),
        }
        rule.phase = *phase;
    }
    draft.add_rule_faults(faults);
    absent(draft, state, asks);
    Agreed { epoch: state.epoch, begin }
}

/// Takes up what the journal has and the file has not.
fn absent(draft: &mut Draft, state: &State, asks: bool) {
    for Recorded { name, change, phase } in &state.migrations {
        if draft.rules.iter().any(|(rule, _)| rule.name == *name) {
            continue;
        }
        match change {
            Some(change) if *phase == Phase::Expand || !asks => {
                tracing::warn!(migration = name, "it is in the journal and not in the file");
                let rule = Rule { name: name.clone(), change: change.clone(), phase: *phase };
                draft.rules.push((rule, Places::default()));
            }
            Some(_) | None => draft.add_removed_fault(
                name.clone(),
                format!("is in phase \"{phase}\" in the journal, and the file does not have it"),
                "put it back into the file, in that phase".to_owned(),
            ),
        }
    }
}

/// The rules that a file asks for: those in force, changed as the file has changed since it was
/// last taken, and by the step that is `wanted`.
#[must_use]
pub fn asked(
    last: &[Rule],
    file: Vec<(Rule, Places)>,
    in_force: &[Rule],
    wanted: Option<&Wanted>,
) -> Vec<(Rule, Places)> {
    fn named<'a>(rules: &'a [Rule], name: &str) -> Option<&'a Rule> {
        rules.iter().find(|rule| rule.name == name)
    }
    let mut asked: Vec<(Rule, Places)> = Vec::new();
    for (mut rule, places) in file {
        let before = named(last, &rule.name);
        let running = named(in_force, &rule.name);
        match (before, running) {
            // It has ended for the whole fleet.
            (Some(before), None) if *before == rule => continue,
            (Some(before), Some(running)) => {
                if before.phase == rule.phase {
                    rule.phase = running.phase;
                }
                if before.change == rule.change {
                    rule.change = running.change.clone();
                }
            }
            (Some(_) | None, _) => {}
        }
        if let Some(wanted) = wanted.filter(|wanted| wanted.migration == rule.name) {
            rule.phase = wanted.phase;
        }
        asked.push((rule, places));
    }
    for running in in_force {
        let is_asked = asked.iter().any(|(rule, _)| rule.name == running.name);
        if !is_asked && named(last, &running.name).is_none() {
            asked.push((running.clone(), Places::default()));
        }
    }
    asked
}

/// The rules that the journal has.
///
/// # Errors
/// One of them is of a kind that is not known.
pub fn recorded(state: &State) -> Result<Vec<Rule>, String> {
    let rule = |known: &Recorded| match &known.change {
        Some(change) => {
            Ok(Rule { name: known.name.clone(), change: change.clone(), phase: known.phase })
        }
        None => {
            Err(format!("migration \"{}\" is of a kind that this segue does not know", known.name))
        }
    };
    state.migrations.iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::rule::{Change, ColumnPair};

    fn rule(name: &str, to: &str, phase: Phase) -> Rule {
        let change = Change::RenameColumn(ColumnPair::new("users", "a", to));
        Rule { name: name.to_owned(), change, phase }
    }

    fn with_places(rules: &[&Rule]) -> Vec<(Rule, Places)> {
        rules.iter().map(|rule| ((*rule).clone(), Places::default())).collect()
    }

    fn owned(rules: &[&Rule]) -> Vec<Rule> {
        rules.iter().map(|rule| (*rule).clone()).collect()
    }

    #[track_caller]
    fn check(last: &[&Rule], file: &[&Rule], in_force: &[&Rule], expected: &[&Rule]) {
        let asked = asked(&owned(last), with_places(file), &owned(in_force), None);
        assert_eq!(asked, with_places(expected));
    }

    #[test]
    fn only_what_has_changed_in_a_file_asks_for_anything() {
        let m = |phase| rule("m", "b", phase);
        // A file that was left behind.
        let (expand, dual, switch) = (m(Phase::Expand), m(Phase::DualWrite), m(Phase::SwitchReads));
        check(&[&expand], &[&expand], &[&dual], &[&dual]);
        // A step.
        check(&[&expand], &[&dual], &[&expand], &[&dual]);
        check(&[&expand], &[&switch], &[&dual], &[&switch]);
        // Begun elsewhere, ended elsewhere.
        let other = rule("o", "c", Phase::Expand);
        check(&[], &[], &[&other], &[&other]);
        check(&[&other], &[&other], &[], &[]);
        // Begun, changed and ended here.
        check(&[], &[&other], &[], &[&other]);
        let changed = rule("o", "d", Phase::Expand);
        check(&[&other], &[&changed], &[&other], &[&changed]);
        check(&[&other], &[], &[&other], &[]);
    }

    #[test]
    fn a_step_that_is_wanted_needs_no_change_of_the_file() {
        let wanted = Wanted { migration: "m".to_owned(), phase: Phase::DualWrite };
        let (file, running) =
            (rule("m", "b", Phase::DualWrite), rule("m", "b", Phase::SwitchReads));
        let asked = asked(&owned(&[&file]), with_places(&[&file]), &[running], Some(&wanted));
        assert_eq!(asked, with_places(&[&file]));
    }
}
