//! The query of a system view, rewritten like a client's, so that it can stand for the view.
//!
//! Sound: a view is its query. Whoever reads it now needs what the view's owner has: the catalogs
//! that may not be read by all are left to the view, but for `pg_authid`, which `pg_roles` shows.

use sqlparser::ast::{Ident, TableAlias};

use super::Rewriter;
use crate::generation::{Generation, SearchPath, SessionView};
use crate::name;
use crate::shape::Shape;
use crate::statement::{self, end_byte, start_byte};

/// The catalog that only a superuser may read, and what shows it to all.
const ROLES: (&str, &str) = ("pg_authid", "pg_roles");

/// What `definition` becomes for clients of `shape`. `None`: it shows nothing that is migrated, or
/// cannot be read.
pub(crate) fn stand_in(generation: &Generation, shape: Shape, definition: &str) -> Option<String> {
    let text = definition.trim().trim_end_matches(';');
    super::stack::with_stack_for(text, || rewritten(generation, shape, text))
}

fn rewritten(generation: &Generation, shape: Shape, text: &str) -> Option<String> {
    let parsed = statement::read(text, true).ok()?;
    let search_path = SearchPath { schemas: vec!["pg_catalog".to_owned()], temporary: Vec::new() };
    let session = SessionView { shape, ..SessionView::usual(&search_path) };
    let blame = generation.lenses(shape).first()?;
    let mut rewriter = Rewriter::new(generation, text, session, &parsed, blame);
    rewriter.catalogs = Some(generation.catalogs(shape));
    rewriter.of_view = true;
    rewriter.walk(&parsed.statements).ok()?;
    rewriter.check_places().ok()?;
    let shows = rewriter.occurrences.iter().any(|occurrence| occurrence.lens.stands_as.is_some());
    if !shows && rewriter.calls.is_empty() {
        return None;
    }
    Some(rewriter.finish().ok()??.sql)
}

impl Rewriter<'_> {
    /// In a view's query, gives a system relation the schema that it needs in any session.
    pub(super) fn qualify_in_view(
        &mut self,
        parts: &[&Ident],
        alias: Option<&TableAlias>,
        schema: &str,
    ) {
        let ([written], true) = (parts, self.of_view) else { return };
        let called = name::folded(written);
        let (start, end) = (start_byte(written.span), end_byte(written.span));
        if called == ROLES.0 {
            let own = if alias.is_none() { format!(" AS {called}") } else { String::new() };
            let text = format!("{schema}.{}{own}", ROLES.1);
            self.edits.replace(start, end, vec![text.into()]);
        } else {
            self.edits.insert(start, vec![format!("{schema}.").into()]);
        }
    }
}
