//! Token pre-pass: constructs that sqlparser misreads become ones that it reads right.
//!
//! Only the parser's copy of the tokens is changed, and no token moves, so every byte position in
//! the tree still points into the client's text. Nothing is lost: the edits go to the original.

use sqlparser::dialect::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace, Word};

use crate::statement::start_byte;

/// See [`Window::foreign_words`].
const FOREIGN_WORDS: [Keyword; 8] = [
    Keyword::GLOBAL,
    Keyword::SEMI,
    Keyword::ANTI,
    Keyword::ASOF,
    Keyword::QUALIFY,
    Keyword::PREWHERE,
    Keyword::PIVOT,
    Keyword::UNPIVOT,
];

/// What the pre-pass left out and the rewriting must know.
#[derive(Debug, Default)]
pub(crate) struct Desugared {
    /// Byte offsets of table names that `ONLY` stood before.
    pub(crate) only: Vec<usize>,
}

/// Goes over the tokens once.
pub(crate) fn desugar(tokens: &mut [TokenWithSpan]) -> Desugared {
    let significant: Vec<usize> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)))
        .map(|(index, _)| index)
        .collect();
    let mut found = Desugared::default();
    for at in 0..significant.len() {
        let mut window = Window { tokens, significant: &significant, at };
        window.only(&mut found);
        window.foreign_words();
        window.row_locks();
        window.overriding();
        window.current_of();
        window.executed();
    }
    found
}

fn word(value: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.to_owned(), quote_style: None, keyword })
}

/// The significant tokens around one of them.
struct Window<'t> {
    tokens: &'t mut [TokenWithSpan],
    significant: &'t [usize],
    at: usize,
}

impl Window<'_> {
    fn token(&self, ahead: usize) -> Option<&TokenWithSpan> {
        self.tokens.get(*self.significant.get(self.at + ahead)?)
    }

    fn is(&self, ahead: usize, keyword: &str) -> bool {
        matches!(self.token(ahead).map(|token| &token.token), Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
    }

    fn are(&self, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.is(ahead, keyword))
    }

    fn is_word(&self, ahead: usize) -> bool {
        matches!(self.token(ahead).map(|token| &token.token), Some(Token::Word(_)))
    }

    fn put(&mut self, ahead: usize, token: Token) {
        if let Some(&index) = self.significant.get(self.at + ahead)
            && let Some(slot) = self.tokens.get_mut(index)
        {
            slot.token = token;
        }
    }

    fn blank(&mut self, ahead: usize) {
        self.put(ahead, Token::Whitespace(Whitespace::Space));
    }

    /// `FROM ONLY t` would be read as table `ONLY` with alias `t`.
    fn only(&mut self, found: &mut Desugared) {
        let opens = ["from", "update", "join", "using"].iter().any(|word| self.is(0, word))
            || self.token(0).is_some_and(|token| token.token == Token::Comma);
        if !opens || !self.is(1, "only") {
            return;
        }
        if self.is_word(2) {
            found.only.extend(self.token(2).map(|name| start_byte(name.span)));
            self.blank(1);
        } else if self.token(2).is_some_and(|token| token.token == Token::LParen) {
            // `ONLY (schema.t)`: nothing but a name can stand in these brackets.
            let close = (4..=8)
                .find(|&ahead| self.token(ahead).is_some_and(|token| token.token == Token::RParen));
            if let Some(close) = close {
                found.only.extend(self.token(3).map(|name| start_byte(name.span)));
                [1, 2, close].into_iter().for_each(|ahead| self.blank(ahead));
            }
        }
    }

    /// Words that mean something to the parser in other databases' SQL, and are plain names in
    /// PostgreSQL: `FROM users global JOIN …` has an alias.
    fn foreign_words(&mut self) {
        let Some(index) = self.significant.get(self.at) else { return };
        let Some(TokenWithSpan { token: Token::Word(word), .. }) = self.tokens.get_mut(*index)
        else {
            return;
        };
        if FOREIGN_WORDS.contains(&word.keyword) {
            word.keyword = Keyword::NoKeyword;
        }
    }

    /// `FOR NO KEY UPDATE` and `FOR KEY SHARE` lock less, but name the same things.
    fn row_locks(&mut self) {
        if self.are(&["for", "no", "key", "update"]) {
            self.blank(1);
            self.blank(2);
        } else if self.are(&["for", "key", "share"]) {
            self.blank(1);
        }
    }

    /// `OVERRIDING SYSTEM VALUE` between an INSERT's columns and rows.
    fn overriding(&mut self) {
        let kind = self.is(1, "system") || self.is(1, "user");
        if self.is(0, "overriding") && kind && self.is(2, "value") {
            (0..3).for_each(|ahead| self.blank(ahead));
        }
    }

    /// `WHERE CURRENT OF cursor` names no column: a constant for the parser.
    fn current_of(&mut self) {
        if self.are(&["where", "current", "of"]) && self.is_word(3) {
            self.put(1, word("true", Keyword::TRUE));
            self.blank(2);
            self.blank(3);
        }
    }

    /// `CREATE TABLE … AS EXECUTE name (…)` runs a prepared statement: a SELECT of its arguments.
    fn executed(&mut self) {
        if self.are(&["as", "execute"]) && self.is_word(2) && self.creates() {
            self.put(1, word("select", Keyword::SELECT));
            if self.token(3).is_some_and(|token| token.token == Token::LParen) {
                self.blank(2);
            } else {
                self.put(2, word("true", Keyword::TRUE));
            }
        }
    }

    /// Whether the statement around is a CREATE, or an EXPLAIN, which may be of one.
    fn creates(&self) -> bool {
        let before = self.significant.get(..self.at).unwrap_or_default().iter().rev();
        let tokens = before.filter_map(|&index| self.tokens.get(index));
        let first = tokens.take_while(|token| token.token != Token::SemiColon).last();
        matches!(first.map(|token| &token.token), Some(Token::Word(word))
            if matches!(word.keyword, Keyword::CREATE | Keyword::EXPLAIN))
    }
}
