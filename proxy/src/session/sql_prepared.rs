//! What the client's texts do to its prepared statements: PREPARE, EXECUTE, DEALLOCATE.
//!
//! A PREPARE is kept like a Parse, piece by piece of its text, and takes effect when the server says
//! so; no ROLLBACK takes it back. What a text executes is prepared again before the text is sent,
//! except what the text itself has prepared or dropped by then. A PREPARE that goes by unread (no
//! table is governed, or the text cannot be read) was sent as it came; the server is asked for its
//! text when it matters.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use rewrite_rules::{Outcome, PreparedUse, prepared_uses};

use super::conversation::{Conversation, QuestionKind, Step};
use super::executed::Answer;
use super::names::{Fact, Knowledge};
use super::plan::{
    Decision, MAX_QUESTIONS, NO_TYPES, Verdict, changes_names_in, midway, unknowable,
};
use super::statements::Existing;
use super::transaction::Held;
use super::usage::{Gathered, Needed};
use super::version::{Scope, Source, Standing, Under, Version, only_checks};

/// One thing that a text does to prepared statements.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// PREPARE.
    Makes {
        /// The statement's name.
        name: Box<[u8]>,
        /// The PREPARE statement.
        source: Arc<Source>,
        /// Which statement of the text it is, counted from 0.
        place: usize,
    },
    /// EXECUTE.
    Runs {
        /// The statement's name.
        name: Box<[u8]>,
        /// Where in the text the statement begins that runs it.
        at: usize,
        /// Which statement of the text that is, counted from 0.
        place: usize,
        /// Whether it is answered as the statement itself.
        alone: bool,
    },
    /// DEALLOCATE of one name.
    Drops(Box<[u8]>),
    /// DEALLOCATE ALL, DISCARD ALL.
    DropsAll,
}

/// All that a text does to prepared statements.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effects {
    /// This, in order.
    Read(Vec<Effect>),
    /// It cannot be read, and has words in it that may do anything.
    Unread,
}

/// A change of the session's statements that takes effect when the server has done a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    command: Command,
    /// The statements that it makes or drops, as far as they are known.
    statements: Vec<Arc<[u8]>>,
}

/// What a text does to prepared statements, command by command. Hardly any does anything, so that is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course(VecDeque<Planned>);

impl Course {
    /// `None`: nothing.
    pub(super) fn of(planned: VecDeque<Planned>) -> Option<Box<Self>> {
        (!planned.is_empty()).then(|| Box::new(Self(planned)))
    }

    /// Takes the next of it if it is of that kind.
    pub(super) fn take_if(&mut self, is_it: impl Fn(&Planned) -> bool) -> Option<Planned> {
        self.0.pop_front_if(|planned| is_it(planned))
    }
}

/// What a text that is sent will do, and how it must be answered.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) planned: VecDeque<Planned>,
    pub(super) answers: Vec<Answer>,
    /// Whether it checks what was put off, and does nothing else.
    pub(super) checks: bool,
}

impl Plan {
    /// Of a text that does nothing to prepared statements.
    pub(super) fn of(text: &[u8]) -> Self {
        Self { checks: only_checks(text), ..Self::default() }
    }
}

/// The commands that change which statements exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Prepare,
    Deallocate,
    All,
}

impl Command {
    /// The command that the server has done, by its tag.
    fn done(tag: &[u8]) -> Option<Self> {
        match tag {
            b"PREPARE" => Some(Self::Prepare),
            b"DEALLOCATE" => Some(Self::Deallocate),
            b"DEALLOCATE ALL" | b"DISCARD ALL" => Some(Self::All),
            _other => None,
        }
    }
}

impl Planned {
    /// A statement that is prepared again.
    pub(super) fn renewed(statement: Option<Arc<[u8]>>) -> Self {
        Self { command: Command::Prepare, statements: statement.into_iter().collect() }
    }
}

/// Reads what a text does. `bytes` leads back to what the client sent.
fn effects_of(text: &str, bytes: fn(&str) -> Box<[u8]>) -> Vec<Effect> {
    let part = |range| text.get(range).map(bytes);
    let effect = |used| match used {
        PreparedUse::Prepare { name, statement, place } => {
            let source = Arc::new(made_by(part(statement)));
            Effect::Makes { name: bytes(&name), source, place }
        }
        PreparedUse::Execute { name, start, place, alone } => {
            let at = part(0..start).map_or(0, |before| before.len());
            Effect::Runs { name: bytes(&name), at, place, alone }
        }
        PreparedUse::Deallocate { name } => Effect::Drops(bytes(&name)),
        PreparedUse::DeallocateAll => Effect::DropsAll,
    };
    prepared_uses(text).into_iter().map(effect).collect()
}

fn utf8_bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

/// A text in an unknown encoding as one character per byte: to PostgreSQL's lexer all bytes beyond
/// ASCII are letters.
fn letters(text: &[u8]) -> String {
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of what was made by [`letters`].
fn bytes_of_letters(text: &str) -> Box<[u8]> {
    text.chars().filter_map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

/// What a PREPARE statement makes.
fn made_by(text: Option<Box<[u8]>>) -> Source {
    Source { text, types: NO_TYPES.into(), from_sql: true }
}

/// Puts the server's answer together: a name each, and a text if PREPARE made it.
fn existing(facts: Vec<Fact>) -> Vec<Existing> {
    let (names, texts): (Vec<Fact>, Vec<Fact>) =
        facts.into_iter().partition(|fact| fact.kind == b"prepared");
    let made = |place, name: &[u8]| {
        let fact = texts.iter().find(|fact| fact.place == place)?;
        let text = std::str::from_utf8(&fact.value).ok();
        let text = text.filter(|text| fact.kind == b"text" || text.is_ascii());
        let made = text.map(|text| effects_of(text, utf8_bytes)).unwrap_or_default();
        let mut sources = made.into_iter().rev().filter_map(|effect| match effect {
            Effect::Makes { name: made, source, .. } if *made == *name => Arc::into_inner(source),
            Effect::Makes { .. } | Effect::Runs { .. } | Effect::Drops(_) | Effect::DropsAll => {
                None
            }
        });
        Some(sources.next().unwrap_or_else(|| made_by(None)))
    };
    let one = |Fact { place, value: name, .. }| {
        let from_sql = made(place, &name);
        Existing { name, from_sql }
    };
    names.into_iter().map(one).collect()
}

impl Conversation {
    /// What `text` does to prepared statements, if anything; or what must be asked to know.
    pub(super) fn effects(
        &self,
        text: &[u8],
        decision: &Decision,
        held: Held,
    ) -> Result<Option<Arc<Effects>>, QuestionKind> {
        if !decision.prepared {
            return Ok(None);
        }
        let utf8 = std::str::from_utf8(text).ok();
        // Elsewhere a backslash may escape a quote, or be part of a character.
        let readable = !text.contains(&b'\\')
            || match self.names.known() {
                Knowledge::Nothing if held.governs && self.asked < MAX_QUESTIONS => {
                    return Err(QuestionKind::Names);
                }
                Knowledge::Nothing | Knowledge::Unknowable => false,
                Knowledge::View(view) => view.conforming_strings && utf8.is_some(),
            };
        if !readable {
            return Ok(Some(Arc::new(Effects::Unread)));
        }
        let effects = match utf8 {
            Some(text) => effects_of(text, utf8_bytes),
            None => effects_of(&letters(text), bytes_of_letters),
        };
        Ok((!effects.is_empty()).then(|| Arc::new(Effects::Read(effects))))
    }

    /// Makes what a Query executes stand in the words of the generation held. `Ok` says whether
    /// running it may change what names mean; `Err` is what to do instead of sending it.
    pub(super) fn before_query(
        &mut self,
        effects: &Effects,
        text: &[u8],
        held: Held,
    ) -> Result<bool, Step> {
        let needed = self.needed(effects);
        let hopeless = self.certainly_failed();
        if hopeless && !can_end_transaction(effects, text) {
            // The server rejects it, in its own words.
            return Ok(false);
        }
        self.check_midway(effects, text)?;
        match self.gather(&needed, held) {
            Gathered::Ready { renewals, changes_names } if renewals.is_empty() => Ok(changes_names),
            Gathered::Ready { .. } if hopeless || self.asked >= MAX_QUESTIONS => {
                Err(self.refuse_query(&unknowable(), text))
            }
            Gathered::Ready { .. } if self.must_wait_to_ask() => Err(Step::Wait),
            Gathered::Ready { renewals, .. } => Err(self.renew_before_query(renewals)),
            Gathered::Refused(outcome) => Err(self.refuse_query(&outcome, text)),
            Gathered::Needs(_) if self.asked >= MAX_QUESTIONS => {
                Err(self.refuse_query(&unknowable(), text))
            }
            Gathered::Needs(kind) => Err(self.ask_before_query(kind)),
            Gathered::Unsettled => Err(Step::Wait),
        }
    }

    /// The statements that must be right before a text runs: those that it executes, unless it has
    /// prepared or dropped them itself by then; and those that it drops, which must be there.
    pub(super) fn needed(&self, effects: &Effects) -> Vec<Needed> {
        let Effects::Read(effects) = effects else {
            let named = self.statements.named();
            return named.map(|name| Needed { name: (**name).into(), runs: true }).collect();
        };
        let mut own: HashSet<&[u8]> = HashSet::new();
        let mut needed = Vec::new();
        for effect in effects {
            match effect {
                Effect::Runs { name, .. } if own.insert(name) => {
                    needed.push(Needed { name: name.clone(), runs: true });
                }
                Effect::Drops(name) if own.insert(name) => {
                    needed.push(Needed { name: name.clone(), runs: false });
                }
                Effect::Makes { name, .. } => {
                    own.insert(name);
                }
                Effect::Runs { .. } | Effect::Drops(_) => {}
                Effect::DropsAll => break,
            }
        }
        needed
    }

    /// Refuses a text in which something is executed after a statement that may change what its
    /// names mean: it cannot be prepared again in between.
    fn check_midway(&mut self, effects: &Effects, text: &[u8]) -> Result<(), Step> {
        let Effects::Read(effects) = effects else { return Ok(()) };
        let Some(generation) = self.transaction.generation() else { return Ok(()) };
        let mut own: Vec<(&[u8], &Arc<Source>)> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Makes { name, source, .. } => own.push((name, source)),
                Effect::Runs { name, at, .. } => {
                    let own = own.iter().rev().find(|(own, _)| *own == &**name);
                    let made = own.map(|(_, source)| Arc::clone(source)).or_else(|| {
                        self.statements.latest(name).map(|version| Arc::clone(&version.source))
                    });
                    let text_before = text.get(..*at).unwrap_or_default();
                    let may_be_governed = made.is_some_and(|source| {
                        let text = source.text.as_deref();
                        text.is_none_or(|text| generation.compiled().scan(text).governed)
                    });
                    if !may_be_governed || !generation.compiled().scan(text_before).session {
                        continue;
                    }
                    let view = match self.names.known() {
                        Knowledge::Nothing if self.asked < MAX_QUESTIONS => {
                            return Err(self.ask_before_query(QuestionKind::Names));
                        }
                        Knowledge::Nothing | Knowledge::Unknowable => None,
                        Knowledge::View(view) => Some(view),
                    };
                    let touched = self.names.touched();
                    if view.is_none_or(|view| {
                        changes_names_in(&generation, text_before, view, touched)
                    }) {
                        return Err(self.refuse_query(&midway(), text));
                    }
                }
                Effect::Drops(_) | Effect::DropsAll => {}
            }
        }
        Ok(())
    }

    /// Notes what a text that is sent now will do when the server does it, and what it asks of the
    /// answers. `under` and `outcome` tell in which words it is sent.
    pub(super) fn plan_effects(
        &mut self,
        effects: &Effects,
        outcome: &Outcome,
        under: Under,
        held: Held,
    ) -> Plan {
        let mut plan = Plan::default();
        let Effects::Read(effects) = effects else { return plan };
        let batch = self.transaction.batch();
        for effect in effects {
            plan.answers.extend(self.answer_to(effect));
            let (command, statements) = match effect {
                Effect::Runs { .. } => continue,
                Effect::Makes { name, source, .. } => {
                    let version = self.made(source, outcome, under, held);
                    let statement = self.statements.sent(name, batch, Some(version));
                    (Command::Prepare, statement.into_iter().collect())
                }
                Effect::Drops(name) => {
                    let statement = self.statements.sent(name, batch, None);
                    (Command::Deallocate, statement.into_iter().collect())
                }
                Effect::DropsAll => {
                    let named: Vec<Arc<[u8]>> = self.statements.named().map(Arc::clone).collect();
                    let drop = |name: &Arc<[u8]>| self.statements.sent(name, batch, None);
                    (Command::All, named.iter().filter_map(drop).collect())
                }
            };
            plan.planned.push_back(Planned { command, statements });
        }
        plan
    }

    /// What a PREPARE makes that is sent as part of a text with that outcome.
    fn made(&self, source: &Arc<Source>, whole: &Outcome, under: Under, held: Held) -> Version {
        let alone = source.text.as_deref().map(|text| self.decide(text));
        let (alone, changes_names) = match alone {
            Some(Verdict::Decided(Decision { outcome, changes_names, .. })) => {
                (Some(outcome), changes_names)
            }
            Some(Verdict::Needs(_)) | None => (None, false),
        };
        let as_it_came = |under| Some((under, Arc::clone(&self.forward)));
        let sent = match whole {
            Outcome::Forward => as_it_came(under),
            // Alone it may be readable: it is looked at again before it is first used.
            Outcome::ForwardOpaque => as_it_came(Under::NOTHING),
            Outcome::Rewritten(_) if under == self.under(held) => {
                let readable = alone.filter(|outcome| match &**outcome {
                    Outcome::Forward | Outcome::Rewritten(_) => true,
                    Outcome::ForwardOpaque | Outcome::Refused(_) => false,
                });
                readable.map(|outcome| (under, outcome))
            }
            Outcome::Rewritten(_) | Outcome::Refused(_) => None,
        };
        let scope = Scope::Unknown;
        let standing = sent.map(|(under, outcome)| Standing {
            under,
            outcome,
            changes_names,
            effects: None,
            scope,
        });
        Version { source: Arc::clone(source), standing, missing: false, unsure: false }
    }

    /// The server has done a command, by its tag.
    pub(super) fn commanded(&mut self, tag: &[u8]) {
        let Some(command) = Command::done(tag) else { return };
        match self.replies.take_planned(|planned| planned.command == command) {
            Some(planned) => {
                planned.statements.iter().for_each(|name| self.statements.confirm(name));
                if command == Command::All {
                    self.statements.drop_named();
                }
            }
            None => match command {
                Command::Prepare => self.statements.prepared_unread(),
                Command::Deallocate => self.statements.doubt_named(),
                Command::All => self.statements.drop_named(),
            },
        }
    }

    /// What was planned is not going to happen.
    pub(super) fn abandon(&mut self, course: Option<&Course>) {
        for planned in course.into_iter().flat_map(|course| &course.0) {
            planned.statements.iter().for_each(|name| self.statements.take_back(name));
        }
    }

    /// The server answered which statements exist; `None` if some row of it was not understood.
    pub(super) fn statements_answered(&mut self, facts: Option<Vec<Fact>>) {
        self.statements.reconcile(facts.map(existing));
    }
}

/// Whether something before the first EXECUTE of a text may end a failed transaction.
fn can_end_transaction(effects: &Effects, text: &[u8]) -> bool {
    let Effects::Read(effects) = effects else { return true };
    let first = effects.iter().find_map(|effect| match effect {
        Effect::Runs { at, .. } => Some(*at),
        Effect::Makes { .. } | Effect::Drops(_) | Effect::DropsAll => None,
    });
    first.is_some_and(|at| text.get(..at).is_none_or(|before| before.contains(&b';')))
}
