//! One identifier for another in the server's own texts, such as `pg_get_indexdef` gives them.
//!
//! They are SQL that the server wrote: literals in `'…'`, identifiers bare where they may be.

use super::sql::literal;
use crate::name;

/// A regular expression that finds nothing.
pub(super) const NEVER: &str = "'a^'";

/// Finds nothing, and only where no literal or quoted identifier is open.
const WHOLE: &str = "(?=(?:[^'\"]|\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*')*$)";

/// What stands around an identifier that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Anywhere in an expression or a list of columns.
    Anywhere,
    /// In an index's definition, behind the names of index and table.
    Index,
    /// In a trigger's definition, where `new` and `old` stand before it.
    Trigger,
    /// In a foreign key of another table, behind REFERENCES.
    Referenced,
    /// In a foreign key to another table, before REFERENCES or behind ON DELETE SET NULL.
    Referencing,
}

/// A literal with the regular expression that finds `name` as an identifier.
///
/// Behind it literals and quoted identifiers must be whole: inside one they would not be. A name
/// with a bracket behind it is a function's or a table's. No backslash is needed, so that the text means the same
/// whatever `standard_conforming_strings` is.
pub(super) fn pattern(name: &str, place: Place) -> String {
    let quoted = escaped(&format!("\"{}\"", name.replace('"', "\"\"")));
    let either = match name::quoted(name) == name || is_bare(name) {
        true => format!("(?:{quoted}|{})", escaped(name)),
        false => quoted,
    };
    let before = match place {
        Place::Anywhere | Place::Index | Place::Referencing => "(?<![[:alnum:]_$.\"])",
        Place::Trigger => "(?<![[:alnum:]_$\"])",
        Place::Referenced => {
            "(?<=REFERENCES .*)(?<!SET (?:NULL|DEFAULT) [(].*)(?<![[:alnum:]_$.\"])"
        }
    };
    let behind = match place {
        Place::Anywhere | Place::Trigger | Place::Referenced => "",
        Place::Index => "(?![[:space:]](?:ON|USING)[[:space:]])",
        Place::Referencing => "(?:(?=.* REFERENCES )|(?<=SET (?:NULL|DEFAULT) [(].*))",
    };
    literal(&format!("{before}{either}(?![[:alnum:]_$\"])(?![[:space:]]*[(]){behind}{WHOLE}"))
}

/// A name that the server may write without quotes although it is a word of the grammar.
fn is_bare(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The text as a regular expression that finds just it.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == ' ' || c == '"' => c.to_string(),
            '^' => "[[.circumflex.]]".to_owned(),
            '\\' => "[[.backslash.]]".to_owned(),
            other => format!("[{other}]"),
        })
        .collect()
}

/// The server's text with another identifier in the place of `from`.
///
/// Whatever has that name is renamed, be it a column or not.
#[must_use]
pub fn renamed(text: &str, from: &str, to: &str) -> String {
    renamed_by(text, &|name| (name == from).then_some(to))
}

/// The same for several identifiers at once, so that two may exchange their names.
#[must_use]
pub fn renamed_by<'n>(text: &str, new: &dyn Fn(&str) -> Option<&'n str>) -> String {
    let mut output = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted_length(rest, '\''),
            '"' => quoted_length(rest, '"'),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        let is_name = first == '"' || is_word(first);
        match new(&name::folded_source(token)).filter(|_| is_name) {
            Some(to) => output.push_str(&name::quoted(to)),
            None => output.push_str(token),
        }
        rest = behind;
    }
    output
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Length of a quoted text, in which a doubled quote is one. Unit: bytes.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_are_renamed() {
        let check = "CHECK (((handle)::text <> 'handle'::text) AND (\"handle\" > 'it''s handle'))";
        assert_eq!(
            renamed(check, "handle", "userName"),
            "CHECK (((\"userName\")::text <> 'handle'::text) AND (\"userName\" > 'it''s handle'))"
        );
        assert_eq!(renamed("a.handle, handles, Handle", "handle", "x"), "a.x, handles, x");
        assert_eq!(renamed("\"a\"\"b\" = 'x", "a\"b", "c"), "c = 'x");
        let exchanged = |name: &str| [("a", "b"), ("b", "a")].into_iter().find(|it| it.0 == name);
        let new = renamed_by("a = b AND 'a' <> c", &|name| exchanged(name).map(|it| it.1));
        assert_eq!(new, "b = a AND 'a' <> c");
    }

    #[test]
    fn no_pattern_needs_a_backslash() {
        for name in ["handle", "Odd \"name\"", "a^b", "a\\b", "a.b*[c]"] {
            for place in [Place::Anywhere, Place::Index, Place::Trigger, Place::Referenced] {
                assert!(!pattern(name, place).contains('\\'), "{name}");
            }
        }
    }
}
