//! A statement of the application: its text, and what its answer's columns must be.

use tokio_postgres::types::{ToSql, Type};

/// What an answer's columns must be.
pub(in crate::demo) type Columns = &'static [(&'static str, Type)];

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
    Text(String),
}

impl Value {
    fn literal(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quoted(text),
        }
    }

    /// As the driver wants it.
    pub(super) fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_take_the_place_of_parameters() {
        let statement = Statement {
            text: "UPDATE users SET username = $2 WHERE id = $1",
            columns: &[],
            parameters: &[Type::INT8, Type::VARCHAR],
        };
        let values = [Value::Number(7), Value::Text("o'hara".to_owned())];
        assert_eq!(
            statement.with_literals(&values),
            "UPDATE users SET username = 'o''hara' WHERE id = 7"
        );
    }
}
