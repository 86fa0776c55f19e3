//! Indexes: what the old table has over the moved columns and the new one has not, and the other way round.

use rewrite_rules::catalog::RelationName;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

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
    Ok(match step.way() {
        Move::WriteBoth => refusing(step, new, &own, &its),
        Move::ReadNew | Move::LeaveOld => {
            let mut taken = names_in(transaction, &new.name.schema).await?;
            let mut findings = missing(step, new, (&own, &its), &mut taken);
            findings.extend(constant_keys(step, &own));
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
    let mut findings = constant(step, new, its);
    let refusing = its.iter().filter(is_for_us).filter(|index| !is_of_old(index));
    findings.extend(refusing.map(|index| {
        let message = format!(
            "unique index \"{}\" of \"{}\" has no equivalent in \"{}\": clients that write what \
                 it refuses would fail",
            index.name, new.name, step.old.name
        );
        step.finding(Severity::Risky, About::UniqueIndex, message, [removal(new, index)])
    }));
    findings
}

/// Whether NULLs are not distinct in an index over no column of the key.
fn takes_one_null(step: &Step<'_>, new: &Table<'_>, index: &Index) -> bool {
    let is_key = |name: &&str| step.key().any(|(_, its)| its == *name);
    index.form.ends_with(" t") && !new.columns_of(index).iter().any(is_key)
}

/// Unique indexes by which there could be but one row that has no part of the old table's: all of those hold
/// the defaults.
fn constant(step: &Step<'_>, new: &Table<'_>, its: &[&Index]) -> Vec<Finding> {
    if step.part.is_none() {
        return Vec::new();
    }
    let told = its.iter().filter(|index| {
        index.unique
            && index.predicate.is_none()
            && !new.columns_of(index).is_empty()
            && step.concerns(new.columns_of(index))
            && (new.columns_of(index).into_iter().all(|name| has_constant(new, name))
                || takes_one_null(step, new, index))
    });
    told.map(|index| {
        let message = format!(
            "unique index \"{}\" of \"{}\" is over columns that are at their defaults in each row that is \
             none of \"{}\": the second one would be refused",
            index.name, new.name, step.old.name
        );
        step.finding(Severity::Risky, About::UniqueIndex, message, [removal(new, index)])
    })
    .collect()
}

/// Whether all rows that do not name it have the same value there, and one that is equal to itself.
fn has_constant(table: &Table<'_>, name: &str) -> bool {
    let default = table.relation.column(name).and_then(|column| column.default.as_ref());
    default.is_some_and(|it| {
        it.volatility < rewrite_rules::catalog::Volatility::Volatile
            && !it.expression.starts_with("NULL")
    })
}

/// Whether an index of the new table does for its rows what one of the old table does for those there.
fn does_as(step: &Step<'_>, old: &Index, new: &Index) -> bool {
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

fn missing(
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Index], &[&Index]),
    taken: &mut Vec<String>,
) -> Vec<Finding> {
    let Some(once_alone) = once_alone(step) else { return Vec::new() };
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
                        match created((&new.name, &new.sql), step, old, taken) {
                            Some(create) => {
                                step.finding(severity, About::MissingIndex, message, [create])
                            }
                            None => not_for_all(step, message),
                        }
                    }
                });
            }
        }
    }
    findings
}

/// The same index on the new table, which need not be there yet, without keeping anybody from writing. None where
/// there could be but one row that has no part of the old table's.
pub(in crate::gate) fn created(
    (name, table): (&RelationName, &str),
    step: &Step<'_>,
    old: &Index,
    taken: &mut Vec<String>,
) -> Option<String> {
    let wanted = step.counterpart_name(name, &old.name);
    let known: Vec<&str> = taken.iter().map(String::as_str).collect();
    let index = free_name(&wanted, &known);
    let unique = if old.unique { "UNIQUE " } else { "" };
    let is_constant = step.part.is_some()
        && old.unique
        && step.old.columns_of(old).into_iter().all(|name| has_constant(&step.old, name));
    let definition = match (is_constant, step.present()) {
        (false, _) => step.there(&old.definition),
        (true, Some(present)) => old.definition_where(present, &|text| step.there(text)),
        (true, None) => return None,
    };
    let create = format!(
        "CREATE {unique}INDEX CONCURRENTLY {} ON {table} USING {definition};",
        quoted(&index)
    );
    taken.push(index);
    Some(create)
}

/// What nothing can do for, as long as rows that are none of the old table's count.
fn not_for_all(step: &Step<'_>, message: String) -> Finding {
    let message = format!(
        "{message}, nor can it have: all rows that are at their defaults would be the same; declare \
         \"present\", or drop the defaults"
    );
    step.finding(Severity::Risky, About::MissingIndex, message, None)
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

/// Every row that is written from then on has the same value there: the second one is refused.
fn constant_keys(step: &Step<'_>, own: &[&Index]) -> Vec<Finding> {
    // A table that is left as a whole gets no rows.
    if step.way() != Move::LeaveOld || step.part.is_some() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let is_constant = |name: &str| {
        let column = step.old.relation.column(name);
        let default = column.and_then(|column| column.default.as_ref());
        default.is_some_and(|it| it.volatility < rewrite_rules::catalog::Volatility::Volatile)
    };
    for index in own.iter().filter(|index| index.unique) {
        let columns = step.old.columns_of(index);
        if !columns
            .iter()
            .all(|name| step.moved().any(|(from, _)| from == *name) && is_constant(name))
        {
            continue;
        }
        let message = format!(
            "unique index \"{}\" of \"{}\" is over columns that phase \"{}\" leaves to their default: \
             the second row would be refused",
            index.name, step.old.name, step.to
        );
        let drops = columns.iter().map(|name| {
            format!("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;", step.old.sql, quoted(name))
        });
        findings.push(step.finding(Severity::Risky, About::Default, message, drops));
    }
    findings
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
