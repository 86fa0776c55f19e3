//! The sessions that this proxy must have registered in the journal before they may begin.
//!
//! A *membership* is the time from joining the fleet to leaving it or being counted out, numbered
//! from 1; 0 means that there is no journal. A session is registered in one membership, and must be
//! again in the next.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::lease::Lease;

/// A session's entry.
#[derive(Debug, Default)]
pub struct Registration {
    /// Process id of its backend.
    pub backend: i32,
    /// The membership in which it is registered.
    membership: AtomicU64,
}

impl Registration {
    /// One that is not registered.
    #[must_use]
    pub fn new(backend: i32) -> Arc<Self> {
        Arc::new(Self { backend, membership: AtomicU64::new(0) })
    }
}

/// All sessions' entries, as far as something is left to be done about them.
#[derive(Debug, Default)]
pub struct Roll {
    /// The present membership.
    membership: AtomicU64,
    /// The first generation that was compiled in it: what lives in an older one may be any number
    /// of epochs behind.
    first_generation: AtomicU64,
    /// While a column is renamed: the first generation of which nothing may begin. 0: none.
    barrier: AtomicU64,
    /// The epoch of the journal; 0: there is none.
    epoch: AtomicI64,
    /// When the journal must have been heard of again.
    pub lease: Lease,
    newcomers: Mutex<Vec<Arc<Registration>>>,
    come: Notify,
    registered: Notify,
}

impl Roll {
    /// Begins a membership, in which `first_generation` is the first. Whoever is there must be
    /// called up for it then.
    pub fn begin(&self, first_generation: u64) -> u64 {
        self.first_generation.store(first_generation, Ordering::SeqCst);
        self.membership.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// These must be registered, if there is a journal.
    ///
    /// Whoever comes is seated first and called up then, and a membership begins first and looks at
    /// the seats then: so nobody is missed.
    pub fn call_up(&self, entries: impl IntoIterator<Item = Arc<Registration>>) {
        if self.membership() > 0 {
            let mut newcomers = self.newcomers();
            newcomers.extend(entries);
            // While the journal is out of reach sessions come and go.
            if newcomers.len() >= PRUNED && newcomers.len().is_power_of_two() {
                newcomers.retain(|entry| Arc::strong_count(entry) > 1);
            }
            drop(newcomers);
            self.come.notify_one();
        }
    }

    /// This proxy lives in that epoch from now on.
    pub fn enter(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    /// The epoch in which it lives, if there is a journal.
    #[must_use]
    pub fn epoch(&self) -> Option<i64> {
        Some(self.epoch.load(Ordering::SeqCst)).filter(|epoch| *epoch > 0)
    }

    /// From now on nothing begins. What lives in a generation before `first` goes on to its end.
    pub fn hold(&self, first: u64) {
        self.barrier.store(first, Ordering::SeqCst);
    }

    /// Lets transactions begin again. If the column was renamed, `first` is the first generation that
    /// knows: whoever began a transaction before although it was held, because the lease was over, is
    /// not served in it.
    pub fn go_on(&self, first: Option<u64>) {
        if let Some(first) = first {
            self.first_generation.store(first, Ordering::SeqCst);
        }
        self.barrier.store(0, Ordering::SeqCst);
        self.registered.notify_waiters();
    }

    /// The present membership, 0 for none.
    #[must_use]
    pub fn membership(&self) -> u64 {
        self.membership.load(Ordering::SeqCst)
    }

    /// Takes those who are to be registered now.
    #[must_use]
    pub fn take_newcomers(&self) -> Newcomers<'_> {
        let mut entries = std::mem::take(&mut *self.newcomers());
        // Whoever is gone already needs no entry.
        entries.retain(|entry| Arc::strong_count(entry) > 1);
        Newcomers { roll: self, entries }
    }

    /// Waits until somebody comes.
    ///
    /// Cancel safe: who came is kept.
    pub async fn come(&self) {
        self.come.notified().await;
    }

    /// Whether a session may begin a transaction: it is registered, or will not be in time, and is
    /// told so when it asks for something governed.
    #[must_use]
    pub fn admits(&self, entry: &Registration) -> bool {
        let membership = self.membership();
        let is_known = entry.membership.load(Ordering::SeqCst) == membership;
        (is_known && self.barrier.load(Ordering::SeqCst) == 0) || !self.lease.holds()
    }

    /// Whether a session that lives in `generation` may be served a governed statement now.
    #[must_use]
    pub fn serves(&self, entry: &Registration, generation: u64) -> bool {
        let membership = self.membership();
        let barrier = self.barrier.load(Ordering::SeqCst);
        let may_begin = barrier == 0 || generation < barrier;
        membership == 0
            || (may_begin
                && entry.membership.load(Ordering::SeqCst) == membership
                && generation >= self.first_generation.load(Ordering::SeqCst)
                && self.lease.holds())
    }

    /// Waits until a session is admitted.
    ///
    /// Cancel safe: it only waits.
    pub async fn admitted(&self, entry: &Registration) {
        loop {
            let news = self.registered.notified();
            tokio::pin!(news);
            // From here on nothing is missed.
            news.as_mut().enable();
            if self.admits(entry) {
                return;
            }
            tokio::select! {
                () = news => {}
                // Nobody tells when a lease is over.
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn newcomers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Registration>>> {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions that are being registered. Dropped before they are, they wait for the next time.
#[derive(Debug)]
pub struct Newcomers<'a> {
    roll: &'a Roll,
    entries: Vec<Arc<Registration>>,
}

impl Newcomers<'_> {
    /// Process ids of their backends.
    #[must_use]
    pub fn backends(&self) -> Vec<i32> {
        self.entries.iter().map(|entry| entry.backend).collect()
    }

    /// They are registered in `membership`.
    pub fn registered(mut self, membership: u64) {
        for entry in std::mem::take(&mut self.entries) {
            entry.membership.store(membership, Ordering::SeqCst);
        }
        self.roll.registered.notify_waiters();
    }
}

impl Drop for Newcomers<'_> {
    fn drop(&mut self) {
        if !self.entries.is_empty() {
            self.roll.newcomers().append(&mut self.entries);
        }
    }
}

/// So many may wait before it is looked whether they are still there. Unit: sessions.
const PRUNED: usize = 1_024;

/// Pause between two looks whether the lease still holds.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_served_whom_the_journal_does_not_know() {
        let roll = Roll::default();
        let (first, second) = (Registration::new(1), Registration::new(2));
        roll.call_up([Arc::clone(&first)]);
        assert!(roll.admits(&first) && roll.serves(&first, 1), "there is no journal");

        let membership = roll.begin(3);
        assert!(!roll.admits(&first) && !roll.serves(&first, 3));
        roll.call_up([Arc::clone(&first)]);
        roll.call_up([Arc::clone(&second)]);
        assert_eq!(roll.take_newcomers().backends(), [1, 2]);
        let newcomers = roll.take_newcomers();
        assert_eq!(newcomers.backends(), [1, 2], "they had not been registered");
        newcomers.registered(membership);
        assert_eq!(roll.take_newcomers().backends(), [] as [i32; 0]);
        assert!(roll.admits(&first) && roll.serves(&second, 3));
        assert!(!roll.serves(&second, 2), "its generation is older than the membership");

        // In the next one all of it begins again.
        roll.begin(4);
        assert!(!roll.admits(&first) && !roll.serves(&first, 4));
        roll.lease.end();
        assert!(roll.admits(&first) && !roll.serves(&first, 4), "it is told, not held");
    }

    #[test]
    fn nothing_begins_while_a_column_is_renamed() {
        let roll = Roll::default();
        let membership = roll.begin(1);
        let known = Registration::new(1);
        roll.call_up([Arc::clone(&known)]);
        roll.take_newcomers().registered(membership);
        roll.hold(2);
        assert!(!roll.admits(&known));
        assert!(roll.serves(&known, 1), "what is under way goes on to its end");
        assert!(!roll.serves(&known, 2));
        // While the journal is out of reach nobody is held, and nobody is served.
        roll.lease.end();
        assert!(roll.admits(&known) && !roll.serves(&known, 2));
        let length = std::time::Duration::from_secs(600);
        roll.lease.renew(std::time::Instant::now(), length);
        assert!(!roll.admits(&known) && !roll.serves(&known, 2));
        roll.go_on(Some(3));
        assert!(roll.admits(&known) && roll.serves(&known, 3));
        assert!(!roll.serves(&known, 2), "it began meanwhile");
    }

    #[test]
    fn who_is_gone_is_not_registered() {
        let roll = Roll::default();
        roll.begin(1);
        roll.call_up([Registration::new(1)]);
        let second = Registration::new(2);
        roll.call_up([Arc::clone(&second)]);
        assert_eq!(roll.take_newcomers().backends(), [2]);
    }
}
