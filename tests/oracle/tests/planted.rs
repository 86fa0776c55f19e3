//! Faults planted in what is sent for a split and for a merge: each is reported, and what is right is not.
//!
//! The right text is what the rewriting sends; a fault is one edit that it could have forgotten or
//! got wrong.

use std::sync::Arc;

use oracle::{Depth, Handling, Shape, compare, golden};
use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{Outcome, Phase, Rule, SearchPath, SessionView};

const SPLIT: (&str, &str) = (
    "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL UNIQUE, first_name text, \
     bio text DEFAULT 'none', score integer);
     CREATE TABLE user_profiles (user_id integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE \
     ON UPDATE CASCADE, given_name text, bio text DEFAULT 'none');
     CREATE TABLE posts (id integer PRIMARY KEY, user_id integer, title text);",
    "name = 's'\nkind = 'split-table'\ntable = 'users'\ninto = 'user_profiles'\n\
     key = { from = 'id', to = 'user_id' }\ncolumns = { first_name = 'given_name', bio = 'bio' }\n",
);

const MERGE: (&str, &str) = (
    "CREATE TABLE mail (uid integer PRIMARY KEY, body text DEFAULT 'none', score integer);
     CREATE TABLE push (user_id integer PRIMARY KEY, sound boolean DEFAULT true, score integer);
     CREATE TABLE prefs (user_id integer PRIMARY KEY, body text DEFAULT 'none', mail_score integer, \
     sound boolean DEFAULT true, push_score integer, has_mail boolean NOT NULL DEFAULT false, \
     has_push boolean NOT NULL DEFAULT false);",
    "name = 'm'\nkind = 'merge-tables'\ninto = 'prefs'\nkey = 'user_id'\n\
     source = [{ table = 'mail', key = 'uid', columns = { body = 'body', score = 'mail_score' }, \
     present = 'has_mail' }, { table = 'push', columns = { sound = 'sound', score = 'push_score' }, \
     present = 'has_push' }]\n",
);

/// A statement, and edits of what is sent for it that must be reported.
struct Plant {
    of: (&'static str, &'static str),
    phase: Phase,
    speaks: Speaks,
    client: &'static str,
    faults: &'static [(&'static str, &'static str)],
}

const fn plant(
    of: (&'static str, &'static str),
    phase: Phase,
    client: &'static str,
    faults: &'static [(&'static str, &'static str)],
) -> Plant {
    Plant { of, phase, speaks: Speaks::Old, client, faults }
}

const PLANTS: [Plant; 9] = [
    // A read: another join, another column, a table without its other half.
    plant(
        SPLIT,
        Phase::SwitchReads,
        "SELECT id, bio FROM users WHERE first_name = 'Ann'",
        &[
            ("LEFT JOIN", "JOIN"),
            ("segue_0.user_id = segue_own.id", "segue_0.user_id = segue_own.score"),
            (
                "segue_0.given_name AS first_name, segue_0.bio",
                "segue_0.bio AS first_name, segue_0.given_name AS bio",
            ),
            ("segue_0.bio", "segue_own.bio"),
            ("'Ann'", "'Bob'"),
        ],
    ),
    // A lock that one arm forgets, and an arm that is missing.
    plant(
        SPLIT,
        Phase::SwitchReads,
        "SELECT bio FROM users WHERE id = 1 FOR UPDATE",
        &[
            (" FOR UPDATE) AS segue_arm_1", ") AS segue_arm_1"),
            ("NOT EXISTS", "EXISTS"),
            ("UNION ALL", "UNION"),
            ("FOR UPDATE) AS segue_arm_0", "FOR SHARE) AS segue_arm_0"),
        ],
    ),
    // What is carried: a column that is not, another value, another key, an INSERT that is no upsert.
    plant(
        SPLIT,
        Phase::DualWrite,
        "UPDATE users SET bio = $1, score = score + 1 WHERE id = $2",
        &[
            (", given_name = excluded.given_name", ""),
            ("bio = excluded.bio", "bio = excluded.given_name"),
            ("users.bio, users.first_name", "users.first_name, users.bio"),
            (
                "ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio, given_name = excluded.given_name",
                "",
            ),
            ("bio = $1, ", ""),
            ("id = $2", "id = $1"),
            ("RETURNING users.id", "RETURNING users.score"),
        ],
    ),
    plant(
        SPLIT,
        Phase::DualWrite,
        "INSERT INTO users (id, email, bio) VALUES (1, 'a', 'b') RETURNING id, bio",
        &[
            ("segue_given_1 AS bio", "segue_given_0 AS bio"),
            ("AS bio FROM segue_written_0", "AS boo FROM segue_written_0"),
            ("SELECT segue_stored_0, segue_stored_1", "SELECT segue_stored_1, segue_stored_0"),
            ("'b'", "'c'"),
        ],
    ),
    // A write that is worked out first: a table that is left out, other rows, no lock, one arm.
    plant(
        SPLIT,
        Phase::SwitchReads,
        "UPDATE users SET bio = upper(bio), score = 0 WHERE first_name = 'Ann' RETURNING id, bio",
        &[
            ("SET bio = segue_row_0.segue_new_0, score", "SET score"),
            ("score = segue_row_0.segue_new_1", "score = segue_row_0.segue_new_0"),
            (" WHERE segue_target.id = segue_row_0.segue_key_0", ""),
            (" FOR NO KEY UPDATE OF users) AS segue_arm_0", ") AS segue_arm_0"),
            ("upper(bio)", "lower(bio)"),
            ("AS MATERIALIZED", "AS"),
            ("DO UPDATE SET bio = excluded.bio", "DO NOTHING"),
            ("segue_beside_0_0.segue_was_3 AS bio", "segue_row_0.segue_was_3 AS bio"),
            ("segue_beside_0_0.segue_key_0 = segue_row_0.segue_key_0", "true"),
        ],
    ),
    plant(
        SPLIT,
        Phase::StopDualWrite,
        "UPDATE users SET bio = $1 WHERE id = $2",
        &[
            ("bio) SELECT", "given_name) SELECT"),
            ("$1::text", "$2::text"),
            (" WHERE id = $2", ""),
            ("FOR NO KEY UPDATE", "FOR KEY SHARE"),
        ],
    ),
    // A part of a merged table.
    plant(
        MERGE,
        Phase::SwitchReads,
        "SELECT body, score FROM mail WHERE uid = 1",
        &[
            (" WHERE has_mail", ""),
            ("has_mail", "has_push"),
            ("mail_score AS score", "push_score AS score"),
        ],
    ),
    plant(
        MERGE,
        Phase::DualWrite,
        "UPDATE mail SET score = 5 WHERE uid = 1",
        &[
            (", true FROM", ", false FROM"),
            (", has_mail = excluded.has_mail", ""),
            ("mail_score = excluded.mail_score", "push_score = excluded.push_score"),
        ],
    ),
    plant(
        MERGE,
        Phase::StopDualWrite,
        "DELETE FROM mail WHERE uid = $1",
        &[
            ("has_mail = DEFAULT", "has_push = DEFAULT"),
            (", mail_score = DEFAULT", ""),
            ("segue_target.user_id = segue_row_0.segue_key_0", "true"),
            ("FOR UPDATE OF mail", "FOR SHARE OF mail"),
        ],
    ),
];

#[test]
fn every_planted_fault_is_reported() {
    let mut wrong = Vec::new();
    for plant in &PLANTS {
        let (schema, rule) = plant.of;
        let catalog = Arc::new(golden::schema::catalog_of(schema).expect("a schema"));
        let rule: Rule =
            toml::from_str(&format!("{rule}phase = '{}'", plant.phase)).expect("a rule");
        let rules = [rule];
        let generation =
            rewrite_rules::compile(1, &rules, Arc::clone(&catalog)).expect("a generation");
        let shape = Shape::new(&rules, &catalog, plant.speaks).expect("a shape");
        let path = SearchPath::default();
        let session = SessionView { shape: plant.speaks, ..SessionView::usual(&path) };
        let Outcome::Rewritten(sent) = generation.rewrite(plant.client, session) else {
            wrong.push(format!("not rewritten: {}", plant.client));
            continue;
        };
        let held = |text: &str| compare(&shape, plant.client, text, Handling::default());
        match held(&sent.sql) {
            Ok(Depth::Whole) => {}
            other => wrong.push(format!("{}\n  {}\n  {other:?}", plant.client, sent.sql)),
        }
        for (right, fault) in plant.faults {
            let planted = sent.sql.replacen(right, fault, 1);
            if planted == sent.sql {
                wrong.push(format!("{}\n  {}\n  has no {right}", plant.client, sent.sql));
            } else if held(&planted).is_ok() {
                wrong.push(format!("not reported: {}\n  {planted}", plant.client));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
