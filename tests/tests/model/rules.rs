//! The rules that keep writes from being lost, each of which can be broken.

/// What opens the gates before the side that is read changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gates {
    /// All rows are the same on both sides.
    Compare,
    /// A backfill has run.
    Believe,
    /// Nothing closes them.
    Open,
}

/// Which rules are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A step leads to a neighbour.
    pub(crate) neighbours_only: bool,
    /// A step waits until every replica has drained the epoch before.
    pub(crate) all_have_drained: bool,
    /// A replica has drained only when its older transactions have ended.
    pub(crate) drained_means_ended: bool,
    /// A backfill waits until the epoch of `dual-write` has drained.
    pub(crate) backfill_after_drain: bool,
    /// What the gates look at before the side that is read changes.
    pub(crate) gates: Gates,
    /// A silent replica is counted out only when none of its transactions is left.
    pub(crate) expelled_have_no_sessions: bool,
    /// Whoever was counted out begins nothing before it has joined again.
    pub(crate) expelled_begin_nothing: bool,
}

impl Rules {
    /// All of them.
    pub(crate) const KEPT: Self = Self {
        neighbours_only: true,
        all_have_drained: true,
        drained_means_ended: true,
        backfill_after_drain: true,
        gates: Gates::Compare,
        expelled_have_no_sessions: true,
        expelled_begin_nothing: true,
    };

    /// What happens without each of them.
    pub(crate) fn each_broken() -> [(&'static str, Self); 7] {
        let kept = Self::KEPT;
        [
            ("a phase may be skipped", Self { neighbours_only: false, ..kept }),
            ("a step does not wait for the others", Self { all_have_drained: false, ..kept }),
            ("drained means swapped", Self { drained_means_ended: false, ..kept }),
            (
                // A gate that compares would find what such a backfill missed.
                "a backfill begins before the drain, and is believed",
                Self { backfill_after_drain: false, gates: Gates::Believe, ..kept },
            ),
            ("the reads switch without a look", Self { gates: Gates::Open, ..kept }),
            ("a lease that is over is enough", Self { expelled_have_no_sessions: false, ..kept }),
            ("whoever was counted out goes on", Self { expelled_begin_nothing: false, ..kept }),
        ]
    }
}
