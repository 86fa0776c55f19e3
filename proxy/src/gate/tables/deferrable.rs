//! Constraints of the old table that may be checked as late as when a transaction ends: the new one's must be no
//! earlier.

use tokio_postgres::{Error, Transaction};

use super::step::{Over, Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;

/// Deferrable constraints of the table `$1`: name, kind, columns, whether they are deferred from the start.
const DEFERRABLE: &str = "
    SELECT k.conname::text, k.contype::text, k.conkey, k.condeferred
    FROM pg_constraint k
    WHERE k.conrelid = $1 AND k.condeferrable AND k.contype IN ('p', 'u', 'f', 'x') ORDER BY k.oid";

struct Constraint {
    name: String,
    kind: String,
    columns: Vec<i16>,
    deferred: bool,
}

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    if !matches!(step.way(), Move::WriteBoth | Move::ReadNew) {
        return Ok(Vec::new());
    }
    let old = of_table(transaction, step.old.oid).await?;
    let its = of_table(transaction, new.oid).await?;
    let is_like = |own: &Constraint, it: &Constraint| {
        let there: Vec<i16> =
            own.columns.iter().map(|number| step.number_there(new, *number)).collect();
        (&own.kind, own.deferred, &there) == (&it.kind, it.deferred, &it.columns)
    };
    let alone = old.iter().filter(|own| {
        let names = own.columns.iter().filter_map(|number| step.old.column(*number));
        step.over(names) == Over::Moved && !its.iter().any(|it| is_like(own, it))
    });
    Ok(alone.map(|own| sooner(step, own)).collect())
}

async fn of_table(transaction: &Transaction<'_>, oid: u32) -> Result<Vec<Constraint>, Error> {
    let rows = transaction.query(DEFERRABLE, &[&oid]).await?;
    let constraint = |row: &tokio_postgres::Row| {
        Ok(Constraint {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            columns: row.try_get(2)?,
            deferred: row.try_get(3)?,
        })
    };
    rows.iter().map(constraint).collect()
}

fn sooner(step: &Step<'_>, own: &Constraint) -> Finding {
    let initially = if own.deferred { " INITIALLY DEFERRED" } else { "" };
    let message = format!(
        "constraint \"{}\" of \"{}\" is DEFERRABLE{initially}, and \"{}\" has none like it that is: what is right only \
         when the statement or the transaction ends fails at once, and SET CONSTRAINTS puts nothing off",
        own.name, step.old.name, step.into
    );
    step.finding(Severity::Risky, About::MissingConstraint, message, None)
}
