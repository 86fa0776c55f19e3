//! What the server says of a statement that it refuses, where the application asked for that.

use std::fmt;

use tokio_postgres::error::{DbError, SqlState};

/// A refusal, as far as an application may rely on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Refusal {
    sqlstate: SqlState,
    message: String,
    detail: Option<String>,
    table: Option<String>,
    constraint: Option<String>,
}

impl Refusal {
    /// Of an INSERT whose key, the column `key`, is taken.
    pub(in crate::demo) fn taken(table: &str, key: &str, id: i64) -> Self {
        let constraint = format!("{table}_pkey");
        Self {
            sqlstate: SqlState::UNIQUE_VIOLATION,
            message: format!("duplicate key value violates unique constraint \"{constraint}\""),
            detail: Some(format!("Key ({key})=({id}) already exists.")),
            table: Some(table.to_owned()),
            constraint: Some(constraint),
        }
    }
}

impl From<&DbError> for Refusal {
    fn from(said: &DbError) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            sqlstate: said.code().clone(),
            message: said.message().to_owned(),
            detail: owned(said.detail()),
            table: owned(said.table()),
            constraint: owned(said.constraint()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sqlstate.code(), self.message)?;
        let told =
            [("detail", &self.detail), ("table", &self.table), ("constraint", &self.constraint)];
        for (field, text) in told {
            write!(f, ", {field} {}", text.as_deref().unwrap_or("none"))?;
        }
        Ok(())
    }
}
