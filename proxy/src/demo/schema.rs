//! The demo's table and the changes that an operator makes to it, directly on the server.
//!
//! Every statement that needs a strong lock waits for it at most a tenth of a second and then lets
//! the application pass before it tries again (operations: lock discipline).

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::walk::manners::{backoff, chance};

/// The application's database.
pub(super) const DATABASE: &str = "app";

/// The application's role.
pub(super) const APPLICATION: &str = "app";

/// Segue's own role.
pub(super) const CONTROL: &str = "segue";

/// How long a statement may be kept from its lock before the demo gives up. Unit: seconds.
const LOCK_DEADLINE_S: u64 = 60;

/// Roles and database, on the maintenance database.
pub(super) const PREPARE: [&str; 3] = [
    "CREATE ROLE app LOGIN",
    "CREATE ROLE segue LOGIN IN ROLE pg_monitor",
    "CREATE DATABASE app OWNER app",
];

/// The table as the application knows it.
pub(super) const CREATE: &str = "\
    CREATE TABLE users (\
      id bigint PRIMARY KEY, \
      username varchar(100) NOT NULL UNIQUE, \
      email text NOT NULL, \
      bio text, \
      updates integer NOT NULL DEFAULT 0, \
      created_at timestamptz NOT NULL DEFAULT now()); \
    ALTER TABLE users OWNER TO app; \
    GRANT SELECT, UPDATE ON users TO segue";

/// Expand: the new column, empty.
pub(super) const ADD_COLUMN: &str = "ALTER TABLE users ADD COLUMN handle varchar(100)";

/// The new column's own uniqueness. Only now: an index there would have slowed the backfill, and
/// made concurrent upserts of the same name fail.
pub(super) const CREATE_INDEX: &str =
    "CREATE UNIQUE INDEX CONCURRENTLY users_handle_key ON users (handle)";

/// NOT NULL without a scan under a strong lock, in separate statements: put together, PostgreSQL
/// would scan the table under ACCESS EXCLUSIVE after all.
pub(super) const NOT_NULL: [&str; 4] = [
    "ALTER TABLE users ADD CONSTRAINT users_handle_not_null CHECK (handle IS NOT NULL) NOT VALID",
    "ALTER TABLE users VALIDATE CONSTRAINT users_handle_not_null",
    "ALTER TABLE users ALTER COLUMN handle SET NOT NULL",
    "ALTER TABLE users DROP CONSTRAINT users_handle_not_null",
];

/// Fresh statistics: the planner must know the new column before reads move to it.
pub(super) const ANALYZE: &str = "ANALYZE users";

/// The old column must accept rows that do not name it.
pub(super) const RELAX: &str = "ALTER TABLE users ALTER COLUMN username DROP NOT NULL";

/// Contract: the old column goes.
pub(super) const DROP_COLUMN: &str = "ALTER TABLE users DROP COLUMN username";

/// Fills the table as `Record::seeded` says.
pub(super) async fn seed(client: &Client, rows: i64) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(CREATE).await?;
    client
        .execute(
            "INSERT INTO users (id, username, email, bio) \
             SELECT g, 'user_' || g, 'user_' || g || '@example.com', \
                    CASE WHEN g % 3 = 0 THEN 'I am number ' || g END \
             FROM generate_series(1, $1::bigint) g",
            &[&rows],
        )
        .await?;
    client.batch_execute("VACUUM ANALYZE users").await
}

/// Carries out one change of the schema without making the application wait for its lock.
///
/// Cancel safety: dropping the future leaves the change undone, or done if it was just committed.
pub(super) async fn change(
    client: &Client,
    sql: &str,
    waiting: &(dyn Fn(u32) + Send + Sync),
) -> Result<(), tokio_postgres::Error> {
    let started = Instant::now();
    let guarded = format!("SET LOCAL lock_timeout = '100ms'; {sql}");
    let mut attempt = 0;
    loop {
        // One message is one transaction: the setting holds in it and is gone afterwards.
        let error = match client.batch_execute(&guarded).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let patience = Duration::from_secs(LOCK_DEADLINE_S);
        if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) || started.elapsed() > patience {
            return Err(error);
        }
        attempt += 1;
        waiting(attempt);
        tokio::time::sleep(backoff(attempt, chance())).await;
    }
}
