//! The way of a renamed column through all phases, forward and back, with the DDL that an operator
//! runs in between; each test hangs its clients in.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, run};

/// The table before the migration.
const DDL: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY,
        username varchar(50) NOT NULL CONSTRAINT users_username_key UNIQUE,
        email text);
    INSERT INTO users SELECT g, 'user' || g, 'mail' || g FROM generate_series(1, 100) g;
    ANALYZE users;";

const ADD: &str = "ALTER TABLE users ADD COLUMN handle varchar(50)";
const COPY: &str = "UPDATE users SET handle = username WHERE handle IS DISTINCT FROM username";
const COPY_BACK: &str = "UPDATE users SET username = handle WHERE username IS DISTINCT FROM handle";
const KEY: &str = "CREATE UNIQUE INDEX CONCURRENTLY users_handle_key ON users (handle)";
const NO_KEY: &str = "DROP INDEX CONCURRENTLY users_handle_key";
const NOT_NULL: &str = "ALTER TABLE users ALTER COLUMN handle SET NOT NULL";
const NULL: &str = "ALTER TABLE users ALTER COLUMN handle DROP NOT NULL";
const ANALYZE: &str = "ANALYZE users";
const OLD_NULL: &str = "ALTER TABLE users ALTER COLUMN username DROP NOT NULL";
const OLD_NOT_NULL: &str = "ALTER TABLE users ALTER COLUMN username SET NOT NULL";
const OLD_NO_KEY: &str = "ALTER TABLE users DROP CONSTRAINT users_username_key";
const OLD_KEY: &str = "CREATE UNIQUE INDEX CONCURRENTLY users_username_key ON users (username)";

/// What the operator runs, and the phase that is entered then.
const WAY: [(&[&str], Phase); 15] = [
    (&[ADD], Phase::DualWrite),
    (&[COPY, KEY, NOT_NULL, ANALYZE], Phase::SwitchReads),
    (&[], Phase::DualWrite),
    (&[], Phase::SwitchReads),
    (&[OLD_NULL], Phase::StopDualWrite),
    (&[OLD_NO_KEY], Phase::SwitchReads),
    (&[COPY_BACK, OLD_KEY, OLD_NOT_NULL], Phase::DualWrite),
    (&[NO_KEY, NULL], Phase::Expand),
    (&[], Phase::DualWrite),
    (&[COPY, KEY, NOT_NULL, ANALYZE], Phase::SwitchReads),
    (&[OLD_NULL], Phase::StopDualWrite),
    (&[], Phase::Contract),
    (&[], Phase::StopDualWrite),
    (&[], Phase::Contract),
    (&["ALTER TABLE users DROP COLUMN username"], Phase::Contract),
];

/// When a test is asked to do something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// In `expand`, before anything.
    Start,
    /// A flip comes next.
    Before,
    /// It has swapped, and waits for those who were under way.
    Swapped,
    /// Nothing is on its way; the latest thing done was this DDL, or else the flip to the phase.
    There(Phase, &'static str),
    /// All is over but for the proxy.
    End,
}

/// Walks all the way.
pub(crate) fn walk(mut at: impl FnMut(&Proxy, Moment)) {
    let database = Database::create("way", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    at(&proxy, Moment::Start);
    let mut now = Phase::Expand;
    for (ddl, phase) in WAY {
        for statement in ddl {
            database.connect().script(statement);
            at(&proxy, Moment::There(now, statement));
        }
        if phase != now {
            at(&proxy, Moment::Before);
            proxy.swap(phase);
            at(&proxy, Moment::Swapped);
            run(proxy.last_flip().drained());
            now = phase;
            at(&proxy, Moment::There(now, ""));
        }
    }
    at(&proxy, Moment::End);
    let counters = proxy.counters();
    assert_eq!(counters.refused, 0, "{counters:?}");
    assert!(counters.reprepared > 0, "{counters:?}");
    proxy.stop();
}
