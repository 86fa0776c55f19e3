//! The key of both tables: the unique index by which a write finds what belongs to a row.

use std::collections::BTreeSet;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Step, Table, list};
use crate::gate::columns::set_not_null;
use crate::gate::finding::{About, Finding};
use crate::gate::step::free_name;

/// A unique index over plain columns.
struct Unique {
    name: String,
    schema: String,
    columns: Vec<i16>,
    valid: bool,
    immediate: bool,
    partial: bool,
    /// Whether it compares as the columns do.
    plain: bool,
    constraint: Option<String>,
    primary: bool,
}

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let (from, to): (Vec<&str>, Vec<&str>) = step.key().unzip();
    findings.extend(unique(transaction, step, &step.old, &from).await?);
    findings.extend(unique(transaction, step, new, &to).await?);
    findings.extend(nullable(step, &step.old, &from));
    findings.extend(nullable(step, new, &to));
    Ok(findings)
}

/// Columns of a key that may be NULL.
fn nullable(step: &Step<'_>, table: &Table<'_>, names: &[&str]) -> Vec<Finding> {
    let columns = names.iter().filter_map(|name| table.relation.column(name));
    let nullable = columns.filter(|column| !column.not_null);
    nullable
        .map(|column| {
            let message = format!(
                "column \"{}\" of \"{}\" may be NULL, and is part of the key",
                column.name, table.name
            );
            let statements = set_not_null(&table.sql, &column.name);
            step.not_ready(About::NotNull, message, statements)
        })
        .collect()
}

/// What is wrong with the unique indexes of one table's key. ON CONFLICT takes all that are over the key.
async fn unique(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    table: &Table<'_>,
    names: &[&str],
) -> Result<Option<Finding>, Error> {
    let wanted: BTreeSet<i16> = table.numbers(names.iter().copied()).into_iter().collect();
    if wanted.len() < names.len() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for row in transaction.query(queries::UNIQUE, &[&table.oid]).await? {
        let index = Unique {
            name: row.try_get(0)?,
            schema: row.try_get(1)?,
            columns: row.try_get(2)?,
            valid: row.try_get(3)?,
            immediate: row.try_get(4)?,
            partial: row.try_get(5)?,
            plain: row.try_get(6)?,
            constraint: row.try_get(7)?,
            primary: row.try_get(8)?,
        };
        if index.columns.iter().copied().collect::<BTreeSet<_>>() == wanted {
            found.push(index);
        }
    }
    let of_table = format!("({}) of \"{}\"", names.join(", "), table.name);
    if let Some(index) = found.iter().find(|index| index.valid && !index.immediate) {
        let message = format!(
            "unique index \"{}\" over {of_table} is DEFERRABLE: neither ON CONFLICT nor a foreign key \
             can use it",
            index.name
        );
        return Ok(Some(step.not_ready(About::UniqueIndex, message, at_once(table, names, index))));
    }
    let is_good = |it: &&Unique| it.valid && !it.partial && it.plain;
    if found.iter().any(|index| is_good(&index)) {
        return Ok(None);
    }
    if let Some(index) = found.iter().find(|index| !index.valid && !index.partial && index.plain) {
        let message = format!("unique index \"{}\" over {of_table} is not valid", index.name);
        let rebuild = format!(
            "REINDEX INDEX CONCURRENTLY {}.{};",
            quoted(&index.schema),
            quoted(&index.name)
        );
        return Ok(Some(step.not_ready(About::InvalidIndex, message, [rebuild])));
    }
    let message = format!(
        "no unique index over {of_table} is whole and compares as the columns do: what belongs to a \
         key could not be told"
    );
    let taken: Vec<&str> = found.iter().map(|index| index.name.as_str()).collect();
    let name = free_name(&format!("{}_{}_key", table.name.name, names.join("_")), &taken);
    let create = format!(
        "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} ({});",
        quoted(&name),
        table.sql,
        list(names.iter().copied())
    );
    Ok(Some(step.not_ready(About::MissingIndex, message, [create])))
}

/// The same index, that refuses at once.
fn at_once(table: &Table<'_>, names: &[&str], index: &Unique) -> Vec<String> {
    let fresh = quoted(&free_name(&format!("{}_at_once", index.name), &[]));
    let name = quoted(index.constraint.as_deref().unwrap_or(&index.name));
    let kind = if index.primary { "PRIMARY KEY" } else { "UNIQUE" };
    vec![
        format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {fresh} ON {} ({});",
            table.sql,
            list(names.iter().copied())
        ),
        format!(
            "ALTER TABLE {} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {kind} USING INDEX {fresh};",
            table.sql
        ),
    ]
}
