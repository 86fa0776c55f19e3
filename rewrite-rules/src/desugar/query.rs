//! Clauses of a query.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::Pass;
use super::bracket::Clause;

impl Pass {
    /// A select list may be empty. The parser gets one item, which takes no room in the text.
    pub(super) fn select(&mut self, at: usize) {
        self.clause(Clause::Other);
        let first = at + 1 + usize::from(self.keyword(at + 1) == Keyword::ALL);
        let is_empty = match self.token(first) {
            None | Some(Token::RParen | Token::SemiColon) => true,
            Some(_) => matches!(
                self.keyword(first),
                Keyword::INTO
                    | Keyword::WHERE
                    | Keyword::GROUP
                    | Keyword::HAVING
                    | Keyword::WINDOW
                    | Keyword::UNION
                    | Keyword::INTERSECT
                    | Keyword::EXCEPT
                    | Keyword::ORDER
                    | Keyword::LIMIT
                    | Keyword::OFFSET
                    | Keyword::FETCH
                    | Keyword::FOR
            ),
        };
        if is_empty {
            self.insert_before(first, Token::Number("1".to_owned(), false));
        }
    }

    /// `WHERE CURRENT OF cursor` names no column: a constant for the parser.
    pub(super) fn condition(&mut self, at: usize) {
        self.clause(Clause::Other);
        let is_current = self.keyword(at + 1) == Keyword::CURRENT
            && self.keyword(at + 2) == Keyword::OF
            && self.is_word(at + 3);
        if is_current {
            self.put_word(at + 1, "TRUE");
            self.blank(at + 2);
            self.define_and_blank(at + 3, at + 4);
        }
    }

    /// `GROUP BY DISTINCT` and `GROUP BY ALL`.
    pub(super) fn group_by(&mut self, at: usize) {
        self.clause(Clause::Other);
        if self.keyword(at + 1) == Keyword::BY
            && matches!(self.keyword(at + 2), Keyword::DISTINCT | Keyword::ALL)
        {
            self.blank(at + 2);
        }
    }

    /// `GROUPING SETS` inside `GROUPING SETS`: a call, like `ROLLUP (…)` there.
    pub(super) fn grouping_sets(&mut self, at: usize) {
        let sets = at + 1;
        let is_list =
            self.keyword(sets) == Keyword::SETS && self.is_token(sets + 1, &Token::LParen);
        let in_sets = self.frames.last().is_some_and(|frame| {
            let before = self.before(frame.open);
            self.frames.len() > 1
                && before
                    .is_some_and(|before| self.is(before, "sets") || self.is(before, "grouping"))
        });
        if is_list && in_sets {
            self.blank(sets);
        }
    }

    /// `ROLLUP ((a).b, (SELECT c))`: the parser takes an element's first bracket for that of a list of
    /// columns. Brackets around such an element keep it whole.
    pub(super) fn grouping_elements(&mut self, open: usize) {
        let close = self.close_of(open);
        let mut at = open + 1;
        while at < close {
            let mut end = at;
            while end < close && !self.is_token(end, &Token::Comma) {
                end = match self.token(end) {
                    Some(Token::LParen | Token::LBracket) => self.close_of(end) + 1,
                    _ => end + 1,
                };
            }
            let end = end.min(close);
            let is_list = self.close_of(at) + 1 == end && !self.opens_query(at);
            if self.is_token(at, &Token::LParen) && !is_list {
                self.insert_before(at, Token::LParen);
                self.insert_before(end, Token::RParen);
            }
            at = end + 1;
        }
    }

    /// `FETCH FIRST n ROWS WITH TIES` is `LIMIT n` as far as names go.
    pub(super) fn fetch(&mut self, at: usize) {
        self.clause(Clause::Other);
        if at == 0 || !matches!(self.keyword(at + 1), Keyword::FIRST | Keyword::NEXT) {
            return;
        }
        let rows = (at + 2..self.tokens.len().min(at + 8)).find(|&at| self.ends_fetch(at));
        let rows = match self.token(at + 2) {
            Some(Token::LParen) => {
                Some(self.close_of(at + 2) + 1).filter(|&behind| self.ends_fetch(behind))
            }
            _ => rows,
        };
        let Some(rows) = rows else { return };
        self.put_word(at, "LIMIT");
        if rows == at + 2 {
            self.put_word(at + 1, "ALL");
        } else {
            self.blank(at + 1);
        }
        let words = if self.keyword(rows + 1) == Keyword::ONLY { 2 } else { 3 };
        self.blank_range(rows, rows + words);
    }

    /// `ROWS ONLY`, `ROW WITH TIES`.
    fn ends_fetch(&self, at: usize) -> bool {
        matches!(self.keyword(at), Keyword::ROW | Keyword::ROWS)
            && (self.keyword(at + 1) == Keyword::ONLY
                || (self.keyword(at + 1) == Keyword::WITH && self.keyword(at + 2) == Keyword::TIES))
    }

    /// `FOR NO KEY UPDATE` and `FOR KEY SHARE` lock less, but name the same relations. Of a list of
    /// them each gets a clause of its own.
    pub(super) fn row_lock(&mut self, at: usize) {
        let strength = match (self.keyword(at + 1), self.keyword(at + 2), self.keyword(at + 3)) {
            (Keyword::UPDATE | Keyword::SHARE, ..) => at + 1,
            (Keyword::NO, Keyword::KEY, Keyword::UPDATE) => at + 3,
            (Keyword::KEY, Keyword::SHARE, _) => at + 2,
            (Keyword::READ, Keyword::ONLY, _) => {
                self.blank_range(at, at + 3);
                return;
            }
            _ => return,
        };
        self.clause(Clause::Other);
        self.blank_range(at + 1, strength);
        if self.keyword(strength + 1) != Keyword::OF {
            return;
        }
        let mut comma = self.behind_name(strength + 2);
        while self.is_token(comma, &Token::Comma) {
            self.put_word(comma, "FOR");
            self.insert_word_before(comma + 1, "UPDATE");
            self.insert_word_before(comma + 1, "OF");
            comma = self.behind_name(comma + 1);
        }
    }

    /// `SEARCH DEPTH FIRST BY a SET b` and `CYCLE a SET b TO c DEFAULT d USING e` behind a CTE: they
    /// name its own columns, and add some, which the walk finds again in the text.
    pub(super) fn search_and_cycle(&mut self, at: usize) {
        let mut at = at;
        let is_search = self.keyword(at) == Keyword::SEARCH
            && (self.is(at + 1, "depth") || self.is(at + 1, "breadth"))
            && self.keyword(at + 2) == Keyword::FIRST;
        if is_search && let Some(set) = self.behind_names_comes_set(at + 4) {
            self.define_and_blank(at, set + 2);
            at = set + 2;
        }
        if self.keyword(at) == Keyword::CYCLE
            && let Some(set) = self.behind_names_comes_set(at + 1)
            && let Some(using) = self.mark_of_cycle(set)
        {
            self.define_and_blank(at, using + 2);
        }
    }

    /// Index of the SET behind a list of names.
    fn behind_names_comes_set(&self, first: usize) -> Option<usize> {
        let mut at = first;
        while self.names_relation(at) && self.is_token(at + 1, &Token::Comma) {
            at += 2;
        }
        (self.names_relation(at) && self.keyword(at + 1) == Keyword::SET).then_some(at + 1)
    }

    /// Index of the USING behind CYCLE's SET: constants may stand between.
    fn mark_of_cycle(&self, set: usize) -> Option<usize> {
        let mut at = set + 2;
        while at < self.tokens.len() && self.keyword(at) != Keyword::USING {
            at = match self.token(at) {
                Some(Token::LParen) => self.close_of(at) + 1,
                Some(Token::RParen | Token::Comma) => return None,
                _ => at + 1,
            };
        }
        self.is_word(at + 1).then_some(at)
    }
}
