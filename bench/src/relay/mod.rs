//! What a relay costs: a plain connection, PgBouncer and segue, the same load, in turns.

mod cells;
mod targets;
mod transfers;

use std::path::PathBuf;

use crate::fault::Fault;
use crate::house::House;
use crate::load::{Load, Mode, Workload};
use crate::machine::{self, Machine};
use crate::relays::{self, Link};
use crate::report::{Report, Table, Verdict};
use crate::samples::Samples;

use cells::Cell;
use segue::cluster::Durability;
use segue_bench::processor::Usage;
use targets::{DIRECT, PGBOUNCER, SEGUE, Target, Targets, UNTOUCHED};

/// Connections of the server beyond the load's. PgBouncer keeps as many as it has had.
const SPARE_CONNECTIONS: u32 = 60;

/// What segue may cost more for a statement that it knows and sends in other words. Unit: share.
const REWRITTEN_AT_MOST: f64 = 1.03;

/// What relays cost: a plain connection, PgBouncer, and segue without and with migrations
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// What each transaction does
    #[arg(long, value_enum, value_delimiter = ',', default_value = "select,tpc-b")]
    pub(crate) workloads: Vec<Workload>,
    /// How statements are sent
    #[arg(long, value_enum, value_delimiter = ',', default_value = "simple,extended,prepared")]
    pub(crate) modes: Vec<Mode>,
    /// Clients at once
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    pub(crate) clients: Vec<u32>,
    /// Whether clients use TLS
    #[arg(long, value_delimiter = ',', default_value = "false,true")]
    pub(crate) tls: Vec<bool>,
    /// How relays reach the server
    #[arg(long, value_enum, default_value = "tcp")]
    pub(crate) link: Link,
    /// Only these, of what is compared; all, if none is named
    #[arg(long, value_delimiter = ',')]
    pub(crate) targets: Vec<String>,
    /// Seconds of each run. Processor time is that of all but the first, so there must be two
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) seconds: u32,
    /// Runs of each
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Scale of pgbench's tables: so many times 100,000 accounts
    #[arg(long, default_value_t = 5)]
    pub(crate) scale: u32,
    /// Leave out large results, COPY and the rate of connections
    #[arg(long)]
    pub(crate) no_transfers: bool,
    /// A run of seconds, which shows that everything runs and measures nothing
    #[arg(long)]
    pub(crate) smoke: bool,
    /// File for the report in HTML; the same name with .json gets the figures
    #[arg(long, value_name = "FILE", default_value = "relay.html")]
    pub(crate) report: PathBuf,
}

/// All that was measured.
#[derive(Debug, Default)]
struct Measured {
    per_second: Samples,
    /// Unit: milliseconds.
    latency: Samples,
    /// Processor time of the relay. Unit: microseconds for each transaction.
    cpu: Samples,
    wakeups: Samples,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Fault> {
    let arguments = if arguments.smoke { smoke(arguments) } else { arguments.clone() };
    let most = arguments.clients.iter().max().copied().unwrap_or(1);
    let house = House::start(most * 2 + SPARE_CONNECTIONS, Durability::None).await?;
    house.furnish(arguments.scale, 20).await?;
    let pgbouncer = relays::find_pgbouncer();
    let targets = Targets::start(&house, pgbouncer.as_deref(), &arguments).await?;
    let mut measured = Measured::default();
    let cells = Cell::all(&arguments);
    for (number, cell) in cells.iter().enumerate() {
        println!("{} ({} of {})", cell.name(), number + 1, cells.len());
        for round in 0..arguments.rounds {
            for target in targets.in_turn(round) {
                once(&house, target, cell, arguments.seconds, &mut measured).await?;
            }
        }
    }
    let transfers = match arguments.no_transfers {
        true => None,
        false => {
            Some(transfers::measure(&house, &targets, pgbouncer.as_deref(), &arguments).await?)
        }
    };
    let mut programs = vec![machine::first_line(
        std::process::Command::new(house.cluster.binaries().program("postgres")).arg("--version"),
    )];
    programs.extend(pgbouncer.as_deref().map(relays::pgbouncer_version));
    programs.push(format!("segue {}", env!("CARGO_PKG_VERSION")));
    let mut report = Report::new("What a relay costs", Machine::here(programs));
    report.note(format!(
        "Each cell: {} runs of {} seconds for everyone, in turns; the middle, and in brackets the least and the most. \
         Ratios are those of each round. Relays reach the server by {}.",
        arguments.rounds, arguments.seconds, arguments.link
    ));
    tell(&mut report, &cells, &targets, &measured);
    if let Some(transfers) = &transfers {
        transfers.tell(&mut report, &targets);
    }
    drop(targets);
    house.stop().await;
    report.write(&arguments.report)
}

fn smoke(arguments: &Arguments) -> Arguments {
    Arguments {
        modes: vec![Mode::Prepared],
        clients: vec![2],
        seconds: 2,
        rounds: 1,
        scale: 1,
        targets: ["direct", "pgbouncer", "segue", "segue dual-write"].map(str::to_owned).to_vec(),
        ..arguments.clone()
    }
}

async fn once(
    house: &House,
    target: &Target,
    cell: &Cell,
    seconds: u32,
    measured: &mut Measured,
) -> Result<(), Fault> {
    let load = Load {
        program: house.pgbench(),
        database: target.database.clone(),
        port: target.port(house),
        mode: cell.mode,
        clients: cell.clients,
        seconds,
        tls: cell.tls,
        reconnect: false,
    };
    let (outcome, steady) = load.watched(cell.workload, || target.usage()).await?;
    let (cell, name) = (cell.name(), target.name.as_str());
    measured.per_second.add(&cell, name, outcome.per_second);
    measured.latency.add(&cell, name, outcome.latency_ms);
    if let Some(steady) = steady.filter(|_| target.relay.is_some()) {
        let used = steady.ends.since(steady.begins);
        measured.cpu.add(&cell, name, used.cpu * 1e6 / steady.transactions);
        measured.wakeups.add(&cell, name, used.wakeups / steady.transactions);
    }
    Ok(())
}

fn tell(report: &mut Report, cells: &[Cell], targets: &Targets, measured: &Measured) {
    let names = targets.names();
    let relays: Vec<String> = names.iter().filter(|name| *name != DIRECT).cloned().collect();
    let cells: Vec<String> = cells.iter().map(Cell::name).collect();
    report.table(Table::of("Transactions a second", &cells, &names, &measured.per_second, 0));
    report.table(Table::of("Time of a transaction, ms", &cells, &names, &measured.latency, 3));
    report.table(Table::of(
        "Processor time of the relay, µs a transaction",
        &cells,
        &relays,
        &measured.cpu,
        1,
    ));
    report.table(Table::of(
        "Wakeups of the relay, for each transaction",
        &cells,
        &relays,
        &measured.wakeups,
        2,
    ));
    report.table(Table::ratios(
        "Processor time beside PgBouncer's",
        &cells,
        &relays,
        &measured.cpu,
        PGBOUNCER,
    ));
    report.table(Table::ratios(
        "Transactions a second beside PgBouncer's",
        &cells,
        &names,
        &measured.per_second,
        PGBOUNCER,
    ));
    report.dots(
        "Processor time beside PgBouncer's (1: the same; less is better)",
        &cells,
        &relays,
        &measured.cpu,
        PGBOUNCER,
    );
    report.dots(
        "Transactions a second beside PgBouncer's (more is better)",
        &cells,
        &names,
        &measured.per_second,
        PGBOUNCER,
    );
    for name in [SEGUE, UNTOUCHED] {
        report.verdict(Verdict::at_most(
            &format!("{name}: processor time at most PgBouncer's"),
            &cells,
            &measured.cpu,
            name,
            PGBOUNCER,
            1.0,
        ));
        report.verdict(Verdict::at_least(
            &format!("{name}: at least PgBouncer's transactions a second"),
            &cells,
            &measured.per_second,
            name,
            PGBOUNCER,
            1.0,
        ));
    }
    // Texts of the simple protocol are all different ones here: those are read, not known.
    let known: Vec<String> =
        cells.iter().filter(|cell| !cell.contains(Mode::Simple.name())).cloned().collect();
    for name in names.iter().filter(|name| targets.is_touched(name)) {
        report.verdict(Verdict::at_most(
            &format!("{name}: a known statement costs at most 3 % more than without migrations"),
            &known,
            &measured.cpu,
            name,
            SEGUE,
            REWRITTEN_AT_MOST,
        ));
    }
}

impl Target {
    fn usage(&self) -> Usage {
        self.relay.as_ref().map(|relay| Usage::of(relay.process_id())).unwrap_or_default()
    }
}
