//! The half of an INSERT … ON CONFLICT DO UPDATE that goes to another table.
//!
//! `INSERT INTO profiles AS users (user_id, bio) SELECT … FROM (…) AS excluded LEFT JOIN segue_held_0 … CROSS JOIN
//! (SELECT NULL::text AS bio) AS users ON CONFLICT (user_id) DO UPDATE SET bio = …`: the relations are called so
//! that each value of the client's means the same in the query and behind SET.

use super::Rewriter;
use super::apart::Apart;
use super::apart_upsert::{Assigned, IS_MADE, Reads, Upsert, default_text_of, found};
use super::apart_values::beside_others;
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;

/// One table's part of the rows.
pub(super) struct Half<'s, 'a, 'q> {
    pub(super) apart: &'s Apart<'a>,
    pub(super) upsert: &'s Upsert<'a, 'q>,
    /// The columns of the client's rows.
    pub(super) columns: &'s [&'a LogicalColumn],
    /// The table's place among those beside.
    pub(super) place: usize,
}

impl<'a> Half<'_, 'a, '_> {
    /// The CTE that locks the halves that are there.
    fn held(&self) -> String {
        format!("segue_held_{}_{}", self.apart.number, self.place)
    }

    /// The columns that this table holds, with their names there.
    fn own(&self) -> impl Iterator<Item = (&'a LogicalColumn, &'a str)> {
        let (lens, place): (&'a Lens, usize) = (self.apart.lens, self.place);
        lens.shown().filter_map(move |column| {
            let put = column.put.iter().find(|put| put.beside == Some(place))?;
            Some((column, put.column.as_str()))
        })
    }

    fn assigned(&self, column: &LogicalColumn) -> Option<&Assigned<'a, '_>> {
        self.upsert.moved.iter().find(|it| it.column.name == column.name)
    }

    fn is_given(&self, column: &LogicalColumn) -> bool {
        self.columns.iter().any(|it| it.name == column.name)
    }

    /// The client's row: what it gives, as its column stores it, or the default.
    pub(super) fn value(&self, column: &LogicalColumn) -> String {
        match self.columns.iter().position(|it| it.name == column.name) {
            Some(at) => column.stores(&format!("{}.{}", self.apart.row(), Apart::value(at))),
            None => format!("({})::{}", default_text_of(column), column.type_name),
        }
    }

    pub(super) fn keys(&self) -> Vec<String> {
        (0..self.apart.key_columns().len()).map(Apart::key).collect()
    }

    /// The client's rows under the name by which a SET list knows them.
    pub(super) fn given(&self) -> String {
        let rows = self.apart.row();
        let named = |(column, name)| format!("{} AS {}", self.value(column), quoted(name));
        let items = self.keys().into_iter().chain(self.own().map(named));
        format!("(SELECT {} FROM {rows}) AS excluded", items.collect::<Vec<String>>().join(", "))
    }

    /// The client's rows that the old table has stored, under the name by which a SET list knows them.
    fn excluded(&self) -> String {
        let (own, rows) = (self.apart.stored(None), self.apart.row());
        let mut items: Vec<String> = self.keys().iter().map(|it| format!("{own}.{it}")).collect();
        items.push(format!("{own}.{IS_MADE}"));
        let named = |(column, name)| format!("{} AS {}", self.value(column), quoted(name));
        items.extend(self.own().map(named));
        let on: Vec<String> = match self.upsert.found_by.as_slice() {
            [] => self.keys().iter().map(|key| format!("{rows}.{key} = {own}.{key}")).collect(),
            columns => {
                let equal = |(at, (name, place)): (usize, &(String, usize))| {
                    let column = self.columns.get(*place);
                    let put = column.and_then(|it| it.put.iter().find(|put| put.is(name)));
                    let value = format!("{rows}.{}", Apart::value(*place));
                    let value = put.map_or_else(|| value.clone(), |put| put.written(&value));
                    let cast = column.map(|it| format!("::{}", it.type_name)).unwrap_or_default();
                    format!("({value}){cast} = {own}.{}", found(at))
                };
                columns.iter().enumerate().map(equal).collect()
            }
        };
        let found_by = self.upsert.found_by.len();
        let by = match found_by {
            0 => self.keys(),
            count => (0..count).map(found).collect(),
        };
        let (items, on, own) = (items.join(", "), on.join(" AND "), once(&own, &by));
        format!("(SELECT {items} FROM {own} JOIN {rows} ON {on}) AS excluded")
    }

    /// A half of NULLs, under the name by which a SET list knows the row that is there.
    fn nothing(&self) -> String {
        let null = |(column, name): (&LogicalColumn, &str)| {
            format!("NULL::{} AS {}", column.type_name, quoted(name))
        };
        let items: Vec<String> = self.own().map(null).collect();
        format!("(SELECT {}) AS {}", items.join(", "), self.apart.reference)
    }

    /// `a = b AND …` of the key as two relations call it.
    fn same(&self, left: &str, right: &str) -> String {
        let equal = |key: &String| format!("{left}.{key} = {right}.{key}");
        self.keys().iter().map(equal).collect::<Vec<String>>().join(" AND ")
    }

    /// `, segue_held_0_0 AS (…)`: the halves that are there, locked.
    fn held_cte(&self) -> String {
        let (apart, held, own) = (self.apart, self.held(), self.apart.stored(None));
        let theirs = apart.key_names(Some(self.place));
        let on = theirs.iter().zip(self.keys());
        let on: Vec<String> =
            on.map(|(its, key)| format!("segue_target.{its} = {own}.{key}")).collect();
        let items: Vec<String> = self.keys().iter().map(|key| format!("{own}.{key}")).collect();
        format!(
            ", {held} AS MATERIALIZED (SELECT {} FROM {own} JOIN {} AS segue_target ON {} FOR NO KEY UPDATE OF \
             segue_target)",
            items.join(", "),
            apart.table(Some(self.place)),
            on.join(" AND ")
        )
    }
}

/// A CTE of which no two rows have the same in these columns. PostgreSQL knows nothing of what a CTE holds: of many rows
/// it would expect so many pairs that compiling the statement (`jit`) took longer than all the rest.
pub(super) fn once(rows: &str, columns: &[String]) -> String {
    format!("(SELECT DISTINCT ON ({}) * FROM {rows}) AS {rows}", columns.join(", "))
}

impl Rewriter<'_> {
    /// The CTE that comes before, and the statement.
    pub(super) fn upsert_beside(&self, half: &Half<'_, '_, '_>) -> (String, Vec<Piece>) {
        let (apart, held) = (half.apart, half.held());
        let mut into = apart.key_names(Some(half.place));
        let keys: Vec<String> = half.keys().iter().map(|it| format!("excluded.{it}")).collect();
        let mut from: Vec<Piece> = vec![format!(" SELECT {}", keys.join(", ")).into()];
        for (column, name) in half.own() {
            if let Some(value) = self.first_value(half, column, name) {
                into.push(quoted(name));
                from.push(", ".into());
                from.extend(value);
            }
        }
        let insert = format!(
            "INSERT INTO {} AS {} ({})",
            apart.table(Some(half.place)),
            apart.reference,
            into.join(", ")
        );
        let mut pieces: Vec<Piece> = vec![insert.into()];
        pieces.extend(from);
        pieces.push(
            format!(
                " FROM {} LEFT JOIN {} ON {} CROSS JOIN {} ON CONFLICT ({}) DO UPDATE SET ",
                half.excluded(),
                once(&held, &half.keys()),
                half.same(&held, "excluded"),
                half.nothing(),
                apart.key_names(Some(half.place)).join(", ")
            )
            .into(),
        );
        pieces.extend(set_list(half));
        if apart.returns {
            let key = apart.key_stored(Some(half.place));
            pieces.push(apart.returning(Some(half.place), key).into());
        }
        (half.held_cte(), pieces)
    }

    /// What a row gets that comes to be stored there; nothing where its default will do.
    fn first_value(
        &self,
        half: &Half<'_, '_, '_>,
        column: &LogicalColumn,
        name: &str,
    ) -> Option<Vec<Piece>> {
        let assigned = half.assigned(column);
        let its = self.column_beside(half.apart.lens, column)?;
        let has_default = its.default.is_some();
        let will_do = match has_default {
            true => its.not_null,
            false => column.default.is_none(),
        };
        if !half.is_given(column) && assigned.is_none() && will_do {
            return None;
        }
        let client = format!("excluded.{}", quoted(name));
        let other: Vec<Piece> = match assigned {
            Some(it) if it.reads == Reads::Same => return Some(vec![client.into()]),
            Some(it) if self.is_default(it.cell) => vec![Piece::Copy(it.cell.0, it.cell.1)],
            // Computed of NULLs where another session has just made the half. PostgreSQL judges what is offered
            // before it finds that one.
            Some(it) if its.not_null => {
                let mut pieces: Vec<Piece> = vec!["coalesce(".into()];
                pieces.extend(self.cell_pieces(it.value, it.cell, column));
                pieces.push(format!(", {client})").into());
                pieces
            }
            Some(it) => self.cell_pieces(it.value, it.cell, column),
            None if its.not_null && has_default => {
                vec![format!("({})::{}", default_text_of(column), column.type_name).into()]
            }
            None => vec![format!("NULL::{}", column.type_name).into()],
        };
        let is_there = match half.keys().first() {
            Some(key) => format!("excluded.{IS_MADE} OR {}.{key} IS NOT NULL", half.held()),
            None => format!("excluded.{IS_MADE}"),
        };
        let mut pieces: Vec<Piece> =
            vec![format!("CASE WHEN {is_there} THEN {client} ELSE ").into()];
        pieces.extend(other);
        pieces.push(" END".into());
        Some(pieces)
    }
}

/// What the other table's SET list says.
fn set_list(half: &Half<'_, '_, '_>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (column, name) in half.own() {
        let Some(assigned) = half.assigned(column) else { continue };
        let comma = if pieces.is_empty() { "" } else { ", " };
        pieces.push(format!("{comma}{} = ", quoted(name)).into());
        pieces.extend(new_value(half, assigned));
    }
    // Every row is counted, and comes back.
    if let (true, Some((_, name))) = (pieces.is_empty(), half.own().next()) {
        pieces.push(format!("{0} = {1}.{0}", quoted(name), half.apart.reference).into());
    }
    pieces
}

/// A value behind SET. EXCLUDED is the client's row where the half was there already.
fn new_value(half: &Half<'_, '_, '_>, assigned: &Assigned<'_, '_>) -> Vec<Piece> {
    let value = beside_others(assigned.value, assigned.cell, assigned.column);
    if assigned.reads != Reads::Something {
        return value;
    }
    let row = |name: &String| format!("{}.{name}", half.apart.reference);
    let theirs: Vec<String> = half.apart.key_names(Some(half.place)).iter().map(row).collect();
    let equal = theirs.iter().zip(half.keys());
    let equal: Vec<String> = equal.map(|(its, key)| format!("excluded.{key} = {its}")).collect();
    let begins = format!(
        "CASE WHEN ({}) IN (SELECT {} FROM {}) THEN ",
        theirs.join(", "),
        half.keys().join(", "),
        half.held()
    );
    let ends = format!(" FROM {} WHERE {}) END", half.excluded(), equal.join(" AND "));
    [vec![begins.into()], value.clone(), vec![" ELSE (SELECT ".into()], value, vec![ends.into()]]
        .concat()
}
