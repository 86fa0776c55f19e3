//! ORDER BY, DISTINCT ON and GROUP BY: where a bare name may be an output label.

use sqlparser::ast::{Expr, GroupByExpr, Ident, OrderBy, OrderByKind};

use super::query::Output;
use super::reference::Qualifier;
use super::{Rewriter, Walk};
use crate::lens::LogicalColumn;
use crate::name;
use crate::refusal::Construct;
use crate::scope::Columns;
use crate::statement::{end_byte, start_byte};

impl Rewriter<'_> {
    /// ORDER BY of a set operation: only output labels can stand there.
    pub(super) fn order_by_labels_only(&mut self, order_by: Option<&OrderBy>) -> Walk<()> {
        let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = order_by else {
            return Ok(());
        };
        for key in keys {
            match bare_name(&key.expr) {
                Some(label) => self.account(label),
                None => self.expression(&key.expr)?,
            }
        }
        Ok(())
    }

    pub(super) fn order_by(
        &mut self,
        order_by: Option<&OrderBy>,
        outputs: &[Option<Output<'_>>],
    ) -> Walk<()> {
        match order_by.map(|order_by| &order_by.kind) {
            None => Ok(()),
            Some(OrderByKind::All(_)) => self.refuse(Construct::NotPostgres("ORDER BY ALL")),
            Some(OrderByKind::Expressions(keys)) => {
                keys.iter().try_for_each(|key| self.sort_key(&key.expr, outputs))
            }
        }
    }

    /// A key of ORDER BY or DISTINCT ON: a bare name is an output label first.
    pub(super) fn sort_key(&mut self, key: &Expr, outputs: &[Option<Output<'_>>]) -> Walk<()> {
        self.allow_passed(key);
        let Some(ident) = bare_name(key) else { return self.expression(key) };
        let wanted = name::folded(ident);
        let alone = self.is_alone();
        // A column under its own name: the same thing whether it is taken for the label or not.
        let is_the_column = |output: &Output<'_>| match output.expression {
            Some(Expr::Identifier(column)) => name::folded(column) == wanted,
            Some(Expr::CompoundIdentifier(parts)) => {
                alone && parts.last().is_some_and(|column| name::folded(column) == wanted)
            }
            None => alone,
            Some(_) => false,
        };
        // Records sort as rows of the table's type do.
        let is_row = self.whole_row_name(key).is_some();
        let mut labelled = outputs.iter().flatten().filter(|it| it.name == wanted).peekable();
        if labelled.peek().is_none() {
            if is_row {
                self.allow_any_row(key);
            }
            self.unlabelled_key(key, outputs)
        } else if !is_row && labelled.all(is_the_column) {
            self.sort_column(ident, outputs)
        } else {
            self.account(ident);
            Ok(())
        }
    }

    /// A bare name that is no output label must not become one when it changes.
    fn unlabelled_key(&mut self, key: &Expr, outputs: &[Option<Output<'_>>]) -> Walk<()> {
        let before = self.references.len();
        self.expression(key)?;
        let Some(reference) = self.references.get(before) else { return Ok(()) };
        let lens = self.occurrences.get(reference.occurrence).map(|found| found.lens);
        let column = lens.and_then(|lens| lens.column(&reference.column));
        let physical =
            column.map(LogicalColumn::own).filter(|it| it.through.is_none()).map(|it| &it.column);
        let captured = outputs.iter().flatten().any(|output| Some(&output.name) == physical);
        if captured && let Some(reference) = self.references.get_mut(before) {
            reference.qualifier = Qualifier::Always;
        }
        Ok(())
    }

    /// Records are sorted and grouped as rows of the table's type are.
    fn allow_passed(&mut self, key: &Expr) {
        if self.passed(key).is_some() {
            self.allow_any_row(key);
        }
    }

    /// Whether the innermost level has one relation only.
    fn is_alone(&self) -> bool {
        self.levels.last().is_some_and(|level| level.sources.len() == 1)
    }

    /// A sort key that is a column of FROM, kept apart from labels that have its physical name.
    fn sort_column(&mut self, ident: &Ident, outputs: &[Option<Output<'_>>]) -> Walk<()> {
        let before = self.references.len();
        self.column(ident)?;
        let Some(reference) = self.references.get(before).cloned() else { return Ok(()) };
        let lens = self.occurrences.get(reference.occurrence).map(|found| found.lens);
        let column = lens.and_then(|lens| lens.column(&reference.column));
        let physical =
            column.map(LogicalColumn::own).filter(|it| it.through.is_none()).map(|it| &it.column);
        let captured = outputs
            .iter()
            .flatten()
            .any(|output| Some(&output.name) == physical && output.name != reference.column);
        if captured {
            self.account(ident);
            self.references.truncate(before);
        }
        Ok(())
    }

    /// GROUP BY: a bare name is an input column first, an output label only if there is none.
    pub(super) fn group_by(
        &mut self,
        group_by: &GroupByExpr,
        outputs: &[Option<Output<'_>>],
    ) -> Walk<()> {
        let (items, modifiers) = match group_by {
            GroupByExpr::All(_) => return self.refuse(Construct::NotPostgres("GROUP BY ALL")),
            GroupByExpr::Expressions(items, modifiers) => (items, modifiers),
        };
        if !modifiers.is_empty() {
            return self.refuse(Construct::NotPostgres("a modifier of GROUP BY"));
        }
        for item in items {
            match item {
                Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                    for element in sets.iter().flatten() {
                        self.grouping_element(element, outputs)?;
                    }
                }
                element => self.grouping_element(element, outputs)?,
            }
        }
        Ok(())
    }

    fn grouping_element(&mut self, element: &Expr, outputs: &[Option<Output<'_>>]) -> Walk<()> {
        self.allow_passed(element);
        let Some(ident) = bare_name(element) else { return self.expression(element) };
        let wanted = name::folded(ident);
        let position = outputs
            .iter()
            .position(|output| output.as_ref().is_some_and(|output| output.name == wanted));
        // A label that only a hidden physical column would take precedence over.
        if let Some(position) = position
            && !self.is_input_column(&wanted)
            && outputs.iter().take(position).all(Option::is_some)
        {
            self.account(ident);
            if self.is_hidden_column(&wanted) {
                let (start, end) = (start_byte(ident.span), end_byte(ident.span));
                self.edits.replace(start, end, vec![(position + 1).to_string().into()]);
            }
            return Ok(());
        }
        self.expression(element)
    }

    /// Whether a relation of the innermost level has that column in the old shape.
    pub(super) fn is_input_column(&self, column: &str) -> bool {
        self.levels.last().is_some_and(|level| {
            level.sources.iter().any(|source| match &source.columns {
                Columns::Known(names) => names.iter().any(|name| name == column),
                Columns::Unknown => false,
            })
        })
    }

    fn is_hidden_column(&self, column: &str) -> bool {
        let occurrences = self.levels.last().into_iter().flat_map(|level| &level.sources);
        occurrences
            .filter_map(|source| self.occurrences.get(source.occurrence?))
            .any(|occurrence| occurrence.lens.hidden.iter().any(|hidden| hidden == column))
    }
}

/// The name that is all of a key. Brackets around it mean nothing: PostgreSQL drops them first.
pub(super) fn bare_name(key: &Expr) -> Option<&Ident> {
    match key {
        Expr::Identifier(ident) => Some(ident),
        Expr::Nested(inner) => bare_name(inner),
        _ => None,
    }
}
