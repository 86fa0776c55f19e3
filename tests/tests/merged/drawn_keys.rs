//! Keys that the server gives: of a sequence, drawn once for a row however many tables store it.

use rewrite_rules::rule::{Change, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};

use super::{check_with, source};

/// Two tables that draw their keys from one sequence.
const OLD: &str = "
    CREATE TABLE mail (id serial PRIMARY KEY, often text NOT NULL DEFAULT 'daily', score int);
    CREATE TABLE push (score int DEFAULT 5, id int PRIMARY KEY DEFAULT nextval('mail_id_seq'), sound boolean DEFAULT true);
    INSERT INTO mail (often) SELECT 'w' || g FROM generate_series(1, 4) g;
    INSERT INTO push (id, sound) VALUES (2, false); INSERT INTO push (sound) VALUES (NULL), (true);";

const NEW: &str = "
    CREATE TABLE prefs (id int PRIMARY KEY DEFAULT nextval('mail_id_seq'), often text NOT NULL DEFAULT 'daily', mail_score int,
        push_score int DEFAULT 5, sound boolean DEFAULT true,
        has_mail boolean NOT NULL DEFAULT false, has_push boolean NOT NULL DEFAULT false);
    INSERT INTO prefs (id, often, mail_score, has_mail) SELECT id, often, score, true FROM mail;
    INSERT INTO prefs (id, sound, push_score, has_push) SELECT id, sound, score, true FROM push
        ON CONFLICT (id) DO UPDATE SET sound = excluded.sound, push_score = excluded.push_score, has_push = true;";

const GONE: &str = "ALTER SEQUENCE mail_id_seq OWNED BY prefs.id; DROP TABLE mail, push;";

const STATEMENTS: [&str; 30] = [
    "INSERT INTO mail (often) VALUES ('a') RETURNING id",
    "INSERT INTO mail (often) VALUES ('b')",
    "INSERT INTO mail DEFAULT VALUES RETURNING *",
    "INSERT INTO push DEFAULT VALUES",
    "INSERT INTO mail (id, often) VALUES (DEFAULT, 'c'), (DEFAULT, 'd') RETURNING id, often",
    "INSERT INTO mail (often, id) VALUES ('e', DEFAULT), ('f', 100), ('g', DEFAULT)",
    "INSERT INTO mail VALUES (DEFAULT, DEFAULT, DEFAULT) RETURNING *",
    "INSERT INTO push VALUES (1), (2) RETURNING *",
    "INSERT INTO push (score) SELECT score FROM push WHERE id < 6 ORDER BY id RETURNING id, score",
    "INSERT INTO mail (often, score) SELECT often || '!', id FROM mail WHERE id < 4 ORDER BY id",
    "INSERT INTO mail (often) VALUES ('x') ON CONFLICT (id) DO UPDATE SET often = 'y' RETURNING id, often",
    "INSERT INTO mail (often) VALUES ('x'), ('z') ON CONFLICT DO NOTHING RETURNING id, often",
    "INSERT INTO mail (often) VALUES ('x'), ('z') ON CONFLICT (id) DO NOTHING",
    "INSERT INTO push (id, score) VALUES (2, 9), (DEFAULT, 8) ON CONFLICT (id) DO UPDATE SET score = push.score + excluded.score RETURNING id, score",
    "INSERT INTO mail (often) VALUES (NULL)",
    "INSERT INTO mail (often) VALUES ('after it') RETURNING id",
    "INSERT INTO mail (id) VALUES (1)",
    "INSERT INTO mail (id) VALUES (NULL)",
    "WITH i AS (INSERT INTO mail (often) VALUES ('cte') RETURNING id) SELECT id, (SELECT count(*) FROM push) FROM i",
    "COPY mail (often) FROM STDIN\nl1\nl2\n",
    "COPY push (sound, score) FROM STDIN\nt\t1\nf\t2\n",
    "PREPARE p AS INSERT INTO mail (often) VALUES ($1), ('q') RETURNING id; EXECUTE p ('p'); EXECUTE p ('pp'); DEALLOCATE p",
    "UPDATE mail SET id = DEFAULT WHERE id = 3 RETURNING id, often",
    "UPDATE push SET (id, score) = (DEFAULT, 77) WHERE id = 6 RETURNING *",
    "UPDATE mail SET id = nextval('mail_id_seq') WHERE often = 'b'",
    "INSERT INTO push (id) VALUES (nextval('mail_id_seq')) RETURNING id",
    "SELECT lastval(), currval('mail_id_seq')",
    "INSERT INTO mail (often) SELECT 's' || g FROM generate_series(1, 3) g",
    "SELECT * FROM mail ORDER BY id",
    "SELECT * FROM push ORDER BY id",
];

const OF_THE_NEW: [&str; 15] = [
    "INSERT INTO prefs (often, has_mail) VALUES ('a', true) RETURNING id, often",
    "INSERT INTO prefs (has_mail, has_push) VALUES (true, true)",
    "INSERT INTO prefs (id, has_mail, has_push) VALUES (DEFAULT, true, false), (DEFAULT, true, true) RETURNING *",
    "INSERT INTO prefs (push_score, has_push) SELECT push_score, true FROM prefs WHERE has_push ORDER BY id RETURNING id",
    "INSERT INTO prefs (often, has_mail) VALUES ('x', true) ON CONFLICT (id) DO UPDATE SET often = 'y' RETURNING id, often",
    "INSERT INTO prefs (often, has_mail) VALUES ('z', true) ON CONFLICT DO NOTHING RETURNING id",
    "COPY prefs (often, has_mail) FROM STDIN\nl1\tt\nl2\tt\n",
    "UPDATE prefs SET id = DEFAULT WHERE id = 3 RETURNING id, often",
    "UPDATE prefs SET mail_score = 1, id = DEFAULT WHERE id = 2 RETURNING id, mail_score, push_score",
    "INSERT INTO prefs (id, often, has_mail) VALUES (205, 'p', true), (203, 'q', true), (204, 'r', true) RETURNING id",
    "INSERT INTO prefs (often, id, has_mail) SELECT 'p' || g, 300 - g % 50, true FROM generate_series(1, 200) g ON CONFLICT DO NOTHING RETURNING id, often",
    "INSERT INTO prefs (has_mail, often) VALUES (true, NULL)",
    "INSERT INTO prefs (has_mail) VALUES (true) RETURNING id",
    "SELECT lastval()",
    "SELECT * FROM prefs ORDER BY id",
];

/// The rows of which one side does not say what the other one says.
const SIDES: &str = "
    SELECT to_jsonb(m), to_jsonb(p) FROM mail m FULL JOIN (SELECT * FROM prefs WHERE has_mail) p USING (id)
        WHERE (m.often, m.score) IS DISTINCT FROM (p.often, p.mail_score)
    UNION ALL
    SELECT to_jsonb(m), to_jsonb(p) FROM push m FULL JOIN (SELECT * FROM prefs WHERE has_push) p USING (id)
        WHERE (m.sound, m.score) IS DISTINCT FROM (p.sound, p.push_score)";

fn rule(phase: Phase) -> Rule {
    let mut push = source("push", &[("sound", "sound"), ("score", "push_score")], Some("has_push"));
    push.positions =
        [("score".to_owned(), 1), ("id".to_owned(), 2), ("sound".to_owned(), 3)].into();
    let mail = source("mail", &[("often", "often"), ("score", "mail_score")], Some("has_mail"));
    let merge = MergeTables {
        into: "prefs".to_owned(),
        key: OneOrMore::One("id".to_owned()),
        sources: vec![mail, push],
    };
    Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
}

#[test]
fn clients_of_the_old_tables_are_given_keys() {
    for phase in Phase::TWO_SIDED {
        let gone = if phase == Phase::Contract { GONE } else { "" };
        let new = format!("{OLD}{NEW}{gone}");
        check_with(&rule(phase), (OLD, &new), &STATEMENTS, &[SIDES]);
    }
}

#[test]
fn clients_of_the_new_table_are_given_keys() {
    for phase in Phase::TWO_SIDED.into_iter().filter(|phase| *phase != Phase::Expand) {
        let gone = if phase == Phase::Contract { GONE } else { "" };
        let (from_the_start, new) = (format!("{OLD}{NEW}{GONE}"), format!("{OLD}{NEW}{gone}"));
        check_with(&rule(phase), (&from_the_start, &new), &OF_THE_NEW, &[SIDES]);
    }
}
