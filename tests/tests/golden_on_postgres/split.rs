//! Tables that are split, as the cases' schemas stand in each phase.

use rewrite_rules::Phase;
use rewrite_rules::rule::{Change, SplitTable};
use segue_tests::golden::book::Case;

use super::quoted;

/// The splits that a case's rules are about.
pub(super) fn splits(case: &Case) -> Vec<Split> {
    let rules = case.rules_in(Phase::Expand).expect("the book's rules are valid");
    let of = |change| match change {
        Change::SplitTable(split) => Some(Split(split)),
        _ => None,
    };
    rules.into_iter().filter_map(|rule| of(rule.change)).collect()
}

/// Columns that move to a table of their own.
pub(super) struct Split(SplitTable);

impl Split {
    /// Whether a text names the new table.
    pub(super) fn is_named(&self, sql: &str) -> bool {
        sql.contains(&self.0.into)
    }

    /// Makes it as if the new table had never been. Two splits may share it, in rules that do not compile.
    pub(super) fn forget(&self) -> String {
        format!("DROP TABLE IF EXISTS {} CASCADE", self.0.into)
    }

    /// Fills the new table.
    pub(super) fn fill(&self) -> String {
        let list = |names: Vec<&str>| names.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        let Split(SplitTable { table, into, key, columns }) = self;
        let own = key.pairs().chain(columns.pairs()).map(|(own, _)| own).collect();
        let its = key.pairs().chain(columns.pairs()).map(|(_, its)| its).collect();
        format!("INSERT INTO {into} ({}) SELECT {} FROM {table}", list(its), list(own))
    }

    /// Rows of one table that the other has not, or not so.
    pub(super) fn apart(&self) -> String {
        let Split(SplitTable { table, into, key, columns }) = self;
        let pair =
            |(own, its): (&str, &str)| (format!("t.{}", quoted(own)), format!("p.{}", quoted(its)));
        let all: Vec<_> = key.pairs().chain(columns.pairs()).map(pair).collect();
        let on: Vec<_> = key.pairs().map(pair).map(|(own, its)| format!("{own} = {its}")).collect();
        let (own, its): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        format!(
            "SELECT to_jsonb(t), to_jsonb(p) FROM {table} t FULL JOIN {into} p ON {} \
             WHERE ROW({}) IS DISTINCT FROM ROW({})",
            on.join(" AND "),
            own.join(", "),
            its.join(", ")
        )
    }

    /// The old table's rows.
    pub(super) fn content(&self) -> String {
        format!("SELECT to_jsonb(t) AS row FROM {} t ORDER BY 1", self.0.table)
    }
}
