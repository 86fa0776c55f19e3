//! Functions in FROM: their arguments, and what is known of the columns that they give.

use sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableAlias,
};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::{Rewriter, Walk};
use crate::lens::LogicalColumn;
use crate::name;
use crate::refusal::Construct;
use crate::scope::{self, Columns, Meaning, Source};
use crate::statement::{Lexeme, end_byte};

/// Functions that give one column named like the alias.
const ONE_COLUMN: [&str; 6] = [
    "generate_series",
    "unnest",
    "regexp_split_to_table",
    "string_to_table",
    "generate_subscripts",
    "jsonb_object_keys",
];

/// Functions that give an array of texts.
const OF_TEXT: [&str; 3] = ["string_to_array", "regexp_split_to_array", "regexp_match"];

/// Whether a type is surely not one that somebody made.
fn is_built_in_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => is_built_in_type(element),
        DataType::Array(_) | DataType::Custom(..) => false,
        _ => true,
    }
}

/// Whether a type's name, which says its schema where that is not PostgreSQL's own, is built in.
fn is_built_in(type_name: &str) -> bool {
    !type_name.contains('.')
}

impl Rewriter<'_> {
    pub(super) fn function(
        &mut self,
        written: &ObjectName,
        arguments: &[FunctionArg],
        alias: Option<&TableAlias>,
        with_ordinality: bool,
    ) -> Walk<()> {
        for argument in arguments {
            let expression = match argument {
                FunctionArg::Named { arg, name, .. } => {
                    self.account(name);
                    arg
                }
                FunctionArg::ExprNamed { arg, name: Expr::Identifier(name), .. } => {
                    self.account(name);
                    arg
                }
                FunctionArg::Unnamed(arg) => arg,
                FunctionArg::ExprNamed { .. } => {
                    return self.refuse(Construct::NotPostgres("a computed argument name"));
                }
            };
            match expression {
                FunctionArgExpr::Expr(expression) => self.expression(expression)?,
                FunctionArgExpr::QualifiedWildcard(qualifier) => self.starred_row(qualifier)?,
                FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {}
            }
        }
        let Some(&last) = name::parts(written).unwrap_or_default().last() else {
            return self.refuse(Construct::NotPostgres("a computed function name"));
        };
        self.account(last);
        let folded = name::folded(last);
        let scalar = ONE_COLUMN.contains(&folded.as_str())
            && !with_ordinality
            && match arguments {
                // `unnest(a, b)` gives a column for each.
                _ if folded != "unnest" => true,
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] => self.has_scalars(array),
                _ => false,
            };
        let reference = self.source_of(last);
        match self.defined_columns(last, alias) {
            Some(columns) => self.result_source(&folded, &reference, alias, columns),
            None => self.function_source(&folded, &reference, alias, scalar),
        }
        Ok(())
    }

    /// Whether the elements of an array are certainly no rows, of which `unnest` would give each
    /// field as a column.
    pub(super) fn has_scalars(&self, array: &Expr) -> bool {
        let is_scalar = |column: &LogicalColumn| is_built_in(&column.type_name);
        match array {
            Expr::Nested(inner) => self.has_scalars(inner),
            Expr::Cast { data_type, .. } => is_built_in_type(data_type),
            Expr::Array(array) => array.elem.iter().all(|element| match element {
                Expr::Value(_) => true,
                Expr::Cast { .. } | Expr::Array(_) => self.has_scalars(element),
                _ => false,
            }),
            Expr::Identifier(column) => {
                let wanted = name::folded(column);
                match scope::unqualified(&self.levels, &self.occurrences, &wanted) {
                    Meaning::Governed { occurrence, .. } => {
                        self.logical(occurrence, &wanted).is_some_and(is_scalar)
                    }
                    _ => false,
                }
            }
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => scope::find(&self.levels, None, &name::folded(table))
                    .and_then(|(source, _)| source.occurrence.filter(|_| !source.renamed))
                    .and_then(|occurrence| self.logical(occurrence, &name::folded(column)))
                    .is_some_and(is_scalar),
                _ => false,
            },
            Expr::Function(function) => name::single(&function.name)
                .is_some_and(|called| OF_TEXT.contains(&name::folded(called).as_str())),
            _ => false,
        }
    }

    fn logical(&self, occurrence: usize, column: &str) -> Option<&LogicalColumn> {
        self.occurrences.get(occurrence)?.lens.column(column)
    }

    /// The columns of a result that the statement itself defines: `f() AS a(b int)`,
    /// `f() AS (b int)`, `XMLTABLE (… COLUMNS b int)`.
    fn defined_columns(&self, called: &Ident, alias: Option<&TableAlias>) -> Option<Vec<String>> {
        if let Some(alias) = alias
            && !alias.columns.is_empty()
            && alias.columns.iter().all(|column| column.data_type.is_some())
        {
            return Some(alias.columns.iter().map(|column| name::folded(&column.name)).collect());
        }
        let open = self.lexeme_at(end_byte(called.span));
        let behind = self.behind_brackets(open);
        let is_word = |at: usize, word: &str| self.lexeme(at).is_some_and(|it| it.is_word(word));
        let is_bracket = |at: usize| self.lexeme(at).is_some_and(|it| it.token == Token::LParen);
        if is_word(behind, "as") && is_bracket(behind + 1) {
            return self.defined_names(behind + 2);
        }
        if name::folded(called) == "xmltable" {
            let columns = self.keyword_behind(open + 1, "columns")?;
            return self.defined_names(columns + 1);
        }
        None
    }

    /// The first words of a list that begins at token `first`.
    fn defined_names(&self, first: usize) -> Option<Vec<String>> {
        let name = |(start, _): Range| self.lexeme(self.lexeme_at(start)).and_then(Lexeme::name);
        self.definitions(first).into_iter().map(name).collect()
    }

    pub(super) fn function_source(
        &mut self,
        folded: &str,
        reference: &str,
        alias: Option<&TableAlias>,
        scalar: bool,
    ) {
        let columns = match alias {
            Some(alias) if scalar => Columns::Known(vec![name::folded(&alias.name)]),
            None if scalar => Columns::Known(vec![folded.to_owned()]),
            _ => Columns::Unknown,
        };
        self.source(result(folded, reference, columns), alias);
    }

    fn result_source(
        &mut self,
        folded: &str,
        reference: &str,
        alias: Option<&TableAlias>,
        columns: Vec<String>,
    ) {
        self.source(result(folded, reference, Columns::Known(columns)), alias);
    }
}

fn result(folded: &str, reference: &str, columns: Columns) -> Source {
    Source {
        name: folded.to_owned(),
        schema: None,
        columns,
        occurrence: None,
        reference: reference.to_owned(),
        renamed: false,
        rows: Vec::new(),
    }
}
