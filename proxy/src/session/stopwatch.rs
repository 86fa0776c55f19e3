//! Times the client's requests, from their first message until they are answered.
//!
//! A request is a Query, a FunctionCall, or all messages up to a Sync. Its time runs from the moment
//! at which the session comes to the first of them until the ReadyForQuery that answers it is on its
//! way to the client, whatever the session does meanwhile: waits at the gate, asks the server
//! something, sends an upsert again. A failed one counts like any other.
//!
//! The watch stands while it is the client's turn: while the server waits for rows of a COPY, after
//! all of an unfinished batch that the server was asked for is answered, and while the rest of a
//! message is missing that must be there in full. Otherwise the time between the first message and
//! the Sync counts, since nobody can tell how long the server works on what it has got.
//!
//! The session of a client that is gone counts nothing more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::conversation::Conversation;
use crate::latency::Latency;

/// The requests of one session that are under way. Two looks at the clock for each of them, and no
/// memory once it has had as many at a time as ever.
#[derive(Debug)]
pub(super) struct Stopwatch {
    latency: Arc<Latency>,
    /// When those began that are sent in full and not answered, oldest first.
    asked: VecDeque<Instant>,
    /// When the one began that is being sent.
    open: Option<Instant>,
    /// Since when the watch stands, if it does.
    stands: Option<Instant>,
}

impl Stopwatch {
    /// Nothing is under way.
    pub(super) fn new(latency: Arc<Latency>) -> Self {
        Self { latency, asked: VecDeque::new(), open: None, stands: None }
    }

    /// A message of a request is there, perhaps not for the first time.
    fn begins(&mut self) {
        if self.open.is_none() {
            self.go_on();
            self.open = Some(self.latency.now());
        }
    }

    /// The last message of a request is sent.
    pub(super) fn ends(&mut self) {
        let began = self.open.take().unwrap_or_else(|| self.latency.now());
        self.asked.push_back(began);
    }

    /// The last message of a request is dropped, since something else has led to its answer, which
    /// may have come before.
    pub(super) fn ends_unless_answered(&mut self) {
        self.asked.extend(self.open.take());
    }

    /// The server ignores so many Syncs, since it reads rows for the oldest request: whatever end is
    /// answered next, that is the request it answers.
    pub(super) fn syncs_ignored(&mut self, count: usize) {
        let Some(began) = self.asked.front().copied().filter(|_| count > 0) else { return };
        self.asked.drain(..count.min(self.asked.len()));
        match self.asked.front_mut() {
            Some(next) => *next = began,
            None => self.open = Some(began),
        }
    }

    /// ReadyForQuery goes to the client; `last`: it waits for no other.
    pub(super) fn answered(&mut self, last: bool) {
        self.go_on();
        // The end of the one that is being sent may have been thought ignored.
        let began = self.asked.pop_front().or_else(|| self.open.take());
        if let Some(began) = began {
            let took = self.latency.now().saturating_duration_since(began);
            self.latency.record(took);
        }
        if last {
            // What the server has skipped will not be answered.
            self.asked.clear();
        }
    }

    /// Nobody is there to be answered.
    pub(super) fn forget(&mut self) {
        self.asked.clear();
        self.open = None;
    }

    fn turn(&mut self, of_client: bool) {
        if !of_client {
            self.go_on();
        } else if self.stands.is_none() && (self.open.is_some() || !self.asked.is_empty()) {
            self.stands = Some(self.latency.now());
        }
    }

    /// Ends a standstill: whatever is under way began later by that much.
    fn go_on(&mut self) {
        let Some(since) = self.stands.take() else { return };
        let stood = self.latency.now().saturating_duration_since(since);
        for began in self.asked.iter_mut().chain(&mut self.open) {
            *began = began.checked_add(stood).unwrap_or(*began);
        }
    }
}

impl Conversation {
    /// The client's message at the front is looked at, perhaps not for the first time.
    pub(super) fn hears(&mut self, tag: u8) {
        let asks = matches!(tag, b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'F' | b'S');
        // One that ends a COPY belongs to it; one that is answered already has been counted.
        if asks && !self.terminated && !self.query_answered && !self.replies.copying() {
            self.stopwatch.begins();
        }
    }

    /// Everything that is there of one side has been taken: whose turn is it?
    pub(super) fn tell_stopwatch(&mut self) {
        let nothing_owed = self.replies.is_empty() && !self.waits();
        self.stopwatch.turn(nothing_owed || self.replies.copying());
    }
}
