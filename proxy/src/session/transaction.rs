//! Holds one generation from a transaction's first message until the server says idle.
//!
//! A batch is what the client sends up to a Sync, or one simple query. A transaction is one batch
//! or many; "the server says idle" counts only when nothing is under way, because a pipelining
//! client has sent the next batch before the last one is answered.

use std::sync::Arc;

use rewrite_rules::Shape;

use super::version::Scope;
use crate::phase::generation::{Generation, Seat};

/// The server's word in ReadyForQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// `I`: no transaction is open.
    Idle,
    /// `T`: in a transaction.
    Open,
    /// `E`: in a failed transaction.
    Failed,
}

impl Status {
    /// Reads the byte of a ReadyForQuery.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'I' => Some(Self::Idle),
            b'T' => Some(Self::Open),
            b'E' => Some(Self::Failed),
            _other => None,
        }
    }
}

/// What the Execute messages of a batch do to the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executed {
    /// There are none.
    Nothing,
    /// They stay in it.
    Inside,
    /// The first one begins it, and the others stay in it.
    Began,
    /// Something else.
    Unknown,
}

/// The generation in which a message must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Its number.
    pub(super) number: u64,
    /// Whether it governs any table at all.
    pub(super) governs: bool,
}

/// The transaction under way, if there is one.
#[derive(Debug)]
pub(super) struct Transaction {
    seat: Seat,
    pinned: Option<Arc<Generation>>,
    /// As of the last ReadyForQuery.
    status: Status,
    /// Number of the batch that is being sent.
    batch: u64,
    /// Whether something of it has been sent.
    batch_open: bool,
    /// What its Execute messages have done to the transaction.
    batch_executed: Executed,
    /// Whether the next one waits at the gate.
    held: bool,
}

impl Transaction {
    /// At rest, as after login.
    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            pinned: None,
            status: Status::Idle,
            batch: 0,
            batch_open: false,
            batch_executed: Executed::Nothing,
            held: false,
        }
    }

    /// Called before a message that starts work is read: pins a generation if none is held.
    ///
    /// `None` means that the message must wait. Either until all that is under way is answered: a
    /// new generation is in force, or the gate is closed, and a client that pipelines one batch
    /// after another would never come to it otherwise. Or until the gate opens.
    pub(super) fn begin(&mut self, answered: bool) -> Option<Held> {
        match &self.pinned {
            Some(pinned)
                if !self.batch_open && !answered && self.seat.should_rest(pinned.number()) =>
            {
                return None;
            }
            Some(_) => {}
            // This is the only place where a transaction begins.
            None => {
                self.pinned = self.seat.pin();
                self.held = self.pinned.is_none();
            }
        }
        self.pinned
            .as_ref()
            .map(|pinned| Held { number: pinned.number(), governs: pinned.compiled().governs() })
    }

    /// The generation held.
    pub(super) fn generation(&self) -> Option<Arc<Generation>> {
        self.pinned.clone()
    }

    /// The shape that the client speaks unless it says otherwise.
    pub(super) fn usual_shape(&self) -> Shape {
        let pinned = self.pinned.as_ref();
        pinned.map_or(Shape::Old, |pinned| pinned.shape_of(self.seat.occupant()))
    }

    /// Whether the generation held governs any table.
    pub(super) fn governs(&self) -> bool {
        self.pinned.as_ref().is_some_and(|pinned| pinned.compiled().governs())
    }

    /// A message of the extended protocol was sent.
    pub(super) fn extend_batch(&mut self) {
        self.batch_open = true;
    }

    /// An Execute of the client's was sent.
    pub(super) fn execute_in_batch(&mut self, scope: Scope) {
        self.batch_open = true;
        self.batch_executed = match (self.batch_executed, scope) {
            (Executed::Nothing | Executed::Inside, Scope::Stays) => Executed::Inside,
            (Executed::Began, Scope::Stays) | (Executed::Nothing, Scope::Begins) => Executed::Began,
            (_, Scope::Begins | Scope::Checks | Scope::Unknown)
            | (Executed::Unknown, Scope::Stays) => Executed::Unknown,
        };
    }

    /// A Sync, Query or FunctionCall was sent: what follows is another batch.
    pub(super) fn end_batch(&mut self) {
        self.batch_open = false;
        self.batch_executed = Executed::Nothing;
        self.batch = self.batch.wrapping_add(1);
    }

    /// Number of the batch that is being sent.
    pub(super) fn batch(&self) -> u64 {
        self.batch
    }

    /// Whether something of the current batch has been sent.
    pub(super) fn batch_open(&self) -> bool {
        self.batch_open
    }

    /// What the Execute messages of the current batch have done to the transaction, or will do.
    pub(super) fn batch_executed(&self) -> Executed {
        self.batch_executed
    }

    /// The server's last word.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// ReadyForQuery came. Returns whether the session is at rest: no transaction, nothing under
    /// way; the generation has been let go then.
    pub(super) fn ready(&mut self, status: Status, answered: bool) -> bool {
        self.status = status;
        let at_rest = status == Status::Idle && answered && !self.batch_open;
        if at_rest && self.pinned.take().is_some() {
            self.seat.release();
        }
        at_rest
    }

    /// Whether a transaction could not begin because the gate is closed.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Waits until a transaction may begin.
    ///
    /// Cancel safe: it only waits.
    pub(super) async fn admitted(&self) {
        self.seat.admitted().await;
    }

    /// Whether a governed statement may be served now.
    pub(super) fn serves(&self) -> bool {
        self.pinned.as_ref().is_none_or(|pinned| self.seat.serves(pinned.number()))
    }

    /// Whether a generation is held.
    pub(super) fn holds(&self) -> bool {
        self.pinned.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::generation::{Current, Occupant};

    fn generation(number: u64) -> Arc<Generation> {
        let compiled = rewrite_rules::compile(number, &[], Arc::default()).unwrap();
        Arc::new(Generation::new(compiled))
    }

    fn seated() -> (Arc<Current>, Transaction) {
        let current = Arc::new(Current::new(generation(1)));
        let seat = current.sit(Occupant {
            client: String::new(),
            user: String::new(),
            database: String::new(),
            application_name: String::new(),
            backend_pid: 0,
        });
        (current, Transaction::new(seat))
    }

    fn held(number: u64) -> Option<Held> {
        Some(Held { number, governs: false })
    }

    #[test]
    fn a_transaction_keeps_its_generation_to_the_end() {
        let (current, mut transaction) = seated();
        assert_eq!(transaction.begin(true), held(1));
        transaction.end_batch();
        current.swap(generation(2));
        assert!(!transaction.ready(Status::Open, true));
        assert_eq!(transaction.begin(true), held(1));
        transaction.end_batch();
        assert!(!transaction.ready(Status::Failed, true));
        assert_eq!(current.holders_before(2).len(), 1);
        assert!(transaction.ready(Status::Idle, true));
        assert_eq!(current.holders_before(2).len(), 0);
        assert_eq!(transaction.begin(true), held(2));
    }

    #[test]
    fn a_pipelining_client_waits_for_its_answers_once_a_flip_happened() {
        let (current, mut transaction) = seated();
        assert_eq!(transaction.begin(true), held(1));
        transaction.extend_batch();
        current.swap(generation(2));
        assert_eq!(transaction.begin(false), held(1), "inside a batch");
        transaction.end_batch();
        assert_eq!(transaction.begin(false), None, "a new batch");
        assert!(transaction.ready(Status::Idle, true));
        assert_eq!(transaction.begin(true), held(2));
    }

    #[test]
    fn a_pipelining_client_comes_to_the_gate_too() {
        let (current, mut transaction) = seated();
        assert_eq!(transaction.begin(true), held(1));
        transaction.end_batch();
        assert_eq!(transaction.begin(false), held(1), "the gate is open");
        transaction.end_batch();
        current.gate().close(std::time::Duration::from_secs(600));
        assert_eq!(transaction.begin(false), None, "a new batch");
        assert!(!transaction.is_held(), "its answers are waited for, not the gate");
        // In an open transaction it goes on, one batch after the other.
        assert!(!transaction.ready(Status::Open, true));
        assert_eq!(transaction.begin(true), held(1));
        transaction.end_batch();
        assert!(transaction.ready(Status::Idle, true));
        assert_eq!(transaction.begin(true), None);
        assert!(transaction.is_held());
        assert_eq!(current.holders(), []);
        current.gate().open();
        assert_eq!(transaction.begin(true), held(1));
        assert!(!transaction.is_held());
    }

    #[test]
    fn idle_counts_only_when_nothing_is_under_way() {
        let (_current, mut transaction) = seated();
        assert!(transaction.begin(true).is_some());
        transaction.end_batch();
        transaction.extend_batch();
        assert!(!transaction.ready(Status::Idle, true), "half a batch was sent");
        transaction.end_batch();
        assert!(!transaction.ready(Status::Idle, false), "a batch is unanswered");
        assert!(transaction.ready(Status::Idle, true));
    }
}
