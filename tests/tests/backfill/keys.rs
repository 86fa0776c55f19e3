//! Every kind of table and key is walked to its end, once and completely.

use rewrite_rules::Phase;

use crate::{copy, dual_writing, order, rename, value};
use segue::backfill::{Event, Order};
use segue_tests::proxy::Proxy;
use segue_tests::server::Database;

/// A table, how its rows are made of `g`, and how many rows differ at the start.
struct Case {
    about: &'static str,
    /// Columns and constraints beside `old` and `new`.
    key: &'static str,
    /// What stands behind the closing bracket of CREATE TABLE, and statements after it.
    also: &'static str,
    /// The key's values.
    values: &'static str,
}

const CASES: [Case; 13] = [
    Case { about: "bigint", key: "id bigint PRIMARY KEY", also: "", values: "g" },
    Case { about: "negative", key: "id int PRIMARY KEY", also: "", values: "1000 - g" },
    Case { about: "strides", key: "id bigint PRIMARY KEY", also: "", values: "g * 8" },
    Case { about: "text", key: "id text PRIMARY KEY", also: "", values: "'k' || g" },
    Case {
        about: "collation",
        key: "id varchar(20) COLLATE \"C\" PRIMARY KEY",
        also: "",
        values: "CASE g % 3 WHEN 0 THEN 'Ä' WHEN 1 THEN 'a' ELSE '''\"' END || g",
    },
    Case { about: "char", key: "id char(8) PRIMARY KEY", also: "", values: "g::text" },
    Case { about: "uuid", key: "id uuid PRIMARY KEY", also: "", values: "md5(g::text)::uuid" },
    Case {
        about: "composite",
        key: "\"Big \"\"id\" int, day date, PRIMARY KEY (day, \"Big \"\"id\")",
        also: "",
        values: "g, date '2020-1-1' + g % 7",
    },
    Case {
        about: "timestamps",
        key: "at timestamptz UNIQUE NOT NULL",
        also: "",
        values: "timestamptz '1890-1-1 12:00:00.123457' + g * interval '1000001 s'",
    },
    Case {
        about: "floats",
        key: "id float8 NOT NULL, UNIQUE (id)",
        also: "",
        values: "(g - 1000) / 3.0::float8",
    },
    Case { about: "no_key", key: "id int", also: "", values: "nullif(g % 10, 5)" },
    Case {
        about: "partitions",
        key: "id int, day date, PRIMARY KEY (id, day)",
        also: "PARTITION BY LIST (day);
               CREATE TABLE p1 PARTITION OF \"odd table\" FOR VALUES IN ('2020-1-1', '2020-1-2');
               CREATE TABLE p2 PARTITION OF \"odd table\" DEFAULT",
        values: "g, date '2020-1-1' + g % 7",
    },
    Case {
        about: "children",
        key: "id int PRIMARY KEY",
        also: ";
               CREATE TABLE child () INHERITS (\"odd table\");
               INSERT INTO child SELECT g, g, NULL FROM generate_series(5000, 5099) g",
        values: "g",
    },
];

const ROWS: u64 = 2_345;

fn ddl(case: &Case) -> String {
    let Case { key, also, values, .. } = case;
    let (columns, rest) = match key.split_once(", PRIMARY KEY") {
        Some((columns, rest)) => (columns.to_owned(), format!(", PRIMARY KEY{rest}")),
        None => ((*key).to_owned(), String::new()),
    };
    format!(
        "CREATE TABLE \"odd table\" ({columns}, old numeric, \"new\"\"\" numeric{rest}) {also};
         INSERT INTO \"odd table\" SELECT {values}, g FROM generate_series(1, {ROWS}) g;
         UPDATE \"odd table\" SET old = NULL WHERE old = 7;
         UPDATE \"odd table\" SET old = 1.0, \"new\"\"\" = 1.00 WHERE old = 8;
         UPDATE \"odd table\" SET \"new\"\"\" = old WHERE old BETWEEN 9 AND 108;"
    )
}

/// All cases in one database, each in a schema of its own, in dual-write.
fn house(about: &str, cases: &[&Case]) -> (Database, Proxy) {
    let (mut all, mut migrations) = (String::new(), String::new());
    for case in cases {
        let schema = format!("of_{}", case.about);
        let made = ddl(case);
        all.push_str(&format!(
            "CREATE SCHEMA {schema}; SET search_path = {schema}; {made}
             GRANT USAGE ON SCHEMA {schema} TO segue;
             GRANT UPDATE ON ALL TABLES IN SCHEMA {schema} TO segue;"
        ));
        let table = format!("{schema}.\"odd table\"");
        let migration = rename(&table, "old", "new\"", Phase::DualWrite);
        migrations.push_str(&migration.replace("\"move\"", &format!("\"{}\"", case.about)));
    }
    dual_writing(about, &format!("{all} RESET search_path"), &migrations)
}

fn check(database: &Database, case: &Case, order: &Order) {
    let about = case.about;
    let table = format!("of_{about}.\"odd table\"");
    // Rows that differ to the byte, by a query that has nothing to do with segue's.
    let apart_now = || {
        let apart = format!(
            "SELECT count(*) FROM {table} WHERE old::text IS DISTINCT FROM \"new\"\"\"::text"
        );
        value(database, &apart).parse::<u64>().expect("a number")
    };
    let order = Order { migration: about.to_owned(), ..order.clone() };
    let apart = apart_now();
    let all = value(database, &format!("SELECT count(*) FROM {table}"));
    let all: u64 = all.parse().expect("a number");
    assert_eq!(apart, all - 101, "{about}: 100 are copied already, and NULL is NULL");
    let (done, events) = copy(database, &order);
    let done = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    assert_eq!((done.changed, done.failures, done.retries), (apart, 0, 0), "{about}");
    assert_eq!(apart_now(), 0, "{about}");
    assert!(matches!(events.first(), Some(Event::Began { goes_on: false, .. })), "{about}");
    assert!(matches!(events.last(), Some(Event::Done(_))), "{about}");
    let (again, _) = copy(database, &order);
    let again = again.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    assert_eq!(again.changed, 0, "{about}: running it again is harmless");
}

#[test]
fn every_kind_of_key_is_walked_to_the_end() {
    let cases: Vec<&Case> = CASES.iter().collect();
    let (database, proxy) = house("keys", &cases);
    cases.iter().for_each(|case| check(&database, case, &order()));
    proxy.stop();
}

#[test]
fn several_workers_share_the_keys() {
    let some = ["text", "no_key", "composite"];
    let cases: Vec<&Case> = CASES.iter().filter(|case| some.contains(&case.about)).collect();
    let (database, proxy) = house("keys_workers", &cases);
    let order = Order { workers: 3, ..order() };
    cases.iter().for_each(|case| check(&database, case, &order));
    proxy.stop();
    // Enough rows for each of them to have a range of its own.
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g FROM generate_series(1, 120000) g; ANALYZE t;";
    let migration = rename("t", "old", "new", Phase::DualWrite);
    let (database, proxy) = dual_writing("keys_shares", ddl, &migration);
    let (done, _) = copy(&database, &order);
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(120_000));
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old"), "0");
    proxy.stop();
}

#[test]
fn what_is_urgent_comes_first() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, seen date, old int, new int);
               INSERT INTO t SELECT g, date '2026-1-1' + g % 100, g FROM generate_series(1, 3000) g;";
    let migration = rename("t", "old", "new", Phase::DualWrite);
    let (database, proxy) = dual_writing("keys_urgent", ddl, &migration);
    let urgent = "t.seen > '2026-4-1'".to_owned();
    let order =
        Order { steps: vec![urgent.clone(), "seen > date '2026-3-1'".to_owned()], ..order() };
    let (done, events) = copy(&database, &order);
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(3_000));
    let mut passes: Vec<(String, u64)> = Vec::new();
    for event in events {
        let Event::Progress(progress) = event else { continue };
        match passes.last_mut() {
            Some((name, changed)) if *name == progress.pass_name => *changed = progress.changed,
            _other => passes.push((progress.pass_name, progress.changed)),
        }
    }
    let expected = [
        (urgent, 270),
        ("seen > date '2026-3-1'".to_owned(), 1_200),
        ("all rows".to_owned(), 3_000),
        ("sweep 1".to_owned(), 3_000),
    ];
    assert_eq!(passes, expected);
    proxy.stop();
}

#[test]
fn the_old_side_is_filled_on_the_way_back() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
               INSERT INTO t SELECT g, 'stale', g FROM generate_series(1, 500) g;";
    let migration =
        |phase| rename("t", "old", "new", phase).replace("rename-column", "change-column");
    let (database, proxy) = dual_writing("keys_back", ddl, &migration(Phase::SwitchReads));
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(500));
    assert_eq!(
        value(&database, "SELECT count(*) FROM t WHERE old IS DISTINCT FROM new::text"),
        "0"
    );
    proxy.stop();
}
