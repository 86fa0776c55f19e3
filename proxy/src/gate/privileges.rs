//! Roles that may use one column and not the other.
//!
//! A grant on the whole table covers both. Grants on columns are the trap: a new column has none.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Member, Move, Step};

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let (old, new) = (step.pair.from.as_str(), step.pair.to.as_str());
    let to_new = match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::LeaveOld => true,
        Move::WriteBothAgain | Move::ReadOldAgain | Move::LeaveNew => false,
        Move::KeepNew | Move::Stay => return Ok(Vec::new()),
    };
    let (oids, of_old, of_new) = step.both_numbers();
    let ((granted, has), (lacking, lacks)) = match to_new {
        true => ((old, of_old), (new, of_new)),
        false => ((new, of_new), (old, of_old)),
    };
    let rows = transaction.query(queries::PRIVILEGES, &[&oids, &has, &lacks]).await?;
    let mut findings = Vec::new();
    for row in &rows {
        let Some(member) = step.member(row.try_get(0)?) else { continue };
        let role: Option<String> = row.try_get(1)?;
        let privileges: Vec<String> = row.try_get(2)?;
        let grantable: bool = row.try_get(3)?;
        findings.push(lacks_grant(step, member, (granted, lacking), role, &privileges, grantable));
    }
    Ok(findings)
}

fn lacks_grant(
    step: &Step<'_>,
    member: &Member<'_>,
    (granted, lacking): (&str, &str),
    role: Option<String>,
    privileges: &[String],
    grantable: bool,
) -> Finding {
    let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
    let pass_on = if grantable { " WITH GRANT OPTION" } else { "" };
    let message = format!(
        "{role} has {}{pass_on} on column \"{granted}\" of \"{}\", and not on \"{lacking}\"",
        privileges.join(", "),
        member.name
    );
    let list: Vec<String> =
        privileges.iter().map(|privilege| format!("{privilege} ({})", quoted(lacking))).collect();
    let grant = format!("GRANT {} ON {} TO {role}{pass_on};", list.join(", "), member.sql);
    step.finding(Severity::Risky, About::Privilege, message, [grant])
}
