//! Expressions: every column reference in them, whatever they are made of.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    NamedWindowDefinition, NamedWindowExpr, ObjectName, ObjectNamePart, Query, Visit, Visitor,
    WindowType,
};

use super::reference::{Qualifier, Reference};
use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::scope::{self, Columns, Meaning, SYSTEM_COLUMNS};
use crate::statement::{end_byte, start_byte};

/// Functions that take a row of any type and show nothing of it but its columns.
const TAKES_ANY_ROW: [&str; 9] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "json_agg",
    "jsonb_agg",
    "json_build_object",
    "jsonb_build_object",
    "count",
    "hash_record",
];

impl<'a> Rewriter<'a> {
    /// Resolves every name in an expression.
    pub(super) fn expression(&mut self, expression: &Expr) -> Walk<()> {
        self.visit(expression)
    }

    fn visit(&mut self, part: &impl Visit) -> Walk<()> {
        let mut names = Names { rewriter: self, inside_query: 0, fields: HashSet::new() };
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
        let wanted = name::folded(ident);
        let span = (start_byte(ident.span), end_byte(ident.span));
        match scope::unqualified(&self.levels, &self.occurrences, &wanted) {
            Meaning::Other => {}
            Meaning::Nothing => self.unresolved.push((span.0, wanted, None)),
            Meaning::Governed { occurrence, deep, qualify } => {
                let crowded = self.levels.last().is_some_and(|level| level.sources.len() > 1);
                // Qualified, the new name means the same to whoever reads it in the old shape.
                let nested = deep > 0 || self.levels.len() > 1;
                let qualifier = match (qualify, crowded || nested) {
                    (true, _) => Qualifier::Always,
                    (false, true) => Qualifier::IfChanged,
                    (false, false) => Qualifier::None,
                };
                self.references.push(Reference { occurrence, column: wanted, span, qualifier });
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
                    self.derive(occurrence, "a name that may belong to a relation not known");
                }
            }
            Meaning::WholeRow { occurrence, captors } => {
                for captor in captors {
                    self.derive(captor, "a whole row that a column of the new name would hide");
                }
                self.derive(occurrence, "a whole-row reference");
                if !self.typeless_rows.contains(&span.0) {
                    self.fix(occurrence, "a whole row of the table's own type");
                }
            }
            Meaning::System { occurrences } => {
                for occurrence in occurrences {
                    self.fix(occurrence, "a query that names a system column");
                }
            }
        }
        Ok(())
    }

    /// `relation.column` or `schema.relation.column`.
    fn qualified_column(&mut self, parts: &[Ident]) -> Walk<()> {
        parts.iter().for_each(|part| self.account(part));
        let names: Vec<String> = parts.iter().map(name::folded).collect();
        let (found, column, qualifier) = match (names.as_slice(), parts) {
            ([table, column], _) => {
                (scope::find(&self.levels, None, table), column, Qualifier::Relation)
            }
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
                let table = Some(table.clone());
                self.unresolved.push((start_byte(first.span), column.clone(), table));
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
                let column = column.clone();
                self.references.push(Reference { occurrence, column, span, qualifier });
            }
        } else if SYSTEM_COLUMNS.contains(&column.as_str()) {
            self.fix(occurrence, "a query that names a system column");
        } else {
            // Perhaps a function of the row type: it would see the physical row.
            self.derive(occurrence, "a whole-row reference");
            self.fix(occurrence, "a function called on a whole row");
        }
        Ok(())
    }

    /// `relation.*` where it means the row itself.
    pub(super) fn whole_row(&mut self, qualifier: &ObjectName) {
        let typeless = qualifier
            .0
            .first()
            .and_then(ObjectNamePart::as_ident)
            .is_some_and(|first| self.typeless_rows.contains(&start_byte(first.span)));
        let parts = name::parts(qualifier).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let found = match names.as_slice() {
            [table] => scope::find(&self.levels, None, table),
            [.., schema, table] => scope::find(&self.levels, Some(schema), table),
            [] => None,
        };
        if let Some(occurrence) = found.and_then(|(source, _)| source.occurrence) {
            self.derive(occurrence, "a whole-row reference");
            if !typeless {
                self.fix(occurrence, "a whole row of the table's own type");
            }
        }
    }

    /// Notes that a whole row here may be of any row type: the derived table's will do.
    fn allow_any_row(&mut self, expression: &Expr) {
        match expression {
            Expr::Identifier(ident) => {
                self.typeless_rows.insert(start_byte(ident.span));
            }
            Expr::Nested(inner) => self.allow_any_row(inner),
            _ => {}
        }
    }
}

/// Visits one expression; sub-selects are handed over to the walk of queries.
struct Names<'r, 'a> {
    rewriter: &'r mut Rewriter<'a>,
    /// How many sub-selects deep the visitor is; what is inside them was walked already.
    inside_query: usize,
    /// Byte offsets of identifiers that name a field, not a column.
    fields: HashSet<usize>,
}

impl Visitor for Names<'_, '_> {
    type Break = Box<Refusal>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
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
        let walked = match expression {
            Expr::Identifier(ident) if self.fields.contains(&start_byte(ident.span)) => {
                self.rewriter.account(ident);
                Ok(())
            }
            Expr::Identifier(ident) => self.rewriter.column(ident),
            Expr::CompoundIdentifier(parts) => self.rewriter.qualified_column(parts),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.note_fields(access_chain);
                self.rewriter.allow_any_row(root);
                Ok(())
            }
            Expr::IsNull(row) | Expr::IsNotNull(row) => {
                self.rewriter.allow_any_row(row);
                Ok(())
            }
            Expr::Function(function) => self.function(function),
            Expr::QualifiedWildcard(qualifier, _) => {
                self.rewriter.whole_row(qualifier);
                Ok(())
            }
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

    fn function(&mut self, function: &Function) -> Walk<()> {
        for part in name::parts(&function.name).unwrap_or_default() {
            self.rewriter.account(part);
        }
        if let Some(WindowType::NamedWindow(window)) = &function.over {
            self.rewriter.account(window);
        }
        let FunctionArguments::List(list) = &function.args else { return Ok(()) };
        let takes_any_row = name::parts(&function.name)
            .and_then(|parts| parts.last().map(|last| name::folded(last)))
            .is_some_and(|called| TAKES_ANY_ROW.contains(&called.as_str()));
        for argument in &list.args {
            let value = match argument {
                FunctionArg::Named { name, arg, .. } => {
                    self.rewriter.account(name);
                    arg
                }
                FunctionArg::ExprNamed { name, arg, .. } => {
                    if let Expr::Identifier(ident) = name {
                        self.fields.insert(start_byte(ident.span));
                    }
                    arg
                }
                FunctionArg::Unnamed(arg) => arg,
            };
            match value {
                FunctionArgExpr::QualifiedWildcard(qualifier) => {
                    if let Some(first) = qualifier.0.first().and_then(ObjectNamePart::as_ident)
                        && takes_any_row
                    {
                        self.rewriter.typeless_rows.insert(start_byte(first.span));
                    }
                    self.rewriter.whole_row(qualifier);
                }
                FunctionArgExpr::Expr(row) if takes_any_row => self.rewriter.allow_any_row(row),
                FunctionArgExpr::Expr(_)
                | FunctionArgExpr::Wildcard
                | FunctionArgExpr::WildcardWithOptions(_) => {}
            }
        }
        Ok(())
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
        | Expr::Named { .. }
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
