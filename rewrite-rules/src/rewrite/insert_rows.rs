//! The rows of an INSERT: a second column gets the value that the client gave the first.
//!
//! A value is written twice where that is safe ([`crate::volatility`]). Otherwise the rows become
//! `SELECT s.a, s.b, s.b FROM (VALUES …) s(a, b)`, which evaluates each once; every cell is cast to
//! its column's type without typmod, so that parameters keep their types and the assignment to
//! the column still checks lengths.

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, Insert, Query, Select, SelectItem, SetExpr, Values};

use super::extent::Range;
use super::insert::{Extra, Target, Value};
use super::{Rewriter, Walk};
use crate::catalog::Volatility;
use crate::edit::Piece;
use crate::lens::LogicalColumn;
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::statement::{end_byte, start_byte};
use crate::volatility::{has_query, may_repeat};

/// The alias of the derived table that evaluates each value once.
const ONCE: &str = "s";

/// Keeps the planner from pulling the derived table up, which would evaluate a sub-select once
/// for each use. (For volatile functions it never does.)
const FENCE: &str = " OFFSET 0";

impl Rewriter<'_> {
    pub(super) fn insert_rows(&mut self, insert: &Insert, mut target: Target<'_>) -> Walk<()> {
        match insert.source.as_deref() {
            None => self.default_values(&mut target),
            Some(query) => match query.body.as_ref() {
                SetExpr::Values(values) if query.with.is_none() => {
                    self.value_rows(values, &mut target)
                }
                SetExpr::Values(_) => self.refuse(Construct::InsertSource),
                _ => self.selected_rows(query, &mut target),
            },
        }
    }

    /// Fills in which columns are written besides those that have `width` client values.
    fn add_extras(target: &mut Target<'_>, width: usize) -> Walk<()> {
        let columns: Vec<_> = target.columns.iter().copied().take(width).collect();
        let mut written = BTreeSet::new();
        for column in columns.iter().flatten() {
            for physical in &column.put {
                if !written.insert(physical.as_str()) {
                    return Err(Box::new(Refusal::assigned_twice(&column.name, target.lens)));
                }
            }
        }
        for (index, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let more = column.put.iter().skip(1);
            target
                .extras
                .extend(more.map(|physical| Extra { physical, value: Value::Copy(index, column) }));
        }
        for column in target.lens.shown().filter(|column| !column.default_is_shared) {
            if column.put.iter().any(|physical| written.contains(physical.as_str())) {
                continue;
            }
            let volatile = is_volatile_default(column);
            let needed = column.put.iter().skip(usize::from(!volatile));
            target
                .extras
                .extend(needed.map(|physical| Extra { physical, value: Value::Default(column) }));
        }
        Ok(())
    }

    /// `INSERT … DEFAULT VALUES`.
    fn default_values(&mut self, target: &mut Target<'_>) -> Walk<()> {
        target.columns.clear();
        Self::add_extras(target, 0)?;
        if target.extras.is_empty() {
            return Ok(());
        }
        let (Some(from), Some(to)) = (self.lexeme(target.rows), self.lexeme(target.rows + 1))
        else {
            return self.refuse(Construct::Unreadable);
        };
        let (start, end) = (from.start, to.end);
        self.emit_insert_columns(target, 0);
        let rows = if self.needs_once(target) {
            self.once_select(target, &[])
                + &format!(
                    "(VALUES ({})) {ONCE}({})",
                    self.default_cells(target).join(", "),
                    once_names(target, &[]).join(", ")
                )
        } else {
            let values: Vec<String> =
                target.extras.iter().map(|extra| default_text(extra.value)).collect();
            format!("VALUES ({})", values.join(", "))
        };
        self.edits.replace(start, end, vec![rows.into()]);
        Ok(())
    }

    fn value_rows(&mut self, values: &Values, target: &mut Target<'_>) -> Walk<()> {
        let mut rows: Vec<(Range, Vec<Range>)> = Vec::new();
        for row in &values.rows {
            let open = start_byte(row.opening_token.0.span);
            let close = start_byte(row.closing_token.0.span);
            let cells = self.list(self.lexeme_at(open) + 1);
            if cells.len() != row.content.len() {
                return self.refuse(Construct::Unreadable);
            }
            rows.push(((open, close), cells));
        }
        let width = rows.first().map_or(0, |(_, cells)| cells.len());
        if width > target.columns.len() {
            // PostgreSQL says 42601: let it count against the columns that the client knows.
            self.emit_insert_columns(target, width);
            return Ok(());
        }
        if target.listed && width < target.columns.len() {
            return Ok(());
        }
        Self::add_extras(target, width)?;
        self.emit_insert_columns(target, width);
        if target.extras.is_empty() {
            return Ok(());
        }
        let repeatable = values.rows.iter().zip(&rows).all(|(row, (_, cells))| {
            target.extras.iter().all(|extra| match extra.value {
                Value::Copy(index, column) => match (row.content.get(index), cells.get(index)) {
                    (Some(_), Some(cell)) if self.is_default(*cell) => {
                        column.default_is_shared || !is_volatile_default(column)
                    }
                    (Some(cell), _) => may_repeat(cell, self.generation.catalog()),
                    (None, _) => false,
                },
                Value::Default(column) => !is_volatile_default(column),
            })
        });
        if repeatable {
            self.repeat_cells(&rows, target);
            Ok(())
        } else {
            self.once_rows(values, &rows, target, width)
        }
    }

    /// `VALUES ($1, $2)` → `VALUES ($1, $2, $2)`.
    fn repeat_cells(&mut self, rows: &[(Range, Vec<Range>)], target: &Target<'_>) {
        for ((_, close), cells) in rows {
            let mut pieces = Vec::new();
            for extra in &target.extras {
                pieces.push(Piece::from(", "));
                pieces.push(match extra.value {
                    Value::Copy(index, column) => match cells.get(index) {
                        Some(cell) if self.is_default(*cell) => {
                            default_text(Value::Default(column)).into()
                        }
                        Some((start, end)) => Piece::Copy(*start, *end),
                        None => continue,
                    },
                    Value::Default(_) => default_text(extra.value).into(),
                });
            }
            self.edits.insert(*close, pieces);
        }
    }

    /// Rows with a volatile cell: `SELECT s.a, s.a FROM (VALUES ((expr)::type)) s(a)`.
    fn once_rows(
        &mut self,
        values: &Values,
        rows: &[(Range, Vec<Range>)],
        target: &Target<'_>,
        width: usize,
    ) -> Walk<()> {
        let columns = self.known_columns(target, width)?;
        let Some(keyword) = self.lexeme(target.rows) else {
            return self.refuse(Construct::Unreadable);
        };
        let keyword = keyword.start;
        let head = self.once_select(target, &columns);
        self.edits.insert(keyword, vec![format!("{head}(").into()]);
        let defaults = self.default_cells(target);
        for (row, ((_, close), cells)) in values.rows.iter().zip(rows) {
            for ((expression, cell), column) in row.content.iter().zip(cells).zip(&columns) {
                self.cast_cell(expression, *cell, column)?;
            }
            let more: String = defaults.iter().map(|cell| format!(", {cell}")).collect();
            if !more.is_empty() {
                self.edits.insert(*close, vec![more.into()]);
            }
        }
        let names = once_names(target, &columns);
        let cells = values.rows.iter().flat_map(|row| &row.content);
        let fence = if cells.into_iter().any(has_query) { FENCE } else { "" };
        if let Some(((_, close), _)) = rows.last() {
            let tail = format!("{fence}) {ONCE}({})", names.join(", "));
            self.edits.insert(close + 1, vec![tail.into()]);
        }
        Ok(())
    }

    /// The columns of the client's values, each of which must have a type to cast to.
    fn known_columns<'l>(&self, target: &Target<'l>, width: usize) -> Walk<Vec<&'l LogicalColumn>> {
        let known: Option<Vec<&LogicalColumn>> =
            target.columns.iter().copied().take(width).collect();
        known.map_or_else(|| self.refuse(Construct::InsertSource), Ok)
    }

    fn cast_cell(
        &mut self,
        expression: &Expr,
        (start, end): Range,
        column: &LogicalColumn,
    ) -> Walk<()> {
        let cast = format!("::{}", column.base_type);
        if self.is_default((start, end)) {
            if column.generated || column.identity {
                return self.refuse_at(Construct::VolatileDefault, start);
            }
            let default = column.default.as_ref().map_or("NULL", |default| &default.expression);
            self.edits.replace(start, end, vec![format!("({default}){cast}").into()]);
        } else if matches!(expression, Expr::Value(_)) {
            self.edits.insert(end, vec![cast.into()]);
        } else {
            self.edits.insert(start, vec!["(".into()]);
            self.edits.insert(end, vec![format!("){cast}").into()]);
        }
        Ok(())
    }

    /// `SELECT s.a, s.b, s.b FROM `, for the client's columns and the added ones.
    fn once_select(&self, target: &Target<'_>, columns: &[&LogicalColumn]) -> String {
        let own = columns.iter().map(|column| column.name.clone());
        let extras = target.extras.iter().map(|extra| match extra.value {
            Value::Copy(_, column) | Value::Default(column) => column.name.clone(),
        });
        let items: Vec<String> =
            own.chain(extras).map(|name| format!("{ONCE}.{}", name::quoted(&name))).collect();
        format!("SELECT {} FROM ", items.join(", "))
    }

    /// One cell for each logical column whose default both of its columns must share.
    fn default_cells(&self, target: &Target<'_>) -> Vec<String> {
        defaulted(target)
            .map(|column| {
                let default = column.default.as_ref().map_or("NULL", |default| &default.expression);
                format!("({default})::{}", column.base_type)
            })
            .collect()
    }

    fn needs_once(&self, target: &Target<'_>) -> bool {
        defaulted(target).any(is_volatile_default)
    }

    /// `INSERT … SELECT`: each arm's list gets the repeated items, or the whole is wrapped.
    fn selected_rows(&mut self, query: &Query, target: &mut Target<'_>) -> Walk<()> {
        let mut arms = Vec::new();
        let plain = arms_of(&query.body, &mut arms);
        let lists: Vec<(&Select, Vec<Range>)> = arms
            .into_iter()
            .map(|select| {
                let start = self.select_list_start(start_byte(select.select_token.0.span));
                (select, self.list(start))
            })
            .collect();
        let counted = lists.iter().all(|(select, list)| {
            select.projection.len() == list.len() && !select.projection.iter().any(is_star)
        });
        let width = match lists.first() {
            Some((_, list)) if plain && counted => list.len(),
            _ if target.listed => target.columns.len(),
            // What the stars give is not known, and neither is which columns are left out.
            _ => match self.known_width(query) {
                Some(width) => width,
                None => return self.refuse(Construct::InsertSource),
            },
        };
        if width > target.columns.len() || (target.listed && width < target.columns.len()) {
            self.emit_insert_columns(target, width);
            return Ok(());
        }
        Self::add_extras(target, width)?;
        self.emit_insert_columns(target, width);
        if target.extras.is_empty() {
            return Ok(());
        }
        let catalog = self.generation.catalog();
        let repeatable = plain
            && counted
            && !self.needs_once(target)
            && lists.iter().all(|(select, list)| {
                list.len() == width
                    && target.extras.iter().all(|extra| match extra.value {
                        Value::Copy(index, _) => item_expression(select, index)
                            .is_some_and(|expression| may_repeat(expression, catalog)),
                        Value::Default(_) => true,
                    })
            });
        if repeatable {
            for (select, list) in &lists {
                self.repeat_items(select, list, target);
            }
            return Ok(());
        }
        self.wrap(query, &lists, target, width)
    }

    /// `SELECT a, b` → `SELECT a, b, b`.
    fn repeat_items(&mut self, select: &Select, list: &[Range], target: &Target<'_>) {
        let Some((_, end)) = list.last() else { return };
        let mut pieces = Vec::new();
        for extra in &target.extras {
            pieces.push(Piece::from(", "));
            pieces.push(match extra.value {
                Value::Copy(index, _) => match list.get(index) {
                    Some(range) => self.without_alias(select, index, *range),
                    None => continue,
                },
                Value::Default(_) => default_text(extra.value).into(),
            });
        }
        self.edits.insert(*end, pieces);
    }

    /// An item of a select list without its `AS label`.
    fn without_alias(&self, select: &Select, index: usize, (start, end): Range) -> Piece {
        let end = match select.projection.get(index) {
            Some(SelectItem::ExprWithAlias { alias, .. }) => {
                let at = self.lexeme_at(start_byte(alias.span));
                let before = at.checked_sub(1).and_then(|before| self.lexeme(before));
                let is_as = before.is_some_and(|before| before.is_word("as"));
                let last = at.checked_sub(1 + usize::from(is_as));
                last.and_then(|last| self.lexeme(last)).map_or(end, |last| last.end)
            }
            _ => end,
        };
        Piece::Copy(start, end)
    }

    /// `SELECT s.c1, s.c2, s.c2 FROM (the client's query) s(c1, c2)`.
    fn wrap(
        &mut self,
        query: &Query,
        lists: &[(&Select, Vec<Range>)],
        target: &Target<'_>,
        width: usize,
    ) -> Walk<()> {
        let modifies = query.with.iter().flat_map(|with| &with.cte_tables).any(|cte| {
            matches!(
                cte.query.body.as_ref(),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
            )
        });
        if modifies || defaulted(target).next().is_some() {
            return self.refuse(Construct::InsertSource);
        }
        let columns = self.known_columns(target, width)?;
        for (select, list) in lists {
            self.cast_untyped(select, list, &columns)?;
        }
        let Some((start, end)) = self.source_extent(target.rows) else {
            return self.refuse(Construct::InsertSource);
        };
        let head = self.once_select(target, &columns);
        let names = once_names(target, &columns).join(", ");
        let copied = target.extras.iter().filter_map(|extra| match extra.value {
            Value::Copy(index, _) => Some(index),
            Value::Default(_) => None,
        });
        let fenced = copied.into_iter().any(|index| {
            lists.iter().filter_map(|(select, _)| item_expression(select, index)).any(has_query)
        });
        let (open, close) = if fenced {
            (format!("{head}(SELECT * FROM ("), format!(") q{FENCE}) {ONCE}({names})"))
        } else {
            (format!("{head}("), format!(") {ONCE}({names})"))
        };
        self.edits.insert(start, vec![open.into()]);
        self.edits.insert(end, vec![close.into()]);
        Ok(())
    }

    /// Inside a derived table a bare literal or parameter would become text.
    fn cast_untyped(
        &mut self,
        select: &Select,
        list: &[Range],
        columns: &[&LogicalColumn],
    ) -> Walk<()> {
        let mut counted = true;
        for (index, (item, (_, item_end))) in select.projection.iter().zip(list).enumerate() {
            let (expression, end) = match item {
                SelectItem::UnnamedExpr(expression) => (expression, *item_end),
                SelectItem::ExprWithAlias { expr, .. } => {
                    match self.without_alias(select, index, (0, *item_end)) {
                        Piece::Copy(_, end) => (expr, end),
                        Piece::Text(_) => (expr, *item_end),
                    }
                }
                SelectItem::ExprWithAliases { .. }
                | SelectItem::QualifiedWildcard(..)
                | SelectItem::Wildcard(_) => {
                    counted = false;
                    continue;
                }
            };
            if !matches!(expression, Expr::Value(_)) {
                continue;
            }
            match columns.get(index).filter(|_| counted) {
                Some(column) => {
                    self.edits.insert(end, vec![format!("::{}", column.base_type).into()]);
                }
                None => return self.refuse(Construct::InsertSource),
            }
        }
        Ok(())
    }

    /// Number of columns of a query with stars, where each star's relations are known.
    fn known_width(&self, query: &Query) -> Option<usize> {
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        let mut width = 0;
        for item in &select.projection {
            width += match item {
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => 1,
                SelectItem::Wildcard(options) => {
                    let at = end_byte(options.wildcard_token.0.span);
                    self.star_widths.iter().find(|(end, _)| *end == at)?.1?
                }
                SelectItem::QualifiedWildcard(_, options) => {
                    let at = end_byte(options.wildcard_token.0.span);
                    self.star_widths.iter().find(|(end, _)| *end == at)?.1?
                }
                SelectItem::ExprWithAliases { .. } => return None,
            };
        }
        Some(width)
    }

    /// Bytes of the rows' query: up to ON CONFLICT, RETURNING or the statement's end.
    fn source_extent(&self, first: usize) -> Option<Range> {
        let start = self.lexeme(first)?.start;
        let returning = self.keyword_behind(first, "returning");
        let conflict = self.keyword_behind(first, "conflict").and_then(|at| at.checked_sub(1));
        let behind = match (conflict, returning) {
            (Some(on), _) => on,
            (None, Some(returning)) => returning,
            (None, None) => self.statement_end(first),
        };
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last))?;
        Some((start, last.end))
    }

    /// Whether a cell is the keyword DEFAULT.
    pub(super) fn is_default(&self, (start, end): Range) -> bool {
        self.lexeme(self.lexeme_at(start))
            .is_some_and(|lexeme| lexeme.is_word("default") && lexeme.end == end)
    }
}

/// Logical columns that the client left out and whose default must be spelled out.
fn defaulted<'t>(target: &'t Target<'_>) -> impl Iterator<Item = &'t LogicalColumn> {
    let mut seen = BTreeSet::new();
    target.extras.iter().filter_map(move |extra| match extra.value {
        Value::Default(column) => seen.insert(column.name.as_str()).then_some(column),
        Value::Copy(..) => None,
    })
}

/// Column aliases of the derived table: the client's columns, then those that are defaulted.
fn once_names(target: &Target<'_>, columns: &[&LogicalColumn]) -> Vec<String> {
    let own = columns.iter().map(|column| name::quoted(&column.name));
    own.chain(defaulted(target).map(|column| name::quoted(&column.name))).collect()
}

/// The text that stores a logical column's default in a second column.
pub(super) fn default_text(value: Value<'_>) -> String {
    let (Value::Default(column) | Value::Copy(_, column)) = value;
    match &column.default {
        _ if column.default_is_shared => "DEFAULT".to_owned(),
        Some(default) => default.expression.clone(),
        None => "NULL".to_owned(),
    }
}

pub(super) fn is_volatile_default(column: &LogicalColumn) -> bool {
    column.default.as_ref().is_some_and(|default| default.volatility == Volatility::Volatile)
}

fn is_star(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
}

fn item_expression(select: &Select, index: usize) -> Option<&Expr> {
    match select.projection.get(index)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    }
}

/// Collects the arms of a set operation; false if one is not a SELECT.
fn arms_of<'q>(body: &'q SetExpr, arms: &mut Vec<&'q Select>) -> bool {
    match body {
        SetExpr::Select(select) => {
            arms.push(select);
            true
        }
        SetExpr::Query(query) => arms_of(&query.body, arms),
        SetExpr::SetOperation { left, right, .. } => {
            let left = arms_of(left, arms);
            arms_of(right, arms) && left
        }
        SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => false,
    }
}
