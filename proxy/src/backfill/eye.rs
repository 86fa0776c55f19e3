//! Looks at what the backfill could do harm to, and at who wants it to stand still.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_postgres::Client;

use super::BackfillError;
use super::crew::Crew;
use super::order::Order;
use super::signals::{Seen, Watch};
use super::start::Started;
use super::throttle::{Duty, Throttle};
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::backfill::{self as journal, Wish};

/// Looks at what the backfill could do harm to.
pub(super) struct Eye {
    client: Client,
    watch: Watch,
    throttle: Throttle,
    is_throttled: bool,
    order: Order,
}

impl Eye {
    pub(super) async fn open(
        control: &ControlUrl,
        order: &Order,
        before: Option<Seen>,
    ) -> Result<Self, BackfillError> {
        let client = catalog::connect(control).await?;
        client.batch_execute("SET application_name = 'segue backfill'").await?;
        Ok(Self {
            client,
            watch: Watch::default(),
            throttle: Throttle::new(order.rest, order.batch, before),
            is_throttled: order.throttle,
            order: order.clone(),
        })
    }

    /// What the workers are to do now.
    pub(super) async fn duty(
        &mut self,
        started: &Started,
        crew: &Crew,
        pids: &[i32],
        seen: Option<Seen>,
        since: Duration,
    ) -> Result<Duty, BackfillError> {
        let tables: Vec<u32> = started.work.parts.iter().map(|part| part.oid).collect();
        let mut signals = self.watch.look(&self.client, pids, &tables).await?;
        signals.p99_us = seen.map(|seen| seen.p99_us);
        let oldest_ms =
            Duration::try_from_secs_f64(signals.oldest_s).unwrap_or_default().as_millis();
        let oldest_ms = u64::try_from(oldest_ms).unwrap_or(u64::MAX);
        crew.tally.oldest_ms.store(oldest_ms, Ordering::Relaxed);
        let by_signals = self.throttle.learn(&signals, since);
        if let Some(reason) = self.told_to_wait(started).await? {
            return Ok(Duty::Stop { reason });
        }
        Ok(match self.is_throttled {
            true => by_signals,
            false => self.order.undisturbed(),
        })
    }

    /// Whether somebody has told it to stand still.
    async fn told_to_wait(&self, started: &Started) -> Result<Option<String>, BackfillError> {
        let migration = &started.claim.migration;
        if let Some(job) = journal::read(&self.client, migration).await? {
            let by = |who: &Option<String>| {
                who.as_ref().map_or(String::new(), |who| format!(" by {who}"))
            };
            match job.wish {
                Some(Wish::Cancel) => return Err(BackfillError::Cancelled(job.wished_by)),
                Some(Wish::Pause) => return Ok(Some(format!("paused{}", by(&job.wished_by)))),
                None => {}
            }
        }
        let frozen = "SELECT frozen_by FROM segue.fleet WHERE frozen_at IS NOT NULL";
        if let Some(row) = self.client.query_opt(frozen, &[]).await? {
            let by: Option<String> = row.try_get(0)?;
            return Ok(Some(format!("the fleet is frozen by {}", by.unwrap_or_default())));
        }
        Ok(match &self.order.pause_file {
            Some(path) if tokio::fs::try_exists(path).await.unwrap_or(false) => {
                Some(format!("{} exists", path.display()))
            }
            Some(_) | None => None,
        })
    }
}
