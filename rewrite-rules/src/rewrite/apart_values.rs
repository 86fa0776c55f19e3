//! Which type a value has on its way from the rows that are worked out first to its column.
//!
//! What takes its type from its place is given its column's. Anything else keeps its own: the INSERT or UPDATE
//! behind assigns it then as the client's would, or fails as that would.

use sqlparser::ast::Expr;

use super::extent::Range;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};

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

/// A literal or parameter; and what is computed once more, of the value that the column has.
fn takes_type(expression: &Expr, column: &LogicalColumn) -> bool {
    column.put.iter().any(|access| access.through.is_some()) || is_untyped(expression)
}

fn is_untyped(expression: &Expr) -> bool {
    match expression {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_untyped(inner),
        _ => false,
    }
}

/// Whether rows are told apart by it: two tables compare what one of them has stored with what it was given.
pub(super) fn is_in_key(lens: &Lens, column: &LogicalColumn) -> bool {
    let mut keys = lens.beside.iter().flat_map(|beside| &beside.key);
    keys.any(|(own, _)| column.put.iter().any(|access| access.is(own)))
}
