//! Two sessions that meet: one has done something and not committed it, the other waits for that.

use crate::server::eventually;
use crate::wire::{Reply, Wire, query};

/// What one session does and has not committed, what another sends then, and what that one is told: lines, tag, and
/// SQLSTATE.
pub type Meeting<'s> = (&'s str, &'s str, (&'s [&'s str], &'s str, &'s str));

/// Waits until a session of the looker's database waits for a lock, and no more than one.
///
/// # Panics
/// If none comes to, with `what`.
pub fn until_one_waits(what: &str, looker: &mut Wire) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(what, || looker.rows(waiting) == ["1"]);
}

/// One session does something in a transaction, and commits it once the other waits for it. Returns what that one
/// is told.
///
/// # Panics
/// If the first fails, or the other does not wait.
pub fn meet(
    (first, second): (&str, &str),
    [one, other]: [&mut Wire; 2],
    looker: &mut Wire,
) -> Reply {
    one.script(&format!("BEGIN; {first}"));
    other.send_bytes(&query(second));
    until_one_waits(second, looker);
    one.script("COMMIT");
    other.until_ready()
}

/// Lets them meet, and looks whether the other is told what it should be.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn check(
    about: &str,
    (first, second, (lines, tag, code)): Meeting<'_>,
    sessions: [&mut Wire; 2],
    looker: &mut Wire,
) {
    let reply = meet((first, second), sessions, looker);
    assert_eq!(
        (reply.lines(), reply.tags().join(" "), reply.code()),
        (lines.iter().map(ToString::to_string).collect(), tag.to_owned(), code),
        "{about}: {first}; {second}: {:?}",
        reply.error()
    );
}
