//! What came of comparing rows: of `segue verify`, of the proxies' own passes, and of the gates.
//!
//! A result is worth something to a gate if nobody could write as in an earlier phase any more when it
//! was *begun*. Whoever begins one has looked that every replica has drained the epoch in which the
//! migration came into its phase; [`trusted`] looks again, against the time at which the last one told so.

use std::time::Duration;

use rewrite_rules::Phase;
use serde::{Deserialize, Serialize};
use tokio_postgres::{GenericClient, Row};

use super::JournalError;
use super::verify::Counts;

/// What a comparison has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The migration.
    pub migration: String,
    /// The epoch in which it came into its phase.
    pub epoch: i64,
    /// The phase that may be entered if all rows agree: the other side is read there.
    pub phase: &'static str,
    /// Whether all rows agree; `None` if that cannot be told.
    pub equal: Option<bool>,
    /// What was found, in words.
    pub detail: Option<String>,
    /// When it was begun, as the server writes it.
    pub started_at: String,
    /// What was compared: see [`crate::walk::Work::subject`].
    pub subject: String,
    /// Rows, if they were counted.
    pub counts: Option<Counts>,
    /// Whether all rows were looked at.
    pub complete: bool,
    /// Who compared.
    pub who: String,
}

/// A result as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The migration.
    pub migration: String,
    /// `equal`, `different`, or `unknown`.
    pub result: String,
    /// What was found, in words.
    pub detail: Option<String>,
    /// Rows compared, if they were counted.
    pub rows: Option<i64>,
    /// Rows that differ, if they were counted.
    pub differing: Option<i64>,
    /// Who compared.
    pub who: Option<String>,
    /// How long ago it was done. Unit: milliseconds.
    pub age_ms: i64,
    /// How long it took. Unit: milliseconds.
    pub took_ms: i64,
    /// Whether it belongs to the phase in which the migration is.
    pub is_of_phase: bool,
}

/// A result that a gate may rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Rows compared, if they were counted.
    pub rows: Option<i64>,
    /// When it was begun, to the second, in UTC.
    pub at: String,
    /// Who compared.
    pub who: String,
}

/// The phase that the comparison of a migration in `phase` is asked for by.
#[must_use]
pub fn asked_by(phase: Phase) -> Phase {
    match phase {
        Phase::SwitchReads => Phase::DualWrite,
        Phase::Backfill | Phase::Enforce => Phase::Enforce,
        Phase::DualWrite | Phase::Expand | Phase::StopDualWrite | Phase::Contract => {
            Phase::SwitchReads
        }
    }
}

/// Writes it down.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn write(client: &impl GenericClient, it: &Verification) -> Result<(), JournalError> {
    let result = match it.equal {
        Some(true) => "equal",
        Some(false) => "different",
        None => "unknown",
    };
    let insert = "
        INSERT INTO segue.verification (epoch, migration, phase, result, detail, started_at, took,
            subject, rows, differing, failed, mended, complete, who)
        VALUES ($1, $2, $3, $4, $5, $6::text::timestamptz, clock_timestamp() - $6::text::timestamptz,
            $7, $8, $9, $10, $11, $12, $13)";
    let Verification {
        migration, epoch, phase, detail, started_at, subject, complete, who, ..
    } = it;
    let count = |number: fn(&Counts) -> i64| it.counts.as_ref().map(number);
    let (compared, differing) = (count(|it| it.compared), count(|it| it.differing));
    let (failed, mended) = (count(|it| it.failed), count(|it| it.mended));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 13] = [
        epoch, migration, phase, &result, detail, started_at, subject, &compared, &differing,
        &failed, &mended, complete, who,
    ];
    client.execute(insert, &values).await?;
    // Where it is done every few minutes there would be no end of them.
    let old = "
        DELETE FROM segue.verification v
        WHERE v.migration = $1 AND v.at < clock_timestamp() - interval '30 days'
          AND EXISTS (SELECT FROM segue.verification w WHERE w.migration = $1 AND w.id > v.id)";
    client.execute(old, &[migration]).await?;
    Ok(())
}

/// Writes down what a gate has found, with the epoch in which the migration came into its phase.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn record(client: &impl GenericClient, it: &Verification) -> Result<(), JournalError> {
    let query = "SELECT epoch FROM segue.migration WHERE name = $1";
    let Some(row) = client.query_opt(query, &[&it.migration]).await? else { return Ok(()) };
    write(client, &Verification { epoch: row.try_get(0)?, ..it.clone() }).await
}

/// The latest result of a migration, if its gate may rely on it: complete and clean, of the epoch in
/// which the migration came into its phase and of these very columns, begun after the last replica had
/// told that it has drained, done within `fresh`, nothing mended, and no comparison since has found
/// anything.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn trusted(
    client: &impl GenericClient,
    migration: &str,
    phase: Phase,
    subject: &str,
    fresh: Duration,
) -> Result<Option<Trusted>, JournalError> {
    let query = "
        SELECT v.rows, to_char(v.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
               coalesce(v.who, '')
        FROM segue.migration m
        CROSS JOIN LATERAL (SELECT * FROM segue.verification v WHERE v.migration = m.name
                            ORDER BY v.id DESC LIMIT 1) v
        WHERE m.name = $1 AND m.phase = $4 AND v.epoch = m.epoch AND v.subject = $2
          AND v.result = 'equal' AND v.complete AND coalesce(v.mended, 0) = 0
          AND v.at > clock_timestamp() - make_interval(secs => $3)
          AND NOT EXISTS (SELECT FROM segue.replica r
                          WHERE r.expelled_at IS NULL AND r.acknowledged < m.epoch)
          AND v.started_at > coalesce(
              (SELECT max(greatest(r.acknowledged_at, r.expelled_at)) FROM segue.replica r), '-infinity')
          AND NOT EXISTS (SELECT FROM segue.verify w JOIN segue.verify_range r USING (migration)
                          WHERE w.migration = m.name AND w.epoch = m.epoch
                            AND w.started_at > v.started_at
                            AND r.differing + r.failed + r.mended > 0)";
    let fresh_s = fresh.as_secs_f64();
    let found = client.query_opt(query, &[&migration, &subject, &fresh_s, &phase.name()]).await?;
    let trusted = |row: Row| -> Result<Trusted, tokio_postgres::Error> {
        Ok(Trusted { rows: row.try_get(0)?, at: row.try_get(1)?, who: row.try_get(2)? })
    };
    Ok(found.map(trusted).transpose()?)
}

/// How long ago all rows were last looked at in `epoch`. Unit: seconds.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn age_s(
    client: &impl GenericClient,
    migration: &str,
    epoch: i64,
) -> Result<Option<f64>, JournalError> {
    let query = "SELECT extract(epoch FROM clock_timestamp() - max(at))::float8
                 FROM segue.verification WHERE migration = $1 AND epoch = $2 AND complete";
    Ok(client.query_one(query, &[&migration, &epoch]).await?.try_get(0)?)
}

/// When all rows were last found equal in `epoch` before this moment, to the second, in UTC.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn last_equal(
    client: &impl GenericClient,
    migration: &str,
    epoch: i64,
    subject: &str,
) -> Result<Option<String>, JournalError> {
    let query = "
        SELECT to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
        FROM segue.verification
        WHERE migration = $1 AND epoch = $2 AND subject = $3 AND result = 'equal' AND complete
        ORDER BY id DESC LIMIT 1";
    let row = client.query_opt(query, &[&migration, &epoch, &subject]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The latest result of each migration of the present epoch, by name.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn latest(client: &impl GenericClient) -> Result<Vec<Told>, JournalError> {
    let query = "
        SELECT m.name, v.result, v.detail, v.rows, v.differing, v.who,
               (extract(epoch FROM clock_timestamp() - v.at) * 1000)::int8,
               (extract(epoch FROM v.took) * 1000)::int8, v.epoch = m.epoch
        FROM segue.migration m
        CROSS JOIN LATERAL (SELECT * FROM segue.verification v WHERE v.migration = m.name
                            ORDER BY v.id DESC LIMIT 1) v
        ORDER BY m.name COLLATE \"C\"";
    let told = |row: &Row| -> Result<Told, tokio_postgres::Error> {
        Ok(Told {
            migration: row.try_get(0)?,
            result: row.try_get(1)?,
            detail: row.try_get(2)?,
            rows: row.try_get(3)?,
            differing: row.try_get(4)?,
            who: row.try_get(5)?,
            age_ms: row.try_get(6)?,
            took_ms: row.try_get(7)?,
            is_of_phase: row.try_get(8)?,
        })
    };
    Ok(client.query(query, &[]).await?.iter().map(told).collect::<Result<_, _>>()?)
}
