//! CHECK, foreign key and exclusion constraints: what one table refuses and the other takes. The caller tells
//! some of them itself.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::alike::{Alike, Verdict};
use super::columns::{once_alone, value_in};
use super::constraints_back;
use super::indexes::{is_for_all, not_for_all as told_not_for_all};
use super::step::{Over, Step, Table};
use crate::gate::constraints::{Constraint, Kind, of_tables};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes::{self, narrowed};
use crate::gate::step::{Move, free_name};

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    is_told: &(dyn Fn(&Constraint) -> bool + Sync),
) -> Result<Vec<Finding>, Error> {
    let constraints = of_tables(transaction, &[step.old.oid, new.oid]).await?;
    let of = |table: &Table<'_>| -> Vec<&Constraint> {
        constraints.iter().filter(|it| it.table == table.oid && !is_told(it)).collect()
    };
    let (own, its) = (of(&step.old), of(new));
    Ok(match step.way() {
        Move::WriteBoth => refusing(step, new, (&own, &its)),
        Move::ReadNew | Move::LeaveOld => {
            let alone = not_for_all(transaction, step).await?;
            let mut findings = missing(step, new, (&own, &its), &alone);
            findings.extend(wanting(transaction, step, &own).await?);
            findings
        }
        Move::ReadOldAgain => constraints_back::missing(step, new, (&own, &its)),
        Move::KeepNew | Move::WriteBothAgain | Move::LeaveNew | Move::Stay => Vec::new(),
    })
}

/// Whether `its`, of the new table, promises what `own` does.
pub(super) fn is_matched(
    step: &Step<'_>,
    new: &Table<'_>,
    own: &Constraint,
    its: &Constraint,
) -> bool {
    let names = |text: &str| step.there(text);
    own.is_matched_by(its, &names, &|number| step.number_there(new, number))
        || guarded(step, own).is_some_and(|wanted| wanted == its.definition)
}

/// A constraint of the old table as it must hold of the rows of the new one that have a part of it, as the server
/// would show it.
pub(in crate::gate) fn guarded(step: &Step<'_>, own: &Constraint) -> Option<String> {
    let present = step.present()?;
    match own.kind {
        Kind::Check => {
            let condition = own.definition.strip_prefix("CHECK (")?.strip_suffix(')')?;
            Some(only_where(present, &step.there(condition)))
        }
        Kind::Exclusion => {
            let ends = [" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE", ""];
            let mut ends =
                ends.iter().filter_map(|it| Some((own.definition.strip_suffix(it)?, it)));
            let (body, end) = ends.next()?;
            let whole = own.predicate.as_ref().map(|predicate| format!(" WHERE ({predicate})"));
            let body = whole.and_then(|whole| body.strip_suffix(whole.as_str())).unwrap_or(body);
            let predicate = own.predicate.as_deref().map(|predicate| step.there(predicate));
            let predicate = narrowed(present, predicate.as_deref());
            Some(format!("{} WHERE ({predicate}){end}", step.there(body)))
        }
        Kind::ForeignKey => None,
    }
}

/// A CHECK that looks at rows of a part alone.
pub(in crate::gate) fn only_where(present: &str, condition: &str) -> String {
    format!("CHECK (((NOT {}) OR {condition}))", quoted(present))
}

/// What the new table refuses and the old one takes.
fn refusing(
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Constraint], &[&Constraint]),
) -> Vec<Finding> {
    let is_own = |it: &&&Constraint| step.concerns(columns_of(new, it));
    let refuses = (its.iter().filter(is_own))
        .filter(|it| !own.iter().any(|old| is_matched(step, new, old, it)))
        .filter(|it| !is_not_null(step, it));
    refuses
        .map(|it| {
            let message = format!(
                "{} \"{}\" of \"{}\" has no equivalent in \"{}\": clients that write what it refuses \
                 would fail: {}",
                it.kind.name(),
                it.name,
                new.name,
                step.old.name,
                it.definition
            );
            let drop =
                format!("ALTER TABLE {} DROP CONSTRAINT {};", new.sql, quoted(&it.name));
            step.finding(Severity::Risky, About::MissingConstraint, message, [drop])
        })
        .collect()
}

pub(in crate::gate) fn columns_of<'a>(table: &Table<'a>, constraint: &Constraint) -> Vec<&'a str> {
    constraint.columns.iter().filter_map(|number| table.column(*number)).collect()
}

/// Whether it wants no more of the rows of a part than that a column has a value which has one in the old table.
fn is_not_null(step: &Step<'_>, its: &Constraint) -> bool {
    let Some(present) = step.present() else { return false };
    let is_full = |from: &str| step.old.relation.column(from).is_some_and(|own| own.not_null);
    let mut full = step.moved().filter(|(from, _)| is_full(from));
    full.any(|(_, to)| only_where(present, &value_in(to)) == its.definition)
}

/// Exclusion constraints of the old table that would refuse rows which have no part of it.
async fn not_for_all(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    if step.part.is_none() {
        return Ok(names);
    }
    for index in indexes::of_tables(transaction, &[step.old.oid]).await? {
        if index.exclusion && !is_for_all(transaction, step, &index).await? {
            names.extend(index.constraint);
        }
    }
    Ok(names)
}

/// `alone`: exclusion constraints that cannot look at all rows.
fn missing(
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Constraint], &[&Constraint]),
    alone: &[String],
) -> Vec<Finding> {
    let Some(severity) = once_alone(step) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut taken: Vec<String> = its.iter().map(|it| it.name.clone()).collect();
    for old in own.iter().filter(|it| !it.inherited) {
        match step.over(columns_of(&step.old, old)) {
            Over::Kept => continue,
            Over::Both => {
                findings.extend(over_both(step, old));
                continue;
            }
            Over::Moved => {}
        }
        let found: Vec<_> = its.iter().filter(|it| is_matched(step, new, old, it)).collect();
        if !old.valid && !found.is_empty() || found.iter().any(|it| it.valid) {
            continue;
        }
        let kind = old.kind.name();
        findings.push(match found.first() {
            Some(it) => {
                let message = format!(
                    "{kind} \"{}\" of \"{}\" is NOT VALID, and \"{}\" of \"{}\" is valid",
                    it.name, new.name, old.name, step.old.name
                );
                let validate =
                    format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", new.sql, quoted(&it.name));
                step.finding(Severity::Risky, About::UnvalidatedConstraint, message, [validate])
            }
            None => {
                let message = format!(
                    "\"{}\" has no equivalent of {kind} \"{}\" of \"{}\": {}",
                    new.name, old.name, step.old.name, old.definition
                );
                let known: Vec<&str> = taken.iter().map(String::as_str).collect();
                let name = free_name(&step.counterpart_name(&new.name, &old.name), &known);
                match wanted(step, old, alone) {
                    Some(definition) => {
                        let statements = old.added_to((&new.sql, false), &name, &definition);
                        taken.push(name);
                        step.finding(severity, About::MissingConstraint, message, statements)
                    }
                    None => {
                        let message = told_not_for_all(step, &message);
                        step.finding(Severity::Risky, About::MissingConstraint, message, None)
                    }
                }
            }
        });
    }
    findings
}

/// A constraint of the old table as the new one can have it.
fn wanted(step: &Step<'_>, old: &Constraint, alone: &[String]) -> Option<String> {
    let plain = old.over(&|text| step.there(text));
    match old.kind {
        Kind::Exclusion if alone.contains(&old.name) => guarded(step, old),
        Kind::Exclusion | Kind::ForeignKey => Some(plain),
        Kind::Check => Some(guarded(step, old).unwrap_or(plain)),
    }
}

/// No constraint is over two tables.
fn over_both(step: &Step<'_>, old: &Constraint) -> Option<Finding> {
    if step.way() != Move::LeaveOld {
        return None;
    }
    let message = format!(
        "{} \"{}\" of \"{}\" is over columns that move and columns that stay, and phase \"{}\" writes \
         both no more: {}",
        old.kind.name(),
        old.name,
        step.old.name,
        step.to,
        old.definition
    );
    let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", step.old.sql, quoted(&old.name));
    Some(step.finding(Severity::LosesData, About::MissingConstraint, message, [drop]))
}

/// CHECKs that want what nobody stores any more.
async fn wanting(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    own: &[&Constraint],
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    // A table that is left as a whole gets no rows.
    if step.way() != Move::LeaveOld || step.part.is_some() {
        return Ok(findings);
    }
    let alike = Alike::of_old(step);
    let is_left = |it: &&&Constraint| {
        it.kind == Kind::Check && step.over(columns_of(&step.old, it)) == Over::Moved
    };
    for it in own.iter().filter(is_left) {
        let verdict = alike.under_check(transaction, it).await?;
        let what = format!("CHECK constraint \"{}\" of \"{}\"", it.name, step.old.name);
        let rows = format!(
            "rows in which phase \"{}\" leaves what has moved to its default, or NULL: {}",
            step.to, it.definition
        );
        let message = match verdict {
            Verdict::Taken => continue,
            Verdict::Refused => format!("{what} refuses {rows}"),
            Verdict::Unclear => format!("nobody can tell whether {what} refuses {rows}"),
        };
        let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", step.old.sql, quoted(&it.name));
        let found = step.finding(Severity::Risky, About::NotNull, message, [drop]);
        findings.push(Finding { by_hand: verdict == Verdict::Unclear, ..found });
    }
    Ok(findings)
}
