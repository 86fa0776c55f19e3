//! Whether two tables hold what one did, before the side that is read changes: as [`super::rows`], for rows
//! whose columns have moved to another table.

use std::sync::Arc;

use rewrite_rules::name::quoted;
use rewrite_rules::rule::{Change, SplitTable};
use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::finding::{About, Finding, Severity};
use super::rows::{
    Means, access_to, failed, in_batches, looked, not_compared, now, relied_on, told_count, trusted,
};
use super::step::sql;
use super::{Looked, answered};
use crate::catalog::{in_time, reason};
use crate::config::parse_relation_name;
use crate::verify::{Outcome, VerifyError, direct};
use crate::walk::{Toward, Work, WorkError};

/// Connections that compare.
const CONNECTIONS: u32 = 4;

/// Compares both tables if the side that is read changes on the way to phase `to`.
pub(super) async fn check(
    client: &Client,
    means: Means<'_>,
    catalog: &Arc<Catalog>,
    rule: &Rule,
    to: Phase,
) -> Result<Looked, String> {
    let Change::SplitTable(split) = &rule.change else { return Ok(Looked::default()) };
    let toward = match (rule.phase, to) {
        (Phase::DualWrite, Phase::SwitchReads) => Toward::New,
        (Phase::SwitchReads, Phase::DualWrite) => Toward::Old,
        _no_other_side => return Ok(Looked::default()),
    };
    let work = match Work::toward(rule, toward, catalog, client).await {
        Ok(work) => Arc::new(work),
        Err(WorkError::Server(error)) => return Err(reason(&error)),
        // What does not fit is told by the compiler.
        Err(WorkError::Foreign(_) | WorkError::Misfit { .. } | WorkError::Phase { .. }) => {
            return Ok(Looked::default());
        }
    };
    let subject = answered(in_time(work.subject(client)).await)?;
    if let Some(trusted) = trusted(client, means, rule, &subject).await? {
        let finding = relied_on(rule, to, &work.table, &trusted);
        return Ok(Looked { findings: vec![finding], compared: None });
    }
    let started_at = now(client).await?;
    let judged = Judged { rule, split, to, work: &work };
    let compared = direct::compare(means.control, &work, CONNECTIONS, &mut |_rows| ()).await;
    let (finding, counts) = match compared {
        Ok(outcome) => (judged.told(&outcome), Some(outcome.counts())),
        Err(VerifyError::Server(error)) if error.code().is_some() => {
            (Some(judged.refused(client, &error).await?), None)
        }
        Err(error) => return Err(error.to_string()),
    };
    Ok(looked(finding, started_at, subject, counts))
}

struct Judged<'a> {
    rule: &'a Rule,
    split: &'a SplitTable,
    to: Phase,
    work: &'a Work,
}

impl Judged<'_> {
    fn told(&self, outcome: &Outcome) -> Option<Finding> {
        match outcome.equal() {
            Some(true) => None,
            Some(false) => Some(self.differ(outcome)),
            None => Some(self.not_compared(&failed(outcome), Vec::new())),
        }
    }

    fn not_compared(&self, why: &str, remedy: Vec<String>) -> Finding {
        not_compared(self.rule, self.to, &self.work.table, why, remedy)
    }

    /// The server has refused to compare.
    async fn refused(
        &self,
        client: &Client,
        error: &tokio_postgres::Error,
    ) -> Result<Finding, String> {
        let mut remedy = Vec::new();
        if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
            for part in &self.work.parts {
                remedy.extend(access_to(client, part.oid, &sql(&part.name)).await?);
            }
        }
        Ok(self.not_compared(&reason(error), remedy))
    }

    fn differ(&self, outcome: &Outcome) -> Finding {
        let count = told_count(outcome.differing);
        let rows = outcome.rows.iter().filter_map(|row| {
            let (expected, found) = (row.expected.as_ref()?, row.found.as_ref()?);
            Some(format!("{} of {} has {found} for {expected}", row.key, row.part))
        });
        let rows: Vec<String> = rows.collect();
        let more = if outcome.differing > 3 { ", …" } else { "" };
        let Work { source, target, .. } = self.work;
        let message = format!(
            "\"{target}\" does not hold what \"{source}\" says in {count}: {}{more}",
            rows.join(", ")
        );
        let (severity, about) = (Severity::LosesData, About::RowsDiffer);
        Finding::new(self.rule, self.to, severity, about, message, self.remedy())
    }

    /// What makes both the same.
    fn remedy(&self) -> Option<String> {
        let name = |text: &str| parse_relation_name(text).map(|name| sql(&name));
        let (table, into) = (name(&self.split.table)?, name(&self.split.into)?);
        let list = |items: Vec<String>, by: &str| items.join(by);
        let (key, columns) = (|| self.split.key.pairs(), || self.split.columns.pairs());
        let own = |(own, _): (&str, &str)| quoted(own);
        let its = |(_, its): (&str, &str)| quoted(its);
        let statement = match self.work.toward {
            Toward::New | Toward::Past => {
                let set = |(_, its): (&str, &str)| format!("{0} = excluded.{0}", quoted(its));
                format!(
                    "INSERT INTO {into} ({}) SELECT {} FROM {table} ON CONFLICT ({}) DO UPDATE SET {};",
                    list(key().chain(columns()).map(its).collect(), ", "),
                    list(key().chain(columns()).map(own).collect(), ", "),
                    list(key().map(its).collect(), ", "),
                    list(columns().map(set).collect(), ", "),
                )
            }
            Toward::Old => {
                let same =
                    |(own, its): (&str, &str)| format!("o.{} = t.{}", quoted(its), quoted(own));
                format!(
                    "UPDATE {table} AS t SET ({}) = (SELECT {} FROM {into} AS o WHERE {});",
                    list(columns().map(own).collect(), ", "),
                    list(columns().map(|it| format!("o.{}", its(it))).collect(), ", "),
                    list(key().map(same).collect(), " AND "),
                )
            }
        };
        Some(format!("{statement}{}", in_batches(self.rule)))
    }
}
