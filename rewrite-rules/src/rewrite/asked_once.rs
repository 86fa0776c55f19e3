//! Sub-selects and functions of FROM that may give something else when they are asked again, where what they stand in becomes several
//! queries: they are asked once, before all of these.
//!
//! `UPDATE users SET bio = $1 WHERE id = (SELECT id FROM users … LIMIT 1 FOR UPDATE SKIP LOCKED)` takes one row of a queue. Asked again
//! it would find that row locked, or changed, and take the next one too. So with some of the rows that there are, and volatile functions.

use std::ops::Range;

use sqlparser::tokenizer::Token;

use super::Rewriter;
use crate::edit::Piece;
use crate::name::quoted;
use crate::scope::{Columns, Cte, Level, Source};
use crate::statement::Lexeme;
use crate::volatility::is_tame;

/// Words that are followed by a bracket and call nothing.
const WORDS_BEFORE_BRACKETS: [&str; 31] = [
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "having",
    "in",
    "intersect",
    "join",
    "lateral",
    "not",
    "on",
    "or",
    "over",
    "select",
    "some",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "within",
];

/// Words behind which a query in brackets goes on.
const WORDS_BEHIND_A_QUERY: [&str; 8] =
    ["union", "intersect", "except", "order", "limit", "offset", "fetch", "for"];

/// Words that no relation of FROM goes beyond.
const WORDS_BEHIND_A_RELATION: [&str; 11] = [
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "on",
    "using",
    "where",
    "returning",
];

/// What the queries that were walked could speak of, and names that may be of more than is known.
#[derive(Default)]
pub(super) struct Walked {
    /// The byte at which a query begins, or its WITH, and the relations that are seen inside.
    inside: Vec<(usize, Vec<Source>)>,
    /// A name, and an occurrence of which it may be a column; or is one that every table has.
    perhaps: Vec<(usize, usize)>,
    /// Names of columns without that of a relation.
    unqualified: Vec<usize>,
}

impl Walked {
    pub(super) fn select(&mut self, start: usize, level: Level) {
        self.inside.push((start, level.sources));
    }

    pub(super) fn with(&mut self, start: usize, ctes: impl Iterator<Item = Cte>) {
        let source = |cte: Cte| Source {
            reference: quoted(&cte.name),
            name: cte.name,
            schema: None,
            // They are read where it stands in FROM.
            columns: Columns::Known(Vec::new()),
            occurrence: None,
            renamed: false,
            rows: Vec::new(),
        };
        self.inside.push((start, ctes.map(source).collect()));
    }

    pub(super) fn may_be_of(&mut self, occurrence: usize, byte: usize) {
        self.perhaps.push((byte, occurrence));
    }

    pub(super) fn unqualified(&mut self, byte: usize) {
        self.unqualified.push(byte);
    }
}

/// What is asked once.
struct Asked {
    /// Its bytes, which are left out where they stand.
    extent: Range<usize>,
    /// What stands before it in a query of its own.
    begins: &'static str,
    /// The name of the relation that it is, where no bracket is around it.
    alias: Option<String>,
}

/// Where a bracket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// It holds relations of FROM.
    Relations,
    Others,
}

impl Rewriter<'_> {
    /// `WITH segue_asked_0_0 AS MATERIALIZED (…) ` of those in these ranges of bytes, where that is read from now on. One that
    /// speaks of a row of the query around it is asked for each row anyway. The level holds the relations around.
    ///
    /// Sound: PostgreSQL asks a sub-select that speaks of no row around it once for a statement, when its value is needed first;
    /// so it does with one that reads such a CTE.
    pub(super) fn asked_once(&mut self, number: usize, ranges: &[(usize, usize)]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let all = ranges.iter().flat_map(|range| self.fickle(*range));
        for (count, asked) in all.collect::<Vec<Asked>>().into_iter().enumerate() {
            let name = format!("segue_asked_{number}_{count}");
            let before = if count == 0 { "WITH" } else { "," };
            let Range { start, end } = asked.extent;
            pieces.push(format!("{before} {name} AS MATERIALIZED ({}", asked.begins).into());
            pieces.push(Piece::Copy(start, end));
            pieces.push(")".into());
            self.edits.leave_out(start, end);
            let instead = match asked.alias {
                Some(alias) => format!("{name} AS {alias}"),
                None => format!("SELECT * FROM {name}"),
            };
            self.edits.insert(start, vec![instead.into()]);
        }
        if !pieces.is_empty() {
            pieces.push(" ".into());
        }
        pieces
    }

    /// The outermost ones between two bytes: of clauses that begin with FROM or USING, or of values.
    fn fickle(&self, (start, end): (usize, usize)) -> Vec<Asked> {
        let (first, last) = (self.lexeme_at(start), self.lexeme_at(end));
        let has_relations = self.is(first, &["from", "using"]);
        let condition = self.keyword_behind(first, "where").filter(|at| *at < last);
        let relations = first..if has_relations { condition.unwrap_or(last) } else { first };
        let mut found: Vec<Asked> = Vec::new();
        let mut brackets: Vec<Around> = Vec::new();
        for at in first..last {
            let Some(lexeme) = self.lexeme(at) else { continue };
            let is_open = lexeme.token == Token::LParen;
            if lexeme.token == Token::RParen {
                brackets.pop();
            }
            let is_beside_relations = match brackets.last() {
                Some(around) => *around == Around::Relations,
                None => relations.contains(&at),
            };
            let is_relation = is_beside_relations && self.is_relation(at);
            let is_within = found.last().is_some_and(|last| lexeme.start < last.extent.end);
            let asked = match (is_open, is_relation) {
                _ if is_within => None,
                (true, _) => self.fickle_query(at, is_relation),
                (false, true) => self.fickle_function(at),
                (false, false) => None,
            };
            found.extend(asked);
            if is_open {
                let holds_relations = is_relation && !self.is_query(at);
                brackets.push(if holds_relations { Around::Relations } else { Around::Others });
            }
        }
        found
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        self.lexeme(at).is_some_and(|it| words.iter().any(|word| it.is_word(word)))
    }

    fn opens(&self, at: usize) -> bool {
        self.lexeme(at).is_some_and(|it| it.token == Token::LParen)
    }

    /// Whether a query stands in the bracket at token `open`, and no value or join.
    fn is_query(&self, open: usize) -> bool {
        let first = open + 1;
        self.is(first, &["select", "with", "table"])
            || (self.is(first, &["values"]) && self.opens(first + 1))
            || (self.opens(first)
                && self.is_query(first)
                && self.is(self.behind_brackets(first), &WORDS_BEHIND_A_QUERY))
    }

    /// What stands in the bracket at token `open`, if it is such a query. A relation knows no other one.
    fn fickle_query(&self, open: usize, is_relation: bool) -> Option<Asked> {
        let close = self.behind_brackets(open).checked_sub(1)?;
        if !self.is_query(open) || !(open + 1..close).any(|at| self.is_fickle(at)) {
            return None;
        }
        let extent = self.lexeme(open + 1)?.start..self.lexeme(close - 1)?.end;
        let speaks = || self.levels.last().is_none_or(|level| self.speaks(&extent, &level.sources));
        if (!is_relation && speaks()) || self.speaks_of_queries_around(&extent) {
            return None;
        }
        Some(Asked { extent, begins: "", alias: None })
    }

    /// The function that is a relation at token `first`, with its alias, if it is such. It may speak of relations before it.
    fn fickle_function(&self, first: usize) -> Option<Asked> {
        let called = first + usize::from(self.is(first, &["lateral"]));
        let mut open = called + 1;
        while self.lexeme(open).is_some_and(|it| it.token == Token::Period) {
            open += 2;
        }
        let is_several = self.is(called, &["rows"]) && self.is(open, &["from"]);
        open += usize::from(is_several);
        let is_named = |it: &&Lexeme| self.opens(open) && (is_several || it.name().is_some());
        let own_name = self.lexeme(open.checked_sub(1)?).filter(is_named)?;
        let close = self.behind_brackets(open);
        if !(called..close).any(|at| self.is_fickle(at)) {
            return None;
        }
        let ends = |at: &usize| {
            let token = self.lexeme(*at).map(|it| &it.token);
            matches!(token, None | Some(Token::Comma | Token::RParen | Token::SemiColon))
                || self.is(*at, &WORDS_BEHIND_A_RELATION)
        };
        let named = close + if self.is(close, &["with"]) { 2 } else { 0 };
        let named = named + usize::from(self.is(named, &["as"]));
        let alias = self.lexeme(named).filter(|it| !ends(&named) && it.name().is_some());
        let behind = match (alias, self.opens(named)) {
            (Some(_), _) if self.opens(named + 1) => self.behind_brackets(named + 1),
            (Some(_), _) => named + 1,
            (None, true) => self.behind_brackets(named),
            (None, false) => named,
        };
        let alias = alias.or(Some(own_name).filter(|_| !is_several));
        let extent = self.lexeme(first)?.start..self.lexeme(behind.checked_sub(1)?)?.end;
        let name = alias.and_then(Lexeme::name);
        let is_it = |source: &Source| Some(&source.name) == name.as_ref();
        let sources = self.levels.last().map(|level| level.sources.as_slice())?;
        let before = sources.iter().position(is_it).and_then(|at| sources.get(..at))?;
        if self.speaks(&extent, before) {
            return None;
        }
        let alias = self.slice((alias?.start, alias?.end)).to_owned();
        Some(Asked { extent, begins: "SELECT * FROM ", alias: Some(alias) })
    }

    /// Whether a word locks rows, takes some of them, or calls what may be volatile.
    fn is_fickle(&self, at: usize) -> bool {
        let name = self.lexeme(at).and_then(Lexeme::name).filter(|_| self.opens(at + 1));
        let is_keyword = || self.is(at, &WORDS_BEFORE_BRACKETS);
        self.is(at, &["for"]) && self.is(at + 1, &["update", "share", "no", "key"])
            || self.is(at, &["limit", "offset", "fetch", "tablesample"])
            || name.is_some_and(|name| !is_keyword() && !is_tame(&name, self.generation.catalog()))
    }

    /// Whether a relation of FROM begins at a token beside others of them.
    fn is_relation(&self, first: usize) -> bool {
        let before = |steps: usize| first.checked_sub(steps).and_then(|at| self.lexeme(at));
        let is_compared = before(2).is_some_and(|it| it.is_word("distinct"));
        let is_behind = |it: &Lexeme| {
            let words = ["from", "using", "join"];
            matches!(it.token, Token::Comma | Token::LParen)
                || words.iter().any(|word| it.is_word(word))
        };
        before(1).is_some_and(is_behind) && !is_compared
    }

    /// Whether a name in it may be that of a relation, or of a column there, of the queries that it stands in itself.
    fn speaks_of_queries_around(&self, extent: &Range<usize>) -> bool {
        let is_around = |start: usize| {
            let first = self.lexeme_at(start);
            let end = self.statement_end(first).checked_sub(1).and_then(|last| self.lexeme(last));
            start < extent.start && end.is_some_and(|end| end.end >= extent.end)
        };
        let mut queries = self.walked.inside.iter();
        queries.any(|(start, sources)| is_around(*start) && self.speaks(extent, sources))
    }

    /// Whether a name in it may be that of one of these relations, or of a column there.
    fn speaks(&self, extent: &Range<usize>, sources: &[Source]) -> bool {
        let governed = |source: &&Source| source.occurrence.is_some() && !source.renamed;
        let is_of = |at: usize, occurrence: usize| {
            let mut around = sources.iter().filter(governed);
            extent.contains(&at) && around.any(|source| source.occurrence == Some(occurrence))
        };
        let references = self.references.iter().map(|it| (it.span.0, it.occurrence));
        let rows = self.rows.iter().map(|it| (it.span.0, it.occurrence));
        let mut names = references.chain(rows).chain(self.walked.perhaps.iter().copied());
        let mut others = sources.iter().filter(|source| !governed(source));
        names.any(|(at, whose)| is_of(at, whose))
            || others.any(|source| self.may_be_named(source, extent))
    }

    fn may_be_named(&self, source: &Source, extent: &Range<usize>) -> bool {
        let words = self.lexeme_at(extent.start)..self.lexeme_at(extent.end);
        let mut names = words.filter_map(|at| self.lexeme(at)?.name());
        match &source.columns {
            Columns::Known(columns) => {
                names.any(|name| name == source.name || columns.contains(&name))
            }
            Columns::Unknown => {
                names.any(|name| name == source.name)
                    || self.walked.unqualified.iter().any(|at| extent.contains(at))
            }
        }
    }
}
