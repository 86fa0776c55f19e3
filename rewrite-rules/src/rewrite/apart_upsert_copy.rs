//! What an INSERT … ON CONFLICT DO UPDATE stores in the old table of what has moved, while that is written too.
//!
//! The old table's row may hold another value than the one that is read, of the time before a step back. So a
//! value that is computed of what is there is computed first, of the other table's row, with both rows locked:
//! `segue_next_0 AS MATERIALIZED (SELECT … FROM users AS segue_target JOIN profiles AS users … FOR NO KEY UPDATE)`.
//! The old table stands first, and is locked first. A row that cannot be seen yet was made while the statement
//! ran, and one without a half has nothing else: their values are computed of the old table's, so that rows which
//! are the same stay so.

use super::Rewriter;
use super::apart::Apart;
use super::apart_upsert::{Assigned, Reads};
use super::apart_upsert_beside::{Half, once};
use super::apart_values::beside_others;
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;

impl<'a> Assigned<'a, '_> {
    /// The column of the old table that gets the value too.
    pub(super) fn copied_to(&self) -> Option<&'a str> {
        copied_to(self.column)
    }
}

fn copied_to(column: &LogicalColumn) -> Option<&str> {
    column.put.iter().find(|put| put.beside.is_none()).map(|put| put.column.as_str())
}

/// What is computed first: of the row that is there, and then all that reads the client's, whose place for that
/// value is taken.
fn computed<'u, 'a, 'q>(moved: &'u [Assigned<'a, 'q>]) -> Vec<&'u Assigned<'a, 'q>> {
    let copied = || moved.iter().filter(|it| it.copied_to().is_some());
    match copied().any(|it| it.reads_target) {
        true => copied().filter(|it| it.reads_target || it.reads == Reads::Something).collect(),
        false => Vec::new(),
    }
}

/// Name of the n-th value.
fn set(at: usize) -> String {
    format!("segue_set_{at}")
}

impl<'a> Apart<'a> {
    /// The CTE of the values that are computed first.
    fn next(&self) -> String {
        format!("segue_next_{}", self.number)
    }

    /// A value behind SET of the old table, one of `moved`.
    pub(super) fn copied(
        &self,
        moved: &[Assigned<'a, '_>],
        assigned: &Assigned<'a, '_>,
        column: &str,
    ) -> Vec<Piece> {
        let given = format!("excluded.{}", quoted(column));
        let value = beside_others(assigned.value, assigned.cell, assigned.column);
        let natural = match (assigned.reads, assigned.reads_target) {
            (Reads::Same, false) => return vec![given.into()],
            (Reads::Nothing, false) => return value,
            _ if self.moved_alike() => value,
            _ => {
                let from = format!(
                    " FROM {} CROSS JOIN {})",
                    self.named_there(&self.reference),
                    self.named_there("excluded")
                );
                [vec!["(SELECT ".into()], value, vec![from.into()]].concat()
            }
        };
        if computed(moved).iter().all(|it| it.column.name != assigned.column.name) {
            return natural;
        }
        let key = |own: &&str| format!("{}.{}", self.reference, quoted(own));
        let own: Vec<String> = self.key_columns().iter().map(key).collect();
        let keys: Vec<String> = (0..own.len()).map(Self::key).collect();
        let next = self.next();
        let mut pieces: Vec<Piece> = vec![
            format!(
                "CASE WHEN ({}) IN (SELECT {} FROM {next}) THEN {given} ELSE ",
                own.join(", "),
                keys.join(", ")
            )
            .into(),
        ];
        pieces.extend(natural);
        pieces.push(" END".into());
        pieces
    }

    /// Each moved column of the table itself, with the name that it has in the other one.
    fn names(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lens: &'a Lens = self.lens;
        lens.shown().filter(|column| column.is_apart()).filter_map(|column| {
            let its = column.put.iter().find(|put| put.beside.is_some())?;
            Some((copied_to(column)?, its.column.as_str()))
        })
    }

    fn moved_alike(&self) -> bool {
        self.names().all(|(own, its)| own == its)
    }

    /// A row of the table itself under the other one's names.
    fn named_there(&self, row: &str) -> String {
        let item = |(own, its): (&str, &str)| format!("{row}.{} AS {}", quoted(own), quoted(its));
        let items: Vec<String> = self.names().map(item).collect();
        format!("(SELECT {}) AS {row}", items.join(", "))
    }
}

impl Half<'_, '_, '_> {
    /// What the old table's columns get in a row of the client's, where they get a computed value, and where
    /// that comes from.
    pub(super) fn next_values(&self) -> (Vec<(String, String)>, String) {
        let (next, computed) = (self.apart.next(), computed(&self.upsert.moved));
        let Some(key) = self.keys().into_iter().next().filter(|_| !computed.is_empty()) else {
            return (Vec::new(), String::new());
        };
        let value = |(at, assigned): (usize, &&Assigned<'_, '_>)| {
            let given = self.value(assigned.column);
            let value =
                format!("CASE WHEN {next}.{key} IS NULL THEN {given} ELSE {next}.{} END", set(at));
            assigned.copied_to().map(|column| (column.to_owned(), value))
        };
        let values = computed.iter().enumerate().filter_map(value).collect();
        let from = once(&next, &self.keys());
        (values, format!(" LEFT JOIN {from} USING ({})", self.keys().join(", ")))
    }
}

impl Rewriter<'_> {
    /// `, segue_next_0 (…) AS MATERIALIZED (…)`, if there is something to compute.
    pub(super) fn computed_first(&self, half: &Half<'_, '_, '_>) -> Vec<Piece> {
        let (apart, computed) = (half.apart, computed(&half.upsert.moved));
        if computed.is_empty() {
            return Vec::new();
        }
        let names = (0..computed.len()).map(set);
        let names: Vec<String> = half.keys().into_iter().chain(names).collect();
        let own = apart.key_columns();
        let own: Vec<String> =
            own.iter().map(|column| format!("segue_target.{}", quoted(column))).collect();
        let mut pieces: Vec<Piece> = vec![
            format!(
                ", {} ({}) AS MATERIALIZED (SELECT segue_next.* FROM {} CROSS JOIN LATERAL (SELECT {}",
                apart.next(),
                names.join(", "),
                half.given(),
                own.join(", ")
            )
            .into(),
        ];
        for assigned in computed {
            pieces.push(", ".into());
            pieces.extend(self.cell_pieces(assigned.value, assigned.cell, assigned.column));
        }
        let its = apart.key_names(Some(half.place));
        let both = its.iter().zip(&own);
        let both: Vec<String> =
            both.map(|(its, own)| format!("{}.{its} = {own}", apart.reference)).collect();
        let wanted = own.iter().zip(half.keys());
        let wanted: Vec<String> =
            wanted.map(|(own, key)| format!("{own} = excluded.{key}")).collect();
        pieces.push(
            format!(
                " FROM {} AS segue_target JOIN {} AS {} ON {} WHERE {} FOR NO KEY UPDATE) AS segue_next)",
                apart.table(None),
                apart.table(Some(half.place)),
                apart.reference,
                both.join(" AND "),
                wanted.join(" AND ")
            )
            .into(),
        );
        pieces
    }
}
