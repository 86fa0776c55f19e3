//! The escapes of `U&'…'` and `U&"…"`.

/// Whether UESCAPE may name this character.
pub(super) fn may_escape(letter: char) -> bool {
    !letter.is_ascii_hexdigit()
        && !matches!(letter, '+' | '\'' | '"' | ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// What the escapes spell; `None` for one that PostgreSQL rejects.
pub(crate) fn decoded(body: &str, escape: char) -> Option<String> {
    if !body.contains(escape) {
        return Some(body.to_owned());
    }
    let mut decoded = String::with_capacity(body.len());
    let mut high = None;
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        let behind = rest.get(letter.len_utf8()..)?;
        if letter != escape || behind.starts_with(escape) {
            if high.is_some() {
                return None;
            }
            decoded.push(letter);
            rest = if letter == escape { behind.get(escape.len_utf8()..)? } else { behind };
            continue;
        }
        let (digits, behind) = match behind.strip_prefix('+') {
            Some(long) => (long.get(..6)?, long.get(6..)?),
            None => (behind.get(..4)?, behind.get(4..)?),
        };
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let code = u32::from_str_radix(digits, 16).ok()?;
        rest = behind;
        match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => high = Some(code),
            (Some(high), 0xDC00..=0xDFFF) => {
                decoded.push(char::from_u32(0x10000 + ((high & 0x3FF) << 10) + (code & 0x3FF))?);
            }
            (Some(_), _) | (None, 0) => return None,
            (None, _) => decoded.push(char::from_u32(code)?),
        }
    }
    if high.is_some() { None } else { Some(decoded) }
}
