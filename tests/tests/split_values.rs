//! Values of a table that is split whose types hold others, as a client of the old shape gives them: in every phase he sees what
//! he would see on the table that was never touched.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, KeyPair, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Reply, Value, Wire};

const OLD: &str = "
    CREATE TYPE address AS (street text, number int);
    CREATE DOMAIN home AS address CHECK ((VALUE).number IS DISTINCT FROM 13);
    CREATE TABLE users (id int PRIMARY KEY, name text, lives address, works home, tags text[], settings jsonb);
    INSERT INTO users VALUES (1, 'ann', ROW('a', 1), ROW('w', 1), '{x,y}', '{\"a\": 1}'), (2, 'bob', NULL, NULL, NULL, NULL),
        (3, 'cy', ROW('c', NULL), NULL, '{}', '{}');
    CREATE TABLE moves (user_id int, street text, number int);
    INSERT INTO moves VALUES (1, 'm', 7), (2, 'n', 8), (2, 'o', 9);";

const NEW: &str = "
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        lives address, works home, tags text[], settings jsonb);
    INSERT INTO profiles SELECT id, lives, works, tags, settings FROM users;";

const MOVED: [&str; 4] = ["lives", "works", "tags", "settings"];

/// A statement, with its parameters if it has any.
type Sent = (&'static str, &'static [Value<'static>]);

const STATEMENTS: [Sent; 22] = [
    ("INSERT INTO users (id, lives) VALUES (4, ROW('d', 4))", &[]),
    ("INSERT INTO users (id, lives, works) VALUES (5, ('e', 5), ('f', 6)) RETURNING *", &[]),
    ("INSERT INTO users (id, lives) VALUES (6, ROW('g', 1)), (7, ('h', 2)), (8, NULL)", &[]),
    (
        "INSERT INTO users (id, lives) VALUES (9, ROW($1, $2)) RETURNING (lives).number",
        &[Some("i"), Some("3")],
    ),
    ("INSERT INTO users (id, works) VALUES (10, ROW('unlucky', 13))", &[]),
    ("INSERT INTO users (id, lives) VALUES (10, ROW('one', 1, 'too many'))", &[]),
    ("INSERT INTO users (id, name) VALUES (10, ROW('as', 'text'))", &[]),
    ("UPDATE users SET lives = ROW('k', 2) WHERE id = 1", &[]),
    ("UPDATE users SET lives = ('l', (lives).number + 1) WHERE id = 1 RETURNING lives", &[]),
    ("UPDATE users SET works = ROW('m', $1) WHERE id = $2", &[Some("4"), Some("2")]),
    ("UPDATE users SET works = ROW('m', 13) WHERE id = 2", &[]),
    ("UPDATE users SET (lives, name) = ROW(ROW('n', 3), 'nn') WHERE id = 2", &[]),
    ("UPDATE users SET (lives, name) = (('o', 4), upper(name)) WHERE id = 3 RETURNING *", &[]),
    (
        "INSERT INTO users (id, lives) VALUES (1, ROW('p', 5)) ON CONFLICT (id) DO UPDATE SET lives = excluded.lives",
        &[],
    ),
    (
        "INSERT INTO users AS u (id, lives) VALUES (1, ROW('q', 6)) ON CONFLICT (id) DO UPDATE SET lives = ROW('r', (u.lives).number * 2) RETURNING lives",
        &[],
    ),
    (
        "UPDATE users SET (name, settings) = (SELECT max(street), to_jsonb(count(*)) FROM moves m WHERE m.user_id = users.id) WHERE tags IS NOT NULL RETURNING id, name, settings",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT users.tags || street, name || number FROM moves m WHERE m.user_id = users.id) WHERE id < 2",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT users.tags || street, name FROM moves m WHERE m.user_id = users.id)",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT street, name FROM moves m WHERE m.user_id = users.id) WHERE id = 1",
        &[],
    ),
    (
        "UPDATE users u SET (settings, lives) = (SELECT to_jsonb(o.*), o.lives FROM users o WHERE o.id = u.id + 1), tags = '{z}' WHERE settings IS NOT NULL AND name > $1",
        &[Some("a")],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT DISTINCT '{s}'::text[], $1) FROM moves m WHERE m.user_id = users.id AND m.number = 7",
        &[Some("t")],
    ),
    ("SELECT * FROM users ORDER BY id", &[]),
];

fn rule(phase: Phase) -> Rule {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let split = SplitTable {
        table: "users".to_owned(),
        into: "profiles".to_owned(),
        key: KeyPair { from: one("id"), to: one("user_id") },
        columns: MOVED.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect(),
        positions: MOVED.iter().zip(3..).map(|(name, at)| ((*name).to_owned(), at)).collect(),
        constraints: BTreeMap::new(),
    };
    Rule { name: "split-users".to_owned(), change: Change::SplitTable(split), phase }
}

fn stage(phase: Phase) -> Database {
    let leave = match phase {
        Phase::Contract => "ALTER TABLE users DROP lives, DROP works, DROP tags, DROP settings;",
        _others => "",
    };
    Database::create("split_values", &format!("{OLD}{NEW}{leave}"))
}

#[test]
fn rows_and_what_queries_give_arrive_as_they_are() {
    for phase in Phase::TWO_SIDED {
        for extended in [false, true] {
            let (plain, governed) = (Database::create("split_values", OLD), stage(phase));
            let relay = Relay::governing(&governed, &[rule(phase)]);
            let (mut client, mut direct) = (relay.connect(&governed), plain.connect());
            for (statement, values) in STATEMENTS {
                let send = |wire: &mut Wire| match extended || !values.is_empty() {
                    true => wire.extended(statement, values, false),
                    false => wire.simple(statement),
                };
                let (wanted, found) = (send(&mut direct), send(&mut client));
                let told = |reply: &Reply| {
                    let code = reply.error().map(|_| reply.code().to_owned());
                    (
                        reply.lines(),
                        reply.tags().iter().map(ToString::to_string).collect::<Vec<_>>(),
                        code,
                    )
                };
                assert_eq!(
                    told(&found),
                    told(&wanted),
                    "{phase}: {statement}: {:?}",
                    found.error()
                );
            }
            if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                let differs = "SELECT u, p FROM users u FULL JOIN profiles p ON user_id = id
                               WHERE (u.lives, u.works, u.tags, u.settings) IS DISTINCT FROM (p.lives, p.works, p.tags, p.settings)";
                assert_eq!(governed.connect().rows(differs), [] as [&str; 0], "{phase}");
            }
            drop(client);
            relay.stop();
        }
    }
}
