//! Makes rows that differ equal: by key, in small transactions that hold the migration's phase.

use std::time::{Duration, Instant};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row};

use super::VerifyError;
use super::session::{BLOCKED_DEADLINE_S, Session};
use crate::journal::verify::GUARD;
use crate::walk::manners::{Meaning, backoff, chance, meaning, said};
use crate::walk::want::{Found, Want};
use crate::walk::{Key, Part, Stretch};

/// Rows of one transaction: a client waits for them as long as it takes. Unit: rows.
const BATCH_ROWS: usize = 100;

/// Rows of one stretch that are mended at once; a table without a key is one stretch. Unit: rows.
const MOST_ROWS: u64 = 50_000;

/// How long a transaction that should wait waits before it asks again. Unit: milliseconds.
const WAIT_MS: u64 = 250;

/// Whose comparison it is, and in which epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) migration: String,
    pub(super) epoch: i64,
    pub(super) runner: String,
}

/// What has come of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mended {
    pub(super) rows: u64,
    /// Rows that refused, by key, and why.
    pub(super) refused: Vec<(Key, String)>,
}

/// Why a transaction was not committed.
enum NotDone {
    Wait,
    End(VerifyError),
    Server(Error),
}

impl From<Error> for NotDone {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// Mends the rows of a stretch that differ.
///
/// Cancel safety: the connection must not be used any more; what was committed stays.
pub(super) async fn mend(
    session: &mut Session,
    part: &Part,
    stretch: Stretch<'_>,
    want: &Want,
    claim: &Claim,
) -> Result<Mended, VerifyError> {
    let keys = session.keys(part, stretch, true, MOST_ROWS).await?;
    let mut mended = Mended::default();
    let Some(mending) = Mending::of(part, want) else {
        let refused = |key| (key, "the other side has no row for it".to_owned());
        return Ok(Mended { refused: keys.into_iter().map(refused).collect(), ..mended });
    };
    for batch in keys.chunks(BATCH_ROWS) {
        let begun = Instant::now();
        let mut attempt = 0;
        // What is still to be mended, the first part of the batch on top.
        let mut open = vec![batch];
        while let Some(rows) = open.pop() {
            let error = match write(&session.client, &mending, part, rows, claim).await {
                Ok(written) => {
                    mended.rows += written;
                    continue;
                }
                Err(NotDone::End(error)) => return Err(error),
                Err(NotDone::Wait) => {
                    open.push(rows);
                    tokio::time::sleep(Duration::from_millis(WAIT_MS)).await;
                    continue;
                }
                Err(NotDone::Server(error)) => error,
            };
            match (meaning(&error), rows) {
                (Meaning::GiveWay, _)
                    if begun.elapsed() < Duration::from_secs(BLOCKED_DEADLINE_S) =>
                {
                    open.push(rows);
                    attempt += 1;
                    tokio::time::sleep(backoff(attempt, chance())).await;
                }
                (Meaning::OfARow, [only]) => mended.refused.push((only.clone(), said(&error))),
                (Meaning::OfARow, _) => {
                    let (first, second) = rows.split_at(rows.len() / 2);
                    open.extend([second, first]);
                }
                (Meaning::GiveWay | Meaning::Lost | Meaning::Final, _) => return Err(error.into()),
            }
        }
    }
    Ok(mended)
}

/// The statements that mend rows; all take their keys, column by column.
struct Mending {
    lock: Option<String>,
    write: Vec<String>,
}

impl Mending {
    /// The difference is looked for again under the lock of the row: who has waited for a client's write
    /// sees what that has written.
    fn of(part: &Part, want: &Want) -> Option<Self> {
        let columns = || part.way.key.0.iter().enumerate();
        let list = |item: &dyn Fn(usize) -> String| {
            columns().map(|(at, _)| item(at)).collect::<Vec<_>>().join(", ")
        };
        let typed: Vec<String> =
            columns().map(|(at, column)| format!("k.k{at}::{}", column.type_name)).collect();
        let condition = format!(
            "({}) IN (SELECT {} FROM ROWS FROM ({}) AS k({})) AND {}",
            part.way.key.order(""),
            typed.join(", "),
            list(&|at| format!("pg_catalog.unnest(${}::text[])", at + 1)),
            list(&|at| format!("k{at}")),
            part.want.differs,
        );
        let from = want.from(&part.relation, &part.way, Stretch::default(), 1);
        let order = part.way.key.order("");
        let rows = Found { from: &from, condition: &condition, order: &order, others: "" };
        let write = want.write(&part.relation, rows, true);
        (!write.is_empty()).then(|| Self { lock: want.lock(rows, true), write })
    }
}

/// One transaction. Gives how many rows were changed.
async fn write(
    client: &Client,
    mending: &Mending,
    part: &Part,
    rows: &[Key],
    claim: &Claim,
) -> Result<u64, NotDone> {
    let columns: Vec<Vec<Option<&str>>> = (0..part.way.key.0.len())
        .map(|at| rows.iter().map(|key| key.get(at).map(String::as_str)).collect())
        .collect();
    let values: Vec<&(dyn ToSql + Sync)> =
        columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
    client.batch_execute("BEGIN; SET LOCAL statement_timeout = '5s'").await?;
    let written = async {
        may_go_on(client.query_opt(GUARD, &[&claim.migration]).await?, claim)?;
        if let Some(lock) = &mending.lock {
            client.query(lock, &values).await?;
        }
        let mut written = 0;
        for write in &mending.write {
            written += client.execute(write, &values).await?;
        }
        crate::failpoint!("verify-mended");
        client.batch_execute("COMMIT").await?;
        Ok(written)
    };
    let written: Result<u64, NotDone> = written.await;
    if written.is_err() {
        // An error here says no more than the one before.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    written
}

/// Whether the transaction may be committed, by what the guard tells.
fn may_go_on(guarded: Option<Row>, claim: &Claim) -> Result<(), NotDone> {
    let left = || NotDone::End(VerifyError::PhaseLeft(claim.migration.clone()));
    let row = guarded.ok_or_else(left)?;
    let (epoch, runner): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    let frozen_by: Option<String> = row.try_get(2)?;
    if epoch != claim.epoch {
        return Err(left());
    }
    if runner != claim.runner {
        return Err(NotDone::End(VerifyError::TakenOver));
    }
    if frozen_by.is_some() { Err(NotDone::Wait) } else { Ok(()) }
}
