//! What becomes of a statement.

use crate::lens::Names;
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
    /// What the answers must look like to the client, one for each statement of `sql` in order.
    /// Empty: all as they come.
    pub replies: Vec<Reply>,
    /// What an error that names no table may call by names that the client does not expect.
    pub names: Names,
}

/// What must be done to the answer to one statement, and to the data that the client sends for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The client did not send this statement: nothing of its answer but an error may show.
    pub injected: bool,
    /// The command that the tag must name; its row count stays.
    pub command: Option<&'static str>,
    /// `COPY … FROM STDIN`: the rows that the client sends need more fields.
    pub copy_in: Option<CopyIn>,
    /// Result columns of a governed table's row type that come as anonymous records: place among
    /// the result's columns counted from 0, and the type's oid.
    pub row_types: Vec<(u16, u32)>,
    /// What the client should know besides: a NOTICE before the statement's end.
    pub notice: Option<Notice>,
}

/// A NOTICE of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What was done, worded as PostgreSQL words its own.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// How the rows of a COPY FROM STDIN must be extended, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyIn {
    /// The format that the client chose.
    pub format: CopyFormat,
    /// For each field to append to a row, the place (counted from 0) of the client's field that
    /// it repeats.
    pub repeat: Vec<usize>,
    /// How many fields a row of the client's has.
    pub fields: usize,
}

/// How rows and fields are told apart in COPY data (PostgreSQL manual, "COPY").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT text`.
    Text {
        /// Between two fields.
        delimiter: u8,
        /// Whether the first line names the columns.
        header: bool,
    },
    /// `FORMAT csv`.
    Csv {
        /// Between two fields.
        delimiter: u8,
        /// Around a field.
        quote: u8,
        /// Before a quote inside a field.
        escape: u8,
        /// Whether the first line names the columns.
        header: bool,
    },
    /// `FORMAT binary`.
    Binary,
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
