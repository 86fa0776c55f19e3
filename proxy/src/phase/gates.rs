//! Asks the gates of every step of a plan before it is taken.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::Client;

use super::plan::{Plan, Step};
use crate::gate::{self, About, Finding, Severity};
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
    if closed.iter().all(Closed::is_forcible) {
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
/// Cancel safe: it only reads.
///
/// # Errors
/// The connection fails, or the server does not answer.
pub(super) async fn ask(
    client: &mut Client,
    catalog: &Arc<Catalog>,
    running: &[Rule],
    plan: &Plan,
) -> Result<Asked, String> {
    let mut asked = Asked::default();
    for step in &plan.steps {
        // Whoever begins or ends changes nothing: in `expand` and `contract` one side is used.
        let Step::Move { migration, from, to } = step else { continue };
        let Some(index) = running.iter().position(|rule| rule.name == *migration) else { continue };
        let begun = Instant::now();
        let mut findings = gate::check(client, Arc::clone(catalog), running, index, *to).await?;
        if is_compared(*from, *to) {
            asked.compared.push(verification(migration, *to, &findings, begun.elapsed()));
        }
        findings.retain(|finding| finding.severity != Severity::Note);
        if !findings.is_empty() {
            asked.closed.push(Closed { migration: migration.clone(), to: *to, findings });
        }
    }
    Ok(asked)
}

/// Whether all rows are looked at: the side that is read changes, or every row is to be filled.
fn is_compared(from: Phase, to: Phase) -> bool {
    matches!(
        (from, to),
        (Phase::DualWrite, Phase::SwitchReads)
            | (Phase::SwitchReads, Phase::DualWrite)
            | (Phase::Backfill, Phase::Enforce)
    )
}

fn verification(migration: &str, to: Phase, findings: &[Finding], took: Duration) -> Verification {
    let about = |wanted| findings.iter().find(|finding| finding.about == wanted);
    let wrong = about(About::RowsDiffer).or_else(|| about(About::NotFilled));
    let (equal, finding) = match (wrong, about(About::NotCompared)) {
        (Some(differ), _) => (Some(false), Some(differ)),
        (None, Some(unknown)) => (None, Some(unknown)),
        (None, None) => (Some(true), None),
    };
    Verification {
        migration: migration.to_owned(),
        phase: to.name(),
        equal,
        detail: finding.map(|finding| finding.message.clone()),
        took,
    }
}
