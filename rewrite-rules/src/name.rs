//! Identifiers as PostgreSQL reads and writes them: folding, undoubling, truncation, quoting.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::keyword::{self, Known};
use crate::lexer::unicode;

/// Longest identifier. Unit: bytes. (`NAMEDATALEN - 1`.)
const MAX_BYTES: usize = 63;

/// Reserved since PostgreSQL 16.
const RESERVED_LATER: &str = "system_user";

/// What the catalog would call an identifier that is written like this.
#[must_use]
pub fn folded(ident: &Ident) -> String {
    in_catalog(&ident.value, ident.quote_style)
}

/// What the catalog would call an identifier that was lexed: its quotes are gone, and escapes in it
/// are decoded.
pub(crate) fn in_catalog(value: &str, quote_style: Option<char>) -> String {
    match quote_style {
        Some(_) => truncated(value.to_owned()),
        None => truncated(value.to_ascii_lowercase()),
    }
}

/// What the catalog would call an unquoted or quoted identifier in source form.
#[must_use]
pub fn folded_source(source: &str) -> String {
    match source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => truncated(quoted.replace("\"\"", "\"")),
        None => truncated(source.to_ascii_lowercase()),
    }
}

/// What the catalog would call an identifier that is written as `U&"…"`; `None` where PostgreSQL
/// would not read it. (Manual, "Identifiers and Key Words".)
pub(crate) fn unescaped(source: &str, escape: char) -> Option<String> {
    let quoted = source.split_once('"')?.1.strip_suffix('"')?.replace("\"\"", "\"");
    unicode::decoded(&quoted, escape).map(truncated)
}

fn truncated(mut name: String) -> String {
    if name.len() > MAX_BYTES {
        let cut = (0..=MAX_BYTES).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
        name.truncate(cut);
    }
    name
}

/// The name as SQL text: quoted only where PostgreSQL needs it.
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && keyword::find(name).is_none_or(Known::names_relation)
        && name != RESERVED_LATER;
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A literal. One with a backslash is written so that it does not depend on
/// `standard_conforming_strings`.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        return format!("E'{}'", doubled.replace('\\', "\\\\"));
    }
    format!("'{doubled}'")
}

/// The identifiers of a dotted name; `None` where a part is not an identifier.
#[must_use]
pub fn parts(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(ident),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// The identifier of a name that has no dots.
#[must_use]
pub fn single(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident),
        _ => None,
    }
}

/// Words that end a select list, a SET list or a FROM item where they stand bare: every one is
/// reserved in PostgreSQL, so none can be a column's bare name there.
pub(crate) const CLAUSE_STARTS: [&str; 17] = [
    "except",
    "fetch",
    "for",
    "from",
    "group",
    "having",
    "intersect",
    "into",
    "limit",
    "offset",
    "on",
    "order",
    "returning",
    "union",
    "where",
    "window",
    "using",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_the_inverse_of_folding() {
        for name in ["users", "Users", "a b", "a\"b", "select", "über", "_x1", "1a", ""] {
            assert_eq!(folded_source(&quoted(name)), name);
        }
        assert_eq!(quoted("users"), "users");
        assert_eq!(quoted("order"), "\"order\"");
    }

    #[test]
    fn unicode_escapes_stand_for_characters() {
        let read = |source| unescaped(source, '\\').unwrap_or_default();
        assert_eq!(read("U&\"d\\0061t\\+000061\""), "data");
        assert_eq!(read("u&\"\\D83D\\DE00\\\\\""), "\u{1f600}\\");
        assert_eq!(unescaped("u&\"d!0061!!\\\"", '!'), Some("da!\\".to_owned()));
        for wrong in [
            "U&\"\\00\"",
            "U&\"\\D83D\\0061\"",
            "U&\"\\D83Da\"",
            "U&\"\\D83D\"",
            "U&\"\\DE00\"",
            "U&\"\\zzzz\"",
            "U&\"a",
        ] {
            assert_eq!(unescaped(wrong, '\\'), None, "{wrong}");
        }
    }

    #[test]
    fn long_names_are_cut_on_a_character() {
        let name = format!("{}ü", "a".repeat(62));
        assert_eq!(folded_source(&name), "a".repeat(62));
    }
}
