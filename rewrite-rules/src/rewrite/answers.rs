//! What the answers to the statements of the result must look like.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::occurrence::Stance;
use crate::catalog::RelationName;
use crate::catalog_lens::ColumnNumber;
use crate::name;
use crate::naming::{Bystander, Mention, Mentions, Names};
use crate::outcome::{Reply, Rewritten};
use crate::statement::{self, Lexeme};

/// What is noted on the way, besides the tables under migration, to tell later which tables a report speaks of.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// How many tables under migration the statements before each had named.
    pub(super) before: Vec<usize>,
    /// Tables whose constraints a statement names, with its number.
    pub(super) constraints: Vec<(usize, Arc<Names>)>,
    /// Tables that no migration governs.
    bystanders: Vec<Bystander>,
}

impl Rewriter<'_> {
    /// One for each statement of the result, in order; empty if all are relayed as they come.
    pub(super) fn all_replies(&mut self) -> Vec<Reply> {
        let mut own = std::mem::take(&mut self.replies);
        let mut around = std::mem::take(&mut self.around);
        let mut replies = Vec::new();
        let numbers = self.numbers();
        for statement in 0..=self.statement {
            let (before, behind) = around.remove(&statement).unwrap_or_default();
            replies.extend(before);
            let own = own.remove(&statement).unwrap_or_default();
            replies.push(Reply { numbers: numbers.clone(), ..own });
            replies.extend(behind);
        }
        if replies.iter().all(Reply::is_plain) { Vec::new() } else { replies }
    }

    /// Notes a relation that is called as it is.
    pub(super) fn note_bystander(
        &mut self,
        (schema, table, qualifier): (&str, &Ident, &Ident),
        columns: &[String],
        is_written: bool,
    ) {
        self.spoken.bystanders.push(Bystander {
            statement: self.statement,
            qualifier: name::folded(qualifier),
            is_written,
            relation: RelationName::new(schema, name::folded(table)),
            columns: columns.to_vec(),
        });
    }

    /// The relations that are named, and the words of the text that tell whose a name is.
    pub(super) fn mentions(&mut self) -> Mentions {
        let mut mentions = Mentions::default();
        // Of two tables whose parts one row has, errors come from the one that is written.
        for (statement, lens, _) in &self.written {
            mentions.relations.push(Mention {
                statement: *statement,
                qualifier: None,
                is_written: true,
                names: Arc::clone(&lens.names),
            });
        }
        for (statement, names) in std::mem::take(&mut self.spoken.constraints) {
            mentions.relations.push(Mention {
                statement,
                qualifier: None,
                is_written: true,
                names,
            });
        }
        for (at, found) in self.occurrences.iter().enumerate() {
            let before = self.spoken.before.partition_point(|before| *before <= at);
            let is_as_it_is = found.stance == Stance::AsItIs;
            mentions.relations.push(Mention {
                statement: before.saturating_sub(1),
                qualifier: is_as_it_is.then(|| name::folded_source(&found.reference)),
                is_written: false,
                names: Arc::clone(&found.lens.names),
            });
        }
        mentions.add_bystanders(std::mem::take(&mut self.spoken.bystanders));
        mentions.add_words((0..self.lexemes.len()).filter_map(|at| self.word(at)));
        mentions
    }

    /// A word of the text, and what qualifies it.
    fn word(&self, at: usize) -> Option<(Option<String>, String)> {
        let before = |back: usize| self.lexemes.get(at.checked_sub(back)?);
        let is_qualified = before(1).is_some_and(|lexeme| lexeme.token == Token::Period);
        let qualifier = before(2).filter(|_| is_qualified).and_then(Lexeme::name);
        Some((qualifier, self.lexemes.get(at)?.name()?))
    }

    /// What a result's description may call by numbers that the client does not know.
    fn numbers(&self) -> Vec<ColumnNumber> {
        let shown = &self.generation.catalogs(self.session.shape).numbers;
        if shown.is_empty() {
            return Vec::new();
        }
        let mut read = BTreeSet::new();
        for lens in self.occurrences.iter().map(|found| found.lens) {
            let Some(table) = self.generation.catalog().relation(&lens.relation) else { continue };
            let columns = lens
                .columns
                .iter()
                .filter(|it| it.get.through.is_none() && it.get.beside.is_none());
            let columns = columns.filter_map(|column| table.column(&column.get.column));
            read.extend(columns.map(|column| (table.oids.relation, column.number)));
        }
        shown.iter().filter(|it| read.contains(&(it.relation, it.physical))).copied().collect()
    }
}

/// Notes where the statements begin whose answers need something.
pub(super) fn place(
    rewritten: &mut Rewritten,
    standard_conforming_strings: bool,
) -> Result<(), &'static str> {
    if rewritten.replies.is_empty() {
        return Ok(());
    }
    let starts = statement::starts(&rewritten.sql, standard_conforming_strings);
    if starts.len() != rewritten.replies.len() {
        return Err("the number of answers differs from that of the statements");
    }
    for (reply, start) in rewritten.replies.iter_mut().zip(starts) {
        reply.start = start;
    }
    Ok(())
}
