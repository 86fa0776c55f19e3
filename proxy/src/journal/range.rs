//! The stretches of keys that a backfill's pass consists of, and how far each is.
//!
//! A range is walked through window by window, a window once for each stripe, a stripe in batches. The
//! place of the last batch is committed with its rows.

use tokio_postgres::{Client, Row};

use super::JournalError;
use crate::walk::Key;

/// Moves a range on to place `$3` of stripe `$4`: `$5` rows passed, `$6` changed.
pub const MOVE_ON: &str = "
    UPDATE segue.backfill_range
    SET place = $3, stripe = $4, passed = passed + $5, changed = changed + $6
    WHERE migration = $1 AND number = $2";

/// A stretch of one table's keys, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Its number in the pass.
    pub number: i32,
    /// The table.
    pub part: u32,
    /// Excluded lower bound.
    pub after: Option<Key>,
    /// Included upper bound.
    pub up_to: Key,
    /// The window under way.
    pub window: Option<Window>,
    /// Rows looked at.
    pub passed: i64,
    /// Rows changed.
    pub changed: i64,
}

/// A stretch of a range that is walked through once for each stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Excluded lower bound.
    pub after: Option<Key>,
    /// Included upper bound.
    pub up_to: Key,
    /// How many stripes it has.
    pub stripes: i32,
    /// The stripe under way.
    pub stripe: i32,
    /// The last key that was dealt with in that stripe.
    pub place: Option<Key>,
}

/// Begins a pass: what there is of the one before is forgotten, but for the rows it has changed. Returns
/// whether `runner` is still the one; nothing happens if not.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The server, or the way to it.
pub async fn begin_pass(
    client: &mut Client,
    migration: &str,
    runner: &str,
    pass: (i32, &str, i64),
    plan: &str,
    ranges: &[Range],
) -> Result<bool, JournalError> {
    let transaction = client.transaction().await?;
    let (number, name, total) = pass;
    let update = "
        UPDATE segue.backfill b
        SET pass = $3, pass_name = $4, total = $5, plan = $6, passed = 0, updated_at = clock_timestamp(),
            changed = b.changed + (SELECT coalesce(sum(r.changed), 0)::int8
                                   FROM segue.backfill_range r WHERE r.migration = $1)
        WHERE migration = $1 AND runner = $2";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&migration, &runner, &number, &name, &total, &plan];
    if transaction.execute(update, &values).await? == 0 {
        return Ok(false);
    }
    // Each pass tries again what could not be copied.
    for delete in [
        "DELETE FROM segue.backfill_range WHERE migration = $1",
        "DELETE FROM segue.backfill_failure WHERE migration = $1",
    ] {
        transaction.execute(delete, &[&migration]).await?;
    }
    let insert = "INSERT INTO segue.backfill_range (migration, number, part, after, up_to)
                  VALUES ($1, $2, $3, $4, $5)";
    for range in ranges {
        let Range { number, part, after, up_to, .. } = range;
        transaction.execute(insert, &[&migration, number, part, after, up_to]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The ranges of the pass under way that are not done.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn open_ranges(client: &Client, migration: &str) -> Result<Vec<Range>, JournalError> {
    let query = "
        SELECT number, part, after, up_to, window_after, window_up_to, stripes, stripe, place,
               passed, changed
        FROM segue.backfill_range WHERE migration = $1 AND NOT is_done ORDER BY number";
    let rows = client.query(query, &[&migration]).await?;
    let range = |row: &Row| -> Result<Range, tokio_postgres::Error> {
        let up_to: Option<Key> = row.try_get(5)?;
        let window = match up_to {
            None => None,
            Some(up_to) => Some(Window {
                after: row.try_get(4)?,
                up_to,
                stripes: row.try_get(6)?,
                stripe: row.try_get(7)?,
                place: row.try_get(8)?,
            }),
        };
        Ok(Range {
            number: row.try_get(0)?,
            part: row.try_get(1)?,
            after: row.try_get(2)?,
            up_to: row.try_get(3)?,
            window,
            passed: row.try_get(9)?,
            changed: row.try_get(10)?,
        })
    };
    Ok(rows.iter().map(range).collect::<Result<_, _>>()?)
}

/// What the ranges of the pass that are done have passed and changed.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn done_ranges(client: &Client, migration: &str) -> Result<(i64, i64), JournalError> {
    let query = "SELECT coalesce(sum(passed), 0)::int8, coalesce(sum(changed), 0)::int8
                 FROM segue.backfill_range WHERE migration = $1 AND is_done";
    let row = client.query_one(query, &[&migration]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Opens the next window of a range.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server.
pub async fn open_window(
    client: &Client,
    migration: &str,
    number: i32,
    window: &Window,
) -> Result<(), tokio_postgres::Error> {
    let update = "
        UPDATE segue.backfill_range
        SET window_after = $3, window_up_to = $4, stripes = $5, stripe = $6, place = $7
        WHERE migration = $1 AND number = $2";
    let Window { after, up_to, stripes, stripe, place } = window;
    client.execute(update, &[&migration, &number, after, up_to, stripes, stripe, place]).await?;
    Ok(())
}

/// The window is done, and with it all up to its upper bound; `rows` more rows were only looked at.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server.
pub async fn close_window(
    client: &Client,
    migration: &str,
    number: i32,
    up_to: &Key,
    rows: i64,
    is_last: bool,
) -> Result<(), tokio_postgres::Error> {
    let update = "
        UPDATE segue.backfill_range
        SET after = $3, window_after = NULL, window_up_to = NULL, stripe = 0, place = NULL,
            passed = passed + $4, is_done = $5
        WHERE migration = $1 AND number = $2";
    client.execute(update, &[&migration, &number, up_to, &rows, &is_last]).await?;
    Ok(())
}
