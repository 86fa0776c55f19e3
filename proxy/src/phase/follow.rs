//! Takes this proxy into the fleet, goes where the fleet has gone, and takes steps with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rewrite_rules::{Phase, Rule};
use tokio_postgres::Client;

use super::agree::{Overtaken, Wanted, recorded};
use super::flip::Flipper;
use super::member::{Member, Place};
use super::prepare::{Loaded, Read, load_with};
use super::wish::Wish;
use crate::aside::aside;
use crate::catalog;
use crate::config::Draft;
use crate::journal::rename;
use crate::journal::replica::{self, Newcomer, Sign, Signs};
use crate::journal::state::{self, State};
use crate::journal::step::{self, Cause, Entry, StepError};

/// How long a step waits for the others to drain the epoch before, so that two commands in a script
/// do not trip over each other. Unit: milliseconds.
const FLEET_MS: u64 = 5_000;

/// Pause between two tries. Unit: milliseconds.
const TRY_MS: u64 = 100;

/// Pause before that is tried again which could not be followed. Unit: milliseconds.
const TROUBLE_MS: u64 = 1_000;

/// Longest wait for the journal when the process ends. Unit: milliseconds.
const LEAVE_MS: u64 = 1_000;

/// This proxy's part in the fleet.
#[derive(Debug)]
pub struct Fleet {
    /// The epoch that it lives in.
    pub epoch: i64,
    /// Which journal it joined.
    id: String,
    member: Member,
}

impl Fleet {
    /// To be called when the generation of its epoch has drained.
    pub(super) fn acknowledger(&self) -> impl FnOnce() + Send + 'static {
        self.member.acknowledger(self.epoch)
    }
}

impl Flipper {
    /// Joins the fleet, which is in `epoch`; `begin` begins with that. `generation` is the first one
    /// of this membership.
    pub(super) async fn join(
        &mut self,
        begin: &[Entry],
        epoch: i64,
        cause: &Cause,
        generation: u64,
    ) -> Result<(), StepError> {
        let newcomer = Newcomer {
            host: host(),
            pid: std::process::id(),
            address: self.address.clone(),
            config: whole_path(&self.config.path),
            file: phases(&self.file),
            lease_ms: u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX),
        };
        let mut client = self.take_client().await.map_err(failed)?;
        let sent = Instant::now();
        let joining = replica::join(&mut client, &newcomer, cause, epoch, begin);
        let joined = catalog::in_time(joining).await;
        let (id, epoch, journal) =
            joined.unwrap_or_else(|silence| Err(StepError::Journal(silence.into())))?;
        self.put_client_back(client);
        self.current.roll().lease.renew(sent, self.config.lease);
        self.current.roll().enter(epoch);
        let membership = self.current.join(generation);
        tracing::info!(replica = id, epoch, "joined the fleet");
        let (current, control) = (Arc::clone(&self.current), self.config.control.clone());
        let place = (journal.clone(), epoch);
        let member = Member::begin(id, place, membership, current, control, self.config.lease);
        self.fleet = Some(Fleet { epoch, id: journal, member });
        self.note_file();
        Ok(())
    }

    /// Does something with the whole fleet, waiting a little for those who have yet to drain. Gives
    /// the epoch that comes of it.
    pub(super) async fn with_the_fleet(
        &self,
        client: &mut Client,
        todo: ToDo<'_>,
    ) -> Result<i64, StepError> {
        let Some(fleet) = &self.fleet else { return Err(StepError::Expelled) };
        let (id, epoch) = (fleet.member.id.as_str(), fleet.epoch);
        let begun = Instant::now();
        loop {
            let done = catalog::in_time(todo.attempt(client, id, epoch)).await;
            match done.unwrap_or_else(|silence| Err(StepError::InDoubt(silence.to_string()))) {
                Err(StepError::Lagging { .. })
                    if begun.elapsed() < Duration::from_millis(FLEET_MS) =>
                {
                    tokio::time::sleep(Duration::from_millis(TRY_MS)).await;
                }
                done => return done,
            }
        }
    }

    /// Takes a step.
    pub(super) async fn step(
        &mut self,
        client: &mut Client,
        changes: &[Entry],
        wish: &Wish,
    ) -> Result<(), StepError> {
        let cause = self.cause_of(wish);
        let next = self.with_the_fleet(client, ToDo::Take { changes, cause: &cause }).await?;
        self.set_epoch(next);
        Ok(())
    }

    /// Where the fleet went since a step was asked for, if it is no longer what was meant.
    pub(super) async fn overtaken(
        &self,
        read: &Read,
        wanted: &Wanted,
    ) -> Result<Option<Overtaken>, StepError> {
        let now = wanted.overtaken(&self.config.rules);
        let Some((client, _)) = read.connected.as_ref().filter(|_| wanted.epoch.is_some()) else {
            return Ok(now);
        };
        if now.is_some() || self.fleet.is_none() {
            return Ok(now);
        }
        let asked = catalog::in_time(state::entered(client, &wanted.migration)).await;
        let entered = asked.map_err(|silence| StepError::Journal(silence.into()))??;
        Ok(entered.and_then(|entered| wanted.outlived(&self.config.rules, entered)))
    }

    /// Who asks, if nobody in particular does.
    pub(super) fn cause_of_file(&self) -> Cause {
        Cause::of_file(&whole_path(&self.config.path), &host())
    }

    /// Who asks, and why.
    pub(super) fn cause_of(&self, wish: &Wish) -> Cause {
        let why = wish.force.clone().or_else(|| wish.cause.why.clone());
        let who = match wish.cause.who.as_str() {
            "" => self.cause_of_file().who,
            who => who.to_owned(),
        };
        Cause { who, why }
    }

    /// The epoch that the journal has now; `None` if there is none, or it cannot be asked.
    pub(super) async fn journal_epoch(&mut self) -> Option<i64> {
        self.fleet.as_ref()?;
        let client = self.take_client().await.ok()?;
        let epoch = read(&client).await.ok()?.epoch;
        self.put_client_back(client);
        Some(epoch)
    }

    /// The id by which the fleet knows this proxy.
    pub(super) fn replica(&self) -> Option<String> {
        self.fleet.as_ref().map(|fleet| fleet.member.id.clone())
    }

    pub(super) fn set_epoch(&mut self, epoch: i64) {
        if let Some(fleet) = &mut self.fleet {
            fleet.epoch = epoch;
            fleet.member.made(epoch);
            self.current.roll().enter(epoch);
        }
    }

    /// To be called when nothing is left of what was before the epoch.
    pub(super) fn acknowledger(&self) -> Option<impl FnOnce() + Send + 'static> {
        self.fleet.as_ref().map(Fleet::acknowledger)
    }

    /// Has the journal note what the file says now.
    pub(super) fn note_file(&self) {
        if let Some(fleet) = &self.fleet {
            fleet.member.note_file(phases(&self.file));
        }
    }

    /// Waits until the fleet may have gone on, or has counted this proxy out. What could not be
    /// followed is tried again after a while.
    ///
    /// Cancel safe: it only waits.
    pub async fn news(&self) {
        let Some(fleet) = &self.fleet else { return std::future::pending().await };
        if let Some((_, at)) = &self.trouble {
            tokio::time::sleep_until((*at + Duration::from_millis(TROUBLE_MS)).into()).await;
        }
        let mut place = fleet.member.place();
        loop {
            if fleet.lags(*place.borrow_and_update()) {
                return;
            }
            if place.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Waits a little until the journal is known to be in `epoch`, or beyond.
    pub(super) async fn hear_of(&self, epoch: i64) {
        let Some(fleet) = &self.fleet else { return };
        fleet.member.ask();
        let mut place = fleet.member.place();
        let heard = place.wait_for(|place| match place {
            Place::Counted(known) => *known >= epoch,
            Place::Expelled | Place::Lost => true,
        });
        // Whoever waits in vain is told that the fleet has gone on.
        let _ = tokio::time::timeout(Duration::from_millis(FLEET_MS), heard).await;
    }

    /// Goes where the fleet has gone, or joins it again.
    ///
    /// Cancel safety: until the swap nothing has changed; after it nothing is awaited.
    pub async fn keep_up(&mut self) {
        let held = self.give_up_hold().await.err();
        let Some(fleet) = &self.fleet else { return };
        let place = *fleet.member.place().borrow();
        let problem = match place {
            Place::Counted(epoch) if epoch <= fleet.epoch => None,
            Place::Counted(_) => self.follow().await.err(),
            Place::Expelled | Place::Lost => self.join_again().await.err(),
        };
        let problem = problem.or(held);
        let is_news = problem.as_ref() != self.trouble.as_ref().map(|(problem, _)| problem);
        if let Some(problem) = problem.as_ref().filter(|_| is_news) {
            tracing::error!("the fleet cannot be followed: {problem}");
        }
        if let Some(fleet) = &self.fleet {
            fleet.member.tell(problem.clone());
        }
        self.trouble = problem.map(|problem| (problem, Instant::now()));
    }

    /// Goes to the epoch of the journal.
    async fn follow(&mut self) -> Result<(), String> {
        let mut client = self.take_client().await?;
        let state = read(&client).await?;
        let rules = recorded(&state)?;
        let epoch = state.epoch;
        match state.hold {
            Some(hold) if !hold.is_over => {
                self.put_client_back(client);
                return self.hold_for(epoch, &hold.migration);
            }
            Some(_) => {
                // Whoever set it may be gone, and nobody may have held yet.
                let released = catalog::in_time(rename::release(&mut client, epoch, true)).await;
                let released = released.map_err(|silence| silence.to_string())?;
                released.map_err(|error| error.to_string())?;
            }
            None => {}
        }
        let draft = Draft::read(&self.config.path).await;
        self.meet(&draft, &rules);
        if self.keep_up_with(epoch, &rules) {
            self.put_client_back(client);
            return Ok(());
        }
        let loaded = load_with(&mut client).await?;
        self.put_client_back(client);
        // Above the numbers that a hold has given out.
        let number = self.current.number() + 2;
        let generation = compile(number, &rules, &loaded)?;
        self.set_epoch(epoch);
        tracing::info!(epoch, generation = number, "following the fleet");
        self.swap_to(generation, rules, loaded);
        if self.held.take().is_some() {
            self.current.roll().go_on(Some(number));
        }
        Ok(())
    }

    /// What the file asks for is done where the fleet has come to it, or comes from it, whoever took the step: it must not
    /// ask again when the fleet has gone back. `next` is where the fleet is.
    fn meet(&mut self, draft: &Draft, next: &[Rule]) {
        if !draft.report.faults.is_empty() {
            return;
        }
        let been = next.iter().chain(&self.config.rules);
        let been: Vec<(&str, Phase)> = been.map(|rule| (rule.name.as_str(), rule.phase)).collect();
        for (says, _) in
            draft.rules.iter().filter(|(rule, _)| been.contains(&(&rule.name, rule.phase)))
        {
            for taken in self.file.iter_mut().filter(|taken| taken.name == says.name) {
                taken.phase = says.phase;
            }
        }
        self.note_file();
    }

    /// Becomes another replica. Of the one that it was no session was left on the server, so it may
    /// have missed any number of epochs.
    async fn join_again(&mut self) -> Result<(), String> {
        let mut client = self.take_client().await?;
        let state = read(&client).await?;
        self.is_the_same_journal(&state)?;
        let (rules, loaded) = (recorded(&state)?, load_with(&mut client).await?);
        self.put_client_back(client);
        let number = self.current.number() + 1;
        let generation = compile(number, &rules, &loaded)?;
        let cause = self.cause_of_file();
        self.join(&[], state.epoch, &cause, number).await.map_err(|it| it.to_string())?;
        self.held = None;
        self.swap_to(generation, rules, loaded);
        self.current.roll().go_on(Some(number));
        Ok(())
    }

    /// Of a journal that was made anew, or has lost epochs, nobody knows what it would have this
    /// proxy do: an operator must look at it, and say so by starting the proxy again.
    fn is_the_same_journal(&self, state: &State) -> Result<(), String> {
        let Some(fleet) = &self.fleet else { return Ok(()) };
        let what = if state.id != fleet.id {
            "the journal was made anew since this proxy joined it".to_owned()
        } else if state.epoch < fleet.epoch {
            format!("the journal has gone back from epoch {} to {}", fleet.epoch, state.epoch)
        } else {
            return Ok(());
        };
        let in_force: Vec<String> = self
            .config
            .rules
            .iter()
            .map(|rule| format!("\"{}\" in \"{}\"", rule.name, rule.phase))
            .collect();
        Err(format!(
            "{what}; governed statements are refused. In force here: {}. When segue.migration says \
             that, start this proxy again; if the journal has lost it, with --adopt and with these \
             phases in the file",
            in_force.join(", ")
        ))
    }

    /// Gives the lease up, so that nobody waits for it to be over.
    ///
    /// Cancel safety: it is given up or not.
    pub async fn leave(&mut self) {
        let Some(fleet) = self.fleet.take() else { return };
        let id = fleet.member.id.clone();
        drop(fleet);
        let leaving = async {
            let client = self.take_client().await?;
            replica::leave(&client, &id).await.map_err(|error| error.to_string())
        };
        // Its lease is soon over.
        let _ = tokio::time::timeout(Duration::from_millis(LEAVE_MS), leaving).await;
    }
}

impl Fleet {
    /// Whether the journal is ahead. A sign may have been under way while this proxy took a step.
    fn lags(&self, place: Place) -> bool {
        match place {
            Place::Counted(epoch) => epoch > self.epoch,
            Place::Expelled | Place::Lost => true,
        }
    }
}

/// What is to be done with the whole fleet.
#[derive(Debug, Clone, Copy)]
pub(super) enum ToDo<'a> {
    /// A step.
    Take { changes: &'a [Entry], cause: &'a Cause },
    /// Nothing but seeing that all have drained. Rows that are compared before may still be written as in
    /// the phase before, by a replica that has yet to follow.
    Look,
    /// Holding clients back.
    Hold { migration: &'a str, time_ms: u64 },
}

impl ToDo<'_> {
    async fn attempt(self, client: &mut Client, id: &str, epoch: i64) -> Result<i64, StepError> {
        // This proxy has drained, or would not be here; the journal may not know yet.
        if replica::sign(client, id, &Signs::of(epoch)).await? == Sign::Expelled {
            return Err(StepError::Expelled);
        }
        let done = match self {
            Self::Take { changes, cause } => step::take(client, id, epoch, changes, cause).await,
            Self::Look => step::all_have_drained(client, id, epoch).await,
            Self::Hold { migration, time_ms } => {
                rename::hold(client, id, epoch, migration, time_ms).await
            }
        };
        match done {
            Err(StepError::Held(_)) if rename::release(client, epoch, true).await? => {
                Err(StepError::Moved(epoch.saturating_add(1)))
            }
            done => done,
        }
    }
}

async fn read(client: &Client) -> Result<State, String> {
    let state = catalog::in_time(state::read(client)).await.map_err(|it| it.to_string())?;
    state.map_err(|error| error.to_string())
}

pub(super) fn compile(
    number: u64,
    rules: &[Rule],
    loaded: &Loaded,
) -> Result<rewrite_rules::Generation, String> {
    let compiled = aside(|| rewrite_rules::compile(number, rules, Arc::clone(&loaded.catalog)));
    compiled.map_err(|faults| {
        let faults: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        faults.join("; ")
    })
}

fn failed(reason: String) -> StepError {
    StepError::Journal(crate::journal::JournalError::Failed(reason))
}

/// The phases of a file, as the journal keeps them.
pub(super) fn phases(file: &[Rule]) -> String {
    let phases: BTreeMap<&str, Phase> =
        file.iter().map(|rule| (rule.name.as_str(), rule.phase)).collect();
    serde_json::to_string(&phases).unwrap_or_default()
}

/// A path that means the same wherever the process was started.
pub(super) fn whole_path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
