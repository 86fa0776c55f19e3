//! What a replica writes of itself: that it lives, what it has drained, its sessions.

use tokio_postgres::Client;

use super::JournalError;
use super::rename;
use super::state;
use super::step::{self, Cause, Entry, StepError};

/// Who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// Its machine.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Where its clients connect.
    pub address: String,
    /// Its configuration file.
    pub config: String,
    /// The phases that the file says, as JSON.
    pub file: String,
    /// For how long it serves after it has last written. Unit: milliseconds.
    pub lease_ms: u64,
}

/// What a replica says with a sign of life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// The last epoch that it has drained.
    pub acknowledged: i64,
    /// What keeps it from following.
    pub problem: Option<String>,
    /// The phases that its file says, as JSON, if that is known.
    pub file: Option<String>,
}

impl Signs {
    /// Nothing but what was drained.
    #[must_use]
    pub fn of(acknowledged: i64) -> Self {
        Self { acknowledged, ..Self::default() }
    }
}

/// What came of a sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It was written; this is the epoch in force.
    Counted {
        /// The epoch in force.
        epoch: i64,
        /// Which journal says so.
        fleet: String,
    },
    /// The replica is no longer counted.
    Expelled,
}

/// Joins the fleet, which must be in `epoch`, having drained nothing. What is in `begin` begins with
/// that, in an epoch of its own. Gives the replica's id, its epoch, and which journal it is.
///
/// Cancel safety: one transaction; a replica that nobody is may be left, until its lease is over.
///
/// # Errors
/// As [`step::take`].
pub async fn join(
    client: &mut Client,
    newcomer: &Newcomer,
    cause: &Cause,
    epoch: i64,
    begin: &[Entry],
) -> Result<(String, i64, String), StepError> {
    let transaction = client.transaction().await?;
    step::lock(&transaction).await?;
    let mut state = state::read(&transaction).await?;
    if state.epoch != epoch {
        return Err(StepError::Moved(state.epoch));
    }
    match &state.hold {
        // Perhaps nobody is left who could.
        Some(hold) if hold.is_over => state.epoch = rename::give_up(&transaction, epoch).await?,
        Some(hold) => return Err(StepError::Held(hold.migration.clone())),
        None => {}
    }
    let mut epoch = state.epoch;
    if !begin.is_empty() {
        step::may_go_on(&transaction, &state).await?;
        epoch = epoch.saturating_add(1);
        step::write(&transaction, epoch, begin, cause).await?;
    }
    let Newcomer { host, pid, address, config, file, lease_ms } = newcomer;
    let insert = "
        INSERT INTO segue.replica (host, pid, address, version, lease, acknowledged, config, file)
        VALUES ($1, $2, $3, $4, make_interval(secs => $5), $6, $7, $8) RETURNING id";
    let pid = i32::try_from(*pid).unwrap_or_default();
    let lease_s = *lease_ms as f64 / 1_000.0;
    let version = env!("CARGO_PKG_VERSION");
    let drained = epoch.saturating_sub(1);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [host, &pid, address, &version, &lease_s, &drained, config, file];
    let row = transaction.query_one(insert, &values).await?;
    let id = row.try_get(0)?;
    step::commit(transaction).await?;
    Ok((id, epoch, state.id))
}

/// Writes that `replica` lives, and what it says with that.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn sign(client: &Client, replica: &str, say: &Signs) -> Result<Sign, JournalError> {
    let update = "
        UPDATE segue.replica
        SET heartbeat = clock_timestamp(), acknowledged = greatest(acknowledged, $2), problem = $3,
            acknowledged_at = CASE WHEN acknowledged < $2 THEN clock_timestamp()
                                   ELSE acknowledged_at END,
            file = coalesce($4, file)
        WHERE id = $1 AND expelled_at IS NULL
        RETURNING (SELECT epoch FROM segue.fleet), (SELECT id FROM segue.fleet)";
    let Signs { acknowledged, problem, file } = say;
    match client.query_opt(update, &[&replica, acknowledged, problem, file]).await? {
        Some(row) => match (row.try_get(0)?, row.try_get(1)?) {
            (Some(epoch), Some(fleet)) => Ok(Sign::Counted { epoch, fleet }),
            _lost => Err(JournalError::Failed("segue.fleet has lost its row".to_owned())),
        },
        None => Ok(Sign::Expelled),
    }
}

/// Registers sessions by the process ids of their backends. Returns whether the replica is counted.
///
/// Cancel safety: they are registered or not; registering them again is harmless.
///
/// # Errors
/// The server, or the way to it.
pub async fn register(
    client: &Client,
    replica: &str,
    backends: &[i32],
) -> Result<bool, JournalError> {
    // The lock keeps a step from counting the replica out before this is committed.
    let insert = "
        INSERT INTO segue.session (replica, backend)
        SELECT r.id, b FROM
            (SELECT id FROM segue.replica WHERE id = $1 AND expelled_at IS NULL FOR SHARE) r,
            (SELECT DISTINCT unnest($2::int[]) AS b) backends
        ON CONFLICT (replica, backend) DO UPDATE SET registered_at = clock_timestamp()";
    Ok(client.execute(insert, &[&replica, &backends]).await? > 0)
}

/// Strikes out sessions that have ended.
///
/// Cancel safety: they are struck out or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn strike_out(client: &Client, replica: &str) -> Result<(), JournalError> {
    let delete = concat!(
        "DELETE FROM segue.session s
         WHERE s.replica = $1 AND NOT EXISTS (
             SELECT FROM pg_stat_activity a WHERE a.pid = s.backend AND ",
        is_alive!(),
        ")"
    );
    client.execute(delete, &[&replica]).await?;
    Ok(())
}

/// Gives the lease up: the replica serves nobody any more. It is counted out once its last session
/// is gone from the server.
///
/// Cancel safety: it is given up or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn leave(client: &Client, replica: &str) -> Result<(), JournalError> {
    let update = "UPDATE segue.replica SET heartbeat = to_timestamp(0) WHERE id = $1";
    client.execute(update, &[&replica]).await?;
    Ok(())
}
