//! One connection that walks through ranges, window by window, stripe by stripe.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::ahead::{Opened, Step, as_i64};
use super::batch::{Claim, Connection, Copying, NotDone, Place, Rows};
use super::crew::Crew;
use super::pace::Pace;
use super::stripes::Ground;
use super::{BLOCKED_DEADLINE_S, BackfillError};
use crate::config::OnError;
use crate::journal::range::{self, Range, Window};
use crate::walk::manners::{Meaning, backoff, chance, meaning};
use crate::walk::want::Found;
use crate::walk::{Key, Part, Stretch, Work};

/// How long a batch that should wait waits before it asks again. Unit: milliseconds.
pub(super) const WAIT_MS: u64 = 250;

/// How often a sweep in one statement is tried before it goes page by page.
const WHOLE_ATTEMPTS: u32 = 20;

/// Everything that a worker needs.
pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) claim: Claim,
    pub(super) crew: Arc<Crew>,
    pub(super) work: Arc<Work>,
    /// Only what fulfils this condition as well, if there is one.
    pub(super) condition: Option<String>,
    pub(super) on_error: OnError,
    /// Whether rows are seldom expected to need anything: no stripes then.
    pub(super) is_sweep: bool,
}

/// What there is to know of the range under way.
struct Ahead<'a> {
    part: &'a Part,
    ground: Ground,
    /// Share of rows that had to be changed in the last window.
    density: Option<f64>,
    pace: Pace,
    /// Since when, and how often, the same rows were tried in vain.
    trouble: Option<(Instant, u32)>,
}

impl Worker {
    /// Works until there is no range left.
    pub(super) async fn work(mut self) -> Result<(), BackfillError> {
        while let Some(range) = self.crew.next_range() {
            let work = Arc::clone(&self.work);
            // It may have been dropped or detached meanwhile; then its rows are nobody's business.
            let Some(part) = work.parts.iter().find(|part| part.oid == range.part) else {
                continue;
            };
            self.range(part, range).await?;
        }
        Ok(())
    }

    async fn range(&mut self, part: &Part, mut range: Range) -> Result<(), BackfillError> {
        let ground = self.patiently(|| Ground::look(self.connection.client(), part)).await?;
        let pace = Pace::new(self.crew.batch());
        let mut ahead = Ahead { part, ground, density: None, pace, trouble: None };
        if self.is_sweep && !part.way.is_key && self.whole(part, &range).await? {
            return Ok(());
        }
        loop {
            self.crew.may_work().await;
            let opened = match range.window.take() {
                Some(window) => Opened::Window(window, Vec::new()),
                None => self.open_window(&ahead, &range).await?,
            };
            let (window, steps) = match opened {
                Opened::Window(window, steps) => (window, steps),
                Opened::Clean { up_to, rows } => {
                    self.close(&range, &up_to, rows).await?;
                    ahead.density = Some(0.0);
                    if up_to == range.up_to {
                        return Ok(());
                    }
                    range.after = Some(up_to);
                    continue;
                }
            };
            let (counted, looked, changed) =
                self.window(&mut ahead, range.number, window.clone(), steps).await?;
            let stretch = Stretch { after: range.after.as_ref(), up_to: Some(&window.up_to) };
            self.look_back(part, stretch).await?;
            self.close(&range, &window.up_to, looked.saturating_sub(counted)).await?;
            if looked > 0 {
                let share = crate::walk::manners::rows_as_f64;
                ahead.density = Some(share(changed) / share(looked));
            }
            if window.up_to == range.up_to {
                return Ok(());
            }
            range.after = Some(window.up_to);
        }
    }

    /// Sweeps a table without a key in one statement, so in one snapshot: page by page, rows that are
    /// moved about would be missed again and again. Returns whether that could be done: not where a row
    /// cannot be copied, which only shows row by row.
    async fn whole(&mut self, part: &Part, range: &Range) -> Result<bool, BackfillError> {
        let rows = Rows { stretch: Stretch::default(), stripe: 0, stripes: 1 };
        // How many there are is known when they have been looked at.
        let place = Place { range: range.number, key: &range.up_to, stripe: 0, passed: 0 };
        let copying = self.copying(part, &rows, false);
        for attempt in 1..=WHOLE_ATTEMPTS {
            self.crew.may_work().await;
            match self.connection.run(&copying, rows, place).await {
                Ok(changed) => {
                    self.crew.passed(0, changed);
                    let rows = self.look_back(part, Stretch::default()).await?;
                    self.close(range, &range.up_to, rows.unwrap_or(part.way.rows)).await?;
                    return Ok(true);
                }
                Err(NotDone::End(error)) => return Err(error),
                Err(NotDone::Wait) => {
                    tokio::time::sleep(Duration::from_millis(WAIT_MS)).await;
                }
                Err(NotDone::Server(error)) => match meaning(&error) {
                    Meaning::GiveWay => {
                        self.crew.tally.retries.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(backoff(attempt, chance())).await;
                    }
                    Meaning::OfARow => return Ok(false),
                    Meaning::Lost | Meaning::Final => return Err(error.into()),
                },
            }
        }
        Ok(false)
    }

    /// Writes that the window up to `up_to` is done; `rows` rows of it were not counted yet.
    async fn close(&self, range: &Range, up_to: &Key, rows: u64) -> Result<(), BackfillError> {
        let is_last = *up_to == range.up_to;
        let rows_written = i64::try_from(rows).unwrap_or(0);
        let (client, migration) = (self.connection.client(), &self.claim.migration);
        self.patiently(|| {
            range::close_window(client, migration, range.number, up_to, rows_written, is_last)
        })
        .await?;
        self.crew.passed(rows, 0);
        crate::failpoint!("backfill-window-closed");
        Ok(())
    }

    /// The next window of `range`, and its steps.
    async fn open_window(&self, ahead: &Ahead<'_>, range: &Range) -> Result<Opened, BackfillError> {
        if (self.is_sweep || ahead.density == Some(0.0))
            && let Some(clean) = self.clean(ahead.part, range).await?
        {
            return Ok(clean);
        }
        let oldest = self.crew.oldest();
        let stripes = if self.is_sweep { 1 } else { ahead.ground.stripes(oldest) };
        let rows = ahead.ground.window(stripes, oldest, self.crew.rate());
        let stretch = Stretch { after: range.after.as_ref(), up_to: Some(&range.up_to) };
        // Where nearly all rows want something, it is not worth asking which.
        let ask = self.is_sweep || ahead.density.is_none_or(|density| density < 0.5);
        let steps = self.steps(ahead.part, stretch, rows, ask).await?;
        let Some(last) = steps.last() else {
            return Ok(Opened::Clean { up_to: range.up_to.clone(), rows: 0 });
        };
        let looked: u64 = steps.iter().map(|step| step.rows).sum();
        // Fewer rows than asked for: it is the last window. Of pages, the number of rows is a guess.
        let is_last = ahead.part.way.is_key && looked < rows;
        let up_to = if is_last { range.up_to.clone() } else { last.key.clone() };
        let wanted = steps.iter().map(|step| step.wanted).sum::<Option<u64>>();
        // Few rows on each page find room there without stripes.
        let sparse = wanted.is_some_and(|wanted| wanted * 8 < looked);
        let window = Window {
            after: range.after.clone(),
            up_to,
            stripes: if sparse { 1 } else { stripes },
            stripe: 0,
            place: None,
        };
        if wanted == Some(0) {
            return Ok(Opened::Clean { up_to: window.up_to, rows: looked });
        }
        let (client, migration) = (self.connection.client(), &self.claim.migration);
        self.patiently(|| range::open_window(client, migration, range.number, &window)).await?;
        crate::failpoint!("backfill-window-opened");
        Ok(Opened::Window(window, steps))
    }

    /// The condition that a row is to be changed.
    pub(super) fn wanted(&self, part: &Part) -> String {
        let wanted = if self.is_sweep { &part.want.differs } else { &part.want.lacks };
        guarded(self.condition.as_ref().map(|condition| format!("({condition})")), wanted)
    }

    /// Goes through a window, once for each of its stripes. Gives the rows counted as passed, the rows
    /// looked at, and the rows changed.
    async fn window(
        &mut self,
        ahead: &mut Ahead<'_>,
        number: i32,
        mut window: Window,
        mut steps: Vec<Step>,
    ) -> Result<(u64, u64, u64), BackfillError> {
        let whole = window.place.is_none() && !steps.is_empty();
        let looked: u64 = if whole { steps.iter().map(|step| step.rows).sum() } else { 0 };
        let (mut counted, mut changed) = (0, 0);
        let mut after = window.place.take().or_else(|| window.after.clone());
        for stripe in window.stripe..window.stripes {
            if steps.is_empty() {
                let stretch = Stretch { after: after.as_ref(), up_to: Some(&window.up_to) };
                steps = self.steps(ahead.part, stretch, u64::MAX / 2, true).await?;
            }
            let striped = (stripe, window.stripes);
            let (passed, written) =
                self.stripe(ahead, number, after.take(), &steps, striped).await?;
            counted += passed;
            changed += written;
            after.clone_from(&window.after);
            if !whole && stripe == window.stripe {
                steps.clear();
            }
        }
        Ok((counted, looked, changed))
    }

    /// Copies the rows of one stripe, batch by batch. Gives the rows counted as passed, and those
    /// changed.
    async fn stripe(
        &mut self,
        ahead: &mut Ahead<'_>,
        number: i32,
        mut after: Option<Key>,
        steps: &[Step],
        (stripe, stripes): (i32, i32),
    ) -> Result<(u64, u64), BackfillError> {
        let (mut counted, mut changed) = (0, 0);
        let mut rest = steps;
        while let Some((first, others)) = rest.split_first() {
            if first.wanted == Some(0) {
                after = Some(first.key.clone());
                rest = others;
                continue;
            }
            ahead.pace.aim(self.crew.batch());
            let full = ahead.pace.rows().saturating_mul(u64::from(stripes.unsigned_abs()));
            let length = batch_of(rest, full);
            let (batch, others) = rest.split_at(length);
            let Some(last) = batch.last() else { break };
            let looked: u64 = batch.iter().map(|step| step.rows).sum();
            let passed = share(looked, stripe, stripes);
            let rows = Rows {
                stretch: Stretch { after: after.as_ref(), up_to: Some(&last.key) },
                stripe,
                stripes,
            };
            let place = Place { range: number, key: &last.key, stripe, passed: as_i64(passed) };
            self.crew.may_work().await;
            let begun = Instant::now();
            let Some(written) = self.copy(ahead, rows, place).await? else { continue };
            ahead.pace.learn(begun.elapsed(), looked >= full);
            self.crew.passed(passed, written);
            self.crew.rest(written, begun.elapsed()).await;
            counted += passed;
            changed += written;
            after = Some(last.key.clone());
            rest = others;
        }
        Ok((counted, changed))
    }

    /// Tries to copy one batch. `None`: somebody else was first, and it is to be tried again, with fewer
    /// rows.
    async fn copy(
        &mut self,
        ahead: &mut Ahead<'_>,
        rows: Rows<'_>,
        place: Place<'_>,
    ) -> Result<Option<u64>, BackfillError> {
        // A sweep is to see what was deleted meanwhile.
        let copying = self.copying(ahead.part, &rows, !self.is_sweep);
        let error = match self.connection.run(&copying, rows, place).await {
            Ok(changed) => {
                ahead.trouble = None;
                self.crew.tally.blocked.store(false, Ordering::Relaxed);
                return Ok(Some(changed));
            }
            Err(NotDone::End(error)) => return Err(error),
            Err(NotDone::Wait) => {
                tokio::time::sleep(Duration::from_millis(WAIT_MS)).await;
                return Ok(None);
            }
            Err(NotDone::Server(error)) => error,
        };
        match meaning(&error) {
            Meaning::GiveWay => {}
            Meaning::OfARow => return self.one_by_one(ahead.part, rows, place).await.map(Some),
            Meaning::Lost | Meaning::Final => return Err(error.into()),
        }
        // Not a lock, but a trigger that takes its time.
        if error.code() == Some(&SqlState::QUERY_CANCELED) && ahead.pace.is_least() {
            return self.one_by_one(ahead.part, rows, place).await.map(Some);
        }
        let (since, attempts) = ahead.trouble.get_or_insert((Instant::now(), 0));
        *attempts += 1;
        if since.elapsed() > Duration::from_secs(BLOCKED_DEADLINE_S) {
            let relation = ahead.part.name.to_string();
            return Err(BackfillError::Blocked { relation, source: error });
        }
        let wait = backoff(*attempts, chance());
        ahead.pace.shrink();
        self.crew.tally.retries.fetch_add(1, Ordering::Relaxed);
        self.crew.tally.blocked.store(true, Ordering::Relaxed);
        tokio::time::sleep(wait).await;
        Ok(None)
    }

    /// The statements that copy rows; `wholly` those of which they are parts, where they make such.
    pub(super) fn copying(&self, part: &Part, rows: &Rows<'_>, wholly: bool) -> Copying {
        let key = &part.way.key;
        let condition =
            format!("{} AND {}", rows.within(key), guarded(rows.stripe(), &self.wanted(part)),);
        let (from, order) = (part.from(rows.stretch, 1), key.order(""));
        let whole = wholly.then(|| part.want.others(&part.way, rows.stretch, 1));
        let others = whole.unwrap_or_default();
        let found = Found { from: &from, condition: &condition, order: &order, others: &others };
        let lock = part.want.lock(found, self.is_sweep);
        let write = part.want.write(&part.relation, found, self.is_sweep);
        Copying { lock, write }
    }

    /// Asks something small again until nobody is in the way.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, BackfillError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (begun, mut attempt) = (Instant::now(), 0);
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            let is_over = begun.elapsed() > Duration::from_secs(BLOCKED_DEADLINE_S);
            if meaning(&error) != Meaning::GiveWay || is_over {
                return Err(error.into());
            }
            self.crew.tally.blocked.store(true, Ordering::Relaxed);
            tokio::time::sleep(backoff(attempt, chance())).await;
        }
    }
}

/// `condition` of those rows only that fulfil `guard`: it may raise for others, and PostgreSQL is free to
/// evaluate what stands beside an AND in any order.
fn guarded(guard: Option<String>, condition: &str) -> String {
    match guard {
        None => condition.to_owned(),
        Some(guard) => format!("CASE WHEN {guard} THEN {condition} ELSE false END"),
    }
}

/// How many of `steps` make up a batch of about `full` rows: at least one, and none that wants nothing.
fn batch_of(steps: &[Step], full: u64) -> usize {
    let mut rows = 0;
    let mut length = 0;
    for step in steps {
        if length > 0 && (step.wanted == Some(0) || rows + step.rows > full) {
            break;
        }
        rows += step.rows;
        length += 1;
    }
    length
}

/// What of `rows` counts for one of the stripes: over all of them it is `rows`.
fn share(rows: u64, stripe: i32, stripes: i32) -> u64 {
    let (stripe, stripes) = (u64::from(stripe.unsigned_abs()), u64::from(stripes.unsigned_abs()));
    rows * (stripe + 1) / stripes.max(1) - rows * stripe / stripes.max(1)
}
