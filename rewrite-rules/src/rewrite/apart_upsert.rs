//! INSERT … ON CONFLICT DO UPDATE of a table some of whose columns only another table holds.
//!
//! Each table settles its own conflict: the old one first, under the client's own clause with what stays, then
//! the other one, by its key, with what has moved. So a SET list sees the row as it is once it is locked, in
//! either table. Where nothing is assigned that stays, a column is assigned to itself: that locks the row, and
//! gives it back.
//!
//! Three kinds of rows come to the other table. One that the old table did not have gets the client's values.
//! One that has its half there is locked, and gets them too, to conflict as the client's row would have. One
//! that lacks its half gets what the SET list makes of NULLs. Where that one turns out to have a half after all,
//! somebody has just made it: it is updated as any other, from the client's row.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, DoUpdate, Expr, Ident, Insert, OnConflict,
};

use super::apart::Apart;
use super::apart_upsert_both::Both;
use super::assignment::note_written;
use super::extent::Range;
use super::insert_rows::is_volatile_default;
use super::occurrence::Occurrence;
use super::reference::Reference;
use super::star::Element;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::refusal::Construct;
use crate::statement::{end_byte, start_byte};

/// Whether the old table did not have the row.
pub(super) const IS_MADE: &str = "segue_is_made";

/// What becomes of an ON CONFLICT DO UPDATE.
pub(super) struct Upsert<'a, 'q> {
    /// Columns of the old table by which its row is found, each with the place of the client's value. None: the
    /// key that rows of the other tables refer to.
    pub(super) found_by: Vec<(String, usize)>,
    /// What is assigned that has moved.
    pub(super) moved: Vec<Assigned<'a, 'q>>,
}

/// A value that is assigned to a column of another table.
pub(super) struct Assigned<'a, 'q> {
    pub(super) column: &'a LogicalColumn,
    pub(super) value: &'q Expr,
    /// Bytes of the value.
    pub(super) cell: Range,
    pub(super) reads: Reads,
    /// Whether it reads the row that is there.
    pub(super) reads_target: bool,
}

/// What such a value reads of the client's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Nothing,
    /// It is the value for this very column.
    Same,
    Something,
}

/// The two rows that a SET list sees, by their occurrences.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub(super) target: usize,
    pub(super) excluded: usize,
}

impl Sight {
    fn sees(self, occurrence: usize) -> bool {
        occurrence == self.target || occurrence == self.excluded
    }
}

/// What the rows that are there already get.
pub(super) enum Settled<'a, 'q> {
    /// Each table settles its own conflict.
    Each(Upsert<'a, 'q>),
    /// Something is computed of both.
    Both(Both<'a, 'q>),
}

/// The clause, once its names are resolved.
pub(super) struct Walked<'q> {
    pub(super) update: &'q DoUpdate,
    /// Where each assignment stands.
    pub(super) extents: Vec<Range>,
    /// Which references each of them makes.
    reads: Vec<Range>,
    /// And the condition.
    condition_reads: Range,
    pub(super) sight: Sight,
    /// Whether a whole row is used.
    pub(super) is_whole: bool,
}

impl<'a> Rewriter<'a> {
    /// Walks the clause, and leaves of its SET list what the old table gets. The level holds the target, which is
    /// occurrence `at`; `columns` are those of the client's rows.
    pub(super) fn upsert_apart<'q>(
        &mut self,
        insert: &Insert,
        (conflict, update): (&OnConflict, &'q DoUpdate),
        (at, apart): (usize, &Apart<'a>),
        columns: &[&'a LogicalColumn],
    ) -> Walk<Settled<'a, 'q>> {
        let start = start_byte(insert.insert_token.0.span);
        let lens: &'a Lens = apart.lens;
        if self.writes_key(lens, &update.assignments) {
            return self.refuse_at(Construct::ConflictKey, start);
        }
        self.conflict_target(insert, conflict, Some(lens))?;
        let sight = self.see_both(at, lens)?;
        let walked = self.walk_conflict(update, sight, start)?;
        self.see_one(at);
        if let Some(upsert) = self.settled_by_each(&walked, conflict, lens, columns)? {
            self.assign_each(&walked, (apart, &upsert.moved), start)?;
            return Ok(Settled::Each(upsert));
        }
        self.settled_of_both(&walked, (insert, conflict), apart, columns).map(Settled::Both)
    }

    /// Resolves every name in a SET list and its condition.
    fn walk_conflict<'q>(
        &mut self,
        update: &'q DoUpdate,
        sight: Sight,
        start: usize,
    ) -> Walk<Walked<'q>> {
        let noted = (self.rows.len(), self.stars.len());
        let extents = self.list(self.set_of_conflict(start)?);
        if extents.len() != update.assignments.len() {
            return self.refuse(Construct::Unreadable);
        }
        let mut reads = Vec::new();
        for (assignment, extent) in update.assignments.iter().zip(&extents) {
            let before = self.references.len();
            self.walk_pieces(extent.0, extent.1)?;
            self.expression(&assignment.value)?;
            reads.push((before, self.references.len()));
        }
        let before = self.references.len();
        update.selection.iter().try_for_each(|condition| self.expression(condition))?;
        let condition_reads = (before, self.references.len());
        let is_whole = self.has_whole_row(noted, sight);
        Ok(Walked { update, extents, reads, condition_reads, sight, is_whole })
    }

    /// What becomes of the clause if each table can settle its own conflict.
    fn settled_by_each<'q>(
        &mut self,
        walked: &Walked<'q>,
        conflict: &OnConflict,
        lens: &'a Lens,
        columns: &[&'a LogicalColumn],
    ) -> Walk<Option<Upsert<'a, 'q>>> {
        let is_copied = is_copied(lens);
        let mut puts = lens.columns.iter().filter(|it| it.is_apart()).flat_map(|it| &it.put);
        if puts.any(|put| put.through.is_some())
            || (is_copied && lens.places_apart().len() > 1)
            || walked.is_whole
            || self.reads_another(None, walked.condition_reads, walked.sight)
        {
            return Ok(None);
        }
        let (mut moved, mut changed) = (Vec::new(), Vec::new());
        let assignments = walked.update.assignments.iter().zip(&walked.extents);
        for ((assignment, extent), reads) in assignments.zip(&walked.reads) {
            let AssignmentTarget::ColumnName(column) = &assignment.target else { return Ok(None) };
            let ident = self.assigned(column)?;
            let Some(logical) = lens.column(&name::folded(ident)) else {
                return self.no_column_at(ident, lens);
            };
            let held_by = logical.put.first().and_then(|put| put.beside);
            if self.reads_another(held_by, *reads, walked.sight) {
                return Ok(None);
            }
            if logical.is_apart() {
                let sight = (*reads, walked.sight);
                moved.push(self.assigned_beside((assignment, ident), *extent, logical, sight)?);
            } else if !is_of_excluded(&assignment.value, logical) {
                changed.extend(logical.put.iter().map(|put| &put.column));
            }
        }
        if !self.is_settled(&moved, lens, columns) {
            return Ok(None);
        }
        let found_by = self.found_by(conflict, lens, (columns, &changed));
        let found_by = found_by.filter(|found_by| !is_copied || found_by.is_empty());
        Ok(found_by.map(|found_by| Upsert { found_by, moved }))
    }

    /// Leaves in the SET list what the old table gets.
    fn assign_each(
        &mut self,
        walked: &Walked<'_>,
        (apart, moved): (&Apart<'a>, &[Assigned<'a, '_>]),
        start: usize,
    ) -> Walk<()> {
        let lens: &'a Lens = apart.lens;
        let mut written = std::collections::BTreeMap::new();
        for (assignment, extent) in walked.update.assignments.iter().zip(&walked.extents) {
            let AssignmentTarget::ColumnName(column) = &assignment.target else { continue };
            let ident = self.assigned(column)?;
            let Some(logical) = lens.column(&name::folded(ident)) else { continue };
            note_written(logical, lens, &mut written)?;
            if !logical.is_apart() {
                let target = Some(walked.sight.target);
                self.assign(ident, logical, &assignment.value, *extent, target)?;
            }
        }
        for assigned in moved {
            if !self.is_default(assigned.cell) {
                continue;
            }
            let text = default_text_of(assigned.column);
            let text = format!("({text})::{}", assigned.column.type_name);
            self.edits.replace(assigned.cell.0, assigned.cell.1, vec![text.into()]);
        }
        self.leave_own(&walked.extents, &walked.update.assignments, (apart, moved), start)
    }

    /// Whether each value is the same in each place where it would stand.
    fn is_settled(
        &self,
        moved: &[Assigned<'a, '_>],
        lens: &'a Lens,
        columns: &[&'a LogicalColumn],
    ) -> bool {
        let is_copied = is_copied(lens);
        let is_drawn = |assigned: &Assigned<'_, '_>| match self.is_default(assigned.cell) {
            true => is_volatile_default(assigned.column),
            false => !self.may_repeat(assigned.value),
        };
        // EXCLUDED has the default of what the client leaves out, and is spelled out where it is read.
        let is_given = |column: &LogicalColumn| columns.iter().any(|it| it.name == column.name);
        let mut left_out = lens.shown().filter(|it| it.is_apart() && !is_given(it));
        let is_read = is_copied || moved.iter().any(|it| it.reads == Reads::Something);
        let is_unsettled = (is_read && left_out.any(is_volatile_default))
            || (is_copied && moved.iter().any(is_drawn));
        !is_unsettled
    }

    /// Lets the level see the row that is there and the client's, each name as the table has it that is
    /// written.
    fn see_both(&mut self, at: usize, lens: &'a Lens) -> Walk<Sight> {
        let reference = self.row_of(Some(at));
        let target = self.occurrences.len();
        self.occurrences.push(Occurrence { is_held: true, ..Occurrence::new(lens, reference) });
        let source = self.excluded(Some(lens));
        let Some(excluded) = source.occurrence else {
            return self.refuse(Construct::Unreadable);
        };
        for found in self.occurrences.iter_mut().skip(target) {
            found.is_in_place = true;
        }
        if let Some(level) = self.levels.last_mut() {
            level.sources.push(source);
            if let Some(own) = level.sources.first_mut() {
                own.occurrence = Some(target);
            }
        }
        Ok(Sight { target, excluded })
    }

    fn see_one(&mut self, at: usize) {
        let Some(level) = self.levels.last_mut() else { return };
        level.sources.pop();
        if let Some(own) = level.sources.first_mut() {
            own.occurrence = Some(at);
        }
    }

    fn assigned_beside<'q>(
        &self,
        (assignment, ident): (&'q Assignment, &Ident),
        extent: Range,
        column: &'a LogicalColumn,
        (reads, sight): (Range, Sight),
    ) -> Walk<Assigned<'a, 'q>> {
        let part = self.part_behind(ident);
        if part.0 < part.1 {
            return self.refuse_at(Construct::ColumnPart, extent.0);
        }
        let Some(start) = self.value_start(end_byte(ident.span)) else {
            return self.refuse(Construct::Unreadable);
        };
        let has_read = |row| self.read_within(reads).any(|it| it.occurrence == row);
        let reads_target = has_read(sight.target);
        let reads = match has_read(sight.excluded) {
            false => Reads::Nothing,
            true if is_of_excluded(&assignment.value, column) => Reads::Same,
            true => Reads::Something,
        };
        let cell = (start, extent.1);
        Ok(Assigned { column, value: &assignment.value, cell, reads, reads_target })
    }

    /// The references of these numbers.
    pub(super) fn read_within(&self, (from, to): Range) -> impl Iterator<Item = &Reference> {
        self.references.get(from..to).unwrap_or_default().iter()
    }

    /// Whether a table would have to know something of another one.
    fn reads_another(&self, beside: Option<usize>, reads: Range, sight: Sight) -> bool {
        let mut read = self.read_within(reads).filter(|it| sight.sees(it.occurrence));
        let lens = self.occurrences.get(sight.target).map(|found| found.lens);
        let column = |name: &str| lens.and_then(|lens| lens.column(name));
        read.any(|it| column(&it.column).is_some_and(|column| column.own().beside != beside))
    }

    /// Whether whole rows are used: no table has all of one.
    fn has_whole_row(&self, (rows, stars): (usize, usize), sight: Sight) -> bool {
        let is_whole =
            |element: &Element| matches!(element, Element::Governed(at) if sight.sees(*at));
        let needs = |at: usize| self.occurrences.get(at).is_some_and(|it| it.needs.is_some());
        self.rows.iter().skip(rows).any(|row| sight.sees(row.occurrence))
            || self.stars.iter().skip(stars).any(|star| star.elements.iter().any(is_whole))
            || needs(sight.target)
            || needs(sight.excluded)
    }

    /// Leaves in the SET list what stays, and adds what the table itself gets of what has moved.
    fn leave_own(
        &mut self,
        extents: &[Range],
        assignments: &[Assignment],
        (apart, moved): (&Apart<'a>, &[Assigned<'a, '_>]),
        start: usize,
    ) -> Walk<()> {
        let (Some(first), Some(last)) = (extents.first(), extents.last()) else {
            return self.refuse(Construct::Unreadable);
        };
        let is_moved =
            |extent: &Range| moved.iter().any(|it| extent.0 <= it.cell.0 && it.cell.1 <= extent.1);
        let mut added: Vec<Piece> = Vec::new();
        for (assigned, column) in moved.iter().filter_map(|it| Some((it, it.copied_to()?))) {
            let comma = if added.is_empty() { "" } else { ", " };
            added.push(format!("{comma}{} = ", quoted(column)).into());
            added.extend(apart.copied(moved, assigned, column));
        }
        if moved.len() == assignments.len() {
            if added.is_empty() {
                let Some(column) = self.lock_column(apart.lens) else {
                    return self.refuse_at(Construct::MovedUpsert, start);
                };
                added.push(format!("{0} = {1}.{0}", quoted(column), apart.reference).into());
            }
            self.edits.leave_out(first.0, last.1);
            self.edits.insert(first.0, added);
            return Ok(());
        }
        let mut is_behind_own = false;
        for (at, extent) in extents.iter().enumerate() {
            if !is_moved(extent) {
                is_behind_own = true;
                continue;
            }
            let before = at.checked_sub(1).and_then(|before| extents.get(before));
            match (before.filter(|_| is_behind_own), extents.get(at + 1)) {
                (Some(before), _) => self.edits.leave_out(before.1, extent.1),
                (None, Some(next)) => self.edits.leave_out(extent.0, next.0),
                (None, None) => {}
            }
        }
        if !added.is_empty() {
            added.insert(0, ", ".into());
            self.edits.insert(last.1, added);
        }
        Ok(())
    }

    /// A column of the old table that is assigned to itself: one that is in no key, so that nobody who refers
    /// to the row has to wait.
    pub(super) fn lock_column(&self, lens: &'a Lens) -> Option<&'a str> {
        let table = self.generation.catalog().relation(&lens.relation);
        let keys = || table.into_iter().flat_map(|it| it.keys.iter().chain(&it.building));
        let is_key = |column: &str| keys().any(|key| key.columns.iter().any(|it| it == column));
        let own = || {
            let own = lens.shown().filter(|it| !it.generated && !it.identity);
            let own = own.filter_map(|it| it.put.first());
            own.filter(|put| put.beside.is_none()).map(|put| put.column.as_str())
        };
        own().find(|column| !is_key(column)).or_else(|| own().next())
    }

    /// The columns by which the old table's row is found, if they are not the key. What is found must be what
    /// the client's row has: never NULL, and not assigned.
    fn found_by(
        &self,
        conflict: &OnConflict,
        lens: &'a Lens,
        (columns, changed): (&[&LogicalColumn], &[&String]),
    ) -> Option<Vec<(String, usize)>> {
        let arbiter = self.arbiter(conflict, lens)?;
        let key = lens.beside.first().map(|beside| &beside.key);
        let is_key = |name: &String| key.into_iter().flatten().any(|(own, _)| own == name);
        if arbiter.iter().all(is_key) && key.is_some_and(|key| key.len() == arbiter.len()) {
            return Some(Vec::new());
        }
        let table = self.generation.catalog().relation(&lens.relation);
        let place = |name: &String| {
            let is_set = table?.column(name)?.not_null && !changed.contains(&name);
            let place = columns.iter().position(|column| column.put.iter().any(|it| it.is(name)));
            place.filter(|_| is_set)
        };
        let found = arbiter.iter().map(|name| Some((name.clone(), place(name)?)));
        found.collect()
    }

    /// The columns of the old table that a conflict is about.
    pub(super) fn arbiter(&self, conflict: &OnConflict, lens: &Lens) -> Option<Vec<String>> {
        let arbiter: Option<Vec<String>> = match &conflict.conflict_target {
            Some(ConflictTarget::Columns(idents)) => {
                let own = |ident| Some(lens.column(&name::folded(ident))?.own());
                let plain = idents.iter().map(|ident| {
                    let own = own(ident)?;
                    (own.beside.is_none() && own.through.is_none()).then(|| own.column.clone())
                });
                plain.collect()
            }
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let parts = name::parts(constraint).unwrap_or_default();
                let wanted = parts.last().map(|ident| name::folded(ident));
                let table = self.generation.catalog().relation(&lens.relation);
                let mut keys = table.into_iter().flat_map(|table| &table.keys);
                keys.find(|key| Some(&key.name) == wanted.as_ref()).map(|key| key.columns.clone())
            }
            None => None,
        };
        arbiter.filter(|arbiter| !arbiter.is_empty())
    }
}

/// Whether the table itself gets what has moved too.
pub(super) fn is_copied(lens: &Lens) -> bool {
    lens.columns.iter().any(|it| it.is_apart() && it.put.iter().any(|put| put.beside.is_none()))
}

/// Whether a value is `excluded.column`.
pub(super) fn is_of_excluded(value: &Expr, column: &LogicalColumn) -> bool {
    match value {
        Expr::Nested(inner) => is_of_excluded(inner, column),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [row, name] => name::folded(row) == "excluded" && name::folded(name) == column.name,
            _ => false,
        },
        _ => false,
    }
}

/// The default of a column as an expression.
pub(super) fn default_text_of(column: &LogicalColumn) -> &str {
    column.default.as_ref().map_or("NULL", |default| &default.expression)
}

impl Apart<'_> {
    /// What the old table gives back besides the row's key.
    pub(super) fn told(&self, upsert: &Upsert<'_, '_>) -> Vec<String> {
        let target = &self.target;
        let columns = upsert.found_by.iter().enumerate();
        let columns =
            columns.map(|(at, (own, _))| format!("{target}.{} AS {}", quoted(own), found(at)));
        std::iter::once(format!("{target}.xmax = 0 AS {IS_MADE}")).chain(columns).collect()
    }
}

/// Name of the n-th column by which the old table's row was found.
pub(super) fn found(at: usize) -> String {
    format!("segue_found_{at}")
}
