//! How many stripes a window gets, and how large it is.
//!
//! A full page has no room for a new version of a row: the update goes to another page and into every
//! index. If only every k-th row of each page is updated and that is committed, the next scan prunes
//! what died, and the next stripes find room on their own page (HOT). Measured on a packed table: sixteen
//! stripes write half the WAL of none, and the heap grows by a fifth instead of twofold; eight write 8 %
//! more, and leave the heap a quarter and the indexes a third larger.

use std::time::Duration;

use tokio_postgres::{Client, Error};

use crate::walk::Part;

/// Most stripes: twice as many would find no more room, and look at every row more often.
const MOST: i32 = 16;

/// From here on a column's order and that of its table have nothing to do with each other.
const RANDOM_BELOW: f32 = 0.1;

/// What died is pruned only once no snapshot can see it. One that is older than this is waited for by
/// no window. Unit: seconds.
const OLD_SNAPSHOT_S: f64 = 30.0;

/// Least time between two stripes of a window. Unit: seconds.
const LEAST_SPACING_S: f64 = 0.5;

/// Rows of the first window. Unit: rows.
const FIRST_WINDOW: u64 = 100_000;

/// Bounds of a window: less is not worth its bookkeeping, and what is more would not stay in memory.
/// Unit: rows.
const LEAST_WINDOW: u64 = 10_000;
const MOST_WINDOW: u64 = 1_000_000;

/// What is known of a table before it is walked through.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// Share of a page that is left free for updates: 0.1 for `fillfactor = 90`.
    pub free: f64,
    /// How much the first column of the key follows the order of the table, from -1 to 1.
    pub correlation: Option<f32>,
    /// Whether the first column of the key is a uuid, random unless statistics say otherwise.
    pub is_uuid: bool,
    /// Whether an index knows a column that is written: no update is HOT then.
    pub is_indexed: bool,
    /// Rows on a page.
    pub rows_per_page: u64,
    /// Most rows that stay in a quarter of the server's cache.
    pub cached_rows: u64,
    /// Whether there is a key to walk by.
    pub is_key: bool,
    /// Whether its own rows are written.
    pub is_written: bool,
}

const GROUND: &str = "
    SELECT coalesce((SELECT option_value::int4 FROM pg_catalog.pg_options_to_table(c.reloptions)
                     WHERE option_name = 'fillfactor'), 100),
           (SELECT s.correlation FROM pg_catalog.pg_stats s
            WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = $2
              AND NOT s.inherited),
           EXISTS (SELECT FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = $2 AND a.atttypid = 'uuid'::regtype),
           EXISTS (SELECT FROM pg_catalog.pg_depend d
                   JOIN pg_catalog.pg_class x ON x.oid = d.objid AND x.relkind IN ('i', 'I')
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_catalog.pg_class'::regclass
                     AND d.refclassid = 'pg_catalog.pg_class'::regclass
                     AND d.refobjid = c.oid AND a.attname = ANY ($3::text[]))
           OR EXISTS (SELECT FROM pg_catalog.pg_index i
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                   WHERE i.indrelid = c.oid AND a.attname = ANY ($3::text[])),
           (SELECT setting::int8 * pg_catalog.current_setting('block_size')::int8 / 4
            FROM pg_catalog.pg_settings WHERE name = 'shared_buffers'),
           pg_catalog.pg_relation_size(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1";

impl Ground {
    /// Looks at a part.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn look(client: &Client, part: &Part) -> Result<Self, Error> {
        let first = part.way.key.0.first().map(|column| column.name.as_str()).unwrap_or_default();
        let row = client.query_one(GROUND, &[&part.oid, &first, &part.written()]).await?;
        let (fill, bytes): (i32, i64) = (row.try_get(0)?, row.try_get(5)?);
        let quarter: i64 = row.try_get(4)?;
        let width = (bytes / i64::try_from(part.way.rows.max(1)).unwrap_or(i64::MAX)).max(32);
        Ok(Self {
            free: 1.0 - f64::from(fill) / 100.0,
            correlation: row.try_get(1)?,
            is_uuid: row.try_get(2)?,
            is_indexed: row.try_get(3)?,
            rows_per_page: part.way.rows_per_page(),
            cached_rows: u64::try_from(quarter / width).unwrap_or(MOST_WINDOW),
            is_key: part.way.is_key,
            is_written: !part.written().is_empty(),
        })
    }

    /// Whether neighbours by key are neighbours on disk.
    fn is_in_order(&self) -> bool {
        match self.correlation {
            Some(correlation) => correlation.abs() >= RANDOM_BELOW,
            None => !self.is_uuid,
        }
    }

    /// How many stripes the next window gets, while the oldest snapshot on the server is as old as
    /// `oldest`. A power of two.
    #[must_use]
    pub fn stripes(&self, oldest: Duration) -> i32 {
        let in_vain = !self.is_key
            || !self.is_written
            || self.is_indexed
            || !self.is_in_order()
            || oldest.as_secs_f64() > OLD_SNAPSHOT_S;
        match self.free {
            _any if in_vain => 1,
            // What is free already takes the first stripe in.
            free if free >= 0.5 => 2,
            free if free >= 0.25 => 4,
            // No more than there are rows on a page.
            _full => MOST.min(power_of_two(self.rows_per_page)),
        }
    }

    /// How many rows the next window gets, at `rate` rows per second.
    ///
    /// Between two stripes the transactions that could see what the first one left must have ended.
    #[must_use]
    pub fn window(&self, stripes: i32, oldest: Duration, rate: Option<f64>) -> u64 {
        let spacing = (2.0 * oldest.as_secs_f64()).clamp(LEAST_SPACING_S, OLD_SNAPSHOT_S);
        let rows = rate.map_or(FIRST_WINDOW, |rate| whole(rate * spacing * f64::from(stripes)));
        let most = self.cached_rows.clamp(LEAST_WINDOW, MOST_WINDOW);
        rows.clamp(LEAST_WINDOW, most)
    }
}

/// The greatest power of two that is not greater.
fn power_of_two(rows: u64) -> i32 {
    1 << rows.clamp(1, 1 << 16).ilog2()
}

/// Rows as a whole number; far below what a u64 holds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits before"
)]
fn whole(rows: f64) -> u64 {
    rows.clamp(0.0, 1e12) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    fn ground() -> Ground {
        Ground {
            free: 0.0,
            correlation: Some(1.0),
            is_uuid: false,
            is_indexed: false,
            rows_per_page: 40,
            cached_rows: 400_000,
            is_key: true,
            is_written: true,
        }
    }

    #[test]
    fn stripes_are_for_full_pages_in_key_order() {
        assert_eq!(ground().stripes(SOON), 16);
        assert_eq!(Ground { free: 0.1, ..ground() }.stripes(SOON), 16);
        assert_eq!(Ground { rows_per_page: 15, ..ground() }.stripes(SOON), 8);
        assert_eq!(Ground { rows_per_page: 1, ..ground() }.stripes(SOON), 1);
        assert_eq!(Ground { free: 0.3, ..ground() }.stripes(SOON), 4);
        assert_eq!(Ground { free: 0.5, ..ground() }.stripes(SOON), 2);
        assert_eq!(Ground { is_indexed: true, ..ground() }.stripes(SOON), 1);
        assert_eq!(Ground { is_key: false, ..ground() }.stripes(SOON), 1);
        assert_eq!(Ground { is_written: false, ..ground() }.stripes(SOON), 1);
        assert_eq!(Ground { correlation: Some(-0.02), ..ground() }.stripes(SOON), 1);
        let uuid = Ground { correlation: None, is_uuid: true, ..ground() };
        assert_eq!(uuid.stripes(SOON), 1);
        let in_time_order = Ground { correlation: Some(0.99), is_uuid: true, ..ground() };
        assert_eq!(in_time_order.stripes(SOON), 16, "a uuid that begins with the time");
        assert_eq!(ground().stripes(Duration::from_secs(60)), 1, "nothing would be pruned");
    }

    #[test]
    fn a_window_lasts_longer_than_the_transactions_beside_it() {
        assert_eq!(ground().window(8, SOON, None), 100_000);
        assert_eq!(ground().window(8, SOON, Some(50_000.0)), 200_000);
        assert_eq!(
            ground().window(8, Duration::from_secs(1), Some(50_000.0)),
            400_000,
            "the cache"
        );
        assert_eq!(ground().window(8, SOON, Some(100.0)), 10_000);
        assert_eq!(ground().window(1, SOON, Some(50_000.0)), 25_000);
    }
}
