//! Reads what is agreed on, and who takes part.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, GenericClient};

use super::JournalError;
use super::schema::VERSION;

/// What the fleet has agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which journal it is: another one was made anew.
    pub id: String,
    /// Number of the epoch.
    pub epoch: i64,
    /// Why no step may be taken, if that is so.
    pub frozen: Option<Frozen>,
    /// Whether all must hold their clients back.
    pub hold: Option<Hold>,
    /// Its migrations, by name.
    pub migrations: Vec<Recorded>,
}

/// All hold their clients back while a column is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The migration that renames it.
    pub migration: String,
    /// Whether it was given up: the time is over.
    pub is_over: bool,
}

/// Nothing is flipped until somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: Option<String>,
    /// When. Unit: milliseconds since the epoch.
    pub at_ms: i64,
}

/// A migration in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its name.
    pub name: String,
    /// What it changes; `None` if that is of a kind that this version does not know.
    pub change: Option<Change>,
    /// Where it stands.
    pub phase: Phase,
    /// The epoch in which it came there.
    pub epoch: i64,
}

impl State {
    /// The epoch in which a migration came into its phase; the present one if it is not known.
    #[must_use]
    pub fn epoch_of(&self, migration: &str) -> i64 {
        let known = self.migrations.iter().find(|known| known.name == migration);
        known.map_or(self.epoch, |known| known.epoch)
    }

    /// A migration as a rule; `None` if it is not known, or of a kind that this version does not know.
    #[must_use]
    pub fn rule_of(&self, migration: &str) -> Option<Rule> {
        let known = self.migrations.iter().find(|known| known.name == migration)?;
        Some(Rule { name: known.name.clone(), change: known.change.clone()?, phase: known.phase })
    }
}

/// A proxy that takes part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replica {
    /// Its id, anew at each start.
    pub id: String,
    /// Its machine.
    pub host: String,
    /// Its process there.
    pub pid: i32,
    /// Where its clients connect.
    pub address: String,
    /// The last epoch that it has drained.
    pub acknowledged: i64,
    /// How long ago it wrote that it lives. Unit: milliseconds.
    pub silent_ms: i64,
    /// Whether its lease is over: it serves no governed statement until it has written again.
    pub lapsed: bool,
    /// Its sessions that are still on the server.
    pub sessions: i64,
    /// Prepared transactions of this database that may be of its sessions.
    pub prepared: i64,
    /// What keeps it from following, if anything.
    pub problem: Option<String>,
}

impl std::fmt::Display for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, pid, address, acknowledged, .. } = self;
        write!(f, "replica on \"{host}\" (pid {pid}, {address}): ")?;
        match (&self.problem, self.lapsed) {
            (Some(problem), _) => write!(f, "{problem}"),
            (None, true) => write!(
                f,
                "not heard of for {} s; left of it on the server: sessions: {}, transactions that may \
                 have been prepared by it: {}",
                self.silent_ms / 1_000,
                self.sessions,
                self.prepared
            ),
            (None, false) => write!(f, "has drained epoch {acknowledged}"),
        }
    }
}

/// Looks whether the journal is there and of this version.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// It is not.
pub async fn look(client: &Client, database: &str) -> Result<(), JournalError> {
    let exists = "SELECT to_regclass('segue.fleet') IS NOT NULL";
    if !client.query_one(exists, &[]).await?.try_get::<_, bool>(0)? {
        return Err(JournalError::Absent(database.to_owned()));
    }
    let version = client.query_opt("SELECT version FROM segue.fleet", &[]).await?;
    let empty = || JournalError::Failed("segue.fleet has lost its row".to_owned());
    let found = version.ok_or_else(empty)?.try_get(0)?;
    if found == VERSION { Ok(()) } else { Err(JournalError::Version { found }) }
}

/// Looks whether the journal of `database` is there, and reads it.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// There is none that can be used, or the server does not answer.
pub async fn find(client: &Client, database: &str) -> Result<State, JournalError> {
    crate::catalog::in_time(async {
        look(client, database).await?;
        read(client).await
    })
    .await?
}

/// Reads what is agreed on.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn read(client: &impl GenericClient) -> Result<State, JournalError> {
    // One statement, so one snapshot.
    let query = "
        SELECT f.epoch, (extract(epoch FROM f.frozen_at) * 1000)::int8, f.frozen_by, f.frozen_why,
               m.name, m.definition::text, m.phase, f.hold, f.hold_until <= clock_timestamp(), f.id,
               m.epoch
        FROM segue.fleet f LEFT JOIN segue.migration m ON true ORDER BY m.name COLLATE \"C\"";
    let rows = client.query(query, &[]).await?;
    let first = rows.first().ok_or_else(|| JournalError::Failed("it is empty".to_owned()))?;
    let at_ms: Option<i64> = first.try_get(1)?;
    let frozen = match at_ms {
        None => None,
        Some(at_ms) => Some(Frozen {
            by: first.try_get::<_, Option<String>>(2)?.unwrap_or_default(),
            why: first.try_get(3)?,
            at_ms,
        }),
    };
    let hold: Option<String> = first.try_get(7)?;
    let is_over = first.try_get::<_, Option<bool>>(8)?.unwrap_or(true);
    let hold = hold.map(|migration| Hold { migration, is_over });
    let mut migrations = Vec::new();
    for row in &rows {
        let Some(name) = row.try_get::<_, Option<String>>(4)? else { continue };
        let phase: String = row.try_get(6)?;
        let unknown = |_| JournalError::Failed(format!("\"{name}\" is in phase \"{phase}\""));
        let phase: Phase = phase.parse().map_err(unknown)?;
        let change = serde_json::from_str(row.try_get(5)?).ok();
        migrations.push(Recorded { name, change, phase, epoch: row.try_get(10)? });
    }
    Ok(State { id: first.try_get(9)?, epoch: first.try_get(0)?, frozen, hold, migrations })
}

/// Reads who takes part, and who did until lately.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn replicas(client: &impl GenericClient) -> Result<Vec<Replica>, JournalError> {
    let query = concat!(
        "SELECT r.id, r.host, r.pid, r.address, r.acknowledged,
                (extract(epoch FROM clock_timestamp() - r.heartbeat) * 1000)::int8,
                r.heartbeat + r.lease < clock_timestamp(),
                (SELECT count(*) FROM segue.session s JOIN pg_stat_activity a ON a.pid = s.backend
                 WHERE s.replica = r.id AND ",
        is_alive!(),
        "), (SELECT count(*) FROM ",
        may_be_its_own!(),
        "), r.problem
         FROM segue.replica r WHERE r.expelled_at IS NULL ORDER BY r.started_at, r.id"
    );
    let mut replicas = Vec::new();
    for row in client.query(query, &[]).await? {
        replicas.push(Replica {
            id: row.try_get(0)?,
            host: row.try_get(1)?,
            pid: row.try_get(2)?,
            address: row.try_get(3)?,
            acknowledged: row.try_get(4)?,
            silent_ms: row.try_get(5)?,
            lapsed: row.try_get(6)?,
            sessions: row.try_get(7)?,
            prepared: row.try_get(8)?,
            problem: row.try_get(9)?,
        });
    }
    Ok(replicas)
}

/// The replicas that have not drained `epoch`: they may still write as in an earlier one.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn lagging(
    client: &impl GenericClient,
    epoch: i64,
) -> Result<Vec<Replica>, JournalError> {
    let replicas = replicas(client).await?;
    Ok(replicas.into_iter().filter(|replica| replica.acknowledged < epoch).collect())
}

/// The phases that a file said when a proxy of machine `host` last took it, as JSON.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn last_file(
    client: &Client,
    host: &str,
    config: &str,
) -> Result<Option<String>, JournalError> {
    let query = "SELECT file FROM segue.replica WHERE host = $1 AND config = $2
                 ORDER BY started_at DESC LIMIT 1";
    let row = client.query_opt(query, &[&host, &config]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The epoch in which a migration has entered its phase.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn entered(client: &Client, migration: &str) -> Result<Option<i64>, JournalError> {
    let query = "SELECT epoch FROM segue.migration WHERE name = $1";
    let row = client.query_opt(query, &[&migration]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
