//! Connects to the server, with TLS where it is configured.

use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{ServerStream, Upstream, UpstreamTls};
use crate::wire::startup::SSL_REQUEST;

/// Longest wait for the server to accept a connection, TLS included. Longer than a SYN that is
/// lost twice (1 s + 2 s), shorter than the patience of most clients. Unit: milliseconds.
pub const CONNECT_DEADLINE_MS: u64 = 10_000;

/// Why the server could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers there.
    #[error("could not connect to server at \"{upstream}\": {source}")]
    Unreachable {
        /// Where the server should be.
        upstream: String,
        /// What the system says.
        source: io::Error,
    },
    /// No answer in time.
    #[error("server at \"{upstream}\" did not answer within {CONNECT_DEADLINE_MS} ms")]
    Timeout {
        /// Where the server should be.
        upstream: String,
    },
    /// TLS is configured for this leg and the server has none.
    #[error("server at \"{upstream}\" does not support TLS, but the configuration requires it")]
    NoTls {
        /// Where the server should be.
        upstream: String,
    },
    /// The handshake failed.
    #[error("TLS handshake with server at \"{upstream}\" failed: {source}")]
    Tls {
        /// Where the server should be.
        upstream: String,
        /// What rustls says.
        source: io::Error,
    },
}

/// Connects to the server and finishes the TLS handshake, if there is one. No PostgreSQL message
/// other than SSLRequest has been sent when it returns.
///
/// Cancel safety: dropping the future drops the half-made connection.
///
/// # Errors
/// The server cannot be reached, or not in the way that the configuration demands.
pub async fn connect(upstream: &Upstream) -> Result<ServerStream, ConnectError> {
    let deadline = Duration::from_millis(CONNECT_DEADLINE_MS);
    match timeout(deadline, connect_without_deadline(upstream)).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(ConnectError::Timeout { upstream: upstream.to_string() }),
    }
}

async fn connect_without_deadline(upstream: &Upstream) -> Result<ServerStream, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable { upstream: upstream.to_string(), source };
    match upstream {
        Upstream::Tcp { host, port, tls } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            SockRef::from(&stream).set_keepalive(true).map_err(unreachable)?;
            match tls {
                None => Ok(ServerStream::Tcp(stream)),
                Some(tls) => handshake(stream, tls, upstream).await,
            }
        }
        Upstream::Unix { directory, port } => {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            Ok(ServerStream::Unix(UnixStream::connect(path).await.map_err(unreachable)?))
        }
    }
}

/// SSLRequest, one byte of answer, then TLS. Exactly one byte is read before the handshake, so
/// nothing that came in plaintext can be taken for something that came under TLS
/// (CVE-2021-23222).
async fn handshake(
    mut stream: TcpStream,
    tls: &UpstreamTls,
    upstream: &Upstream,
) -> Result<ServerStream, ConnectError> {
    let failed = |source| ConnectError::Tls { upstream: upstream.to_string(), source };
    stream.write_all(&SSL_REQUEST).await.map_err(failed)?;
    if stream.read_u8().await.map_err(failed)? != b'S' {
        return Err(ConnectError::NoTls { upstream: upstream.to_string() });
    }
    let connector = TlsConnector::from(tls.config.clone());
    let stream = connector.connect(tls.server_name.clone(), stream).await.map_err(failed)?;
    Ok(ServerStream::Tls(Box::new(stream)))
}
