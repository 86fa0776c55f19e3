//! `segue explain`: shows what PostgreSQL would receive instead of a statement, phase by phase.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use rewrite_rules::{Catalog, Outcome, Phase, Rule, SearchPath, SessionView, Shape};
use serde::Serialize;

use super::difference::coloured;
use super::phase::phase;
use super::supposed::supposed;
use super::{ConfigFile, DONE, fail, say};
use crate::config::{Draft, parse_relation_name};
use crate::phase::prepare;

/// Longest statement that is read from standard input. PostgreSQL's own limit is 1 GB; nobody
/// reads the explanation of a longer one than this. Unit: bytes.
const STATEMENT_BYTES: u64 = 16 * 1024 * 1024;

/// What a statement that looks at the schema has in it.
const CATALOGS: [&str; 9] = [
    "information_schema",
    "pg_attr",
    "pg_class",
    "pg_index",
    "pg_constraint",
    "pg_depend",
    "pg_description",
    "pg_get_",
    "col_description",
];

/// How headings look.
const HEADING: Style = Style::new().bold();
/// How refusals look.
const REFUSED: Style = AnsiColor::Red.on_default();

/// Arguments of `segue explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 explained, 1 the configuration or the database has faults")]
pub(super) struct Arguments {
    /// The statement, or - to read it from standard input
    sql: String,
    #[command(flatten)]
    file: ConfigFile,
    /// Suppose that the statement's migrations are in this phase
    #[arg(long, value_name = "PHASE", value_parser = phase, conflicts_with = "all")]
    phase: Option<Phase>,
    /// Suppose each phase in turn
    #[arg(long)]
    all: bool,
    /// Suppose that the client speaks this shape
    #[arg(long, value_name = "SHAPE", default_value_t, value_parser = Shape::from_str)]
    shape: Shape,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

/// What becomes of the statement in one phase.
#[derive(Debug, Serialize)]
struct Explanation {
    /// The supposed phase; none for the phases of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<Phase>,
    /// The migrations that the statement may concern, in their phases.
    migrations: Vec<Standing>,
    /// What would be sent, as soon as the database is ready for it.
    #[serde(flatten)]
    verdict: Verdict,
    /// What the database still lacks for this phase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_ready: Vec<NotReady>,
}

#[derive(Debug, Serialize)]
struct Standing {
    name: String,
    phase: Phase,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Verdict {
    /// Sent as it is.
    Forwarded,
    /// Sent as it is although it could not be read.
    ForwardedUnread,
    /// Something else is sent.
    Rewritten { sql: String },
    /// Nothing is sent.
    Refused {
        sqlstate: &'static str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
    },
    /// It cannot be told: see what the database lacks.
    Unknown,
}

#[derive(Debug, Serialize)]
struct NotReady {
    migration: String,
    key: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { sql, file, phase, all, shape, json } = arguments;
    let sql = match statement(sql) {
        Ok(sql) => sql,
        Err(problem) => return fail(&problem),
    };
    let (rules, catalog) = match load(&file.config).await {
        Ok(loaded) => loaded,
        Err(report) => return fail(&report),
    };
    let phases: Vec<Option<Phase>> = match (all, phase) {
        (true, _) => phases(&sql, &rules).into_iter().map(Some).collect(),
        (false, phase) => vec![phase],
    };
    let explanations: Vec<Explanation> =
        phases.into_iter().map(|phase| explain(&sql, shape, &rules, phase, &catalog)).collect();
    if json {
        match serde_json::to_string_pretty(&explanations) {
            Ok(text) => say(&format!("{text}\n")),
            Err(error) => return fail(&error.to_string()),
        }
    } else {
        let texts: Vec<String> = explanations.iter().map(|found| render(found, &sql)).collect();
        say(&texts.join("\n"));
    }
    ExitCode::from(DONE)
}

/// The phases that the migrations have which the statement may concern.
fn phases(sql: &str, rules: &[Rule]) -> Vec<Phase> {
    let lowered = sql.to_lowercase();
    let mut concerned: Vec<&Rule> =
        rules.iter().filter(|rule| may_concern(rule, &lowered)).collect();
    if concerned.is_empty() {
        concerned = rules.iter().collect();
    }
    let is_one = |phase: &Phase| concerned.iter().any(|rule| rule.change.phases().contains(phase));
    match concerned.is_empty() {
        true => Phase::TWO_SIDED.to_vec(),
        false => Phase::ALL.into_iter().filter(is_one).collect(),
    }
}

fn statement(argument: String) -> Result<String, String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(STATEMENT_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("the statement could not be read: {error}"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > STATEMENT_BYTES {
        return Err(format!("the statement is longer than {STATEMENT_BYTES} bytes"));
    }
    Ok(text.trim_end().to_owned())
}

/// The rules of the file and the catalog of its database. That the database is not ready for a
/// phase is no reason to stop: another phase may be asked for.
async fn load(path: &Path) -> Result<(Vec<Rule>, Arc<Catalog>), String> {
    let mut draft = Draft::read(path).await;
    let connected = prepare::load(&mut draft).await;
    let rules = draft.rules.iter().map(|(rule, _)| rule.clone()).collect();
    match (connected, draft.report.faults.is_empty()) {
        (Some((_, loaded)), true) => Ok((rules, loaded.catalog)),
        (Some(_) | None, _) => {
            draft.report.sort();
            Err(draft.report.to_string())
        }
    }
}

fn explain(
    sql: &str,
    shape: Shape,
    rules: &[Rule],
    phase: Option<Phase>,
    catalog: &Arc<Catalog>,
) -> Explanation {
    let lowered = sql.to_lowercase();
    let mut rules = rules.to_vec();
    let mut migrations = Vec::new();
    for rule in rules.iter_mut().filter(|rule| may_concern(rule, &lowered)) {
        if let Some(phase) = phase.filter(|phase| rule.change.phases().contains(phase)) {
            rule.phase = phase;
        }
        migrations.push(Standing { name: rule.name.clone(), phase: rule.phase });
    }
    let (verdict, not_ready) = match rewrite_rules::compile(1, &rules, Arc::clone(catalog)) {
        Ok(generation) => (verdict(&generation, shape, sql), Vec::new()),
        Err(faults) => {
            let ready = Arc::new(supposed(catalog, &rules));
            let verdict = rewrite_rules::compile(1, &rules, ready)
                .map_or(Verdict::Unknown, |generation| verdict(&generation, shape, sql));
            (verdict, faults.into_iter().map(|fault| not_ready(&rules, fault)).collect())
        }
    };
    Explanation { phase, migrations, verdict, not_ready }
}

fn not_ready(rules: &[Rule], fault: rewrite_rules::Fault) -> NotReady {
    let migration = rules.get(fault.rule).map_or_else(String::new, |rule| rule.name.clone());
    NotReady { migration, key: fault.key, message: fault.message, hint: fault.hint }
}

/// Whether the table's name stands in the statement in any way, or all tables may show in it.
fn may_concern(rule: &Rule, lowered: &str) -> bool {
    if CATALOGS.iter().any(|catalog| lowered.contains(catalog)) {
        return true;
    }
    let tables = rule.change.tables().into_iter().chain(rule.change.into_table());
    let mut tables = tables.filter_map(parse_relation_name);
    tables.any(|relation| lowered.contains(&relation.name.to_lowercase()))
}

fn verdict(generation: &rewrite_rules::Generation, shape: Shape, sql: &str) -> Verdict {
    let search_path = SearchPath::default();
    let session = SessionView { shape, ..SessionView::usual(&search_path) };
    // Sessions do the same: what the scan does not find is never parsed.
    let scan = generation.scan(sql.as_bytes());
    if !scan.governed && !scan.catalog {
        return Verdict::Forwarded;
    }
    match generation.rewrite(sql, session) {
        Outcome::Forward => Verdict::Forwarded,
        Outcome::ForwardOpaque => Verdict::ForwardedUnread,
        Outcome::Rewritten(rewritten) => Verdict::Rewritten { sql: rewritten.sql },
        Outcome::Refused(refusal) => Verdict::Refused {
            sqlstate: refusal.sqlstate,
            message: refusal.message,
            hint: refusal.hint,
            position: refusal.position,
        },
    }
}

fn render(explanation: &Explanation, sql: &str) -> String {
    let Explanation { phase, migrations, verdict, not_ready } = explanation;
    let standing: Vec<String> =
        migrations.iter().map(|m| format!("{}: {}", m.name, m.phase)).collect();
    let heading = match (phase, standing.as_slice()) {
        (Some(phase), _) => phase.to_string(),
        (None, []) => "no migration concerns it".to_owned(),
        (None, standing) => standing.join(", "),
    };
    let body = match verdict {
        Verdict::Forwarded => "forwarded\n".to_owned(),
        Verdict::ForwardedUnread => {
            "forwarded (it cannot be read, and does no harm in this phase)\n".to_owned()
        }
        Verdict::Rewritten { sql: after } => format!("{}\n", coloured(sql, after)),
        Verdict::Refused { sqlstate, message, hint, position } => {
            let place = position.map_or_else(String::new, |at| format!(" (at character {at})"));
            format!(
                "{REFUSED}refused {sqlstate}{REFUSED:#}: {message}{place}\n{}",
                hint_line(hint.as_ref())
            )
        }
        Verdict::Unknown => String::new(),
    };
    let lacking: String = not_ready
        .iter()
        .map(|fault| {
            format!(
                "{REFUSED}not ready{REFUSED:#}: migration \"{}\", key \"{}\": {}\n{}",
                fault.migration,
                fault.key,
                fault.message,
                hint_line(fault.hint.as_ref())
            )
        })
        .collect();
    let indented: String =
        body.lines().chain(lacking.lines()).map(|line| format!("  {line}\n")).collect();
    format!("{HEADING}{heading}{HEADING:#}\n{indented}")
}

fn hint_line(hint: Option<&String>) -> String {
    hint.map_or_else(String::new, |hint| format!("HINT: {hint}\n"))
}
