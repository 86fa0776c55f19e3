//! The whole proxy in this process, with its configuration file in a folder of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use segue::app::{self, Running, StartError};
use segue::journal::schema;
use segue::latency::Window;
use segue::phase::drain::Drain;
use segue::phase::generation::Current;
use segue::phase::wish::{ReloadError, Reloaded, Wish};
use segue::session::counters::Snapshot;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::farewell;
use crate::server::{Database, run};
use crate::wire::{Login, Wire};

/// A running proxy in front of the shared cluster.
#[derive(Debug)]
pub struct Proxy {
    running: Running,
    database: Database,
    folder: TempDir,
    /// What the file says before its migrations.
    head: String,
}

/// How often a step is asked for that has to wait for the flip before; each waits for some seconds.
const STEP_TRIES: usize = 30;

/// How a replica differs from the usual proxy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replica<'a> {
    /// Port on 127.0.0.1 by which it reaches the journal, if not the server's.
    pub control_port: Option<u16>,
    /// Its lease, if not the usual one.
    pub lease: Option<&'a str>,
    /// Whether the journal takes over what it does not know.
    pub adopt: bool,
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
        forget_the_fleet(database);
        let replica = Replica { adopt: true, ..Replica::default() };
        Self::try_join(database, migrations, replica)
    }

    /// Starts one more proxy with these migrations; the journal stays as it is.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn try_join(
        database: &Database,
        migrations: &str,
        replica: Replica<'_>,
    ) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("segue.toml");
        let head = head(database, replica);
        write(&path, &head, migrations);
        let running = run(app::start(&path, replica.adopt))?;
        Ok(Self { running, database: database.clone(), folder, head })
    }

    /// Starts one more proxy with these migrations; the journal stays as it is.
    ///
    /// # Panics
    /// If it does not start.
    pub fn join(database: &Database, migrations: &str, replica: Replica<'_>) -> Self {
        Self::try_join(database, migrations, replica).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.running.addr.port()
    }

    /// The database that it governs.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
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
        write(&self.config(), &self.head, migrations);
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

    /// Moves the rename of `users.username` to `phase`, and does not wait for it. The flip before may have to be
    /// waited for: transactions of other tests on the same cluster take seconds on a busy machine.
    ///
    /// # Panics
    /// If it is refused.
    pub fn swap(&self, phase: Phase) {
        for _ in 0..STEP_TRIES {
            match self.reload(&rename_username(phase)) {
                Ok(_) => return,
                Err(ReloadError::NotDrained { .. }) => {}
                Err(error) => panic!("{phase}: {error}"),
            }
        }
        panic!("{phase}: the flip before has not drained");
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

    /// How long the requests of the last 60 s took.
    #[must_use]
    pub fn latency(&self) -> Window {
        self.running.latency.window(Duration::from_secs(60))
    }

    /// Asks for a step, as a command does.
    ///
    /// # Errors
    /// Why everything was left as it was.
    pub fn ask(&self, wish: Wish) -> Result<Reloaded, ReloadError> {
        run(self.running.reloader.ask(wish))
    }

    /// The phase of the rename of `users.username` that is in force.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        let generation = self.current().load();
        generation.compiled().rules().first().map(|rule| rule.phase)
    }

    /// Ends it in order, and starts it again with its file as it is.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(self) -> Self {
        let Self { running, database, folder, head } = self;
        run(farewell::until_stopped(running.addr.port(), running.stop()));
        let started = run(app::start(&folder.path().join("segue.toml"), false));
        let running = started.unwrap_or_else(|error| panic!("{error}"));
        Self { running, database, folder, head }
    }

    /// Ends it as a crash does.
    pub fn crash(self) {
        let _inside = crate::server::runtime().enter();
        drop(self);
    }

    /// Ends it in order.
    pub fn stop(self) {
        run(farewell::until_stopped(self.port(), self.running.stop()));
    }
}

/// Makes a journal that knows nothing, so that a proxy may start in any phase.
pub fn forget_the_fleet(database: &Database) {
    database.connect().script("DROP SCHEMA IF EXISTS segue CASCADE");
    run(async {
        let superuser = database.cluster().superuser(&database.name);
        let (mut client, connection) = superuser.connect(NoTls).await.expect("a connection");
        let connection = tokio::spawn(connection);
        schema::init(&mut client, "segue", false).await.expect("a journal");
        drop(client);
        // Nobody may be connected to a database that is copied.
        let _ = connection.await;
    });
}

fn head(database: &Database, replica: Replica<'_>) -> String {
    let port = database.cluster().port();
    let mut control = database.control_url();
    if let Some(own) = replica.control_port {
        control = control.replace(&format!(":{port}/"), &format!(":{own}/"));
    }
    let lease = replica.lease.map_or(String::new(), |lease| format!("lease = \"{lease}\"\n"));
    format!(
        "listen   = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{port}\"\n\
         control  = \"{control}\"\n{lease}\n"
    )
}

/// Writes a configuration file in one piece, as an editor does.
fn write(path: &std::path::Path, head: &str, migrations: &str) {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, format!("{head}{migrations}"));
    written.and_then(|()| std::fs::rename(&new, path)).expect("a file");
}
