//! Large results, COPY both ways, and connections: what goes by megabytes, or by logins.

use std::path::Path;
use std::time::Instant;

use super::targets::{DIRECT, LENDS_NONE, PGBOUNCER, SEGUE, Target, Targets, UNTOUCHED};
use super::{Arguments, Measured};
use crate::fault::Fault;
use crate::house::House;
use crate::load::{Load, Mode, Workload};
use crate::raw::Raw;
use crate::report::{Report, Table, Verdict};
use crate::samples::Samples;
use segue_bench::processor::as_f64;

const RESULT: &str = "large result, MB/s";
const COPY_OUT: &str = "COPY TO, MB/s";
const COPY_IN: &str = "COPY FROM, MB/s";
const CONNECTIONS: &str = "connections/s";

/// What a relay may take from a transfer. Unit: share of a plain connection.
const AT_LEAST: f64 = 0.9;

/// Rows of one message of COPY, and how often it is sent.
const ROWS: usize = 500;
const MESSAGES: u32 = 2_000;

/// Figures by what was moved.
#[derive(Debug)]
pub(super) struct Transfers {
    megabytes: Samples,
    /// Processor time of the relay. Unit: milliseconds for each megabyte.
    cpu: Samples,
    connections: Measured,
}

pub(super) async fn measure(
    house: &House,
    targets: &Targets,
    pgbouncer: Option<&Path>,
    arguments: &Arguments,
) -> Result<Transfers, Fault> {
    println!("large results, COPY, connections");
    let mut all = Transfers {
        megabytes: Samples::default(),
        cpu: Samples::default(),
        connections: Measured::default(),
    };
    let lending_none = targets.lending_none(house, (pgbouncer, arguments.link)).await?;
    let messages = if arguments.smoke { 10 } else { MESSAGES };
    for round in 0..arguments.rounds {
        for target in targets.in_turn(round) {
            for what in [RESULT, COPY_OUT, COPY_IN] {
                all.once(house, target, what, messages)?;
            }
            all.connect(house, target, arguments.seconds).await?;
        }
        if let Some(target) = &lending_none {
            all.connect(house, target, arguments.seconds).await?;
        }
    }
    Ok(all)
}

impl Transfers {
    fn once(
        &mut self,
        house: &House,
        target: &Target,
        what: &str,
        messages: u32,
    ) -> Result<(), Fault> {
        let mut client = Raw::connect(target.port(house), &target.database)?;
        let (before, begun) = (target.usage(), Instant::now());
        let bytes = match what {
            COPY_IN => copy_in(&mut client, messages)?,
            COPY_OUT => client.query("COPY pgbench_accounts TO STDOUT")?,
            _result => client.query("SELECT * FROM pgbench_accounts")?,
        };
        let seconds = begun.elapsed().as_secs_f64();
        let megabytes = as_f64(i64::try_from(bytes).unwrap_or(0)) / 1e6;
        self.megabytes.add(what, &target.name, megabytes / seconds);
        if target.relay.is_some() {
            let used = target.usage().since(before).cpu;
            self.cpu.add(what, &target.name, used * 1e3 / megabytes);
        }
        client.query("TRUNCATE pgbench_history")?;
        Ok(())
    }

    /// A transaction for each connection.
    async fn connect(&mut self, house: &House, target: &Target, seconds: u32) -> Result<(), Fault> {
        let load = Load {
            program: house.pgbench(),
            database: target.database.clone(),
            port: target.port(house),
            mode: Mode::Simple,
            clients: 4,
            seconds,
            tls: false,
            reconnect: true,
        };
        let before = target.usage();
        let outcome = load.run(Workload::Select).await?;
        self.connections.per_second.add(CONNECTIONS, &target.name, outcome.per_second);
        if target.relay.is_some() {
            let used = target.usage().since(before).cpu * 1e6 / outcome.transactions.max(1.0);
            self.connections.cpu.add(CONNECTIONS, &target.name, used);
        }
        Ok(())
    }

    pub(super) fn tell(&self, report: &mut Report, targets: &Targets) {
        let names = targets.names();
        let relays: Vec<String> = names.iter().filter(|name| *name != DIRECT).cloned().collect();
        let moved = [RESULT, COPY_OUT, COPY_IN].map(str::to_owned);
        let connected = [CONNECTIONS.to_owned()];
        let with_one_more = |names: &[String]| {
            let more = names.iter().any(|name| name == PGBOUNCER).then(|| LENDS_NONE.to_owned());
            names.iter().cloned().chain(more).collect::<Vec<String>>()
        };
        report.table(Table::of("Transfers", &moved, &names, &self.megabytes, 0));
        report.table(Table::of(
            "Processor time of the relay, ms a megabyte",
            &moved,
            &relays,
            &self.cpu,
            2,
        ));
        let per_second = &self.connections.per_second;
        report.table(Table::of("Connections", &connected, &with_one_more(&names), per_second, 0));
        report.table(Table::of(
            "Processor time of the relay, µs a connection",
            &connected,
            &with_one_more(&relays),
            &self.connections.cpu,
            0,
        ));
        for name in [SEGUE, UNTOUCHED] {
            report.verdict(Verdict::at_least(
                &format!("{name}: large results and COPY at 0.9 of a plain connection"),
                &moved,
                &self.megabytes,
                name,
                DIRECT,
                AT_LEAST,
            ));
            for other in [PGBOUNCER, LENDS_NONE] {
                report.verdict(Verdict::at_least(
                    &format!("{name}: connections as many as through {other}"),
                    &connected,
                    per_second,
                    name,
                    other,
                    1.0,
                ));
            }
        }
    }
}

/// Rows into the table of pgbench that no statement reads.
fn copy_in(client: &mut Raw, messages: u32) -> Result<u64, Fault> {
    let rows = "1\t2\t345678\t-910\t2026-01-02 03:04:05.678901\tsome text as filler\n".repeat(ROWS);
    let copy = "COPY pgbench_history (tid, bid, aid, delta, mtime, filler) FROM STDIN";
    client.copy_in(copy, rows.as_bytes(), messages)
}
