//! By which key a table is walked through, and what its pages look like.

use rewrite_rules::name::quoted;
use tokio_postgres::{Client, Error};

use super::key::{Columns, Key, KeyColumn, Stretch, key_of};

/// How a table is walked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// The key's columns; the place of a row where there is no key.
    pub key: Columns,
    /// Whether that is a real key: unique, never NULL, in the order of an index.
    pub is_key: bool,
    /// Pages of the table. Unit: blocks.
    pub pages: u64,
    /// Rows, as far as the planner knows.
    pub rows: u64,
}

/// Key columns of the best index to walk by: unique, valid, over plain columns that are never NULL,
/// in the usual order of their types, and without the columns that are written on the way. What compares
/// a type of an extension may not be on the search path, where another comparison would be found.
const KEY: &str = "
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, -1)
    FROM (SELECT i.indexrelid, i.indrelid, i.indkey
          FROM pg_catalog.pg_index i
          JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
          JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
          WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indisready
            AND i.indpred IS NULL AND i.indexprs IS NULL
            AND NOT EXISTS (
                SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) place
                JOIN pg_catalog.pg_attribute a
                  ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place]
                JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[place]
                WHERE NOT a.attnotnull OR a.attname = ANY ($2::text[]) OR NOT o.opcdefault
                   OR o.opcnamespace <> 'pg_catalog'::regnamespace
                   OR i.indcollation[place] <> a.attcollation
                   OR i.indoption[place] <> i.indoption[0])
          ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) best
    CROSS JOIN LATERAL pg_catalog.generate_series(
        0, (SELECT indnkeyatts - 1 FROM pg_catalog.pg_index b WHERE b.indexrelid = best.indexrelid)) place
    JOIN pg_catalog.pg_attribute a ON a.attrelid = best.indrelid AND a.attnum = best.indkey[place]
    ORDER BY place";

const SIZE: &str = "
    SELECT (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8)::int8,
           c.reltuples::int8, c.relpages
    FROM pg_catalog.pg_class c WHERE c.oid = $1";

impl Way {
    /// The best way through the table with this oid, whose columns `written` are written meanwhile.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn find(client: &Client, table: u32, written: &[String]) -> Result<Self, Error> {
        let rows = client.query(KEY, &[&table, &written]).await?;
        let key = rows
            .iter()
            .map(|row| Ok(KeyColumn { name: row.try_get(0)?, type_name: row.try_get(1)? }))
            .collect::<Result<Vec<_>, Error>>()?;
        let size = client.query_one(SIZE, &[&table]).await?;
        let (pages, known, known_pages): (i64, i64, i32) =
            (size.try_get(0)?, size.try_get(1)?, size.try_get(2)?);
        let pages = u64::try_from(pages).unwrap_or(0);
        let rows = estimate(pages, known, known_pages);
        Ok(match key.is_empty() {
            false => Self { key: Columns(key), is_key: true, pages, rows },
            true => Self { key: Columns::place(), is_key: false, pages, rows },
        })
    }

    /// The greatest key there is, `None` if there is no row.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn end(&self, client: &Client, relation: &str) -> Result<Option<Key>, Error> {
        if !self.is_key {
            return Ok(self.pages.checked_sub(1).map(place_after));
        }
        let sql = format!(
            "SELECT {} FROM {relation} AS t ORDER BY {} LIMIT 1",
            self.key.as_text(),
            self.key.order(" DESC"),
        );
        client.query_opt(&sql, &[]).await?.map(|row| key_of(&row, 0)).transpose()
    }

    /// Keys that divide what there is into about `shares` equal shares; fewer where there are few rows.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn divide(
        &self,
        client: &Client,
        relation: &str,
        shares: u64,
    ) -> Result<Vec<Key>, Error> {
        if shares < 2 || self.rows < shares * SHARE_ROWS {
            return Ok(Vec::new());
        }
        if !self.is_key {
            let share = (self.pages / shares).max(1);
            let ends = (1..shares).map(|number| number * share);
            return Ok(ends.filter(|end| *end < self.pages).map(place_after).collect());
        }
        let percent = (shares * 100 * 500).checked_div(self.rows).unwrap_or(0).clamp(1, 100);
        let sql = format!(
            "SELECT {} FROM {relation} AS t TABLESAMPLE SYSTEM ({percent}) ORDER BY {}",
            self.key.as_text(),
            self.key.order(""),
        );
        let sample = client.query(&sql, &[]).await?;
        let share = sample.len() / usize::try_from(shares).unwrap_or(usize::MAX);
        if share == 0 {
            return Ok(Vec::new());
        }
        let ends = sample.iter().skip(share).step_by(share);
        let wanted = usize::try_from(shares).unwrap_or(usize::MAX).saturating_sub(1);
        ends.take(wanted).map(|row| key_of(row, 0)).collect()
    }

    /// The key `rows` rows further on in a stretch, `None` if there are no so many.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn step(
        &self,
        client: &Client,
        relation: &str,
        stretch: Stretch<'_>,
        rows: u64,
    ) -> Result<Option<Key>, Error> {
        let sql = format!(
            "SELECT {} FROM {relation} AS t WHERE {} ORDER BY {} OFFSET {} LIMIT 1",
            self.key.as_text(),
            self.key.within(stretch, 1),
            self.key.order(""),
            rows.saturating_sub(1),
        );
        let row = client.query_opt(&sql, &stretch.parameters()).await?;
        row.map(|row| key_of(&row, 0)).transpose()
    }

    /// SQL for the steps through a stretch of what is selected `from`: every `$1`-th of the next `$2` rows,
    /// and the last one, each with its number, how many up to it fulfil `wanted`, and its key. The bounds of
    /// the stretch are the parameters from `$3` on.
    #[must_use]
    pub fn steps(&self, from: &str, stretch: Stretch<'_>, wanted: &str) -> String {
        let numbered = self.key.0.iter().enumerate();
        let named: Vec<String> = numbered
            .clone()
            .map(|(at, column)| format!("t.{} AS k{at}", quoted(&column.name)))
            .collect();
        let list = |item: fn(usize) -> String| {
            numbered.clone().map(|(at, _)| item(at)).collect::<Vec<_>>().join(", ")
        };
        format!(
            "SELECT s.n, s.wanted, {texts}
             FROM (SELECT pg_catalog.row_number() OVER w AS n,
                          pg_catalog.count(*) FILTER (WHERE t.wanted) OVER w AS wanted,
                          pg_catalog.lead(true) OVER w IS NULL AS is_last, {names}
                   FROM (SELECT {named}, ({wanted}) AS wanted FROM {from}
                         WHERE {within} ORDER BY {order} LIMIT $2::int8) t
                   WINDOW w AS (ORDER BY {names} ROWS UNBOUNDED PRECEDING)) s
             WHERE s.n % $1::int8 = 0 OR s.is_last ORDER BY s.n",
            texts = list(|at| format!("s.k{at}::text")),
            names = list(|at| format!("t.k{at}")),
            named = named.join(", "),
            within = self.key.within(stretch, 3),
            order = self.key.order(""),
        )
    }

    /// Rows on a page, as far as the planner knows.
    #[must_use]
    pub fn rows_per_page(&self) -> u64 {
        self.rows.checked_div(self.pages).unwrap_or(1).clamp(1, 1_000)
    }
}

/// Fewer rows are not worth a connection of their own. Unit: rows.
const SHARE_ROWS: u64 = 5_000;

/// A place after every row of page `page` and before all of the next one.
#[must_use]
pub fn place_after(page: u64) -> Key {
    vec![format!("({page},65535)")]
}

/// The page of a place.
#[must_use]
pub fn page_of(key: &Key) -> Option<u64> {
    key.first()?.strip_prefix('(')?.split(',').next()?.parse().ok()
}

/// Rows in `pages` pages, if there were `known` in `known_pages` when that was last looked at.
fn estimate(pages: u64, known: i64, known_pages: i32) -> u64 {
    /// What a page holds of rows of the usual width, for tables that were never analyzed.
    const USUAL_ROWS: u64 = 60;
    match (u64::try_from(known), u64::try_from(known_pages)) {
        (Ok(known), Ok(known_pages)) if known_pages > 0 => {
            u64::try_from(u128::from(known) * u128::from(pages) / u128::from(known_pages))
                .unwrap_or(known)
        }
        _never => pages.saturating_mul(USUAL_ROWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_grows_with_the_table() {
        assert_eq!(estimate(20, 1_000, 10), 2_000);
        assert_eq!(estimate(10, -1, 0), 600);
        assert_eq!(estimate(0, 0, 0), 0);
    }

    #[test]
    fn places_are_read_back() {
        assert_eq!(page_of(&place_after(7)), Some(7));
        assert_eq!(page_of(&vec!["x".to_owned()]), None);
    }
}
