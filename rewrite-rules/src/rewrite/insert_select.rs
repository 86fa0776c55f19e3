//! `INSERT … SELECT`: a second column gets the item that feeds the first.
//!
//! Where the item may be repeated, each arm's list gets it again. Otherwise the whole query becomes
//! a derived table, whose columns are used as often as needed.

use sqlparser::ast::{Expr, GroupByExpr, Query, Select, SelectItem, SetExpr};

use super::extent::Range;
use super::insert::{Target, Value};
use super::insert_rows::{FENCE, ONCE, cast_type, defaulted, extra_default, once_names};
use super::{Rewriter, Walk};
use crate::edit::{Piece, stored};
use crate::lens::LogicalColumn;
use crate::refusal::Construct;
use crate::statement::{end_byte, start_byte};

impl Rewriter<'_> {
    /// `INSERT … SELECT`: each arm's list gets the repeated items, or the whole is wrapped.
    pub(super) fn selected_rows(&mut self, query: &Query, target: &mut Target<'_>) -> Walk<()> {
        let mut arms = Vec::new();
        let plain = arms_of(&query.body, &mut arms);
        let lists: Vec<(&Select, Vec<Range>)> = arms
            .into_iter()
            .map(|select| {
                let start = self.select_list_start(start_byte(select.select_token.0.span));
                (select, self.list(start))
            })
            .collect();
        let counted = lists.iter().all(|(select, list)| {
            select.projection.len() == list.len() && !select.projection.iter().any(is_star)
        });
        let width = match lists.first() {
            Some((_, list)) if plain && counted => list.len(),
            _ => match self.known_width(query) {
                Some(width) => width,
                None if target.listed => target.columns.len(),
                // What the stars give is not known, and neither is which columns are left out.
                None => return self.refuse(Construct::InsertSource),
            },
        };
        if width > target.columns.len() || (target.listed && width < target.columns.len()) {
            self.emit_insert_columns(target, width);
            return Ok(());
        }
        Self::add_extras(target, width)?;
        self.emit_insert_columns(target, width);
        if target.is_plain(width) {
            return Ok(());
        }
        // An item that changes is another key to GROUP BY, ORDER BY, DISTINCT and UNION.
        let keyless = |select: &Select| {
            let grouped =
                !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
            lists.len() == 1 && query.order_by.is_none() && !grouped && select.distinct.is_none()
        };
        let copies = target.only_copies(width);
        let repeatable = plain
            && counted
            && !self.needs_once(target)
            && lists.iter().all(|(select, list)| {
                list.len() == width
                    && (copies || keyless(select))
                    && target.columns.iter().take(width).enumerate().all(|(index, column)| {
                        column.is_none_or(|column| column.uses() <= 1)
                            || item_expression(select, index)
                                .is_some_and(|expression| self.may_repeat(expression))
                    })
            });
        if repeatable {
            for (select, list) in &lists {
                self.repeat_items(select, list, target);
            }
            return Ok(());
        }
        self.wrap(query, &lists, target, width)
    }

    /// `SELECT a, b` → `SELECT a, b, b`.
    fn repeat_items(&mut self, select: &Select, list: &[Range], target: &Target<'_>) {
        let Some((_, end)) = list.last() else { return };
        for (index, (column, range)) in target.columns.iter().zip(list).enumerate() {
            if let Some(main) = column.and_then(|column| column.put.first()) {
                let value = self.without_alias(select, index, *range);
                self.edits.store(self.text, main, value);
            }
        }
        let mut pieces = Vec::new();
        for extra in &target.extras {
            pieces.push(Piece::from(", "));
            match extra.value {
                Value::Copy(index, _) => match list.get(index) {
                    Some(range) => {
                        let value = self.without_alias(select, index, *range);
                        pieces.extend(stored(self.text, extra.access, value));
                    }
                    None => continue,
                },
                Value::Default(_) => pieces.push(extra_default(extra).into()),
            }
        }
        self.edits.insert(*end, pieces);
    }

    /// An item of a select list without its `AS label`.
    fn without_alias(&self, select: &Select, index: usize, (start, end): Range) -> Range {
        let end = match select.projection.get(index) {
            Some(SelectItem::ExprWithAlias { alias, .. }) => {
                let at = self.lexeme_at(start_byte(alias.span));
                let before = at.checked_sub(1).and_then(|before| self.lexeme(before));
                let is_as = before.is_some_and(|before| before.is_word("as"));
                let last = at.checked_sub(1 + usize::from(is_as));
                last.and_then(|last| self.lexeme(last)).map_or(end, |last| last.end)
            }
            _ => end,
        };
        (start, end)
    }

    /// `SELECT s.c1, s.c2, s.c2 FROM (the client's query) s(c1, c2)`.
    fn wrap(
        &mut self,
        query: &Query,
        lists: &[(&Select, Vec<Range>)],
        target: &Target<'_>,
        width: usize,
    ) -> Walk<()> {
        let modifies = query.with.iter().flat_map(|with| &with.cte_tables).any(|cte| {
            matches!(
                cte.query.body.as_ref(),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
            )
        });
        if modifies || defaulted(target).next().is_some() {
            return self.refuse(Construct::InsertSource);
        }
        let columns = self.known_columns(target, width)?;
        for (select, list) in lists {
            self.cast_untyped(select, list, &columns)?;
        }
        let Some((start, end)) = self.source_extent(target.rows) else {
            return self.refuse(Construct::InsertSource);
        };
        let counted = lists.iter().all(|(select, _)| !select.projection.iter().any(is_star))
            || self.known_width(query).is_some();
        let head = self.once_select(target, &columns, counted);
        let names = once_names(target, &columns).join(", ");
        let copied = columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| (column.uses() > 1).then_some(index));
        let fenced = copied.into_iter().any(|index| {
            let mut items = lists.iter().filter_map(|(select, _)| item_expression(select, index));
            items.any(|item| !self.may_repeat(item))
        });
        let (open, close) = if fenced {
            (format!("{head}(SELECT * FROM ("), format!(") q{FENCE}) {ONCE}({names})"))
        } else {
            (format!("{head}("), format!(") {ONCE}({names})"))
        };
        self.edits.insert(start, vec![open.into()]);
        self.edits.insert(end, vec![close.into()]);
        Ok(())
    }

    /// Inside a derived table a bare literal or parameter would become text.
    pub(super) fn cast_untyped(
        &mut self,
        select: &Select,
        list: &[Range],
        columns: &[&LogicalColumn],
    ) -> Walk<()> {
        let mut counted = true;
        for (index, (item, (_, item_end))) in select.projection.iter().zip(list).enumerate() {
            let (expression, end) = match item {
                item if is_star(item) => {
                    counted = false;
                    continue;
                }
                SelectItem::UnnamedExpr(expression) => (expression, *item_end),
                SelectItem::ExprWithAlias { expr, .. } => {
                    (expr, self.without_alias(select, index, (0, *item_end)).1)
                }
                SelectItem::ExprWithAliases { .. }
                | SelectItem::QualifiedWildcard(..)
                | SelectItem::Wildcard(_) => {
                    counted = false;
                    continue;
                }
            };
            if !is_bare_value(expression) {
                continue;
            }
            match columns.get(index).filter(|_| counted) {
                Some(column) => {
                    self.edits
                        .insert(end, vec![format!("::{}", cast_type(expression, column)).into()]);
                }
                None => return self.refuse(Construct::InsertSource),
            }
        }
        Ok(())
    }

    /// Number of columns of a query with stars, where each star's relations are known.
    pub(super) fn known_width(&self, query: &Query) -> Option<usize> {
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        let mut width = 0;
        for item in &select.projection {
            width += match item {
                SelectItem::UnnamedExpr(expression) if super::query::is_expanded(expression) => {
                    return None;
                }
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => 1,
                SelectItem::Wildcard(options) => {
                    let at = end_byte(options.wildcard_token.0.span);
                    self.star_widths.iter().find(|(end, _)| *end == at)?.1?
                }
                SelectItem::QualifiedWildcard(_, options) => {
                    let at = end_byte(options.wildcard_token.0.span);
                    self.star_widths.iter().find(|(end, _)| *end == at)?.1?
                }
                SelectItem::ExprWithAliases { .. } => return None,
            };
        }
        Some(width)
    }

    /// Bytes of the rows' query: up to ON CONFLICT, RETURNING or the statement's end.
    pub(super) fn source_extent(&self, first: usize) -> Option<Range> {
        let start = self.lexeme(first)?.start;
        let returning = self.keyword_behind(first, "returning");
        let conflict = self.on_conflict_behind(first).and_then(|at| at.checked_sub(1));
        let behind = match (conflict, returning) {
            (Some(on), _) => on,
            (None, Some(returning)) => returning,
            (None, None) => self.statement_end(first),
        };
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last))?;
        Some((start, last.end))
    }
}

/// A literal or parameter whose type its place decides; brackets around it mean nothing.
fn is_bare_value(expression: &Expr) -> bool {
    match expression {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_bare_value(inner),
        _ => false,
    }
}

pub(super) fn is_star(item: &SelectItem) -> bool {
    match item {
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
        SelectItem::UnnamedExpr(expression) => super::query::is_expanded(expression),
        SelectItem::ExprWithAlias { .. } | SelectItem::ExprWithAliases { .. } => false,
    }
}

fn item_expression(select: &Select, index: usize) -> Option<&Expr> {
    match select.projection.get(index)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    }
}

/// Collects the arms of a set operation; false if one is not a SELECT.
pub(super) fn arms_of<'q>(body: &'q SetExpr, arms: &mut Vec<&'q Select>) -> bool {
    match body {
        SetExpr::Select(select) => {
            arms.push(select);
            true
        }
        SetExpr::Query(query) => arms_of(&query.body, arms),
        SetExpr::SetOperation { left, right, .. } => {
            let left = arms_of(left, arms);
            arms_of(right, arms) && left
        }
        SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => false,
    }
}
