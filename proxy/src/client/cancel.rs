//! Passes a cancel request on. The key in it is the server's own, since sessions are 1:1.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::upstream::{self, Upstream};

/// Longest wait for the server to take the request; it closes the connection once it has.
/// Unit: milliseconds.
pub const CANCEL_DEADLINE_MS: u64 = 10_000;

/// Sends `packet` to the server byte for byte and waits until the server has closed, which is what
/// libpq waits for in turn. There is nobody to report a failure to: the protocol has no answer.
///
/// Cancel safety: dropping the future may leave the request unsent.
pub async fn forward(upstream: &Upstream, packet: &[u8]) {
    let sending = async {
        let mut server = match upstream::connect(upstream).await {
            Ok(server) => server,
            Err(error) => {
                tracing::warn!(%error, "cancel request could not be passed on");
                return;
            }
        };
        let sent = async {
            server.write_all(packet).await?;
            server.flush().await?;
            server.read_to_end(&mut Vec::new()).await
        };
        if let Err(error) = sent.await {
            tracing::debug!(%error, "server closed a cancel request abruptly");
        }
    };
    let deadline = Duration::from_millis(CANCEL_DEADLINE_MS);
    if timeout(deadline, sending).await.is_err() {
        tracing::warn!(deadline_ms = CANCEL_DEADLINE_MS, "server did not take a cancel request");
    }
}
