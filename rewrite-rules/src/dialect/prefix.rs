//! What an expression can begin with.
//!
//! The parser would first try to read a type's name at the beginning of every expression, and would
//! give special meanings to words that have none in PostgreSQL.

use sqlparser::ast::{Expr, Function, FunctionArguments, Ident, ObjectName, UnaryOperator};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{OTHER_OPERATOR, Parsed, Postgres, literal};
use crate::keyword::{self, Class};

impl Postgres {
    /// `None` leaves the expression to the parser.
    pub(super) fn prefix(&self, parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
        let token = parser.peek_token_ref();
        match &token.token {
            Token::EscapedStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::Number(..)
            | Token::Placeholder(_) => Some(parser.parse_value().map(Expr::Value)),
            Token::CustomBinaryOperator(_) => {
                parser.advance_token();
                let operand = parser.parse_subexpr(OTHER_OPERATOR);
                Some(operand.map(|operand| Expr::UnaryOp {
                    op: UnaryOperator::PGAbs,
                    expr: Box::new(operand),
                }))
            }
            Token::LParen if self.opens_query(token) => Some(subquery(parser)),
            Token::LParen if parser.peek_nth_token_ref(1).token == Token::RParen => {
                parser.advance_token();
                parser.advance_token();
                Some(Ok(Expr::Tuple(Vec::new())))
            }
            Token::Word(_) => word(parser),
            _ => None,
        }
    }
}

/// A bracketed query.
fn subquery(parser: &mut Parser<'_>) -> Parsed<Expr> {
    parser.expect_token(&Token::LParen)?;
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Subquery(query))
}

fn word(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    let TokenWithSpan { token: Token::Word(word), span } = parser.peek_token_ref() else {
        return None;
    };
    let ident = word.to_ident(*span);
    let known = if word.quote_style.is_none() { keyword::find(&word.value) } else { None };
    let class = known.map(|known| known.class);
    let keyword = known.map_or(Keyword::NoKeyword, |known| known.keyword);
    match &parser.peek_nth_token_ref(1).token {
        Token::LParen => {
            if let Some(special) = super::call::special(parser) {
                return Some(special);
            }
            if literal::is_type(keyword) {
                return Some(literal::typed(parser));
            }
            if is_parsers(keyword) || keyword == Keyword::EXISTS {
                return None;
            }
            match class {
                Some(Class::Reserved) => Some(no_expression(parser)),
                _ => Some(call(parser, ident)),
            }
        }
        _ if class == Some(Class::Reserved) => match keyword {
            Keyword::CURRENT_ROLE
            | Keyword::CURRENT_USER
            | Keyword::SESSION_USER
            | Keyword::CURRENT_CATALOG
            | Keyword::USER => Some(Ok(bare_call(parser, ident))),
            // INSERT and UPDATE take it for a value.
            Keyword::DEFAULT => Some(Ok(identifier(parser, ident))),
            keyword if is_parsers(keyword) => None,
            _ => Some(no_expression(parser)),
        },
        Token::EscapedStringLiteral(_) | Token::SingleQuotedByteStringLiteral(_) => {
            Some(literal::typed(parser))
        }
        Token::Word(_) if literal::is_long_type(parser) => Some(literal::typed(parser)),
        Token::Period if literal::has_qualified_type(parser) => Some(literal::typed(parser)),
        _ if keyword == Keyword::CURRENT_SCHEMA => Some(Ok(bare_call(parser, ident))),
        _ if keyword == Keyword::COLLATION => super::call::collation_for(parser),
        _ if class == Some(Class::TypeOrFunctionName) => Some(no_expression(parser)),
        _ => Some(Ok(identifier(parser, ident))),
    }
}

/// Reserved words with which an expression begins that the parser reads as PostgreSQL does.
fn is_parsers(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::ARRAY
            | Keyword::CASE
            | Keyword::CAST
            | Keyword::CURRENT_DATE
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::FALSE
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
            | Keyword::NOT
            | Keyword::NULL
            | Keyword::TRUE
    )
}

/// The parser would take any reserved word for a column: `SELECT a or FROM t` has a label.
fn no_expression(parser: &Parser<'_>) -> Parsed<Expr> {
    parser.expected_ref("an expression", parser.peek_token_ref())
}

fn identifier(parser: &mut Parser<'_>, ident: Ident) -> Expr {
    parser.advance_token();
    Expr::Identifier(ident)
}

/// `CURRENT_ROLE` and the like: a function that is called without brackets.
fn bare_call(parser: &mut Parser<'_>, ident: Ident) -> Expr {
    parser.advance_token();
    Expr::Function(Function {
        name: ObjectName::from(vec![ident]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `f(…)`, or `type(…) 'literal'`.
fn call(parser: &mut Parser<'_>, ident: Ident) -> Parsed<Expr> {
    parser.advance_token();
    let name = ObjectName::from(vec![ident]);
    let call = parser.parse_function(name.clone())?;
    literal::behind(parser, name, call)
}
