//! What two observations of one entry must have in common.

use std::fmt::Write as _;

use rewrite_rules::Phase;
use segue_tests::message::{Fields, Message};
use segue_tests::wire::Reply;

use crate::corpus::Entry;
use crate::observe::Seen;

/// How an entry came out in one phase and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A client cannot tell.
    Equal,
    /// Refused, as the corpus says.
    Refused,
    /// Different, as the corpus says.
    Differs,
    /// What is wrong.
    Fault(String),
}

/// The answer without what may differ: what explains an error, and an order nobody asked for.
pub(crate) fn comparable(reply: Reply, ordered: bool) -> Vec<Message> {
    let mut messages = reply.messages;
    for message in &mut messages {
        if let Message::Error(fields) = message {
            let kept = ['S', 'C', 'M', 'P', 't', 'c', 'n'];
            *fields = Fields(
                kept.into_iter().map(|field| (field, fields.get(field).to_owned())).collect(),
            );
        }
    }
    if !ordered {
        let is_row = |message: &Message| matches!(message, Message::Row(_) | Message::CopyData(_));
        let bytes = |message: &Message| match message {
            Message::Row(values) => values.clone(),
            Message::CopyData(data) => vec![Some(data.clone())],
            _ => Vec::new(),
        };
        for rows in messages.chunk_by_mut(|one, other| is_row(one) && is_row(other)) {
            rows.sort_by_cached_key(bytes);
        }
    }
    messages
}

/// Compares one entry in one phase and mode.
///
/// `untouched` is what the tables mean when nothing was done.
pub(crate) fn judge(
    plain: &Seen,
    found: &Seen,
    untouched: &[String],
    entry: &Entry,
    phase: Phase,
) -> Verdict {
    let refused = |words: &str| {
        let is_refusal =
            |fields: &Fields| fields.code() == "0A000" && fields.get('M').contains(words);
        found.answer.iter().any(|it| matches!(it, Message::Error(fields) if is_refusal(fields)))
    };
    match (entry.refused_in(phase), entry.differs_in(phase)) {
        _ if plain == found => Verdict::Equal,
        (Some(words), _) if refused(words) => match &found.content {
            Some(content) if content != untouched => {
                Verdict::Fault("    refused, but something was done\n".to_owned())
            }
            _ => Verdict::Refused,
        },
        (None, Some(_)) => Verdict::Differs,
        (Some(_) | None, _) => Verdict::Fault(difference(plain, found)),
    }
}

/// What is wrong with an entry that came out like this in every mode it can be sent in: the list of
/// what is refused, or differs, may only hold what is.
pub(crate) fn listed_in_vain(verdicts: &[Verdict], entry: &Entry, phase: Phase) -> Option<Verdict> {
    let why = entry.refused_in(phase).or_else(|| entry.differs_in(phase))?;
    verdicts
        .iter()
        .all(|verdict| *verdict == Verdict::Equal)
        .then(|| Verdict::Fault(format!("    take it off the list, it is equal: {why}\n")))
}

/// What differs, one line each.
pub(crate) fn difference(plain: &Seen, found: &Seen) -> String {
    let mut text = String::new();
    let shown = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|message| format!("{message:?}")).collect()
    };
    let content = |seen: &Seen| seen.content.clone().unwrap_or_default();
    for (title, before, after) in [
        ("answer", shown(&plain.answer), shown(&found.answer)),
        ("content", content(plain), content(found)),
    ] {
        for line in before.iter().filter(|line| !after.contains(line)) {
            let _ = writeln!(text, "    {title} lacks {line}");
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            let _ = writeln!(text, "    {title} has   {line}");
        }
        if text.is_empty() && before != after {
            let _ = writeln!(text, "    {title}: {before:?}\n    became {after:?}");
        }
    }
    text
}
