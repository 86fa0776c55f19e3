//! Relation names as SQL writes them: `users`, `public.users`, `"Mixed Case"."T"`.

use rewrite_rules::catalog::RelationName;

/// Reads a table's name as SQL would write it; without a schema it is in `public`.
///
/// Returns `None` if SQL would not read the text as a name of one or two parts.
#[must_use]
pub fn parse_relation_name(text: &str) -> Option<RelationName> {
    let mut rest = text.trim();
    let (first, after) = identifier(rest)?;
    rest = after.trim_start();
    if rest.is_empty() {
        return Some(RelationName::new("public", first));
    }
    let (second, after) = identifier(rest.strip_prefix('.')?.trim_start())?;
    after.trim().is_empty().then(|| RelationName::new(first, second))
}

/// The identifier at the start of `text`, folded as PostgreSQL folds it, and what follows.
fn identifier(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted_identifier(quoted),
        None => {
            let end = text
                .find(|c: char| {
                    !(c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
                })
                .unwrap_or(text.len());
            let (word, rest) = text.split_at_checked(end)?;
            let begins_well = word.chars().next().is_some_and(|c| !c.is_ascii_digit() && c != '$');
            begins_well.then(|| (word.to_ascii_lowercase(), rest))
        }
    }
}

/// The rest of a quoted identifier: up to the quote that is not doubled.
fn quoted_identifier(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter != '"' {
            name.push(letter);
            continue;
        }
        let rest = text.get(at + 1..)?;
        if !rest.starts_with('"') {
            return (!name.is_empty()).then_some((name, rest));
        }
        name.push('"');
        letters.next();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_sql_reads_them() {
        for (text, expected) in [
            ("users", Some(("public", "users"))),
            ("Users", Some(("public", "users"))),
            ("app.Users", Some(("app", "users"))),
            ("\"Mixed Case\".\"T\"", Some(("Mixed Case", "T"))),
            ("\"a\"\"b\"", Some(("public", "a\"b"))),
            ("\"a.b\".c", Some(("a.b", "c"))),
            (" app . users ", Some(("app", "users"))),
            ("größe", Some(("public", "größe"))),
            ("", None),
            ("1st", None),
            ("a.b.c", None),
            ("a b", None),
            ("\"a", None),
            ("\"\"", None),
            ("a.", None),
        ] {
            let expected = expected.map(|(schema, name)| RelationName::new(schema, name));
            assert_eq!(parse_relation_name(text), expected, "{text}");
        }
    }
}
