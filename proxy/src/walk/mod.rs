//! Walks through a governed table by stretches of its key: what backfill and verification share.
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`key`] | keys, stretches of them, and the SQL that names them |
//! | [`way`] | by which key a table is walked through, and how full its pages are |
//! | [`work`] | which column is to hold what, in which tables |
//! | [`manners`] | which errors only say that somebody else was first, and how long to wait then |
//!
//! A stretch is one statement or one transaction, short enough that nobody waits for it.

pub mod key;
pub mod manners;
pub mod way;
pub mod work;

pub use key::{Key, KeyColumn, Stretch};
pub use way::Way;
pub use work::{Part, Toward, Work, WorkError};
