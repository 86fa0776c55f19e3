//! What is to hold where the rows of several tables become parts of the rows of one.
//!
//! Toward the new table each row of a source has its part there, whatever the other parts are, and a part
//! whose source has no such row is what the new table makes of it without: its defaults. Toward the sources
//! each has the rows that clients see in the new table, and no others. Where no column tells which rows a
//! source has, a part of defaults and no row are the same: a DELETE leaves the one here and the other there.
//! The first passes go further: they remove rows of the new table that no source has, and give each source
//! all the rows of it. What clients delete meanwhile is no difference, so that work ends under any load.
//!
//! A row is always locked before both sides are looked at again, the one that is read or the one that is
//! written, and both are enough: whoever writes one writes the other in the same statement, with what he
//! has stored himself. If the row that is written is locked and he is there already, he is waited for and
//! seen; if he comes later, he writes over it. Only where a first pass makes a row of the new table, it takes
//! the other parts as they are, unlocked: who stores one meanwhile meets that row, and what somebody deletes
//! meanwhile a sweep takes away.

use rewrite_rules::Catalog;
use rewrite_rules::catalog::{Column, Relation, RelationName, Volatility};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::{MergeSource, MergeTables};
use tokio_postgres::{Client, Error};

use super::beside::{Beside, Other};
use super::want::{Cure, Want, row, shown};
use super::way::Way;
use super::work::{Part, Toward, Work};
use crate::config::parse_relation_name;

/// What is shown where a table has no row.
const NO_ROW: &str = "'no row'";

/// The new table, and those that are merged into it.
struct Merged<'a> {
    merge: &'a MergeTables,
    into: (RelationName, &'a Relation),
    sources: Vec<Source<'a>>,
}

/// One of them.
struct Source<'a> {
    merge: &'a MergeTables,
    source: &'a MergeSource,
    table: (RelationName, &'a Relation),
}

/// What there is to do to bring that side up to date with the other one, or what does not fit.
pub(super) async fn work(
    migration: &str,
    merge: &MergeTables,
    toward: Toward,
    catalog: &Catalog,
    client: &Client,
) -> Result<Result<Work, String>, Error> {
    let merged = match Merged::find(merge, catalog) {
        Ok(merged) => merged,
        Err(reason) => return Ok(Err(reason)),
    };
    let into = merged.into.0.to_string();
    let sources = merged.sources.iter().map(|source| source.table.0.to_string());
    let sources = sources.collect::<Vec<_>>().join(", ");
    let (source, target) = match toward {
        Toward::New | Toward::Past => (sources, into),
        Toward::Old => (into, sources),
    };
    let mut parts = Vec::new();
    for source in &merged.sources {
        let written = source.source.columns.pairs().map(|(own, _)| own.to_owned()).collect();
        parts.push(part(&source.table, source.want(toward, &merged), written, client).await?);
    }
    let written = merged.sources.iter().flat_map(Source::part).collect();
    parts.push(part(&merged.into, merged.want(toward), written, client).await?);
    Ok(Ok(Work {
        migration: migration.to_owned(),
        table: merged.into.0.clone(),
        toward,
        source,
        target,
        columns: merged.columns().map(|(_, column)| column.to_owned()).collect(),
        may_stay: false,
        parts,
    }))
}

/// A table, which is walked through by none of the columns `written`.
async fn part(
    (name, relation): &(RelationName, &Relation),
    want: Want,
    written: Vec<String>,
    client: &Client,
) -> Result<Part, Error> {
    let oid = relation.oids.relation;
    let relation = format!("ONLY {}", sql(name));
    let way = Way::find(client, oid, &written).await?;
    Ok(Part { oid, name: name.clone(), relation, way, want })
}

fn sql(name: &RelationName) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.name))
}

impl<'a> Merged<'a> {
    fn find(merge: &'a MergeTables, catalog: &'a Catalog) -> Result<Self, String> {
        let find = |named: &str| {
            let name = parse_relation_name(named);
            let found = name.and_then(|name| Some((name.clone(), catalog.relation(&name)?)));
            found.ok_or_else(|| format!("table \"{named}\" does not exist"))
        };
        let source = |source: &'a MergeSource| {
            Ok::<_, String>(Source { merge, source, table: find(&source.table)? })
        };
        let sources = merge.sources.iter().map(source).collect::<Result<_, _>>()?;
        let merged = Self { merge, into: find(&merge.into)?, sources };
        let missing = merged.columns().find(|((_, table), column)| table.column(column).is_none());
        match missing {
            None => Ok(merged),
            Some(((name, _), column)) => {
                Err(format!("column \"{column}\" does not exist in table \"{name}\""))
            }
        }
    }

    /// Every column that is compared, with its table.
    fn columns(&self) -> impl Iterator<Item = (&(RelationName, &'a Relation), &'a str)> {
        self.sources.iter().flat_map(|source| {
            let pairs = self.merge.pairs_of(source.source);
            let pairs = pairs.flat_map(|(own, its)| [(&source.table, own), (&self.into, its)]);
            pairs.chain(source.present().map(|present| (&self.into, present)))
        })
    }

    /// The rows of the new table.
    fn want(&self, toward: Toward) -> Want {
        let beside: Vec<Beside> = self.sources.iter().map(Source::as_beside).collect();
        let sources = || self.sources.iter().enumerate();
        // Of each source that lacks a row, one after the other.
        let told = |of: &dyn Fn(usize, &Source<'_>) -> (String, String)| {
            let told = sources().map(|(at, source)| of(at, source));
            let told = told.map(|(when, what)| format!("CASE WHEN {when} THEN {what} END"));
            format!("pg_catalog.concat_ws(', ', {})", told.collect::<Vec<_>>().join(", "))
        };
        let lacks = |source: &Source<'_>| {
            format!("'no row in {}'", source.table.0.to_string().replace('\'', "''"))
        };
        match toward {
            Toward::New | Toward::Past => {
                let left = |at: usize, source: &Source<'_>| source.left(at, self.into.1);
                let nobody: Vec<String> = sources().map(|(at, _)| is_absent(at)).collect();
                let fresh: Vec<String> = self
                    .sources
                    .iter()
                    .zip(&beside)
                    .map(|(source, beside)| source.reset(beside, self.into.1))
                    .collect();
                Want {
                    differs: any(sources().map(|(at, source)| left(at, source))),
                    // By itself it is no difference: a DELETE leaves such a row behind.
                    lacks: format!("({})", nobody.join(" AND ")),
                    source: told(&|at, source| (left(at, source), lacks(source))),
                    found: told(&|at, source| {
                        (left(at, source), shown(&row(source.compared(self.into.1).map(|it| it.0))))
                    }),
                    expected: told(&|at, source| {
                        (left(at, source), shown(&row(source.compared(self.into.1).map(|it| it.1))))
                    }),
                    cure: Cure::Reset {
                        columns: self.sources.iter().flat_map(Source::part).collect(),
                        assignments: fresh.join(", "),
                    },
                    beside,
                }
            }
            Toward::Old => {
                let lost = |at: usize, source: &Source<'_>| source.lost(at, self.into.1);
                let missing: Vec<String> = sources().map(|(at, it)| it.missing(at)).collect();
                let there = told(&|at, source| {
                    let its = source.source.columns.pairs().map(|(_, its)| of("t", its));
                    (lost(at, source), shown(&row(its)))
                });
                Want {
                    differs: any(sources().map(|(at, source)| lost(at, source))),
                    lacks: any(missing.iter().cloned()),
                    source: there.clone(),
                    found: told(&|at, source| (lost(at, source), lacks(source))),
                    expected: there,
                    cure: Cure::Spread { missing },
                    beside,
                }
            }
        }
    }
}

impl<'a> Source<'a> {
    fn present(&self) -> Option<&'a str> {
        self.source.present.as_deref()
    }

    /// The columns of the new table that are its part, unquoted.
    fn part(&self) -> Vec<String> {
        let its = self.source.columns.pairs().map(|(_, its)| its);
        its.chain(self.present()).map(str::to_owned).collect()
    }

    /// It, from where the new table stands.
    fn as_beside(&self) -> Beside {
        let turned = |(own, its): (&str, &str)| (its.to_owned(), own.to_owned());
        Beside {
            oid: self.table.1.oids.relation,
            relation: sql(&self.table.0),
            key: self.merge.key_of(self.source).map(turned).collect(),
            columns: self.source.columns.pairs().map(turned).collect(),
            present: None,
        }
    }

    /// Its own rows.
    fn want(&self, toward: Toward, merged: &Merged<'_>) -> Want {
        let owned = |(own, its): (&str, &str)| (own.to_owned(), its.to_owned());
        let (name, into) = &merged.into;
        let beside = Beside {
            oid: into.oids.relation,
            relation: sql(name),
            key: self.merge.key_of(self.source).map(owned).collect(),
            columns: self.source.columns.pairs().map(owned).collect(),
            present: self.present().map(str::to_owned),
        };
        let own = || self.source.columns.pairs().map(|(own, _)| of("t", own));
        let its = || (0..beside.columns.len()).map(|at| format!("o0.segue_new_{at}"));
        let mark = |mark: &str| self.present().map(|_| mark.to_owned());
        let (marked, part) =
            (row(own().chain(mark("true"))), row(its().chain(mark("o0.segue_present"))));
        let part_told =
            format!("CASE WHEN {} THEN {NO_ROW} ELSE {} END", is_absent(0), shown(&part));
        let (own, its) = (row(own()), row(its()));
        // Byte by byte, as all comparisons: equality of a type would take 1.0 for 1.00.
        let image_ne = |its: &str, own: &str| format!("pg_catalog.record_image_ne({its}, {own})");
        match toward {
            Toward::New | Toward::Past => {
                let differs = format!("({} OR {})", is_absent(0), image_ne(&part, &marked));
                Want {
                    lacks: differs.clone(),
                    differs,
                    source: shown(&own),
                    found: part_told,
                    expected: shown(&marked),
                    cure: Cure::Upsert { others: self.others(merged) },
                    beside: vec![beside],
                }
            }
            Toward::Old => {
                let gone = match self.present() {
                    None => is_absent(0),
                    Some(_) => "(o0.segue_present IS NOT TRUE)".to_owned(),
                };
                let differs = format!("({gone} OR {})", image_ne(&its, &own));
                Want {
                    lacks: differs.clone(),
                    differs,
                    source: part_told,
                    found: shown(&own),
                    expected: format!("CASE WHEN {gone} THEN {NO_ROW} ELSE {} END", shown(&its)),
                    cure: Cure::Follow {
                        columns: self
                            .source
                            .columns
                            .pairs()
                            .map(|(own, _)| own.to_owned())
                            .collect(),
                        assignments: beside.fetch(),
                        gone,
                    },
                    beside: vec![beside],
                }
            }
        }
    }

    /// The other sources, from where this one stands: those of which a sweep can tell that a row has gone.
    fn others(&self, merged: &Merged<'_>) -> Vec<Other> {
        let into = merged.into.1;
        let is_told = |other: &&Source<'_>| {
            other.present().is_some() || other.compared(into).count() == other.part().len()
        };
        let others = merged.sources.iter().filter(|other| other.table.0 != self.table.0);
        let others = others.filter(is_told);
        let blank_of = |its: &str| into.column(its).map_or_else(|| "NULL".to_owned(), blank);
        let other = |other: &Source<'_>| {
            let keys = self.merge.key_of(self.source).zip(self.merge.key_of(other.source));
            let pairs = || other.source.columns.pairs();
            Other {
                beside: Beside {
                    oid: other.table.1.oids.relation,
                    relation: sql(&other.table.0),
                    key: keys
                        .map(|((own, _), (its, _))| (own.to_owned(), its.to_owned()))
                        .collect(),
                    columns: pairs().map(|(its, new)| (new.to_owned(), its.to_owned())).collect(),
                    present: None,
                },
                blanks: pairs().map(|(_, new)| blank_of(new)).collect(),
                present: other.present().map(|new| (new.to_owned(), blank_of(new))),
            }
        };
        others.map(other).collect()
    }

    /// Whether clients see a row of it in the new table, and it has none.
    fn missing(&self, at: usize) -> String {
        match self.present() {
            None => is_absent(at),
            Some(present) => format!("({} AND {})", is_absent(at), of("t", present)),
        }
    }

    /// Whether it has no row, and the new table says that there is one. Where nothing tells, a part of
    /// defaults may be what a DELETE has left.
    fn lost(&self, at: usize, into: &Relation) -> String {
        match self.present() {
            None => self.left(at, into),
            Some(_) => self.missing(at),
        }
    }

    /// Whether it has no row, and the new table holds something of one.
    fn left(&self, at: usize, into: &Relation) -> String {
        let (there, blank): (Vec<String>, Vec<String>) = self.compared(into).unzip();
        match there.is_empty() {
            true => "false".to_owned(),
            false => format!(
                "({} AND pg_catalog.record_image_ne({}, {}))",
                is_absent(at),
                row(there.into_iter()),
                row(blank.into_iter()),
            ),
        }
    }

    /// Each column of its part with what it holds where there is no row. A default that is another one each
    /// time cannot be told from what a client has written.
    fn compared(&self, into: &Relation) -> impl Iterator<Item = (String, String)> {
        let is_told = |column: &&Column| {
            let volatility = column.default.as_ref().map(|default| default.volatility);
            volatility.is_none_or(|volatility| volatility == Volatility::Immutable)
        };
        let columns = self.part();
        let columns = columns.iter().filter_map(|its| into.column(its)).filter(is_told);
        let compared: Vec<(String, String)> =
            columns.map(|column| (of("t", &column.name), blank(column))).collect();
        compared.into_iter()
    }

    /// `(a, b) = (SELECT …)`: its part as it is, or where it has no row the defaults.
    fn reset(&self, beside: &Beside, into: &Relation) -> String {
        let part = self.part();
        let columns = part.iter().filter_map(|its| into.column(its));
        let item = |column: &Column| {
            format!(
                "CASE WHEN s.is_there THEN {} ELSE {} END",
                of("t", &column.name),
                blank(column)
            )
        };
        format!(
            "({}) = (SELECT {} FROM (SELECT EXISTS (SELECT FROM {} AS o WHERE {}) AS is_there) s)",
            part.iter().map(|its| quoted(its)).collect::<Vec<_>>().join(", "),
            columns.map(item).collect::<Vec<_>>().join(", "),
            beside.relation,
            beside.same(),
        )
    }
}

/// Whether the table beside in place `at` has no row.
fn is_absent(at: usize) -> String {
    format!("(o{at}.segue_key_0 IS NULL)")
}

/// A column's default.
fn blank(column: &Column) -> String {
    let default = column.default.as_ref().map_or("NULL", |default| &default.expression);
    format!("({default})::{}", column.type_name)
}

fn of(table: &str, column: &str) -> String {
    format!("{table}.{}", quoted(column))
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    format!("({})", conditions.collect::<Vec<_>>().join(" OR "))
}
