//! What the benches share: a database of twenty governed tables, and the statements of an ordinary
//! application.
//!
//! `cargo bench -p segue-bench` measures what a decision about a statement costs, without a server.
//! The figures that count are in RESULTS.md, with the command and the machine.

pub mod processor;

use std::sync::Arc;

use rewrite_rules::catalog::{Catalog, Column, Key, Relation, RelationKind, RelationName};
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Generation, Phase, Rule, compile};

/// How many tables are governed.
pub const GOVERNED_TABLES: usize = 20;

/// Statements that name nothing governed.
pub const UNGOVERNED: [(&str, &str); 2] = [
    ("by key", "SELECT title, body FROM posts WHERE author_id = $1 ORDER BY id LIMIT 20"),
    (
        "longer",
        "SELECT p.id, p.title, p.body, c.id, c.body, c.created_at FROM posts p LEFT JOIN comments c \
         ON c.post_id = p.id WHERE p.author_id = $1 AND p.published AND c.created_at > now() - \
         interval '7 days' ORDER BY p.created_at DESC, c.created_at LIMIT 50 OFFSET $2",
    ),
];

/// Statements of an OLTP application that must be read and rewritten.
pub const GOVERNED: [(&str, &str); 6] = [
    ("select by key", "SELECT username, email FROM users WHERE id = $1"),
    ("select star", "SELECT * FROM users WHERE username = $1"),
    ("insert", "INSERT INTO users (id, username, email) VALUES ($1, $2, $3)"),
    ("update", "UPDATE users SET username = $1, email = $2 WHERE id = $3 RETURNING id, username"),
    (
        "upsert",
        "INSERT INTO users (id, username, email) VALUES ($1, $2, $3) ON CONFLICT (username) \
         DO UPDATE SET email = EXCLUDED.email WHERE users.username = EXCLUDED.username",
    ),
    (
        "join",
        "SELECT u.username, p.title FROM users u JOIN posts p ON p.author_id = u.id \
         WHERE lower(u.username) = $1 ORDER BY u.username",
    ),
];

/// `users.username` and a column of each of nineteen more tables, in the midst of being renamed.
/// `None` if the rules of the bench do not compile.
#[must_use]
pub fn generation(phase: Phase) -> Option<Generation> {
    let mut relations = std::collections::BTreeMap::new();
    let mut rules = Vec::new();
    let others = (1..GOVERNED_TABLES).map(|number| format!("accounts_{number}"));
    for name in std::iter::once("users".to_owned()).chain(others) {
        let columns = table(&["id", "username", "email", "handle"]);
        relations.insert(RelationName::new("public", &name), columns);
        rules.push(Rule {
            name: format!("rename-in-{name}"),
            change: Change::RenameColumn(ColumnPair::new(name, "username", "handle")),
            phase,
        });
    }
    for (name, columns) in [
        ("posts", ["id", "author_id", "title", "body", "published", "created_at"]),
        ("comments", ["id", "author_id", "post_id", "body", "published", "created_at"]),
    ] {
        relations.insert(RelationName::new("public", name), table(&columns));
    }
    compile(1, &rules, Arc::new(Catalog { relations, ..Catalog::default() })).ok()
}

fn table(columns: &[&str]) -> Relation {
    let columns: Vec<Column> =
        (1_u16..).zip(columns).map(|(number, name)| text(number, name)).collect();
    Relation {
        kind: RelationKind::Table,
        attribute_count: u16::try_from(columns.len()).unwrap_or(u16::MAX),
        columns,
        keys: ["id", "username", "handle"]
            .into_iter()
            .map(|column| Key {
                name: format!("{column}_key"),
                primary: column == "id",
                constraint: true,
                columns: vec![column.to_owned()],
            })
            .collect(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: rewrite_rules::catalog::Oids::default(),
    }
}

fn text(number: u16, name: &str) -> Column {
    Column::new(name, number, "text")
}
