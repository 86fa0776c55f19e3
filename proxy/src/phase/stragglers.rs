//! Ends those who hold a drain up, when an operator asks for it.

use rewrite_rules::name::quoted;
use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use super::drain::{Drain, Reason, Waiting};
use crate::catalog;

/// How a straggler is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// What it runs is cancelled; its session and, if it catches the error, its transaction go on.
    Cancel,
    /// Its session is ended, and its transaction rolled back.
    Terminate,
}

/// What became of those who were waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Who was told to end.
    pub signalled: Vec<String>,
    /// Who was not, and why.
    pub left: Vec<String>,
}

/// Tells backend $1 to end, unless its transaction is younger than $2 seconds: then whoever was
/// waited for is gone, and another has its process id or another transaction.
const CANCEL: &str = "
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND coalesce(xact_start, '-infinity')
                       <= clock_timestamp() - make_interval(secs => $2)";

/// The same for the whole session.
const TERMINATE: &str = "
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND coalesce(xact_start, '-infinity')
                       <= clock_timestamp() - make_interval(secs => $2)";

/// Ends everybody whom `drain` waits for.
///
/// Cancel safety: some of them may have been told.
///
/// # Errors
/// The server cannot be reached.
pub async fn end(drain: &Drain, how: Ending) -> Result<Ended, String> {
    let client = catalog::connect(&drain.control).await.map_err(|error| error.to_string())?;
    let statement = match how {
        Ending::Cancel => CANCEL,
        Ending::Terminate => TERMINATE,
    };
    // Whoever asks right behind the flip means those who will be found.
    catalog::in_time(drain.looked()).await.map_err(|silence| silence.to_string())?;
    let mut ended = Ended::default();
    for waiting in drain.progress().waiting {
        if waiting.reason == Reason::PreparedTransaction {
            ended.left.push(format!("{waiting}\n  hint: {}", finish_prepared(&waiting)));
            continue;
        }
        if waiting.pid == 0 {
            ended.left.push(format!("{waiting}: its process on the server is not known"));
            continue;
        }
        let age = drain.swapped_at.elapsed().unwrap_or_default().as_secs_f64();
        let asked = catalog::in_time(client.query_opt(statement, &[&waiting.pid, &age])).await;
        match asked.map_err(|silence| silence.to_string())? {
            Ok(Some(row)) if row.try_get(0).unwrap_or(false) => {
                ended.signalled.push(waiting.to_string());
            }
            // It has gone by itself.
            Ok(_) => {}
            Err(error) => {
                let reason = catalog::reason(&error);
                let hint = match error.code() {
                    Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                        "\n  hint: GRANT pg_signal_backend to segue's role; sessions of superusers \
                         only a superuser may end"
                    }
                    Some(_) | None => "",
                };
                ended.left.push(format!("{waiting}: {reason}{hint}"));
            }
        }
    }
    Ok(ended)
}

/// A prepared transaction has no session: somebody must decide what becomes of it.
fn finish_prepared(waiting: &Waiting) -> String {
    // Its identifier is a literal, quoted as one.
    let identifier = waiting.client.replace('\'', "''");
    format!(
        "run COMMIT PREPARED '{identifier}' or ROLLBACK PREPARED '{identifier}' as {}",
        quoted(&waiting.user)
    )
}
