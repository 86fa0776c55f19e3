//! What commands say of the fleet, straight from the journal: also where no proxy is running.

use std::fmt::Write;

use serde::Serialize;

use crate::catalog;
use crate::config::Draft;
use crate::journal::backfill::{self, Job};
use crate::journal::state::{self, Frozen, Replica, State};
use crate::journal::step::Cause;
use crate::journal::verification::{self, Told};
use crate::phase::follow::host;

/// All proxies of one database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Fleet {
    /// The epoch in force.
    pub(super) epoch: i64,
    /// Why no step may be taken, if that is so.
    pub(super) frozen: Option<Frozen>,
    /// Who takes part.
    pub(super) replicas: Vec<Replica>,
    /// The latest backfill of each migration.
    pub(super) backfills: Vec<Job>,
    /// The latest comparison of the rows of each migration.
    pub(super) verifications: Vec<Told>,
}

impl Fleet {
    /// Those who have yet to drain the epoch in force.
    pub(super) fn lagging(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().filter(|replica| replica.acknowledged < self.epoch)
    }

    /// As `segue status` shows it.
    pub(super) fn render(&self) -> String {
        let mut text = format!("fleet: epoch {}, replicas: {}\n", self.epoch, self.replicas.len());
        if let Some(frozen) = &self.frozen {
            let why = frozen.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
            let _ = writeln!(text, "  frozen by {}{why}", frozen.by);
        }
        for replica in &self.replicas {
            let _ = writeln!(text, "  {replica}, {} sessions", replica.sessions);
        }
        for job in &self.backfills {
            let _ = write!(text, "\n{}", super::backfill::show::job(job));
        }
        for told in &self.verifications {
            let _ = write!(text, "\n{}", super::verify::show::result(told));
        }
        text
    }
}

/// Reads it.
pub(super) async fn read(draft: &Draft) -> Result<Fleet, String> {
    let control = draft.control.as_ref().ok_or_else(|| draft.report.to_string())?;
    let client = catalog::connect(control).await.map_err(|error| error.to_string())?;
    let State { epoch, frozen, .. } =
        state::find(&client, &control.database).await.map_err(|error| error.with_hint())?;
    let replicas = catalog::in_time(state::replicas(&client)).await;
    let replicas = replicas.map_err(|silence| silence.to_string())?;
    let replicas = replicas.map_err(|error| error.to_string())?;
    let backfills = catalog::in_time(backfill::all(&client)).await;
    let backfills = backfills.map_err(|silence| silence.to_string())?;
    let backfills = backfills.map_err(|error| error.to_string())?;
    let verifications = catalog::in_time(verification::latest(&client)).await;
    let verifications = verifications.map_err(|silence| silence.to_string())?;
    let verifications = verifications.map_err(|error| error.to_string())?;
    Ok(Fleet { epoch, frozen, replicas, backfills, verifications })
}

/// The user of this terminal, and why.
pub(super) fn cause(why: Option<String>) -> Cause {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    Cause { who: format!("{user}@{}", host()), why }
}
