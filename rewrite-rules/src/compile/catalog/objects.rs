//! Which indexes, constraints, triggers and statistics of a governed table show, and as what.
//!
//! An object of the column that is out of sight does not show, unless the shown column no longer
//! has one like it: then it shows as that column's. Of a column that has no counterpart nothing shows.

use std::collections::{BTreeMap, BTreeSet};

use super::Pair;
use super::identifier::{Place, renamed};
use super::look::{Look, ShownType};
use crate::catalog::Relation;
use crate::system_catalog::{ObjectKind, TableObject};

/// What becomes of the objects of all governed tables.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Those that do not show, by kind.
    pub(super) hidden: BTreeMap<ObjectKind, BTreeSet<u32>>,
    /// For hidden indexes and constraints, their counterparts that show.
    pub(super) counterparts: BTreeMap<(ObjectKind, u32), u32>,
    /// Those that show under another name, by kind.
    pub(super) names: BTreeMap<ObjectKind, BTreeMap<u32, Name>>,
    /// Those whose definition names a column that has another name for the client, with the places
    /// at which it does.
    pub(super) texts: BTreeMap<ObjectKind, BTreeMap<Renaming, BTreeSet<u32>>>,
    /// Every index of a table by the table's oid.
    pub(super) indexes: BTreeMap<u32, BTreeSet<u32>>,
    /// Indexes that show as ones of the shown columns, by what the client's numbers of their columns
    /// are physically.
    pub(super) lent: BTreeMap<BTreeMap<u16, u16>, BTreeSet<u32>>,
}

/// An object's name, and the one that it has for the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) physical: String,
    pub(super) shown: String,
}

/// One column's name for another in an object's definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Renaming {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) place: Place,
    /// The type of the shown column, if it is another.
    pub(super) shown_type: Option<ShownType>,
}

impl Objects {
    /// Adds those of one table; returns how many of its CHECK constraints do not show.
    pub(super) fn add(
        &mut self,
        look: &Look,
        table: &Relation,
        pairs: &[Pair<'_>],
        unknown: &[&str],
        objects: &[TableObject],
    ) -> usize {
        let mut hidden_checks = 0;
        for object in objects {
            if let Some(index) = index_of(object) {
                self.indexes.entry(table.oids.relation).or_default().insert(index);
            }
            if unknown.iter().any(|column| hangs_on(object, table, column)) {
                self.hide(object, None);
                hidden_checks += usize::from(object.kind == ObjectKind::Check);
                continue;
            }
            let touched = pairs.iter().filter(|pair| hangs_on(object, table, &pair.other.name));
            let touched: Vec<&Pair<'_>> = touched.collect();
            if touched.is_empty() {
                continue;
            }
            match verdict(object, table, &touched, objects) {
                Verdict::Hidden(counterpart) => {
                    self.hide(object, counterpart);
                    hidden_checks += usize::from(object.kind == ObjectKind::Check);
                }
                Verdict::Shown(name) => {
                    self.show(object, table, &touched, name);
                    self.lend(look, object, table, &touched);
                }
            }
        }
        hidden_checks
    }

    fn hide(&mut self, object: &TableObject, counterpart: Option<&TableObject>) {
        self.hidden.entry(object.kind).or_default().insert(object.oid);
        if let Some(index) = index_of(object) {
            self.hidden.entry(ObjectKind::Index).or_default().insert(index);
            if let Some(other) = counterpart.and_then(index_of) {
                self.counterparts.insert((ObjectKind::Index, index), other);
            }
        }
        if let Some(other) = counterpart.filter(|other| other.kind == object.kind) {
            self.counterparts.insert((object.kind, object.oid), other.oid);
        }
    }

    fn show(
        &mut self,
        object: &TableObject,
        table: &Relation,
        touched: &[&Pair<'_>],
        name: Option<String>,
    ) {
        let both =
            [Some((object.kind, object.oid)), object.index.map(|it| (ObjectKind::Index, it))];
        for (kind, oid) in both.into_iter().flatten() {
            if let Some(shown) = &name {
                let name = Name { physical: object.name.clone(), shown: shown.clone() };
                self.names.entry(kind).or_default().insert(oid, name);
            }
            for pair in touched {
                let renaming = Renaming {
                    from: pair.other.name.clone(),
                    to: pair.shown.name.clone(),
                    place: place(kind, object, table),
                    shown_type: ShownType::of(pair),
                };
                let texts = self.texts.entry(kind).or_default();
                texts.entry(renaming).or_default().insert(oid);
            }
        }
    }

    /// Notes which numbers an index of the other columns has for the shown ones.
    fn lend(&mut self, look: &Look, object: &TableObject, table: &Relation, touched: &[&Pair<'_>]) {
        let Some(index) = index_of(object) else { return };
        let others = touched.iter().filter_map(|pair| table.column(&pair.other.name));
        let lent =
            others.filter_map(|other| Some((*look.numbers.get(&other.number)?, other.number)));
        let mut numbers = look.physical.clone();
        numbers.extend(lent);
        if numbers != look.physical {
            self.lent.entry(numbers).or_default().insert(index);
        }
    }

    /// Whether all show, and as they are.
    pub(super) fn is_empty(&self) -> bool {
        self.hidden.is_empty() && self.names.is_empty() && self.texts.is_empty()
    }

    /// The oids of hidden constraints of all kinds.
    pub(super) fn hidden_constraints(&self) -> Vec<u32> {
        use ObjectKind::{Check, ForeignKey, Key, NotNull};
        let kinds = [Key, Check, NotNull, ForeignKey];
        kinds.iter().filter_map(|kind| self.hidden.get(kind)).flatten().copied().collect()
    }

    /// The oids of hidden objects of a kind.
    pub(super) fn hidden(&self, kind: ObjectKind) -> Vec<u32> {
        self.hidden.get(&kind).into_iter().flatten().copied().collect()
    }
}

/// The index that is, or is behind, an object.
fn index_of(object: &TableObject) -> Option<u32> {
    match object.kind {
        ObjectKind::Index => Some(object.oid),
        ObjectKind::Key
        | ObjectKind::Check
        | ObjectKind::NotNull
        | ObjectKind::ForeignKey
        | ObjectKind::Trigger
        | ObjectKind::Statistics => object.index,
    }
}

fn hangs_on(object: &TableObject, table: &Relation, column: &str) -> bool {
    table.column(column).is_some_and(|column| object.columns.contains(&column.number))
}

/// How an object of the other columns appears.
enum Verdict<'a> {
    /// It does not, perhaps because another one does.
    Hidden(Option<&'a TableObject>),
    /// As one of the shown columns, under that name or its own.
    Shown(Option<String>),
}

fn verdict<'a>(
    object: &TableObject,
    table: &Relation,
    touched: &[&'a Pair<'_>],
    all: &'a [TableObject],
) -> Verdict<'a> {
    // Of both columns: nobody but the migration can have made it.
    if touched.iter().any(|pair| hangs_on(object, table, &pair.shown.name)) {
        return Verdict::Hidden(None);
    }
    let stands = |other: &&TableObject| {
        !touched.iter().any(|pair| hangs_on(other, table, &pair.other.name))
            && other.carrier == object.carrier
    };
    let declared = touched.iter().find_map(|pair| pair.names.get(&object.name));
    let mut definition = object.definition.clone();
    for pair in touched {
        definition = renamed(&definition, &pair.other.name, &pair.shown.name);
    }
    let counterpart = all.iter().filter(stands).find(|other| match declared {
        Some(name) => other.name == *name,
        None => other.definition == definition,
    });
    let is_complete = declared.is_none() && touched.iter().any(|pair| pair.is_complete);
    match counterpart.is_some() || is_complete {
        true => Verdict::Hidden(counterpart),
        false => Verdict::Shown(declared.cloned().or_else(|| given_name(object, touched))),
    }
}

/// The name that the server gives a NOT NULL constraint, which nobody declares.
fn given_name(object: &TableObject, touched: &[&Pair<'_>]) -> Option<String> {
    let ([pair], ObjectKind::NotNull) = (touched, object.kind) else { return None };
    let of = |column: &str| format!("_{column}_not_null");
    let table = object.name.strip_suffix(&of(&pair.other.name))?;
    Some(format!("{table}{}", of(&pair.shown.name)))
}

/// Where an object's definition names a column of the table.
fn place(kind: ObjectKind, object: &TableObject, table: &Relation) -> Place {
    let own = object.carrier == table.oids.relation;
    match kind {
        ObjectKind::Index => Place::Index,
        ObjectKind::Trigger => Place::Trigger,
        ObjectKind::ForeignKey if !own => Place::Referenced,
        ObjectKind::ForeignKey if object.refers_to == Some(object.carrier) => Place::Anywhere,
        ObjectKind::ForeignKey => Place::Referencing,
        ObjectKind::Key | ObjectKind::Check | ObjectKind::NotNull | ObjectKind::Statistics => {
            Place::Anywhere
        }
    }
}
