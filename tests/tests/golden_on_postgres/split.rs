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

/// Whether a line of a case's rows takes halves away, after the new table was filled.
pub(super) fn lacks(case: &Case, row: &str) -> bool {
    splits(case).iter().any(|split| split.is_named(row))
}

/// Whether a case names the new table, some of whose rows are lacking.
pub(super) fn names_lacking(case: &Case) -> bool {
    let mut rows = case.rows.iter().flat_map(|rows| rows.lines());
    rows.any(|row| lacks(case, row)) && lacks(case, &case.client)
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

    /// Rows of one table that the other has not, or not so. `may_lack`: a row that has nothing but NULLs
    /// may be without a half.
    pub(super) fn apart(&self, may_lack: bool) -> String {
        let Split(SplitTable { table, into, key, columns }) = self;
        let pair =
            |(own, its): (&str, &str)| (format!("t.{}", quoted(own)), format!("p.{}", quoted(its)));
        let lacks: Vec<_> = (key.pairs().map(pair).map(|(_, its)| its))
            .chain(columns.pairs().map(pair).map(|(own, _)| own))
            .map(|column| format!("{column} IS NULL"))
            .collect();
        let lacks = if may_lack { lacks.join(" AND ") } else { "false".to_owned() };
        let all: Vec<_> = key.pairs().chain(columns.pairs()).map(pair).collect();
        let on: Vec<_> = key.pairs().map(pair).map(|(own, its)| format!("{own} = {its}")).collect();
        let (own, its): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        format!(
            "SELECT to_jsonb(t), to_jsonb(p) FROM {table} t FULL JOIN {into} p ON {} \
             WHERE ROW({}) IS DISTINCT FROM ROW({}) AND NOT ({lacks})",
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

    /// The rows of both tables as a client of the new shape knows them. `copied`: whether the new one has
    /// them all.
    pub(super) fn halves(&self, copied: bool) -> [String; 2] {
        let Split(SplitTable { table, into, key, columns }) = self;
        let gone: String = columns.pairs().map(|(own, _)| format!(" - '{own}'")).collect();
        let own = format!("SELECT to_jsonb(t){gone} AS row FROM {table} t ORDER BY 1");
        let item = |(own, its): (&str, &str)| format!("'{its}', t.{}", quoted(own));
        let items: Vec<_> = key.pairs().chain(columns.pairs()).map(item).collect();
        let half = match copied {
            true => format!("SELECT to_jsonb(p) AS row FROM {into} p ORDER BY 1"),
            false => {
                let items = items.join(", ");
                format!("SELECT jsonb_build_object({items}) AS row FROM {table} t ORDER BY 1")
            }
        };
        [own, half]
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
