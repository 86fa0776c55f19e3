//! Runs a statement that changes the schema so that nobody waits for it.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::statement::{How, Lock, Statement};
use crate::walk::manners::{backoff, chance, said};

/// How long a lock is waited for before others are let pass. Whoever comes meanwhile stands behind it
/// in the queue: with 100 ms no transaction of 300 a second was held up for more than 147 ms, with two
/// seconds half of them were for more than 250 (measured). Unit: milliseconds.
pub const LOCK_MS: u64 = 100;

/// The same for a lock behind which no client stands, long enough that an autovacuum is told to stop.
/// Unit: milliseconds.
pub const QUIET_LOCK_MS: u64 = 2_000;

/// How long one statement is tried before it is given up. Unit: seconds.
pub const DEADLINE_S: u64 = 600;

/// Why a statement was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It is for a human.
    #[error("this is not run without being asked for: {}", .0.sql)]
    ByHand(Statement),
    /// Others held the table for too long.
    #[error("\"{sql}\" did not get its lock within {DEADLINE_S} s: {}", said(.source))]
    Locked {
        /// The statement.
        sql: String,
        /// What the server said last.
        source: tokio_postgres::Error,
    },
    /// The server said no.
    #[error("\"{sql}\" failed: {}", said(.source))]
    Refused {
        /// The statement.
        sql: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
}

impl ApplyError {
    /// The next step.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ByHand(_) => "run it on a direct connection, then go on",
            Self::Locked { .. } => "see pg_locks, and end what holds it; then go on",
            Self::Refused { source, .. } => match source.code() {
                Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "run it as the table's owner: --as URL",
                Some(_) | None => "mend it, then go on",
            },
        }
    }
}

/// Carries a statement out; `waiting` is told the number of each attempt that gave way.
///
/// Cancel safety: it is carried out or not. An index that was not built to its end is invalid, and the
/// gate says so.
///
/// # Errors
/// See [`ApplyError`].
pub async fn apply(
    client: &Client,
    statement: &Statement,
    waiting: &(dyn Fn(u32) + Send + Sync),
) -> Result<(), ApplyError> {
    let sql = statement.sql.clone();
    match statement.how {
        How::ByHand | How::ByBackfill => Err(ApplyError::ByHand(statement.clone())),
        How::Alone => {
            alone(client, &sql).await.map_err(|source| ApplyError::Refused { sql, source })
        }
        How::GivingWay => giving_way(client, statement, waiting).await,
    }
}

/// It waits for old transactions without holding anybody up, for as long as that takes.
async fn alone(client: &Client, sql: &str) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("SET lock_timeout = 0; SET statement_timeout = 0").await?;
    client.batch_execute(sql).await
}

async fn giving_way(
    client: &Client,
    statement: &Statement,
    waiting: &(dyn Fn(u32) + Send + Sync),
) -> Result<(), ApplyError> {
    let lock_ms = match statement.lock {
        Lock::None | Lock::ShareUpdateExclusive => QUIET_LOCK_MS,
        Lock::ShareRowExclusive | Lock::AccessExclusive => LOCK_MS,
    };
    // An autovacuum stops for whoever has waited for it for `deadlock_timeout`; to set that needs a
    // privilege, without which it is waited for.
    let _ = client.batch_execute("SET deadlock_timeout = '10ms'").await;
    let sql = statement.sql.clone();
    let text =
        format!("SET LOCAL lock_timeout = {lock_ms}; SET LOCAL statement_timeout = 0; {sql}");
    let begun = Instant::now();
    let mut attempt = 0;
    loop {
        // One message is one transaction: the settings hold in it and are gone afterwards.
        let source = match client.batch_execute(&text).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let gives_way = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
        if !source.code().is_some_and(|code| gives_way.contains(code)) {
            return Err(ApplyError::Refused { sql, source });
        }
        if begun.elapsed() > Duration::from_secs(DEADLINE_S) {
            return Err(ApplyError::Locked { sql, source });
        }
        attempt += 1;
        waiting(attempt);
        tokio::time::sleep(backoff(attempt, chance())).await;
    }
}
