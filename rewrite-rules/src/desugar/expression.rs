//! Operators and other signs in expressions.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Word};

use super::Pass;
use super::relation::rows_from;
use crate::dialect::COLLATED;

impl Pass {
    /// `(f(a)).*`: a field called `*`, since the parser expects nothing but names before a star.
    /// `t.*::text`: the parser needs brackets to see an operand in it.
    pub(super) fn star(&mut self, at: usize) {
        if !self.follows(at, &Token::Period) {
            return;
        }
        let mut name = at;
        while self.follows(name, &Token::Period) {
            let Some(before) = name.checked_sub(2) else { return };
            if matches!(self.token(before), Some(Token::RParen | Token::RBracket)) {
                let star =
                    Word { value: "*".to_owned(), quote_style: None, keyword: Keyword::NoKeyword };
                self.put(at, Token::Word(star));
                return;
            }
            name = before;
        }
        let is_operand = self.is_operator(at + 1)
            || self.is_token(at + 1, &Token::DoubleColon)
            || matches!(
                self.keyword(at + 1),
                Keyword::IS
                    | Keyword::IN
                    | Keyword::NOT
                    | Keyword::NOTNULL
                    | Keyword::BETWEEN
                    | Keyword::COLLATE
            )
            || self.is(at + 1, "isnull");
        if is_operand {
            self.insert_before(name, Token::LParen);
            self.insert_before(at + 1, Token::RParen);
        }
    }

    fn follows(&self, at: usize, wanted: &Token) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is_token(before, wanted))
    }

    /// `BETWEEN SYMMETRIC a AND b`.
    pub(super) fn symmetric(&mut self, at: usize) {
        if self.keyword_before(at) == Keyword::BETWEEN {
            self.blank(at);
        }
    }

    /// `= ANY (…)`: names the same things as `= (…)`.
    pub(super) fn quantifier(&mut self, at: usize) {
        let is_operand = self.is_token(at + 1, &Token::LParen)
            && self.before(at).is_some_and(|before| {
                self.is_operator(before)
                    || matches!(self.keyword(before), Keyword::LIKE | Keyword::ILIKE)
            });
        if is_operand {
            self.blank(at);
        }
    }

    fn is_operator(&self, at: usize) -> bool {
        matches!(
            self.token(at),
            Some(
                Token::Eq
                    | Token::Neq
                    | Token::Lt
                    | Token::Gt
                    | Token::LtEq
                    | Token::GtEq
                    | Token::Plus
                    | Token::Minus
                    | Token::Mul
                    | Token::Div
                    | Token::Mod
                    | Token::Caret
                    | Token::CustomBinaryOperator(_)
            )
        )
    }

    /// `OPERATOR(schema.+)` is one operator.
    pub(super) fn operator(&mut self, at: usize) {
        let open = at + 1;
        if !self.is_token(open, &Token::LParen) {
            return;
        }
        let mut sign = open + 1;
        while self.is_word(sign) && self.is_token(sign + 1, &Token::Period) {
            sign += 2;
        }
        if !self.is_operator(sign) || !self.is_token(sign + 1, &Token::RParen) {
            return;
        }
        self.define(open, sign);
        self.put(at, Token::CustomBinaryOperator("+".to_owned()));
        self.blank_range(open, sign + 2);
    }

    /// `a COLLATE "C"`: a collation is no name that matters, but what it follows is an expression,
    /// and no name alone any more: `ORDER BY a COLLATE "C"` cannot mean a label. So it becomes a
    /// cast, which is called like its operand, too. Before a word that names no collation, as in
    /// `SELECT a COLLATE FROM t`, it is a label.
    pub(super) fn collation(&mut self, at: usize) {
        if !self.names_relation(at + 1) {
            return self.as_plain_name(at);
        }
        let behind = self.behind_name(at + 1);
        self.define(at + 1, behind);
        if self.is_in_definition(at) {
            self.blank_range(at, behind);
        } else {
            self.put(at, Token::DoubleColon);
            self.put(at + 1, Token::Word(Word { value: COLLATED.to_owned(), ..rows_from() }));
            self.blank_range(at + 2, behind);
        }
    }

    /// Whether COLLATE belongs to a column's definition, in a command or in a function's alias.
    fn is_in_definition(&self, at: usize) -> bool {
        let in_alias = self.frames.last().filter(|_| self.frames.len() > 1).is_some_and(|frame| {
            let first = frame.open + 1;
            let is_list = self.names_relation(first) && !self.opens_statement(first);
            let name = self.before(frame.open).filter(|&name| is_list && self.is_word(name));
            name.and_then(|name| self.before(name)).is_some_and(|before| {
                self.keyword(before) == Keyword::AS || self.is_token(before, &Token::RParen)
            })
        });
        in_alias || at < self.query_from
    }

    /// `a::enum`: to the parser these are types of other databases, with brackets behind them.
    pub(super) fn type_name(&mut self, at: usize) {
        if matches!(self.keyword(at + 1), Keyword::ENUM | Keyword::SET) {
            self.as_plain_name(at + 1);
        }
    }

    /// `a ISNULL` is `a IS NULL`; a function may be called so.
    pub(super) fn is_null(&mut self, at: usize) {
        let is_operator = self.before(at).is_some_and(|before| match self.token(before) {
            Some(Token::Word(word)) => {
                word.quote_style.is_some()
                    || crate::keyword::find(&word.value)
                        .is_none_or(|known| known.names_relation() || is_operand(known.keyword))
            }
            Some(
                Token::RParen
                | Token::RBracket
                | Token::Number(..)
                | Token::Placeholder(_)
                | Token::EscapedStringLiteral(_)
                | Token::SingleQuotedByteStringLiteral(_),
            ) => true,
            _ => false,
        });
        if is_operator {
            self.put_word(at, "IS");
            self.insert_word_before(at + 1, "NULL");
        }
    }

    /// `IS [NOT] DOCUMENT`: a test like any other.
    pub(super) fn is_document(&mut self, at: usize) {
        let before = self.before(at);
        let not = before.filter(|&before| self.keyword(before) == Keyword::NOT);
        let is = not.map_or(before, |not| self.before(not));
        if is.is_some_and(|is| self.keyword(is) == Keyword::IS) {
            self.put_word(at, "TRUE");
        }
    }

    /// `f(VARIADIC a)`.
    pub(super) fn variadic(&mut self, at: usize) {
        let is_argument = self
            .before(at)
            .is_some_and(|before| matches!(self.token(before), Some(Token::LParen | Token::Comma)));
        if is_argument {
            self.blank(at);
        }
    }

    /// `EXCLUDE CURRENT ROW` and its like at the end of a window's frame.
    pub(super) fn frame_exclusion(&mut self, at: usize) {
        let words = match self.keyword(at + 1) {
            Keyword::GROUP => 2,
            Keyword::CURRENT | Keyword::NO => 3,
            Keyword::TIES => 2,
            _ => return,
        };
        if self.is_token(at + words, &Token::RParen) {
            self.blank_range(at, at + words);
        }
    }

    /// `ROWS unbounded.a PRECEDING`, `ROWS unbounded(1) PRECEDING`: a name like any other.
    pub(super) fn frame_bound(&mut self, at: usize) {
        if matches!(self.token(at + 1), Some(Token::Period | Token::LParen)) {
            self.as_plain_name(at);
        }
    }

    /// `OVER (name …)`: to the parser a keyword would not be a name there.
    pub(super) fn window_name(&mut self, at: usize) {
        let name = at + 2;
        let is_name = self.is_token(at + 1, &Token::LParen)
            && !matches!(
                self.keyword(name),
                Keyword::PARTITION
                    | Keyword::ORDER
                    | Keyword::RANGE
                    | Keyword::ROWS
                    | Keyword::GROUPS
            );
        if is_name && self.names_relation(name) {
            self.as_plain_name(name);
        }
    }

    /// `WINDOW v AS (w ORDER BY …)`.
    pub(super) fn base_window(&mut self, at: usize) {
        let follows = matches!(
            self.keyword(at + 3),
            Keyword::ORDER | Keyword::RANGE | Keyword::ROWS | Keyword::GROUPS
        ) || self.is_token(at + 3, &Token::RParen);
        if self.is_token(at + 1, &Token::LParen) && follows {
            self.window_name(at);
        }
    }

    /// `IN ((SELECT a), b)`: a list, although it begins as a query does.
    pub(super) fn in_list(&mut self, at: usize) {
        let (open, inner) = (at + 1, at + 2);
        if self.is_token(open, &Token::LParen)
            && self.is_token(inner, &Token::LParen)
            && !self.is_query(open)
        {
            self.insert_before(inner, Token::Plus);
        }
    }

    fn is_query(&self, open: usize) -> bool {
        self.tokens.get(open).is_some_and(|token| {
            self.brackets.queries.contains(&crate::lexer::start_byte(token.span))
        })
    }
}

/// Reserved words that are operands.
fn is_operand(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::NULL
            | Keyword::TRUE
            | Keyword::FALSE
            | Keyword::END
            | Keyword::USER
            | Keyword::CURRENT_DATE
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::CURRENT_USER
            | Keyword::CURRENT_ROLE
            | Keyword::SESSION_USER
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
    )
}
