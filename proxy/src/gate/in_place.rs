//! What is in the way of renaming a column itself (`strategy = "metadata"`).

use std::sync::Arc;

use rewrite_rules::rule::ColumnPair;
use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::{Client, Error, Transaction};

use super::finding::{About, Finding, Severity};
use super::functions::{Named, naming};
use super::step::Step;
use super::triggers::show_function;
use super::words::mentions;
use super::{answered, faults, snapshot};
use crate::catalog::in_time;
use crate::phase::rename::{names, renamed};

pub(super) async fn check(
    client: &mut Client,
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    pair: &ColumnPair,
    index: usize,
    to: Phase,
) -> Result<Vec<Finding>, String> {
    let Some(rule) = rules.get(index) else { return Ok(Vec::new()) };
    let after = renamed(catalog, pair, to);
    let Some(step) = Step::new(rule, to, catalog) else {
        let faults = faults::find(client, catalog, rules, index, to).await?;
        return Ok(faults::findings(rules, rule, to, &faults, &[]));
    };
    let mut findings = columns(&step, pair, to);
    if findings.is_empty() {
        let faults = faults::find(client, &after, rules, index, to).await?;
        findings.extend(faults::findings(rules, rule, to, &faults, &[]));
    }
    let of_server = async {
        let transaction = snapshot(client).await?;
        let mut findings = owner(&transaction, &step).await?;
        findings.extend(functions(&transaction, &step, names(pair, to).0).await?);
        Ok(findings)
    };
    findings.extend(answered(in_time(of_server).await)?);
    findings.sort_by_key(|finding| (finding.severity, finding.about));
    Ok(findings)
}

/// The column is there under its one name, and the other name is free.
fn columns(step: &Step<'_>, pair: &ColumnPair, to: Phase) -> Vec<Finding> {
    let (before, after) = names(pair, to);
    let mut findings = Vec::new();
    for member in &step.members {
        let table = &member.name;
        if member.table.column(before).is_none() {
            let message = format!("column \"{before}\" does not exist in \"{table}\"");
            findings.push(step.fault(Severity::Risky, About::MissingColumn, message, None));
        }
        if member.table.column(after).is_some() {
            let message = format!(
                "\"{table}\" has a column \"{after}\" already, and \"{before}\" is to be renamed to that"
            );
            findings.push(step.fault(Severity::Risky, About::Definition, message, None));
        }
    }
    findings
}

/// Only an owner may rename.
async fn owner(client: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let query = "
        SELECT c.oid, current_user::text, pg_get_userbyid(c.relowner)::text
        FROM pg_class c WHERE c.oid = ANY($1::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE')";
    let mut findings = Vec::new();
    for row in client.query(query, &[&step.oids()]).await? {
        let (oid, role, owner): (u32, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let Some(member) = step.member(oid) else { continue };
        let message = format!(
            "role \"{role}\" of \"control\" may not rename a column of \"{}\": it belongs to \"{owner}\"",
            member.name
        );
        let quoted = rewrite_rules::name::quoted;
        let grant = format!("GRANT {} TO {};", quoted(&owner), quoted(&role));
        findings.push(step.fault(Severity::Risky, About::Privilege, message, [grant]));
    }
    Ok(findings)
}

/// Everything else follows the column by its number; the source of a function is text.
async fn functions(
    client: &Transaction<'_>,
    step: &Step<'_>,
    name: &str,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for Named { function, source, of_tables } in naming(client, name).await? {
        let is_of_table = of_tables.iter().any(|table| step.member(*table).is_some());
        let table = step.members.iter().find(|it| is_of_table || mentions(&source, &it.name.name));
        let Some(table) = table else { continue };
        let message = format!(
            "function {function} names \"{}\" and \"{name}\", which there will not be any more",
            table.name.name
        );
        let show = show_function(&function);
        findings.push(step.finding(Severity::Risky, About::Function, message, [show]));
    }
    Ok(findings)
}
