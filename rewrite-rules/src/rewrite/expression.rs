//! Expressions: every column reference in them, whatever they are made of.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, DataType, Expr, Ident, NamedWindowDefinition, NamedWindowExpr,
    Query, Visit, Visitor,
};

use super::occurrence::Need;
use super::reference::{Qualifier, Reference};
use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::{Construct, Missing, Refusal};
use crate::scope::{self, Columns, Meaning, SYSTEM_COLUMNS};
use crate::statement::{end_byte, start_byte};

impl<'a> Rewriter<'a> {
    /// Resolves every name in an expression.
    pub(super) fn expression(&mut self, expression: &Expr) -> Walk<()> {
        self.visit(expression)
    }

    fn visit(&mut self, part: &impl Visit) -> Walk<()> {
        let mut names =
            Names { rewriter: self, inside_query: 0, fields: HashSet::new(), rows: HashSet::new() };
        match part.visit(&mut names) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(refusal) => Err(refusal),
        }
    }

    pub(super) fn named_window(&mut self, window: &NamedWindowDefinition) -> Walk<()> {
        let NamedWindowDefinition(ident, definition) = window;
        self.account(ident);
        match definition {
            NamedWindowExpr::NamedWindow(base) => {
                self.account(base);
                Ok(())
            }
            NamedWindowExpr::WindowSpec(spec) => {
                spec.window_name.iter().for_each(|base| self.account(base));
                self.visit(spec)
            }
        }
    }

    /// An unqualified name.
    pub(super) fn column(&mut self, ident: &Ident) -> Walk<()> {
        self.account(ident);
        self.passed_name_use(ident)?;
        let wanted = name::folded(ident);
        let span = (start_byte(ident.span), end_byte(ident.span));
        self.walked.unqualified(span.0);
        match scope::unqualified(&self.levels, &self.occurrences, &wanted) {
            Meaning::Other => {}
            Meaning::Nothing => self.unresolved.push((span.0, wanted, Missing::Column)),
            Meaning::Governed { occurrence, deep, qualify } => {
                let crowded = self.levels.last().is_some_and(|level| level.sources.len() > 1);
                // Qualified, the new name means the same to whoever reads it in the old shape.
                let nested = deep > 0 || self.levels.len() > 1;
                let qualifier = match (qualify, crowded || nested) {
                    (true, _) => Qualifier::Always,
                    (false, true) => Qualifier::IfChanged,
                    (false, false) => Qualifier::None,
                };
                self.refer(occurrence, wanted, span, qualifier);
            }
            Meaning::Qualify { reference } => {
                let text = format!("{reference}.{}", self.slice(span));
                self.edits.replace(span.0, span.1, vec![text.into()]);
            }
            Meaning::Ambiguous => {
                let byte = crate::edit::CharacterOffsets::of(self.text).character(span.0);
                return Err(Box::new(Refusal::ambiguous(&wanted).at(byte.saturating_add(1))));
            }
            Meaning::Uncertain { occurrences } => {
                for occurrence in occurrences {
                    self.walked.may_be_of(occurrence, span.0);
                    let reason = "a name that may belong to a relation not known";
                    self.need(occurrence, Need::Named, reason);
                }
            }
            Meaning::WholeRow { occurrence, captors } => {
                for captor in captors {
                    let reason = "a whole row that a column of the new name would hide";
                    self.need(captor, Need::Hidden, reason);
                }
                self.row_use(occurrence, span)?;
            }
            Meaning::System { occurrences } => {
                for occurrence in occurrences {
                    self.walked.may_be_of(occurrence, span.0);
                    self.system_column(occurrence, &wanted);
                }
            }
        }
        Ok(())
    }

    /// `relation.column` or `schema.relation.column`.
    fn qualified_column(&mut self, parts: &[Ident]) -> Walk<()> {
        parts.iter().for_each(|part| self.account(part));
        if let Some(first) = parts.first() {
            self.passed_use(self.passed_qualified(parts), start_byte(first.span))?;
        }
        let names: Vec<String> = parts.iter().map(name::folded).collect();
        let (found, column, qualifier) = match (names.as_slice(), parts) {
            ([table, column], [first, ..]) => (
                scope::find(&self.levels, None, table),
                column,
                Qualifier::Relation(start_byte(first.span)),
            ),
            ([.., schema, table, column], [first, .., relation, _]) => (
                scope::find(&self.levels, Some(schema), table),
                column,
                Qualifier::Schema(start_byte(first.span), start_byte(relation.span)),
            ),
            _ => return Ok(()),
        };
        let Some((source, _)) = found else {
            // PostgreSQL points at the first part of the name.
            if let ([.., table, _], [first, ..]) = (names.as_slice(), parts) {
                let missing = self.missing(table);
                self.unresolved.push((start_byte(first.span), column.clone(), missing));
            }
            return Ok(());
        };
        let Some(occurrence) = source.occurrence else { return Ok(()) };
        let renamed = source.renamed;
        if renamed && matches!(&source.columns, Columns::Known(names) if names.contains(column)) {
            return Ok(());
        }
        let Some(lens) = self.occurrences.get(occurrence).map(|found| found.lens) else {
            return Ok(());
        };
        if !renamed && lens.column(column).is_some() {
            if let Some(ident) = parts.last() {
                let span = (start_byte(ident.span), end_byte(ident.span));
                self.refer(occurrence, column.clone(), span, qualifier);
            }
        } else if SYSTEM_COLUMNS.contains(&column.as_str()) {
            let first = parts.first().map_or(0, |first| start_byte(first.span));
            self.walked.may_be_of(occurrence, first);
            self.system_column(occurrence, column);
        } else if !renamed
            && (lens.over.is_some()
                || lens.among.is_some()
                || !lens.hidden.iter().any(|hidden| hidden == column))
            && !self.generation.catalog().functions.contains_key(column)
        {
            // PostgreSQL says that there is no such column.
            let missing = Missing::ColumnOf(source.name.clone());
            if let Some(first) = parts.first() {
                self.unresolved.push((start_byte(first.span), column.clone(), missing));
            }
        } else {
            // Perhaps a function of the row type: it would see the physical row.
            let reason = "a function called on a whole row";
            return Err(Box::new(Refusal::no_derived_table(reason, lens)));
        }
        Ok(())
    }

    /// Notes a use of a logical column.
    fn refer(
        &mut self,
        occurrence: usize,
        column: String,
        span: (usize, usize),
        qualifier: Qualifier,
    ) {
        let lens = self.occurrences.get(occurrence).map(|found| found.lens);
        if let Some((lens, logical)) = lens.and_then(|lens| Some((lens, lens.column(&column)?)))
            && !Self::derivable(lens, logical)
        {
            self.fix(occurrence, "a column of the other shape");
        }
        self.references.push(Reference { occurrence, column, span, qualifier });
    }

    /// `(u).username`: the column of a whole row in brackets. False if it is something else.
    fn column_of_row(&mut self, root: &Expr, chain: &[AccessExpr]) -> bool {
        let Some(AccessExpr::Dot(Expr::Identifier(field))) = chain.first() else { return false };
        let Some(row) = bracketed_name(root) else { return false };
        let wanted = name::folded(row);
        let Meaning::WholeRow { occurrence, captors } =
            scope::unqualified(&self.levels, &self.occurrences, &wanted)
        else {
            return false;
        };
        let column = name::folded(field);
        let known = self.occurrences.get(occurrence).map(|found| found.lens);
        if !captors.is_empty() || known.is_none_or(|lens| lens.column(&column).is_none()) {
            return false;
        }
        self.account(row);
        self.account(field);
        let span = (start_byte(field.span), end_byte(field.span));
        // The brackets before the name belong to it.
        let open = self.lexeme_at(start_byte(row.span)).checked_sub(row_depth(root));
        let Some(from) = open.and_then(|open| self.lexeme(open)).map(|open| open.start) else {
            return false;
        };
        self.refer(occurrence, column, span, Qualifier::Relation(from));
        true
    }
}

/// `u.tags` of `u.tags[1]`: names with dots between them that something else follows.
fn qualified_root(root: &Expr, chain: &[AccessExpr]) -> Option<Vec<Ident>> {
    let Expr::Identifier(first) = root else { return None };
    let rest = chain.iter().map_while(|access| match access {
        AccessExpr::Dot(Expr::Identifier(part)) => Some(part.clone()),
        AccessExpr::Dot(_) | AccessExpr::Subscript(_) => None,
    });
    let parts: Vec<Ident> = std::iter::once(first.clone()).chain(rest).collect();
    (parts.len() > 1).then_some(parts)
}

/// The name that is all of an expression in brackets.
fn bracketed_name(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Nested(inner) => match inner.as_ref() {
            Expr::Identifier(ident) => Some(ident),
            nested => bracketed_name(nested),
        },
        _ => None,
    }
}

/// How many brackets are around an expression.
fn row_depth(expression: &Expr) -> usize {
    match expression {
        Expr::Nested(inner) => 1 + row_depth(inner),
        _ => 0,
    }
}

/// Visits one expression; sub-selects are handed over to the walk of queries.
pub(super) struct Names<'r, 'a> {
    pub(super) rewriter: &'r mut Rewriter<'a>,
    /// How many sub-selects deep the visitor is; what is inside them was walked already.
    pub(super) inside_query: usize,
    /// Byte offsets of identifiers that name a field, not a column.
    pub(super) fields: HashSet<usize>,
    /// Byte offsets of identifiers that name a row of which one column is taken.
    pub(super) rows: HashSet<usize>,
}

impl Visitor for Names<'_, '_> {
    type Break = Box<Refusal>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if self.inside_query == 0 {
            self.rewriter.passing.audience = self.rewriter.audience_of(query);
        }
        if self.inside_query == 0
            && let Err(refusal) = self.rewriter.query(query)
        {
            return ControlFlow::Break(refusal);
        }
        self.inside_query += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.inside_query = self.inside_query.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Self::Break> {
        if self.inside_query > 0 {
            return ControlFlow::Continue(());
        }
        self.rewriter.allow_compared_rows(expression);
        let walked = match expression {
            Expr::Identifier(ident) if self.fields.contains(&start_byte(ident.span)) => {
                self.rewriter.account(ident);
                Ok(())
            }
            Expr::Identifier(ident) if self.rows.contains(&start_byte(ident.span)) => Ok(()),
            Expr::Identifier(ident) => self.rewriter.column(ident),
            Expr::CompoundIdentifier(parts) => self.rewriter.qualified_column(parts),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.note_fields(access_chain);
                if let Some(parts) = qualified_root(root, access_chain) {
                    self.rows.extend(parts.first().map(|first| start_byte(first.span)));
                    self.rewriter.qualified_column(&parts)
                } else if self.rewriter.column_of_row(root, access_chain) {
                    self.rows.extend(bracketed_name(root).map(|row| start_byte(row.span)));
                    Ok(())
                } else {
                    self.rewriter.allow_any_relations_row(root);
                    self.rewriter.field_of_passed(root, access_chain)
                }
            }
            Expr::Named { name, .. } => {
                self.rewriter.account(name);
                Ok(())
            }
            Expr::Cast { expr, data_type, kind, .. } => {
                if let DataType::Text | DataType::Varchar(_) = data_type {
                    self.rewriter.allow_any_row(expr);
                }
                self.rewriter.catalog_cast(expr, kind, data_type);
                self.type_name(data_type);
                Ok(())
            }
            Expr::TypedString(literal) => {
                self.rewriter.catalog_literal(&literal.value, &literal.data_type);
                self.type_name(&literal.data_type);
                Ok(())
            }
            Expr::Function(function) => self.function(function),
            Expr::QualifiedWildcard(qualifier, _) => self.rewriter.starred_row(qualifier),
            other => match foreign(other) {
                Some(what) => self.rewriter.refuse(Construct::NotPostgres(what)),
                None => Ok(()),
            },
        };
        match walked {
            Ok(()) => ControlFlow::Continue(()),
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

impl Names<'_, '_> {
    fn note_fields(&mut self, chain: &[AccessExpr]) {
        for access in chain {
            if let AccessExpr::Dot(Expr::Identifier(field)) = access {
                self.fields.insert(start_byte(field.span));
            }
        }
    }

    /// A type's name is no column's, unless it is the row type of a governed table.
    fn type_name(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Custom(written, _) => {
                let parts = name::parts(written).unwrap_or_default();
                let names: HashSet<String> = parts.iter().map(|part| name::folded(part)).collect();
                let shape = self.rewriter.session.shape;
                let mut lenses = self.rewriter.generation.lenses(shape).iter();
                if !lenses.any(|lens| names.contains(&lens.relation.name)) {
                    parts.iter().for_each(|part| self.rewriter.account(part));
                }
            }
            DataType::Array(
                ArrayElemTypeDef::SquareBracket(element, _)
                | ArrayElemTypeDef::AngleBracket(element)
                | ArrayElemTypeDef::Parenthesis(element),
            ) => self.type_name(element),
            _ => {}
        }
    }
}

/// Expressions of other databases that the parser accepts.
fn foreign(expression: &Expr) -> Option<&'static str> {
    match expression {
        Expr::Convert { .. }
        | Expr::MatchAgainst { .. }
        | Expr::Lambda(_)
        | Expr::Dictionary(_)
        | Expr::Map(_)
        | Expr::Struct { .. }
        | Expr::OuterJoin(_)
        | Expr::Prior(_)
        | Expr::MemberOf(_)
        | Expr::RLike { .. }
        | Expr::InUnnest { .. }
        | Expr::JsonAccess { .. }
        | Expr::Prefixed { .. } => Some("this expression"),
        _ => None,
    }
}
