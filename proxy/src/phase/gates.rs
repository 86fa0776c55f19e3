//! Asks the gates of every step of a plan before it is taken.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::Client;

use super::follow::host;
use super::plan::{Plan, Step};
use crate::config::ControlUrl;
use crate::gate::{self, About, Compared, FRESH, Finding, Means, Severity};
use crate::journal::verification::Verification;

/// A step that was not taken, or was forced, and everything that was in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The migration.
    pub migration: String,
    /// The phase to enter.
    pub to: Phase,
    /// Why not: never empty, and no mere notes.
    pub findings: Vec<Finding>,
}

impl Closed {
    /// Whether an operator may take the step all the same.
    #[must_use]
    pub fn is_forcible(&self) -> bool {
        self.findings.iter().all(|finding| finding.forcible)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { migration, to, findings } = self;
        writeln!(f, "the gate of migration \"{migration}\" to phase \"{to}\" is closed")?;
        findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

/// What an operator can do about all of them, ready to be shown below them.
pub(super) fn hint(closed: &[Closed]) -> &'static str {
    let is_of_file = |it: &Finding| it.about == About::Positions;
    if closed.iter().flat_map(|it| &it.findings).all(is_of_file) {
        "write that into the configuration and have it read, then try again"
    } else if closed.iter().all(Closed::is_forcible) {
        "run the commands above on a direct connection, then try again; or take the step all the \
         same with --force REASON"
    } else {
        "run the commands above on a direct connection, then try again; what loses data or is not \
         ready cannot be forced"
    }
}

/// What the gates have said of a plan's steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The steps whose gates are closed.
    pub(super) closed: Vec<Closed>,
    /// What was found of rows.
    pub(super) compared: Vec<Verification>,
}

/// Asks the gates of the steps of `plan`. `running` are the rules in force.
///
/// `every` is how often the rows of which migration are verified anyway.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The connection fails, or the server does not answer.
pub(super) async fn ask(
    client: &mut Client,
    (control, every): (&ControlUrl, &BTreeMap<String, Duration>),
    catalog: &Arc<Catalog>,
    running: &[Rule],
    plan: &Plan,
) -> Result<Asked, String> {
    let mut asked = Asked::default();
    for step in &plan.steps {
        // Whoever begins or ends changes nothing: in `expand` and `contract` one side is used.
        let Step::Move { migration, to, .. } = step else { continue };
        let Some(index) = running.iter().position(|rule| rule.name == *migration) else { continue };
        let means = Means { control, fresh: fresh(every.get(migration)) };
        let looked = gate::look(client, means, Arc::clone(catalog), running, index, *to).await?;
        if let Some(compared) = looked.compared {
            asked.compared.push(verification(migration, *to, compared));
        }
        let mut findings = looked.findings;
        findings.retain(|finding| finding.severity != Severity::Note);
        if !findings.is_empty() {
            asked.closed.push(Closed { migration: migration.clone(), to: *to, findings });
        }
    }
    Ok(asked)
}

/// How old a verification may be that a gate relies on, where there is one every so often: one pass may
/// be missed.
#[must_use]
pub fn fresh(every: Option<&Duration>) -> Duration {
    every.map_or(FRESH, |every| every.saturating_mul(2))
}

/// Whether a step of a plan changes the side that is read: then rows are compared.
pub(super) fn compares_rows(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match step {
        Step::Move { from, to, .. } => matches!(
            (from, to),
            (Phase::DualWrite, Phase::SwitchReads)
                | (Phase::SwitchReads, Phase::DualWrite)
                | (Phase::Backfill, Phase::Enforce)
        ),
        Step::Start { .. } | Step::Change { .. } | Step::Remove { .. } => false,
    })
}

/// The epoch is filled in by whoever writes it down.
fn verification(migration: &str, to: Phase, compared: Compared) -> Verification {
    let Compared { started_at, subject, equal, counts, detail } = compared;
    Verification {
        migration: migration.to_owned(),
        epoch: 0,
        phase: to.name(),
        equal,
        detail,
        started_at,
        subject,
        counts,
        complete: equal.is_some(),
        who: format!("the gate of a proxy on \"{}\"", host()),
    }
}
