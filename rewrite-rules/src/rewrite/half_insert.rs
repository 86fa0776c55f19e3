//! INSERT into the table that columns move to, while the old table is written as well.
//!
//! `INSERT INTO profiles (user_id, bio) VALUES ($1, $2)` becomes `WITH segue_written_0 AS (INSERT INTO profiles
//! (user_id, bio) SELECT … FROM (VALUES …) LEFT JOIN LATERAL (… FROM users … FOR NO KEY UPDATE) … RETURNING …)
//! UPDATE users SET bio = …`: it is stored there as PostgreSQL would, and carried back.
//!
//! Sound: each row of the old table is locked before its half is stored, so that no two writers carry in
//! another order than they stored. A half that only has not been copied yet is there all the same: the old
//! table's row tells, as it is under the lock. A second copy of the client's row then makes PostgreSQL find the
//! key taken.

use sqlparser::ast::{Assignment, Ident, Insert, OnConflict, OnConflictAction, OnInsert, SetExpr};
use sqlparser::tokenizer::Token;

use super::apart::Apart;
use super::apart_values::beside_others;
use super::insert::Target;
use super::joined::relation;
use super::upsert_refused::is_taken;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Beside, Lens, LogicalColumn, Over, Rows};
use crate::name::{self, quoted};
use crate::refusal::Construct;
use crate::scope::{Columns, Level};
use crate::statement::start_byte;

/// The client's rows, each with its row of the old table.
const GIVEN: &str = "segue_given";
const HELD: &str = "segue_held";
/// Whether that one says that there is a half.
const IS_THERE: &str = "segue_is_there";

impl<'a> Rewriter<'a> {
    pub(super) fn insert_half(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        (lens, over): (&'a Lens, &'a Over),
        outermost: bool,
    ) -> Walk<Columns> {
        let itself: &'a Lens = &over.itself;
        let mut level = Level::default();
        level.sources.push(self.target_source(insert, parts, itself));
        let target = self.insert_columns(insert, parts, itself)?;
        self.levels.push(level);
        let columns = self
            .half_rows(insert, &target, (lens, over))
            .and_then(|()| self.behind_rows(insert, Some(itself), outermost));
        self.levels.pop();
        columns
    }

    /// Puts the locks of the old table's rows around the client's rows.
    fn half_rows(
        &mut self,
        insert: &Insert,
        target: &Target<'a>,
        (lens, over): (&'a Lens, &'a Over),
    ) -> Walk<()> {
        let start = start_byte(insert.insert_token.0.span);
        let Some(query) = insert.source.as_deref() else { return Ok(()) };
        let Some(back) = over.itself.beside.first() else { return Ok(()) };
        if self.lexeme(target.behind_list).is_some_and(|word| word.is_word("overriding")) {
            return self.refuse_at(Construct::InsertSource, start);
        }
        let columns = self.rows_apart(query, target, &[])?;
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let keys: Option<Vec<(usize, &String)>> =
            back.key.iter().map(|(its, own)| Some((place(its)?, own))).collect();
        let Some(keys) = keys else {
            let has_default = |(its, _): &(String, String)| {
                let column = over.itself.column(its);
                column.is_some_and(|column| column.default.is_some() || column.identity)
            };
            // Without a default there will be no row.
            return match back.key.iter().all(has_default) {
                true => self.refuse_at(Construct::InsertSource, start),
                false => Ok(()),
            };
        };
        let Some((from, to)) = self.source_extent(target.rows) else {
            return self.refuse_at(Construct::InsertSource, start);
        };
        let values: Vec<String> = (0..columns.len()).map(Apart::value).collect();
        let conflict = match &insert.on {
            Some(OnInsert::OnConflict(conflict)) => Some(conflict),
            Some(_) | None => None,
        };
        let update = conflict.and_then(|conflict| match &conflict.action {
            OnConflictAction::DoUpdate(update) => Some(update),
            OnConflictAction::DoNothing => None,
        });
        let is_checked = over.rows == Rows::All;
        if is_checked {
            self.is_by_key(conflict, over, start)?;
        }
        // Cells have their column's type already, what a query gives takes it when it is stored.
        let is_cast = matches!(query.body.as_ref(), SetExpr::Values(_));
        let given = |at: usize, column: &LogicalColumn| match is_cast {
            true => format!("{GIVEN}.{}", Apart::value(at)),
            false => format!("{GIVEN}.{}::{}", Apart::value(at), column.base_type),
        };
        let keys = keys
            .into_iter()
            .filter_map(|(at, own)| columns.get(at).map(|column| (given(at, column), own)));
        let keys: Vec<(String, &String)> = keys.collect();
        // What the new table refuses it refuses whatever is there: such a row is sent to it as it is.
        let refused = conflict.and_then(|_| self.refused_half(&over.itself, &columns, &given));
        let halves = update.map(|_| half_of(over, back, &keys));
        let held = held(over, &keys, is_checked, (refused, halves));
        let taken = conflict.and_then(|_| is_taken(columns.iter().enumerate(), GIVEN));
        let taken = taken.map(|taken| format!(" JOIN (SELECT) AS segue_taken ON {taken}"));
        let behind =
            format!(") {GIVEN} ({}){} {held}", values.join(", "), taken.unwrap_or_default());
        let mut behind: Vec<Piece> = vec![behind.into()];
        let mut items: Vec<Piece> = vec![format!("SELECT {GIVEN}.* FROM (").into()];
        match (is_checked, conflict, update) {
            (false, ..) => {}
            (true, None, _) => behind.push(twice().into()),
            (true, Some(_), None) => {
                behind.push(format!(" WHERE {HELD}.{IS_THERE} IS NOT TRUE").into());
            }
            (true, Some(_), Some(update)) => {
                if update.selection.is_some() {
                    return self.refuse_half(Construct::HalfUpsert, lens, start);
                }
                let set = self.set_of_conflict(start)?;
                let assigned = self.new_values(&update.assignments, set, insert, (lens, start))?;
                let written = back.copies.iter().map(|(its, _)| its);
                let written = written.chain(assigned.iter().map(|(name, _)| name));
                let all = self.list_all(target, &columns, written);
                items = merged(&all, &assigned, back);
                self.take_over(set, &all, (&assigned, back));
                behind.push(excluded(&all, &columns).into());
            }
        }
        self.edits.insert(from, items);
        self.edits.insert(to, behind);
        Ok(())
    }

    /// While halves may not have been copied yet, only the key tells whether one is there.
    fn is_by_key(&self, conflict: Option<&OnConflict>, over: &Over, start: usize) -> Walk<()> {
        use sqlparser::ast::ConflictTarget;
        let Some(conflict) = conflict else { return Ok(()) };
        let key = over.itself.beside.iter().flat_map(|back| &back.key).map(|(its, _)| its);
        let mut key: Vec<String> = key.cloned().collect();
        key.sort_unstable();
        let table = self.generation.catalog().relation(&over.itself.relation);
        let mut arbiter: Vec<String> = match &conflict.conflict_target {
            None if self.is_untargeted(start) => return Ok(()),
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => columns.iter().map(name::folded).collect(),
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let wanted =
                    name::parts(constraint).and_then(|it| it.last().map(|it| name::folded(it)));
                let mut keys = table.into_iter().flat_map(|table| &table.keys);
                let found = keys.find(|key| Some(&key.name) == wanted.as_ref());
                found.map(|key| key.columns.clone()).unwrap_or_default()
            }
        };
        arbiter.sort_unstable();
        match arbiter == key {
            true => Ok(()),
            false => self.refuse_half(Construct::HalfArbiter, &over.itself, start),
        }
    }

    /// Whether the statement says ON CONFLICT DO, whatever conflicts.
    fn is_untargeted(&self, start: usize) -> bool {
        let conflict = self.on_conflict_behind(self.lexeme_at(start) + 1);
        let next = conflict.and_then(|conflict| self.lexeme(conflict + 1));
        next.is_some_and(|next| next.is_word("do"))
    }

    /// What a SET list stores, by column: bytes of the values, which must not depend on what is there.
    fn new_values(
        &self,
        assignments: &[Assignment],
        set: usize,
        insert: &Insert,
        (lens, start): (&Lens, usize),
    ) -> Walk<Vec<(String, Vec<Piece>)>> {
        use sqlparser::ast::AssignmentTarget;
        let extents = self.list(set);
        let alias = insert.table_alias.as_ref().map(|alias| name::folded(&alias.alias));
        let target = alias.unwrap_or_else(|| lens.relation.name.clone());
        let mut found = Vec::new();
        for (assignment, extent) in assignments.iter().zip(extents) {
            let AssignmentTarget::ColumnName(column) = &assignment.target else {
                return self.refuse_half(Construct::HalfUpsert, lens, start);
            };
            let names = name::parts(column).unwrap_or_default();
            let ([ident], Some(value)) = (names.as_slice(), self.value_start(extent.0)) else {
                return self.refuse_half(Construct::HalfUpsert, lens, start);
            };
            if !self.is_all_of(ident) || self.names_any((value, extent.1), lens, &target) {
                return self.refuse_half(Construct::HalfUpsert, lens, start);
            }
            let name = name::folded(ident);
            let value = match self.is_default((value, extent.1)) {
                true => vec![default_of(lens.column(&name)).into()],
                false => match lens.column(&name) {
                    Some(column) => beside_others(&assignment.value, (value, extent.1), column),
                    None => vec![Piece::Copy(value, extent.1)],
                },
            };
            found.push((name, value));
        }
        Ok(found)
    }

    /// Whether a value may name what is there: a column that is not EXCLUDED's, or the whole row.
    fn names_any(&self, (from, to): (usize, usize), lens: &Lens, target: &str) -> bool {
        let (first, behind) = (self.lexeme_at(from), self.lexeme_at(to));
        (first..behind).any(|at| {
            let name = self.lexeme(at).and_then(|lexeme| lexeme.name());
            let before = |steps: usize| at.checked_sub(steps).and_then(|at| self.lexeme(at));
            let is_excluded = before(1).is_some_and(|dot| dot.token == Token::Period)
                && before(2).is_some_and(|word| word.is_word("excluded"));
            name.is_some_and(|name| {
                !is_excluded && (name == target || lens.columns.iter().any(|it| it.name == name))
            })
        })
    }

    /// What is offered is the row as it shall be: nothing is computed of that once more.
    fn take_over(
        &mut self,
        set: usize,
        all: &[&LogicalColumn],
        (assigned, back): (&[(String, Vec<Piece>)], &Beside),
    ) {
        let extents = self.list(set);
        let (Some(first), Some(last)) = (extents.first(), extents.last()) else { return };
        let is_written = |name: &String| {
            assigned.iter().any(|(set, _)| set == name)
                || back.copies.iter().any(|(its, _)| its == name)
        };
        let names = all.iter().map(|column| &column.name).filter(|name| is_written(name));
        let list = names.map(|name| format!("{0} = excluded.{0}", quoted(name)));
        let list: Vec<String> = list.collect();
        self.edits.leave_out(first.0, last.1);
        self.edits.insert(first.0, vec![list.join(", ").into()]);
    }

    /// Extends the column list by what is `written` besides; all columns that are then written, in order.
    fn list_all<'n>(
        &mut self,
        target: &Target<'a>,
        columns: &[&'a LogicalColumn],
        written: impl Iterator<Item = &'n String>,
    ) -> Vec<&'a LogicalColumn> {
        let mut all = columns.to_vec();
        for its in written {
            let missing = all.iter().all(|column| column.name != *its);
            all.extend(target.lens.column(its).filter(|_| missing));
        }
        let names = |columns: &[&LogicalColumn]| -> Vec<String> {
            columns.iter().map(|column| quoted(&column.name)).collect()
        };
        let before = target.behind_list.checked_sub(1).and_then(|before| self.lexeme(before));
        let Some((start, end)) = before.map(|before| (before.start, before.end)) else {
            return all;
        };
        let more = names(all.get(columns.len()..).unwrap_or_default());
        if !target.listed {
            self.edits.insert(end, vec![format!(" ({})", names(&all).join(", ")).into()]);
        } else if !more.is_empty() {
            self.edits.insert(start, vec![format!(", {}", more.join(", ")).into()]);
        }
        all
    }
}

/// Whether the new table has a half already, of which the old one may tell nothing: it holds NULLs.
fn half_of(over: &Over, back: &Beside, keys: &[(String, &String)]) -> String {
    let names = back.key.iter().map(|(its, _)| quoted(its)).zip(keys);
    let same = names.map(|(its, (value, _))| format!("segue_half.{its} = {value}"));
    format!(
        "EXISTS (SELECT 1 FROM {} AS segue_half WHERE {})",
        relation(&over.itself.relation),
        same.collect::<Vec<String>>().join(" AND ")
    )
}

/// The old table's row of each of the client's, locked; it tells of no half of a row that is `refused`, and of one
/// that is there by `halves`.
fn held(
    over: &Over,
    keys: &[(String, &String)],
    is_checked: bool,
    (refused, halves): (Option<String>, Option<String>),
) -> String {
    let own = |column: &String| format!("segue_own.{}", quoted(column));
    let on = keys.iter().map(|(value, key)| format!("{} = {value}", own(key)));
    let on: Vec<String> = on.collect();
    let mut items = Vec::new();
    if is_checked {
        let is_there = over.blank.iter().map(|(column, blank)| match blank {
            None => format!("{} IS NOT NULL", own(column)),
            Some(blank) => format!("{} IS DISTINCT FROM ({blank})", own(column)),
        });
        let is_there: Vec<String> = is_there.chain(halves).collect();
        let is_there = if is_there.is_empty() { "false".to_owned() } else { is_there.join(" OR ") };
        let but = refused.map(|refused| format!(" AND ({refused}) IS NOT TRUE"));
        items.push(format!("({is_there}){} AS {IS_THERE}", but.unwrap_or_default()));
        let copies = over.itself.beside.iter().flat_map(|back| &back.copies);
        items.extend(
            copies
                .enumerate()
                .map(|(at, (_, column))| format!("{} AS {}", own(column), Apart::was(at))),
        );
    }
    let items = if items.is_empty() { "1".to_owned() } else { items.join(", ") };
    format!(
        "LEFT JOIN LATERAL (SELECT {items} FROM {} AS segue_own WHERE {} FOR NO KEY UPDATE) AS {HELD} ON true",
        relation(&over.relation),
        on.join(" AND ")
    )
}

/// Makes two rows of one whose key is taken.
fn twice() -> String {
    format!(
        " CROSS JOIN LATERAL pg_catalog.generate_series(1, CASE WHEN {HELD}.{IS_THERE} THEN 2 ELSE 1 END)"
    )
}

/// The client's row under the names by which its SET list knows it, as its columns store it.
fn excluded(all: &[&LogicalColumn], given: &[&LogicalColumn]) -> String {
    let items = all.iter().enumerate().map(|(at, column)| {
        let value = match at < given.len() {
            true => column.stores(&format!("{GIVEN}.{}", Apart::value(at))),
            false => column.stores(&default_of(Some(column))),
        };
        format!("{value} AS {}", quoted(&column.name))
    });
    let items: Vec<String> = items.collect();
    format!(" CROSS JOIN LATERAL (SELECT {}) AS excluded", items.join(", "))
}

/// The row to store where none is there: the client's, or the old table's half as the SET list changes it.
fn merged(all: &[&LogicalColumn], assigned: &[(String, Vec<Piece>)], back: &Beside) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = vec!["SELECT ".into()];
    for (at, column) in all.iter().enumerate() {
        if at > 0 {
            pieces.push(", ".into());
        }
        let given = format!("excluded.{}", quoted(&column.name));
        let copied = back.copies.iter().position(|(its, _)| *its == column.name);
        let set = assigned.iter().find(|(name, _)| *name == column.name);
        let there = match (set, copied) {
            (Some((_, value)), _) => value.clone(),
            (None, Some(place)) => vec![format!("{HELD}.{}", Apart::was(place)).into()],
            (None, None) => {
                pieces.push(given.into());
                continue;
            }
        };
        pieces.push(format!("CASE WHEN {HELD}.{IS_THERE} THEN ").into());
        pieces.extend(there);
        pieces.push(format!(" ELSE {given} END").into());
    }
    pieces.push(" FROM (".into());
    pieces
}

/// What a column of the new table holds where nothing is said of it.
fn default_of(column: Option<&LogicalColumn>) -> String {
    let default = column.and_then(|column| column.default.as_ref());
    let text = default.map_or("NULL", |default| &default.expression);
    let type_name = column.map(|column| format!("::{}", column.base_type)).unwrap_or_default();
    format!("({text}){type_name}")
}
