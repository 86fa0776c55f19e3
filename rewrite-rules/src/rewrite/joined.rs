//! Columns that another table holds: read through a join inside a derived table.
//!
//! `(SELECT segue_own.id, segue_0.bio FROM users AS segue_own LEFT JOIN profiles AS segue_0 ON
//! segue_0.user_id = segue_own.id) AS users`: PostgreSQL flattens it, and leaves out the join where nothing
//! of it is read. The key is unique there, so no row comes twice.
//!
//! Where rows are locked or written a join would show the other table's rows as they were when the
//! statement began, not as they are when the lock was waited for. Such a use reads the table's own columns
//! while they are written too.

use std::collections::BTreeSet;

use super::halves::LockClause;
use super::occurrence::Occurrence;
use super::star::{Element, labelled};
use super::{Rewriter, Walk};
use crate::catalog::RelationName;
use crate::lens::{Access, Beside, Lens, LogicalColumn, Over, Rows};
use crate::name::quoted;
use crate::refusal::{Construct, Refusal};

/// What the table itself is called inside such a derived table.
const OWN: &str = "segue_own";

/// A relation's name, qualified.
pub(super) fn relation(name: &RelationName) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.name))
}

/// What the n-th table beside is called there.
pub(super) fn alias(place: usize) -> String {
    format!("segue_{place}")
}

/// The condition that a row of a table beside belongs to one of the table itself.
pub(super) fn belongs(place: usize, beside: &Beside) -> String {
    let alias = alias(place);
    let equal =
        |(own, its): &(String, String)| format!("{alias}.{} = {OWN}.{}", quoted(its), quoted(own));
    beside.key.iter().map(equal).collect::<Vec<String>>().join(" AND ")
}

/// How the tables beside are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// Those that are read, as far as they have a row.
    Outer,
    /// All, whether they are read or not, and all must have one.
    OfAll,
}

/// A query that gives `columns` of `table`, each read as it says.
pub(super) fn select<'l>(
    lens: &Lens,
    columns: impl IntoIterator<Item = (&'l LogicalColumn, &'l Access)>,
    table: &str,
    join: Join,
) -> String {
    let columns: Vec<(&LogicalColumn, &Access)> = columns.into_iter().collect();
    let read = columns.iter().filter_map(|(_, access)| access.beside);
    let places: BTreeSet<usize> = match join {
        Join::OfAll => (0..lens.beside.len()).collect(),
        Join::Outer => read.collect(),
    };
    let item = |(column, access): &(&LogicalColumn, &Access)| {
        let qualifier = match (access.beside, places.is_empty()) {
            (Some(place), _) => format!("{}.", alias(place)),
            (None, false) => format!("{OWN}."),
            (None, true) => String::new(),
        };
        labelled(access.read(&qualifier), column, &qualifier)
    };
    let items: Vec<String> = columns.iter().map(item).collect();
    let mut from = table.to_owned();
    if !places.is_empty() {
        from.push_str(&format!(" AS {OWN}"));
    }
    let join = match join {
        Join::Outer => "LEFT JOIN",
        Join::OfAll => "JOIN",
    };
    for place in places {
        let Some(beside) = lens.beside.get(place) else { continue };
        let (name, on) = (relation(&beside.relation), belongs(place, beside));
        from.push_str(&format!(" {join} {name} AS {} ON {on}", alias(place)));
    }
    format!("SELECT {} FROM {from}", items.join(", "))
}

impl<'a> Occurrence<'a> {
    /// How a logical column is read here.
    pub(super) fn access<'l>(&self, column: &'l LogicalColumn) -> &'l Access {
        let is_own = match &self.lens.over {
            Some(over) if over.rows == Rows::Both => self.is_locked,
            Some(_) | None => self.is_held,
        };
        if is_own { column.own() } else { &column.get }
    }

    /// The table that stands for it here, if another one does.
    pub(super) fn over(&self) -> Option<&'a Over> {
        let over = self.lens.over.as_ref();
        over.filter(|over| over.rows != Rows::Both || self.is_locked)
    }

    /// The table that stands for it here, if another one does and has all that is read.
    pub(super) fn elsewhere(&self) -> Option<&'a RelationName> {
        let among = self.lens.among.as_ref().map(|among| &among.relation);
        self.over().map(|over| &over.relation).or(among)
    }

    /// The query that stands for it, where `table` is its name in the text. Rows are locked by the client's
    /// own clause.
    pub(super) fn derived(&self, table: &str) -> String {
        let lens: &'a Lens = self.lens;
        if let Some(query) = &lens.read_as {
            return query.clone();
        }
        let columns = lens.shown().map(|column| (column, self.access(column)));
        let join = match self.over() {
            Some(over) if over.rows == Rows::Both => Join::OfAll,
            Some(_) | None => Join::Outer,
        };
        match self.elsewhere() {
            Some(other) => select(lens, columns, &relation(other), join) + &lens.only_present(""),
            None => select(lens, columns, table, join),
        }
    }

    fn reads_beside(&self, column: &LogicalColumn) -> bool {
        self.access(column).beside.is_some()
    }
}

impl Rewriter<'_> {
    /// Notes that rows of everything used since `before` may be locked.
    pub(super) fn hold(&mut self, before: usize) {
        for found in self.occurrences.iter_mut().skip(before) {
            found.is_held = true;
        }
    }

    /// Locks rows of the innermost level: those of `relation`, or all. `clause` is the only one that does.
    pub(super) fn lock(&mut self, relation: Option<&str>, clause: Option<LockClause>) {
        let Some(level) = self.levels.last() else { return };
        let is_meant = |name: &str| relation.is_none_or(|wanted| wanted == name);
        let own = level.sources.iter().filter(|source| is_meant(&source.name));
        let mut locked: Vec<usize> = own.filter_map(|source| source.occurrence).collect();
        if let ([only], [source], Some(clause)) =
            (locked.as_slice(), level.sources.as_slice(), clause)
            && source.occurrence == Some(*only)
            && let Some(found) = self.occurrences.get_mut(*only)
        {
            found.lock = Some(clause);
        }
        let inside = level.inside.iter().filter(|(name, _)| is_meant(name));
        locked.extend(inside.flat_map(|(_, occurrences)| occurrences.clone()));
        for at in locked {
            if let Some(found) = self.occurrences.get_mut(at) {
                found.is_locked = true;
            }
        }
    }

    /// Whether anything is read of an occurrence that another table holds.
    pub(super) fn reads_beside(&self, at: usize) -> bool {
        let Some(found) = self.occurrences.get(at).filter(|it| !it.lens.beside.is_empty()) else {
            return false;
        };
        let is_whole = |element: &Element| matches!(element, Element::Governed(it) if *it == at);
        let all = self.stars.iter().any(|star| star.elements.iter().any(is_whole))
            || self.rows.iter().any(|row| row.occurrence == at)
            || found.needs.is_some();
        let mut read = self.references.iter().filter(|reference| reference.occurrence == at);
        (all && found.lens.shown().any(|column| found.reads_beside(column)))
            || read.any(|it| found.lens.column(&it.column).is_some_and(|it| found.reads_beside(it)))
    }

    /// Whether something of an occurrence may be read that another table holds.
    pub(super) fn may_be_joined(&self, at: usize) -> bool {
        let found = self.occurrences.get(at);
        found.is_some_and(|found| {
            found.lens.is_elsewhere() || found.lens.columns.iter().any(|it| it.get.beside.is_some())
        })
    }

    /// Whether rows are locked that must be locked in other tables too, whatever is read of them.
    pub(super) fn locks_parts(&self, at: usize) -> bool {
        self.occurrences.get(at).is_some_and(|found| {
            let lens = found.lens;
            let is_locked = found.is_locked && !found.is_apart;
            is_locked && (lens.read_as.is_some() || (lens.is_merged() && lens.is_apart()))
        })
    }

    /// Where another table's columns are read there must be a derived table.
    pub(super) fn settle_joined(&mut self) -> Walk<()> {
        for at in 0..self.occurrences.len() {
            let is_in_place = self.occurrences.get(at).is_some_and(|found| found.is_in_place);
            if is_in_place || !(self.reads_beside(at) || self.locks_parts(at)) {
                continue;
            }
            let Some(found) = self.occurrences.get_mut(at) else { continue };
            if found.lens.read_as.is_some() && !found.lens.is_gathered() {
                return Err(Box::new(Refusal::construct(Construct::MergedLock, found.lens)));
            }
            if let Some(reason) = found.fixed {
                return Err(Box::new(Refusal::no_derived_table(reason, found.lens)));
            }
            // Its half may be missing, and nothing can be locked then in a join.
            let is_halved = found.is_locked && !found.is_apart && found.lens.over.is_none();
            let is_too_much = found.lens.has_too_many_parts();
            let is_carried = found.lock.is_some() || found.is_staged;
            if is_halved && (is_too_much || !is_carried || found.span.is_none()) {
                let construct = match (found.lens.is_merged(), is_too_much) {
                    (true, true) => Construct::ManySources,
                    (true, false) => Construct::MergedLock,
                    (false, _) => Construct::MovedLock,
                };
                return Err(Box::new(Refusal::construct(construct, found.lens)));
            }
            found.prefers_derived = true;
            found.is_joined = true;
        }
        Ok(())
    }
}
