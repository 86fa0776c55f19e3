//! Accepts clients and gives each a task of its own, on one of the threads that serve sessions.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::crew::Crew;
use super::handshake::{self, Arrival};
use super::{ClientStream, cancel};
use crate::latency::Latency;
use crate::phase::generation::Current;
use crate::session;
use crate::session::counters::Counters;
use crate::upstream::Upstream;
use crate::wire::compose::Complaint;

/// Most clients at once, those in the middle of their startup included. Each costs two sockets;
/// the usual hard limit for files is far above twice this, and PostgreSQL's `max_connections` is
/// far below this. Unit: connections.
pub const MAX_SESSIONS: usize = 10_000;

/// Pause after the system refused a connection (out of files, out of memory), so that running
/// sessions can free what is missing. Unit: milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// All that a session needs to know of the proxy it runs in.
pub struct Front {
    /// The server.
    pub upstream: Upstream,
    /// The certificate shown to clients; without one they are told that there is no TLS.
    pub tls: Option<TlsAcceptor>,
    /// The only database whose statements are looked at; sessions of others are plain relay.
    pub governed_database: String,
    /// The generation in force.
    pub current: Arc<Current>,
    /// What sessions have done.
    pub counters: Arc<Counters>,
    /// How long their requests took.
    pub latency: Arc<Latency>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front")
            .field("upstream", &self.upstream)
            .field("tls", &self.tls.is_some())
            .field("governed_database", &self.governed_database)
            .finish_non_exhaustive()
    }
}

/// Accepts clients until `shutdown` is true, then ends all sessions and returns: idle ones at once,
/// those in a transaction when it ends or [`session::SHUTDOWN_GRACE_MS`] has passed.
///
/// Cancel safety: dropping the future closes the listener and aborts every session.
///
/// # Errors
/// None today: what the system refuses while accepting is survived.
pub async fn run(
    listener: TcpListener,
    front: Arc<Front>,
    crew: Crew,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut sessions = JoinSet::new();
    let stopping = shutdown.clone();
    let mut stop = std::pin::pin!(async move {
        // A sender that is gone means that nobody is left to serve for.
        let _ = shutdown.wait_for(|stop| *stop).await;
    });
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = sessions.join_next(), if !sessions.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) if sessions.len() < MAX_SESSIONS => {
                    hand_over(stream, address, &front, &crew, &mut sessions, &stopping);
                }
                Ok((stream, address)) => turn_away(stream, address),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                }
            },
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
    Ok(())
}

/// Has a connection served by one of the crew, whose runtime is the one that must watch its socket.
fn hand_over(
    stream: TcpStream,
    address: SocketAddr,
    front: &Arc<Front>,
    crew: &Crew,
    sessions: &mut JoinSet<()>,
    stopping: &watch::Receiver<bool>,
) {
    let (front, stopping) = (Arc::clone(front), stopping.clone());
    match stream.into_std() {
        Ok(stream) => crew.serve(sessions, move || async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream, address, front, stopping).await,
                Err(error) => tracing::warn!(%address, %error, "could not take a connection over"),
            }
        }),
        Err(error) => tracing::warn!(%address, %error, "could not hand a connection over"),
    }
}

/// One connection from its first byte to its last.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    front: Arc<Front>,
    mut shutdown: watch::Receiver<bool>,
) {
    // Keepalive, as PostgreSQL does it: a client whose machine died must not hold its session.
    let prepared =
        stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_keepalive(true));
    if let Err(error) = prepared {
        tracing::debug!(%address, %error, "connection was gone at once");
        return;
    }
    let arrival = tokio::select! {
        arrival = handshake::receive(stream, front.tls.as_ref()) => arrival,
        _stop = shutdown.wait_for(|stop| *stop) => return,
    };
    match arrival {
        Ok(Arrival::Session { stream, packet }) => {
            session::serve(stream, packet, address, &front, shutdown).await;
        }
        Ok(Arrival::Cancel { stream, packet }) => {
            cancel::forward(&front.upstream, &packet).await;
            close(stream).await;
        }
        Err(error) => tracing::debug!(%address, %error, "no session"),
    }
}

/// Tells a client that there is no room. It is one small write into an empty socket buffer, which
/// needs no task; if even that would block, the client sees a closed connection.
fn turn_away(stream: TcpStream, address: SocketAddr) {
    tracing::warn!(%address, limit = MAX_SESSIONS, "too many clients, turned one away");
    let complaint = Complaint::fatal("53300", "sorry, too many clients already")
        .hint(format!("This proxy serves at most {MAX_SESSIONS} clients at once."));
    let _ = stream.try_write(&complaint.to_bytes());
}

async fn close(mut stream: ClientStream) {
    let _ = stream.shutdown().await;
}
