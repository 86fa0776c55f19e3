//! How many rows the next statement compares: pure arithmetic on how long the last one took.

use std::time::Duration;

/// Time that one statement should take where nobody is disturbed. It holds vacuum back for as long.
pub(super) const TARGET: Duration = Duration::from_millis(50);

/// Rows of the first statement: few enough for a cold disk.
const FIRST_ROWS: u64 = 2_000;

/// Fewer cost more in round trips than in comparing. Unit: rows.
const LEAST_ROWS: u64 = 200;

/// More would be too many when the server suddenly slows down. Unit: rows.
const MOST_ROWS: u64 = 50_000;

/// The pace of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    rows: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { rows: FIRST_ROWS }
    }

    pub(super) fn rows(self) -> u64 {
        self.rows
    }

    /// Learns from a statement that took `time` of the time that it should take, and compared as many
    /// rows as it might or not.
    pub(super) fn learn(&mut self, time: Duration, target: Duration, is_full: bool) {
        if time > target.saturating_mul(2) {
            self.shrink();
        } else if is_full && time < target / 2 {
            self.rows = (self.rows * 2).min(MOST_ROWS);
        } else if is_full && time < target {
            self.rows = (self.rows + self.rows / 8).min(MOST_ROWS);
        }
    }

    /// It took far too long.
    pub(super) fn shrink(&mut self) {
        self.rows = (self.rows / 2).max(LEAST_ROWS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_statement_comes_to_take_its_time_and_no_longer() {
        let mut pace = Pace::new();
        pace.learn(ms(5), TARGET, true);
        assert_eq!(pace.rows(), 4_000);
        pace.learn(ms(5), TARGET, false);
        assert_eq!(pace.rows(), 4_000, "the end of a range tells nothing");
        pace.learn(ms(40), TARGET, true);
        assert_eq!(pace.rows(), 4_500);
        pace.learn(ms(80), TARGET, true);
        assert_eq!(pace.rows(), 4_500, "between target and twice the target it stays");
        pace.learn(ms(101), TARGET, true);
        assert_eq!(pace.rows(), 2_250);
        for _ in 0..20 {
            pace.learn(ms(900), TARGET, true);
        }
        assert_eq!(pace.rows(), LEAST_ROWS);
        for _ in 0..20 {
            pace.learn(ms(1), TARGET, true);
        }
        assert_eq!(pace.rows(), MOST_ROWS);
    }
}
