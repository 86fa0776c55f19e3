//! The name that PostgreSQL gives an output column without AS (FigureColname in parse_target.c).

use sqlparser::ast::{AccessExpr, Expr, FunctionArguments, Ident, SelectItem, SetExpr};

use super::Rewriter;
use super::reference::Label;
use crate::name;
use crate::statement::start_byte;

/// What names an unlabelled output column.
enum Source<'e> {
    /// An identifier in the expression.
    Ident(&'e Ident),
    /// A fixed word: a function's or type's name.
    Word(String),
    /// Nothing: `?column?`.
    Nothing,
}

/// The output column's name.
pub(super) fn name(expression: &Expr) -> String {
    match source(expression) {
        Source::Ident(ident) => name::folded(ident),
        Source::Word(word) => word,
        Source::Nothing => "?column?".to_owned(),
    }
}

fn source(expression: &Expr) -> Source<'_> {
    match expression {
        Expr::Identifier(ident) => Source::Ident(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map_or(Source::Nothing, Source::Ident),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => source(inner),
        Expr::Cast { expr, data_type, .. } => match source(expr) {
            Source::Nothing => Source::Word(data_type.to_string().to_ascii_lowercase()),
            found => found,
        },
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(field)) => Some(field),
                AccessExpr::Dot(_) | AccessExpr::Subscript(_) => None,
            });
            field.map_or_else(|| source(root), Source::Ident)
        }
        Expr::Case { else_result, .. } => match else_result.as_deref().map(source) {
            Some(Source::Ident(ident)) => Source::Ident(ident),
            Some(Source::Word(_) | Source::Nothing) | None => Source::Word("case".to_owned()),
        },
        Expr::Function(function) => {
            let last = name::parts(&function.name).and_then(|parts| parts.last().copied());
            match (&function.args, last) {
                (FunctionArguments::Subquery(_), _) | (_, None) => Source::Word("array".to_owned()),
                (_, Some(ident)) => Source::Word(name::folded(ident)),
            }
        }
        // The inner item has, or is given, the label; only its text is wanted here.
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first() {
                Some(SelectItem::UnnamedExpr(inner)) => Source::Word(name(inner)),
                Some(SelectItem::ExprWithAlias { alias, .. }) => Source::Word(name::folded(alias)),
                Some(
                    SelectItem::ExprWithAliases { .. }
                    | SelectItem::QualifiedWildcard(..)
                    | SelectItem::Wildcard(_),
                )
                | None => Source::Nothing,
            },
            _ => Source::Nothing,
        },
        Expr::Exists { .. } => Source::Word("exists".to_owned()),
        Expr::Array(_) => Source::Word("array".to_owned()),
        Expr::Tuple(_) => Source::Word("row".to_owned()),
        // Every other expression is nameless, or named by a word that no migration changes.
        _ => Source::Nothing,
    }
}

/// The function after which PostgreSQL names the output column.
pub(super) fn function(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Function(function) => {
            name::parts(&function.name).and_then(|parts| parts.last().copied())
        }
        Expr::Nested(inner)
        | Expr::Collate { expr: inner, .. }
        | Expr::Cast { expr: inner, .. } => self::function(inner),
        _ => None,
    }
}

impl Rewriter<'_> {
    /// If a reference names this output column, a changed name there needs a label here.
    pub(super) fn implicit_label(&mut self, expression: &Expr, end: usize) {
        if let Source::Ident(ident) = source(expression) {
            self.labels.push(Label {
                ident: start_byte(ident.span),
                name: name::folded(ident),
                end,
            });
        }
    }
}
