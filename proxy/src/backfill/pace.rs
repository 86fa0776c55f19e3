//! How large the next batch is, and how fast it all goes: pure arithmetic on what was measured.

use std::time::Duration;

use crate::walk::manners::rows_as_f64;

/// Time that one batch should take, unless told otherwise: about what an application then waits for a
/// row that the batch holds. Unit: milliseconds.
pub const TARGET_MS: u64 = 25;

/// Size of the first batch. Unit: rows.
pub const FIRST_ROWS: u64 = 500;

/// Smaller batches cost more in round trips than they spare in waiting: about a third of a millisecond.
/// Unit: rows.
pub const LEAST_ROWS: u64 = 20;

/// Larger batches hold locks for too long when the server suddenly slows down. Unit: rows.
pub const MOST_ROWS: u64 = 5_000;

/// Share of the newest measurement in the shown rate.
const RATE_WEIGHT: f64 = 0.2;

/// The pace of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    rows: u64,
    target: Duration,
}

impl Pace {
    /// Starts carefully.
    #[must_use]
    pub fn new(target: Duration) -> Self {
        Self { rows: FIRST_ROWS, target }
    }

    /// Size of the next batch. Unit: rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// From now on a batch should take `target`.
    pub fn aim(&mut self, target: Duration) {
        if target < self.target {
            let rows = u128::from(self.rows) * target.as_micros() / self.target.as_micros().max(1);
            self.rows = u64::try_from(rows).unwrap_or(MOST_ROWS).max(LEAST_ROWS);
        }
        self.target = target;
    }

    /// Learns from a batch that took `work`, and that was a full one or not.
    pub fn learn(&mut self, work: Duration, full: bool) {
        if work > self.target * 2 {
            self.shrink();
        } else if work < self.target && full {
            self.rows = (self.rows + self.rows / 4).min(MOST_ROWS);
        }
    }

    /// Whether no batch is smaller.
    #[must_use]
    pub fn is_least(&self) -> bool {
        self.rows == LEAST_ROWS
    }

    /// A batch met a lock or took too long: the next one is half as large.
    pub fn shrink(&mut self) {
        self.rows = (self.rows / 2).max(LEAST_ROWS);
    }
}

/// Rows per second, smoothed over the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    now: Option<f64>,
}

impl Rate {
    /// `rows` more in `time`.
    pub fn learn(&mut self, rows: u64, time: Duration) {
        let seconds = time.as_secs_f64();
        if seconds > 0.0 {
            let measured = rows_as_f64(rows) / seconds;
            self.now = Some(self.now.map_or(measured, |now| now + (measured - now) * RATE_WEIGHT));
        }
    }

    /// Unit: rows per second. `None` in the beginning.
    #[must_use]
    pub fn get(self) -> Option<f64> {
        self.now
    }

    /// Time for `rows` more at this rate.
    #[must_use]
    pub fn time_for(self, rows: u64) -> Option<Duration> {
        let rate = self.now.filter(|rate| *rate > 0.0)?;
        Duration::try_from_secs_f64(rows_as_f64(rows) / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn batches_grow_while_quick_and_halve_when_slow() {
        let mut pace = Pace::new(ms(40));
        pace.learn(ms(20), true);
        assert_eq!(pace.rows(), 625);
        pace.learn(ms(20), false);
        assert_eq!(pace.rows(), 625, "a short batch tells nothing");
        pace.learn(ms(60), true);
        assert_eq!(pace.rows(), 625, "between target and twice the target it stays");
        pace.learn(ms(81), true);
        assert_eq!(pace.rows(), 312);
        for _ in 0..100 {
            pace.learn(ms(500), true);
        }
        assert_eq!(pace.rows(), LEAST_ROWS);
        for _ in 0..100 {
            pace.learn(ms(1), true);
        }
        assert_eq!(pace.rows(), MOST_ROWS);
    }

    #[test]
    fn another_target_changes_the_size_at_once() {
        let mut pace = Pace::new(ms(25));
        pace.aim(ms(5));
        assert_eq!(pace.rows(), 100);
        pace.aim(ms(25));
        assert_eq!(pace.rows(), 100, "it has to find out how many that is");
        pace.aim(ms(1));
        assert_eq!(pace.rows(), LEAST_ROWS);
    }

    #[test]
    fn the_rate_is_smoothed() {
        let mut rate = Rate::default();
        assert_eq!(rate.time_for(1), None);
        rate.learn(500, ms(100));
        assert_eq!(rate.get(), Some(5_000.0));
        rate.learn(0, ms(100));
        assert_eq!(rate.get(), Some(4_000.0));
        assert_eq!(rate.time_for(8_000), Some(ms(2_000)));
    }
}
