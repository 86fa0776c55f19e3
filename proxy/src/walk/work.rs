//! Which rows are to hold what, in which tables.

use std::fmt;
use std::sync::Arc;

use rewrite_rules::catalog::{RelationKind, RelationName};
use rewrite_rules::compile::backfill_value;
use rewrite_rules::lens::Access;
use rewrite_rules::name::quoted;
use rewrite_rules::rule::{AddedColumn, Change, ColumnPair};
use rewrite_rules::{Catalog, Phase, Rule, Shape};
use tokio_postgres::{Client, Error};

use super::want::{self, Cure, Want};
use super::way::Way;
use super::{Stretch, halves, merged};
use crate::aside::aside;
use crate::config::parse_relation_name;

/// The side that is brought up to date with the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// The old side is read, and the new one gets what it lacks.
    New,
    /// The new side is read, and the old one gets what it lacks.
    Old,
    /// There is one side: an added column, whose rows of the past get their value.
    Past,
}

/// What is to hold when the work is done: every row of every part is as its part [`Want`]s it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The migration.
    pub migration: String,
    /// The table that it names, or the one that others are merged into.
    pub table: RelationName,
    /// Which side is brought up to date.
    pub toward: Toward,
    /// What is read: a column, the value of an added column, or tables.
    pub source: String,
    /// What is written: a column, or tables.
    pub target: String,
    /// All columns that are compared, unquoted.
    pub columns: Vec<String>,
    /// Whether a row may differ all the same: a value that is another one each time may be NULL.
    pub may_stay: bool,
    /// The tables that hold rows.
    pub parts: Vec<Part>,
}

/// A table that holds rows: one that the migration names, its partitions, and what inherits; or the one that
/// its columns move to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name.
    pub name: RelationName,
    /// `ONLY "schema"."name"`.
    pub relation: String,
    /// How to walk through it.
    pub way: Way,
    /// What its rows should hold.
    pub want: Want,
}

impl Part {
    /// What a statement about a stretch of it selects from: see [`Want::from`].
    #[must_use]
    pub fn from(&self, stretch: Stretch<'_>, first: usize) -> String {
        self.want.from(&self.relation, &self.way, stretch, first)
    }

    /// Whether rows are copied, to or from it.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        match self.want.cure {
            Cure::Set { .. }
            | Cure::Copy
            | Cure::Upsert { .. }
            | Cure::Follow { .. }
            | Cure::Reset { .. }
            | Cure::Spread { .. } => true,
            // Which no write that came through a proxy leaves behind.
            Cure::Remove | Cure::Nothing => false,
        }
    }

    /// The columns of its own that are written in most rows, unquoted.
    #[must_use]
    pub fn written(&self) -> &[String] {
        match &self.want.cure {
            Cure::Set { columns, .. } | Cure::Follow { columns, .. } => columns,
            // Of which few are written.
            Cure::Reset { .. } => &[],
            Cure::Copy
            | Cure::Upsert { .. }
            | Cure::Spread { .. }
            | Cure::Remove
            | Cure::Nothing => &[],
        }
    }
}

/// Why there is no work to do.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Nothing is copied in that phase.
    #[error("migration \"{migration}\" is in phase \"{phase}\", in which no rows are copied")]
    Phase {
        /// The migration.
        migration: String,
        /// Its phase.
        phase: Phase,
    },
    /// The table, or a column of it, is not there.
    #[error("migration \"{migration}\" does not fit the database: {reason}")]
    Misfit {
        /// The migration.
        migration: String,
        /// What does not fit.
        reason: String,
    },
    /// A partition is a foreign table.
    #[error("\"{0}\" is a foreign table: its rows are another server's")]
    Foreign(RelationName),
    /// The server said no.
    #[error("the tables could not be looked at: {}", super::manners::said(.0))]
    Server(#[from] Error),
}

impl WorkError {
    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Phase { phase: Phase::Expand, .. } => {
                Some("take the next step first, so that what clients write meanwhile is not missed")
            }
            Self::Phase { phase: Phase::Enforce, .. } => Some("go back to backfill first"),
            Self::Phase { .. } => Some("go back to switch-reads to bring the old side up to date"),
            Self::Misfit { .. } => Some("segue check tells more"),
            Self::Foreign(_) => Some("copy its rows where they are"),
            Self::Server(_) => None,
        }
    }
}

impl Toward {
    /// The side that rows are copied to in `phase`.
    #[must_use]
    pub fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::DualWrite => Some(Self::New),
            Phase::SwitchReads => Some(Self::Old),
            Phase::Backfill => Some(Self::Past),
            Phase::Expand | Phase::StopDualWrite | Phase::Contract | Phase::Enforce => None,
        }
    }

    /// Whether it leads on: what the next phase reads is brought up to date.
    #[must_use]
    pub fn is_forward(self) -> bool {
        match self {
            Self::New | Self::Past => true,
            Self::Old => false,
        }
    }

    /// The column that is read and the one that is written.
    #[must_use]
    pub fn columns(self, pair: &ColumnPair) -> (&str, &str) {
        match self {
            Self::New | Self::Past => (&pair.from, &pair.to),
            Self::Old => (&pair.to, &pair.from),
        }
    }
}

impl fmt::Display for Toward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Old => "old",
            Self::Past => "past",
        })
    }
}

/// How the column that is written comes out of the other one: as clients read it while that one is
/// read, in its exact type. `None` if the rule does not fit the catalog.
#[must_use]
pub fn expected(rule: &Rule, toward: Toward, catalog: &Arc<Catalog>) -> Option<Access> {
    let phase = match toward {
        Toward::New | Toward::Past => Phase::DualWrite,
        Toward::Old => Phase::SwitchReads,
    };
    let (_, written) = toward.columns(rule.change.pair()?);
    let rule = Rule { phase, ..rule.clone() };
    let generation = aside(|| rewrite_rules::compile(0, &[rule], Arc::clone(catalog))).ok()?;
    let lenses = generation.lenses(Shape::Old);
    let mut columns = lenses.iter().filter_map(|lens| lens.column(written));
    columns.next().map(|column| column.get.clone())
}

impl Work {
    /// What there is to do for `rule` in its phase.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// See [`WorkError`].
    pub async fn of(
        rule: &Rule,
        catalog: &Arc<Catalog>,
        client: &Client,
    ) -> Result<Self, WorkError> {
        match Toward::of(rule.phase) {
            // Told first: its phases are others.
            None if matches!(rule.change, Change::RenameInPlace(_)) => {
                Self::toward(rule, Toward::New, catalog, client).await
            }
            Some(toward) => Self::toward(rule, toward, catalog, client).await,
            None => Err(WorkError::Phase { migration: rule.name.clone(), phase: rule.phase }),
        }
    }

    /// What there is to do to bring that side up to date with the other one, whatever the phase.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// See [`WorkError`].
    pub async fn toward(
        rule: &Rule,
        toward: Toward,
        catalog: &Arc<Catalog>,
        client: &Client,
    ) -> Result<Self, WorkError> {
        let migration = rule.name.clone();
        let misfit = |reason: String| WorkError::Misfit { migration: migration.clone(), reason };
        if let Change::RenameInPlace(_) = &rule.change {
            return Err(misfit("it renames the column itself, and copies nothing".to_owned()));
        }
        if let Change::SplitTable(split) = &rule.change {
            let work = halves::work(&migration, split, toward, catalog, client).await?;
            return work.map_err(misfit);
        }
        if let Change::MergeTables(merge) = &rule.change {
            let work = merged::work(&migration, merge, toward, catalog, client).await?;
            return work.map_err(misfit);
        }
        let named = rule.change.tables().into_iter().next().unwrap_or_default();
        let table = parse_relation_name(named)
            .filter(|table| catalog.relation(table).is_some())
            .ok_or_else(|| misfit(format!("table \"{named}\" does not exist")))?;
        let Values { source, column, shown, expected, differs, may_stay } =
            Values::of(rule, toward, catalog).map_err(misfit)?;
        let want = Want {
            beside: Vec::new(),
            lacks: differs.clone(),
            differs,
            source: want::shown(&shown),
            found: want::shown(&format!("t.{}", quoted(&column))),
            expected: want::shown(&expected),
            cure: Cure::Set {
                assignments: format!("{} = {expected}", quoted(&column)),
                columns: vec![column.clone()],
            },
        };
        let parts = parts(&table, &want, catalog, client).await?;
        let columns = vec![source.clone(), column.clone()];
        Ok(Self { migration, table, toward, source, target: column, columns, may_stay, parts })
    }

    /// What is compared, as a text that is another one if a column or a table was exchanged for another
    /// of that name, rewritten, or came in.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn subject(&self, client: &Client) -> Result<String, Error> {
        let query = "
            SELECT pg_catalog.md5($1::text || coalesce(string_agg(concat_ws(' ', c.oid, c.relfilenode,
                a.attname, a.attnum, a.atttypid, a.atttypmod), ',' ORDER BY c.oid, a.attnum), ''))
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.oid = ANY ($2::oid[]) AND a.attname = ANY ($3::text[])";
        let parts: Vec<u32> = self.parts.iter().map(|part| part.oid).collect();
        client.query_one(query, &[&self.differs(), &parts, &self.columns]).await?.try_get(0)
    }

    /// When rows differ, in one text.
    #[must_use]
    pub fn differs(&self) -> String {
        let mut differs: Vec<&str> =
            self.parts.iter().map(|part| part.want.differs.as_str()).collect();
        differs.dedup();
        differs.join("; ")
    }

    /// The parts whose rows are copied.
    pub fn copied(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.is_copied())
    }

    /// Rows that are copied, as far as the planner knows.
    #[must_use]
    pub fn copied_rows(&self) -> u64 {
        self.copied().map(|part| part.way.rows).sum()
    }

    /// Rows in all parts, as far as the planner knows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.way.rows).sum()
    }
}

/// What is written where, and when.
struct Values {
    source: String,
    column: String,
    /// What is read, over `t`.
    shown: String,
    expected: String,
    differs: String,
    may_stay: bool,
}

impl Values {
    /// Or what does not fit.
    fn of(rule: &Rule, toward: Toward, catalog: &Arc<Catalog>) -> Result<Self, String> {
        if let Change::BackfillColumn(added) = &rule.change {
            return Self::of_the_past(added, catalog);
        }
        let misfit = || format!("it cannot be compiled for phase \"{}\"", rule.phase);
        let pair = rule.change.pair().ok_or_else(misfit)?;
        let access = expected(rule, toward, catalog).ok_or_else(misfit)?;
        let (source, column) = toward.columns(pair);
        let (expected, written) = (access.read("t."), format!("t.{}", quoted(column)));
        Ok(Self {
            source: source.to_owned(),
            column: column.to_owned(),
            shown: format!("t.{}", quoted(source)),
            // Byte by byte: equality of the type would take 1.0 for 1.00, and some types have none.
            differs: format!("pg_catalog.record_image_ne(ROW({written}), ROW({expected}))"),
            expected,
            may_stay: false,
        })
    }

    /// What the application has written of an added column is its own: only what is NULL is filled.
    fn of_the_past(added: &AddedColumn, catalog: &Catalog) -> Result<Self, String> {
        let value = backfill_value(added, catalog).map_err(|fault| fault.message)?;
        let (expected, written) =
            (format!("({})", value.read("t.")), format!("t.{}", quoted(&added.column)));
        // What is another value each time is asked for once.
        let differs = match value.is_volatile() {
            true => format!("{written} IS NULL"),
            false => format!("({written} IS NULL AND {expected} IS NOT NULL)"),
        };
        let (source, column) = (added.value.clone(), added.column.clone());
        // It has no other side.
        let shown = expected.clone();
        Ok(Self { source, column, shown, expected, differs, may_stay: value.is_volatile() })
    }
}

/// The tables under `root`, itself included, that hold rows.
async fn parts(
    root: &RelationName,
    want: &Want,
    catalog: &Catalog,
    client: &Client,
) -> Result<Vec<Part>, WorkError> {
    let mut parts: Vec<Part> = Vec::new();
    let mut seen: Vec<RelationName> = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(name) = open.pop() {
        if seen.contains(&name) {
            continue;
        }
        let Some(table) = catalog.relation(&name) else { continue };
        open.extend(table.children.iter().rev().cloned());
        seen.push(name.clone());
        match table.kind {
            RelationKind::Table => {}
            RelationKind::ForeignTable => return Err(WorkError::Foreign(name)),
            RelationKind::PartitionedTable
            | RelationKind::View
            | RelationKind::MaterializedView => continue,
        }
        let oid = table.oids.relation;
        let relation = format!("ONLY {}.{}", quoted(&name.schema), quoted(&name.name));
        let mut part = Part { oid, relation, way: Way::default(), want: want.clone(), name };
        part.way = Way::find(client, oid, part.written()).await?;
        parts.push(part);
    }
    Ok(parts)
}
