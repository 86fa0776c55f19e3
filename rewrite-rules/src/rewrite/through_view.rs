//! Writes through a view over a table: PostgreSQL makes them writes of the table itself.

use sqlparser::ast::ObjectName;

use super::{Rewriter, Walk};
use crate::name;
use crate::refusal::{Construct, Refusal};

impl Rewriter<'_> {
    /// PostgreSQL writes through a view by itself, and past the lens.
    pub(super) fn no_view(&self, target: &ObjectName) -> Walk<()> {
        let parts = name::parts(target).unwrap_or_default();
        let Some(found) = self.found(&parts) else { return Ok(()) };
        match self.lenses().iter().find(|lens| lens.views.contains(&found)) {
            Some(lens) => Err(Box::new(Refusal::construct(Construct::ThroughView, lens))),
            None => Ok(()),
        }
    }

    /// A row that goes by way of a view would leave what moved behind in the old table.
    pub(super) fn no_view_of_half(&self, target: &ObjectName) -> Walk<()> {
        let parts = name::parts(target).unwrap_or_default();
        let Some(found) = self.found(&parts) else { return Ok(()) };
        let mut halves = self.lenses().iter().filter(|lens| lens.over.is_some());
        match halves.find(|lens| lens.views.contains(&found)) {
            Some(lens) => Err(Box::new(Refusal::construct(Construct::ThroughView, lens))),
            None => Ok(()),
        }
    }
}
