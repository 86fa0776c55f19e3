//! Upserts of colliding keys while both columns have a unique index: what an unmigrated database
//! never answers, a client of the proxy never sees either.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod errors;
mod traffic;

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

/// The table on the way. `slow` makes every stored row take its time between the look at the arbiter
/// and the entry in its index (the server fills indexes in the order of their age), so that sessions
/// which begin together do collide.
fn ddl(slow_ms: u32) -> String {
    format!(
        "CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep({slow_ms} * 0.001); RETURN $1; END $$;
         CREATE TABLE users (id serial PRIMARY KEY, username text, n int, handle text);
         CREATE INDEX users_slow ON users (slow(username));
         ALTER TABLE users ADD UNIQUE (username), ADD UNIQUE (handle);"
    )
}

/// A database and a proxy in that phase.
fn started(phase: Phase, slow_ms: u32) -> (Database, Proxy) {
    let database = Database::create("upserts", &ddl(slow_ms));
    let proxy = Proxy::start(&database, &rename_username(phase));
    (database, proxy)
}
