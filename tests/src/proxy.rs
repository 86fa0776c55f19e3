//! The whole proxy in this process, with its configuration file in a folder of its own.

use std::path::PathBuf;
use std::sync::Arc;

use rewrite_rules::Phase;
use segue::app::{self, Running, StartError};
use segue::phase::drain::Drain;
use segue::phase::flip::{ReloadError, Reloaded};
use segue::phase::generation::Current;
use segue::session::counters::Snapshot;
use tempfile::TempDir;

use crate::server::{Database, cluster, run};
use crate::wire::{Login, Wire};

/// A running proxy in front of the shared cluster.
#[derive(Debug)]
pub struct Proxy {
    running: Running,
    database: Database,
    folder: TempDir,
}

/// The `[[migration]]` entry that renames `users.username` to `handle`.
#[must_use]
pub fn rename_username(phase: Phase) -> String {
    format!(
        "# keep this comment\n[[migration]]\nname  = \"rename-username\"\nkind  = \"rename-column\"\n\
         table = \"users\"\nfrom  = \"username\"\nto    = \"handle\"\nphase = \"{phase}\"\n"
    )
}

impl Proxy {
    /// Starts with these migrations, governing `database`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(database: &Database, migrations: &str) -> Self {
        Self::try_start(database, migrations).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts with these migrations, governing `database`.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn try_start(database: &Database, migrations: &str) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("segue.toml");
        write(&path, database, migrations);
        let running = run(app::start(&path))?;
        Ok(Self { running, database: database.clone(), folder })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.running.addr.port()
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("segue.toml")
    }

    /// Logs in as the superuser.
    pub fn connect(&self) -> Wire {
        self.login().connect()
    }

    /// How the superuser logs in.
    #[must_use]
    pub fn login(&self) -> Login {
        Login::at(self.port(), self.database.superuser(), &self.database.name)
    }

    /// Writes new migrations to the file and reloads.
    ///
    /// # Errors
    /// Why everything was left as it was.
    pub fn reload(&self, migrations: &str) -> Result<Reloaded, ReloadError> {
        write(&self.config(), &self.database, migrations);
        run(self.running.reloader.reload())
    }

    /// Moves the rename of `users.username` to `phase` and waits until the flip has drained.
    ///
    /// # Panics
    /// If it is refused.
    pub fn flip(&self, phase: Phase) {
        self.swap(phase);
        run(self.running.flip().drained());
    }

    /// Moves the rename of `users.username` to `phase`, and does not wait.
    ///
    /// # Panics
    /// If it is refused.
    pub fn swap(&self, phase: Phase) {
        if let Err(error) = self.reload(&rename_username(phase)) {
            panic!("{phase}: {error}");
        }
    }

    /// The latest flip.
    #[must_use]
    pub fn last_flip(&self) -> Arc<Drain> {
        self.running.flip()
    }

    /// The generation in force.
    #[must_use]
    pub fn current(&self) -> &Arc<Current> {
        &self.running.current
    }

    /// What its sessions have done.
    #[must_use]
    pub fn counters(&self) -> Snapshot {
        self.running.counters.snapshot()
    }

    /// Ends it in order.
    pub fn stop(self) {
        run(self.running.stop());
    }
}

/// Writes a configuration file in one piece, as an editor does.
fn write(path: &std::path::Path, database: &Database, migrations: &str) {
    let text = format!(
        "listen   = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol  = \"{}\"\n\n{migrations}",
        cluster().port(),
        database.control_url()
    );
    let new = path.with_extension("new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).expect("a file");
}
