//! What the rows of a table should hold, whether they do, and how they come to.

use rewrite_rules::name::quoted;

use super::key::{Columns, KeyColumn, Stretch};
use super::way::Way;

/// Letters of a value that are shown. Unit: characters.
pub const VALUE_LETTERS: usize = 60;

/// What the rows of a part should hold. All SQL is over the table under the alias `t`, and over `o` where
/// there is a table beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The table that holds the other half of each row.
    pub beside: Option<Beside>,
    /// Whether a row is not as it should be.
    pub differs: String,
    /// Whether it lacks what the first passes give it; what only differs is left to the sweeps.
    pub lacks: String,
    /// What is read, for humans.
    pub source: String,
    /// What is there, for humans.
    pub found: String,
    /// What should be there, for humans.
    pub expected: String,
    /// How a row comes to be as it should be.
    pub cure: Cure,
}

/// How a row comes to be as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cure {
    /// Columns of its own are set.
    Set {
        /// The columns, unquoted.
        columns: Vec<String>,
        /// What is assigned to them, as behind `SET`.
        assignments: String,
    },
    /// Its half in the table beside is written.
    Copy,
    /// It is removed.
    Remove,
    /// There is nothing to make it of.
    Nothing,
}

/// A table beside, which holds one row for each at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name as SQL writes it.
    pub relation: String,
    /// The columns by which a row is found there: the row's own, and those of that table, unquoted.
    pub key: Vec<(String, String)>,
    /// The columns that are compared, likewise.
    pub columns: Vec<(String, String)>,
}

/// What a statement is about: rows, and how they are found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// What it selects from: [`Want::from`].
    pub from: &'a str,
    /// The condition that a row is meant.
    pub condition: &'a str,
    /// The order in which rows are met, as behind `ORDER BY`.
    pub order: &'a str,
}

impl Want {
    /// What a statement about a stretch selects from; the bounds of the stretch are the parameters from
    /// `first` on.
    ///
    /// The table beside is read between the same bounds, which PostgreSQL does not see by itself. None of
    /// its columns keeps its name: an operator's condition names those of the row.
    #[must_use]
    pub fn from(&self, relation: &str, way: &Way, stretch: Stretch<'_>, first: usize) -> String {
        let Some(beside) = &self.beside else { return format!("{relation} AS t") };
        let keys = beside.key.iter().map(|(_, its)| its);
        let columns = beside.columns.iter().map(|(_, its)| its);
        let named = |prefix: &str, (at, its): (usize, &String)| {
            format!("o.{} AS segue_{prefix}_{at}", quoted(its))
        };
        let keys = keys.enumerate().map(|it| named("key", it));
        let columns = columns.enumerate().map(|it| named("new", it));
        let select: Vec<String> = keys.chain(columns).collect();
        let same = |(at, (own, _)): (usize, &(String, String))| {
            format!("o.segue_key_{at} = t.{}", quoted(own))
        };
        let same: Vec<String> = beside.key.iter().enumerate().map(same).collect();
        format!(
            "{relation} AS t LEFT JOIN (SELECT {} FROM {} AS o WHERE {}) AS o ON {}",
            select.join(", "),
            beside.relation,
            beside.within(&way.key, stretch, first),
            same.join(" AND "),
        )
    }

    /// Locks rows before they are looked at again, if that is needed: by whoever is in the midst of
    /// writing both tables they are locked too, and what he has written is seen by the next statement.
    #[must_use]
    pub fn lock(&self, rows: Found<'_>, again: bool) -> Option<String> {
        let strength = match (&self.cure, &self.beside) {
            // The lock of the UPDATE, and what it looks at again, are enough.
            (Cure::Set { .. }, None) | (Cure::Nothing, _) => return None,
            // What is there already is left alone.
            (Cure::Copy, _) if !again => return None,
            (Cure::Set { .. } | Cure::Copy, _) => "NO KEY UPDATE",
            (Cure::Remove, _) => "UPDATE",
        };
        let Found { from, condition, order } = rows;
        Some(format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {from} WHERE {condition} ORDER BY {order} \
             FOR {strength} OF t) s"
        ))
    }

    /// Makes rows of `relation` what they should be; none if there is nothing to make them of.
    #[must_use]
    pub fn write(&self, relation: &str, rows: Found<'_>, again: bool) -> Option<String> {
        let Found { from, condition, .. } = rows;
        let condition = match &self.beside {
            None => condition.to_owned(),
            Some(_) => {
                format!("t.ctid = ANY (ARRAY(SELECT t.ctid FROM {from} WHERE {condition}))")
            }
        };
        match (&self.cure, &self.beside) {
            (Cure::Set { assignments, .. }, _) => {
                Some(format!("UPDATE {relation} AS t SET {assignments} WHERE {condition}"))
            }
            (Cure::Remove, _) => Some(format!("DELETE FROM {relation} AS t WHERE {condition}")),
            (Cure::Copy, Some(beside)) => Some(beside.insert(rows, again)),
            (Cure::Copy, None) | (Cure::Nothing, _) => None,
        }
    }
}

impl Beside {
    /// The bounds of a stretch on this side.
    fn within(&self, key: &Columns, stretch: Stretch<'_>, first: usize) -> String {
        let counterpart = |column: &KeyColumn| {
            let mut pairs = self.key.iter();
            let (_, its) = pairs.find(|(own, _)| *own == column.name)?;
            Some(KeyColumn { name: its.clone(), type_name: column.type_name.clone() })
        };
        let its: Option<Vec<KeyColumn>> = key.0.iter().map(counterpart).collect();
        its.map_or_else(|| "true".to_owned(), |its| Columns(its).within_of("o", stretch, first))
    }

    /// The halves of rows.
    fn insert(&self, rows: Found<'_>, again: bool) -> String {
        let list = |items: Vec<String>| items.join(", ");
        let pairs = || self.key.iter().chain(&self.columns);
        let its = |(_, its): &(String, String)| quoted(its);
        let set = |(_, its): &(String, String)| format!("{0} = excluded.{0}", quoted(its));
        let on_conflict = match again {
            true => format!("UPDATE SET {}", list(self.columns.iter().map(set).collect())),
            false => "NOTHING".to_owned(),
        };
        let Found { from, condition, order } = rows;
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM {from} WHERE {condition} ORDER BY {order} \
             ON CONFLICT ({}) DO {on_conflict}",
            self.relation,
            list(pairs().map(its).collect()),
            list(pairs().map(|(own, _)| format!("t.{}", quoted(own))).collect()),
            list(self.key.iter().map(its).collect()),
        )
    }
}

/// A value as SQL writes it, cut where it is long.
#[must_use]
pub fn shown(value: &str) -> String {
    format!("pg_catalog.quote_nullable(pg_catalog.left(({value})::text, {VALUE_LETTERS}))")
}
