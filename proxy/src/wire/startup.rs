//! Packets that come before the first message with a type byte: startup, SSLRequest, GSSENCRequest,
//! CancelRequest (PostgreSQL manual, "Message Formats").

/// Longest startup packet that PostgreSQL reads (`MAX_STARTUP_PACKET_LENGTH`). Unit: bytes.
pub const MAX_STARTUP_PACKET_BYTES: usize = 10_000;

/// Shortest packet: length and code. Unit: bytes.
pub const MIN_STARTUP_PACKET_BYTES: usize = 8;

/// A whole SSLRequest packet.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

const SSL_REQUEST_CODE: u32 = (1234 << 16) | 5679;
const GSSENC_REQUEST_CODE: u32 = (1234 << 16) | 5680;
const CANCEL_REQUEST_CODE: u32 = (1234 << 16) | 5678;

/// What the packet asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartupKind {
    /// The client wants TLS.
    Ssl,
    /// The client wants GSSAPI encryption.
    GssEncryption,
    /// The client wants a running statement of another session cancelled.
    Cancel,
    /// The client wants a session. The server judges the version.
    Session,
}

/// Reads a packet's code, which follows its length. `None` if the packet is too short.
#[must_use]
pub fn kind(packet: &[u8]) -> Option<StartupKind> {
    let code = u32::from_be_bytes(*packet.get(4..8)?.first_chunk::<4>()?);
    Some(match code {
        SSL_REQUEST_CODE => StartupKind::Ssl,
        GSSENC_REQUEST_CODE => StartupKind::GssEncryption,
        CANCEL_REQUEST_CODE => StartupKind::Cancel,
        _version => StartupKind::Session,
    })
}

/// What a session's startup packet says, as far as a proxy must know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// Role to log in as.
    pub user: String,
    /// Database to log in to; the role's name if the packet does not say.
    pub database: String,
    /// `application_name`.
    pub application_name: String,
    /// Whether a replication connection is asked for.
    pub replication: bool,
}

/// Reads the parameters of a session's startup packet. Whatever the packet's fault is, the server
/// will see the same bytes and name it; here a fault only ends the reading.
#[must_use]
pub fn parameters(packet: &[u8]) -> Parameters {
    let mut found = Parameters::default();
    let mut database = None;
    let mut strings = packet.get(8..).unwrap_or_default().split(|byte| *byte == 0);
    while let (Some(key), Some(value)) = (strings.next(), strings.next()) {
        if key.is_empty() {
            break;
        }
        let text = || String::from_utf8_lossy(value).into_owned();
        match key {
            b"user" => found.user = text(),
            b"database" => database = Some(text()),
            b"application_name" => found.application_name = text(),
            b"replication" => found.replication = !is_false(value),
            _other => {}
        }
    }
    found.database = database.filter(|name| !name.is_empty()).unwrap_or_else(|| found.user.clone());
    found
}

/// The spellings of false that PostgreSQL's `parse_bool` takes; everything else asks for
/// replication, or is an error that the server will report.
fn is_false(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let prefix_of = |word: &[u8], least: usize| value.len() >= least && word.starts_with(&value);
    value == b"0" || prefix_of(b"false", 1) || prefix_of(b"no", 1) || prefix_of(b"off", 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(strings: &[&str]) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 0, 0, 3, 0, 0];
        for string in strings {
            body.extend_from_slice(string.as_bytes());
            body.push(0);
        }
        body.push(0);
        let length = u32::try_from(body.len()).unwrap();
        body[..4].copy_from_slice(&length.to_be_bytes());
        body
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(kind(&SSL_REQUEST), Some(StartupKind::Ssl));
        assert_eq!(kind(&[0, 0, 0, 8, 4, 210, 22, 48]), Some(StartupKind::GssEncryption));
        assert_eq!(kind(&[0, 0, 0, 16, 4, 210, 22, 46]), Some(StartupKind::Cancel));
        assert_eq!(kind(&packet(&["user", "app"])), Some(StartupKind::Session));
        assert_eq!(kind(&[0, 0, 0, 4]), None);
    }

    #[test]
    fn database_defaults_to_user() {
        let expected = |database: &str, replication| Parameters {
            user: "app".into(),
            database: database.into(),
            application_name: String::new(),
            replication,
        };
        assert_eq!(parameters(&packet(&["user", "app"])), expected("app", false));
        assert_eq!(parameters(&packet(&["user", "app", "database", ""])), expected("app", false));
        assert_eq!(parameters(&packet(&["database", "d", "user", "app"])), expected("d", false));
    }

    #[test]
    fn replication_is_read_as_the_server_reads_it() {
        for (value, replication) in [
            ("true", true),
            ("database", true),
            ("1", true),
            ("false", false),
            ("F", false),
            ("of", false),
            ("o", true),
            ("no", false),
            ("0", false),
        ] {
            let packet = packet(&["user", "app", "replication", value]);
            assert_eq!(parameters(&packet).replication, replication, "{value}");
        }
    }

    #[test]
    fn a_truncated_packet_is_no_fault_of_ours() {
        let whole = packet(&["user", "app", "database", "d"]);
        for cut in 0..whole.len() {
            let _ = parameters(&whole[..cut]);
            let _ = kind(&whole[..cut]);
        }
    }
}
