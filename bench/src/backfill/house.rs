//! A server, tables of any size, and what one way of copying does to them.

use std::time::Instant;

use segue::app::{self, Running};
use segue::cluster::{Cluster, ClusterOptions, Durability, SUPERUSER};
use segue::config::{ControlUrl, control_url};
use segue::journal::schema;
use segue_bench::processor::{as_f64, cpu};
use tokio_postgres::{Client, NoTls};

use super::subject::Subject;
use super::ways::Way;
use crate::fault::Fault;

/// What one way did.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) way: Way,
    pub(super) rows: i64,
    pub(super) seconds: f64,
    wal_per_row: f64,
    heap: String,
    indexes: String,
    hot: String,
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
            "| {} | {} | {:.1} | {:.0} | {:.1} | {:.0} | {} | {} | {} | {:.1} MiB |",
            self.rows,
            self.way.name(),
            self.seconds,
            as_f64(self.rows) / self.seconds,
            self.cpu * 1e6 / as_f64(self.rows),
            self.wal_per_row,
            self.heap,
            self.indexes,
            self.hot,
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
    pub(super) subject: &'static Subject,
}

impl House {
    pub(super) async fn start(subject: &'static Subject) -> Result<Self, Fault> {
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
        Ok(Self { cluster: Cluster::start(options).await?, subject })
    }

    pub(super) async fn stop(self) {
        self.cluster.stop().await;
    }

    pub(super) async fn connect(&self, database: &str) -> Result<Client, Fault> {
        let (client, connection) = self.cluster.superuser(database).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes what is copied, of `rows` rows.
    pub(super) async fn seed(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute(&format!("CREATE DATABASE base_{rows}")).await?;
        let mut client = self.connect(&format!("base_{rows}")).await?;
        let Subject { tables, indexes, old, .. } = self.subject;
        client.batch_execute(&tables.replace("{rows}", &rows.to_string())).await?;
        client.batch_execute(indexes).await?;
        client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {old}")).await?;
        schema::init(&mut client, SUPERUSER, false)
            .await
            .map_err(|error| Fault::Other(error.with_hint()))?;
        Ok(())
    }

    pub(super) async fn forget(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        Ok(admin.batch_execute(&format!("DROP DATABASE base_{rows} WITH (FORCE)")).await?)
    }

    /// Copies, in a fresh copy of everything.
    pub(super) async fn measure(&self, way: Way, rows: i64) -> Result<Measured, Fault> {
        self.copy(rows).await?;
        let (proxy, control) = self.serve().await?;
        let client = self.connect("work").await?;
        if way == Way::Verify {
            client.batch_execute(self.subject.single).await?;
            client.batch_execute(&format!("VACUUM {}", self.subject.new)).await?;
        }
        client.batch_execute("CHECKPOINT").await?;
        let before = self.look(&client).await?;
        forget_peak();
        let cpu_before = cpu(self.cluster.process_id());
        let begun = Instant::now();
        way.run(self.subject, &client, &control, rows).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let (memory, cpu) = (peak(), cpu(self.cluster.process_id()) - cpu_before);
        let after = self.look(&client).await?;
        let missed: i64 = client.query_one(self.subject.missed, &[]).await?.try_get(0)?;
        proxy.stop().await;
        if missed > 0 {
            return Err(Fault::Other(format!("{}: {missed} rows were not copied", way.name())));
        }
        let updates = after.updates - before.updates;
        Ok(Measured {
            way,
            rows,
            seconds,
            wal_per_row: as_f64(after.wal - before.wal) / as_f64(rows),
            heap: growth(before.heap, after.heap),
            indexes: growth(before.indexes, after.indexes),
            hot: match updates {
                0 => "-".to_owned(),
                _ => format!("{:.0} %", as_f64(after.hot - before.hot) / as_f64(updates) * 100.0),
            },
            cpu,
            memory,
        })
    }

    async fn look(&self, client: &Client) -> Result<Look, Fault> {
        // Counters are told at the end of a transaction, at most once a second.
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        let query = format!(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8, pg_relation_size('{0}'),
                    pg_indexes_size('{0}'), n_tup_upd, n_tup_hot_upd
             FROM pg_stat_user_tables WHERE relid = '{0}'::regclass",
            self.subject.new
        );
        let row = client.query_one(&query, &[]).await?;
        Ok(Look {
            wal: row.try_get(0)?,
            heap: row.try_get(1)?,
            indexes: row.try_get(2)?,
            updates: row.try_get(3)?,
            hot: row.try_get(4)?,
        })
    }

    /// A fresh copy of the table of `rows` rows, as database `work`.
    pub(super) async fn copy(&self, rows: i64) -> Result<(), Fault> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute("DROP DATABASE IF EXISTS work WITH (FORCE)").await?;
        let copy = format!("CREATE DATABASE work TEMPLATE base_{rows} STRATEGY file_copy");
        Ok(admin.batch_execute(&copy).await?)
    }

    /// A proxy that writes both sides, drained.
    pub(super) async fn serve(&self) -> Result<(Running, ControlUrl), Fault> {
        let file = self.cluster.folder().join("segue.toml");
        let url = self.cluster.url(SUPERUSER, "work");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol = \"{url}\"\n\
             [[migration]]\nname = \"{}\"\nphase = \"dual-write\"\n{}",
            self.cluster.port(),
            self.subject.migration,
            self.subject.rule,
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

/// How much a table or its indexes have grown: of one that was empty, how large it is.
fn growth(before: i64, after: i64) -> String {
    /// What an empty table and its first index take. Unit: bytes.
    const EMPTY: i64 = 64 * 1_024;
    let more = as_f64(after - before);
    match before > EMPTY {
        true => format!("{:+.0} %", more / as_f64(before) * 100.0),
        false => format!("{:.0} MiB", more / 1_048_576.0),
    }
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
