//! Rows that get new keys and parts from a client of the new table, while the old ones are written too.

use rewrite_rules::Phase;
use segue_tests::meeting::{self, Meeting};
use segue_tests::relay::Relay;
use segue_tests::server::Database;

use super::gathered::check_gathered;
use super::{NEW, OLD, SIDES, check, leave, merged_from_the_start, rule};

/// In the order in which they are sent. Rows 1 to 3 have one part, 4 to 6 both, 7 to 9 the other one.
const MOVES: [&str; 44] = [
    "UPDATE prefs SET user_id = 10 WHERE user_id = 1",
    "UPDATE prefs SET user_id = 10 WHERE user_id = 1",
    "UPDATE prefs SET user_id = 11, mail_score = mail_score + 1, often = DEFAULT WHERE user_id = 4 RETURNING *",
    "UPDATE prefs SET user_id = 12, sound = NOT sound WHERE push_score = 7 RETURNING user_id, sound, has_mail",
    "UPDATE prefs SET user_id = 5 WHERE user_id = 2",
    "UPDATE prefs SET user_id = 8 WHERE user_id = 2",
    "UPDATE prefs SET user_id = 3 WHERE user_id = 8",
    "UPDATE prefs SET user_id = 5, sound = NULL WHERE user_id = 9 RETURNING *",
    "UPDATE prefs SET user_id = 1 WHERE user_id IN (2, 3)",
    "UPDATE prefs SET user_id = 1 WHERE user_id IN (2, 8)",
    "UPDATE prefs SET user_id = 99 WHERE user_id = 3",
    "UPDATE prefs SET user_id = NULL WHERE user_id = 3",
    "UPDATE prefs SET user_id = 1, often = NULL WHERE user_id = 3",
    "UPDATE prefs SET user_id = 5, often = NULL WHERE user_id = 6",
    "UPDATE prefs SET user_id = 1 WHERE user_id = 77 RETURNING user_id",
    "UPDATE prefs SET user_id = 1, nothing = 2 WHERE user_id = 3",
    "UPDATE prefs SET user_id = 1, user_id = 2 WHERE user_id = 3",
    "UPDATE prefs SET user_id = user_id",
    "UPDATE prefs SET user_id = user_id + 0, push_score = push_score + 1 WHERE has_push",
    "SELECT * FROM prefs ORDER BY user_id",
    "WITH u AS (UPDATE prefs SET user_id = 1 WHERE user_id = 3 RETURNING user_id, often) SELECT * FROM u",
    "WITH u AS (UPDATE prefs SET user_id = 3 WHERE user_id = 1) SELECT count(*) FROM prefs",
    "UPDATE prefs p SET user_id = u.id FROM users u WHERE u.name = 'u1' AND p.user_id = 5 RETURNING p.*, u.name",
    "UPDATE prefs p SET user_id = 5, often = 'many' FROM users u WHERE p.user_id = 1 AND u.id > 10",
    "UPDATE prefs SET (user_id, mail_score) = (1, 5) WHERE user_id = 5 RETURNING user_id",
    "UPDATE prefs SET user_id = 5 WHERE user_id = (SELECT min(user_id) FROM prefs)",
    "PREPARE m AS UPDATE prefs SET user_id = $1 WHERE user_id = $2 RETURNING often; EXECUTE m (4, 5); EXECUTE m (4, 4); EXECUTE m (5, 4); DEALLOCATE m",
    "PREPARE m AS UPDATE prefs SET user_id = $1 WHERE user_id = $2; EXECUTE m (9, 5); DEALLOCATE m",
    "BEGIN; UPDATE prefs SET user_id = 1 WHERE user_id = 3; UPDATE prefs SET user_id = 3 WHERE user_id = 1; COMMIT",
    "BEGIN; UPDATE prefs SET user_id = 1 WHERE user_id = 3; UPDATE prefs SET mail_score = 0 WHERE user_id = 1; ROLLBACK",
    "BEGIN; UPDATE prefs SET user_id = 1 WHERE user_id = 5; INSERT INTO prefs (user_id, has_push) VALUES (5, true); COMMIT",
    "SELECT * FROM prefs ORDER BY user_id",
    "UPDATE prefs SET user_id = 4, has_mail = true, often = 'both' WHERE user_id = 5 RETURNING *",
    "UPDATE prefs SET user_id = 5, has_push = false, sound = DEFAULT, push_score = DEFAULT WHERE user_id = 4 RETURNING *",
    "UPDATE prefs SET user_id = 4, has_mail = has_mail, has_push = true WHERE user_id = 5",
    "UPDATE prefs SET has_push = false, sound = true, push_score = 5, user_id = 7 WHERE user_id = 4",
    "WITH done AS (UPDATE prefs SET news = false WHERE user_id = 2) UPDATE prefs SET mail_score = 9 WHERE user_id = 3",
    "DELETE FROM prefs WHERE user_id < 3 OR user_id > 7",
    "INSERT INTO users SELECT g, 'v' || g FROM generate_series(13, 20) g",
    "INSERT INTO prefs (user_id, often, push_score, has_mail, has_push) SELECT g, CASE WHEN g % 2 = 0 THEN 'o' || g ELSE 'daily' END, g, g % 2 = 0, true FROM generate_series(13, 18) g",
    "UPDATE prefs SET user_id = user_id + 1 WHERE user_id >= 13",
    "UPDATE prefs SET user_id = user_id - 1 WHERE user_id >= 13",
    "UPDATE prefs SET user_id = user_id - 1, push_score = -user_id WHERE user_id >= 12",
    "SELECT * FROM prefs ORDER BY user_id",
];

#[test]
fn a_row_that_gets_a_new_key_is_seen_under_it() {
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let new = format!("{OLD}{NEW}{}", leave(phase));
        check(&rule(phase), &merged_from_the_start(), &new, &MOVES);
    }
}

#[test]
fn all_tables_give_a_row_its_new_key_while_the_old_ones_are_read() {
    check_gathered(&MOVES);
}

/// What tells which rows are there, set by itself and among values.
const PARTS: [&str; 16] = [
    "UPDATE prefs SET has_push = true WHERE user_id = 1 RETURNING *",
    "UPDATE prefs SET has_mail = false WHERE user_id = 4",
    "UPDATE prefs SET has_mail = false, has_push = false WHERE user_id = 5 RETURNING user_id, has_mail, often",
    "UPDATE prefs SET has_mail = true, often = 'again' WHERE user_id IN (4, 5)",
    "UPDATE prefs SET has_mail = NOT has_mail, has_push = user_id > 6, mail_score = push_score + user_id WHERE user_id > 5",
    "WITH u AS (UPDATE prefs SET has_push = NOT has_push RETURNING user_id, has_push) SELECT * FROM u ORDER BY 1",
    "UPDATE prefs SET (has_mail, news) = (true, NULL) WHERE user_id = 2",
    "UPDATE prefs SET has_mail = NULL WHERE user_id = 2",
    "UPDATE prefs SET has_mail = true, often = NULL WHERE user_id = 9",
    "UPDATE prefs SET has_mail = DEFAULT WHERE user_id = 2",
    "UPDATE prefs p SET has_mail = true, often = u.name FROM users u WHERE u.id = p.user_id AND u.id = 7 RETURNING p.often, u.name",
    "UPDATE prefs SET has_push = true WHERE false",
    "BEGIN; UPDATE prefs SET has_push = false; UPDATE prefs SET has_push = true; ROLLBACK",
    "PREPARE p AS UPDATE prefs SET has_push = $2 WHERE user_id = $1 RETURNING has_push; EXECUTE p (3, true); EXECUTE p (3, false); DEALLOCATE p",
    "UPDATE prefs SET user_id = 10, has_mail = NOT has_mail, has_push = NOT has_push WHERE user_id = 3 RETURNING *",
    "SELECT * FROM prefs ORDER BY user_id",
];

#[test]
fn a_part_that_is_set_has_its_row_in_the_old_table() {
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let new = format!("{OLD}{NEW}{}", leave(phase));
        check(&rule(phase), &merged_from_the_start(), &new, &PARTS);
    }
}

const MEETINGS: [Meeting<'static>; 9] = [
    (
        "UPDATE mail SET score = score + 1 WHERE user_id = 4",
        "UPDATE prefs SET user_id = 12, mail_score = mail_score * 2 WHERE user_id = 4 RETURNING user_id, mail_score",
        (&["12|82"], "UPDATE 1", ""),
    ),
    (
        "UPDATE mail SET score = 11 WHERE user_id = 1; INSERT INTO push (user_id, score) VALUES (1, 50)",
        "UPDATE prefs SET user_id = 12 WHERE user_id = 1 RETURNING user_id, mail_score, push_score, has_push",
        (&["12|11|50|t"], "UPDATE 1", ""),
    ),
    (
        "INSERT INTO push (user_id) VALUES (12)",
        "UPDATE prefs SET user_id = 12 WHERE user_id = 1 RETURNING user_id",
        (&[], "", "23505"),
    ),
    (
        "UPDATE prefs SET user_id = 10 WHERE user_id = 4",
        "UPDATE prefs SET user_id = 12 WHERE user_id = 4",
        (&[], "UPDATE 0", ""),
    ),
    (
        "UPDATE prefs SET user_id = 10 WHERE user_id = 9",
        "UPDATE prefs SET user_id = 9 WHERE user_id = 1 RETURNING user_id",
        (&["9"], "UPDATE 1", ""),
    ),
    (
        "UPDATE prefs SET user_id = 10 WHERE user_id = 4",
        "UPDATE prefs SET user_id = 10 WHERE user_id = 5",
        (&[], "", "23505"),
    ),
    (
        "UPDATE prefs SET user_id = 12 WHERE user_id = 1",
        "INSERT INTO push (user_id, score) VALUES (1, 3)",
        (&[], "INSERT 0 1", ""),
    ),
    (
        "UPDATE prefs SET user_id = 12 WHERE user_id = 1",
        "INSERT INTO push (user_id, score) VALUES (12, 3) RETURNING *",
        (&["12|t|3"], "INSERT 0 1", ""),
    ),
    (
        "UPDATE prefs SET user_id = 12, push_score = 1 WHERE user_id = 4",
        "UPDATE push SET score = 2 WHERE user_id = 4",
        (&[], "UPDATE 0", ""),
    ),
];

/// A row that nobody has any part of is only one of the new table's once that is read.
const IN_DUAL_WRITE: [Meeting<'static>; 2] = [
    (
        "DELETE FROM push WHERE user_id = 9",
        "UPDATE prefs SET user_id = 9 WHERE user_id = 1 RETURNING user_id",
        (&["9"], "UPDATE 1", ""),
    ),
    (
        "UPDATE push SET user_id = 10 WHERE user_id = 9; UPDATE push SET user_id = 9 WHERE user_id = 10",
        "UPDATE prefs SET user_id = 10 WHERE user_id = 9 RETURNING user_id",
        (&["10"], "UPDATE 1", ""),
    ),
];

const IN_SWITCH_READS: [Meeting<'static>; 2] = [
    (
        "DELETE FROM push WHERE user_id = 9",
        "UPDATE prefs SET user_id = 9 WHERE user_id = 1 RETURNING user_id",
        (&[], "", "23505"),
    ),
    (
        "INSERT INTO push (user_id, score) VALUES (1, 50)",
        "UPDATE prefs SET has_push = false WHERE user_id = 1 RETURNING push_score",
        (&["50"], "UPDATE 1", ""),
    ),
];

#[test]
fn a_row_is_moved_as_it_is_when_its_locks_are_there() {
    for (phase, more) in [(Phase::DualWrite, IN_DUAL_WRITE), (Phase::SwitchReads, IN_SWITCH_READS)]
    {
        // What has not been copied yet is made by whoever writes it.
        let lefts = if phase == Phase::DualWrite { &["", "DELETE FROM prefs;"][..] } else { &[""] };
        for left in lefts {
            for meeting in MEETINGS.into_iter().chain(more) {
                meet(phase, left, meeting);
            }
        }
    }
}

#[track_caller]
fn meet(phase: Phase, left: &str, meeting: Meeting<'_>) {
    let database = Database::create("merged", &format!("{OLD}{NEW}{left}"));
    let relay = Relay::governing(&database, &[rule(phase)]);
    let (mut one, mut other) = (relay.connect(&database), relay.connect(&database));
    let mut looker = database.connect();
    let about = format!("{phase} [{left}]");
    meeting::check(&about, meeting, [&mut one, &mut other], &mut looker);
    // Rows that have been written since are where both say that they are.
    let apart = match left.is_empty() {
        true => looker.rows(SIDES),
        false => looker.rows(&format!("SELECT * FROM ({SIDES}) s (own, its) WHERE own IS NULL")),
    };
    assert!(apart.is_empty(), "{about}: {meeting:?}: both sides agree: {apart:?}");
    drop((one, other));
    relay.stop();
}
