//! What comes next in a range: the places at which batches may end, and where nothing is to be done.

use std::sync::atomic::Ordering;

use tokio_postgres::Error;

use super::BackfillError;
use super::worker::Worker;
use crate::journal::range::{Range, Window};
use crate::walk::manners::{Meaning, meaning};
use crate::walk::way::{page_of, place_after};
use crate::walk::{Key, Part, Stretch};

/// Rows between two places at which a batch may end. Unit: rows.
const QUANTUM: u64 = 50;

/// Rows that are asked at once whether any of them wants anything: some tens of milliseconds.
/// Unit: rows.
const CLEAN_ROWS: u64 = 50_000;

/// A place at which a batch may end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: Key,
    /// Rows since the step before.
    pub(super) rows: u64,
    /// How many of them are to be changed, if that could be told.
    pub(super) wanted: Option<u64>,
}

/// What there is next in a range.
pub(super) enum Opened {
    /// Rows to be copied.
    Window(Window, Vec<Step>),
    /// Rows of which none wants anything.
    Clean { up_to: Key, rows: u64 },
}

impl Worker {
    /// The next rows of `range`, if none of them wants anything: to ask whether is a fifth of the work of
    /// asking which.
    pub(super) async fn clean(
        &self,
        part: &Part,
        range: &Range,
    ) -> Result<Option<Opened>, BackfillError> {
        if !part.way.is_key {
            return Ok(None);
        }
        let client = self.connection.client();
        let stretch = Stretch { after: range.after.as_ref(), up_to: Some(&range.up_to) };
        let way = &part.way;
        let step = || way.step(client, &part.relation, stretch, CLEAN_ROWS);
        let up_to = self.patiently(step).await?.unwrap_or_else(|| range.up_to.clone());
        let stretch = Stretch { up_to: Some(&up_to), ..stretch };
        match self.count(part, stretch).await? {
            Some((rows, 0)) => Ok(Some(Opened::Clean { rows: as_u64(rows), up_to })),
            Some(_) | None => Ok(None),
        }
    }

    /// After a sweep has dealt with a stretch: whether what it wrote is there. A trigger or a rule may
    /// have undone it. Gives the rows that it has looked at, if it is a sweep and that could be told.
    pub(super) async fn look_back(
        &self,
        part: &Part,
        stretch: Stretch<'_>,
    ) -> Result<Option<u64>, BackfillError> {
        if !self.is_sweep {
            return Ok(None);
        }
        let Some((rows, left)) = self.count(part, stretch).await? else { return Ok(None) };
        self.crew.tally.left.fetch_add(left, Ordering::Relaxed);
        Ok(Some(as_u64(rows)))
    }

    /// The rows of a stretch, and those of them that are not as they should be. `None`: a row raises,
    /// which is found when it is copied.
    async fn count(
        &self,
        part: &Part,
        stretch: Stretch<'_>,
    ) -> Result<Option<(i64, i64)>, BackfillError> {
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE {}) FROM {} WHERE {}",
            self.wanted(part),
            part.from(stretch, 1),
            part.way.key.within(stretch, 1),
        );
        let values = stretch.parameters();
        let ask = || async {
            match self.connection.client().query_one(&sql, &values).await {
                Ok(row) => Ok(Some((row.try_get(0)?, row.try_get(1)?))),
                Err(error) if meaning(&error) == Meaning::OfARow => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.patiently(ask).await
    }

    /// The steps through at most `rows` rows of a stretch.
    pub(super) async fn steps(
        &self,
        part: &Part,
        stretch: Stretch<'_>,
        rows: u64,
        ask: bool,
    ) -> Result<Vec<Step>, BackfillError> {
        if !part.way.is_key {
            return Ok(pages(part, stretch, rows));
        }
        let wanted = if ask { self.wanted(part) } else { "true".to_owned() };
        match self.patiently(|| self.steps_of(part, stretch, rows, &wanted)).await {
            Ok(steps) if ask => Ok(steps),
            Ok(steps) => Ok(steps.into_iter().map(|step| Step { wanted: None, ..step }).collect()),
            // A row for which the conversion raises is found when it is copied.
            Err(BackfillError::Server(error)) if ask && meaning(&error) == Meaning::OfARow => {
                let steps = self.patiently(|| self.steps_of(part, stretch, rows, "true")).await?;
                Ok(steps.into_iter().map(|step| Step { wanted: None, ..step }).collect())
            }
            Err(error) => Err(error),
        }
    }

    async fn steps_of(
        &self,
        part: &Part,
        stretch: Stretch<'_>,
        rows: u64,
        wanted: &str,
    ) -> Result<Vec<Step>, Error> {
        let sql = part.way.steps(&part.from(stretch, 3), stretch, wanted);
        let (quantum, rows) = (as_i64(QUANTUM), as_i64(rows));
        let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&quantum, &rows];
        values.extend(stretch.parameters());
        let mut steps = Vec::new();
        let (mut rows_before, mut wanted_before) = (0, 0);
        for row in self.connection.client().query(&sql, &values).await? {
            let (rows, wanted) = (as_u64(row.try_get(0)?), as_u64(row.try_get(1)?));
            steps.push(Step {
                key: crate::walk::key::key_of(&row, 2)?,
                rows: rows - rows_before,
                wanted: Some(wanted - wanted_before),
            });
            (rows_before, wanted_before) = (rows, wanted);
        }
        Ok(steps)
    }
}

/// The steps through a table without a key: page by page, or several if they hold few rows.
fn pages(part: &Part, stretch: Stretch<'_>, rows: u64) -> Vec<Step> {
    let next = |key: &Key| page_of(key).map_or(0, |page| page + 1);
    let from = stretch.after.map_or(0, next);
    let end = stretch.up_to.map_or(0, next);
    let per_page = part.way.rows_per_page();
    let stride = (QUANTUM / per_page).max(1);
    let most = from.saturating_add((rows / per_page).max(stride)).min(end);
    let mut steps = Vec::new();
    let mut page = from;
    while page < most {
        let last = (page + stride).min(most);
        let rows = (last - page) * per_page;
        steps.push(Step { key: place_after(last - 1), rows, wanted: None });
        page = last;
    }
    steps
}

pub(super) fn as_i64(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn as_u64(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}
