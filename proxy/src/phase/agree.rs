//! Brings a file and the journal together: the journal says which phase is in force, and only what
//! has *changed* in a file asks for another. So a proxy whose file was left behind follows the
//! fleet, and asks for nothing.

use rewrite_rules::rule::Change;
use rewrite_rules::{Fault, Phase, Rule};
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
    /// What was in force where it was asked for, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Phase>,
    /// In which epoch that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
}

impl Wanted {
    /// Where the fleet went meanwhile, if this would lead the other way from there: what was asked for as a step back
    /// may come to its turn late, when somebody else has gone back further, and would be one forward.
    #[must_use]
    pub fn overtaken(&self, in_force: &[Rule]) -> Option<Overtaken> {
        let (from, now) = (self.from?, named(in_force, &self.migration)?.phase);
        let is_so = now != self.phase && now.cmp(&self.phase) != from.cmp(&self.phase);
        is_so.then(|| Overtaken { wanted: self.clone(), from, now })
    }

    /// The same where the fleet has come back to the phase in which it was asked for: what was wanted then somebody has
    /// done, and undone, or has done something else. The phase in force was entered in epoch `entered`.
    #[must_use]
    pub fn outlived(&self, in_force: &[Rule], entered: i64) -> Option<Overtaken> {
        let (from, now) = (self.from?, named(in_force, &self.migration)?.phase);
        let is_so = now == from && now != self.phase && entered > self.epoch?;
        is_so.then(|| Overtaken { wanted: self.clone(), from, now })
    }
}

/// A step that was asked for and would now lead the other way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "migration \"{}\" is in phase \"{now}\" {}; \"{}\" was asked for when it was in \"{from}\"\n  \
     hint: ask again if it is still wanted",
    .wanted.migration, if .now == .from { "again, after another" } else { "now" }, .wanted.phase
)]
pub struct Overtaken {
    /// What was asked for.
    pub wanted: Wanted,
    /// What was in force then.
    pub from: Phase,
    /// What is in force now.
    pub now: Phase,
}

/// Puts every migration of `draft` in the phase that the journal says. What disagrees by more than
/// a step becomes a fault, unless the file has not changed since it was last taken, so that it
/// `asks` for nothing. With `adopt` migrations may begin in any phase.
pub fn at_start(draft: &mut Draft, state: &State, asks: bool, adopt: bool) -> Agreed {
    let (mut begin, mut ended, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (rule, _)) in draft.rules.iter_mut().enumerate() {
        match state.migrations.iter().find(|known| known.name == rule.name) {
            Some(known) => {
                // A file that tells no places takes none of those back that the fleet knows.
                if let Some(change) = &known.change {
                    rule.change.take_places(change);
                }
                faults.extend(described_differently(index, rule, known));
                faults.extend(further_away(index, rule, known, asks));
                if known.change.as_ref() != Some(&rule.change) {
                    begin.push(entry(rule, Some(known.phase)));
                }
                rule.phase = known.phase;
            }
            None if asks => {
                faults.extend(unknown(index, rule, adopt));
                begin.push(entry(rule, None));
            }
            None => {
                tracing::warn!(migration = rule.name, "it has ended, and the file still has it");
                ended.push(rule.name.clone());
            }
        }
    }
    draft.add_rule_faults(faults);
    draft.rules.retain(|(rule, _)| !ended.contains(&rule.name));
    absent(draft, state, asks);
    Agreed { epoch: state.epoch, begin }
}

fn entry(rule: &Rule, from: Option<Phase>) -> Entry {
    let to = Some((rule.change.clone(), from.unwrap_or(rule.phase)));
    Entry { name: rule.name.clone(), from, to, forced: None }
}

fn fault(rule: usize, key: &'static str, message: String, hint: &str) -> Fault {
    Fault { rule, key, message, hint: Some(hint.to_owned()) }
}

/// A migration that the journal does not know.
fn unknown(index: usize, rule: &Rule, adopt: bool) -> Option<Fault> {
    (rule.phase != Phase::Expand && !adopt).then(|| {
        fault(
            index,
            "phase",
            format!("the journal does not know it, and in \"{}\" nothing begins", rule.phase),
            "set phase = \"expand\"; if it is over, take it out of the file; if it is that far and \
             the journal is new: segue serve --adopt",
        )
    })
}

/// Past `expand` a migration is what it began as. Where columns stood that are gone may be told at any time: it says
/// nothing of the rows.
fn described_differently(index: usize, rule: &Rule, known: &Recorded) -> Option<Fault> {
    let is_free = (known.phase, rule.phase) == (Phase::Expand, Phase::Expand);
    let is_same =
        known.change.as_ref().map(Change::without_places) == Some(rule.change.without_places());
    (!is_same && !is_free).then(|| {
        fault(
            index,
            "kind",
            "the journal describes this migration differently".to_owned(),
            "give it the definition that it began with; see segue.migration",
        )
    })
}

fn further_away(index: usize, rule: &Rule, known: &Recorded, asks: bool) -> Option<Fault> {
    let phase = known.phase;
    if phase == rule.phase {
        return None;
    }
    if asks && phase.step(rule.phase, rule.change.phases()).is_err() {
        return Some(fault(
            index,
            "phase",
            format!("the journal says \"{phase}\", which is more than one step from it"),
            &format!("set phase = \"{phase}\""),
        ));
    }
    tracing::warn!(
        migration = rule.name,
        "the file says \"{}\", the journal \"{phase}\": that is in force",
        rule.phase
    );
    None
}

/// Takes up what the journal has and the file has not.
fn absent(draft: &mut Draft, state: &State, asks: bool) {
    for Recorded { name, change, phase, .. } in &state.migrations {
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
/// last taken. Of a phase that was behind only what leads beyond the one in force is a step: a file
/// that catches up late asks for nothing.
#[must_use]
pub fn asked(last: &[Rule], file: Vec<(Rule, Places)>, in_force: &[Rule]) -> Vec<(Rule, Places)> {
    let mut asked: Vec<(Rule, Places)> = Vec::new();
    for (mut rule, places) in file {
        match (named(last, &rule.name), named(in_force, &rule.name)) {
            // It has ended for the whole fleet.
            (Some(before), None) if *before == rule => continue,
            (Some(before), Some(running)) => {
                let way = before.phase.min(running.phase)..=before.phase.max(running.phase);
                if before.phase == rule.phase {
                    rule.phase = running.phase;
                } else if before.phase != running.phase && way.contains(&rule.phase) {
                    tracing::warn!(
                        migration = rule.name,
                        "the file has come from \"{}\" to \"{}\", and \"{}\" is in force",
                        before.phase,
                        rule.phase,
                        running.phase
                    );
                    rule.phase = running.phase;
                }
                if before.change == rule.change {
                    rule.change = running.change.clone();
                }
            }
            (Some(_) | None, _) => {}
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

/// The rules in force with the one step that is wanted, whatever else the file says. `file` tells
/// where to point if something is wrong with it.
#[must_use]
pub fn stepped(
    file: Vec<(Rule, Places)>,
    in_force: &[Rule],
    wanted: &Wanted,
) -> Vec<(Rule, Places)> {
    let mut file = file;
    let mut stepped = Vec::new();
    for running in in_force {
        let place = file.iter().position(|(rule, _)| rule.name == running.name);
        let places = place.map(|at| file.swap_remove(at).1).unwrap_or_default();
        let mut rule = running.clone();
        if rule.name == wanted.migration {
            rule.phase = wanted.phase;
        }
        stepped.push((rule, places));
    }
    stepped
}

/// What is taken of a file when only one step was: its phase.
#[must_use]
pub fn taken(last: &[Rule], file: &[Rule], wanted: &Wanted) -> Vec<Rule> {
    let mut taken = last.to_vec();
    for rule in taken.iter_mut().filter(|rule| rule.name == wanted.migration) {
        rule.phase = named(file, &rule.name).map_or(rule.phase, |new| new.phase);
    }
    taken
}

fn named<'a>(rules: &'a [Rule], name: &str) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.name == name)
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
    use rewrite_rules::rule::ColumnPair;

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
        let asked = asked(&owned(last), with_places(file), &owned(in_force));
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
    fn a_file_that_catches_up_late_asks_for_nothing() {
        let m = |phase| rule("m", "b", phase);
        let (expand, dual) = (m(Phase::Expand), m(Phase::DualWrite));
        let (switch, stop) = (m(Phase::SwitchReads), m(Phase::StopDualWrite));
        check(&[&expand], &[&dual], &[&switch], &[&switch]);
        check(&[&expand], &[&switch], &[&switch], &[&switch]);
        check(&[&expand], &[&stop], &[&switch], &[&stop]);
        // The fleet has gone back meanwhile.
        check(&[&stop], &[&switch], &[&dual], &[&dual]);
        check(&[&switch], &[&expand], &[&dual], &[&expand]);
    }

    #[test]
    fn a_step_that_is_wanted_is_the_only_one() {
        let wanted =
            Wanted { migration: "m".to_owned(), phase: Phase::DualWrite, from: None, epoch: None };
        let (file, running) =
            (rule("m", "b", Phase::DualWrite), rule("m", "b", Phase::SwitchReads));
        let (pending, other) = (rule("o", "c", Phase::DualWrite), rule("o", "c", Phase::Expand));
        let stepped =
            stepped(with_places(&[&pending, &file]), &owned(&[&running, &other]), &wanted);
        assert_eq!(stepped, with_places(&[&file, &other]));
        let last = owned(&[&rule("m", "b", Phase::SwitchReads), &other]);
        // What else the file says is still to be asked for.
        assert_eq!(taken(&last, &owned(&[&pending, &file]), &wanted), owned(&[&file, &other]));
    }
}
