//! Which type a value has on its way from the rows that are worked out first to its column.
//!
//! What takes its type from its place is given its column's. Anything else keeps its own: the INSERT or UPDATE
//! behind assigns it then as the client's would, or fails as that would.

use sqlparser::ast::Expr;

use super::extent::Range;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name;

impl Rewriter<'_> {
    pub(super) fn type_value(
        &mut self,
        expression: &Expr,
        extent: Range,
        column: &LogicalColumn,
    ) -> Walk<()> {
        match self.is_default(extent) || takes_type(expression, column) {
            true => self.cast_cell(expression, extent, column),
            false => Ok(()),
        }
    }

    /// The same as pieces of their own.
    pub(super) fn typed_pieces(
        &self,
        expression: &Expr,
        extent: Range,
        column: &LogicalColumn,
    ) -> Vec<Piece> {
        match self.is_default(extent) || takes_type(expression, column) {
            true => self.cell_pieces(expression, extent, column),
            false => vec![Piece::Copy(extent.0, extent.1)],
        }
    }
}

/// A literal, a parameter or a row that is spelled out; and what is computed once more, of the value that the column has.
fn takes_type(expression: &Expr, column: &LogicalColumn) -> bool {
    column.put.iter().any(|access| access.through.is_some()) || is_untyped(expression)
}

pub(super) fn is_untyped(expression: &Expr) -> bool {
    match expression {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_untyped(inner),
        _ => is_row(expression),
    }
}

/// Whether it is a row that is spelled out: a record wherever it does not take its type from its place.
fn is_row(expression: &Expr) -> bool {
    match expression {
        Expr::Tuple(_) => true,
        Expr::Function(function) => {
            name::single(&function.name).is_some_and(|it| name::folded(it) == "row")
        }
        Expr::Nested(inner) => is_row(inner),
        _ => false,
    }
}

/// A value where it does not stand alone.
pub(super) fn beside_others(
    expression: &Expr,
    (start, end): Range,
    column: &LogicalColumn,
) -> Vec<Piece> {
    match is_row(expression) {
        true => {
            vec!["(".into(), Piece::Copy(start, end), format!(")::{}", column.uncut_type).into()]
        }
        false => vec![Piece::Copy(start, end)],
    }
}

/// Whether rows are told apart by it: two tables compare what one of them has stored with what it was given.
pub(super) fn is_in_key(lens: &Lens, column: &LogicalColumn) -> bool {
    let mut keys = lens.beside.iter().flat_map(|beside| &beside.key);
    keys.any(|(own, _)| column.put.iter().any(|access| access.is(own)))
}
