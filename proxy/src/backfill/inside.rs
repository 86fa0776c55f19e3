//! Backfills that a proxy runs beside its clients, when told, and goes on with when another proxy that
//! ran one is gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::job::{self, Clients};
use super::order::Order;
use super::progress::{Event, Progress};
use super::signals::Seen;
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::backfill::{self as journal, Failure};
use crate::latency::Latency;
use crate::phase::generation::Current;

/// How often it is looked whether one was left behind. Unit: seconds.
const LOOK_S: u64 = 10;

/// For how long nothing was heard of one that was left behind. Unit: seconds.
pub const LEFT_BEHIND_S: u64 = 20;

/// Told whether it has begun, or why not.
type Answer = oneshot::Sender<Result<(), String>>;

/// Takes orders.
#[derive(Debug, Clone)]
pub struct Inside {
    orders: mpsc::Sender<(Order, Answer)>,
}

impl Inside {
    /// Begins a backfill. It goes on when this has been answered.
    ///
    /// Cancel safety: it begins or not.
    ///
    /// # Errors
    /// Why it has not begun, ready to be shown.
    pub async fn begin(&self, order: Order) -> Result<(), String> {
        let (answer, told) = oneshot::channel();
        let gone = || "the proxy is shutting down".to_owned();
        self.orders.send((order, answer)).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}

/// Takes orders until `stopping` is true; then what runs ends, and goes on elsewhere.
pub fn spawn(
    tasks: &mut JoinSet<()>,
    control: ControlUrl,
    latency: Arc<Latency>,
    current: Arc<Current>,
    mut stopping: watch::Receiver<bool>,
) -> Inside {
    let (orders, mut taken) = mpsc::channel::<(Order, Answer)>(4);
    tasks.spawn(async move {
        let clients: Clients = Arc::new(move |length| Some(Seen::of(&latency, length)));
        let stop = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        tokio::pin!(stop);
        let mut running = JoinSet::new();
        let mut look = tokio::time::interval(Duration::from_secs(LOOK_S));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some(_ended) = running.join_next(), if !running.is_empty() => {}
                Some((order, answer)) = taken.recv() => {
                    running.spawn(carry_out(control.clone(), order, Arc::clone(&clients), Some(answer)));
                }
                _now = look.tick() => {
                    if current.load().compiled().rules().is_empty() {
                        continue;
                    }
                    for order in left_behind(&control).await {
                        running.spawn(carry_out(control.clone(), order, Arc::clone(&clients), None));
                    }
                }
            }
        }
    });
    Inside { orders }
}

/// Those that a proxy ran and that nobody has been heard of since.
async fn left_behind(control: &ControlUrl) -> Vec<Order> {
    let read = async {
        let client = catalog::connect(control).await.ok()?;
        let left = journal::left_behind(&client, LEFT_BEHIND_S);
        catalog::in_time(left).await.ok()?.ok()
    };
    let orders = read.await.unwrap_or_default();
    let order = |text: &String| serde_json::from_str(text).ok();
    orders
        .iter()
        .filter_map(order)
        .map(|order: Order| Order { anew: false, takes_over: true, ..order })
        .collect()
}

async fn carry_out(control: ControlUrl, order: Order, clients: Clients, answer: Option<Answer>) {
    let migration = order.migration.clone();
    let mut answer = answer;
    let mut told = |event: Event| {
        if let Some(answer) = answer.take_if(|_| matches!(event, Event::Began { .. })) {
            let _ = answer.send(Ok(()));
        }
        log(&migration, event);
    };
    let done = job::run(&control, &order, &clients, &mut told).await;
    let Err(error) = done else { return };
    match answer {
        Some(answer) => {
            let _ = answer.send(Err(error.with_hint()));
        }
        None => tracing::error!(migration, "the backfill ended: {error}"),
    }
}

/// Its progress is in the journal; what is worth a line is logged.
fn log(migration: &str, event: Event) {
    let (is_trouble, text) = match event {
        Event::Began { goes_on, notes, .. } => {
            let how = if goes_on { "goes on" } else { "begins" };
            (!notes.is_empty(), [vec![format!("a backfill {how}")], notes].concat().join("; "))
        }
        Event::Failed(Failure { part, key, sqlstate, message }) => {
            (true, format!("not copied: {part}, {key}: {message} (SQLSTATE {sqlstate})"))
        }
        Event::Lost { reason } => (true, format!("the backfill tries again: {reason}")),
        Event::Done(Progress { changed, failures, .. }) => {
            let text = format!("the backfill is done: {changed} rows changed, {failures} failed");
            (failures > 0, text)
        }
        Event::Progress(_) => return,
    };
    match is_trouble {
        true => tracing::warn!(migration, "{text}"),
        false => tracing::info!(migration, "{text}"),
    }
}
