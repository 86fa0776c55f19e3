//! Indexes: what the old table has over the moved columns and the new one has not, and the other way round.

use rewrite_rules::catalog::RelationName;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::alike::{Alike, Verdict};
use super::columns::once_alone;
use super::queries;
use super::step::{Over, Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes::{Index, of_tables};
use crate::gate::step::{Move, free_name};

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let indexes = of_tables(transaction, &[step.old.oid, new.oid]).await?;
    let of = |table: &Table<'_>| -> Vec<&Index> {
        indexes.iter().filter(|it| it.table == table.oid && !it.exclusion).collect()
    };
    let (own, its) = (of(&step.old), of(new));
    let all_of = |table: &Table<'_>| -> Vec<&Index> {
        indexes.iter().filter(|it| it.table == table.oid).collect()
    };
    Ok(match step.way() {
        Move::WriteBoth => {
            let mut findings = constant(transaction, step, new, &all_of(new)).await?;
            findings.extend(refusing(step, new, &own, &its));
            findings
        }
        Move::ReadNew | Move::LeaveOld => {
            let mut findings = missing(transaction, step, new, (&own, &its)).await?;
            findings.extend(constant_keys(transaction, step, &all_of(&step.old)).await?);
            findings
        }
        Move::WriteBothAgain => stale(step, &indexes),
        Move::ReadOldAgain => {
            let mut taken = names_in(transaction, &step.old.name.schema).await?;
            missing_on_old(step, new, (&own, &its), &mut taken)
        }
        Move::KeepNew | Move::LeaveNew | Move::Stay => Vec::new(),
    })
}

/// Names of relations of a schema, which no new index may have.
pub(in crate::gate) async fn names_in(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<Vec<String>, Error> {
    let rows = transaction.query(queries::NAMES, &[&schema]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Whether it is over just the key of the new table.
fn is_of_key(step: &Step<'_>, new: &Table<'_>, index: &Index) -> bool {
    let columns = new.columns_of(index);
    let of_key = |name: &&str| step.key().any(|(_, to)| to == *name);
    columns.len() == step.key().count() && columns.iter().all(of_key)
}

/// Unique indexes of the new table that refuse what the old one takes.
fn refusing(step: &Step<'_>, new: &Table<'_>, own: &[&Index], its: &[&Index]) -> Vec<Finding> {
    let is_of_old = |index: &&&Index| own.iter().any(|old| old.unique && does_as(step, old, index));
    let is_for_us = |index: &&&Index| {
        index.unique && !is_of_key(step, new, index) && step.concerns(new.columns_of(index))
    };
    let refusing = its.iter().filter(is_for_us).filter(|index| !is_of_old(index));
    refusing
        .map(|index| {
            let message = format!(
                "unique index \"{}\" of \"{}\" has no equivalent in \"{}\": clients that write what \
                 it refuses would fail",
                index.name, new.name, step.old.name
            );
            step.finding(Severity::Risky, About::UniqueIndex, message, [removal(new, index)])
        })
        .collect()
}

/// Indexes by which there could be but one row that has no part of the old table's: all of those hold the
/// defaults.
async fn constant(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    its: &[&Index],
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    if step.part.is_none() {
        return Ok(findings);
    }
    let alike = Alike::of_new(step, new);
    for index in its.iter().filter(|it| it.unique || it.exclusion) {
        let columns = new.columns_of(index);
        if columns.is_empty() || !step.concerns(columns) || is_of_key(step, new, index) {
            continue;
        }
        let (what, old) = (named(index, new), &step.old.name);
        let verdict = alike.under(transaction, index).await?;
        let message = match verdict {
            Verdict::Taken => continue,
            Verdict::Refused => format!(
                "{what} is over columns that are at their defaults in each row that is none of \"{old}\": the \
                 second one would be refused"
            ),
            Verdict::Unclear => format!(
                "{what} looks at rows that are none of \"{old}\" too, and nobody can tell whether it refuses them"
            ),
        };
        let drop = removal(new, index);
        let found = step.finding(Severity::Risky, About::UniqueIndex, message, [drop]);
        findings.push(Finding { by_hand: verdict == Verdict::Unclear, ..found });
    }
    Ok(findings)
}

/// What an index is called in a message.
fn named(index: &Index, table: &Table<'_>) -> String {
    let kind = if index.exclusion { "exclusion constraint" } else { "unique index" };
    format!("{kind} \"{}\" of \"{}\"", index.name, table.name)
}

/// Whether an index of the new table does for its rows what one of the old table does for those there.
pub(in crate::gate) fn does_as(step: &Step<'_>, old: &Index, new: &Index) -> bool {
    let there = |text: &str| step.there(text);
    old.does_as(new, &there, true)
        || step.present().is_some_and(|present| old.does_where(present, new, &there))
}

/// What takes an index away.
pub(in crate::gate) fn removal(table: &Table<'_>, index: &Index) -> String {
    match &index.constraint {
        Some(name) => format!("ALTER TABLE {} DROP CONSTRAINT {};", table.sql, quoted(name)),
        None => format!("DROP INDEX CONCURRENTLY {};", index.sql()),
    }
}

async fn missing(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Index], &[&Index]),
) -> Result<Vec<Finding>, Error> {
    let Some(once_alone) = once_alone(step) else { return Ok(Vec::new()) };
    let mut taken = names_in(transaction, &new.name.schema).await?;
    let mut findings = Vec::new();
    for old in own.iter().filter(|index| index.valid) {
        let severity = if old.unique { once_alone } else { Severity::Risky };
        let kind = if old.unique { "unique index" } else { "index" };
        match step.over(step.old.columns_of(old)) {
            Over::Kept => {}
            Over::Both => findings.extend(over_both(step, old, kind)),
            Over::Moved => {
                let found: Vec<&&Index> =
                    its.iter().filter(|index| does_as(step, old, index)).collect();
                if found.iter().any(|index| index.valid) {
                    continue;
                }
                findings.push(match found.first() {
                    Some(index) => half_built(step, new, index, severity),
                    None => {
                        let message = format!(
                            "\"{}\" has no equivalent of {kind} \"{}\" of \"{}\"",
                            new.name, old.name, step.old.name
                        );
                        let table = (&new.name, new.sql.as_str());
                        match created(transaction, table, step, old, &mut taken).await? {
                            Some(create) => {
                                step.finding(severity, About::MissingIndex, message, create)
                            }
                            None => {
                                let message = not_for_all(step, &message);
                                step.finding(Severity::Risky, About::MissingIndex, message, None)
                            }
                        }
                    }
                });
            }
        }
    }
    Ok(findings)
}

/// The same index on the new table, which need not be there yet, without keeping anybody from writing. None where
/// there could be but one row that has no part of the old table's.
pub(in crate::gate) async fn created(
    transaction: &Transaction<'_>,
    (name, table): (&RelationName, &str),
    step: &Step<'_>,
    old: &Index,
    taken: &mut Vec<String>,
) -> Result<Option<Vec<String>>, Error> {
    let Some(definition) = definition(transaction, step, old).await? else { return Ok(None) };
    let wanted = step.counterpart_name(name, &old.name);
    let known: Vec<&str> = taken.iter().map(String::as_str).collect();
    let index = free_name(&wanted, &known);
    let unique = if old.unique { "UNIQUE " } else { "" };
    let create = format!(
        "CREATE {unique}INDEX CONCURRENTLY {} ON {table} USING {definition};",
        quoted(&index)
    );
    let mut statements = vec![create];
    // What looks at a part of the rows alone is no constraint.
    if old.predicate.is_none() && is_for_all(transaction, step, old).await? {
        statements.extend(old.deferrable.as_deref().map(|when| waiting(table, &index, when)));
    }
    taken.push(index);
    Ok(Some(statements))
}

/// What makes a unique index a constraint that may be checked later than at once.
pub(in crate::gate) fn waiting(table: &str, index: &str, when: &str) -> String {
    let name = quoted(index);
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name} {when};")
}

/// What stands behind USING of an index as the new table can have it.
async fn definition(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    old: &Index,
) -> Result<Option<String>, Error> {
    let there = |text: &str| step.there(text);
    if !old.unique || is_for_all(transaction, step, old).await? {
        return Ok(Some(there(&old.definition)));
    }
    Ok(step.present().map(|present| old.definition_where(present, &there)))
}

/// Whether what makes rows of the old table differ may look at all rows of the new one.
pub(in crate::gate) async fn is_for_all(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    old: &Index,
) -> Result<bool, Error> {
    let verdict = match step.part {
        Some(_) => Alike::of_old(step).under(transaction, old).await?,
        None => Verdict::Taken,
    };
    Ok(verdict == Verdict::Taken)
}

/// What nothing can do for, as long as rows that are none of the old table's count.
pub(in crate::gate) fn not_for_all(step: &Step<'_>, message: &str) -> String {
    format!(
        "{message}, nor can it have: it would refuse rows that are none of \"{0}\", as they all have the defaults \
         there; declare \"present\", or drop it from \"{0}\"",
        step.old.name
    )
}

fn half_built(step: &Step<'_>, new: &Table<'_>, index: &Index, severity: Severity) -> Finding {
    let (state, remedy) = match index.builder {
        Some(pid) => (
            format!("is being built by process {pid}"),
            format!(
                "SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index \
                 WHERE pid = {pid};"
            ),
        ),
        None => (
            "is not valid, and nobody is building it".to_owned(),
            format!("REINDEX INDEX CONCURRENTLY {};", index.sql()),
        ),
    };
    let message = format!("index \"{}\" of \"{}\" {state}", index.name, new.name);
    step.finding(severity, About::InvalidIndex, message, [remedy])
}

/// No index is over two tables.
fn over_both(step: &Step<'_>, old: &Index, kind: &str) -> Option<Finding> {
    let what = format!(
        "{kind} \"{}\" of \"{}\" is over columns that move and columns that stay",
        old.name, step.old.name
    );
    match (step.way(), old.unique) {
        (Move::LeaveOld, true) => {
            let message = format!(
                "{what}, and phase \"{}\" writes both no more: nothing does for it",
                step.to
            );
            let drop = removal(&step.old, old);
            Some(step.finding(Severity::LosesData, About::MissingIndex, message, [drop]))
        }
        (Move::ReadNew, false) => {
            let message = format!("{what}: no index does for it once they are read apart");
            Some(step.finding(Severity::Note, About::MissingIndex, message, None))
        }
        _any => None,
    }
}

/// Every row that is written from then on has the same there: the second one is refused.
async fn constant_keys(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    own: &[&Index],
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    // A table that is left as a whole gets no rows.
    if step.way() != Move::LeaveOld || step.part.is_some() {
        return Ok(findings);
    }
    let alike = Alike::of_old(step);
    let is_left = |index: &&&Index| {
        (index.unique || index.exclusion) && step.over(step.old.columns_of(index)) == Over::Moved
    };
    for index in own.iter().filter(is_left) {
        let what = named(index, &step.old);
        let verdict = alike.under(transaction, index).await?;
        let message = match verdict {
            Verdict::Taken => continue,
            Verdict::Refused => format!(
                "{what} is over what is the same in all rows once phase \"{}\" leaves what has moved to its \
                 default, or NULL: the second row would be refused",
                step.to
            ),
            Verdict::Unclear => format!(
                "nobody can tell whether {what} refuses rows in which phase \"{}\" leaves what has moved to its \
                 default, or NULL",
                step.to
            ),
        };
        let drop = removal(&step.old, index);
        let found = step.finding(Severity::Risky, About::Default, message, [drop]);
        findings.push(Finding { by_hand: verdict == Verdict::Unclear, ..found });
    }
    Ok(findings)
}

/// While the old columns were not written their keys stayed with the rows that had them.
fn stale(step: &Step<'_>, indexes: &[Index]) -> Vec<Finding> {
    // Where rows of a key are there already they are written over.
    let is_of_key = |index: &Index| {
        let columns = step.old.columns_of(index);
        step.part.is_some() && columns.iter().all(|name| step.key().any(|(own, _)| own == *name))
    };
    let keys = indexes.iter().filter(|index| {
        index.table == step.old.oid
            && (index.unique || index.exclusion)
            && !is_of_key(index)
            && step.over(step.old.columns_of(index)) != Over::Kept
    });
    keys.map(|index| {
        let message = format!(
            "unique index \"{}\" of \"{}\" has values of moved columns from before \
             \"stop-dual-write\": writes would fail on what another row has now; build it again \
             before \"dual-write\"",
            index.name, step.old.name
        );
        step.finding(Severity::LosesData, About::UniqueIndex, message, [removal(&step.old, index)])
    })
    .collect()
}

/// A unique index that was dropped on the way back and must be there before the old columns are read.
fn missing_on_old(
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Index], &[&Index]),
    taken: &mut Vec<String>,
) -> Vec<Finding> {
    let here = |text: &str| step.here(text);
    let mut findings = Vec::new();
    for index in its.iter().filter(|index| index.unique && index.valid) {
        let is_there = own
            .iter()
            .any(|old| old.valid && (index.does_as(old, &here, true) || does_as(step, old, index)));
        let is_moved = |name: &&str| step.moved().any(|(_, to)| to == *name);
        let columns = new.columns_of(index);
        let known = columns.iter().all(|name| is_moved(name) || step.key().any(|it| it.1 == *name));
        if is_there || !known || !columns.iter().any(is_moved) {
            continue;
        }
        let message = format!(
            "\"{}\" has no equivalent of unique index \"{}\" of \"{}\"",
            step.old.name, index.name, new.name
        );
        let wanted = index.name.replacen(&new.name.name, &step.old.name.name, 1);
        let known: Vec<&str> = taken.iter().map(String::as_str).collect();
        let name = free_name(&wanted, &known);
        let create = format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} USING {};",
            quoted(&name),
            step.old.sql,
            step.here(&index.definition)
        );
        taken.push(name);
        findings.push(step.finding(Severity::Risky, About::MissingIndex, message, [create]));
    }
    findings
}
