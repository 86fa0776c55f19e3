//! Tables that become one, of which no column tells which rows are there.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;

use super::{check_with, rule};

/// Tables that have the same keys, as those have of which nothing tells which rows are there.
const LIKE: &str = "
    CREATE TABLE mail (user_id int PRIMARY KEY, news boolean DEFAULT true, often text NOT NULL DEFAULT 'daily', score int);
    CREATE TABLE push (user_id int PRIMARY KEY, sound boolean DEFAULT true, score int DEFAULT 5);
    INSERT INTO mail SELECT g, g % 2 = 0, 'w' || g, g * 10 FROM generate_series(1, 6) g;
    INSERT INTO push SELECT g, g % 3 = 0, NULLIF(g, 5) FROM generate_series(1, 6) g;";

const ALL_THERE: &str = "
    CREATE TABLE prefs (user_id int PRIMARY KEY, news boolean DEFAULT true, often text NOT NULL DEFAULT 'daily', mail_score int,
        sound boolean DEFAULT true, push_score int DEFAULT 5);
    INSERT INTO prefs (user_id, news, often, mail_score, sound, push_score)
        SELECT user_id, news, often, mail.score, sound, push.score FROM mail JOIN push USING (user_id);";

/// Statements that leave both tables with the same keys.
const ON_LIKE: [&str; 28] = [
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT m.*, p.* FROM mail m JOIN push p USING (user_id) WHERE m.score > 10 ORDER BY m.user_id",
    "SELECT news, count(*), sum(score) FROM mail GROUP BY news ORDER BY news",
    "SELECT m.user_id, m.often, count(*) FROM mail m GROUP BY m.user_id ORDER BY 1",
    "SELECT mail FROM mail WHERE user_id = 2",
    "SELECT row_to_json(p) FROM push p ORDER BY user_id LIMIT 2",
    "SELECT push_score FROM push",
    "SELECT score FROM mail JOIN push USING (user_id)",
    "SELECT often FROM mail WHERE user_id = 3 FOR UPDATE",
    "INSERT INTO mail (user_id, often, score) VALUES (7, 'x', 7) RETURNING *",
    "INSERT INTO push (user_id, sound) VALUES (7, false) RETURNING score",
    "INSERT INTO push VALUES (8), (9, NULL, 1)",
    "INSERT INTO mail SELECT user_id, sound FROM push WHERE user_id > 7 RETURNING *",
    "INSERT INTO mail (user_id, score) VALUES (1, 7), (2, 8) ON CONFLICT (user_id) DO NOTHING",
    "INSERT INTO mail AS m (user_id, score) VALUES (1, 7), (2, 8) ON CONFLICT (user_id)
     DO UPDATE SET score = m.score + excluded.score, news = NOT m.news WHERE m.score > 5 RETURNING *",
    "INSERT INTO push (user_id) VALUES (3) ON CONFLICT ON CONSTRAINT push_pkey DO UPDATE SET score = DEFAULT",
    "UPDATE mail SET score = score + 1, often = often || '!' WHERE news",
    "UPDATE push SET score = m.score FROM mail m WHERE m.user_id = push.user_id AND m.score < 25",
    "UPDATE mail SET often = DEFAULT WHERE user_id = 4 RETURNING often, user_id",
    "UPDATE mail SET user_id = 100 WHERE user_id = 101 AND false",
    "WITH u AS (UPDATE push SET sound = NOT sound WHERE user_id < 4 RETURNING *) SELECT * FROM u ORDER BY 1",
    "UPDATE mail SET user_id = user_id + 20 - 20",
    "BEGIN; DELETE FROM mail; INSERT INTO mail (user_id) VALUES (1); ROLLBACK",
    "COPY push TO STDOUT",
    "COPY mail (user_id, often) FROM STDIN\\n10\\tten\\n",
    "COPY push (user_id, score) FROM STDIN\\n10\\t9\\n",
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT * FROM push ORDER BY user_id",
];

/// The rule without columns that tell which rows are there.
fn all_there(phase: Phase) -> Rule {
    let mut rule = rule(phase);
    if let Change::MergeTables(merge) = &mut rule.change {
        merge.sources.iter_mut().for_each(|source| source.present = None);
    }
    rule
}

/// What the two sides must not differ in then.
const SIDES_ALL_THERE: &str = "
    SELECT to_jsonb(m), to_jsonb(u), to_jsonb(p) FROM mail m FULL JOIN push u USING (user_id) FULL JOIN prefs p USING (user_id)
        WHERE (m.news, m.often, m.score, u.sound, u.score)
            IS DISTINCT FROM (p.news, p.often, p.mail_score, p.sound, p.push_score)";

#[test]
fn tables_of_the_same_keys_need_no_column_that_tells() {
    for phase in Phase::TWO_SIDED {
        let leave = match phase {
            Phase::Contract => "DROP TABLE mail; DROP TABLE push;",
            _others => "",
        };
        let new = format!("{LIKE}{ALL_THERE}{leave}");
        check_with(&all_there(phase), (LIKE, &new), &ON_LIKE, &[SIDES_ALL_THERE]);
    }
}

/// What is different without such columns: a row of one table is one of all.
#[test]
fn without_a_column_that_tells_every_row_is_there() {
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let leave = if phase == Phase::Contract { "DROP TABLE mail; DROP TABLE push;" } else { "" };
        let database = Database::create("merged_all", &format!("{LIKE}{ALL_THERE}{leave}"));
        let rule = all_there(phase);
        let relay = Relay::governing(&database, std::slice::from_ref(&rule));
        let mut client = relay.connect(&database);
        for (statement, lines, tag) in [
            ("INSERT INTO mail (user_id, score) VALUES (20, 1)", &[][..], "INSERT 0 1"),
            ("SELECT * FROM push WHERE user_id = 20", &["20|t|5"], "SELECT 1"),
            ("INSERT INTO mail (user_id, score) VALUES (1, 77)", &[], "INSERT 0 1"),
            ("SELECT * FROM mail WHERE user_id = 1", &["1|t|daily|77"], "SELECT 1"),
            ("DELETE FROM mail WHERE user_id = 2 RETURNING often", &["w2"], "DELETE 1"),
            ("SELECT * FROM mail WHERE user_id = 2", &["2|t|daily|NULL"], "SELECT 1"),
            ("SELECT sound FROM push WHERE user_id = 2", &["f"], "SELECT 1"),
            ("UPDATE mail SET user_id = 30 WHERE user_id = 3 RETURNING often", &["w3"], "UPDATE 1"),
            ("UPDATE mail SET user_id = 30 WHERE user_id = 4", &[], "UPDATE 1"),
            (
                "SELECT * FROM mail WHERE user_id IN (3, 30) ORDER BY 1",
                &["3|t|daily|NULL", "30|t|w4|40"],
                "SELECT 2",
            ),
            ("TRUNCATE mail", &[], "TRUNCATE TABLE"),
            ("SELECT count(*), count(score) FROM mail", &["8|0"], "SELECT 1"),
        ] {
            let reply = client.simple(statement);
            assert_eq!(
                (reply.lines(), reply.tags()),
                (lines.iter().map(ToString::to_string).collect(), vec![tag]),
                "{phase}: {statement}: {:?}",
                reply.error()
            );
        }
        drop(client);
        relay.stop();
    }
}

/// Statements that name the new table.
const OF_ALL: [&str; 20] = [
    "SELECT * FROM prefs ORDER BY user_id",
    "INSERT INTO prefs (user_id, often, push_score) VALUES (7, 'x', 7) RETURNING *",
    "INSERT INTO prefs VALUES (8), (9, NULL, 'nine', 9, false, NULL)",
    "INSERT INTO prefs (user_id) VALUES (1)",
    "INSERT INTO prefs (user_id, often) VALUES (10, NULL)",
    "INSERT INTO prefs (user_id, mail_score) VALUES (1, 7), (2, 8), (10, 9), (10, 10) ON CONFLICT DO NOTHING",
    "INSERT INTO prefs AS p (user_id, mail_score) VALUES (1, 7), (2, 8), (11, 9) ON CONFLICT (user_id)
     DO UPDATE SET mail_score = p.mail_score + excluded.mail_score, sound = NOT p.sound WHERE p.mail_score > 5",
    "INSERT INTO prefs (user_id) VALUES (3) ON CONFLICT ON CONSTRAINT prefs_pkey DO UPDATE SET push_score = DEFAULT RETURNING *",
    "UPDATE prefs SET mail_score = mail_score + push_score, often = often || '!' WHERE news",
    "UPDATE prefs SET sound = DEFAULT WHERE user_id = 4 RETURNING sound, news",
    "UPDATE prefs SET often = NULL WHERE user_id = 4",
    "WITH u AS (UPDATE prefs SET sound = NOT sound WHERE user_id < 4 RETURNING *) SELECT * FROM u ORDER BY 1",
    "SELECT often, push_score FROM prefs WHERE user_id = 3 FOR UPDATE",
    "DELETE FROM prefs WHERE user_id = 5 RETURNING *",
    "BEGIN; DELETE FROM prefs; INSERT INTO prefs (user_id) VALUES (30); ROLLBACK",
    "BEGIN; LOCK TABLE prefs; TRUNCATE prefs; ROLLBACK",
    "COPY prefs (user_id, often) FROM STDIN\n12\ttwelve\n",
    "COPY prefs (user_id, often) FROM STDIN\n12\tagain\n",
    "SELECT * FROM prefs ORDER BY user_id",
    "SELECT count(*) FROM prefs",
];

#[test]
fn a_client_of_the_new_table_writes_those_too() {
    let merged = format!("{LIKE}{ALL_THERE} DROP TABLE mail; DROP TABLE push;");
    let rule = all_there(Phase::DualWrite);
    check_with(&rule, (&merged, &format!("{LIKE}{ALL_THERE}")), &OF_ALL, &[SIDES_ALL_THERE]);
    // A row that one of them lacks is there all the same.
    let lacking = format!(
        "{LIKE}{ALL_THERE} DELETE FROM prefs WHERE user_id > 3; DELETE FROM push WHERE user_id IN (1, 4);"
    );
    let database = Database::create("merged_all", &lacking);
    let relay = Relay::governing(&database, std::slice::from_ref(&rule));
    let mut client = relay.connect(&database);
    for user in [1, 4] {
        let taken = client.simple(&format!("INSERT INTO prefs (user_id) VALUES ({user})"));
        assert_eq!(taken.code(), "23505", "{user}");
        let set = format!(
            "UPDATE prefs SET push_score = push_score + {user} WHERE user_id = {user} RETURNING push_score"
        );
        assert_eq!(client.simple(&set).lines(), [(5 + user).to_string()], "{user}");
        let pushed = client.rows(&format!("SELECT score FROM push WHERE user_id = {user}"));
        assert_eq!(pushed, [(5 + user).to_string()], "{user}");
    }
    drop(client);
    relay.stop();
}

/// A row that only another table has gets a row here, too: its new key may be one that is given up just then.
#[test]
fn keys_that_follow_each_other_all_arrive() {
    for shift in ["user_id - 1", "user_id - 2"] {
        for lacking in ["2", "1", "2, 4", "1, 2, 5", "3, 4"] {
            let lacking = format!(
                "{LIKE} DELETE FROM mail WHERE user_id IN ({lacking}); INSERT INTO mail SELECT user_id FROM push ON CONFLICT DO NOTHING;
                 {ALL_THERE} DELETE FROM mail WHERE user_id IN ({lacking});"
            );
            let database = Database::create("merged_all", &lacking);
            let relay = Relay::governing(&database, &[all_there(Phase::SwitchReads)]);
            let mut client = relay.connect(&database);
            let shifted = client.simple(&format!("UPDATE mail SET user_id = {shift}"));
            assert_eq!(shifted.tags(), ["UPDATE 6"], "{lacking}: {:?}", shifted.error());
            let differs = "SELECT to_jsonb(m), to_jsonb(p) FROM mail m FULL JOIN prefs p USING (user_id)
                           WHERE (m.news, m.often, m.score) IS DISTINCT FROM (p.news, p.often, p.mail_score)
                             AND NOT (m.user_id IS NULL AND p.news AND p.often = 'daily' AND p.mail_score IS NULL)";
            assert_eq!(database.connect().rows(differs), [] as [&str; 0], "{shift}: {lacking}");
            drop(client);
            relay.stop();
        }
    }
}
