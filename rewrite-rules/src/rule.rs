//! The rules as an operator writes them; nothing is checked here.

use serde::{Deserialize, Serialize};

use crate::phase::Phase;

/// One `[[migration]]` entry of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What the operator calls this migration; unique within a configuration.
    pub name: String,
    /// What is being migrated.
    #[serde(flatten)]
    pub change: Change,
    /// Where the migration stands.
    pub phase: Phase,
}

/// The kinds of migration, each with what it needs to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A column takes a new name; type, constraints and values stay.
    RenameColumn {
        /// `table` (then schema `public`) or `schema.table`, as SQL would write it.
        table: String,
        /// The name that unchanged clients use.
        from: String,
        /// The name that the schema is moving to.
        to: String,
        /// Place of `from` among the columns that `*` shows, counted from 1. Needed only where
        /// the old column is gone and the catalog no longer tells its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u16>,
    },
}

impl Change {
    /// Every value that `kind` may have in a configuration.
    pub const KINDS: [&'static str; 1] = ["rename-column"];

    /// The kind as written in a configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RenameColumn { .. } => "rename-column",
        }
    }
}
