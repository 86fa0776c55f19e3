//! `split-table`: columns move to a table of their own. Both tables are written by whoever writes the old
//! one, and a moved column is read where the phase says.

use super::table::{find_table_as, key_fault, nearest, relation_name};
use super::{ColumnChange, Fault, Place, Side, plain};
use crate::catalog::{Catalog, Column, ColumnDefault, Relation, RelationName, Volatility};
use crate::lens::{Access, Beside, End, LogicalColumn, OpaquePolicy};
use crate::name::quoted;
use crate::phase::Phase;
use crate::rule::{Change, Governed, Rule, SplitTable};

/// What a split makes of the old table.
pub(super) struct Split {
    /// Of its columns.
    pub(super) columns: Vec<ColumnChange>,
    /// Where they move to, once that is there.
    pub(super) beside: Option<Beside>,
}

/// The rule beside what the catalog says of it.
struct Subject<'a> {
    split: &'a SplitTable,
    phase: Phase,
    relation: &'a RelationName,
    table: &'a Relation,
    into: Option<(RelationName, &'a Relation)>,
    faults: Vec<Fault>,
}

pub(super) fn compile(
    split: &SplitTable,
    phase: Phase,
    relation: &RelationName,
    table: &Relation,
    catalog: &Catalog,
) -> Result<Split, Vec<Fault>> {
    let into = match find_table_as("into", &split.into, catalog) {
        Ok(found) => Some(found),
        Err(_) if phase == Phase::Expand => None,
        Err(fault) => return Err(vec![fault]),
    };
    let mut subject = Subject { split, phase, relation, table, into, faults: Vec::new() };
    subject.check_tables();
    subject.check_key();
    let columns = subject.columns();
    if subject.faults.is_empty() {
        let beside = subject.beside();
        Ok(Split { columns, beside })
    } else {
        Err(subject.faults)
    }
}

impl<'a> Subject<'a> {
    fn fault(&mut self, key: &'static str, message: String, hint: impl Into<Option<String>>) {
        self.faults.push(Fault { rule: 0, key, message, hint: hint.into() });
    }

    /// The new table's, if it is there.
    fn new_table(&self) -> Option<&'a Relation> {
        self.into.as_ref().map(|(_, table)| *table)
    }

    fn check_tables(&mut self) {
        if self.into.as_ref().is_some_and(|(into, _)| into == self.relation) {
            let message = format!("\"table\" and \"into\" are both \"{}\"", self.relation);
            self.fault("into", message, "name the table that the columns move to".to_owned());
        }
        for (key, table) in [("table", Some(self.table)), ("into", self.new_table())] {
            if table.is_some_and(|table| !table.children.is_empty()) {
                let message = "has partitions, or tables that inherit from it".to_owned();
                self.fault(key, message, "only a plain table can be split".to_owned());
            }
        }
    }

    /// Each side's columns must tell its rows apart.
    fn check_key(&mut self) {
        let (from, to) = (&self.split.key.from, &self.split.key.to);
        if from.iter().len() != to.iter().len() || from.iter().len() == 0 {
            let message = "\"from\" and \"to\" differ in length".to_owned();
            self.fault("key", message, "give each column of the key its counterpart".to_owned());
            return;
        }
        let own: Vec<&str> = from.iter().collect();
        self.faults.extend(key_fault(self.table, self.relation, &own));
        if let Some((into, table)) = self.into.clone() {
            let its: Vec<&str> = to.iter().collect();
            self.faults.extend(key_fault(table, &into, &its));
            self.check_key_types(&into, table);
        }
    }

    /// A value of the one must be found as it is in the other.
    fn check_key_types(&mut self, into: &RelationName, table: &Relation) {
        for (from, to) in self.split.key.pairs() {
            let (Some(own), Some(its)) = (self.table.column(from), table.column(to)) else {
                continue;
            };
            if (&its.type_name, &its.collation) != (&own.type_name, &own.collation) {
                let message = format!(
                    "column \"{to}\" of \"{into}\" is {}, \"{from}\" is {}",
                    its.type_name, own.type_name
                );
                self.fault("key", message, "give both the same type and collation".to_owned());
            }
        }
    }

    fn columns(&mut self) -> Vec<ColumnChange> {
        let pairs: Vec<(&str, &str)> = self.split.columns.pairs().collect();
        if pairs.is_empty() {
            let hint = "name the columns that move".to_owned();
            self.fault("columns", "no column moves".to_owned(), hint);
        }
        for (at, (from, to)) in pairs.iter().enumerate() {
            let mut before = pairs.iter().take(at);
            if before.any(|(own, its)| own == from || its == to) {
                let hint = "each column moves once, to a column of its own".to_owned();
                self.fault("columns", format!("\"{from}\" = \"{to}\" is there twice"), hint);
            }
        }
        pairs.into_iter().filter_map(|(from, to)| self.column(from, to)).collect()
    }

    fn column(&mut self, from: &str, to: &str) -> Option<ColumnChange> {
        let own = self.table.column(from);
        let its = self.new_table().and_then(|table| table.column(to));
        let is_gone = own.is_none() && self.phase == Phase::Contract;
        let Some(known) = own.or(its.filter(|_| is_gone)) else {
            let known = self.table.columns.iter().map(|column| column.name.as_str());
            let near = nearest(from, known).map(|near| format!("did you mean \"{near}\"?"));
            let message =
                format!("column \"{from}\" does not exist in table \"{}\"", self.relation);
            self.fault("columns", message, near);
            return None;
        };
        let place = self.place(from, own)?;
        if self.split.key.from.iter().any(|key| key == from) {
            let message = format!("column \"{from}\" is part of the key");
            self.fault("columns", message, "a key stays in both tables".to_owned());
        }
        if known.generated || known.identity.is_some() {
            let message = format!("column \"{from}\" is generated by the server");
            self.fault("columns", message, "only an ordinary column can move".to_owned());
        }
        if let Some((into, table)) = self.into.clone() {
            self.check_counterpart(known, to, &into, table);
        }
        self.check_left_out(own);
        Some(self.change(known, place, from, to))
    }

    /// Where a column stands in `*`, even after it is gone.
    fn place(&mut self, from: &str, own: Option<&Column>) -> Option<Place> {
        let told = self.split.positions.get(from).map(|position| Place::Shown(*position));
        let number = || own.map(|own| own.number).or_else(|| self.number_of_dropped(from));
        let place = told.or_else(|| number().map(Place::Number));
        if place.is_none() {
            let message = format!(
                "column \"{from}\" is gone and the catalog does not tell where it stood among the columns \
                 of \"{}\"",
                self.relation
            );
            let hint =
                "add positions = { column = N, … }, the place of each in SELECT * counted from 1";
            self.fault("positions", message, hint.to_owned());
        }
        place
    }

    /// The places that no column has any more are those of the columns that moved, in the order in which
    /// they are listed, if there are as many.
    fn number_of_dropped(&self, column: &str) -> Option<u16> {
        let is_there = |name: &str| self.table.column(name).is_some();
        let moved = self.split.columns.pairs().map(|(from, _)| from);
        let gone: Vec<&str> = moved.filter(|from| !is_there(from)).collect();
        let taken = |number: &u16| self.table.columns.iter().any(|it| it.number == *number);
        let free: Vec<u16> =
            (1..=self.table.attribute_count).filter(|number| !taken(number)).collect();
        let place = gone.iter().position(|name| *name == column)?;
        if free.len() == gone.len() { free.get(place).copied() } else { None }
    }

    /// Nobody writes it any more, so it must do without.
    fn check_left_out(&mut self, own: Option<&Column>) {
        let is_left_out = matches!(self.phase, Phase::StopDualWrite | Phase::Contract);
        let Some(own) = own.filter(|own| is_left_out && own.not_null && own.default.is_none())
        else {
            return;
        };
        let (phase, name) = (self.phase, &own.name);
        let message = format!("phase \"{phase}\" does not write \"{name}\", which is NOT NULL");
        let hint = drop_not_null(self.relation, name);
        self.fault("phase", message, hint);
    }

    fn check_counterpart(&mut self, own: &Column, to: &str, into: &RelationName, table: &Relation) {
        let Some(its) = table.column(to) else {
            let known = table.columns.iter().map(|column| column.name.as_str());
            let near = nearest(to, known).map(|near| format!("did you mean \"{near}\"?"));
            let message = format!("column \"{to}\" does not exist in table \"{into}\"");
            self.fault("columns", message, near);
            return;
        };
        if its.generated || its.identity.is_some() {
            let message = format!("column \"{to}\" of \"{into}\" is generated by the server");
            self.fault("columns", message, "what moves must be stored there".to_owned());
        }
        if (&its.type_name, &its.collation) != (&own.type_name, &own.collation) {
            let message = format!(
                "column \"{to}\" of \"{into}\" is {}, \"{}\" is {}",
                its.type_name, own.name, own.type_name
            );
            let hint = "give both the same type and collation: split first, change the type then";
            self.fault("columns", message, hint.to_owned());
        }
    }

    /// What the old table's column means.
    fn change(&self, known: &Column, place: Place, from: &str, to: &str) -> ColumnChange {
        let moved = || Access { beside: Some(0), ..Access::plain(to) };
        let own = || Access::plain(from);
        let (get, held, put) = match self.phase {
            // What stands in the old table may be of the time before the last step back.
            Phase::SwitchReads => (moved(), None, vec![moved(), own()]),
            Phase::StopDualWrite | Phase::Contract => (moved(), None, vec![moved()]),
            // The others have no such phase.
            Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce => {
                (own(), None, vec![own()])
            }
        };
        let its = self.new_table().and_then(|table| table.column(to));
        let default = match put.iter().all(|access| access.beside.is_some()) {
            true => its.and_then(|its| its.default.clone()),
            false => known.default.clone(),
        };
        let name = from.to_owned();
        let column = LogicalColumn { name, get, held, put, default, ..plain(known) };
        let is_old = self.phase == Phase::Expand;
        let policy = if is_old { OpaquePolicy::Forward } else { OpaquePolicy::Refuse };
        ColumnChange {
            old: Some(Side { column, place: Some(place), promises: is_old }),
            new: None,
            opaque_old: policy,
            opaque_new: policy,
            left_out: self.left_out(known),
        }
    }

    /// A row that a client of the new shape inserts has no half until the client inserts that too. In the
    /// old table that is NULLs.
    fn left_out(&self, own: &Column) -> Option<ColumnDefault> {
        let is_written = matches!(self.phase, Phase::DualWrite | Phase::SwitchReads);
        let is_left = is_written && !own.not_null && own.default.is_some();
        is_left.then(|| ColumnDefault {
            expression: format!("NULL::{}", own.type_name),
            volatility: Volatility::Immutable,
        })
    }

    fn beside(&self) -> Option<Beside> {
        let (relation, _) = self.into.clone()?;
        let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        let is_carried = self.phase == Phase::DualWrite;
        Some(Beside {
            relation,
            key: self.split.key.pairs().map(owned).collect(),
            copies: self.split.columns.pairs().filter(|_| is_carried).map(owned).collect(),
            is_parent: false,
            end: End::Cascades,
            mark: None,
            present: None,
        })
    }
}

fn drop_not_null(table: &RelationName, column: &str) -> String {
    let (schema, name, column) = (quoted(&table.schema), quoted(&table.name), quoted(column));
    format!("run ALTER TABLE {schema}.{name} ALTER COLUMN {column} DROP NOT NULL;")
}

/// What must be mended before it takes a step forward, and what a generation in force can live with: a row of the new
/// table is made of the key and of what moves.
pub(super) fn unready(split: &SplitTable, catalog: &Catalog) -> Vec<Fault> {
    let Ok((into, table)) = find_table_as("into", &split.into, catalog) else { return Vec::new() };
    let is_given = |name: &str| {
        split.key.to.iter().any(|key| key == name)
            || split.columns.pairs().any(|(_, to)| to == name)
    };
    let needed = |column: &&Column| {
        let is_made = column.default.is_some() || column.generated || column.identity.is_some();
        column.not_null && !is_made && !is_given(&column.name)
    };
    let fault = |column: &Column| {
        let name = &column.name;
        let message =
            format!("column \"{name}\" of \"{into}\" is NOT NULL, and nothing is moved to it");
        Fault { rule: 0, key: "into", message, hint: Some(drop_not_null(&into, name)) }
    };
    table.columns.iter().filter(needed).map(fault).collect()
}

/// Migrations that a split cannot stand beside: they change its key, or the table that its columns move to.
pub(super) fn conflicts(rules: &[Rule]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let Change::SplitTable(split) = &rule.change else { continue };
        let (table, into) = (relation_name(&split.table), relation_name(&split.into));
        for (_, other) in rules.iter().enumerate().filter(|(other, _)| *other != index) {
            let is_key = |governed: &Governed<'_>| {
                relation_name(governed.table) == table
                    && split.key.from.iter().any(|key| key == governed.column)
            };
            let is_into = |other: &Change| {
                let its = other.into_table().and_then(relation_name);
                its == into || other.tables().into_iter().any(|table| relation_name(table) == into)
            };
            let (key, what) = match &other.change {
                change if change.governed().iter().any(is_key) => ("key", "the key"),
                change if into.is_some() && is_into(change) => ("into", "the table"),
                _ => continue,
            };
            faults.push(Fault {
                rule: index,
                key,
                message: format!("migration \"{}\" governs {what} too", other.name),
                hint: Some("finish one before the other begins".to_owned()),
            });
        }
    }
    faults
}
