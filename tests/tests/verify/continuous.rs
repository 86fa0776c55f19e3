//! The proxies' own verifications: when one is due, what becomes of what is written past the proxies, and
//! who gives way to whom.

use std::collections::BTreeMap;
use std::time::Duration;

use rewrite_rules::Phase;
use segue::verify::continuous::{Plan, follow};
use segue::verify::{Order, VerifyError};
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually, pause, runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{change, control, governed, nobody, order, value, verify};

/// One that runs beside the test, as in a proxy.
pub(crate) struct Beside {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _plan: watch::Sender<Plan>,
}

impl Beside {
    pub(crate) fn start(database: &Database, who: &str, every: Duration) -> Self {
        let every = BTreeMap::from([("move".to_owned(), every)]);
        let (plan, planned) = watch::channel(Plan { control: control(database), every });
        let (stop, stopping) = watch::channel(false);
        let task = runtime().spawn(follow(planned, nobody(), who.to_owned(), stopping));
        Self { task, stop, _plan: plan }
    }

    pub(crate) fn end(self) {
        self.stop.send_replace(true);
        segue_tests::server::run(self.task).expect("no panic");
    }
}

fn prepare(about: &str, rows: u64) -> (Database, Proxy) {
    let ddl = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
         INSERT INTO t SELECT g, g, g FROM generate_series(1, {rows}) g; ANALYZE t;"
    );
    governed(about, &ddl, &change("t", "old", "new", Phase::DualWrite))
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn results(database: &Database) -> Vec<String> {
    database.connect().rows("SELECT result FROM segue.verification ORDER BY id")
}

#[test]
fn what_is_written_past_the_proxies_is_found_and_named() {
    let (database, proxy) = prepare("continuous_past", 5_000);
    let beside = Beside::start(&database, "the first", SECOND);
    eventually("all rows are equal", || results(&database) == ["equal"]);
    let mut login = database.login();
    login.parameters.push(("application_name".to_owned(), "nightly-job".to_owned()));
    let mut stranger = login.connect();
    // Through the proxy nothing is amiss.
    let mut client = proxy.connect();
    client.script("UPDATE t SET old = 7 WHERE id = 7");
    stranger.script("UPDATE t SET old = 0 WHERE id IN (5, 4000)");
    eventually("it is found", || results(&database).iter().any(|it| it == "different"));
    let detail =
        "SELECT detail FROM segue.verification WHERE result = 'different' ORDER BY id LIMIT 1";
    let said = value(&database, detail);
    let at = "SELECT to_char(max(started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
              FROM segue.verification WHERE result = 'equal'";
    let alarm = format!(
        "2 rows that were equal at {} UTC differ now: something writes past the proxies; sessions \
         that do not come through one: ",
        value(&database, at)
    );
    assert!(said.starts_with(&alarm), "{said}");
    let pid = stranger.rows("SELECT pg_backend_pid()").join("");
    let named = format!("pid {pid} (nightly-job, user ");
    assert!(said.contains(&named), "{said}");
    let through = client.rows("SELECT pg_backend_pid()").join("");
    assert!(!said.contains(&format!("pid {through} ")), "{said}");
    let row = "public.t, id = 5: \"old\" is '0', \"new\" is '5', should be '0'";
    assert!(said.contains(row), "{said}");
    beside.end();
    proxy.stop();
}

#[test]
fn one_replica_at_a_time_as_often_as_is_due() {
    let (database, proxy) = prepare("continuous_two", 100);
    let first = Beside::start(&database, "the first", 3 * SECOND);
    let second = Beside::start(&database, "the second", 3 * SECOND);
    eventually("three were done", || results(&database).len() >= 3);
    let close = "SELECT count(*) FROM (SELECT started_at - lag(at) OVER (ORDER BY id) AS pause
                 FROM segue.verification) p WHERE pause < interval '3 s'";
    assert_eq!(value(&database, close), "0", "none begins before it is due");
    first.end();
    second.end();
    proxy.stop();
}

#[test]
fn none_while_the_fleet_is_frozen_or_one_side_is_written() {
    let (database, proxy) = prepare("continuous_frozen", 100);
    database.connect().script("UPDATE segue.fleet SET frozen_at = now(), frozen_by = 'op'");
    let beside = Beside::start(&database, "the first", SECOND);
    pause(2_500);
    assert_eq!(results(&database), [] as [&str; 0]);
    database.connect().script("UPDATE segue.fleet SET frozen_at = NULL");
    eventually("it goes on", || !results(&database).is_empty());
    let back = change("t", "old", "new", Phase::Expand);
    eventually("the way is free", || proxy.reload(&back).is_ok());
    pause(1_500);
    let before = results(&database).len();
    pause(2_500);
    assert_eq!(results(&database).len(), before);
    beside.end();
    proxy.stop();
}

#[test]
fn it_gives_way_to_an_operator() {
    let (database, proxy) = prepare("continuous_gives", 30_000);
    let slow = Order { rest: 200.0, gives_way: true, ..order() };
    let slow = Order { who: "the proxy".to_owned(), ..slow };
    let other = database.clone();
    let beside = std::thread::spawn(move || verify(&other, &slow).0);
    let begun = "SELECT sum(compared) > 0 FROM segue.verify_range";
    eventually("it has begun", || value(&database, begun) == "t");
    let (done, events) = verify(&database, &order());
    assert_eq!(done.map(|it| it.compared).map_err(|error| error.to_string()), Ok(30_000));
    let goes_on = |event: &segue::verify::Event| {
        matches!(event, segue::verify::Event::Began { goes_on: true, .. })
    };
    assert!(events.iter().any(goes_on), "what it has compared counts");
    assert!(matches!(beside.join().expect("no panic"), Err(VerifyError::TakenOver)));
    proxy.stop();
}

#[test]
fn two_operators_at_once_are_refused() {
    let (database, proxy) = prepare("continuous_busy", 30_000);
    let slow = Order { rest: 200.0, ..order() };
    let other = database.clone();
    let beside = std::thread::spawn(move || verify(&other, &slow).0);
    let begun = "SELECT sum(compared) > 0 FROM segue.verify_range";
    eventually("it has begun", || value(&database, begun) == "t");
    match verify(&database, &order()).0 {
        Err(VerifyError::Running { who, .. }) => assert_eq!(who.as_deref(), Some("a test")),
        other => panic!("{other:?}"),
    }
    let done = beside.join().expect("no panic");
    assert_eq!(done.map(|it| it.compared).map_err(|error| error.to_string()), Ok(30_000));
    proxy.stop();
}
