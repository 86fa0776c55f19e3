//! Rules that cannot stand beside each other.

use std::collections::BTreeSet;

use super::{Fault, backfill_column, backfill_value, table};
use crate::catalog::Catalog;
use crate::phase::Phase;
use crate::rule::{Change, Governed, Rule};

/// Rules that share a name, or a column.
pub(super) fn of_names(rules: &[Rule]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (later, rule) in rules.iter().enumerate() {
        for earlier in rules.iter().take(later) {
            if earlier.name == rule.name {
                faults.push(Fault {
                    rule: later,
                    key: "name",
                    message: format!("there are two migrations named \"{}\"", rule.name),
                    hint: Some("give each migration a name of its own".to_owned()),
                });
            }
            faults.extend(column_conflict(later, rule, earlier));
        }
    }
    faults
}

fn column_conflict(later: usize, rule: &Rule, earlier: &Rule) -> Option<Fault> {
    let taken: Vec<_> = (earlier.change.governed().iter())
        .map(|other| (table::relation_name(other.table), other.column.to_owned()))
        .collect();
    rule.change.governed().into_iter().find_map(|Governed { key, table, column }| {
        let table = table::relation_name(table)?;
        let place = (Some(table.clone()), column.to_owned());
        taken.contains(&place).then(|| Fault {
            rule: later,
            key,
            message: format!(
                "migrations \"{}\" and \"{}\" both govern column \"{column}\" of table \"{table}\"",
                earlier.name, rule.name
            ),
            hint: Some("finish one before the other begins".to_owned()),
        })
    })
}

/// Migrations of a table that is merged, or that others are merged into.
pub(super) fn of_merges(rules: &[Rule]) -> Vec<Fault> {
    let tables = |rule: &Rule| -> Vec<_> {
        let named = rule.change.tables().into_iter().chain(rule.change.into_table());
        named.filter_map(table::relation_name).collect()
    };
    let mut faults = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if !matches!(rule.change, Change::MergeTables(_)) {
            continue;
        }
        let own = tables(rule);
        for (_, other) in rules.iter().enumerate().filter(|(other, _)| *other != index) {
            let mut others = tables(other).into_iter();
            if let Some(both) = others.find(|table| own.contains(table)) {
                faults.push(Fault {
                    rule: index,
                    key: "source",
                    message: format!("migration \"{}\" governs table \"{both}\" too", other.name),
                    hint: Some("finish one before the other begins".to_owned()),
                });
            }
        }
    }
    faults
}

/// Splits of one table by different keys: no write of it could reach both once one of them is read from its new table.
pub(super) fn of_keys(rules: &[Rule]) -> Vec<Fault> {
    let is_written = |rule: &Rule| rule.phase != Phase::Expand;
    let is_read = |rule: &Rule| is_written(rule) && rule.phase != Phase::DualWrite;
    let mut faults = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| is_read(rule)) {
        let Change::SplitTable(split) = &rule.change else { continue };
        let key: BTreeSet<&str> = split.key.from.iter().collect();
        let meets = |other: &Rule| match &other.change {
            Change::SplitTable(its) => {
                table::relation_name(&its.table) == table::relation_name(&split.table)
                    && its.key.from.iter().collect::<BTreeSet<&str>>() != key
            }
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_)
            | Change::MergeTables(_) => false,
        };
        if let Some(other) = rules.iter().find(|other| is_written(other) && meets(other)) {
            faults.push(Fault {
                rule: index,
                key: "key",
                message: format!(
                    "migration \"{}\" splits the table by another key, and is in phase \"{}\"",
                    other.name, other.phase
                ),
                hint: Some("finish one before the other begins".to_owned()),
            });
        }
    }
    faults
}

/// Values over a column that another migration governs: in some phase nobody writes it any more.
pub(super) fn of_values(rules: &[Rule], catalog: &Catalog) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let Change::BackfillColumn(added) = &rule.change else { continue };
        if !backfill_column::is_filled_in(rule.phase) {
            continue;
        }
        let Ok(value) = backfill_value(added, catalog) else { continue };
        let table = table::relation_name(&added.table);
        let is_read = |other: &Governed<'_>| {
            table::relation_name(other.table) == table
                && value.columns().iter().any(|column| column == other.column)
        };
        let others = rules.iter().filter(|other| other.name != rule.name);
        let governed =
            others.flat_map(|other| other.change.governed().into_iter().map(move |it| (other, it)));
        for (other, Governed { column, .. }) in governed.filter(|(_, it)| is_read(it)) {
            faults.push(Fault {
                rule: index,
                key: "value",
                message: format!(
                    "\"{}\" names \"{column}\", which migration \"{}\" governs",
                    added.value, other.name
                ),
                hint: Some("finish one before the other begins".to_owned()),
            });
        }
    }
    faults
}
