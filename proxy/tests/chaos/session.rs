//! A client that knows what it has written, what it was told, and what is in doubt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::Client;

use crate::house::connect;
use crate::random::Random;

/// Number of sessions.
pub(crate) const SESSIONS: u64 = 16;

/// Rows of one session: its number times this is the first.
const RANGE: u64 = 1_000_000;

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

/// What a row may hold. More than one value: it is in doubt.
pub(crate) type Values = Vec<Option<String>>;

#[derive(Debug)]
pub(crate) struct Session {
    number: u64,
    random: Random,
    ports: [u16; 2],
    pub(crate) rows: BTreeMap<u64, Values>,
    /// Of each shared row: counted up for certain, and perhaps.
    pub(crate) counts: BTreeMap<u64, (u64, u64)>,
    pub(crate) acknowledged: u64,
    pub(crate) in_doubt: u64,
    pub(crate) failed: u64,
    pub(crate) faults: Vec<String>,
    written: u64,
}

/// What one statement does.
#[derive(Debug, Clone)]
enum Act {
    /// The row has that value afterwards.
    Set(u64, Option<String>),
    /// A shared row is counted up.
    Count(u64),
    /// The row has the value that is expected.
    Look(u64),
}

/// How a transaction ended.
enum End {
    Committed,
    Nothing,
    InDoubt,
}

impl Session {
    pub(crate) fn new(number: u64, random: Random, ports: [u16; 2]) -> Self {
        Self {
            number,
            random,
            ports,
            rows: BTreeMap::new(),
            counts: BTreeMap::new(),
            acknowledged: 0,
            in_doubt: 0,
            failed: 0,
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
                    match connect(port).await {
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
        let acts: Vec<Act> = (0..length).map(|_| self.act()).collect();
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
            Ok((end, usable, fault)) => {
                self.faults.extend(fault);
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

    fn act(&mut self) -> Act {
        if self.random.percent(15) {
            return Act::Count(1 + self.random.below(SHARED));
        }
        let row = self.row();
        if self.random.percent(30) {
            return Act::Look(row);
        }
        let there = self.rows.get(&row).is_some_and(|values| *values != [None]);
        self.written += 1;
        let value = format!("{}-{}", self.number, self.written);
        Act::Set(row, (!there || self.random.percent(80)).then_some(value))
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

    /// What `acts` before the one at `index` and the rows say of a row.
    fn expected(&self, acts: &[Act], index: usize, row: u64) -> Option<Option<String>> {
        let before = acts.iter().take(index).rev().find_map(|act| match act {
            Act::Set(set, value) if *set == row => Some(value.clone()),
            Act::Set(..) | Act::Count(_) | Act::Look(_) => None,
        });
        before.map(Some).unwrap_or_else(|| match self.rows.get(&row).map(Vec::as_slice) {
            None => Some(None),
            Some([value]) => Some(value.clone()),
            Some(_) => None,
        })
    }

    /// Runs it. Also says whether the connection can be used on, and what was wrong.
    async fn attempt(
        &self,
        client: &Client,
        acts: &[Act],
        pauses: &[Duration],
        explicit: bool,
        give_up: bool,
    ) -> (End, bool, Option<String>) {
        let nothing = |client: &Client| (End::Nothing, !client.is_closed(), None);
        if explicit && client.batch_execute("BEGIN").await.is_err() {
            return nothing(client);
        }
        let mut fault = None;
        for (index, (act, pause)) in acts.iter().zip(pauses).enumerate() {
            tokio::time::sleep(*pause).await;
            let done = self.perform(client, acts, index, act).await;
            match done {
                Ok(wrong) => fault = fault.or(wrong),
                Err(error) => {
                    let told =
                        error.as_db_error().is_some_and(|it| !ends_session(it.code().code()));
                    if told && explicit && client.batch_execute("ROLLBACK").await.is_err() {
                        return (End::Nothing, false, fault);
                    }
                    // A statement on its own may have been done before the connection broke.
                    let end = if told || explicit { End::Nothing } else { End::InDoubt };
                    return (end, told && !client.is_closed(), fault);
                }
            }
        }
        if !explicit {
            return (End::Committed, true, fault);
        }
        if give_up {
            let usable = client.batch_execute("ROLLBACK").await.is_ok();
            return (End::Nothing, usable, fault);
        }
        match client.batch_execute("COMMIT").await {
            Ok(()) => (End::Committed, true, fault),
            Err(_) => (End::InDoubt, false, fault),
        }
    }

    /// One statement. Gives what was wrong with its answer.
    async fn perform(
        &self,
        client: &Client,
        acts: &[Act],
        index: usize,
        act: &Act,
    ) -> Result<Option<String>, tokio_postgres::Error> {
        match act {
            Act::Count(row) => {
                let count = "UPDATE users SET username = username || '.', n = n + 1 WHERE id = $1";
                client.execute(count, &[&id(*row)]).await?;
                Ok(None)
            }
            Act::Set(row, None) => {
                client.execute("DELETE FROM users WHERE id = $1", &[&id(*row)]).await?;
                Ok(None)
            }
            Act::Set(row, Some(value)) => {
                let id = id(*row);
                let update = format!("UPDATE users SET username = '{value}' WHERE id = {id}");
                let updated = client.execute(&update, &[]).await?;
                if updated == 0 {
                    let insert = "INSERT INTO users (id, username) VALUES ($1, $2)
                                  ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username";
                    client.execute(insert, &[&id, value]).await?;
                }
                Ok(None)
            }
            Act::Look(row) => {
                let look = "SELECT username FROM users WHERE id = $1";
                let found = client.query_opt(look, &[&id(*row)]).await?;
                let found: Option<String> = found.and_then(|found| found.get(0));
                let expected = self.expected(acts, index, *row);
                Ok(expected
                    .filter(|expected| *expected != found)
                    .map(|expected| format!("row {row} has {found:?} instead of {expected:?}")))
            }
        }
    }

    /// What is known afterwards.
    fn note(&mut self, acts: &[Act], end: &End) {
        for act in acts {
            match (act, end) {
                (Act::Look(_), _) | (_, End::Nothing) => {}
                (Act::Set(row, value), End::Committed) => {
                    self.acknowledged += 1;
                    // Whatever was in doubt of a row stays so: its transaction may still be running.
                    let values = self.rows.entry(*row).or_insert_with(|| vec![None]);
                    match values.len() {
                        1 => *values = vec![value.clone()],
                        _ => values.push(value.clone()),
                    }
                }
                (Act::Set(row, value), End::InDoubt) => {
                    self.in_doubt += 1;
                    let values = self.rows.entry(*row).or_insert_with(|| vec![None]);
                    // Of two writes of one transaction the last counts, if any does.
                    values.push(value.clone());
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

fn id(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

/// Whether an error of that SQLSTATE ends the session, so that nothing is known of what was asked.
fn ends_session(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08") || code == "XX000"
}

/// Whether a row is one of a session's own.
pub(crate) fn is_owned(row: u64) -> bool {
    row >= RANGE
}
