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

/// Why less is known of a column: it, or the old one, which has changed since.
pub(super) const APART: &str = "has statistics of a time when it held other values";

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
    let unknown = unknown(transaction, step.keeps_values(), (&oids, &old), (&oids, &new)).await?;
    let mut findings = Vec::new();
    for Unknown { table, number: _, why } in unknown {
        let Some(member) = step.member(table) else { continue };
        let (from, to) = (quoted(&step.pair.from), quoted(&step.pair.to));
        let columns = if why == APART { format!("{to}, {from}") } else { to };
        let analyze = format!("ANALYZE {} ({columns});", member.sql);
        findings.push(not_analyzed(step, member, why, analyze));
    }
    findings.dedup();
    Ok(findings)
}

/// A new column of whose values the planner knows nothing, or what is not true any more.
pub(super) struct Unknown {
    /// The table of the old column.
    table: u32,
    pub(super) number: i16,
    pub(super) why: &'static str,
}

/// The new columns of whose values less is known than of the old ones', each by table and number.
pub(super) async fn unknown(
    transaction: &Transaction<'_>,
    keeps_values: bool,
    old: (&[u32], &[i16]),
    new: (&[u32], &[i16]),
) -> Result<Vec<Unknown>, Error> {
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&old.0, &old.1, &new.0, &new.1, &NULL_SHARE];
    let mut found = Vec::new();
    for row in transaction.query(queries::STATISTICS, &parameters).await? {
        let (old, new, apart): (bool, bool, bool) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        // A table that was never analyzed is no worse off than before.
        let why = match (old, new, apart && keeps_values) {
            (true, false, _) => "has no statistics",
            (true, true, true) => APART,
            (false, _, _) | (true, true, false) => continue,
        };
        found.push(Unknown { table: row.try_get(0)?, number: row.try_get(1)?, why });
    }
    Ok(found)
}

/// By when the table was analyzed, where the role may not see what came of it.
async fn of_tables(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for table in long_ago(transaction, &step.oids()).await? {
        let Some(member) = step.member(table) else { continue };
        let why = "may have no statistics: the table was not analyzed since many rows changed";
        // Of single columns it would not be counted.
        findings.push(not_analyzed(step, member, why, format!("ANALYZE {};", member.sql)));
    }
    Ok(findings)
}

/// Those of the tables whose statistics the role may not see, and which were not analyzed since many rows
/// changed.
pub(super) async fn long_ago(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Vec<u32>, Error> {
    let mut found = Vec::new();
    for row in transaction.query(queries::ANALYZED, &[&oids]).await? {
        let (unseen, rows, changed, ever): (bool, i64, i64, bool) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let few = changed.saturating_mul(100) <= rows.saturating_mul(CHANGED_PERCENT);
        if unseen && rows > 0 && !(ever && few) {
            found.push(row.try_get(0)?);
        }
    }
    Ok(found)
}

fn not_analyzed(step: &Step<'_>, member: &Member<'_>, why: &str, analyze: String) -> Finding {
    let message = format!("column \"{}\" of \"{}\" {why}", step.pair.to, member.name);
    step.finding(Severity::Risky, About::NotAnalyzed, message, [analyze])
}

/// The parts of a statistics object's definition, whose columns the server puts in an order of its
/// own.
pub(super) fn items(body: &str) -> BTreeSet<&str> {
    let (kinds, columns) = body.split_once("ON ").unwrap_or(("", body));
    columns.split(", ").chain([kinds]).collect()
}

/// A statistics object.
pub(super) struct Extended {
    pub(super) table: u32,
    pub(super) name: String,
    /// As SQL writes it.
    pub(super) schema: String,
    /// What it is of, without its own name and its table's.
    pub(super) body: String,
}

/// The statistics objects of these tables.
pub(super) async fn extended_of(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Vec<Extended>, Error> {
    let mut objects = Vec::new();
    for row in transaction.query(queries::EXTENDED, &[&oids]).await? {
        let (definition, begin, end): (String, String, String) =
            (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        let Some(body) = definitions::between(&definition, &begin, &end) else { continue };
        objects.push(Extended {
            table: row.try_get(0)?,
            name: row.try_get(1)?,
            schema: row.try_get(2)?,
            body: body.to_owned(),
        });
    }
    Ok(objects)
}

/// Statistics over several columns, or over an expression.
async fn extended(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let objects = extended_of(transaction, &step.oids()).await?;
    let mut findings = Vec::new();
    for Extended { table, name, schema, body } in &objects {
        let Some(member) = step.member(*table) else { continue };
        let wanted = definitions::renamed_in(step, body);
        let is_there =
            objects.iter().any(|it| it.table == *table && items(&it.body) == items(&wanted));
        if member.new.is_none() || wanted == *body || is_there {
            continue;
        }
        let message = format!(
            "column \"{}\" of \"{}\" has no equivalent of statistics object \"{name}\"",
            step.pair.to, member.name
        );
        let taken: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
        let new_name = definitions::new_name(step, member, name, &taken);
        let create = format!("CREATE STATISTICS {schema}.{new_name} {wanted} FROM {};", member.sql);
        let analyze = format!("ANALYZE {};", member.sql);
        findings.push(step.finding(Severity::Risky, About::Statistics, message, [create, analyze]));
    }
    Ok(findings)
}
