//! Long work over connections that are lost: how often it is begun again, and by whom.

use std::time::{Duration, Instant};

use super::manners::{backoff, chance};

/// How long a server that is gone is waited for. Unit: seconds.
pub const LOST_DEADLINE_S: u64 = 600;

/// A name that no other process has.
#[must_use]
pub fn runner() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{}-{}", std::process::id(), now.unwrap_or_default().as_nanos())
}

/// The attempts of one piece of work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts {
    /// When it was lost, and how often it was tried since.
    lost: Option<(Instant, u32)>,
}

impl Attempts {
    /// Whether a connection was lost before.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// One attempt has ended by the loss of its connection. Gives how long to wait before the next one.
    /// `None`: there is none, since it never came so far as to begin, or because nothing was done for
    /// [`LOST_DEADLINE_S`].
    pub fn again(&mut self, has_begun: bool, has_worked: bool) -> Option<Duration> {
        // What is lost after some work is another loss: the patience begins anew.
        if has_worked || (has_begun && self.lost.is_none()) {
            self.lost = Some((Instant::now(), 0));
        }
        let (since, attempts) = self.lost.as_mut()?;
        if since.elapsed() > Duration::from_secs(LOST_DEADLINE_S) {
            return None;
        }
        *attempts += 1;
        Some(backoff(*attempts, chance()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_came_in_is_told_at_once() {
        assert_eq!(Attempts::default().again(false, false), None);
    }

    #[test]
    fn waits_grow_until_some_work_is_done() {
        let mut attempts = Attempts::default();
        assert!(attempts.again(true, false).is_some_and(|wait| wait <= Duration::from_millis(100)));
        for _ in 0..8 {
            attempts.again(true, false);
        }
        assert!(
            attempts.again(true, false).is_some_and(|wait| wait >= Duration::from_millis(2_500))
        );
        assert!(attempts.again(true, true).is_some_and(|wait| wait <= Duration::from_millis(100)));
        assert!(attempts.again(false, false).is_some(), "the server is still starting");
    }
}
