//! What the use of a prepared statement meets: it stands as it should, must be prepared again, may
//! not be used, or something must be known first.

use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::Outcome;

use super::conversation::{Conversation, QuestionKind, Step};
use super::counters::bump;
use super::patch::FAILING_STATEMENT;
use super::plan::{Decision, NO_TYPES, REFUSED_NAME, Verdict, refusal, too_long};
use super::renewal::Renewal;
use super::reply::{Entry, Expected, Origin};
use super::sql_prepared::Effects;
use super::statements::{Found, Unread};
use super::transaction::{Held, Status};
use super::version::{Scope, Standing, Version};
use crate::wire::compose;

/// What a use of a statement must do.
#[derive(Debug)]
pub(super) enum Use {
    /// Send these bytes, if any, and then it.
    Go {
        /// Prepares statements again, or makes the use fail.
        before: Option<BytesMut>,
        /// The words in which the statement stands then.
        standing: Option<Standing>,
    },
    /// Wait, or ask.
    Later(Step),
}

/// A statement that a text needs.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) name: Box<[u8]>,
    /// Whether it is executed; otherwise it must only be there to be dropped.
    pub(super) runs: bool,
}

/// What a statement's use would meet.
#[derive(Debug)]
enum Lookup {
    /// It is as it should be, or absent, which the server will say.
    Stands(Option<Standing>),
    /// It must be prepared again.
    Renew(Version, Standing),
    /// It may not be used.
    Refused(Arc<Outcome>),
    /// That depends on something that must be asked first.
    Needs(QuestionKind),
    /// That depends on an answer which has not come yet.
    Unsettled,
}

/// What the use of several statements needs.
#[derive(Debug)]
pub(super) enum Gathered {
    /// These must be prepared again, then all can be used.
    Ready {
        renewals: Vec<Renewal>,
        /// Whether running them may change what names mean in the session.
        changes_names: bool,
    },
    /// One of them may not be used.
    Refused(Arc<Outcome>),
    /// That depends on something that must be asked first.
    Needs(QuestionKind),
    /// That depends on an answer which has not come yet.
    Unsettled,
}

fn unknown_statement() -> Arc<Outcome> {
    refusal(
        "0A000",
        "cannot know what this statement was prepared from: PREPARE was sent in a text that was not read",
        "DEALLOCATE it and prepare it again.",
    )
}

impl Conversation {
    /// Makes `name` stand in the words of the generation held before it is used; and what its text
    /// executes, if the use `runs` it.
    pub(super) fn use_statement(&mut self, name: &[u8], held: Held, runs: bool) -> Use {
        if self.certainly_failed() {
            // The server will reject the use, and would reject the preparing too.
            return Use::Go { before: None, standing: None };
        }
        let (mut renewals, mut standing) = match self.look_up(name, held) {
            Lookup::Stands(standing) => (Vec::new(), standing),
            Lookup::Renew(version, new) => {
                let renewal = Renewal { name: name.into(), version, new: Some(new.clone()) };
                (vec![renewal], Some(new))
            }
            Lookup::Refused(outcome) => return self.refuse_use(&outcome),
            Lookup::Needs(kind) => return Use::Later(self.ask(kind, false)),
            Lookup::Unsettled => return Use::Later(Step::Wait),
        };
        if let Some(standing) = &mut standing
            && let Some(effects) = standing.effects.clone().filter(|_| runs)
        {
            match self.gather(&self.needed(&effects), held) {
                Gathered::Ready { renewals: more, changes_names } => {
                    renewals.extend(more.into_iter().filter(|more| *more.name != *name));
                    standing.changes_names |= changes_names;
                }
                Gathered::Refused(outcome) => return self.refuse_use(&outcome),
                Gathered::Needs(kind) => return Use::Later(self.ask(kind, false)),
                Gathered::Unsettled => return Use::Later(Step::Wait),
            }
        }
        Use::Go { before: self.put_before(renewals), standing }
    }

    /// Makes what a text executes stand in the words of the generation held, before a portal runs
    /// it.
    pub(super) fn use_executed(&mut self, effects: &Effects, held: Held) -> Use {
        if self.certainly_failed() {
            return Use::Go { before: None, standing: None };
        }
        match self.gather(&self.needed(effects), held) {
            Gathered::Ready { renewals, .. } => {
                Use::Go { before: self.put_before(renewals), standing: None }
            }
            Gathered::Refused(outcome) => self.refuse_use(&outcome),
            Gathered::Needs(kind) => Use::Later(self.ask(kind, false)),
            Gathered::Unsettled => Use::Later(Step::Wait),
        }
    }

    /// Brings back what a text executes and the server has lost, before it is parsed: PostgreSQL
    /// looks at the statement to tell what EXECUTE will return. Refusals come when it is run.
    pub(super) fn use_parsed(&mut self, effects: &Effects, held: Held) -> Use {
        let mut needed = self.needed(effects);
        needed.retain(|needed| {
            self.statements.latest(&needed.name).is_some_and(|version| version.missing)
        });
        if needed.is_empty() || self.certainly_failed() {
            return Use::Go { before: None, standing: None };
        }
        match self.gather(&needed, held) {
            Gathered::Ready { renewals, .. } => {
                Use::Go { before: self.put_before(renewals), standing: None }
            }
            Gathered::Refused(_) => Use::Go { before: None, standing: None },
            Gathered::Needs(kind) => Use::Later(self.ask(kind, false)),
            Gathered::Unsettled => Use::Later(Step::Wait),
        }
    }

    /// What the use of these statements needs.
    pub(super) fn gather(&mut self, needed: &[Needed], held: Held) -> Gathered {
        let (mut renewals, mut changes) = (Vec::new(), false);
        for Needed { name, runs } in needed {
            let (version, new) = if *runs {
                match self.look_up(name, held) {
                    Lookup::Stands(standing) => {
                        changes |= standing.is_some_and(|standing| standing.changes_names);
                        continue;
                    }
                    Lookup::Renew(version, new) => (version, Some(new)),
                    Lookup::Refused(outcome) => return Gathered::Refused(outcome),
                    Lookup::Needs(kind) => return Gathered::Needs(kind),
                    Lookup::Unsettled => return Gathered::Unsettled,
                }
            } else {
                match self.statements.find(name, self.under(held), self.transaction.batch()) {
                    Found::Stale(version) if version.missing => (version.clone(), None),
                    Found::Absent | Found::Current(_) | Found::Stale(_) => continue,
                    Found::Unsettled => return Gathered::Unsettled,
                }
            };
            changes |= new.as_ref().is_some_and(|new| new.changes_names);
            renewals.push(Renewal { name: name.clone(), version, new });
        }
        Gathered::Ready { renewals, changes_names: changes }
    }

    /// What a use of `name` would meet. A statement of another generation is read again in the
    /// present one.
    fn look_up(&mut self, name: &[u8], held: Held) -> Lookup {
        let batch = self.transaction.batch();
        let version = match self.statements.find(name, self.under(held), batch) {
            Found::Absent if held.governs => {
                return match self.statements.unread() {
                    Unread::Nothing => Lookup::Stands(None),
                    Unread::Something => Lookup::Needs(QuestionKind::Prepared),
                    Unread::Hopeless => Lookup::Refused(unknown_statement()),
                };
            }
            Found::Absent => return Lookup::Stands(None),
            Found::Current(standing) if self.transaction.serves() => {
                return Lookup::Stands(Some(standing.clone()));
            }
            Found::Current(standing) => {
                let standing = standing.clone();
                return self.look_up_unheard(name, standing, held);
            }
            Found::Unsettled => return Lookup::Unsettled,
            Found::Stale(version) => version.clone(),
        };
        let decision = match &version.source.text {
            None if !held.governs => self.unread(),
            None if version.source.from_sql => return Lookup::Refused(unknown_statement()),
            None => return Lookup::Refused(too_long()),
            Some(text) => match self.decide_prepared(text, held) {
                Verdict::Decided(decision) => decision,
                Verdict::Needs(kind) => return Lookup::Needs(kind),
            },
        };
        let effects = match version.source.text.as_deref() {
            // Running it runs what is inside.
            Some(text) if !version.source.from_sql => match self.effects(text, &decision, held) {
                Ok(effects) => effects,
                Err(kind) => return Lookup::Needs(kind),
            },
            Some(_) | None => None,
        };
        let Decision { outcome, changes_names, .. } = decision;
        if let Outcome::Refused(_) = *outcome {
            return Lookup::Refused(outcome);
        }
        let scope = version.source.text.as_deref().map(Scope::of).unwrap_or_default();
        let new = Standing { under: self.under(held), outcome, changes_names, effects, scope };
        let same = stands_in_same_words(&version, &new);
        match self.statements.unread() {
            Unread::Hopeless if version.unsure => Lookup::Refused(unknown_statement()),
            // Another one may have taken its place.
            Unread::Something if version.unsure => Lookup::Needs(QuestionKind::Prepared),
            Unread::Nothing | Unread::Something | Unread::Hopeless if same => {
                self.statements.still_stands(name, new.clone());
                Lookup::Stands(Some(new))
            }
            Unread::Nothing if version.unsure => Lookup::Needs(QuestionKind::Prepared),
            Unread::Nothing | Unread::Something | Unread::Hopeless => Lookup::Renew(version, new),
        }
    }

    /// The same for a statement that stands as it should, while the journal is out of reach: it may
    /// be used if it names nothing governed.
    fn look_up_unheard(&self, name: &[u8], standing: Standing, held: Held) -> Lookup {
        let text = self.statements.latest(name).and_then(|it| it.source.text.as_deref());
        match text.map(|text| self.decide_prepared(text, held)) {
            Some(Verdict::Decided(decision)) => match *decision.outcome {
                Outcome::Refused(_) => Lookup::Refused(decision.outcome),
                Outcome::Forward | Outcome::ForwardOpaque | Outcome::Rewritten(_) => {
                    Lookup::Stands(Some(standing))
                }
            },
            Some(Verdict::Needs(kind)) => Lookup::Needs(kind),
            None => Lookup::Stands(Some(standing)),
        }
    }

    /// Whether the server will reject all but the end of the transaction: it has failed, and
    /// nothing is under way that might end it.
    pub(super) fn certainly_failed(&self) -> bool {
        self.transaction.status() == Status::Failed
            && !self.transaction.batch_open()
            && self.replies.is_empty()
    }

    /// Makes the use of a statement fail in the words of a refusal.
    fn refuse_use(&mut self, outcome: &Arc<Outcome>) -> Use {
        bump(&self.counters.refused);
        let patch = Some(Arc::clone(outcome));
        self.replies.push(Entry::new(Expected::Parse { statement: None }, Origin::Renewal, patch));
        self.transaction.extend_batch();
        let failing = FAILING_STATEMENT.as_bytes();
        Use::Go { before: Some(compose::parse(REFUSED_NAME, failing, NO_TYPES)), standing: None }
    }
}

/// Whether what the server has of a statement is what it should have.
fn stands_in_same_words(version: &Version, new: &Standing) -> bool {
    let Some(old) = &version.standing else { return false };
    let source = &version.source;
    // Nobody looked into it: its `*` must not remember the columns of an earlier catalog. EXECUTE
    // tells its columns anew; of a Parse the client may remember them, and the server says so.
    let unseen = source.from_sql
        && matches!(*new.outcome, Outcome::ForwardOpaque)
        && old.under.generation != new.under.generation;
    !unseen && source.sent_as(&old.outcome) == source.sent_as(&new.outcome)
}
