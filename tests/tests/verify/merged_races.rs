//! Clients write rows of a merge while they are mended. There is no proxy: these are the statements that one sends.

use rewrite_rules::Phase;
use segue::verify::Order;
use segue::walk::Toward;
use segue_tests::copying::recorded;
use segue_tests::merging::{Case, Sent};
use segue_tests::server::{Database, eventually};

use crate::{order, value, verify};

/// A client writes a row at a moment at which it is about to be mended.
struct Race {
    about: &'static str,
    phase: Phase,
    /// The table that is mended, and the key there.
    table: &'static str,
    key: &'static str,
    at: i64,
    statement: fn(&Sent) -> String,
    /// Whether there is what the client has written.
    stays: bool,
}

/// The key 7 is in the new table alone, 9 there and in the push, 8 in the mail; 10 in the mail and the new table,
/// and 11 nowhere.
const RACES: [Race; 8] = [
    Race {
        about: "a part is made",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 8,
        statement: |sent| sent.carried("UPDATE \"the mail\" SET about = 'mine' WHERE uid = 8"),
        stays: true,
    },
    Race {
        about: "a part is written over",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 10,
        statement: |sent| sent.carried("UPDATE \"the mail\" SET about = 'mine' WHERE uid = 10"),
        stays: true,
    },
    Race {
        about: "a part goes",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 10,
        statement: |sent| sent.deleted("uid = 10"),
        stays: false,
    },
    Race {
        about: "a part is reset",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 9,
        statement: |sent| sent.carried("INSERT INTO \"the mail\" VALUES (9, true, 'mine')"),
        stays: true,
    },
    Race {
        about: "a row that nobody has is reset",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 7,
        statement: |sent| sent.carried("INSERT INTO \"the mail\" VALUES (7, true, 'mine')"),
        stays: true,
    },
    Race {
        about: "a row is made of its part",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 7,
        statement: |sent| sent.returned_update("'mine'", "7"),
        stays: true,
    },
    Race {
        about: "a row follows its part",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 10,
        statement: |sent| sent.returned_update("'mine'", "10"),
        stays: true,
    },
    Race {
        about: "a row without its part is removed",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 8,
        statement: |sent| sent.returned_insert("8", "mine"),
        stays: true,
    },
];

/// If the row is made first, the client's DELETE does not see it: only a backfill looks again.
const GOES: Race = Race {
    about: "a row is made of a part that goes",
    phase: Phase::SwitchReads,
    table: "\"the mail\"",
    key: "uid",
    at: 7,
    statement: |sent| sent.returned_delete("k = 7"),
    stays: false,
};

fn raced(race: &Race, number: usize, ddl: &str) -> (Case, Database) {
    let case = Case::of("told");
    let ddl = format!(
        "{} INSERT INTO \"the mail\" VALUES (8, false, 'mail'), (10, false, 'mail');
         INSERT INTO push VALUES (9, 1, '[]', now());
         INSERT INTO prefs (k, \"its about\", n, \"in\", has_mail, has_push)
         VALUES (7, 'left', NULL, '{{}}', true, false), (9, 'left', 1, '[]', true, true),
                (10, 'left', NULL, '{{}}', true, false);
         {ddl}",
        case.tables()
    );
    let database = recorded(&format!("merged_race_{number}"), &ddl, &case.change(), race.phase);
    (case, database)
}

fn mending(phase: Phase) -> Order {
    let side = if phase == Phase::DualWrite { Toward::New } else { Toward::Old };
    Order { fix: Some(side), ..order() }
}

fn judge(race: &Race, case: &Case, database: &Database) {
    let wrong = match race.phase {
        Phase::DualWrite => case.wrong_in_new(true),
        _back => case.wrong_in_old(false),
    };
    assert_eq!(value(database, &wrong), "0", "{}", race.about);
    let mine =
        "SELECT count(*) FROM prefs JOIN \"the mail\" ON uid = k WHERE \"its about\" = 'mine'";
    let expected = if race.stays { "1" } else { "0" };
    assert_eq!(value(database, mine), expected, "{}", race.about);
}

/// It has compared the row at the row and has not mended it yet.
#[test]
fn what_clients_write_before_it_does_stays() {
    for (number, race) in RACES.iter().enumerate() {
        let Race { table, key, at, .. } = race;
        let (case, database) = raced(
            race,
            number,
            &format!(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                 IF current_setting('application_name') = 'segue verify'
                    AND coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> '{key}' = '{at}' THEN
                     PERFORM pg_sleep(0.7);
                 END IF;
                 RETURN coalesce(NEW, OLD); END$$;
                 CREATE TRIGGER slow BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW
                 EXECUTE FUNCTION slow();"
            ),
        );
        let other = database.clone();
        let order = mending(race.phase);
        let mending = std::thread::spawn(move || verify(&other, &order).0);
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                      AND application_name = 'segue verify' AND wait_event = 'PgSleep'";
        eventually("it is about to write", || value(&database, asleep) == "t");
        database.connect().script(&(race.statement)(&Sent::of(&case)));
        let done = mending.join().expect("no panic");
        done.unwrap_or_else(|error| panic!("{}: {}", race.about, error.with_hint()));
        judge(race, &case, &database);
    }
}

/// The client is in the midst of its transaction, and ends it while it is waited for.
#[test]
fn what_clients_have_not_committed_yet_stays() {
    for (number, race) in (RACES.len()..).zip(RACES.iter().chain([&GOES])) {
        let (case, database) = raced(race, number, "");
        let mut client = database.connect();
        client.script(&format!("BEGIN; {}", (race.statement)(&Sent::of(&case))));
        let other = database.clone();
        let order = mending(race.phase);
        let mending = std::thread::spawn(move || verify(&other, &order).0);
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                     AND application_name = 'segue verify' AND wait_event_type = 'Lock'";
        let mut watch = database.connect();
        eventually("it waits", || watch.rows(waits) == ["t"]);
        client.script("COMMIT");
        let done = mending.join().expect("no panic");
        done.unwrap_or_else(|error| panic!("{}: {}", race.about, error.with_hint()));
        judge(race, &case, &database);
    }
}
