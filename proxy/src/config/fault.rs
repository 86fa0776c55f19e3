//! Faults of a configuration and how they are shown.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1; none if it belongs to no line.
    pub line: Option<usize>,
    /// The migration it is about: its name, or `#n` for the n-th of the file if it has none.
    pub migration: Option<String>,
    /// The key it is about.
    pub key: Option<String>,
    /// What is wrong and the present state, in PostgreSQL's style.
    pub message: String,
    /// The next step, often the nearest correct spelling.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault of the file as a whole.
    #[must_use]
    pub fn of_file(message: impl Into<String>) -> Self {
        Self { line: None, migration: None, key: None, message: message.into(), hint: None }
    }
}

/// All faults of one file. Displays like a compiler: one line each, a hint below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file, as the operator named it.
    pub path: PathBuf,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Line of the key `control`, for what connecting finds out.
    pub(super) control_line: Option<usize>,
}

impl Report {
    /// A report on the file at `path`.
    #[must_use]
    pub fn new(path: &Path, faults: Vec<Fault>) -> Self {
        Self { path: path.to_owned(), faults, control_line: None }
    }

    /// Puts the faults in the order of the file; those without a line come first.
    pub fn sort(&mut self) {
        self.faults.sort_by_key(|fault| fault.line);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.path.display())?;
            if let Some(line) = fault.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
            match (&fault.migration, &fault.key) {
                (Some(migration), Some(key)) => {
                    write!(f, "migration \"{migration}\", key \"{key}\": ")?;
                }
                (Some(migration), None) => write!(f, "migration \"{migration}\": ")?,
                (None, Some(key)) => write!(f, "key \"{key}\": ")?,
                (None, None) => {}
            }
            f.write_str(&fault.message)?;
            if let Some(hint) = &fault.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// How alike two spellings must be for one to be suggested for the other, from 0 to 1. Below it
/// the suggestion would rather mislead.
const SUGGESTION_LIKENESS: f64 = 0.6;

/// The candidate that `word` was most likely meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| is_alike(word, candidate, *distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Few wrong letters for the length, or the beginning of the word (`dual` for `dual-write`).
fn is_alike(word: &str, candidate: &str, distance: usize) -> bool {
    let longest = word.chars().count().max(candidate.chars().count()).max(1);
    #[expect(clippy::cast_precision_loss, reason = "lengths of words are far below 2^52")]
    let likeness = 1.0 - distance as f64 / longest as f64;
    likeness >= SUGGESTION_LIKENESS || (word.len() >= 3 && candidate.starts_with(word))
}

/// `did you mean "…"?`, or else the list of everything that is allowed.
pub(super) fn spelling_hint(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean \"{candidate}\"?"),
        None => format!("use one of \"{}\"", candidates.join("\", \"")),
    }
}

/// An operating system's error without Rust's `(os error n)`, in lower case.
pub(super) fn io_reason(error: &std::io::Error) -> String {
    plain_reason(&error.to_string())
}

/// The text of an error without Rust's `(os error n)`, in lower case.
#[must_use]
pub fn plain_reason(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_is_near() {
        let phases = ["expand", "dual-write", "switch-reads", "stop-dual-write", "contract"];
        for (word, expected) in [
            ("dual_write", Some("dual-write")),
            ("dualwrite", Some("dual-write")),
            ("dual", Some("dual-write")),
            ("swich-reads", Some("switch-reads")),
            ("Contract", Some("contract")),
            ("done", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, phases), expected, "{word}");
        }
    }
}
