//! The rows that a client sends for COPY FROM STDIN, on their way to the server: fields are added,
//! whatever the pieces in which the rows come, in memory that does not grow with them.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `frames` | rows put into CopyData messages of our own |
//! | `row` | the row under way, and those of its fields that are repeated at its end |
//! | `lines` | the text and CSV formats |
//! | `header` | a first line of names that the server compares with its own |
//! | `binary` | the binary format |

use bytes::BytesMut;
use rewrite_rules::{CopyFormat, CopyRows};

use self::binary::Binary;
use self::frames::Frames;
use self::lines::Lines;

mod binary;
mod frames;
mod header;
mod lines;
mod row;

#[cfg(test)]
mod tests;

/// Most bytes of one row that are kept to be repeated at its end. PostgreSQL takes fields of up to
/// 1 GB, which no session may hold in memory. Unit: bytes.
pub(super) const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// More would have to be kept of a row than [`KEPT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// One COPY whose rows are extended.
#[derive(Debug)]
pub(super) struct Extension {
    format: Format,
    /// How many fields the client's rows have.
    fields: usize,
    frames: Frames,
}

#[derive(Debug)]
enum Format {
    Lines(Box<Lines>),
    Binary(Binary),
}

impl Extension {
    /// Nothing was sent yet.
    pub(super) fn new(rows: &CopyRows) -> Self {
        let format = match rows.format {
            CopyFormat::Text { .. } | CopyFormat::Csv { .. } => {
                Format::Lines(Box::new(Lines::new(rows)))
            }
            CopyFormat::Binary => Format::Binary(Binary::new(rows)),
        };
        Self { format, fields: rows.fields, frames: Frames::default() }
    }

    /// How many fields the client's rows have.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// Takes the next bytes of the client's rows. Returns what to send: whole messages.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<BytesMut, TooLong> {
        match &mut self.format {
            Format::Lines(lines) => lines.take(data, &mut self.frames)?,
            Format::Binary(binary) => binary.take(data, &mut self.frames)?,
        }
        Ok(self.frames.close())
    }

    /// The client has sent all. Returns what is left to be sent before that is told.
    pub(super) fn finish(&mut self) -> Result<BytesMut, TooLong> {
        match &mut self.format {
            Format::Lines(lines) => lines.finish(&mut self.frames)?,
            Format::Binary(binary) => binary.finish(&mut self.frames),
        }
        Ok(self.frames.close())
    }
}
