//! What a write has stored goes on to the other tables: the client's own statement in a CTE, whose
//! RETURNING feeds an upsert of each of them.

use super::{Group, Of, Undone, alike, called, conditions, pair, relation, upsert};
use crate::compare::{Check, Walk, is_plain};
use crate::label::label;
use crate::tables::Slot;
use crate::tree::{self, Tree};

/// The write in a CTE, and what it gives on.
pub(super) struct Written<'s> {
    /// The CTE's name.
    name: String,
    /// The table that it writes.
    of: Of<'s>,
    /// What is stored in each column that it gives on.
    stored: Vec<(String, String)>,
    deletes: bool,
    /// Whether it tells of each of the other tables if there is a row.
    told: bool,
}

impl Written<'_> {
    /// What the column that a reference names holds.
    fn slot(&self, reference: &Tree) -> Option<&Slot> {
        let name = match pair(reference) {
            Some((table, name)) if table == self.name => name,
            Some(_) => return None,
            None => reference.bare_column()?,
        };
        let column = self.stored.iter().find(|(stored, _)| *stored == name)?;
        self.of.member.slot(&column.1)
    }
}

impl<'s> Walk<'s> {
    pub(super) fn carried_group(&mut self, group: &Group<'_>) -> Undone {
        let Some((first, rest)) = group.parts.split_first() else { return Ok(None) };
        let Some(write) = first.field("ctequery") else { return Ok(None) };
        let Some(of) = self.of(write.field("relation")) else { return Ok(None) };
        let names = first.names("aliascolnames");
        let given = names.iter().filter(|name| name.starts_with("segue_given_")).count();
        let Some(count) = names.len().checked_sub(given) else { return Ok(None) };
        let stored = names.get(..count).unwrap_or_default();
        let returning = write.list("returning_list");
        let target = write.field("relation").map(called).unwrap_or_default();
        let mut written = Written {
            name: first.text("ctename").to_owned(),
            of,
            stored: Vec::new(),
            deletes: write.is("DeleteStmt"),
            told: true,
        };
        if returning.len() < count {
            return Ok(None);
        }
        for (name, value) in stored.iter().zip(returning) {
            let value = value.field("val").and_then(pair).filter(|(table, _)| *table == target);
            let Some((_, column)) = value else {
                self.fail("not what is stored", name, &write.list("returning_list"))?;
                return Ok(None);
            };
            written.stored.push((name.clone(), column));
        }
        let head = returning.get(count..).unwrap_or_default();
        let mut carrying: Vec<&Tree> = rest.iter().filter_map(|it| it.field("ctequery")).collect();
        match group.holder.tag() {
            "SelectStmt" => self.given_back(group, &written, given)?,
            _ if given > 0 => self.fail("its rows are lost", group.client, &group.holder)?,
            _ => carrying.push(&group.holder),
        }
        self.carries(&mut written, &carrying, group.client)?;
        let own = match head.is_empty() {
            true => write.without("returning_list"),
            false => write.with_list("returning_list", head.to_vec()),
        };
        self.inner_source(group.client, own, of)
    }

    /// `SELECT segue_given_0 AS a, … FROM segue_written_0`.
    fn given_back(&mut self, group: &Group<'_>, written: &Written<'_>, given: usize) -> Check {
        let holder = &group.holder;
        let targets = holder.list("target_list");
        let from = match holder.list("from_clause") {
            [from] => from.text("relname") == written.name && from.field("alias").is_none(),
            _ => false,
        };
        let fields: &[&str] =
            if targets.is_empty() { &["from_clause"] } else { &["from_clause", "target_list"] };
        if !from || !is_plain(holder, fields) || targets.len() != given {
            return self.fail("not the rows that it gives", group.client, holder);
        }
        for (at, target) in targets.iter().enumerate() {
            let own = target.field("val").and_then(Tree::bare_column);
            if own != Some(format!("segue_given_{at}")) {
                return self.fail("another column of what it gives", group.client, target);
            }
        }
        let names: Vec<String> = targets.iter().filter_map(label).collect();
        let shown = |it: &Tree| match label(it) {
            Some(label) => vec![label],
            None => {
                let own = self.of(group.client.field("relation"));
                let table = own.map(|own| own.table);
                table.into_iter().flat_map(|it| it.shown().map(|it| it.name.clone())).collect()
            }
        };
        let own = group.client.list("returning_list");
        let expected: Vec<String> = own.iter().flat_map(shown).collect();
        // A `*` over several relations shows more than the table's own.
        let alone =
            ["from_clause", "using_clause"].iter().all(|it| group.client.list(it).is_empty());
        if (alone || own.iter().all(|it| label(it).is_some())) && names != expected {
            let (names, expected) = (names.join(", "), expected.join(", "));
            return self.fail("other labels", &expected, &names);
        }
        Ok(())
    }

    /// Each other table that the phase writes gets all that was stored of what it holds, and no other.
    fn carries(&mut self, written: &mut Written<'s>, carrying: &[&Tree], client: &Tree) -> Check {
        let named = self.of(client.field("relation")).map(|named| named.member);
        let part = named.filter(|named| written.of.joint.merges && !named.new);
        let mut others = self.carried_to(written.of);
        // A client of one of the tables that are merged writes its part alone.
        if let Some(part) = part.filter(|_| written.of.member.new) {
            others.retain(|other| *other == part.relation);
            written.told = false;
        }
        let mut reached = Vec::new();
        for statement in carrying {
            let Some(other) = self.of(statement.field("relation")) else {
                return self.fail("another table is written", client, *statement);
            };
            if !others.contains(&other.member.relation) {
                return self.fail("a table that this phase does not write", client, *statement);
            }
            match statement.tag() {
                "InsertStmt" => self.carried_insert(written, other, statement)?,
                "UpdateStmt" => self.carried_update(written, other, statement)?,
                "DeleteStmt" => self.carried_delete(written, other, statement)?,
                _ => return self.fail("not carried", client, *statement),
            }
            // Rows that may have gone from a source are deleted as well as stored.
            let may_go = statement.is("DeleteStmt") && !written.deletes;
            if !may_go {
                reached.push(other.member.relation.clone());
            } else if !is_told(written, other) {
                return self.fail("rows are deleted", client, *statement);
            }
        }
        for other in &others {
            let times = reached.iter().filter(|it| *it == other).count();
            if times != 1 {
                return self.fail(&format!("carried {times} times to {other}"), client, &"");
            }
            let told =
                self.shape.joints.iter().filter_map(|joint| joint.member(other)).any(|member| {
                    !member.new && written.of.member.column(&present(member.part)).is_some()
                }) && written.told;
            let gone = |it: &&&Tree| {
                it.is("DeleteStmt") && it.field("relation").is_some_and(|it| relation(it) == *other)
            };
            let goes = carrying.iter().filter(gone).count();
            if told && !written.deletes && goes != 1 {
                return self.fail("rows that have gone stay", client, &"");
            }
        }
        Ok(())
    }

    /// `INSERT INTO other (…) SELECT stored … FROM written ON CONFLICT (key) DO UPDATE SET …`.
    fn carried_insert(&self, written: &Written<'s>, other: Of<'s>, insert: &Tree) -> Check {
        let Some(select) = insert.field("select_stmt") else {
            return self.fail("not carried from what was stored", &"", insert);
        };
        let told = written.of.member.column(&present(other.member.part));
        let told = told.filter(|_| is_told(written, other));
        let fields: &[&str] = match told {
            Some(_) => &["from_clause", "target_list", "where_clause"],
            None => &["from_clause", "target_list"],
        };
        let condition = select.field("where_clause").and_then(|it| written.slot(it));
        if told.is_some() && condition != Some(&present(other.member.part)) {
            return self.fail("carried whether there is a row or not", &"", insert);
        }
        if !is_plain(select, fields) || !self.reads_written(written, select.list("from_clause")) {
            return self.fail("not carried from what was stored", &"", insert);
        }
        let cols: Vec<String> =
            insert.list("cols").iter().map(|it| it.text("name").to_owned()).collect();
        let values = select.list("target_list");
        if cols.len() != values.len() {
            return self.fail("another number of columns than values", &"", insert);
        }
        for (column, value) in cols.iter().zip(values) {
            let slot = other.member.slot(column);
            let value = value.field("val");
            let is_same = match slot {
                Some(Slot::Present(part)) if written.of.member.part == Some(*part) => {
                    value == tree::expression("true").ok().as_ref() && !written.deletes
                }
                Some(slot) => value.and_then(|it| written.slot(it)) == Some(slot),
                None => false,
            };
            if !is_same {
                return self.fail("another value is carried", column, insert);
            }
        }
        let (keys, all) = self.to_carry(written, other);
        let inserted: Vec<String> = match written.deletes {
            // The part goes back to its defaults.
            true => keys.clone(),
            false => [keys.clone(), all.clone()].concat(),
        };
        let upserted = upsert(insert);
        let set = upserted.as_ref().is_some_and(|(key, set)| alike(key, &keys) && alike(set, &all));
        const FIELDS: [&str; 5] =
            ["cols", "on_conflict_clause", "override", "relation", "select_stmt"];
        if !alike(&cols, &inserted) || !set || insert.field_names() != FIELDS {
            return self.fail("not all of it is carried", &inserted.join(", "), insert);
        }
        Ok(())
    }

    /// The columns of another table's key, and all others that hold what was stored.
    fn to_carry(&self, written: &Written<'s>, other: Of<'s>) -> (Vec<String>, Vec<String>) {
        let (mut keys, mut all) = (Vec::new(), Vec::new());
        for (name, slot) in &other.member.slots {
            let shared = written.of.member.column(slot).is_some();
            let own = matches!(slot, Slot::Present(part) if written.of.member.part == Some(*part));
            match slot {
                Slot::Key(_) => keys.push(name.clone()),
                Slot::Value(..) | Slot::Present(_) if shared || own => all.push(name.clone()),
                Slot::Value(..) | Slot::Present(_) => {}
            }
        }
        (keys, all)
    }

    /// `UPDATE other AS segue_target SET … FROM written WHERE segue_target.key = written.stored`.
    fn carried_update(&self, written: &Written<'s>, other: Of<'s>, update: &Tree) -> Check {
        let (_, all) = self.to_carry(written, other);
        let mut set = Vec::new();
        for target in update.list("target_list") {
            let name = target.text("name");
            let value = target.field("val").and_then(|it| written.slot(it));
            if value.is_none() || value != other.member.slot(name) {
                return self.fail("another value is carried", &name, update);
            }
            set.push(name.to_owned());
        }
        let fields = ["from_clause", "relation", "target_list", "where_clause"];
        let plain = update.field_names() == fields
            && self.reads_written(written, update.list("from_clause"))
            && self.of_the_row(written, other, update, &[]);
        match plain && alike(&set, &all) {
            true => Ok(()),
            false => self.fail("not all of it is carried", &all.join(", "), update),
        }
    }

    /// `DELETE FROM other AS segue_target USING written WHERE segue_target.key = written.stored`.
    fn carried_delete(&self, written: &Written<'s>, other: Of<'s>, delete: &Tree) -> Check {
        let told = is_told(written, other) && !written.deletes;
        let rest = conditions(delete.field("where_clause"))
            .into_iter()
            .filter(|it| it.is("BoolExpr"))
            .collect::<Vec<_>>();
        let gone = |it: &Tree| {
            // NOT_EXPR in pg_query's numbering.
            let inner = it.list("args").first().filter(|_| it.number("boolop") == 3);
            inner.and_then(|it| written.slot(it)) == Some(&present(other.member.part))
        };
        let fits = match (told, rest.as_slice()) {
            (false, []) => true,
            (true, [one]) => gone(one),
            _ => false,
        };
        let plain = delete.field_names() == ["relation", "using_clause", "where_clause"]
            && self.reads_written(written, delete.list("using_clause"))
            && self.of_the_row(written, other, delete, &rest);
        match plain && fits {
            true => Ok(()),
            false => self.fail("other rows are deleted", &"", delete),
        }
    }

    fn reads_written(&self, written: &Written<'_>, from: &[Tree]) -> bool {
        match from {
            [from] => from.text("relname") == written.name && from.field("alias").is_none(),
            _ => false,
        }
    }

    /// Whether a statement is about the row of the same key, and but for that has these conditions.
    fn of_the_row(
        &self,
        written: &Written<'s>,
        other: Of<'s>,
        statement: &Tree,
        rest: &[Tree],
    ) -> bool {
        let range = statement.field("relation");
        let alias = range.map(called).unwrap_or_default();
        let mut keys: Vec<String> = Vec::new();
        for condition in conditions(statement.field("where_clause")) {
            if rest.contains(&condition) {
                continue;
            }
            let sides = equality(&condition);
            let own = sides.as_ref().and_then(|(left, _)| pair(left));
            let stored = sides.as_ref().and_then(|(_, right)| written.slot(right));
            match own {
                Some((table, column))
                    if table == alias
                        && stored.is_some()
                        && other.member.slot(&column) == stored =>
                {
                    keys.push(column);
                }
                _ => return false,
            }
        }
        alike(&keys, &other.member.key())
    }
}

/// Both sides of `a = b`.
pub(super) fn equality(condition: &Tree) -> Option<(&Tree, &Tree)> {
    // AEXPR_OP in pg_query's numbering.
    let is_equal =
        condition.is("AExpr") && condition.number("kind") == 1 && condition.names("name") == ["="];
    condition.field("lexpr").zip(condition.field("rexpr")).filter(|_| is_equal)
}

/// The column that tells whether there is a row of a part.
fn present(part: Option<usize>) -> Slot {
    Slot::Present(part.unwrap_or(usize::MAX))
}

/// Whether the table that was written tells whether there is a row of the other one.
fn is_told(written: &Written<'_>, other: Of<'_>) -> bool {
    written.told
        && written.of.joint.merges
        && written.of.member.new
        && written.of.member.column(&present(other.member.part)).is_some()
}
