//! Compares the old column with the new one, exactly, while the application goes on writing.
//!
//! Each stretch of the primary key is one statement, so both sides are seen in one snapshot, and a
//! write of both sides is one commit: a difference is a real one. The comparison is byte by byte.

pub mod whole;

use tokio_postgres::Client;

use crate::walk::key::key_of;
use crate::walk::way::place_after;
use crate::walk::{Key, Part, Stretch, Work};

/// Rows compared by one statement: some tens of milliseconds, too short to hold back vacuum.
/// Unit: rows.
pub const CHUNK_ROWS: u64 = 20_000;

/// Keys of differing rows that are kept to be shown. Unit: rows.
pub const SAMPLES: usize = 10;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Rows compared.
    pub compared: u64,
    /// Rows whose two sides differ.
    pub diverged: u64,
    /// Keys of the first of them, at most [`SAMPLES`].
    pub samples: Vec<Key>,
}

impl Verdict {
    /// Are both sides equal everywhere?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.diverged == 0
    }
}

/// Compares the whole table; `report` is called after each stretch.
///
/// Cancel safe: only reads.
///
/// # Errors
/// The server's; a policy that hides rows is one of them.
pub async fn run(
    client: &Client,
    work: &Work,
    report: &mut (dyn FnMut(&Verdict) + Send),
) -> Result<Verdict, tokio_postgres::Error> {
    client.batch_execute("SET row_security = off").await?;
    let mut verdict = Verdict::default();
    for part in &work.parts {
        let mut after: Option<Key> = None;
        loop {
            let rest = Stretch { after: after.as_ref(), up_to: None };
            let (next, rows) = step(client, part, rest).await?;
            let chunk = Stretch { after: after.as_ref(), up_to: next.as_ref() };
            compare(client, work, part, chunk, &mut verdict).await?;
            verdict.compared += rows;
            report(&verdict);
            if next.is_none() {
                break;
            }
            after = next;
        }
    }
    client.batch_execute("RESET row_security").await?;
    Ok(verdict)
}

/// The key [`CHUNK_ROWS`] rows further on, `None` at the end, and the number of rows up to there.
async fn step(
    client: &Client,
    part: &Part,
    rest: Stretch<'_>,
) -> Result<(Option<Key>, u64), tokio_postgres::Error> {
    if !part.way.is_key {
        let page = rest.after.and_then(crate::walk::way::page_of).map_or(0, |page| page + 1);
        let next = page + (CHUNK_ROWS / part.way.rows_per_page()).max(1);
        let rows = next.min(part.way.pages).saturating_sub(page) * part.way.rows_per_page();
        return Ok(((next <= part.way.pages).then(|| place_after(next - 1)), rows));
    }
    let chunk = i64::try_from(CHUNK_ROWS).unwrap_or(i64::MAX);
    let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&chunk, &chunk];
    values.extend(rest.parameters());
    let found = client.query(&part.way.steps(&part.relation, rest, "true"), &values).await?;
    let Some(row) = found.last() else { return Ok((None, 0)) };
    let rows: i64 = row.try_get(0)?;
    let next = (rows == chunk).then(|| key_of(row, 2)).transpose()?;
    Ok((next, u64::try_from(rows).unwrap_or(0)))
}

/// Compares one stretch in one statement: the number of differing rows and the first keys.
async fn compare(
    client: &Client,
    work: &Work,
    part: &Part,
    chunk: Stretch<'_>,
    verdict: &mut Verdict,
) -> Result<(), tokio_postgres::Error> {
    let wanted = SAMPLES.saturating_sub(verdict.samples.len());
    let key = &part.way.key;
    let sql = format!(
        "SELECT count(*) OVER (), {} FROM {} AS t WHERE {} AND {} ORDER BY {} LIMIT {}",
        key.as_text(),
        part.relation,
        key.within(chunk, 1),
        work.differs,
        key.order(""),
        // One row is needed for the count even when no more samples are.
        wanted.max(1),
    );
    let rows = client.query(&sql, &chunk.parameters()).await?;
    if let Some(first) = rows.first() {
        let differing: i64 = first.try_get(0)?;
        verdict.diverged += u64::try_from(differing).unwrap_or(0);
    }
    for row in rows.iter().take(wanted) {
        verdict.samples.push(key_of(row, 1)?);
    }
    Ok(())
}
