//! `cargo run --release -p segue-bench`: what deciding about a statement costs, without a server.
//!
//! Prints nanoseconds per statement, the median of several rounds with the spread: for a text that
//! names nothing governed (one scan of its bytes), and for texts that are read and rewritten anew.
//! The machine's noise is in the spread; compare figures of one run only.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::catalog::{Catalog, Column, Key, Relation, RelationKind, RelationName};
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Generation, Phase, Rule, SearchPath, SessionView, compile};

/// Rounds per text; the median is quoted.
const ROUNDS: usize = 11;

/// How long one round goes on.
const ROUND: Duration = Duration::from_millis(40);

/// What is measured: a name, and the text.
const TEXTS: [(&str, &str); 5] = [
    ("nothing governed", "SELECT title, body FROM posts WHERE author_id = $1 ORDER BY id LIMIT 20"),
    ("select by key", "SELECT username, email FROM users WHERE id = $1"),
    ("select *", "SELECT * FROM users WHERE username = $1"),
    ("insert", "INSERT INTO users (id, username, email) VALUES ($1, $2, $3)"),
    (
        "join",
        "SELECT u.username, p.title FROM users u JOIN posts p ON p.author_id = u.id \
         WHERE lower(u.username) = $1 ORDER BY u.username",
    ),
];

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<18} {:>12} {:>12} {:>12}", "ns per statement", "min", "median", "max")?;
    let Some(generation) = generation() else {
        return Err(io::Error::other("the rules of the bench do not compile"));
    };
    let path = SearchPath::default();
    for (name, text) in TEXTS {
        let mut rounds: Vec<u128> = (0..ROUNDS).map(|_| round(&generation, text, &path)).collect();
        rounds.sort_unstable();
        let at = |index: usize| rounds.get(index).copied().unwrap_or_default();
        let (min, median, max) = (at(0), at(ROUNDS / 2), at(ROUNDS - 1));
        writeln!(out, "{name:<18} {min:>12} {median:>12} {max:>12}")?;
    }
    Ok(())
}

/// One round: nanoseconds per statement.
fn round(generation: &Generation, text: &str, path: &SearchPath) -> u128 {
    let session = SessionView::usual(path);
    let begun = Instant::now();
    let mut statements: u32 = 0;
    while begun.elapsed() < ROUND {
        for _ in 0..100 {
            if generation.scan(black_box(text).as_bytes()).governed {
                black_box(generation.rewrite(black_box(text), session));
            }
        }
        statements = statements.saturating_add(100);
    }
    begun.elapsed().as_nanos() / u128::from(statements.max(1))
}

/// `users.username` in the midst of becoming `users.handle`.
fn generation() -> Option<Generation> {
    let users = table(&["id", "username", "email", "handle"]);
    let posts = table(&["id", "author_id", "title", "body"]);
    let relations = [("users", users), ("posts", posts)]
        .into_iter()
        .map(|(name, relation)| (RelationName::new("public", name), relation))
        .collect();
    let rule = Rule {
        name: "rename-username".to_owned(),
        change: Change::RenameColumn(ColumnPair::new("users", "username", "handle")),
        phase: Phase::SwitchReads,
    };
    compile(1, &[rule], Arc::new(Catalog { relations, ..Catalog::default() })).ok()
}

fn table(columns: &[&str]) -> Relation {
    let columns: Vec<Column> =
        (1_u16..).zip(columns).map(|(number, name)| text(number, name)).collect();
    Relation {
        kind: RelationKind::Table,
        attribute_count: u16::try_from(columns.len()).unwrap_or(u16::MAX),
        columns,
        keys: vec![Key {
            name: "pkey".to_owned(),
            primary: true,
            constraint: true,
            columns: vec!["id".to_owned()],
        }],
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: rewrite_rules::catalog::Oids::default(),
    }
}

fn text(number: u16, name: &str) -> Column {
    Column {
        name: name.to_owned(),
        number,
        type_name: "text".to_owned(),
        base_type: "text".to_owned(),
        collation: None,
        not_null: false,
        default: None,
        generated: false,
        identity: None,
        dependents: std::collections::BTreeSet::new(),
    }
}
