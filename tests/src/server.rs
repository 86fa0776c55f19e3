//! One private cluster per test process and one database per test; a cluster of its own for a test that must be
//! [`alone`].
//!
//! A cluster lives as long as the process; the cluster's own watchdog removes it afterwards.

use std::cell::Cell;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use segue::cluster::{Cluster, ClusterOptions, SUPERUSER};
use tokio::runtime::Runtime;

use crate::stage::{self, Shape};
use crate::wire::{Login, Wire};

/// The runtime on which clusters and proxies of this process live.
///
/// Tests block on it from their own threads, so a cluster outlives the test that started it. It is one for all proxies of
/// a process, each of which has one for itself otherwise: while some of them read catalogs, which takes an unoptimized
/// build a while on a busy machine, the others' control planes must go on, or the server ends a step that stands still.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(8)
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// Runs a future to its end on [`runtime`].
pub fn run<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// Lets some time go by.
pub fn pause(milliseconds: u64) {
    run(async { tokio::time::sleep(Duration::from_millis(milliseconds)).await });
}

/// Longest wait for something that happens elsewhere. Unit: milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// Pause between two looks. Unit: milliseconds.
const LOOK_MS: u64 = 20;

/// Looks again and again until `condition` holds.
///
/// # Panics
/// If it does not come to hold.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..PATIENCE_MS / LOOK_MS {
        if condition() {
            return;
        }
        pause(LOOK_MS);
    }
    panic!("not within {PATIENCE_MS} ms: {what}");
}

/// The cluster of this process, or the one that this test has for itself.
pub fn cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    TAKEN.get().unwrap_or_else(|| SHARED.get_or_init(usual))
}

/// Everybody is trusted, nothing waits for the disk.
fn usual() -> Cluster {
    let cluster = start(ClusterOptions {
        settings: vec![
            ("max_connections".to_owned(), "300".to_owned()),
            ("log_min_messages".to_owned(), "panic".to_owned()),
            ("max_prepared_transactions".to_owned(), "10".to_owned()),
            // What the planner knows is what a test has it know.
            ("autovacuum".to_owned(), "off".to_owned()),
        ],
        ..ClusterOptions::default()
    });
    // segue's own role, with no more than what the README grants it.
    Login::direct(&cluster, "postgres").connect().script(
        "CREATE ROLE segue LOGIN; GRANT pg_read_all_stats, pg_read_all_data TO segue;
         CREATE ROLE app LOGIN; CREATE ROLE \"the owner\";",
    );
    cluster
}

thread_local! {
    /// The cluster that the test of this thread has for itself.
    static TAKEN: Cell<Option<&'static Cluster>> = const { Cell::new(None) };
}

/// Tests that are alone beside each other: more of them would starve each other of the two cores that CI has, and
/// leases of a second would run out. Unit: clusters.
const ALONE: usize = 2;

/// Clusters for tests that are alone: those that nobody has now, and how many may still be made.
static FREE: Mutex<(Vec<&'static Cluster>, usize)> = Mutex::new((Vec::new(), ALONE));

/// One of [`FREE`] has been given back.
static GIVEN_BACK: Condvar = Condvar::new();

/// A cluster that one test has for itself while this lives.
#[derive(Debug)]
pub struct Alone(&'static Cluster);

/// From here on the databases that this thread creates are in a cluster in which no other test is. A flip waits for
/// every writing transaction of a cluster, other databases included, so tests that hold transactions open must not
/// run beside tests that flip.
#[must_use]
pub fn alone() -> Alone {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = loop {
        if let Some(cluster) = free.0.pop() {
            break cluster;
        }
        if free.1 > 0 {
            free.1 -= 1;
            drop(free);
            break Box::leak(Box::new(usual()));
        }
        free = GIVEN_BACK.wait(free).unwrap_or_else(PoisonError::into_inner);
    };
    TAKEN.set(Some(cluster));
    Alone(cluster)
}

impl Drop for Alone {
    fn drop(&mut self) {
        TAKEN.set(None);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).0.push(self.0);
        GIVEN_BACK.notify_one();
    }
}

/// Starts a cluster of its own for a test that needs one unlike the others.
pub fn start(options: ClusterOptions) -> Cluster {
    run(Cluster::start(options)).unwrap_or_else(|error| panic!("{error}\nHINT: {}", error.hint()))
}

/// A database of one test.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Where it is.
    cluster: &'static Cluster,
}

impl Database {
    /// Creates a database whose name starts with `about`, and runs `ddl` in it.
    pub fn create(about: &str, ddl: &str) -> Self {
        let database = Self::named(cluster(), about, "");
        database.connect().script(ddl);
        database
    }

    /// A database of that shape of the corpus.
    pub fn in_shape(about: &str, shape: Shape) -> Self {
        Self::create(about, &format!("{}\n{}", stage::PLAIN, stage::ddl(shape)))
    }

    fn named(cluster: &'static Cluster, about: &str, options: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("{about}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = Login::direct(cluster, "postgres");
        admin.connect().script(&format!("CREATE DATABASE \"{name}\" {options}"));
        Self { name, cluster }
    }

    /// The cluster that it is in.
    #[must_use]
    pub fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    /// Creates a copy of `template`, down to the oids of its types, and runs `ddl` in it. Nobody may
    /// be connected to the template.
    pub fn copy(template: &Self, about: &str, ddl: &str) -> Self {
        let options = format!("TEMPLATE \"{}\"", template.name);
        let database = Self::named(template.cluster, about, &options);
        database.connect().script(ddl);
        database
    }

    /// A session of the superuser, past every proxy.
    pub fn connect(&self) -> Wire {
        self.login().connect()
    }

    /// How the superuser connects, past every proxy.
    pub fn login(&self) -> Login {
        Login::direct(self.cluster, &self.name)
    }

    /// The URL that `control` gets: segue's own role over TCP.
    pub fn control_url(&self) -> String {
        self.cluster.url("segue", &self.name)
    }

    /// The superuser's name.
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }
}
