//! Constraints of the old table that may be checked as late as when a transaction ends: the new one's must be no
//! earlier.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::indexes::{created, does_as, is_for_all, names_in, waiting};
use super::step::{Over, Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes::{Index, of_tables};
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
        (own.kind(), own.deferred, &there) == (it.kind(), it.deferred, &it.columns)
    };
    let mut findings = Vec::new();
    for own in &old {
        let names = own.columns.iter().filter_map(|number| step.old.column(*number));
        if step.over(names) != Over::Moved || its.iter().any(|it| is_like(own, it)) {
            continue;
        }
        let remedy = waiting_too(transaction, step, new, own).await?;
        findings.push(sooner(step, own, remedy));
    }
    Ok(findings)
}

/// What gives the new table a key that may wait as the old one's does.
async fn waiting_too(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    own: &Constraint,
) -> Result<Vec<String>, Error> {
    let indexes = of_tables(transaction, &[step.old.oid, new.oid]).await?;
    let is_own =
        |it: &&Index| it.table == step.old.oid && it.constraint.as_ref() == Some(&own.name);
    let Some(old) = indexes.iter().find(is_own).filter(|it| !it.exclusion) else {
        return Ok(Vec::new());
    };
    let Some(when) = old.deferrable.as_deref() else { return Ok(Vec::new()) };
    // No constraint is over a part of the rows.
    if !is_for_all(transaction, step, old).await? {
        return Ok(Vec::new());
    }
    let does =
        |it: &&Index| it.table == new.oid && it.predicate.is_none() && does_as(step, old, it);
    Ok(match indexes.iter().find(does) {
        Some(index) => match &index.constraint {
            None => vec![waiting(&new.sql, &index.name, when)],
            Some(name) => {
                let (name, table) = (quoted(name), &new.sql);
                let keys = index.columns.iter().take(index.keys);
                let keys = keys.cloned().collect::<Vec<String>>().join(", ");
                let nulls = if index.nulls_are_distinct() { "" } else { " NULLS NOT DISTINCT" };
                vec![format!(
                    "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} UNIQUE{nulls} ({keys}) {when};"
                )]
            }
        },
        // That it is missing is told of itself then.
        None if step.way() != Move::WriteBoth => Vec::new(),
        None => {
            let mut taken = names_in(transaction, &new.name.schema).await?;
            let table = (&new.name, new.sql.as_str());
            created(transaction, table, step, old, &mut taken).await?.unwrap_or_default()
        }
    })
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

impl Constraint {
    /// One key is as good as another.
    fn kind(&self) -> &str {
        if self.kind == "p" { "u" } else { &self.kind }
    }
}

fn sooner(step: &Step<'_>, own: &Constraint, remedy: Vec<String>) -> Finding {
    let initially = if own.deferred { " INITIALLY DEFERRED" } else { "" };
    let message = format!(
        "constraint \"{}\" of \"{}\" is DEFERRABLE{initially}, and \"{}\" has none like it that is: what is right only \
         when the statement or the transaction ends fails at once, and SET CONSTRAINTS puts nothing off",
        own.name, step.old.name, step.into
    );
    step.finding(Severity::Risky, About::MissingConstraint, message, remedy)
}
