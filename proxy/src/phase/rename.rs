//! `strategy = "metadata"`: the column itself is renamed, while every replica holds its clients back.
//!
//! What is needed afterwards is compiled before anybody is held, so that a client waits for one
//! message to each replica and for one short transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Catalog, Phase, Rule};
use tokio::task::JoinHandle;

use super::flip::Flipper;
use super::follow::ToDo;
use super::gates::Closed;
use super::plan::Step;
use super::prepare::{Loaded, Prepared, Read};
use super::wish::{ReloadError, Reloaded, Wish};
use crate::aside::aside;
use crate::config::parse_relation_name;
use crate::gate::sql;
use crate::journal::rename;
use crate::journal::step::StepError;

/// Longest time for which clients are held back. Unit: milliseconds.
const HOLD_MS: u64 = 3_000;

/// How much later others give a hold up that nobody has ended, and how often they try.
/// Unit: milliseconds.
const GRACE_MS: u64 = 200;

/// Pause between two looks whether everybody has come to rest. Unit: milliseconds.
const LOOK_MS: u64 = 2;

/// Clients are being held back.
#[derive(Debug)]
pub(super) struct Held {
    epoch: i64,
    since: Instant,
    /// Until it is taken.
    ready: Option<Ready>,
    waiting: JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.waiting.abort();
    }
}

/// What will be in force when the column has been renamed.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) rules: Vec<Rule>,
    pub(super) generation: rewrite_rules::Generation,
    pub(super) loaded: Loaded,
}

/// The migration of a plan that is renamed in place, and the phase that it enters.
pub(super) fn in_place<'a>(running: &'a [Rule], steps: &[Step]) -> Option<(&'a Rule, Phase)> {
    steps.iter().find_map(|step| {
        let Step::Move { migration, to, .. } = step else { return None };
        let rule = running.iter().find(|rule| rule.name == *migration)?;
        matches!(rule.change, Change::RenameInPlace(_)).then_some((rule, *to))
    })
}

/// The names before and after a step to phase `to`.
pub(crate) fn names(pair: &ColumnPair, to: Phase) -> (&str, &str) {
    match to {
        Phase::Expand => (&pair.to, &pair.from),
        Phase::DualWrite
        | Phase::SwitchReads
        | Phase::StopDualWrite
        | Phase::Contract
        | Phase::Backfill
        | Phase::Enforce => (&pair.from, &pair.to),
    }
}

/// The catalog as it will be after the step.
pub(crate) fn renamed(catalog: &Catalog, pair: &ColumnPair, to: Phase) -> Arc<Catalog> {
    let (before, after) = names(pair, to);
    let table = parse_relation_name(&pair.table);
    Arc::new(match table {
        Some(table) => catalog.with_column_renamed(&table, before, after),
        // Nothing is governed under such a name.
        None => catalog.clone(),
    })
}

fn ddl(pair: &ColumnPair, to: Phase) -> Option<String> {
    use rewrite_rules::name::quoted;
    let (before, after) = names(pair, to);
    let table = sql(&parse_relation_name(&pair.table)?);
    Some(format!("ALTER TABLE {table} RENAME COLUMN {} TO {}", quoted(before), quoted(after)))
}

impl Flipper {
    /// Takes the one step of a rename in place.
    pub(super) async fn rename_in_place(
        &mut self,
        mut read: Read,
        forced: Vec<Closed>,
        wish: &Wish,
    ) -> Result<Reloaded, ReloadError> {
        let found = in_place(&self.config.rules, &read.plan.steps);
        let Some((Rule { name, change, .. }, to)) = found else {
            return Err(ReloadError::NotAlone);
        };
        let Some(pair) = change.pair().cloned() else { return Err(ReloadError::NotAlone) };
        let name = name.clone();
        let (Some(ddl), [_only]) = (ddl(&pair, to), read.plan.steps.as_slice()) else {
            return Err(ReloadError::NotAlone);
        };
        if let Some((_, loaded)) = &mut read.connected {
            loaded.catalog = renamed(&loaded.catalog, &pair, to);
            // The database will say another one in any case.
            loaded.fingerprint.clear();
        }
        let number = self.current.number() + 2;
        let prepared = read.compile(number).await.map_err(ReloadError::Faults)?;
        let Prepared { config, file, generation, plan, loaded, mut client, .. } = prepared;
        let changes = super::flip::changes(&self.config.rules, &config.rules, &forced);
        let ready = Ready { rules: config.rules.clone(), generation, loaded };

        let fleet = |error| ReloadError::Fleet { error };
        let hold = ToDo::Hold { migration: &name, time_ms: HOLD_MS };
        let held = self.with_the_fleet(&mut client, hold).await.map_err(fleet)?;
        self.hold_back(held, ready);
        let id = self.replica().unwrap_or_default();
        let cause = self.cause_of(wish);
        let renaming = async {
            let mut last = None;
            loop {
                match rename::rename(&mut client, &id, held, &ddl, &changes, &cause).await {
                    Err(error @ (StepError::Lagging { .. } | StepError::Locked(_))) => {
                        last = Some(error);
                        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
                    }
                    // What it was that took so long says more.
                    Err(StepError::HoldOver) => return Err(last.unwrap_or(StepError::HoldOver)),
                    done => return done,
                }
            }
        };
        let renamed = soon(renaming).await.unwrap_or_else(|()| Err(StepError::InDoubt(silence())));
        let epoch = match renamed {
            Ok(epoch) => epoch,
            Err(error) => {
                // If this fails, whoever notices that the time is over does it.
                let _ = soon(rename::release(&mut client, held, false)).await;
                self.keep_up().await;
                return Err(fleet(error));
            }
        };
        self.keep_up_with(epoch, &config.rules);
        self.take_over(config, file);
        self.put_client_back(client);
        let generation = self.current.number();
        super::wish::tell(generation, &plan, &forced, wish);
        Ok(Reloaded { generation, plan, forced })
    }

    /// Holds clients back from now on, and acknowledges `epoch` when nothing is under way.
    pub(super) fn hold_back(&mut self, epoch: i64, ready: Ready) {
        let number = ready.generation.number().saturating_sub(1);
        // The same rules once more: what began before is told by its number.
        let catalog = Arc::clone(self.current.load().compiled().catalog());
        let same = aside(|| rewrite_rules::compile(number, &self.config.rules, catalog));
        let Ok(same) = same else { return };
        // In this order: whoever began before the barrier is in an older generation, and waited for.
        self.current.roll().hold(number);
        self.swap_same(same);
        self.set_epoch(epoch);
        let (current, acknowledge) = (Arc::clone(&self.current), self.acknowledger());
        let waiting = tokio::spawn(async move {
            while !current.holders_before(number).is_empty() {
                tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            }
            if let Some(acknowledge) = acknowledge {
                acknowledge();
            }
        });
        tracing::info!(epoch, "clients are held back while a column is renamed");
        self.held = Some(Held { epoch, since: Instant::now(), ready: Some(ready), waiting });
    }

    /// Follows to an epoch in which all hold.
    pub(super) fn hold_for(&mut self, epoch: i64, migration: &str) -> Result<(), String> {
        let number = self.current.number() + 2;
        let mut rules = self.config.rules.clone();
        let rule = rules.iter_mut().find(|rule| rule.name == migration);
        let Some(rule) = rule else { return Err(format!("there is no migration \"{migration}\"")) };
        let phases = rule.change.phases();
        let Some(to) = rule.phase.next_of(phases).or(rule.phase.previous_of(phases)) else {
            return Err(format!("migration \"{migration}\" has no other phase"));
        };
        rule.phase = to;
        let Some(pair) = rule.change.pair().cloned() else {
            return Err(format!("migration \"{migration}\" renames no column itself"));
        };
        let now = self.current.load();
        let catalog = renamed(now.compiled().catalog(), &pair, to);
        let loaded = Loaded { catalog, fingerprint: String::new() };
        let generation = super::follow::compile(number, &rules, &loaded)?;
        self.hold_back(epoch, Ready { rules, generation, loaded });
        Ok(())
    }

    /// Lets clients go on in `epoch`, whose rules are `rules`, if they were held and these are rules
    /// for which everything is there. Returns whether that was so.
    pub(super) fn keep_up_with(&mut self, epoch: i64, rules: &[Rule]) -> bool {
        let Some(held) = &mut self.held else { return false };
        let since = held.since;
        let number;
        if let Some(ready) = held.ready.take_if(|ready| are_the_same(&ready.rules, rules)) {
            number = ready.generation.number();
            self.held = None;
            self.set_epoch(epoch);
            self.swap_to(ready.generation, ready.rules, ready.loaded);
            self.current.roll().go_on(Some(number));
        } else if are_the_same(&self.config.rules, rules) {
            // It was given up. The same rules once more, over the catalog as it was.
            number = self.current.number() + 1;
            let catalog = Arc::clone(self.current.load().compiled().catalog());
            let loaded = Loaded { catalog, fingerprint: String::new() };
            let rules = self.config.rules.clone();
            let Ok(same) = super::follow::compile(number, &rules, &loaded) else { return false };
            self.held = None;
            self.set_epoch(epoch);
            self.swap_to(same, rules, loaded);
            // Whoever is under way still is, in words that hold.
            self.current.roll().go_on(None);
        } else {
            return false;
        }
        tracing::info!(epoch, after = ?since.elapsed(), "clients go on");
        true
    }

    /// Waits until a hold must be given up.
    ///
    /// Cancel safe: it only waits.
    pub async fn hold_over(&self) {
        match &self.held {
            Some(held) => {
                // A little later than who set it.
                let over = held.since + Duration::from_millis(HOLD_MS + GRACE_MS);
                tokio::time::sleep_until(over.into()).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Gives a hold up whose time is over, whoever set it.
    pub(super) async fn give_up_hold(&mut self) -> Result<(), String> {
        let Some(held) = &self.held else { return Ok(()) };
        let epoch = held.epoch;
        if held.since.elapsed() < Duration::from_millis(HOLD_MS + GRACE_MS) {
            return Ok(());
        }
        // Where it cannot be reached it is tried again then.
        if let Some(held) = &mut self.held {
            held.since =
                Instant::now().checked_sub(Duration::from_millis(HOLD_MS)).unwrap_or(held.since);
        }
        let mut client = self.take_client().await?;
        let released = soon(rename::release(&mut client, epoch, true)).await;
        released.map_err(|()| silence())?.map_err(|error| error.to_string())?;
        self.put_client_back(client);
        Ok(())
    }
}

/// Whether they are the same, in whatever order.
fn are_the_same(one: &[Rule], other: &[Rule]) -> bool {
    one.len() == other.len() && one.iter().all(|rule| other.contains(rule))
}

/// Waits for the server, but not much longer than clients may be held.
async fn soon<T>(asked: impl Future<Output = T>) -> Result<T, ()> {
    tokio::time::timeout(Duration::from_millis(2 * HOLD_MS), asked).await.map_err(|_elapsed| ())
}

fn silence() -> String {
    "the server does not answer".to_owned()
}
