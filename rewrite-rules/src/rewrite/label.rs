//! The name that PostgreSQL gives an output column without AS (FigureColname in parse_target.c).

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, DataType, Expr, FunctionArguments, Ident,
    SelectItem, SetExpr,
};

use super::Rewriter;
use super::reference::Label;
use crate::dialect::COLLATED;
use crate::name;
use crate::statement::start_byte;

/// What names an unlabelled output column.
enum Source<'e> {
    /// An identifier in the expression.
    Ident(&'e Ident),
    /// A fixed word: a function's name.
    Word(String),
    /// The same of a cast or CASE, which gives its own only where what is in it has none of the other kinds.
    Weak(String),
    /// Nothing: `?column?`.
    Nothing,
}

/// The output column's name.
pub(super) fn name(expression: &Expr) -> String {
    match source(expression) {
        Source::Ident(ident) => name::folded(ident),
        Source::Word(word) | Source::Weak(word) => word,
        Source::Nothing => "?column?".to_owned(),
    }
}

fn source(expression: &Expr) -> Source<'_> {
    match expression {
        Expr::Identifier(ident) => Source::Ident(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map_or(Source::Nothing, Source::Ident),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => source(inner),
        Expr::Cast { expr, data_type, .. } => match source(expr) {
            Source::Nothing | Source::Weak(_) if !is_collation(data_type) => {
                Source::Weak(type_name(data_type))
            }
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
            Some(named @ (Source::Ident(_) | Source::Word(_))) => named,
            Some(Source::Weak(_) | Source::Nothing) | None => Source::Weak("case".to_owned()),
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
        // `t.*::text`: a whole row is called like its relation.
        Expr::QualifiedWildcard(relation, _) => {
            let last = name::parts(relation).and_then(|parts| parts.last().copied());
            last.map_or(Source::Nothing, |last| Source::Word(name::folded(last)))
        }
        Expr::AtTimeZone { .. } => Source::Word("timezone".to_owned()),
        Expr::IsNormalized { .. } => Source::Word("is_normalized".to_owned()),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => Source::Word("overlaps".to_owned()),
        Expr::Exists { negated: false, .. } => Source::Word("exists".to_owned()),
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

/// Whether that is no type, but stands for COLLATE, which gives no name.
fn is_collation(data_type: &DataType) -> bool {
    type_name(data_type) == COLLATED
}

/// What the catalog calls a type that SQL has a name of its own for.
fn type_name(data_type: &DataType) -> String {
    if let DataType::Custom(written, _) = data_type {
        let last = name::parts(written).and_then(|parts| parts.last().copied());
        return last.map(name::folded).unwrap_or_default();
    }
    if let DataType::Array(
        ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _),
    ) = data_type
    {
        return type_name(element);
    }
    let written = data_type.to_string().to_ascii_lowercase();
    let words: Vec<&str> = written
        .split(|letter: char| !letter.is_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    match words.as_slice() {
        ["smallint", ..] => "int2",
        ["int" | "integer", ..] => "int4",
        ["bigint", ..] => "int8",
        ["real", ..] => "float4",
        ["double" | "float", ..] => "float8",
        ["decimal" | "dec", ..] => "numeric",
        ["boolean", ..] => "bool",
        ["bit", "varying", ..] => "varbit",
        ["char" | "character" | "nchar", "varying", ..] => "varchar",
        ["national", "char" | "character", "varying", ..] => "varchar",
        ["char" | "character" | "nchar" | "national", ..] => "bpchar",
        ["timestamp", "with", ..] => "timestamptz",
        ["time", "with", ..] => "timetz",
        [first, ..] => first,
        [] => "",
    }
    .to_owned()
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
