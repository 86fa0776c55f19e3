//! What may be asked of a reload, and what may come of it.

use super::agree::{Overtaken, Wanted};
use super::drain::Waiting;
use super::gates::{self, Closed};
use super::plan::Plan;
use crate::config::Report;
use crate::journal::step::{Cause, StepError};

/// What is asked of a reload beside what the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// A step, whether or not the file has changed.
    pub step: Option<Wanted>,
    /// Why steps are to be taken whose gates are closed by what is merely risky, if they are.
    pub force: Option<String>,
    /// Who asks.
    pub cause: Cause,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Number of the generation in force afterwards.
    pub generation: u64,
    /// What it did to the migrations; empty if at most the catalog was found changed.
    pub plan: Plan,
    /// The gates that were closed and forced.
    pub forced: Vec<Closed>,
}

/// Why a reload left everything as it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReloadError {
    /// The file, its steps or the database have faults.
    #[error("{0}")]
    Faults(Report),
    /// The flip before it is not drained.
    #[error(
        "generation {generation} has not drained: {}", waited_for(.waiting, .problem.as_ref())
    )]
    NotDrained {
        /// The generation that is on its way.
        generation: u64,
        /// Who is waited for.
        waiting: Vec<Waiting>,
        /// What keeps the server from being asked.
        problem: Option<String>,
    },
    /// A step was asked for of a migration that is not there.
    #[error("there is no migration \"{0}\" in the file")]
    Unknown(String),
    /// The fleet has gone past what was asked for.
    #[error("{0}")]
    Overtaken(Overtaken),
    /// The fleet has gone where this proxy cannot go.
    #[error("this proxy cannot follow the fleet: {0}")]
    Behind(String),
    /// A column is renamed itself, and that is not all.
    #[error("a rename by strategy \"metadata\" is a step of its own: take it without any other")]
    NotAlone,
    /// A step is not safe now.
    #[error("{}\n  hint: {}", listed(.0), gates::hint(.0))]
    GateClosed(Vec<Closed>),
    /// Whether a step is safe cannot be told.
    #[error("the gates could not be asked: {0}")]
    GateUnknown(String),
    /// The fleet does not go along.
    #[error("{}", .error.with_hint())]
    Fleet {
        /// Why not.
        error: StepError,
    },
    /// The proxy is ending.
    #[error("the proxy is shutting down")]
    ShuttingDown,
}

fn waited_for(waiting: &[Waiting], problem: Option<&String>) -> String {
    match (waiting, problem) {
        ([], None) => "the server is being asked".to_owned(),
        ([], Some(problem)) => problem.clone(),
        ([only], _) => only.to_string(),
        ([first, rest @ ..], _) => format!("{first}, and {} more", rest.len()),
    }
}

fn listed(closed: &[Closed]) -> String {
    closed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Says what was done, and what was overruled.
pub(super) fn tell(generation: u64, plan: &Plan, forced: &[Closed], wish: &Wish) {
    for step in &plan.steps {
        tracing::info!(generation, "{step}");
    }
    for closed in forced {
        let reason = wish.force.as_deref().unwrap_or_default();
        tracing::warn!(generation, reason, "forced, although {closed}");
    }
}
