//! Literals with their type before them: `date '2024-01-01'`, `numeric(10, 2) '1.5'`,
//! `timestamp(3) with time zone '…'`, `interval '1' year to month`.

use sqlparser::ast::{CastKind, DataType, Expr, ObjectName};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Parsed, is_word, take_word, take_words};

/// Beginnings of types whose names are several words.
const LONG_TYPES: [[&str; 2]; 11] = [
    ["double", "precision"],
    ["bit", "varying"],
    ["character", "varying"],
    ["char", "varying"],
    ["national", "character"],
    ["national", "char"],
    ["nchar", "varying"],
    ["timestamp", "with"],
    ["timestamp", "without"],
    ["time", "with"],
    ["time", "without"],
];

/// Types that the grammar names: no function can be called so.
pub(super) fn is_type(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::BIGINT
            | Keyword::BIT
            | Keyword::BOOLEAN
            | Keyword::CHAR
            | Keyword::CHARACTER
            | Keyword::DEC
            | Keyword::DECIMAL
            | Keyword::FLOAT
            | Keyword::INT
            | Keyword::INTEGER
            | Keyword::INTERVAL
            | Keyword::NATIONAL
            | Keyword::NCHAR
            | Keyword::NUMERIC
            | Keyword::REAL
            | Keyword::SMALLINT
            | Keyword::TIME
            | Keyword::TIMESTAMP
            | Keyword::VARCHAR
    )
}

/// Fields that an interval may be limited to.
const INTERVAL_FIELDS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];

fn is_string(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::EscapedStringLiteral(_) | Token::SingleQuotedByteStringLiteral(_))
}

/// Whether the next two words begin a type's name.
pub(super) fn is_long_type(parser: &Parser<'_>) -> bool {
    let (first, second) = (parser.peek_token_ref(), parser.peek_nth_token_ref(1));
    LONG_TYPES.iter().any(|[a, b]| is_word(first, a) && is_word(second, b))
}

/// Whether `schema.type 'literal'` comes next.
pub(super) fn has_qualified_type(parser: &Parser<'_>) -> bool {
    let mut ahead = 0;
    while parser.peek_nth_token_ref(ahead + 1).token == Token::Period
        && matches!(parser.peek_nth_token_ref(ahead + 2).token, Token::Word(_))
    {
        ahead += 2;
    }
    ahead > 0 && is_string(parser.peek_nth_token_ref(ahead + 1))
}

/// A type's name and a literal.
pub(super) fn typed(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let data_type = parser.parse_data_type()?;
    with_type(parser, data_type)
}

fn with_type(parser: &mut Parser<'_>, data_type: DataType) -> Parsed<Expr> {
    let value = parser.parse_value()?;
    if matches!(data_type, DataType::Interval { .. }) {
        interval_fields(parser)?;
    }
    Ok(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(value)),
        data_type,
        format: None,
    })
}

/// What a call becomes if a literal stands behind it: `f(…)` was a type with its modifiers.
pub(super) fn behind(parser: &mut Parser<'_>, name: ObjectName, call: Expr) -> Parsed<Expr> {
    if is_string(parser.peek_token_ref()) {
        with_type(parser, DataType::Custom(name, Vec::new()))
    } else {
        Ok(call)
    }
}

/// `year to month`, `second(3)`, `day to second (2)`.
fn interval_fields(parser: &mut Parser<'_>) -> Parsed<()> {
    if take_word(parser, &INTERVAL_FIELDS).is_some() {
        if take_words(parser, &["to"]) && take_word(parser, &INTERVAL_FIELDS).is_none() {
            return parser.expected_ref("a field of an interval", parser.peek_token_ref());
        }
        parser.parse_optional_precision()?;
    }
    Ok(())
}
