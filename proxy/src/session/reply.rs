//! The replies that are still owed by the server, in the order in which they will come.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rewrite_rules::{Outcome, Reply, Rewritten};

use super::plan::own_statement;
use super::sql_prepared::{Course, Planned};
use super::version::Scope;

/// Most replies that may be outstanding before the client's messages wait; a few megabytes. Far
/// more than any driver pipelines. Unit: messages.
pub(super) const MAX_OUTSTANDING: usize = 65_536;

/// What kind of reply is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// To a Query: anything, up to ReadyForQuery. It drops the unnamed statement if there is one.
    Query {
        /// The unnamed statement's key.
        unnamed: Option<Arc<[u8]>>,
    },
    /// To a FunctionCall: up to ReadyForQuery.
    FunctionCall,
    /// ParseComplete.
    Parse {
        /// Which statement it makes; `None` if the registry does not care.
        statement: Option<Arc<[u8]>>,
    },
    /// BindComplete.
    Bind,
    /// RowDescription or NoData, after ParameterDescription for a statement.
    Describe,
    /// CloseComplete.
    Close {
        /// Which statement it ends; `None` for a portal or an unknown statement.
        statement: Option<Arc<[u8]>>,
    },
    /// Rows or COPY, up to CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute,
    /// ReadyForQuery.
    Sync,
    /// Nothing: the client ended a COPY here.
    CopyEnd,
}

/// On whose behalf a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The client's own: its reply is relayed.
    Client,
    /// Put before a message of the client's to make that one right: a success is swallowed, an
    /// error is the answer to the client's message.
    Injected,
    /// The same for what prepares a client's statement again, or makes its use fail: nothing of its
    /// answer is the client's but an error.
    Renewal,
    /// Part of a question of ours.
    Question,
}

/// One owed reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) expected: Expected,
    pub(super) origin: Origin,
    /// What became of the statement, if errors about it must be made to fit.
    pub(super) patch: Option<Arc<Outcome>>,
    /// Which of its statements was sent, if not all of them.
    pub(super) statement: Option<usize>,
    /// What it does to prepared statements.
    pub(super) course: Option<Box<Course>>,
    /// Whether it checks what was put off, and does nothing else.
    pub(super) checks: bool,
}

impl Entry {
    /// A reply to a message of the extended protocol that does nothing to prepared statements.
    pub(super) fn new(expected: Expected, origin: Origin, patch: Option<Arc<Outcome>>) -> Self {
        let statement = patch.as_deref().and_then(own_statement);
        let checks = matches!(expected, Expected::Sync);
        Self { expected, origin, patch, statement, course: None, checks }
    }

    /// The same of an Execute of the client's.
    pub(super) fn of_execute(patch: Option<Arc<Outcome>>, scope: Scope) -> Self {
        let entry = Self::new(Expected::Execute, Origin::Client, patch);
        Self { checks: scope == Scope::Checks, ..entry }
    }

    fn rewritten(&self) -> Option<&Rewritten> {
        match self.patch.as_deref()? {
            Outcome::Rewritten(rewritten) => Some(rewritten),
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => None,
        }
    }

    /// What must be done to the answer to its only statement.
    fn reply(&self) -> Option<&Reply> {
        self.rewritten()?.replies.get(self.statement.unwrap_or(0))
    }

    /// Whether it runs a COPY whose rows may have to be changed, or followed by something.
    fn copies(&self) -> bool {
        self.patch.is_some() && self.patch_copies()
    }

    fn patch_copies(&self) -> bool {
        let copies = |reply: &Reply| reply.copy_in.is_some();
        match self.expected {
            Expected::Execute => self.reply().is_some_and(copies),
            Expected::Query { .. } => {
                self.rewritten().is_some_and(|it| it.replies.iter().any(copies))
            }
            Expected::FunctionCall
            | Expected::Parse { .. }
            | Expected::Bind
            | Expected::Describe
            | Expected::Close { .. }
            | Expected::Sync
            | Expected::CopyEnd => false,
        }
    }
}

/// All owed replies, oldest first.
#[derive(Debug, Default)]
pub(super) struct Replies {
    queue: VecDeque<Entry>,
    /// The server waits for COPY data whose end has not been sent.
    copying: bool,
    /// How many entries run a COPY of which something must be known.
    copies: usize,
    /// How many statements of the oldest entry, if it is a Query, are complete.
    completed: usize,
}

impl Replies {
    /// A message was sent.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry) {
        self.copies = self.copies.saturating_add(usize::from(entry.copies()));
        self.queue.push_back(entry);
        self.drop_markers();
    }

    /// A statement of our own was sent in the extended protocol, as `compose::question` has it.
    pub(super) fn expect_question(&mut self, entry: impl Fn(Expected) -> Entry) {
        let close = Expected::Close { statement: None };
        let parse = Expected::Parse { statement: None };
        let parts = [close.clone(), parse, Expected::Bind, Expected::Execute, close.clone(), close];
        parts.into_iter().for_each(|expected| self.push(entry(expected)));
    }

    /// A message of the client's was sent that needs no patch.
    pub(super) fn expect(&mut self, expected: Expected) {
        self.push(Entry::new(expected, Origin::Client, None));
    }

    /// The oldest owed reply.
    pub(super) fn head(&self) -> Option<&Entry> {
        self.queue.front()
    }

    /// The latest owed reply.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.queue.back()
    }

    /// The oldest owed reply came in full.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front();
        self.completed = 0;
        let copies = self.copies > 0 && entry.as_ref()?.copies();
        self.copies = self.copies.saturating_sub(usize::from(copies));
        self.drop_markers();
        entry
    }

    /// What must be done to what the server is answering now.
    pub(super) fn present(&self) -> Option<&Reply> {
        let entry = self.head()?;
        match entry.expected {
            Expected::Query { .. } => entry.rewritten()?.replies.get(self.completed),
            Expected::FunctionCall
            | Expected::Parse { .. }
            | Expected::Bind
            | Expected::Describe
            | Expected::Close { .. }
            | Expected::Execute
            | Expected::Sync
            | Expected::CopyEnd => entry.reply(),
        }
    }

    /// Which of the client's statements the server is answering now, counted from 0 in their text. A statement of
    /// ours belongs to the one before or behind it.
    pub(super) fn present_statements(&self) -> RangeInclusive<usize> {
        let is_query = |entry: &&Entry| matches!(entry.expected, Expected::Query { .. });
        let Some(entry) = self.head().filter(is_query) else { return 0..=usize::MAX };
        let replies = entry.rewritten().map_or(&[][..], |it| it.replies.as_slice());
        if replies.is_empty() {
            return self.completed..=self.completed;
        }
        let before = replies.iter().take(self.completed).filter(|reply| !reply.injected).count();
        match replies.get(self.completed) {
            Some(reply) if reply.injected => before.saturating_sub(1)..=before,
            Some(_) | None => before..=before,
        }
    }

    /// Whether the server answers a Describe now.
    pub(super) fn describes(&self) -> bool {
        self.head().is_some_and(|entry| entry.expected == Expected::Describe)
    }

    /// Whether the rows that come, if any, are not for the client.
    pub(super) fn hides_rows(&self) -> bool {
        match self.head() {
            Some(Entry { patch: Some(_), .. }) => {
                self.present().is_some_and(|reply| reply.injected || reply.only_counts)
            }
            Some(_) | None => false,
        }
    }

    /// Whether a COPY was sent for which the server is not waiting yet, or not any more.
    pub(super) fn copy_is_ahead(&self) -> bool {
        self.copies > 0 && !self.copying
    }

    /// The next thing that was planned for the oldest owed reply, if it is of that kind.
    pub(super) fn take_planned(&mut self, is_it: impl Fn(&Planned) -> bool) -> Option<Planned> {
        self.queue.front_mut()?.course.as_mut()?.take_if(is_it)
    }

    /// Whether the end of an earlier batch is still to be answered.
    pub(super) fn ended_batch(&self) -> bool {
        self.queue.iter().any(|entry| {
            matches!(
                entry.expected,
                Expected::Query { .. } | Expected::FunctionCall | Expected::Sync
            )
        })
    }

    /// Whether the server may come to skip messages on account of one whose Sync has not been sent.
    pub(super) fn may_skip(&self) -> bool {
        let mut unsynced = self.queue.iter().rev().take_while(|it| it.expected != Expected::Sync);
        unsynced.any(|entry| match entry.expected {
            Expected::Parse { .. }
            | Expected::Bind
            | Expected::Describe
            | Expected::Close { .. }
            | Expected::Execute => true,
            Expected::Query { .. }
            | Expected::FunctionCall
            | Expected::Sync
            | Expected::CopyEnd => false,
        })
    }

    /// Number of owed replies.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether all is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the server waits for COPY data.
    pub(super) fn copying(&self) -> bool {
        self.copying
    }

    /// The server wants COPY data for the oldest entry. While it reads them it ignores Sync
    /// ("COPY-in mode"), so those that were sent before the data's end are owed nothing.
    /// Returns how many those are.
    pub(super) fn copy_in_begins(&mut self) -> usize {
        let end = self.queue.iter().position(|entry| matches!(entry.expected, Expected::CopyEnd));
        self.copying = end.is_none();
        let end = end.unwrap_or(self.queue.len());
        let (mut place, before) = (0, self.queue.len());
        self.queue.retain(|entry| {
            let ignored = place > 0 && place < end && matches!(entry.expected, Expected::Sync);
            place = place.saturating_add(1);
            !ignored
        });
        before.saturating_sub(self.queue.len())
    }

    /// The client ended its COPY data, or broke off by sending something else.
    pub(super) fn copy_in_ends(&mut self, marked: bool) {
        self.copying = false;
        if marked {
            self.expect(Expected::CopyEnd);
        }
    }

    /// One command of a Query is complete; the end of its COPY data needs no mark any more.
    pub(super) fn command_completes(&mut self) {
        self.copying = false;
        self.completed = self.completed.saturating_add(1);
        if self.queue.get(1).is_some_and(|entry| matches!(entry.expected, Expected::CopyEnd)) {
            self.queue.remove(1);
        }
    }

    /// The server failed at the oldest entry. Returns the entries that will not be answered, oldest
    /// first, and whether the server is now skipping what the client has yet to send.
    pub(super) fn fail(&mut self) -> (Vec<Entry>, bool) {
        self.copying = false;
        let extended = match self.queue.front().map(|entry| &entry.expected) {
            // Those end with ReadyForQuery whatever happens.
            None | Some(Expected::Query { .. } | Expected::FunctionCall | Expected::Sync) => false,
            Some(
                Expected::Parse { .. }
                | Expected::Bind
                | Expected::Describe
                | Expected::Close { .. }
                | Expected::Execute
                | Expected::CopyEnd,
            ) => true,
        };
        if !extended {
            return (Vec::new(), false);
        }
        let end = self.queue.iter().position(|entry| matches!(entry.expected, Expected::Sync));
        let unanswered: Vec<Entry> = self.queue.drain(..end.unwrap_or(self.queue.len())).collect();
        let copies = unanswered.iter().filter(|entry| entry.copies()).count();
        self.copies = self.copies.saturating_sub(copies);
        (unanswered, end.is_none())
    }

    /// How many are owed before the next Sync is answered.
    pub(super) fn before_sync(&self) -> usize {
        let sync = self.queue.iter().position(|entry| matches!(entry.expected, Expected::Sync));
        sync.unwrap_or(self.queue.len())
    }

    /// What is owed from that entry on.
    pub(super) fn from(&self, place: usize) -> impl Iterator<Item = &Entry> {
        self.queue.iter().skip(place)
    }

    /// The Sync that ends a failed question is the answer to the client's own message now.
    pub(super) fn give_sync_to_client(&mut self) -> bool {
        match self.queue.front_mut() {
            Some(entry) if entry.expected == Expected::Sync && entry.origin == Origin::Question => {
                entry.origin = Origin::Client;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A mark at the front has done its duty.
    fn drop_markers(&mut self) {
        while self.queue.front().is_some_and(|entry| entry.expected == Expected::CopyEnd) {
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(expected: &[Expected]) -> Replies {
        let mut replies = Replies::default();
        for expected in expected {
            replies.expect(expected.clone());
        }
        replies
    }

    fn kinds(replies: &Replies) -> Vec<Expected> {
        replies.queue.iter().map(|entry| entry.expected.clone()).collect()
    }

    #[test]
    fn an_error_skips_to_the_next_sync() {
        use Expected::{Bind, Execute, Sync};
        let mut pipeline = replies(&[Bind, Execute, Sync, Bind, Sync]);
        let (unanswered, skipping) = pipeline.fail();
        assert_eq!((unanswered.len(), skipping), (2, false));
        assert_eq!(kinds(&pipeline), [Sync, Bind, Sync]);
        let (unanswered, skipping) = pipeline.fail();
        assert_eq!((unanswered.len(), skipping), (0, false), "a failed commit at Sync");
        assert_eq!(kinds(&pipeline), [Sync, Bind, Sync]);
        let mut open = replies(&[Bind, Execute]);
        assert!(open.fail().1);
        assert!(open.is_empty());
    }

    #[test]
    fn copy_ignores_the_sync_that_came_too_early() {
        use Expected::{CopyEnd, Execute, Sync};
        let mut libpq = replies(&[Execute, Sync]);
        libpq.copy_in_begins();
        assert!(libpq.copying());
        assert_eq!(kinds(&libpq), [Execute]);
        libpq.copy_in_ends(true);
        libpq.expect(Sync);
        assert_eq!(kinds(&libpq), [Execute, CopyEnd, Sync]);
        libpq.pop();
        assert_eq!(kinds(&libpq), [Sync]);

        let mut ahead = replies(&[Execute, CopyEnd, Sync]);
        ahead.copy_in_begins();
        assert!(!ahead.copying());
        assert_eq!(kinds(&ahead), [Execute, CopyEnd, Sync]);
    }
}
