//! A state of the model, and what can happen next.
//!
//! There is one row, of whose two sides it matters only whether they hold what the unmigrated
//! database would hold. Two replicas have at most one transaction each; a writer holds the row until
//! it ends, as PostgreSQL's row lock does.

use rewrite_rules::Phase;

use super::rules::{Gates, Rules};
use super::words::{Sides, Words};

/// Number of replicas.
const REPLICAS: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// The phase of the epoch in force.
    phase: Phase,
    /// Which sides of the committed row are right; none if there is no row.
    row: Option<Sides>,
    /// Whether a backfill has run since `dual-write` was entered.
    backfilled: bool,
    replicas: [Replica; REPLICAS],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Replica {
    /// The phase of its generation.
    phase: Phase,
    /// It has drained the epoch in force.
    drained: bool,
    /// It hears of nothing and writes no sign of life, but its sessions are there.
    silent: bool,
    expelled: bool,
    transaction: Option<Transaction>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Transaction {
    phase: Phase,
    /// It began before the epoch in force, or in a replica that had not heard of it.
    older: bool,
    writes: Option<Write>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Write {
    Insert,
    Update,
    Delete,
}

impl Default for State {
    fn default() -> Self {
        let replica = Replica {
            phase: Phase::Expand,
            drained: true,
            silent: false,
            expelled: false,
            transaction: None,
        };
        Self {
            phase: Phase::Expand,
            row: Some(Sides { old: true, new: false }),
            backfilled: false,
            replicas: [replica.clone(), replica],
        }
    }
}

impl State {
    /// What a client can see now that it would not see on the unmigrated database.
    pub(crate) fn loss(&self, words: &Words) -> Option<String> {
        let row = self.row?;
        for (index, replica) in self.replicas.iter().enumerate() {
            let open = replica.transaction.iter().map(|it| (it.phase, it.writes));
            // Whoever begins a transaction there now.
            let next = (!replica.expelled).then_some((replica.phase, None));
            for (phase, writes) in open.chain(next) {
                let side = words.of(phase).read;
                let is_right = (!side.old || row.old) && (!side.new || row.new);
                // What it has written itself it reads back.
                if !is_right && writes.is_none() {
                    return Some(format!("replica {index} reads a wrong value in \"{phase}\""));
                }
            }
        }
        None
    }

    /// All that can happen next.
    pub(crate) fn actions(&self, words: &Words, rules: Rules) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        for index in 0..REPLICAS {
            self.of_sessions(index, words, rules, &mut next);
            self.of_membership(index, rules, &mut next);
        }
        self.of_operator(rules, &mut next);
        next
    }

    fn with(&self, index: usize, change: impl FnOnce(&mut Replica)) -> Self {
        let mut state = self.clone();
        if let Some(replica) = state.replicas.get_mut(index) {
            change(replica);
        }
        state
    }

    fn is_locked(&self) -> bool {
        self.replicas.iter().any(|it| it.transaction.as_ref().is_some_and(|it| it.writes.is_some()))
    }

    fn of_sessions(
        &self,
        index: usize,
        words: &Words,
        rules: Rules,
        next: &mut Vec<(String, Self)>,
    ) {
        let Some(replica) = self.replicas.get(index) else { return };
        let Some(transaction) = &replica.transaction else {
            if !replica.expelled || !rules.expelled_begin_nothing {
                let (phase, older) = (replica.phase, replica.phase != self.phase);
                let begun = Transaction { phase, older, writes: None };
                let state = self.with(index, |it| it.transaction = Some(begun));
                next.push((format!("replica {index}: BEGIN in \"{phase}\""), state));
            }
            return;
        };
        if transaction.writes.is_none() && !self.is_locked() {
            let writes: &[Write] = match self.row {
                Some(_) => &[Write::Update, Write::Delete],
                None => &[Write::Insert],
            };
            for write in writes {
                let state = self.with(index, |it| {
                    it.transaction.iter_mut().for_each(|it| it.writes = Some(*write));
                });
                next.push((
                    format!("replica {index}: {write:?} in \"{}\"", transaction.phase),
                    state,
                ));
            }
        }
        let mut ended = self.with(index, |it| it.transaction = None);
        next.push((format!("replica {index}: ROLLBACK"), ended.clone()));
        if let Some(write) = transaction.writes {
            let word = words.of(transaction.phase);
            // A side that is not written keeps what it has, which is right no more.
            ended.row = match write {
                Write::Insert => Some(word.insert),
                Write::Update => Some(word.update),
                Write::Delete => None,
            };
            next.push((format!("replica {index}: COMMIT of {write:?}"), ended));
        }
    }

    fn of_membership(&self, index: usize, rules: Rules, next: &mut Vec<(String, Self)>) {
        let Some(replica) = self.replicas.get(index) else { return };
        if replica.expelled {
            let phase = self.phase;
            if replica.transaction.is_none() {
                let state = self.with(index, |it| {
                    (it.phase, it.drained) = (phase, false);
                    (it.silent, it.expelled) = (false, false);
                });
                next.push((format!("replica {index} joins again in \"{phase}\""), state));
            }
            return;
        }
        if replica.silent {
            let state = self.with(index, |it| it.silent = false);
            next.push((format!("replica {index} is heard again"), state));
            if replica.transaction.is_none() || !rules.expelled_have_no_sessions {
                let state = self.with(index, |it| it.expelled = true);
                next.push((format!("replica {index} is counted out"), state));
            }
            return;
        }
        let state = self.with(index, |it| it.silent = true);
        next.push((format!("replica {index} falls silent"), state));
        if replica.phase != self.phase {
            let phase = self.phase;
            let state = self.with(index, |it| it.phase = phase);
            next.push((format!("replica {index} follows to \"{phase}\""), state));
        } else if !replica.drained
            && (!rules.drained_means_ended
                || replica.transaction.as_ref().is_none_or(|transaction| !transaction.older))
        {
            let state = self.with(index, |it| it.drained = true);
            next.push((format!("replica {index} has drained \"{}\"", self.phase), state));
        }
    }

    fn all_have_drained(&self) -> bool {
        self.replicas.iter().all(|replica| replica.expelled || replica.drained)
    }

    /// Copying waits for the row; whoever wrote it is done then.
    fn of_operator(&self, rules: Rules, next: &mut Vec<(String, Self)>) {
        let may_copy = !rules.backfill_after_drain || self.all_have_drained();
        if may_copy && !self.is_locked() {
            let row = match self.phase {
                Phase::DualWrite => self.row.map(|row| Sides { new: row.old, ..row }),
                Phase::SwitchReads => self.row.map(|row| Sides { old: row.new, ..row }),
                Phase::Expand
                | Phase::StopDualWrite
                | Phase::Contract
                | Phase::Backfill
                | Phase::Enforce => self.row,
            };
            if matches!(self.phase, Phase::DualWrite | Phase::SwitchReads) {
                let state = Self { row, backfilled: true, ..self.clone() };
                next.push((format!("backfill in \"{}\"", self.phase), state));
            }
        }
        for to in Phase::TWO_SIDED {
            if self.may_step(to, rules) {
                next.push((format!("step from \"{}\" to \"{to}\"", self.phase), self.stepped(to)));
            }
        }
    }

    fn may_step(&self, to: Phase, rules: Rules) -> bool {
        let is_neighbour = self.phase != to && self.phase.step(to, &Phase::TWO_SIDED).is_ok();
        let is_legal = if rules.neighbours_only { is_neighbour } else { self.phase != to };
        // Somebody must be there to take it.
        let is_taken = self.replicas.iter().any(|it| !it.silent && !it.expelled && it.drained);
        is_legal
            && is_taken
            && (!rules.all_have_drained || self.all_have_drained())
            && self.gate_is_open(to, rules)
    }

    /// The side that will be read must hold what the other one holds, as far as is committed.
    fn gate_is_open(&self, to: Phase, rules: Rules) -> bool {
        match (self.phase, to) {
            (Phase::DualWrite, Phase::SwitchReads) | (Phase::SwitchReads, Phase::DualWrite) => {
                match rules.gates {
                    Gates::Compare => self.row.is_none_or(|row| row.old == row.new),
                    Gates::Believe => self.backfilled,
                    Gates::Open => true,
                }
            }
            // Skipping is of phases that no gate knows.
            (_, _) => true,
        }
    }

    fn stepped(&self, to: Phase) -> Self {
        let mut state = Self { phase: to, ..self.clone() };
        // What was copied before holds as long as both sides are written.
        state.backfilled &= matches!(to, Phase::DualWrite | Phase::SwitchReads);
        for replica in &mut state.replicas {
            replica.drained = false;
            replica.transaction.iter_mut().for_each(|transaction| transaction.older = true);
        }
        state
    }
}
