//! What stands between a client and the server: processes of their own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use segue::cluster::SUPERUSER;

use crate::fault::Fault;
use crate::house::House;

/// Where PgBouncer is installed.
const PGBOUNCER: [&str; 3] =
    ["/usr/sbin/pgbouncer", "/usr/local/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];

/// How long a relay may take to listen. Unit: milliseconds.
const START_DEADLINE_MS: u64 = 20_000;

/// How often it is asked. Unit: milliseconds.
const POLL_MS: u64 = 20;

/// How the server is reached from a relay on the same machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Link {
    Tcp,
    Unix,
}

/// What PgBouncer does with a connection to the server that its client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lending {
    /// The next client gets it.
    Free,
    /// It is closed.
    Never,
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Unix => "a Unix socket",
        })
    }
}

/// A relay; dropping it ends its process.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    process: Child,
}

impl Relay {
    /// Its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// PgBouncer, each client with a server connection of its own.
    pub(crate) async fn pgbouncer(
        program: &Path,
        house: &House,
        (link, lending): (Link, Lending),
    ) -> Result<Self, Fault> {
        let port = free_port()?;
        let folder = house.folder();
        let host = match link {
            Link::Tcp => "127.0.0.1".to_owned(),
            Link::Unix => house.cluster.socket_folder().display().to_string(),
        };
        let users = folder.join("pgbouncer-users.txt");
        std::fs::write(&users, format!("\"{SUPERUSER}\" \"\"\n"))?;
        let settings = format!(
            "[databases]\n* = host={host} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = session\n\
             max_client_conn = 20000\ndefault_pool_size = 10000\nlog_connections = 0\n\
             log_disconnections = 0\nlog_stats = 0\n{}ignore_startup_parameters = extra_float_digits\n\
             client_tls_sslmode = allow\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n",
            house.cluster.port(),
            users.display(),
            match lending {
                Lending::Free => "",
                Lending::Never => "server_lifetime = 0\n",
            },
            house.certificate().display(),
            house.key().display(),
        );
        let file = folder.join(format!("pgbouncer-{port}.ini"));
        std::fs::write(&file, settings)?;
        let mut command = Command::new(program);
        command.arg("--quiet");
        if rustix::process::geteuid().is_root() {
            command.args(["--user", SUPERUSER]);
        }
        let log = std::fs::File::create(folder.join(format!("pgbouncer-{port}.log")))?;
        let process =
            command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let relay = Self { port, process };
        relay.listens("PgBouncer").await?;
        Ok(relay)
    }

    /// segue over that database, with those migrations.
    pub(crate) async fn segue(
        house: &House,
        database: &str,
        migrations: &str,
        link: Link,
    ) -> Result<Self, Fault> {
        let (port, server) = (free_port()?, house.cluster.port());
        let upstream = match link {
            Link::Tcp => format!("postgres://127.0.0.1:{server}"),
            Link::Unix => {
                let folder = house.cluster.socket_folder().display().to_string();
                format!("postgres://{}:{server}", folder.replace('/', "%2F"))
            }
        };
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nupstream = \"{upstream}\"\ncontrol = \"{}\"\n\
             tls_certificate = \"{}\"\ntls_key = \"{}\"\n{migrations}",
            house.cluster.url(SUPERUSER, database),
            house.certificate().display(),
            house.key().display(),
        );
        let file = house.folder().join(format!("{database}.toml"));
        std::fs::write(&file, text)?;
        let log = std::fs::File::create(file.with_extension("log"))?;
        let process = segue(["serve", "--adopt", "--config"])?
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let relay = Self { port, process };
        if let Err(fault) = relay.listens("segue").await {
            let said = std::fs::read_to_string(file.with_extension("log")).unwrap_or_default();
            return Err(Fault::Other(format!("{fault}:\n{said}")));
        }
        Ok(relay)
    }

    async fn listens(&self, name: &str) -> Result<(), Fault> {
        for _ in 0..START_DEADLINE_MS / POLL_MS {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        }
        Err(Fault::Other(format!("{name} did not listen within {START_DEADLINE_MS} ms")))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The `segue` command, which is in this program too.
pub(crate) fn segue<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Command, Fault> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("segue").args(arguments);
    Ok(command)
}

/// PgBouncer, where it is installed.
pub(crate) fn find_pgbouncer() -> Option<PathBuf> {
    PGBOUNCER.iter().map(PathBuf::from).find(|path| path.exists())
}

/// What PgBouncer calls itself.
pub(crate) fn pgbouncer_version(program: &Path) -> String {
    crate::machine::first_line(Command::new(program).arg("--version"))
}

fn free_port() -> Result<u16, Fault> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
