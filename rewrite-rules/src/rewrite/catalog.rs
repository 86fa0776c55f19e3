//! The server's catalogs in FROM: a derived table stands for each that shows a governed table.
//!
//! Sound: it has the catalog's columns with their names, order and types, so every name, star and
//! row in the client's text means what it meant. Three things a derived table lacks are given back:
//! a system column that is named becomes one more output of it, a whole row is cast to the
//! catalog's own type, and GROUP BY the catalog's key is extended by the columns that it determines.
//!
//! Left alone on purpose: catalogs that are written to, locked, sampled, or copied as tables; and views
//! that are being created, whose text would outlive the phase.

use sqlparser::ast::Ident;

use super::occurrence::{Need, Occurrence, Stance};
use super::row::shows_physical_row;
use super::{Relation, Rewriter};
use crate::catalog::RelationName;
use crate::catalog_lens::CatalogLenses;
use crate::lens::Lens;
use crate::name;
use crate::statement::Lexeme;

/// Whether a text with these tokens may read a catalog, or call a function about one.
pub(super) fn is_read(catalogs: &CatalogLenses, lexemes: &[Lexeme]) -> bool {
    let is_named = |name: &str| {
        catalogs.relations.iter().any(|lens| lens.relation.name == name)
            || catalogs.functions.iter().any(|function| function.name == name)
            || (name == "regclass" && !catalogs.gone.is_empty())
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
            None => {
                let reason = "a query that names a system column";
                self.fix(occurrence, reason);
                // It would be the other table's.
                let other = self.occurrences.get(occurrence).and_then(Occurrence::elsewhere);
                if other.is_some() {
                    self.need(occurrence, Need::Shaped, reason);
                }
            }
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
            None if self.occurrences.get(at).is_some_and(|it| it.elsewhere().is_some()) => !derived,
            // Nothing is hidden, now or in another phase.
            None if self
                .occurrences
                .get(at)
                .is_some_and(|it| it.lens.hidden.is_empty() && shows_physical_row(it.lens)) =>
            {
                false
            }
            None => !derived,
        }
    }
}
