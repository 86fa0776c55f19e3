//! What hangs on the old column when it is about to be written no more: views, policies, triggers …
//!
//! The catalog knows all of these for sure. None of them keeps clients from writing, but each would
//! go on with values that are no longer written.

use tokio_postgres::{Error, Row, Transaction};

use rewrite_rules::Phase;

use super::definitions;
use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::Step;

/// One object that depends on the old column. All texts are SQL but for `description`.
pub(super) struct Dependent {
    pub(super) table: u32,
    pub(super) kind: Kind,
    /// As `pg_describe_object` names it.
    pub(super) description: String,
    pub(super) name: String,
    /// The table or view that it belongs to.
    pub(super) owner: String,
    /// Of what has no kind of its own: what drops it.
    pub(super) definition: Option<String>,
    /// Options of a view, what else makes a materialized one, type of a generated column, WITH CHECK of
    /// a policy.
    pub(super) second: Option<String>,
    /// Columns of a view, or of a table in a publication.
    pub(super) columns: Vec<String>,
    /// Whether the old column's name may mean another relation's column in it.
    pub(super) ambiguous: bool,
}

/// In the place of a column's number: rows of the table as a whole, and so with all columns.
pub(super) const ROW: i16 = i16::MIN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    View,
    MaterializedView,
    Rule,
    GeneratedColumn,
    ForeignKey,
    Policy,
    Trigger,
    Publication,
    Function,
    Other,
}

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.to < Phase::StopDualWrite {
        return Ok(Vec::new());
    }
    let (oids, numbers) = step.numbers(|member| member.old);
    let mut findings: Vec<Finding> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for dependent in of_column(transaction, (&oids, &numbers), &step.pair.from).await? {
        let Some(member) = step.member(dependent.table) else { continue };
        let message = format!(
            "{} uses column \"{}\" of \"{}\", which phase \"{}\" does not write",
            dependent.description, step.pair.from, member.name, step.to
        );
        let remedy = definitions::over_new_column(step, member, &dependent);
        findings.push(step.fault(
            dependent.kind.severity(),
            dependent.kind.about(),
            message,
            remedy,
        ));
        known.push(dependent.description);
    }
    for dependent in of_column(transaction, (&oids, &vec![ROW; oids.len()]), "").await? {
        let Some(member) = step.member(dependent.table) else { continue };
        if known.contains(&dependent.description) || !shows_rows(dependent.kind) {
            continue;
        }
        let message = format!(
            "{} uses rows of \"{}\" as a whole, in which phase \"{}\" does not write column \"{}\"",
            dependent.description, member.name, step.to, step.pair.from
        );
        // Whether somebody looks at that column nobody can tell.
        let about = dependent.kind.about();
        findings.push(step.finding(
            Severity::Risky,
            about,
            message,
            definitions::shown(&dependent),
        ));
    }
    Ok(findings)
}

/// Whether somebody may come to see the columns of a row that it uses as a whole. A trigger's WHEN looks at both columns.
fn shows_rows(kind: Kind) -> bool {
    match kind {
        Kind::View | Kind::MaterializedView | Kind::Rule | Kind::Policy | Kind::Function => true,
        Kind::GeneratedColumn
        | Kind::ForeignKey
        | Kind::Trigger
        | Kind::Publication
        | Kind::Other => false,
    }
}

/// What depends on a column of that name, of which each table has its own number.
pub(super) async fn of_column(
    transaction: &Transaction<'_>,
    (oids, numbers): (&[u32], &[i16]),
    name: &str,
) -> Result<Vec<Dependent>, Error> {
    let rows = transaction.query(queries::DEPENDENTS, &[&oids, &numbers, &name]).await?;
    rows.iter().map(dependent).collect()
}

impl Kind {
    /// What comes of it when the column is written no more.
    pub(super) fn severity(self) -> Severity {
        match self {
            // What it refuses is what clients write.
            Self::ForeignKey => Severity::Risky,
            Self::View
            | Self::MaterializedView
            | Self::Rule
            | Self::GeneratedColumn
            | Self::Policy
            | Self::Trigger
            | Self::Publication
            | Self::Function
            | Self::Other => Severity::LosesData,
        }
    }

    fn of(code: &str) -> Self {
        match code {
            "v" => Self::View,
            "m" => Self::MaterializedView,
            "rule" => Self::Rule,
            "generated" => Self::GeneratedColumn,
            "foreign-key" => Self::ForeignKey,
            "policy" => Self::Policy,
            "trigger" => Self::Trigger,
            "publication" => Self::Publication,
            "function" => Self::Function,
            _other => Self::Other,
        }
    }

    pub(super) fn about(self) -> About {
        match self {
            Self::View => About::View,
            Self::MaterializedView => About::MaterializedView,
            Self::Rule => About::Rule,
            Self::GeneratedColumn => About::GeneratedColumn,
            Self::ForeignKey => About::ForeignKey,
            Self::Policy => About::Policy,
            Self::Trigger => About::Trigger,
            Self::Publication => About::Publication,
            Self::Function => About::Function,
            Self::Other => About::Dependent,
        }
    }
}

fn dependent(row: &Row) -> Result<Dependent, Error> {
    let description: Option<String> = row.try_get(2)?;
    Ok(Dependent {
        table: row.try_get(0)?,
        kind: Kind::of(row.try_get(1)?),
        // Gone since.
        description: description.unwrap_or_else(|| "something that was just dropped".to_owned()),
        name: row.try_get(3)?,
        owner: row.try_get(4)?,
        definition: row.try_get(5)?,
        second: row.try_get(6)?,
        columns: row.try_get(7)?,
        ambiguous: row.try_get(8)?,
    })
}
