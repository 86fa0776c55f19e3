//! Keeps this proxy counted in the fleet: signs of life, its sessions, what it has drained, and news
//! of the others.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::generation::Current;
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::replica::{self, Sign, Signs};
use crate::journal::{CHANNEL, JournalError};

/// Signs of life in a lease: so many may be lost. Unit: signs.
const SIGNS_OF_LIFE: u32 = 10;

/// Longest and shortest pause between two of them. Unit: milliseconds.
const PAUSES_MS: (u64, u64) = (100, 1_000);

/// Pause between two strikings-out of sessions that have ended. Unit: seconds.
const STRIKE_OUT_S: u64 = 60;

/// What is known of this proxy's place in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is counted; this is the epoch in force.
    Counted(i64),
    /// It was counted out, and must join again.
    Expelled,
    /// The journal is not the one that it was: it was made anew, or has lost an epoch.
    Lost,
}

/// A membership. It ends when this is dropped.
#[derive(Debug)]
pub struct Member {
    /// The replica's id.
    pub id: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    id: String,
    control: ControlUrl,
    current: Arc<Current>,
    membership: u64,
    lease: Duration,
    /// Which journal it joined.
    fleet: String,
    /// The latest epoch that it has heard of, or made.
    latest: AtomicI64,
    say: Mutex<Signs>,
    wake: Notify,
    /// Set off by whatever is told on the journal's channel.
    heard: Arc<Notify>,
    place: watch::Sender<Place>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Member {
    /// Begins `membership`, for a replica that joined in `epoch`.
    #[must_use]
    pub fn begin(
        id: String,
        (fleet, epoch): (String, i64),
        membership: u64,
        current: Arc<Current>,
        control: ControlUrl,
        lease: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            id: id.clone(),
            control,
            current,
            membership,
            lease,
            fleet,
            latest: AtomicI64::new(epoch),
            say: Mutex::default(),
            wake: Notify::new(),
            heard: Arc::default(),
            place: watch::Sender::new(Place::Counted(epoch)),
        });
        let task = tokio::spawn(Arc::clone(&shared).keep());
        Self { id, shared, task }
    }

    /// The generation of `epoch` has drained.
    pub fn acknowledger(&self, epoch: i64) -> impl FnOnce() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || {
            shared.say().acknowledged = epoch;
            shared.wake.notify_one();
        }
    }

    /// What keeps it from following, if anything.
    pub fn tell(&self, problem: Option<String>) {
        let mut say = self.shared.say();
        if say.problem != problem {
            say.problem = problem;
            self.shared.wake.notify_one();
        }
    }

    /// This proxy has made `epoch`: the journal must know of it from now on.
    pub fn made(&self, epoch: i64) {
        self.shared.latest.fetch_max(epoch, Ordering::SeqCst);
    }

    /// Signs at once, and so hears what is in force.
    pub fn ask(&self) {
        self.shared.wake.notify_one();
    }

    /// The phases that the file says now.
    pub fn note_file(&self, phases: String) {
        self.shared.say().file = Some(phases);
        self.shared.wake.notify_one();
    }

    /// Its place, and news of it.
    #[must_use]
    pub fn place(&self) -> watch::Receiver<Place> {
        self.shared.place.subscribe()
    }
}

impl Shared {
    fn say(&self) -> MutexGuard<'_, Signs> {
        self.say.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs until it is counted out.
    async fn keep(self: Arc<Self>) {
        let pause = (self.lease / SIGNS_OF_LIFE)
            .clamp(Duration::from_millis(PAUSES_MS.0), Duration::from_millis(PAUSES_MS.1));
        let mut link: Option<Client> = None;
        let mut said: Option<String> = None;
        let mut struck_out = Instant::now();
        loop {
            // A connection that is stuck must not cost the lease.
            let round = tokio::time::timeout(self.lease / 3, self.round(link.take())).await;
            match round.unwrap_or_else(|_elapsed| Err(silent())) {
                Ok(None) => {
                    self.current.roll().lease.end();
                    self.place.send_if_modified(|place| {
                        let is_counted = matches!(place, Place::Counted(_));
                        if is_counted {
                            *place = Place::Expelled;
                        }
                        is_counted
                    });
                    return;
                }
                Ok(Some(client)) => {
                    self.strike_out(&client, &mut struck_out).await;
                    link = Some(client);
                    say_good(&mut said);
                }
                Err(error) => say(&error, &mut said),
            }
            self.pause(pause, link.is_some()).await;
        }
    }

    /// Waits until there is something to say, but not too long. Who comes can only be registered over
    /// a connection.
    async fn pause(&self, time: Duration, connected: bool) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.wake.notified() => {}
            () = self.heard.notified() => {}
            () = self.current.roll().come(), if connected => {}
        }
    }

    /// Strikes out the sessions that have ended, now and then.
    async fn strike_out(&self, client: &Client, last: &mut Instant) {
        if last.elapsed() >= Duration::from_secs(STRIKE_OUT_S) {
            *last = Instant::now();
            // It is tried again in a minute.
            let striking = replica::strike_out(client, &self.id);
            let _ = tokio::time::timeout(self.lease / 3, striking).await;
        }
    }

    /// One sign, and whoever must be registered. `None` if the replica is no longer counted.
    async fn round(&self, link: Option<Client>) -> Result<Option<Client>, JournalError> {
        let roll = self.current.roll();
        let client = match link.filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => {
                let connected = catalog::connect_hearing(&self.control, Arc::clone(&self.heard));
                let client =
                    connected.await.map_err(|error| JournalError::Failed(error.to_string()))?;
                client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
                client
            }
        };
        let newcomers = roll.take_newcomers();
        let backends = newcomers.backends();
        if !backends.is_empty() {
            if !replica::register(&client, &self.id, &backends).await? {
                return Ok(None);
            }
            newcomers.registered(self.membership);
        }
        let say = self.say().clone();
        let latest = self.latest.load(Ordering::SeqCst);
        let sent = Instant::now();
        match replica::sign(&client, &self.id, &say).await? {
            Sign::Expelled => Ok(None),
            Sign::Counted { epoch, fleet } if fleet != self.fleet || epoch < latest => {
                self.place.send_replace(Place::Lost);
                Ok(None)
            }
            Sign::Counted { epoch, .. } => {
                self.latest.fetch_max(epoch, Ordering::SeqCst);
                roll.lease.renew(sent, self.lease);
                self.place.send_if_modified(|place| {
                    let is_news = *place != Place::Counted(epoch);
                    *place = Place::Counted(epoch);
                    is_news
                });
                Ok(Some(client))
            }
        }
    }
}

fn silent() -> JournalError {
    JournalError::Failed("the server does not answer".to_owned())
}

/// Logs an error, once.
fn say(error: &JournalError, said: &mut Option<String>) {
    let error = error.to_string();
    if said.as_ref() != Some(&error) {
        tracing::error!("{error}");
        *said = Some(error);
    }
}

/// Logs that it is over, if there was one.
fn say_good(said: &mut Option<String>) {
    if said.take().is_some() {
        tracing::info!("the journal is reached again");
    }
}
