//! The house rules that no compiler checks: sizes, names, import arrows, links, commands.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file fits in a head. Unit: lines.
const FILE_LINES: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "shared", "lib2"];

/// Our enums, whose every value must be named where they are matched.
const ENUMS: [&str; 9] = [
    "Phase",
    "Change",
    "Outcome",
    "Volatility",
    "RelationKind",
    "Identity",
    "OpaquePolicy",
    "Durability",
    "Expected",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every file of the project below `folder` with that extension, as paths from the root.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        assert!(folder.is_dir(), "no folder {}", folder.display());
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a folder's entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root()).expect("below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).expect("a readable file")
}

fn rust_files() -> Vec<PathBuf> {
    ["proxy", "rewrite-rules", "tests", "bench"]
        .iter()
        .flat_map(|package| files(package, "rs"))
        .collect()
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_is_short_and_opens_with_what_it_is_for() {
    let mut faults = Vec::new();
    for path in rust_files() {
        let text = text(&path);
        let (name, lines) = (path.display(), text.lines().count());
        if lines >= FILE_LINES {
            faults.push(format!("{name}: {lines} lines"));
        }
        if !text.starts_with("//! ") {
            faults.push(format!("{name}: the first line does not say what the file is for"));
        }
    }
    none(&faults);
}

#[test]
fn names_say_what_is_inside() {
    let mut faults = Vec::new();
    for path in rust_files() {
        for part in path.iter() {
            let part = part.to_string_lossy();
            if EMPTY_NAMES.contains(&part.trim_end_matches(".rs")) {
                faults.push(format!("{}: \"{part}\" names nothing of the trade", path.display()));
            }
        }
    }
    none(&faults);
}

/// Modules of `proxy` that a file mentions as `crate::module`, tests left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = BTreeSet::new();
    for line in lines {
        for (at, _) in line.match_indices("crate::") {
            let name = |from: usize| -> String {
                let tail = line.get(from..).unwrap_or_default();
                tail.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
            };
            let module = name(at + "crate::".len());
            let part = name(at + "crate::".len() + module.len() + "::".len());
            found.insert(format!("{module}::{part}"));
        }
    }
    found
}

#[test]
fn imports_run_one_way() {
    let data_plane = ["wire", "client", "upstream", "session"];
    let control_plane = [
        "config", "catalog", "gate", "journal", "phase", "walk", "ddl", "backfill", "verify",
        "admin",
    ];
    let mut faults = Vec::new();
    for path in files("proxy/src", "rs") {
        let module = path.iter().nth(2).expect("proxy/src/…").to_string_lossy().into_owned();
        let module = module.trim_end_matches(".rs").to_owned();
        for import in imports(&text(&path)) {
            let target = import.split("::").next().unwrap_or_default();
            let allowed = match (module.as_str(), target) {
                (same, target) if same == target => true,
                ("main" | "lib" | "cli", _) => true,
                (_, "cli") => false,
                ("app" | "demo", _) => true,
                (_, "app" | "demo") => false,
                ("wire" | "latency" | "aside", _) => false,
                // Written by sessions, read by whoever controls.
                ("client" | "session", "latency") => true,
                ("client" | "upstream", "wire") => true,
                // A cancel request goes upstream without a session; the listener starts sessions.
                ("client", "upstream") => true,
                ("client", "session") => path.ends_with("listener.rs"),
                ("session", "wire" | "client" | "upstream") => true,
                // The data plane knows the generation in force, and nothing else of control.
                ("client" | "upstream" | "session", "phase") => import == "phase::generation",
                (from, _) if data_plane.contains(&from) => false,
                (from, "session" | "client") if control_plane.contains(&from) => false,
                _ => true,
            };
            if !allowed {
                faults.push(format!("{}: must not import crate::{import}", path.display()));
            }
        }
    }
    none(&faults);
}

#[test]
fn rewriting_is_pure() {
    let mut faults = Vec::new();
    for path in files("rewrite-rules/src", "rs") {
        let text = text(&path);
        for impure in
            ["std::fs", "std::env", "std::net", "std::time", "tokio", "tracing", "println!"]
        {
            if text.contains(impure) {
                faults.push(format!("{}: {impure}", path.display()));
            }
        }
    }
    none(&faults);
}

#[test]
fn our_enums_are_matched_value_by_value() {
    let mut faults = Vec::new();
    for path in files("rewrite-rules/src", "rs").into_iter().chain(files("proxy/src", "rs")) {
        let text = text(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            if !line.trim_start().starts_with("_ =>") {
                continue;
            }
            // rustfmt gives the arms of one match one indentation.
            let arms = lines.iter().take(at).rev().take_while(|line| {
                line.trim().is_empty() || line.len() - line.trim_start().len() >= indent
            });
            let named =
                arms.filter(|line| line.len() - line.trim_start().len() == indent).find(|line| {
                    let arm = line.trim_start().trim_start_matches("| ");
                    ENUMS.iter().any(|name| arm.starts_with(&format!("{name}::")))
                });
            if let Some(arm) = named {
                faults.push(format!(
                    "{}:{}: `_ =>` beside `{}`",
                    path.display(),
                    at + 1,
                    arm.trim()
                ));
            }
        }
    }
    none(&faults);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let mut faults = Vec::new();
    let extensions = ["rs", "md", "toml", "yml", "sql", "sh"];
    let folders = ["proxy", "rewrite-rules", "tests", "bench", "docs", ".ci", ".config"];
    for path in folders.iter().flat_map(|f| extensions.iter().flat_map(|e| files(f, e))) {
        let text = text(&path);
        for place in [concat!("/ro", "ot/"), concat!("/wo", "rk/")] {
            if text.contains(place) {
                faults.push(format!("{}: names {place}", path.display()));
            }
        }
    }
    none(&faults);
}

/// Targets of Markdown links, fenced blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            found.push(part.split(')').next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let mut pages: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].iter().map(PathBuf::from).collect();
    pages.extend(files("docs", "md"));
    let mut faults = Vec::new();
    for page in pages {
        for link in links(&text(&page)) {
            let target = link.split('#').next().unwrap_or_default();
            if link.starts_with("http") || target.is_empty() {
                continue;
            }
            let folder = root().join(page.parent().unwrap_or(Path::new("")));
            if !folder.join(target).exists() {
                faults.push(format!("{}: {link} leads nowhere", page.display()));
            }
        }
    }
    none(&faults);
}

/// The lines of the fenced `sh` blocks of a page.
fn shell_lines(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// The commands of an enum that clap reads, as they are written.
fn commands_of(file: &str, name: &str) -> BTreeSet<String> {
    let text = text(Path::new(file));
    let variants = text.split(&format!("enum {name} {{")).nth(1);
    let variants = variants.and_then(|tail| tail.split("\n}").next());
    variants
        .expect("the list of commands")
        .lines()
        .filter_map(|line| line.trim().split_once('('))
        .map(|(name, _)| name.to_lowercase())
        .collect()
}

#[test]
fn commands_of_the_pages_exist() {
    let commands = commands_of("proxy/src/cli.rs", "Command");
    let benches = commands_of("bench/src/main.rs", "What");
    assert!(commands.contains("serve") && benches.contains("relay"), "{commands:?} {benches:?}");
    let mut faults = Vec::new();
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("bench/RESULTS.md")];
    pages.extend(files("docs", "md"));
    for page in pages {
        for line in shell_lines(&text(&page)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let known = match words.as_slice() {
                ["segue", command, ..] | ["cargo", "run", "--release", "--", command, ..] => {
                    commands.contains(*command)
                }
                ["cargo", "run", "--release", "-p", "segue-bench", "--", bench, ..] => {
                    benches.contains(*bench)
                }
                ["cargo", "test", "--workspace", ..]
                | ["cargo", "bench", "-p", "segue-bench", ..] => true,
                _ => false,
            };
            if !known {
                faults.push(format!("{}: no such command: {line}", page.display()));
            }
        }
    }
    none(&faults);
}
