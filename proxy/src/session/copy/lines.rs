//! The text and CSV formats: where fields and rows end.
//!
//! It follows PostgreSQL's own reading (`CopyReadLineText` and the two `CopyReadAttributes…` of
//! `copyfromparse.c`), which finds the ends of lines first and splits them afterwards. The newline
//! of the first line is that of all; what breaks a rule is sent on, so that the server complains.

use rewrite_rules::{CopyFormat, CopyHeader, CopyRows};

use super::frames::Frames;
use super::header::{self, Cut};
use super::row::Row;
use super::{KEPT_BYTES, TooLong};

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newline {
    Feed,
    Return,
    ReturnFeed,
}

/// Bytes that were not sent on, because the next one decides what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    /// Text: a backslash. Whether it is the first byte of its line.
    Backslash {
        first: bool,
    },
    /// A carriage return that may end the line, alone or with a line feed.
    Return,
    /// CSV: this many bytes of `\.` and a newline, which is the end if the line has nothing else.
    End(usize),
}

/// The end of data, as a line of its own.
const END: &[u8; 3] = b"\\.\r";

/// What the present line is.
#[derive(Debug)]
enum Line {
    Row,
    /// A header that the server throws away.
    Skipped,
    /// A header that the server compares; what is there of it.
    Names(Vec<u8>),
}

/// Rows that are passing by.
#[derive(Debug)]
pub(super) struct Lines {
    rows: CopyRows,
    delimiter: u8,
    /// Quote and escape of CSV.
    quoting: Option<(u8, u8)>,
    /// Bytes that mean something outside of quotes.
    special: [bool; 256],
    newline: Option<Newline>,
    held: Held,
    line: Line,
    row: Row,
    /// No byte of the present line came yet.
    fresh: bool,
    in_quotes: bool,
    /// An escape stands before the next byte.
    escaped: bool,
    /// What comes now is not read any more.
    ended: bool,
}

/// The piece that is being taken.
struct Piece<'d> {
    data: &'d [u8],
    /// Where the next byte stands.
    at: usize,
    /// Up to where bytes were sent on.
    sent: usize,
    /// Where the part of a field begins that was not kept yet.
    unkept: usize,
}

impl<'d> Piece<'d> {
    fn next(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn between(&self, start: usize, end: usize) -> &'d [u8] {
        self.data.get(start..end).unwrap_or_default()
    }

    /// Steps over a byte that is held back.
    fn hold(&mut self) {
        self.at = self.at.saturating_add(1);
        self.sent = self.at;
        self.unkept = self.at;
    }
}

impl Lines {
    pub(super) fn new(rows: &CopyRows) -> Self {
        let (delimiter, quoting) = match rows.format {
            CopyFormat::Text { delimiter } => (delimiter, None),
            CopyFormat::Csv { delimiter, quote, escape } => (delimiter, Some((quote, escape))),
            CopyFormat::Binary => (b'\t', None),
        };
        let fourth = quoting.map_or(b'\\', |(quote, _)| quote);
        let mut special = [false; 256];
        for byte in [delimiter, b'\n', b'\r', fourth] {
            if let Some(slot) = special.get_mut(usize::from(byte)) {
                *slot = true;
            }
        }
        let line = match rows.header {
            CopyHeader::Absent => Line::Row,
            CopyHeader::Skipped => Line::Skipped,
            CopyHeader::Matched { .. } => Line::Names(Vec::new()),
        };
        Self {
            rows: rows.clone(),
            delimiter,
            quoting,
            special,
            newline: None,
            held: Held::Nothing,
            line,
            row: Row::new(rows),
            fresh: true,
            in_quotes: false,
            escaped: false,
            ended: false,
        }
    }

    pub(super) fn take(&mut self, data: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        let mut piece = Piece { data, at: 0, sent: 0, unkept: 0 };
        while let Some(byte) = piece.next().filter(|_| !self.ended) {
            match self.held {
                Held::Nothing => self.step(byte, &mut piece, out)?,
                held => {
                    self.held = Held::Nothing;
                    self.resolve(held, byte, &mut piece, out)?;
                }
            }
        }
        if self.ended {
            piece.at = data.len();
            piece.unkept = piece.at;
        }
        self.flush(&mut piece, out)
    }

    /// The last line may lack its end.
    pub(super) fn finish(&mut self, out: &mut Frames) -> Result<(), TooLong> {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            // PostgreSQL reads nothing in a backslash with nothing behind it; between two fields it
            // would be read.
            Held::Backslash { .. } if self.is_whole_row() => {}
            Held::Backslash { .. } => self.send(b"\\", out)?,
            Held::Return if self.newline.is_none() => {
                self.end_line(out);
                self.pass(b"\r", out)?;
            }
            Held::Return => self.send(b"\r", out)?,
            Held::End(held) => self.replay(held, out)?,
        }
        if !self.fresh && !self.in_quotes {
            self.end_line(out);
        }
        if let Line::Names(unfinished) = std::mem::replace(&mut self.line, Line::Skipped) {
            out.put(&unfinished);
        }
        Ok(())
    }

    fn is_whole_row(&self) -> bool {
        matches!(self.line, Line::Row) && self.row.is_last_field() && !self.in_quotes
    }

    /// Reads on from a place where nothing is held back.
    fn step(&mut self, byte: u8, piece: &mut Piece<'_>, out: &mut Frames) -> Result<(), TooLong> {
        let first = std::mem::replace(&mut self.fresh, false);
        if first && byte == b'\\' && self.quoting.is_some() {
            return self.hold(Held::End(1), piece, out);
        }
        if self.in_quotes {
            self.step_in_quotes(piece);
            return Ok(());
        }
        let rest = piece.between(piece.at, piece.data.len());
        let is_special =
            |byte: &u8| self.special.get(usize::from(*byte)).copied().unwrap_or_default();
        let Some(found) = rest.iter().position(is_special) else {
            piece.at = piece.data.len();
            return Ok(());
        };
        piece.at = piece.at.saturating_add(found);
        let first = first && found == 0;
        match piece.next() {
            Some(b'\n') => match self.newline {
                None | Some(Newline::Feed) => {
                    self.newline = Some(Newline::Feed);
                    self.line_ends_here(piece, out)?;
                }
                Some(Newline::Return | Newline::ReturnFeed) => piece.at += 1,
            },
            Some(b'\r') => match self.newline {
                None | Some(Newline::ReturnFeed) => self.hold(Held::Return, piece, out)?,
                Some(Newline::Return) => self.line_ends_here(piece, out)?,
                Some(Newline::Feed) => piece.at += 1,
            },
            Some(byte) if byte == self.delimiter => {
                self.keep(piece)?;
                piece.at += 1;
                piece.unkept = piece.at;
                self.row.next_field();
            }
            Some(_) if self.quoting.is_some() => {
                self.in_quotes = true;
                piece.at += 1;
            }
            Some(_) => self.hold(Held::Backslash { first }, piece, out)?,
            None => {}
        }
        Ok(())
    }

    /// Reads on up to the quote that ends the quotes.
    fn step_in_quotes(&mut self, piece: &mut Piece<'_>) {
        let Some((quote, escape)) = self.quoting else { return };
        let rest = piece.between(piece.at, piece.data.len());
        let found = rest.iter().position(|byte| *byte == quote || *byte == escape);
        if found != Some(0) {
            self.escaped = false;
        }
        let Some(found) = found else {
            piece.at = piece.data.len();
            return;
        };
        piece.at = piece.at.saturating_add(found);
        if piece.next() == Some(escape) && escape != quote {
            self.escaped = !self.escaped;
        } else {
            self.in_quotes = std::mem::take(&mut self.escaped);
        }
        piece.at += 1;
    }

    /// Decides what the bytes held back are, now that `byte` follows.
    fn resolve(
        &mut self,
        held: Held,
        byte: u8,
        piece: &mut Piece<'_>,
        out: &mut Frames,
    ) -> Result<(), TooLong> {
        match (held, byte) {
            (Held::Nothing, _) => {}
            // The end of data, wherever it stands in a line.
            (Held::Backslash { first }, b'.') => {
                if !first && matches!(self.line, Line::Row) {
                    self.row.end(&[self.delimiter], out);
                }
                self.end_data(b"\\", out);
            }
            (Held::Backslash { .. }, _) => {
                self.send(b"\\", out)?;
                piece.at += 1;
            }
            (Held::Return, b'\n') => {
                self.newline = Some(Newline::ReturnFeed);
                self.end_line(out);
                self.pass(b"\r", out)?;
                piece.at += 1;
                piece.unkept = piece.at;
            }
            (Held::Return, _) if self.newline.is_none() => {
                self.newline = Some(Newline::Return);
                self.end_line(out);
                self.pass(b"\r", out)?;
            }
            (Held::Return, _) => self.send(b"\r", out)?,
            (Held::End(1), b'.') => self.hold(Held::End(2), piece, out)?,
            (Held::End(2), b'\r') if self.newline == Some(Newline::ReturnFeed) => {
                self.hold(Held::End(3), piece, out)?;
            }
            (Held::End(2), b'\r' | b'\n') if self.newline != Some(Newline::ReturnFeed) => {
                self.end_data(b"\\.", out);
            }
            (Held::End(3), b'\n') => self.end_data(END, out),
            (Held::End(held), _) => self.replay(held, out)?,
        }
        Ok(())
    }

    /// The bytes held back are the beginning of a CSV row.
    fn replay(&mut self, held: usize, out: &mut Frames) -> Result<(), TooLong> {
        let bytes = END.get(..held).unwrap_or_default();
        let mut piece = Piece { data: bytes, at: 0, sent: 0, unkept: 0 };
        while let Some(byte) = piece.next().filter(|_| self.held == Held::Nothing) {
            self.step(byte, &mut piece, out)?;
        }
        self.flush(&mut piece, out)
    }

    /// What comes from here on the server reads no more, or complains of.
    fn end_data(&mut self, held: &[u8], out: &mut Frames) {
        if let Line::Names(names) = std::mem::replace(&mut self.line, Line::Skipped) {
            out.put(&names);
        }
        out.put(held);
        self.ended = true;
        self.fresh = true;
    }

    /// Holds the next byte back.
    fn hold(&mut self, held: Held, piece: &mut Piece<'_>, out: &mut Frames) -> Result<(), TooLong> {
        self.flush(piece, out)?;
        self.held = held;
        piece.hold();
        Ok(())
    }

    fn line_ends_here(&mut self, piece: &mut Piece<'_>, out: &mut Frames) -> Result<(), TooLong> {
        self.flush(piece, out)?;
        self.end_line(out);
        piece.at += 1;
        piece.unkept = piece.at;
        Ok(())
    }

    /// Sends what must stand before the newline.
    fn end_line(&mut self, out: &mut Frames) {
        match std::mem::replace(&mut self.line, Line::Row) {
            Line::Row => self.row.end(&[self.delimiter], out),
            Line::Skipped => self.row.begin(),
            Line::Names(line) => {
                if let CopyHeader::Matched { names, added } = &self.rows.header {
                    let cut = Cut { format: self.rows.format, delimiter: self.delimiter };
                    out.put(&header::rewritten(&line, names, added, cut));
                }
                self.row.begin();
            }
        }
        self.fresh = true;
    }

    fn keep(&mut self, piece: &Piece<'_>) -> Result<(), TooLong> {
        match self.line {
            Line::Row => self.row.keep(piece.between(piece.unkept, piece.at)),
            Line::Skipped | Line::Names(_) => Ok(()),
        }
    }

    /// Sends on what was read.
    fn flush(&mut self, piece: &mut Piece<'_>, out: &mut Frames) -> Result<(), TooLong> {
        self.keep(piece)?;
        self.pass(piece.between(piece.sent, piece.at), out)?;
        piece.sent = piece.at;
        piece.unkept = piece.at;
        Ok(())
    }

    /// Sends on bytes of a field that were held back.
    fn send(&mut self, bytes: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        if matches!(self.line, Line::Row) {
            self.row.keep(bytes)?;
        }
        self.pass(bytes, out)
    }

    fn pass(&mut self, bytes: &[u8], out: &mut Frames) -> Result<(), TooLong> {
        match &mut self.line {
            Line::Row | Line::Skipped => out.put(bytes),
            Line::Names(line) => {
                if line.len().saturating_add(bytes.len()) > KEPT_BYTES {
                    return Err(TooLong);
                }
                line.extend_from_slice(bytes);
            }
        }
        Ok(())
    }
}
