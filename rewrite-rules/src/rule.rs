//! The rules as an operator writes them; nothing is checked here.

use std::collections::BTreeMap;

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
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// A column takes a new name; type, constraints and values stay.
    RenameColumn(ColumnPair),
    /// The same in the schema itself: `strategy = "metadata"`. There is one column, which is renamed
    /// in the one step that there is.
    RenameInPlace(ColumnPair),
    /// A column's values move to another one, changed on the way.
    ChangeColumn {
        /// From where to where.
        #[serde(flatten)]
        columns: ColumnPair,
        /// SQL expression that computes the new value from the old column; by default a cast.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        up: Option<String>,
        /// SQL expression that computes the old value from the new column; by default a cast.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down: Option<String>,
        /// The old column's type, as `\\d` shows it. Needed only where the old column is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_type: Option<String>,
    },
}

/// An old column and the new one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPair {
    /// `table` (then schema `public`) or `schema.table`, as SQL would write it.
    pub table: String,
    /// The name that unchanged clients use.
    pub from: String,
    /// The name that the schema is moving to.
    pub to: String,
    /// Place of `from` among the columns that `*` shows, counted from 1. Needed only where
    /// the old column is gone and the catalog no longer tells its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u16>,
    /// Constraints and indexes of the old column, each with its counterpart on the new one: what
    /// an error calls by the second name, a client knows by the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constraints: BTreeMap<String, String>,
}

impl ColumnPair {
    /// The pair without its optional keys.
    pub fn new(table: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            from: from.into(),
            to: to.into(),
            position: None,
            constraints: BTreeMap::new(),
        }
    }
}

impl Change {
    /// Every value that `kind` may have in a configuration.
    pub const KINDS: [&'static str; 2] = ["rename-column", "change-column"];

    /// The kind as written in a configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RenameColumn(_) | Self::RenameInPlace(_) => "rename-column",
            Self::ChangeColumn { .. } => "change-column",
        }
    }

    /// The two columns.
    #[must_use]
    pub fn columns(&self) -> &ColumnPair {
        match self {
            Self::RenameColumn(columns)
            | Self::RenameInPlace(columns)
            | Self::ChangeColumn { columns, .. } => columns,
        }
    }

    /// Its phases, in the order of the way forward.
    #[must_use]
    pub fn phases(&self) -> &'static [Phase] {
        match self {
            Self::RenameColumn(_) | Self::ChangeColumn { .. } => &Phase::ALL,
            Self::RenameInPlace(_) => &[Phase::Expand, Phase::Contract],
        }
    }
}
