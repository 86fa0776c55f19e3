//! Somebody adds a column to a table that is merged, behind the proxy's back: as long as that table is read it is a column as
//! any other, and who does not name it never fails.

use rewrite_rules::Phase;

use super::{NEW, OLD, STATEMENTS, check, leave, rule};

const ADDED: &str = "ALTER TABLE mail ADD phone text NOT NULL DEFAULT 'none', ADD times int;";

const OF_IT: [&str; 25] = [
    "SELECT * FROM mail ORDER BY user_id",
    "SELECT phone, times FROM mail WHERE user_id = 2",
    "INSERT INTO mail (user_id, phone) VALUES (7, '07'), (8, DEFAULT) RETURNING *",
    "INSERT INTO mail VALUES (9, true, 'nine', 9, '09', 1)",
    "INSERT INTO mail (user_id) VALUES (10) RETURNING *",
    "INSERT INTO mail (user_id, times) SELECT user_id + 4, 3 FROM push WHERE user_id = 8 RETURNING phone, mail",
    "INSERT INTO mail (user_id, phone) VALUES (2, NULL)",
    "INSERT INTO mail (user_id, phone) VALUES (1, '1'), (2, '2') ON CONFLICT (user_id)
     DO UPDATE SET phone = excluded.phone, times = mail.score RETURNING *",
    "INSERT INTO mail (user_id, phone) VALUES (3, '3') ON CONFLICT (user_id) DO UPDATE SET score = length(mail.phone) RETURNING *",
    "INSERT INTO mail (user_id, phone) VALUES (1, '1'), (12, '12') ON CONFLICT DO NOTHING RETURNING *",
    "UPDATE mail SET phone = 'set' WHERE user_id = 2 RETURNING *",
    "UPDATE mail SET phone = often, often = phone WHERE user_id = 3",
    "UPDATE mail SET (phone, score) = ('both', 3) WHERE user_id = 4 RETURNING *",
    "UPDATE mail m SET times = p.score, score = 1 FROM push p WHERE p.user_id = m.user_id",
    "UPDATE mail SET phone = NULL WHERE user_id = 4",
    "WITH u AS (UPDATE mail SET times = 1, news = NULL WHERE user_id < 3 RETURNING *) SELECT * FROM u ORDER BY user_id",
    "SELECT row_to_json(m) FROM mail m ORDER BY user_id LIMIT 3",
    "SELECT phone FROM mail WHERE user_id = 3 FOR UPDATE",
    "DELETE FROM mail WHERE phone = 'set' RETURNING *",
    "WITH gone AS (DELETE FROM mail WHERE user_id = 7 RETURNING *) SELECT * FROM gone",
    "COPY mail TO STDOUT",
    "COPY mail (user_id, phone) FROM STDIN\n2\ttwo\n",
    "COPY mail FROM STDIN\n7\tt\tseven\t5\tp\t\\N\n",
    "PREPARE p AS UPDATE mail SET phone = $1 WHERE user_id = $2 RETURNING *; EXECUTE p ('x', 7); DEALLOCATE p",
    "SELECT * FROM mail ORDER BY user_id",
];

#[test]
fn it_is_a_column_as_any_other_while_its_table_is_read() {
    for phase in [Phase::Expand, Phase::DualWrite] {
        let (old, new) = (format!("{OLD}{ADDED}"), format!("{OLD}{NEW}{ADDED}"));
        check(&rule(phase), &old, &new, &OF_IT);
        check(&rule(phase), &old, &new, &STATEMENTS);
    }
}

/// Then the column is not there any more, and all else is as if it had never been.
#[test]
fn nothing_fails_that_does_not_name_it_once_the_new_table_is_read() {
    let names_it = [
        "SELECT phone FROM mail",
        "SELECT m.times FROM mail m",
        "INSERT INTO mail (user_id, phone) VALUES (9, 'x')",
        "UPDATE mail SET phone = 'x'",
    ];
    let statements: Vec<&str> = STATEMENTS.into_iter().chain(names_it).collect();
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let left = if phase == Phase::Contract { "" } else { leave(phase) };
        check(&rule(phase), OLD, &format!("{OLD}{NEW}{ADDED}{left}"), &statements);
    }
}
