//! A generation: the immutable set of lenses that a transaction lives in from start to end.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::catalog_lens::CatalogLenses;
use crate::lens::Lens;
use crate::outcome::Outcome;
use crate::phase::Phase;
use crate::prefilter::Prefilter;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::template::Masked;

/// An immutable compiled configuration with a number.
#[derive(Debug)]
pub struct Generation {
    number: u64,
    rules: Vec<Rule>,
    lenses: Lenses,
    catalogs: Catalogs,
    catalog: Arc<Catalog>,
    prefilter: Prefilter,
}

/// The lenses, one per governed table, for clients of each shape.
#[derive(Debug)]
pub(crate) struct Lenses {
    pub(crate) old: Vec<Lens>,
    pub(crate) new: Vec<Lens>,
    /// Of tables that only their names are known of: nobody has made them yet.
    pub(crate) absent: Vec<Lens>,
}

/// What the server's catalogs show to clients of each shape.
#[derive(Debug, Default)]
struct Catalogs {
    old: CatalogLenses,
    new: CatalogLenses,
}

/// What one pass over a text's bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// It may name a governed table: ask [`Generation::rewrite`].
    pub governed: bool,
    /// It may read a catalog that shows a governed table: ask [`Generation::rewrite`], which
    /// refuses nothing that names only catalogs.
    pub catalog: bool,
    /// It may change what names mean in this session (search_path, temporary tables, roles,
    /// standard_conforming_strings …): forget what is known of the session.
    pub session: bool,
    /// It may make, run or drop prepared statements: ask [`crate::prepared_uses`].
    pub prepared: bool,
}

/// What an unqualified name can mean in a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchPath {
    /// `current_schemas(true)`: the effective search path, `pg_catalog` included.
    pub schemas: Vec<String>,
    /// Names of the relations in the session's temporary schema.
    pub temporary: Vec<String>,
}

impl Default for SearchPath {
    fn default() -> Self {
        Self { schemas: vec!["pg_catalog".to_owned(), "public".to_owned()], temporary: Vec::new() }
    }
}

/// What rewriting must know of the session that sent a text.
#[derive(Debug, Clone, Copy)]
pub struct SessionView<'a> {
    /// What unqualified names mean.
    pub search_path: &'a SearchPath,
    /// `standard_conforming_strings`: whether a backslash in `'…'` is an ordinary character.
    pub standard_conforming_strings: bool,
    /// Which shape the client speaks.
    pub shape: Shape,
}

impl<'a> SessionView<'a> {
    /// A session as most are: strings conform, and the client speaks the old shape.
    #[must_use]
    pub fn usual(search_path: &'a SearchPath) -> Self {
        Self { search_path, standard_conforming_strings: true, shape: Shape::Old }
    }
}

impl Generation {
    pub(crate) fn new(number: u64, rules: &[Rule], lenses: Lenses, catalog: Arc<Catalog>) -> Self {
        let catalogs = Catalogs::default();
        let prefilter = Prefilter::new(lenses.old.iter().chain(&lenses.absent), &[]);
        Self { number, rules: rules.to_vec(), lenses, catalogs, catalog, prefilter }
    }

    /// What the server's catalogs show to clients of a shape, while it is worked out.
    pub(crate) fn catalogs_mut(&mut self, shape: Shape) -> &mut CatalogLenses {
        match shape {
            Shape::Old => &mut self.catalogs.old,
            Shape::New => &mut self.catalogs.new,
        }
    }

    /// Looks for those catalogs as well from now on.
    pub(crate) fn look_for_catalogs(&mut self) {
        let catalogs = [&self.catalogs.old, &self.catalogs.new];
        let lenses = self.lenses.old.iter().chain(&self.lenses.absent);
        self.prefilter = Prefilter::new(lenses, &catalogs);
    }

    /// The number that tells generations apart; grows with each.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The rules it was compiled from.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The phase of a migration in this generation.
    #[must_use]
    pub fn phase(&self, migration: &str) -> Option<Phase> {
        self.rules.iter().find(|rule| rule.name == migration).map(|rule| rule.phase)
    }

    /// The lenses for clients of a shape, one per governed table.
    #[must_use]
    pub fn lenses(&self, shape: Shape) -> &[Lens] {
        match shape {
            Shape::Old => &self.lenses.old,
            Shape::New => &self.lenses.new,
        }
    }

    /// Tables that are to be and that the catalog does not have, whatever a client's shape. What the server
    /// has under such a name was made since, and cannot be used before a generation knows it.
    pub(crate) fn absent(&self) -> &[Lens] {
        &self.lenses.absent
    }

    /// What the server's catalogs show to clients of a shape.
    #[must_use]
    pub fn catalogs(&self, shape: Shape) -> &CatalogLenses {
        match shape {
            Shape::Old => &self.catalogs.old,
            Shape::New => &self.catalogs.new,
        }
    }

    /// Whether it governs any table at all, be it one that is yet to be made.
    #[must_use]
    pub fn governs(&self) -> bool {
        !self.lenses.old.is_empty() || !self.lenses.absent.is_empty()
    }

    /// The catalog it was compiled against.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// One pass over the text's bytes, cheap enough for every statement.
    #[must_use]
    pub fn scan(&self, text: &[u8]) -> Scan {
        self.prefilter.scan(text)
    }

    /// The text without its values, if that is all that need be known of it. What a catalog shows may depend on
    /// the names among them. `scan`: what [`Generation::scan`] found in it.
    #[must_use]
    pub fn masked<'t>(&self, text: &'t str, scan: Scan) -> Option<Masked<'t>> {
        if scan.catalog { None } else { Masked::new(text) }
    }

    /// Decides what PostgreSQL should receive for `text`, which may hold several statements.
    #[must_use]
    pub fn rewrite(&self, text: &str, session: SessionView<'_>) -> Outcome {
        crate::rewrite::rewrite(self, text, session)
    }
}
