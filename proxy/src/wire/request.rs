//! Reads the client's messages that name a statement: bounded parsers on borrowed bytes.
//!
//! Each takes one frame's body and answers `None` unless the body is exactly one such message. What
//! is accepted here, PostgreSQL accepts and reads in the same way.

/// A Parse message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    /// Name of the statement, empty for the unnamed one.
    pub name: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// Count and type OIDs of the declared parameters, as sent.
    pub types: &'a [u8],
}

/// What a Describe or Close message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A prepared statement.
    Statement(&'a [u8]),
    /// A portal.
    Portal(&'a [u8]),
}

/// The beginning of a Bind message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindNames<'a> {
    /// The portal to make.
    pub portal: &'a [u8],
    /// The statement to make it from.
    pub statement: &'a [u8],
}

/// Splits a NUL-terminated string off the front.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((text, rest.get(1..)?))
}

/// The text of a Query message.
#[must_use]
pub fn query(body: &[u8]) -> Option<&[u8]> {
    let (text, rest) = string(body)?;
    rest.is_empty().then_some(text)
}

/// A Parse message.
#[must_use]
pub fn parse(body: &[u8]) -> Option<Parse<'_>> {
    let (name, rest) = string(body)?;
    let (text, types) = string(rest)?;
    let count = usize::from(u16::from_be_bytes(*types.first_chunk()?));
    (types.len() == count.saturating_mul(4).saturating_add(2)).then_some(Parse {
        name,
        text,
        types,
    })
}

/// The names at the beginning of a Bind message's body, of which a prefix is enough. `None` if they
/// are not all there.
#[must_use]
pub fn bind_names(prefix: &[u8]) -> Option<BindNames<'_>> {
    let (portal, rest) = string(prefix)?;
    let (statement, _parameters) = string(rest)?;
    Some(BindNames { portal, statement })
}

/// The subject of a Describe or Close message.
#[must_use]
pub fn target(body: &[u8]) -> Option<Target<'_>> {
    let (kind, rest) = body.split_first()?;
    let (name, rest) = string(rest)?;
    match kind {
        _ if !rest.is_empty() => None,
        b'S' => Some(Target::Statement(name)),
        b'P' => Some(Target::Portal(name)),
        _other => None,
    }
}

/// The portal that an Execute message runs.
#[must_use]
pub fn executed_portal(body: &[u8]) -> Option<&[u8]> {
    let (name, rest) = string(body)?;
    (rest.len() == 4).then_some(name)
}

/// An Execute message that asks for all rows, whatever the given one asks for.
#[must_use]
pub fn of_all_rows(frame: &[u8]) -> Vec<u8> {
    let kept = frame.len().saturating_sub(4);
    [frame.get(..kept).unwrap_or_default(), &[0; 4]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_must_fill_its_frame() {
        assert_eq!(query(b"select 1\0"), Some(&b"select 1"[..]));
        assert_eq!(query(b"select 1"), None);
        assert_eq!(query(b"select 1\0\0"), None);
        let expected = Parse { name: b"s", text: b"t", types: b"\0\x01\0\0\0\x17" };
        assert_eq!(parse(b"s\0t\0\0\x01\0\0\0\x17"), Some(expected));
        assert_eq!(parse(b"s\0t\0\0\x02\0\0\0\x17"), None);
        assert_eq!(parse(b"s\0t\0\0\x01\0\0\0\x17\0"), None);
        assert_eq!(parse(b"s\0t"), None);
        assert_eq!(target(b"Ss\0"), Some(Target::Statement(b"s")));
        assert_eq!(target(b"P\0"), Some(Target::Portal(b"")));
        assert_eq!(target(b"X\0"), None);
        assert_eq!(target(b"S\0\0"), None);
        assert_eq!(executed_portal(b"p\0\0\0\0\0"), Some(&b"p"[..]));
        assert_eq!(executed_portal(b"p\0\0\0\0"), None);
        assert_eq!(of_all_rows(b"E\0\0\0\x0ap\0\0\0\0\x01"), b"E\0\0\0\x0ap\0\0\0\0\0");
    }

    #[test]
    fn a_bind_is_read_as_far_as_its_names() {
        let expected = BindNames { portal: b"p", statement: b"s" };
        assert_eq!(bind_names(b"p\0s\0\0\x01\0\0"), Some(expected));
        assert_eq!(bind_names(b"p\0s"), None);
    }
}
