//! PostgreSQL's lexer (scan.l) as a source of tokens for the parser.
//!
//! The parser's own tokenizer serves a dozen databases and misreads a few texts of PostgreSQL's:
//! operators that swallow a comment's beginning, `&>`, `U&"x"`, a literal's second line. Here a
//! token is what it is to PostgreSQL, its span counts bytes, and white space and comments are left
//! out. [`crate::trust`] holds the result against another lexer.

mod number;
mod operator;
mod quoted;
pub(crate) mod unicode;

use std::ops::Range;

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

use crate::keyword;
use quoted::Backslash;

/// A text's tokens.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// Bytes of words and comments, ascending.
    pub(crate) marks: Vec<Range<usize>>,
    /// Bytes between the quotes of literals in which a backslash escapes although no `E` says so
    /// on their line.
    pub(crate) escaped: Vec<Range<usize>>,
    /// A literal has another value, or another end, under the other
    /// `standard_conforming_strings`.
    pub(crate) unsettled: bool,
}

/// PostgreSQL could not read it either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unlexable;

/// Reads the tokens of `text`.
///
/// `standard_conforming_strings`: whether a backslash in `'…'` is an ordinary character.
pub(crate) fn lex(text: &str, standard_conforming_strings: bool) -> Result<Lexed, Unlexable> {
    let plain = Backslash::of(standard_conforming_strings);
    let mut cursor = Cursor { text, at: 0 };
    let mut lexed = Lexed { tokens: Vec::with_capacity(text.len() / 4 + 1), ..Lexed::default() };
    while let Some(first) = cursor.peek(0) {
        let start = cursor.at;
        let token = match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => {
                cursor.at += 1;
                continue;
            }
            b'-' if cursor.peek(1) == Some(b'-') => {
                cursor.line_comment();
                lexed.marks.push(start..cursor.at);
                continue;
            }
            b'/' if cursor.peek(1) == Some(b'*') => {
                cursor.block_comment()?;
                lexed.marks.push(start..cursor.at);
                continue;
            }
            b'\'' => cursor.string(&mut lexed, plain)?,
            b'e' | b'E' if cursor.peek(1) == Some(b'\'') => {
                cursor.at += 1;
                cursor.string(&mut lexed, Backslash::Escapes)?
            }
            b'n' | b'N' if cursor.peek(1) == Some(b'\'') => {
                cursor.at += 1;
                cursor.string(&mut lexed, plain)?
            }
            b'b' | b'B' | b'x' | b'X' if cursor.peek(1) == Some(b'\'') => {
                cursor.at += 1;
                cursor.string(&mut lexed, Backslash::Plain)?;
                Token::SingleQuotedByteStringLiteral(String::new())
            }
            // PostgreSQL rejects it while a backslash escapes in every literal.
            b'u' | b'U' if cursor.starts_unicode(b'\'') && plain == Backslash::Plain => {
                cursor.at += 2;
                cursor.unicode_string(&mut lexed)?
            }
            b'u' | b'U' if cursor.starts_unicode(b'\'') => return Err(Unlexable),
            b'u' | b'U' if cursor.starts_unicode(b'"') => {
                cursor.at += 2;
                cursor.unicode_identifier(&mut lexed)?
            }
            b'"' => {
                let name = cursor.quoted_identifier()?;
                lexed.marks.push(start..cursor.at);
                Token::Word(word(name, Some('"')))
            }
            b'$' => cursor.dollar()?,
            b'0'..=b'9' => cursor.number()?,
            b'.' if cursor.peek(1).is_some_and(|next| next.is_ascii_digit()) => cursor.number()?,
            letter if is_identifier_start(letter) => {
                let token = cursor.identifier();
                lexed.marks.push(start..cursor.at);
                token
            }
            _ => cursor.sign()?,
        };
        lexed.tokens.push(TokenWithSpan::new(token, byte_span(start, cursor.at)));
    }
    Ok(lexed)
}

/// A span whose columns are byte offsets, counted from 1 as the parser's are.
pub(crate) fn byte_span(start: usize, end: usize) -> Span {
    let location = |byte: usize| Location::new(1, u64::try_from(byte).unwrap_or(u64::MAX - 1) + 1);
    Span::new(location(start), location(end))
}

/// Where a span whose columns are byte offsets begins.
pub(crate) fn start_byte(span: Span) -> usize {
    usize::try_from(span.start.column.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// Where a span whose columns are byte offsets ends.
pub(crate) fn end_byte(span: Span) -> usize {
    usize::try_from(span.end.column.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// An identifier or keyword as the parser has it.
pub(crate) fn word(value: String, quote_style: Option<char>) -> Word {
    let known = if quote_style.is_none() { keyword::find(&value) } else { None };
    let keyword = known.map_or(sqlparser::keywords::Keyword::NoKeyword, |known| known.keyword);
    Word { value, quote_style, keyword }
}

/// `ident_start` of scan.l: in UTF-8 any byte of a letter beyond ASCII.
fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// `ident_cont` of scan.l.
fn is_identifier_part(byte: u8) -> bool {
    is_identifier_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// A place in the text. It never stands inside a character: ASCII bytes end every token but
/// identifiers and literals, which take characters beyond ASCII whole.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The text from `start` to here.
    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn advance_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| wanted(**byte)).count();
    }

    fn starts_unicode(&self, quote: u8) -> bool {
        self.peek(1) == Some(b'&') && self.peek(2) == Some(quote)
    }

    fn identifier(&mut self) -> Token {
        let start = self.at;
        self.advance_while(is_identifier_part);
        Token::Word(word(self.since(start).to_owned(), None))
    }

    fn line_comment(&mut self) {
        self.advance_while(|byte| byte != b'\n' && byte != b'\r');
    }

    /// Comments nest.
    fn block_comment(&mut self) -> Result<(), Unlexable> {
        self.at += 2;
        let mut depth = 1_usize;
        while depth > 0 {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(Unlexable),
            }
        }
        Ok(())
    }

    /// `$1`, `$$…$$`, `$tag$…$tag$`.
    fn dollar(&mut self) -> Result<Token, Unlexable> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|digit| digit.is_ascii_digit()) {
            self.advance_while(|byte| byte.is_ascii_digit());
            if self.peek(0).is_some_and(is_identifier_start) {
                return Err(Unlexable);
            }
            return Ok(Token::Placeholder(self.since(start).to_owned()));
        }
        if self.peek(0).is_some_and(is_identifier_start) {
            self.advance_while(|byte| is_identifier_part(byte) && byte != b'$');
        }
        if self.peek(0) != Some(b'$') {
            return Err(Unlexable);
        }
        self.at += 1;
        let delimiter = self.since(start);
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.find(delimiter).ok_or(Unlexable)?;
        let value = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length + delimiter.len();
        Ok(Token::EscapedStringLiteral(value))
    }
}

#[cfg(test)]
mod tests;
