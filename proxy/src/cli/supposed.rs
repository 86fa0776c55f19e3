//! The catalog as it will be when a phase may be entered, so that what a phase does can be seen
//! before its preconditions are met.

use std::sync::Arc;

use rewrite_rules::catalog::{
    Column, ColumnDefault, Key, Oids, Relation, RelationKind, RelationName, Volatility,
};
use rewrite_rules::rule::{Change, MergeTables, SplitTable};
use rewrite_rules::{Catalog, Rule};

use crate::config::parse_relation_name;
use crate::phase::rename::renamed;

/// `catalog` with what `rules` ask for done: the new columns are there and promise what the old
/// ones do, and nothing depends on the old ones any more.
pub(super) fn supposed(catalog: &Catalog, rules: &[Rule]) -> Catalog {
    let mut catalog = catalog.clone();
    for rule in rules {
        match &rule.change {
            // Where it is called so already nothing changes.
            Change::RenameInPlace(pair) => {
                catalog = Arc::unwrap_or_clone(renamed(&catalog, pair, rule.phase));
            }
            Change::RenameColumn(pair) | Change::ChangeColumn { columns: pair, .. } => {
                if let Some(relation) = governed(&mut catalog, &pair.table) {
                    rename(relation, &pair.from, &pair.to);
                }
            }
            Change::BackfillColumn(added) => {
                if let Some(relation) = governed(&mut catalog, &added.table) {
                    add(relation, &added.column);
                }
            }
            Change::SplitTable(split) => {
                split_off(&mut catalog, split);
                if let Some(relation) = governed(&mut catalog, &split.table) {
                    for (from, _) in split.columns.pairs() {
                        relax(relation, from);
                    }
                }
            }
            Change::MergeTables(merge) => merge_into(&mut catalog, merge),
        }
    }
    catalog
}

fn governed<'c>(catalog: &'c mut Catalog, table: &str) -> Option<&'c mut Relation> {
    catalog.relations.get_mut(&parse_relation_name(table)?)
}

/// The new table, if it is not there: the key and the columns as the old one has them.
pub(super) fn split_off(catalog: &mut Catalog, split: &SplitTable) {
    let Some(into) = parse_relation_name(&split.into) else { return };
    let Some(table) = parse_relation_name(&split.table) else { return };
    let Some(old) = catalog.relation(&table) else { return };
    if catalog.relation(&into).is_some() {
        return;
    }
    let moved = split.key.pairs().chain(split.columns.pairs()).filter_map(|(from, to)| {
        let column = old.column(from)?.clone();
        let (dependents, views) = Default::default();
        Some(Column { name: to.to_owned(), identity: None, dependents, views, ..column })
    });
    let columns = moved.collect();
    add_table(catalog, into, columns, split.key.to.iter().map(str::to_owned).collect());
}

/// The new table, if it is not there: the key and the columns as the old ones have them, and what tells of which
/// of those there is a row.
pub(super) fn merge_into(catalog: &mut Catalog, merge: &MergeTables) {
    let Some(into) = parse_relation_name(&merge.into) else { return };
    if catalog.relation(&into).is_some() {
        return;
    }
    let mut columns: Vec<Column> = Vec::new();
    for source in &merge.sources {
        let Some(table) = parse_relation_name(&source.table) else { continue };
        let Some(old) = catalog.relation(&table) else { continue };
        for (from, to) in merge.pairs_of(source) {
            let is_key = merge.key.iter().any(|key| key == to);
            let Some(column) = old.column(from).filter(|_| !columns.iter().any(|it| it.name == to))
            else {
                continue;
            };
            let (dependents, views) = Default::default();
            let has_value = is_key || column.default.is_some();
            columns.push(Column {
                name: to.to_owned(),
                identity: None,
                not_null: column.not_null && has_value,
                default: column.default.clone().filter(|_| !is_key),
                dependents,
                views,
                ..column.clone()
            });
        }
        columns.extend(source.present.as_deref().map(present));
    }
    add_table(catalog, into, columns, merge.key.iter().map(str::to_owned).collect());
}

fn present(name: &str) -> Column {
    let default =
        ColumnDefault { expression: "false".to_owned(), volatility: Volatility::Immutable };
    Column { not_null: true, default: Some(default), ..Column::new(name, 0, "boolean") }
}

fn add_table(catalog: &mut Catalog, into: RelationName, columns: Vec<Column>, key: Vec<String>) {
    let numbered = (1..).zip(columns).map(|(number, column)| Column { number, ..column });
    let columns: Vec<Column> = numbered.collect();
    let name = format!("{}_pkey", into.name);
    let key = Key { name, primary: true, constraint: true, columns: key };
    let relation = Relation {
        kind: RelationKind::Table,
        attribute_count: u16::try_from(columns.len()).unwrap_or(u16::MAX),
        columns,
        keys: vec![key],
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: Oids::default(),
    };
    catalog.relations.insert(into, relation);
}

/// Nothing is promised of the column any more, and nothing hangs on it.
fn relax(relation: &mut Relation, column: &str) {
    for old in relation.columns.iter_mut().filter(|it| it.name == column) {
        old.not_null = false;
        old.dependents.clear();
    }
}

/// Of which type it is shows in no statement.
fn add(relation: &mut Relation, column: &str) {
    if relation.column(column).is_none() {
        relation.attribute_count = relation.attribute_count.saturating_add(1);
        relation.columns.push(Column::new(column, relation.attribute_count, "text"));
    }
}

fn rename(relation: &mut Relation, from: &str, to: &str) {
    let Some(old) = relation.column(from).cloned() else { return };
    if relation.column(to).is_none() {
        relation.attribute_count = relation.attribute_count.saturating_add(1);
        let number = relation.attribute_count;
        let column = Column {
            name: to.to_owned(),
            number,
            default: None,
            dependents: std::collections::BTreeSet::new(),
            views: std::collections::BTreeSet::new(),
            ..old.clone()
        };
        relation.columns.push(column);
    }
    for column in relation.columns.iter_mut().filter(|column| column.name == to) {
        column.not_null |= old.not_null;
    }
    relax(relation, from);
    let with_new_name = |key: &Key| Key {
        name: format!("{} on {to}", key.name),
        primary: false,
        constraint: false,
        columns: key
            .columns
            .iter()
            .map(|column| if column == from { to } else { column }.to_owned())
            .collect(),
    };
    let keys: Vec<Key> = relation
        .keys
        .iter()
        .filter(|key| key.columns.iter().any(|column| column == from))
        .map(with_new_name)
        .collect();
    relation.keys.extend(keys);
}
