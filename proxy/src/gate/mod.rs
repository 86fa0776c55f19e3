//! Gates: everything that makes a step of a migration unsafe, as far as the server can tell.
//!
//! | file | what it looks at |
//! | --- | --- |
//! | [`finding`] | what is found |
//! | [`step`] | the step that is judged |
//! | [`faults`] | what keeps the target phase from being compiled |
//! | [`columns`] | existence, NOT NULL and defaults of the columns |
//! | [`rows`] | whether both columns are the same in all rows |
//! | [`halves`] | the same where rows have their other half in another table |
//! | [`indexes`], [`constraints`] | what the old column promises and the new one does not |
//! | [`privileges`] | roles that may use one column and not the other |
//! | [`triggers`] | triggers and rules that make the two differ, or no longer fire |
//! | [`dependents`], [`definitions`] | what else hangs on the old column, and its text for the new one |
//! | [`functions`] | functions whose source names it |
//! | [`statistics`] | what the planner knows of the new column |
//! | [`in_place`] | all of that for a column that is renamed itself |
//! | [`backfill_column`] | all of that for a column that is added |
//! | [`tables`] | all of that for two tables |
//! | [`split_table`] | columns that move to a table of their own |
//! | [`merge_tables`] | tables whose rows become parts of the rows of one |
//! | [`places`] | whether what goes in the end keeps its place in `SELECT *` |
//! | [`words`], [`whole`] | names in a source, and rows that it takes as a whole |
//!
//! Everything is read in READ ONLY transactions under an empty search path. SELECT on the governed
//! tables is needed for the rows; all else is readable by every role.

mod backfill_column;
mod columns;
mod constraints;
mod definitions;
mod dependents;
mod faults;
mod finding;
mod functions;
mod halves;
mod in_place;
mod indexes;
mod merge_tables;
mod places;
mod privileges;
mod queries;
mod rows;
mod split_table;
mod statistics;
mod step;
mod tables;
mod triggers;
mod whole;
mod words;

use std::sync::Arc;

use rewrite_rules::rule::Change;
use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};

pub use self::finding::{About, Finding, Severity, is_open};
pub use self::places::before_drop;
pub use self::rows::{Compared, FRESH, Means};
use self::step::Step;
pub(crate) use self::step::sql;
use crate::catalog::{in_time, reason};

/// What a gate has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Everything that was found, the worst first.
    pub findings: Vec<Finding>,
    /// What came of comparing rows, if that was done.
    pub compared: Option<Compared>,
}

/// All reasons why the step of `rules[index]` to phase `to` is not safe now, the worst first.
///
/// `rules` are all rules as they run now. What is said of rows is only worth something once the
/// flip to the present phase has drained: the caller sees to that.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The connection fails, or the server does not answer.
pub async fn check(
    client: &mut Client,
    means: Means<'_>,
    catalog: Arc<Catalog>,
    rules: &[Rule],
    index: usize,
    to: Phase,
) -> Result<Vec<Finding>, String> {
    look(client, means, catalog, rules, index, to).await.map(|looked| looked.findings)
}

/// The same, with what came of comparing rows.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The connection fails, or the server does not answer.
pub async fn look(
    client: &mut Client,
    means: Means<'_>,
    catalog: Arc<Catalog>,
    rules: &[Rule],
    index: usize,
    to: Phase,
) -> Result<Looked, String> {
    let Some(rule) = rules.get(index) else { return Ok(Looked::default()) };
    match &rule.change {
        Change::RenameColumn(_) | Change::ChangeColumn { .. } => {}
        Change::SplitTable(_) => {
            return split_table::look(client, means, &catalog, rules, index, to).await;
        }
        Change::MergeTables(_) => {
            return merge_tables::look(client, means, &catalog, rules, index, to).await;
        }
        Change::RenameInPlace(pair) => {
            let findings = in_place::check(client, &catalog, rules, pair, index, to).await?;
            return Ok(Looked { findings, compared: None });
        }
        Change::BackfillColumn(added) => {
            let now = in_time(client.query_one("SELECT clock_timestamp()::text", &[])).await;
            let started_at = answered(now)?.try_get(0).map_err(|error| reason(&error))?;
            let findings =
                backfill_column::check(client, &catalog, rules, added, index, to).await?;
            let is_compared = (rule.phase, to) == (Phase::Backfill, Phase::Enforce);
            let compared = is_compared.then(|| Compared::of(&findings, started_at));
            return Ok(Looked { findings, compared });
        }
    }
    let faults = faults::find(client, &catalog, rules, index, to).await?;
    let Some(step) = Step::new(rule, to, &catalog) else {
        let findings = faults::findings(rules, rule, to, &faults, &[]);
        return Ok(Looked { findings, compared: None });
    };
    let mut findings = columns::check(&step);
    findings.extend(answered(in_time(of_server(client, &step)).await)?);
    let rows = rows::check(client, means, &step, &catalog).await?;
    findings.extend(rows.findings);
    findings.extend(faults::findings(rules, rule, to, &faults, &findings));
    findings.sort_by_key(|finding| (finding.severity, finding.about));
    findings.dedup();
    Ok(Looked { findings, compared: rows.compared })
}

/// What the server's catalogs tell, in one snapshot.
async fn of_server(client: &mut Client, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let transaction = snapshot(client).await?;
    let findings = in_snapshot(&transaction, step).await?;
    transaction.commit().await?;
    Ok(findings)
}

/// One snapshot, in which nothing can be changed and every name is shown with its schema.
async fn snapshot(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    transaction.batch_execute("SET LOCAL search_path = ''").await?;
    Ok(transaction)
}

async fn in_snapshot(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = indexes::check(transaction, step).await?;
    findings.extend(constraints::check(transaction, step).await?);
    findings.extend(privileges::check(transaction, step).await?);
    findings.extend(triggers::check(transaction, step).await?);
    findings.extend(dependents::check(transaction, step).await?);
    findings.extend(functions::check(transaction, step).await?);
    findings.extend(statistics::check(transaction, step).await?);
    Ok(findings)
}

/// An answer of the server's, or in words why there is none.
fn answered<T>(answer: Result<Result<T, Error>, crate::catalog::NoAnswer>) -> Result<T, String> {
    match answer {
        Ok(answer) => answer.map_err(|error| reason(&error)),
        Err(silence) => Err(silence.to_string()),
    }
}
