//! Brackets: where each closes, which hold a query, and what clause stands in them.

use std::collections::HashSet;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Pass;
use crate::lexer::start_byte;

/// Which brackets belong together.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    /// For each token that opens a bracket the index of the one that closes it, else 0.
    closes: Vec<u32>,
    /// Byte offsets of brackets with nothing but a query in them whose first word is neither
    /// SELECT nor WITH.
    pub(super) queries: HashSet<usize>,
}

impl Brackets {
    pub(super) fn of(tokens: &[TokenWithSpan]) -> Self {
        let mut brackets = Self::default();
        let mut open = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match token.token {
                Token::LParen | Token::LBracket => open.push(at),
                Token::RParen | Token::RBracket => {
                    if brackets.closes.is_empty() {
                        brackets.closes = vec![0; tokens.len()];
                    }
                    let close = u32::try_from(at).unwrap_or(0);
                    let opened = open.pop().and_then(|opened| brackets.closes.get_mut(opened));
                    if let Some(slot) = opened {
                        *slot = close;
                    }
                }
                _ => {}
            }
        }
        brackets.find_queries(tokens);
        brackets
    }

    /// From the inner ones outwards.
    fn find_queries(&mut self, tokens: &[TokenWithSpan]) {
        let mut is_query = HashSet::new();
        for (at, token) in tokens.iter().enumerate().rev() {
            let Some(close) = self.close(at).filter(|_| token.token == Token::LParen) else {
                continue;
            };
            let found = match tokens.get(at + 1).map(|first| &first.token) {
                Some(Token::Word(word)) => match word.keyword {
                    Keyword::SELECT | Keyword::WITH => {
                        is_query.insert(at);
                        false
                    }
                    Keyword::VALUES => is_token(tokens, at + 2, &Token::LParen),
                    Keyword::TABLE => true,
                    _ => false,
                },
                Some(Token::LParen) if is_query.contains(&(at + 1)) => {
                    let behind = self.close(at + 1).map_or(0, |inner| inner + 1);
                    behind == close || continues_query(tokens, behind)
                }
                _ => false,
            };
            if found {
                is_query.insert(at);
                self.queries.insert(start_byte(token.span));
            }
        }
    }

    /// Index of the bracket that closes the one at `open`.
    pub(super) fn close(&self, open: usize) -> Option<usize> {
        let close = self.closes.get(open).copied().filter(|close| *close > 0)?;
        usize::try_from(close).ok()
    }
}

fn is_token(tokens: &[TokenWithSpan], at: usize, wanted: &Token) -> bool {
    tokens.get(at).is_some_and(|token| token.token == *wanted)
}

/// Whether a bracketed query goes on: with another arm, or with a clause behind all of them.
fn continues_query(tokens: &[TokenWithSpan], at: usize) -> bool {
    matches!(tokens.get(at).map(|token| &token.token), Some(Token::Word(word)) if matches!(
        word.keyword,
        Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::FETCH
            | Keyword::FOR
    ))
}

/// What the present place of a bracket is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Clause {
    #[default]
    Other,
    /// A list of relations: behind a comma another one begins.
    From,
    /// A list of assignments: behind a comma another one begins.
    Set,
}

/// A bracket that is open.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) clause: Clause,
    /// Index of the token that opens it.
    pub(super) open: usize,
    /// Whether FROM in it belongs to a call: `extract(year FROM a)`.
    call: bool,
}

/// Calls with a FROM between their operands.
const CALLS: [&str; 4] = ["extract", "substring", "trim", "overlay"];

impl Pass {
    fn frame(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    pub(super) fn clause(&mut self, clause: Clause) {
        if let Some(frame) = self.frame() {
            frame.clause = clause;
        }
    }

    pub(super) fn present_clause(&self) -> Clause {
        self.frames.last().map_or(Clause::Other, |frame| frame.clause)
    }

    pub(super) fn is_in_call(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.call)
    }

    /// Index of the bracket that closes the one at `open`, or of the last token.
    pub(super) fn close_of(&self, open: usize) -> usize {
        self.brackets.close(open).unwrap_or(self.tokens.len())
    }

    pub(super) fn open(&mut self, at: usize) {
        let before = self.before(at);
        let call = before.is_some_and(|before| CALLS.iter().any(|call| self.is(before, call)));
        let is_join = self.present_clause() == Clause::From
            && before.is_some_and(|before| self.opens_relation(before))
            && !self.opens_statement(at + 1);
        let clause = if is_join { Clause::From } else { Clause::Other };
        self.frames.push(Frame { clause, open: at, call });
        if is_join {
            self.relation(at + 1);
        }
        if before.is_some_and(|before| {
            matches!(self.keyword(before), Keyword::ROLLUP | Keyword::CUBE | Keyword::SETS)
        }) {
            self.grouping_elements(at);
        }
    }

    /// Whether a relation stands behind that token, in a list of relations.
    fn opens_relation(&self, at: usize) -> bool {
        matches!(self.token(at), Some(Token::Comma | Token::LParen))
            || matches!(
                self.keyword(at),
                Keyword::FROM | Keyword::JOIN | Keyword::USING | Keyword::LATERAL
            )
    }

    /// Whether a query begins with that word.
    pub(super) fn opens_statement(&self, at: usize) -> bool {
        matches!(
            self.keyword(at),
            Keyword::SELECT
                | Keyword::WITH
                | Keyword::VALUES
                | Keyword::TABLE
                | Keyword::INSERT
                | Keyword::UPDATE
                | Keyword::DELETE
                | Keyword::MERGE
        )
    }

    /// Whether a bracket has nothing but a query in it.
    pub(super) fn opens_query(&self, open: usize) -> bool {
        let start = self.tokens.get(open).map(|token| start_byte(token.span));
        matches!(self.keyword(open + 1), Keyword::SELECT | Keyword::WITH)
            || start.is_some_and(|start| self.brackets.queries.contains(&start))
    }

    pub(super) fn close(&mut self, at: usize) {
        if self.frames.len() > 1 {
            self.frames.pop();
        }
        self.search_and_cycle(at + 1);
    }

    pub(super) fn comma(&mut self, at: usize) {
        match self.present_clause() {
            Clause::Other => {}
            Clause::From => self.relation(at + 1),
            Clause::Set => self.assigned(at + 1),
        }
    }
}
