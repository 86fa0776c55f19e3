//! Whether a comparison may begin, and what there is of an earlier one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::{Phase, Rule};
use tokio_postgres::Client;

use super::VerifyError;
use super::mend::Claim;
use super::order::Order;
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::verify::{self as journal, Begin, Range};
use crate::journal::{state, step, verification};
use crate::walk::{Part, Toward, Work, WorkError};

/// Advisory locks of comparisons: "veri" in ASCII, and a hash of the migration's name.
const LOCK_CLASS: i32 = 0x76_65_72_69;

/// How long one that gives way takes to do so at most: it stops after the statement under way.
/// Unit: seconds.
const GIVE_WAY_S: u64 = 20;

/// How long one that was killed may still hold its lock: until the server has noticed.
/// Unit: milliseconds.
const GHOST_MS: u64 = 1_000;

/// Pause between two tries. Unit: milliseconds.
const TRY_MS: u64 = 100;

/// Ranges for each connection, so that no one has to wait long for the last one.
const SHARES: u64 = 4;

/// A comparison that may begin.
pub(super) struct Started {
    /// The job's own connection, which holds the lock that keeps others out.
    pub(super) client: Client,
    pub(super) claim: Claim,
    pub(super) work: Arc<Work>,
    /// What mends it, if it is to be mended.
    pub(super) mend: Option<Arc<Work>>,
    pub(super) phase: Phase,
    pub(super) subject: String,
    pub(super) ranges: Vec<Range>,
    pub(super) goes_on: bool,
    pub(super) notes: Vec<String>,
}

/// Connects, looks whether everything is as it must be, and takes the comparison over.
///
/// Cancel safety: it is taken over or not; the lock goes with the connection.
pub(super) async fn start(
    control: &ControlUrl,
    order: &Order,
    runner: &str,
    anew: bool,
) -> Result<Started, VerifyError> {
    let mut client = catalog::connect(control).await?;
    client.batch_execute("SET application_name = 'segue verify'; SET row_security = off").await?;
    let state = state::find(&client, &control.database).await?;
    let unknown = || VerifyError::Unknown(order.migration.clone());
    let rule = state.rule_of(&order.migration).ok_or_else(unknown)?;
    may_be_mended(&rule, order)?;
    only_one(&client, order, runner).await?;
    // What was begun before that could miss what is written as in the phase before.
    let epoch = state.epoch_of(&order.migration);
    has_drained(&mut client, &order.migration, epoch).await?;
    if let Some(within) = order.unless_within {
        let age_s = verification::age_s(&client, &order.migration, epoch).await?;
        if age_s.is_some_and(|age_s| age_s < within.as_secs_f64()) {
            return Err(VerifyError::NotDue(order.migration.clone()));
        }
    }
    let catalog = Arc::new(catalog::load(&mut client).await?);
    let work = Work::of(&rule, &catalog, &client).await.map_err(not_compared)?;
    let mend = match order.fix {
        None => None,
        Some(side) => {
            // An added column is the new side of nothing.
            let side = match (work.toward, side) {
                (Toward::Past, Toward::New) => Toward::Past,
                (Toward::Past, _) => {
                    let reason = "an added column has no old side".to_owned();
                    let migration = order.migration.clone();
                    return Err(WorkError::Misfit { migration, reason }.into());
                }
                (_two_sides, side) => side,
            };
            Some(Arc::new(Work::toward(&rule, side, &catalog, &client).await?))
        }
    };
    let subject = work.subject(&client).await?;
    let claim = Claim { migration: order.migration.clone(), epoch, runner: runner.to_owned() };
    let fix = order.fix.map(|side| side.to_string());
    let begin = Begin {
        migration: &claim.migration,
        epoch,
        subject: &subject,
        fix: fix.as_deref(),
        runner,
        who: &order.who,
        gives_way: order.gives_way,
        total: i64::try_from(work.rows()).unwrap_or(i64::MAX),
        anew,
    };
    let before = journal::begin(&mut client, &begin).await?;
    let goes_on = before.is_some();
    let ranges = match before {
        Some(ranges) => ranges,
        None => {
            let ranges = divide(&client, &work, order.workers).await?;
            journal::divide(&mut client, &claim.migration, &ranges).await?;
            ranges
        }
    };
    crate::failpoint!("verify-begun");
    let (phase, notes) = (rule.phase, notes(&work));
    Ok(Started {
        client,
        claim,
        work: Arc::new(work),
        mend,
        phase,
        subject,
        ranges,
        goes_on,
        notes,
    })
}

/// The side that clients read must not be overwritten without the operator saying so.
fn may_be_mended(rule: &Rule, order: &Order) -> Result<(), VerifyError> {
    let Some(fix) = order.fix else { return Ok(()) };
    // The side that is brought up to date is the one that is not read.
    let is_read = match Toward::of(rule.phase) {
        Some(toward @ (Toward::New | Toward::Old)) => toward != fix,
        // There is one side.
        Some(Toward::Past) | None => false,
    };
    match is_read && !order.overwrites_read_side {
        true => Err(VerifyError::ReadSide { phase: rule.phase, side: fix }),
        false => Ok(()),
    }
}

/// In the words of a comparison.
fn not_compared(error: WorkError) -> VerifyError {
    match error {
        WorkError::Phase { migration, phase } => VerifyError::Phase { migration, phase },
        error @ (WorkError::Misfit { .. } | WorkError::Foreign(_) | WorkError::Server(_)) => {
            VerifyError::Work(error)
        }
    }
}

/// Keeps others out for as long as this connection lives. One that gives way is told to.
async fn only_one(client: &Client, order: &Order, runner: &str) -> Result<(), VerifyError> {
    let lock = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    let begun = Instant::now();
    loop {
        let have: bool =
            client.query_one(lock, &[&LOCK_CLASS, &order.migration]).await?.try_get(0)?;
        if have {
            return Ok(());
        }
        let is_patient = !order.gives_way && begun.elapsed() < Duration::from_secs(GIVE_WAY_S);
        let gives_way = is_patient && journal::interrupt(client, &order.migration, runner).await?;
        if !gives_way && (order.gives_way || begun.elapsed() > Duration::from_millis(GHOST_MS)) {
            let who = journal::runner(client, &order.migration).await?;
            return Err(VerifyError::Running { migration: order.migration.clone(), who });
        }
        tokio::time::sleep(Duration::from_millis(TRY_MS)).await;
    }
}

async fn has_drained(client: &mut Client, migration: &str, epoch: i64) -> Result<(), VerifyError> {
    let lagging = step::lagging(client, epoch).await?;
    let lagging: Vec<String> = lagging.iter().map(ToString::to_string).collect();
    match lagging.is_empty() {
        true => Ok(()),
        false => Err(VerifyError::NotDrained {
            migration: migration.to_owned(),
            lagging: lagging.join("; "),
        }),
    }
}

/// Divides what there is now into ranges for `workers` connections.
///
/// Cancel safe: it only reads.
pub(super) async fn divide(
    client: &Client,
    work: &Work,
    workers: u32,
) -> Result<Vec<Range>, tokio_postgres::Error> {
    let mut ranges: Vec<Range> = Vec::new();
    for part in &work.parts {
        let Some(end) = part.way.end(client, &part.relation).await? else { continue };
        for (after, up_to) in stretches(client, part, workers, end).await? {
            let number = i32::try_from(ranges.len()).unwrap_or(i32::MAX);
            ranges.push(Range { number, part: part.oid, after, up_to, ..Range::default() });
        }
    }
    Ok(ranges)
}

type Bounds = (Option<crate::walk::Key>, crate::walk::Key);

async fn stretches(
    client: &Client,
    part: &Part,
    workers: u32,
    end: crate::walk::Key,
) -> Result<Vec<Bounds>, tokio_postgres::Error> {
    let shares = if workers > 1 { u64::from(workers) * SHARES } else { 1 };
    let mut ends = match part.way.is_key {
        true => part.way.divide(client, &part.relation, shares).await?,
        false => Vec::new(),
    };
    ends.push(end);
    let mut after = None;
    Ok(ends.into_iter().map(|up_to| (after.replace(up_to.clone()), up_to)).collect())
}

/// What an operator should know before.
fn notes(work: &Work) -> Vec<String> {
    let without_key = work.parts.iter().filter(|part| !part.way.is_key);
    let note = |part: &Part| {
        format!(
            "\"{}\" has no key to walk by: it is compared in one statement, which holds vacuum back",
            part.name
        )
    };
    without_key.map(note).collect()
}
