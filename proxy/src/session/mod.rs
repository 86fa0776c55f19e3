//! One session: the loop that carries frames both ways and rewrites the statements among them.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use crate::client::ClientStream;
use crate::client::listener::Front;
use crate::upstream;
use crate::wire::compose::Complaint;

pub mod counters;

/// How long a session that is in a transaction may live on after the proxy was told to stop.
/// Unit: milliseconds.
pub const SHUTDOWN_GRACE_MS: u64 = 10_000;

/// Serves one client until either side closes.
///
/// Cancel safety: dropping the future closes both connections.
pub async fn serve(
    mut client: ClientStream,
    packet: Bytes,
    address: SocketAddr,
    front: &Arc<Front>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut server = match upstream::connect(&front.upstream).await {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(%address, %error, "no server for a client");
            let complaint = Complaint::fatal("08006", error.to_string())
                .hint("Is the server running, and does \"upstream\" name its address?");
            let _ = client.write_all(&complaint.to_bytes()).await;
            let _ = client.shutdown().await;
            return;
        }
    };
    counters::bump(&front.counters.sessions_opened);
    let relaying = async {
        server.write_all(&packet).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    };
    tokio::select! {
        relayed = relaying => if let Err(error) = relayed {
            tracing::debug!(%address, %error, "session ended abruptly");
        },
        _stop = shutdown.wait_for(|stop| *stop) => {}
    }
    counters::bump(&front.counters.sessions_closed);
}
