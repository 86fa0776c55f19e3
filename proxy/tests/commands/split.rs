//! `segue run` of a table that is split: from one table to two, under traffic, and out of one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::house::{House, Plan};

/// What moves has a default, a check and an index of its own.
const DDL: &str = "
    CREATE TABLE users (
        id bigint PRIMARY KEY, email varchar(50) NOT NULL UNIQUE, bio text DEFAULT 'none' CHECK (bio <> ''),
        settings jsonb NOT NULL DEFAULT '{}', score int DEFAULT 7);
    CREATE INDEX users_bio ON users (lower(bio));
    COMMENT ON COLUMN users.bio IS 'what they say of themselves';
    INSERT INTO users SELECT g, 'user' || g, 'bio ' || g, jsonb_build_object('n', g) FROM generate_series(1, 2000) g;
    ANALYZE users;";

const MIGRATION: &str = "
    kind = \"split-table\"\ntable = \"users\"\ninto = \"user_profiles\"\n\
    key = { from = \"id\", to = \"user_id\" }\ncolumns = [\"bio\", \"settings\"]\nphase = \"expand\"\n";

const RUN: [&str; 5] = ["run", "m", "--no-throttle", "--soak", "300ms"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_under_traffic() {
    let plan = Plan { ddl: DDL.to_owned(), migration: MIGRATION.to_owned(), ..Plan::default() };
    let house = House::with(plan).await;
    let (code, out, error) = house.run(&["run", "m", "--dry-run"]);
    assert_eq!(code, Some(0), "{out}{error}");
    for told in ["CREATE TABLE public.user_profiles", "segue backfill m: INSERT INTO user_profiles"]
    {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (client, over) = (house.client().await, Arc::new(AtomicBool::new(false)));
    let (stop, count) = (Arc::clone(&over), Arc::new(AtomicI64::new(0)));
    let told = Arc::clone(&count);
    let traffic = tokio::spawn(async move {
        let mut number = 0_i64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let (id, new) = (number * 7 % 2000 + 1, 10_000 + number);
            let update = "UPDATE users SET score = score + 1, bio = bio WHERE id = $1";
            let changed = client.execute(update, &[&id]).await?;
            let read = "SELECT bio FROM users WHERE id = $1";
            let bio: String = client.query_one(read, &[&id]).await?.get(0);
            assert_eq!((changed, bio), (1, format!("bio {id}")));
            let insert =
                "INSERT INTO users (id, email) VALUES ($1, $1::bigint::text) RETURNING bio";
            let bio: String = client.query_one(insert, &[&new]).await?.get(0);
            let gone = client.execute("DELETE FROM users WHERE id = $1", &[&new]).await?;
            assert_eq!((bio.as_str(), gone), ("none", 1));
            told.store(number, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok::<_, tokio_postgres::Error>(())
    });
    let (code, out, error) = house.run(&[&RUN[..], &["--drop-old"]].concat());
    assert_eq!(code, Some(0), "{out}{error}");
    over.store(true, Ordering::Relaxed);
    traffic.await.expect("no panic").expect("no client ever sees an error");
    assert!(count.load(Ordering::Relaxed) > 100);
    let left = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass
                AND attname IN ('bio', 'settings')";
    assert_eq!(house.number(left).await, 0, "what moved is gone from where it was");
    let right = "SELECT count(*) FROM users JOIN user_profiles ON user_id = id
                 WHERE bio = 'bio ' || id AND settings = jsonb_build_object('n', id)";
    let rows = "SELECT (SELECT count(*) FROM users) * 10000 + (SELECT count(*) FROM user_profiles)";
    assert_eq!((house.number(right).await, house.number(rows).await), (2_000, 20_002_000));
    let promises =
        "SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = 'user_profiles'::regclass
                              AND convalidated)
                           + (SELECT count(*) FROM pg_indexes WHERE tablename = 'user_profiles')";
    // Its key, the reference and the check; the key's index and the other one.
    assert_eq!(house.number(promises).await, 3 + 2, "{out}");
    house.stop().await;
}
