//! Two replicas, sixteen sessions, an operator who goes forward and back, and everything that can
//! happen to processes and connections meanwhile: while a column is renamed, a table is split, or two
//! are merged, with clients of the old shape and of the new one. In the end every acknowledged write is there,
//! nothing else is but what was in doubt, the sides agree, and the fleet is where it was sent.
//!
//! `SEGUE_CHAOS_SCHEDULES` says how many schedules are played, `SEGUE_CHAOS_SEED` which is the first:
//! a seed is always the same schedule, though not the same interleaving. Every third is of the same kind.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod house;
mod operator;
mod proof;
mod random;
mod schedule;
mod session;
mod tables;
mod valve;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use house::House;
use random::Random;
use schedule::Schedule;
use session::{SESSIONS, Session};
use tables::Tables;

/// Schedules in an ordinary run.
const SCHEDULES: u64 = 15;

/// Schedules that are played beside each other: each waits most of its time.
const TOGETHER: usize = 4;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} is {text}: {error}")))
}

#[test]
fn whatever_happens_nothing_is_lost() {
    let first = setting("SEGUE_CHAOS_SEED").unwrap_or(1);
    let count = setting("SEGUE_CHAOS_SCHEDULES").unwrap_or(SCHEDULES);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let playing = futures_util::stream::iter(first..first + count);
        let playing = playing.for_each_concurrent(TOGETHER, |seed| async move {
            println!("seed {seed}: {}", play(seed).await);
        });
        playing.await;
    });
}

/// Plays one schedule. Gives what it came to, in a line.
async fn play(seed: u64) -> String {
    let mut random = Random::new(seed);
    let schedule = Schedule::new(seed, &mut random);
    let tables = Tables::of(seed);
    println!("seed {seed}, {tables}, {schedule}");
    let house = Arc::new(House::start(tables).await);
    let (over, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|number| {
            let session = Session::new(number, tables, random.fork(), house.ports());
            tokio::spawn(session.run(Arc::clone(&stop)))
        })
        .collect();
    let operator =
        tokio::spawn(operator::walk(Arc::clone(&house), random.fork(), Arc::clone(&over)));
    schedule.play(&house).await;
    over.store(true, Ordering::SeqCst);
    let walked = operator.await.expect("the operator");
    house.heal().await;
    let target = schedule.target;
    // The clients go on while the fleet is sent to its target, by way of another phase.
    let steps = operator::send_to(&house, schedule.detour).await;
    let steps = steps + operator::send_to(&house, target).await;
    operator::copy(&house, target).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::SeqCst);
    let mut ended = Vec::new();
    for session in sessions {
        ended.push(session.await.expect("a session"));
    }
    let proof = proof::check(&house, &ended, target).await;
    let happened = if proof.faults.is_empty() { String::new() } else { house.account().await };
    let house = Arc::into_inner(house).expect("nobody is left in the house");
    house.stop().await;
    assert_eq!(proof.faults, [] as [String; 0], "seed {seed}, {tables}\n{happened}");
    format!("{tables}, {proof}; {walked} steps, {steps} more to \"{target}\"")
}
