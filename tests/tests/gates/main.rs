//! Gates: every fault that can be planted is found, by its own check and no other, and what is said
//! to mend it does.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod added;
mod early;
mod leaving;
mod mended;
mod merge;
mod odd;
mod pages;
mod reading;
mod split;

use std::path::Path;
use std::sync::Arc;

use rewrite_rules::{Phase, Rule};
use segue::config::Draft;
use segue::gate::{self, Finding, Means, Severity};
use segue::phase::prepare;
use segue_tests::server::{Database, cluster, run};

/// A table without any fault, ready for each phase up to `switch-reads`.
const CLEAN: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, username varchar(50) NOT NULL UNIQUE, email text, handle varchar(50));
    INSERT INTO users SELECT g, 'user' || g, 'mail' || g, 'user' || g FROM generate_series(1, 100) g;";

/// What `switch-reads` wants besides.
const READY: &str = "CREATE UNIQUE INDEX users_handle_key ON users (handle);
    ALTER TABLE users ALTER COLUMN handle SET NOT NULL;
    ANALYZE users;";

/// What `stop-dual-write` wants besides.
const DONE_WITH_OLD: &str = "ALTER TABLE users ALTER COLUMN username DROP NOT NULL;";

/// A migration of [`CLEAN`]'s table.
fn username(from: Phase) -> String {
    migration("users", "username", "handle", "kind = \"rename-column\"", from)
}

fn migration(table: &str, from: &str, to: &str, rest: &str, phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\ntable = '{table}'\nfrom = '{from}'\nto = '{to}'\n\
         phase = \"{phase}\"\n{rest}\n"
    )
}

/// All findings of a step, as segue's own role sees them.
fn check(database: &Database, migration: &str, to: Phase) -> Vec<Finding> {
    check_as("segue", database, migration, to)
}

fn check_as(role: &str, database: &Database, migration: &str, to: Phase) -> Vec<Finding> {
    let text = format!(
        "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol = \"{}\"\n{migration}",
        cluster().port(),
        cluster().url(role, &database.name)
    );
    let mut draft = Draft::parse(Path::new("segue.toml"), &text);
    let loaded = run(prepare::load(&mut draft));
    assert!(draft.report.faults.is_empty(), "{}", draft.report);
    let (mut client, loaded) = loaded.expect("a connection");
    let rules: Vec<Rule> = draft.rules.iter().map(|(rule, _)| rule.clone()).collect();
    let control = draft.control.clone().expect("a URL");
    let (means, catalog) = (Means::of(&control), Arc::clone(&loaded.catalog));
    run(gate::check(&mut client, means, catalog, &rules, 0, to)).expect("an answer")
}

/// A whole finding as lines: severity, whether it can be forced, code, whether it is left to a human, message;
/// then the remedies.
fn told(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::LosesData => "loses-data",
            Severity::Risky if finding.forcible => "risky",
            Severity::Risky => "not-ready",
            Severity::Note => "note",
        };
        let by_hand = if finding.by_hand { " (by hand)" } else { "" };
        lines.push(format!("{severity} {}{by_hand}: {}", finding.about.code(), finding.message));
        lines.extend(finding.remedy.iter().map(|command| format!("  {command}")));
    }
    lines
}

/// Plants a fault, and wants just these lines of the step.
#[track_caller]
fn planted(ddl: &str, from: Phase, to: Phase, expected: &[&str]) {
    let database = Database::create("gates", ddl);
    assert_eq!(told(&check(&database, &username(from), to)), expected, "{ddl}");
}

/// Runs what the findings say, each command by itself, as psql would.
fn mend(database: &Database, findings: &[Finding]) {
    let mut wire = database.connect();
    for finding in findings {
        for command in &finding.remedy {
            wire.script(command);
        }
    }
}

#[test]
fn a_clean_database_has_no_findings_on_any_step() {
    let database = Database::create("gates", CLEAN);
    let step = |from: Phase, to: Phase| {
        assert_eq!(told(&check(&database, &username(from), to)), [""; 0], "{from} -> {to}");
    };
    step(Phase::Expand, Phase::DualWrite);
    step(Phase::DualWrite, Phase::Expand);
    database.connect().script(READY);
    step(Phase::DualWrite, Phase::SwitchReads);
    step(Phase::SwitchReads, Phase::DualWrite);
    database.connect().script(DONE_WITH_OLD);
    step(Phase::SwitchReads, Phase::StopDualWrite);
    step(Phase::StopDualWrite, Phase::Contract);
    step(Phase::Contract, Phase::StopDualWrite);
    database.connect().script("ALTER TABLE users DROP CONSTRAINT users_username_key");
    step(Phase::StopDualWrite, Phase::SwitchReads);
    database.connect().script("CREATE UNIQUE INDEX users_username_key ON users (username)");
    step(Phase::SwitchReads, Phase::DualWrite);
}

#[test]
fn findings_as_json() {
    let database = Database::create(
        "gates",
        &format!("{CLEAN}{READY} UPDATE users SET handle = 'x' WHERE id = 7;"),
    );
    let findings = check(&database, &username(Phase::DualWrite), Phase::SwitchReads);
    let json = serde_json::to_string_pretty(&findings).expect("JSON");
    let expected = r#"[
  {
    "migration": "m",
    "from": "dual-write",
    "to": "switch-reads",
    "severity": "loses-data",
    "about": "rows-differ",
    "forcible": false,
    "message": "column \"handle\" does not hold what \"username\" says in 1 row of \"public.users\": id = 7 has 'x' for 'user7'",
    "remedy": [
      "UPDATE public.users SET handle = username WHERE record_image_ne(ROW(handle), ROW(username)); -- in batches: segue backfill m"
    ]
  }
]"#;
    assert_eq!(json, expected);
}
