//! The application: several connections that say what the scenario has them say, at a steady rate, and
//! check every answer against what they were told before.

mod judge;
mod model;
mod plan;
mod random;
mod record;
mod refusal;
mod send;
mod statement;
mod turn;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_postgres::Config;

use super::recorder::Recorder;
pub(super) use model::Model;
use random::Random;
pub(super) use record::{Cell, Record, flag_text};
pub(super) use refusal::Refusal;
use send::Session;
pub(super) use statement::{Columns, Json, Statement, Value};
pub(super) use turn::{Act, Ask, Behaviour, Call, Expected, Turn};
use worker::Worker;

/// How an application is to be.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// What it does.
    pub(super) behaviour: &'static Behaviour,
    /// Where to connect: the proxy.
    pub(super) config: Config,
    /// Number of connections.
    pub(super) connections: u16,
    /// Requests per second, of all connections together.
    pub(super) rate: u32,
    /// Rows that the table was seeded with.
    pub(super) rows: i64,
    /// What the choice of statements starts from.
    pub(super) seed: u64,
}

/// A running application. Dropping it cuts its connections.
#[derive(Debug)]
pub(super) struct Application {
    workers: JoinSet<Model>,
    stop: watch::Sender<bool>,
}

impl Application {
    /// Connects everybody, then starts the work.
    ///
    /// Cancel safe: what was opened is closed.
    pub(super) async fn start(
        load: &Load,
        recorder: &Arc<Recorder>,
    ) -> Result<Self, tokio_postgres::Error> {
        let count = usize::from(load.connections.max(1));
        let mut sessions = Vec::with_capacity(count);
        for _ in 0..count {
            sessions.push(Session::open(&load.config, load.behaviour.prepared()).await?);
        }
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        let step = Duration::from_secs(1) / load.rate.max(1);
        let start = Instant::now();
        for (number, session) in sessions.into_iter().enumerate() {
            let place = u32::try_from(number).unwrap_or(0);
            let worker = Worker {
                config: load.config.clone(),
                behaviour: load.behaviour,
                model: Model::new((number, count), load.rows, load.behaviour.filled),
                random: Random::new(load.seed ^ (u64::from(place) << 32)),
                // Spread over the interval, so that the rate is steady and not in bursts.
                first: start + step * place,
                interval: step * u32::from(load.connections.max(1)),
                recorder: Arc::clone(recorder),
                stop: stopped.clone(),
            };
            workers.spawn(worker.run(session));
        }
        Ok(Self { workers, stop })
    }

    /// Lets every worker finish what it is doing; gives back what must be in the table.
    ///
    /// Cancel safety: dropping the future cuts the connections.
    pub(super) async fn stop(mut self) -> Vec<Model> {
        self.stop.send_replace(true);
        let mut models = Vec::new();
        while let Some(ended) = self.workers.join_next().await {
            // A worker that panicked gives no model: its rows will show as diverged.
            models.extend(ended.ok());
        }
        models
    }
}
