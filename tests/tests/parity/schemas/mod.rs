//! What is migrated: a database before, in each phase, and the rules that stand between the two.
//!
//! Each schema has statements of its own, in a folder. Whatever sends and compares them knows no schema: another one is
//! a file here, a folder there, and its name in [`crate::stages`].

mod merge;
mod split;

use rewrite_rules::{Phase, Rule};
use segue_tests::stage::{self, Shape};

/// A database that is migrated.
#[derive(Debug)]
pub(crate) struct Schema {
    /// What reports call it.
    pub(crate) name: &'static str,
    /// The folder of its statements.
    pub(crate) folder: &'static str,
    /// Fewest statements that it may have.
    pub(crate) fewest: usize,
    /// The unmigrated database with its rows.
    pub(crate) plain: &'static str,
    /// What turns that into a database of a shape. It has `public.reset()`, which puts everything back
    /// that a rollback leaves as it is, and `public.audit()`, which shows all rows in the old shape,
    /// and those of which two tables or columns say different things.
    pub(crate) ddl: fn(Shape) -> String,
    /// What turns that into one for clients of the new shape: its `public.audit()` shows all rows in the new shape, the
    /// same where `audit()` does so already, and those of which the old tables say something else. A line that begins
    /// with [`HALF`] is of a row that is not shown before rows are copied.
    pub(crate) image: fn(Shape) -> String,
    /// Everything that is migrated, in that phase.
    pub(crate) rules: fn(Phase) -> Vec<Rule>,
}

/// How a row of a split's new table begins.
pub(crate) const HALF: &str = "HALF";

/// What makes `public.audit()` of the queries that it shows, each of lines of text. Not even a temporary table of the
/// client's may stand in their way. The plan is kept.
fn audit_of(parts: &[String]) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION audit() RETURNS SETOF text LANGUAGE plpgsql \
         SET search_path = public, pg_temp AS $audit$ BEGIN RETURN QUERY\n{}\nORDER BY 1; END $audit$;",
        parts.join("\nUNION ALL ")
    )
}

/// Columns that are renamed, or change their type.
pub(crate) const COLUMNS: Schema = Schema {
    name: "columns",
    folder: "corpus",
    fewest: 1_600,
    plain: stage::PLAIN,
    ddl: stage::ddl,
    // What the new columns hold is what the old ones show, but for what those cannot hold.
    image: |_| String::new(),
    rules: stage::rules,
};

/// Tables that are split.
pub(crate) const SPLIT: Schema = Schema {
    name: "a split",
    folder: "corpus/split",
    fewest: 700,
    plain: include_str!("../../../corpus/schema/split.sql"),
    ddl: split::ddl,
    image: split::image,
    rules: split::rules,
};

/// Tables that are merged.
pub(crate) const MERGE: Schema = Schema {
    name: "a merge",
    folder: "corpus/merge",
    fewest: 650,
    plain: include_str!("../../../corpus/schema/merge.sql"),
    ddl: merge::ddl,
    image: merge::image,
    rules: merge::rules,
};
