//! New keys for rows whose other halves are written by the same statement.
//!
//! `UPDATE users SET id = 7, bio = 'x' WHERE id = 3` becomes `WITH segue_row_0 (…) AS MATERIALIZED (SELECT … FOR UPDATE
//! OF users), segue_next_0 AS MATERIALIZED (…), segue_own_0 AS (UPDATE users … RETURNING segue_next_0.segue_key_0) INSERT
//! INTO profiles (user_id, bio) SELECT … ON CONFLICT (user_id) DO UPDATE SET …`: the half is written, or made, under the
//! row's old key. When the statement ends the foreign key gives it the new one, as it does where the key alone is
//! changed.
//!
//! Sound: each row of the old table is written before its half, so the foreign key acts before it looks whether the
//! half's key is there, and then has nothing to look for. It goes through the rows in the order in which they got their
//! keys, so a key that one of them gives up and another one gets is free by then. A row to which another session gave a
//! key since the statement began would not be found under that: then the statement is sent again.

use sqlparser::ast::{Assignment, AssignmentTarget};

use super::Rewriter;
use super::apart::{Apart, Part};
use super::carried::{upsert, writes};
use crate::lens::{Beside, Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::outcome::{AGAIN, Mirror, Raised};

/// The row of the table itself, as it is found by its key.
const FOUND: &str = "segue_found";

/// The rows of which it is known that they are found by their keys.
pub(super) fn next(number: usize) -> String {
    format!("segue_next_{number}")
}

/// What the table itself has stored of the n-th column that is stored in another one too.
fn stored(at: usize) -> String {
    format!("segue_stored_{at}")
}

impl<'a> Rewriter<'a> {
    /// Whether a SET list gives rows new keys, and their halves other values.
    pub(super) fn moves_half(&self, lens: &Lens, assignments: &[Assignment]) -> bool {
        if lens.is_merged() || !self.writes_key(lens, assignments) {
            return false;
        }
        let copies = lens.beside.iter().flat_map(|beside| &beside.copies);
        writes(lens, assignments, copies.map(|(own, _)| own)) || writes_apart(lens, assignments)
    }

    /// Has the statement sent again where it does not find a row any more.
    pub(super) fn note_moved_half(&mut self, apart: &Apart<'_>) {
        let catalog = self.generation.catalog();
        let keys = apart.lens.beside.iter().flat_map(|beside| {
            let is_its = |column: &String| beside.key.iter().any(|(_, its)| its == column);
            let keys = catalog.relation(&beside.relation).into_iter().flat_map(|it| &it.keys);
            let keys = keys.filter(move |key| key.columns.iter().all(is_its));
            keys.map(|key| Mirror { relation: beside.relation.clone(), name: key.name.clone() })
        });
        let keys: Vec<Mirror> = keys.collect();
        let reply = self.replies.entry(self.statement).or_default();
        reply.raised.push(Raised::again());
        reply.mirrors.extend(keys);
    }
}

/// Whether a SET list writes what only another table holds.
fn writes_apart(lens: &Lens, assignments: &[Assignment]) -> bool {
    let columns = assignments.iter().flat_map(|assignment| match &assignment.target {
        AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
        AssignmentTarget::Tuple(columns) => columns.as_slice(),
    });
    let mut columns = columns.filter_map(|column| {
        let parts = name::parts(column).unwrap_or_default();
        lens.column(&name::folded(parts.first()?))
    });
    columns.any(LogicalColumn::is_apart)
}

impl<'a> Apart<'a> {
    /// `, segue_next_0 AS MATERIALIZED (…)`: the rows, if each of them is found by its key.
    pub(super) fn found_by_key(&self, rows: &str) -> String {
        let own: Vec<String> = self.key_names(None);
        let same = own.iter().zip(self.key_in(rows));
        let same: Vec<String> = same.map(|(own, key)| format!("segue_own.{own} = {key}")).collect();
        let key = self.key_in(rows).into_iter().next().unwrap_or_default();
        format!(
            ", {} AS MATERIALIZED (SELECT {rows}.* FROM {rows} LEFT JOIN LATERAL (SELECT 1 AS {FOUND} FROM {} AS \
             segue_own WHERE {} FOR UPDATE) AS {FOUND} ON true WHERE CASE WHEN {FOUND}.{FOUND} IS NULL THEN \
             CAST(pg_catalog.concat('{AGAIN} ', {key}) AS boolean) ELSE true END)",
            next(self.number),
            self.table(None),
            same.join(" AND ")
        )
    }

    /// The tables beside that get what `part` stores in the table itself too.
    fn copies_of(&self, part: &Part<'_>) -> Vec<(usize, &'a Beside)> {
        let lens: &'a Lens = self.lens;
        let is_set = |own: &String| part.values.iter().any(|(its, _)| its == own);
        let is_copied = |beside: &Beside| {
            beside.copies.iter().any(|(own, _)| is_set(own)) && lens.over.is_none()
        };
        lens.beside.iter().enumerate().filter(|(_, beside)| is_copied(beside)).collect()
    }

    /// The columns of the table itself that go from there to others, since `part` stores some of them.
    fn copied_columns(&self, part: &Part<'_>) -> Vec<&'a String> {
        let mut columns: Vec<&String> = Vec::new();
        for (_, beside) in self.copies_of(part) {
            for (own, _) in &beside.copies {
                if !columns.contains(&own) {
                    columns.push(own);
                }
            }
        }
        columns
    }

    /// A row of the table itself, as far as it goes on from there.
    pub(super) fn carried(&self) -> Part<'a> {
        let copies = self.lens.beside.iter().flat_map(|beside| &beside.copies);
        let values = copies.map(|(own, _)| (own.as_str(), String::new()));
        Part { beside: None, values: values.collect(), within: Vec::new(), when: None }
    }

    /// What the table itself gives back of what goes on from there.
    pub(super) fn told_of_copies(&self, part: &Part<'_>) -> Vec<String> {
        let columns = self.copied_columns(part).into_iter().enumerate();
        let item = |(at, own): (usize, &String)| {
            format!("{}.{} AS {}", self.target, quoted(own), stored(at))
        };
        columns.map(item).collect()
    }

    /// The statements that carry it on, under the rows' old keys.
    pub(super) fn copies(&self, part: &Part<'_>) -> Vec<(Option<usize>, String)> {
        self.copies_from(part, &self.stored(None))
    }

    /// The same, of what the relation `written` gives back.
    pub(super) fn copies_from(
        &self,
        part: &Part<'_>,
        written: &str,
    ) -> Vec<(Option<usize>, String)> {
        let (columns, keys) = (self.copied_columns(part), self.key_columns());
        let of = |own: &String| match keys.iter().position(|key| key == own) {
            Some(at) => Self::key(at),
            None => columns.iter().position(|it| *it == own).map(stored).unwrap_or_default(),
        };
        let copy = |(place, beside)| (Some(place), upsert(beside, written, &of));
        self.copies_of(part).into_iter().map(copy).collect()
    }

    /// Only of rows that the table itself has stored.
    pub(super) fn is_stored(&self, rows: &str) -> String {
        self.is_among(rows, &self.stored(None))
    }

    /// Only of rows that are among `others` too.
    pub(super) fn is_among(&self, rows: &str, others: &str) -> String {
        let keys: Vec<String> = (0..self.key_columns().len()).map(Self::key).collect();
        format!("({}) IN (SELECT {} FROM {others})", self.key_in(rows).join(", "), keys.join(", "))
    }
}
