//! Authentication, relayed as it is in both directions until the server's first ReadyForQuery.
//!
//! With one exception: a server that is reached over TLS offers SCRAM with channel binding, and a
//! client in plaintext takes that offer for an attack. It is struck from the list then; the client
//! says truthfully that it cannot bind, and the server accepts. A client under TLS of its own
//! cannot be helped that way: it would say that it could have, and the server would refuse.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::conversation::Violation;
use super::link::{Peer, Rooms, WAITING_BYTES, exchange};
use crate::wire::compose;
use crate::wire::frame::{self, FrameError, HEADER_BYTES, Header};
use crate::wire::outgoing::Outgoing;

/// Longest message before login is complete; PostgreSQL takes tokens of up to 65,535 bytes, and
/// servers send one notice or error at most. Unit: bytes.
const LOGIN_MESSAGE_BYTES: usize = 256 * 1024;

/// AuthenticationSASL (PostgreSQL manual, "Message Formats").
const SASL: &[u8] = &10_u32.to_be_bytes();

/// The mechanism that binds to the TLS channel.
const BINDING_MECHANISM: &[u8] = b"SCRAM-SHA-256-PLUS";

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// The server takes queries.
    Done {
        /// Process id of the backend, 0 if it did not say.
        backend_pid: i32,
    },
    /// One side closed; what the server said about it is on its way to the client.
    Refused,
}

/// Relays until the server is ready for queries or one side closes. What the client sends ahead
/// stays in its input. `can_bind`: whether the client may take an offer of channel binding.
///
/// Cancel safety: what was read stays in the peers; the backend's process id may be lost.
///
/// # Errors
/// One side does not keep to the protocol.
pub(super) async fn relay<C, S>(
    client: &mut Peer<C>,
    server: &mut Peer<S>,
    can_bind: bool,
) -> Result<Login, Violation>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut backend_pid = 0;
    loop {
        from_client(&mut client.input, &mut server.output)?;
        if from_server(&mut server.input, &mut client.output, can_bind, &mut backend_pid)? {
            return Ok(Login::Done { backend_pid });
        }
        if server.ended || client.ended {
            return Ok(Login::Refused);
        }
        let rooms = Rooms { client: WAITING_BYTES, server: LOGIN_MESSAGE_BYTES };
        exchange(client, server, rooms).await;
    }
}

/// Passes the client's answers (passwords, SASL, GSS: all of type `p`) on.
fn from_client(input: &mut BytesMut, server: &mut Outgoing) -> Result<(), Violation> {
    while let Some(header) = frame::server_header(input).map_err(Violation::Client)? {
        if header.tag != b'p' {
            return Ok(());
        }
        if !is_whole(header, input).map_err(Violation::Client)? {
            return Ok(());
        }
        server.take(input, header.total);
    }
    Ok(())
}

/// Passes the server's messages on; true once it is ready for queries.
fn from_server(
    input: &mut BytesMut,
    client: &mut Outgoing,
    can_bind: bool,
    backend_pid: &mut i32,
) -> Result<bool, Violation> {
    while let Some(header) = frame::server_header(input).map_err(Violation::Server)? {
        if !is_whole(header, input).map_err(Violation::Server)? {
            return Ok(false);
        }
        if header.tag == b'K'
            && let Some(pid) = input.get(HEADER_BYTES..).and_then(|body| body.first_chunk())
        {
            *backend_pid = i32::from_be_bytes(*pid);
        }
        if header.tag == b'R'
            && !can_bind
            && let Some(offer) = input.get(..header.total).and_then(without_binding)
        {
            client.put(&offer);
            input.advance(header.total);
            continue;
        }
        client.take(input, header.total);
        if header.tag == b'Z' {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An AuthenticationSASL message without the mechanism that binds to the channel; `None` if it is
/// another message or does not offer it.
fn without_binding(frame: &[u8]) -> Option<BytesMut> {
    let offer = frame.get(HEADER_BYTES..)?.strip_prefix(SASL)?;
    let mechanisms: Vec<&[u8]> =
        offer.split(|byte| *byte == 0).take_while(|it| !it.is_empty()).collect();
    if !mechanisms.contains(&BINDING_MECHANISM) {
        return None;
    }
    let left = mechanisms.into_iter().filter(|mechanism| *mechanism != BINDING_MECHANISM);
    Some(compose::sasl_offer(left))
}

fn is_whole(header: Header, input: &[u8]) -> Result<bool, FrameError> {
    if header.total > LOGIN_MESSAGE_BYTES {
        return Err(FrameError::Length {
            tag: header.tag,
            length: u32::try_from(header.total.saturating_sub(1)).unwrap_or(u32::MAX),
        });
    }
    Ok(input.len() >= header.total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_are_taken_from_the_client() {
        let mut server = Outgoing::default();
        let mut input = BytesMut::from(&b"p\0\0\0\x06x\0Q\0\0\0\x05\0"[..]);
        assert_eq!(from_client(&mut input, &mut server), Ok(()));
        assert_eq!(server.waiting(), b"p\0\0\0\x06x\0");
        assert_eq!(&input[..], b"Q\0\0\0\x05\0");
    }

    #[test]
    fn the_first_ready_for_query_ends_the_login() {
        let bytes = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\x01\x02abcdZ\0\0\0\x05IA";
        for cut in 0..bytes.len() {
            let (mut client, mut pid) = (Outgoing::default(), 0);
            let mut input = BytesMut::from(&bytes[..cut]);
            let early = from_server(&mut input, &mut client, true, &mut pid).unwrap();
            input.extend_from_slice(&bytes[cut..]);
            assert!(early || from_server(&mut input, &mut client, true, &mut pid).unwrap());
            assert_eq!((pid, client.waiting(), &input[..]), (258, &bytes[..28], &b"A"[..]));
        }
    }

    #[test]
    fn a_client_in_plaintext_is_not_offered_channel_binding() {
        let offer = b"R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        let left = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
        for (can_bind, expected) in [(true, &offer[..]), (false, &left[..])] {
            let (mut client, mut pid) = (Outgoing::default(), 0);
            let mut input = BytesMut::from(&offer[..]);
            assert_eq!(from_server(&mut input, &mut client, can_bind, &mut pid), Ok(false));
            assert_eq!(client.waiting(), expected);
        }
        assert_eq!(without_binding(b"R\0\0\0\x08\0\0\0\0"), None);
    }

    #[test]
    fn login_messages_have_a_bound() {
        let mut input = BytesMut::from(&b"p\x00\xff\xff\xff"[..]);
        let length = FrameError::Length { tag: b'p', length: 0xff_ffff };
        assert_eq!(
            from_client(&mut input, &mut Outgoing::default()),
            Err(Violation::Client(length))
        );
    }
}
