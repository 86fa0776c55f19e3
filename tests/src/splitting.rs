//! The rule of a split, as tests write it.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, KeyPair, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule};

/// `table` and the table to which `columns` move (their names in both), with a key of one column; `first` is the place of the
/// first of them in `SELECT *`, behind which the others stand, if that is to be told.
#[must_use]
pub fn rule(
    [table, into]: [&str; 2],
    [from, to]: [&str; 2],
    columns: &[(&str, &str)],
    first: Option<u16>,
    phase: Phase,
) -> Rule {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let names = columns.iter().map(|(own, its)| ((*own).to_owned(), (*its).to_owned()));
    let places = columns.iter().map(|(own, _)| (*own).to_owned());
    let split = SplitTable {
        table: table.to_owned(),
        into: into.to_owned(),
        key: KeyPair { from: one(from), to: one(to) },
        columns: names.collect(),
        positions: first.map(|first| places.zip(first..).collect()).unwrap_or_default(),
        constraints: BTreeMap::new(),
    };
    Rule { name: format!("split-{table}"), change: Change::SplitTable(split), phase }
}
