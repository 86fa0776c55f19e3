//! Whole rows: `u`, `u.*` as a value, `row_to_json(u)`, `(u).username`.
//!
//! Where the table stands as a derived table, its row is just what the client expects. Elsewhere a
//! record of the logical columns stands for the row: `(SELECT u FROM (SELECT u.id, u.handle AS
//! username) AS u)`, which may stand in any expression. Sound: it has the same values under the
//! same names in the same order; it is NULL where an outer join left the row out.
//!
//! A record is not of the table's row type. Where that would show in the result, the answer's
//! column description is patched; where a function or a cast would see it, the statement is
//! refused.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, ObjectNamePart};

use super::extent::Range;
use super::occurrence::Stance;
use super::passed_row::is_subquery;
use super::star::Star;
use super::{Rewriter, Walk};
use crate::lens::Lens;
use crate::name;
use crate::refusal::Refusal;
use crate::scope::{self, Meaning};
use crate::statement::{end_byte, start_byte};

/// Functions that take a row of any type and show nothing of it but its columns.
pub(super) const TAKES_ANY_ROW: [&str; 16] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "json_agg",
    "jsonb_agg",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "json_object_agg",
    "jsonb_object_agg",
    "concat",
    "concat_ws",
    "format",
    "hash_record",
    "num_nulls",
];

/// A whole row in an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowUse {
    pub(super) occurrence: usize,
    /// Bytes of the reference, star included.
    pub(super) span: Range,
}

impl Rewriter<'_> {
    /// `relation.*` where it means the row itself. `end` is the byte behind the star.
    pub(super) fn starred_row(&mut self, qualifier: &ObjectName) -> Walk<()> {
        let parts = name::parts(qualifier).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let found = match names.as_slice() {
            [table] => scope::find(&self.levels, None, table),
            [.., schema, table] => scope::find(&self.levels, Some(schema), table),
            [] => None,
        };
        if !self.typeless_rows.contains(&start_byte(first.span)) {
            self.no_rows_starred(&parts)?;
        }
        let Some(occurrence) = found.and_then(|(source, _)| source.occurrence) else {
            return Ok(());
        };
        let start = start_byte(first.span);
        // Behind the name come a dot and the star.
        let star = self.lexeme(self.lexeme_at(end_byte(last.span)) + 1).map(|star| star.end);
        let end = star.unwrap_or_else(|| end_byte(last.span));
        self.row_use(occurrence, (start, end))
    }

    /// `ROW(u.*)`: the row's columns, spelled out like any star.
    pub(super) fn spelled_row(&mut self, qualifier: &ObjectName) -> Walk<()> {
        let parts = name::parts(qualifier).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
        self.no_rows_starred(&parts)?;
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let found = match names.as_slice() {
            [table] => scope::find(&self.levels, None, table),
            [.., schema, table] => scope::find(&self.levels, Some(schema), table),
            [] => None,
        };
        if let Some(occurrence) = found.and_then(|(source, _)| source.occurrence) {
            let star = self.lexeme(self.lexeme_at(end_byte(last.span)) + 1);
            let end = star.map_or_else(|| end_byte(last.span), |star| star.end);
            let span = (start_byte(first.span), end);
            self.stars.push(Star::values(span, occurrence));
        }
        Ok(())
    }

    /// The name that is all of an expression, if it means a governed table's whole row.
    pub(super) fn whole_row_name<'e>(&self, expression: &'e Expr) -> Option<&'e Ident> {
        let ident = match expression {
            Expr::Identifier(ident) => ident,
            Expr::Nested(inner) => return self.whole_row_name(inner),
            _ => return None,
        };
        match scope::unqualified(&self.levels, &self.occurrences, &name::folded(ident)) {
            Meaning::WholeRow { captors, .. } if captors.is_empty() => Some(ident),
            _ => None,
        }
    }

    /// Notes a whole row; refuses it where its type would be seen.
    pub(super) fn row_use(&mut self, occurrence: usize, span: Range) -> Walk<()> {
        let Some(found) = self.occurrences.get_mut(occurrence) else { return Ok(()) };
        // A row of a catalog is made one of its own type again.
        if found.lens.stands_as.is_some() {
            self.rows.push(RowUse { occurrence, span });
            return Ok(());
        }
        // A table that has just the columns that the client knows.
        if shows_physical_row(found.lens) {
            return Ok(());
        }
        if !self.typeless_rows.contains(&span.0) {
            let reason = "a whole row of the table's own type";
            return Err(Box::new(Refusal::no_derived_table(reason, found.lens)));
        }
        // A table's row keeps the table's names under an alias with columns, a derived table's not.
        if found.alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            let reason = "a whole row under a list of column aliases";
            return Err(Box::new(Refusal::no_derived_table(reason, found.lens)));
        }
        found.prefers_derived = true;
        self.rows.push(RowUse { occurrence, span });
        Ok(())
    }

    /// Puts records in the place of whole rows.
    pub(super) fn emit_rows(&mut self) {
        for RowUse { occurrence, span } in std::mem::take(&mut self.rows) {
            let Some(found) = self.occurrences.get(occurrence) else { continue };
            let reference = found.reference.clone();
            if let Some(text) = found.catalog_row() {
                let text = if self.is_selected_from(span.1) { format!("({text})") } else { text };
                self.edits.replace(span.0, span.1, vec![text.into()]);
                continue;
            }
            if found.stance == Stance::Derived {
                // A schema before the name means nothing any more.
                let text = self.slice(span);
                let short = text.ends_with('*').then(|| format!("{reference}.*"));
                if let Some(short) = short.filter(|short| text != short) {
                    self.edits.replace(span.0, span.1, vec![short.into()]);
                }
                continue;
            }
            let items = self.row_items(occurrence);
            let missing = match found.may_be_missing {
                true => format!(" WHERE {reference}.tableoid IS NOT NULL"),
                false => String::new(),
            };
            let text = format!(
                "(SELECT {reference} FROM (SELECT {}{missing}) AS {reference})",
                items.join(", ")
            );
            self.edits.replace(span.0, span.1, vec![text.into()]);
        }
    }

    /// The logical columns of an occurrence as items of a select list, qualified.
    pub(super) fn row_items(&self, occurrence: usize) -> Vec<String> {
        let Some(found) = self.occurrences.get(occurrence) else { return Vec::new() };
        let qualifier = format!("{}.", found.reference);
        let items = found.lens.shown().map(|column| self.star_item(occurrence, column, &qualifier));
        items.collect()
    }

    /// Notes that a whole row here may be of any row type: a record will do.
    pub(super) fn allow_any_row(&mut self, expression: &Expr) {
        match expression {
            Expr::Identifier(ident) => {
                self.typeless_rows.insert(start_byte(ident.span));
            }
            Expr::CompoundIdentifier(parts) => {
                self.typeless_rows.extend(parts.first().map(|first| start_byte(first.span)));
            }
            Expr::Subquery(query) => self.allow_operand(query),
            Expr::QualifiedWildcard(qualifier, _) => self.allow_any_starred_row(qualifier),
            Expr::Nested(inner) => self.allow_any_row(inner),
            _ => {}
        }
    }

    /// Notes the whole rows that an expression compares, or of which it asks whether they are there.
    pub(super) fn allow_compared_rows(&mut self, expression: &Expr) {
        match expression {
            Expr::IsNull(row) | Expr::IsNotNull(row) => self.allow_any_row(row),
            Expr::BinaryOp { left, op, right } if compares(op) => {
                self.allow_any_row(left);
                self.allow_any_row(right);
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.allow_any_row(left);
                self.allow_any_row(right);
            }
            Expr::InList { expr, list, .. } => {
                self.allow_any_row(expr);
                list.iter().for_each(|item| self.allow_any_row(item));
            }
            Expr::Between { expr, low, high, .. } => {
                [expr, low, high].into_iter().for_each(|it| self.allow_any_row(it));
            }
            Expr::InSubquery { expr, subquery, .. } => {
                self.allow_any_row(expr);
                self.allow_operand(subquery);
            }
            Expr::AnyOp { left, compare_op, right, .. }
            | Expr::AllOp { left, compare_op, right }
                if compares(compare_op) && is_subquery(right) =>
            {
                self.allow_any_row(left);
                self.allow_any_row(right);
            }
            Expr::Exists { subquery, .. } => self.allow_operand(subquery),
            _ => {}
        }
    }

    /// As `allow_any_row`, where a field is taken: PostgreSQL knows those of a relation's row, but not those
    /// of what a sub-select in an expression gives.
    pub(super) fn allow_any_relations_row(&mut self, expression: &Expr) {
        match expression {
            Expr::Nested(inner) => self.allow_any_relations_row(inner),
            Expr::Subquery(_) => {}
            other => self.allow_any_row(other),
        }
    }

    /// The same for `relation.*`.
    pub(super) fn allow_any_starred_row(&mut self, qualifier: &ObjectName) {
        if let Some(first) = qualifier.0.first().and_then(ObjectNamePart::as_ident) {
            self.typeless_rows.insert(start_byte(first.span));
        }
    }
}

/// Operators that compare two rows of any types.
fn compares(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

/// Whether the table has just the columns that the client knows.
pub(super) fn shows_physical_row(lens: &Lens) -> bool {
    !lens.hidden_exists && lens.shown().all(|column| column.get.is(&column.name))
}
