//! Walks through the phases on a real server, with sessions that stay open all the way.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod added;
mod change;
mod children;
mod faults;
mod lengths;
mod load;
mod open_transactions;
mod pause;
mod readme;
mod sessions;
mod sql_prepared;
mod stragglers;
mod traffic;
mod views;
mod volatile;
mod walk;
mod way_back;

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, alone};

/// The table before the migration.
const DDL: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(50) NOT NULL UNIQUE, email text, score integer DEFAULT 7);
    INSERT INTO users SELECT g, 'user' || g, 'mail' || g FROM generate_series(1, 100) g;";

/// Makes the two sides of row 1 differ, so that a read tells which side it read.
const TELL_TALE: &str = "UPDATE users SET username = 'old side', handle = 'new side' WHERE id = 1";

/// Swaps to `switch-reads`. Its gate compares the sides, so they agree at that moment only.
fn swap_to_the_new_side(database: &Database, proxy: &Proxy) {
    let mut direct = database.connect();
    direct.script("UPDATE users SET handle = username WHERE id = 1");
    proxy.swap(Phase::SwitchReads);
    direct.script(TELL_TALE);
}

/// What the operator does before `phase` is entered for the first time.
fn prepare(database: &Database, phase: Phase) {
    database.connect().script(match phase {
        Phase::Expand => "",
        Phase::DualWrite => "ALTER TABLE users ADD COLUMN handle varchar(50)",
        Phase::SwitchReads => {
            "UPDATE users SET handle = username WHERE handle IS DISTINCT FROM username;
             CREATE UNIQUE INDEX users_handle_key ON users (handle);
             ALTER TABLE users ALTER COLUMN handle SET NOT NULL;
             ANALYZE users"
        }
        Phase::StopDualWrite => "ALTER TABLE users ALTER COLUMN username DROP NOT NULL",
        Phase::Contract | Phase::Backfill | Phase::Enforce => "",
    });
}

/// A database and a proxy that has walked up to `phase`.
fn started(phase: Phase) -> (Database, Proxy) {
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    for next in Phase::TWO_SIDED.into_iter().filter(|next| *next <= phase).skip(1) {
        prepare(&database, next);
        proxy.flip(next);
    }
    (database, proxy)
}
