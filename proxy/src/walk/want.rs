//! What the rows of a table should hold, whether they do, and how they come to.

use super::beside::{Beside, Other};
use super::key::Stretch;
use super::way::Way;

/// Letters of a value that are shown. Unit: characters.
pub const VALUE_LETTERS: usize = 60;

/// What the rows of a part should hold. All SQL is over the table under the alias `t`, and over `o0`, `o1`, …
/// where there are tables beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The tables that hold the other halves of each row, or the whole of which it is one.
    pub beside: Vec<Beside>,
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
    /// Its part of a row in the table beside is written, over whatever is there.
    Upsert {
        /// Whose rows are parts of that one too. Where the first passes make it, those come along: a row that
        /// is made part by part is written as often, and a page that is full has no room for that.
        others: Vec<Other>,
    },
    /// Columns of its own are set from the table beside; where that has nothing for it, it is removed.
    Follow {
        /// The columns, unquoted.
        columns: Vec<String>,
        /// What is assigned to them, as behind `SET`.
        assignments: String,
        /// Whether the table beside has nothing for it.
        gone: String,
    },
    /// The parts of it that nobody has given it become what they are without: those passes that want what
    /// it [lacks](Want::lacks) remove it.
    Reset {
        /// The columns of all parts, unquoted.
        columns: Vec<String>,
        /// What is assigned to them, as behind `SET`.
        assignments: String,
    },
    /// Rows are made of it in the tables beside.
    Spread {
        /// Whether each of them lacks one, in the order of those.
        missing: Vec<String>,
    },
    /// It is removed.
    Remove,
    /// There is nothing to make it of.
    Nothing,
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
    /// What is joined to make whole rows: [`Want::others`]. Empty where one part is written alone.
    pub others: &'a str,
}

impl Want {
    /// What a statement about a stretch selects from; the bounds of the stretch are the parameters from
    /// `first` on.
    #[must_use]
    pub fn from(&self, relation: &str, way: &Way, stretch: Stretch<'_>, first: usize) -> String {
        let beside = self.beside.iter().enumerate();
        let joins = beside.map(|(at, beside)| beside.joined(at, way, stretch, first));
        format!("{relation} AS t{}", joins.collect::<String>())
    }

    /// What is joined besides to make whole rows of the table beside; the bounds of the stretch likewise.
    ///
    /// The rows of those are not locked, so a DELETE may not be seen: for a sweep to find, not to do.
    #[must_use]
    pub fn others(&self, way: &Way, stretch: Stretch<'_>, first: usize) -> String {
        let others = match &self.cure {
            Cure::Upsert { others } => others.as_slice(),
            Cure::Set { .. }
            | Cure::Copy
            | Cure::Follow { .. }
            | Cure::Reset { .. }
            | Cure::Spread { .. }
            | Cure::Remove
            | Cure::Nothing => &[],
        };
        let numbered = others.iter().zip(self.beside.len()..);
        numbered.map(|(other, at)| other.beside.joined(at, way, stretch, first)).collect()
    }

    /// Locks rows before they are looked at again, if that is needed: by whoever is in the midst of
    /// writing both tables they are locked too, and what he has written is seen by the next statement.
    #[must_use]
    pub fn lock(&self, rows: Found<'_>, again: bool) -> Option<String> {
        let strength = match &self.cure {
            // The lock of the UPDATE, and what it looks at again, are enough.
            Cure::Set { .. } if self.beside.is_empty() => return None,
            // What is there already is left alone.
            Cure::Copy if !again => return None,
            Cure::Nothing => return None,
            Cure::Set { .. } | Cure::Copy | Cure::Upsert { .. } | Cure::Spread { .. } => {
                "NO KEY UPDATE"
            }
            Cure::Reset { .. } if again => "NO KEY UPDATE",
            Cure::Follow { .. } | Cure::Reset { .. } | Cure::Remove => "UPDATE",
        };
        let Found { from, condition, order, .. } = rows;
        Some(format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {from} WHERE {condition} ORDER BY {order} \
             FOR {strength} OF t) s"
        ))
    }

    /// Makes rows of `relation` what they should be, one statement after the other; none if there is nothing
    /// to make them of. All have the same parameters.
    #[must_use]
    pub fn write(&self, relation: &str, rows: Found<'_>, again: bool) -> Vec<String> {
        let condition = rows.condition;
        let update = |assignments: &str, condition: &str| {
            let meant = self.meant(rows, condition);
            format!("UPDATE {relation} AS t SET {assignments} WHERE {meant}")
        };
        let delete = |condition: &str| {
            format!("DELETE FROM {relation} AS t WHERE {}", self.meant(rows, condition))
        };
        match &self.cure {
            Cure::Set { assignments, .. } => vec![update(assignments, condition)],
            Cure::Copy => {
                self.beside.iter().map(|beside| beside.insert(rows, again, &[])).collect()
            }
            Cure::Upsert { others } => {
                self.beside.iter().map(|beside| beside.insert(rows, true, others)).collect()
            }
            Cure::Follow { assignments, gone, .. } => vec![
                delete(&format!("{condition} AND {gone}")),
                update(assignments, &format!("{condition} AND NOT {gone}")),
            ],
            Cure::Reset { assignments, .. } if again => vec![update(assignments, condition)],
            Cure::Reset { .. } | Cure::Remove => vec![delete(condition)],
            Cure::Spread { missing } => {
                let tables = self.beside.iter().zip(missing);
                let insert = |(beside, missing): (&Beside, &String)| {
                    let condition = format!("{condition} AND {missing}");
                    beside.insert(Found { condition: &condition, ..rows }, false, &[])
                };
                tables.map(insert).collect()
            }
            Cure::Nothing => Vec::new(),
        }
    }

    /// The condition that a row of the table itself is meant.
    fn meant(&self, rows: Found<'_>, condition: &str) -> String {
        match self.beside.is_empty() {
            true => condition.to_owned(),
            false => {
                let from = rows.from;
                format!("t.ctid = ANY (ARRAY(SELECT t.ctid FROM {from} WHERE {condition}))")
            }
        }
    }
}

/// A value as SQL writes it, cut where it is long.
#[must_use]
pub fn shown(value: &str) -> String {
    format!("pg_catalog.quote_nullable(pg_catalog.left(({value})::text, {VALUE_LETTERS}))")
}

/// A row of these.
#[must_use]
pub fn row(columns: impl Iterator<Item = String>) -> String {
    format!("ROW({})", columns.collect::<Vec<_>>().join(", "))
}
