//! What the server may call by names that a client does not expect.

use super::ColumnChange;
use super::table::{key_of, relation_name};
use crate::catalog::{Catalog, Relation, RelationName};
use crate::lens::Beside;
use crate::naming::{Names, TableNames};
use crate::rule::{Change, Rule, SplitTable};
use crate::shape::Shape;

/// For a client of the shape, of a table with these changes, and tables beside it.
pub(super) fn names(
    shape: Shape,
    rules: &[Rule],
    (relation, table): (&RelationName, &Relation),
    changes: &[(usize, ColumnChange)],
    beside: &[(usize, Beside)],
    catalog: &Catalog,
) -> Names {
    let renamed = |(_, change): &(usize, ColumnChange)| {
        let (own, other) = change.pair(shape)?;
        Some((other.column.name.clone(), own.column.name.clone()))
    };
    let renamed = changes.iter().filter_map(renamed).collect();
    let mut own = TableNames::renamed(relation, table, renamed);
    for (index, _) in changes.iter().filter(|(_, change)| change.pair(shape).is_some()) {
        let pair = rules.get(*index).and_then(|rule| rule.change.pair());
        let declared = pair.into_iter().flat_map(|pair| &pair.constraints);
        own.constraints.extend(declared.map(|(old, new)| match shape {
            Shape::Old => (new.clone(), old.clone()),
            Shape::New => (old.clone(), new.clone()),
        }));
    }
    let mut names = Names::of(own);
    // A client of the new shape knows the other table.
    for (index, _) in beside.iter().filter(|_| shape == Shape::Old) {
        if let Some(Rule { change: Change::SplitTable(split), .. }) = rules.get(*index) {
            names.tables.extend(half(split, table, catalog));
        }
    }
    names
}

/// What the new table of a split is to a client of the old one.
fn half(split: &SplitTable, table: &Relation, catalog: &Catalog) -> Option<TableNames> {
    let relation = relation_name(&split.into)?;
    let key = || {
        let (own, its): (Vec<&str>, Vec<&str>) = split.key.pairs().unzip();
        Some((key_of(catalog.relation(&relation)?, &its)?, key_of(table, &own)?))
    };
    let key = key();
    let pairs = split.key.pairs().chain(split.columns.pairs());
    let declared = split.constraints.iter();
    Some(TableNames {
        relation,
        client: relation_name(&split.table)?,
        columns: pairs.map(|(own, its)| (its.to_owned(), own.to_owned())).collect(),
        constraints: declared.map(|(old, new)| (new.clone(), old.clone())).collect(),
        key,
    })
}

/// What the old table of a split is to a client of the new one, while that is written by way of it.
pub(super) fn whole(split: &SplitTable) -> Option<TableNames> {
    let pairs = split.key.pairs().chain(split.columns.pairs());
    Some(TableNames {
        relation: relation_name(&split.table)?,
        client: relation_name(&split.into)?,
        columns: pairs.map(|(own, its)| (own.to_owned(), its.to_owned())).collect(),
        constraints: split.constraints.clone().into_iter().collect(),
        key: None,
    })
}
