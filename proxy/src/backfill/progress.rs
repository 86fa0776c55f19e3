//! What is told to whoever looks.

use std::time::Duration;

use serde::Serialize;

use crate::journal::backfill::Failure;

/// How far a backfill is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Progress {
    /// Number of the pass, from 1.
    pub pass: i32,
    /// What it copies, in words.
    pub pass_name: String,
    /// Rows looked at in this pass.
    pub passed: u64,
    /// Rows to look at in this pass, an estimate.
    pub total: u64,
    /// Rows changed, in all passes.
    pub changed: u64,
    /// Rows looked at per second, rests included; `None` in the beginning.
    pub rows_per_second: Option<f64>,
    /// Time to the end of the pass. Unit: seconds.
    pub left_s: Option<u64>,
    /// Batches that met a lock of the application and were tried again.
    pub retries: u64,
    /// Rows that could not be copied.
    pub failures: u64,
    /// What slows it down or stops it, if anything.
    pub reason: Option<String>,
    /// Whether it stands still.
    pub stands_still: bool,
}

impl Progress {
    /// Time to the end of the pass.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.left_s.map(Duration::from_secs)
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// It begins, or goes on where an earlier run ended.
    Began {
        /// The migration.
        migration: String,
        /// The column that is written.
        column: String,
        /// Rows, an estimate.
        total: u64,
        /// Whether it goes on.
        goes_on: bool,
        /// What an operator should know before.
        notes: Vec<String>,
    },
    /// How far it is: several times a second.
    Progress(Progress),
    /// A row could not be copied.
    Failed(Failure),
    /// The server is gone; it tries to reach it again.
    Lost {
        /// Why.
        reason: String,
    },
    /// All rows are as they should be, but for those that could not be copied.
    Done(Progress),
}
