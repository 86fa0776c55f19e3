//! Tables are merged: in every phase an unchanged client sees what it would see on the tables that were never
//! touched, and one that names the new table sees their rows.

mod absent;
mod added;
mod all_there;
mod drawn_keys;
mod gathered;
mod guarded;
mod keys;
mod many;
mod moved;
mod new_keys;
mod order;

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, MergeSource, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};
use segue_tests::message::Message;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{
    Reply, Wire, bind, copy_data, copy_done, describe, execute, parse, query, sync,
};

/// What an unchanged client knows.
const OLD: &str = "
    CREATE TABLE users (id int PRIMARY KEY, name text);
    INSERT INTO users SELECT g, 'u' || g FROM generate_series(1, 12) g;
    CREATE TABLE mail (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        news boolean DEFAULT true, often text NOT NULL DEFAULT 'daily', score int);
    CREATE TABLE push (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        sound boolean DEFAULT true, score int DEFAULT 5);
    INSERT INTO mail SELECT g, g % 2 = 0, 'w' || g, g * 10 FROM generate_series(1, 6) g;
    INSERT INTO push SELECT g, g % 3 = 0, NULLIF(g, 5) FROM generate_series(4, 9) g;";

/// The new table.
const NEW: &str = "
    CREATE TABLE prefs (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        news boolean DEFAULT true, often text NOT NULL DEFAULT 'daily', mail_score int,
        sound boolean DEFAULT true, push_score int DEFAULT 5,
        has_mail boolean NOT NULL DEFAULT false, has_push boolean NOT NULL DEFAULT false,
        CHECK (NOT has_push OR push_score < 1000));
    INSERT INTO prefs (user_id, news, often, mail_score, has_mail)
        SELECT user_id, news, often, score, true FROM mail;
    INSERT INTO prefs (user_id, sound, push_score, has_push)
        SELECT user_id, sound, score, true FROM push
        ON CONFLICT (user_id) DO UPDATE SET sound = excluded.sound, push_score = excluded.push_score, has_push = true;";

/// In the order in which they are sent.
const STATEMENTS: [&str; 84] = [
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT user_id, sound FROM push WHERE score > 5 ORDER BY score DESC",
    "SELECT u.id, m.score, p.score FROM users u LEFT JOIN mail m ON m.user_id = u.id LEFT JOIN push p ON p.user_id = u.id ORDER BY 1",
    "SELECT m.*, p.* FROM mail m JOIN push p USING (user_id) ORDER BY m.user_id",
    "SELECT news, count(*), sum(score) FROM mail GROUP BY news ORDER BY news",
    "SELECT m.user_id, m.often, count(*) FROM mail m GROUP BY m.user_id ORDER BY 1",
    "SELECT name FROM users WHERE NOT EXISTS (SELECT FROM mail WHERE user_id = id) ORDER BY id",
    "SELECT mail FROM mail WHERE user_id = 2",
    "SELECT row_to_json(p) FROM push p ORDER BY user_id LIMIT 2",
    "SELECT rank() OVER (ORDER BY score), often FROM mail ORDER BY 1",
    "SELECT push_score FROM push",
    "SELECT has_mail FROM mail",
    "SELECT often FROM mail WHERE user_id = 3 FOR UPDATE",
    "INSERT INTO mail (user_id, news, often, score) VALUES (7, NULL, 'x', 7), (10, true, 'y', 8)",
    "INSERT INTO mail (user_id) VALUES (8) RETURNING *",
    "INSERT INTO push VALUES (1, false), (2) RETURNING user_id, score, sound",
    "INSERT INTO push (user_id, score) SELECT user_id + 2, score FROM push WHERE user_id > 8 RETURNING *",
    "INSERT INTO mail (user_id, often) VALUES (1, 'dup')",
    "INSERT INTO mail (user_id, often) VALUES (9, 'a'), (2, 'b')",
    "INSERT INTO mail (user_id, often) VALUES (9, NULL)",
    "INSERT INTO mail (user_id, often) VALUES (99, 'nobody')",
    "INSERT INTO mail (user_id, often) SELECT user_id + 90, NULL FROM push WHERE user_id = 9",
    "INSERT INTO mail (user_id, mail_score) VALUES (9, 1)",
    "INSERT INTO push (user_id, has_mail) VALUES (10, true)",
    "INSERT INTO mail (user_id, often) VALUES (1, 'n'), (9, 'n') ON CONFLICT (user_id) DO NOTHING",
    "INSERT INTO mail (user_id, often) VALUES (1, 'n'), (9, 'n') ON CONFLICT DO NOTHING RETURNING user_id",
    "INSERT INTO push (user_id, score) VALUES (3, 1), (4, 2) ON CONFLICT (user_id) DO UPDATE SET score = excluded.score",
    "INSERT INTO push (user_id, score) VALUES (3, 1), (12, 2) ON CONFLICT (user_id)
     DO UPDATE SET score = push.score + excluded.score, sound = NOT push.sound RETURNING *",
    "INSERT INTO mail AS m (user_id, score) VALUES (2, 100), (12, 200) ON CONFLICT (user_id)
     DO UPDATE SET score = m.score + 1 WHERE m.score > 20 RETURNING m.user_id, m.score",
    "INSERT INTO mail (user_id) VALUES (2), (11) ON CONFLICT (user_id) DO UPDATE SET often = 5, score = 1.6",
    "INSERT INTO mail (user_id, score) VALUES (2, 100), (11, 200) ON CONFLICT ON CONSTRAINT mail_pkey DO UPDATE SET score = 0",
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT * FROM push ORDER BY user_id",
    "UPDATE mail SET often = upper(often) WHERE user_id = 1",
    "WITH u AS (UPDATE mail SET score = score + 1, news = NOT news WHERE score < 60 RETURNING user_id, news, score)
     SELECT * FROM u ORDER BY user_id",
    "UPDATE mail SET score = score + 0 WHERE score < 60",
    "UPDATE push SET sound = false, score = NULL WHERE user_id IN (1, 2)",
    "UPDATE push SET score = DEFAULT WHERE user_id = 1 RETURNING *",
    "UPDATE mail SET (often, score) = ('pair', 1) WHERE user_id = 3",
    "UPDATE mail m SET often = u.name FROM users u WHERE u.id = m.user_id AND u.id > 6",
    "WITH u AS (UPDATE mail m SET often = u.name FROM users u WHERE u.id = m.user_id AND u.id > 6 RETURNING m.user_id, m.often, u.name)
     SELECT * FROM u ORDER BY 1",
    "UPDATE mail m SET score = u.id + 1 FROM users u WHERE u.id = m.user_id AND u.id = 7 RETURNING u.name, m.*",
    "UPDATE mail m SET score = p.score FROM push p WHERE p.user_id = m.user_id",
    "UPDATE mail SET score = (SELECT max(score) FROM push) WHERE user_id = 4",
    "UPDATE mail SET often = NULL WHERE user_id = 4",
    "UPDATE push SET score = 1 WHERE user_id = 77",
    "WITH done AS (UPDATE mail SET score = 3 WHERE user_id < 3 RETURNING user_id, score) SELECT sum(score), count(*) FROM done",
    "BEGIN; UPDATE mail SET often = 'in'; UPDATE push SET score = 9; SELECT count(*) FROM mail WHERE often = 'in'; ROLLBACK",
    "SELECT * FROM mail ORDER BY user_id",
    "DELETE FROM mail WHERE user_id = 1",
    "DELETE FROM mail WHERE user_id = 1",
    "WITH gone AS (DELETE FROM push WHERE score > 6 RETURNING *) SELECT * FROM gone ORDER BY user_id",
    "DELETE FROM push WHERE user_id = 12 RETURNING *",
    "DELETE FROM mail m USING users u WHERE u.id = m.user_id AND u.name = 'u2'",
    "DELETE FROM mail m USING users u WHERE u.id = m.user_id AND u.name = 'u7' RETURNING u.name, m.score",
    "WITH gone AS (DELETE FROM push WHERE user_id < 3 RETURNING user_id) SELECT count(*) FROM gone",
    "INSERT INTO mail (user_id, score) VALUES (1, 11) RETURNING *",
    "INSERT INTO push (user_id) VALUES (8)",
    "DELETE FROM users WHERE id = 4",
    "SELECT count(*) FROM mail WHERE user_id = 4",
    "SELECT user_id FROM push WHERE user_id IN (SELECT user_id FROM mail) ORDER BY 1",
    "SELECT user_id FROM mail EXCEPT SELECT user_id FROM push ORDER BY 1",
    "INSERT INTO push (user_id, score) SELECT user_id, score FROM mail ON CONFLICT DO NOTHING",
    "BEGIN; DELETE FROM push; INSERT INTO push (user_id) VALUES (1); SELECT * FROM push; COMMIT",
    "INSERT INTO push (user_id, score) VALUES (10, 1), (1, 2), (10, 3), (2, 4) ON CONFLICT DO NOTHING RETURNING user_id, score, sound",
    "INSERT INTO push (user_id, score) SELECT 10 + g / 2, g FROM generate_series(0, 3) g ON CONFLICT (user_id) DO NOTHING",
    "SELECT * FROM push ORDER BY user_id",
    "BEGIN; SAVEPOINT mail; SELECT 1 / 0; ROLLBACK",
    "ROLLBACK TO SAVEPOINT mail",
    "SELECT count(*) FROM mail",
    "COMMIT",
    "PREPARE p AS UPDATE mail SET score = score + $1 WHERE user_id = $2 RETURNING score; EXECUTE p (1, 1); EXECUTE p (2, 1); DEALLOCATE p",
    "BEGIN; DECLARE c CURSOR FOR SELECT score FROM mail ORDER BY user_id; FETCH 2 FROM c; COMMIT",
    "COPY mail TO STDOUT",
    "COPY push (score, user_id) TO STDOUT (FORMAT csv)",
    "COPY mail (user_id, score, often) FROM STDIN\n12\t5\ttwelve\n7\t5\tseven\n",
    "COPY mail (user_id, score, often) FROM STDIN\n8\t5\ttaken\n",
    "COPY push FROM STDIN\n12\tf\t\\N\n",
    "LOCK TABLE mail IN SHARE MODE",
    "BEGIN; TRUNCATE mail; SELECT count(*) FROM mail; SELECT count(*) FROM push; ROLLBACK",
    "TRUNCATE TABLE push",
    "INSERT INTO push (user_id) VALUES (3), (5)",
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT * FROM push ORDER BY user_id",
];

fn source(table: &str, columns: &[(&str, &str)], present: Option<&str>) -> MergeSource {
    let owned = |(own, its): &(&str, &str)| ((*own).to_owned(), (*its).to_owned());
    MergeSource {
        table: table.to_owned(),
        key: None,
        columns: columns.iter().map(owned).collect(),
        present: present.map(str::to_owned),
        positions: BTreeMap::new(),
        constraints: [
            (format!("{table}_pkey"), "prefs_pkey".to_owned()),
            (format!("{table}_user_id_fkey"), "prefs_user_id_fkey".to_owned()),
        ]
        .into(),
    }
}

fn rule(phase: Phase) -> Rule {
    let mail = [("news", "news"), ("often", "often"), ("score", "mail_score")];
    let push = [("sound", "sound"), ("score", "push_score")];
    let merge = MergeTables {
        into: "prefs".to_owned(),
        key: OneOrMore::One("user_id".to_owned()),
        sources: vec![
            source("mail", &mail, Some("has_mail")),
            source("push", &push, Some("has_push")),
        ],
    };
    Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
}

/// All that a client is told: kinds of messages, names of columns, rows, tags, and of an error the SQLSTATE, message, detail, table, column and
/// constraint. A failing row is shown as it is stored.
fn told(reply: &Reply) -> (Vec<String>, Vec<String>, Vec<String>, String) {
    let columns = reply.columns().into_iter().flatten().map(|column| column.name.clone());
    let kind = |message: &Message| {
        let shown = format!("{message:?}");
        shown.split(['(', ' ']).next().unwrap_or_default().to_owned()
    };
    let told = reply.messages.iter().filter(|it| !matches!(it, Message::Notice(_)));
    let tags = reply.tags().into_iter().map(str::to_owned).collect();
    let fields = ['C', 'M', 'D', 't', 'c', 'n'];
    let error = reply.error().map(|error| {
        fields.map(|field| Some(error.get(field)).filter(|it| !it.starts_with("Failing row")))
    });
    let error = error.map(|fields| format!("{fields:?}")).unwrap_or_default();
    (told.map(kind).chain(columns).collect(), reply.lines(), tags, error)
}

/// The rows of which the new table does not say what the old ones say.
const SIDES: &str = "
    SELECT to_jsonb(m), to_jsonb(p) FROM mail m FULL JOIN (SELECT * FROM prefs WHERE has_mail) p USING (user_id)
        WHERE (m.news, m.often, m.score) IS DISTINCT FROM (p.news, p.often, p.mail_score)
    UNION ALL
    SELECT to_jsonb(m), to_jsonb(p) FROM push m FULL JOIN (SELECT * FROM prefs WHERE has_push) p USING (user_id)
        WHERE (m.sound, m.score) IS DISTINCT FROM (p.sound, p.push_score)";

/// Those of which it says what no old table says.
const SURPLUS: &str = "
    SELECT to_jsonb(p) FROM prefs p WHERE NOT has_mail AND (news, often, mail_score) IS DISTINCT FROM (true, 'daily', NULL::int)
        OR NOT has_push AND (sound, push_score) IS DISTINCT FROM (true, 5)";

/// What becomes of the old tables before a phase, so that whoever reads them is found out.
fn leave(phase: Phase) -> &'static str {
    match phase {
        Phase::StopDualWrite => {
            "ALTER TABLE mail DROP CONSTRAINT mail_user_id_fkey; UPDATE mail SET often = 'old'; DELETE FROM push;"
        }
        Phase::Contract => "DROP TABLE mail; DROP TABLE push;",
        _others => "",
    }
}

/// How a client sends its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Simple,
    Extended,
    /// The same, of no more than one row: so drivers send what they want no rows of.
    OneRow,
}

/// Sends a statement, and what it asks for of COPY FROM.
fn send(wire: &mut Wire, statement: &str, protocol: Protocol) -> Reply {
    if let Some((copy, lines)) = statement.split_once(" STDIN\n") {
        wire.send_bytes(&query(&format!("{copy} STDIN")));
        wire.until_copy();
        wire.send_bytes(&copy_data(lines.as_bytes()));
        wire.send_bytes(&copy_done());
        return wire.until_ready();
    }
    match protocol {
        Protocol::Simple => wire.simple(statement),
        Protocol::Extended | Protocol::OneRow if statement.contains(';') => wire.simple(statement),
        Protocol::Extended => wire.extended(statement, &[], false),
        Protocol::OneRow => {
            let bound = [parse("", statement, &[]), bind("", "", &[], false), describe(b'P', "")];
            wire.send_bytes(&[bound.concat(), execute("", 1), sync()].concat());
            wire.until_ready()
        }
    }
}

/// Sends the statements to the tables of `old` and, through a proxy with this rule, to what has become of them.
#[track_caller]
fn check(rule: &Rule, old: &str, new: &str, statements: &[&str]) {
    // A client of the new table may say what it likes of a part that is not there.
    let sides = if old == OLD { &[SIDES, SURPLUS][..] } else { &[SIDES] };
    check_with(rule, (old, new), statements, sides);
}

/// `sides` must find nothing while both are written.
#[track_caller]
fn check_with(rule: &Rule, tables: (&str, &str), statements: &[&str], sides: &[&str]) {
    for protocol in [Protocol::Simple, Protocol::Extended, Protocol::OneRow] {
        check_as(rule, tables, (statements, sides), protocol);
    }
}

#[track_caller]
fn check_as(
    rule: &Rule,
    (old, new): (&str, &str),
    (statements, sides): (&[&str], &[&str]),
    protocol: Protocol,
) {
    let oracle = Database::create("merged_old", old);
    let database = Database::create("merged", new);
    let relay = Relay::governing(&database, std::slice::from_ref(rule));
    let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
    let mut failures = Vec::new();
    let about = format!("{} {protocol:?}", rule.phase);
    for statement in statements {
        let expected = told(&send(&mut direct, statement, protocol));
        let found = told(&send(&mut client, statement, protocol));
        if expected != found {
            failures.push(format!(
                "{about}: {statement}\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
    }
    if matches!(rule.phase, Phase::DualWrite | Phase::SwitchReads) {
        let apart = sides.iter().flat_map(|sides| database.connect().rows(sides));
        let sides: Vec<String> = apart.collect();
        if !sides.is_empty() {
            failures.push(format!("{about}: both sides agree: {sides:?}"));
        }
    }
    drop(client);
    relay.stop();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[track_caller]
fn check_unchanged(phase: Phase) {
    check(&rule(phase), OLD, &format!("{OLD}{NEW}{}", leave(phase)), &STATEMENTS);
}

#[test]
fn an_unchanged_client_sees_the_old_tables_in_expand() {
    check_unchanged(Phase::Expand);
}

#[test]
fn an_unchanged_client_sees_the_old_tables_in_dual_write() {
    check_unchanged(Phase::DualWrite);
}

#[test]
fn an_unchanged_client_sees_the_old_tables_in_switch_reads() {
    check_unchanged(Phase::SwitchReads);
}

#[test]
fn an_unchanged_client_sees_the_old_tables_in_stop_dual_write() {
    check_unchanged(Phase::StopDualWrite);
}

#[test]
fn an_unchanged_client_sees_the_old_tables_when_they_are_gone() {
    check_unchanged(Phase::Contract);
}

/// After a step back the old tables hold what they held before they were left alone: nothing may believe them.
#[test]
fn an_unchanged_client_sees_no_row_that_was_left_behind() {
    let left = "UPDATE mail SET often = 'left', score = -1; DELETE FROM push WHERE user_id > 5;
                INSERT INTO mail (user_id) VALUES (11), (9); UPDATE push SET sound = NULL;";
    let new = format!("{OLD}{NEW}{left}");
    check_with(&rule(Phase::SwitchReads), (OLD, &new), &STATEMENTS, &[]);
}

/// What a client reads that names the new table.
const READS: [&str; 10] = [
    "SELECT * FROM prefs ORDER BY user_id",
    "SELECT user_id, mail_score + push_score FROM prefs WHERE news AND NOT sound ORDER BY 1",
    "SELECT p.often FROM prefs AS p WHERE p.user_id = 5",
    "SELECT has_mail, has_push, count(*) FROM prefs GROUP BY has_mail, has_push ORDER BY 1, 2",
    "SELECT u.name, p.* FROM users u LEFT JOIN prefs p ON p.user_id = u.id ORDER BY u.id",
    "SELECT prefs FROM prefs WHERE user_id = 4",
    "SELECT name FROM users WHERE id NOT IN (SELECT user_id FROM prefs) ORDER BY id",
    "SELECT p.user_id, p.often, count(*) FROM prefs p GROUP BY p.user_id ORDER BY 1",
    "COPY prefs TO STDOUT",
    "COPY prefs (user_id, often) TO STDOUT",
];

/// What it writes, and reads again.
const WRITES: [&str; 32] = [
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (10, 'ten', true)",
    "INSERT INTO prefs (user_id, sound, has_push) VALUES (11, NULL, true), (12, false, true) RETURNING *",
    "INSERT INTO prefs (user_id) VALUES (1)",
    "INSERT INTO prefs (user_id, often) VALUES (99, 'nobody')",
    "INSERT INTO prefs (user_id, has_mail) SELECT user_id + 100, NULL FROM prefs WHERE user_id = 1",
    "BEGIN; PREPARE i AS INSERT INTO prefs (user_id, has_mail) VALUES ($1, true), ($1 - 1, false); EXECUTE i (8); ROLLBACK; DEALLOCATE i",
    "INSERT INTO prefs (user_id, mail_score, has_mail) VALUES (1, 5, true), (7, 6, true)
     ON CONFLICT (user_id) DO UPDATE SET mail_score = prefs.mail_score + excluded.mail_score, has_mail = true RETURNING user_id, mail_score",
    "INSERT INTO prefs (user_id) VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO prefs (user_id, has_mail, has_push) SELECT id, true, true FROM users WHERE id = 8 ON CONFLICT (user_id) DO UPDATE SET has_mail = true",
    "UPDATE prefs SET news = NOT news, sound = NOT sound WHERE user_id = 4",
    "UPDATE prefs SET mail_score = mail_score + push_score WHERE has_mail AND has_push",
    "UPDATE prefs SET often = often || '!' WHERE user_id IN (1, 9, 11)",
    "UPDATE prefs SET push_score = DEFAULT, often = 'all'",
    "WITH u AS (UPDATE prefs SET mail_score = 1 WHERE user_id < 4 RETURNING *) SELECT * FROM u ORDER BY user_id",
    "UPDATE prefs p SET often = u.name FROM users u WHERE u.id = p.user_id AND NOT p.has_mail",
    "UPDATE prefs SET (news, sound) = (true, true) WHERE user_id = 6",
    "SELECT often FROM prefs WHERE user_id = 4 FOR UPDATE",
    "BEGIN; SELECT push_score FROM prefs WHERE user_id = 4 FOR UPDATE; UPDATE prefs SET push_score = 77 WHERE user_id = 4; COMMIT",
    "SELECT * FROM prefs ORDER BY user_id",
    "DELETE FROM prefs WHERE user_id = 4",
    "DELETE FROM prefs WHERE user_id = 4",
    "DELETE FROM prefs WHERE mail_score > 40 RETURNING user_id, mail_score",
    "DELETE FROM prefs p USING users u WHERE u.id = p.user_id AND u.name = 'u2'",
    "WITH gone AS (DELETE FROM prefs WHERE user_id = 9 RETURNING user_id, push_score) SELECT * FROM gone",
    "DELETE FROM users WHERE id = 1",
    "SELECT count(*) FROM prefs WHERE user_id = 1",
    "BEGIN; LOCK TABLE prefs; INSERT INTO prefs (user_id, has_mail) VALUES (4, true); COMMIT",
    "BEGIN; DELETE FROM prefs; SELECT count(*) FROM prefs; ROLLBACK",
    "BEGIN; TRUNCATE prefs; SELECT count(*) FROM prefs; ROLLBACK",
    "UPDATE prefs SET often = NULL WHERE user_id = 3",
    "PREPARE p AS UPDATE prefs SET push_score = push_score + $1 WHERE user_id = $2 RETURNING push_score; EXECUTE p (1, 5); DEALLOCATE p",
    "SELECT * FROM prefs ORDER BY user_id",
];

/// The tables as if they had been one from the start.
fn merged_from_the_start() -> String {
    format!("{OLD}{NEW} DROP TABLE mail; DROP TABLE push;")
}

#[test]
fn the_new_table_has_the_rows_of_the_old_ones_before_they_are_copied() {
    for phase in [Phase::Expand, Phase::DualWrite] {
        let uncopied = format!("{OLD}{NEW} DELETE FROM prefs;");
        check(&rule(Phase::Expand), &merged_from_the_start(), &uncopied, &READS);
        let half = format!("{OLD}{NEW} DELETE FROM prefs WHERE user_id % 2 = 0; ");
        let rule = rule(phase);
        let oracle = Database::create("merged_old", &merged_from_the_start());
        let database = Database::create("merged", &half);
        let relay = Relay::governing(&database, std::slice::from_ref(&rule));
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        for statement in READS {
            assert_eq!(
                told(&client.simple(statement)),
                told(&direct.simple(statement)),
                "{phase}: {statement}"
            );
        }
        let writes =
            WRITES.iter().filter(|it| !it.starts_with("SELECT") || it.contains("FOR UPDATE"));
        for statement in writes.filter(|_| phase == Phase::Expand) {
            let found = told(&client.simple(statement));
            let names_users = statement.contains("DELETE FROM users");
            assert!(names_users || found.3.contains("0A000"), "{phase}: {statement}: {found:?}");
            client.simple("ROLLBACK");
        }
        drop(client);
        relay.stop();
    }
}

#[test]
fn a_client_of_the_new_table_writes_all_of_them() {
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let new = format!("{OLD}{NEW}{}", leave(phase));
        let statements: Vec<&str> = READS.into_iter().chain(WRITES).collect();
        check(&rule(phase), &merged_from_the_start(), &new, &statements);
    }
}
