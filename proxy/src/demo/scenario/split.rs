//! What `users` says of a person moves to `user_profiles`, and the application goes on with one table.

mod calls;
mod statements;

use super::{Script, Words};
use crate::demo::application::{Act, Ask, Behaviour, Record};
use calls::{
    delete, delete_returning, describe, insert, insert_returning, log_in, move_house,
    read_by_email, read_by_last_name, read_kept, read_moved, read_row, read_sorted, reset, upsert,
    upsert_profile,
};
use statements as say;

const EMAIL: usize = 0;
const PASSWORD_HASH: usize = 1;
const FIRST_NAME: usize = 2;
const LAST_NAME: usize = 3;
const BIO: usize = 4;
const AVATAR_URL: usize = 5;
const SETTINGS: usize = 6;
const LOGINS: usize = 7;

pub(super) static SCRIPT: Script = Script {
    words: Words {
        task: "split users into users and user_profiles",
        from: &["users"],
        to: &["users", "user_profiles"],
        end: "what moved is gone from users, the application still finds it there",
    },
    migration: "split-profiles",
    rule: "kind    = \"split-table\"\n\
           table   = \"users\"\n\
           into    = \"user_profiles\"\n\
           key     = { from = \"id\", to = \"user_id\" }\n\
           columns = [\"first_name\", \"last_name\", \"bio\", \"avatar_url\", \"settings\"]\n",
    // A column that stays stands behind those that move: `SELECT *` must keep its place too.
    create: "\
        CREATE TABLE users (\
          id bigint PRIMARY KEY, \
          email text NOT NULL UNIQUE, \
          password_hash text NOT NULL, \
          first_name varchar(100), \
          last_name varchar(100) NOT NULL, \
          bio text, \
          avatar_url text, \
          settings jsonb NOT NULL DEFAULT '{}', \
          logins integer NOT NULL DEFAULT 0); \
        CREATE INDEX users_last_name_idx ON users (last_name); \
        ALTER TABLE users OWNER TO app; \
        GRANT SELECT, INSERT, UPDATE ON users TO segue",
    fill: &["\
        INSERT INTO users (id, email, password_hash, first_name, last_name, bio, avatar_url, settings) \
        SELECT g, 'user_' || g || '@example.com', 'hash of ' || g, \
               CASE WHEN g % 4 <> 0 THEN 'First' || g END, 'Last' || g, \
               CASE WHEN g % 3 = 0 THEN 'I am number ' || g END, \
               CASE WHEN g % 5 = 0 THEN 'https://img.example.com/' || g END, \
               CASE WHEN g % 2 = 0 THEN jsonb_build_object('theme', 'dark') ELSE '{}' END \
        FROM generate_series(1, $1::bigint) g"],
    contract: "\
        ALTER TABLE users DROP COLUMN first_name, DROP COLUMN last_name, DROP COLUMN bio, \
        DROP COLUMN avatar_url, DROP COLUMN settings",
    application: Behaviour {
        filled,
        whole_row: &say::READ_ROW,
        acts: &[
            (20, Act { statement: &say::READ_KEPT, ask: Ask::Of(read_kept) }),
            (16, Act { statement: &say::READ_MOVED, ask: Ask::Of(read_moved) }),
            (16, Act { statement: &say::READ_ROW, ask: Ask::Of(read_row) }),
            (10, Act { statement: &say::READ_BY_EMAIL, ask: Ask::Of(read_by_email) }),
            (8, Act { statement: &say::READ_BY_LAST_NAME, ask: Ask::Of(read_by_last_name) }),
            (8, Act { statement: &say::READ_STAR, ask: Ask::Of(read_row) }),
            (4, Act { statement: &say::READ_SORTED, ask: Ask::Of(read_sorted) }),
            (4, Act { statement: &say::INSERT, ask: Ask::New(insert) }),
            (3, Act { statement: &say::INSERT_RETURNING, ask: Ask::New(insert_returning) }),
            (6, Act { statement: &say::LOG_IN, ask: Ask::Of(log_in) }),
            (5, Act { statement: &say::DESCRIBE, ask: Ask::Of(describe) }),
            (5, Act { statement: &say::MOVE_HOUSE, ask: Ask::Of(move_house) }),
            (3, Act { statement: &say::RESET, ask: Ask::Of(reset) }),
            (3, Act { statement: &say::UPSERT, ask: Ask::Of(upsert) }),
            (3, Act { statement: &say::UPSERT_PROFILE, ask: Ask::Of(upsert_profile) }),
            (2, Act { statement: &say::DELETE, ask: Ask::Of(delete) }),
            (2, Act { statement: &say::DELETE_RETURNING, ask: Ask::Of(delete_returning) }),
        ],
        transaction: &[
            Act { statement: &say::LOCK, ask: Ask::Of(read_row) },
            Act { statement: &say::DESCRIBE, ask: Ask::Of(describe) },
            Act { statement: &say::LOG_IN, ask: Ask::Of(log_in) },
            Act { statement: &say::READ_STAR, ask: Ask::Of(read_row) },
        ],
    },
    old_rows: "\
        SELECT id, email, password_hash, first_name, last_name, bio, avatar_url, settings::text, \
               logins::text \
        FROM users",
    // A half that is left of a row that was deleted shows as a row without an email.
    new_rows: "\
        SELECT coalesce(u.id, p.user_id), u.email, u.password_hash, p.first_name, p.last_name, p.bio, \
               p.avatar_url, p.settings::text, u.logins::text \
        FROM users u FULL JOIN user_profiles p ON p.user_id = u.id",
};

/// What `fill` stores.
fn filled(id: i64) -> Record {
    let one_in = |times: i64| id % times == 0;
    Record::new([
        Some(format!("user_{id}@example.com")),
        Some(format!("hash of {id}")),
        (!one_in(4)).then(|| format!("First{id}")),
        Some(format!("Last{id}")),
        one_in(3).then(|| format!("I am number {id}")),
        one_in(5).then(|| format!("https://img.example.com/{id}")),
        Some(if one_in(2) { settings("dark") } else { NO_SETTINGS.to_owned() }),
        Some("0".to_owned()),
    ])
}

/// What `settings` is by default.
const NO_SETTINGS: &str = "{}";

/// As the server writes it.
fn settings(theme: &str) -> String {
    format!("{{\"theme\": \"{theme}\"}}")
}
