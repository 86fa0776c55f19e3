//! What can end the demo before its time.

use rewrite_rules::Phase;

use crate::backfill::BackfillError;
use crate::cluster::ClusterError;
use crate::ddl::ApplyError;
use crate::journal::JournalError;
use crate::verify::{Outcome, VerifyError};
use crate::walk::WorkError;
use crate::walk::manners::said;

use super::proxy::ProxyError;

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No throw-away server.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The proxy did not start, or refused a flip.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The journal could not be made.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A statement of the operator failed.
    #[error("the server refused a step of the walk: {}", said(.0))]
    Server(#[from] tokio_postgres::Error),
    /// The application could not connect through the proxy.
    #[error("the application could not start: {}", said(.0))]
    Application(tokio_postgres::Error),
    /// The gate before a step could not be asked.
    #[error("the gate to phase \"{0}\" could not be asked: {1}")]
    Gate(Phase, String),
    /// It stays closed whatever is done.
    #[error("the gate to phase \"{0}\" is closed: {1}")]
    Closed(Phase, String),
    /// What it asks for was not carried out.
    #[error(transparent)]
    Change(#[from] ApplyError),
    /// The backfill gave up.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// Somebody took the configuration away.
    #[error("the demo's configuration file has been changed")]
    FileLost,
    /// The migration does not fit.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Both sides must be equal.
    #[error(
        "{} of {} rows differ between \"{}\" and \"{}\", the first with {}",
        .0.differing, .0.compared, .0.source, .0.column, ids(.0)
    )]
    Diverged(Outcome),
    /// The sides could not be compared.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl DemoError {
    /// The next step for whoever reads the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Diverged(_) => {
                "a write did not reach both sides: this is a bug of segue, please report it with \
                 the demo's seed"
            }
            Self::Journal(_)
            | Self::Proxy(_)
            | Self::Server(_)
            | Self::Application(_)
            | Self::FileLost
            | Self::Gate(..)
            | Self::Closed(..)
            | Self::Change(_)
            | Self::Work(_)
            | Self::Verify(_)
            | Self::Backfill(_) => {
                "this should not happen on a private server: please report it with the demo's seed"
            }
        }
    }
}

fn ids(outcome: &Outcome) -> String {
    let ids: Vec<&str> = outcome.rows.iter().map(|row| row.key.as_str()).collect();
    ids.join(", ")
}
