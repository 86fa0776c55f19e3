//! What the workers of a backfill and their job tell each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::throttle::Duty;
use crate::journal::backfill::Failure;
use crate::journal::range::Range;
use crate::walk::manners::rows_as_f64;

/// Between one process, its workers and its job.
#[derive(Debug)]
pub(super) struct Crew {
    /// Ranges that nobody works on yet.
    ranges: Mutex<VecDeque<Range>>,
    duty: watch::Sender<Duty>,
    max_rate: Option<u64>,
    /// When the next row may be written, if there is a limit.
    free_from: Mutex<Instant>,
    /// Failures that were not told yet.
    failures: Mutex<Vec<Failure>>,
    pub(super) tally: Tally,
}

/// What was done in this pass.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: AtomicI64,
    pub(super) changed: AtomicI64,
    /// Rows that were dealt with by a sweep and are not as they should be all the same.
    pub(super) left: AtomicI64,
    pub(super) retries: AtomicU64,
    /// Whether a batch is waiting for a lock of the application.
    pub(super) blocked: AtomicBool,
    /// Age of the oldest snapshot on the server. Unit: milliseconds.
    pub(super) oldest_ms: AtomicU64,
    /// Rows per second. 0: not known.
    pub(super) rate: AtomicU64,
}

impl Crew {
    pub(super) fn new(ranges: Vec<Range>, duty: Duty, max_rate: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            ranges: Mutex::new(ranges.into()),
            duty: watch::Sender::new(duty),
            max_rate: max_rate.filter(|rate| *rate > 0),
            free_from: Mutex::new(Instant::now()),
            failures: Mutex::new(Vec::new()),
            tally: Tally::default(),
        })
    }

    /// The next range to work on.
    pub(super) fn next_range(&self) -> Option<Range> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Says what the workers are to do from now on.
    pub(super) fn set_duty(&self, duty: Duty) {
        self.duty.send_if_modified(|known| {
            let changes = *known != duty;
            *known = duty;
            changes
        });
    }

    /// Waits until work is allowed.
    pub(super) async fn may_work(&self) {
        let mut duty = self.duty.subscribe();
        let _ = duty.wait_for(|duty| matches!(duty, Duty::Work { .. })).await;
    }

    /// The time that one batch should take now.
    pub(super) fn batch(&self) -> Duration {
        self.duty.borrow().batch()
    }

    /// Rests after `rows` rows were written in a batch that took `work`.
    pub(super) async fn rest(&self, rows: u64, work: Duration) {
        let rest = self.duty.borrow().rest_after(work);
        let wait = self.limit(rows).max(rest);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait so that all workers together stay below the limit.
    fn limit(&self, rows: u64) -> Duration {
        let Some(rate) = self.max_rate else { return Duration::ZERO };
        let cost = Duration::from_secs_f64(rows_as_f64(rows) / rows_as_f64(rate));
        let now = Instant::now();
        let mut free_from = self.free_from.lock().unwrap_or_else(PoisonError::into_inner);
        *free_from = (*free_from).max(now) + cost;
        *free_from - now
    }

    pub(super) fn failed(&self, failure: Failure) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    /// The failures since the last time.
    pub(super) fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn passed(&self, passed: u64, changed: u64) {
        let add = |to: &AtomicI64, rows: u64| {
            to.fetch_add(i64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
        };
        add(&self.tally.passed, passed);
        add(&self.tally.changed, changed);
    }

    pub(super) fn oldest(&self) -> Duration {
        Duration::from_millis(self.tally.oldest_ms.load(Ordering::Relaxed))
    }

    pub(super) fn rate(&self) -> Option<f64> {
        Some(self.tally.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0).map(rows_as_f64)
    }
}
