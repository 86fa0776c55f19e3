//! Decides what a text becomes: the generation's word on it, unless the session makes it unreadable.

use std::sync::Arc;

use rewrite_rules::{CopyIn, Encoding, Outcome, Refusal, Shape};

use super::conversation::{Conversation, Question, QuestionKind, Step};
use super::counters::{Counters, bump};
use super::names::{
    Knowledge, NAMES_QUESTION, PREPARED_QUESTION, QUESTION_NAME, SQL_PREPARED_QUESTION,
    ShapeSetting, View, mentions_ddl,
};
use super::patch::FAILING_STATEMENT;
use super::reply::{Entry, Expected, Origin};
use super::search_path::sets_same_path;
use super::statements::{Found, Source, Standing, Under, Version};
use super::transaction::Held;
use crate::phase::generation::Generation;
use crate::wire::compose;

/// Longest text that is inspected. A longer one is relayed where nothing is governed, and refused
/// elsewhere; PostgreSQL itself needs gigabytes to parse much more. Unit: bytes.
pub(super) const INSPECTED_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// Most questions on account of one message. Three kinds there are, and names may have to be asked
/// again after a flip; beyond that the answers do not hold, and asking on would be for ever.
/// Unit: questions.
const MAX_QUESTIONS: usize = 8;

/// Name under which a refused statement is "prepared"; preparing it always fails. Reserved.
pub(super) const REFUSED_NAME: &[u8] = b"segue_refused";

/// No declared parameter types.
pub(super) const NO_TYPES: &[u8] = &[0, 0];

/// What a text becomes.
#[derive(Debug)]
pub(super) enum Verdict {
    /// This.
    Decided {
        /// What to send.
        outcome: Arc<Outcome>,
        /// Whether running it may change what names mean in the session.
        changes_names: bool,
    },
    /// That depends on something that must be asked first.
    Needs(QuestionKind),
}

/// What a Bind or Describe of a statement must do.
#[derive(Debug)]
pub(super) enum Use {
    /// Send these bytes, if any, and then it.
    Go {
        /// Prepares the statement again, or makes the use fail.
        before: Option<bytes::BytesMut>,
        /// The words in which the statement stands then.
        standing: Option<Standing>,
    },
    /// Wait, or ask.
    Later(Step),
}

/// A refusal that comes from the session, not from a migration.
pub(super) fn refusal(sqlstate: &'static str, message: &str, hint: &str) -> Arc<Outcome> {
    Arc::new(Outcome::Refused(Refusal {
        sqlstate,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
        position: None,
        in_every_phase: true,
    }))
}

/// Refuses a text that is too long to be inspected.
pub(super) fn too_long() -> Arc<Outcome> {
    refusal(
        "54000",
        &format!("statement is longer than the {INSPECTED_TEXT_BYTES} bytes that are inspected"),
        "Send the values as parameters or by COPY, or send several statements.",
    )
}

/// Refuses a governed text whose names cannot be resolved.
pub(super) fn unknowable() -> Arc<Outcome> {
    refusal(
        "0A000",
        "cannot know which tables this statement names: the session's search path cannot be read",
        "Write the table with its schema, or end the failed transaction first.",
    )
}

fn unreadable() -> Arc<Outcome> {
    refusal(
        "0A000",
        "statement may name a table under migration and is not encoded in UTF-8",
        "Set client_encoding to UTF8.",
    )
}

fn unsplittable() -> Arc<Outcome> {
    refusal(
        "0A000",
        "cannot tell the fields of COPY apart in this client_encoding: a migration needs more of them",
        "Set client_encoding to UTF8.",
    )
}

fn midway() -> Arc<Outcome> {
    refusal(
        "0A000",
        "cannot know which tables this text names: an earlier statement in it may change that",
        "Send the statements one by one.",
    )
}

impl Conversation {
    /// Decides what `text` becomes in the generation held.
    pub(super) fn decide(&self, text: &[u8]) -> Verdict {
        let forward =
            |changes_names| Verdict::Decided { outcome: Arc::clone(&self.forward), changes_names };
        let Some(generation) = self.transaction.generation() else {
            return forward(false);
        };
        let scan = generation.compiled().scan(text);
        let changes_names = (scan.session && !only_rolls_back(text))
            || (self.names.has_temporary() && mentions_ddl(text));
        if !scan.governed {
            return forward(changes_names);
        }
        let outcome = match self.names.known() {
            Knowledge::Nothing if self.asked >= MAX_QUESTIONS => unknowable(),
            Knowledge::Nothing => return Verdict::Needs(QuestionKind::Names),
            Knowledge::Unknowable => unknowable(),
            Knowledge::View(view)
                if scan.session
                    && renames_midway(&generation, text, view, self.names.touched()) =>
            {
                midway()
            }
            Knowledge::View(view) => match (readable(text, view), self.shape(view)) {
                (None, _) => unreadable(),
                (Some(_), Err(refused)) => refused,
                (Some(text), Ok(shape)) => {
                    let strings = view.conforming_strings;
                    let plan = generation.plan(text, &view.search_path, strings, shape);
                    if needed_encoding(&plan) > view.encoding { unsplittable() } else { plan }
                }
            },
        };
        Verdict::Decided { outcome, changes_names }
    }

    /// The shape that the client speaks, as far as is known.
    pub(super) fn spoken_shape(&self) -> Shape {
        let known = match self.names.known() {
            Knowledge::View(view) => self.shape(view).ok(),
            Knowledge::Nothing | Knowledge::Unknowable => None,
        };
        known.unwrap_or_else(|| self.transaction.usual_shape())
    }

    /// The shape that the client speaks.
    fn shape(&self, view: &View) -> Result<Shape, Arc<Outcome>> {
        match &view.shape {
            ShapeSetting::Unset => Ok(self.transaction.usual_shape()),
            ShapeSetting::Set(shape) => Ok(*shape),
            ShapeSetting::Unknown(value) => Err(refusal(
                "22023",
                &format!("invalid value for parameter \"segue.shape\": \"{value}\""),
                "Available values: old, new.",
            )),
        }
    }

    /// The same for a text that a statement is prepared from: it runs later, when there may be
    /// temporary relations.
    pub(super) fn decide_prepared(&self, text: &[u8]) -> Verdict {
        match self.decide(text) {
            Verdict::Decided { outcome, changes_names } => {
                Verdict::Decided { outcome, changes_names: changes_names || mentions_ddl(text) }
            }
            needs @ Verdict::Needs(_) => needs,
        }
    }

    /// Makes `name` stand in the words of the generation held before it is used.
    pub(super) fn use_statement(&mut self, name: &[u8], held: Held) -> Use {
        let batch = self.transaction.batch();
        let version = match self.statements.find(name, self.under(held), batch) {
            Found::Absent => return self.use_absent(name, held),
            Found::Current(standing) => {
                return Use::Go { before: None, standing: Some(standing.clone()) };
            }
            Found::Unsettled => return Use::Later(Step::Wait),
            Found::Stale(version) => version.clone(),
        };
        self.renew(name, held, version)
    }

    /// Under what a text is read now.
    pub(super) fn under(&self, held: Held) -> Under {
        Under { generation: held.number, names: self.names.changes() }
    }

    /// Prepares a statement again that stands in the words of another generation, unless they are
    /// the same.
    fn renew(&mut self, name: &[u8], held: Held, version: Version) -> Use {
        let verdict = match &version.source.text {
            _ if !held.governs => {
                Verdict::Decided { outcome: Arc::clone(&self.forward), changes_names: false }
            }
            None => Verdict::Decided { outcome: too_long(), changes_names: false },
            Some(text) => self.judge(text, held, true),
        };
        let (outcome, changes_names) = match verdict {
            Verdict::Decided { outcome, changes_names } => (outcome, changes_names),
            Verdict::Needs(kind) => return Use::Later(self.ask(kind, false)),
        };
        let new = Standing { under: self.under(held), outcome, changes_names };
        if let Outcome::Refused(_) = *new.outcome {
            return self.refuse_use(&new.outcome);
        }
        let source = &version.source;
        let text = server_text(source, &new.outcome);
        let same =
            version.standing.as_ref().is_some_and(|old| server_text(source, &old.outcome) == text);
        if same {
            self.statements.still_stands(name, new.clone());
            return Use::Go { before: None, standing: Some(new) };
        }
        if version.unsure {
            return Use::Later(self.ask(QuestionKind::Prepared, false));
        }
        let mut before = compose::close_statement(name);
        before.unsplit(compose::parse(name, text, &source.types));
        self.expect_renewal(name, &version, &new);
        Use::Go { before: Some(before), standing: Some(new) }
    }

    /// Makes a Bind or Describe fail in the words of a refusal.
    fn refuse_use(&mut self, outcome: &Arc<Outcome>) -> Use {
        bump(&self.counters.refused);
        self.expect_injected(Expected::Parse { statement: None }, Some(outcome));
        let failing = FAILING_STATEMENT.as_bytes();
        Use::Go { before: Some(compose::parse(REFUSED_NAME, failing, NO_TYPES)), standing: None }
    }

    /// A statement that was not prepared by a Parse: nothing, or one that PREPARE made.
    fn use_absent(&mut self, name: &[u8], held: Held) -> Use {
        match self.judge_execution(name, held) {
            None => Use::Go { before: None, standing: None },
            Some(Verdict::Needs(kind)) => Use::Later(self.ask(kind, false)),
            Some(Verdict::Decided { outcome, .. }) => self.refuse_use(&outcome),
        }
    }

    /// Notes the Close and the Parse that prepare a statement again.
    fn expect_renewal(&mut self, name: &[u8], version: &Version, new: &Standing) {
        bump(&self.counters.reprepared);
        let batch = self.transaction.batch();
        let closed = Version { standing: None, ..version.clone() };
        let renewed = Version { standing: Some(new.clone()), unsure: false, ..version.clone() };
        let statement = self.statements.sent(name, batch, Some(closed));
        self.expect_injected(Expected::Close { statement }, None);
        let statement = self.statements.sent(name, batch, Some(renewed));
        self.expect_injected(Expected::Parse { statement }, Some(&new.outcome));
    }

    fn expect_injected(&mut self, expected: Expected, patch: Option<&Arc<Outcome>>) {
        let patch = patch.filter(|outcome| needs_patch(outcome)).cloned();
        let statement = patch.as_deref().and_then(own_statement);
        self.replies.push(Entry { expected, origin: Origin::Injected, patch, statement });
        self.transaction.extend_batch();
    }

    /// Asks the server. `alone` where the client's waiting message is a Query that no batch is open
    /// before: the question is a transaction of its own then and ends with Sync. Elsewhere it must
    /// not end the client's batch: it ends with Flush, and its failure is that of the batch.
    pub(super) fn ask(&mut self, kind: QuestionKind, alone: bool) -> Step {
        let text = match kind {
            QuestionKind::Names => NAMES_QUESTION,
            QuestionKind::Prepared => PREPARED_QUESTION,
            QuestionKind::SqlPrepared => SQL_PREPARED_QUESTION,
        };
        let mut bytes = compose::question(QUESTION_NAME, text);
        let parts = [
            Expected::Close { statement: None },
            Expected::Parse { statement: None },
            Expected::Bind,
            Expected::Execute,
            Expected::Close { statement: None },
            Expected::Close { statement: None },
        ];
        let end = alone.then_some(Expected::Sync);
        for expected in parts.into_iter().chain(end) {
            self.replies.push(Entry {
                expected,
                origin: Origin::Question,
                patch: None,
                statement: None,
            });
        }
        if alone {
            bytes.unsplit(compose::sync());
            self.transaction.end_batch();
        } else {
            bytes.unsplit(compose::flush());
            self.transaction.extend_batch();
        }
        self.asked = self.asked.saturating_add(1);
        self.question = Some(Question { kind, facts: Some(Vec::new()) });
        Step::Ask(bytes)
    }
}

/// Whether the text is a ROLLBACK and no more. What it takes back was a change of the same
/// transaction, after which nothing is kept anyway.
fn only_rolls_back(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b";").unwrap_or(text);
    !text.contains(&b';') && begins_with_rollback(text)
}

fn begins_with_rollback(text: &[u8]) -> bool {
    let word = text.trim_ascii_start().split(|byte| !byte.is_ascii_alphabetic()).next();
    word.is_some_and(|word| {
        word.eq_ignore_ascii_case(b"rollback") || word.eq_ignore_ascii_case(b"abort")
    })
}

/// Whether a statement of several may change what a governed name means in a later one. Cut at
/// every semicolon, those inside literals too: that can only find more.
fn renames_midway(generation: &Generation, text: &[u8], view: &View, touched: bool) -> bool {
    let mut changed = false;
    text.split(|byte| *byte == b';').any(|piece| {
        let scan = generation.compiled().scan(piece);
        let governed_after = changed && scan.governed;
        // A ROLLBACK takes back a change of the same transaction only.
        let nothing_to_take_back = begins_with_rollback(piece) && !touched;
        changed |=
            scan.session && !nothing_to_take_back && !sets_same_path(piece, &view.search_path);
        governed_after
    })
}

/// The text as Rust and the lexer understand it; `None` if its bytes cannot be trusted to be the
/// characters that they look like.
fn readable<'a>(text: &'a [u8], view: &View) -> Option<&'a str> {
    match view.encoding {
        Encoding::Utf8 => std::str::from_utf8(text).ok(),
        Encoding::AsciiSafe | Encoding::Overlapping if text.is_ascii() => {
            std::str::from_utf8(text).ok()
        }
        Encoding::AsciiSafe | Encoding::Overlapping => None,
    }
}

/// What the client's encoding must be at least, for the rows of its COPY to be told apart.
fn needed_encoding(outcome: &Outcome) -> Encoding {
    let replies = match outcome {
        Outcome::Rewritten(rewritten) => rewritten.replies.as_slice(),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => &[],
    };
    let needed = replies.iter().map(|reply| match &reply.copy_in {
        Some(CopyIn::Extended(rows)) => rows.encoding,
        Some(CopyIn::Verbatim) | None => Encoding::Overlapping,
    });
    needed.max().unwrap_or(Encoding::Overlapping)
}

/// The text that the server has, or should have, of a statement.
fn server_text<'a>(source: &'a Source, outcome: &'a Outcome) -> &'a [u8] {
    match outcome {
        Outcome::Rewritten(rewritten) => rewritten.statement(rewritten.own_statement()).as_bytes(),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => {
            source.text.as_deref().unwrap_or_default()
        }
    }
}

/// Whether errors about a statement must be made to fit.
pub(super) fn needs_patch(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Forward | Outcome::ForwardOpaque => false,
        Outcome::Rewritten(_) | Outcome::Refused(_) => true,
    }
}

/// Which statement of an outcome the extended protocol prepares under the client's name.
pub(super) fn own_statement(outcome: &Outcome) -> Option<usize> {
    match outcome {
        Outcome::Rewritten(rewritten) => rewritten.own_statement(),
        Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => None,
    }
}

/// Counts a statement that is sent, or refused.
pub(super) fn count(counters: &Counters, outcome: &Outcome) {
    bump(match outcome {
        Outcome::Forward => &counters.forwarded,
        Outcome::ForwardOpaque => &counters.opaque,
        Outcome::Rewritten(_) => &counters.rewritten,
        Outcome::Refused(_) => &counters.refused,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_rollback_is_told_from_one_among_others() {
        for text in ["ROLLBACK", " rollback to savepoint a ;", "abort;"] {
            assert!(only_rolls_back(text.as_bytes()), "{text}");
        }
        for text in ["rollback; set role x", "begin", "set search_path = rollback"] {
            assert!(!only_rolls_back(text.as_bytes()), "{text}");
        }
    }
}
