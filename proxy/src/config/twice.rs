//! Columns of a new table that a rule means twice: nothing could make it, nor write both.

use rewrite_rules::rule::{MovedColumns, OneOrMore};

use super::fault::Fault;
use super::raw::RawMigration;

/// What to do about a column.
const RENAME: &str = "rename it on the way: columns = { old = \"new\" }";

/// What to do about a part's own column.
const NAME_ANOTHER: &str = "name a column that nothing else is moved to";

/// What to do about a key.
const KEY: &str = "name each column of the key once";

/// A column that the new table is to have.
struct Meant<'a> {
    column: &'a str,
    key: &'static str,
    line: usize,
    hint: &'static str,
}

/// Tells of each that is there twice.
pub(super) fn check(raw: &RawMigration, faults: &mut Vec<Fault>) {
    let meant = meant(raw);
    for (at, it) in meant.iter().enumerate() {
        let Some(first) = meant.iter().take(at).find(|first| first.column == it.column) else {
            continue;
        };
        let message = format!(
            "column \"{}\" of the new table is meant twice, before by \"{}\" in line {}",
            it.column, first.key, first.line
        );
        add(raw, it, message, faults);
    }
    for it in keys_that_move(raw) {
        add(raw, &it, format!("column \"{}\" is part of the key", it.column), faults);
    }
}

fn add(raw: &RawMigration, it: &Meant<'_>, message: String, faults: &mut Vec<Fault>) {
    faults.push(Fault {
        line: Some(it.line),
        migration: Some(raw.shown_as.clone()),
        key: Some(it.key.to_owned()),
        message,
        hint: Some(it.hint.to_owned()),
    });
}

/// The columns of the new table, the key first.
fn meant(raw: &RawMigration) -> Vec<Meant<'_>> {
    let line = |key: &str| raw.lines.get(key).copied().unwrap_or(raw.header);
    let split = &raw.split;
    let keys = split.key.iter().flat_map(|key| key.to.iter());
    let keys = keys.chain(raw.merge.key.iter().flat_map(OneOrMore::iter));
    let mut found: Vec<Meant<'_>> =
        keys.map(|column| Meant { column, key: "key", line: line("key"), hint: KEY }).collect();
    let moved = split.columns.iter().flat_map(MovedColumns::pairs);
    found.extend(moved.map(|(_, column)| Meant {
        column,
        key: "columns",
        line: line("columns"),
        hint: RENAME,
    }));
    for source in &raw.merge.sources {
        if let Some((columns, line)) = &source.columns {
            let (key, line, hint) = ("source.columns", *line, RENAME);
            found.extend(columns.pairs().map(|(_, column)| Meant { column, key, line, hint }));
        }
        if let Some((column, line)) = &source.present {
            let (key, line, hint) = ("source.present", *line, NAME_ANOTHER);
            found.push(Meant { column, key, line, hint });
        }
    }
    found
}

/// Columns of a table that is merged which are its key and move besides.
fn keys_that_move(raw: &RawMigration) -> Vec<Meant<'_>> {
    let mut found = Vec::new();
    for source in &raw.merge.sources {
        let own = source.key.as_ref().or(raw.merge.key.as_ref());
        let Some((columns, line)) = &source.columns else { continue };
        for (column, to) in columns.pairs() {
            let is_key = own.is_some_and(|own| own.iter().any(|key| key == column));
            // What is called as the new table's key is told of already.
            let is_told = raw.merge.key.iter().flat_map(OneOrMore::iter).any(|key| key == to);
            if is_key && !is_told {
                let hint = "leave it out of \"columns\": each row keeps its key";
                found.push(Meant { column, key: "source.columns", line: *line, hint });
            }
        }
    }
    found
}
