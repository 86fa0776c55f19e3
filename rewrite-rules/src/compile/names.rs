//! What the server may call by names that a client does not expect.

use super::ColumnChange;
use super::table::relation_name;
use crate::lens::{Beside, Names};
use crate::rule::{Change, Rule, SplitTable};
use crate::shape::Shape;

/// For a client of the shape, of a table with these changes, and tables beside it.
pub(super) fn names(
    shape: Shape,
    rules: &[Rule],
    changes: &[(usize, ColumnChange)],
    beside: &[(usize, Beside)],
) -> Names {
    let mut names = Names::default();
    for (index, change) in changes {
        let Some((own, other)) = change.pair(shape) else { continue };
        names.columns.push((other.column.name.clone(), own.column.name.clone()));
        let pair = rules.get(*index).and_then(|rule| rule.change.pair());
        let declared = pair.into_iter().flat_map(|pair| &pair.constraints);
        names.constraints.extend(declared.map(|(old, new)| match shape {
            Shape::Old => (new.clone(), old.clone()),
            Shape::New => (old.clone(), new.clone()),
        }));
    }
    // A client of the new shape knows the other table.
    for (index, _) in beside.iter().filter(|_| shape == Shape::Old) {
        let Some(Rule { change: Change::SplitTable(split), .. }) = rules.get(*index) else {
            continue;
        };
        halves(&mut names, split);
    }
    names
}

/// What is of the new table is to the client of the old one.
fn halves(names: &mut Names, split: &SplitTable) {
    let (Some(table), Some(into)) = (relation_name(&split.table), relation_name(&split.into))
    else {
        return;
    };
    names.relations.push((into.name, table.name));
    let pairs = split.key.pairs().chain(split.columns.pairs());
    let others = pairs.filter(|(own, its)| own != its);
    names.columns.extend(others.map(|(own, its)| (its.to_owned(), own.to_owned())));
    let declared = split.constraints.iter();
    names.constraints.extend(declared.map(|(old, new)| (new.clone(), old.clone())));
}
