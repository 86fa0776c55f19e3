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
        let Split(SplitTable { table, into, key, columns, .. }) = self;
        let own = key.pairs().chain(columns.pairs()).map(|(own, _)| own).collect();
        let its = key.pairs().chain(columns.pairs()).map(|(_, its)| its).collect();
        format!("INSERT INTO {into} ({}) SELECT {} FROM {table}", list(its), list(own))
    }

    /// Rows of one table that the other has not, or not so.
    pub(super) fn apart(&self) -> String {
        let Split(SplitTable { table, into, key, columns, .. }) = self;
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

    /// What the old table held: nothing may read it there any more.
    pub(super) fn leave(&self) -> String {
        let columns = self.0.columns.pairs().map(|(own, _)| format!("{} = DEFAULT", quoted(own)));
        format!("UPDATE {} SET {}", self.0.table, columns.collect::<Vec<_>>().join(", "))
    }

    /// Takes the columns that moved away.
    pub(super) fn contract(&self) -> String {
        let columns = self.0.columns.pairs();
        let drops = columns.map(|(own, _)| format!("DROP COLUMN {} CASCADE", quoted(own)));
        format!("ALTER TABLE {} {}", self.0.table, drops.collect::<Vec<_>>().join(", "))
    }

    /// The old table's rows.
    pub(super) fn content(&self) -> String {
        format!("SELECT to_jsonb(t) AS row FROM {} t ORDER BY 1", self.0.table)
    }

    /// The columns that moved, as an object, and how their table is joined; `at` tells it from others.
    fn moved(&self, at: usize) -> (String, String) {
        let Split(SplitTable { into, key, columns, .. }) = self;
        let pair = |(own, its): (&str, &str)| format!("t.{} = p{at}.{}", quoted(own), quoted(its));
        let on: Vec<_> = key.pairs().map(pair).collect();
        let item = |(own, its): (&str, &str)| format!("'{own}', p{at}.{}", quoted(its));
        let items: Vec<_> = columns.pairs().map(item).collect();
        let join = format!("FULL JOIN {into} p{at} ON {}", on.join(" AND "));
        (format!("jsonb_build_object({})", items.join(", ")), join)
    }
}

/// The rows of each table that is split, where only the new ones hold what moved; NULL for a half that
/// lacks another one.
pub(super) fn content_apart(splits: &[Split]) -> Vec<String> {
    splits
        .iter()
        .map(|split| {
            let same = splits.iter().filter(|other| other.0.table == split.0.table);
            let moved: Vec<_> = same.enumerate().map(|(at, other)| other.moved(at)).collect();
            let is_there = (0..moved.len()).map(|at| format!("p{at}.ctid IS NOT NULL"));
            let is_there: Vec<_> =
                std::iter::once("t.ctid IS NOT NULL".to_owned()).chain(is_there).collect();
            let objects: Vec<_> = moved.iter().map(|(object, _)| object.as_str()).collect();
            let joins: Vec<_> = moved.iter().map(|(_, join)| join.as_str()).collect();
            format!(
                "SELECT CASE WHEN {} THEN to_jsonb(t) || {} END AS row FROM {} t {} ORDER BY 1",
                is_there.join(" AND "),
                objects.join(" || "),
                split.0.table,
                joins.join(" ")
            )
        })
        .collect()
}
