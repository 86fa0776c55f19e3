//! `merge-tables` as an operator writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::split::{MovedColumns, OneOrMore};

/// Tables whose rows become parts of the rows of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeTables {
    /// The table that their columns move to: `table` (then schema `public`) or `schema.table`, as SQL
    /// would write it.
    pub into: String,
    /// Its key, by which a row of each source finds its own.
    pub key: OneOrMore,
    /// The tables that unchanged clients use.
    #[serde(rename = "source")]
    pub sources: Vec<MergeSource>,
}

/// One of the tables that are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeSource {
    /// `table` (then schema `public`) or `schema.table`, as SQL would write it.
    pub table: String,
    /// Its own key, in the order of the other one, where the columns have other names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<OneOrMore>,
    /// Its other columns.
    pub columns: MovedColumns,
    /// A boolean column of the new table that tells whether there is a row of this one. Without one each
    /// row of the new table counts as one of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<String>,
    /// Place of each column, those of the key included, among those that `*` shows, counted from 1. Needed
    /// before the table is gone, where its columns do not stand in the order of `key` and `columns`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub positions: BTreeMap<String, u16>,
    /// Constraints and indexes of this table, each with its counterpart in the new one: what an error calls
    /// by the second name, a client of the old shape knows by the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constraints: BTreeMap<String, String>,
}

impl MergeTables {
    /// Each column of a source's key with that of the new table.
    pub fn key_of<'a>(
        &'a self,
        source: &'a MergeSource,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        source.key.as_ref().unwrap_or(&self.key).iter().zip(self.key.iter())
    }

    /// Each column of a source, its key first, with that of the new table.
    pub fn pairs_of<'a>(
        &'a self,
        source: &'a MergeSource,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.key_of(source).chain(source.columns.pairs())
    }
}
