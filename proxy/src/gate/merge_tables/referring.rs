//! Foreign keys of other tables that refer to one that goes away: they keep it from being dropped, and look for
//! their rows where none are written any more.

use rewrite_rules::compile::renamed_by;
use tokio_postgres::{Error, Transaction};

use super::Subject;
use crate::gate::definitions::foreign_key;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;
use crate::gate::tables::queries;
use crate::gate::tables::step::{Step, Table};

pub(super) async fn check(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let leaves = match step.way() {
        Move::WriteBoth | Move::ReadNew => false,
        Move::LeaveOld => true,
        Move::KeepNew | Move::WriteBothAgain | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => {
            return Ok(Vec::new());
        }
    };
    let mut findings = Vec::new();
    for row in transaction.query(queries::REFERRING, &[&step.old.oid]).await? {
        let table: u32 = row.try_get(0)?;
        // They go together.
        if subject.is_source(table) {
            continue;
        }
        let (name, owner): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        let (definition, acts): (String, bool) = (row.try_get(3)?, row.try_get(4)?);
        let there = |text: &str| renamed_by(text, &|name| step.name_there(name));
        let remedy = foreign_key(&name, &owner, &definition, Some(&new.sql), &there);
        let what = format!("foreign key {name} of {owner} refers to \"{}\"", step.old.name);
        findings.push(match (leaves, acts) {
            (false, _) => {
                let message = format!(
                    "{what}, and keeps it from being dropped: it must refer to \"{}\" before \
                     \"stop-dual-write\", where rows of other tables count too",
                    step.into
                );
                step.finding(Severity::Note, About::ForeignKey, message, None)
            }
            (true, acts) => {
                let why = match acts {
                    true => ", so that its own rows would no longer follow a DELETE or a new key",
                    false => "",
                };
                let message = format!(
                    "{what}, which phase \"{}\" does not write{why}: referring to \"{}\" it finds rows that \
                     other tables have too",
                    step.to, step.into
                );
                let severity = if acts { Severity::LosesData } else { Severity::Risky };
                step.finding(severity, About::ForeignKey, message, remedy)
            }
        });
    }
    Ok(findings)
}
