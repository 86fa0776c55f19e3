//! Row locks of a query whose rows may lie in several tables: the relations of its FROM.

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, Select, TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::extent::Range;
use super::row_lock::Clause;
use crate::catalog::{RelationKind, RelationName};
use crate::name;
use crate::scope::{Columns, Source};
use crate::statement::{end_byte, start_byte};

/// A relation of FROM.
pub(super) struct Item {
    /// Its bytes, without its alias.
    pub(super) factor: Range,
    /// Where its alias begins.
    pub(super) alias: Option<usize>,
    /// The name by which the client refers to it, and how SQL text does.
    pub(super) name: String,
    pub(super) reference: String,
    pub(super) columns: Vec<String>,
    /// Index of the governed occurrence behind it.
    pub(super) occurrence: Option<usize>,
    /// Whether an outer join may leave it out.
    pub(super) may_be_missing: bool,
    /// The clauses that lock its rows, if they are locked.
    pub(super) lock: Option<String>,
    /// Of a locked table that is not governed: a key of it.
    pub(super) key: Vec<String>,
}

impl Item {
    /// Whether it stands as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.occurrence.is_none()
    }
}

/// A relation in the tree, and whether an outer join may leave it out.
type Factors<'q> = Vec<(&'q TableFactor, bool)>;

/// All relations of a tree of joins.
fn collect<'q>(tree: &'q TableWithJoins, into: &mut Factors<'q>) -> Option<()> {
    let start = into.len();
    collect_factor(&tree.relation, into)?;
    for join in &tree.joins {
        let right = into.len();
        collect_factor(&join.relation, into)?;
        let missing = match &join.join_operator {
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => 0..0,
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => right..into.len(),
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => start..right,
            JoinOperator::FullOuter(_) => start..into.len(),
            _ => return None,
        };
        into.get_mut(missing)?.iter_mut().for_each(|(_, may_be_missing)| *may_be_missing = true);
    }
    Some(())
}

fn collect_factor<'q>(factor: &'q TableFactor, into: &mut Factors<'q>) -> Option<()> {
    match factor {
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            collect(table_with_joins, into)
        }
        TableFactor::NestedJoin { .. } => None,
        other => {
            into.push((other, false));
            Some(())
        }
    }
}

/// The conditions of joins.
fn conditions<'q>(tree: &'q TableWithJoins, into: &mut Vec<&'q Expr>) {
    let on = |join: &'q Join| match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(condition))
        | JoinOperator::Inner(JoinConstraint::On(condition))
        | JoinOperator::Left(JoinConstraint::On(condition))
        | JoinOperator::LeftOuter(JoinConstraint::On(condition))
        | JoinOperator::Right(JoinConstraint::On(condition))
        | JoinOperator::RightOuter(JoinConstraint::On(condition))
        | JoinOperator::FullOuter(JoinConstraint::On(condition)) => Some(condition),
        _ => None,
    };
    into.extend(tree.joins.iter().filter_map(on));
    let joined = tree.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&tree.relation).chain(joined) {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            conditions(table_with_joins, into);
        }
    }
}

impl Rewriter<'_> {
    /// The relations of FROM, as far as each can be shown again by a row that was found.
    pub(super) fn lock_items(&self, select: &Select, clauses: &[Clause]) -> Option<Vec<Item>> {
        let (mut factors, mut on) = (Vec::new(), Vec::new());
        for tree in &select.from {
            collect(tree, &mut factors)?;
            conditions(tree, &mut on);
        }
        let sources = &self.levels.last()?.sources;
        if factors.len() != sources.len() || !on.iter().all(|it| self.is_tame(it)) {
            return None;
        }
        let has_twin =
            |source: &Source| sources.iter().filter(|other| other.name == source.name).count() > 1;
        if sources.iter().any(has_twin) {
            return None;
        }
        let items = factors.into_iter().zip(sources);
        let items: Vec<Item> = items
            .map(|((factor, may_be_missing), source)| {
                self.lock_item(factor, source, may_be_missing, clauses)
            })
            .collect::<Option<_>>()?;
        let is_there = |name: &String| items.iter().any(|it| it.name == *name && it.lock.is_some());
        clauses.iter().flat_map(|clause| &clause.of).all(is_there).then_some(items)
    }

    fn lock_item(
        &self,
        factor: &TableFactor,
        source: &Source,
        may_be_missing: bool,
        clauses: &[Clause],
    ) -> Option<Item> {
        let Columns::Known(columns) = &source.columns else { return None };
        let is_twice = |name: &String| columns.iter().filter(|it| *it == name).count() > 1;
        if columns.is_empty() || columns.iter().any(is_twice) || !source.rows.is_empty() {
            return None;
        }
        let is_meant = |clause: &&Clause| clause.of.is_empty() || clause.of.contains(&source.name);
        let texts = clauses.iter().filter(is_meant).map(|clause| clause.text.as_str());
        let texts = texts.collect::<Vec<&str>>().join(" ");
        let (place, alias, can_lock) = self.factor(factor, source)?;
        let lock = Some(texts).filter(|texts| can_lock && !texts.is_empty());
        // PostgreSQL locks nothing that an outer join may leave out.
        let is_renamed = alias.is_some_and(|alias| !alias.columns.is_empty());
        if lock.is_some() && (may_be_missing || is_renamed) {
            return None;
        }
        let key = match (&lock, source.occurrence, factor) {
            (Some(_), None, TableFactor::Table { name, .. }) => {
                self.row_key(&self.found(&name::parts(name)?)?)?
            }
            (Some(_), None, _) => return None,
            (Some(_) | None, ..) => Vec::new(),
        };
        Some(Item {
            factor: place,
            alias: alias.map(|alias| start_byte(alias.name.span)),
            name: source.name.clone(),
            reference: source.reference.clone(),
            columns: columns.clone(),
            occurrence: source.occurrence,
            may_be_missing,
            lock,
            key,
        })
    }

    /// Where a relation stands, its alias, and whether a clause that names no relation locks its rows.
    fn factor<'q>(
        &self,
        factor: &'q TableFactor,
        source: &Source,
    ) -> Option<(Range, Option<&'q TableAlias>, bool)> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample: None, .. } => {
                let parts = name::parts(name)?;
                let (first, last) = (parts.first()?, parts.last()?);
                let place = self.with_only(start_byte(first.span), end_byte(last.span));
                let is_cte = parts.len() == 1 && self.cte(&name::folded(last)).is_some();
                // Only under its schema may it be known then.
                if alias.is_none() && parts.len() > 1 && source.occurrence.is_none() {
                    return None;
                }
                Some((place, alias.as_ref(), source.occurrence.is_some() || !is_cte))
            }
            TableFactor::Derived { alias: Some(alias), sample: None, .. } => {
                let open = self.call_before(alias)?;
                Some((self.with_lateral(open.0, open.1), Some(alias), true))
            }
            TableFactor::Table { alias: Some(alias), args: Some(_), sample: None, .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => {
                let (open, end) = self.call_before(alias)?;
                let mut first = open.checked_sub(1)?;
                let is_point =
                    |at: usize| self.lexeme(at).is_some_and(|it| it.token == Token::Period);
                while first.checked_sub(1).is_some_and(is_point) {
                    first = first.checked_sub(2)?;
                }
                self.lexeme(first)?.name()?;
                Some((self.with_lateral(first, end), Some(alias), false))
            }
            _ => None,
        }
    }

    /// Token of the bracket that opens what stands before an alias, and the byte where it ends.
    fn call_before(&self, alias: &TableAlias) -> Option<(usize, usize)> {
        if alias.columns.iter().any(|column| column.data_type.is_some()) {
            return None;
        }
        let mut last = self.lexeme_at(start_byte(alias.name.span)).checked_sub(1)?;
        if self.lexeme(last)?.is_word("as") {
            last = last.checked_sub(1)?;
        }
        let end = self.lexeme(last)?.end;
        if self.lexeme(last)?.is_word("ordinality") {
            last = last.checked_sub(2)?;
        }
        self.lexeme(last).filter(|it| it.token == Token::RParen)?;
        Some((self.open_bracket(last)?, end))
    }

    fn with_lateral(&self, first: usize, end: usize) -> Range {
        let lateral = first.checked_sub(1).and_then(|at| self.lexeme(at));
        let lateral = lateral.filter(|word| word.is_word("lateral"));
        let first = lateral.or_else(|| self.lexeme(first));
        (first.map_or(end, |first| first.start), end)
    }

    /// Columns that tell the rows of a table apart, with those of its partitions.
    fn row_key(&self, name: &RelationName) -> Option<Vec<String>> {
        let relation = self.generation.catalog().relation(name)?;
        let is_alone = match relation.kind {
            RelationKind::Table => relation.children.is_empty(),
            RelationKind::PartitionedTable => true,
            RelationKind::View | RelationKind::MaterializedView | RelationKind::ForeignTable => {
                false
            }
        };
        let is_given = |name: &String| relation.column(name).is_some_and(|column| column.not_null);
        let mut keys = relation.keys.iter().filter(|key| key.columns.iter().all(is_given));
        let first = keys.clone().find(|key| key.primary).or_else(|| keys.next())?;
        is_alone.then(|| first.columns.clone())
    }
}
