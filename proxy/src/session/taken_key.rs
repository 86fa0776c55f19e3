//! A row that is there already, where nothing but a NULL that a column refuses could say so: the client is told
//! that its key is taken, as its own table would have told it.

use rewrite_rules::naming::Taken;
use rewrite_rules::outcome::TAKEN;

use crate::wire::reply;

/// How a column refuses NULL: not_null_violation.
const NOT_NULL_VIOLATION: &[u8] = b"23502";

/// cardinality_violation.
const CARDINALITY_VIOLATION: &[u8] = b"21000";

/// unique_violation.
const UNIQUE_VIOLATION: &str = "23505";

/// What the server shows of the row. In another language it is not told.
const FAILING_ROW: &str = "Failing row contains (";

/// How a detail ends that tells of a key which is taken.
const TOLD: &str = ") already exists.";

/// The fields of the report that the client gets, if it is one of these.
pub(super) fn as_taken<'t>(
    fields: &[(u8, &[u8])],
    mut taken: impl Iterator<Item = &'t Taken>,
) -> Option<Vec<(u8, Vec<u8>)>> {
    let field = |code| reply::field(fields, code);
    if field(b'C') != Some(NOT_NULL_VIOLATION) {
        return None;
    }
    let (relation, column) = (field(b't')?, field(b'c')?);
    let taken = taken
        .find(|taken| taken.relation.as_bytes() == relation && taken.column.as_bytes() == column)?;
    Some(told(fields, taken, field(b'D').and_then(|detail| detail_of(detail, taken))))
}

/// The same of a row that an INSERT stored itself, which ON CONFLICT DO UPDATE cannot update.
pub(super) fn as_doubled(fields: &[(u8, &[u8])], taken: &Taken) -> Option<Vec<(u8, Vec<u8>)>> {
    let is_doubled = reply::field(fields, b'C') == Some(CARDINALITY_VIOLATION);
    is_doubled.then(|| told(fields, taken, None))
}

/// The same of a statement that ended itself: what the key is, stands behind its word.
pub(super) fn as_said(fields: &[(u8, &[u8])], taken: &Taken) -> Vec<(u8, Vec<u8>)> {
    let message = reply::field(fields, b'M').and_then(|it| std::str::from_utf8(it).ok());
    let behind = message.and_then(|message| message.split_once(&format!("{TAKEN} ")));
    let detail =
        behind.and_then(|(_, text)| text.get(..text.rfind(TOLD)?.checked_add(TOLD.len())?));
    told(fields, taken, detail.map(str::to_owned))
}

/// The report of a key that is taken.
fn told(fields: &[(u8, &[u8])], taken: &Taken, detail: Option<String>) -> Vec<(u8, Vec<u8>)> {
    let message =
        format!("duplicate key value violates unique constraint \"{}\"", taken.constraint);
    let table = taken.client_relation.as_bytes();
    let mut told = Vec::new();
    for &(code, value) in fields {
        let value = match code {
            b'C' => UNIQUE_VIOLATION.as_bytes().to_vec(),
            b'M' => message.clone().into_bytes(),
            // What the server says of its own table.
            b'D' | b'H' | b'P' | b's' | b't' | b'c' => continue,
            _ => value.to_vec(),
        };
        told.push((code, value));
    }
    told.extend(detail.map(|detail| (b'D', detail.into_bytes())));
    told.push((b's', taken.client_schema.clone().into_bytes()));
    told.push((b't', table.to_vec()));
    told.push((b'n', taken.constraint.clone().into_bytes()));
    told
}

/// `Key (user_id)=(1) already exists.`
fn detail_of(detail: &[u8], taken: &Taken) -> Option<String> {
    let row = std::str::from_utf8(detail).ok()?.strip_prefix(FAILING_ROW)?;
    let values: Vec<&str> = row.split(", ").take(taken.key.len()).collect();
    if taken.key.is_empty() || values.len() < taken.key.len() {
        return None;
    }
    let (key, values) = (taken.key.join(", "), values.join(", "));
    Some(format!("Key ({key})=({values}) already exists."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> Taken {
        Taken {
            relation: "user_preferences".to_owned(),
            column: "has_email".to_owned(),
            constraint: "email_preferences_pkey".to_owned(),
            client_schema: "app".to_owned(),
            client_relation: "email_preferences".to_owned(),
            key: vec!["user_id".to_owned()],
        }
    }

    fn report(column: &str) -> Vec<(u8, &[u8])> {
        vec![
            (b'S', b"ERROR"),
            (b'C', b"23502"),
            (b'M', b"null value in column \"has_email\" violates not-null constraint"),
            (b'D', b"Failing row contains (7, t, null)."),
            (b's', b"public"),
            (b't', b"user_preferences"),
            (b'c', column.as_bytes()),
        ]
    }

    #[test]
    fn a_refused_mark_is_a_key_that_is_taken() {
        let told = as_taken(&report("has_email"), [&taken()].into_iter()).unwrap();
        let text = |code: u8| {
            let found = told.iter().find(|(known, _)| *known == code);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        assert_eq!(text(b'C').as_deref(), Some("23505"));
        let message = "duplicate key value violates unique constraint \"email_preferences_pkey\"";
        assert_eq!(text(b'M').as_deref(), Some(message));
        assert_eq!(text(b'D').as_deref(), Some("Key (user_id)=(7) already exists."));
        assert_eq!(text(b't').as_deref(), Some("email_preferences"));
        assert_eq!(text(b'n').as_deref(), Some("email_preferences_pkey"));
        assert_eq!(text(b's').as_deref(), Some("app"));
        assert_eq!(text(b'c'), None);
    }

    #[test]
    fn a_row_that_meets_another_of_its_statement_is_one_too_many() {
        let taken = taken();
        let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
        let report: [(u8, &[u8]); 4] = [
            (b'S', b"ERROR"),
            (b'C', b"21000"),
            (b'M', message.as_bytes()),
            (b'H', b"Ensure that no"),
        ];
        let told = as_doubled(&report, &taken).unwrap();
        let codes: Vec<u8> = told.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, b"SCMstn");
        assert_eq!(told[1].1, b"23505");
        assert_eq!(as_doubled(&[(b'C', b"23514")], &taken), None);
    }

    #[test]
    fn a_statement_may_say_which_key_is_taken() {
        let taken = taken();
        let said = |message: &str| {
            let report: [(u8, &[u8]); 2] = [(b'C', b"22P02"), (b'M', message.as_bytes())];
            let told = as_said(&report, &taken);
            let detail = told.iter().find(|(code, _)| *code == b'D');
            detail.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let key = "Key (name)=(\"a) already exists.\") already exists.";
        assert_eq!(said(&format!("no: \"segue_taken {key}\"")).as_deref(), Some(key));
        assert_eq!(said("no"), None);
    }

    #[test]
    fn another_column_is_what_it_is() {
        assert_eq!(as_taken(&report("newsletter"), [&taken()].into_iter()), None);
    }
}
