//! Names as words of a text that nobody can read for sure: a function's source.

/// Whether `text` has `name` as a word, in whatever case: in quotes or not, a column's or another's.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    // Inside of quotes a quote is doubled.
    let spellings = [name.replace('"', "\"\""), name];
    spellings.iter().any(|name| {
        text.match_indices(name.as_str()).any(|(at, found)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let behind = text.get(at + found.len()..).and_then(|behind| behind.chars().next());
            !before.is_some_and(is_word) && !behind.is_some_and(is_word)
        })
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_words_only() {
        for (text, name, expected) in [
            ("NEW.username := 'x'", "username", true),
            ("new.USERNAME", "username", true),
            ("NEW.\"userName\"", "userName", true),
            ("select username_key", "username", false),
            ("usernames", "username", false),
            ("my$username", "username", false),
            ("a \"b \"\"c\" d", "b \"c", true),
            ("", "username", false),
            ("xusername username", "username", true),
        ] {
            assert_eq!(mentions(text, name), expected, "{text}");
        }
    }
}
