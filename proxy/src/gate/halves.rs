//! Whether the tables of one side hold what those of the other do, before the side that is read changes: as
//! [`super::rows`], for rows whose columns have moved to another table, or become parts of those of one.

use std::sync::Arc;

use rewrite_rules::name::quoted;
use rewrite_rules::rule::{Change, MergeSource, MergeTables, SplitTable};
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
use crate::journal::verify::Found;
use crate::verify::{Outcome, VerifyError, direct};
use crate::walk::{Toward, Work, WorkError};

/// Connections that compare.
const CONNECTIONS: u32 = 4;

/// Compares all tables if the side that is read changes on the way to phase `to`.
pub(super) async fn check(
    client: &Client,
    means: Means<'_>,
    catalog: &Arc<Catalog>,
    rule: &Rule,
    to: Phase,
) -> Result<Looked, String> {
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
    let judged = Judged { rule, to, work: &work };
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
                let access = access_to(client, part.oid, &sql(&part.name)).await?;
                for statement in access {
                    // What is of the role is of all tables.
                    if !remedy.contains(&statement) {
                        remedy.push(statement);
                    }
                }
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
        let mut remedy = self.remedy();
        remedy.extend(self.without_row(outcome));
        Finding::new(self.rule, self.to, severity, about, message, remedy)
    }

    /// Halves that no row belongs to: a copy, which goes along the old table, does not come by them.
    fn without_row(&self, outcome: &Outcome) -> Option<String> {
        let Change::SplitTable(split) = &self.rule.change else { return None };
        let into = parse_relation_name(&split.into)?;
        let is_without = |row: &Found| {
            let is_none = |side: &Option<String>| side.as_deref() == Some("no row");
            row.part == into.to_string() && (is_none(&row.expected) || is_none(&row.found))
        };
        if !outcome.rows.iter().any(is_without) {
            return None;
        }
        let same = |pair| format!("o.{} = t.{}", own(pair), its(pair));
        let instead = match self.work.toward {
            Toward::New | Toward::Past => {
                format!(" -- in batches: segue verify {} --fix new", self.rule.name)
            }
            Toward::Old => String::new(),
        };
        Some(format!(
            "DELETE FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} AS o WHERE {});{instead}",
            sql(&into),
            table(&split.table)?,
            list(split.key.pairs().map(same), " AND ")
        ))
    }

    /// What makes both sides the same.
    fn remedy(&self) -> Vec<String> {
        let statements = match &self.rule.change {
            Change::SplitTable(split) => of_split(split, self.work.toward).map(|it| vec![it]),
            Change::MergeTables(merge) => of_merge(merge, self.work.toward),
            // Whose sides are columns of one table.
            Change::RenameColumn(_)
            | Change::ChangeColumn { .. }
            | Change::RenameInPlace(_)
            | Change::BackfillColumn(_) => None,
        };
        let mut statements = statements.unwrap_or_default();
        if let Some(last) = statements.last_mut() {
            last.push_str(&in_batches(self.rule));
        }
        statements
    }
}

fn table(named: &str) -> Option<String> {
    parse_relation_name(named).map(|name| sql(&name))
}

fn list(items: impl Iterator<Item = String>, by: &str) -> String {
    items.collect::<Vec<_>>().join(by)
}

fn own((own, _): (&str, &str)) -> String {
    quoted(own)
}

fn its((_, its): (&str, &str)) -> String {
    quoted(its)
}

fn excluded(column: String) -> String {
    format!("{column} = excluded.{column}")
}

fn of_split(split: &SplitTable, toward: Toward) -> Option<String> {
    let (table, into) = (table(&split.table)?, table(&split.into)?);
    let (key, columns) = (|| split.key.pairs(), || split.columns.pairs());
    Some(match toward {
        Toward::New | Toward::Past => format!(
            "INSERT INTO {into} ({}) SELECT {} FROM {table} ON CONFLICT ({}) DO UPDATE SET {};",
            list(key().chain(columns()).map(its), ", "),
            list(key().chain(columns()).map(own), ", "),
            list(key().map(its), ", "),
            list(columns().map(its).map(excluded), ", "),
        ),
        Toward::Old => {
            let same = |pair| format!("o.{} = t.{}", its(pair), own(pair));
            format!(
                "UPDATE {table} AS t SET ({}) = (SELECT {} FROM {into} AS o WHERE {});",
                list(columns().map(own), ", "),
                list(columns().map(|it| format!("o.{}", its(it))), ", "),
                list(key().map(same), " AND "),
            )
        }
    })
}

/// In one transaction, in which nobody writes what is read: who would be overtaken has written it in both
/// before, or waits until he may.
fn of_merge(merge: &MergeTables, toward: Toward) -> Option<Vec<String>> {
    let into = table(&merge.into)?;
    let sources = merge.sources.iter().map(|source| Some((source, table(&source.table)?)));
    let sources = sources.collect::<Option<Vec<_>>>()?;
    let read = match toward {
        Toward::New | Toward::Past => list(sources.iter().map(|(_, table)| table.clone()), ", "),
        Toward::Old => into.clone(),
    };
    let begin = format!("BEGIN; LOCK TABLE {read} IN SHARE MODE;");
    let of =
        |(source, table): &(&MergeSource, String)| of_source(merge, source, table, &into, toward);
    let statements = sources.iter().flat_map(of);
    Some(std::iter::once(begin).chain(statements).chain(["COMMIT;".to_owned()]).collect())
}

fn of_source(
    merge: &MergeTables,
    source: &MergeSource,
    table: &str,
    into: &str,
    toward: Toward,
) -> [String; 2] {
    let (key, columns) = (|| merge.key_of(source), || source.columns.pairs());
    let present = || source.present.iter().map(|present| quoted(present));
    let part = || columns().map(its).chain(present());
    match toward {
        Toward::New | Toward::Past => {
            let same = |pair| format!("o.{} = t.{}", own(pair), its(pair));
            [
                format!(
                    "INSERT INTO {into} ({}) SELECT {} FROM {table} ON CONFLICT ({}) DO UPDATE SET {};",
                    list(key().map(its).chain(part()), ", "),
                    list(
                        merge.pairs_of(source).map(own).chain(present().map(|_| "true".to_owned())),
                        ", "
                    ),
                    list(key().map(its), ", "),
                    list(part().map(excluded), ", "),
                ),
                format!(
                    "UPDATE {into} AS t SET {} WHERE NOT EXISTS (SELECT FROM {table} AS o WHERE {});",
                    list(part().map(|column| format!("{column} = DEFAULT")), ", "),
                    list(key().map(same), " AND "),
                ),
            ]
        }
        Toward::Old => {
            let same = |pair| format!("o.{} = t.{}", its(pair), own(pair));
            let there = |of: &str| list(present().map(|column| format!(" AND {of}{column}")), "");
            [
                format!(
                    "DELETE FROM {table} AS t WHERE NOT EXISTS (SELECT FROM {into} AS o WHERE {}{});",
                    list(key().map(same), " AND "),
                    there("o."),
                ),
                format!(
                    "INSERT INTO {table} ({}) SELECT {} FROM {into} WHERE true{} ON CONFLICT ({}) DO UPDATE \
                     SET {};",
                    list(merge.pairs_of(source).map(own), ", "),
                    list(merge.pairs_of(source).map(its), ", "),
                    there(""),
                    list(key().map(own), ", "),
                    list(columns().map(own).map(excluded), ", "),
                ),
            ]
        }
    }
}
