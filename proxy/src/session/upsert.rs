//! INSERT … ON CONFLICT while a column is written twice, and writes of rows that merged tables share: which statements
//! can be sent again.
//!
//! PostgreSQL looks at the arbiter index before it stores a row, and at no other. Where the new
//! column has a unique index too, a row that another session stores at the same moment is found
//! there instead, and the statement fails as it never would on the client's own table. It is sent
//! again then ([`super::retry`]), and finds the row.
//!
//! For that the server may not have gone on to anything else: what the client sends behind such a
//! statement waits until it is answered. Inside a transaction a savepoint is set before it, and
//! released behind it. In the extended protocol all messages up to Sync must be there before the
//! first of them is sent. Outside a transaction this must be the only Execute among them: what
//! another one has returned already could not be returned once more.

use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use rewrite_rules::outcome::Again;
use rewrite_rules::{Outcome, PositionMap, Reply, Rewritten};
use tokio::time::Instant;

use super::conversation::{Conversation, Step};
use super::reply::{Entry, Expected, Origin, Replies};
use super::sql_prepared::Plan;
use super::transaction::{Executed, Status};
use crate::wire::compose;
use crate::wire::frame;
use crate::wire::request::{self, Target};

/// Longest statement, with its values, that is kept to be sent again. Unit: bytes.
const KEPT_BYTES: usize = 1024 * 1024;

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
        mentions: Arc::default(),
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
    /// The same, but something was waited for in the midst of them. What has a savepoint is still
    /// to release it, and nothing is sent again.
    Broken,
    /// The server is at it.
    Running,
    /// A mirror rejected it, and the server has not said yet that it is ready.
    Rejected,
    /// The server sleeps before it is sent again.
    Pausing,
    /// It failed, and the client knows. What fails behind it is a consequence.
    Failed,
}

/// Statements under way that can be sent again: a Query, or all that are in one batch.
#[derive(Debug)]
pub(super) struct Upsert {
    pub(super) place: Place,
    pub(super) protocol: Protocol,
    /// The Query; or what was sent of the batch from the first of these statements' Execute on,
    /// without the Sync.
    pub(super) messages: BytesMut,
    /// The replies to that.
    pub(super) owed: Vec<Entry>,
    /// Where each of them begins.
    pub(super) portals: Vec<Bound>,
    /// Which of them was rejected last.
    pub(super) rejected_one: usize,
    pub(super) state: State,
    /// How often something has been sent again.
    pub(super) retries: u32,
    /// When something was rejected first.
    pub(super) rejected: Option<Instant>,
}

/// One statement of a batch.
#[derive(Debug)]
pub(super) struct Bound {
    /// Its Bind.
    pub(super) bind: BytesMut,
    /// Its Execute, once that has been sent.
    pub(super) execute: Option<Mark>,
}

/// A place in what was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// In the messages. Unit: bytes.
    pub(super) byte: usize,
    /// Among the owed replies; while the batch is being sent, among all of them.
    pub(super) reply: usize,
}

impl Upsert {
    fn new(place: Place, protocol: Protocol, state: State, messages: BytesMut) -> Self {
        Self {
            place,
            protocol,
            messages,
            owed: Vec::new(),
            portals: Vec::new(),
            rejected_one: 0,
            state,
            retries: 0,
            rejected: None,
        }
    }

    /// Which statement of a batch it is whose Execute the server is answering now.
    pub(super) fn answered_one(&self, replies: &Replies) -> Option<usize> {
        let reply = self.owed.len().checked_sub(replies.before_sync())?;
        let is_it = |bound: &Bound| bound.execute.is_some_and(|mark| mark.reply == reply);
        self.portals.iter().position(is_it)
    }

    /// What must be sent again, and the replies to it.
    pub(super) fn again(&self) -> (BytesMut, Vec<Entry>) {
        let one = self.portals.get(self.rejected_one);
        let Some((bind, mark)) = one.and_then(|one| Some((&one.bind, one.execute?))) else {
            return (self.messages.clone(), self.owed.clone());
        };
        let mut messages = bind.clone();
        messages.extend_from_slice(self.messages.get(mark.byte..).unwrap_or_default());
        // The client has been told of its Bind.
        let bound = Entry::new(Expected::Bind, Origin::Injected, None);
        let behind = self.owed.iter().skip(mark.reply).cloned();
        (messages, std::iter::once(bound).chain(behind).collect())
    }
}

/// Where an outcome is sent again, if it is that of one statement.
fn sent_again(outcome: &Outcome) -> Again {
    match outcome {
        Outcome::Rewritten(rewritten) => match rewritten.replies.as_slice() {
            [only] => only.sent_again(),
            _none_or_several => Again::Never,
        },
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => Again::Never,
    }
}

/// What becomes of a statement that follows others whose answers are not there yet. One that is sent again as a
/// deadlock's victim alone is not worth waiting for: where clients send ahead, each would wait for the one before.
fn waits<T>(again: Again) -> Chance<T> {
    match again {
        Again::Anywhere => Chance::Later(Step::Wait),
        Again::Alone | Again::Never => Chance::Absent,
    }
}

/// Whether a statement that stands there is sent again.
fn fits(again: Again, place: Place) -> bool {
    match again {
        Again::Anywhere => true,
        Again::Alone => place == Place::Alone,
        Again::Never => false,
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
    /// They can be sent again.
    Fits,
    /// So far, and at least this many bytes must be there to tell.
    Needs(usize),
    /// They cannot.
    Other,
}

/// Looks at the messages from a Bind of `portal` to the Sync. `only`: another Execute is too many.
/// `seen`: the messages behind the next Execute have been looked at.
fn look_ahead(rest: &[u8], portal: &[u8], only: bool, seen: bool) -> Ahead {
    let (mut from, mut executed) = (0_usize, false);
    loop {
        let tail = rest.get(from..).unwrap_or_default();
        let Ok(header) = frame::client_header(tail) else { return Ahead::Other };
        let Some(header) = header else { return Ahead::Needs(rest.len().saturating_add(1)) };
        let end = from.saturating_add(header.total);
        let fits = match header.tag {
            b'S' if executed => return Ahead::Fits,
            b'B' if from == 0 => true,
            b'D' | b'C' => true,
            b'E' => !(only && executed),
            b'P' | b'B' => executed && !only,
            _other => false,
        };
        if !fits || end > KEPT_BYTES {
            return Ahead::Other;
        }
        let Some(message) = rest.get(from..end) else { return Ahead::Needs(end) };
        let body = message.get(frame::HEADER_BYTES..).unwrap_or_default();
        // Before the Execute nothing may come that would have to be done once more.
        let fits = match header.tag {
            b'E' if !executed => request::executed_portal(body) == Some(portal),
            b'D' if !executed || only => matches!(request::target(body), Some(Target::Portal(_))),
            b'C' => executed,
            _other => true,
        };
        if !fits {
            return Ahead::Other;
        }
        executed |= header.tag == b'E';
        if executed && seen {
            return Ahead::Fits;
        }
        from = end;
    }
}

impl Conversation {
    /// Whether what the client sends must wait for such a statement.
    pub(super) fn upsert_is_under_way(&self) -> bool {
        self.upsert
            .as_ref()
            .is_some_and(|upsert| !matches!(upsert.state, State::Beginning | State::Broken))
    }

    /// The place of a statement that is sent now, if the server's last word holds.
    fn place(&self) -> Option<Place> {
        match (self.transaction.status(), self.transaction.batch_executed()) {
            (Status::Idle, Executed::Nothing) => Some(Place::Alone),
            (Status::Idle, Executed::Began) => Some(Place::InTransaction),
            (Status::Open, Executed::Nothing | Executed::Inside) => Some(Place::InTransaction),
            // In a failed transaction it is rejected in any case.
            (Status::Idle | Status::Open | Status::Failed, _) => None,
        }
    }

    /// Whether a Query can be sent again.
    pub(super) fn query_begins_upsert(
        &self,
        text: &[u8],
        outcome: &Outcome,
        plan: &Plan,
    ) -> Chance<Place> {
        let again = match (sent_again(outcome), plan.answers.as_slice()) {
            (Again::Never, [only]) if is_one_statement(text) => only.reply.sent_again(),
            (again, _executed) => again,
        };
        if again == Again::Never
            || !plan.planned.is_empty()
            || text.len() > KEPT_BYTES
            || self.transaction.batch_open()
        {
            return Chance::Absent;
        }
        if !self.replies.is_empty() {
            return waits(again);
        }
        self.place().filter(|place| fits(again, *place)).map_or(Chance::Absent, Chance::Taken)
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
        let upsert = Upsert::new(place, Protocol::Simple, State::Running, message.clone());
        self.upsert = Some(Upsert { owed: owed.into_iter().collect(), ..upsert });
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
        let again = outcome.map_or(Again::Never, |outcome| sent_again(outcome));
        if executes || again == Again::Never {
            return Chance::Absent;
        }
        if self.upsert.as_ref().is_some_and(|upsert| upsert.state == State::Broken) {
            return Chance::Absent;
        }
        let Ok(Some(header)) = frame::client_header(rest) else { return Chance::Absent };
        let bind = rest.get(..header.total).unwrap_or_default();
        if self.replies.ended_batch() {
            return waits(again);
        }
        let place = self.place().filter(|place| fits(again, *place));
        let Some(place) = place else { return Chance::Absent };
        match look_ahead(rest, portal, place == Place::Alone, self.upsert.is_some()) {
            Ahead::Other => return Chance::Absent,
            Ahead::Needs(bytes) => return Chance::Later(Step::More(bytes)),
            Ahead::Fits => {}
        }
        let new = || Upsert::new(place, Protocol::Extended, State::Beginning, BytesMut::new());
        let upsert = self.upsert.get_or_insert_with(new);
        upsert.portals.push(Bound { bind: bind.into(), execute: None });
        Chance::Taken(match place {
            Place::Alone => BytesMut::new(),
            Place::InTransaction => self.own_statement(SAVEPOINT),
        })
    }

    /// An Execute is sent now, and its reply is noted. Returns what goes behind it.
    pub(super) fn upsert_executes(&mut self) -> BytesMut {
        let reply = self.replies.len().saturating_sub(1);
        let Some(upsert) = &mut self.upsert else { return BytesMut::new() };
        let byte = upsert.messages.len();
        match upsert.portals.last_mut() {
            Some(bound) if bound.execute.is_none() => bound.execute = Some(Mark { byte, reply }),
            Some(_) | None => return BytesMut::new(),
        }
        match upsert.place {
            Place::Alone => BytesMut::new(),
            Place::InTransaction => self.own_statement(RELEASE),
        }
    }

    /// Keeps what is sent of a batch from the first such Execute on. What waits in the midst of it
    /// would be sent into answers, so the batch is then on its own.
    pub(super) fn record(&mut self, step: &Step, frame: &[u8]) {
        let Some(upsert) = self.upsert.as_mut().filter(|it| it.state == State::Beginning) else {
            return;
        };
        let begun = upsert.portals.first().is_some_and(|bound| bound.execute.is_some());
        match step {
            Step::Forward if begun => upsert.messages.extend_from_slice(frame),
            Step::Before(bytes) if begun => {
                upsert.messages.extend_from_slice(bytes);
                upsert.messages.extend_from_slice(frame);
            }
            Step::Replace(bytes) if begun => upsert.messages.extend_from_slice(bytes),
            Step::Forward | Step::Before(_) | Step::Replace(_) | Step::Drop => {}
            Step::Rows | Step::More(_) | Step::Wait | Step::Ask(_) => upsert.state = State::Broken,
        }
    }

    /// The Sync behind such statements is sent now.
    pub(super) fn end_upsert(&mut self) {
        let Some(upsert) = &mut self.upsert else { return };
        if upsert.state != State::Beginning {
            self.upsert = None;
            return;
        }
        upsert.state = State::Running;
        let marks = upsert.portals.iter_mut().filter_map(|bound| bound.execute.as_mut());
        let mut marks = marks.map(|mark| &mut mark.reply).peekable();
        let first = marks.peek().map_or(self.replies.len(), |first| **first);
        marks.for_each(|reply| *reply = reply.saturating_sub(first));
        upsert.owed = self.replies.from(first).cloned().collect();
    }

    /// A Query of our own; its reply is noted.
    pub(super) fn own_query(&mut self, text: &str, origin: Origin) -> BytesMut {
        let expected = Expected::Query { unnamed: None };
        self.replies.push(Entry::new(expected, origin, Some(Arc::clone(&HIDDEN))));
        compose::query(text)
    }

    /// A statement of our own in the extended protocol; its replies are noted.
    pub(super) fn own_statement(&mut self, text: &str) -> BytesMut {
        self.replies.expect_question(|expected| {
            Entry::new(expected, Origin::Injected, Some(Arc::clone(&HIDDEN)))
        });
        compose::question(SAVEPOINT_NAME, text)
    }
}
