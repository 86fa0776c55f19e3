//! Rows of merged tables that get new keys.

use rewrite_rules::Phase;
use segue_tests::meeting::{self, Meeting};
use segue_tests::relay::Relay;
use segue_tests::server::Database;

use super::{NEW, OLD, check, check_with, leave, rule};

/// In the order in which they are sent.
const MOVES: [&str; 36] = [
    "UPDATE push SET user_id = user_id + 1",
    "UPDATE push SET user_id = user_id - 1",
    "SELECT * FROM push ORDER BY user_id",
    "UPDATE mail SET user_id = 10 WHERE user_id = 1",
    "UPDATE mail SET user_id = 10 WHERE user_id = 1",
    "UPDATE mail SET user_id = 9, score = score + 1, often = DEFAULT WHERE user_id = 2 RETURNING *",
    "UPDATE mail SET user_id = 5 WHERE user_id = 3",
    "UPDATE mail SET user_id = 12 WHERE user_id IN (3, 4)",
    "UPDATE mail SET user_id = 99 WHERE user_id = 3",
    "UPDATE mail SET user_id = NULL WHERE user_id = 3",
    "UPDATE mail SET user_id = 11, often = NULL WHERE user_id = 3",
    "UPDATE mail SET user_id = 11 WHERE user_id = 77 RETURNING user_id",
    "UPDATE mail SET user_id = 11 WHERE user_id > 70",
    "UPDATE mail SET user_id = 11, mail_score = 1 WHERE user_id = 3",
    "UPDATE mail SET user_id = user_id",
    "UPDATE push SET user_id = user_id + 0, score = score + 1 WHERE score < 7",
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT * FROM push ORDER BY user_id",
    "WITH u AS (UPDATE mail SET user_id = 11 WHERE user_id = 3 RETURNING user_id, often) SELECT * FROM u",
    "WITH u AS (UPDATE mail SET user_id = 3 WHERE user_id = 11) SELECT count(*) FROM mail",
    "UPDATE mail m SET user_id = u.id FROM users u WHERE u.name = 'u8' AND m.user_id = 4 RETURNING m.*, u.name",
    "UPDATE mail m SET user_id = 12, often = 'many' FROM users u WHERE m.user_id = 5 AND u.id > 10",
    "UPDATE mail SET (user_id, score) = (2, 5) WHERE user_id = 12 RETURNING user_id",
    "UPDATE mail m SET user_id = p.user_id FROM push p WHERE p.user_id = 7 AND m.user_id = 2",
    "UPDATE mail SET user_id = 2 WHERE EXISTS (SELECT FROM push p WHERE p.user_id = mail.user_id) AND user_id = 7",
    "PREPARE m AS UPDATE mail SET user_id = $1 WHERE user_id = $2 RETURNING often; EXECUTE m (1, 2); EXECUTE m (1, 1); DEALLOCATE m",
    "BEGIN; UPDATE mail SET user_id = 7 WHERE user_id = 1; UPDATE mail SET user_id = 1 WHERE user_id = 7; COMMIT",
    "BEGIN; UPDATE mail SET user_id = 7 WHERE user_id = 1; UPDATE push SET user_id = 1 WHERE user_id = 7; ROLLBACK",
    "BEGIN; UPDATE push SET user_id = 12 WHERE user_id = 3; INSERT INTO push (user_id, score) VALUES (3, 0); COMMIT",
    "INSERT INTO mail (user_id, score) VALUES (2, 7), (4, 8)",
    "INSERT INTO mail (user_id) VALUES (1)",
    "UPDATE push SET user_id = user_id + 1 WHERE user_id = 12 OR score > 1000",
    "DELETE FROM push WHERE user_id = 12",
    "DELETE FROM users WHERE id = 12",
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT * FROM push ORDER BY user_id",
];

#[test]
fn a_row_that_gets_a_new_key_is_seen_under_it() {
    for phase in Phase::TWO_SIDED {
        check(&rule(phase), OLD, &format!("{OLD}{NEW}{}", leave(phase)), &MOVES);
    }
}

/// Rows of the old tables that have been left behind are in nobody's way.
#[test]
fn a_row_that_was_left_behind_keeps_no_key_from_another() {
    let left = "UPDATE mail SET often = 'left', score = -1 WHERE user_id < 3; DELETE FROM push WHERE user_id > 5;
                INSERT INTO mail (user_id) VALUES (11), (9), (10); DELETE FROM mail WHERE user_id IN (3, 4);";
    let new = format!("{OLD}{NEW}{left}");
    check_with(&rule(Phase::SwitchReads), (OLD, &new), &MOVES, &[]);
}

const MEETINGS: [Meeting<'static>; 9] = [
    (
        "UPDATE mail SET score = score + 1 WHERE user_id = 4",
        "UPDATE mail SET user_id = 12, score = score * 2 WHERE often = 'w4' RETURNING *",
        (&["12|t|w4|82"], "UPDATE 1", ""),
    ),
    (
        "UPDATE mail SET often = 'other' WHERE user_id = 4",
        "UPDATE mail SET user_id = 12 WHERE often = 'w4'",
        (&[], "UPDATE 0", ""),
    ),
    (
        "DELETE FROM mail WHERE user_id = 4",
        "UPDATE mail SET user_id = 12 WHERE score = 40 RETURNING user_id",
        (&[], "UPDATE 0", ""),
    ),
    (
        "UPDATE mail SET user_id = 10 WHERE user_id = 4",
        "UPDATE mail SET user_id = 12 WHERE user_id = 4",
        (&[], "UPDATE 0", ""),
    ),
    (
        "UPDATE mail SET user_id = 10 WHERE user_id = 4",
        "UPDATE mail SET user_id = 10 WHERE user_id = 5",
        (&[], "", "23505"),
    ),
    (
        "INSERT INTO mail (user_id) VALUES (9)",
        "UPDATE mail SET user_id = 9 WHERE user_id = 5 RETURNING user_id",
        (&[], "", "23505"),
    ),
    (
        "UPDATE push SET score = 1 WHERE user_id = 9",
        "UPDATE mail SET user_id = 9 WHERE user_id = 5 RETURNING user_id",
        (&["9"], "UPDATE 1", ""),
    ),
    (
        "UPDATE mail SET user_id = 10 WHERE user_id = 4; UPDATE mail SET user_id = 4, score = 7 WHERE user_id = 10",
        "UPDATE mail SET user_id = 11, score = score + 1 WHERE user_id = 4 RETURNING score",
        (&["8"], "UPDATE 1", ""),
    ),
    (
        "DELETE FROM mail WHERE user_id = 6",
        "UPDATE mail SET user_id = 6 WHERE user_id = 5 RETURNING user_id",
        (&["6"], "UPDATE 1", ""),
    ),
];

/// Nothing tells where a part has gone that another client waits for by something else than its key.
const FOLLOWED: Meeting<'static> = (
    "UPDATE mail SET user_id = 10 WHERE user_id = 4",
    "UPDATE mail SET user_id = 12 WHERE often = 'w4' RETURNING user_id, often",
    (&["12|w4"], "UPDATE 1", ""),
);

/// What both tables say of the old ones' rows.
const HELD: [&str; 2] = [
    "SELECT user_id, often, score FROM mail ORDER BY 1",
    "SELECT user_id, often, mail_score FROM prefs WHERE has_mail ORDER BY 1",
];

#[test]
fn a_row_is_moved_as_it_is_when_its_lock_is_there() {
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let followed = [FOLLOWED].into_iter().filter(|_| phase == Phase::DualWrite);
        for meeting in MEETINGS.into_iter().chain(followed) {
            let database = Database::create("merged", &format!("{OLD}{NEW}{}", leave(phase)));
            let relay = Relay::governing(&database, &[rule(phase)]);
            let (mut one, mut other) = (relay.connect(&database), relay.connect(&database));
            let mut looker = database.connect();
            // A row that another client has deleted is waited for only where it is met.
            meeting::check(phase.name(), meeting, [&mut one, &mut other], &mut looker);
            if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                let [old, new] = HELD.map(|side| looker.rows(side));
                assert_eq!(new, old, "{phase}: {meeting:?}");
            }
            drop((one, other));
            relay.stop();
        }
    }
}
