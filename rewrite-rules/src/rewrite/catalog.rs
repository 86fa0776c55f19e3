//! The server's catalogs in FROM: a derived table stands for each that shows a governed table.
//!
//! Sound: it has the catalog's columns with their names, order and types, so every name, star and
//! row in the client's text means what it meant. Three things a derived table lacks are given back:
//! a system column that is named becomes one more output of it, a whole row is cast to the
//! catalog's own type, and GROUP BY the catalog's key is extended by the columns that it determines.
//!
//! Left alone on purpose: catalogs that are written to, locked, sampled, or copied as tables; and views
//! that are being created, whose text would outlive the phase.

use std::collections::BTreeSet;
use std::ops::Range;

use sqlparser::ast::{Expr, GroupByExpr, Ident, Select};

use super::occurrence::{Occurrence, Stance};
use super::{Relation, Rewriter};
use crate::catalog::RelationName;
use crate::catalog_lens::CatalogLenses;
use crate::lens::Lens;
use crate::name;
use crate::statement::{Lexeme, start_byte};

/// Columns whose values cannot be compared, so that nothing can be grouped by them.
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

/// Whether a text with these tokens may read a catalog, or call a function about one.
pub(super) fn is_read(catalogs: &CatalogLenses, lexemes: &[Lexeme]) -> bool {
    let is_named = |name: &str| {
        catalogs.relations.iter().any(|lens| lens.relation.name == name)
            || catalogs.functions.iter().any(|function| function.name == name)
    };
    !catalogs.is_empty() && lexemes.iter().filter_map(Lexeme::name).any(|name| is_named(&name))
}

impl Occurrence<'_> {
    /// How a catalog stands.
    pub(super) fn catalog_stance(&self) -> Stance {
        let one_more_would_show = !self.system.is_empty() && self.needs.is_some();
        match self.fixed.is_some() || self.span.is_none() || one_more_would_show {
            true => Stance::AsItIs,
            false => Stance::Derived,
        }
    }

    /// The derived table that stands for a catalog.
    pub(super) fn stand_in(&self) -> Option<String> {
        let query = self.lens.stands_as.as_ref()?;
        let alias = query.alias.as_deref().unwrap_or_default();
        let system: String =
            self.system.iter().map(|column| format!(", {alias}.{column}")).collect();
        let selects = query.selects.iter();
        let selects: Vec<String> =
            selects.map(|select| format!("{}{system}{}", select.list, select.rest)).collect();
        Some(format!("({})", selects.join(" UNION ALL ")))
    }

    /// A row of a catalog as one of its own type.
    pub(super) fn catalog_row(&self) -> Option<String> {
        let Occurrence { lens, reference, .. } = self;
        lens.stands_as.as_ref()?;
        let RelationName { schema, name } = &lens.relation;
        let row_type = format!("{}.{}", name::quoted(schema), name::quoted(name));
        Some(match self.system.is_empty() || self.stance != Stance::Derived {
            true => format!("{reference}::{row_type}"),
            false => {
                let columns = lens.shown().map(|column| column.get.read(&format!("{reference}.")));
                let columns: Vec<String> = columns.collect();
                format!("ROW({})::{row_type}", columns.join(", "))
            }
        })
    }
}

impl<'a> Rewriter<'a> {
    /// The lens of a catalog, if it is not to be shown as it is.
    pub(super) fn catalog_lens(&self, relation: &RelationName) -> Option<&'a Lens> {
        self.catalogs?.relations.iter().find(|lens| lens.relation == *relation)
    }

    /// What a table's name means to a statement that writes to it or copies it: a catalog is then
    /// what is in it.
    pub(super) fn written_relation(&mut self, parts: &[&Ident]) -> Relation<'a> {
        let catalogs = self.catalogs.take();
        let found = self.relation(parts);
        self.catalogs = catalogs;
        found
    }

    /// Whether an occurrence is one of a catalog.
    pub(super) fn is_catalog(&self, occurrence: usize) -> bool {
        self.occurrences.get(occurrence).is_some_and(|found| found.lens.stands_as.is_some())
    }

    /// Notes that a system column is named: only a catalog's derived table can have it.
    pub(super) fn system_column(&mut self, occurrence: usize, column: &str) {
        let found = self.occurrences.get_mut(occurrence);
        let has_it = |found: &&mut Occurrence<'_>| {
            found.lens.stands_as.as_ref().is_some_and(|query| query.alias.is_some())
        };
        match found.filter(has_it) {
            Some(found) => {
                found.system.insert(column.to_owned());
            }
            None => self.fix(occurrence, "a query that names a system column"),
        }
    }

    /// Rows of a catalog that are locked, those of `relation` or all, are those that are in it.
    pub(super) fn lock_catalogs(&mut self, relation: Option<&str>) {
        let sources = self.levels.last().into_iter().flat_map(|level| &level.sources);
        let locked = sources.filter(|source| relation.is_none_or(|name| source.name == name));
        let locked: Vec<usize> = locked.filter_map(|source| source.occurrence).collect();
        for at in locked {
            if self.is_catalog(at) {
                self.fix(at, "row locks");
            }
        }
    }

    /// Whether a `*` over an occurrence must be spelled out.
    pub(super) fn is_spelled_out(&self, at: usize) -> bool {
        let derived = self.stance(at) == Stance::Derived;
        match self.occurrences.get(at).filter(|_| self.is_catalog(at)) {
            // One more column than the catalog has.
            Some(catalog) => derived && !catalog.system.is_empty(),
            None => !derived,
        }
    }

    /// Extends GROUP BY a catalog's key by the columns that the innermost level names: they are
    /// determined by it, but a derived table's key is not known to PostgreSQL.
    ///
    /// `from` is the level's first reference, `grouped` are those in its GROUP BY.
    pub(super) fn group_by_catalog_columns(
        &mut self,
        select: &Select,
        from: usize,
        grouped: Range<usize>,
    ) {
        let GroupByExpr::Expressions(items, _) = &select.group_by else { return };
        let plain =
            |item: &&Expr| !matches!(item, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
        if items.is_empty() || !items.iter().all(|item| plain(&item)) {
            return;
        }
        let own: BTreeSet<usize> = self.levels.last().map_or_else(BTreeSet::new, |level| {
            level.sources.iter().filter_map(|source| source.occurrence).collect()
        });
        for at in own {
            let Some(found) = self.occurrences.get(at).filter(|_| self.is_catalog(at)) else {
                continue;
            };
            let system = &self.generation.catalog().system;
            let key = system.relations.get(&found.lens.relation).map(|it| it.key.as_slice());
            let named = |range: Range<usize>| -> BTreeSet<&str> {
                let references = self.references.get(range).unwrap_or_default();
                let own = references.iter().filter(|reference| reference.occurrence == at);
                own.map(|reference| reference.column.as_str()).collect()
            };
            let in_key = named(grouped.clone());
            let determined = key.is_some_and(|key| {
                !key.is_empty() && key.iter().all(|column| in_key.contains(column.as_str()))
            });
            if !determined {
                continue;
            }
            let missing: Vec<&str> =
                named(from..self.references.len()).difference(&in_key).copied().collect();
            if missing.iter().any(|column| NOT_GROUPABLE.contains(column)) {
                self.fix(at, "GROUP BY the key of a catalog");
                continue;
            }
            let reference = &found.reference;
            let text: String =
                missing.iter().map(|column| format!(", {reference}.{column}")).collect();
            if let Some(end) = self.group_by_end(start_byte(select.select_token.0.span)) {
                self.edits.insert(end, vec![text.into()]);
            }
        }
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
