//! What standbys, replication slots and the archiver tell of a backfill that writes too much for them.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;

use crate::house::{House, Plan, connect, said};

/// More than it copies while it is watched.
const ROWS: i64 = 60_000;

const COPIED: &str = "SELECT count(new) FROM t";

/// A backfill that is watched by what the server tells.
struct Watched {
    house: House,
    running: Child,
    direct: Client,
}

impl Watched {
    /// Begins one that takes half a minute if nothing slows it down.
    async fn begin(settings: &'static [(&'static str, &'static str)]) -> Self {
        let plan = Plan {
            ddl: format!(
                "CREATE TABLE t (id bigint PRIMARY KEY, old text, new text);
                 INSERT INTO t SELECT g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
            ),
            migration: "kind = \"rename-column\"\ntable = \"t\"\nfrom = \"old\"\nto = \"new\"\n\
                        phase = \"dual-write\"\n"
                .to_owned(),
            settings,
            ..Plan::default()
        };
        let house = House::with(plan).await;
        let running = house.begin(&["backfill", "m", "--json", "--max-rate", "2000"]);
        let direct = house.direct().await;
        house.comes_to("rows are copied", COPIED, |count| count > 100).await;
        Self { house, running, direct }
    }

    /// It gives a reason that begins so, which `segue status` shows.
    async fn is_told(&self, begins: &str) {
        let given =
            format!("SELECT count(*) FROM segue.backfill WHERE starts_with(reason, '{begins}')");
        self.house.comes_to(begins, &given, |count| count == 1).await;
        let status = self.house.status();
        // By now it may be another number.
        let words = begins.split(char::is_numeric).next().unwrap_or_default();
        assert!(status.contains(words), "{begins}: {status}");
    }

    /// It stands still for such a reason, and copies nothing, soon after it was slowed down for it.
    async fn stands_still(&self, begins: &str) {
        self.is_told(begins).await;
        for _look in 0..10 {
            let before = self.house.number(COPIED).await;
            assert!(before < ROWS, "{begins}: it was too quick");
            // Longer than it rests between two batches, and than it takes to look twice.
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            if self.house.number(COPIED).await == before {
                return;
            }
        }
        panic!("{begins}: it goes on");
    }

    async fn goes_on(&self, about: &str) {
        let before = self.house.number(COPIED).await;
        self.house.comes_to(about, COPIED, |count| count > before).await;
    }

    async fn sql(&self, statements: &[&str]) {
        for statement in statements {
            self.direct.batch_execute(statement).await.expect("SQL");
        }
    }

    /// Writes so much WAL that tells nothing.
    async fn write_wal(&self, mebibytes: u32) {
        let written = format!(
            "SELECT pg_logical_emit_message(false, '', repeat('x', 1048576))
             FROM generate_series(1, {mebibytes})"
        );
        self.sql(&[&written]).await;
    }

    /// Ends it, and goes on without it: nothing is left out. Gives what made it stand still, each once.
    async fn end(self) -> Vec<String> {
        let cancelled = self.house.run(&["backfill", "m", "--cancel"]);
        assert_eq!(cancelled.0, Some(0), "{cancelled:?}");
        let (_, out, error) = said(self.running.wait_with_output().expect("an exit"));
        let done = self.house.run(&["backfill", "m", "--no-throttle"]);
        assert_eq!((done.0, self.house.number(COPIED).await), (Some(0), ROWS), "{done:?}");
        let events = out.lines().map(|line| serde_json::from_str(line).expect("an object"));
        let mut reasons: Vec<String> = events
            .filter(|event: &serde_json::Value| event["stands_still"] == true)
            .filter_map(|event| Some(without_numbers(event.get("reason")?.as_str()?)))
            .collect();
        reasons.dedup();
        assert!(!reasons.is_empty(), "{out}{error}");
        self.house.stop().await;
        reasons
    }
}

/// Whichever number it gives.
fn without_numbers(text: &str) -> String {
    text.split(char::is_numeric).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("N")
}

#[tokio::test]
async fn it_waits_for_a_standby() {
    let watched = Watched::begin(&[("wal_sender_timeout", "0")]).await;
    let standby = watched.house.cluster.standby().await.expect("a standby");
    let behind = connect(standby.superuser("postgres")).await;
    behind.batch_execute("SELECT pg_wal_replay_pause()").await.expect("a pause");
    watched.is_told("a standby is ").await;
    behind.batch_execute("SELECT pg_wal_replay_resume()").await.expect("an end of it");
    // One that says nothing at all any more.
    let receiver = "SELECT pid FROM pg_stat_wal_receiver";
    let receiver = behind.query_one(receiver, &[]).await.expect("a receiver").get(0);
    let receiver = Pid::from_raw(receiver).expect("a pid");
    kill_process(receiver, Signal::STOP).expect("a signal");
    watched.stands_still("a standby is 1").await;
    kill_process(receiver, Signal::CONT).expect("a signal");
    watched.goes_on("the standby has caught up").await;
    assert_eq!(watched.end().await, ["a standby is N s behind"]);
    standby.stop().await;
}

#[tokio::test]
async fn it_waits_for_a_slot_that_is_about_to_lose_its_wal() {
    let watched = Watched::begin(&[
        ("wal_level", "logical"),
        ("max_slot_wal_keep_size", "64MB"),
        // Checkpoints are no matter.
        ("max_wal_size", "16GB"),
        ("checkpoint_timeout", "30s"),
    ])
    .await;
    for (slot, made) in [
        ("whole", "pg_create_physical_replication_slot('whole', true)"),
        ("decoded", "pg_create_logical_replication_slot('decoded', 'pgoutput')"),
    ] {
        // From the beginning of a segment on there is room for 80 MiB.
        watched.sql(&["SELECT pg_switch_wal()", "CHECKPOINT", &format!("SELECT {made}")]).await;
        watched.goes_on("it has all it needs").await;
        watched.write_wal(66).await;
        let reason = format!("replication slot \"{slot}\" is about to lose the WAL that it needs");
        watched.stands_still(&reason).await;
        let reads = format!("SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())");
        // What is decoded is needed from where the running transactions were last written down.
        watched.sql(&["CHECKPOINT", &reads, &reads, &reads]).await;
        watched.goes_on("what it needed was read").await;
        watched.sql(&[&format!("SELECT pg_drop_replication_slot('{slot}')")]).await;
    }
    // What has lost it already needs nothing any more.
    watched.sql(&["SELECT pg_create_physical_replication_slot('lost', true)"]).await;
    watched.write_wal(100).await;
    watched.sql(&["CHECKPOINT"]).await;
    let lost = "SELECT count(*) FROM pg_replication_slots WHERE wal_status = 'lost'";
    assert_eq!(watched.house.number(lost).await, 1);
    watched.goes_on("it is not waited for").await;
    // One that may keep as much as it wants, and nobody reads it.
    watched
        .sql(&[
            "SELECT pg_drop_replication_slot('lost')",
            "ALTER SYSTEM SET max_slot_wal_keep_size = -1",
            "ALTER SYSTEM SET max_wal_size = '48MB'",
            "SELECT pg_reload_conf()",
            "SELECT pg_create_physical_replication_slot('unread', true)",
        ])
        .await;
    watched.write_wal(100).await;
    watched.is_told("replication slot \"unread\" keeps ").await;
    let about_to =
        |slot| format!("replication slot \"{slot}\" is about to lose the WAL that it needs");
    let reasons = watched.end().await;
    assert_eq!(
        reasons.get(..2),
        Some(["whole", "decoded"].map(about_to).as_slice()),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn it_waits_until_wal_can_be_archived() {
    let watched = Watched::begin(&[("archive_mode", "on"), ("archive_command", "true")]).await;
    let archive = |command| format!("ALTER SYSTEM SET archive_command = '{command}'");
    let reload = "SELECT pg_reload_conf()";
    watched.sql(&[&archive("false"), reload]).await;
    // It may know of it a moment later.
    while watched.house.number("SELECT failed_count FROM pg_stat_archiver").await == 0 {
        watched.sql(&["SELECT pg_switch_wal()"]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    watched.stands_still("WAL cannot be archived").await;
    watched.sql(&[&archive("true"), reload]).await;
    watched.goes_on("it can be archived again").await;
    assert_eq!(watched.end().await, ["WAL cannot be archived"]);
}
