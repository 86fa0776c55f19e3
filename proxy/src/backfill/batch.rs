//! One batch: a transaction that holds the phase, copies rows, and writes up to where it is done.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::BackfillError;
use crate::journal::backfill::GUARD;
use crate::journal::range::MOVE_ON;
use crate::walk;
use crate::walk::key::Columns;
use crate::walk::{Key, Stretch};

/// What a worker's session tells the server besides. Bitmaps would lock rows in the order of the disk.
const SESSION: &str = "
    SET application_name = 'segue backfill';
    SET statement_timeout = '60s';
    SET enable_bitmapscan = off";

/// Whose backfill it is, and in which epoch it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) migration: String,
    pub(super) epoch: i64,
    pub(super) runner: String,
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(super) enum NotDone {
    /// It should wait: nothing has changed.
    Wait,
    /// The whole backfill ends.
    End(BackfillError),
    /// The server says so.
    Server(Error),
}

impl From<Error> for NotDone {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// A connection, with what each batch says to the journal.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    guard: Statement,
    move_on: Statement,
    claim: Claim,
}

/// The rows that a batch is about: those of a stretch whose key falls into a stripe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) stretch: Stretch<'a>,
    pub(super) stripe: i32,
    pub(super) stripes: i32,
}

/// The statements that copy them; all have their parameters.
#[derive(Debug, Clone)]
pub(super) struct Copying {
    /// What is locked first, if anything.
    pub(super) lock: Option<String>,
    /// What is written, one after the other.
    pub(super) write: Vec<String>,
}

/// Where a batch is in its range, once it is committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) range: i32,
    pub(super) key: &'a Key,
    pub(super) stripe: i32,
    /// Rows that count as looked at.
    pub(super) passed: i64,
}

impl Rows<'_> {
    /// The condition that a row is in the stretch, with its parameters from `$1` on.
    pub(super) fn within(&self, key: &Columns) -> String {
        key.within(self.stretch, 1)
    }

    /// The condition that it falls into the stripe, with the two parameters after those, if there are
    /// several stripes.
    ///
    /// By the number of its line on its page, so that each stripe takes the same share of each page: by a
    /// hash of the key some would take twice as much as the one before has left free. A row that is
    /// written meanwhile may move to a line of a stripe that is over; the sweep finds it.
    pub(super) fn stripe(&self) -> Option<String> {
        let first = self.stretch.parameters().len() + 1;
        let line = "pg_catalog.get_byte(pg_catalog.tidsend(t.ctid), 5)";
        let condition = || format!("{line} & ${first}::int4 = ${}::int4", first + 1);
        (self.stripes > 1).then(condition)
    }

    /// The values of those, with their types.
    pub(super) fn values<'a>(&'a self, mask: &'a i32) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
        let bounds = self.stretch.parameters().into_iter().map(|bound| (bound, Type::TEXT));
        let mut values: Vec<_> = bounds.collect();
        if self.stripes > 1 {
            values.push((mask, Type::INT4));
            values.push((&self.stripe, Type::INT4));
        }
        values
    }
}

impl Connection {
    pub(super) async fn new(client: Client, claim: Claim) -> Result<Self, Error> {
        client.batch_execute(&format!("{}{SESSION}", walk::SESSION)).await?;
        let (guard, move_on) = (client.prepare(GUARD).await?, client.prepare(MOVE_ON).await?);
        Ok(Self { client, guard, move_on, claim })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Process id of its backend.
    pub(super) async fn backend(&self) -> Result<i32, Error> {
        self.client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)
    }

    /// Copies `rows`, and moves on to `place`. Gives how many rows were changed.
    ///
    /// Cancel safety: the connection must not be used any more, and nothing of the batch is there.
    pub(super) async fn run(
        &mut self,
        copying: &Copying,
        rows: Rows<'_>,
        place: Place<'_>,
    ) -> Result<u64, NotDone> {
        let mask = rows.stripes - 1;
        let begin = match rows.stretch.up_to {
            Some(_) => "BEGIN; SET LOCAL statement_timeout = '5s'",
            // All of it in one statement: long to find, little to lock.
            None => "BEGIN; SET LOCAL statement_timeout = '30min'",
        };
        // Sent together, so that rows are not locked for longer than the server needs. What names rows is planned for its
        // bounds, not prepared: a plan for any bounds may read the whole table. To have the session say so
        // (`plan_cache_mode`) would plan each query of each trigger anew too, those of foreign keys among them.
        let client = &self.client;
        let values = rows.values(&mask);
        let (begun, guarded, locked, changed) = tokio::join!(
            client.batch_execute(begin),
            async { client.query_opt(&self.guard, &[&self.claim.migration]).await },
            async {
                match &copying.lock {
                    Some(lock) => client.query_typed(lock, &values).await.map(|_rows| ()),
                    None => Ok(()),
                }
            },
            async {
                let mut changed = 0;
                for write in &copying.write {
                    changed += client.execute_typed(write, &values).await?;
                }
                Ok::<u64, Error>(changed)
            },
        );
        let done = async {
            begun?;
            self.may_go_on(guarded?)?;
            locked?;
            let changed = changed?;
            crate::failpoint!("backfill-copied");
            let written = i64::try_from(changed).unwrap_or(i64::MAX);
            let values: [&(dyn ToSql + Sync); 6] = [
                &self.claim.migration,
                &place.range,
                place.key,
                &place.stripe,
                &place.passed,
                &written,
            ];
            let (moved, committed) = tokio::join!(
                client.execute(&self.move_on, &values),
                client.batch_execute("COMMIT")
            );
            moved?;
            committed?;
            crate::failpoint!("backfill-committed");
            Ok(changed)
        };
        let done: Result<u64, NotDone> = done.await;
        if done.is_err() {
            // An error here says no more than the one before.
            let _ = client.batch_execute("ROLLBACK").await;
        }
        done
    }

    /// Whether the batch may be committed, by what the guard tells.
    fn may_go_on(&self, guarded: Option<Row>) -> Result<(), NotDone> {
        let Claim { migration, epoch, runner } = &self.claim;
        let end = |error| Err(NotDone::End(error));
        let Some(row) = guarded else {
            return end(BackfillError::PhaseLeft(migration.clone()));
        };
        let (in_epoch, by): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (wish, wished_by): (Option<String>, Option<String>) =
            (row.try_get(2)?, row.try_get(3)?);
        let frozen_by: Option<String> = row.try_get(4)?;
        if in_epoch != *epoch {
            return end(BackfillError::PhaseLeft(migration.clone()));
        }
        if by != *runner {
            return end(BackfillError::TakenOver);
        }
        match wish.as_deref() {
            Some("cancel") => end(BackfillError::Cancelled(wished_by)),
            Some(_pause) => Err(NotDone::Wait),
            None if frozen_by.is_some() => Err(NotDone::Wait),
            None => Ok(()),
        }
    }
}
