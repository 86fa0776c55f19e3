//! What stands around a query in DECLARE, CREATE TABLE … AS and CREATE VIEW.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::Pass;

/// How many tokens options may be. Unit: tokens.
const MOST_OPTIONS: usize = 64;

impl Pass {
    pub(super) fn definition(&mut self) {
        match self.first {
            Keyword::DECLARE => self.cursor_options(),
            Keyword::CREATE => self.defined_by_query(0),
            Keyword::EXPLAIN => {
                self.explain_options();
                let create = (1..self.tokens.len().min(MOST_OPTIONS))
                    .find(|&at| self.keyword(at) == Keyword::CREATE);
                create.into_iter().for_each(|create| self.defined_by_query(create));
            }
            _ => {}
        }
    }

    /// `EXPLAIN (ANALYZE on, FORMAT json) …`.
    fn explain_options(&mut self) {
        let first = self.token(2);
        let is_query = self.opens_statement(2) || first == Some(&Token::LParen);
        if self.is_token(1, &Token::LParen) && !is_query {
            self.blank_range(1, self.close_of(1) + 1);
        }
    }

    /// `DECLARE c BINARY NO SCROLL CURSOR …`, in any order.
    fn cursor_options(&mut self) {
        let cursor = (2..self.tokens.len().min(MOST_OPTIONS))
            .find(|&at| self.keyword(at) == Keyword::CURSOR);
        if let Some(cursor) = cursor {
            self.blank_range(2, cursor);
        }
    }

    /// `CREATE TABLE t (a, b) WITH (…) ON COMMIT DROP AS query WITH NO DATA`: the parser gets the
    /// name and the query, and a view's columns.
    fn defined_by_query(&mut self, create: usize) {
        let mut kind = create + 1;
        while matches!(
            self.keyword(kind),
            Keyword::OR
                | Keyword::REPLACE
                | Keyword::GLOBAL
                | Keyword::LOCAL
                | Keyword::TEMP
                | Keyword::TEMPORARY
                | Keyword::UNLOGGED
                | Keyword::MATERIALIZED
                | Keyword::RECURSIVE
        ) {
            kind += 1;
        }
        let is_view = self.keyword(kind) == Keyword::VIEW;
        if !is_view && self.keyword(kind) != Keyword::TABLE {
            return;
        }
        let name = kind + if self.keyword(kind + 1) == Keyword::IF { 4 } else { 1 };
        let mut options = self.behind_name(name);
        if options == name {
            return;
        }
        if is_view && self.is_token(options, &Token::LParen) {
            options = self.close_of(options) + 1;
        }
        let mut end = options;
        while end < self.tokens.len() && self.keyword(end) != Keyword::AS {
            end = match self.token(end) {
                Some(Token::LParen) => self.close_of(end) + 1,
                _ => end + 1,
            };
        }
        if self.keyword(end) != Keyword::AS {
            return;
        }
        if self.keyword(kind - 1) == Keyword::RECURSIVE {
            self.blank(kind - 1);
        }
        self.define_and_blank(options, end);
        self.query_from = end;
        self.last_option();
        self.executed(end + 1);
    }

    /// `AS EXECUTE p (…)` runs a prepared statement: a SELECT of its arguments.
    fn executed(&mut self, at: usize) {
        if self.keyword(at) == Keyword::EXECUTE && self.is_word(at + 1) {
            self.put_word(at, "SELECT");
            self.define(at + 1, at + 2);
            match self.token(at + 2) {
                Some(Token::LParen) => self.blank(at + 1),
                _ => self.put_word(at + 1, "TRUE"),
            }
        }
    }

    /// `WITH NO DATA` or `WITH LOCAL CHECK OPTION` at the end.
    fn last_option(&mut self) {
        let words: [&[&str]; 5] = [
            &["with", "data"],
            &["with", "no", "data"],
            &["with", "check", "option"],
            &["with", "local", "check", "option"],
            &["with", "cascaded", "check", "option"],
        ];
        for words in words {
            let Some(from) = self.tokens.len().checked_sub(words.len()) else { continue };
            if words.iter().enumerate().all(|(ahead, word)| self.is(from + ahead, word)) {
                self.blank_range(from, self.tokens.len());
            }
        }
    }
}
