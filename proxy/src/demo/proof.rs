//! The last word: every row of the tables against every write that the application saw acknowledged.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use tokio_postgres::{Client, Row};

use super::application::{Cell, Model, Record};
use super::recorder::Recording;

/// Rows that are described; the others are only counted. Unit: rows.
const KEPT: usize = 8;

/// How the tables compare with what must be in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// Rows that must be there.
    pub(super) expected: u64,
    /// Rows that are there.
    pub(super) found: u64,
    /// Acknowledged rows that are missing.
    pub(super) lost: u64,
    /// Rows that should have been deleted or were never written.
    pub(super) surplus: u64,
    /// Rows with another value than the last one acknowledged.
    pub(super) diverged: u64,
    /// Rows left out because an error made their state unknowable.
    pub(super) undecided: u64,
    /// The first of them, in words.
    pub(super) samples: Vec<String>,
}

impl Proof {
    /// Rows that are not as they must be.
    pub(super) fn bad(&self) -> u64 {
        self.lost + self.surplus + self.diverged
    }
}

/// Compares the rows that `sql` reads with what the workers know.
///
/// Cancel safe: only reads.
pub(super) async fn compare(
    client: &Client,
    sql: &str,
    models: Vec<Model>,
    recording: &Recording,
) -> Result<Proof, tokio_postgres::Error> {
    let mut expected: HashMap<i64, Record> =
        models.into_iter().flat_map(Model::into_rows).collect();
    let mut proof = Proof::default();
    for id in &recording.undecided {
        expected.remove(id);
        proof.undecided += 1;
    }
    proof.expected = count(expected.len());
    let no_parameters: [&i64; 0] = [];
    let mut rows = std::pin::pin!(client.query_raw(sql, no_parameters).await?);
    while let Some(row) = rows.try_next().await? {
        let id: i64 = row.try_get(0)?;
        if recording.undecided.contains(&id) {
            continue;
        }
        proof.found += 1;
        proof.judge(id, expected.remove(&id), &row)?;
    }
    proof.lost = count(expected.len());
    let mut lost: Vec<i64> = expected.into_keys().collect();
    lost.sort_unstable();
    for id in lost {
        proof.describe(|| format!("row {id} is lost"));
    }
    Ok(proof)
}

impl Proof {
    fn judge(
        &mut self,
        id: i64,
        expected: Option<Record>,
        row: &Row,
    ) -> Result<(), tokio_postgres::Error> {
        let Some(expected) = expected else {
            self.surplus += 1;
            self.describe(|| format!("row {id} should not be there"));
            return Ok(());
        };
        let cells: Vec<Cell> =
            (1..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>()?;
        let found = Record::new(cells);
        if found != expected {
            self.diverged += 1;
            self.describe(|| format!("row {id} is {found}, must be {expected}"));
        }
        Ok(())
    }

    fn describe(&mut self, text: impl FnOnce() -> String) {
        if self.samples.len() < KEPT {
            self.samples.push(text());
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
