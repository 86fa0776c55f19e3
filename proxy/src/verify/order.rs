//! What is asked for.

use std::time::Duration;

use super::pace::TARGET;
use crate::backfill::throttle::Duty;
use crate::walk::Toward;

/// How the rows of a migration are to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The migration.
    pub migration: String,
    /// Who asks, for humans.
    pub who: String,
    /// Rows that are named, of those that differ.
    pub show: u64,
    /// The side that is mended where the two differ, if one is.
    pub fix: Option<Toward>,
    /// Whether that may be the side that clients read.
    pub overwrites_read_side: bool,
    /// Connections that compare at the same time, each in a range of keys of its own.
    pub workers: u32,
    /// Time to rest for each unit of time worked, at least.
    pub rest: f64,
    /// Whether it gives way to clients, standbys and vacuum.
    pub throttle: bool,
    /// Whether it begins at the beginning, whatever was done before.
    pub anew: bool,
    /// Whether it gives way to any other comparison of the migration, and to an operator who has frozen
    /// the fleet.
    pub gives_way: bool,
    /// Not at all if one was done so short a while ago.
    pub unless_within: Option<Duration>,
}

impl Order {
    /// The usual way.
    #[must_use]
    pub fn of(migration: &str, who: &str) -> Self {
        Self {
            migration: migration.to_owned(),
            who: who.to_owned(),
            show: 10,
            fix: None,
            overwrites_read_side: false,
            workers: 1,
            rest: 0.0,
            throttle: true,
            anew: false,
            gives_way: false,
            unless_within: None,
        }
    }

    /// What is done when there is nobody to give way to.
    pub(super) fn undisturbed(&self) -> Duty {
        Duty::Work { rest: self.rest, batch: TARGET, reason: None }
    }
}
