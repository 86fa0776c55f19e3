//! One reason why a step is not safe now.

use rewrite_rules::Phase;
use serde::Serialize;

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
    /// What is wrong, and the present state.
    pub message: String,
    /// The commands that mend it, in their order: SQL statements for a direct connection.
    pub remedy: Vec<String>,
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
    /// A column that the target phase needs does not exist.
    MissingColumn = "missing-column",
    /// The migration cannot be compiled for the target phase.
    Definition = "definition",
    /// The two columns are not the same in all rows.
    RowsDiffer = "rows-differ",
    /// It cannot be told whether they are.
    NotCompared = "not-compared",
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
    /// Something else does.
    Dependent = "dependent",
}

/// Whether nothing of what was found keeps the gate closed.
#[must_use]
pub fn is_open(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity == Severity::Note)
}
