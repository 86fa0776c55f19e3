//! What is asked of a step, and not of what is in force.

use super::{Fault, merge_tables, split_table};
use crate::catalog::Catalog;
use crate::phase::Phase;
use crate::rule::{Change, Rule};

/// What must be mended before `rules[index]` goes forward to phase `to`, besides what keeps that from being compiled.
///
/// It does not keep a generation from being compiled in any phase: whoever changes a table behind a proxy's back must
/// not keep it from starting, nor from going back.
#[must_use]
pub fn before_step(rules: &[Rule], index: usize, to: Phase, catalog: &Catalog) -> Vec<Fault> {
    let faults = match rules.get(index).filter(|rule| to > rule.phase).map(|rule| &rule.change) {
        Some(Change::MergeTables(merge)) => merge_tables::ready::faults(merge, to, catalog),
        Some(Change::SplitTable(split)) => split_table::unready(split, catalog),
        Some(
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_),
        )
        | None => Vec::new(),
    };
    faults.into_iter().map(|fault| Fault { rule: index, ..fault }).collect()
}
