//! Makes the messages that segue itself sends, with pgwire's codecs.
//!
//! Where names or types of the client's go into a message they are spliced in as bytes: a name
//! under another encoding than UTF-8 must reach the server as it came.

use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::copy::{CopyDone, CopyFail};
use pgwire::messages::extendedquery::{Bind, Close, Execute, Flush, Sync};
use pgwire::messages::response::ErrorResponse;
use pgwire::messages::terminate::Terminate;

/// What goes into an ErrorResponse of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// `ERROR`, or `FATAL` where the connection is closed after it.
    pub severity: &'static str,
    /// SQLSTATE, PostgreSQL manual appendix A.
    pub sqlstate: &'static str,
    /// What is wrong.
    pub message: String,
    /// More of what is wrong.
    pub detail: Option<&'static str>,
    /// The next step.
    pub hint: Option<String>,
    /// Place in the client's text, in characters counted from 1.
    pub position: Option<u32>,
}

impl Complaint {
    /// A complaint after which the connection is closed.
    #[must_use]
    pub fn fatal(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: "FATAL",
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The ErrorResponse as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> BytesMut {
        let mut fields = vec![
            (b'S', self.severity.to_owned()),
            (b'V', self.severity.to_owned()),
            (b'C', self.sqlstate.to_owned()),
            (b'M', self.message.clone()),
        ];
        if let Some(detail) = self.detail {
            fields.push((b'D', detail.to_owned()));
        }
        if let Some(hint) = &self.hint {
            fields.push((b'H', hint.clone()));
        }
        if let Some(position) = self.position {
            fields.push((b'P', position.to_string()));
        }
        for (_code, value) in &mut fields {
            // A NUL would end the field and make the rest of it another field.
            value.retain(|letter| letter != '\0');
        }
        encoded(&ErrorResponse::new(fields))
    }
}

/// pgwire refuses only what is larger than its own limits, which nothing made here can be except
/// by a bug; an empty buffer then makes the peer wait for a message instead of reading garbage.
fn encoded(message: &impl Message) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(message.message_length().saturating_add(1));
    if message.encode(&mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

/// A message from its parts, byte for byte.
fn spliced(tag: u8, parts: &[&[u8]]) -> BytesMut {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = BytesMut::with_capacity(body.saturating_add(5));
    bytes.put_u8(tag);
    bytes.put_u32(u32::try_from(body.saturating_add(4)).unwrap_or(u32::MAX));
    for part in parts {
        bytes.put_slice(part);
    }
    bytes
}

/// A Query with another text.
#[must_use]
pub fn query(text: &str) -> BytesMut {
    spliced(b'Q', &[text.as_bytes(), b"\0"])
}

/// A Parse with the client's name and types (see [`crate::wire::request::Parse::types`]).
#[must_use]
pub fn parse(name: &[u8], text: &[u8], types: &[u8]) -> BytesMut {
    spliced(b'P', &[name, b"\0", text, b"\0", types])
}

/// A Close of the client's statement.
#[must_use]
pub fn close_statement(name: &[u8]) -> BytesMut {
    spliced(b'C', &[b"S", name, b"\0"])
}

/// Runs a statement of our own without disturbing the client's unnamed statement and portal: what
/// [`open`] and [`run`] make.
#[must_use]
pub fn question(name: &str, text: impl AsRef<[u8]>) -> BytesMut {
    let mut bytes = open(name, text);
    bytes.unsplit(run(name));
    bytes
}

/// Close, Parse and Bind of a statement of our own, all under `name`.
///
/// It closes first because an earlier one may have failed between its Parse and its Close.
#[must_use]
pub fn open(name: &str, text: impl AsRef<[u8]>) -> BytesMut {
    let named = || Some(name.to_owned());
    let mut bytes = close_statement(name.as_bytes());
    bytes.unsplit(parse(name.as_bytes(), text.as_ref(), &[0, 0]));
    bytes.unsplit(encoded(&Bind::new(named(), named(), Vec::new(), Vec::new(), Vec::new())));
    bytes
}

/// Execute of what [`open`] made, Close of its portal, Close of its statement.
#[must_use]
pub fn run(name: &str) -> BytesMut {
    let named = || Some(name.to_owned());
    let mut bytes = encoded(&Execute::new(named(), 0));
    bytes.unsplit(encoded(&Close::new(b'P', named())));
    bytes.unsplit(close_statement(name.as_bytes()));
    bytes
}

/// A Flush: makes the server send what it has.
#[must_use]
pub fn flush() -> BytesMut {
    encoded(&Flush::new())
}

/// A Sync.
#[must_use]
pub fn sync() -> BytesMut {
    encoded(&Sync::new())
}

/// An AuthenticationSASL that offers these mechanisms.
#[must_use]
pub fn sasl_offer<'a>(mechanisms: impl Iterator<Item = &'a [u8]>) -> BytesMut {
    let mut list = BytesMut::new();
    for mechanism in mechanisms {
        list.put_slice(mechanism);
        list.put_u8(0);
    }
    list.put_u8(0);
    spliced(b'R', &[&10_u32.to_be_bytes(), &list])
}

/// A Terminate.
#[must_use]
pub fn terminate() -> BytesMut {
    encoded(&Terminate::new())
}

/// A CopyDone.
#[must_use]
pub fn copy_done() -> BytesMut {
    encoded(&CopyDone::new())
}

/// A CopyFail, whose reason will be part of the server's error.
#[must_use]
pub fn copy_fail(reason: &str) -> BytesMut {
    encoded(&CopyFail::new(reason.to_owned()))
}

/// A CommandComplete.
#[must_use]
pub fn command_complete(tag: &[u8]) -> BytesMut {
    spliced(b'C', &[tag, b"\0"])
}

/// A message from its type and body.
#[must_use]
pub fn message(tag: u8, body: &[u8]) -> BytesMut {
    spliced(tag, &[body])
}

/// An ErrorResponse or NoticeResponse of these fields.
#[must_use]
pub fn report<V: AsRef<[u8]>>(tag: u8, fields: &[(u8, V)]) -> BytesMut {
    let mut body = BytesMut::new();
    for (field, value) in fields {
        body.put_u8(*field);
        body.put_slice(value.as_ref());
        body.put_u8(0);
    }
    body.put_u8(0);
    spliced(tag, &[&body])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_messages_are_whole_frames() {
        assert_eq!(&query("x")[..], b"Q\0\0\0\x06x\0");
        assert_eq!(&parse(b"\xe4", b"t", b"\0\0")[..], b"P\0\0\0\x0a\xe4\0t\0\0\0");
        assert_eq!(&close_statement(b"s")[..], b"C\0\0\0\x07Ss\0");
        assert_eq!((&flush()[..], &sync()[..]), (&b"H\0\0\0\x04"[..], &b"S\0\0\0\x04"[..]));
        assert_eq!(&terminate()[..], b"X\0\0\0\x04");
        assert_eq!(&copy_done()[..], b"c\0\0\0\x04");
        assert_eq!(&copy_fail("x")[..], b"f\0\0\0\x06x\0");
        assert_eq!(&command_complete(b"COPY 1")[..], b"C\0\0\0\x0bCOPY 1\0");
        assert_eq!(&message(b'G', b"ab")[..], b"G\0\0\0\x06ab");
        let fields: [(u8, &[u8]); 2] = [(b'C', b"42703"), (b'P', b"10")];
        assert_eq!(&report(b'E', &fields)[..], b"E\0\0\0\x10C42703\0P10\0\0");
        let mut asked = &question("n", "t")[..];
        let mut tags = Vec::new();
        while let Ok(Some(header)) = crate::wire::frame::client_header(asked) {
            tags.push(header.tag);
            asked = &asked[header.total..];
        }
        assert_eq!((&tags[..], asked), (&b"CPBECC"[..], &b""[..]));
    }

    #[test]
    fn an_error_has_the_fields_that_clients_read() {
        let complaint = Complaint::fatal("08006", "no\0t there").hint("start it");
        let expected = b"E\0\0\0\x36SFATAL\0VFATAL\0C08006\0Mnot there\0Hstart it\0\0";
        let bytes = complaint.to_bytes();
        assert_eq!(&bytes[5..], &expected[5..]);
        assert_eq!(usize::from(bytes[4]) + 1, bytes.len());
    }
}
