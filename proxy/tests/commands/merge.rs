//! `segue run` of tables that are merged: from two tables to one, under traffic, and out of the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::house::{House, Plan};

/// Some users have a row in the one, some in the other, some in both. One table has a check, a column that must
/// have a value, and an index; both refer to the users, with whom their rows go.
const DDL: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE email_preferences (
        user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, digest text NOT NULL CHECK (digest <> ''),
        score int DEFAULT 7);
    CREATE INDEX email_digest ON email_preferences (lower(digest));
    CREATE TABLE notification_preferences (
        uid bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, push boolean NOT NULL DEFAULT true, score int);
    COMMENT ON COLUMN notification_preferences.push IS 'on the telephone';
    INSERT INTO users SELECT generate_series(1, 20000);
    INSERT INTO email_preferences SELECT g, 'digest ' || g FROM generate_series(1, 2000) g;
    INSERT INTO notification_preferences SELECT g, g % 2 = 0, g FROM generate_series(1001, 3000) g;
    ANALYZE;";

const MIGRATION: &str = "
    kind = \"merge-tables\"\ninto = \"user_preferences\"\nkey = \"user_id\"\nphase = \"expand\"\n\
    [[migration.source]]\ntable = \"email_preferences\"\npresent = \"has_email\"\n\
    columns = { digest = \"digest\", score = \"email_score\" }\n\
    [[migration.source]]\ntable = \"notification_preferences\"\nkey = \"uid\"\npresent = \"has_notification\"\n\
    columns = { push = \"push\", score = \"push_score\" }\n";

const RUN: [&str; 5] = ["run", "m", "--no-throttle", "--soak", "300ms"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_way_under_traffic() {
    let (ddl, migration) = (DDL.to_owned(), MIGRATION.to_owned());
    let plan = Plan { ddl, migration, ..Plan::default() };
    let house = House::with(plan).await;
    let (code, out, error) = house.run(&["run", "m", "--dry-run"]);
    assert_eq!(code, Some(0), "{out}{error}");
    for told in [
        "CREATE TABLE public.user_preferences",
        "segue backfill m: INSERT INTO user_preferences",
        "DROP TABLE IF EXISTS public.email_preferences, public.notification_preferences",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (code, out, error) =
        house.run(&["explain", "--all", "SELECT score FROM email_preferences WHERE user_id = 7"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let sent =
        "SELECT user_id, digest, email_score AS score FROM public.user_preferences WHERE has_email";
    assert!(out.contains(sent), "before the new table is there: {out}");
    let status = house.status();
    let tables = "email_preferences, notification_preferences -> user_preferences";
    assert!(status.contains(tables), "{status}");
    let (client, over) = (house.client().await, Arc::new(AtomicBool::new(false)));
    let (stop, count) = (Arc::clone(&over), Arc::new(AtomicI64::new(0)));
    let told = Arc::clone(&count);
    let traffic = tokio::spawn(async move {
        let mut number = 0_i64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let (id, new) = (number * 7 % 2000 + 1, 10_000 + number);
            let update = "UPDATE email_preferences SET score = score + 1, digest = digest WHERE user_id = $1";
            let changed = client.execute(update, &[&id]).await?;
            let read = "SELECT digest FROM email_preferences WHERE user_id = $1";
            let digest: String = client.query_one(read, &[&id]).await?.get(0);
            assert_eq!((changed, digest), (1, format!("digest {id}")));
            let insert = "INSERT INTO notification_preferences (uid) VALUES ($1) RETURNING push";
            let push: bool = client.query_one(insert, &[&new]).await?.get(0);
            let other = "SELECT digest FROM email_preferences WHERE user_id = $1";
            let other = client.query_opt(other, &[&new]).await?;
            let delete = "DELETE FROM notification_preferences WHERE uid = $1";
            let gone = client.execute(delete, &[&new]).await?;
            let again = client.execute(delete, &[&new]).await?;
            assert_eq!((push, other.is_none(), gone, again), (true, true, 1, 0));
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
    let left = "SELECT count(*) FROM pg_class WHERE relname IN ('email_preferences', 'notification_preferences')";
    assert_eq!(house.number(left).await, 0, "what was merged is gone");
    let right = "SELECT count(*) FROM user_preferences
        WHERE has_email = (user_id <= 2000) AND has_notification = (user_id BETWEEN 1001 AND 3000)
          AND digest IS NOT DISTINCT FROM CASE WHEN has_email THEN 'digest ' || user_id END
          AND push = CASE WHEN has_notification THEN user_id % 2 = 0 ELSE true END
          AND push_score IS NOT DISTINCT FROM CASE WHEN has_notification THEN user_id END
          AND (has_email OR has_notification)";
    assert_eq!(house.number(right).await, 3_000);
    let before = "SELECT count(*) FROM user_preferences WHERE has_email OR has_notification";
    assert_eq!(house.number(before).await, 3_000);
    let promises = "SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = 'user_preferences'::regclass
                              AND convalidated)
                           + (SELECT count(*) FROM pg_indexes WHERE tablename = 'user_preferences')";
    // Its key, the reference, the check, and the column that must have a value; the key's index and the other one.
    assert_eq!(house.number(promises).await, 4 + 2, "{out}");
    let client = house.client().await;
    let gone = client.execute("DELETE FROM users WHERE id = 1500", &[]).await.expect("a DELETE");
    let rows = client.query("SELECT * FROM notification_preferences WHERE uid = 1500", &[]).await;
    assert_eq!((gone, rows.expect("rows").len()), (1, 0), "rows go with those that they refer to");
    house.stop().await;
}

/// A table whose key is not its first column: without `positions` its columns would change their places when it is
/// dropped, under the proxy that runs and for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_dropped_whose_columns_would_change_their_places() {
    let ddl = "CREATE TABLE sp (num int, user_id int PRIMARY KEY, cnt int, amounts int);
        CREATE TABLE sq (user_id int PRIMARY KEY, other text);
        INSERT INTO sp VALUES (10, 1, 20, 30); ANALYZE;";
    let migration = "kind = \"merge-tables\"\ninto = \"so\"\nkey = \"user_id\"\nphase = \"expand\"\n\
        [[migration.source]]\ntable = \"sp\"\npresent = \"has_sp\"\ncolumns = [\"num\", \"cnt\", \"amounts\"]\n\
        [[migration.source]]\ntable = \"sq\"\npresent = \"has_sq\"\ncolumns = [\"other\"]\n";
    let plan = Plan { ddl: ddl.to_owned(), migration: migration.to_owned(), ..Plan::default() };
    let house = House::with(plan).await;
    let places = "positions = { num = 1, user_id = 2, cnt = 3, amounts = 4 }";
    let (code, out, error) = house.run(&["run", "m", "--dry-run"]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(out.matches(&format!("--   {places}\n")).count(), 1, "{out}");

    // Its gate keeps it from the last phase.
    let run = ["run", "m", "--no-throttle", "--soak", "0s", "--drop-old"];
    let (code, out, error) = house.run(&run);
    assert_eq!(code, Some(1), "{out}{error}");
    assert!(error.contains(&format!("        {places}\n")), "{error}");
    let line = format!("present = \"has_sp\"\n{places}\n");
    // The steps that were taken stand in the file too.
    let edit = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&house.config).expect("a file");
        std::fs::write(&house.config, text.replace(from, to)).expect("a file");
    };
    let known = "SELECT count(*) FROM segue.migration WHERE definition::text LIKE '%positions%'";
    edit("present = \"has_sp\"\n", &line);
    house.comes_to("it is known", known, |count| count == 1).await;
    let (code, out, error) = house.run(&["run", "m", "--no-throttle", "--soak", "0s"]);
    assert_eq!(code, Some(0), "{out}{error}");

    // Where it was taken back since, the tables stay.
    edit(&line, "present = \"has_sp\"\n");
    house.comes_to("it is forgotten", known, |count| count == 0).await;
    let (code, out, _) = house.run(&["check", "m"]);
    assert!(code == Some(5) && out.contains(places), "{out}");
    let (code, _, error) = house.run(&run);
    assert!(error.starts_with("nothing is dropped yet\n"), "{error}");
    assert!(code == Some(1) && error.contains(places), "{error}");
    edit("present = \"has_sp\"\n", &line);
    house.comes_to("it is known again", known, |count| count == 1).await;
    let client = house.client().await;
    let rows = "SELECT * FROM sp";
    let names = |row: &tokio_postgres::Row| -> Vec<(String, i32)> {
        row.columns()
            .iter()
            .enumerate()
            .map(|(at, it)| (it.name().to_owned(), row.get(at)))
            .collect()
    };
    let before = names(&client.query_one(rows, &[]).await.expect("a row"));
    let (code, out, error) = house.run(&run);
    assert_eq!(code, Some(0), "{out}{error}");
    let client = house.client().await;
    assert_eq!(names(&client.query_one(rows, &[]).await.expect("a row")), before);
    client.execute("INSERT INTO sp VALUES (11, 2, 21, 31)", &[]).await.expect("an INSERT");
    let stored = "SELECT count(*) FROM so WHERE (num, user_id, cnt, amounts) = (11, 2, 21, 31)";
    assert_eq!(house.number(stored).await, 1);
    house.stop().await;
}
