//! TRUNCATE and LOCK TABLE: they reach the tables beside too, behind the table itself, in the order in which
//! every other statement locks them.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::Token;

use super::joined::relation;
use super::{Relation, Rewriter, Walk};
use crate::catalog::RelationName;
use crate::lens::Lens;
use crate::name;
use crate::refusal::Construct;
use crate::shape::Shape;
use crate::statement::{end_byte, start_byte};

/// What is done to whole tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Truncate,
    Lock,
}

impl Rewriter<'_> {
    /// The tables that such a statement names.
    pub(super) fn whole_tables<'n>(
        &mut self,
        deed: Deed,
        names: impl Iterator<Item = &'n ObjectName>,
    ) -> Walk<()> {
        let names: Vec<Vec<&Ident>> = names.filter_map(name::parts).collect();
        let found: Vec<_> = names.iter().filter_map(|parts| self.found(parts)).collect();
        for parts in &names {
            let lens = match self.written_relation(parts) {
                Relation::Governed(lens) => lens,
                Relation::Absent => return self.no_relation(parts),
                Relation::Known(..) | Relation::Unknown => continue,
            };
            let (Some(first), Some(last)) = (parts.first(), parts.last()) else { continue };
            let (start, end) = self.whole_name(start_byte(first.span), end_byte(last.span));
            if lens.is_merged() {
                self.whole_merged(deed, lens, (start, end))?;
                continue;
            }
            match &lens.over {
                Some(over) if found.contains(&over.relation) => {}
                Some(over) if deed == Deed::Lock => {
                    let text = format!("{}, ", relation(&over.relation));
                    self.edits.insert(start, vec![text.into()]);
                }
                Some(_) => return self.refuse_half(Construct::HalfCommand, lens, start),
                None => self.add_halves(deed, lens, &found, end),
            }
        }
        Ok(())
    }

    /// Bytes of a name, with the `ONLY` and the brackets around it or the `*` behind it.
    fn whole_name(&self, start: usize, end: usize) -> (usize, usize) {
        let name = self.lexeme_at(start);
        let before = |steps: usize| name.checked_sub(steps).and_then(|at| self.lexeme(at));
        let behind = self.lexeme(self.lexeme_at(end));
        let is_bracketed = before(1).is_some_and(|open| open.token == Token::LParen);
        let only = before(1 + usize::from(is_bracketed)).filter(|word| word.is_word("only"));
        match (only, behind) {
            (Some(only), Some(close)) if is_bracketed => (only.start, close.end),
            (Some(only), _) => (only.start, end),
            (None, Some(star)) if star.token == Token::Mul => (start, star.end),
            (None, _) => (start, end),
        }
    }

    /// The old tables are locked before the one that has their rows.
    fn whole_merged(&mut self, deed: Deed, lens: &Lens, (start, end): (usize, usize)) -> Walk<()> {
        if deed == Deed::Truncate || (lens.read_as.is_some() && !lens.is_gathered()) {
            return self.refuse_half(Construct::MergedCommand, lens, start);
        }
        let others = lens.beside.iter().map(|beside| &beside.relation);
        let mut tables: Vec<&RelationName> = match lens.physical() == &lens.relation {
            true if lens.is_apart() => others.chain([&lens.relation]).collect(),
            true => std::iter::once(&lens.relation).chain(others).collect(),
            false => others.chain([lens.physical()]).collect(),
        };
        tables.dedup();
        let names: Vec<String> = tables.into_iter().map(relation).collect();
        self.edits.replace(start, end, vec![names.join(", ").into()]);
        Ok(())
    }

    /// To a client of the new shape they are tables of their own, of which PostgreSQL truncates neither without
    /// the other.
    fn add_halves(&mut self, deed: Deed, lens: &Lens, found: &[RelationName], end: usize) {
        if deed == Deed::Truncate && self.session.shape == Shape::New {
            return;
        }
        let missing = lens.beside.iter().filter(|beside| !found.contains(&beside.relation));
        let text: String =
            missing.map(|beside| format!(", {}", relation(&beside.relation))).collect();
        if !text.is_empty() {
            self.edits.insert(end, vec![text.into()]);
        }
    }
}
