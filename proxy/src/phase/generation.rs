//! The generation in force, and who still lives in which one.
//!
//! This is all that the data plane sees of the control plane. A session owns one [`Seat`]; it pins
//! the current generation at the first frame of a transaction and lets go when the server says
//! idle. A flip swaps one pointer; a generation is drained when no seat holds an older one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use rewrite_rules::{Outcome, Scan, SearchPath, Shape};

use super::hold::Gate;
use super::plan_cache::{Plans, Question};
use super::roll::{Registration, Roll};
use crate::aside::aside;
use crate::config::ClientRule;

/// Longest text that is worth remembering. Unit: bytes.
pub const PLAN_CACHE_TEXT_BYTES: usize = 16 * 1024;

/// A longer text than this may take milliseconds and more to read. Unit: bytes.
const ASIDE_TEXT_BYTES: usize = 64 * 1024;

/// A compiled generation with the rewritings made in it so far.
#[derive(Debug)]
pub struct Generation {
    compiled: rewrite_rules::Generation,
    clients: Vec<ClientRule>,
    plans: Plans,
}

impl Generation {
    /// Wraps a compiled generation with an empty plan cache.
    #[must_use]
    pub fn new(compiled: rewrite_rules::Generation) -> Self {
        Self { compiled, clients: Vec::new(), plans: Plans::default() }
    }

    /// The same, with what is said of the shapes that clients speak.
    #[must_use]
    pub fn with_clients(self, clients: &[ClientRule]) -> Self {
        Self { clients: clients.to_vec(), ..self }
    }

    /// The shape that a client speaks unless it says otherwise.
    #[must_use]
    pub fn shape_of(&self, occupant: &Occupant) -> Shape {
        let fits = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let rule = self.clients.iter().find(|rule| {
            fits(&rule.role, &occupant.user)
                && fits(&rule.application_name, &occupant.application_name)
        });
        rule.map_or(Shape::Old, |rule| rule.shape)
    }

    /// The compiled rules.
    #[must_use]
    pub fn compiled(&self) -> &rewrite_rules::Generation {
        &self.compiled
    }

    /// The number that tells generations apart; grows with each.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.compiled.number()
    }

    /// What PostgreSQL should receive for `text`, in which `scan` was found; from the cache where it is known.
    #[must_use]
    pub fn plan(
        &self,
        (text, scan): (&str, Scan),
        search_path: &Arc<SearchPath>,
        standard_conforming_strings: bool,
        shape: Shape,
    ) -> Arc<Outcome> {
        let question = Question { text, scan, search_path, standard_conforming_strings, shape };
        if text.len() > PLAN_CACHE_TEXT_BYTES {
            let rewrite = || self.compiled.rewrite(text, question.session());
            let is_long = text.len() > ASIDE_TEXT_BYTES;
            return Arc::new(if is_long { aside(rewrite) } else { rewrite() });
        }
        self.plans.decide(&question, &self.compiled)
    }
}

/// The generation in force and the seats of all sessions.
#[derive(Debug)]
pub struct Current {
    generation: ArcSwap<Generation>,
    seats: DashMap<u64, Arc<SeatState>>,
    next_seat: AtomicU64,
    gate: Gate,
    roll: Roll,
}

/// What is known of a session, for those who wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// Where the client came from, `address:port` or a socket's path.
    pub client: String,
    /// Role it logged in as.
    pub user: String,
    /// Database it logged in to.
    pub database: String,
    /// `application_name` of its startup message.
    pub application_name: String,
    /// Process id of its backend, 0 if unknown.
    pub backend_pid: i32,
}

#[derive(Debug)]
struct SeatState {
    occupant: Occupant,
    registration: Arc<Registration>,
    /// Generation held, 0 for none.
    generation: AtomicU64,
    /// When it was taken. Unit: milliseconds since the epoch.
    since_ms: AtomicU64,
    /// Whether its next transaction waits at the gate.
    held: AtomicBool,
}

/// A session that holds a generation, as shown to an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who it is.
    pub occupant: Occupant,
    /// The generation it lives in.
    pub generation: u64,
    /// Since when. Unit: milliseconds since the epoch.
    pub since_ms: u64,
}

impl Current {
    /// Starts with `generation` in force.
    #[must_use]
    pub fn new(generation: Arc<Generation>) -> Self {
        Self {
            generation: ArcSwap::new(generation),
            seats: DashMap::new(),
            next_seat: AtomicU64::new(1),
            gate: Gate::default(),
            roll: Roll::default(),
        }
    }

    /// The generation that new transactions use.
    #[must_use]
    pub fn load(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Number of the generation that new transactions use, without taking hold of it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.generation.load().number()
    }

    /// Puts `generation` in force: new transactions use it at once.
    pub fn swap(&self, generation: Arc<Generation>) {
        self.generation.store(generation);
    }

    /// Who still lives in a generation older than `number`, longest first.
    #[must_use]
    pub fn holders_before(&self, number: u64) -> Vec<Holder> {
        let mut holders: Vec<Holder> = self
            .seats
            .iter()
            .filter_map(|seat| {
                let generation = seat.generation.load(Ordering::SeqCst);
                (generation != 0 && generation < number).then(|| Holder {
                    occupant: seat.occupant.clone(),
                    generation,
                    since_ms: seat.since_ms.load(Ordering::Relaxed),
                })
            })
            .collect();
        holders.sort_by_key(|holder| holder.since_ms);
        holders
    }

    /// Everybody who is in a transaction, longest first.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        self.holders_before(u64::MAX)
    }

    /// Number of sessions whose next transaction waits at the gate.
    #[must_use]
    pub fn held(&self) -> usize {
        self.seats.iter().filter(|seat| seat.held.load(Ordering::Relaxed)).count()
    }

    /// The gate that can hold new transactions back.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Which sessions the journal knows, and for how long it may be left unheard.
    #[must_use]
    pub fn roll(&self) -> &Roll {
        &self.roll
    }

    /// Begins a membership of the fleet, in which `first_generation` is the first.
    pub fn join(&self, first_generation: u64) -> u64 {
        let membership = self.roll.begin(first_generation);
        let present: Vec<_> = self.seats.iter().map(|it| Arc::clone(&it.registration)).collect();
        self.roll.call_up(present);
        membership
    }

    /// Number of sessions that have a seat.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.seats.len()
    }

    /// Gives a session its seat; dropping the seat gives it back.
    #[must_use]
    pub fn sit(self: &Arc<Self>, occupant: Occupant) -> Seat {
        let id = self.next_seat.fetch_add(1, Ordering::Relaxed);
        let registration = Registration::new(occupant.backend_pid);
        let state = Arc::new(SeatState {
            occupant,
            registration: Arc::clone(&registration),
            generation: AtomicU64::new(0),
            since_ms: AtomicU64::new(0),
            held: AtomicBool::new(false),
        });
        self.seats.insert(id, Arc::clone(&state));
        self.roll.call_up([registration]);
        Seat { current: Arc::clone(self), id, state }
    }
}

/// One session's hold on generations.
#[derive(Debug)]
pub struct Seat {
    current: Arc<Current>,
    id: u64,
    state: Arc<SeatState>,
}

impl Seat {
    /// Takes hold of the generation in force. Call it at the first frame of a transaction.
    ///
    /// The number is published before the pointer is trusted, so that a flip which runs at the
    /// same moment either is seen here or sees this seat. `None` while the gate is closed, or the
    /// session has yet to be registered.
    #[must_use]
    pub fn pin(&self) -> Option<Arc<Generation>> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.state.since_ms.store(now_ms, Ordering::Relaxed);
        loop {
            let generation = self.current.load();
            self.state.generation.store(generation.number(), Ordering::SeqCst);
            if self.current.number() != generation.number() {
                continue;
            }
            let held = self.current.gate.is_closed()
                || !self.current.roll.admits(&self.state.registration);
            self.state.held.store(held, Ordering::Relaxed);
            if held {
                self.release();
                return None;
            }
            return Some(generation);
        }
    }

    /// Whose seat it is.
    #[must_use]
    pub fn occupant(&self) -> &Occupant {
        &self.state.occupant
    }

    /// Lets go. Call it when the server says idle and nothing more is expected of it.
    pub fn release(&self) {
        self.state.generation.store(0, Ordering::SeqCst);
    }

    /// Waits until a transaction may begin.
    ///
    /// Cancel safe: it only waits.
    pub async fn admitted(&self) {
        self.current.gate.opened().await;
        self.current.roll.admitted(&self.state.registration).await;
    }

    /// Whether a governed statement may be served now in generation `number`.
    #[must_use]
    pub fn serves(&self, number: u64) -> bool {
        self.current.roll.serves(&self.state.registration, number)
    }

    /// Whether whoever lives in generation `number` should let go of it as soon as it can: there is
    /// a newer one, or new transactions are held back.
    #[must_use]
    pub fn should_rest(&self, number: u64) -> bool {
        self.current.number() != number || self.current.gate.is_closed()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.current.seats.remove(&self.id);
    }
}
