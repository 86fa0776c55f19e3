//! Walks through a governed table by stretches of its key: what backfill and verification share.
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`key`] | keys, stretches of them, and the SQL that names them |
//! | [`way`] | by which key a table is walked through, and how full its pages are |
//! | [`work`] | which rows are to hold what, in which tables |
//! | [`halves`] | the same where a row has its other half in another table |
//! | [`merged`] | the same where it becomes a part of a row of another table |
//! | [`beside`] | those other tables |
//! | [`want`] | whether a row does, and how it comes to |
//! | [`again`] | how often work is begun again over lost connections |
//! | [`manners`] | which errors only say that somebody else was first, and how long to wait then |
//!
//! A stretch is one statement or one transaction, short enough that nobody waits for it.

pub mod again;
pub mod beside;
mod halves;
pub mod key;
pub mod manners;
mod merged;
pub mod want;
pub mod way;
pub mod work;

pub use key::{Key, KeyColumn, Stretch};
pub use way::Way;
pub use work::{Part, Toward, Work, WorkError};

/// What every session that walks tells the server. It waits for no lock longer than a tenth of a second,
/// so that nobody waits behind it, and less than `deadlock_timeout`, so that it is the victim of every
/// deadlock. It fails rather than skip rows that a policy hides. Rows are met in the order of the key, which
/// an index scan alone keeps to. Keys are written down in their text form, which must mean the same in the
/// next session. What a crash takes back is done again.
pub const SESSION: &str = "
    SET row_security = off;
    SET lock_timeout = '100ms';
    SET idle_in_transaction_session_timeout = '10s';
    SET synchronous_commit = off;
    SET enable_seqscan = off;
    SET max_parallel_workers_per_gather = 0;
    SET DateStyle = 'ISO';
    SET IntervalStyle = 'postgres';
    SET extra_float_digits = 1;
    SET bytea_output = 'hex';";
