//! Rows whose columns have moved to another table: what is missing, what differs and what is too much.

use rewrite_rules::Phase;
use segue::verify::Order;
use segue::walk::Toward;
use segue_tests::copying::split;
use segue_tests::server::{Database, eventually};

use crate::{governed, order, value, verify};

/// Rows of the old table.
const ROWS: u64 = 6_000;

/// The halves of some rows are missing, others differ, and some are of no row: a foreign key that is not
/// validated lets them be.
fn ddl() -> String {
    format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, kept int, bio text, n int);
         INSERT INTO t SELECT g, g, 'bio ' || g, g FROM generate_series(1, {ROWS}) g;
         INSERT INTO t VALUES (0, 0, NULL, NULL);
         CREATE TABLE h (t_id bigint PRIMARY KEY, about text, n int);
         INSERT INTO h SELECT id, bio, CASE WHEN id % 100 = 7 THEN -n ELSE n END FROM t
         WHERE id % 100 NOT IN (0, 50);
         INSERT INTO h SELECT 10000 + g, 'left', g FROM generate_series(1, 20) g;
         ALTER TABLE h ADD FOREIGN KEY (t_id) REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
         ANALYZE;"
    )
}

fn migration(phase: Phase) -> String {
    let columns = "{ bio = \"about\", n = \"n\" }";
    split("t", "h", "{ from = \"id\", to = \"t_id\" }", columns, phase)
}

/// All rows of both tables, but those of the old one that have no half and are NULL in it: clients see no
/// difference.
const DIFFERING: &str = "
    SELECT 'id = ' || t.id, quote_nullable(ROW(t.bio, t.n)::text),
           CASE WHEN h IS NULL THEN 'no row' ELSE quote_nullable(ROW(h.about, h.n)::text) END,
           quote_nullable(ROW(t.bio, t.n)::text)
    FROM t LEFT JOIN h ON t_id = id WHERE (t.bio, t.n) IS DISTINCT FROM (h.about, h.n)
    UNION ALL
    SELECT 't_id = ' || t_id, 'no row', quote_nullable(ROW(about, h.n)::text), 'no row'
    FROM h WHERE NOT EXISTS (SELECT FROM t WHERE id = t_id)";

const ALL: &str = "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM h)";

fn same(database: &Database) {
    assert_eq!(value(database, &format!("SELECT count(*) FROM ({DIFFERING}) d")), "0");
}

#[test]
fn what_is_missing_differs_or_is_too_much() {
    let (database, proxy) = governed("halves_found", &ddl(), &migration(Phase::DualWrite));
    let outcome = crate::check(&database, "forth", &order(), ALL, DIFFERING);
    assert_eq!(outcome.differing, 60 + 60 + 60 + 20);
    let told = outcome.rows.iter().find(|row| row.key == "id = 7").map(|row| outcome.told(row));
    assert_eq!(
        told.as_deref(),
        Some(
            "public.t, id = 7: \"public.t\" is '(\"bio 7\",7)', \"public.h\" is '(\"bio 7\",-7)', should be \
             '(\"bio 7\",7)'"
        )
    );
    let shared = Order { workers: 3, ..order() };
    crate::check(&database, "shared", &shared, ALL, DIFFERING);
    proxy.stop();
}

#[test]
fn the_new_table_is_mended() {
    let (database, proxy) = governed("halves_mended", &ddl(), &migration(Phase::DualWrite));
    let (done, _) = verify(&database, &Order { fix: Some(Toward::New), ..order() });
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((outcome.mended, outcome.differing, outcome.failed), (200, 0, 0));
    same(&database);
    assert_eq!(
        value(&database, "SELECT count(*) FROM t WHERE bio IS NULL"),
        "1",
        "it is left alone"
    );
    proxy.stop();
}

#[test]
fn the_old_table_is_mended_as_far_as_there_is_a_row() {
    let (database, proxy) = governed("halves_mended_old", &ddl(), &migration(Phase::SwitchReads));
    let (done, _) = verify(&database, &Order { fix: Some(Toward::Old), ..order() });
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((outcome.mended, outcome.differing, outcome.failed), (180, 20, 0));
    let told = outcome.rows.first().map(|row| outcome.told(row));
    assert_eq!(
        told.as_deref(),
        Some(
            "public.h, t_id = 10001: \"public.h\" is '(left,1)', \"public.t\" is no row, should be '(left,1)'; \
             cannot be mended: the other side has no row for it"
        )
    );
    let wrong = "SELECT count(*) FROM t LEFT JOIN h ON t_id = id
                 WHERE (t.bio, t.n) IS DISTINCT FROM (h.about, h.n)";
    assert_eq!(value(&database, wrong), "0");
    proxy.stop();
}

/// A row of a client of the new shape that has no half: the old table's NOT NULL columns have their defaults for it, which
/// clients of the old shape have never been shown otherwise there.
#[test]
fn where_there_is_no_half_the_old_table_has_its_defaults() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, bio text NOT NULL DEFAULT '', n numeric(4,1) NOT NULL DEFAULT 7, more text DEFAULT 'x');
               INSERT INTO t SELECT g, 'bio', g, 'm' FROM generate_series(1, 8) g;
               CREATE TABLE h (t_id bigint PRIMARY KEY REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, about text NOT NULL DEFAULT '',
                   n numeric(4,1) NOT NULL DEFAULT 7, more text DEFAULT 'x');
               INSERT INTO h SELECT * FROM t WHERE id < 7; ANALYZE;";
    let columns = "{ bio = \"about\", n = \"n\", more = \"more\" }";
    let rule = split("t", "h", "{ from = \"id\", to = \"t_id\" }", columns, Phase::SwitchReads);
    let (database, proxy) = governed("halves_blank", ddl, &rule);
    let mut client = proxy.login().with("options", "-c segue.shape=new").connect();
    client.script("INSERT INTO t (id) VALUES (9)");
    // As of the time when only the new table was written.
    database.connect().script("DELETE FROM h WHERE t_id = 5");
    let holds = "SELECT id, bio, n, coalesce(more, '-') FROM t WHERE id IN (5, 7, 9) ORDER BY id";
    assert_eq!(value(&database, "SELECT count(*) FROM h"), "5", "neither has a half");
    let (done, _) = verify(&database, &Order { fix: Some(Toward::Old), ..order() });
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    // The client's own row is right as it is.
    assert_eq!((outcome.mended, outcome.differing, outcome.failed), (3, 0, 0), "{outcome:?}");
    assert_eq!(database.connect().rows(holds), ["5||7.0|-", "7||7.0|-", "9||7.0|-"]);
    let (done, _) = verify(&database, &order());
    assert_eq!(done.map(|outcome| outcome.differing).unwrap_or(1), 0, "it is as it was mended");
    proxy.stop();
}

/// While a row is mended a client writes it: what it has written stays, in both tables.
#[test]
fn nobody_writes_a_row_while_it_is_mended() {
    let both = [(Phase::DualWrite, Toward::New, "h"), (Phase::SwitchReads, Toward::Old, "t")];
    for (phase, side, written) in both {
        let ddl = format!(
            "{} CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             IF current_setting('application_name') = 'segue verify' THEN PERFORM pg_sleep(0.7); END IF;
             RETURN NEW; END$$;
             CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON {written} FOR EACH ROW WHEN (NEW.n IN (7, -7))
             EXECUTE FUNCTION slow();",
            ddl()
        );
        let about = format!("halves_raced_{side}");
        let (database, proxy) = governed(&about, &ddl, &migration(phase));
        let other = database.clone();
        let mending =
            std::thread::spawn(move || verify(&other, &Order { fix: Some(side), ..order() }).0);
        let asleep = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
                      AND application_name = 'segue verify' AND wait_event = 'PgSleep'";
        eventually("it is about to write", || value(&database, asleep) == "t");
        proxy.connect().script("UPDATE t SET bio = 'mine', n = 70 WHERE id = 7");
        let outcome = mending.join().expect("no panic");
        let outcome = outcome.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
        assert!(outcome.mended >= 180, "{about}: {outcome:?}");
        let holds = "SELECT t.bio, t.n, h.about, h.n FROM t JOIN h ON t_id = id WHERE id = 7";
        assert_eq!(database.connect().rows(holds), ["mine|70|mine|70"], "{about}");
        proxy.stop();
    }
}
