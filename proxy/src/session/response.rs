//! Decides what becomes of each message of the server's.

use rewrite_rules::Reply;

use super::answer;
use super::conversation::{Conversation, QuestionKind, Step, Violation};
use super::names;
use super::patch;
use super::reply::{Entry, Expected, Origin};
use super::report_scope::Scope;
use super::transaction::Status;
use crate::wire::frame::{FrameError, HEADER_BYTES, Header};
use crate::wire::reply;

/// Longest error or notice that is gathered to be made to fit, a longer one is relayed as it is; and
/// longest row of a question of ours. Unit: bytes.
const REPORT_BYTES: usize = 1024 * 1024;

/// Longest message that is always gathered: command tags, settings. Unit: bytes.
const SHORT_BYTES: usize = 64 * 1024;

impl Conversation {
    /// Decides about the message at the front, of which `frame` is there.
    pub(super) fn response(&mut self, header: Header, frame: &[u8]) -> Result<Step, Violation> {
        let complete = frame.len() >= header.total;
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        let more = Ok(Step::More(header.total));
        match header.tag {
            // What there is most of, unless it answers a question of ours.
            b'D' if self.question.is_none() && !self.replies.hides_rows() => Ok(Step::Forward),
            b'D' if self.asked() && !complete && header.total <= REPORT_BYTES => more,
            b'D' => Ok(self.row(complete, body)),
            b'T' if self.description_matters(header) && !complete => more,
            b'T' => self.row_description(),
            b'n' | b't' => self.described(header.tag),
            b'1' | b'2' | b'3' => self.completed(header.tag),
            b'C' | b'S' | b'Z' if !complete && header.total <= SHORT_BYTES => more,
            b'C' => self.command_complete(body),
            b'I' | b's' => self.executed_to(header.tag),
            b'G' if !complete && header.total <= SHORT_BYTES => more,
            b'G' => Ok(self.copy_in_begins(body)),
            b'S' => {
                if let Some((name, value)) = reply::parameter(body) {
                    self.names.parameter(name, value);
                }
                Ok(Step::Forward)
            }
            b'Z' => self.ready(header, body),
            b'E' | b'N' if self.report_matters(header) && !complete => more,
            b'E' => Ok(self.error(complete, body)),
            b'N' => Ok(self.notice(complete, body)),
            // COPY data, notifications, function results: nothing to learn from.
            _ => Ok(Step::Forward),
        }
    }

    /// Whether the oldest owed reply is part of a question of ours.
    fn asked(&self) -> bool {
        self.replies.head().is_some_and(|entry| entry.origin == Origin::Question)
    }

    /// Pops the oldest owed reply, which must be of a kind that fits.
    #[inline]
    fn settle(&mut self, tag: u8, fits: fn(&Expected) -> bool) -> Result<Entry, Violation> {
        if !self.replies.head().is_some_and(|entry| fits(&entry.expected)) {
            return Err(Violation::Unexpected(tag));
        }
        let entry = self.replies.pop().ok_or(Violation::Unexpected(tag))?;
        if entry.origin == Origin::Question && !self.asked() {
            self.finish_question();
        }
        Ok(entry)
    }

    /// The last reply to a question came.
    fn finish_question(&mut self) {
        let Some(question) = self.question.take() else {
            return;
        };
        match question.kind {
            Some(QuestionKind::Names) => self.names.answered(question.facts),
            Some(QuestionKind::Prepared) => self.statements_answered(question.facts),
            None => {}
        }
    }

    /// A row while a question is under way; it may still belong to the client's own statement.
    fn row(&mut self, complete: bool, body: &[u8]) -> Step {
        if self.replies.hides_rows() {
            return Step::Drop;
        }
        if !self.asked() {
            return Step::Forward;
        }
        if let Some(question) = &mut self.question {
            let fact = if complete { names::fact(body) } else { None };
            question.facts = question.facts.take().and_then(|mut facts| {
                facts.push(fact?);
                Some(facts)
            });
        }
        Step::Drop
    }

    /// ParseComplete, BindComplete, CloseComplete.
    fn completed(&mut self, tag: u8) -> Result<Step, Violation> {
        let entry = self.settle(
            tag,
            match tag {
                b'1' => |expected| matches!(expected, Expected::Parse { .. }),
                b'2' => |expected| matches!(expected, Expected::Bind),
                _ => |expected| matches!(expected, Expected::Close { .. }),
            },
        )?;
        if let Expected::Parse { statement: Some(name) }
        | Expected::Close { statement: Some(name) } = &entry.expected
        {
            self.statements.confirm(name);
        }
        Ok(match entry.origin {
            Origin::Client => Step::Forward,
            Origin::Injected | Origin::Renewal | Origin::Question => Step::Drop,
        })
    }

    /// ParameterDescription comes before RowDescription or NoData; RowDescription also begins the
    /// rows of a Query.
    pub(super) fn described(&mut self, tag: u8) -> Result<Step, Violation> {
        match self.replies.head().map(|entry| &entry.expected) {
            Some(Expected::Describe) if tag == b't' => Ok(Step::Forward),
            Some(Expected::Describe) => {
                self.settle(tag, |expected| matches!(expected, Expected::Describe))?;
                Ok(Step::Forward)
            }
            Some(Expected::Query { .. }) if tag == b'T' => Ok(Step::Forward),
            Some(_) | None => Err(Violation::Unexpected(tag)),
        }
    }

    /// EmptyQueryResponse, PortalSuspended.
    fn executed_to(&mut self, tag: u8) -> Result<Step, Violation> {
        match self.replies.head().map(|entry| &entry.expected) {
            Some(Expected::Query { .. }) => Ok(Step::Forward),
            Some(_) | None => {
                self.settle(tag, |expected| matches!(expected, Expected::Execute))?;
                Ok(Step::Forward)
            }
        }
    }

    fn command_complete(&mut self, body: &[u8]) -> Result<Step, Violation> {
        let tag = body.split(|byte| *byte == 0).next().unwrap_or_default();
        self.commanded(tag);
        if tag == b"DISCARD ALL" {
            self.names.touch();
        }
        self.extension = None;
        let step = match (self.replies.head().map(|entry| entry.origin), self.replies.present()) {
            (Some(Origin::Renewal | Origin::Question), _) => Step::Drop,
            (Some(Origin::Client | Origin::Injected) | None, Some(reply)) => {
                answer::tag(reply, body)
            }
            (Some(Origin::Client | Origin::Injected) | None, None) => Step::Forward,
        };
        if let Some(Expected::Query { .. }) = self.replies.head().map(|entry| &entry.expected) {
            self.replies.command_completes();
        } else {
            self.settle(b'C', |expected| matches!(expected, Expected::Execute))?;
        }
        Ok(step)
    }

    fn ready(&mut self, header: Header, body: &[u8]) -> Result<Step, Violation> {
        let status = match body {
            [byte] => Status::from_byte(*byte),
            _other => None,
        };
        let status = status.ok_or(Violation::Server(FrameError::Format(header.tag)))?;
        if self.upsert_goes_on() {
            return Ok(Step::Drop);
        }
        let ends = |expected: &Expected| {
            matches!(expected, Expected::Query { .. } | Expected::FunctionCall | Expected::Sync)
        };
        // A COPY that failed before it read a byte answers the Sync that follows it, which a COPY
        // that did read ignores: one ReadyForQuery more than was counted on is possible.
        let entry = if self.replies.head().is_some_and(|entry| ends(&entry.expected)) {
            Some(self.settle(header.tag, ends)?)
        } else {
            // The Sync that an error was thought to wait for has been answered with this.
            self.skipping = false;
            None
        };
        if let Some(Entry { expected: Expected::Query { unnamed }, course, .. }) = &entry {
            unnamed.iter().for_each(|name| self.statements.confirm(name));
            self.abandon(course.as_deref());
        }
        let at_rest = self.transaction.ready(status, self.replies.is_empty());
        if at_rest {
            self.portals.clear();
        }
        Ok(match entry.map(|entry| entry.origin) {
            // The end of a question: what it found out is of this very moment.
            Some(Origin::Question | Origin::Renewal | Origin::Injected) => Step::Drop,
            Some(Origin::Client) | None => {
                self.names.ready(at_rest);
                self.stopwatch.answered(self.replies.is_empty());
                Step::Forward
            }
        })
    }

    /// Whether an error or notice must be there in full.
    fn report_matters(&self, header: Header) -> bool {
        header.total <= REPORT_BYTES
            && (self.transaction.governs()
                || self.replies.head().is_some_and(|entry| entry.patch.is_some()))
    }

    /// The report as the client must see it.
    fn fitted(&self, tag: u8, body: &[u8]) -> Step {
        let Some(fields) = reply::fields(body) else { return Step::Forward };
        let head = self.replies.head();
        let outcome = head.and_then(|entry| entry.patch.as_ref()).unwrap_or(&self.forward);
        let statement = head.and_then(|entry| entry.statement);
        let generation = self.transaction.generation();
        let shape = self.spoken_shape();
        let lenses = generation.as_ref().map_or(&[][..], |it| it.compiled().lenses(shape));
        let scope = Scope::new(lenses, outcome, &self.replies.present_statements(), &fields);
        let scope = scope.of_check(head.is_some_and(|entry| entry.checks), &fields);
        let report = patch::report(tag, body, outcome, statement, &scope);
        report.map_or(Step::Forward, Step::Replace)
    }

    fn error(&mut self, complete: bool, body: &[u8]) -> Step {
        if self.upsert_failed(complete, body) {
            return Step::Drop;
        }
        self.extension = None;
        let too_long = std::mem::take(&mut self.row_too_long) && complete;
        let answer = if too_long && patch::is_copy_failure(body) {
            Step::Replace(patch::row_too_long())
        } else if complete {
            self.fitted(b'E', body)
        } else {
            Step::Forward
        };
        let asked = self.asked();
        let (unanswered, skipping) = self.replies.fail();
        self.skipping |= skipping;
        if unanswered.iter().any(|entry| entry.origin == Origin::Question) {
            // Nor will a question be answered that an earlier message of the batch took with it.
            self.question = None;
        }
        for (place, entry) in unanswered.into_iter().enumerate() {
            self.unanswered(place == 0, &entry);
        }
        if asked {
            // The client's waiting message would have met the same error.
            self.question = None;
            self.query_answered = self.replies.give_sync_to_client();
            self.question_failed = !self.query_answered;
        }
        answer
    }

    /// A message failed, if it was the `first`, or was skipped.
    fn unanswered(&mut self, first: bool, entry: &Entry) {
        self.abandon(entry.course.as_deref());
        match &entry.expected {
            Expected::Parse { statement: Some(name) }
                if first && entry.origin == Origin::Client =>
            {
                self.statements.failed(name);
            }
            Expected::Parse { statement: Some(name) }
            | Expected::Close { statement: Some(name) }
            | Expected::Query { unnamed: Some(name) } => self.statements.take_back(name),
            Expected::Parse { statement: None }
            | Expected::Close { statement: None }
            | Expected::Query { unnamed: None }
            | Expected::FunctionCall
            | Expected::Bind
            | Expected::Describe
            | Expected::Execute
            | Expected::Sync
            | Expected::CopyEnd => {}
        }
    }

    fn notice(&mut self, complete: bool, body: &[u8]) -> Step {
        // A statement that answers for the client's may say what that would have said.
        let answers = self.replies.present().is_some_and(Reply::shows_tag);
        match self.replies.head() {
            // Debug messages about statements that the client did not send.
            Some(Entry { origin: Origin::Injected, .. }) if !answers => Step::Drop,
            Some(Entry { origin: Origin::Renewal | Origin::Question, .. }) => Step::Drop,
            Some(_) if self.replies.hides_rows() && !answers => Step::Drop,
            Some(_) if complete => self.fitted(b'N', body),
            Some(_) | None => Step::Forward,
        }
    }
}
