//! XML functions, whose operands have words of their own around them.

use sqlparser::ast::{Expr, Value};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::call::call;
use super::{Parsed, expect_word, is_word, name_of, take_word, take_words};

/// Reads what stands between the brackets.
type Read = fn(&mut Parser<'_>) -> Parsed<Vec<Expr>>;

const SPECIAL: [(&str, Read); 7] = [
    ("xmlelement", element),
    ("xmlforest", labelled),
    ("xmlexists", exists),
    ("xmlparse", parse),
    ("xmlpi", element),
    ("xmlroot", root),
    ("xmlserialize", serialize),
];

/// One of these calls, if one comes next; a bracket is known to stand behind its first word.
pub(super) fn special(parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
    let token = parser.peek_token_ref();
    let (word, read) = SPECIAL.iter().find(|(word, _)| is_word(token, word))?;
    parser.advance_token();
    Some(bracketed(parser, word, *read))
}

/// A call of `word`, which was just read.
fn bracketed(parser: &mut Parser<'_>, word: &str, read: Read) -> Parsed<Expr> {
    let name = name_of(parser, word);
    parser.expect_token(&Token::LParen)?;
    let operands = read(parser)?;
    parser.expect_token(&Token::RParen)?;
    Ok(call(name, operands))
}

/// `NAME tag [, XMLATTRIBUTES (…)] [, content …]`. The tag's name is a label of nothing.
fn element(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    expect_word(parser, "name")?;
    let name = parser.parse_identifier()?;
    let nothing = Expr::Value(Value::Null.with_span(Span::empty()));
    let mut operands = vec![Expr::Named { expr: Box::new(nothing), name }];
    while parser.consume_token(&Token::Comma) {
        operands.push(if take_word(parser, &["xmlattributes"]).is_some() {
            bracketed(parser, "xmlattributes", labelled)?
        } else {
            parser.parse_expr()?
        });
    }
    Ok(operands)
}

/// `a, b AS label`.
fn labelled(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    parser.parse_comma_separated(|parser| {
        let expr = parser.parse_expr()?;
        Ok(if take_word(parser, &["as"]).is_some() {
            Expr::Named { expr: Box::new(expr), name: parser.parse_identifier()? }
        } else {
            expr
        })
    })
}

/// `path PASSING [BY REF] document [BY REF]`.
fn exists(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    let path = parser.parse_expr()?;
    expect_word(parser, "passing")?;
    passing_mechanism(parser);
    let document = parser.parse_expr()?;
    passing_mechanism(parser);
    Ok(vec![path, document])
}

fn passing_mechanism(parser: &mut Parser<'_>) {
    let _ = take_words(parser, &["by", "ref"]) || take_words(parser, &["by", "value"]);
}

/// `DOCUMENT a [STRIP WHITESPACE]`.
fn parse(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    take_word(parser, &["document", "content"]);
    let text = parser.parse_expr()?;
    if take_word(parser, &["strip", "preserve"]).is_some() {
        expect_word(parser, "whitespace")?;
    }
    Ok(vec![text])
}

/// `a, VERSION b | NO VALUE [, STANDALONE YES | NO | NO VALUE]`.
fn root(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    let mut operands = vec![parser.parse_expr()?];
    parser.expect_token(&Token::Comma)?;
    expect_word(parser, "version")?;
    if !take_words(parser, &["no", "value"]) {
        operands.push(parser.parse_expr()?);
    }
    if parser.consume_token(&Token::Comma) {
        expect_word(parser, "standalone")?;
        let _ = take_words(parser, &["no", "value"]) || take_word(parser, &["yes", "no"]).is_some();
    }
    Ok(operands)
}

/// `DOCUMENT a AS type [[NO] INDENT]`.
fn serialize(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    take_word(parser, &["document", "content"]);
    let document = parser.parse_expr()?;
    expect_word(parser, "as")?;
    parser.parse_data_type()?;
    take_word(parser, &["no"]);
    take_word(parser, &["indent"]);
    Ok(vec![document])
}
