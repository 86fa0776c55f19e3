//! Clients write all tables of a merge while its rows are copied. There is no proxy: tests play its statements,
//! each of which writes both sides.

use rewrite_rules::Phase;
use segue_tests::copying::recorded;
use segue_tests::merging::{Case, Sent};
use segue_tests::server::eventually;

use crate::writers::{ROWS, while_writing};
use crate::{copy, order, value};

/// Whether a trigger keeps the backfill waiting.
const ASLEEP: &str = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                      AND application_name = 'segue backfill' AND wait_event = 'PgSleep'";

/// Every second key is one of the mail, every third one of the push; every fifth one has something in the new
/// table, right or wrong.
fn filled(case: &Case) -> String {
    let flags = case.present.iter().flatten().map(|it| format!(", {it}")).collect::<String>();
    let told = case.present.iter().flatten().map(|_| ", g % 4 < 2").collect::<String>();
    format!(
        "{} INSERT INTO \"the mail\" SELECT g, g % 4 = 0, 'mail ' || g FROM generate_series(2, {ROWS}, 2) g;
         INSERT INTO push SELECT g, g, '[]', now() FROM generate_series(3, {ROWS}, 3) g;
         INSERT INTO prefs (k, news, \"its about\", n, at{flags})
         SELECT g, g % 4 = 0, 'mail ' || CASE WHEN g % 7 < 4 THEN g END, g, now(){told}
         FROM generate_series(5, {ROWS}, 5) g;
         ANALYZE;",
        case.tables()
    )
}

fn check(about: &str, phase: Phase, statements: impl Fn(&Case, &Sent) -> Vec<String>) {
    for case in ["told", "untold"].map(Case::of) {
        let about = format!("{about}_{}", case.about);
        let database = recorded(&about, &filled(&case), &case.change(), phase);
        let wrong = match phase {
            Phase::DualWrite => case.wrong_in_new(true),
            _back => case.wrong_in_old(true),
        };
        let statements = statements(&case, &Sent::of(&case));
        while_writing(&database, &|| database.connect(), &wrong, &statements);
    }
}

#[test]
fn clients_write_the_old_tables() {
    check("merged_writers", Phase::DualWrite, |case, sent| {
        let [key, of, _] = case.keys.map(|names| *names.first().expect("a key"));
        vec![
            sent.carried(&format!("UPDATE \"the mail\" SET about = about || '.' WHERE {key} = $")),
            sent.carried(
                "INSERT INTO \"the mail\" VALUES ($ + 1, $n % 2 = 0, 'new') ON CONFLICT DO NOTHING",
            ),
            sent.deleted(&format!("{key} = $ - 1")),
            sent.carried("INSERT INTO \"the mail\" VALUES (1000000 + $n, false, NULL)"),
            sent.deleted(&format!("{key} = 1000000 + $n - 300")),
            sent.moved(),
            sent.carried_push(&format!("UPDATE push SET n = n + 1 WHERE {of} = $")),
            sent.carried_push(
                "INSERT INTO push VALUES ($, $n, '[1]', now()) ON CONFLICT DO NOTHING",
            ),
            format!(
                "BEGIN; {}; {}; COMMIT",
                sent.deleted(&format!("{key} = $ + 2")),
                sent.carried("INSERT INTO \"the mail\" VALUES ($ + 2, true, 'again')"),
            ),
        ]
    });
}

#[test]
fn clients_write_the_new_table() {
    check("merged_writers_back", Phase::SwitchReads, |_case, sent| {
        vec![
            sent.returned_update("\"its about\" || '.'", "$"),
            sent.returned_insert("$ + 1", "new"),
            sent.returned_delete("k = $ - 1"),
            sent.returned_insert("1000000 + $n", "new"),
            sent.returned_delete("k = 1000000 + $n - 300"),
            format!(
                "BEGIN; {}; {}; COMMIT",
                sent.returned_delete("k = $ + 2"),
                sent.returned_insert("$ + 2", "again"),
            ),
        ]
    });
}

/// A row of the new table is made of all its parts, and only the one by which it was found is locked: what a
/// client takes away of another meanwhile is there, until a sweep looks.
#[test]
fn a_part_that_clients_delete_while_its_row_is_made_goes() {
    // Of what has another default each time a sweep could not tell: without a column that does, each comes by itself.
    for (case, changed) in [(Case::of("told"), 2), (Case::of("untold"), 1)] {
        let [_, of, _] = case.keys.map(|names| *names.first().expect("a key"));
        let absent = case.present[1].map_or_else(String::new, |it| format!(", {it} = false"));
        let ddl = format!(
            "{} INSERT INTO \"the mail\" VALUES (7, true, 'mail'); INSERT INTO push VALUES (7, 1, '[1]', now());
             CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END$$;
             CREATE TRIGGER slow BEFORE INSERT ON prefs FOR EACH ROW EXECUTE FUNCTION slow();",
            case.tables(),
        );
        let about = format!("merged_part_deleted_{}", case.about);
        let database = recorded(&about, &ddl, &case.change(), Phase::DualWrite);
        let other = database.clone();
        let copying = std::thread::spawn(move || copy(&other, &order()).0);
        eventually("it is about to write", || value(&database, ASLEEP) == "t");
        database.connect().script(&format!(
            "WITH gone AS (DELETE FROM push WHERE {of} = 7 RETURNING {of} AS k)
             UPDATE prefs SET n = NULL, \"in\" = DEFAULT, at = DEFAULT{absent} FROM gone WHERE prefs.k = gone.k"
        ));
        let done = copying.join().expect("no panic");
        let done = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
        assert_eq!(done.changed, changed, "{about}");
        assert_eq!(value(&database, &case.wrong_in_new(false)), "0", "{about}");
    }
}

/// A row is made of its part, and what a client's DELETE sees is older: it leaves that row, which goes all the same.
#[test]
fn what_clients_delete_while_it_is_made_goes() {
    // Without a column that tells it is a row of the push as well.
    for (case, changed) in [(Case::of("told"), 2), (Case::of("untold"), 3)] {
        let key = if case.about == "told" { "uid" } else { "k" };
        let flag = case.present[0].map_or_else(String::new, |it| format!(", {it}"));
        let ddl = format!(
            "{} INSERT INTO prefs (k, \"its about\"{flag}) VALUES (7, 'left'{});
             CREATE SEQUENCE tries; GRANT USAGE ON SEQUENCE tries TO segue;
             CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             IF nextval('tries') = 1 THEN PERFORM pg_sleep(0.7); END IF; RETURN NEW; END$$;
             CREATE TRIGGER slow BEFORE INSERT ON \"the mail\" FOR EACH ROW EXECUTE FUNCTION slow();",
            case.tables(),
            if flag.is_empty() { "" } else { ", true" },
        );
        let about = format!("merged_deleted_{}", case.about);
        let database = recorded(&about, &ddl, &case.change(), Phase::SwitchReads);
        let other = database.clone();
        let copying = std::thread::spawn(move || copy(&other, &order()).0);
        eventually("it is about to write", || value(&database, ASLEEP) == "t");
        database.connect().script(&Sent::of(&case).returned_delete("k = 7"));
        let stays = format!("SELECT count(*) FROM \"the mail\" WHERE {key} = 7 AND about = 'left'");
        let left = value(&database, &stays);
        let done = copying.join().expect("no panic");
        let done = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
        assert_eq!(
            (left.as_str(), done.changed),
            ("1", changed),
            "{about}: the client has not left it"
        );
        assert_eq!(value(&database, &case.wrong_in_old(false)), "0", "{about}");
    }
}
