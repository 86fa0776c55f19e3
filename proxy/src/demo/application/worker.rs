//! One worker: keeps to its schedule whatever the service does, and checks every answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Config;

use super::judge;
use super::model::Model;
use super::plan::{Request, Style, Unit, next_unit};
use super::random::Random;
use super::record::{Cell, Record};
use super::send::{Answer, Session};
use super::statement::{BEGIN, Statement, Value};
use super::turn::{Behaviour, Expected};
use crate::demo::recorder::{Fault, Recorder};

/// How long an application waits for an answer before it calls that an error. Unit: milliseconds.
const REQUEST_DEADLINE_MS: u64 = 10_000;

/// How long a worker waits before it connects again. Unit: milliseconds.
const RECONNECT_MS: u64 = 200;

/// The timer wakes a sleeping worker up to this late; that much is the timer's fault and is not
/// counted as latency. Unit: milliseconds.
const TIMER_MS: u64 = 1;

/// What a worker is given.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) config: Config,
    pub(super) behaviour: &'static Behaviour,
    pub(super) model: Model,
    pub(super) random: Random,
    /// When the first request is due.
    pub(super) first: Instant,
    /// Time between two requests of this worker.
    pub(super) interval: Duration,
    pub(super) recorder: Arc<Recorder>,
    /// Becomes true when the worker shall end.
    pub(super) stop: watch::Receiver<bool>,
}

impl Worker {
    /// Works until told to stop; gives back what must be in the table.
    ///
    /// Cancel safety: dropping the future closes the connection; the model is lost.
    pub(super) async fn run(mut self, session: Session) -> Model {
        let mut session = Some(session);
        let mut slot = self.first;
        while !*self.stop.borrow() {
            sleep_until(slot).await;
            let Some(open) = &session else {
                session = self.reconnect().await;
                slot = slot.max(Instant::now());
                continue;
            };
            let unit = next_unit(self.behaviour, &mut self.model, &mut self.random);
            // Behind schedule, the wait since the slot counts: that is what a user would feel.
            let due = Instant::now().min(slot + Duration::from_millis(TIMER_MS));
            let healthy = self.carry_out(open, &unit, due).await;
            if !healthy {
                session = self.settle(session.take(), &unit).await;
            }
            slot += self.interval * u32::try_from(unit.requests.len()).unwrap_or(1);
        }
        self.model
    }

    /// Sends a unit and judges the answers; false if any of them was an error.
    async fn carry_out(&self, session: &Session, unit: &Unit, due: Instant) -> bool {
        let deadline = Duration::from_millis(REQUEST_DEADLINE_MS);
        let Ok(answers) = timeout(deadline, session.send(unit)).await else {
            for request in &unit.requests {
                self.recorder.error(due.elapsed(), timed_out(request.statement));
            }
            return false;
        };
        let latency = due.elapsed();
        let mut healthy = true;
        for (request, answer) in unit.requests.iter().zip(answers) {
            // Who asks to be refused gets an answer by it.
            let asked = matches!(request.expected, Expected::Refused(_));
            match answer.or_else(|error| Answer::refused(&error).filter(|_| asked).ok_or(error)) {
                Ok(answer) => {
                    self.recorder.answered(latency);
                    self.judge(request, &answer);
                }
                Err(error) => {
                    self.recorder.error(latency, described(request.statement, &error));
                    healthy = false;
                }
            }
        }
        healthy
    }

    fn judge(&self, request: &Request, answer: &Answer) {
        if let Some(what) = judge::fault(request, answer) {
            self.recorder.wrong(Fault::new(None, what, request.statement.text));
        }
    }

    /// After an error nobody knows which of the unit's writes happened: reads each row that it
    /// touched, and takes any state that it passed through for right.
    async fn settle(&mut self, session: Option<Session>, unit: &Unit) -> Option<Session> {
        // A transaction that failed half-way is still open: only a new connection is sure.
        let usable = |session: &Session| !session.is_closed() && unit.style != Style::Transaction;
        let mut session = match session.filter(usable) {
            Some(session) => Some(session),
            None => self.reconnect().await,
        };
        for (id, states) in &unit.touched {
            let mut found = self.read_row(session.as_ref(), *id).await;
            if found.is_err() {
                // The server may have said goodbye without our having seen the connection close.
                session = self.reconnect().await;
                found = self.read_row(session.as_ref(), *id).await;
            }
            let Ok(found) = found else {
                self.recorder.undecided(*id);
                continue;
            };
            if !states.contains(&found) {
                let what = format!("row {id} is in a state that no write gave it");
                self.recorder.wrong(Fault::new(None, what, self.behaviour.whole_row.text));
            }
            self.model.set(*id, found);
        }
        session
    }

    /// One attempt to connect again.
    async fn reconnect(&self) -> Option<Session> {
        tokio::time::sleep(Duration::from_millis(RECONNECT_MS)).await;
        let deadline = Duration::from_millis(REQUEST_DEADLINE_MS);
        match timeout(deadline, Session::open(&self.config, self.behaviour.prepared())).await {
            Ok(Ok(session)) => Some(session),
            Ok(Err(error)) => {
                self.recorder.error(Duration::ZERO, described(&BEGIN, &error));
                None
            }
            Err(_elapsed) => {
                self.recorder.error(deadline, timed_out(&BEGIN));
                None
            }
        }
    }

    /// Reads one row by the application's own way.
    async fn read_row(&self, session: Option<&Session>, id: i64) -> Result<Option<Record>, ()> {
        let session = session.ok_or(())?;
        let request = Request {
            statement: self.behaviour.whole_row,
            values: vec![Value::Number(id)],
            expected: Expected::Rows(Vec::new()),
        };
        let unit = Unit { requests: vec![request], ..Unit::new(Style::Simple) };
        let deadline = Duration::from_millis(REQUEST_DEADLINE_MS);
        let answers = timeout(deadline, session.send(&unit)).await.map_err(|_elapsed| ())?;
        let answer = answers.into_iter().next().and_then(Result::ok).ok_or(())?;
        let record = |row: Vec<Cell>| Record::new(row.into_iter().skip(1).collect::<Vec<_>>());
        Ok(answer.rows.into_iter().next().map(record))
    }
}

fn timed_out(statement: &Statement) -> Fault {
    Fault::new(None, format!("no answer within {REQUEST_DEADLINE_MS} ms"), statement.text)
}

fn described(statement: &Statement, error: &tokio_postgres::Error) -> Fault {
    let said = error.as_db_error();
    let message = match said {
        Some(said) => match said.hint() {
            Some(hint) => format!("{} ({hint})", said.message()),
            None => said.message().to_owned(),
        },
        None => error.to_string(),
    };
    Fault::new(said.map(|said| said.code().code().to_owned()), message, statement.text)
}
