//! Whether a value may stand in a statement twice.

use sqlparser::ast::Expr;

use super::Rewriter;
use crate::volatility::{has_volatile_operator, may_repeat};

impl Rewriter<'_> {
    /// Whether `expression` gives one value however often the statement evaluates it.
    pub(super) fn may_repeat(&self, expression: &Expr) -> bool {
        let catalog = self.generation.catalog();
        may_repeat(expression, catalog) && !has_volatile_operator(self.text, self.lexemes, catalog)
    }
}
