//! Functions whose source names the table and the old column. A source is text, so this is a guess:
//! it errs by naming too many, and it misses names that are put together while the function runs.

use tokio_postgres::{Error, Transaction};

use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Move, Step};
use super::triggers::show_function;
use super::words::mentions;

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.way() != Move::LeaveOld {
        return Ok(Vec::new());
    }
    let from = &step.pair.from;
    let mut findings = Vec::new();
    for Named { function, source, of_tables } in naming(transaction, from).await? {
        // Those of the tables' own triggers are told of with the trigger.
        if of_tables.iter().any(|table| step.member(*table).is_some()) {
            continue;
        }
        let table = step.members.iter().find(|member| mentions(&source, &member.name.name));
        let Some(table) = table else { continue };
        let message = format!(
            "function {function} names \"{}\" and \"{from}\", which phase \"{}\" does not write",
            table.name.name, step.to
        );
        let show = show_function(&function);
        findings.push(step.finding(Severity::Risky, About::Function, message, [show]));
    }
    Ok(findings)
}

/// A function that names a column.
pub(super) struct Named {
    pub(super) function: String,
    pub(super) source: String,
    /// The tables whose triggers call it.
    pub(super) of_tables: Vec<u32>,
}

/// The functions that have that name in their source as a word.
pub(super) async fn naming(
    transaction: &Transaction<'_>,
    column: &str,
) -> Result<Vec<Named>, Error> {
    let mut found = Vec::new();
    for row in transaction.query(queries::FUNCTIONS, &[&column]).await? {
        let (function, source) = (row.try_get(0)?, row.try_get(1)?);
        let named = Named { function, source, of_tables: row.try_get(2)? };
        if mentions(&named.source, column) {
            found.push(named);
        }
    }
    Ok(found)
}
