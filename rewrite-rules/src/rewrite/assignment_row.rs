//! `SET (a, b) = (x, y)`, `= ROW (x, y)` and `= (SELECT x, y …)`.
//!
//! Where every value that must be written twice may be repeated, its column and its item are added
//! to both lists. Otherwise the row is evaluated once, in a derived table, and its columns are used
//! as often as needed.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, SelectItem, SetExpr,
};

use super::extent::Range;
use super::insert_rows::{
    ALL_ONCE, DEFAULT, ONCE, cast_type, default_text, is_plain_write, is_volatile_default,
};
use super::{Rewriter, Walk};
use crate::edit::{Piece, stored};
use crate::lens::{Access, LogicalColumn};
use crate::name;
use crate::refusal::Construct;
use crate::statement::start_byte;

/// The row that is assigned.
struct Row<'e> {
    /// Where its items stand.
    extents: Vec<Range>,
    items: Vec<&'e Expr>,
    /// Whether it is a sub-select.
    query: bool,
    /// Bytes of all of it.
    extent: Range,
}

/// One assigned column: as it is written, and what it means.
type Assigned<'i, 'l> = (&'i Ident, Option<&'l LogicalColumn>);

impl<'a> Rewriter<'a> {
    /// Rewrites one assignment of a row.
    pub(super) fn assign_row(
        &mut self,
        targets: &[Assigned<'_, 'a>],
        value: &Expr,
        extent: Range,
        target: Option<usize>,
    ) -> Walk<()> {
        for (ident, logical) in targets {
            if let Some(main) = logical.and_then(|logical| logical.put.first()) {
                self.rename(ident, main);
            }
        }
        let plain = |access: &Access| access.through.is_none();
        let untouched = targets.iter().all(|(_, logical)| {
            logical.is_none_or(|logical| matches!(logical.put.as_slice(), [only] if plain(only)))
        });
        if untouched {
            return Ok(());
        }
        let open = self.lexeme_at(extent.0);
        let close = self.behind_brackets(open).checked_sub(1).and_then(|at| self.lexeme(at));
        let Some(close) = close.map(|close| close.start) else {
            return self.refuse(Construct::Unreadable);
        };
        let Some(start) = self.value_start(close) else {
            return self.refuse(Construct::Unreadable);
        };
        let row = self.row(value, (start, extent.1));
        // PostgreSQL says how many items there should be.
        if row.as_ref().is_some_and(|row| row.items.len() != targets.len()) {
            return Ok(());
        }
        let more: String = targets
            .iter()
            .filter_map(|(_, logical)| *logical)
            .flat_map(|logical| logical.put.iter().skip(1))
            .map(|access| format!(", {}", name::quoted(&access.column)))
            .collect();
        if !more.is_empty() {
            self.edits.insert(close, vec![more.into()]);
        }
        match row {
            Some(row) if self.may_repeat_row(targets, &row) => {
                self.repeat_row(targets, &row);
                Ok(())
            }
            Some(row) if !row.query => self.once_row(targets, &row, target),
            _ => match value {
                Expr::Subquery(query) => {
                    if self.known_width(query).is_some_and(|width| width != targets.len()) {
                        return self.refuse_at(Construct::RowAssignment, extent.0);
                    }
                    self.once_query(targets, (start, extent.1));
                    Ok(())
                }
                _ => self.refuse_at(Construct::RowAssignment, extent.0),
            },
        }
    }

    /// Whether each item that is needed twice may be evaluated twice.
    fn may_repeat_row(&self, targets: &[Assigned<'_, '_>], row: &Row<'_>) -> bool {
        let cells = row.items.iter().zip(&row.extents);
        targets.iter().zip(cells).all(|((_, logical), (item, extent))| {
            let Some(logical) = logical else { return true };
            let uses = logical.uses();
            match self.is_default(*extent) {
                true => logical.default_is_shared || !is_volatile_default(logical),
                false => uses <= 1 || self.may_repeat(item),
            }
        })
    }

    fn repeat_row(&mut self, targets: &[Assigned<'_, 'a>], row: &Row<'_>) {
        let mut added = Vec::new();
        for ((_, logical), extent) in targets.iter().zip(&row.extents) {
            let Some((logical, (main, more))) =
                logical.and_then(|logical| Some((logical, logical.put.split_first()?)))
            else {
                continue;
            };
            let is_default = self.is_default(*extent);
            if is_default {
                let text = default_text(logical, main);
                if text != DEFAULT {
                    self.edits.replace(extent.0, extent.1, vec![text.into()]);
                }
            } else {
                self.edits.store(self.text, main, *extent);
            }
            for access in more {
                added.push(Piece::from(", "));
                match is_default {
                    true => added.push(default_text(logical, access).into()),
                    false => added.extend(stored(self.text, access, *extent)),
                }
            }
        }
        if let Some((_, end)) = row.extents.last() {
            self.edits.insert(*end, added);
        }
    }

    /// `(SELECT s.a, s.b, s.b FROM (SELECT (x)::type, (y)::type WHERE row.ctid IS NOT NULL
    /// OFFSET 0) s(a, b))`.
    fn once_row(
        &mut self,
        targets: &[Assigned<'_, 'a>],
        row: &Row<'_>,
        target: Option<usize>,
    ) -> Walk<()> {
        let (Some((first, _)), Some((_, last))) = (row.extents.first(), row.extents.last()) else {
            return self.refuse(Construct::Unreadable);
        };
        let (first, last) = (*first, *last);
        for (((_, logical), extent), item) in targets.iter().zip(&row.extents).zip(&row.items) {
            let Some(logical) = logical else {
                return self.refuse_at(Construct::RowAssignment, row.extent.0);
            };
            let cast = format!(")::{}", cast_type(item, logical));
            if !self.is_default(*extent) {
                self.edits.insert(extent.0, vec!["(".into()]);
                self.edits.insert(extent.1, vec![cast.into()]);
                continue;
            }
            if logical.generated || logical.identity {
                return self.refuse_at(Construct::VolatileDefault, extent.0);
            }
            let default = logical.default.as_ref().map_or("NULL", |default| &default.expression);
            self.edits.replace(extent.0, extent.1, vec![format!("({default}{cast}").into()]);
        }
        let (select, names) = once_lists(targets, true);
        let head = format!("(SELECT {select} FROM (SELECT ");
        let tail =
            format!(" WHERE {}.ctid IS NOT NULL OFFSET 0) {ONCE}({names}))", self.row_of(target));
        self.edits.replace(row.extent.0, first, vec![head.into()]);
        self.edits.replace(last, row.extent.1, vec![tail.into()]);
        Ok(())
    }

    /// `(SELECT s.a, s.b, s.b FROM (SELECT * FROM (the client's query) q OFFSET 0) s(a, b))`.
    /// How many columns the query gives is not known.
    fn once_query(&mut self, targets: &[Assigned<'_, 'a>], (start, end): Range) {
        let (select, names) = once_lists(targets, false);
        self.edits.insert(start, vec![format!("(SELECT {select} FROM (SELECT * FROM ").into()]);
        self.edits.insert(end, vec![format!(" q OFFSET 0) {ONCE}({names}))").into()]);
    }

    /// The values of a row that is spelled out, and where they stand.
    pub(super) fn row_cells<'e>(
        &self,
        value: &'e Expr,
        extent: Range,
    ) -> Option<Vec<(&'e Expr, Range)>> {
        let row = self.row(value, extent).filter(|row| !row.query)?;
        Some(row.items.into_iter().zip(row.extents).collect())
    }

    /// The items of a row and where they stand; `None` where they cannot be told apart.
    fn row<'e>(&self, value: &'e Expr, extent: Range) -> Option<Row<'e>> {
        let start = self.lexeme_at(extent.0);
        let (extents, items, query) = match value {
            Expr::Tuple(items) => {
                let row = self.lexeme(start).is_some_and(|lexeme| lexeme.is_word("row"));
                (self.list(start + 1 + usize::from(row)), items.iter().collect(), false)
            }
            Expr::Function(function) => {
                let FunctionArguments::List(arguments) = &function.args else { return None };
                if name::single(&function.name).map(name::folded)? != "row" {
                    return None;
                }
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
                (self.list(start + 2), items?, false)
            }
            Expr::Subquery(query) => {
                let SetExpr::Select(select) = query.body.as_ref() else { return None };
                let first = self.select_list_start(start_byte(select.select_token.0.span));
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
                let distinct = select.distinct.is_some();
                (self.list(first), items.filter(|_| !distinct)?, true)
            }
            _ => return None,
        };
        (extents.len() == items.len()).then_some(Row { extents, items, query, extent })
    }
}

/// What is selected from a row that is evaluated once, and the names of its columns.
fn once_lists(targets: &[Assigned<'_, '_>], counted: bool) -> (String, String) {
    let names: Vec<String> = (1..=targets.len()).map(|place| format!("c{place}")).collect();
    let (mut own, mut more) = (Vec::new(), Vec::new());
    for ((_, logical), column) in targets.iter().zip(&names) {
        let value = format!("{ONCE}.{column}");
        let mut stored = logical.iter().flat_map(|it| &it.put).map(|put| put.written(&value));
        own.push(stored.next().unwrap_or_else(|| value.clone()));
        more.extend(stored);
    }
    let plain = targets.iter().all(|(_, logical)| logical.is_none_or(is_plain_write));
    if !counted && plain {
        own = vec![ALL_ONCE.to_owned()];
    }
    own.extend(more);
    (own.join(", "), names.join(", "))
}
