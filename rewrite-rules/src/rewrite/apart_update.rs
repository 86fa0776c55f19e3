//! UPDATE and DELETE of a table some of whose columns only another table holds.

use sqlparser::ast::{AssignmentTarget, Delete, Expr, Update};

use super::apart::{Apart, Part};
use super::extent::Range;
use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::catalog::Column;
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
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
        let noted = (self.references.len(), self.rows.len());
        let (mut parts, mut values): (Vec<Part<'a>>, Vec<_>) = (Vec::new(), Vec::new());
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
            let range = self.new_value(&assignment.value, *extent, logical, number == 0)?;
            values.push((&assignment.value, range, logical));
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
        let kept = self.kept(&apart, &parts);
        let source = self.source_of_rows(at, &apart, noted, !kept.is_empty());
        let kept_text: String =
            kept.iter().map(|it| format!(", {}.{}", apart.reference, quoted(&it.name))).collect();
        let news = (0..update.assignments.len() + kept.len()).map(Apart::value);
        let (head, items) = Self::row_head(&apart, news.collect(), source);
        // With the first column's name, and the sign behind it.
        let Some(behind) = self.value_start(first.0) else {
            return self.refuse(Construct::Unreadable);
        };
        self.begin_with(start, behind, head)?;
        let derived = self.derived_from(at, source);
        self.edits.insert(last.1, vec![format!("{kept_text}{derived}").into()]);
        if let Some(from) = from.and_then(|from| self.lexeme(from)) {
            let (start, end) = (from.start, from.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let writes_key = self.writes_key(apart.lens, &update.assignments);
        let lock = locked(&apart, !writes_key);
        if writes_key {
            if parts.len() > 1 {
                return self.refuse_at(Construct::KeyAndMoved, start);
            }
            self.free_keys(apart.lens);
        }
        // The old table first, as everywhere.
        parts.sort_by_key(|part| part.beside);
        let rows = rows_of(&apart, from.is_some());
        let written: Vec<Option<usize>> = parts.iter().map(|part| part.beside).collect();
        let is_upsert = |part: &Part<'_>| part.beside.is_some() && source != Source::Held;
        let first_kept = update.assignments.len();
        let statement = |part: &Part<'a>| match is_upsert(part) {
            true => {
                let kept = kept.iter().enumerate();
                let kept = kept.filter(|(_, column)| column.get.beside == part.beside);
                let more = kept.map(|(at, column)| {
                    let value = format!("{rows}.{}", Apart::value(first_kept + at));
                    (column.get.column.as_str(), value)
                });
                apart.upsert(part, &rows, &self.blanks(&apart, part, more.collect()))
            }
            false => apart.update(part, &rows),
        };
        let statements = parts.iter().map(|part| (part.beside, statement(part))).collect();
        if outermost && parts.last().is_some_and(is_upsert) {
            self.replies.entry(self.statement).or_default().command = Some("UPDATE");
        }
        let (ctes, last) = apart.all(statements);
        let mut text = match source {
            Source::Arms => {
                let mut items: Vec<Piece> = vec![items.into()];
                for (value, extent, column) in values {
                    items.push(", ".into());
                    items.extend(self.cell_pieces(value, extent, column));
                }
                items.push(kept_text.into());
                let clauses = [Some("from").filter(|_| from.is_some()), Some("where")];
                let behind = self.clauses(set, clauses.into_iter().flatten());
                self.other_arms(at, &lock, &items, behind)
            }
            Source::Own | Source::Held => vec![lock.into()],
        };
        text.push(one_of_each(&apart, from.is_some()).into());
        text.push((ctes + &self.before_last(start) + &last).into());
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
        let noted = (self.references.len(), self.rows.len());
        let first = self.lexeme_at(start) + 1;
        let using = self.keyword_behind(first, "using");
        let using = using.filter(|_| delete.using.is_some());
        if apart.returns && using.is_some() {
            return self.refuse_at(Construct::MovedReturning, start);
        }
        self.condition(delete.selection.as_ref(), start)?;
        let source = self.source_of_rows(at, &apart, noted, false);
        let (head, items) = Self::row_head(&apart, Vec::new(), source);
        let derived = self.derived_from(at, source);
        self.begin_with(start, behind_target, format!("{head}{derived}"))?;
        let clauses = [Some("using").filter(|_| using.is_some()), Some("where")];
        let behind = self.clauses(first, clauses.into_iter().flatten());
        if let Some(using) = using.and_then(|using| self.lexeme(using)) {
            let (start, end) = (using.start, using.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let rows = apart.row();
        let lock = locked(&apart, false);
        let (ctes, last) = apart.all(vec![(None, apart.delete(&rows))]);
        let mut text = match source {
            Source::Arms => self.other_arms(at, &lock, &[items.into()], behind),
            Source::Own | Source::Held => vec![lock.into()],
        };
        text.push((")".to_owned() + &ctes + &self.before_last(start) + &last).into());
        let composed = apart.returns.then(|| apart.composed(&[None], Some(&rows)));
        self.finish_apart(start, (text, composed), "DELETE", outermost)?;
        self.returned(delete.returning.as_deref(), start, outermost)
    }

    /// Bytes from the first of these clauses that there is to the end of the statement, or to RETURNING.
    pub(super) fn clauses<'w>(
        &self,
        first: usize,
        words: impl Iterator<Item = &'w str>,
    ) -> Option<(usize, usize)> {
        let found = words.filter_map(|word| self.keyword_behind(first, word));
        let start = found.min().filter(|at| *at < self.statement_end(first))?;
        let returning = self.keyword_behind(first, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(first));
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last))?;
        Some((self.lexeme(start)?.start, last.end))
    }

    /// Where the rows come from that a statement writes. `noted`: how many references and rows there were
    /// before it. `keeps`: whether it needs what it does not write.
    fn source_of_rows(
        &self,
        at: usize,
        apart: &Apart<'_>,
        noted: (usize, usize),
        keeps: bool,
    ) -> Source {
        let shows = apart.returns && apart.lens.shown().any(LogicalColumn::is_apart);
        match keeps || shows || self.has_read_apart(at, noted) {
            _ if apart.lens.over.is_some() => Source::Held,
            true => Source::Arms,
            false => Source::Own,
        }
    }

    /// Columns that a half must have which is made now, and that have no default there.
    fn kept(&self, apart: &Apart<'a>, parts: &[Part<'a>]) -> Vec<&'a LogicalColumn> {
        let lens: &'a Lens = apart.lens;
        let is_needed = |column: &&LogicalColumn| {
            let Some(part) = parts.iter().find(|part| part.beside == column.get.beside) else {
                return false;
            };
            let is_set = part.values.iter().any(|(name, _)| *name == column.get.column);
            let its = self.column_beside(lens, column);
            !is_set && its.is_some_and(|its| its.not_null && its.default.is_none())
        };
        match lens.over.is_some() {
            true => Vec::new(),
            false => lens.shown().filter(|column| column.is_apart()).filter(is_needed).collect(),
        }
    }

    /// What else stands in a half that is made now: NULL, whatever its default.
    fn blanks<'c>(
        &self,
        apart: &Apart<'c>,
        part: &Part<'_>,
        mut more: Vec<(&'c str, String)>,
    ) -> Vec<(&'c str, String)> {
        let lens: &'c Lens = apart.lens;
        for column in lens.columns.iter().filter(|column| column.get.beside == part.beside) {
            let its = self.column_beside(lens, column);
            let is_set = part.values.iter().any(|(name, _)| *name == column.get.column);
            if !is_set && its.is_some_and(|its| !its.not_null && its.default.is_some()) {
                more.push((&column.get.column, format!("NULL::{}", column.type_name)));
            }
        }
        more
    }

    /// The column of a table beside that holds a logical one.
    fn column_beside(&self, lens: &Lens, column: &LogicalColumn) -> Option<&Column> {
        let beside = lens.beside.get(column.get.beside?)?;
        self.generation.catalog().relation(&beside.relation)?.column(&column.get.column)
    }

    /// Leaves of `column = value` the value, as one of the column's type.
    fn new_value(
        &mut self,
        value: &Expr,
        extent: (usize, usize),
        column: &LogicalColumn,
        is_first: bool,
    ) -> Walk<Range> {
        self.walk_pieces(extent.0, extent.1)?;
        self.expression(value)?;
        let Some(start) = self.value_start(extent.0) else {
            return self.refuse(Construct::Unreadable);
        };
        if !is_first {
            self.edits.replace(extent.0, start, Vec::new());
        }
        self.cast_cell(value, (start, extent.1), column)?;
        Ok((start, extent.1))
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

    /// `segue_row_0 (…) AS MATERIALIZED (SELECT u.id, `: up to the first value; and its items.
    pub(super) fn row_head(
        apart: &Apart<'a>,
        news: Vec<String>,
        source: Source,
    ) -> (String, String) {
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
        let comma = if news.is_empty() { "" } else { ", " };
        names.extend(news);
        let (names, items) = (names.join(", "), items.join(", "));
        let arm = if source == Source::Arms { "SELECT * FROM (" } else { "" };
        (format!("{} ({names}) AS MATERIALIZED ({arm}SELECT {items}{comma}", apart.row()), items)
    }

    /// The client's view of the target, as an item of FROM.
    pub(super) fn derived_from(&self, at: usize, source: Source) -> String {
        let Some(found) = self.occurrences.get(at) else { return String::new() };
        let table = super::joined::relation(&found.lens.relation);
        let query = match source {
            Source::Held => found.derived(&table),
            Source::Own => found.own_columns(&table),
            Source::Arms => found.arms(&table, self).into_iter().next().unwrap_or_default(),
        };
        format!(" FROM ({query}) AS {}", found.reference)
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

/// Where the rows come from that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// One query over what stands for the table, which has all that is read.
    Held,
    /// The table itself: nothing is read that another one holds.
    Own,
    /// A query for the rows that have their halves, and others for those that lack one.
    Arms,
}

/// Behind the query of the rows. Whoever refers to a row need not wait for what leaves its key alone.
pub(super) fn locked(apart: &Apart<'_>, keeps_key: bool) -> String {
    let lock = if keeps_key { "FOR NO KEY UPDATE" } else { "FOR UPDATE" };
    format!(" {lock} OF {}", apart.reference)
}

/// Behind that: each row once where several of FROM match it.
pub(super) fn one_of_each(apart: &Apart<'_>, has_from: bool) -> String {
    if !has_from {
        return ")".to_owned();
    }
    let keys: Vec<String> = (0..apart.key_columns().len()).map(Apart::key).collect();
    format!(
        "), {} AS MATERIALIZED (SELECT DISTINCT ON ({}) * FROM {})",
        rows_of(apart, true),
        keys.join(", "),
        apart.row()
    )
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
