//! Differential tests: an unchanged client cannot tell a database that is being migrated.
//!
//! Every statement of the corpus runs on the unmigrated database and through segue on a database
//! that stands in each phase: in the simple and in the extended protocol, with text and binary
//! results. Compared are whole answers (columns with types and modifiers, parameter types, rows,
//! tags, SQLSTATE, error position) and what all tables hold afterwards.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod corpus;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use corpus::Entry;
use rewrite_rules::Phase;
use segue_tests::message::{Fields, Message};
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::stage;
use segue_tests::wire::{Reply, Wire};

/// Fewest statements that the corpus may have.
const STATEMENTS: usize = 300;

/// How a statement is sent, and how its result comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Simple,
    Text,
    Binary,
}

const MODES: [Mode; 3] = [Mode::Simple, Mode::Text, Mode::Binary];

/// Everything that a client can see of one statement.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    answer: Vec<Message>,
    content: Vec<String>,
}

/// Runs one statement inside a transaction that is rolled back.
fn observe(wire: &mut Wire, entry: &Entry, mode: Mode) -> Seen {
    wire.script(
        "BEGIN; SELECT setseed(0.5); SELECT setval('code_seq', 1000, false); \
         SELECT setval('tasks_id_seq', 100, false); SAVEPOINT before",
    );
    let values: Vec<Option<&str>> = entry.values.iter().map(|v| Some(v.as_str())).collect();
    let reply = match mode {
        Mode::Simple => wire.simple(&entry.sql),
        Mode::Text => wire.extended(&entry.sql, &values, false),
        Mode::Binary => wire.extended(&entry.sql, &values, true),
    };
    if reply.error().is_some() {
        wire.script("ROLLBACK TO before");
    }
    let content = wire.rows("SELECT audit()");
    wire.script("ROLLBACK");
    Seen { answer: comparable(reply, entry.is_ordered()), content }
}

/// The answer without what may differ: the words of an error, and an order nobody asked for.
fn comparable(reply: Reply, ordered: bool) -> Vec<Message> {
    let mut messages = reply.messages;
    for message in &mut messages {
        if let Message::Error(fields) = message {
            let kept = ['S', 'C', 'P'];
            *fields = Fields(
                kept.into_iter().map(|field| (field, fields.get(field).to_owned())).collect(),
            );
        }
    }
    if !ordered {
        let is_row = |message: &Message| matches!(message, Message::Row(_));
        let mut rows: Vec<Message> = messages.iter().filter(|m| is_row(m)).cloned().collect();
        rows.sort_by_key(|row| format!("{row:?}"));
        let mut rows = rows.into_iter();
        for message in messages.iter_mut().filter(|message| is_row(message)) {
            *message = rows.next().expect("as many rows as rows");
        }
    }
    messages
}

/// What differs, one line each.
fn difference(plain: &Seen, found: &Seen) -> String {
    let mut text = String::new();
    let shown = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|message| format!("{message:?}")).collect()
    };
    for (title, before, after) in [
        ("answer", shown(&plain.answer), shown(&found.answer)),
        ("content", plain.content.clone(), found.content.clone()),
    ] {
        for line in before.iter().filter(|line| !after.contains(line)) {
            let _ = writeln!(text, "    {title} lacks {line}");
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            let _ = writeln!(text, "    {title} has   {line}");
        }
        if text.is_empty() && before != after {
            let _ = writeln!(text, "    {title}: {before:?}\n    became {after:?}");
        }
    }
    text
}

/// Compares one entry in one phase and mode; the fault, if there is one.
///
/// `untouched` is what the tables hold when nothing was done.
fn compare(
    plain: &Seen,
    found: &Seen,
    untouched: &[String],
    entry: &Entry,
    phase: Phase,
) -> Option<String> {
    let refused = found
        .answer
        .iter()
        .any(|message| matches!(message, Message::Error(fields) if fields.code() == "0A000"));
    let off_the_list = |why: &str| Some(format!("    take it off the list, it is equal: {why}\n"));
    match (entry.refused_in(phase), entry.differs_in(phase)) {
        (Some(_), _) if refused => {
            (found.content != untouched).then(|| "    refused, but something was done\n".to_owned())
        }
        (Some(why), _) | (None, Some(why)) if plain == found => off_the_list(why),
        (None, Some(_)) => None,
        (Some(_) | None, _) => (plain != found).then(|| difference(plain, found)),
    }
}

#[test]
fn an_unchanged_client_cannot_tell_the_phase() {
    let entries = corpus::read();
    assert!(entries.len() >= STATEMENTS, "the corpus shrank to {} statements", entries.len());
    let plain = Database::create("plain", &stage::ddl(None));
    let mut wire = plain.connect();
    let mut expected: BTreeMap<(usize, u8), Seen> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        for mode in modes(entry) {
            expected.insert((index, mode as u8), observe(&mut wire, entry, mode));
        }
    }
    let mut report = Vec::new();
    let mut compared = 0;
    for phase in Phase::ALL {
        let database = Database::create("phase", &stage::ddl(Some(phase)));
        let generation = relay::generation(1, &stage::rules(phase), &stage::ddl(Some(phase)));
        let proxy = Relay::start(&database, generation);
        let mut wire = proxy.connect(&database);
        let untouched = observe(&mut wire, &Entry::of("SELECT 1"), Mode::Simple).content;
        for (index, entry) in entries.iter().enumerate() {
            for mode in modes(entry) {
                compared += 1;
                let found = observe(&mut wire, entry, mode);
                let Some(plain) = expected.get(&(index, mode as u8)) else { continue };
                if let Some(fault) = compare(plain, &found, &untouched, entry, phase) {
                    let Entry { place, sql, .. } = entry;
                    report.push(format!("{place} [{phase}, {mode:?}] {sql}\n{fault}"));
                }
            }
        }
        proxy.stop();
    }
    assert!(
        report.is_empty(),
        "{} of {compared} comparisons differ\n\n{}\n",
        report.len(),
        report.join("\n")
    );
}

/// Otherwise two failures would be compared, and nothing learned.
#[test]
fn the_corpus_means_what_it_says_on_the_unmigrated_database() {
    let mut wire = Database::create("plain", &stage::ddl(None)).connect();
    let mut report = Vec::new();
    for entry in corpus::read() {
        let should_fail = entry.place.starts_with("errors.sql");
        for mode in modes(&entry) {
            let seen = observe(&mut wire, &entry, mode);
            let error = seen.answer.iter().find(|message| matches!(message, Message::Error(_)));
            if error.is_some() != should_fail {
                report.push(format!("{} [{mode:?}] {error:?}: {}", entry.place, entry.sql));
            }
        }
    }
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// A statement with parameters has no simple form.
fn modes(entry: &Entry) -> impl Iterator<Item = Mode> {
    let simple = entry.values.is_empty();
    MODES.into_iter().filter(move |mode| simple || *mode != Mode::Simple)
}
