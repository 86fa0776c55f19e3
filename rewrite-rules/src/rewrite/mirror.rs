//! The unique indexes that stand beside the arbiter of an ON CONFLICT because a column is written
//! twice.

use std::collections::BTreeSet;

use super::Rewriter;
use crate::Catalog;
use crate::catalog::{Key, RelationKind, RelationName};
use crate::lens::{Access, Lens};
use crate::outcome::Mirror;

impl Rewriter<'_> {
    /// Notes which indexes the present statement may violate though its arbiter is over `columns`.
    pub(super) fn note_mirrors<'l>(
        &mut self,
        lens: &Lens,
        columns: impl IntoIterator<Item = &'l str>,
    ) {
        let arbiter: BTreeSet<&str> = columns.into_iter().collect();
        if arbiter.is_empty() || lens.columns.iter().all(|column| column.put.len() < 2) {
            return;
        }
        let mut found = BTreeSet::new();
        add_mirrors(self.generation.catalog(), lens, &lens.relation, &arbiter, &mut found);
        if !found.is_empty() {
            let mirrors = &mut self.replies.entry(self.statement).or_default().mirrors;
            found.extend(mirrors.drain(..));
            mirrors.extend(found);
        }
    }
}

/// The mirrors of one table, and of its partitions: their indexes have names of their own.
fn add_mirrors(
    catalog: &Catalog,
    lens: &Lens,
    relation: &RelationName,
    arbiter: &BTreeSet<&str>,
    found: &mut BTreeSet<Mirror>,
) {
    let Some(table) = catalog.relation(relation) else { return };
    let wanted = meant(lens, arbiter.iter().copied());
    let is_mirror = |key: &&Key| {
        let own: BTreeSet<&str> = key.columns.iter().map(String::as_str).collect();
        own != *arbiter && meant(lens, own) == wanted
    };
    let mirrors = table.keys.iter().chain(&table.building).filter(is_mirror);
    found.extend(mirrors.map(|key| Mirror { relation: relation.clone(), name: key.name.clone() }));
    if table.kind == RelationKind::PartitionedTable {
        for partition in &table.children {
            add_mirrors(catalog, lens, partition, arbiter, found);
        }
    }
}

/// Physical columns, with one of them for all that are written together.
fn meant<'l>(lens: &'l Lens, physical: impl IntoIterator<Item = &'l str>) -> BTreeSet<&'l str> {
    let together = |access: &[Access], name: &str| {
        access.len() > 1 && access.iter().any(|access| access.column == name)
    };
    let one = |name: &'l str| {
        let column = lens.columns.iter().find(|column| together(&column.put, name));
        let written = column.into_iter().flat_map(|column| &column.put);
        written.map(|access| access.column.as_str()).min().unwrap_or(name)
    };
    physical.into_iter().map(one).collect()
}
