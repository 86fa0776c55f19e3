//! One reason why a step is not safe now.

use std::fmt::{self, Write};

use rewrite_rules::{Phase, Rule};
use serde::Serialize;

/// Messages are broken here; commands never are. Unit: columns.
const MESSAGE_COLUMNS: usize = 94;

/// One reason why a step is not safe now, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The migration that the reason is about.
    pub migration: String,
    /// The phase that is in force.
    pub from: Phase,
    /// The phase to enter.
    pub to: Phase,
    /// What would come of it.
    pub severity: Severity,
    /// Which check found it.
    pub about: About,
    /// Whether an operator may take the step all the same: never where data would be lost, nor
    /// where the target phase cannot be compiled.
    pub forcible: bool,
    /// Whether what mends it is for a human to weigh, whatever the statements are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// What is wrong, and the present state.
    pub message: String,
    /// The commands that mend it, in their order: SQL statements for a direct connection; or what the configuration
    /// lacks ([`About::Positions`]).
    pub remedy: Vec<String>,
}

impl Finding {
    /// A reason that an operator may overrule unless data would be lost.
    pub(super) fn new(
        rule: &Rule,
        to: Phase,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            migration: rule.name.clone(),
            from: rule.phase,
            to,
            severity,
            about,
            forcible: severity != Severity::LosesData,
            by_hand: false,
            message,
            remedy: remedy.into_iter().collect(),
        }
    }

    /// What comes of it, in a word or two.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.severity {
            Severity::LosesData => "loses data",
            Severity::Risky if self.forcible => "risky",
            // Nobody can force what cannot be compiled.
            Severity::Risky => "not ready",
            Severity::Note => "note",
        }
    }

    /// The message, and below it what mends it, in lines to be pasted.
    #[must_use]
    pub fn body(&self) -> String {
        let mut text = String::new();
        for line in wrapped(&self.message, MESSAGE_COLUMNS) {
            let _ = writeln!(text, "      {line}");
        }
        for line in self.remedy.iter().flat_map(|command| command.lines()) {
            let _ = writeln!(text, "        {line}");
        }
        text
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    {:10}  {}\n{}", self.label(), self.about.code(), self.body())
    }
}

/// A message as lines of at most so many columns, longer words left whole.
fn wrapped(message: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in message.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What would come of a step in spite of a finding, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Rows would be lost, or clients would read or store what is wrong.
    LosesData,
    /// Clients would fail or become slow.
    Risky,
    /// Worth a look; it keeps no gate closed.
    Note,
}

macro_rules! abouts {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Which check found something. Its code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum About {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl About {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code, as JSON and the documentation have it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

abouts! {
    /// The table that columns are to move to does not exist.
    MissingTable = "missing-table",
    /// A column that the target phase needs does not exist.
    MissingColumn = "missing-column",
    /// The migration cannot be compiled for the target phase.
    Definition = "definition",
    /// The two columns are not the same in all rows.
    RowsDiffer = "rows-differ",
    /// It cannot be told whether they are.
    NotCompared = "not-compared",
    /// They were compared a short while ago, and were the same.
    RowsCompared = "rows-compared",
    /// The added column is NULL in rows that have a value for it.
    NotFilled = "not-filled",
    /// An index of the old column has no equivalent on the new one.
    MissingIndex = "missing-index",
    /// An index on the new column is not valid.
    InvalidIndex = "invalid-index",
    /// The new column has a unique index too early.
    UniqueIndex = "unique-index",
    /// The table's replica identity hangs on the old column.
    ReplicaIdentity = "replica-identity",
    /// A constraint of the old column has no equivalent on the new one.
    MissingConstraint = "missing-constraint",
    /// A constraint of the new column has not been validated.
    UnvalidatedConstraint = "unvalidated-constraint",
    /// A column is NOT NULL and must not be, or the other way round.
    NotNull = "not-null",
    /// The columns have different defaults.
    Default = "default",
    /// Extended statistics have no equivalent.
    Statistics = "statistics",
    /// The planner knows nothing of the new column's values.
    NotAnalyzed = "not-analyzed",
    /// A role may use one column and not the other.
    Privilege = "privilege",
    /// A trigger depends on one of the columns.
    Trigger = "trigger",
    /// A rule does.
    Rule = "rule",
    /// A view does.
    View = "view",
    /// A materialized view does.
    MaterializedView = "materialized-view",
    /// A row-level security policy does.
    Policy = "policy",
    /// A generated column does.
    GeneratedColumn = "generated-column",
    /// A publication does.
    Publication = "publication",
    /// A function does.
    Function = "function",
    /// A foreign key refers to the old column.
    ForeignKey = "foreign-key",
    /// Keys that are not the same count as equal.
    Key = "key",
    /// Columns would stand in other places once the old ones are dropped.
    Positions = "positions",
    /// Something else does.
    Dependent = "dependent",
}

/// Whether nothing of what was found keeps the gate closed.
#[must_use]
pub fn is_open(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity == Severity::Note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_broken_between_words() {
        assert_eq!(wrapped("a bc def ghijklm n", 6), ["a bc", "def", "ghijklm", "n"]);
        assert_eq!(wrapped("'a  b'", 6), ["'a  b'"], "values stay as they are");
    }
}
