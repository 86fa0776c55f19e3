//! Which type a value has on its way from the rows that are worked out first to its column.
//!
//! What takes its type from its place is given its column's. Anything else keeps its own: the INSERT or UPDATE
//! behind assigns it then as the client's would, or fails as that would.

use sqlparser::ast::{Expr, Query, SetExpr};

use super::apart_insert::identity_value;
use super::extent::Range;
use super::insert::Target;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::refusal::Construct;

impl Rewriter<'_> {
    /// The places in a list of rows at which all of them say DEFAULT, of such columns.
    pub(super) fn says_default(
        &self,
        source: Option<&Query>,
        target: &Target<'_>,
        such: fn(&LogicalColumn) -> bool,
    ) -> Walk<Vec<usize>> {
        let Some(SetExpr::Values(values)) = source.map(|query| query.body.as_ref()) else {
            return Ok(Vec::new());
        };
        let rows = self.value_extents(values)?;
        let is_default = |at: usize| {
            let mut cells = rows.iter().map(|(_, cells)| cells.get(at));
            cells.all(|cell| cell.is_some_and(|cell| self.is_default(*cell)))
        };
        let columns = target.columns.iter().enumerate();
        let such = columns.filter(|(_, column)| column.is_some_and(such)).map(|(at, _)| at);
        Ok(such.filter(|at| is_default(*at)).collect())
    }

    /// Leaves values out of a row: those at the places `computed`. The others are given.
    pub(super) fn without(
        &mut self,
        cells: &[Range],
        computed: &[usize],
    ) -> Walk<Vec<Option<Range>>> {
        let mut kept = Vec::new();
        let mut end = None;
        for (at, cell) in cells.iter().enumerate() {
            if !computed.contains(&at) {
                end = Some(cell.1);
                kept.push(Some(*cell));
                continue;
            }
            let next = cells.get(at + 1).map(|next| next.0);
            let (start, end) = match (end.replace(cell.1), next) {
                // With the comma before it, or the one behind it if nothing is left before it.
                (Some(before), _) => (before, cell.1),
                (None, Some(next)) => {
                    end = None;
                    (cell.0, next)
                }
                (None, None) => return self.refuse_at(Construct::VolatileDefault, cell.0),
            };
            self.edits.replace(start, end, Vec::new());
            kept.push(None);
        }
        Ok(kept)
    }

    /// One value of a list of rows. `is_only`: of one row.
    pub(super) fn value_apart(
        &mut self,
        expression: &Expr,
        cell: Range,
        (column, lens): (&LogicalColumn, &Lens),
        is_only: bool,
    ) -> Walk<()> {
        if self.is_default(cell) && !lens.is_merged() {
            // Where other rows have a value for it PostgreSQL says that it takes none.
            let text = match (column.identity, column.generated) {
                (true, _) => Some(identity_value(&lens.relation, column)),
                (false, true) => Some(format!("NULL::{}", column.uncut_type)),
                (false, false) => None,
            };
            if let Some(text) = text {
                self.edits.replace(cell.0, cell.1, vec![text.into()]);
                return Ok(());
            }
        }
        // Rows of one list have one type for each column.
        match is_only && !is_in_key(lens, column) {
            true => self.type_value(expression, cell, column),
            false => self.cast_cell(expression, cell, column),
        }
    }

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

/// Whether a query is one row of that many values.
pub(super) fn is_one_row_of(query: &Query, width: usize) -> bool {
    let SetExpr::Values(values) = query.body.as_ref() else { return false };
    let [row] = values.rows.as_slice() else { return false };
    query.with.is_none() && row.content.len() == width
}
