//! The SET list of an UPDATE whose rows are worked out first: its values become columns of theirs.
//!
//! `SET bio = $1, (first_name, avatar) = (SELECT f, a FROM forms WHERE …)` becomes `$1::text, (SELECT segue_set.c1 FROM
//! (SELECT f, a …) AS segue_set (c1, c2)), (SELECT segue_set.c2 FROM …)`. Sound: a query stands there only if it gives the same
//! however often it is asked, and PostgreSQL says if it gives several rows.

use sqlparser::ast::{Assignment, AssignmentTarget, Expr, Ident, Update};
use sqlparser::tokenizer::Token;

use super::apart::{Apart, Part};
use super::apart_values::is_untyped;
use super::extent::Range;
use super::insert_rows::DEFAULT;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::statement::start_byte;

/// A SET list.
pub(super) struct Assigned<'q, 'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// Its values, where they stand, and the columns that they are for.
    pub(super) values: Vec<(Given<'q>, Range, &'a LogicalColumn)>,
    /// Where the first value begins.
    pub(super) first: usize,
    /// Byte behind the list.
    pub(super) end: usize,
}

/// What a column is set to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'q> {
    Value(&'q Expr),
    /// Only a part of the column is set: what stands behind its name.
    Within(&'q Expr, Range),
    /// A column of a query: which one, and of how many.
    Column(usize, usize),
}

impl<'a> Rewriter<'a> {
    /// What a SET list stores in each table, from the CTE `rows`; leaves the values alone of its text.
    pub(super) fn set_apart<'q>(
        &mut self,
        update: &'q Update,
        set: usize,
        (apart, rows): (&Apart<'a>, &str),
    ) -> Walk<Assigned<'q, 'a>> {
        let extents = self.list(set + 1);
        let Some(end) = extents.last().map(|last| last.1) else {
            return self.refuse(Construct::Unreadable);
        };
        let mut assigned = Assigned { parts: Vec::new(), values: Vec::new(), first: end, end };
        for (assignment, extent) in update.assignments.iter().zip(&extents) {
            self.walk_pieces(extent.0, extent.1)?;
            self.expression(&assignment.value)?;
            let given = self.set_values(assignment, *extent, apart.lens)?;
            let (Some(start), Some(last)) =
                (given.first().map(|(.., cell)| cell.0), given.last().map(|(.., cell)| cell.1))
            else {
                return self.refuse_at(Construct::MovedAssignment, extent.0);
            };
            // What the first one's value stands behind goes with the statement's beginning.
            match assigned.values.is_empty() {
                true => assigned.first = start,
                false => self.edits.replace(extent.0, start, Vec::new()),
            }
            for (ident, value, cell) in given {
                self.set_one((ident, value, cell), (apart, rows), &mut assigned)?;
            }
            if last < extent.1 {
                self.edits.replace(last, extent.1, Vec::new());
            }
        }
        Ok(assigned)
    }

    /// The columns that an assignment names, each with what it is set to and where that stands.
    fn set_values<'q>(
        &self,
        assignment: &'q Assignment,
        extent: Range,
        lens: &Lens,
    ) -> Walk<Vec<(&'q Ident, Given<'q>, Range)>> {
        if let Some(within) = self.set_within(assignment, extent, lens)? {
            return Ok(vec![within]);
        }
        let (AssignmentTarget::Tuple(_), Expr::Subquery(query)) =
            (&assignment.target, &assignment.value)
        else {
            let cells = self.cells(assignment, extent, lens)?.into_iter();
            return Ok(cells
                .map(|(ident, value, cell)| (ident, Given::Value(value), cell))
                .collect());
        };
        let idents = self.set_columns(assignment, extent, lens)?;
        let width = idents.len();
        if self.known_width(query) != Some(width) || !self.gives_the_same(&assignment.value) {
            return self.refuse_at(Construct::MovedAssignment, extent.0);
        }
        let Some(start) = self.value_start(extent.0) else {
            return self.refuse(Construct::Unreadable);
        };
        let columns = idents.into_iter().enumerate();
        Ok(columns
            .map(|(at, ident)| (ident, Given::Column(at, width), (start, extent.1)))
            .collect())
    }

    /// A column of which an assignment names a part, with what that is set to.
    fn set_within<'q>(
        &self,
        assignment: &'q Assignment,
        extent: Range,
        lens: &Lens,
    ) -> Walk<Option<(&'q Ident, Given<'q>, Range)>> {
        let AssignmentTarget::ColumnName(column) = &assignment.target else { return Ok(None) };
        let parts = name::parts(column).unwrap_or_default();
        let Some((ident, column)) =
            parts.first().and_then(|it| Some((*it, lens.column(&name::folded(it))?)))
        else {
            return Ok(None);
        };
        let part = self.part_behind(ident);
        if part.0 == part.1 {
            return Ok(None);
        }
        let is_plain =
            self.is_constant(part) && column.put.iter().all(|access| access.through.is_none());
        let Some(start) = self.value_start(part.1).filter(|_| is_plain) else {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        };
        let value = (start, extent.1);
        // A row that has to be made in one of the old tables is made whole.
        if self.is_default(value) || lens.is_merged() {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        }
        Ok(Some((ident, Given::Within(&assignment.value, part), value)))
    }

    /// Whether subscripts and fields are the same in each statement where they stand.
    fn is_constant(&self, (start, end): Range) -> bool {
        let mut places = self.lexeme_at(start)..self.lexeme_at(end);
        places.all(|at| {
            let before = at.checked_sub(1).and_then(|before| self.lexeme(before));
            self.lexeme(at).is_some_and(|lexeme| match &lexeme.token {
                Token::LBracket | Token::RBracket | Token::Colon | Token::Period => true,
                Token::Number(..) | Token::Placeholder(_) => true,
                Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) => true,
                Token::Word(_) => before.is_some_and(|it| it.token == Token::Period),
                _ => false,
            })
        })
    }

    /// What stands around a value so that it has the type of that part of a column.
    fn typed_within(&self, value: &Expr, part: Range, column: &LogicalColumn) -> [String; 2] {
        match is_untyped(value) {
            true => [
                format!(
                    "CASE WHEN false THEN (NULL::{}){} ELSE ",
                    column.uncut_type,
                    self.slice(part)
                ),
                " END".to_owned(),
            ],
            false => [String::new(), String::new()],
        }
    }

    /// The columns that an assignment names, each with its value and where that stands.
    pub(super) fn cells<'q>(
        &self,
        assignment: &'q Assignment,
        extent: Range,
        lens: &Lens,
    ) -> Walk<Vec<(&'q Ident, &'q Expr, Range)>> {
        let idents = self.set_columns(assignment, extent, lens)?;
        let Some(start) = self.value_start(extent.0) else {
            return self.refuse(Construct::Unreadable);
        };
        let value = (start, extent.1);
        let cells = match &assignment.target {
            AssignmentTarget::ColumnName(_) => Some(vec![(&assignment.value, value)]),
            AssignmentTarget::Tuple(_) => self.row_cells(&assignment.value, value),
        };
        match cells {
            Some(cells) if idents.len() == cells.len() => {
                let both = idents.into_iter().zip(cells);
                Ok(both.map(|(ident, (value, cell))| (ident, value, cell)).collect())
            }
            _ => self.refuse_at(Construct::MovedAssignment, extent.0),
        }
    }

    fn set_columns<'q>(
        &self,
        assignment: &'q Assignment,
        extent: Range,
        lens: &Lens,
    ) -> Walk<Vec<&'q Ident>> {
        let columns = match &assignment.target {
            AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
            AssignmentTarget::Tuple(columns) => columns.as_slice(),
        };
        let mut idents = Vec::new();
        for column in columns {
            match name::parts(column).unwrap_or_default().as_slice() {
                [ident] => idents.push(*ident),
                // PostgreSQL takes what stands before a point for the column, and the rest for a field.
                [first, ..] if lens.column(&name::folded(first)).is_none() => {
                    return self.no_column_at(first, lens);
                }
                _ => return self.refuse_at(Construct::MovedAssignment, extent.0),
            }
        }
        Ok(idents)
    }

    /// Leaves of one value itself, as one of its column's type.
    fn set_one<'q>(
        &mut self,
        (ident, value, cell): (&Ident, Given<'q>, Range),
        (apart, rows): (&Apart<'a>, &str),
        assigned: &mut Assigned<'q, 'a>,
    ) -> Walk<()> {
        self.account(ident);
        let name = name::folded(ident);
        let Some(logical) = apart.lens.column(&name) else {
            return self.no_column_at(ident, apart.lens);
        };
        let within = self.part_behind(ident);
        let is_within = matches!(value, Given::Within(..));
        if assigned.values.iter().any(|(.., known)| std::ptr::eq(*known, logical)) {
            return match is_within {
                true => self.refuse_at(Construct::ColumnPart, start_byte(ident.span)),
                false => Err(Box::new(Refusal::assigned_again(&name))),
            };
        }
        if within.0 < within.1 && !is_within {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        }
        let is_computed = self.is_computed(cell, logical, apart.lens);
        match value {
            Given::Value(_) if is_computed => {
                self.edits.replace(cell.0, cell.1, vec!["NULL".into()]);
            }
            Given::Value(expression) => self.type_value(expression, cell, logical)?,
            Given::Within(expression, part) => {
                let [before, behind] = self.typed_within(expression, part, logical);
                self.edits.insert(cell.0, vec![before.into()]);
                self.edits.insert(cell.1, vec![behind.into()]);
            }
            Given::Column(0, width) => {
                self.edits.insert(cell.0, vec![asked_for(0).into()]);
                self.edits.insert(cell.1, vec![answered(width).into()]);
            }
            Given::Column(at, width) => {
                let more = [", ".into(), asked_for(at).into(), Piece::Copy(cell.0, cell.1)];
                let more = more.into_iter().chain([answered(width).into()]);
                self.edits.insert(cell.1, more.collect());
            }
        }
        let stored = format!("{rows}.{}", Apart::value(assigned.values.len()));
        assigned.values.push((value, cell, logical));
        for access in &logical.put {
            let part = part_of(&mut assigned.parts, access.beside);
            if part.values.iter().any(|(known, _)| *known == access.column) {
                return Err(Box::new(Refusal::assigned_twice(&name, apart.lens)));
            }
            let stored = match is_computed {
                true => DEFAULT.to_owned(),
                false => access.written(&stored),
            };
            part.values.push((&access.column, stored));
            if is_within {
                part.within.push((&access.column, self.slice(within).to_owned()));
            }
        }
        Ok(())
    }

    /// Whether a value is DEFAULT of a column that takes no other, or draws it: the table itself is told so.
    pub(super) fn is_computed(&self, cell: Range, column: &LogicalColumn, lens: &Lens) -> bool {
        (column.generated || column.identity) && !lens.is_merged() && self.is_default(cell)
    }

    /// What a column is set to, once more.
    pub(super) fn given_pieces(
        &self,
        value: Given<'_>,
        extent: Range,
        column: &LogicalColumn,
    ) -> Vec<Piece> {
        match value {
            Given::Value(expression) => self.typed_pieces(expression, extent, column),
            Given::Within(expression, part) => {
                let [before, behind] = self.typed_within(expression, part, column);
                vec![before.into(), Piece::Copy(extent.0, extent.1), behind.into()]
            }
            Given::Column(at, width) => {
                vec![asked_for(at).into(), Piece::Copy(extent.0, extent.1), answered(width).into()]
            }
        }
    }
}

/// What stands before a query of which that column is wanted.
fn asked_for(at: usize) -> String {
    format!("(SELECT segue_set.c{} FROM ", at + 1)
}

/// What stands behind it.
fn answered(width: usize) -> String {
    let names: Vec<String> = (1..=width).map(|at| format!("c{at}")).collect();
    format!(" AS segue_set ({}))", names.join(", "))
}

fn part_of<'p, 'a>(parts: &'p mut Vec<Part<'a>>, beside: Option<usize>) -> &'p mut Part<'a> {
    let at = match parts.iter().position(|part| part.beside == beside) {
        Some(at) => at,
        None => {
            parts.push(Part { beside, values: Vec::new(), within: Vec::new(), when: None });
            parts.len() - 1
        }
    };
    #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
    &mut parts[at]
}
