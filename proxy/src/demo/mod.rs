//! The demo: a live migration under load, from expand to contract, with proof.
//!
//! It starts a throw-away PostgreSQL, fills a table, starts the proxy in this process and an application
//! that only ever speaks of the old shape; then it walks to the new one and back and forth and to the
//! end, and compares all rows with every write that was acknowledged. What is migrated is a
//! [`scenario`], and nothing but its folder knows which.

mod application;
mod arguments;
mod error;
pub(crate) mod format;
mod page;
mod proof;
mod proxy;
mod recorder;
mod report;
mod scenario;
mod schema;
mod view;
mod walk;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Client, Config, NoTls};

pub use arguments::Arguments;
pub use error::DemoError;
pub use scenario::Scenario;

use application::{Application, Load, Model};
use format::{Paint, grouped};
use proof::Proof;
use proxy::Proxy;
use recorder::{INTERVAL_MS, Recorder};
use report::Report;
use scenario::Script;
use view::View;
use walk::Walk;

use crate::cluster::{Binaries, Cluster, ClusterOptions, Durability};
use crate::journal;

/// Exit code after Ctrl-C or SIGTERM, as shells have it for SIGINT.
const INTERRUPTED: u8 = 130;

/// Connections that the server accepts beyond the application's: the operator's, the proxy's own,
/// and some for whoever looks on.
const SPARE_CONNECTIONS: u32 = 30;

/// Runs the demo; the exit code is 0 only if no request failed and no row was lost or diverged.
///
/// Cancel safety: dropping the future ends the server and removes all files.
pub async fn run(arguments: Arguments) -> ExitCode {
    let paint = Paint::for_stdout();
    // Better now than after a minute's work.
    if let Err(error) = can_be_written(&arguments.report) {
        return cannot_write(&arguments.report, &error, paint);
    }
    let view = View::new(arguments.plain || !std::io::stdout().is_terminal());
    let outcome = tokio::select! {
        outcome = play(&arguments, &view) => Some(outcome),
        () = interrupted() => None,
    };
    // By now everything that `play` started has ended: it was either finished or dropped.
    view.finish();
    match outcome {
        Some(Ok(report)) => conclude(&arguments, &report, paint),
        Some(Err(error)) => {
            say(&format!("{} {error}\nHINT: {}", paint.bad("error:"), error.hint()));
            ExitCode::FAILURE
        }
        None => {
            say("interrupted; the server is stopped and its files are removed");
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// Prints the report and writes the page.
fn conclude(arguments: &Arguments, report: &Report, paint: Paint) -> ExitCode {
    say(&report.text(paint));
    let path = &arguments.report;
    match std::fs::write(path, page::render(report)) {
        Ok(()) => {
            let shown = std::path::absolute(path).unwrap_or_else(|_unknown| path.clone());
            say(&format!("    the report with its curves: {}\n", shown.display()));
        }
        Err(error) => {
            say(&format!(
                "{} could not write \"{}\": {error}",
                paint.bad("error:"),
                path.display()
            ));
            return ExitCode::FAILURE;
        }
    }
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Can a file of this name be made? Tried with another name beside it, so that nothing is left.
fn can_be_written(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map(drop)
}

fn cannot_write(path: &Path, error: &std::io::Error, paint: Paint) -> ExitCode {
    let problem = format!("could not write \"{}\": {error}", path.display());
    say(&format!("{} {problem}\nHINT: name another file with --report", paint.bad("error:")));
    ExitCode::FAILURE
}

/// The story, from nothing to the report. The cluster is ended in every case.
async fn play(arguments: &Arguments, view: &View) -> Result<Report, DemoError> {
    let (paint, script) = (Paint::for_stdout(), arguments.scenario.script());
    view.line(&format!(
        "\n  {}  {} under {} requests/s, live",
        paint.bold("segue demo"),
        script.words.task,
        grouped(u64::from(arguments.rate)),
    ));
    view.line("");
    let cluster = start_server(arguments, view).await?;
    let mut direct = connect(&cluster.superuser(schema::DATABASE)).await?;
    journal::schema::init(&mut direct, schema::CONTROL, false).await?;
    fill(&direct, script, arguments.effective_rows(), view).await?;
    view.begin("proxy", "starting");
    let proxy = Proxy::start(&cluster, script, Phase::Expand).await?;
    view.done(&format!("in this process, on {}", proxy.address()));
    let report = migrate(arguments, view, &cluster, &proxy, direct).await;
    proxy.stop().await;
    cluster.stop().await;
    report
}

async fn start_server(arguments: &Arguments, view: &View) -> Result<Cluster, DemoError> {
    view.begin("PostgreSQL", "looking for the server's programs");
    let binaries = Binaries::find_or_download(|from| {
        view.detail(&format!("none on this machine, downloading from {from}"));
    })
    .await?;
    view.detail("initdb and start");
    let connections = u32::from(arguments.connections) + SPARE_CONNECTIONS;
    let options = ClusterOptions {
        binaries: Some(binaries),
        settings: vec![
            ("max_connections".to_owned(), connections.to_string()),
            ("shared_buffers".to_owned(), "256MB".to_owned()),
            ("max_wal_size".to_owned(), "2GB".to_owned()),
        ],
        // The latencies of the report are those of commits that wait for the disk.
        durability: Durability::Full,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options).await?;
    let maintenance = connect(&cluster.superuser("postgres")).await?;
    for sql in schema::PREPARE {
        maintenance.batch_execute(sql).await?;
    }
    view.done(&format!("{}, port {}", cluster.binaries().version(), cluster.port()));
    Ok(cluster)
}

async fn fill(direct: &Client, script: &Script, rows: i64, view: &View) -> Result<(), DemoError> {
    let rows_shown = grouped(rows.unsigned_abs());
    view.begin("data", &format!("inserting {rows_shown} rows"));
    schema::fill(direct, script, rows).await?;
    view.done(&format!("{rows_shown} rows"));
    Ok(())
}

/// The application runs, the walk is walked, the rows are compared.
async fn migrate(
    arguments: &Arguments,
    view: &View,
    cluster: &Cluster,
    proxy: &Proxy,
    direct: Client,
) -> Result<Report, DemoError> {
    let (script, superuser) = (arguments.scenario.script(), cluster.superuser(schema::DATABASE));
    let recorder = Arc::new(Recorder::start(Phase::Expand));
    view.begin("application", "connecting");
    let load = load(arguments, proxy);
    let application = Application::start(&load, &recorder).await.map_err(DemoError::Application)?;
    view.done(&format!("{} connections through the proxy", arguments.connections));
    view.phase(Phase::Expand);
    let operator = connect(&superuser).await?;
    operator.batch_execute(schema::OPERATE).await?;
    let walk = Walk {
        script,
        proxy,
        recorder: &recorder,
        view,
        operator,
        worker: connect(&superuser).await?,
        stay: arguments.stay(),
    };
    let walked = tokio::select! {
        walked = walk.run() => walked,
        never = ticker(&recorder, view) => match never {},
    };
    if let Err(error) = &walked {
        view.failed(&error.to_string());
    }
    let length = recorder.elapsed();
    let models = application.stop().await;
    view.begin("proof", "comparing all rows with every acknowledged write");
    let proof = prove(&direct, script, models, &recorder).await;
    Ok(Report {
        words: &script.words,
        server: cluster.binaries().version().to_owned(),
        rows: arguments.effective_rows(),
        rate: arguments.rate,
        connections: arguments.connections,
        seed: arguments.seed,
        length,
        recording: recorder.recording(),
        proof: proof.as_ref().ok().cloned(),
        sides_differ: match &walked {
            Err(DemoError::Diverged(verdict)) => verdict.differing,
            Ok(()) | Err(_) => 0,
        },
        stopped: walked.and(proof.map(drop)).err().map(|why| (why.to_string(), why.hint())),
    })
}

fn load(arguments: &Arguments, proxy: &Proxy) -> Load {
    let mut config = Config::new();
    config
        .host(proxy.address().ip().to_string())
        .port(proxy.address().port())
        .user(schema::APPLICATION)
        .dbname(schema::DATABASE)
        .application_name("shop");
    Load {
        behaviour: &arguments.scenario.script().application,
        config,
        connections: arguments.connections,
        rate: arguments.rate,
        rows: arguments.effective_rows(),
        seed: arguments.seed,
    }
}

/// Ends the intervals of the timeline and refreshes the view, for ever.
async fn ticker(recorder: &Recorder, view: &View) -> std::convert::Infallible {
    let mut interval = tokio::time::interval(Duration::from_millis(INTERVAL_MS));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is at once, with nothing to tell yet.
    interval.tick().await;
    loop {
        interval.tick().await;
        view.pulse(&recorder.tick());
    }
}

/// Compares the side that was read last.
async fn prove(
    direct: &Client,
    script: &Script,
    models: Vec<Model>,
    recorder: &Recorder,
) -> Result<Proof, DemoError> {
    let recording = recorder.recording();
    let phase = recording.chapters.last().map_or(Phase::Expand, |chapter| chapter.phase);
    Ok(proof::compare(direct, script.rows(phase), models, &recording).await?)
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // What ends the connection also fails the statement that waits for it.
        connection.await.ok();
    });
    Ok(client)
}

/// Waits for Ctrl-C, SIGTERM or the end of the terminal.
async fn interrupted() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            // Without a handler the signal ends the process, and the watchdog clears up.
            Err(_refused) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// A line on standard output, where somebody still reads it.
fn say(text: &str) {
    writeln!(anstream::stdout(), "{text}").ok();
}

#[cfg(test)]
mod tests;
