//! What is in the way of tables whose rows become parts of the rows of one: for each of them what [`tables`]
//! looks at, and
//!
//! | file | what it looks at |
//! | --- | --- |
//! | [`alike`] | keys that count as the same and are not |
//! | [`ddl`], [`grants`] | the new table as it should be, and what cannot be carried to it |
//! | [`new_table`] | what the new table asks of rows that have no part of some table's |
//! | [`blank`] | whether it takes rows that are at their defaults |
//! | [`foreign_keys`] | by which rows go or change without a statement of a client's |
//! | [`referring`] | foreign keys that refer to a table that goes away |
//!
//! [`tables`]: super::tables

mod alike;
mod blank;
mod ddl;
mod foreign_keys;
mod grants;
mod new_table;
mod referring;

use std::sync::Arc;

use rewrite_rules::rule::{Change, MergeTables};
use rewrite_rules::{Catalog, Fault, Phase, Rule};
use tokio_postgres::{Client, Error};

use super::constraints::Constraint;
use super::finding::{About, Finding};
use super::rows::Means;
use super::tables::step::{Step, Table};
use super::tables::{
    columns, constraints, deferrable, dependents, indexes, key, owner, privileges, row_security,
    statistics, triggers,
};
use super::{Looked, answered, faults, halves, places, snapshot};
use crate::catalog::in_time;

/// A step of one merge.
struct Subject<'a> {
    merge: &'a MergeTables,
    /// Of each table that is there still.
    steps: Vec<Step<'a>>,
}

impl Subject<'_> {
    fn oids(&self) -> Vec<u32> {
        self.steps.iter().map(|step| step.old.oid).collect()
    }

    /// Whether it is one of the tables that are merged.
    fn is_source(&self, oid: u32) -> bool {
        self.steps.iter().any(|step| step.old.oid == oid)
    }
}

pub(super) async fn look(
    client: &mut Client,
    means: Means<'_>,
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    index: usize,
    to: Phase,
) -> Result<Looked, String> {
    let Some(rule) = rules.get(index) else { return Ok(Looked::default()) };
    let Change::MergeTables(merge) = &rule.change else { return Ok(Looked::default()) };
    let mut faults = faults::find(client, catalog, rules, index, to).await?;
    let mut looked = Looked::default();
    let sources = merge.sources.iter();
    let steps = sources.filter_map(|source| Step::of_source(rule, merge, source, to, catalog));
    let subject = Subject { merge, steps: steps.collect() };
    let found = match Table::find(&merge.into, catalog) {
        Some(new) if subject.is_source(new.oid) && new.is_there() => Vec::new(),
        Some(new) => {
            if new.is_there() {
                looked = halves::check(client, means, catalog, rule, to).await?;
                looked.findings.extend(blank::check(client, &subject, &new).await?);
            }
            answered(in_time(of_server(client, &subject, &new, catalog)).await)?
        }
        None => answered(in_time(missing(client, &subject, catalog)).await)?,
    };
    looked.findings.extend(found);
    faults.retain(|fault| fault.rule != index || !is_told(fault, &looked.findings));
    if (rule.phase, to) == (Phase::StopDualWrite, Phase::Contract) {
        looked.findings.extend(places::before_drop(catalog, rules, index));
    }
    let findings = &mut looked.findings;
    findings.extend(faults::findings(rules, rule, to, &faults, findings));
    faults::withhold(findings);
    findings.sort_by_key(|finding| (finding.severity, finding.about));
    let mut known: Vec<Finding> = Vec::new();
    // What is said of the new table is found beside each of the others.
    findings.retain(|finding| {
        let is_new = !known.contains(finding);
        if is_new {
            known.push(finding.clone());
        }
        is_new
    });
    Ok(looked)
}

/// Whether what was found says of a fault how it is mended.
fn is_told(fault: &Fault, findings: &[Finding]) -> bool {
    let mut found = findings.iter().filter(|finding| !finding.forcible);
    let named = |finding: &Finding| {
        let begins = finding.message.split(['"']).nth(1).unwrap_or_default().to_owned();
        fault.message.starts_with(&format!("column \"{begins}\""))
    };
    match fault.key {
        "into" => found
            .any(|it| it.about == About::MissingTable || (it.about == About::NotNull && named(it))),
        "key" if fault.message.contains(" is no primary key of ") => found.any(|found| {
            matches!(
                found.about,
                About::NotNull | About::UniqueIndex | About::MissingIndex | About::InvalidIndex
            )
        }),
        "columns" | "present" => {
            found.any(|it| matches!(it.about, About::MissingColumn | About::NotNull) && named(it))
        }
        _ => false,
    }
}

/// The new table is not there: what makes it, and what cannot be made along with it.
async fn missing(
    client: &mut Client,
    subject: &Subject<'_>,
    catalog: &Catalog,
) -> Result<Vec<Finding>, Error> {
    match subject.steps.first() {
        Some(step) if !step.way().is_leaving() => {}
        Some(_) | None => return Ok(Vec::new()),
    }
    let transaction = snapshot(client).await?;
    let mut findings = ddl::missing(&transaction, subject).await?;
    findings.extend(subject.steps.iter().filter_map(|step| columns::above(step, catalog)));
    transaction.commit().await?;
    Ok(findings)
}

/// What the server's catalogs tell, in one snapshot.
async fn of_server(
    client: &mut Client,
    subject: &Subject<'_>,
    new: &Table<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let transaction = snapshot(client).await?;
    let carried = row_security::carried_by_all(&transaction, &subject.steps, &new.sql).await?;
    let is_same = carried.is_some();
    for step in subject.steps.iter().filter(|step| !step.way().is_leaving()) {
        // Supposed to be as it is made here.
        if !new.is_there() {
            findings.extend(columns::check(step, new, catalog, None));
            findings.extend(dependents::check(&transaction, step, new, catalog).await?);
            findings.extend(referring::check(&transaction, subject, step, new).await?);
            continue;
        }
        let checks = super::constraints::of_tables(&transaction, &[new.oid]).await?;
        findings.extend(columns::check(step, new, catalog, Some(&checks)));
        findings.extend(key::check(&transaction, step, new).await?);
        findings.extend(indexes::check(&transaction, step, new).await?);
        let alone = new_table::of_one_alone(&transaction, subject, step).await?;
        findings.extend(alone.iter().filter_map(|it| new_table::not_carried(step, it)));
        let is_apart = |it: &Constraint| {
            let is_alone = |own: &Constraint| (own.table, &own.name) == (it.table, &it.name);
            foreign_keys::is_apart(step, new, it) || alone.iter().any(is_alone)
        };
        findings.extend(constraints::check(&transaction, step, new, &is_apart).await?);
        findings.extend(foreign_keys::check(&transaction, subject, step, new).await?);
        findings.extend(deferrable::check(&transaction, step, new).await?);
        findings.extend(privileges::check(&transaction, step, new).await?);
        findings.extend(row_security::check(&transaction, step, new, is_same).await?);
        findings.extend(owner::check(&transaction, step, new, &subject.oids()).await?);
        findings.extend(triggers::check(&transaction, step, new).await?);
        findings.extend(dependents::check(&transaction, step, new, catalog).await?);
        findings.extend(referring::check(&transaction, subject, step, new).await?);
        findings.extend(statistics::check(&transaction, step, new).await?);
    }
    if new.is_there() {
        findings.extend(new_table::check(&transaction, subject, new).await?);
        findings.extend(alike::check(&transaction, subject, new).await?);
    }
    transaction.commit().await?;
    Ok(findings)
}
