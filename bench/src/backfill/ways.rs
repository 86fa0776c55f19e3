//! The ways to fill a column: those that are usually written, and segue's.

use std::sync::Arc;

use segue::backfill::{self, Order};
use segue::config::ControlUrl;
use segue::verify;
use tokio_postgres::Client;

use super::subject::Subject;
use crate::fault::Fault;

/// Rows of a batch of the ways that have a fixed one.
const BATCH: i64 = 5_000;

/// How the column is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Way {
    /// `segue backfill --no-throttle`.
    Segue,
    /// `WHERE id > $1 AND id <= $2`, 5,000 at a time.
    KeyRanges,
    /// `… LIMIT 5000` of what nobody has copied yet, until nothing is left.
    Loop,
    /// The same from a worker, by a CTE.
    Worker,
    /// One statement for the whole table.
    Single,
    /// `segue verify --no-throttle` of the table that is filled.
    Verify,
}

impl Way {
    pub(super) const ALL: [Self; 6] =
        [Self::Segue, Self::KeyRanges, Self::Loop, Self::Worker, Self::Single, Self::Verify];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Segue => "segue backfill",
            Self::KeyRanges => "key ranges of 5,000",
            Self::Loop => "loop: … LIMIT 5000",
            Self::Worker => "worker: CTE … LIMIT 5000",
            Self::Single => "one statement",
            Self::Verify => "segue verify",
        }
    }

    /// Whether it looks at everything again for each batch.
    pub(super) fn is_naive(self) -> bool {
        matches!(self, Self::Loop | Self::Worker)
    }

    pub(super) async fn run(
        self,
        subject: &Subject,
        client: &Client,
        control: &ControlUrl,
        rows: i64,
    ) -> Result<(), Fault> {
        match self {
            Self::Segue => {
                let order = Order { throttle: false, ..Order::of(subject.migration, "the bench") };
                let nobody: backfill::job::Clients = Arc::new(|_| None);
                let done = backfill::run(control, &order, &nobody, &mut |event| {
                    if std::env::var_os("SEGUE_BENCH_TRACE").is_some() {
                        eprintln!(
                            "{:?} {event:?}",
                            std::time::SystemTime::now()
                                .duration_since(std::time::UNIX_EPOCH)
                                .unwrap_or_default()
                                .as_millis()
                                % 1000000
                        )
                    }
                })
                .await;
                done.map_err(|error| Fault::Other(error.with_hint()))?;
            }
            Self::KeyRanges => {
                let range = client.prepare(subject.range).await?;
                let mut from = 0;
                while from < rows {
                    client.execute(&range, &[&from, &(from + BATCH)]).await?;
                    from += BATCH;
                }
            }
            Self::Loop => {
                for batch in subject.batches {
                    while client.execute(*batch, &[]).await? > 0 {}
                }
            }
            Self::Worker => {
                let batch = client.prepare(subject.worker.unwrap_or_default()).await?;
                while client.execute(&batch, &[&BATCH]).await? > 0 {}
            }
            Self::Single => {
                client.execute(subject.single, &[]).await?;
            }
            Self::Verify => {
                let order = verify::Order {
                    throttle: false,
                    ..verify::Order::of(subject.migration, "the bench")
                };
                let nobody: backfill::job::Clients = Arc::new(|_| None);
                let done = verify::run(control, &order, &nobody, &mut |_| ()).await;
                done.map_err(|error| Fault::Other(error.with_hint()))?;
            }
        }
        Ok(())
    }
}
