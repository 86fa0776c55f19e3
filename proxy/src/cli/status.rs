//! `segue status`: shows what the running proxy does.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::fleet::{self, Fleet};
use super::{ConfigFile, DONE, FAILED, NOT_RUNNING, complain, fail, say};
use crate::admin::client::{AdminClient, ClientError};
use crate::admin::message::{Flip, Hold, Status, Took};
use crate::config::Draft;
use crate::demo::format;

/// Arguments of `segue status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 shown, 1 failed, 3 no proxy is running")]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    status: Status,
    /// All proxies, if the journal can be read.
    fleet: Option<Fleet>,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let draft = Draft::read(&arguments.file.config).await;
    let status = async { AdminClient::connect(draft.admin_socket()).await?.status().await };
    let (status, fleet) = match (status.await, fleet::read(&draft).await) {
        (Ok(status), fleet) => (status, fleet),
        (Err(error), Ok(fleet)) if !arguments.json => {
            say(&fleet.render());
            return ExitCode::from(not_answered(&error));
        }
        (Err(error), _) => return ExitCode::from(not_answered(&error)),
    };
    if arguments.json {
        let shown = Shown { status, fleet: fleet.ok() };
        match serde_json::to_string_pretty(&shown) {
            Ok(text) => say(&format!("{text}\n")),
            Err(error) => return fail(&error.to_string()),
        }
    } else {
        say(&render(&status, SystemTime::now()));
        match fleet {
            Ok(fleet) => say(&format!("\n{}", fleet.render())),
            Err(_) if status.migrations.is_empty() => {}
            Err(problem) => say(&format!("\nfleet: {problem}\n")),
        }
    }
    ExitCode::from(DONE)
}

/// Says why there was no answer, and gives the exit code for it.
pub(super) fn not_answered(error: &ClientError) -> u8 {
    complain(&error.to_string());
    match error {
        ClientError::NotRunning(_) => NOT_RUNNING,
        ClientError::Refused { .. }
        | ClientError::Gone
        | ClientError::Timeout
        | ClientError::Told(_)
        | ClientError::NotUnderstood(_) => FAILED,
    }
}

fn render(status: &Status, now: SystemTime) -> String {
    let mut text = String::new();
    let up = ago(status.started_at_ms, now);
    let _ = writeln!(
        text,
        "segue {} (pid {}), up {up}, configuration {}\ngeneration {}, {} sessions\n{}\n",
        status.version,
        status.pid,
        status.config.display(),
        status.generation,
        status.sessions,
        latency(&status.latency.last_60s),
    );
    if status.migrations.is_empty() {
        let _ = writeln!(text, "no migrations\n");
    }
    let width = status.migrations.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    for migration in &status.migrations {
        let _ = writeln!(
            text,
            "{:width$}  {:15}  {}: {}",
            migration.name, migration.phase, migration.kind, migration.change
        );
    }
    if let Some(hold) = &status.hold {
        let _ = writeln!(text, "\n{}", held(hold, now));
        for waiting in &hold.under_way {
            let _ = writeln!(text, "  {waiting}");
        }
    }
    let _ = writeln!(text, "\n{}", flip(&status.flip, now));
    for waiting in &status.flip.waiting {
        let _ = writeln!(text, "  {waiting}");
    }
    let _ = writeln!(text);
    for (name, count) in &status.counters {
        let _ = writeln!(text, "{name:16} {count}");
    }
    text
}

fn latency(took: &Took) -> String {
    let seconds = took.over_ms.div_ceil(1_000).min(60);
    if took.count == 0 {
        return format!("latency: no requests in {seconds} s");
    }
    format!(
        "latency: p50 {}, p99 {} over {} in {seconds} s",
        format::latency(took.p50_us),
        format::latency(took.p99_us),
        format::plural(took.count, "request")
    )
}

fn held(hold: &Hold, now: SystemTime) -> String {
    let now_ms = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let left = u128::from(hold.until_ms).saturating_sub(now_ms) / 1_000;
    format!(
        "paused {} ago; waiting sessions: {}; under way: {}; resumes by itself in {left} s",
        ago(hold.since_ms, now),
        hold.held,
        hold.under_way.len()
    )
}

fn flip(flip: &Flip, now: SystemTime) -> String {
    let swapped = ago(flip.swapped_at_ms, now);
    match (flip.drained_at_ms, &flip.problem) {
        (Some(drained), _) => {
            let took = Duration::from_millis(drained.saturating_sub(flip.swapped_at_ms));
            format!(
                "generation {} was swapped in {swapped} ago and drained after {took:?}",
                flip.generation
            )
        }
        (None, None) => {
            format!("generation {} was swapped in {swapped} ago; draining", flip.generation)
        }
        (None, Some(problem)) => format!(
            "generation {} was swapped in {swapped} ago; draining, but {problem}",
            flip.generation
        ),
    }
}

/// Time since, in whole seconds.
fn ago(since_ms: u64, now: SystemTime) -> String {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = now.saturating_sub(Duration::from_millis(since_ms)).as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}
