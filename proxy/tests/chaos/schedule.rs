//! What happens to processes and connections, and when.

use std::fmt;
use std::time::Duration;

use rewrite_rules::Phase;
use rustix::process::Signal;

use crate::house::{House, MIGRATION};
use crate::random::Random;
use crate::tables::Tables;

/// Events of a schedule.
const EVENTS: u64 = 7;

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// SIGKILL; a supervisor starts it again after so many milliseconds.
    Kill { replica: usize, away_ms: u64 },
    /// SIGSTOP, and SIGCONT after so many milliseconds.
    Freeze { replica: usize, for_ms: u64 },
    /// The server loses a process and recovers.
    Crash,
    /// A client's connection to the server is cut after so many bytes.
    CutSession { replica: usize, bytes: u64 },
    /// A connection of the control plane is.
    CutControl { replica: usize, bytes: u64 },
    /// The control plane hears nothing for so many milliseconds.
    StallControl { replica: usize, for_ms: u64 },
    /// Its file is broken for so many milliseconds.
    BreakFile { replica: usize, for_ms: u64 },
    /// Somebody copies, and is killed at that place for the so many-th time, if it is come to.
    Copy { replica: usize, killed_at: &'static str, times: u64 },
    /// Somebody compares, perhaps mends the new side, and is killed likewise.
    Verify { replica: usize, fixes: bool, killed_at: &'static str, times: u64 },
}

/// Places of a copy and of a comparison; at the last one nobody is killed.
const COPY: [&str; 6] = [
    "backfill-pass-begun",
    "backfill-window-opened",
    "backfill-copied",
    "backfill-committed",
    "backfill-window-closed",
    "",
];
const VERIFY: [&str; 5] =
    ["verify-begun", "verify-compared", "verify-written", "verify-mended", ""];

#[derive(Debug)]
pub(crate) struct Schedule {
    /// Each with the pause before it. Unit: milliseconds.
    events: Vec<(u64, Event)>,
    /// Where the fleet is sent in the end, and by way of which phase.
    pub(crate) target: Phase,
    pub(crate) detour: Phase,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<String> =
            self.events.iter().map(|(pause, event)| format!("+{pause} {event:?}")).collect();
        let Self { target, detour, .. } = self;
        write!(f, "by way of \"{detour}\" to \"{target}\": {}", events.join(", "))
    }
}

impl Schedule {
    /// The kinds take turns, and each comes to every target before it comes to one again.
    pub(crate) fn new(seed: u64, random: &mut Random) -> Self {
        let events = (0..EVENTS).map(|_| (200 + random.below(1_000), event(random))).collect();
        let target = phase(seed / Tables::KINDS);
        let detour = if random.percent(50) { phase(random.below(5)) } else { target };
        Self { events, target, detour }
    }

    /// Lets it all happen; what lasts for a while goes on beside what comes next.
    pub(crate) async fn play(&self, house: &House) {
        let mut pause = Duration::ZERO;
        let lasting = self.events.iter().map(|(before, event)| {
            pause += Duration::from_millis(*before);
            let begin = pause;
            async move {
                tokio::time::sleep(begin).await;
                happen(*event, house).await;
            }
        });
        futures_util::future::join_all(lasting).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn phase(number: u64) -> Phase {
    let [expand, dual_write, switch_reads, stop_dual_write, contract] = Phase::TWO_SIDED;
    match number % 5 {
        0 => expand,
        1 => dual_write,
        2 => switch_reads,
        3 => stop_dual_write,
        _ => contract,
    }
}

fn event(random: &mut Random) -> Event {
    let replica = usize::try_from(random.below(2)).unwrap_or_default();
    // More and less than a lease, which is a second.
    let for_ms = 300 + random.below(2_500);
    match random.below(18) {
        0..3 => Event::Kill { replica, away_ms: random.below(2_500) },
        3..5 => Event::Freeze { replica, for_ms },
        5 => Event::Crash,
        6..8 => Event::CutSession { replica, bytes: random.below(20_000) },
        8 => Event::CutControl { replica, bytes: random.below(20_000) },
        9..11 => Event::StallControl { replica, for_ms },
        11 => Event::BreakFile { replica, for_ms },
        12..15 => {
            Event::Copy { replica, killed_at: place(&COPY, random), times: 1 + random.below(3) }
        }
        _ => Event::Verify {
            replica,
            fixes: random.percent(50),
            killed_at: place(&VERIFY, random),
            times: 1 + random.below(3),
        },
    }
}

fn place(places: &[&'static str], random: &mut Random) -> &'static str {
    let count = u64::try_from(places.len()).unwrap_or(1);
    let chosen = usize::try_from(random.below(count)).unwrap_or_default();
    places.get(chosen).copied().unwrap_or_default()
}

async fn happen(event: Event, house: &House) {
    let for_a_while = |ms| tokio::time::sleep(Duration::from_millis(ms));
    match event {
        Event::Kill { replica, away_ms } => {
            let replica = house.replica(replica);
            replica.kill();
            for_a_while(away_ms).await;
            replica.start_if_dead();
        }
        Event::Freeze { replica, for_ms } => {
            let replica = house.replica(replica);
            replica.signal(Signal::STOP);
            for_a_while(for_ms).await;
            replica.signal(Signal::CONT);
        }
        Event::Crash => house.crash_server().await,
        Event::CutSession { replica, bytes } => house.replica(replica).upstream.cut_after(bytes),
        Event::CutControl { replica, bytes } => house.replica(replica).control.cut_after(bytes),
        Event::StallControl { replica, for_ms } => {
            let control = &house.replica(replica).control;
            control.stop_up();
            for_a_while(for_ms).await;
            control.open();
        }
        Event::BreakFile { replica, for_ms } => {
            house.break_file(replica, Duration::from_millis(for_ms)).await;
        }
        // What becomes of either depends on the phase, and on what else happens.
        Event::Copy { replica, killed_at, times } => {
            let copy = ["backfill", MIGRATION, "--no-throttle"];
            house.killed_at(&format!("{killed_at}:{times}"), replica, &copy).await;
        }
        Event::Verify { replica, fixes, killed_at, times } => {
            let verify = ["verify", MIGRATION, "--no-throttle", "--fix", "new"];
            let verify = verify.get(..if fixes { 5 } else { 3 }).unwrap_or_default();
            house.killed_at(&format!("{killed_at}:{times}"), replica, verify).await;
        }
    }
}
