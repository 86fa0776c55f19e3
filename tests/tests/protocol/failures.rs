//! When something goes away: the statement, the client, the server.

use segue::upstream::Upstream;
use segue_tests::message::Message;
use segue_tests::relay::{Relay, ungoverned};
use segue_tests::server::eventually;
use segue_tests::wire::{Login, Wire, query, socket};

use super::started;

/// CancelRequest's code (PostgreSQL manual, "Message Formats").
const CANCEL_REQUEST: u32 = 80_877_102;

#[test]
fn a_cancel_request_reaches_the_statement() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    wire.send_bytes(&query("SELECT pg_sleep(60)"));
    let watch = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
    eventually("the statement runs", || database.connect().rows(watch) == ["1"]);
    let (process, secret) = wire.key.clone();
    let body = [&CANCEL_REQUEST.to_be_bytes(), &process.to_be_bytes(), secret.as_slice()].concat();
    let length = u32::try_from(body.len() + 4).expect("a short packet").to_be_bytes();
    let mut cancel = Wire::open(relay.port);
    cancel.send_bytes(&[&length, body.as_slice()].concat());
    assert_eq!(cancel.until_closed(), []);
    assert_eq!(wire.until_ready().code(), "57014");
    assert_eq!(wire.rows("SELECT 1"), ["1"]);
    relay.stop();
}

#[test]
fn a_client_that_vanishes_takes_its_backend_along() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    let backend = wire.key.0;
    wire.script("BEGIN; UPDATE other SET body = 'x' WHERE id = 1");
    drop(wire);
    let watch = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {backend}");
    eventually("the backend ends", || database.connect().rows(&watch) == ["0"]);
    relay.stop();
}

#[test]
fn a_backend_that_is_terminated_ends_the_session_with_its_own_words() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    let backend = wire.key.0;
    database.connect().script(&format!("SELECT pg_terminate_backend({backend})"));
    let messages = wire.until_closed();
    assert!(
        matches!(messages.as_slice(), [Message::Error(fields)] if fields.code() == "57P01"),
        "{messages:?}"
    );
    assert_eq!(relay.connect(&database).rows("SELECT 1"), ["1"]);
    relay.stop();
}

#[test]
fn a_server_that_is_down_is_named() {
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = nobody.local_addr().expect("a bound address").port();
    drop(nobody);
    let upstream = Upstream::Tcp { host: "127.0.0.1".to_owned(), port, tls: None };
    let relay = Relay::before(upstream, "postgres", ungoverned(), None);
    let (_, error) = Login::at(relay.port, "postgres", "postgres").try_connect();
    let error = error.expect("nobody to log in to");
    assert_eq!((error.code(), error.get('S')), ("08006", "FATAL"));
    assert!(error.get('M').contains(&port.to_string()), "{error:?}");
    assert!(!error.get('H').is_empty(), "{error:?}");
    relay.stop();
}

#[test]
fn what_the_server_refuses_at_startup_is_passed_on() {
    let (database, relay) = started();
    for (user, name, code) in [
        ("postgres", "no_such_database", "3D000"),
        ("no_such_role", database.name.as_str(), "28000"),
    ] {
        let (_, error) = Login::at(relay.port, user, name).try_connect();
        assert_eq!(error.expect("a refusal").code(), code);
    }
    let (_, error) = Login::at(relay.port, "postgres", &database.name)
        .with("options", "-c no_such_setting=1")
        .try_connect();
    assert_eq!(error.expect("a refusal").code(), "42704");
    relay.stop();
}

#[test]
fn other_databases_are_plain_relay() {
    let (_, relay) = started();
    let mut wire = Login::at(relay.port, "postgres", "postgres").connect();
    wire.script(
        "CREATE TEMP TABLE users (id int, username text); INSERT INTO users VALUES (1, 'x')",
    );
    assert_eq!(wire.rows("SELECT * FROM users"), ["1|x"]);
    relay.stop();
}

#[test]
fn stopping_ends_idle_sessions() {
    let (database, relay) = started();
    let mut wire = relay.connect(&database);
    assert_eq!(relay.counters().sessions_open, 1);
    relay.stop();
    let messages = wire.until_closed();
    assert!(messages.iter().all(|message| matches!(message, Message::Error(_))), "{messages:?}");
}

/// A client that never closes holds up nobody for ever.
#[test]
fn stopping_ends_a_session_whose_client_stays() {
    let (database, relay) = started();
    let login = Login::at(relay.port, "postgres", &database.name);
    let (mut wire, error) = login.try_connect_over(Wire::over(Box::new(socket(relay.port))));
    assert_eq!(error, None);
    relay.stop();
    let messages = wire.until_closed();
    assert!(messages.iter().all(|message| matches!(message, Message::Error(_))), "{messages:?}");
}
