//! An SQL expression over the columns of one row, as an operator writes it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArguments, GroupByExpr, Query, SelectItem, SetExpr, Statement, Visit,
    Visitor,
};
use sqlparser::tokenizer::Token;

use super::table::find_table;
use crate::catalog::Catalog;
use crate::lens::Template;
use crate::name;
use crate::statement::{self, Parsed, end_byte, start_byte};
use crate::volatility::{has_volatile_operator, may_repeat};

/// What stands before an expression, only to have it read.
const SELECT: &str = "SELECT ";

/// An SQL expression over the columns of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowValue {
    /// The text before the first column, between each two of them, and behind the last.
    parts: Vec<String>,
    /// The columns that stand between the parts, unquoted.
    columns: Vec<String>,
    is_volatile: bool,
}

impl RowValue {
    /// SQL text of the value, which needs brackets around it; `qualifier` ends with a dot or is
    /// empty.
    #[must_use]
    pub fn read(&self, qualifier: &str) -> String {
        let columns = self.columns.iter().map(|it| format!("{qualifier}{}", name::quoted(it)));
        let mut columns = columns.collect::<Vec<_>>().into_iter();
        self.parts
            .iter()
            .flat_map(|part| [part.clone(), columns.next().unwrap_or_default()])
            .collect()
    }

    /// The columns that it is made of, unquoted, as often as they stand in it.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it may be another one each time: it calls a function that is volatile, or that the
    /// catalog does not know.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.is_volatile
    }

    /// The same as an expression over one value.
    pub(super) fn into_template(self) -> Template {
        Template::new(self.parts)
    }
}

/// An expression over the columns of a table, for example a condition that tells rows apart.
///
/// `table` is written as in SQL.
///
/// # Errors
/// What is wrong with it, or with the table.
pub fn row_value(text: &str, table: &str, catalog: &Catalog) -> Result<RowValue, String> {
    let (_, table) = find_table(table, catalog).map_err(|fault| fault.message)?;
    let allows = |name: &str| match table.column(name) {
        Some(_) => Ok(()),
        None => Err(format!("names \"{name}\", which is no column of the table")),
    };
    read(text, "columns of the table", &allows, catalog)
}

/// Reads an expression that may name what `allows` lets pass, and that is `may_name` in words.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(
    text: &str,
    may_name: &str,
    allows: &dyn Fn(&str) -> Result<(), String>,
    catalog: &Catalog,
) -> Result<RowValue, String> {
    let whole = format!("{SELECT}{text}");
    let parsed = statement::read(&whole, true).ok();
    let parsed = parsed.filter(|parsed| parsed.statements.iter().all(Result::is_ok));
    let parsed = parsed.ok_or("is not an SQL expression".to_owned())?;
    let expression = only_expression(&parsed).ok_or("is not one SQL expression".to_owned())?;
    let mut uses = Uses { may_name, allows, holes: Vec::new() };
    if let ControlFlow::Break(fault) = expression.visit(&mut uses) {
        return Err(fault);
    }
    if parsed.lexemes.iter().any(|lexeme| matches!(lexeme.token, Token::Placeholder(_))) {
        return Err("has a parameter".to_owned());
    }
    if text.contains("--") || text.contains("/*") {
        return Err("has a comment in it".to_owned());
    }
    let is_volatile =
        !may_repeat(expression, catalog) || has_volatile_operator(&whole, &parsed.lexemes, catalog);
    uses.holes.sort_unstable();
    let (mut parts, mut columns) = (Vec::new(), Vec::new());
    let mut from = SELECT.len();
    let mut prefix = String::new();
    for (start, end, column) in uses.holes {
        let next = parsed.lexemes.iter().find(|lexeme| lexeme.start >= end);
        let selected = next.is_some_and(|next| {
            matches!(next.token, Token::Period | Token::LBracket) && next.start >= end
        });
        let (open, close) = if selected { ("(", ")") } else { ("", "") };
        let before = whole.get(from..start).unwrap_or_default();
        parts.push(format!("{prefix}{before}{open}"));
        columns.push(column);
        prefix = close.to_owned();
        from = end;
    }
    parts.push(format!("{prefix}{}", whole.get(from..).unwrap_or_default().trim_end()));
    Ok(RowValue { parts, columns, is_volatile })
}

/// The one expression that the text selects, if it selects nothing else.
fn only_expression(parsed: &Parsed) -> Option<&Expr> {
    let [Ok(Statement::Query(query))] = parsed.statements.as_slice() else { return None };
    let Query { with: None, order_by: None, limit_clause: None, fetch: None, .. } = query.as_ref()
    else {
        return None;
    };
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let plain = select.from.is_empty()
        && select.distinct.is_none()
        && select.into.is_none()
        && select.selection.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(items, _) if items.is_empty())
        && query.locks.is_empty()
        && parsed.pieces.is_empty();
    match select.projection.as_slice() {
        // The item of an empty list takes no room in the text.
        [SelectItem::UnnamedExpr(Expr::Value(value))] if value.span.start == value.span.end => None,
        [SelectItem::UnnamedExpr(expression)] if plain => Some(expression),
        _ => None,
    }
}

/// Where an expression names a column.
struct Uses<'a> {
    may_name: &'a str,
    allows: &'a dyn Fn(&str) -> Result<(), String>,
    holes: Vec<(usize, usize, String)>,
}

impl Visitor for Uses<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        ControlFlow::Break("has a sub-select".to_owned())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<String> {
        match expression {
            Expr::Identifier(ident) => {
                let column = name::folded(ident);
                match (self.allows)(&column) {
                    Ok(()) => {
                        self.holes.push((start_byte(ident.span), end_byte(ident.span), column));
                        ControlFlow::Continue(())
                    }
                    Err(fault) => ControlFlow::Break(fault),
                }
            }
            Expr::CompoundIdentifier(_) | Expr::QualifiedWildcard(..) | Expr::Wildcard(_) => {
                ControlFlow::Break(format!(
                    "has a qualified name or a star, but may name only {}",
                    self.may_name
                ))
            }
            Expr::Function(function) if is_over_rows(function) => {
                ControlFlow::Break("has an aggregate or a window function".to_owned())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Whether a call is written as only one over several rows is. Of others the server knows.
fn is_over_rows(function: &Function) -> bool {
    let arguments = match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment.is_some() || !list.clauses.is_empty()
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => false,
    };
    arguments
        || function.over.is_some()
        || function.filter.is_some()
        || !function.within_group.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Volatility;

    fn value(text: &str) -> Result<RowValue, String> {
        let functions = [("now", Volatility::Stable), ("gen_random_uuid", Volatility::Volatile)];
        let catalog = Catalog {
            functions: functions.into_iter().map(|(name, v)| (name.to_owned(), v)).collect(),
            ..Catalog::default()
        };
        let columns = |name: &str| match name {
            "a" | "b" | "Mixed" => Ok(()),
            other => Err(format!("names \"{other}\"")),
        };
        read(text, "columns of the table", &columns, &catalog)
    }

    #[test]
    fn every_column_is_read_through_its_table() {
        for (text, columns, expected) in [
            ("COALESCE(a, B)", &["a", "b"][..], "COALESCE(t.a, t.b)"),
            ("\"Mixed\" || b[1] || a", &["Mixed", "b", "a"], "t.\"Mixed\" || (t.b)[1] || t.a"),
            ("now()", &[], "now()"),
            (
                "CASE WHEN a THEN b ELSE a END",
                &["a", "b", "a"],
                "CASE WHEN t.a THEN t.b ELSE t.a END",
            ),
        ] {
            let value = value(text).unwrap();
            assert_eq!(value.columns(), columns, "{text}");
            assert_eq!(value.read("t."), expected, "{text}");
            assert!(!value.is_volatile(), "{text}");
        }
        assert_eq!(value("a").unwrap().read(""), "a");
    }

    #[test]
    fn a_condition_may_name_any_column_of_its_table() {
        use crate::catalog::{Column, Oids, Relation, RelationKind, RelationName};
        let columns = vec![Column::new("id", 1, "bigint"), Column::new("seen", 2, "date")];
        let table = Relation {
            kind: RelationKind::Table,
            columns,
            attribute_count: 2,
            keys: Vec::new(),
            building: Vec::new(),
            conditional: Vec::new(),
            before_row_triggers: Vec::new(),
            children: Vec::new(),
            oids: Oids::default(),
        };
        let relations = [(RelationName::new("public", "users"), table)].into();
        let catalog = Catalog { relations, ..Catalog::default() };
        let read = |text, table| row_value(text, table, &catalog).map(|it| it.read("t."));
        assert_eq!(
            read("seen IS NULL AND id > 5", "users"),
            Ok("t.seen IS NULL AND t.id > 5".to_owned())
        );
        assert_eq!(
            read("sen IS NULL", "users"),
            Err("names \"sen\", which is no column of the table".to_owned())
        );
        assert_eq!(
            read("true", "people"),
            Err("table \"public.people\" does not exist".to_owned())
        );
    }

    #[test]
    fn a_value_may_be_another_one_each_time() {
        assert!(value("gen_random_uuid()").unwrap().is_volatile());
        assert!(value("coalesce(a, nobody_knows(b))").unwrap().is_volatile());
    }

    #[test]
    fn it_is_of_one_row() {
        for (text, wrong) in [
            ("", "is not one SQL expression"),
            ("c", "names \"c\""),
            ("t.a", "has a qualified name or a star, but may name only columns of the table"),
            ("(SELECT max(a) FROM t)", "has a sub-select"),
            ("EXISTS (SELECT 1)", "has a sub-select"),
            ("row_number() OVER ()", "has an aggregate or a window function"),
            ("count(a) FILTER (WHERE b)", "has an aggregate or a window function"),
            ("count(DISTINCT a)", "has an aggregate or a window function"),
            ("$1", "has a parameter"),
            ("a -- x", "has a comment in it"),
            ("a, b", "is not one SQL expression"),
        ] {
            assert_eq!(value(text), Err(wrong.to_owned()), "{text}");
        }
    }
}
