//! The passes of a backfill: the priority steps in their order, then all rows, then sweeps until
//! nothing is left.
//!
//! A sweep finds what the passes before could miss: rows whose key was changed meanwhile so that they
//! came to stand behind the place already reached, and in a table without a key rows that were moved.

use tokio_postgres::Client;

use super::order::Order;
use super::{BackfillError, start::Started};
use crate::catalog::reason;
use crate::journal::range::{Range, begin_pass};
use crate::walk::Part;
use crate::walk::manners::{Meaning, meaning};

/// More sweeps than this find no end: somebody writes one side only.
pub(super) const SWEEPS: i32 = 4;

/// What one pass copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) number: i32,
    /// In words.
    pub(super) name: String,
    /// Only what fulfils it, if there is one.
    pub(super) condition: Option<String>,
    pub(super) is_sweep: bool,
}

impl Pass {
    /// The pass of that number, from 0.
    pub(super) fn of(number: i32, order: &Order) -> Self {
        let steps = i32::try_from(order.steps.len()).unwrap_or(i32::MAX);
        let condition = usize::try_from(number).ok().and_then(|number| order.steps.get(number));
        let (name, is_sweep) = match condition {
            Some(condition) => (condition.clone(), false),
            None if number == steps => ("all rows".to_owned(), false),
            None => (format!("sweep {}", number - steps), true),
        };
        Self { number, name, condition: condition.cloned(), is_sweep }
    }

    /// The number of the sweep that it is, from 1.
    pub(super) fn sweep(&self, order: &Order) -> i32 {
        self.number - i32::try_from(order.steps.len()).unwrap_or(i32::MAX)
    }

    /// Begins it: divides what there is now, about `total` rows, into ranges for `workers` workers.
    pub(super) async fn begin(
        &self,
        started: &mut Started,
        workers: u32,
        total: i64,
    ) -> Result<(), BackfillError> {
        let work = std::sync::Arc::clone(&started.work);
        let mut ranges = Vec::new();
        for part in work.copied() {
            if let Some(condition) = &self.condition
                && condition_fault(&started.client, part, condition).await?.is_some()
            {
                continue;
            }
            divide(&started.client, part, workers, &mut ranges).await?;
        }
        let (migration, runner) = (&started.claim.migration, &started.claim.runner);
        let pass = (self.number, self.name.as_str(), total);
        if !begin_pass(&mut started.client, migration, runner, pass, &started.plan, &ranges).await?
        {
            return Err(BackfillError::TakenOver);
        }
        crate::failpoint!("backfill-pass-begun");
        Ok(())
    }
}

/// Why a condition is none over the columns of a part, if it is none.
///
/// Cancel safe: it only reads.
pub(super) async fn condition_fault(
    client: &Client,
    part: &Part,
    condition: &str,
) -> Result<Option<String>, BackfillError> {
    let sql = format!("SELECT FROM {} AS t WHERE ({condition}) LIMIT 0", part.relation);
    match client.prepare(&sql).await {
        Ok(statement) if statement.params().is_empty() => Ok(None),
        Ok(_) => Ok(Some("it has a parameter".to_owned())),
        Err(error) if meaning(&error) == Meaning::Lost => Err(error.into()),
        Err(error) => Ok(Some(reason(&error))),
    }
}

/// Divides a part into ranges, so many that no worker has to wait long for the last one.
async fn divide(
    client: &Client,
    part: &Part,
    workers: u32,
    ranges: &mut Vec<Range>,
) -> Result<(), BackfillError> {
    let Some(end) = part.way.end(client, &part.relation).await? else { return Ok(()) };
    let shares = if workers > 1 { u64::from(workers) * 4 } else { 1 };
    let mut ends = part.way.divide(client, &part.relation, shares).await?;
    ends.push(end);
    let mut after = None;
    for up_to in ends {
        let number = i32::try_from(ranges.len()).unwrap_or(i32::MAX);
        let range = Range {
            number,
            part: part.oid,
            after: after.replace(up_to.clone()),
            up_to,
            ..Range::default()
        };
        ranges.push(range);
    }
    Ok(())
}
