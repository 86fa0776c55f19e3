//! A client that knows what it has written, what it was told, and what is in doubt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::house::connect;
use crate::random::Random;
use crate::tables::{NOTHING, Parts, Shape, Statement, Tables};

/// Number of sessions.
pub(crate) const SESSIONS: u64 = 16;

/// Rows of one session: its number and one times this is the first.
pub(crate) const RANGE: u64 = 1_000_000;

/// Rows that a session works on at a time; those in doubt are left alone.
const ROWS: u64 = 12;

/// Rows that all sessions count up.
pub(crate) const SHARED: u64 = 4;

/// Sessions that take their time: so many of all, and so long at most before each statement of a
/// transaction. A step takes less. Units: sessions, milliseconds.
const SLOW: u64 = 3;
const SLOW_MS: u64 = 2_000;

/// Longest wait for an answer; whoever waits longer takes the connection for dead. Unit: seconds.
const ANSWER_S: u64 = 10;

/// Of so many sessions one speaks the new shape.
const NEW: u64 = 4;

/// What a row may hold. More than one value: it is in doubt.
pub(crate) type Values = Vec<Parts>;

#[derive(Debug)]
pub(crate) struct Session {
    number: u64,
    tables: Tables,
    pub(crate) shape: Shape,
    random: Random,
    ports: [u16; 2],
    pub(crate) rows: BTreeMap<u64, Values>,
    /// Of each shared row: counted up for certain, and perhaps.
    pub(crate) counts: BTreeMap<u64, (u64, u64)>,
    pub(crate) acknowledged: u64,
    pub(crate) in_doubt: u64,
    pub(crate) failed: u64,
    /// Of those that failed: refused, since the phase does not allow them.
    pub(crate) refused: u64,
    pub(crate) faults: Vec<String>,
    written: u64,
}

/// What one statement does.
#[derive(Debug, Clone)]
enum Act {
    /// The row holds that afterwards.
    Set { row: u64, after: Parts, upserts: bool },
    /// A shared row is counted up.
    Count(u64),
    /// The row holds what is expected.
    Look(u64),
}

/// How a transaction ended.
enum End {
    Committed,
    Nothing,
    InDoubt,
}

/// What an answer says of the proxy.
enum Said {
    Nothing,
    Refused,
    /// What must not be.
    Wrong(String),
}

impl Session {
    pub(crate) fn new(number: u64, tables: Tables, random: Random, ports: [u16; 2]) -> Self {
        Self {
            number,
            tables,
            shape: if number % NEW == NEW - 1 { Shape::New } else { Shape::Old },
            random,
            ports,
            rows: BTreeMap::new(),
            counts: BTreeMap::new(),
            acknowledged: 0,
            in_doubt: 0,
            failed: 0,
            refused: 0,
            faults: Vec::new(),
            written: 0,
        }
    }

    /// Works until everybody is told to stop.
    pub(crate) async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        let mut client: Option<Client> = None;
        while !stop.load(Ordering::SeqCst) {
            let connected = match client.take().filter(|client| !client.is_closed()) {
                // Now and then it goes to the other replica.
                Some(client) if !self.random.percent(2) => client,
                Some(_) | None => {
                    let [first, second] = self.ports;
                    let port = if self.random.percent(50) { first } else { second };
                    match connect(port, self.shape).await {
                        Ok(client) => client,
                        Err(_) => {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                            continue;
                        }
                    }
                }
            };
            if self.transaction(&connected).await {
                client = Some(connected);
            }
            tokio::time::sleep(Duration::from_millis(5 + self.random.below(20))).await;
        }
        self
    }

    /// One transaction. Returns whether the connection can still be used.
    async fn transaction(&mut self, client: &Client) -> bool {
        let explicit = self.random.percent(50);
        let length = if explicit { 1 + self.random.below(4) } else { 1 };
        let mut acts: Vec<Act> = Vec::new();
        for _ in 0..length {
            acts.push(self.act(&acts));
        }
        let give_up = explicit && self.random.percent(10);
        let dawdles = explicit && self.number < SLOW && self.random.percent(50);
        let pauses: Vec<Duration> = acts
            .iter()
            .map(|_| if dawdles { self.random.below(SLOW_MS) } else { 0 })
            .map(Duration::from_millis)
            .collect();
        let running = self.attempt(client, &acts, &pauses, explicit, give_up);
        let patience = Duration::from_secs(ANSWER_S);
        // What is not answered may still be done.
        let (end, usable) = match tokio::time::timeout(patience, running).await {
            Ok((end, usable, said)) => {
                match said {
                    Said::Nothing => {}
                    Said::Refused => self.refused += 1,
                    Said::Wrong(fault) => self.faults.push(fault),
                }
                (end, usable)
            }
            Err(_elapsed) => (End::InDoubt, false),
        };
        self.note(&acts, &end);
        if !matches!(end, End::Committed) && usable {
            self.failed += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        usable
    }

    fn act(&mut self, before: &[Act]) -> Act {
        if self.random.percent(15) {
            // In one order, so that nobody who counts is the victim of a deadlock.
            let last = before.iter().rev().find_map(|act| match act {
                Act::Count(row) => Some(*row),
                Act::Set { .. } | Act::Look(_) => None,
            });
            let least = last.unwrap_or(1);
            return Act::Count(least + self.random.below(SHARED + 1 - least));
        }
        let row = self.row();
        if self.random.percent(30) {
            return Act::Look(row);
        }
        self.written += 1;
        let fresh = format!("{}-{}", self.number, self.written);
        let was = self.known(before, row);
        let after = self.tables.next(self.shape, &was, &fresh, &mut self.random);
        Act::Set { row, after, upserts: self.random.percent(30) }
    }

    /// One of the rows that are not in doubt.
    fn row(&mut self) -> u64 {
        let first = (self.number + 1) * RANGE;
        let is_sure = |row: &u64| self.rows.get(row).is_none_or(|values| values.len() == 1);
        let sure: Vec<u64> = (first..first + RANGE)
            .filter(is_sure)
            .take(usize::try_from(ROWS).unwrap_or(1))
            .collect();
        let chosen = usize::try_from(self.random.below(ROWS)).unwrap_or_default();
        sure.get(chosen).copied().unwrap_or(first)
    }

    /// What a row that is not in doubt holds after `acts`.
    fn known(&self, acts: &[Act], row: u64) -> Parts {
        let set = acts.iter().rev().find_map(|act| match act {
            Act::Set { row: set, after, .. } if *set == row => Some(after.clone()),
            Act::Set { .. } | Act::Count(_) | Act::Look(_) => None,
        });
        let committed = || self.rows.get(&row).and_then(|values| values.first().cloned());
        set.or_else(committed).unwrap_or(NOTHING)
    }

    /// Runs it. Also says whether the connection can be used on, and what was wrong.
    async fn attempt(
        &self,
        client: &Client,
        acts: &[Act],
        pauses: &[Duration],
        explicit: bool,
        give_up: bool,
    ) -> (End, bool, Said) {
        let nothing = |client: &Client| (End::Nothing, !client.is_closed(), Said::Nothing);
        if explicit && client.batch_execute("BEGIN").await.is_err() {
            return nothing(client);
        }
        let mut said = Said::Nothing;
        for (index, (act, pause)) in acts.iter().zip(pauses).enumerate() {
            tokio::time::sleep(*pause).await;
            let before = acts.get(..index).unwrap_or_default();
            let done = self.perform(client, before, act).await;
            match done {
                Ok(None) => {}
                Ok(Some(wrong)) => said = Said::Wrong(wrong),
                Err(error) => {
                    let told =
                        error.as_db_error().is_some_and(|it| !ends_session(it.code().code()));
                    if !matches!(said, Said::Wrong(_)) {
                        said = self.told(&error, act);
                    }
                    if told && explicit && client.batch_execute("ROLLBACK").await.is_err() {
                        return (End::Nothing, false, said);
                    }
                    // A statement on its own may have been done before the connection broke.
                    let end = if told || explicit { End::Nothing } else { End::InDoubt };
                    return (end, told && !client.is_closed(), said);
                }
            }
        }
        if !explicit {
            return (End::Committed, true, said);
        }
        if give_up {
            let usable = client.batch_execute("ROLLBACK").await.is_ok();
            return (End::Nothing, usable, said);
        }
        match client.batch_execute("COMMIT").await {
            Ok(()) => (End::Committed, true, said),
            Err(_) => (End::InDoubt, false, said),
        }
    }

    /// One statement, after others of its transaction. Gives what was wrong with its answer.
    async fn perform(
        &self,
        client: &Client,
        before: &[Act],
        act: &Act,
    ) -> Result<Option<String>, tokio_postgres::Error> {
        let Self { tables, shape, .. } = *self;
        let is_one = |count: u64, of: &str| {
            (count != 1).then(|| format!("{of} has written {count} rows instead of one"))
        };
        match act {
            Act::Count(row) => {
                let sql = tables.count(shape, *row);
                let counted = client.execute(sql, &[&id(*row)]).await?;
                Ok(is_one(counted, sql))
            }
            Act::Set { row, after, upserts } => {
                let was = self.known(before, *row);
                let statement = tables.set(shape, id(*row), &was, after, *upserts);
                let written = execute(client, id(*row), &statement).await?;
                Ok(is_one(written, &format!("row {row}, {was:?} to {after:?}: {}", statement.sql)))
            }
            Act::Look(row) => {
                let found = client.query_opt(tables.look(shape), &[&id(*row)]).await?;
                let found = found.map_or(NOTHING, |found| [found.get(0), found.get(1)]);
                let expected = self.known(before, *row);
                Ok((expected != found)
                    .then(|| format!("row {row} has {found:?} instead of {expected:?}")))
            }
        }
    }

    /// What an error says of the proxy. A client of the old shape is never refused anything, and nobody
    /// is told of what only a migration could bring about.
    fn told(&self, error: &tokio_postgres::Error, act: &Act) -> Said {
        let Some(error) = error.as_db_error() else { return Said::Nothing };
        match error.code().code() {
            code if ends_session(code) => Said::Nothing,
            // The journal is out of reach.
            "40001" => Said::Nothing,
            // Both columns have a unique index, and upserts of other sessions wait for it (docs/limits.md).
            "40P01" if self.tables == Tables::Column => Said::Nothing,
            "0A000" if self.shape == Shape::New => Said::Refused,
            code => Said::Wrong(format!("{code} {}: {act:?}", error.message())),
        }
    }

    /// What is known afterwards.
    fn note(&mut self, acts: &[Act], end: &End) {
        for act in acts {
            match (act, end) {
                (Act::Look(_), _) | (_, End::Nothing) => {}
                (Act::Set { row, after, .. }, End::Committed) => {
                    self.acknowledged += 1;
                    // Whatever was in doubt of a row stays so: its transaction may still be running.
                    let values = self.rows.entry(*row).or_insert_with(|| vec![NOTHING]);
                    match values.len() {
                        1 => *values = vec![after.clone()],
                        _ => values.push(after.clone()),
                    }
                }
                (Act::Set { row, after, .. }, End::InDoubt) => {
                    self.in_doubt += 1;
                    let values = self.rows.entry(*row).or_insert_with(|| vec![NOTHING]);
                    // Of two writes of one transaction the last counts, if any does.
                    values.push(after.clone());
                }
                (Act::Count(row), End::Committed) => {
                    self.acknowledged += 1;
                    self.counts.entry(*row).or_default().0 += 1;
                }
                (Act::Count(row), End::InDoubt) => {
                    self.in_doubt += 1;
                    self.counts.entry(*row).or_default().1 += 1;
                }
            }
        }
    }
}

/// Executes what writes a row. Gives how many rows it says that it has written.
pub(crate) async fn execute(
    client: &Client,
    id: i64,
    statement: &Statement,
) -> Result<u64, tokio_postgres::Error> {
    let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::new();
    if let Some(texts) = &statement.parameters {
        parameters.push(&id);
        parameters.extend(texts.iter().map(|text| -> &(dyn ToSql + Sync) { text }));
    }
    client.execute(&statement.sql, &parameters).await
}

pub(crate) fn id(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

/// Whether an error of that SQLSTATE ends the session, so that nothing is known of what was asked.
fn ends_session(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08") || code == "XX000"
}
