//! Does what the gate of a step asks for, as far as that is for a machine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rewrite_rules::Phase;
use rewrite_rules::rule::Change;

use crate::catalog;
use crate::cli::{check, complain, say};
use crate::config::{ControlUrl, Draft, parse_relation_name};
use crate::ddl::{How, Statement, apply};
use crate::gate::{self, Finding, Means, Severity};
use crate::phase::prepare;

/// What one gate asks for may show only when something else is done; more rounds lead nowhere.
const ROUNDS: usize = 8;

pub(super) struct Mender<'a> {
    pub(super) config: &'a Path,
    pub(super) name: &'a str,
    /// Who changes the schema.
    pub(super) by: &'a ControlUrl,
}

impl Mender<'_> {
    /// Until the gate to `next` is open.
    pub(super) async fn mend(&self, next: Phase) -> Result<(), String> {
        let mut done: BTreeSet<String> = BTreeSet::new();
        for _round in 0..ROUNDS {
            let findings = self.findings(next).await?;
            let closed: Vec<&Finding> =
                findings.iter().filter(|it| it.severity != Severity::Note).collect();
            if closed.is_empty() {
                return Ok(());
            }
            let todo: Vec<Statement> = closed
                .iter()
                .filter_map(|finding| remedy(finding))
                .flatten()
                .filter(|statement| !done.contains(&statement.sql))
                .collect();
            if todo.is_empty() {
                return Err(left(&closed, next));
            }
            let client = catalog::connect(self.by).await.map_err(|error| error.to_string())?;
            for statement in todo {
                if done.insert(statement.sql.clone()) {
                    carry_out(&client, &statement).await?;
                }
            }
        }
        Err(format!(
            "the gate to \"{next}\" is still closed after {ROUNDS} rounds: see segue check"
        ))
    }

    async fn findings(&self, next: Phase) -> Result<Vec<Finding>, String> {
        let mut draft = Draft::read(self.config).await;
        let connected = prepare::load(&mut draft).await;
        let (mut client, loaded) = match connected {
            Some(connected) if draft.report.faults.is_empty() => connected,
            Some(_) | None => {
                draft.report.sort();
                return Err(draft.report.to_string());
            }
        };
        let rules = check::phases_in_force(&draft, &client).await?;
        check::known(self.name, &rules)?;
        let index = rules.iter().position(|rule| rule.name == self.name).unwrap_or(0);
        let control = draft.control.as_ref().ok_or_else(|| draft.report.to_string())?;
        let catalog = Arc::clone(&loaded.catalog);
        gate::check(&mut client, Means::of(control), catalog, &rules, index, next).await
    }
}

/// The statements that mend a finding, if all of them are for a machine.
pub(super) fn remedy(finding: &Finding) -> Option<Vec<Statement>> {
    let statements: Vec<Statement> =
        finding.remedy.iter().map(|sql| Statement::read(sql)).collect();
    let is_for_us = |statement: &Statement| matches!(statement.how, How::GivingWay | How::Alone);
    (!finding.by_hand && statements.iter().all(is_for_us)).then_some(statements)
}

fn left(closed: &[&Finding], next: Phase) -> String {
    let list: Vec<String> = closed.iter().map(ToString::to_string).collect();
    format!(
        "the gate to phase \"{next}\" is closed by what is not for a machine\n\n{}",
        list.join("\n")
    )
}

async fn carry_out(client: &tokio_postgres::Client, statement: &Statement) -> Result<(), String> {
    say(&format!("{statement}\n"));
    let waiting = |attempt: u32| {
        if attempt.is_power_of_two() {
            complain(&format!("the table is in use, attempt {attempt} gave way"));
        }
    };
    let done = apply(client, statement, &waiting).await;
    done.map_err(|error| format!("{error}\n  hint: {}", error.hint()))
}

/// What takes the old column away, where there is one beside the new one, or all that have moved.
pub(super) fn drop_old(change: &Change) -> Option<String> {
    match change {
        Change::RenameColumn(pair) | Change::ChangeColumn { columns: pair, .. } => {
            let table = gate::sql(&parse_relation_name(&pair.table)?);
            let column = rewrite_rules::name::quoted(&pair.from);
            Some(format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {column}"))
        }
        Change::SplitTable(split) => {
            let table = gate::sql(&parse_relation_name(&split.table)?);
            let drop = |(from, _): (&str, &str)| {
                format!("DROP COLUMN IF EXISTS {}", rewrite_rules::name::quoted(from))
            };
            let columns: Vec<String> = split.columns.pairs().map(drop).collect();
            Some(format!("ALTER TABLE {table} {}", columns.join(", ")))
        }
        Change::MergeTables(_) => {
            let names = change.tables().into_iter().filter_map(parse_relation_name);
            let tables: Vec<String> = names.map(|name| gate::sql(&name)).collect();
            Some(format!("DROP TABLE IF EXISTS {}", tables.join(", ")))
        }
        Change::RenameInPlace(_) | Change::BackfillColumn(_) => None,
    }
}

/// Takes it away, as it was asked for.
pub(super) async fn drop_column(by: &ControlUrl, sql: &str) -> Result<(), String> {
    let client = catalog::connect(by).await.map_err(|error| error.to_string())?;
    let statement = Statement { how: How::GivingWay, ..Statement::read(sql) };
    carry_out(&client, &statement).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_a_human_to_weigh_is_not_run() {
        let grant = "GRANT SELECT (bio) ON users TO app";
        let finding = Finding {
            migration: "m".to_owned(),
            from: Phase::Expand,
            to: Phase::DualWrite,
            severity: Severity::Risky,
            about: gate::About::Privilege,
            forcible: true,
            by_hand: false,
            message: String::new(),
            remedy: vec![format!("{grant};")],
        };
        assert_eq!(remedy(&finding), Some(vec![Statement::read(grant)]));
        assert_eq!(remedy(&Finding { by_hand: true, ..finding }), None);
    }
}
