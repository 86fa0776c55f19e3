//! `XMLTABLE (…)` becomes a call whose operands are the expressions in it.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::Pass;

impl Pass {
    pub(super) fn xml_table(&mut self, at: usize) {
        // The parser's own reading of it knows too few of its forms.
        self.as_plain_name(at);
        let (open, close) = (at + 1, self.close_of(at + 1));
        let mut index = open + 1;
        if self.is(index, "xmlnamespaces") && self.is_token(index + 1, &Token::LParen) {
            index = self.namespaces(index + 1);
        }
        while index < close && self.keyword(index) != Keyword::COLUMNS {
            if self.is(index, "passing") {
                self.put(index, Token::Comma);
                index += 1;
            } else if self.keyword(index) == Keyword::BY {
                self.blank_range(index, index + 2);
                index += 2;
            } else {
                index = self.behind_part(index);
            }
        }
        self.put(index, Token::Comma);
        index += 1;
        while index < close {
            index = self.column(index, close);
        }
    }

    /// `(uri AS name, DEFAULT uri)`; returns the index behind it.
    fn namespaces(&mut self, open: usize) -> usize {
        let close = self.close_of(open);
        let mut index = open + 1;
        while index < close {
            if self.keyword(index) == Keyword::AS {
                self.define_and_blank(index, index + 2);
                index += 2;
            } else if self.keyword(index) == Keyword::DEFAULT {
                self.blank(index);
                index += 1;
            } else {
                index = self.behind_part(index);
            }
        }
        close + 1
    }

    /// `name type PATH 'path' DEFAULT e NOT NULL`, or `name FOR ORDINALITY`: becomes
    /// `NULL, 'path', e`. Returns the index behind it and its comma.
    fn column(&mut self, at: usize, close: usize) -> usize {
        self.define(at, at + 1);
        self.put_word(at, "NULL");
        let mut index = at + 1;
        let mut is_type = true;
        while index < close && !self.is_token(index, &Token::Comma) {
            let behind = self.behind_part(index);
            match self.keyword(index) {
                Keyword::PATH | Keyword::DEFAULT => {
                    self.put(index, Token::Comma);
                    // NULL may be what stands behind it.
                    index = self.behind_part(index + 1);
                    is_type = false;
                    continue;
                }
                Keyword::NOT | Keyword::NULL => self.blank(index),
                _ if is_type => self.define_and_blank(index, behind),
                _ => {}
            }
            index = behind;
        }
        index + 1
    }

    /// Index behind a token, or behind the bracket that it opens.
    fn behind_part(&self, at: usize) -> usize {
        match self.token(at) {
            Some(Token::LParen | Token::LBracket) => self.close_of(at) + 1,
            _ => at + 1,
        }
    }
}
