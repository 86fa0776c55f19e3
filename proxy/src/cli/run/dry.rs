//! What `segue run` would run, with the lock that each statement takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use rewrite_rules::catalog::{Catalog, Column, Relation};
use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};

use super::mend;
use crate::cli::supposed::{merge_into, split_off};
use crate::cli::{check, say};
use crate::config::{ControlUrl, Draft, parse_relation_name};
use crate::ddl::Statement;
use crate::gate::{self, About, Means, Severity};
use crate::phase::prepare;
use crate::walk::Toward;

/// Prints it. Nothing is changed.
pub(super) async fn print(
    mut draft: Draft,
    control: &ControlUrl,
    name: &str,
    until: Option<Phase>,
) -> Result<(), String> {
    let connected = prepare::load(&mut draft).await;
    let (mut client, loaded) = match connected {
        Some(connected) if draft.report.faults.is_empty() => connected,
        Some(_) | None => {
            draft.report.sort();
            return Err(draft.report.to_string());
        }
    };
    let mut rules = check::phases_in_force(&draft, &client).await?;
    check::known(name, &rules)?;
    let index = rules.iter().position(|rule| rule.name == name).unwrap_or(0);
    let Some(rule) = rules.get(index).cloned() else { return Ok(()) };
    let phases = rule.change.phases();
    let until = until.or(phases.last().copied()).unwrap_or(rule.phase);
    let supposed = Arc::new(with_new_column(&loaded.catalog, &rule));
    say(&format!("-- database \"{}\", migration \"{name}\"\n", control.database));
    let mut phase = rule.phase;
    // What one step does the next one's gate does not ask for again.
    let mut told: BTreeSet<String> = BTreeSet::new();
    while let Some(next) = phase.next_of(phases).filter(|next| *next <= until) {
        say(&format!("\n-- == {phase} -> {next}\n"));
        if Toward::of(phase).is_some_and(Toward::is_forward) {
            say(&copies(&rule));
        }
        if let Some(rule) = rules.get_mut(index) {
            rule.phase = phase;
        }
        // The first step is judged by what is there, the others as if the new column were.
        let catalog = if phase == rule.phase { &loaded.catalog } else { &supposed };
        let findings =
            gate::check(&mut client, Means::of(control), Arc::clone(catalog), &rules, index, next)
                .await?;
        let is_told = |it: &&gate::Finding| it.severity != Severity::Note || it.by_hand;
        for finding in findings.iter().filter(is_told) {
            // Whether rows agree is known when they are copied.
            if !matches!(finding.about, About::RowsDiffer | About::NotCompared | About::NotFilled) {
                say(&statements(finding, &mut told));
            }
        }
        if let Change::RenameInPlace(pair) = &rule.change {
            say(&format!(
                "-- in that step: ALTER TABLE {} RENAME COLUMN {} TO {}\n    -- ACCESS EXCLUSIVE, for a \
                 moment in which clients are held back\n",
                pair.table, pair.from, pair.to
            ));
        }
        say(&format!("-- segue phase {name} {next}\n"));
        phase = next;
    }
    if Some(&until) == phases.last() {
        if let Some(rule) = rules.get_mut(index) {
            rule.phase = phase;
        }
        for finding in gate::before_drop(&supposed, &rules, index) {
            say(&statements(&finding, &mut told));
        }
    }
    if let Some(sql) = mend::drop_old(&rule.change).filter(|_| Some(&until) == phases.last()) {
        say(&format!("\n-- with --drop-old\n{}\n", Statement::read(&sql)));
    }
    Ok(())
}

/// What a finding asks for. One that is not for a machine as a whole is left to a human as a whole.
fn statements(finding: &gate::Finding, told: &mut BTreeSet<String>) -> String {
    let by_hand = mend::remedy(finding).is_none_or(|remedy| remedy.is_empty());
    let mut text = String::new();
    if by_hand && told.insert(finding.message.clone()) {
        text.push_str(&format!("-- by hand: {}\n", finding.message));
    }
    for sql in finding.remedy.iter().filter(|sql| told.insert((*sql).clone())) {
        // What the configuration lacks.
        if finding.about == About::Positions {
            text.push_str(&format!("--   {sql}\n"));
            continue;
        }
        let statement = Statement::read(sql);
        text.push_str(&format!("{statement}{}\n", if by_hand { ", by hand" } else { "" }));
    }
    text
}

fn copies(rule: &Rule) -> String {
    let (table, column) = match &rule.change {
        Change::RenameColumn(pair)
        | Change::RenameInPlace(pair)
        | Change::ChangeColumn { columns: pair, .. } => (&pair.table, &pair.to),
        Change::BackfillColumn(added) => (&added.table, &added.column),
        Change::SplitTable(split) => {
            return format!(
                "-- segue backfill {}: INSERT INTO {} SELECT … FROM {} in batches\n    \
                 -- ROW EXCLUSIVE, and KEY SHARE of its rows for about 25 ms\n",
                rule.name, split.into, split.table
            );
        }
        Change::MergeTables(merge) => {
            return format!(
                "-- segue backfill {}: INSERT INTO {} SELECT … FROM {} in batches\n    \
                 -- ROW EXCLUSIVE, and KEY SHARE of its rows for about 25 ms\n",
                rule.name,
                merge.into,
                rule.change.tables().join(", ")
            );
        }
    };
    format!(
        "-- segue backfill {}: UPDATE {table} SET {column} = … in batches\n    -- ROW EXCLUSIVE, and its \
         rows for about 25 ms\n",
        rule.name
    )
}

/// The new column, if it is not there.
fn new_column(relation: &Relation, change: &Change) -> Option<Column> {
    let number = relation.attribute_count.saturating_add(1);
    match change {
        Change::RenameColumn(pair)
        | Change::RenameInPlace(pair)
        | Change::ChangeColumn { columns: pair, .. } => {
            let old =
                relation.column(&pair.from).filter(|_| relation.column(&pair.to).is_none())?;
            let mut new = Column::new(&pair.to, number, "");
            new.type_name.clone_from(&old.type_name);
            new.base_type.clone_from(&old.base_type);
            new.behind_domain.clone_from(&old.behind_domain);
            new.collation.clone_from(&old.collation);
            Some(new)
        }
        // Of which type it will be, no statement shows.
        Change::BackfillColumn(added) => {
            let is_missing = relation.column(&added.column).is_none();
            is_missing.then(|| Column::new(&added.column, number, "text"))
        }
        Change::SplitTable(_) | Change::MergeTables(_) => None,
    }
}

/// `catalog` with the new column, promising nothing, or with the new table.
fn with_new_column(catalog: &Catalog, rule: &Rule) -> Catalog {
    let mut catalog = catalog.clone();
    match &rule.change {
        Change::SplitTable(split) => split_off(&mut catalog, split),
        Change::MergeTables(merge) => merge_into(&mut catalog, merge),
        Change::RenameColumn(_)
        | Change::RenameInPlace(_)
        | Change::ChangeColumn { .. }
        | Change::BackfillColumn(_) => {}
    }
    let mut open: Vec<_> =
        rule.change.tables().into_iter().filter_map(parse_relation_name).collect();
    while let Some(name) = open.pop() {
        let Some(relation) = catalog.relations.get_mut(&name) else { continue };
        open.extend(relation.children.iter().cloned());
        let Some(new) = new_column(relation, &rule.change) else { continue };
        relation.attribute_count = new.number;
        relation.columns.push(new);
    }
    catalog
}
