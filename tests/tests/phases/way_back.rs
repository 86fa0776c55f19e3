//! Every step forward and back while clients work: no error, nothing lost, and no way back past a
//! gate without the backfill that it asks for.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use rewrite_rules::Phase;
use segue::phase::wish::ReloadError;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, eventually, pause, run};

use super::alone;
use super::load::{Client, Held, Manner, Rows, line};

/// Statements and transactions of each client in each phase, at least.
const UNITS: usize = 30;

/// Pause of a client behind each, so that the flips get some of the machine. Unit: milliseconds.
const THINK_MS: u64 = 5;

/// Rows of one batch of a backfill. Unit: keys.
const BATCH: i64 = 10;

/// What changes, and how.
struct Case {
    username: &'static str,
    handle: &'static str,
    /// The new value over the old column, and back.
    up: &'static str,
    down: &'static str,
    rule: fn(Phase, bool) -> String,
    value: fn(i64, u64) -> String,
}

const RENAME: Case = Case {
    username: "varchar(50)",
    handle: "varchar(50)",
    up: "username",
    down: "handle",
    rule: |phase, _gone| rename_username(phase),
    value: |first, number| format!("v{first}-{number}"),
};

const CHANGE: Case = Case {
    username: "integer",
    handle: "text",
    up: "username::text",
    down: "handle::integer",
    rule: |phase, gone| {
        let known = if gone { "from_type = \"integer\"\nposition = 2\n" } else { "" };
        format!(
            "[[migration]]\nname = \"change\"\nkind = \"change-column\"\ntable = \"users\"\n\
             from = \"username\"\nto = \"handle\"\nup = \"username::text\"\n\
             down = \"handle::integer\"\n{known}phase = \"{phase}\"\n"
        )
    },
    value: |first, number| format!("{}", first + i64::try_from(number).expect("a small number")),
};

/// One walk.
struct Walk<'a> {
    case: &'a Case,
    database: Database,
    proxy: Proxy,
    clients: Vec<Mutex<Client>>,
    /// Statements and transactions that each has done.
    units: Vec<AtomicUsize>,
    /// Held by each client while it does one; whoever writes here finds all of them idle.
    turn: RwLock<()>,
    /// Rows that no client touches.
    others: Mutex<Rows>,
    /// Values that they were given.
    written: AtomicU64,
    stop: AtomicBool,
}

impl<'a> Walk<'a> {
    fn new(case: &'a Case) -> Self {
        let database = Database::create(
            "way_back",
            &format!(
                "CREATE TABLE users (id bigint PRIMARY KEY, username {} NOT NULL \
                 CONSTRAINT users_username_key UNIQUE, email text, score integer DEFAULT 7)",
                case.username
            ),
        );
        let row =
            |id: i64| Held { value: (case.value)(0, id.unsigned_abs()), email: None, score: 7 };
        let others: Rows = (1..=100).map(|id| (id, row(id))).collect();
        for (id, row) in &others {
            let insert = format!("INSERT INTO users (id, username) VALUES ({id}, '{}')", row.value);
            database.connect().script(&insert);
        }
        database.connect().script("ANALYZE users");
        let proxy = Proxy::start(&database, &(case.rule)(Phase::Expand, false));
        let manners = [Manner::Simple, Manner::Unnamed, Manner::Named].into_iter().cycle();
        let clients: Vec<Mutex<Client>> = (1..=6)
            .zip(manners)
            .map(|(number, manner)| Client::new(proxy.connect(), number, manner, case.value))
            .map(Mutex::new)
            .collect();
        let units = clients.iter().map(|_| AtomicUsize::new(0)).collect();
        let (turn, stop, others) = (RwLock::new(()), AtomicBool::new(false), Mutex::new(others));
        Self {
            case,
            database,
            proxy,
            clients,
            units,
            turn,
            others,
            written: AtomicU64::new(0),
            stop,
        }
    }

    /// Lets the clients work while `way` is gone.
    fn under_load(&self, way: impl FnOnce()) {
        std::thread::scope(|scope| {
            for (client, units) in self.clients.iter().zip(&self.units) {
                scope.spawn(move || {
                    while !self.stop.load(Ordering::Relaxed) {
                        let turn = self.turn.read().expect("no panic");
                        client.lock().expect("no panic").work();
                        units.fetch_add(1, Ordering::Relaxed);
                        drop(turn);
                        pause(THINK_MS);
                    }
                });
            }
            // Whatever happens here, the clients must end, or the scope never does.
            let _stop = StopAtLast(&self.stop);
            way();
        });
    }

    /// Waits until every client has worked for a while.
    fn stay(&self) {
        let count = || self.units.iter().map(|units| units.load(Ordering::Relaxed));
        let before: Vec<usize> = count().collect();
        eventually("every client works", || {
            count().zip(&before).all(|(now, before)| now >= before + UNITS)
        });
    }

    /// Enters a phase, stays, and looks whether all is as it should be.
    fn flip(&self, phase: Phase) {
        if let Err(error) = self.proxy.reload(&(self.case.rule)(phase, false)) {
            panic!("{phase}: {error}");
        }
        run(self.proxy.last_flip().drained());
        self.stay();
        self.check(phase);
    }

    /// The side that is read holds what the clients believe, in every row and column.
    fn check(&self, phase: Phase) {
        let column = match phase {
            Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce => "username",
            Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract => "handle",
        };
        let _turn = self.turn.write().expect("no panic");
        let mut wanted = self.others.lock().expect("no panic").clone();
        for client in &self.clients {
            let client = client.lock().expect("no panic");
            assert!(!client.rows().is_empty(), "a client without a row proves nothing");
            wanted.extend(client.rows().clone());
        }
        let wanted: Vec<String> = wanted.iter().map(|(id, row)| line(*id, row)).collect();
        let all = format!("SELECT id, {column}, email, score FROM users ORDER BY id");
        assert_eq!(self.database.connect().rows(&all), wanted, "{phase}");
        assert_eq!(self.proxy.counters().refused, 0, "{phase}: {:?}", self.proxy.counters());
    }

    /// Writes, through the proxy and where one side alone is written, rows that no client touches:
    /// what clients write again heals by itself where both sides are.
    fn write_one_side(&self) {
        let mut others = self.others.lock().expect("no panic");
        for (id, row) in others.iter_mut().take(3) {
            row.value = (self.case.value)(500, self.written.fetch_add(1, Ordering::Relaxed));
            let update = format!("UPDATE users SET username = '{}' WHERE id = {id}", row.value);
            self.proxy.connect().script(&update);
        }
        assert!(self.apart() >= 3, "nothing was written on one side alone");
    }

    /// How many rows differ, in one snapshot, while the clients work.
    fn apart(&self) -> usize {
        let Case { up, .. } = self.case;
        let apart = format!("SELECT id FROM users WHERE handle IS DISTINCT FROM {up}");
        self.database.connect().rows(&apart).len()
    }

    /// The gate of a phase is closed, for these reasons; nothing changes.
    fn refused(&self, phase: Phase, codes: &[&str]) {
        let before = self.proxy.phase();
        match self.proxy.reload(&(self.case.rule)(phase, false)) {
            Err(ReloadError::GateClosed(closed)) => {
                let findings = closed.iter().flat_map(|closed| &closed.findings);
                let found: Vec<&str> = findings.map(|finding| finding.about.code()).collect();
                assert_eq!(found, codes, "{phase}");
            }
            other => panic!("{phase}: not refused by its gate: {other:?}"),
        }
        assert_eq!(self.proxy.phase(), before);
    }

    /// One statement after the other on a direct connection, as an operator runs them.
    fn ddl(&self, statements: &[&str]) {
        let mut wire = self.database.connect();
        for statement in statements {
            wire.script(statement);
        }
    }

    /// Copies one side to the other, batch by batch, until no row is left.
    fn backfill(&self, to: &str, value: &str) {
        let mut wire = self.database.connect();
        // A deadlock with a client's transaction must end the batch and not the client's: so it gives
        // up before any client looks for one (`deadlock_timeout`, 1 s).
        wire.script("SET lock_timeout = '100ms'");
        for first in wire.rows(&format!("SELECT DISTINCT id / {BATCH} * {BATCH} FROM users")) {
            let update = format!(
                "UPDATE users SET {to} = {value} WHERE id >= {first} AND id < {first} + {BATCH} \
                 AND {to} IS DISTINCT FROM {value}"
            );
            loop {
                let reply = wire.simple(&update);
                match reply.code() {
                    "" => break,
                    "55P03" => pause(THINK_MS),
                    _ => panic!("{:?}\nin: {update}", reply.error()),
                }
            }
        }
        assert_eq!(self.apart(), 0, "after the backfill of {to}");
    }

    /// Up to where the new side is read: what its gate asks for, one thing after the other.
    fn backfill_and_switch(&self, also: &[&str]) {
        let keys = [["missing-index", "not-null"].as_slice(), also].concat();
        self.refused(Phase::SwitchReads, &[["rows-differ"].as_slice(), &keys].concat());
        self.backfill("handle", self.case.up);
        self.refused(Phase::SwitchReads, &keys);
        self.ddl(&[
            "CREATE UNIQUE INDEX users_handle_key ON users (handle)",
            "ALTER TABLE users ALTER COLUMN handle SET NOT NULL",
            "ANALYZE users",
        ]);
        self.flip(Phase::SwitchReads);
        assert_eq!(self.apart(), 0);
    }

    /// From where the old side is not written back to where it is read.
    fn back_to_the_old_side(&self) {
        self.write_one_side();
        self.refused(Phase::SwitchReads, &["unique-index"]);
        self.ddl(&["ALTER TABLE users DROP CONSTRAINT users_username_key"]);
        self.flip(Phase::SwitchReads);
        self.refused(Phase::DualWrite, &["rows-differ", "missing-index"]);
        self.stay();
        self.backfill("username", self.case.down);
        self.refused(Phase::DualWrite, &["missing-index"]);
        self.ddl(&[
            "CREATE UNIQUE INDEX users_username_key ON users (username)",
            "ALTER TABLE users ALTER COLUMN username SET NOT NULL",
        ]);
        self.flip(Phase::DualWrite);
        assert_eq!(self.apart(), 0);
    }

    /// All steps, with a way back behind each.
    fn all_steps(&self) {
        let columns = format!("ALTER TABLE users ADD COLUMN handle {}", self.case.handle);
        self.stay();
        self.check(Phase::Expand);
        self.ddl(&[&columns]);
        self.flip(Phase::DualWrite);
        self.backfill("handle", self.case.up);
        self.flip(Phase::Expand);
        self.write_one_side();
        self.flip(Phase::DualWrite);
        self.backfill_and_switch(&["not-analyzed"]);
        self.flip(Phase::DualWrite);
        assert_eq!(self.apart(), 0);
        self.flip(Phase::SwitchReads);
        assert_eq!(self.apart(), 0);
        self.ddl(&["ALTER TABLE users ALTER COLUMN username DROP NOT NULL"]);
        self.flip(Phase::StopDualWrite);
        self.back_to_the_old_side();
        self.ddl(&[
            "DROP INDEX users_handle_key",
            "ALTER TABLE users ALTER COLUMN handle DROP NOT NULL",
        ]);
        self.flip(Phase::Expand);
        self.write_one_side();
        self.flip(Phase::DualWrite);
        // What the planner knows of the column it has not forgotten.
        self.backfill_and_switch(&[]);
        self.ddl(&["ALTER TABLE users ALTER COLUMN username DROP NOT NULL"]);
        for phase in [Phase::StopDualWrite, Phase::Contract, Phase::StopDualWrite, Phase::Contract]
        {
            self.flip(phase);
        }
        if let Err(error) = self.proxy.reload(&(self.case.rule)(Phase::Contract, true)) {
            panic!("the old column's type: {error}");
        }
        run(self.proxy.last_flip().drained());
        self.ddl(&["ALTER TABLE users DROP COLUMN username"]);
        self.stay();
        self.check(Phase::Contract);
    }
}

/// Tells the clients to end, in good times and bad.
struct StopAtLast<'a>(&'a AtomicBool);

impl Drop for StopAtLast<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn walk(case: &Case) {
    let _alone = alone();
    let walk = Walk::new(case);
    walk.under_load(|| walk.all_steps());
    walk.check(Phase::Contract);
    let Walk { proxy, clients, .. } = walk;
    drop(clients);
    proxy.stop();
}

#[test]
fn a_renamed_column_goes_forward_and_back_under_load() {
    walk(&RENAME);
}

#[test]
fn a_changed_column_goes_forward_and_back_under_load() {
    walk(&CHANGE);
}
