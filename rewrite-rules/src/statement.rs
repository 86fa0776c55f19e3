//! A client's text as tokens with byte positions and as syntax trees; failure to parse is a value.

use sqlparser::ast::{Ident, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};
use squawk_lexer::TokenKind;

use crate::copy_syntax::{self, CopySyntax};
use crate::{desugar, name, trust};

/// Deepest nesting that is read. Unit: levels of the parser's recursion.
pub(crate) const RECURSION_LIMIT: usize = 300;

/// A token that is neither white space nor comment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    /// Byte offset of its first byte.
    pub(crate) start: usize,
    /// Byte offset behind its last byte.
    pub(crate) end: usize,
}

impl Lexeme {
    /// The bare word in lower case, `None` for anything quoted or not a word.
    pub(crate) fn keyword(&self) -> Option<String> {
        match &self.token {
            Token::Word(word) if word.quote_style.is_none() => {
                Some(word.value.to_ascii_lowercase())
            }
            _ => None,
        }
    }

    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(&self.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
    }

    /// The identifier's catalog name, if it is one.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.token {
            Token::Word(word) => Some(name::folded(&Ident {
                value: word.value.clone(),
                quote_style: word.quote_style,
                span: Span::empty(),
            })),
            _ => None,
        }
    }
}

/// A text that was read and may be believed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) lexemes: Vec<Lexeme>,
    pub(crate) statements: Vec<Statement>,
    /// Byte offsets of table names that `ONLY` stood before.
    pub(crate) only: Vec<usize>,
    /// Its COPY statements; in the tree each is only what the parser was shown of it.
    pub(crate) copies: Vec<CopySyntax>,
}

/// A text that could not be read, or that must not be believed.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its tokens, where at least those could be read.
    pub(crate) lexemes: Option<Vec<Lexeme>>,
    /// Whether it nests deeper than is read.
    pub(crate) too_deep: bool,
}

impl Unreadable {
    /// Not even its tokens.
    const TOKENS: Self = Self { lexemes: None, too_deep: false };
}

/// Reads `text`.
pub(crate) fn read(text: &str) -> Result<Parsed, Unreadable> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|_| Unreadable::TOKENS)?;
    let Some(mut tokens) = in_bytes(text, tokens) else {
        return Err(Unreadable::TOKENS);
    };
    let lexemes = lexemes(&tokens);
    if !trust::tokens_agree(text, &tokens) {
        return Err(Unreadable::TOKENS);
    }
    let copies = copy_syntax::hide(text, &lexemes, &mut tokens);
    let only = desugar::desugar(&mut tokens).only;
    tokens.push(TokenWithSpan::new(Token::EOF, byte_span(text.len(), text.len())));
    let options = ParserOptions::new().with_unescape(false);
    let mut parser = Parser::new(&dialect)
        .with_options(options)
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(tokens);
    match parser.parse_statements() {
        Ok(statements) if parser.peek_token().token == Token::EOF => {
            Ok(Parsed { lexemes, statements, only, copies })
        }
        Err(ParserError::RecursionLimitExceeded) => {
            Err(Unreadable { lexemes: Some(lexemes), too_deep: true })
        }
        Ok(_) | Err(_) => Err(Unreadable { lexemes: Some(lexemes), too_deep: false }),
    }
}

/// Byte offsets at which the statements of a text begin, empty ones left out.
pub(crate) fn starts(text: &str) -> Vec<usize> {
    let (mut at, mut begins) = (0_usize, true);
    let mut starts = Vec::new();
    for token in squawk_lexer::tokenize(text) {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
            TokenKind::Semi => begins = true,
            _ => {
                if std::mem::take(&mut begins) {
                    starts.push(at);
                }
            }
        }
        at = at.saturating_add(usize::try_from(token.len).unwrap_or(usize::MAX));
    }
    starts
}

fn lexemes(tokens: &[TokenWithSpan]) -> Vec<Lexeme> {
    tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF))
        .map(|token| Lexeme {
            token: token.token.clone(),
            start: start_byte(token.span),
            end: end_byte(token.span),
        })
        .collect()
}

/// Where a span whose columns are byte offsets begins.
pub(crate) fn start_byte(span: Span) -> usize {
    usize::try_from(span.start.column.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// Where a span whose columns are byte offsets ends.
pub(crate) fn end_byte(span: Span) -> usize {
    usize::try_from(span.end.column.saturating_sub(1)).unwrap_or(usize::MAX)
}

pub(crate) fn byte_span(start: usize, end: usize) -> Span {
    let location = |byte: usize| Location::new(1, u64::try_from(byte).unwrap_or(u64::MAX - 1) + 1);
    Span::new(location(start), location(end))
}

/// Rewrites each token's line and column to byte offsets, so that every span of the tree is one.
///
/// Tokens tile the text; `None` if they should ever not.
fn in_bytes(text: &str, tokens: Vec<TokenWithSpan>) -> Option<Vec<TokenWithSpan>> {
    let mut cursor = Cursor { rest: text.chars(), text, line: 1, column: 1 };
    let mut placed = Vec::with_capacity(tokens.len() + 1);
    for token in tokens {
        let start = cursor.advance_to(token.span.start)?;
        let end = cursor.advance_to(token.span.end)?;
        placed.push(TokenWithSpan::new(token.token, byte_span(start, end)));
    }
    Some(placed)
}

struct Cursor<'a> {
    rest: std::str::Chars<'a>,
    text: &'a str,
    line: u64,
    column: u64,
}

impl Cursor<'_> {
    fn advance_to(&mut self, location: Location) -> Option<usize> {
        while (self.line, self.column) != (location.line, location.column) {
            if self.line > location.line {
                return None;
            }
            if self.rest.next()? == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        Some(self.text.len() - self.rest.as_str().len())
    }
}
