//! Tables that rules are to fill and that nobody has made yet.
//!
//! Between its CREATE TABLE and the next look at the catalog the server has such a table and no generation knows it. A
//! statement that was sent on then would write rows that nobody ever sees: they are not in the tables that count.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::table::relation_name;
use crate::catalog::{Catalog, RelationName};
use crate::lens::{Lens, OpaquePolicy};
use crate::naming::Names;
use crate::phase::Phase;
use crate::rule::Rule;

/// A lens for each, without a column.
pub(super) fn lenses(rules: &[Rule], catalog: &Catalog) -> Vec<Lens> {
    let expanding = rules.iter().filter(|rule| rule.phase == Phase::Expand);
    let absent = expanding.filter_map(|rule| {
        let into = relation_name(rule.change.into_table()?)?;
        catalog.relation(&into).is_none().then(|| lens(rule, into))
    });
    absent.collect()
}

fn lens(rule: &Rule, relation: RelationName) -> Lens {
    Lens {
        relation,
        columns: Vec::new(),
        hidden: Vec::new(),
        hidden_exists: false,
        opaque: OpaquePolicy::Refuse,
        migrations: vec![rule.name.clone()],
        names: Arc::new(Names::default()),
        views: BTreeSet::new(),
        halving_views: BTreeSet::new(),
        stands_as: None,
        beside: Vec::new(),
        over: None,
        among: None,
        inserts: None,
        read_as: None,
    }
}
