//! What clients feel of a throttled backfill: pgbench at a fixed rate through the proxy.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segue::backfill::signals::Seen;
use segue::backfill::{self, Event, Order, Progress};
use segue::cluster::SUPERUSER;

use segue_bench::processor::as_f64;

use super::house::House;
use super::subject::Kind;
use crate::fault::Fault;

/// How long clients are measured before, and at least during the backfill. Unit: seconds.
const BEFORE_S: u64 = 20;
const DURING_S: u64 = 25;

/// Forty per cent writes, as an application that has sessions and profiles.
const SCRIPT: &str = r"\set id random(1, :rows)
\set kind random(1, 10)
\if :kind <= 2
UPDATE users SET username = 'new_' || :id WHERE id = :id;
\elif :kind <= 4
UPDATE users SET score = score + 1 WHERE id = :id;
\else
SELECT id, username, email FROM users WHERE id = :id;
\endif
";

pub(super) async fn measure(rate: u32, rows: i64) -> Result<(), Fault> {
    let house = House::start(Kind::Column.subject()).await?;
    house.seed(rows).await?;
    house.copy(rows).await?;
    let (proxy, control) = house.serve().await?;
    let folder = house.cluster.folder().to_owned();
    let script = folder.join("script.sql");
    std::fs::write(&script, SCRIPT)?;
    let load = Load { house: &house, port: proxy.addr.port(), rate, rows, script, folder };
    // Everything is in memory then, on the client's side too.
    load.run("warm", BEFORE_S).await?;
    println!(
        "| | requests | p50 ms | p99 ms | max ms | rows copied/s |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    for (name, throttle) in [("during, throttled", true), ("during, not throttled", false)] {
        let client = house.connect("work").await?;
        for sql in ["UPDATE users SET handle = NULL", "VACUUM users", "CHECKPOINT"] {
            client.batch_execute(sql).await?;
        }
        // The server is as busy with what was just done before as it is during.
        let before = load.run("before", BEFORE_S).await?;
        println!("| before | {} | |", before.line());
        let order =
            Order { throttle, anew: true, ..Order::of(house.subject.migration, "the bench") };
        let latency = Arc::clone(&proxy.latency);
        let clients: backfill::job::Clients =
            Arc::new(move |length| Some(Seen::of(&latency, length)));
        let mut last = Progress::default();
        let begun = Instant::now();
        let mut report = |event: Event| {
            if let Event::Progress(progress) = event {
                last = progress;
            }
        };
        let copying = backfill::run(&control, &order, &clients, &mut report);
        let felt = tokio::select! {
            felt = load.run("during", DURING_S) => felt?,
            done = copying => {
                done.map_err(|error| Fault::Other(error.with_hint()))?;
                return Err(Fault::Other("the backfill was over too soon: take more rows".to_owned()));
            }
        };
        let copied =
            as_f64(i64::try_from(last.changed).unwrap_or(0)) / begun.elapsed().as_secs_f64();
        println!("| {name} | {} | {copied:.0} |", felt.line());
        let _ = tokio::time::sleep(Duration::from_secs(2)).await;
    }
    proxy.stop().await;
    house.stop().await;
    Ok(())
}

struct Load<'a> {
    house: &'a House,
    port: u16,
    rate: u32,
    rows: i64,
    script: PathBuf,
    folder: PathBuf,
}

/// Latencies in microseconds, sorted.
struct Felt(Vec<u64>);

impl Felt {
    fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into some ten thousand latencies"
        )]
        let index = (share * last as f64) as usize;
        as_f64(i64::try_from(self.0.get(index).copied().unwrap_or(0)).unwrap_or(0)) / 1_000.0
    }

    fn line(&self) -> String {
        let (p50, p99, most) = (self.at(0.5), self.at(0.99), self.at(1.0));
        format!("{} | {p50:.2} | {p99:.2} | {most:.1}", self.0.len())
    }
}

impl Load<'_> {
    /// Runs clients for a while. Latencies count from when a request was due.
    async fn run(&self, name: &str, seconds: u64) -> Result<Felt, Fault> {
        let prefix = self.folder.join(name);
        // Some put the server's programs on the path one by one, and this is not one of those.
        let beside = self.house.cluster.binaries().program("pgbench");
        let program = if beside.exists() { beside } else { PathBuf::from("pgbench") };
        let mut pgbench = tokio::process::Command::new(program);
        pgbench
            .args([
                "-n",
                "-M",
                "prepared",
                "-c",
                "8",
                "-j",
                "1",
                "-h",
                "127.0.0.1",
                "-U",
                SUPERUSER,
            ])
            .args(["-p", &self.port.to_string(), "-R", &self.rate.to_string()])
            .args(["-T", &seconds.to_string(), "-D", &format!("rows={}", self.rows)])
            .arg("-f")
            .arg(&self.script)
            .arg("-l")
            .arg(format!("--log-prefix={}", prefix.display()))
            .arg("work")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let output = pgbench.output().await?;
        if !output.status.success() {
            return Err(Fault::Other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        read(&self.folder, name)
    }
}

/// The third column of pgbench's logs is a transaction's latency in microseconds.
fn read(folder: &Path, name: &str) -> Result<Felt, Fault> {
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !file.starts_with(&format!("{name}.")) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let of_line = |line: &str| line.split(' ').nth(2).and_then(|it| it.parse::<u64>().ok());
        latencies.extend(text.lines().filter_map(of_line));
        std::fs::remove_file(&path)?;
    }
    latencies.sort_unstable();
    Ok(Felt(latencies))
}
