//! The one transaction that goes from one epoch to the next.
//!
//! Whoever takes a step holds the row of the fleet, then those of all replicas, and only then looks
//! whether the step may be taken: no replica can join, register a session or acknowledge meanwhile.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use tokio_postgres::{Client, Transaction};

use super::state::{self, Frozen, Replica, State};
use super::{CHANNEL, JournalError};

/// Who asks for something, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// User and machine, or what else asked.
    pub who: String,
    /// The reason that was given.
    pub why: Option<String>,
}

impl Cause {
    /// The file at `path` on machine `host` asks for it.
    #[must_use]
    pub fn of_file(path: &str, host: &str) -> Self {
        Self { who: format!("file \"{path}\" on \"{host}\""), why: None }
    }
}

/// What a step does to one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The phase before; `None` if it begins.
    pub from: Option<Phase>,
    /// What it is from now on, and its phase; `None` if it ends.
    pub to: Option<(Change, Phase)>,
    /// What was in the way and was overruled.
    pub forced: Option<String>,
}

/// Why a step was not taken. Nothing has changed then, but for [`StepError::InDoubt`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StepError {
    /// Another replica has taken a step meanwhile.
    #[error("the fleet has gone on to epoch {0} meanwhile")]
    Moved(i64),
    /// Nothing may be flipped.
    #[error("the fleet is frozen by {}{}", .0.by, because(.0))]
    Frozen(Frozen),
    /// Some replica has not drained the epoch before.
    #[error("not all replicas have drained epoch {epoch}: {}", listed(.lagging))]
    Lagging {
        /// The epoch in force.
        epoch: i64,
        /// Who has not.
        lagging: Vec<Replica>,
    },
    /// A column is being renamed.
    #[error("migration \"{0}\" is being renamed just now")]
    Held(String),
    /// Not everybody had come to rest in time.
    #[error("clients were held back for as long as they may be, and some were not done")]
    HoldOver,
    /// Something holds a lock on the table for too long.
    #[error("the table could not be locked: {0}")]
    Locked(String),
    /// This replica is no longer counted.
    #[error("this replica was counted out, and must join again")]
    Expelled,
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The connection broke while the step was committed.
    #[error("the connection broke while the step was written ({0}): it may be in force or not")]
    InDoubt(String),
}

impl StepError {
    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Moved(_) | Self::Expelled | Self::Held(_) | Self::HoldOver => Some("try again"),
            Self::Locked(_) => Some("see pg_locks; end what holds it, then try again"),
            Self::Frozen(_) => Some("segue unfreeze lets it go on"),
            Self::Lagging { .. } => {
                Some("segue status shows all replicas; try again when they have")
            }
            Self::InDoubt(_) => Some("the journal knows: see segue status"),
            Self::Journal(error) => error.hint(),
        }
    }

    /// Whether another connection would help, and nothing has changed for certain.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Lost(_)))
    }

    /// The error with what to do about it, ready to be shown.
    #[must_use]
    pub fn with_hint(&self) -> String {
        let hint = self.hint().map(|hint| format!("\n  hint: {hint}"));
        format!("{self}{}", hint.unwrap_or_default())
    }
}

fn because(frozen: &Frozen) -> String {
    frozen.why.as_ref().map_or(String::new(), |why| format!(" ({why})"))
}

fn listed(replicas: &[Replica]) -> String {
    replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<tokio_postgres::Error> for StepError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Journal(error.into())
    }
}

/// So that a connection that is cut off in the middle of a step keeps no other replica from writing
/// that it lives.
const SETTINGS: &str = "SET LOCAL lock_timeout = '5s'; \
                        SET LOCAL idle_in_transaction_session_timeout = '2s'";

/// Goes from `epoch` to the next one.
///
/// Cancel safety: the step is taken or not; see who is in force.
///
/// # Errors
/// See [`StepError`].
pub async fn take(
    client: &mut Client,
    replica: &str,
    epoch: i64,
    changes: &[Entry],
    cause: &Cause,
) -> Result<i64, StepError> {
    let transaction = client.transaction().await?;
    let state = may_be_taken(&transaction, replica, epoch).await?;
    if let Some(hold) = state.hold {
        return Err(StepError::Held(hold.migration));
    }
    let next = epoch.saturating_add(1);
    write(&transaction, next, changes, cause).await?;
    commit(transaction).await?;
    Ok(next)
}

/// Whether a step could be taken from `epoch`: everybody has drained it. Who is dead is counted out, so that
/// it cannot come back in an earlier epoch. Gives the epoch.
///
/// Cancel safety: they are counted out or not.
///
/// # Errors
/// See [`StepError`].
pub async fn all_have_drained(
    client: &mut Client,
    replica: &str,
    epoch: i64,
) -> Result<i64, StepError> {
    let transaction = client.transaction().await?;
    may_be_taken(&transaction, replica, epoch).await?;
    commit(transaction).await?;
    Ok(epoch)
}

/// The replicas that have not drained `epoch`, once who is dead among them is counted out. Nothing else might
/// do so for long: the next step does, and that may have to wait for what asks here.
///
/// Cancel safety: they are counted out or not.
///
/// # Errors
/// The server, or the way to it.
pub async fn lagging(client: &mut Client, epoch: i64) -> Result<Vec<Replica>, JournalError> {
    let lagging = state::lagging(&*client, epoch).await?;
    if lagging.is_empty() {
        return Ok(lagging);
    }
    let transaction = client.transaction().await?;
    lock(&transaction).await?;
    expel_the_dead(&transaction).await?;
    let lagging = state::lagging(&transaction, epoch).await?;
    transaction.commit().await?;
    Ok(lagging)
}

pub(super) async fn commit(transaction: Transaction<'_>) -> Result<(), StepError> {
    if transaction.client().is_closed() {
        // Nobody has asked the server to commit, so it has not.
        let ended = "the server has ended it before the step was written";
        return Err(JournalError::Lost(ended.to_owned()).into());
    }
    let done = transaction.commit().await;
    done.map_err(|error| StepError::InDoubt(crate::catalog::reason(&error)))
}

pub(super) async fn may_be_taken(
    transaction: &Transaction<'_>,
    replica: &str,
    epoch: i64,
) -> Result<State, StepError> {
    lock(transaction).await?;
    let state = state::read(transaction).await?;
    if state.epoch != epoch {
        return Err(StepError::Moved(state.epoch));
    }
    may_still_take(transaction, &state, replica).await?;
    Ok(state)
}

/// Whether the epoch of `state` may be left by `replica`, under the locks of [`lock`].
pub(super) async fn may_still_take(
    transaction: &Transaction<'_>,
    state: &State,
    replica: &str,
) -> Result<(), StepError> {
    let replicas = may_go_on(transaction, state).await?;
    match replicas.iter().any(|known| known.id == replica) {
        true => Ok(()),
        false => Err(StepError::Expelled),
    }
}

/// Whether the epoch of `state` may be left, under the locks of [`lock`]. Gives all replicas.
pub(super) async fn may_go_on(
    transaction: &Transaction<'_>,
    state: &State,
) -> Result<Vec<Replica>, StepError> {
    if let Some(frozen) = &state.frozen {
        return Err(StepError::Frozen(frozen.clone()));
    }
    expel_the_dead(transaction).await?;
    let replicas = state::replicas(transaction).await?;
    let epoch = state.epoch;
    let lagging: Vec<Replica> =
        replicas.iter().filter(|known| known.acknowledged < epoch).cloned().collect();
    if lagging.is_empty() { Ok(replicas) } else { Err(StepError::Lagging { epoch, lagging }) }
}

/// Takes the row of the fleet and those of all replicas, always in that order.
pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    transaction.batch_execute(SETTINGS).await?;
    let rows = "SELECT FROM segue.fleet FOR UPDATE;
                SELECT FROM segue.replica WHERE expelled_at IS NULL ORDER BY id FOR UPDATE";
    transaction.batch_execute(rows).await
}

/// Counts out whose lease is over and of whose sessions none is left on the server. A process that
/// was merely stopped, or cut off, cannot have any again: each is registered before it is used, and
/// of whoever is counted out none is registered. A prepared transaction has outlived its session, and
/// nobody can tell whose it was.
async fn expel_the_dead(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    let dead = concat!(
        "UPDATE segue.replica r SET expelled_at = clock_timestamp()
         WHERE r.expelled_at IS NULL AND r.heartbeat + r.lease < clock_timestamp()
           AND NOT EXISTS (
               SELECT FROM segue.session s JOIN pg_stat_activity a ON a.pid = s.backend
               WHERE s.replica = r.id AND ",
        is_alive!(),
        ") AND NOT EXISTS (SELECT FROM ",
        may_be_its_own!(),
        ")"
    );
    transaction.batch_execute(dead).await?;
    let leftovers = "
        DELETE FROM segue.session s USING segue.replica r
        WHERE s.replica = r.id AND r.expelled_at IS NOT NULL;
        DELETE FROM segue.replica WHERE expelled_at < clock_timestamp() - interval '30 days'";
    transaction.batch_execute(leftovers).await
}

pub(super) async fn write(
    transaction: &Transaction<'_>,
    epoch: i64,
    changes: &[Entry],
    cause: &Cause,
) -> Result<(), StepError> {
    transaction.execute("UPDATE segue.fleet SET epoch = $1", &[&epoch]).await?;
    for Entry { name, from, to, forced } in changes {
        let from = from.map(Phase::name);
        let action = match (from, to) {
            (None, _) => "start",
            (_, None) => "end",
            (Some(from), Some((_, to))) if from == to.name() => "change",
            (Some(_), Some(_)) => "flip",
        };
        match to {
            Some((change, phase)) => {
                let definition = serde_json::to_string(change)
                    .map_err(|error| JournalError::Failed(error.to_string()))?;
                let upsert = "
                    INSERT INTO segue.migration (name, definition, phase, epoch)
                    VALUES ($1, $2::text::jsonb, $3, $4)
                    ON CONFLICT (name) DO UPDATE
                    SET definition = EXCLUDED.definition, phase = EXCLUDED.phase,
                        epoch = EXCLUDED.epoch, since = clock_timestamp()";
                let phase = phase.name();
                transaction.execute(upsert, &[name, &definition, &phase, &epoch]).await?;
            }
            None => {
                transaction.execute("DELETE FROM segue.migration WHERE name = $1", &[name]).await?;
            }
        }
        let to = to.as_ref().map(|(_, phase)| phase.name());
        let insert = "
            INSERT INTO segue.history (epoch, migration, from_phase, to_phase, action, who, why, forced)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&epoch, name, &from, &to, &action, &cause.who, &cause.why, forced];
        transaction.execute(insert, &values).await?;
    }
    transaction.batch_execute(&format!("NOTIFY {CHANNEL}, '{epoch}'")).await?;
    Ok(())
}

/// Freezes the fleet, or lets it go on. Returns whether that changed anything.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The journal cannot be used.
pub async fn freeze(
    client: &mut Client,
    frozen: bool,
    cause: &Cause,
) -> Result<bool, JournalError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(SETTINGS).await?;
    let set = "UPDATE segue.fleet
        SET frozen_at = CASE WHEN $1 THEN clock_timestamp() END,
            frozen_by = CASE WHEN $1 THEN $2 END, frozen_why = CASE WHEN $1 THEN $3 END
        WHERE (frozen_at IS NOT NULL) <> $1 RETURNING epoch";
    let changed = transaction.query_opt(set, &[&frozen, &cause.who, &cause.why]).await?;
    if let Some(row) = &changed {
        let epoch: i64 = row.try_get(0)?;
        let action = if frozen { "freeze" } else { "unfreeze" };
        let insert = "INSERT INTO segue.history (epoch, action, who, why) VALUES ($1, $2, $3, $4)";
        transaction.execute(insert, &[&epoch, &action, &cause.who, &cause.why]).await?;
    }
    transaction.commit().await?;
    Ok(changed.is_some())
}

impl Entry {
    /// The changes that lead from one set of rules to another.
    #[must_use]
    pub fn between(old: &[Rule], new: &[Rule]) -> Vec<Self> {
        let find = |rules: &[Rule], name: &str| rules.iter().find(|it| it.name == name).cloned();
        let mut changes = Vec::new();
        for rule in new {
            let before = find(old, &rule.name);
            if before.as_ref() == Some(rule) {
                continue;
            }
            changes.push(Self {
                name: rule.name.clone(),
                from: before.map(|before| before.phase),
                to: Some((rule.change.clone(), rule.phase)),
                forced: None,
            });
        }
        for rule in old.iter().filter(|rule| find(new, &rule.name).is_none()) {
            let name = rule.name.clone();
            changes.push(Self { name, from: Some(rule.phase), to: None, forced: None });
        }
        changes
    }
}
