//! What all sessions together have done, as relaxed atomics that cost nothing to bump.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts over all sessions since the start. Only ever grow, except `sessions_open`.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) sessions_opened: AtomicU64,
    pub(crate) sessions_closed: AtomicU64,
    pub(crate) forwarded: AtomicU64,
    pub(crate) rewritten: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) opaque: AtomicU64,
    pub(crate) reprepared: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) bytes_to_server: Arc<AtomicU64>,
    pub(crate) bytes_to_client: Arc<AtomicU64>,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Client sessions that were accepted.
    pub sessions_opened: u64,
    /// Client sessions that are open now.
    pub sessions_open: u64,
    /// Statements (simple queries and binds) that were sent as they came.
    pub forwarded: u64,
    /// Statements (simple queries and binds) that were rewritten.
    pub rewritten: u64,
    /// Statements that were refused.
    pub refused: u64,
    /// Statements that name a governed table, could not be read, and were sent as they came.
    pub opaque: u64,
    /// Prepared statements that were prepared again in a newer generation.
    pub reprepared: u64,
    /// How often an upsert was sent again that only a mirrored unique index had rejected.
    pub retried: u64,
    /// Bytes written to the server.
    pub bytes_to_server: u64,
    /// Bytes written to clients.
    pub bytes_to_client: u64,
}

impl Counters {
    /// The counts now. They are read one after the other, so their sum may be off by what happens
    /// meanwhile.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Closed first, so that the difference is never negative.
        let closed = read(&self.sessions_closed);
        let opened = read(&self.sessions_opened);
        Snapshot {
            sessions_opened: opened,
            sessions_open: opened.saturating_sub(closed),
            forwarded: read(&self.forwarded),
            rewritten: read(&self.rewritten),
            refused: read(&self.refused),
            opaque: read(&self.opaque),
            reprepared: read(&self.reprepared),
            retried: read(&self.retried),
            bytes_to_server: read(&self.bytes_to_server),
            bytes_to_client: read(&self.bytes_to_client),
        }
    }
}

/// One more.
pub(crate) fn bump(counter: &AtomicU64) {
    add(counter, 1);
}

/// `amount` more.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    if amount > 0 {
        counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_shows_what_was_counted() {
        let counters = Counters::default();
        add(&counters.sessions_opened, 3);
        bump(&counters.sessions_closed);
        bump(&counters.refused);
        let expected =
            Snapshot { sessions_opened: 3, sessions_open: 2, refused: 1, ..Snapshot::default() };
        assert_eq!(counters.snapshot(), expected);
    }
}
