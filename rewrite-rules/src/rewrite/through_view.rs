//! Writes through a view over a table: PostgreSQL makes them writes of the table itself.

use sqlparser::ast::ObjectName;

use super::{Rewriter, Walk};
use crate::catalog::RelationName;
use crate::lens::Lens;
use crate::name;
use crate::refusal::{Construct, Refusal};

impl Rewriter<'_> {
    /// PostgreSQL writes through a view by itself, and past the lens.
    pub(super) fn no_view(&self, target: &ObjectName) -> Walk<()> {
        self.no_view_of(target, |lens, view| lens.views.contains(view))
    }

    /// A new row would come into one table alone.
    pub(super) fn no_halving_view(&self, target: &ObjectName) -> Walk<()> {
        self.no_view_of(target, |lens, view| {
            lens.views.contains(view) || lens.halving_views.contains(view)
        })
    }

    /// A row that goes by way of a view would leave what moved behind in the old table.
    pub(super) fn no_view_of_half(&self, target: &ObjectName) -> Walk<()> {
        self.no_view_of(target, |lens, view| lens.over.is_some() && lens.views.contains(view))
    }

    fn no_view_of(
        &self,
        target: &ObjectName,
        is_past: impl Fn(&Lens, &RelationName) -> bool,
    ) -> Walk<()> {
        let parts = name::parts(target).unwrap_or_default();
        let Some(found) = self.found(&parts) else { return Ok(()) };
        match self.lenses().iter().find(|lens| is_past(lens, &found)) {
            Some(lens) => Err(Box::new(Refusal::construct(Construct::ThroughView, lens))),
            None => Ok(()),
        }
    }
}
