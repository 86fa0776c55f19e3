//! What must be so in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio_postgres::error::SqlState;

use crate::house::{House, MIGRATION, connect};
use crate::session::{RANGE, SESSIONS, SHARED, Session, Values, execute, id};
use crate::tables::{NOTHING, OF_THE_PAST, PAST, Parts, Shape, Tables};

/// Longest time for a comparison in the end, and for a replica that finds the journal again. Unit: attempts.
const ATTEMPTS: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    acknowledged: u64,
    in_doubt: u64,
    failed: u64,
    refused: u64,
    by_new: u64,
    rows: usize,
    epoch: i64,
    /// Empty, or the test has failed.
    pub(crate) faults: Vec<String>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, by_new, in_doubt, failed, refused, rows, epoch, .. } = self;
        write!(
            f,
            "{acknowledged} acknowledged writes ({by_new} of the new shape), {in_doubt} in doubt, {failed} \
             transactions failed and told so ({refused} refused), {rows} rows, epoch {epoch}"
        )
    }
}

/// What rows may hold, and how often those that all sessions count were counted: for certain, and perhaps.
struct Model {
    tables: Tables,
    rows: BTreeMap<u64, Values>,
    counts: BTreeMap<u64, (u64, u64)>,
}

/// What a row is found to hold: texts and counts.
type Found = BTreeMap<u64, (Parts, [Option<i64>; 2])>;

/// Compares all tables with what the sessions know.
pub(crate) async fn check(house: &House, sessions: &[Session], target: Phase) -> Proof {
    let mut proof = Proof::default();
    for session in sessions {
        proof.acknowledged += session.acknowledged;
        proof.by_new += if session.shape == Shape::New { session.acknowledged } else { 0 };
        proof.in_doubt += session.in_doubt;
        proof.failed += session.failed;
        proof.refused += session.refused;
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
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut model = Model::of(house.tables, sessions);
    for (replica, port) in house.ports().into_iter().enumerate() {
        write_the_new_shape(port, replica, target, &mut model, &mut proof.faults).await;
    }
    // Everything was copied once, and written to both sides since.
    let sides: &[Shape] = match target {
        Phase::Expand => &[Shape::Old],
        Phase::DualWrite | Phase::SwitchReads => &[Shape::Old, Shape::New],
        Phase::StopDualWrite | Phase::Contract | Phase::Backfill | Phase::Enforce => &[Shape::New],
    };
    if sides.len() == 2 {
        proof.faults.extend(verified(house).await);
    }
    for side in sides {
        let about = format!("the tables of the {side:?} shape");
        model.compare(&about, &all_rows(&direct, house.tables.all(*side)).await, &mut proof.faults);
    }
    for port in house.ports() {
        for shape in [Shape::Old, Shape::New] {
            let client = reach(port, shape).await;
            let found = all_rows(&client, house.tables.all(shape)).await;
            proof.rows = found.len();
            let about = format!("a client of the {shape:?} shape");
            model.compare(&about, &found, &mut proof.faults);
        }
    }
    let epoch = direct.query_one("SELECT epoch FROM segue.fleet", &[]).await;
    proof.epoch = epoch.expect("an epoch").get(0);
    proof
}

/// The product's own comparison must find what ours finds.
async fn verified(house: &House) -> Option<String> {
    let mut said = None;
    for _attempt in 0..ATTEMPTS {
        let verify = ["verify", MIGRATION, "--no-throttle", "--restart"];
        said = house.command(0, &verify).await;
        match said.as_ref().and_then(|it| it.status.code()) {
            Some(0) => return None,
            Some(1) => break,
            // Not all are there yet.
            Some(_) | None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    Some(format!("segue verify: {said:?}"))
}

/// A busy machine may take longer than a client waits.
async fn reach(port: u16, shape: Shape) -> tokio_postgres::Client {
    let mut said = String::new();
    for _attempt in 0..10 {
        match connect(port, shape).await {
            Ok(client) => return client,
            Err(error) => said = error,
        }
    }
    panic!("a replica does not serve: {said}")
}

/// Where clients of the new shape may write they can, and where they may not they are told so.
async fn write_the_new_shape(
    port: u16,
    replica: usize,
    target: Phase,
    model: &mut Model,
    faults: &mut Vec<String>,
) {
    let tables = model.tables;
    let client = reach(port, Shape::New).await;
    let row = RANGE * (SESSIONS + 2) + replica as u64;
    let (one, other) = (Some("one".to_owned()), Some("other".to_owned()));
    let way: &[Parts] = match tables {
        Tables::Column => &[[one, None]],
        Tables::Split => &[[one.clone(), None], [one, other]],
        Tables::Merge => &[[one, other]],
    };
    let mut held = NOTHING;
    let mut refused = false;
    for next in way {
        let statement = tables.set(Shape::New, id(row), &held, next, false);
        let mut written = execute(&client, id(row), &statement).await;
        for _attempt in 0..ATTEMPTS {
            match &written {
                Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    written = execute(&client, id(row), &statement).await;
                }
                Ok(_) | Err(_) => break,
            }
        }
        match written {
            Ok(1) => held.clone_from(next),
            Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => refused = true,
            other => faults.push(format!("{}: {other:?}", statement.sql)),
        }
    }
    if refused == tables.takes_new_writes(target) {
        let done = if refused { "refused" } else { "taken" };
        faults.push(format!("what a client of the new shape writes is {done} in \"{target}\""));
    }
    model.rows.insert(row, vec![held]);
}

/// A replica that has just come back may have to find the journal again, and says so.
async fn all_rows(client: &tokio_postgres::Client, query: &str) -> Found {
    for _attempt in 0..ATTEMPTS {
        match client.query(query, &[]).await {
            Ok(rows) => {
                let key = |row: &tokio_postgres::Row| {
                    u64::try_from(row.get::<_, i64>(0)).expect("a row's number")
                };
                let texts = |row: &tokio_postgres::Row| [row.get(1), row.get(3)];
                let counts = |row: &tokio_postgres::Row| [row.get(2), row.get(4)];
                return rows.iter().map(|row| (key(row), (texts(row), counts(row)))).collect();
            }
            Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => panic!("all rows: {error:?}"),
        }
    }
    panic!("a replica never finds the journal again")
}

impl Model {
    fn of(tables: Tables, sessions: &[Session]) -> Self {
        let past = Some(OF_THE_PAST.to_owned());
        let past = match tables {
            Tables::Column => [past, None],
            Tables::Split | Tables::Merge => [past.clone(), past],
        };
        let [first, last] = PAST;
        let mut rows: BTreeMap<u64, Values> =
            (first..=last).map(|row| (row, vec![past.clone()])).collect();
        let mut counts: BTreeMap<u64, (u64, u64)> = (1..=SHARED).map(|row| (row, (0, 0))).collect();
        for session in sessions {
            rows.extend(session.rows.iter().map(|(row, values)| (*row, values.clone())));
            for (row, (sure, perhaps)) in &session.counts {
                let (all, doubts) = counts.entry(*row).or_default();
                (*all, *doubts) = (*all + sure, *doubts + perhaps);
            }
        }
        Self { tables, rows, counts }
    }

    /// Adds what is wrong with what was found.
    fn compare(&self, about: &str, found: &Found, faults: &mut Vec<String>) {
        for (row, values) in &self.rows {
            let holds = found.get(row).map_or(&NOTHING, |(texts, _)| texts);
            if !values.contains(holds) {
                faults.push(format!("{about}: row {row} has {holds:?}, and may have {values:?}"));
            }
        }
        for row in found.iter().filter(|(_, (texts, _))| *texts == NOTHING).map(|(row, _)| row) {
            faults.push(format!("{about}: row {row} is there, with nothing in it"));
        }
        let known = |row: &u64| self.rows.contains_key(row) || self.counts.contains_key(row);
        for (row, held) in found.iter().filter(|(row, _)| !known(row)) {
            faults.push(format!("{about}: row {row} is there, and nobody wrote it: {held:?}"));
        }
        for (row, (sure, perhaps)) in &self.counts {
            let part = self.tables.counted(*row);
            let counted = found.get(row).and_then(|(texts, counts)| {
                let dots = texts.get(part)?.as_ref()?;
                Some((dots.len() as u64, u64::try_from((*counts.get(part)?)?).ok()?))
            });
            match counted {
                Some((dots, n)) if dots == n && (*sure..=sure + perhaps).contains(&n) => {}
                other => faults.push(format!(
                    "{about}: shared row {row} was counted {sure} times, {perhaps} in doubt, and has {other:?} dots and counts"
                )),
            }
        }
    }
}
