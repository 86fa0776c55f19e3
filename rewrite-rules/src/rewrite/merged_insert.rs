//! INSERT into a table whose rows are parts of another one's, or into that one while both are written.
//!
//! `INSERT INTO email_preferences (user_id, digest) VALUES ($1, $2)` becomes `INSERT INTO user_preferences AS
//! email_preferences (user_id, digest) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET digest =
//! excluded.digest, …`: the rest of the row may be there already, by way of another table.
//!
//! Where a column tells which parts are there, a row without the part is as good as none: what the client wants
//! done on a conflict is done to a part that is there, and one that is not is filled.

use sqlparser::ast::{
    AssignmentTarget, ConflictTarget, Ident, Insert, OnConflict, OnConflictAction, OnInsert,
    SetExpr,
};

use super::apart::Apart;
use super::insert::Target;
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Among, Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::refusal::{Construct, Refusal};
use crate::scope::{Columns, Level};
use crate::statement::{end_byte, start_byte};

/// The client's rows.
const GIVEN: &str = "segue_given";
/// Where each stands among them.
const PLACE: &str = "segue_place";

impl<'a> Rewriter<'a> {
    /// `itself`: what is written, and carried from there.
    pub(super) fn insert_merged(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        itself: &'a Lens,
        outermost: bool,
    ) -> Walk<Columns> {
        let mut level = Level::default();
        level.sources.push(self.target_source(insert, parts, itself));
        let target = self.insert_columns(insert, parts, itself)?;
        if itself.among.is_some() {
            self.name_other_table(insert, parts, itself);
        }
        self.levels.push(level);
        let columns = self.rows_merged(insert, target).and_then(|()| {
            if let Some(among) = &itself.among {
                self.on_conflict_merged(insert, itself, among)?;
            }
            self.behind_rows(insert, Some(itself), outermost)
        });
        self.levels.pop();
        columns
    }

    /// Puts the table that is written in place of the one that the client names.
    fn name_other_table(&mut self, insert: &Insert, parts: &[&Ident], lens: &Lens) {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let mut text = relation(lens.physical());
        if insert.table_alias.is_none() {
            text.push_str(&format!(" AS {}", self.source_of(last)));
        }
        self.edits.replace(start_byte(first.span), end_byte(last.span), vec![text.into()]);
    }

    /// The client's rows. Where the old tables are written too, their rows of the same keys are locked first, as
    /// everywhere.
    fn rows_merged(&mut self, insert: &Insert, target: Target<'a>) -> Walk<()> {
        let lens: &'a Lens = target.lens;
        let doubles = lens.among.as_ref().filter(|among| may_meet_itself(insert, among));
        let is_wrapped = !lens.beside.is_empty() || doubles.is_some();
        let Some(query) = insert.source.as_deref().filter(|_| is_wrapped) else {
            return self.insert_rows(insert, target);
        };
        let start = start_byte(insert.insert_token.0.span);
        if self.lexeme(target.behind_list).is_some_and(|word| word.is_word("overriding")) {
            return self.refuse_at(Construct::InsertSource, start);
        }
        let columns = self.rows_apart(query, &target)?;
        let Some((from, to)) = self.source_extent(target.rows) else {
            return self.refuse_at(Construct::InsertSource, start);
        };
        let is_given = |column: &&LogicalColumn| {
            columns.iter().any(|given| given.in_table(None) == column.in_table(None))
        };
        let more: Vec<&LogicalColumn> = lens.defaulted().filter(|it| !is_given(it)).collect();
        self.list_columns(&target, &columns, &more);
        // Cells have their column's type already, what a query gives takes it when it is stored.
        let is_cast = matches!(query.body.as_ref(), SetExpr::Values(_));
        let value = |own: &str| {
            let at = columns.iter().position(|column| column.in_table(None) == Some(own))?;
            let value = format!("{GIVEN}.{}", Apart::value(at));
            let cast = columns.get(at).filter(|_| !is_cast);
            Some(cast.map(|it| format!("{value}::{}", it.base_type)).unwrap_or(value))
        };
        let items: String = more.iter().map(|column| format!(", {}", default_of(column))).collect();
        let names: Vec<String> = (0..columns.len()).map(Apart::value).collect();
        let held = held(lens, &value);
        let key: Option<Vec<String>> =
            doubles.and_then(|among| among.key.iter().map(|its| value(its)).collect());
        let (before, behind) = match key {
            Some(key) => first_of_each(&names, key, (&items, &held)),
            None => (
                format!("SELECT {GIVEN}.*{items} FROM ("),
                format!(") {GIVEN} ({}){held}", names.join(", ")),
            ),
        };
        self.edits.insert(from, vec![before.into()]);
        self.edits.insert(to, vec![behind.into()]);
        Ok(())
    }

    /// The column list: the client's with what is added, or a new one.
    fn list_columns(
        &mut self,
        target: &Target<'a>,
        columns: &[&LogicalColumn],
        more: &[&LogicalColumn],
    ) {
        let names = |columns: &[&LogicalColumn]| -> Vec<String> {
            columns.iter().filter_map(|column| column.in_table(None)).map(quoted).collect()
        };
        let before = target.behind_list.checked_sub(1).and_then(|before| self.lexeme(before));
        let Some((start, end)) = before.map(|before| (before.start, before.end)) else { return };
        let all = [names(columns), names(more)].concat();
        if !target.listed {
            self.edits.insert(end, vec![format!(" ({})", all.join(", ")).into()]);
        } else if !more.is_empty() {
            self.edits.insert(start, vec![format!(", {}", names(more).join(", ")).into()]);
        }
    }

    /// What becomes of a row whose key is there.
    fn on_conflict_merged(&mut self, insert: &Insert, lens: &'a Lens, among: &Among) -> Walk<()> {
        let start = start_byte(insert.insert_token.0.span);
        let reference = self.levels.last().and_then(|level| level.sources.first());
        let reference = reference.map(|source| source.reference.clone()).unwrap_or_default();
        let conflict = match &insert.on {
            Some(OnInsert::OnConflict(conflict)) => conflict,
            Some(_) => return Ok(()),
            None => {
                let reply = self.replies.entry(self.statement).or_default();
                reply.doubled = lens.names.taken.first().cloned();
                let first = self.lexeme_at(start) + 1;
                let returning = self.keyword_behind(first, "returning");
                let behind = returning.unwrap_or_else(|| self.statement_end(first));
                let last = behind.checked_sub(1).and_then(|last| self.lexeme(last));
                let Some(end) = last.map(|last| last.end) else {
                    return self.refuse(Construct::Unreadable);
                };
                let text = format!(" {}", among.filled(&reference, true));
                self.edits.insert(end, vec![text.into()]);
                return Ok(());
            }
        };
        if let OnConflictAction::DoUpdate(update) = &conflict.action
            && self.writes_key(lens, &update.assignments)
        {
            return Err(Box::new(Refusal::construct(Construct::MergedKey, lens)));
        }
        match &among.present {
            Some(present) => self.filled_or(insert, conflict, (lens, among, present), &reference),
            None => Ok(()),
        }
    }

    /// The client's ON CONFLICT, which is for parts that are there; others are filled.
    fn filled_or(
        &mut self,
        insert: &Insert,
        conflict: &OnConflict,
        (lens, among, present): (&'a Lens, &Among, &str),
        reference: &str,
    ) -> Walk<()> {
        let start = start_byte(insert.insert_token.0.span);
        let Some(word) = self.on_conflict_behind(self.lexeme_at(start) + 1) else {
            return self.refuse(Construct::Unreadable);
        };
        self.is_by_merged_key(conflict, (lens, among), (start, word))?;
        let there = format!("{reference}.{}", quoted(present));
        let update = match &conflict.action {
            OnConflictAction::DoUpdate(update) => update,
            OnConflictAction::DoNothing => {
                let nothing = self.keyword_behind(word, "nothing").and_then(|at| self.lexeme(at));
                let do_word = self.keyword_behind(word, "do").and_then(|at| self.lexeme(at));
                let on = word.checked_sub(1).and_then(|on| self.lexeme(on));
                let (Some(on), Some(do_word), Some(nothing)) = (on, do_word, nothing) else {
                    return self.refuse(Construct::Unreadable);
                };
                // Without a target there is none that could be kept.
                let has_target = conflict.conflict_target.is_some();
                let from = if has_target { do_word.start } else { on.start };
                let text = match has_target {
                    true => format!("DO UPDATE {} WHERE NOT {there}", among.set()),
                    false => format!("{} WHERE NOT {there}", among.filled(reference, false)),
                };
                let end = nothing.end;
                self.edits.replace(from, end, vec![text.into()]);
                return Ok(());
            }
        };
        let set = self.set_of_conflict(start)?;
        let extents = self.list(set);
        let mut assigned = Vec::new();
        for (assignment, extent) in update.assignments.iter().zip(&extents) {
            let AssignmentTarget::ColumnName(column) = &assignment.target else {
                return Err(Box::new(Refusal::construct(Construct::MergedUpsert, lens)));
            };
            let names = name::parts(column).unwrap_or_default();
            let logical = names.first().and_then(|it| lens.column(&name::folded(it)));
            let its = logical.and_then(|it| Some((it.in_table(None)?, &it.base_type)));
            let (Some((its, base_type)), Some(value), [_]) =
                (its, self.value_start(extent.0), names.as_slice())
            else {
                return Err(Box::new(Refusal::construct(Construct::MergedUpsert, lens)));
            };
            if self.is_default((value, extent.1)) {
                return Err(Box::new(Refusal::construct(Construct::MergedUpsert, lens)));
            }
            self.edits.insert(value, vec![format!("CASE WHEN {there} THEN (").into()]);
            let given = format!(")::{base_type} ELSE excluded.{} END", quoted(its));
            self.edits.insert(extent.1, vec![given.into()]);
            assigned.push(its.to_owned());
        }
        let others = among.part.iter().filter(|column| !assigned.contains(column));
        let rest: String = others
            .map(|column| {
                let column = quoted(column);
                format!(
                    ", {column} = CASE WHEN {there} THEN {reference}.{column} ELSE excluded.{column} END"
                )
            })
            .chain([format!(", {} = true", quoted(present))])
            .collect();
        if let Some(last) = extents.last() {
            self.edits.insert(last.1, vec![Piece::Text(rest)]);
        }
        if update.selection.is_some() {
            self.widen_condition(word, &there)?;
        }
        Ok(())
    }

    /// `WHERE c` becomes `WHERE NOT there OR (c)`.
    fn widen_condition(&mut self, conflict: usize, there: &str) -> Walk<()> {
        let set = self.keyword_behind(conflict, "set").unwrap_or(conflict);
        let clause = self.keyword_behind(set, "where");
        let returning = self.keyword_behind(set, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(set));
        let first = clause.and_then(|at| self.lexeme(at + 1)).map(|it| it.start);
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last)).map(|it| it.end);
        let (Some(first), Some(last)) = (first, last) else {
            return self.refuse(Construct::Unreadable);
        };
        self.edits.insert(first, vec![format!("NOT {there} OR (").into()]);
        self.edits.insert(last, vec![")".into()]);
        Ok(())
    }

    /// Only by its key is a row found that has no such part yet.
    fn is_by_merged_key(
        &self,
        conflict: &OnConflict,
        (lens, among): (&Lens, &Among),
        (start, word): (usize, usize),
    ) -> Walk<()> {
        let table = self.generation.catalog().relation(&among.relation);
        let keys = || table.into_iter().flat_map(|table| &table.keys);
        let mut arbiter: Vec<String> = match &conflict.conflict_target {
            None if self.lexeme(word + 1).is_some_and(|next| next.is_word("do")) => {
                // Any other key could be what conflicts.
                let is_own = |column: &String| among.part.contains(column);
                match keys().any(|key| key.columns.iter().any(is_own)) {
                    true => Vec::new(),
                    false => among.key.clone(),
                }
            }
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => {
                let its = columns.iter().map(name::folded);
                its.filter_map(|name| Some(lens.column(&name)?.in_table(None)?.to_owned()))
                    .collect()
            }
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let wanted =
                    name::parts(constraint).and_then(|it| it.last().map(|it| name::folded(it)));
                let mut pairs = lens.names.constraints.iter();
                let its = pairs.find(|(_, client)| Some(client) == wanted.as_ref());
                let found = its.and_then(|(its, _)| keys().find(|key| key.name == *its));
                found.map(|key| key.columns.clone()).unwrap_or_default()
            }
        };
        let mut key = among.key.clone();
        arbiter.sort_unstable();
        key.sort_unstable();
        match arbiter == key {
            true => Ok(()),
            false => self.refuse_half(Construct::MergedUpsert, lens, start),
        }
    }
}

impl Among {
    /// `SET digest = excluded.digest, …, has_email = true`.
    fn set(&self) -> String {
        let part = self.part.iter().map(|column| format!("{0} = excluded.{0}", quoted(column)));
        let present = self.present.iter().map(|column| format!("{} = true", quoted(column)));
        format!("SET {}", part.chain(present).collect::<Vec<String>>().join(", "))
    }

    /// The clause that fills a row's part. Where `is_new`, one that is there already is one too many: nothing
    /// tells that there but a NULL that the column refuses, of which the client is told as of a key that is
    /// taken.
    fn filled(&self, reference: &str, is_new: bool) -> String {
        let key: Vec<String> = self.key.iter().map(|key| quoted(key)).collect();
        let set = match &self.present {
            Some(present) if is_new => {
                let present = quoted(present);
                let part = self.part.iter();
                let part = part.map(|column| format!("{0} = excluded.{0}", quoted(column)));
                let once =
                    format!("{present} = CASE WHEN {reference}.{present} THEN NULL ELSE true END");
                format!("SET {}", part.chain([once]).collect::<Vec<String>>().join(", "))
            }
            Some(_) | None => self.set(),
        };
        format!("ON CONFLICT ({}) DO UPDATE {set}", key.join(", "))
    }
}

/// What a column gets that the client leaves out.
fn default_of(column: &LogicalColumn) -> String {
    let default = column.default.as_ref();
    let text = default.map_or("NULL", |default| &default.expression);
    format!("({text})::{}", column.base_type)
}

/// Whether ON CONFLICT DO NOTHING, which becomes an UPDATE, may find a row that the statement itself stored:
/// PostgreSQL refuses to update that, where the client wants it passed over.
fn may_meet_itself(insert: &Insert, among: &Among) -> bool {
    let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return false };
    let is_one = insert.source.as_deref().is_none_or(
        |query| matches!(query.body.as_ref(), SetExpr::Values(values) if values.rows.len() < 2),
    );
    among.present.is_some() && !is_one && matches!(conflict.action, OnConflictAction::DoNothing)
}

/// What stands before and behind the client's rows for the first of those of each key, in the client's order.
fn first_of_each(names: &[String], key: Vec<String>, more: (&str, &str)) -> (String, String) {
    let (key, (items, held)) = (key.join(", "), more);
    let given: Vec<String> = names.iter().map(|name| format!("{GIVEN}.{name}")).collect();
    let before = format!(
        "SELECT {}{items} FROM (SELECT DISTINCT ON ({key}) * FROM (SELECT *, row_number() OVER () FROM (",
        given.join(", ")
    );
    let behind = format!(
        ") segue_rows) {GIVEN} ({}, {PLACE}) ORDER BY {key}, {PLACE}) {GIVEN}{held} ORDER BY {GIVEN}.{PLACE}",
        names.join(", ")
    );
    (before, behind)
}

/// Locks the rows of the tables beside that have the keys of the client's. `value` is that of a column of the
/// table that is written.
fn held(lens: &Lens, value: &dyn Fn(&str) -> Option<String>) -> String {
    let held = lens.beside.iter().enumerate().filter_map(|(at, beside)| {
        let same = |(own, its): &(String, String)| {
            Some(format!("segue_own.{} = {}", quoted(its), value(own)?))
        };
        let same: Option<Vec<String>> = beside.key.iter().map(same).collect();
        Some(format!(
            " LEFT JOIN LATERAL (SELECT 1 FROM {} AS segue_own WHERE {} FOR NO KEY UPDATE) \
             AS segue_held_{at} ON true",
            relation(&beside.relation),
            same?.join(" AND ")
        ))
    });
    held.collect()
}
