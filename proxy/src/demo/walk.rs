//! The walk: every step of the migration in order, as an operator would take it, while the
//! application runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio_postgres::Client;

use super::error::DemoError;
use super::format::{duration, grouped, plural};
use super::proxy::Proxy;
use super::recorder::{Flip, Recorder};
use super::scenario::Script;
use super::view::View;
use crate::backfill::{self, Event, Order};
use crate::ddl::{self, How, Statement};
use crate::gate::{self, Finding, Means, Severity};
use crate::journal::state;
use crate::walk::Work;
use crate::{catalog, verify};

/// Between two looks at the journal.
const LOOK: Duration = Duration::from_millis(20);

/// How long the backfill rests for each unit of time that it works: on a machine that also runs
/// the application and the proxy it must leave them room.
const REST: f64 = 1.0;

/// What a gate asks for may show only when something else is done; more rounds lead nowhere.
const ROUNDS: usize = 8;

/// Everything that a step needs.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) script: &'static Script,
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
    /// From `expand`, in force already, to `contract` and the end of the old side.
    ///
    /// Cancel safety: dropping the future leaves the migration where it is, which is a legal state.
    pub(super) async fn run(mut self) -> Result<(), DemoError> {
        self.stay("baseline: the proxy forwards, nothing is changed yet").await;

        self.prepare(Phase::DualWrite).await?;
        self.flip(Phase::Expand, Phase::DualWrite).await?;
        self.backfill().await?;
        self.verify("verify").await?;
        self.prepare(Phase::SwitchReads).await?;
        self.stay("both sides are written, the old one is read").await;

        self.flip(Phase::DualWrite, Phase::SwitchReads).await?;
        self.stay("both sides are written, the new one is read").await;
        self.flip(Phase::SwitchReads, Phase::DualWrite).await?;
        self.stay("back again: nothing is lost by changing one's mind").await;
        self.flip(Phase::DualWrite, Phase::SwitchReads).await?;
        self.stay("both sides are written, the new one is read").await;

        self.verify("verify again").await?;
        self.prepare(Phase::StopDualWrite).await?;
        self.flip(Phase::SwitchReads, Phase::StopDualWrite).await?;
        self.stay("only the new side is written").await;

        self.prepare(Phase::Contract).await?;
        self.flip(Phase::StopDualWrite, Phase::Contract).await?;
        let contract = Statement { how: How::GivingWay, ..Statement::read(self.script.contract) };
        self.change(&contract).await?;
        self.stay(self.script.words.end).await;
        Ok(())
    }

    /// Does what the gate to a phase asks for, until it is open.
    async fn prepare(&mut self, to: Phase) -> Result<(), DemoError> {
        let mut done: BTreeSet<String> = BTreeSet::new();
        for _round in 0..ROUNDS {
            self.view.begin("", &format!("the gate to {to}: what is missing?"));
            let findings = self.findings(to).await?;
            let Some(worst) = findings.first() else { return Ok(()) };
            let asked = findings.iter().flat_map(|finding| &finding.remedy);
            let mut asked: Vec<Statement> = asked.map(|sql| Statement::read(sql)).collect();
            asked.retain(|statement| done.insert(statement.sql.clone()));
            if asked.is_empty() {
                return Err(DemoError::Closed(to, worst.message.clone()));
            }
            for statement in asked {
                self.change(&statement).await?;
            }
        }
        Err(DemoError::Closed(to, format!("it asks for more after {ROUNDS} rounds")))
    }

    /// What keeps the gate to a phase closed.
    async fn findings(&mut self, to: Phase) -> Result<Vec<Finding>, DemoError> {
        let control = self.proxy.control().await.ok_or(DemoError::FileLost)?;
        let catalog = Arc::new(catalog::load(&mut self.worker).await?);
        let (rules, means) = (self.proxy.rules(), Means::of(&control));
        let found = gate::check(&mut self.worker, means, catalog, &rules, 0, to).await;
        let mut found = found.map_err(|why| DemoError::Gate(to, why))?;
        found.retain(|finding| finding.severity != Severity::Note);
        Ok(found)
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
        self.acknowledged().await?;
        self.recorder.flipped(Flip { from, to, at, drain });
        self.view.done(&format!("swapped, and drained after {}", duration(drain)));
        Ok(())
    }

    /// Waits until the journal says so too: what comes next asks it.
    async fn acknowledged(&self) -> Result<(), DemoError> {
        loop {
            let epoch = state::read(&self.worker).await?.epoch;
            let replicas = state::replicas(&self.worker).await?;
            if replicas.iter().all(|replica| replica.acknowledged >= epoch) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The pointer is swapped: from here on requests count for the new phase.
    fn entered(&self, phase: Phase) {
        self.recorder.enter(phase);
        self.view.phase(phase);
    }

    /// A change of the schema that gives way to the application.
    async fn change(&self, statement: &Statement) -> Result<(), DemoError> {
        let name = named(&statement.sql);
        let lock = format!("({}, {})", statement.lock, statement.holds);
        self.view.begin(&name, &lock);
        let from = self.recorder.elapsed();
        let waiting = |attempt| {
            self.view.detail(&format!("the table is in use, attempt {attempt} gave way"));
        };
        ddl::apply(&self.operator, statement, &waiting).await?;
        self.recorder.did(&name, from);
        self.view.done(&lock);
        Ok(())
    }

    /// What both sides should hold.
    async fn work(&mut self) -> Result<Work, DemoError> {
        let catalog = Arc::new(catalog::load(&mut self.worker).await?);
        let rules = self.proxy.rules();
        let rule = rules.first().ok_or(DemoError::FileLost)?;
        Ok(Work::of(rule, &catalog, &self.worker).await?)
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
            Order { rest: REST, throttle: false, ..Order::of(self.proxy.migration(), "the demo") };
        let control = self.proxy.control().await.ok_or(DemoError::FileLost)?;
        let nobody: backfill::job::Clients = Arc::new(|_| None);
        let done = backfill::run(&control, &order, &nobody, &mut report).await?;
        self.recorder.did("backfill", from);
        let retries = match done.retries {
            0 => String::new(),
            retries => format!(", gave way {}", plural(retries, "time")),
        };
        self.view.done(&format!(
            "{} copied, {} there already{retries}",
            plural(done.changed, "row"),
            grouped(done.total.saturating_sub(done.changed)),
        ));
        Ok(())
    }

    async fn verify(&mut self, name: &str) -> Result<(), DemoError> {
        self.view.begin(name, "comparing both sides byte by byte");
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
        self.view.done(&format!(
            "{} compared, all equal on both sides",
            plural(outcome.compared, "row")
        ));
        Ok(())
    }
}

/// A statement by the words that tell it from others: `CREATE TABLE user_profiles`.
fn named(sql: &str) -> String {
    let line = sql.lines().next().unwrap_or_default().replace("public.", "");
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["ALTER", "TABLE", _, actions @ ..] = words.as_slice() {
        let actions = until_detail(actions);
        return match actions.split_once(", ") {
            Some((first, _)) => format!("{first}, …"),
            None => actions,
        };
    }
    until_detail(&words)
}

/// Up to what a statement says of the columns or the place.
fn until_detail(words: &[&str]) -> String {
    let is_detail = |word: &&&str| matches!(**word, "ON" | "CHECK") || word.starts_with('(');
    let words: Vec<&str> = words.iter().take_while(|word| !is_detail(word)).copied().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_named_by_what_they_do() {
        let names = [
            "ALTER TABLE public.users ADD COLUMN handle varchar(100)",
            "CREATE UNIQUE INDEX CONCURRENTLY users_handle_key ON public.users USING btree (handle)",
            "ALTER TABLE public.users ADD CONSTRAINT segue_not_null CHECK (handle IS NOT NULL) NOT VALID",
            "CREATE TABLE public.user_profiles (\n    user_id bigint)",
            "GRANT SELECT, UPDATE ON public.user_profiles TO segue",
            "ALTER TABLE users DROP COLUMN first_name, DROP COLUMN bio",
        ]
        .map(named);
        assert_eq!(
            names,
            [
                "ADD COLUMN handle varchar(100)",
                "CREATE UNIQUE INDEX CONCURRENTLY users_handle_key",
                "ADD CONSTRAINT segue_not_null",
                "CREATE TABLE user_profiles",
                "GRANT SELECT, UPDATE",
                "DROP COLUMN first_name, …",
            ]
        );
    }
}
