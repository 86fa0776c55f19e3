//! The commands as an operator types them: what they print and with which code they exit.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod added;
mod backfill;
mod door;
mod failover;
mod halves;
mod house;
mod merge;
mod run;
mod signals;
mod split;
mod steps;
mod verify;
