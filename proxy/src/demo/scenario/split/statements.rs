//! What the application says of `users`: of columns that stay, of columns that move, and of both at once.

use tokio_postgres::types::Type;

use crate::demo::application::{Columns, Statement};

/// All columns, in their order.
const ROW: Columns = &[
    ("id", Type::INT8),
    ("email", Type::TEXT),
    ("password_hash", Type::TEXT),
    ("first_name", Type::VARCHAR),
    ("last_name", Type::VARCHAR),
    ("bio", Type::TEXT),
    ("avatar_url", Type::TEXT),
    ("settings", Type::JSONB),
    ("logins", Type::INT4),
];

pub(super) static READ_KEPT: Statement = Statement {
    text: "SELECT id, email, logins FROM users WHERE id = $1",
    columns: &[("id", Type::INT8), ("email", Type::TEXT), ("logins", Type::INT4)],
    parameters: &[Type::INT8],
};

pub(super) static READ_MOVED: Statement = Statement {
    text: "SELECT first_name, last_name, settings FROM users WHERE id = $1",
    columns: &[
        ("first_name", Type::VARCHAR),
        ("last_name", Type::VARCHAR),
        ("settings", Type::JSONB),
    ],
    parameters: &[Type::INT8],
};

pub(super) static READ_ROW: Statement = Statement {
    text: "SELECT id, email, password_hash, first_name, last_name, bio, avatar_url, settings, logins \
           FROM users WHERE id = $1",
    columns: ROW,
    parameters: &[Type::INT8],
};

/// The same, kept from changing.
pub(super) static LOCK: Statement = Statement {
    text: "SELECT id, email, password_hash, first_name, last_name, bio, avatar_url, settings, logins \
           FROM users WHERE id = $1 FOR UPDATE",
    columns: ROW,
    parameters: &[Type::INT8],
};

/// The same, without saying of what.
pub(super) static READ_STAR: Statement = Statement {
    text: "SELECT * FROM users WHERE id = $1",
    columns: ROW,
    parameters: &[Type::INT8],
};

pub(super) static READ_BY_EMAIL: Statement = Statement {
    text: "SELECT u.id, concat_ws(' ', u.first_name, u.last_name) AS name, \
                  u.settings ->> 'theme' AS theme, u.logins \
           FROM users u WHERE u.email = $1",
    columns: &[
        ("id", Type::INT8),
        ("name", Type::TEXT),
        ("theme", Type::TEXT),
        ("logins", Type::INT4),
    ],
    parameters: &[Type::TEXT],
};

pub(super) static READ_BY_LAST_NAME: Statement = Statement {
    text: "SELECT id, email, bio FROM users WHERE last_name = $1",
    columns: &[("id", Type::INT8), ("email", Type::TEXT), ("bio", Type::TEXT)],
    parameters: &[Type::VARCHAR],
};

pub(super) static READ_SORTED: Statement = Statement {
    text: "SELECT last_name, email FROM users WHERE id IN ($1, $2, $3) ORDER BY last_name DESC",
    columns: &[("last_name", Type::VARCHAR), ("email", Type::TEXT)],
    parameters: &[Type::INT8, Type::INT8, Type::INT8],
};

pub(super) static INSERT: Statement = Statement {
    text: "INSERT INTO users (id, email, password_hash, first_name, last_name) \
           VALUES ($1, $2, $3, $4, $5)",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT, Type::VARCHAR, Type::VARCHAR],
};

pub(super) static INSERT_RETURNING: Statement = Statement {
    text: "INSERT INTO users (id, email, password_hash, last_name, bio, settings) \
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, last_name, settings, logins",
    columns: &[
        ("id", Type::INT8),
        ("last_name", Type::VARCHAR),
        ("settings", Type::JSONB),
        ("logins", Type::INT4),
    ],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT, Type::VARCHAR, Type::TEXT, Type::JSONB],
};

/// Of what stays.
pub(super) static LOG_IN: Statement = Statement {
    text: "UPDATE users SET logins = logins + 1, password_hash = right(password_hash, 12) || $2 \
           WHERE id = $1",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT],
};

/// Of what moves.
pub(super) static DESCRIBE: Statement = Statement {
    text: "UPDATE users SET bio = coalesce(first_name, 'somebody') || ' ' || $2, \
                            settings = settings || jsonb_build_object('theme', $3::text) \
           WHERE id = $1",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT],
};

/// Of both: what moves is computed of what stays, and the other way round.
pub(super) static MOVE_HOUSE: Statement = Statement {
    text: "UPDATE users SET email = $2, last_name = $3, logins = logins + 1, \
                            avatar_url = 'https://img.example.com/' || email, \
                            password_hash = 'hash of ' || last_name \
           WHERE email = $1 RETURNING id, email, last_name, avatar_url, password_hash",
    columns: &[
        ("id", Type::INT8),
        ("email", Type::TEXT),
        ("last_name", Type::VARCHAR),
        ("avatar_url", Type::TEXT),
        ("password_hash", Type::TEXT),
    ],
    parameters: &[Type::TEXT, Type::TEXT, Type::VARCHAR],
};

/// Of what stays, where what moves says which row.
pub(super) static RESET: Statement = Statement {
    text: "UPDATE users SET logins = 0 WHERE last_name = $1 RETURNING logins, bio",
    columns: &[("logins", Type::INT4), ("bio", Type::TEXT)],
    parameters: &[Type::VARCHAR],
};

pub(super) static UPSERT: Statement = Statement {
    text: "INSERT INTO users (id, email, password_hash, last_name) VALUES ($1, $2, $3, $4) \
           ON CONFLICT (id) \
           DO UPDATE SET password_hash = EXCLUDED.password_hash, logins = users.logins + 1",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT, Type::VARCHAR],
};

pub(super) static UPSERT_PROFILE: Statement = Statement {
    text: "INSERT INTO users (id, email, password_hash, last_name, bio) \
           VALUES ($1, $2, $3, $4, $5) \
           ON CONFLICT (id) \
           DO UPDATE SET bio = EXCLUDED.bio || ', once ' || users.last_name, \
                         last_name = EXCLUDED.last_name, logins = users.logins + 1 \
           RETURNING id, bio, last_name, logins",
    columns: &[
        ("id", Type::INT8),
        ("bio", Type::TEXT),
        ("last_name", Type::VARCHAR),
        ("logins", Type::INT4),
    ],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT, Type::VARCHAR, Type::TEXT],
};

pub(super) static DELETE: Statement = Statement {
    text: "DELETE FROM users WHERE email = $1",
    columns: &[],
    parameters: &[Type::TEXT],
};

pub(super) static DELETE_RETURNING: Statement = Statement {
    text: "DELETE FROM users WHERE id = $1 RETURNING email, last_name, settings",
    columns: &[("email", Type::TEXT), ("last_name", Type::VARCHAR), ("settings", Type::JSONB)],
    parameters: &[Type::INT8],
};
