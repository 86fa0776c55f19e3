//! Tables beside the one that is walked through: how their rows are found, and how they are written.

use rewrite_rules::name::quoted;

use super::key::{Columns, KeyColumn, Stretch};
use super::want::Found;
use super::way::Way;

/// A table beside, which holds one row for each at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name as SQL writes it.
    pub relation: String,
    /// The columns by which a row is found there: the row's own, and those of that table, unquoted.
    pub key: Vec<(String, String)>,
    /// The columns that are compared, likewise.
    pub columns: Vec<(String, String)>,
    /// A boolean column of that table which tells whether its row stands for one of this, unquoted.
    pub present: Option<String>,
}

/// Another table whose rows are parts of the row beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// It; its columns are paired with those of the row beside.
    pub beside: Beside,
    /// What each of those is where it has no row, as SQL.
    pub blanks: Vec<String>,
    /// The column of the row beside that tells whether it has one, unquoted, and what that is if not.
    pub present: Option<(String, String)>,
}

impl Other {
    /// The columns of the row beside that are its part, quoted, with their values where it is joined as `o`
    /// with its place `at`.
    fn values(&self, at: usize) -> impl Iterator<Item = (String, String)> {
        let value = move |blank: &String, its: &str| {
            format!("CASE WHEN o{at}.segue_key_0 IS NULL THEN {blank} ELSE {its} END")
        };
        let columns = self.beside.columns.iter().zip(&self.blanks).enumerate();
        let columns = columns.map(move |(of, ((column, _), blank))| {
            (quoted(column), value(blank, &format!("o{at}.segue_new_{of}")))
        });
        let present = self.present.iter();
        columns.chain(present.map(move |(column, blank)| (quoted(column), value(blank, "true"))))
    }
}

impl Beside {
    /// It, joined as `o` with its place `at` among those beside: `o0`. The bounds of the stretch are the
    /// parameters from `first` on.
    ///
    /// It is read between the same bounds, which PostgreSQL does not see by itself. None of its columns
    /// keeps its name: an operator's condition names those of the row.
    pub(super) fn joined(
        &self,
        at: usize,
        way: &Way,
        stretch: Stretch<'_>,
        first: usize,
    ) -> String {
        let keys = self.key.iter().map(|(_, its)| its);
        let columns = self.columns.iter().map(|(_, its)| its);
        let named = |prefix: &str, (at, its): (usize, &String)| {
            format!("o.{} AS segue_{prefix}_{at}", quoted(its))
        };
        let keys = keys.enumerate().map(|it| named("key", it));
        let columns = columns.enumerate().map(|it| named("new", it));
        let present = self.present.iter().map(|its| format!("o.{} AS segue_present", quoted(its)));
        let select: Vec<String> = keys.chain(columns).chain(present).collect();
        let same = |(of, (own, _)): (usize, &(String, String))| {
            format!("o{at}.segue_key_{of} = t.{}", quoted(own))
        };
        let same: Vec<String> = self.key.iter().enumerate().map(same).collect();
        format!(
            " LEFT JOIN (SELECT {} FROM {} AS o WHERE {}) AS o{at} ON {}",
            select.join(", "),
            self.relation,
            self.within(&way.key, stretch, first),
            same.join(" AND "),
        )
    }

    /// The bounds of a stretch on this side.
    fn within(&self, key: &Columns, stretch: Stretch<'_>, first: usize) -> String {
        let counterpart = |column: &KeyColumn| {
            let mut pairs = self.key.iter();
            let (_, its) = pairs.find(|(own, _)| *own == column.name)?;
            Some(KeyColumn { name: its.clone(), type_name: column.type_name.clone() })
        };
        let its: Option<Vec<KeyColumn>> = key.0.iter().map(counterpart).collect();
        its.map_or_else(|| "true".to_owned(), |its| Columns(its).within_of("o", stretch, first))
    }

    /// The condition that its row, as `o`, is that of `t`.
    #[must_use]
    pub fn same(&self) -> String {
        let same = |(own, its): &(String, String)| format!("o.{} = t.{}", quoted(its), quoted(own));
        self.key.iter().map(same).collect::<Vec<_>>().join(" AND ")
    }

    /// `(a, b) = (SELECT o.a, o.b FROM … WHERE o.k = t.k)`: NULLs where there is no row.
    #[must_use]
    pub fn fetch(&self) -> String {
        let list = |items: Vec<String>| items.join(", ");
        format!(
            "({}) = (SELECT {} FROM {} AS o WHERE {})",
            list(self.columns.iter().map(|(own, _)| quoted(own)).collect()),
            list(self.columns.iter().map(|(_, its)| format!("o.{}", quoted(its))).collect()),
            self.relation,
            self.same(),
        )
    }

    /// The same with these values, as SQL, where there is no row.
    #[must_use]
    pub fn fetch_or(&self, blanks: &[Option<String>]) -> String {
        let Some((_, key)) = self.key.first().filter(|_| blanks.iter().any(Option::is_some)) else {
            return self.fetch();
        };
        let value = |((_, its), blank): (&(String, String), &Option<String>)| match blank {
            Some(blank) => {
                format!(
                    "CASE WHEN o.{} IS NULL THEN {blank} ELSE o.{} END",
                    quoted(key),
                    quoted(its)
                )
            }
            None => format!("o.{}", quoted(its)),
        };
        let own: Vec<String> = self.columns.iter().map(|(own, _)| quoted(own)).collect();
        let values: Vec<String> = self.columns.iter().zip(blanks).map(value).collect();
        format!(
            "({}) = (SELECT {} FROM (SELECT) AS one LEFT JOIN {} AS o ON {})",
            own.join(", "),
            values.join(", "),
            self.relation,
            self.same(),
        )
    }

    /// Makes rows there of those that are meant; what is there already is written over, or left as it is.
    /// Rows that are new get the parts of `others` too, if those are joined.
    pub(super) fn insert(&self, rows: Found<'_>, writes_over: bool, others: &[Other]) -> String {
        let list = |items: Vec<String>| items.join(", ");
        let key = || self.key.iter().map(|(_, its)| quoted(its));
        let written = || self.columns.iter().map(|(_, its)| its).chain(&self.present);
        let set = |its: &String| format!("{0} = excluded.{0}", quoted(its));
        let on_conflict = match writes_over {
            true => format!("UPDATE SET {}", list(written().map(set).collect())),
            false => "NOTHING".to_owned(),
        };
        let own = self.key.iter().chain(&self.columns).map(|(own, _)| format!("t.{}", quoted(own)));
        let own = own.chain(self.present.iter().map(|_| "true".to_owned()));
        let Found { from, condition, order, others: joined } = rows;
        let others = others.iter().zip(1..).filter(|_| !joined.is_empty());
        let (theirs, values): (Vec<_>, Vec<_>) =
            others.flat_map(|(other, at)| other.values(at)).unzip();
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM {from}{joined} WHERE {condition} ORDER BY {order} \
             ON CONFLICT ({}) DO {on_conflict}",
            self.relation,
            list(key().chain(written().map(|its| quoted(its))).chain(theirs).collect()),
            list(own.chain(values).collect()),
            list(key().collect()),
        )
    }
}
