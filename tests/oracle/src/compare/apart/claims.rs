//! What must hold of every write, in whatever way it is put together.

use std::collections::BTreeSet;

use super::{Of, relation};
use crate::compare::{Check, Walk};
use crate::tree::Tree;

impl<'s> Walk<'s> {
    /// The same parameters and constants; the tables that the phase says are written, and no others.
    pub(super) fn claimed(
        &self,
        client: &Tree,
        output: &Tree,
        writes: &[(&Tree, Of<'s>)],
    ) -> Check {
        let (ours, theirs) = (parameters(client), parameters(output));
        if ours != theirs {
            return self.fail("other parameters", &format!("{ours:?}"), &format!("{theirs:?}"));
        }
        let (ours, theirs) = (constants(client), constants(output));
        if let Some(lost) = ours.difference(&theirs).next() {
            return self.fail("a constant is lost", lost, output);
        }
        let (mut may, must) = self.reach(writes);
        let written = |tree: &Tree| -> BTreeSet<_> {
            tree.nodes()
                .filter(|node| super::WRITES.contains(&node.tag()))
                .filter_map(|node| node.field("relation").map(relation))
                .collect()
        };
        may.extend(written(client));
        let found = written(output);
        if let Some(other) = found.iter().find(|name| !may.contains(name)) {
            return self.fail("a table that this phase does not write", &other.to_string(), output);
        }
        match must.iter().find(|name| !found.contains(name)) {
            Some(name) => self.fail("a table is not written", &name.to_string(), output),
            None => Ok(()),
        }
    }
}

fn parameters(tree: &Tree) -> BTreeSet<i64> {
    tree.nodes().filter(|node| node.is("ParamRef")).map(|node| node.number("number")).collect()
}

/// Strings and numbers, but for those that ORDER BY calls columns by.
fn constants(tree: &Tree) -> BTreeSet<String> {
    let value = |node: &Tree| node.field("val").map(Tree::to_string);
    let keys = tree.nodes().filter(|node| node.is("SortBy")).filter_map(|key| key.field("node"));
    let places: Vec<String> = keys.filter(|key| key.is("AConst")).filter_map(value).collect();
    let nodes = tree.nodes().filter(|node| node.is("AConst"));
    nodes.filter_map(value).filter(|value| !places.contains(value)).collect()
}
