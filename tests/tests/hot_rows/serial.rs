//! Whether what is in the tables is what some order of the transactions, one after the other, would have left.

use std::collections::{BTreeMap, BTreeSet};

/// What a transaction appends to each row that it writes; no two have the same.
pub(crate) type Token = i32;

/// One row of both tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i32,
    /// Tokens in the column that stays.
    pub(crate) kept: Vec<Token>,
    /// Tokens in the column that moves.
    pub(crate) log: Vec<Token>,
    /// How many there are, as the writers counted.
    pub(crate) count: usize,
}

/// A transaction that was acknowledged, and the rows that it wrote.
pub(crate) type History = Vec<(Token, Vec<i32>)>;

/// Every acknowledged write is there once, no other is, and all rows can have come about in one order.
#[track_caller]
pub(crate) fn check(rows: &[Row], histories: &[History]) {
    let mut expected: BTreeMap<i32, BTreeSet<Token>> = BTreeMap::new();
    for (token, ids) in histories.iter().flatten() {
        for id in ids {
            expected.entry(*id).or_default().insert(*token);
        }
    }
    for row in rows {
        let parted = row.kept.iter().zip(&row.log).position(|(kept, log)| kept != log);
        let at = parted.unwrap_or(row.kept.len().min(row.log.len()));
        let rest = |tokens: &[Token]| tokens.iter().skip(at).take(8).copied().collect::<Vec<_>>();
        let (kept, log) = (rest(&row.kept), rest(&row.log));
        assert_eq!(kept, log, "row {}: both columns take the tokens in one order", row.id);
        assert_eq!(row.count, row.log.len(), "row {}: each was counted once", row.id);
        let found: BTreeSet<Token> = row.log.iter().copied().collect();
        assert_eq!(found.len(), row.log.len(), "row {}: nothing was done twice", row.id);
        let wanted = expected.remove(&row.id).unwrap_or_default();
        let lost: Vec<_> = wanted.difference(&found).collect();
        let from_nowhere: Vec<_> = found.difference(&wanted).collect();
        assert_eq!((lost, from_nowhere), (Vec::new(), Vec::new()), "row {}", row.id);
    }
    assert_eq!(expected, BTreeMap::new(), "all rows are there");
    let circle = circle(rows);
    assert_eq!(circle, BTreeSet::new(), "no order of the transactions leads here");
}

/// Transactions that would have to come before themselves.
fn circle(rows: &[Row]) -> BTreeSet<Token> {
    let mut after: BTreeMap<Token, BTreeSet<Token>> = BTreeMap::new();
    let mut before: BTreeMap<Token, usize> = BTreeMap::new();
    for row in rows {
        for token in &row.log {
            before.entry(*token).or_default();
        }
        for (first, second) in row.log.iter().zip(row.log.iter().skip(1)) {
            if after.entry(*first).or_default().insert(*second) {
                *before.entry(*second).or_default() += 1;
            }
        }
    }
    let free = before.iter().filter(|(_, count)| **count == 0).map(|(token, _)| *token);
    let mut open: Vec<Token> = free.collect();
    while let Some(token) = open.pop() {
        before.remove(&token);
        for next in after.remove(&token).unwrap_or_default() {
            let Some(count) = before.get_mut(&next) else { continue };
            *count -= 1;
            if *count == 0 {
                open.push(next);
            }
        }
    }
    before.into_keys().collect()
}

#[test]
fn what_no_order_explains_is_found() {
    let row = |id, tokens: &[Token]| Row {
        id,
        kept: tokens.to_vec(),
        log: tokens.to_vec(),
        count: tokens.len(),
    };
    assert_eq!(circle(&[row(1, &[5, 6, 7]), row(2, &[5, 7])]), BTreeSet::new());
    assert_eq!(circle(&[row(1, &[5, 6, 7]), row(2, &[7, 5, 8])]), BTreeSet::from([5, 6, 7, 8]));
}
