//! Sends an entry and shows everything that a client can see of it.

use segue_tests::message::Message;
use segue_tests::wire::{self, Reply, Value, Wire};

use crate::compare::comparable;
use crate::corpus::{Entry, Need, Step};

/// How a statement is sent, and how its result comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Query.
    Simple,
    /// Parse, Bind, Execute; results as text.
    Text,
    /// Parse, Bind, Execute; results binary, and COPY data sent without waiting.
    Binary,
}

impl Mode {
    /// Every one of them.
    pub(crate) const ALL: [Self; 3] = [Self::Simple, Self::Text, Self::Binary];
}

/// The modes in which an entry can be sent. A statement with parameters has no simple form.
pub(crate) fn modes(entry: &Entry) -> impl Iterator<Item = Mode> {
    let simple =
        entry.steps.iter().all(|step| step.values.is_empty()) && !entry.needs(Need::Extended);
    let extended = !entry.needs(Need::Simple);
    Mode::ALL.into_iter().filter(move |mode| match mode {
        Mode::Simple => simple,
        Mode::Text | Mode::Binary => extended,
    })
}

/// Everything that a client can see of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The answers, without what may differ.
    pub(crate) answer: Vec<Message>,
    /// What the tables mean afterwards, unless nothing can have changed.
    pub(crate) content: Option<Vec<String>>,
}

impl Seen {
    /// The first error.
    pub(crate) fn error(&self) -> Option<&Message> {
        self.answer.iter().find(|message| matches!(message, Message::Error(_)))
    }
}

/// What the tables mean when nothing was done.
pub(crate) fn untouched(wire: &mut Wire) -> Vec<String> {
    wire.script("BEGIN; SELECT public.reset()");
    let content = wire.rows("SELECT public.audit()");
    wire.script("ROLLBACK");
    content
}

/// Runs a rollback. On a busy machine the time that is set for an entry may be over for it too.
fn take_back(wire: &mut Wire, sql: &str) {
    for _again in 0..20 {
        if wire.simple(sql).code() != "57014" {
            return;
        }
    }
    panic!("{sql} does not come to its end");
}

/// Runs one entry inside a transaction that is rolled back.
pub(crate) fn observe(wire: &mut Wire, entry: &Entry, mode: Mode) -> Seen {
    let inside = !entry.needs(Need::Autocommit);
    wire.script(if inside {
        "BEGIN; SELECT public.reset(); SAVEPOINT before"
    } else {
        "SELECT public.reset()"
    });
    let mut answer = Vec::new();
    for step in &entry.steps {
        answer.extend(comparable(send(wire, step, mode), step.is_ordered()));
    }
    if entry.needs(Need::Plan) {
        answer.retain(|message| !matches!(message, Message::Row(_)));
    }
    if answer.last() == Some(&Message::Ready('E')) {
        take_back(wire, if inside { "ROLLBACK TO before" } else { "ROLLBACK" });
    }
    let content = entry.may_write().then(|| content(wire));
    if inside {
        take_back(wire, "ROLLBACK");
    }
    // A rollback keeps them.
    if entry.steps.iter().any(|step| step.sql.to_ascii_uppercase().contains("PREPARE")) {
        wire.script("DEALLOCATE ALL");
    }
    Seen { answer, content }
}

/// How content begins that has no meaning in the old shape.
const NO_MEANING: &str = "LOSSY";

/// Whether something was written that a client of the old shape could never read.
pub(crate) fn is_lossy(seen: &Seen) -> bool {
    seen.content.iter().flatten().any(|line| line.starts_with(NO_MEANING))
}

/// What the tables mean; a value that has no meaning in the old shape is an error.
fn content(wire: &mut Wire) -> Vec<String> {
    let reply = wire.simple("SELECT public.audit()");
    match reply.error() {
        Some(error) => vec![format!("{NO_MEANING}: {error:?}")],
        None => reply.lines(),
    }
}

/// Sends one message and waits for ReadyForQuery.
fn send(wire: &mut Wire, step: &Step, mode: Mode) -> Reply {
    let values: Vec<Value<'_>> = step.values.iter().map(Option::as_deref).collect();
    if mode == Mode::Simple {
        wire.send_bytes(&wire::query(&step.sql));
        return with_copy(wire, step);
    }
    let request = [
        wire::parse("", &step.sql, &[]),
        wire::describe(b'S', ""),
        wire::bind("", "", &values, mode == Mode::Binary),
        wire::describe(b'P', ""),
        wire::execute("", 0),
    ]
    .concat();
    if step.copy.is_none() {
        wire.send_bytes(&[request, wire::sync()].concat());
        return wire.until_ready();
    }
    if mode == Mode::Binary {
        wire.send_bytes(&[request, copied(step), wire::sync()].concat());
        return wire.until_ready();
    }
    wire.send_bytes(&request);
    let mut reply = wire.until_copy();
    if let Some(Message::CopyIn(..)) = reply.messages.last() {
        wire.send_bytes(&copied(step));
    }
    wire.send_bytes(&wire::sync());
    reply.messages.extend(wire.until_ready().messages);
    reply
}

/// Waits for ReadyForQuery, and sends data each time the server asks for it.
fn with_copy(wire: &mut Wire, step: &Step) -> Reply {
    let mut messages = Vec::new();
    loop {
        messages.extend(wire.until_copy().messages);
        match messages.last() {
            Some(Message::Ready(_)) => return Reply { messages },
            Some(Message::CopyIn(..)) => wire.send_bytes(&copied(step)),
            _ => {}
        }
    }
}

/// The frames of a step's COPY data, cut where no row ends.
fn copied(step: &Step) -> Vec<u8> {
    let data = step.copy.as_deref().unwrap_or_default();
    let mut frames: Vec<u8> = data.chunks(7).flat_map(wire::copy_data).collect();
    frames.extend(match step.gives_up {
        true => wire::copy_fail("the client has had enough"),
        false => wire::copy_done(),
    });
    frames
}
