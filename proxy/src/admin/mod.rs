//! The admin socket: newline-delimited JSON over a Unix socket that only its owner may open.
//!
//! One request a line, one answer a line:
//!
//! ```text
//! → {"command":"reload"}
//! ← {"answer":"reloaded","generation":4,"steps":["migration \"rename-username\" goes from …"],"forced":[]}
//! ```

pub mod client;
mod hold;
pub mod message;
mod reload;
pub mod socket;
mod status;
mod stragglers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::backfill::inside::Inside;
use crate::journal::step::Cause;
use crate::latency::Latency;
use crate::phase::drain::Drain;
use crate::phase::generation::Current;
use crate::phase::reload::Reloader;
use crate::phase::wish::Wish;
use message::{Answer, Request};
use socket::AdminSocket;

/// Longest request. The longest command is a tenth of it. Unit: bytes.
pub const REQUEST_LENGTH: usize = 4 * 1024;

/// Longest silence between two requests of one connection; beyond it the connection is closed, so
/// that a stuck script does not hold a place for ever. Unit: seconds.
pub const SILENCE_S: u64 = 30;

/// Longest time for taking an answer. Unit: seconds.
pub const WRITE_S: u64 = 10;

/// Most connections at once: a handful of operators and one monitor. Unit: connections.
pub const CONNECTIONS: usize = 16;

/// What commands look at and act on.
pub struct Control {
    /// The configuration file.
    pub config: PathBuf,
    /// When the process started to serve.
    pub started_at: SystemTime,
    /// The generation in force and who lives in which.
    pub current: Arc<Current>,
    /// The latest flip.
    pub flips: watch::Receiver<Arc<Drain>>,
    /// Asks for reloads.
    pub reloader: Reloader,
    /// Runs backfills.
    pub backfills: Inside,
    /// The data plane's counts by name.
    pub counters: Box<dyn Fn() -> BTreeMap<String, u64> + Send + Sync>,
    /// How long requests took.
    pub latency: Arc<Latency>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Answers until `shutdown` is true; the socket is gone afterwards.
///
/// Cancel safe: connections end, the socket is removed.
pub async fn run(socket: AdminSocket, control: Arc<Control>, mut shutdown: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let stop = async move {
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
            accepted = socket.accept() => match accepted {
                Ok(stream) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        turn_away(&stream);
                        continue;
                    };
                    let control = Arc::clone(&control);
                    connections.spawn(async move {
                        serve(stream, &control).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin socket could not accept");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }
}

/// Tells that there is no place. One small write into an empty socket needs no waiting.
fn turn_away(stream: &UnixStream) {
    let message = format!("all {CONNECTIONS} places are taken");
    if let Ok(text) = serde_json::to_string(&Answer::Error { message }) {
        let _ = stream.try_write(format!("{text}\n").as_bytes());
    }
}

/// One connection: a request, its answer, the next request.
async fn serve(stream: UnixStream, control: &Control) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let silence = Duration::from_secs(SILENCE_S);
        let mut bounded = (&mut read).take(REQUEST_LENGTH as u64);
        match tokio::time::timeout(silence, bounded.read_until(b'\n', &mut line)).await {
            Ok(Ok(0) | Err(_)) | Err(_) => return,
            Ok(Ok(_)) => {}
        }
        // The last request may end with the stream instead of a newline.
        let cut = !line.ends_with(b"\n") && line.len() >= REQUEST_LENGTH;
        let answer = match serde_json::from_slice::<Request>(&line) {
            _ if cut => Answer::Error {
                message: format!("request does not end within {REQUEST_LENGTH} bytes"),
            },
            Ok(request) => answer(request, control).await,
            Err(error) => Answer::Error { message: format!("request is not understood: {error}") },
        };
        let Ok(mut text) = serde_json::to_vec(&answer) else { return };
        text.push(b'\n');
        let writing = tokio::time::timeout(Duration::from_secs(WRITE_S), write.write_all(&text));
        if !matches!(writing.await, Ok(Ok(()))) || cut {
            return;
        }
    }
}

async fn answer(request: Request, control: &Control) -> Answer {
    match request {
        Request::Reload { step, force, who, why } => {
            let cause = Cause { who: who.unwrap_or_else(|| "admin socket".to_owned()), why };
            reload::answer(control, Wish { step, force, cause }).await
        }
        Request::Status {} => status::answer(control),
        Request::Pause { timeout_ms } => hold::pause(control, timeout_ms),
        Request::Resume {} => hold::resume(control),
        Request::Backfill { order } => match control.backfills.begin(*order).await {
            Ok(()) => Answer::Done {},
            Err(message) => Answer::Refused { message },
        },
        Request::EndStragglers { how } => stragglers::answer(control, how).await,
    }
}
