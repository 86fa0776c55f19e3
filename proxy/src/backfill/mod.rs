//! Copies the old column to the new one in batches, while the application goes on writing.
//!
//! The copying is idempotent: a row is touched only if its two columns differ, so it may be
//! stopped and started at will. It walks up the primary key to the greatest key there was at the
//! start; rows that come later are written on both sides by the proxy. It must not start before
//! the flip to `dual-write` is drained.

pub mod columns;
pub mod pace;

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

pub use columns::{Columns, Key, KeyColumn, Range};
use columns::{key_of, quoted, step};
use pace::{Pace, backoff, chance};

/// What each batch tells the server: give way to the application within a tenth of a second (less
/// than `deadlock_timeout`, so that the backfill is the victim of every deadlock); the batch may be
/// lost in a crash, since it is idempotent and the end is flushed; fail rather than skip rows that
/// a policy hides.
const BATCH_SETTINGS: &str = "SET LOCAL lock_timeout = '100ms'; \
     SET LOCAL statement_timeout = '5s'; \
     SET LOCAL synchronous_commit = off; \
     SET LOCAL row_security = off";

/// Makes everything that was committed before it durable: a synchronous commit that writes WAL
/// waits for all WAL before its own.
const FLUSH: &str = "SET synchronous_commit = on; \
     SELECT pg_catalog.pg_logical_emit_message(true, 'segue', 'backfill'); \
     RESET synchronous_commit";

/// How long one stretch of keys may stay locked by others before the backfill gives up.
/// Unit: seconds.
pub const BLOCKED_DEADLINE_S: u64 = 600;

/// Why a backfill stopped.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The table has no primary key to walk by.
    #[error("table \"{schema}.{table}\" does not exist or has no primary key to walk by")]
    NoKey {
        /// Schema.
        schema: String,
        /// Table.
        table: String,
    },
    /// Others held locks on a stretch of rows for too long.
    #[error("rows of \"{relation}\" stayed locked for {BLOCKED_DEADLINE_S} s: {source}")]
    Blocked {
        /// The table.
        relation: String,
        /// What the server said last.
        source: tokio_postgres::Error,
    },
    /// The server refused something or is gone.
    #[error("the server refused the backfill: {}", crate::backfill::said(.0))]
    Server(#[from] tokio_postgres::Error),
}

/// How far a backfill is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Rows that were looked at.
    pub passed: u64,
    /// Rows that had to be changed.
    pub changed: u64,
    /// Rows to look at in total, an estimate.
    pub total: u64,
    /// Rows looked at per second, smoothed; `None` in the beginning.
    pub rows_per_second: Option<f64>,
    /// Batches that met a lock of the application and were tried again.
    pub retries: u64,
    /// Is it waiting for such a lock at this moment?
    pub blocked: bool,
}

impl Progress {
    /// Time to go at the present rate.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let left = pace::rows_as_f64(self.total.saturating_sub(self.passed));
        let rate = self.rows_per_second.filter(|rate| *rate > 0.0)?;
        Duration::try_from_secs_f64(left / rate).ok()
    }
}

/// Copies until the end; `rest` is the time to rest for each unit of time worked. `report` is
/// called after each batch.
///
/// Cancel safety: dropping the future rolls back the running batch; what was committed stays, and
/// a new run finds the rest.
///
/// # Errors
/// [`BackfillError`]; whatever was copied so far stays.
pub async fn run(
    client: &mut Client,
    columns: &Columns,
    rest: f64,
    report: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Progress, BackfillError> {
    let mut progress = Progress {
        passed: 0,
        changed: 0,
        total: estimate(client, columns).await?,
        rows_per_second: None,
        retries: 0,
        blocked: false,
    };
    let Some(last) = greatest_key(client, columns).await? else { return Ok(progress) };
    let mut pace = Pace::new(rest);
    let mut after: Option<Key> = None;
    loop {
        let whole = Range { after: after.as_ref(), up_to: Some(&last) };
        let started = Instant::now();
        let (next, rows) = step(client, columns, whole, pace.rows()).await?;
        let ends = next.is_none();
        let up_to = next.unwrap_or_else(|| last.clone());
        let batch = Range { after: after.as_ref(), up_to: Some(&up_to) };
        let tried = progress.retries;
        progress.changed += copy(client, columns, batch, &mut progress, report).await?;
        progress.passed += rows;
        if progress.retries > tried {
            pace.shrink();
        }
        let pause = pace.learn(rows, started.elapsed());
        progress.rows_per_second = pace.rate();
        report(&progress);
        if ends {
            break;
        }
        tokio::time::sleep(pause).await;
        after = Some(up_to);
    }
    client.batch_execute(FLUSH).await?;
    progress.total = progress.passed;
    report(&progress);
    Ok(progress)
}

/// Copies one batch, again and again while others hold its rows; returns the rows changed.
async fn copy(
    client: &mut Client,
    columns: &Columns,
    batch: Range<'_>,
    progress: &mut Progress,
    report: &mut (dyn FnMut(&Progress) + Send),
) -> Result<u64, BackfillError> {
    let started = Instant::now();
    let mut attempt = 0;
    loop {
        let error = match copy_once(client, columns, batch).await {
            Ok(changed) => {
                progress.blocked = false;
                return Ok(changed);
            }
            Err(error) => error,
        };
        if !gives_way(&error) {
            return Err(error.into());
        }
        if started.elapsed() > Duration::from_secs(BLOCKED_DEADLINE_S) {
            return Err(BackfillError::Blocked { relation: columns.relation(), source: error });
        }
        attempt += 1;
        progress.retries += 1;
        progress.blocked = true;
        report(progress);
        tokio::time::sleep(backoff(attempt, chance())).await;
    }
}

async fn copy_once(
    client: &mut Client,
    columns: &Columns,
    batch: Range<'_>,
) -> Result<u64, tokio_postgres::Error> {
    let sql = format!(
        "UPDATE {} SET {} = {} WHERE {} AND {}",
        columns.relation(),
        quoted(&columns.to),
        quoted(&columns.from),
        columns.within(batch),
        columns.differ(),
    );
    let transaction = client.transaction().await?;
    transaction.batch_execute(BATCH_SETTINGS).await?;
    let changed = transaction.execute(&sql, &batch.parameters()).await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Is this an error that only says that somebody else was first?
fn gives_way(error: &tokio_postgres::Error) -> bool {
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::QUERY_CANCELED]
        .iter()
        .any(|state| error.code() == Some(state))
}

/// The greatest key at this moment, `None` for an empty table.
async fn greatest_key(
    client: &Client,
    columns: &Columns,
) -> Result<Option<Key>, tokio_postgres::Error> {
    let sql = format!(
        "SELECT {} FROM {} AS t ORDER BY {} LIMIT 1",
        columns.key_as_text(),
        columns.relation(),
        columns.order(" DESC"),
    );
    client.query_opt(&sql, &[]).await?.map(|row| key_of(&row, 0)).transpose()
}

/// The planner's idea of the number of rows; counted where it has none.
async fn estimate(client: &Client, columns: &Columns) -> Result<u64, tokio_postgres::Error> {
    let relation = columns.relation();
    let sql = "SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = $1::text::regclass";
    let known: i64 = client.query_one(sql, &[&relation]).await?.try_get(0)?;
    if let Ok(known) = u64::try_from(known) {
        return Ok(known);
    }
    let sql = format!("SELECT count(*) FROM {relation}");
    let counted: i64 = client.query_one(&sql, &[]).await?.try_get(0)?;
    Ok(u64::try_from(counted).unwrap_or(0))
}

/// An error in the server's own words, where there are some.
#[must_use]
pub fn said(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |said| format!("{} (SQLSTATE {})", said.message(), said.code().code()),
    )
}
