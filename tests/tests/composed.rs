//! A column is renamed and another one moves to a table of its own, at once and on one table: in every pair of
//! phases an unchanged client sees what it would see on the table that was never touched.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

use rewrite_rules::rule::{Change, ColumnPair, KeyPair, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::{Relay, generation_of};
use segue_tests::server::Database;
use segue_tests::wire::Reply;

/// What an unchanged client knows.
const OLD: &str = "
    CREATE TABLE users (id int PRIMARY KEY, email text, bio text DEFAULT 'none', score int DEFAULT 0);
    INSERT INTO users SELECT g, 'a' || g, CASE WHEN g % 3 > 0 THEN 'b' || g END, g FROM generate_series(1, 9) g;";

/// With all that both migrations add.
const BOTH: &str = "
    ALTER TABLE users ADD COLUMN address text;
    UPDATE users SET address = email;
    CREATE TABLE profiles (
        user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        about text DEFAULT 'none');
    INSERT INTO profiles SELECT id, bio FROM users;";

/// In the order in which they are sent.
const STATEMENTS: [&str; 22] = [
    "SELECT * FROM users ORDER BY id",
    "SELECT email, bio FROM users WHERE email < 'a5' AND bio LIKE 'b%' ORDER BY email",
    "INSERT INTO users (id, email, bio, score) VALUES (10, 'x10', 'b10', 1), (11, 'x11', NULL, 2)",
    "INSERT INTO users VALUES (12, 'x12', 'b12', 3) RETURNING *",
    "INSERT INTO users (id, email) VALUES (13, 'x13') RETURNING id, bio",
    "UPDATE users SET email = upper(email), bio = bio || email WHERE id = 1",
    "UPDATE users SET bio = email || '!', score = score + 1 WHERE email = 'a2' RETURNING id, email, bio",
    "UPDATE users SET email = coalesce(bio, 'nobody') WHERE bio IS NULL OR id = 4",
    "UPDATE users SET score = score + 10 WHERE bio = 'b5' AND email = 'a5' RETURNING score",
    "DELETE FROM users WHERE email = 'a7' AND bio = 'b7' RETURNING id, bio, email",
    "INSERT INTO users (id, email, bio) VALUES (8, 'y8', 'c8'), (14, 'y14', 'c14')
     ON CONFLICT (id) DO UPDATE SET email = excluded.email, bio = excluded.bio RETURNING id, email, bio",
    "INSERT INTO users (id, email, bio) VALUES (8, 'z', 'z') ON CONFLICT DO NOTHING",
    "SELECT id, email, bio FROM users WHERE id = 5 AND bio = 'b5' FOR UPDATE",
    "WITH u AS (UPDATE users SET bio = 'cte', email = 'cte' WHERE id = 5 RETURNING id, email, bio) SELECT * FROM u",
    "UPDATE users SET id = id + 100 WHERE id = 9",
    "INSERT INTO users (id, email, bio) SELECT id + 200, email, bio FROM users WHERE id < 4 ORDER BY id",
    "SELECT u.email, u.bio, count(*) FROM users u GROUP BY u.email, u.bio ORDER BY 1, 2",
    "UPDATE users SET (email, bio) = ('p', 'q') WHERE id = 12",
    "SELECT row_to_json(u) FROM users u WHERE id = 12",
    "SELECT users FROM users WHERE email = 'p'",
    "BEGIN; UPDATE users SET bio = 'in'; UPDATE users SET email = bio || id WHERE bio = 'in'; ROLLBACK",
    "SELECT id, email, bio, score FROM users ORDER BY id",
];

fn rules(renaming: Phase, splitting: Phase) -> [Rule; 2] {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let split = SplitTable {
        table: "users".to_owned(),
        into: "profiles".to_owned(),
        key: KeyPair { from: one("id"), to: one("user_id") },
        columns: [("bio".to_owned(), "about".to_owned())].into_iter().collect(),
        positions: std::collections::BTreeMap::new(),
    };
    let rename = Change::RenameColumn(ColumnPair::new("users", "email", "address"));
    let rule = |name: &str, change, phase| Rule { name: name.to_owned(), change, phase };
    [rule("rename", rename, renaming), rule("split", Change::SplitTable(split), splitting)]
}

/// All that a client is told.
fn told(reply: &Reply) -> (Vec<String>, Vec<String>, String) {
    let tags = reply.tags().into_iter().map(str::to_owned).collect();
    (reply.lines(), tags, reply.code().to_owned())
}

/// What must hold of the tables themselves while both sides are written.
fn sides(renaming: Phase, splitting: Phase) -> String {
    let is_both = |phase| matches!(phase, Phase::DualWrite | Phase::SwitchReads);
    let differ = |is_wanted: bool, condition: &str| match is_wanted {
        true => format!("({condition})"),
        false => "false".to_owned(),
    };
    format!(
        "SELECT count(*) FROM users LEFT JOIN profiles ON user_id = id WHERE {} OR {}",
        differ(is_both(renaming), "email IS DISTINCT FROM address"),
        differ(is_both(splitting), "bio IS DISTINCT FROM about OR user_id IS NULL"),
    )
}

#[test]
fn a_rename_and_a_split_of_one_table_in_every_pair_of_phases() {
    for renaming in Phase::TWO_SIDED {
        for splitting in Phase::TWO_SIDED {
            let about = format!("{renaming} and {splitting}");
            let oracle = Database::create("composed_old", OLD);
            let database = Database::create("composed", &format!("{OLD}{BOTH}"));
            let generation = generation_of(1, &rules(renaming, splitting), &database);
            let relay = Relay::start(&database, generation);
            let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
            for statement in STATEMENTS {
                let (expected, found) = (direct.simple(statement), client.simple(statement));
                assert_eq!(told(&found), told(&expected), "{about}: {statement}");
            }
            let differing = database.connect().rows(&sides(renaming, splitting));
            assert_eq!(differing, ["0"], "{about}: both sides agree");
            drop(client);
            relay.stop();
        }
    }
}
