//! GROUP BY a key: PostgreSQL takes a table's other columns as determined by its key, but not a derived
//! table's. So they are grouped by as well, which changes no group.

use std::collections::BTreeSet;
use std::ops::Range;

use sqlparser::ast::{Expr, GroupByExpr, Select};

use super::Rewriter;
use super::star::Element;
use crate::lens::Lens;
use crate::name;
use crate::statement::start_byte;

/// Columns of catalogs whose values cannot be compared, so that nothing can be grouped by them.
const NOT_GROUPABLE: [&str; 12] = [
    "adbin",
    "attmissingval",
    "conbin",
    "ev_action",
    "ev_qual",
    "indexprs",
    "indpred",
    "partexprs",
    "polqual",
    "polwithcheck",
    "stxexprs",
    "tgqual",
];

/// Types of which the same is true.
const NOT_COMPARABLE: [&str; 7] = ["json", "xml", "point", "polygon", "line", "path", "box"];

impl Rewriter<'_> {
    /// Extends GROUP BY the key of what becomes a derived table by the columns that the innermost level
    /// names.
    ///
    /// `from` is the level's first reference, `grouped` are those in its GROUP BY.
    pub(super) fn group_by_determined_columns(
        &mut self,
        select: &Select,
        from: usize,
        grouped: Range<usize>,
    ) {
        let GroupByExpr::Expressions(items, _) = &select.group_by else { return };
        if items.is_empty() {
            return;
        }
        let plain =
            |item: &&Expr| !matches!(item, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
        let is_plain = items.iter().all(|item| plain(&item));
        let own: BTreeSet<usize> = self.levels.last().map_or_else(BTreeSet::new, |level| {
            level.sources.iter().filter_map(|source| source.occurrence).collect()
        });
        for at in own {
            let is_catalog = self.is_catalog(at);
            if !is_catalog && !self.reads_beside(at) {
                self.fix(at, "a query with GROUP BY");
                continue;
            }
            let in_key = self.named(at, grouped.clone());
            if !is_plain || !self.is_determined(at, &in_key) {
                continue;
            }
            let Some(found) = self.occurrences.get(at) else { continue };
            let mut named = self.named(at, from..self.references.len());
            let starred = |element: &Element| matches!(element, Element::Governed(it) if *it == at);
            if self.stars.iter().any(|star| star.elements.iter().any(starred)) {
                named.extend(found.lens.shown().map(|column| column.name.clone()));
            }
            let missing: Vec<&String> = named.difference(&in_key).collect();
            if missing.iter().any(|column| !is_comparable(found.lens, column, is_catalog)) {
                self.fix(at, "GROUP BY the key");
                continue;
            }
            let reference = &found.reference;
            let column = |column: &&String| format!(", {reference}.{}", name::quoted(column));
            let text: String = missing.iter().map(column).collect();
            if let Some(end) = self.group_by_end(start_byte(select.select_token.0.span)) {
                self.edits.insert(end, vec![text.into()]);
            }
        }
    }

    /// The columns of an occurrence that some references name.
    fn named(&self, at: usize, references: Range<usize>) -> BTreeSet<String> {
        let references = self.references.get(references).unwrap_or_default();
        let own = references.iter().filter(|reference| reference.occurrence == at);
        own.map(|reference| reference.column.clone()).collect()
    }

    /// Whether PostgreSQL takes these for all of the table's primary key.
    fn is_determined(&self, at: usize, columns: &BTreeSet<String>) -> bool {
        let Some(found) = self.occurrences.get(at) else { return false };
        let (catalog, relation) = (self.generation.catalog(), &found.lens.relation);
        let of_catalog = catalog.system.relations.get(relation).map(|it| it.key.as_slice());
        let primary = || {
            let keys = catalog.relation(relation).into_iter().flat_map(|table| &table.keys);
            keys.filter(|key| key.primary).map(|key| key.columns.as_slice()).next()
        };
        let key = if self.is_catalog(at) { of_catalog } else { primary() };
        key.is_some_and(|key| !key.is_empty() && key.iter().all(|column| columns.contains(column)))
    }

    /// Where the GROUP BY list ends of the SELECT that stands at `byte`.
    fn group_by_end(&self, byte: usize) -> Option<usize> {
        let mut at = self.keyword_behind(self.lexeme_at(byte), "group")?;
        // WITHIN GROUP (…) is no clause.
        while self.lexeme(at + 1).is_some_and(|next| !next.is_word("by")) {
            at = self.keyword_behind(at + 1, "group")?;
        }
        self.list(at + 2).last().map(|(_, end)| *end)
    }
}

/// Whether something can be grouped by a column.
fn is_comparable(lens: &Lens, column: &str, is_catalog: bool) -> bool {
    match is_catalog {
        true => !NOT_GROUPABLE.contains(&column),
        false => {
            let known = lens.column(column);
            known.is_some_and(|known| !NOT_COMPARABLE.contains(&known.base_type.as_str()))
        }
    }
}
