//! A client's text as tokens with byte positions and as syntax trees; failure to parse is a value.

use sqlparser::ast::Statement;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::copy_syntax::{self, CopySyntax};
use crate::desugar::{self, Piece};
use crate::lexer::{self, Lexed};
use crate::{keyword, name, trust};

pub(crate) use crate::lexer::{end_byte, start_byte};

/// Deepest nesting that is read. Unit: levels of the parser's recursion.
pub(crate) const RECURSION_LIMIT: usize = 300;

/// A token.
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

    /// Whether it can be nothing but a keyword where a relation or a column may stand.
    pub(crate) fn is_reserved(&self) -> bool {
        let word = self.keyword();
        word.and_then(|word| keyword::find(&word)).is_some_and(|known| !known.names_relation())
    }

    /// The identifier's catalog name, if it is one.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.token {
            Token::Word(Word { value, quote_style, .. }) => {
                Some(name::in_catalog(value, *quote_style))
            }
            _ => None,
        }
    }
}

/// A text that was read and may be believed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) lexemes: Vec<Lexeme>,
    pub(crate) statements: Vec<Result<Statement, Unparsed>>,
    /// Byte offsets of table names that `ONLY` stood before.
    pub(crate) only: Vec<usize>,
    /// Byte offsets of words that name nothing that exists.
    pub(crate) defined: Vec<usize>,
    /// What the trees do not hold, in the text's order.
    pub(crate) pieces: Vec<Piece>,
    /// Its COPY statements; in the tree each is only what the parser was shown of it.
    pub(crate) copies: Vec<CopySyntax>,
    /// It means something else under the other `standard_conforming_strings`.
    pub(crate) unsettled: bool,
}

/// A text whose tokens could not be read, or must not be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// PostgreSQL could not read it either.
    Lexer,
    /// Two lexers do not agree about it.
    Distrusted,
}

/// Why there is no tree of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unparsed {
    /// The parser does not know it.
    Unknown,
    /// It nests deeper than is read.
    TooDeep,
}

/// How far a text can be understood, whatever tables it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// A statement of it could not be read, or not even its tokens.
    Unread,
    /// It was read, but two lexers do not agree about it.
    Distrusted,
    /// It was read, and is believed.
    Trusted,
}

/// How far `text` can be understood.
///
/// `standard_conforming_strings`: whether a backslash in `'…'` is an ordinary character.
#[must_use]
pub fn reading(text: &str, standard_conforming_strings: bool) -> Reading {
    match read(text, standard_conforming_strings) {
        Ok(parsed) if parsed.statements.iter().all(Result::is_ok) => Reading::Trusted,
        Err(Unreadable::Distrusted) => Reading::Distrusted,
        Ok(_) | Err(Unreadable::Lexer) => Reading::Unread,
    }
}

/// Reads `text`.
///
/// `standard_conforming_strings`: whether a backslash in `'…'` is an ordinary character.
pub(crate) fn read(text: &str, standard_conforming_strings: bool) -> Result<Parsed, Unreadable> {
    let lexed = lexer::lex(text, standard_conforming_strings).map_err(|_| Unreadable::Lexer)?;
    if !trust::lexers_agree(text, &lexed) {
        return Err(Unreadable::Distrusted);
    }
    let Lexed { mut tokens, unsettled, .. } = lexed;
    let lexemes = lexemes(&tokens);
    let copies = copy_syntax::hide(text, &lexemes, &mut tokens);
    let mut parsed = Parsed {
        lexemes,
        statements: Vec::new(),
        only: Vec::new(),
        defined: Vec::new(),
        pieces: Vec::new(),
        copies,
        unsettled,
    };
    for tokens in statements(tokens) {
        let statement = parse(tokens, &mut parsed).map_err(|error| match error {
            ParserError::RecursionLimitExceeded => Unparsed::TooDeep,
            ParserError::TokenizerError(_) | ParserError::ParserError(_) => Unparsed::Unknown,
        });
        parsed.statements.push(statement);
    }
    Ok(parsed)
}

/// Byte offsets at which the statements of a text begin, empty ones left out; none for a text that
/// PostgreSQL could not read.
pub(crate) fn starts(text: &str, standard_conforming_strings: bool) -> Vec<usize> {
    let Ok(lexed) = lexer::lex(text, standard_conforming_strings) else { return Vec::new() };
    let statements = statements(lexed.tokens);
    let first = |statement: &Vec<TokenWithSpan>| statement.first().map(|it| start_byte(it.span));
    statements.iter().filter_map(first).collect()
}

/// Parses the tokens of one statement.
fn parse(tokens: Vec<TokenWithSpan>, parsed: &mut Parsed) -> Result<Statement, ParserError> {
    let mut desugared = desugar::desugar(tokens);
    let pieces = desugared.pieces(RECURSION_LIMIT)?;
    let mut parser = Parser::new(&desugared.dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(desugared.tokens);
    let statement = parser.parse_statement()?;
    parser.expect_token(&Token::EOF)?;
    parsed.only.extend(desugared.only);
    parsed.defined.extend(desugared.defined);
    parsed.pieces.extend(pieces);
    Ok(statement)
}

fn lexemes(tokens: &[TokenWithSpan]) -> Vec<Lexeme> {
    tokens
        .iter()
        .map(|token| Lexeme {
            token: token.token.clone(),
            start: start_byte(token.span),
            end: end_byte(token.span),
        })
        .collect()
}

/// Parts the tokens at semicolons, but for those in brackets and in the body of a function
/// (`BEGIN ATOMIC … END`). Statements without a token are left out.
fn statements(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let is_separator = |token: &TokenWithSpan| token.token == Token::SemiColon;
    if !tokens.iter().any(is_separator) {
        return if tokens.is_empty() { Vec::new() } else { vec![tokens] };
    }
    let mut all = Vec::new();
    let mut present: Vec<TokenWithSpan> = Vec::new();
    let (mut brackets, mut blocks) = (0_usize, 0_usize);
    for token in tokens {
        match &token.token {
            Token::LParen => brackets += 1,
            Token::RParen => brackets = brackets.saturating_sub(1),
            Token::Word(word) => match word.keyword {
                Keyword::ATOMIC
                    if present.last().is_some_and(|it| is_keyword(it, Keyword::BEGIN)) =>
                {
                    blocks += 1;
                }
                // Elsewhere it ends a CASE, or is a label.
                Keyword::END if present.last().is_some_and(begins_in_body) => {
                    blocks = blocks.saturating_sub(1);
                }
                _ => {}
            },
            Token::SemiColon if brackets == 0 && blocks == 0 => {
                if !present.is_empty() {
                    all.push(std::mem::take(&mut present));
                }
                continue;
            }
            _ => {}
        }
        present.push(token);
    }
    if !present.is_empty() {
        all.push(present);
    }
    all
}

/// Whether a statement of a function's body may begin behind the token.
fn begins_in_body(token: &TokenWithSpan) -> bool {
    token.token == Token::SemiColon || is_keyword(token, Keyword::ATOMIC)
}

fn is_keyword(token: &TokenWithSpan, wanted: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.keyword == wanted)
}
