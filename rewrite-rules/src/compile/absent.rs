//! Tables that rules are to fill and that nobody has made yet.
//!
//! Between its CREATE TABLE and the next look at the catalog the server has such a table and no generation knows it. A
//! statement that was sent on then would write rows that nobody ever sees: they are not in the tables that count.

use super::table::relation_name;
use crate::catalog::Catalog;
use crate::lens::Lens;
use crate::phase::Phase;
use crate::rule::Rule;

/// A lens for each, without a column.
pub(super) fn lenses(rules: &[Rule], catalog: &Catalog) -> Vec<Lens> {
    let expanding = rules.iter().filter(|rule| rule.phase == Phase::Expand);
    let absent = expanding.filter_map(|rule| {
        let into = relation_name(rule.change.into_table()?)?;
        let migrations = vec![rule.name.clone()];
        let is_absent = catalog.relation(&into).is_none();
        is_absent.then(|| Lens { migrations, ..Lens::of(into, Vec::new()) })
    });
    absent.collect()
}
