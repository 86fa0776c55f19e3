//! Backfill and verification on a real server, with each kind of key.

use tokio_postgres::{Client, NoTls};

use super::{SAMPLES, Verdict, run};
use crate::backfill::{self, Columns};
use crate::cluster::{Cluster, ClusterOptions};

async fn connect(cluster: &Cluster) -> Client {
    let (client, connection) = cluster.superuser("postgres").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn cluster() -> Cluster {
    Cluster::start(ClusterOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{error}\nHINT: {}", error.hint()))
}

#[tokio::test]
async fn every_kind_of_key_is_walked_to_the_end() {
    let cluster = cluster().await;
    let mut client = connect(&cluster).await;
    let keys = [
        ("id bigint PRIMARY KEY", "g"),
        ("id text COLLATE \"C\" PRIMARY KEY", "'k' || g"),
        ("id uuid PRIMARY KEY", "md5(g::text)::uuid"),
        (
            "\"Big \"\"id\" int, day date, PRIMARY KEY (day, \"Big \"\"id\")",
            "g, date '2020-1-1' + g % 7",
        ),
    ];
    for (key, values) in keys {
        client
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS \"odd table\"; \
                 CREATE TABLE \"odd table\" ({key}, old numeric, \"new\"\"\" numeric); \
                 INSERT INTO \"odd table\" SELECT {values}, g FROM generate_series(1, 2345) g; \
                 UPDATE \"odd table\" SET old = NULL WHERE old = 7; \
                 UPDATE \"odd table\" SET old = 1.0, \"new\"\"\" = 1.00 WHERE old = 8"
            ))
            .await
            .unwrap();
        let columns = Columns::with_primary_key(&client, "public", "odd table", "old", "new\"")
            .await
            .unwrap();
        let before = run(&client, &columns, &mut |_| ()).await.unwrap();
        assert_eq!((before.compared, before.diverged), (2345, 2344), "{key}");
        assert_eq!(before.samples.len(), SAMPLES);
        let mut reports = 0;
        let done = backfill::run(&mut client, &columns, 0.0, &mut |_| reports += 1).await.unwrap();
        assert_eq!((done.passed, done.changed, done.retries), (2345, 2344, 0), "{key}");
        assert!(reports > 3, "batches are smaller than the table");
        let after = run(&client, &columns, &mut |_| ()).await.unwrap();
        assert_eq!(after, Verdict { compared: 2345, diverged: 0, samples: Vec::new() }, "{key}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_locked_row_is_waited_for_without_blocking_its_holder() {
    let cluster = cluster().await;
    let mut client = connect(&cluster).await;
    client
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, a text, b text); \
             INSERT INTO t SELECT g, g FROM generate_series(1, 10) g",
        )
        .await
        .unwrap();
    let columns = Columns::with_primary_key(&client, "public", "t", "a", "b").await.unwrap();
    let holder = connect(&cluster).await;
    holder.batch_execute("BEGIN; UPDATE t SET a = 'changed' WHERE id = 5").await.unwrap();
    let release = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        holder.batch_execute("COMMIT").await.unwrap();
        holder
    });
    let done = backfill::run(&mut client, &columns, 0.0, &mut |_| ()).await.unwrap();
    assert!(done.retries > 0, "{done:?}");
    assert_eq!(done.changed, 10);
    release.await.unwrap();
    assert!(run(&client, &columns, &mut |_| ()).await.unwrap().is_clean());
    cluster.stop().await;
}

#[tokio::test]
async fn a_table_without_a_key_is_refused() {
    let cluster = cluster().await;
    let client = connect(&cluster).await;
    let error = Columns::with_primary_key(&client, "public", "absent", "a", "b").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "table \"public.absent\" does not exist or has no primary key to walk by"
    );
    cluster.stop().await;
}
