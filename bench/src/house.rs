//! A server with TLS and the tables of pgbench, for everything that is compared on it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use segue::cluster::{Cluster, ClusterOptions, Durability, SUPERUSER, ServerTls};
use segue::journal::schema;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::fault::Fault;

/// The database that others are copied from.
pub(crate) const BASE: &str = "bench";

/// How often a copy is tried, and the pause before. Unit: milliseconds.
const COPY_TRIES: u32 = 50;
const COPY_PAUSE_MS: u64 = 100;

/// The tables that are governed and that no statement of the load names.
const UNTOUCHED: u32 = 20;

/// A server of its own.
pub(crate) struct House {
    pub(crate) cluster: Cluster,
    certificate: PathBuf,
    key: PathBuf,
}

impl House {
    /// A server without a database yet. Where relays are compared, and not disks, commits need not wait for
    /// the disk.
    pub(crate) async fn start(max_connections: u32, durability: Durability) -> Result<Self, Fault> {
        let certified =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(Fault::of)?;
        let tls = ServerTls {
            certificate_pem: certified.cert.pem(),
            key_pem: certified.signing_key.serialize_pem(),
        };
        let max_connections = max_connections.to_string();
        let settings = [
            ("shared_buffers", "1GB"),
            ("max_connections", max_connections.as_str()),
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "30min"),
            ("autovacuum", "off"),
            ("log_min_messages", "panic"),
        ];
        let options = ClusterOptions {
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            durability,
            tls: Some(tls.clone()),
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(options).await?;
        let (certificate, key) =
            (cluster.folder().join("relay.crt"), cluster.folder().join("relay.key"));
        std::fs::write(&certificate, tls.certificate_pem)?;
        std::fs::write(&key, tls.key_pem)?;
        Ok(Self { cluster, certificate, key })
    }

    /// The tables of pgbench, a second column for the balance of an account, and tables that are governed
    /// and not touched.
    pub(crate) async fn furnish(&self, scale: u32, untouched: u32) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute(&format!("CREATE DATABASE {BASE}")).await?;
        let output = Command::new(self.pgbench())
            .args(["--initialize", "--quiet", "--scale", &scale.to_string()])
            .args(["--host", "127.0.0.1", "--port", &self.cluster.port().to_string()])
            .args(["--username", SUPERUSER, BASE])
            .output()?;
        if !output.status.success() {
            return Err(Fault::of(String::from_utf8_lossy(&output.stderr)));
        }
        let mut client = self.connect(BASE).await?;
        let second = "ALTER TABLE pgbench_accounts ADD COLUMN balance int DEFAULT 0;
             ALTER TABLE pgbench_accounts ALTER COLUMN balance DROP DEFAULT";
        client.batch_execute(second).await?;
        for number in 0..untouched {
            let table = format!(
                "CREATE TABLE governed_{number} (id int PRIMARY KEY, username text, email text, handle text)"
            );
            client.batch_execute(&table).await?;
        }
        client.batch_execute("VACUUM (FREEZE, ANALYZE)").await?;
        journal(&mut client).await
    }

    /// A copy of those tables under another name.
    pub(crate) async fn copy(&self, name: &str) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        let copy = format!("CREATE DATABASE {name} TEMPLATE {BASE} STRATEGY file_copy");
        // Whoever was connected to it may take a moment to be gone.
        for _ in 0..COPY_TRIES {
            match admin.batch_execute(&copy).await {
                Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                    tokio::time::sleep(Duration::from_millis(COPY_PAUSE_MS)).await;
                }
                done => return Ok(done?),
            }
        }
        Err(Fault::Other(format!("database \"{BASE}\" goes on being used")))
    }

    /// Throws a database away.
    pub(crate) async fn discard(&self, name: &str) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        Ok(admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    pub(crate) async fn connect(&self, database: &str) -> Result<Client, Fault> {
        let (client, connection) = self.cluster.superuser(database).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The server's own load generator.
    pub(crate) fn pgbench(&self) -> PathBuf {
        self.cluster.binaries().program("pgbench")
    }

    /// Where files may be written.
    pub(crate) fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    /// What relays show to clients who want TLS.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The key to it.
    pub(crate) fn key(&self) -> &Path {
        &self.key
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await;
    }
}

/// Twenty migrations of tables that the load does not name.
pub(crate) fn untouched() -> String {
    renames(UNTOUCHED)
}

/// So many migrations of tables that the load does not name, in the phase with most to do.
pub(crate) fn renames(count: u32) -> String {
    let one = |number| {
        migration(
            &format!("rename-{number}"),
            &format!("governed_{number}"),
            "username",
            "handle",
            "switch-reads",
        )
    };
    (0..count).map(one).collect()
}

/// The account's balance in the midst of being renamed.
pub(crate) fn touched(phase: &str) -> String {
    migration("rename-balance", "pgbench_accounts", "abalance", "balance", phase)
}

/// One migration of a column.
pub(crate) fn migration(name: &str, table: &str, from: &str, to: &str, phase: &str) -> String {
    format!(
        "[[migration]]\nname = \"{name}\"\nkind = \"rename-column\"\ntable = \"{table}\"\n\
         from = \"{from}\"\nto = \"{to}\"\nphase = \"{phase}\"\n"
    )
}

/// Makes segue's journal in the database of that connection.
pub(crate) async fn journal(client: &mut Client) -> Result<(), Fault> {
    let made = schema::init(client, SUPERUSER, false).await;
    made.map(drop).map_err(|error| Fault::Other(error.with_hint()))
}
