//! Tables that are merged, as the cases' schemas stand in each phase.

use rewrite_rules::Phase;
use rewrite_rules::rule::{Change, MergeSource, MergeTables};
use segue_tests::golden::book::Case;
use segue_tests::message::Fields;

use super::{Schema, quoted};

/// Tables that become one.
pub(super) struct Merge(MergeTables);

/// The merges that a case's rules are about.
pub(super) fn merges(case: &Case) -> Vec<Merge> {
    let rules = case.rules_in(Phase::Expand).expect("the book's rules are valid");
    let of = |change| match change {
        Change::MergeTables(merge) => Some(Merge(merge)),
        _ => None,
    };
    rules.into_iter().filter_map(|rule| of(rule.change)).collect()
}

/// Whether an error is one of which a client is told as of a key that is taken.
pub(super) fn is_taken(case: &Case, error: &Fields) -> bool {
    let merges = merges(case);
    let mut present =
        merges.iter().flat_map(|merge| &merge.0.sources).filter_map(|it| it.present.as_ref());
    error.code() == "23502" && present.any(|present| error.get('c') == present)
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Merge {
    /// Whether a text names the new table.
    pub(super) fn is_named(&self, sql: &str) -> bool {
        sql.contains(&self.0.into)
    }

    /// Makes the tables what they are in a schema. Of the old ones nothing may be read any more in the end.
    pub(super) fn enter(&self, schema: Schema) -> String {
        let fill = || list_of(self.0.sources.iter().map(|source| self.fill(source)));
        let each = |sql: &str| {
            list_of(self.0.sources.iter().map(|source| format!("{sql} {}", source.table)))
        };
        match schema {
            Schema::Old | Schema::Renamed | Schema::Both => {
                format!("DROP TABLE IF EXISTS {} CASCADE", self.0.into)
            }
            Schema::During(Phase::Expand | Phase::Backfill | Phase::Enforce) => String::new(),
            Schema::During(Phase::DualWrite | Phase::SwitchReads) => fill(),
            Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                format!("{}{}", fill(), each("DELETE FROM"))
            }
            Schema::New => {
                let drops =
                    self.0.sources.iter().map(|it| format!("DROP TABLE {} CASCADE", it.table));
                format!("{}{}", fill(), list_of(drops))
            }
        }
    }

    /// Copies one table's rows.
    fn fill(&self, source: &MergeSource) -> String {
        let own = self.0.pairs_of(source).map(|(own, _)| quoted(own));
        let own = own.chain(source.present.iter().map(|_| "true".to_owned()));
        let its = self.0.pairs_of(source).map(|(_, its)| quoted(its));
        let its = its.chain(source.present.iter().map(|present| quoted(present)));
        let set = source.columns.pairs().map(|(_, its)| its).chain(source.present.as_deref());
        let set = set.map(|its| format!("{0} = excluded.{0}", quoted(its)));
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO UPDATE SET {}",
            self.0.into,
            list(its),
            list(own),
            source.table,
            list(self.0.key.iter().map(quoted)),
            list(set)
        )
    }

    /// The rows of each old table, as a client of them knows them.
    pub(super) fn content(&self, schema: Schema) -> Vec<String> {
        let of = |source: &MergeSource| match schema {
            Schema::New | Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                let item = |(own, its): (&str, &str)| format!("'{own}', m.{}", quoted(its));
                let items = list(self.0.pairs_of(source).map(item));
                format!(
                    "SELECT jsonb_build_object({items}) FROM {} m{} ORDER BY 1",
                    self.0.into,
                    there(source)
                )
            }
            Schema::Old | Schema::Renamed | Schema::Both | Schema::During(_) => {
                format!("SELECT to_jsonb(t) FROM {} t ORDER BY 1", source.table)
            }
        };
        self.0.sources.iter().map(of).collect()
    }

    /// The new table's rows, as a client of it knows them.
    pub(super) fn merged(&self, schema: Schema) -> Vec<String> {
        if matches!(schema, Schema::Old | Schema::Renamed | Schema::Both) {
            return Vec::new();
        }
        let fill = self.0.sources.iter().map(|source| self.fill(source));
        let is_filled = !matches!(schema, Schema::During(Phase::Expand));
        let rows = format!("SELECT to_jsonb(m) FROM {} m ORDER BY 1", self.0.into);
        fill.filter(|_| !is_filled).chain([rows]).collect()
    }

    /// Rows of an old table that the new one has not, or not so, or has besides.
    pub(super) fn apart(&self) -> Vec<String> {
        let of = |source: &MergeSource| {
            let on = self.0.key_of(source);
            let on: Vec<_> =
                on.map(|(own, its)| format!("t.{} = m.{}", quoted(own), quoted(its))).collect();
            let all = || self.0.pairs_of(source);
            format!(
                "SELECT to_jsonb(t), to_jsonb(m) FROM {} t FULL JOIN (SELECT * FROM {} m{}) m ON {} \
                 WHERE ROW({}) IS DISTINCT FROM ROW({})",
                source.table,
                self.0.into,
                there(source),
                on.join(" AND "),
                list(all().map(|(own, _)| format!("t.{}", quoted(own)))),
                list(all().map(|(_, its)| format!("m.{}", quoted(its)))),
            )
        };
        self.0.sources.iter().map(of).collect()
    }
}

/// Statements one after the other.
fn list_of(statements: impl Iterator<Item = String>) -> String {
    statements.map(|statement| format!("{statement}; ")).collect()
}

fn there(source: &MergeSource) -> String {
    let present = source.present.as_ref();
    present.map(|present| format!(" WHERE m.{}", quoted(present))).unwrap_or_default()
}
