//! Relations in FROM and its like: `ONLY t`, `t *`, `ROWS FROM (…)`, results of functions, samples,
//! and the query `TABLE t`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Word};

use super::Pass;
use super::bracket::Clause;
use crate::keyword::Known;
use crate::lexer::start_byte;

/// Calls in whose brackets the parser would not find plain operands.
const CALLS_WITH_WORDS: [&str; 15] = [
    "cast",
    "extract",
    "normalize",
    "overlay",
    "position",
    "substring",
    "treat",
    "trim",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
];

/// Functions that are called without brackets.
const CALLS_WITHOUT_BRACKETS: [&str; 11] = [
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// The function that ROWS FROM stands for; no client can mean it.
pub(super) fn rows_from() -> Word {
    Word { value: "rows from".to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword }
}

impl Pass {
    pub(super) fn from(&mut self, at: usize) {
        // `IS DISTINCT FROM`, `extract(year FROM a)`.
        let is_comparison = self.before(at).is_some_and(|distinct| {
            self.keyword(distinct) == Keyword::DISTINCT
                && matches!(self.keyword_before(distinct), Keyword::IS | Keyword::NOT)
        });
        if is_comparison || self.is_in_call() {
            return;
        }
        self.clause(Clause::From);
        self.relation(at + 1);
    }

    /// `JOIN … USING (…) AS a`; `DELETE … USING t`, `MERGE … USING t`.
    pub(super) fn using(&mut self, at: usize) {
        let open = at + 1;
        if std::mem::take(&mut self.merging) {
            self.clause(Clause::From);
            self.merge_source(at);
        }
        if !self.is_token(open, &Token::LParen) {
            self.relation(open);
            return;
        }
        let close = self.close_of(open);
        // `(SELECT a, b FROM t)` has nothing but words and commas in it, too.
        let is_list = !self.opens_statement(open + 1)
            && (open + 1..close).all(|at| self.is_word(at) || self.is_token(at, &Token::Comma));
        if is_list && self.keyword(close + 1) == Keyword::AS && self.is_word(close + 2) {
            // The walk finds the name again in the text.
            self.define_and_blank(close + 1, close + 3);
        } else if !is_list {
            self.clause(Clause::From);
        }
    }

    /// MERGE reads from one relation only, as far as the parser knows: a join needs brackets.
    fn merge_source(&mut self, using: usize) {
        let (mut at, mut on, mut joins) = (using + 1, None, false);
        while at < self.tokens.len() && !self.begins_action(at) {
            match self.keyword(at) {
                Keyword::ON => on = Some(at),
                Keyword::JOIN => joins = true,
                _ => {}
            }
            at = match self.token(at) {
                Some(Token::LParen) => self.close_of(at) + 1,
                Some(Token::RParen) => return,
                _ => at + 1,
            };
        }
        if let (Some(on), true, true) = (on, joins, at < self.tokens.len()) {
            self.insert_before(using + 1, Token::LParen);
            self.insert_before(on, Token::RParen);
        }
    }

    /// `INSERT INTO t`, `MERGE INTO t`; `SELECT … INTO LOCAL TEMP t`.
    pub(super) fn into(&mut self, at: usize) {
        if matches!(self.keyword(at + 1), Keyword::LOCAL | Keyword::GLOBAL)
            && matches!(self.keyword(at + 2), Keyword::TEMP | Keyword::TEMPORARY)
        {
            self.blank(at + 1);
        }
        if matches!(self.keyword_before(at), Keyword::INSERT | Keyword::MERGE)
            && self.names_relation(at + 1)
        {
            self.as_plain_name(at + 1);
        }
        self.relation(at + 1);
    }

    pub(super) fn update(&mut self, at: usize) {
        let writes = !matches!(
            self.keyword_before(at),
            Keyword::FOR | Keyword::KEY | Keyword::DO | Keyword::THEN | Keyword::ON
        );
        if writes {
            self.relation(at + 1);
        }
    }

    /// A relation begins at `at`.
    pub(super) fn relation(&mut self, at: usize) {
        let at = if self.keyword(at) == Keyword::LATERAL { at + 1 } else { at };
        if self.keyword(at) == Keyword::ONLY {
            self.only(at);
        } else if self.keyword(at) == Keyword::ROWS
            && self.keyword(at + 1) == Keyword::FROM
            && self.is_token(at + 2, &Token::LParen)
        {
            self.rows_from(at);
        } else if self.keyword(at) == Keyword::XMLTABLE && self.is_token(at + 1, &Token::LParen) {
            self.xml_table(at);
        } else {
            let behind = self.behind_name(at);
            if !self.names_relation(at) {
                self.special_call(at);
                return;
            }
            if self.is_token(behind, &Token::Mul) {
                self.blank(behind);
            }
            self.special_call(at);
        }
    }

    /// Whether a relation can be called so.
    pub(super) fn names_relation(&self, at: usize) -> bool {
        match self.token(at) {
            Some(Token::Word(word)) => {
                word.quote_style.is_some()
                    || crate::keyword::find(&word.value).is_none_or(Known::names_relation)
            }
            _ => false,
        }
    }

    /// `ONLY t` and `ONLY (t)` would be read as a table `ONLY` with an alias, or not at all.
    pub(super) fn only(&mut self, at: usize) {
        let bracket = self.is_token(at + 1, &Token::LParen);
        let name = at + 1 + usize::from(bracket);
        if !self.is_word(name) {
            return;
        }
        if bracket {
            let close = self.close_of(at + 1);
            if close != self.behind_name(name) {
                return;
            }
            self.blank(at + 1);
            self.blank(close);
        }
        // The parser knows it in these, and the walk wants to.
        if self.names_whole_tables() {
            return;
        }
        self.blank(at);
        self.only.extend(self.tokens.get(name).map(|token| start_byte(token.span)));
    }

    pub(super) fn names_whole_tables(&self) -> bool {
        matches!(self.first, Keyword::LOCK | Keyword::TRUNCATE)
    }

    /// `ROWS FROM (f(a), g(b) AS (c int))` becomes a call with calls in it.
    fn rows_from(&mut self, at: usize) {
        let (open, close) = (at + 2, self.close_of(at + 2));
        self.blank(at);
        self.put(at + 1, Token::Word(rows_from()));
        let mut index = open + 1;
        while index < close {
            if self.keyword(index) == Keyword::AS && self.is_token(index + 1, &Token::LParen) {
                let end = self.close_of(index + 1) + 1;
                self.define_and_blank(index, end);
                index = end;
            } else if self.is_token(index, &Token::LParen) {
                index = self.close_of(index) + 1;
            } else {
                index += 1;
            }
        }
    }

    /// `f() AS (a int, b text)`: columns without a name for the relation.
    pub(super) fn column_definitions(&mut self, at: usize) {
        let open = at + 1;
        let behind_call =
            self.before(at).is_some_and(|before| self.is_token(before, &Token::RParen));
        if self.present_clause() == Clause::From
            && behind_call
            && self.is_token(open, &Token::LParen)
            && self.is_word(open + 1)
            && !self.opens_statement(open + 1)
        {
            let close = self.close_of(open);
            self.define_and_blank(at, close + 1);
        }
    }

    /// `TABLESAMPLE schema.method (…)`: the parser knows two methods, and all are alike.
    pub(super) fn sample(&mut self, at: usize) {
        let behind = self.behind_name(at + 1);
        if behind == at + 1
            || self.present_clause() != Clause::From
            || !self.is_token(behind, &Token::LParen)
        {
            return;
        }
        self.define(at + 1, behind);
        self.blank_range(at + 1, behind - 1);
        let method =
            Word { value: "bernoulli".to_owned(), quote_style: None, keyword: Keyword::BERNOULLI };
        self.put(behind - 1, Token::Word(method));
        self.seed(self.close_of(behind) + 1);
    }

    /// `REPEATABLE (seed)` behind a sample: an expression, where the parser expects a number.
    fn seed(&mut self, at: usize) {
        if self.keyword(at) == Keyword::REPEATABLE && self.is_token(at + 1, &Token::LParen) {
            self.blank(at);
            self.extract(at + 1, self.close_of(at + 1) + 1, super::Form::Expression);
        }
    }

    /// `FROM cast(a AS b)`, `FROM current_date`: what PostgreSQL calls a function is not one to the
    /// parser, so it becomes an operand of one.
    fn special_call(&mut self, at: usize) {
        if self.present_clause() != Clause::From {
            return;
        }
        let is_special = CALLS_WITH_WORDS.iter().any(|word| self.is(at, word));
        let open = match (self.is(at, "collation"), is_special) {
            (true, _) => at + 2,
            (false, true) => at + 1,
            (false, false) => {
                if CALLS_WITHOUT_BRACKETS.iter().any(|word| self.is(at, word))
                    && !matches!(self.token(at + 1), Some(Token::Period | Token::LParen))
                {
                    self.call_around(at, at + 1);
                }
                return;
            }
        };
        if self.is_token(open, &Token::LParen) {
            self.call_around(at, self.close_of(open) + 1);
        }
    }

    fn call_around(&mut self, from: usize, to: usize) {
        self.insert_before(from, Token::Word(rows_from()));
        self.insert_before(from, Token::LParen);
        self.insert_before(to, Token::RParen);
    }

    /// `TABLE t` as a query is `SELECT * FROM t`, whose star stands where TABLE does.
    pub(super) fn table_query(&mut self, at: usize) {
        if !self.is_table_query(at) {
            return;
        }
        self.insert_word_before(at, "SELECT");
        self.put(at, Token::Mul);
        self.insert_word_before(at + 1, "FROM");
        self.clause(Clause::From);
        self.relation(at + 1);
    }

    fn is_table_query(&self, at: usize) -> bool {
        let begins = matches!(
            self.first,
            Keyword::SELECT
                | Keyword::WITH
                | Keyword::VALUES
                | Keyword::TABLE
                | Keyword::INSERT
                | Keyword::UPDATE
                | Keyword::DELETE
                | Keyword::MERGE
                | Keyword::EXPLAIN
                | Keyword::DECLARE
                | Keyword::PREPARE
        ) || self.is_token(0, &Token::LParen);
        let before = self.keyword_before(at);
        let in_definition = self.first == Keyword::CREATE
            && (matches!(
                before,
                Keyword::AS | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::ALL
            ) || self.before(at).is_some_and(|before| self.is_token(before, &Token::LParen)));
        let makes_one = matches!(
            before,
            Keyword::INTO
                | Keyword::CREATE
                | Keyword::TEMP
                | Keyword::TEMPORARY
                | Keyword::UNLOGGED
                | Keyword::FOREIGN
        ) && self.first != Keyword::INSERT;
        (begins || in_definition)
            && !makes_one
            && (self.keyword(at + 1) == Keyword::ONLY || self.names_relation(at + 1))
    }
}
