//! What the specification wants of a write: which tables, and which of their columns.

use rewrite_rules::Phase;
use rewrite_rules::catalog::RelationName;

use super::{Of, relation};
use crate::compare::{Check, Walk};
use crate::label::label;
use crate::shape::Logical;
use crate::tables::{Member, Slot, Use, normal};
use crate::tree::Tree;

/// What one table gets: by which statement, and in each column which of what is to be stored; nothing
/// for NULL or the default.
pub(super) type Wanted = Option<(&'static str, Vec<(String, Option<usize>)>)>;

impl<'s> Walk<'s> {
    /// The other tables that get what a write of this one has stored.
    pub(super) fn carried_to(&self, of: Of<'s>) -> Vec<RelationName> {
        if !matches!(of.joint.phase, Phase::DualWrite | Phase::SwitchReads) {
            return Vec::new();
        }
        let others = of.joint.members.iter().filter(|member| {
            let is_other = member.relation != of.member.relation;
            is_other && (!of.joint.merges || member.new != of.member.new)
        });
        others.map(|member| member.relation.clone()).collect()
    }

    /// What an UPDATE stores in a table.
    pub(super) fn updated_in(&self, of: Of<'s>, member: &Member, assigned: &[String]) -> Wanted {
        let own = member.relation == of.member.relation;
        let left = !member.new && of.joint.phase >= Phase::StopDualWrite;
        let column = |(at, name): (usize, &String)| match of.member.slot(name) {
            Some(slot) if !left => Some((member.column(slot)?.to_owned(), Some(at))),
            Some(_) => None,
            // It has never moved.
            None => own.then(|| (name.clone(), Some(at))),
        };
        let columns: Vec<(String, Option<usize>)> =
            assigned.iter().enumerate().filter_map(column).collect();
        // Where a row may be missing it is made.
        let kind = match of.joint.merges {
            true if !member.new => "INSERT",
            false if member.new && !of.member.new => "INSERT",
            _ => "UPDATE",
        };
        (!columns.is_empty()).then_some((kind, columns))
    }

    /// What a DELETE leaves in a table.
    pub(super) fn deleted_in(&self, of: Of<'s>, member: &Member) -> Wanted {
        let own = member.relation == of.member.relation;
        let left = !member.new && of.joint.phase >= Phase::StopDualWrite;
        let blank = || {
            let of_part = |slot: &Slot| match slot {
                Slot::Key(_) => false,
                Slot::Value(part, _) | Slot::Present(part) => Some(*part) == of.member.part,
            };
            let columns = member.slots.iter().filter(|(_, slot)| of_part(slot));
            Some(("UPDATE", columns.map(|(name, _)| (name.clone(), None)).collect()))
        };
        match (of.joint.merges, of.member.new, own) {
            // The new table's rows follow by their foreign key.
            (false, false, true) => Some(("DELETE", Vec::new())),
            (false, false, false) => None,
            (false, true, true) => Some(("DELETE", Vec::new())),
            (false, true, false) if left => None,
            (false, true, false) => blank(),
            (true, false, true) if left => None,
            (true, false, true) => Some(("DELETE", Vec::new())),
            (true, false, false) if member.new => blank(),
            (true, ..) => None,
        }
    }

    /// Nothing else has to be written with it.
    pub(super) fn may_stand_alone(&self, write: &Tree, of: Of<'s>) -> Check {
        let phase = of.joint.phase;
        let moves = |target: &Tree| of.member.slot(target.text("name")).is_some();
        let key = |target: &Tree| matches!(of.member.slot(target.text("name")), Some(Slot::Key(_)));
        let touches = match write.tag() {
            "UpdateStmt" => write.list("target_list").iter().any(moves),
            _ => true,
        };
        let keys_only = write.list("target_list").iter().all(|it| key(it) || !moves(it));
        let follows = !of.joint.merges && !of.member.new;
        let fits = match (phase, write.tag()) {
            (Phase::Expand, _) => true,
            (Phase::StopDualWrite | Phase::Contract, _)
                if of.member.new || of.table.place.other.is_some() =>
            {
                true
            }
            // The foreign key does the rest.
            (_, "DeleteStmt") if follows => true,
            (_, "UpdateStmt") if follows => !touches || keys_only,
            (_, "InsertStmt") if follows => self.shows_no_moved(of),
            (Phase::DualWrite, "UpdateStmt") => !touches,
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => {
                self.fail("it has to be written in more than one table", write, &phase.to_string())
            }
        }
    }

    /// Whether the client knows the table without what moved.
    pub(super) fn shows_no_moved(&self, of: Of<'s>) -> bool {
        of.table
            .shown()
            .all(|column| matches!(of.member.slot(&column.name), None | Some(Slot::Key(_))))
    }

    /// The tables that a client's writes may reach, and those that they must.
    pub(super) fn reach(
        &self,
        writes: &[(&Tree, Of<'s>)],
    ) -> (Vec<RelationName>, Vec<RelationName>) {
        let (mut may, mut must) = (Vec::new(), Vec::new());
        for (write, of) in writes {
            let phase = of.joint.phase;
            for member in &of.joint.members {
                let own = member.relation == of.member.relation;
                let left = of.joint.merges && !member.new && phase >= Phase::StopDualWrite;
                let not_yet = member.new && phase < Phase::DualWrite;
                let other_source = of.joint.merges && !own && !member.new && !of.member.new;
                let alone = of.member.new && phase >= Phase::StopDualWrite;
                if left || not_yet || other_source || (alone && !own) {
                    continue;
                }
                may.push(member.relation.clone());
                // A part that only some rows have, or that a foreign key deletes.
                let inserts = write.is("InsertStmt") && !of.member.new && !self.shows_no_moved(*of);
                if of.joint.merges && !of.member.new || inserts {
                    must.push(member.relation.clone());
                }
            }
        }
        (may, must)
    }

    /// Statements about whole tables; `None` if none of a migration over more than one is among them.
    pub(super) fn whole_tables(&mut self, client: &Tree, output: &Tree) -> Option<Check> {
        let tag = client.tag();
        if tag == "CopyStmt" && client.field("is_from").is_none() {
            self.of(client.field("relation"))?;
            return Some(self.copied_out(client, output));
        }
        if !["TruncateStmt", "LockStmt", "CopyStmt"].contains(&tag) {
            return None;
        }
        let single = client.field("relation").into_iter();
        let ranges: Vec<&Tree> = single.chain(client.list("relations")).collect();
        let own: Vec<Of<'s>> = ranges.iter().filter_map(|range| self.of(Some(range))).collect();
        let first = own.first()?;
        let phase = first.joint.phase;
        self.claims += 1;
        // Each table that is named stays, or its place is taken by others of the same migration.
        let reached = output.nodes().filter(|node| node.is("RangeVar")).map(relation);
        let reached: Vec<RelationName> = reached.collect();
        let foreign = reached.iter().find(|name| {
            self.shape.catalog.relation(name).is_some()
                && !ranges.iter().any(|range| relation(range) == **name)
                && !own.iter().any(|of| of.joint.member(name).is_some())
        });
        if let Some(foreign) = foreign {
            return Some(self.fail("a table that is not named", client, &foreign.to_string()));
        }
        for of in &own {
            let needed = of.joint.members.iter().filter(|member| {
                let own = member.relation == of.member.relation;
                let left = of.joint.merges && !member.new && phase >= Phase::StopDualWrite;
                let alone = of.member.new && phase >= Phase::StopDualWrite && !own;
                let other = of.joint.merges && !member.new && !own && !of.member.new;
                let not_yet = (phase == Phase::Expand || self.shows_no_moved(*of)) && !own;
                // From there on the source is only a name.
                let gone = of.joint.merges && !of.member.new && phase >= Phase::SwitchReads;
                !(left || alone || other || not_yet || gone)
            });
            for member in needed {
                if tag != "CopyStmt" && !reached.contains(&member.relation) {
                    let why = format!("{} is left out", member.relation);
                    return Some(self.fail(&why, client, output));
                }
            }
        }
        Some(Ok(()))
    }

    /// `COPY t TO`: as the query of its columns.
    fn copied_out(&mut self, client: &Tree, output: &Tree) -> Check {
        let Some(of) = self.of(client.field("relation")) else { return Ok(()) };
        let Some(query) = output.field("query") else { return self.same(client, output) };
        let columns = self.copied(client, of.table)?;
        if let Some(found) = self.copied_query(of, query, &columns) {
            found?;
            return self.fields(client, output, &["relation", "attlist", "query"]);
        }
        let names: Vec<String> =
            columns.iter().map(|column| crate::tables::quoted(&column.name)).collect();
        let own = query.list("from_clause").first();
        let alias = own.and_then(|it| it.field("alias")).map(|it| it.text("aliasname"));
        let text = format!(
            "SELECT {} FROM ONLY {}.{}{}",
            names.join(", "),
            crate::tables::quoted(&of.member.relation.schema),
            crate::tables::quoted(&of.member.relation.name),
            alias.map(|it| format!(" AS {}", crate::tables::quoted(it))).unwrap_or_default()
        );
        let expected = crate::tree::parse(&text).unwrap_or_default();
        let Some(expected) = expected.first() else {
            return self.fail("no query", client, output);
        };
        // Whether the schema is said shows nowhere.
        let (expected, query) = (crate::tables::normal(expected), crate::tables::normal(query));
        self.same(&expected, &query)?;
        self.fields(client, output, &["relation", "attlist", "query"])
    }

    /// The query that stands for the table, with the copied columns alone.
    fn copied_query(&self, of: Of<'s>, query: &Tree, columns: &[&Logical]) -> Option<Check> {
        let found = normal(query);
        let rest = found.without("target_list");
        let queries = of.table.place.queries.iter();
        let own = queries
            .filter(|it| matches!(it.for_, Use::Read | Use::Both))
            .find(|it| it.tree.without("target_list") == rest)?;
        let all = own.tree.list("target_list");
        let of_name = |column: &&Logical| {
            all.iter().find(|target| label(target).as_ref() == Some(&column.name)).cloned()
        };
        let expected: Option<Vec<Tree>> = columns.iter().map(of_name).collect();
        Some(match expected.as_deref() == Some(found.list("target_list")) {
            true => Ok(()),
            false => self.fail("other columns are copied", &"", query),
        })
    }
}
