//! The server process: `initdb` or a copy of another one, start, readiness, stop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::SUPERUSER;
use super::account::Account;
use super::binaries::Binaries;
use super::error::ClusterError;
use super::folder::Folder;

/// How long a server may take to start on a busy machine. Unit: seconds.
const START_DEADLINE_S: u64 = 60;

/// How long a server may take to end in good order. Unit: milliseconds.
const STOP_DEADLINE_MS: u64 = 10_000;

/// How long a server may take to end at once: PostgreSQL itself kills its children after 5 s.
/// Unit: milliseconds.
const QUIT_DEADLINE_MS: u64 = 7_000;

/// How often a starting or ending server is looked at. Unit: milliseconds.
const POLL_MS: u64 = 20;

/// How much of a log is shown in an error. Unit: lines.
const LOG_LINES: usize = 12;

/// The line of `postmaster.pid` that says how far the server is, counted from 0.
const STATUS_LINE: usize = 7;

/// A running postmaster; dropping it ends it at once.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
}

/// Runs `initdb`.
pub(super) async fn initialise(
    binaries: &Binaries,
    account: &Account,
    folder: &Folder,
) -> Result<(), ClusterError> {
    let initdb = binaries.program("initdb");
    let mut command = account.command(&initdb);
    command
        .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username"])
        .arg(SUPERUSER)
        .arg("--pgdata")
        .arg(folder.data());
    run(&initdb, command, account, folder).await
}

/// Runs `pg_basebackup` of the server with that socket folder and port, so that the copy will follow it.
pub(super) async fn copy(
    binaries: &Binaries,
    account: &Account,
    folder: &Folder,
    (sockets, port): (PathBuf, u16),
) -> Result<(), ClusterError> {
    let basebackup = binaries.program("pg_basebackup");
    let mut command = account.command(&basebackup);
    command
        .args([
            "--no-sync",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-password",
            "--username",
        ])
        .arg(SUPERUSER)
        .arg("--host")
        .arg(sockets)
        .args(["--port", &port.to_string()])
        .arg("--pgdata")
        .arg(folder.data());
    run(&basebackup, command, account, folder).await
}

/// Runs a program that makes a data directory to its end.
async fn run(
    program: &Path,
    mut command: Command,
    account: &Account,
    folder: &Folder,
) -> Result<(), ClusterError> {
    command.current_dir(folder.path()).stdin(Stdio::null());
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| ClusterError::spawn(program, account, error))?;
    if output.status.success() { Ok(()) } else { Err(ClusterError::failed(program, &output)) }
}

impl Server {
    /// Starts the postmaster on `port`; it is not ready yet.
    pub(super) fn spawn(
        binaries: &Binaries,
        account: &Account,
        folder: &Folder,
        port: u16,
    ) -> Result<Self, ClusterError> {
        let log = folder.log();
        let file = std::fs::File::create(&log).map_err(|error| ClusterError::file(&log, error))?;
        let twin = file.try_clone().map_err(|error| ClusterError::file(&log, error))?;
        let postgres = binaries.program("postgres");
        let process = account
            .command(&postgres)
            .arg("-D")
            .arg(folder.data())
            .args(["-p", &port.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(twin)
            .spawn()
            .map_err(|error| ClusterError::spawn(&postgres, account, error))?;
        Ok(Self { process })
    }

    /// Process id of the postmaster.
    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the server says that it accepts connections.
    ///
    /// Cancel safe: only looks.
    pub(super) async fn wait_until_ready(&mut self, folder: &Folder) -> Result<(), ClusterError> {
        let started = Instant::now();
        let pid_file = folder.data().join("postmaster.pid");
        while started.elapsed() < Duration::from_secs(START_DEADLINE_S) {
            if self.has_ended() {
                return Err(ClusterError::Ended { log: end_of_log(&folder.log()) });
            }
            let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
            if text.lines().nth(STATUS_LINE).is_some_and(|status| status.trim() == "ready") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        }
        Err(ClusterError::Start { seconds: START_DEADLINE_S, log: end_of_log(&folder.log()) })
    }

    /// Fast shutdown: open transactions are rolled back, everything is written.
    ///
    /// Cancel safe: what is not done yet is done by dropping.
    pub(super) async fn stop(&mut self) {
        self.signal(Signal::INT);
        let asked = Instant::now();
        while !self.has_ended() && asked.elapsed() < Duration::from_millis(STOP_DEADLINE_MS) {
            tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        // An error means that there is no such child any more.
        !matches!(self.process.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails only for a process that has ended, and until we wait for it the id is its own.
            kill_process(pid, signal).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // The data is thrown away, so the immediate shutdown is the right one.
        self.signal(Signal::QUIT);
        let asked = Instant::now();
        while !self.has_ended() {
            if asked.elapsed() > Duration::from_millis(QUIT_DEADLINE_MS) {
                self.process.kill().ok();
                self.process.wait().ok();
                return;
            }
            // Drop cannot await; an immediate shutdown takes a few of these rounds.
            std::thread::park_timeout(Duration::from_millis(POLL_MS));
        }
    }
}

/// Did the server end because its port was in use?
pub(super) fn port_was_taken(log: &str) -> bool {
    log.contains("could not bind") || log.contains("could not create any TCP/IP sockets")
}

fn end_of_log(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_from_other_failures() {
        let log = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n\
                   FATAL:  could not create any TCP/IP sockets";
        assert!(port_was_taken(log));
        assert!(!port_was_taken("FATAL:  could not create shared memory segment"));
    }
}
