//! The phases of a migration, and which steps between them are legal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a migration stands. The order is the order of the way forward, of those phases that one
/// migration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Old side only; the new side may be added to the schema now.
    Expand,
    /// Both sides are written, the old one is read.
    DualWrite,
    /// Both sides are written, the new one is read.
    SwitchReads,
    /// New side only; the old one still exists.
    StopDualWrite,
    /// New side only; the old one may be dropped.
    Contract,
    /// The added column is there: the application fills it, and the past is filled.
    Backfill,
    /// The added column holds a value in every row that has one.
    Enforce,
}

impl Phase {
    /// Every phase of any migration.
    pub const ALL: [Self; 7] = [
        Self::Expand,
        Self::DualWrite,
        Self::SwitchReads,
        Self::StopDualWrite,
        Self::Contract,
        Self::Backfill,
        Self::Enforce,
    ];

    /// The phases of a migration that goes from an old side to a new one.
    pub const TWO_SIDED: [Self; 5] =
        [Self::Expand, Self::DualWrite, Self::SwitchReads, Self::StopDualWrite, Self::Contract];

    /// The phases of a migration that fills a column in the rows of the past.
    pub const OF_BACKFILL: [Self; 3] = [Self::Expand, Self::Backfill, Self::Enforce];

    /// The name used in configurations and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::DualWrite => "dual-write",
            Self::SwitchReads => "switch-reads",
            Self::StopDualWrite => "stop-dual-write",
            Self::Contract => "contract",
            Self::Backfill => "backfill",
            Self::Enforce => "enforce",
        }
    }

    /// The phase after this one, of those that a migration has.
    #[must_use]
    pub fn next_of(self, phases: &[Self]) -> Option<Self> {
        phases.iter().copied().find(|phase| *phase > self)
    }

    /// The phase before this one, of those that a migration has.
    #[must_use]
    pub fn previous_of(self, phases: &[Self]) -> Option<Self> {
        phases.iter().copied().rev().find(|phase| *phase < self)
    }

    /// Checks that going from `self` to `target` is staying, or one step forward or back through
    /// `phases`.
    ///
    /// Two neighbouring phases may be live at once, two phases apart never: `expand` beside
    /// `switch-reads` loses writes, `dual-write` beside `stop-dual-write` reads stale data.
    ///
    /// # Errors
    /// [`SkippedPhase`] names the one phase that may be entered next on the way to `target`.
    pub fn step(self, target: Self, phases: &[Self]) -> Result<(), SkippedPhase> {
        let neighbour = if target > self { self.next_of(phases) } else { self.previous_of(phases) };
        match neighbour {
            Some(next) if target != self && next != target => {
                Err(SkippedPhase { from: self, target, next })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown phase \"{0}\"")]
pub struct UnknownPhase(pub String);

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.name() == text)
            .ok_or_else(|| UnknownPhase(text.to_owned()))
    }
}

/// A step that would leave out a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot go from phase \"{from}\" to \"{target}\": the next step on that way is \"{next}\"")]
pub struct SkippedPhase {
    /// The phase that is in force.
    pub from: Phase,
    /// The phase that was asked for.
    pub target: Phase,
    /// The neighbour of `from` in the direction of `target`.
    pub next: Phase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_neighbours_can_be_reached() {
        for (i, from) in Phase::TWO_SIDED.into_iter().enumerate() {
            for (j, to) in Phase::TWO_SIDED.into_iter().enumerate() {
                assert_eq!(
                    from.step(to, &Phase::TWO_SIDED).is_ok(),
                    i.abs_diff(j) <= 1,
                    "{from} -> {to}"
                );
            }
        }
        assert_eq!(
            Phase::Contract.step(Phase::Expand, &Phase::TWO_SIDED),
            Err(SkippedPhase {
                from: Phase::Contract,
                target: Phase::Expand,
                next: Phase::StopDualWrite
            })
        );
    }

    #[test]
    fn a_migration_may_have_fewer() {
        let phases = [Phase::Expand, Phase::Contract];
        assert_eq!(Phase::Expand.step(Phase::Contract, &phases), Ok(()));
        assert_eq!(Phase::Contract.previous_of(&phases), Some(Phase::Expand));
        assert_eq!(Phase::Contract.next_of(&phases), None);
    }

    #[test]
    fn a_migration_may_have_phases_of_its_own() {
        let phases = [Phase::Expand, Phase::Backfill, Phase::Enforce];
        assert_eq!(Phase::Expand.step(Phase::Backfill, &phases), Ok(()));
        assert_eq!(Phase::Enforce.step(Phase::Backfill, &phases), Ok(()));
        assert_eq!(
            Phase::Enforce.step(Phase::Expand, &phases),
            Err(SkippedPhase {
                from: Phase::Enforce,
                target: Phase::Expand,
                next: Phase::Backfill
            })
        );
        assert_eq!(Phase::Backfill.previous_of(&phases), Some(Phase::Expand));
        assert_eq!(Phase::Enforce.next_of(&phases), None);
    }

    #[test]
    fn names_round_trip() {
        for phase in Phase::ALL {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
        assert_eq!("dual".parse::<Phase>(), Err(UnknownPhase("dual".to_owned())));
    }
}
