//! Takes this proxy into the fleet, goes where the fleet has gone, and takes steps with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::agree::recorded;
use super::flip::{Flipper, Wish};
use super::member::{Member, Place};
use super::prepare::load_with;
use crate::catalog;
use crate::journal::replica::{self, Newcomer, Sign};
use crate::journal::state;
use crate::journal::step::{self, Cause, Entry, StepError};

/// How long a step waits for the others to drain the epoch before, so that two commands in a script
/// do not trip over each other. Unit: milliseconds.
const FLEET_MS: u64 = 5_000;

/// Pause between two tries. Unit: milliseconds.
const TRY_MS: u64 = 100;

/// Longest wait for the journal when the process ends. Unit: milliseconds.
const LEAVE_MS: u64 = 1_000;

/// This proxy's part in the fleet.
#[derive(Debug)]
pub struct Fleet {
    /// The epoch that it lives in.
    pub epoch: i64,
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
            lease_ms: u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX),
        };
        let mut client = self.take_client().await.map_err(failed)?;
        let sent = Instant::now();
        let joining = replica::join(&mut client, &newcomer, cause, epoch, begin);
        let joined = catalog::in_time(joining).await;
        let (id, epoch) =
            joined.unwrap_or_else(|silence| Err(StepError::Journal(silence.into())))?;
        self.put_client_back(client);
        self.current.roll().lease.renew(sent, self.config.lease);
        let membership = self.current.join(generation);
        tracing::info!(replica = id, epoch, "joined the fleet");
        let (current, control) = (Arc::clone(&self.current), self.config.control.clone());
        let member = Member::begin(id, epoch, membership, current, control, self.config.lease);
        self.fleet = Some(Fleet { epoch, member });
        Ok(())
    }

    /// Takes a step with the whole fleet, waiting a little for those who have yet to drain.
    pub(super) async fn step(
        &mut self,
        client: &mut Client,
        changes: &[Entry],
        wish: &Wish,
    ) -> Result<(), StepError> {
        let Some(fleet) = &mut self.fleet else { return Ok(()) };
        let (id, epoch) = (fleet.member.id.as_str(), fleet.epoch);
        let begun = Instant::now();
        let cause = Cause {
            who: wish.cause.who.clone(),
            why: wish.force.clone().or_else(|| wish.cause.why.clone()),
        };
        let next = loop {
            let taking = async {
                // It has drained, or would not be here; the journal may not know yet.
                match replica::sign(client, id, epoch, None).await? {
                    Sign::Expelled => Err(StepError::Expelled),
                    Sign::Counted { .. } => step::take(client, id, epoch, changes, &cause).await,
                }
            };
            let taken = catalog::in_time(taking).await;
            match taken.unwrap_or_else(|silence| Err(StepError::InDoubt(silence.to_string()))) {
                Ok(next) => break next,
                Err(StepError::Lagging { .. })
                    if begun.elapsed() < Duration::from_millis(FLEET_MS) =>
                {
                    tokio::time::sleep(Duration::from_millis(TRY_MS)).await;
                }
                Err(error) => return Err(error),
            }
        };
        fleet.epoch = next;
        Ok(())
    }

    /// Waits until the fleet may have gone on, or has counted this proxy out.
    ///
    /// Cancel safe: it only waits.
    pub async fn news(&self) {
        let Some(fleet) = &self.fleet else { return std::future::pending().await };
        let mut place = fleet.member.place();
        loop {
            if *place.borrow_and_update() != Place::Counted(fleet.epoch) && fleet.lags(&place) {
                return;
            }
            if place.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Goes where the fleet has gone, or joins it again.
    ///
    /// Cancel safety: until the swap nothing has changed; after it nothing is awaited.
    pub async fn keep_up(&mut self) {
        let Some(fleet) = &self.fleet else { return };
        let place = *fleet.member.place().borrow();
        let problem = match place {
            Place::Counted(epoch) if epoch <= fleet.epoch => None,
            Place::Counted(_) => self.follow().await.err(),
            Place::Expelled => self.join_again().await.err(),
        };
        if let Some(problem) = &problem {
            tracing::error!("the fleet cannot be followed: {problem}");
        }
        if let Some(fleet) = &self.fleet {
            fleet.member.tell(problem);
        }
    }

    /// Swaps to the epoch of the journal.
    async fn follow(&mut self) -> Result<(), String> {
        let mut client = self.take_client().await?;
        let (rules, epoch, loaded) = read(&mut client).await?;
        self.put_client_back(client);
        let generation = self.compile(&rules, &loaded)?;
        if let Some(fleet) = &mut self.fleet {
            fleet.epoch = epoch;
        }
        tracing::info!(epoch, generation = generation.number(), "following the fleet");
        self.swap_to(generation, rules, loaded);
        Ok(())
    }

    /// Becomes another replica. Of the one that it was no session was left on the server, so it may
    /// have missed any number of epochs.
    async fn join_again(&mut self) -> Result<(), String> {
        let mut client = self.take_client().await?;
        let (rules, epoch, loaded) = read(&mut client).await?;
        self.put_client_back(client);
        let generation = self.compile(&rules, &loaded)?;
        let cause = Cause::of_file(&self.config.path);
        self.join(&[], epoch, &cause, generation.number()).await.map_err(|it| it.to_string())?;
        self.swap_to(generation, rules, loaded);
        Ok(())
    }

    fn compile(
        &self,
        rules: &[rewrite_rules::Rule],
        loaded: &super::prepare::Loaded,
    ) -> Result<rewrite_rules::Generation, String> {
        let number = self.current.number() + 1;
        rewrite_rules::compile(number, rules, Arc::clone(&loaded.catalog)).map_err(|faults| {
            let faults: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            faults.join("; ")
        })
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
    fn lags(&self, place: &tokio::sync::watch::Receiver<Place>) -> bool {
        match *place.borrow() {
            Place::Counted(epoch) => epoch > self.epoch,
            Place::Expelled => true,
        }
    }
}

/// The rules of the journal, and the catalog to compile them against.
async fn read(
    client: &mut Client,
) -> Result<(Vec<rewrite_rules::Rule>, i64, super::prepare::Loaded), String> {
    let state = catalog::in_time(state::read(client)).await.map_err(|it| it.to_string())?;
    let state = state.map_err(|error| error.to_string())?;
    let rules = recorded(&state)?;
    Ok((rules, state.epoch, load_with(client).await?))
}

fn failed(reason: String) -> StepError {
    StepError::Journal(crate::journal::JournalError::Failed(reason))
}

/// The name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
