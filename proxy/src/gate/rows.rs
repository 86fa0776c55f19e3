//! Whether both columns are the same in all rows, before the side that is read changes.
//!
//! A complete and clean verification that is fresh, and was begun after everybody had drained, is relied
//! on. Otherwise the rows are compared here: those of a small table, or of one without a key, in one
//! statement; others a stretch at a time over several connections.

use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::lens::Access;
use rewrite_rules::name::quoted;
use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::finding::{About, Finding, Severity};
use super::step::{Member, Move, Step};
use super::{Looked, answered, queries};
use crate::catalog::{ANSWER_TIMEOUT_S, in_time, reason};
use crate::config::ControlUrl;
use crate::journal::verification::{self, Trusted};
use crate::journal::verify::Counts;
use crate::journal::{JournalError, state};
use crate::verify::whole::{self, COUNTED, Difference, Differences, Sides};
use crate::verify::{Outcome, VerifyError, direct};
use crate::walk::work::{Toward, expected};
use crate::walk::{Work, WorkError};

/// How old a verification may be that a gate relies on, unless its migration is verified every so often:
/// long enough to verify, look and step, and short beside the time in which somebody could begin to write
/// past the proxies.
pub const FRESH: Duration = Duration::from_secs(900);

/// So many rows are compared by one statement, in less time than it takes to connect several times: 40 ms.
/// Unit: rows.
const SMALL_ROWS: u64 = 200_000;

/// Connections that compare a large table.
const CONNECTIONS: u32 = 4;

/// How rows can be compared, or need not be.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// How the database is reached.
    pub control: &'a ControlUrl,
    /// How long ago a verification may have been done that is relied on.
    pub fresh: Duration,
}

impl<'a> Means<'a> {
    /// The usual ones.
    #[must_use]
    pub fn of(control: &'a ControlUrl) -> Self {
        Self { control, fresh: FRESH }
    }
}

/// What came of comparing rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// When it was begun, as the server writes it.
    pub started_at: String,
    /// What was compared; empty if that could not be told.
    pub subject: String,
    /// Whether all rows agree; `None` if that cannot be told.
    pub equal: Option<bool>,
    /// Rows, if they were counted.
    pub counts: Option<Counts>,
    /// What was found, in words.
    pub detail: Option<String>,
}

impl Compared {
    /// What was found of rows that are not compared with another column.
    pub(super) fn of(findings: &[Finding], started_at: String) -> Self {
        let about = |wanted| findings.iter().find(|finding| finding.about == wanted);
        let (equal, finding) = match (about(About::NotFilled), about(About::NotCompared)) {
            (Some(differ), _) => (Some(false), Some(differ)),
            (None, Some(unknown)) => (None, Some(unknown)),
            (None, None) => (Some(true), None),
        };
        let detail = finding.map(|finding| finding.message.clone());
        Self { started_at, subject: String::new(), equal, counts: None, detail }
    }
}

pub(super) async fn check(
    client: &mut Client,
    means: Means<'_>,
    step: &Step<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Looked, String> {
    let toward = match step.way() {
        Move::ReadNew => Toward::New,
        Move::ReadOldAgain => Toward::Old,
        Move::WriteBoth
        | Move::LeaveOld
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::LeaveNew
        | Move::Stay => return Ok(Looked::default()),
    };
    let Some(root) = step.members.first() else { return Ok(Looked::default()) };
    if root.old.is_none() || root.new.is_none() {
        return Ok(Looked::default());
    }
    let Some(access) = expected(step.rule, toward, catalog) else {
        let why = "the migration cannot be compiled for its present phase";
        return Ok(Looked {
            findings: vec![not_compared(step.rule, step.to, &root.name, why, Vec::new())],
            compared: None,
        });
    };
    let work = match Work::toward(step.rule, toward, catalog, client).await {
        Ok(work) => Some(Arc::new(work)),
        Err(WorkError::Server(error)) => return Err(reason(&error)),
        // Rows of another server's can be read, though not walked through.
        Err(WorkError::Foreign(_) | WorkError::Misfit { .. } | WorkError::Phase { .. }) => None,
    };
    let subject = match &work {
        Some(work) => answered(in_time(work.subject(client)).await)?,
        None => String::new(),
    };
    if let Some(trusted) = trusted(client, means, step.rule, &subject).await? {
        let finding = relied_on(step.rule, step.to, &root.name, &trusted);
        return Ok(Looked { findings: vec![finding], compared: None });
    }
    let started_at = now(client).await?;
    let way = Compare { step, root, toward, access: &access };
    let large = work
        .filter(|work| work.rows() > SMALL_ROWS && work.parts.iter().all(|part| part.way.is_key));
    let (finding, counts) = match large {
        Some(work) => way.in_stretches(client, means.control, &work).await?,
        None => (way.at_once(client).await?, None),
    };
    Ok(looked(finding, started_at, subject, counts))
}

/// What has come of comparing rows here.
pub(super) fn looked(
    finding: Option<Finding>,
    started_at: String,
    subject: String,
    counts: Option<Counts>,
) -> Looked {
    let equal = match finding.as_ref().map(|finding| finding.about == About::RowsDiffer) {
        None => Some(true),
        Some(true) => Some(false),
        Some(false) => None,
    };
    let detail = finding.as_ref().map(|finding| finding.message.clone());
    let compared = Some(Compared { started_at, subject, equal, counts, detail });
    Looked { findings: finding.into_iter().collect(), compared }
}

/// The server's time, as it writes it.
pub(super) async fn now(client: &Client) -> Result<String, String> {
    let now = in_time(client.query_one("SELECT clock_timestamp()::text", &[])).await;
    answered(now)?.try_get(0).map_err(|error| reason(&error))
}

/// A verification that may be relied on.
pub(super) async fn trusted(
    client: &Client,
    means: Means<'_>,
    rule: &Rule,
    subject: &str,
) -> Result<Option<Trusted>, String> {
    let (migration, from) = (&rule.name, rule.phase);
    let asked = in_time(async {
        state::look(client, &means.control.database).await?;
        verification::trusted(client, migration, from, subject, means.fresh).await
    });
    match asked.await {
        Ok(Ok(trusted)) => Ok(trusted),
        // Whoever has no journal, or may not read it, compares.
        Ok(Err(JournalError::Lost(reason) | JournalError::Failed(reason))) => Err(reason),
        Ok(Err(_)) => Ok(None),
        Err(silence) => Err(silence.to_string()),
    }
}

pub(super) fn relied_on(rule: &Rule, to: Phase, name: &RelationName, trusted: &Trusted) -> Finding {
    let Trusted { rows, at, who } = trusted;
    let rows = rows.map_or_else(|| "rows".to_owned(), |rows| format!("{rows} rows"));
    let message = format!("{rows} of \"{name}\" were compared at {at} UTC by {who}: all are equal");
    Finding::new(rule, to, Severity::Note, About::RowsCompared, message, Vec::new())
}

pub(super) fn not_compared(
    rule: &Rule,
    to: Phase,
    name: &RelationName,
    why: &str,
    remedy: Vec<String>,
) -> Finding {
    let message = format!("the rows of \"{name}\" cannot be compared: {why}");
    Finding::new(rule, to, Severity::LosesData, About::NotCompared, message, remedy)
}

/// What is compared.
struct Compare<'a> {
    step: &'a Step<'a>,
    root: &'a Member<'a>,
    toward: Toward,
    access: &'a Access,
}

impl Compare<'_> {
    /// In one statement.
    async fn at_once(&self, client: &mut Client) -> Result<Option<Finding>, String> {
        let (_, target) = self.toward.columns(self.step.pair);
        let sides = Sides {
            relation: self.root.sql.clone(),
            key: key(self.root, target),
            expected: self.access.read("t."),
            found: format!("t.{}", quoted(target)),
        };
        let patience = Duration::from_millis(whole::STATEMENT_TIMEOUT_MS)
            .saturating_add(Duration::from_secs(ANSWER_TIMEOUT_S));
        let compared = match tokio::time::timeout(patience, whole::compare(client, &sides)).await {
            Ok(compared) => compared,
            Err(_elapsed) => return Err(format!("the server did not answer within {patience:?}")),
        };
        match compared {
            Ok(differences) if differences.count == 0 => Ok(None),
            Ok(differences) => Ok(Some(self.differ(&differences))),
            Err(error) => self.refused(client, &error).await.map(Some),
        }
    }

    /// A stretch at a time, over several connections.
    async fn in_stretches(
        &self,
        client: &Client,
        control: &ControlUrl,
        work: &Arc<Work>,
    ) -> Result<(Option<Finding>, Option<Counts>), String> {
        let outcome = match direct::compare(control, work, CONNECTIONS, &mut |_rows| ()).await {
            Ok(outcome) => outcome,
            Err(VerifyError::Server(error)) => {
                return Ok((Some(self.refused(client, &error).await?), None));
            }
            Err(error) => return Err(error.to_string()),
        };
        let finding = match outcome.equal() {
            Some(true) => None,
            Some(false) => Some(self.differ(&differences(&outcome))),
            None => {
                let (Step { rule, to, .. }, name) = (self.step, &self.root.name);
                Some(not_compared(rule, *to, name, &failed(&outcome), Vec::new()))
            }
        };
        Ok((finding, Some(outcome.counts())))
    }

    /// The server has refused to compare.
    async fn refused(&self, client: &Client, error: &Error) -> Result<Finding, String> {
        let Some(code) = error.code() else { return Err(reason(error)) };
        let remedy = match *code == SqlState::INSUFFICIENT_PRIVILEGE {
            true => access_to(client, self.root.oid, &self.root.sql).await?,
            false => Vec::new(),
        };
        let Step { rule, to, .. } = self.step;
        Ok(not_compared(rule, *to, &self.root.name, &reason(error), remedy))
    }

    fn differ(&self, differences: &Differences) -> Finding {
        let Self { step, root, toward, access } = self;
        differ(step, root, *toward, access, differences)
    }
}

/// Why rows could not be compared.
pub(super) fn failed(outcome: &Outcome) -> String {
    let first = outcome.rows.first();
    let first = first
        .map(|row| format!("{}: {}", row.key, row.problem.as_deref().unwrap_or_default()))
        .unwrap_or_default();
    format!("{} rows, the first with {first}", outcome.failed)
}

fn differences(outcome: &Outcome) -> Differences {
    let rows = outcome.rows.iter().filter_map(|row| {
        let (expected, found) = (row.expected.clone()?, row.found.clone()?);
        Some(Difference { row: row.key.clone(), expected, found })
    });
    Differences { count: outcome.differing, shown: rows.collect() }
}

/// The columns by which rows are told: the primary key, unless the target is part of it.
fn key(root: &Member<'_>, target: &str) -> Vec<String> {
    let keys = root.table.keys.iter().filter(|key| key.primary);
    let mut usable = keys.filter(|key| !key.columns.iter().any(|it| it == target));
    usable.next().map(|key| key.columns.clone()).unwrap_or_default()
}

fn differ(
    step: &Step<'_>,
    root: &Member<'_>,
    toward: Toward,
    access: &Access,
    differences: &Differences,
) -> Finding {
    let (source, target) = toward.columns(step.pair);
    let count = told_count(differences.count);
    let shown: Vec<String> = (differences.shown.iter())
        .map(|Difference { row, expected, found }| format!("{row} has {found} for {expected}"))
        .collect();
    let more = if differences.count > 3 { ", …" } else { "" };
    let message = format!(
        "column \"{target}\" does not hold what \"{source}\" says in {count} of \"{}\": {}{more}",
        root.name,
        shown.join(", ")
    );
    let (column, value) = (quoted(target), access.read(""));
    let update = format!(
        "UPDATE {} SET {column} = {value} WHERE record_image_ne(ROW({column}), ROW({value}));{}",
        root.sql,
        in_batches(step.rule)
    );
    step.finding(Severity::LosesData, About::RowsDiffer, message, [update])
}

/// A number of rows, as far as it was counted.
pub(super) fn told_count(count: u64) -> String {
    match count {
        1 => "1 row".to_owned(),
        count if count > COUNTED => format!("more than {COUNTED} rows"),
        count => format!("{count} rows"),
    }
}

/// What to do instead where there are many rows.
pub(super) fn in_batches(rule: &Rule) -> String {
    format!(" -- in batches: segue backfill {}", rule.name)
}

/// What gives the control role access to all rows.
pub(super) async fn access_to(
    client: &Client,
    oid: u32,
    table: &str,
) -> Result<Vec<String>, String> {
    let row = answered(in_time(client.query_one(queries::ACCESS, &[&oid])).await)?;
    let take = || -> Result<Vec<String>, tokio_postgres::Error> {
        let (role, schema): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (usage, select, all_rows): (bool, bool, bool) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let grants = [
            (!usage).then(|| format!("GRANT USAGE ON SCHEMA {schema} TO {role};")),
            (!select).then(|| format!("GRANT SELECT ON {table} TO {role};")),
            (!all_rows).then(|| format!("ALTER ROLE {role} BYPASSRLS;")),
        ];
        Ok(grants.into_iter().flatten().collect())
    };
    take().map_err(|error| reason(&error))
}
