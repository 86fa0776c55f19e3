//! `split-table` as an operator writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Columns of a table that move to another one, whose rows refer to those that they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitTable {
    /// The table that unchanged clients use: `table` (then schema `public`) or `schema.table`, as SQL
    /// would write it.
    pub table: String,
    /// The table that the columns move to.
    pub into: String,
    /// The key of the one, and the columns of the other that refer to it.
    pub key: KeyPair,
    /// The columns.
    pub columns: MovedColumns,
}

/// `{ from = "id", to = "user_id" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// A key of the old table.
    pub from: OneOrMore,
    /// The columns of the new one that hold its values, in the same order: a key there.
    pub to: OneOrMore,
}

impl KeyPair {
    /// Each column of the old table's key with that of the new one.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.from.iter().zip(self.to.iter())
    }
}

/// One name or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// `"id"`.
    One(String),
    /// `["tenant", "id"]`.
    More(Vec<String>),
}

impl OneOrMore {
    /// The names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let names = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::More(names) => names,
        };
        names.iter().map(String::as_str)
    }
}

/// The columns that move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MovedColumns {
    /// `["bio", "settings"]`: they keep their names.
    Kept(Vec<String>),
    /// `{ first_name = "given_name" }`: each with its name in the new table.
    Renamed(BTreeMap<String, String>),
}

impl MovedColumns {
    /// Each column with its name in the new table.
    #[must_use]
    pub fn pairs(&self) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
        match self {
            Self::Kept(names) => Box::new(names.iter().map(|name| (name.as_str(), name.as_str()))),
            Self::Renamed(names) => {
                Box::new(names.iter().map(|(from, to)| (from.as_str(), to.as_str())))
            }
        }
    }
}
