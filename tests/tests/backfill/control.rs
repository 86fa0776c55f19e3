//! A backfill is paused, frozen, cancelled and taken over while it runs, and two at once are refused.

use std::sync::{Arc, Mutex};

use rewrite_rules::Phase;
use segue::backfill::job::Clients;
use segue::backfill::{self, BackfillError, Event, Order, Progress};
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually, pause, runtime};
use tokio::task::JoinHandle;

use crate::{control, copy, dual_writing, nobody, order, rename, value};

const ROWS: u64 = 20_000;

/// A backfill that runs beside the test, slowly.
pub(crate) struct Beside {
    task: JoinHandle<Result<Progress, BackfillError>>,
    progress: Arc<Mutex<Progress>>,
}

impl Beside {
    pub(crate) fn start(database: &Database, order: Order) -> Self {
        Self::feeling(database, order, nobody())
    }

    /// The same while clients feel that.
    pub(crate) fn feeling(database: &Database, order: Order, clients: Clients) -> Self {
        let control = control(database);
        let progress = Arc::new(Mutex::new(Progress::default()));
        let seen = Arc::clone(&progress);
        let task = runtime().spawn(async move {
            let mut report = move |event: Event| {
                if let Event::Progress(progress) = event {
                    *seen.lock().expect("no poison") = progress;
                }
            };
            backfill::run(&control, &order, &clients, &mut report).await
        });
        Self { task, progress }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.lock().expect("no poison").clone()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(self) {
        self.task.abort();
        let ended = segue_tests::server::run(self.task);
        assert!(ended.is_err_and(|ended| ended.is_cancelled()), "it came to its end before");
    }

    pub(crate) fn end(self) -> Result<Progress, BackfillError> {
        segue_tests::server::run(self.task).expect("no panic")
    }
}

fn slowly() -> Order {
    Order { max_rate: Some(5_000), ..order() }
}

fn prepare(about: &str) -> (Database, Proxy) {
    let ddl = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
         INSERT INTO t SELECT g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
    );
    dual_writing(about, &ddl, &rename("t", "old", "new", Phase::DualWrite))
}

fn copied(database: &Database) -> u64 {
    value(database, "SELECT count(new) FROM t").parse().expect("a number")
}

/// It has begun to copy.
fn begun(database: &Database) {
    eventually("rows are copied", || copied(database) > 0);
}

/// It stands still for this reason, and copies nothing; then it goes on to its end.
fn check(about: &str, stop: &str, reason: &str, go: &str) {
    let (database, proxy) = prepare(about);
    let beside = Beside::start(&database, slowly());
    begun(&database);
    database.connect().script(stop);
    eventually("it stands still", || beside.progress().reason.as_deref() == Some(reason));
    let before = copied(&database);
    assert!(before < ROWS, "it was too quick");
    pause(1_200);
    assert_eq!(copied(&database), before, "{about}: nothing is copied meanwhile");
    database.connect().script(go);
    let done = beside.end().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((done.changed, copied(&database)), (ROWS, ROWS), "{about}");
    proxy.stop();
}

#[test]
fn it_stands_still_while_an_operator_says_so() {
    check(
        "control_pause",
        "UPDATE segue.backfill SET wish = 'pause', wished_by = 'op@host'",
        "paused by op@host",
        "UPDATE segue.backfill SET wish = NULL",
    );
}

#[test]
fn it_stands_still_while_the_fleet_is_frozen() {
    check(
        "control_frozen",
        "UPDATE segue.fleet SET frozen_at = now(), frozen_by = 'op@host'",
        "the fleet is frozen by op@host",
        "UPDATE segue.fleet SET frozen_at = NULL",
    );
}

#[test]
fn it_stands_still_while_a_file_exists() {
    let (database, proxy) = prepare("control_file");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stop");
    std::fs::write(&path, "").expect("a file");
    let beside = Beside::start(&database, Order { pause_file: Some(path.clone()), ..slowly() });
    let reason = format!("{} exists", path.display());
    eventually("it stands still", || beside.progress().reason.as_deref() == Some(reason.as_str()));
    pause(1_000);
    assert_eq!(copied(&database), 0, "it has not even begun");
    std::fs::remove_file(&path).expect("no file");
    assert_eq!(beside.end().map(|done| done.changed).map_err(|error| error.to_string()), Ok(ROWS));
    proxy.stop();
}

#[test]
fn cancelled_it_ends_and_goes_on_later() {
    let (database, proxy) = prepare("control_cancel");
    let beside = Beside::start(&database, slowly());
    begun(&database);
    database.connect().script("UPDATE segue.backfill SET wish = 'cancel', wished_by = 'op@host'");
    match beside.end() {
        Err(BackfillError::Cancelled(by)) => assert_eq!(by.as_deref(), Some("op@host")),
        other => panic!("{other:?}"),
    }
    assert_eq!(value(&database, "SELECT state FROM segue.backfill"), "cancelled");
    let before = copied(&database);
    assert!((1..ROWS).contains(&before));
    let (done, events) = copy(&database, &order());
    assert!(matches!(events.first(), Some(Event::Began { goes_on: true, .. })));
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(ROWS));
    assert_eq!(copied(&database), ROWS);
    proxy.stop();
}

#[test]
fn two_at_once_are_refused_and_the_second_may_take_over() {
    let (database, proxy) = prepare("control_two");
    let beside = Beside::start(&database, slowly());
    begun(&database);
    let (second, _) = copy(&database, &order());
    match second {
        Err(BackfillError::Running { who, .. }) => assert_eq!(who.as_deref(), Some("a test")),
        other => panic!("{other:?}"),
    }
    // The first one lost its lock with its connection and does not know: its batches are not its own.
    database.connect().script("UPDATE segue.backfill SET runner = 'another'");
    assert!(matches!(beside.end(), Err(BackfillError::TakenOver)));
    let (done, _) = copy(&database, &order());
    assert_eq!(done.map(|done| done.changed).map_err(|error| error.to_string()), Ok(ROWS));
    proxy.stop();
}

#[test]
fn a_step_of_the_migration_ends_it() {
    let (database, proxy) = prepare("control_step");
    let beside = Beside::start(&database, slowly());
    begun(&database);
    proxy
        .reload(&rename("t", "old", "new", Phase::Expand))
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(beside.end(), Err(BackfillError::PhaseLeft(_))));
    let before = copied(&database);
    pause(300);
    assert_eq!(copied(&database), before);
    // What was copied in the epoch before proves nothing: clients may have written one side only.
    proxy.connect().script("UPDATE t SET old = -old WHERE id <= 10");
    let again = rename("t", "old", "new", Phase::DualWrite);
    segue_tests::server::run(proxy.last_flip().drained());
    eventually("the way is free", || proxy.reload(&again).is_ok());
    crate::drained(&database);
    let (done, events) = copy(&database, &order());
    assert!(matches!(events.first(), Some(Event::Began { goes_on: false, .. })));
    assert_eq!(done.map_err(|error| error.to_string()).map(|done| done.failures), Ok(0));
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old"), "0");
    proxy.stop();
}

#[test]
fn lost_connections_are_made_again() {
    let (database, proxy) = prepare("control_lost");
    let beside = Beside::start(&database, slowly());
    for _round in 0..5 {
        let before = copied(&database);
        eventually("it goes on", || copied(&database) > before || copied(&database) == ROWS);
        database.connect().simple(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'segue backfill' AND datname = current_database()",
        );
        pause(200);
    }
    let done = beside.end().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(done.failures, 0);
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old"), "0");
    let changed: u64 = value(
        &database,
        "SELECT b.changed + (SELECT coalesce(sum(changed), 0) FROM segue.backfill_range) FROM segue.backfill b",
    )
    .parse()
    .expect("a number");
    assert_eq!(changed, ROWS, "each row was copied once, and that was written down with it");
    proxy.stop();
}
