//! Frames: a type byte, a length of four bytes that counts itself, a body.

/// Type byte and length. Unit: bytes.
pub const HEADER_BYTES: usize = 5;

/// Longest message that PostgreSQL takes from a client (`PQ_LARGE_MESSAGE_LIMIT`). Unit: bytes.
pub const LARGE_MESSAGE_BYTES: usize = 0x3fff_fffe;

/// Longest message of the kinds that are always short (`PQ_SMALL_MESSAGE_LIMIT`). Unit: bytes.
pub const SMALL_MESSAGE_BYTES: usize = 10_000;

/// A frame's first five bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The type byte.
    pub tag: u8,
    /// Length of the whole frame, type byte included.
    pub total: usize,
}

/// Bytes that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No such message in this direction.
    #[error("invalid frontend message type {0}")]
    UnknownType(u8),
    /// Shorter than its own length field, or longer than PostgreSQL takes.
    #[error("invalid length of message of type {tag}: {length}")]
    Length {
        /// The type byte.
        tag: u8,
        /// The length as sent.
        length: u32,
    },
    /// The body is not what its type promises.
    #[error("invalid format of message of type {0}")]
    Format(u8),
}

/// Reads the header of a frame from a server; `None` if it is not all there.
///
/// # Errors
/// The length is shorter than itself or negative.
pub fn server_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some(&[tag, a, b, c, d]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    match usize::try_from(length) {
        Ok(counted) if counted >= 4 && i32::try_from(length).is_ok() => {
            Ok(Some(Header { tag, total: counted.saturating_add(1) }))
        }
        Ok(_) | Err(_) => Err(FrameError::Length { tag, length }),
    }
}

/// Length of all frames at the front that are there in full and whose types pass. Unit: bytes.
pub fn whole_frames(bytes: &[u8], passes: impl Fn(u8) -> bool) -> usize {
    let mut at: usize = 0;
    while let Some(rest) = bytes.get(at..)
        && let Ok(Some(Header { tag, total })) = server_header(rest)
        && passes(tag)
        && total <= rest.len()
    {
        at = at.saturating_add(total);
    }
    at
}

/// Reads the header of a frame from a client; `None` if it is not all there. Limits are those of
/// PostgreSQL, so that nothing is refused here which the server would have taken.
///
/// # Errors
/// The type is unknown, or the length is out of its type's bounds.
pub fn client_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let longest = match bytes.first() {
        None => return Ok(None),
        Some(b'Q' | b'P' | b'B' | b'F' | b'd') => LARGE_MESSAGE_BYTES,
        Some(b'D' | b'E' | b'C' | b'S' | b'H' | b'X' | b'c' | b'f') => SMALL_MESSAGE_BYTES,
        Some(&unknown) => return Err(FrameError::UnknownType(unknown)),
    };
    let header = server_header(bytes)?;
    match header {
        Some(Header { tag, total }) if total > longest.saturating_add(1) => {
            let length = u32::try_from(total.saturating_sub(1)).unwrap_or(u32::MAX);
            Err(FrameError::Length { tag, length })
        }
        Some(_) | None => Ok(header),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_when_they_are_all_there() {
        assert_eq!(server_header(b"Z\0\0\0"), Ok(None));
        assert_eq!(server_header(b"Z\0\0\0\x05I"), Ok(Some(Header { tag: b'Z', total: 6 })));
        assert_eq!(client_header(b""), Ok(None));
        assert_eq!(client_header(b"S\0\0\0\x04"), Ok(Some(Header { tag: b'S', total: 5 })));
    }

    #[test]
    fn whole_frames_end_before_one_that_is_not_there_in_full_or_does_not_pass() {
        let rows = b"D\0\0\0\x05xD\0\0\0\x04";
        let length = |behind: &[u8]| whole_frames(&[rows, behind].concat(), |tag| tag == b'D');
        for behind in [b"".as_slice(), b"D\0\0", b"D\0\0\0\x06x", b"C\0\0\0\x04", b"D\0\0\0\x03"] {
            assert_eq!(length(behind), rows.len(), "{behind:?}");
        }
        assert_eq!(length(b"D\0\0\0\x05y"), rows.len() + 6);
        assert_eq!(whole_frames(rows, |tag| tag == b'd'), 0);
    }

    #[test]
    fn lengths_and_types_have_bounds() {
        let length = |tag, length| Err(FrameError::Length { tag, length });
        assert_eq!(server_header(b"Z\0\0\0\x03"), length(b'Z', 3));
        assert_eq!(server_header(b"D\xff\xff\xff\xff"), length(b'D', u32::MAX));
        assert_eq!(client_header(b"S\0\0\x27\x11"), length(b'S', 10_001));
        assert_eq!(client_header(b"S\0\0\x27\x10").map(|h| h.is_some()), Ok(true));
        assert_eq!(client_header(b"Q\x3f\xff\xff\xff"), length(b'Q', 0x3fff_ffff));
        assert_eq!(client_header(b"p"), Err(FrameError::UnknownType(b'p')));
    }
}
