//! Clauses of INSERT, UPDATE and MERGE.

use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::bracket::Clause;
use super::{Form, Pass};

impl Pass {
    /// `OVERRIDING SYSTEM VALUE` between an INSERT's columns and rows.
    pub(super) fn overriding(&mut self, at: usize) {
        let kind = self.is(at + 1, "system") || self.is(at + 1, "user");
        if kind && self.is(at + 2, "value") {
            self.blank_range(at, at + 3);
        }
    }

    /// A list of assignments; SET may be a label, too.
    pub(super) fn set(&mut self, at: usize) {
        let assigns = self.is_token(at + 1, &Token::LParen)
            || (self.is_word(at + 1)
                && matches!(self.token(at + 2), Some(Token::Eq | Token::Period | Token::LBracket)));
        if at > 0 && assigns && !matches!(self.first, Keyword::ALTER | Keyword::CREATE) {
            self.clause(Clause::Set);
            self.assigned(at + 1);
        }
    }

    /// What is assigned to: `a`, `a[1].field`, `(a, b[1])`.
    pub(super) fn assigned(&mut self, at: usize) {
        if self.is_token(at, &Token::LParen) {
            let close = self.close_of(at);
            if self.is_token(close + 1, &Token::Eq) {
                self.part_list(at + 1, close);
            }
        } else {
            self.part(at);
        }
    }

    /// `a[1].field`: the parser gets the column, and what follows as a piece.
    fn part(&mut self, at: usize) {
        let mut behind = self.behind_name(at);
        if behind == at || !self.is_token(behind, &Token::LBracket) {
            return;
        }
        loop {
            if self.is_token(behind, &Token::LBracket) {
                behind = self.close_of(behind) + 1;
            } else if self.is_token(behind, &Token::Period) && self.is_word(behind + 1) {
                behind += 2;
            } else {
                break;
            }
        }
        self.extract(at + 1, behind.min(self.tokens.len()), Form::Subscripts);
    }

    fn part_list(&mut self, from: usize, close: usize) {
        let mut at = from;
        while at < close {
            self.part(at);
            while at < close && !self.is_token(at, &Token::Comma) {
                at = match self.token(at) {
                    Some(Token::LParen | Token::LBracket) => self.close_of(at) + 1,
                    _ => at + 1,
                };
            }
            at += 1;
        }
    }

    /// `INSERT INTO t [AS a] [(columns)] …`.
    pub(super) fn insert(&mut self, at: usize) {
        if self.keyword(at + 1) != Keyword::INTO {
            return;
        }
        let mut open = self.behind_name(at + 2);
        if self.keyword(open) == Keyword::AS {
            open += 2;
        }
        if !self.is_token(open, &Token::LParen) {
            return;
        }
        let close = self.close_of(open);
        if self.is_word(open + 1) && !self.opens_statement(open + 1) {
            self.part_list(open + 1, close);
            open = close + 1;
        }
        if self.is(open, "overriding") {
            open += 3;
        }
        self.bracketed_source(open);
    }

    /// `(VALUES …)` and `(WITH …)` as rows: the parser would take the bracket for a list of columns.
    fn bracketed_source(&mut self, open: usize) {
        let close = self.close_of(open);
        let ends = match self.token(close + 1) {
            None | Some(Token::RParen | Token::SemiColon) => true,
            Some(_) => matches!(self.keyword(close + 1), Keyword::ON | Keyword::RETURNING),
        };
        let mut inner = open;
        while self.is_token(inner, &Token::LParen) && self.close_of(inner) + inner == close + open {
            inner += 1;
        }
        let first = self.keyword(inner);
        if ends && matches!(first, Keyword::WITH | Keyword::VALUES | Keyword::TABLE) {
            for bracket in open..inner {
                let close = self.close_of(bracket);
                self.blank(bracket);
                self.blank(close);
            }
        }
    }

    /// `ON CONFLICT (lower(a) text_ops) WHERE b DO …`: the parser knows lists of columns only.
    pub(super) fn conflict(&mut self, at: usize) {
        let open = at + 1;
        if self.keyword_before(at) != Keyword::ON || !self.is_token(open, &Token::LParen) {
            return;
        }
        self.clause(Clause::Other);
        let close = self.close_of(open);
        let is_list =
            (open + 1..close).all(|at| self.is_word(at) || self.is_token(at, &Token::Comma));
        let words = (open + 1..close).filter(|&at| self.is_word(at)).count();
        let commas = close.saturating_sub(open + 1) - words;
        if is_list && words == commas + 1 && self.keyword(close + 1) == Keyword::DO {
            return;
        }
        let mut end = close + 1;
        while end < self.tokens.len() && self.keyword(end) != Keyword::DO {
            end = match self.token(end) {
                Some(Token::LParen | Token::LBracket) => self.close_of(end) + 1,
                _ => end + 1,
            };
        }
        self.extract(open, end.min(self.tokens.len()), Form::ConflictTarget);
    }

    /// MERGE's `INSERT DEFAULT VALUES`: `INSERT *` to the parser, which no client can write.
    pub(super) fn merged_defaults(&mut self, at: usize) {
        let insert = matches!(self.keyword_before(at), Keyword::INSERT);
        if insert && self.keyword(at + 1) == Keyword::VALUES {
            self.put(at, Token::Mul);
            self.blank(at + 1);
        }
    }
}

/// `(a, lower(b) COLLATE c operator_class, (d || e)) [WHERE condition]`.
pub(super) fn conflict_target(parser: &mut Parser<'_>) -> Result<Vec<Expr>, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let mut expressions = parser.parse_comma_separated(|parser| {
        let element = parser.parse_expr()?;
        if matches!(parser.peek_token_ref().token, Token::Word(_)) {
            parser.parse_object_name(false)?;
        }
        Ok(element)
    })?;
    parser.expect_token(&Token::RParen)?;
    if parser.parse_keyword(Keyword::WHERE) {
        expressions.push(parser.parse_expr()?);
    }
    Ok(expressions)
}
