//! INSERT … ON CONFLICT DO UPDATE where something is computed of columns of both tables.
//!
//! `INSERT INTO users (id, bio) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET bio = users.email` becomes `WITH
//! segue_row_0 (…) AS MATERIALIZED (…), segue_next_0 AS MATERIALIZED (SELECT … FROM segue_row_0 LEFT JOIN LATERAL (SELECT …
//! FROM users … FOR NO KEY UPDATE) AS segue_held … LEFT JOIN LATERAL (SELECT … FROM profiles … FOR NO KEY UPDATE) AS
//! segue_held_0 … LEFT JOIN LATERAL (…) AS segue_set …), …`: the client's rows, each with the row that it conflicts with,
//! locked in both tables, and with what the SET list makes of that one. What is then written is in
//! [`super::apart_upsert_stored`].
//!
//! Sound: a row that is locked is read as it is then. One that has come since the statement began, in either table, is not
//! seen; but to write it finds the key taken, and ends the statement, which is sent again. Values stand in a VALUES list,
//! where PostgreSQL refuses what it refuses behind SET, and are computed of rows for which the condition holds alone.

use sqlparser::ast::{Expr, Insert, OnConflict, SetExpr};

use super::apart::Apart;
use super::apart_upsert::{Walked, default_text_of, is_copied, is_of_excluded};
use super::assignment::note_written;
use super::extent::Range;
use super::gathered::there;
use super::insert_rows::is_volatile_default;
use super::star::labelled;
use super::{Rewriter, Walk};
use crate::catalog::Catalog;
use crate::edit::Piece;
use crate::lens::{Access, Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::outcome::{AGAIN, TWICE};
use crate::refusal::{Construct, Refusal};
use crate::statement::start_byte;

/// The old table's row.
const HELD: &str = "segue_held";
/// Whether there is one.
pub(super) const IS_THERE: &str = "segue_is_there";
/// Whether it is changed.
pub(super) const WHEN: &str = "segue_when";
/// Where a row stands among the client's.
pub(super) const PLACE: &str = "segue_place";

/// What becomes of an ON CONFLICT DO UPDATE that needs both tables.
pub(super) struct Both<'a, 'q> {
    pub(super) sets: Vec<Set<'a, 'q>>,
    condition: Option<Range>,
    /// The columns that conflict.
    arbiter: Vec<&'a LogicalColumn>,
    /// Whether the client may give several rows.
    pub(super) is_several: bool,
    /// How the old table's row is locked.
    lock: &'static str,
    /// A column of the old table that may be assigned to itself.
    pub(super) idle: String,
    /// The byte at which the SET list stood.
    pub(super) list: usize,
}

/// A value of the SET list.
pub(super) struct Set<'a, 'q> {
    pub(super) column: &'a LogicalColumn,
    value: &'q Expr,
    cell: Range,
}

impl<'a> Rewriter<'a> {
    /// What becomes of the clause; leaves of its text what stands before the first assignment.
    pub(super) fn settled_of_both<'q>(
        &mut self,
        walked: &Walked<'q>,
        (insert, conflict): (&Insert, &OnConflict),
        apart: &Apart<'a>,
        columns: &[&'a LogicalColumn],
    ) -> Walk<Both<'a, 'q>> {
        let start = start_byte(insert.insert_token.0.span);
        let lens: &'a Lens = apart.lens;
        for at in [walked.sight.target, walked.sight.excluded] {
            if let Some(found) = self.occurrences.get_mut(at) {
                (found.is_in_place, found.is_apart) = (false, true);
            }
        }
        if let Some(excluded) = self.occurrences.get_mut(walked.sight.excluded) {
            excluded.fixed = None;
        }
        let arbiter = self.arbiter(conflict, lens).and_then(|names| {
            let own = |name: &String| lens.shown().find(|column| column.own().is(name));
            names.iter().map(own).collect::<Option<Vec<&'a LogicalColumn>>>()
        });
        let Some(arbiter) = arbiter else {
            return self.refuse_at(Construct::MovedUpsert, start);
        };
        let is_several = match insert.source.as_deref().map(|query| query.body.as_ref()) {
            Some(SetExpr::Values(values)) => values.rows.len() > 1,
            Some(_) => true,
            None => false,
        };
        let sets = self.sets_of_both(walked, lens)?;
        let is_arbiter = |set: &Set<'_, '_>| {
            let mut same = arbiter.iter().filter(|column| column.is_one_with(set.column));
            same.any(|_| !is_of_excluded(set.value, set.column))
        };
        // What one row gives up another one could take.
        if self.reads_drawn(walked, (apart, &arbiter), columns)
            || (is_several && sets.iter().any(is_arbiter))
        {
            return self.refuse_at(Construct::MovedUpsert, start);
        }
        let table = self.generation.catalog().relation(&lens.relation);
        let keys = || table.into_iter().flat_map(|it| it.keys.iter().chain(&it.building));
        let own = |set: &Set<'a, '_>| set.column.in_table(None);
        let is_key = |own: &str| keys().any(|key| key.columns.iter().any(|it| it == own));
        let lock = match sets.iter().filter_map(own).any(is_key) {
            true => "FOR UPDATE",
            false => "FOR NO KEY UPDATE",
        };
        let assigned = sets.iter().find_map(own).or_else(|| self.lock_column(lens));
        let Some(idle) = assigned.map(quoted) else {
            return self.refuse_at(Construct::MovedUpsert, start);
        };
        let (list, condition) = self.cut_list(walked, start)?;
        Ok(Both { sets, condition, arbiter, is_several, lock, idle, list })
    }

    fn sets_of_both<'q>(&mut self, walked: &Walked<'q>, lens: &'a Lens) -> Walk<Vec<Set<'a, 'q>>> {
        let (mut sets, mut written) = (Vec::new(), std::collections::BTreeMap::new());
        for (assignment, extent) in walked.update.assignments.iter().zip(&walked.extents) {
            for (ident, value, cell) in self.cells(assignment, *extent, lens)? {
                self.account(ident);
                let name = name::folded(ident);
                let Some(column) = lens.column(&name) else {
                    return self.no_column_at(ident, lens);
                };
                let mut known = sets.iter();
                if known.any(|set: &Set<'_, '_>| std::ptr::eq(set.column, column)) {
                    return Err(Box::new(Refusal::assigned_again(&name)));
                }
                note_written(column, lens, &mut written)?;
                let part = self.part_behind(ident);
                if part.0 < part.1 {
                    return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
                }
                // It changes with what it is computed from, and has no other value.
                if column.generated && self.is_default(cell) {
                    continue;
                }
                // Elsewhere it is copied to, with its type.
                if self.is_default(cell) {
                    self.type_value(value, cell, column)?;
                }
                sets.push(Set { column, value, cell });
            }
        }
        Ok(sets)
    }

    /// Whether something would have to be known of the client's rows that only storing them tells.
    fn reads_drawn(
        &self,
        walked: &Walked<'_>,
        (apart, arbiter): (&Apart<'a>, &[&LogicalColumn]),
        columns: &[&LogicalColumn],
    ) -> bool {
        let lens: &Lens = apart.lens;
        let is_left_out =
            |column: &&LogicalColumn| columns.iter().all(|it| !it.is_one_with(column));
        let is_key = |column: &LogicalColumn| key_at(apart, column).is_some();
        let drawn = || lens.shown().filter(is_left_out).filter(|it| is_drawn(it) && !is_key(it));
        // Each of two tables would draw its own.
        if is_copied(lens) && drawn().any(LogicalColumn::is_apart) {
            return true;
        }
        let excluded = walked.sight.excluded;
        let is_read = |column: &LogicalColumn| {
            let references = self.references.iter().filter(|it| it.occurrence == excluded);
            let mut read = references.filter_map(|it| lens.column(&it.column));
            walked.is_whole
                || read.any(|it| it.is_one_with(column))
                || arbiter.iter().any(|it| it.name == column.name)
        };
        drawn().any(is_read)
    }

    /// Leaves the SET list and the condition out where they stand: from which byte on, and where the condition is.
    fn cut_list(&mut self, walked: &Walked<'_>, start: usize) -> Walk<(usize, Option<Range>)> {
        let set = self.set_of_conflict(start)?;
        let returning = self.keyword_behind(set, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(set));
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last)).map(|it| it.end);
        let (Some(first), Some(last)) = (walked.extents.first(), last) else {
            return self.refuse(Construct::Unreadable);
        };
        self.edits.leave_out(first.0, last);
        if walked.update.selection.is_none() {
            return Ok((first.0, None));
        }
        let clause = self.keyword_behind(set, "where");
        match clause.and_then(|at| self.lexeme(at + 1)) {
            Some(condition) => Ok((first.0, Some((condition.start, last)))),
            None => self.refuse(Construct::Unreadable),
        }
    }
}

/// What is only known once a row is stored.
fn is_drawn(column: &LogicalColumn) -> bool {
    column.generated || column.identity || is_volatile_default(column)
}

/// The place of a column in the row's key.
fn key_at(apart: &Apart<'_>, column: &LogicalColumn) -> Option<usize> {
    let is_its = |own: &&str| column.put.iter().any(|access| access.is(own));
    apart.key_columns().iter().position(is_its)
}

/// Name of the n-th value.
pub(super) fn set(at: usize) -> String {
    format!("segue_set_{at}")
}

/// What is written for such a clause.
pub(super) struct Writing<'w, 'a, 'q> {
    pub(super) apart: &'w Apart<'a>,
    pub(super) both: &'w Both<'a, 'q>,
    /// The columns of the client's rows.
    pub(super) columns: &'w [&'a LogicalColumn],
    pub(super) catalog: &'w Catalog,
}

impl<'a> Writing<'_, 'a, '_> {
    /// The CTE of the rows as they shall be.
    pub(super) fn next(&self) -> String {
        format!("segue_next_{}", self.apart.number)
    }

    fn lens(&self) -> &'a Lens {
        self.apart.lens
    }

    /// What the client's row has for a column, as the column would store it.
    fn given(&self, column: &LogicalColumn) -> String {
        let row = self.apart.row();
        if let Some(at) = key_at(self.apart, column) {
            return format!("{row}.{}", Apart::key(at));
        }
        let given = self.columns.iter().enumerate().find(|(_, it)| it.is_one_with(column));
        let value = match given {
            Some((at, it)) => {
                let value = format!("{row}.{}", Apart::value(at));
                format!("({})", it.read_as(column, &value))
            }
            None if is_drawn(column) => "NULL".to_owned(),
            None => format!("({})", default_text_of(column)),
        };
        let collation = self.collation(column.own()).map(|name| format!(" COLLATE {name}"));
        format!("{value}::{}{}", column.type_name, collation.unwrap_or_default())
    }

    fn collation(&self, access: &Access) -> Option<&str> {
        let beside = access.beside.and_then(|place| self.lens().beside.get(place));
        let table = beside.map_or(&self.lens().relation, |beside| &beside.relation);
        self.catalog.relation(table)?.column(&access.column)?.collation.as_deref()
    }

    /// What a row is called as one of the tables has it.
    fn held(beside: Option<usize>) -> String {
        beside.map_or_else(|| HELD.to_owned(), |place| format!("{HELD}_{place}"))
    }

    /// Locks the row of one of the tables, if it is there.
    fn locked(&self, beside: Option<usize>, same: &[String], lock: &str) -> String {
        let own = self.lens().shown().filter(|column| column.own().beside == beside);
        let own = own.map(|column| labelled(column.own().read("segue_own."), column, "segue_own."));
        let items: Vec<String> =
            std::iter::once(format!("true AS {IS_THERE}")).chain(own).collect();
        format!(
            " LEFT JOIN LATERAL (SELECT {} FROM {} AS segue_own WHERE {} {lock}) AS {} ON true",
            items.join(", "),
            self.apart.table(beside),
            same.join(" AND "),
            Self::held(beside)
        )
    }

    /// The rows that each of the client's conflicts with.
    fn all_locked(&self) -> String {
        let same = self.both.arbiter.iter().map(|column| {
            format!("segue_own.{} = {}", quoted(&column.own().column), self.given(column))
        });
        let same: Vec<String> = same.collect();
        let mut text = self.locked(None, &same, self.both.lock);
        for place in self.lens().places_apart() {
            let names = self.apart.key_names(Some(place)).into_iter();
            let same =
                names.zip(self.key_held()).map(|(its, own)| format!("segue_own.{its} = {own}"));
            let same: Vec<String> = same.collect();
            text.push_str(&self.locked(Some(place), &same, "FOR NO KEY UPDATE"));
        }
        text
    }

    /// The key of the old table's row.
    fn key_held(&self) -> Vec<String> {
        let lens: &'a Lens = self.apart.lens;
        let keys = self.apart.key_columns().into_iter();
        let name = |own: &str| lens.shown().find(|column| column.own().is(own)).map(|it| &it.name);
        keys.map(|own| format!("{HELD}.{}", name(own).map_or_else(|| quoted(own), |it| quoted(it))))
            .collect()
    }

    /// The two rows that a SET list sees.
    fn seen(&self) -> String {
        let (mut there, mut given) = (Vec::new(), Vec::new());
        for column in self.lens().shown() {
            let name = quoted(&column.name);
            there.push(format!("{}.{name}", Self::held(column.own().beside)));
            given.push(format!("{} AS {name}", self.given(column)));
        }
        format!(
            "(SELECT {}) AS {} CROSS JOIN (SELECT {}) AS excluded",
            there.join(", "),
            self.apart.reference,
            given.join(", ")
        )
    }

    /// What the client's rows are joined with.
    fn joined(&self, values: Vec<Piece>) -> Vec<Piece> {
        let is_there = format!("{HELD}.{IS_THERE}");
        let seen = self.seen();
        let mut pieces: Vec<Piece> = vec![self.all_locked().into()];
        let when = match self.both.condition {
            None => is_there,
            Some((from, to)) => {
                let head = format!(
                    " LEFT JOIN LATERAL (SELECT true AS {WHEN} FROM {seen} WHERE CASE WHEN {is_there} THEN ("
                );
                pieces.extend([
                    head.into(),
                    Piece::Copy(from, to),
                    ") END OFFSET 0) AS segue_if ON true".into(),
                ]);
                format!("segue_if.{WHEN}")
            }
        };
        let names: Vec<String> = (0..self.both.sets.len()).map(set).collect();
        pieces.push(
            format!(
                " LEFT JOIN LATERAL (SELECT segue_set.* FROM {seen} CROSS JOIN LATERAL (VALUES ("
            )
            .into(),
        );
        pieces.extend(values);
        pieces.push(
            format!(
                ")) AS segue_set ({}) WHERE {when} OFFSET 0) AS segue_set ON true",
                names.join(", ")
            )
            .into(),
        );
        pieces
    }

    /// What stands around the query of the rows, and ends the statement where one would be changed twice, or was given
    /// its key since the statement began: under that it would not be found.
    fn faults(&self) -> (String, String) {
        let keys: Vec<String> = (0..self.apart.key_columns().len()).map(Apart::key).collect();
        let fail = |word: &str| {
            format!("CAST(pg_catalog.concat('{word} ', {}) AS boolean)", Apart::key(0))
        };
        let (mut rows, mut faults) = (String::new(), Vec::new());
        if self.both.is_several {
            rows = format!(
                "SELECT segue_next.*, {IS_THERE} AND pg_catalog.bool_or({WHEN}) OVER (PARTITION BY {} ORDER BY {PLACE} ROWS \
                 BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS segue_is_twice FROM (",
                keys.join(", ")
            );
            faults.push(format!("WHEN segue_is_twice THEN {}", fail(TWICE)));
        }
        let is_key = |column: &&LogicalColumn| key_at(self.apart, column).is_some();
        let arbiter = &self.both.arbiter;
        if arbiter.len() != keys.len() || !arbiter.iter().all(is_key) {
            let own = self.apart.key_names(None).into_iter().zip(&keys);
            let same = own.map(|(own, key)| format!("segue_own.{own} = segue_next.{key}"));
            faults.push(format!(
                "WHEN {IS_THERE} AND NOT EXISTS (SELECT 1 FROM {} AS segue_own WHERE {}) THEN {}",
                self.apart.table(None),
                same.collect::<Vec<String>>().join(" AND "),
                fail(AGAIN)
            ));
        }
        if faults.is_empty() {
            return (String::new(), String::new());
        }
        let end = if rows.is_empty() { "" } else { ") AS segue_next" };
        (
            format!("SELECT * FROM ({rows}"),
            format!("{end} OFFSET 0) AS segue_next WHERE CASE {} ELSE true END", faults.join(" ")),
        )
    }

    /// What is known of each row.
    fn items(&self) -> Vec<String> {
        let row = self.apart.row();
        let is_there = format!("{HELD}.{IS_THERE}");
        let keys = self.key_held().into_iter().enumerate();
        let mut items: Vec<String> = keys
            .map(|(at, held)| {
                let key = Apart::key(at);
                format!("CASE WHEN {is_there} THEN {held} ELSE {row}.{key} END AS {key}")
            })
            .collect();
        items.extend((0..self.columns.len()).map(|at| format!("{row}.{}", Apart::value(at))));
        items.extend(self.both.is_several.then(|| format!("{row}.{PLACE}")));
        items.push(format!("({is_there} IS TRUE) AS {IS_THERE}"));
        for place in self.lens().places_apart() {
            let held = Self::held(Some(place));
            items.push(format!("({held}.{IS_THERE} IS TRUE) AS {}", there(place)));
        }
        let when = match self.both.condition {
            Some(_) => format!("segue_if.{WHEN}"),
            None => is_there,
        };
        items.push(format!("({when} IS TRUE) AS {WHEN}"));
        items.extend((0..self.both.sets.len()).map(|at| format!("segue_set.{}", set(at))));
        let shown = self.lens().shown().enumerate().filter(|_| self.apart.returns);
        items.extend(shown.map(|(at, column)| {
            let held = Self::held(column.own().beside);
            format!("{held}.{} AS {}", quoted(&column.name), Apart::was(at))
        }));
        items
    }
}

impl Rewriter<'_> {
    /// `, segue_next_0 AS MATERIALIZED (…)`: the client's rows, with what is there and what becomes of it.
    pub(super) fn next_of_both(&self, writing: &Writing<'_, '_, '_>) -> Vec<Piece> {
        let mut values: Vec<Piece> = Vec::new();
        for set in &writing.both.sets {
            if !values.is_empty() {
                values.push(", ".into());
            }
            values.extend(self.typed_pieces(set.value, set.cell, set.column));
        }
        let (before, behind) = writing.faults();
        let head = format!(
            ", {} AS MATERIALIZED ({before}SELECT {} FROM {}",
            writing.next(),
            writing.items().join(", "),
            writing.apart.row()
        );
        let mut pieces: Vec<Piece> = vec![head.into()];
        pieces.extend(writing.joined(values));
        pieces.push((behind + ")").into());
        pieces
    }
}
