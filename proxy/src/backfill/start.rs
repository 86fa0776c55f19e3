//! Whether a backfill may begin, and what there is of an earlier one.

use std::collections::BTreeSet;
use std::sync::Arc;

use rewrite_rules::catalog::RelationName;
use tokio_postgres::Client;

use super::batch::Claim;
use super::order::Order;
use super::{BackfillError, batch, pass, privileges};
use crate::catalog;
use crate::config::ControlUrl;
use crate::journal::backfill::{self, Begin, Job};
use crate::journal::{state, step};
use crate::walk::want::Cure;
use crate::walk::{Part, Work};

/// A backfill that may begin.
pub(super) struct Started {
    /// The job's own connection, which holds the lock that keeps others out.
    pub(super) client: Client,
    pub(super) claim: Claim,
    pub(super) work: Arc<Work>,
    /// What passes and ranges mean.
    pub(super) plan: String,
    pub(super) job: Job,
    pub(super) goes_on: bool,
    pub(super) notes: Vec<String>,
}

/// Advisory locks of backfills: "back" in ASCII, and a hash of the migration's name.
const LOCK_CLASS: i32 = 0x62_61_63_6b;

/// Connects, looks whether everything is as it must be, and takes the job over.
///
/// Cancel safety: the job is taken over or not; the lock goes with the connection.
pub(super) async fn start(
    control: &ControlUrl,
    order: &Order,
    runner: &str,
    (anew, keeps_wish): (bool, bool),
) -> Result<Started, BackfillError> {
    let mut client = catalog::connect(control).await?;
    client.batch_execute("SET application_name = 'segue backfill'").await?;
    let state = state::find(&client, &control.database).await?;
    let unknown = || BackfillError::Unknown(order.migration.clone());
    let rule = state.rule_of(&order.migration).ok_or_else(unknown)?;
    only_one(&client, &order.migration).await?;
    has_drained(&mut client, &order.migration, state.epoch_of(&order.migration)).await?;
    let catalog = Arc::new(catalog::load(&mut client).await?);
    let work = Work::of(&rule, &catalog, &client).await?;
    privileges::check(&client, &work).await?;
    conditions(&client, &work, order).await?;
    let notes = notes(&client, &work).await?;
    let claim = Claim {
        migration: order.migration.clone(),
        epoch: state.epoch_of(&order.migration),
        runner: runner.to_owned(),
    };
    let plan = plan(&work, order);
    let begin = Begin {
        migration: &claim.migration,
        target: &work.target,
        epoch: claim.epoch,
        runner,
        who: &order.who,
        anew,
        plan: &plan,
        keeps_wish,
        inside: order.inside.then(|| serde_json::to_string(order).ok()).flatten(),
    };
    let (job, goes_on) = backfill::begin(&mut client, &begin).await?;
    Ok(Started { client, claim, work: Arc::new(work), plan, job, goes_on, notes })
}

/// Looks at the tables again: partitions come and go, and all of them grow.
pub(super) async fn look_again(
    started: &mut Started,
    control: &ControlUrl,
    order: &Order,
) -> Result<(), BackfillError> {
    let state = state::find(&started.client, &control.database).await?;
    let unknown = || BackfillError::Unknown(order.migration.clone());
    let rule = state.rule_of(&order.migration).ok_or_else(unknown)?;
    if state.epoch_of(&order.migration) != started.claim.epoch {
        return Err(BackfillError::PhaseLeft(order.migration.clone()));
    }
    let catalog = Arc::new(catalog::load(&mut started.client).await?);
    let work = Work::of(&rule, &catalog, &started.client).await?;
    started.plan = plan(&work, order);
    started.work = Arc::new(work);
    Ok(())
}

/// What passes and ranges mean: the steps, and the tables with the keys by which they are walked through.
fn plan(work: &Work, order: &Order) -> String {
    let parts = work.copied().map(|part| {
        let columns = &part.way.key.0;
        let key = columns.iter().map(|column| format!("{} {}", column.name, column.type_name));
        (part.oid, key.collect::<Vec<_>>())
    });
    let parts: Vec<(u32, Vec<String>)> = parts.collect();
    let differs = work.differs();
    serde_json::json!({ "steps": order.steps, "parts": parts, "differs": differs }).to_string()
}

/// Keeps others out for as long as this connection lives.
async fn only_one(client: &Client, migration: &str) -> Result<(), BackfillError> {
    let lock = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    let have: bool = client.query_one(lock, &[&LOCK_CLASS, &migration]).await?.try_get(0)?;
    if have {
        return Ok(());
    }
    let who = backfill::read(client, migration).await?.map(|job| job.who);
    Err(BackfillError::Running { migration: migration.to_owned(), who })
}

/// Whether nobody can write any more as in the phase before: every replica that is counted has drained
/// the epoch in which this phase began.
async fn has_drained(
    client: &mut Client,
    migration: &str,
    epoch: i64,
) -> Result<(), BackfillError> {
    let lagging = step::lagging(client, epoch).await?;
    let lagging: Vec<String> = lagging.iter().map(ToString::to_string).collect();
    match lagging.is_empty() {
        true => Ok(()),
        false => Err(BackfillError::NotDrained {
            migration: migration.to_owned(),
            lagging: lagging.join("; "),
        }),
    }
}

/// Whether the conditions of the steps are conditions, each over the columns of some table that is copied.
async fn conditions(client: &Client, work: &Work, order: &Order) -> Result<(), BackfillError> {
    for (number, condition) in (1..).zip(&order.steps) {
        let mut first = None;
        for part in work.copied() {
            let fault = pass::condition_fault(client, part, condition).await?;
            let Some(fault) = fault else {
                first = None;
                break;
            };
            first.get_or_insert(fault);
        }
        if let Some(reason) = first {
            return Err(BackfillError::Step { number, condition: condition.clone(), reason });
        }
    }
    Ok(())
}

/// Triggers of table `$1` that an UPDATE of one of the columns `$2` fires, or if `$3` an INSERT, the
/// server's own left out.
const TRIGGERS: &str = "
    SELECT string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname)
    FROM pg_trigger t
    WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
      AND ($3 AND t.tgtype & 4 <> 0
           OR t.tgtype & 16 <> 0 AND (t.tgattr = ''::int2vector OR EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = ANY ($2::text[])
                                           AND a.attnum = ANY (t.tgattr::int2[]))))";

/// What an operator should know before.
async fn notes(client: &Client, work: &Work) -> Result<Vec<String>, BackfillError> {
    let mut notes = Vec::new();
    for part in work.copied() {
        let ground = super::stripes::Ground::look(client, part).await?;
        if ground.is_indexed {
            let columns: Vec<String> =
                part.written().iter().map(|column| format!("\"{column}\"")).collect();
            let (columns, is) = (columns.join(", "), if columns.len() > 1 { "are" } else { "is" });
            notes.push(format!(
                "{columns} of \"{}\" {is} indexed: it would go several times faster, and bloat less, \
                 if the index came after",
                part.name
            ));
        }
        if !part.way.is_key {
            notes.push(format!(
                "\"{}\" has no key to walk by: it is walked through page by page",
                part.name
            ));
        }
        for (oid, name, columns) in written(work, part) {
            let row = client.query_one(TRIGGERS, &[&oid, &columns, &(oid != part.oid)]).await?;
            if let Some(triggers) = row.try_get::<_, Option<String>>(0)? {
                notes.push(format!("each row that is copied fires {triggers} of \"{name}\""));
            }
        }
    }
    // Several tables may be copied to the same one.
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    Ok(notes)
}

/// The tables that a copy of a part's rows writes, and their columns.
fn written<'a>(work: &'a Work, part: &'a Part) -> Vec<(u32, &'a RelationName, Vec<&'a str>)> {
    match &part.want.cure {
        Cure::Copy | Cure::Upsert { .. } | Cure::Spread { .. } => {
            let beside = part.want.beside.iter().filter_map(|beside| {
                let there = work.parts.iter().find(|it| it.oid == beside.oid)?;
                let columns = beside.columns.iter().map(|(_, its)| its).chain(&beside.present);
                Some((there.oid, &there.name, columns.map(String::as_str).collect()))
            });
            beside.collect()
        }
        Cure::Set { .. } | Cure::Follow { .. } => {
            let columns = part.written().iter().map(String::as_str).collect();
            vec![(part.oid, &part.name, columns)]
        }
        // Of no row that is copied.
        Cure::Reset { .. } | Cure::Remove | Cure::Nothing => Vec::new(),
    }
}

/// A connection for a worker.
///
/// Cancel safe: nothing is left behind.
pub(super) async fn worker(
    control: &ControlUrl,
    claim: &Claim,
) -> Result<batch::Connection, BackfillError> {
    let client = catalog::connect(control).await?;
    Ok(batch::Connection::new(client, claim.clone()).await?)
}
