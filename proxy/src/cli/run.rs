//! `segue run`: the whole way of a migration, unattended, with gates, waits and a report.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use rewrite_rules::Phase;
use rewrite_rules::rule::Change;

use super::backfill::{self, Copying};
use super::{ConfigFile, DONE, FAILED, complain, fail, phase, say};
use crate::config::{ControlUrl, Draft, duration};
use crate::gate;
use crate::journal::{schema, state};
use crate::phase::agree::recorded;
use crate::phase::prepare;
use crate::walk::Toward;

mod dry;
mod mend;

use mend::Mender;

/// Between two looks while it only waits. Unit: milliseconds.
const LOOK_MS: u64 = 500;

/// Advisory locks of runs: "walk" in ASCII, and a hash of the migration's name.
const LOCK_CLASS: i32 = 0x77_61_6c_6b;

/// Arguments of `segue run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each step: what its gate asks for is done, the gate is asked again, the step is \
                  taken, and all replicas drain. What takes something away for good, or belongs to \
                  others (views, policies, triggers, publications), is left to you, and it stops \
                  there and says so. Run again, it goes on where it stopped.\n\n\
                  Exit codes: 0 there, 1 stopped, 3 no proxy is running, 4 not drained in time, \
                  6 rows could not be copied"
)]
pub(super) struct Arguments {
    /// The migration
    name: String,
    #[command(flatten)]
    file: ConfigFile,
    /// The last phase to enter; the last of all, unless one is named
    #[arg(long, value_name = "PHASE", value_parser = phase::phase)]
    until: Option<Phase>,
    /// How long to stay in a phase in which the new side is read before the old one is left further
    /// behind, like 10m or 24h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    soak: Duration,
    /// Drop the old column in the end: there is no way back from that
    #[arg(long)]
    drop_old: bool,
    /// Print what would be run, with the lock that each statement takes, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for the history in the journal
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
    #[command(flatten)]
    copying: Copying,
}

/// Where the migration stands, as everybody has agreed.
struct Standing {
    phase: Phase,
    change: Change,
    frozen: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let draft = Draft::read(&arguments.file.config).await;
    let Some(control) = draft.control.clone() else { return fail(&draft.report.to_string()) };
    let by = match arguments.copying.control(&control) {
        Ok(by) => by,
        Err(problem) => return fail(&problem),
    };
    if arguments.dry_run {
        return match dry::print(draft, &control, &arguments.name, arguments.until).await {
            Ok(()) => ExitCode::from(DONE),
            Err(problem) => fail(&problem),
        };
    }
    let run = Run { arguments, control, by };
    match run.whole().await {
        Ok(()) => ExitCode::from(DONE),
        Err(Stop::Code(code)) => ExitCode::from(code),
        Err(Stop::Said(problem)) => {
            complain(&problem);
            if !problem.contains("\n  hint: ") {
                complain("  hint: once that is mended, segue run goes on from here");
            }
            ExitCode::from(FAILED)
        }
    }
}

/// Why it stopped.
enum Stop {
    /// It has been said already.
    Code(u8),
    /// This is to be said.
    Said(String),
}

impl From<String> for Stop {
    fn from(problem: String) -> Self {
        Self::Said(problem)
    }
}

struct Run {
    arguments: Arguments,
    control: ControlUrl,
    /// Who changes the schema and the rows.
    by: ControlUrl,
}

impl Run {
    async fn whole(&self) -> Result<(), Stop> {
        let _lock = self.only_one().await?;
        let begun = Instant::now();
        let name = &self.arguments.name;
        loop {
            let standing = self.standing().await?;
            let phases = standing.change.phases();
            let last = phases.last().copied().unwrap_or(standing.phase);
            let until = self.arguments.until.unwrap_or(last);
            if !phases.contains(&until) {
                return Err(format!("migration \"{name}\" has no phase \"{until}\"").into());
            }
            if let Some(by) = &standing.frozen {
                let go_on = "segue unfreeze lets it go on";
                return Err(format!("the fleet is frozen by {by}: {go_on}").into());
            }
            if standing.phase >= until {
                if standing.phase == last && self.arguments.drop_old {
                    self.drop_old(&standing).await?;
                }
                let took = Duration::from_secs(begun.elapsed().as_secs());
                say(&format!(
                    "migration \"{name}\" is in phase \"{}\" ({took:?})\n",
                    standing.phase
                ));
                return Ok(());
            }
            let Some(next) = standing.phase.next_of(phases) else { return Ok(()) };
            self.step(&standing, next).await?;
        }
    }

    /// Keeps others out for as long as the connection lives that it gives: two would run each statement
    /// twice.
    async fn only_one(&self) -> Result<tokio_postgres::Client, Stop> {
        let client =
            crate::catalog::connect(&self.control).await.map_err(|error| error.to_string())?;
        let name = &self.arguments.name;
        let lock = "SELECT pg_try_advisory_lock($1, hashtext($2))";
        let row = client.query_one(lock, &[&LOCK_CLASS, name]).await;
        let have = row.and_then(|row| row.try_get(0));
        match have.map_err(|error| crate::walk::manners::said(&error))? {
            true => Ok(client),
            false => Err(format!("another segue run of \"{name}\" is under way").into()),
        }
    }

    /// One step forward, with everything that it needs.
    async fn step(&self, standing: &Standing, next: Phase) -> Result<(), Stop> {
        let name = &self.arguments.name;
        say(&format!("\n== {} -> {next}\n", standing.phase));
        let copies = |phase| Toward::of(phase).is_some_and(Toward::is_forward);
        // Before a step after which it could not go on.
        if copies(standing.phase) || copies(next) {
            self.may_use_journal().await?;
        }
        if copies(standing.phase) {
            self.copy().await?;
        }
        self.soak(standing.phase).await?;
        Mender { config: &self.arguments.file.config, name, by: &self.by }.mend(next).await?;
        let why = self.arguments.why.clone();
        match phase::step(&self.arguments.file, name, next, why).await {
            DONE => self.drained().await,
            code => Err(Stop::Code(code)),
        }
    }

    /// Whoever copies writes down how far.
    async fn may_use_journal(&self) -> Result<(), Stop> {
        let client = crate::catalog::connect(&self.by).await.map_err(|error| error.to_string())?;
        let lacking = schema::lacking(&client).await.map_err(|error| error.with_hint())?;
        match lacking {
            None => Ok(()),
            Some(grants) => Err(format!(
                "the role that copies (see --as) may not use the journal, in which it writes down how far it has come; \
                 whoever owns schema segue can let it\n\n{grants}"
            )
            .into()),
        }
    }

    async fn copy(&self) -> Result<(), Stop> {
        let Arguments { name, file, copying, .. } = &self.arguments;
        let draft = Draft::read(&file.config).await;
        match backfill::copy(&self.by, &draft, copying.order(&draft, name), false).await {
            DONE => Ok(()),
            code => Err(Stop::Code(code)),
        }
    }

    /// Stays in a phase in which the new side is read: the old one is still there if somebody changes
    /// his mind.
    async fn soak(&self, phase: Phase) -> Result<(), Stop> {
        let soak = self.arguments.soak;
        let reads_new =
            matches!(phase, Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract);
        if !reads_new || soak.is_zero() {
            return Ok(());
        }
        say(&format!("staying in \"{phase}\" for {soak:?}\n"));
        let begun = Instant::now();
        while begun.elapsed() < soak {
            tokio::time::sleep(Duration::from_millis(LOOK_MS).min(soak)).await;
            let standing = self.standing().await?;
            if standing.phase != phase {
                let now = standing.phase;
                return Err(format!("somebody took the migration to phase \"{now}\"").into());
            }
            if let Some(by) = standing.frozen {
                return Err(format!("the fleet was frozen by {by}").into());
            }
        }
        Ok(())
    }

    /// Waits until all replicas have drained.
    async fn drained(&self) -> Result<(), Stop> {
        let draft = Draft::read(&self.arguments.file.config).await;
        let mut said = false;
        loop {
            let fleet = super::fleet::read(&draft).await?;
            let lagging: Vec<String> = fleet.lagging().map(ToString::to_string).collect();
            if lagging.is_empty() {
                return Ok(());
            }
            if !std::mem::replace(&mut said, true) {
                say(&format!("waiting for {}\n", lagging.join("; ")));
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
    }

    async fn drop_old(&self, standing: &Standing) -> Result<(), Stop> {
        let Some(sql) = mend::drop_old(&standing.change) else { return Ok(()) };
        self.drained().await?;
        self.soak(standing.phase).await?;
        self.may_drop().await?;
        Ok(mend::drop_column(&self.by, &sql).await?)
    }

    /// Where what goes away stood is known from its table alone, unless the proxies have been told.
    async fn may_drop(&self) -> Result<(), Stop> {
        let mut client =
            crate::catalog::connect(&self.control).await.map_err(|error| error.to_string())?;
        let state = state::find(&client, &self.control.database).await;
        let rules = recorded(&state.map_err(|error| error.with_hint())?)?;
        let loaded = prepare::load_with(&mut client).await?;
        let index = rules.iter().position(|rule| rule.name == self.arguments.name);
        let findings = gate::before_drop(&loaded.catalog, &rules, index.unwrap_or(rules.len()));
        if findings.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Err(format!("nothing is dropped yet\n\n{}", list.join("\n")).into())
    }

    async fn standing(&self) -> Result<Standing, Stop> {
        let client =
            crate::catalog::connect(&self.control).await.map_err(|error| error.to_string())?;
        let state = state::find(&client, &self.control.database).await;
        let state = state.map_err(|error| error.with_hint())?;
        let name = &self.arguments.name;
        let known = state.migrations.iter().find(|known| known.name == *name);
        let known = known.ok_or_else(|| {
            format!("the journal knows no migration \"{name}\": start a proxy with it first")
        })?;
        let change = known.change.clone();
        let change =
            change.ok_or_else(|| format!("\"{name}\" is of a kind that is not known here"))?;
        Ok(Standing { phase: known.phase, change, frozen: state.frozen.map(|frozen| frozen.by) })
    }
}
