//! Old rows are locked before the new one, by whoever writes or locks a row that is there: while one waits for an
//! old row it holds nothing that others wait for.

use rewrite_rules::Phase;
use segue_tests::meeting::until_one_waits;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{bind, execute, parse, query, sync};

use super::{NEW, OLD, rule};

/// What waits for the old row of user 4.
const WAITS: [&str; 12] = [
    "UPDATE mail SET score = 1 WHERE user_id = 4",
    "DELETE FROM mail WHERE user_id = 4",
    "UPDATE mail SET user_id = 11 WHERE user_id = 4",
    "UPDATE mail SET user_id = 11 WHERE score = 40 RETURNING *",
    "UPDATE mail SET user_id = user_id + 7 WHERE user_id BETWEEN 4 AND 5",
    "SELECT score FROM mail WHERE user_id = 4 FOR UPDATE",
    "INSERT INTO mail (user_id, score) VALUES (4, 1) ON CONFLICT (user_id) DO UPDATE SET score = excluded.score",
    "INSERT INTO mail (user_id, score) SELECT 4, 1 ON CONFLICT DO NOTHING",
    "UPDATE prefs SET often = 'x' WHERE user_id = 4",
    "DELETE FROM prefs WHERE user_id = 4",
    "SELECT often FROM prefs WHERE user_id = 4 FOR UPDATE",
    "INSERT INTO prefs (user_id, often, has_mail) VALUES (4, 'x', true) ON CONFLICT (user_id) DO UPDATE SET often = 'y'",
];

#[test]
fn old_rows_are_locked_before_the_new_one() {
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        check_order(phase);
    }
}

#[track_caller]
fn check_order(phase: Phase) {
    let database = Database::create("merged", &format!("{OLD}{NEW}"));
    let relay = Relay::governing(&database, &[rule(phase)]);
    let (mut holder, mut looker) = (database.connect(), database.connect());
    for old in ["mail", "push"] {
        // Of the old tables' clients only those of this one wait for it.
        let waits = WAITS.iter().filter(|it| old == "mail" || !it.contains(" mail "));
        // Nor does anybody wait for a row of the table that it names only to pass it over.
        let waits = waits.filter(|it| phase != Phase::DualWrite || !it.contains("DO NOTHING"));
        for statement in waits {
            let mut client = relay.connect(&database);
            holder.script(&format!("BEGIN; SELECT FROM {old} WHERE user_id = 4 FOR UPDATE"));
            client.send_bytes(&query(&format!("BEGIN; {statement}; ROLLBACK")));
            until_one_waits(statement, &mut looker);
            let free = looker.simple("SELECT FROM prefs WHERE user_id = 4 FOR UPDATE NOWAIT");
            assert_eq!(
                free.code(),
                "",
                "{phase}: {old}: {statement}: it holds the new row already"
            );
            if old == "push" {
                let first = looker.simple("SELECT FROM mail WHERE user_id = 4 FOR UPDATE NOWAIT");
                assert!(
                    !statement.contains("prefs") || first.code() == "55P03",
                    "{phase}: {statement}: it waits for the second before it has the first"
                );
            }
            holder.script("ROLLBACK");
            assert_eq!(client.until_ready().code(), "", "{phase}: {old}: {statement}");
        }
    }
    relay.stop();
}

/// A transaction writes a row's parts one after the other, and meets a statement that needs only the second. On
/// tables of their own that one is done before the transaction comes to it.
#[test]
fn a_lone_statement_is_no_deadlock_s_victim_for_the_row_that_is_shared() {
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        let database = Database::create("merged", &format!("{OLD}{NEW}"));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let mut looker = database.connect();
        let [mut one, mut other] = [relay.connect(&database), relay.connect(&database)];
        one.script("SET deadlock_timeout = '1min'");
        other.script("SET deadlock_timeout = '2s'");
        let lone = "UPDATE push SET score = score + 1 WHERE user_id = 4 RETURNING score";
        let batch = [parse("", lone, &[]), bind("", "", &[], false), execute("", 0), sync()];
        for (sent, score) in [(query(lone), 5), (batch.concat(), 6)] {
            one.script("BEGIN; UPDATE mail SET score = score + 1 WHERE user_id = 4");
            other.send_bytes(&sent);
            until_one_waits(lone, &mut looker);
            one.script("UPDATE push SET sound = NOT sound WHERE user_id = 4; COMMIT");
            let reply = other.until_ready();
            assert_eq!((reply.code(), reply.lines()), ("", vec![score.to_string()]), "{phase}");
        }
        relay.stop();
    }
}
