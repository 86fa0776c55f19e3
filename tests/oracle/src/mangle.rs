//! Statements changed at random, token by token: most stay SQL, many mean something else.

use crate::scan::{self, Kind};

/// One change to a statement. The numbers choose among what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub kind: u8,
    /// Where in the statement.
    pub place: u16,
    /// What with: a place in the other statement, or one of the lists.
    pub with: u16,
}

/// What the words of [`PARTS`] are called in a statement: a table, and columns.
#[derive(Debug, Clone)]
pub struct Words {
    table: String,
    columns: [String; 2],
}

impl Default for Words {
    fn default() -> Self {
        Self { table: "users".into(), columns: ["username".into(), "handle".into()] }
    }
}

impl Words {
    /// As they are called in that statement.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let tokens = pieces(text);
        let words = tokens.iter().map(|(_, word)| word.as_str());
        let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let before_table = ["FROM", "INTO", "UPDATE", "TABLE", "COPY", "TRUNCATE"];
        let table = words.clone().skip_while(|word| !before_table.contains(word)).nth(1);
        let table = table.filter(is_name).unwrap_or("users").to_owned();
        let mut columns = words.filter(|word| is_name(word) && *word != table).map(str::to_owned);
        let mut column = |usual: &str| columns.next().unwrap_or_else(|| usual.to_owned());
        let columns = [column("bio"), column("id")];
        Self { table, columns }
    }

    fn in_part(&self, part: &str) -> String {
        let mut said = String::new();
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        for piece in part.split_inclusive(is_end) {
            let word = piece.trim_end_matches(is_end);
            let meant = match word {
                "users" => &self.table,
                "username" => &self.columns[0],
                "handle" => &self.columns[1],
                other => other,
            };
            said.push_str(meant);
            said.push_str(piece.get(word.len()..).unwrap_or_default());
        }
        said
    }
}

/// How many kinds of change there are.
pub const KINDS: u8 = 12;

/// Comments with what is no comment inside.
const COMMENTS: &[&str] = &[
    "/* users */",
    "/* /* nested */ -- */",
    "-- username\n",
    "/**/",
    "/* ' */",
    "-- \" $$\n",
    "/* ; */",
];

/// Parts that change what the rest means.
const PARTS: &[&str] = &[
    "username",
    "handle",
    "users",
    "\"username\"",
    "users.*",
    "*",
    "users.username",
    "u.username",
    "u.handle",
    "(u).username",
    "u",
    "u.*",
    "ctid",
    "DEFAULT",
    "NULL",
    "$1",
    "random()::text",
    "lower(username)",
    "(SELECT username FROM users LIMIT 1)",
    "(SELECT handle FROM posts p WHERE p.id = users.id)",
    "EXISTS (SELECT * FROM users)",
    "AS username",
    "AS handle",
    "username handle",
    "WHERE username = 'x'",
    "WHERE users.handle IS NULL",
    "AND username > email",
    "OR true",
    "ORDER BY username",
    "ORDER BY handle DESC, 1",
    "GROUP BY username",
    "GROUP BY 1, handle",
    "HAVING count(username) > 1",
    "DISTINCT",
    "DISTINCT ON (username)",
    "LIMIT 1",
    "OFFSET 0",
    "FOR UPDATE",
    "FOR NO KEY UPDATE OF u",
    "UNION ALL SELECT username FROM users",
    "EXCEPT SELECT handle FROM users",
    ", users x",
    ", LATERAL (SELECT users.username) l",
    ", generate_series(1, 2) handle",
    "JOIN users x USING (id)",
    "JOIN posts y ON y.handle = username",
    "LEFT JOIN users z ON z.username = 'a'",
    "NATURAL JOIN posts",
    "RETURNING *",
    "RETURNING username",
    "ON CONFLICT (username) DO NOTHING",
    "ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username",
    "SET username = 'x'",
    ", username = lower(email)",
    "ONLY",
    "WITH users AS (SELECT 1 AS id, 'a' AS username)",
    "WINDOW w AS (PARTITION BY username ORDER BY handle)",
    "::text",
    "COLLATE \"C\"",
    "IS NOT NULL",
    "||",
    "= ANY (ARRAY[username])",
    "BETWEEN username AND handle",
    ";",
    "(",
    ")",
    ",",
];

/// A statement as tokens, each with the white space before it.
fn pieces(text: &str) -> Vec<(String, String)> {
    let Ok(tokens) = scan::scan(text) else { return vec![(String::new(), text.to_owned())] };
    let mut from = 0;
    tokens
        .iter()
        .map(|token| {
            let before = text.get(from..token.start).unwrap_or(" ").to_owned();
            from = token.end;
            let mut word = text.get(token.start..token.end).unwrap_or_default().to_owned();
            if token.kind == Kind::Comment && word.starts_with("--") {
                word.push('\n');
            }
            (before, word)
        })
        .collect()
}

/// `text` after all changes, with parts of `other` where a change takes some, and [`PARTS`] in the words given.
#[must_use]
pub fn mangle(text: &str, other: &str, words: &Words, changes: &[Change]) -> String {
    let mut tokens = pieces(text);
    let others = pieces(other);
    for change in changes {
        apply(&mut tokens, &others, words, *change);
    }
    tokens.into_iter().map(|(before, word)| before + &word).collect()
}

fn apply(
    tokens: &mut Vec<(String, String)>,
    others: &[(String, String)],
    words: &Words,
    change: Change,
) {
    if tokens.is_empty() || others.is_empty() {
        return;
    }
    let at = usize::from(change.place) % tokens.len();
    let with = usize::from(change.with);
    let spaced = |word: &str| (" ".to_owned(), word.to_owned());
    let other = || spaced(&others[with % others.len()].1);
    let part = || spaced(&words.in_part(PARTS[with % PARTS.len()]));
    match change.kind % KINDS {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, spaced(&tokens[at].1.clone())),
        2 => {
            let second = with % tokens.len();
            let moved = tokens[at].1.clone();
            tokens[at].1 = std::mem::replace(&mut tokens[second].1, moved);
        }
        3 => tokens[at].1 = other().1,
        4 => tokens.insert(at, (String::new(), COMMENTS[with % COMMENTS.len()].to_owned())),
        5 => tokens.insert(at, other()),
        6 => {
            tokens.truncate(at + 1);
            tokens.extend(others.iter().skip(with % others.len()).cloned());
            if let Some(seam) = tokens.get_mut(at + 1) {
                seam.0.insert(0, ' ');
            }
        }
        7 => {
            let word = tokens[at].1.clone();
            tokens[at].1 = match with % 3 {
                0 => word.to_uppercase(),
                1 if word.chars().all(|c| c.is_ascii_lowercase()) => format!("\"{word}\""),
                _ => word.to_lowercase(),
            };
        }
        8 => tokens.insert(at, part()),
        9 => tokens.push(part()),
        10 => tokens[at].1 = part().1,
        _ => {
            let word = tokens[at].1.clone();
            tokens[at].1 = format!("({word})");
        }
    }
}
