//! What must not go on where a table is merged, since something would be lost: it is refused, and nothing has changed.

use rewrite_rules::Phase;
use segue_tests::meeting::until_one_waits;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Reply, Wire, bind, execute, parse, query, sync};

use super::{NEW, OLD, SIDES, leave, rule};

const PHASES: [Phase; 4] =
    [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract];

fn code(reply: &Reply) -> Option<String> {
    reply.error().map(|error| error.get('C').to_owned())
}

/// Sends `statement` after `before` in each phase, and to the tables that were never touched: `wanted` by segue, and by
/// PostgreSQL. What `all` shows stays as it is.
#[track_caller]
fn check(
    ddl: &str,
    before: &[&str],
    statement: &str,
    [wanted, by_postgres]: [Option<&str>; 2],
    all: &str,
) {
    let oracle = Database::create("merged_guarded", &format!("{OLD}{ddl}"));
    let mut direct = oracle.connect();
    for it in before {
        direct.script(it);
    }
    assert_eq!(code(&direct.simple(statement)).as_deref(), by_postgres, "PostgreSQL: {statement}");
    for phase in PHASES {
        let database = Database::create("merged_guarded", &format!("{OLD}{NEW}{ddl}"));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let rows = |wire: &mut Wire| wire.rows(all);
        let mut client = relay.connect(&database);
        let stood = rows(&mut client);
        for it in before {
            client.script(it);
        }
        let reply = client.simple(statement);
        assert_eq!(code(&reply).as_deref(), wanted, "{phase}: {statement}");
        client.script("RESET ROLE");
        assert_eq!(rows(&mut client), stood, "{phase}: {statement}");
        drop(client);
        relay.stop();
    }
}

/// A DELETE in its place would go on to their rows.
#[test]
fn truncate_of_a_table_that_others_refer_to() {
    let child =
        "CREATE TABLE child (id int PRIMARY KEY, mail_id int REFERENCES mail ON DELETE CASCADE);
        INSERT INTO child SELECT user_id, user_id FROM mail;";
    let all = "SELECT (SELECT count(*) FROM child), (SELECT count(*) FROM mail)";
    check(child, &[], "TRUNCATE mail", [Some("0A000"); 2], all);
    check(child, &[], "TRUNCATE TABLE ONLY mail", [Some("0A000"); 2], all);
}

/// A DELETE needs another privilege, and leaves what a policy hides.
#[test]
fn truncate_by_a_role_that_may_not() {
    let grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON mail, push TO pg_write_all_data;";
    let also = "DO $$BEGIN IF to_regclass('prefs') IS NOT NULL THEN
                GRANT SELECT, INSERT, UPDATE, DELETE ON prefs TO pg_write_all_data; END IF; END$$;";
    let role = ["SET ROLE pg_write_all_data"];
    let all = "SELECT (SELECT count(*) FROM mail), (SELECT count(*) FROM push)";
    check(&format!("{grants}{also}"), &role, "TRUNCATE mail", [Some("42501"); 2], all);
    let policy =
        "GRANT TRUNCATE ON mail TO pg_write_all_data; ALTER TABLE mail ENABLE ROW LEVEL SECURITY;
                  CREATE POLICY p ON mail USING (user_id > 3);";
    check(&format!("{grants}{also}{policy}"), &role, "TRUNCATE mail", [Some("0A000"), None], all);
}

/// What it does not see when it comes it would leave.
#[test]
fn truncate_waits_for_who_is_at_the_rows() {
    let cases = [
        ("INSERT INTO push (user_id) VALUES (12)", "TRUNCATE push"),
        ("UPDATE push SET user_id = 12 WHERE user_id = 9", "TRUNCATE push"),
        ("INSERT INTO prefs (user_id, has_push) VALUES (12, true)", "TRUNCATE push"),
        ("INSERT INTO push (user_id) VALUES (12)", "TRUNCATE prefs"),
    ];
    for phase in PHASES {
        for (number, (first, truncate)) in cases.into_iter().enumerate() {
            let left = leave(phase);
            let database = Database::create("merged_guarded", &format!("{OLD}{NEW}{left}"));
            let relay = Relay::governing(&database, &[rule(phase)]);
            let [mut one, mut other] = [relay.connect(&database), relay.connect(&database)];
            let mut looker = database.connect();
            let about = format!("{phase}: {first}; {truncate}");
            one.script(&format!("BEGIN; {first}"));
            let batch =
                [parse("", truncate, &[]), bind("", "", &[], false), execute("", 0), sync()];
            let is_simple = number % 2 == 0;
            other.send_bytes(&if is_simple { query(truncate) } else { batch.concat() });
            until_one_waits(&about, &mut looker);
            let mail = "SELECT count(*) FROM mail WHERE user_id = 1";
            assert_eq!(one.rows(mail), ["1"], "{about}: others are read");
            one.script("COMMIT");
            let reply = other.until_ready();
            assert_eq!((reply.code(), reply.tags()), ("", vec!["TRUNCATE TABLE"]), "{about}");
            let emptied = "SELECT count(*) FROM push";
            assert_eq!(other.rows(emptied), ["0"], "{about}");
            if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                assert!(looker.rows(SIDES).is_empty(), "{about}: both sides agree");
            }
            drop((one, other));
            relay.stop();
        }
    }
}

/// Both would write one row.
#[test]
fn an_insert_of_what_the_same_statement_deletes() {
    for conflict in [
        "",
        "ON CONFLICT (user_id) DO NOTHING",
        "ON CONFLICT (user_id) DO UPDATE SET often = excluded.often",
    ] {
        let statement = format!(
            "WITH gone AS (DELETE FROM mail WHERE user_id = 3 RETURNING *)
             INSERT INTO mail (user_id, often) SELECT user_id, often || '.' FROM gone {conflict}"
        );
        check(
            "",
            &[],
            &statement,
            [Some("0A000"), None],
            "SELECT user_id, often, score FROM mail ORDER BY 1",
        );
    }
}

/// It is not carried to where another column would be.
#[test]
fn a_column_that_is_added_meanwhile() {
    for (statement, shown) in [
        ("UPDATE mail SET score = score + 1 WHERE user_id = 2 RETURNING *", "2|t|w2|21"),
        (
            "UPDATE mail SET score = 5 FROM users u WHERE u.id = user_id AND user_id = 2 RETURNING u.id, mail.*",
            "2|2|t|w2|5",
        ),
        (
            "UPDATE mail SET score = 5 FROM users u WHERE u.id = user_id AND user_id = 2 RETURNING u.*, score, often",
            "2|u2|5|w2",
        ),
        (
            "UPDATE mail SET score = 5 FROM users u (i, n) WHERE i = user_id AND user_id = 2 RETURNING u.*, score, n",
            "2|u2|5|u2",
        ),
        (
            "UPDATE mail SET score = 5 FROM push AS p (i, s, c) WHERE i = user_id AND user_id = 4
             RETURNING p.*, mail.score, EXISTS (SELECT * FROM push AS q (a, b) WHERE a = 4)",
            "4|f|4|5|t",
        ),
        ("UPDATE mail SET score = 5 WHERE user_id = 2 RETURNING*", "2|t|w2|5"),
        (
            "INSERT INTO mail (user_id, score) VALUES (12, 3) RETURNING *, score + 1",
            "12|t|daily|3|4",
        ),
        ("DELETE FROM mail WHERE user_id = 2 RETURNING *", "2|t|w2|20"),
    ] {
        let database = Database::create("merged_added", &format!("{OLD}{NEW}"));
        let relay = Relay::governing(&database, &[rule(Phase::DualWrite)]);
        let mut client = relay.connect(&database);
        let mut direct = database.connect();
        direct.script("ALTER TABLE mail ADD COLUMN extra int DEFAULT 7; ALTER TABLE users ADD COLUMN more int DEFAULT 8");
        assert_eq!(client.rows(statement), [shown], "{statement}");
        let differs = "SELECT count(*) FROM mail FULL JOIN (SELECT * FROM prefs WHERE has_mail) p USING (user_id)
                       WHERE (mail.news, mail.often, mail.score) IS DISTINCT FROM (p.news, p.often, p.mail_score)";
        assert_eq!(direct.rows(differs), ["0"], "{statement}");
        drop(client);
        relay.stop();
    }
}
