//! What clients feel of a rename from its first phase to its last, and what writing both columns costs.
//!
//! An application that knows the old name sends requests at a fixed rate; `segue run` takes the migration
//! from phase to phase, with a stay in each. Every request's time is kept, so each flip can be looked at by
//! itself.

mod application;
mod cost;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use segue::cluster::Durability;

use crate::fault::Fault;
use crate::house::{House, journal, migration};
use crate::machine::Machine;
use crate::relays::{self, Link, Relay};
use crate::report::{Curve, Lines, Report, Table, Verdict};
use crate::samples::Samples;
use application::{Answer, Application};

const DATABASE: &str = "app";
const MIGRATION: &str = "rename-username";

/// The phases in their order.
const PHASES: [&str; 5] = ["expand", "dual-write", "switch-reads", "stop-dual-write", "contract"];

/// The table of the scenario, forty rows a page.
const TABLE: &str = "
    CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(50) NOT NULL, email text NOT NULL, bio text,
        score int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now())";

/// What the second of a flip may be beside the minute before.
const FLIP_AT_MOST: f64 = 2.0;

/// What writing both columns may cost the server beside a plain UPDATE.
const BOTH_AT_MOST: f64 = 1.15;

/// Length of the time before a flip that it is held against. Unit: seconds.
const BEFORE_S: f64 = 60.0;

/// What clients feel of a migration, flip by flip, and what writing both columns costs
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the table
    #[arg(long, default_value_t = 10_000_000)]
    rows: i64,
    /// Requests a second
    #[arg(long, default_value_t = 1_200)]
    rate: u32,
    /// Connections of the application
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Seconds in each phase, beside the work that is done there
    #[arg(long, default_value_t = 65)]
    stay: u64,
    /// Leave out what writing both columns costs
    #[arg(long)]
    no_cost: bool,
    /// A run of seconds, which shows that everything runs and measures nothing
    #[arg(long)]
    smoke: bool,
    /// File for the report in HTML; the same name with .json gets the figures
    #[arg(long, value_name = "FILE", default_value = "flip.html")]
    report: PathBuf,
}

/// A step, and when it was taken. Unit: seconds since the start.
#[derive(Debug, Clone)]
struct Flip {
    to: String,
    at: f64,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Fault> {
    let mut arguments = arguments.clone();
    if arguments.smoke {
        (arguments.rows, arguments.rate, arguments.connections, arguments.stay) =
            (20_000, 300, 4, 2);
    }
    let house = House::start(arguments.connections + 60, Durability::Full).await?;
    println!("filling {} rows", arguments.rows);
    furnish(&house, arguments.rows).await?;
    let migration = migration(MIGRATION, "users", "username", "handle", "expand");
    let relay = Relay::segue(&house, DATABASE, &migration, Link::Unix).await?;
    let started = SystemTime::now();
    let application = Application::start(relay.port, DATABASE, &arguments).await?;
    let walked = walk(&house, arguments.stay).await;
    let answers = application.stop().await;
    walked?;
    let flips = flips(&house, started).await?;
    let postgres =
        Command::new(house.cluster.binaries().program("postgres")).arg("--version").output();
    let postgres = postgres.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned())?;
    let programs = vec![postgres, format!("segue {}", env!("CARGO_PKG_VERSION"))];
    let mut report = Report::new("What clients feel of a migration", Machine::here(programs));
    report.note(format!(
        "A column of {} rows is renamed by `segue run`, while an application that knows the old name sends {} \
         requests a second over {} connections: reads by key and by name, updates of that and of other columns, and inserts.",
        arguments.rows, arguments.rate, arguments.connections
    ));
    tell(&mut report, &answers, &flips);
    drop(relay);
    if !arguments.no_cost {
        cost::measure(&house, arguments.smoke, &mut report).await?;
    }
    house.stop().await;
    report.write(&arguments.report)
}

async fn furnish(house: &House, rows: i64) -> Result<(), Fault> {
    let admin = house.connect("postgres").await?;
    admin.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
    let mut client = house.connect(DATABASE).await?;
    client.batch_execute(TABLE).await?;
    let fill = format!(
        "INSERT INTO users SELECT g, 'user_' || g, 'user_' || g || '@example.com', repeat('x', 60), g % 100,
             timestamptz '2020-1-1' + g * interval '1 s' FROM generate_series(1, {rows}) g"
    );
    let index = "CREATE UNIQUE INDEX users_username_key ON users (username)";
    for sql in [fill.as_str(), index, "VACUUM (FREEZE, ANALYZE) users", "CHECKPOINT"] {
        client.batch_execute(sql).await?;
    }
    journal(&mut client).await
}

/// From phase to phase, as an operator would have it done.
async fn walk(house: &House, stay: u64) -> Result<(), Fault> {
    let config = house.folder().join(format!("{DATABASE}.toml"));
    for phase in PHASES.iter().skip(1) {
        println!("{stay} s, then to {phase}");
        tokio::time::sleep(Duration::from_secs(stay)).await;
        step(&config, phase).await?;
    }
    tokio::time::sleep(Duration::from_secs(stay)).await;
    Ok(())
}

async fn step(config: &Path, phase: &str) -> Result<(), Fault> {
    let quick = ["run", MIGRATION, "--no-throttle", "--soak", "0s", "--until", phase, "--config"];
    let command = relays::segue(quick)?;
    let output = tokio::process::Command::from(command)
        .arg(config)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Err(Fault::Other(format!("{said}{}", String::from_utf8_lossy(&output.stderr))))
}

/// When each step was taken, as the journal has it.
async fn flips(house: &House, started: SystemTime) -> Result<Vec<Flip>, Fault> {
    let client = house.connect(DATABASE).await?;
    let started = started.duration_since(SystemTime::UNIX_EPOCH).map_err(Fault::of)?.as_secs_f64();
    let steps = "SELECT to_phase, extract(epoch FROM at)::float8 FROM segue.history
         WHERE from_phase IS NOT NULL AND to_phase IS NOT NULL ORDER BY id";
    let mut flips = Vec::new();
    for row in client.query(steps, &[]).await? {
        let at: f64 = row.try_get(1)?;
        flips.push(Flip { to: row.try_get(0)?, at: at - started });
    }
    Ok(flips)
}

fn tell(report: &mut Report, answers: &[Answer], flips: &[Flip]) {
    let faults: Vec<&str> = answers.iter().filter_map(|it| it.fault.as_deref()).collect();
    report.verdict(Some(Verdict::figure(
        "requests that ended in an error",
        count(faults.len()),
        0.0,
    )));
    for fault in faults.iter().take(5) {
        report.note(format!("An error: {fault}"));
    }
    let ends = flips.iter().map(|flip| flip.at).chain(std::iter::once(f64::MAX));
    let begins = std::iter::once(0.0).chain(flips.iter().map(|flip| flip.at));
    let mut phases = Samples::default();
    let names: Vec<String> = PHASES.map(str::to_owned).to_vec();
    for ((name, from), to) in names.iter().zip(begins).zip(ends) {
        let times = Times::of(answers, from, to);
        for (column, figure) in times.columns() {
            phases.add(name, column, figure);
        }
    }
    let columns = Times::default().columns().map(|(name, _)| name.to_owned()).to_vec();
    report.table(Table::of("Times in each phase, ms", &names, &columns, &phases, 2));
    around(report, answers, flips);
    report.lines(&over_time(answers, flips));
}

/// The second of each flip beside the minute before.
fn around(report: &mut Report, answers: &[Answer], flips: &[Flip]) {
    let mut around = Samples::default();
    let columns =
        ["p99 of the minute before", "p99 of its second", "most of its second"].map(str::to_owned);
    let names: Vec<String> = flips.iter().map(|flip| format!("to {}", flip.to)).collect();
    for (flip, name) in flips.iter().zip(&names) {
        let before = Times::of(answers, flip.at - BEFORE_S, flip.at);
        let second = Times::of(answers, flip.at - 0.1, flip.at + 0.9);
        for (column, figure) in columns.iter().zip([before.p99, second.p99, second.most]) {
            around.add(name, column, figure);
        }
        report.verdict(Some(Verdict::figure(
            &format!(
                "{name}: p99 in the second of the flip at most twice that of the minute before"
            ),
            second.p99 / before.p99.max(f64::MIN_POSITIVE),
            FLIP_AT_MOST,
        )));
    }
    report.table(Table::of("Around each flip, ms", &names, &columns, &around, 2));
}

/// Each second by itself.
fn over_time(answers: &[Answer], flips: &[Flip]) -> Lines {
    let last = answers.iter().map(|it| it.at).fold(0.0, f64::max);
    let mut curves =
        ["p50", "p99", "most"].map(|name| Curve { name: name.to_owned(), points: Vec::new() });
    let mut at = 0.0;
    while at < last {
        let times = Times::of(answers, at, at + 1.0);
        for (curve, figure) in curves.iter_mut().zip([times.p50, times.p99, times.most]) {
            curve.points.push((at, figure));
        }
        at += 1.0;
    }
    Lines {
        title: "Times of requests, second by second".to_owned(),
        x: "seconds".to_owned(),
        y: "ms".to_owned(),
        logarithmic: false,
        curves: curves.to_vec(),
        marks: flips.iter().map(|flip| (flip.at, flip.to.clone())).collect(),
    }
}

/// How long requests of some time took. Unit: milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    requests: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    most: f64,
}

impl Times {
    /// Of those that ended in that time. Answers are in the order of their ends.
    fn of(answers: &[Answer], from: f64, to: f64) -> Self {
        let first = answers.partition_point(|it| it.at < from);
        let last = answers.partition_point(|it| it.at < to);
        let mut times: Vec<f64> =
            answers.get(first..last).unwrap_or_default().iter().map(|it| it.took_ms).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: usize| {
            let place = times.len().saturating_mul(share).div_ceil(1_000).saturating_sub(1);
            times.get(place).copied().unwrap_or(0.0)
        };
        Self {
            requests: count(times.len()),
            p50: at(500),
            p99: at(990),
            p999: at(999),
            most: times.last().copied().unwrap_or(0.0),
        }
    }

    fn columns(self) -> [(&'static str, f64); 5] {
        [
            ("requests", self.requests),
            ("p50", self.p50),
            ("p99", self.p99),
            ("p99.9", self.p999),
            ("most", self.most),
        ]
    }
}

fn count(number: usize) -> f64 {
    segue_bench::processor::as_f64(i64::try_from(number).unwrap_or(i64::MAX))
}
