//! The views over the catalogs, each by its own definition: rewritten as a client's query would be.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bodies;
use crate::catalog::{Catalog, RelationName};
use crate::catalog_lens::{Select, StandIn};
use crate::generation::Generation;
use crate::rewrite::stand_in;
use crate::shape::Shape;

/// Views of whole tables: they show nothing else where only columns do.
const OF_TABLES: [&str; 4] = ["pg_tables", "tables", "table_privileges", "role_table_grants"];

/// Adds the views that show a governed table to what a generation has of the catalogs. `of_tables`: whether tables
/// show that the server does not have.
pub(super) fn add(
    generation: &mut Generation,
    shape: Shape,
    migrations: &[String],
    of_tables: bool,
) {
    let catalog = Arc::clone(generation.catalog());
    for name in in_order(&catalog) {
        if !of_tables && OF_TABLES.contains(&name.name.as_str()) {
            continue;
        }
        let Some(relation) = catalog.system.relations.get(&name) else { continue };
        let definition = relation.definition.as_deref().unwrap_or_default();
        if let Some(list) = stand_in(generation, shape, definition) {
            let selects = vec![Select { list, rest: String::new() }];
            let query = StandIn { selects, alias: None };
            let lens = bodies::lens(name, &relation.columns, query, migrations);
            generation.catalogs_mut(shape).relations.push(lens);
        }
    }
}

/// The views, each behind those that it reads.
fn in_order(catalog: &Catalog) -> Vec<RelationName> {
    let mut ordered = Vec::new();
    let mut open = BTreeSet::new();
    for name in catalog.system.relations.keys() {
        visit(catalog, name, &mut open, &mut ordered);
    }
    ordered
}

fn visit(
    catalog: &Catalog,
    name: &RelationName,
    open: &mut BTreeSet<RelationName>,
    ordered: &mut Vec<RelationName>,
) {
    let Some(definition) = catalog.system.relations.get(name).and_then(|it| it.definition.as_ref())
    else {
        return;
    };
    if !open.insert(name.clone()) {
        return;
    }
    // A name that is mentioned but not read does no harm: only the order changes.
    let words = definition.split(|c: char| !c.is_alphanumeric() && c != '_');
    for word in words.collect::<BTreeSet<&str>>() {
        for schema in ["pg_catalog", "information_schema"] {
            visit(catalog, &RelationName::new(schema, word), open, ordered);
        }
    }
    ordered.push(name.clone());
}
