//! Statements that name cursors or whole tables.

use sqlparser::ast::{Analyze, FetchDirection, FetchPosition, Statement};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Parsed, take_word};

/// FETCH or MOVE behind its first word: `NEXT FROM c`, `BACKWARD 2 c`, `c`. Which rows is no matter.
pub(super) fn fetch(parser: &mut Parser<'_>) -> Parsed<Statement> {
    let is_last = |parser: &Parser<'_>| {
        matches!(parser.peek_nth_token_ref(1).token, Token::EOF | Token::SemiColon)
    };
    while !is_last(parser) {
        parser.advance_token();
    }
    Ok(Statement::Fetch {
        name: parser.parse_identifier()?,
        direction: FetchDirection::Next,
        position: FetchPosition::From,
        into: None,
    })
}

/// ANALYZE or VACUUM behind its first word: options, and tables with columns, which the walk finds
/// in the text.
pub(super) fn analyze(parser: &mut Parser<'_>) -> Parsed<Statement> {
    while take_word(parser, &["full", "freeze", "verbose", "analyze", "analyse"]).is_some() {}
    if parser.peek_token_ref().token == Token::LParen {
        while !matches!(parser.peek_token_ref().token, Token::RParen | Token::EOF) {
            parser.advance_token();
        }
        parser.expect_token(&Token::RParen)?;
    }
    while matches!(parser.peek_token_ref().token, Token::Word(_)) {
        parser.parse_object_name(false)?;
        if parser.consume_token(&Token::LParen) {
            parser.parse_comma_separated(Parser::parse_identifier)?;
            parser.expect_token(&Token::RParen)?;
        }
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    Ok(maintenance())
}

/// CLUSTER or REINDEX behind its first word: whatever else is said, tables and indexes as a whole.
pub(super) fn cluster(parser: &mut Parser<'_>) -> Statement {
    while parser.peek_token_ref().token != Token::EOF {
        parser.advance_token();
    }
    maintenance()
}

fn maintenance() -> Statement {
    Statement::Analyze(Analyze {
        table_name: None,
        partitions: None,
        for_columns: false,
        columns: Vec::new(),
        cache_metadata: false,
        noscan: false,
        compute_statistics: false,
        has_table_keyword: false,
    })
}
