//! What is in the way of columns that move to a table of their own: what [`tables`] looks at, and
//!
//! | file | what it looks at |
//! | --- | --- |
//! | [`ddl`] | the new table as it should be, and what cannot be carried to it |
//! | [`foreign_keys`] | those that go on acting in the old table when it is not written any more |
//! | [`tie`] | the foreign key that ties the halves of a row together |

mod ddl;
mod foreign_keys;
mod tie;

use std::sync::Arc;

use rewrite_rules::rule::Change;
use rewrite_rules::{Catalog, Fault, Phase, Rule};
use tokio_postgres::{Client, Error};

use super::constraints::Constraint;
use super::finding::{About, Finding};
use super::rows::Means;
use super::tables::step::{Step, Table};
use super::tables::{
    columns, constraints, deferrable, dependents, indexes, key, owner, privileges, row_security,
    stale, statistics, triggers,
};
use super::{Looked, answered, faults, halves, places, snapshot};
use crate::catalog::in_time;

pub(super) async fn look(
    client: &mut Client,
    means: Means<'_>,
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    index: usize,
    to: Phase,
) -> Result<Looked, String> {
    let Some(rule) = rules.get(index) else { return Ok(Looked::default()) };
    let Change::SplitTable(split) = &rule.change else { return Ok(Looked::default()) };
    let mut faults = faults::find(client, catalog, rules, index, to).await?;
    let mut looked = Looked::default();
    if let Some(step) = Step::of_split(rule, split, to, catalog) {
        let found = match Table::find(&split.into, catalog) {
            Some(new) if new.oid != step.old.oid => {
                // Rows are compared here.
                if new.is_there() {
                    looked = halves::check(client, means, catalog, rule, to).await?;
                }
                answered(in_time(of_server(client, &step, &new, catalog)).await)?
            }
            Some(_) => Vec::new(),
            None => answered(in_time(missing(client, &step, &split.into, catalog)).await)?,
        };
        looked.findings.extend(found);
        faults.retain(|fault| fault.rule != index || !is_told(fault, &looked.findings));
    }
    if (rule.phase, to) == (Phase::StopDualWrite, Phase::Contract) {
        looked.findings.extend(places::before_drop(catalog, rules, index));
    }
    let findings = &mut looked.findings;
    findings.extend(faults::findings(rules, rule, to, &faults, findings));
    faults::withhold(findings);
    findings.sort_by_key(|finding| (finding.severity, finding.about));
    findings.dedup();
    Ok(looked)
}

/// Whether what was found says of a fault how it is mended.
fn is_told(fault: &Fault, findings: &[Finding]) -> bool {
    let mut found = findings.iter().filter(|finding| !finding.forcible);
    match fault.key {
        "into" => found.any(|found| found.about == About::MissingTable),
        "key" if fault.message.contains(" is no primary key of ") => found.any(|found| {
            matches!(
                found.about,
                About::NotNull | About::UniqueIndex | About::MissingIndex | About::InvalidIndex
            )
        }),
        "columns" => found.any(|found| {
            let named = found.message.split_once(" in ").map_or("", |(named, _)| named);
            found.about == About::MissingColumn && fault.message.starts_with(named)
        }),
        _ => false,
    }
}

/// The new table is not there: what makes it, and what cannot be made along with it.
async fn missing(
    client: &mut Client,
    step: &Step<'_>,
    into: &str,
    catalog: &Catalog,
) -> Result<Vec<Finding>, Error> {
    if step.way().is_leaving() {
        return Ok(Vec::new());
    }
    let transaction = snapshot(client).await?;
    let mut findings = ddl::missing(&transaction, step, into).await?;
    findings.extend(columns::above(step, catalog));
    transaction.commit().await?;
    Ok(findings)
}

/// What the server's catalogs tell, in one snapshot.
async fn of_server(
    client: &mut Client,
    step: &Step<'_>,
    new: &Table<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Finding>, Error> {
    let transaction = snapshot(client).await?;
    if step.way().is_leaving() {
        let findings = stale::check(&transaction, step, new).await?;
        transaction.commit().await?;
        return Ok(findings);
    }
    let mut findings = columns::check(step, new, catalog, None);
    // Supposed to be as it is made here.
    if !new.is_there() {
        findings.extend(dependents::check(&transaction, step, new, catalog).await?);
        transaction.commit().await?;
        return Ok(findings);
    }
    findings.extend(key::check(&transaction, step, new).await?);
    findings.extend(tie::check(&transaction, step, new).await?);
    findings.extend(foreign_keys::check(&transaction, step).await?);
    findings.extend(deferrable::check(&transaction, step, new).await?);
    let tie = tie::tie(&transaction, step, new).await?;
    let is_tie = |it: &Constraint| tie::is_tie(step, new, tie.as_deref(), it);
    findings.extend(indexes::check(&transaction, step, new).await?);
    findings.extend(constraints::check(&transaction, step, new, &is_tie).await?);
    findings.extend(privileges::check(&transaction, step, new).await?);
    findings.extend(row_security::check(&transaction, step, new, true).await?);
    findings.extend(owner::check(&transaction, step, new, &[step.old.oid]).await?);
    findings.extend(triggers::check(&transaction, step, new).await?);
    findings.extend(dependents::check(&transaction, step, new, catalog).await?);
    findings.extend(statistics::check(&transaction, step, new).await?);
    transaction.commit().await?;
    Ok(findings)
}
