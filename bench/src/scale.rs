//! What a relay costs as connections, governed tables and distinct statements grow.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use segue::cluster::Durability;
use segue_bench::processor::{Usage, as_f64};

use crate::fault::Fault;
use crate::house::{House, renames, touched};
use crate::load::{Load, Mode};
use crate::machine::{self, Machine};
use crate::raw::Raw;
use crate::relays::{self, Lending, Link, Relay};
use crate::report::{Curve, Lines, Report, Table, Verdict};
use crate::samples::Samples;

const SEGUE: &str = "segue";
const PGBOUNCER: &str = "pgbouncer";

/// Requests over connections in no order, of which the times are taken.
const REQUESTS: usize = 4_000;

/// Connections of the server beyond the load's.
const SPARE_CONNECTIONS: u32 = 60;

/// Files of a relay beyond its connections.
const SPARE_FILES: u64 = 1_000;

/// What may come on top as tables or statements grow a thousandfold. Unit: share.
const FLAT: f64 = 1.15;

/// What grows with connections, with governed tables, and with distinct statements
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Connections that are open at once
    #[arg(long, value_delimiter = ',', default_value = "100,1000,5000,10000")]
    connections: Vec<u32>,
    /// Governed tables
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    tables: Vec<u32>,
    /// Distinct statements on a governed table
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000,100000,1000000")]
    statements: Vec<u32>,
    /// Seconds of each run
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Runs of each
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A run of seconds, which shows that everything runs and measures nothing
    #[arg(long)]
    smoke: bool,
    /// File for the report in HTML; the same name with .json gets the figures
    #[arg(long, value_name = "FILE", default_value = "scale.html")]
    report: PathBuf,
}

/// Figures by what has grown.
#[derive(Debug, Default)]
struct Grown {
    memory: Samples,
    median: Samples,
    worst: Samples,
    cpu: Samples,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Fault> {
    let arguments = if arguments.smoke { smoke(arguments) } else { arguments.clone() };
    let most = arguments.connections.iter().max().copied().unwrap_or(100);
    let tables = arguments.tables.iter().max().copied().unwrap_or(0);
    allow_files(most)?;
    let house = House::start(most + SPARE_CONNECTIONS, Durability::None).await?;
    house.furnish(1, tables).await?;
    let pgbouncer = relays::find_pgbouncer();
    let programs = [
        Some(machine::first_line(
            Command::new(house.cluster.binaries().program("postgres")).arg("--version"),
        )),
        pgbouncer.as_deref().map(relays::pgbouncer_version),
        Some(format!("segue {}", env!("CARGO_PKG_VERSION"))),
    ];
    let mut report =
        Report::new("What grows", Machine::here(programs.into_iter().flatten().collect()));
    connections(&house, &arguments, pgbouncer.as_deref(), &mut report).await?;
    governed(&house, &arguments, &mut report).await?;
    distinct(&house, &arguments, &mut report).await?;
    house.stop().await;
    report.write(&arguments.report)
}

fn smoke(arguments: &Arguments) -> Arguments {
    Arguments {
        connections: vec![10, 50],
        tables: vec![1, 20],
        statements: vec![10, 1_000],
        seconds: 1,
        rounds: 1,
        ..arguments.clone()
    }
}

/// Every connection is two files of a relay's. Whoever may raises the limit, for the programs that are started too.
fn allow_files(connections: u32) -> Result<(), Fault> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = u64::from(connections) * 2 + SPARE_FILES;
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let current = limit.current.map(|current| current.max(needed));
    let raised = Rlimit { current, maximum: limit.maximum.map(|maximum| maximum.max(needed)) };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(Fault::Other(format!(
        "{connections} connections need {needed} open files, and {allowed} are allowed: raise the limit \
         (ulimit -Hn {needed}) or ask for fewer with --connections"
    )))
}

/// Memory for each connection, and what one feels of the others.
async fn connections(
    house: &House,
    arguments: &Arguments,
    pgbouncer: Option<&std::path::Path>,
    report: &mut Report,
) -> Result<(), Fault> {
    let mut grown = Grown::default();
    house.copy("many").await?;
    for count in &arguments.connections {
        println!("{count} connections");
        for name in [PGBOUNCER, SEGUE] {
            let relay = match pgbouncer {
                Some(program) if name == PGBOUNCER => {
                    Relay::pgbouncer(program, house, (Link::Unix, Lending::Free)).await?
                }
                None if name == PGBOUNCER => continue,
                _segue => Relay::segue(house, "many", &touched("dual-write"), Link::Unix).await?,
            };
            crowd(&relay, *count, name, &mut grown)?;
            drop(relay);
            settled(house).await?;
        }
    }
    let cells: Vec<String> = arguments.connections.iter().map(u32::to_string).collect();
    let names = [PGBOUNCER, SEGUE].map(str::to_owned);
    report.table(Table::of(
        "Memory for each connection, KiB; connections:",
        &cells,
        &names,
        &grown.memory,
        1,
    ));
    report.table(Table::of(
        "Median time of a request, µs; connections:",
        &cells,
        &names,
        &grown.median,
        0,
    ));
    report.table(Table::of("99th percentile, µs; connections:", &cells, &names, &grown.worst, 0));
    report.table(Table::of(
        "Processor time of the relay, µs a request; connections:",
        &cells,
        &names,
        &grown.cpu,
        1,
    ));
    report.lines(&curves(
        "Memory for each connection",
        "connections",
        "KiB",
        &cells,
        &names,
        &grown.memory,
    ));
    report.lines(&curves(
        "Processor time for each request",
        "connections",
        "µs",
        &cells,
        &names,
        &grown.cpu,
    ));
    Ok(())
}

/// Opens so many connections, and asks over them in no order.
fn crowd(relay: &Relay, count: u32, name: &str, grown: &mut Grown) -> Result<(), Fault> {
    let before = Usage::of(relay.process_id());
    let opened: Result<Vec<Raw>, Fault> =
        (0..count).map(|_| Raw::connect(relay.port, "many")).collect();
    let mut opened = opened?;
    let cell = count.to_string();
    // Each is used once, so that whatever is only made then is there.
    for client in &mut opened {
        client.query("SELECT abalance FROM pgbench_accounts WHERE aid = 1")?;
    }
    let held = Usage::of(relay.process_id());
    grown.memory.add(&cell, name, (held.memory - before.memory) / f64::from(count) / 1_024.0);
    let mut times = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        let at = (number * 7_919) % opened.len().max(1);
        let Some(client) = opened.get_mut(at) else { continue };
        let begun = Instant::now();
        client.query("SELECT abalance FROM pgbench_accounts WHERE aid = 1")?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    let used = Usage::of(relay.process_id()).since(held).cpu;
    grown.cpu.add(&cell, name, used * 1e6 / as_f64(i64::try_from(REQUESTS).unwrap_or(1)));
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(0.0);
    grown.median.add(&cell, name, at(50));
    grown.worst.add(&cell, name, at(99));
    Ok(())
}

/// Waits until the server has let the connections go.
async fn settled(house: &House) -> Result<(), Fault> {
    let client = house.connect("many").await?;
    let others =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = 'many' AND pid <> pg_backend_pid()";
    while client.query_one(others, &[]).await?.try_get::<_, i64>(0)? > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    client.batch_execute("DELETE FROM segue.replica; DELETE FROM segue.migration").await?;
    Ok(())
}

/// The same load as more and more other tables are governed.
async fn governed(house: &House, arguments: &Arguments, report: &mut Report) -> Result<(), Fault> {
    let mut cpu = Samples::default();
    let mut relays = Vec::new();
    for count in &arguments.tables {
        let database = format!("tables_{count}");
        house.copy(&database).await?;
        let migrations = format!("{}{}", touched("dual-write"), renames(count.saturating_sub(1)));
        relays.push((count, Relay::segue(house, &database, &migrations, Link::Unix).await?));
    }
    for _round in 0..arguments.rounds {
        for (count, relay) in &relays {
            let load = load(house, relay, &format!("tables_{count}"), Mode::Prepared, arguments);
            let before = Usage::of(relay.process_id());
            let outcome = load.run(crate::load::Workload::Select).await?;
            let used = Usage::of(relay.process_id()).since(before).cpu;
            cpu.add(&count.to_string(), SEGUE, used * 1e6 / outcome.transactions.max(1.0));
        }
    }
    let cells: Vec<String> = arguments.tables.iter().map(u32::to_string).collect();
    let names = [SEGUE.to_owned()];
    report.table(Table::of(
        "Processor time of the relay, µs a transaction; governed tables:",
        &cells,
        &names,
        &cpu,
        1,
    ));
    report.lines(&curves(
        "Processor time for each transaction",
        "governed tables",
        "µs",
        &cells,
        &names,
        &cpu,
    ));
    report.verdict(flat("the cost does not grow with governed tables", &cells, (&cpu, SEGUE)));
    Ok(())
}

/// How the texts of a load differ.
const DIFFERENCES: [(&str, &str); 2] = [
    ("in a value", "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;"),
    ("in a name", "SELECT abalance AS a:aid FROM pgbench_accounts WHERE aid = 1;"),
];

/// A governed table under texts that are all different, out of more and more.
async fn distinct(house: &House, arguments: &Arguments, report: &mut Report) -> Result<(), Fault> {
    let (mut cpu, mut memory) = (Samples::default(), Samples::default());
    for round in 0..arguments.rounds {
        for (count, (name, text)) in
            arguments.statements.iter().flat_map(|count| DIFFERENCES.map(|it| (count, it)))
        {
            let database = format!("texts_{round}_{count}");
            house.copy(&database).await?;
            let relay = Relay::segue(house, &database, &touched("dual-write"), Link::Unix).await?;
            let script = house.folder().join("distinct.sql");
            std::fs::write(&script, format!("\\set aid random(1, {count})\n{text}\n"))?;
            let load = load(house, &relay, &database, Mode::Simple, arguments);
            let begun = Usage::of(relay.process_id());
            load.run_script(&script).await?;
            let before = Usage::of(relay.process_id());
            let outcome = load.run_script(&script).await?;
            let after = Usage::of(relay.process_id());
            let used = after.since(before).cpu * 1e6 / outcome.transactions.max(1.0);
            cpu.add(&count.to_string(), name, used);
            let kept = (after.memory - begun.memory) / 1_048_576.0;
            memory.add(&count.to_string(), name, kept);
            drop(relay);
            house.discard(&database).await?;
        }
    }
    let cells: Vec<String> = arguments.statements.iter().map(u32::to_string).collect();
    let names = DIFFERENCES.map(|(name, _)| name.to_owned());
    for (what, title, unit, samples) in [
        (
            "Processor time of the relay, µs a statement",
            "Processor time for each statement",
            "µs",
            &cpu,
        ),
        ("Memory that the relay has taken, MiB", "Memory taken", "MiB", &memory),
    ] {
        let title_of_table = format!("{what}; distinct texts, which differ");
        report.table(Table::of(&title_of_table, &cells, &names, samples, 1));
        report.lines(&curves(title, "distinct texts", unit, &cells, &names, samples));
    }
    report.verdict(flat(
        "the cost does not grow with distinct texts that differ in a value",
        &cells,
        (&cpu, DIFFERENCES[0].0),
    ));
    Ok(())
}

fn load(house: &House, relay: &Relay, database: &str, mode: Mode, arguments: &Arguments) -> Load {
    Load {
        program: house.pgbench(),
        database: database.to_owned(),
        port: relay.port,
        mode,
        clients: 4,
        seconds: arguments.seconds,
        tls: false,
        reconnect: false,
    }
}

fn curves(
    title: &str,
    x: &str,
    y: &str,
    cells: &[String],
    names: &[String],
    samples: &Samples,
) -> Lines {
    let curve = |name: &String| Curve {
        name: name.clone(),
        points: cells
            .iter()
            .filter_map(|cell| Some((cell.parse().ok()?, samples.spread(cell, name)?.middle)))
            .collect(),
    };
    Lines {
        title: title.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        logarithmic: true,
        curves: names.iter().map(curve).collect(),
        marks: Vec::new(),
    }
}

/// The largest beside the smallest.
fn flat(target: &str, cells: &[String], (samples, name): (&Samples, &str)) -> Option<Verdict> {
    let (first, last) = (cells.first()?, cells.last()?);
    let (first, last) = (samples.spread(first, name)?.middle, samples.spread(last, name)?.middle);
    Some(Verdict::figure(target, last / first, FLAT))
}
