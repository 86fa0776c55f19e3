//! Changes of the schema that a migration needs, carried out so that nobody waits for them.
//!
//! | file | what it does |
//! | --- | --- |
//! | [`statement`] | which lock a statement takes, for how long, and how it is to be run |
//! | [`apply`] | runs it: gives way after a tenth of a second, again and again; cleans up after itself |
//!
//! What is run comes from the gates: their findings say what mends them.

pub mod apply;
pub mod statement;

pub use apply::{ApplyError, apply};
pub use statement::{How, Lock, Statement};
