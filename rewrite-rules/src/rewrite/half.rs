//! The table that columns move to, while the table that they come from is written as well.
//!
//! What is read or locked of it is read or locked of the old table, whose name stands for its own. What is
//! written is written there first, where every writer of either table waits for the others, and carried.

use sqlparser::ast::Assignment;

use super::star::Element;
use super::{Rewriter, Walk};
use crate::lens::{Lens, Rows};
use crate::refusal::{Construct, Refusal};

impl<'a> Rewriter<'a> {
    /// Notes that the statement at `start` writes a table.
    pub(super) fn note_write(&mut self, lens: &'a Lens, start: usize) -> Walk<&'a Lens> {
        if lens.over.as_ref().is_some_and(|over| over.rows == Rows::Read) {
            return self.refuse_half(Construct::NotWritten, lens, start);
        }
        if lens.read_as.is_some() && !lens.is_gathered() {
            return self.refuse_half(Construct::MergedRead, lens, start);
        }
        if lens.is_merged() {
            self.replies.entry(self.statement).or_default().shares_rows = true;
        }
        self.written.push((self.statement, lens, start));
        Ok(lens)
    }

    /// Two writes of one row in one statement do not see each other: the second would be lost.
    pub(super) fn check_written(&self) -> Walk<()> {
        self.check_parts()?;
        let halves = self.written.iter().filter(|(_, lens, _)| lens.over.is_some());
        for (statement, half, start) in halves {
            let is_other = |(number, lens, _): &(usize, &Lens, usize)| {
                let same_row = lens.physical() == half.physical();
                number == statement && same_row && lens.relation != half.relation
            };
            if self.written.iter().any(is_other) {
                return self.refuse_half(Construct::BothHalves, half, *start);
            }
        }
        Ok(())
    }

    /// A row of the old table keeps its key whatever becomes of its half.
    pub(super) fn no_new_half_key(&self, lens: &Lens, assignments: &[Assignment]) -> Walk<()> {
        match lens.over.is_some() && self.writes_key(lens, assignments) {
            true => Err(Box::new(Refusal::construct(Construct::HalfKey, lens))),
            false => Ok(()),
        }
    }

    /// Refuses what needs a column of which the old table knows nothing.
    pub(super) fn settle_halves(&self) -> Walk<()> {
        for (at, found) in self.occurrences.iter().enumerate() {
            let Some(over) = found.over().filter(|over| !over.others.is_empty()) else { continue };
            let is_whole =
                |element: &Element| matches!(element, Element::Governed(it) if *it == at);
            let is_other = |name: String| over.others.contains(&name);
            let needs = found.needs.is_some()
                || self.rows.iter().any(|row| row.occurrence == at)
                || self.stars.iter().any(|star| star.elements.iter().any(is_whole))
                || self.lexemes.iter().filter_map(|lexeme| lexeme.name()).any(is_other);
            if needs {
                return Err(Box::new(Refusal::construct(Construct::OtherColumn, found.lens)));
            }
        }
        Ok(())
    }

    pub(super) fn refuse_half<T>(
        &self,
        construct: Construct,
        lens: &Lens,
        start: usize,
    ) -> Walk<T> {
        let position = crate::edit::CharacterOffsets::of(self.text).character(start);
        let refusal = Refusal::construct(construct, lens).at(position.saturating_add(1));
        Err(Box::new(refusal))
    }
}
