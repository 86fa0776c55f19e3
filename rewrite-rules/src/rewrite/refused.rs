//! What is said of a text that cannot be rewritten, or that PostgreSQL would not take, and at which place.

use sqlparser::ast::Ident;

use super::{Rewriter, Walk};
use crate::edit::CharacterOffsets;
use crate::lens::Lens;
use crate::name;
use crate::refusal::{Construct, Missing, Refusal};
use crate::statement::start_byte;

impl Rewriter<'_> {
    pub(super) fn refuse<T>(&self, construct: Construct) -> Walk<T> {
        Err(Box::new(Refusal::construct(construct, self.blame)))
    }

    pub(super) fn refuse_at<T>(&self, construct: Construct, byte: usize) -> Walk<T> {
        Err(Box::new(Refusal::construct(construct, self.blame).at(self.position(byte))))
    }

    pub(super) fn no_column_at<T>(&self, ident: &Ident, lens: &Lens) -> Walk<T> {
        let refusal = Refusal::no_column(&name::folded(ident), lens);
        Err(Box::new(refusal.at(self.position(start_byte(ident.span)))))
    }

    /// What an error calls the place of a byte.
    pub(super) fn position(&self, byte: usize) -> u32 {
        CharacterOffsets::of(self.text).character(byte).saturating_add(1)
    }

    /// Whether a relation in sight would be called so if it had no alias.
    pub(super) fn missing(&self, table: &str) -> Missing {
        let mut sources = self.levels.iter().flat_map(|level| &level.sources);
        let is_it =
            |at: usize| self.occurrences.get(at).is_some_and(|it| it.lens.relation.name == table);
        match sources.any(|source| source.occurrence.is_some_and(is_it)) {
            true => Missing::Reference(table.to_owned()),
            false => Missing::Table(table.to_owned()),
        }
    }
}
