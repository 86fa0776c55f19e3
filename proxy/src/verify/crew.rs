//! What the connections of a comparison and their job tell each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::backfill::throttle::Duty;
use crate::journal::verify::{Counts, Range};

/// Between one process, its connections and its job.
#[derive(Debug)]
pub(super) struct Crew {
    /// Ranges that nobody works on yet.
    ranges: Mutex<VecDeque<Range>>,
    duty: watch::Sender<Duty>,
    counts: Mutex<Counts>,
    /// Whether somebody waits for a lock on the table.
    pub(super) blocked: AtomicBool,
}

impl Crew {
    /// `counts` were done before.
    pub(super) fn new(ranges: Vec<Range>, duty: Duty, counts: Counts) -> Arc<Self> {
        Arc::new(Self {
            ranges: Mutex::new(ranges.into()),
            duty: watch::Sender::new(duty),
            counts: Mutex::new(counts),
            blocked: AtomicBool::new(false),
        })
    }

    /// The next range to work on.
    pub(super) fn next_range(&self) -> Option<Range> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Says what is to be done from now on.
    pub(super) fn set_duty(&self, duty: Duty) {
        self.duty.send_replace(duty);
    }

    /// Waits until work is allowed.
    pub(super) async fn may_work(&self) {
        let mut duty = self.duty.subscribe();
        let _ = duty.wait_for(|duty| matches!(duty, Duty::Work { .. })).await;
    }

    /// The time that one statement should take now.
    pub(super) fn batch(&self) -> Duration {
        self.duty.borrow().batch()
    }

    /// Rests after a statement that took `work`.
    pub(super) async fn rest(&self, work: Duration) {
        let rest = self.duty.borrow().rest_after(work);
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
    }

    pub(super) fn add(&self, shown: Counts) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts = counts.and(shown);
    }

    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }
}
