//! Old rules beside new ones: which migrations step, and is every step legal?

use std::fmt;

use rewrite_rules::rule::{Change, ColumnPair, MergeSource, MergeTables};
use rewrite_rules::{Phase, Rule};

use crate::journal::step::Entry;

/// What going from one set of rules to another does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The steps, in the order of the new rules; removals last.
    pub steps: Vec<Step>,
}

impl Plan {
    /// What begins where nothing was in force before.
    #[must_use]
    pub fn of_starts(begin: &[Entry]) -> Self {
        let start = |entry: &Entry| {
            let (_, phase) = entry.to.as_ref()?;
            let migration = entry.name.clone();
            Some(match entry.from {
                None => Step::Start { migration, phase: *phase },
                Some(_) => Step::Change { migration },
            })
        };
        Self { steps: begin.iter().filter_map(start).collect() }
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// What happens to one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It begins.
    Start {
        /// Its name.
        migration: String,
        /// The phase it begins in.
        phase: Phase,
    },
    /// It goes one phase forward or back.
    Move {
        /// Its name.
        migration: String,
        /// The phase it leaves.
        from: Phase,
        /// The phase it enters.
        to: Phase,
    },
    /// It is described differently, in the phase where that harms nobody or by what harms nobody in any.
    Change {
        /// Its name.
        migration: String,
    },
    /// It is over, or given up.
    Remove {
        /// Its name.
        migration: String,
        /// The phase it was in.
        phase: Phase,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { migration, phase } => {
                write!(f, "migration \"{migration}\" starts in phase \"{phase}\"")
            }
            Self::Move { migration, from, to } => {
                write!(f, "migration \"{migration}\" goes from phase \"{from}\" to \"{to}\"")
            }
            Self::Change { migration } => write!(f, "migration \"{migration}\" is changed"),
            Self::Remove { migration, phase } => {
                write!(f, "migration \"{migration}\" is removed in phase \"{phase}\"")
            }
        }
    }
}

/// A step that is not legal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFault {
    /// Index among the new rules; none for a migration that is no longer there.
    pub rule: Option<usize>,
    /// Name of the migration.
    pub migration: String,
    /// The key at fault.
    pub key: &'static str,
    /// What is wrong and the present state.
    pub message: String,
    /// The next step.
    pub hint: String,
}

/// Compares the rules in force with those that are to be.
///
/// # Errors
/// Every step that is not legal.
pub fn plan(old: &[Rule], new: &[Rule]) -> Result<Plan, Vec<PlanFault>> {
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    for (index, rule) in new.iter().enumerate() {
        match old.iter().find(|running| running.name == rule.name) {
            None => match start(index, rule) {
                Ok(step) => steps.push(step),
                Err(fault) => faults.push(fault),
            },
            Some(running) => proceed(index, running, rule, &mut steps, &mut faults),
        }
    }
    let gone = old.iter().filter(|running| new.iter().all(|rule| rule.name != running.name));
    for running in gone {
        match remove(running) {
            Ok(step) => steps.push(step),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(Plan { steps }) } else { Err(faults) }
}

fn start(index: usize, rule: &Rule) -> Result<Step, PlanFault> {
    match rule.phase {
        Phase::Expand => Ok(Step::Start { migration: rule.name.clone(), phase: rule.phase }),
        // Until now its table was not looked at: beside that, only `expand` is safe.
        Phase::DualWrite
        | Phase::SwitchReads
        | Phase::StopDualWrite
        | Phase::Contract
        | Phase::Backfill
        | Phase::Enforce => Err(PlanFault {
            rule: Some(index),
            migration: rule.name.clone(),
            key: "phase",
            message: format!(
                "a migration that is new to a running proxy starts in phase \"expand\", not \
                 \"{}\"",
                rule.phase
            ),
            hint: "set phase = \"expand\" first".to_owned(),
        }),
    }
}

fn proceed(
    index: usize,
    running: &Rule,
    rule: &Rule,
    steps: &mut Vec<Step>,
    faults: &mut Vec<PlanFault>,
) {
    let fault = |key, message, hint| PlanFault {
        rule: Some(index),
        migration: rule.name.clone(),
        key,
        message,
        hint,
    };
    if let Some((message, hint)) = rule.change.lacks(rule.phase) {
        return faults.push(fault("phase", message, hint));
    }
    if let Err(skipped) = running.phase.step(rule.phase, running.change.phases()) {
        let hint = format!("set phase = \"{}\", and go on when it is drained", skipped.next);
        faults.push(fault("phase", skipped.to_string(), hint));
    } else if running.phase != rule.phase {
        let migration = rule.name.clone();
        steps.push(Step::Move { migration, from: running.phase, to: rule.phase });
    }
    match changed_key(&running.change, &rule.change) {
        // Past `expand` the two sides have been written: describing them anew would leave rows
        // behind that no generation knows of.
        Some(key) if running.phase > Phase::Expand => faults.push(fault(
            key,
            format!("cannot change while the migration is in phase \"{}\"", running.phase),
            "give it its old value again, or go back to phase \"expand\" first".to_owned(),
        )),
        None if running.change == rule.change => {}
        Some(_) | None => steps.push(Step::Change { migration: rule.name.clone() }),
    }
}

/// The first key that makes the two different migrations.
fn changed_key(old: &Change, new: &Change) -> Option<&'static str> {
    let text = |(key, old, new): (&'static str, &str, &str)| (old != new).then_some(key);
    let of_pair = |was: &ColumnPair, is: &ColumnPair| {
        let keys = [
            ("table", was.table.as_str(), is.table.as_str()),
            ("from", &was.from, &is.from),
            ("to", &was.to, &is.to),
        ];
        keys.into_iter().find_map(text)
    };
    match (old, new) {
        (
            Change::ChangeColumn { columns: was, up, down, .. },
            Change::ChangeColumn { columns: is, up: new_up, down: new_down, .. },
        ) => of_pair(was, is)
            .or_else(|| (up != new_up).then_some("up"))
            .or_else(|| (down != new_down).then_some("down")),
        (Change::RenameColumn(was), Change::RenameColumn(is))
        | (Change::RenameInPlace(was), Change::RenameInPlace(is)) => of_pair(was, is),
        (Change::RenameInPlace(was), Change::RenameColumn(is))
        | (Change::RenameColumn(was), Change::RenameInPlace(is)) => {
            of_pair(was, is).or(Some("strategy"))
        }
        (Change::BackfillColumn(was), Change::BackfillColumn(is)) => {
            let keys = [
                ("table", was.table.as_str(), is.table.as_str()),
                ("column", &was.column, &is.column),
                ("value", &was.value, &is.value),
            ];
            let key = keys.into_iter().find_map(text);
            key.or_else(|| (was.not_null != is.not_null).then_some("not_null"))
        }
        (Change::SplitTable(was), Change::SplitTable(is)) => {
            let keys =
                [("table", was.table.as_str(), is.table.as_str()), ("into", &was.into, &is.into)];
            let key = keys.into_iter().find_map(text);
            key.or_else(|| (was.key != is.key).then_some("key"))
                .or_else(|| (was.columns != is.columns).then_some("columns"))
        }
        (Change::MergeTables(was), Change::MergeTables(is)) => {
            let key = text(("into", was.into.as_str(), &is.into));
            let places = |merge: &MergeTables| -> Vec<_> {
                let of = |it: &MergeSource| {
                    (it.table.clone(), it.key.clone(), it.columns.clone(), it.present.clone())
                };
                merge.sources.iter().map(of).collect()
            };
            key.or_else(|| (was.key != is.key).then_some("key"))
                .or_else(|| (places(was) != places(is)).then_some("source"))
        }
        (
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_)
            | Change::SplitTable(_)
            | Change::MergeTables(_),
            _,
        ) => Some("kind"),
    }
}

fn remove(running: &Rule) -> Result<Step, PlanFault> {
    let migration = running.name.clone();
    let (why, end) = match running.phase {
        Phase::Expand | Phase::Contract | Phase::Enforce => {
            return Ok(Step::Remove { migration, phase: running.phase });
        }
        Phase::DualWrite | Phase::SwitchReads | Phase::StopDualWrite => {
            ("its two sides would no longer be kept the same", Phase::Contract)
        }
        Phase::Backfill => ("the rows of the past may not be filled yet", Phase::Enforce),
    };
    Err(PlanFault {
        rule: None,
        migration,
        key: "phase",
        message: format!("cannot be removed in phase \"{}\": {why}", running.phase),
        hint: format!(
            "put it back, and go on to \"{end}\" or back to \"expand\" before removing it"
        ),
    })
}

#[cfg(test)]
mod tests {
    use rewrite_rules::rule::AddedColumn;

    use super::*;

    fn rule(name: &str, from: &str, phase: Phase) -> Rule {
        Rule {
            name: name.to_owned(),
            change: Change::RenameColumn(ColumnPair::new("users", from, "handle")),
            phase,
        }
    }

    /// What a reload would say of one migration, in one line.
    fn verdict(old: Option<Phase>, new: Option<Phase>) -> String {
        let rules = |phase: Option<Phase>| -> Vec<Rule> {
            phase.map(|phase| rule("m", "username", phase)).into_iter().collect()
        };
        match plan(&rules(old), &rules(new)) {
            Ok(plan) => plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Err(faults) => faults.iter().map(|f| format!("! {}", f.hint)).collect(),
        }
    }

    #[test]
    fn all_pairs_of_phases() {
        use Phase::{Backfill, Contract, DualWrite, Enforce, Expand, StopDualWrite, SwitchReads};
        for from in Phase::TWO_SIDED {
            for to in Phase::TWO_SIDED {
                let expected = match (from, to) {
                    (from, to) if from == to => String::new(),
                    (Expand, DualWrite)
                    | (DualWrite, Expand | SwitchReads)
                    | (SwitchReads, DualWrite | StopDualWrite)
                    | (StopDualWrite, SwitchReads | Contract)
                    | (Contract, StopDualWrite) => {
                        format!("migration \"m\" goes from phase \"{from}\" to \"{to}\"")
                    }
                    (Expand, _) => skip("dual-write"),
                    (DualWrite, _) => skip("switch-reads"),
                    (SwitchReads, Expand) => skip("dual-write"),
                    (SwitchReads, _) => skip("stop-dual-write"),
                    (StopDualWrite, _) => skip("switch-reads"),
                    (Contract, _) => skip("stop-dual-write"),
                    (Backfill | Enforce, _) => "not a phase of two sides".to_owned(),
                };
                assert_eq!(verdict(Some(from), Some(to)), expected, "{from} -> {to}");
            }
        }
    }

    fn skip(next: &str) -> String {
        format!("! set phase = \"{next}\", and go on when it is drained")
    }

    #[test]
    fn beginnings_and_ends() {
        for phase in Phase::TWO_SIDED {
            let started = verdict(None, Some(phase));
            let removed = verdict(Some(phase), None);
            let starts = phase == Phase::Expand;
            let ends = starts || phase == Phase::Contract;
            assert_eq!(
                started,
                if starts {
                    "migration \"m\" starts in phase \"expand\"".to_owned()
                } else {
                    "! set phase = \"expand\" first".to_owned()
                }
            );
            assert_eq!(removed.starts_with("migration \"m\" is removed"), ends, "{phase}");
        }
    }

    #[test]
    fn a_migration_is_what_it_was_once_it_has_left_expand() {
        for phase in Phase::TWO_SIDED {
            let result = plan(&[rule("m", "username", phase)], &[rule("m", "login", phase)]);
            if phase == Phase::Expand {
                let steps = vec![Step::Change { migration: "m".to_owned() }];
                assert_eq!(result, Ok(Plan { steps }));
            } else {
                let faults = result.unwrap_err();
                assert_eq!(faults.iter().map(|f| f.key).collect::<Vec<_>>(), ["from"], "{phase}");
            }
        }
    }

    #[test]
    fn order_in_the_file_means_nothing() {
        let a = rule("a", "username", Phase::DualWrite);
        let b = rule("b", "email", Phase::Contract);
        assert_eq!(plan(&[a.clone(), b.clone()], &[b, a]), Ok(Plan::default()));
    }

    #[test]
    fn a_backfill_goes_its_own_way_and_is_what_it_was() {
        let added = AddedColumn {
            table: "users".to_owned(),
            column: "seen".to_owned(),
            value: "born".to_owned(),
            not_null: false,
        };
        let rule = |added: &AddedColumn, phase| Rule {
            name: "m".to_owned(),
            change: Change::BackfillColumn(added.clone()),
            phase,
        };
        let verdict = |old: &[Rule], new: &[Rule]| match plan(old, new) {
            Ok(plan) => plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            Err(faults) => faults.iter().map(|it| format!("! {}: {}", it.key, it.hint)).collect(),
        };
        let phases = [Phase::Expand, Phase::Backfill, Phase::Enforce];
        for (at, from) in phases.into_iter().enumerate() {
            for (place, to) in phases.into_iter().enumerate() {
                let expected = match at.abs_diff(place) {
                    0 => vec![],
                    1 => vec![format!("migration \"m\" goes from phase \"{from}\" to \"{to}\"")],
                    _ => vec![
                        "! phase: set phase = \"backfill\", and go on when it is drained"
                            .to_owned(),
                    ],
                };
                assert_eq!(verdict(&[rule(&added, from)], &[rule(&added, to)]), expected);
            }
            let removed = verdict(&[rule(&added, from)], &[]);
            let expected = match from == Phase::Backfill {
                true => {
                    "! phase: put it back, and go on to \"enforce\" or back to \"expand\" before \
                         removing it"
                        .to_owned()
                }
                false => format!("migration \"m\" is removed in phase \"{from}\""),
            };
            assert_eq!(removed, [expected]);
        }
        let backfill = |added: &AddedColumn| [rule(added, Phase::Backfill)];
        for (key, changed) in [
            ("table", AddedColumn { table: "people".to_owned(), ..added.clone() }),
            ("column", AddedColumn { column: "met".to_owned(), ..added.clone() }),
            ("value", AddedColumn { value: "now()".to_owned(), ..added.clone() }),
            ("not_null", AddedColumn { not_null: true, ..added.clone() }),
        ] {
            let hint = "give it its old value again, or go back to phase \"expand\" first";
            let found = verdict(&backfill(&added), &backfill(&changed));
            assert_eq!(found, [format!("! {key}: {hint}")]);
        }
    }
}
