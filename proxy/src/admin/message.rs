//! Requests and answers of the admin socket.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rewrite_rules::Phase;
use serde::{Deserialize, Serialize};

use crate::backfill::Order;
use crate::phase::agree::Wanted;
use crate::phase::drain::Waiting;
use crate::phase::stragglers::Ending;

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Read the configuration and the catalog again.
    Reload {
        /// A step, whether or not the file has changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<Wanted>,
        /// Why steps are to be taken whose gates are closed by what is merely risky, if they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        force: Option<String>,
        /// Who asks, for the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
        /// Why, for the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Tell what is in force.
    Status {},
    /// Hold new transactions back.
    Pause {
        /// For how long at most. Unit: milliseconds.
        timeout_ms: u64,
    },
    /// Let them go.
    Resume {},
    /// Run a backfill, and answer when it has begun.
    Backfill {
        /// What is asked for.
        order: Box<Order>,
    },
    /// End those who hold the latest flip up.
    EndStragglers {
        /// How.
        how: Ending,
    },
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The file is in force.
    Reloaded {
        /// The generation in force.
        generation: u64,
        /// What happened to the migrations, one text each.
        steps: Vec<String>,
        /// The gates that were closed and forced, and why they were closed, ready to be shown.
        #[serde(default)]
        forced: Vec<String>,
    },
    /// The file is not in force, what ran before goes on running.
    Refused {
        /// All reasons, ready to be shown.
        message: String,
    },
    /// It may be in force or not: the connection broke while it was written.
    InDoubt {
        /// What happened, ready to be shown.
        message: String,
    },
    /// What is in force.
    Status(Box<Status>),
    /// It was done.
    Done {},
    /// Those who were waited for were told to end.
    Ended {
        /// Who was told, one text each.
        signalled: Vec<String>,
        /// Who was not, and why.
        left: Vec<String>,
    },
    /// The request itself was wrong.
    Error {
        /// What was wrong with it.
        message: String,
    },
}

/// What is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Process id of the proxy.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Its configuration file.
    pub config: PathBuf,
    /// When it started. Unit: milliseconds since the epoch.
    pub started_at_ms: u64,
    /// Number of the generation in force.
    pub generation: u64,
    /// The epoch of the journal in which this proxy lives, if it is in a fleet.
    #[serde(default)]
    pub epoch: Option<i64>,
    /// The migrations in force.
    pub migrations: Vec<Migration>,
    /// The latest flip that changed a migration.
    pub flip: Flip,
    /// How new transactions are being held back, if they are.
    pub hold: Option<Hold>,
    /// Sessions that are connected.
    pub sessions: usize,
    /// How long the requests of clients of the governed database took.
    #[serde(default)]
    pub latency: Latency,
    /// What sessions have done since the start.
    pub counters: BTreeMap<String, u64>,
}

/// How long requests took lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// In the last 5 s, up to 1 s more.
    pub last_5s: Took,
    /// In the last 60 s, up to 1 s more.
    pub last_60s: Took,
}

/// How long requests took. At most 3.2 % more than they really did; all 0 without requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Took {
    /// How far back it was looked; less than it says when the proxy is younger. Unit: milliseconds.
    pub over_ms: u64,
    /// Requests that were answered meanwhile.
    pub count: u64,
    /// Half of them took no longer. Unit: microseconds.
    pub p50_us: u64,
    /// 99 % of them took no longer. Unit: microseconds.
    pub p99_us: u64,
    /// None of them took longer. Unit: microseconds.
    pub max_us: u64,
}

/// New transactions are being held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when. Unit: milliseconds since the epoch.
    pub since_ms: u64,
    /// When they go on by themselves. Unit: milliseconds since the epoch.
    pub until_ms: u64,
    /// Sessions whose next transaction waits.
    pub held: usize,
    /// Who is still in a transaction that began before, longest first.
    pub under_way: Vec<Waiting>,
}

/// One migration in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it changes, for humans: `users.username -> handle`, `users.seen_at = coalesce(a, b)`.
    pub change: String,
    /// Where it stands.
    pub phase: Phase,
    /// Whether there is one column only, which is renamed itself.
    #[serde(default)]
    pub in_place: bool,
}

/// The latest flip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// The generation that it put in force.
    pub generation: u64,
    /// When new transactions began to use it. Unit: milliseconds since the epoch.
    pub swapped_at_ms: u64,
    /// When the last transaction of an older generation had ended, if it has. Unit: milliseconds
    /// since the epoch.
    pub drained_at_ms: Option<u64>,
    /// Who is waited for, if anybody.
    pub waiting: Vec<Waiting>,
    /// What keeps the proxy from asking the server, if anything.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_one_small_object() {
        for (text, expected) in [
            (
                r#"{"command":"reload"}"#,
                Some(Request::Reload { step: None, force: None, who: None, why: None }),
            ),
            (
                r#"{"command":"reload","step":{"migration":"m","phase":"contract"},"force":"known"}"#,
                Some(Request::Reload {
                    step: Some(Wanted {
                        migration: "m".to_owned(),
                        phase: Phase::Contract,
                        from: None,
                        epoch: None,
                    }),
                    force: Some("known".to_owned()),
                    who: None,
                    why: None,
                }),
            ),
            (r#"{"command":"status"}"#, Some(Request::Status {})),
            (r#"{"command":"pause","timeout_ms":1}"#, Some(Request::Pause { timeout_ms: 1 })),
            (r#"{"command":"resume"}"#, Some(Request::Resume {})),
            (
                r#"{"command":"end-stragglers","how":"cancel"}"#,
                Some(Request::EndStragglers { how: Ending::Cancel }),
            ),
            (r#"{"command":"stop"}"#, None),
            (r#"{"command":"reload","force":true}"#, None),
            ("reload", None),
        ] {
            assert_eq!(serde_json::from_str(text).ok(), expected, "{text}");
        }
    }
}
