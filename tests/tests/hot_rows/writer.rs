//! One client that writes hot rows, in transactions of every kind and isolation level.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use segue_tests::wire::{Login, Wire};

use super::serial::{History, Token};
use super::tables::Tables;

/// Tokens of each writer.
const TOKENS: i32 = 1_000_000;

/// How many of its transactions each writer gets through in a phase in which it may write, at least.
const WRITTEN: u64 = 5;

/// Which shape a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// It names what was there before.
    Old,
    /// It names what will be there.
    New,
}

/// What all writers have done so far.
#[derive(Debug)]
pub(crate) struct Progress {
    units: Vec<AtomicU64>,
    /// Of those, what was written.
    done: Vec<AtomicU64>,
    deadlocks: AtomicU64,
    is_over: AtomicBool,
}

impl Progress {
    pub(crate) fn new(writers: usize) -> Self {
        let none = || (0..writers).map(|_| AtomicU64::new(0)).collect();
        Self {
            units: none(),
            done: none(),
            deadlocks: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// For each writer its transactions, and those of them that have written.
    pub(crate) fn units(&self) -> Vec<[u64; 2]> {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        self.units.iter().zip(&self.done).map(|(units, done)| [load(units), load(done)]).collect()
    }

    /// Whether each has done so many more than `before`, of which some have written where all may.
    pub(crate) fn has_each_done(&self, before: &[[u64; 2]], more: u64, may_all: bool) -> bool {
        let mut all = self.units().into_iter().zip(before);
        let written = if may_all { WRITTEN } else { 0 };
        all.all(|([units, done], before)| units >= before[0] + more && done >= before[1] + written)
    }

    pub(crate) fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn deadlocks(&self) -> u64 {
        self.deadlocks.load(Ordering::Relaxed)
    }
}

/// How a transaction has ended.
enum End {
    /// It is committed, and wrote these rows.
    Done(Vec<i32>),
    /// Nothing was written: another one was first, or it is refused in this phase.
    Undone,
}

pub(crate) struct Writer {
    number: usize,
    dialect: Dialect,
    tables: Tables,
    wire: Wire,
    progress: Arc<Progress>,
    /// State of a generator of numbers.
    seed: u64,
}

impl Writer {
    pub(crate) fn new(
        number: usize,
        (dialect, tables): (Dialect, Tables),
        login: Login,
        progress: Arc<Progress>,
    ) -> Self {
        let login = match dialect {
            Dialect::Old => login,
            Dialect::New => login.with("segue.shape", "new"),
        };
        let seed = 0x9e37_79b9_7f4a_7c15 ^ u64::try_from(number).unwrap_or_default();
        Self { number, dialect, tables, wire: login.connect(), progress, seed }
    }

    /// Writes until it is told to stop. Gives what was acknowledged.
    pub(crate) fn work(mut self, rows: i32) -> History {
        let mut history = History::new();
        let first = TOKENS * i32::try_from(self.number).unwrap_or_default();
        for token in first + 1.. {
            if self.progress.is_over.load(Ordering::Relaxed) {
                break;
            }
            if let End::Done(ids) = self.transaction(token, rows) {
                history.push((token, ids));
                if let Some(done) = self.progress.done.get(self.number) {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
            if let Some(units) = self.progress.units.get(self.number) {
                units.fetch_add(1, Ordering::Relaxed);
            }
        }
        history
    }

    /// A number below `end`: xorshift.
    fn below(&mut self, end: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % end
    }

    fn row(&mut self, rows: i32) -> i32 {
        let end = u64::try_from(rows).unwrap_or(1);
        i32::try_from(self.below(end)).unwrap_or_default() + 1
    }

    fn transaction(&mut self, token: Token, rows: i32) -> End {
        let id = self.row(rows);
        match (self.dialect, self.below(6)) {
            (Dialect::Old, 0) => self.all(&self.tables.set(token, id, "")),
            (Dialect::Old, 1) => self.compared(token, id),
            (Dialect::Old, 2) => self.locked(token, id),
            (Dialect::Old, 3) => self.all(&self.tables.upsert(token, id)),
            (Dialect::Old, 4) => self.all(&self.tables.moved(token, id)),
            (Dialect::New, 0) if self.tables == Tables::Merge => {
                self.all(&[Tables::upsert_new(token, id)])
            }
            (Dialect::New, 1) if self.tables == Tables::Merge => self.locked_new(token, id),
            (Dialect::Old | Dialect::New, _) => self.several(token, rows),
        }
    }

    /// Statements that each write the one row, of which the first says whether it does.
    fn all(&mut self, statements: &[String]) -> End {
        let [only] = statements else {
            self.wire.script("BEGIN");
            let (mut code, mut ids) = (String::new(), Vec::new());
            for (at, statement) in statements.iter().enumerate() {
                let reply = self.wire.simple(statement);
                reply.code().clone_into(&mut code);
                if at == 0 {
                    ids = reply.lines().iter().filter_map(|line| line.parse().ok()).collect();
                }
                if !code.is_empty() || ids.is_empty() {
                    break;
                }
            }
            if code.is_empty() {
                self.wire.simple("COMMIT").code().clone_into(&mut code);
            }
            return self.ended(&code, ids);
        };
        let reply = self.wire.simple(only);
        let ids = reply.lines().iter().filter_map(|line| line.parse().ok()).collect();
        self.ended(reply.code(), ids)
    }

    /// Only if nobody was there since it was read.
    fn compared(&mut self, token: Token, id: i32) -> End {
        let read = self.wire.rows(&self.tables.count(id));
        let read = read.first().cloned().unwrap_or_default();
        self.all(&self.tables.set(token, id, &format!(" AND n = {read}")))
    }

    /// What is written was computed here, of what was read under a lock.
    fn locked(&mut self, token: Token, id: i32) -> End {
        self.wire.script("BEGIN");
        let read = self.wire.simple(&self.tables.lock(id));
        let (code, lines) = (read.code().to_owned(), read.lines());
        let Some((log, n)) = lines.first().and_then(|line| line.split_once('|')) else {
            return self.ended(&code, Vec::new());
        };
        let n: i32 = n.parse().expect("a number");
        let set = format!("{}; COMMIT", self.tables.set_to(token, id, (log, n + 1)).join("; "));
        let code = self.wire.simple(&set).code().to_owned();
        self.ended(&code, vec![id])
    }

    /// The same by a client of the new shape.
    fn locked_new(&mut self, token: Token, id: i32) -> End {
        self.wire.script("BEGIN");
        let read =
            self.wire.simple(&format!("SELECT log, kept, n FROM m WHERE id = {id} FOR UPDATE"));
        let (code, lines) = (read.code().to_owned(), read.lines());
        let fields: Vec<&str> =
            lines.first().map(|line| line.split('|').collect()).unwrap_or_default();
        let [log, kept, n] = fields.as_slice() else { return self.ended(&code, Vec::new()) };
        let n: i32 = n.parse().expect("a number");
        let set = format!(
            "UPDATE m SET log = '{log}'::int[] || {token}, kept = '{kept}'::int[] || {token}, n = {} WHERE id = {id}; COMMIT",
            n + 1
        );
        let code = self.wire.simple(&set).code().to_owned();
        self.ended(&code, vec![id])
    }

    /// Up to three rows in the order of their keys.
    fn several(&mut self, token: Token, rows: i32) -> End {
        let mut ids: Vec<i32> = (0..=self.below(3)).map(|_| self.row(rows)).collect();
        ids.sort_unstable();
        ids.dedup();
        let level = match self.below(3) {
            0 => "READ COMMITTED",
            1 => "REPEATABLE READ",
            _ => "SERIALIZABLE",
        };
        let mut code =
            self.wire.simple(&format!("BEGIN ISOLATION LEVEL {level}")).code().to_owned();
        for id in &ids {
            let statements = match (self.dialect, self.below(2)) {
                (Dialect::Old, 0) => self.tables.set(token, *id, ""),
                (Dialect::Old, _) => self.tables.one_by_one(token, *id),
                (Dialect::New, _) => self.tables.set_new(token, *id),
            };
            for statement in statements {
                if code.is_empty() {
                    let reply = self.wire.simple(&statement);
                    reply.code().clone_into(&mut code);
                    let is_one = reply.tags().iter().all(|tag| *tag == "UPDATE 1");
                    assert!(!code.is_empty() || is_one, "{statement}: {:?}", reply.tags());
                }
            }
        }
        if code.is_empty() {
            self.wire.simple("COMMIT").code().clone_into(&mut code);
        }
        self.ended(&code, ids)
    }

    /// What an SQLSTATE, none if there was no error, makes of a transaction that was to write these rows.
    fn ended(&mut self, code: &str, ids: Vec<i32>) -> End {
        if code.is_empty() {
            return End::Done(ids);
        }
        self.wire.simple("ROLLBACK");
        match code {
            // Another one was first.
            "40001" => {}
            "40P01" => {
                self.progress.deadlocks.fetch_add(1, Ordering::Relaxed);
            }
            // Some statements are refused in some phases.
            "0A000" => {}
            other => panic!("writer {}: SQLSTATE {other}", self.number),
        }
        End::Undone
    }
}
