//! The logical catalog: whoever looks at the schema sees the shape that it knows, in every phase.
//!
//! The queries in `tests/catalog/*.sql` are what psql, drivers and ORMs ask, in words of our own.
//! Each runs on a database that was never migrated and through segue on one in every state of a
//! migration; and in the new shape on one whose migration is over. Compared are the columns with
//! their types and all rows; numbers that the server gives to objects are made alike.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod dumped;
mod forwarded;
mod numbers;
mod odd;
mod odd_tables;
mod queries;
mod roles;
mod stages;
mod table_tools;
mod tables;
mod tools;
