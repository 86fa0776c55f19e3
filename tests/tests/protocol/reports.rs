//! Errors in the client's own names: every field of a report, in every phase, is that of the
//! unmigrated database.

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule};
use segue_tests::message::Fields;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

const PLAIN: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(10) NOT NULL, email text, age integer,
        CONSTRAINT users_username_key UNIQUE (username),
        CONSTRAINT username_is_short CHECK (username <> 'forbidden'));
    CREATE TABLE posts (id integer PRIMARY KEY, author varchar(10), handle text NOT NULL UNIQUE,
        CONSTRAINT posts_author_fkey FOREIGN KEY (author) REFERENCES users (username));
    INSERT INTO users VALUES (1, 'ann', 'a', 1), (2, 'bob', 'b', 2);
    INSERT INTO posts VALUES (1, 'ann', 'h1');";

/// What the operator does before a phase, on top of the phases before it.
fn step(phase: Phase) -> &'static str {
    match phase {
        Phase::Expand => "ALTER TABLE users ADD COLUMN handle varchar(10);",
        Phase::DualWrite => "UPDATE users SET handle = username;",
        Phase::SwitchReads => {
            "ALTER TABLE users ADD CONSTRAINT users_handle_key UNIQUE (handle);
             ALTER TABLE users ADD CONSTRAINT handle_is_short CHECK (handle <> 'forbidden');
             ALTER TABLE users ALTER COLUMN handle SET NOT NULL;"
        }
        Phase::StopDualWrite => {
            "ALTER TABLE posts DROP CONSTRAINT posts_author_fkey;
             ALTER TABLE posts ADD CONSTRAINT posts_author_fkey
                FOREIGN KEY (author) REFERENCES users (handle);
             ALTER TABLE users ALTER COLUMN username DROP NOT NULL;
             ALTER TABLE users DROP CONSTRAINT username_is_short;
             ALTER TABLE users DROP CONSTRAINT users_username_key;
             UPDATE users SET username = NULL;"
        }
        Phase::Contract => "ALTER TABLE users DROP COLUMN username;",
        Phase::Backfill | Phase::Enforce => "",
    }
}

fn rule(phase: Phase) -> Rule {
    let constraints =
        [("users_username_key", "users_handle_key"), ("username_is_short", "handle_is_short")];
    let pair = ColumnPair {
        position: (phase == Phase::Contract).then_some(2),
        constraints: constraints
            .into_iter()
            .map(|(old, new)| (old.to_owned(), new.to_owned()))
            .collect(),
        ..ColumnPair::new("users", "username", "handle")
    };
    Rule { name: "rename".to_owned(), change: Change::RenameColumn(pair), phase }
}

/// Statements that fail, each in another way.
const FAILING: [&str; 24] = [
    "INSERT INTO users (id) VALUES (3)",
    "INSERT INTO users (id, username) VALUES (3, NULL)",
    "INSERT INTO users (id, username) VALUES (3, 'ann')",
    "INSERT INTO users (id, username) VALUES (3, 'handle'), (4, 'handle')",
    "INSERT INTO users (id, username) VALUES (3, 'forbidden')",
    "INSERT INTO users (id, username) VALUES (3, 'much too long')",
    "UPDATE users SET username = 'bob' WHERE id = 1",
    "UPDATE users SET username = NULL",
    "UPDATE users SET username = 'forbidden' WHERE username = 'ann'",
    "UPDATE users SET username = 'zed' WHERE username = 'ann'",
    "DELETE FROM users WHERE username = 'ann'",
    "INSERT INTO posts VALUES (2, 'nobody', 'h2')",
    "INSERT INTO posts VALUES (2, NULL, 'h1')",
    "INSERT INTO posts VALUES (2, NULL, NULL)",
    "SELECT username, count(*) FROM users GROUP BY email",
    "SELECT u.username FROM users u GROUP BY u.email",
    "SELECT username + 1 FROM users",
    "SELECT username::integer FROM users WHERE id = 1",
    "SELECT usrname FROM users",
    "SELECT username FROM users, (VALUES ('x')) AS v (username)",
    "INSERT INTO users (id, username) VALUES (5, 'eve') ON CONFLICT (email, username) DO NOTHING",
    "UPDATE users SET username = 1, username = 2",
    "SELECT sum(username) FROM users",
    "SELECT handle FROM posts WHERE handle = 1",
];

/// The report on a statement, without what speaks of the server's own source and of physical rows.
pub(crate) fn report(wire: &mut Wire, sql: &str) -> Fields {
    wire.script("BEGIN");
    let reply = wire.simple(sql);
    let mut fields = reply.error().cloned().unwrap_or_default();
    wire.script("ROLLBACK");
    for field in ['F', 'L', 'R'] {
        fields.0.remove(&field);
    }
    // PostgreSQL guesses what was meant from the physical names.
    if fields.get('H').starts_with("Perhaps you meant") {
        fields.0.remove(&'H');
    }
    if fields.get('D').starts_with("Failing row contains") {
        fields.0.remove(&'D');
    }
    fields
}

#[test]
fn every_field_of_a_report_is_in_the_client_s_words() {
    let mut plain = Database::create("reports", PLAIN).connect();
    let expected = FAILING.map(|sql| report(&mut plain, sql));
    let mut faults = Vec::new();
    for phase in Phase::TWO_SIDED {
        let steps: String =
            Phase::TWO_SIDED.into_iter().filter(|it| *it <= phase).map(step).collect();
        let database = Database::create("reports", &format!("{PLAIN}{steps}"));
        let relay = Relay::start(&database, relay::generation_of(1, &[rule(phase)], &database));
        let mut wire = relay.connect(&database);
        for (sql, expected) in FAILING.iter().zip(&expected) {
            assert_ne!(expected.code(), "", "it does not fail: {sql}");
            let found = report(&mut wire, sql);
            if found != *expected {
                faults.push(format!("{phase}: {sql}\n  {:?}\n  {:?}", expected.0, found.0));
            }
        }
        relay.stop();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
