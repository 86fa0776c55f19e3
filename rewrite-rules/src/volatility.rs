//! May an expression be evaluated twice in one statement with one result?
//!
//! Sound: literals, parameters, column references, and calls of functions that the catalog marks
//! immutable or stable give the same value each time within a statement. A sub-select does not
//! count as safe: without ORDER BY a second scan may meet rows in another order.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, Distinct, Expr, Ident, ObjectName, Query, Select, TableFactor, Update,
    UpdateTableFromKind, Visit, Visitor,
};

use crate::catalog::{Catalog, Volatility};
use crate::name;
use crate::statement::Lexeme;

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

/// Whether what is called so is known not to be volatile.
pub(crate) fn is_tame(called: &str, catalog: &Catalog) -> bool {
    match catalog.functions.get(called) {
        Some(volatility) => *volatility < Volatility::Volatile,
        None => BUILT_IN.contains(&called),
    }
}

/// Whether `expression` gives one value however often the statement evaluates it.
pub(crate) fn may_repeat(expression: &Expr, catalog: &Catalog) -> bool {
    expression.visit(&mut Repeatable { catalog }).is_continue()
}

/// Whether FROM and WHERE of `update` find the same rows however often the statement evaluates them.
///
/// Sound: sub-selects count here, since all that they give is looked at, whatever its order; not those that give
/// some of it or depend on that order.
pub(crate) fn finds_the_same(update: &Update, catalog: &Catalog) -> bool {
    let mut again = FoundAgain(Repeatable { catalog });
    let from = match &update.from {
        Some(UpdateTableFromKind::AfterSet(items) | UpdateTableFromKind::BeforeSet(items)) => {
            items.as_slice()
        }
        None => &[],
    };
    from.iter().all(|item| item.visit(&mut again).is_continue())
        && update.selection.as_ref().is_none_or(|it| it.visit(&mut again).is_continue())
}

/// The same of what `expression` gives.
pub(crate) fn gives_the_same(expression: &Expr, catalog: &Catalog) -> bool {
    expression.visit(&mut FoundAgain(Repeatable { catalog })).is_continue()
}

/// Whether an operator anywhere in `text` may call a volatile function. A tree does not keep the
/// names of operators, so one of them counts for all expressions of its text.
pub(crate) fn has_volatile_operator(text: &str, lexemes: &[Lexeme], catalog: &Catalog) -> bool {
    !catalog.volatile_operators.is_empty()
        && lexemes
            .iter()
            .filter_map(|lexeme| text.get(lexeme.start..lexeme.end))
            .any(|token| catalog.volatile_operators.contains(token))
}

/// Whether `expression` calls a volatile function or locks rows, in a sub-select or outside.
pub(crate) fn does_more(expression: &Expr, catalog: &Catalog) -> bool {
    struct Calls<'a>(Repeatable<'a>);
    impl Visitor for Calls<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            match query.locks.is_empty() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        }
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            let is_tame = match factor {
                TableFactor::Table { name, args: Some(_), .. }
                | TableFactor::Function { name, .. } => {
                    last(name).is_some_and(|it| self.0.is_tame(it))
                }
                _ => true,
            };
            if is_tame { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            self.0.pre_visit_expr(expression)
        }
    }
    expression.visit(&mut Calls(Repeatable { catalog })).is_break()
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
        let tame = match expression {
            Expr::Function(function) => {
                let parts = name::parts(&function.name);
                parts.and_then(|parts| parts.last().copied()).is_some_and(|it| self.is_tame(it))
            }
            // `row.f` calls f(row) where the row has no such column.
            Expr::CompoundIdentifier(parts) => parts.last().is_none_or(|it| self.may_be_field(it)),
            Expr::CompoundFieldAccess { access_chain, .. } => {
                access_chain.iter().all(|access| match access {
                    AccessExpr::Dot(Expr::Identifier(field)) => self.may_be_field(field),
                    AccessExpr::Dot(_) | AccessExpr::Subscript(_) => true,
                })
            }
            _ => true,
        };
        if tame { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// The same of whole rows, with sub-selects.
struct FoundAgain<'a>(Repeatable<'a>);

impl Visitor for FoundAgain<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let is_whole = query.limit_clause.is_none()
            && query.fetch.is_none()
            && query.locks.is_empty()
            && query.with.is_none();
        if is_whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match &select.distinct {
            Some(Distinct::On(_)) => ControlFlow::Break(()),
            Some(Distinct::Distinct | Distinct::All) | None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let is_same = match factor {
            TableFactor::Table { name, args, sample, .. } => {
                sample.is_none()
                    && (args.is_none() || last(name).is_some_and(|it| self.0.is_tame(it)))
            }
            TableFactor::Derived { sample, .. } => sample.is_none(),
            TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => true,
            _ => false,
        };
        if is_same { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expression
            && (function.over.is_some()
                || last(&function.name).is_some_and(|it| name::folded(it).ends_with("agg")))
        {
            return ControlFlow::Break(());
        }
        self.0.pre_visit_expr(expression)
    }
}

/// What a qualified name ends with.
fn last(name: &ObjectName) -> Option<&Ident> {
    name::parts(name).and_then(|parts| parts.last().copied())
}

impl Repeatable<'_> {
    /// Whether no function of that name is volatile.
    fn is_tame(&self, called: &Ident) -> bool {
        is_tame(&name::folded(called), self.catalog)
    }

    /// Whether what is taken from a row cannot be a volatile function of it.
    fn may_be_field(&self, field: &Ident) -> bool {
        let known = self.catalog.functions.get(&name::folded(field));
        known.is_none_or(|volatility| *volatility < Volatility::Volatile)
    }
}
