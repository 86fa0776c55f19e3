//! Compiles rules against a catalog into a generation; reports all faults at once.
//!
//! Each kind of migration is one file that turns (rule, phase, catalog) into what its columns
//! mean; this file puts the columns of one table together into one lens.

mod rename;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Column, Relation, RelationName};
use crate::generation::Generation;
use crate::lens::{Lens, LogicalColumn, OpaquePolicy};
use crate::rule::{Change, Rule};

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

/// What one rule makes of the table it governs.
struct ColumnChange {
    /// The column as `*` shows it, in the old shape.
    shown: LogicalColumn,
    /// Other names that a client may use.
    also: Vec<LogicalColumn>,
    /// Physical columns that must not show.
    hidden: Vec<String>,
    /// Where `shown` stands among the physical columns, by `attnum`.
    place: Place,
    opaque: OpaquePolicy,
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
        let compiled = match &rule.change {
            Change::RenameColumn { table, from, to, position } => rename::compile(
                &rename::RenameColumn { table, from, to, position: *position },
                rule,
                &catalog,
            ),
        };
        match compiled {
            Ok((relation, change)) => tables.entry(relation).or_default().push((index, change)),
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| Fault { rule: index, ..fault }));
            }
        }
    }
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.rule);
        return Err(faults);
    }
    let lenses = tables
        .into_iter()
        .filter_map(|(name, changes)| {
            catalog.relation(&name).map(|table| lens(rules, &name, table, changes))
        })
        .collect();
    Ok(Generation::new(number, rules, lenses, catalog))
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
    let Change::RenameColumn { table, from, to, .. } = &rule.change;
    let Change::RenameColumn { table: other, from: other_from, to: other_to, .. } = &earlier.change;
    let table = rename::relation_name(table)?;
    if rename::relation_name(other)? != table {
        return None;
    }
    let (key, column) = [("from", from), ("to", to)]
        .into_iter()
        .find(|(_, column)| [other_from, other_to].contains(column))?;
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

/// One table's lens: its columns in the old shape's order, then the names that are not shown.
fn lens(
    rules: &[Rule],
    name: &RelationName,
    table: &Relation,
    changes: Vec<(usize, ColumnChange)>,
) -> Lens {
    let migration = |index: usize| rules.get(index).map(|rule| rule.name.clone());
    let governed = |column: &Column| {
        changes.iter().any(|(_, change)| {
            change.hidden.contains(&column.name) || change.shown.name == column.name
        })
    };
    let mut shown: Vec<(u16, LogicalColumn)> = table
        .columns
        .iter()
        .filter(|column| !governed(column))
        .map(|column| (column.number, plain(column)))
        .collect();
    let opaque = if changes.iter().all(|(_, change)| change.opaque == OpaquePolicy::Forward) {
        OpaquePolicy::Forward
    } else {
        OpaquePolicy::Refuse
    };
    let migrations = changes.iter().filter_map(|(index, _)| migration(*index)).collect();
    let hidden: Vec<String> =
        changes.iter().flat_map(|(_, change)| change.hidden.clone()).collect();
    let hidden_exists = hidden.iter().any(|column| table.column(column).is_some());
    let mut also = Vec::new();
    let mut by_position = Vec::new();
    for (index, change) in changes {
        let owned = |column: LogicalColumn| LogicalColumn { migration: migration(index), ..column };
        match change.place {
            Place::Number(number) => shown.push((number, owned(change.shown))),
            Place::Shown(position) => by_position.push((position, owned(change.shown))),
        }
        also.extend(change.also.into_iter().map(owned));
    }
    shown.sort_by_key(|(number, _)| *number);
    let mut columns: Vec<LogicalColumn> = shown.into_iter().map(|(_, column)| column).collect();
    by_position.sort_by_key(|(position, _)| *position);
    for (position, column) in by_position {
        let at = usize::from(position.saturating_sub(1)).min(columns.len());
        columns.insert(at, column);
    }
    columns.extend(also);
    Lens { relation: name.clone(), columns, hidden, hidden_exists, opaque, migrations }
}

/// A column that no migration touches.
fn plain(column: &Column) -> LogicalColumn {
    LogicalColumn {
        name: column.name.clone(),
        shown: true,
        get: column.name.clone(),
        put: vec![column.name.clone()],
        base_type: column.base_type.clone(),
        default: column.default.clone(),
        default_is_shared: true,
        generated: column.generated,
        identity: column.identity.is_some(),
        migration: None,
    }
}
