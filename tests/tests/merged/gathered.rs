//! A client of the new table writes it while the old ones are still read: both hold what it wrote, whatever the new one
//! held before.

use rewrite_rules::Phase;
use segue_tests::meeting;
use segue_tests::relay::Relay;
use segue_tests::server::Database;

use super::{NEW, OLD, Protocol, READS, SIDES, merged_from_the_start, rule, send, told};

/// What it writes, and reads again. Each row has a part whose column says so.
const WRITES: [&str; 68] = [
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (10, 'ten', true)",
    "INSERT INTO prefs (user_id, sound, has_push) VALUES (11, NULL, true), (12, false, true) RETURNING *",
    "INSERT INTO prefs (user_id, has_mail) VALUES (1, true)",
    "INSERT INTO prefs (user_id, has_push) VALUES (1, true)",
    "INSERT INTO prefs (user_id, has_mail, has_push) VALUES (8, NULL, true)",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (3, NULL, true)",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (99, 'nobody', true)",
    "INSERT INTO prefs (user_id, push_score, has_push) VALUES (98, 1, true)",
    "DELETE FROM prefs WHERE user_id = 12 RETURNING *",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (12, NULL, true)",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (12, 'a', true), (12, 'b', true)",
    "INSERT INTO prefs (user_id, has_mail, has_push) VALUES (12, true, false), (12, false, true)",
    "INSERT INTO prefs SELECT id, true, name, id, NULL, 7, true, id > 11 FROM users WHERE id = 12 RETURNING user_id, often, push_score",
    "INSERT INTO prefs (user_id, mail_score, has_mail) VALUES (1, 5, true), (7, 6, true)
     ON CONFLICT (user_id) DO UPDATE SET mail_score = prefs.mail_score + excluded.mail_score, has_mail = true",
    "INSERT INTO prefs (user_id, has_mail) VALUES (1, true) ON CONFLICT DO NOTHING",
    "DELETE FROM prefs WHERE user_id = 11",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (1, 'n', true), (11, 'first', true), (11, 'second', true)
     ON CONFLICT (user_id) DO NOTHING RETURNING user_id, often",
    "INSERT INTO prefs (user_id, has_mail, has_push) SELECT id, true, true FROM users WHERE id IN (8, 9)
     ON CONFLICT (user_id) DO UPDATE SET has_mail = true, has_push = excluded.has_push WHERE prefs.user_id = 9",
    "INSERT INTO prefs AS p (user_id, push_score, has_push) VALUES (2, 9, true)
     ON CONFLICT (user_id) DO UPDATE SET (push_score, has_push) = (p.mail_score + 1, true) RETURNING *",
    "INSERT INTO prefs (user_id, has_mail) VALUES (2, true), (2, true) ON CONFLICT (user_id) DO UPDATE SET news = false",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (3, 'x', true) ON CONFLICT ON CONSTRAINT prefs_pkey
     DO UPDATE SET often = often || excluded.often || count(*)::text",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (3, 'x', true) ON CONFLICT ON CONSTRAINT prefs_pkey
     DO UPDATE SET often = prefs.often || excluded.often, mail_score = DEFAULT RETURNING often, mail_score, push_score",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (3, NULL, true) ON CONFLICT DO NOTHING",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (3, NULL, true) ON CONFLICT (user_id) DO UPDATE SET often = 'y' WHERE false",
    "INSERT INTO prefs (user_id, push_score, has_push) VALUES (4, 1000, true) ON CONFLICT DO NOTHING",
    "INSERT INTO prefs (user_id, push_score, has_push) VALUES (4, 1000, true) ON CONFLICT (user_id) DO UPDATE SET push_score = 1",
    "INSERT INTO prefs (user_id, push_score, has_push) VALUES (4, 999, true) ON CONFLICT DO NOTHING",
    "INSERT INTO prefs (user_id, has_mail, has_push) VALUES (4, NULL, true) ON CONFLICT DO NOTHING",
    "SELECT * FROM prefs ORDER BY user_id",
    "UPDATE prefs SET news = NOT news, sound = NOT sound WHERE user_id = 4",
    "UPDATE prefs SET mail_score = mail_score + push_score WHERE has_mail AND has_push",
    "UPDATE prefs SET often = often || '!' WHERE user_id IN (1, 3) AND news IS NOT NULL",
    "UPDATE prefs SET push_score = DEFAULT, often = 'all' WHERE has_mail AND has_push",
    "WITH u AS (UPDATE prefs SET mail_score = 1 WHERE user_id < 4 RETURNING *) SELECT * FROM u ORDER BY user_id",
    "WITH u AS (UPDATE prefs SET news = false WHERE user_id = 2) SELECT news FROM prefs WHERE user_id = 2",
    "UPDATE prefs p SET often = u.name FROM users u WHERE u.id = p.user_id AND p.user_id = 6 RETURNING p.*, u.name",
    "UPDATE prefs SET (news, sound) = (true, true) WHERE user_id = 6",
    "UPDATE prefs SET mail_score = length(often)::bigint + 1, often = 'w'::name WHERE user_id = 6 RETURNING *",
    "UPDATE prefs SET has_push = true, push_score = 3 WHERE user_id = 3 RETURNING *",
    "UPDATE prefs SET has_mail = false, news = DEFAULT, often = DEFAULT, mail_score = NULL WHERE user_id = 5 RETURNING has_mail, often",
    "UPDATE prefs SET often = often, has_mail = has_mail, has_push = has_push, push_score = push_score",
    "UPDATE prefs SET news = NULL WHERE false",
    "UPDATE prefs SET often = NULL WHERE user_id = 3",
    "UPDATE prefs SET has_mail = NULL WHERE user_id = 3",
    "UPDATE prefs SET has_mail = NULL, has_push = true WHERE user_id IN (3, 6) RETURNING *",
    "UPDATE prefs SET user_id = 99, has_push = NULL WHERE user_id = 7",
    "UPDATE prefs SET nothing = 1",
    "UPDATE prefs SET often = nothing",
    "SELECT often, push_score FROM prefs WHERE user_id = 4 FOR UPDATE",
    "SELECT p.* FROM prefs p WHERE push_score > 0 AND user_id = 7 FOR NO KEY UPDATE",
    "BEGIN; SELECT push_score FROM prefs WHERE user_id = 7 FOR UPDATE; UPDATE prefs SET push_score = 77 WHERE user_id = 7; COMMIT",
    "BEGIN; LOCK TABLE prefs; UPDATE prefs SET push_score = 78 WHERE user_id = 7; COMMIT",
    "PREPARE i AS INSERT INTO prefs (user_id, push_score, has_push) VALUES ($1, $2, $3) ON CONFLICT (user_id)
     DO UPDATE SET push_score = excluded.push_score, has_push = true RETURNING *; EXECUTE i (10, 5, true); EXECUTE i (10, 6, true); DEALLOCATE i",
    "PREPARE p AS UPDATE prefs SET push_score = push_score + $1 WHERE user_id = $2 RETURNING push_score; EXECUTE p (1, 4); DEALLOCATE p",
    "PREPARE p AS UPDATE prefs SET push_score = push_score + $1 WHERE user_id = $2; EXECUTE p (1, 4); DEALLOCATE p",
    "SELECT * FROM prefs ORDER BY user_id",
    "DELETE FROM prefs WHERE user_id = 4",
    "DELETE FROM prefs WHERE user_id = 4",
    "DELETE FROM prefs p USING users u WHERE u.id = p.user_id AND u.name = 'u2' RETURNING p.often, u.name",
    "WITH gone AS (DELETE FROM prefs WHERE user_id = 9 RETURNING user_id, push_score) SELECT * FROM gone",
    "BEGIN; DELETE FROM prefs; SELECT count(*) FROM prefs; ROLLBACK",
    "BEGIN; TRUNCATE prefs; SELECT count(*) FROM prefs; ROLLBACK",
    "COPY prefs (user_id, often, has_mail) FROM STDIN\n4\tfour\tt\n",
    "COPY prefs (user_id, often, has_mail) FROM STDIN\n1\tone\tt\n",
    "COPY prefs FROM STDIN\n2\tt\ttwo\t2\tt\t22\tt\tt\n9\tt\tdaily\t\\N\tf\t9\tf\tt\n",
    "DELETE FROM users WHERE id = 1",
    "SELECT prefs FROM prefs WHERE user_id = 7",
    "SELECT * FROM prefs ORDER BY user_id",
];

/// What clients of the old tables see then, and what it is of the new one.
const SEEN: [[&str; 2]; 2] = [
    [
        "SELECT user_id, news, often, score FROM mail ORDER BY 1",
        "SELECT user_id, news, often, mail_score AS score FROM prefs WHERE has_mail ORDER BY 1",
    ],
    [
        "SELECT user_id, sound, score FROM push ORDER BY 1",
        "SELECT user_id, sound, push_score AS score FROM prefs WHERE has_push ORDER BY 1",
    ],
];

/// What the new table holds of the time before: it is no answer to anything.
const LEFT: [&str; 4] = [
    "",
    "DELETE FROM prefs;",
    "DELETE FROM prefs WHERE user_id % 2 = 0;",
    "UPDATE prefs SET often = 'left', push_score = -1, has_mail = NOT has_mail, has_push = true WHERE user_id > 2;
     INSERT INTO prefs (user_id, often, has_mail) VALUES (10, 'left', true), (11, 'left', false), (12, 'left', true);",
];

#[test]
fn a_client_of_the_new_table_writes_all_of_them_while_they_are_read() {
    check_gathered(&READS.into_iter().chain(WRITES).collect::<Vec<&str>>());
}

/// Sends the statements to a table that was one from the start and, in `dual-write`, to tables that become one.
#[track_caller]
pub(super) fn check_gathered(statements: &[&str]) {
    let mut failures = Vec::new();
    for (left, protocol) in LEFT.into_iter().zip([
        Protocol::Simple,
        Protocol::Extended,
        Protocol::OneRow,
        Protocol::Simple,
    ]) {
        let oracle = Database::create("merged_old", &merged_from_the_start());
        let database = Database::create("merged", &format!("{OLD}{NEW}{left}"));
        let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        for statement in statements {
            let expected = told(&send(&mut direct, statement, protocol));
            let found = told(&send(&mut client, statement, protocol));
            if expected != found {
                failures.push(format!(
                    "[{left}] {protocol:?}: {statement}\n  expected {expected:?}\n  found    {found:?}"
                ));
            }
        }
        for [old, new] in SEEN {
            let (expected, found) = (told(&direct.simple(new)), told(&client.simple(old)));
            if expected != found {
                failures
                    .push(format!("[{left}] {old}\n  expected {expected:?}\n  found    {found:?}"));
            }
        }
        if left.is_empty() {
            let apart = database.connect().rows(SIDES);
            if !apart.is_empty() {
                failures.push(format!("both sides agree: {apart:?}"));
            }
        }
        drop(client);
        relay.stop();
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What no old table could hold.
const UNHELD: [&str; 11] = [
    "INSERT INTO prefs (user_id) VALUES (10)",
    "INSERT INTO prefs (user_id, often) VALUES (10, 'x')",
    "INSERT INTO prefs (user_id, often, has_push) VALUES (10, 'x', true)",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (10, 'x', false)",
    "INSERT INTO prefs (user_id, often, has_mail, has_push) VALUES (10, 'x', false, true)",
    "INSERT INTO prefs (user_id, has_mail, has_push) SELECT 10, false, false",
    "UPDATE prefs SET push_score = 7 WHERE user_id = 1",
    "UPDATE prefs SET has_mail = false WHERE user_id = 4",
    "UPDATE prefs SET has_push = false, sound = DEFAULT, push_score = DEFAULT WHERE user_id = 9",
    "INSERT INTO prefs (user_id, has_mail) VALUES (8, true) ON CONFLICT (user_id) DO UPDATE SET often = 'x'",
    "COPY prefs (user_id, often, has_mail) FROM STDIN\n10\tx\tf\n",
];

#[test]
fn what_no_old_table_could_hold_is_refused() {
    let database = Database::create("merged", &format!("{OLD}{NEW}"));
    let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
    let (mut client, mut looker) = (relay.connect(&database), database.connect());
    let all = "SELECT to_jsonb(m) FROM mail m UNION ALL SELECT to_jsonb(p) FROM push p UNION ALL SELECT to_jsonb(n) FROM prefs n";
    let before = looker.rows(all);
    for protocol in [Protocol::Simple, Protocol::Extended] {
        for statement in UNHELD {
            let reply = send(&mut client, statement, protocol);
            let error = reply.error().cloned().unwrap_or_default();
            let hint = "set the column that tells that the row has that part too: \"has_mail\" or \"has_push\"";
            assert_eq!((error.code(), error.get('H')), ("0A000", hint), "{statement}: {:?}", error);
        }
    }
    let insert = "INSERT INTO prefs (user_id, often, has_mail) VALUES ($1, $2, $3)";
    let values = |told| [Some("10"), Some("x"), Some(told)];
    assert_eq!(client.extended(insert, &values("f"), false).code(), "0A000");
    assert_eq!(looker.rows(all), before, "nothing was stored");
    assert_eq!(client.extended(insert, &values("t"), false).tags(), ["INSERT 0 1"]);
    drop(client);
    relay.stop();
}

/// A part is taken away whose values are its defaults as the columns store them, however they are written.
#[test]
fn a_default_is_one_in_other_words_too() {
    let like = "ALTER TABLE mail ALTER score TYPE numeric(6,2), ALTER score SET DEFAULT 1.5;
        ALTER TABLE prefs ALTER mail_score TYPE numeric(6,2), ALTER mail_score SET DEFAULT 1.5;";
    let database = Database::create("merged", &format!("{OLD}{NEW}{like}"));
    let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
    let mut client = relay.connect(&database);
    for score in ["DEFAULT", "1.5", "1.50", "3.0 / 2"] {
        let undone = client.simple(&format!(
            "BEGIN; UPDATE prefs SET has_mail = false, news = DEFAULT, often = DEFAULT, mail_score = {score} WHERE user_id = 4;
             UPDATE prefs SET mail_score = {score} WHERE user_id = 8; ROLLBACK"
        ));
        assert_eq!(
            undone.tags(),
            ["BEGIN", "UPDATE 1", "UPDATE 1", "ROLLBACK"],
            "{score}: {:?}",
            undone.error()
        );
    }
    drop(client);
    relay.stop();
}

/// A part that another session makes while a statement waits for the row.
#[test]
fn a_part_that_has_come_meanwhile_is_seen() {
    let statements = [
        ("UPDATE prefs SET push_score = push_score + 1, mail_score = mail_score + push_score WHERE user_id = 1 RETURNING mail_score, push_score", "61|51"),
        ("UPDATE prefs SET mail_score = mail_score + push_score WHERE user_id = 1 RETURNING mail_score, push_score", "61|50"),
        ("SELECT mail_score, push_score, has_push FROM prefs WHERE user_id = 1 FOR UPDATE", "11|50|t"),
        ("DELETE FROM prefs WHERE user_id = 1 RETURNING mail_score, push_score", "11|50"),
        ("INSERT INTO prefs (user_id, mail_score, has_mail) VALUES (1, 3, true) ON CONFLICT (user_id)
          DO UPDATE SET mail_score = prefs.push_score + excluded.mail_score RETURNING mail_score, push_score", "53|50"),
    ];
    for (statement, expected) in statements {
        for left in ["", "DELETE FROM prefs;"] {
            // Where the new row is not there yet, only what writes it finds that it has come too.
            let needs_it = ["SELECT", "DELETE", "UPDATE prefs SET push_score"];
            if !left.is_empty() && needs_it.iter().any(|it| statement.starts_with(it)) {
                continue;
            }
            let database = Database::create("merged", &format!("{OLD}{NEW}{left}"));
            let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
            let (mut old, mut new) = (relay.connect(&database), relay.connect(&database));
            let mut looker = database.connect();
            let first = "UPDATE mail SET score = score + 1 WHERE user_id = 1; INSERT INTO push (user_id, score) VALUES (1, 50)";
            let reply = meeting::meet((first, statement), [&mut old, &mut new], &mut looker);
            assert_eq!(reply.lines(), [expected], "[{left}] {statement}: {:?}", reply.error());
            if left.is_empty() {
                let apart = looker.rows(SIDES);
                assert!(apart.is_empty(), "{statement}: both sides agree: {apart:?}");
            }
            drop((old, new));
            relay.stop();
        }
    }
}
