//! The table that columns move to, as it should be: what makes it, with all that belongs to those columns
//! alone.

use rewrite_rules::catalog::{Column, RelationName};
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::tie;
use crate::config::parse_relation_name;
use crate::gate::constraints::{self, Constraint, Kind};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::{free_name, sql};
use crate::gate::tables::columns::type_of;
use crate::gate::tables::indexes::{created, names_in};
use crate::gate::tables::manner::{self, Manner};
use crate::gate::tables::step::{Over, Step, list};
use crate::gate::tables::{granted, owner, privileges, queries, row_security, statistics};
use crate::gate::words::mentions;
use crate::gate::{indexes, triggers};

/// The new table, and what the old one has of the moved columns that nobody but a human can carry.
struct NewTable {
    statements: Vec<String>,
    left: Vec<(About, String)>,
}

/// What is found where there is no new table.
pub(super) async fn missing(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    into: &str,
) -> Result<Vec<Finding>, Error> {
    // What is no name is told of as a fault of the rule.
    let Some(name) = parse_relation_name(into) else { return Ok(Vec::new()) };
    let NewTable { statements, left } = create(transaction, step, &name).await?;
    let message = format!("table \"{name}\" does not exist, and phase \"{}\" needs it", step.to);
    let note = |(about, what)| step.finding(Severity::Note, about, what, None);
    let mut findings = vec![step.not_ready(About::MissingTable, message, statements)];
    findings.extend(left.into_iter().map(note));
    findings.extend(privileges::wanted(transaction, step).await?);
    Ok(findings)
}

/// The statements that make the new table. The indexes come last: what is empty is quickly indexed.
async fn create(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    name: &RelationName,
) -> Result<NewTable, Error> {
    let table = sql(name);
    let mut left = Vec::new();
    let mut lines = columns(step);
    let to = list(step.key().map(|(_, to)| to));
    lines.push(format!("PRIMARY KEY ({to})"));
    lines.push(tie::definition(step));
    let mut names: Vec<String> = Vec::new();
    for constraint in constraints::of_tables(transaction, &[step.old.oid]).await? {
        match carried(step, &constraint) {
            Some(true) => {
                let definition = constraint.over(&|text| step.there(text));
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let new_name = free_name(&step.counterpart_name(name, &constraint.name), &known);
                lines.push(format!("CONSTRAINT {} {definition}", quoted(&new_name)));
                names.push(new_name);
            }
            Some(false) => {
                let what = format!("{} \"{}\"", constraint.kind.name(), constraint.name);
                left.push((About::MissingConstraint, of_old(step, &what)));
            }
            None => {}
        }
    }
    let Manner { create, with, .. } = manner::manner(transaction, &[step.old.oid]).await?;
    let lines = lines.join(",\n    ");
    let mut statements = vec![format!("{create} {table} (\n    {lines}\n){with};")];
    for row in transaction.query(queries::COMMENTS, &[&step.old.oid]).await? {
        let (column, comment): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if let Some((_, to)) = step.moved().find(|(from, _)| *from == column) {
            statements.push(format!("COMMENT ON COLUMN {table}.{} IS {comment};", quoted(to)));
        }
    }
    // Before anything that only whoever it belongs to may do; one table belongs to one role.
    statements.extend(owner::carried(transaction, &[step.old.oid], &table).await?.ok());
    let (security, policies) = row_security::carried(transaction, step, &table).await?;
    statements.extend(security);
    let policy = |name: String| (About::Policy, of_old(step, &format!("policy \"{name}\"")));
    left.extend(policies.into_iter().map(policy));
    statements.extend(granted::grants(transaction, step, &table).await?);
    let mut taken = names_in(transaction, &name.schema).await?;
    // What the table's own key will be called.
    taken.extend([format!("{}_pkey", name.name), name.name.clone()]);
    for index in indexes::of_tables(transaction, &[step.old.oid]).await? {
        match step.over(step.old.columns_of(&index)) {
            Over::Moved if index.valid && !index.exclusion => {
                let table = (name, table.as_str());
                let created = created(transaction, table, step, &index, &mut taken).await?;
                statements.extend(created.unwrap_or_default());
            }
            Over::Both if !index.exclusion => {
                let what = format!("index \"{}\"", index.name);
                left.push((About::MissingIndex, of_old(step, &what)));
            }
            Over::Kept | Over::Moved | Over::Both => {}
        }
    }
    left.extend(others(transaction, step).await?);
    left.extend(manner::left(transaction, step).await?);
    Ok(NewTable { statements, left })
}

/// The key and what moves, each as it is in the old table.
fn columns(step: &Step<'_>) -> Vec<String> {
    let line = |from: &str, to: &str, default: bool| {
        let column: &Column = step.old.relation.column(from)?;
        let default = column.default.as_ref().filter(|_| default);
        let default = default.map(|it| format!(" DEFAULT {}", it.expression)).unwrap_or_default();
        let not_null = if column.not_null { " NOT NULL" } else { "" };
        Some(format!("{} {}{default}{not_null}", quoted(to), type_of(column)))
    };
    // Nobody but the old table gives a key.
    let keys = step.key().filter_map(|(from, to)| line(from, to, false));
    keys.chain(step.moved().filter_map(|(from, to)| line(from, to, true))).collect()
}

/// Whether a constraint can be made along with the table; `None`: it is of what stays.
fn carried(step: &Step<'_>, constraint: &Constraint) -> Option<bool> {
    let names = constraint.columns.iter().filter_map(|number| step.old.column(*number));
    match (step.over(names), constraint.kind) {
        (Over::Kept, _) => None,
        // Rows of the past need not keep to one that is NOT VALID; a foreign key locks another table.
        (Over::Moved, Kind::Check) => Some(constraint.valid),
        (Over::Moved | Over::Both, _) => Some(false),
    }
}

fn of_old(step: &Step<'_>, what: &str) -> String {
    format!("{what} of \"{}\" is not carried to \"{}\"", step.old.name, step.into)
}

/// Triggers, statistics objects and publications.
async fn others(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<(About, String)>, Error> {
    let old = &step.old;
    let mut left = Vec::new();
    for trigger in triggers::of_tables(transaction, &[old.oid]).await? {
        let text = trigger.text();
        if step.moved().any(|(from, _)| mentions(&text, from)) {
            let what = format!("trigger \"{}\"", trigger.name);
            let message = format!(
                "{}; its function {} names columns that move",
                of_old(step, &what),
                trigger.function
            );
            left.push((About::Trigger, message));
        }
    }
    for object in crate::gate::statistics::extended_of(transaction, &[old.oid]).await? {
        if statistics::over(step, &object) != Over::Kept {
            let what = format!("statistics object \"{}\"", object.name);
            left.push((About::Statistics, of_old(step, &what)));
        }
    }
    for row in transaction.query(queries::PUBLICATIONS, &[&old.oid, &0_u32]).await? {
        let name: String = row.try_get(0)?;
        let message =
            format!("publication {name} has \"{}\" and is not given \"{}\"", old.name, step.into);
        left.push((About::Publication, message));
    }
    Ok(left)
}
