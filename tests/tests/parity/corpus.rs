//! The corpus: `corpus/*.sql`, one statement per paragraph, with directives in comments above it.

use std::path::Path;

use rewrite_rules::Phase;

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// File and line.
    pub(crate) place: String,
    /// The text, without its directives.
    pub(crate) sql: String,
    /// Values of `$1`, `$2` …
    pub(crate) values: Vec<String>,
    /// The phases in which it is refused (`--!`), each with the reason.
    pub(crate) refused: Vec<(Phase, String)>,
    /// The phases in which its answer differs (`--~`), each with the reason.
    pub(crate) differs: Vec<(Phase, String)>,
}

impl Entry {
    /// A statement that stands in no file.
    pub(crate) fn of(sql: &str) -> Self {
        Self {
            place: String::new(),
            sql: sql.to_owned(),
            values: Vec::new(),
            refused: Vec::new(),
            differs: Vec::new(),
        }
    }

    /// Why it is refused in `phase`, if it is.
    pub(crate) fn refused_in(&self, phase: Phase) -> Option<&str> {
        self.refused.iter().find(|(in_phase, _)| *in_phase == phase).map(|(_, why)| why.as_str())
    }

    /// Why its answer differs in `phase`, if that is known.
    pub(crate) fn differs_in(&self, phase: Phase) -> Option<&str> {
        self.differs.iter().find(|(in_phase, _)| *in_phase == phase).map(|(_, why)| why.as_str())
    }

    /// Whether the order of its rows is part of its meaning.
    pub(crate) fn is_ordered(&self) -> bool {
        self.sql.to_ascii_uppercase().contains("ORDER BY")
    }
}

/// Reads every file of the corpus.
pub(crate) fn read() -> Vec<Entry> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut entries = Vec::new();
    for file in ["select.sql", "insert.sql", "update_delete.sql", "errors.sql"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a corpus file");
        let mut line = 1;
        for paragraph in text.split("\n\n") {
            let place = format!("{file}:{}", line + leading_lines(paragraph));
            line += paragraph.matches('\n').count() + 2;
            entries.extend(entry(place, paragraph.trim_matches('\n')));
        }
    }
    entries
}

fn leading_lines(paragraph: &str) -> usize {
    paragraph.bytes().take_while(|byte| *byte == b'\n').count()
}

fn entry(place: String, paragraph: &str) -> Option<Entry> {
    let mut entry = Entry { place, ..Entry::of("") };
    let mut lines = paragraph.lines().peekable();
    while let Some(line) = lines.next_if(|line| line.starts_with("--")) {
        if let Some(values) = line.strip_prefix("--$ ") {
            entry.values = values.split(';').map(str::to_owned).collect();
        } else if let Some(listed) = line.strip_prefix("--! ") {
            entry.refused.extend(listed_phases(listed));
        } else if let Some(listed) = line.strip_prefix("--~ ") {
            entry.differs.extend(listed_phases(listed));
        }
    }
    entry.sql = lines.collect::<Vec<_>>().join("\n");
    (!entry.sql.is_empty()).then_some(entry)
}

/// `phase phase: reason`.
fn listed_phases(text: &str) -> Vec<(Phase, String)> {
    let (phases, why) = text.split_once(": ").expect("phases, a colon and a reason");
    let phase = |name: &str| name.parse().unwrap_or_else(|error| panic!("{error} in {text}"));
    phases.split_whitespace().map(|name| (phase(name), why.to_owned())).collect()
}
