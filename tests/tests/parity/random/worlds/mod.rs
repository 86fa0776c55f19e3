//! The databases as the generator knows them, in the shape that its clients know: tables, and words that are worth a try
//! there.

mod columns;
mod columns_new;
mod merge;
mod merge_new;
mod split;
mod split_new;

use rewrite_rules::Shape;

use super::schema::{Table, Type};
use crate::stages::Stages;

pub(super) use columns::COLUMNS;
pub(super) use columns_new::COLUMNS_NEW;
pub(super) use merge::MERGE;
pub(super) use merge_new::MERGE_NEW;
pub(super) use split::SPLIT;
pub(super) use split_new::SPLIT_NEW;

/// One database.
#[derive(Debug)]
pub(super) struct World {
    pub(super) stages: fn() -> &'static Stages,
    /// The shape that its clients know: their statements are held against a database that has that one alone.
    pub(super) client: Shape,
    /// Statements that are compared in each phase if nothing else is said.
    pub(super) cases: usize,
    /// Least share of the statements that the unmigrated database must accept. Unit: percent.
    pub(super) valid_percent: usize,
    /// Share of the statements that are queries. Unit: percent.
    pub(super) queries: usize,
    /// Whether an UPDATE takes rows in the order in which they lie in the unmigrated table.
    pub(super) keeps_order: bool,
    /// Everything that can stand in FROM; what is there twice is taken twice as often.
    pub(super) tables: &'static [Table],
    /// What segue may refuse, as its messages call it.
    pub(super) refused: &'static [&'static str],
    /// Which of that only the values of a statement tell.
    pub(super) refused_when_run: &'static [&'static str],
    /// The enum, and labels of it.
    pub(super) state: &'static str,
    pub(super) states: &'static [&'static str],
    pub(super) texts: &'static [&'static str],
    /// jsonb, and a field of some.
    pub(super) objects: &'static [&'static str],
    pub(super) field: &'static str,
    /// text[]
    pub(super) arrays: &'static [&'static str],
    /// A value that some row has where each has its own.
    pub(super) taken: &'static str,
    /// How much of a long text every column takes. Unit: characters.
    pub(super) longest: usize,
    /// Columns of small numbers that other rows have.
    pub(super) fragile: &'static [&'static str],
    /// A function of a number, and the columns of what it gives.
    pub(super) function: (&'static str, &'static [(&'static str, Type)]),
    /// What a column of VALUES is called.
    pub(super) values: &'static str,
    /// Tables that a CTE may hide.
    pub(super) hidden: &'static [&'static str],
    /// Names of columns, for aliases and for labels.
    pub(super) aliases: &'static [&'static str],
    pub(super) labels: &'static [&'static str],
}
