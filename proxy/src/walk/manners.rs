//! Which errors only say that somebody else was first, which are a row's own fault, and how long to
//! wait before the next attempt.

use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::catalog;

/// Shortest wait after a lock was met. Unit: milliseconds.
const BACKOFF_FIRST_MS: u64 = 100;

/// Longest wait after a lock was met. Unit: milliseconds.
const BACKOFF_MOST_MS: u64 = 5_000;

/// What an error of a statement of ours means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody else was first: the same again, a little later.
    GiveWay,
    /// A value of a row cannot be converted, or a constraint or trigger refuses it.
    OfARow,
    /// The connection, or the server behind it, is gone: connect again.
    Lost,
    /// It will not get better by itself.
    Final,
}

/// What `error` means.
#[must_use]
pub fn meaning(error: &Error) -> Meaning {
    if catalog::is_lost(error) {
        return Meaning::Lost;
    }
    let Some(state) = error.code() else { return Meaning::Final };
    let gives_way = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::QUERY_CANCELED,
    ];
    // What was the primary is none any more.
    if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Meaning::Lost;
    }
    if gives_way.contains(state) {
        return Meaning::GiveWay;
    }
    if *state == SqlState::INSUFFICIENT_PRIVILEGE {
        return Meaning::Final;
    }
    // A trigger may raise anything, and what it runs too: all but what the server itself suffers from is
    // looked for row by row.
    match state.code().get(..2) {
        Some("53" | "57" | "58" | "XX" | "25" | "28" | "3D") => Meaning::Final,
        Some(_) | None => Meaning::OfARow,
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

/// An error in the server's own words, where there are some.
#[must_use]
pub fn said(error: &Error) -> String {
    error.as_db_error().map_or_else(
        || crate::catalog::reason(error),
        |said| format!("{} (SQLSTATE {})", said.message(), said.code().code()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread() {
        assert_eq!(backoff(1, 0.0), ms(100));
        assert_eq!(backoff(3, 0.0), ms(400));
        assert_eq!(backoff(3, 1.0), ms(200));
        assert_eq!(backoff(40, 0.0), ms(5_000));
    }
}
