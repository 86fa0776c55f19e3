//! The proxy's end, as a session sees it: first it is told, then its grace is over.
//!
//! Both are waited for, and looked at as well: where peers always have something to read or take,
//! nothing that is waited for beside them ever has its turn. (A task that has used up its turn is told by
//! everything in it that nothing has happened, and in the next one its peers come first again.)

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep};

/// How long a session that is in a transaction may live on after the proxy was told to stop.
/// Unit: milliseconds.
pub const SHUTDOWN_GRACE_MS: u64 = 10_000;

/// What a session knows of it.
pub(super) struct Stop {
    told: watch::Receiver<bool>,
    /// The wait for it. It is kept, so that not every round of a session takes its place in the queue of
    /// all sessions anew.
    news: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Who is woken by it.
    waiter: Option<Waker>,
    grace: Duration,
    /// Until the grace is over; `None` until told.
    over: Option<Pin<Box<Sleep>>>,
}

impl Stop {
    /// Told once `told` is true, or has nobody left who could say so.
    pub(super) fn new(told: watch::Receiver<bool>) -> Self {
        Self::with_grace(told, Duration::from_millis(SHUTDOWN_GRACE_MS))
    }

    /// The same with a grace of one's own.
    pub(super) fn with_grace(told: watch::Receiver<bool>, grace: Duration) -> Self {
        let mut waiting = told.clone();
        // It takes its place in the queue even where the task has used up its turn.
        let news = Box::pin(unconstrained(async move {
            let _ = waiting.wait_for(|stop| *stop).await;
        }));
        // Who comes after the stop is told like everybody else: there is nothing yet that needs a grace.
        let mut told = told;
        told.mark_changed();
        Self { told, news, waiter: None, grace, over: None }
    }

    /// Whether the proxy was told to stop. The grace begins when this is first seen.
    pub(super) fn is_told(&mut self) -> bool {
        // Whether there is news takes no lock, which all sessions would share in each round.
        let told = match self.told.has_changed() {
            Ok(false) => false,
            Ok(true) => *self.told.borrow_and_update(),
            Err(_nobody_left) => true,
        };
        if told && self.over.is_none() {
            self.begin_grace();
        }
        self.over.is_some()
    }

    /// Whether the grace is over too.
    pub(super) fn is_over(&mut self) -> bool {
        self.is_told() && self.over.as_ref().is_some_and(|over| over.deadline() <= Instant::now())
    }

    /// Waits until one more of the two is so; not at all once both are.
    ///
    /// Cancel safe: it only waits.
    pub(super) async fn changed(&mut self) {
        poll_fn(|cx| self.poll_changed(cx)).await;
    }

    /// [`Self::changed`], polled.
    pub(super) fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(over) = &mut self.over {
            return over.as_mut().poll(cx);
        }
        // Whoever waits already need not say so in each round, for which all sessions share a lock.
        let waits = self.waiter.as_ref().is_some_and(|waiter| waiter.will_wake(cx.waker()));
        if waits && matches!(self.told.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        self.waiter = Some(cx.waker().clone());
        ready!(self.news.as_mut().poll(cx));
        self.begin_grace();
        Poll::Ready(())
    }

    fn begin_grace(&mut self) {
        self.over = Some(Box::pin(sleep(self.grace)));
    }
}
