//! Renames a column in the database and in the journal at once, while all replicas hold their clients
//! back: the steps of `strategy = "metadata"`.
//!
//! From the epoch in force one leads to another with the same phases in which everybody holds. When
//! all have acknowledged that, so that nothing is under way, one transaction renames the column and
//! writes the epoch with the new phase. Or the hold is given up, by whoever set it or, when its time
//! is over, by anybody.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use super::state;
use super::step::{self, Cause, Entry, StepError};

const NO_HOLD: &str = "UPDATE segue.fleet SET hold = NULL, hold_until = NULL";

/// Goes from `epoch` to one in which all hold their clients back, for at most `time_ms`.
///
/// Cancel safety: as [`step::take`].
///
/// # Errors
/// See [`StepError`].
pub async fn hold(
    client: &mut Client,
    replica: &str,
    epoch: i64,
    migration: &str,
    time_ms: u64,
) -> Result<i64, StepError> {
    let transaction = client.transaction().await?;
    let state = step::may_be_taken(&transaction, replica, epoch).await?;
    if let Some(hold) = state.hold {
        return Err(StepError::Held(hold.migration));
    }
    // Who is known to be away would have everybody held for nothing.
    let mut away = state::replicas(&transaction).await?;
    away.retain(|known| known.lapsed);
    if !away.is_empty() {
        return Err(StepError::Lagging { epoch, lagging: away });
    }
    let next = epoch.saturating_add(1);
    let seconds = time_ms as f64 / 1_000.0;
    let update = "UPDATE segue.fleet SET hold = $1,
                  hold_until = clock_timestamp() + make_interval(secs => $2)";
    transaction.execute(update, &[&migration, &seconds]).await?;
    step::write(&transaction, next, &[], &Cause::default()).await?;
    step::commit(transaction).await?;
    Ok(next)
}

/// Runs `ddl` and goes on from `epoch`, in which all hold their clients back and have nothing under
/// way: both in one transaction.
///
/// Cancel safety: as [`step::take`].
///
/// # Errors
/// See [`StepError`]. [`StepError::Lagging`] and [`StepError::Locked`] may pass.
pub async fn rename(
    client: &mut Client,
    replica: &str,
    epoch: i64,
    ddl: &str,
    changes: &[Entry],
    cause: &Cause,
) -> Result<i64, StepError> {
    let transaction = client.transaction().await?;
    step::lock(&transaction).await?;
    let state = state::read(&transaction).await?;
    // Somebody may have given it up already.
    if state.epoch != epoch || state.hold.as_ref().is_none_or(|hold| hold.is_over) {
        return Err(StepError::HoldOver);
    }
    step::may_still_take(&transaction, &state, replica).await?;
    // Whoever waits for the table keeps everybody behind it waiting.
    let rename = format!("SET LOCAL lock_timeout = '100ms'; {ddl}");
    if let Err(error) = transaction.batch_execute(&rename).await {
        return Err(match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                StepError::Locked(crate::catalog::reason(&error))
            }
            Some(_) | None => error.into(),
        });
    }
    transaction.batch_execute(NO_HOLD).await?;
    let next = epoch.saturating_add(1);
    step::write(&transaction, next, changes, cause).await?;
    step::commit(transaction).await?;
    Ok(next)
}

/// Lets all clients go on as before, if they are still held in `epoch`. With `if_over` only when the
/// time is over. Returns whether that made a new epoch.
///
/// Cancel safety: it is done or not.
///
/// # Errors
/// The journal cannot be used.
pub async fn release(client: &mut Client, epoch: i64, if_over: bool) -> Result<bool, StepError> {
    let transaction = client.transaction().await?;
    step::lock(&transaction).await?;
    let state = state::read(&transaction).await?;
    match state.hold {
        Some(hold) if state.epoch == epoch && (hold.is_over || !if_over) => {}
        Some(_) | None => return Ok(false),
    }
    give_up(&transaction, epoch).await?;
    step::commit(transaction).await?;
    Ok(true)
}

/// Ends a hold, under the locks of [`step::lock`], in an epoch of its own: whoever holds must hear of
/// it.
pub(super) async fn give_up(transaction: &Transaction<'_>, epoch: i64) -> Result<i64, StepError> {
    transaction.batch_execute(NO_HOLD).await?;
    let next = epoch.saturating_add(1);
    step::write(transaction, next, &[], &Cause::default()).await?;
    Ok(next)
}
