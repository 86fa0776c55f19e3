//! `segue backfill` as an operator runs it: what it prints, and what is left when it is killed at any
//! place, or the server crashes under it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use segue::cluster::{Cluster, ClusterOptions, SUPERUSER};
use tokio_postgres::{Client, NoTls};

const ROWS: i64 = 30_000;

/// A running proxy, which must not outlive its test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, a migration in dual-write, and the proxy that serves it.
struct House {
    cluster: Cluster,
    config: PathBuf,
    proxy: Proxy,
}

impl House {
    async fn start() -> Self {
        let settings = vec![("log_min_messages".to_owned(), "panic".to_owned())];
        let options = ClusterOptions { settings, ..ClusterOptions::default() };
        let cluster = Cluster::start(options).await.expect("a cluster");
        let ddl = format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
             INSERT INTO t SELECT g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
        );
        connect(&cluster).await.batch_execute(&ddl).await.expect("a table");
        let config = cluster.folder().join("segue.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol = \"{}\"\n\
             [[migration]]\nname = \"m\"\nkind = \"change-column\"\ntable = \"t\"\n\
             from = \"old\"\nto = \"new\"\nphase = \"dual-write\"\n",
            cluster.port(),
            cluster.url(SUPERUSER, "postgres"),
        );
        std::fs::write(&config, text).expect("a file");
        let made = segue(&["init"], &config).output().expect("an exit");
        assert!(made.status.success(), "{made:?}");
        let mut serve = segue(&["serve", "--adopt"], &config);
        let proxy = Proxy(serve.stderr(Stdio::null()).spawn().expect("a proxy"));
        let house = Self { cluster, config, proxy };
        let drained = "SELECT count(*) FROM segue.replica, segue.fleet WHERE acknowledged = epoch";
        house.eventually("it has drained", drained, |count| count == 1).await;
        house
    }

    fn run(&self, arguments: &[&str]) -> Output {
        segue(arguments, &self.config).output().expect("an exit")
    }

    /// The same while this test goes on.
    fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = segue(arguments, &self.config);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
    }

    async fn number(&self, query: &str) -> i64 {
        let row = connect(&self.cluster).await.query_one(query, &[]).await.expect("a row");
        row.get(0)
    }

    async fn eventually(&self, what: &str, query: &str, holds: impl Fn(i64) -> bool) {
        for _ in 0..500 {
            if holds(self.number(query).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not in time: {what}");
    }

    /// Exactly the rows that the journal says were changed are copied, none of them twice.
    async fn check(&self, about: &str) -> i64 {
        let copied = self.number("SELECT count(*) FROM t WHERE new = old::int").await;
        let told = "SELECT coalesce(sum(b.changed), 0)::int8
                           + coalesce((SELECT sum(changed) FROM segue.backfill_range), 0)::int8
                    FROM segue.backfill b";
        assert_eq!(self.number(told).await, copied, "{about}: what is told is what was done");
        copied
    }

    async fn stop(self) {
        drop(self.proxy);
        self.cluster.stop().await;
    }
}

fn segue(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.args(arguments).arg("--config").arg(config).env_remove("RUST_LOG");
    command
}

async fn connect(cluster: &Cluster) -> Client {
    let (client, connection) =
        cluster.superuser("postgres").connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const QUICK: [&str; 3] = ["backfill", "m", "--no-throttle"];

#[tokio::test]
async fn killed_at_any_place_it_goes_on_there() {
    let house = House::start().await;
    for (place, times) in [
        ("backfill-pass-begun", 1),
        ("backfill-window-opened", 1),
        ("backfill-copied", 1),
        ("backfill-committed", 1),
        ("backfill-copied", 4),
        ("backfill-committed", 5),
        ("backfill-copied", 9),
        // The sweep, since all rows are copied by then.
        ("backfill-pass-begun", 1),
        ("backfill-window-closed", 1),
    ] {
        let about = format!("{place}:{times}");
        let mut command = segue(&QUICK, &house.config);
        command.env("SEGUE_KILL_AT", &about);
        let killed = command.output().expect("an exit");
        assert_eq!(killed.status.code(), None, "{about}: it is never come to: {killed:?}");
        house.check(&about).await;
    }
    let done = house.run(&QUICK);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(house.check("at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_there() {
    let house = House::start().await;
    let slowly = ["backfill", "m", "--no-throttle", "--max-rate", "15000", "--workers", "2"];
    let mut before = 0;
    for round in 0..8 {
        let mut running = house.begin(&slowly);
        tokio::time::sleep(Duration::from_millis(400 + round * 67)).await;
        running.kill().expect("a signal");
        running.wait().expect("an exit");
        // What its last batches did is told as soon as the server has noticed.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let copied = house.check(&format!("round {round}")).await;
        assert!(copied >= before, "nothing is undone");
        before = copied;
    }
    assert!(before > 0, "it never came to do anything");
    let done = house.run(&QUICK);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(house.check("at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn it_outlives_a_crash_of_the_server() {
    let house = House::start().await;
    let running = house.begin(&["backfill", "m", "--no-throttle", "--max-rate", "10000"]);
    house.eventually("rows are copied", "SELECT count(new) FROM t", |count| count > 500).await;
    let backend =
        "SELECT pid::int8 FROM pg_stat_activity WHERE application_name = 'segue backfill' LIMIT 1";
    let backend = house.number(backend).await;
    let pid = Pid::from_raw(i32::try_from(backend).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::KILL).expect("a signal");
    let done = running.wait_with_output().expect("an exit");
    assert!(done.status.success(), "{done:?}");
    assert!(text(&done.stderr).contains("trying again"), "{done:?}");
    assert_eq!(house.check("at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn it_tells_how_far_it_is_and_does_as_it_is_told() {
    let house = House::start().await;
    let nothing = house.run(&["backfill", "m", "--pause"]);
    assert_eq!(text(&nothing.stderr), "no backfill of \"m\" is running\n");
    let never = house.run(&["backfill", "m", "--status"]);
    assert_eq!(text(&never.stdout), "no backfill of \"m\" was ever begun\n");
    let running = house.begin(&["backfill", "m", "--max-rate", "10000", "--no-throttle", "--json"]);
    house.eventually("rows are copied", "SELECT count(new) FROM t", |count| count > 500).await;
    let second = house.run(&QUICK);
    let said = text(&second.stderr);
    assert!(said.starts_with("a backfill of \"m\" is running already by "), "{said}");
    assert!(said.contains("hint: segue backfill --pause"), "{said}");
    assert!(house.run(&["backfill", "m", "--pause"]).status.success());
    let paused = "SELECT count(*) FROM segue.backfill WHERE reason LIKE 'paused by %'";
    house.eventually("it is paused", paused, |count| count == 1).await;
    let status = text(&house.run(&["backfill", "m", "--status"]).stdout);
    assert!(status.starts_with("backfill of \"m\" (column \"new\"): paused, "), "{status}");
    assert!(status.contains("all rows: "), "{status}");
    assert!(text(&house.run(&["status"]).stdout).contains("backfill of \"m\" (column \"new\"): paused"), "{status}");
    assert!(house.run(&["backfill", "m", "--resume"]).status.success());
    let done = running.wait_with_output().expect("an exit");
    assert!(done.status.success(), "{done:?}");
    let events: Vec<serde_json::Value> = text(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let first = events.first().expect("an event");
    assert_eq!((&first["event"], &first["total"]), (&"began".into(), &ROWS.into()));
    let last = events.last().expect("an event");
    assert_eq!((&last["event"], &last["changed"]), (&"done".into(), &ROWS.into()));
    assert!(events.iter().any(|event| event["stands_still"] == true));
    house.stop().await;
}

#[tokio::test]
async fn rows_that_cannot_be_copied_are_told_in_the_end() {
    let house = House::start().await;
    let direct = connect(&house.cluster).await;
    direct.batch_execute("UPDATE t SET old = 'x' WHERE id IN (5, 20000)").await.expect("rows");
    let stopped = house.run(&QUICK);
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    let said = text(&stopped.stderr);
    assert!(
        said.contains("cannot be copied: invalid input syntax for type integer: \"x\""),
        "{said}"
    );
    assert!(said.contains("--on-error skip"), "{said}");
    let skipped = house.run(&["backfill", "m", "--no-throttle", "--on-error", "skip"]);
    assert_eq!(skipped.status.code(), Some(6), "{skipped:?}");
    let said = text(&skipped.stderr);
    for id in [5, 20_000] {
        let row = format!("not copied: public.t, id = {id}: invalid input syntax");
        assert!(said.contains(&row), "{said}");
    }
    assert!(text(&skipped.stdout).contains("could not copy 2 rows"), "{skipped:?}");
    direct.batch_execute("UPDATE t SET old = '7' WHERE old = 'x'").await.expect("rows");
    let done = house.run(&QUICK);
    assert!(done.status.success(), "{done:?}");
    house.stop().await;
}
