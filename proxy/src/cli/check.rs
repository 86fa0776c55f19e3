//! `segue check`: what makes the next step of a migration, and the way back, unsafe now.

use std::fmt::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use rewrite_rules::{Phase, Rule};
use serde::Serialize;

use super::{ConfigFile, DONE, GATE_CLOSED, fail, say};
use crate::config::{ControlUrl, Draft, nearest};
use crate::gate::{self, Finding, Means, Severity, is_open};
use crate::journal::{JournalError, state};
use crate::phase::prepare;

/// How headings look.
const HEADING: Style = Style::new().bold();
/// How an open gate looks.
const OPEN: Style = AnsiColor::Green.on_default();
/// How what loses data looks.
const LOSES_DATA: Style = AnsiColor::Red.on_default();
/// How what is risky looks.
const RISKY: Style = AnsiColor::Yellow.on_default();

/// Arguments of `segue check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is changed: the checks only read. They compare all rows before the \
                        side that is read changes, which reads the whole table.\n\n\
                        Exit codes: 0 the next step's gate is open, 1 failed, 5 it is closed"
)]
pub(super) struct Arguments {
    /// The migration; all of them, if none is named
    name: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

/// A migration and the steps that it may take.
#[derive(Debug, Serialize)]
struct Checked {
    migration: String,
    phase: Phase,
    /// The next step, if there is one, and the one back.
    steps: Vec<Step>,
    /// In the last phase: what is to be done before the old side is dropped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before_drop: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Step {
    direction: Direction,
    to: Phase,
    /// Whether nothing keeps it from being taken.
    open: bool,
    findings: Vec<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    Forward,
    Back,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { name, file, json } = arguments;
    let checked = match check(Draft::read(&file.config).await, name.as_deref()).await {
        Ok(checked) => checked,
        Err(problem) => return fail(&problem),
    };
    if json {
        match serde_json::to_string_pretty(&checked) {
            Ok(text) => say(&format!("{text}\n")),
            Err(error) => return fail(&error.to_string()),
        }
    } else if checked.is_empty() {
        say("no migrations\n");
    } else {
        let texts: Vec<String> = checked.iter().map(render).collect();
        say(&texts.join("\n"));
    }
    let mut next =
        checked.iter().flat_map(|it| &it.steps).filter(|it| it.direction == Direction::Forward);
    let is_open = next.all(|step| step.open) && checked.iter().all(|it| it.before_drop.is_empty());
    ExitCode::from(if is_open { DONE } else { GATE_CLOSED })
}

async fn check(mut draft: Draft, name: Option<&str>) -> Result<Vec<Checked>, String> {
    let connected = prepare::load(&mut draft).await;
    let (mut client, loaded) = match connected {
        Some(connected) if draft.report.faults.is_empty() => connected,
        Some(_) | None => {
            draft.report.sort();
            return Err(draft.report.to_string());
        }
    };
    let rules = phases_in_force(&draft, &client).await?;
    if let Some(name) = name {
        known(name, &rules)?;
    }
    let control = draft.control.clone().ok_or_else(|| draft.report.to_string())?;
    let mut checked = Vec::new();
    let in_force = descriptions_in_force(&rules, &control, &client).await?;
    for (index, rule) in rules.iter().enumerate() {
        if name.is_some_and(|name| name != rule.name) {
            continue;
        }
        let steps = [
            (Direction::Forward, rule.phase.next_of(rule.change.phases())),
            (Direction::Back, rule.phase.previous_of(rule.change.phases())),
        ];
        let mut found = Vec::new();
        for (direction, to) in steps {
            let Some(to) = to else { continue };
            let catalog = std::sync::Arc::clone(&loaded.catalog);
            let findings =
                gate::check(&mut client, Means::of(&control), catalog, &rules, index, to).await?;
            found.push(Step { direction, to, open: is_open(&findings), findings });
        }
        let before_drop = match rule.phase {
            Phase::Contract => gate::before_drop(&loaded.catalog, &in_force, index),
            Phase::Expand
            | Phase::DualWrite
            | Phase::SwitchReads
            | Phase::StopDualWrite
            | Phase::Backfill
            | Phase::Enforce => Vec::new(),
        };
        let (migration, phase) = (rule.name.clone(), rule.phase);
        checked.push(Checked { migration, phase, steps: found, before_drop });
    }
    Ok(checked)
}

/// All rules, in the phases that are in force: those of the journal, where it knows them.
pub(super) async fn phases_in_force(
    draft: &Draft,
    client: &tokio_postgres::Client,
) -> Result<Vec<Rule>, String> {
    let mut rules: Vec<Rule> = draft.rules.iter().map(|(rule, _)| rule.clone()).collect();
    let Some(control) = &draft.control else { return Ok(rules) };
    match state::find(client, &control.database).await {
        Ok(state) => {
            for rule in &mut rules {
                let known = state.migrations.iter().find(|known| known.name == rule.name);
                rule.phase = known.map_or(rule.phase, |known| known.phase);
            }
            Ok(rules)
        }
        // Before anything has begun.
        Err(JournalError::Absent(_)) => Ok(rules),
        Err(error) => Err(error.to_string()),
    }
}

/// `rules` as the proxies have them, which may not have read yet what the file says.
async fn descriptions_in_force(
    rules: &[Rule],
    control: &ControlUrl,
    client: &tokio_postgres::Client,
) -> Result<Vec<Rule>, String> {
    let mut rules = rules.to_vec();
    match state::find(client, &control.database).await {
        Ok(state) => {
            for rule in &mut rules {
                let known = state.migrations.iter().find(|known| known.name == rule.name);
                if let Some(change) = known.and_then(|known| known.change.clone()) {
                    rule.change = change;
                }
            }
            Ok(rules)
        }
        // Before anything has begun.
        Err(JournalError::Absent(_)) => Ok(rules),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn known(name: &str, rules: &[Rule]) -> Result<(), String> {
    if rules.iter().any(|rule| rule.name == name) {
        return Ok(());
    }
    let hint = match nearest(name, rules.iter().map(|rule| rule.name.as_str())) {
        Some(near) => format!("\n  hint: did you mean \"{near}\"?"),
        None => String::new(),
    };
    Err(format!("there is no migration \"{name}\"{hint}"))
}

fn render(checked: &Checked) -> String {
    let Checked { migration, phase, steps, before_drop } = checked;
    let mut text = format!("{HEADING}{migration}{HEADING:#} is in phase \"{phase}\"\n");
    for step in steps {
        let way = match step.direction {
            Direction::Forward => "next step",
            Direction::Back => "way back",
        };
        let gate = match step.open {
            true => format!("{OPEN}the gate is open{OPEN:#}"),
            false => format!("{LOSES_DATA}the gate is closed{LOSES_DATA:#}"),
        };
        let _ = writeln!(text, "\n  {way:9}  {HEADING}{}{HEADING:#}: {gate}", step.to);
        for finding in &step.findings {
            text.push_str(&lines(finding));
        }
    }
    if steps.iter().all(|step| step.direction == Direction::Back) {
        let _ = writeln!(text, "\n  next step  none: this is the last phase");
    }
    if !before_drop.is_empty() {
        let _ = writeln!(text, "\n  {LOSES_DATA}before the old side is dropped{LOSES_DATA:#}");
    }
    for finding in before_drop {
        text.push_str(&lines(finding));
    }
    text
}

/// A finding with its code, its message and what mends it.
fn lines(finding: &Finding) -> String {
    let style = match finding.severity {
        Severity::LosesData => LOSES_DATA,
        Severity::Risky => RISKY,
        Severity::Note => Style::new(),
    };
    let (label, code) = (finding.label(), finding.about.code());
    format!("\n    {style}{label:10}{style:#}  {code}\n{}", finding.body())
}
