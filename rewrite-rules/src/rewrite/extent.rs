//! Where lists and their items begin and end, worked out from tokens.
//!
//! The tree's spans of identifiers are exact, those of expressions are not; brackets and reserved
//! words are.

use sqlparser::tokenizer::Token;

use super::Rewriter;
use crate::name::CLAUSE_STARTS;
use crate::statement::Lexeme;

/// A byte range.
pub(super) type Range = (usize, usize);

impl Rewriter<'_> {
    /// Index of the first token at or behind a byte offset.
    pub(super) fn lexeme_at(&self, byte: usize) -> usize {
        self.lexemes.partition_point(|lexeme| lexeme.start < byte)
    }

    pub(super) fn lexeme(&self, index: usize) -> Option<&Lexeme> {
        self.lexemes.get(index)
    }

    /// Where a select list begins whose SELECT stands at `byte`: behind ALL and DISTINCT [ON (…)].
    /// The list of `TABLE t` is that word itself.
    pub(super) fn select_list_start(&self, byte: usize) -> usize {
        let first = self.lexeme_at(byte);
        let is = |index: usize, word: &str| self.lexeme(index).is_some_and(|l| l.is_word(word));
        if is(first, "table") {
            return first;
        }
        let mut at = first + 1;
        if is(at, "all") {
            at += 1;
        } else if is(at, "distinct") {
            at += 1;
            if is(at, "on") {
                at = self.behind_brackets(at + 1);
            }
        }
        at
    }

    /// Index of the bracket that the one at `close` closes.
    pub(super) fn open_bracket(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for index in (0..=close).rev() {
            match self.lexeme(index)?.token {
                Token::RParen | Token::RBracket => depth += 1,
                Token::LParen | Token::LBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Index of the token behind the bracket that closes the one at `open`.
    pub(super) fn behind_brackets(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (index, lexeme) in self.lexemes.iter().enumerate().skip(open) {
            match lexeme.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index + 1;
                    }
                }
                _ => {}
            }
        }
        self.lexemes.len()
    }

    /// The items of a comma-separated list whose first token is `first`, up to the bracket,
    /// semicolon or reserved word that ends it.
    pub(super) fn list(&self, first: usize) -> Vec<Range> {
        self.items(first, |index| self.starts_clause(index))
    }

    /// The same for a list that only a bracket ends: in a definition reserved words end nothing.
    pub(super) fn definitions(&self, first: usize) -> Vec<Range> {
        self.items(first, |_| false)
    }

    fn items(&self, first: usize, ends: impl Fn(usize) -> bool) -> Vec<Range> {
        let mut items = Vec::new();
        let mut depth = 0_usize;
        let mut item: Option<Range> = None;
        for (index, lexeme) in self.lexemes.iter().enumerate().skip(first) {
            match lexeme.token {
                // The next clause of MERGE. A WHEN of CASE stands between CASE and END.
                Token::Word(_) if lexeme.is_word("case") && !self.is_named(index) => depth += 1,
                Token::Word(_) if lexeme.is_word("end") && !self.is_named(index) => {
                    depth = depth.saturating_sub(1);
                }
                Token::Word(_) if depth == 0 && lexeme.is_word("when") => break,
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => break,
                Token::RParen | Token::RBracket => depth -= 1,
                Token::SemiColon if depth == 0 => break,
                Token::Comma if depth == 0 => {
                    items.extend(item.take());
                    continue;
                }
                Token::Word(_) if depth == 0 && ends(index) => break,
                _ => {}
            }
            item = Some((item.map_or(lexeme.start, |(start, _)| start), lexeme.end));
        }
        items.extend(item);
        items
    }

    /// Whether the word at `index` is a label or a field.
    fn is_named(&self, index: usize) -> bool {
        index
            .checked_sub(1)
            .and_then(|before| self.lexeme(before))
            .is_some_and(|before| before.token == Token::Period || before.is_word("as"))
    }

    /// Whether the word at `index` begins a clause, and is not a label, a field, or part of
    /// `IS DISTINCT FROM` or `WITHIN GROUP`.
    fn starts_clause(&self, index: usize) -> bool {
        let Some(word) = self.lexeme(index).and_then(Lexeme::keyword) else { return false };
        if !CLAUSE_STARTS.contains(&word.as_str()) {
            return false;
        }
        let before = index.checked_sub(1).and_then(|at| self.lexeme(at));
        // `within` may be a label itself.
        let is_ordered_set = word == "group"
            && before.is_some_and(|before| before.is_word("within"))
            && self.lexeme(index + 1).is_some_and(|next| next.token == Token::LParen);
        !self.is_named(index) && !self.is_comparison(index) && !is_ordered_set
    }

    /// Whether the word at `index` is the FROM of `IS DISTINCT FROM`.
    fn is_comparison(&self, index: usize) -> bool {
        let is = |steps: usize, word: &str| {
            let behind = index.checked_sub(steps).and_then(|at| self.lexeme(at));
            behind.is_some_and(|found| found.is_word(word))
        };
        // `distinct` may be a label itself: `SELECT a AS distinct FROM t`.
        is(0, "from") && is(1, "distinct") && (is(2, "is") || is(2, "not"))
    }

    /// Index of the word CONFLICT of `ON CONFLICT` at the bracket depth of the token at `from`.
    pub(super) fn on_conflict_behind(&self, from: usize) -> Option<usize> {
        let mut found = self.keyword_behind(from, "conflict");
        while let Some(at) = found {
            let before = at.checked_sub(1).and_then(|before| self.lexeme(before));
            if before.is_some_and(|before| before.is_word("on")) {
                return Some(at);
            }
            found = self.keyword_behind(at + 1, "conflict");
        }
        None
    }

    /// Index of the first `word` at the bracket depth of the token at `from`, before the
    /// statement or its enclosing bracket ends.
    pub(super) fn keyword_behind(&self, from: usize, word: &str) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, lexeme) in self.lexemes.iter().enumerate().skip(from) {
            match lexeme.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => return None,
                Token::RParen | Token::RBracket => depth -= 1,
                Token::SemiColon if depth == 0 => return None,
                Token::Word(_)
                    if depth == 0
                        && lexeme.is_word(word)
                        && !self.is_named(index)
                        && !self.is_comparison(index) =>
                {
                    return Some(index);
                }
                _ => {}
            }
        }
        None
    }

    /// The source text between two byte offsets.
    pub(super) fn slice(&self, range: Range) -> &str {
        self.text.get(range.0..range.1).unwrap_or_default()
    }
}
