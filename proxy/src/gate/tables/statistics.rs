//! What the planner knows of the new table before it is read.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::indexes::names_in;
use super::step::{Over, Step, Table};
use super::triggers::in_words;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::statistics::{APART, Extended, Unknown, extended_of, items, long_ago, unknown};
use crate::gate::step::{Move, free_name};

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.way() != Move::ReadNew {
        return Ok(Vec::new());
    }
    let mut findings = extended(transaction, step, new).await?;
    let analyze = format!("ANALYZE {};", new.sql);
    let (mut own, mut its) = (Vec::new(), Vec::new());
    for (from, to) in step.moved() {
        if let ([from], [to]) = (&*step.old.numbers([from]), &*new.numbers([to])) {
            own.push(*from);
            its.push(*to);
        }
    }
    let of = |table: &Table<'_>| vec![table.oid; own.len()];
    // Rows that are none of the old table's may well be NULL there.
    let keeps_values = step.part.is_none();
    let found =
        unknown(transaction, keeps_values, (&of(&step.old), &own), (&of(new), &its)).await?;
    let mut unknown: Vec<(&str, Vec<&str>)> = Vec::new();
    for Unknown { number, why, .. } in found {
        let Some(column) = new.column(number) else { continue };
        match unknown.iter_mut().find(|(known, _)| *known == why) {
            Some((_, columns)) if columns.contains(&column) => {}
            Some((_, columns)) => columns.push(column),
            None => unknown.push((why, vec![column])),
        }
    }
    let not_analyzed = |message: String, why: &str| {
        // Which of the two it was nobody can tell.
        let old = (why == APART).then(|| format!("ANALYZE {};", step.old.sql));
        let analyze = std::iter::once(analyze.clone()).chain(old);
        step.finding(Severity::Risky, About::NotAnalyzed, message, analyze)
    };
    if unknown.is_empty() && !long_ago(transaction, &[new.oid]).await?.is_empty() {
        let message = format!(
            "\"{}\" may have no statistics: it was not analyzed since many rows changed",
            new.name
        );
        findings.push(not_analyzed(message, ""));
    }
    findings.extend(unknown.into_iter().map(|(why, columns)| {
        not_analyzed(format!("\"{}\" {why}: {}", new.name, in_words(&columns)), why)
    }));
    Ok(findings)
}

/// Which of the old table's columns a statistics object is over.
pub(in crate::gate) fn over(step: &Step<'_>, object: &Extended) -> Over {
    let names = step.old.relation.columns.iter().map(|column| column.name.as_str());
    let is_named =
        |name: &&str| rewrite_rules::compile::renamed(&object.body, name, "") != object.body;
    step.over(names.filter(is_named))
}

/// Statistics over several columns, or over an expression.
async fn extended(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let objects = extended_of(transaction, &[step.old.oid, new.oid]).await?;
    let mut taken: Vec<String> = objects.iter().map(|object| object.name.clone()).collect();
    taken.extend(names_in(transaction, &new.name.schema).await?);
    let mut findings = Vec::new();
    for object in objects.iter().filter(|object| object.table == step.old.oid) {
        let wanted = step.there(&object.body);
        let is_there = |it: &Extended| it.table == new.oid && items(&it.body) == items(&wanted);
        if over(step, object) != Over::Moved || objects.iter().any(is_there) {
            continue;
        }
        let message = format!(
            "\"{}\" has no equivalent of statistics object \"{}\" of \"{}\"",
            new.name, object.name, step.old.name
        );
        let known: Vec<&str> = taken.iter().map(String::as_str).collect();
        let name = free_name(&step.counterpart_name(&new.name, &object.name), &known);
        let create = format!(
            "CREATE STATISTICS {}.{} {wanted} FROM {};",
            object.schema,
            quoted(&name),
            new.sql
        );
        taken.push(name);
        let analyze = format!("ANALYZE {};", new.sql);
        findings.push(step.finding(Severity::Risky, About::Statistics, message, [create, analyze]));
    }
    Ok(findings)
}
