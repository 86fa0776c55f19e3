//! UPDATE and DELETE of a table some of whose columns only another table holds.

use sqlparser::ast::{Delete, Expr, Update};

use super::apart::{Apart, Part};
use super::apart_assigned::Assigned;
use super::apart_from::carried;
use super::apart_key::moved;
use super::apart_new_key::next;
use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{End, LogicalColumn};
use crate::name::quoted;
use crate::refusal::Construct;
use crate::scope::Columns;
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    /// The level holds the target, which is occurrence `at`, and what stands in FROM; SET is token `set`.
    pub(super) fn update_apart(
        &mut self,
        update: &Update,
        (at, set): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(update.update_token.0.span);
        let apart = self.take_apart(at, update.returning.is_some())?;
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        let beside = match apart.returns && from.is_some() {
            true => self.items_beside(at, start)?,
            false => Vec::new(),
        };
        let noted = (self.references.len(), self.rows.len());
        let writes_key = self.writes_key(apart.lens, &update.assignments);
        let moves = apart.lens.among.as_ref().filter(|_| writes_key);
        let moves_half = self.moves_half(apart.lens, &update.assignments);
        let is_whole = self.writes_whole(apart.lens, update);
        let rows = match moves.is_some() || is_whole {
            true => moved(apart.number),
            false if moves_half => next(apart.number),
            false => rows_of(&apart, from.is_some()),
        };
        let mut assigned = self.set_apart(update, set, (&apart, &rows))?;
        self.condition(update.selection.as_ref(), start)?;
        if let Some(among) = moves {
            let given = (&assigned, beside.as_slice(), noted);
            let place = (start, set, outermost);
            return self.move_apart((update, at), (&apart, among), given, place);
        }
        if is_whole {
            let given = (&assigned, beside.as_slice());
            return self.store_whole((update, at), &apart, given, (start, set, outermost));
        }
        if writes_key {
            self.free_keys(apart.lens);
        }
        // The old table first, as everywhere. What a merge's row has elsewhere is not the answer.
        assigned.parts.sort_by_key(|part| part.beside);
        if apart.lens.is_merged() {
            assigned.parts.reverse();
        }
        let kept = self.kept(&apart, &assigned.parts);
        let source = self.source_of_rows(at, &apart, noted, !kept.is_empty());
        let lock = locked(&apart, !writes_key);
        let mut more = kept_values(&apart, &assigned, &kept);
        more.extend(carried(&beside));
        let mut text =
            self.updated_rows((at, &apart, source), &assigned, (&more, &lock), (start, set, from))?;
        text.push(one_of_each(&apart, from.is_some()).into());
        if moves_half {
            text.push(apart.found_by_key(&rows_of(&apart, from.is_some())).into());
            self.note_moved_half(&apart);
        }
        let written: Vec<Option<usize>> = match apart.lens.is_merged() {
            true => vec![None],
            false => assigned.parts.iter().map(|part| part.beside).collect(),
        };
        self.note_unseen(&apart, &assigned.parts, source);
        let statements = self.stored(&apart, (&assigned, &kept), &rows, source);
        let makes = statements.last().is_some_and(|(beside, _)| beside.is_some());
        let statements = statements.into_iter().map(|(beside, it)| (beside, vec![it.into()]));
        if outermost && source != Source::Held && makes && !apart.lens.is_merged() {
            self.replies.entry(self.statement).or_default().command = Some("UPDATE");
        }
        text.extend(apart.all(statements.collect(), self.before_last(start)));
        let composed = apart.returns.then(|| {
            apart.composed(&written, Some(&rows)) + &apart.beside_target(&beside, &rows, writes_key)
        });
        self.finish_apart(start, (text, composed), "UPDATE", outermost)?;
        self.returned(update.returning.as_deref(), start, outermost)
    }

    /// Makes of the statement the query of its rows, up to its end; gives what stands behind that.
    pub(super) fn updated_rows(
        &mut self,
        (at, apart, source): (usize, &Apart<'a>, Source),
        assigned: &Assigned<'_, 'a>,
        (more, lock): (&[(String, String)], &str),
        (start, set, from): (usize, usize, Option<usize>),
    ) -> Walk<Vec<Piece>> {
        let more_text: String = more.iter().map(|(_, text)| format!(", {text}")).collect();
        let news = (0..assigned.values.len()).map(Apart::value);
        let news = news.chain(more.iter().map(|(name, _)| name.clone()));
        let clauses = [from.map(|_| "from"), Some("where")];
        let behind = self.clauses(set, clauses.into_iter().flatten());
        let asked: Vec<_> = [(assigned.first, assigned.end)].into_iter().chain(behind).collect();
        let (head, items) = self.row_head(apart, news.collect(), source, &asked);
        // With the first column's name, and the sign behind it.
        self.begin_with(start, assigned.first, head)?;
        let derived = self.derived_from(at, source);
        self.edits.insert(assigned.end, vec![format!("{more_text}{derived}").into()]);
        if let Some(from) = from.and_then(|from| self.lexeme(from)) {
            let (start, end) = (from.start, from.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        if source != Source::Arms {
            return Ok(vec![lock.into()]);
        }
        let mut pieces: Vec<Piece> = vec![items.into()];
        for (value, extent, column) in &assigned.values {
            pieces.push(", ".into());
            pieces.extend(self.given_pieces(*value, *extent, column));
        }
        pieces.push(more_text.into());
        Ok(self.other_arms(at, lock, &pieces, behind))
    }

    /// The statement of each part. A half that may be missing is made where it is.
    fn stored(
        &self,
        apart: &Apart<'a>,
        (assigned, kept): (&Assigned<'_, 'a>, &[&'a LogicalColumn]),
        rows: &str,
        source: Source,
    ) -> Vec<(Option<usize>, String)> {
        // What is not found any more in one table is not written in another.
        let goes_behind = source != Source::Held
            && !apart.lens.is_merged()
            && assigned.parts.len() > 1
            && assigned.parts.iter().any(|part| part.beside.is_none());
        let statement = |part: &Part<'a>| {
            if part.beside.is_none() || source == Source::Held {
                let told = apart.told_of_copies(part);
                let tells = goes_behind || !told.is_empty();
                return apart.update(part, rows, tells.then_some(&told));
            }
            let value = |at: usize| format!("{rows}.{}", Apart::value(assigned.values.len() + at));
            let kept = || kept.iter().enumerate();
            let is_set = |its: &str| part.values.iter().any(|(column, _)| *column == its);
            let more = kept().filter_map(|(at, column)| {
                let its = column.in_table(part.beside).filter(|its| !is_set(its))?;
                Some((its, value(at)))
            });
            let more = self.blanks(apart, part, more.collect());
            let beside = part.beside.and_then(|place| apart.lens.beside.get(place));
            let present = beside.and_then(|beside| beside.present.as_ref());
            let when = kept().find(|(_, column)| Some(&column.name) == present);
            let part = Part {
                beside: part.beside,
                values: part.values.clone(),
                within: part.within.clone(),
                when: when
                    .map(|(at, _)| value(at))
                    .or_else(|| goes_behind.then(|| apart.is_stored(rows))),
            };
            apart.upsert(&part, rows, (&more, &apart.unseen(source, part.beside)))
        };
        let own = assigned.parts.iter().find(|part| part.beside.is_none());
        let copies = own.map(|part| apart.copies(part)).unwrap_or_default();
        let all = assigned.parts.iter().map(|part| (part.beside, statement(part)));
        all.chain(copies).collect()
    }

    /// The same for DELETE. Rows of the other tables follow by their foreign keys.
    pub(super) fn delete_apart(
        &mut self,
        delete: &Delete,
        (at, behind_target): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(delete.delete_token.0.span);
        let apart = self.take_apart(at, delete.returning.is_some())?;
        let noted = (self.references.len(), self.rows.len());
        let first = self.lexeme_at(start) + 1;
        let using = self.keyword_behind(first, "using");
        let using = using.filter(|_| delete.using.is_some());
        let beside = match apart.returns && using.is_some() {
            true => self.items_beside(at, start)?,
            false => Vec::new(),
        };
        let more = carried(&beside);
        let more_text: String = more.iter().map(|(_, text)| format!(", {text}")).collect();
        self.condition(delete.selection.as_ref(), start)?;
        let source = self.source_of_rows(at, &apart, noted, false);
        if outermost && apart.lens.among.is_some() {
            self.replies.entry(self.statement).or_default().command = Some("DELETE");
        }
        let names = more.into_iter().map(|(name, _)| name).collect();
        let clauses = [Some("using").filter(|_| using.is_some()), Some("where")];
        let behind = self.clauses(first, clauses.into_iter().flatten());
        let (mut head, items) = self.row_head(&apart, names, source, behind.as_slice());
        let derived = self.derived_from(at, source);
        let items = items + &more_text;
        let more_text = more_text.trim_start_matches(", ");
        head.push(format!("{more_text}{derived}").into());
        self.begin_with(start, behind_target, head)?;
        if let Some(using) = using.and_then(|using| self.lexeme(using)) {
            let (start, end) = (using.start, using.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let rows = rows_of(&apart, !beside.is_empty());
        let lock = locked(&apart, false);
        let mut text = match source {
            Source::Arms => self.other_arms(at, &lock, &[items.into()], behind),
            Source::Own | Source::Held => vec![lock.into()],
        };
        text.push(one_of_each(&apart, !beside.is_empty()).into());
        text.extend(apart.all(deletions(&apart, &rows), self.before_last(start)));
        let written: &[Option<usize>] = if apart.lens.among.is_some() { &[] } else { &[None] };
        let composed = apart.returns.then(|| {
            apart.composed(written, Some(&rows)) + &apart.beside_target(&beside, &rows, false)
        });
        self.finish_apart(start, (text, composed), "DELETE", outermost)?;
        self.returned(delete.returning.as_deref(), start, outermost)
    }

    pub(super) fn condition(&mut self, condition: Option<&Expr>, start: usize) -> Walk<()> {
        let Some(condition) = condition else { return Ok(()) };
        let clause = self.keyword_behind(self.lexeme_at(start) + 1, "where");
        let is = |steps: usize, word: &str| {
            clause.and_then(|at| self.lexeme(at + steps)).is_some_and(|it| it.is_word(word))
        };
        if is(1, "current") && is(2, "of") {
            return self.refuse_at(Construct::MovedCursor, start);
        }
        self.expression(condition)
    }

    /// `segue_row_0 (…) AS MATERIALIZED (SELECT u.id, `: up to the first value; and its items. `repeated` are the bytes that
    /// each of several queries repeats.
    pub(super) fn row_head(
        &mut self,
        apart: &Apart<'a>,
        news: Vec<String>,
        source: Source,
        repeated: &[(usize, usize)],
    ) -> (Vec<Piece>, String) {
        let keys = apart.key_columns();
        let qualifier = format!("{}.", apart.reference);
        let mut names: Vec<String> = (0..keys.len()).map(Apart::key).collect();
        let mut items: Vec<String> = keys
            .iter()
            .map(|own| {
                let mut columns = apart.lens.shown();
                let logical = columns.find(|column| column.own().is(own));
                format!("{qualifier}{}", quoted(logical.map_or(own, |column| &column.name)))
            })
            .collect();
        // Where it is gathered a row may have to be made whole.
        if apart.returns || apart.lens.is_gathered() {
            for (number, column) in apart.lens.shown().enumerate() {
                names.push(Apart::was(number));
                items.push(format!("{qualifier}{}", quoted(&column.name)));
            }
        }
        let comma = if news.is_empty() { "" } else { ", " };
        names.extend(news);
        let (names, items) = (names.join(", "), items.join(", "));
        let mut head: Vec<Piece> =
            vec![format!("{} ({names}) AS MATERIALIZED (", apart.row()).into()];
        if source == Source::Arms {
            head.extend(self.asked_once(apart.number, repeated));
            head.push("SELECT * FROM (".into());
        }
        head.push(format!("SELECT {items}{comma}").into());
        (head, items)
    }

    /// The client's view of the target, as an item of FROM.
    pub(super) fn derived_from(&self, at: usize, source: Source) -> String {
        let Some(found) = self.occurrences.get(at) else { return String::new() };
        // The table that a half belongs to is found where it is derived.
        let table = match found.lens.among {
            Some(_) => super::joined::relation(found.lens.physical()),
            None => super::joined::relation(&found.lens.relation),
        };
        let query = match source {
            Source::Held => found.derived(&table),
            Source::Own => found.own_columns(&table),
            Source::Arms => found.arms(&table, self).into_iter().next().unwrap_or_default(),
        };
        format!(" FROM ({query}) AS {}", found.reference)
    }

    pub(super) fn returned(
        &mut self,
        items: Option<&[sqlparser::ast::SelectItem]>,
        start: usize,
        outermost: bool,
    ) -> Walk<Columns> {
        let outputs = self.returning(start, items, outermost)?;
        Ok(columns_of(outputs.unwrap_or_default()))
    }
}

/// What deletes the rows of the CTE `rows`, but for what follows by a foreign key.
fn deletions(apart: &Apart<'_>, rows: &str) -> Vec<(Option<usize>, Vec<Piece>)> {
    let besides = apart.lens.beside.iter().enumerate();
    let gone = besides.filter(|(_, beside)| beside.end == End::IsDeleted).map(|(place, _)| place);
    let mut deletions: Vec<(Option<usize>, Vec<Piece>)> =
        gone.map(|place| (Some(place), vec![apart.delete(Some(place), rows).into()])).collect();
    let own = match &apart.lens.among {
        Some(among) => apart.reset(among, rows),
        None => apart.delete(None, rows),
    };
    deletions.push((None, vec![own.into()]));
    deletions
}

/// What a half must have that is made now: its names among the rows, and the texts.
pub(super) fn kept_values(
    apart: &Apart<'_>,
    assigned: &Assigned<'_, '_>,
    kept: &[&LogicalColumn],
) -> Vec<(String, String)> {
    let value = |(at, column): (usize, &&LogicalColumn)| {
        let text = format!("{}.{}", apart.reference, quoted(&column.name));
        (Apart::value(assigned.values.len() + at), text)
    };
    kept.iter().enumerate().map(value).collect()
}

/// The CTE that each row is taken from once.
pub(super) fn rows_of(apart: &Apart<'_>, has_from: bool) -> String {
    if has_from { format!("segue_one_{}", apart.number) } else { apart.row() }
}

/// Where the rows come from that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// One query over what stands for the table, which has all that is read.
    Held,
    /// The table itself: nothing is read that another one holds.
    Own,
    /// A query for the rows that have their halves, and others for those that lack one.
    Arms,
}

/// Behind the query of the rows. Whoever refers to a row need not wait for what leaves its key alone.
pub(super) fn locked(apart: &Apart<'_>, keeps_key: bool) -> String {
    let lock = if keeps_key { "FOR NO KEY UPDATE" } else { "FOR UPDATE" };
    format!(" {lock} OF {}", apart.reference)
}

/// Behind that: each row once where several of FROM match it.
pub(super) fn one_of_each(apart: &Apart<'_>, has_from: bool) -> String {
    if !has_from {
        return ")".to_owned();
    }
    let keys: Vec<String> = (0..apart.key_columns().len()).map(Apart::key).collect();
    format!(
        "), {} AS MATERIALIZED (SELECT DISTINCT ON ({}) * FROM {})",
        rows_of(apart, true),
        keys.join(", "),
        apart.row()
    )
}
