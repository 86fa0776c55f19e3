//! RETURNING of rows whose columns several statements have written.

use super::Rows;
use super::effects::Effect;
use crate::compare::apart::carried::equality;
use crate::compare::apart::{Group, conditions, pair};
use crate::compare::{Check, Difference, Walk};
use crate::label::label;
use crate::tree::Tree;

impl<'s> Walk<'s> {
    /// The client's list, from `SELECT list FROM (SELECT own.was AS a, … FROM row JOIN own …) AS t`;
    /// nothing where it is put together in another way.
    pub(super) fn returned(
        &self,
        rows: &Rows<'s, '_>,
        effects: &[Effect<'s>],
        group: &Group<'_>,
    ) -> Result<Option<Vec<Tree>>, Box<Difference>> {
        let holder = &group.holder;
        let own = group.client.list("returning_list");
        if !holder.is("SelectStmt") {
            if !own.is_empty() {
                self.fail("its rows are lost", group.client, holder)?;
            }
            return Ok(Some(holder.list("returning_list").to_vec()));
        }
        let [item] = holder.list("from_clause") else { return Ok(None) };
        let mut item = item;
        while item.is("JoinExpr") {
            if let Some(beside) = item.field("rarg") {
                self.reads_rows(rows, beside)?;
            }
            match item.field("larg") {
                Some(left) => item = left,
                None => return Ok(None),
            }
        }
        let Some(row) = item.field("subquery") else { return Ok(None) };
        if item.field("alias").map(|it| it.text("aliasname")) != Some(&rows.alias) {
            self.fail("rows under another name", group.client, item)?;
        }
        self.row_again(rows, effects, row)?;
        let mut fields = holder.field_names();
        fields.retain(|field| *field != "target_list");
        if fields != ["from_clause", "limit_option", "op"] {
            self.fail("not all rows are given back", group.client, holder)?;
        }
        Ok(Some(holder.list("target_list").to_vec()))
    }

    /// `LATERAL (SELECT row.from AS a, … FROM row WHERE row.key = t.key) AS other`.
    fn reads_rows(&self, rows: &Rows<'s, '_>, beside: &Tree) -> Check {
        let query = beside.field("subquery");
        let targets = query.map(|it| it.list("target_list")).unwrap_or_default();
        let own = |target: &Tree| {
            let value = target.field("val").and_then(pair);
            value.is_some_and(|(table, column)| {
                table == rows.name && column.starts_with("segue_from_")
            })
        };
        let keys = conditions(query.and_then(|it| it.field("where_clause")));
        let own_key = |(at, condition): (usize, &Tree)| {
            let sides = equality(condition).map(|(left, right)| (pair(left), pair(right)));
            let key =
                rows.of.member.key().get(at).map(|key| (rows.alias.clone(), (*key).to_owned()));
            sides == Some((Some((rows.name.clone(), format!("segue_key_{at}"))), key))
        };
        let fits = beside.field("lateral").is_some()
            && targets.iter().all(own)
            && keys.len() == rows.keys
            && keys.iter().enumerate().all(own_key);
        match fits {
            true => Ok(()),
            false => self.fail("other rows beside it", &rows.name, beside),
        }
    }

    /// The row as it is now: each column from the statement that wrote it, or as it was read.
    fn row_again(&self, rows: &Rows<'s, '_>, effects: &[Effect<'s>], row: &Tree) -> Check {
        let shown: Vec<&str> = rows.of.table.shown().map(|it| it.name.as_str()).collect();
        let targets = row.list("target_list");
        if targets.len() != shown.len() {
            return self.fail("a row of another width", &rows.name, row);
        }
        for (at, (name, target)) in shown.iter().zip(targets).enumerate() {
            let value = target.field("val").and_then(pair);
            let from = value.filter(|(_, column)| *column == format!("segue_was_{at}"));
            let Some((from, _)) = from.filter(|_| label(target).as_deref() == Some(name)) else {
                return self.fail("another column of the row", name, target);
            };
            if from == rows.name {
                if rows.assigned.iter().any(|it| it == name) {
                    return self.fail("the value of before is given back", name, target);
                }
                continue;
            }
            let effect = effects.iter().find(|it| it.name.as_ref() == Some(&from));
            let was = effect.and_then(|it| it.was.iter().find(|(was, _)| *was == at));
            let held = effect.zip(was).is_some_and(|(effect, (_, column))| {
                match rows.of.member.slot(name) {
                    Some(slot) => effect.of.member.slot(column) == Some(slot),
                    None => effect.of.member.relation == rows.of.member.relation && column == name,
                }
            });
            if !held {
                return self.fail("another column is given back", name, target);
            }
        }
        let [from] = row.list("from_clause") else {
            return self.fail("a row of nothing", &rows.name, row);
        };
        let mut from = from;
        while from.is("JoinExpr") {
            let beside = from.field("rarg").map(|it| it.text("relname")).unwrap_or_default();
            let keys = conditions(from.field("quals"));
            let is_key = |(at, condition): (usize, &Tree)| {
                let key = format!("segue_key_{at}");
                let sides = equality(condition).map(|(left, right)| (pair(left), pair(right)));
                let (one, other) = ((beside.to_owned(), key.clone()), (rows.name.clone(), key));
                sides == Some((Some(one.clone()), Some(other.clone())))
                    || sides == Some((Some(other), Some(one)))
            };
            // JOIN_INNER in pg_query's numbering.
            let joined = from.number("jointype") == 1
                && keys.len() == rows.keys
                && keys.iter().enumerate().all(is_key);
            match from.field("larg").filter(|_| joined) {
                Some(left) => from = left,
                None => return self.fail("rows that do not belong together", &rows.name, from),
            }
        }
        let mut fields = row.field_names();
        fields.retain(|field| *field != "target_list");
        match from.text("relname") == rows.name && fields == ["from_clause", "limit_option", "op"] {
            true => Ok(()),
            false => self.fail("not the rows that were read", &rows.name, row),
        }
    }
}
