//! Reads `SET search_path = a, b`, as far as needed to see that it sets what is set already.

use rewrite_rules::SearchPath;

/// Whether the statement is a SET of the search path to what it is. False where that is not
/// certain: other statements, other forms, schemas that are not known to exist.
pub(super) fn sets_same_path(statement: &[u8], known: &SearchPath) -> bool {
    let Some(listed) = std::str::from_utf8(statement).ok().and_then(listed_schemas) else {
        return false;
    };
    let (temporary, searched): (Vec<&String>, Vec<&String>) =
        known.schemas.iter().partition(|schema| schema.starts_with("pg_temp_"));
    // Both are searched first unless they are listed elsewhere, the temporary schema before.
    let implicit = !listed.iter().any(|schema| schema == "pg_catalog");
    let implicit = implicit.then(|| "pg_catalog".to_owned());
    let becomes: Vec<String> = implicit.into_iter().chain(listed).collect();
    let temporary_first = known.schemas.iter().take(temporary.len()).eq(temporary);
    temporary_first && becomes.iter().eq(searched)
}

/// The schemas in `SET [SESSION | LOCAL] search_path { = | TO } name [, …]`.
fn listed_schemas(statement: &str) -> Option<Vec<String>> {
    let rest = after_word(statement.trim(), "set")?;
    let rest = after_word(rest, "session").or_else(|| after_word(rest, "local")).unwrap_or(rest);
    let rest = after_word(rest, "search_path")?;
    let list = rest.strip_prefix('=').or_else(|| after_word(rest, "to"))?;
    list.split(',').map(|item| schema(item.trim())).collect()
}

/// What follows a word and white space, if the text begins with it.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    (first.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
}

/// One plain name, or one in quotes without anything special inside.
fn schema(item: &str) -> Option<String> {
    let unquoted = |quote| item.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let (name, folded) = match unquoted('"').or_else(|| unquoted('\'')) {
        Some(name) => (name, false),
        None => (item, true),
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let reserved = ["pg_temp", "default"].iter().any(|word| name.eq_ignore_ascii_case(word));
    if name.is_empty() || !name.chars().all(plain) || (folded && reserved) {
        return None;
    }
    Some(if folded { name.to_ascii_lowercase() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(schemas: &[&str]) -> SearchPath {
        SearchPath {
            schemas: schemas.iter().map(|schema| (*schema).to_owned()).collect(),
            temporary: Vec::new(),
        }
    }

    #[test]
    fn only_what_is_certain_to_change_nothing_counts() {
        let usual = path(&["pg_catalog", "public"]);
        for text in [
            "SET search_path = public",
            " set local Search_Path to PUBLIC ",
            "SET SESSION search_path TO 'public'",
            "SET search_path=pg_catalog,\"public\"",
        ] {
            assert!(sets_same_path(text.as_bytes(), &usual), "{text}");
        }
        for text in [
            "SET search_path = public, other",
            "SET search_path = \"PUBLIC\"",
            "SET search_path = public, pg_catalog",
            "SET search_path = default",
            "SET search_path = pg_temp, public",
            "SET search_path = \"$user\", public",
            "SET search_path = 'a,public'",
            "SET search_path_x = public",
            "SET role public",
            "SET search_path = public -- x",
            "",
        ] {
            assert!(!sets_same_path(text.as_bytes(), &usual), "{text}");
        }
        let temporary = path(&["pg_temp_3", "pg_catalog", "public"]);
        assert!(sets_same_path(b"SET search_path = public", &temporary));
        let last = path(&["pg_catalog", "public", "pg_temp_3"]);
        assert!(!sets_same_path(b"SET search_path = public", &last));
    }
}
