//! Halves of rows are written to the table that they move to, and back, while clients write both.

use rewrite_rules::Phase;
use segue::backfill::{Event, Order};
use segue_tests::copying::split;
use segue_tests::server::{Database, eventually};

use crate::writers::{ROWS, beside};
use crate::{copy, dual_writing, order, value};

/// Two tables: how a key is made of `g`, and how the one calls what the other one calls otherwise.
struct Case {
    about: &'static str,
    /// Key columns of the old table.
    own: &'static str,
    /// The names of those.
    names: &'static str,
    /// Key columns of the new one.
    its: &'static str,
    /// The names of those.
    refers: &'static str,
    /// `key` of the migration.
    key: &'static str,
    /// The key's values.
    values: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        about: "bigint",
        own: "id bigint",
        names: "id",
        its: "user_id bigint",
        refers: "user_id",
        key: "{ from = \"id\", to = \"user_id\" }",
        values: "g",
    },
    Case {
        about: "composite",
        own: "\"Tenant\" text, id int",
        names: "\"Tenant\", id",
        its: "id int, \"the \"\"tenant\" text",
        refers: "\"the \"\"tenant\", id",
        key: "{ from = [\"Tenant\", \"id\"], to = [\"the \\\"tenant\", \"id\"] }",
        values: "'t' || g % 7, g",
    },
    Case {
        about: "uuid",
        own: "id uuid",
        names: "id",
        its: "of uuid",
        refers: "of",
        key: "{ from = \"id\", to = \"of\" }",
        values: "md5(g::text)::uuid",
    },
];

const COLUMNS: &str = "{ bio = \"about\", settings = \"settings\" }";

/// Of each three rows one has its half, one has another one, and one has none.
fn ddl(case: &Case) -> String {
    let Case { own, names, its, refers, values, .. } = case;
    format!(
        "CREATE TABLE \"all users\" ({own}, kept int, bio varchar(20), settings jsonb, PRIMARY KEY ({names}));
         INSERT INTO \"all users\" SELECT {values}, g, 'bio ' || g, jsonb_build_object('n', g)
         FROM generate_series(1, 3000) g;
         CREATE TABLE profiles ({its}, about varchar(20), settings jsonb, PRIMARY KEY ({refers}),
             FOREIGN KEY ({refers}) REFERENCES \"all users\" ({names}) ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO profiles ({refers}, about, settings)
         SELECT {names}, CASE kept % 3 WHEN 1 THEN bio END, settings FROM \"all users\" WHERE kept % 3 <> 0;
         ANALYZE;"
    )
}

/// Rows of which one table says what the other one does not.
fn differing(case: &Case) -> String {
    let Case { names, refers, .. } = case;
    format!(
        "SELECT count(*) FROM (SELECT {names}, bio, settings FROM \"all users\") a
         FULL JOIN (SELECT {refers}, about, settings FROM profiles) b
         ON (a.*)::text = (b.*)::text WHERE a IS NULL OR b IS NULL"
    )
}

fn migration(case: &Case, phase: Phase) -> String {
    split("\"all users\"", "profiles", case.key, COLUMNS, phase)
}

/// Copies, and wants so many rows changed, and no row that differs; then nothing is left to do.
fn check(database: &Database, order: &Order, changed: u64, differing: &str) {
    let (done, events) = copy(database, order);
    let done = done.unwrap_or_else(|error| panic!("{}: {}", database.name, error.with_hint()));
    assert_eq!(done.changed, changed, "{}: {events:?}", database.name);
    assert_eq!(value(database, differing), "0", "{}", database.name);
    let (again, _) = copy(database, order);
    assert_eq!(again.map(|done| done.changed).map_err(|error| error.to_string()), Ok(0));
}

#[test]
fn each_half_is_written_once() {
    for case in &CASES {
        let about = format!("halves_{}", case.about);
        let (database, proxy) =
            dual_writing(&about, &ddl(case), &migration(case, Phase::DualWrite));
        let order = Order { workers: 2, ..order() };
        check(&database, &order, 2_000, &differing(case));
        proxy.stop();
    }
}

#[test]
fn what_the_new_table_says_goes_back() {
    for case in &CASES {
        let about = format!("halves_back_{}", case.about);
        let (database, proxy) =
            dual_writing(&about, &ddl(case), &migration(case, Phase::SwitchReads));
        // Of a row without a half clients have read NULLs.
        let left = "SELECT count(*) FROM \"all users\" WHERE CASE kept % 3 WHEN 0
                    THEN bio IS NOT NULL OR settings IS NOT NULL
                    WHEN 1 THEN bio IS DISTINCT FROM 'bio ' || kept OR settings IS NULL
                    ELSE bio IS NOT NULL OR settings IS NULL END";
        check(&database, &order(), 2_000, left);
        proxy.stop();
    }
}

#[test]
fn rows_that_matter_come_first() {
    let Some(case) = CASES.first() else { return };
    let (database, proxy) =
        dual_writing("halves_steps", &ddl(case), &migration(case, Phase::DualWrite));
    // Both tables have a column of that name.
    let steps = vec!["settings ->> 'n' = '3000' AND bio IS NOT NULL".to_owned()];
    let (done, events) = copy(&database, &Order { steps, ..order() });
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(2_000));
    let changed = events.iter().filter_map(|event| match event {
        Event::Progress(progress) if progress.pass == 1 => Some(progress.changed),
        _other => None,
    });
    assert_eq!(changed.max(), Some(1));
    proxy.stop();
}

#[test]
fn what_is_there_is_said_before() {
    let Some(case) = CASES.first() else { return };
    let ddl = format!(
        "{} CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER told BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION same();
         CREATE TRIGGER other BEFORE INSERT ON \"all users\" FOR EACH ROW EXECUTE FUNCTION same();",
        ddl(case)
    );
    let (database, proxy) = dual_writing("halves_notes", &ddl, &migration(case, Phase::DualWrite));
    let (_, events) = copy(&database, &order());
    let Some(Event::Began { column, notes, total, .. }) = events.first() else {
        panic!("it has not begun: {events:?}")
    };
    assert_eq!((column.as_str(), *total), ("public.profiles", 3_000));
    assert_eq!(notes, &["each row that is copied fires told of \"public.profiles\""]);
    proxy.stop();
}

#[test]
fn a_role_that_may_not_write_the_other_table() {
    let Some(case) = CASES.first() else { return };
    let (database, proxy) =
        dual_writing("halves_role", &ddl(case), &migration(case, Phase::DualWrite));
    database.connect().script("REVOKE INSERT, UPDATE ON profiles FROM segue");
    let said = copy(&database, &order()).0.err().map(|error| error.with_hint());
    let said = said.unwrap_or_default();
    for part in [
        "lacks INSERT of the columns, UPDATE of the columns",
        "GRANT INSERT (user_id, about, settings) ON public.profiles TO segue;",
        "GRANT UPDATE (about, settings) ON public.profiles TO segue;",
    ] {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
    database.connect().script(
        "GRANT INSERT (user_id, about, settings), UPDATE (about, settings) ON profiles TO segue",
    );
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(2_000));
    proxy.stop();
}

#[test]
fn clients_write_both_tables_beside_it() {
    let ddl = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, kept int DEFAULT 0, bio text, n int);
         INSERT INTO t SELECT g, 0, 'bio ' || g, g FROM generate_series(1, {ROWS}) g;
         CREATE TABLE h (t_id bigint PRIMARY KEY REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE,
                         bio text, n int);
         INSERT INTO h SELECT id, 'stale', 0 FROM t WHERE id % 5 = 0;
         ANALYZE;"
    );
    let migration =
        |phase| split("t", "h", "{ from = \"id\", to = \"t_id\" }", "[\"bio\", \"n\"]", phase);
    let statements = [
        "UPDATE t SET n = n + 1, bio = bio || '.' WHERE id = $",
        "INSERT INTO t (id, bio, n) VALUES (1000000 + $n, 'new', $n)",
        "DELETE FROM t WHERE id = 1000000 + $n - 300",
        "DELETE FROM t WHERE id = $ AND id % 11 = 0",
        "UPDATE t SET id = -$n WHERE id = $ AND id % 7 = 0",
        "BEGIN; UPDATE t SET kept = $n WHERE id = $; UPDATE t SET n = $n WHERE id BETWEEN $ AND $ + 2; COMMIT",
    ];
    let differing = "SELECT count(*) FROM t FULL JOIN h ON h.t_id = t.id
                     WHERE (t.id, t.bio, t.n) IS DISTINCT FROM (h.t_id, h.bio, h.n)";
    let forth = migration(Phase::DualWrite);
    beside("halves_writers", &ddl, &forth, differing, &statements);
    beside(
        "halves_writers_back",
        &ddl,
        &migration(Phase::SwitchReads),
        differing_back(),
        &statements,
    );
}

/// A row without a half is one of NULLs.
fn differing_back() -> &'static str {
    "SELECT count(*) FROM t LEFT JOIN h ON h.t_id = t.id
     WHERE (t.bio, t.n) IS DISTINCT FROM (h.bio, h.n)"
}

/// Rows are deleted while their halves are inserted, one in each attempt: none of them is one that cannot be copied.
#[test]
fn rows_that_are_deleted_meanwhile_are_no_failures() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, bio text);
         INSERT INTO t VALUES (7, 'a'), (8, 'b');
         CREATE TABLE h (t_id bigint PRIMARY KEY REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, bio text);
         CREATE SEQUENCE tries MINVALUE 0 START 0; SELECT nextval('tries');
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
         $$BEGIN PERFORM nextval('tries'); PERFORM pg_sleep(0.7); RETURN NEW; END$$;
         CREATE TRIGGER slow BEFORE INSERT ON h FOR EACH ROW EXECUTE FUNCTION slow();";
    let key = "{ from = \"id\", to = \"t_id\" }";
    let migration = split("t", "h", key, "[\"bio\"]", Phase::DualWrite);
    let (database, proxy) = dual_writing("halves_deleted", ddl, &migration);
    let other = database.clone();
    let copying = std::thread::spawn(move || copy(&other, &order()).0);
    // Both rows in one batch, then the one that is left by itself.
    for (tries, id) in [("1", 7), ("3", 8)] {
        eventually("it is tried", || value(&database, "SELECT last_value FROM tries") == tries);
        proxy.connect().script(&format!("DELETE FROM t WHERE id = {id}"));
    }
    let done = copying.join().expect("no panic").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((done.changed, done.failures), (0, 0));
    proxy.stop();
}
