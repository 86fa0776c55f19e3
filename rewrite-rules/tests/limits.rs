//! Long and deep texts: each ends in an answer, and the process lives on.

#![expect(clippy::unwrap_used, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::{Generation, Outcome, Phase, Rule, SearchPath, SessionView, compile};

/// How often a part is repeated in a chain. (33,000 ORs, which PostgreSQL executes, are in
/// `rewriting.rs`.)
const CHAIN: usize = 10_000;

/// How deep a part is nested: deeper than anybody reads.
const DEPTH: usize = 5_000;

fn generation(phase: Phase) -> Generation {
    let schema =
        "CREATE TABLE users (id bigint PRIMARY KEY, username text, tags text[], handle text);";
    let catalog = support::schema::catalog_of(schema).unwrap();
    let rule = format!(
        "name = 'r'\nkind = 'rename-column'\ntable = 'users'\nfrom = 'username'\nto = 'handle'\n\
         phase = '{phase}'"
    );
    let rule: Rule = toml::from_str(&rule).unwrap();
    compile(1, &[rule], Arc::new(catalog)).unwrap()
}

/// What becomes of a text: `rewritten`, `forwarded`, or the refusal's SQLSTATE.
fn answer(generation: &Generation, text: &str) -> &'static str {
    let path = SearchPath::default();
    match generation.rewrite(text, SessionView::usual(&path)) {
        Outcome::Forward => "forwarded",
        Outcome::ForwardOpaque => "forwarded unread",
        Outcome::Rewritten(_) => "rewritten",
        Outcome::Refused(refusal) => refusal.sqlstate,
    }
}

/// Whether the answer is one of those.
fn check(generation: &Generation, text: &str, expected: &[&str]) {
    let found = answer(generation, text);
    assert!(expected.contains(&found), "{found}: {}", text.get(..80).unwrap_or_default());
}

fn chain(before: &str, part: &str, after: &str) -> String {
    format!("{before}{}{after}", part.repeat(CHAIN))
}

/// A chain of what costs more the more of it there is, to PostgreSQL too.
fn shorter(before: &str, part: &str, after: &str) -> String {
    format!("{before}{}{after}", part.repeat(CHAIN / 6))
}

fn nested(before: &str, open: &str, inside: &str, close: &str, after: &str) -> String {
    format!("{before}{}{inside}{}{after}", open.repeat(DEPTH), close.repeat(DEPTH))
}

#[test]
fn chains_are_rewritten_however_long() {
    let generation = generation(Phase::SwitchReads);
    for text in [
        chain("SELECT id FROM users WHERE username = 'a'", " OR username = 'b'", ""),
        chain("SELECT id FROM users WHERE username = 'a'", " AND username <> 'b'", ""),
        chain("SELECT username", " || username", " FROM users"),
        chain("SELECT username", "::text", " FROM users"),
        chain("SELECT tags", "[1]", ", username FROM users"),
        chain("SELECT username FROM users WHERE id IN (1", ", 2", ")"),
        chain("SELECT username", ", username", " FROM users"),
        chain("INSERT INTO users (id, username) VALUES (1, 'a')", ", (2, 'b')", ""),
        chain("SELECT 1; SELECT username FROM users", "; SELECT 1", ""),
        chain("SELECT username FROM users -- ", "-- /* ", "\n"),
        chain("SELECT username FROM users", " /* */ ", ""),
    ] {
        check(&generation, &text, &["rewritten"]);
    }
}

#[test]
fn chains_that_the_parser_nests_are_rewritten_or_refused() {
    let generation = generation(Phase::SwitchReads);
    for text in [
        shorter("SELECT username FROM users", " UNION ALL SELECT username FROM users", ""),
        shorter("SELECT username FROM users", " JOIN users USING (id)", ""),
        chain("SELECT ", "NOT ", "username IS NULL FROM users"),
        chain("SELECT ", "- ", "id, username FROM users"),
        chain("SELECT username", " COLLATE \"C\"", " FROM users"),
        nested("SELECT ", "CASE WHEN true THEN ", "username", " END", " FROM users"),
        nested("SELECT ARRAY", "[", "username", "]", " FROM users"),
        chain("SELECT CASE", " WHEN username = 'a' THEN 1", " END FROM users"),
    ] {
        // Some are too deep for the parser without its saying so.
        check(&generation, &text, &["rewritten", "54000", "54001", "0A000", "42702"]);
    }
}

#[test]
fn what_nests_too_deep_is_refused() {
    let generation = generation(Phase::SwitchReads);
    for text in [
        nested("SELECT ", "(", "username", ")", " FROM users"),
        nested("SELECT ", "lower(", "username", ")", " FROM users"),
        nested("", "SELECT username FROM (", "SELECT username FROM users", ") x", ""),
        nested("SELECT username FROM users WHERE ", "EXISTS (SELECT 1 WHERE ", "true", ")", ""),
        nested("", "(", "SELECT username FROM users", ")", ""),
        nested("SELECT username FROM ", "(", "users", ")", ""),
    ] {
        check(&generation, &text, &["54001"]);
    }
}

/// Nothing is migrated yet: what is not read can do no harm, unless it names the new column.
#[test]
fn what_is_too_deep_or_too_long_is_forwarded_in_expand() {
    let generation = generation(Phase::Expand);
    for (column, deep, long) in
        [("username", "forwarded unread", "forwarded unread"), ("handle", "54001", "54000")]
    {
        let text = nested("SELECT ", "(", column, ")", " FROM users");
        check(&generation, &text, &[deep]);
        let text = format!("SELECT {column} FROM users WHERE id IN ({}1)", "1,".repeat(300_000));
        check(&generation, &text, &[long]);
    }
}

#[test]
fn ten_megabytes_end_in_an_answer() {
    let generation = generation(Phase::SwitchReads);
    let ten = 10 * 1024 * 1024;
    for (text, expected) in [
        (format!("SELECT username FROM users WHERE username = '{}'", "a".repeat(ten)), "rewritten"),
        (format!("SELECT username FROM users /*{}*/", " users ".repeat(ten / 7)), "rewritten"),
        (format!("SELECT username FROM users{}", " ".repeat(ten)), "rewritten"),
        (format!("SELECT username FROM users WHERE id IN ({}1)", "1,".repeat(ten / 2)), "54000"),
        (format!("SELECT {}username FROM users", "(".repeat(ten)), "54000"),
        (format!("SELECT username FROM users WHERE username = '{}'", "a".repeat(2 * ten)), "54000"),
        // Not one token of it can be told from the next.
        (format!("SELECT username FROM users WHERE username = '{}", "a".repeat(ten)), "0A000"),
        (format!("SELECT username FROM users {}", "/*".repeat(ten / 2)), "0A000"),
    ] {
        check(&generation, &text, &[expected]);
    }
}

/// Texts that are short enough for the caller's stack, and nest as deep as they can.
#[test]
fn short_texts_do_not_overflow_a_small_stack() {
    const NESTS: [(&str, &str, &str); 24] = [
        ("(", "username", ")"),
        ("[", "username", "]"),
        ("ARRAY[", "username", "]"),
        ("f(", "username", ")"),
        ("NOT ", "true", ""),
        ("- ", "id", ""),
        ("-", "id", ""),
        ("@ ", "id", ""),
        ("CASE WHEN a THEN ", "username", " END"),
        ("CASE ", "username", " WHEN 1 THEN 2 END"),
        ("(SELECT ", "username", ")"),
        ("EXISTS(SELECT ", "1", ")"),
        ("ROW(", "username", ")"),
        ("(1,", "username", ")"),
        ("1 IN (", "id", ")"),
        ("CAST(", "username", " AS text)"),
        ("EXTRACT(year FROM ", "now()", ")"),
        ("COALESCE(", "username", ")"),
        ("a BETWEEN 1 AND ", "id", ""),
        ("a LIKE ", "username", ""),
        ("a = ANY(", "tags", ")"),
        ("INTERVAL ", "'1'", ""),
        ("a IS DISTINCT FROM ", "username", ""),
        ("(VALUES (", "username", "))"),
    ];
    for (open, inside, close) in NESTS {
        for depth in [40, 90, 140, 200, 295, 310, 1_000, 4_000] {
            for (before, after) in [("SELECT ", " FROM users"), ("SELECT 1 FROM users WHERE ", "")]
            {
                let text =
                    format!("{before}{}{inside}{}{after}", open.repeat(depth), close.repeat(depth));
                if text.len() > 8 * 1024 {
                    continue;
                }
                let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
                let worker = thread.spawn(move || {
                    let generation = generation(Phase::SwitchReads);
                    answer(&generation, &text).to_owned()
                });
                assert!(worker.unwrap().join().is_ok(), "{open} {depth}");
            }
        }
    }
}
