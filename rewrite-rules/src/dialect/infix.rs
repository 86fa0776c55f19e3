//! How strongly operators bind.
//!
//! What the parser does not know of operators themselves, [`crate::desugar`] turns into what it
//! does: a hook for them would have to copy the operand before them, and so be quadratic.

use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// How strongly the next token binds what stands before it; 0 for one that is no operator.
pub(super) fn next_precedence(parser: &Parser<'_>) -> u8 {
    match &parser.peek_token_ref().token {
        Token::DoubleColon => super::CAST,
        Token::LBracket => super::SUBSCRIPT,
        Token::Caret => super::POWER,
        Token::Mul | Token::Div | Token::Mod => super::PRODUCT,
        Token::Plus | Token::Minus => super::SUM,
        Token::CustomBinaryOperator(_) => super::OTHER_OPERATOR,
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => {
            super::COMPARISON
        }
        Token::Word(word) if word.quote_style.is_none() => match word.keyword {
            Keyword::OR => super::OR,
            Keyword::AND => super::AND,
            Keyword::IS | Keyword::NOTNULL => super::IS,
            Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::ILIKE | Keyword::OVERLAPS => {
                super::MATCH
            }
            // `substring(a SIMILAR b ESCAPE c)` has another.
            Keyword::SIMILAR if next_keyword(parser) == Keyword::TO => super::MATCH,
            Keyword::NOT => match next_keyword(parser) {
                Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR => super::MATCH,
                _ => 0,
            },
            Keyword::AT if next_keyword(parser) == Keyword::TIME => super::AT_TIME_ZONE,
            _ => 0,
        },
        _ => 0,
    }
}

/// The keyword behind the next token.
fn next_keyword(parser: &Parser<'_>) -> Keyword {
    match &parser.peek_nth_token_ref(1).token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}
