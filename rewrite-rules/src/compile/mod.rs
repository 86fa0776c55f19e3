//! Compiles rules against a catalog into a generation; reports all faults at once.
//!
//! Each kind of migration is one file that turns (rule, phase, catalog) into what its columns
//! mean; this file puts the columns of one table together into one lens.

mod absent;
mod backfill_column;
mod catalog;
mod change;
mod column;
mod conflicts;
mod conversion;
mod merge_tables;
mod names;
mod new_table;
mod rename;
mod rename_in_place;
mod row_value;
mod split_table;
mod step;
mod table;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Column, ColumnDefault, Relation, RelationName};
use crate::generation::{Generation, Lenses};
use crate::lens::{Access, Beside, Lens, LogicalColumn, OpaquePolicy};
use crate::rule::{Change, ColumnPair, Rule};
use crate::shape::Shape;

pub use self::backfill_column::backfill_value;
pub use self::catalog::{renamed, renamed_by};
use self::column::Subject;
use self::conversion::TypeName;
pub use self::row_value::{RowValue, row_value};
pub use self::step::before_step;

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

/// What one rule makes of a column: under which name a client of either shape knows it.
struct ColumnChange {
    /// The column of the old shape, if it has one.
    old: Option<Side>,
    /// The column of the new shape.
    new: Option<Side>,
    /// What becomes of a statement of a client of the old shape that cannot be read.
    opaque_old: OpaquePolicy,
    /// The same for the new shape.
    opaque_new: OpaquePolicy,
    /// What is stored in a column that the new shape has not, where a client of that shape inserts a row,
    /// if not what the column has by default.
    left_out: Option<ColumnDefault>,
}

/// The column of one shape.
struct Side {
    column: LogicalColumn,
    /// Where it stands in its shape; nowhere if it is not there yet.
    place: Option<Place>,
    /// Whether it is there and has every constraint and index that it must have.
    promises: bool,
}

impl ColumnChange {
    /// The column that a client of the shape knows, and the one that must not show.
    fn sides(&self, shape: Shape) -> (Option<&Side>, Option<&Side>) {
        match shape {
            Shape::Old => (self.old.as_ref(), self.new.as_ref()),
            Shape::New => (self.new.as_ref(), self.old.as_ref()),
        }
    }

    /// Both names of one value, that of the shape first.
    fn pair(&self, shape: Shape) -> Option<(&Side, &Side)> {
        match self.sides(shape) {
            (Some(own), Some(other)) => Some((own, other)),
            (Some(_) | None, _) => None,
        }
    }

    /// Whether a client of the shape finds just what the server has.
    fn is_plain(&self, shape: Shape) -> bool {
        let (own, other) = self.sides(shape);
        other.is_none() && own.is_none_or(|side| side.column.is_plain())
    }

    fn governs(&self, name: &str) -> bool {
        [&self.old, &self.new].into_iter().flatten().any(|side| side.column.name == name)
    }
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
    let mut faults = conflicts::of_names(rules);
    let mut tables: BTreeMap<RelationName, Vec<(usize, ColumnChange)>> = BTreeMap::new();
    let mut besides: BTreeMap<RelationName, Vec<(usize, Beside)>> = BTreeMap::new();
    let mut whole: Vec<Lens> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        match governed(rule, &catalog) {
            Ok(Governs { columns, beside, lenses }) => {
                whole.extend(lenses);
                for (relation, change) in columns {
                    tables.entry(relation).or_default().push((index, change));
                }
                for (relation, beside) in beside {
                    besides.entry(relation).or_default().push((index, beside));
                }
            }
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| Fault { rule: index, ..fault }));
            }
        }
    }
    faults.extend(conflicts::of_values(rules, &catalog));
    faults.extend(split_table::conflicts(rules));
    faults.extend(conflicts::of_merges(rules));
    faults.extend(conflicts::of_keys(rules));
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.rule);
        return Err(faults);
    }
    let lenses = |shape| -> Vec<Lens> {
        let tables = tables.iter().filter_map(|(name, changes)| {
            let beside = besides.get(name).map_or(&[][..], Vec::as_slice);
            if beside.is_empty() && changes.iter().all(|(_, change)| change.is_plain(shape)) {
                return None;
            }
            let table = catalog.relation(name)?;
            let mut lens = lens(shape, rules, (name, table), changes, beside, &catalog);
            lens.views = views::past(&lens, table, &catalog);
            lens.halving_views = views::halving(&lens, table, &catalog);
            Some(lens)
        });
        let halves = besides.iter().flat_map(|(table, besides)| {
            let half = |(index, beside): &(usize, Beside)| {
                new_table::lens(rules.get(*index)?, table, beside, &catalog)
            };
            besides.iter().filter_map(half).collect::<Vec<Lens>>()
        });
        tables.chain(halves).chain(whole.iter().cloned()).collect()
    };
    let absent = absent::lenses(rules, &catalog);
    let lenses = Lenses { old: lenses(Shape::Old), new: lenses(Shape::New), absent };
    let mut generation = Generation::new(number, rules, lenses, catalog);
    catalog::show(&mut generation, rules, &tables);
    Ok(generation)
}

/// What a rule makes of tables.
#[derive(Default)]
struct Governs {
    /// Of their columns.
    columns: Vec<(RelationName, ColumnChange)>,
    /// Of other tables that hold columns of theirs.
    beside: Vec<(RelationName, Beside)>,
    /// Of whole tables, whatever a client's shape.
    lenses: Vec<Lens>,
}

/// What a rule makes of its table, and of each table that inherits from it.
fn governed(rule: &Rule, catalog: &Catalog) -> Result<Governs, Vec<Fault>> {
    if let Some((message, hint)) = rule.change.lacks(rule.phase) {
        return Err(vec![Fault { rule: 0, key: "phase", message, hint: Some(hint) }]);
    }
    if let Change::MergeTables(merge) = &rule.change {
        let lenses = merge_tables::compile(rule, merge, catalog)?;
        return Ok(Governs { lenses, ..Governs::default() });
    }
    let table = rule.change.tables().into_iter().next().unwrap_or_default();
    let (relation, table) = table::find_table(table, catalog).map_err(|fault| vec![fault])?;
    let first = rule.change.governed().into_iter().next();
    let inherited = first
        .and_then(|first| Some((first.column, parent_with(&relation, first.column, catalog)?)));
    if let Some((column, parent)) = inherited {
        return Err(vec![Fault {
            rule: 0,
            key: "table",
            message: format!("column \"{column}\" of \"{relation}\" is inherited"),
            hint: Some(format!("migrate it in \"{parent}\"")),
        }]);
    }
    match &rule.change {
        Change::RenameColumn(pair)
        | Change::RenameInPlace(pair)
        | Change::ChangeColumn { columns: pair, .. } => {
            let columns = governed_pair(pair, rule, relation, table, catalog)?;
            Ok(Governs { columns, ..Governs::default() })
        }
        Change::BackfillColumn(added) => {
            let mut governed = Vec::new();
            for name in with_descendants(relation, catalog) {
                let Some(table) = catalog.relation(&name) else { continue };
                let change = backfill_column::compile(added, rule.phase, &name, table, catalog)?;
                governed.push((name, change));
            }
            Ok(Governs { columns: governed, ..Governs::default() })
        }
        Change::SplitTable(split) => {
            let change = split_table::compile(split, rule.phase, &relation, table, catalog)?;
            let columns = change.columns.into_iter().map(|column| (relation.clone(), column));
            let beside = change.beside.map(|beside| (relation.clone(), beside));
            let beside = beside.into_iter().collect();
            Ok(Governs { columns: columns.collect(), beside, ..Governs::default() })
        }
        // It has no table of its own.
        Change::MergeTables(_) => Ok(Governs::default()),
    }
}

fn governed_pair(
    pair: &ColumnPair,
    rule: &Rule,
    relation: RelationName,
    table: &Relation,
    catalog: &Catalog,
) -> Result<Vec<(RelationName, ColumnChange)>, Vec<Fault>> {
    let of = |name: &RelationName, table, pair: &ColumnPair| {
        change_of(&Subject::new(name, table, pair, rule.phase), rule, catalog)
    };
    let change = of(&relation, table, pair)?;
    let place = shown_place(table, pair, &change);
    let children = with_descendants(relation.clone(), catalog).into_iter().skip(1);
    let mut governed = vec![(relation, change)];
    for name in children {
        let Some(child) = catalog.relation(&name) else { continue };
        // A child has an order of columns of its own. Where it does not tell the old column's
        // place, because it was made after the column had gone, the parent's is as good as any.
        let own = ColumnPair { position: None, ..pair.clone() };
        let like_parent = ColumnPair { position: place, ..pair.clone() };
        let told = of(&name, child, &own);
        let change = told.or_else(|_| of(&name, child, &like_parent))?;
        governed.push((name, change));
    }
    Ok(governed)
}

/// What a rule makes of two columns. `subject` has their names in one table.
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
        // It has no second column.
        Change::BackfillColumn(_) | Change::SplitTable(_) | Change::MergeTables(_) => {
            Err(Vec::new())
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

/// The table, then every one that inherits from it, partitions included, at any depth.
fn with_descendants(relation: RelationName, catalog: &Catalog) -> Vec<RelationName> {
    let mut found = vec![relation];
    let mut at = 0;
    while let Some(next) = found.get(at).cloned() {
        at += 1;
        for child in catalog.relation(&next).into_iter().flat_map(|table| &table.children) {
            if !found.contains(child) {
                found.push(child.clone());
            }
        }
    }
    found
}

/// Where the old column stands among those that `*` shows, counted from 1.
fn shown_place(table: &Relation, pair: &ColumnPair, change: &ColumnChange) -> Option<u16> {
    match change.old.as_ref()?.place? {
        Place::Shown(place) => Some(place),
        Place::Number(number) => {
            let hidden = [&pair.from, &pair.to];
            let before = table
                .columns
                .iter()
                .filter(|column| column.number < number && !hidden.contains(&&column.name));
            u16::try_from(before.count() + 1).ok()
        }
    }
}

/// One table's lens: its columns in the shape's order, then the names that are not shown.
fn lens(
    shape: Shape,
    rules: &[Rule],
    (name, table): (&RelationName, &Relation),
    changes: &[(usize, ColumnChange)],
    beside: &[(usize, Beside)],
    catalog: &Catalog,
) -> Lens {
    let migration = |index: usize| rules.get(index).map(|rule| rule.name.clone());
    let governed = |column: &Column| changes.iter().any(|(_, change)| change.governs(&column.name));
    let mut shown: Vec<(u16, LogicalColumn)> = table
        .columns
        .iter()
        .filter(|column| !governed(column))
        .map(|column| (column.number, plain(column)))
        .collect();
    let (mut also, mut by_position, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    let mut opaque = OpaquePolicy::Forward;
    for (index, change) in changes {
        let (own, other) = change.sides(shape);
        let policy = match shape {
            Shape::Old => change.opaque_old,
            Shape::New => change.opaque_new,
        };
        let migration = migration(*index);
        // A rule has one other table at most for each table.
        let place = beside.iter().position(|(rule, _)| rule == index);
        let of = |side: &Side| {
            let mut column = side.column.clone();
            for access in std::iter::once(&mut column.get).chain(&mut column.put) {
                access.beside = access.beside.and(place);
            }
            LogicalColumn { shown: false, migration: migration.clone(), ..column }
        };
        let named = own.map(|own| (own.place, of(own)));
        match named {
            Some((Some(Place::Number(number)), column)) => {
                shown.push((number, LogicalColumn { shown: true, ..column }));
            }
            Some((Some(Place::Shown(position)), column)) => {
                by_position.push((position, LogicalColumn { shown: true, ..column }));
            }
            Some((None, column)) => also.push(column),
            None => {}
        }
        if let Some(other) = other {
            let mut column = of(other);
            if let Some(default) = &change.left_out {
                column.default = Some(default.clone());
                column.default_is_shared = false;
            }
            also.push(column);
            hidden.push(other.column.name.clone());
        }
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
        hidden_exists: hidden.iter().any(|column| table.column(column).is_some()),
        hidden,
        opaque,
        migrations: names_of(rules, changes),
        names: Arc::new(names::names(shape, rules, (name, table), changes, beside, catalog)),
        beside: beside.iter().map(|(_, beside)| beside.clone()).collect(),
        ..Lens::of(name.clone(), columns)
    }
}

/// The names of the rules behind some changes, each once.
fn names_of(rules: &[Rule], changes: &[(usize, ColumnChange)]) -> Vec<String> {
    let mut indices: Vec<usize> = changes.iter().map(|(index, _)| *index).collect();
    indices.dedup();
    indices.into_iter().filter_map(|index| Some(rules.get(index)?.name.clone())).collect()
}

/// A column that no migration touches.
fn plain(column: &Column) -> LogicalColumn {
    LogicalColumn {
        name: column.name.clone(),
        shown: true,
        get: Access::plain(&column.name),
        held: None,
        put: vec![Access::plain(&column.name)],
        type_name: column.type_name.clone(),
        base_type: column.base_type.clone(),
        uncut_type: TypeName::of(column).uncut(),
        fitted: TypeName::of(column).fitted(),
        default: column.default.clone(),
        default_of: column.name.clone(),
        default_is_shared: true,
        generated: column.generated,
        identity: column.identity.is_some(),
        migration: None,
    }
}
