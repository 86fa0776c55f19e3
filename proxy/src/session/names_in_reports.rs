//! Errors and notices that call columns and constraints by names that the client does not expect.
//!
//! Fields that hold a name and nothing else are translated as they are. In texts only what stands
//! where PostgreSQL writes a name is: in double quotes in a message, in the first pair of brackets
//! of a detail (`Key (handle)=(ann) already exists.`), behind the word "column" in a context. A
//! value that looks like a name stays what it is.

use std::borrow::Cow;

use rewrite_rules::lens::Names;

/// Data exceptions: what stands in quotes in their messages are values.
const DATA_EXCEPTION: &[u8] = b"22";

/// How one begins that names a column.
const MISSING_DATA: &str = "missing data for column \"";

/// An identifier's bytes, as far as they matter to tell where one ends.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// The value that a field must have for the client, if another.
pub(super) fn translated(
    code: u8,
    value: &[u8],
    sqlstate: &[u8],
    names: &Names,
) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let new = match code {
        b'c' => of_pair(&names.columns, text),
        b'n' => of_pair(&names.constraints, text),
        b't' => of_pair(&names.relations, text),
        // Other data exceptions quote what the client sent.
        b'M' if !sqlstate.starts_with(DATA_EXCEPTION) || text.starts_with(MISSING_DATA) => {
            quoted(text, names)
        }
        b'D' => bracketed(text, names),
        b'H' => quoted(text, names),
        b'W' => in_context(text, names),
        _ => return None,
    };
    (new != text).then(|| new.into_owned().into_bytes())
}

fn of_pair<'t>(pairs: &'t [(String, String)], text: &'t str) -> Cow<'t, str> {
    let known = pairs.iter().find(|(physical, _)| physical == text);
    known.map_or(Cow::Borrowed(text), |(_, name)| Cow::Borrowed(name.as_str()))
}

/// `"handle"`, `"users.handle"`, `"users_handle_key"`.
fn quoted<'t>(text: &'t str, names: &'t Names) -> Cow<'t, str> {
    let mut parts: Vec<Cow<'_, str>> = Vec::new();
    for (place, part) in text.split('"').enumerate() {
        let inside = place % 2 == 1;
        parts.push(if inside { dotted(part, names) } else { Cow::Borrowed(part) });
    }
    if parts.len().is_multiple_of(2) {
        // A quote without its partner: whatever it is, it is no name.
        return Cow::Borrowed(text);
    }
    Cow::Owned(parts.join("\""))
}

/// A name, perhaps behind that of its relation.
fn dotted<'t>(text: &'t str, names: &'t Names) -> Cow<'t, str> {
    let own = names.columns.iter().chain(&names.constraints).chain(&names.relations);
    if let Some((_, name)) = own.into_iter().find(|(physical, _)| physical == text) {
        return Cow::Borrowed(name);
    }
    match text.rsplit_once('.') {
        Some((relation, column)) => match of_pair(&names.columns, column) {
            known if known == column => Cow::Borrowed(text),
            known => Cow::Owned(format!("{relation}.{known}")),
        },
        None => Cow::Borrowed(text),
    }
}

/// `Key (id, handle)=(1, ann) already exists.`; what is behind the sign are values.
fn bracketed<'t>(text: &'t str, names: &'t Names) -> Cow<'t, str> {
    let Some(rest) = text.strip_prefix("Key (") else { return Cow::Borrowed(text) };
    let Some((columns, values)) = rest.split_once(")=(") else { return Cow::Borrowed(text) };
    let columns = words(columns, names);
    // Behind the values there may be a constraint's or a table's name, in quotes, at the very end.
    let (values, behind) = values.split_at(values.rfind(") ").unwrap_or(values.len()));
    Cow::Owned(format!("Key ({columns})=({values}{}", quoted(behind, names)))
}

/// A list of columns or expressions: every word that is a physical name.
fn words(text: &str, names: &Names) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end.max(usize::from(end == 0)));
        out.push_str(&of_pair(&names.columns, word));
        rest = tail;
    }
    out
}

/// `COPY users, line 3, column handle: "x"`.
fn in_context<'t>(text: &'t str, names: &'t Names) -> Cow<'t, str> {
    let Some((before, behind)) = text.split_once(", column ") else { return Cow::Borrowed(text) };
    if !before.starts_with("COPY ") {
        return Cow::Borrowed(text);
    }
    let end = behind.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(behind.len());
    let (column, rest) = behind.split_at(end);
    Cow::Owned(format!("{before}, column {}{rest}", of_pair(&names.columns, column)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        Names {
            taken: Vec::new(),
            columns: vec![pair("handle", "username")],
            constraints: vec![pair("users_handle_key", "users_username_key")],
            relations: vec![pair("user_profiles", "users")],
        }
    }

    #[test]
    fn names_are_translated_where_postgresql_writes_names() {
        for (code, sqlstate, before, after) in [
            (b'c', "23502", "handle", "username"),
            (b'n', "23505", "users_handle_key", "users_username_key"),
            (b't', "23505", "user_profiles", "users"),
            (
                b'M',
                "23502",
                "null value in column \"bio\" of relation \"user_profiles\" violates not-null constraint",
                "null value in column \"bio\" of relation \"users\" violates not-null constraint",
            ),
            (
                b'M',
                "23502",
                "null value in column \"handle\" of relation \"users\" violates not-null constraint",
                "null value in column \"username\" of relation \"users\" violates not-null constraint",
            ),
            (
                b'M',
                "23505",
                "duplicate key value violates unique constraint \"users_handle_key\"",
                "duplicate key value violates unique constraint \"users_username_key\"",
            ),
            (
                b'M',
                "42803",
                "column \"users.handle\" must appear in the GROUP BY clause",
                "column \"users.username\" must appear in the GROUP BY clause",
            ),
            (
                b'D',
                "23505",
                "Key (id, handle)=(1, handle) already exists.",
                "Key (id, username)=(1, handle) already exists.",
            ),
            (
                b'D',
                "23505",
                "Key (lower(handle))=(\"handle\") already exists.",
                "Key (lower(username))=(\"handle\") already exists.",
            ),
            (
                b'M',
                "22P04",
                "missing data for column \"handle\"",
                "missing data for column \"username\"",
            ),
            (
                b'W',
                "22P04",
                "COPY users, line 3, column handle: \"x, column handle\"",
                "COPY users, line 3, column username: \"x, column handle\"",
            ),
        ] {
            let found = translated(code, before.as_bytes(), sqlstate.as_bytes(), &names());
            assert_eq!(found.map(|it| String::from_utf8(it).unwrap()).as_deref(), Some(after));
        }
    }

    #[test]
    fn what_is_no_name_stays() {
        for (code, sqlstate, text) in [
            (b'M', "22P02", "invalid input syntax for type integer: \"handle\""),
            (b'M', "XX000", "the handle is gone"),
            (b'M', "XX000", "an odd \" quote: \"handle\""),
            (b'D', "23502", "Failing row contains (1, handle)."),
            (b'W', "P0001", "PL/pgSQL function handle() line 3, column handle"),
            (b't', "23502", "handle"),
            (b'n', "23502", "handle"),
            (b'D', "23505", "Key (handles, my_handle, handle2)=(1, 2, 3) already exists."),
        ] {
            let found = translated(code, text.as_bytes(), sqlstate.as_bytes(), &names());
            assert_eq!(found, None, "{text}");
        }
        assert_eq!(translated(b'M', b"\xff\"handle\"", b"XX000", &names()), None);
    }
}
