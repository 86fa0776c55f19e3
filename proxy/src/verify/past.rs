//! Who could be writing past the proxies: sessions of the database that are none of theirs.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::journal::JournalError;

/// Sessions that are named. More are none that an operator would look through. Unit: sessions.
const SHOWN: i64 = 20;

/// A session that does not come through a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Process id of its backend.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// Where it comes from.
    pub client: String,
}

/// The sessions of this database that no proxy has registered, and that are not segue's own. A proxy
/// registers each of its sessions before that may begin a transaction; a number that the system has given
/// out again is another session.
const SESSIONS: &str = "
    SELECT a.pid, coalesce(a.usename::text, ''), coalesce(nullif(a.application_name, ''), 'without a name'),
           coalesce(host(a.client_addr), 'local')
    FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
      AND coalesce(a.backend_type, 'client backend') = 'client backend'
      AND coalesce(a.application_name, '') NOT IN
          ('segue control', 'segue backfill', 'segue verify')
      AND NOT EXISTS (
          SELECT FROM segue.session s WHERE s.backend = a.pid
             AND (a.backend_start IS NULL OR a.backend_start <= s.registered_at + interval '10 s'))
    ORDER BY a.backend_start, a.pid LIMIT $1";

/// Those that are connected now. Who has written and gone again is not among them.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server, or the way to it.
pub async fn sessions(client: &Client) -> Result<Vec<Session>, JournalError> {
    let mut sessions = Vec::new();
    for row in client.query(SESSIONS, &[&SHOWN]).await? {
        sessions.push(Session {
            pid: row.try_get(0)?,
            user: row.try_get(1)?,
            application: row.try_get(2)?,
            client: row.try_get(3)?,
        });
    }
    Ok(sessions)
}

/// Some sessions, for humans.
#[must_use]
pub fn told(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "none now".to_owned();
    }
    let one = |session: &Session| {
        let Session { pid, user, application, client } = session;
        format!("pid {pid} ({application}, user {user}, from {client})")
    };
    sessions.iter().map(one).collect::<Vec<_>>().join(", ")
}
