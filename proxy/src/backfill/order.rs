//! What is asked for.

use std::path::PathBuf;
use std::time::Duration;

use super::pace::TARGET_MS;
use super::throttle::Duty;
use crate::config::{BackfillPlan, OnError};

/// How a migration is to be backfilled.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// The migration.
    pub migration: String,
    /// Who asks, for humans.
    pub who: String,
    /// Conditions over the table under the alias `t`: what fulfils the first is copied first.
    pub steps: Vec<String>,
    /// Connections that copy at the same time, each in a range of keys of its own.
    pub workers: u32,
    /// Most rows written a second, over all workers.
    pub max_rate: Option<u64>,
    /// What becomes of a row that cannot be copied.
    pub on_error: OnError,
    /// Time that one batch should take.
    pub batch: Duration,
    /// Time to rest for each unit of time worked, at least.
    pub rest: f64,
    /// Whether it gives way to clients, standbys and vacuum.
    pub throttle: bool,
    /// It stands still while this file exists.
    pub pause_file: Option<PathBuf>,
    /// Whether it begins at the beginning, whatever was done before.
    pub anew: bool,
    /// Whether a proxy runs it, and another one goes on with it if that is gone.
    pub inside: bool,
    /// Whether it is that other one: what an operator wished of the one before counts.
    pub takes_over: bool,
}

impl Order {
    /// As `plan` says.
    #[must_use]
    pub fn by(plan: Option<&BackfillPlan>, migration: &str, who: &str) -> Self {
        let usual = Self::of(migration, who);
        let Some(plan) = plan else { return usual };
        Self {
            steps: plan.steps.clone(),
            workers: plan.workers.unwrap_or(usual.workers),
            max_rate: plan.max_rate,
            on_error: plan.on_error,
            ..usual
        }
    }

    /// The usual way.
    #[must_use]
    pub fn of(migration: &str, who: &str) -> Self {
        Self {
            migration: migration.to_owned(),
            who: who.to_owned(),
            steps: Vec::new(),
            workers: 1,
            max_rate: None,
            on_error: OnError::Stop,
            batch: Duration::from_millis(TARGET_MS),
            rest: 0.0,
            throttle: true,
            pause_file: None,
            anew: false,
            inside: false,
            takes_over: false,
        }
    }

    /// What workers do when there is nobody to give way to.
    pub(super) fn undisturbed(&self) -> Duty {
        Duty::Work { rest: self.rest, batch: self.batch, reason: None }
    }
}
