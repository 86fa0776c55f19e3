//! Old rules beside new ones: which migrations step, and is every step legal?

use std::fmt;

use rewrite_rules::rule::Change;
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
            Some(Step::Start { migration: entry.name.clone(), phase: *phase })
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
    /// It is described differently, in the phase where that harms nobody.
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
        Phase::DualWrite | Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract => {
            Err(PlanFault {
                rule: Some(index),
                migration: rule.name.clone(),
                key: "phase",
                message: format!(
                    "a migration that is new to a running proxy starts in phase \"expand\", not \
                     \"{}\"",
                    rule.phase
                ),
                hint: "set phase = \"expand\" first".to_owned(),
            })
        }
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
    if old.kind() != new.kind() {
        return Some("kind");
    }
    let (was, is) = (old.columns(), new.columns());
    let columns =
        [("table", &was.table, &is.table), ("from", &was.from, &is.from), ("to", &was.to, &is.to)];
    let column = columns.into_iter().find(|(_, old, new)| old != new).map(|(key, _, _)| key);
    column.or_else(|| match (old, new) {
        (
            Change::ChangeColumn { up, down, .. },
            Change::ChangeColumn { up: new_up, down: new_down, .. },
        ) => [("up", up, new_up), ("down", down, new_down)]
            .into_iter()
            .find(|(_, old, new)| old != new)
            .map(|(key, _, _)| key),
        (Change::RenameInPlace(_), Change::RenameColumn(_))
        | (Change::RenameColumn(_), Change::RenameInPlace(_)) => Some("strategy"),
        (Change::RenameColumn(_) | Change::RenameInPlace(_), _)
        | (_, Change::RenameColumn(_) | Change::RenameInPlace(_)) => None,
    })
}

fn remove(running: &Rule) -> Result<Step, PlanFault> {
    let migration = running.name.clone();
    match running.phase {
        Phase::Expand | Phase::Contract => Ok(Step::Remove { migration, phase: running.phase }),
        Phase::DualWrite | Phase::SwitchReads | Phase::StopDualWrite => Err(PlanFault {
            rule: None,
            migration,
            key: "phase",
            message: format!(
                "cannot be removed in phase \"{}\": its two sides would no longer be kept the same",
                running.phase
            ),
            hint: "put it back, and go on to \"contract\" or back to \"expand\" before removing it"
                .to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use rewrite_rules::rule::ColumnPair;

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
        use Phase::{Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
        for from in Phase::ALL {
            for to in Phase::ALL {
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
        for phase in Phase::ALL {
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
        for phase in Phase::ALL {
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
}
