//! An operator who goes forward and back, keeps to the rules, and tries again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rewrite_rules::Phase;

use crate::house::{House, LAGGING, MIGRATION};
use crate::random::Random;
use crate::tables::Tables;

/// Longest time for the last steps. Unit: seconds.
const PATIENCE_S: u64 = 300;

/// Takes random steps until it is over. Gives how many were taken.
pub(crate) async fn walk(house: Arc<House>, mut random: Random, over: Arc<AtomicBool>) -> usize {
    let mut taken = 0;
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(50 + random.below(300))).await;
        let Some(phase) = house.phase().await else { continue };
        let forward = random.percent(60);
        let to = if forward {
            phase.next_of(&Phase::TWO_SIDED)
        } else {
            phase.previous_of(&Phase::TWO_SIDED)
        };
        let replica = usize::try_from(random.below(2)).unwrap_or_default();
        if let Some(to) = to
            && step(&house, replica, to).await
        {
            taken += 1;
        }
    }
    taken
}

/// Takes all steps to `target`, and waits until every replica is there. Gives how many.
pub(crate) async fn send_to(house: &House, target: Phase) -> usize {
    let mut taken = 0;
    let mut replica = 0;
    let sending = async {
        loop {
            match house.phase().await {
                Some(phase) if phase == target && house.all_are_there().await => return,
                Some(phase) if phase == target => {}
                Some(phase) => {
                    let to = if target > phase {
                        phase.next_of(&Phase::TWO_SIDED)
                    } else {
                        phase.previous_of(&Phase::TWO_SIDED)
                    };
                    if let Some(to) = to
                        && step(house, replica, to).await
                    {
                        taken += 1;
                    }
                    replica = 1 - replica;
                }
                None => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(PATIENCE_S), sending).await.is_err() {
        let (phase, status) = (house.phase().await, house.command(0, &["status"]).await);
        panic!("not in \"{target}\": {phase:?}\n{status:?}\n{}\n{}", house.log(0), house.log(1));
    }
    taken
}

/// Copies in the direction of the phase, once it has drained: from then on both sides agree.
pub(crate) async fn copy(house: &House, phase: Phase) {
    let to = match phase {
        Phase::DualWrite => Phase::SwitchReads,
        Phase::SwitchReads => Phase::DualWrite,
        Phase::Expand
        | Phase::StopDualWrite
        | Phase::Contract
        | Phase::Backfill
        | Phase::Enforce => return,
    };
    for _ in 0..100 {
        if prepare(house, 0, to).await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing can be copied in \"{phase}\"");
}

/// Takes one step by a replica's command, after what must be done before it.
async fn step(house: &House, replica: usize, to: Phase) -> bool {
    if prepare(house, replica, to).await.is_none() {
        return false;
    }
    let _turn = house.replica(replica).file.lock().await;
    let arguments = ["phase", MIGRATION, to.name(), "--drain-timeout", "3s"];
    let output = house.command(replica, &arguments).await;
    output.is_some_and(|output| output.status.success())
}

/// What the gate of a step to `to` asks for: the side that will be read is filled.
async fn prepare(house: &House, replica: usize, to: Phase) -> Option<()> {
    let (fill, analyze) = match house.tables {
        Tables::Column => (in_one_statement(house, to).await, "ANALYZE users"),
        Tables::Split => (by_command(house, replica, to).await, "ANALYZE users, profiles"),
        Tables::Merge => (by_command(house, replica, to).await, "ANALYZE mail, push, prefs"),
    };
    fill?;
    house.direct().await.ok()?.batch_execute(analyze).await.ok()
}

/// As an operator does it.
async fn by_command(house: &House, replica: usize, to: Phase) -> Option<()> {
    let turns = matches!(
        (house.phase().await?, to),
        (Phase::DualWrite, Phase::SwitchReads) | (Phase::SwitchReads, Phase::DualWrite)
    );
    if !turns {
        return Some(());
    }
    let copied = house.command(replica, &["backfill", MIGRATION, "--no-throttle"]).await?;
    copied.status.success().then_some(())
}

/// At once. The journal is held meanwhile, so that no step that is still under way comes in between.
async fn in_one_statement(house: &House, to: Phase) -> Option<()> {
    let mut client = house.direct().await.ok()?;
    let transaction = client.transaction().await.ok()?;
    transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await.ok()?;
    let held = "SELECT FROM segue.fleet FOR SHARE";
    transaction.batch_execute(held).await.ok()?;
    let query = format!("SELECT phase FROM segue.migration WHERE NOT EXISTS ({LAGGING})");
    let row = transaction.query_opt(&query, &[]).await.ok()??;
    let from: Phase = row.get::<_, String>(0).parse().ok()?;
    let fill = match (from, to) {
        (Phase::DualWrite, Phase::SwitchReads) => {
            "UPDATE users SET handle = username WHERE handle IS DISTINCT FROM username"
        }
        (Phase::SwitchReads, Phase::DualWrite) => {
            "UPDATE users SET username = handle WHERE username IS DISTINCT FROM handle"
        }
        (_, _) => "",
    };
    transaction.batch_execute(fill).await.ok()?;
    transaction.commit().await.ok()
}
