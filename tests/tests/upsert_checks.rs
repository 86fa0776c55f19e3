//! A row that an upsert gives and that is not stored, since its key is taken, is held against NOT NULL and CHECK all the
//! same, of columns that have moved too; and against nothing that the table would have made good itself.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::splitting;
use segue_tests::wire::Reply;

/// What an unchanged client knows.
const OLD: &str = "
    CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, slug text NOT NULL DEFAULT 's', state text,
        level int CONSTRAINT level_is_positive CHECK (level > 0));
    INSERT INTO users SELECT g, 'u' || g, 's' || g, 'x', g FROM generate_series(1, 5) g;";

/// Where three of its columns go. What is left out has a value there that it has not in the old table.
const NEW: &str = "
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, slug text NOT NULL DEFAULT 's',
        state text NOT NULL DEFAULT 'new', level int CONSTRAINT profiles_level CHECK (level > 0));
    INSERT INTO profiles SELECT id, slug, state, level FROM users;";

/// The same without any NOT NULL, and a row of which nothing has moved.
const OPEN: [&str; 2] = [
    "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, slug text, state text,
        level int CONSTRAINT level_is_positive CHECK (level > 0));
    INSERT INTO users SELECT g, 'u' || g, 's' || g, 'x', g FROM generate_series(1, 5) g;
    INSERT INTO users VALUES (6, 'u6');",
    "CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, slug text, state text,
        level int CONSTRAINT profiles_level CHECK (level > 0));
    INSERT INTO profiles SELECT id, slug, state, level FROM users WHERE id < 6;",
];

/// Makes good what the table would refuse.
fn mending(table: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION mend() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN NEW.level := abs(NEW.level); RETURN NEW; END$$;
         CREATE TRIGGER mend BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION mend();"
    )
}

/// What the way to a phase has made of the old table.
fn stands(phase: Phase) -> &'static str {
    match phase {
        Phase::StopDualWrite => "ALTER TABLE users ALTER slug DROP NOT NULL;",
        Phase::Contract => "ALTER TABLE users DROP slug, DROP state, DROP level;",
        _both_sides => "",
    }
}

fn rule(phase: Phase) -> Rule {
    let columns = ["slug", "state", "level"].map(|name| (name, name));
    let mut rule =
        splitting::rule(["users", "profiles"], ["id", "user_id"], &columns, Some(3), phase);
    if let Change::SplitTable(split) = &mut rule.change {
        let [own, its] = ["level_is_positive", "profiles_level"].map(str::to_owned);
        split.constraints.insert(own, its);
    }
    rule
}

/// In the order in which they are sent.
const STATEMENTS: [&str; 11] = [
    "INSERT INTO users (id, email, slug) VALUES (1, 'a', NULL) ON CONFLICT DO NOTHING",
    "INSERT INTO users (id, email, slug) VALUES (1, 'a', 's') ON CONFLICT DO NOTHING",
    "INSERT INTO users (id, email, slug) SELECT id, 'a', nullif(slug, 's3') FROM users ON CONFLICT (id) DO NOTHING",
    "INSERT INTO users (id, email, level) VALUES (2, 'a', 0) ON CONFLICT (id) DO NOTHING",
    "INSERT INTO users (id, email, level) VALUES (2, 'a', NULL), (3, 'a', 1) ON CONFLICT (id) DO NOTHING",
    "INSERT INTO users (id, email, level) VALUES (2, 'a', 0) ON CONFLICT (id) DO UPDATE SET level = 7",
    "INSERT INTO users (id, email, slug) VALUES (2, 'a', NULL) ON CONFLICT (id) DO UPDATE SET slug = 't' WHERE false",
    "INSERT INTO users (id, email) VALUES (2, 'b') ON CONFLICT (id) DO UPDATE SET email = excluded.email, level = 9",
    "INSERT INTO users (id, email, state) VALUES (8, 'c', 'y'), (1, 'c', 'y') ON CONFLICT (id) DO NOTHING",
    "INSERT INTO users (id, email, state, level) VALUES (9, 'a', 'x', 1), (9, 'b', 'y', 2), (9, 'c', 'z', 3) ON CONFLICT (id) DO NOTHING",
    "INSERT INTO users (id, email, state, level) SELECT 10 + g / 3, 'a' || g, 'x', 9 - g FROM generate_series(0, 7) g ON CONFLICT DO NOTHING",
];

/// Tag, or code and message.
fn told(reply: &Reply) -> String {
    let error = reply.error().map(|error| ['C', 'M', 't', 'c', 'n'].map(|field| error.get(field)));
    format!("{:?} {error:?}", reply.tags())
}

/// Sends `statements` in each phase through a proxy, and to the table that was never touched. `triggers`: of either table.
#[track_caller]
fn check(name: &str, [old, new]: [&str; 2], triggers: [&str; 2], statements: &[&str]) {
    let [old_trigger, new_trigger] = triggers;
    for phase in Phase::TWO_SIDED {
        let oracle = Database::create(name, &format!("{old}{old_trigger}"));
        // Where its columns are not written any more, it mends none.
        let own_trigger = if stands(phase).is_empty() { old_trigger } else { "" };
        let ddl = format!("{old}{new}{}{own_trigger}{new_trigger}", stands(phase));
        let database = Database::create(name, &ddl);
        let relay = Relay::governing(&database, &[rule(phase)]);
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        for statement in statements {
            let (wanted, found) = (direct.simple(statement), client.simple(statement));
            assert_eq!(told(&found), told(&wanted), "{phase}: {statement}");
            let all = "SELECT id, email, slug, level FROM users ORDER BY id";
            assert_eq!(client.rows(all), direct.rows(all), "{phase}: {statement}");
        }
        drop(client);
        relay.stop();
    }
}

#[test]
fn what_is_given_for_a_row_that_is_there_is_held_against_its_constraints() {
    check("upsert_checks", [OLD, NEW], ["", ""], &STATEMENTS);
}

#[test]
fn what_a_trigger_makes_good_is_neither_refused_nor_stored() {
    let statements = [
        "INSERT INTO users (id, email, level) VALUES (1, 'a', -1) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO users (id, email, level) VALUES (6, 'a', -3) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO users (id, email, level) VALUES (2, 'a', -3), (8, 'b', -8) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO users (id, email, level) VALUES (6, 'a', -3) ON CONFLICT (id) DO UPDATE SET email = 'e'",
    ];
    check("upsert_triggers", OPEN, [&mending("users"), &mending("profiles")], &statements);
}

/// The same of clients that know both tables, while halves of which nothing has been copied are there all the same.
#[test]
fn what_is_given_for_a_half_that_is_there_is_held_against_its_constraints() {
    let statements = [
        "INSERT INTO profiles (user_id, slug) VALUES (1, NULL) ON CONFLICT DO NOTHING",
        "INSERT INTO profiles (user_id, slug) VALUES (4, NULL) ON CONFLICT (user_id) DO NOTHING",
        "INSERT INTO profiles (user_id, level) VALUES (2, 0) ON CONFLICT (user_id) DO NOTHING",
        "INSERT INTO profiles (user_id, level) VALUES (5, 0) ON CONFLICT (user_id) DO UPDATE SET level = 7",
        "INSERT INTO profiles (user_id, level) VALUES (5, NULL) ON CONFLICT (user_id) DO UPDATE SET level = 7",
        "INSERT INTO profiles (user_id, state) SELECT id, nullif('y', 'y') FROM users ON CONFLICT DO NOTHING",
        "INSERT INTO profiles (user_id, level) SELECT id, id - 4 FROM users ON CONFLICT (user_id) DO NOTHING",
        "INSERT INTO profiles (user_id) VALUES (4), (NULL) ON CONFLICT DO NOTHING",
        "INSERT INTO profiles (user_id) VALUES (4), (1) ON CONFLICT DO NOTHING",
    ];
    let split = format!("{OLD}{NEW}{}", stands(Phase::Contract));
    for (phase, left) in [
        (Phase::DualWrite, ""),
        (Phase::DualWrite, "DELETE FROM profiles WHERE user_id > 3;"),
        (Phase::SwitchReads, ""),
        (Phase::StopDualWrite, ""),
        (Phase::Contract, ""),
    ] {
        let oracle = Database::create("half_checks", &split);
        let database =
            Database::create("half_checks", &format!("{OLD}{NEW}{}{left}", stands(phase)));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        for statement in statements {
            let (wanted, found) = (direct.simple(statement), client.simple(statement));
            assert_eq!(told(&found), told(&wanted), "{phase} {left:?}: {statement}");
            let all = "SELECT user_id, slug, state, level FROM profiles ORDER BY user_id";
            assert_eq!(client.rows(all), direct.rows(all), "{phase} {left:?}: {statement}");
        }
        drop(client);
        relay.stop();
    }
}

/// A value that a CHECK refuses as it is written, and not as the column stores it, is no reason to store the row.
#[test]
fn what_is_refused_is_told_by_values_as_they_are_stored() {
    let old = "
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, slug text, state text,
            level numeric(8,2) CONSTRAINT level_is_positive CHECK (level >= 0));
        INSERT INTO users SELECT g, 'u' || g, 's' || g, 'x', g FROM generate_series(1, 5) g;";
    let new = "
        CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, slug text, state text,
            level numeric(8,2) CONSTRAINT profiles_level CHECK (level >= 0));
        INSERT INTO profiles SELECT id, slug, state, level FROM users;";
    let of_old = [
        "INSERT INTO users (id, email, level) VALUES (1, 'a', -0.001) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO users (id, email, level) SELECT 2, 'a', -0.001 ON CONFLICT (id) DO NOTHING",
        "INSERT INTO users (id, email, level) VALUES (5, 'a', -0.001) ON CONFLICT (id) DO UPDATE SET email = 'e'",
        "INSERT INTO users (id, email, level) VALUES (5, 'a', -0.01) ON CONFLICT (id) DO UPDATE SET email = 'e'",
    ];
    check("upsert_rounded", [old, new], ["", ""], &of_old);
    let of_new = [
        "INSERT INTO profiles (user_id, level) VALUES (1, -0.001) ON CONFLICT (user_id) DO NOTHING",
        "INSERT INTO profiles (user_id, level) SELECT 2, -0.001 ON CONFLICT (user_id) DO NOTHING",
        "INSERT INTO profiles (user_id, level) VALUES (5, -0.001) ON CONFLICT (user_id) DO UPDATE SET level = 7",
        "INSERT INTO profiles (user_id, level) VALUES (4, -0.01) ON CONFLICT (user_id) DO NOTHING",
    ];
    let split = format!("{old}{new}{}", stands(Phase::Contract));
    let oracle = Database::create("half_rounded", &split);
    let uncopied = format!("{old}{new} DELETE FROM profiles;");
    let database = Database::create("half_rounded", &uncopied);
    let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
    let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
    for statement in of_new {
        let (wanted, found) = (direct.simple(statement), client.simple(statement));
        assert_eq!(told(&found), told(&wanted), "{statement}");
        let all = "SELECT user_id, slug, state, level FROM profiles ORDER BY user_id";
        assert_eq!(client.rows(all), direct.rows(all), "{statement}");
    }
    drop(client);
    relay.stop();
}

/// The other half is found by the key that is stored, not by the one that was sent.
#[test]
fn a_key_that_is_rounded_has_its_other_half() {
    let tables = |key: &str| {
        let old = format!(
            "CREATE TABLE users (id {key} PRIMARY KEY, email text NOT NULL, slug text, state text, level int);
             INSERT INTO users SELECT g, 'u' || g, 's' || g, 'x', g FROM generate_series(1, 3) g;"
        );
        let new = format!(
            "CREATE TABLE profiles (user_id {key} PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
                 slug text, state text, level int);
             INSERT INTO profiles SELECT id, slug, state, level FROM users;"
        );
        [old, new]
    };
    let statements = [
        "INSERT INTO users (id, email, slug) VALUES (7.26, 'a', 'b')",
        "INSERT INTO users (id, email, slug) VALUES (8.26, 'a', 'b'), (9.26, 'c', 'd')",
        "INSERT INTO users (id, email, slug) SELECT 4.26, 'a', 'b'",
        "INSERT INTO users (id, email, slug) VALUES (7.26, 'a', 'b') ON CONFLICT (id) DO UPDATE SET slug = 'z', email = users.slug",
        "INSERT INTO users (id, email, slug) VALUES (7.26, 'a', 'b'), (5.26, 'c', 'd') ON CONFLICT (id) DO UPDATE SET slug = 'y'",
        "INSERT INTO users (id, email, slug) VALUES (7.26, 'a', 'b'), (6.26, 'c', 'd') ON CONFLICT (id) DO NOTHING",
        "UPDATE users SET id = 2.26, slug = 'moved' WHERE id = 1",
        "UPDATE users SET id = id + 0.04, slug = slug || '.' WHERE id = 2",
        "INSERT INTO users (id, email, slug) VALUES (77777, 'a', 'b')",
    ];
    let [old, new] = tables("numeric(5,1)");
    check("upsert_keys", [&old, &new], ["", ""], &statements);
    let [old, new] = tables("varchar(3)");
    let statements = [
        "INSERT INTO users (id, email, slug) VALUES ('ab    ', 'a', 'b')",
        "INSERT INTO users (id, email, slug) SELECT 'cd    ', 'a', 'b'",
        "INSERT INTO users (id, email, slug) VALUES ('abcd', 'a', 'b')",
        "INSERT INTO users (id, email, slug) VALUES ('ab   ', 'a', 'b') ON CONFLICT (id) DO UPDATE SET slug = users.email",
    ];
    check("upsert_keys", [&old, &new], ["", ""], &statements);
}
