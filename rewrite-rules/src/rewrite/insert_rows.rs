//! The rows of an INSERT: a second column gets the value that the client gave the first.
//!
//! A value is written twice where that is safe ([`crate::volatility`]). Otherwise the rows become
//! `SELECT s.a, s.b, s.b FROM (VALUES …) s(a, b)`, which evaluates each once; every cell is cast to
//! its column's type without typmod, so that parameters keep their types and the assignment to
//! the column still checks lengths.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{self, Expr, Insert, SetExpr, Values};
use sqlparser::tokenizer::Token;

use super::assignment::note_written;
use super::extent::Range;
use super::insert::{Extra, Target, Value};
use super::{Rewriter, Walk};
use crate::catalog::Volatility;
use crate::edit::{Piece, stored};
use crate::lens::{Access, LogicalColumn};
use crate::name;
use crate::refusal::Construct;
use crate::statement::start_byte;
use crate::volatility::has_query;

/// The alias of the derived table that evaluates each value once.
pub(super) const ONCE: &str = "s";

/// All columns of that derived table: if they are more than its list names, PostgreSQL finds more
/// values than columns, as it did in the client's text.
pub(super) const ALL_ONCE: &str = "s.*";

/// Keeps the planner from pulling the derived table up, which would evaluate a sub-select once
/// for each use, and the one row of a VALUES too: a function that is not volatile itself may have an
/// argument whose default is. (What is volatile to the planner it leaves where it is.)
pub(super) const FENCE: &str = " OFFSET 0";

/// The type to which a cell is cast. A parameter must keep its column's.
pub(super) fn cast_type<'l>(expression: &Expr, column: &'l LogicalColumn) -> &'l str {
    match expression {
        Expr::Nested(inner) => cast_type(inner, column),
        Expr::Value(value) if matches!(value.value, ast::Value::Placeholder(_)) => {
            &column.base_type
        }
        _ => &column.uncut_type,
    }
}

impl Rewriter<'_> {
    pub(super) fn insert_rows(&mut self, insert: &Insert, mut target: Target<'_>) -> Walk<()> {
        match insert.source.as_deref() {
            None => self.default_values(&mut target),
            Some(query) => match query.body.as_ref() {
                SetExpr::Values(_) if !query.locks.is_empty() => {
                    self.refuse(Construct::NotPostgres("a row lock on VALUES"))
                }
                SetExpr::Values(values) if query.with.is_none() => {
                    // Its columns are called column1 and so on only while it stays a VALUES list.
                    let sorted = query.order_by.is_some();
                    self.value_rows(values, sorted, &mut target)
                }
                SetExpr::Values(_) => self.refuse(Construct::InsertSource),
                _ => self.selected_rows(query, &mut target),
            },
        }
    }

    /// Fills in which columns are written besides those that have `width` client values.
    pub(super) fn add_extras(target: &mut Target<'_>, width: usize) -> Walk<()> {
        let columns: Vec<_> = target.columns.iter().copied().take(width).collect();
        let mut written = BTreeMap::new();
        for column in columns.iter().copied().flatten() {
            note_written(column, target.lens, &mut written)?;
        }
        for (index, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let more = column.put.iter().skip(1);
            target
                .extras
                .extend(more.map(|access| Extra { access, value: Value::Copy(index, column) }));
        }
        for column in target.lens.defaulted() {
            if column
                .put
                .iter()
                .any(|access| written.contains_key(&(access.beside, access.column.as_str())))
            {
                continue;
            }
            let value = Value::Default(column);
            // What another table holds of it is not there as yet.
            let own = column.put.iter().filter(|access| access.beside.is_none());
            target.extras.extend(own.map(|access| Extra { access, value }));
        }
        Ok(())
    }

    /// `INSERT … DEFAULT VALUES`.
    pub(super) fn default_values(&mut self, target: &mut Target<'_>) -> Walk<()> {
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
            self.once_select(target, &[], true)
                + &format!(
                    "(VALUES ({})) {ONCE}({})",
                    self.default_cells(target).join(", "),
                    once_names(target, &[]).join(", ")
                )
        } else {
            let values: Vec<String> = target.extras.iter().map(extra_default).collect();
            format!("VALUES ({})", values.join(", "))
        };
        self.edits.replace(start, end, vec![rows.into()]);
        Ok(())
    }

    fn value_rows(&mut self, values: &Values, sorted: bool, target: &mut Target<'_>) -> Walk<()> {
        let rows = self.value_extents(values)?;
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
        if target.is_plain(width) {
            return Ok(());
        }
        if self.may_repeat_rows(values, &rows, target) {
            self.repeat_cells(&rows, target);
            Ok(())
        } else if sorted {
            self.refuse(Construct::InsertSource)
        } else {
            self.once_rows(values, &rows, target, width)
        }
    }

    /// Where rows and their cells stand.
    pub(super) fn value_extents(&self, values: &Values) -> Walk<Vec<(Range, Vec<Range>)>> {
        let mut rows = Vec::new();
        for row in &values.rows {
            let open = start_byte(row.opening_token.0.span);
            let close = start_byte(row.closing_token.0.span);
            let cells = self.list(self.lexeme_at(open) + 1);
            if cells.len() != row.content.len() {
                return self.refuse(Construct::Unreadable);
            }
            rows.push(((open, close), cells));
        }
        Ok(rows)
    }

    /// Whether each value that is stored twice may be evaluated twice.
    pub(super) fn may_repeat_rows(
        &self,
        values: &Values,
        rows: &[(Range, Vec<Range>)],
        target: &Target<'_>,
    ) -> bool {
        !self.needs_once(target)
            && values.rows.iter().zip(rows).all(|(row, (_, cells))| {
                let own = target.columns.iter().zip(row.content.iter().zip(cells));
                own.into_iter().all(|(column, (expression, cell))| {
                    let Some(column) = column else { return true };
                    match self.is_default(*cell) {
                        true => column.default_is_shared || !is_volatile_default(column),
                        false => column.uses() <= 1 || self.may_repeat(expression),
                    }
                })
            })
    }

    /// `VALUES ($1, $2)` → `VALUES ($1, $2, $2)`.
    pub(super) fn repeat_cells(&mut self, rows: &[(Range, Vec<Range>)], target: &Target<'_>) {
        for ((_, close), cells) in rows {
            for (column, cell) in target.columns.iter().zip(cells) {
                let Some((column, main)) = column.and_then(|it| Some((it, it.put.first()?))) else {
                    continue;
                };
                if !self.is_default(*cell) {
                    self.edits.store(self.text, main, *cell);
                    continue;
                }
                let text = default_text(column, main);
                if text != DEFAULT {
                    self.edits.replace(cell.0, cell.1, vec![text.into()]);
                }
            }
            let mut added = Vec::new();
            for extra in &target.extras {
                added.push(Piece::from(", "));
                match extra.value {
                    Value::Copy(index, column) => match cells.get(index) {
                        Some(cell) if self.is_default(*cell) => {
                            added.push(default_text(column, extra.access).into());
                        }
                        Some(cell) => added.extend(stored(self.text, extra.access, *cell)),
                        None => continue,
                    },
                    Value::Default(_) => added.push(extra_default(extra).into()),
                }
            }
            self.edits.insert(*close, added);
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
        let head = self.once_select(target, &columns, true);
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
        let fence = if rows.len() == 1 || cells.into_iter().any(has_query) { FENCE } else { "" };
        if let Some(((_, close), _)) = rows.last() {
            let tail = format!("{fence}) {ONCE}({})", names.join(", "));
            self.edits.insert(close + 1, vec![tail.into()]);
        }
        Ok(())
    }

    /// The columns of the client's values, each of which must have a type to cast to.
    pub(super) fn known_columns<'l>(
        &self,
        target: &Target<'l>,
        width: usize,
    ) -> Walk<Vec<&'l LogicalColumn>> {
        // A part's type is not its column's.
        if self.listed_parts(target).iter().any(|part| part.0 < part.1) {
            return self.refuse(Construct::ColumnPart);
        }
        let known: Option<Vec<&LogicalColumn>> =
            target.columns.iter().copied().take(width).collect();
        known.map_or_else(|| self.refuse(Construct::InsertSource), Ok)
    }

    pub(super) fn cast_cell(
        &mut self,
        expression: &Expr,
        (start, end): Range,
        column: &LogicalColumn,
    ) -> Walk<()> {
        let cast = format!("::{}", cast_type(expression, column));
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

    /// The same as pieces of their own.
    pub(super) fn cell_pieces(
        &self,
        expression: &Expr,
        (start, end): Range,
        column: &LogicalColumn,
    ) -> Vec<Piece> {
        // What stands for DEFAULT has its cast.
        if self.is_default((start, end)) {
            return vec![Piece::Copy(start, end)];
        }
        let cast = format!("::{}", cast_type(expression, column));
        match expression {
            Expr::Value(_) => vec![Piece::Copy(start, end), cast.into()],
            _ => vec!["(".into(), Piece::Copy(start, end), format!("){cast}").into()],
        }
    }

    /// `SELECT s.a, s.b, s.b FROM `, for the client's columns and the added ones.
    /// `counted` says whether the rows are known to have as many columns as the client's list.
    pub(super) fn once_select(
        &self,
        target: &Target<'_>,
        columns: &[&LogicalColumn],
        counted: bool,
    ) -> String {
        let once = |column: &LogicalColumn| format!("{ONCE}.{}", name::quoted(&column.name));
        let own: Vec<String> = if !counted && columns.iter().all(|it| is_plain_write(it)) {
            vec![ALL_ONCE.to_owned()]
        } else {
            let stored = |column: &&LogicalColumn| {
                let value = once(column);
                column.put.first().map_or_else(|| value.clone(), |main| main.written(&value))
            };
            columns.iter().map(stored).collect()
        };
        let extras = target.extras.iter().map(|extra| {
            let (Value::Copy(_, column) | Value::Default(column)) = extra.value;
            extra.access.written(&once(column))
        });
        let items: Vec<String> = own.into_iter().chain(extras).collect();
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

    pub(super) fn needs_once(&self, target: &Target<'_>) -> bool {
        defaulted(target).any(is_volatile_default)
    }

    /// Whether a cell is the keyword DEFAULT.
    pub(super) fn is_default(&self, (start, end): Range) -> bool {
        let (first, behind) = (self.lexeme_at(start), self.lexeme_at(end));
        let tokens = self.lexemes.get(first..behind).unwrap_or_default();
        // Brackets around it mean nothing.
        let mut open = tokens.iter().skip_while(|lexeme| lexeme.token == Token::LParen);
        open.next().is_some_and(|lexeme| lexeme.is_word("default"))
            && open.all(|lexeme| lexeme.token == Token::RParen)
    }
}

/// Whether a value for a column stands first as it is.
pub(super) fn is_plain_write(column: &LogicalColumn) -> bool {
    column.put.first().is_none_or(|main| main.through.is_none())
}

/// Logical columns that the client left out and whose default must be spelled out.
pub(super) fn defaulted<'t>(target: &'t Target<'_>) -> impl Iterator<Item = &'t LogicalColumn> {
    let mut seen = BTreeSet::new();
    target.extras.iter().filter_map(move |extra| match extra.value {
        Value::Default(column) => seen.insert(column.name.as_str()).then_some(column),
        Value::Copy(..) => None,
    })
}

/// Column aliases of the derived table: the client's columns, then those that are defaulted.
pub(super) fn once_names(target: &Target<'_>, columns: &[&LogicalColumn]) -> Vec<String> {
    let own = columns.iter().map(|column| name::quoted(&column.name));
    own.chain(defaulted(target).map(|column| name::quoted(&column.name))).collect()
}

/// The word that stands for a column's own default.
pub(super) const DEFAULT: &str = "DEFAULT";

/// The text that stores a logical column's default in one of its physical columns.
pub(super) fn default_text(column: &LogicalColumn, access: &Access) -> String {
    match column.default_is_shared || access.is(&column.default_of) {
        true => DEFAULT.to_owned(),
        false => default_value(column, access),
    }
}

/// The same as an expression, which can stand in a select list too.
fn default_value(column: &LogicalColumn, access: &Access) -> String {
    access.written(column.default.as_ref().map_or("NULL", |default| &default.expression))
}

/// The expression for a physical column that the client left out.
pub(super) fn extra_default(extra: &Extra<'_>) -> String {
    let (Value::Default(column) | Value::Copy(_, column)) = extra.value;
    default_value(column, extra.access)
}

pub(super) fn is_volatile_default(column: &LogicalColumn) -> bool {
    column.default.as_ref().is_some_and(|default| default.volatility == Volatility::Volatile)
}
