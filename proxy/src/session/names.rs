//! What unqualified names mean in this session, and the question that finds it out.
//!
//! Before PostgreSQL 18 nobody tells a client that its search path changed. So the answer is kept
//! until a statement is sent that may change it, and the next governed statement asks again. What a
//! transaction changes, the end of it (or of a savepoint) may change back; so from a change until
//! the transaction's end nothing is kept past the next statement.

use std::sync::Arc;

use rewrite_rules::{Encoding, SearchPath, Shape};

use crate::wire::reply;

/// Name of the statement and portal that carry a question. Reserved.
pub(super) const QUESTION_NAME: &str = "segue_question";

/// Asks for the search path, temporary relations, and how texts are read. One row per fact: kind,
/// place, value as hexadecimal bytes of the database's encoding; converting a name to the client's
/// encoding might fail, and an error would abort the client's transaction. Everything is qualified,
/// operators too, so that it means the same under any search path.
pub(super) const NAMES_QUESTION: &str = "\
SELECT 'schema', s.place, pg_catalog.encode(pg_catalog.convert_to(s.name::pg_catalog.text, \
pg_catalog.getdatabaseencoding()), 'hex') \
FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) WITH ORDINALITY AS s(name, place) \
UNION ALL SELECT 'temporary', 0, pg_catalog.encode(pg_catalog.convert_to(\
c.relname::pg_catalog.text, pg_catalog.getdatabaseencoding()), 'hex') \
FROM pg_catalog.pg_class c \
WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) 0::pg_catalog.oid \
AND c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() \
UNION ALL SELECT 'setting', f.place, pg_catalog.encode(pg_catalog.convert_to(f.value, \
pg_catalog.getdatabaseencoding()), 'hex') \
FROM (VALUES (0, pg_catalog.current_setting('standard_conforming_strings')), \
(1, pg_catalog.current_setting('client_encoding')), \
(2, pg_catalog.getdatabaseencoding()::pg_catalog.text), \
(3, coalesce(pg_catalog.current_setting('segue.shape', true), ''))) AS f(place, value)";

/// Asks which prepared statements exist, and for the texts of those that were made by PREPARE. Same
/// shape as [`NAMES_QUESTION`]. A text in the database's encoding is the client's only if that is
/// its own encoding too. One that is longer than a row may be (hexadecimal doubles it) is left out.
pub(super) const PREPARED_QUESTION: &str = "\
SELECT f.kind, p.place, pg_catalog.encode(pg_catalog.convert_to(f.value, \
pg_catalog.getdatabaseencoding()), 'hex') \
FROM (SELECT s.name, s.statement, s.from_sql, pg_catalog.row_number() OVER () AS place \
FROM pg_catalog.pg_prepared_statements s) p, \
LATERAL (SELECT 'prepared' AS kind, p.name AS value \
UNION ALL SELECT CASE WHEN pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) \
pg_catalog.pg_client_encoding() THEN 'text' ELSE 'foreign' END, \
CASE WHEN pg_catalog.octet_length(p.statement) OPERATOR(pg_catalog.<) 400000 \
THEN p.statement ELSE '' END \
WHERE p.from_sql) AS f";

/// One fact of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) kind: Vec<u8>,
    /// Orders the facts of a kind.
    pub(super) place: u32,
    /// The value's bytes in the database's encoding.
    pub(super) value: Vec<u8>,
}

/// Reads one row of an answer.
pub(super) fn fact(body: &[u8]) -> Option<Fact> {
    match reply::row(body)?.as_slice() {
        [Some(kind), Some(place), Some(value)] => Some(Fact {
            kind: kind.to_vec(),
            place: std::str::from_utf8(place).ok()?.parse().ok()?,
            value: bytes_of(value)?,
        }),
        _other => None,
    }
}

fn bytes_of(hexadecimal: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, rest) = hexadecimal.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// The kind of an encoding that the server named.
fn encoding(name: &[u8]) -> Encoding {
    std::str::from_utf8(name).map_or(Encoding::Overlapping, Encoding::named)
}

/// How this session reads texts and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// What unqualified names can mean.
    pub(super) search_path: Arc<SearchPath>,
    /// `standard_conforming_strings`.
    pub(super) conforming_strings: bool,
    /// `client_encoding`.
    pub(super) encoding: Encoding,
    /// `segue.shape`.
    pub(super) shape: ShapeSetting,
}

/// What the client says of the shape that it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShapeSetting {
    /// Nothing.
    Unset,
    /// This one.
    Set(Shape),
    /// Something that is no shape.
    Unknown(String),
}

impl ShapeSetting {
    fn read(value: &str) -> Self {
        match value {
            "" => Self::Unset,
            value => value.parse().map_or_else(|_| Self::Unknown(value.to_owned()), Self::Set),
        }
    }
}

/// How much is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// The server must be asked.
    Nothing,
    /// The server was asked, and its answer cannot be compared with the catalog.
    Unknowable,
    /// This, until something changes it.
    View(View),
}

/// What is known of the session's names.
#[derive(Debug)]
pub(super) struct Names {
    known: Knowledge,
    /// A statement of the transaction under way may have changed them.
    touched: bool,
    /// How often they may have changed: tells apart what was decided under other names.
    changes: u64,
}

impl Names {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self { known: Knowledge::Nothing, touched: false, changes: 0 }
    }

    /// What is known, if it still holds.
    pub(super) fn known(&self) -> &Knowledge {
        &self.known
    }

    /// Whether the session has temporary relations, as far as is known.
    pub(super) fn has_temporary(&self) -> bool {
        match &self.known {
            Knowledge::View(view) => !view.search_path.temporary.is_empty(),
            Knowledge::Nothing | Knowledge::Unknowable => false,
        }
    }

    /// Whether the transaction under way may have changed them.
    pub(super) fn touched(&self) -> bool {
        self.touched
    }

    /// How often they may have changed so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    fn may_have_changed(&mut self) {
        self.known = Knowledge::Nothing;
        self.changes = self.changes.wrapping_add(1);
    }

    /// Forgets, because texts went by unread.
    pub(super) fn forget(&mut self) {
        self.known = Knowledge::Nothing;
    }

    /// A statement was sent that may change what names mean.
    pub(super) fn touch(&mut self) {
        self.may_have_changed();
        self.touched = true;
    }

    /// A statement was sent. After a change in the same transaction it may be the one that takes
    /// the change back (ROLLBACK TO SAVEPOINT).
    pub(super) fn executed(&mut self) {
        if self.touched {
            self.may_have_changed();
        }
    }

    /// ReadyForQuery came. `at_rest`: no transaction is open and nothing is under way.
    pub(super) fn ready(&mut self, at_rest: bool) {
        if self.touched {
            self.may_have_changed();
            self.touched = !at_rest;
        }
    }

    /// The server reported a setting. What it says may be older than a change that is under way,
    /// so it can only correct what is known.
    pub(super) fn parameter(&mut self, name: &[u8], value: &[u8]) {
        // PostgreSQL 18 reports it.
        if name == b"search_path" {
            self.may_have_changed();
        }
        if let Knowledge::View(view) = &mut self.known {
            match name {
                b"standard_conforming_strings" => view.conforming_strings = value == b"on",
                b"client_encoding" => {
                    let before = std::mem::replace(&mut view.encoding, encoding(value));
                    // What was prepared may have been fit for the one before only.
                    self.changes = self.changes.wrapping_add(u64::from(before != view.encoding));
                }
                _other => {}
            }
        }
    }

    /// The server answered [`NAMES_QUESTION`]; `None` if some row of it was no fact.
    pub(super) fn answered(&mut self, facts: Option<Vec<Fact>>) {
        self.known = facts.and_then(view).map_or(Knowledge::Unknowable, Knowledge::View);
    }
}

/// Puts an answer together.
fn view(mut facts: Vec<Fact>) -> Option<View> {
    facts.sort_by_key(|fact| fact.place);
    let mut settings = Vec::new();
    let mut path = SearchPath { schemas: Vec::new(), temporary: Vec::new() };
    let mut foreign = false;
    for fact in facts {
        foreign |= !fact.value.is_ascii();
        let value = String::from_utf8(fact.value).ok()?;
        match fact.kind.as_slice() {
            b"schema" => path.schemas.push(value),
            b"temporary" => path.temporary.push(value),
            b"setting" => settings.push(value),
            _other => return None,
        }
    }
    let [strings, client, database, shape] = settings.as_slice() else {
        return None;
    };
    // Names beyond ASCII of a database in another encoding cannot be compared with the catalog's.
    if foreign && Encoding::named(database) != Encoding::Utf8 {
        return None;
    }
    path.temporary.sort_unstable();
    Some(View {
        search_path: Arc::new(path),
        conforming_strings: strings == "on",
        encoding: Encoding::named(client),
        shape: ShapeSetting::read(shape),
    })
}

/// Whether a text mentions a command that may drop or rename a temporary relation.
pub(super) fn mentions_ddl(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 3] = [b"drop", b"alter", b"discard"];
    WORDS
        .iter()
        .any(|word| text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, place: &str, value: &str) -> Vec<u8> {
        let hexadecimal: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut body = vec![0, 3];
        for column in [kind, place, &hexadecimal] {
            body.extend_from_slice(&u32::try_from(column.len()).unwrap().to_be_bytes());
            body.extend_from_slice(column.as_bytes());
        }
        body
    }

    fn facts(rows: &[(&str, &str, &str)]) -> Vec<Fact> {
        rows.iter().map(|(kind, place, value)| fact(&row(kind, place, value)).unwrap()).collect()
    }

    const SETTINGS: [(&str, &str, &str); 4] = [
        ("setting", "0", "on"),
        ("setting", "1", "UTF8"),
        ("setting", "2", "UTF8"),
        ("setting", "3", ""),
    ];

    fn knows(names: &Names) -> bool {
        names.known() != &Knowledge::Nothing
    }

    fn seen(names: &Names) -> &View {
        match names.known() {
            Knowledge::View(view) => view,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_put_in_order() {
        let mut rows = SETTINGS.to_vec();
        rows.extend([("schema", "2", "public"), ("schema", "1", "pg_catalog")]);
        let mut names = Names::new();
        names.answered(Some(facts(&rows)));
        let expected = View {
            search_path: Arc::default(),
            conforming_strings: true,
            encoding: Encoding::Utf8,
            shape: ShapeSetting::Unset,
        };
        assert_eq!(names.known(), &Knowledge::View(expected));
    }

    #[test]
    fn what_cannot_be_compared_is_not_known() {
        let mut latin = SETTINGS.to_vec();
        latin[2] = ("setting", "2", "LATIN1");
        latin.push(("schema", "1", "é"));
        assert_eq!(view(facts(&latin)), None);
        assert_eq!(view(facts(&[("schema", "1", "public")])), None);
        assert_eq!(fact(b"\0\x01\0\0\0\x01a"), None);
        assert_eq!(bytes_of(b"6"), None);
        assert_eq!(bytes_of(b"zz"), None);
    }

    #[test]
    fn knowledge_ends_with_a_change_and_again_with_its_transaction() {
        let mut names = Names::new();
        names.answered(Some(facts(&SETTINGS)));
        names.executed();
        names.ready(true);
        assert!(knows(&names), "nothing changed");
        names.touch();
        assert!(!knows(&names));
        names.answered(Some(facts(&SETTINGS)));
        assert!(knows(&names));
        names.executed();
        assert!(!knows(&names), "that may have been ROLLBACK TO");
        names.answered(Some(facts(&SETTINGS)));
        names.ready(false);
        names.answered(Some(facts(&SETTINGS)));
        names.ready(true);
        assert!(!knows(&names), "the transaction may have been rolled back");
        names.answered(Some(facts(&SETTINGS)));
        names.executed();
        assert!(knows(&names), "nothing changed since");
    }

    #[test]
    fn reported_settings_correct_what_is_known() {
        let mut names = Names::new();
        names.answered(Some(facts(&SETTINGS)));
        names.parameter(b"client_encoding", b"SJIS");
        names.parameter(b"standard_conforming_strings", b"off");
        let view = seen(&names);
        assert_eq!((view.encoding, view.conforming_strings), (Encoding::Overlapping, false));
        names.parameter(b"search_path", b"x");
        assert!(!knows(&names));
    }

    #[test]
    fn ddl_is_mentioned_in_any_case() {
        assert!(mentions_ddl(b"begin; Drop table t"));
        assert!(!mentions_ddl(b"select 1"));
    }
}
