//! The binary format (PostgreSQL manual, "COPY", "Binary Format").
//!
//! A header; then for each row the number of its fields, and each field behind its length; then -1.
//! Lengths are as long as they are, so nothing needs to be told apart: encodings do not matter.

use rewrite_rules::CopyRows;

use super::TooLong;
use super::frames::Frames;
use super::row::Row;

/// What every file begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Signature, flags and the length of the header's extension. Unit: bytes.
const HEADER_BYTES: usize = 19;

/// Rows that are passing by.
#[derive(Debug)]
pub(super) struct Binary {
    row: Row,
    expected: Expected,
    /// The beginning of a number, or of the header, that is not all there.
    held: Vec<u8>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Header,
    /// So many bytes more of the header.
    Extension(usize),
    FieldCount,
    Length,
    /// So many bytes more of a field.
    Field(usize),
    /// Nothing that could be read: the end, or what the server will not take.
    Anything,
}

impl Binary {
    pub(super) fn new(rows: &CopyRows) -> Self {
        Self { row: Row::new(rows), expected: Expected::Header, held: Vec::new() }
    }

    pub(super) fn take(&mut self, mut data: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        while !data.is_empty() {
            data = match self.expected {
                Expected::Header => self.gather(data, HEADER_BYTES, out, Self::header)?,
                Expected::FieldCount => self.gather(data, 2, out, Self::field_count)?,
                Expected::Length => self.gather(data, 4, out, Self::length)?,
                Expected::Extension(left) => {
                    let (head, tail) = data.split_at_checked(left).unwrap_or((data, &[]));
                    out.put(head);
                    self.expected = match left.saturating_sub(head.len()) {
                        0 => Expected::FieldCount,
                        left => Expected::Extension(left),
                    };
                    tail
                }
                Expected::Field(left) => {
                    let (head, tail) = data.split_at_checked(left).unwrap_or((data, &[]));
                    out.put(head);
                    self.row.keep(head)?;
                    match left.saturating_sub(head.len()) {
                        0 => self.field_ends(out),
                        left => self.expected = Expected::Field(left),
                    }
                    tail
                }
                Expected::Anything => {
                    out.put(data);
                    &[]
                }
            };
        }
        Ok(())
    }

    /// What was held back is not all there, and never will be: the server shall say so.
    pub(super) fn finish(&mut self, out: &mut Frames) {
        out.put(&std::mem::take(&mut self.held));
    }

    /// Waits for `wanted` bytes and has them `read`; returns what stands behind them.
    fn gather<'d>(
        &mut self,
        data: &'d [u8],
        wanted: usize,
        out: &mut Frames,
        read: fn(&mut Self, &[u8], &mut Frames) -> Result<(), TooLong>,
    ) -> Result<&'d [u8], TooLong> {
        let missing = wanted.saturating_sub(self.held.len());
        let (head, tail) = data.split_at_checked(missing).unwrap_or((data, &[]));
        self.held.extend_from_slice(head);
        if self.held.len() == wanted {
            let held = std::mem::take(&mut self.held);
            read(self, &held, out)?;
            self.held = held;
            self.held.clear();
        }
        Ok(tail)
    }

    fn header(&mut self, header: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        out.put(header);
        let extension = header.last_chunk().map(|length| i32::from_be_bytes(*length));
        let extension = extension.and_then(|length| usize::try_from(length).ok());
        self.expected = match extension {
            Some(_) if !header.starts_with(SIGNATURE) => Expected::Anything,
            Some(0) => Expected::FieldCount,
            Some(length) => Expected::Extension(length),
            None => Expected::Anything,
        };
        Ok(())
    }

    /// A count that is wrong must still be wrong for the server.
    fn field_count(&mut self, count: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        let fields = count.first_chunk().map(|count| i16::from_be_bytes(*count));
        let fields = fields.filter(|fields| *fields >= 0);
        let all = i16::try_from(self.row.added()).ok();
        match fields.zip(all).and_then(|(fields, added)| fields.checked_add(added)) {
            Some(all) => out.put(&all.to_be_bytes()),
            None => out.put(count),
        }
        let right = fields.is_some_and(|fields| usize::try_from(fields) == Ok(self.row.fields()));
        self.expected = if right { Expected::Length } else { Expected::Anything };
        Ok(())
    }

    /// A length of -1 is NULL.
    fn length(&mut self, length: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        out.put(length);
        self.row.keep(length)?;
        match length.first_chunk().map(|length| i32::from_be_bytes(*length)) {
            Some(-1 | 0) => self.field_ends(out),
            length => {
                let bytes = length.and_then(|length| usize::try_from(length).ok());
                self.expected = bytes.map_or(Expected::Anything, Expected::Field);
            }
        }
        Ok(())
    }

    fn field_ends(&mut self, out: &mut Frames) {
        if self.row.is_last_field() {
            self.row.end(&[], out);
            self.expected = Expected::FieldCount;
        } else {
            self.row.next_field();
            self.expected = Expected::Length;
        }
    }
}
