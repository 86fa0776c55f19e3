//! A statement without its values, to be shown to somebody who may not see them.

use sqlparser::tokenizer::Token;

use crate::lexer::lex;
use crate::statement::{end_byte, start_byte};

/// Longest text that is shown: a line or two tell which statement it is. Unit: characters.
const SHOWN: usize = 200;

/// `text` on one line, with `?` for each literal and without comments, which may hold values too.
///
/// A text may have been cut off in the middle, as PostgreSQL does with what it shows of running
/// statements. Where it cannot be read, its first word is all that is safe to show.
#[must_use]
pub fn without_values(text: &str) -> String {
    // A backslash before a quote may or may not end a literal: the session's settings decide.
    let is_plain = !text.contains("\\'");
    let mut closed = ["", "'", "\"", "*/"].iter().filter(|_| is_plain);
    let whole = closed.find_map(|end| spelled(&format!("{text}{end}")));
    let line = whole.unwrap_or_else(|| match text.split_whitespace().next() {
        Some(word) if word.bytes().all(|byte| byte.is_ascii_alphabetic()) => format!("{word} …"),
        Some(_) | None => "…".to_owned(),
    });
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn spelled(text: &str) -> Option<String> {
    let lexed = lex(text, true).ok()?;
    let mut line = String::with_capacity(text.len());
    let mut last_end = None;
    for token in &lexed.tokens {
        let (start, end) = (start_byte(token.span), end_byte(token.span));
        if last_end.is_some_and(|last| last < start) {
            line.push(' ');
        }
        last_end = Some(end);
        match token.token {
            Token::Number(..)
            | Token::EscapedStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_) => line.push('?'),
            _ => line.push_str(text.get(start..end)?),
        }
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_and_nothing_else() {
        for (text, expected) in [
            ("SELECT 1", "SELECT ?"),
            (
                "UPDATE users\n  SET name = 'O''Neill', n = n + -1.5e3 -- secret\n WHERE id=$1",
                "UPDATE users SET name = ?, n = n + -? WHERE id=$1",
            ),
            (
                r#"INSERT INTO "My 'T'" VALUES (E'a\nb', B'01', x'ff', N'n', U&'\0061', $q$s$q$)"#,
                r#"INSERT INTO "My 'T'" VALUES (?, ?, ?, ?, ?, ?)"#,
            ),
            ("SELECT /* 'hidden' */ a::text FROM t1", "SELECT a::text FROM t1"),
            // Cut off by the server.
            ("SELECT * FROM users WHERE name = 'sec", "SELECT * FROM users WHERE name = ?"),
            ("SELECT * FROM \"use", "SELECT * FROM \"use\""),
            ("SELECT 1 /* sec", "SELECT ?"),
            ("SELECT $q$ sec", "SELECT …"),
            (r"SELECT 'a\' sec '", "SELECT …"),
            ("'sec' $q$ sec", "…"),
            ("", ""),
        ] {
            assert_eq!(without_values(text), expected, "{text}");
        }
    }

    #[test]
    fn long_ones_are_cut() {
        let long = format!("SELECT {}", "é, ".repeat(1000));
        let shown = without_values(&long);
        assert_eq!(shown.chars().count(), SHOWN + 2);
        assert!(shown.starts_with("SELECT é, é"), "{shown}");
        assert!(shown.ends_with(" …"), "{shown}");
    }
}
