//! What the rewriting believes a text to be, for tests that compare it with PostgreSQL's own
//! scanner and parser. Nothing decides anything by this.

use sqlparser::tokenizer::Token;

use crate::statement::{self, Lexeme};

/// A text as the rewriting sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belief {
    /// Its tokens, without white space and comments.
    pub tokens: Vec<BelievedToken>,
    /// How many statements it has, whether or not they can be read.
    pub statements: usize,
}

/// A token as the rewriting sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BelievedToken {
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset behind its last byte.
    pub end: usize,
    /// What it is.
    pub kind: BelievedKind,
}

/// What a token is, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BelievedKind {
    /// An identifier or keyword, and its name in the catalog.
    Word(String),
    /// A string constant of any kind.
    Text,
    /// Anything else.
    Other,
}

/// What the rewriting believes of `text`; `None` where it does not even believe its tokens.
#[must_use]
pub fn belief(text: &str) -> Option<Belief> {
    let parsed = statement::read(text, true).ok()?;
    Some(Belief {
        tokens: parsed.lexemes.iter().map(|lexeme| believed(text, lexeme)).collect(),
        statements: parsed.statements.len(),
    })
}

fn believed(text: &str, lexeme: &Lexeme) -> BelievedToken {
    let number = text.as_bytes().get(lexeme.start).is_some_and(u8::is_ascii_digit);
    let kind = match (&lexeme.token, lexeme.name()) {
        (_, Some(name)) => BelievedKind::Word(name),
        // 0x1F has the same token as x'1F'.
        (_, None) if number => BelievedKind::Other,
        (
            Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::HexStringLiteral(_),
            None,
        ) => BelievedKind::Text,
        (_, None) => BelievedKind::Other,
    };
    BelievedToken { start: lexeme.start, end: lexeme.end, kind }
}
