//! ON CONFLICT of a table whose rows are parts of another one's: what is done where the other one has a row of that
//! key, with such a part or without.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, DoUpdate, Insert, OnConflict, OnConflictAction,
    OnInsert,
};

use super::extent::Range;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Among, Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::refusal::{Construct, Refusal};
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    /// What becomes of a row whose key is there.
    pub(super) fn on_conflict_merged(
        &mut self,
        insert: &Insert,
        lens: &'a Lens,
        among: &Among,
    ) -> Walk<()> {
        let start = start_byte(insert.insert_token.0.span);
        let reference = self.levels.last().and_then(|level| level.sources.first());
        let reference = reference.map(|source| source.reference.clone()).unwrap_or_default();
        let conflict = match &insert.on {
            Some(OnInsert::OnConflict(conflict)) => conflict,
            Some(_) => return Ok(()),
            None => {
                let reply = self.replies.entry(self.statement).or_default();
                reply.doubled = lens.names.taken.first().cloned();
                let first = self.lexeme_at(start) + 1;
                let returning = self.keyword_behind(first, "returning");
                let behind = returning.unwrap_or_else(|| self.statement_end(first));
                let last = behind.checked_sub(1).and_then(|last| self.lexeme(last));
                let Some(end) = last.map(|last| last.end) else {
                    return self.refuse(Construct::Unreadable);
                };
                let text = format!(" {}", among.fills_once(&reference));
                self.edits.insert(end, vec![text.into()]);
                return Ok(());
            }
        };
        if let OnConflictAction::DoUpdate(update) = &conflict.action
            && self.writes_key(lens, &update.assignments)
        {
            return Err(Box::new(Refusal::construct(Construct::MergedKey, lens)));
        }
        match &among.present {
            Some(present) => self.filled_or(insert, conflict, (lens, among, present), &reference),
            None => Ok(()),
        }
    }

    /// The client's ON CONFLICT, which is for parts that are there; others are filled.
    fn filled_or(
        &mut self,
        insert: &Insert,
        conflict: &OnConflict,
        (lens, among, present): (&'a Lens, &Among, &str),
        reference: &str,
    ) -> Walk<()> {
        let start = start_byte(insert.insert_token.0.span);
        let Some(word) = self.on_conflict_behind(self.lexeme_at(start) + 1) else {
            return self.refuse(Construct::Unreadable);
        };
        self.is_by_merged_key(conflict, (lens, among), (start, word))?;
        match &conflict.action {
            OnConflictAction::DoUpdate(update) => {
                self.update_or_fill(update, (lens, among, present), (start, word), reference)
            }
            OnConflictAction::DoNothing => {
                let has_target = conflict.conflict_target.is_some();
                let there = format!("{reference}.{}", quoted(present));
                self.nothing_or_fill(among, has_target, word, &there)
            }
        }
    }

    /// DO NOTHING, but for parts that are not there. CONFLICT is token `word`.
    fn nothing_or_fill(
        &mut self,
        among: &Among,
        has_target: bool,
        word: usize,
        there: &str,
    ) -> Walk<()> {
        let nothing = self.keyword_behind(word, "nothing").and_then(|at| self.lexeme(at));
        let do_word = self.keyword_behind(word, "do").and_then(|at| self.lexeme(at));
        let on = word.checked_sub(1).and_then(|on| self.lexeme(on));
        let (Some(on), Some(do_word), Some(nothing)) = (on, do_word, nothing) else {
            return self.refuse(Construct::Unreadable);
        };
        // Without a target there is none that could be kept.
        let (from, text) = match has_target {
            true => (do_word.start, format!("DO UPDATE {} WHERE NOT {there}", among.set())),
            false => (on.start, format!("{} WHERE NOT {there}", among.fills())),
        };
        let end = nothing.end;
        self.edits.replace(from, end, vec![text.into()]);
        Ok(())
    }

    /// DO UPDATE: each column gets the client's value where the part is there, else that of the row.
    fn update_or_fill(
        &mut self,
        update: &DoUpdate,
        (lens, among, present): (&'a Lens, &Among, &str),
        (start, word): (usize, usize),
        reference: &str,
    ) -> Walk<()> {
        let there = format!("{reference}.{}", quoted(present));
        let set = self.set_of_conflict(start)?;
        let extents = self.list(set);
        let mut assigned = Vec::new();
        for (assignment, extent) in update.assignments.iter().zip(&extents) {
            let Some((value, logical)) = self.single_value(assignment, *extent, lens) else {
                return Err(Box::new(Refusal::construct(Construct::MergedUpsert, lens)));
            };
            let its = logical.in_table(None).unwrap_or_default();
            self.edits.insert(value, vec![format!("CASE WHEN {there} THEN (").into()]);
            let given = format!(")::{} ELSE excluded.{} END", logical.base_type, quoted(its));
            self.edits.insert(extent.1, vec![given.into()]);
            assigned.push(its.to_owned());
        }
        let others = among.part.iter().filter(|column| !assigned.contains(column));
        let kept = others.map(|column| {
            let column = quoted(column);
            format!(
                ", {column} = CASE WHEN {there} THEN {reference}.{column} ELSE excluded.{column} END"
            )
        });
        let rest: String = kept.chain([format!(", {} = true", quoted(present))]).collect();
        if let Some(last) = extents.last() {
            self.edits.insert(last.1, vec![Piece::Text(rest)]);
        }
        match update.selection {
            Some(_) => self.widen_condition(word, &there),
            None => Ok(()),
        }
    }

    /// Where the value of an assignment begins and what it is for, if it is one value for one column, and all of it.
    fn single_value(
        &self,
        assignment: &Assignment,
        extent: Range,
        lens: &'a Lens,
    ) -> Option<(usize, &'a LogicalColumn)> {
        let AssignmentTarget::ColumnName(column) = &assignment.target else { return None };
        let names = name::parts(column)?;
        let [ident] = names.as_slice() else { return None };
        let logical = lens.column(&name::folded(ident))?;
        let value = self.value_start(extent.0)?;
        let is_one = self.is_all_of(ident) && !self.is_default((value, extent.1));
        is_one.then_some((value, logical))
    }

    /// `WHERE c` becomes `WHERE NOT there OR (c)`.
    fn widen_condition(&mut self, conflict: usize, there: &str) -> Walk<()> {
        let set = self.keyword_behind(conflict, "set").unwrap_or(conflict);
        let clause = self.keyword_behind(set, "where");
        let returning = self.keyword_behind(set, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(set));
        let first = clause.and_then(|at| self.lexeme(at + 1)).map(|it| it.start);
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last)).map(|it| it.end);
        let (Some(first), Some(last)) = (first, last) else {
            return self.refuse(Construct::Unreadable);
        };
        self.edits.insert(first, vec![format!("NOT {there} OR (").into()]);
        self.edits.insert(last, vec![")".into()]);
        Ok(())
    }

    /// Only by its key is a row found that has no such part yet.
    fn is_by_merged_key(
        &self,
        conflict: &OnConflict,
        (lens, among): (&Lens, &Among),
        (start, word): (usize, usize),
    ) -> Walk<()> {
        let table = self.generation.catalog().relation(&among.relation);
        let keys = || table.into_iter().flat_map(|table| &table.keys);
        let mut arbiter: Vec<String> = match &conflict.conflict_target {
            None if self.lexeme(word + 1).is_some_and(|next| next.is_word("do")) => {
                // Any other key could be what conflicts.
                let is_own = |column: &String| among.part.contains(column);
                let mut others = keys().chain(table.into_iter().flat_map(|it| &it.conditional));
                match others.any(|key| key.columns.is_empty() || key.columns.iter().any(is_own)) {
                    true => Vec::new(),
                    false => among.key.clone(),
                }
            }
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => {
                let its = columns.iter().map(name::folded);
                its.filter_map(|name| Some(lens.column(&name)?.in_table(None)?.to_owned()))
                    .collect()
            }
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let wanted =
                    name::parts(constraint).and_then(|it| it.last().map(|it| name::folded(it)));
                let mut pairs = lens.names.constraints();
                let its = pairs.find(|(_, client)| Some(client) == wanted.as_ref());
                let found = its.and_then(|(its, _)| keys().find(|key| key.name == *its));
                found.map(|key| key.columns.clone()).unwrap_or_default()
            }
        };
        let mut key = among.key.clone();
        arbiter.sort_unstable();
        key.sort_unstable();
        match arbiter == key {
            true => Ok(()),
            false => self.refuse_half(Construct::MergedUpsert, lens, start),
        }
    }
}

impl Among {
    /// `SET digest = excluded.digest, …, has_email = true`.
    fn set(&self) -> String {
        let part = self.part.iter().map(|column| format!("{0} = excluded.{0}", quoted(column)));
        let present = self.present.iter().map(|column| format!("{} = true", quoted(column)));
        format!("SET {}", part.chain(present).collect::<Vec<String>>().join(", "))
    }

    /// The clause that fills a row's part.
    fn fills(&self) -> String {
        let key: Vec<String> = self.key.iter().map(|key| quoted(key)).collect();
        format!("ON CONFLICT ({}) DO UPDATE {}", key.join(", "), self.set())
    }

    /// The same where a part that is there already is one too many: nothing tells that there but a NULL that
    /// the column refuses, of which the client is told as of a key that is taken.
    fn fills_once(&self, reference: &str) -> String {
        let key: Vec<String> = self.key.iter().map(|key| quoted(key)).collect();
        let set = match &self.present {
            Some(present) => {
                let present = quoted(present);
                let part = self.part.iter();
                let part = part.map(|column| format!("{0} = excluded.{0}", quoted(column)));
                let once =
                    format!("{present} = CASE WHEN {reference}.{present} THEN NULL ELSE true END");
                format!("SET {}", part.chain([once]).collect::<Vec<String>>().join(", "))
            }
            None => self.set(),
        };
        format!("ON CONFLICT ({}) DO UPDATE {set}", key.join(", "))
    }
}
