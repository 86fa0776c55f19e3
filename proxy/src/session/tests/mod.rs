//! The core of a session against scripts of bytes: what each peer receives for what the other sent.
//!
//! Every script is played again with its bytes cut into small pieces; the outcome may not differ.

mod cases;
mod copies;
mod errors;
mod latency;
mod reports;
mod sql_prepared;
mod stops;
mod unread;
mod upserts;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rewrite_rules::catalog::{
    Catalog, Column, ColumnDefault, Key, Oids, Relation, RelationKind, RelationName, Volatility,
};
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule};

use super::conversation::{Conversation, Violation};
use super::counters::{Counters, Snapshot};
use crate::latency::Latency;
use crate::phase::generation::{Current, Generation, Occupant};
use crate::wire::frame::server_header;
use crate::wire::outgoing::Outgoing;

fn column(name: &str, number: u16) -> Column {
    Column::new(name, number, "text")
}

fn table(columns: Vec<Column>) -> Relation {
    Relation {
        kind: RelationKind::Table,
        attribute_count: u16::try_from(columns.len()).unwrap(),
        columns,
        keys: Vec::new(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: Oids::default(),
    }
}

fn unique(column: &str) -> Key {
    Key {
        name: format!("users_{column}_key"),
        primary: false,
        constraint: true,
        columns: vec![column.to_owned()],
    }
}

fn rename(table: &str, from: &str, to: &str, phase: Phase) -> Rule {
    Rule {
        name: "rename".to_owned() + to,
        change: Change::RenameColumn(ColumnPair::new(table, from, to)),
        phase,
    }
}

/// `users(id, username, handle)` and `tokens(id, code DEFAULT …, number)`, with renames in `phase`,
/// or nothing governed.
pub(crate) fn generation(number: u64, phase: Option<Phase>) -> Arc<Generation> {
    let mut users = table(vec![column("id", 1), column("username", 2), column("handle", 3)]);
    users.keys = ["username", "handle"].map(unique).into();
    let default = ColumnDefault { expression: "f()".to_owned(), volatility: Volatility::Volatile };
    let code = Column { default: Some(default), ..column("code", 2) };
    let tokens = table(vec![column("id", 1), code, column("number", 3)]);
    let mut catalog = Catalog::default();
    catalog.relations.insert(RelationName::new("public", "users"), users);
    catalog.relations.insert(RelationName::new("public", "tokens"), tokens);
    let rules: Vec<Rule> = phase
        .into_iter()
        .flat_map(|phase| {
            [
                rename("users", "username", "handle", phase),
                rename("tokens", "code", "number", phase),
            ]
        })
        .collect();
    Arc::new(Generation::new(
        rewrite_rules::compile(number, &rules, Arc::new(catalog)).expect("a rule without fault"),
    ))
}

/// One step of a script.
#[derive(Debug, Clone)]
enum Act {
    /// The client sends this.
    Client(Vec<u8>),
    /// The server sends this.
    Server(Vec<u8>),
    /// A flip to that phase.
    Flip(u64, Option<Phase>),
    /// What the server must have received since the last such step.
    ServerGot(Vec<u8>),
    /// What the client must have received since the last such step.
    ClientGot(Vec<u8>),
    /// Which generation the session must hold, if any.
    Holds(Option<u64>),
}

struct Session {
    conversation: Conversation,
    current: Arc<Current>,
    counters: Arc<Counters>,
    latency: Arc<Latency>,
    /// How often the client was told that the server is ready.
    told_ready: usize,
    from_client: BytesMut,
    from_server: BytesMut,
    to_client: Outgoing,
    to_server: Outgoing,
}

impl Session {
    fn new(phase: Option<Phase>) -> Self {
        let current = Arc::new(Current::new(generation(1, phase)));
        let seat = current.sit(Occupant {
            client: String::new(),
            user: String::new(),
            database: String::new(),
            application_name: String::new(),
            backend_pid: 0,
        });
        let (counters, latency) =
            (Arc::new(Counters::default()), Arc::new(Latency::by(latency::now)));
        Self {
            conversation: Conversation::new(seat, Arc::clone(&counters), Arc::clone(&latency)),
            current,
            counters,
            latency,
            told_ready: 0,
            from_client: BytesMut::new(),
            from_server: BytesMut::new(),
            to_client: Outgoing::default(),
            to_server: Outgoing::default(),
        }
    }

    /// Requests whose time was taken.
    fn timed(&self) -> usize {
        usize::try_from(self.latency.window(Duration::ZERO).count).unwrap()
    }

    fn pump(&mut self) -> Result<(), Violation> {
        self.conversation.take_server(&mut self.from_server, &mut self.to_client)?;
        self.conversation.take_client(&mut self.from_client, &mut self.to_server)
    }

    fn client(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.from_client.extend_from_slice(bytes);
        self.pump()
    }

    fn server(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.from_server.extend_from_slice(bytes);
        self.pump()
    }

    /// Plays a script, the bytes of each step in pieces of `size`.
    fn play(&mut self, script: &[Act], size: usize) {
        for (number, act) in script.iter().enumerate() {
            let place = format!("step {number} in pieces of {size}: {act:?}");
            match act {
                Act::Client(bytes) => {
                    for piece in bytes.chunks(size) {
                        self.client(piece).expect(&place);
                    }
                }
                Act::Server(bytes) => {
                    for piece in bytes.chunks(size) {
                        self.server(piece).expect(&place);
                    }
                }
                Act::Flip(number, phase) => self.current.swap(generation(*number, *phase)),
                Act::ServerGot(bytes) => {
                    let got = self.to_server.waiting().to_vec();
                    self.to_server.written(got.len());
                    assert_eq!(shown(&got), shown(bytes), "{place}");
                }
                Act::ClientGot(bytes) => {
                    let got = self.to_client.waiting().to_vec();
                    self.to_client.written(got.len());
                    self.told_ready += readies(&got);
                    assert_eq!(shown(&got), shown(bytes), "{place}");
                }
                Act::Holds(expected) => {
                    let held = self.current.holders_before(u64::MAX);
                    let held = held.first().map(|holder| holder.generation);
                    assert_eq!(held, *expected, "{place}");
                }
            }
        }
    }
}

/// Plays a script whole and in small pieces, and returns what was counted.
fn play(phase: Option<Phase>, script: &[Act]) -> Snapshot {
    let mut counted = Vec::new();
    for size in [usize::MAX, 1, 2, 3, 5, 7, 11, 64] {
        let mut session = Session::new(phase);
        session.play(script, size);
        session.told_ready += readies(session.to_client.waiting());
        assert_eq!(session.timed(), session.told_ready, "requests timed in pieces of {size}");
        counted.push(session.counters.snapshot());
    }
    counted.dedup();
    assert_eq!(counted.len(), 1, "counted differently: {counted:?}");
    counted[0]
}

/// How often the server is said to be ready.
fn readies(bytes: &[u8]) -> usize {
    shown(bytes).iter().filter(|line| line.starts_with("Z ")).count()
}

/// Frames as readable lines.
fn shown(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(Some(header)) = server_header(bytes) {
        let (frame, rest) = bytes.split_at(header.total.min(bytes.len()));
        lines.push(format!("{} {}", char::from(header.tag), frame[5..].escape_ascii()));
        bytes = rest;
    }
    if !bytes.is_empty() {
        lines.push(format!("rest {}", bytes.escape_ascii()));
    }
    lines
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

fn query(text: &str) -> Vec<u8> {
    frame(b'Q', format!("{text}\0").as_bytes())
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    frame(b'P', format!("{name}\0{text}\0\0\0").as_bytes())
}

fn bind(statement: &str) -> Vec<u8> {
    frame(b'B', format!("\0{statement}\0\0\0\0\0\0\0").as_bytes())
}

fn close(statement: &str) -> Vec<u8> {
    frame(b'C', format!("S{statement}\0").as_bytes())
}

fn describe(statement: &str) -> Vec<u8> {
    frame(b'D', format!("S{statement}\0").as_bytes())
}

fn execute() -> Vec<u8> {
    frame(b'E', b"\0\0\0\0\0")
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

fn ready(status: u8) -> Vec<u8> {
    frame(b'Z', &[status])
}

fn done(tag: &str) -> Vec<u8> {
    frame(b'C', format!("{tag}\0").as_bytes())
}

fn error(sqlstate: &str, position: &str) -> Vec<u8> {
    let position = if position.is_empty() { String::new() } else { format!("P{position}\0") };
    frame(b'E', format!("SERROR\0VERROR\0C{sqlstate}\0Mm\0{position}\0").as_bytes())
}

/// ParseComplete, BindComplete, CloseComplete.
fn completes(tags: &str) -> Vec<u8> {
    tags.bytes().flat_map(|tag| frame(tag, b"")).collect()
}

/// What the server receives when it is asked for names.
fn question(alone: bool) -> Vec<u8> {
    let mut bytes =
        crate::wire::compose::question(super::names::QUESTION_NAME, super::names::NAMES_QUESTION)
            .to_vec();
    bytes.extend(if alone { sync() } else { frame(b'H', b"") });
    bytes
}

fn fact(kind: &str, place: &str, value: &str) -> Vec<u8> {
    let hexadecimal: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut body = vec![0, 3];
    for column in [kind, place, &hexadecimal] {
        body.extend_from_slice(&u32::try_from(column.len()).unwrap().to_be_bytes());
        body.extend_from_slice(column.as_bytes());
    }
    frame(b'D', &body)
}

/// The server's answer: a usual session with that search path.
fn answer(schema: &str) -> Vec<u8> {
    let rows = [
        fact("schema", "1", "pg_catalog"),
        fact("schema", "2", schema),
        fact("setting", "0", "on"),
        fact("setting", "1", "UTF8"),
        fact("setting", "2", "UTF8"),
        fact("setting", "3", ""),
    ];
    [completes("312"), rows.concat(), done("SELECT 5"), completes("33")].concat()
}

/// Makes the session know its names, in simple protocol.
fn acquaint() -> Vec<Act> {
    vec![
        Act::Client(query("select username from users")),
        Act::ServerGot(question(true)),
        Act::Server([answer("public"), ready(b'I')].concat()),
        Act::ClientGot(Vec::new()),
        Act::ServerGot(query("select handle AS username from users")),
        Act::Server([done("SELECT 0"), ready(b'I')].concat()),
        Act::ClientGot([done("SELECT 0"), ready(b'I')].concat()),
        Act::Holds(None),
    ]
}

fn after_acquaintance(more: Vec<Act>) -> Vec<Act> {
    [acquaint(), more].concat()
}

const OLD: Option<Phase> = Some(Phase::DualWrite);
const NEW: Option<Phase> = Some(Phase::SwitchReads);

fn after_acquaintance_in_old(more: Vec<Act>) -> Vec<Act> {
    let mut script = acquaint();
    script[4] = Act::ServerGot(query("select username from users"));
    [script, more].concat()
}
