//! The handle through which everybody asks for a reload, and the task that does them in turn.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::flip::Flipper;
use super::wish::{ReloadError, Reloaded, Wish};

/// Reloads that may wait in line: one per way to ask for one, with room. More askers wait for
/// theirs to be taken in. Unit: requests.
pub const QUEUE: usize = 16;

/// Pause between two looks at the catalog: how long a DDL statement that was run past the proxy
/// goes unnoticed. Unit: milliseconds.
pub const CATALOG_POLL_MS: u64 = 2_000;

/// But never so that a change goes unnoticed for longer, since a look may be slow once.
/// Unit: milliseconds.
pub const LONGEST_POLL_MS: u64 = 30_000;

/// A look that takes long makes the next one come later, so that looking takes at most this share
/// of a server's core. Unit: one part of so many.
pub const CATALOG_POLL_SHARE: u32 = 100;

/// A reload that was asked for.
#[derive(Debug)]
struct Asked {
    wish: Wish,
    answer: oneshot::Sender<Result<Reloaded, ReloadError>>,
}

/// Asks for reloads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reloader {
    requests: mpsc::Sender<Asked>,
}

impl Reloader {
    /// Reads the configuration and the catalog again.
    ///
    /// Cancel safety: a reload that was taken in goes on without anybody waiting for it.
    ///
    /// # Errors
    /// Why everything was left as it was.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.ask(Wish::default()).await
    }

    /// The same, with what else is asked.
    ///
    /// Cancel safety: as [`Self::reload`].
    ///
    /// # Errors
    /// Why everything was left as it was.
    pub async fn ask(&self, wish: Wish) -> Result<Reloaded, ReloadError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { wish, answer };
        self.requests.send(asked).await.map_err(|_closed| ReloadError::ShuttingDown)?;
        answered.await.map_err(|_closed| ReloadError::ShuttingDown)?
    }

    /// The same for those who only want it done: what comes of it is logged.
    ///
    /// Cancel safety: as [`Self::reload`].
    pub async fn reload_and_log(&self, cause: &str) {
        // Who it was that changed the file, the file does not tell.
        let done = self.ask(Wish::default()).await;
        match done {
            Ok(Reloaded { generation, plan, .. }) if plan.is_empty() => {
                tracing::info!(generation, "{cause}: reloaded, no migration has changed");
            }
            Ok(Reloaded { generation, .. }) => tracing::info!(generation, "{cause}: reloaded"),
            Err(error) => tracing::error!("{cause}: not reloaded, what runs is kept:\n{error}"),
        }
    }
}

/// Starts the task that owns `flipper` among `tasks`; it ends when `shutdown` is true.
#[must_use]
pub fn spawn(
    tasks: &mut JoinSet<()>,
    mut flipper: Flipper,
    mut shutdown: watch::Receiver<bool>,
) -> Reloader {
    let (requests, mut line) = mpsc::channel::<Asked>(QUEUE);
    tasks.spawn(async move {
        let mut pause = Duration::from_millis(CATALOG_POLL_MS);
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => return flipper.leave().await,
                asked = line.recv() => {
                    let Some(Asked { wish, answer }) = asked else { return };
                    // Comparing rows may take minutes; the end of the process must not.
                    let done = tokio::select! {
                        () = stopped(&mut shutdown) => return flipper.leave().await,
                        done = flipper.reload(&wish) => done,
                    };
                    // Nobody may wait any more; the reload is done all the same.
                    let _ = answer.send(done);
                }
                () = flipper.news() => flipper.keep_up().await,
                () = flipper.hold_over() => flipper.keep_up().await,
                () = tokio::time::sleep(pause) => {
                    let begun = Instant::now();
                    flipper.keep_up().await;
                    flipper.follow_catalog().await;
                    pause = Duration::from_millis(CATALOG_POLL_MS)
                        .max(begun.elapsed().saturating_mul(CATALOG_POLL_SHARE))
                        .min(Duration::from_millis(LONGEST_POLL_MS));
                }
            }
        }
    });
    Reloader { requests }
}

/// Returns when `shutdown` is true, or nobody is left who could say so.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}
