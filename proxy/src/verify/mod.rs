//! Compares the old column with the new one, exactly, while the application goes on writing.
//!
//! Each stretch of the primary key is one statement, so both sides are seen in one snapshot, and a
//! write of both sides is one commit: a difference is a real one. The comparison is byte by byte.

pub mod whole;

use tokio_postgres::Client;

use crate::backfill::columns::{Columns, Key, Range, key_of, step};

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
    columns: &Columns,
    report: &mut (dyn FnMut(&Verdict) + Send),
) -> Result<Verdict, tokio_postgres::Error> {
    client.batch_execute("SET row_security = off").await?;
    let mut verdict = Verdict::default();
    let mut after: Option<Key> = None;
    loop {
        let rest = Range { after: after.as_ref(), up_to: None };
        let (next, rows) = step(client, columns, rest, CHUNK_ROWS).await?;
        let chunk = Range { after: after.as_ref(), up_to: next.as_ref() };
        compare(client, columns, chunk, &mut verdict).await?;
        verdict.compared += rows;
        report(&verdict);
        if next.is_none() {
            break;
        }
        after = next;
    }
    client.batch_execute("RESET row_security").await?;
    Ok(verdict)
}

/// Compares one stretch in one statement: the number of differing rows and the first keys.
async fn compare(
    client: &Client,
    columns: &Columns,
    chunk: Range<'_>,
    verdict: &mut Verdict,
) -> Result<(), tokio_postgres::Error> {
    let wanted = SAMPLES.saturating_sub(verdict.samples.len());
    let sql = format!(
        "SELECT count(*) OVER (), {} FROM {} AS t WHERE {} AND {} ORDER BY {} LIMIT {}",
        columns.key_as_text(),
        columns.relation(),
        columns.within(chunk),
        columns.differ(),
        columns.order(""),
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

#[cfg(test)]
mod tests;
