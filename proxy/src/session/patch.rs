//! Makes an error that the server reported fit what the client sent.

use bytes::BytesMut;
use rewrite_rules::outcome::{Raised, Told};
use rewrite_rules::{Outcome, Refusal, Rewritten, STAGING_TABLE};

use super::copy::KEPT_BYTES;

use super::names_in_reports::translated;
use super::report_scope::Scope;
use super::taken_key::{as_doubled, as_said, as_taken};
use crate::wire::compose::{self, Complaint};
use crate::wire::reply;

/// How PostgreSQL fails a text that is no value of its type: invalid_text_representation.
pub(super) const INVALID_TEXT: &[u8] = b"22P02";

/// A statement that fails at parse analysis on every server and under every search path. It is sent
/// in place of a refused one, so that the server's transaction, and the client's pipeline, fare
/// exactly as if the refusal were the server's own.
pub(super) const FAILING_STATEMENT: &str = "SELECT \"segue refused this statement\"";

/// How [`FAILING_STATEMENT`] fails: undefined_column.
const FAILING_SQLSTATE: &[u8] = b"42703";

/// How PostgreSQL fails a Parse of several statements, and anything it cannot read: syntax_error.
/// Only what it cannot read has a position.
const SYNTAX_ERROR: &[u8] = b"42601";

/// What to send instead of a refused text: [`FAILING_STATEMENT`], and the text behind it.
///
/// PostgreSQL reads a whole text before it runs the first statement of it. So a text that it could
/// not have read either fails with its own syntax error, and nothing of any text is executed.
pub(super) fn failing(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => format!("{FAILING_STATEMENT};\n{text}"),
        Err(_) => FAILING_STATEMENT.to_owned(),
    }
}

/// Characters that [`failing`] puts before the client's text.
fn characters_before() -> u32 {
    u32::try_from(FAILING_STATEMENT.len() + ";\n".len()).unwrap_or(u32::MAX)
}

/// What the server's error about a refused text means.
fn refused(tag: u8, fields: &[(u8, &[u8])]) -> Verdict {
    let sqlstate = reply::field(fields, b'C');
    let position = reply::field(fields, b'P')
        .and_then(|position| std::str::from_utf8(position).ok()?.parse::<u32>().ok());
    let behind = position.and_then(|position| position.checked_sub(characters_before()));
    match (tag, sqlstate, position, behind) {
        (b'E', Some(SYNTAX_ERROR), None, _) => Verdict::Ours,
        (b'E', Some(FAILING_SQLSTATE), _, None | Some(0)) => Verdict::Ours,
        (_, _, _, Some(position @ 1..)) => Verdict::Theirs { position },
        // A failed transaction, a cancelled statement, a timeout: the server's own words.
        _ => Verdict::Untouched,
    }
}

/// Whose fault an error about a refused text is.
enum Verdict {
    /// It stands for the refusal.
    Ours,
    /// PostgreSQL could not have read the client's text either.
    Theirs {
        /// Where in the client's text.
        position: u32,
    },
    /// It has nothing to do with the text.
    Untouched,
}

/// The ErrorResponse or NoticeResponse that the client must see instead of the server's; `None` if
/// the server's own is right. `outcome` is what became of the statement it is about, of which only
/// the `statement`-th may have been sent, and `scope` tells what its names are to the client.
pub(super) fn report(
    tag: u8,
    body: &[u8],
    outcome: &Outcome,
    statement: Option<usize>,
    scope: &Scope<'_>,
) -> Option<BytesMut> {
    let fields = reply::fields(body)?;
    match outcome {
        Outcome::Forward | Outcome::ForwardOpaque => {
            changed(tag, &fields, &[], scope, |_| Place::Same)
        }
        Outcome::Rewritten(rewritten) => {
            let to_client = |position| match rewritten.client_position(statement, position) {
                Some(position) => Place::At(position),
                None => Place::Nowhere,
            };
            match raised(&fields, rewritten).map(|raised| &raised.told) {
                Some(Told::Refusal(refusal)) => return Some(complaint(refusal)),
                Some(Told::Taken(taken)) => {
                    return Some(compose::report(tag, &as_said(&fields, taken)));
                }
                None => {}
            }
            let doubled = rewritten.replies.iter().find_map(|reply| reply.doubled.as_ref());
            match doubled.and_then(|taken| as_doubled(&fields, taken)) {
                Some(told) => Some(compose::report(tag, &told)),
                None => changed(tag, &fields, &staged(rewritten), scope, to_client),
            }
        }
        Outcome::Refused(refusal) => match refused(tag, &fields) {
            Verdict::Untouched => None,
            Verdict::Theirs { position } => {
                changed(tag, &fields, &[], &Scope::default(), |_| Place::At(position))
            }
            Verdict::Ours => Some(complaint(refusal)),
        },
    }
}

fn complaint(refusal: &Refusal) -> BytesMut {
    Complaint {
        severity: "ERROR",
        sqlstate: refusal.sqlstate,
        message: refusal.message.clone(),
        detail: refusal.detail,
        hint: refusal.hint.clone(),
        position: refusal.position,
    }
    .to_bytes()
}

/// How a statement of ours has ended itself, if this is how.
fn raised<'r>(fields: &[(u8, &[u8])], rewritten: &'r Rewritten) -> Option<&'r Raised> {
    if reply::field(fields, b'C') != Some(INVALID_TEXT) {
        return None;
    }
    let message = std::str::from_utf8(reply::field(fields, b'M')?).ok()?;
    let mut all = rewritten.replies.iter().flat_map(|reply| &reply.raised);
    let said = |word: &str| message.contains(&format!("{word} "));
    all.find(|raised| said(raised.word))
}

/// Where in the client's text a position of the server's is.
enum Place {
    /// At the same position.
    Same,
    At(u32),
    /// In a statement that the client did not send.
    Nowhere,
}

/// The tables that the client named where a temporary one was written to.
fn staged(rewritten: &Rewritten) -> Vec<&str> {
    rewritten.replies.iter().find_map(|reply| reply.staged_for.as_deref()).into_iter().collect()
}

/// The report with its position and its names translated; `None` if nothing changes.
fn changed(
    tag: u8,
    fields: &[(u8, &[u8])],
    staged: &[&str],
    scope: &Scope<'_>,
    to_client: impl Fn(u32) -> Place,
) -> Option<BytesMut> {
    if let Some(told) = as_taken(fields, scope.taken()) {
        return Some(compose::report(tag, &told));
    }
    let sqlstate = reply::field(fields, b'C').unwrap_or_default();
    let text = |code: u8, value: &[u8]| {
        let named = staged.first().and_then(|table| with_table(code, value, table));
        let value = named.as_deref().unwrap_or(value);
        translated(code, value, sqlstate, scope).or(named)
    };
    let mut any = false;
    let mut new = Vec::with_capacity(fields.len());
    for &(code, value) in fields {
        let position = || std::str::from_utf8(value).ok()?.parse().ok();
        let changed = match (code, position().map(&to_client)) {
            (b'P', Some(Place::Nowhere)) => {
                any = true;
                continue;
            }
            (b'P', Some(Place::At(position))) => Some(position.to_string().into_bytes()),
            (b'P', Some(Place::Same) | None) => None,
            (code, _) => text(code, value),
        };
        any |= changed.is_some();
        new.push((code, changed.unwrap_or_else(|| value.to_vec())));
    }
    any.then(|| compose::report(tag, &new))
}

/// A message, detail or context with the client's table instead of the temporary one.
fn with_table(code: u8, text: &[u8], table: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let speaks = matches!(code, b'M' | b'D' | b'W') && text.contains(STAGING_TABLE);
    speaks.then(|| text.replace(STAGING_TABLE, table).into_bytes())
}

/// Why a COPY is broken off by us.
pub(super) const ROW_TOO_LONG: &str =
    "a field that a migration repeats is too long to be kept until the end of its row";

/// Whether an error says that the COPY was broken off by us.
pub(super) fn is_copy_failure(body: &[u8]) -> bool {
    let message = reply::fields(body).and_then(|fields| reply::field(&fields, b'M'));
    message.is_some_and(|message| message.ends_with(ROW_TOO_LONG.as_bytes()))
}

/// The error that the client gets then.
pub(super) fn row_too_long() -> BytesMut {
    let complaint = Complaint {
        severity: "ERROR",
        sqlstate: "54000",
        message: ROW_TOO_LONG.to_owned(),
        detail: None,
        hint: Some(format!("Use INSERT for values of more than {KEPT_BYTES} bytes.")),
        position: None,
    };
    complaint.to_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use rewrite_rules::{PositionMap, Refusal, Rewritten};

    const UNDEFINED: &[u8] = b"SERROR\0C42703\0Mno\0P8\0\0";

    #[test]
    fn a_refusal_takes_the_place_of_the_failure_that_stands_for_it() {
        let refused = Outcome::Refused(Refusal {
            sqlstate: "0A000",
            message: "no".into(),
            detail: Some("more"),
            hint: Some("yes".into()),
            position: Some(3),
            in_every_phase: false,
        });
        let bytes = report(b'E', UNDEFINED, &refused, None, &Scope::default()).unwrap();
        assert_eq!(&bytes[5..], b"SERROR\0VERROR\0C0A000\0Mno\0Dmore\0Hyes\0P3\0\0");
        assert_eq!(
            report(b'E', b"SERROR\0C25P02\0Mno\0\0", &refused, None, &Scope::default()),
            None
        );
        assert_eq!(report(b'N', UNDEFINED, &refused, None, &Scope::default()), None);
        let several =
            report(b'E', b"SERROR\0C42601\0Mseveral\0\0", &refused, None, &Scope::default())
                .unwrap();
        assert_eq!(several, bytes, "a Parse of two statements");
    }

    #[test]
    fn what_postgresql_cannot_read_either_is_its_own_error() {
        let refused = Outcome::Refused(Refusal {
            sqlstate: "0A000",
            message: "no".into(),
            detail: None,
            hint: None,
            position: None,
            in_every_phase: false,
        });
        let sent = failing("é SELEC".as_bytes());
        let at = sent.chars().position(|c| c == 'é').unwrap() + 3;
        let body = format!("SERROR\0C42601\0Msyntax\0P{at}\0\0");
        let bytes = report(b'E', body.as_bytes(), &refused, None, &Scope::default()).unwrap();
        assert_eq!(&bytes[5..], b"SERROR\0C42601\0Msyntax\0P3\0\0");
    }

    #[test]
    fn positions_lead_into_the_text_of_the_client() {
        let positions = PositionMap::default();
        let rewritten = Outcome::Rewritten(Rewritten {
            sql: String::new(),
            positions,
            replies: Vec::new(),
            mentions: Arc::default(),
        });
        let bytes = report(b'E', UNDEFINED, &rewritten, None, &Scope::default()).unwrap();
        assert_eq!(&bytes[5..], UNDEFINED);
        assert_eq!(
            report(b'E', b"SERROR\0C42P01\0\0", &rewritten, None, &Scope::default()),
            None,
            "no position in it"
        );
        assert_eq!(report(b'E', UNDEFINED, &Outcome::Forward, None, &Scope::default()), None);
        assert_eq!(report(b'E', b"garbage", &rewritten, None, &Scope::default()), None);
    }
}
