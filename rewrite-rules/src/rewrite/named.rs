//! What a text names, and what becomes of it where that is all that is known of it.

use std::collections::HashSet;

use super::set_constraints::is_set_constraints;
use super::{Rewriter, Walk};
use crate::lens::{Lens, OpaquePolicy};
use crate::outcome::Outcome;
use crate::refusal::{Construct, Refusal};
use crate::statement::{Lexeme, RECURSION_LIMIT, Unparsed};

/// Words without which a statement writes nothing through a view.
const WRITES: [&str; 4] = ["insert", "update", "delete", "merge"];

/// What a text names, as far as its tokens tell.
#[derive(Default)]
pub(super) struct Named<'g> {
    /// The lenses whose table's name is a token, or that of a view that may be written or of a constraint that may be
    /// put off.
    pub(super) lenses: Vec<&'g Lens>,
    /// Whether the name of a column that exists, but not in the client's shape, is one.
    other_names: bool,
}

impl<'g> Named<'g> {
    pub(super) fn by_tokens(lenses: &'g [Lens], lexemes: &[Lexeme]) -> Self {
        let names: HashSet<String> = lexemes.iter().filter_map(Lexeme::name).collect();
        let writes = WRITES.iter().any(|&word| names.contains(word));
        let sets = lexemes.windows(2).any(is_set_constraints);
        let sets = |lens: &Lens| sets && lens.names.constraints().any(|(_, it)| names.contains(it));
        let views = |lens: &'g Lens| lens.views.iter().chain(&lens.halving_views);
        let named = |lens: &&'g Lens| {
            names.contains(&lens.relation.name)
                || sets(lens)
                || (writes && views(lens).any(|view| names.contains(&view.name)))
        };
        let lenses: Vec<&Lens> = lenses.iter().filter(named).collect();
        let other_names = hidden(&lenses).any(|name| names.contains(name));
        Self { lenses, other_names }
    }

    pub(super) fn by_substrings(lenses: &'g [Lens], text: &str) -> Self {
        let lenses: Vec<&Lens> = lenses.iter().collect();
        let text = text.to_lowercase();
        let other_names = hidden(&lenses).any(|name| text.contains(&name.to_lowercase()));
        Self { lenses, other_names }
    }

    /// Nothing is migrated yet: what cannot be rewritten can still do no harm, unless it reads or
    /// writes the column that nobody fills yet.
    pub(super) fn lenient(&self) -> bool {
        !self.other_names && self.lenses.iter().all(|lens| lens.opaque == OpaquePolicy::Forward)
    }
}

impl Rewriter<'_> {
    /// What becomes of a statement without a tree.
    pub(super) fn unparsed(&self, why: Unparsed) -> Walk<()> {
        let lexemes = self.lexemes.get(self.current.0..self.current.1).unwrap_or_default();
        let named = Named::by_tokens(self.lenses(), lexemes);
        match (named.lenses.first(), why) {
            (None, _) => Ok(()),
            (Some(_), Unparsed::TooDeep) => Err(Box::new(Refusal::too_deep(RECURSION_LIMIT))),
            (Some(lens), Unparsed::Unknown) => {
                Err(Box::new(Refusal::construct(Construct::Unreadable, lens)))
            }
        }
    }
}

/// The columns that may exist and are not in the client's shape.
fn hidden<'l>(lenses: &'l [&Lens]) -> impl Iterator<Item = &'l String> {
    lenses.iter().filter(|lens| lens.hidden_exists).flat_map(|lens| &lens.hidden)
}

/// What becomes of a text that could not be read.
pub(super) fn opaque(named: &Named<'_>) -> Outcome {
    let refusing = |lens: &&&Lens| named.other_names || lens.opaque == OpaquePolicy::Refuse;
    match named.lenses.iter().find(refusing) {
        Some(lens) => Outcome::Refused(Refusal::construct(Construct::Unreadable, lens)),
        None if named.lenses.is_empty() => Outcome::Forward,
        None => Outcome::ForwardOpaque,
    }
}
