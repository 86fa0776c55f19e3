//! A server, a configuration, and `segue serve` with it, as processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use segue::cluster::{Cluster, ClusterOptions, SUPERUSER};
use tokio_postgres::{Client, NoTls};

use crate::door::Door;

/// Exit code, standard output, standard error.
pub(crate) type Said = (Option<i32>, String, String);

/// A running proxy, which must not outlive its test.
pub(crate) struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a house begins with.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) ddl: String,
    /// Keys of the one migration, which is called `m`.
    pub(crate) migration: String,
    /// Of the server.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// Whether the server is reached by a door, behind which there may be another one later.
    pub(crate) has_door: bool,
}

/// A server, a configuration, and `segue serve` with it.
pub(crate) struct House {
    pub(crate) cluster: Cluster,
    pub(crate) config: PathBuf,
    pub(crate) proxy: Proxy,
    door: Option<Door>,
    /// The server that was there before, whose folder holds the configuration.
    gone: Option<Cluster>,
    port: u16,
}

impl House {
    /// With a small table whose column is to be renamed.
    pub(crate) async fn start() -> Self {
        Self::with(Plan {
            ddl: "CREATE TABLE users (id int PRIMARY KEY, username text)".to_owned(),
            migration: "kind = \"rename-column\"\ntable = \"users\"\nfrom = \"username\"\n\
                        to = \"handle\"\nphase = \"expand\"\n"
                .to_owned(),
            ..Plan::default()
        })
        .await
    }

    pub(crate) async fn with(plan: Plan) -> Self {
        let settings = [&[("log_min_messages", "panic")], plan.settings].concat();
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let settings = settings.collect();
        let options = ClusterOptions { settings, ..ClusterOptions::default() };
        let cluster = Cluster::start(options).await.expect("a cluster");
        let direct = connect(cluster.superuser("postgres")).await;
        direct.batch_execute(&plan.ddl).await.expect("a table");
        let config = cluster.folder().join("segue.toml");
        let door = if plan.has_door { Some(Door::to(cluster.port()).await) } else { None };
        let server = door.as_ref().map_or(cluster.port(), |door| door.port);
        let text = format!(
            "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{server}\"\n\
             control = \"postgres://{SUPERUSER}@127.0.0.1:{server}/postgres\"\n\
             [[migration]]\nname = \"m\"\n{}",
            plan.migration,
        );
        std::fs::write(&config, text).expect("a file");
        direct.batch_execute("CREATE PUBLICATION everything FOR ALL TABLES").await.expect("DDL");
        let (code, _, error) = said(segue(&["init"], &config).output().expect("an exit"));
        assert_eq!(code, Some(1));
        assert!(error.starts_with("publication everything is FOR ALL TABLES"), "{error}");
        direct.batch_execute("DROP PUBLICATION everything").await.expect("DDL");
        let made = said(segue(&["init"], &config).output().expect("an exit"));
        assert_eq!(made, line(0, "journal made in database \"postgres\""));
        let (proxy, port) = serve(&cluster, &config).await;
        let house = Self { cluster, config, proxy, door, gone: None, port };
        let drained = "SELECT count(*) FROM segue.replica, segue.fleet WHERE acknowledged = epoch";
        house.comes_to("it has drained", drained, |count| count == 1).await;
        house
    }

    /// Kills the proxy and starts another one.
    pub(crate) async fn another_proxy(self, meanwhile: &str) -> Self {
        let Self { cluster, config, proxy, door, gone, .. } = self;
        drop(proxy);
        connect(cluster.superuser("postgres")).await.batch_execute(meanwhile).await.expect("SQL");
        let (proxy, port) = serve(&cluster, &config).await;
        Self { cluster, config, proxy, door, gone, port }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(segue(arguments, &self.config).output().expect("an exit"))
    }

    /// The same while this test goes on.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = segue(arguments, &self.config);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
    }

    /// A client through the proxy.
    pub(crate) async fn client(&self) -> Client {
        let mut through = tokio_postgres::Config::new();
        through.host("127.0.0.1").port(self.port).dbname("postgres");
        connect(through.user(SUPERUSER).application_name("app").clone()).await
    }

    /// A client past it.
    pub(crate) async fn direct(&self) -> Client {
        connect(self.cluster.superuser("postgres")).await
    }

    pub(crate) fn status(&self) -> String {
        self.run(&["status"]).1
    }

    /// The only value of a query.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.direct().await.query_one(query, &[]).await.expect("a row").get(0)
    }

    /// Looks again and again until the only value of a query is as it should be.
    pub(crate) async fn comes_to(&self, what: &str, query: &str, holds: impl Fn(i64) -> bool) {
        for _ in 0..3_000 {
            if holds(self.number(query).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not in time: {what}");
    }

    /// The door leads to another server from now on, which takes the place of the one that is gone.
    pub(crate) fn fail_over(&mut self, to: Cluster) {
        self.door.as_ref().expect("a door").lead_to(to.port());
        self.gone = Some(std::mem::replace(&mut self.cluster, to));
    }

    pub(crate) async fn stop(self) {
        drop(self.proxy);
        self.cluster.stop().await;
    }
}

/// Starts a proxy and waits until it is ready. Gives the port where it listens.
async fn serve(cluster: &Cluster, config: &Path) -> (Proxy, u16) {
    let mut serve = segue(&["serve", "--adopt"], config);
    let log = cluster.folder().join("segue.log");
    let file = std::fs::File::create(&log).expect("a log");
    let proxy = Proxy(serve.stderr(file).spawn().expect("a proxy"));
    eventually("it is ready", || port(&log).is_some()).await;
    let port = port(&log).expect("a port");
    (proxy, port)
}

pub(crate) fn segue(arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.args(arguments).arg("--config").arg(config).env_remove("RUST_LOG");
    command
}

pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..750 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in time: {what}");
}

pub(crate) fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn line(code: i32, out: &str) -> Said {
    (Some(code), format!("{out}\n"), String::new())
}

/// Where the proxy listens, as its log says.
fn port(log: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(log).expect("a log");
    let (_, address) = text.split_once("ready addr=127.0.0.1:")?;
    address.split_whitespace().next()?.parse().ok()
}

pub(crate) async fn connect(config: tokio_postgres::Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}
