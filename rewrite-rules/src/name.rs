//! Identifiers as PostgreSQL reads and writes them: folding, undoubling, truncation, quoting.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

/// Longest identifier. Unit: bytes. (`NAMEDATALEN - 1`.)
const MAX_BYTES: usize = 63;

/// What the catalog would call an identifier that is written like this.
#[must_use]
pub fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => truncated(ident.value.replace("\"\"", "\"")),
        None => truncated(ident.value.to_ascii_lowercase()),
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
    let mut name = String::new();
    // Of a character beyond 16 bits that is written as two.
    let mut high = None;
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        let rest = letters.as_str();
        if letter != escape || rest.starts_with(escape) {
            if high.is_some() {
                return None;
            }
            name.push(letter);
            letters =
                rest.strip_prefix(escape).filter(|_| letter == escape).unwrap_or(rest).chars();
            continue;
        }
        let (digits, length) = match rest.strip_prefix('+') {
            Some(behind) => (behind.get(..6)?, 7),
            None => (rest.get(..4)?, 4),
        };
        let code = u32::from_str_radix(digits, 16).ok()?;
        letters = rest.get(length..)?.chars();
        match (high.take(), code) {
            (None, 0xD800..0xDC00) => high = Some(code & 0x3FF),
            (Some(high), 0xDC00..0xE000) => {
                name.push(char::from_u32(0x10000 + (high << 10) + (code & 0x3FF))?);
            }
            (None, code) => name.push(char::from_u32(code)?),
            (Some(_), _) => return None,
        }
    }
    high.is_none().then(|| truncated(name))
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
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
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

/// Keywords that PostgreSQL does not take as a label without AS, since they carry the expression
/// or the statement on. Source: `pg_get_keywords()` of PostgreSQL 15, `NOT barelabel`.
pub(crate) const NO_BARE_LABELS: [&str; 39] = [
    "array",
    "as",
    "char",
    "character",
    "create",
    "day",
    "except",
    "fetch",
    "filter",
    "for",
    "from",
    "grant",
    "group",
    "having",
    "hour",
    "intersect",
    "into",
    "isnull",
    "limit",
    "minute",
    "month",
    "notnull",
    "offset",
    "on",
    "order",
    "over",
    "overlaps",
    "precision",
    "returning",
    "second",
    "to",
    "union",
    "varying",
    "where",
    "window",
    "with",
    "within",
    "without",
    "year",
];

/// Keywords that PostgreSQL does not take as a bare column name (reserved, or reserved except as
/// function or type name). Source: PostgreSQL manual, appendix C.
const RESERVED: [&str; 101] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
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
