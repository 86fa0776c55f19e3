//! The journal: what all proxies of one database have agreed on, kept in that database.
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`schema`] | the tables in schema `segue`, made and brought up to date |
//! | [`state`] | reads what is agreed on, and who takes part |
//! | [`step`] | the one transaction that goes from one epoch to the next |
//! | [`rename`] | the steps that rename a column while everybody holds |
//! | [`backfill`] | how far the latest backfill of each migration is, and what is wished of it |
//! | [`range`] | the stretches of keys of that |
//! | [`verify`] | how far the comparison of each migration's rows is, and which rows were found |
//! | [`verification`] | what came of comparing rows |
//! | [`replica`] | what a replica writes of itself: that it lives, what it has drained, its sessions |
//!
//! An *epoch* is a set of migrations with their phases; each step makes the next one. It is made
//! only when every live replica has drained the one before, so the fleet is never in more than two
//! neighbouring epochs. docs/guarantees.md has the argument.

/// Of `segue.session s JOIN pg_stat_activity a ON a.pid = s.backend`: whether it is that session still.
/// Another process with its id began later, but for what clocks may differ. Whoever may not see when a
/// backend began takes it for that one.
macro_rules! is_alive {
    () => {
        "(a.backend_start IS NULL OR a.backend_start <= s.registered_at + interval '10 s')"
    };
}

/// Of `segue.replica r`: the prepared transactions `p` that may be of its sessions.
macro_rules! may_be_its_own {
    () => {
        "pg_prepared_xacts p WHERE p.database = current_database() AND p.prepared >= r.started_at"
    };
}

pub mod backfill;
pub mod range;
pub mod rename;
pub mod replica;
pub mod schema;
pub mod state;
pub mod step;
pub mod verification;
pub mod verify;

use tokio_postgres::error::SqlState;

use crate::catalog;

/// The schema that all of it is in.
pub const SCHEMA: &str = "segue";

/// The channel on which a new epoch is told (`NOTIFY`).
pub const CHANNEL: &str = "segue";

/// Why the journal could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// `segue init` was never run.
    #[error("database \"{0}\" has no journal, and migrations need one")]
    Absent(String),
    /// It was made by another version.
    #[error(
        "the journal has version {found}, and this segue works with version {}",
        schema::VERSION
    )]
    Version {
        /// The version found.
        found: i32,
    },
    /// The role may not use it.
    #[error("the journal in schema \"segue\" may not be used: {0}")]
    Denied(String),
    /// Its tables would be replicated to where they are not.
    #[error(
        "publication {0} is FOR ALL TABLES: where the journal's tables are missing, replication would stop"
    )]
    Published(String),
    /// The connection is gone, and with it whatever was under way.
    #[error("the connection to the journal broke: {0}")]
    Lost(String),
    /// The server has failed.
    #[error("the journal could not be read or written: {0}")]
    Failed(String),
}

impl JournalError {
    /// The error with what to do about it, ready to be shown.
    #[must_use]
    pub fn with_hint(&self) -> String {
        let hint = self.hint().map(|hint| format!("\n  hint: {hint}"));
        format!("{self}{}", hint.unwrap_or_default())
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Absent(_) => Some("make it once: segue init"),
            Self::Version { found } if *found < schema::VERSION => {
                Some("bring it up to date: segue init")
            }
            Self::Version { .. } => Some("a newer segue has been here: use that version"),
            Self::Denied(_) => Some(
                "run segue init again: it grants what is needed to the role of \"control\", and --as needs the same",
            ),
            Self::Published(_) => Some(
                "make them on every subscriber first (segue init --print), then: segue init --published",
            ),
            Self::Lost(_) => Some("try again"),
            Self::Failed(_) => None,
        }
    }
}

impl From<tokio_postgres::Error> for JournalError {
    fn from(error: tokio_postgres::Error) -> Self {
        let reason = catalog::reason(&error);
        match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::Denied(reason),
            Some(_) | None if catalog::is_lost(&error) => Self::Lost(reason),
            Some(_) | None => Self::Failed(reason),
        }
    }
}

impl From<catalog::NoAnswer> for JournalError {
    fn from(silence: catalog::NoAnswer) -> Self {
        Self::Failed(silence.to_string())
    }
}
