//! Decides what a text becomes: the generation's word on it, unless the session makes it unreadable.

use std::sync::Arc;

use bytes::BytesMut;
use rewrite_rules::{CopyIn, Encoding, Outcome, Refusal, Shape};

use super::conversation::{Conversation, Question, QuestionKind, Step};
use super::counters::{Counters, bump};
use super::names::{
    Knowledge, NAMES_QUESTION, PREPARED_QUESTION, QUESTION_NAME, ShapeSetting, View, mentions_ddl,
};
use super::reply::{Entry, Expected, Origin};
use super::search_path::sets_same_path;
use super::transaction::Held;
use super::version::Under;
use crate::phase::generation::Generation;
use crate::wire::compose;

/// Longest text that is inspected. A longer one is relayed where nothing is governed, and refused
/// elsewhere; PostgreSQL itself needs gigabytes to parse much more. Unit: bytes.
pub(super) const INSPECTED_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// Most questions on account of one message. Two kinds there are besides renewals, and names may have to be asked
/// again after a flip; beyond that the answers do not hold, and asking on would be for ever.
/// Unit: questions.
pub(super) const MAX_QUESTIONS: usize = 8;

/// Name under which a refused statement is "prepared"; preparing it always fails. Reserved.
pub(super) const REFUSED_NAME: &[u8] = b"segue_refused";

/// No declared parameter types.
pub(super) const NO_TYPES: &[u8] = &[0, 0];

/// What a text becomes.
#[derive(Debug)]
pub(super) enum Verdict {
    /// This.
    Decided(Decision),
    /// That depends on something that must be asked first.
    Needs(QuestionKind),
}

/// What becomes of a text, and what it may do to the session.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    /// What to send.
    pub(super) outcome: Arc<Outcome>,
    /// Whether running it may change what names mean in the session.
    pub(super) changes_names: bool,
    /// Whether it may be about prepared statements.
    pub(super) prepared: bool,
}

/// A refusal that comes from the session, not from a migration.
pub(super) fn refusal(sqlstate: &'static str, message: &str, hint: &str) -> Arc<Outcome> {
    Arc::new(Outcome::Refused(Refusal {
        sqlstate,
        message: message.to_owned(),
        detail: None,
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

/// Refuses a governed statement while nobody knows in which phase the other replicas are. It is the
/// SQLSTATE that applications try again on.
fn unheard() -> Arc<Outcome> {
    refusal(
        "40001",
        "this proxy has lost touch with the migrations' journal, and cannot know how to treat a table \
         under migration",
        "Try again: it goes on when it reaches the database.",
    )
}

pub(super) fn midway() -> Arc<Outcome> {
    refusal(
        "0A000",
        "cannot know which tables this text names: an earlier statement in it may change that",
        "Send the statements one by one.",
    )
}

impl Conversation {
    /// Decides what `text` becomes in the generation held.
    pub(super) fn decide(&self, text: &[u8]) -> Verdict {
        let Some(generation) = self.transaction.generation() else {
            return Verdict::Decided(self.unread());
        };
        let scan = generation.compiled().scan(text);
        let only_rolls_back = only_rolls_back(text);
        let changes_names = (scan.session && !only_rolls_back)
            || (self.names.has_temporary() && mentions_ddl(text));
        let prepared = scan.prepared;
        // What these name is a savepoint. A failed transaction could not be asked what else, and one that has read something
        // takes no isolation level any more.
        if only_rolls_back || only_controls(text) || (!scan.governed && !scan.catalog) {
            return Verdict::Decided(Decision { changes_names, prepared, ..self.unread() });
        }
        // What names only catalogs is not refused because it could not be read.
        let unread = |refusal: Arc<Outcome>| match scan.governed {
            true => refusal,
            false => Arc::new(Outcome::ForwardOpaque),
        };
        if scan.governed && !self.transaction.serves() {
            return Verdict::Decided(Decision { changes_names, prepared, outcome: unheard() });
        }
        let outcome = match self.names.known() {
            Knowledge::Nothing if self.asked >= MAX_QUESTIONS => unread(unknowable()),
            Knowledge::Nothing => return Verdict::Needs(QuestionKind::Names),
            Knowledge::Unknowable => unread(unknowable()),
            Knowledge::View(view)
                if scan.session
                    && renames_midway(&generation, text, view, self.names.touched()) =>
            {
                unread(midway())
            }
            Knowledge::View(view) => match (readable(text, view), self.shape(view)) {
                (None, _) => unread(unreadable()),
                (Some(_), Err(refused)) => refused,
                (Some(text), Ok(shape)) => {
                    let strings = view.conforming_strings;
                    let plan = generation.plan((text, scan), &view.search_path, strings, shape);
                    if needed_encoding(&plan) > view.encoding { unsplittable() } else { plan }
                }
            },
        };
        Verdict::Decided(Decision { outcome, changes_names, prepared })
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

    /// What becomes of a text that nobody looks at.
    pub(super) fn unread(&self) -> Decision {
        Decision { outcome: Arc::clone(&self.forward), changes_names: false, prepared: false }
    }

    /// Decides the same for a text that a statement is prepared from: it runs later, when there may
    /// be temporary relations.
    pub(super) fn decide_prepared(&self, text: &[u8], held: Held) -> Verdict {
        match self.decide(text) {
            Verdict::Decided(mut decision) => {
                decision.changes_names |= held.governs && mentions_ddl(text);
                Verdict::Decided(decision)
            }
            needs @ Verdict::Needs(_) => needs,
        }
    }

    /// The same for a Parse. In a failed transaction it is sent as it is, even if it would be refused: PostgreSQL prepares
    /// nothing there, and says that before it looks at names.
    pub(super) fn decide_parse(&self, text: &[u8], held: Held) -> Verdict {
        match self.decide_prepared(text, held) {
            Verdict::Decided(mut decision) => {
                if self.certainly_failed() && matches!(*decision.outcome, Outcome::Refused(_)) {
                    decision.outcome = Arc::clone(&self.forward);
                }
                Verdict::Decided(decision)
            }
            needs @ Verdict::Needs(_) => needs,
        }
    }

    /// Under what a text is read now.
    pub(super) fn under(&self, held: Held) -> Under {
        Under { generation: held.number, names: self.names.changes() }
    }

    /// Asks the server. `alone` where the client's waiting message is a Query that no batch is open
    /// before: the question is a transaction of its own then and ends with Sync. Elsewhere it must
    /// not end the client's batch: it ends with Flush, and its failure is that of the batch.
    pub(super) fn ask(&mut self, kind: QuestionKind, alone: bool) -> Step {
        let text = match kind {
            QuestionKind::Names => NAMES_QUESTION,
            QuestionKind::Prepared => PREPARED_QUESTION,
        };
        self.replies.expect_question(|expected| Entry::new(expected, Origin::Question, None));
        let bytes = compose::question(QUESTION_NAME, text.as_bytes());
        self.send_question(Some(kind), bytes, alone)
    }

    /// Sends a question of which all but the end has been noted, and waits for the answer.
    pub(super) fn send_question(
        &mut self,
        kind: Option<QuestionKind>,
        mut bytes: BytesMut,
        alone: bool,
    ) -> Step {
        if alone {
            self.replies.push(Entry::new(Expected::Sync, Origin::Question, None));
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

/// Whether the text is one command about a transaction and no more.
fn only_controls(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b";").unwrap_or(text);
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut words = words.map(<[u8]>::to_ascii_lowercase);
    let controls = match words.next().as_deref() {
        Some(b"begin" | b"start" | b"commit" | b"end" | b"abort" | b"savepoint" | b"release") => {
            true
        }
        Some(b"set") => words.next().as_deref() == Some(b"transaction"),
        Some(_) | None => false,
    };
    controls && !text.contains(&b';')
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
        let governed_after = changed && (scan.governed || scan.catalog);
        changed = changed || changes_names_in(generation, piece, view, touched);
        governed_after
    })
}

/// Whether some statement of a text may change what names mean. Cut in the same way.
pub(super) fn changes_names_in(
    generation: &Generation,
    text: &[u8],
    view: &View,
    touched: bool,
) -> bool {
    text.split(|byte| *byte == b';').any(|piece| {
        // A ROLLBACK takes back a change of the same transaction only.
        let nothing_to_take_back = begins_with_rollback(piece) && !touched;
        generation.compiled().scan(piece).session
            && !nothing_to_take_back
            && !sets_same_path(piece, &view.search_path)
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
