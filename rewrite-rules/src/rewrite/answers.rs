//! What the answers to the statements of the result must look like.

use std::collections::{BTreeSet, HashSet};

use super::Rewriter;
use crate::catalog_lens::ColumnNumber;
use crate::lens::Names;
use crate::outcome::{Reply, Rewritten};
use crate::statement::{self, Lexeme};

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

    /// The physical names in use that the client's text does not say itself.
    pub(super) fn names(&self) -> Names {
        let said: HashSet<String> = self.lexemes.iter().filter_map(Lexeme::name).collect();
        let mut names = Names::default();
        // Of two tables whose parts one row has, errors come from the one that is written.
        let written = || self.written.iter().map(|(_, lens, _)| &lens.names);
        let read = self.occurrences.iter().map(|occurrence| &occurrence.lens.names);
        for known in written() {
            add(&mut names.taken, known.taken.iter());
        }
        for known in written().chain(read) {
            let unsaid = |pair: &&(String, String)| !said.contains(&pair.0);
            add(&mut names.columns, known.columns.iter().filter(unsaid));
            add(&mut names.constraints, known.constraints.iter());
            add(&mut names.relations, known.relations.iter().filter(unsaid));
        }
        names
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

/// Adds those that are not there.
fn add<'n, T: Clone + PartialEq + 'n>(names: &mut Vec<T>, more: impl Iterator<Item = &'n T>) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
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
