//! Either name of a column may be used by any client in any phase, and a client may say that it
//! speaks the new shape. So the corpus is run twice more, with the new names for the old ones.
//!
//! For a client of the old shape the oracle is a database whose columns are simply renamed. What
//! shows a whole row (stars, rows as values, NATURAL JOIN) is left out: that is the old shape,
//! whoever asks. For a client of the new shape the oracle is the database after the contract,
//! without a proxy; nothing is left out.

use std::thread;

use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::moves::{Kind, Move, quoted};
use segue_tests::stage;
use segue_tests::wire::Wire;

use crate::compare::{Verdict, judge};
use crate::corpus::{Entry, Need};
use crate::observe::{self, Mode, Seen, is_lossy, modes, observe};
use crate::report::Report;
use crate::stages::{COLUMNS, Stages};

/// Fewest entries that must have a form with the new names.
const DERIVED: usize = 800;

/// An entry, how it is sent, and what is expected.
type Derived = (Entry, Mode, Seen);

#[test]
fn the_new_names_mean_the_same_in_every_phase() {
    let stages = &COLUMNS;
    let (mut plain, mut renamed) = (stages.plain(), stages.renamed());
    let mut derived: Vec<Derived> = Vec::new();
    for (entry, mode) in entries(stages).filter(|(entry, _)| !entry.needs(Need::OldNames)) {
        let only_renamed = |it: &Move| it.kind == Kind::Rename;
        let changed = with_new_names(&entry, only_renamed);
        if shows_shape(&entry) || changed.sql() == entry.sql() {
            continue;
        }
        let before = observe(&mut plain, &entry, mode);
        let seen = observe(&mut renamed, &changed, mode);
        if before.error().is_none() && means_the_same(&before, &seen) {
            derived.push((changed, mode, seen));
        }
    }
    compare(stages, "corpus under new names", &derived, "");
}

#[test]
fn a_client_of_the_new_shape_cannot_tell_the_phase() {
    let stages = &COLUMNS;
    let mut after = stages.directly(Phase::Contract);
    let mut derived: Vec<Derived> = Vec::new();
    for (entry, mode) in entries(stages) {
        let changed = with_new_names(&entry, |_| true);
        let seen = observe(&mut after, &changed, mode);
        if seen.error().is_none() && !is_lossy(&seen) {
            derived.push((changed, mode, seen));
        }
    }
    compare(stages, "corpus by a client of the new shape", &derived, "SET segue.shape = 'new'");
}

/// Every entry in one of the modes in which it can be sent.
fn entries(stages: &Stages) -> impl Iterator<Item = (Entry, Mode)> {
    stages.entries().into_iter().enumerate().filter_map(|(index, entry)| {
        let possible: Vec<Mode> = modes(&entry).collect();
        let mode = *possible.get(index % possible.len())?;
        Some((entry, mode))
    })
}

/// Compares in every phase what a session finds that begins with `greeting`.
fn compare(stages: &Stages, title: &str, derived: &[Derived], greeting: &'static str) {
    assert!(derived.len() >= DERIVED, "only {} statements with new names", derived.len());
    let run = |wire: &mut Wire, phase: Phase| -> Vec<Verdict> {
        wire.script(greeting);
        let untouched = observe::untouched(wire);
        let verdict = |(entry, mode, expected): &Derived| {
            let found = observe(wire, entry, *mode);
            judge(expected, &found, &untouched, entry, phase)
        };
        derived.iter().map(verdict).collect()
    };
    let mut report = Report::default();
    thread::scope(|scope| {
        let phases = Phase::TWO_SIDED
            .map(|phase| scope.spawn(move || (phase, run(&mut stages.through(phase).wire, phase))));
        for phase in phases {
            let (phase, verdicts) = phase.join().expect("a phase");
            for ((entry, mode, _), verdict) in derived.iter().zip(verdicts) {
                report.add(phase, verdict, || {
                    format!("{} [{phase}, {mode:?}] {}", entry.place, entry.sql())
                });
            }
        }
    });
    report.finish(&format!("{title}: {} entries", derived.len()));
}

/// The entry with the new names of these moves.
fn with_new_names(entry: &Entry, of: impl Fn(&Move) -> bool) -> Entry {
    let mut changed = entry.clone();
    // In which phase something must be rewritten, and how it is refused, depends on the names and on
    // the client.
    for list in [&mut changed.refused, &mut changed.differs] {
        if !list.is_empty() {
            *list = Phase::TWO_SIDED.map(|phase| (phase, String::new())).to_vec();
        }
    }
    for step in &mut changed.steps {
        let tokens = tokens(&step.sql);
        let named = |table: &str| {
            let last = table.rsplit('.').next().unwrap_or(table);
            tokens.iter().any(|token| folded(token) == folded(last))
        };
        let moves: Vec<&Move> = stage::moves().filter(|it| of(it) && named(it.table)).collect();
        step.sql = tokens.iter().map(|token| renamed(token, &moves)).collect();
    }
    changed
}

/// Whether it shows which columns a table has.
fn shows_shape(entry: &Entry) -> bool {
    let shows = |sql: &str| sql.replace("(*)", "").contains('*') || sql.contains("NATURAL");
    entry.steps.iter().any(|step| shows(&step.sql))
}

fn renamed(token: &str, moves: &[&Move]) -> String {
    let name = folded(token);
    match moves.iter().find(|it| Some(it.from) == name.as_deref()) {
        None => token.to_owned(),
        Some(it) if token.starts_with('"') => quoted(it.to),
        Some(it) if it.to.chars().all(|c| c.is_ascii_lowercase() || c == '_') => it.to.to_owned(),
        Some(it) => quoted(it.to),
    }
}

/// The name that a token is, if it is one.
fn folded(token: &str) -> Option<String> {
    let first = token.chars().next()?;
    match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace("\"\"", "\"")),
        None if first.is_alphabetic() || first == '_' => Some(token.to_ascii_lowercase()),
        None => None,
    }
}

/// Cuts a text into names, literals, comments and single characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let until = |end: &str, from: usize| {
            let tail = rest.get(from..).unwrap_or_default();
            tail.find(end).map_or(rest.len(), |at| from + at + end.len())
        };
        let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = match first {
            '\'' | '"' => until(first.encode_utf8(&mut [0; 4]), 1),
            '-' if rest.starts_with("--") => until("\n", 2),
            '/' if rest.starts_with("/*") => until("*/", 2),
            '$' => match rest.get(1..).unwrap_or_default().split_once('$') {
                Some((tag, _)) if tag.chars().all(char::is_alphabetic) => {
                    until(&format!("${tag}$"), tag.len() + 2)
                }
                _ => 1,
            },
            first if in_word(first) => rest.find(|c| !in_word(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

/// Whether both answers are the same but for the names of columns.
fn means_the_same(before: &Seen, after: &Seen) -> bool {
    let nameless = |seen: &Seen| -> Vec<Message> {
        let mut answer = seen.answer.clone();
        for message in &mut answer {
            if let Message::Columns(columns) = message {
                columns.iter_mut().for_each(|column| column.name.clear());
            }
        }
        answer
    };
    nameless(before) == nameless(after) && before.content == after.content
}
