//! Clients write both sides through the proxy while rows are compared: none is ever taken for different.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rewrite_rules::Phase;
use segue::verify::{Event, Order};
use segue_tests::server::{eventually, pause, run};

use crate::{change, control, governed, nobody, order, value, verify};

const ROWS: i64 = 30_000;

/// Clients do these statements in a loop, with `$` as a number that goes up, while it is compared again
/// and again.
fn check(about: &str, key: &str, statements: &[&str]) {
    let ddl = format!(
        "CREATE TABLE t (id bigint {key}, old text, new int);
         INSERT INTO t SELECT g, g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
    );
    let (database, proxy) = governed(about, &ddl, &change("t", "old", "new", Phase::DualWrite));
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|client| {
            let (mut wire, over) = (proxy.connect(), Arc::clone(&over));
            let statements: Vec<String> = statements.iter().map(|it| (*it).to_owned()).collect();
            std::thread::spawn(move || {
                let mut number: i64 = client;
                while !over.load(Ordering::Relaxed) {
                    number += 3;
                    let at = number * 7_919 % ROWS + 1;
                    for statement in &statements {
                        let sql = statement.replace("$n", &number.to_string());
                        wire.script(&sql.replace('$', &at.to_string()));
                    }
                }
                number
            })
        })
        .collect();
    pause(100);
    let outcomes: Vec<_> = (1..=6)
        .map(|workers| verify(&database, &Order { workers: workers % 3 + 1, ..order() }).0)
        .collect();
    over.store(true, Ordering::Relaxed);
    let numbers: Vec<i64> =
        clients.into_iter().map(|client| client.join().expect("no panic")).collect();
    assert!(numbers.iter().all(|number| *number > 30), "{about}: they were held up: {numbers:?}");
    for outcome in outcomes {
        let outcome = outcome.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
        assert_eq!(
            (outcome.equal(), outcome.rows.as_slice()),
            (Some(true), [].as_slice()),
            "{about}"
        );
    }
    proxy.stop();
}

const STATEMENTS: [&str; 4] = [
    "UPDATE t SET old = $n WHERE id = $",
    "INSERT INTO t (id, old) VALUES (1000000 + $n, $n)",
    "DELETE FROM t WHERE id = 1000000 + $n - 300",
    "BEGIN; UPDATE t SET old = -old::int WHERE id BETWEEN $ AND $ + 20; COMMIT",
];

#[test]
fn rows_are_written_inserted_and_deleted() {
    check("writers_all", "PRIMARY KEY", &STATEMENTS);
}

#[test]
fn rows_move_about_in_a_table_without_a_key() {
    check("writers_places", "", &["UPDATE t SET old = $n WHERE id BETWEEN $ AND $ + 3"]);
}

#[test]
fn a_lock_on_the_table_is_waited_for() {
    let ddl = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
         INSERT INTO t SELECT g, g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
    );
    let (database, proxy) =
        governed("writers_lock", &ddl, &change("t", "old", "new", Phase::DualWrite));
    let other = database.clone();
    let slowly = Order { rest: 20.0, ..order() };
    let told = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&told);
    let comparing = std::thread::spawn(move || {
        let mut report = move |event: Event| {
            let Event::Progress(progress) = event else { return };
            if progress.reason.as_deref() == Some("the table is locked") {
                seen.store(true, Ordering::Relaxed);
            }
        };
        run(segue::verify::run(&control(&other), &slowly, &nobody(), &mut report))
    });
    let begun = "SELECT sum(compared) > 0 FROM segue.verify_range";
    eventually("it has begun", || value(&database, begun) == "t");
    let mut holder = database.connect();
    holder.script("BEGIN; LOCK TABLE t");
    eventually("it is told", || told.load(Ordering::Relaxed));
    // Nobody waits behind it in the queue for the lock.
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
    eventually("it stands back", || value(&database, waiting) == "0");
    holder.script("COMMIT");
    let done = comparing.join().expect("no panic");
    assert_eq!(done.map(|it| it.equal()).map_err(|error| error.to_string()), Ok(Some(true)));
    proxy.stop();
}
