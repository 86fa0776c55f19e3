//! The name that PostgreSQL gives an output column without AS (PostgreSQL manual, SELECT, "SELECT
//! List": a column's, a function's or a type's name, or `?column?`).

use crate::tree::{Part, Tree};

/// The name of a column of a select list; `None` for a `*`.
#[must_use]
pub fn label(target: &Tree) -> Option<String> {
    if !target.text("name").is_empty() {
        return Some(target.text("name").to_owned());
    }
    let value = target.field("val")?;
    if is_star(value) {
        return None;
    }
    Some(named(value).map_or_else(|| "?column?".to_owned(), |(name, _)| name))
}

/// Whether an expression is `*`, `t.*` or `(row).*`.
#[must_use]
pub fn is_star(value: &Tree) -> bool {
    let parts =
        if value.is("ColumnRef") { value.list("fields") } else { value.list("indirection") };
    parts.last().is_some_and(|last| last.is("AStar"))
}

/// A name, and whether it is better than that of a type around it.
fn named(value: &Tree) -> Option<(String, bool)> {
    let word = |word: &str| Some((word.to_owned(), true));
    match value.tag() {
        "ColumnRef" => match value.column()?.pop()? {
            Part::Name(name) => Some((name, true)),
            Part::Star => None,
        },
        "AIndirection" => {
            let fields = value.list("indirection").iter().rev();
            let mut names = fields.filter(|field| field.is("String"));
            match names.next() {
                Some(field) => Some((field.text("sval").to_owned(), true)),
                None => named(value.field("arg")?),
            }
        }
        "FuncCall" => Some((value.names("funcname").pop()?, true)),
        // AEXPR_NULLIF in pg_query's numbering.
        "AExpr" if value.number("kind") == 6 => word("nullif"),
        "TypeCast" => match value.field("arg").and_then(named) {
            Some((name, true)) => Some((name, true)),
            weak => {
                let name = value.field("type_name")?.names("names").pop();
                name.map(|name| (name, false)).or(weak)
            }
        },
        "CollateClause" => named(value.field("arg")?),
        "GroupingFunc" => word("grouping"),
        "MergeSupportFunc" => word("merge_action"),
        "SubLink" => match value.number("sub_link_type") {
            // EXISTS, a single value, ARRAY: in pg_query's numbering.
            1 => word("exists"),
            5 => {
                let mut select = value.field("subselect")?;
                while let Some(left) = select.field("larg") {
                    select = left;
                }
                match select.list("values_lists") {
                    [] => label(select.list("target_list").first()?).map(|name| (name, true)),
                    _ => word("column1"),
                }
            }
            7 => word("array"),
            _ => None,
        },
        "CaseExpr" => match value.field("defresult").and_then(named) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        "AArrayExpr" => word("array"),
        "RowExpr" => word("row"),
        "CoalesceExpr" => word("coalesce"),
        "MinMaxExpr" => word(if value.number("op") == 1 { "greatest" } else { "least" }),
        _ => None,
    }
}
