//! New keys for rows that another table holds as parts of its own, while the rows are read here: the part goes from
//! the row of the old key to that of the new one.
//!
//! `UPDATE email_preferences SET user_id = 7 WHERE user_id = 3` becomes `WITH segue_locked_0 (segue_key_0) AS
//! MATERIALIZED (SELECT user_id FROM email_preferences WHERE user_id = 3 FOR UPDATE), segue_written_0 (…) AS (UPDATE
//! email_preferences SET user_id = 7 WHERE (SELECT count(*) FROM segue_locked_0) > 0 AND (user_id = 3) RETURNING …), …`:
//! the parts of keys that no row has any more go back to the defaults, and then what was written is stored there.
//!
//! Sound: the rows are locked before the UPDATE looks for them, so it finds the same, as they are by then, and no
//! others; nothing that could give another answer the second time is looked at twice. Each row there is written
//! once: by its key, as one that is gone or one that is there.

use sqlparser::ast::{Assignment, Update};

use super::carried::{taken_over, upsert, writes};
use super::extent::Range;
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Beside, End, Lens};
use crate::name::quoted;
use crate::refusal::Construct;
use crate::statement::start_byte;

/// The rows of an UPDATE before it gives them new keys.
pub(super) struct Moves {
    /// The physical columns of the key.
    key: Vec<String>,
    /// Where the target stands, with its alias.
    target: Range,
    /// What stands behind FROM.
    from: Option<Range>,
    condition: Option<Range>,
    /// Byte behind all that.
    end: usize,
}

impl Rewriter<'_> {
    /// Whether a SET list gives a row that is carried a new key.
    pub(super) fn moves_part(&self, lens: &Lens, assignments: &[Assignment]) -> bool {
        let is_reset = |beside: &&Beside| beside.end == End::IsReset;
        let besides = || lens.beside.iter().filter(is_reset);
        let key = besides().flat_map(|beside| &beside.key).map(|(own, _)| own);
        writes(lens, assignments, key)
    }

    /// The rows of the UPDATE whose SET is token `set`.
    pub(super) fn moves_of(&self, update: &Update, lens: &Lens, set: usize) -> Walk<Moves> {
        let start = start_byte(update.update_token.0.span);
        let first = self.lexeme_at(start) + 1;
        let clause = self.keyword_behind(set, "where").filter(|_| update.selection.is_some());
        let is = |word: Option<usize>, its: &str| {
            word.and_then(|at| self.lexeme(at)).is_some_and(|it| it.is_word(its))
        };
        if is(clause.map(|at| at + 1), "current") && is(clause.map(|at| at + 2), "of") {
            return self.refuse_at(Construct::MovedCursor, start);
        }
        if !self.finds_the_same(update) {
            return self.refuse_half(Construct::MergedKeyRows, lens, start);
        }
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        let returning = self.keyword_behind(set, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(first));
        let range = |from: usize, to: usize| {
            let last = to.checked_sub(1).and_then(|last| self.lexeme(last))?;
            Some((self.lexeme(from)?.start, last.end))
        };
        let (Some(target), Some((_, end))) = (range(first, set), range(set, behind)) else {
            return self.refuse(Construct::Unreadable);
        };
        let besides = lens.beside.iter().find(|beside| beside.end == End::IsReset);
        let key = besides.into_iter().flat_map(|beside| &beside.key);
        Ok(Moves {
            key: key.map(|(own, _)| own.clone()).collect(),
            target,
            from: from.and_then(|from| range(from + 1, clause.unwrap_or(behind))),
            condition: clause.and_then(|clause| range(clause + 1, behind)),
            end,
        })
    }

    /// Has the UPDATE wait for the CTE that locks its rows.
    pub(super) fn wait_for(&mut self, moves: &Moves, locked: &str) {
        let waits = format!("(SELECT count(*) FROM {locked}) > 0");
        match moves.condition {
            Some((from, to)) => {
                self.edits.insert(from, vec![format!("{waits} AND (").into()]);
                self.edits.insert(to, vec![")".into()]);
            }
            None => self.edits.insert(moves.end, vec![format!(" WHERE {waits}").into()]),
        }
    }
}

impl Moves {
    /// `name (…) AS MATERIALIZED (…), `: the rows, locked. `target` is what the client calls their table.
    pub(super) fn locked(&self, name: &str, target: &str) -> Vec<Piece> {
        let names: Vec<String> = (0..self.key.len()).map(key).collect();
        let items: Vec<String> =
            self.key.iter().map(|column| format!("{target}.{}", quoted(column))).collect();
        let head = format!(
            "{name} ({}) AS MATERIALIZED (SELECT {} FROM ",
            names.join(", "),
            items.join(", ")
        );
        let mut pieces = vec![head.into(), Piece::Copy(self.target.0, self.target.1)];
        if let Some((from, to)) = self.from {
            pieces.extend([", ".into(), Piece::Copy(from, to)]);
        }
        if let Some((from, to)) = self.condition {
            pieces.extend([" WHERE ".into(), Piece::Copy(from, to)]);
        }
        pieces.push(format!(" FOR UPDATE OF {target}), ").into());
        pieces
    }
}

fn key(at: usize) -> String {
    format!("segue_key_{at}")
}

/// What empties the parts of the keys that nobody has any more, and then stores what was written. `emptied` is the CTE
/// of the first.
///
/// Rows are stored in the opposite order in which they were written: where one takes the key of another, what that
/// had, and a unique index may be over, has gone before.
pub(super) fn moved(
    beside: &Beside,
    (locked, written): (&str, &str),
    emptied: &str,
    of: &dyn Fn(&String) -> String,
) -> [String; 2] {
    let list = |columns: Vec<String>| columns.join(", ");
    let names = list(beside.key.iter().map(|(_, its)| quoted(its)).collect());
    let from = list((0..beside.key.len()).map(|at| format!("{locked}.{}", key(at))).collect());
    let same = |(at, (own, _)): (usize, &(String, String))| {
        format!("{written}.{} = {locked}.{}", of(own), key(at))
    };
    let same: Vec<String> = beside.key.iter().enumerate().map(same).collect();
    let gone = format!(
        "INSERT INTO {} ({names}) SELECT DISTINCT {from} FROM {locked} WHERE NOT EXISTS (SELECT 1 FROM {written} WHERE {}) \
         ON CONFLICT ({names}) DO UPDATE SET {} RETURNING 1",
        relation(&beside.relation),
        same.join(" AND "),
        taken_over(beside)
    );
    let rows = format!(
        "(SELECT *, row_number() OVER () AS segue_place FROM {written} WHERE (SELECT count(*) FROM {emptied}) >= 0) \
         AS segue_rows ORDER BY segue_place DESC"
    );
    [gone, upsert(beside, &rows, of)]
}
