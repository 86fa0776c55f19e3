//! What ties the halves of a row together: the foreign key by which a DELETE and a new key reach the new
//! table.

use std::collections::BTreeSet;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use crate::gate::constraints::{Constraint, Kind};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::free_name;
use crate::gate::tables::queries;
use crate::gate::tables::step::{Step, Table, list};

/// A foreign key of the new table to the old one.
struct ForeignKey {
    name: String,
    columns: Vec<i16>,
    referenced: Vec<i16>,
    cascades: bool,
    deferrable: bool,
    valid: bool,
    /// What puts those of its triggers in force that do not fire.
    enable: Vec<String>,
}

/// The name of the foreign key that ties the two tables.
pub(super) async fn tie(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Option<String>, Error> {
    let found = of_key(transaction, step, new).await?;
    Ok(found.into_iter().find(|key| key.cascades).map(|key| key.name))
}

/// The foreign keys over just the key, the best first.
async fn of_key(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<ForeignKey>, Error> {
    let wanted: BTreeSet<(i16, i16)> = step
        .key()
        .flat_map(|(from, to)| {
            new.numbers([to]).into_iter().zip(step.old.numbers([from])).collect::<Vec<_>>()
        })
        .collect();
    let mut found = Vec::new();
    for row in transaction.query(queries::FOREIGN_KEYS, &[&new.oid, &step.old.oid]).await? {
        let key = ForeignKey {
            name: row.try_get(0)?,
            columns: row.try_get(1)?,
            referenced: row.try_get(2)?,
            cascades: row.try_get(3)?,
            deferrable: row.try_get(4)?,
            valid: row.try_get(5)?,
            enable: row.try_get(6)?,
        };
        let pairs = key.columns.iter().copied().zip(key.referenced.iter().copied());
        if pairs.collect::<BTreeSet<_>>() == wanted {
            found.push(key);
        }
    }
    found.sort_by_key(|key| (!key.cascades, !key.enable.is_empty(), !key.valid, key.deferrable));
    Ok(found)
}

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let found = of_key(transaction, step, new).await?;
    let (old, table) = (&step.old.name, &new.sql);
    let wanted = definition(step);
    let why = "a DELETE and a new key would not reach it";
    let Some(key) = found.first() else {
        let (from, to): (Vec<&str>, Vec<&str>) = step.key().unzip();
        let message = format!(
            "no foreign key ({}) of \"{}\" refers to ({}) of \"{old}\": {why}",
            to.join(", "),
            new.name,
            from.join(", ")
        );
        let name = quoted(&free_name(&format!("{}_{}_fkey", new.name.name, to.join("_")), &[]));
        let statements = [
            format!("ALTER TABLE {table} ADD CONSTRAINT {name} {wanted} NOT VALID;"),
            format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
        ];
        return Ok(vec![step.finding(Severity::LosesData, About::ForeignKey, message, statements)]);
    };
    let (what, name) =
        (format!("foreign key \"{}\" of \"{}\"", key.name, new.name), quoted(&key.name));
    let mut findings = Vec::new();
    if !key.cascades {
        let message = format!(
            "{what} to \"{old}\" is not ON DELETE CASCADE ON UPDATE CASCADE: {why}, or fail"
        );
        let statements = [
            format!(
                "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {wanted} NOT VALID;"
            ),
            format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
        ];
        findings.push(step.finding(Severity::LosesData, About::ForeignKey, message, statements));
        return Ok(findings);
    }
    if !key.enable.is_empty() {
        let message = format!("triggers of {what} are disabled: {why}");
        let enable = key.enable.clone();
        findings.push(step.finding(Severity::LosesData, About::ForeignKey, message, enable));
    }
    if !key.valid {
        let message = format!(
            "{what} is NOT VALID: rows may be there that no row of \"{old}\" belongs to, in the way of \
             those that will"
        );
        let validate = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};");
        findings.push(step.finding(
            Severity::Risky,
            About::UnvalidatedConstraint,
            message,
            [validate],
        ));
    }
    if key.deferrable {
        // Its actions are not: they are done when the statement ends, whatever is said.
        let message = format!(
            "{what} is DEFERRABLE: a row that no row of \"{old}\" belongs to may be refused as late as \
             at COMMIT"
        );
        let alter = format!("ALTER TABLE {table} ALTER CONSTRAINT {name} NOT DEFERRABLE;");
        findings.push(step.finding(Severity::Risky, About::ForeignKey, message, [alter]));
    }
    Ok(findings)
}

/// The foreign key that ties the two tables.
pub(super) fn definition(step: &Step<'_>) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = step.key().unzip();
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE CASCADE ON UPDATE CASCADE",
        list(to),
        step.old.sql,
        list(from)
    )
}

/// Whether a constraint is the foreign key that ties the two tables, or is told of in its place.
pub(super) fn is_tie(step: &Step<'_>, new: &Table<'_>, tie: Option<&str>, it: &Constraint) -> bool {
    if it.kind != Kind::ForeignKey || it.table != new.oid {
        return false;
    }
    match tie {
        Some(tie) => it.name == tie,
        None => {
            let keys = new.numbers(step.key().map(|(_, to)| to));
            it.referenced == step.old.oid && it.columns == keys
        }
    }
}
