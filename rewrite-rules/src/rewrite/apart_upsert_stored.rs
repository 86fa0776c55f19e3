//! What an INSERT … ON CONFLICT DO UPDATE stores where something is computed of columns of both tables.
//!
//! `segue_own_0 AS (INSERT INTO users …), segue_changed_0 AS (UPDATE users …), segue_beside_0_0 AS (INSERT INTO profiles …),
//! segue_made_0_0 AS (INSERT INTO profiles …), segue_changed_0_0 AS (UPDATE profiles …)`. All of the client's rows are
//! offered to the old table, which judges them as it would the client's own, and stores those that are new; the others
//! are changed then. In the other table new rows get the client's half, and those that are there theirs: it is changed, or
//! made where it was missing, of NULLs but for what is assigned.
//!
//! Sound: where an INSERT finds a row that it did not expect, somebody has just made it, and the statement is sent again. A
//! half that was read as missing is made where its row is written, so nothing is written of what was not seen.

use super::Rewriter;
use super::apart::{Apart, Part};
use super::apart_upsert::is_copied;
use super::apart_upsert_both::{IS_THERE, PLACE, WHEN, Writing, set};
use super::gathered::there;
use super::gathered_next::behind;
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::outcome::{AGAIN, Raised};

impl<'a> Writing<'_, 'a, '_> {
    fn name(&self, what: &str, beside: Option<usize>) -> String {
        let number = self.apart.number;
        beside.map_or_else(
            || format!("segue_{what}_{number}"),
            |place| format!("segue_{what}_{number}_{place}"),
        )
    }

    fn keys(&self) -> Vec<String> {
        (0..self.apart.key_columns().len()).map(Apart::key).collect()
    }

    /// ` ORDER BY segue_place`, where there is an order.
    fn in_order(&self) -> String {
        match self.both.is_several {
            true => format!(" ORDER BY {}.{PLACE}", self.next()),
            false => String::new(),
        }
    }

    /// What one of the tables gets of the SET list.
    fn assigned(&self, beside: Option<usize>) -> Vec<(&'a str, String)> {
        let sets = self.both.sets.iter().enumerate();
        let all = sets.flat_map(|(at, it)| it.column.put.iter().map(move |put| (at, put)));
        let own = all.filter(|(_, put)| put.beside == beside);
        let value = |at| format!("{}.{}", self.next(), set(at));
        own.map(|(at, put)| (put.column.as_str(), put.written(&value(at)))).collect()
    }

    /// The key of the row that an INSERT finds.
    fn key_found(&self, beside: Option<usize>) -> Vec<String> {
        let target = &self.apart.target;
        self.apart.key_names(beside).iter().map(|own| format!("{target}.{own}")).collect()
    }

    /// Ends the statement: the row was not expected.
    fn again(&self, beside: Option<usize>) -> String {
        let key = self.key_found(beside).into_iter().next().unwrap_or_default();
        format!("CAST(pg_catalog.concat('{AGAIN} ', {key}) AS boolean)")
    }

    /// The same but for rows that are `known`, which stay as they are.
    fn again_unless(&self, beside: Option<usize>, known: &str) -> String {
        format!(
            "CASE WHEN ({}) IN (SELECT {} FROM {} WHERE {known}) THEN false ELSE {} END",
            self.key_found(beside).join(", "),
            self.keys().join(", "),
            self.next(),
            self.again(beside)
        )
    }

    /// What stands behind SET of the old table's INSERT.
    fn idle(&self) -> String {
        let (idle, target) = (&self.both.idle, &self.apart.target);
        format!("{idle} = {target}.{idle} WHERE {}", self.again_unless(None, IS_THERE))
    }

    /// ` ON CONFLICT (user_id) DO UPDATE SET …` of a half's INSERT, which changes nothing.
    fn idle_half(&self, place: usize, condition: &str) -> String {
        let (names, target) = (self.apart.key_names(Some(place)), &self.apart.target);
        let mut held = self.lens_columns(place).map(|(_, its)| quoted(its));
        let idle = held.next().or_else(|| names.first().cloned()).unwrap_or_default();
        format!(
            " ON CONFLICT ({}) DO UPDATE SET {idle} = {target}.{idle} WHERE {condition}",
            names.join(", ")
        )
    }

    /// The columns that a half holds, with their names there.
    fn lens_columns(&self, place: usize) -> impl Iterator<Item = (&'a LogicalColumn, &'a str)> {
        let lens: &'a Lens = self.apart.lens;
        lens.shown().filter_map(move |column| Some((column, column.in_table(Some(place))?)))
    }

    /// What a statement gives back: what is stored, or at least the rows' keys; the old table also what goes on from there.
    fn returning(&self, beside: Option<usize>) -> String {
        let mut keys = self.apart.key_stored(beside);
        if beside.is_none() {
            keys.extend(self.apart.told_of_copies(&self.apart.carried()));
        }
        match self.apart.returns {
            true => self.apart.returning(beside, keys),
            false => format!(" RETURNING {}", keys.join(", ")),
        }
    }

    /// Which of the rows that are there are changed. A trigger of the old table may have left some of them out.
    fn is_changed(&self) -> String {
        let next = self.next();
        match self.assigned(None).is_empty() {
            true => format!("{next}.{WHEN}"),
            false => {
                let stored = self.apart.is_among(&next, &self.name("changed", None));
                format!("{next}.{WHEN} AND {stored}")
            }
        }
    }

    /// The UPDATE of what is there, if it gets anything. `is_there`: which of the rows; `after`: what is done first.
    fn changed(&self, beside: Option<usize>, is_there: &str, after: &str) -> Option<String> {
        let (next, apart) = (self.next(), self.apart);
        let set = self.assigned(beside).into_iter();
        let set = set.map(|(column, value)| format!("{} = {value}", quoted(column)));
        let set: Vec<String> = set.collect();
        let (when, returning) = match beside {
            None => (format!("{next}.{WHEN}"), self.returning(beside)),
            Some(_) if apart.returns => (self.is_changed(), self.returning(beside)),
            Some(_) => (self.is_changed(), String::new()),
        };
        let text = || {
            format!(
                "UPDATE {} AS {} SET {} FROM {next} WHERE {} AND {next}.{is_there} AND {when}{}{returning}",
                apart.table(beside),
                apart.target,
                set.join(", "),
                apart.same_key(beside, &next),
                behind(&[after.to_owned()])
            )
        };
        (!set.is_empty()).then(text)
    }

    /// The client's half of the rows that are new. Where the old table does not judge it, that of the others is offered too.
    fn given_half(&self, place: usize) -> String {
        let next = self.next();
        let columns = self.columns.iter().enumerate();
        let own = columns.flat_map(|(at, column)| column.put.iter().map(move |put| (at, put)));
        let own: Vec<(String, String)> = own
            .filter(|(_, put)| put.beside == Some(place))
            .map(|(at, put)| {
                let value = format!("{next}.{}", Apart::value(at));
                (quoted(&put.column), put.written(&value))
            })
            .collect();
        let into = self.apart.key_names(Some(place)).into_iter();
        let into: Vec<String> = into.chain(own.iter().map(|(its, _)| its.clone())).collect();
        let from = self.apart.key_in(&next).into_iter();
        let from: Vec<String> = from.chain(own.into_iter().map(|(_, value)| value)).collect();
        let is_new = self.apart.is_stored(&next);
        let (which, conflict) = match is_copied(self.apart.lens) {
            true => (is_new, self.idle_half(place, &self.again(Some(place)))),
            false => {
                let known = there(place);
                let condition = self.again_unless(Some(place), &known);
                (format!("{next}.{known} OR {is_new}"), self.idle_half(place, &condition))
            }
        };
        let select =
            format!("SELECT {} FROM {next} WHERE {which}{}", from.join(", "), self.in_order());
        self.apart.insert(Some(place), &into, &select) + &conflict + &self.returning(Some(place))
    }

    /// The UNION of what one of the tables has stored, each row with its key.
    fn stored(&self, beside: Option<usize>) -> String {
        let mut all = vec![self.apart.stored(beside)];
        all.extend(beside.map(|place| self.name("made", Some(place))));
        all.extend((!self.assigned(beside).is_empty()).then(|| self.name("changed", beside)));
        let all: Vec<String> = all.iter().map(|cte| format!("SELECT * FROM {cte}")).collect();
        // PostgreSQL does not know that no two of them have the same key.
        let once = format!("SELECT DISTINCT ON ({}) *", self.keys().join(", "));
        let once = if self.both.is_several { once } else { "SELECT *".to_owned() };
        format!("({once} FROM ({}) AS segue_stored)", all.join(" UNION ALL "))
    }

    /// ` FROM (…) AS u`: the client's view of the rows that it has stored.
    fn shown(&self) -> String {
        let next = self.next();
        let mut from = next.clone();
        let name = |beside: Option<usize>| {
            beside
                .map_or_else(|| "segue_stored".to_owned(), |place| format!("segue_stored_{place}"))
        };
        let places = self.apart.lens.places_apart();
        for beside in std::iter::once(None).chain(places.into_iter().map(Some)) {
            let stored = name(beside);
            let same = |key: &String| format!("{stored}.{key} = {next}.{key}");
            let same: Vec<String> = self.keys().iter().map(same).collect();
            from.push_str(&format!(
                " LEFT JOIN {} AS {stored} ON {}",
                self.stored(beside),
                same.join(" AND ")
            ));
        }
        let item = |(at, column): (usize, &LogicalColumn)| {
            let (stored, was) = (name(column.own().beside), Apart::was(at));
            format!(
                "CASE WHEN {stored}.{} IS NULL THEN {next}.{was} ELSE {stored}.{was} END AS {}",
                Apart::key(0),
                quoted(&column.name)
            )
        };
        let items: Vec<String> = self.apart.lens.shown().enumerate().map(item).collect();
        format!(
            " FROM (SELECT {} FROM {from} WHERE {}{}) AS {}",
            items.join(", "),
            self.is_written(),
            self.in_order(),
            self.apart.reference
        )
    }

    fn is_written(&self) -> String {
        let next = self.next();
        format!("{} OR ({next}.{IS_THERE} AND {})", self.apart.is_stored(&next), self.is_changed())
    }
}

impl<'a> Rewriter<'a> {
    /// Puts the old table's INSERT behind the client's rows, which end at byte `to`; gives what stands behind that one.
    pub(super) fn write_both(
        &mut self,
        writing: &Writing<'_, 'a, '_>,
        (keys, overrides): (&[(&'a str, String)], bool),
        (start, to, given_end): (usize, usize, String),
        outermost: bool,
    ) -> (Vec<Piece>, Option<String>) {
        let (apart, columns) = (writing.apart, writing.columns);
        let rows = writing.next() + &writing.in_order();
        let own = self.own_insert(apart, (columns, &[]), (keys, overrides), &rows);
        let mut text: Vec<Piece> = vec![given_end.into()];
        text.extend(self.next_of_both(writing));
        text.push(format!(", {} AS ({own}", apart.stored(None)).into());
        self.edits.insert(to, text);
        self.edits.insert(writing.both.list, vec![writing.idle().into()]);
        let reply = self.replies.entry(self.statement).or_default();
        reply.raised.push(Raised::again());
        reply.raised.extend(writing.both.is_several.then(Raised::twice));
        if outermost {
            (reply.command, reply.only_counts) = (Some("INSERT"), !apart.returns);
        }
        let behind = self.stored_of_both(writing, start);
        (behind, apart.returns.then(|| writing.shown()))
    }

    /// Everything behind the INSERT into the old table.
    fn stored_of_both(&self, writing: &Writing<'_, 'a, '_>, start: usize) -> Vec<Piece> {
        let apart = writing.apart;
        let own = apart.stored(None);
        let mut statements = Vec::new();
        let changed = writing.changed(None, IS_THERE, &own);
        statements.extend(changed.map(|text| (writing.name("changed", None), text)));
        for place in apart.lens.places_apart() {
            let half = apart.stored(Some(place));
            statements.push((half.clone(), writing.given_half(place)));
            statements.push((writing.name("made", Some(place)), self.made_half(writing, place)));
            let changed = writing.changed(Some(place), &there(place), &half);
            statements.extend(changed.map(|text| (writing.name("changed", Some(place)), text)));
        }
        let stored = format!("{} AS segue_carried", writing.stored(None));
        let copies = apart.copies_from(&apart.carried(), &stored).into_iter();
        statements.extend(copies.map(|(place, text)| (apart.stored(place), text)));
        let mut text = format!("{})", writing.returning(None));
        for (name, statement) in statements {
            text.push_str(&format!(", {name} AS ({statement})"));
        }
        text.push_str(&self.before_last(start));
        if !apart.returns {
            text.push_str(&format!(
                "SELECT FROM {} WHERE {}",
                writing.next(),
                writing.is_written()
            ));
        }
        vec![text.into()]
    }

    /// The half of a row that is there, and lacked it.
    fn made_half(&self, writing: &Writing<'_, 'a, '_>, place: usize) -> String {
        let (next, apart) = (writing.next(), writing.apart);
        let values = writing.assigned(Some(place));
        let part = Part { beside: Some(place), values, within: Vec::new(), when: None };
        let more = self.blanks(apart, &part, Vec::new());
        let values: Vec<(&str, String)> = part.values.into_iter().chain(more).collect();
        let into = apart.key_names(Some(place)).into_iter();
        let into: Vec<String> = into.chain(values.iter().map(|(its, _)| quoted(its))).collect();
        let from = apart.key_in(&next).into_iter();
        let from: Vec<String> = from.chain(values.into_iter().map(|(_, value)| value)).collect();
        let select = format!(
            "SELECT {} FROM {next} WHERE {next}.{IS_THERE} AND {} AND NOT {next}.{}",
            from.join(", "),
            writing.is_changed(),
            there(place)
        );
        let insert = apart.insert(Some(place), &into, &select);
        let returning = match apart.returns {
            true => writing.returning(Some(place)),
            false => String::new(),
        };
        insert + &writing.idle_half(place, &writing.again(Some(place))) + &returning
    }
}
