//! What the planner knows of the new column before it is read: without ANALYZE it guesses.

use std::collections::BTreeSet;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::definitions;
use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Member, Move, Step};

/// Statistics that were taken before the backfill say that the column is NULL. Unit: share of rows.
const NULL_SHARE: f32 = 0.1;

/// Where the statistics themselves may not be seen: so many changed rows, of all rows, are few
/// enough for them to be good still. Unit: per cent (as `autovacuum_analyze_scale_factor`).
const CHANGED_PERCENT: i64 = 10;

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.way() != Move::ReadNew {
        return Ok(Vec::new());
    }
    let mut findings = extended(transaction, step).await?;
    findings.extend(of_columns(transaction, step).await?);
    findings.extend(of_tables(transaction, step).await?);
    Ok(findings)
}

/// By what `pg_stats` shows, where the role may see it.
async fn of_columns(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let (oids, old, new) = step.both_numbers();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&oids, &old, &new, &NULL_SHARE];
    let mut findings = Vec::new();
    for row in transaction.query(queries::STATISTICS, &parameters).await? {
        let Some(member) = step.member(row.try_get(0)?) else { continue };
        let (old, new, apart): (bool, bool, bool) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        // A table that was never analyzed is no worse off than before.
        let why = match (old, new, apart && step.keeps_values()) {
            (true, false, _) => "has no statistics",
            (true, true, true) => "has statistics of a time when it held other values",
            (false, _, _) | (true, true, false) => continue,
        };
        let analyze = format!("ANALYZE {} ({});", member.sql, quoted(&step.pair.to));
        findings.push(not_analyzed(step, member, why, analyze));
    }
    findings.dedup();
    Ok(findings)
}

/// By when the table was analyzed, where the role may not see what came of it.
async fn of_tables(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for row in transaction.query(queries::ANALYZED, &[&step.oids()]).await? {
        let Some(member) = step.member(row.try_get(0)?) else { continue };
        let (unseen, rows, changed, ever): (bool, i64, i64, bool) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let few = changed.saturating_mul(100) <= rows.saturating_mul(CHANGED_PERCENT);
        if unseen && rows > 0 && !(ever && few) {
            let why = "may have no statistics: the table was not analyzed since many rows changed";
            // Of single columns it would not be counted.
            findings.push(not_analyzed(step, member, why, format!("ANALYZE {};", member.sql)));
        }
    }
    Ok(findings)
}

fn not_analyzed(step: &Step<'_>, member: &Member<'_>, why: &str, analyze: String) -> Finding {
    let message = format!("column \"{}\" of \"{}\" {why}", step.pair.to, member.name);
    step.finding(Severity::Risky, About::NotAnalyzed, message, [analyze])
}

/// The parts of a statistics object's definition, whose columns the server puts in an order of its
/// own.
fn items(body: &str) -> BTreeSet<&str> {
    let (kinds, columns) = body.split_once("ON ").unwrap_or(("", body));
    columns.split(", ").chain([kinds]).collect()
}

/// Statistics over several columns, or over an expression.
async fn extended(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let rows = transaction.query(queries::EXTENDED, &[&step.oids()]).await?;
    let mut objects = Vec::new();
    for row in &rows {
        let (table, name, schema): (u32, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (definition, begin, end): (String, String, String) =
            (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        let Some(body) = definitions::between(&definition, &begin, &end) else { continue };
        objects.push((table, name, schema, body.to_owned()));
    }
    let mut findings = Vec::new();
    for (table, name, schema, body) in &objects {
        let Some(member) = step.member(*table) else { continue };
        let wanted = definitions::renamed_in(step, body);
        let is_there =
            objects.iter().any(|(other, _, _, it)| other == table && items(it) == items(&wanted));
        if member.new.is_none() || wanted == *body || is_there {
            continue;
        }
        let message = format!(
            "column \"{}\" of \"{}\" has no equivalent of statistics object \"{name}\"",
            step.pair.to, member.name
        );
        let taken: Vec<&str> = objects.iter().map(|(_, name, _, _)| name.as_str()).collect();
        let new_name = definitions::new_name(step, member, name, &taken);
        let create = format!("CREATE STATISTICS {schema}.{new_name} {wanted} FROM {};", member.sql);
        let analyze = format!("ANALYZE {};", member.sql);
        findings.push(step.finding(Severity::Risky, About::Statistics, message, [create, analyze]));
    }
    Ok(findings)
}
