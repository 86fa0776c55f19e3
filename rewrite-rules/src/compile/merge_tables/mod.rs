//! `merge-tables`: the rows of several tables become parts of the rows of one. Each of them has a lens: the
//! table itself, or its part of the new one. Clients of either shape see the same.

mod check;
mod new_table;
pub(super) mod ready;
mod source;

use super::Fault;
use super::table::{find_table_as, relation_name};
use crate::catalog::{Catalog, Relation, RelationName};
use crate::lens::Lens;
use crate::phase::Phase;
use crate::rule::{MergeTables, Rule};

use source::Source;

/// A rule of this kind beside what the catalog says of it.
struct Subject<'a> {
    rule: &'a Rule,
    merge: &'a MergeTables,
    sources: Vec<Source<'a>>,
    /// The new table, once it is there.
    into: Option<(RelationName, &'a Relation)>,
    catalog: &'a Catalog,
}

/// The lenses of all its tables.
pub(super) fn compile(
    rule: &Rule,
    merge: &MergeTables,
    catalog: &Catalog,
) -> Result<Vec<Lens>, Vec<Fault>> {
    let subject = Subject::find(rule, merge, catalog)?;
    let faults = check::faults(&subject);
    if !faults.is_empty() {
        return Err(faults);
    }
    let sources = subject.sources.iter().filter_map(|source| source.lens(&subject));
    Ok(sources.chain(new_table::lens(&subject)).collect())
}

impl<'a> Subject<'a> {
    fn find(
        rule: &'a Rule,
        merge: &'a MergeTables,
        catalog: &'a Catalog,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let into = match find_table_as("into", &merge.into, catalog) {
            Ok(found) => Some(found),
            Err(fault) => {
                faults.extend(Some(fault).filter(|_| rule.phase != Phase::Expand));
                None
            }
        };
        let mut sources = Vec::new();
        for source in &merge.sources {
            let gone = || {
                let name = relation_name(&source.table)?;
                let is_gone = rule.phase == Phase::Contract && catalog.relation(&name).is_none();
                Some((name, &into.as_ref()?.1)).filter(|_| is_gone)
            };
            match (find_table_as("table", &source.table, catalog), gone()) {
                (Ok((relation, table)), _) => {
                    sources.push(Source::new(merge, source, relation, table));
                }
                (Err(_), Some((relation, new))) => {
                    sources.push(Source::gone(merge, source, relation, new));
                }
                (Err(fault), None) => faults.push(fault),
            }
        }
        match faults.is_empty() {
            true => Ok(Self { rule, merge, sources, into, catalog }),
            false => Err(faults),
        }
    }
}
