//! A table that is to be and that the catalog does not have: whatever reads or writes it fails as where it is not there,
//! even if somebody has made it a moment ago, and what makes or changes it passes.

#![expect(clippy::unwrap_used, reason = "a failure is a panic")]

pub mod support;

use std::sync::Arc;

use rewrite_rules::{Generation, Outcome, Phase, SearchPath, SessionView, Shape, compile};

const SPLIT: (&str, &str) = (
    "CREATE TABLE users (id int PRIMARY KEY, name text, bio text);
     CREATE TABLE app.notes (id int PRIMARY KEY, bio text);",
    "[[migration]]
     name = 'split'
     kind = 'split-table'
     table = 'users'
     into = 'profiles'
     key = { from = 'id', to = 'user_id' }
     columns = ['bio']",
);

const MERGE: (&str, &str) = (
    "CREATE TABLE users (id int PRIMARY KEY, name text);
     CREATE TABLE bios (id int PRIMARY KEY, bio text);
     CREATE TABLE app.notes (id int PRIMARY KEY, bio text);",
    "[[migration]]
     name = 'merge'
     kind = 'merge-tables'
     into = 'profiles'
     key = 'user_id'
     source = [
         { table = 'users', key = 'id', columns = ['name'], present = 'has_user' },
         { table = 'bios', key = 'id', columns = ['bio'], present = 'has_bio' },
     ]",
);

fn generation((schema, rules): (&str, &str), more: &str) -> Generation {
    let catalog = support::schema::catalog_of(&format!("{schema}{more}")).unwrap();
    let rules = support::book::rules_in(rules, Phase::Expand).unwrap();
    compile(1, &rules, Arc::new(catalog)).unwrap()
}

fn found(generation: &Generation, text: &str, path: &SearchPath, shape: Shape) -> String {
    if !generation.scan(text.as_bytes()).governed {
        return "forwarded".to_owned();
    }
    match generation.rewrite(text, SessionView { shape, ..SessionView::usual(path) }) {
        Outcome::Forward => "forwarded".to_owned(),
        Outcome::ForwardOpaque => "forwarded opaque".to_owned(),
        Outcome::Rewritten(rewritten) => rewritten.sql,
        Outcome::Refused(refusal) => format!("{} {}", refusal.sqlstate, refusal.message),
    }
}

/// By a client of either shape, of a split and of a merge.
#[track_caller]
fn check(more: &str, path: &SearchPath, text: &str, expected: &str) {
    for kind in [SPLIT, MERGE] {
        let generation = generation(kind, more);
        for shape in [Shape::Old, Shape::New] {
            assert_eq!(found(&generation, text, path, shape), expected, "{shape:?}: {text}");
        }
    }
}

const MISSING: &str = "42P01 relation \"profiles\" does not exist";

#[test]
fn rows_of_it_are_neither_read_nor_written() {
    let path = SearchPath::default();
    for text in [
        "SELECT * FROM profiles",
        "SELECT 1 FROM profiles p JOIN users u ON u.id = p.user_id",
        "SELECT name FROM users WHERE id IN (SELECT user_id FROM profiles)",
        "(SELECT user_id FROM profiles) UNION SELECT 1",
        "WITH p AS (SELECT * FROM profiles) SELECT * FROM p",
        "SELECT bio FROM PROFILES FOR UPDATE",
        "TABLE profiles",
        "INSERT INTO profiles (user_id, bio) VALUES ($1, $2)",
        "INSERT INTO \"profiles\" SELECT id, name FROM users ON CONFLICT DO NOTHING",
        "INSERT INTO users (id) SELECT user_id FROM profiles",
        "WITH profiles AS (SELECT 1 AS user_id) INSERT INTO profiles SELECT * FROM profiles",
        "WITH new AS (INSERT INTO profiles VALUES (1) RETURNING *) SELECT * FROM new",
        "UPDATE profiles SET bio = 'x' WHERE user_id = 1",
        "UPDATE users SET name = p.bio FROM profiles p WHERE p.user_id = users.id",
        "DELETE FROM profiles",
        "DELETE FROM users USING profiles",
        "MERGE INTO profiles p USING users u ON u.id = p.user_id WHEN MATCHED THEN DELETE",
        "COPY profiles FROM STDIN",
        "COPY profiles (user_id) TO STDOUT",
        "COPY (SELECT * FROM profiles) TO STDOUT",
        "TRUNCATE profiles",
        "TRUNCATE users, profiles",
        "LOCK TABLE profiles IN SHARE MODE",
        "PREPARE p AS INSERT INTO profiles VALUES ($1)",
        "DECLARE c CURSOR FOR SELECT * FROM profiles",
        "EXPLAIN ANALYZE DELETE FROM profiles",
        "CREATE TABLE copied AS SELECT * FROM profiles",
        "BEGIN; CREATE TABLE profiles (user_id int); INSERT INTO profiles VALUES (1); COMMIT",
    ] {
        check("", &path, text, MISSING);
    }
    let qualified = "42P01 relation \"public.profiles\" does not exist";
    check("", &path, "DELETE FROM public.profiles", qualified);
}

#[test]
fn what_cannot_be_read_is_refused_where_it_may_be_about_its_rows() {
    let generation = generation(MERGE, "");
    for text in ["SELECT * FROM profiles WHERE ((", "INSERT INTO profiles SETTING x"] {
        let found = found(&generation, text, &SearchPath::default(), Shape::Old);
        assert!(
            found.starts_with("0A000 cannot rewrite a statement that could not be read"),
            "{found}"
        );
    }
}

#[test]
fn it_can_be_made_and_changed() {
    let path = SearchPath::default();
    for text in [
        "CREATE TABLE profiles (user_id int PRIMARY KEY, bio text)",
        "CREATE TABLE IF NOT EXISTS profiles (bio text) WITH (fillfactor = 70)",
        "ALTER TABLE profiles ADD COLUMN x int",
        "DROP TABLE profiles",
        "COMMENT ON TABLE profiles IS 'soon'",
        "GRANT SELECT ON profiles TO app",
        "CREATE INDEX ON profiles (bio)",
        "ANALYZE profiles",
        "VACUUM profiles",
    ] {
        check("", &path, text, "forwarded");
    }
}

#[test]
fn what_has_its_name_and_is_something_else_is_not_meant() {
    let path = SearchPath::default();
    for text in [
        "WITH profiles AS (SELECT 1 AS user_id) SELECT user_id FROM profiles",
        "SELECT profiles.name FROM users AS profiles",
        "SELECT name AS profiles FROM users",
        "SELECT * FROM app.profiles",
        "INSERT INTO app.profiles VALUES (1)",
        "SELECT 'profiles'",
    ] {
        check("", &path, text, "forwarded");
    }
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let read = "INSERT INTO profiles VALUES (1)";
    let under = |schemas: &[&str], temporary: &[&str], more: &str, expected: &str| {
        let path = SearchPath { schemas: owned(schemas), temporary: owned(temporary) };
        check(more, &path, read, expected);
    };
    let other = "CREATE TABLE app.profiles (user_id int PRIMARY KEY);";
    under(&["pg_catalog", "app", "public"], &[], "", MISSING);
    under(&["pg_catalog", "app", "public"], &[], other, "forwarded");
    under(&["pg_catalog", "public", "app"], &[], other, "forwarded");
    under(&["pg_catalog", "app"], &[], "", "forwarded");
    under(&["pg_temp_3", "pg_catalog", "public"], &["profiles"], "", "forwarded");
}

#[test]
fn once_it_is_known_the_lens_says_what_becomes_of_it() {
    let new = "CREATE TABLE profiles (user_id int PRIMARY KEY, name text, bio text,
        has_user boolean NOT NULL DEFAULT false, has_bio boolean NOT NULL DEFAULT false);";
    for kind in [SPLIT, MERGE] {
        let generation = generation(kind, new);
        let write = "INSERT INTO profiles (user_id) VALUES (1)";
        let found = found(&generation, write, &SearchPath::default(), Shape::Old);
        assert!(found.starts_with("0A000"), "{found}");
    }
}
