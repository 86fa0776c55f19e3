//! The rows of a COPY FROM STDIN on their way to the server, and the statements that are sent around
//! one of the client's in the extended protocol.
//!
//! Rows wait until the server has asked for them wherever something must be done to them: a client
//! may send them without waiting, and which COPY they belong to only the server's answers tell.
//! (It answers at once: an invitation to COPY and an error are both flushed.)

use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::{Outcome, Reply, Rewritten};

use super::conversation::{Conversation, Step};
use super::copy::TooLong;
use super::patch::ROW_TOO_LONG;
use super::reply::{Entry, Expected, Origin};
use crate::wire::compose;
use crate::wire::outgoing::Outgoing;

/// Name of the statement and portal that carry statements of our own. Reserved.
const INJECTED_NAME: &str = "segue_injected";

impl Conversation {
    /// Decides about CopyData, CopyDone and CopyFail.
    pub(super) fn copy_message(&mut self, tag: u8) -> Step {
        if self.skipping {
            return Step::Forward;
        }
        if self.replies.copy_is_ahead() {
            return Step::Wait;
        }
        match tag {
            b'd' if self.extension.is_some() => Step::Rows,
            b'd' => Step::Forward,
            b'c' => self.copy_done(),
            _fail => {
                self.extension = None;
                self.replies.copy_in_ends(true);
                Step::Forward
            }
        }
    }

    /// Sends rows on, extended. Without an extension they have nobody to go to: the COPY has failed
    /// in the middle of them.
    pub(super) fn extend_rows(&mut self, rows: &[u8], server: &mut Outgoing) {
        let Some(extension) = &mut self.extension else { return };
        match extension.take(rows) {
            Ok(bytes) => server.append(bytes),
            Err(TooLong) => server.append(self.break_copy_off()),
        }
    }

    fn break_copy_off(&mut self) -> BytesMut {
        self.extension = None;
        self.row_too_long = true;
        self.replies.copy_in_ends(true);
        compose::copy_fail(ROW_TOO_LONG)
    }

    /// CopyDone: what is left of the rows goes before it, and behind it what stands for the COPY.
    fn copy_done(&mut self) -> Step {
        let rest = match self.extension.take().map(|mut extension| extension.finish()) {
            None => BytesMut::new(),
            Some(Ok(rest)) => rest,
            Some(Err(TooLong)) => return Step::Replace(self.break_copy_off()),
        };
        let running = match self.replies.head() {
            Some(Entry { expected: Expected::Execute, patch: Some(outcome), .. })
                if self.replies.copying() =>
            {
                Some(Arc::clone(outcome))
            }
            Some(_) | None => None,
        };
        self.replies.copy_in_ends(true);
        let behind = running.map(|outcome| self.send_behind(&outcome)).unwrap_or_default();
        if behind.is_empty() {
            return if rest.is_empty() { Step::Forward } else { Step::Before(rest) };
        }
        let mut bytes = rest;
        bytes.unsplit(compose::copy_done());
        bytes.unsplit(behind);
        Step::Replace(bytes)
    }

    /// What must be sent before the Execute of a statement that only stands for part of an outcome.
    pub(super) fn send_before(&mut self, outcome: Option<&Arc<Outcome>>) -> BytesMut {
        match outcome.and_then(|outcome| Some((outcome, taken_apart(outcome)?))) {
            Some((outcome, (_, own))) => self.inject(outcome, 0, own),
            None => BytesMut::new(),
        }
    }

    /// The same for what must be sent behind it, unless it first takes rows from the client.
    pub(super) fn send_behind_execute(&mut self, outcome: Option<&Arc<Outcome>>) -> BytesMut {
        let takes_rows = |reply: &Reply| reply.copy_in.is_some();
        match outcome.and_then(|outcome| Some((outcome, taken_apart(outcome)?))) {
            Some((_, (rewritten, own))) if rewritten.replies.get(own).is_some_and(takes_rows) => {
                BytesMut::new()
            }
            Some((outcome, _)) => self.send_behind(outcome),
            None => BytesMut::new(),
        }
    }

    fn send_behind(&mut self, outcome: &Arc<Outcome>) -> BytesMut {
        match taken_apart(outcome) {
            Some((rewritten, own)) => {
                self.inject(outcome, own.saturating_add(1), rewritten.replies.len())
            }
            None => BytesMut::new(),
        }
    }

    /// Runs some statements of an outcome, without disturbing what the client has prepared.
    fn inject(&mut self, outcome: &Arc<Outcome>, first: usize, end: usize) -> BytesMut {
        let mut bytes = BytesMut::new();
        let Outcome::Rewritten(rewritten) = &**outcome else { return bytes };
        for index in first..end {
            let text = rewritten.statement(Some(index));
            bytes.unsplit(compose::question(INJECTED_NAME, text));
            self.replies.expect_question(|expected| {
                let entry = Entry::new(expected, Origin::Injected, Some(Arc::clone(outcome)));
                Entry { statement: Some(index), ..entry }
            });
            self.transaction.extend_batch();
        }
        bytes
    }
}

/// An outcome of which only one statement goes by the client's name, and which one.
fn taken_apart(outcome: &Outcome) -> Option<(&Rewritten, usize)> {
    match outcome {
        Outcome::Rewritten(rewritten) => Some((rewritten, rewritten.own_statement()?)),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => None,
    }
}
