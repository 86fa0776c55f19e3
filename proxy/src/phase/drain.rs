//! Waits until nothing of an older generation is left, and knows who is waited for.
//!
//! A flip has two moments. *Swapped*: new transactions use the new generation. *Drained*: the last
//! transaction of an older one has ended. Three things must be so, each watched here:
//!
//! 1. no session of this proxy holds an older generation;
//! 2. every transaction that held a write lock on a governed table just after the swap is gone;
//!    that also sees those who write past the proxy;
//! 3. the server's oldest running transaction is younger than the flip.
//!
//! For the third, a transaction id is taken with `pg_current_xact_id()` after the swap: whoever
//! gets an id later is ordered after it. `pg_snapshot_xmax(pg_current_snapshot())` looks like the
//! same for free and is not: it is the latest *completed* id plus one, so a transaction that is
//! running may have that very id or a later one, would not be waited for, and its row would be
//! lost (measured).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rewrite_rules::catalog::RelationName;
use rewrite_rules::without_values;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::generation::{Current, Holder};
use crate::catalog;
use crate::config::ControlUrl;

/// Pause between two looks. The catalogs behind one look are memory; a drained flip is noticed
/// this late at worst. Unit: milliseconds.
pub const POLL_MS: u64 = 50;

/// Pause between two lists of who is waited for on the server: reading pg_stat_activity costs
/// more than a look, and is for humans. Unit: milliseconds.
pub const LIST_MS: u64 = 500;

/// Pause before the control connection is tried again. Unit: milliseconds.
pub const RECONNECT_MS: u64 = 1_000;

/// Most entries in a list of who is waited for. Beyond it, nobody reads it. Unit: entries.
pub const WAITING_ENTRIES: usize = 100;

/// One flip on its way from swapped to drained.
#[derive(Debug)]
pub struct Drain {
    /// The generation that was swapped in.
    pub generation: u64,
    /// When.
    pub swapped_at: SystemTime,
    /// How the governed database is reached.
    pub control: ControlUrl,
    progress: watch::Sender<Progress>,
}

/// How far a drain is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// When the last transaction of an older generation was gone.
    pub drained_at: Option<SystemTime>,
    /// Who is waited for, longest first.
    pub waiting: Vec<Waiting>,
    /// What keeps the server from being asked.
    pub problem: Option<String>,
    /// Whether anybody has looked yet.
    pub looked: bool,
}

/// Somebody who is waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Why.
    pub reason: Reason,
    /// Where the client comes from, or the identifier of a prepared transaction.
    pub client: String,
    /// The role it logged in as.
    pub user: String,
    /// Its `application_name`.
    pub application_name: String,
    /// Process id of its backend, 0 if it has none.
    pub pid: i32,
    /// Age of its transaction. Unit: seconds.
    pub seconds: f64,
    /// Its latest statement without its values; empty if unknown.
    pub statement: String,
}

/// Why somebody is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A session of this proxy is in a transaction.
    UnderWay,
    /// A session of this proxy is in a transaction of an older generation.
    OlderGeneration,
    /// It wrote to a governed table before the flip, and has not ended.
    WroteBefore,
    /// It began to write, anywhere in the cluster, before the flip, and has not ended.
    BeganBefore,
    /// The same, as a prepared transaction (`COMMIT PREPARED` or `ROLLBACK PREPARED` ends it).
    PreparedTransaction,
}

impl Reason {
    /// For humans: what it does.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::UnderWay => "in a transaction",
            Self::OlderGeneration => "in a transaction of an older generation",
            Self::WroteBefore => "wrote to a governed table before the flip",
            Self::BeganBefore => "in a writing transaction that began before the flip",
            Self::PreparedTransaction => "a prepared transaction from before the flip",
        }
    }
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reason, client, user, application_name, pid, seconds, statement } = self;
        write!(
            f,
            "client \"{client}\", user \"{user}\", application \"{application_name}\", pid {pid}: \
             {} for {seconds:.1} s",
            reason.text()
        )?;
        if statement.is_empty() { Ok(()) } else { write!(f, ": {statement}") }
    }
}

impl Waiting {
    /// A session of this proxy.
    #[must_use]
    pub fn from_holder(holder: Holder, reason: Reason) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = now.saturating_sub(Duration::from_millis(holder.since_ms)).as_secs_f64();
        let Holder { occupant, generation: _, since_ms: _ } = holder;
        Self {
            reason,
            client: occupant.client,
            user: occupant.user,
            application_name: occupant.application_name,
            pid: occupant.backend_pid,
            seconds,
            statement: String::new(),
        }
    }
}

impl Drain {
    /// A flip to `generation` that has just been swapped in.
    #[must_use]
    pub fn begin(generation: u64, control: ControlUrl) -> Arc<Self> {
        let progress = watch::Sender::new(Progress::default());
        Arc::new(Self { generation, swapped_at: SystemTime::now(), control, progress })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Whether it is drained.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.progress.borrow().drained_at.is_some()
    }

    /// Waits until it is drained.
    ///
    /// Cancel safe: it only waits.
    pub async fn drained(&self) {
        let mut progress = self.progress.subscribe();
        // The sender is in self, so the wait cannot fail.
        let _ = progress.wait_for(|progress| progress.drained_at.is_some()).await;
    }

    /// Waits until it is known who is waited for.
    ///
    /// Cancel safe: it only waits.
    pub async fn looked(&self) {
        let mut progress = self.progress.subscribe();
        let _ =
            progress.wait_for(|progress| progress.looked || progress.drained_at.is_some()).await;
    }

    fn finish(&self) {
        self.progress.send_modify(|progress| {
            *progress = Progress { drained_at: Some(SystemTime::now()), ..Progress::default() };
        });
    }

    /// Watches until it is drained. `governed` are the tables of the old and of the new rules.
    ///
    /// Cancel safe: it only reads.
    pub async fn watch(&self, current: &Current, governed: &BTreeSet<RelationName>) {
        // Without a governed table there is nothing that two generations could see differently.
        if governed.is_empty() {
            return self.finish();
        }
        let mut server = Server { control: &self.control, governed, client: None, barrier: None };
        let mut listed_at: Option<tokio::time::Instant> = None;
        let mut on_server = Vec::new();
        loop {
            let sessions = self.sessions(current);
            let look = catalog::in_time(server.is_past()).await;
            match look.unwrap_or_else(|silence| Err(silence.to_string())) {
                Ok(past) => {
                    if past && sessions.is_empty() {
                        return self.finish();
                    }
                    let due =
                        listed_at.is_none_or(|at| at.elapsed() >= Duration::from_millis(LIST_MS));
                    if past && sessions.is_empty() {
                        on_server.clear();
                    } else if due {
                        let ours: Vec<i32> = sessions.iter().map(|it| it.pid).collect();
                        let asked = server.waiting(self.swapped_at, &ours);
                        let waiting = catalog::in_time(asked).await;
                        on_server = waiting.map(Result::unwrap_or_default).unwrap_or_default();
                        listed_at = Some(tokio::time::Instant::now());
                    }
                    self.report(sessions, &on_server, None);
                    tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
                }
                Err(problem) => {
                    server.client = None;
                    self.report(sessions, &on_server, Some(problem));
                    tokio::time::sleep(Duration::from_millis(RECONNECT_MS)).await;
                }
            }
        }
    }

    fn sessions(&self, current: &Current) -> Vec<Waiting> {
        let holders = current.holders_before(self.generation).into_iter();
        holders.map(|holder| Waiting::from_holder(holder, Reason::OlderGeneration)).collect()
    }

    fn report(&self, sessions: Vec<Waiting>, on_server: &[OnServer], problem: Option<String>) {
        let mut waiting = sessions;
        for OnServer { waiting: entry, counts } in on_server {
            // The proxy knows its own clients better: to the server they come from the proxy.
            match waiting.iter_mut().find(|known| known.pid == entry.pid && entry.pid != 0) {
                Some(known) => known.statement.clone_from(&entry.statement),
                None if *counts => waiting.push(entry.clone()),
                None => {}
            }
        }
        waiting.truncate(WAITING_ENTRIES);
        self.progress.send_modify(|progress| {
            progress.waiting = waiting;
            progress.looked = true;
            progress.problem = problem;
        });
    }
}

/// The server's own word.
struct Server<'a> {
    control: &'a ControlUrl,
    governed: &'a BTreeSet<RelationName>,
    client: Option<Client>,
    barrier: Option<Barrier>,
}

/// Somebody on the server.
#[derive(Debug)]
struct OnServer {
    waiting: Waiting,
    /// Whether the server waits for it, or it was only asked for by its process id.
    counts: bool,
}

/// What was noted just after the swap.
struct Barrier {
    /// Transactions that held a write lock on a governed table, those already gone left out.
    writers: Vec<String>,
    /// A transaction id from after the swap, as text: xid8 has no Rust type.
    after: String,
}

/// The transactions that hold a write lock on a governed table, partitions and children included.
/// A prepared transaction has the virtual transaction `-1/xid`.
const WRITERS: &str = "
    WITH RECURSIVE governed AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN unnest($1::text[], $2::text[]) AS g (schema, name)
          ON g.schema = n.nspname AND g.name = c.relname
        UNION
        SELECT i.inhrelid FROM pg_inherits i JOIN governed ON governed.oid = i.inhparent)
    SELECT DISTINCT l.virtualtransaction FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.relation IN (SELECT oid FROM governed)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.pid IS DISTINCT FROM pg_backend_pid()
      AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                     'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";

/// Is the oldest running transaction younger than the flip; which writers are still there?
const LOOK: &str = "
    SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8,
           CASE WHEN $2::text[] = '{}' THEN '{}' ELSE ARRAY(
               SELECT DISTINCT virtualtransaction FROM pg_locks
               WHERE virtualtransaction = ANY ($2::text[])) END";

/// Who it is: `pid, user, application, client, seconds, wrote to a governed table, prepared, its
/// latest statement, whether it is waited for`. The process ids in $4 are told of in any case.
///
/// A role that is not a member of pg_read_all_stats is not told where others come from, nor since
/// when: their transactions are at least as old as the flip.
const WHO: &str = "
    SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''),
           coalesce(host(a.client_addr) || ':' || a.client_port,
                    CASE WHEN a.xact_start IS NULL THEN 'unknown' ELSE 'local' END),
           coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::float8, $3::float8),
           w.pid IS NOT NULL, false,
           CASE WHEN a.xact_start IS NULL THEN '' ELSE a.query END,
           w.pid IS NOT NULL OR coalesce(age(a.backend_xid) > age($1::text::xid8::xid), false)
    FROM pg_stat_activity a
    LEFT JOIN (SELECT DISTINCT pid FROM pg_locks
               WHERE virtualtransaction = ANY ($2::text[])) w ON w.pid = a.pid
    WHERE w.pid IS NOT NULL OR age(a.backend_xid) > age($1::text::xid8::xid)
          OR a.pid = ANY ($4::int4[])
    UNION ALL
    SELECT 0, owner::text, '', gid, extract(epoch FROM clock_timestamp() - prepared)::float8,
           false, true, '', true
    FROM pg_prepared_xacts WHERE age(transaction) > age($1::text::xid8::xid)
    ORDER BY 5 DESC";

impl Server<'_> {
    /// Whether nothing from before the flip is left on the server.
    async fn is_past(&mut self) -> Result<bool, String> {
        self.connect().await?;
        let Some(client) = &self.client else { return Ok(false) };
        if self.barrier.is_none() {
            let barrier = self.note(client).await.map_err(|error| catalog::reason(&error))?;
            self.barrier = Some(barrier);
        }
        let Some(barrier) = &mut self.barrier else { return Ok(false) };
        let row = client
            .query_one(LOOK, &[&barrier.after, &barrier.writers])
            .await
            .map_err(|error| catalog::reason(&error))?;
        let past: bool = row.try_get(0).map_err(|error| error.to_string())?;
        barrier.writers = row.try_get(1).map_err(|error| error.to_string())?;
        Ok(past && barrier.writers.is_empty())
    }

    async fn connect(&mut self) -> Result<(), String> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let client = catalog::connect(self.control).await;
            self.client = Some(client.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    async fn note(&self, client: &Client) -> Result<Barrier, tokio_postgres::Error> {
        let schemas: Vec<&str> = self.governed.iter().map(|name| name.schema.as_str()).collect();
        let names: Vec<&str> = self.governed.iter().map(|name| name.name.as_str()).collect();
        let rows = client.query(WRITERS, &[&schemas, &names]).await?;
        let writers = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let after = client.query_one("SELECT pg_current_xact_id()::text", &[]).await?;
        Ok(Barrier { writers, after: after.try_get(0)? })
    }

    async fn waiting(
        &self,
        since: SystemTime,
        ours: &[i32],
    ) -> Result<Vec<OnServer>, tokio_postgres::Error> {
        let (Some(client), Some(barrier)) = (&self.client, &self.barrier) else {
            return Ok(Vec::new());
        };
        let seconds = since.elapsed().unwrap_or_default().as_secs_f64();
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&barrier.after, &barrier.writers, &seconds, &ours];
        let rows = client.query(WHO, &parameters).await?;
        rows.iter()
            .map(|row| {
                let (wrote, prepared) = (row.try_get(5)?, row.try_get(6)?);
                let waiting = Waiting {
                    reason: match (wrote, prepared) {
                        (_, true) => Reason::PreparedTransaction,
                        (true, false) => Reason::WroteBefore,
                        (false, false) => Reason::BeganBefore,
                    },
                    pid: row.try_get(0)?,
                    user: row.try_get(1)?,
                    application_name: row.try_get(2)?,
                    client: row.try_get(3)?,
                    seconds: row.try_get(4)?,
                    statement: without_values(row.try_get(7)?),
                };
                Ok(OnServer { waiting, counts: row.try_get(8)? })
            })
            .collect()
    }
}
