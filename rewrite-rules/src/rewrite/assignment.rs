//! SET lists of UPDATE and of ON CONFLICT DO UPDATE.

use std::collections::BTreeMap;

use sqlparser::ast::{Assignment, AssignmentTarget, Expr, Ident, ObjectName};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::insert_rows::{DEFAULT, default_text, is_volatile_default};
use super::{Rewriter, Walk};
use crate::edit::stored;
use crate::lens::{Access, Lens, LogicalColumn};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::statement::{end_byte, start_byte};

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
            self.walk_pieces(extent.0, extent.1)?;
            self.expression(&assignment.value)?;
            match (&assignment.target, lens) {
                (AssignmentTarget::ColumnName(column), None) => self.account_name(column),
                (AssignmentTarget::Tuple(columns), None) => {
                    columns.iter().for_each(|column| self.account_name(column));
                }
                (AssignmentTarget::ColumnName(column), Some(lens)) => {
                    let ident = self.assigned(column)?;
                    if let Some(logical) = lens.column(&name::folded(ident)) {
                        note_written(logical, lens, &mut written)?;
                        self.assign(ident, logical, &assignment.value, extent, target)?;
                    }
                }
                (AssignmentTarget::Tuple(columns), Some(lens)) => {
                    let mut logicals = Vec::new();
                    for column in columns {
                        let ident = self.assigned(column)?;
                        let logical = lens.column(&name::folded(ident));
                        if let Some(logical) = logical {
                            note_written(logical, lens, &mut written)?;
                            self.whole_or_single(ident, logical)?;
                        }
                        logicals.push((ident, logical));
                    }
                    self.assign_row(&logicals, &assignment.value, extent, target)?;
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

    /// The assigned column; the names behind it are fields of its type.
    pub(super) fn assigned<'o>(&mut self, column: &'o ObjectName) -> Walk<&'o Ident> {
        let parts = name::parts(column).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        parts.first().copied().map_or_else(|| self.refuse(Construct::Unreadable), Ok)
    }

    /// `username = e` → `username = e, handle = e`.
    pub(super) fn assign(
        &mut self,
        ident: &Ident,
        logical: &'a LogicalColumn,
        value: &Expr,
        extent: Range,
        target: Option<usize>,
    ) -> Walk<()> {
        let part = self.part_behind(ident);
        if part.0 < part.1 {
            return self.assign_part(ident, logical, value, part, extent);
        }
        let Some((main, more)) = logical.put.split_first() else { return Ok(()) };
        let names = (start_byte(ident.span), end_byte(ident.span));
        let Some(value_start) = self.value_start(names.1) else {
            return self.refuse(Construct::Unreadable);
        };
        let cell = (value_start, extent.1);
        if self.is_default(cell) {
            self.assign_default(ident, logical, cell, target);
            return Ok(());
        }
        let uses = logical.uses();
        if uses > 1 && !self.may_repeat(value) {
            self.assign_columns(names, logical);
            let (head, tail) = self.once_around(logical, target);
            self.edits.insert(cell.0, vec![head.into()]);
            self.edits.insert(cell.1, vec![tail.into()]);
            return Ok(());
        }
        self.rename(ident, main);
        self.edits.store(self.text, main, cell);
        for access in more {
            let mut pieces = vec![format!(", {} = ", name::quoted(&access.column)).into()];
            pieces.extend(stored(self.text, access, cell));
            self.edits.insert(extent.1, pieces);
        }
        Ok(())
    }

    /// `username = DEFAULT`.
    fn assign_default(
        &mut self,
        ident: &Ident,
        logical: &LogicalColumn,
        cell: Range,
        target: Option<usize>,
    ) {
        let names = (start_byte(ident.span), end_byte(ident.span));
        if !logical.default_is_shared && is_volatile_default(logical) && logical.put.len() > 1 {
            self.assign_columns(names, logical);
            let (head, tail) = self.once_around(logical, target);
            let default = logical.default.as_ref().map_or("NULL", |default| &default.expression);
            self.edits.replace(cell.0, cell.1, vec![format!("{head}{default}{tail}").into()]);
            return;
        }
        let Some((main, more)) = logical.put.split_first() else { return };
        self.rename(ident, main);
        let text = default_text(logical, main);
        if text != DEFAULT {
            self.edits.replace(cell.0, cell.1, vec![text.into()]);
        }
        for access in more {
            let column = name::quoted(&access.column);
            let text = format!(", {column} = {}", default_text(logical, access));
            self.edits.insert(cell.1, vec![text.into()]);
        }
    }

    /// The assigned column's name becomes that of a physical column.
    pub(super) fn rename(&mut self, ident: &Ident, access: &Access) {
        if access.column != name::folded(ident) {
            let (start, end) = (start_byte(ident.span), end_byte(ident.span));
            self.edits.replace(start, end, vec![name::quoted(&access.column).into()]);
        }
    }

    /// The columns of a volatile value, evaluated once per row and stored in each column.
    fn assign_columns(&mut self, names: Range, logical: &LogicalColumn) {
        let columns: Vec<String> =
            logical.put.iter().map(|access| name::quoted(&access.column)).collect();
        self.edits.replace(names.0, names.1, vec![format!("({})", columns.join(", ")).into()]);
    }

    /// What stands before and behind such a value.
    ///
    /// Without the reference to the row PostgreSQL would evaluate it once for the whole statement.
    fn once_around(&self, logical: &LogicalColumn, target: Option<usize>) -> (String, String) {
        let values: Vec<String> = logical.put.iter().map(|access| access.written("v")).collect();
        let row = self.row_of(target);
        (
            format!("(SELECT {} FROM (SELECT ", values.join(", ")),
            format!(" AS v WHERE {row}.ctid IS NOT NULL OFFSET 0) s)"),
        )
    }

    /// How SQL text refers to the row that is written.
    pub(super) fn row_of(&self, target: Option<usize>) -> String {
        let row = target.and_then(|at| self.occurrences.get(at));
        row.map(|found| found.reference.clone()).unwrap_or_default()
    }

    /// Byte offset of the value behind the `=` that follows `byte`.
    pub(super) fn value_start(&self, byte: usize) -> Option<usize> {
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

/// Each physical column of each table can be assigned under one name; twice under the same one is for
/// PostgreSQL to report.
pub(super) fn note_written<'l>(
    logical: &'l LogicalColumn,
    lens: &Lens,
    written: &mut BTreeMap<(Option<usize>, &'l str), &'l str>,
) -> Walk<()> {
    for physical in &logical.put {
        let before = written.insert((physical.beside, &physical.column), &logical.name);
        if before.is_some_and(|name| name != logical.name) {
            return Err(Box::new(Refusal::assigned_twice(&logical.name, lens)));
        }
    }
    Ok(())
}
