//! May an expression be evaluated twice in one statement with one result?
//!
//! Sound: literals, parameters, column references, and calls of functions that the catalog marks
//! immutable or stable give the same value each time within a statement. A sub-select does not
//! count as safe: without ORDER BY a second scan may meet rows in another order.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, Visit, Visitor};

use crate::catalog::{Catalog, Volatility};
use crate::name;

/// Constructs that look like calls but stand in no catalog. All are stable or tamer.
const BUILT_IN: [&str; 26] = [
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "row",
    "array",
    "cast",
    "grouping",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_user",
    "current_role",
    "session_user",
    "user",
    "current_catalog",
    "current_schema",
    "extract",
    "position",
    "substring",
    "overlay",
    "trim",
    "normalize",
    "xmlelement",
];

/// Whether `expression` gives one value however often the statement evaluates it.
pub(crate) fn may_repeat(expression: &Expr, catalog: &Catalog) -> bool {
    expression.visit(&mut Repeatable { catalog }).is_continue()
}

/// Whether there is a sub-select in `expression`.
pub(crate) fn has_query(expression: &Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();
        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expression.visit(&mut Queries).is_break()
}

struct Repeatable<'a> {
    catalog: &'a Catalog,
}

impl Visitor for Repeatable<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expression else { return ControlFlow::Continue(()) };
        let Some(called) = name::parts(&function.name).and_then(|parts| parts.last().copied())
        else {
            return ControlFlow::Break(());
        };
        let called = name::folded(called);
        let known = self.catalog.functions.get(&called);
        let tame = match known {
            Some(volatility) => *volatility < Volatility::Volatile,
            None => BUILT_IN.contains(&called.as_str()),
        };
        if tame { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
