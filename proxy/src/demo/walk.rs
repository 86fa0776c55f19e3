//! The walk: every step of the migration in order, as an operator would take it, while the
//! application runs.

use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio_postgres::Client;

use super::error::DemoError;
use super::format::{duration, grouped, plural};
use super::proxy::Proxy;
use super::recorder::{Flip, Recorder};
use super::schema;
use super::view::View;
use crate::backfill::{self, Event, Order};
use crate::walk::Work;
use crate::{catalog, verify};

/// How long the backfill rests for each unit of time that it works: on a machine that also runs
/// the application and the proxy it must leave them room.
const REST: f64 = 1.0;

/// Everything that a step needs.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) recorder: &'a Recorder,
    pub(super) view: &'a View,
    /// A direct connection, past the proxy, for changes of the schema.
    pub(super) operator: Client,
    /// Another one for long work.
    pub(super) worker: Client,
    /// How long the application runs in each phase beside the work done there.
    pub(super) stay: Duration,
}

impl Walk<'_> {
    /// From `expand`, in force already, to `contract` and the end of the old column.
    ///
    /// Cancel safety: dropping the future leaves the migration where it is, which is a legal state.
    pub(super) async fn run(mut self) -> Result<(), DemoError> {
        self.stay("baseline: the proxy forwards, nothing is changed yet").await;
        self.change("ADD COLUMN handle", schema::ADD_COLUMN).await?;

        self.flip(Phase::Expand, Phase::DualWrite).await?;
        self.backfill().await?;
        self.create_index().await?;
        self.change("ANALYZE", schema::ANALYZE).await?;
        self.verify("verify").await?;
        self.not_null().await?;
        self.stay("both columns are written, the old one is read").await;

        self.flip(Phase::DualWrite, Phase::SwitchReads).await?;
        self.stay("both columns are written, the new one is read").await;
        self.flip(Phase::SwitchReads, Phase::DualWrite).await?;
        self.stay("back again: nothing is lost by changing one's mind").await;
        self.flip(Phase::DualWrite, Phase::SwitchReads).await?;
        self.stay("both columns are written, the new one is read").await;

        self.verify("verify again").await?;
        self.change("relax the old column", schema::RELAX).await?;
        self.flip(Phase::SwitchReads, Phase::StopDualWrite).await?;
        self.stay("only the new column is written").await;

        self.flip(Phase::StopDualWrite, Phase::Contract).await?;
        self.change("DROP COLUMN username", schema::DROP_COLUMN).await?;
        self.stay("the old column is gone, the application still says username").await;
        Ok(())
    }

    async fn stay(&self, what: &str) {
        self.view.begin("", what);
        tokio::time::sleep(self.stay).await;
    }

    async fn flip(&self, from: Phase, to: Phase) -> Result<(), DemoError> {
        self.view.begin(to.name(), "new transactions use the new generation");
        let at = self.recorder.elapsed();
        let swapped = || self.entered(to);
        let waiting = |what: &str| self.view.detail(what);
        let drain = self.proxy.flip(to, &swapped, &waiting).await?;
        self.recorder.flipped(Flip { from, to, at, drain });
        self.view.done(&format!("swapped, and drained after {}", duration(drain)));
        Ok(())
    }

    /// The pointer is swapped: from here on requests count for the new phase.
    fn entered(&self, phase: Phase) {
        self.recorder.enter(phase);
        self.view.phase(phase);
    }

    /// A change of the schema that gives way to the application.
    async fn change(&self, name: &'static str, sql: &str) -> Result<(), DemoError> {
        self.view.begin(name, "");
        let from = self.recorder.elapsed();
        let waiting = |attempt| {
            self.view.detail(&format!("the table is in use, attempt {attempt} gave way"));
        };
        schema::change(&self.operator, sql, &waiting).await?;
        self.recorder.did(name, from);
        self.view.done("");
        Ok(())
    }

    /// What both columns should hold.
    async fn work(&mut self) -> Result<Work, DemoError> {
        let catalog = Arc::new(catalog::load(&mut self.worker).await?);
        let rule = self.proxy.rule().ok_or(DemoError::FileLost)?;
        Ok(Work::of(&rule, &catalog, &self.worker).await?)
    }

    async fn backfill(&self) -> Result<(), DemoError> {
        self.view.begin("backfill", "");
        let from = self.recorder.elapsed();
        let view = self.view;
        let mut report = |event: Event| {
            if let Event::Progress(progress) = event {
                view.backfill(&progress);
            }
        };
        // The view has a curve of what clients feel; here the machine is shared with them anyway.
        let order =
            Order { rest: REST, throttle: false, ..Order::of(super::proxy::MIGRATION, "the demo") };
        let control = self.proxy.control().await.ok_or(DemoError::FileLost)?;
        let nobody: backfill::job::Clients = Arc::new(|_| None);
        let done = backfill::run(&control, &order, &nobody, &mut report).await?;
        self.recorder.did("backfill", from);
        let retries = match done.retries {
            0 => String::new(),
            retries => format!(", gave way {}", plural(retries, "time")),
        };
        self.view.done(&format!(
            "{} copied, {} written by the application already{retries}",
            plural(done.changed, "row"),
            grouped(done.total.saturating_sub(done.changed)),
        ));
        Ok(())
    }

    /// Not in a transaction and without a limit on its waiting, which holds up nobody.
    async fn create_index(&self) -> Result<(), DemoError> {
        self.view.begin("unique index", "CREATE UNIQUE INDEX CONCURRENTLY");
        let from = self.recorder.elapsed();
        self.worker.batch_execute(schema::CREATE_INDEX).await?;
        self.recorder.did("unique index", from);
        self.view.done("built concurrently");
        Ok(())
    }

    async fn not_null(&self) -> Result<(), DemoError> {
        self.view.begin("NOT NULL", "CHECK … NOT VALID, VALIDATE, SET NOT NULL");
        let from = self.recorder.elapsed();
        for sql in schema::NOT_NULL {
            schema::change(&self.operator, sql, &|_| ()).await?;
        }
        self.recorder.did("NOT NULL", from);
        self.view.done("by a check that was validated without blocking");
        Ok(())
    }

    async fn verify(&mut self, name: &'static str) -> Result<(), DemoError> {
        self.view.begin(name, "comparing both columns byte by byte");
        let from = self.recorder.elapsed();
        let work = Arc::new(self.work().await?);
        let control = self.proxy.control().await.ok_or(DemoError::FileLost)?;
        let view = self.view;
        let mut report = |compared: u64| {
            view.detail(&format!("{} compared", plural(compared, "row")));
        };
        let outcome = verify::direct::compare(&control, &work, 1, &mut report).await?;
        self.recorder.did(name, from);
        if outcome.equal() != Some(true) {
            return Err(DemoError::Diverged(outcome));
        }
        self.view.done(&format!("{} equal in both columns", plural(outcome.compared, "row")));
        Ok(())
    }
}
