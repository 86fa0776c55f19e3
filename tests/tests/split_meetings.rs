//! Two clients meet at one row of a table that is split, of which one gives it another key, or inserts it unless it is
//! there: each is told, and leaves behind, what it would on the table that was never touched.

use rewrite_rules::{Phase, Rule};
use segue_tests::meeting;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::splitting;
use segue_tests::wire::Wire;

/// What an unchanged client knows.
const OLD: &str = "CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, bio text DEFAULT 'none', score int DEFAULT 0);";

/// The new table.
const NEW: &str = "
    CREATE TABLE profiles (
        user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        about text DEFAULT 'none');";

/// What each meeting begins with.
const ROWS: &str = "
    TRUNCATE users CASCADE;
    INSERT INTO users SELECT g, 'a' || g, 'b' || g, g FROM generate_series(1, 9) g;
    UPDATE users SET bio = NULL WHERE id = 8;";

/// One row lacks its half.
const HALVES: &str = "INSERT INTO profiles SELECT id, bio FROM users WHERE id <> 8;";

/// How many rows both tables do not agree about.
const SIDES: &str = "SELECT count(*) FROM users LEFT JOIN profiles ON user_id = id WHERE bio IS DISTINCT FROM about";

/// What one client does and has not committed, and what another sends then, which waits for that.
const MEETINGS: [(&str, &str); 20] = [
    (
        "UPDATE users SET score = score + 1 WHERE id = 4",
        "UPDATE users SET id = 40, bio = bio || score WHERE email = 'a4' RETURNING *",
    ),
    (
        "UPDATE users SET bio = 'other' WHERE id = 4",
        "UPDATE users SET id = 40, bio = bio || '!', score = length(bio) WHERE email = 'a4' RETURNING *",
    ),
    (
        "UPDATE users SET bio = 'other' WHERE id = 4",
        "UPDATE users SET id = 40, bio = 'x' WHERE bio = 'b4' AND email > 'a3' AND email < 'a5'",
    ),
    (
        "DELETE FROM users WHERE id = 4",
        "UPDATE users SET id = 40, bio = 'x' WHERE email = 'a4' RETURNING id",
    ),
    ("UPDATE users SET id = 40 WHERE id = 4", "UPDATE users SET id = 41, bio = 'x' WHERE id = 4"),
    (
        "UPDATE users SET id = 40, bio = 'y' WHERE id = 4",
        "UPDATE users SET id = 40, bio = 'x' WHERE id = 5",
    ),
    (
        "INSERT INTO users (id, bio) VALUES (40, 'first')",
        "UPDATE users SET id = 40, bio = 'x' WHERE id = 5 RETURNING id",
    ),
    (
        "UPDATE users SET id = 40 WHERE id = 4; UPDATE users SET id = 4, bio = 'back' WHERE id = 40",
        "UPDATE users SET id = 41, bio = bio || '!' WHERE id = 4 RETURNING bio",
    ),
    (
        "DELETE FROM users WHERE id = 6",
        "UPDATE users SET id = 6, bio = bio || '!' WHERE id = 5 RETURNING id, bio",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "UPDATE users SET id = 41, bio = bio || '?' WHERE email = 'a4' RETURNING id, bio",
    ),
    (
        "UPDATE users SET id = 40 WHERE id = 4",
        "UPDATE users SET id = id + 1, bio = bio || '?' WHERE email IN ('a4', 'a6')",
    ),
    (
        "UPDATE users SET id = 50 WHERE id = 5; UPDATE users SET id = 5, bio = 'there' WHERE id = 4",
        "UPDATE users SET id = 41, bio = bio || '?' WHERE email = 'a4' RETURNING id, bio",
    ),
    (
        "UPDATE users SET id = 80, bio = 'a half' WHERE id = 8",
        "UPDATE users SET id = 81, score = 1, bio = coalesce(bio, 'none') || '?' WHERE email = 'a8'",
    ),
    (
        "UPDATE users SET id = 80 WHERE id = 8",
        "UPDATE users SET id = 81, bio = 'mine' WHERE email = 'a8' RETURNING *",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "DELETE FROM users WHERE id = 4 RETURNING bio",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "UPDATE users SET bio = bio || '?', score = 7 WHERE id = 4",
    ),
    (
        "UPDATE users SET bio = coalesce(bio, '') || 'a' WHERE id = 8",
        "UPDATE users SET bio = coalesce(bio, '') || 'b' WHERE id = 8 RETURNING *",
    ),
    (
        "UPDATE users SET bio = 'mine' WHERE id = 8 AND bio IS NULL",
        "UPDATE users SET bio = 'yours' WHERE id = 8 AND bio IS NULL",
    ),
    (
        "INSERT INTO users (id, email, bio) VALUES (8, 'x', 'upserted') ON CONFLICT (id) DO UPDATE SET bio = excluded.bio",
        "UPDATE users SET bio = coalesce(bio, '') || '!', score = score + 1 WHERE id IN (7, 8)",
    ),
    ("UPDATE users SET bio = 'mine' WHERE id = 8", "UPDATE users SET bio = 'yours' WHERE id = 8"),
];

/// The same where one of them computes of both tables what becomes of a row that is there.
const UPSERTS: [(&str, &str); 22] = [
    (
        "UPDATE users SET bio = 'other', score = 40 WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (4, 'x', 'new')
         ON CONFLICT (id) DO UPDATE SET bio = users.bio || users.score || excluded.bio RETURNING *",
    ),
    (
        "UPDATE users SET bio = 'other' WHERE id = 4",
        "INSERT INTO users (id, bio) VALUES (4, 'new')
         ON CONFLICT (id) DO UPDATE SET score = length(users.bio) + length(excluded.bio)",
    ),
    (
        "UPDATE users SET score = 40 WHERE id = 4",
        "INSERT INTO users (id) VALUES (4) ON CONFLICT (id) DO UPDATE SET bio = 'x' WHERE users.score < 40 OR users.bio IS NULL",
    ),
    (
        "UPDATE users SET bio = NULL WHERE id = 4",
        "INSERT INTO users (id) VALUES (4) ON CONFLICT (id) DO UPDATE SET score = 7 WHERE users.bio IS NULL RETURNING *",
    ),
    (
        "INSERT INTO users VALUES (40, 'a40', 'first', 7)",
        "INSERT INTO users (id, email, bio) VALUES (40, 'x', 'new')
         ON CONFLICT (id) DO UPDATE SET bio = users.email || users.bio, score = length(users.bio) RETURNING *",
    ),
    (
        "INSERT INTO users VALUES (40, 'a40', 'first', 7)",
        "INSERT INTO users (id, email, bio) VALUES (41, 'a40', 'new'), (42, 'a42', 'more'), (43, 'a4', 'there')
         ON CONFLICT (email) DO UPDATE SET bio = users.id || users.bio || excluded.bio",
    ),
    (
        "DELETE FROM users WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (4, 'x', 'new') ON CONFLICT (id) DO UPDATE SET bio = users.email RETURNING *",
    ),
    (
        "DELETE FROM users WHERE id = 4; INSERT INTO users VALUES (4, 'again', 'back', 1)",
        "INSERT INTO users (id, email, bio) VALUES (4, 'x', 'new')
         ON CONFLICT (id) DO UPDATE SET bio = users.email || users.bio || excluded.email RETURNING *",
    ),
    (
        "UPDATE users SET id = 40 WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (4, 'x', 'new') ON CONFLICT (id) DO UPDATE SET bio = users.email RETURNING *",
    ),
    (
        "UPDATE users SET id = 40 WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (44, 'a4', 'new')
         ON CONFLICT (email) DO UPDATE SET bio = users.id || users.bio RETURNING *",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (44, 'a4', 'new') ON CONFLICT (email) DO UPDATE SET score = length(users.bio)",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (40, 'x', 'new') ON CONFLICT (id) DO UPDATE SET bio = users.bio || users.email",
    ),
    (
        "UPDATE users SET email = 'z4' WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (44, 'a4', 'new') ON CONFLICT (email) DO UPDATE SET bio = users.email RETURNING *",
    ),
    (
        "UPDATE users SET email = 'z4', bio = 'there' WHERE id = 4",
        "INSERT INTO users (id, email, bio) VALUES (44, 'z4', 'new') ON CONFLICT (email) DO UPDATE SET bio = users.email || users.bio",
    ),
    (
        "UPDATE users SET bio = 'made' WHERE id = 8",
        "INSERT INTO users (id, bio) VALUES (8, 'new')
         ON CONFLICT (id) DO UPDATE SET score = coalesce(length(users.bio), 0), email = excluded.bio RETURNING *",
    ),
    (
        "UPDATE users SET bio = 'made' WHERE id = 8",
        "INSERT INTO users (id) VALUES (8)
         ON CONFLICT (id) DO UPDATE SET bio = coalesce(users.bio, '') || users.email WHERE users.score = 8",
    ),
    (
        "UPDATE users SET score = 80 WHERE id = 8",
        "INSERT INTO users (id) VALUES (8)
         ON CONFLICT (id) DO UPDATE SET bio = coalesce(users.bio, 'none') || users.score RETURNING *",
    ),
    (
        "INSERT INTO users (id, email) VALUES (40, 'one') ON CONFLICT (id) DO UPDATE SET bio = users.email || 'one'",
        "INSERT INTO users (id, email) VALUES (40, 'two') ON CONFLICT (id) DO UPDATE SET bio = users.email || users.bio || 'two'",
    ),
    (
        "INSERT INTO users (id) VALUES (4), (5) ON CONFLICT (id) DO UPDATE SET bio = users.email || 'one' RETURNING id",
        "INSERT INTO users (id) VALUES (5), (6) ON CONFLICT (id) DO UPDATE SET bio = users.bio || users.email RETURNING id, bio",
    ),
    (
        "INSERT INTO users (id) VALUES (4) ON CONFLICT (id) DO UPDATE SET bio = users.email",
        "UPDATE users SET bio = bio || '!', score = score + 1 WHERE id = 4",
    ),
    (
        "INSERT INTO users (id, bio) VALUES (4, 'new') ON CONFLICT (id) DO UPDATE SET score = length(users.bio), email = excluded.bio",
        "DELETE FROM users WHERE id = 4 RETURNING bio, score",
    ),
    (
        "INSERT INTO users (id, bio) VALUES (4, 'new') ON CONFLICT (id) DO UPDATE SET bio = users.email WHERE users.bio = 'none'",
        "UPDATE users SET bio = bio || '?' WHERE id = 4 RETURNING bio",
    ),
];

/// The same where the other one does not follow the row to its new key.
const UNFOLLOWED: [(&str, &str); 3] = [
    (
        "UPDATE users SET id = 40 WHERE id = 4",
        "UPDATE users SET bio = bio || '?', score = 7 WHERE email = 'a4'",
    ),
    (
        "UPDATE users SET id = 40, bio = 'moved' WHERE id = 4",
        "UPDATE users SET bio = email || score WHERE email = 'a4' RETURNING id",
    ),
    (
        "UPDATE users SET id = 80 WHERE id = 8",
        "UPDATE users SET bio = 'a half', score = 7 WHERE email = 'a8'",
    ),
];

fn rule(phase: Phase) -> Rule {
    splitting::rule(["users", "profiles"], ["id", "user_id"], &[("bio", "about")], None, phase)
}

/// What both are told, and what is left behind.
type Met = (Vec<String>, String, String, Vec<String>);

/// One client does something in a transaction, and commits it once the other waits for it: `inside` a transaction of
/// its own, or not.
fn meet(
    (first, second, inside): (&str, &str, bool),
    (mut one, mut other): (Wire, Wire),
    looker: &mut Wire,
) -> Met {
    if inside {
        other.script("BEGIN");
    }
    let reply = meeting::meet((first, second), [&mut one, &mut other], looker);
    if inside {
        other.simple("COMMIT");
    }
    let left = one.rows("SELECT id, email, bio, score FROM users ORDER BY id");
    (reply.lines(), reply.tags().join(" "), reply.code().to_owned(), left)
}

/// Holds all of these meetings, in every phase, against the table that was never touched.
fn check(name: &str, meetings: &[(&str, &str)]) {
    let oracle = Database::create(&format!("{name}_old"), OLD);
    let alone = |&(first, second): &(&str, &str)| {
        let mut looker = oracle.connect();
        looker.script(ROWS);
        meet((first, second, false), (oracle.connect(), oracle.connect()), &mut looker)
    };
    let wanted: Vec<Met> = meetings.iter().map(alone).collect();
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let database = Database::create(name, &format!("{OLD}{NEW}"));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let mut looker = database.connect();
        for (&(first, second), wanted) in meetings.iter().zip(&wanted) {
            for inside in [false, true] {
                looker.script(&format!("{ROWS}{HALVES}"));
                let clients = (relay.connect(&database), relay.connect(&database));
                let found = meet((first, second, inside), clients, &mut looker);
                assert_eq!(found, *wanted, "{phase}: {first}; {second}");
                if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                    let differ = looker.rows(SIDES);
                    assert_eq!(differ, ["0"], "{phase}: {first}; {second}: both sides agree");
                }
            }
        }
        relay.stop();
    }
}

#[test]
fn a_row_that_gets_a_new_key_is_changed_as_it_is_when_its_lock_is_there() {
    check("meeting", &MEETINGS);
}

#[test]
fn what_an_upsert_computes_of_both_tables_is_of_the_row_as_it_is_when_its_lock_is_there() {
    check("upsert_meeting", &UPSERTS);
}

#[test]
fn a_row_that_is_not_found_under_its_new_key_is_written_in_neither_table() {
    let database = Database::create("meeting", &format!("{OLD}{NEW}"));
    let relay = Relay::governing(&database, &[rule(Phase::SwitchReads)]);
    let mut looker = database.connect();
    for (first, second) in UNFOLLOWED {
        looker.script(&format!("{ROWS}{HALVES}"));
        let clients = (relay.connect(&database), relay.connect(&database));
        let (lines, tag, code, _) = meet((first, second, false), clients, &mut looker);
        let told = (lines.is_empty(), tag.as_str(), code.as_str());
        assert_eq!(told, (true, "UPDATE 0", ""), "{first}; {second}");
        assert_eq!(looker.rows(SIDES), ["0"], "{first}; {second}: both sides agree");
    }
    relay.stop();
}

/// The half that another session has just made is no NULL to the upsert that waited for it, and is never offered as one.
#[test]
fn an_upsert_that_computes_of_a_half_in_the_making_where_that_may_not_be_null() {
    let strict = "ALTER TABLE profiles ALTER about SET NOT NULL;";
    let database = Database::create("meeting_strict", &format!("{OLD}{NEW}{strict}"));
    for phase in [Phase::SwitchReads, Phase::StopDualWrite] {
        let relay = Relay::governing(&database, &[rule(phase)]);
        let mut looker = database.connect();
        looker.script("TRUNCATE users CASCADE");
        let clients = (relay.connect(&database), relay.connect(&database));
        let first = "INSERT INTO users VALUES (40, 'a40', 'first', 7)";
        let second = "INSERT INTO users (id, bio) VALUES (40, 'new')
                      ON CONFLICT (id) DO UPDATE SET bio = users.bio || '!'";
        let (_, tag, code, left) = meet((first, second, false), clients, &mut looker);
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        assert_eq!((tag.as_str(), code.as_str()), ("INSERT 0 1", ""), "{phase}");
        assert_eq!(left, ["40|a40|first!|7"], "{phase}");
        relay.stop();
    }
}
