//! UPDATE and DELETE of a table some of whose columns only another table holds.

use sqlparser::ast::{AssignmentTarget, Delete, Expr, Update};

use super::apart::{Apart, Part};
use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::lens::LogicalColumn;
use crate::name::{self, quoted};
use crate::refusal::{Construct, Refusal};
use crate::scope::Columns;
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    /// The level holds the target, which is occurrence `at`, and what stands in FROM; SET is token `set`.
    pub(super) fn update_apart(
        &mut self,
        update: &Update,
        (at, set): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(update.update_token.0.span);
        let apart = self.take_apart(at, update.returning.is_some())?;
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        if apart.returns && from.is_some() {
            return self.refuse_at(Construct::MovedReturning, start);
        }
        let extents = self.list(set + 1);
        let (Some(first), Some(last)) = (extents.first().copied(), extents.last().copied()) else {
            return self.refuse(Construct::Unreadable);
        };
        let mut parts: Vec<Part<'a>> = Vec::new();
        for (number, (assignment, extent)) in update.assignments.iter().zip(&extents).enumerate() {
            let AssignmentTarget::ColumnName(column) = &assignment.target else {
                return self.refuse_at(Construct::MovedAssignment, extent.0);
            };
            let written = name::parts(column).unwrap_or_default();
            let [ident] = written.as_slice() else {
                return self.refuse_at(Construct::MovedAssignment, extent.0);
            };
            self.account(ident);
            let name = name::folded(ident);
            let Some(logical) = apart.lens.column(&name) else {
                return Err(Box::new(Refusal::no_column(&name, apart.lens)));
            };
            let part = self.part_behind(ident);
            if part.0 < part.1 {
                return self.refuse_at(Construct::ColumnPart, extent.0);
            }
            self.new_value(&assignment.value, *extent, logical, number == 0)?;
            let value = format!("{}.{}", rows_of(&apart, from.is_some()), Apart::value(number));
            for access in &logical.put {
                let part = part_of(&mut parts, access.beside);
                if part.values.iter().any(|(known, _)| *known == access.column) {
                    return Err(Box::new(Refusal::assigned_twice(&name, apart.lens)));
                }
                part.values.push((&access.column, access.written(&value)));
            }
        }
        self.condition(update.selection.as_ref(), start)?;
        let news = (0..update.assignments.len()).map(Apart::value);
        let head = Self::row_head(&apart, news.collect());
        // With the first column's name, and the sign behind it.
        let Some(behind) = self.value_start(first.0) else {
            return self.refuse(Construct::Unreadable);
        };
        self.begin_with(start, behind, head)?;
        let derived = self.derived_from(at);
        self.edits.insert(last.1, vec![derived.into()]);
        if let Some(from) = from.and_then(|from| self.lexeme(from)) {
            let (start, end) = (from.start, from.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        if self.writes_key(apart.lens, &update.assignments) {
            if parts.len() > 1 {
                return self.refuse_at(Construct::KeyAndMoved, start);
            }
            self.free_keys(apart.lens);
        }
        // The old table first, as everywhere.
        parts.sort_by_key(|part| part.beside);
        let rows = rows_of(&apart, from.is_some());
        let written: Vec<Option<usize>> = parts.iter().map(|part| part.beside).collect();
        let updates = parts.iter().map(|part| (part.beside, apart.update(part, &rows))).collect();
        let (ctes, last) = apart.all(updates);
        let text = row_tail(&apart, from.is_some()) + &ctes + &self.before_last(start) + &last;
        let composed = apart.returns.then(|| apart.composed(&written, Some(&rows)));
        self.finish_apart(start, (text, composed), "UPDATE", outermost)?;
        self.returned(update.returning.as_deref(), start, outermost)
    }

    /// The same for DELETE. Rows of the other tables follow by their foreign keys.
    pub(super) fn delete_apart(
        &mut self,
        delete: &Delete,
        (at, behind_target): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(delete.delete_token.0.span);
        let apart = self.take_apart(at, delete.returning.is_some())?;
        let using = self.keyword_behind(self.lexeme_at(start) + 1, "using");
        let using = using.filter(|_| delete.using.is_some());
        if apart.returns && using.is_some() {
            return self.refuse_at(Construct::MovedReturning, start);
        }
        self.condition(delete.selection.as_ref(), start)?;
        let head = Self::row_head(&apart, Vec::new());
        let derived = self.derived_from(at);
        let head = format!("{}{derived}", head.trim_end_matches([',', ' ']));
        self.begin_with(start, behind_target, head)?;
        if let Some(using) = using.and_then(|using| self.lexeme(using)) {
            let (start, end) = (using.start, using.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let rows = apart.row();
        let (ctes, last) = apart.all(vec![(None, apart.delete(&rows))]);
        let text = row_tail(&apart, false) + &ctes + &self.before_last(start) + &last;
        let composed = apart.returns.then(|| apart.composed(&[None], Some(&rows)));
        self.finish_apart(start, (text, composed), "DELETE", outermost)?;
        self.returned(delete.returning.as_deref(), start, outermost)
    }

    /// Leaves of `column = value` the value, as one of the column's type.
    fn new_value(
        &mut self,
        value: &Expr,
        extent: (usize, usize),
        column: &LogicalColumn,
        is_first: bool,
    ) -> Walk<()> {
        self.walk_pieces(extent.0, extent.1)?;
        self.expression(value)?;
        let Some(start) = self.value_start(extent.0) else {
            return self.refuse(Construct::Unreadable);
        };
        if !is_first {
            self.edits.replace(extent.0, start, Vec::new());
        }
        self.cast_cell(value, (start, extent.1), column)
    }

    pub(super) fn condition(&mut self, condition: Option<&Expr>, start: usize) -> Walk<()> {
        let Some(condition) = condition else { return Ok(()) };
        let clause = self.keyword_behind(self.lexeme_at(start) + 1, "where");
        let is = |steps: usize, word: &str| {
            clause.and_then(|at| self.lexeme(at + steps)).is_some_and(|it| it.is_word(word))
        };
        if is(1, "current") && is(2, "of") {
            return self.refuse_at(Construct::MovedCursor, start);
        }
        self.expression(condition)
    }

    /// `segue_row_0 (…) AS MATERIALIZED (SELECT u.id, `: up to the first value.
    pub(super) fn row_head(apart: &Apart<'a>, news: Vec<String>) -> String {
        let keys = apart.key_columns();
        let qualifier = format!("{}.", apart.reference);
        let mut names: Vec<String> = (0..keys.len()).map(Apart::key).collect();
        let mut items: Vec<String> = keys
            .iter()
            .map(|own| {
                let mut columns = apart.lens.shown();
                let logical = columns.find(|column| column.own().is(own));
                format!("{qualifier}{}", quoted(logical.map_or(own, |column| &column.name)))
            })
            .collect();
        if apart.returns {
            for (number, column) in apart.lens.shown().enumerate() {
                names.push(Apart::was(number));
                items.push(format!("{qualifier}{}", quoted(&column.name)));
            }
        }
        names.extend(news);
        format!(
            "{} ({}) AS MATERIALIZED (SELECT {}, ",
            apart.row(),
            names.join(", "),
            items.join(", ")
        )
    }

    /// The client's view of the target, as an item of FROM.
    pub(super) fn derived_from(&self, at: usize) -> String {
        let Some(found) = self.occurrences.get(at) else { return String::new() };
        let table = super::joined::relation(&found.lens.relation);
        format!(" FROM ({}) AS {}", found.derived(&table), found.reference)
    }

    pub(super) fn returned(
        &mut self,
        items: Option<&[sqlparser::ast::SelectItem]>,
        start: usize,
        outermost: bool,
    ) -> Walk<Columns> {
        let outputs = self.returning(start, items, outermost)?;
        Ok(columns_of(outputs.unwrap_or_default()))
    }
}

/// The CTE that each row is taken from once.
pub(super) fn rows_of(apart: &Apart<'_>, has_from: bool) -> String {
    if has_from { format!("segue_one_{}", apart.number) } else { apart.row() }
}

/// Behind the query of the rows: the locks, and each row once where several of FROM match it.
pub(super) fn row_tail(apart: &Apart<'_>, has_from: bool) -> String {
    let mut text = format!(" FOR UPDATE OF {})", apart.reference);
    if has_from {
        let keys: Vec<String> = (0..apart.key_columns().len()).map(Apart::key).collect();
        text.push_str(&format!(
            ", {} AS MATERIALIZED (SELECT DISTINCT ON ({}) * FROM {})",
            rows_of(apart, true),
            keys.join(", "),
            apart.row()
        ));
    }
    text
}

fn part_of<'p, 'a>(parts: &'p mut Vec<Part<'a>>, beside: Option<usize>) -> &'p mut Part<'a> {
    let at = match parts.iter().position(|part| part.beside == beside) {
        Some(at) => at,
        None => {
            parts.push(Part { beside, values: Vec::new() });
            parts.len() - 1
        }
    };
    #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
    &mut parts[at]
}
