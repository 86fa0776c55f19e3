//! Compiles rules against a catalog into a generation; reports all faults at once.
//!
//! Each kind of migration is one file that turns (rule, phase, catalog) into what its columns
//! mean; this file puts the columns of one table together into one lens.

mod catalog;
mod change;
mod column;
mod conversion;
mod rename;
mod rename_in_place;
mod table;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Column, Relation, RelationName};
use crate::generation::{Generation, Lenses};
use crate::lens::{Access, Lens, LogicalColumn, Names, OpaquePolicy};
use crate::rule::{Change, ColumnPair, Rule};
use crate::shape::Shape;

pub use self::catalog::renamed;
use self::column::Subject;
use self::conversion::TypeName;

/// Something wrong with a rule, or a precondition of its phase that the catalog does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Index of the rule in the slice that was given to [`compile`].
    pub rule: usize,
    /// The key of the `[[migration]]` entry that is at fault (`table`, `from`, `to`, `phase` …).
    pub key: &'static str,
    /// What is wrong and the present state, in PostgreSQL's style.
    pub message: String,
    /// The next step, often a statement to run or the nearest correct spelling.
    pub hint: Option<String>,
}

/// What one rule makes of the two columns that it governs.
struct ColumnChange {
    /// The old name.
    old: LogicalColumn,
    /// The new name.
    new: LogicalColumn,
    /// Where the old column stands in the old shape.
    old_place: Place,
    /// Where the new column stands in the new shape.
    new_place: Place,
    /// Whether the old column is there and has every constraint and index that it must have.
    old_promises: bool,
    /// The same for the new column.
    new_promises: bool,
    /// What becomes of a statement of a client of the old shape that cannot be read.
    opaque_old: OpaquePolicy,
    /// The same for the new shape.
    opaque_new: OpaquePolicy,
}

/// A place among a table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where the column with this `attnum` is or was.
    Number(u16),
    /// The n-th column that `*` shows, counted from 1.
    Shown(u16),
}

/// Compiles `rules` against `catalog`.
///
/// # Errors
/// Every [`Fault`] of every rule, in the order of the rules.
pub fn compile(
    number: u64,
    rules: &[Rule],
    catalog: Arc<Catalog>,
) -> Result<Generation, Vec<Fault>> {
    let mut faults = conflicts(rules);
    let mut tables: BTreeMap<RelationName, Vec<(usize, ColumnChange)>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        match governed(rule, &catalog) {
            Ok(changes) => {
                for (relation, change) in changes {
                    tables.entry(relation).or_default().push((index, change));
                }
            }
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| Fault { rule: index, ..fault }));
            }
        }
    }
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.rule);
        return Err(faults);
    }
    let lenses = |shape| {
        let tables = tables.iter().filter_map(|(name, changes)| {
            let table = catalog.relation(name)?;
            let mut lens = lens(shape, rules, name, table, changes);
            lens.views = views::past(&lens, table, &catalog);
            Some(lens)
        });
        tables.collect()
    };
    let lenses = Lenses { old: lenses(Shape::Old), new: lenses(Shape::New) };
    let mut generation = Generation::new(number, rules, lenses, catalog);
    catalog::show(&mut generation, rules, &tables);
    Ok(generation)
}

/// What a rule makes of its table, and of each table that inherits from it.
fn governed(
    rule: &Rule,
    catalog: &Catalog,
) -> Result<Vec<(RelationName, ColumnChange)>, Vec<Fault>> {
    let pair = rule.change.columns();
    let (relation, table) = table::find_table(&pair.table, catalog).map_err(|fault| vec![fault])?;
    if let Some(parent) = parent_with(&relation, &pair.from, catalog) {
        return Err(vec![Fault {
            rule: 0,
            key: "table",
            message: format!("column \"{}\" of \"{relation}\" is inherited", pair.from),
            hint: Some(format!("migrate it in \"{parent}\"")),
        }]);
    }
    let change = change_of(&Subject::new(&relation, table, pair, rule.phase), rule, catalog)?;
    let place = shown_place(table, &change);
    let mut governed = vec![(relation.clone(), change)];
    for name in descendants(&relation, catalog) {
        let Some(child) = catalog.relation(&name) else { continue };
        // A child has an order of columns of its own. Where it does not tell the old column's
        // place, because it was made after the column had gone, the parent's is as good as any.
        let own = ColumnPair { position: None, ..pair.clone() };
        let like_parent = ColumnPair { position: place, ..pair.clone() };
        let told = change_of(&Subject::new(&name, child, &own, rule.phase), rule, catalog);
        let change = told.or_else(|_| {
            change_of(&Subject::new(&name, child, &like_parent, rule.phase), rule, catalog)
        })?;
        governed.push((name.clone(), change));
    }
    Ok(governed)
}

fn change_of(
    subject: &Subject<'_>,
    rule: &Rule,
    catalog: &Catalog,
) -> Result<ColumnChange, Vec<Fault>> {
    match &rule.change {
        Change::RenameColumn(_) => rename::compile(subject),
        Change::RenameInPlace(_) => rename_in_place::compile(subject),
        Change::ChangeColumn { columns: _, up, down, from_type } => {
            let keys = change::Keys {
                up: up.as_deref(),
                down: down.as_deref(),
                from_type: from_type.as_deref(),
            };
            change::compile(subject, &keys, catalog)
        }
    }
}

/// The table from which `relation` has the column, if it has it from one.
fn parent_with<'c>(
    relation: &RelationName,
    column: &str,
    catalog: &'c Catalog,
) -> Option<&'c RelationName> {
    let parents = catalog.relations.iter().filter(|(_, table)| table.children.contains(relation));
    parents.into_iter().find(|(_, table)| table.column(column).is_some()).map(|(name, _)| name)
}

/// Every table that inherits from `relation`, partitions included, at any depth.
fn descendants(relation: &RelationName, catalog: &Catalog) -> Vec<RelationName> {
    let mut found: Vec<RelationName> = Vec::new();
    let mut open = vec![relation.clone()];
    while let Some(next) = open.pop() {
        for child in catalog.relation(&next).into_iter().flat_map(|table| &table.children) {
            if !found.contains(child) {
                found.push(child.clone());
                open.push(child.clone());
            }
        }
    }
    found
}

/// Where the old column stands among those that `*` shows, counted from 1.
fn shown_place(table: &Relation, change: &ColumnChange) -> Option<u16> {
    match change.old_place {
        Place::Shown(place) => Some(place),
        Place::Number(number) => {
            let hidden = [&change.old.name, &change.new.name];
            let before = table
                .columns
                .iter()
                .filter(|column| column.number < number && !hidden.contains(&&column.name));
            u16::try_from(before.count() + 1).ok()
        }
    }
}

/// Rules that share a name, or a column.
fn conflicts(rules: &[Rule]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (later, rule) in rules.iter().enumerate() {
        for earlier in rules.iter().take(later) {
            if earlier.name == rule.name {
                faults.push(Fault {
                    rule: later,
                    key: "name",
                    message: format!("there are two migrations named \"{}\"", rule.name),
                    hint: Some("give each migration a name of its own".to_owned()),
                });
            }
            faults.extend(column_conflict(later, rule, earlier));
        }
    }
    faults
}

fn column_conflict(later: usize, rule: &Rule, earlier: &Rule) -> Option<Fault> {
    let (pair, other) = (rule.change.columns(), earlier.change.columns());
    let table = table::relation_name(&pair.table)?;
    if table::relation_name(&other.table)? != table {
        return None;
    }
    let (key, column) = [("from", &pair.from), ("to", &pair.to)]
        .into_iter()
        .find(|(_, column)| [&other.from, &other.to].contains(column))?;
    Some(Fault {
        rule: later,
        key,
        message: format!(
            "migrations \"{}\" and \"{}\" both govern column \"{column}\" of table \"{table}\"",
            earlier.name, rule.name
        ),
        hint: Some("finish one before the other begins".to_owned()),
    })
}

/// One table's lens: its columns in the shape's order, then the names that are not shown.
fn lens(
    shape: Shape,
    rules: &[Rule],
    name: &RelationName,
    table: &Relation,
    changes: &[(usize, ColumnChange)],
) -> Lens {
    let migration = |index: usize| rules.get(index).map(|rule| rule.name.clone());
    let governed = |column: &Column| {
        changes
            .iter()
            .any(|(_, change)| change.old.name == column.name || change.new.name == column.name)
    };
    let mut shown: Vec<(u16, LogicalColumn)> = table
        .columns
        .iter()
        .filter(|column| !governed(column))
        .map(|column| (column.number, plain(column)))
        .collect();
    let (mut also, mut by_position, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    let mut opaque = OpaquePolicy::Forward;
    for (index, change) in changes {
        let (column, other, place, policy) = match shape {
            Shape::Old => (&change.old, &change.new, change.old_place, change.opaque_old),
            Shape::New => (&change.new, &change.old, change.new_place, change.opaque_new),
        };
        let migration = migration(*index);
        let column = LogicalColumn { shown: true, migration: migration.clone(), ..column.clone() };
        match place {
            Place::Number(number) => shown.push((number, column)),
            Place::Shown(position) => by_position.push((position, column)),
        }
        also.push(LogicalColumn { migration, ..other.clone() });
        hidden.push(other.name.clone());
        if policy == OpaquePolicy::Refuse {
            opaque = OpaquePolicy::Refuse;
        }
    }
    shown.sort_by_key(|(number, _)| *number);
    let mut columns: Vec<LogicalColumn> = shown.into_iter().map(|(_, column)| column).collect();
    by_position.sort_by_key(|(position, _)| *position);
    for (position, column) in by_position {
        let at = usize::from(position.saturating_sub(1)).min(columns.len());
        columns.insert(at, column);
    }
    columns.extend(also);
    Lens {
        relation: name.clone(),
        columns,
        hidden_exists: hidden.iter().any(|column| table.column(column).is_some()),
        hidden,
        opaque,
        migrations: changes.iter().filter_map(|(index, _)| migration(*index)).collect(),
        names: names(shape, rules, changes),
        views: BTreeSet::new(),
        stands_as: None,
    }
}

/// What the server may call by names that a client of the shape does not expect.
fn names(shape: Shape, rules: &[Rule], changes: &[(usize, ColumnChange)]) -> Names {
    let mut names = Names::default();
    for (index, change) in changes {
        let (old, new) = (change.old.name.clone(), change.new.name.clone());
        names.columns.push(match shape {
            Shape::Old => (new, old),
            Shape::New => (old, new),
        });
        let pairs =
            rules.get(*index).into_iter().flat_map(|rule| &rule.change.columns().constraints);
        names.constraints.extend(pairs.map(|(old, new)| match shape {
            Shape::Old => (new.clone(), old.clone()),
            Shape::New => (old.clone(), new.clone()),
        }));
    }
    names
}

/// A column that no migration touches.
fn plain(column: &Column) -> LogicalColumn {
    LogicalColumn {
        name: column.name.clone(),
        shown: true,
        get: Access::plain(&column.name),
        put: vec![Access::plain(&column.name)],
        type_name: column.type_name.clone(),
        base_type: column.base_type.clone(),
        uncut_type: TypeName::of(column).uncut(),
        default: column.default.clone(),
        default_of: column.name.clone(),
        default_is_shared: true,
        generated: column.generated,
        identity: column.identity.is_some(),
        migration: None,
    }
}
