//! SELECT, set operations, VALUES, WITH: names in every clause.

use sqlparser::ast::{
    AccessExpr, Cte as CteSyntax, Distinct, Expr, GroupByExpr, LimitClause, NonBlock, Query,
    Select, SelectItem, SetExpr, Spanned, Statement, With,
};
use sqlparser::tokenizer::Token;

use super::carried::Place;
use super::extent::Range;
use super::halves::LockClause;
use super::passed_row::Audience;
use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::Construct;
use crate::scope::{Columns, Cte, Level};
use crate::statement::{end_byte, start_byte};
use crate::volatility::has_query;

/// What an ORDER BY behind brackets sorts: PostgreSQL drops the brackets first.
enum Sorted<'q> {
    /// One SELECT, whose columns it may name.
    Select(&'q Select),
    /// A set operation or VALUES, of which only output columns can be named.
    Combined,
    /// A query with clauses of its own; not worked out.
    Mixed,
}

fn sorted(query: &Query) -> Sorted<'_> {
    let bare = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    match query.body.as_ref() {
        SetExpr::SetOperation { .. } | SetExpr::Values(_) => Sorted::Combined,
        SetExpr::Select(select) if bare => Sorted::Select(select),
        SetExpr::Query(inner) if bare => sorted(inner),
        _ => Sorted::Mixed,
    }
}

/// An output column: its name, and the expression behind it.
#[derive(Clone)]
pub(super) struct Output<'q> {
    pub(super) name: String,
    pub(super) expression: Option<&'q Expr>,
}

impl<'a> Rewriter<'a> {
    /// A whole query; returns its columns.
    pub(super) fn query(&mut self, query: &Query) -> Walk<Columns> {
        if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return self.refuse(Construct::NotPostgres("this clause of a query"));
        }
        let outermost = std::mem::take(&mut self.outermost);
        let audience = self.audience(outermost);
        let outer_ctes = self.ctes.len();
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        let before = self.occurrences.len();
        let place = self.place;
        if query.with.is_some() {
            self.place = place.behind_with();
        }
        let columns = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, Some(query), audience)?,
            SetExpr::Query(inner) if query.order_by.is_some() => match sorted(inner) {
                Sorted::Select(select) => self.select(select, Some(query), audience)?,
                Sorted::Combined => {
                    self.passing.audience = audience;
                    let columns = self.query(inner)?;
                    self.behind_combined(query)?;
                    columns
                }
                Sorted::Mixed => return self.refuse(Construct::Unreadable),
            },
            body => {
                // Behind WITH it is a statement like any other.
                self.outermost = outermost && is_data_modifying(body);
                let columns = self.set_expression(body, audience)?;
                self.behind_combined(query)?;
                columns
            }
        };
        self.place = place;
        if !query.locks.is_empty() {
            self.hold(before);
        }
        if let Some(with) = &query.with {
            let ctes = self.ctes.drain(outer_ctes..);
            self.walked.with(start_byte(with.with_token.0.span), ctes);
        }
        if outermost {
            self.show_rows();
        }
        Ok(columns)
    }

    /// What comes behind a set operation or VALUES.
    fn behind_combined(&mut self, query: &Query) -> Walk<()> {
        self.keeping_rows(|rewriter| {
            rewriter.order_by_labels_only(query.order_by.as_ref())?;
            rewriter.limits(query)
        })
    }

    fn with(&mut self, with: &With) -> Walk<()> {
        if with.recursive {
            // Each is visible in all, itself included; its columns are known once it was walked.
            for cte in &with.cte_tables {
                let columns = match cte.alias.columns.as_slice() {
                    [] => first_arm_names(&cte.query).map_or(Columns::Unknown, Columns::Known),
                    columns => {
                        Columns::Known(columns.iter().map(|c| name::folded(&c.name)).collect())
                    }
                };
                let name = name::folded(&cte.alias.name);
                self.ctes.push(Cte { name, columns, rows: Vec::new() });
            }
        }
        for cte in &with.cte_tables {
            self.common_table(cte, with.recursive)?;
        }
        Ok(())
    }

    fn common_table(&mut self, cte: &CteSyntax, recursive: bool) -> Walk<()> {
        self.account(&cte.alias.name);
        let place = Place::InWith(start_byte(cte.alias.name.span));
        let outer = std::mem::replace(&mut self.place, place);
        let (columns, rows) = match recursive {
            true => (self.query(&cte.query)?, Vec::new()),
            false => self.read_as_relation(|rewriter| rewriter.query(&cte.query))?,
        };
        self.place = outer;
        let columns = self.aliased_columns(&cte.alias, columns);
        let columns = self.with_search_columns(cte, columns);
        self.ctes.push(Cte { name: name::folded(&cte.alias.name), columns, rows });
        Ok(())
    }

    /// SEARCH and CYCLE add columns to a CTE: the words behind SET and USING.
    fn with_search_columns(&self, cte: &CteSyntax, columns: Columns) -> Columns {
        let Columns::Known(mut names) = columns else { return columns };
        let close = self.lexeme_at(start_byte(cte.closing_paren_token.0.span));
        let is = |at: usize, word: &str| self.lexeme(at).is_some_and(|l| l.is_word(word));
        if !is(close + 1, "search") && !is(close + 1, "cycle") {
            return Columns::Known(names);
        }
        let end = self.lexemes.iter().skip(close + 1).take_while(|lexeme| {
            !matches!(lexeme.token, Token::LParen | Token::RParen) && !lexeme.is_word("select")
        });
        let mut words = end.peekable();
        while let Some(word) = words.next() {
            if word.is_word("set") || word.is_word("using") {
                names.extend(words.peek().and_then(|name| name.name()));
            }
        }
        Columns::Known(names)
    }

    fn set_expression(&mut self, body: &SetExpr, audience: Audience) -> Walk<Columns> {
        match body {
            SetExpr::Select(select) => self.select(select, None, audience),
            SetExpr::Query(query) => {
                self.passing.audience = audience;
                self.query(query)
            }
            SetExpr::SetOperation { left, right, .. } => {
                let columns = self.set_expression(left, audience)?;
                let rows = std::mem::take(&mut self.passing.rows);
                self.set_expression(right, audience)?;
                self.same_rows(&rows)?;
                Ok(columns)
            }
            SetExpr::Values(values) => {
                let width = values.rows.first().map_or(0, |row| row.content.len());
                for cell in values.rows.iter().flat_map(|row| &row.content) {
                    self.expression(cell)?;
                }
                self.passing.rows.clear();
                Ok(Columns::Known((1..=width).map(|n| format!("column{n}")).collect()))
            }
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.data_modifying(statement),
            SetExpr::Table(_) => self.refuse(Construct::NotPostgres("TABLE")),
        }
    }

    /// An INSERT, UPDATE or DELETE in WITH: it sees no level outside it.
    fn data_modifying(&mut self, statement: &Statement) -> Walk<Columns> {
        let levels = std::mem::take(&mut self.levels);
        let columns = self.statement(statement);
        self.levels = levels;
        self.passing.rows.clear();
        columns
    }

    fn select(
        &mut self,
        select: &Select,
        query: Option<&Query>,
        audience: Audience,
    ) -> Walk<Columns> {
        self.only_postgres(select)?;
        let before = self.references.len();
        self.levels.push(Level::default());
        self.relations(&select.from)?;
        if let GroupByExpr::Expressions(items, _) = &select.group_by
            && !items.is_empty()
        {
            self.fix_level("a query with GROUP BY");
        }
        let list = self.list(self.select_list_start(start_byte(select.select_token.0.span)));
        // The item of an empty list is not the client's.
        let items = if list.is_empty() { &[] } else { select.projection.as_slice() };
        let outputs = self.select_list(items, &list, audience)?;
        let rows = std::mem::take(&mut self.passing.rows);
        if let Some(Distinct::On(expressions)) = &select.distinct {
            for expression in expressions {
                self.sort_key(expression, &outputs)?;
            }
        }
        for target in select.into.iter().flat_map(|into| &into.targets) {
            self.account_all(target);
        }
        let clauses = [&select.selection, &select.having];
        clauses.into_iter().flatten().try_for_each(|clause| self.expression(clause))?;
        self.group_by(&select.group_by, &outputs)?;
        for window in &select.named_window {
            self.named_window(window)?;
        }
        self.order_by(query.and_then(|query| query.order_by.as_ref()), &outputs)?;
        if let Some(query) = query {
            self.limits(query)?;
            self.note_row_lock(select, query, &list, &outputs);
        }
        self.group_by_determined_columns(select, before, &outputs);
        if let Some(level) = self.levels.pop() {
            self.walked.select(start_byte(select.select_token.0.span), level);
        }
        self.passing.rows = rows;
        Ok(columns_of(outputs))
    }

    /// Clauses of other databases that the parser accepts.
    fn only_postgres(&self, select: &Select) -> Walk<()> {
        let foreign = select.top.is_some()
            || select.exclude.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.qualify.is_some()
            || select.value_table_mode.is_some()
            || select.select_modifiers.is_some();
        if foreign {
            return self.refuse(Construct::NotPostgres("this clause of SELECT"));
        }
        Ok(())
    }

    /// Occurrences of the innermost level can no longer become derived tables.
    fn fix_level(&mut self, reason: &'static str) {
        let found: Vec<usize> = self.levels.last().map_or_else(Vec::new, |level| {
            level.sources.iter().filter_map(|source| source.occurrence).collect()
        });
        for occurrence in found {
            // What is grouped by its key is grouped by its other columns as well, below.
            if !self.is_catalog(occurrence) && !self.may_be_joined(occurrence) {
                self.fix(occurrence, reason);
            }
        }
    }

    /// A select list or RETURNING list; `None` marks columns whose names are not known.
    pub(super) fn select_list<'q>(
        &mut self,
        items: &'q [SelectItem],
        extents: &[Range],
        audience: Audience,
    ) -> Walk<Vec<Option<Output<'q>>>> {
        if items.len() != extents.len() {
            return self.refuse(Construct::Unreadable);
        }
        let (mut outputs, mut rows) = (Vec::new(), Vec::new());
        for (item, extent) in items.iter().zip(extents) {
            let place = place(&outputs);
            let given = self.given(item, place, audience);
            rows.extend(self.starred_rows(item, place, audience)?);
            match item {
                // `(f(a)).*`: what it expands to is not known.
                SelectItem::UnnamedExpr(expression) if is_expanded(expression) => {
                    outputs.extend(self.expanded(expression, *extent)?);
                }
                SelectItem::UnnamedExpr(expression) => {
                    self.expression(expression)?;
                    self.implicit_label(expression, extent.1);
                    self.call_label(expression, extent.1);
                    let name = super::label::name(expression);
                    outputs.push(Some(Output { name, expression: Some(expression) }));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expression(expr)?;
                    self.account(alias);
                    outputs
                        .push(Some(Output { name: name::folded(alias), expression: Some(expr) }));
                }
                SelectItem::ExprWithAliases { .. } => {
                    return self.refuse(Construct::NotPostgres("several aliases of one item"));
                }
                SelectItem::Wildcard(options) => {
                    self.plain_star(options)?;
                    outputs.extend(self.star(None, options));
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    self.plain_star(options)?;
                    outputs.extend(self.qualified_star(kind, options)?);
                }
            }
            rows.extend(self.given_row(given, place));
        }
        self.passing.rows = rows;
        Ok(outputs)
    }

    fn limits(&mut self, query: &Query) -> Walk<()> {
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                let offset = offset.as_ref().map(|offset| &offset.value);
                limit.iter().chain(offset).chain(limit_by).try_for_each(|e| self.expression(e))?;
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return self.refuse(Construct::NotPostgres("LIMIT a, b"));
            }
            None => {}
        }
        if let Some(quantity) = query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()) {
            self.expression(quantity)?;
        }
        for lock in &query.locks {
            let parts = lock.of.as_ref().and_then(name::parts).unwrap_or_default();
            let relation = parts.last().map(|part| name::folded(part));
            self.lock_catalogs(relation.as_deref());
            let clause = self.lock_clause(query);
            self.lock(relation.as_deref(), clause);
            parts.into_iter().for_each(|part| self.account(part));
        }
        Ok(())
    }

    /// The clause that locks rows, if it is the only one and locks no more than it returns.
    fn lock_clause(&self, query: &Query) -> Option<LockClause> {
        let [lock] = query.locks.as_slice() else { return None };
        let is_limited = query.limit_clause.is_some() || query.fetch.is_some();
        // All that match would be locked in order to sort them, and be skipped by others.
        let skips = lock.nonblock == Some(NonBlock::SkipLocked);
        if is_limited && query.order_by.is_some() && skips {
            return None;
        }
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        // Of rows that are put together PostgreSQL locks none.
        let is_grouped = select.distinct.is_some()
            || select.having.is_some()
            || !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
        if is_grouped || select.selection.as_ref().is_some_and(has_query) {
            return None;
        }
        let first = self.lexeme_at(start_byte(select.select_token.0.span));
        let word = |at: usize, word: &str| self.lexeme(at).is_some_and(|it| it.is_word(word));
        let mut at = self.keyword_behind(first, "for")?;
        let start = self.lexeme(at)?.start;
        let (mut text, mut end) = (Vec::new(), start);
        while ["for", "no", "key", "update", "share"].iter().any(|it| word(at, it)) {
            text.push(self.slice((self.lexeme(at)?.start, self.lexeme(at)?.end)));
            end = self.lexeme(at)?.end;
            at += 1;
        }
        if let Some(parts) = lock.of.as_ref().and_then(name::parts) {
            end = end_byte(parts.last()?.span);
            at = self.lexeme_at(end);
        }
        while ["nowait", "skip", "locked"].iter().any(|it| word(at, it)) {
            text.push(self.slice((self.lexeme(at)?.start, self.lexeme(at)?.end)));
            end = self.lexeme(at)?.end;
            at += 1;
        }
        Some(LockClause { text: text.join(" "), span: (start, end) })
    }

    /// Accounts for every identifier in an expression that names no column (SELECT … INTO).
    fn account_all(&mut self, expression: &Expr) {
        let span = expression.span();
        let (from, to) = (self.lexeme_at(start_byte(span)), end_byte(span));
        let starts: Vec<usize> = self
            .lexemes
            .iter()
            .skip(from)
            .take_while(|lexeme| lexeme.end <= to)
            .map(|lexeme| lexeme.start)
            .collect();
        self.accounted.extend(starts);
    }
}

fn is_data_modifying(body: &SetExpr) -> bool {
    matches!(body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_))
}

/// The place of the next output column, if it is known.
fn place(outputs: &[Option<Output<'_>>]) -> Option<u16> {
    outputs.iter().all(Option::is_some).then(|| u16::try_from(outputs.len()).ok()).flatten()
}

/// Whether an item is `(row).*`, which gives as many columns as the row has.
pub(super) fn is_expanded(expression: &Expr) -> bool {
    matches!(expression, Expr::CompoundFieldAccess { access_chain, .. }
        if matches!(access_chain.last(), Some(AccessExpr::Dot(Expr::Identifier(star)))
            if star.value == "*" && star.quote_style.is_none()))
}

/// The columns of a list of outputs, known only if each is.
pub(super) fn columns_of(outputs: Vec<Option<Output<'_>>>) -> Columns {
    let names: Option<Vec<String>> =
        outputs.into_iter().map(|output| output.map(|output| output.name)).collect();
    names.map_or(Columns::Unknown, Columns::Known)
}

/// Column names of the first arm of a recursive CTE, if they can be told without resolving.
fn first_arm_names(query: &Query) -> Option<Vec<String>> {
    let names = first_select(query)?.projection.iter().map(|item| match item {
        SelectItem::UnnamedExpr(expression) => Some(super::label::name(expression)),
        SelectItem::ExprWithAlias { alias, .. } => Some(name::folded(alias)),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    });
    names.collect()
}

/// The first SELECT of a query, in the order of the text.
pub(super) fn first_select(query: &Query) -> Option<&Select> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(inner) => body = inner.body.as_ref(),
            SetExpr::Select(select) => return Some(select),
            SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => return None,
        }
    }
}
