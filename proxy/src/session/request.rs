//! Decides what becomes of each message of the client's.
//!
//! A step that makes the message wait may have no effect that would be wrong to have twice: the
//! same message is looked at again when more bytes or an answer have come.

use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::Outcome;

use super::conversation::{Conversation, QuestionKind, Step, Violation};
use super::executed::{only_counts, with_answers};
use super::patch::{FAILING_STATEMENT, failing};
use super::plan::{
    Decision, INSPECTED_TEXT_BYTES, NO_TYPES, REFUSED_NAME, Verdict, count, needs_patch, too_long,
    unknowable,
};
use super::portals::Portal;
use super::reply::{Entry, Expected, MAX_OUTSTANDING, Origin};
use super::sql_prepared::{Course, Plan};
use super::transaction::Held;
use super::upsert::Chance;
use super::usage::Use;
use super::version::{Scope, Source, Standing, Version};
use crate::wire::compose;
use crate::wire::frame::{FrameError, HEADER_BYTES, Header};
use crate::wire::request::{self, Target};

/// How much of a Bind is waited for to find its two names. PostgreSQL looks at 63 bytes of each.
/// Unit: bytes.
const BIND_NAMES_BYTES: usize = 16 * 1024;

fn malformed(header: Header) -> Violation {
    Violation::Client(FrameError::Format(header.tag))
}

/// The frame's body if it is all there.
fn whole(header: Header, frame: &[u8]) -> Option<&[u8]> {
    if frame.len() < header.total {
        return None;
    }
    frame.get(HEADER_BYTES..)
}

impl Conversation {
    /// Decides about the message at the front, of which `frame` is there; `rest` is all that is there
    /// of it and of the messages behind it.
    pub(super) fn request(
        &mut self,
        header: Header,
        frame: &[u8],
        rest: &[u8],
    ) -> Result<Step, Violation> {
        if self.terminated {
            return Ok(Step::Drop);
        }
        if self.question.is_some() || self.upsert_is_under_way() {
            return Ok(Step::Wait);
        }
        if std::mem::take(&mut self.query_answered) {
            self.stopwatch.ends_unless_answered();
            return Ok(Step::Drop);
        }
        if std::mem::take(&mut self.question_failed) && header.tag == b'Q' && self.skipping {
            // The server would discard it and answer nothing; the client waits for ReadyForQuery.
            self.end_batch_with_sync();
            return Ok(Step::Replace(compose::sync()));
        }
        match header.tag {
            b'X' => {
                self.terminated = true;
                return Ok(Step::Forward);
            }
            b'S' if !self.replies.copying() => return Ok(self.sync()),
            b'H' | b'S' => return Ok(Step::Forward),
            b'd' | b'c' | b'f' => return Ok(self.copy_message(header.tag)),
            _ if self.skipping => return Ok(Step::Forward),
            _ if self.replies.copying() => {
                // The server takes it for the end of the data and fails; it is not executed.
                self.extension = None;
                self.replies.copy_in_ends(false);
                return Ok(Step::Forward);
            }
            _ => {}
        }
        if let Some(step) = self.bounded() {
            return Ok(step);
        }
        let Some(held) = self.transaction.begin(self.replies.is_empty()) else {
            return Ok(Step::Wait);
        };
        match header.tag {
            b'Q' => self.query(header, frame, held),
            b'P' => self.parse(header, frame, held),
            b'B' => self.bind(header, frame, rest, held),
            b'D' => self.describe(header, frame, held),
            b'E' => self.execute(header, frame, held),
            b'C' => self.close(header, frame),
            b'F' => {
                self.replies.expect(Expected::FunctionCall);
                self.end_batch();
                Ok(Step::Forward)
            }
            unknown => Err(Violation::Client(FrameError::UnknownType(unknown))),
        }
    }

    /// Makes the client wait if too many replies are outstanding. The server may hold them back
    /// until it is told to send them.
    fn bounded(&mut self) -> Option<Step> {
        if self.replies.len() < MAX_OUTSTANDING {
            self.flushed = false;
            return None;
        }
        if self.flushed {
            return Some(Step::Wait);
        }
        self.flushed = true;
        Some(Step::Ask(compose::flush()))
    }

    fn sync(&mut self) -> Step {
        if let Some(step) = self.bounded() {
            return step;
        }
        self.end_upsert();
        self.end_batch_with_sync();
        Step::Forward
    }

    /// Notes that a Sync is sent.
    fn end_batch_with_sync(&mut self) {
        self.skipping = false;
        self.replies.expect(Expected::Sync);
        self.end_batch();
    }

    /// Notes that a message is sent which ends what the client asks for at a time.
    fn end_batch(&mut self) {
        self.transaction.end_batch();
        self.stopwatch.ends();
    }

    fn query(&mut self, header: Header, frame: &[u8], held: Held) -> Result<Step, Violation> {
        let long = header.total > INSPECTED_TEXT_BYTES;
        if !held.governs {
            self.names.forget();
            // Unless a statement must be put into the client's own words before it is executed.
            if long || !self.statements.rewritten() {
                let outcome = Arc::clone(&self.forward);
                self.send_query(&outcome, false, Plan::default());
                return Ok(Step::Forward);
            }
        }
        if long {
            return Ok(self.refuse_query(&too_long(), b""));
        }
        let Some(body) = whole(header, frame) else {
            return Ok(Step::More(header.total));
        };
        let text = request::query(body).ok_or_else(|| malformed(header))?;
        let decision = match self.decide(text) {
            Verdict::Decided(decision) => decision,
            Verdict::Needs(kind) => return Ok(self.ask_before_query(kind)),
        };
        let outcome = &decision.outcome;
        if let Outcome::Refused(_) = **outcome {
            return Ok(self.refuse_query(outcome, text));
        }
        let effects = match self.effects(text, &decision, held) {
            Ok(effects) => effects,
            Err(kind) => return Ok(self.ask_before_query(kind)),
        };
        let mut changes_names = decision.changes_names;
        let mut plan = Plan::of(text);
        if let Some(effects) = effects {
            match self.before_query(&effects, text, held) {
                Ok(changes) => changes_names |= changes,
                Err(step) => return Ok(step),
            }
            plan = self.plan_effects(&effects, outcome, self.under(held), held);
        }
        let instead = match &**outcome {
            Outcome::Rewritten(rewritten) => Some(compose::query(&rewritten.sql)),
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => None,
        };
        match self.query_begins_upsert(text, outcome, &plan) {
            Chance::Absent => {
                self.send_query(outcome, changes_names, plan);
                Ok(instead.map_or(Step::Forward, Step::Replace))
            }
            Chance::Later(step) => Ok(step),
            Chance::Taken(place) => {
                let before = self.savepoint_before_query(place);
                self.send_query_as(place.origin(), outcome, changes_names, plan);
                let message = instead.unwrap_or_else(|| frame.into());
                Ok(Step::Replace(self.send_upsert(place, before, message)))
            }
        }
    }

    /// Asks before a Query, unless the server would not answer.
    pub(super) fn ask_before_query(&mut self, kind: QuestionKind) -> Step {
        if self.certainly_failed() {
            // It will reject what is sent instead.
            return self.refuse_query(&unknowable(), b"");
        }
        if self.must_wait_to_ask() {
            return Step::Wait;
        }
        self.ask(kind, !self.transaction.batch_open())
    }

    /// Whether a question's own Sync would wake a server that skips messages up to the client's.
    pub(super) fn must_wait_to_ask(&self) -> bool {
        !self.transaction.batch_open() && self.replies.may_skip()
    }

    pub(super) fn refuse_query(&mut self, outcome: &Arc<Outcome>, text: &[u8]) -> Step {
        self.send_query(outcome, false, Plan::default());
        Step::Replace(compose::query(&failing(text)))
    }

    /// Notes that a Query was sent.
    fn send_query(&mut self, outcome: &Arc<Outcome>, changes_names: bool, plan: Plan) {
        self.send_query_as(Origin::Client, outcome, changes_names, plan);
    }

    fn send_query_as(
        &mut self,
        origin: Origin,
        outcome: &Arc<Outcome>,
        changes_names: bool,
        plan: Plan,
    ) {
        count(&self.counters, outcome);
        let unnamed = self.statements.sent(b"", self.transaction.batch(), None);
        self.replies.push(Entry {
            expected: Expected::Query { unnamed },
            origin,
            patch: Some(with_answers(outcome, &plan.answers)).filter(|it| needs_patch(it)),
            statement: None,
            course: Course::of(plan.planned),
            checks: plan.checks,
        });
        self.end_batch();
        self.executed(changes_names);
    }

    /// Notes that something was sent to be executed.
    fn executed(&mut self, changes_names: bool) {
        if changes_names {
            self.names.touch();
        } else {
            self.names.executed();
        }
    }

    /// Notes that a message of the extended protocol was sent.
    fn send_extended(&mut self, expected: Expected, patch: Option<Arc<Outcome>>) {
        self.replies.push(Entry::new(expected, Origin::Client, patch));
        self.transaction.extend_batch();
    }

    fn parse(&mut self, header: Header, frame: &[u8], held: Held) -> Result<Step, Violation> {
        if header.total > INSPECTED_TEXT_BYTES {
            return self.parse_unread(header, frame, held);
        }
        let Some(body) = whole(header, frame) else {
            return Ok(Step::More(header.total));
        };
        let parse = request::parse(body).ok_or_else(|| malformed(header))?;
        if !held.governs {
            self.names.forget();
        }
        let decision = match self.decide_parse(parse.text, held) {
            Verdict::Decided(decision) => decision,
            Verdict::Needs(kind) => return Ok(self.ask(kind, false)),
        };
        let effects = match self.effects(parse.text, &decision, held) {
            Ok(effects) => effects,
            Err(kind) => return Ok(self.ask(kind, false)),
        };
        let before = match effects.as_deref().map(|effects| self.use_parsed(effects, held)) {
            Some(Use::Later(step)) => return Ok(step),
            Some(Use::Go { before, .. }) => before,
            None => None,
        };
        let Decision { outcome, changes_names, .. } = decision;
        let source =
            Source { text: Some(parse.text.into()), types: parse.types.into(), from_sql: false };
        let instead = match &*outcome {
            Outcome::Forward | Outcome::ForwardOpaque => None,
            Outcome::Rewritten(rewritten) => {
                let text = rewritten.statement(rewritten.own_statement());
                Some(compose::parse(parse.name, text.as_bytes(), parse.types))
            }
            Outcome::Refused(_) => {
                Some(compose::parse(parse.name, failing(parse.text).as_bytes(), NO_TYPES))
            }
        };
        let scope = Scope::of(parse.text);
        let standing = Standing { under: self.under(held), outcome, changes_names, effects, scope };
        self.send_parse(parse.name, source, standing);
        Ok(match (before, instead) {
            (before, None) => step_after(before),
            (None, Some(instead)) => Step::Replace(instead),
            (Some(mut before), Some(instead)) => {
                before.unsplit(instead);
                Step::Replace(before)
            }
        })
    }

    /// A Parse that is too long to be read: relayed where nothing is governed, else refused.
    fn parse_unread(
        &mut self,
        header: Header,
        frame: &[u8],
        held: Held,
    ) -> Result<Step, Violation> {
        if held.governs {
            let outcome = too_long();
            count(&self.counters, &outcome);
            self.send_extended(Expected::Parse { statement: None }, Some(outcome));
            let failing = FAILING_STATEMENT.as_bytes();
            return Ok(Step::Replace(compose::parse(REFUSED_NAME, failing, NO_TYPES)));
        }
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        let Some(end) = body.iter().position(|byte| *byte == 0) else {
            return more_names(header, frame);
        };
        let name = body.get(..end).unwrap_or_default();
        let outcome = Arc::clone(&self.forward);
        let standing = Standing {
            under: self.under(held),
            outcome,
            changes_names: false,
            effects: None,
            scope: Scope::Unknown,
        };
        self.names.forget();
        let source = Source { text: None, types: NO_TYPES.into(), from_sql: false };
        self.send_parse(name, source, standing);
        Ok(Step::Forward)
    }

    /// Notes that a Parse was sent.
    fn send_parse(&mut self, name: &[u8], source: Source, standing: Standing) {
        let outcome = Arc::clone(&standing.outcome);
        match &*outcome {
            // Those are counted when they are bound.
            Outcome::Forward | Outcome::Rewritten(_) => {}
            Outcome::ForwardOpaque | Outcome::Refused(_) => count(&self.counters, &outcome),
        }
        let (source, standing) = (Arc::new(source), Some(standing));
        let version = Version { source, standing, missing: false, unsure: false };
        let statement = self.statements.sent(name, self.transaction.batch(), Some(version));
        let patch = needs_patch(&outcome).then_some(outcome);
        self.send_extended(Expected::Parse { statement }, patch);
    }

    fn bind(
        &mut self,
        header: Header,
        frame: &[u8],
        rest: &[u8],
        held: Held,
    ) -> Result<Step, Violation> {
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        let Some(names) = request::bind_names(body) else {
            return more_names(header, frame);
        };
        let (before, standing) = match self.use_statement(names.statement, held, true) {
            Use::Later(step) => return Ok(step),
            Use::Go { before, standing } => (before, standing),
        };
        let patch = standing.as_ref().map(|standing| self.asked_of_answers(standing));
        let patch = patch.filter(|outcome| needs_patch(outcome));
        let executes = standing.as_ref().is_some_and(|standing| standing.effects.is_some());
        let before = match self.bind_begins_upsert(patch.as_ref(), executes, names.portal, rest) {
            Chance::Absent => before,
            Chance::Later(step) => return Ok(before.map_or(step, Step::Ask)),
            Chance::Taken(savepoint) => joined(before.unwrap_or_default(), savepoint),
        };
        let scope = standing.as_ref().map(|standing| standing.scope).unwrap_or_default();
        // Without one it is absent, or refused and counted.
        standing.iter().for_each(|standing| count(&self.counters, &standing.outcome));
        let changes_names = standing.as_ref().is_some_and(|standing| standing.changes_names);
        let effects = standing.and_then(|it| it.effects.clone().map(|effects| (effects, it)));
        if patch.is_some() || changes_names || effects.is_some() || scope != Scope::Stays {
            let portal = Portal { patch: patch.clone(), changes_names, effects, scope };
            self.portals.insert(names.portal, portal);
        } else {
            self.portals.remove(names.portal);
        }
        self.send_extended(Expected::Bind, patch);
        Ok(step_after(before))
    }

    fn describe(&mut self, header: Header, frame: &[u8], held: Held) -> Result<Step, Violation> {
        let Some(body) = whole(header, frame) else {
            return Ok(Step::More(header.total));
        };
        match request::target(body).ok_or_else(|| malformed(header))? {
            Target::Portal(portal) => {
                let patch = self.portals.get(portal).and_then(|portal| portal.patch.clone());
                self.send_extended(Expected::Describe, patch);
                Ok(Step::Forward)
            }
            Target::Statement(name) => match self.use_statement(name, held, false) {
                Use::Later(step) => Ok(step),
                Use::Go { before, standing } => {
                    let patch = standing.map(|standing| self.asked_of_answers(&standing));
                    let patch = patch.filter(|outcome| needs_patch(outcome));
                    self.send_extended(Expected::Describe, patch);
                    Ok(step_after(before))
                }
            },
        }
    }

    fn execute(&mut self, header: Header, frame: &[u8], held: Held) -> Result<Step, Violation> {
        let Some(body) = whole(header, frame) else {
            return Ok(Step::More(header.total));
        };
        let name = request::executed_portal(body).ok_or_else(|| malformed(header))?;
        let portal = self.portals.get(name);
        let changes_names = portal.is_some_and(|portal| portal.changes_names);
        let patch = portal.and_then(|portal| portal.patch.clone());
        let effects = portal.and_then(|portal| portal.effects.clone());
        let scope = portal.map_or(Scope::Stays, |portal| portal.scope);
        let mut entry = Entry::of_execute(patch.clone(), scope);
        let before = match effects {
            None => self.send_before(patch.as_ref()),
            Some((effects, Standing { outcome, under, .. })) => {
                let before = match self.use_executed(&effects, held) {
                    Use::Later(step) => return Ok(step),
                    Use::Go { before, .. } => before,
                };
                let plan = self.plan_effects(&effects, &outcome, under, held);
                entry.course = Course::of(plan.planned);
                before.unwrap_or_default()
            }
        };
        self.replies.push(entry);
        self.transaction.execute_in_batch(scope);
        let mut behind = self.send_behind_execute(patch.as_ref());
        behind.unsplit(self.upsert_executes());
        self.executed(changes_names);
        let all = only_counts(patch.as_ref()).then(|| request::of_all_rows(frame));
        if behind.is_empty() && all.is_none() {
            return Ok(step_after(Some(before).filter(|before| !before.is_empty())));
        }
        let frame = all.as_deref().unwrap_or(frame);
        Ok(Step::Replace([&before, frame, &behind].concat().as_slice().into()))
    }

    /// What must be done to the answers to a statement that stands so.
    fn asked_of_answers(&self, standing: &Standing) -> Arc<Outcome> {
        match &standing.effects {
            Some(effects) => self.answered(&standing.outcome, effects),
            None => Arc::clone(&standing.outcome),
        }
    }

    fn close(&mut self, header: Header, frame: &[u8]) -> Result<Step, Violation> {
        let Some(body) = whole(header, frame) else {
            return Ok(Step::More(header.total));
        };
        let statement = match request::target(body).ok_or_else(|| malformed(header))? {
            Target::Portal(portal) => {
                self.portals.remove(portal);
                None
            }
            Target::Statement(name) => self.statements.sent(name, self.transaction.batch(), None),
        };
        self.send_extended(Expected::Close { statement }, None);
        Ok(Step::Forward)
    }
}

fn joined(before: BytesMut, behind: BytesMut) -> Option<BytesMut> {
    let mut both = before;
    both.unsplit(behind);
    Some(both).filter(|both| !both.is_empty())
}

fn step_after(before: Option<BytesMut>) -> Step {
    before.map_or(Step::Forward, Step::Before)
}

/// Waits for more of a frame whose names are not all there.
fn more_names(header: Header, frame: &[u8]) -> Result<Step, Violation> {
    if frame.len() >= header.total.min(BIND_NAMES_BYTES) {
        return Err(malformed(header));
    }
    Ok(Step::More(frame.len().saturating_add(1)))
}
