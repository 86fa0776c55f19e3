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
    /// Place of each of them that is gone among the columns that `*` shows, counted from 1. Needed
    /// before they go, where the catalog would not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub positions: BTreeMap<String, u16>,
    /// Constraints and indexes of the columns, each with its counterpart in the new table: what an error
    /// calls by the second name, a client of the old shape knows by the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constraints: BTreeMap<String, String>,
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

/// The columns that move, in the order in which they are listed, each with its name in the new table.
///
/// Written as `["bio", "settings"]`, which keep their names, or as `{ first_name = "given_name" }`; kept
/// as a list of pairs, since the order tells where a column stood that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Spelled", into = "Spelled")]
pub struct MovedColumns(Vec<(String, String)>);

/// How they may be written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelled {
    Kept(Vec<String>),
    Pairs(Vec<(String, String)>),
    Renamed(BTreeMap<String, String>),
}

impl From<Spelled> for MovedColumns {
    fn from(spelled: Spelled) -> Self {
        match spelled {
            Spelled::Kept(names) => names.into_iter().map(|name| (name.clone(), name)).collect(),
            Spelled::Pairs(pairs) => Self(pairs),
            Spelled::Renamed(names) => names.into_iter().collect(),
        }
    }
}

impl From<MovedColumns> for Spelled {
    fn from(columns: MovedColumns) -> Self {
        Self::Pairs(columns.0)
    }
}

impl FromIterator<(String, String)> for MovedColumns {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl MovedColumns {
    /// Each column with its name in the new table.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Entry {
            columns: MovedColumns,
        }
        let pairs = [("b", "x"), ("a", "a")].map(|(from, to)| (from.to_owned(), to.to_owned()));
        let entry = Entry { columns: pairs.into_iter().collect() };
        let written = toml::to_string(&entry).unwrap();
        assert_eq!(written, "columns = [[\"b\", \"x\"], [\"a\", \"a\"]]\n");
        assert_eq!(toml::from_str::<Entry>(&written).unwrap(), entry);
        let kept: Entry = toml::from_str(r#"columns = ["b", "a"]"#).unwrap();
        assert_eq!(kept.columns.pairs().collect::<Vec<_>>(), [("b", "b"), ("a", "a")]);
    }
}
