//! How large the next batch is and how long to rest: pure arithmetic on what was measured.

use std::time::Duration;

/// Time that one batch should take: about what an application then waits for a row that the batch
/// holds. Unit: milliseconds.
pub const TARGET_MS: u64 = 40;

/// Size of the first batch. Unit: rows.
pub const FIRST_ROWS: u64 = 500;

/// Smaller batches cost more in round trips than they spare in waiting. Unit: rows.
pub const LEAST_ROWS: u64 = 100;

/// Larger batches hold locks for too long when the server suddenly slows down. Unit: rows.
pub const MOST_ROWS: u64 = 5_000;

/// Share of the newest measurement in the shown rate.
const RATE_WEIGHT: f64 = 0.2;

/// Shortest wait after a batch met a lock. Unit: milliseconds.
const BACKOFF_FIRST_MS: u64 = 100;

/// Longest wait after a batch met a lock. Unit: milliseconds.
const BACKOFF_MOST_MS: u64 = 5_000;

/// The pace of a backfill.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    rows: u64,
    /// Rows per second with rests, smoothed.
    rate: Option<f64>,
    /// Time to rest for each unit of time worked.
    rest: f64,
}

impl Pace {
    /// Starts carefully; `rest` is the time to rest for each unit of time worked, 0 for none.
    #[must_use]
    pub fn new(rest: f64) -> Self {
        Self { rows: FIRST_ROWS, rate: None, rest: rest.max(0.0) }
    }

    /// Size of the next batch. Unit: rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows per second, rests included; `None` before the first batch.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Learns from a batch of `rows` that took `work`; returns how long to rest.
    pub fn learn(&mut self, rows: u64, work: Duration) -> Duration {
        let target = Duration::from_millis(TARGET_MS);
        if work > target * 2 {
            self.shrink();
        } else if work < target {
            self.rows = (self.rows + self.rows / 4).min(MOST_ROWS);
        }
        let rest = work.mul_f64(self.rest);
        let seconds = (work + rest).as_secs_f64();
        if rows > 0 && seconds > 0.0 {
            let now = rows_as_f64(rows) / seconds;
            self.rate = Some(self.rate.map_or(now, |rate| rate + (now - rate) * RATE_WEIGHT));
        }
        rest
    }

    /// A batch met a lock or took too long: the next one is half as large.
    pub fn shrink(&mut self) {
        self.rows = (self.rows / 2).max(LEAST_ROWS);
    }
}

/// How long to wait before attempt number `attempt` (from 1): doubling, and up to half shorter by
/// `chance` (0 to 1) so that two waiters do not meet again.
#[must_use]
pub fn backoff(attempt: u32, chance: f64) -> Duration {
    let doubled = BACKOFF_FIRST_MS.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let longest = Duration::from_millis(doubled.min(BACKOFF_MOST_MS));
    longest.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

/// A number between 0 and 1 that no two moments share; good enough to spread retries.
#[must_use]
pub fn chance() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    f64::from(now.unwrap_or_default().subsec_nanos() % 1_000) / 1_000.0
}

/// Row counts beyond 2^53 do not occur; below it the conversion is exact.
#[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^53")]
#[must_use]
pub fn rows_as_f64(rows: u64) -> f64 {
    rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn batches_grow_while_quick_and_halve_when_slow() {
        let mut pace = Pace::new(0.5);
        assert_eq!(pace.learn(500, ms(20)), ms(10));
        assert_eq!(pace.rows(), 625);
        pace.learn(625, ms(60));
        assert_eq!(pace.rows(), 625, "between target and twice the target it stays");
        pace.learn(625, ms(81));
        assert_eq!(pace.rows(), 312);
        for _ in 0..100 {
            pace.learn(1, ms(500));
        }
        assert_eq!(pace.rows(), LEAST_ROWS);
        for _ in 0..100 {
            pace.learn(1, ms(1));
        }
        assert_eq!(pace.rows(), MOST_ROWS);
    }

    #[test]
    fn the_rate_counts_rests() {
        let mut pace = Pace::new(1.0);
        assert_eq!(pace.rate(), None);
        pace.learn(500, ms(50));
        assert_eq!(pace.rate(), Some(5_000.0));
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread() {
        assert_eq!(backoff(1, 0.0), ms(100));
        assert_eq!(backoff(3, 0.0), ms(400));
        assert_eq!(backoff(3, 1.0), ms(200));
        assert_eq!(backoff(40, 0.0), ms(5_000));
    }
}
