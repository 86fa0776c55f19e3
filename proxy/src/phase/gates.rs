//! Asks the gates of every step of a plan before it is taken.

use std::fmt;
use std::sync::Arc;

use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::Client;

use super::plan::{Plan, Step};
use crate::gate::{self, Finding, Severity};

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
    if closed.iter().all(Closed::is_forcible) {
        "run the commands above on a direct connection, then try again; or take the step all the \
         same with --force REASON"
    } else {
        "run the commands above on a direct connection, then try again; what loses data or is not \
         ready cannot be forced"
    }
}

/// The steps of `plan` whose gates are closed. `running` are the rules in force.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The connection fails, or the server does not answer.
pub(super) async fn closed(
    client: &mut Client,
    catalog: &Arc<Catalog>,
    running: &[Rule],
    plan: &Plan,
) -> Result<Vec<Closed>, String> {
    let mut closed = Vec::new();
    for step in &plan.steps {
        // Whoever begins or ends changes nothing: in `expand` and `contract` one side is used.
        let Step::Move { migration, to, .. } = step else { continue };
        let Some(index) = running.iter().position(|rule| rule.name == *migration) else { continue };
        let mut findings = gate::check(client, Arc::clone(catalog), running, index, *to).await?;
        findings.retain(|finding| finding.severity != Severity::Note);
        if !findings.is_empty() {
            closed.push(Closed { migration: migration.clone(), to: *to, findings });
        }
    }
    Ok(closed)
}
