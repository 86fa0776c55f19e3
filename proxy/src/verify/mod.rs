//! Compares the old side with the new one, exactly, while the application goes on writing; and mends rows
//! that differ, where an operator says so.
//!
//! | file | what it does |
//! | --- | --- |
//! | [`order`] | what is asked for |
//! | [`job`] | one comparison from start to end, over lost connections |
//! | [`start`] | whether it may begin, and what there is of an earlier one |
//! | [`walker`] | one connection that walks through ranges, a statement at a time |
//! | [`session`] | the statements |
//! | [`pace`] | how many rows the next one compares |
//! | [`mend`] | makes rows equal |
//! | [`crew`] | what connections and their job tell each other |
//! | [`progress`] | what is told to whoever looks |
//! | [`direct`] | the same for a gate that waits for it |
//! | [`whole`] | in one statement, for small tables and those without a key |
//! | [`continuous`] | the proxies' own comparisons, every so often |
//! | [`past`] | who could be writing past the proxies |
//!
//! A statement compares both sides of some thousand rows byte by byte, in one snapshot: a difference is a
//! real one, and no statement holds vacuum back for longer than a tenth of a second. docs/verify.md says
//! what that proves and what not.

pub mod continuous;
mod crew;
pub mod direct;
pub mod job;
mod mend;
pub mod order;
pub mod pace;
pub mod past;
pub mod progress;
mod session;
mod start;
mod walker;
pub mod whole;

use rewrite_rules::Phase;

use crate::catalog::ConnectError;
use crate::journal::JournalError;
use crate::walk::manners::said;
use crate::walk::{Toward, WorkError};

pub use job::run;
pub use order::Order;
pub use progress::{Event, Outcome, Progress};

/// Rows that cannot be compared are counted up to here; so many are no exceptions any more.
pub const MOST_FAILURES: i64 = 1_000;

/// Why a comparison ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Another one works on that migration.
    #[error("a verification of \"{migration}\" is running already{}", by(.who))]
    Running {
        /// The migration.
        migration: String,
        /// Who runs it, if that is known.
        who: Option<String>,
    },
    /// The journal does not know the migration.
    #[error("the journal knows no migration \"{0}\"")]
    Unknown(String),
    /// There are no two sides.
    #[error(
        "migration \"{migration}\" is in phase \"{phase}\", in which only one side is written: there \
         is nothing to compare"
    )]
    Phase {
        /// The migration.
        migration: String,
        /// Its phase.
        phase: Phase,
    },
    /// The table does not fit.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Some replica may still write as in an earlier phase.
    #[error(
        "migration \"{migration}\" has not drained on all replicas, and what is compared now could miss \
         what is written as before: {lagging}"
    )]
    NotDrained {
        /// The migration.
        migration: String,
        /// Who has not.
        lagging: String,
    },
    /// What clients read would be overwritten.
    #[error(
        "clients read the {side} side in phase \"{phase}\", and --fix {side} would overwrite it"
    )]
    ReadSide {
        /// The phase.
        phase: Phase,
        /// The side.
        side: Toward,
    },
    /// The migration is not in the phase any more in which it began.
    #[error("migration \"{0}\" has left its phase meanwhile")]
    PhaseLeft(String),
    /// Another one has just been done.
    #[error("the rows of \"{0}\" were compared a short while ago")]
    NotDue(String),
    /// Another process works on it now.
    #[error("another process has taken the verification over")]
    TakenOver,
    /// Too many rows could not be compared.
    #[error("more than {MOST_FAILURES} rows cannot be compared")]
    TooManyFailures,
    /// The server is not reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The server refused something or is gone.
    #[error("the server refused the verification: {}", said(.0))]
    Server(#[from] tokio_postgres::Error),
    /// A connection's task ended by a fault of its own.
    #[error("a worker ended: {0}")]
    Worker(String),
}

impl VerifyError {
    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let goes_on = "segue verify goes on where it ended";
        let text = match self {
            Self::Running { .. } => "wait for it: segue status shows what came of it",
            Self::Unknown(_) => "start a proxy with it first, or see segue status",
            Self::Phase { phase: Phase::Expand, .. } => "take it to dual-write first",
            Self::Phase { .. } => "go back to switch-reads to compare",
            Self::Work(error) => error.hint()?,
            Self::NotDrained { .. } => "segue status shows who has not; try again when they have",
            Self::ReadSide { side: Toward::New, .. } => {
                "--fix old makes the other side equal to it; or, if the old side is right, add \
                 --overwrite-read-side"
            }
            Self::ReadSide { side: Toward::Old | Toward::Past, .. } => {
                "--fix new makes the other side equal to it; or, if the new side is right, add \
                 --overwrite-read-side"
            }
            Self::PhaseLeft(_) | Self::TakenOver | Self::NotDue(_) => "see segue status",
            Self::TooManyFailures => "the conversion does not fit the data: see segue.verify_row",
            Self::Server(error)
                if error.code()
                    == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) =>
            {
                "grant segue's role what it lacks, or run it as another role: --as URL"
            }
            Self::Connect(_) | Self::Server(_) | Self::Worker(_) => goes_on,
            Self::Journal(error) => return error.hint().map(str::to_owned),
        };
        Some(text.to_owned())
    }

    /// The error with what to do about it, ready to be shown.
    #[must_use]
    pub fn with_hint(&self) -> String {
        let hint = self.hint().map(|hint| format!("\n  hint: {hint}"));
        format!("{self}{}", hint.unwrap_or_default())
    }
}

fn by(who: &Option<String>) -> String {
    who.as_ref().map_or(String::new(), |who| format!(" by {who}"))
}
