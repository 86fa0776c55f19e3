//! Calls with words between their operands: `extract(year FROM a)`, `trim(BOTH FROM a)`,
//! `substring(a SIMILAR b ESCAPE c)`, `overlay(a PLACING b FROM 1)`, `position(a IN b)`.
//!
//! They become plain calls of the function that PostgreSQL calls.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, ObjectName,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{MATCH, Parsed, expect_word, is_word, name_of, take_word, take_words, xml};

/// One of these calls, if one comes next; a bracket is known to stand behind its first word.
pub(super) fn special(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    let token = parser.peek_token_ref();
    let found = SPECIAL.iter().find(|(word, _)| is_word(token, word));
    if let Some((word, read)) = found {
        parser.advance_token();
        let name = name_of(parser, word);
        parser.advance_token();
        return Some(read(parser).and_then(|(other_name, operands)| {
            parser.expect_token(&Token::RParen)?;
            Ok(call(other_name.map_or(name, |other| name_of(parser, &other)), operands))
        }));
    }
    xml::special(parser)
}

/// Another name than the one that was written, if it has one, and the operands.
type Operands = Parsed<(Option<String>, Vec<Expr>)>;

/// Reads what stands between the brackets.
type Read = fn(&mut Parser<'_>) -> Operands;

/// By their first words.
const SPECIAL: [(&str, Read); 7] = [
    ("extract", extract),
    ("overlay", listed),
    ("substring", listed),
    ("position", position),
    ("trim", trim),
    ("normalize", normalize),
    ("treat", treat),
];

/// A call of `name`.
pub(super) fn call(name: ObjectName, operands: Vec<Expr>) -> Expr {
    let args = operands
        .into_iter()
        .map(|operand| FunctionArg::Unnamed(FunctionArgExpr::Expr(operand)))
        .collect();
    Expr::Function(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `field FROM a`: the field is a word or a literal.
fn extract(parser: &mut Parser<'_>) -> Operands {
    parser.advance_token();
    expect_word(parser, "from")?;
    Ok((None, vec![parser.parse_expr()?]))
}

/// Operands with commas or words between them.
fn listed(parser: &mut Parser<'_>) -> Operands {
    let mut operands = vec![parser.parse_expr()?];
    while take_word(parser, &["from", "for", "placing", "similar", "escape"]).is_some()
        || parser.consume_token(&Token::Comma)
    {
        operands.push(parser.parse_expr()?);
    }
    Ok((None, operands))
}

fn position(parser: &mut Parser<'_>) -> Operands {
    let wanted = parser.parse_subexpr(MATCH)?;
    expect_word(parser, "in")?;
    Ok((None, vec![wanted, parser.parse_expr()?]))
}

fn trim(parser: &mut Parser<'_>) -> Operands {
    let name = match take_word(parser, &["both", "leading", "trailing"]) {
        Some("leading") => "ltrim",
        Some("trailing") => "rtrim",
        _ => "btrim",
    };
    take_word(parser, &["from"]);
    let mut operands = vec![parser.parse_expr()?];
    while take_word(parser, &["from"]).is_some() || parser.consume_token(&Token::Comma) {
        operands.push(parser.parse_expr()?);
    }
    Ok((Some(name.to_owned()), operands))
}

fn normalize(parser: &mut Parser<'_>) -> Operands {
    let value = parser.parse_expr()?;
    if parser.consume_token(&Token::Comma) {
        parser.parse_identifier()?;
    }
    Ok((None, vec![value]))
}

fn treat(parser: &mut Parser<'_>) -> Operands {
    let value = parser.parse_expr()?;
    expect_word(parser, "as")?;
    let data_type: DataType = parser.parse_data_type()?;
    Ok((Some(data_type.to_string().to_ascii_lowercase()), vec![value]))
}

/// `COLLATION FOR (a)`.
pub(super) fn collation_for(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    if !take_words(parser, &["collation", "for"]) {
        return None;
    }
    let name = name_of(parser, "pg_collation_for");
    let operand = parser.expect_token(&Token::LParen).and_then(|_| parser.parse_expr());
    Some(operand.and_then(|operand| {
        parser.expect_token(&Token::RParen)?;
        Ok(call(name, vec![operand]))
    }))
}
