//! `segue verify`: compares the two sides, names the rows that differ, and mends them if asked to.

use std::io::IsTerminal;
use std::process::ExitCode;

use super::backfill::clients;
use super::fleet::cause;
use super::{ConfigFile, complain, say};
use crate::backfill::job::Clients;
use crate::config::{ControlUrl, Draft, control_url};
use crate::verify::{self, Event, Order, Outcome};
use crate::walk::Toward;

pub(super) mod show;

/// As diff(1) has it: all rows agree.
const EQUAL: u8 = 0;
/// Some rows differ.
const DIFFERENT: u8 = 1;
/// Some rows, or all, could not be compared.
const TROUBLE: u8 = 2;

/// Arguments of `segue verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It starts once every replica has drained the flip to the present phase: in \
                  dual-write it compares the new side with the old one, in switch-reads the old side \
                  with the new one. Stopped or killed at any moment, the next run goes on where it \
                  ended.\n\n\
                  Exit codes: 0 all rows are equal, 1 some differ (after --fix: still), 2 they could not \
                  be compared, or some could not"
)]
pub(super) struct Arguments {
    /// The migration
    name: String,
    #[command(flatten)]
    file: ConfigFile,
    /// Name at most so many of the rows that differ; all are counted
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    show: u64,
    /// Where rows differ, make this side equal to the other one
    #[arg(long, value_enum, value_name = "SIDE")]
    fix: Option<Side>,
    /// Let --fix overwrite the side that clients read
    #[arg(long, requires = "fix")]
    overwrite_read_side: bool,
    /// Connections that compare at the same time, each in its own range of keys
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Connect as this role instead of segue's own, like postgres://owner@host/database
    #[arg(long = "as", value_name = "URL")]
    url: Option<String>,
    /// Rest at least so long for each unit of time worked
    #[arg(long, value_name = "FACTOR", default_value_t = 0.0, value_parser = super::backfill::factor)]
    rest: f64,
    /// Do not give way to clients, standbys and vacuum
    #[arg(long)]
    no_throttle: bool,
    /// Begin at the beginning, whatever was done before
    #[arg(long)]
    restart: bool,
    /// Print one JSON object for each thing that happens
    #[arg(long)]
    json: bool,
}

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    /// The old column
    Old,
    /// The new column
    New,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let draft = Draft::read(&arguments.file.config).await;
    let Some(control) = draft.control.clone() else { return trouble(&draft.report.to_string()) };
    let by = match &arguments.url {
        None => control,
        Some(url) => match control_url(url) {
            Ok(by) if by.database == control.database => by,
            Ok(by) => {
                return trouble(&format!(
                    "--as leads to database \"{}\", and the migrations are in \"{}\"",
                    by.database, control.database
                ));
            }
            Err(problem) => return trouble(&format!("--as: {problem}")),
        },
    };
    let clients = clients::ask(draft.admin_socket().to_owned()).await;
    compare(&by, &order(&arguments), &clients, arguments.json).await
}

fn order(arguments: &Arguments) -> Order {
    let who = format!("{} (pid {})", cause(None).who, std::process::id());
    Order {
        show: arguments.show,
        fix: arguments.fix.map(|side| match side {
            Side::Old => Toward::Old,
            Side::New => Toward::New,
        }),
        overwrites_read_side: arguments.overwrite_read_side,
        workers: arguments.workers,
        rest: arguments.rest,
        throttle: !arguments.no_throttle,
        anew: arguments.restart,
        ..Order::of(&arguments.name, &who)
    }
}

async fn compare(control: &ControlUrl, order: &Order, clients: &Clients, json: bool) -> ExitCode {
    let mut screen = show::Screen::new(json, std::io::stdout().is_terminal());
    let mut report = |event: Event| screen.show(&event);
    let running = verify::run(control, order, clients, &mut report);
    let done = tokio::select! {
        done = running => done,
        _interrupt = tokio::signal::ctrl_c() => {
            screen.clear();
            return trouble("stopped\n  hint: segue verify goes on where it ended");
        }
    };
    screen.clear();
    match done {
        Ok(outcome) => {
            if !json {
                say(&show::outcome(&order.migration, &outcome));
            }
            ExitCode::from(code(&outcome))
        }
        Err(error) => {
            if json {
                let error = serde_json::json!({ "event": "ended", "error": error.to_string() });
                say(&format!("{error}\n"));
            }
            trouble(&error.with_hint())
        }
    }
}

fn code(outcome: &Outcome) -> u8 {
    match (outcome.failed, outcome.differing) {
        (0, 0) => EQUAL,
        (0, _) => DIFFERENT,
        (_, _) => TROUBLE,
    }
}

/// What the command says of a comparison that did not come to its end.
fn trouble(text: &str) -> ExitCode {
    complain(text);
    ExitCode::from(TROUBLE)
}
