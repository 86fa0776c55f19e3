//! How much of PostgreSQL's SQL is read, trusted and rewritten: `docs/sql-coverage.md`.
//!
//! `COVERAGE_UPDATE=1 cargo test -p segue-rewrite-rules --test coverage` writes the page; read the
//! difference before you keep it. That PostgreSQL accepts every statement, and that the rewritten
//! ones mean the same, is shown by `tests/tests/coverage_on_postgres.rs`.

#![expect(clippy::expect_used, reason = "a failure is a panic")]

pub mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use rewrite_rules::{Generation, Outcome, Phase, Reading, SearchPath, SessionView, Shape, reading};
use support::coverage::{self, Class};

/// What became of a statement in the phases after `expand`.
enum Result {
    /// Rewritten, or rightly sent as it is.
    Sent,
    /// Refused in some phase: which, and why.
    Refused(Vec<Phase>, String),
}

const PHASES: [Phase; 4] =
    [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract];

fn result(generations: &[(Phase, Generation)], text: &str) -> Result {
    let search_path = SearchPath::default();
    let session = SessionView {
        search_path: &search_path,
        standard_conforming_strings: true,
        shape: Shape::Old,
    };
    let mut phases = Vec::new();
    let mut why = String::new();
    for (phase, generation) in generations {
        match generation.rewrite(text, session) {
            Outcome::Forward | Outcome::Rewritten(_) => {}
            Outcome::ForwardOpaque => {
                phases.push(*phase);
                why = "forwarded unread".to_owned();
            }
            Outcome::Refused(refusal) => {
                phases.push(*phase);
                why = refusal.message;
            }
        }
    }
    if phases.is_empty() { Result::Sent } else { Result::Refused(phases, reason(&why)) }
}

/// The construct that a refusal names, without the table and the migration.
fn reason(message: &str) -> String {
    let tail = message.find(" on table \"").unwrap_or(message.len());
    let what = message.get(..tail).unwrap_or(message);
    what.strip_prefix("cannot rewrite ").unwrap_or(what).to_owned()
}

fn page(classes: &[Class]) -> String {
    let generations: Vec<(Phase, Generation)> = PHASES
        .into_iter()
        .map(|phase| (phase, coverage::generation(phase).expect("the corpus compiles")))
        .collect();
    let mut table = String::new();
    let mut opaque = String::new();
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut totals = [0_usize; 5];
    for class in classes {
        let mut counts = [class.statements.len(), 0, 0, 0, 0];
        for entry in &class.statements {
            let understood = reading(&entry.text, true);
            counts[1] += usize::from(understood >= Reading::Distrusted);
            counts[2] += usize::from(understood == Reading::Trusted);
            if understood != Reading::Trusted {
                let _ = writeln!(opaque, "- `{}`", in_line(&entry.text));
            }
            match result(&generations, &entry.text) {
                Result::Sent => counts[3] += 1,
                Result::Refused(phases, why) => {
                    counts[4] += 1;
                    let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
                    let note = match phases.len() == PHASES.len() {
                        true => String::new(),
                        false => format!(" (in {})", names.join(", ")),
                    };
                    let line = format!("- `{}`{note}", in_line(&entry.text));
                    refused.entry(why).or_default().push(line);
                }
            }
        }
        row(&mut table, &class.name, counts);
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    row(&mut table, "**all**", totals);
    if opaque.is_empty() {
        opaque.push_str("None.\n");
    }
    let mut reasons = String::new();
    for (why, statements) in refused {
        let _ = writeln!(reasons, "\n### {why}\n\n{}", statements.join("\n"));
    }
    format!("{HEAD}{table}\n## Not read\n\n{opaque}\n## Refused\n{reasons}")
}

const HEAD: &str = "# SQL coverage

What the proxy makes of SQL that names tables under migration, counted over a corpus of statements of every form that
PostgreSQL 15 has for data ([rewrite-rules/tests/coverage](../rewrite-rules/tests/coverage)). PostgreSQL itself accepts
each of them, and the rewritten ones do the same there
([tests/tests/coverage_on_postgres.rs](../tests/tests/coverage_on_postgres.rs)).

*Read*: there is a syntax tree. *Trusted*: two lexers agree on what it is about. *Sent*: rewritten, or rightly sent as it
is, in every phase from `dual-write` to `contract`; in `expand` what cannot be rewritten is forwarded. This page is
written by a test (`COVERAGE_UPDATE=1 cargo test -p segue-rewrite-rules --test coverage`).

| class | statements | read | trusted | sent | refused |
| --- | ---: | ---: | ---: | ---: | ---: |
";

fn row(table: &mut String, name: &str, [all, read, trusted, sent, refused]: [usize; 5]) {
    let _ = writeln!(table, "| {name} | {all} | {read} | {trusted} | {sent} | {refused} |");
}

fn in_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('`', "'")
}

#[test]
fn the_page_says_what_is_covered() {
    let classes = coverage::classes().expect("the corpus can be read");
    let count: usize = classes.iter().map(|class| class.statements.len()).sum();
    assert!(count > 600, "only {count} statements");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sql-coverage.md");
    let page = page(&classes);
    if std::env::var_os("COVERAGE_UPDATE").is_some() {
        std::fs::write(path, page).expect("the page can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/sql-coverage.md is not current: run with COVERAGE_UPDATE=1");
}
