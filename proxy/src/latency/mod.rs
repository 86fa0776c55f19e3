//! How long the clients' requests took, lately: counted by the data plane, asked by anybody.
//!
//! Sessions only add one to a bucket ([`Latency::record`]): one relaxed atomic, no lock, nothing
//! allocated. The buckets only grow. Once a second [`keep`] notes where they stand, and a
//! [`Window`] is the difference between now and then: whoever asks takes nothing away from others,
//! and no session has to help.
//!
//! Not `hdrhistogram`, which the demo uses: its histogram is written through `&mut`, and the one that
//! may be shared wants a recorder for each session, which owns a histogram of its own and must be
//! waited for whenever somebody asks.

mod buckets;

use std::array;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use buckets::{BUCKETS, bucket, greatest};

/// Longest window that can be asked for. Unit: seconds.
pub const LONGEST_WINDOW_S: u64 = 60;

/// How often it is noted where the counts stand; a window is up to that much longer than asked for.
/// Unit: milliseconds.
pub const NOTE_MS: u64 = 1_000;

/// How long requests took. Of those to the governed database.
#[derive(Debug)]
pub struct Latency {
    clock: fn() -> Instant,
    counts: [AtomicU64; BUCKETS],
    /// Where they stood, oldest first; never empty. Sessions do not touch it. About 60 times 7 kB.
    past: Mutex<VecDeque<Stand>>,
}

/// The counts at one moment.
#[derive(Debug)]
struct Stand {
    at: Instant,
    counts: Box<[u64; BUCKETS]>,
}

/// What was answered within some time. Its times are at most 3.2 % (or, when they are short, a
/// microsecond) above the real ones, never below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How far it reaches back. Less than was asked for when the proxy is younger.
    pub over: Duration,
    /// Requests that were answered in it.
    pub count: u64,
    /// Half of them took no longer. Zero without requests.
    pub p50: Duration,
    /// 99 % of them took no longer. Zero without requests.
    pub p99: Duration,
    /// None of them took longer. Zero without requests.
    pub max: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self::by(Instant::now)
    }
}

impl Latency {
    /// Nothing was answered yet; times are taken by that clock.
    #[must_use]
    pub fn by(clock: fn() -> Instant) -> Self {
        Self::since(clock(), clock)
    }

    fn since(start: Instant, clock: fn() -> Instant) -> Self {
        let nothing = Stand { at: start, counts: Box::new([0; BUCKETS]) };
        Self {
            clock,
            counts: array::from_fn(|_| AtomicU64::new(0)),
            past: Mutex::new(VecDeque::from([nothing])),
        }
    }

    /// What the clock says.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    /// One more request was answered, and took that long.
    pub fn record(&self, took: Duration) {
        if let Some(count) = self.counts.get(bucket(took)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was answered within the last `length`, up to [`NOTE_MS`] more, and at most about
    /// [`LONGEST_WINDOW_S`].
    #[must_use]
    pub fn window(&self, length: Duration) -> Window {
        self.window_at(self.now(), length)
    }

    fn window_at(&self, now: Instant, length: Duration) -> Window {
        let past = self.past();
        let old_enough = |stand: &&Stand| now.saturating_duration_since(stand.at) >= length;
        let Some(then) = past.iter().rev().find(old_enough).or(past.front()) else {
            return Window::of(Duration::ZERO, &[0; BUCKETS]);
        };
        let mut counts = self.stand();
        for (count, before) in counts.iter_mut().zip(then.counts.iter()) {
            *count = count.saturating_sub(*before);
        }
        Window::of(now.saturating_duration_since(then.at), &counts)
    }

    /// Notes where the counts stand, and forgets what no window reaches back to.
    fn note(&self, now: Instant) {
        let mut past = self.past();
        let longest = Duration::from_secs(LONGEST_WINDOW_S);
        let outlived = |stand: &Stand| now.saturating_duration_since(stand.at) >= longest;
        while past.get(1).is_some_and(outlived) {
            past.pop_front();
        }
        past.push_back(Stand { at: now, counts: Box::new(self.stand()) });
    }

    fn stand(&self) -> [u64; BUCKETS] {
        let mut stand = [0; BUCKETS];
        for (count, counted) in stand.iter_mut().zip(&self.counts) {
            *count = counted.load(Ordering::Relaxed);
        }
        stand
    }

    fn past(&self) -> MutexGuard<'_, VecDeque<Stand>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn of(over: Duration, counts: &[u64; BUCKETS]) -> Self {
        let count: u64 = counts.iter().sum();
        let at = |rank| at_rank(counts, rank);
        let percent = |percent: u64| at(count.saturating_mul(percent).div_ceil(100));
        Self { over, count, p50: percent(50), p99: percent(99), max: at(count) }
    }
}

/// The longest time of the bucket in which the one of that rank, counted from 1, is.
fn at_rank(counts: &[u64; BUCKETS], rank: u64) -> Duration {
    let mut seen: u64 = 0;
    let place = counts.iter().position(|count| {
        seen = seen.saturating_add(*count);
        rank > 0 && seen >= rank
    });
    place.map_or(Duration::ZERO, greatest)
}

/// Notes once a second where the counts stand, until `stopping` is true.
///
/// Cancel safety: safe; windows reach back further than asked for when it is gone.
pub async fn keep(latency: Arc<Latency>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = interval(Duration::from_millis(NOTE_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keep = async {
        loop {
            ticks.tick().await;
            latency.note(latency.now());
        }
    };
    tokio::select! {
        () = keep => {}
        _stop = stopping.wait_for(|stop| *stop) => {}
    }
}

#[cfg(test)]
mod tests;
