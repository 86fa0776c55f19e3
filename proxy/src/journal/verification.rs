//! What came of the comparisons of rows that the gates asked for.

use std::time::Duration;

use tokio_postgres::Client;

use super::JournalError;

/// What a comparison has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The migration.
    pub migration: String,
    /// The phase that was to be entered.
    pub phase: &'static str,
    /// Whether all rows agree; `None` if that cannot be told.
    pub equal: Option<bool>,
    /// What was found, in words.
    pub detail: Option<String>,
    /// How long the gate took, most of it for this.
    pub took: Duration,
}

/// Writes it down.
///
/// Cancel safety: it is written or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn record(client: &Client, epoch: i64, it: &Verification) -> Result<(), JournalError> {
    let result = match it.equal {
        Some(true) => "equal",
        Some(false) => "different",
        None => "unknown",
    };
    let insert = "
        INSERT INTO segue.verification (epoch, migration, phase, result, detail, took)
        VALUES ($1, $2, $3, $4, $5, make_interval(secs => $6))";
    let took = it.took.as_secs_f64();
    let Verification { migration, phase, detail, .. } = it;
    client.execute(insert, &[&epoch, migration, phase, &result, detail, &took]).await?;
    Ok(())
}
