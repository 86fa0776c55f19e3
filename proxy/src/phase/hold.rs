//! The gate that can hold new transactions back, as `segue pause` asks for.
//!
//! Whoever begins a transaction publishes its seat first and looks at the gate then; whoever closes
//! the gate does so first and looks at the seats then. So each transaction either is held or is
//! seen, and once no seat is taken nothing is under way. (The gates of [`crate::gate`] are others:
//! they say whether a step may be taken.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Longest time for which the gate may be closed: nobody waits longer for an answer, and an
/// operator who needs more can ask again. Unit: seconds.
pub const MAX_HOLD_S: u64 = 3_600;

/// How new transactions are being held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: SystemTime,
    /// When the gate opens by itself.
    pub until: SystemTime,
    deadline: Instant,
}

impl Hold {
    fn lasts(&self) -> bool {
        Instant::now() < self.deadline
    }
}

/// The gate; open unless told otherwise.
#[derive(Debug, Default)]
pub struct Gate {
    /// Whether [`Self::hold`] has something, for those who look at every transaction.
    closed: AtomicBool,
    hold: watch::Sender<Option<Hold>>,
}

impl Gate {
    /// Closes it for at most `time`, counted from now even if it is closed already.
    pub fn close(&self, time: Duration) -> Hold {
        let time = time.min(Duration::from_secs(MAX_HOLD_S));
        let now = SystemTime::now();
        let mut hold = Hold { since: now, until: now + time, deadline: Instant::now() + time };
        self.hold.send_modify(|known| {
            hold.since = known.filter(Hold::lasts).map_or(now, |known| known.since);
            *known = Some(hold);
            self.closed.store(true, Ordering::SeqCst);
        });
        hold
    }

    /// Opens it. Returns whether it was closed.
    pub fn open(&self) -> bool {
        let mut was_closed = false;
        self.hold.send_modify(|known| {
            was_closed = known.take().is_some();
            self.closed.store(false, Ordering::SeqCst);
        });
        was_closed
    }

    /// Whether new transactions must wait.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst) && !self.opens_by_itself()
    }

    /// Opens it if the time is over. Returns whether it is open.
    fn opens_by_itself(&self) -> bool {
        let over = self.hold.send_if_modified(|known| {
            let over = known.as_ref().is_some_and(|hold| !hold.lasts());
            if over {
                *known = None;
                self.closed.store(false, Ordering::SeqCst);
            }
            over
        });
        if over {
            tracing::warn!("new transactions are no longer held back: the time is over");
        }
        over || self.hold.borrow().is_none()
    }

    /// How new transactions are being held back, if they are.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        let hold = *self.hold.borrow();
        hold.filter(Hold::lasts)
    }

    /// Waits until it is open.
    ///
    /// Cancel safe: it only waits.
    pub async fn opened(&self) {
        let mut news = self.hold.subscribe();
        loop {
            let Some(hold) = *news.borrow_and_update() else { return };
            tokio::select! {
                () = sleep_until(hold.deadline) => return,
                // The sender is in self, so there is always somebody who could tell.
                _told = news.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_opens_when_told_or_by_itself() {
        let gate = Gate::default();
        assert!(!gate.is_closed());
        gate.opened().await;

        let first = gate.close(Duration::from_millis(20));
        assert!(gate.is_closed());
        gate.opened().await;
        assert!(SystemTime::now() >= first.until);
        assert!(!gate.is_closed());

        // Asking again counts from then on, and remembers when it began.
        let second = gate.close(Duration::from_secs(3_000));
        assert!(second.since >= first.until);
        let again = gate.close(Duration::from_secs(3_001));
        assert_eq!(again.since, second.since);
        assert!(again.until > second.until);
        tokio::join!(gate.opened(), async {
            tokio::task::yield_now().await;
            assert!(gate.is_closed());
            assert!(gate.open());
            assert!(!gate.open());
        });
        assert!(!gate.is_closed());
    }

    #[test]
    fn nobody_is_held_for_ever() {
        let gate = Gate::default();
        let hold = gate.close(Duration::MAX);
        assert_eq!(hold.until.duration_since(hold.since).unwrap().as_secs(), MAX_HOLD_S);
    }
}
