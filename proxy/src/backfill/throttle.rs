//! How much of the time the backfill works, from what the server and the clients tell: pure arithmetic.
//!
//! Green lets it go a little faster each time, yellow makes it rest longer, red stops it until two looks
//! in a row were not red. Where clients are what suffers, batches become short first: a client that wants
//! the same core or row waits for one batch, however seldom there is one.

use std::time::Duration;

use super::signals::{Seen, Signals};

/// After so long without work nothing that clients see is left of it: a second more than they are asked
/// for, and the time until the last look.
const NOT_ITS_DOING: Duration = Duration::from_millis(4_500);

/// Requests that a percentile of clients must rest on. Unit: requests in the window.
const ENOUGH: u64 = 200;

/// The time that a batch takes where clients would feel a longer one.
const SHORT: Duration = Duration::from_millis(1);

/// How long it takes until what was done about clients can be seen in what they feel.
const FELT_AFTER: Duration = Duration::from_millis(1_500);

/// How much longer than before clients may wait for it to become bolder.
const UNFELT: f64 = 1.2;

/// Seconds in which batches become twice as long.
const DOUBLES_IN_S: f64 = 10.0;

/// How long it rests at most for each unit of time worked.
const LONGEST_REST: f64 = 16.0;

/// Once it must rest, it rests at least so long.
const SHORTEST_REST: f64 = 1.0;

/// What one second of green takes off that.
const RECOVERY: f64 = 0.1;

/// The same for each second that it stands still because of an old snapshot: it would bloat the table,
/// but it would not end either. Unit: seconds.
const SNAPSHOT_PATIENCE_S: f64 = 600.0;

/// How bad it is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Light {
    /// Nobody minds.
    Green,
    /// Somebody begins to.
    Yellow(Cause),
    /// It has to stop.
    Red(Cause),
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    /// Somebody waits for a batch to end.
    Batches(String),
    /// All of it is too much.
    Work(String),
}

/// What the workers are to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Duty {
    /// Work, and rest so long for each unit of time worked.
    Work {
        /// 0 for none.
        rest: f64,
        /// The time that one batch should take.
        batch: Duration,
        /// What makes it slower than asked for.
        reason: Option<String>,
    },
    /// Stand still.
    Stop {
        /// Why.
        reason: String,
    },
}

impl Duty {
    /// The time that one batch should take.
    #[must_use]
    pub fn batch(&self) -> Duration {
        match self {
            Self::Work { batch, .. } => *batch,
            // Whatever comes after it, it will be as careful as that.
            Self::Stop { .. } => SHORT,
        }
    }

    /// How long to rest after so much work.
    #[must_use]
    pub fn rest_after(&self, work: Duration) -> Duration {
        match self {
            Self::Work { rest, .. } => work.mul_f64(*rest),
            Self::Stop { .. } => Duration::ZERO,
        }
    }
}

/// Remembers what was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Throttle {
    /// The rest, and the time for a batch, that were asked for.
    asked: (f64, Duration),
    rest: f64,
    batch: Duration,
    /// What clients saw before the backfill began. Unit: microseconds.
    baseline_us: Option<u64>,
    /// Looks that were not red since the last red one.
    calm: u32,
    reason: Option<String>,
    waited_for_snapshot_s: f64,
    /// For how long it stands still.
    still: Duration,
    /// Since something was done about clients.
    since_felt: Duration,
}

impl Throttle {
    /// Rests at least `rest` for each unit of time worked, and batches take no longer than `batch`. Where
    /// clients saw something `before`, it begins with short ones and rests between them.
    #[must_use]
    pub fn new(rest: f64, batch: Duration, before: Option<Seen>) -> Self {
        let rest = rest.max(0.0);
        let baseline_us = before.filter(|seen| seen.count >= ENOUGH).map(|seen| seen.p99_us);
        let asked = (rest, batch);
        let (rest, batch) = match baseline_us {
            Some(_) => (rest.max(SHORTEST_REST), batch.min(SHORT)),
            None => asked,
        };
        Self {
            asked,
            rest,
            batch,
            baseline_us,
            calm: 2,
            reason: None,
            waited_for_snapshot_s: 0.0,
            still: Duration::ZERO,
            since_felt: FELT_AFTER,
        }
    }

    /// One look, `since` after the one before.
    pub fn learn(&mut self, signals: &Signals, since: Duration) -> Duty {
        self.learn_baseline(signals, since);
        self.since_felt += since;
        let was_calm = self.calm > 0;
        self.calm = self.calm.saturating_add(1);
        match self.light(signals) {
            Light::Red(cause) => {
                self.calm = 0;
                if signals.oldest_s > OLD_SNAPSHOT_S {
                    self.waited_for_snapshot_s += since.as_secs_f64();
                }
                // However long it lasts, it is one thing that happened.
                if was_calm {
                    self.rest_longer();
                }
                self.because(cause);
            }
            Light::Yellow(cause) => {
                match &cause {
                    Cause::Work(_) => self.rest_longer(),
                    Cause::Batches(_) if self.since_felt < FELT_AFTER => {}
                    Cause::Batches(_) if self.batch > SHORT => self.since_felt = Duration::ZERO,
                    Cause::Batches(_) => {
                        self.since_felt = Duration::ZERO;
                        self.rest_longer();
                    }
                }
                self.because(cause);
            }
            Light::Green => self.recover(signals, since),
        }
        match (&self.reason, self.calm) {
            (Some(reason), 0 | 1) => Duty::Stop { reason: reason.clone() },
            (reason, _) => {
                self.still = Duration::ZERO;
                let (rest, batch, reason) = (self.rest, self.batch, reason.clone());
                Duty::Work { rest, batch, reason }
            }
        }
    }

    fn rest_longer(&mut self) {
        self.rest = (self.rest * 2.0).clamp(SHORTEST_REST, LONGEST_REST).max(self.asked.0);
    }

    fn because(&mut self, cause: Cause) {
        let reason = match cause {
            Cause::Work(reason) => reason,
            Cause::Batches(reason) => {
                self.batch = self.batch.min(SHORT);
                reason
            }
        };
        self.reason = Some(reason);
    }

    /// Nobody minds: it rests less, and when it rests no longer than asked for, batches become longer.
    /// Clients mind a little before it is told that they do.
    fn recover(&mut self, signals: &Signals, since: Duration) {
        let (rest, batch) = self.asked;
        if self.waits(signals).is_some_and(|(now, before)| now > before * UNFELT) {
            return;
        }
        if self.rest > rest {
            let less = RECOVERY * since.as_secs_f64() * self.rest.max(1.0);
            self.rest = (self.rest - less).max(rest);
        } else {
            let longer = (since.as_secs_f64() / DOUBLES_IN_S).exp2();
            self.batch = self.batch.mul_f64(longer).min(batch);
        }
        if self.rest <= rest {
            self.reason = None;
        }
    }

    /// What clients see while it has stood still for as long as that is looked back is not its doing: the
    /// application has become busier, or the server has other work.
    fn learn_baseline(&mut self, signals: &Signals, since: Duration) {
        let stands_still = self.calm < 2 && self.reason.is_some();
        self.still = if stands_still { self.still + since } else { Duration::ZERO };
        if self.still < NOT_ITS_DOING {
            return;
        }
        if let (Some(before), Some(now)) = (self.baseline_us, signals.p99_us) {
            self.baseline_us = Some(before.max(now));
            self.still = Duration::ZERO;
        }
    }

    fn light(&self, signals: &Signals) -> Light {
        let Signals { blocked, lag_s, lag_bytes, wal_rate, wal_allowed, .. } = signals;
        let patient = self.waited_for_snapshot_s < SNAPSHOT_PATIENCE_S;
        let clients = self.waits(signals).map_or(Light::Green, |(now, before)| {
            grade(now, before * 1.4, before * 2.0, || {
                let (now, before) = (now / 1_000.0, before / 1_000.0);
                Cause::Batches(format!("clients wait: p99 {now:.1} ms, {before:.1} ms before"))
            })
        });
        let work = |text: String| Cause::Work(text);
        let lights = [
            grade(f64::from(*blocked), 1.0, 3.0, || {
                Cause::Batches(format!("{blocked} sessions wait for its locks"))
            }),
            grade(*lag_s, 2.0, 10.0, || work(format!("a standby is {lag_s:.0} s behind"))),
            grade(as_f64(*lag_bytes), 64.0 * MIB, 512.0 * MIB, || {
                work(format!("a standby is {:.0} MiB behind", as_f64(*lag_bytes) / MIB))
            }),
            slots(signals),
            match signals.archiver_fails {
                false => Light::Green,
                true => Light::Red(work("WAL cannot be archived".to_owned())),
            },
            grade(*wal_rate, *wal_allowed, f64::INFINITY, || {
                work(format!("{:.0} MiB of WAL a second force checkpoints", wal_rate / MIB))
            }),
            grade(signals.dead_share, 0.3, f64::INFINITY, || {
                work(format!("vacuum is behind: {:.0} % dead rows", signals.dead_share * 100.0))
            }),
            match signals.oldest_s > OLD_SNAPSHOT_S && patient {
                false => Light::Green,
                true => Light::Red(work(format!(
                    "a transaction of {:.0} min keeps vacuum back ({})",
                    signals.oldest_s / 60.0,
                    signals.oldest_by.as_deref().unwrap_or("unknown")
                ))),
            },
            clients,
        ];
        lights.into_iter().max_by_key(severity).unwrap_or(Light::Green)
    }

    /// What clients of the proxy see now, and what they saw before. Unit: microseconds.
    fn waits(&self, signals: &Signals) -> Option<(f64, f64)> {
        let (now, before) = (signals.p99_us?, self.baseline_us?);
        Some((micros(now), micros(before.max(FLOOR_US))))
    }
}

const MIB: f64 = 1_048_576.0;

/// Below this nobody feels a difference. Unit: microseconds.
const FLOOR_US: u64 = 1_000;

/// A snapshot that is older keeps so much from being pruned that it is better to wait. Unit: seconds.
const OLD_SNAPSHOT_S: f64 = 600.0;

fn grade(value: f64, yellow: f64, red: f64, cause: impl FnOnce() -> Cause) -> Light {
    if value >= red {
        Light::Red(cause())
    } else if value >= yellow {
        Light::Yellow(cause())
    } else {
        Light::Green
    }
}

/// What replication slots keep, or cannot keep.
fn slots(signals: &Signals) -> Light {
    match (&signals.slot_at_risk, &signals.slot_unread) {
        (Some(name), _) => {
            let reason =
                format!("replication slot \"{name}\" is about to lose the WAL that it needs");
            Light::Red(Cause::Work(reason))
        }
        (None, Some((name, bytes))) => {
            let kept = as_f64(*bytes) / MIB;
            let reason = format!(
                "replication slot \"{name}\" keeps {kept:.0} MiB of WAL, and nobody reads it"
            );
            Light::Yellow(Cause::Work(reason))
        }
        (None, None) => Light::Green,
    }
}

fn severity(light: &Light) -> u8 {
    match light {
        Light::Green => 0,
        Light::Yellow(_) => 1,
        Light::Red(_) => 2,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a comparison needs no more than 53 bits")]
fn as_f64(bytes: i64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_precision_loss, reason = "latencies stay far below 2^53 microseconds")]
fn micros(us: u64) -> f64 {
    us as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(500);
    const LONG: Duration = Duration::from_millis(25);

    fn calm() -> Signals {
        Signals { wal_allowed: f64::INFINITY, ..Signals::default() }
    }

    fn clients(p99_us: u64) -> Signals {
        Signals { p99_us: Some(p99_us), ..calm() }
    }

    fn seen(p99_us: u64) -> Option<Seen> {
        Some(Seen { count: 5_000, p99_us })
    }

    fn throttle(before: Option<Seen>) -> Throttle {
        Throttle::new(0.0, LONG, before)
    }

    fn work(duty: Duty) -> (f64, Duration, Option<String>) {
        match duty {
            Duty::Work { rest, batch, reason } => (rest, batch, reason),
            Duty::Stop { reason } => panic!("stands still: {reason}"),
        }
    }

    #[test]
    fn nothing_slows_a_server_without_clients_down() {
        let duty = throttle(None).learn(&calm(), TICK);
        assert_eq!(duty, Duty::Work { rest: 0.0, batch: LONG, reason: None });
    }

    #[test]
    fn it_becomes_bolder_where_nobody_feels_it() {
        let mut throttle = throttle(seen(2_000));
        assert_eq!(work(throttle.learn(&clients(2_500), TICK)), (SHORTEST_REST, SHORT, None));
        let (rest, batch, _) = work(throttle.learn(&clients(2_100), TICK));
        assert!(rest < SHORTEST_REST && batch == SHORT, "rests become shorter first: {rest}");
        let same = work(throttle.learn(&clients(2_500), TICK));
        assert_eq!(same, (rest, batch, None), "somebody begins to feel it");
        for _ in 0..200 {
            throttle.learn(&clients(2_100), TICK);
        }
        assert_eq!(work(throttle.learn(&clients(2_100), TICK)), (0.0, LONG, None));
        let (rest, batch, reason) = work(throttle.learn(&clients(3_000), TICK));
        assert_eq!((rest, batch), (0.0, SHORT), "first short batches, then rest");
        assert_eq!(reason.as_deref(), Some("clients wait: p99 3.0 ms, 2.0 ms before"));
    }

    #[test]
    fn waiting_clients_make_it_rest_and_then_stop() {
        let mut throttle = throttle(seen(2_000));
        let reason = Some("clients wait: p99 3.0 ms, 2.0 ms before".to_owned());
        let rests: Vec<f64> = (0..8)
            .map(|_| {
                let (rest, batch, why) = work(throttle.learn(&clients(3_000), TICK));
                assert_eq!((batch, &why), (SHORT, &reason));
                rest
            })
            .collect();
        assert_eq!(rests, [2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 8.0, 8.0], "what it does shows later");
        let reason = "clients wait: p99 4.0 ms, 2.0 ms before".to_owned();
        for _ in 0..5 {
            let duty = throttle.learn(&clients(4_000), TICK);
            assert_eq!(duty, Duty::Stop { reason: reason.clone() });
        }
        assert_eq!(throttle.learn(&calm(), TICK), Duty::Stop { reason: reason.clone() });
        let (rest, _, why) = work(throttle.learn(&calm(), TICK));
        assert_eq!(why, Some(reason));
        assert!(rest > 14.0 && rest < 16.0, "red for long is red once: {rest}");
        for _ in 0..200 {
            throttle.learn(&calm(), TICK);
        }
        assert_eq!(work(throttle.learn(&calm(), TICK)), (0.0, LONG, None));
    }

    #[test]
    fn what_clients_see_while_it_stands_still_is_not_its_doing() {
        let mut throttle = throttle(seen(2_000));
        let mut looks = 0;
        while matches!(throttle.learn(&clients(5_000), TICK), Duty::Stop { .. }) {
            looks += 1;
            assert!(looks < 100, "it stands still for ever");
        }
        assert!(looks >= 9, "the last seconds of its work must have gone by: {looks}");
        assert!(matches!(throttle.learn(&clients(10_000), TICK), Duty::Stop { .. }));
    }

    #[test]
    fn few_requests_tell_nothing() {
        let mut throttle = throttle(Some(Seen { count: 10, p99_us: 1 }));
        let duty = throttle.learn(&clients(1_000_000), TICK);
        assert_eq!(duty, Duty::Work { rest: 0.0, batch: LONG, reason: None });
    }

    #[test]
    fn each_signal_has_its_own_reason() {
        let stopped = |signals: Signals| match throttle(None).learn(&signals, TICK) {
            Duty::Stop { reason } => format!("stop: {reason}"),
            Duty::Work { rest, batch, reason } => {
                let reason = reason.unwrap_or_default();
                format!("rest {rest}, {} ms: {reason}", batch.as_millis())
            }
        };
        for (signals, expected) in [
            (Signals { blocked: 1, ..calm() }, "rest 0, 1 ms: 1 sessions wait for its locks"),
            (Signals { blocked: 3, ..calm() }, "stop: 3 sessions wait for its locks"),
            (Signals { lag_s: 3.0, ..calm() }, "rest 1, 25 ms: a standby is 3 s behind"),
            (Signals { lag_bytes: 1 << 30, ..calm() }, "stop: a standby is 1024 MiB behind"),
            (Signals { archiver_fails: true, ..calm() }, "stop: WAL cannot be archived"),
            (
                Signals { slot_at_risk: Some("cdc".to_owned()), ..calm() },
                "stop: replication slot \"cdc\" is about to lose the WAL that it needs",
            ),
            (
                Signals { slot_unread: Some(("old".to_owned(), 1 << 30)), ..calm() },
                "rest 1, 25 ms: replication slot \"old\" keeps 1024 MiB of WAL, and nobody reads it",
            ),
            (
                Signals { wal_rate: 101.0 * MIB, wal_allowed: 100.0 * MIB, ..calm() },
                "rest 1, 25 ms: 101 MiB of WAL a second force checkpoints",
            ),
            (
                Signals { dead_share: 0.5, ..calm() },
                "rest 1, 25 ms: vacuum is behind: 50 % dead rows",
            ),
            (
                Signals { oldest_s: 900.0, oldest_by: Some("pid 7, report".to_owned()), ..calm() },
                "stop: a transaction of 15 min keeps vacuum back (pid 7, report)",
            ),
        ] {
            assert_eq!(stopped(signals), expected);
        }
    }

    #[test]
    fn an_old_snapshot_is_not_waited_for_for_ever() {
        let mut throttle = throttle(None);
        let old = Signals { oldest_s: 5_000.0, ..calm() };
        let mut looks = 0;
        while matches!(throttle.learn(&old, TICK), Duty::Stop { .. }) {
            looks += 1;
            assert!(looks < 5_000, "it stands still for ever");
        }
        assert!(looks >= 1_200, "{looks} looks of half a second");
    }
}
