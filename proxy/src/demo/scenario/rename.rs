//! `users.username` becomes `users.handle`, and the application goes on saying `username`: it was written
//! before anybody thought of another name.

use tokio_postgres::types::Type;

use super::{Script, Words};
use crate::demo::application::{
    Act, Ask, Behaviour, Call, Expected, Record, Statement, Turn, Value,
};

const USERNAME: usize = 0;
const EMAIL: usize = 1;
const BIO: usize = 2;
const UPDATES: usize = 3;

pub(super) static SCRIPT: Script = Script {
    words: Words {
        task: "rename users.username to handle",
        from: &["users.username"],
        to: &["users.handle"],
        end: "the old column is gone, the application still says username",
    },
    migration: "rename-username",
    rule: "kind  = \"rename-column\"\n\
           table = \"users\"\n\
           from  = \"username\"\n\
           to    = \"handle\"\n",
    create: "\
        CREATE TABLE users (\
          id bigint PRIMARY KEY, \
          username varchar(100) NOT NULL UNIQUE, \
          email text NOT NULL, \
          bio text, \
          updates integer NOT NULL DEFAULT 0, \
          created_at timestamptz NOT NULL DEFAULT now()); \
        ALTER TABLE users OWNER TO app; \
        GRANT SELECT, UPDATE ON users TO segue",
    fill: &["\
        INSERT INTO users (id, username, email, bio) \
        SELECT g, 'user_' || g, 'user_' || g || '@example.com', \
               CASE WHEN g % 3 = 0 THEN 'I am number ' || g END \
        FROM generate_series(1, $1::bigint) g"],
    contract: "ALTER TABLE users DROP COLUMN username",
    application: Behaviour {
        filled,
        whole_row: &READ_BY_ID,
        acts: &[
            (32, Act { statement: &READ_BY_ID, ask: Ask::Of(read_row) }),
            (20, Act { statement: &READ_BY_NAME, ask: Ask::Of(read_by_name) }),
            (10, Act { statement: &READ_STAR, ask: Ask::Of(read_row) }),
            (4, Act { statement: &READ_SORTED, ask: Ask::Of(read_sorted) }),
            (5, Act { statement: &INSERT, ask: Ask::New(insert) }),
            (3, Act { statement: &INSERT_RETURNING, ask: Ask::New(insert_returning) }),
            (7, Act { statement: &RENAME, ask: Ask::Of(rename) }),
            (4, Act { statement: &RENAME_RETURNING, ask: Ask::Of(rename_returning) }),
            (5, Act { statement: &TOUCH, ask: Ask::Of(touch) }),
            (6, Act { statement: &UPSERT, ask: Ask::Of(upsert) }),
            (2, Act { statement: &DELETE, ask: Ask::Of(delete) }),
            (2, Act { statement: &DELETE_RETURNING, ask: Ask::Of(delete_returning) }),
        ],
        transaction: &[
            Act { statement: &RENAME, ask: Ask::Of(rename) },
            Act { statement: &READ_BY_ID, ask: Ask::Of(read_row) },
            Act { statement: &READ_BY_NAME, ask: Ask::Of(read_by_name) },
        ],
    },
    old_rows: "SELECT id, username, email, bio, updates::text FROM users",
    new_rows: "SELECT id, handle, email, bio, updates::text FROM users",
};

static READ_BY_ID: Statement = Statement {
    text: "SELECT id, username, email, bio, updates FROM users WHERE id = $1",
    columns: &[
        ("id", Type::INT8),
        ("username", Type::VARCHAR),
        ("email", Type::TEXT),
        ("bio", Type::TEXT),
        ("updates", Type::INT4),
    ],
    parameters: &[Type::INT8],
};

static READ_BY_NAME: Statement = Statement {
    text: "SELECT u.id, u.username, u.email FROM users u WHERE username = $1",
    columns: &[("id", Type::INT8), ("username", Type::VARCHAR), ("email", Type::TEXT)],
    parameters: &[Type::VARCHAR],
};

/// It also gives created_at, which the server filled in and nobody compares.
static READ_STAR: Statement = Statement {
    text: "SELECT * FROM users WHERE id = $1",
    columns: &[
        ("id", Type::INT8),
        ("username", Type::VARCHAR),
        ("email", Type::TEXT),
        ("bio", Type::TEXT),
        ("updates", Type::INT4),
        ("created_at", Type::TIMESTAMPTZ),
    ],
    parameters: &[Type::INT8],
};

static READ_SORTED: Statement = Statement {
    text: "SELECT username FROM users WHERE id IN ($1, $2, $3) ORDER BY username DESC",
    columns: &[("username", Type::VARCHAR)],
    parameters: &[Type::INT8, Type::INT8, Type::INT8],
};

static INSERT: Statement = Statement {
    text: "INSERT INTO users (id, username, email) VALUES ($1, $2, $3)",
    columns: &[],
    parameters: &[Type::INT8, Type::VARCHAR, Type::TEXT],
};

static INSERT_RETURNING: Statement = Statement {
    text: "INSERT INTO users (id, username, email, bio) VALUES ($1, $2, $3, $4) \
           RETURNING id, username, updates",
    columns: &[("id", Type::INT8), ("username", Type::VARCHAR), ("updates", Type::INT4)],
    parameters: &[Type::INT8, Type::VARCHAR, Type::TEXT, Type::TEXT],
};

static RENAME: Statement = Statement {
    text: "UPDATE users SET username = $2, updates = updates + 1 WHERE id = $1",
    columns: &[],
    parameters: &[Type::INT8, Type::VARCHAR],
};

static RENAME_RETURNING: Statement = Statement {
    text: "UPDATE users SET username = $2, updates = updates + 1 WHERE username = $1 \
           RETURNING username, updates",
    columns: &[("username", Type::VARCHAR), ("updates", Type::INT4)],
    parameters: &[Type::VARCHAR, Type::VARCHAR],
};

static TOUCH: Statement = Statement {
    text: "UPDATE users SET bio = $2, updates = updates + 1 WHERE username = $1",
    columns: &[],
    parameters: &[Type::VARCHAR, Type::TEXT],
};

static UPSERT: Statement = Statement {
    text: "INSERT INTO users (id, username, email) VALUES ($1, $2, $3) \
           ON CONFLICT (username) \
           DO UPDATE SET email = EXCLUDED.email, updates = users.updates + 1",
    columns: &[],
    parameters: &[Type::INT8, Type::VARCHAR, Type::TEXT],
};

static DELETE: Statement = Statement {
    text: "DELETE FROM users WHERE username = $1",
    columns: &[],
    parameters: &[Type::VARCHAR],
};

static DELETE_RETURNING: Statement = Statement {
    text: "DELETE FROM users WHERE id = $1 RETURNING username",
    columns: &[("username", Type::VARCHAR)],
    parameters: &[Type::INT8],
};

/// One upsert in this many meets no row and inserts one.
const UPSERT_INSERTS_ONE_IN: u64 = 3;

fn record(username: String, email: String, bio: Option<String>) -> Record {
    Record::new([Some(username), Some(email), bio, Some("0".to_owned())])
}

/// What `fill` stores.
fn filled(id: i64) -> Record {
    let bio = (id % 3 == 0).then(|| format!("I am number {id}"));
    record(format!("user_{id}"), format!("user_{id}@example.com"), bio)
}

fn read_row(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    Call { values: vec![Value::Number(id)], expected: Expected::row(record.whole(id)) }
}

fn read_by_name(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let expected = Expected::row(record.with_id(id, &[USERNAME, EMAIL]));
    Call { values: vec![record.value(USERNAME)], expected }
}

fn read_sorted(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let (ids, records) = turn.three(id, record);
    let mut names: Vec<_> = records.iter().map(|record| record.cells(&[USERNAME])).collect();
    // The demo's database sorts by bytes.
    names.sort_unstable_by(|a, b| b.cmp(a));
    Call { values: ids.map(Value::Number).to_vec(), expected: Expected::Rows(names) }
}

fn insert(turn: &mut Turn<'_>) -> Call {
    let id = turn.fresh_id();
    let record = record(turn.fresh_name(), format!("{id}@new.example.com"), None);
    let values = vec![Value::Number(id), record.value(USERNAME), record.value(EMAIL)];
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

fn insert_returning(turn: &mut Turn<'_>) -> Call {
    let (id, name) = (turn.fresh_id(), turn.fresh_name());
    let bio = format!("new as {name}");
    let record = record(name, format!("{id}@new.example.com"), Some(bio));
    let mut values = vec![Value::Number(id)];
    values.extend([USERNAME, EMAIL, BIO].map(|place| record.value(place)));
    let expected = Expected::row(record.with_id(id, &[USERNAME, UPDATES]));
    turn.write(id, Some(record));
    Call { values, expected }
}

fn upsert(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    if turn.one_in(UPSERT_INSERTS_ONE_IN) {
        return insert(turn);
    }
    let unused_id = turn.fresh_id();
    record.set(EMAIL, format!("{unused_id}@upsert.example.com"));
    record.count_up(UPDATES);
    let values = vec![Value::Number(unused_id), record.value(USERNAME), record.value(EMAIL)];
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

fn rename(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    record.set(USERNAME, turn.fresh_name());
    record.count_up(UPDATES);
    let values = vec![Value::Number(id), record.value(USERNAME)];
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

fn rename_returning(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let before = record.value(USERNAME);
    record.set(USERNAME, turn.fresh_name());
    record.count_up(UPDATES);
    let values = vec![before, record.value(USERNAME)];
    let expected = Expected::row(record.cells(&[USERNAME, UPDATES]));
    turn.write(id, Some(record));
    Call { values, expected }
}

fn touch(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    record.set(BIO, format!("touched by {}", turn.fresh_name()));
    record.count_up(UPDATES);
    let values = vec![record.value(USERNAME), record.value(BIO)];
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

fn delete(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    turn.write(id, None);
    Call { values: vec![record.value(USERNAME)], expected: Expected::Count(1) }
}

fn delete_returning(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    turn.write(id, None);
    let expected = Expected::row(record.cells(&[USERNAME]));
    Call { values: vec![Value::Number(id)], expected }
}
