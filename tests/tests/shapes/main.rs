//! Which shape a client speaks: how it says so, for how long, and that clients of both live beside
//! each other through every flip.

#![expect(
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod beside;
mod rules;
mod said;

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

/// The table as it stands while both columns are written.
const DDL: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(50) UNIQUE, email text, handle varchar(50) UNIQUE);
    INSERT INTO users VALUES (1, 'a', 'a@x', 'a'), (2, 'b', 'b@x', 'b');
    GRANT ALL ON users TO app;";

/// A proxy in `dual-write`, where the shapes differ and nothing is refused.
fn started() -> (Database, Proxy) {
    let database = Database::create("shapes", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::DualWrite));
    (database, proxy)
}

/// The shape that a session is shown.
fn shape(wire: &mut Wire) -> String {
    let reply = wire.simple("SELECT * FROM users WHERE id = 1");
    let Some(columns) = reply.columns() else { return reply.code().to_owned() };
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    match names.as_slice() {
        ["id", "username", "email"] => "old".to_owned(),
        ["id", "email", "handle"] => "new".to_owned(),
        other => panic!("{other:?}"),
    }
}
