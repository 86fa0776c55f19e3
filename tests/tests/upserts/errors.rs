//! What is answered in the end where another try does not help: what an unmigrated server answers,
//! and what the server says.

use std::time::{Duration, Instant};

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, eventually, pause};
use segue_tests::wire::{Login, Reply, Value, Wire, query};

use super::{ddl, started};

/// Until a row is in its indexes. Unit: milliseconds.
const SLOW_MS: u32 = 200;

/// How much later the second client begins. Unit: milliseconds.
const LATER_MS: u64 = 100;

/// Two clients of which the second does not see the first one's row when it looks, and meets it when
/// it stores its own. Returns the second one's answers.
fn second(login: &Login, begin: &str, statement: &str, extended: bool) -> Vec<Reply> {
    let (mut first, mut second) = (login.connect(), login.connect());
    let mut replies = Vec::new();
    if !begin.is_empty() {
        replies.push(second.simple(begin));
        replies.push(second.simple("SELECT count(*) FROM users WHERE username = 'x'"));
    }
    first.send_bytes(&query("INSERT INTO users (username, n) VALUES ('x', 1)"));
    pause(LATER_MS);
    let values: [Value<'_>; 1] = [Some("x")];
    replies.push(match extended {
        true => second.extended(statement, &values, false),
        false => second.simple(&statement.replace("$1", "'x'")),
    });
    assert_eq!(first.until_ready().code(), "");
    if !begin.is_empty() {
        replies.push(second.simple("SELECT n FROM users WHERE username = 'x'"));
        replies.push(second.simple("COMMIT"));
    }
    replies.push(second.simple("SELECT username, n FROM users"));
    replies
}

/// Without what differs from server to server.
fn told(replies: &[Reply]) -> Vec<String> {
    let lines = |reply: &Reply| match reply.error() {
        Some(error) => format!("{} {} {:?}", error.code(), error.get('M'), reply.messages.last()),
        None => format!("{:?}", reply.messages),
    };
    replies.iter().map(lines).collect()
}

#[test]
fn isolation_is_what_it_is_on_an_unmigrated_server() {
    let unmigrated = ddl(SLOW_MS).replace(", handle text", "").replace(", ADD UNIQUE (handle)", "");
    let mut retried = 0;
    for begin in
        ["", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"]
    {
        let mut compared = Vec::new();
        for phase in [Phase::DualWrite, Phase::SwitchReads] {
            for (action, extended) in [
                ("DO NOTHING", false),
                ("DO UPDATE SET n = users.n + 1 RETURNING n", false),
                ("DO UPDATE SET n = users.n + 1 RETURNING n", true),
            ] {
                let unmigrated = unmigrated.clone();
                compared.push(std::thread::spawn(move || {
                    let statement = format!(
                        "INSERT INTO users (username, n) VALUES ($1, 1) ON CONFLICT (username) {action}"
                    );
                    let plain = Database::create("upserts", &unmigrated);
                    let (_database, proxy) = started(phase, SLOW_MS);
                    let expected = second(&plain.login(), begin, &statement, extended);
                    let found = second(&proxy.login(), begin, &statement, extended);
                    let case = format!("{phase} {begin} {action} {extended}");
                    assert_eq!(told(&found), told(&expected), "{case}");
                    proxy.counters().retried
                }));
            }
        }
        retried += compared.into_iter().map(|it| it.join().expect("the same")).sum::<u64>();
    }
    assert!(retried >= 18, "few of 24 collided: {retried}");
}

#[test]
fn an_index_that_is_being_built_rejects_rows_already() {
    let unbuilt = ddl(SLOW_MS).replace(", ADD UNIQUE (handle)", "");
    let database = Database::create("upserts", &unbuilt);
    // Whoever has an older snapshot keeps the index from being finished.
    let mut holder = database.connect();
    holder.script("BEGIN ISOLATION LEVEL REPEATABLE READ");
    holder.script("SELECT 1");
    let mut builder = database.connect();
    builder.send_bytes(&query("CREATE UNIQUE INDEX CONCURRENTLY being_built ON users (handle)"));
    let state =
        "SELECT indisready, indisvalid FROM pg_index WHERE indexrelid = 'being_built'::regclass";
    let mut watch = database.connect();
    eventually("the index is there", || {
        watch.rows("SELECT to_regclass('being_built') IS NOT NULL") == ["t"]
            && watch.rows(state) == ["t|f"]
    });
    let proxy = Proxy::start(&database, &rename_username(Phase::DualWrite));
    let statement =
        "INSERT INTO users (username, n) VALUES ($1, 1) ON CONFLICT (username) DO NOTHING";
    let found = second(&proxy.login(), "BEGIN", statement, true);
    assert_eq!(found.iter().map(Reply::code).collect::<Vec<_>>().concat(), "", "{found:?}");
    assert_eq!(proxy.counters().retried, 1);
    holder.script("COMMIT");
    assert_eq!(builder.until_ready().code(), "");
}

/// A row whose two columns differ: an upsert of `x` finds nothing and can never be stored.
fn apart(proxy_phase: Phase) -> (Database, Proxy) {
    let (database, proxy) = started(proxy_phase, 0);
    database.connect().script("INSERT INTO users (username, handle, n) VALUES ('y', 'x', 1)");
    (database, proxy)
}

const HOPELESS: &str =
    "INSERT INTO users (username, n) VALUES ('x', 1) ON CONFLICT (username) DO NOTHING";

#[test]
fn what_no_try_can_store_fails_in_the_end() {
    let (_database, proxy) = apart(Phase::DualWrite);
    let mut wire = proxy.connect();
    let alone = wire.simple(HOPELESS);
    assert_eq!(
        alone.error().map(|it| (it.code(), it.get('n'))),
        Some(("23505", "users_handle_key"))
    );
    assert_eq!(proxy.counters().retried, 100);
    wire.script("BEGIN; SAVEPOINT a; SELECT 1");
    assert_eq!(wire.extended(HOPELESS, &[], false).code(), "23505");
    assert_eq!(wire.simple("SELECT 1").code(), "25P02");
    wire.script("ROLLBACK TO a; INSERT INTO users (username, n) VALUES ('z', 1); COMMIT");
    assert_eq!(wire.simple("ROLLBACK TO SAVEPOINT segue_retry").code(), "25P01");
    assert_eq!(proxy.counters().retried, 200);
}

/// Begins something hopeless, and waits until it is sent again and again.
fn stuck() -> (Proxy, Wire) {
    let (_database, proxy) = apart(Phase::DualWrite);
    let mut wire = proxy.connect();
    wire.script("BEGIN");
    wire.send_bytes(&query(HOPELESS));
    eventually("it is sent again", || proxy.counters().retried > 8);
    (proxy, wire)
}

#[test]
fn a_cancel_request_ends_it() {
    let (proxy, mut wire) = stuck();
    let begun = Instant::now();
    let (process, secret) = wire.key.clone();
    let body = [&80_877_102_u32.to_be_bytes()[..], &process.to_be_bytes(), &secret].concat();
    let length = u32::try_from(body.len() + 4).expect("a short packet").to_be_bytes();
    // One may come when the server is doing nothing.
    for _ in 0..3 {
        let mut cancel = Wire::open(proxy.port());
        cancel.send_bytes(&[&length, body.as_slice()].concat());
        assert_eq!(cancel.until_closed(), []);
    }
    assert_eq!(wire.until_ready().code(), "57014");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(wire.simple("SELECT 1").code(), "25P02");
    assert_eq!(wire.simple("ROLLBACK").tags(), ["ROLLBACK"]);
}

#[test]
fn a_client_that_hangs_up_ends_it() {
    let (proxy, mut wire) = stuck();
    let begun = Instant::now();
    wire.hang_up();
    drop(wire);
    eventually("the session ends", || proxy.counters().sessions_open == 0);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(proxy.counters().retried < 100, "{:?}", proxy.counters());
}
