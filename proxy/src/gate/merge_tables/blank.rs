//! Whether the CHECKs of the new table take a row that is at its defaults: such a one is left where a table's row is
//! deleted, and made where only another table has one.

use rewrite_rules::catalog::Volatility;
use rewrite_rules::name::quoted;
use tokio_postgres::Client;

use super::Subject;
use crate::catalog::in_time;
use crate::gate::constraints::{self, Constraint, Kind};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;
use crate::gate::tables::step::Table;
use crate::gate::{answered, snapshot};

pub(super) async fn check(
    client: &mut Client,
    subject: &Subject<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, String> {
    let Some(step) = subject.steps.first() else { return Ok(Vec::new()) };
    if !matches!(step.way(), Move::WriteBoth | Move::ReadNew | Move::WriteBothAgain) {
        return Ok(Vec::new());
    }
    let all = answered(in_time(of_table(client, new.oid)).await)?;
    let mut findings = Vec::new();
    for it in all.iter().filter(|it| it.kind == Kind::Check) {
        // What the server cannot compute so, it does not refuse for sure.
        if let Ok(Ok(true)) = in_time(refuses(client, new, it)).await {
            let message = format!(
                "CHECK constraint \"{}\" of \"{}\" refuses a row that is at its defaults, as one is that not \
                 all tables have: {}",
                it.name, new.name, it.definition
            );
            let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", new.sql, quoted(&it.name));
            let about = About::MissingConstraint;
            findings.push(step.finding(Severity::LosesData, about, message, [drop]));
        }
    }
    Ok(findings)
}

async fn of_table(client: &mut Client, oid: u32) -> Result<Vec<Constraint>, tokio_postgres::Error> {
    let transaction = snapshot(client).await?;
    let found = constraints::of_tables(&transaction, &[oid]).await?;
    transaction.commit().await?;
    Ok(found)
}

/// Whether a CHECK is false of a row of defaults. What is drawn anew each time is taken for NULL, and so is the key.
async fn refuses(
    client: &mut Client,
    new: &Table<'_>,
    it: &Constraint,
) -> Result<bool, tokio_postgres::Error> {
    let Some(condition) = it.definition.strip_prefix("CHECK ") else { return Ok(false) };
    let condition = condition.strip_suffix(" NO INHERIT").unwrap_or(condition);
    let columns = new.relation.columns.iter().map(|column| {
        let name = quoted(&column.name);
        let default = column.default.as_ref().filter(|it| it.volatility != Volatility::Volatile);
        // Its type is that of the column.
        default.map_or_else(
            || format!("segue_typed.{name}"),
            |it| format!("coalesce({}, segue_typed.{name}) AS {name}", it.expression),
        )
    });
    let columns: Vec<String> = columns.collect();
    let query = format!(
        "SELECT {condition} IS FALSE FROM (SELECT {} FROM (SELECT (NULL::{}).*) AS segue_typed) AS segue_blank",
        columns.join(", "),
        new.sql
    );
    let transaction = snapshot(client).await?;
    let row = transaction.query_one(&query, &[]).await?;
    transaction.commit().await?;
    row.try_get(0)
}
