//! What the application says of its two tables of preferences: of each, of both at once, and of users who have
//! a row in neither.

use tokio_postgres::types::Type;

use crate::demo::application::{Columns, Statement};

/// All columns of the one table, in their order.
const EMAIL: Columns = &[
    ("user_id", Type::INT8),
    ("newsletter", Type::BOOL),
    ("marketing", Type::BOOL),
    ("digest", Type::TEXT),
    ("changes", Type::INT4),
];

/// And of the other.
const NOTIFICATION: Columns = &[
    ("user_id", Type::INT8),
    ("push_enabled", Type::BOOL),
    ("sms_enabled", Type::BOOL),
    ("in_app", Type::BOOL),
    ("changes", Type::INT4),
];

pub(super) static READ_EMAIL: Statement = Statement {
    text: "SELECT newsletter, marketing, digest FROM email_preferences WHERE user_id = $1",
    columns: &[("newsletter", Type::BOOL), ("marketing", Type::BOOL), ("digest", Type::TEXT)],
    parameters: &[Type::INT8],
};

pub(super) static READ_NOTIFICATION: Statement = Statement {
    text: "SELECT n.push_enabled OR n.sms_enabled AS loud, n.in_app, n.changes \
           FROM notification_preferences n WHERE n.user_id = $1",
    columns: &[("loud", Type::BOOL), ("in_app", Type::BOOL), ("changes", Type::INT4)],
    parameters: &[Type::INT8],
};

pub(super) static READ_EMAIL_STAR: Statement = Statement {
    text: "SELECT * FROM email_preferences WHERE user_id = $1",
    columns: EMAIL,
    parameters: &[Type::INT8],
};

pub(super) static READ_NOTIFICATION_STAR: Statement = Statement {
    text: "SELECT * FROM notification_preferences WHERE user_id = $1",
    columns: NOTIFICATION,
    parameters: &[Type::INT8],
};

/// Kept from changing.
pub(super) static LOCK: Statement = Statement {
    text: "SELECT * FROM email_preferences WHERE user_id = $1 FOR UPDATE",
    columns: EMAIL,
    parameters: &[Type::INT8],
};

pub(super) static READ_ROW: Statement = Statement {
    text: "SELECT u.id, u.name, e.newsletter, e.marketing, e.digest, e.changes, \
                  n.push_enabled, n.sms_enabled, n.in_app, n.changes \
           FROM users u LEFT JOIN email_preferences e ON e.user_id = u.id \
                LEFT JOIN notification_preferences n ON n.user_id = u.id \
           WHERE u.id = $1",
    columns: &[
        ("id", Type::INT8),
        ("name", Type::TEXT),
        ("newsletter", Type::BOOL),
        ("marketing", Type::BOOL),
        ("digest", Type::TEXT),
        ("changes", Type::INT4),
        ("push_enabled", Type::BOOL),
        ("sms_enabled", Type::BOOL),
        ("in_app", Type::BOOL),
        ("changes", Type::INT4),
    ],
    parameters: &[Type::INT8],
};

/// Of users who have a row in both.
pub(super) static READ_BOTH: Statement = Statement {
    text: "SELECT * FROM email_preferences JOIN notification_preferences USING (user_id) \
           WHERE user_id = $1",
    columns: &[
        ("user_id", Type::INT8),
        ("newsletter", Type::BOOL),
        ("marketing", Type::BOOL),
        ("digest", Type::TEXT),
        ("changes", Type::INT4),
        ("push_enabled", Type::BOOL),
        ("sms_enabled", Type::BOOL),
        ("in_app", Type::BOOL),
        ("changes", Type::INT4),
    ],
    parameters: &[Type::INT8],
};

pub(super) static READ_SORTED: Statement = Statement {
    text: "SELECT u.name, e.digest, n.changes AS changes \
           FROM users u JOIN email_preferences e ON e.user_id = u.id \
                LEFT JOIN notification_preferences n ON n.user_id = e.user_id \
           WHERE e.user_id IN ($1, $2, $3) ORDER BY name DESC",
    columns: &[("name", Type::TEXT), ("digest", Type::TEXT), ("changes", Type::INT4)],
    parameters: &[Type::INT8, Type::INT8, Type::INT8],
};

pub(super) static READ_WITHOUT: Statement = Statement {
    text: "SELECT name FROM users \
           WHERE id = $1 AND NOT EXISTS (SELECT FROM email_preferences WHERE user_id = users.id)",
    columns: &[("name", Type::TEXT)],
    parameters: &[Type::INT8],
};

/// A user who has set nothing.
pub(super) static SIGN_UP: Statement = Statement {
    text: "INSERT INTO users (id, name) VALUES ($1, $2)",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT],
};

/// A user who has.
pub(super) static ARRIVE: Statement = Statement {
    text: "WITH arrived AS (INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id) \
           INSERT INTO email_preferences (user_id, digest) SELECT id, $3 FROM arrived",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT, Type::TEXT],
};

/// Refused where there is a row.
pub(super) static ADD_EMAIL: Statement = Statement {
    text: "INSERT INTO email_preferences (user_id, newsletter, digest) VALUES ($1, $2, $3)",
    columns: &[],
    parameters: &[Type::INT8, Type::BOOL, Type::TEXT],
};

/// The same of the other table.
pub(super) static ADD_NOTIFICATION: Statement = Statement {
    text: "INSERT INTO notification_preferences (user_id, sms_enabled) VALUES ($1, $2) \
           RETURNING user_id, push_enabled, sms_enabled, changes",
    columns: &[
        ("user_id", Type::INT8),
        ("push_enabled", Type::BOOL),
        ("sms_enabled", Type::BOOL),
        ("changes", Type::INT4),
    ],
    parameters: &[Type::INT8, Type::BOOL],
};

pub(super) static UPSERT_EMAIL: Statement = Statement {
    text: "INSERT INTO email_preferences (user_id, newsletter, digest) VALUES ($1, $2, $3) \
           ON CONFLICT (user_id) \
           DO UPDATE SET newsletter = EXCLUDED.newsletter, digest = EXCLUDED.digest, \
                         changes = email_preferences.changes + 1",
    columns: &[],
    parameters: &[Type::INT8, Type::BOOL, Type::TEXT],
};

pub(super) static UPSERT_NOTIFICATION: Statement = Statement {
    text: "INSERT INTO notification_preferences AS n (user_id, push_enabled, in_app) \
           VALUES ($1, $2, $3) \
           ON CONFLICT (user_id) \
           DO UPDATE SET push_enabled = EXCLUDED.push_enabled, in_app = n.push_enabled, \
                         changes = n.changes + 1 \
           RETURNING *",
    columns: NOTIFICATION,
    parameters: &[Type::INT8, Type::BOOL, Type::BOOL],
};

pub(super) static ENSURE_EMAIL: Statement = Statement {
    text: "INSERT INTO email_preferences (user_id) VALUES ($1) ON CONFLICT DO NOTHING",
    columns: &[],
    parameters: &[Type::INT8],
};

pub(super) static SET_EMAIL: Statement = Statement {
    text: "UPDATE email_preferences \
           SET marketing = NOT newsletter, newsletter = coalesce(marketing, newsletter), \
               digest = coalesce(right(digest, 12), 'never') || $2, changes = changes + 1 \
           WHERE user_id = $1",
    columns: &[],
    parameters: &[Type::INT8, Type::TEXT],
};

pub(super) static SET_NOTIFICATION: Statement = Statement {
    text: "UPDATE notification_preferences \
           SET push_enabled = $2, sms_enabled = NULLIF(in_app, push_enabled), \
               in_app = push_enabled, changes = changes + 1 \
           WHERE user_id = $1 RETURNING user_id, sms_enabled, in_app, changes",
    columns: &[
        ("user_id", Type::INT8),
        ("sms_enabled", Type::BOOL),
        ("in_app", Type::BOOL),
        ("changes", Type::INT4),
    ],
    parameters: &[Type::INT8, Type::BOOL],
};

/// Of the one table, by what the other says.
pub(super) static FOLLOW: Statement = Statement {
    text: "UPDATE email_preferences e \
           SET marketing = n.push_enabled, digest = 'as of change ' || n.changes, \
               changes = e.changes + 1 \
           FROM notification_preferences n WHERE n.user_id = e.user_id AND e.user_id = $1",
    columns: &[],
    parameters: &[Type::INT8],
};

pub(super) static FORGET_EMAIL: Statement = Statement {
    text: "DELETE FROM email_preferences WHERE user_id = $1",
    columns: &[],
    parameters: &[Type::INT8],
};

pub(super) static FORGET_NOTIFICATION: Statement = Statement {
    text: "DELETE FROM notification_preferences WHERE user_id = $1 \
           RETURNING push_enabled, sms_enabled, changes",
    columns: &[("push_enabled", Type::BOOL), ("sms_enabled", Type::BOOL), ("changes", Type::INT4)],
    parameters: &[Type::INT8],
};

/// What the user has set goes by itself.
pub(super) static LEAVE: Statement =
    Statement { text: "DELETE FROM users WHERE id = $1", columns: &[], parameters: &[Type::INT8] };
