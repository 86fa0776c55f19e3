//! What the server's catalogs must show of the governed tables to clients of one shape.
//!
//! | file | what it decides |
//! | --- | --- |
//! | [`look`] | the columns of one table: names, numbers, types, promises |
//! | [`objects`] | the indexes, constraints, triggers and statistics that hang on them |
//! | [`bodies`], [`columns`] | the queries that stand for the catalogs in which all that is kept |
//! | [`loan`], [`lent`] | columns, and what hangs on them, that another table holds |
//! | [`functions`], [`borrowed`] | the functions that take or give physical names and numbers |
//! | [`views`] | the views over those catalogs, by their own definitions |
//! | [`identifier`], [`sql`] | texts |

mod bodies;
mod borrowed;
mod columns;
mod functions;
mod identifier;
mod lent;
mod loan;
mod look;
mod objects;
mod sql;
mod views;

use std::collections::BTreeMap;

pub use self::identifier::{renamed, renamed_by};
use self::loan::{Loan, Oids};
use self::look::{Apart, Look};
use self::objects::Objects;
use super::{ColumnChange, Place};
use crate::catalog::{Catalog, RelationName};
use crate::catalog_lens::{CatalogLenses, ColumnNumber, GoneTable};
use crate::generation::Generation;
use crate::lens::{Lens, LogicalColumn};
use crate::rule::Rule;
use crate::shape::Shape;

/// The two columns of a migration, from where a client of one shape stands.
struct Pair<'a> {
    /// The one that the client knows.
    shown: &'a LogicalColumn,
    /// The one that must not show.
    other: &'a LogicalColumn,
    /// Where the shown one stands among the others.
    place: Place,
    /// Whether the shown one is there and has all the constraints and indexes that it must have.
    is_complete: bool,
    /// For objects of the other column, as a rule declares them, their counterparts' names.
    names: BTreeMap<String, String>,
}

impl<'a> Pair<'a> {
    /// `None` if it is a migration of one column.
    fn new(shape: Shape, change: &'a ColumnChange, rule: &Rule) -> Option<Self> {
        let (own, other) = change.pair(shape)?;
        let declared = rule.change.pair()?.constraints.iter();
        Some(Self {
            shown: &own.column,
            other: &other.column,
            place: own.place?,
            is_complete: own.promises,
            names: match shape {
                Shape::Old => declared.map(|(old, new)| (new.clone(), old.clone())).collect(),
                Shape::New => declared.map(|(old, new)| (old.clone(), new.clone())).collect(),
            },
        })
    }
}

/// The column that a client of the shape does not know, and has none for it.
fn unknown(shape: Shape, change: &ColumnChange) -> Option<&str> {
    match change.sides(shape) {
        (None, Some(other)) => Some(&other.column.name),
        (Some(_), _) | (None, None) => None,
    }
}

/// The governed tables that look alike in the catalog.
struct Tables {
    oids: Vec<u32>,
    names: Vec<RelationName>,
    look: Look,
}

/// Everything that the catalogs must show.
struct Picture {
    tables: Vec<Tables>,
    objects: Objects,
    /// What other tables hold.
    loans: Vec<Loan>,
}

impl Picture {
    /// How many CHECK constraints show that another table has.
    fn lent_checks(&self, tables: &[u32]) -> usize {
        let loans = self.loans.iter().filter(|loan| tables.contains(&loan.table));
        loans.map(Loan::checks).sum()
    }
}

/// Adds to a generation what the catalogs show to clients of each shape.
///
/// Without oids nothing can be told apart, and the catalogs are shown as they are.
pub(super) fn show(
    generation: &mut Generation,
    rules: &[Rule],
    tables: &BTreeMap<RelationName, Vec<(usize, ColumnChange)>>,
) {
    let migrations: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    for shape in Shape::ALL {
        let Some(picture) = picture(generation, shape, rules, tables) else { continue };
        let lenses = CatalogLenses {
            relations: bodies::lenses(&picture, &generation.catalog().system, &migrations),
            functions: functions::lenses(&picture),
            numbers: numbers(&picture),
            gone: gone(&picture),
            chosen: borrowed::chosen(&picture),
        };
        *generation.catalogs_mut(shape) = lenses;
        views::add(generation, shape, &migrations, picture.loans.iter().any(|loan| loan.is_gone));
    }
    generation.look_for_catalogs();
}

/// The columns that have another number for the client.
fn numbers(picture: &Picture) -> Vec<ColumnNumber> {
    let all = picture.tables.iter().flat_map(|tables| {
        let of = |relation: u32| {
            let numbers = tables.look.numbers.iter();
            numbers.map(move |(physical, shown)| ColumnNumber {
                relation,
                physical: *physical,
                shown: *shown,
            })
        };
        tables.oids.iter().copied().flat_map(of)
    });
    all.collect()
}

/// The tables that show although the server has them no more.
fn gone(picture: &Picture) -> Vec<GoneTable> {
    let gone = picture.loans.iter().filter(|loan| loan.is_gone);
    gone.map(|loan| GoneTable { relation: loan.relation.clone(), oid: loan.table }).collect()
}

/// The columns of a table that only another one holds.
fn apart<'a>(lens: &'a Lens, changes: &[(usize, ColumnChange)], shape: Shape) -> Vec<Apart<'a>> {
    let held = lens.shown().filter(|column| loan::held_in(column).is_some());
    let apart = held.map(|column| {
        let sides = changes.iter().filter_map(|(_, change)| change.sides(shape).0);
        let mut own = sides.filter(|side| side.column.name == column.name);
        Apart { name: &column.name, place: own.next().and_then(|side| side.place) }
    });
    apart.collect()
}

/// `None` if the catalogs show just what the client knows.
fn picture(
    generation: &Generation,
    shape: Shape,
    rules: &[Rule],
    tables: &BTreeMap<RelationName, Vec<(usize, ColumnChange)>>,
) -> Option<Picture> {
    let catalog: &Catalog = generation.catalog();
    let mut picture =
        Picture { tables: Vec::new(), objects: Objects::default(), loans: Vec::new() };
    let mut oids = Oids::beside(catalog);
    for lens in generation.lenses(shape) {
        // A table that columns move to is shown as it is.
        if lens.over.is_some() {
            continue;
        }
        let Some(table) = catalog.relation(&lens.relation) else {
            // Who knows the new schema does not miss it.
            let known = Some(lens).filter(|_| shape == Shape::Old);
            picture.loans.extend(known.and_then(|lens| loan::of_rows(lens, catalog, &mut oids)));
            continue;
        };
        // So is each of those that are merged, as long as it is there, and what they become.
        let Some(changes) = tables.get(&lens.relation) else { continue };
        if table.oids.relation == 0 {
            return None;
        }
        let pairs: Vec<Pair<'_>> = changes
            .iter()
            .filter_map(|(rule, change)| Pair::new(shape, change, rules.get(*rule)?))
            .collect();
        let unknown: Vec<&str> =
            changes.iter().filter_map(|(_, change)| unknown(shape, change)).collect();
        let apart = apart(lens, changes, shape);
        let mut look = Look::new(lens, table, &pairs, &unknown, &apart);
        let objects = catalog.system.objects.get(&lens.relation).map_or(&[][..], Vec::as_slice);
        look.hidden_checks = picture.objects.add(&look, table, &pairs, &unknown, objects);
        picture.loans.extend(loan::of_columns(lens, table, &look, catalog, &mut oids));
        let alike = picture.tables.iter_mut().find(|tables| tables.look == look);
        let alike = alike.filter(|_| look.lent.is_empty());
        let (oid, name) = (table.oids.relation, lens.relation.clone());
        match alike {
            Some(tables) => {
                tables.oids.push(oid);
                tables.names.push(name);
            }
            None => picture.tables.push(Tables { oids: vec![oid], names: vec![name], look }),
        }
    }
    picture.tables.retain(|tables| !tables.look.is_plain());
    let nothing =
        picture.tables.is_empty() && picture.objects.is_empty() && picture.loans.is_empty();
    (!nothing).then_some(picture)
}
