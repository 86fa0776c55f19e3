//! What becomes of a statement.

use std::sync::Arc;

use crate::catalog::RelationName;
use crate::catalog_lens::ColumnNumber;
use crate::encoding::Encoding;
use crate::lens::Lens;
use crate::naming::{Mentions, Taken};
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
    /// The relations that it names: what errors may call by names that the client does not expect.
    pub mentions: Arc<Mentions>,
}

impl Rewritten {
    /// Which of several statements is the client's own, if exactly one is: the extended protocol
    /// takes one statement at a time, so the others are sent before and behind it. `None` if there
    /// is nothing to take apart.
    #[must_use]
    pub fn own_statement(&self) -> Option<usize> {
        let mut own = self.replies.iter().enumerate().filter(|(_, reply)| !reply.injected);
        match (own.next(), own.next()) {
            (Some((index, _)), None) if self.replies.len() > 1 => Some(index),
            _ => None,
        }
    }

    /// One statement of `sql`, counted from 0, as it is sent alone; without an index all of them.
    #[must_use]
    pub fn statement(&self, index: Option<usize>) -> &str {
        let Some(index) = index else { return &self.sql };
        let start = self.replies.get(index).map_or(0, |reply| reply.start);
        let next = self.replies.get(index.saturating_add(1));
        let end = next.map_or(self.sql.len(), |reply| reply.start);
        let text = self.sql.get(start..end).unwrap_or_default();
        if next.is_some() { text.trim_end().trim_end_matches(';') } else { text }
    }

    /// The place in the client's text that belongs to a position in [`Self::statement`] of `index`;
    /// `None` if the client wrote nothing of the kind.
    #[must_use]
    pub fn client_position(&self, index: Option<usize>, position: u32) -> Option<u32> {
        let start = index.and_then(|index| self.replies.get(index)).map_or(0, |reply| reply.start);
        let before = self.sql.get(..start).map_or(0, |before| before.chars().count());
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        self.positions.to_client(position.saturating_add(before))
    }
}

/// What must be done to the answer to one statement, and to the data that the client sends for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Byte of [`Rewritten::sql`] at which the statement begins.
    pub start: usize,
    /// The client did not send this statement: nothing of its answer but an error may show, and
    /// its tag where `command` gives it another word.
    pub injected: bool,
    /// The client sent it, but its tag does not show: that of an injected statement behind it does.
    pub silent: bool,
    /// Its rows only count: the client sent a statement that gives none.
    pub only_counts: bool,
    /// The command that the tag must name; its row count stays.
    pub command: Option<&'static str>,
    /// `COPY … FROM STDIN`: what becomes of the rows. `None` where nothing needs to be known of it.
    pub copy_in: Option<CopyIn>,
    /// Result columns of a governed table's row type that come as anonymous records: place among
    /// the result's columns counted from 0, and the type's oid.
    pub row_types: Vec<(u16, u32)>,
    /// Columns of tables that result columns come from and that have another number for the client.
    pub numbers: Vec<ColumnNumber>,
    /// What the client should know besides: a NOTICE before the statement's end.
    pub notice: Option<Notice>,
    /// The table that the client named, where the statement names [`STAGING_TABLE`] instead.
    pub staged_for: Option<String>,
    /// What an INSERT with ON CONFLICT may violate only because a column is written twice: where
    /// the client's own table had one unique index, the conflict's arbiter, there are two.
    pub mirrors: Vec<Mirror>,
    /// An INSERT to which an ON CONFLICT DO UPDATE was added: a row of its own that it meets, which
    /// PostgreSQL refuses to update, is one whose key is taken.
    pub doubled: Option<Taken>,
    /// Errors by which the statement ends itself, and what the client is told instead.
    pub raised: Vec<Raised>,
    /// It writes rows that clients of other tables write too, where the client's own table had them for itself: sessions
    /// may wait for each other there that would not without.
    pub shares_rows: bool,
}

/// When a statement that failed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Never.
    Never,
    /// As a deadlock's victim, where it is a transaction by itself: all its locks are gone then. In a longer one those
    /// stay that were taken before it.
    Alone,
    /// Wherever nothing else stands in the way.
    Anywhere,
}

/// Begins the value that cannot be read where a row cannot be stored in the tables that must hold it.
pub const UNHELD: &str = "segue_unheld";

/// The same where ON CONFLICT DO UPDATE would update a row twice.
pub const TWICE: &str = "segue_twice";

/// The same where a part of a row has come that the statement could not see when it began.
pub const AGAIN: &str = "segue_again";

/// The same where a row would get a key that another one has. The detail stands behind it.
pub const TAKEN: &str = "segue_taken";

/// The same of a table that PostgreSQL would not truncate: for want of the privilege, because a policy may hide rows, or
/// because another table refers to it.
const DENIED: &str = "segue_denied";
const HIDDEN: &str = "segue_hidden";
const REFERENCED: &str = "segue_referenced";

/// An error by which a statement of ours ends itself: a text that is no boolean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// How the text begins.
    pub word: &'static str,
    /// What the client is told.
    pub told: Told,
}

/// What the client is told instead of such an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// This.
    Refusal(Refusal),
    /// That a key is taken.
    Taken(Taken),
}

impl Raised {
    /// A row cannot be stored in the tables that must hold it.
    #[must_use]
    pub fn unheld(refusal: Refusal) -> Self {
        Self { word: UNHELD, told: Told::Refusal(refusal) }
    }

    /// The statement must be sent again: where that cannot be done, the client must do it.
    #[must_use]
    pub fn again() -> Self {
        Self { word: AGAIN, told: Told::Refusal(Refusal::serialization_failure()) }
    }

    /// A row of that key is there.
    #[must_use]
    pub fn taken(taken: Taken) -> Self {
        Self { word: TAKEN, told: Told::Taken(taken) }
    }

    /// What stands for a TRUNCATE may not go on: the privilege lacks, a policy hides rows, another table refers to it.
    pub(crate) fn not_truncated(lens: &Lens) -> [Self; 3] {
        [
            (DENIED, Refusal::permission_denied(lens)),
            (HIDDEN, Refusal::rows_hidden(lens)),
            (REFERENCED, Refusal::referenced()),
        ]
        .map(|(word, refusal)| Self { word, told: Told::Refusal(refusal) })
    }

    /// As PostgreSQL refuses it.
    #[must_use]
    pub fn twice() -> Self {
        Self { word: TWICE, told: Told::Refusal(Refusal::updated_twice()) }
    }
}

/// A unique index over the other column of one that an arbiter is over. A row that conflicts with
/// it conflicts with the arbiter too, but only the arbiter is looked at before the row is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mirror {
    /// The table that has it: the statement's own, or a partition.
    pub relation: RelationName,
    /// Its name, which is also that of its constraint if there is one.
    pub name: String,
}

/// A NOTICE of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What was done, worded as PostgreSQL words its own.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Reply {
    /// Where an error of the statement may mean that it must be sent again.
    #[must_use]
    pub fn sent_again(&self) -> Again {
        match !self.mirrors.is_empty() || self.raises(AGAIN) {
            true => Again::Anywhere,
            false if self.shares_rows && self.copy_in.is_none() => Again::Alone,
            false => Again::Never,
        }
    }

    /// Whether the statement may end itself so.
    #[must_use]
    pub fn raises(&self, word: &str) -> bool {
        self.raised.iter().any(|raised| raised.word == word)
    }

    /// Whether the client sees that the statement was completed.
    #[must_use]
    pub fn shows_tag(&self) -> bool {
        if self.injected { self.command.is_some() } else { !self.silent }
    }

    /// Whether nothing needs to be done to the answer.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self { start: self.start, ..Self::default() }
    }
}

/// Name of the temporary table that a COPY goes to whose values the server must work on before
/// they are stored. Reserved.
pub const STAGING_TABLE: &str = "segue_copy";

/// What becomes of the rows that the client sends for a `COPY … FROM STDIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyIn {
    /// They go on as they come.
    Verbatim,
    /// Each gets more fields.
    Extended(CopyRows),
}

/// How rows must be extended, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRows {
    /// The format that the client chose.
    pub format: CopyFormat,
    /// How many fields a row of the client's has.
    pub fields: usize,
    /// For each field to append to a row, the place (counted from 0) of the client's field that
    /// it repeats.
    pub repeat: Vec<usize>,
    /// What the first line is.
    pub header: CopyHeader,
    /// What the client's encoding must be at least, for the rows to be told apart.
    pub encoding: Encoding,
}

/// How rows and fields are told apart in COPY data (PostgreSQL manual, "COPY").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT text`.
    Text {
        /// Between two fields.
        delimiter: u8,
    },
    /// `FORMAT csv`.
    Csv {
        /// Between two fields.
        delimiter: u8,
        /// Around a field.
        quote: u8,
        /// Before a quote inside a field.
        escape: u8,
    },
    /// `FORMAT binary`.
    Binary,
}

/// What the first line of COPY data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyHeader {
    /// A row like any other.
    Absent,
    /// `HEADER true`: a line that the server throws away.
    Skipped,
    /// `HEADER match`: the columns' names, which the server compares with its own.
    Matched {
        /// For each of the client's fields.
        names: Vec<HeaderName>,
        /// For each field that is appended.
        added: Vec<String>,
    },
}

/// A name in the header line of COPY data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderName {
    /// What the client must have written.
    pub client: String,
    /// What the server must read.
    pub server: String,
}

/// Leads error positions in a rewritten text back to the client's text.
///
/// Positions are PostgreSQL's: characters, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PositionMap {
    /// First character in the rewritten text, counted from 0, ascending; and where it belongs.
    pub(crate) pieces: Vec<(u32, Place)>,
}

/// Where a piece of a rewritten text belongs in the client's text, in characters counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the client's own from there on.
    From(u32),
    /// It is new, and all of it belongs there.
    At(u32),
    /// It is a statement that the client did not send.
    Nowhere,
}

impl PositionMap {
    /// The place in the client's text that belongs to `position` in the rewritten text; `None` in a
    /// statement that the client did not send.
    #[must_use]
    pub fn to_client(&self, position: u32) -> Option<u32> {
        let zero_based = position.saturating_sub(1);
        let index = self.pieces.partition_point(|piece| piece.0 <= zero_based);
        match index.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(&(_, Place::At(client))) => Some(client.saturating_add(1)),
            Some(&(start, Place::From(client))) => {
                Some(client.saturating_add(zero_based - start).saturating_add(1))
            }
            Some(&(_, Place::Nowhere)) => None,
            None => Some(position),
        }
    }
}
