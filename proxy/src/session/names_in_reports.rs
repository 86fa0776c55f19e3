//! Errors and notices that call columns and constraints by names that the client does not expect.
//!
//! Fields that hold a name and nothing else are translated as they are. In texts only what stands
//! where PostgreSQL writes a name is: in double quotes in a message, in the first pair of brackets
//! of a detail (`Key (handle)=(ann) already exists.`), behind the word "column" in a context. A
//! value that looks like a name stays what it is. The words beside a name tell whose it is
//! ([`super::report_scope`]).

use std::borrow::Cow;

use rewrite_rules::name;

use super::report_scope::{Owner, Scope};

/// Data exceptions: what stands in quotes in their messages are values.
const DATA_EXCEPTION: &[u8] = b"22";

/// foreign_key_violation, whose detail has names that are not quoted.
const FOREIGN_KEY_VIOLATION: &[u8] = b"23503";

/// How a data exception begins that names a column.
const MISSING_DATA: &str = "missing data for column \"";

/// How a message begins that names a table without quotes.
const DENIED: &str = "permission denied for table ";

/// How a message ends of a column that does not exist.
const MISSING: &str = " does not exist";

/// What only messages about columns say that something is assigned to.
const ASSIGNED: [&str; 7] = [
    "but expression is of type ",
    "non-DEFAULT value into column ",
    "can only be updated to DEFAULT",
    "multiple assignments to same column ",
    "specified more than once",
    "cannot assign to ",
    "Column \"",
];

/// What stands before a name that is no table's, column's or constraint's.
const OTHERS: [&str; 11] = [
    "type",
    "role",
    "schema",
    "database",
    "view",
    "cursor",
    "statement",
    "savepoint",
    "function",
    "sequence",
    "collation",
];

/// How details begin that tell of a key, and what is between its columns and their values.
const KEYS: [(&str, &str); 2] =
    [("Key (", ")=("), ("Partition key of the failing row contains (", ") = (")];

/// An identifier's bytes, as far as they matter to tell where one ends.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// The value that a field must have for the client, if another.
pub(super) fn translated(
    code: u8,
    value: &[u8],
    sqlstate: &[u8],
    scope: &Scope<'_>,
) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let new = match code {
        b's' => scope.itself()?.0.to_owned(),
        b't' => scope.itself()?.1.to_owned(),
        b'c' => scope.column(Owner::Untold, text)?.to_owned(),
        b'n' => scope.constraint(Owner::Untold, text)?.to_owned(),
        // Other data exceptions quote what the client sent.
        b'M' if !sqlstate.starts_with(DATA_EXCEPTION) || text.starts_with(MISSING_DATA) => {
            message(text, scope)?
        }
        b'D' => detail(text, sqlstate, scope)?,
        b'H' => quoted(text, scope)?,
        b'W' => in_context(text, scope)?,
        _ => return None,
    };
    (new != text).then(|| new.into_bytes())
}

fn message(text: &str, scope: &Scope<'_>) -> Option<String> {
    if let Some(table) = text.strip_prefix(DENIED) {
        return Some(format!("{DENIED}{}", scope.relation(table)?));
    }
    // `column u.handle does not exist`
    let missing = text.strip_prefix("column ").and_then(|it| it.strip_suffix(MISSING));
    if let Some(column) = missing.and_then(|column| dotted(column, scope)) {
        return Some(format!("column {column}{MISSING}"));
    }
    quoted(text, scope)
}

/// Every name in quotes: `"handle"`, `"users.handle"`, `"users_handle_key"`.
fn quoted(text: &str, scope: &Scope<'_>) -> Option<String> {
    let parts: Vec<&str> = text.split('"').collect();
    if parts.len().is_multiple_of(2) {
        // A quote without its partner: whatever it is, it is no name.
        return None;
    }
    let is_assigned = ASSIGNED.iter().any(|words| text.contains(words));
    let usual = if is_assigned { Owner::Target } else { Owner::Untold };
    let part = |(place, part): (usize, &&str)| -> String {
        let beside = |at: Option<usize>| at.and_then(|at| parts.get(at)).copied();
        let found = match place % 2 == 1 {
            true => {
                let before = beside(place.checked_sub(1)).unwrap_or_default();
                let behind = beside(place.checked_add(1)).zip(beside(place.checked_add(2)));
                named(part, before, owner(behind).unwrap_or(usual), scope)
            }
            false => None,
        };
        found.map_or_else(|| (*part).to_owned(), Cow::into_owned)
    };
    Some(parts.iter().enumerate().map(part).collect::<Vec<String>>().join("\""))
}

/// Whose a name is, by what stands behind it: ` of relation "users"`.
fn owner<'t>(behind: Option<(&str, &'t str)>) -> Option<Owner<'t>> {
    let (link, table) = behind?;
    match link {
        " of relation " | " of table " | " on table " | " for table " | " for relation " => {
            Some(Owner::Table(table))
        }
        // The table as the statement calls it.
        " in table " => Some(Owner::Qualifier(table)),
        _ => None,
    }
}

/// What stands for a name, which the word before it may tell the kind of.
fn named<'n>(
    text: &str,
    before: &str,
    owner: Owner<'_>,
    scope: &Scope<'n>,
) -> Option<Cow<'n, str>> {
    let column = || scope.column(owner, text).map(Cow::Borrowed);
    let column = || column().or_else(|| dotted(text, scope).map(Cow::Owned));
    let constraint = || scope.constraint(owner, text).map(Cow::Borrowed);
    let relation = || scope.relation(text).map(Cow::Borrowed);
    match before.trim_end().rsplit(' ').next() {
        Some("column") => column(),
        Some("constraint" | "index") => constraint(),
        Some("table") => relation(),
        // `while inserting index tuple (0,2) in relation "users_handle_key"`
        Some("relation") => relation().or_else(constraint),
        Some(word) if OTHERS.contains(&word) => None,
        Some(_) | None => column().or_else(constraint).or_else(relation),
    }
}

/// A column behind what it is qualified by.
fn dotted(text: &str, scope: &Scope<'_>) -> Option<String> {
    let (qualifier, column) = text.rsplit_once('.')?;
    Some(format!("{qualifier}.{}", scope.column(Owner::Qualifier(qualifier), column)?))
}

fn detail(text: &str, sqlstate: &[u8], scope: &Scope<'_>) -> Option<String> {
    if text.starts_with("Column \"") || text.starts_with("There is a") {
        return quoted(text, scope);
    }
    KEYS.iter().find_map(|between| key(text, *between, sqlstate, scope))
}

/// `Key (id, handle)=(1, ann) already exists.`; what is behind the sign are values.
fn key(
    text: &str,
    (begin, between): (&str, &str),
    sqlstate: &[u8],
    scope: &Scope<'_>,
) -> Option<String> {
    let (before, values) = text.strip_prefix(begin)?.split_once(between)?;
    let columns = match sqlstate == FOREIGN_KEY_VIOLATION {
        true => listed(before, scope),
        false => words(before, scope),
    };
    // An exclusion shows the key that it conflicts with too.
    let other = |columns: &str| format!(") conflicts with existing key ({columns})=(");
    if let Some((own, its)) = values.rsplit_once(&other(before)) {
        return Some(format!("{begin}{columns}{between}{own}{}{its}", other(&columns)));
    }
    // Behind the values there may be a table's name, in quotes, at the very end.
    let (values, behind) = values.split_at(values.rfind(") ").unwrap_or(values.len()));
    let behind = quoted(behind, scope).unwrap_or_else(|| behind.to_owned());
    Some(format!("{begin}{columns}{between}{values}{behind}"))
}

/// A list of names as they are.
fn listed(text: &str, scope: &Scope<'_>) -> String {
    let name = |name| scope.column(scope.key_owner(), name).unwrap_or(name);
    text.split(", ").map(name).collect::<Vec<&str>>().join(", ")
}

/// A list of columns or expressions, as SQL writes them: every word that is a physical name.
fn words(text: &str, scope: &Scope<'_>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => rest.get(1..).and_then(|behind| behind.find('"')).map(|at| at.saturating_add(2)),
            _ => rest.bytes().position(|byte| !is_name_byte(byte)),
        };
        let end = end.unwrap_or(rest.len()).max(first.len_utf8());
        let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        match scope.column(scope.key_owner(), &name::folded_source(word)) {
            Some(column) if name::quoted(column) != word => out.push_str(&name::quoted(column)),
            Some(_) | None => out.push_str(word),
        }
        rest = tail;
    }
    out
}

/// `COPY users, line 3, column handle: "x"`, `while locking tuple (0,1) in relation "users"`.
fn in_context(text: &str, scope: &Scope<'_>) -> Option<String> {
    if text.starts_with("while ") {
        return quoted(text, scope);
    }
    let (table, behind) = text.strip_prefix("COPY ")?.split_once(", line ")?;
    let client = scope.relation(table).unwrap_or(table);
    let digits = behind.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(behind.len());
    let (line, rest) = behind.split_at(digits);
    let Some(column) = rest.strip_prefix(", column ") else {
        return Some(format!("COPY {client}, line {behind}"));
    };
    let (column, value) = column.split_at(column.find(": ").unwrap_or(column.len()));
    let column = scope.column(Owner::Table(table), column).unwrap_or(column);
    Some(format!("COPY {client}, line {line}, column {column}{value}"))
}
