//! What becomes of all texts that differ in their values alone.
//!
//! It is worked out for a text whose values can be found again wherever they come to stand, and believed only if it gives for a real one
//! exactly what rewriting gives. No rewriting looks at the values that are left out ([`mask`] says which), so it gives that for
//! every other one; a test goes through all books and the coverage corpus.

mod mask;

use std::sync::Arc;

pub use self::mask::Masked;

use self::mask::Kind;
use crate::edit::CharacterOffsets;
use crate::outcome::{Outcome, Place, PositionMap, Rewritten};

/// Begins the number by which a value is found again; four digits follow, which of them it is.
const MARK: &str = "39270";

/// Digits of a mark.
const MARK_DIGITS: usize = MARK.len() + 4;

/// What becomes of a text, whatever its values are.
#[derive(Debug)]
pub struct Template {
    /// What became of the text with marks.
    outcome: Outcome,
    marks: Vec<Mark>,
    /// Where marks stand in what is sent, in its order.
    sites: Vec<Site>,
}

/// A value that is found again.
#[derive(Debug)]
struct Mark {
    text: String,
    /// Where it stands in the text, in characters.
    at: u32,
}

/// Where a value comes to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Site {
    byte: usize,
    character: u32,
    mark: usize,
}

impl Template {
    /// What becomes of texts like this one; `None` if that depends on the values, or cannot be told. `rewrite` is what rewriting says.
    #[must_use]
    pub fn new(masked: &Masked<'_>, rewrite: impl Fn(&str) -> Outcome) -> Option<Self> {
        let (text, marks) = marked(masked)?;
        let outcome = rewrite(&text);
        let sent = match &outcome {
            Outcome::Rewritten(rewritten) => rewritten.sql.as_str(),
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => "",
        };
        let sites = sites(sent, &marks)?;
        let template = Self { outcome, marks, sites };
        (template.fill(masked) == rewrite(masked.text)).then_some(template)
    }

    /// What became of the text with marks.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What becomes of a text of this pattern.
    #[must_use]
    pub fn fill(&self, masked: &Masked<'_>) -> Outcome {
        let values: Vec<&str> = masked.holes.iter().map(|hole| masked.value(*hole)).collect();
        match &self.outcome {
            Outcome::Forward => Outcome::Forward,
            Outcome::ForwardOpaque => Outcome::ForwardOpaque,
            Outcome::Refused(refusal) => {
                let mut refusal = refusal.clone();
                let shifts = Shifts::of(&self.marks, &values);
                refusal.position = refusal.position.map(|at| shifts.client(at - 1) + 1);
                Outcome::Refused(refusal)
            }
            Outcome::Rewritten(rewritten) => Outcome::Rewritten(self.filled(rewritten, &values)),
        }
    }

    fn filled(&self, rewritten: &Rewritten, values: &[&str]) -> Rewritten {
        let shifts = Shifts::of(&self.marks, values);
        let mut sql = String::with_capacity(rewritten.sql.len() + MARK_DIGITS * values.len());
        let mut replies = rewritten.replies.clone();
        let (mut at, mut moved) = (0, 0_i64);
        let mut starts = replies.iter_mut().map(|reply| &mut reply.start).peekable();
        let mut pieces = Vec::with_capacity(rewritten.positions.pieces.len());
        let mut old = rewritten.positions.pieces.iter().peekable();
        let mut shift_to = |character: Option<u32>, moved: i64, pieces: &mut Vec<(u32, Place)>| {
            let before = |piece: &&(u32, Place)| character.is_none_or(|end| piece.0 <= end);
            while let Some((start, place)) = old.next_if(|piece| before(piece)) {
                pieces.push((shifted(*start, moved), shifts.place(*place)));
            }
        };
        for site in &self.sites {
            let (Some(mark), Some(value)) = (self.marks.get(site.mark), values.get(site.mark))
            else {
                continue;
            };
            while let Some(start) = starts.next_if(|start| **start <= site.byte) {
                *start = sql.len() + (*start - at);
            }
            shift_to(Some(site.character), moved, &mut pieces);
            sql.push_str(rewritten.sql.get(at..site.byte).unwrap_or_default());
            sql.push_str(value);
            at = site.byte + mark.text.len();
            moved += difference(&mark.text, value);
        }
        for start in starts {
            *start = sql.len() + (*start - at);
        }
        shift_to(None, moved, &mut pieces);
        sql.push_str(rewritten.sql.get(at..).unwrap_or_default());
        let positions = PositionMap { pieces };
        Rewritten { sql, positions, replies, mentions: Arc::clone(&rewritten.mentions) }
    }
}

/// By how much the characters of a text move where its values are others.
struct Shifts {
    /// Behind which character of the text with marks, and by how much in all.
    behind: Vec<(u32, i64)>,
}

impl Shifts {
    fn of(marks: &[Mark], values: &[&str]) -> Self {
        let mut moved = 0;
        let behind = marks.iter().zip(values).map(|(mark, value)| {
            moved += difference(&mark.text, value);
            (mark.at, moved)
        });
        Self { behind: behind.collect() }
    }

    /// The character of the client's text for one of the text with marks.
    fn client(&self, character: u32) -> u32 {
        let before = self.behind.partition_point(|(at, _)| *at < character);
        let moved = before.checked_sub(1).and_then(|last| self.behind.get(last));
        shifted(character, moved.map_or(0, |(_, moved)| *moved))
    }

    fn place(&self, place: Place) -> Place {
        match place {
            Place::From(character) => Place::From(self.client(character)),
            Place::At(character) => Place::At(self.client(character)),
            Place::Nowhere => Place::Nowhere,
        }
    }
}

/// How many characters more a value has than its mark.
fn difference(mark: &str, value: &str) -> i64 {
    // Marks are ASCII.
    let [mark, value] = [mark.len(), value.chars().count()];
    i64::try_from(value).unwrap_or(0) - i64::try_from(mark).unwrap_or(0)
}

fn shifted(character: u32, by: i64) -> u32 {
    u32::try_from(i64::from(character) + by).unwrap_or(0)
}

/// The text with a mark for each value.
fn marked(masked: &Masked<'_>) -> Option<(String, Vec<Mark>)> {
    if masked.text.contains(MARK) {
        return None;
    }
    let mut text = String::with_capacity(masked.text.len());
    let mut marks = Vec::with_capacity(masked.holes.len());
    let mut at = 0;
    for (number, hole) in masked.holes.iter().enumerate() {
        text.push_str(masked.text.get(at..hole.start)?);
        let digits = format!("{MARK}{number:04}");
        let mark = match hole.kind {
            Kind::Integer => digits,
            Kind::Decimal => format!("{digits}.5"),
            Kind::Text => format!("'{digits}'"),
            Kind::Comment => format!("/*{digits}*/"),
        };
        marks.push((text.len(), mark.clone()));
        text.push_str(&mark);
        at = hole.end;
    }
    text.push_str(masked.text.get(at..)?);
    let characters = CharacterOffsets::of(&text);
    let marks = marks.into_iter().map(|(byte, text)| Mark { text, at: characters.character(byte) });
    let marks = marks.collect();
    Some((text, marks))
}

/// Where the marks stand in what is sent; `None` if one of them stands there in another form.
fn sites(sent: &str, marks: &[Mark]) -> Option<Vec<Site>> {
    let characters = CharacterOffsets::of(sent);
    let mut sites = Vec::new();
    for (found, _) in sent.match_indices(MARK) {
        let number = sent.get(found + MARK.len()..found + MARK_DIGITS)?.parse().ok()?;
        let mark: &Mark = marks.get(number)?;
        let byte = found.checked_sub(mark.text.find(MARK)?)?;
        if !sent.get(byte..)?.starts_with(&mark.text) {
            return None;
        }
        sites.push(Site { byte, character: characters.character(byte), mark: number });
    }
    Some(sites)
}
