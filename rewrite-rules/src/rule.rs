//! The rules as an operator writes them; nothing is checked here.

mod merge;
mod places;
mod split;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::phase::Phase;

pub use self::merge::{MergeSource, MergeTables};
pub use self::split::{KeyPair, MovedColumns, OneOrMore, SplitTable};

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
    /// A column is added. The application fills it from now on, and the rows of the past are filled
    /// once.
    BackfillColumn(AddedColumn),
    /// Columns move to a table of their own.
    SplitTable(SplitTable),
    /// The rows of several tables become those of one.
    MergeTables(MergeTables),
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

/// A column that the old shape does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedColumn {
    /// `table` (then schema `public`) or `schema.table`, as SQL would write it.
    pub table: String,
    /// Its name.
    pub column: String,
    /// SQL expression over the row's other columns: what stands in a row of the past.
    pub value: String,
    /// Whether it is to be NOT NULL in the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
}

/// A column that a migration governs, and the key that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Governed<'a> {
    /// The key of the `[[migration]]` entry.
    pub key: &'static str,
    /// The table, as SQL would write it.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
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
    /// The kind of [`Self::RenameColumn`] and [`Self::RenameInPlace`].
    pub const RENAME_COLUMN: &'static str = "rename-column";
    /// The kind of [`Self::ChangeColumn`].
    pub const CHANGE_COLUMN: &'static str = "change-column";
    /// The kind of [`Self::BackfillColumn`].
    pub const BACKFILL_COLUMN: &'static str = "backfill-column";
    /// The kind of [`Self::SplitTable`].
    pub const SPLIT_TABLE: &'static str = "split-table";
    /// The kind of [`Self::MergeTables`].
    pub const MERGE_TABLES: &'static str = "merge-tables";

    /// Every value that `kind` may have in a configuration.
    pub const KINDS: [&'static str; 5] = [
        Self::RENAME_COLUMN,
        Self::CHANGE_COLUMN,
        Self::BACKFILL_COLUMN,
        Self::SPLIT_TABLE,
        Self::MERGE_TABLES,
    ];

    /// The kind as written in a configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RenameColumn(_) | Self::RenameInPlace(_) => Self::RENAME_COLUMN,
            Self::ChangeColumn { .. } => Self::CHANGE_COLUMN,
            Self::BackfillColumn(_) => Self::BACKFILL_COLUMN,
            Self::SplitTable(_) => Self::SPLIT_TABLE,
            Self::MergeTables(_) => Self::MERGE_TABLES,
        }
    }

    /// The tables that unchanged clients use, as SQL would write them.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        match self {
            Self::RenameColumn(pair)
            | Self::RenameInPlace(pair)
            | Self::ChangeColumn { columns: pair, .. } => vec![&pair.table],
            Self::BackfillColumn(added) => vec![&added.table],
            Self::SplitTable(split) => vec![&split.table],
            Self::MergeTables(merge) => {
                merge.sources.iter().map(|source| source.table.as_str()).collect()
            }
        }
    }

    /// The table that columns of theirs move to, if it is another one.
    #[must_use]
    pub fn into_table(&self) -> Option<&str> {
        match self {
            Self::RenameColumn(_)
            | Self::RenameInPlace(_)
            | Self::ChangeColumn { .. }
            | Self::BackfillColumn(_) => None,
            Self::SplitTable(split) => Some(&split.into),
            Self::MergeTables(merge) => Some(&merge.into),
        }
    }

    /// The two columns, if it moves one column's values to another one.
    #[must_use]
    pub fn pair(&self) -> Option<&ColumnPair> {
        match self {
            Self::RenameColumn(pair)
            | Self::RenameInPlace(pair)
            | Self::ChangeColumn { columns: pair, .. } => Some(pair),
            Self::BackfillColumn(_) | Self::SplitTable(_) | Self::MergeTables(_) => None,
        }
    }

    /// The columns that no other migration may touch meanwhile.
    #[must_use]
    pub fn governed(&self) -> Vec<Governed<'_>> {
        match self {
            Self::RenameColumn(pair)
            | Self::RenameInPlace(pair)
            | Self::ChangeColumn { columns: pair, .. } => {
                let of = |key, column| Governed { key, table: &pair.table, column };
                vec![of("from", &pair.from), of("to", &pair.to)]
            }
            Self::BackfillColumn(AddedColumn { table, column, .. }) => {
                vec![Governed { key: "column", table, column }]
            }
            Self::SplitTable(SplitTable { table, into, columns, .. }) => {
                let of = |table, column| Governed { key: "columns", table, column };
                columns.pairs().flat_map(|(from, to)| [of(table, from), of(into, to)]).collect()
            }
            Self::MergeTables(merge) => {
                let of = |table, column| Governed { key: "columns", table, column };
                let columns = |source| merge.pairs_of(source).map(move |it| (source, it));
                let all = merge.sources.iter().flat_map(columns);
                all.flat_map(|(source, (from, to)): (&MergeSource, _)| {
                    [of(source.table.as_str(), from), of(merge.into.as_str(), to)]
                })
                .collect()
            }
        }
    }

    /// Its phases, in the order of the way forward.
    #[must_use]
    pub fn phases(&self) -> &'static [Phase] {
        match self {
            Self::RenameColumn(_)
            | Self::ChangeColumn { .. }
            | Self::SplitTable(_)
            | Self::MergeTables(_) => &Phase::TWO_SIDED,
            Self::RenameInPlace(_) => &[Phase::Expand, Phase::Contract],
            Self::BackfillColumn(_) => &Phase::OF_BACKFILL,
        }
    }

    /// What is wrong with a phase that it does not have, and which ones it has.
    #[must_use]
    pub fn lacks(&self, phase: Phase) -> Option<(String, String)> {
        let phases = self.phases();
        if phases.contains(&phase) {
            return None;
        }
        let what = match self {
            Self::RenameInPlace(_) => "strategy \"metadata\"".to_owned(),
            Self::RenameColumn(_)
            | Self::ChangeColumn { .. }
            | Self::BackfillColumn(_)
            | Self::SplitTable(_)
            | Self::MergeTables(_) => {
                format!("kind \"{}\"", self.kind())
            }
        };
        let names: Vec<String> = phases.iter().map(|phase| format!("\"{phase}\"")).collect();
        let hint = match names.split_last() {
            Some((last, rest)) => format!("use {} or {last}", rest.join(", ")),
            None => String::new(),
        };
        Some((format!("{what} has no phase \"{phase}\""), hint))
    }
}
