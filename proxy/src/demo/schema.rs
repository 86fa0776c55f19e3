//! The demo's database, its roles, and the rows that it begins with.

use tokio_postgres::Client;

use super::scenario::Script;

/// The application's database.
pub(super) const DATABASE: &str = "app";

/// The application's role.
pub(super) const APPLICATION: &str = "app";

/// Segue's own role.
pub(super) const CONTROL: &str = "segue";

/// Roles and database, on the maintenance database.
pub(super) const PREPARE: [&str; 3] = [
    "CREATE ROLE app LOGIN",
    "CREATE ROLE segue LOGIN IN ROLE pg_monitor",
    "CREATE DATABASE app OWNER app",
];

/// Whoever changes the schema does so as the owner of the tables, and may tell an autovacuum to stop.
pub(super) const OPERATE: &str = "SET deadlock_timeout = '10ms'; SET ROLE app";

/// Makes the scenario's tables, with so many rows.
pub(super) async fn fill(
    client: &Client,
    script: &Script,
    rows: i64,
) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(script.create).await?;
    for sql in script.fill {
        client.execute(*sql, &[&rows]).await?;
    }
    client.batch_execute("VACUUM ANALYZE").await
}
