//! A first line of names that the server compares with its own: it gets the server's names for the
//! client's, and those of the added columns.
//!
//! Sound: the server must find a fault exactly where it would have found one in the client's line.
//! A name that the client got wrong stays as it is, and is not made right by chance.

use rewrite_rules::{CopyFormat, HeaderName};

/// How a line is cut into fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) format: CopyFormat,
    pub(super) delimiter: u8,
}

/// The line for the server, without its end. `line` is the client's.
pub(super) fn rewritten(line: &[u8], names: &[HeaderName], added: &[String], cut: Cut) -> Vec<u8> {
    let fields = cut.fields(line);
    let mut new = Vec::with_capacity(line.len());
    for (place, raw) in fields.iter().enumerate() {
        if place > 0 {
            new.push(cut.delimiter);
        }
        let read = cut.read(raw);
        match names.get(place) {
            Some(name) if name.client == name.server => new.extend_from_slice(raw),
            Some(name) if read == name.client.as_bytes() => cut.write(&name.server, &mut new),
            Some(name) if read == name.server.as_bytes() => {
                new.extend_from_slice(raw);
                new.push(b' ');
            }
            Some(_) | None => new.extend_from_slice(raw),
        }
    }
    // Where names are missing the server shall find them missing.
    if fields.len() >= names.len() {
        for name in added {
            new.push(cut.delimiter);
            cut.write(name, &mut new);
        }
    }
    new
}

impl Cut {
    /// The line's fields as they are written.
    fn fields(self, line: &[u8]) -> Vec<&[u8]> {
        let mut fields = Vec::new();
        let (mut start, mut quoted, mut escaped) = (0, false, false);
        for (at, &byte) in line.iter().enumerate() {
            let special = !std::mem::take(&mut escaped);
            match self.format {
                CopyFormat::Text { .. } => escaped = special && byte == b'\\',
                CopyFormat::Csv { quote, escape, .. } => {
                    escaped = quoted && special && byte == escape && escape != quote;
                    quoted ^= byte == quote && special;
                }
                CopyFormat::Binary => {}
            }
            if byte == self.delimiter && special && !quoted {
                fields.push(line.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
        }
        fields.push(line.get(start..).unwrap_or_default());
        fields
    }

    /// What a field says.
    fn read(self, raw: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter().copied().peekable();
        let mut quoted = false;
        while let Some(byte) = bytes.next() {
            match self.format {
                CopyFormat::Text { .. } if byte == b'\\' => text.extend(bytes.next().map(escaped)),
                CopyFormat::Csv { quote, escape, .. } if quoted && byte == escape => {
                    match bytes.next_if(|next| *next == quote || *next == escape) {
                        Some(next) => text.push(next),
                        None if byte == quote => quoted = false,
                        None => text.push(byte),
                    }
                }
                CopyFormat::Csv { quote, .. } if byte == quote => quoted = !quoted,
                CopyFormat::Text { .. } | CopyFormat::Csv { .. } | CopyFormat::Binary => {
                    text.push(byte);
                }
            }
        }
        text
    }

    /// Writes a name so that it is read as it is.
    fn write(self, name: &str, line: &mut Vec<u8>) {
        match self.format {
            CopyFormat::Csv { quote, escape, .. } => {
                line.push(quote);
                for byte in name.bytes() {
                    if byte == quote || byte == escape {
                        line.push(escape);
                    }
                    line.push(byte);
                }
                line.push(quote);
            }
            CopyFormat::Text { .. } | CopyFormat::Binary => {
                for byte in name.bytes() {
                    match byte {
                        b'\n' => line.extend_from_slice(b"\\n"),
                        b'\r' => line.extend_from_slice(b"\\r"),
                        b'\\' => line.extend_from_slice(b"\\\\"),
                        byte if byte == self.delimiter => line.extend_from_slice(&[b'\\', byte]),
                        byte => line.push(byte),
                    }
                }
            }
        }
    }
}

/// What a backslash makes of the byte behind it. (Codes in digits stay unread: such a name counts
/// as a wrong one.)
fn escaped(byte: u8) -> u8 {
    match byte {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        byte => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Cut = Cut {
        format: CopyFormat::Csv { delimiter: b',', quote: b'"', escape: b'"' },
        delimiter: b',',
    };
    const TEXT: Cut = Cut { format: CopyFormat::Text { delimiter: b'\t' }, delimiter: b'\t' };

    fn names() -> Vec<HeaderName> {
        [("id", "id"), ("a,\"b", "new\tone")]
            .map(|(client, server)| HeaderName { client: client.into(), server: server.into() })
            .into()
    }

    fn check(cut: Cut, line: &str, expected: &str) {
        let made = rewritten(line.as_bytes(), &names(), &["old".to_owned()], cut);
        assert_eq!(String::from_utf8(made).unwrap(), expected, "{line}");
    }

    #[test]
    fn names_become_the_servers() {
        check(CSV, "id,\"a,\"\"b\"", "id,\"new\tone\",\"old\"");
        check(CSV, "\"id\",a\",\"\"\"b", "\"id\",\"new\tone\",\"old\"");
        check(TEXT, "id\ta,\"b", "id\tnew\\\tone\told");
        check(TEXT, "i\\d\ta,\\\"b", "i\\d\tnew\\\tone\told");
        let escape = CopyFormat::Csv { delimiter: b';', quote: b'\'', escape: b'\\' };
        let cut = Cut { format: escape, delimiter: b';' };
        check(cut, "id;'a,\\\"b'", "id;'a,\\\"b';'old'");
        check(cut, "id;'a,\"b'", "id;'new\tone';'old'");
    }

    #[test]
    fn a_faulty_line_stays_faulty() {
        check(CSV, "id", "id");
        check(CSV, "", "");
        check(CSV, "id,x", "id,x,\"old\"");
        check(CSV, "id,\"a,\"\"b\",more", "id,\"new\tone\",more,\"old\"");
        check(CSV, "id,\"new\tone\"", "id,\"new\tone\" ,\"old\"");
        check(TEXT, "id\tnew\\tone", "id\tnew\\tone \told");
    }
}
