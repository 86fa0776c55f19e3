//! A standby takes the place of the server while a backfill runs.

use rustix::process::{Pid, Signal, kill_process};

use crate::backfill::{check, plan};
use crate::house::{House, Plan, connect, said};

const ROWS: i64 = 10_000;

const COPIED: &str = "SELECT count(new) FROM t";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_with_the_standby() {
    let mut house = House::with(Plan { has_door: true, ..plan(ROWS) }).await;
    let standby = house.cluster.standby().await.expect("a standby");
    let other = connect(standby.superuser("postgres")).await;
    let client = house.client().await;
    let running = house.begin(&["backfill", "m", "--no-throttle", "--max-rate", "4000"]);
    house.comes_to("rows are copied", COPIED, |count| count > 500).await;
    let (position, now) = ("SELECT pg_current_wal_insert_lsn()::text", house.direct().await);
    let position: String = now.query_one(position, &[]).await.expect("a row").get(0);
    let replayed =
        format!("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '{position}'");
    house.comes_to("the standby follows", &replayed, |count| count == 1).await;
    // From here on it receives nothing: what is copied meanwhile is lost with the server.
    for apart in ["ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"] {
        other.batch_execute(apart).await.expect("a setting");
    }
    let receives = "SELECT count(*) FROM pg_stat_replication";
    house.comes_to("the standby is on its own", receives, |count| count == 0).await;
    let received: i64 = other.query_one(COPIED, &[]).await.expect("a row").get(0);
    assert!(received > 500, "it followed");
    house.comes_to("more is copied", COPIED, |count| count > received + 1_000).await;
    let server = i32::try_from(house.cluster.process_id()).expect("a pid");
    kill_process(Pid::from_raw(server).expect("a pid"), Signal::QUIT).expect("a signal");
    other.batch_execute("SELECT pg_promote()").await.expect("a promotion");
    house.fail_over(standby);
    let done = said(running.wait_with_output().expect("an exit"));
    assert_eq!(done.0, Some(0), "{done:?}");
    assert!(done.2.contains("trying again"), "{done:?}");
    assert_eq!(check(&house, "at the end").await, ROWS);
    // The proxy has gone there too, and writes both sides.
    assert!(client.query_one("SELECT old FROM t WHERE id = 1", &[]).await.is_err());
    let client = house.client().await;
    let written = client.execute("UPDATE t SET old = '-1' WHERE id = 1", &[]).await;
    assert_eq!(written.expect("a write"), 1);
    assert_eq!(house.number("SELECT new::int8 FROM t WHERE id = 1").await, -1);
    house.stop().await;
}
