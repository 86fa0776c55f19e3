//! What must be mended before a merge takes a step forward. A generation in force can live with it: somebody may have
//! changed a table since, and a proxy that starts must come up all the same.

use crate::catalog::{Catalog, Column, Relation, RelationName};
use crate::compile::Fault;
use crate::compile::table::find_table_as;
use crate::name::quoted;
use crate::phase::Phase;
use crate::rule::MergeTables;

/// `to`: the phase to enter.
pub(in crate::compile) fn faults(merge: &MergeTables, to: Phase, catalog: &Catalog) -> Vec<Fault> {
    let mut faults = unlisted(merge, to, catalog);
    if let Ok((into, table)) = find_table_as("into", &merge.into, catalog) {
        faults.extend(needed(merge, &into, table));
    }
    faults
}

/// A table that goes away must move as a whole.
fn unlisted(merge: &MergeTables, to: Phase, catalog: &Catalog) -> Vec<Fault> {
    let hint = match to {
        Phase::Expand | Phase::DualWrite => "list it, or drop it first",
        // The others have no such phase.
        Phase::SwitchReads
        | Phase::StopDualWrite
        | Phase::Contract
        | Phase::Backfill
        | Phase::Enforce => {
            "go back to phase \"expand\", add it to the new table and list it, or drop it"
        }
    };
    let of_source = merge.sources.iter().flat_map(|source| {
        let found = find_table_as("table", &source.table, catalog).ok();
        found.into_iter().flat_map(move |(name, table)| {
            let is_listed =
                move |column: &&Column| merge.pairs_of(source).any(|(own, _)| own == column.name);
            let columns = table.columns.iter().filter(move |column| !is_listed(column));
            columns.map(move |column| Fault {
                rule: 0,
                key: "columns",
                message: format!("column \"{}\" of \"{name}\" moves nowhere", column.name),
                hint: Some(hint.to_owned()),
            })
        })
    });
    of_source.collect()
}

/// Rows of which it knows nothing must be able to do without a value.
fn needed<'a>(
    merge: &'a MergeTables,
    into: &'a RelationName,
    table: &'a Relation,
) -> impl Iterator<Item = Fault> + 'a {
    let needed = |column: &&Column| {
        let is_made = column.default.is_some() || column.generated || column.identity.is_some();
        column.not_null && !is_made && !merge.key.iter().any(|key| key == column.name)
    };
    table.columns.iter().filter(needed).map(move |column| {
        let name = &column.name;
        let message = format!(
            "column \"{name}\" of \"{into}\" is NOT NULL without a default, and some source has no row for it"
        );
        let (schema, table) = (quoted(&into.schema), quoted(&into.name));
        let column = quoted(name);
        let hint = format!(
            "run ALTER TABLE {schema}.{table} ALTER COLUMN {column} SET DEFAULT …; or DROP NOT NULL"
        );
        Fault { rule: 0, key: "into", message, hint: Some(hint) }
    })
}
