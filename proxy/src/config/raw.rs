//! The file's values with their lines: known keys, right types, nothing else checked yet.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, spelling_hint};

/// Keys of the file's top level.
const TOP_KEYS: [&str; 7] =
    ["listen", "upstream", "control", "admin_socket", "tls_certificate", "tls_key", "migration"];

/// Keys of a `[[migration]]`, over all kinds.
const MIGRATION_KEYS: [&str; 7] = ["name", "kind", "table", "from", "to", "phase", "position"];

/// Those of them that hold a text, and must be there.
const MIGRATION_TEXTS: [&str; 6] = ["name", "kind", "table", "from", "to", "phase"];

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
    pub(super) migrations: Vec<RawMigration>,
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
            migrations: reader.migrations(table),
        };
        (raw, reader.faults)
    }
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    /// Some of the file could not be read, so a key that is not seen may still be there.
    partial: bool,
}

impl Reader<'_> {
    fn line(&self, span: Range<usize>) -> usize {
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
        if migration.is_some() && TOP_KEYS.contains(&name) {
            return format!("\"{name}\" belongs above the first [[migration]]");
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

    fn string(
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

    fn migrations(&mut self, table: &DeTable<'_>) -> Vec<RawMigration> {
        let Some((key, value)) = find(table, "migration") else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.migration(index, item))
                .collect(),
            DeValue::Table(table) => {
                let line = self.line(key.span());
                self.faults.push(Fault {
                    line: Some(line),
                    key: Some("migration".to_owned()),
                    hint: Some("write [[migration]] with two brackets".to_owned()),
                    ..Fault::of_file("must be an array of tables, but is a table")
                });
                vec![self.migration_table(0, table, line)]
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                let line = self.line(key.span());
                self.faults.push(not_a_table(line, value.get_ref().type_str()));
                Vec::new()
            }
        }
    }

    fn migration(&mut self, index: usize, item: &Spanned<DeValue<'_>>) -> Option<RawMigration> {
        let line = self.line(item.span());
        match item.get_ref().as_table() {
            Some(table) => Some(self.migration_table(index, table, line)),
            None => {
                self.faults.push(not_a_table(line, item.get_ref().type_str()));
                None
            }
        }
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
            match find(table, key) {
                Some((_, value)) => {
                    if let Some(text) = self.string(value, Some(&shown_as), key) {
                        texts.insert(key, text);
                    }
                }
                None if self.partial => {}
                None => self.faults.push(Fault {
                    line: Some(header),
                    migration: Some(shown_as.clone()),
                    key: Some(key.to_owned()),
                    message: "is missing".to_owned(),
                    hint: None,
                }),
            }
        }
        let position = self.position(table, &shown_as);
        RawMigration { shown_as, header, texts, position, lines }
    }

    fn position(&mut self, table: &DeTable<'_>, migration: &str) -> Option<u16> {
        let (_, value) = find(table, "position")?;
        let message = match value.get_ref().as_integer() {
            Some(digits) => {
                let digits = digits.as_str();
                match digits.parse() {
                    Ok(0) | Err(_) => format!("{digits} is not the place of a column"),
                    Ok(position) => return Some(position),
                }
            }
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

fn not_a_table(line: usize, type_name: &str) -> Fault {
    Fault {
        line: Some(line),
        key: Some("migration".to_owned()),
        hint: Some("write each migration below its own [[migration]] line".to_owned()),
        ..Fault::of_file(format!("must be an array of tables, but has a value of type {type_name}"))
    }
}

/// The entry at a key, with the key's own span.
fn find<'t, 'i>(
    table: &'t DeTable<'i>,
    name: &str,
) -> Option<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}
