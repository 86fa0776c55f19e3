//! The protocol through the proxy: whatever a client may send, and what a broken one does send.
//!
//! Where a server could be asked directly, the same bytes go there too and the answers must be
//! equal, message by message.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod answers;
mod authentication;
mod failures;
mod latency;
mod malformed;
mod prepared;
mod prepared_at_random;
mod pressure;
mod put_off;
mod reports;
mod reports_of_two;
mod scripts;
mod transcripts;

use std::sync::Arc;

use rewrite_rules::Phase;
use segue::phase::generation::Generation;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;

/// One governed table and one that is not.
const DDL: &str =
    "CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text, handle text);
    CREATE TABLE other (id integer PRIMARY KEY, body text);";

/// The rename in `dual-write`, so that governed statements are looked at and some are rewritten.
fn governing() -> Arc<Generation> {
    relay::generation(1, &[relay::rename_username(Phase::DualWrite)], DDL)
}

/// A database with a few rows, and the data plane in front of it.
fn started() -> (Database, Relay) {
    let database = Database::create("protocol", DDL);
    database.connect().script(
        "INSERT INTO users SELECT g, 'user' || g, NULL, 'user' || g FROM generate_series(1, 20) g;
         INSERT INTO other SELECT g, 'body ' || g FROM generate_series(1, 100) g;",
    );
    let relay = Relay::start(&database, governing());
    (database, relay)
}
