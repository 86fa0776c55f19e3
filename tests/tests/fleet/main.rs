//! Several proxies on one database: they are never more than one step apart, and nobody serves who
//! cannot know where the others are.

mod leases;
mod renames;
mod starts;
mod steps;

use rewrite_rules::Phase;
use segue::journal::step::StepError;
use segue::phase::agree::Wanted;
use segue::phase::wish::{ReloadError, Wish};
use segue_tests::proxy::{Proxy, Replica, rename_username};
use segue_tests::server::{Database, alone, eventually};

/// Ready for all phases: both columns are there and equal, nothing is in the way of a step.
const DDL: &str = "CREATE TABLE users (id bigint PRIMARY KEY, username text, handle text);
    CREATE TABLE others (id bigint PRIMARY KEY);
    INSERT INTO users SELECT g, 'user' || g, 'user' || g FROM generate_series(1, 100) g;
    ANALYZE users;";

/// A step, asked for as a command does; the file stays as it is.
fn step(proxy: &Proxy, phase: Phase) -> Result<u64, ReloadError> {
    step_from(proxy, None, phase)
}

/// The same, asked for when the fleet was in `from`.
fn step_from(proxy: &Proxy, from: Option<Phase>, phase: Phase) -> Result<u64, ReloadError> {
    step_asked(proxy, (from, None), phase)
}

/// The same, in that epoch.
fn step_asked(
    proxy: &Proxy,
    (from, epoch): (Option<Phase>, Option<i64>),
    phase: Phase,
) -> Result<u64, ReloadError> {
    let wanted = Wanted { migration: "rename-username".to_owned(), phase, from, epoch };
    let wish = Wish { step: Some(wanted), ..Wish::default() };
    proxy.ask(wish).map(|reloaded| reloaded.generation)
}

/// A step that must be taken; on a busy machine a replica may be too late for it at first.
#[track_caller]
fn taken(proxy: &Proxy, phase: Phase) {
    let mut late = 0;
    while let Err(error) = step(proxy, phase) {
        let is_late = matches!(&error, ReloadError::Fleet { error: StepError::Lagging { .. } });
        late += 1;
        assert!(is_late && late < 5, "{phase}: {error}");
    }
}

/// A step that must be taken, by all.
#[track_caller]
fn step_of_all(proxy: &Proxy, all: &[&Proxy], phase: Phase) {
    taken(proxy, phase);
    for other in all {
        eventually("all follow", || other.phase() == Some(phase));
    }
    all_have_drained(proxy);
}

/// Waits until no replica has anything left to drain.
fn all_have_drained(proxy: &Proxy) {
    let lagging = "SELECT count(*) FROM segue.replica, segue.fleet
                   WHERE expelled_at IS NULL AND acknowledged < epoch";
    let mut direct = proxy.database().connect();
    eventually("all have drained", || direct.rows(lagging) == ["0"]);
}

/// What is in the journal, a row as one text.
fn journal(database: &Database, query: &str) -> Vec<String> {
    database.connect().rows(query)
}

/// Two proxies in `expand`, of a lease of a second.
fn two(database: &Database) -> (Proxy, Proxy) {
    let replica = Replica { lease: Some("1s"), ..Replica::default() };
    segue_tests::proxy::forget_the_fleet(database);
    let first = Proxy::join(database, &rename_username(Phase::Expand), replica);
    let second = Proxy::join(database, &rename_username(Phase::Expand), replica);
    all_have_drained(&first);
    (first, second)
}
