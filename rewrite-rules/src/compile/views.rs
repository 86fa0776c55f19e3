//! Views over a governed table through which PostgreSQL writes past the lens.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Relation, RelationName};
use crate::lens::{Lens, OpaquePolicy};

/// The views through which a write reaches one of several columns that are written together, in one table
/// or in two, or one that is not written any more. None while nothing is migrated yet.
pub(super) fn past(lens: &Lens, table: &Relation, catalog: &Catalog) -> BTreeSet<RelationName> {
    if lens.opaque == OpaquePolicy::Forward {
        return BTreeSet::new();
    }
    let is_carried = |column: &str| {
        let mut copies = lens.beside.iter().flat_map(|beside| &beside.copies);
        copies.any(|(own, _)| own == column)
    };
    let alone = |column: &str| {
        if is_carried(column) {
            return false;
        }
        let puts = lens.columns.iter().map(|logical| &logical.put);
        let mut puts = puts.filter(|put| put.iter().any(|it| it.column == column)).peekable();
        puts.peek().is_some() && puts.all(|put| put.len() == 1)
    };
    over_columns(table, catalog, |column| !alone(column))
}

/// The views through which a new row comes into the table alone, and not into those beside it.
pub(super) fn halving(lens: &Lens, table: &Relation, catalog: &Catalog) -> BTreeSet<RelationName> {
    match lens.beside.is_empty() || lens.opaque == OpaquePolicy::Forward {
        true => BTreeSet::new(),
        false => over(table, catalog),
    }
}

/// All views over a table.
pub(super) fn over(table: &Relation, catalog: &Catalog) -> BTreeSet<RelationName> {
    over_columns(table, catalog, |_| true)
}

/// The views over some columns of a table.
fn over_columns(
    table: &Relation,
    catalog: &Catalog,
    wanted: impl Fn(&str) -> bool,
) -> BTreeSet<RelationName> {
    let mut found = BTreeSet::new();
    let mut open: Vec<RelationName> = (table.columns.iter())
        .filter(|column| wanted(&column.name))
        .flat_map(|column| column.views.iter().cloned())
        .collect();
    while let Some(view) = open.pop() {
        if found.insert(view.clone()) {
            // Which of its columns it is does not matter: it is written with the others.
            let columns = catalog.relation(&view).into_iter().flat_map(|view| &view.columns);
            open.extend(columns.flat_map(|column| column.views.iter().cloned()));
        }
    }
    found
}
