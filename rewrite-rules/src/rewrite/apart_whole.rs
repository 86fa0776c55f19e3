//! UPDATE of a table that others are merged into, and that is read already, where it gives rows new keys or parts: the
//! tables beside get what it has stored, each row whole.
//!
//! `UPDATE prefs SET has_email = false WHERE user_id = 3` becomes `WITH segue_row_0 (…) AS MATERIALIZED (SELECT … FOR NO
//! KEY UPDATE …), segue_moved_0 AS MATERIALIZED (…), segue_own_0 AS (UPDATE prefs … RETURNING …), segue_gone_0_0 AS (DELETE
//! FROM email_preferences …), segue_made_0_0 AS (INSERT INTO email_preferences … ON CONFLICT (user_id) DO UPDATE SET …)
//! SELECT FROM segue_own_0`: the rows, with both keys; the table itself, which says what is wrong with them; and in each
//! table beside the rows that have no part any more, those that have one, and those that have got one.
//!
//! Sound: the rows of all tables are locked first, in the order that all keep. Whoever makes a row beside that the
//! statement does not see has written the table's own row, which is seen then: it is not the one of which the statement
//! knew, which ends it, and it is sent again.

use sqlparser::ast::Update;

use super::apart::Apart;
use super::apart_assigned::Assigned;
use super::apart_from::{FromItem, carried};
use super::apart_key::{given_keys, moved, old};
use super::apart_update::{Source, locked, one_of_each, rows_of};
use super::carried::writes;
use super::gathered::{there, told};
use super::gathered_next::behind;
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::outcome::{AGAIN, Raised};
use crate::scope::Columns;

/// The rows that are written.
struct Whole<'w, 'a> {
    apart: &'w Apart<'a>,
    /// The CTE that has them, with both keys.
    rows: String,
    /// Whether their keys are new.
    moves: bool,
}

impl<'a> Rewriter<'a> {
    /// Whether a SET list changes which rows the tables beside have.
    pub(super) fn writes_whole(&self, lens: &Lens, update: &Update) -> bool {
        let present = lens.beside.iter().filter_map(|beside| beside.present.as_ref());
        let is_itself = lens.is_merged() && lens.among.is_none();
        is_itself
            && (self.writes_key(lens, &update.assignments)
                || writes(lens, &update.assignments, present))
    }

    /// Goes on with an UPDATE whose SET list is done, but for what it stores.
    pub(super) fn store_whole(
        &mut self,
        (update, at): (&Update, usize),
        apart: &Apart<'a>,
        (assigned, beside): (&Assigned<'_, 'a>, &[FromItem]),
        (start, set, outermost): (usize, usize, bool),
    ) -> Walk<Columns> {
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        let moves = self.writes_key(apart.lens, &update.assignments);
        let more = carried(beside);
        let lock = locked(apart, !moves);
        let clauses = (start, set, from);
        let rows = (at, apart, Source::Arms);
        let mut text = self.updated_rows(rows, assigned, (&more, &lock), clauses)?;
        text.push(one_of_each(apart, from.is_some()).into());
        let whole = Whole { apart, rows: moved(apart.number), moves };
        text.push(whole.found(assigned, &more, &rows_of(apart, from.is_some())).into());
        text.extend(
            whole
                .statements(assigned)
                .into_iter()
                .map(|(name, text)| format!(", {name} AS ({text})").into()),
        );
        text.push(self.before_last(start).into());
        let composed = apart.returns.then(|| {
            apart.composed(&[None], None) + &apart.beside_target(beside, &whole.rows, false)
        });
        if composed.is_none() {
            text.push(format!("SELECT FROM {}", apart.stored(None)).into());
        }
        let reply = self.replies.entry(self.statement).or_default();
        reply.raised.push(Raised::again());
        if outermost {
            (reply.command, reply.only_counts) = (Some("UPDATE"), composed.is_none());
        }
        self.finish_apart(start, (text, composed), "UPDATE", outermost)?;
        self.returned(update.returning.as_deref(), start, outermost)
    }
}

impl Whole<'_, '_> {
    /// All CTEs behind the rows.
    fn statements(&self, assigned: &Assigned<'_, '_>) -> Vec<(String, String)> {
        let mut places = self.apart.places();
        places.retain(|place| self.touches(*place, assigned));
        let stale = places.iter().filter(|_| self.moves).map(|place| self.stale(*place));
        let mut all: Vec<(String, String)> = stale.collect();
        let stale: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
        all.push((self.apart.stored(None), self.stored(assigned, &stale)));
        all.extend(places.iter().flat_map(|place| self.beside(*place)));
        all
    }

    fn name(&self, what: &str, place: usize) -> String {
        format!("segue_{what}_{}_{place}", self.apart.number)
    }

    /// Whether rows of the table at that place are written.
    fn touches(&self, place: usize, assigned: &Assigned<'_, '_>) -> bool {
        let beside = self.apart.lens.beside.get(place);
        let present = beside.and_then(|beside| beside.present.as_ref());
        let is_its = |column: &LogicalColumn| {
            column.in_table(Some(place)).is_some() || present == Some(&column.name)
        };
        self.moves || assigned.values.iter().any(|(.., column)| is_its(column))
    }

    /// The columns of a key, as `from` has them under these names.
    fn keys(&self, from: &str, name: fn(usize) -> String) -> Vec<String> {
        (0..self.apart.key_columns().len()).map(|at| format!("{from}.{}", name(at))).collect()
    }

    /// `key = … AND …` of a table that is called `target`.
    fn same(&self, place: Option<usize>, target: &str, keys: &[String]) -> String {
        let own = self.apart.key_names(place).into_iter().zip(keys);
        let same = own.map(|(own, key)| format!("{target}.{own} = {key}"));
        same.collect::<Vec<String>>().join(" AND ")
    }

    /// The CTE of the rows, with both keys, and which tables beside have them. `more`: what goes along beside what is
    /// assigned.
    fn found(&self, assigned: &Assigned<'_, '_>, more: &[(String, String)], rows: &str) -> String {
        let was = self.keys(rows, Apart::key);
        let mut items = match self.moves {
            true => given_keys(self.apart, assigned),
            false => {
                let both = |at| [format!("{} AS {}", Apart::key(at), old(at)), Apart::key(at)];
                (0..was.len()).flat_map(both).collect()
            }
        };
        items.extend((0..assigned.values.len()).map(Apart::value));
        items.extend(more.iter().map(|(name, _)| name.clone()));
        let mut come = Vec::new();
        for (place, beside) in self.apart.lens.beside.iter().enumerate() {
            items.push(format!(
                "EXISTS (SELECT 1 FROM {} AS segue_own WHERE {}) AS {}",
                relation(&beside.relation),
                self.same(Some(place), "segue_own", &was),
                there(place)
            ));
            let told = beside.present.as_ref().map(|_| format!(" AND segue_fresh.{}", told(place)));
            come.push(format!("NOT {}{}", there(place), told.unwrap_or_default()));
        }
        format!(
            ", {} AS MATERIALIZED (SELECT segue_moved.* FROM (SELECT {} FROM {rows} ORDER BY {} OFFSET 0) AS segue_moved{} \
             WHERE CASE WHEN segue_fresh.segue_version <> segue_seen.segue_version AND ({}) \
             THEN CAST(pg_catalog.concat('{AGAIN} ', {}) AS boolean) ELSE true END)",
            self.rows,
            items.join(", "),
            was.join(", "),
            self.apart.lens.looks(&self.keys("segue_moved", old), " FOR NO KEY UPDATE", &[]),
            come.join(" OR "),
            old(0)
        )
    }

    /// Deletes rows of a table beside that have the new keys and were left behind there.
    fn stale(&self, place: usize) -> (String, String) {
        let news = self.keys(&self.rows, Apart::key);
        let olds: Vec<String> = (0..news.len()).map(old).collect();
        let text = format!(
            "DELETE FROM {} AS {} USING {} WHERE {} AND ({}) NOT IN (SELECT {} FROM {}) RETURNING 1",
            self.apart.table(Some(place)),
            self.apart.target,
            self.rows,
            self.same(Some(place), &self.apart.target, &news),
            news.join(", "),
            olds.join(", "),
            self.rows
        );
        (self.name("stale", place), text)
    }

    /// The UPDATE of the table itself: it gives back both keys, and all that its rows have.
    fn stored(&self, assigned: &Assigned<'_, '_>, stale: &[String]) -> String {
        let own = assigned.parts.iter().filter(|part| part.beside.is_none());
        let set = own.flat_map(|part| &part.values);
        let set = set.map(|(column, value)| format!("{} = {value}", quoted(column)));
        let olds = self.keys(&self.rows, old);
        let keys = olds.iter().cloned().chain(self.apart.key_stored(None));
        format!(
            "UPDATE {} AS {} SET {} FROM {} WHERE {}{}{}",
            self.apart.table(None),
            self.apart.target,
            set.collect::<Vec<String>>().join(", "),
            self.rows,
            self.same(None, &self.apart.target, &olds),
            behind(stale),
            self.apart.returning(None, keys.collect())
        )
    }

    /// What the table at that place gets: its rows that are to have none there go, those that it has are moved, and the
    /// others are stored.
    fn beside(&self, place: usize) -> Vec<(String, String)> {
        let own = self.apart.stored(None);
        let present = self.present(place);
        let gone = present.as_ref().map(|present| {
            let text = format!(
                "DELETE FROM {} AS {} USING {own} WHERE {} AND NOT {present} RETURNING 1",
                self.apart.table(Some(place)),
                self.apart.target,
                self.same(Some(place), &self.apart.target, &self.keys(&own, old)),
            );
            (self.name("gone", place), text)
        });
        let is_there = present.map(|present| format!(" AND {present}")).unwrap_or_default();
        let gone_first: Vec<String> = gone.iter().map(|(name, _)| name.clone()).collect();
        let moved =
            self.moves.then(|| self.moved(place, &(is_there.clone() + &behind(&gone_first))));
        let made = (self.name("made", place), self.made(place, &is_there));
        gone.into_iter().chain(moved).chain([made]).collect()
    }

    /// Whether a row of the table itself, as it is stored, has one at that place, if some have none.
    fn present(&self, place: usize) -> Option<String> {
        let present = self.apart.lens.beside.get(place)?.present.as_ref()?;
        let at = self.apart.lens.shown().position(|column| column.name == *present)?;
        Some(format!("{}.{}", self.apart.stored(None), Apart::was(at)))
    }

    /// Rows that are there, under their old keys. `also`: which of them, and what is done first.
    fn moved(&self, place: usize, also: &str) -> (String, String) {
        let own = self.apart.stored(None);
        let keys = self.apart.key_names(Some(place)).into_iter().zip(self.keys(&own, Apart::key));
        let set = keys.chain(self.part(place)).map(|(its, value)| format!("{its} = {value}"));
        let text = format!(
            "UPDATE {} AS {} SET {} FROM {own} WHERE {}{also} RETURNING 1",
            self.apart.table(Some(place)),
            self.apart.target,
            set.collect::<Vec<String>>().join(", "),
            self.same(Some(place), &self.apart.target, &self.keys(&own, old))
        );
        (self.apart.stored(Some(place)), text)
    }

    /// Rows that are to be there, under the keys that they have now: where there are such already, they get the values.
    fn made(&self, place: usize, is_there: &str) -> String {
        let (own, rows) = (self.apart.stored(None), &self.rows);
        let keys = self.apart.key_names(Some(place));
        let (columns, values): (Vec<String>, Vec<String>) =
            keys.iter().cloned().zip(self.keys(&own, Apart::key)).chain(self.part(place)).unzip();
        let set: Vec<String> = self
            .part(place)
            .into_iter()
            .map(|(its, _)| format!("{its} = excluded.{its}"))
            .collect();
        let from = match self.moves {
            false => format!("{own} WHERE true{is_there}"),
            true => {
                let same = self.keys(&own, old).into_iter().zip(self.keys(rows, old));
                let same = same.map(|(own, its)| format!("{own} = {its}"));
                format!(
                    "{own} JOIN {rows} ON {} WHERE NOT {rows}.{}{is_there}{}",
                    same.collect::<Vec<String>>().join(" AND "),
                    there(place),
                    behind(&[self.apart.stored(Some(place))])
                )
            }
        };
        let from = format!("SELECT {} FROM {from}", values.join(", "));
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}",
            self.apart.insert(Some(place), &columns, &from),
            keys.join(", "),
            set.join(", ")
        )
    }

    /// What the table at that place has of the rows beside the key: its names, and the values as the table itself has
    /// stored them.
    fn part(&self, place: usize) -> Vec<(String, String)> {
        let keys = self.apart.key_columns();
        let its = self.apart.lens.shown().enumerate();
        let its = its.filter(|(_, column)| !keys.contains(&column.name.as_str()));
        let own = self.apart.stored(None);
        let pair = |(at, column): (usize, &LogicalColumn)| {
            Some((quoted(column.in_table(Some(place))?), format!("{own}.{}", Apart::was(at))))
        };
        its.filter_map(pair).collect()
    }
}
