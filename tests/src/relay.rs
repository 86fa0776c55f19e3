//! The data plane alone: a listener and its sessions, with a generation chosen by the test.
//!
//! No configuration file and no control connection, so a test can put anything behind it: a server
//! that asks for passwords, one that is down, or a peer that cuts connections.

use std::num::NonZero;
use std::sync::Arc;

use rewrite_rules::{Catalog, Phase, Rule};
use segue::client::crew::Crew;
use segue::client::listener::{self, Front};
use segue::latency::{Latency, Window};
use segue::phase::generation::{Current, Generation};
use segue::session::counters::{Counters, Snapshot};
use segue::upstream::Upstream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::farewell;
use crate::golden::schema;
use crate::server::{Database, run, runtime};
use crate::wire::{Login, Wire};

/// A listener with its sessions.
#[derive(Debug)]
pub struct Relay {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The generation in force.
    pub current: Arc<Current>,
    counters: Arc<Counters>,
    latency: Arc<Latency>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// The generation in which nothing is governed.
#[must_use]
pub fn ungoverned() -> Arc<Generation> {
    generation(1, &[], "")
}

/// The generation of `rules` over a database made by `ddl`.
///
/// # Panics
/// If they do not compile.
#[must_use]
pub fn generation(number: u64, rules: &[Rule], ddl: &str) -> Arc<Generation> {
    let catalog: Arc<Catalog> = Arc::new(schema::catalog_of(ddl).expect("DDL that is understood"));
    let compiled = rewrite_rules::compile(number, rules, catalog)
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(Generation::new(compiled))
}

/// The generation of `rules` over what `database` really has.
///
/// # Panics
/// If they do not compile, or the catalog cannot be loaded.
#[must_use]
pub fn generation_of(number: u64, rules: &[Rule], database: &Database) -> Arc<Generation> {
    let catalog = run(async {
        let config = database.cluster().superuser(&database.name);
        let (mut client, connection) =
            config.connect(tokio_postgres::NoTls).await.expect("the superuser");
        let connection = tokio::spawn(connection);
        let catalog = segue::catalog::load(&mut client).await.expect("the catalog");
        connection.abort();
        catalog
    });
    let compiled = rewrite_rules::compile(number, rules, Arc::new(catalog))
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(Generation::new(compiled))
}

/// One rename of a column of `users`.
#[must_use]
pub fn rename_username(phase: Phase) -> Rule {
    let change = rewrite_rules::rule::Change::RenameColumn(rewrite_rules::rule::ColumnPair::new(
        "users", "username", "handle",
    ));
    Rule { name: "rename-username".to_owned(), change, phase }
}

impl Relay {
    /// Starts in front of its cluster, governing `database`.
    pub fn start(database: &Database, generation: Arc<Generation>) -> Self {
        let upstream = Upstream::Tcp {
            host: "127.0.0.1".to_owned(),
            port: database.cluster().port(),
            tls: None,
        };
        Self::before(upstream, &database.name, generation, None)
    }

    /// The same, with the generation of `rules` over what the database really has.
    pub fn governing(database: &Database, rules: &[Rule]) -> Self {
        Self::start(database, generation_of(1, rules, database))
    }

    /// Starts in front of any server.
    pub fn before(
        upstream: Upstream,
        database: &str,
        generation: Arc<Generation>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let current = Arc::new(Current::new(generation));
        let (counters, latency) = (Arc::new(Counters::default()), Arc::new(Latency::default()));
        let front = Arc::new(Front {
            upstream,
            tls,
            governed_database: database.to_owned(),
            current: Arc::clone(&current),
            counters: Arc::clone(&counters),
            latency: Arc::clone(&latency),
        });
        let (stop, stopped) = watch::channel(false);
        let listener = run(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let crew = Crew::start(NonZero::<usize>::MIN).expect("threads");
        let port = listener.local_addr().expect("a bound address").port();
        let task = runtime().spawn(listener::run(listener, front, crew, stopped));
        Self { port, current, counters, latency, stop, task }
    }

    /// Logs in as the superuser.
    pub fn connect(&self, database: &Database) -> Wire {
        Login::at(self.port, database.superuser(), &database.name).connect()
    }

    /// What its sessions have done.
    pub fn counters(&self) -> Snapshot {
        self.counters.snapshot()
    }

    /// How long requests have taken since the start: nobody notes in between.
    pub fn latency(&self) -> Window {
        self.latency.window(std::time::Duration::ZERO)
    }

    /// Ends it, and every session with it.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        let stopped = run(farewell::until_stopped(self.port, self.task));
        stopped.expect("the listener's task").expect("the listener");
    }
}
