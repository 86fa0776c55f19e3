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

    /// Whether a name can only mean a table that is yet to be made.
    pub(super) fn is_absent(&self, parts: &[&Ident]) -> bool {
        if self.generation.absent().is_empty() {
            return false;
        }
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let is_it = |schema: &str, table: &str| {
            let mut absent = self.generation.absent().iter().map(|lens| &lens.relation);
            absent.any(|it| it.schema == schema && it.name == table)
        };
        let path = self.session.search_path;
        match names.as_slice() {
            // Whatever else the name leads to is what PostgreSQL finds as well while the table is not there.
            [table] if self.search(table).is_some() || path.temporary.contains(table) => false,
            [table] => path.schemas.iter().any(|schema| is_it(schema, table)),
            [schema, table] | [_, schema, table] => is_it(schema, table),
            _ => false,
        }
    }

    /// A table that is yet to be made is not there, even if the server has it since a moment ago.
    pub(super) fn no_relation<T>(&self, parts: &[&Ident]) -> Walk<T> {
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let start = parts.first().map_or(0, |first| start_byte(first.span));
        Err(Box::new(Refusal::no_relation(&names.join(".")).at(self.position(start))))
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
