//! Names that PostgreSQL would cut: it would make and find others than the file names.

use rewrite_rules::rule::{Change, ColumnPair};

use super::fault::Fault;
use super::name::parse_relation_name;
use super::raw::RawMigration;

/// Longest name. Unit: bytes. (`NAMEDATALEN - 1`.)
const NAME_BYTES: usize = 63;

/// What to do about one that is longer.
const HINT: &str = "use a shorter one, or the part that is kept if there is one of that name";

/// A key, its line, and a name that stands there.
type Named = (&'static str, usize, String);

/// Tells of each name that is too long.
pub(super) fn check(raw: &RawMigration, change: &Change, faults: &mut Vec<Fault>) {
    for (key, line, name) in names(raw, change) {
        if name.len() > NAME_BYTES {
            faults.push(Fault {
                line: Some(line),
                migration: Some(raw.shown_as.clone()),
                key: Some(key.to_owned()),
                message: format!(
                    "\"{name}\" has {} bytes, and PostgreSQL keeps {NAME_BYTES} of a name",
                    name.len()
                ),
                hint: Some(HINT.to_owned()),
            });
        }
    }
}

/// All names of tables and columns.
fn names(raw: &RawMigration, change: &Change) -> Vec<Named> {
    let line = |key: &str| raw.lines.get(key).copied().unwrap_or(raw.header);
    let of_table = |key: &'static str, line: usize, text: &str| -> Vec<Named> {
        let name = parse_relation_name(text).into_iter();
        name.flat_map(|name| [name.schema, name.name]).map(|name| (key, line, name)).collect()
    };
    let column = |key: &'static str, name: &str| (key, line(key), name.to_owned());
    let pair = |pair: &ColumnPair| {
        let mut names = of_table("table", line("table"), &pair.table);
        names.extend([column("from", &pair.from), column("to", &pair.to)]);
        names
    };
    match change {
        Change::RenameColumn(columns)
        | Change::RenameInPlace(columns)
        | Change::ChangeColumn { columns, .. } => pair(columns),
        Change::BackfillColumn(added) => {
            let mut names = of_table("table", line("table"), &added.table);
            names.push(column("column", &added.column));
            names
        }
        Change::SplitTable(split) => {
            let mut names = of_table("table", line("table"), &split.table);
            names.extend(of_table("into", line("into"), &split.into));
            let of_key = split.key.pairs().flat_map(|(from, to)| [from, to]);
            names.extend(of_key.map(|name| column("key", name)));
            let moved = split.columns.pairs().flat_map(|(from, to)| [from, to]);
            names.extend(moved.map(|name| column("columns", name)));
            names.sort();
            names.dedup();
            names
        }
        Change::MergeTables(merge) => {
            let mut names = of_table("into", line("into"), &merge.into);
            for (source, written) in merge.sources.iter().zip(&raw.merge.sources) {
                let header = written.header;
                names.extend(of_table("source.table", header, &source.table));
                let pairs = merge.key_of(source).map(|(own, its)| (own, its, "source.key"));
                let moved = source.columns.pairs().map(|(own, its)| (own, its, "source.columns"));
                for (own, its, key) in pairs.chain(moved) {
                    names.extend([own, its].map(|name| (key, header, name.to_owned())));
                }
                let present = source.present.iter();
                names.extend(present.map(|name| ("source.present", header, name.clone())));
            }
            names.sort();
            names.dedup();
            names
        }
    }
}
