//! The keys of `split-table` whose values are no texts: `key`, `columns` and `positions`.

use std::collections::BTreeMap;

use rewrite_rules::rule::{KeyPair, MovedColumns};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::merge::one_or_more;
use super::raw::{Reader, find, whole};

/// How `key` is written.
const KEY: &str = "write key = { from = \"id\", to = \"user_id\" }";

/// How `columns` is written.
pub(super) const COLUMNS: &str = "write columns = [\"bio\", \"settings\"], or columns = { bio = \"about\" } to rename them on the way";

/// How `positions` is written.
pub(super) const POSITIONS: &str = "write positions = { bio = 3, settings = 7 }, counted from 1";

/// What the file says of a split; none where it says nothing, or nothing right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawSplit {
    pub(super) key: Option<KeyPair>,
    pub(super) columns: Option<MovedColumns>,
    pub(super) positions: BTreeMap<String, u16>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) migration: &'a str,
    pub(super) key: &'a str,
    pub(super) hint: &'a str,
}

impl Reader<'_> {
    pub(super) fn split(&mut self, table: &DeTable<'_>, migration: &str) -> RawSplit {
        let at = |key, hint| At { migration, key, hint };
        RawSplit {
            key: find(table, "key").and_then(|(_, value)| self.key(value, at("key", KEY))),
            columns: find(table, "columns")
                .and_then(|(_, value)| self.columns(value, at("columns", COLUMNS))),
            positions: find(table, "positions")
                .map(|(_, value)| self.positions(value, at("positions", POSITIONS)))
                .unwrap_or_default(),
        }
    }

    pub(super) fn wrong(&mut self, value: &Spanned<DeValue<'_>>, at: At<'_>, message: String) {
        self.faults.push(Fault {
            line: Some(self.line(value.span())),
            migration: Some(at.migration.to_owned()),
            key: Some(at.key.to_owned()),
            message,
            hint: Some(at.hint.to_owned()),
        });
    }

    /// The value of a table, or a fault.
    pub(super) fn entries<'t, 'i>(
        &mut self,
        value: &'t Spanned<DeValue<'i>>,
        at: At<'_>,
    ) -> Option<&'t DeTable<'i>> {
        let entries = value.get_ref().as_table();
        if entries.is_none() {
            let message = format!("must be a table, but is of type {}", value.get_ref().type_str());
            self.wrong(value, at, message);
        }
        entries
    }

    /// A name, or a list of them.
    pub(super) fn names(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        at: At<'_>,
    ) -> Option<Vec<String>> {
        let Some(items) = value.get_ref().as_array() else {
            return self.name(value, at).map(|name| vec![name]);
        };
        items.iter().map(|item| self.name(item, at)).collect()
    }

    pub(super) fn name(&mut self, value: &Spanned<DeValue<'_>>, at: At<'_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some("") => {
                self.wrong(value, at, "names nothing".to_owned());
                None
            }
            Some(name) => Some(name.to_owned()),
            None => {
                let type_name = value.get_ref().type_str();
                self.wrong(
                    value,
                    at,
                    format!("must name columns, but has a value of type {type_name}"),
                );
                None
            }
        }
    }

    fn key(&mut self, value: &Spanned<DeValue<'_>>, at: At<'_>) -> Option<KeyPair> {
        let entries = self.entries(value, at)?;
        for (key, value) in entries {
            let key: &str = key.get_ref();
            if !["from", "to"].contains(&key) {
                self.wrong(value, at, format!("has an unknown key \"{key}\""));
            }
        }
        let mut side = |key: &str| {
            let Some((_, names)) = find(entries, key) else {
                self.wrong(value, at, format!("\"{key}\" is missing"));
                return None;
            };
            let names = self.names(names, at)?;
            Some(one_or_more(names))
        };
        let (from, to) = (side("from"), side("to"));
        Some(KeyPair { from: from?, to: to? })
    }

    pub(super) fn columns(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        at: At<'_>,
    ) -> Option<MovedColumns> {
        if value.get_ref().as_array().is_some() {
            let names = self.names(value, at)?;
            return Some(names.into_iter().map(|name| (name.clone(), name)).collect());
        }
        let entries = value.get_ref().as_table().or_else(|| {
            let type_name = value.get_ref().type_str();
            self.wrong(value, at, format!("must be a list of names, but is of type {type_name}"));
            None
        })?;
        // In the order of the file: it tells where a column stood that is gone.
        let mut listed: Vec<_> = entries.iter().collect();
        listed.sort_by_key(|(key, _)| key.span().start);
        let pair = |(from, to): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let from: &std::borrow::Cow<'_, str> = from.get_ref();
            Some((from.to_string(), self.name(to, at)?))
        };
        listed.into_iter().map(pair).collect()
    }

    pub(super) fn positions(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        at: At<'_>,
    ) -> BTreeMap<String, u16> {
        let Some(entries) = self.entries(value, at) else { return BTreeMap::new() };
        let mut positions = BTreeMap::new();
        for (column, value) in entries {
            match value.get_ref().as_integer().and_then(whole) {
                Some(position @ 1..) => {
                    positions.insert(column.get_ref().to_string(), position);
                }
                Some(0) | None => {
                    let column: &str = column.get_ref();
                    self.wrong(value, at, format!("\"{column}\" has no place of a column"));
                }
            }
        }
        positions
    }
}
