//! What an UPDATE must know of halves that may be missing: whether it needs them, and what else stands in one
//! that it makes.

use super::Rewriter;
use super::apart::{Apart, Part};
use super::apart_update::Source;
use super::joined::relation;
use crate::catalog::Column;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::outcome::{AGAIN, Raised};

impl Apart<'_> {
    /// The condition that a half which is there already was there when the statement began: what is written of it was
    /// worked out of NULLs otherwise, and the statement must be sent again.
    pub(super) fn unseen(&self, source: Source, beside: Option<usize>) -> String {
        let half = beside.and_then(|place| self.lens.beside.get(place));
        let Some(half) = half.filter(|_| works_out(self.lens, source)) else {
            return String::new();
        };
        let same = half
            .key
            .iter()
            .map(|(_, its)| format!("segue_seen.{0} = {1}.{0}", quoted(its), self.target));
        let key = half.key.first().map(|(_, its)| format!("{}.{}", self.target, quoted(its)));
        format!(
            " WHERE CASE WHEN EXISTS (SELECT 1 FROM {} AS segue_seen WHERE {}) THEN true \
             ELSE CAST(pg_catalog.concat('{AGAIN} ', {}) AS boolean) END",
            relation(&half.relation),
            same.collect::<Vec<String>>().join(" AND "),
            key.unwrap_or_default()
        )
    }
}

/// Whether values or conditions were worked out of halves that may have been missing.
fn works_out(lens: &Lens, source: Source) -> bool {
    source == Source::Arms && !lens.is_merged()
}

impl<'a> Rewriter<'a> {
    /// Notes that the statement may end itself to be sent again.
    pub(super) fn note_unseen(&mut self, apart: &Apart<'_>, parts: &[Part<'_>], source: Source) {
        if works_out(apart.lens, source) && parts.iter().any(|part| part.beside.is_some()) {
            self.replies.entry(self.statement).or_default().raised.push(Raised::again());
        }
    }

    /// Where the rows come from that a statement writes. `noted`: how many references and rows there were
    /// before it. `keeps`: whether it needs what it does not write.
    pub(super) fn source_of_rows(
        &self,
        at: usize,
        apart: &Apart<'_>,
        noted: (usize, usize),
        keeps: bool,
    ) -> Source {
        let shows = apart.returns && apart.lens.shown().any(LogicalColumn::is_apart);
        match keeps || shows || self.has_read_apart(at, noted) {
            _ if apart.lens.over.is_some() => Source::Held,
            // All that belong to a row are locked, whatever is read of them.
            _ if apart.lens.is_merged() => match apart.lens.is_apart() {
                true => Source::Arms,
                false => Source::Held,
            },
            true => Source::Arms,
            false => Source::Own,
        }
    }

    /// Columns that a half must have which is made now, and that have no default there.
    pub(super) fn kept(&self, apart: &Apart<'a>, parts: &[Part<'a>]) -> Vec<&'a LogicalColumn> {
        let lens: &'a Lens = apart.lens;
        if lens.is_merged() {
            return kept_of_merged(lens, parts);
        }
        let is_needed = |column: &&LogicalColumn| {
            let Some(part) = parts.iter().find(|part| part.beside == column.get.beside) else {
                return false;
            };
            let is_set = part.values.iter().any(|(name, _)| *name == column.get.column);
            let its = self.column_beside(lens, column);
            !is_set && its.is_some_and(|its| its.not_null && its.default.is_none())
        };
        match lens.over.is_some() {
            true => Vec::new(),
            false => lens.shown().filter(|column| column.is_apart()).filter(is_needed).collect(),
        }
    }

    /// What else stands in a half that is made now: NULL, whatever its default.
    pub(super) fn blanks<'c>(
        &self,
        apart: &Apart<'c>,
        part: &Part<'_>,
        mut more: Vec<(&'c str, String)>,
    ) -> Vec<(&'c str, String)> {
        let lens: &'c Lens = apart.lens;
        for column in lens.columns.iter().filter(|column| column.get.beside == part.beside) {
            let its = self.column_beside(lens, column);
            let is_set = part.values.iter().any(|(name, _)| *name == column.get.column);
            if !is_set && its.is_some_and(|its| !its.not_null && its.default.is_some()) {
                more.push((&column.get.column, format!("NULL::{}", column.type_name)));
            }
        }
        more
    }

    /// The column of a table beside that holds a logical one.
    pub(super) fn column_beside(&self, lens: &Lens, column: &LogicalColumn) -> Option<&Column> {
        let beside = lens.beside.get(column.get.beside?)?;
        self.generation.catalog().relation(&beside.relation)?.column(&column.get.column)
    }
}

/// A row that has to be made in one of the old tables is made whole, if it is to be there.
fn kept_of_merged<'a>(lens: &'a Lens, parts: &[Part<'a>]) -> Vec<&'a LogicalColumn> {
    let parts = || parts.iter().filter(|part| part.beside.is_some());
    let is_key = |its: &str| lens.beside.iter().any(|it| it.key.iter().any(|(key, _)| key == its));
    let is_kept = |column: &&LogicalColumn| {
        let lacks = |part: &Part<'_>| {
            let its = column.in_table(part.beside);
            its.is_some_and(|its| part.values.iter().all(|(set, _)| *set != its))
        };
        let tells = |part: &Part<'_>| {
            let beside = part.beside.and_then(|place| lens.beside.get(place));
            beside.and_then(|beside| beside.present.as_ref()) == Some(&column.name)
        };
        let is_key = column.in_table(None).is_some_and(is_key);
        !is_key && parts().any(|part| lacks(part) || tells(part))
    };
    lens.shown().filter(is_kept).collect()
}
