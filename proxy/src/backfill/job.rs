//! One backfill from start to end, over lost connections.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::BackfillError;
use super::crew::Crew;
use super::eye::Eye;
use super::order::Order;
use super::pace::Rate;
use super::pass::{Pass, SWEEPS};
use super::progress::{Event, Progress};
use super::signals::Seen;
use super::start::{self, Started};
use super::throttle::Duty;
use super::worker::Worker;
use crate::config::ControlUrl;
use crate::journal::JournalError;
use crate::journal::backfill::{self as journal, Standing};
use crate::journal::range;
use crate::walk::again::{Attempts, runner};
use crate::walk::manners::{Meaning, meaning};

/// Between two looks at the server, the journal and the clients. Unit: milliseconds.
const LOOK_MS: u64 = 500;

/// Makes everything that was committed before it durable: a synchronous commit that writes WAL waits
/// for all WAL before its own.
const FLUSH: &str = "SET synchronous_commit = on; \
     SELECT pg_catalog.pg_logical_emit_message(true, 'segue', 'backfill'); \
     RESET synchronous_commit";

/// Asks what clients of the proxy saw lately, for that long. `None`: it cannot be asked.
pub type Clients = Arc<dyn Fn(Duration) -> Option<Seen> + Send + Sync>;

/// How far back is looked for what clients saw before it began, and for what they see now.
const BEFORE: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::from_secs(3);

/// Copies until all rows are as they should be. `report` is told what happens.
///
/// Cancel safety: dropping the future rolls back the running batches; what was committed stays, and
/// another run goes on there.
///
/// # Errors
/// See [`BackfillError`]; whatever was copied so far stays.
pub async fn run(
    control: &ControlUrl,
    order: &Order,
    clients: &Clients,
    report: &mut (dyn FnMut(Event) + Send),
) -> Result<Progress, BackfillError> {
    let runner = runner();
    let before = clients(BEFORE);
    let mut anew = order.anew;
    let mut attempts = Attempts::default();
    loop {
        let mut attempt = Attempt {
            control,
            order,
            clients,
            before,
            report,
            progress: Progress::default(),
            failed: HashSet::new(),
            has_begun: false,
            has_worked: false,
        };
        let keeps_wish = order.takes_over || attempts.has_lost();
        let error = match attempt.run(&runner, (anew, keeps_wish)).await {
            Ok(progress) => return Ok(progress),
            Err(error) => error,
        };
        let Attempt { has_begun, has_worked, .. } = attempt;
        // It must not begin anew each time.
        anew = anew && !has_begun;
        // The server may take a while to notice that the connection before is gone, and its lock with it.
        let may_come_back = is_lost(&error) || matches!(error, BackfillError::Running { .. });
        let wait = may_come_back.then(|| attempts.again(has_begun, has_worked)).flatten();
        let Some(wait) = wait else { return Err(error) };
        report(Event::Lost { reason: error.to_string() });
        tokio::time::sleep(wait).await;
    }
}

/// Whether another connection would help.
fn is_lost(error: &BackfillError) -> bool {
    match error {
        BackfillError::Server(error) => meaning(error) == Meaning::Lost,
        BackfillError::Connect(_)
        | BackfillError::Journal(JournalError::Lost(_) | JournalError::Failed(_)) => true,
        _final => false,
    }
}

/// What a pass has done.
struct Done {
    changed: i64,
    /// Rows that a sweep has looked at again, and that still are not as they should be.
    left: i64,
}

/// From one connection to its loss, or the end.
struct Attempt<'a> {
    control: &'a ControlUrl,
    order: &'a Order,
    clients: &'a Clients,
    /// What clients saw before it began.
    before: Option<Seen>,
    report: &'a mut (dyn FnMut(Event) + Send),
    progress: Progress,
    /// Rows that could not be copied, by table and key: each is told once, and every pass tries again.
    failed: HashSet<(String, String)>,
    /// Whether it has come so far as to hold the job.
    has_begun: bool,
    /// Whether it has got through any rows.
    has_worked: bool,
}

impl Attempt<'_> {
    async fn run(&mut self, runner: &str, begin: (bool, bool)) -> Result<Progress, BackfillError> {
        let mut started = start::start(self.control, self.order, runner, begin).await?;
        self.has_begun = true;
        (self.report)(Event::Began {
            migration: self.order.migration.clone(),
            column: started.work.target.clone(),
            total: started.work.copied_rows(),
            goes_on: started.goes_on,
            notes: started.notes.clone(),
        });
        let ended = self.passes(&mut started).await;
        let (client, claim) = (&started.client, &started.claim);
        let (standing, reason) = match &ended {
            Ok(()) => (Standing::Done, None),
            Err(BackfillError::Cancelled(_)) => (Standing::Cancelled, None),
            // The next run, or whoever has taken over, goes on.
            Err(error) if is_lost(error) => {
                return Err(ended.err().unwrap_or(BackfillError::TakenOver));
            }
            Err(BackfillError::TakenOver) => return Err(BackfillError::TakenOver),
            Err(error) => (Standing::Failed, Some(error.to_string())),
        };
        // What ended that way would end that way again where it ended.
        let is_over =
            matches!(ended, Err(BackfillError::NeverEnds { .. } | BackfillError::Undone { .. }));
        client.batch_execute(FLUSH).await?;
        let (migration, runner) = (&claim.migration, &claim.runner);
        journal::end(client, migration, runner, standing, reason.as_deref(), is_over).await?;
        ended?;
        (self.report)(Event::Done(self.progress.clone()));
        Ok(self.progress.clone())
    }

    async fn passes(&mut self, started: &mut Started) -> Result<(), BackfillError> {
        let workers = self.order.workers.max(1);
        let mut number = started.job.pass.max(0);
        let mut is_open = started.goes_on && started.job.pass >= 0;
        // What the planner believes is good enough until everything has been looked at once.
        let mut total = match is_open {
            true => started.job.total,
            false => i64::try_from(started.work.copied_rows()).unwrap_or(i64::MAX),
        };
        let mut eye = Eye::open(self.control, self.order, self.before).await?;
        loop {
            let pass = Pass::of(number, self.order);
            let is_resumed = std::mem::replace(&mut is_open, false);
            if !is_resumed {
                // At the start that was just done.
                if self.progress.pass > 0 {
                    start::look_again(started, self.control, self.order).await?;
                }
                pass.begin(started, workers, total).await?;
            }
            let Done { changed, left } =
                self.pass(started, &mut eye, &pass, (total, is_resumed)).await?;
            total = i64::try_from(self.progress.passed).unwrap_or(i64::MAX);
            // Of a sweep that was broken off nobody knows what came before.
            if pass.is_sweep && !is_resumed {
                let failed = self.count_failures(started).await?;
                // A value that is another one each time may be NULL each time.
                let stays = started.work.may_stay && left == changed;
                if stays || (changed == 0 && left <= failed) {
                    return Ok(());
                }
                if changed == 0 {
                    return Err(BackfillError::Undone { rows: left });
                }
                if pass.sweep(self.order) >= SWEEPS {
                    return Err(BackfillError::NeverEnds { sweeps: SWEEPS, rows: changed });
                }
            }
            number += 1;
        }
    }

    /// How many rows could not be copied in the last pass.
    async fn count_failures(&mut self, started: &Started) -> Result<i64, BackfillError> {
        let failed = journal::failed(&started.client, &started.claim.migration).await?;
        self.progress.failures = u64::try_from(failed).unwrap_or(0);
        Ok(failed)
    }

    /// One pass, from where it is.
    async fn pass(
        &mut self,
        started: &Started,
        eye: &mut Eye,
        pass: &Pass,
        (total, is_resumed): (i64, bool),
    ) -> Result<Done, BackfillError> {
        let migration = &started.claim.migration;
        let open = range::open_ranges(&started.client, migration).await?;
        let (done_passed, done_changed) = range::done_ranges(&started.client, migration).await?;
        let passed = done_passed + open.iter().map(|range| range.passed).sum::<i64>();
        let changed = done_changed + open.iter().map(|range| range.changed).sum::<i64>();
        self.begin_progress(started, pass, total);
        if is_resumed {
            // What was changed by the passes before.
            self.progress.changed = u64::try_from(started.job.changed - changed).unwrap_or(0);
        }

        let ranges = open.len();
        let crew = Crew::new(open, self.order.undisturbed(), self.order.max_rate);
        crew.tally.passed.store(passed, Ordering::Relaxed);
        crew.tally.changed.store(changed, Ordering::Relaxed);
        // Nobody works before it is known that he may.
        let seen = (self.clients)(NOW);
        crew.set_duty(eye.duty(started, &crew, &[], seen, Duration::ZERO).await?);
        let mut tasks = JoinSet::new();
        let mut pids = Vec::new();
        let workers = usize::try_from(self.order.workers).unwrap_or(1).max(1);
        for _one in 0..ranges.min(workers) {
            let connection = start::worker(self.control, &started.claim).await?;
            pids.push(connection.backend().await?);
            let worker = Worker {
                connection,
                claim: started.claim.clone(),
                crew: Arc::clone(&crew),
                work: Arc::clone(&started.work),
                condition: pass.condition.clone(),
                on_error: self.order.on_error,
                is_sweep: pass.is_sweep,
            };
            tasks.spawn(worker.work());
        }
        self.watch(started, eye, &crew, &mut tasks, &pids).await?;
        Ok(Done {
            changed: crew.tally.changed.load(Ordering::Relaxed),
            left: crew.tally.left.load(Ordering::Relaxed),
        })
    }

    fn begin_progress(&mut self, started: &Started, pass: &Pass, total: i64) {
        self.progress = Progress {
            pass: pass.number + 1,
            pass_name: pass.name.clone(),
            total: u64::try_from(total).unwrap_or(0),
            retries: u64::try_from(started.job.retries).unwrap_or(0).max(self.progress.retries),
            failures: self.progress.failures,
            changed: self.progress.changed,
            ..Progress::default()
        };
    }

    /// Until the workers are done: looks at the server, the journal and the clients, says what the
    /// workers are to do, and tells how far it is.
    async fn watch(
        &mut self,
        started: &Started,
        eye: &mut Eye,
        crew: &Arc<Crew>,
        tasks: &mut JoinSet<Result<(), BackfillError>>,
        pids: &[i32],
    ) -> Result<(), BackfillError> {
        let changed_before = self.progress.changed;
        let retries_before = self.progress.retries;
        let mut rate = Rate::default();
        let mut passed_before = crew.tally.passed.load(Ordering::Relaxed);
        let mut looked_at = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_over = tokio::select! {
                ended = tasks.join_next() => match ended {
                    None => true,
                    Some(Ok(done)) => { done?; false }
                    Some(Err(fault)) => return Err(BackfillError::Worker(fault.to_string())),
                },
                _now = ticks.tick() => false,
            };
            let since = looked_at.elapsed();
            if !is_over && since < Duration::from_millis(LOOK_MS / 2) {
                continue;
            }
            looked_at = Instant::now();
            let passed = crew.tally.passed.load(Ordering::Relaxed);
            rate.learn(u64::try_from(passed - passed_before).unwrap_or(0), since);
            self.has_worked |= passed > passed_before;
            passed_before = passed;
            let duty = match is_over {
                true => self.order.undisturbed(),
                false => eye.duty(started, crew, pids, (self.clients)(NOW), since).await?,
            };
            crew.set_duty(duty.clone());
            let whole = |number: i64| u64::try_from(number).unwrap_or(0);
            self.progress.passed = whole(passed);
            self.progress.total = self.progress.total.max(whole(passed));
            self.progress.changed =
                changed_before + whole(crew.tally.changed.load(Ordering::Relaxed));
            self.progress.retries = retries_before + crew.tally.retries.load(Ordering::Relaxed);
            self.progress.rows_per_second = rate.get();
            let left = self.progress.total.saturating_sub(self.progress.passed);
            self.progress.left_s = rate.time_for(left).map(|time| time.as_secs());
            let blocked = crew.tally.blocked.load(Ordering::Relaxed);
            (self.progress.reason, self.progress.stands_still) = match duty {
                Duty::Stop { reason } => (Some(reason), true),
                Duty::Work { reason: None, .. } if blocked => {
                    (Some("rows are locked by the application".to_owned()), false)
                }
                Duty::Work { reason, .. } => (reason, false),
            };
            for failure in crew.take_failures() {
                if self.failed.insert((failure.part.clone(), failure.key.clone())) {
                    (self.report)(Event::Failed(failure));
                }
            }
            self.tell(started, crew).await?;
            (self.report)(Event::Progress(self.progress.clone()));
            if is_over {
                self.count_failures(started).await?;
                return Ok(());
            }
        }
    }

    /// Writes how far it is for others to see.
    async fn tell(&mut self, started: &Started, crew: &Crew) -> Result<(), BackfillError> {
        let Progress { retries, rows_per_second, reason, .. } = &self.progress;
        let rate = rows_per_second.map(single);
        crew.tally.rate.store(rows_per_second.map_or(0, whole), Ordering::Relaxed);
        let passed = crew.tally.passed.load(Ordering::Relaxed);
        let told = (passed, i64::try_from(*retries).unwrap_or(i64::MAX), rate);
        let (migration, runner) = (&started.claim.migration, &started.claim.runner);
        match journal::tell(&started.client, migration, runner, told, reason.as_deref()).await? {
            true => Ok(()),
            false => Err(BackfillError::TakenOver),
        }
    }
}

/// Rows per second as the journal keeps them.
#[expect(clippy::cast_possible_truncation, reason = "a rate that is shown needs no more")]
fn single(rate: f64) -> f32 {
    rate as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is never negative, and far below 2^53"
)]
fn whole(rate: f64) -> u64 {
    rate.max(0.0) as u64
}
