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
    for row in transaction.query(queries::FUNCTIONS, &[from]).await? {
        let (function, source): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let of_tables: Vec<u32> = row.try_get(2)?;
        // Those of the tables' own triggers are told of with the trigger.
        if of_tables.iter().any(|table| step.member(*table).is_some()) || !mentions(&source, from) {
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
