//! INSERT into a table whose rows are parts of another one's, or into that one while both are written.
//!
//! `INSERT INTO email_preferences (user_id, digest) VALUES ($1, $2)` becomes `INSERT INTO user_preferences AS
//! email_preferences (user_id, digest) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET digest =
//! excluded.digest, …`: the rest of the row may be there already, by way of another table.
//!
//! Where a column tells which parts are there, a row without the part is as good as none: what the client wants
//! done on a conflict is done to a part that is there, and one that is not is filled.

use sqlparser::ast::{Ident, Insert, OnConflictAction, OnInsert, SetExpr};

use super::apart::Apart;
use super::insert::Target;
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::lens::{Among, Lens, LogicalColumn};
use crate::name::quoted;
use crate::refusal::Construct;
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
        let columns = self.rows_apart(query, &target, &[])?;
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
