//! What a text names, and what becomes of it where that is all that is known of it.

use std::collections::HashSet;

use sqlparser::tokenizer::Token;

use super::set_constraints::is_set_constraints;
use super::{Rewriter, Walk};
use crate::generation::Generation;
use crate::lens::{Lens, OpaquePolicy};
use crate::outcome::Outcome;
use crate::refusal::{Construct, Refusal};
use crate::shape::Shape;
use crate::statement::{Lexeme, RECURSION_LIMIT, Unparsed};

/// Words without which a statement writes nothing through a view.
const WRITES: [&str; 4] = ["insert", "update", "delete", "merge"];

/// First words of the statements that read or write rows: one that defines a table may name it before it is there.
const OF_ROWS: [&str; 14] = [
    "select", "insert", "update", "delete", "merge", "with", "table", "values", "copy", "truncate",
    "lock", "prepare", "declare", "explain",
];

/// What a table's name means.
pub(super) enum Relation<'a> {
    Governed(&'a Lens),
    /// A table that is yet to be made.
    Absent,
    /// Schema and columns.
    Known(String, Vec<String>),
    Unknown,
}

/// What a text names, as far as its tokens tell.
#[derive(Default)]
pub(super) struct Named<'g> {
    /// The lenses whose table's name is a token, or that of a view that may be written or of a constraint that may be
    /// put off.
    pub(super) lenses: Vec<&'g Lens>,
    /// Whether the name of a column that exists, but not in the client's shape, is one.
    other_names: bool,
    /// A table that is yet to be made.
    pub(super) absent: Option<&'g Lens>,
    /// Whether it may be read or written, as far as the first words of statements tell.
    uses_absent: bool,
}

impl<'g> Named<'g> {
    pub(super) fn by_tokens(generation: &'g Generation, shape: Shape, lexemes: &[Lexeme]) -> Self {
        let lenses = generation.lenses(shape);
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
        let mut absent = generation.absent().iter();
        let absent = absent.find(|it| names.contains(&it.relation.name));
        let uses_absent = absent.is_some() && is_of_rows(lexemes);
        Self { lenses, other_names, absent, uses_absent }
    }

    pub(super) fn by_substrings(generation: &'g Generation, shape: Shape, text: &str) -> Self {
        let lenses: Vec<&Lens> = generation.lenses(shape).iter().collect();
        let text = text.to_lowercase();
        let other_names = hidden(&lenses).any(|name| text.contains(&name.to_lowercase()));
        let mut absent = generation.absent().iter();
        let absent = absent.find(|it| text.contains(&it.relation.name.to_lowercase()));
        let is_of_rows = OF_ROWS.iter().any(|word| text.trim_start().starts_with(word));
        let uses_absent = absent.is_some() && is_of_rows;
        Self { lenses, other_names, absent, uses_absent }
    }

    /// The table that is yet to be made, if that alone keeps a text that cannot be read from being sent on.
    fn used_absent(&self) -> Option<&'g Lens> {
        self.absent.filter(|_| self.uses_absent)
    }

    /// Nothing is migrated yet: what cannot be rewritten can still do no harm, unless it reads or
    /// writes the column that nobody fills yet.
    pub(super) fn lenient(&self) -> bool {
        !self.other_names
            && !self.uses_absent
            && self.lenses.iter().all(|lens| lens.opaque == OpaquePolicy::Forward)
    }
}

impl Rewriter<'_> {
    /// What becomes of a statement without a tree.
    pub(super) fn unparsed(&self, why: Unparsed) -> Walk<()> {
        let lexemes = self.lexemes.get(self.current.0..self.current.1).unwrap_or_default();
        let named = Named::by_tokens(self.generation, self.session.shape, lexemes);
        match (named.lenses.first().copied().or(named.used_absent()), why) {
            (None, _) => Ok(()),
            (Some(_), Unparsed::TooDeep) => Err(Box::new(Refusal::too_deep(RECURSION_LIMIT))),
            (Some(lens), Unparsed::Unknown) => {
                Err(Box::new(Refusal::construct(Construct::Unreadable, lens)))
            }
        }
    }
}

/// Whether one of the statements reads or writes rows.
fn is_of_rows(lexemes: &[Lexeme]) -> bool {
    let mut begins = true;
    lexemes.iter().any(|lexeme| {
        let is_first = begins;
        // `(SELECT …) UNION …` begins with what is in the brackets.
        begins = match lexeme.token {
            Token::SemiColon => true,
            Token::LParen => begins,
            _ => false,
        };
        is_first && OF_ROWS.iter().any(|word| lexeme.is_word(word))
    })
}

/// The columns that may exist and are not in the client's shape.
fn hidden<'l>(lenses: &'l [&Lens]) -> impl Iterator<Item = &'l String> {
    lenses.iter().filter(|lens| lens.hidden_exists).flat_map(|lens| &lens.hidden)
}

/// What becomes of a text that could not be read.
pub(super) fn opaque(named: &Named<'_>) -> Outcome {
    let refusing = |lens: &&&Lens| named.other_names || lens.opaque == OpaquePolicy::Refuse;
    match named.lenses.iter().find(refusing).copied().or(named.used_absent()) {
        Some(lens) => Outcome::Refused(Refusal::construct(Construct::Unreadable, lens)),
        None if named.lenses.is_empty() => Outcome::Forward,
        None => Outcome::ForwardOpaque,
    }
}
