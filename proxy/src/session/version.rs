//! What a statement was prepared from, and in which words it stands on the server.

use std::sync::Arc;

use rewrite_rules::Outcome;

use super::sql_prepared::Effects;

/// What a client prepared, kept because a later generation may have to read it again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The text of the Parse message, or the PREPARE statement; `None` if it was longer than what
    /// is inspected.
    pub(super) text: Option<Box<[u8]>>,
    /// Count and OIDs of the parameter types that a Parse declared, as sent.
    pub(super) types: Box<[u8]>,
    /// Whether it was made by PREPARE.
    pub(super) from_sql: bool,
}

impl Source {
    /// The text that the server has, or should have, of it.
    pub(super) fn sent_as<'a>(&'a self, outcome: &'a Outcome) -> &'a [u8] {
        match outcome {
            Outcome::Rewritten(rewritten) => {
                rewritten.statement(rewritten.own_statement()).as_bytes()
            }
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => {
                self.text.as_deref().unwrap_or_default()
            }
        }
    }
}

/// Under what a statement's words were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Under {
    /// The generation.
    pub(super) generation: u64,
    /// The session's names, as a count of their changes: PostgreSQL looks the names of a prepared
    /// statement up again when the search path or a relation has changed.
    pub(super) names: u64,
}

impl Under {
    /// Under nothing that is held now or later: generations are numbered from 1.
    pub(super) const NOTHING: Self = Self { generation: 0, names: 0 };
}

/// The words in which a statement stands on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Under what they were chosen.
    pub(super) under: Under,
    /// What the client's text became.
    pub(super) outcome: Arc<Outcome>,
    /// Whether running it may change what names mean in the session.
    pub(super) changes_names: bool,
    /// What running it does to prepared statements.
    pub(super) effects: Option<Arc<Effects>>,
    /// What running it does to the transaction.
    pub(super) scope: Scope,
}

/// What running a statement does to the transaction that it is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Scope {
    /// It stays in it.
    Stays,
    /// It begins one that lasts until it is ended.
    Begins,
    /// It checks what was put off, of whatever table, and may end it with that.
    Checks,
    /// That was not looked at.
    #[default]
    Unknown,
}

impl Scope {
    /// Read from the first word of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        const STAYING: [&[u8]; 6] = [b"select", b"insert", b"update", b"delete", b"with", b"merge"];
        let text = text.trim_ascii_start();
        let word = text.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
        let is = |known: &[u8]| word.eq_ignore_ascii_case(known);
        match () {
            () if STAYING.iter().any(|known| is(known)) => Self::Stays,
            () if is(b"begin") || is(b"start") => Self::Begins,
            () if is(b"commit") || is(b"end") => Self::Checks,
            () if is(b"set") && is_behind(text, b"constraints") => Self::Checks,
            () => Self::Unknown,
        }
    }
}

/// Whether that is the second word.
fn is_behind(text: &[u8], word: &[u8]) -> bool {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.nth(1).is_some_and(|second| second.eq_ignore_ascii_case(word))
}

/// Whether a text checks what was put off, and does nothing else.
pub(super) fn only_checks(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(b";").unwrap_or(text);
    Scope::of(text) == Scope::Checks && !text.contains(&b';')
}

/// One version of a statement that exists for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) source: Arc<Source>,
    /// `None` if that is not known, or it stands not at all.
    pub(super) standing: Option<Standing>,
    /// It is not on the server, because preparing it again failed.
    pub(super) missing: bool,
    /// Set when the server dropped some statement whose name was not seen (DEALLOCATE): this one
    /// may be gone.
    pub(super) unsure: bool,
}

impl Version {
    /// One that was sent without being read.
    pub(super) fn as_it_came(source: Source) -> Self {
        let standing = Standing {
            under: Under::NOTHING,
            outcome: Arc::new(Outcome::Forward),
            changes_names: false,
            effects: None,
            scope: Scope::Unknown,
        };
        Self { source: Arc::new(source), standing: Some(standing), missing: false, unsure: false }
    }

    /// Whether it may stand in other words than the client's.
    pub(super) fn may_be_rewritten(&self) -> bool {
        self.standing
            .as_ref()
            .is_none_or(|standing| matches!(*standing.outcome, Outcome::Rewritten(_)))
    }

    /// Whether what the server has of that name can be this one.
    pub(super) fn stands_as(&self, on_server: &Source) -> bool {
        let sent = self.standing.as_ref().map(|standing| self.source.sent_as(&standing.outcome));
        !self.unsure || sent.is_none_or(|sent| on_server.text.as_deref() == Some(sent))
    }
}
