//! What `merge-tables` has of its own: `key` as a name or a list, and each `[[migration.source]]`.

use std::collections::BTreeMap;

use rewrite_rules::rule::{MergeSource, MovedColumns, OneOrMore};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, spelling_hint};
use super::raw::{Reader, Text, find, is_migration_key};
use super::split::{At, COLUMNS, POSITIONS};

/// Keys of a `[[migration.source]]`.
const SOURCE_KEYS: [&str; 6] = ["table", "key", "columns", "present", "positions", "constraints"];

/// Those of them that every source must have.
const REQUIRED_KEYS: [&str; 2] = ["table", "columns"];

/// How the key of the new table is written.
const KEY: &str = "write key = \"user_id\", or key = [\"tenant\", \"user_id\"]";

/// How that of a source is.
const OWN_KEY: &str = "write key = \"uid\", or a list in the order of the other one";

/// How the sources are written.
const SOURCES: &str = "write [[migration.source]] for each table, with its keys below";

/// What the file says of a merge; none where it says nothing, or nothing right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawMerge {
    pub(super) key: Option<OneOrMore>,
    pub(super) sources: Vec<RawSource>,
}

/// One `[[migration.source]]` as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawSource {
    /// Line of its header.
    pub(super) header: usize,
    pub(super) table: Option<Text>,
    pub(super) key: Option<OneOrMore>,
    /// With the line that they stand in.
    pub(super) columns: Option<(MovedColumns, usize)>,
    /// With its line.
    pub(super) present: Option<(String, usize)>,
    positions: BTreeMap<String, u16>,
    constraints: BTreeMap<String, String>,
}

/// Whether a source may have such a key.
pub(super) fn is_source_key(key: &str) -> bool {
    SOURCE_KEYS.contains(&key)
}

impl RawSource {
    /// `None` where what it must have is missing, or is told as a fault.
    pub(super) fn checked(&self) -> Option<MergeSource> {
        Some(MergeSource {
            table: self.table.as_ref()?.value.clone(),
            key: self.key.clone(),
            columns: self.columns.as_ref()?.0.clone(),
            present: self.present.as_ref().map(|(name, _)| name.clone()),
            positions: self.positions.clone(),
            constraints: self.constraints.clone(),
        })
    }
}

impl Reader<'_> {
    pub(super) fn merge(&mut self, table: &DeTable<'_>, migration: &str) -> RawMerge {
        let key = find(table, "key").and_then(|(_, value)| {
            self.one_or_more(value, At { migration, key: "key", hint: KEY })
        });
        let sources = find(table, "source").map(|(_, value)| self.sources(value, migration));
        RawMerge { key, sources: sources.unwrap_or_default() }
    }

    fn sources(&mut self, value: &Spanned<DeValue<'_>>, migration: &str) -> Vec<RawSource> {
        let at = At { migration, key: "source", hint: SOURCES };
        let Some(items) = value.get_ref().as_array() else {
            let type_name = value.get_ref().type_str();
            self.wrong(
                value,
                at,
                format!("must be an array of tables, but is of type {type_name}"),
            );
            return Vec::new();
        };
        let mut sources = Vec::new();
        for item in items {
            if let Some(table) = self.entries(item, at) {
                let header = self.line(item.span());
                sources.push(self.source(table, header, migration));
            }
        }
        sources
    }

    fn source(&mut self, table: &DeTable<'_>, header: usize, migration: &str) -> RawSource {
        self.strange_keys(table, migration);
        for key in REQUIRED_KEYS.into_iter().filter(|key| find(table, key).is_none()) {
            self.faults.push(Fault {
                line: Some(header),
                migration: Some(migration.to_owned()),
                key: Some(format!("source.{key}")),
                message: "is missing".to_owned(),
                hint: None,
            });
        }
        let at = |key, hint| At { migration, key, hint };
        let columns = find(table, "columns").and_then(|(_, value)| {
            let columns = self.columns(value, at("source.columns", COLUMNS))?;
            Some((columns, self.line(value.span())))
        });
        let positions = find(table, "positions")
            .map(|(_, value)| self.positions(value, at("source.positions", POSITIONS)));
        RawSource {
            header,
            table: find(table, "table").and_then(|(_, value)| self.source_table(value, migration)),
            key: find(table, "key")
                .and_then(|(_, value)| self.one_or_more(value, at("source.key", OWN_KEY))),
            columns,
            present: self.present(table, migration),
            positions: positions.unwrap_or_default(),
            constraints: self.constraints(table, migration, "source.constraints"),
        }
    }

    fn source_table(&mut self, value: &Spanned<DeValue<'_>>, migration: &str) -> Option<Text> {
        let key = "source.table";
        let text = self.string(value, Some(migration), key)?;
        if text.value.trim().is_empty() {
            self.wrong(value, At { migration, key, hint: SOURCES }, "is empty".to_owned());
            return None;
        }
        Some(text)
    }

    fn strange_keys(&mut self, table: &DeTable<'_>, migration: &str) {
        for key in table.keys().filter(|key| !is_source_key(key.get_ref())) {
            let word: &str = key.get_ref();
            let hint = match is_migration_key(word) {
                // TOML's own trap: what stands below a header belongs to it.
                true => format!("\"{word}\" belongs above the first [[migration.source]]"),
                false => spelling_hint(word, &SOURCE_KEYS),
            };
            self.faults.push(Fault {
                line: Some(self.line(key.span())),
                migration: Some(migration.to_owned()),
                key: Some(format!("source.{word}")),
                message: "unknown key".to_owned(),
                hint: Some(hint),
            });
        }
    }

    fn present(&mut self, table: &DeTable<'_>, migration: &str) -> Option<(String, usize)> {
        let (_, value) = find(table, "present")?;
        let hint = "write present = \"has_email_preferences\", a boolean column of the new table";
        let name = self.name(value, At { migration, key: "source.present", hint })?;
        Some((name, self.line(value.span())))
    }

    fn one_or_more(&mut self, value: &Spanned<DeValue<'_>>, at: At<'_>) -> Option<OneOrMore> {
        if value.get_ref().as_array().is_some_and(|items| items.is_empty()) {
            self.wrong(value, at, "names nothing".to_owned());
            return None;
        }
        self.names(value, at).map(one_or_more)
    }
}

/// Names as a rule has them.
pub(super) fn one_or_more(names: Vec<String>) -> OneOrMore {
    match <[String; 1]>::try_from(names) {
        Ok([name]) => OneOrMore::One(name),
        Err(names) => OneOrMore::More(names),
    }
}
