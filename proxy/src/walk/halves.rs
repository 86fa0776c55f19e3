//! What is to hold where the columns of a row have moved to another table.
//!
//! Clients of the old shape read NULL where there is no other half, so that and a half of NULLs are the same
//! to them. Towards the old table it is what that one has for it: the default of a column that is NOT NULL. The first passes of a copy write every half that lacks; what differs is left to the sweeps, which
//! lock the rows first: somebody may be in the midst of writing both.

use rewrite_rules::Catalog;
use rewrite_rules::catalog::{Relation, RelationName, Volatility};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::SplitTable;
use tokio_postgres::{Client, Error};

use super::beside::Beside;
use super::want::{Cure, Want, row, shown};
use super::way::Way;
use super::work::{Part, Toward, Work};
use crate::config::parse_relation_name;

/// What is shown where a row has no other half.
const NO_ROW: &str = "'no row'";

/// Both tables.
struct Halves<'a> {
    split: &'a SplitTable,
    table: (RelationName, &'a Relation),
    into: (RelationName, &'a Relation),
}

/// What there is to do to bring that side up to date with the other one, or what does not fit.
pub(super) async fn work(
    migration: &str,
    split: &SplitTable,
    toward: Toward,
    catalog: &Catalog,
    client: &Client,
) -> Result<Result<Work, String>, Error> {
    let find = |named: &str| {
        let name = parse_relation_name(named)?;
        let relation = catalog.relation(&name)?;
        Some((name, relation))
    };
    let halves = match (find(&split.table), find(&split.into)) {
        (Some(table), Some(into)) => Halves { split, table, into },
        (None, _) => return Ok(Err(format!("table \"{}\" does not exist", split.table))),
        (_, None) => return Ok(Err(format!("table \"{}\" does not exist", split.into))),
    };
    for ((name, relation), column) in halves.columns() {
        if relation.column(column).is_none() {
            return Ok(Err(format!("column \"{column}\" does not exist in table \"{name}\"")));
        }
    }
    let (table, into) = (&halves.table.0, &halves.into.0);
    let (source, target) = match toward {
        Toward::New | Toward::Past => (table, into),
        Toward::Old => (into, table),
    };
    Ok(Ok(Work {
        migration: migration.to_owned(),
        table: table.clone(),
        toward,
        source: source.to_string(),
        target: target.to_string(),
        columns: halves.columns().map(|(_, column)| column.to_owned()).collect(),
        may_stay: false,
        parts: vec![
            halves.part(&halves.table, halves.old(toward), |(own, _)| own, client).await?,
            halves.part(&halves.into, halves.surplus(toward), |(_, its)| its, client).await?,
        ],
    }))
}

impl<'a> Halves<'a> {
    /// Every column of both that is compared.
    fn columns(&self) -> impl Iterator<Item = (&(RelationName, &'a Relation), &'a str)> {
        let pairs = self.split.key.pairs().chain(self.split.columns.pairs());
        pairs.flat_map(|(own, its)| [(&self.table, own), (&self.into, its)])
    }

    async fn part(
        &self,
        (name, relation): &(RelationName, &Relation),
        want: Want,
        moved: fn((&'a str, &'a str)) -> &'a str,
        client: &Client,
    ) -> Result<Part, Error> {
        let oid = relation.oids.relation;
        let moved: Vec<String> =
            self.split.columns.pairs().map(|pair| moved(pair).to_owned()).collect();
        let relation = format!("ONLY {}.{}", quoted(&name.schema), quoted(&name.name));
        let way = Way::find(client, oid, &moved).await?;
        Ok(Part { oid, name: name.clone(), relation, way, want })
    }

    /// The rows of the old table.
    fn old(&self, toward: Toward) -> Want {
        let owned = |(own, its): (&str, &str)| (own.to_owned(), its.to_owned());
        let (name, into) = &self.into;
        let beside = Beside {
            oid: into.oids.relation,
            relation: format!("{}.{}", quoted(&name.schema), quoted(&name.name)),
            key: self.split.key.pairs().map(owned).collect(),
            columns: self.split.columns.pairs().map(owned).collect(),
            present: None,
        };
        let own = row(self.split.columns.pairs().map(|(own, _)| format!("t.{}", quoted(own))));
        let blanks = match toward {
            Toward::New | Toward::Past => vec![None; beside.columns.len()],
            Toward::Old => self.blanks(),
        };
        let its = row(blanks.iter().enumerate().map(|(at, blank)| match blank {
            Some(blank) => {
                format!("CASE WHEN o0.segue_key_0 IS NULL THEN {blank} ELSE o0.segue_new_{at} END")
            }
            None => format!("o0.segue_new_{at}"),
        }));
        // Byte by byte, as all comparisons: equality of a type would take 1.0 for 1.00.
        let differs = format!("pg_catalog.record_image_ne({its}, {own})");
        let half =
            format!("CASE WHEN o0.segue_key_0 IS NULL THEN {NO_ROW} ELSE {} END", shown(&its));
        match toward {
            Toward::New | Toward::Past => Want {
                differs,
                lacks: "o0.segue_key_0 IS NULL".to_owned(),
                source: shown(&own),
                expected: shown(&own),
                found: half,
                cure: Cure::Copy,
                beside: vec![beside],
            },
            Toward::Old => Want {
                lacks: differs.clone(),
                differs,
                source: half,
                expected: shown(&its),
                found: shown(&own),
                cure: Cure::Set {
                    columns: self.split.columns.pairs().map(|(own, _)| own.to_owned()).collect(),
                    assignments: beside.fetch_or(&blanks),
                },
                beside: vec![beside],
            },
        }
    }

    /// What stands in each column of the old table where there is no other half, as SQL: a column that is NOT NULL has its
    /// default then, whoever has made it so. `None`: NULL.
    fn blanks(&self) -> Vec<Option<String>> {
        let blank = |(own, _): (&str, &str)| {
            let column = self.table.1.column(own).filter(|column| column.not_null)?;
            let default = column.default.as_ref();
            let default = default.filter(|it| it.volatility != Volatility::Volatile)?;
            Some(format!("({})::{}", default.expression, column.type_name))
        };
        self.split.columns.pairs().map(blank).collect()
    }

    /// The rows of the new table: each must be the half of one.
    fn surplus(&self, toward: Toward) -> Want {
        let turned = |(own, its): (&str, &str)| (its.to_owned(), own.to_owned());
        let (name, table) = &self.table;
        let its = self.split.columns.pairs().map(|(_, its)| format!("t.{}", quoted(its)));
        let its = shown(&row(its));
        let (source, expected, found) = match toward {
            Toward::New | Toward::Past => (NO_ROW.to_owned(), NO_ROW.to_owned(), its),
            Toward::Old => (its.clone(), its, NO_ROW.to_owned()),
        };
        Want {
            beside: vec![Beside {
                oid: table.oids.relation,
                relation: format!("{}.{}", quoted(&name.schema), quoted(&name.name)),
                key: self.split.key.pairs().map(turned).collect(),
                columns: Vec::new(),
                present: None,
            }],
            differs: "o0.segue_key_0 IS NULL".to_owned(),
            lacks: "false".to_owned(),
            source,
            expected,
            found,
            cure: match toward {
                Toward::New | Toward::Past => Cure::Remove,
                Toward::Old => Cure::Nothing,
            },
        }
    }
}
