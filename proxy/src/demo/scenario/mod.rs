//! What a scenario brings: tables, a rule, an application of the old shape, and how its rows are read at the
//! end. All else of the demo is the same for every scenario, and none of it asks which one runs.
//!
//! The changes of the schema on the way are none of a scenario's business: the gates ask for them.

mod merge;
mod rename;
mod split;

use rewrite_rules::Phase;

use super::application::Behaviour;

/// What is migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Scenario {
    /// A column gets another name: users.username becomes users.handle
    #[default]
    Rename,
    /// Columns move to a table of their own: users becomes users and user_profiles
    Split,
    /// Two tables become one: email_preferences and notification_preferences become user_preferences
    Merge,
}

impl Scenario {
    /// Every one.
    #[cfg(test)]
    pub(super) const ALL: &[Self] = &[Self::Rename, Self::Split, Self::Merge];

    /// What it brings.
    pub(super) fn script(self) -> &'static Script {
        match self {
            Self::Rename => &rename::SCRIPT,
            Self::Split => &split::SCRIPT,
            Self::Merge => &merge::SCRIPT,
        }
    }
}

/// What a scenario brings.
#[derive(Debug)]
pub(super) struct Script {
    /// How it is told.
    pub(super) words: Words,
    /// The migration's name.
    pub(super) migration: &'static str,
    /// The keys of its rule in the configuration file, but for `name` and `phase`.
    pub(super) rule: &'static str,
    /// Makes the application's tables.
    pub(super) create: &'static str,
    /// Fill them with the rows 1 to `$1`, as [`Behaviour::filled`] says.
    pub(super) fill: &'static [&'static str],
    /// Takes the old side away when only the new one is used.
    pub(super) contract: &'static str,
    /// What goes on all the time.
    pub(super) application: Behaviour,
    /// Reads id and cells of every row, cells as text, while the old side is read.
    pub(super) old_rows: &'static str,
    /// The same while the new side is read. What is on it and should not be there is a row too.
    pub(super) new_rows: &'static str,
}

/// How a scenario is told.
#[derive(Debug)]
pub(super) struct Words {
    /// What is done, as an order.
    pub(super) task: &'static str,
    /// What become …
    pub(super) from: &'static [&'static str],
    /// … these.
    pub(super) to: &'static [&'static str],
    /// How things stand at the end.
    pub(super) end: &'static str,
}

impl Script {
    /// Reads id and cells of every row where they are read in `phase`.
    pub(super) fn rows(&self, phase: Phase) -> &'static str {
        match phase {
            Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract => self.new_rows,
            // No scenario has phases of another kind.
            Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce => self.old_rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_never_says_the_new_name() {
        for scenario in Scenario::ALL {
            let new = match scenario {
                Scenario::Rename => "handle",
                Scenario::Split => "user_profiles",
                Scenario::Merge => "user_preferences",
            };
            let script = scenario.script();
            assert!(script.new_rows.contains(new));
            for statement in script.application.prepared() {
                let (text, parameters) = (statement.text, statement.parameters.len());
                assert!(!text.contains(new), "{text}");
                let named = |number| text.contains(&format!("${number}"));
                assert!((1..=parameters).all(named) && !named(parameters + 1), "{text}");
            }
        }
    }
}
