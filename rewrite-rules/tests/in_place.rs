//! `strategy = "metadata"`: what a rename in the schema itself asks for, and what its names mean.

#![expect(clippy::unwrap_used, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Catalog, Outcome, Phase, Rule, SearchPath, SessionView, Shape};

const DDL: &str = "CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text);";

fn rule(phase: Phase) -> Rule {
    let change = Change::RenameInPlace(ColumnPair::new("users", "username", "handle"));
    Rule { name: "m".to_owned(), change, phase }
}

fn catalog(renamed: bool) -> Catalog {
    let catalog = support::schema::catalog_of(DDL).unwrap();
    let table = RelationName::new("public", "users");
    if renamed { catalog.with_column_renamed(&table, "username", "handle") } else { catalog }
}

fn faults(phase: Phase, catalog: Catalog) -> Vec<String> {
    match rewrite_rules::compile(1, &[rule(phase)], Arc::new(catalog)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|it| format!("{}: {}", it.key, it.message)).collect(),
    }
}

#[test]
fn each_phase_has_its_one_column() {
    assert_eq!(faults(Phase::Expand, catalog(false)), [""; 0]);
    assert_eq!(faults(Phase::Contract, catalog(true)), [""; 0]);
    assert_eq!(
        faults(Phase::Contract, catalog(false)),
        ["from: column \"username\" exists, so it was not renamed to \"handle\""]
    );
    assert_eq!(
        faults(Phase::Expand, catalog(true)),
        ["phase: column \"username\" was renamed to \"handle\": that is phase \"contract\""]
    );
    let both = DDL.replace("email", "handle");
    let both = support::schema::catalog_of(&both).unwrap();
    assert_eq!(
        faults(Phase::Expand, both),
        ["to: columns \"username\" and \"handle\" both exist, and one is to take the other's name"]
    );
    assert_eq!(
        faults(Phase::SwitchReads, catalog(false)),
        ["phase: strategy \"metadata\" has no phase \"switch-reads\""]
    );
}

#[test]
fn either_name_means_the_column_and_stands_in_its_place() {
    let check = |phase, shape, client: &str, expected: &str| {
        let catalog = Arc::new(catalog(phase == Phase::Contract));
        let generation = rewrite_rules::compile(1, &[rule(phase)], catalog).unwrap();
        let session = SessionView {
            search_path: &Arc::new(SearchPath::default()),
            standard_conforming_strings: true,
            shape,
        };
        let sql = match generation.rewrite(client, session) {
            Outcome::Forward => client.to_owned(),
            Outcome::Rewritten(rewritten) => rewritten.sql,
            other @ (Outcome::ForwardOpaque | Outcome::Refused(_)) => format!("{other:?}"),
        };
        assert_eq!(sql, expected, "{phase} {shape:?} {client}");
    };
    use Phase::{Contract, Expand};
    use Shape::{New, Old};
    for (phase, shape, client, expected) in [
        (Expand, Old, "SELECT * FROM users", "SELECT id, username, email FROM users"),
        (Expand, New, "SELECT * FROM users", "SELECT id, username AS handle, email FROM users"),
        (Expand, Old, "SELECT handle FROM users", "SELECT username AS handle FROM users"),
        (Contract, Old, "SELECT * FROM users", "SELECT id, handle AS username, email FROM users"),
        (Contract, New, "SELECT * FROM users", "SELECT id, handle, email FROM users"),
        (
            Contract,
            Old,
            "INSERT INTO users VALUES (1, 'a') ON CONFLICT (username) DO NOTHING",
            "INSERT INTO users (id, handle) VALUES (1, 'a') ON CONFLICT (handle) DO NOTHING",
        ),
        (
            Contract,
            Old,
            "UPDATE users SET username = 'b' RETURNING username",
            "UPDATE users SET handle = 'b' RETURNING handle AS username",
        ),
    ] {
        check(phase, shape, client, expected);
    }
}
