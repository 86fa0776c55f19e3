//! Brings one side of a migration up to date with the other, while the application goes on writing.
//!
//! | file | what it does |
//! | --- | --- |
//! | [`order`] | what is asked for |
//! | [`job`] | one backfill from start to end, over lost connections |
//! | [`inside`] | those that a proxy runs itself |
//! | [`start`] | whether it may begin, and what there is of an earlier one |
//! | [`privileges`] | whether the role may do it |
//! | [`pass`] | the passes: priority steps, all rows, then sweeps until nothing is left |
//! | [`worker`] | one connection that walks through ranges, window by window, stripe by stripe |
//! | [`ahead`] | what comes next in a range, and where nothing is to be done |
//! | [`failing`] | rows that cannot be copied |
//! | [`batch`] | one transaction: rows, and the place up to which they are done |
//! | [`stripes`] | how many stripes a window gets, and how large it is |
//! | [`pace`] | how large a batch is |
//! | [`signals`], [`throttle`], [`eye`] | what the server and the clients tell, and how much of the time it works then |
//! | [`crew`] | what workers and their job tell each other |
//! | [`progress`] | what is told to whoever looks |
//!
//! The copying is idempotent: a row is touched only if it is not as it should be. It begins only when
//! every replica has drained the epoch in which the migration came into its phase, and each batch holds
//! that phase while it lasts. The upper bound of a pass is fixed when it begins, so it ends under any
//! load: what comes later is written on both sides by the proxies.

mod ahead;
mod batch;
mod crew;
mod eye;
mod failing;
pub mod inside;
pub mod job;
pub mod order;
pub mod pace;
mod pass;
mod privileges;
pub mod progress;
pub mod signals;
mod start;
pub mod stripes;
pub mod throttle;
mod worker;

use crate::catalog::ConnectError;
use crate::journal::JournalError;
use crate::journal::backfill::Failure;
use crate::walk::WorkError;
use crate::walk::manners::said;

pub use job::run;
pub use order::Order;

pub use crate::config::OnError;
pub use progress::{Event, Progress};

/// How long one stretch of keys may stay locked by others before the backfill gives up.
/// Unit: seconds.
pub const BLOCKED_DEADLINE_S: u64 = 600;

/// Rows that cannot be copied are skipped up to here; so many are no exceptions any more.
pub const MOST_FAILURES: i64 = 1_000;

/// Why a backfill ended before its end. What was copied so far stays, and another run goes on there.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Another one works on that migration.
    #[error("a backfill of \"{migration}\" is running already{}", by(.who))]
    Running {
        /// The migration.
        migration: String,
        /// Who runs it, if that is known.
        who: Option<String>,
    },
    /// The journal does not know the migration.
    #[error("the journal knows no migration \"{0}\"")]
    Unknown(String),
    /// There is nothing to copy.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Some replica may still write as in an earlier phase.
    #[error(
        "migration \"{migration}\" has not drained on all replicas, and what is copied now could miss \
         what is written as before: {lagging}"
    )]
    NotDrained {
        /// The migration.
        migration: String,
        /// Who has not.
        lagging: String,
    },
    /// The role may not do it.
    #[error("role \"{role}\" may not copy rows of \"{table}\": it lacks {lacks}")]
    Denied {
        /// The role.
        role: String,
        /// The table.
        table: String,
        /// What it lacks, in words.
        lacks: String,
        /// SQL that gives it.
        remedy: String,
    },
    /// A condition of a step is no condition.
    #[error("step {number} cannot be used, where = \"{condition}\": {reason}")]
    Step {
        /// Which step, from 1.
        number: usize,
        /// Its condition.
        condition: String,
        /// What the server says.
        reason: String,
    },
    /// The migration is not in the phase any more in which the backfill began.
    #[error("migration \"{0}\" has left its phase meanwhile")]
    PhaseLeft(String),
    /// Another process works on it now.
    #[error("another process has taken the backfill over")]
    TakenOver,
    /// Somebody wished so.
    #[error("it was cancelled{}", by(.0))]
    Cancelled(Option<String>),
    /// Others held locks on a stretch of rows for too long.
    #[error("rows of \"{relation}\" stayed locked for {BLOCKED_DEADLINE_S} s: {}", said(.source))]
    Blocked {
        /// The table.
        relation: String,
        /// What the server said last.
        source: tokio_postgres::Error,
    },
    /// A row could not be copied, and it should stop there.
    #[error(
        "the row of \"{}\" with {} cannot be copied: {} (SQLSTATE {})",
        .0.part, .0.key, .0.message, .0.sqlstate
    )]
    Row(Failure),
    /// Too many rows could not be copied.
    #[error("more than {MOST_FAILURES} rows cannot be copied")]
    TooManyFailures,
    /// Rows differ again and again.
    #[error("after {sweeps} sweeps there were still rows that differ: {rows} in the last one")]
    NeverEnds {
        /// How often everything was looked at again.
        sweeps: i32,
        /// Rows changed by the last sweep.
        rows: i64,
    },
    /// Rows are written, and are not as they should be all the same.
    #[error("{rows} rows were written and still differ")]
    Undone {
        /// How many.
        rows: i64,
    },
    /// The server is not reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The server refused something or is gone.
    #[error("the server refused the backfill: {}", said(.0))]
    Server(#[from] tokio_postgres::Error),
    /// A worker of this process ended by a fault of its own.
    #[error("a worker ended: {0}")]
    Worker(String),
}

impl BackfillError {
    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let goes_on = "segue backfill goes on where it ended";
        let text = match self {
            Self::Running { .. } => "segue backfill --pause, --resume and --cancel control it",
            Self::Unknown(_) => "start a proxy with it first, or see segue status",
            Self::Work(error) => error.hint()?,
            Self::NotDrained { .. } => "segue status shows who has not; try again when they have",
            Self::Denied { remedy, .. } => {
                return Some(format!("{remedy}\n  hint: or run it as another role: --as URL"));
            }
            Self::Step { .. } => "write a condition over the table's columns",
            Self::PhaseLeft(_) => "what was copied stays; see segue status",
            Self::TakenOver => "see segue status",
            Self::Cancelled(_) => goes_on,
            Self::Blocked { .. } => {
                return Some(format!("see pg_locks, and end what holds them; {goes_on}"));
            }
            Self::Row(_) => {
                return Some(format!(
                    "mend the row, or skip such rows with --on-error skip; {goes_on}"
                ));
            }
            Self::TooManyFailures => "the conversion does not fit the data: see the rows above",
            Self::NeverEnds { .. } => {
                "something writes one side only, past the proxies (see pg_stat_activity), or a trigger \
                 undoes it"
            }
            Self::Undone { .. } => "a trigger or a rule of the table undoes it: see segue check",
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
