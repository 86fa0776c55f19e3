//! Statements that the client prepared in SQL, with PREPARE, and executes after a flip.
//!
//! Their text never passes again, so they cannot be prepared anew unnoticed. The server still knows
//! it: before the first EXECUTE in a newer generation it is asked, and an EXECUTE of a statement
//! that this generation would not have sent as it stands is refused.

use std::sync::Arc;

use rewrite_rules::Outcome;

use super::conversation::{Conversation, QuestionKind};
use super::names::Fact;
use super::plan::{Verdict, refusal};
use super::statements::Found;
use super::transaction::Held;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct SqlPrepared {
    /// Whether there have been any.
    any: bool,
    /// The generation for which `stale` holds; at first the one in which they were prepared.
    judged_in: Option<u64>,
    /// The server's answer: name and text of each. `None` if it must be asked.
    texts: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Names of those that may not be executed.
    stale: Vec<Vec<u8>>,
    /// The server's answer was not understood: none may be executed.
    unreadable: bool,
}

impl SqlPrepared {
    /// A PREPARE took effect in a generation, 0 if none is held.
    pub(super) fn prepared(&mut self, generation: u64) {
        if !std::mem::replace(&mut self.any, true) {
            self.judged_in = Some(generation);
        }
        self.texts = None;
    }

    /// A DEALLOCATE took effect.
    pub(super) fn deallocated(&mut self) {
        self.texts = None;
        if !self.stale.is_empty() || self.unreadable {
            self.judged_in = None;
        }
    }

    /// The server answered.
    pub(super) fn answered(&mut self, facts: Option<Vec<Fact>>) {
        self.unreadable = facts.is_none();
        let mut facts = facts.unwrap_or_default();
        facts.sort_by(|one, other| (one.place, &one.kind).cmp(&(other.place, &other.kind)));
        let (pairs, _rest) = facts.as_chunks::<2>();
        // "name" comes before "text".
        let pairs = pairs.iter().map(|[name, text]| (name.value.clone(), text.value.clone()));
        self.texts = Some(pairs.collect());
    }
}

/// Whether a text mentions a word, in any case. It may be part of a longer one.
fn mentions(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word))
}

/// The statement that a text of the form `EXECUTE name …` executes, as the catalog would call it.
fn executed_name(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start();
    let (verb, rest) = text.split_at_checked(b"execute".len())?;
    if !verb.eq_ignore_ascii_case(b"execute") {
        return None;
    }
    let name = rest.trim_ascii_start();
    if let Some(quoted) = name.strip_prefix(b"\"") {
        return quoted.split(|byte| *byte == b'"').next().map(<[u8]>::to_vec);
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    let end = name.iter().position(|byte| !is_name(byte)).unwrap_or(name.len());
    Some(name.get(..end)?.to_ascii_lowercase())
}

fn stale_statement() -> Arc<Outcome> {
    refusal(
        "0A000",
        "statement was prepared with PREPARE before a migration changed its phase",
        "DEALLOCATE it and send the statement itself, or prepare it through the driver.",
    )
}

impl Conversation {
    /// Decides what a text becomes, including what it executes; for a text that a statement is
    /// prepared from if `prepared`.
    pub(super) fn judge(&mut self, text: &[u8], held: Held, prepared: bool) -> Verdict {
        if let Some(verdict) = self.judge_named(text, held) {
            return verdict;
        }
        if self.sql_prepared.any && mentions(text, b"execute") {
            match self.judge_execution(text, held) {
                None => {}
                Some(verdict) => return verdict,
            }
        }
        if prepared { self.decide_prepared(text) } else { self.decide(text) }
    }

    /// Decides about an EXECUTE of a statement that the driver prepared, in words that may no
    /// longer be the right ones. `None` if nothing speaks against it.
    fn judge_named(&mut self, text: &[u8], held: Held) -> Option<Verdict> {
        let name = executed_name(text).filter(|_| held.governs)?;
        let under = self.under(held);
        let version = match self.statements.find(&name, under, self.transaction.batch()) {
            Found::Stale(version) => version.clone(),
            Found::Absent | Found::Current(_) | Found::Unsettled => return None,
        };
        match self.decide(version.source.text.as_deref()?) {
            Verdict::Needs(kind) => Some(Verdict::Needs(kind)),
            Verdict::Decided { outcome, .. } => {
                let stands = version.standing.is_some_and(|old| old.outcome == outcome);
                (!stands)
                    .then(|| Verdict::Decided { outcome: stale_statement(), changes_names: false })
            }
        }
    }

    /// Decides about something that may execute a statement prepared in SQL: a text with EXECUTE in
    /// it, or the name in a Bind. `None` if nothing speaks against it.
    pub(super) fn judge_execution(&mut self, text: &[u8], held: Held) -> Option<Verdict> {
        if !self.sql_prepared.any || !held.governs {
            return None;
        }
        if self.sql_prepared.judged_in != Some(held.number) {
            let Some(texts) = &self.sql_prepared.texts else {
                return Some(Verdict::Needs(QuestionKind::SqlPrepared));
            };
            let mut stale = Vec::new();
            for (name, prepared) in texts {
                match self.decide(prepared) {
                    Verdict::Needs(kind) => return Some(Verdict::Needs(kind)),
                    Verdict::Decided { outcome, .. } => match *outcome {
                        Outcome::Forward | Outcome::ForwardOpaque => {}
                        Outcome::Rewritten(_) | Outcome::Refused(_) => stale.push(name.clone()),
                    },
                }
            }
            self.sql_prepared.stale = stale;
            self.sql_prepared.judged_in = Some(held.number);
        }
        let known = &self.sql_prepared;
        (known.unreadable || known.stale.iter().any(|name| mentions(text, name)))
            .then(|| Verdict::Decided { outcome: stale_statement(), changes_names: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert!(mentions(b"Execute s(1)", b"execute"));
        assert!(!mentions(b"select 1", b"execute"));
        assert!(!mentions(b"", b"s"));
    }

    #[test]
    fn the_executed_statement_is_named() {
        assert_eq!(executed_name(b" execute S1(2)"), Some(b"s1".to_vec()));
        assert_eq!(executed_name(b"EXECUTE \"S 1\""), Some(b"S 1".to_vec()));
        assert_eq!(executed_name(b"select 1"), None);
    }
}
