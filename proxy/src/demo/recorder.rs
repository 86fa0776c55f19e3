//! What happened and when: every request's latency, every error, flips and activities.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rewrite_rules::Phase;

/// Length of one point of the timeline. Unit: milliseconds.
pub(super) const INTERVAL_MS: u64 = 500;

/// Different faults that are kept to be shown; the others are only counted. Unit: faults.
const KEPT_FAULTS: usize = 8;

/// Longest latency that is told apart from longer ones. Unit: microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Something that the application did not deserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// How often the same statement failed in the same way in the same phase.
    pub(super) times: u64,
    /// The server's code, where it was the server who spoke.
    pub(super) sqlstate: Option<String>,
    /// What went wrong.
    pub(super) message: String,
    /// The application's text.
    pub(super) statement: &'static str,
}

impl Fault {
    /// A fault that happened once.
    pub(super) fn new(sqlstate: Option<String>, message: String, statement: &'static str) -> Self {
        Self { times: 1, sqlstate, message, statement }
    }
}

/// The time from one flip to the next.
#[derive(Debug, Clone)]
pub(super) struct Chapter {
    pub(super) phase: Phase,
    /// Since the start of the recording.
    pub(super) from: Duration,
    /// Unit: microseconds. Its count is the number of requests answered.
    pub(super) latency: Histogram<u64>,
    pub(super) errors: u64,
    pub(super) wrong: u64,
}

/// One point of the timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// Its end, since the start of the recording.
    pub(super) at: Duration,
    /// Requests per second.
    pub(super) rate: f64,
    pub(super) errors: u64,
    /// Unit of the latencies: microseconds.
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

/// A change of phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flip {
    pub(super) from: Phase,
    pub(super) to: Phase,
    /// When it was asked for, since the start of the recording.
    pub(super) at: Duration,
    /// From the pointer's swap until the last old transaction had ended.
    pub(super) drain: Duration,
}

/// Work on the schema or the data, between flips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) name: String,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// Everything that was recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    pub(super) chapters: Vec<Chapter>,
    pub(super) moments: Vec<Moment>,
    pub(super) flips: Vec<Flip>,
    pub(super) activities: Vec<Activity>,
    /// The first requests that ended in an error, with the phase.
    pub(super) errors: Vec<(Phase, Fault)>,
    /// The first answers that were not what they must be, with the phase.
    pub(super) wrong: Vec<(Phase, Fault)>,
    /// Rows whose state nobody could find out after an error.
    pub(super) undecided: BTreeSet<i64>,
}

/// What the live view shows of the last second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pulse {
    pub(super) rate: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    /// Of the whole recording.
    pub(super) requests: u64,
    /// Of the whole recording.
    pub(super) errors: u64,
    /// Of the whole recording.
    pub(super) wrong: u64,
}

/// Takes down what happens; shared by all workers.
#[derive(Debug)]
pub(super) struct Recorder {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    recording: Recording,
    /// The interval that is being filled, the one before it, and when the former began.
    now: Histogram<u64>,
    now_errors: u64,
    before: Histogram<u64>,
    since: Instant,
    seconds_before: f64,
}

impl Recorder {
    /// Starts recording, in `phase`.
    pub(super) fn start(phase: Phase) -> Self {
        let inner = Inner {
            recording: Recording {
                chapters: vec![Chapter::new(phase, Duration::ZERO)],
                ..Recording::default()
            },
            now: latencies(),
            now_errors: 0,
            before: latencies(),
            since: Instant::now(),
            seconds_before: 0.0,
        };
        Self { started: Instant::now(), inner: Mutex::new(inner) }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A request was answered, without an error.
    pub(super) fn answered(&self, latency: Duration) {
        self.lock().latency(latency);
    }

    /// A request ended in an error.
    pub(super) fn error(&self, latency: Duration, fault: Fault) {
        let mut inner = self.lock();
        inner.latency(latency);
        inner.now_errors += 1;
        let phase = inner.chapter().map(|chapter| {
            chapter.errors += 1;
            chapter.phase
        });
        keep(&mut inner.recording.errors, phase, fault);
    }

    /// An answer was not what it must be.
    pub(super) fn wrong(&self, fault: Fault) {
        let mut inner = self.lock();
        let phase = inner.chapter().map(|chapter| {
            chapter.wrong += 1;
            chapter.phase
        });
        keep(&mut inner.recording.wrong, phase, fault);
    }

    /// Nobody can tell what is in this row after an error.
    pub(super) fn undecided(&self, id: i64) {
        self.lock().recording.undecided.insert(id);
    }

    /// A new phase is in force.
    pub(super) fn flipped(&self, flip: Flip) {
        let mut inner = self.lock();
        inner.recording.flips.push(flip);
    }

    /// From now on requests belong to `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        let from = self.elapsed();
        self.lock().recording.chapters.push(Chapter::new(phase, from));
    }

    /// Something was done between flips, from `from` until now.
    pub(super) fn did(&self, name: &str, from: Duration) {
        let (name, to) = (name.to_owned(), self.elapsed());
        self.lock().recording.activities.push(Activity { name, from, to });
    }

    /// Ends an interval of the timeline; gives what the last two intervals looked like.
    pub(super) fn tick(&self) -> Pulse {
        let at = self.elapsed();
        let mut inner = self.lock();
        let seconds = inner.since.elapsed().as_secs_f64().max(f64::EPSILON);
        let moment = Moment {
            at,
            rate: per_second(inner.now.len(), seconds),
            errors: inner.now_errors,
            p50_us: inner.now.value_at_quantile(0.5),
            p99_us: inner.now.value_at_quantile(0.99),
            max_us: inner.now.max(),
        };
        inner.recording.moments.push(moment);
        let mut both = inner.now.clone();
        // Both were made by `latencies`, so their ranges agree.
        both.add(&inner.before).ok();
        let both_seconds = seconds + inner.seconds_before;
        inner.before = std::mem::replace(&mut inner.now, latencies());
        inner.seconds_before = seconds;
        inner.now_errors = 0;
        inner.since = Instant::now();
        let sum = |count: fn(&Chapter) -> u64| inner.recording.chapters.iter().map(count).sum();
        Pulse {
            rate: per_second(both.len(), both_seconds),
            p50_us: both.value_at_quantile(0.5),
            p99_us: both.value_at_quantile(0.99),
            requests: sum(|chapter| chapter.latency.len()),
            errors: sum(|chapter| chapter.errors),
            wrong: sum(|chapter| chapter.wrong),
        }
    }

    /// Everything recorded so far.
    pub(super) fn recording(&self) -> Recording {
        self.lock().recording.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while counting leaves counts, nothing that could be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn chapter(&mut self) -> Option<&mut Chapter> {
        self.recording.chapters.last_mut()
    }

    fn latency(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.now.saturating_record(us);
        if let Some(chapter) = self.chapter() {
            chapter.latency.saturating_record(us);
        }
    }
}

impl Chapter {
    fn new(phase: Phase, from: Duration) -> Self {
        Self { phase, from, latency: latencies(), errors: 0, wrong: 0 }
    }
}

impl Recording {
    /// Every request's latency.
    pub(super) fn all_latencies(&self) -> Histogram<u64> {
        let mut all = latencies();
        for chapter in &self.chapters {
            // All were made by `latencies`, so their ranges agree.
            all.add(&chapter.latency).ok();
        }
        all
    }

    /// Requests that ended in an error.
    pub(super) fn error_count(&self) -> u64 {
        self.chapters.iter().map(|chapter| chapter.errors).sum()
    }

    /// Answers that were not what they must be.
    pub(super) fn wrong_count(&self) -> u64 {
        self.chapters.iter().map(|chapter| chapter.wrong).sum()
    }
}

/// Keeps a fault, or counts it with one of its kind: same phase, statement and code.
fn keep(list: &mut Vec<(Phase, Fault)>, phase: Option<Phase>, fault: Fault) {
    let Some(phase) = phase else { return };
    let same = |(its_phase, its): &&mut (Phase, Fault)| {
        (*its_phase, its.statement, &its.sqlstate) == (phase, fault.statement, &fault.sqlstate)
    };
    if let Some((_, known)) = list.iter_mut().find(same) {
        known.times += 1;
    } else if list.len() < KEPT_FAULTS {
        list.push((phase, fault));
    }
}

/// An empty histogram with three significant digits, growing by itself.
fn latencies() -> Histogram<u64> {
    // The bounds are constants that the library accepts; the fallback has the same precision.
    Histogram::new_with_bounds(1, LONGEST_US, 3).unwrap_or_else(|_refused| fallback())
}

#[expect(clippy::expect_used, reason = "3 significant digits is a value that is always accepted")]
fn fallback() -> Histogram<u64> {
    Histogram::new(3).expect("three significant digits are within 0 to 5")
}

fn per_second(count: u64, seconds: f64) -> f64 {
    crate::walk::manners::rows_as_f64(count) / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Fault {
        Fault::new(Some("42703".to_owned()), "no".to_owned(), "SELECT")
    }

    #[test]
    fn requests_belong_to_the_phase_in_which_they_end() {
        let recorder = Recorder::start(Phase::Expand);
        recorder.answered(Duration::from_micros(100));
        recorder.enter(Phase::DualWrite);
        recorder.answered(Duration::from_micros(300));
        recorder.error(Duration::from_micros(900), fault());
        recorder.wrong(fault());
        let pulse = recorder.tick();
        assert_eq!((pulse.requests, pulse.errors, pulse.wrong), (3, 1, 1));
        assert_eq!(pulse.p50_us, 300);
        let recording = recorder.recording();
        let counts: Vec<_> = recording
            .chapters
            .iter()
            .map(|c| (c.phase, c.latency.len(), c.errors, c.wrong))
            .collect();
        assert_eq!(counts, [(Phase::Expand, 1, 0, 0), (Phase::DualWrite, 2, 1, 1)]);
        assert_eq!(recording.errors, [(Phase::DualWrite, fault())]);
        assert_eq!(recording.moments.len(), 1);
        assert_eq!(recording.moments[0].errors, 1);
    }

    #[test]
    fn faults_of_one_kind_are_kept_once_and_counted() {
        let recorder = Recorder::start(Phase::Expand);
        for _ in 0..100 {
            recorder.error(Duration::ZERO, fault());
        }
        let recording = recorder.recording();
        assert_eq!(recording.error_count(), 100);
        assert_eq!(recording.errors, [(Phase::Expand, Fault { times: 100, ..fault() })]);
    }
}
