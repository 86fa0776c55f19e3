//! Makes the messages that segue itself sends, with pgwire's codecs.

use bytes::BytesMut;
use pgwire::messages::Message;
use pgwire::messages::response::ErrorResponse;

/// What goes into an ErrorResponse of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// `ERROR`, or `FATAL` where the connection is closed after it.
    pub severity: &'static str,
    /// SQLSTATE, PostgreSQL manual appendix A.
    pub sqlstate: &'static str,
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
    /// Place in the client's text, in characters counted from 1.
    pub position: Option<u32>,
}

impl Complaint {
    /// A complaint after which the connection is closed.
    #[must_use]
    pub fn fatal(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { severity: "FATAL", sqlstate, message: message.into(), hint: None, position: None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_fields_that_clients_read() {
        let complaint = Complaint::fatal("08006", "no\0t there").hint("start it");
        let expected = b"E\0\0\0\x36SFATAL\0VFATAL\0C08006\0Mnot there\0Hstart it\0\0";
        let bytes = complaint.to_bytes();
        assert_eq!(&bytes[5..], &expected[5..]);
        assert_eq!(usize::from(bytes[4]) + 1, bytes.len());
    }
}
