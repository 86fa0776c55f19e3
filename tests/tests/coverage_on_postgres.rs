//! The coverage corpus on a real server: PostgreSQL accepts every statement of it, and what becomes
//! of a statement in each phase does to the migrating tables what the statement did to the old ones.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

use std::fmt::Write as _;

use rewrite_rules::{CopyHeader, CopyIn, Generation, Outcome, Phase, SearchPath, SessionView};
use segue_tests::golden::coverage::{self, Entry};
use segue_tests::message::Message;
use segue_tests::server::Database;
use segue_tests::wire::{self, Wire};

/// A column that migrates: its old name, its new name, and what nobody may read any more.
type Column = (&'static str, &'static str, &'static str);

/// The tables that a statement may change, with the columns that migrate.
const TABLES: [(&str, &[Column]); 4] = [
    (
        "users",
        &[
            ("username", "handle", "'stale ' || id"),
            ("tags", "badges", "'{stale}'"),
            ("home", "residence", "ROW('stale', 'stale')::address"),
        ],
    ),
    ("posts", &[("title", "headline", "'stale'")]),
    ("orders", &[("note", "remark", "'stale'")]),
    ("staging", &[]),
];

/// Relations that the corpus makes.
const MADE: [&str; 3] = ["made", "names", "copy_of"];

/// Types from here on are made by the test itself, and numbered anew each time.
const FIRST_OWN_OID: u32 = 16_384;

/// Where the tables stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    Old,
    During(Phase),
}

fn file(name: &str) -> String {
    coverage::file(name).expect("a file of the corpus")
}

/// Opens a transaction in which the tables are in that schema, with rows in them.
fn enter(wire: &mut Wire, schema: Schema) {
    wire.script("BEGIN; SET LOCAL timezone = 'UTC'; SET LOCAL xmloption = content");
    wire.script(&file("schema.sql"));
    wire.script(&file("indexes.sql"));
    wire.script(&file("rows.sql"));
    let Schema::During(phase) = schema else { return };
    wire.script(&file("columns.sql"));
    let stale = match phase {
        Phase::Expand => return,
        Phase::StopDualWrite | Phase::Contract => true,
        _ => false,
    };
    for (table, columns) in TABLES {
        for (from, to, poison) in columns {
            wire.script(&format!("UPDATE {table} SET {to} = {from}"));
            if stale {
                wire.script(&format!("UPDATE {table} SET {from} = {poison}"));
            }
        }
    }
}

/// What a statement was answered, and what it left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Effect {
    answer: Vec<String>,
    left: Vec<String>,
}

/// What PostgreSQL receives for a statement.
struct Sent {
    text: String,
    /// The first line of the rows, where it is compared.
    header: String,
    /// Whether the types of the columns are patched on the way back.
    patched: bool,
}

impl Sent {
    fn plain(text: &str) -> Self {
        let header = "id,username,email,age,score,tags,home,profile,born,seen,active".to_owned();
        Self { text: text.to_owned(), header, patched: false }
    }
}

/// Runs one text and undoes it.
fn effect(wire: &mut Wire, sent: &Sent, schema: Schema) -> Effect {
    let text = &sent.text;
    wire.script("SAVEPOINT before; SELECT setseed(0.25)");
    let mut answer = if text.contains("$1") && !text.contains("$$") {
        shape(wire, text)
    } else {
        run(wire, text, &sent.header)
    };
    let left = if answer.iter().any(|line| line.starts_with("error")) {
        wire.script("ROLLBACK TO before");
        Vec::new()
    } else {
        left(wire, schema)
    };
    wire.script("ROLLBACK TO before; CLOSE ALL; DEALLOCATE ALL");
    answer.sort();
    Effect { answer, left }
}

/// Parameter types and result columns of a text that is not run.
fn shape(wire: &mut Wire, text: &str) -> Vec<String> {
    wire.describe(text, &[]).messages.iter().filter_map(shown).collect()
}

fn run(wire: &mut Wire, text: &str, header: &str) -> Vec<String> {
    let reads = text.starts_with("COPY") && text.contains("FROM STDIN");
    let header = format!("{header}\n");
    let data: &[u8] = match (text.contains("binary"), text.contains("HEADER match")) {
        (true, _) => b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\xff\xff",
        (_, true) => header.as_bytes(),
        _ => b"",
    };
    let mut bytes = wire::query(text);
    if reads {
        bytes.extend(wire::frame(b'd', data));
        bytes.extend(wire::frame(b'c', b""));
    }
    wire.send_bytes(&bytes);
    let plan = text.starts_with("EXPLAIN");
    let answer = wire.until_ready().messages;
    let messages = answer.iter().filter(|message| !plan || !matches!(message, Message::Row(_)));
    messages.filter_map(shown).collect()
}

/// A message as far as it must be the same.
fn shown(message: &Message) -> Option<String> {
    Some(match message {
        Message::Columns(columns) => {
            let mut text = "columns".to_owned();
            for column in columns {
                let oid = column.type_oid.min(FIRST_OWN_OID);
                let _ = write!(text, " {}:{oid}({})", column.name, column.typmod);
            }
            text
        }
        Message::Error(fields) => format!("error {} {}", fields.code(), fields.get('M')),
        Message::Row(_)
        | Message::Tag(_)
        | Message::ParameterTypes(_)
        | Message::CopyData(_)
        | Message::NoData
        | Message::CopyOut(..) => format!("{message:?}"),
        // How many fields a row has is patched on the way back.
        Message::CopyIn(..) => "copy in".to_owned(),
        _ => return None,
    })
}

/// The tables' rows under the old names, and what was made.
fn left(wire: &mut Wire, schema: Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (table, columns) in TABLES {
        let row =
            columns.iter().fold("to_jsonb(t)".to_owned(), |row, (from, to, _)| match schema {
                Schema::Old => row,
                Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                    format!("(({row}) - '{to}') || jsonb_build_object('{from}', t.{to})")
                }
                Schema::During(_) => format!("({row}) - '{to}'"),
            });
        found.extend(wire.rows(&format!("SELECT {row} AS row FROM {table} t ORDER BY 1")));
        if let Schema::During(Phase::DualWrite | Phase::SwitchReads) = schema {
            for (from, to, _) in columns {
                let apart =
                    format!("SELECT t FROM {table} t WHERE t.{from} IS DISTINCT FROM t.{to}");
                found.extend(wire.rows(&apart));
            }
        }
    }
    for made in MADE {
        wire.script("SAVEPOINT look");
        let mut rows = run(wire, &format!("SELECT * FROM {made}"), "");
        wire.script("ROLLBACK TO look");
        rows.sort();
        found.extend(rows);
    }
    found
}

/// What PostgreSQL receives for a statement, `None` if it is refused.
fn sent(generation: &Generation, entry: &Entry) -> Option<Sent> {
    let search_path = SearchPath::default();
    let mut sent = Sent::plain(&entry.text);
    match generation.rewrite(&entry.text, SessionView::usual(&search_path)) {
        Outcome::Forward | Outcome::ForwardOpaque => {}
        Outcome::Rewritten(rewritten) => {
            for reply in &rewritten.replies {
                sent.patched |= !reply.row_types.is_empty();
                if let Some(CopyIn::Extended(rows)) = &reply.copy_in
                    && let CopyHeader::Matched { names, added } = &rows.header
                {
                    let names: Vec<&str> = names
                        .iter()
                        .map(|name| &name.server)
                        .chain(added)
                        .map(String::as_str)
                        .collect();
                    sent.header = names.join(",");
                }
            }
            sent.text = rewritten.sql;
        }
        Outcome::Refused(_) => return None,
    }
    Some(sent)
}

/// The answer without the types of its columns, which are patched on the way back.
fn without_types(effect: &Effect) -> Effect {
    let mut effect = effect.clone();
    effect.answer.retain(|line| !line.starts_with("columns"));
    effect
}

#[test]
fn the_corpus_does_in_every_phase_what_it_does_on_the_old_tables() {
    let database = Database::create("coverage", "");
    let mut wire = database.connect();
    let entries: Vec<Entry> = coverage::classes()
        .expect("the corpus can be read")
        .into_iter()
        .flat_map(|class| class.statements)
        .collect();
    let mut report = Vec::new();
    enter(&mut wire, Schema::Old);
    let expected: Vec<Effect> = entries
        .iter()
        .map(|entry| effect(&mut wire, &Sent::plain(&entry.text), Schema::Old))
        .collect();
    wire.script("ROLLBACK");
    for (entry, effect) in entries.iter().zip(&expected) {
        if let Some(error) = effect.answer.iter().find(|line| line.starts_with("error")) {
            report.push(format!("{}: PostgreSQL does not accept it: {error}", entry.place));
        }
    }
    for phase in
        [Phase::Expand, Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract]
    {
        let generation = coverage::generation(phase).expect("the corpus compiles");
        enter(&mut wire, Schema::During(phase));
        for (entry, expected) in entries.iter().zip(&expected) {
            let Some(sent) = sent(&generation, entry) else { continue };
            let found = effect(&mut wire, &sent, Schema::During(phase));
            let same = match sent.patched {
                true => without_types(&found) == without_types(expected),
                false => found == *expected,
            };
            if !same {
                report.push(format!(
                    "{} [{phase}]\n  client   {}\n  sent     {}\n  expected {:?}\n  found    {:?}",
                    entry.place, entry.text, sent.text, expected, found
                ));
            }
        }
        wire.script("ROLLBACK");
    }
    assert!(report.is_empty(), "{} faults\n\n{}\n", report.len(), report.join("\n\n"));
}
