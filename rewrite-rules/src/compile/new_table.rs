//! `split-table`, from where a client stands that names the table that columns move to: its rows are those of
//! the old table until they are its own.

use std::sync::Arc;

use super::{lens as lens_of, names, plain, views};
use crate::catalog::{Catalog, Column, Relation, RelationName, Volatility};
use crate::lens::{Access, Beside, End, Lens, LogicalColumn, OpaquePolicy, Over, Rows};
use crate::naming::Names;
use crate::phase::Phase;
use crate::rule::{Change, Rule};
use crate::shape::Shape;

/// The new table's lens, the same to clients of either shape. `None` where it is just what the server has.
pub(super) fn lens(
    rule: &Rule,
    old: &RelationName,
    beside: &Beside,
    catalog: &Catalog,
) -> Option<Lens> {
    let rows = match rule.phase {
        Phase::Expand => Rows::Read,
        Phase::DualWrite => Rows::All,
        Phase::SwitchReads => Rows::Both,
        // The others have no such phase.
        Phase::StopDualWrite | Phase::Contract | Phase::Backfill | Phase::Enforce => return None,
    };
    let Change::SplitTable(split) = &rule.change else { return None };
    // Whatever a write of the old table carries, one of this table reaches both.
    let both = || split.columns.pairs().map(|(own, its)| (own.to_owned(), its.to_owned()));
    let copies = if rows == Rows::Read { Vec::new() } else { both().collect() };
    let beside = &Beside { copies, ..beside.clone() };
    let (table, other) = (catalog.relation(&beside.relation)?, catalog.relation(old)?);
    let key = beside.key.iter();
    let pairs: Vec<(String, String)> = key.cloned().chain(both()).collect();
    let is_paired = |column: &&Column| pairs.iter().any(|(_, its)| *its == column.name);
    let column = |column: &Column| {
        let own = pairs.iter().find(|(_, its)| *its == column.name).map(|(own, _)| own);
        let Some(own) = own else { return (rows == Rows::Both).then(|| only_here(column)) };
        let is_key = beside.key.iter().any(|(key, _)| key == own);
        Some(half_column(column, (own, other.column(own)?), rows, is_key))
    };
    let columns_of = |table: &Relation| -> Vec<String> {
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    let shows = |name: &String| pairs.iter().any(|(own, its)| own == its && own == name);
    let hidden: Vec<String> = match rows {
        Rows::Read | Rows::All => {
            columns_of(other).into_iter().filter(|name| !shows(name)).collect()
        }
        Rows::Both => Vec::new(),
    };
    let itself = Lens {
        migrations: vec![rule.name.clone()],
        beside: vec![back(old, beside)],
        ..lens_of(Shape::Old, &[], (&beside.relation, table), &[], &[], catalog)
    };
    // What is written of it is written to the old table first: errors come from there.
    let mut known = Names::clone(&itself.names);
    known.tables.extend(names::whole(split));
    let lens = Lens {
        columns: table.columns.iter().filter_map(column).collect(),
        hidden_exists: !hidden.is_empty(),
        hidden,
        opaque: OpaquePolicy::Refuse,
        names: Arc::new(known),
        beside: vec![beside.clone()],
        over: Some(Over {
            relation: old.clone(),
            rows,
            others: match rows {
                Rows::Read | Rows::All => names_without(table, is_paired),
                Rows::Both => Vec::new(),
            },
            blank: split.columns.pairs().filter_map(|(own, _)| blank(other.column(own)?)).collect(),
            nullable: split
                .columns
                .pairs()
                .all(|(own, _)| other.column(own).is_some_and(|column| !column.not_null)),
            itself: Box::new(itself.clone()),
        }),
        ..itself
    };
    let views = views::over(table, catalog);
    Some(Lens { views, ..lens })
}

/// What a column of the new table means.
fn half_column(
    column: &Column,
    (own, counterpart): (&str, &Column),
    rows: Rows,
    is_key: bool,
) -> LogicalColumn {
    let there = Access::plain(own);
    let here = Access { beside: Some(0), ..Access::plain(&column.name) };
    let (get, held, put) = match rows {
        Rows::Read | Rows::All => (there.clone(), None, vec![there]),
        Rows::Both if is_key => (Access::plain(&column.name), Some(there.clone()), vec![there]),
        // Both rows are locked, and the new one is what everybody else reads.
        Rows::Both => (Access::plain(&column.name), Some(here.clone()), vec![there, here]),
    };
    let text = |column: &Column| column.default.as_ref().map(|it| it.expression.clone());
    LogicalColumn {
        get,
        held,
        put,
        default_of: String::new(),
        default_is_shared: text(column) == text(counterpart),
        generated: false,
        identity: false,
        ..plain(column)
    }
}

/// A column that has no counterpart in the old table.
fn only_here(column: &Column) -> LogicalColumn {
    let here = Access { beside: Some(0), ..Access::plain(&column.name) };
    LogicalColumn { held: Some(here.clone()), put: vec![here], ..plain(column) }
}

/// What stands in a column of the old table where a client of the new shape has inserted the row alone.
/// `None`: that cannot be told.
fn blank(column: &Column) -> Option<(String, Option<String>)> {
    let name = column.name.clone();
    match &column.default {
        _ if !column.not_null => Some((name, None)),
        None => Some((name, None)),
        Some(default) if default.volatility == Volatility::Volatile => None,
        Some(default) => Some((name, Some(default.expression.clone()))),
    }
}

/// What a write of the new table itself writes to the old one.
fn back(old: &RelationName, beside: &Beside) -> Beside {
    let turned = |pairs: &[(String, String)]| {
        pairs.iter().map(|(own, its)| (its.clone(), own.clone())).collect()
    };
    Beside {
        relation: old.clone(),
        key: turned(&beside.key),
        copies: turned(&beside.copies),
        is_parent: true,
        end: End::Cascades,
        mark: None,
        present: None,
    }
}

fn names_without(table: &Relation, is_paired: impl Fn(&&Column) -> bool) -> Vec<String> {
    let columns = table.columns.iter().filter(|column| !is_paired(column));
    columns.map(|column| column.name.clone()).collect()
}
