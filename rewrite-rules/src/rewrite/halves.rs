//! Rows whose other half may be missing, where they are locked: PostgreSQL locks nothing on the nullable side of
//! an outer join. So such rows are two queries: those that have their half, and those that have not.

use super::joined::{alias, belongs, relation};
use super::star::{Element, labelled};
use super::{Occurrence, Rewriter};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;

/// More tables beside would make too many queries of one: there are eight of a table that is split into three.
const MOST_BESIDE: usize = 3;

/// The same of tables that are merged: there are 31 of five, which PostgreSQL plans in tens of milliseconds.
const MOST_MERGED: usize = 5;

/// What the table itself is called inside.
const OWN: &str = "segue_own";

/// A client's clause that locks rows, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct LockClause {
    /// `FOR UPDATE SKIP LOCKED`, without the relations that it names.
    pub(super) text: String,
    pub(super) span: (usize, usize),
}

impl Lens {
    /// Whether rows that are locked would be more queries than are made of one.
    pub(super) fn has_too_many_parts(&self) -> bool {
        self.places_apart().len() > if self.is_merged() { MOST_MERGED } else { MOST_BESIDE }
    }
}

impl Occurrence<'_> {
    /// The queries that stand for it: one with all halves, and one for each way to lack some.
    pub(super) fn arms(&self, table: &str, rewriter: &Rewriter<'_>) -> Vec<String> {
        let lens: &Lens = self.lens;
        if lens.is_gathered() {
            return self.gathered_arms();
        }
        let places = lens.places_apart();
        (0..1_usize << places.len().min(MOST_MERGED))
            .map(|lacking| {
                let lacks = |place: usize| {
                    let at = places.iter().position(|it| *it == place);
                    at.is_some_and(|at| lacking & (1 << at) != 0)
                };
                self.arm(table, &places, lacks, rewriter)
            })
            .collect()
    }

    fn arm(
        &self,
        table: &str,
        places: &[usize],
        lacks: impl Fn(usize) -> bool,
        rewriter: &Rewriter<'_>,
    ) -> String {
        let lens: &Lens = self.lens;
        let item = |column: &LogicalColumn| match self.access(column).beside {
            Some(place) if lacks(place) => {
                format!("{} AS {}", rewriter.typed_null(lens, place, column), quoted(&column.name))
            }
            beside => {
                let from = beside.map_or_else(|| OWN.to_owned(), alias);
                let qualifier = format!("{from}.");
                labelled(self.access(column).read(&qualifier), column, &qualifier)
            }
        };
        let items: Vec<String> = lens.shown().map(item).collect();
        let own = format!("{table} AS {OWN}");
        let (mut from, mut conditions, mut joined) = (own.clone(), Vec::new(), Vec::new());
        let present = lens.among.as_ref().and_then(|among| among.present.as_ref());
        conditions.extend(present.map(|column| format!("{OWN}.{}", quoted(column))));
        for place in places {
            let Some(beside) = lens.beside.get(*place) else { continue };
            let (name, on) = (relation(&beside.relation), belongs(*place, beside));
            match lacks(*place) {
                false => joined.push((format!("{name} AS {}", alias(*place)), on)),
                true => conditions.push(format!(
                    "NOT EXISTS (SELECT 1 FROM {name} AS {} WHERE {on})",
                    alias(*place)
                )),
            }
        }
        // Rows are locked in the order in which their tables stand: the old ones first.
        if lens.is_merged() {
            let tables = joined.iter().map(|(table, _)| table.clone()).chain([own]);
            from = tables.collect::<Vec<String>>().join(", ");
            conditions.extend(joined.into_iter().map(|(_, on)| on));
        } else {
            from.extend(joined.into_iter().map(|(table, on)| format!(" JOIN {table} ON {on}")));
        }
        let condition = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        format!("SELECT {} FROM {from}{condition}", items.join(", "))
    }

    /// The query that stands for it where the client's clause locks its rows.
    pub(super) fn locked(
        &self,
        table: &str,
        clause: &LockClause,
        rewriter: &Rewriter<'_>,
    ) -> String {
        let arms = self.arms(table, rewriter).into_iter().enumerate();
        let arms = arms.map(|(at, arm)| self.lens.locked_arm(at, &arm, &clause.text));
        arms.collect::<Vec<String>>().join(" UNION ALL ")
    }

    /// Only what the table itself holds.
    pub(super) fn own_columns(&self, table: &str) -> String {
        let columns = self.lens.shown().filter(|column| self.access(column).beside.is_none());
        let items: Vec<String> =
            columns.map(|column| labelled(self.access(column).read(""), column, "")).collect();
        format!("SELECT {} FROM {table}{}", items.join(", "), self.lens.only_present(""))
    }
}

impl Rewriter<'_> {
    /// NULL of a moved column's type and collation.
    fn typed_null(&self, lens: &Lens, place: usize, column: &LogicalColumn) -> String {
        let beside = lens.beside.get(place);
        let its = column.get.column.as_str();
        let table = beside.and_then(|it| self.generation.catalog().relation(&it.relation));
        let collation = table.and_then(|table| table.column(its)?.collation.as_ref());
        match (collation, beside) {
            (Some(_), Some(beside)) => {
                let name = relation(&beside.relation);
                format!("(SELECT segue_none.{} FROM {name} AS segue_none WHERE false)", quoted(its))
            }
            (Some(_) | None, _) => format!("NULL::{}", column.type_name),
        }
    }

    /// Whether anything was read of occurrence `at` that only another table holds, since so many references
    /// and rows were noted.
    pub(super) fn has_read_apart(&self, at: usize, (references, rows): (usize, usize)) -> bool {
        let Some(found) = self.occurrences.get(at) else { return false };
        let is_apart = |name: &str| found.lens.column(name).is_some_and(LogicalColumn::is_apart);
        let own = |element: &Element| matches!(element, Element::Governed(it) if *it == at);
        let mut named = self.references.iter().skip(references);
        named.any(|it| it.occurrence == at && is_apart(&it.column))
            || self.rows.iter().skip(rows).any(|row| row.occurrence == at)
            || self.stars.iter().any(|star| star.elements.iter().any(own))
            || found.needs.is_some()
    }

    /// ` FOR UPDATE OF u) AS segue_arm_0 UNION ALL SELECT * FROM (SELECT …) AS segue_arm_1 …`: the same of the
    /// rows that lack a half. `items` stand before FROM, `behind` are bytes behind the target.
    pub(super) fn other_arms(
        &self,
        at: usize,
        lock: &str,
        items: &[Piece],
        behind: Option<(usize, usize)>,
    ) -> Vec<Piece> {
        let Some(found) = self.occurrences.get(at) else { return Vec::new() };
        let lock = format!("{lock}) AS segue_arm_");
        let arms = found.arms(&relation(found.lens.physical()), self);
        let mut pieces: Vec<Piece> = vec![format!("{lock}0").into()];
        for (number, arm) in arms.iter().enumerate().skip(1) {
            pieces.push(" UNION ALL SELECT * FROM (SELECT ".into());
            pieces.extend(items.iter().cloned());
            pieces.push(format!(" FROM ({arm}) AS {}", found.reference).into());
            if let Some((from, to)) = behind {
                pieces.push(" ".into());
                pieces.push(Piece::Copy(from, to));
            }
            pieces.push(format!("{lock}{number}").into());
        }
        pieces
    }

    /// Bytes from the first of these clauses that there is to the end of the statement, or to RETURNING.
    pub(super) fn clauses<'w>(
        &self,
        first: usize,
        words: impl Iterator<Item = &'w str>,
    ) -> Option<(usize, usize)> {
        let found = words.filter_map(|word| self.keyword_behind(first, word));
        let start = found.min().filter(|at| *at < self.statement_end(first))?;
        let returning = self.keyword_behind(first, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(first));
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last))?;
        Some((self.lexeme(start)?.start, last.end))
    }
}
