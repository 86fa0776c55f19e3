//! The way of a column that is added, from its first check to its last phase.

use std::os::unix::fs::MetadataExt;

use crate::house::{House, Plan, connect, line};

#[tokio::test]
async fn a_column_is_added_and_enforced() {
    let house = House::with(Plan {
        ddl: "CREATE TABLE users (id int PRIMARY KEY, born int);
              INSERT INTO users VALUES (1, 1990), (2, NULL)"
            .to_owned(),
        migration: "kind = \"backfill-column\"\ntable = \"users\"\ncolumn = \"age\"\n\
                    value = \"2024 - born\"\nphase = \"expand\"\n"
            .to_owned(),
        ..Plan::default()
    })
    .await;
    let closed = "m is in phase \"expand\"\n\n  next step  backfill: the gate is closed\n\n    \
                  not ready   missing-column\n      column \"age\" does not exist in \
                  \"public.users\", and phase \"backfill\" needs it\n        ALTER TABLE \
                  public.users ADD COLUMN age integer;";
    assert_eq!(house.run(&["check"]), line(5, closed));
    // What will be sent can be seen before.
    let explained = "expand\n  SELECT id, born FROM users\n\nbackfill\n  SELECT id, born FROM users\n  \
                     not ready: migration \"m\", key \"column\": column \"age\" does not exist in \
                     table \"public.users\" yet phase \"backfill\" needs it\n  HINT: run ALTER TABLE \
                     public.users ADD COLUMN age …; with its type before this phase\n\nenforce\n  \
                     SELECT id, born FROM users\n  not ready: migration \"m\", key \"column\": column \
                     \"age\" does not exist in table \"public.users\" yet phase \"enforce\" needs it\n  \
                     HINT: run ALTER TABLE public.users ADD COLUMN age …; with its type before this \
                     phase";
    assert_eq!(house.run(&["explain", "--all", "SELECT * FROM users"]), line(0, explained));
    let direct = connect(house.cluster.superuser("postgres")).await;
    direct.batch_execute("ALTER TABLE public.users ADD COLUMN age int").await.expect("DDL");
    assert_eq!(house.run(&["phase", "m", "backfill"]).0, Some(0));
    let status = house.status();
    assert!(status.contains("m  backfill  backfill-column: users.age = 2024 - born\n"), "{status}");
    let there = "migration \"m\" is in phase \"backfill\": it has no old side: what unchanged \
                 clients read has never moved";
    assert_eq!(house.run(&["fallback"]), line(0, there));
    // A step that is refused never stands in the file, which the proxy reads whenever it changes.
    let file = || {
        let inode = std::fs::metadata(&house.config).expect("the file").ino();
        (inode, std::fs::read_to_string(&house.config).expect("the file"))
    };
    let before = file();
    let (code, _, error) = house.run(&["phase", "m", "dual-write"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("kind \"backfill-column\" has no phase \"dual-write\""), "{error}");
    let (again, _, error_again) = house.run(&["phase", "m", "enforce"]);
    assert_eq!((again, file()), (Some(1), before), "{error_again}");
    let (code, _, error) = house.run(&["phase", "m", "enforce"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("column \"age\" is NULL in 1 row of \"public.users\""), "{error}");
    let fill = "UPDATE users SET age = 2024 - born WHERE age IS NULL AND born IS NOT NULL";
    direct.batch_execute(fill).await.expect("an update");
    assert_eq!(house.run(&["phase", "m", "enforce"]).0, Some(0));
    let last = "m is in phase \"enforce\"\n\n  way back   backfill: the gate is open\n\n  \
                next step  none: this is the last phase";
    assert_eq!(house.run(&["check"]), line(0, last));
    house.stop().await;
}
