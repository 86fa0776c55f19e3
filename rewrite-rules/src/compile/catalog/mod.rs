//! What the server's catalogs must show of the governed tables to clients of one shape.
//!
//! | file | what it decides |
//! | --- | --- |
//! | [`look`] | the columns of one table: names, numbers, types, promises |
//! | [`objects`] | the indexes, constraints, triggers and statistics that hang on them |
//! | [`bodies`], [`columns`] | the queries that stand for the catalogs in which all that is kept |
//! | [`functions`] | the functions that take or give physical names and numbers |
//! | [`views`] | the views over those catalogs, by their own definitions |
//! | [`identifier`], [`sql`] | texts |

mod bodies;
mod columns;
mod functions;
mod identifier;
mod look;
mod objects;
mod sql;
mod views;

use std::collections::BTreeMap;

pub use self::identifier::{renamed, renamed_by};
use self::look::Look;
use self::objects::Objects;
use super::{ColumnChange, Place};
use crate::catalog::{Catalog, Relation, RelationName};
use crate::catalog_lens::{CatalogLenses, ColumnNumber};
use crate::generation::Generation;
use crate::lens::LogicalColumn;
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
        };
        *generation.catalogs_mut(shape) = lenses;
        views::add(generation, shape, &migrations);
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

/// `None` if the catalogs show just what the client knows.
fn picture(
    generation: &Generation,
    shape: Shape,
    rules: &[Rule],
    tables: &BTreeMap<RelationName, Vec<(usize, ColumnChange)>>,
) -> Option<Picture> {
    let catalog: &Catalog = generation.catalog();
    let mut picture = Picture { tables: Vec::new(), objects: Objects::default() };
    for lens in generation.lenses(shape) {
        // A table that columns move to is shown as it is.
        if lens.over.is_some() {
            continue;
        }
        let changes = tables.get(&lens.relation)?;
        let table: &Relation = catalog.relation(&lens.relation)?;
        if table.oids.relation == 0 {
            return None;
        }
        let pairs: Vec<Pair<'_>> = changes
            .iter()
            .filter_map(|(rule, change)| Pair::new(shape, change, rules.get(*rule)?))
            .collect();
        let unknown: Vec<&str> =
            changes.iter().filter_map(|(_, change)| unknown(shape, change)).collect();
        let mut look = Look::new(lens, table, &pairs, &unknown);
        let objects = catalog.system.objects.get(&lens.relation).map_or(&[][..], Vec::as_slice);
        look.hidden_checks = picture.objects.add(&look, table, &pairs, &unknown, objects);
        let alike = picture.tables.iter_mut().find(|tables| tables.look == look);
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
    let nothing = picture.tables.is_empty() && picture.objects.is_empty();
    (!nothing).then_some(picture)
}
