//! The rows of an INSERT inside `SELECT segue_given.* FROM (rows) segue_given LEFT JOIN LATERAL (…)`,
//! which locks what other tables hold of the same keys.

use super::row::bare;
use super::{Of, Undone, conditions, pair};
use crate::compare::apart::carried::equality;
use crate::compare::{Check, Walk};
use crate::shape::Logical;
use crate::tree::{self, Tree};

impl<'s> Walk<'s> {
    /// An INSERT with the client's rows as they were; nothing where they are changed otherwise.
    pub(super) fn inner_source(&mut self, client: &Tree, own: Tree, of: Of<'s>) -> Undone {
        let named = self.of(client.field("relation"));
        if !own.is("InsertStmt") || !client.is("InsertStmt") {
            return Ok(Some(own));
        }
        if named.is_none_or(|named| named.member.relation != of.member.relation) {
            return Ok(None);
        }
        let wrapped = own.field("select_stmt").filter(|it| given(it).is_some()).cloned();
        let Some(select) = wrapped else {
            let columns: Vec<Option<&Logical>> =
                own.list("cols").iter().map(|it| of.table.column(it.text("name"))).collect();
            let rows = own.field("select_stmt");
            let rows = rows.map(|rows| uncast(client.field("select_stmt"), rows, &columns));
            return Ok(Some(match rows {
                Some(rows) => own.with("select_stmt", rows),
                None => own,
            }));
        };
        let Some(item) = select.list("from_clause").first() else { return Ok(None) };
        let star = tree::expression("segue_given.*").ok();
        let plain =
            matches!(select.list("target_list"), [one] if one.field("val") == star.as_ref());
        if !plain || select.field("where_clause").is_some() {
            return Ok(None);
        }
        let mut item = item;
        let mut names = Vec::new();
        let mut held = Vec::new();
        while item.is("JoinExpr") {
            held.extend(item.field("rarg"));
            match item.field("larg") {
                Some(left) => item = left,
                None => return Ok(None),
            }
        }
        names.extend(item.field("alias").map(|it| it.names("colnames")).unwrap_or_default());
        let Some(rows) = item.field("subquery") else { return Ok(None) };
        let columns: Vec<String> = match own.list("cols") {
            [] => of.table.shown().map(|column| column.name.clone()).collect(),
            cols => cols.iter().map(|it| it.text("name").to_owned()).collect(),
        };
        for beside in held {
            self.holds(of, beside, &columns, &names)?;
        }
        let logical: Vec<Option<&Logical>> =
            columns.iter().map(|name| of.table.column(name)).collect();
        let rows = uncast(client.field("select_stmt"), rows, &logical);
        Ok(Some(own.with("select_stmt", rows)))
    }

    /// `(SELECT … FROM other AS segue_own WHERE segue_own.key = segue_given.key FOR NO KEY UPDATE)`.
    fn holds(&self, of: Of<'s>, beside: &Tree, columns: &[String], names: &[String]) -> Check {
        let Some(query) = beside.field("subquery") else {
            // What makes a row that is there already fail: a function's rows.
            return match beside.is("RangeFunction") {
                true => Ok(()),
                false => self.fail("not a lock of what is there", &"", beside),
            };
        };
        let other = match query.list("from_clause") {
            [range] => self.of(Some(range)),
            _ => None,
        };
        let Some(other) = other.filter(|other| std::ptr::eq(other.joint, of.joint)) else {
            return self.fail("a lock of another table", &"", beside);
        };
        let mut keys = Vec::new();
        for condition in conditions(query.field("where_clause")) {
            let sides = equality(&condition);
            let sides = sides.and_then(|(left, right)| {
                let right = right.field("arg").filter(|_| right.is("TypeCast")).unwrap_or(right);
                Some((pair(left)?, pair(right)?))
            });
            let Some(((_, own), (_, given))) = sides else {
                return self.fail("another row is locked", &"", &condition);
            };
            let at = names.iter().position(|name| *name == given);
            let column = at.and_then(|at| columns.get(at));
            if column.is_none_or(|column| of.member.slot(column) != other.member.slot(&own)) {
                return self.fail("another row is locked", &own, &condition);
            }
            keys.push(own);
        }
        let lock = tree::parse("SELECT FOR NO KEY UPDATE").unwrap_or_default();
        let lock = lock.first().and_then(|it| it.field("locking_clause"));
        self.equal("another lock", lock, query.field("locking_clause"))?;
        match super::alike(&keys, &other.member.key()) {
            true => Ok(()),
            false => self.fail("other rows are locked", &"", beside),
        }
    }
}

/// The derived table of the client's rows.
fn given(select: &Tree) -> Option<&Tree> {
    let [item] = select.list("from_clause") else { return None };
    let mut item = item;
    while item.is("JoinExpr") {
        item = item.field("larg")?;
    }
    let alias = item.field("alias")?;
    item.field("subquery").filter(|_| alias.text("aliasname") == "segue_given")
}

/// The rows without the casts that each value got to its column's type.
fn uncast(client: Option<&Tree>, rows: &Tree, columns: &[Option<&Logical>]) -> Tree {
    let Some(client) = client else { return rows.clone() };
    let cell = |at: usize, before: &Tree, after: &Tree| match columns.get(at) {
        Some(Some(column)) => bare(before, after, column),
        _ => after.clone(),
    };
    let lists = (client.list("values_lists"), rows.list("values_lists"));
    if !lists.0.is_empty() && lists.0.len() == lists.1.len() {
        let row = |(before, after): (&Tree, &Tree)| {
            let cells = before.list("items").iter().zip(after.list("items")).enumerate();
            let cells: Vec<Tree> = cells.map(|(at, (one, other))| cell(at, one, other)).collect();
            match cells.len() == after.list("items").len() {
                true => after.with_list("items", cells),
                false => after.clone(),
            }
        };
        return rows.with_list("values_lists", lists.0.iter().zip(lists.1).map(row).collect());
    }
    let (before, after) = (client.list("target_list"), rows.list("target_list"));
    if before.len() != after.len() {
        return rows.clone();
    }
    let targets = before.iter().zip(after).enumerate().map(|(at, (one, other))| {
        match (one.field("val"), other.field("val")) {
            (Some(before), Some(after)) => other.with("val", cell(at, before, after)),
            _ => other.clone(),
        }
    });
    rows.with_list("target_list", targets.collect())
}
