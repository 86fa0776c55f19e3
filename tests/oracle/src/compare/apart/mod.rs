//! Writes of tables of a migration over more than one: several statements in a WITH list stand for one
//! of the client's.
//!
//! They are undone: the statement that they stand for is put together from them again, each of them
//! is held against what the specification wants of it, and then the one is compared with the client's like any
//! other.

mod carried;
mod claims;
mod given;
mod row;
mod wants;

use rewrite_rules::catalog::RelationName;

use super::{Check, Difference, Walk};
use crate::shape::Governed;
use crate::tables::{Joint, Member};
use crate::tree::Tree;

/// What the statements of a group stand for: nothing if it is put together in another way.
pub(super) type Undone = Result<Option<Tree>, Box<Difference>>;

/// Statements of a WITH list that stand for one of the client's, with the one that answers for it.
pub(super) struct Group<'t> {
    /// The client's.
    pub(super) client: &'t Tree,
    /// Those in the list, in order.
    pub(super) parts: Vec<&'t Tree>,
    /// The one that has the client's place.
    pub(super) holder: Tree,
}

/// A table of a migration over more than one.
#[derive(Clone, Copy)]
pub(super) struct Of<'s> {
    pub(super) joint: &'s Joint,
    pub(super) member: &'s Member,
    pub(super) table: &'s Governed,
}

const WRITES: [&str; 4] = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];

/// Statements that hold another one.
const AROUND: [&str; 5] =
    ["CopyStmt", "ExplainStmt", "PrepareStmt", "DeclareCursorStmt", "CreateTableAsStmt"];

/// Whether rows are found first and locked one by one, or a query is asked once for several: what stands for the client's query
/// is put together anew, and not undone here.
fn finds_first(output: &Tree) -> bool {
    let is_ours = |name: &str| name.starts_with("segue_found_") || name.starts_with("segue_asked_");
    output.nodes().any(|node| {
        let alias = node.field("alias").map(|alias| alias.text("aliasname")).unwrap_or_default();
        is_ours(alias) || is_ours(node.text("ctename"))
    })
}

/// Whether a CTE is none of the client's.
fn is_ours(name: &str, client: &[String]) -> bool {
    name.starts_with("segue_") && !client.iter().any(|known| known == name)
}

impl<'s> Walk<'s> {
    /// The table of a migration over more than one that a name in a statement means.
    pub(super) fn of(&self, range: Option<&Tree>) -> Option<Of<'s>> {
        let table = self.governed_by(range.filter(|range| range.is("RangeVar"))?)?;
        let shape = self.shape;
        let joint = shape.joints.get(table.joint?)?;
        Some(Of { joint, member: joint.member(&table.relation)?, table })
    }

    /// The client's writes of such tables.
    pub(super) fn joint_writes<'t>(&self, client: &'t Tree) -> Vec<(&'t Tree, Of<'s>)> {
        let writes = client.nodes().filter(|node| WRITES.contains(&node.tag()));
        writes.filter_map(|node| Some((node, self.of(node.field("relation"))?))).collect()
    }

    /// A statement, with whatever stands for it.
    pub(super) fn statement(&mut self, client: &Tree, output: &Tree) -> Check {
        let writes = self.joint_writes(client);
        // A TRUNCATE is held against the tables that it must reach.
        if finds_first(output) && !client.is("TruncateStmt") {
            self.claims += 1;
            return self.claimed(client, output, &writes);
        }
        if writes.is_empty() {
            return match self.whole_tables(client, output) {
                Some(check) => check,
                None => self.same(client, output),
            };
        }
        let mut reached = Vec::new();
        match self.undone(client, output, &mut reached)? {
            Some(undone) => {
                self.same(client, &undone)?;
                let alone = writes.iter().filter(|(write, _)| !reached.contains(&address(write)));
                for (write, of) in alone {
                    self.may_stand_alone(write, *of)?;
                }
                Ok(())
            }
            None => {
                self.claims += 1;
                self.claimed(client, output, &writes)
            }
        }
    }

    /// The client's statement again; nothing if some of it is put together in a way that this does not know.
    fn undone(&mut self, client: &Tree, output: &Tree, reached: &mut Vec<usize>) -> Undone {
        if AROUND.contains(&client.tag()) && client.tag() == output.tag() {
            let (Some(before), Some(after)) = (client.field("query"), output.field("query")) else {
                return Ok(Some(output.clone()));
            };
            let inner = self.undone(before, after, reached)?;
            return Ok(inner.map(|inner| output.with("query", inner)));
        }
        if self.is_in_place(client, output) {
            return Ok(None);
        }
        let known: Vec<String> =
            ctes(client).iter().map(|it| it.text("ctename").to_owned()).collect();
        let is_new = |cte: &Tree| is_ours(cte.text("ctename"), &known);
        if !ctes(output).iter().any(is_new) {
            return self.undone_inside(client, output, reached);
        }
        let counterpart = |name: &str| ctes(client).iter().find(|it| it.text("ctename") == name);
        let mut kept = Vec::new();
        let mut parts: Vec<&Tree> = Vec::new();
        for cte in ctes(output) {
            if is_new(cte) {
                if !parts.is_empty() && starts_group(cte) && !same_group(&parts, cte) {
                    return Ok(None);
                }
                parts.push(cte);
                continue;
            }
            let own = counterpart(cte.text("ctename")).and_then(|it| it.field("ctequery"));
            let (Some(client), Some(holder)) = (own, cte.field("ctequery")) else {
                return Ok(None);
            };
            let query = match parts.is_empty() {
                true => self.undone(client, holder, reached)?,
                false => {
                    let parts = std::mem::take(&mut parts);
                    reached.push(address(client));
                    self.group(&Group { client, parts, holder: holder.clone() })?
                }
            };
            let Some(query) = query else { return Ok(None) };
            kept.push(cte.with("ctequery", query));
        }
        let main = output.without("with_clause");
        let main = match parts.is_empty() {
            true => Some(main),
            false => {
                reached.push(address(client));
                self.group(&Group { client, parts, holder: main })?
            }
        };
        let Some(main) = main else { return Ok(None) };
        Ok(Some(match (output.field("with_clause"), kept.is_empty()) {
            (Some(with), false) => main.with("with_clause", with.with_list("ctes", kept)),
            _ => main,
        }))
    }

    /// Whether rows of a table that is merged are inserted into the new one at once.
    fn is_in_place(&self, client: &Tree, output: &Tree) -> bool {
        let both = self.of(client.field("relation")).zip(self.of(output.field("relation")));
        client.is("InsertStmt")
            && both.is_some_and(|(own, other)| {
                // What moved gets NULL, whatever its default.
                let blank = client != output && !own.joint.merges && !own.member.new;
                if blank && self.shows_no_moved(own) {
                    return true;
                }
                own.joint.merges && own.member.relation != other.member.relation
            })
    }

    /// The same of a statement's own WITH list, where nothing was added.
    fn undone_inside(&mut self, client: &Tree, output: &Tree, reached: &mut Vec<usize>) -> Undone {
        let (ours, theirs) = (ctes(client), ctes(output));
        let Some(with) = output.field("with_clause").filter(|_| ours.len() == theirs.len()) else {
            return Ok(Some(output.clone()));
        };
        let mut kept = Vec::new();
        for (one, other) in ours.iter().zip(theirs) {
            match (one.field("ctequery"), other.field("ctequery")) {
                (Some(before), Some(after)) => match self.undone(before, after, reached)? {
                    Some(query) => kept.push(other.with("ctequery", query)),
                    None => return Ok(None),
                },
                _ => kept.push(other.clone()),
            }
        }
        Ok(Some(output.with("with_clause", with.with_list("ctes", kept))))
    }

    fn group(&mut self, group: &Group<'_>) -> Undone {
        let Some(first) = group.parts.first() else { return Ok(None) };
        let name = first.text("ctename");
        self.path.push(format!("group {name}"));
        let undone = if name.starts_with("segue_written_") {
            self.carried_group(group)?
        } else if name.starts_with("segue_row_") {
            self.row_group(group)?
        } else {
            None
        };
        self.path.pop();
        Ok(undone)
    }
}

/// Which node of the client's tree it is.
fn address(node: &Tree) -> usize {
    std::ptr::from_ref(node) as usize
}

/// The CTEs of a statement.
fn ctes(statement: &Tree) -> &[Tree] {
    statement.field("with_clause").map(|with| with.list("ctes")).unwrap_or_default()
}

/// Whether a CTE is the first of those that stand for a statement.
fn starts_group(cte: &Tree) -> bool {
    ["segue_written_", "segue_row_"].iter().any(|it| cte.text("ctename").starts_with(it))
}

fn same_group(parts: &[&Tree], cte: &Tree) -> bool {
    let number =
        |name: &str| name.split('_').nth(2).and_then(|number| number.parse::<usize>().ok());
    parts.first().is_some_and(|first| {
        number(first.text("ctename")) == number(cte.text("ctename"))
            && first.text("ctename") != cte.text("ctename")
    })
}

/// A table in FROM, or as a target, under its alias.
pub(super) fn called(range: &Tree) -> String {
    let alias = range.field("alias").map(|alias| alias.text("aliasname"));
    alias.unwrap_or(range.text("relname")).to_owned()
}

/// The name of a table, its schema said or not.
pub(super) fn relation(range: &Tree) -> RelationName {
    let schema = match range.text("schemaname") {
        "" => "public",
        schema => schema,
    };
    RelationName::new(schema, range.text("relname"))
}

/// `a.b`, as two names.
pub(super) fn pair(reference: &Tree) -> Option<(String, String)> {
    match reference.column()?.as_slice() {
        [crate::tree::Part::Name(table), crate::tree::Part::Name(column)] => {
            Some((table.clone(), column.clone()))
        }
        _ => None,
    }
}

/// The conditions that an AND joins.
pub(super) fn conditions(condition: Option<&Tree>) -> Vec<Tree> {
    // AND_EXPR in pg_query's numbering.
    match condition {
        None => Vec::new(),
        Some(all) if all.is("BoolExpr") && all.number("boolop") == 1 => {
            all.list("args").iter().flat_map(|it| conditions(Some(it))).collect()
        }
        Some(one) => vec![one.clone()],
    }
}

/// The columns of an ON CONFLICT's key, and of its SET list, each set to what was to be inserted.
pub(super) fn upsert(insert: &Tree) -> Option<(Vec<String>, Vec<String>)> {
    let clause = insert.field("on_conflict_clause")?;
    let infer = clause.field("infer")?;
    let keys = infer.list("index_elems").iter().map(|it| it.text("name").to_owned()).collect();
    let plain = infer.field_names() == ["index_elems"]
        && clause.field_names() == ["action", "infer", "target_list"]
        // ONCONFLICT_UPDATE in pg_query's numbering.
        && clause.number("action") == 3;
    let set = clause.list("target_list").iter().map(|target| {
        let name = target.text("name");
        let value = target.field("val").and_then(pair)?;
        (value == ("excluded".to_owned(), name.to_owned())).then(|| name.to_owned())
    });
    plain.then_some((keys, set.collect::<Option<Vec<String>>>()?))
}

/// Both lists have the same names, in any order.
pub(super) fn alike<A: AsRef<str>, B: AsRef<str>>(one: &[A], other: &[B]) -> bool {
    let mut one: Vec<&str> = one.iter().map(AsRef::as_ref).collect();
    let mut other: Vec<&str> = other.iter().map(AsRef::as_ref).collect();
    one.sort_unstable();
    other.sort_unstable();
    one == other
}
