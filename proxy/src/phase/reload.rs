//! The handle through which everybody asks for a reload, and the task that does them in turn.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::flip::{Flipper, ReloadError, Reloaded};

/// Reloads that may wait in line: one per way to ask for one, with room. More askers wait for
/// theirs to be taken in. Unit: requests.
pub const QUEUE: usize = 16;

/// Pause between two looks at the catalog: how long a DDL statement that was run past the proxy
/// goes unnoticed. Unit: milliseconds.
pub const CATALOG_POLL_MS: u64 = 2_000;

/// A look that takes long makes the next one come later, so that looking takes at most this share
/// of a server's core. Unit: one part of so many.
pub const CATALOG_POLL_SHARE: u32 = 100;

type Answer = oneshot::Sender<Result<Reloaded, ReloadError>>;

/// Asks for reloads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reloader {
    requests: mpsc::Sender<Answer>,
}

impl Reloader {
    /// Reads the configuration and the catalog again.
    ///
    /// Cancel safety: a reload that was taken in goes on without anybody waiting for it.
    ///
    /// # Errors
    /// Why everything was left as it was.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(answer).await.map_err(|_closed| ReloadError::ShuttingDown)?;
        answered.await.map_err(|_closed| ReloadError::ShuttingDown)?
    }

    /// The same for those who only want it done: what comes of it is logged.
    ///
    /// Cancel safety: as [`Self::reload`].
    pub async fn reload_and_log(&self, cause: &str) {
        match self.reload().await {
            Ok(Reloaded { generation, plan }) if plan.is_empty() => {
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
    let (requests, mut line) = mpsc::channel::<Answer>(QUEUE);
    tasks.spawn(async move {
        let mut pause = Duration::from_millis(CATALOG_POLL_MS);
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => return,
                asked = line.recv() => {
                    let Some(answer) = asked else { return };
                    // Nobody may wait any more; the reload is done all the same.
                    let _ = answer.send(flipper.reload().await);
                }
                () = tokio::time::sleep(pause) => {
                    let begun = Instant::now();
                    flipper.follow_catalog().await;
                    pause = Duration::from_millis(CATALOG_POLL_MS)
                        .max(begun.elapsed().saturating_mul(CATALOG_POLL_SHARE));
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
