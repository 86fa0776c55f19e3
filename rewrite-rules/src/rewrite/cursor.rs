//! Cursors that lock rows: PostgreSQL knows none that is SCROLL, WITH HOLD or INSENSITIVE.
//!
//! It looks at the cursor's own query. Where the clause has gone into a sub-select, or to rows that are found first, it
//! would find none there.

use std::ops::Range;

use sqlparser::ast::{Declare, Query};

use super::query::first_select;
use super::{Rewriter, Walk};
use crate::refusal::{CursorKind, Refusal};
use crate::statement::start_byte;

/// A cursor that may not lock rows.
pub(super) struct Cursor {
    kind: CursorKind,
    /// `FOR NO KEY UPDATE`: the first of its query's clauses.
    lock: String,
    /// The occurrences in its query.
    occurrences: Range<usize>,
}

impl Rewriter<'_> {
    /// Notes a cursor whose query locks rows, if it may not. `before`: how many occurrences there were before its query.
    pub(super) fn note_cursor(&mut self, declare: &Declare, before: usize) {
        let Some(kind) = self.cursor_kind(declare) else { return };
        let query = declare.for_query.as_deref().filter(|query| !query.locks.is_empty());
        if let Some(lock) = query.and_then(|query| self.first_lock(query)) {
            let occurrences = before..self.occurrences.len();
            self.cursors.push(Cursor { kind, lock, occurrences });
        }
    }

    /// What the text says of it: the tree has not all of that.
    fn cursor_kind(&self, declare: &Declare) -> Option<CursorKind> {
        let name = declare.names.first()?;
        let options = self.lexemes.get(self.lexeme_at(start_byte(name.span)) + 1..)?;
        let is = |at: usize, word: &str| options.get(at).is_some_and(|it| it.is_word(word));
        let end = options.iter().position(|it| it.is_word("for"))?;
        let is_negated = |at: usize| at.checked_sub(1).is_some_and(|before| is(before, "no"));
        let has = |word: &str| (0..end).any(|at| is(at, word) && !is_negated(at));
        let holds = (0..end).any(|at| is(at, "with") && is(at + 1, "hold"));
        let kinds = [
            (holds, CursorKind::Holdable),
            (has("scroll"), CursorKind::Scrollable),
            (has("insensitive"), CursorKind::Insensitive),
        ];
        kinds.into_iter().find(|(is_it, _)| *is_it).map(|(_, kind)| kind)
    }

    /// The first clause that locks rows, without what it names.
    fn first_lock(&self, query: &Query) -> Option<String> {
        let select = first_select(query)?;
        let first = self.lexeme_at(start_byte(select.select_token.0.span));
        let clause = self.keyword_behind(first, "for")?;
        let mut words = vec!["FOR"];
        let more =
            ["no", "key", "update", "share"].into_iter().zip(["NO", "KEY", "UPDATE", "SHARE"]);
        let mut at = clause + 1;
        for (word, upper) in more {
            if self.lexeme(at).is_some_and(|it| it.is_word(word)) {
                words.push(upper);
                at += 1;
            }
        }
        Some(words.join(" "))
    }

    /// Refuses, in PostgreSQL's words, what it would not see any more.
    pub(super) fn check_cursors(&self) -> Walk<()> {
        let is_hidden = |at: usize| {
            self.occurrences.get(at).is_some_and(|found| {
                found.is_joined && found.is_locked && (found.lock.is_some() || found.is_staged)
            })
        };
        let mut cursors = self.cursors.iter();
        let hidden = cursors.find(|cursor| cursor.occurrences.clone().any(is_hidden));
        match hidden {
            Some(cursor) => Err(Box::new(Refusal::cursor(cursor.kind, &cursor.lock))),
            None => Ok(()),
        }
    }
}
