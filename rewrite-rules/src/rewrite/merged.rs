//! Tables whose rows are parts of one table's: what all statements over them share.

use super::apart::Apart;
use super::{Rewriter, Walk};
use crate::catalog::RelationName;
use crate::lens::{Among, Lens};
use crate::name::quoted;
use crate::refusal::Construct;

impl Rewriter<'_> {
    /// Two parts of one row that one statement writes: the second write would be lost.
    pub(super) fn check_parts(&self) -> Walk<()> {
        let merged = self.written.iter().filter(|(_, lens, _)| lens.is_merged());
        for (statement, lens, start) in merged {
            let others = self.written.iter().filter(|(number, other, _)| {
                number == statement && other.relation != lens.relation
            });
            let own = tables(lens);
            if others.flat_map(|(_, other, _)| tables(other)).any(|table| own.contains(&table)) {
                return self.refuse_half(Construct::MergedParts, lens, *start);
            }
        }
        Ok(())
    }
}

/// All that a write of a table reaches.
fn tables(lens: &Lens) -> Vec<&RelationName> {
    let beside = lens.beside.iter().map(|beside| &beside.relation);
    std::iter::once(lens.physical()).chain(beside).collect()
}

impl Apart<'_> {
    /// Puts the part of the rows of the CTE `rows` back to the defaults: the rest of each is other tables'.
    pub(super) fn reset(&self, among: &Among, rows: &str) -> String {
        let columns = among.part.iter().chain(&among.present);
        let set = columns.map(|column| format!("{} = DEFAULT", quoted(column)));
        format!(
            "UPDATE {} AS {} SET {} FROM {rows} WHERE {}",
            self.table(None),
            self.target,
            set.collect::<Vec<String>>().join(", "),
            self.same_key(None, rows)
        )
    }
}
