//! How far the comparison of each migration's rows is, and which rows were found.
//!
//! What a stretch has shown is committed together with the place up to which it was compared: whoever
//! goes on after a crash counts no row twice.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::JournalError;
use super::verification::{self, Verification};
use crate::walk::Key;

/// A comparison that stood still for so long is begun anew. Unit: seconds.
pub const STALE_S: f64 = 3_600.0;

/// Locks the migration's phase for as long as a mending transaction lasts, and tells the epoch in which
/// the migration came into its phase, the runner, and who has frozen the fleet. `$1` is the migration.
pub const GUARD: &str = "
    SELECT m.epoch, v.runner, CASE WHEN f.frozen_at IS NOT NULL THEN coalesce(f.frozen_by, '') END
    FROM segue.migration m, segue.verify v, segue.fleet f
    WHERE m.name = $1 AND v.migration = m.name FOR SHARE OF m";

/// Moves a range on to `$3`, with what its next stretch has shown; nothing if `$9` is not the runner.
const MOVE_ON: &str = "
    UPDATE segue.verify_range r
    SET after = $3, compared = r.compared + $4, differing = r.differing + $5, failed = r.failed + $6,
        mended = r.mended + $7, is_done = $8
    FROM segue.verify v
    WHERE r.migration = $1 AND r.number = $2 AND v.migration = r.migration AND v.runner = $9";

/// What a comparison begins or goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin<'a> {
    /// The migration.
    pub migration: &'a str,
    /// The epoch in which the migration came into its phase.
    pub epoch: i64,
    /// What is compared: see [`crate::walk::Work::subject`].
    pub subject: &'a str,
    /// The side that is mended, if one is.
    pub fix: Option<&'a str>,
    /// A name of its own for this process.
    pub runner: &'a str,
    /// Who it is, for humans.
    pub who: &'a str,
    /// Whether anybody else may take it over at any moment.
    pub gives_way: bool,
    /// Rows, an estimate.
    pub total: i64,
    /// Whether what was done before does not count.
    pub anew: bool,
}

/// A stretch of one table's keys, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Its number.
    pub number: i32,
    /// The table.
    pub part: u32,
    /// Excluded lower bound: all up to it is compared.
    pub after: Option<Key>,
    /// Included upper bound.
    pub up_to: Key,
    /// Whether nothing is left of it.
    pub is_done: bool,
    /// What it has shown.
    pub counts: Counts,
    /// How many of its rows are written down.
    pub kept: i64,
}

/// What rows have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows compared, those that could not be included.
    pub compared: i64,
    /// Rows whose two sides differ, and were not mended.
    pub differing: i64,
    /// Rows that could not be compared.
    pub failed: i64,
    /// Rows that were mended.
    pub mended: i64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            compared: self.compared + other.compared,
            differing: self.differing + other.differing,
            failed: self.failed + other.failed,
            mended: self.mended + other.mended,
        }
    }
}

/// A row that differs, or could not be compared or mended.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Found {
    /// Its table.
    pub part: String,
    /// Its key, for humans.
    pub key: String,
    /// What the column that is read holds.
    pub source: Option<String>,
    /// What the other one holds.
    pub found: Option<String>,
    /// What that should hold.
    pub expected: Option<String>,
    /// Why it could not be compared or mended, if so.
    pub problem: Option<String>,
}

/// Begins a comparison, or takes over the one that was broken off. Gives its ranges if it goes on where
/// another one ended.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The server, or the way to it.
pub async fn begin(
    client: &mut Client,
    it: &Begin<'_>,
) -> Result<Option<Vec<Range>>, JournalError> {
    let transaction = client.transaction().await?;
    let Begin { migration, epoch, subject, fix, runner, who, gives_way, total, anew } = it;
    let take_over = "
        UPDATE segue.verify
        SET runner = $5, who = $6, gives_way = $7, updated_at = clock_timestamp()
        WHERE migration = $1 AND epoch = $2 AND subject = $3 AND fix IS NOT DISTINCT FROM $4
          AND state = 'running' AND NOT $8
          AND updated_at > clock_timestamp() - make_interval(secs => $9)
          AND EXISTS (SELECT FROM segue.verify_range r WHERE r.migration = $1)";
    let values: [&(dyn ToSql + Sync); 9] =
        [migration, epoch, subject, fix, runner, who, gives_way, anew, &STALE_S];
    let goes_on = transaction.execute(take_over, &values).await? > 0;
    if !goes_on {
        transaction.execute("DELETE FROM segue.verify WHERE migration = $1", &[migration]).await?;
        let insert = "
            INSERT INTO segue.verify (migration, epoch, subject, fix, runner, who, gives_way, total)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values: [&(dyn ToSql + Sync); 8] =
            [migration, epoch, subject, fix, runner, who, gives_way, total];
        transaction.execute(insert, &values).await?;
    }
    let ranges = match goes_on {
        true => Some(ranges(transaction.client(), migration).await?),
        false => None,
    };
    transaction.commit().await?;
    Ok(ranges)
}

/// Writes down what there is to compare.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The server, or the way to it.
pub async fn divide(
    client: &mut Client,
    migration: &str,
    ranges: &[Range],
) -> Result<(), JournalError> {
    let transaction = client.transaction().await?;
    let insert = "INSERT INTO segue.verify_range (migration, number, part, after, up_to)
                  VALUES ($1, $2, $3, $4, $5)";
    for Range { number, part, after, up_to, .. } in ranges {
        transaction.execute(insert, &[&migration, number, part, after, up_to]).await?;
    }
    Ok(transaction.commit().await?)
}

/// All ranges, and how far each is.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn ranges(client: &Client, migration: &str) -> Result<Vec<Range>, JournalError> {
    let query = "
        SELECT r.number, r.part, r.after, r.up_to, r.is_done, r.compared, r.differing, r.failed, r.mended,
               (SELECT count(*) FROM segue.verify_row w
                WHERE w.migration = r.migration AND w.number = r.number)
        FROM segue.verify_range r WHERE r.migration = $1 ORDER BY r.number";
    let range = |row: &Row| -> Result<Range, tokio_postgres::Error> {
        Ok(Range {
            number: row.try_get(0)?,
            part: row.try_get(1)?,
            after: row.try_get(2)?,
            up_to: row.try_get(3)?,
            is_done: row.try_get(4)?,
            counts: Counts {
                compared: row.try_get(5)?,
                differing: row.try_get(6)?,
                failed: row.try_get(7)?,
                mended: row.try_get(8)?,
            },
            kept: row.try_get(9)?,
        })
    };
    Ok(client.query(query, &[&migration]).await?.iter().map(range).collect::<Result<_, _>>()?)
}

/// Writes that a range is compared up to `after`, with what that has shown. Returns whether `runner` is
/// still the one.
///
/// Cancel safety: the connection must not be used any more, and nothing of it is there.
///
/// # Errors
/// The server.
pub async fn move_on(
    client: &Client,
    (migration, runner): (&str, &str),
    range: &Range,
    shown: Counts,
    rows: &[Found],
) -> Result<bool, tokio_postgres::Error> {
    let Range { number, after, is_done, .. } = range;
    let Counts { compared, differing, failed, mended } = shown;
    let values: [&(dyn ToSql + Sync); 9] =
        [&migration, number, after, &compared, &differing, &failed, &mended, is_done, &runner];
    if rows.is_empty() {
        return Ok(client.execute(MOVE_ON, &values).await? > 0);
    }
    let insert = "
        INSERT INTO segue.verify_row (migration, number, part, key, source, found, expected, problem)
        SELECT $1, $2, u.* FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                       $8::text[]) u";
    let texts = |text: fn(&Found) -> Option<&str>| rows.iter().map(text).collect::<Vec<_>>();
    let (parts, keys) = (texts(|row| Some(&row.part)), texts(|row| Some(&row.key)));
    let (sources, founds) = (texts(|row| row.source.as_deref()), texts(|row| row.found.as_deref()));
    let (expecteds, problems) =
        (texts(|row| row.expected.as_deref()), texts(|row| row.problem.as_deref()));
    client.batch_execute("BEGIN").await?;
    let written = async {
        let is_ours = client.execute(MOVE_ON, &values).await? > 0;
        if is_ours {
            let values: [&(dyn ToSql + Sync); 8] =
                [&migration, number, &parts, &keys, &sources, &founds, &expecteds, &problems];
            client.execute(insert, &values).await?;
        }
        client.batch_execute("COMMIT").await?;
        Ok(is_ours)
    };
    let written: Result<bool, tokio_postgres::Error> = written.await;
    if written.is_err() {
        // An error here says no more than the one before.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    written
}

/// Writes that `runner` lives. Returns whether it is still the one.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn tell(client: &Client, migration: &str, runner: &str) -> Result<bool, JournalError> {
    let update = "UPDATE segue.verify SET updated_at = clock_timestamp()
                  WHERE migration = $1 AND runner = $2";
    Ok(client.execute(update, &[&migration, &runner]).await? > 0)
}

/// Takes a comparison that gives way from whoever works on it: it stops at its next stretch. Returns
/// whether there was one.
///
/// Cancel safety: it is taken or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn interrupt(
    client: &Client,
    migration: &str,
    runner: &str,
) -> Result<bool, JournalError> {
    let update = "UPDATE segue.verify SET runner = $2 WHERE migration = $1 AND gives_way";
    Ok(client.execute(update, &[&migration, &runner]).await? > 0)
}

/// Who works on a migration's comparison, for humans.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn runner(client: &Client, migration: &str) -> Result<Option<String>, JournalError> {
    let query = "SELECT who FROM segue.verify WHERE migration = $1";
    let row = client.query_opt(query, &[&migration]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Writes that it has come to its end, and what came of it. Returns whether `runner` was still the one.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The server, or the way to it.
pub async fn end(
    client: &mut Client,
    runner: &str,
    result: &Verification,
) -> Result<bool, JournalError> {
    let transaction = client.transaction().await?;
    let update = "UPDATE segue.verify SET state = 'done', updated_at = clock_timestamp()
                  WHERE migration = $1 AND runner = $2";
    let is_ours = transaction.execute(update, &[&result.migration, &runner]).await? > 0;
    if is_ours {
        verification::write(&transaction, result).await?;
    }
    transaction.commit().await?;
    Ok(is_ours)
}

/// When it was begun, as the server writes it.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn started_at(client: &Client, migration: &str) -> Result<String, JournalError> {
    let query = "SELECT started_at::text FROM segue.verify WHERE migration = $1";
    Ok(client.query_one(query, &[&migration]).await?.try_get(0)?)
}

/// The first rows that were written down, in the order of their stretches and keys.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn rows(
    client: &Client,
    migration: &str,
    limit: i64,
) -> Result<Vec<Found>, JournalError> {
    let query = "SELECT part, key, source, found, expected, problem FROM segue.verify_row
                 WHERE migration = $1 ORDER BY number, id LIMIT $2";
    let found = |row: &Row| -> Result<Found, tokio_postgres::Error> {
        Ok(Found {
            part: row.try_get(0)?,
            key: row.try_get(1)?,
            source: row.try_get(2)?,
            found: row.try_get(3)?,
            expected: row.try_get(4)?,
            problem: row.try_get(5)?,
        })
    };
    let rows = client.query(query, &[&migration, &limit]).await?;
    Ok(rows.iter().map(found).collect::<Result<_, _>>()?)
}
