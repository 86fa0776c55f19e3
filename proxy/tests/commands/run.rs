//! `segue run`: the whole way under traffic, and where it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::house::{House, Plan};

/// A table with everything that a new column must have too.
const DDL: &str = "
    CREATE TABLE teams (name varchar(50) PRIMARY KEY);
    INSERT INTO teams SELECT 'user' || g FROM generate_series(1, 3000) g;
    CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(50) NOT NULL UNIQUE CHECK (username <> ''),
        score int DEFAULT 7, FOREIGN KEY (username) REFERENCES teams (name));
    CREATE INDEX users_lower ON users (lower(username));
    INSERT INTO users SELECT g, 'user' || g FROM generate_series(1, 2000) g; ANALYZE users;";

async fn house(ddl: &str) -> House {
    House::with(Plan {
        ddl: ddl.to_owned(),
        migration:
            "kind = \"rename-column\"\ntable = \"users\"\nfrom = \"username\"\nto = \"handle\"\n\
                    phase = \"expand\"\n"
                .to_owned(),
        ..Plan::default()
    })
    .await
}

const RUN: [&str; 5] = ["run", "m", "--no-throttle", "--soak", "300ms"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_under_traffic() {
    let house = house(DDL).await;
    let (client, over) = (house.client().await, Arc::new(AtomicBool::new(false)));
    let (stop, count) = (Arc::clone(&over), Arc::new(AtomicI64::new(0)));
    let told = Arc::clone(&count);
    let traffic = tokio::spawn(async move {
        let mut number = 0_i64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let id = number * 7 % 2000 + 1;
            let changed = client
                .execute(
                    "UPDATE users SET score = score + 1, username = username WHERE id = $1",
                    &[&id],
                )
                .await?;
            let row = client.query_one("SELECT username FROM users WHERE id = $1", &[&id]).await?;
            assert_eq!((changed, row.get::<_, String>(0)), (1, format!("user{id}")));
            told.store(number, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok::<_, tokio_postgres::Error>(())
    });
    let (code, out, error) = house.run(&[&RUN[..], &["--drop-old", "--why", "a test"]].concat());
    assert_eq!(code, Some(0), "{out}{error}");
    over.store(true, Ordering::Relaxed);
    traffic.await.expect("no panic").expect("no client ever sees an error");
    assert!(count.load(Ordering::Relaxed) > 100);
    let way: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("== ")).collect();
    assert_eq!(
        way,
        [
            "expand -> dual-write",
            "dual-write -> switch-reads",
            "switch-reads -> stop-dual-write",
            "stop-dual-write -> contract"
        ]
    );
    let columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass
                   AND attname IN ('username', 'handle') AND attnum > 0";
    assert_eq!(house.number(columns).await, 1, "the old one is gone");
    let promises = "SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = 'users'::regclass AND convalidated)
                           + (SELECT count(*) FROM pg_indexes WHERE tablename = 'users')
                           + (SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass
                              AND attname = 'handle' AND attnotnull)";
    assert_eq!(
        house.number(promises).await,
        3 + 3 + 1,
        "the new one promises all that the old one did"
    );
    let names = "SELECT count(*) FROM users WHERE handle = 'user' || id";
    assert_eq!(house.number(names).await, 2_000);
    // There is nothing more to do.
    let (code, out, _) = house.run(&RUN);
    assert_eq!(
        (code, out.starts_with("migration \"m\" is in phase \"contract\"")),
        (Some(0), true),
        "{out}"
    );
    house.stop().await;
}

#[tokio::test]
async fn it_stops_where_a_human_is_needed_and_goes_on() {
    let view = format!("{DDL} CREATE VIEW names AS SELECT id, username FROM users;");
    let house = house(&view).await;
    let (code, out, error) = house.run(&[&RUN[..], &["--until", "switch-reads"]].concat());
    assert_eq!(code, Some(0), "{out}{error}");
    let (code, _, error) = house.run(&RUN);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("is closed by what is not for a machine"), "{error}");
    assert!(error.contains("CREATE OR REPLACE VIEW public.names"), "{error}");
    let view = "CREATE OR REPLACE VIEW names (id, username) AS SELECT id, handle FROM users";
    house.direct().await.batch_execute(view).await.expect("DDL");
    house
        .direct()
        .await
        .batch_execute("UPDATE segue.fleet SET frozen_at = now(), frozen_by = 'op'")
        .await
        .expect("a row");
    let (code, _, error) = house.run(&RUN);
    assert_eq!((code, error.starts_with("the fleet is frozen by op")), (Some(1), true), "{error}");
    house
        .direct()
        .await
        .batch_execute("UPDATE segue.fleet SET frozen_at = NULL")
        .await
        .expect("a row");
    let (code, out, error) = house.run(&RUN);
    assert_eq!(code, Some(0), "{out}{error}");
    house.stop().await;
}

#[tokio::test]
async fn two_at_once_are_refused() {
    let house = house(DDL).await;
    let first = house.begin(&["run", "m", "--no-throttle", "--soak", "1h"]);
    let there = "SELECT count(*) FROM segue.migration WHERE phase = 'switch-reads'";
    house.comes_to("it stays in switch-reads", there, |count| count == 1).await;
    let (code, out, error) = house.run(&RUN);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{error}");
    assert!(error.starts_with("another segue run of \"m\" is under way"), "{error}");
    let mut first = first;
    first.kill().expect("a signal");
    first.wait().expect("an exit");
    let (code, out, error) = house.run(&[&RUN[..], &["--until", "stop-dual-write"]].concat());
    assert_eq!(code, Some(0), "{out}{error}");
    house.stop().await;
}

#[tokio::test]
async fn a_dry_run_prints_each_statement_with_its_lock() {
    let house = house(DDL).await;
    let (code, out, error) = house.run(&["run", "m", "--dry-run"]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    let expected = "\
-- database \"postgres\", migration \"m\"

-- == expand -> dual-write
ALTER TABLE public.users ADD COLUMN handle varchar(50);
    -- ACCESS EXCLUSIVE, for a moment
";
    assert!(out.starts_with(&expected.replace("varchar(50)", "character varying(50)")), "{out}");
    for part in [
        "-- segue backfill m: UPDATE users SET handle = … in batches\n",
        "CREATE INDEX CONCURRENTLY users_handle_idx ON public.users USING btree (lower((handle)::text));\n",
        "    -- SHARE UPDATE EXCLUSIVE, while it builds the index\n",
        "VALIDATE CONSTRAINT segue_handle_not_null;\n    -- SHARE UPDATE EXCLUSIVE, while it reads the table\n",
        "-- segue phase m contract\n",
        "-- with --drop-old\nALTER TABLE public.users DROP COLUMN IF EXISTS username;\n",
    ] {
        assert!(out.contains(part), "{part:?} is missing in\n{out}");
    }
    let columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'handle'";
    assert_eq!(house.number(columns).await, 0, "nothing was changed");
    house.stop().await;
}

#[tokio::test]
async fn an_added_column_is_filled_and_made_not_null() {
    let house = House::with(Plan {
        ddl: "CREATE TABLE t (id bigint PRIMARY KEY, login date, made date NOT NULL);
              INSERT INTO t SELECT g, CASE WHEN g % 2 = 0 THEN date '2026-1-1' + g % 50 END, '2025-1-1'
              FROM generate_series(1, 3000) g"
            .to_owned(),
        migration: "kind = \"backfill-column\"\ntable = \"t\"\ncolumn = \"last\"\n\
                    value = \"COALESCE(login, made)\"\nnot_null = true\nphase = \"expand\"\n\
                    [[migration.backfill.step]]\nwhere = \"login > date '2026-1-30'\"\n"
            .to_owned(),
        ..Plan::default()
    })
    .await;
    let (code, out, error) = house.run(&["run", "m", "--until", "backfill"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let default = "ALTER TABLE t ALTER COLUMN last SET DEFAULT current_date";
    house.direct().await.batch_execute(default).await.expect("DDL");
    let (code, out, error) = house.run(&RUN);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.contains("login > date '2026-1-30': "), "the first step comes first: {out}");
    let wrong = "SELECT count(*) FROM t WHERE last IS DISTINCT FROM coalesce(login, made)";
    assert_eq!(house.number(wrong).await, 0);
    let not_null =
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'last'
                    AND attnotnull";
    assert_eq!(house.number(not_null).await, 1);
    house.stop().await;
}
