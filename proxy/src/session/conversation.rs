//! The core of a session, without IO: bytes from one peer in, bytes for the other peer out.
//!
//! What is decided about a client's message is in [`super::request`], about a server's in
//! [`super::response`]; both return a [`Step`], and the two loops here carry it out. Bytes that
//! nobody must look at are handed through uncopied, and a frame need not be there in full unless
//! its step says so.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use rewrite_rules::Outcome;

use super::copy::Extension;
use super::counters::Counters;
use super::names::{Fact, Names};
use super::portals::Portals;
use super::reply::Replies;
use super::statements::Statements;
use super::stopwatch::Stopwatch;
use super::transaction::{Status, Transaction};
use super::upsert::Upsert;
use crate::latency::Latency;
use crate::phase::generation::Seat;
use crate::wire::frame::{self, FrameError, HEADER_BYTES};
use crate::wire::outgoing::Outgoing;

/// What to do with the frame at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Hand it on as it comes, whether or not it is all there.
    Forward,
    /// Send these bytes, then hand it on.
    Before(BytesMut),
    /// Send these bytes instead of it.
    Replace(BytesMut),
    /// It carries rows of a COPY, which are sent extended.
    Rows,
    /// Throw it away.
    Drop,
    /// Decide when that many bytes of it are there.
    More(usize),
    /// Leave it until the server has answered something.
    Wait,
    /// Send these bytes, and leave it until the server has answered.
    Ask(BytesMut),
}

/// Why a session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    /// The client does not keep to the protocol.
    #[error("{0}")]
    Client(FrameError),
    /// The server does not.
    #[error("server sent a malformed message: {0}")]
    Server(FrameError),
    /// A reply came that nothing asked for. Going on would mean to guess.
    #[error("server sent an unexpected message of type {0}")]
    Unexpected(u8),
}

/// The rest of a frame whose step is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Pass(usize),
    Rows(usize),
    Drop(usize),
    Done,
}

/// A question of ours that the server has yet to answer.
#[derive(Debug)]
pub(super) struct Question {
    /// `None`: only whether statements can be prepared again.
    pub(super) kind: Option<QuestionKind>,
    /// What was answered so far; `None` once a row was not understood.
    pub(super) facts: Option<Vec<Fact>>,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionKind {
    /// What unqualified names mean.
    Names,
    /// Which prepared statements exist, and the texts of those that PREPARE made.
    Prepared,
}

/// A session's state.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) transaction: Transaction,
    pub(super) replies: Replies,
    pub(super) statements: Statements,
    pub(super) names: Names,
    pub(super) portals: Portals,
    /// The server discards what the client sends until Sync.
    pub(super) skipping: bool,
    /// Questions asked on account of the client's message at the front.
    pub(super) asked: usize,
    /// A question is under way; the client's messages wait.
    pub(super) question: Option<Question>,
    /// The failure of a question was given to the client as the answer to its waiting Query.
    pub(super) query_answered: bool,
    /// The rows of the COPY for which the server waits are extended.
    pub(super) extension: Option<Extension>,
    /// A COPY was broken off because a row was too long to be extended.
    pub(super) row_too_long: bool,
    /// A question failed, and the server discards messages until Sync: a waiting Query too.
    pub(super) question_failed: bool,
    /// A Flush was sent because too many replies are outstanding.
    pub(super) flushed: bool,
    /// The client said goodbye.
    pub(super) terminated: bool,
    /// The outcome of everything that is sent as it came.
    pub(super) forward: Arc<Outcome>,
    pub(super) counters: Arc<Counters>,
    /// How long what the client asked for takes.
    pub(super) stopwatch: Stopwatch,
    /// The statement under way that is sent again if only a mirrored unique index rejects it.
    pub(super) upsert: Option<Upsert>,
    /// Messages of our own that an answer of the server's gave rise to.
    pub(super) unsent: BytesMut,
    client_body: Body,
    server_body: Body,
    wanted_of_client: usize,
    wanted_of_server: usize,
    /// The client's message at the front waits for the server.
    waiting: bool,
}

impl Conversation {
    /// A session right after login.
    pub(super) fn new(seat: Seat, counters: Arc<Counters>, latency: Arc<Latency>) -> Self {
        Self {
            transaction: Transaction::new(seat),
            replies: Replies::default(),
            statements: Statements::default(),
            names: Names::new(),
            portals: Portals::default(),
            skipping: false,
            asked: 0,
            question: None,
            query_answered: false,
            extension: None,
            row_too_long: false,
            question_failed: false,
            flushed: false,
            terminated: false,
            forward: Arc::new(Outcome::Forward),
            counters,
            stopwatch: Stopwatch::new(latency),
            upsert: None,
            unsent: BytesMut::new(),
            client_body: Body::Done,
            server_body: Body::Done,
            wanted_of_client: 0,
            wanted_of_server: 0,
            waiting: false,
        }
    }

    /// Takes what it can of the client's bytes. What it leaves waits for more bytes, or for the
    /// server: call it again after each.
    ///
    /// # Errors
    /// The client broke the protocol; nothing more can be relayed.
    pub(super) fn take_client(
        &mut self,
        input: &mut BytesMut,
        server: &mut Outgoing,
    ) -> Result<(), Violation> {
        let mut run = 0;
        self.wanted_of_client = 0;
        self.waiting = false;
        if !self.unsent.is_empty() {
            server.append(std::mem::take(&mut self.unsent));
        }
        loop {
            if let Body::Rows(left) = self.client_body {
                server.take(input, std::mem::take(&mut run));
                let rows = input.split_to(left.min(input.len()));
                self.client_body = left_of(left, rows.len(), Body::Rows);
                self.extend_rows(&rows, server);
            }
            self.client_body = pass(self.client_body, &mut run, input, server);
            if self.client_body != Body::Done {
                break;
            }
            let rest = input.get(run..).unwrap_or_default();
            let Some(header) = frame::client_header(rest).map_err(Violation::Client)? else {
                break;
            };
            let frame = rest.get(..header.total).unwrap_or(rest);
            self.hears(header.tag);
            let step = self.request(header, frame, rest)?;
            self.record(&step, frame);
            match apply(step, header.total, &mut run, input, server) {
                Next::Body(body) => {
                    self.client_body = body;
                    self.asked = 0;
                }
                Next::Wait(wanted) => {
                    self.wanted_of_client = wanted;
                    self.waiting = wanted == 0;
                    break;
                }
            }
        }
        server.take(input, run);
        self.tell_stopwatch();
        Ok(())
    }

    /// Takes what it can of the server's bytes; what it leaves waits for more bytes.
    ///
    /// # Errors
    /// The server broke the protocol; nothing more can be relayed.
    pub(super) fn take_server(
        &mut self,
        input: &mut BytesMut,
        client: &mut Outgoing,
    ) -> Result<(), Violation> {
        let mut run = 0;
        self.wanted_of_server = 0;
        loop {
            self.server_body = pass(self.server_body, &mut run, input, client);
            if self.server_body != Body::Done {
                break;
            }
            let rest = input.get(run..).unwrap_or_default();
            let is_data = matches!(rest.first(), Some(b'D' | b'd'));
            let rows = if is_data { self.rows_that_pass(rest) } else { 0 };
            run = run.saturating_add(rows);
            let rest = rest.get(rows..).unwrap_or_default();
            let Some(header) = frame::server_header(rest).map_err(Violation::Server)? else {
                break;
            };
            if header.tag == b'T'
                && let Some(rest) = input.get_mut(run..)
            {
                self.redescribe(header, rest);
            }
            let rest = input.get(run..).unwrap_or_default();
            let step = self.response(header, rest.get(..header.total).unwrap_or(rest))?;
            match apply(step, header.total, &mut run, input, client) {
                Next::Body(body) => self.server_body = body,
                Next::Wait(wanted) => {
                    self.wanted_of_server = wanted;
                    break;
                }
            }
        }
        client.take(input, run);
        self.tell_stopwatch();
        Ok(())
    }

    /// Bytes of whole rows at the front that nobody must look at. There is most of them by far, so they are
    /// gone through here, not one by one in [`Self::response`].
    fn rows_that_pass(&self, rest: &[u8]) -> usize {
        let of_results = self.question.is_none() && !self.replies.hides_rows();
        frame::whole_frames(rest, |tag| tag == b'd' || (tag == b'D' && of_results))
    }

    /// How many bytes of the client's must be there before anything more can be decided.
    pub(super) fn wanted_of_client(&self) -> usize {
        self.wanted_of_client
    }

    /// How many bytes of the server's must be there before anything more can be decided.
    pub(super) fn wanted_of_server(&self) -> usize {
        self.wanted_of_server
    }

    /// Whether the session can end here without cutting off anything: no transaction, nothing
    /// under way.
    pub(super) fn at_rest(&self) -> bool {
        self.transaction.status() == Status::Idle
            && !self.transaction.holds()
            && self.replies.is_empty()
            && self.client_body == Body::Done
            && self.server_body == Body::Done
    }

    /// Whether a message of our own may be put in front of the client now.
    pub(super) fn between_server_frames(&self) -> bool {
        matches!(self.server_body, Body::Done | Body::Drop(_))
    }

    /// Whether whole messages of the client's wait for an answer of the server's.
    pub(super) fn waits(&self) -> bool {
        self.waiting
    }

    /// Whether they wait because new transactions are held back. Nothing of theirs was sent.
    pub(super) fn is_held(&self) -> bool {
        self.waiting && self.transaction.is_held()
    }
}

/// What the loops do after a step.
enum Next {
    Body(Body),
    Wait(usize),
}

/// Carries out a step for the frame that begins `run` bytes into `input`. Bytes before it are to be
/// handed on.
fn apply(
    step: Step,
    total: usize,
    run: &mut usize,
    input: &mut BytesMut,
    out: &mut Outgoing,
) -> Next {
    let mut put = |bytes: &BytesMut| {
        out.take(input, std::mem::take(run));
        out.put(bytes);
    };
    match step {
        Step::Forward => Next::Body(Body::Pass(total)),
        Step::Before(bytes) => {
            put(&bytes);
            Next::Body(Body::Pass(total))
        }
        Step::Replace(bytes) => {
            put(&bytes);
            Next::Body(Body::Drop(total))
        }
        Step::Rows => {
            put(&BytesMut::new());
            input.advance(HEADER_BYTES);
            Next::Body(Body::Rows(total.saturating_sub(HEADER_BYTES)))
        }
        Step::Drop => Next::Body(Body::Drop(total)),
        Step::More(wanted) => Next::Wait(wanted),
        Step::Wait => Next::Wait(0),
        Step::Ask(bytes) => {
            put(&bytes);
            Next::Wait(0)
        }
    }
}

/// Hands on, or throws away, what is there of a frame under way.
fn pass(body: Body, run: &mut usize, input: &mut BytesMut, out: &mut Outgoing) -> Body {
    match body {
        Body::Done | Body::Rows(_) => body,
        Body::Pass(left) => {
            let here = left.min(input.len().saturating_sub(*run));
            *run = run.saturating_add(here);
            left_of(left, here, Body::Pass)
        }
        Body::Drop(left) => {
            out.take(input, std::mem::take(run));
            let here = left.min(input.len());
            input.advance(here);
            left_of(left, here, Body::Drop)
        }
    }
}

fn left_of(left: usize, here: usize, more: fn(usize) -> Body) -> Body {
    match left.saturating_sub(here) {
        0 => Body::Done,
        left => more(left),
    }
}
