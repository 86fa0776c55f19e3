//! An UPDATE or DELETE whose rows are read and locked first, with all that is to be stored; then each
//! table gets its part.

mod effects;
mod returned;

use super::{Group, Of, Undone, alike, pair};
use crate::compare::{Check, Walk, is_plain};
use crate::shape::Logical;
use crate::tables::{Slot, Use, normal};
use crate::tree::{self, Tree};

/// The rows that a write is worked out of.
pub(super) struct Rows<'s, 't> {
    /// The table that the client names.
    of: Of<'s>,
    /// Under this name.
    alias: String,
    /// What others read them by.
    name: String,
    /// The query of one arm.
    arm: &'t Tree,
    /// The columns that the client assigns, in order.
    assigned: Vec<String>,
    /// What is to be stored, in order: the client's, then what was there.
    new: Vec<&'t Tree>,
    keys: usize,
}

/// What a client assigns: each column with its value. Nothing where a query gives several at once.
fn assignments(client: &Tree) -> Option<Vec<(&str, &Tree)>> {
    let mut found = Vec::new();
    for target in client.list("target_list") {
        if target.field("indirection").is_some() {
            return None;
        }
        let value = target.field("val")?;
        let value = match value.is("MultiAssignRef") {
            false => value,
            true => {
                let source = value.field("source").filter(|it| it.is("RowExpr"))?;
                let at = usize::try_from(value.number("colno") - 1).ok()?;
                source.list("args").get(at)?
            }
        };
        found.push((target.text("name"), value));
    }
    Some(found)
}

/// The arms of `SELECT * FROM (…) AS segue_arm_0 UNION ALL …`, or the query itself.
fn arms(query: &Tree) -> Option<Vec<&Tree>> {
    let (Some(left), Some(right)) = (query.field("larg"), query.field("rarg")) else {
        return Some(vec![query]);
    };
    // SETOP_UNION in pg_query's numbering.
    let all = query.number("op") == 2
        && query.field("all").is_some()
        && query.field_names() == ["all", "larg", "limit_option", "op", "rarg"];
    let inner = |arm: &'_ Tree| -> Option<()> {
        let star = tree::expression("*").ok();
        let plain = is_plain(arm, &["from_clause", "target_list"])
            && matches!(arm.list("target_list"), [one] if one.field("val") == star.as_ref());
        plain.then_some(())
    };
    let mut found = match left.field("larg") {
        Some(_) => arms(left)?,
        None => {
            inner(left)?;
            vec![left.list("from_clause").first()?.field("subquery")?]
        }
    };
    inner(right)?;
    found.push(right.list("from_clause").first()?.field("subquery")?);
    all.then_some(found)
}

impl<'s> Walk<'s> {
    pub(super) fn row_group(&mut self, group: &Group<'_>) -> Undone {
        let client = group.client;
        let Some(of) = self.of(client.field("relation")) else { return Ok(None) };
        let deletes = client.is("DeleteStmt");
        // Which parts a row of the new table has is worked out in ways of their own.
        if of.joint.merges && of.member.new {
            return Ok(None);
        }
        if !deletes && !client.is("UpdateStmt") {
            return Ok(None);
        }
        let assigned = match deletes {
            true => Some(Vec::new()),
            false => assignments(client),
        };
        let Some(assigned) = assigned else { return Ok(None) };
        let is_key = |name: &str| matches!(of.member.slot(name), Some(Slot::Key(_)));
        if assigned.iter().any(|(name, _)| is_key(name)) {
            return Ok(None);
        }
        let Some((first, rest)) = group.parts.split_first() else { return Ok(None) };
        let Some(query) = first.field("ctequery") else { return Ok(None) };
        // CTEMaterializeAlways in pg_query's numbering.
        if first.number("ctematerialized") != 2 {
            self.fail("rows that may be read anew each time", client, *first)?;
        }
        let Some(arms) = arms(query) else { return Ok(None) };
        let Some(arm) = arms.first().copied() else { return Ok(None) };
        let Some(target) = arm.list("from_clause").first() else { return Ok(None) };
        self.arms_are_one(of, client, &arms)?;
        let names = first.names("aliascolnames");
        if names.iter().any(|name| name == "segue_is_seen") {
            return Ok(None);
        }
        let mut rows = Rows {
            of,
            alias: super::called(target),
            name: first.text("ctename").to_owned(),
            arm,
            assigned: assigned.iter().map(|(name, _)| (*name).to_owned()).collect(),
            new: Vec::new(),
            keys: of.member.key().len(),
        };
        self.columns_of_rows(&mut rows, &names, client)?;
        let rest = self.one_of_each(&mut rows, client, rest)?;
        let Some(effects) = self.effects(&rows, group, rest)? else { return Ok(None) };
        self.wanted(&rows, &effects, client)?;
        let Some(returning) = self.returned(&rows, &effects, group)? else { return Ok(None) };
        Ok(self.put_together(&rows, client, &assigned, returning))
    }

    /// The arms differ in where the table's rows are read only, and have together all of them.
    fn arms_are_one(&self, of: Of<'s>, client: &Tree, arms: &[&Tree]) -> Check {
        let mut halves = Vec::new();
        let mut rests: Vec<Tree> = Vec::new();
        for arm in arms {
            let Some((target, others)) = arm.list("from_clause").split_first() else {
                return self.fail("rows of nothing", client, *arm);
            };
            let read = target.field("subquery").map(normal);
            let alias = target.field("alias").map(|it| it.text("aliasname"));
            let own = client.field("relation").map(super::called);
            if alias != own.as_deref() {
                return self.fail("rows under another name", client, target);
            }
            let queries = of.table.place.queries.iter();
            let found = queries.clone().find(|it| read.as_ref() == Some(&it.tree));
            match found {
                Some(found) => halves.push(found),
                None => return self.fail("rows that are read elsewhere", client, target),
            }
            rests.push(arm.with_list("from_clause", others.to_vec()));
        }
        let whole = match halves.as_slice() {
            [one] => matches!(one.for_, Use::Both | Use::Outside | Use::Stays),
            several => {
                let all = of.table.place.queries.iter().filter(|it| it.for_ == Use::Arm);
                let all: Vec<_> = all.collect();
                several.len() == all.len() && all.iter().all(|it| several.contains(it))
            }
        };
        match whole && rests.windows(2).all(|two| two.first() == two.last()) {
            true => Ok(()),
            false => self.fail(
                "arms that are not halves of the same rows",
                client,
                &arms.len().to_string(),
            ),
        }
    }

    /// The key, what was there, and what is to be stored; locked as the client's write would.
    fn columns_of_rows<'t>(
        &self,
        rows: &mut Rows<'s, 't>,
        names: &[String],
        client: &Tree,
    ) -> Check {
        let targets = rows.arm.list("target_list");
        if names.len() != targets.len() {
            return self.fail("another number of columns", client, rows.arm);
        }
        let shown: Vec<&Logical> = rows.of.table.shown().collect();
        let keys = rows.of.member.key();
        for (name, target) in names.iter().zip(targets) {
            let Some(value) = target.field("val") else { continue };
            let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<usize>().ok();
            let expected = if let Some(at) = number("segue_key_") {
                keys.get(at).copied()
            } else if let Some(at) = number("segue_was_") {
                shown.get(at).map(|column| column.name.as_str())
            } else {
                if let Some(at) = number("segue_new_") {
                    if at != rows.new.len() {
                        return self.fail("values in another order", client, rows.arm);
                    }
                    rows.new.push(value);
                }
                continue;
            };
            let own = expected.map(|column| (rows.alias.clone(), column.to_owned()));
            if own.is_none() || pair(value) != own {
                return self.fail("another column of the row", name, value);
            }
        }
        if !names
            .iter()
            .take(rows.keys)
            .enumerate()
            .all(|(at, it)| *it == format!("segue_key_{at}"))
        {
            return self.fail("rows without their key", client, rows.arm);
        }
        let stays = client.is("UpdateStmt") || (!rows.of.joint.merges && rows.of.member.new);
        let strength = if stays { "NO KEY UPDATE" } else { "UPDATE" };
        let alias = crate::tables::quoted(&rows.alias);
        let expected = tree::parse(&format!("SELECT FROM {alias} FOR {strength} OF {alias}"));
        let expected = expected.unwrap_or_default();
        let expected = expected.first().and_then(|it| it.field("locking_clause"));
        self.equal("another lock", expected, rows.arm.field("locking_clause"))?;
        let mut fields = rows.arm.field_names();
        fields.retain(|field| *field != "where_clause");
        match fields == ["from_clause", "limit_option", "locking_clause", "op", "target_list"] {
            true => Ok(()),
            false => self.fail("other rows", client, rows.arm),
        }
    }

    /// Where other relations may give a row several times, one of each is taken.
    fn one_of_each<'g, 't>(
        &self,
        rows: &mut Rows<'s, '_>,
        client: &Tree,
        rest: &'g [&'t Tree],
    ) -> Result<&'g [&'t Tree], Box<super::Difference>> {
        // A row that is deleted twice is deleted once, as long as nobody looks.
        let joined = !client.list("from_clause").is_empty()
            || !client.list("using_clause").is_empty() && !client.list("returning_list").is_empty();
        let one = rest.first().filter(|it| it.text("ctename").starts_with("segue_one_"));
        match one {
            None if joined => {
                self.fail("a row may be written several times", client, &rows.name)?;
                Ok(rest)
            }
            None => Ok(rest),
            Some(one) => {
                let keys: Vec<String> =
                    (0..rows.keys).map(|at| format!("segue_key_{at}")).collect();
                let text = format!(
                    "SELECT DISTINCT ON ({}) * FROM {}",
                    keys.join(", "),
                    crate::tables::quoted(&rows.name)
                );
                let expected = tree::parse(&text).unwrap_or_default();
                self.equal("not one of each", expected.first(), one.field("ctequery"))?;
                if one.number("ctematerialized") != 2 {
                    self.fail("rows that may be read anew each time", client, *one)?;
                }
                rows.name = one.text("ctename").to_owned();
                Ok(rest.get(1..).unwrap_or_default())
            }
        }
    }

    /// The client's statement again.
    fn put_together(
        &self,
        rows: &Rows<'s, '_>,
        client: &Tree,
        assigned: &[(&str, &Tree)],
        returning: Vec<Tree>,
    ) -> Option<Tree> {
        let values: Vec<Tree> = assigned
            .iter()
            .zip(&rows.new)
            .map(|((name, value), new)| {
                let column = rows.of.table.column(name);
                column.map_or_else(|| (*new).clone(), |it| bare(value, new, it))
            })
            .collect();
        let mut next = values.iter();
        let mut targets = Vec::new();
        let mut source: Option<Tree> = None;
        for target in client.list("target_list") {
            let value = target.field("val")?;
            let value = match value.is("MultiAssignRef") {
                false => next.next()?.clone(),
                true => {
                    if value.number("colno") == 1 {
                        let row = value.field("source")?;
                        let width = row.list("args").len();
                        let args = next.by_ref().take(width).cloned().collect();
                        source = Some(row.with_list("args", args));
                    }
                    value.with("source", source.clone()?)
                }
            };
            targets.push(target.with("val", value));
        }
        let mut from = rows.arm.list("from_clause").to_vec();
        let own = from.remove(0);
        let mut undone = client.without("with_clause").with("relation", own);
        let others = if client.is("DeleteStmt") { "using_clause" } else { "from_clause" };
        for (field, list) in
            [("target_list", targets), (others, from), ("returning_list", returning)]
        {
            undone = match list.is_empty() {
                true => undone.without(field),
                false => undone.with_list(field, list),
            };
        }
        Some(match rows.arm.field("where_clause") {
            Some(condition) => undone.with("where_clause", condition.clone()),
            None => undone.without("where_clause"),
        })
    }
}

/// The value without the cast to its column's type that it may have got.
pub(super) fn bare(client: &Tree, output: &Tree, column: &Logical) -> Tree {
    let is_cast = |to: &str| {
        output.is("TypeCast") && output.field("type_name") == tree::type_name(to).ok().as_ref()
    };
    let inner =
        output.field("arg").filter(|_| is_cast(&column.type_name) || is_cast(&column.base_type));
    if client.is("SetToDefault") {
        let default = column.default_value();
        let is_default = |it: Option<&Tree>| it == default.as_ref();
        return match is_default(inner) || is_default(Some(output)) {
            true => client.clone(),
            false => output.clone(),
        };
    }
    match inner {
        Some(inner) if client != output => inner.clone(),
        _ => output.clone(),
    }
}

/// Whether two lists of names are the same, in any order.
fn same_names(one: &[String], other: &[String]) -> bool {
    alike(one, other)
}
