//! Whether a value may stand in a statement twice.

use sqlparser::ast::{Expr, Update};

use super::Rewriter;
use crate::volatility::{
    does_more, finds_the_same, gives_the_same, has_volatile_operator, may_repeat,
};

impl Rewriter<'_> {
    /// Whether `expression` gives one value however often the statement evaluates it.
    pub(super) fn may_repeat(&self, expression: &Expr) -> bool {
        let catalog = self.generation.catalog();
        may_repeat(expression, catalog) && !has_volatile_operator(self.text, self.lexemes, catalog)
    }

    /// Whether nothing else happens when `expression` is evaluated, sub-selects included.
    pub(super) fn is_tame(&self, expression: &Expr) -> bool {
        let catalog = self.generation.catalog();
        !does_more(expression, catalog) && !has_volatile_operator(self.text, self.lexemes, catalog)
    }

    /// Whether FROM and WHERE of an UPDATE find the same rows however often the statement evaluates them.
    pub(super) fn finds_the_same(&self, update: &Update) -> bool {
        let catalog = self.generation.catalog();
        finds_the_same(update, catalog) && !has_volatile_operator(self.text, self.lexemes, catalog)
    }

    /// Whether `expression`, sub-selects included, gives the same rows however often the statement evaluates it.
    pub(super) fn gives_the_same(&self, expression: &Expr) -> bool {
        let catalog = self.generation.catalog();
        gives_the_same(expression, catalog)
            && !has_volatile_operator(self.text, self.lexemes, catalog)
    }
}
