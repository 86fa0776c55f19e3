//! Whether both columns are the same in all rows, before the side that is read changes.

use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Catalog;
use rewrite_rules::lens::Access;
use rewrite_rules::name::quoted;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::finding::{About, Finding, Severity};
use super::step::{Member, Move, Step};
use super::{answered, queries};
use crate::catalog::{ANSWER_TIMEOUT_S, in_time, reason};
use crate::verify::whole::{self, COUNTED, Difference, Differences, Sides};
use crate::walk::work::{Toward, expected};

pub(super) async fn check(
    client: &mut Client,
    step: &Step<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Finding>, String> {
    let toward = match step.way() {
        Move::ReadNew => Toward::New,
        Move::ReadOldAgain => Toward::Old,
        Move::WriteBoth
        | Move::LeaveOld
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::LeaveNew
        | Move::Stay => return Ok(Vec::new()),
    };
    let Some(root) = step.members.first() else { return Ok(Vec::new()) };
    if root.old.is_none() || root.new.is_none() {
        return Ok(Vec::new());
    }
    let not_compared = |why: &str, remedy: Vec<String>| {
        let message = format!("the rows of \"{}\" cannot be compared: {why}", root.name);
        vec![step.finding(Severity::LosesData, About::NotCompared, message, remedy)]
    };
    let Some(access) = expected(step.rule, toward, catalog) else {
        return Ok(not_compared(
            "the migration cannot be compiled for its present phase",
            Vec::new(),
        ));
    };
    let (_, target) = toward.columns(step.pair);
    let sides = Sides {
        relation: root.sql.clone(),
        key: key(root, target),
        expected: access.read("t."),
        found: format!("t.{}", quoted(target)),
    };
    let patience = Duration::from_millis(whole::STATEMENT_TIMEOUT_MS)
        .saturating_add(Duration::from_secs(ANSWER_TIMEOUT_S));
    let compared = match tokio::time::timeout(patience, whole::compare(client, &sides)).await {
        Ok(compared) => compared,
        Err(_elapsed) => return Err(format!("the server did not answer within {patience:?}")),
    };
    match compared {
        Ok(differences) if differences.count == 0 => Ok(Vec::new()),
        Ok(differences) => Ok(vec![differ(step, root, toward, &access, &differences)]),
        Err(error) => match error.code() {
            None => Err(reason(&error)),
            Some(code) => {
                let remedy = match *code == SqlState::INSUFFICIENT_PRIVILEGE {
                    true => access_to(client, root.oid, &root.sql).await?,
                    false => Vec::new(),
                };
                Ok(not_compared(&reason(&error), remedy))
            }
        },
    }
}

/// The columns by which rows are told: the primary key, unless the target is part of it.
fn key(root: &Member<'_>, target: &str) -> Vec<String> {
    let keys = root.table.keys.iter().filter(|key| key.primary);
    let mut usable = keys.filter(|key| !key.columns.iter().any(|it| it == target));
    usable.next().map(|key| key.columns.clone()).unwrap_or_default()
}

fn differ(
    step: &Step<'_>,
    root: &Member<'_>,
    toward: Toward,
    access: &Access,
    differences: &Differences,
) -> Finding {
    let (source, target) = toward.columns(step.pair);
    let count = match differences.count {
        1 => "1 row".to_owned(),
        count if count > COUNTED => format!("more than {COUNTED} rows"),
        count => format!("{count} rows"),
    };
    let shown: Vec<String> = (differences.shown.iter())
        .map(|Difference { row, expected, found }| format!("{row} has {found} for {expected}"))
        .collect();
    let more = if differences.count > 3 { ", …" } else { "" };
    let message = format!(
        "column \"{target}\" does not hold what \"{source}\" says in {count} of \"{}\": {}{more}",
        root.name,
        shown.join(", ")
    );
    let (column, value) = (quoted(target), access.read(""));
    let update = format!(
        "UPDATE {} SET {column} = {value} WHERE record_image_ne(ROW({column}), ROW({value}));",
        root.sql
    );
    step.finding(Severity::LosesData, About::RowsDiffer, message, [update])
}

/// What gives the control role access to all rows.
pub(super) async fn access_to(
    client: &Client,
    oid: u32,
    table: &str,
) -> Result<Vec<String>, String> {
    let row = answered(in_time(client.query_one(queries::ACCESS, &[&oid])).await)?;
    let take = || -> Result<Vec<String>, tokio_postgres::Error> {
        let (role, schema): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (usage, select, all_rows): (bool, bool, bool) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let grants = [
            (!usage).then(|| format!("GRANT USAGE ON SCHEMA {schema} TO {role};")),
            (!select).then(|| format!("GRANT SELECT ON {table} TO {role};")),
            (!all_rows).then(|| format!("ALTER ROLE {role} BYPASSRLS;")),
        ];
        Ok(grants.into_iter().flatten().collect())
    };
    take().map_err(|error| reason(&error))
}
