//! The text of a string literal, from its source form.

use std::iter::Peekable;
use std::str::Chars;

/// The text; `None` for escapes whose meaning depends on the encoding.
pub(crate) fn text_of(source: &str) -> Option<String> {
    let quoted = |source: &str| {
        let inner = source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        inner.map(|inner| inner.replace("''", "'"))
    };
    if let Some(plain) = quoted(source) {
        return Some(plain);
    }
    if let Some(escaped) = source.strip_prefix(['e', 'E']) {
        return unescaped(&quoted(escaped)?);
    }
    let tag = source.strip_prefix('$')?.split('$').next()?;
    let fence = format!("${tag}$");
    source.strip_prefix(&fence)?.strip_suffix(&fence).map(str::to_owned)
}

/// The escapes of `E'…'` (PostgreSQL manual, "String Constants With C-Style Escapes").
fn unescaped(text: &str) -> Option<String> {
    let mut letters = text.chars().peekable();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let code = match letters.next()? {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'x' => number(&mut letters, 0, 16),
            'u' | 'U' => return None,
            octal @ '0'..='7' => number(&mut letters, octal.to_digit(8)?, 8),
            other => u32::from(other),
        };
        plain.push(char::from_u32(code).filter(|letter| letter.is_ascii() && *letter != '\0')?);
    }
    Some(plain)
}

/// Reads up to two more digits.
fn number(letters: &mut Peekable<Chars<'_>>, mut code: u32, radix: u32) -> u32 {
    for _ in 0..2 {
        let Some(digit) = letters.peek().and_then(|next| next.to_digit(radix)) else { break };
        code = code * radix + digit;
        letters.next();
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_postgresql_reads_them() {
        for (source, text) in [
            ("'a''b'", Some("a'b")),
            (r"E'\t\x41\101\''''", Some("\tAA''")),
            (r"e'\\\|'", Some(r"\|")),
            ("$$|$$", Some("|")),
            ("$x$'$x$", Some("'")),
            (r"E'\u0041'", None),
            (r"E'\xe4'", None),
            ("U&'x'", None),
        ] {
            assert_eq!(text_of(source).as_deref(), text, "{source}");
        }
    }
}
