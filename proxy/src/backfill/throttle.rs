//! How much of the time the backfill works, from what the server and the clients tell: pure arithmetic.
//!
//! Green lets it go a little faster each time, yellow makes it rest twice as long, red stops it until
//! two looks in a row were not red.

use std::time::Duration;

use super::signals::{Seen, Signals};

/// After so long without work nothing that clients see is left of it: they are asked for the last 5 s.
const NOT_ITS_DOING: Duration = Duration::from_millis(6_500);

/// Requests that a percentile of clients must rest on. Unit: requests in the window.
const ENOUGH: u64 = 200;

/// How long it rests at most for each unit of time worked.
const LONGEST_REST: f64 = 8.0;

/// Once it must rest, it rests at least so long.
const SHORTEST_REST: f64 = 0.25;

/// What one second of green takes off that.
const RECOVERY: f64 = 0.1;

/// The same for each second that it stands still because of an old snapshot: it would bloat the table,
/// but it would not end either. Unit: seconds.
const SNAPSHOT_PATIENCE_S: f64 = 600.0;

/// How bad it is, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Nobody minds.
    Green,
    /// Somebody begins to.
    Yellow(String),
    /// It has to stop.
    Red(String),
}

/// What the workers are to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Duty {
    /// Work, and rest so long for each unit of time worked.
    Work {
        /// 0 for none.
        rest: f64,
        /// What makes it longer than asked for.
        reason: Option<String>,
    },
    /// Stand still.
    Stop {
        /// Why.
        reason: String,
    },
}

/// Remembers what was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Throttle {
    /// The rest that was asked for.
    least: f64,
    rest: f64,
    /// What clients saw before the backfill began. Unit: microseconds.
    baseline_us: Option<u64>,
    /// Looks that were not red since the last red one.
    calm: u32,
    reason: Option<String>,
    waited_for_snapshot_s: f64,
    /// For how long it stands still.
    still: Duration,
}

impl Throttle {
    /// Begins with a rest of `least` for each unit of time worked, where clients saw `before`.
    #[must_use]
    pub fn new(least: f64, before: Option<Seen>) -> Self {
        let least = least.max(0.0);
        let baseline_us = before.filter(|seen| seen.count >= ENOUGH).map(|seen| seen.p99_us);
        let still = Duration::ZERO;
        let waited_for_snapshot_s = 0.0;
        Self {
            least,
            rest: least,
            baseline_us,
            calm: 2,
            reason: None,
            waited_for_snapshot_s,
            still,
        }
    }

    /// One look, `since` after the one before.
    pub fn learn(&mut self, signals: &Signals, since: Duration) -> Duty {
        self.learn_baseline(signals, since);
        let light = self.light(signals);
        match light {
            Light::Red(reason) => {
                if signals.oldest_s > OLD_SNAPSHOT_S {
                    self.waited_for_snapshot_s += since.as_secs_f64();
                }
                self.calm = 0;
                self.rest = (self.rest * 2.0).clamp(SHORTEST_REST, LONGEST_REST);
                self.reason = Some(reason);
            }
            Light::Yellow(reason) => {
                self.calm = self.calm.saturating_add(1);
                self.rest = (self.rest * 2.0).clamp(SHORTEST_REST, LONGEST_REST);
                self.reason = Some(reason);
            }
            Light::Green => {
                self.calm = self.calm.saturating_add(1);
                let less = RECOVERY * since.as_secs_f64() * self.rest.max(1.0);
                self.rest = (self.rest - less).max(self.least);
                if self.rest <= self.least {
                    self.reason = None;
                }
            }
        }
        match (&self.reason, self.calm) {
            (Some(reason), 0 | 1) => Duty::Stop { reason: reason.clone() },
            (reason, _) => {
                self.still = Duration::ZERO;
                Duty::Work { rest: self.rest, reason: reason.clone() }
            }
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
        let lights = [
            grade(f64::from(*blocked), 1.0, 3.0, || {
                format!("{blocked} sessions wait for its locks")
            }),
            grade(*lag_s, 2.0, 10.0, || format!("a standby is {lag_s:.0} s behind")),
            grade(as_f64(*lag_bytes), 64.0 * MIB, 512.0 * MIB, || {
                format!("a standby is {:.0} MiB behind", as_f64(*lag_bytes) / MIB)
            }),
            red(signals.slot_at_risk, "a replication slot is about to lose the WAL that it needs"),
            red(signals.archiver_fails, "WAL cannot be archived"),
            grade(*wal_rate, wal_allowed * 0.7, f64::INFINITY, || {
                format!("{:.0} MiB of WAL a second force checkpoints", wal_rate / MIB)
            }),
            grade(signals.dead_share, 0.3, f64::INFINITY, || {
                format!("vacuum is behind: {:.0} % dead rows", signals.dead_share * 100.0)
            }),
            match signals.oldest_s > OLD_SNAPSHOT_S && patient {
                false => Light::Green,
                true => Light::Red(format!(
                    "a transaction of {:.0} min keeps vacuum back ({})",
                    signals.oldest_s / 60.0,
                    signals.oldest_by.as_deref().unwrap_or("unknown")
                )),
            },
            self.clients(signals.p99_us),
        ];
        lights.into_iter().max_by_key(severity).unwrap_or(Light::Green)
    }

    /// What clients of the proxy see now beside what they saw before.
    fn clients(&self, p99_us: Option<u64>) -> Light {
        let (Some(now), Some(before)) = (p99_us, self.baseline_us) else { return Light::Green };
        let (now, before) = (micros(now), micros(before.max(FLOOR_US)));
        grade(now, before * 1.4, before * 1.8, || {
            let (now, before) = (now / 1_000.0, before / 1_000.0);
            format!("clients wait: p99 {now:.1} ms, {before:.1} ms before")
        })
    }
}

const MIB: f64 = 1_048_576.0;

/// Below this nobody feels a difference. Unit: microseconds.
const FLOOR_US: u64 = 1_000;

/// A snapshot that is older keeps so much from being pruned that it is better to wait. Unit: seconds.
const OLD_SNAPSHOT_S: f64 = 600.0;

fn grade(value: f64, yellow: f64, red: f64, reason: impl FnOnce() -> String) -> Light {
    if value >= red {
        Light::Red(reason())
    } else if value >= yellow {
        Light::Yellow(reason())
    } else {
        Light::Green
    }
}

fn red(is_so: bool, reason: &str) -> Light {
    if is_so { Light::Red(reason.to_owned()) } else { Light::Green }
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

    fn calm() -> Signals {
        Signals { wal_allowed: f64::INFINITY, ..Signals::default() }
    }

    fn seen(p99_us: u64) -> Option<Seen> {
        Some(Seen { count: 5_000, p99_us })
    }

    #[test]
    fn nothing_slows_a_calm_server_down() {
        let mut throttle = Throttle::new(0.0, seen(2_000));
        let duty = throttle.learn(&Signals { p99_us: Some(2_500), ..calm() }, TICK);
        assert_eq!(duty, Duty::Work { rest: 0.0, reason: None });
    }

    #[test]
    fn waiting_clients_make_it_rest_and_then_stop() {
        let mut throttle = Throttle::new(0.0, seen(2_000));
        let slow = Signals { p99_us: Some(3_000), ..calm() };
        let reason = Some("clients wait: p99 3.0 ms, 2.0 ms before".to_owned());
        assert_eq!(throttle.learn(&slow, TICK), Duty::Work { rest: 0.25, reason: reason.clone() });
        assert_eq!(throttle.learn(&slow, TICK), Duty::Work { rest: 0.5, reason });
        let worse = Signals { p99_us: Some(3_600), ..calm() };
        let reason = "clients wait: p99 3.6 ms, 2.0 ms before".to_owned();
        assert_eq!(throttle.learn(&worse, TICK), Duty::Stop { reason: reason.clone() });
        assert_eq!(throttle.learn(&calm(), TICK), Duty::Stop { reason: reason.clone() });
        let Duty::Work { rest, reason: Some(why) } = throttle.learn(&calm(), TICK) else {
            panic!("two calm looks let it go on");
        };
        assert_eq!(why, reason);
        assert!(rest < 1.0);
        for _ in 0..100 {
            throttle.learn(&calm(), TICK);
        }
        assert_eq!(throttle.learn(&calm(), TICK), Duty::Work { rest: 0.0, reason: None });
    }

    #[test]
    fn what_clients_see_while_it_stands_still_is_not_its_doing() {
        let mut throttle = Throttle::new(0.0, seen(2_000));
        let busy = Signals { p99_us: Some(5_000), ..calm() };
        let mut looks = 0;
        while matches!(throttle.learn(&busy, TICK), Duty::Stop { .. }) {
            looks += 1;
            assert!(looks < 100, "it stands still for ever");
        }
        assert!(looks >= 12, "the last seconds of its work must have gone by: {looks}");
        let worse = Signals { p99_us: Some(10_000), ..calm() };
        assert!(matches!(throttle.learn(&worse, TICK), Duty::Stop { .. }));
    }

    #[test]
    fn few_requests_tell_nothing() {
        let mut throttle = Throttle::new(0.0, Some(Seen { count: 10, p99_us: 1 }));
        let slow = Signals { p99_us: Some(1_000_000), ..calm() };
        assert_eq!(throttle.learn(&slow, TICK), Duty::Work { rest: 0.0, reason: None });
    }

    #[test]
    fn each_signal_has_its_own_reason() {
        let stopped = |signals: Signals| match Throttle::new(0.0, None).learn(&signals, TICK) {
            Duty::Stop { reason } => format!("stop: {reason}"),
            Duty::Work { reason, .. } => format!("slow: {}", reason.unwrap_or_default()),
        };
        for (signals, expected) in [
            (Signals { blocked: 1, ..calm() }, "slow: 1 sessions wait for its locks"),
            (Signals { blocked: 3, ..calm() }, "stop: 3 sessions wait for its locks"),
            (Signals { lag_s: 3.0, ..calm() }, "slow: a standby is 3 s behind"),
            (Signals { lag_bytes: 1 << 30, ..calm() }, "stop: a standby is 1024 MiB behind"),
            (Signals { archiver_fails: true, ..calm() }, "stop: WAL cannot be archived"),
            (
                Signals { slot_at_risk: true, ..calm() },
                "stop: a replication slot is about to lose the WAL that it needs",
            ),
            (
                Signals { wal_rate: 80.0 * MIB, wal_allowed: 100.0 * MIB, ..calm() },
                "slow: 80 MiB of WAL a second force checkpoints",
            ),
            (Signals { dead_share: 0.5, ..calm() }, "slow: vacuum is behind: 50 % dead rows"),
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
        let mut throttle = Throttle::new(0.0, None);
        let old = Signals { oldest_s: 5_000.0, ..calm() };
        let mut looks = 0;
        while matches!(throttle.learn(&old, TICK), Duty::Stop { .. }) {
            looks += 1;
            assert!(looks < 5_000, "it stands still for ever");
        }
        assert!(looks >= 1_200, "{looks} looks of half a second");
    }
}
