//! A server, a table of any size, and what one way of filling its column does to it.

use std::time::Instant;

use segue::app::{self, Running};
use segue::cluster::{Cluster, ClusterOptions, Durability, SUPERUSER};
use segue::config::{ControlUrl, control_url};
use segue::journal::schema;
use segue_bench::processor::{as_f64, cpu};
use tokio_postgres::{Client, NoTls};

use super::ways::Way;
use crate::fault::Fault;

/// The migration that fills the column.
pub(super) const MIGRATION: &str = "rename-username";

/// Forty rows a page, packed: the worst case for updates that want to stay on their page.
const TABLE: &str = "
    CREATE TABLE users (
        id bigint NOT NULL, username varchar(50) NOT NULL, email text NOT NULL, bio text,
        score int NOT NULL, created_at timestamptz NOT NULL, handle varchar(50))";

const INDEXES: &str = "
    ALTER TABLE users ADD PRIMARY KEY (id);
    CREATE INDEX ON users (username);
    CREATE INDEX ON users (email);
    CREATE INDEX ON users (created_at);";

/// What one way did.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) way: Way,
    pub(super) rows: i64,
    pub(super) seconds: f64,
    wal_per_row: f64,
    heap_growth: f64,
    index_growth: f64,
    hot_share: f64,
    /// Processor time of the server's processes. Unit: seconds.
    cpu: f64,
    /// Most memory that this process held meanwhile. Unit: bytes.
    memory: u64,
}

impl Measured {
    pub(super) const HEADER: &'static str = "\
| rows | way | seconds | rows/s | server's CPU µs/row | WAL bytes/row | heap | indexes | HOT | memory of the process |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

    pub(super) fn million_rows(&self) -> f64 {
        as_f64(self.rows) / 1e6
    }

    pub(super) fn line(&self) -> String {
        format!(
            "| {} | {} | {:.1} | {:.0} | {:.1} | {:.0} | {:+.0} % | {:+.0} % | {:.0} % | {:.1} MiB |",
            self.rows,
            self.way.name(),
            self.seconds,
            as_f64(self.rows) / self.seconds,
            self.cpu * 1e6 / as_f64(self.rows),
            self.wal_per_row,
            self.heap_growth * 100.0,
            self.index_growth * 100.0,
            self.hot_share * 100.0,
            as_f64(i64::try_from(self.memory).unwrap_or(0)) / 1_048_576.0,
        )
    }
}

/// Sizes and counters before or after.
struct Look {
    wal: i64,
    heap: i64,
    indexes: i64,
    updates: i64,
    hot: i64,
}

/// A server of its own, with the settings of a small production machine.
pub(super) struct House {
    pub(super) cluster: Cluster,
}

impl House {
    pub(super) async fn start() -> Result<Self, Fault> {
        let settings = [
            ("shared_buffers", "2GB"),
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "15min"),
            ("maintenance_work_mem", "512MB"),
            ("log_min_messages", "panic"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = ClusterOptions {
            settings: settings.to_vec(),
            durability: Durability::Full,
            ..ClusterOptions::default()
        };
        Ok(Self { cluster: Cluster::start(options).await? })
    }

    pub(super) async fn stop(self) {
        self.cluster.stop().await;
    }

    pub(super) async fn connect(&self, database: &str) -> Result<Client, Fault> {
        let (client, connection) = self.cluster.superuser(database).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes a table of `rows` rows to copy from. Names and addresses come in no order, as people do.
    pub(super) async fn seed(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute(&format!("CREATE DATABASE base_{rows}")).await?;
        let mut client = self.connect(&format!("base_{rows}")).await?;
        client.batch_execute(TABLE).await?;
        let insert = format!(
            "INSERT INTO users SELECT g, left(md5(g::text), 8) || g, left(md5('m' || g), 10) || '@example.com',
                    repeat('x', 60), g % 100, timestamptz '2020-1-1' + g * interval '1 s'
             FROM generate_series(1, {rows}) g"
        );
        client.batch_execute(&insert).await?;
        client.batch_execute(INDEXES).await?;
        client.batch_execute("VACUUM (FREEZE, ANALYZE) users").await?;
        schema::init(&mut client, SUPERUSER, false)
            .await
            .map_err(|error| Fault::Other(error.with_hint()))?;
        Ok(())
    }

    pub(super) async fn forget(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        Ok(admin.batch_execute(&format!("DROP DATABASE base_{rows} WITH (FORCE)")).await?)
    }

    /// Fills the column of a fresh copy of the table.
    pub(super) async fn measure(&self, way: Way, rows: i64) -> Result<Measured, Fault> {
        self.copy(rows).await?;
        let (proxy, control) = self.serve().await?;
        let client = self.connect("work").await?;
        if way == Way::Verify {
            client.batch_execute("UPDATE users SET handle = username").await?;
            client.batch_execute("VACUUM users").await?;
        }
        client.batch_execute("CHECKPOINT").await?;
        let before = look(&client).await?;
        forget_peak();
        let cpu_before = cpu(self.cluster.process_id());
        let begun = Instant::now();
        way.run(&client, &control, rows).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let (memory, cpu) = (peak(), cpu(self.cluster.process_id()) - cpu_before);
        let after = look(&client).await?;
        let missed = "SELECT count(*) FROM users WHERE handle IS DISTINCT FROM username";
        let missed: i64 = client.query_one(missed, &[]).await?.try_get(0)?;
        proxy.stop().await;
        if missed > 0 {
            return Err(Fault::Other(format!("{}: {missed} rows were not filled", way.name())));
        }
        let growth = |before: i64, after: i64| as_f64(after - before) / as_f64(before.max(1));
        Ok(Measured {
            way,
            rows,
            seconds,
            wal_per_row: as_f64(after.wal - before.wal) / as_f64(rows),
            heap_growth: growth(before.heap, after.heap),
            index_growth: growth(before.indexes, after.indexes),
            hot_share: as_f64(after.hot - before.hot)
                / as_f64((after.updates - before.updates).max(1)),
            cpu,
            memory,
        })
    }

    /// A fresh copy of the table of `rows` rows, as database `work`.
    pub(super) async fn copy(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute("DROP DATABASE IF EXISTS work WITH (FORCE)").await?;
        let copy = format!("CREATE DATABASE work TEMPLATE base_{rows} STRATEGY file_copy");
        Ok(admin.batch_execute(&copy).await?)
    }

    /// A proxy that writes both columns, drained.
    pub(super) async fn serve(&self) -> Result<(Running, ControlUrl), Fault> {
        let file = self.cluster.folder().join("segue.toml");
        let url = self.cluster.url(SUPERUSER, "work");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol = \"{url}\"\n\
             [[migration]]\nname = \"{MIGRATION}\"\nkind = \"rename-column\"\ntable = \"users\"\n\
             from = \"username\"\nto = \"handle\"\nphase = \"dual-write\"\n",
            self.cluster.port(),
        );
        std::fs::write(&file, text)?;
        let running = app::start(&file, true).await.map_err(Fault::of)?;
        running.flip().drained().await;
        let client = self.connect("work").await?;
        let lagging = "SELECT count(*) FROM segue.replica, segue.fleet WHERE acknowledged < epoch";
        while client.query_one(lagging, &[]).await?.try_get::<_, i64>(0)? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok((running, control_url(&url).map_err(Fault::of)?))
    }
}

async fn look(client: &Client) -> Result<Look, Fault> {
    // Counters are told at the end of a transaction, at most once a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let query = "
        SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8, pg_relation_size('users'),
               pg_indexes_size('users'), n_tup_upd, n_tup_hot_upd
        FROM pg_stat_user_tables WHERE relid = 'users'::regclass";
    let row = client.query_one(query, &[]).await?;
    Ok(Look {
        wal: row.try_get(0)?,
        heap: row.try_get(1)?,
        indexes: row.try_get(2)?,
        updates: row.try_get(3)?,
        hot: row.try_get(4)?,
    })
}

/// Lets the system forget how much memory this process has held.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process has held since. Unit: bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
