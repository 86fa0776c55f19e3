//! pgbench: the load that everybody knows, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use segue::cluster::SUPERUSER;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::fault::Fault;

/// What each transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// SELECT of one account by its key
    Select,
    /// pgbench's own transaction like TPC-B: seven statements
    TpcB,
}

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    Simple,
    Extended,
    Prepared,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::TpcB => "tpcb-like",
        }
    }
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Prepared => "prepared",
        }
    }
}

/// A run of pgbench.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) program: PathBuf,
    pub(crate) database: String,
    pub(crate) port: u16,
    pub(crate) mode: Mode,
    pub(crate) clients: u32,
    pub(crate) seconds: u32,
    pub(crate) tls: bool,
    /// Each transaction over a connection of its own.
    pub(crate) reconnect: bool,
}

/// What it says in the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) transactions: f64,
    pub(crate) per_second: f64,
    pub(crate) latency_ms: f64,
}

impl Load {
    /// One of pgbench's own workloads.
    pub(crate) async fn run(&self, workload: Workload) -> Result<Outcome, Fault> {
        self.watched(workload, || ()).await.map(|(outcome, _)| outcome)
    }

    /// The same, and a look at something once everybody is connected and busy, with the number of transactions
    /// from then on: what it costs to begin is not to be counted for each of them.
    pub(crate) async fn watched<L: Copy>(
        &self,
        workload: Workload,
        look: impl Fn() -> L,
    ) -> Result<(Outcome, Option<Steady<L>>), Fault> {
        let builtin = match workload {
            Workload::Select => "select-only",
            Workload::TpcB => "tpcb-like",
        };
        self.pgbench(&["--builtin", builtin], look).await
    }

    /// Transactions of one's own.
    pub(crate) async fn run_script(&self, script: &Path) -> Result<Outcome, Fault> {
        let file = script.display().to_string();
        self.pgbench(&["--file", &file], || ()).await.map(|(outcome, _)| outcome)
    }

    async fn pgbench<L: Copy>(
        &self,
        what: &[&str],
        look: impl Fn() -> L,
    ) -> Result<(Outcome, Option<Steady<L>>), Fault> {
        let mut process = self.command(what).spawn()?;
        let (mut complaint, mut steady) = (String::new(), None::<Steady<L>>);
        if let Some(errors) = process.stderr.take() {
            let mut lines = BufReader::new(errors).lines();
            while let Some(line) = lines.next_line().await? {
                match (progress(&line), &mut steady) {
                    (Some(_), None) => {
                        let seen = look();
                        steady = Some(Steady { begins: seen, ends: seen, transactions: 0.0 });
                    }
                    (Some(transactions), Some(steady)) => {
                        steady.ends = look();
                        steady.transactions += transactions;
                    }
                    (None, _) => complaint = complaint + &line + "\n",
                }
            }
        }
        let output = process.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || complaint.contains("aborted") {
            return Err(Fault::Other(format!("pgbench on port {}: {complaint}", self.port)));
        }
        let wanted = |key: &str| {
            let silent = || Fault::Other(format!("pgbench does not say \"{key}\":\n{said}"));
            number(&said, key).ok_or_else(silent)
        };
        if wanted("number of failed transactions:")? > 0.0 {
            return Err(Fault::Other(format!("transactions failed:\n{said}{complaint}")));
        }
        let outcome = Outcome {
            transactions: wanted("number of transactions actually processed:")?,
            per_second: wanted("tps =")?,
            latency_ms: wanted("latency average =")?,
        };
        Ok((outcome, steady.filter(|steady| steady.transactions > 0.0)))
    }

    fn command(&self, what: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(what)
            .args(["--no-vacuum", "--progress", "1", "--protocol", self.mode.name()])
            .args(["--client", &self.clients.to_string(), "--time", &self.seconds.to_string()])
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--username", SUPERUSER, &self.database])
            .env("PGSSLMODE", if self.tls { "require" } else { "disable" })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if self.reconnect {
            command.arg("--connect");
        }
        command
    }
}

/// What was seen between the first and the last second, and the transactions of that time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steady<L> {
    pub(crate) begins: L,
    pub(crate) ends: L,
    pub(crate) transactions: f64,
}

/// Transactions of the last second, where a line tells of them:
/// `progress: 2.0 s, 21334.1 tps, lat 0.745 ms stddev 0.311, 0 failed`.
fn progress(line: &str) -> Option<f64> {
    let told = line.strip_prefix("progress: ")?;
    told.split(", ").nth(1)?.strip_suffix(" tps")?.parse().ok()
}

/// The number behind a key.
fn number(said: &str, key: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().split([' ', '/']).next()?.parse().ok()
}
