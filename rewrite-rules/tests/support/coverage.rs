//! The coverage corpus: statements of every form that PostgreSQL has, all about tables that migrate.
//!
//! One file is one class of constructs. A paragraph is a statement; the first says what the class
//! is called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewrite_rules::rule::Rule;
use rewrite_rules::{Generation, Phase};

use super::book::rules_in;
use super::schema::catalog_of;

/// One file.
#[derive(Debug, Clone)]
pub struct Class {
    /// What it is called.
    pub name: String,
    /// Its statements, from top to bottom.
    pub statements: Vec<Entry>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Entry {
    /// File and line.
    pub place: String,
    /// What the application sends.
    pub text: String,
}

/// The packages that include this file stand at different depths.
fn folder() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above.map(|folder| folder.join("rewrite-rules/tests/coverage"));
    folders.find(|folder| folder.is_dir()).unwrap_or_default()
}

/// A file beside the classes: `schema.sql`, `columns.sql`, `indexes.sql`, `rows.sql`.
///
/// # Errors
/// A file that cannot be read.
pub fn file(name: &str) -> std::io::Result<String> {
    std::fs::read_to_string(folder().join(name))
}

/// The rules of the corpus with every migration in `phase`.
///
/// # Errors
/// A file that cannot be read, or is no list of rules.
pub fn rules(phase: Phase) -> Result<Vec<Rule>, String> {
    rules_in(&file("rules.toml").map_err(|error| error.to_string())?, phase)
}

/// The generation that the corpus is rewritten in.
///
/// # Errors
/// A file that cannot be read, or rules that do not compile.
pub fn generation(phase: Phase) -> Result<Generation, String> {
    let read = |name| file(name).map_err(|error| error.to_string());
    let catalog = catalog_of(&(read("schema.sql")? + &read("columns.sql")?))?;
    rewrite_rules::compile(1, &rules(phase)?, Arc::new(catalog))
        .map_err(|faults| format!("{faults:?}"))
}

/// Every class, in the order of the files' names.
///
/// # Errors
/// A file that cannot be read.
pub fn classes() -> std::io::Result<Vec<Class>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            paths.push((name, path));
        }
    }
    paths.sort();
    let read = |(name, path): (String, PathBuf)| Ok(class(&name, &std::fs::read_to_string(path)?));
    paths.into_iter().map(read).collect()
}

fn class(file: &str, text: &str) -> Class {
    let mut line = 1;
    let mut class = Class { name: String::new(), statements: Vec::new() };
    for paragraph in text.split("\n\n") {
        let place = format!("{file}:{line}");
        line += paragraph.matches('\n').count() + 2;
        let text = paragraph.trim_matches('\n').to_owned();
        if class.name.is_empty() {
            let title = text.lines().next().unwrap_or_default().trim_start_matches("-- ");
            title.split(". ").next().unwrap_or_default().clone_into(&mut class.name);
        } else if !text.is_empty() {
            class.statements.push(Entry { place, text });
        }
    }
    class
}
