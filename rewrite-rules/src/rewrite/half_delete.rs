//! DELETE from the table that columns move to, while the old table is written as well: what moved becomes NULL
//! there.
//!
//! Sound: the old table's rows are locked first, and what is emptied there is only what went here. A half that
//! has not been copied yet, or that was stored while the lock was waited for, cannot be deleted by a statement
//! that does not see it: it is emptied on both sides.

use sqlparser::ast::Delete;

use super::apart::{Apart, Part};
use super::apart_update::{Source, locked, one_of_each, rows_of};
use super::{Rewriter, Walk};
use crate::lens::{Beside, Lens, Over, Rows};
use crate::name::quoted;
use crate::refusal::Construct;
use crate::scope::Columns;
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    /// The level holds the target, which is occurrence `at`, and what stands in USING; `behind` is the byte
    /// behind the target.
    pub(super) fn delete_half(
        &mut self,
        delete: &Delete,
        (at, behind): (usize, usize),
        over: &'a Over,
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(delete.delete_token.0.span);
        let apart = self.take_apart(at, delete.returning.is_some())?;
        let lens: &'a Lens = apart.lens;
        let Some(beside) = lens.beside.first().filter(|_| over.nullable) else {
            return self.refuse_half(Construct::HalfNotNull, lens, start);
        };
        let using = self.keyword_behind(self.lexeme_at(start) + 1, "using");
        let using = using.filter(|_| delete.using.is_some());
        if apart.returns && using.is_some() {
            return self.refuse_at(Construct::MovedReturning, start);
        }
        self.condition(delete.selection.as_ref(), start)?;
        let news = if over.rows == Rows::All { vec![seen(), there()] } else { Vec::new() };
        let more = if news.is_empty() { String::new() } else { is_there(&apart, beside) };
        let (mut head, _) = self.row_head(&apart, news, Source::Held, &[]);
        let derived = self.derived_from(at, Source::Held);
        head.push(format!("{more}{derived}").into());
        self.begin_with(start, behind, head)?;
        if let Some(using) = using.and_then(|using| self.lexeme(using)) {
            let (start, end) = (using.start, using.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let rows = rows_of(&apart, using.is_some());
        let mut text = locked(&apart, true) + &one_of_each(&apart, using.is_some());
        let gone = apart.stored(Some(0));
        text.push_str(&format!(
            ", {gone} AS (DELETE FROM {} AS segue_target USING {rows} WHERE {} RETURNING {})",
            super::joined::relation(&beside.relation),
            apart.same_key(Some(0), &rows),
            apart.key_in(&rows).join(", ")
        ));
        let mut emptied = gone;
        if over.rows == Rows::All {
            let (blank, all) =
                (format!("segue_blank_{}", apart.number), format!("segue_all_{}", apart.number));
            text.push_str(&format!(", {blank} AS ({})", blanked(&apart, beside, &rows)));
            text.push_str(&format!(
                ", {all} AS (SELECT * FROM {emptied} UNION ALL SELECT * FROM {blank})"
            ));
            emptied = all;
        }
        let values = beside.copies.iter().map(|(own, _)| (own.as_str(), "NULL".to_owned()));
        let part = Part { beside: None, values: values.collect(), within: Vec::new(), when: None };
        let own = Apart { returns: false, ..apart.clone() };
        let update = own.update(&part, &emptied, None);
        let composed = apart.returns.then(|| shown(&apart, &rows, &emptied));
        if apart.returns {
            text.push_str(&format!(", {} AS ({update})", apart.stored(None)));
        }
        text.push_str(&self.before_last(start));
        if !apart.returns {
            text.push_str(&update);
        }
        self.finish_apart(start, (vec![text.into()], composed), "DELETE", outermost)?;
        if outermost {
            self.replies.entry(self.statement).or_default().command = Some("DELETE");
        }
        self.returned(delete.returning.as_deref(), start, outermost)
    }
}

/// Whether a row's half was to be seen.
fn seen() -> String {
    "segue_is_seen".to_owned()
}

/// Whether it has anything in it.
fn there() -> String {
    "segue_is_there".to_owned()
}

/// `EXISTS (…), (… IS NOT NULL OR …)`: the two of a row.
fn is_there(apart: &Apart<'_>, beside: &Beside) -> String {
    let column = |name: &String| format!("{}.{}", apart.reference, quoted(name));
    let same =
        |(_, its): &(String, String)| format!("segue_half.{} = {}", quoted(its), column(its));
    let same: Vec<String> = beside.key.iter().map(same).collect();
    let filled = beside.copies.iter().map(|(_, its)| format!("{} IS NOT NULL", column(its)));
    format!(
        "EXISTS (SELECT 1 FROM {} AS segue_half WHERE {}), ({})",
        super::joined::relation(&beside.relation),
        same.join(" AND "),
        filled.collect::<Vec<String>>().join(" OR ")
    )
}

/// Empties the halves that the statement does not see.
fn blanked(apart: &Apart<'_>, beside: &Beside, rows: &str) -> String {
    let list = |columns: Vec<String>| columns.join(", ");
    let keys = apart.key_names(Some(0));
    let copies: Vec<String> = beside.copies.iter().map(|(_, its)| quoted(its)).collect();
    let nulls = copies.iter().map(|_| "NULL".to_owned());
    let set = copies.iter().map(|its| format!("{its} = excluded.{its}"));
    let stored = apart.key_stored(Some(0));
    format!(
        "INSERT INTO {} AS segue_target ({}) SELECT {} FROM {rows} WHERE {} AND NOT {} \
         ON CONFLICT ({}) DO UPDATE SET {} RETURNING {}",
        super::joined::relation(&beside.relation),
        list([keys.clone(), copies.clone()].concat()),
        list(apart.key_in(rows).into_iter().chain(nulls).collect()),
        there(),
        seen(),
        list(keys),
        list(set.collect()),
        list(stored)
    )
}

/// The rows that went, as they were.
fn shown(apart: &Apart<'_>, rows: &str, gone: &str) -> String {
    let columns = apart.lens.shown().enumerate();
    let items = columns
        .map(|(at, column)| format!("{rows}.{} AS {}", Apart::was(at), quoted(&column.name)));
    let items: Vec<String> = items.collect();
    let key = |at: usize| format!("{rows}.{0} = {gone}.{0}", Apart::key(at));
    let on: Vec<String> = (0..apart.key_columns().len()).map(key).collect();
    format!(
        " FROM (SELECT {} FROM {rows} JOIN {gone} ON {}) AS {}",
        items.join(", "),
        on.join(" AND "),
        apart.reference
    )
}
