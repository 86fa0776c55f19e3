//! What the books cannot say: sessions, limits, positions, and schemas that differ by phase.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::catalog::Catalog;
use rewrite_rules::{
    Construct, CopyIn, Generation, Outcome, Phase, Reply, Rule, SearchPath, SessionView, Shape,
    compile,
};

const SCHEMA: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text, handle text UNIQUE);
    CREATE TABLE app.users (id bigint PRIMARY KEY, username text);
";

fn generation(schema: &str, phase: Phase) -> Generation {
    generation_of(support::schema::catalog_of(schema).unwrap(), phase)
}

fn generation_of(catalog: Catalog, phase: Phase) -> Generation {
    generation_with(catalog, phase, "")
}

/// The same with more keys of the migration's.
fn generation_with(catalog: Catalog, phase: Phase, keys: &str) -> Generation {
    let rule: Rule = toml::from_str(&format!(
        "name = 'rename'\nkind = 'rename-column'\ntable = 'users'\nfrom = 'username'\n\
         to = 'handle'\nphase = '{phase}'\n{keys}"
    ))
    .unwrap();
    compile(1, &[rule], Arc::new(catalog)).unwrap()
}

fn rewrite(generation: &Generation, text: &str, path: &SearchPath) -> Outcome {
    let session = SessionView::usual(path);
    generation.rewrite(text, session)
}

/// What PostgreSQL would get, or the refusal's SQLSTATE and message.
fn check(generation: &Generation, text: &str, expected: &str) {
    let found = match rewrite(generation, text, &SearchPath::default()) {
        Outcome::Forward => "forwarded".to_owned(),
        Outcome::ForwardOpaque => "forwarded opaque".to_owned(),
        Outcome::Rewritten(rewritten) => rewritten.sql,
        Outcome::Refused(refusal) => format!("{} {}", refusal.sqlstate, refusal.message),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_name_is_governed_only_where_it_resolves_to_the_table() {
    let generation = generation(SCHEMA, Phase::SwitchReads);
    let read = "SELECT username FROM users";
    let rewritten = |schemas: &[&str], temporary: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let path = SearchPath { schemas: owned(schemas), temporary: owned(temporary) };
        rewrite(&generation, read, &path) != Outcome::Forward
    };
    assert!(rewritten(&["pg_catalog", "public"], &[]));
    assert!(rewritten(&["nowhere", "pg_catalog", "public", "app"], &["orders"]));
    assert!(!rewritten(&["pg_catalog", "app", "public"], &[]));
    assert!(!rewritten(&["pg_catalog", "nowhere"], &[]));
    assert!(!rewritten(&["pg_temp_3", "pg_catalog", "public"], &["users"]));
}

#[test]
fn what_an_operator_or_a_field_may_compute_anew_is_computed_once() {
    let schema = format!(
        "{SCHEMA} CREATE TABLE orders (id bigint, status text);
        CREATE FUNCTION fresh(text) RETURNS text VOLATILE AS 'x';"
    );
    let mut catalog = support::schema::catalog_of(&schema).unwrap();
    catalog.volatile_operators.insert("|+|".to_owned());
    let generation = generation_of(catalog, Phase::DualWrite);
    let once = |value: &str| {
        let text = format!("UPDATE users SET username = {value} FROM orders o");
        let expected = format!(
            "UPDATE users SET (username, handle) = (SELECT v, v FROM (SELECT {value} AS v \
             WHERE users.ctid IS NOT NULL OFFSET 0) s) FROM orders o"
        );
        check(&generation, &text, &expected);
    };
    once("'a' |+| 'b'");
    once("|+| 'b'");
    once("'a' OPERATOR(public.|+|) 'b'");
    once("o.fresh");
    once("(o).fresh");
    once("(ROW(1)).fresh");
    check(
        &generation,
        "UPDATE users SET username = o.status || '|+|' FROM orders o",
        "UPDATE users SET username = o.status || '|+|', handle = o.status || '|+|' FROM orders o",
    );
}

#[test]
fn a_default_that_only_the_old_column_has_is_spelled_out() {
    let schema = "CREATE TABLE users (id bigint, username text DEFAULT 'nobody', handle text);";
    let generation = generation(schema, Phase::DualWrite);
    check(
        &generation,
        "INSERT INTO users (id) VALUES (1)",
        "INSERT INTO users (id, username, handle) VALUES (1, 'nobody'::text, 'nobody'::text)",
    );
    check(
        &generation,
        "INSERT INTO users DEFAULT VALUES",
        "INSERT INTO users (username, handle) VALUES ('nobody'::text, 'nobody'::text)",
    );
    check(
        &generation,
        "INSERT INTO users (id, username) VALUES (1, DEFAULT), (2, 'b')",
        "INSERT INTO users (id, username, handle) \
         VALUES (1, DEFAULT, 'nobody'::text), (2, 'b', 'b')",
    );
    check(
        &generation,
        "UPDATE users SET username = DEFAULT",
        "UPDATE users SET username = DEFAULT, handle = 'nobody'::text",
    );
}

#[test]
fn a_default_that_only_the_new_column_has_is_not_taken() {
    let schema = "CREATE TABLE users (id bigint, username text, handle text DEFAULT 'new');";
    check(
        &generation(schema, Phase::DualWrite),
        "INSERT INTO users (id) VALUES (1)",
        "INSERT INTO users (id, username, handle) VALUES (1, NULL, NULL)",
    );
}

#[test]
fn the_old_place_survives_the_dropped_column() {
    let catalog = support::schema::catalog_of(
        "CREATE TABLE users (id bigint PRIMARY KEY, gone text, email text, handle text UNIQUE);",
    );
    let mut catalog = catalog.unwrap();
    for table in catalog.relations.values_mut() {
        table.columns.retain(|column| column.name != "gone");
    }
    let rule: Rule = toml::from_str(
        "name = 'r'\nkind = 'rename-column'\ntable = 'users'\nfrom = 'username'\nto = 'handle'\n\
         phase = 'contract'",
    )
    .unwrap();
    let generation = compile(1, &[rule], Arc::new(catalog)).unwrap();
    check(&generation, "SELECT * FROM users", "SELECT id, handle AS username, email FROM users");
}

#[test]
fn error_positions_lead_back_to_the_clients_text() {
    let generation = generation(SCHEMA, Phase::DualWrite);
    let text = "INSERT INTO users (id, username) VALUES ('é', lower(nosuch))";
    let outcome = rewrite(&generation, text, &SearchPath::default());
    let Outcome::Rewritten(rewritten) = outcome else { panic!("{outcome:?}") };
    let character =
        |sql: &str, byte: usize| u32::try_from(sql[..byte].chars().count()).unwrap() + 1;
    let wanted = character(text, text.find("nosuch").unwrap());
    let copies: Vec<u32> = rewritten
        .sql
        .match_indices("nosuch")
        .filter_map(|(at, _)| rewritten.positions.to_client(character(&rewritten.sql, at)))
        .collect();
    assert_eq!(copies, [wanted, wanted]);
}

#[test]
fn a_backslash_is_refused_while_it_may_be_an_escape() {
    let generation = generation(SCHEMA, Phase::DualWrite);
    let path = SearchPath::default();
    let session = SessionView { standard_conforming_strings: false, ..SessionView::usual(&path) };
    let text = r"UPDATE users SET username = '\' WHERE email = ' OR username = '";
    assert!(matches!(generation.rewrite(text, session), Outcome::Refused(_)));
}

#[test]
fn a_write_through_a_view_is_refused_where_it_would_miss_a_column() {
    let schema = "CREATE TABLE users (id bigint, username text, email text, handle text);
        CREATE VIEW names AS SELECT id, handle AS name FROM users;
        CREATE VIEW first_names AS SELECT id, name FROM names;
        CREATE VIEW addresses AS SELECT id, email FROM users;";
    let refused = "0A000 cannot rewrite a write through a view on table \"public.users\" during \
                   migration \"rename\"";
    for (phase, expected) in [
        (Phase::Expand, "forwarded"),
        (Phase::DualWrite, refused),
        (Phase::SwitchReads, refused),
        // The view shows the one column that is still written.
        (Phase::StopDualWrite, "forwarded"),
    ] {
        let generation = generation(schema, phase);
        check(&generation, "UPDATE names SET name = 'carol' WHERE id = 1", expected);
        check(&generation, "INSERT INTO first_names (id, name) VALUES (3, 'carol')", expected);
        check(&generation, "INSERT INTO addresses (id, email) SELECT 2, 'a'", "forwarded");
        let reads = "WITH gone AS (DELETE FROM names RETURNING name) SELECT name FROM first_names";
        check(&generation, reads, "forwarded");
    }
}

/// What the books cannot show: it hangs on the session, on views, on a server's version or on what
/// has been dropped.
#[test]
fn refusals_that_hang_on_more_than_a_text_say_what_is_refused() {
    let schema = "CREATE TABLE users (id bigint, username text, handle text);";
    let generation = generation(schema, Phase::SwitchReads);
    let path = SearchPath::default();
    let old_strings =
        SessionView { standard_conforming_strings: false, ..SessionView::usual(&path) };
    for (session, text, construct) in [
        (old_strings, r"SELECT username FROM users WHERE username = 'a\b'", Construct::Backslash),
        (
            SessionView::usual(&path),
            "MERGE INTO users u USING (SELECT 1 AS id) s ON s.id = u.id WHEN MATCHED THEN DELETE \
             RETURNING u.username",
            Construct::MergeReturning,
        ),
    ] {
        let expected = format!(
            "cannot rewrite {} on table \"public.users\" during migration \"rename\"",
            construct.description()
        );
        match generation.rewrite(text, session) {
            Outcome::Refused(refusal) => assert_eq!(refusal.message, expected, "{text}"),
            other => assert_eq!(format!("{other:?}"), expected, "{text}"),
        }
    }
}

#[test]
fn a_constraint_that_is_gone_is_the_one_that_took_its_place() {
    let declared = "constraints = { by_name = 'by_handle', no_overlap = 'no_overlap_2' }";
    for (schema, name, expected) in [
        ("handle text CONSTRAINT by_handle UNIQUE", "by_name", "ON CONSTRAINT by_handle"),
        // It is judged by the server whether it excludes anything.
        ("handle text CONSTRAINT by_handle UNIQUE", "no_overlap", "ON CONSTRAINT no_overlap_2"),
        // Every unique index has a pair, so the name was never that of one.
        ("handle text CONSTRAINT by_handle UNIQUE", "other", "ON CONSTRAINT other"),
        (
            "handle text, CONSTRAINT by_handle UNIQUE (handle, id)",
            "by_name",
            "ON CONSTRAINT by_handle",
        ),
        // No longer written, or not yet.
        (
            "handle text CONSTRAINT by_handle UNIQUE, username text CONSTRAINT by_name UNIQUE",
            "by_name",
            "(handle)",
        ),
        ("handle text); CREATE UNIQUE INDEX by_handle ON users (handle", "by_name", "(handle)"),
        (
            "handle text); CREATE UNIQUE INDEX by_handle ON users (id, handle",
            "by_name",
            "(id, handle)",
        ),
    ] {
        let schema = format!("CREATE TABLE users (id bigint, {schema});");
        let catalog = support::schema::catalog_of(&schema).unwrap();
        let keys = format!("position = 2\n{declared}");
        let generation = generation_with(catalog, Phase::Contract, &keys);
        check(
            &generation,
            &format!(
                "INSERT INTO users (username) VALUES ('a') ON CONFLICT ON CONSTRAINT {name} DO NOTHING"
            ),
            &format!("INSERT INTO users (handle) VALUES ('a') ON CONFLICT {expected} DO NOTHING"),
        );
    }
}

#[test]
fn a_client_of_the_new_shape_may_name_a_constraint_that_is_not_there_yet() {
    let schema = "CREATE TABLE users (id bigint, username text CONSTRAINT by_name UNIQUE);";
    let catalog = support::schema::catalog_of(schema).unwrap();
    let keys = "constraints = { by_name = 'by_handle' }";
    let generation = generation_with(catalog, Phase::Expand, keys);
    let text =
        "INSERT INTO users (handle) VALUES ('a') ON CONFLICT ON CONSTRAINT by_handle DO NOTHING";
    let path = SearchPath::default();
    let session = SessionView { shape: Shape::New, ..SessionView::usual(&path) };
    match generation.rewrite(text, session) {
        Outcome::Rewritten(rewritten) => assert_eq!(
            rewritten.sql,
            "INSERT INTO users (username) VALUES ('a') ON CONFLICT ON CONSTRAINT by_name DO NOTHING"
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_backslash_that_always_or_never_escapes_is_no_harm() {
    let generation = generation(SCHEMA, Phase::SwitchReads);
    let path = SearchPath::default();
    let session = SessionView { standard_conforming_strings: false, ..SessionView::usual(&path) };
    for (text, expected) in [
        (
            r"SELECT username FROM users WHERE email = E'it\'s -- username' /* \ */",
            r"SELECT handle AS username FROM users WHERE email = E'it\'s -- username' /* \ */",
        ),
        (
            "UPDATE users SET username = E'a\\\\'\n'b\\'c'",
            "UPDATE users SET username = E'a\\\\'\n'b\\'c', handle = E'a\\\\'\n'b\\'c'",
        ),
        (
            r#"SELECT $$\'$$, username AS "\" FROM users"#,
            r#"SELECT $$\'$$, handle AS "\" FROM users"#,
        ),
    ] {
        match generation.rewrite(text, session) {
            Outcome::Rewritten(rewritten) => assert_eq!(rewritten.sql, expected),
            other => assert_eq!(format!("{other:?}"), expected, "{text}"),
        }
    }
}

#[test]
fn another_tables_outer_column_is_not_captured() {
    // Qualified, it would be looked for in `users`: both are called `p`.
    let schema = "CREATE TABLE users (id bigint, username text, handle text);
        CREATE TABLE posts (id bigint, handle text);";
    check(
        &generation(schema, Phase::SwitchReads),
        "SELECT (SELECT handle FROM users p WHERE p.id = 1) FROM posts p",
        "SELECT (SELECT handle FROM (SELECT id, handle AS username FROM users) p WHERE p.id = 1) \
         FROM posts p",
    );
}

#[test]
fn a_name_that_nothing_in_sight_has_is_an_error_of_postgresqls_kind() {
    let generation = generation(SCHEMA, Phase::SwitchReads);
    check(
        &generation,
        "SELECT x.username FROM users u",
        "42P01 missing FROM-clause entry for table \"x\"",
    );
    check(
        &generation,
        "SELECT 1 FROM (SELECT id FROM users) u WHERE username = 'a'",
        "42703 column \"username\" does not exist",
    );
    let misspelt = "SELECT users.usernam, users.handle AS username FROM users";
    check(&generation, "SELECT users.usernam, users.username FROM users", misspelt);
    check(
        &generation,
        "SELECT users.lower FROM users",
        "0A000 cannot rewrite a function called on a whole row on table \"public.users\" during \
         migration \"rename\"",
    );
}

/// What a COPY in dual-write needs of the client's encoding, or the refusal.
fn copy_needs(text: &str) -> String {
    let schema = "CREATE TABLE users (id bigint, username text, \"größe\" text, handle text);";
    match rewrite(&generation(schema, Phase::DualWrite), text, &SearchPath::default()) {
        Outcome::Rewritten(rewritten) => match &rewritten.replies[..] {
            [Reply { copy_in: Some(CopyIn::Extended(rows)), .. }] => format!("{:?}", rows.encoding),
            other => format!("{other:?}"),
        },
        Outcome::Refused(refusal) => refusal.message,
        other @ (Outcome::Forward | Outcome::ForwardOpaque) => format!("{other:?}"),
    }
}

#[test]
fn copied_lines_must_be_readable_and_copied_names_too() {
    for (text, needed) in [
        ("COPY users (username) FROM STDIN", "AsciiSafe"),
        ("COPY users (username) FROM STDIN BINARY", "Overlapping"),
        ("COPY users (username) FROM STDIN ENCODING 'latin1'", "Overlapping"),
        ("COPY users FROM STDIN (HEADER)", "AsciiSafe"),
        ("COPY users (username) FROM STDIN (HEADER match)", "AsciiSafe"),
        ("COPY users FROM STDIN (HEADER match)", "Utf8"),
        ("COPY users FROM STDIN (HEADER match, ENCODING 'UTF-8')", "Overlapping"),
    ] {
        assert_eq!(copy_needs(text), needed, "{text}");
    }
    let refused = copy_needs("COPY users FROM STDIN (HEADER match, ENCODING 'latin1')");
    assert!(refused.contains("COPY FROM in an encoding"), "{refused}");
}

#[test]
fn nesting_does_not_overflow_the_callers_stack() {
    let generation = generation(SCHEMA, Phase::SwitchReads);
    let depth = 140;
    let text = format!(
        "{}SELECT 1{}",
        "(SELECT username FROM users UNION ".repeat(depth),
        ")".repeat(depth)
    );
    assert!(text.len() < 8 * 1024);
    let outcome = rewrite(&generation, &text, &SearchPath::default());
    assert!(matches!(outcome, Outcome::Rewritten(_)), "{outcome:?}");
}

#[test]
fn long_chains_and_deep_nesting_end_in_an_answer() {
    let generation = generation(SCHEMA, Phase::SwitchReads);
    let chain = vec!["username = 'a'"; 33_000].join(" OR ");
    let read = format!("SELECT id FROM users WHERE {chain}");
    let outcome = rewrite(&generation, &read, &SearchPath::default());
    let Outcome::Rewritten(rewritten) = outcome else { panic!("the chain was not rewritten") };
    assert_eq!(rewritten.sql, read.replace("username", "handle"));
    let deep = format!("SELECT {}username{} FROM users", "(".repeat(5_000), ")".repeat(5_000));
    assert!(matches!(rewrite(&generation, &deep, &SearchPath::default()), Outcome::Refused(_)));
    let nested =
        format!("SELECT * FROM {}users{}", "(SELECT * FROM ".repeat(100), ") x".repeat(100));
    assert!(matches!(rewrite(&generation, &nested, &SearchPath::default()), Outcome::Rewritten(_)));
    let tokens = format!("SELECT 1 FROM users WHERE id IN ({})", "1,".repeat(300_000));
    check(
        &generation,
        &tokens,
        "54000 statement names a table under migration and has more than 400000 tokens",
    );
}

#[test]
fn a_list_that_parser_and_tokens_end_differently_does_not_copy_itself() {
    // The parser takes FROM for a column, so its item reaches beyond the list.
    let generation = generation(SCHEMA, Phase::DualWrite);
    let text = "INSERT INTO users (id, username) SELECT id, n/ FROM s";
    assert!(!matches!(rewrite(&generation, text, &SearchPath::default()), Outcome::Rewritten(_)));
}
