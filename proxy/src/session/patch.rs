//! Makes an error that the server reported fit what the client sent.

use bytes::BytesMut;
use rewrite_rules::Outcome;

use crate::wire::compose::{self, Complaint};
use crate::wire::reply;

/// A statement that fails at parse analysis on every server and under every search path. It is sent
/// in place of a refused one, so that the server's transaction, and the client's pipeline, fare
/// exactly as if the refusal were the server's own.
pub(super) const FAILING_STATEMENT: &str = "SELECT \"segue refused this statement\"";

/// How [`FAILING_STATEMENT`] fails: undefined_column.
const FAILING_SQLSTATE: &[u8] = b"42703";

/// The ErrorResponse or NoticeResponse that the client must see instead of the server's; `None` if
/// the server's own is right. `outcome` is what became of the statement it is about.
pub(super) fn report(tag: u8, body: &[u8], outcome: &Outcome) -> Option<BytesMut> {
    let fields = reply::fields(body)?;
    match outcome {
        Outcome::Forward | Outcome::ForwardOpaque => None,
        Outcome::Rewritten(rewritten) => {
            let position = reply::field(&fields, b'P')?;
            let position: u32 = std::str::from_utf8(position).ok()?.parse().ok()?;
            let position = rewritten.positions.to_client(position).to_string();
            Some(compose::with_field(tag, &fields, b'P', position.as_bytes()))
        }
        Outcome::Refused(refusal) => {
            // A failed transaction, a cancelled statement, a timeout: the server's own words.
            let ours = tag == b'E' && reply::field(&fields, b'C') == Some(FAILING_SQLSTATE);
            ours.then(|| {
                Complaint {
                    severity: "ERROR",
                    sqlstate: refusal.sqlstate,
                    message: refusal.message.clone(),
                    hint: refusal.hint.clone(),
                    position: refusal.position,
                }
                .to_bytes()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::{PositionMap, Refusal, Rewritten};

    const UNDEFINED: &[u8] = b"SERROR\0C42703\0Mno\0P8\0\0";

    #[test]
    fn a_refusal_takes_the_place_of_the_failure_that_stands_for_it() {
        let refused = Outcome::Refused(Refusal {
            sqlstate: "0A000",
            message: "no".into(),
            hint: Some("yes".into()),
            position: Some(3),
            in_every_phase: false,
        });
        let bytes = report(b'E', UNDEFINED, &refused).unwrap();
        assert_eq!(&bytes[5..], b"SERROR\0VERROR\0C0A000\0Mno\0Hyes\0P3\0\0");
        assert_eq!(report(b'E', b"SERROR\0C25P02\0Mno\0\0", &refused), None);
        assert_eq!(report(b'N', UNDEFINED, &refused), None);
    }

    #[test]
    fn positions_lead_into_the_text_of_the_client() {
        let positions = PositionMap::default();
        let rewritten = Outcome::Rewritten(Rewritten { sql: String::new(), positions });
        let bytes = report(b'E', UNDEFINED, &rewritten).unwrap();
        assert_eq!(&bytes[5..], UNDEFINED);
        assert_eq!(report(b'E', b"SERROR\0C42P01\0\0", &rewritten), None, "no position in it");
        assert_eq!(report(b'E', UNDEFINED, &Outcome::Forward), None);
        assert_eq!(report(b'E', b"garbage", &rewritten), None);
    }
}
