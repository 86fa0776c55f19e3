//! Clients write all tables of a merge while its rows are copied. There is no proxy: these are the statements
//! that one sends, each of which writes both sides.

use rewrite_rules::Phase;
use segue_tests::copying::recorded;
use segue_tests::merging::Case;
use segue_tests::server::{Database, eventually};

use crate::writers::{ROWS, while_writing};
use crate::{copy, order, value};

/// What a proxy sends for the statements of clients, for keys that are numbers.
struct Statements {
    key: &'static str,
    flag: bool,
}

impl Statements {
    fn of(case: &Case) -> Self {
        let [mail, _, _] = case.keys;
        Self { key: mail.first().expect("a key"), flag: case.present[0].is_some() }
    }

    fn flagged(&self, text: &'static str) -> &'static str {
        if self.flag { text } else { "" }
    }

    /// In dual-write: what a statement on the mail has written goes to the new table.
    fn carried(&self, statement: &str) -> String {
        format!(
            "WITH w AS ({statement} RETURNING *) INSERT INTO prefs (k, news, \"its about\"{}) \
             SELECT {}, news, about{} FROM w ON CONFLICT (k) DO UPDATE SET news = excluded.news, \
             \"its about\" = excluded.\"its about\"{}",
            self.flagged(", has_mail"),
            self.key,
            self.flagged(", true"),
            self.flagged(", has_mail = excluded.has_mail"),
        )
    }

    /// In dual-write: a DELETE of the mail.
    fn deleted(&self, condition: &str) -> String {
        format!(
            "WITH w AS (DELETE FROM \"the mail\" WHERE {condition} RETURNING {0}) \
             INSERT INTO prefs (k) SELECT {0} FROM w ON CONFLICT (k) DO UPDATE \
             SET news = DEFAULT, \"its about\" = DEFAULT{1}",
            self.key,
            self.flagged(", has_mail = DEFAULT"),
        )
    }

    /// In dual-write: a row of the mail gets another key.
    fn moved(&self) -> String {
        let Self { key, .. } = self;
        format!(
            "WITH o AS (SELECT {key} AS was FROM \"the mail\" WHERE {key} = $ AND {key} % 7 = 0 FOR UPDATE), \
             w AS (UPDATE \"the mail\" AS t SET {key} = -$n FROM o WHERE t.{key} = o.was RETURNING t.*, o.was), \
             r AS (INSERT INTO prefs (k) SELECT was FROM w ON CONFLICT (k) DO UPDATE \
                   SET news = DEFAULT, \"its about\" = DEFAULT{}) \
             INSERT INTO prefs (k, news, \"its about\"{}) SELECT {key}, news, about{} FROM w",
            self.flagged(", has_mail = DEFAULT"),
            self.flagged(", has_mail"),
            self.flagged(", true"),
        )
    }

    /// In switch-reads: what a statement has written to the new table goes to the mail.
    fn returned(&self, statement: &str) -> String {
        format!(
            "WITH w AS ({statement} RETURNING *) INSERT INTO \"the mail\" ({0}, news, about) \
             SELECT k, news, \"its about\" FROM w \
             ON CONFLICT ({0}) DO UPDATE SET news = excluded.news, about = excluded.about",
            self.key,
        )
    }

    fn returned_update(&self, set: &str, at: &str) -> String {
        let seen = self.flagged(" AND has_mail");
        self.returned(&format!("UPDATE prefs SET \"its about\" = {set} WHERE k = {at}{seen}"))
    }

    fn returned_insert(&self, at: &str, about: &str) -> String {
        self.returned(&format!(
            "INSERT INTO prefs (k, news, \"its about\"{}) VALUES ({at}, true, '{about}'{}) \
             ON CONFLICT (k) DO UPDATE SET news = excluded.news, \"its about\" = excluded.\"its about\"{}",
            self.flagged(", has_mail"),
            self.flagged(", true"),
            self.flagged(", has_mail = true"),
        ))
    }

    /// In switch-reads: a DELETE of the mail.
    fn returned_delete(&self, condition: &str) -> String {
        format!(
            "WITH w AS (UPDATE prefs SET news = DEFAULT, \"its about\" = DEFAULT{} WHERE {condition}{} \
             RETURNING k) DELETE FROM \"the mail\" AS t USING w WHERE t.{} = w.k",
            self.flagged(", has_mail = DEFAULT"),
            self.flagged(" AND has_mail"),
            self.key,
        )
    }
}

/// Of the push, which has one column more.
fn push(case: &Case, statement: &str) -> String {
    let [_, key, _] = case.keys;
    let (key, flag) = (key.first().expect("a key"), case.present[1].is_some());
    let flagged = |text: &'static str| if flag { text } else { "" };
    format!(
        "WITH w AS ({statement} RETURNING *) INSERT INTO prefs (k, n, \"in\", at{}) \
         SELECT {key}, n, \"in\", at{} FROM w ON CONFLICT (k) DO UPDATE SET n = excluded.n, \
         \"in\" = excluded.\"in\", at = excluded.at{}",
        flagged(", has_push"),
        flagged(", true"),
        flagged(", has_push = true"),
    )
}

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

fn check(about: &str, phase: Phase, statements: impl Fn(&Case, &Statements) -> Vec<String>) {
    for case in ["told", "untold"].map(Case::of) {
        let about = format!("{about}_{}", case.about);
        let database = recorded(&about, &filled(&case), &case.change(), phase);
        let wrong = match phase {
            Phase::DualWrite => case.wrong_in_new(true),
            _back => case.wrong_in_old(true),
        };
        let statements = statements(&case, &Statements::of(&case));
        while_writing(&database, &|| database.connect(), &wrong, &statements);
    }
}

#[test]
fn clients_write_the_old_tables() {
    check("merged_writers", Phase::DualWrite, |case, sent| {
        let key = sent.key;
        let [_, of, _] = case.keys;
        let of = of.first().expect("a key");
        vec![
            sent.carried(&format!("UPDATE \"the mail\" SET about = about || '.' WHERE {key} = $")),
            sent.carried(
                "INSERT INTO \"the mail\" VALUES ($ + 1, $n % 2 = 0, 'new') ON CONFLICT DO NOTHING",
            ),
            sent.deleted(&format!("{key} = $ - 1")),
            sent.carried("INSERT INTO \"the mail\" VALUES (1000000 + $n, false, NULL)"),
            sent.deleted(&format!("{key} = 1000000 + $n - 300")),
            sent.moved(),
            push(case, &format!("UPDATE push SET n = n + 1 WHERE {of} = $")),
            push(case, "INSERT INTO push VALUES ($, $n, '[1]', now()) ON CONFLICT DO NOTHING"),
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

/// A client writes a row at a moment at which the backfill is about to.
struct Race {
    about: &'static str,
    phase: Phase,
    /// The table that the backfill writes, and the key there.
    table: &'static str,
    key: &'static str,
    at: i64,
    statement: fn(&Statements) -> String,
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
    },
    Race {
        about: "a part is written over",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 10,
        statement: |sent| sent.carried("UPDATE \"the mail\" SET about = 'mine' WHERE uid = 10"),
    },
    Race {
        about: "a part goes",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 10,
        statement: |sent| sent.deleted("uid = 10"),
    },
    Race {
        about: "a part is reset",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 9,
        statement: |sent| sent.carried("INSERT INTO \"the mail\" VALUES (9, true, 'mine')"),
    },
    Race {
        about: "a row that nobody has is removed",
        phase: Phase::DualWrite,
        table: "prefs",
        key: "k",
        at: 7,
        statement: |sent| sent.carried("INSERT INTO \"the mail\" VALUES (7, true, 'mine')"),
    },
    Race {
        about: "a row is made of its part",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 7,
        statement: |sent| sent.returned_update("'mine'", "7"),
    },
    Race {
        about: "a row follows its part",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 10,
        statement: |sent| sent.returned_update("'mine'", "10"),
    },
    Race {
        about: "a row without its part is removed",
        phase: Phase::SwitchReads,
        table: "\"the mail\"",
        key: "uid",
        at: 8,
        statement: |sent| sent.returned_insert("8", "mine"),
    },
];

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

fn judge(race: &Race, case: &Case, database: &Database) {
    let wrong = match race.phase {
        Phase::DualWrite => case.wrong_in_new(true),
        _back => case.wrong_in_old(false),
    };
    assert_eq!(value(database, &wrong), "0", "{}", race.about);
    let mine =
        "SELECT count(*) FROM prefs JOIN \"the mail\" ON uid = k WHERE \"its about\" = 'mine'";
    let is_kept = if race.about == "a part goes" { "0" } else { "1" };
    assert_eq!(value(database, mine), is_kept, "{}", race.about);
}

/// The backfill has looked at the row and has not written it yet.
#[test]
fn what_clients_write_before_it_does_stays() {
    for (number, race) in RACES.iter().enumerate() {
        let Race { table, key, at, .. } = race;
        let (case, database) = raced(
            race,
            number,
            &format!(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                 IF current_setting('application_name') = 'segue backfill'
                    AND coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> '{key}' = '{at}' THEN
                     PERFORM pg_sleep(0.7);
                 END IF;
                 RETURN coalesce(NEW, OLD); END$$;
                 CREATE TRIGGER slow BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW
                 EXECUTE FUNCTION slow();"
            ),
        );
        let other = database.clone();
        let copying = std::thread::spawn(move || copy(&other, &order()).0);
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                      AND application_name = 'segue backfill' AND wait_event = 'PgSleep'";
        eventually("it is about to write", || value(&database, asleep) == "t");
        database.connect().script(&(race.statement)(&Statements::of(&case)));
        let done = copying.join().expect("no panic");
        done.unwrap_or_else(|error| panic!("{}: {}", race.about, error.with_hint()));
        judge(race, &case, &database);
    }
}

/// The client is in the midst of its transaction, and ends it while the backfill waits for the row.
#[test]
fn what_clients_have_not_committed_yet_stays() {
    for (number, race) in (RACES.len()..).zip(&RACES) {
        let (case, database) = raced(race, number, "");
        let mut client = database.connect();
        client.script(&format!("BEGIN; {}", (race.statement)(&Statements::of(&case))));
        let other = database.clone();
        let copying = std::thread::spawn(move || copy(&other, &order()).0);
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                     AND application_name = 'segue backfill' AND wait_event_type = 'Lock'";
        let mut watch = database.connect();
        eventually("it waits", || watch.rows(waits) == ["t"]);
        client.script("COMMIT");
        let done = copying.join().expect("no panic");
        done.unwrap_or_else(|error| panic!("{}: {}", race.about, error.with_hint()));
        judge(race, &case, &database);
    }
}
