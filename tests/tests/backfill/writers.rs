//! Clients write, move rows to other keys and hold locks while a backfill runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rewrite_rules::Phase;
use segue::backfill::Order;
use segue_tests::server::{Database, pause};
use segue_tests::wire::Wire;

use crate::{copy, dual_writing, order, rename, value};

/// Rows of the table, with keys from 1 on.
pub(crate) const ROWS: i64 = 30_000;

fn ddl(key: &str) -> String {
    format!(
        "CREATE TABLE t (id bigint {key}, old int, new int, touched int DEFAULT 0);
         INSERT INTO t (id, old) SELECT g, g FROM generate_series(1, {ROWS}) g; ANALYZE t;"
    )
}

fn check(about: &str, key: &str, statements: &[&str]) {
    let migration = rename("t", "old", "new", Phase::DualWrite);
    let differing = "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old";
    beside(about, &ddl(key), &migration, differing, statements);
}

/// Clients do these statements in a loop, with `$` as one of [`ROWS`] and `$n` as a number that goes up, while
/// it runs; `differing` counts the rows that are wrong in the end.
pub(crate) fn beside(
    about: &str,
    ddl: &str,
    migration: &str,
    differing: &str,
    statements: &[&str],
) {
    let (database, proxy) = dual_writing(about, ddl, migration);
    let statements: Vec<String> = statements.iter().map(|it| (*it).to_owned()).collect();
    while_writing(&database, &|| proxy.connect(), differing, &statements);
    proxy.stop();
}

/// The same over connections that the test makes.
pub(crate) fn while_writing(
    database: &Database,
    connect: &dyn Fn() -> Wire,
    differing: &str,
    statements: &[String],
) {
    let about = &database.name;
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|client| {
            let (mut wire, over) = (connect(), Arc::clone(&over));
            let statements = statements.to_vec();
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
    let (done, _) = copy(database, &Order { max_rate: Some(20_000), workers: 2, ..order() });
    over.store(true, Ordering::Relaxed);
    let numbers: Vec<i64> =
        clients.into_iter().map(|client| client.join().expect("no panic")).collect();
    let done = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
    assert!(
        numbers.iter().all(|number| *number > 30),
        "{about}: clients were held up: {numbers:?}"
    );
    assert!(done.changed > 0, "{about}");
    assert_eq!(value(database, differing), "0", "{about}");
}

#[test]
fn rows_are_written_inserted_and_deleted() {
    check(
        "writers_all",
        "PRIMARY KEY",
        &[
            "UPDATE t SET old = old + 1 WHERE id = $",
            "INSERT INTO t (id, old) VALUES (1000000 + $n, $n)",
            "DELETE FROM t WHERE id = 1000000 + $n - 300",
            "BEGIN; UPDATE t SET touched = $n WHERE id = $; COMMIT",
        ],
    );
}

#[test]
fn rows_move_to_keys_that_were_passed() {
    check("writers_moves", "PRIMARY KEY", &["UPDATE t SET id = -$n WHERE id = $"]);
}

#[test]
fn rows_move_about_in_a_table_without_a_key() {
    check("writers_places", "", &["UPDATE t SET touched = $n WHERE id BETWEEN $ AND $ + 50"]);
}

#[test]
fn a_lock_that_stays_is_waited_for_and_harms_no_client() {
    let (database, proxy) = dual_writing(
        "writers_lock",
        &ddl("PRIMARY KEY"),
        &rename("t", "old", "new", Phase::DualWrite),
    );
    let mut holder = proxy.connect();
    holder.simple("BEGIN; UPDATE t SET touched = 1 WHERE id = 20000");
    let other = database.clone();
    let copying = std::thread::spawn(move || copy(&other, &order()).0);
    // It comes to the locked row while the client goes on in the other direction.
    segue_tests::server::eventually("it gave way", || {
        value(&database, "SELECT retries > 0 FROM segue.backfill") == "t"
    });
    let reply = holder.simple("UPDATE t SET touched = 1 WHERE id BETWEEN 1 AND 19999");
    assert_eq!(reply.error().map(|fields| fields.code()), None, "the client is never the victim");
    holder.simple("COMMIT");
    let done = copying.join().expect("no panic").unwrap_or_else(|error| panic!("{error}"));
    assert!(done.retries > 0);
    assert_eq!(value(&database, "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old"), "0");
    proxy.stop();
}

#[test]
fn who_writes_one_side_only_is_noticed() {
    let (database, proxy) = dual_writing(
        "writers_past",
        &ddl("PRIMARY KEY"),
        &rename("t", "old", "new", Phase::DualWrite),
    );
    let over = Arc::new(AtomicBool::new(false));
    let (mut past, stop) = (database.connect(), Arc::clone(&over));
    let writer = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            past.script("UPDATE t SET old = old + 1 WHERE id % 100 = 0");
        }
    });
    let (done, _) = copy(&database, &order());
    over.store(true, Ordering::Relaxed);
    writer.join().expect("no panic");
    let said = done.err().map(|error| error.with_hint()).unwrap_or_default();
    assert!(said.contains("there were still rows that differ"), "{said}");
    assert!(said.contains("past the proxies"), "{said}");
    proxy.stop();
}
