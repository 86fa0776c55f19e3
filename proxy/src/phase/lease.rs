//! For how long this proxy may serve governed statements without word from the journal.
//!
//! A replica that cannot reach the database does not know what the others do. When its lease is
//! over it stops by itself, a little before the others count it as gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is kept back of a lease, since no two clocks run alike. Unit: one part of so many.
const MARGIN: u32 = 10;

/// The lease; it holds for ever where there is no journal to ask.
#[derive(Debug)]
pub struct Lease {
    origin: Instant,
    /// When it is over. Unit: milliseconds after `origin`.
    until_ms: AtomicU64,
}

impl Default for Lease {
    fn default() -> Self {
        Self { origin: Instant::now(), until_ms: AtomicU64::new(u64::MAX) }
    }
}

impl Lease {
    /// Whether it holds now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.after_origin(Instant::now()) < self.until_ms.load(Ordering::SeqCst)
    }

    /// A sign of life that was sent at `sent` was taken, for a lease of `length`.
    pub fn renew(&self, sent: Instant, length: Duration) {
        let until = sent + (length - length / MARGIN);
        self.until_ms.store(self.after_origin(until), Ordering::SeqCst);
    }

    /// It is over.
    pub fn end(&self) {
        self.until_ms.store(0, Ordering::SeqCst);
    }

    fn after_origin(&self, instant: Instant) -> u64 {
        let after = instant.saturating_duration_since(self.origin).as_millis();
        u64::try_from(after).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_before_the_sign_and_ends_early() {
        let lease = Lease::default();
        assert!(lease.holds(), "without a journal");
        let now = Instant::now();
        lease.renew(now, Duration::from_secs(100));
        assert!(lease.holds());
        assert_eq!(lease.until_ms.load(Ordering::SeqCst) / 1_000, 90);
        // The sign was under way for longer than the lease.
        let lease = Lease { origin: now, until_ms: AtomicU64::new(u64::MAX) };
        lease.renew(now, Duration::ZERO);
        assert!(!lease.holds());
        lease.renew(now, Duration::from_secs(100));
        lease.end();
        assert!(!lease.holds());
    }
}
