//! An application that knows the old name and sends requests at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use segue::cluster::SUPERUSER;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, Statement};

use super::Arguments;
use crate::fault::Fault;

/// What became of a request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// When it was answered. Unit: seconds since the start.
    pub(super) at: f64,
    /// From when it should have been sent. Unit: milliseconds.
    pub(super) took_ms: f64,
    pub(super) fault: Option<String>,
}

/// What it sends, and how many of a hundred requests are such.
const STATEMENTS: [(&str, u64); 6] = [
    ("SELECT id, username, email FROM users WHERE id = $1", 45),
    ("SELECT id, email FROM users WHERE username = 'user_' || $1::bigint", 20),
    ("SELECT * FROM users WHERE id = $1", 10),
    ("UPDATE users SET username = 'user_' || $1::bigint || '_' WHERE id = $1", 12),
    ("UPDATE users SET score = score + 1 WHERE id = $1", 8),
    (
        "INSERT INTO users (id, username, email) VALUES ($1, 'user_' || $1::bigint, 'new@example.com')",
        5,
    ),
];

/// Ids of new rows: far above those that are there, each connection in a range of its own.
const NEW_IDS: i64 = 1_000_000_000;

/// The application, running.
pub(super) struct Application {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Vec<Answer>>,
}

impl Application {
    pub(super) async fn start(
        port: u16,
        database: &str,
        arguments: &Arguments,
    ) -> Result<Self, Fault> {
        let (stop, mut workers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        let started = Instant::now();
        for number in 0..arguments.connections {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(port).user(SUPERUSER).dbname(database);
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(connection);
            let mut statements = Vec::new();
            for (text, share) in STATEMENTS {
                statements.push((client.prepare(text).await?, share));
            }
            let every = Duration::from_secs(1) * arguments.connections / arguments.rate.max(1);
            let worker = Worker {
                client,
                statements,
                rows: arguments.rows,
                random: u64::from(number) * 7_919 + 1,
                new: NEW_IDS * (i64::from(number) + 1),
            };
            let first = started + every * number / arguments.connections.max(1);
            workers.spawn(worker.work(started, first, every, Arc::clone(&stop)));
        }
        Ok(Self { stop, workers })
    }

    /// All answers, in their order.
    pub(super) async fn stop(mut self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        while let Some(of_one) = self.workers.join_next().await {
            answers.extend(of_one.unwrap_or_default());
        }
        answers.sort_by(|one, other| one.at.total_cmp(&other.at));
        answers
    }
}

/// One connection.
struct Worker {
    client: Client,
    statements: Vec<(Statement, u64)>,
    rows: i64,
    random: u64,
    new: i64,
}

impl Worker {
    async fn work(
        mut self,
        started: Instant,
        first: Instant,
        every: Duration,
        stop: Arc<AtomicBool>,
    ) -> Vec<Answer> {
        let (mut answers, mut due) = (Vec::new(), first);
        while !stop.load(Ordering::Relaxed) {
            let late = Instant::now() > due;
            tokio::time::sleep_until(due.into()).await;
            // A request that could not be sent in time has waited since; the timer's own delay is not waited.
            let begun = if late { due } else { Instant::now() };
            let fault = self.request().await.err();
            answers.push(Answer {
                at: started.elapsed().as_secs_f64(),
                took_ms: begun.elapsed().as_secs_f64() * 1e3,
                fault: fault.map(|error| segue::catalog::reason(&error)),
            });
            due += every;
        }
        answers
    }

    async fn request(&mut self) -> Result<(), tokio_postgres::Error> {
        let mut kind = self.draw() % 100;
        let row = i64::try_from(self.draw() >> 1).unwrap_or(0) % self.rows.max(1) + 1;
        for (number, (statement, share)) in self.statements.iter().enumerate() {
            if kind >= *share {
                kind -= share;
                continue;
            }
            let inserts = number + 1 == self.statements.len();
            self.new += i64::from(inserts);
            let id = if inserts { self.new } else { row };
            return self.client.query(statement, &[&id]).await.map(drop);
        }
        Ok(())
    }

    /// A number like a random one (xorshift).
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
