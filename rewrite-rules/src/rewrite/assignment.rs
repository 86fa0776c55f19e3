//! SET lists of UPDATE and of ON CONFLICT DO UPDATE.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, SelectItem, SetExpr,
};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::insert::Value;
use super::insert_rows::{default_text, is_volatile_default};
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::statement::{end_byte, start_byte};
use crate::volatility::may_repeat;

impl<'a> Rewriter<'a> {
    /// Rewrites a SET list that begins at token `first` and assigns to `target`.
    pub(super) fn assignments(
        &mut self,
        assignments: &[Assignment],
        first: usize,
        target: Option<usize>,
    ) -> Walk<()> {
        let extents = self.list(first);
        if extents.len() != assignments.len() {
            return self.refuse(Construct::Unreadable);
        }
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        let mut written = BTreeMap::new();
        for (assignment, extent) in assignments.iter().zip(extents) {
            self.expression(&assignment.value)?;
            match (&assignment.target, lens) {
                (AssignmentTarget::ColumnName(column), None) => self.account_name(column),
                (AssignmentTarget::Tuple(columns), None) => {
                    columns.iter().for_each(|column| self.account_name(column));
                }
                (AssignmentTarget::ColumnName(column), Some(lens)) => {
                    let ident = self.assigned(column, lens)?;
                    if let Some(logical) = lens.column(&name::folded(ident)) {
                        note_written(logical, lens, &mut written)?;
                        self.assign(ident, logical, &assignment.value, extent, target)?;
                    }
                }
                (AssignmentTarget::Tuple(columns), Some(lens)) => {
                    let mut logicals = Vec::new();
                    for column in columns {
                        let ident = self.assigned(column, lens)?;
                        let logical = lens.column(&name::folded(ident));
                        if let Some(logical) = logical {
                            note_written(logical, lens, &mut written)?;
                        }
                        logicals.push((ident, logical));
                    }
                    self.assign_row(&logicals, &assignment.value, extent)?;
                }
            }
        }
        Ok(())
    }

    fn account_name(&mut self, written: &ObjectName) {
        for part in name::parts(written).unwrap_or_default() {
            self.account(part);
        }
    }

    /// The assigned column; a field of a governed one cannot be assigned on its own.
    fn assigned<'o>(&mut self, column: &'o ObjectName, lens: &Lens) -> Walk<&'o Ident> {
        let parts = name::parts(column).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        let Some(first) = parts.first() else { return self.refuse(Construct::Unreadable) };
        let plain = |ident: &&Ident| {
            lens.column(&name::folded(ident)).is_none_or(|logical| logical.is_plain())
        };
        if parts.len() > 1 && !parts.iter().all(plain) {
            return self.refuse_at(Construct::UnknownPlace, start_byte(first.span));
        }
        Ok(first)
    }

    /// `username = e` → `username = e, handle = e`.
    fn assign(
        &mut self,
        ident: &Ident,
        logical: &'a LogicalColumn,
        value: &Expr,
        extent: Range,
        target: Option<usize>,
    ) -> Walk<()> {
        let (Some(main), more) = (logical.put.first(), logical.put.iter().skip(1)) else {
            return Ok(());
        };
        let more: Vec<String> = more.map(|column| name::quoted(column)).collect();
        let names = (start_byte(ident.span), end_byte(ident.span));
        let Some(value_start) = self.value_start(names.1) else {
            return self.refuse(Construct::Unreadable);
        };
        let cell = (value_start, extent.1);
        let is_default = self.is_default(cell);
        let repeatable = if is_default {
            logical.default_is_shared || !is_volatile_default(logical)
        } else {
            may_repeat(value, self.generation.catalog())
        };
        if more.is_empty() || repeatable {
            if *main != name::folded(ident) {
                self.edits.replace(names.0, names.1, vec![name::quoted(main).into()]);
            }
            for column in more {
                let copy = if is_default {
                    default_text(Value::Default(logical)).into()
                } else {
                    Piece::Copy(cell.0, cell.1)
                };
                self.edits.insert(extent.1, vec![format!(", {column} = ").into(), copy]);
            }
            return Ok(());
        }
        self.assign_once(names, logical, cell, is_default, target);
        Ok(())
    }

    /// A volatile value, evaluated once per row and stored in each column.
    ///
    /// Without the reference to the row PostgreSQL would evaluate it once for the whole statement.
    fn assign_once(
        &mut self,
        names: Range,
        logical: &LogicalColumn,
        cell: Range,
        is_default: bool,
        target: Option<usize>,
    ) {
        let row = target.and_then(|at| self.occurrences.get(at));
        let row = row.map(|found| found.reference.clone()).unwrap_or_default();
        let columns: Vec<String> = logical.put.iter().map(|column| name::quoted(column)).collect();
        let values = vec!["v"; columns.len()];
        self.edits.replace(names.0, names.1, vec![format!("({})", columns.join(", ")).into()]);
        let head = format!("(SELECT {} FROM (SELECT ", values.join(", "));
        let tail = format!(" AS v WHERE {row}.ctid IS NOT NULL OFFSET 0) s)");
        if is_default {
            let default = logical.default.as_ref().map_or("NULL", |default| &default.expression);
            let text = format!("{head}{default}{tail}");
            self.edits.replace(cell.0, cell.1, vec![text.into()]);
        } else {
            self.edits.insert(cell.0, vec![head.into()]);
            self.edits.insert(cell.1, vec![tail.into()]);
        }
    }

    /// `(a, b) = (x, y)`, `= ROW (x, y)` or `= (SELECT x, y …)`.
    fn assign_row(
        &mut self,
        targets: &[(&Ident, Option<&'a LogicalColumn>)],
        value: &Expr,
        extent: Range,
    ) -> Walk<()> {
        let mut more: Vec<(String, usize)> = Vec::new();
        for (index, (ident, logical)) in targets.iter().enumerate() {
            let Some(logical) = logical else { continue };
            if let Some(main) = logical.put.first()
                && *main != name::folded(ident)
            {
                let (start, end) = (start_byte(ident.span), end_byte(ident.span));
                self.edits.replace(start, end, vec![name::quoted(main).into()]);
            }
            more.extend(logical.put.iter().skip(1).map(|column| (name::quoted(column), index)));
        }
        if more.is_empty() {
            return Ok(());
        }
        let open = self.lexeme_at(extent.0);
        let close = self.behind_brackets(open).checked_sub(1).and_then(|at| self.lexeme(at));
        let Some(close) = close.map(|close| close.start) else {
            return self.refuse(Construct::Unreadable);
        };
        let Some((list, values)) = self.row_values(value, close) else {
            return self.refuse_at(Construct::RowAssignment, extent.0);
        };
        let mut pieces = Vec::new();
        for (_, index) in &more {
            let catalog = self.generation.catalog();
            let item = values.get(*index).filter(|item| may_repeat(item, catalog));
            let range = list.get(*index).filter(|range| !self.is_default(**range));
            let (Some(_), Some(range)) = (item, range) else {
                return self.refuse_at(Construct::RowAssignment, extent.0);
            };
            pieces.extend([Piece::from(", "), Piece::Copy(range.0, range.1)]);
        }
        if let Some((_, end)) = list.last() {
            self.edits.insert(*end, pieces);
        }
        let columns: String = more.iter().map(|(column, _)| format!(", {column}")).collect();
        self.edits.insert(close, vec![columns.into()]);
        Ok(())
    }

    /// The items of a row's source and where they stand; the targets' list closes at `close`.
    fn row_values<'e>(&self, value: &'e Expr, close: usize) -> Option<(Vec<Range>, Vec<&'e Expr>)> {
        let start = self.lexeme_at(self.value_start(close)?);
        match value {
            Expr::Tuple(items) => {
                let row = self.lexeme(start).is_some_and(|lexeme| lexeme.is_word("row"));
                let list = self.list(start + 1 + usize::from(row));
                (list.len() == items.len()).then(|| (list, items.iter().collect()))
            }
            Expr::Function(function) => {
                let row = name::single(&function.name).map(name::folded)? == "row";
                let FunctionArguments::List(arguments) = &function.args else { return None };
                let items: Option<Vec<&Expr>> = arguments
                    .args
                    .iter()
                    .map(|argument| match argument {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(item)) => Some(item),
                        FunctionArg::Unnamed(_)
                        | FunctionArg::Named { .. }
                        | FunctionArg::ExprNamed { .. } => None,
                    })
                    .collect();
                let list = self.list(start + 2);
                items.filter(|items| row && items.len() == list.len()).map(|items| (list, items))
            }
            Expr::Subquery(query) => {
                let SetExpr::Select(select) = query.body.as_ref() else { return None };
                let first = self.select_list_start(start_byte(select.select_token.0.span));
                let list = self.list(first);
                let items: Option<Vec<&Expr>> = select
                    .projection
                    .iter()
                    .map(|item| match item {
                        SelectItem::UnnamedExpr(expression) => Some(expression),
                        SelectItem::ExprWithAlias { .. }
                        | SelectItem::ExprWithAliases { .. }
                        | SelectItem::QualifiedWildcard(..)
                        | SelectItem::Wildcard(_) => None,
                    })
                    .collect();
                items.filter(|items| items.len() == list.len()).map(|items| (list, items))
            }
            _ => None,
        }
    }

    /// Byte offset of the value behind the `=` that follows `byte`.
    fn value_start(&self, byte: usize) -> Option<usize> {
        let from = self.lexeme_at(byte);
        let equals = self
            .lexemes
            .iter()
            .enumerate()
            .skip(from)
            .find(|(_, lexeme)| lexeme.token == Token::Eq)
            .map(|(index, _)| index)?;
        self.lexeme(equals + 1).map(|value| value.start)
    }
}

/// Each physical column can be assigned under one name; twice under the same one is for
/// PostgreSQL to report.
pub(super) fn note_written<'l>(
    logical: &'l LogicalColumn,
    lens: &Lens,
    written: &mut BTreeMap<&'l str, &'l str>,
) -> Walk<()> {
    for physical in &logical.put {
        let before = written.insert(physical, &logical.name);
        if before.is_some_and(|name| name != logical.name) {
            return Err(Box::new(Refusal::assigned_twice(&logical.name, lens)));
        }
    }
    Ok(())
}
