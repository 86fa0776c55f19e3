//! How far the latest backfill of each migration is, and what is wished of it.
//!
//! A batch commits its rows together with its place in its range, under [`GUARD`]: what is written here
//! is exactly what was done, whoever was killed in between.

use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, GenericClient, Row};

use super::JournalError;
/// Locks the migration's phase for as long as a batch lasts, and tells what has become of the job
/// meanwhile: the epoch in which the migration came into its phase, the runner, the wish and who
/// wishes it, and who has frozen the fleet. `$1` is the migration.
///
/// No step of this migration is taken beside a batch: two steps further on, a copy would overwrite
/// what clients have written. Nor does another runner take over beside it, whose places it would
/// overwrite.
pub const GUARD: &str = "
    SELECT m.epoch, b.runner, b.wish, b.wished_by,
           CASE WHEN f.frozen_at IS NOT NULL THEN coalesce(f.frozen_by, '') END
    FROM segue.migration m, segue.backfill b, segue.fleet f
    WHERE m.name = $1 AND b.migration = m.name FOR SHARE OF m FOR KEY SHARE OF b";

/// Where a backfill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody works on it, or did until he was killed.
    Running,
    /// All rows are as they should be.
    Done,
    /// It ended by itself before that.
    Failed,
    /// It was told to end.
    Cancelled,
}

/// What an operator wishes of a running backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Wait.
    Pause,
    /// End.
    Cancel,
}

/// The latest backfill of a migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The migration.
    pub migration: String,
    /// The column that is written.
    pub target: String,
    /// The epoch in which the migration came into its phase.
    pub epoch: i64,
    /// Who works on it.
    pub who: String,
    /// Where it stands.
    pub standing: Standing,
    /// What is wished of it.
    pub wish: Option<Wish>,
    /// Who wishes it.
    pub wished_by: Option<String>,
    /// Number of the pass under way, from 0.
    pub pass: i32,
    /// What that pass copies, in words.
    pub pass_name: String,
    /// Rows to look at in this pass, an estimate.
    pub total: i64,
    /// Rows looked at in it.
    pub passed: i64,
    /// Rows changed, in all passes.
    pub changed: i64,
    /// Batches that met a lock of the application and were tried again.
    pub retries: i64,
    /// Rows looked at per second.
    pub rate: Option<f32>,
    /// What slows it down, or why it ended.
    pub reason: Option<String>,
    /// Rows that could not be copied.
    pub failures: i64,
    /// How long ago it was begun. Unit: milliseconds.
    pub age_ms: i64,
    /// How long ago its runner was heard of. Unit: milliseconds.
    pub silent_ms: i64,
}

/// What a backfill begins or goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin<'a> {
    /// The migration.
    pub migration: &'a str,
    /// The column that is written.
    pub target: &'a str,
    /// The epoch in which the migration came into its phase.
    pub epoch: i64,
    /// A name of its own for this process.
    pub runner: &'a str,
    /// Who it is, for humans.
    pub who: &'a str,
    /// Whether what was done before does not count.
    pub anew: bool,
    /// The order, if a proxy runs it.
    pub inside: Option<String>,
    /// What its passes and ranges mean: with another plan it begins anew.
    pub plan: &'a str,
    /// Whether what an operator has wished before still counts.
    pub keeps_wish: bool,
}

/// A row that could not be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its table.
    pub part: String,
    /// Its key, for humans.
    pub key: String,
    /// The server's code.
    pub sqlstate: String,
    /// What the server said.
    pub message: String,
}

/// Begins a backfill, or takes over the one that was broken off. Gives the job, and whether it goes on
/// where another one ended.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The server, or the way to it.
pub async fn begin(client: &mut Client, it: &Begin<'_>) -> Result<(Job, bool), JournalError> {
    let transaction = client.transaction().await?;
    // The last batches of the runner before end within seconds, or their sessions are gone.
    transaction.batch_execute("SET LOCAL lock_timeout = '20s'").await?;
    let last = "SELECT FROM segue.backfill WHERE migration = $1 FOR UPDATE";
    transaction.execute(last, &[&it.migration]).await?;
    let Begin { migration, target, epoch, runner, who, anew, inside, plan, keeps_wish } = it;
    let take_over = "
        UPDATE segue.backfill
        SET runner = $4, who = $5, inside = $7, state = 'running',
            wish = CASE WHEN $9 THEN wish END, wished_by = CASE WHEN $9 THEN wished_by END, reason = NULL,
            updated_at = clock_timestamp()
        WHERE migration = $1 AND target = $2 AND epoch = $3 AND plan = $8 AND state <> 'done'
          AND NOT $6";
    let goes_on = transaction
        .execute(
            take_over,
            &[migration, target, epoch, runner, who, anew, inside, plan, keeps_wish],
        )
        .await?
        > 0;
    if !goes_on {
        transaction
            .execute("DELETE FROM segue.backfill WHERE migration = $1", &[migration])
            .await?;
        let insert = "
            INSERT INTO segue.backfill (migration, target, epoch, runner, who, inside, plan, state, pass, pass_name, total)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', -1, '', 0)";
        transaction.execute(insert, &[migration, target, epoch, runner, who, inside, plan]).await?;
    }
    let job = read(&transaction, migration).await?;
    transaction.commit().await?;
    let lost = || JournalError::Failed("segue.backfill has lost its row".to_owned());
    Ok((job.ok_or_else(lost)?, goes_on))
}

/// Writes how far it is. Returns whether `runner` is still the one.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn tell(
    client: &Client,
    migration: &str,
    runner: &str,
    (passed, retries, rate): (i64, i64, Option<f32>),
    reason: Option<&str>,
) -> Result<bool, JournalError> {
    let update = "
        UPDATE segue.backfill
        SET passed = $3, retries = $4, rate = $5, reason = $6, updated_at = clock_timestamp()
        WHERE migration = $1 AND runner = $2";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&migration, &runner, &passed, &retries, &rate, &reason];
    Ok(client.execute(update, &values).await? > 0)
}

/// The orders of backfills that a proxy ran and of which nothing was heard for so many seconds.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn left_behind(client: &Client, silent_s: u64) -> Result<Vec<String>, JournalError> {
    let query = "SELECT inside FROM segue.backfill
                 WHERE state = 'running' AND inside IS NOT NULL
                   AND updated_at < clock_timestamp() - make_interval(secs => $1)";
    let silent_s = crate::walk::manners::rows_as_f64(silent_s);
    let rows = client.query(query, &[&silent_s]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Writes how it has ended, and with `is_over` that the next run begins anew.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn end(
    client: &Client,
    migration: &str,
    runner: &str,
    standing: Standing,
    reason: Option<&str>,
    is_over: bool,
) -> Result<(), JournalError> {
    let update = "
        UPDATE segue.backfill b
        SET state = $3, reason = $4, wish = NULL, wished_by = NULL, updated_at = clock_timestamp(),
            plan = CASE WHEN NOT $5 THEN plan END
        WHERE migration = $1 AND runner = $2";
    client.execute(update, &[&migration, &runner, &standing.name(), &reason, &is_over]).await?;
    Ok(())
}

/// How many rows could not be copied in the pass under way.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn failed(client: &Client, migration: &str) -> Result<i64, JournalError> {
    let count = "SELECT count(*) FROM segue.backfill_failure WHERE migration = $1";
    Ok(client.query_one(count, &[&migration]).await?.try_get(0)?)
}

/// Wishes something of the backfill of a migration, or takes the wish back. Returns whether there is
/// one that is not at its end.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn wish(
    client: &Client,
    migration: &str,
    wish: Option<Wish>,
    who: &str,
) -> Result<bool, JournalError> {
    let update = "
        UPDATE segue.backfill
        SET wish = $2, wished_by = CASE WHEN $2::text IS NOT NULL THEN $3 END,
            state = CASE WHEN $2::text = 'cancel' AND updated_at < clock_timestamp() - interval '20 s'
                         THEN 'cancelled' ELSE state END
        WHERE migration = $1 AND state = 'running'";
    let wish = wish.map(Wish::name);
    Ok(client.execute(update, &[&migration, &wish, &who]).await? > 0)
}

/// Writes down a row that could not be copied. Gives how many there are.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server.
pub async fn fail(
    client: &Client,
    migration: &str,
    failure: &Failure,
) -> Result<i64, tokio_postgres::Error> {
    let insert = "
        INSERT INTO segue.backfill_failure (migration, part, key, sqlstate, message)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (migration, part, key) DO UPDATE
        SET sqlstate = EXCLUDED.sqlstate, message = EXCLUDED.message, at = clock_timestamp()";
    let Failure { part, key, sqlstate, message } = failure;
    client.execute(insert, &[&migration, part, key, sqlstate, message]).await?;
    let count = "SELECT count(*) FROM segue.backfill_failure WHERE migration = $1";
    client.query_one(count, &[&migration]).await?.try_get(0)
}

/// The first rows that could not be copied, at most `limit`.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn failures(
    client: &Client,
    migration: &str,
    limit: i64,
) -> Result<Vec<Failure>, JournalError> {
    let query = "SELECT part, key, sqlstate, message FROM segue.backfill_failure
                 WHERE migration = $1 ORDER BY at, part, key LIMIT $2";
    let mut failures = Vec::new();
    for row in client.query(query, &[&migration, &limit]).await? {
        let (part, key) = (row.try_get(0)?, row.try_get(1)?);
        failures.push(Failure { part, key, sqlstate: row.try_get(2)?, message: row.try_get(3)? });
    }
    Ok(failures)
}

const JOBS: &str = "
    SELECT b.migration, b.target, b.epoch, b.who, b.state, b.wish, b.wished_by, b.pass, b.pass_name,
           b.total, b.passed,
           b.changed + (SELECT coalesce(sum(r.changed), 0)::int8
                        FROM segue.backfill_range r WHERE r.migration = b.migration),
           b.retries, b.rate, b.reason,
           (SELECT count(*) FROM segue.backfill_failure f WHERE f.migration = b.migration),
           (extract(epoch FROM clock_timestamp() - b.started_at) * 1000)::int8,
           (extract(epoch FROM clock_timestamp() - b.updated_at) * 1000)::int8
    FROM segue.backfill b";

/// The latest backfill of one migration.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn read(
    client: &impl GenericClient,
    migration: &str,
) -> Result<Option<Job>, JournalError> {
    let row = client.query_opt(&format!("{JOBS} WHERE b.migration = $1"), &[&migration]).await?;
    row.as_ref().map(job).transpose()
}

/// The latest backfill of each migration, by name.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn all(client: &impl GenericClient) -> Result<Vec<Job>, JournalError> {
    let rows = client.query(&format!("{JOBS} ORDER BY b.migration COLLATE \"C\""), &[]).await?;
    rows.iter().map(job).collect()
}

fn job(row: &Row) -> Result<Job, JournalError> {
    let (standing, wish): (String, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    let unknown = |what: &str| JournalError::Failed(format!("segue.backfill says \"{what}\""));
    let standing = Standing::ALL.into_iter().find(|known| known.name() == standing);
    let wish = match wish {
        None => None,
        Some(name) => {
            let known = [Wish::Pause, Wish::Cancel].into_iter().find(|known| known.name() == name);
            Some(known.ok_or_else(|| unknown(&name))?)
        }
    };
    Ok(Job {
        migration: row.try_get(0)?,
        target: row.try_get(1)?,
        epoch: row.try_get(2)?,
        who: row.try_get(3)?,
        standing: standing.ok_or_else(|| unknown("an unknown state"))?,
        wish,
        wished_by: row.try_get(6)?,
        pass: row.try_get(7)?,
        pass_name: row.try_get(8)?,
        total: row.try_get(9)?,
        passed: row.try_get(10)?,
        changed: row.try_get(11)?,
        retries: row.try_get(12)?,
        rate: row.try_get(13)?,
        reason: row.try_get(14)?,
        failures: row.try_get(15)?,
        age_ms: row.try_get(16)?,
        silent_ms: row.try_get(17)?,
    })
}

impl Standing {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// As it is written in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Wish {
    /// As it is written in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
}
