//! Calls of functions: what becomes of rows that are given to one, and of names in its brackets.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    WindowType,
};

use super::Walk;
use super::expression::Names;
use super::row::TAKES_ANY_ROW;
use crate::name;
use crate::statement::{end_byte, start_byte};

/// Calls that name the elements or attributes that they make after the columns given to them.
const NAMES_ELEMENTS: [&str; 2] = ["xmlforest", "xmlattributes"];

impl Names<'_, '_> {
    /// An element's name shows: a column under another name must be labelled.
    fn label_elements(&mut self, function: &Function, list: &FunctionArgumentList) {
        let called = name::single(&function.name).map(name::folded).unwrap_or_default();
        if !NAMES_ELEMENTS.contains(&called.as_str()) {
            return;
        }
        for argument in &list.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(element)) = argument else { continue };
            let (mut element, mut brackets) = (element, 0);
            while let Expr::Nested(inner) = element {
                (element, brackets) = (inner, brackets + 1);
            }
            let ident = match element {
                Expr::Identifier(ident) => Some(ident),
                Expr::CompoundIdentifier(parts) => parts.last(),
                _ => None,
            };
            let Some(ident) = ident else { continue };
            // The label goes behind the brackets.
            let last = self.rewriter.lexeme_at(start_byte(ident.span)) + brackets;
            let end = self.rewriter.lexeme(last).map_or(end_byte(ident.span), |last| last.end);
            self.rewriter.implicit_label(element, end);
        }
    }

    pub(super) fn function(&mut self, function: &Function) -> Walk<()> {
        for part in name::parts(&function.name).unwrap_or_default() {
            self.rewriter.account(part);
        }
        if let Some(WindowType::NamedWindow(window)) = &function.over {
            self.rewriter.account(window);
        }
        let FunctionArguments::List(list) = &function.args else { return Ok(()) };
        self.rewriter.catalog_call(function, list);
        self.label_elements(function, list);
        let called = name::parts(&function.name)
            .and_then(|parts| parts.last().map(|last| name::folded(last)))
            .unwrap_or_default();
        let takes_any_row = TAKES_ANY_ROW.contains(&called.as_str()) || called == "count";
        // A row that is there counts, whatever is in it.
        let only_counts = called == "count" && list.duplicate_treatment.is_none();
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
                FunctionArgExpr::QualifiedWildcard(qualifier) if only_counts => {
                    for part in name::parts(qualifier).unwrap_or_default() {
                        self.rewriter.account(part);
                    }
                }
                FunctionArgExpr::QualifiedWildcard(qualifier) if called == "row" => {
                    self.rewriter.spelled_row(qualifier)?;
                }
                FunctionArgExpr::QualifiedWildcard(qualifier) => {
                    if takes_any_row {
                        self.rewriter.allow_any_starred_row(qualifier);
                    }
                    self.rewriter.starred_row(qualifier)?;
                }
                FunctionArgExpr::Expr(row) if only_counts => {
                    self.rewriter.allow_any_row(row);
                    if let Some(ident) = self.rewriter.whole_row_name(row) {
                        self.rewriter.account(ident);
                        self.rows.insert(start_byte(ident.span));
                    }
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
