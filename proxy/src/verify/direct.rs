//! Compares all rows once, for somebody who waits for it: written down nowhere, at full speed.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::crew::Crew;
use super::pace::TARGET;
use super::progress::Outcome;
use super::session::Session;
use super::start::divide;
use super::walker::Walker;
use super::{VerifyError, whole};
use crate::backfill::throttle::Duty;
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::verify::Counts;
use crate::walk::Work;

/// Compares the rows of `work` over so many connections, which may only read; `report` is told how many
/// were compared. The first [`whole::SHOWN`] rows that differ are named.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server's; a policy that hides rows is one of them.
pub async fn compare(
    control: &ControlUrl,
    work: &Arc<Work>,
    workers: u32,
    report: &mut (dyn FnMut(u64) + Send),
) -> Result<Outcome, VerifyError> {
    let client = catalog::connect(control).await?;
    client.batch_execute("SET row_security = off").await?;
    let ranges = divide(&client, work, workers).await?;
    let workers = ranges.len().min(usize::try_from(workers.max(1)).unwrap_or(1));
    let crew =
        Crew::new(ranges, Duty::Work { rest: 0.0, batch: TARGET, reason: None }, Counts::default());
    let mut tasks = JoinSet::new();
    for _one in 0..workers {
        let client = catalog::connect(control).await?;
        let session = Session::new(client, Arc::clone(work), Arc::clone(&crew)).await?;
        session.only_read().await?;
        let keep = u64::try_from(whole::SHOWN).unwrap_or(u64::MAX);
        let crew = Arc::clone(&crew);
        let walker = Walker { session, crew, claim: None, mend: None, keep, kept: Vec::new() };
        tasks.spawn(walker.work());
    }
    let mut kept = Vec::new();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok(done)) => kept.extend(done?),
                Some(Err(fault)) => return Err(VerifyError::Worker(fault.to_string())),
            },
            _now = ticks.tick() => report(Outcome::of(crew.counts()).compared),
        }
    }
    kept.sort_by_key(|(number, _)| *number);
    let rows = kept.into_iter().map(|(_, row)| row).take(whole::SHOWN).collect();
    let (source, column) = (work.source.clone(), work.target.clone());
    Ok(Outcome { source, column, rows, ..Outcome::of(crew.counts()) })
}
