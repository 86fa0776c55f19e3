//! Functions in FROM: their arguments, and what is known of the columns that they give.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableAlias};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::Construct;
use crate::scope::{Columns, Source};
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
            // `unnest(a, b)` gives a column for each.
            && (folded != "unnest" || arguments.len() == 1);
        let reference = self.source_of(last);
        match self.defined_columns(last, alias) {
            Some(columns) => self.result_source(&folded, &reference, alias, columns),
            None => self.function_source(&folded, &reference, alias, scalar),
        }
        Ok(())
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
    }
}
