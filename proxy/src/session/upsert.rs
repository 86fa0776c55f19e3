//! INSERT … ON CONFLICT while a column is written twice: which statements can be sent again.
//!
//! PostgreSQL looks at the arbiter index before it stores a row, and at no other. Where the new
//! column has a unique index too, a row that another session stores at the same moment is found
//! there instead, and the statement fails as it never would on the client's own table. It is sent
//! again then ([`super::retry`]), and finds the row.
//!
//! For that the server may not have gone on to anything else: what the client sends behind such a
//! statement waits until it is answered. Inside a transaction a savepoint is set before it. In the
//! extended protocol all messages up to Sync must be there before the first of them is sent, and
//! this must be the only Execute among them.

use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use rewrite_rules::lens::Names;
use rewrite_rules::{Outcome, PositionMap, Reply, Rewritten};
use tokio::time::Instant;

use super::conversation::{Conversation, Step};
use super::reply::{Entry, Expected, MAX_OUTSTANDING, Origin};
use super::sql_prepared::Plan;
use super::transaction::Status;
use crate::wire::compose;
use crate::wire::frame;
use crate::wire::request::{self, Target};

/// Longest statement, with its values, that is kept to be sent again. Unit: bytes.
const KEPT_BYTES: usize = 1024 * 1024;

/// Most messages of ours that go with one batch. Unit: messages.
const OWN_MESSAGES: usize = 32;

/// Name of the savepoint before such a statement, and of the statement and portal that set it.
/// Reserved.
pub(super) const SAVEPOINT_NAME: &str = "segue_retry";

const SAVEPOINT: &str = "SAVEPOINT segue_retry";
pub(super) const RELEASE: &str = "RELEASE SAVEPOINT segue_retry";

/// What becomes of the answers to statements of our own: nothing of them shows but an error.
static HIDDEN: LazyLock<Arc<Outcome>> = LazyLock::new(|| {
    Arc::new(Outcome::Rewritten(Rewritten {
        sql: String::new(),
        positions: PositionMap::default(),
        replies: vec![Reply { injected: true, ..Reply::default() }],
        names: Names::default(),
    }))
});

/// Where such a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a transaction of its own.
    Alone,
    /// In a transaction that the client began.
    InTransaction,
}

impl Place {
    /// On whose behalf its Query is sent. In a transaction the client's ReadyForQuery is the one
    /// that comes when the savepoint has been released.
    pub(super) fn origin(self) -> Origin {
        match self {
            Self::Alone => Origin::Client,
            Self::InTransaction => Origin::Injected,
        }
    }
}

/// Whether a statement can be sent again.
#[derive(Debug)]
pub(super) enum Chance<T> {
    /// It cannot, or need not.
    Absent,
    /// That is not known yet.
    Later(Step),
    /// It can.
    Taken(T),
}

/// Which messages carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// A Query.
    Simple,
    /// Bind, Execute, and what follows up to Sync.
    Extended,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its messages are being sent.
    Beginning,
    /// The server is at it.
    Running,
    /// A mirror rejected it, and the server has not said yet that it is ready.
    Rejected,
    /// The server sleeps before it is sent again.
    Pausing,
    /// It failed, and the client knows. What fails behind it is a consequence.
    Failed,
}

/// A statement under way that can be sent again.
#[derive(Debug)]
pub(super) struct Upsert {
    pub(super) place: Place,
    pub(super) protocol: Protocol,
    /// Without the Sync.
    pub(super) messages: BytesMut,
    /// The replies to them.
    pub(super) owed: Vec<Entry>,
    pub(super) state: State,
    /// How often it has been sent again.
    pub(super) retries: u32,
    /// When it was rejected first.
    pub(super) rejected: Option<Instant>,
}

/// Whether an outcome is that of one statement, which a mirror may reject.
fn is_mirrored(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rewritten(rewritten) => match rewritten.replies.as_slice() {
            [only] => !only.mirrors.is_empty(),
            _none_or_several => false,
        },
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => false,
    }
}

/// Whether a text is certainly one statement. Cut at every semicolon, those inside literals too.
fn is_one_statement(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    !text.strip_suffix(b";").unwrap_or(text).contains(&b';')
}

/// What a look at the client's next messages shows.
#[derive(Debug, PartialEq, Eq)]
enum Ahead {
    /// One statement up to its Sync: what must be sent again of it.
    One(BytesMut),
    /// So far, and at least this many bytes must be there to tell.
    Needs(usize),
    /// Something else.
    Other,
}

/// Looks at the messages from a Bind of `portal` on.
fn look_ahead(rest: &[u8], portal: &[u8]) -> Ahead {
    let mut messages = BytesMut::new();
    let (mut from, mut executed) = (0_usize, false);
    loop {
        let tail = rest.get(from..).unwrap_or_default();
        let Ok(header) = frame::client_header(tail) else { return Ahead::Other };
        let Some(header) = header else { return Ahead::Needs(rest.len().saturating_add(1)) };
        let end = from.saturating_add(header.total);
        match (header.tag, executed) {
            (b'S', true) => return Ahead::One(messages),
            _ if end > KEPT_BYTES => return Ahead::Other,
            (b'B', false) if from == 0 => {}
            (b'D' | b'E', false) | (b'D' | b'C', true) if from > 0 => {}
            _other => return Ahead::Other,
        }
        let Some(message) = rest.get(from..end) else { return Ahead::Needs(end) };
        let body = message.get(frame::HEADER_BYTES..).unwrap_or_default();
        match header.tag {
            b'E' if request::executed_portal(body) != Some(portal) => return Ahead::Other,
            b'D' if !matches!(request::target(body), Some(Target::Portal(_))) => {
                return Ahead::Other;
            }
            _fits => {}
        }
        executed |= header.tag == b'E';
        // The client has the description already when it comes to that.
        if header.tag != b'D' || executed {
            messages.extend_from_slice(message);
        }
        from = end;
    }
}

impl Conversation {
    /// Whether what the client sends must wait for such a statement.
    pub(super) fn upsert_is_under_way(&self) -> bool {
        self.upsert.as_ref().is_some_and(|upsert| upsert.state != State::Beginning)
    }

    /// The place of a statement that is sent now, if the server's last word is known to hold.
    fn place(&self) -> Option<Place> {
        match self.transaction.status() {
            Status::Idle => Some(Place::Alone),
            Status::Open => Some(Place::InTransaction),
            // It is rejected in any case.
            Status::Failed => None,
        }
    }

    /// Whether a Query can be sent again.
    pub(super) fn query_begins_upsert(
        &self,
        text: &[u8],
        outcome: &Outcome,
        plan: &Plan,
    ) -> Chance<Place> {
        let executes = || match plan.answers.as_slice() {
            [only] => !only.reply.mirrors.is_empty() && is_one_statement(text),
            _none_or_several => false,
        };
        let mirrored = is_mirrored(outcome) || executes();
        if !mirrored
            || !plan.planned.is_empty()
            || text.len() > KEPT_BYTES
            || self.transaction.batch_open()
        {
            return Chance::Absent;
        }
        if !self.replies.is_empty() {
            return Chance::Later(Step::Wait);
        }
        self.place().map_or(Chance::Absent, Chance::Taken)
    }

    /// What goes before a Query that can be sent again.
    pub(super) fn savepoint_before_query(&mut self, place: Place) -> BytesMut {
        match place {
            Place::Alone => BytesMut::new(),
            Place::InTransaction => self.own_query(SAVEPOINT, Origin::Injected),
        }
    }

    /// Notes that a Query is sent that can be sent again; its own reply is noted already.
    pub(super) fn send_upsert(
        &mut self,
        place: Place,
        before: BytesMut,
        message: BytesMut,
    ) -> BytesMut {
        let owed = self.replies.last().map(|entry| Entry {
            // The server drops the unnamed statement once.
            expected: Expected::Query { unnamed: None },
            ..entry.clone()
        });
        self.upsert = Some(Upsert {
            place,
            protocol: Protocol::Simple,
            messages: message.clone(),
            owed: owed.into_iter().collect(),
            state: State::Running,
            retries: 0,
            rejected: None,
        });
        let behind = match place {
            Place::Alone => BytesMut::new(),
            Place::InTransaction => self.own_query(RELEASE, Origin::Client),
        };
        [before, message, behind].concat().as_slice().into()
    }

    /// Whether what a Bind begins can be sent again; what goes before it then. `executes`: running
    /// it executes other statements, which may have to be prepared again in between.
    pub(super) fn bind_begins_upsert(
        &mut self,
        outcome: Option<&Arc<Outcome>>,
        executes: bool,
        portal: &[u8],
        rest: &[u8],
    ) -> Chance<BytesMut> {
        if executes || !outcome.is_some_and(|outcome| is_mirrored(outcome)) {
            return Chance::Absent;
        }
        let messages = match look_ahead(rest, portal) {
            _ if self.transaction.batch_executes() => return Chance::Absent,
            Ahead::Other => return Chance::Absent,
            Ahead::Needs(bytes) => return Chance::Later(Step::More(bytes)),
            Ahead::One(messages) => messages,
        };
        // Each has a header at least.
        let replies = messages.len() / frame::HEADER_BYTES;
        let replies = replies.saturating_add(self.replies.len()).saturating_add(OWN_MESSAGES);
        if replies >= MAX_OUTSTANDING {
            return Chance::Absent;
        }
        if self.replies.ended_batch() {
            return Chance::Later(Step::Wait);
        }
        let Some(place) = self.place() else { return Chance::Absent };
        self.upsert = Some(Upsert {
            place,
            protocol: Protocol::Extended,
            messages,
            owed: Vec::new(),
            state: State::Beginning,
            retries: 0,
            rejected: None,
        });
        Chance::Taken(match place {
            Place::Alone => BytesMut::new(),
            Place::InTransaction => self.own_statement(SAVEPOINT),
        })
    }

    /// The Sync behind such a statement is sent now; what goes before it.
    pub(super) fn end_upsert(&mut self) -> Option<BytesMut> {
        let upsert = self.upsert.as_mut().filter(|upsert| upsert.state == State::Beginning)?;
        let behind = self.replies.behind_bind();
        let executed = behind.skip_while(|entry| entry.expected == Expected::Describe);
        let bind = Entry::new(Expected::Bind, Origin::Injected, None);
        upsert.owed = [bind].into_iter().chain(executed.cloned()).collect();
        upsert.state = State::Running;
        match upsert.place {
            Place::Alone => None,
            Place::InTransaction => Some(self.own_statement(RELEASE)),
        }
    }

    /// A Query of our own; its reply is noted.
    pub(super) fn own_query(&mut self, text: &str, origin: Origin) -> BytesMut {
        let expected = Expected::Query { unnamed: None };
        self.replies.push(Entry::new(expected, origin, Some(Arc::clone(&HIDDEN))));
        compose::query(text)
    }

    /// A statement of our own in the extended protocol; its replies are noted.
    pub(super) fn own_statement(&mut self, text: &str) -> BytesMut {
        let parts = [
            Expected::Close { statement: None },
            Expected::Parse { statement: None },
            Expected::Bind,
            Expected::Execute,
            Expected::Close { statement: None },
            Expected::Close { statement: None },
        ];
        for expected in parts {
            self.replies.push(Entry::new(expected, Origin::Injected, Some(Arc::clone(&HIDDEN))));
        }
        compose::question(SAVEPOINT_NAME, text)
    }
}
