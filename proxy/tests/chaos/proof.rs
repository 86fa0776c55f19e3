//! What must be so in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio_postgres::error::SqlState;

use crate::house::{House, connect};
use crate::session::{SHARED, Session, Values, is_owned};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    acknowledged: u64,
    in_doubt: u64,
    failed: u64,
    rows: usize,
    epoch: i64,
    /// Empty, or the test has failed.
    pub(crate) faults: Vec<String>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, in_doubt, failed, rows, epoch, .. } = self;
        write!(
            f,
            "{acknowledged} acknowledged writes, {in_doubt} in doubt, {failed} transactions failed \
             and told so, {rows} rows, epoch {epoch}"
        )
    }
}

/// Compares the table with what the sessions know.
pub(crate) async fn check(house: &House, sessions: &[Session], target: Phase) -> Proof {
    let mut proof = Proof::default();
    for session in sessions {
        proof.acknowledged += session.acknowledged;
        proof.in_doubt += session.in_doubt;
        proof.failed += session.failed;
        proof.faults.extend(session.faults.iter().cloned());
    }
    let direct = house.direct().await.expect("a connection");
    // A transaction in doubt whose client is gone may still be under way.
    let quiet = "SELECT count(*) FROM pg_stat_activity
                 WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()";
    for _ in 0..500 {
        if direct.query_one(quiet, &[]).await.expect("a count").get::<_, i64>(0) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    if matches!(target, Phase::DualWrite | Phase::SwitchReads) {
        proof.faults.extend(sides_differ(&direct).await);
    }
    for port in house.ports() {
        let client = connect(port).await.expect("a replica that serves");
        proof.rows = compare(&client, sessions, &mut proof.faults).await;
    }
    let epoch = direct.query_one("SELECT epoch FROM segue.fleet", &[]).await;
    proof.epoch = epoch.expect("an epoch").get(0);
    proof
}

/// Everything was copied once, and written to both sides since.
async fn sides_differ(direct: &tokio_postgres::Client) -> Option<String> {
    let count = "SELECT count(*) FROM users WHERE handle IS DISTINCT FROM username";
    let differ: i64 = direct.query_one(count, &[]).await.expect("a count").get(0);
    (differ > 0).then(|| format!("the sides differ in {differ} rows"))
}

/// A replica that has just come back may have to find the journal again, and says so.
async fn all_rows(client: &tokio_postgres::Client) -> Vec<tokio_postgres::Row> {
    for _attempt in 0..100 {
        match client.query("SELECT id, username, n FROM users", &[]).await {
            Ok(rows) => return rows,
            Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => panic!("all rows: {error:?}"),
        }
    }
    panic!("a replica never finds the journal again")
}

async fn compare(
    client: &tokio_postgres::Client,
    sessions: &[Session],
    faults: &mut Vec<String>,
) -> usize {
    let all = all_rows(client).await;
    let mut found: BTreeMap<u64, (Option<String>, Option<i64>)> = BTreeMap::new();
    for row in &all {
        let id = u64::try_from(row.get::<_, i64>(0)).expect("a row's number");
        found.insert(id, (row.get(1), row.get(2)));
    }
    let mut known: BTreeMap<u64, &Values> = BTreeMap::new();
    for session in sessions {
        known.extend(session.rows.iter().map(|(row, values)| (*row, values)));
    }
    for (row, values) in &known {
        let value = found.get(row).and_then(|(value, _)| value.clone());
        if !values.contains(&value) {
            faults.push(format!("row {row} has {value:?}, and may have {values:?}"));
        }
    }
    for row in found.keys().filter(|row| is_owned(**row) && !known.contains_key(*row)) {
        faults.push(format!("row {row} is there, and nobody wrote it"));
    }
    for row in 1..=SHARED {
        let counts = sessions.iter().filter_map(|session| session.counts.get(&row));
        let (sure, perhaps) = counts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        let Some((Some(dots), Some(n))) = found.get(&row) else {
            faults.push(format!("shared row {row} is not there"));
            continue;
        };
        let n = u64::try_from(*n).unwrap_or_default();
        if n < sure || n > sure + perhaps || dots.len() as u64 != n {
            let dots = dots.len();
            faults.push(format!(
                "shared row {row} was counted to {n} with {dots} dots: {sure} times, {perhaps} in doubt"
            ));
        }
    }
    found.len()
}
