//! Rows that cannot be copied: found by dividing the batch, written down, and skipped or not.

use std::time::Duration;

use std::sync::atomic::Ordering;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::batch::{NotDone, Place, Rows};
use super::worker::{WAIT_MS, Worker};
use super::{BackfillError, MOST_FAILURES};
use crate::config::OnError;
use crate::journal::backfill::{Failure, fail};
use crate::walk::manners::{Meaning, backoff, chance, meaning};
use crate::walk::{Key, Part, Stretch};

impl Worker {
    /// Copies a batch in which some row cannot be copied: half of it, the other half, and so on down
    /// to that row.
    pub(super) async fn one_by_one(
        &mut self,
        part: &Part,
        rows: Rows<'_>,
        place: Place<'_>,
    ) -> Result<u64, BackfillError> {
        let keys = self.keys(part, &rows).await?;
        let mut changed = 0;
        // A row that was tried again, since what it refers to was gone: it may be gone itself.
        let mut again = None;
        // What is still to be copied: from, to (excluded), the first part of the batch on top.
        let mut open = vec![(0, keys.len())];
        while let Some((from, to)) = open.pop() {
            let last = keys.get(..to).and_then(<[Key]>::last);
            let Some(last) = last.filter(|_| from < to) else { continue };
            let before = keys.get(..from).and_then(<[Key]>::last).or(rows.stretch.after);
            let half = Rows { stretch: Stretch { after: before, up_to: Some(last) }, ..rows };
            let within = Place { key: last, passed: 0, ..place };
            // What cannot be copied of another table is that one's fault.
            let copying = self.copying(part, &half, false);
            match self.connection.run(&copying, half, within).await {
                Ok(written) => changed += written,
                Err(NotDone::End(error)) => return Err(error),
                Err(NotDone::Wait) => {
                    open.push((from, to));
                    tokio::time::sleep(Duration::from_millis(WAIT_MS)).await;
                    self.crew.may_work().await;
                }
                Err(NotDone::Server(error)) => match meaning(&error) {
                    // A trigger that takes its time, for a single row longer than any row should.
                    Meaning::GiveWay if is_slow(&error) && to - from == 1 => {
                        self.fail(part, last, &error).await?;
                    }
                    Meaning::GiveWay if !is_slow(&error) => {
                        open.push((from, to));
                        self.crew.tally.retries.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(backoff(1, chance())).await;
                    }
                    Meaning::OfARow if is_gone(&error) && again != Some(from) => {
                        again = Some(from);
                        open.push((from, to));
                    }
                    Meaning::OfARow if to - from == 1 => self.fail(part, last, &error).await?,
                    Meaning::OfARow | Meaning::GiveWay => {
                        let middle = from + (to - from) / 2;
                        open.push((middle, to));
                        open.push((from, middle));
                    }
                    Meaning::Lost | Meaning::Final => return Err(error.into()),
                },
            }
        }
        Ok(changed)
    }

    /// The keys of a batch, in their order.
    async fn keys(&self, part: &Part, rows: &Rows<'_>) -> Result<Vec<Key>, BackfillError> {
        let key = &part.way.key;
        let sql = format!(
            "SELECT {} FROM {} AS t WHERE {} AND {} ORDER BY {}",
            key.as_text(),
            part.relation,
            rows.within(key),
            rows.stripe().unwrap_or_else(|| "true".to_owned()),
            key.order(""),
        );
        let mask = rows.stripes - 1;
        let values = rows.values(&mask);
        let found = self.patiently(|| self.connection.client().query_typed(&sql, &values)).await?;
        Ok(found.iter().map(|row| crate::walk::key::key_of(row, 0)).collect::<Result<_, _>>()?)
    }

    /// Writes down a row that cannot be copied, and goes on or not.
    async fn fail(&self, part: &Part, key: &Key, error: &Error) -> Result<(), BackfillError> {
        let said = error.as_db_error();
        let failure = Failure {
            part: part.name.to_string(),
            key: part.way.key.told(key),
            sqlstate: error.code().map(|state| state.code().to_owned()).unwrap_or_default(),
            message: said.map_or_else(|| error.to_string(), |said| said.message().to_owned()),
        };
        let (client, migration) = (self.connection.client(), &self.claim.migration);
        let failures = fail(client, migration, &failure).await?;
        self.crew.failed(failure.clone());
        match self.on_error {
            OnError::Stop => Err(BackfillError::Row(failure)),
            OnError::Skip if failures > MOST_FAILURES => Err(BackfillError::TooManyFailures),
            OnError::Skip => Ok(()),
        }
    }
}

fn is_slow(error: &Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}

/// Whether the row that a half belongs to was deleted while it was copied.
fn is_gone(error: &Error) -> bool {
    error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION)
}
