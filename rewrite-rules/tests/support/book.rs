//! A golden book: Markdown whose fenced blocks are test cases.
//!
//! A heading names a test and headings nest. `sql schema`, `toml rules` and `sql rows` blocks hold
//! for their section and those below it; one `sql client` block makes a section a case; the blocks
//! after it say what PostgreSQL must receive in each phase.

use std::ops::Range;
use std::path::PathBuf;

use rewrite_rules::rule::{Change, Rule};
use rewrite_rules::{Phase, Shape};
use serde::Deserialize;

/// One file.
#[derive(Debug, Clone)]
pub struct Book {
    /// Where it was read.
    pub path: PathBuf,
    /// Its lines, without line ends.
    pub lines: Vec<String>,
    /// Its cases, from top to bottom.
    pub cases: Vec<Case>,
    /// What is wrong with the book itself, with line numbers.
    pub faults: Vec<String>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The headings that lead to it, from the outermost.
    pub name: String,
    /// Line of its client block, counted from 1.
    pub line: usize,
    /// The DDL in force.
    pub schema: String,
    /// The rules in force, as an operator writes them, without phases.
    pub rules: String,
    /// The statement that the application sent.
    pub client: String,
    /// The shape that the application speaks: `sql client new` is the new one.
    pub shape: Shape,
    /// Seed data; with it a case without placeholders is also executed.
    pub rows: Option<String>,
    /// The expectations.
    pub outcomes: Vec<OutcomeBlock>,
    /// What is patched on the way back.
    pub replies: Vec<ReplyBlock>,
    /// The line after the client block, where missing outcomes may be added.
    pub insert_at: usize,
}

/// What is expected in some phases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeBlock {
    /// The phases it speaks for.
    pub phases: Vec<Phase>,
    /// What is expected in them.
    pub expected: Expected,
    /// Its lines in the book, fences included, counted from 0.
    pub lines: Range<usize>,
}

/// What is patched on the way back in some phases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyBlock {
    /// The phases it speaks for.
    pub phases: Vec<Phase>,
    /// One line for each patch, as [`super::replies::written`] has it.
    pub text: String,
    /// Its lines in the book, fences included, counted from 0.
    pub lines: Range<usize>,
}

/// All that a book says of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What PostgreSQL or the client must receive.
    pub expected: Expected,
    /// What is patched on the way back.
    pub reply: Option<String>,
}

impl From<Expected> for Written {
    fn from(expected: Expected) -> Self {
        Self { expected, reply: None }
    }
}

impl Written {
    fn to_blocks(&self, phases: &[Phase]) -> Vec<String> {
        let mut lines = self.expected.to_block(phases);
        if let Some(reply) = &self.reply {
            let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
            lines.extend([String::new(), format!("```text reply {}", names.join(" "))]);
            lines.extend(reply.lines().map(str::to_owned));
            lines.push("```".to_owned());
        }
        lines
    }
}

/// What PostgreSQL or the client must receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// PostgreSQL receives this text.
    Sql(String),
    /// `forwarded`, or `refused …` with message and hint.
    Text(String),
}

impl Expected {
    /// The block as it stands in a book.
    #[must_use]
    pub fn to_block(&self, phases: &[Phase]) -> Vec<String> {
        let (language, body) = match self {
            Self::Sql(text) => ("sql", text),
            Self::Text(text) => ("text", text),
        };
        let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
        let mut lines = vec![format!("```{language} {}", names.join(" "))];
        lines.extend(body.lines().map(str::to_owned));
        lines.push("```".to_owned());
        lines
    }
}

impl Case {
    /// What the book expects in `phase`.
    #[must_use]
    pub fn expected(&self, phase: Phase) -> Option<&Expected> {
        self.outcomes
            .iter()
            .find(|block| block.phases.contains(&phase))
            .map(|block| &block.expected)
    }

    /// What the book says is patched on the way back in `phase`.
    #[must_use]
    pub fn reply(&self, phase: Phase) -> Option<&str> {
        let block = self.replies.iter().find(|block| block.phases.contains(&phase));
        block.map(|block| block.text.as_str())
    }

    /// The rules with every migration in `phase`, except those that fix their own.
    ///
    /// # Errors
    /// TOML that is no list of rules.
    pub fn rules_in(&self, phase: Phase) -> Result<Vec<Rule>, String> {
        rules_in(&self.rules, phase)
    }

    /// The phases that its migrations go through: those of the kind that does not fix its own.
    #[must_use]
    pub fn phases(&self) -> &'static [Phase] {
        // Where it fixes its own, it is in the same one whatever is asked for.
        let rules = |phase| self.rules_in(phase).unwrap_or_default();
        let mut pairs = rules(Phase::Expand).into_iter().zip(rules(Phase::Contract));
        let moving = pairs.find(|(one, other)| one.phase != other.phase);
        let first = rules(Phase::Expand).into_iter().next();
        moving.map(|(rule, _)| rule).or(first).map_or(&Phase::TWO_SIDED, |it| it.change.phases())
    }
}

/// The rules of `text` with every migration in `phase`, except those that fix their own.
///
/// # Errors
/// TOML that is no list of rules.
pub fn rules_in(text: &str, phase: Phase) -> Result<Vec<Rule>, String> {
    #[derive(Deserialize)]
    struct File {
        migration: Vec<toml::Table>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut rules = Vec::new();
    for mut table in file.migration {
        let name = match table.remove("name") {
            Some(toml::Value::String(name)) => name,
            other => {
                return Err(format!("a migration's name is missing or no text: {other:?}"));
            }
        };
        let phase = match table.remove("phase") {
            Some(toml::Value::String(fixed)) => {
                fixed.parse().map_err(|error| format!("migration \"{name}\": {error}"))?
            }
            Some(other) => return Err(format!("migration \"{name}\": phase is {other}")),
            None => phase,
        };
        let change =
            Change::deserialize(table).map_err(|error| format!("migration \"{name}\": {error}"))?;
        rules.push(Rule { name, change, phase });
    }
    Ok(rules)
}

/// A section that is open while reading.
struct Section {
    level: usize,
    title: String,
    schema: Option<String>,
    rules: Option<String>,
    rows: Option<String>,
    case: Option<Case>,
}

/// A fenced block.
struct Block {
    info: String,
    body: String,
    lines: Range<usize>,
}

impl Book {
    /// Reads a book's text; what is wrong with it is in [`Book::faults`].
    #[must_use]
    pub fn parse(path: PathBuf, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut book = Self { path, lines: Vec::new(), cases: Vec::new(), faults: Vec::new() };
        let mut open: Vec<Section> = Vec::new();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            if let Some(fence) = fence_of(line) {
                let end = lines
                    .iter()
                    .enumerate()
                    .skip(at + 1)
                    .find(|(_, line)| line.trim_end() == fence)
                    .map(|(end, _)| end);
                let Some(end) = end else {
                    book.fault(at, "the block is not closed");
                    break;
                };
                let info = line.trim_start_matches('`').trim().to_owned();
                let body = lines.get(at + 1..end).unwrap_or_default().join("\n");
                book.block(&mut open, Block { info, body, lines: at..end + 1 });
                at = end + 1;
                continue;
            }
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            if level > 0 && line.as_bytes().get(level) == Some(&b' ') {
                book.close(&mut open, level);
                let title = line.trim_start_matches('#').trim().to_owned();
                open.push(Section {
                    level,
                    title,
                    schema: None,
                    rules: None,
                    rows: None,
                    case: None,
                });
            }
            at += 1;
        }
        book.close(&mut open, 1);
        book.lines = lines;
        book
    }

    /// The file's name without its folders, for reports.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn fault(&mut self, line: usize, message: &str) {
        self.faults.push(format!("{}:{}: {message}", self.file_name(), line + 1));
    }

    /// Ends the sections of `level` and deeper.
    fn close(&mut self, open: &mut Vec<Section>, level: usize) {
        while open.last().is_some_and(|section| section.level >= level) {
            let Some(case) = open.pop().and_then(|section| section.case) else { continue };
            let named = case.outcomes.iter().flat_map(|block| &block.phases);
            for phase in named.filter(|phase| !case.phases().contains(phase)) {
                let message = format!("\"{}\": its kind has no phase \"{phase}\"", case.name);
                self.fault(case.line - 1, &message);
            }
            for phase in case.phases() {
                let named = case.outcomes.iter().flat_map(|block| &block.phases);
                match named.filter(|named| *named == phase).count() {
                    1 => {}
                    0 if case.outcomes.is_empty() && updating() => {}
                    count => self.fault(
                        case.line - 1,
                        &format!("\"{}\": phase \"{phase}\" appears {count} times", case.name),
                    ),
                }
            }
            self.cases.push(case);
        }
        self.cases.sort_by_key(|case| case.line);
    }

    fn block(&mut self, open: &mut [Section], block: Block) {
        let inherited = |get: fn(&Section) -> &Option<String>| {
            open.iter().rev().find_map(|section| get(section).clone())
        };
        let (schema, rules) = (inherited(|s| &s.schema), inherited(|s| &s.rules));
        let rows = inherited(|s| &s.rows);
        let titles: Vec<String> = open.iter().map(|section| section.title.clone()).collect();
        let line = block.lines.start;
        let Some(section) = open.last_mut() else {
            return self.fault(line, "a block before the first heading");
        };
        let words: Vec<&str> = block.info.split_whitespace().collect();
        match (words.as_slice(), &mut section.case) {
            (["sql", "schema"], None) => section.schema = Some(block.body),
            (["toml", "rules"], None) => section.rules = Some(block.body),
            (["sql", "rows"], None) => section.rows = Some(block.body),
            (["sql", "client", shape @ ..], None) if matches!(shape, [] | ["new"]) => {
                let (Some(schema), Some(rules)) = (schema, rules) else {
                    return self.fault(line, "no schema or no rules hold here");
                };
                section.case = Some(Case {
                    name: titles.join(" / "),
                    line: line + 1,
                    schema,
                    rules,
                    client: block.body,
                    shape: if shape.is_empty() { Shape::Old } else { Shape::New },
                    rows,
                    outcomes: Vec::new(),
                    replies: Vec::new(),
                    insert_at: block.lines.end,
                });
            }
            (["sql", "rows"], Some(case)) => case.rows = Some(block.body),
            (["text", "reply", names @ ..], Some(case)) if !names.is_empty() => {
                match phases_of(names) {
                    Ok(phases) => {
                        case.replies.push(ReplyBlock {
                            phases,
                            text: block.body,
                            lines: block.lines,
                        });
                    }
                    Err(error) => self.fault(line, &error),
                }
            }
            ([language @ ("sql" | "text"), names @ ..], Some(case)) if !names.is_empty() => {
                let phases = phases_of(names);
                let expected = match *language {
                    "sql" => Expected::Sql(block.body),
                    _ => Expected::Text(block.body),
                };
                match phases {
                    Ok(phases) => {
                        case.outcomes.push(OutcomeBlock { phases, expected, lines: block.lines });
                    }
                    Err(error) => self.fault(line, &error),
                }
            }
            _ => self.fault(
                line,
                &format!("a block \"{}\" has no place here: one section is one case", block.info),
            ),
        }
    }

    /// The book with its outcome blocks made to say what `outcome` finds; nothing else changes.
    #[must_use]
    pub fn updated(&self, outcome: &dyn Fn(&Case, Phase) -> Option<Written>) -> String {
        let mut edits: Vec<(Range<usize>, Vec<String>)> = Vec::new();
        for case in &self.cases {
            let mut seen: Vec<Phase> = Vec::new();
            for block in &case.outcomes {
                let mut groups = Groups::default();
                for phase in &block.phases {
                    if !seen.contains(phase) {
                        seen.push(*phase);
                        groups.add(*phase, outcome(case, *phase));
                    }
                }
                edits.push((block.lines.clone(), groups.to_lines()));
            }
            // They are written anew, each behind the outcome that it belongs to.
            for block in &case.replies {
                let before = block.lines.start.saturating_sub(1);
                let blank = self.lines.get(before).is_some_and(String::is_empty);
                let start = if blank { before } else { block.lines.start };
                edits.push((start..block.lines.end, Vec::new()));
            }
            let mut missing = Groups::default();
            for phase in case.phases().iter().filter(|phase| !seen.contains(phase)) {
                missing.add(*phase, outcome(case, *phase));
            }
            let lines = missing.to_lines();
            if !lines.is_empty() {
                let outcomes = case.outcomes.iter().map(|block| block.lines.end);
                let replies = case.replies.iter().map(|block| block.lines.end);
                let at = outcomes.chain(replies).max().unwrap_or(case.insert_at);
                edits.push((at..at, [vec![String::new()], lines].concat()));
            }
        }
        let mut lines = self.lines.clone();
        edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
        for (range, with) in edits {
            lines.splice(range, with);
        }
        lines.join("\n") + "\n"
    }
}

/// Phases with the same outcome, in the order in which they appear.
#[derive(Default)]
struct Groups(Vec<(Written, Vec<Phase>)>);

impl Groups {
    fn add(&mut self, phase: Phase, outcome: Option<Written>) {
        let Some(outcome) = outcome else { return };
        match self.0.iter_mut().find(|(written, _)| *written == outcome) {
            Some((_, phases)) => phases.push(phase),
            None => self.0.push((outcome, vec![phase])),
        }
    }

    fn to_lines(&self) -> Vec<String> {
        let blocks: Vec<Vec<String>> =
            self.0.iter().map(|(written, phases)| written.to_blocks(phases)).collect();
        blocks.join(&String::new())
    }
}

fn phases_of(names: &[&str]) -> Result<Vec<Phase>, String> {
    names.iter().map(|name| name.parse().map_err(|error| format!("{error}"))).collect()
}

/// Whether the books are to be made to say what the code does.
#[must_use]
pub fn updating() -> bool {
    std::env::var_os("GOLDEN_UPDATE").is_some_and(|value| value == "1")
}

/// The run of backticks that opens a fenced block.
fn fence_of(line: &str) -> Option<&str> {
    let length = line.bytes().take_while(|byte| *byte == b'`').count();
    if length >= 3 { line.get(..length) } else { None }
}
