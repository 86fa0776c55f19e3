//! Nine clients, each in its own way of sending, upsert the same few keys at the same time.

use std::sync::atomic::{AtomicU64, Ordering};

use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::proxy::Proxy;
use segue_tests::server::run;
use segue_tests::wire::{Reply, Wire, bind, describe, execute, parse, sync};
use tokio_postgres::{Client, NoTls};

use super::started;

/// Upserts of each client.
const UPSERTS: u32 = 150;

/// How many of them are of the same key, one after the other.
const SAME: u32 = 3;

/// What a row that is stored waits before it is in its indexes. Unit: milliseconds.
const SLOW_MS: u32 = 3;

/// A way of sending an upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Simple,
    SimpleInTransaction,
    Unnamed,
    Named,
    NamedInTransaction,
    SqlPrepared,
    PipelinedInTransaction,
    Driver,
    DriverInTransaction,
}

const WAYS: [Way; 9] = [
    Way::Simple,
    Way::SimpleInTransaction,
    Way::Unnamed,
    Way::Named,
    Way::NamedInTransaction,
    Way::SqlPrepared,
    Way::PipelinedInTransaction,
    Way::Driver,
    Way::DriverInTransaction,
];

/// The statements, each with `$1` for the key.
const UPDATES: &str = "INSERT INTO users (username, n) VALUES ($1, 1) \
    ON CONFLICT (username) DO UPDATE SET n = users.n + 1";
const RETURNS: &str = "INSERT INTO users (username, n) VALUES ($1, 1) \
    ON CONFLICT (username) DO UPDATE SET n = users.n + 1 RETURNING id, username, n";
const NAMED: &str = "INSERT INTO users AS u (handle, n) VALUES ($1, 1) \
    ON CONFLICT ON CONSTRAINT users_username_key DO UPDATE SET n = u.n + 1";
const NOTHING: &str =
    "INSERT INTO users (username, n) VALUES ($1, 1) ON CONFLICT (username) DO NOTHING";

const STATEMENTS: [&str; 4] = [UPDATES, RETURNS, NAMED, NOTHING];

/// What each client does: number, and statement with its own number.
fn steps() -> impl Iterator<Item = (u32, (usize, &'static str))> {
    (0..UPSERTS).zip(STATEMENTS.into_iter().enumerate().cycle())
}

fn named(number: usize) -> String {
    format!("s{number}")
}

/// How many rows an upsert stored or updated, by its tag.
fn stored(reply: &Reply) -> Result<u64, String> {
    if let Some(error) = reply.error() {
        return Err(format!("{error:?}"));
    }
    let tags = reply.tags();
    let count = tags.iter().find_map(|tag| tag.strip_prefix("INSERT 0 "));
    count.and_then(|count| count.parse().ok()).ok_or_else(|| format!("{tags:?}"))
}

/// A client that sends bytes.
fn work_by_wire(way: Way, wire: &mut Wire, outcome: &Outcome) {
    for (number, statement) in STATEMENTS.iter().enumerate() {
        let made = match way {
            Way::SqlPrepared => {
                wire.simple(&format!("PREPARE {} (text) AS {statement}", named(number)))
            }
            _ => wire.prepare(&named(number), statement),
        };
        assert_eq!(made.code(), "");
    }
    let open = matches!(way, Way::SimpleInTransaction | Way::NamedInTransaction);
    for (step, (number, statement)) in steps() {
        let key = format!("key{}", step / SAME);
        if open {
            wire.script("BEGIN");
            wire.script("SAVEPOINT before; SELECT 1");
        }
        let reply = match way {
            Way::Simple | Way::SimpleInTransaction => {
                wire.simple(&statement.replace("$1", &format!("'{key}'")))
            }
            Way::SqlPrepared => wire.simple(&format!("EXECUTE {}('{key}')", named(number))),
            Way::Unnamed => wire.extended(statement, &[Some(&key)], false),
            Way::Named | Way::NamedInTransaction => wire.run(&named(number), &[Some(key.as_str())]),
            Way::PipelinedInTransaction => pipelined(wire, number, &key),
            Way::Driver | Way::DriverInTransaction => unreachable_way(way),
        };
        let stored = stored(&reply);
        if statement == RETURNS && stored.is_ok() {
            assert!(!reply.rows().is_empty(), "{reply:?}");
        }
        let acknowledged = match open {
            true => wire.simple("COMMIT").tags() == ["COMMIT"],
            false => true,
        };
        outcome
            .note(way, if acknowledged { stored } else { stored.and(Err("rolled back".into())) });
    }
}

/// A transaction in one batch, with another upsert in it that nobody else makes.
fn pipelined(wire: &mut Wire, number: usize, key: &str) -> Reply {
    let own = format!("own {key}");
    let upsert = |key: &str| {
        [bind("", &named(number), &[Some(key)], false), describe(b'P', ""), execute("", 0)].concat()
    };
    let statement =
        |text| [parse("", text, &[]), bind("", "", &[], false), execute("", 0)].concat();
    let batch = [
        statement("BEGIN"),
        upsert(key),
        statement("DELETE FROM users WHERE username LIKE 'own %'"),
        upsert(&own),
        statement("DELETE FROM users WHERE username LIKE 'own %'"),
        statement("COMMIT"),
        sync(),
    ];
    wire.send_bytes(&batch.concat());
    let reply = wire.until_ready();
    if reply.error().is_none() {
        let tags = reply.tags();
        assert_eq!((tags.len(), tags.last(), tags.get(4)), (6, Some(&"COMMIT"), Some(&"DELETE 1")));
        assert_eq!(reply.messages.last(), Some(&Message::Ready('I')));
    }
    reply
}

fn unreachable_way(way: Way) -> Reply {
    panic!("{way:?} is a driver's")
}

/// A client with a driver.
async fn work_by_driver(way: Way, client: &mut Client, outcome: &Outcome) {
    for (step, (_, text)) in steps() {
        let key = format!("key{}", step / SAME);
        let statement = &client.prepare(text).await.expect("a statement");
        let stored = if way == Way::DriverInTransaction {
            let transaction = client.transaction().await.expect("a transaction");
            let stored = transaction.execute(statement, &[&key]).await;
            match stored {
                Ok(stored) => transaction.commit().await.map(|()| stored),
                Err(error) => Err(error),
            }
        } else if text == RETURNS {
            client.query_one(statement, &[&key]).await.map(|row| {
                assert_eq!(row.get::<_, &str>("username"), key);
                1
            })
        } else {
            client.execute(statement, &[&key]).await
        };
        outcome.note(way, stored.map_err(|error| format!("{error:?}")));
    }
}

/// What all clients together were answered.
#[derive(Default)]
struct Outcome {
    stored: AtomicU64,
    acknowledged: AtomicU64,
    errors: std::sync::Mutex<Vec<String>>,
}

impl Outcome {
    fn note(&self, way: Way, stored: Result<u64, String>) {
        match stored {
            Ok(stored) => {
                self.stored.fetch_add(stored, Ordering::Relaxed);
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                self.errors.lock().expect("no panic").push(format!("{way:?}: {error}"));
            }
        }
    }
}

fn drive(way: Way, proxy: &Proxy, database: &str, user: &str, outcome: &Outcome) {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(proxy.port()).dbname(database).user(user);
    run(async {
        let (mut client, connection) = config.connect(NoTls).await.expect("a session");
        let connection = tokio::spawn(connection);
        work_by_driver(way, &mut client, outcome).await;
        drop(client);
        let _ = connection.await;
    });
}

fn upserts_collide(phase: Phase) {
    let (database, proxy) = started(phase, SLOW_MS);
    let outcome = Outcome::default();
    std::thread::scope(|scope| {
        for way in WAYS {
            let (proxy, database, outcome) = (&proxy, &database, &outcome);
            scope.spawn(move || match way {
                Way::Driver | Way::DriverInTransaction => {
                    drive(way, proxy, &database.name, database.superuser(), outcome);
                }
                _ => work_by_wire(way, &mut proxy.connect(), outcome),
            });
        }
    });
    let errors = outcome.errors.into_inner().expect("no panic");
    let counters = proxy.counters();
    assert!(errors.is_empty(), "{} errors, {counters:?}: {:?}", errors.len(), errors.first());
    let (stored, acknowledged) = (outcome.stored.into_inner(), outcome.acknowledged.into_inner());
    assert_eq!(acknowledged, u64::from(UPSERTS) * 9);
    let found = database.connect().rows(
        "SELECT sum(n), count(*), count(*) FILTER (WHERE username IS DISTINCT FROM handle) FROM users",
    );
    assert_eq!(found, [format!("{stored}|{}|0", UPSERTS / SAME)]);
    assert!(counters.retried > 0, "nothing collided: {counters:?}");
    proxy.stop();
}

#[test]
fn upserts_collide_unseen_in_dual_write() {
    upserts_collide(Phase::DualWrite);
}

#[test]
fn upserts_collide_unseen_in_switch_reads() {
    upserts_collide(Phase::SwitchReads);
}
