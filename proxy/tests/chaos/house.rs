//! The server and the two replicas, as processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rewrite_rules::Phase;
use rustix::process::{Pid, Signal, kill_process};
use segue::cluster::{Cluster, ClusterOptions, SUPERUSER};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::tables::{Shape, Tables};
use crate::valve::Valve;

/// The migration.
pub(crate) const MIGRATION: &str = "m";

/// Longest wait for a command. It may be sent to a replica that is stopped. Unit: seconds.
const COMMAND_S: u64 = 20;

/// Replicas that have yet to drain, but for those that are dead.
pub(crate) const LAGGING: &str = "
    SELECT FROM segue.replica r, segue.fleet f
    WHERE r.expelled_at IS NULL AND r.acknowledged < f.epoch
      AND (r.heartbeat + r.lease > clock_timestamp() OR EXISTS (
          SELECT FROM segue.session s JOIN pg_stat_activity a ON a.pid = s.backend
          WHERE s.replica = r.id AND a.backend_start <= s.registered_at))";

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) tables: Tables,
    pub(crate) cluster: Cluster,
    pub(crate) replicas: [Replica; 2],
}

/// One replica, its file, and its ways to the server.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) port: u16,
    pub(crate) upstream: Valve,
    pub(crate) control: Valve,
    config: PathBuf,
    process: std::sync::Mutex<Option<Child>>,
    /// Held by whoever changes the file.
    pub(crate) file: Mutex<()>,
}

impl House {
    pub(crate) async fn start(tables: Tables) -> Self {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = ClusterOptions {
            settings: vec![
                setting("max_connections", "200"),
                // Nothing waits for the disk, but what is acknowledged survives a crash of processes.
                setting("synchronous_commit", "on"),
                setting("log_min_messages", "panic"),
            ],
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(options).await.expect("a cluster");
        let first = Replica::new(&cluster, 0, tables).await;
        let second = Replica::new(&cluster, 1, tables).await;
        let house = Self { tables, cluster, replicas: [first, second] };
        let direct = house.direct().await.expect("a connection");
        direct.batch_execute(&tables.ddl()).await.expect("tables");
        let made = house.command(0, &["init"]).await;
        assert!(made.as_ref().is_some_and(|it| it.status.success()), "{made:?}");
        for index in 0..house.replicas.len() {
            house.replica(index).start();
            house.eventually_serves(index).await;
        }
        house
    }

    pub(crate) fn ports(&self) -> [u16; 2] {
        let [first, second] = &self.replicas;
        [first.port, second.port]
    }

    pub(crate) fn replica(&self, index: usize) -> &Replica {
        let [first, second] = &self.replicas;
        if index == 0 { first } else { second }
    }

    /// A connection past everything.
    pub(crate) async fn direct(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.cluster.superuser("postgres").connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs a command with a replica's file. `None` if it does not end.
    pub(crate) async fn command(&self, index: usize, arguments: &[&str]) -> Option<Output> {
        self.killed_at("", index, arguments).await
    }

    /// The same of one that is killed where it comes to that place, if it does.
    pub(crate) async fn killed_at(
        &self,
        place: &str,
        index: usize,
        arguments: &[&str],
    ) -> Option<Output> {
        let mut command =
            tokio::process::Command::from(segue(arguments, &self.replica(index).config));
        command.kill_on_drop(true).stdin(Stdio::null()).env("SEGUE_KILL_AT", place);
        let ended = tokio::time::timeout(Duration::from_secs(COMMAND_S), command.output()).await;
        let output = ended.ok()?.expect("an exit");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked at"), "{arguments:?}: {said}");
        Some(output)
    }

    /// Puts a file that no proxy can read in the place of a replica's, for a while.
    pub(crate) async fn break_file(&self, index: usize, time: Duration) {
        let replica = self.replica(index);
        let _turn = replica.file.lock().await;
        let good = std::fs::read_to_string(&replica.config).expect("a file");
        replace(&replica.config, &good.replace("phase", "phaze"));
        tokio::time::sleep(time).await;
        replace(&replica.config, &good);
    }

    /// Has the server lose a process, so that it ends all sessions and recovers.
    pub(crate) async fn crash_server(&self) {
        let Ok(client) = self.direct().await else { return };
        let pid = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
        let Ok(Some(row)) = client.query_opt(pid, &[]).await else { return };
        if let Some(pid) = Pid::from_raw(row.get(0)) {
            // It may have ended.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Everything goes its way again; whoever died is started, whoever was stopped goes on.
    pub(crate) async fn heal(&self) {
        for (index, replica) in self.replicas.iter().enumerate() {
            replica.upstream.open();
            replica.control.open();
            replica.upstream.cut_after(u64::MAX);
            replica.control.cut_after(u64::MAX);
            let _turn = replica.file.lock().await;
            replica.signal(Signal::CONT);
            replica.start_if_dead();
            self.eventually_serves(index).await;
        }
    }

    async fn eventually_serves(&self, index: usize) {
        let replica = self.replica(index);
        for _ in 0..1_500 {
            if connect(replica.port, Shape::Old).await.is_ok() {
                return;
            }
            // It may have been started while the server was away.
            replica.start_if_dead();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("replica {index} does not serve:\n{}", self.log(index));
    }

    /// The phase of the journal.
    pub(crate) async fn phase(&self) -> Option<Phase> {
        let client = self.direct().await.ok()?;
        let row = client.query_opt("SELECT phase FROM segue.migration", &[]).await.ok()??;
        row.get::<_, String>(0).parse().ok()
    }

    /// Whether both replicas are heard of, and have drained the epoch in force.
    pub(crate) async fn all_are_there(&self) -> bool {
        let Ok(client) = self.direct().await else { return false };
        let query = format!(
            "SELECT count(*) = 2 AND NOT EXISTS ({LAGGING}) FROM segue.replica
             WHERE expelled_at IS NULL AND heartbeat + lease > clock_timestamp()"
        );
        client.query_one(&query, &[]).await.is_ok_and(|row| row.get(0))
    }

    pub(crate) fn log(&self, index: usize) -> String {
        std::fs::read_to_string(log(&self.replica(index).config)).unwrap_or_default()
    }

    /// What the journal and the replicas say of what has happened.
    pub(crate) async fn account(&self) -> String {
        let history =
            "SELECT concat_ws(' ', at::time, epoch, action, from_phase, to_phase, who, why)
                       FROM segue.history ORDER BY id";
        let rows = match self.direct().await {
            Ok(client) => client.query(history, &[]).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        format!("{}\n{}\n{}", rows.join("\n"), self.log(0), self.log(1))
    }

    pub(crate) async fn stop(self) {
        drop(self.replicas);
        self.cluster.stop().await;
    }
}

impl Replica {
    async fn new(cluster: &Cluster, index: usize, tables: Tables) -> Self {
        let (upstream, control) =
            (Valve::to(cluster.port()).await, Valve::to(cluster.port()).await);
        let port = free_port();
        let folder = cluster.folder().join(format!("replica-{index}"));
        std::fs::create_dir(&folder).expect("a folder");
        let config = folder.join("segue.toml");
        let [before, behind] = tables.migration();
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nupstream = \"postgres://127.0.0.1:{}\"\n\
             control = \"postgres://{SUPERUSER}@127.0.0.1:{}/postgres\"\nlease = \"1s\"\n\
             [[migration]]\nname = \"{MIGRATION}\"\n{before}phase = \"expand\"\n{behind}",
            upstream.port, control.port
        );
        std::fs::write(&config, text).expect("a file");
        let process = std::sync::Mutex::default();
        Self { port, upstream, control, config, process, file: Mutex::default() }
    }

    pub(crate) fn start(&self) {
        let path = log(&self.config);
        let log = std::fs::File::options().create(true).append(true).open(path).expect("a log");
        let mut serve = segue(&["serve"], &self.config);
        let child = serve.stdin(Stdio::null()).stderr(log).spawn().expect("a process");
        *self.process() = Some(child);
    }

    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn start_if_dead(&self) {
        let is_alive =
            self.process().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !is_alive {
            self.start();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process().as_ref().and_then(|it| i32::try_from(it.id()).ok())
            && let Some(pid) = Pid::from_raw(pid)
        {
            // It may have ended.
            let _ = kill_process(pid, signal);
        }
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().expect("no panic")
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log(config: &Path) -> PathBuf {
    config.with_extension("log")
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).expect("a file");
}

fn segue(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.args(arguments).arg("--config").arg(config).env("RUST_LOG", "info");
    command
}

/// A port that nobody else takes, while its proxy is away too: the system gives those of its own range to whoever connects.
fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let place = std::process::id() * 100 + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + u16::try_from(place % 20_000).unwrap_or_default();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A client's connection through the proxy at `port`.
pub(crate) async fn connect(port: u16, shape: Shape) -> Result<Client, String> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(SUPERUSER).dbname("postgres");
    if shape == Shape::New {
        config.options("-c segue.shape=new");
    }
    let connecting = tokio::time::timeout(Duration::from_secs(3), config.connect(NoTls)).await;
    let (client, connection) =
        connecting.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(client)
}
