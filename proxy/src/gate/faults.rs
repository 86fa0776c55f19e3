//! What keeps the target phase from being compiled, or its expressions from being understood.
//!
//! Such a generation can never be put in force, so nothing of this can be forced.

use std::sync::Arc;

use rewrite_rules::compile::before_step;
use rewrite_rules::{Catalog, Fault, Phase, Rule};
use tokio_postgres::Client;

use super::answered;
use super::finding::{About, Finding, Severity};
use crate::aside::aside;
use crate::catalog::in_time;
use crate::phase::rehearse::rehearse;

/// Compiles the rules with the target phase and has the server read every expression, and asks what else a step
/// forward wants.
pub(super) async fn find(
    client: &Client,
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    index: usize,
    to: Phase,
) -> Result<Vec<Fault>, String> {
    let mut stepped = rules.to_vec();
    if let Some(rule) = stepped.get_mut(index) {
        rule.phase = to;
    }
    let compiled = |rules: &[Rule]| aside(|| rewrite_rules::compile(0, rules, Arc::clone(catalog)));
    let wanted = before_step(rules, index, to, catalog);
    match compiled(&stepped) {
        Ok(generation) => {
            let mut faults = answered(in_time(rehearse(client, &generation)).await)?;
            faults.extend(wanted);
            Ok(faults)
        }
        // Where the target phase lacks a table, what else is wrong with the rule is told by the present one.
        Err(mut faults) => {
            let present = compiled(rules).err().into_iter().flatten();
            let more: Vec<Fault> = present.filter(|fault| !faults.contains(fault)).collect();
            faults.extend(more);
            faults.extend(wanted);
            Ok(faults)
        }
    }
}

/// The faults that `known` does not tell better already.
pub(super) fn findings(
    rules: &[Rule],
    stepping: &Rule,
    to: Phase,
    faults: &[Fault],
    known: &[Finding],
) -> Vec<Finding> {
    let told = |rule: &Rule, fault: &Fault| {
        let faults = known.iter().filter(|finding| !finding.forcible && rule.name == stepping.name);
        match fault.key {
            // The preconditions of a phase.
            "phase" => faults
                .into_iter()
                .any(|it| !matches!(it.about, About::MissingColumn | About::Definition)),
            // Of a column that does not exist, or is of a wrong type, the rest can wait.
            key => {
                let is_told = |about| matches!(about, About::MissingColumn | About::Definition);
                let columns = rule.change.governed().into_iter().filter(|it| it.key == key);
                let mut begin = columns.map(|it| format!("column \"{}\" ", it.column));
                begin.next().is_some_and(|begin| {
                    faults.into_iter().any(|it| is_told(it.about) && it.message.starts_with(&begin))
                })
            }
        }
    };
    let mut findings = Vec::new();
    for fault in faults {
        let Some(rule) = rules.get(fault.rule) else { continue };
        if told(rule, fault) {
            continue;
        }
        let key = format!("key \"{}\" of migration \"{}\"", fault.key, rule.name);
        let statement = fault.hint.as_deref().and_then(statement);
        let hint = fault.hint.iter().filter(|_| statement.is_none());
        let hint = hint.map(|hint| format!("; {hint}"));
        findings.push(Finding {
            migration: rule.name.clone(),
            from: stepping.phase,
            to,
            severity: Severity::Risky,
            about: About::Definition,
            forcible: false,
            by_hand: false,
            message: format!("{key}: {}{}", fault.message, hint.collect::<String>()),
            remedy: statement.map(str::to_owned).into_iter().collect(),
        });
    }
    findings
}

/// As long as the rule itself is wrong nobody knows which statements would be right.
pub(super) fn withhold(findings: &mut [Finding]) {
    let is_of_rule = |it: &Finding| it.about == About::Definition && it.remedy.is_empty();
    if findings.iter().any(is_of_rule) {
        for finding in findings {
            finding.remedy.clear();
        }
    }
}

/// The statement that a hint is, if it is one.
fn statement(hint: &str) -> Option<&str> {
    let statement = hint.strip_prefix("run ")?;
    (statement.ends_with(';') && !statement.contains('…')).then_some(statement)
}
