//! The core of a session against scripts of bytes: what each peer receives for what the other sent.
//!
//! Every script is played again with its bytes cut at each boundary; the outcome may not differ.

use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::catalog::{Catalog, Column, Relation, RelationKind, RelationName};
use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};

use super::conversation::{Conversation, Violation};
use super::counters::{Counters, Snapshot};
use crate::phase::generation::{Current, Generation, Occupant};
use crate::wire::frame::server_header;
use crate::wire::outgoing::Outgoing;

fn column(name: &str, number: u16) -> Column {
    Column {
        name: name.to_owned(),
        number,
        type_name: "text".to_owned(),
        base_type: "text".to_owned(),
        collation: None,
        not_null: false,
        default: None,
        generated: false,
        identity: None,
        dependents: std::collections::BTreeSet::new(),
    }
}

/// `users(id, username, handle)`, with a rename in `phase`, or nothing governed.
fn generation(number: u64, phase: Option<Phase>) -> Arc<Generation> {
    let users = Relation {
        kind: RelationKind::Table,
        attribute_count: 3,
        columns: vec![column("id", 1), column("username", 2), column("handle", 3)],
        keys: Vec::new(),
        before_row_triggers: Vec::new(),
        has_children: false,
    };
    let mut catalog = Catalog::default();
    catalog.relations.insert(RelationName::new("public", "users"), users);
    let rules: Vec<Rule> = phase
        .map(|phase| Rule {
            name: "rename".to_owned(),
            change: Change::RenameColumn {
                table: "users".to_owned(),
                from: "username".to_owned(),
                to: "handle".to_owned(),
                position: None,
            },
            phase,
        })
        .into_iter()
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
        let counters = Arc::new(Counters::default());
        Self {
            conversation: Conversation::new(seat, Arc::clone(&counters)),
            current,
            counters,
            from_client: BytesMut::new(),
            from_server: BytesMut::new(),
            to_client: Outgoing::default(),
            to_server: Outgoing::default(),
        }
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
        counted.push(session.counters.snapshot());
    }
    counted.dedup();
    assert_eq!(counted.len(), 1, "counted differently: {counted:?}");
    counted[0]
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

#[test]
fn what_is_not_governed_passes_untouched() {
    let pipeline = [parse("s", "select 1"), bind("s"), execute(), sync(), query("select 2")];
    let replies = [
        completes("12"),
        frame(b'D', b"\0\0"),
        done("SELECT 1"),
        ready(b'I'),
        frame(b'T', b"\0\0"),
        done("SELECT 1"),
        ready(b'I'),
    ];
    for phase in [None, OLD] {
        let script = [
            Act::Client(pipeline.concat()),
            Act::Holds(Some(1)),
            Act::ServerGot(pipeline.concat()),
            Act::Server(replies.concat()),
            Act::ClientGot(replies.concat()),
            Act::Holds(None),
        ];
        let expected = Snapshot { forwarded: 2, ..Snapshot::default() };
        assert_eq!(play(phase, &script), expected);
    }
}

#[test]
fn names_are_asked_once_and_again_after_a_change() {
    let select = query("select username from users");
    let rewritten = query("select handle AS username from users");
    let replied = [done("X"), ready(b'I')].concat();
    let counted = play(
        NEW,
        &after_acquaintance(vec![
            Act::Client(select.clone()),
            Act::ServerGot(rewritten),
            Act::Server(replied.clone()),
            Act::Client(query("set search_path = other")),
            Act::ServerGot(query("set search_path = other")),
            Act::Server(replied),
            Act::Client(select.clone()),
            Act::ServerGot(question(true)),
            Act::Server([answer("other"), ready(b'I')].concat()),
            Act::ServerGot(select),
        ]),
    );
    assert_eq!(counted, Snapshot { forwarded: 2, rewritten: 2, ..Snapshot::default() });
}

#[test]
fn a_question_inside_a_batch_does_not_end_it() {
    let batch = [parse("", "select username from users"), bind(""), execute(), sync()].concat();
    play(
        NEW,
        &[
            Act::Client(batch),
            Act::ServerGot(question(false)),
            Act::Server(answer("public")),
            Act::ServerGot(
                [parse("", "select handle AS username from users"), bind(""), execute(), sync()]
                    .concat(),
            ),
            Act::Server([completes("12"), done("SELECT 0"), ready(b'I')].concat()),
            Act::ClientGot([completes("12"), done("SELECT 0"), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn a_question_that_fails_is_the_answer_to_what_waited_for_it() {
    let batch = [parse("", "select username from users"), bind(""), execute(), sync()].concat();
    let failed = [error("25P02", ""), ready(b'E')].concat();
    play(
        NEW,
        &[
            Act::Client(batch.clone()),
            Act::ServerGot(question(false)),
            Act::Server(error("25P02", "")),
            // The server discards it.
            Act::ServerGot(batch),
            Act::Server(ready(b'E')),
            Act::ClientGot(failed.clone()),
        ],
    );
    play(
        NEW,
        &[
            Act::Client([query("select username from users"), query("rollback")].concat()),
            Act::ServerGot(question(true)),
            Act::Server(failed.clone()),
            Act::ClientGot(failed),
            Act::ServerGot(query("rollback")),
        ],
    );
}

#[test]
fn a_refusal_fails_on_the_server_and_in_the_client_s_words() {
    let refused = frame(b'E', b"SERROR\0VERROR\0C42703\0Mm\0P8\0\0");
    let mut session = Session::new(NEW);
    session.play(&acquaint(), usize::MAX);
    session.client(&query("create view v as select username from users")).unwrap();
    assert_eq!(shown(session.to_server.waiting()), shown(&query(super::patch::FAILING_STATEMENT)));
    session.server(&[refused, ready(b'I')].concat()).unwrap();
    let told = shown(session.to_client.waiting());
    assert!(told[0].contains("C0A000") && told[0].contains("rename"), "{told:?}");
    assert_eq!(&told[1..], &shown(&ready(b'I'))[..]);
    assert_eq!(session.counters.snapshot().refused, 1);
    // In a failed transaction the server's own words stand.
    session.to_client = Outgoing::default();
    session.client(&query("create view v as select username from users")).unwrap();
    session.server(&[error("25P02", ""), ready(b'E')].concat()).unwrap();
    let expected = [error("25P02", ""), ready(b'E')].concat();
    assert_eq!(shown(session.to_client.waiting()), shown(&expected));
}

#[test]
fn positions_of_errors_lead_into_the_client_s_text() {
    play(
        NEW,
        &after_acquaintance(vec![
            Act::Client(query("select username, nope from users")),
            Act::ServerGot(query("select handle AS username, nope from users")),
            // The place of "nope", in the server's text and in the client's.
            Act::Server([error("42703", "28"), ready(b'I')].concat()),
            Act::ClientGot([error("42703", "18"), ready(b'I')].concat()),
        ]),
    );
}

#[test]
fn a_prepared_statement_is_prepared_again_after_a_flip() {
    let text = "select username from users";
    let counted = play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([parse("s", text), sync()].concat()),
            Act::ServerGot([parse("s", text), sync()].concat()),
            Act::Server([completes("1"), ready(b'I')].concat()),
            Act::ClientGot([completes("1"), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Client([bind("s"), execute(), sync()].concat()),
            Act::ServerGot(
                [
                    close("s"),
                    parse("s", "select handle AS username from users"),
                    bind("s"),
                    execute(),
                    sync(),
                ]
                .concat(),
            ),
            Act::Server([completes("312"), done("SELECT 0"), ready(b'I')].concat()),
            Act::ClientGot([completes("2"), done("SELECT 0"), ready(b'I')].concat()),
            // Once.
            Act::Client([describe("s"), sync()].concat()),
            Act::ServerGot([describe("s"), sync()].concat()),
            Act::Server([frame(b't', b"\0\0"), frame(b'T', b"\0\0"), ready(b'I')].concat()),
            Act::ClientGot([frame(b't', b"\0\0"), frame(b'T', b"\0\0"), ready(b'I')].concat()),
            Act::Holds(None),
        ]),
    );
    assert_eq!(counted.reprepared, 1);
}

fn after_acquaintance_in_old(more: Vec<Act>) -> Vec<Act> {
    let mut script = acquaint();
    script[4] = Act::ServerGot(query("select username from users"));
    [script, more].concat()
}

#[test]
fn a_failed_renewal_is_the_answer_and_is_tried_again() {
    let text = "select username from users";
    let new = "select handle AS username from users";
    let renewed = [close("s"), parse("s", new), bind("s"), sync()].concat();
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([parse("s", text), sync()].concat()),
            Act::Server([completes("1"), ready(b'I')].concat()),
            Act::ServerGot([parse("s", text), sync()].concat()),
            Act::ClientGot([completes("1"), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot(renewed.clone()),
            Act::Server([completes("3"), error("42703", "8"), ready(b'I')].concat()),
            Act::ClientGot([error("42703", "8"), ready(b'I')].concat()),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot(renewed),
            Act::Server([completes("312"), ready(b'I')].concat()),
            Act::ClientGot([completes("2"), ready(b'I')].concat()),
        ]),
    );
}

#[test]
fn a_parse_that_was_skipped_never_happened() {
    let text = "select username from users";
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            // The Parse comes after an error and is discarded.
            Act::Client([bind("nope"), parse("s", text), sync(), bind("s"), sync()].concat()),
            Act::ServerGot([bind("nope"), parse("s", text), sync(), bind("s"), sync()].concat()),
            Act::Server([error("26000", ""), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Server([error("26000", ""), ready(b'I')].concat()),
            Act::ClientGot(
                [error("26000", ""), ready(b'I'), error("26000", ""), ready(b'I')].concat(),
            ),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot([bind("s"), sync()].concat()),
        ]),
    );
}

#[test]
fn a_flip_waits_for_the_end_of_a_transaction_and_of_a_pipeline() {
    let open = [done("BEGIN"), ready(b'T')].concat();
    let select = query("select username from users");
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(query("begin")),
            Act::Server(open),
            Act::ServerGot(query("begin")),
            Act::Flip(2, NEW),
            Act::Client(select.clone()),
            Act::ServerGot(select.clone()),
            Act::Holds(Some(1)),
            // The client does not wait for answers: the next statement must.
            Act::Client([query("commit"), select].concat()),
            Act::ServerGot(Vec::new()),
            Act::Server([done("SELECT 0"), ready(b'T')].concat()),
            Act::ServerGot(query("commit")),
            Act::Server([done("COMMIT"), ready(b'I')].concat()),
            Act::Holds(Some(2)),
            Act::ServerGot(query("select handle AS username from users")),
        ]),
    );
}
