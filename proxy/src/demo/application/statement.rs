//! A statement of the application: its text, and what its answer's columns must be.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// What an answer's columns must be.
pub(in crate::demo) type Columns = &'static [(&'static str, Type)];

/// First byte of a jsonb value in binary form; the text follows.
const JSONB_VERSION: u8 = 1;

/// A statement of the application.
#[derive(Debug)]
pub(in crate::demo) struct Statement {
    /// The text, with `$n` for fewer than ten parameters.
    pub(in crate::demo) text: &'static str,
    /// The columns of its answer, in order; empty where it answers with a count only.
    pub(in crate::demo) columns: Columns,
    /// The types of its parameters on the server.
    pub(in crate::demo) parameters: &'static [Type],
}

pub(super) static BEGIN: Statement = Statement { text: "BEGIN", columns: &[], parameters: &[] };
pub(super) static COMMIT: Statement = Statement { text: "COMMIT", columns: &[], parameters: &[] };
pub(super) static ROLLBACK: Statement =
    Statement { text: "ROLLBACK", columns: &[], parameters: &[] };

impl Statement {
    /// The text as a simple query, its parameters written into it.
    pub(super) fn with_literals(&self, values: &[Value]) -> String {
        let mut text = String::with_capacity(self.text.len() * 2);
        let mut pieces = self.text.split('$');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let mut rest = piece.chars();
            let number = rest.next().and_then(|digit| digit.to_digit(10)).unwrap_or(0);
            let place = usize::try_from(number).unwrap_or(0).checked_sub(1);
            match place.and_then(|place| values.get(place)) {
                Some(value) => text.push_str(&value.literal()),
                None => text.push_str("NULL"),
            }
            text.push_str(rest.as_str());
        }
        text
    }
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) enum Value {
    Number(i64),
    Flag(bool),
    Text(String),
    Json(Json),
}

impl Value {
    fn literal(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => quoted(text),
            Self::Json(json) => quoted(&json.0),
        }
    }

    /// As the driver wants it.
    pub(super) fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Number(number) => number,
            Self::Flag(flag) => flag,
            Self::Text(text) => text,
            Self::Json(json) => json,
        }
    }
}

/// The text of a jsonb value as the server writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Json(pub(in crate::demo) String);

impl ToSql for Json {
    fn to_sql(
        &self,
        _type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_u8(JSONB_VERSION);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(type_: &Type) -> bool {
        *type_ == Type::JSONB
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json {
    fn from_sql(_type: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match raw.split_first() {
            Some((&JSONB_VERSION, text)) => Ok(Self(std::str::from_utf8(text)?.to_owned())),
            Some(_) | None => Err("jsonb in a version that is not known".into()),
        }
    }

    fn accepts(type_: &Type) -> bool {
        *type_ == Type::JSONB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_take_the_place_of_parameters() {
        let statement = Statement {
            text: "UPDATE users SET username = $2, settings = $3, admin = $4 WHERE id = $1",
            columns: &[],
            parameters: &[Type::INT8, Type::VARCHAR, Type::JSONB, Type::BOOL],
        };
        let json = Json("{\"theme\": \"o'hara\"}".to_owned());
        let name = Value::Text("o'hara".to_owned());
        let values = [Value::Number(7), name, Value::Json(json), Value::Flag(true)];
        assert_eq!(
            statement.with_literals(&values),
            "UPDATE users SET username = 'o''hara', settings = '{\"theme\": \"o''hara\"}', admin = true \
             WHERE id = 7"
        );
    }

    #[test]
    fn jsonb_comes_back_as_it_was_sent() {
        let json = Json("{\"theme\": \"dark\"}".to_owned());
        let mut sent = BytesMut::new();
        json.to_sql(&Type::JSONB, &mut sent).unwrap();
        assert_eq!(Json::from_sql(&Type::JSONB, &sent).unwrap(), json);
        assert!(Json::from_sql(&Type::JSONB, b"\x02{}").is_err());
    }
}
