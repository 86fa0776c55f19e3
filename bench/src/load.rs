//! pgbench: the load that everybody knows, in a process of its own.

use std::path::{Path, PathBuf};

use segue::cluster::SUPERUSER;

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
        let builtin = match workload {
            Workload::Select => "select-only",
            Workload::TpcB => "tpcb-like",
        };
        self.pgbench(&["--builtin", builtin]).await
    }

    /// Transactions of one's own.
    pub(crate) async fn run_script(&self, script: &Path) -> Result<Outcome, Fault> {
        self.pgbench(&["--file", &script.display().to_string()]).await
    }

    async fn pgbench(&self, what: &[&str]) -> Result<Outcome, Fault> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(what)
            .args(["--no-vacuum", "--protocol", self.mode.name()])
            .args(["--client", &self.clients.to_string(), "--time", &self.seconds.to_string()])
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--username", SUPERUSER, &self.database])
            .env("PGSSLMODE", if self.tls { "require" } else { "disable" })
            .kill_on_drop(true);
        if self.reconnect {
            command.arg("--connect");
        }
        let output = command.output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || complaint.contains("aborted") {
            return Err(Fault::Other(format!("pgbench on port {}: {complaint}", self.port)));
        }
        let wanted = |key: &str| {
            number(&said, key)
                .ok_or_else(|| Fault::Other(format!("pgbench does not say \"{key}\":\n{said}")))
        };
        if wanted("number of failed transactions:")? > 0.0 {
            return Err(Fault::Other(format!("transactions failed:\n{said}{complaint}")));
        }
        Ok(Outcome {
            transactions: wanted("number of transactions actually processed:")?,
            per_second: wanted("tps =")?,
            latency_ms: wanted("latency average =")?,
        })
    }
}

/// The number behind a key.
fn number(said: &str, key: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().split([' ', '/']).next()?.parse().ok()
}
