//! The row under way, and those of its fields that are repeated at its end.

use rewrite_rules::CopyRows;

use super::frames::Frames;
use super::{KEPT_BYTES, TooLong};

/// A row that is passing by.
#[derive(Debug)]
pub(super) struct Row {
    /// How many fields a row has.
    fields: usize,
    /// For each field to append, its place in `kept`.
    repeat: Vec<usize>,
    /// The fields to keep.
    kept: Vec<Kept>,
    /// Place in `kept` of the field that is passing by, if it is one of them.
    keeping: Option<usize>,
    /// Which field is passing by.
    field: usize,
    /// How many bytes are kept.
    bytes: usize,
}

/// A field as the client wrote it.
#[derive(Debug)]
struct Kept {
    field: usize,
    bytes: Vec<u8>,
}

impl Row {
    pub(super) fn new(rows: &CopyRows) -> Self {
        let mut kept: Vec<Kept> = Vec::new();
        let mut repeat = Vec::new();
        for &field in &rows.repeat {
            let known = kept.iter().position(|kept| kept.field == field);
            repeat.push(known.unwrap_or(kept.len()));
            if known.is_none() {
                kept.push(Kept { field, bytes: Vec::new() });
            }
        }
        let mut row = Self { fields: rows.fields, repeat, kept, keeping: None, field: 0, bytes: 0 };
        row.begin();
        row
    }

    /// How many fields are added.
    pub(super) fn added(&self) -> usize {
        self.repeat.len()
    }

    /// How many fields the client's rows have.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// Whether the field that is passing by is the last, or one too many.
    pub(super) fn is_last_field(&self) -> bool {
        self.field.saturating_add(1) >= self.fields
    }

    /// Some bytes of the field that is passing by.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let Some(kept) = self.keeping.and_then(|place| self.kept.get_mut(place)) else {
            return Ok(());
        };
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > KEPT_BYTES {
            return Err(TooLong);
        }
        kept.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next field begins.
    pub(super) fn next_field(&mut self) {
        self.field = self.field.saturating_add(1);
        self.keeping = self.kept.iter().position(|kept| kept.field == self.field);
    }

    /// Appends the added fields, each behind a separator, unless fields are missing: then the
    /// server must find the same ones missing. The next row begins.
    pub(super) fn end(&mut self, separator: &[u8], out: &mut Frames) {
        if self.is_last_field() {
            for place in &self.repeat {
                out.put(separator);
                out.put(self.kept.get(*place).map_or(&[], |kept| &kept.bytes));
            }
        }
        self.begin();
    }

    /// A row begins.
    pub(super) fn begin(&mut self) {
        for kept in &mut self.kept {
            // What a long field took is given back.
            if kept.bytes.capacity() > KEPT_CAPACITY_BYTES {
                kept.bytes = Vec::new();
            }
            kept.bytes.clear();
        }
        self.field = 0;
        self.bytes = 0;
        self.keeping = self.kept.iter().position(|kept| kept.field == 0);
    }
}

/// Memory that a field leaves to the same field of the next row. Unit: bytes.
const KEPT_CAPACITY_BYTES: usize = 256 * 1024;
