//! Prepares statements again, in the words of the generation held.
//!
//! In the extended protocol that is put before the client's message, in the same batch: what fails
//! there is the answer to that message. Before a Query it is a question of its own, since the Query
//! would be executed though it failed.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::Outcome;

use super::conversation::{Conversation, Step};
use super::counters::bump;
use super::plan::{NO_TYPES, needs_patch};
use super::reply::{Entry, Expected, Origin};
use super::sql_prepared::{Course, Planned};
use super::transaction::Status;
use super::version::{Standing, Version};
use crate::wire::compose;

/// Name of the statement and portal that carry a PREPARE. Reserved.
pub(super) const RENEWAL_NAME: &str = "segue_renewal";

/// A statement that must be prepared again.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) name: Box<[u8]>,
    pub(super) version: Version,
    /// The words in which it will stand; `None` if it must only be there to be dropped.
    pub(super) new: Option<Standing>,
}

impl Conversation {
    /// Prepares again in the client's batch.
    pub(super) fn put_before(&mut self, renewals: Vec<Renewal>) -> Option<BytesMut> {
        if renewals.is_empty() {
            return None;
        }
        let bytes = self.renew(renewals, Origin::Renewal);
        self.transaction.extend_batch();
        Some(bytes)
    }

    /// Prepares again before a Query, which waits for the outcome.
    pub(super) fn renew_before_query(&mut self, renewals: Vec<Renewal>) -> Step {
        let bytes = self.renew(renewals, Origin::Question);
        self.send_question(None, bytes, !self.transaction.batch_open())
    }

    /// The messages that prepare statements again; their replies are noted.
    ///
    /// A statement is closed only when it is certain that the transaction has not failed, or the
    /// server would close it and not make it again.
    fn renew(&mut self, renewals: Vec<Renewal>, origin: Origin) -> BytesMut {
        let mut bytes = BytesMut::new();
        for renewal in renewals {
            let Some(new) = renewal.new else {
                bytes.unsplit(self.stand_in(&renewal.name, renewal.version, origin));
                continue;
            };
            bump(&self.counters.reprepared);
            bytes.unsplit(if renewal.version.source.from_sql {
                self.prepare_again(&renewal.name, renewal.version, new, origin)
            } else {
                self.parse_again(&renewal.name, renewal.version, new, origin)
            });
        }
        bytes
    }

    /// Puts something in the place of a statement that is missing, because it will be dropped.
    /// PostgreSQL prepares an empty text in any state.
    fn stand_in(&mut self, name: &[u8], version: Version, origin: Origin) -> BytesMut {
        let version = Version { standing: None, missing: false, ..version };
        let statement = self.statements.sent(name, self.transaction.batch(), Some(version));
        self.expect([Expected::Parse { statement }], origin, None);
        compose::parse(name, b"", NO_TYPES)
    }

    /// Sends a Parse of the client's again, in new words.
    fn parse_again(
        &mut self,
        name: &[u8],
        version: Version,
        new: Standing,
        origin: Origin,
    ) -> BytesMut {
        let source = Arc::clone(&version.source);
        let outcome = Arc::clone(&new.outcome);
        let text = source.sent_as(&outcome);
        let renewal = RENEWAL_NAME.as_bytes();
        let close = Expected::Close { statement: None };
        let tried = self.may_have_failed();
        let mut bytes = BytesMut::new();
        if tried {
            let parse = Expected::Parse { statement: None };
            self.expect([close.clone(), parse], origin, Some(&outcome));
            bytes.unsplit(compose::close_statement(renewal));
            bytes.unsplit(compose::parse(renewal, text, &source.types));
        }
        let [closed, statement] = self.changes(name, version, new);
        let parts = [Expected::Close { statement: closed }, Expected::Parse { statement }];
        self.expect(parts, origin, Some(&outcome));
        bytes.unsplit(compose::close_statement(name));
        bytes.unsplit(compose::parse(name, text, &source.types));
        if tried {
            self.expect([close], origin, None);
            bytes.unsplit(compose::close_statement(renewal));
        }
        bytes
    }

    /// Sends a PREPARE of the client's again, in new words.
    fn prepare_again(
        &mut self,
        name: &[u8],
        version: Version,
        new: Standing,
        origin: Origin,
    ) -> BytesMut {
        let source = Arc::clone(&version.source);
        let outcome = Arc::clone(&new.outcome);
        let close = || Expected::Close { statement: None };
        let opened = [close(), Expected::Parse { statement: None }, Expected::Bind];
        self.expect(opened, origin, Some(&outcome));
        let [closed, statement] = self.changes(name, version, new);
        self.expect([Expected::Close { statement: closed }], origin, None);
        let patch = needs_patch(&outcome).then(|| Arc::clone(&outcome));
        let mut execute = Entry::new(Expected::Execute, origin, patch);
        execute.course = Course::of(VecDeque::from([Planned::renewed(statement)]));
        self.replies.push(execute);
        self.expect([close(), close()], origin, None);
        let mut bytes = compose::open(RENEWAL_NAME, source.sent_as(&outcome));
        bytes.unsplit(compose::close_statement(name));
        bytes.unsplit(compose::run(RENEWAL_NAME));
        bytes
    }

    /// Notes that a statement will be closed and made again.
    fn changes(&mut self, name: &[u8], version: Version, new: Standing) -> [Option<Arc<[u8]>>; 2] {
        let batch = self.transaction.batch();
        let closed = Version { standing: None, missing: true, ..version.clone() };
        let renewed = Version { standing: Some(new), missing: false, unsure: false, ..version };
        let closed = self.statements.sent(name, batch, Some(closed));
        [closed, self.statements.sent(name, batch, Some(renewed))]
    }

    /// Whether the transaction may have failed when the server reads what is sent now. (What fails
    /// in this very batch makes the server skip it.)
    fn may_have_failed(&self) -> bool {
        self.transaction.status() == Status::Failed || self.replies.ended_batch()
    }

    /// Notes the replies to messages of ours.
    fn expect<const N: usize>(
        &mut self,
        parts: [Expected; N],
        origin: Origin,
        outcome: Option<&Arc<Outcome>>,
    ) {
        let patch = outcome.filter(|outcome| needs_patch(outcome));
        for expected in parts {
            self.replies.push(Entry::new(expected, origin, patch.cloned()));
        }
    }
}
