//! The server side of a connection: where the server is, connecting to it, TLS.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;

pub mod connect;
pub mod stream;

pub use connect::{ConnectError, connect};
pub use stream::ServerStream;

/// Where the PostgreSQL server listens.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A TCP port, with TLS if `tls` is given.
    Tcp {
        /// Name or address of the host.
        host: String,
        /// TCP port.
        port: u16,
        /// TLS on this leg; `None` for plaintext.
        tls: Option<UpstreamTls>,
    },
    /// A Unix socket, `<directory>/.s.PGSQL.<port>`.
    Unix {
        /// `unix_socket_directories` of the server.
        directory: PathBuf,
        /// `port` of the server, which names the socket.
        port: u16,
    },
}

/// TLS from the proxy to the server.
#[derive(Debug, Clone)]
pub struct UpstreamTls {
    /// Roots to trust, and a client certificate if the server wants one.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the server's certificate must carry.
    pub server_name: ServerName<'static>,
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix { directory, port } => {
                write!(f, "{}/.s.PGSQL.{port}", directory.display())
            }
        }
    }
}
