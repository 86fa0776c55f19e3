//! Token pre-pass: constructs that the parser cannot read, or misreads, become ones that it reads
//! right.
//!
//! Only the parser's copy of the tokens is changed and every token keeps its span, so each byte
//! position in the tree still points into the client's text, to which the edits go. A construct may
//! be left out only if no name in it can matter: what has names that do becomes something with the
//! same names at the same places, or a [`Piece`] that is parsed on its own.
//!
//! One walk over the tokens, with a stack for the brackets around the present one.

mod bracket;
mod definition;
mod expression;
mod query;
mod relation;
mod write;
mod xml_table;

use std::ops::Range;

use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use crate::dialect::Postgres;
use crate::lexer::{byte_span, end_byte, start_byte, word};
use bracket::{Brackets, Clause, Frame};

/// Expressions that stand where the parser knows none.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Byte offset of its first token.
    pub(crate) start: usize,
    /// Byte offset behind its last token.
    pub(crate) end: usize,
    /// What is in it.
    pub(crate) expressions: Vec<Expr>,
}

/// Tokens that become a [`Piece`].
#[derive(Debug)]
struct Extract {
    tokens: Vec<TokenWithSpan>,
    form: Form,
}

/// What the tokens of an extract are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One expression.
    Expression,
    /// `[1].field`: what follows the name of an assigned column.
    Subscripts,
    /// `(lower(a) text_ops, b) WHERE c`: what a conflict is about.
    ConflictTarget,
}

/// What the parser gets, and what it does not.
#[derive(Debug)]
pub(crate) struct Desugared {
    pub(crate) tokens: Vec<TokenWithSpan>,
    pub(crate) dialect: Postgres,
    /// Byte offsets of table names that `ONLY` stood before.
    pub(crate) only: Vec<usize>,
    /// Byte offsets of words that name nothing that exists: types, columns of a function's result.
    pub(crate) defined: Vec<usize>,
    extracts: Vec<Extract>,
}

impl Desugared {
    /// Parses what was taken out.
    pub(crate) fn pieces(&mut self, recursion_limit: usize) -> Result<Vec<Piece>, ParserError> {
        let mut pieces = Vec::with_capacity(self.extracts.len());
        for extract in std::mem::take(&mut self.extracts) {
            let start = extract.tokens.first().map_or(0, |token| start_byte(token.span));
            let end = extract.tokens.last().map_or(start, |token| end_byte(token.span));
            let expressions = extract.parse(&self.dialect, recursion_limit)?;
            pieces.push(Piece { start, end, expressions });
        }
        Ok(pieces)
    }
}

impl Extract {
    fn parse(self, dialect: &Postgres, limit: usize) -> Result<Vec<Expr>, ParserError> {
        let mut tokens = self.tokens;
        if self.form == Form::Subscripts {
            let at = tokens.first().map_or(0, |token| start_byte(token.span));
            let nothing = Token::Word(word("NULL".to_owned(), None));
            tokens.insert(0, TokenWithSpan::new(nothing, byte_span(at, at)));
        }
        let mut parser =
            Parser::new(dialect).with_recursion_limit(limit).with_tokens_with_locations(tokens);
        let expressions = match self.form {
            Form::Expression | Form::Subscripts => vec![parser.parse_expr()?],
            Form::ConflictTarget => write::conflict_target(&mut parser)?,
        };
        parser.expect_token(&Token::EOF)?;
        Ok(expressions)
    }
}

/// Goes over the tokens of one statement.
pub(crate) fn desugar(tokens: Vec<TokenWithSpan>) -> Desugared {
    let mut pass = Pass {
        first: Keyword::NoKeyword,
        query_from: 0,
        brackets: Brackets::of(&tokens),
        tokens,
        insertions: Vec::new(),
        frames: vec![Frame::default()],
        merges: false,
        merging: false,
        only: Vec::new(),
        defined: Vec::new(),
        extracts: Vec::new(),
    };
    pass.first = pass.keyword(0);
    if matches!(pass.first, Keyword::CREATE | Keyword::ALTER) {
        pass.query_from = pass.tokens.len();
    }
    pass.definition();
    for at in 0..pass.tokens.len() {
        pass.step(at);
    }
    pass.finish()
}

struct Pass {
    /// The statement's first word.
    first: Keyword,
    /// Index of the first token that is no definition of columns.
    query_from: usize,
    tokens: Vec<TokenWithSpan>,
    brackets: Brackets,
    /// Tokens to put in, each with the index that it must stand before.
    insertions: Vec<(usize, TokenWithSpan)>,
    /// The brackets around the present token, the statement itself first.
    frames: Vec<Frame>,
    /// Whether there has been a MERGE.
    merges: bool,
    /// Whether its own USING is still to come.
    merging: bool,
    only: Vec<usize>,
    defined: Vec<usize>,
    extracts: Vec<(Range<usize>, Form)>,
}

impl Pass {
    fn step(&mut self, at: usize) {
        let Some(token) = self.tokens.get(at) else { return };
        match &token.token {
            Token::Word(word) if word.quote_style.is_none() => {
                let keyword = word.keyword;
                self.word(at, keyword);
            }
            Token::LParen => self.open(at),
            Token::RParen => self.close(at),
            Token::Comma => self.comma(at),
            Token::Mul => self.star(at),
            Token::DoubleColon => self.type_name(at),
            _ => {}
        }
    }

    fn word(&mut self, at: usize, keyword: Keyword) {
        if self.is_label(at) {
            return;
        }
        match keyword {
            Keyword::FROM => self.from(at),
            Keyword::JOIN => self.relation(at + 1),
            Keyword::INTO => self.into(at),
            Keyword::ONLY if self.names_whole_tables() => self.only(at),
            Keyword::MERGE => (self.merges, self.merging) = (true, true),
            Keyword::USING => self.using(at),
            Keyword::UPDATE => self.update(at),
            Keyword::SET => self.set(at),
            Keyword::SELECT => self.select(at),
            Keyword::TABLE => self.table_query(at),
            Keyword::WHERE => self.condition(at),
            Keyword::GROUP => self.group_by(at),
            Keyword::FETCH => self.fetch(at),
            Keyword::FOR => self.row_lock(at),
            Keyword::HAVING
            | Keyword::WINDOW
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::RETURNING
            | Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT => self.clause(Clause::Other),
            Keyword::WHEN if self.begins_action(at) => self.clause(Clause::Other),
            Keyword::AS => {
                self.column_definitions(at);
                self.base_window(at);
            }
            Keyword::TABLESAMPLE => self.sample(at),
            Keyword::CONFLICT => self.conflict(at),
            Keyword::DEFAULT => self.merged_defaults(at),
            Keyword::INSERT => self.insert(at),
            Keyword::GROUPING => self.grouping_sets(at),
            Keyword::COLLATE => self.collation(at),
            Keyword::VARIADIC => self.variadic(at),
            Keyword::SYMMETRIC | Keyword::ASYMMETRIC => self.symmetric(at),
            Keyword::ANY | Keyword::SOME | Keyword::ALL => self.quantifier(at),
            Keyword::OPERATOR => self.operator(at),
            Keyword::EXCLUDE => self.frame_exclusion(at),
            Keyword::OVER => self.window_name(at),
            Keyword::IN => self.in_list(at),
            Keyword::UNBOUNDED => self.frame_bound(at),
            Keyword::NoKeyword => self.unknown_to_the_parser(at),
            _ => {}
        }
    }

    /// Whether a WHEN is one of MERGE, before `[NOT] MATCHED`. One of CASE ends no clause.
    fn begins_action(&self, when: usize) -> bool {
        let negated = usize::from(self.keyword(when + 1) == Keyword::NOT);
        self.merges
            && self.keyword(when) == Keyword::WHEN
            && self.keyword(when + 1 + negated) == Keyword::MATCHED
            && self.keyword_before(when) != Keyword::CASE
    }

    /// Whether a word is a label or a field, which any keyword may be.
    fn is_label(&self, at: usize) -> bool {
        let Some(before) = self.before(at) else { return false };
        if self.is_token(before, &Token::Period) {
            return true;
        }
        let begins_query = self.opens_statement(at)
            && matches!(self.first, Keyword::CREATE | Keyword::PREPARE | Keyword::EXPLAIN);
        self.keyword(before) == Keyword::AS && !begins_query
    }

    /// Keywords that the parser has no name for.
    fn unknown_to_the_parser(&mut self, at: usize) {
        if self.is(at, "overriding") {
            self.overriding(at);
        } else if self.is(at, "isnull") {
            self.is_null(at);
        } else if self.is(at, "document") {
            self.is_document(at);
        }
    }

    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).map(|token| &token.token)
    }

    fn is_token(&self, at: usize, wanted: &Token) -> bool {
        self.token(at) == Some(wanted)
    }

    /// The keyword at `at`, `NoKeyword` for anything else.
    fn keyword(&self, at: usize) -> Keyword {
        match self.token(at) {
            Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
            _ => Keyword::NoKeyword,
        }
    }

    fn is(&self, at: usize, wanted: &str) -> bool {
        matches!(self.token(at), Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    }

    fn is_word(&self, at: usize) -> bool {
        matches!(self.token(at), Some(Token::Word(_)))
    }

    /// The last token before `at` that was not left out.
    fn before(&self, at: usize) -> Option<usize> {
        let earlier = self.tokens.get(..at)?;
        earlier.iter().rposition(|token| !matches!(token.token, Token::Whitespace(_)))
    }

    fn keyword_before(&self, at: usize) -> Keyword {
        self.before(at).map_or(Keyword::NoKeyword, |before| self.keyword(before))
    }

    /// Index behind `name`, `schema.name` and so on; `at` if there is no name.
    fn behind_name(&self, at: usize) -> usize {
        let mut behind = at;
        if self.is_word(at) {
            behind = at + 1;
            while self.is_token(behind, &Token::Period) && self.is_word(behind + 1) {
                behind += 2;
            }
        }
        behind
    }

    fn put(&mut self, at: usize, token: Token) {
        if let Some(slot) = self.tokens.get_mut(at) {
            slot.token = token;
        }
    }

    fn put_word(&mut self, at: usize, value: &str) {
        self.put(at, Token::Word(word(value.to_owned(), None)));
    }

    /// Makes a word one that means nothing to the parser.
    fn as_plain_name(&mut self, at: usize) {
        if let Some(Token::Word(word)) = self.tokens.get_mut(at).map(|it| &mut it.token) {
            word.keyword = Keyword::NoKeyword;
        }
    }

    /// Leaves a token out.
    fn blank(&mut self, at: usize) {
        self.put(at, Token::Whitespace(Whitespace::Space));
    }

    fn blank_range(&mut self, from: usize, to: usize) {
        (from..to).for_each(|at| self.blank(at));
    }

    /// Puts a token in before the one at `at`. It takes no room in the text.
    fn insert_before(&mut self, at: usize, token: Token) {
        let byte = match self.tokens.get(at) {
            Some(next) => start_byte(next.span),
            None => self.tokens.last().map_or(0, |last| end_byte(last.span)),
        };
        self.insertions.push((at, TokenWithSpan::new(token, byte_span(byte, byte))));
    }

    fn insert_word_before(&mut self, at: usize, value: &str) {
        self.insert_before(at, Token::Word(word(value.to_owned(), None)));
    }

    /// Takes the tokens out, to be parsed on their own.
    fn extract(&mut self, from: usize, to: usize, form: Form) {
        self.extracts.push((from..to, form));
    }

    /// Notes that the words from `from` to `to` name nothing that exists.
    fn define(&mut self, from: usize, to: usize) {
        let tokens = self.tokens.get(from..to).unwrap_or_default();
        let words = tokens.iter().filter(|token| matches!(token.token, Token::Word(_)));
        self.defined.extend(words.map(|token| start_byte(token.span)));
    }

    fn define_and_blank(&mut self, from: usize, to: usize) {
        self.define(from, to);
        self.blank_range(from, to);
    }

    fn finish(mut self) -> Desugared {
        let dialect = Postgres { query_brackets: self.brackets.queries };
        let (only, defined) = (self.only, self.defined);
        if self.insertions.is_empty() && self.extracts.is_empty() {
            return Desugared { tokens: self.tokens, dialect, only, defined, extracts: Vec::new() };
        }
        self.insertions.sort_by_key(|(at, _)| *at);
        self.extracts.sort_by_key(|(range, _)| range.start);
        let mut tokens = Vec::with_capacity(self.tokens.len() + self.insertions.len());
        let mut extracts: Vec<Extract> = Vec::new();
        let mut insertions = self.insertions.into_iter().peekable();
        let mut ranges = self.extracts.into_iter().peekable();
        let mut open: Option<Range<usize>> = None;
        for (at, token) in self.tokens.into_iter().enumerate() {
            if let Some((range, form)) = ranges.next_if(|(range, _)| range.start <= at) {
                extracts.push(Extract { tokens: Vec::new(), form });
                open = Some(range);
            }
            open = open.filter(|range| range.contains(&at));
            let target = match (&open, extracts.last_mut()) {
                (Some(_), Some(extract)) => &mut extract.tokens,
                _ => &mut tokens,
            };
            while let Some((_, inserted)) = insertions.next_if(|(before, _)| *before <= at) {
                target.push(inserted);
            }
            target.push(token);
        }
        tokens.extend(insertions.map(|(_, inserted)| inserted));
        Desugared { tokens, dialect, only, defined, extracts }
    }
}

#[cfg(test)]
mod tests;
