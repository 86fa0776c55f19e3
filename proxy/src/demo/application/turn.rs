//! What a scenario is given to say one statement: the worker's rows, and chance.

use std::collections::BTreeMap;

use super::model::Model;
use super::random::Random;
use super::record::{Cell, Record};
use super::refusal::Refusal;
use super::statement::{Statement, Value};

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) enum Expected {
    /// Exactly these rows. A row may be shorter than the answer's: the rest is not compared.
    Rows(Vec<Vec<Cell>>),
    /// This many rows written.
    Count(u64),
    /// An error, and just this one.
    Refused(Refusal),
}

impl Expected {
    /// One row.
    pub(in crate::demo) fn row(cells: impl Into<Vec<Cell>>) -> Self {
        Self::Rows(vec![cells.into()])
    }
}

/// The parameters of a statement, and the answer that it must get.
#[derive(Debug)]
pub(in crate::demo) struct Call {
    pub(in crate::demo) values: Vec<Value>,
    pub(in crate::demo) expected: Expected,
}

/// Carries a statement out on the model, and says how it is called.
#[derive(Debug, Clone, Copy)]
pub(in crate::demo) enum Ask {
    /// About a row that is made.
    New(fn(&mut Turn<'_>) -> Call),
    /// About a row that exists.
    Of(fn(&mut Turn<'_>, i64, Record) -> Call),
}

/// A statement that the application says.
#[derive(Debug, Clone, Copy)]
pub(in crate::demo) struct Act {
    pub(in crate::demo) statement: &'static Statement,
    pub(in crate::demo) ask: Ask,
}

/// What an application does all day.
#[derive(Debug)]
pub(in crate::demo) struct Behaviour {
    /// A row as the table is filled with it.
    pub(in crate::demo) filled: fn(i64) -> Record,
    /// Reads the id `$1` and every cell of its record.
    pub(in crate::demo) whole_row: &'static Statement,
    /// What it says, and how often beside the others.
    pub(in crate::demo) acts: &'static [(u64, Act)],
    /// What it says in a transaction, all about one row, which these must not delete.
    pub(in crate::demo) transaction: &'static [Act],
}

impl Behaviour {
    /// Every statement that is prepared when a connection opens, and then kept across all flips.
    pub(in crate::demo) fn prepared(&self) -> impl Iterator<Item = &'static Statement> {
        let acts = self.acts.iter().map(|(_, act)| act.statement);
        acts.chain(self.transaction.iter().map(|act| act.statement))
    }
}

/// One statement's turn.
#[derive(Debug)]
pub(in crate::demo) struct Turn<'a> {
    pub(super) model: &'a mut Model,
    pub(super) random: &'a mut Random,
    /// See `Unit::touched`.
    pub(super) touched: &'a mut BTreeMap<i64, Vec<Option<Record>>>,
}

impl Turn<'_> {
    /// Changes the model, and remembers what the row was and may be.
    pub(in crate::demo) fn write(&mut self, id: i64, record: Option<Record>) {
        let before = self.model.get(id).cloned();
        let states = self.touched.entry(id).or_insert_with(|| vec![before]);
        states.push(record.clone());
        self.model.set(id, record);
    }

    /// An id that no row ever had.
    pub(in crate::demo) fn fresh_id(&mut self) -> i64 {
        self.model.fresh_id()
    }

    /// A name that no row ever had.
    pub(in crate::demo) fn fresh_name(&mut self) -> String {
        self.model.fresh_name()
    }

    /// True one time in so many.
    pub(in crate::demo) fn one_in(&mut self, times: u64) -> bool {
        self.random.below(times) == 0
    }

    /// This row and two others of the worker's, or fewer where one is drawn twice; with three ids to
    /// ask for them by.
    pub(in crate::demo) fn three(&mut self, id: i64, record: Record) -> ([i64; 3], Vec<Record>) {
        let mut ids = [id; 3];
        let mut records = vec![record];
        for place in 1..ids.len() {
            let Some((other, record)) = self.model.draw(self.random) else { continue };
            if !ids.contains(&other) {
                records.push(record.clone());
            }
            if let Some(asked) = ids.get_mut(place) {
                *asked = other;
            }
        }
        (ids, records)
    }
}
