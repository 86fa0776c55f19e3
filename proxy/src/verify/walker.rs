//! One connection that walks through ranges of keys, a statement at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Error;

use super::crew::Crew;
use super::mend::{Claim, mend};
use super::pace::Pace;
use super::session::Session;
use super::{MOST_FAILURES, VerifyError};
use crate::journal::verify::{Counts, Found, Range, move_on};
use crate::walk::manners::{Meaning, backoff, chance, meaning, said};
use crate::walk::way::place_after;
use crate::walk::{Key, Part, Stretch, Work};

/// How often a statement that takes too long is tried again, with fewer rows each time.
const TOO_LONG: u32 = 10;

/// How often a table without a key is compared anew because a row that could not be compared in all of
/// it could be by itself.
const ROUNDS: u32 = 3;

/// Rows between two places of a table without a key, where single rows are looked for. Unit: rows.
const STRIDE_ROWS: u64 = 10_000;

/// Everything that a connection needs.
pub(super) struct Walker {
    pub(super) session: Session,
    pub(super) crew: Arc<Crew>,
    /// Whose comparison it is; none if it is written down nowhere.
    pub(super) claim: Option<Claim>,
    /// What mends rows that differ, if they are to be mended.
    pub(super) mend: Option<Arc<Work>>,
    /// Rows of each range that are kept with their values.
    pub(super) keep: u64,
    /// What was kept where it is written down nowhere, by the number of the range.
    pub(super) kept: Vec<(i32, Found)>,
}

/// What a stretch has shown.
#[derive(Debug, Default)]
struct Shown {
    counts: Counts,
    rows: Vec<Found>,
}

/// A stretch from the present place on.
struct Step {
    /// Its last key; none: there are no more rows.
    last: Option<Key>,
    is_last: bool,
    shown: Shown,
}

impl Walker {
    /// Works until there is no range left. Gives what was kept.
    pub(super) async fn work(mut self) -> Result<Vec<(i32, Found)>, VerifyError> {
        let work = Arc::clone(&self.session.work);
        while let Some(range) = self.crew.next_range() {
            // It may have been dropped or detached meanwhile; then its rows are nobody's business.
            let Some(part) = work.parts.iter().find(|part| part.oid == range.part) else {
                continue;
            };
            self.session.forget();
            match part.way.is_key {
                true => self.range(part, range).await?,
                false => self.whole(part, range).await?,
            }
        }
        Ok(self.kept)
    }

    async fn range(&mut self, part: &Part, mut range: Range) -> Result<(), VerifyError> {
        let mut pace = Pace::new();
        let mut too_long = 0;
        while !range.is_done {
            self.crew.may_work().await;
            let begun = Instant::now();
            let step = match self.step(part, &range, &mut pace).await {
                Ok(step) => step,
                Err(VerifyError::Server(error))
                    if meaning(&error) == Meaning::GiveWay && too_long < TOO_LONG =>
                {
                    too_long += 1;
                    pace.shrink();
                    tokio::time::sleep(backoff(too_long, chance())).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            too_long = 0;
            range.is_done = step.is_last;
            range.after = Some(step.last.unwrap_or_else(|| range.up_to.clone()));
            self.write(&mut range, step.shown).await?;
            self.crew.rest(begun.elapsed()).await;
        }
        Ok(())
    }

    async fn step(
        &mut self,
        part: &Part,
        range: &Range,
        pace: &mut Pace,
    ) -> Result<Step, VerifyError> {
        let stretch = Stretch { after: range.after.as_ref(), up_to: Some(&range.up_to) };
        let (begun, rows) = (Instant::now(), pace.rows());
        let room = self.room(range);
        let chunk = match self.session.chunk(part, stretch, rows).await {
            Ok(chunk) => chunk,
            Err(error) if meaning(&error) == Meaning::OfARow => {
                let keys = self.session.keys(part, stretch, false, rows).await?;
                let is_last = u64::try_from(keys.len()).unwrap_or(u64::MAX) < rows;
                let shown = self.one_by_one(part, stretch.after, &keys, room).await?;
                return Ok(Step { last: keys.last().cloned(), is_last, shown });
            }
            Err(error) => return Err(error.into()),
        };
        pace.learn(begun.elapsed(), self.crew.batch(), chunk.rows >= rows);
        let done = Stretch { after: stretch.after, up_to: chunk.last.as_ref() };
        let shown = match chunk.differing {
            0 => shown(chunk.rows, 0),
            differing => self.differing(part, done, (chunk.rows, differing), room).await?,
        };
        Ok(Step { is_last: chunk.rows < rows, last: chunk.last, shown })
    }

    /// How many rows may still be kept of a range.
    fn room(&self, range: &Range) -> u64 {
        self.keep.saturating_sub(u64::try_from(range.kept).unwrap_or(0))
    }

    /// Mends rows of a stretch, if that is wanted, and keeps some of those that differ.
    async fn differing(
        &mut self,
        part: &Part,
        stretch: Stretch<'_>,
        (compared, differing): (u64, u64),
        room: u64,
    ) -> Result<Shown, VerifyError> {
        let mut shown = shown(compared, differing);
        let mut refused = Vec::new();
        let mending = self.mend.iter().flat_map(|work| &work.parts).find(|it| it.oid == part.oid);
        if let (Some(how), Some(claim)) = (mending, &self.claim) {
            let mended = mend(&mut self.session, part, stretch, &how.want, claim).await?;
            let (_, left) = self.session.within(part, stretch).await?;
            shown.counts.mended = as_i64(mended.rows);
            shown.counts.differing = as_i64(left);
            refused = mended.refused;
        }
        if shown.counts.differing > 0 && room > 0 {
            shown.rows = self.session.differing(part, stretch, room).await?;
            for row in &mut shown.rows {
                let is_it = |(key, _): &&(Key, String)| part.way.key.told(key) == row.key;
                row.problem = refused.iter().find(is_it).map(|(_, problem)| problem.clone());
            }
        }
        Ok(shown)
    }

    /// Compares rows of which some cannot be compared: half of them, the other half, and so on down to
    /// that row.
    async fn one_by_one(
        &mut self,
        part: &Part,
        after: Option<&Key>,
        keys: &[Key],
        room: u64,
    ) -> Result<Shown, VerifyError> {
        let mut shown = Shown::default();
        // What is still to be compared: from, to (excluded), the first part on top.
        let mut open = vec![(0, keys.len())];
        while let Some((from, to)) = open.pop() {
            let last = keys.get(..to).and_then(<[Key]>::last);
            let Some(last) = last.filter(|_| from < to) else { continue };
            let before = keys.get(..from).and_then(<[Key]>::last).or(after);
            let stretch = Stretch { after: before, up_to: Some(last) };
            let kept = u64::try_from(shown.rows.len()).unwrap_or(u64::MAX);
            let room = room.saturating_sub(kept);
            match self.session.within(part, stretch).await {
                Ok(counted) => {
                    let more = match counted {
                        (compared, 0) => self::shown(compared, 0),
                        counted => self.differing(part, stretch, counted, room).await?,
                    };
                    shown.counts = shown.counts.and(more.counts);
                    shown.rows.extend(more.rows);
                }
                Err(error) if meaning(&error) != Meaning::OfARow => return Err(error.into()),
                Err(error) if to - from == 1 => {
                    shown.counts =
                        shown.counts.and(Counts { compared: 1, failed: 1, ..Counts::default() });
                    if self.crew.counts().failed + shown.counts.failed > MOST_FAILURES {
                        return Err(VerifyError::TooManyFailures);
                    }
                    if room > 0 {
                        shown.rows.push(failed(part, last, &error));
                    }
                }
                Err(_of_several) => {
                    let middle = from + (to - from) / 2;
                    open.push((middle, to));
                    open.push((from, middle));
                }
            }
        }
        Ok(shown)
    }

    /// A table without a key, in one statement.
    async fn whole(&mut self, part: &Part, mut range: Range) -> Result<(), VerifyError> {
        self.crew.may_work().await;
        let begun = Instant::now();
        let room = self.room(&range);
        let mut round = 0;
        let shown = loop {
            round += 1;
            match self.session.whole(part).await {
                Ok((compared, 0)) => break shown(compared, 0),
                Ok(counted) => {
                    break self.differing(part, Stretch::default(), counted, room).await?;
                }
                Err(error) if meaning(&error) == Meaning::OfARow => {
                    let shown = self.pages(part, room).await?;
                    if shown.counts.failed > 0 {
                        break shown;
                    }
                    if round >= ROUNDS {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        };
        (range.is_done, range.after) = (true, Some(range.up_to.clone()));
        self.write(&mut range, shown).await?;
        self.crew.rest(begun.elapsed()).await;
        Ok(())
    }

    /// Page by page, to find the rows that cannot be compared.
    async fn pages(&mut self, part: &Part, room: u64) -> Result<Shown, VerifyError> {
        let mut all = Shown::default();
        let stride = (STRIDE_ROWS / part.way.rows_per_page()).max(1);
        let mut page: u64 = 0;
        loop {
            self.crew.may_work().await;
            let after = page.checked_sub(1).map(place_after);
            let is_last = page.saturating_add(stride) >= part.way.pages;
            let up_to = (!is_last).then(|| place_after(page + stride - 1));
            let stretch = Stretch { after: after.as_ref(), up_to: up_to.as_ref() };
            let kept = u64::try_from(all.rows.len()).unwrap_or(u64::MAX);
            let room = room.saturating_sub(kept);
            let more = match self.session.within(part, stretch).await {
                Ok((compared, 0)) => shown(compared, 0),
                Ok(counted) => self.differing(part, stretch, counted, room).await?,
                Err(error) if meaning(&error) == Meaning::OfARow => {
                    let keys = self.session.keys(part, stretch, false, u64::MAX / 2).await?;
                    self.one_by_one(part, stretch.after, &keys, room).await?
                }
                Err(error) => return Err(error.into()),
            };
            all.counts = all.counts.and(more.counts);
            all.rows.extend(more.rows);
            if is_last {
                return Ok(all);
            }
            page += stride;
        }
    }

    /// Writes down what was shown, and up to where.
    async fn write(&mut self, range: &mut Range, shown: Shown) -> Result<(), VerifyError> {
        crate::failpoint!("verify-compared");
        let Shown { counts, rows } = shown;
        range.kept += i64::try_from(rows.len()).unwrap_or(0);
        self.crew.add(counts);
        let Some(Claim { migration, runner, .. }) = &self.claim else {
            self.kept.extend(rows.into_iter().map(|row| (range.number, row)));
            return Ok(());
        };
        let mut attempt = 0;
        loop {
            let client = &self.session.client;
            match move_on(client, (migration, runner), range, counts, &rows).await {
                Ok(true) => break,
                Ok(false) => return Err(VerifyError::TakenOver),
                Err(error) if meaning(&error) == Meaning::GiveWay && attempt < 20 => {
                    attempt += 1;
                    tokio::time::sleep(backoff(attempt, chance()).min(Duration::from_secs(1)))
                        .await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        crate::failpoint!("verify-written");
        Ok(())
    }
}

fn shown(compared: u64, differing: u64) -> Shown {
    let counts =
        Counts { compared: as_i64(compared), differing: as_i64(differing), ..Counts::default() };
    Shown { counts, rows: Vec::new() }
}

/// A row that cannot be compared.
fn failed(part: &Part, key: &Key, error: &Error) -> Found {
    Found {
        part: part.name.to_string(),
        key: part.way.key.told(key),
        problem: Some(said(error)),
        ..Found::default()
    }
}

fn as_i64(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
