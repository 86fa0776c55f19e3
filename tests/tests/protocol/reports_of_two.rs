//! Errors of statements over several tables under migration, whose columns have each other's names: whatever a
//! report calls by a name, it is the one that the client knows.

use rewrite_rules::rule::{
    Change, ColumnPair, KeyPair, MergeSource, MergeTables, OneOrMore, SplitTable,
};
use rewrite_rules::{Phase, Rule};
use segue_tests::message::Fields;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Login, Wire, copy_data, copy_done, query};

use super::reports::report;

fn named(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
}

/// Sends the statements to the tables of `plain`, and through a proxy with these rules to those of `migrated` as a
/// client of the shape. Each must fail, and alike.
#[track_caller]
fn check(
    about: &str,
    (plain, migrated): (&str, &str),
    rules: &[Rule],
    shape: &str,
    failing: &[&str],
) {
    let mut direct = Database::create("reports", plain).connect();
    let database = Database::create("reports", migrated);
    let relay = Relay::governing(&database, rules);
    let login = Login::at(relay.port, database.superuser(), &database.name);
    let mut client = login.with("segue.shape", shape).connect();
    let mut faults = Vec::new();
    for sql in failing {
        let [expected, found] = [&mut direct, &mut client].map(|wire: &mut Wire| -> Fields {
            let mut fields = report(wire, sql);
            // In a statement that stands for another one the place may be another.
            fields.0.remove(&'P');
            fields
        });
        assert_ne!(expected.code(), "", "it does not fail: {sql}");
        if found != expected {
            faults.push(format!("{about}: {sql}\n  {:?}\n  {:?}", expected.0, found.0));
        }
    }
    drop(client);
    relay.stop();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Two tables with a column that gets the same name, and one that has a column of that name already.
const PLAIN: &str = "
    CREATE TABLE users (id int PRIMARY KEY, username varchar(10) NOT NULL, age int,
        CONSTRAINT users_username_key UNIQUE (username), CONSTRAINT username_is_short CHECK (username <> 'forbidden'));
    CREATE TABLE members (id int PRIMARY KEY, nick varchar(10) NOT NULL, user_id int,
        CONSTRAINT members_nick_key UNIQUE (nick), CONSTRAINT nick_is_short CHECK (nick <> 'forbidden'),
        CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users);
    CREATE TABLE notes (handle int NOT NULL UNIQUE, id int PRIMARY KEY, author varchar(10));
    INSERT INTO users VALUES (1, 'ann', 1), (2, 'bob', 2);
    INSERT INTO members VALUES (1, 'annie', 1), (2, 'bobby', 2);
    INSERT INTO notes VALUES (1, 1, 'ann');";

/// What the operator does before a phase, on top of the phases before it.
fn step(phase: Phase) -> String {
    let of = |table: &str, old: &str| {
        match phase {
        Phase::Expand => format!("ALTER TABLE {table} ADD COLUMN handle varchar(10);"),
        Phase::DualWrite => format!("UPDATE {table} SET handle = {old};"),
        Phase::SwitchReads => format!(
            "ALTER TABLE {table} ADD CONSTRAINT {table}_handle_key UNIQUE (handle),
                ADD CONSTRAINT {table}_is_short CHECK (handle <> 'forbidden'), ALTER COLUMN handle SET NOT NULL;"
        ),
        Phase::StopDualWrite => format!(
            "ALTER TABLE {table} ALTER COLUMN {old} DROP NOT NULL, DROP CONSTRAINT {old}_is_short,
                DROP CONSTRAINT {table}_{old}_key;
             UPDATE {table} SET {old} = NULL;"
        ),
        Phase::Contract => format!("ALTER TABLE {table} DROP COLUMN {old};"),
        Phase::Backfill | Phase::Enforce => String::new(),
    }
    };
    of("users", "username") + &of("members", "nick")
}

fn rename(table: &str, old: &str, phase: Phase) -> Rule {
    let (key, short) = (format!("{table}_{old}_key"), format!("{old}_is_short"));
    let (new_key, new_short) = (format!("{table}_handle_key"), format!("{table}_is_short"));
    let pair = ColumnPair {
        position: (phase == Phase::Contract).then_some(2),
        constraints: named(&[(&key, &new_key), (&short, &new_short)]),
        ..ColumnPair::new(table, old, "handle")
    };
    Rule { name: format!("rename-{old}"), change: Change::RenameColumn(pair), phase }
}

const OF_TWO_RENAMED: [&str; 26] = [
    "INSERT INTO users (id, username) SELECT id + 10, NULL FROM members WHERE nick = 'annie'",
    "INSERT INTO members (id, nick) SELECT id + 10, NULL FROM users WHERE username = 'ann'",
    "INSERT INTO members (id, nick) SELECT id + 10, 'annie' FROM users WHERE username = 'ann'",
    "INSERT INTO users (id, username) SELECT id + 10, 'bob' FROM members WHERE nick = 'annie'",
    "INSERT INTO users (id, username) SELECT id + 10, 'forbidden' FROM members WHERE nick = 'annie'",
    "UPDATE members SET nick = 'forbidden' FROM users u WHERE u.username = 'ann'",
    "WITH m AS (INSERT INTO members (id, nick) VALUES (3, 'new') RETURNING id, nick)
     INSERT INTO users (id, username) SELECT id, NULL FROM m",
    "WITH u AS (INSERT INTO users (id, username) VALUES (3, 'new') RETURNING id, username)
     INSERT INTO members (id, nick) SELECT id, NULL FROM u",
    "WITH u AS (UPDATE users SET username = 'bob' WHERE id = 1 RETURNING id) UPDATE members SET nick = 'x' || nick FROM u",
    "WITH u AS (UPDATE users SET username = 'x' WHERE id = 1 RETURNING id) UPDATE members m SET nick = 'bobby' FROM u WHERE m.id = u.id",
    "SELECT u.username, m.nick FROM users u JOIN members m ON m.user_id = u.id GROUP BY m.nick",
    "SELECT u.username, m.nick FROM users u JOIN members m ON m.user_id = u.id GROUP BY u.username",
    "SELECT username, nick FROM users JOIN members ON user_id = users.id GROUP BY username",
    "SELECT n.*, max(u.username) FROM notes n JOIN users u ON u.username = n.author GROUP BY u.id",
    "SELECT max(n.handle), u.username FROM notes n JOIN users u ON u.username = n.author GROUP BY n.id",
    "INSERT INTO notes SELECT username, id, username FROM users",
    "INSERT INTO notes SELECT NULL, id + 5, username FROM users",
    "INSERT INTO notes SELECT 1, id + 5, username FROM users",
    "INSERT INTO members (id, nick, nick) SELECT id, username, 'x' FROM users",
    "UPDATE members SET nick = 'a', nick = 'b' FROM users u WHERE u.username = 'x'",
    "UPDATE users SET age = 1 WHERE username = 'x'; UPDATE members SET nick = 'a', nick = 'b'",
    "UPDATE users SET username = username; INSERT INTO notes SELECT username, id, username FROM users",
    "INSERT INTO members (id, nick, user_id) SELECT 5, username, 77 FROM users WHERE username = 'ann'",
    "DELETE FROM users USING members m WHERE m.nick = 'annie' AND username = 'ann'",
    "PREPARE p AS UPDATE members SET nick = NULL FROM users u WHERE u.username = 'ann'; EXECUTE p",
    "SELECT username FROM users a, users b, members m WHERE m.nick = 'x'",
];

#[test]
fn two_columns_get_the_same_name() {
    for phase in Phase::TWO_SIDED {
        let steps: String =
            Phase::TWO_SIDED.into_iter().filter(|it| *it <= phase).map(step).collect();
        let rules = [rename("users", "username", phase), rename("members", "nick", phase)];
        let tables = (PLAIN, &*format!("{PLAIN}{steps}"));
        check(phase.name(), tables, &rules, "old", &OF_TWO_RENAMED);
    }
}

/// A table that keeps a column whose name another one of its columns gets where it moves to.
const ACCOUNTS: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, bio varchar(20) NOT NULL, about text NOT NULL DEFAULT 'x', slug text UNIQUE,
        CONSTRAINT bio_is_short CHECK (bio <> 'forbidden'), CONSTRAINT about_is_short CHECK (about <> 'forbidden'));
    INSERT INTO accounts VALUES (1, 'b1', 'a1', 's1'), (2, 'b2', 'a2', 's2');";

const PROFILES: &str = "
    CREATE TABLE profiles (account_id int PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        about varchar(20) NOT NULL, slug text UNIQUE, CONSTRAINT profiles_is_short CHECK (about <> 'forbidden'));
    INSERT INTO profiles SELECT id, bio, slug FROM accounts;";

fn split(phase: Phase) -> Rule {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let split = SplitTable {
        table: "accounts".to_owned(),
        into: "profiles".to_owned(),
        key: KeyPair { from: one("id"), to: one("account_id") },
        columns: named(&[("bio", "about"), ("slug", "slug")]).into_iter().collect(),
        positions: std::collections::BTreeMap::new(),
        constraints: named(&[
            ("bio_is_short", "profiles_is_short"),
            ("accounts_slug_key", "profiles_slug_key"),
        ]),
    };
    Rule { name: "split".to_owned(), change: Change::SplitTable(split), phase }
}

const OF_A_SPLIT: [&str; 14] = [
    "INSERT INTO accounts (id, bio, about) VALUES (60, 'b', 'x'), (60, 'c', 'y')",
    "INSERT INTO accounts (id, bio) SELECT 60, 'b' FROM generate_series(1, 2)",
    "INSERT INTO accounts (id, bio, about) VALUES (3, NULL, 'a')",
    "INSERT INTO accounts (id, bio, about) VALUES (3, 'b', NULL)",
    "INSERT INTO accounts (id, bio, about) VALUES (3, 'forbidden', 'a')",
    "INSERT INTO accounts (id, bio, about) VALUES (3, 'b', 'forbidden')",
    "INSERT INTO accounts (id, bio, slug) VALUES (3, 'b', 's1')",
    "UPDATE accounts SET about = NULL WHERE bio = 'b1'",
    "UPDATE accounts SET bio = NULL WHERE about = 'a1'",
    "UPDATE accounts SET bio = 'x', about = NULL WHERE bio = 'b1'",
    "UPDATE accounts SET bio = NULL, about = 'x' FROM users u WHERE u.username = 'ann'",
    "UPDATE accounts SET about = 'forbidden' FROM members m WHERE m.nick = 'annie' AND bio = 'b1'",
    "SELECT a.about, m.nick FROM accounts a JOIN members m ON m.id = a.id GROUP BY a.bio",
    "INSERT INTO members (id, nick) SELECT id, NULL FROM accounts WHERE bio = 'b1'",
];

#[test]
fn a_column_moves_to_the_name_of_one_that_stays_while_others_are_renamed() {
    let old = format!("{PLAIN}{ACCOUNTS}");
    for phase in Phase::TWO_SIDED {
        let done = || Phase::TWO_SIDED.into_iter().filter(|it| *it <= phase);
        let steps: String = done().map(step).collect();
        let relaxed = match phase {
            Phase::Expand | Phase::DualWrite | Phase::SwitchReads => "",
            _one_side => {
                "ALTER TABLE accounts ALTER COLUMN bio DROP NOT NULL, DROP CONSTRAINT bio_is_short;"
            }
        };
        let rules =
            [rename("users", "username", phase), rename("members", "nick", phase), split(phase)];
        let tables = (&*old, &*format!("{old}{PROFILES}{steps}{relaxed}"));
        check(phase.name(), tables, &rules, "old", &OF_A_SPLIT);
    }
}

/// The key of the new table is that of the old one without being declared, also where rows come by COPY.
#[test]
fn a_key_that_a_copy_gives_twice() {
    let migrated = format!("{ACCOUNTS}{PROFILES}");
    let report = |wire: &mut Wire| {
        wire.send_bytes(&query("COPY accounts (id, bio) FROM STDIN"));
        wire.until_copy();
        wire.send_bytes(&copy_data(b"60\tb\n60\tc\n"));
        wire.send_bytes(&copy_done());
        let reply = wire.until_ready();
        let fields = reply.error().cloned().unwrap_or_default();
        ['C', 'M', 'D', 's', 't', 'n'].map(|field| fields.get(field).to_owned())
    };
    let expected = report(&mut Database::create("reports", ACCOUNTS).connect());
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite] {
        let relaxed = match phase {
            Phase::StopDualWrite => "ALTER TABLE accounts ALTER COLUMN bio DROP NOT NULL;",
            _both => "",
        };
        let database = Database::create("reports", &format!("{migrated}{relaxed}"));
        let relay = Relay::governing(&database, &[split(phase)]);
        let login = Login::at(relay.port, database.superuser(), &database.name);
        assert_eq!(report(&mut login.connect()), expected, "{phase}");
        relay.stop();
    }
}

/// Two tables with columns of one name, which get two, and one that has the other's.
const SOURCES: &str = "
    CREATE TABLE mail (user_id int PRIMARY KEY, score int NOT NULL CONSTRAINT mail_is_few CHECK (score < 100), body text);
    CREATE TABLE push (user_id int PRIMARY KEY, score int NOT NULL CONSTRAINT push_is_few CHECK (score < 200), text text UNIQUE);
    INSERT INTO mail VALUES (1, 1, 'a'), (2, 2, 'b');
    INSERT INTO push VALUES (2, 22, 'x'), (3, 33, 'y');";

/// The new table: to a client that has always known it, and beside the old ones.
const PREFS: &str = "
    CREATE TABLE prefs (user_id int PRIMARY KEY, mail_score int DEFAULT 0 NOT NULL, text text, has_mail boolean NOT NULL DEFAULT false,
        push_score int DEFAULT 0 NOT NULL, body text UNIQUE, has_push boolean NOT NULL DEFAULT false,
        CONSTRAINT prefs_mail_is_few CHECK (mail_score < 100), CONSTRAINT prefs_push_is_few CHECK (push_score < 200));
    INSERT INTO prefs VALUES (1, 1, 'a', true, 0, NULL, false), (2, 2, 'b', true, 22, 'x', true), (3, 0, NULL, false, 33, 'y', true);";

fn merge(phase: Phase) -> Rule {
    let source =
        |table: &str, columns: &[(&str, &str)], constraints: &[(&str, &str)]| MergeSource {
            table: table.to_owned(),
            key: None,
            columns: named(columns).into_iter().collect(),
            present: Some(format!("has_{table}")),
            positions: std::collections::BTreeMap::new(),
            constraints: named(constraints),
        };
    let merge = MergeTables {
        into: "prefs".to_owned(),
        key: OneOrMore::One("user_id".to_owned()),
        sources: vec![
            source(
                "mail",
                &[("score", "mail_score"), ("body", "text")],
                &[("mail_is_few", "prefs_mail_is_few")],
            ),
            source(
                "push",
                &[("score", "push_score"), ("text", "body")],
                &[("push_is_few", "prefs_push_is_few"), ("push_text_key", "prefs_body_key")],
            ),
        ],
    };
    Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
}

const OF_A_MERGE: [&str; 11] = [
    "INSERT INTO mail (user_id, score) VALUES (7, NULL)",
    "INSERT INTO push (user_id, score) VALUES (7, NULL)",
    "INSERT INTO mail (user_id, score) VALUES (7, 100)",
    "INSERT INTO push (user_id, score) VALUES (7, 200)",
    "INSERT INTO push (user_id, score, text) VALUES (7, 1, 'x')",
    "INSERT INTO push (user_id, score) SELECT user_id, NULL FROM mail WHERE score = 1",
    "UPDATE mail SET score = NULL FROM push WHERE push.score = 33",
    "UPDATE push SET score = NULL FROM mail WHERE mail.score = 1",
    "UPDATE push SET text = 'x' WHERE user_id = 3",
    "UPDATE push SET score = 1000 FROM mail WHERE mail.score = 1",
    "SELECT m.body, p.text FROM mail m JOIN push p USING (user_id) GROUP BY p.text",
];

#[test]
fn tables_with_columns_of_one_name_become_one() {
    let migrated = format!("{SOURCES}{PREFS}");
    for phase in [Phase::Expand, Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite] {
        check(phase.name(), (SOURCES, &migrated), &[merge(phase)], "old", &OF_A_MERGE);
    }
}

const OF_THE_NEW_TABLE: [&str; 7] = [
    "INSERT INTO prefs (user_id, mail_score, has_mail) VALUES (7, NULL, true)",
    "INSERT INTO prefs (user_id, push_score, has_push) VALUES (7, NULL, true)",
    "UPDATE prefs SET mail_score = NULL WHERE user_id = 1",
    "UPDATE prefs SET push_score = NULL WHERE user_id = 3",
    "UPDATE prefs SET push_score = 1000 WHERE user_id = 3",
    "UPDATE prefs SET mail_score = 1000 WHERE user_id = 1",
    "UPDATE prefs SET body = 'x' WHERE user_id = 3",
];

#[test]
fn what_an_old_table_says_is_told_of_the_new_one() {
    let migrated = format!("{SOURCES}{PREFS}");
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        check(phase.name(), (PREFS, &migrated), &[merge(phase)], "new", &OF_THE_NEW_TABLE);
    }
}

/// The new table of a split, as a client knows it that has always known it.
const APART: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, about text NOT NULL DEFAULT 'x', CONSTRAINT about_is_short CHECK (about <> 'forbidden'));
    INSERT INTO accounts VALUES (1, 'a1'), (2, 'a2');
    CREATE TABLE profiles (account_id int PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        about varchar(20) NOT NULL, slug text UNIQUE, CONSTRAINT profiles_is_short CHECK (about <> 'forbidden'));
    INSERT INTO profiles VALUES (1, 'b1', 's1'), (2, 'b2', 's2');";

const OF_THE_HALF: [&str; 4] = [
    "UPDATE profiles SET about = NULL WHERE account_id = 1",
    "UPDATE profiles SET about = 'forbidden' WHERE account_id = 1",
    "UPDATE profiles SET slug = 's2' WHERE account_id = 1",
    "UPDATE accounts SET about = NULL WHERE id = 1",
];

#[test]
fn what_the_old_table_of_a_split_says_is_told_of_the_new_one() {
    let migrated = format!("{ACCOUNTS}{PROFILES}");
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        check(phase.name(), (APART, &migrated), &[split(phase)], "new", &OF_THE_HALF);
    }
}
