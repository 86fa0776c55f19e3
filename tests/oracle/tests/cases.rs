//! What the oracle accepts and what it reports, pair by pair, to be read.

use std::sync::Arc;

use oracle::{Handling, Shape, compare, golden};
use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{Phase, Rule};

const SCHEMA: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, username text, email text, handle text);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint, title text, handle text);
";

/// Compares in `switch-reads`: both columns are written, `handle` is read.
fn compared(client: &str, output: &str) -> Result<(), String> {
    let catalog = Arc::new(golden::schema::catalog_of(SCHEMA).expect("a schema"));
    let rule: Rule = toml::from_str(&format!(
        "name = 'r'\nkind = 'rename-column'\ntable = 'users'\nfrom = 'username'\nto = 'handle'\n\
         phase = '{}'",
        Phase::SwitchReads
    ))
    .expect("a rule");
    let shape = Shape::new(&[rule], &catalog, Speaks::Old).expect("a shape");
    compare(&shape, client, output, Handling::default()).map(drop).map_err(|it| it.why)
}

#[test]
fn what_a_rewriting_may_do_is_accepted() {
    for (client, output) in [
        ("SELECT username FROM users", "SELECT handle AS username FROM users"),
        ("SELECT username FROM users u", "SELECT u.handle AS username FROM users u"),
        ("SELECT * FROM users", "SELECT id, handle AS username, email FROM users"),
        (
            "SELECT * FROM users",
            "SELECT * FROM (SELECT id, handle AS username, email FROM users) AS users",
        ),
        (
            "SELECT username FROM users NATURAL JOIN posts",
            "SELECT username FROM users AS users(id, hidden, email, username) NATURAL JOIN posts",
        ),
        (
            "SELECT to_json(u), u.ctid FROM users u",
            "SELECT to_json((SELECT u FROM (SELECT u.id, u.handle AS username, u.email) u)), u.ctid \
             FROM users u",
        ),
        (
            "SELECT email AS handle FROM users GROUP BY handle",
            "SELECT email AS handle FROM users GROUP BY 1",
        ),
        (
            "INSERT INTO users VALUES (1, $1, 'e')",
            "INSERT INTO users (id, username, email, handle) VALUES (1, $1, 'e', $1)",
        ),
        (
            "INSERT INTO users (username) VALUES (random()::text)",
            "INSERT INTO users (username, handle) SELECT s.username, s.username FROM \
             (VALUES ((random()::text)::text)) s(username)",
        ),
        (
            "UPDATE users SET username = lower(username) WHERE username = 'a' RETURNING *",
            "UPDATE users SET username = lower(handle), handle = lower(handle) WHERE handle = 'a' \
             RETURNING id, handle AS username, email",
        ),
        (
            "MERGE INTO users u USING posts p ON p.id = u.id WHEN MATCHED THEN UPDATE SET username = title \
             WHEN NOT MATCHED THEN INSERT (id, username) VALUES (p.id, title)",
            "MERGE INTO users u USING posts p ON p.id = u.id WHEN MATCHED THEN UPDATE SET \
             username = title, handle = title WHEN NOT MATCHED THEN INSERT (id, username, handle) \
             VALUES (p.id, title, title)",
        ),
        (
            "COPY users TO STDOUT",
            "COPY (SELECT id, handle AS username, email FROM ONLY users) TO STDOUT",
        ),
    ] {
        assert_eq!(compared(client, output), Ok(()), "{client}\n{output}");
    }
}

#[test]
fn what_it_must_not_do_is_reported() {
    for (client, output) in [
        // The wrong side, or the wrong relation's.
        ("SELECT username FROM users", "SELECT username FROM users"),
        (
            "SELECT 1 FROM users, posts WHERE username = 'a'",
            "SELECT 1 FROM users, posts WHERE posts.handle = 'a'",
        ),
        ("SELECT handle FROM posts, users", "SELECT handle FROM posts, users"),
        (
            "SELECT (SELECT handle FROM posts LIMIT 1) FROM users",
            "SELECT (SELECT users.handle FROM posts LIMIT 1) FROM users",
        ),
        // Another label, another order, another number of columns.
        ("SELECT username FROM users", "SELECT handle FROM users"),
        (
            "SELECT lower(email) AS handle FROM users ORDER BY username",
            "SELECT lower(email) AS handle FROM users ORDER BY handle",
        ),
        ("SELECT * FROM users", "SELECT * FROM users"),
        ("SELECT * FROM users", "SELECT handle AS username, id, email FROM users"),
        ("SELECT u FROM users u", "SELECT u FROM users u"),
        // Something lost or changed.
        ("SELECT username FROM users WHERE id = 1", "SELECT handle AS username FROM users"),
        (
            "SELECT username FROM users WHERE id = 1",
            "SELECT handle AS username FROM users WHERE id = 2",
        ),
        ("SELECT username FROM users FOR UPDATE", "SELECT handle AS username FROM users"),
        ("DELETE FROM users WHERE username = 'a'", "DELETE FROM users"),
        ("DELETE FROM users RETURNING id", "DELETE FROM users"),
        (
            "UPDATE users SET username = 'a' WHERE id = 1",
            "UPDATE users SET username = 'a', handle = 'b' WHERE id = 1",
        ),
        ("UPDATE users SET username = 'a'", "UPDATE users SET username = 'a'"),
        (
            "UPDATE users SET username = 'a'",
            "UPDATE users SET handle = 'a', username = 'a', email = 'a'",
        ),
        // A value written twice that may differ each time, or once for all rows.
        (
            "UPDATE users SET username = random()::text",
            "UPDATE users SET username = random()::text, handle = random()::text",
        ),
        (
            "UPDATE users SET username = random()::text",
            "UPDATE users SET (username, handle) = (SELECT v, v FROM (SELECT random()::text AS v) s)",
        ),
        ("INSERT INTO users (username) VALUES ('a')", "INSERT INTO users (username) VALUES ('a')"),
        (
            "INSERT INTO users (username, email) VALUES ('a', 'b')",
            "INSERT INTO users (username, email, handle) VALUES ('a', 'b', 'b')",
        ),
        (
            "INSERT INTO users (id) VALUES (1) ON CONFLICT (username) DO NOTHING",
            "INSERT INTO users (id) VALUES (1) ON CONFLICT (username) DO NOTHING",
        ),
        // An error of the client's that would be gone.
        (
            "UPDATE users SET (username, email) = ('a', 'b', 'c')",
            "UPDATE users SET (username, email, handle) = ('a', 'b', 'c')",
        ),
        (
            "COPY users TO STDOUT",
            "COPY (SELECT id, handle AS username, email FROM users) TO STDOUT",
        ),
        ("SELECT username FROM users", "SELECT handle AS username FROM users; SELECT 1"),
        ("SELECT username FROM users", "SELECT handle AS username FROM FROM users"),
    ] {
        assert!(compared(client, output).is_err(), "{client}\n{output}");
    }
}
