//! Tables, keys, triggers and second runs that do not go as usual.

use rewrite_rules::Phase;
use segue::backfill::signals::Watch;
use segue::backfill::{BackfillError, Event, OnError, Order};
use segue_tests::copying::control;
use segue_tests::server::{Database, eventually, pause, run};

use crate::control::Beside;
use crate::{copy, drained, dual_writing, order, rename, value};

const APART: &str = "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old";

fn migration() -> String {
    rename("t", "old", "new", Phase::DualWrite)
}

/// The backfill changes so many rows, and nothing is left to be done.
fn check(database: &Database, order: &Order, changed: u64) {
    let (done, _) = copy(database, order);
    let done = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((value(database, APART), done.changed), ("0".to_owned(), changed));
}

#[test]
fn a_key_whose_comparison_is_not_on_the_search_path() {
    let database = Database::create("odd_citext", "");
    let has = "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'";
    if value(&database, has) == "0" {
        return;
    }
    let ddl = "CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions;
               CREATE TABLE t (login extensions.citext PRIMARY KEY, old text, new text);
               INSERT INTO t SELECT CASE WHEN g % 2 = 0 THEN 'a' ELSE 'B' END || g, g
               FROM generate_series(1, 3000) g";
    let (database, proxy) = dual_writing("odd_citext", ddl, &migration());
    check(&database, &order(), 3_000);
    proxy.stop();
}

#[test]
fn other_steps_than_in_the_run_before() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old text, new text CHECK (new <> '2000'));
               INSERT INTO t SELECT g, g FROM generate_series(1, 2000) g";
    let (database, proxy) = dual_writing("odd_steps", ddl, &migration());
    let steps = ["id < 0", "id > 1990"].map(str::to_owned).to_vec();
    let (stopped, _) = copy(&database, &Order { steps, ..order() });
    assert!(matches!(stopped, Err(BackfillError::Row(_))), "{stopped:?}");
    database.connect().script("DELETE FROM t WHERE id = 2000; UPDATE t SET new = NULL");
    check(&database, &order(), 1_999);
    proxy.stop();
}

#[test]
fn a_trigger_that_undoes_it_is_told_and_the_next_run_is_not_spoilt() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 500) g;
               CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN IF OLD.id <= 7 THEN RETURN NULL; END IF; RETURN NEW; END$$;
               CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN NEW.new := NULL; RETURN NEW; END$$;";
    let (database, proxy) = dual_writing("odd_undone", ddl, &migration());
    let mut direct = database.connect();
    direct.script("CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION no()");
    let (undone, _) = copy(&database, &order());
    assert!(matches!(undone, Err(BackfillError::Undone { rows: 7 })), "{undone:?}");
    direct.script(
        "DROP TRIGGER no ON t;
         CREATE TRIGGER undo BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION undo()",
    );
    let (endless, _) = copy(&database, &order());
    assert!(matches!(endless, Err(BackfillError::NeverEnds { .. })), "{endless:?}");
    direct.script("DROP TRIGGER undo ON t");
    let left: u64 = value(&database, APART).parse().expect("a number");
    check(&database, &order(), left);
    proxy.stop();
}

#[test]
fn a_partition_that_comes_in_while_it_runs() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int) PARTITION BY RANGE (id);
               CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (1) TO (10001);
               CREATE TABLE p2 (LIKE t INCLUDING ALL);
               INSERT INTO t SELECT g, g FROM generate_series(1, 10000) g;
               INSERT INTO p2 SELECT g, g FROM generate_series(20001, 21000) g;";
    let (database, proxy) = dual_writing("odd_attached", ddl, &migration());
    let beside = Beside::start(&database, Order { max_rate: Some(5_000), ..order() });
    eventually("rows are copied", || value(&database, "SELECT count(new) > 0 FROM t") == "t");
    let attach = "ALTER TABLE t ATTACH PARTITION p2 FOR VALUES FROM (20001) TO (30000)";
    database.connect().script(attach);
    let done = beside.end().unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((value(&database, APART), done.changed), ("0".to_owned(), 11_000));
    proxy.stop();
}

#[test]
fn what_triggers_raise_is_a_rows_own_fault() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 300) g;
               CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                   IF NEW.id = 5 THEN RAISE SQLSTATE '45000'; END IF;
                   IF NEW.id = 6 THEN RAISE SQLSTATE '08006'; END IF;
                   IF NEW.id = 7 THEN PERFORM * FROM nowhere; END IF;
                   RETURN NEW; END$$;
               CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION no()";
    let (database, proxy) = dual_writing("odd_raised", ddl, &migration());
    let (done, events) = copy(&database, &Order { on_error: OnError::Skip, ..order() });
    let done = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((done.changed, done.failures), (297, 3));
    let mut keys: Vec<String> = (events.into_iter())
        .filter_map(|event| match event {
            Event::Failed(failure) => Some(format!("{} {}", failure.sqlstate, failure.key)),
            _other => None,
        })
        .collect();
    keys.sort();
    assert_eq!(keys, ["08006 id = 6", "42P01 id = 7", "45000 id = 5"]);
    proxy.stop();
}

#[test]
fn a_trigger_that_takes_its_time() {
    let ddl = "CREATE TABLE t (id uuid PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT md5(g::text)::uuid, g FROM generate_series(1, 500) g;
               CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN PERFORM pg_sleep(0.012); RETURN NULL; END$$;
               CREATE TRIGGER slow AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()";
    let (database, proxy) = dual_writing("odd_slow", ddl, &migration());
    check(&database, &order(), 500);
    proxy.stop();
}

#[test]
fn what_an_operator_wished_outlives_a_connection() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 20000) g;";
    let (database, proxy) = dual_writing("odd_wish", ddl, &migration());
    let beside = Beside::start(&database, Order { max_rate: Some(5_000), ..order() });
    let copied = || value(&database, "SELECT count(new) FROM t");
    eventually("rows are copied", || copied() != "0");
    let mut direct = database.connect();
    direct.script("UPDATE segue.backfill SET wish = 'pause', wished_by = 'op'");
    eventually("it stands still", || beside.progress().stands_still);
    direct.simple(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'segue backfill' AND datname = current_database()",
    );
    pause(1_500);
    let before = copied();
    pause(1_500);
    assert_eq!(copied(), before, "it still stands still");
    direct.script("UPDATE segue.backfill SET wish = NULL");
    assert_eq!(
        beside.end().map(|done| done.changed).map_err(|error| error.to_string()),
        Ok(20_000)
    );
    proxy.stop();
}

#[test]
fn another_key_than_in_the_run_before() {
    let ddl = "CREATE TABLE t (a int, b int, old int, new int CHECK (new <> 900));
               INSERT INTO t SELECT g, g, g FROM generate_series(1, 1000) g";
    let (database, proxy) = dual_writing("odd_new_key", ddl, &migration());
    let (stopped, _) = copy(&database, &order());
    assert!(matches!(stopped, Err(BackfillError::Row(_))), "{stopped:?}");
    database.connect().script(
        "ALTER TABLE t DROP CONSTRAINT t_new_check; UPDATE t SET new = NULL;
         ALTER TABLE t ADD PRIMARY KEY (a, b)",
    );
    check(&database, &order(), 1_000);
    let (refused, _) = copy(&database, &Order { steps: vec!["a = $1".to_owned()], ..order() });
    assert!(matches!(refused, Err(BackfillError::Step { number: 1, .. })), "{refused:?}");
    proxy.stop();
}

#[test]
fn a_table_that_is_locked_when_its_turn_comes() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int, new int) PARTITION BY RANGE (id);
               CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (1) TO (2001);
               CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (2001) TO (4001);
               INSERT INTO t SELECT g, g FROM generate_series(1, 4000) g;";
    let (database, proxy) = dual_writing("odd_locked", ddl, &migration());
    let beside = Beside::start(&database, Order { max_rate: Some(1_000), ..order() });
    eventually("rows are copied", || value(&database, "SELECT count(new) > 0 FROM p1") == "t");
    let mut holder = database.connect();
    holder.script("BEGIN; LOCK TABLE p2");
    pause(3_500);
    holder.script("COMMIT");
    let done = beside.end().unwrap_or_else(|error| panic!("{}", error.with_hint()));
    assert_eq!((value(&database, APART), done.changed), ("0".to_owned(), 4_000));
    drained(&database);
    proxy.stop();
}

#[test]
fn rows_are_counted_though_a_crash_has_taken_the_statistics() {
    let ddl = "CREATE TABLE t (id int PRIMARY KEY, old int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g; ANALYZE t";
    let database = Database::create("odd_crash", ddl);
    let mut wire = database.connect();
    wire.script("SELECT pg_stat_reset()");
    // What is told of before its transaction has ended may come late.
    wire.script("UPDATE t SET old = 0 WHERE id <= 100");
    wire.script("SELECT pg_stat_force_next_flush()");
    eventually("dead rows", || {
        value(&database, "SELECT n_live_tup, n_dead_tup FROM pg_stat_user_tables") == "0|100"
    });
    let oid: u32 = value(&database, "SELECT 't'::regclass::oid").parse().unwrap_or_default();
    let look = async {
        let client =
            segue::catalog::connect(&control(&database)).await.map_err(|it| it.to_string())?;
        let signals = Watch::default().look(&client, &[], &[oid]).await;
        signals.map(|signals| signals.dead_share).map_err(|it| it.to_string())
    };
    assert_eq!(run(look), Ok(0.1));
}
