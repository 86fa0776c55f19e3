//! New keys for rows that are parts of another table's: the part goes from the row of the old key to that of the new
//! one.
//!
//! `UPDATE email_preferences SET user_id = 7 WHERE user_id = 3` becomes `WITH segue_row_0 (…) AS MATERIALIZED (SELECT …
//! FOR UPDATE …), segue_moved_0 AS MATERIALIZED (…), segue_gone_0 AS (…), segue_own_0 AS (INSERT INTO user_preferences
//! … ON CONFLICT (user_id) DO UPDATE SET …) SELECT FROM segue_own_0`: the rows, with both keys; the parts of keys that
//! none of them has any more go back to the defaults; and the rows are stored under their keys. Where the tables
//! themselves are written too, their rows get the new keys last, as the INSERT of a row comes to them last.
//!
//! Sound: all rows of old keys are locked before anything is written, in the order that all keep. Each row of the other
//! table is written once, by its key. A part that is there already is one too many, unless it is that of a row which has
//! given up its key before, in the order in which the rows are found.

use sqlparser::ast::Update;

use super::apart::{Apart, Part};
use super::apart_assigned::Assigned;
use super::apart_from::{FromItem, carried};
use super::apart_update::{locked, one_of_each, rows_of};
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::lens::{Among, LogicalColumn};
use crate::name::quoted;
use crate::scope::Columns;

/// Where a row stands among those that get new keys.
const PLACE: &str = "segue_place";
/// Whether its new key is another one's.
const TAKEN: &str = "segue_taken";
/// A row whose old key is another one's new key, or the other way round.
const THEN: &str = "segue_then";
/// A row that is there already.
const THERE: &str = "segue_there";

/// The rows that get new keys.
pub(super) struct Moved<'m, 'a> {
    apart: &'m Apart<'a>,
    among: &'a Among,
    /// The CTE that has them: their new keys, values, and old keys.
    rows: String,
    /// Columns of the part, each with its value there.
    part: Vec<(&'a LogicalColumn, String)>,
}

impl<'a> Rewriter<'a> {
    /// Goes on with an UPDATE whose SET list is done, but for what it stores: `noted` is how many references and rows
    /// there were before it.
    pub(super) fn move_apart(
        &mut self,
        (update, at): (&Update, usize),
        (apart, among): (&Apart<'a>, &'a Among),
        (assigned, beside, noted): (&Assigned<'_, 'a>, &[FromItem], (usize, usize)),
        (start, set, outermost): (usize, usize, bool),
    ) -> Walk<Columns> {
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        let kept = kept_of(apart, among, assigned);
        let source = self.source_of_rows(at, apart, noted, true);
        let more: Vec<(String, String)> =
            [super::apart_update::kept_values(apart, assigned, &kept), carried(beside)].concat();
        let lock = locked(apart, false);
        let mut text =
            self.updated_rows((at, apart, source), assigned, (&more, &lock), (start, set, from))?;
        text.push(one_of_each(apart, from.is_some()).into());
        let moved = Moved::new(apart, among, assigned, &kept);
        text.push(moved.found(assigned, &more, &rows_of(apart, from.is_some())).into());
        let stale = moved.stale();
        text.push(
            format!("{stale}, {} AS ({})", moved.name("gone"), moved.gone(!stale.is_empty()))
                .into(),
        );
        text.push(format!(", {} AS ({})", apart.stored(None), moved.stored()).into());
        for part in assigned.parts.iter().filter(|part| part.beside.is_some()) {
            text.push(moved.carried_back(part).into());
        }
        text.push(self.before_last(start).into());
        let composed = apart
            .returns
            .then(|| moved.composed() + &apart.beside_target(beside, &moved.rows, false));
        if composed.is_none() {
            text.push(format!("SELECT FROM {}", apart.stored(None)).into());
        }
        if outermost {
            let reply = self.replies.entry(self.statement).or_default();
            (reply.command, reply.only_counts) = (Some("UPDATE"), composed.is_none());
        }
        self.finish_apart(start, (text, composed), "UPDATE", outermost)?;
        self.returned(update.returning.as_deref(), start, outermost)
    }
}

/// What the rows have beside what is assigned.
fn kept_of<'a>(
    apart: &Apart<'a>,
    among: &Among,
    assigned: &Assigned<'_, 'a>,
) -> Vec<&'a LogicalColumn> {
    let is_set = |column: &LogicalColumn| {
        assigned.values.iter().any(|(.., known)| std::ptr::eq(*known, column))
    };
    let is_part = |column: &LogicalColumn| {
        column.in_table(None).is_some_and(|its| among.part.iter().any(|part| part == its))
    };
    apart.lens.shown().filter(|column| is_part(column) && !is_set(column)).collect()
}

impl<'m, 'a> Moved<'m, 'a> {
    fn new(
        apart: &'m Apart<'a>,
        among: &'a Among,
        assigned: &Assigned<'_, 'a>,
        kept: &[&'a LogicalColumn],
    ) -> Self {
        let rows = moved(apart.number);
        let set = assigned.values.iter().map(|(.., column)| *column);
        let all = set.chain(kept.iter().copied()).enumerate();
        let value = |(at, column): (usize, &'a LogicalColumn)| {
            (column, format!("{rows}.{}", Apart::value(at)))
        };
        let part = all.map(value).filter(|(column, _)| {
            column.in_table(None).is_some_and(|its| among.part.iter().any(|part| part == its))
        });
        let part = part.collect();
        Self { apart, among, rows, part }
    }

    fn name(&self, what: &str) -> String {
        format!("segue_{what}_{}", self.apart.number)
    }

    /// The CTE of the rows with both keys. `more`: what goes along beside what is assigned.
    fn found(&self, assigned: &Assigned<'_, 'a>, more: &[(String, String)], rows: &str) -> String {
        let mut items = given_keys(self.apart, assigned);
        items.extend((0..assigned.values.len()).map(Apart::value));
        items.extend(more.iter().map(|(name, _)| name.clone()));
        format!(
            ", {} AS MATERIALIZED (SELECT {}, row_number() OVER () AS {PLACE} FROM {rows})",
            self.rows,
            items.join(", ")
        )
    }

    /// `a.key = b.key AND …`, where each is given the place of a column.
    fn same(&self, one: &dyn Fn(usize) -> String, other: &dyn Fn(usize) -> String) -> String {
        let keys = 0..self.apart.key_columns().len();
        keys.map(|at| format!("{} = {}", one(at), other(at))).collect::<Vec<String>>().join(" AND ")
    }

    /// A column of the key of the table beside, or of the one that is written.
    fn key_column(&self, beside: Option<usize>, qualifier: &str) -> impl Fn(usize) -> String {
        let names = self.apart.key_names(beside);
        let qualifier = qualifier.to_owned();
        move |at| format!("{qualifier}.{}", names.get(at).map(String::as_str).unwrap_or_default())
    }

    fn new_key(&self, at: usize) -> String {
        format!("{}.{}", self.rows, Apart::key(at))
    }

    fn old_key(&self, at: usize) -> String {
        format!("{}.{}", self.rows, old(at))
    }

    /// Deletes rows of the tables themselves that have the new keys and were left behind there.
    fn stale(&self) -> String {
        let of = |(place, _): (usize, &_)| {
            let target = self.key_column(Some(place), &self.apart.target);
            let then = |at: usize| format!("{THEN}.{}", old(at));
            let there = self.among.present.as_ref().map(|present| {
                format!(
                    " AND NOT EXISTS (SELECT 1 FROM {} AS {THERE} WHERE {} AND {THERE}.{})",
                    relation(&self.among.relation),
                    self.same(&self.key_column(None, THERE), &|at| self.new_key(at)),
                    quoted(present)
                )
            });
            format!(
                ", {} AS (DELETE FROM {} AS {} USING {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS {THEN} WHERE {}){} RETURNING 1)",
                self.name("stale"),
                self.apart.table(Some(place)),
                self.apart.target,
                self.rows,
                self.same(&target, &|at| self.new_key(at)),
                self.rows,
                self.same(&then, &target),
                there.unwrap_or_default()
            )
        };
        self.apart.lens.beside.iter().enumerate().take(1).map(of).collect()
    }

    /// Puts the parts of keys that none of the rows has any more back to the defaults: an upsert, since the row may be
    /// one that the statement does not see. Left out of the list, a column's default stands in EXCLUDED.
    fn gone(&self, is_stale: bool) -> String {
        let keys = self.apart.key_names(None).join(", ");
        let then = |at: usize| format!("{THEN}.{}", Apart::key(at));
        let from: Vec<String> =
            (0..self.apart.key_columns().len()).map(|at| self.old_key(at)).collect();
        let columns = self.among.part.iter().chain(&self.among.present);
        let set = columns.map(|column| format!("{0} = excluded.{0}", quoted(column)));
        let behind = match is_stale {
            true => format!(" AND (SELECT count(*) FROM {}) >= 0", self.name("stale")),
            false => String::new(),
        };
        let from = format!(
            "SELECT {} FROM {} WHERE NOT EXISTS (SELECT 1 FROM {} AS {THEN} WHERE {}){behind}",
            from.join(", "),
            self.rows,
            self.rows,
            self.same(&then, &|at| self.old_key(at))
        );
        format!(
            "{} ON CONFLICT ({keys}) DO UPDATE SET {} RETURNING 1",
            self.apart.insert(None, &self.apart.key_names(None), &from),
            set.collect::<Vec<String>>().join(", ")
        )
    }

    /// Stores the rows under their new keys, those that were found last first: the key that one takes over, and what a
    /// unique index is over, has been given up then.
    fn stored(&self) -> String {
        let keys = self.apart.key_names(None);
        let (rows, apart) = (&self.rows, self.apart);
        let its = |column: &LogicalColumn| column.in_table(None).map(quoted).unwrap_or_default();
        let into = keys.iter().cloned().chain(self.part.iter().map(|(column, _)| its(column)));
        let mut into: Vec<String> = into.collect();
        let mut values: Vec<String> = (0..keys.len()).map(|at| self.new_key(at)).collect();
        values.extend(self.part.iter().map(|(_, value)| value.clone()));
        let mut set: Vec<String> = self
            .part
            .iter()
            .map(|(column, _)| format!("{0} = excluded.{0}", its(column)))
            .collect();
        let mut from = rows.clone();
        let mut order = format!("{rows}.{PLACE} DESC");
        if let Some(present) = &self.among.present {
            let present = quoted(present);
            from = self.with_taken();
            order = format!("CASE WHEN {rows}.{TAKEN} THEN {rows}.{PLACE} END, {order}");
            into.push(present.clone());
            values.push(format!("CASE WHEN {rows}.{TAKEN} THEN NULL ELSE true END"));
            let there: Vec<String> =
                (0..keys.len()).map(self.key_column(None, &apart.target)).collect();
            let olds: Vec<String> = (0..keys.len()).map(old).collect();
            set.push(format!(
                "{present} = CASE WHEN {}.{present} AND ({}) NOT IN (SELECT {} FROM {rows}) THEN NULL ELSE true END",
                apart.target,
                there.join(", "),
                olds.join(", ")
            ));
        }
        let returning = match apart.returns {
            true => apart.returning(None, apart.key_stored(None)),
            false => " RETURNING 1".to_owned(),
        };
        let from = format!(
            "SELECT {} FROM {from} WHERE (SELECT count(*) FROM {}) >= 0 ORDER BY {order}",
            values.join(", "),
            self.name("gone")
        );
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}{returning}",
            apart.insert(None, &into, &from),
            keys.join(", "),
            set.join(", ")
        )
    }

    /// The rows, each with whether another one of them has its key: one that gives it up later, or got it before. Of
    /// those the first is told of.
    fn with_taken(&self) -> String {
        let rows = &self.rows;
        let then = |at: usize| format!("{THEN}.{}", old(at));
        let key: Vec<String> =
            (0..self.apart.key_columns().len()).map(|at| self.new_key(at)).collect();
        format!(
            "(SELECT {rows}.*, {THEN}.{PLACE} > {rows}.{PLACE} OR row_number() OVER (PARTITION BY {} ORDER BY \
             {rows}.{PLACE}) > 1 AS {TAKEN} FROM {rows} LEFT JOIN {rows} AS {THEN} ON {}) AS {rows}",
            key.join(", "),
            self.same(&then, &|at| self.new_key(at))
        )
    }

    /// The rows as they are stored, in the order in which they were found.
    fn composed(&self) -> String {
        let (apart, stored) = (self.apart, self.apart.stored(None));
        let columns = apart.lens.shown().enumerate();
        let items = columns
            .map(|(at, column)| format!("{stored}.{} AS {}", Apart::was(at), quoted(&column.name)));
        let key = |at: usize| format!("{stored}.{}", Apart::key(at));
        format!(
            " FROM (SELECT {} FROM {stored} LEFT JOIN {rows} ON {} ORDER BY {rows}.{PLACE}) AS {}",
            items.collect::<Vec<String>>().join(", "),
            self.same(&|at| self.new_key(at), &key),
            apart.reference,
            rows = self.rows
        )
    }

    /// `, CTE AS (…), …`: the table's own rows get the keys and values once the other table has them; where there is no
    /// such row it is made.
    fn carried_back(&self, part: &Part<'_>) -> String {
        let (apart, rows) = (self.apart, &self.rows);
        let behind = format!("(SELECT count(*) FROM {}) >= 0", apart.stored(None));
        let set = part.values.iter().map(|(column, value)| format!("{} = {value}", quoted(column)));
        let target = self.key_column(part.beside, &apart.target);
        let update = format!(
            "UPDATE {} AS {} SET {} FROM {rows} WHERE {} AND {behind} RETURNING 1",
            apart.table(part.beside),
            apart.target,
            set.collect::<Vec<String>>().join(", "),
            self.same(&target, &|at| self.old_key(at))
        );
        let keys = apart.key_names(part.beside);
        let columns: Vec<(String, &String)> = self
            .part
            .iter()
            .filter_map(|(column, value)| Some((quoted(column.in_table(part.beside)?), value)))
            .collect();
        let into = keys.iter().cloned().chain(columns.iter().map(|(its, _)| its.clone()));
        let values: Vec<String> = (0..keys.len())
            .map(|at| self.new_key(at))
            .chain(columns.iter().map(|(_, value)| (*value).clone()))
            .collect();
        // Its key may be one that another row gives up.
        let made = format!(
            "SELECT {} FROM {rows} WHERE NOT EXISTS (SELECT 1 FROM {} AS {THERE} WHERE {}) \
             AND (SELECT count(*) FROM {}) >= 0",
            values.join(", "),
            apart.table(part.beside),
            self.same(&self.key_column(part.beside, THERE), &|at| self.old_key(at)),
            apart.stored(part.beside)
        );
        let taken_over = columns.iter().map(|(its, _)| format!("{its} = excluded.{its}"));
        let made = format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}",
            apart.insert(part.beside, &into.collect::<Vec<String>>(), &made),
            keys.join(", "),
            taken_over.collect::<Vec<String>>().join(", ")
        );
        format!(", {} AS ({update}), {} AS ({made})", apart.stored(part.beside), self.name("made"))
    }
}

/// Both keys of the rows, the new one as it is stored.
pub(super) fn given_keys(apart: &Apart<'_>, assigned: &Assigned<'_, '_>) -> Vec<String> {
    let keys = apart.key_columns();
    let mut items: Vec<String> =
        (0..keys.len()).map(|at| format!("{} AS {}", Apart::key(at), old(at))).collect();
    for (at, own) in keys.iter().enumerate() {
        let set = |(.., column): &(_, _, &LogicalColumn)| column.in_table(None) == Some(own);
        let place = assigned.values.iter().position(set);
        let column = place.and_then(|place| assigned.values.get(place));
        let text = match (place, column) {
            (Some(place), Some((.., column))) => {
                let (name, value) = (Apart::key(at), Apart::value(place));
                format!("{} AS {name}", column.stores(&value))
            }
            (_, _) => Apart::key(at),
        };
        items.push(text);
    }
    items
}

/// The CTE of the rows with both keys.
pub(super) fn moved(number: usize) -> String {
    format!("segue_moved_{number}")
}

/// Name of the n-th column of an old key.
pub(super) fn old(at: usize) -> String {
    format!("segue_old_{at}")
}
