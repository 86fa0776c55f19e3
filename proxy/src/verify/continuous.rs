//! The proxies' own comparisons: every so often, gently, one replica at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::Client;

use super::VerifyError;
use super::job::run;
use super::order::Order;
use super::progress::{Event, Outcome};
use crate::backfill::job::Clients;
use crate::catalog;
use crate::config::{Config, ControlUrl};
use crate::journal::JournalError;
use crate::journal::{state, verification};
use crate::walk::Toward;

/// Between two looks at what is due. Unit: milliseconds.
const LOOK_MS: u64 = 1_000;

/// How long it rests for each unit of time that it compares.
const REST: f64 = 1.0;

/// What is to be compared how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How the database is reached.
    pub control: ControlUrl,
    /// How often the rows of a migration are compared, by its name.
    pub every: BTreeMap<String, Duration>,
}

impl Plan {
    /// What the file says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let every = config.backfills.iter();
        let every = every.filter_map(|(name, plan)| Some((name.clone(), plan.verify_every?)));
        Self { control: config.control.clone(), every: every.collect() }
    }
}

/// Compares whatever is due, until `stopping` is true.
///
/// Cancel safe: what was compared stays written down.
pub async fn follow(
    plan: watch::Receiver<Plan>,
    clients: Clients,
    who: String,
    mut stopping: watch::Receiver<bool>,
) {
    let watching = async {
        let mut said: Option<String> = None;
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            let Plan { control, every } = plan.borrow().clone();
            if every.is_empty() {
                continue;
            }
            match round(&control, &every, &clients, &who).await {
                Ok(()) => said = None,
                Err(problem) if said.as_ref() == Some(&problem) => {}
                Err(problem) => {
                    tracing::warn!("rows cannot be compared continuously: {problem}");
                    said = Some(problem);
                }
            }
        }
    };
    tokio::select! {
        () = watching => {}
        _stop = stopping.wait_for(|stop| *stop) => {}
    }
}

/// Compares each migration that is due.
async fn round(
    control: &ControlUrl,
    every: &BTreeMap<String, Duration>,
    clients: &Clients,
    who: &str,
) -> Result<(), String> {
    for migration in due(control, every).await? {
        // Another replica may be quicker between this look and the lock.
        let unless_within = every.get(&migration).copied();
        let order =
            Order { rest: REST, gives_way: true, unless_within, ..Order::of(&migration, who) };
        let mut report = |_event: Event| ();
        match run(control, &order, clients, &mut report).await {
            Ok(outcome) => tell(&migration, &outcome),
            // Somebody else does it, or the migration has gone on: that is as it should be.
            Err(
                VerifyError::Running { .. }
                | VerifyError::TakenOver
                | VerifyError::NotDue(_)
                | VerifyError::PhaseLeft(_)
                | VerifyError::Phase { .. }
                | VerifyError::NotDrained { .. },
            ) => {}
            Err(error) => return Err(format!("migration \"{migration}\": {error}")),
        }
    }
    Ok(())
}

fn tell(migration: &str, outcome: &Outcome) {
    let Outcome { compared, differing, failed, alarm, .. } = outcome;
    match (alarm, outcome.equal()) {
        (Some(alarm), _) => {
            let rows: Vec<String> = outcome.rows.iter().map(|row| outcome.told(row)).collect();
            tracing::error!(migration, "{alarm}; {}", rows.join("; "));
        }
        (None, Some(true)) => tracing::info!(migration, compared, "all rows are equal"),
        (None, _) => tracing::info!(migration, compared, differing, failed, "rows differ"),
    }
}

/// The migrations whose latest comparison is as old as is allowed, in the phases in which both sides are
/// written, once everybody has drained. None while the fleet is frozen.
async fn due(
    control: &ControlUrl,
    every: &BTreeMap<String, Duration>,
) -> Result<Vec<String>, String> {
    let client = catalog::connect(control).await.map_err(|error| error.to_string())?;
    let looked = catalog::in_time(look(&client, control, every)).await;
    looked.map_err(|silence| silence.to_string())?.map_err(|error| error.to_string())
}

async fn look(
    client: &Client,
    control: &ControlUrl,
    every: &BTreeMap<String, Duration>,
) -> Result<Vec<String>, JournalError> {
    let state = state::find(client, &control.database).await?;
    if state.frozen.is_some() {
        return Ok(Vec::new());
    }
    let mut due = Vec::new();
    for migration in &state.migrations {
        let Some(every) = every.get(&migration.name) else { continue };
        if Toward::of(migration.phase).is_none()
            || !state::lagging(client, migration.epoch).await?.is_empty()
        {
            continue;
        }
        let age_s = verification::age_s(client, &migration.name, migration.epoch).await?;
        if age_s.is_none_or(|age_s| age_s >= every.as_secs_f64()) {
            due.push(migration.name.clone());
        }
    }
    Ok(due)
}
