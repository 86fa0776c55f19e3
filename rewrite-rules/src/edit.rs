//! Edits to a source text, and the map of positions back.
//!
//! Everything that no edit touches stays byte for byte. An edit replaces a range by pieces, and a
//! piece may be a copy of another range *with the edits inside it applied*: that is how one
//! expression of the client comes to stand for two columns.

use std::sync::Arc;

use crate::lens::Access;
use crate::outcome::{Place, PositionMap, Rewritten};

/// A part of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// New text.
    Text(String),
    /// The source between two byte offsets, edited.
    Copy(usize, usize),
    /// Whole statements that the client did not send.
    Hidden(String),
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Whether the source between two bytes is a parameter and nothing else.
fn is_parameter(source: &str, (start, end): (usize, usize)) -> bool {
    let value = source.get(start..end).unwrap_or_default();
    let value = value.trim_matches(|sign: char| sign.is_whitespace() || "()".contains(sign));
    let digits = value.strip_prefix('$').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// The pieces that store the source between two bytes through `access`.
pub(crate) fn stored(source: &str, access: &Access, value: (usize, usize)) -> Vec<Piece> {
    let through = match &access.of_parameter {
        Some(of_parameter) if is_parameter(source, value) => Some(of_parameter),
        Some(_) | None => access.through.as_ref(),
    };
    let Some(through) = through else { return vec![Piece::Copy(value.0, value.1)] };
    let mut pieces = Vec::new();
    for (index, part) in through.parts().iter().enumerate() {
        if index > 0 {
            pieces.push(Piece::Copy(value.0, value.1));
        }
        pieces.push(Piece::Text(part.clone()));
    }
    pieces
}

/// Replaces `start..end` of the source; an insertion where both are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    start: usize,
    end: usize,
    pieces: Vec<Piece>,
}

impl Edit {
    /// The ranges of the source that it copies.
    fn copies(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Copy(start, end) => Some((*start, *end)),
            Piece::Text(_) | Piece::Hidden(_) => None,
        })
    }

    /// Whether a copy of that range applies it. An insertion at the very edge belongs to whoever
    /// copies the surroundings.
    fn is_within(&self, start: usize, end: usize) -> bool {
        let at_the_edge = self.start == self.end && (self.start == start || self.end == end);
        start < end && start <= self.start && self.end <= end && !at_the_edge
    }
}

/// How far the search for edits that copy themselves has come with one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    Open,
    Done,
}

fn mark(seen: &mut [Seen], at: usize, how: Seen) {
    if let Some(slot) = seen.get_mut(at) {
        *slot = how;
    }
}

/// All edits to one text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edits {
    edits: Vec<Edit>,
    /// What is left out where it stands, and copied elsewhere.
    moved: Vec<(usize, usize)>,
}

/// Two edits want the same bytes: a bug of ours, and a refusal for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overlap;

impl Edits {
    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    pub(crate) fn replace(&mut self, start: usize, end: usize, pieces: Vec<Piece>) {
        self.edits.push(Edit { start, end, pieces });
    }

    pub(crate) fn insert(&mut self, at: usize, pieces: Vec<Piece>) {
        self.replace(at, at, pieces);
    }

    /// Leaves out what stands between two bytes, with the edits inside: only a copy of it, or of a part, shows it.
    pub(crate) fn leave_out(&mut self, start: usize, end: usize) {
        self.moved.push((start, end));
    }

    /// Makes the source between two bytes what is stored for it through `access`. Edits inside it
    /// stay; one that does not use its value replaces it and all of them.
    pub(crate) fn store(&mut self, source: &str, access: &Access, (start, end): (usize, usize)) {
        let mut pieces = stored(source, access, (start, end));
        if pieces.len() < 2 {
            if let Some(Piece::Text(_)) = pieces.first() {
                self.edits.retain(|edit| edit.start < start || edit.end > end);
                self.replace(start, end, pieces);
            }
            return;
        }
        let behind = pieces.split_off(2);
        pieces.truncate(1);
        self.insert(start, pieces);
        self.insert(end, behind);
    }

    /// The same edits without the statements that the client did not send; `None` if there are
    /// none.
    pub(crate) fn without_hidden(&self) -> Option<Self> {
        let is_hidden = |piece: &Piece| matches!(piece, Piece::Hidden(_));
        if !self.edits.iter().flat_map(|edit| &edit.pieces).any(is_hidden) {
            return None;
        }
        let mut visible = self.clone();
        for edit in &mut visible.edits {
            edit.pieces.retain(|piece| !is_hidden(piece));
        }
        Some(visible)
    }

    /// Whether new text has a backslash in it, which would escape in a literal while
    /// `standard_conforming_strings` is off.
    pub(crate) fn has_backslash(&self) -> bool {
        let mut pieces = self.edits.iter().flat_map(|edit| &edit.pieces);
        pieces.any(|piece| match piece {
            Piece::Text(text) | Piece::Hidden(text) => text.contains('\\'),
            Piece::Copy(..) => false,
        })
    }

    /// Whether an edit would have to be applied in order to apply it: a copied range in which it
    /// stands itself, or another edit that copies it. That would never end. Edits must be sorted.
    fn copies_itself(&self) -> bool {
        let copiers: Vec<&Edit> =
            self.edits.iter().filter(|edit| edit.copies().count() > 0).collect();
        // Behind which copiers each must wait; done with those that wait for nobody.
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut seen = vec![Seen::Not; copiers.len()];
        let inside = |edit: &Edit| -> Vec<usize> {
            let within = |(start, end): (usize, usize)| {
                let first = copiers.partition_point(|other| other.start < start);
                let others = copiers.iter().enumerate().skip(first);
                others
                    .take_while(move |(_, other)| other.start <= end)
                    .filter(move |(_, other)| other.is_within(start, end))
                    .map(|(at, _)| at)
                    .collect::<Vec<usize>>()
            };
            edit.copies().flat_map(within).collect()
        };
        for (first, edit) in copiers.iter().enumerate() {
            if seen.get(first) != Some(&Seen::Not) {
                continue;
            }
            open.push((first, inside(edit)));
            mark(&mut seen, first, Seen::Open);
            while let Some((at, waiting)) = open.last_mut() {
                let Some(next) = waiting.pop() else {
                    mark(&mut seen, *at, Seen::Done);
                    open.pop();
                    continue;
                };
                match seen.get(next) {
                    Some(Seen::Open) => return true,
                    Some(Seen::Not) => {
                        mark(&mut seen, next, Seen::Open);
                        open.push((next, copiers.get(next).map_or_else(Vec::new, |it| inside(it))));
                    }
                    Some(Seen::Done) | None => {}
                }
            }
        }
        false
    }

    /// Applies all edits to `source`.
    pub(crate) fn apply(mut self, source: &str) -> Result<Rewritten, Overlap> {
        // Stable: insertions at one place keep the order in which they were made.
        self.edits.sort_by_key(|edit| (edit.start, edit.end));
        let overlaps = self.edits.windows(2).any(|pair| match pair {
            [a, b] => b.start < a.end,
            _ => false,
        });
        if overlaps || self.copies_itself() {
            return Err(Overlap);
        }
        let mut output = Output {
            source,
            characters: CharacterOffsets::of(source),
            edits: &self.edits,
            moved: &self.moved,
            sql: String::new(),
            written: 0,
            end: Some(0),
            pieces: Vec::new(),
        };
        output.copy(0, source.len());
        Ok(Rewritten {
            sql: output.sql,
            positions: PositionMap { pieces: output.pieces },
            replies: Vec::new(),
            mentions: Arc::default(),
        })
    }
}

struct Output<'a> {
    source: &'a str,
    edits: &'a [Edit],
    moved: &'a [(usize, usize)],
    characters: CharacterOffsets,
    sql: String,
    /// Length of `sql` in characters.
    written: u32,
    /// Behind which character of the source `sql` ends, if it ends with source text.
    end: Option<u32>,
    pieces: Vec<(u32, Place)>,
}

impl Output<'_> {
    fn copy(&mut self, start: usize, end: usize) {
        let mut at = start;
        // Sorted by their starts: a text with many copies must not look at every edit for each.
        let first = self.edits.partition_point(|edit| edit.start < start);
        let inside = self.edits.iter().skip(first).take_while(|edit| edit.start <= end);
        let all = (start, end) == (0, self.source.len());
        let moved = self.moved_within(start, end);
        let is_moved = |edit: &&Edit| moved.iter().any(|(from, to)| edit.is_within(*from, *to));
        for edit in inside.filter(|it| (all || it.is_within(start, end)) && !is_moved(it)) {
            self.kept(at, edit.start, &moved);
            for piece in &edit.pieces {
                match piece {
                    Piece::Text(text) => {
                        let place = Place::At(self.characters.character(edit.start));
                        self.write(text, place);
                    }
                    Piece::Copy(from, to) => self.copy(*from, *to),
                    Piece::Hidden(text) => self.write(text, Place::Nowhere),
                }
            }
            at = edit.end;
        }
        self.kept(at, end, &moved);
    }

    /// What is left out of a copy of that range, in order: it is more than that itself.
    fn moved_within(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let is_inside =
            |&(from, to): &(usize, usize)| start <= from && to <= end && (from, to) != (start, end);
        let mut moved: Vec<(usize, usize)> = self.moved.iter().copied().filter(is_inside).collect();
        moved.sort_unstable();
        moved
    }

    /// The source between two bytes without what is left out.
    fn kept(&mut self, start: usize, end: usize, moved: &[(usize, usize)]) {
        let mut at = start;
        for (from, to) in moved.iter().filter(|(from, to)| *from < end && *to > start) {
            self.verbatim(at, (*from).max(at));
            at = at.max(*to);
        }
        self.verbatim(at, end.max(at));
    }

    fn verbatim(&mut self, start: usize, end: usize) {
        if let Some(text) = self.source.get(start..end).filter(|text| !text.is_empty()) {
            self.write(text, Place::From(self.characters.character(start)));
            self.end = Some(self.characters.character(end));
        }
    }

    fn write(&mut self, text: &str, place: Place) {
        if text.is_empty() {
            return;
        }
        // `AND"username"` needs no space, `ANDhandle` would be one word.
        let goes_on = matches!(place, Place::From(start) if self.end == Some(start));
        if !goes_on && would_join(self.sql.chars().next_back(), text.chars().next()) {
            let space = match place {
                Place::From(start) => Place::At(start),
                Place::At(_) | Place::Nowhere => place,
            };
            self.pieces.push((self.written, space));
            self.sql.push(' ');
            self.written = self.written.saturating_add(1);
        }
        self.end = None;
        self.pieces.push((self.written, place));
        self.sql.push_str(text);
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.written = self.written.saturating_add(length);
    }
}

/// Whether two tokens would be read as one.
fn would_join(last: Option<char>, next: Option<char>) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    match (last, next) {
        (Some('"'), Some('"')) => true,
        (Some(last), Some(next)) => in_word(last) && in_word(next),
        (None, _) | (_, None) => false,
    }
}

/// Translates byte offsets to character offsets; free for ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CharacterOffsets {
    /// Byte offsets of bytes that continue a character, ascending.
    continuations: Vec<u32>,
}

impl CharacterOffsets {
    pub(crate) fn of(text: &str) -> Self {
        let continuations = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| byte & 0xC0 == 0x80)
            .filter_map(|(at, _)| u32::try_from(at).ok())
            .collect();
        Self { continuations }
    }

    pub(crate) fn character(&self, byte: usize) -> u32 {
        let byte = u32::try_from(byte).unwrap_or(u32::MAX);
        let before = self.continuations.partition_point(|&at| at < byte);
        byte - u32::try_from(before).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_carry_the_edits_inside_them_and_positions_lead_back() {
        let source = "SET ü = f(a), b = 1";
        let call = source.find("f(a)").unwrap();
        let inner = call + 2;
        let mut edits = Edits::default();
        edits.replace(inner, inner + 1, vec!["xyz".into()]);
        edits.insert(call + 4, vec![", d = ".into(), Piece::Copy(call, call + 4)]);
        let rewritten = edits.apply(source).unwrap();
        assert_eq!(rewritten.sql, "SET ü = f(xyz), d = f(xyz), b = 1");
        let client = |needle: &str, nth: usize| {
            let at = rewritten.sql.match_indices(needle).nth(nth).unwrap().0;
            let position = rewritten.sql.get(..at).unwrap().chars().count() + 1;
            rewritten.positions.to_client(u32::try_from(position).unwrap()).unwrap()
        };
        assert_eq!([client("f(", 0), client("f(", 1), client("b =", 0)], [9, 9, 15]);
        assert_eq!([client("xyz", 0), client("xyz", 1)], [11, 11]);
    }

    #[test]
    fn what_the_client_did_not_send_leads_nowhere() {
        let mut edits = Edits::default();
        edits.insert(0, vec![Piece::Hidden("a; ".into())]);
        edits.insert(1, vec![Piece::Hidden("; b".into())]);
        let visible = edits.without_hidden().unwrap();
        assert_eq!(visible.apply("x -- y").unwrap().sql, "x -- y");
        let rewritten = edits.apply("x -- y").unwrap();
        assert_eq!(rewritten.sql, "a; x; b -- y");
        let places = [1, 3, 4, 5, 7, 8].map(|at| rewritten.positions.to_client(at));
        assert_eq!(places, [None, None, Some(1), None, None, Some(2)]);
        assert!(Edits::default().without_hidden().is_none());
    }

    #[test]
    fn tokens_that_quotes_kept_apart_stay_apart() {
        let source = "SELECT\"a\"FROM\"t\"WHERE b\"c\"";
        let mut edits = Edits::default();
        edits.replace(6, 9, vec!["x".into()]);
        edits.replace(22, 23, vec!["\"Y\"".into()]);
        edits.replace(13, 16, vec![]);
        let rewritten = edits.apply(source).unwrap();
        assert_eq!(rewritten.sql, "SELECT x FROM WHERE \"Y\" \"c\"");
        assert_eq!(rewritten.positions.to_client(10), Some(10));
    }

    #[test]
    fn words_stay_apart_where_their_neighbours_go() {
        let source = "SELECT u.*FROM u WHERE(a)AND b";
        let star = source.find("u.*").unwrap();
        let condition = source.find("(a)").unwrap();
        let mut edits = Edits::default();
        edits.replace(star, star + 3, vec!["u.a, u.b".into()]);
        edits.replace(condition, condition + 3, vec![Piece::Copy(condition + 1, condition + 2)]);
        let rewritten = edits.apply(source).unwrap();
        assert_eq!(rewritten.sql, "SELECT u.a, u.b FROM u WHERE a AND b");
        let at = rewritten.sql.find("AND").unwrap() + 1;
        assert_eq!(rewritten.positions.to_client(u32::try_from(at).unwrap()), Some(26));
    }

    #[test]
    fn what_is_left_out_shows_where_it_is_copied() {
        let mut edits = Edits::default();
        edits.replace(3, 4, vec!["B".into()]);
        edits.leave_out(1, 4);
        edits.insert(4, vec!["-".into()]);
        edits.insert(7, vec![Piece::Copy(2, 4)]);
        let rewritten = edits.apply("a, b, c").unwrap();
        assert_eq!(rewritten.sql, "a-, c B");
    }

    #[test]
    fn edits_that_copy_themselves_are_an_error() {
        let mut edits = Edits::default();
        edits.insert(2, vec![Piece::Copy(1, 3)]);
        assert_eq!(edits.apply("abcd"), Err(Overlap));
        let mut edits = Edits::default();
        edits.insert(2, vec![Piece::Copy(4, 7)]);
        edits.replace(5, 6, vec![Piece::Copy(1, 3)]);
        assert_eq!(edits.apply("abcdefgh"), Err(Overlap));
        let mut edits = Edits::default();
        edits.insert(2, vec![Piece::Copy(4, 7)]);
        edits.replace(5, 6, vec![Piece::Copy(2, 3)]);
        assert_eq!(edits.apply("abcdefgh").unwrap().sql, "ab e c g cde c gh");
    }

    #[test]
    fn words_that_would_grow_together_are_kept_apart() {
        let mut edits = Edits::default();
        edits.replace(6, 7, vec!["a, \"b\"".into()]);
        edits.insert(14, vec!["AS u".into()]);
        let rewritten = edits.apply("SELECT*FROM(t)WHERE b").unwrap();
        assert_eq!(rewritten.sql, "SELECT a, \"b\"FROM(t)AS u WHERE b");
        let at = rewritten.sql.find("WHERE").unwrap() + 1;
        assert_eq!(rewritten.positions.to_client(u32::try_from(at).unwrap()), Some(15));
    }

    #[test]
    fn overlapping_edits_are_an_error() {
        let mut edits = Edits::default();
        edits.replace(0, 2, vec![]);
        edits.replace(1, 3, vec![]);
        assert_eq!(edits.apply("abc"), Err(Overlap));
    }
}
