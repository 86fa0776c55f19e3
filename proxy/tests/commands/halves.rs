//! The copy of a split, and its comparison, killed at any place: each half is written once, none is left out.

use std::process::Output;

use crate::house::{House, Plan, segue};

const ROWS: i64 = 12_000;

/// Rows of which one table says what the other one does not: a row without a half is one of NULLs.
const APART: &str = "SELECT count(*) FROM t FULL JOIN h ON t_id = id
                     WHERE (t.bio, t.n) IS DISTINCT FROM (h.bio, h.n) OR id IS NULL";

/// Half by half: every third row has its half, every third one another one, every third one none. Whatever is
/// written to either table is counted by row.
async fn house(phase: &str) -> House {
    let ddl = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, kept int, bio text, n int);
         CREATE TABLE h (t_id bigint PRIMARY KEY REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, bio text, n int);
         INSERT INTO t SELECT g, 0, 'bio ' || g, g FROM generate_series(1, {ROWS}) g;
         INSERT INTO h SELECT id, CASE id % 3 WHEN 1 THEN bio ELSE 'another' END, n FROM t WHERE id % 3 > 0;
         CREATE TABLE written (\"table\" name, id bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             INSERT INTO written VALUES (TG_RELNAME, coalesce(to_jsonb(NEW) -> 'id', to_jsonb(NEW) -> 't_id')::bigint);
             RETURN NULL; END$$;
         CREATE TRIGGER note AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
         CREATE TRIGGER note AFTER INSERT OR UPDATE ON h FOR EACH ROW EXECUTE FUNCTION note();
         ANALYZE;"
    );
    let migration = format!(
        "kind = \"split-table\"\ntable = \"t\"\ninto = \"h\"\nkey = {{ from = \"id\", to = \"t_id\" }}\n\
         columns = [\"bio\", \"n\"]\nphase = \"{phase}\"\n"
    );
    House::with(Plan { ddl, migration, ..Plan::default() }).await
}

/// Kills it there.
fn killed(house: &House, command: &[&str], about: &str) -> Output {
    let mut command = segue(command, &house.config);
    let killed = command.env("SEGUE_KILL_AT", about).output().expect("an exit");
    assert_eq!(killed.status.code(), None, "{about}: it is never come to: {killed:?}");
    killed
}

/// Exactly the rows that the journal says were changed were written, each once, to that table and to no other.
async fn check(house: &House, table: &str, about: &str) -> i64 {
    let written = "SELECT count(*) FROM written";
    let once = format!(
        "SELECT count(*) FROM (SELECT id FROM written WHERE \"table\" = '{table}' GROUP BY id HAVING count(*) = 1) w"
    );
    let told = "SELECT coalesce(sum(b.changed), 0)::int8
                       + coalesce((SELECT sum(changed) FROM segue.backfill_range), 0)::int8
                FROM segue.backfill b";
    let written = house.number(written).await;
    assert_eq!(house.number(&once).await, written, "{about}: each once");
    assert_eq!(house.number(told).await, written, "{about}: what is told is what was done");
    written
}

/// Of the rows two thirds are not as they should be in `table`.
async fn copied(phase: &str, table: &str) {
    let house = house(phase).await;
    let copy = ["backfill", "m", "--no-throttle"];
    let mut before = 0;
    for (place, times) in [
        ("backfill-pass-begun", 1),
        ("backfill-window-opened", 1),
        ("backfill-copied", 1),
        ("backfill-committed", 1),
        ("backfill-copied", 3),
        ("backfill-committed", 4),
        ("backfill-window-closed", 1),
        // The sweep, since all rows are copied by then.
        ("backfill-pass-begun", 1),
    ] {
        let about = format!("{phase}, {place}:{times}");
        killed(&house, &copy, &about.replace(&format!("{phase}, "), ""));
        let now = check(&house, table, &about).await;
        assert!(now >= before, "{about}: nothing is undone");
        before = now;
    }
    let done = house.run(&copy);
    assert_eq!(done.0, Some(0), "{done:?}");
    assert_eq!(check(&house, table, "at the end").await, ROWS / 3 * 2);
    assert_eq!(house.number(APART).await, 0, "{phase}: both tables say the same");
    house.stop().await;
}

#[tokio::test]
async fn killed_at_any_place_each_half_is_written_once() {
    copied("dual-write", "h").await;
}

#[tokio::test]
async fn killed_at_any_place_on_the_way_back_each_row_is_written_once() {
    copied("switch-reads", "t").await;
}

#[tokio::test]
async fn killed_at_any_place_a_comparison_goes_on_there() {
    let house = house("dual-write").await;
    let verify = ["verify", "m", "--no-throttle", "--show", "0"];
    let compared = "SELECT coalesce(sum(compared), 0)::int8 FROM segue.verify_range";
    let mut before = 0;
    for about in [
        "verify-begun:1",
        "verify-compared:1",
        "verify-written:1",
        "verify-compared:2",
        "verify-written:2",
    ] {
        killed(&house, &verify, about);
        let now = house.number(compared).await;
        assert!(now >= before, "{about}: {before} rows, then {now}");
        before = now;
    }
    assert!(before > 0, "nothing was ever written down");
    let (code, out, error) = house.run(&verify);
    assert!(out.starts_with("goes on with \"m\": "), "{out}");
    assert_eq!((code, error.as_str()), (Some(1), ""), "{out}");
    // Those of the one table, and the halves that there are of the other one: each once.
    let told = out.lines().last().unwrap_or_default();
    assert_eq!(told, "\"m\": 20,000 rows compared, 8,000 differ");
    let fix = ["verify", "m", "--no-throttle", "--show", "0", "--fix", "new"];
    killed(&house, &fix, "verify-mended:1");
    assert_eq!(house.number(APART).await, ROWS / 3 * 2, "what was not committed is not there");
    killed(&house, &fix, "verify-mended:3");
    let done = house.run(&fix);
    assert_eq!(done.0, Some(0), "{done:?}");
    assert_eq!(house.number(APART).await, 0);
    let twice = "SELECT count(*) - count(DISTINCT id) FROM written WHERE \"table\" = 'h'";
    assert_eq!(house.number(twice).await, 0, "each is mended once");
    house.stop().await;
}
