//! The application's statements. It was written before anybody thought of a new name: it says
//! `username`, and never anything else.

use tokio_postgres::types::Type;

/// A statement of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::demo) enum Statement {
    ReadById,
    ReadByName,
    ReadStar,
    ReadSorted,
    Insert,
    InsertReturning,
    Rename,
    RenameReturning,
    Touch,
    Upsert,
    Delete,
    DeleteReturning,
    Begin,
    Commit,
    Rollback,
}

/// What an answer's columns must be.
pub(super) type Columns = &'static [(&'static str, Type)];

impl Statement {
    /// Every statement that is prepared when a connection opens, and then kept across all flips.
    pub(super) const PREPARED: [Self; 12] = [
        Self::ReadById,
        Self::ReadByName,
        Self::ReadStar,
        Self::ReadSorted,
        Self::Insert,
        Self::InsertReturning,
        Self::Rename,
        Self::RenameReturning,
        Self::Touch,
        Self::Upsert,
        Self::Delete,
        Self::DeleteReturning,
    ];

    /// The text, with `$n` for parameters.
    pub(in crate::demo) const fn text(self) -> &'static str {
        match self {
            Self::ReadById => "SELECT id, username, email, bio, updates FROM users WHERE id = $1",
            Self::ReadByName => "SELECT u.id, u.username, u.email FROM users u WHERE username = $1",
            Self::ReadStar => "SELECT * FROM users WHERE id = $1",
            Self::ReadSorted => {
                "SELECT username FROM users WHERE id IN ($1, $2, $3) ORDER BY username DESC"
            }
            Self::Insert => "INSERT INTO users (id, username, email) VALUES ($1, $2, $3)",
            Self::InsertReturning => {
                "INSERT INTO users (id, username, email, bio) VALUES ($1, $2, $3, $4) \
                 RETURNING id, username, updates"
            }
            Self::Rename => "UPDATE users SET username = $2, updates = updates + 1 WHERE id = $1",
            Self::RenameReturning => {
                "UPDATE users SET username = $2, updates = updates + 1 WHERE username = $1 \
                 RETURNING username, updates"
            }
            Self::Touch => "UPDATE users SET bio = $2, updates = updates + 1 WHERE username = $1",
            Self::Upsert => {
                "INSERT INTO users (id, username, email) VALUES ($1, $2, $3) \
                 ON CONFLICT (username) \
                 DO UPDATE SET email = EXCLUDED.email, updates = users.updates + 1"
            }
            Self::Delete => "DELETE FROM users WHERE username = $1",
            Self::DeleteReturning => "DELETE FROM users WHERE id = $1 RETURNING username",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
        }
    }

    /// The columns of its answer, in order; empty where it answers with a count only.
    pub(super) const fn columns(self) -> Columns {
        match self {
            Self::ReadById => &[
                ("id", Type::INT8),
                ("username", Type::VARCHAR),
                ("email", Type::TEXT),
                ("bio", Type::TEXT),
                ("updates", Type::INT4),
            ],
            Self::ReadByName => {
                &[("id", Type::INT8), ("username", Type::VARCHAR), ("email", Type::TEXT)]
            }
            Self::ReadStar => &[
                ("id", Type::INT8),
                ("username", Type::VARCHAR),
                ("email", Type::TEXT),
                ("bio", Type::TEXT),
                ("updates", Type::INT4),
                ("created_at", Type::TIMESTAMPTZ),
            ],
            Self::ReadSorted | Self::DeleteReturning => &[("username", Type::VARCHAR)],
            Self::InsertReturning => {
                &[("id", Type::INT8), ("username", Type::VARCHAR), ("updates", Type::INT4)]
            }
            Self::RenameReturning => &[("username", Type::VARCHAR), ("updates", Type::INT4)],
            Self::Insert
            | Self::Rename
            | Self::Touch
            | Self::Upsert
            | Self::Delete
            | Self::Begin
            | Self::Commit
            | Self::Rollback => &[],
        }
    }

    /// The types of its parameters on the server.
    pub(super) const fn parameters(self) -> &'static [Type] {
        match self {
            Self::ReadById | Self::ReadStar | Self::DeleteReturning => &[Type::INT8],
            Self::ReadByName | Self::Delete => &[Type::VARCHAR],
            Self::ReadSorted => &[Type::INT8, Type::INT8, Type::INT8],
            Self::Insert | Self::Upsert => &[Type::INT8, Type::VARCHAR, Type::TEXT],
            Self::InsertReturning => &[Type::INT8, Type::VARCHAR, Type::TEXT, Type::TEXT],
            Self::Rename => &[Type::INT8, Type::VARCHAR],
            Self::RenameReturning => &[Type::VARCHAR, Type::VARCHAR],
            Self::Touch => &[Type::VARCHAR, Type::TEXT],
            Self::Begin | Self::Commit | Self::Rollback => &[],
        }
    }

    /// The text as a simple query, its parameters written into it.
    pub(super) fn with_literals(self, values: &[Value]) -> String {
        let mut text = String::with_capacity(self.text().len() * 2);
        let mut pieces = self.text().split('$');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            // The statements above have fewer than ten parameters.
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
pub(super) enum Value {
    Number(i64),
    Text(String),
}

impl Value {
    fn literal(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
        }
    }

    /// As the driver wants it.
    pub(super) fn as_sql(&self) -> &(dyn tokio_postgres::types::ToSql + Sync) {
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
    fn the_application_never_says_the_new_name() {
        for statement in Statement::PREPARED {
            assert!(!statement.text().contains("handle"), "{statement:?}");
            assert_eq!(
                statement.text().contains(&format!("${}", statement.parameters().len())),
                !statement.parameters().is_empty(),
                "{statement:?}"
            );
        }
    }

    #[test]
    fn literals_take_the_place_of_parameters() {
        let values = [Value::Number(7), Value::Text("o'hara".to_owned())];
        assert_eq!(
            Statement::Rename.with_literals(&values),
            "UPDATE users SET username = 'o''hara', updates = updates + 1 WHERE id = 7"
        );
    }
}
