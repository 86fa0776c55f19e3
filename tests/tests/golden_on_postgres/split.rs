//! Tables that are split, as the cases' schemas stand in each phase.

use rewrite_rules::rule::{Change, SplitTable};
use rewrite_rules::{Phase, Shape as ClientShape};
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

/// A line of a case's rows that begins so is run in `dual-write` alone: a backfill would come later.
const BEFORE_THE_BACKFILL: &str = "-- before the backfill: ";

/// A case's rows.
pub(super) struct Rows {
    /// Those of the tables as they were.
    pub(super) old: String,
    /// What takes halves away, once the new table was filled.
    pub(super) lacking: String,
    /// What takes away what was not copied yet.
    pub(super) uncopied: String,
}

/// Reads them.
pub(super) fn rows(case: &Case) -> Rows {
    let lines = || case.rows.iter().flat_map(|rows| rows.lines());
    let uncopied = lines().filter_map(|line| line.strip_prefix(BEFORE_THE_BACKFILL));
    let others = || lines().filter(|line| !line.starts_with(BEFORE_THE_BACKFILL));
    let is_named = |line: &&str| is_named(case, line);
    let text = |lines: Vec<&str>| lines.join("\n");
    Rows {
        old: text(others().filter(|line| !is_named(line)).collect()),
        lacking: text(others().filter(is_named).collect()),
        uncopied: text(uncopied.collect()),
    }
}

/// Whether a text names a case's new table.
fn is_named(case: &Case, text: &str) -> bool {
    splits(case).iter().any(|split| split.is_named(text))
}

/// Whether some rows may be without a half, which has nothing but NULLs then.
pub(super) fn may_lack(case: &Case) -> bool {
    case.shape == ClientShape::New || !rows(case).lacking.is_empty()
}

/// Whether some halves have not been copied yet.
pub(super) fn is_uncopied(case: &Case) -> bool {
    !rows(case).uncopied.is_empty()
}

/// Whether a case names the new table, some of whose rows are lacking.
pub(super) fn names_lacking(case: &Case) -> bool {
    !rows(case).lacking.is_empty() && is_named(case, &case.client)
}

/// Before each row of the new table.
pub(super) const HALF: &str = "half ";

/// Columns that move to a table of their own.
pub(super) struct Split(SplitTable);

impl Split {
    /// Whether a text names the new table.
    pub(super) fn is_named(&self, sql: &str) -> bool {
        sql.contains(&self.0.into)
    }

    /// Whether it goes through all phases, and does not stay in one while others of its case do.
    pub(super) fn ends(&self, case: &Case) -> bool {
        let rules = case.rules_in(Phase::Contract).expect("the book's rules are valid");
        let is_it =
            |change: &Change| matches!(change, Change::SplitTable(it) if it.into == self.0.into);
        rules.iter().any(|rule| rule.phase == Phase::Contract && is_it(&rule.change))
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
    pub(super) fn apart(&self, case: &Case) -> String {
        let Split(SplitTable { table, into, key, columns, .. }) = self;
        let pair =
            |(own, its): (&str, &str)| (format!("t.{}", quoted(own)), format!("p.{}", quoted(its)));
        let lacks: Vec<_> = (key.pairs().map(pair).map(|(_, its)| its))
            .chain(columns.pairs().map(pair).map(|(own, _)| own).filter(|_| !is_uncopied(case)))
            .map(|column| format!("{column} IS NULL"))
            .collect();
        let lacks = if may_lack(case) { lacks.join(" AND ") } else { "false".to_owned() };
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

    /// The rows of both tables as a client of the new shape knows them. `is_copied`:
    /// whether the new one has them all.
    pub(super) fn halves(&self, splits: &[Self], is_copied: bool) -> [String; 2] {
        let Split(SplitTable { table, into, key, columns, .. }) = self;
        let same = splits.iter().filter(|other| other.0.table == *table);
        let gone = same.flat_map(|other| other.0.columns.pairs());
        let gone: String = gone.map(|(own, _)| format!(" - '{own}'")).collect();
        let own = format!("SELECT to_jsonb(t){gone} AS row FROM {table} t ORDER BY 1");
        let item = |(own, its): (&str, &str)| format!("'{its}', t.{}", quoted(own));
        let items: Vec<_> = key.pairs().chain(columns.pairs()).map(item).collect();
        let half = match is_copied {
            true => format!("SELECT '{HALF}' || to_jsonb(p)::text AS row FROM {into} p ORDER BY 1"),
            false => {
                let (on, items) = (self.on(), items.join(", "));
                let is_there: Vec<_> = (columns.pairs())
                    .map(|(own, _)| format!("t.{} IS NOT NULL", quoted(own)))
                    .chain(key.pairs().map(|(_, its)| format!("p.{} IS NOT NULL", quoted(its))))
                    .collect();
                format!(
                    "SELECT '{HALF}' || jsonb_build_object({items})::text AS row \
                     FROM {table} t LEFT JOIN {into} p ON {on} WHERE {} ORDER BY 1",
                    is_there.join(" OR ")
                )
            }
        };
        [own, half]
    }

    fn on(&self) -> String {
        let pair = |(own, its): (&str, &str)| format!("t.{} = p.{}", quoted(own), quoted(its));
        self.0.key.pairs().map(pair).collect::<Vec<_>>().join(" AND ")
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
pub(super) fn content_apart(splits: &[Split], may_lack: bool) -> Vec<String> {
    splits
        .iter()
        .map(|split| {
            let same = splits.iter().filter(|other| other.0.table == split.0.table);
            let moved: Vec<_> = same.enumerate().map(|(at, other)| other.moved(at)).collect();
            let is_there = (0..moved.len()).map(|at| format!("p{at}.ctid IS NOT NULL"));
            let is_there = is_there.filter(|_| !may_lack);
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
