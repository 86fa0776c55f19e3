//! What the database really has: its catalog, loaded over segue's own connection.
//!
//! Everything here works for a role without any privilege: `pg_catalog` is readable by all.

mod connect;
mod fingerprint;
mod load;
mod queries;
mod system;
#[cfg(test)]
mod tests;

pub use connect::{
    ANSWER_TIMEOUT_S, APPLICATION_NAME, CONNECT_TIMEOUT_S, ConnectError, KEEPALIVE_S, NoAnswer,
    OLDEST_SERVER, STATEMENT_TIMEOUT_MS, connect, connect_hearing, in_time, is_lost, reason,
};
pub use fingerprint::fingerprint;
pub use load::load;
