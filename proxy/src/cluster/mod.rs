//! Finds PostgreSQL server binaries and runs throw-away clusters with them.
//!
//! A cluster lives in a temporary folder, listens on a private port of 127.0.0.1 and on a Unix
//! socket, and leaves nothing behind: neither when it is stopped, nor when its value is dropped by
//! a panic, nor when this process is killed: then a watchdog clears up.

mod account;
mod binaries;
mod download;
mod error;
mod folder;
mod server;

use std::path::{Path, PathBuf};

pub use binaries::{Binaries, FOLDER_VARIABLE};
pub use download::RELEASES_URL;
pub use error::ClusterError;

use account::Account;
use folder::Folder;
use server::Server;

/// The superuser of every throw-away cluster; it logs in through the Unix socket without password.
pub const SUPERUSER: &str = "postgres";

/// Ports that are tried before giving up. Another process can take a port between our looking and
/// the server's binding it, but hardly this often. Unit: attempts.
const PORT_ATTEMPTS: u32 = 20;

/// How much a cluster cares for its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// As PostgreSQL is by default: a commit waits for the disk.
    Full,
    /// Nothing waits for the disk: right for tests, wrong for measuring.
    #[default]
    None,
}

/// A certificate and key with which the server offers TLS.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// The certificate chain in PEM.
    pub certificate_pem: String,
    /// The private key in PEM.
    pub key_pem: String,
}

/// How a cluster is to be. The default: everybody is trusted, no TLS, no durability.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// The programs to use; `None` searches for them.
    pub binaries: Option<Binaries>,
    /// Lines of `pg_hba.conf`, tried in order, for example `host all all 127.0.0.1/32 md5`. Empty:
    /// everybody is trusted. [`SUPERUSER`] is always trusted on the Unix socket.
    pub hba: Vec<String>,
    /// Server settings, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
    /// Offer TLS.
    pub tls: Option<ServerTls>,
    /// Does a commit wait for the disk?
    pub durability: Durability,
}

/// A running throw-away cluster.
#[derive(Debug)]
pub struct Cluster {
    // The order matters: the server must have ended before its folder is removed.
    server: Server,
    folder: Folder,
    binaries: Binaries,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and waits until it accepts connections; a second or two.
    ///
    /// Cancel safety: dropping the future ends what was started and removes its files.
    ///
    /// # Errors
    /// [`ClusterError`] says what failed, [`ClusterError::hint`] the next step.
    pub async fn start(options: ClusterOptions) -> Result<Self, ClusterError> {
        let binaries = match options.binaries.clone() {
            Some(binaries) => binaries,
            None => Binaries::find().await?,
        };
        let account = Account::for_server()?;
        let folder = Folder::new(&account)?;
        server::initialise(&binaries, &account, &folder).await?;
        configure(&options, &account, &folder)?;
        Self::serve(binaries, &account, folder).await
    }

    /// Makes a standby of this cluster, which follows it, and waits until it accepts connections.
    ///
    /// Cancel safety: dropping the future ends what was started and removes its files.
    ///
    /// # Errors
    /// [`ClusterError`] says what failed, [`ClusterError::hint`] the next step.
    pub async fn standby(&self) -> Result<Self, ClusterError> {
        let account = Account::for_server()?;
        let folder = Folder::new(&account)?;
        let from = (self.socket_folder(), self.port);
        server::copy(&self.binaries, &account, &folder, from).await?;
        let settings = folder.data().join("postgresql.auto.conf");
        let own = format!("unix_socket_directories = '{}'\n", folder.sockets().display());
        std::fs::read_to_string(&settings)
            .and_then(|copied| std::fs::write(&settings, copied + &own))
            .map_err(|error| ClusterError::file(&settings, error))?;
        Self::serve(self.binaries.clone(), &account, folder).await
    }

    /// Starts the server of a data directory that is ready for it.
    async fn serve(
        binaries: Binaries,
        account: &Account,
        folder: Folder,
    ) -> Result<Self, ClusterError> {
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port().map_err(|error| ClusterError::file(folder.path(), error))?;
            let mut server = Server::spawn(&binaries, account, &folder, port)?;
            match server.wait_until_ready(&folder).await {
                Ok(()) => return Ok(Self { server, folder, binaries, port }),
                Err(ClusterError::Ended { log }) if server::port_was_taken(&log) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ClusterError::Port { attempts: PORT_ATTEMPTS })
    }

    /// The TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket, to be used as a host name together with [`Cluster::port`].
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.folder.sockets()
    }

    /// The data directory.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.data()
    }

    /// Everything that belongs to this cluster is in here.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The programs that it runs.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Process id of the postmaster.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.server.process_id()
    }

    /// A connection URL over TCP for `user`, both names as they are.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// How the superuser connects to `database`: by the Unix socket, past every proxy.
    #[must_use]
    pub fn superuser(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.socket_folder()).port(self.port).user(SUPERUSER).dbname(database);
        config
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(self.folder.log())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Ends the server in good order (fast shutdown) and removes its files. Dropping does the same
    /// in less good order, and blocks for the moment that it takes.
    ///
    /// Cancel safety: dropping the future goes on as dropping the cluster does.
    pub async fn stop(mut self) {
        self.server.stop().await;
    }
}

/// Writes the configuration files of a fresh data directory.
fn configure(
    options: &ClusterOptions,
    account: &Account,
    folder: &Folder,
) -> Result<(), ClusterError> {
    let data = folder.data();
    let write = |name: &str, text: &str| {
        let path = data.join(name);
        std::fs::write(&path, text)
            .and_then(|()| account.give(&path))
            .map_err(|error| ClusterError::file(&path, error))
    };
    write("postgresql.auto.conf", &settings_text(options, folder))?;
    if !options.hba.is_empty() {
        write("pg_hba.conf", &hba_text(options))?;
    }
    if let Some(tls) = &options.tls {
        write("server.crt", &tls.certificate_pem)?;
        write("server.key", &tls.key_pem)?;
        let key = data.join("server.key");
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, owner_only)
            .map_err(|error| ClusterError::file(&key, error))?;
    }
    Ok(())
}

/// The settings, in the syntax of `postgresql.conf`; later lines win.
fn settings_text(options: &ClusterOptions, folder: &Folder) -> String {
    let sockets = folder.sockets().display().to_string();
    let mut settings: Vec<(&str, &str)> = vec![
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", &sockets),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
    ];
    if options.durability == Durability::None {
        let careless = ["fsync", "synchronous_commit", "full_page_writes"];
        settings.extend(careless.map(|name| (name, "off")));
    }
    if options.tls.is_some() {
        settings.push(("ssl", "on"));
    }
    settings.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    settings
        .into_iter()
        .map(|(name, value)| {
            format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''"))
        })
        .collect()
}

/// The lines of `pg_hba.conf`; the first that matches decides.
fn hba_text(options: &ClusterOptions) -> String {
    let mut text = format!("local all {SUPERUSER} trust\n");
    for line in &options.hba {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A port that nobody listens on at this moment.
fn free_port() -> std::io::Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cluster(options: ClusterOptions) -> Cluster {
        Cluster::start(options).await.unwrap_or_else(|e| panic!("{e}\nHINT: {}", e.hint()))
    }

    async fn answer(config: &tokio_postgres::Config, sql: &str) -> String {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let row = client.query_one(sql, &[]).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
        row.get(0)
    }

    fn is_running(process_id: u32) -> bool {
        let pid = rustix::process::Pid::from_raw(i32::try_from(process_id).unwrap()).unwrap();
        rustix::process::test_kill_process(pid).is_ok()
    }

    #[tokio::test]
    async fn a_cluster_answers_on_both_ways_and_leaves_nothing_behind() {
        let options = ClusterOptions {
            settings: vec![("application_name".to_owned(), "it's \\ quoted".to_owned())],
            ..ClusterOptions::default()
        };
        let cluster = cluster(options).await;
        let by_socket = cluster.superuser("postgres");
        assert_eq!(answer(&by_socket, "SHOW application_name").await, "it's \\ quoted");
        let by_tcp = cluster.url(SUPERUSER, "postgres").parse().unwrap();
        assert_eq!(answer(&by_tcp, "SHOW port").await, cluster.port().to_string());
        let (folder, process_id) = (cluster.folder().to_owned(), cluster.process_id());
        assert!(folder.exists() && is_running(process_id));
        cluster.stop().await;
        assert!(!folder.exists() && !is_running(process_id));
    }

    #[tokio::test]
    async fn a_dropped_cluster_leaves_nothing_behind() {
        let cluster = cluster(ClusterOptions::default()).await;
        let (folder, process_id) = (cluster.folder().to_owned(), cluster.process_id());
        drop(cluster);
        assert!(!folder.exists() && !is_running(process_id));
    }

    #[tokio::test]
    async fn passwords_are_demanded_where_the_lines_say_so() {
        let hba = vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()];
        let cluster = cluster(ClusterOptions { hba, ..ClusterOptions::default() }).await;
        let (client, connection) =
            cluster.superuser("postgres").connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("CREATE ROLE app LOGIN PASSWORD 'secret'").await.unwrap();
        let mut config: tokio_postgres::Config = cluster.url("app", "postgres").parse().unwrap();
        assert!(config.connect(tokio_postgres::NoTls).await.is_err());
        config.password("secret");
        assert_eq!(answer(&config, "SELECT current_user::text").await, "app");
    }
}
