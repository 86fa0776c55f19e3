//! One connection that compares, and the statements that it sends.
//!
//! Both sides of a row are looked at by one statement, so in one snapshot; and a write of both sides is
//! one commit. A difference is therefore a real one, whatever clients do meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::name::quoted;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::crew::Crew;
use super::whole::STATEMENT_TIMEOUT_MS;
use crate::journal::verify::Found;
use crate::walk;
use crate::walk::key::{Columns, key_of};
use crate::walk::manners::{backoff, chance};
use crate::walk::want::Want;
use crate::walk::{Key, Part, Stretch, Work};

/// How long a lock on the table is waited for. Unit: seconds.
pub(super) const BLOCKED_DEADLINE_S: u64 = 600;

/// What a session tells the server besides.
const SESSION: &str = "
    SET application_name = 'segue verify';
    SET plan_cache_mode = force_custom_plan;
    SET statement_timeout = '10s'";

/// One scan of a whole table: for those that have no key.
const WHOLE: &str = "
    SET LOCAL enable_seqscan = on;
    SET LOCAL max_parallel_workers_per_gather TO DEFAULT;
    SET LOCAL synchronize_seqscans = off;
    SET LOCAL statement_timeout = ";

/// A connection with what was prepared on it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) work: Arc<Work>,
    prepared: HashMap<String, Statement>,
    crew: Arc<Crew>,
}

/// The next rows of a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// How many.
    pub(super) rows: u64,
    /// How many of them differ.
    pub(super) differing: u64,
    /// Key of the last one, if there is one.
    pub(super) last: Option<Key>,
}

impl Session {
    pub(super) async fn new(
        client: Client,
        work: Arc<Work>,
        crew: Arc<Crew>,
    ) -> Result<Self, Error> {
        client.batch_execute(&format!("{}{SESSION}", walk::SESSION)).await?;
        Ok(Self { client, work, prepared: HashMap::new(), crew })
    }

    /// From now on it may only read.
    pub(super) async fn only_read(&self) -> Result<(), Error> {
        self.client.batch_execute("SET default_transaction_read_only = on").await
    }

    /// Process id of its backend.
    pub(super) async fn backend(&self) -> Result<i32, Error> {
        self.client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)
    }

    /// Forgets the statements about another table.
    pub(super) fn forget(&mut self) {
        self.prepared.clear();
    }

    /// Compares the next `rows` rows of a stretch.
    pub(super) async fn chunk(
        &mut self,
        part: &Part,
        stretch: Stretch<'_>,
        rows: u64,
    ) -> Result<Chunk, Error> {
        let sql = chunk(part, stretch);
        let limit = i64::try_from(rows).unwrap_or(i64::MAX);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&limit];
        values.extend(stretch.parameters());
        let found = self.query(&sql, &values).await?;
        let Some(row) = found.first() else {
            return Ok(Chunk { rows: 0, differing: 0, last: None });
        };
        let (rows, differing) = (number(row, 0)?, number(row, 1)?);
        let last = if rows > 0 { Some(key_of(row, 2)?) } else { None };
        Ok(Chunk { rows, differing, last })
    }

    /// Compares all rows of a stretch: how many there are, and how many differ.
    pub(super) async fn within(
        &mut self,
        part: &Part,
        stretch: Stretch<'_>,
    ) -> Result<(u64, u64), Error> {
        let sql = within(part, stretch);
        let found = self.query(&sql, &stretch.parameters()).await?;
        let Some(row) = found.first() else { return Ok((0, 0)) };
        Ok((number(row, 0)?, number(row, 1)?))
    }

    /// The same for a whole table that has no key, in one statement: what moves about while a table is
    /// walked through page by page may be missed.
    pub(super) async fn whole(&mut self, part: &Part) -> Result<(u64, u64), Error> {
        self.client.batch_execute(&format!("BEGIN; {WHOLE}{STATEMENT_TIMEOUT_MS}")).await?;
        let compared = self.within(part, Stretch::default()).await;
        // An error here says no more than the one before.
        let ended = self.client.batch_execute("ROLLBACK").await;
        let compared = compared?;
        ended?;
        Ok(compared)
    }

    /// The keys of a stretch in their order: of all rows, or of those that differ.
    pub(super) async fn keys(
        &mut self,
        part: &Part,
        stretch: Stretch<'_>,
        only_differing: bool,
        limit: u64,
    ) -> Result<Vec<Key>, Error> {
        let key = &part.way.key;
        let sql = format!(
            "SELECT {} FROM {} WHERE {} AND {} ORDER BY {} LIMIT {limit}",
            key.as_text(),
            part.from(stretch, 1),
            key.within(stretch, 1),
            if only_differing { &part.want.differs } else { "true" },
            key.order(""),
        );
        let rows = self.query(&sql, &stretch.parameters()).await?;
        rows.iter().map(|row| key_of(row, 0)).collect()
    }

    /// The first rows of a stretch that differ, with their values.
    pub(super) async fn differing(
        &mut self,
        part: &Part,
        stretch: Stretch<'_>,
        limit: u64,
    ) -> Result<Vec<Found>, Error> {
        let sql = differing(part, stretch, limit);
        let rows = self.query(&sql, &stretch.parameters()).await?;
        let found = |row: &Row| -> Result<Found, Error> {
            Ok(Found {
                part: part.name.to_string(),
                key: part.way.key.told(&key_of(row, 3)?),
                source: row.try_get(0)?,
                found: row.try_get(1)?,
                expected: row.try_get(2)?,
                problem: None,
            })
        };
        rows.iter().map(found).collect()
    }

    /// Asks, again and again while somebody holds the table.
    async fn query(
        &mut self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            let asked = async {
                let statement = self.prepare(sql).await?;
                self.client.query(&statement, values).await
            };
            let error = match asked.await {
                Ok(rows) => {
                    self.crew.set_blocked(false);
                    return Ok(rows);
                }
                Err(error) => error,
            };
            let is_locked = error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
            if !is_locked || begun.elapsed() > Duration::from_secs(BLOCKED_DEADLINE_S) {
                return Err(error);
            }
            self.crew.set_blocked(true);
            attempt += 1;
            tokio::time::sleep(backoff(attempt, chance())).await;
        }
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn number(row: &Row, column: usize) -> Result<u64, Error> {
    Ok(u64::try_from(row.try_get::<_, i64>(column)?).unwrap_or(0))
}

/// `$1` rows; the bounds of the stretch are the parameters from `$2` on. The last key is that of the last
/// row which came in, so rows and place are of one snapshot.
fn chunk(part: &Part, stretch: Stretch<'_>) -> String {
    let key = &part.way.key;
    let list = |item: &dyn Fn(usize, &str, &str) -> String| {
        let columns = key.0.iter().enumerate();
        columns.map(|(at, it)| item(at, &it.name, &it.type_name)).collect::<Vec<_>>().join(", ")
    };
    format!(
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE s.differs), {last}
         FROM (SELECT {named}, ({differs}) AS differs FROM {from}
               WHERE {within} ORDER BY {order} LIMIT $1::int8) s",
        last = list(&|at, _, _| {
            format!("(pg_catalog.array_agg(s.k{at}))[pg_catalog.count(*)::int4]::text")
        }),
        // Arrays would become one of more dimensions.
        named = list(&|at, name, type_name| match type_name.ends_with("[]") {
            true => format!("t.{}::text AS k{at}", quoted(name)),
            false => format!("t.{} AS k{at}", quoted(name)),
        }),
        differs = part.want.differs,
        from = part.from(stretch, 2),
        within = key.within(stretch, 2),
        order = key.order(""),
    )
}

fn within(part: &Part, stretch: Stretch<'_>) -> String {
    format!(
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE {}) FROM {} WHERE {}",
        part.want.differs,
        part.from(stretch, 1),
        part.way.key.within(stretch, 1),
    )
}

fn differing(part: &Part, stretch: Stretch<'_>, limit: u64) -> String {
    let key: &Columns = &part.way.key;
    let Want { source, found, expected, differs, .. } = &part.want;
    format!(
        "SELECT {source}, {found}, {expected}, {} FROM {} WHERE {} AND {differs} ORDER BY {} LIMIT {limit}",
        key.as_text(),
        part.from(stretch, 1),
        key.within(stretch, 1),
        key.order(""),
    )
}
