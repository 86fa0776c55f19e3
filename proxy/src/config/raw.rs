//! The file's values with their lines: known keys, right types, nothing else checked yet.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;

use rewrite_rules::rule::Change;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::backfill::BackfillPlan;
use super::fault::{Fault, spelling_hint};
use super::kinds::KindKeys;
use super::merge::RawMerge;
use super::split::RawSplit;

/// Keys of the file's top level.
const TOP_KEYS: [&str; 10] = [
    "listen",
    "upstream",
    "control",
    "admin_socket",
    "tls_certificate",
    "tls_key",
    "lease",
    "threads",
    "migration",
    "client",
];

/// Keys of a `[[migration]]`, over all kinds.
const MIGRATION_KEYS: [&str; 22] = [
    "name",
    "kind",
    "strategy",
    "table",
    "from",
    "to",
    "phase",
    "position",
    "constraints",
    "up",
    "down",
    "from_type",
    "column",
    "value",
    "not_null",
    "into",
    "key",
    "columns",
    "positions",
    "source",
    "backfill",
    "verify_every",
];

/// Those of them that every kind must have.
const REQUIRED_KEYS: [&str; 3] = ["name", "kind", "phase"];

/// Those of them that hold a text.
const MIGRATION_TEXTS: [&str; 13] = [
    "name",
    "kind",
    "table",
    "from",
    "to",
    "column",
    "value",
    "into",
    "phase",
    "strategy",
    "up",
    "down",
    "from_type",
];

/// Whether a `[[migration]]` may have such a key.
pub(super) fn is_migration_key(key: &str) -> bool {
    MIGRATION_KEYS.contains(&key)
}

/// Keys of a `[[client]]`; all hold a text.
const CLIENT_KEYS: [&str; 3] = ["role", "application_name", "shape"];

/// A text with the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) line: usize,
}

/// The file as written.
#[derive(Debug, Default)]
pub(super) struct RawConfig {
    pub(super) listen: Option<Text>,
    pub(super) upstream: Option<Text>,
    pub(super) control: Option<Text>,
    pub(super) admin_socket: Option<Text>,
    pub(super) tls_certificate: Option<Text>,
    pub(super) tls_key: Option<Text>,
    pub(super) lease: Option<Text>,
    pub(super) threads: Option<NonZero<usize>>,
    pub(super) migrations: Vec<RawMigration>,
    pub(super) clients: Vec<RawClient>,
}

/// One `[[client]]` as written.
#[derive(Debug)]
pub(super) struct RawClient {
    /// Line of its header.
    pub(super) header: usize,
    /// Its texts by key.
    pub(super) texts: BTreeMap<&'static str, Text>,
}

/// One `[[migration]]` as written.
#[derive(Debug)]
pub(super) struct RawMigration {
    /// Its name, or `#n` for the n-th of the file if it has none.
    pub(super) shown_as: String,
    /// Line of its header.
    pub(super) header: usize,
    /// Its texts by key.
    pub(super) texts: BTreeMap<&'static str, Text>,
    /// Its `position`, if it has a right one.
    pub(super) position: Option<u16>,
    /// Its `constraints`.
    pub(super) constraints: BTreeMap<String, String>,
    /// Its `not_null`.
    pub(super) not_null: bool,
    /// What it says of a split.
    pub(super) split: RawSplit,
    /// What it says of a merge.
    pub(super) merge: RawMerge,
    /// What it says of its backfill.
    pub(super) backfill: BackfillPlan,
    /// Line of each key that it has, right or wrong.
    pub(super) lines: BTreeMap<String, usize>,
}

impl RawConfig {
    /// Reads everything that can be read; each thing that cannot becomes a fault.
    pub(super) fn parse(text: &str) -> (Self, Vec<Fault>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, faults: Vec::new(), partial: !errors.is_empty() };
        let mut last = None;
        for error in errors {
            let line = error.span().map(|span| reader.line(span));
            // What follows on the same line only follows from the first.
            if line.is_some() && line == last {
                continue;
            }
            last = line;
            let message = format!("TOML syntax: {}", error.message().replace('\n', ", "));
            reader.faults.push(Fault { line, ..Fault::of_file(message) });
        }
        let table = table.get_ref();
        reader.unknown_keys(table, &TOP_KEYS, None);
        let mut take = |key, required| reader.text(table, key, required);
        let raw = Self {
            listen: take("listen", true),
            upstream: take("upstream", true),
            control: take("control", true),
            admin_socket: take("admin_socket", false),
            tls_certificate: take("tls_certificate", false),
            tls_key: take("tls_key", false),
            lease: take("lease", false),
            threads: reader.threads(table),
            migrations: reader
                .tables(table, "migration")
                .into_iter()
                .enumerate()
                .map(|(index, (table, header))| reader.migration_table(index, table, header))
                .collect(),
            clients: reader
                .tables(table, "client")
                .into_iter()
                .map(|(table, header)| reader.client_table(table, header))
                .collect(),
        };
        (raw, reader.faults)
    }
}

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) faults: Vec<Fault>,
    /// Some of the file could not be read, so a key that is not seen may still be there.
    partial: bool,
}

impl Reader<'_> {
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }

    fn unknown_keys(&mut self, table: &DeTable<'_>, known: &[&str], migration: Option<&str>) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                self.faults.push(Fault {
                    line: Some(self.line(key.span())),
                    migration: migration.map(str::to_owned),
                    key: Some(name.to_owned()),
                    message: "unknown key".to_owned(),
                    hint: Some(self.unknown_key_hint(name, known, migration)),
                });
            }
        }
    }

    fn unknown_key_hint(&self, name: &str, known: &[&str], migration: Option<&str>) -> String {
        // TOML's own trap: a top-level key below a [[migration]] header belongs to the migration.
        if known != TOP_KEYS && TOP_KEYS.contains(&name) {
            let table = if migration.is_some() { "migration" } else { "client" };
            return format!("\"{name}\" belongs above the first [[{table}]]");
        }
        spelling_hint(name, known)
    }

    /// The text at a key of the top level.
    fn text(&mut self, table: &DeTable<'_>, key: &str, required: bool) -> Option<Text> {
        match find(table, key) {
            Some((_, value)) => self.string(value, None, key),
            None => {
                if required && !self.partial {
                    self.faults
                        .push(Fault { key: Some(key.to_owned()), ..Fault::of_file("is missing") });
                }
                None
            }
        }
    }

    pub(super) fn string(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        migration: Option<&str>,
        key: &str,
    ) -> Option<Text> {
        let line = self.line(value.span());
        let Some(text) = value.get_ref().as_str() else {
            // The parser puts something without extent in place of what it could not read.
            if self.partial && value.span().is_empty() {
                return None;
            }
            self.faults.push(Fault {
                line: Some(line),
                migration: migration.map(str::to_owned),
                key: Some(key.to_owned()),
                message: format!("must be a string, but is of type {}", value.get_ref().type_str()),
                hint: None,
            });
            return None;
        };
        Some(Text { value: text.to_owned(), line })
    }

    /// The tables of an array of tables, each with the line of its header.
    fn tables<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        name: &str,
    ) -> Vec<(&'t DeTable<'i>, usize)> {
        let Some((key, value)) = find(table, name) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| {
                    let line = self.line(item.span());
                    let table = item.get_ref().as_table();
                    if table.is_none() {
                        self.faults.push(not_a_table(name, line, item.get_ref().type_str()));
                    }
                    table.map(|table| (table, line))
                })
                .collect(),
            DeValue::Table(table) => {
                let line = self.line(key.span());
                self.faults.push(Fault {
                    line: Some(line),
                    key: Some(name.to_owned()),
                    hint: Some(format!("write [[{name}]] with two brackets")),
                    ..Fault::of_file("must be an array of tables, but is a table")
                });
                vec![(table, line)]
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                let line = self.line(key.span());
                self.faults.push(not_a_table(name, line, value.get_ref().type_str()));
                Vec::new()
            }
        }
    }

    fn client_table(&mut self, table: &DeTable<'_>, header: usize) -> RawClient {
        self.unknown_keys(table, &CLIENT_KEYS, None);
        let mut texts = BTreeMap::new();
        for key in CLIENT_KEYS {
            if let Some((_, value)) = find(table, key)
                && let Some(text) = self.string(value, None, key)
            {
                texts.insert(key, text);
            }
        }
        RawClient { header, texts }
    }

    fn migration_table(
        &mut self,
        index: usize,
        table: &DeTable<'_>,
        header: usize,
    ) -> RawMigration {
        let name = find(table, "name").and_then(|(_, value)| value.get_ref().as_str());
        let shown_as = match name {
            Some(name) if !name.is_empty() => name.to_owned(),
            Some(_) | None => format!("#{}", index + 1),
        };
        self.unknown_keys(table, &MIGRATION_KEYS, Some(&shown_as));
        let lines =
            table.keys().map(|key| (key.get_ref().to_string(), self.line(key.span()))).collect();
        let mut texts = BTreeMap::new();
        for key in MIGRATION_TEXTS {
            if let Some((_, value)) = find(table, key)
                && let Some(text) = self.string(value, Some(&shown_as), key)
            {
                texts.insert(key, text);
            }
        }
        let kind = texts.get("kind").and_then(|kind: &Text| KindKeys::of(&kind.value));
        // Of which kind it is meant to be, nobody can tell: most have a table.
        let of_kind = kind.map_or(&["table"][..], |keys| keys.required);
        let is_required = |key: &&str| REQUIRED_KEYS.contains(key) || of_kind.contains(key);
        for key in MIGRATION_KEYS.into_iter().filter(is_required) {
            if find(table, key).is_none() && !self.partial {
                self.faults.push(Fault {
                    line: Some(header),
                    migration: Some(shown_as.clone()),
                    key: Some(key.to_owned()),
                    message: "is missing".to_owned(),
                    hint: None,
                });
            }
        }
        // Both have a `key`, of another form.
        let is_merge = texts.get("kind").is_some_and(|kind| kind.value == Change::MERGE_TABLES);
        let (split, merge) = match is_merge {
            true => (RawSplit::default(), self.merge(table, &shown_as)),
            false => (self.split(table, &shown_as), RawMerge::default()),
        };
        RawMigration {
            header,
            texts,
            position: self.position(table, &shown_as),
            constraints: self.constraints(table, &shown_as, "constraints"),
            not_null: self.not_null(table, &shown_as),
            split,
            merge,
            backfill: self.backfill(table, &shown_as),
            shown_as,
            lines,
        }
    }

    fn not_null(&mut self, table: &DeTable<'_>, migration: &str) -> bool {
        let Some((_, value)) = find(table, "not_null") else { return false };
        let wanted = value.get_ref().as_bool();
        if wanted.is_none() {
            self.faults.push(Fault {
                line: Some(self.line(value.span())),
                migration: Some(migration.to_owned()),
                key: Some("not_null".to_owned()),
                message: format!(
                    "must be a boolean, but is of type {}",
                    value.get_ref().type_str()
                ),
                hint: Some("write not_null = true".to_owned()),
            });
        }
        wanted.unwrap_or_default()
    }

    /// `constraints = { old_name = "new_name" }`.
    pub(super) fn constraints(
        &mut self,
        table: &DeTable<'_>,
        migration: &str,
        key: &str,
    ) -> BTreeMap<String, String> {
        let Some((_, value)) = find(table, "constraints") else { return BTreeMap::new() };
        let Some(names) = value.get_ref().as_table() else {
            self.faults.push(Fault {
                line: Some(self.line(value.span())),
                migration: Some(migration.to_owned()),
                key: Some(key.to_owned()),
                message: format!("must be a table, but is of type {}", value.get_ref().type_str()),
                hint: Some("write constraints = { old_name = \"new_name\" }".to_owned()),
            });
            return BTreeMap::new();
        };
        names
            .iter()
            .filter_map(|(old, new)| {
                let new = self.string(new, Some(migration), key)?;
                Some((old.get_ref().to_string(), new.value))
            })
            .collect()
    }

    fn position(&mut self, table: &DeTable<'_>, migration: &str) -> Option<u16> {
        let (_, value) = find(table, "position")?;
        let message = match value.get_ref().as_integer() {
            Some(digits) => match whole(digits) {
                Some(position @ 1..) => return Some(position),
                Some(0) | None => format!("{digits} is not the place of a column"),
            },
            None => format!("must be an integer, but is of type {}", value.get_ref().type_str()),
        };
        self.faults.push(Fault {
            line: Some(self.line(value.span())),
            migration: Some(migration.to_owned()),
            key: Some("position".to_owned()),
            message,
            hint: Some("columns are counted from 1".to_owned()),
        });
        None
    }
}

fn not_a_table(key: &str, line: usize, type_name: &str) -> Fault {
    Fault {
        line: Some(line),
        key: Some(key.to_owned()),
        hint: Some(format!("write each {key} below its own [[{key}]] line")),
        ..Fault::of_file(format!("must be an array of tables, but has a value of type {type_name}"))
    }
}

/// The entry at a key, with the key's own span.
pub(super) fn find<'t, 'i>(
    table: &'t DeTable<'i>,
    name: &str,
) -> Option<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

/// The value of an integer, in whichever base it is written, if it is one of that type.
pub(super) fn whole<T: TryFrom<i128>>(integer: &DeInteger<'_>) -> Option<T> {
    let value = i128::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    T::try_from(value).ok()
}
