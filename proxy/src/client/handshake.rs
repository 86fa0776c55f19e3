//! The first packets of a connection: TLS and GSSAPI requests, then a session or a cancel request.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::ClientStream;
use crate::wire::compose::Complaint;
use crate::wire::startup::{self, MAX_STARTUP_PACKET_BYTES, MIN_STARTUP_PACKET_BYTES, StartupKind};

/// Longest wait for a client's startup packet, TLS handshake included; PostgreSQL's
/// `authentication_timeout`. Unit: milliseconds.
pub const STARTUP_DEADLINE_MS: u64 = 60_000;

/// What a new connection turned out to be.
#[derive(Debug)]
pub enum Arrival {
    /// A client that wants a session; its startup packet has not been answered.
    Session {
        /// The connection, under TLS if that was agreed.
        stream: ClientStream,
        /// The startup packet as it came.
        packet: Bytes,
    },
    /// A request to cancel what another session is doing.
    Cancel {
        /// The connection, to be closed once the server has taken the request.
        stream: ClientStream,
        /// The packet as it came.
        packet: Bytes,
    },
}

/// Why a connection never became a session.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client went away or its network broke. A connection that is closed without a byte
    /// (a port probe) is one of these.
    #[error("connection lost during startup: {0}")]
    Lost(#[from] io::Error),
    /// The client said nothing for too long.
    #[error("no startup packet within {STARTUP_DEADLINE_MS} ms")]
    Timeout,
    /// Not PostgreSQL's protocol.
    #[error("invalid length of startup packet: {0}")]
    InvalidLength(u32),
    /// The same encryption was asked for twice.
    #[error("encryption was requested twice in one connection")]
    RequestedTwice,
    /// The TLS handshake failed.
    #[error("TLS handshake with client failed: {0}")]
    Tls(io::Error),
}

/// Reads the startup packets of a connection, within a deadline, and answers requests for
/// encryption.
///
/// Cancel safety: dropping the future drops the connection.
///
/// # Errors
/// The connection never became a session. The client has been told where the protocol allows it.
pub async fn receive(
    stream: TcpStream,
    tls: Option<&TlsAcceptor>,
) -> Result<Arrival, HandshakeError> {
    let deadline = Duration::from_millis(STARTUP_DEADLINE_MS);
    timeout(deadline, receive_without_deadline(stream, tls))
        .await
        .unwrap_or(Err(HandshakeError::Timeout))
}

async fn receive_without_deadline(
    stream: TcpStream,
    tls: Option<&TlsAcceptor>,
) -> Result<Arrival, HandshakeError> {
    let mut stream = ClientStream::Tcp(stream);
    let (mut tls_answered, mut gss_answered) = (false, false);
    loop {
        let packet = read_packet(&mut stream).await?;
        match startup::kind(&packet) {
            Some(StartupKind::Ssl) if !tls_answered => {
                tls_answered = true;
                stream = answer_ssl(stream, tls).await?;
            }
            Some(StartupKind::GssEncryption) if !gss_answered => {
                gss_answered = true;
                stream.write_all(b"N").await?;
            }
            Some(StartupKind::Cancel) => return Ok(Arrival::Cancel { stream, packet }),
            Some(StartupKind::Session) => return Ok(Arrival::Session { stream, packet }),
            Some(StartupKind::Ssl | StartupKind::GssEncryption) | None => {
                let complaint = Complaint::fatal("08P01", "encryption was already negotiated");
                stream.write_all(&complaint.to_bytes()).await?;
                return Err(HandshakeError::RequestedTwice);
            }
        }
    }
}

/// Answers `S` and does the TLS handshake if there is a certificate, else answers `N`.
///
/// Packets are read exactly, never ahead, so at this point nothing that the client sent in
/// plaintext can wait in a buffer of ours and be taken for something sent under TLS
/// (CVE-2021-23214): what follows the request in the socket goes into the handshake and breaks it.
async fn answer_ssl(
    stream: ClientStream,
    tls: Option<&TlsAcceptor>,
) -> Result<ClientStream, HandshakeError> {
    match (stream, tls) {
        (ClientStream::Tcp(mut plain), Some(acceptor)) => {
            plain.write_all(b"S").await?;
            let encrypted = acceptor.accept(plain).await.map_err(HandshakeError::Tls)?;
            Ok(ClientStream::Tls(Box::new(encrypted)))
        }
        (mut stream, _none_or_encrypted) => {
            stream.write_all(b"N").await?;
            Ok(stream)
        }
    }
}

/// Reads exactly one packet: a length of four bytes, which counts itself, and the rest.
async fn read_packet(stream: &mut ClientStream) -> Result<Bytes, HandshakeError> {
    let length = stream.read_u32().await?;
    let total = usize::try_from(length).unwrap_or(usize::MAX);
    if !(MIN_STARTUP_PACKET_BYTES..=MAX_STARTUP_PACKET_BYTES).contains(&total) {
        let complaint = Complaint::fatal("08P01", "invalid length of startup packet");
        // Whoever is not speaking the protocol may not read the answer either.
        let _ = stream.write_all(&complaint.to_bytes()).await;
        return Err(HandshakeError::InvalidLength(length));
    }
    let mut packet = BytesMut::zeroed(total);
    let (head, body) = packet.split_at_mut(4);
    head.copy_from_slice(&length.to_be_bytes());
    stream.read_exact(body).await?;
    Ok(packet.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::startup::SSL_REQUEST;
    use tokio::net::TcpListener;

    async fn arrive(bytes: &[u8]) -> (Result<Arrival, HandshakeError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _address) = listener.accept().await.unwrap();
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let arrival = receive(server, None).await;
        let packet = match &arrival {
            Ok(Arrival::Session { packet, .. } | Arrival::Cancel { packet, .. }) => packet.to_vec(),
            Err(_) => Vec::new(),
        };
        (arrival, packet)
    }

    #[tokio::test]
    async fn a_session_follows_refused_encryption() {
        let startup = [0, 0, 0, 9, 0, 3, 0, 0, 0];
        let gss = [0, 0, 0, 8, 4, 210, 22, 48];
        let bytes = [SSL_REQUEST.as_slice(), gss.as_slice(), startup.as_slice()].concat();
        let (arrival, packet) = arrive(&bytes).await;
        assert!(matches!(arrival, Ok(Arrival::Session { .. })), "{arrival:?}");
        assert_eq!(packet, startup);
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        let (arrival, _) = arrive(b"GET / HTTP/1.1\r\n\r\n").await;
        assert!(matches!(arrival, Err(HandshakeError::InvalidLength(_))), "{arrival:?}");
        let (arrival, _) = arrive(&[SSL_REQUEST, SSL_REQUEST].concat()).await;
        assert!(matches!(arrival, Err(HandshakeError::RequestedTwice)), "{arrival:?}");
        let (arrival, _) = arrive(&[0, 0, 0, 9, 0, 3]).await;
        assert!(matches!(arrival, Err(HandshakeError::Lost(_))), "{arrival:?}");
    }
}
