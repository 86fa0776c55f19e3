//! Those who hold a drain up are named with what they run, and ended if an operator says so.

use rewrite_rules::Phase;
use segue::admin::client::AdminClient;
use segue::admin::message::{Answer, Request};
use segue::phase::stragglers::Ending;
use segue_tests::proxy::Proxy;
use segue_tests::server::{eventually, run};
use segue_tests::wire::{Login, query};

use super::{alone, started};

/// Asks the proxy to end them; gives who was told, and who was not and why.
fn end(proxy: &Proxy, how: Ending) -> (Vec<String>, Vec<String>) {
    let mut socket = proxy.config().into_os_string();
    socket.push(".sock");
    let answer = run(async {
        AdminClient::connect(socket.as_ref()).await?.ask(Request::EndStragglers { how }).await
    });
    match answer.expect("an answer") {
        Answer::Ended { signalled, left } => (signalled, left),
        other => panic!("{other:?}"),
    }
}

/// Waits until the flip names these statements.
fn names(proxy: &Proxy, statements: &[&str]) {
    let flip = proxy.last_flip();
    eventually("the flip names who it waits for", || {
        let mut found: Vec<String> =
            flip.progress().waiting.iter().map(|waiting| waiting.statement.clone()).collect();
        found.sort();
        found == statements
    });
}

#[test]
fn they_are_named_without_values_and_ended_when_told() {
    let _alone = alone();
    let (database, proxy) = started(Phase::DualWrite);
    let as_app = |application: &str| {
        let login = Login::at(proxy.port(), "app", &database.name);
        login.with("application_name", application).connect()
    };
    database.connect().script("GRANT SELECT, UPDATE ON users TO app");
    let (mut idle, mut busy, mut direct) =
        (as_app("idle"), as_app("busy"), database.login().connect());
    idle.script("BEGIN; SELECT username FROM users WHERE username = 'secret' -- secret");
    busy.script("BEGIN");
    busy.send_bytes(&query("SELECT pg_sleep(600), 'secret'"));
    direct.script("BEGIN; UPDATE users SET email = 'secret' WHERE id = 1");
    eventually("it is under way", || {
        database
            .connect()
            .rows("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(6%'")
            == ["2"]
    });
    proxy.swap(Phase::Expand);
    names(
        &proxy,
        &[
            "BEGIN; SELECT username FROM users WHERE username = ?",
            "BEGIN; UPDATE users SET email = ? WHERE id = ?",
            "SELECT pg_sleep(?), ?",
        ],
    );

    // Without the privilege nobody is ended, and the operator is told how to get it.
    let (told, left) = end(&proxy, Ending::Cancel);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|one| one.contains("GRANT pg_signal_backend")), "{left:?}");

    // Cancelling ends what runs, not a transaction that is idle.
    let admin = || Login::direct(database.cluster(), "postgres").connect();
    admin().script("GRANT pg_signal_backend TO segue");
    let (told, left) = end(&proxy, Ending::Cancel);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(left.iter().all(|one| one.contains("superuser")) && left.len() == 1, "{left:?}");
    assert_eq!(busy.until_ready().code(), "57014");
    busy.script("ROLLBACK");
    names(
        &proxy,
        &[
            "BEGIN; SELECT username FROM users WHERE username = ?",
            "BEGIN; UPDATE users SET email = ? WHERE id = ?",
        ],
    );

    // Terminating ends both; a superuser's session only he himself.
    let (told, left) = end(&proxy, Ending::Terminate);
    assert!(told.iter().all(|one| one.contains("\"idle\"")) && told.len() == 1, "{told:?}");
    assert_eq!(left.len(), 1, "{left:?}");
    idle.until_closed();
    direct.script("COMMIT");
    run(proxy.last_flip().drained());
    assert_eq!(end(&proxy, Ending::Terminate), (Vec::new(), Vec::new()));
    admin().script("REVOKE pg_signal_backend FROM segue");
    proxy.stop();
}
