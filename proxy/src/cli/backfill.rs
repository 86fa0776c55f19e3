//! `segue backfill`: copies what is missing, shows how far it is, and controls one that runs.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::fleet::cause;
use super::status::not_answered;
use super::{ConfigFile, DONE, FAILED, complain, fail, say};
use crate::admin::client::AdminClient;
use crate::admin::message::{Answer, Request};
use crate::backfill::{self, BackfillError, Event, OnError, Order};
use crate::catalog;
use crate::config::{ControlUrl, Draft, control_url, duration};
use crate::journal::backfill::{self as journal, Standing, Wish};
use crate::journal::state;

pub(super) mod clients;
pub(super) mod show;

/// All rows are as they should be, but for some that could not be copied.
const ROWS_LEFT: u8 = 6;

/// Failures that are shown in the end. Unit: rows.
const SHOWN_FAILURES: i64 = 20;

/// Arguments of `segue backfill`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It starts once every replica has drained the flip to the present phase: in \
                  dual-write it fills the new side from the old one, in switch-reads the old side from \
                  the new one. Stopped or killed at any moment, the next run goes on where it ended.\n\n\
                  Exit codes: 0 done, 1 failed or cancelled, 6 done but for rows that could not be copied"
)]
pub(super) struct Arguments {
    /// The migration
    name: String,
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    copying: Copying,
    /// Begin at the beginning, whatever was done before
    #[arg(long)]
    restart: bool,
    /// Have the running proxy do it, and return as soon as it has begun; if that proxy goes away, another
    /// one goes on with it
    #[arg(long, conflicts_with_all = ["url", "json"])]
    detach: bool,
    /// Print one JSON object for each thing that happens
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    control: Control,
}

/// How rows are copied, as `segue run` knows it too.
#[derive(Debug, clap::Args)]
pub(super) struct Copying {
    /// Connect as this role instead of segue's own, like postgres://owner@host/database
    #[arg(long = "as", value_name = "URL")]
    url: Option<String>,
    /// Connections that copy at the same time, each in its own range of keys
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// What becomes of a row that cannot be copied: "stop" unless the file says otherwise
    #[arg(long, value_enum)]
    on_error: Option<OnError>,
    /// Write at most so many rows a second
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    max_rate: Option<u64>,
    /// How long one transaction should take, and a client wait for a row at most
    #[arg(long, value_name = "TIME", default_value = "25ms", value_parser = duration)]
    batch: Duration,
    /// Rest at least so long for each unit of time worked
    #[arg(long, value_name = "FACTOR", default_value_t = 0.0, value_parser = factor)]
    rest: f64,
    /// Do not give way to clients, standbys and vacuum
    #[arg(long)]
    no_throttle: bool,
    /// Stand still while this file exists
    #[arg(long, value_name = "FILE")]
    pause_file: Option<PathBuf>,
    /// Copy this first: a condition over the table's columns; may be given several times
    #[arg(long = "first", value_name = "CONDITION")]
    first: Vec<String>,
}

/// What is wished of a backfill that runs, wherever it runs.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
struct Control {
    /// Let the running backfill stand still
    #[arg(long)]
    pause: bool,
    /// Let it go on
    #[arg(long)]
    resume: bool,
    /// Let it end; the next run goes on where it ended
    #[arg(long)]
    cancel: bool,
    /// Show how far it is
    #[arg(long)]
    status: bool,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let draft = Draft::read(&arguments.file.config).await;
    let Some(control) = draft.control.clone() else { return fail(&draft.report.to_string()) };
    let Control { pause, resume, cancel, status } = arguments.control;
    let name = &arguments.name;
    if status {
        return look(&control, name, arguments.json).await;
    }
    if pause || cancel {
        return wish(&control, name, Some(if cancel { Wish::Cancel } else { Wish::Pause })).await;
    }
    if resume {
        return wish(&control, name, None).await;
    }
    let by = match arguments.copying.control(&control) {
        Ok(by) => by,
        Err(problem) => return fail(&problem),
    };
    let order = Order { anew: arguments.restart, ..arguments.copying.order(&draft, name) };
    match arguments.detach {
        true => detach(&draft, order).await,
        false => ExitCode::from(copy(&by, &draft, order, arguments.json).await),
    }
}

/// Has the running proxy do it.
async fn detach(draft: &Draft, order: Order) -> ExitCode {
    let who = format!("the proxy of {}, told by {}", draft.path().display(), cause(None).who);
    let pause_file = order.pause_file.map(|path| std::path::absolute(&path).unwrap_or(path));
    let order = Box::new(Order { inside: true, who, pause_file, ..order });
    let begun = async {
        let mut proxy = AdminClient::connect(draft.admin_socket()).await?;
        proxy.ask(Request::Backfill { order }).await
    };
    match begun.await {
        Ok(Answer::Done {}) => {
            say("it has begun: segue status shows how far it is\n");
            ExitCode::from(DONE)
        }
        Ok(Answer::Refused { message } | Answer::Error { message }) => fail(&message),
        Ok(_other) => fail("the running segue gave the wrong answer"),
        Err(error) => ExitCode::from(not_answered(&error)),
    }
}

/// A factor from 0 to 100.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.0..=100.0).contains(&factor) => Ok(factor),
        Ok(_) | Err(_) => Err("it must be a number from 0 to 100".to_owned()),
    }
}

impl Copying {
    /// Who connects, if it is not `usual`.
    pub(super) fn control(&self, usual: &ControlUrl) -> Result<ControlUrl, String> {
        let Some(url) = &self.url else { return Ok(usual.clone()) };
        let by = control_url(url).map_err(|problem| format!("--as: {problem}"))?;
        match by.database == usual.database {
            true => Ok(by),
            false => Err(format!(
                "--as leads to database \"{}\", and the migrations are in \"{}\"",
                by.database, usual.database
            )),
        }
    }

    /// What is asked for: by the command line, and where that says nothing, by the file.
    pub(super) fn order(&self, draft: &Draft, name: &str) -> Order {
        let who = format!("{} (pid {})", cause(None).who, std::process::id());
        let by_file = Order::by(draft.backfills.get(name), name, &who);
        Order {
            steps: if self.first.is_empty() { by_file.steps } else { self.first.clone() },
            workers: self.workers.unwrap_or(by_file.workers),
            max_rate: self.max_rate.or(by_file.max_rate),
            on_error: self.on_error.unwrap_or(by_file.on_error),
            batch: self.batch,
            rest: self.rest,
            throttle: !self.no_throttle,
            pause_file: self.pause_file.clone(),
            ..by_file
        }
    }
}

/// Runs it in this process. Gives the exit code.
pub(super) async fn copy(control: &ControlUrl, draft: &Draft, order: Order, json: bool) -> u8 {
    let clients = clients::ask(draft.admin_socket().to_owned()).await;
    let mut screen = show::Screen::new(json, std::io::stdout().is_terminal());
    let mut report = |event: Event| screen.show(&event);
    let running = backfill::run(control, &order, &clients, &mut report);
    let done = tokio::select! {
        done = running => done,
        _interrupt = tokio::signal::ctrl_c() => {
            screen.clear();
            if json {
                say("{\"event\":\"ended\",\"error\":\"stopped\"}\n");
            }
            complain("stopped\n  hint: it goes on where it ended when it is run again");
            return FAILED;
        }
    };
    screen.clear();
    match done {
        Ok(progress) if progress.failures == 0 => DONE,
        Ok(_) => {
            failures(control, &order.migration).await;
            ROWS_LEFT
        }
        Err(error) => {
            if json {
                let error = serde_json::json!({ "event": "ended", "error": error.to_string() });
                say(&format!("{error}\n"));
            }
            if matches!(error, BackfillError::TooManyFailures) {
                failures(control, &order.migration).await;
            }
            complain(&error.with_hint());
            FAILED
        }
    }
}

/// Tells which rows could not be copied.
async fn failures(control: &ControlUrl, migration: &str) {
    let read = async {
        let client = catalog::connect(control).await.map_err(|error| error.to_string())?;
        let failures = journal::failures(&client, migration, SHOWN_FAILURES).await;
        failures.map_err(|error| error.with_hint())
    };
    match read.await {
        Ok(failures) => {
            for failure in failures {
                complain(&show::failure(&failure));
            }
            complain(
                "  hint: all of them are in segue.backfill_failure; mend them and run it again",
            );
        }
        Err(problem) => complain(&problem),
    }
}

/// Wishes something of the one that runs.
async fn wish(control: &ControlUrl, migration: &str, wish: Option<Wish>) -> ExitCode {
    let wished = async {
        let client = connect(control).await?;
        let wished = journal::wish(&client, migration, wish, &cause(None).who).await;
        wished.map_err(|error| error.with_hint())
    };
    match wished.await {
        Ok(true) => {
            say(match wish {
                Some(Wish::Pause) => "it stands still after the batch under way, until --resume\n",
                Some(Wish::Cancel) => "it ends after the batch under way\n",
                None => "it goes on\n",
            });
            ExitCode::from(DONE)
        }
        Ok(false) => fail(&format!("no backfill of \"{migration}\" is running")),
        Err(problem) => fail(&problem),
    }
}

/// Shows how far it is, wherever it runs.
async fn look(control: &ControlUrl, migration: &str, json: bool) -> ExitCode {
    let read = async {
        let client = connect(control).await?;
        journal::read(&client, migration).await.map_err(|error| error.with_hint())
    };
    let job = match read.await {
        Ok(job) => job,
        Err(problem) => return fail(&problem),
    };
    match (json, job) {
        (true, job) => match serde_json::to_string_pretty(&job) {
            Ok(text) => say(&format!("{text}\n")),
            Err(error) => return fail(&error.to_string()),
        },
        (false, Some(job)) => {
            say(&show::job(&job));
            if job.standing == Standing::Failed {
                return ExitCode::from(FAILED);
            }
        }
        (false, None) => say(&format!("no backfill of \"{migration}\" was ever begun\n")),
    }
    ExitCode::from(DONE)
}

async fn connect(control: &ControlUrl) -> Result<tokio_postgres::Client, String> {
    let client = catalog::connect(control).await.map_err(|error| error.to_string())?;
    state::look(&client, &control.database).await.map_err(|error| error.with_hint())?;
    Ok(client)
}
