//! Which unique indexes an upsert may violate only because a column is written twice.

#![expect(clippy::unwrap_used, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::catalog::{Catalog, Key, RelationName};
use rewrite_rules::{Outcome, Phase, Rewritten, Rule, SearchPath, SessionView, compile};

const SCHEMA: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, org int, username text UNIQUE, email text UNIQUE, handle text UNIQUE);
    CREATE UNIQUE INDEX of_org ON users (org, username);
    CREATE UNIQUE INDEX of_org_too ON users (handle, org);
    CREATE UNIQUE INDEX few ON users (handle) WHERE org = 1;
    CREATE TABLE plain (id bigint PRIMARY KEY, username text UNIQUE);
";

fn rename(table: &str, phase: Phase) -> Rule {
    toml::from_str(&format!(
        "name = 'rename'\nkind = 'rename-column'\ntable = '{table}'\nfrom = 'username'\n\
         to = 'handle'\nphase = '{phase}'\n"
    ))
    .unwrap()
}

fn catalog(schema: &str) -> Catalog {
    support::schema::catalog_of(schema).unwrap()
}

/// The mirrors of each statement of a text.
fn mirrors(catalog: &Catalog, rule: Rule, text: &str) -> Vec<Vec<String>> {
    let generation = compile(1, &[rule], Arc::new(catalog.clone())).unwrap();
    let path = SearchPath::default();
    match generation.rewrite(text, SessionView::usual(&path)) {
        Outcome::Rewritten(Rewritten { replies, .. }) => {
            let shown = |reply: &rewrite_rules::Reply| {
                reply.mirrors.iter().map(|it| format!("{}.{}", it.relation, it.name)).collect()
            };
            replies.iter().map(shown).collect()
        }
        Outcome::Forward => Vec::new(),
        other @ (Outcome::ForwardOpaque | Outcome::Refused(_)) => vec![vec![format!("{other:?}")]],
    }
}

fn of_users(phase: Phase, text: &str) -> Vec<Vec<String>> {
    mirrors(&catalog(SCHEMA), rename("users", phase), text)
}

const HANDLE: &str = "public.users.users_handle_key";
const USERNAME: &str = "public.users.users_username_key";

fn upsert(conflict: &str) -> String {
    format!("INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT {conflict}")
}

#[test]
fn the_arbiter_s_like_over_the_other_column_is_its_mirror() {
    for (phase, conflict, expected) in [
        (Phase::DualWrite, "(username) DO NOTHING", vec![HANDLE]),
        (Phase::SwitchReads, "(username) DO NOTHING", vec![USERNAME]),
        (Phase::DualWrite, "(handle) DO UPDATE SET org = 1", vec![HANDLE]),
        (Phase::DualWrite, "(org, username) DO NOTHING", vec!["public.users.of_org_too"]),
        (Phase::SwitchReads, "(username, org) DO NOTHING", vec!["public.users.of_org"]),
        (Phase::DualWrite, "ON CONSTRAINT users_username_key DO NOTHING", vec![HANDLE]),
        (Phase::SwitchReads, "ON CONSTRAINT users_username_key DO NOTHING", vec![HANDLE]),
    ] {
        assert_eq!(of_users(phase, &upsert(conflict)), [expected], "{phase} {conflict}");
    }
}

#[test]
fn other_conflicts_have_none() {
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        for conflict in [
            "DO NOTHING",
            "(id) DO NOTHING",
            "(email) DO UPDATE SET org = 1",
            "((lower(username))) DO NOTHING",
            "ON CONSTRAINT users_pkey DO NOTHING",
        ] {
            assert_eq!(of_users(phase, &upsert(conflict)).concat(), [""; 0], "{phase} {conflict}");
        }
        let plain = "INSERT INTO users (id, username) VALUES (1, 'a')";
        assert_eq!(of_users(phase, plain).concat(), [""; 0]);
    }
    for phase in [Phase::Expand, Phase::StopDualWrite] {
        assert_eq!(of_users(phase, &upsert("(username) DO NOTHING")).concat(), [""; 0], "{phase}");
    }
}

#[test]
fn each_statement_has_its_own() {
    let text = format!(
        "SELECT 1; {}; WITH w AS ({} RETURNING id) SELECT 1 FROM w",
        upsert("(id) DO NOTHING"),
        upsert("(username) DO NOTHING")
    );
    let expected: [Vec<&str>; 3] = [vec![], vec![], vec![HANDLE]];
    assert_eq!(of_users(Phase::DualWrite, &text), expected);
    // Nothing else of it changes.
    let defaults = "INSERT INTO users (id) VALUES (1) ON CONFLICT (username) DO NOTHING";
    assert_eq!(of_users(Phase::DualWrite, defaults), [[HANDLE]]);
}

#[test]
fn an_index_that_is_being_built_rejects_rows_too() {
    let mut catalog = catalog(SCHEMA);
    let users = catalog.relations.get_mut(&RelationName::new("public", "users")).unwrap();
    users.keys.retain(|key| key.name != "users_handle_key");
    users.building.push(Key {
        name: "new".to_owned(),
        primary: false,
        constraint: false,
        columns: vec!["handle".to_owned()],
    });
    let found =
        mirrors(&catalog, rename("users", Phase::DualWrite), &upsert("(username) DO NOTHING"));
    assert_eq!(found, [["public.users.new"]]);
}

#[test]
fn partitions_have_indexes_of_their_own() {
    let partitioned = catalog(
        "CREATE TABLE users (id bigint, username text, handle text, UNIQUE (username, id), UNIQUE (handle, id))
             PARTITION BY HASH (id);
         CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 1, REMAINDER 0);
         CREATE UNIQUE INDEX of_0 ON users_0 (username, id);
         CREATE UNIQUE INDEX of_0_too ON users_0 (handle, id);",
    );
    let text =
        "INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (username, id) DO NOTHING";
    let found = mirrors(&partitioned, rename("users", Phase::DualWrite), text);
    let own = "public.users.users_handle_id_key";
    assert_eq!(found, [[own, "public.users_0.of_0_too"]]);
}
