//! Row locks of a query whose rows may lie in several tables: what its text says.
//!
//! [`row_lock_found`](super::row_lock_found) tells how such a query stands in the end.

use sqlparser::ast::{
    Expr, GroupByExpr, OrderByKind, Query, Select, SelectItem, UnaryOperator, Value,
};
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::extent::Range;
use super::query::Output;
use super::row_lock_from::Item;
use super::sort_keys::bare_name;
use crate::edit::Piece;
use crate::name::{folded, quoted};
use crate::scope::{Columns, SYSTEM_COLUMNS};
use crate::statement::{end_byte, start_byte};

/// A query that locks rows.
pub(super) struct RowLock {
    /// Bytes of its SELECT.
    pub(super) select: Range,
    /// Bytes of its FROM.
    pub(super) from: Range,
    /// Where its list of relations ends.
    pub(super) relations_end: usize,
    /// Bytes from FROM to the end of WHERE and ORDER BY.
    pub(super) found: Range,
    /// Bytes of its condition.
    pub(super) condition: Option<Range>,
    /// Whether it has an ORDER BY.
    pub(super) is_sorted: bool,
    /// Whether it has a LIMIT.
    pub(super) is_limited: bool,
    /// Sort keys that mean columns of the result: where they stand, and what they mean.
    pub(super) keys: Vec<(Range, Piece)>,
    pub(super) clauses: Vec<Clause>,
    /// The relations of FROM.
    pub(super) items: Vec<Item>,
    /// Whether its rows are found first, and locked one by one.
    pub(super) is_staged: bool,
}

/// `FOR UPDATE OF u NOWAIT`.
pub(super) struct Clause {
    /// Without the relations that it names.
    pub(super) text: String,
    pub(super) span: Range,
    /// The relations that it names.
    pub(super) of: Vec<String>,
}

impl Rewriter<'_> {
    /// Notes a query that locks rows, if it can be asked again of rows that were found before.
    pub(super) fn note_row_lock(
        &mut self,
        select: &Select,
        query: &Query,
        list: &[Range],
        outputs: &[Option<Output<'_>>],
    ) {
        if !query.locks.is_empty()
            && let Some(lock) = self.row_lock(select, query, list, outputs)
        {
            self.row_locks.push(lock);
        }
    }

    fn row_lock(
        &self,
        select: &Select,
        query: &Query,
        list: &[Range],
        outputs: &[Option<Output<'_>>],
    ) -> Option<RowLock> {
        let is_grouped =
            !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
        let has_more = select.distinct.is_some()
            || select.having.is_some()
            || select.into.is_some()
            || !select.named_window.is_empty();
        let is_tame = select.selection.as_ref().is_none_or(|condition| self.is_tame(condition));
        let first = self.lexeme_at(start_byte(select.select_token.0.span));
        let word = self.lexeme(first).filter(|word| word.is_word("select"))?;
        if is_grouped || has_more || !is_tame {
            return None;
        }
        let from = self.keyword_behind(first + 1, "from")?;
        let behind = |word: &str| self.keyword_behind(from + 1, word);
        let limits = ["limit", "offset", "fetch"].into_iter().filter_map(behind).min();
        let tail = limits.into_iter().chain(behind("for")).min()?;
        let before = |at: Option<usize>| at.filter(|at| *at < tail);
        let (condition, order) = (before(behind("where")), before(behind("order")));
        if self.keyword_behind(tail, "ties").is_some() {
            return None;
        }
        let end_of = |at: usize| Some(self.lexeme(at.checked_sub(1)?)?.end);
        let text_of = |at: usize, end: usize| Some((self.lexeme(at)?.start, end_of(end)?));
        let keys = match order {
            Some(order) => self.keys_of_result(select, query, list, outputs, order + 2)?,
            None => Vec::new(),
        };
        let clauses = self.lock_clauses(tail)?;
        let items = self.lock_items(select, &clauses)?;
        let found = text_of(from, tail)?;
        self.shows_no_more_than_columns((word.start, found.1), &items)?;
        Some(RowLock {
            select: (word.start, word.end),
            from: (found.0, self.lexeme(from)?.end),
            relations_end: end_of(condition.or(order).unwrap_or(tail))?,
            found,
            condition: match condition {
                Some(condition) => Some(text_of(condition + 1, order.unwrap_or(tail))?),
                None => None,
            },
            is_sorted: order.is_some(),
            is_limited: limits.is_some(),
            keys,
            clauses,
            items,
            is_staged: false,
        })
    }

    /// The clauses that lock rows, the first of them behind token `tail`.
    fn lock_clauses(&self, tail: usize) -> Option<Vec<Clause>> {
        let mut clauses = Vec::new();
        let mut next = self.keyword_behind(tail, "for");
        while let Some(at) = next {
            let (clause, behind) = self.lock_clause_at(at)?;
            clauses.push(clause);
            next = self.keyword_behind(behind, "for");
        }
        Some(clauses)
    }

    /// The clause at token `first`, and the token behind it.
    fn lock_clause_at(&self, first: usize) -> Option<(Clause, usize)> {
        let is = |at: usize, word: &str| self.lexeme(at).is_some_and(|it| it.is_word(word));
        let is_token =
            |at: usize, token: &Token| self.lexeme(at).map(|it| &it.token) == Some(token);
        let start = self.lexeme(first)?.start;
        let mut at = first + 1;
        while is(at, "no") || is(at, "key") {
            at += 1;
        }
        if !is(at, "update") && !is(at, "share") {
            return None;
        }
        let strength = self.slice((start, self.lexeme(at)?.end)).to_owned();
        at += 1;
        let mut of = Vec::new();
        if is(at, "of") {
            loop {
                of.push(self.lexeme(at + 1)?.name()?);
                at += 2;
                if !is_token(at, &Token::Comma) {
                    break;
                }
            }
        }
        let policy = at;
        let words = if is(at, "nowait") { 1 } else { 2 * usize::from(is(at, "skip")) };
        at += words;
        let end = self.lexeme(at - 1)?.end;
        let text = match at > policy {
            true => format!("{strength} {}", self.slice((self.lexeme(policy)?.start, end))),
            false => strength,
        };
        Some((Clause { text, span: (start, end), of }, at))
    }

    /// Keys of ORDER BY that are columns of the result, by name or number. `first`: the list's first token.
    /// `None`: it cannot be told what they mean.
    fn keys_of_result(
        &self,
        select: &Select,
        query: &Query,
        list: &[Range],
        outputs: &[Option<Output<'_>>],
        first: usize,
    ) -> Option<Vec<(Range, Piece)>> {
        let OrderByKind::Expressions(keys) = &query.order_by.as_ref()?.kind else { return None };
        let places = self.list(first);
        if places.len() != keys.len() {
            return None;
        }
        let mut meant = Vec::new();
        for (key, (start, _)) in keys.iter().zip(places) {
            let (span, output) = match (&key.expr, bare_name(&key.expr)) {
                (_, Some(ident)) => {
                    let label = folded(ident);
                    let mut named = outputs.iter().flatten().filter(|it| it.name == label);
                    let Some(output) = named.next() else { continue };
                    ((start_byte(ident.span), end_byte(ident.span)), output)
                }
                (Expr::Value(value), None) => {
                    let Value::Number(number, _) = &value.value else { return None };
                    let place = number.parse::<usize>().ok()?.checked_sub(1)?;
                    let mut known = outputs.iter().map_while(Option::as_ref);
                    let number = self.lexeme(self.lexeme_at(start))?;
                    ((number.start, number.end), known.nth(place)?)
                }
                (expression, None) => match self.is_tame(expression) {
                    true => continue,
                    false => return None,
                },
            };
            meant.push((span, self.meaning_of(select, list, output)?));
        }
        Some(meant)
    }

    /// The expression behind a column of the result.
    fn meaning_of(&self, select: &Select, list: &[Range], output: &Output<'_>) -> Option<Piece> {
        if output.expression.is_some_and(is_literal) {
            // As a sort key it would be the number of a column, or an error. It sorts nothing.
            return Some("NULL::pg_catalog.bool".into());
        }
        let Some(wanted) = output.expression else {
            // One of a star's.
            let sources = &self.levels.last()?.sources;
            let has = |columns: &Columns| match columns {
                Columns::Known(names) => names.contains(&output.name),
                Columns::Unknown => true,
            };
            let count = sources.iter().filter(|source| has(&source.columns)).count();
            return (count == 1).then(|| quoted(&output.name).into());
        };
        if !self.is_tame(wanted) {
            return None;
        }
        let mut items = select.projection.iter().zip(list);
        items.find_map(|(item, (start, end))| match item {
            SelectItem::UnnamedExpr(expression) if std::ptr::eq(expression, wanted) => {
                Some(Piece::Copy(*start, *end))
            }
            SelectItem::ExprWithAlias { expr, alias } if std::ptr::eq(expr, wanted) => {
                let last = self.lexeme_at(start_byte(alias.span)).checked_sub(1)?;
                let is_as = self.lexeme(last)?.is_word("as");
                let last = self.lexeme(last.checked_sub(usize::from(is_as))?)?;
                Some(Piece::Copy(*start, last.end))
            }
            _ => None,
        })
    }

    /// `None` where a whole row or a system column of a relation may be meant: no row of ours has those.
    fn shows_no_more_than_columns(&self, (start, end): Range, items: &[Item]) -> Option<()> {
        let is_within = |at: usize, (from, to): Range| from <= at && at < to;
        let is_point = |at: Option<usize>| {
            let lexeme = at.and_then(|at| self.lexeme(at));
            lexeme.is_some_and(|it| it.token == Token::Period)
        };
        let is_star = |at: usize| self.lexeme(at).is_some_and(|it| it.token == Token::Mul);
        let is_column = |word: &String| items.iter().any(|item| item.columns.contains(word));
        let mut depth = 0_usize;
        for at in self.lexeme_at(start)..self.lexeme_at(end) {
            let lexeme = self.lexeme(at)?;
            match lexeme.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_of_from = |item: &Item| {
                is_within(lexeme.start, item.factor) || item.alias == Some(lexeme.start)
            };
            let Some(word) = lexeme.name().filter(|_| !items.iter().any(is_of_from)) else {
                continue;
            };
            if SYSTEM_COLUMNS.contains(&word.as_str()) && !is_column(&word) {
                return None;
            }
            let is_relation = items.iter().any(|item| item.is_plain() && item.name == word);
            if !is_relation || is_point(at.checked_sub(1)) {
                continue;
            }
            let is_row = match is_point(Some(at + 1)) {
                true => depth > 0 && is_star(at + 2),
                false => !is_column(&word),
            };
            if is_row {
                return None;
            }
        }
        Some(())
    }
}

/// Whether PostgreSQL's parser makes a constant of it. A minus before a number is part of the number to it.
fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_literal(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_literal(expr),
        Expr::Value(value) => !matches!(value.value, Value::Placeholder(_)),
        _ => false,
    }
}
