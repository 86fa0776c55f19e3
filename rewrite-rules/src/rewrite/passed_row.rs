//! Whole rows that a query gives to the one around it: `(x.u).username FROM (SELECT u FROM users u) x`.
//!
//! A record stands for the row here too. PostgreSQL finds the fields of a record by name wherever a
//! column of a sub-select or CTE leads back to a relation in FROM, so what is passed on to one is
//! the row of a derived table; an operand of a comparison may be any record. Each column that holds
//! such a row is remembered, and every use of it must be one that takes a row of any type: whatever
//! would see that it is not of the table's own type is refused.

use std::collections::HashSet;

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query,
    SelectItem, SelectItemQualifiedWildcardKind, Value,
};

use super::occurrence::Need;
use super::query::first_select;
use super::row::shows_physical_row;
use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::Refusal;
use crate::scope::{self, Columns, PassedRow, Source};
use crate::statement::start_byte;

/// What the reader of a query does with a whole row in its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Audience {
    /// It may look at its type.
    #[default]
    Any,
    /// It is a relation, whose columns' fields may be taken.
    Relation,
    /// It takes rows of any type, or the type is mended in the answer.
    Operand,
}

/// Whole rows on their way from a query to its reader.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// The reader of the query that is walked next.
    pub(super) audience: Audience,
    /// The columns of the query that was walked last.
    pub(super) rows: Vec<PassedRow>,
    /// First bytes of sub-selects that are operands.
    operands: HashSet<usize>,
}

/// What an item of a select list gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// No whole row that is worth a thought.
    Nothing,
    /// The row of an occurrence.
    Row(usize),
    /// Whatever the sub-select gives that is all of it.
    OfSubquery,
}

const OWN_TYPE: &str = "a whole row of the table's own type";

impl Rewriter<'_> {
    /// The reader of the query that is walked now.
    pub(super) fn audience(&mut self, outermost: bool) -> Audience {
        match (std::mem::take(&mut self.passing.audience), outermost) {
            (_, true) => Audience::Operand,
            (audience, false) => audience,
        }
    }

    /// Walks what comes behind a select list, whose rows stay the query's.
    pub(super) fn keeping_rows<T>(&mut self, work: impl FnOnce(&mut Self) -> Walk<T>) -> Walk<T> {
        let rows = std::mem::take(&mut self.passing.rows);
        let result = work(self)?;
        self.passing.rows = rows;
        Ok(result)
    }

    /// The second arm of a set operation must pass on what the first one does.
    pub(super) fn same_rows(&self, first: &[PassedRow]) -> Walk<()> {
        let second = &self.passing.rows;
        let relation = |row: &PassedRow| {
            (row.place, self.occurrences.get(row.occurrence).map(|found| &found.lens.relation))
        };
        match first.iter().map(relation).eq(second.iter().map(relation)) {
            true => Ok(()),
            false => first.first().or(second.first()).map_or(Ok(()), |row| self.no_row(*row)),
        }
    }

    /// Walks a query that is read as a relation; gives its columns, and which of them hold rows.
    pub(super) fn read_as_relation(
        &mut self,
        walk: impl FnOnce(&mut Self) -> Walk<Columns>,
    ) -> Walk<(Columns, Vec<PassedRow>)> {
        self.passing.audience = Audience::Relation;
        let columns = walk(self)?;
        let rows = std::mem::take(&mut self.passing.rows);
        match (&columns, rows.first()) {
            // Nobody knows which of them a name means.
            (Columns::Unknown, Some(row)) => self.no_row(*row)?,
            (Columns::Unknown, None) | (Columns::Known(_), _) => {}
        }
        Ok((columns, rows))
    }

    fn no_row(&self, row: PassedRow) -> Walk<()> {
        let Some(found) = self.occurrences.get(row.occurrence) else { return Ok(()) };
        Err(Box::new(Refusal::no_derived_table(OWN_TYPE, found.lens)))
    }

    /// The client must see the table's own type in the columns of the statement's result.
    pub(super) fn show_rows(&mut self) {
        for PassedRow { place, occurrence } in std::mem::take(&mut self.passing.rows) {
            let lens = self.occurrences.get(occurrence).map(|found| found.lens);
            let relation = lens.and_then(|lens| self.generation.catalog().relation(&lens.relation));
            let row_type = relation.map_or(0, |relation| relation.oids.row_type);
            let Ok(place) = u16::try_from(place) else { continue };
            self.replies.entry(self.statement).or_default().row_types.push((place, row_type));
        }
    }

    /// Looks at an item of a select list before it is walked.
    pub(super) fn given(
        &mut self,
        item: &SelectItem,
        place: Option<u16>,
        audience: Audience,
    ) -> Given {
        let (SelectItem::UnnamedExpr(expression)
        | SelectItem::ExprWithAlias { expr: expression, .. }) = item
        else {
            return Given::Nothing;
        };
        if place.is_none() || audience == Audience::Any {
            return Given::Nothing;
        }
        if audience == Audience::Operand && is_subquery(expression) {
            self.allow_any_row(expression);
            return Given::OfSubquery;
        }
        let leaves = match audience {
            Audience::Operand => leaves(expression),
            Audience::Relation | Audience::Any => vec![expression],
        };
        let rows: Option<Vec<usize>> = leaves.iter().map(|leaf| self.row_in(leaf)).collect();
        let Some(&occurrence) = rows.as_ref().and_then(|rows| rows.first()) else {
            return Given::Nothing;
        };
        let relation = |at: &usize| self.occurrences.get(*at).map(|found| &found.lens.relation);
        let mut relations = rows.iter().flatten().map(relation);
        if relations.any(|other| other != relation(&occurrence)) {
            return Given::Nothing;
        }
        leaves.into_iter().for_each(|leaf| self.allow_any_row(leaf));
        if self.passed(expression).is_none() && audience == Audience::Relation {
            self.need(occurrence, Need::Shaped, "a whole row that a sub-select passes on");
        }
        Given::Row(occurrence)
    }

    /// The occurrence whose row an expression is, if a record must stand for it.
    fn row_in(&self, expression: &Expr) -> Option<usize> {
        let own = self.whole_row_name(expression).and_then(|row| {
            scope::find(&self.levels, None, &name::folded(row))
                .and_then(|(source, _)| source.occurrence)
        });
        let own = own.filter(|at| {
            let lens = self.occurrences.get(*at).map(|found| found.lens);
            lens.is_some_and(|lens| lens.stands_as.is_none() && !shows_physical_row(lens))
        });
        own.or_else(|| self.passed(expression))
    }

    /// The row that an item has given, once it was walked.
    pub(super) fn given_row(&self, given: Given, place: Option<u16>) -> Option<PassedRow> {
        let place = usize::from(place?);
        let occurrence = match given {
            Given::Nothing => return None,
            Given::Row(occurrence) => occurrence,
            Given::OfSubquery => self.passing.rows.first()?.occurrence,
        };
        Some(PassedRow { place, occurrence })
    }

    /// The rows that a star of a select list gives, whose first column is at `place`.
    pub(super) fn starred_rows(
        &self,
        item: &SelectItem,
        place: Option<u16>,
        audience: Audience,
    ) -> Walk<Vec<PassedRow>> {
        let names: Option<Vec<String>> = match item {
            SelectItem::Wildcard(_) => None,
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let parts = name::parts(name).unwrap_or_default();
                Some(parts.into_iter().map(name::folded).collect())
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expression), _) => {
                return self.no_rows_inside(expression).map(|()| Vec::new());
            }
            SelectItem::UnnamedExpr(_)
            | SelectItem::ExprWithAlias { .. }
            | SelectItem::ExprWithAliases { .. } => return Ok(Vec::new()),
        };
        let merges =
            self.levels.last().is_some_and(|it| it.merges_unknown || !it.merged.is_empty());
        let known = place.is_some() && audience != Audience::Any && (names.is_some() || !merges);
        let mut width = known.then(|| place.map_or(0, usize::from));
        let mut rows = Vec::new();
        for source in self.star_sources(names.as_deref()) {
            for row in &source.rows {
                match width {
                    Some(width) => rows.push(PassedRow { place: width + row.place, ..*row }),
                    None => self.no_row(*row)?,
                }
            }
            width = match &source.columns {
                Columns::Known(names) => width.map(|width| width + names.len()),
                Columns::Unknown => None,
            };
        }
        Ok(rows)
    }

    /// The relations that a star stands for.
    pub(super) fn star_sources(&self, names: Option<&[String]>) -> Vec<&Source> {
        let qualified = |schema: Option<&str>, table: &str| {
            scope::find(&self.levels, schema, table).map(|(source, _)| source).into_iter()
        };
        match names {
            None => self.levels.last().into_iter().flat_map(|level| &level.sources).collect(),
            Some([table]) => qualified(None, table).collect(),
            Some([.., schema, table]) => qualified(Some(schema), table).collect(),
            Some([]) => Vec::new(),
        }
    }

    /// The occurrence whose row is in the column that is all of an expression.
    pub(super) fn passed(&self, expression: &Expr) -> Option<usize> {
        match expression {
            Expr::Identifier(ident) => self.passed_column(&name::folded(ident)),
            Expr::CompoundIdentifier(parts) => self.passed_qualified(parts),
            Expr::Nested(inner) => self.passed(inner),
            _ => None,
        }
    }

    fn passed_column(&self, column: &str) -> Option<usize> {
        let mut levels = self.levels.iter().rev();
        let level = levels.find(|level| level.visible().any(|source| has(source, column)))?;
        level.visible().find_map(|source| row_of(source, column))
    }

    /// The occurrence whose row is in a column with a qualifier.
    pub(super) fn passed_qualified(&self, parts: &[Ident]) -> Option<usize> {
        let names: Vec<String> = parts.iter().map(name::folded).collect();
        let (source, column) = match names.as_slice() {
            [table, column] => (scope::find(&self.levels, None, table)?.0, column),
            [.., schema, table, column] => {
                (scope::find(&self.levels, Some(schema), table)?.0, column)
            }
            _ => return None,
        };
        row_of(source, column)
    }

    /// Refuses a use of a column that holds a row where its type would be seen. `start`: the
    /// reference's first byte.
    pub(super) fn passed_use(&self, found: Option<usize>, start: usize) -> Walk<()> {
        match found.filter(|_| !self.typeless_rows.contains(&start)) {
            Some(occurrence) => self.no_row(PassedRow { place: 0, occurrence }),
            None => Ok(()),
        }
    }

    /// A bare name: a column that holds a row, or the row of a relation that has such a column.
    pub(super) fn passed_name_use(&self, ident: &Ident) -> Walk<()> {
        let wanted = name::folded(ident);
        let found = self.passed_column(&wanted).or_else(|| self.holder(&wanted));
        self.passed_use(found, start_byte(ident.span))
    }

    /// Of a relation whose row holds one: the occurrence whose row that is.
    fn holder(&self, name: &str) -> Option<usize> {
        let is_column = self.levels.iter().flat_map(scope::Level::visible).any(|it| has(it, name));
        let source = scope::find(&self.levels, None, name).filter(|_| !is_column)?.0;
        source.rows.first().map(|row| row.occurrence)
    }

    /// A relation's row in brackets must not hold another: what is taken out of it would have the
    /// wrong type.
    pub(super) fn no_rows_inside(&self, expression: &Expr) -> Walk<()> {
        match expression {
            Expr::Identifier(ident) => {
                let found = self.holder(&name::folded(ident));
                found.map_or(Ok(()), |occurrence| self.no_row(PassedRow { place: 0, occurrence }))
            }
            Expr::QualifiedWildcard(qualifier, _) => {
                let parts = name::parts(qualifier).unwrap_or_default();
                self.no_rows_starred(&parts)
            }
            Expr::Nested(inner) => self.no_rows_inside(inner),
            _ => Ok(()),
        }
    }

    /// The same for `relation.*` where its columns are spelled out by the server.
    pub(super) fn no_rows_starred(&self, parts: &[&Ident]) -> Walk<()> {
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let sources = self.star_sources(Some(&names));
        let row = sources.into_iter().flat_map(|source| &source.rows).next();
        row.map_or(Ok(()), |row| self.no_row(*row))
    }

    /// A join that merges columns, or hides its relations, knows nothing of rows in them.
    pub(super) fn no_rows_from(&self, start: usize, merged: Option<&str>) -> Walk<()> {
        let sources = self.levels.last().into_iter().flat_map(|level| &level.sources).skip(start);
        let mut rows = sources.flat_map(|source| {
            let is_meant = move |row: &&PassedRow| {
                merged.is_none_or(|merged| row_of(source, merged) == Some(row.occurrence))
            };
            source.rows.iter().filter(is_meant)
        });
        rows.next().map_or(Ok(()), |row| self.no_row(*row))
    }

    /// `(x.u).field`: the record has the columns that the client's shape shows, and no others.
    pub(super) fn field_of_passed(&self, root: &Expr, chain: &[AccessExpr]) -> Walk<()> {
        self.no_rows_inside(root)?;
        let Some(AccessExpr::Dot(Expr::Identifier(field))) = chain.first() else { return Ok(()) };
        let found = self.passed(root).and_then(|at| self.occurrences.get(at));
        let Some(lens) = found.map(|found| found.lens) else { return Ok(()) };
        let field = name::folded(field);
        let reason = match lens.column(&field) {
            Some(column) if column.shown => return Ok(()),
            Some(_) => "a column of the other shape",
            None if self.generation.catalog().functions.contains_key(&field) => {
                "a function called on a whole row"
            }
            // PostgreSQL says that there is no such column.
            None => return Ok(()),
        };
        Err(Box::new(Refusal::no_derived_table(reason, lens)))
    }

    /// Notes that a sub-select is read by something that takes any row.
    pub(super) fn allow_operand(&mut self, query: &Query) {
        self.passing.operands.extend(mark(query));
    }

    /// The reader of a sub-select in an expression.
    pub(super) fn audience_of(&self, query: &Query) -> Audience {
        match mark(query).is_some_and(|start| self.passing.operands.contains(&start)) {
            true => Audience::Operand,
            false => Audience::Any,
        }
    }
}

fn has(source: &Source, column: &str) -> bool {
    matches!(&source.columns, Columns::Known(names) if names.iter().any(|name| name == column))
}

/// The occurrence whose row is in that column.
fn row_of(source: &Source, column: &str) -> Option<usize> {
    let Columns::Known(names) = &source.columns else { return None };
    let is_named = |row: &&PassedRow| names.get(row.place).is_some_and(|name| name == column);
    source.rows.iter().find(is_named).map(|row| row.occurrence)
}

/// The expressions of which an expression gives one as it is, or else NULL.
fn leaves(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Nested(inner) => leaves(inner),
        Expr::Value(value) if value.value == Value::Null => Vec::new(),
        Expr::Case { conditions, else_result, .. } => {
            let results = conditions.iter().map(|when| &when.result);
            results.chain(else_result.as_deref()).flat_map(leaves).collect()
        }
        Expr::Function(function) if is_coalesce(function) => {
            let FunctionArguments::List(list) = &function.args else { return vec![expression] };
            let values = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => leaves(value),
                _ => vec![expression],
            });
            values.flatten().collect()
        }
        _ => vec![expression],
    }
}

fn is_coalesce(function: &Function) -> bool {
    name::single(&function.name)
        .is_some_and(|name| name.quote_style.is_none() && name::folded(name) == "coalesce")
}

/// Whether an expression is a sub-select and nothing else.
pub(super) fn is_subquery(expression: &Expr) -> bool {
    match expression {
        Expr::Subquery(_) => true,
        Expr::Nested(inner) => is_subquery(inner),
        _ => false,
    }
}

/// What tells a query from others: the first byte of its first SELECT.
fn mark(query: &Query) -> Option<usize> {
    first_select(query).map(|select| start_byte(select.select_token.0.span))
}
