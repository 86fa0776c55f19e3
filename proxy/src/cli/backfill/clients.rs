//! What clients feel, as the running proxy of this configuration tells.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::admin::client::AdminClient;
use crate::admin::message::{Latency, Took};
use crate::backfill::job::Clients;
use crate::backfill::signals::Seen;

/// Between two questions. Unit: milliseconds.
const ASK_MS: u64 = 1_000;

/// From here on what clients saw before counts, and not what they see now.
const LONG: Duration = Duration::from_secs(30);

/// Asks the proxy behind `socket` from now on; where none answers, nobody knows.
pub(in crate::cli) async fn ask(socket: PathBuf) -> Clients {
    let known = Arc::new(Mutex::new(look(&socket).await));
    let told = Arc::clone(&known);
    let asking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(ASK_MS)).await;
            let latency = look(&socket).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = latency;
        }
    });
    let asking = Asking(asking.abort_handle());
    Arc::new(move |length| {
        let _until_it_is_dropped = &asking;
        let latency = (*known.lock().unwrap_or_else(PoisonError::into_inner))?;
        let Took { count, p99_us, .. } =
            if length >= LONG { latency.last_60s } else { latency.last_5s };
        Some(Seen { count, p99_us })
    })
}

/// Ends with whoever wants to know.
struct Asking(tokio::task::AbortHandle);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn look(socket: &std::path::Path) -> Option<Latency> {
    let mut proxy = AdminClient::connect(socket).await.ok()?;
    Some(proxy.status().await.ok()?.latency)
}
