//! Whose the new table is: whoever the old one belongs to sees all rows of that, whatever its policies are.

use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;

/// What gives a new table to whoever the old ones belong to. Who they are, where they are several.
pub(in crate::gate) async fn carried(
    transaction: &Transaction<'_>,
    oids: &[u32],
    table: &str,
) -> Result<Result<String, String>, Error> {
    let rows = transaction.query(queries::OWNERS, &[&oids]).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(match names.as_slice() {
        [name] => Ok(format!("ALTER TABLE {table} OWNER TO {name};")),
        several => Err(several.join(", ")),
    })
}

/// Roles that the old table's policies are nothing to, and the new one's are. `oids`: all old tables.
pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    oids: &[u32],
) -> Result<Vec<Finding>, Error> {
    let severity = match step.way() {
        Move::WriteBoth => Severity::Risky,
        Move::ReadNew | Move::LeaveOld | Move::WriteBothAgain => Severity::LosesData,
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Ok(Vec::new()),
    };
    let old = &step.old;
    let Some(row) = transaction.query_opt(queries::HIDDEN, &[&old.oid, &new.oid]).await? else {
        return Ok(Vec::new());
    };
    let (own, its, roles): (String, String, Vec<String>) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let message = format!(
        "\"{}\" belongs to {its}, and \"{}\" to {own}: the policies of the first are in force for {}, those of \
         the second are not, and what is hidden reads as NULL, and a write of it is refused",
        new.name,
        old.name,
        roles.join(", ")
    );
    // What suits one of several tables does not suit the next.
    let remedy = carried(transaction, oids, &new.sql).await?.ok();
    Ok(vec![step.finding(severity, About::Policy, message, remedy)])
}
