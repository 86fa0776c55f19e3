//! One comparison from start to end, over lost connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::VerifyError;
use super::crew::Crew;
use super::order::Order;
use super::pace::TARGET;
use super::past;
use super::progress::{Event, Outcome, Progress};
use super::session::Session;
use super::start::{self, Started};
use super::walker::Walker;
use crate::backfill::job::Clients;
use crate::backfill::pace::Rate;
use crate::backfill::signals::{Seen, Watch};
use crate::backfill::throttle::{Duty, Throttle};
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::JournalError;
use crate::journal::verification::{self, Verification, asked_by};
use crate::journal::verify::{self as journal, Counts, Found};
use crate::walk::again::{Attempts, runner};
use crate::walk::manners::{Meaning, meaning};

/// Between two looks at the server, the journal and the clients. Unit: milliseconds.
const LOOK_MS: u64 = 500;

/// How far back is looked for what clients saw before it began, and for what they see now.
const BEFORE: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::from_secs(5);

/// Rows of each range that are written down at least: the next run may want to show them.
const KEPT_ROWS: u64 = 100;

/// Compares all rows, and mends those that differ if that is asked for. `report` is told what happens.
///
/// Cancel safety: dropping the future ends the running statements; what was compared stays written down,
/// and another run goes on there.
///
/// # Errors
/// See [`VerifyError`].
pub async fn run(
    control: &ControlUrl,
    order: &Order,
    clients: &Clients,
    report: &mut (dyn FnMut(Event) + Send),
) -> Result<Outcome, VerifyError> {
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
            has_begun: false,
            has_worked: false,
        };
        let error = match attempt.run(&runner, anew).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        let Attempt { has_begun, has_worked, .. } = attempt;
        // It must not begin anew each time.
        anew = anew && !has_begun;
        // The server may take a while to notice that the connection before is gone, and its lock with it.
        let may_come_back = is_lost(&error) || matches!(error, VerifyError::Running { .. });
        let wait = may_come_back.then(|| attempts.again(has_begun, has_worked)).flatten();
        let Some(wait) = wait else { return Err(error) };
        report(Event::Lost { reason: error.to_string() });
        tokio::time::sleep(wait).await;
    }
}

/// Whether another connection would help.
fn is_lost(error: &VerifyError) -> bool {
    match error {
        VerifyError::Server(error) => meaning(error) == Meaning::Lost,
        VerifyError::Connect(_)
        | VerifyError::Journal(JournalError::Lost(_) | JournalError::Failed(_)) => true,
        _final => false,
    }
}

/// From one connection to its loss, or the end.
struct Attempt<'a> {
    control: &'a ControlUrl,
    order: &'a Order,
    clients: &'a Clients,
    /// What clients saw before it began.
    before: Option<Seen>,
    report: &'a mut (dyn FnMut(Event) + Send),
    has_begun: bool,
    /// Whether it has compared anything.
    has_worked: bool,
}

type Walkers = JoinSet<Result<Vec<(i32, Found)>, VerifyError>>;

impl Attempt<'_> {
    async fn run(&mut self, runner: &str, anew: bool) -> Result<Outcome, VerifyError> {
        let mut started = start::start(self.control, self.order, runner, anew).await?;
        self.has_begun = true;
        (self.report)(Event::Began {
            migration: self.order.migration.clone(),
            source: started.work.source.clone(),
            column: started.work.target.clone(),
            total: started.work.rows(),
            goes_on: started.goes_on,
            notes: started.notes.clone(),
        });
        let before = sum(&started.ranges);
        let open: Vec<_> = started.ranges.iter().filter(|it| !it.is_done).cloned().collect();
        let workers = open.len().min(usize::try_from(self.order.workers.max(1)).unwrap_or(1));
        let crew = Crew::new(open, self.order.undisturbed(), before);
        let (mut tasks, mut pids) = (JoinSet::new(), Vec::new());
        for _one in 0..workers {
            let client = catalog::connect(self.control).await?;
            let session =
                Session::new(client, Arc::clone(&started.work), Arc::clone(&crew)).await?;
            pids.push(session.backend().await?);
            let walker = Walker {
                session,
                crew: Arc::clone(&crew),
                claim: Some(started.claim.clone()),
                mend: started.mend.clone(),
                keep: self.order.show.max(KEPT_ROWS),
                kept: Vec::new(),
            };
            tasks.spawn(walker.work());
        }
        self.watch(&started, &crew, &mut tasks, &pids).await?;
        self.end(&mut started).await
    }

    /// Until all ranges are done: looks at the server and the clients, says what is to be done, and
    /// tells how far it is.
    async fn watch(
        &mut self,
        started: &Started,
        crew: &Arc<Crew>,
        tasks: &mut Walkers,
        pids: &[i32],
    ) -> Result<(), VerifyError> {
        let mut eye = Eye::open(self.control, self.order, self.before).await?;
        let tables: Vec<u32> = started.work.parts.iter().map(|part| part.oid).collect();
        let mut progress = Progress { total: started.work.rows(), ..Progress::default() };
        let mut rate = Rate::default();
        let mut before = crew.counts().compared;
        let mut looked_at = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_over = tokio::select! {
                ended = tasks.join_next() => match ended {
                    None => true,
                    Some(Ok(done)) => { done?; false }
                    Some(Err(fault)) => return Err(VerifyError::Worker(fault.to_string())),
                },
                _now = ticks.tick() => false,
            };
            let since = looked_at.elapsed();
            if !is_over && since < Duration::from_millis(LOOK_MS / 2) {
                continue;
            }
            looked_at = Instant::now();
            let compared = crew.counts().compared;
            rate.learn(u64::try_from(compared - before).unwrap_or(0), since);
            self.has_worked |= compared > before;
            before = compared;
            if !is_over {
                let duty = eye.duty(self.order, pids, &tables, (self.clients)(NOW), since).await?;
                (progress.reason, progress.stands_still) = told(&duty, crew);
                crew.set_duty(duty);
            }
            let (client, claim) = (&started.client, &started.claim);
            if !journal::tell(client, &claim.migration, &claim.runner).await? {
                return Err(VerifyError::TakenOver);
            }
            count(&mut progress, crew.counts(), rate);
            (self.report)(Event::Progress(progress.clone()));
            if is_over {
                return Ok(());
            }
        }
    }

    /// Writes what has come of it.
    async fn end(&mut self, started: &mut Started) -> Result<Outcome, VerifyError> {
        let Started { client, claim, work, phase, subject, .. } = started;
        let migration = &claim.migration;
        let ranges = journal::ranges(client, migration).await?;
        let counts = sum(&ranges);
        let show = i64::try_from(self.order.show).unwrap_or(i64::MAX);
        let mut outcome = Outcome {
            source: work.source.clone(),
            column: work.target.clone(),
            rows: journal::rows(client, migration, show).await?,
            ..Outcome::of(counts)
        };
        if outcome.differing > 0 {
            outcome.alarm =
                alarm(client, claim.epoch, subject, migration, outcome.differing).await?;
        }
        let result = Verification {
            migration: migration.clone(),
            epoch: claim.epoch,
            phase: asked_by(*phase).name(),
            equal: outcome.equal(),
            detail: detail(&outcome),
            started_at: journal::started_at(client, migration).await?,
            subject: subject.clone(),
            counts: Some(counts),
            complete: ranges.iter().all(|range| range.is_done),
            who: self.order.who.clone(),
        };
        if !journal::end(client, &claim.runner, &result).await? {
            return Err(VerifyError::TakenOver);
        }
        (self.report)(Event::Done(outcome.clone()));
        Ok(outcome)
    }
}

fn sum(ranges: &[journal::Range]) -> Counts {
    ranges.iter().fold(Counts::default(), |all, range| all.and(range.counts))
}

fn told(duty: &Duty, crew: &Crew) -> (Option<String>, bool) {
    match duty {
        Duty::Stop { reason } => (Some(reason.clone()), true),
        Duty::Work { reason: None, .. } if crew.blocked.load(Ordering::Relaxed) => {
            (Some("the table is locked".to_owned()), false)
        }
        Duty::Work { reason, .. } => (reason.clone(), false),
    }
}

fn count(progress: &mut Progress, counts: Counts, rate: Rate) {
    let Outcome { compared, differing, failed, mended, .. } = Outcome::of(counts);
    progress.compared = compared;
    progress.total = progress.total.max(compared);
    (progress.differing, progress.failed, progress.mended) = (differing, failed, mended);
    progress.rows_per_second = rate.get();
    let left = progress.total.saturating_sub(compared);
    progress.left_s = rate.time_for(left).map(|time| time.as_secs());
}

/// What everybody must know if rows differ that were equal before in the same phase.
async fn alarm(
    client: &Client,
    epoch: i64,
    subject: &str,
    migration: &str,
    differing: u64,
) -> Result<Option<String>, VerifyError> {
    let Some(at) = verification::last_equal(client, migration, epoch, subject).await? else {
        return Ok(None);
    };
    let rows = if differing == 1 { "1 row".to_owned() } else { format!("{differing} rows") };
    Ok(Some(format!(
        "{rows} that were equal at {at} UTC differ now: something writes past the proxies; sessions \
         that do not come through one: {}",
        past::told(&past::sessions(client).await?)
    )))
}

/// What was found, as the journal keeps it.
fn detail(outcome: &Outcome) -> Option<String> {
    let rows = outcome.rows.iter().take(3).map(|row| outcome.told(row));
    let parts: Vec<String> = outcome.alarm.iter().cloned().chain(rows).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Looks at what the comparison could do harm to, and at who wants it to stand still.
struct Eye {
    client: Client,
    watch: Watch,
    throttle: Throttle,
}

impl Eye {
    async fn open(
        control: &ControlUrl,
        order: &Order,
        before: Option<Seen>,
    ) -> Result<Self, VerifyError> {
        let client = catalog::connect(control).await?;
        client.batch_execute("SET application_name = 'segue verify'").await?;
        let throttle = Throttle::new(order.rest, TARGET, before);
        Ok(Self { client, watch: Watch::default(), throttle })
    }

    async fn duty(
        &mut self,
        order: &Order,
        pids: &[i32],
        tables: &[u32],
        seen: Option<Seen>,
        since: Duration,
    ) -> Result<Duty, VerifyError> {
        if order.gives_way || order.fix.is_some() {
            let frozen =
                "SELECT coalesce(frozen_by, '') FROM segue.fleet WHERE frozen_at IS NOT NULL";
            if let Some(row) = self.client.query_opt(frozen, &[]).await? {
                let by: String = row.try_get(0)?;
                return Ok(Duty::Stop { reason: format!("the fleet is frozen by {by}") });
            }
        }
        if !order.throttle {
            return Ok(order.undisturbed());
        }
        let mut signals = self.watch.look(&self.client, pids, tables).await?;
        signals.p99_us = seen.map(|seen| seen.p99_us);
        Ok(self.throttle.learn(&signals, since))
    }
}
