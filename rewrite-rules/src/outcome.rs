//! What becomes of a statement.

use crate::refusal::Refusal;

/// The decision about one text that a client sent (one or several statements).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Send the client's bytes unchanged.
    Forward,
    /// The same, although the text names a governed table and could not be read: count it.
    ForwardOpaque,
    /// Send this text instead.
    Rewritten(Rewritten),
    /// Send nothing of it; answer with an error.
    Refused(Refusal),
}

/// A rewritten text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// What PostgreSQL must receive.
    pub sql: String,
    /// Leads from a place in `sql` back to the client's text.
    pub positions: PositionMap,
}

/// Leads error positions in a rewritten text back to the client's text.
///
/// Positions are PostgreSQL's: characters, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PositionMap {
    /// `(first character in the rewritten text, its character in the client's text, fixed)`,
    /// ascending, counted from 0. In a piece that is not fixed, characters advance together; a
    /// fixed one is new text, all of which belongs to one place.
    pub(crate) pieces: Vec<(u32, u32, bool)>,
}

impl PositionMap {
    /// The place in the client's text that belongs to `position` in the rewritten text.
    #[must_use]
    pub fn to_client(&self, position: u32) -> u32 {
        let zero_based = position.saturating_sub(1);
        let index = self.pieces.partition_point(|piece| piece.0 <= zero_based);
        match index.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(&(_, client, true)) => client.saturating_add(1),
            Some(&(start, client, false)) => {
                client.saturating_add(zero_based - start).saturating_add(1)
            }
            None => position,
        }
    }
}
