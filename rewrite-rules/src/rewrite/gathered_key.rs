//! New keys for rows that are gathered from the tables beside: each table gets them, and the table itself last.
//!
//! `UPDATE prefs SET user_id = 7 WHERE user_id = 3` becomes `WITH segue_row_0 (…), segue_moved_0 AS (…), segue_next_0 AS
//! (…), segue_beside_0_0 AS (UPDATE email_preferences SET user_id = …), …, segue_free_0 AS (…), segue_own_0_0 AS (UPDATE
//! prefs SET user_id = …), … INSERT INTO prefs …`: the rows, with both keys, and whether some table beside has a row of
//! the new one; those of the tables beside; what ends the statement where a key is taken; and the rows of the table itself,
//! those that it has, and those that it has not got yet.
//!
//! Sound: all rows beside of the old keys and of the new ones are locked before anything is written. A part that has come
//! since is seen by the lock of the table's own row of the old key. One that has come to the new key makes the table's
//! own index reject it, and so does what another session has left there: then the statement is sent again, and knows. Where
//! one row gets the key of another, they are written in the order of their old keys.

use super::apart::Apart;
use super::apart_assigned::Assigned;
use super::apart_key::{given_keys, moved, old};
use super::gathered::{there, told};
use super::gathered_next::{Gathering, behind};
use super::joined::relation;
use crate::catalog::Catalog;
use crate::lens::Lens;
use crate::name::quoted;
use crate::naming::Taken;
use crate::outcome::TAKEN;

/// Another one of the rows.
const THEN: &str = "segue_then";
/// Where a row stands among them.
const PLACE: &str = "segue_place";
/// How many of its new key there are up to it.
const NTH: &str = "segue_nth";

/// `, CTE AS (…)` of the rows with both keys. `more`: what goes along beside what is assigned.
pub(super) fn moved_rows(
    apart: &Apart<'_>,
    assigned: &Assigned<'_, '_>,
    more: &[(String, String)],
    rows: &str,
) -> String {
    let keys = apart.key_columns().len();
    let mut items = given_keys(apart, assigned);
    items.extend((0..apart.lens.shown().count()).map(Apart::was));
    items.extend((0..assigned.values.len()).map(Apart::value));
    items.extend(more.iter().map(|(name, _)| name.clone()));
    let list =
        |name: &dyn Fn(usize) -> String| (0..keys).map(name).collect::<Vec<String>>().join(", ");
    let olds = list(&old);
    let held = apart.lens.beside.iter().enumerate().map(|(place, beside)| {
        let same = apart.key_names(Some(place)).into_iter().enumerate();
        let same = same.map(|(at, its)| format!("segue_own.{its} = segue_moved.{}", Apart::key(at)));
        format!(
            " LEFT JOIN LATERAL (SELECT true AS segue_is_there FROM {} AS segue_own WHERE {} FOR NO KEY UPDATE) \
             AS segue_held_{place} ON true",
            relation(&beside.relation),
            same.collect::<Vec<String>>().join(" AND ")
        )
    });
    let held: String = held.collect();
    let is_held = (0..apart.lens.beside.len())
        .map(|place| format!("segue_held_{place}.segue_is_there IS TRUE"));
    format!(
        ", {} AS MATERIALIZED (SELECT segue_moved.*, row_number() OVER (ORDER BY {olds}) AS {PLACE}, \
         row_number() OVER (PARTITION BY {} ORDER BY {olds}) AS {NTH}, ({}) AS segue_is_held FROM (SELECT {} FROM {rows}) \
         AS segue_moved{held})",
        moved(apart.number),
        list(&Apart::key),
        is_held.collect::<Vec<String>>().join(" OR "),
        items.join(", ")
    )
}

impl Gathering<'_, '_> {
    /// The rows' keys, by what they are called.
    fn keys(&self, name: &dyn Fn(usize) -> String) -> String {
        let keys = (0..self.apart.key_columns().len()).map(name);
        keys.collect::<Vec<String>>().join(", ")
    }

    /// What is known of the rows beside what they shall be.
    pub(super) fn of_moved(&self) -> Vec<String> {
        let rows = moved(self.apart.number);
        let its = |name: &dyn Fn(usize) -> String| {
            format!("({})", self.keys(&|at| format!("{rows}.{}", name(at))))
        };
        let (its_old, its_new) = (its(&old), its(&Apart::key));
        let is_old = format!("{its_new} IN (SELECT {} FROM {rows})", self.keys(&old));
        let is_new = format!("{its_old} IN (SELECT {} FROM {rows})", self.keys(&Apart::key));
        let mut items: Vec<String> =
            (0..self.apart.key_columns().len()).map(|at| format!("{rows}.{}", old(at))).collect();
        items.extend([
            format!("{rows}.{PLACE}"),
            format!("(NOT {rows}.segue_is_held AND NOT {is_old}) AS segue_is_vacant"),
            // Of two rows that want a key the first has it, and one that gives it up later has not done so yet.
            format!(
                "({rows}.{NTH} > 1 OR {rows}.segue_is_held AND NOT {is_old} OR {is_old} AND {its_new} > {its_old}) \
                 AS segue_is_taken"
            ),
            format!("({its_new} <> {its_old} AND ({is_old} OR {is_new})) AS segue_is_step"),
        ]);
        items
    }

    /// Whether the table itself has another row than the statement saw, which some table beside may have got a part of.
    pub(super) fn has_moved_on(&self) -> String {
        let come = self.lens().beside.iter().enumerate().map(|(place, beside)| {
            let told = beside.present.as_ref().map(|_| format!(" AND segue_fresh.{}", told(place)));
            format!(" OR NOT {}{}", there(place), told.unwrap_or_default())
        });
        format!(
            "segue_fresh.segue_version IS DISTINCT FROM segue_seen.segue_version AND \
             (segue_fresh.segue_version IS NULL{})",
            come.collect::<String>()
        )
    }

    /// `CTE.key = old key AND …` between a table that is written and the rows.
    pub(super) fn same_old_key(&self, beside: Option<usize>) -> String {
        let keys = self.apart.key_names(beside).into_iter().enumerate();
        let (target, next) = (&self.apart.target, self.next());
        let same = keys.map(|(at, own)| format!("{target}.{own} = {next}.{}", old(at)));
        same.collect::<Vec<String>>().join(" AND ")
    }

    /// `key = new key, …` of a table that is written.
    pub(super) fn set_keys(&self, beside: Option<usize>) -> Vec<String> {
        let next = self.next();
        let keys = self.apart.key_names(beside).into_iter().enumerate();
        keys.map(|(at, own)| format!("{own} = {next}.{}", Apart::key(at))).collect()
    }

    /// The CTEs that write the rows that the table itself has, once the tables beside have theirs.
    pub(super) fn moved_own(&self) -> Vec<(String, String)> {
        let number = self.apart.number;
        let free = format!("segue_free_{number}");
        let mut all = vec![(format!("{free} AS MATERIALIZED"), self.free())];
        all.extend(self.left());
        let before = [free, format!("segue_left_{number}")];
        let [set, stepped] = [0, 1].map(|way| format!("segue_own_{number}_{way}"));
        all.push((set.clone(), self.set_own(&before)));
        all.push((stepped, self.step_own(&[before.as_slice(), &[set]].concat())));
        all.push((format!("segue_emptied_{number}"), self.emptied()));
        all
    }

    /// Ends the statement where a key is taken; only then are the tables beside written, which may refuse a value.
    fn free(&self) -> String {
        let stored: Vec<String> =
            (0..self.lens().beside.len()).map(|place| self.apart.stored(Some(place))).collect();
        let keys = index_key(self.lens(), self.catalog);
        let its = |name: &String| {
            let own = self.apart.key_columns();
            own.iter().position(|own| *own == name).map(Apart::key)
        };
        let values: Vec<String> = keys.iter().filter_map(its).collect();
        let names: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
        format!(
            "SELECT 1 FROM {} WHERE CASE WHEN segue_is_taken THEN CAST(pg_catalog.concat('{TAKEN} Key ({})=(', {}, \
             ') already exists.') AS boolean) ELSE true END{}",
            self.next(),
            names.join(", ").replace('\'', "''"),
            values.join(", ', ', "),
            behind(&stored)
        )
    }

    /// Rows of which none has a key that another one has had, or gets one.
    fn set_own(&self, before: &[String]) -> String {
        let (into, from) = self.own();
        let keys = self.apart.key_names(None);
        let values = into.iter().zip(&from).filter(|(own, _)| !keys.contains(own));
        let set = self.set_keys(None).into_iter();
        let set = set.chain(values.map(|(own, value)| format!("{own} = {value}")));
        format!(
            "UPDATE {} AS {} SET {} FROM {} WHERE {} AND NOT segue_is_bare AND NOT segue_is_step{} RETURNING 1",
            self.apart.table(None),
            self.apart.target,
            set.collect::<Vec<String>>().join(", "),
            self.joined(),
            self.same_old_key(None),
            behind(before)
        )
    }

    /// The others, one after the other. All are there, so each meets its row.
    fn step_own(&self, before: &[String]) -> String {
        let (next, keys) = (self.next(), self.apart.key_names(None));
        let (into, from) = self.own();
        let mut set = vec![format!(
            "({}) = (SELECT {} FROM {next} AS {THEN} WHERE {})",
            keys.join(", "),
            self.of_then(&Apart::key).join(", "),
            self.then_is_target()
        )];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (own, value) in into.into_iter().zip(from) {
            match keys.iter().position(|key| *key == own) {
                Some(at) => values.push(format!("{next}.{}", old(at))),
                None => {
                    values.push(value);
                    set.push(format!("{own} = excluded.{own}"));
                }
            }
            columns.push(own);
        }
        let rows = format!(
            "{} WHERE NOT segue_is_bare AND segue_is_step{} ORDER BY {next}.{PLACE}",
            self.select(&values),
            behind(before)
        );
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {} RETURNING 1",
            self.apart.insert(None, &columns, &rows),
            keys.join(", "),
            set.join(", ")
        )
    }

    /// A row that the table itself has not got, as far as the statement sees, may have come since: then its key is taken. An
    /// empty one is left there, as by every client of the tables beside.
    fn emptied(&self) -> String {
        let (next, keys) = (self.next(), self.apart.key_names(None));
        let olds: Vec<String> = (0..keys.len()).map(|at| format!("{next}.{}", old(at))).collect();
        let rows = format!(
            "SELECT {0} FROM {next} WHERE segue_is_bare AND ({0}) NOT IN (SELECT {1} FROM {next})",
            olds.join(", "),
            self.keys(&Apart::key)
        );
        self.apart.insert(None, &keys, &rows)
    }

    fn of_then(&self, name: &dyn Fn(usize) -> String) -> Vec<String> {
        (0..self.apart.key_columns().len()).map(|at| format!("{THEN}.{}", name(at))).collect()
    }

    /// Another one of the rows is that of the old key which is written.
    fn then_is_target(&self) -> String {
        let target = &self.apart.target;
        let keys = self.apart.key_names(None).into_iter().zip(self.of_then(&old));
        let same = keys.map(|(own, its)| format!("{its} = {target}.{own}"));
        same.collect::<Vec<String>>().join(" AND ")
    }
}

/// The columns of the table's own key, as its index has them.
fn index_key(lens: &Lens, catalog: &Catalog) -> Vec<String> {
    taken_key(lens, catalog).map(|(_, columns)| columns).unwrap_or_default()
}

/// How the table itself says that a key is taken.
pub(super) fn taken(lens: &Lens, catalog: &Catalog) -> Option<Taken> {
    let (constraint, _) = taken_key(lens, catalog)?;
    Some(Taken {
        relation: lens.relation.name.clone(),
        column: String::new(),
        constraint,
        client_schema: lens.relation.schema.clone(),
        client_relation: lens.relation.name.clone(),
        key: Vec::new(),
    })
}

fn taken_key(lens: &Lens, catalog: &Catalog) -> Option<(String, Vec<String>)> {
    let own = &lens.beside.first()?.key;
    let keys = catalog.relation(&lens.relation)?.keys.iter();
    let is_own = |column: &String| own.iter().any(|(key, _)| key == column);
    let mut same =
        keys.filter(|key| key.columns.len() == own.len() && key.columns.iter().all(is_own));
    same.next().map(|key| (key.name.clone(), key.columns.clone()))
}
