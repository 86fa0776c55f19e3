//! UPDATE, DELETE and MERGE: assignments, and the relations around them.

use super::cells::{Rows, holes};
use super::insert::columns_of;
use super::query::Named;
use super::{Check, Walk};
use crate::label;
use crate::scope::Level;
use crate::shape::Governed;
use crate::tree::{self, Tree};

/// One `a = e` or `(a, b) = source` of a SET list.
#[derive(Debug)]
struct Assignment<'t> {
    columns: Vec<&'t Tree>,
    /// The value, or the source of all values.
    value: Option<&'t Tree>,
    several: bool,
    /// How many columns the source is said to give; 0 if its parts contradict each other.
    width: i64,
}

impl<'s> Walk<'s> {
    pub(super) fn update(&mut self, client: &Tree, output: &Tree) -> Check {
        self.update_columns(client, output).map(drop)
    }

    pub(super) fn update_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        self.changing(client, output, "from_clause", |walk, table| {
            walk.assignments(table, client.list("target_list"), output.list("target_list"))
        })
    }

    pub(super) fn delete(&mut self, client: &Tree, output: &Tree) -> Check {
        self.delete_columns(client, output).map(drop)
    }

    pub(super) fn delete_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        self.changing(client, output, "using_clause", |_, _| Ok(()))
    }

    pub(super) fn merge(&mut self, client: &Tree, output: &Tree) -> Check {
        self.merge_columns(client, output).map(drop)
    }

    pub(super) fn merge_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        self.changing(client, output, "source_relation", |walk, table| {
            let (before, after) =
                (client.list("merge_when_clauses"), output.list("merge_when_clauses"));
            if before.len() != after.len() {
                return walk.fail("another number of WHEN clauses", before, after);
            }
            before.iter().zip(after).try_for_each(|(one, other)| walk.when(one, other, table))
        })
    }

    /// A statement with a target, other relations, and RETURNING.
    fn changing(
        &mut self,
        client: &Tree,
        output: &Tree,
        others: &str,
        work: impl FnOnce(&mut Self, Option<&'s Governed>) -> Check,
    ) -> Named {
        let outside = self.ctes.len();
        self.with_clause(client, output)?;
        self.levels.push(Level::default());
        let governed = self.target(client, output)?;
        let table = governed.and_then(|index| self.shape.governed.get(index));
        let listed = |tree: &Tree| match tree.field(others) {
            Some(Tree::List(items)) => items.clone(),
            Some(single) => vec![single.clone()],
            None => Vec::new(),
        };
        self.relations(&listed(client), &listed(output))?;
        work(self, table)?;
        self.path.push("returning".to_owned());
        let returning = "returning_list";
        let columns = self.targets(client.list(returning), output.list(returning))?;
        self.path.pop();
        let done =
            ["with_clause", "relation", "target_list", "merge_when_clauses", returning, others];
        self.fields(client, output, &done)?;
        self.levels.pop();
        self.ctes.truncate(outside);
        Ok(columns)
    }

    /// One WHEN clause of a MERGE.
    fn when(&mut self, client: &Tree, output: &Tree, table: Option<&'s Governed>) -> Check {
        self.path.push("when".to_owned());
        // NOT MATCHED BY SOURCE and BY TARGET in pg_query's numbering: only one side is there.
        if let Some(level) = self.levels.last_mut() {
            level.visible = match client.number("match_kind") {
                2 => Some(vec![0]),
                3 => Some((1..level.sources.len()).collect()),
                _ => None,
            };
        }
        self.fields(client, output, &["target_list", "values"])?;
        let (before, after) = (client.list("target_list"), output.list("target_list"));
        let (values, others) = (client.list("values"), output.list("values"));
        // CMD_INSERT in pg_query's numbering.
        let inserts = client.number("command_type") == 4;
        match table.filter(|_| inserts) {
            Some(table) => {
                let rows = Rows::Plain(columns_of(table, before, after));
                self.row(values, others, &rows)?;
            }
            None => {
                self.lists(values, others)?;
                match inserts {
                    true => self.lists(before, after)?,
                    false => self.assignments(table, before, after)?,
                }
            }
        }
        if let Some(level) = self.levels.last_mut() {
            level.visible = None;
        }
        self.path.pop();
        Ok(())
    }

    /// SET: each of the client's assignments to everything that must be written, in order.
    pub(super) fn assignments(
        &mut self,
        table: Option<&'s Governed>,
        client: &[Tree],
        output: &[Tree],
    ) -> Check {
        let mut rest = grouped(output).into_iter().peekable();
        for assignment in grouped(client) {
            let names: Vec<&str> =
                assignment.columns.iter().map(|column| column.text("name")).collect();
            self.path.push(format!("set {}", names.join(", ")));
            let writes = self.writes(table, &names);
            let mut found = Vec::new();
            let mut count = 0;
            while count < writes.len()
                && let Some(next) = rest.next_if(|next| !assignment.several || next.several)
            {
                count += next.columns.len();
                found.push(next);
            }
            self.assignment(&assignment, &writes, &found, table)?;
            self.path.pop();
        }
        match rest.next() {
            None => Ok(()),
            Some(more) => self.fail("assigned besides", &"nothing", &more.columns.first().copied()),
        }
    }

    /// What must be written for the client's columns: place, physical column, formula.
    fn writes(&self, table: Option<&'s Governed>, names: &[&str]) -> Vec<(usize, String, Tree)> {
        let mut writes = Vec::new();
        for (place, name) in names.iter().enumerate() {
            match table.and_then(|table| table.column(name)) {
                Some(column) => writes.extend(
                    column.writes.iter().map(|it| (place, it.column.clone(), it.formula.clone())),
                ),
                None => {
                    let formula = tree::expression(crate::shape::VALUE).ok();
                    writes.extend(formula.map(|formula| (place, (*name).to_owned(), formula)));
                }
            }
        }
        writes
    }

    fn assignment(
        &mut self,
        client: &Assignment<'_>,
        writes: &[(usize, String, Tree)],
        found: &[Assignment<'_>],
        table: Option<&'s Governed>,
    ) -> Check {
        let written: Vec<&Tree> = found.iter().flat_map(|one| one.columns.clone()).collect();
        let mut names: Vec<&str> = written.iter().map(|column| column.text("name")).collect();
        let mut expected: Vec<&str> = writes.iter().map(|(_, name, _)| name.as_str()).collect();
        names.sort_unstable();
        expected.sort_unstable();
        let broken = |one: &Assignment<'_>| {
            let width = one.value.filter(|_| one.several).and_then(row_width);
            width.is_some_and(|width| width != one.columns.len())
        };

        let agrees = |one: &Assignment<'_>| i64::try_from(one.columns.len()) == Ok(one.width);
        if !found.iter().all(agrees) {
            return self.fail("a broken assignment", &client.value, &"several");
        }
        if broken(client) && names.len() == client.columns.len() {
            // Too few or too many values are PostgreSQL's error, and must stay one.
            let parts = client.value.zip(found.first().and_then(|one| one.value));
            return match parts {
                Some((before, after)) if found.iter().all(broken) => self.same(before, after),
                _ => self.fail("an error is gone", &client.value, &"several"),
            };
        }
        if names != expected {
            return self.fail(
                "other columns are assigned",
                &expected.join(", "),
                &names.join(", "),
            );
        }
        let subscripts = client.columns.iter().map(|column| column.field("indirection"));
        let subscripts: Vec<Option<&Tree>> = subscripts.collect();
        for column in &written {
            let place = writes.iter().find(|(_, name, _)| name == column.text("name"));
            let before = place.and_then(|(place, _, _)| subscripts.get(*place).copied().flatten());
            match (before, column.field("indirection")) {
                (None, None) => {}
                (Some(before), Some(after)) => {
                    if writes.len() > client.columns.len() && !self.shape.may_repeat(before) {
                        return self.fail("subscripts that may differ each time", before, after);
                    }
                    self.same(before, after)?;
                }
                (before, after) => return self.fail("other subscripts", &before, &after),
            }
        }
        match (client.several, found) {
            (false, [once]) if once.several => self.evaluated_once(client, writes, once),
            (false, _) => {
                for one in found {
                    self.single(client, writes, one, table, found.len())?;
                }
                Ok(())
            }
            (true, [one]) => self.several(client, writes, one),
            (true, _) => self.fail("another form of assignment", &client.value, &"several"),
        }
    }

    /// `a = e`.
    fn single(
        &mut self,
        client: &Assignment<'_>,
        writes: &[(usize, String, Tree)],
        one: &Assignment<'_>,
        table: Option<&'s Governed>,
        uses: usize,
    ) -> Check {
        let uses = uses.max(writes.iter().map(|(_, _, formula)| holes(formula)).sum());
        let name = one.columns.first().map(|column| column.text("name")).unwrap_or_default();
        let write = writes.iter().find(|(_, written, _)| written == name);
        let (Some((_, _, formula)), Some(before), Some(after)) = (write, client.value, one.value)
        else {
            return self.fail("an assignment without a value", &client.value, &one.value);
        };
        let logical = client.columns.first().and_then(|it| table?.column(it.text("name")));
        if let (true, Some(table), Some(column)) = (before.is("SetToDefault"), table, logical) {
            if column.default_varies && uses > 1 {
                return self.fail("a default that differs each time, twice", before, after);
            }
            return self.default_value(table, column, name, after, false);
        }
        if uses > 1 && !self.shape.may_repeat(before) {
            return self.fail("a value that may differ each time, twice", before, after);
        }
        self.written(formula, before, after)
    }

    /// `(a, b) = (SELECT v, v FROM (SELECT e AS v WHERE t.ctid IS NOT NULL OFFSET 0) s)`.
    fn evaluated_once(
        &mut self,
        client: &Assignment<'_>,
        writes: &[(usize, String, Tree)],
        once: &Assignment<'_>,
    ) -> Check {
        let (Some(before), Some(after)) = (client.value, once.value) else {
            return self.fail("an assignment without a value", &client.value, &once.value);
        };
        let Some((value, targets)) = once_parts(after, &self.row_name()) else {
            return self.fail("not a sub-select that evaluates once for each row", before, after);
        };
        for (column, target) in once.columns.iter().zip(targets) {
            let write = writes.iter().find(|(_, name, _)| name == column.text("name"));
            let reference = tree::expression("v").ok();
            let expected = write
                .zip(reference)
                .map(|((_, _, formula), reference)| tree::with_parameters(formula, &reference));
            self.equal("another value", expected.as_ref(), target.field("val"))?;
        }
        if before.is("SetToDefault") {
            // Its text is the column's default; the default's own tree is compared.
            let name = client.columns.first().map(|it| it.text("name")).unwrap_or_default();
            let own = self.levels.last().and_then(|level| level.sources.first());
            let shape = self.shape;
            let table = own.and_then(|own| shape.governed.get(own.governed?));
            let column = table.and_then(|table| table.column(name));
            let default = column.and_then(crate::shape::Logical::default_value);
            return self.equal("not the column's default", default.as_ref(), Some(value));
        }
        self.same(before, value)
    }

    /// `(a, b, c) = (SELECT s.c1, s.c2, s.c1 FROM (SELECT x, y WHERE t.ctid IS NOT NULL OFFSET 0)
    /// s(c1, c2))`, or around the client's own sub-select.
    fn several_once(
        &mut self,
        client: &Assignment<'_>,
        writes: &[(usize, String, Tree)],
        one: &Assignment<'_>,
        rows: Rows<'s>,
    ) -> Check {
        let parts = client.value.zip(one.value.and_then(once_row));
        let (Some((before, (inner, names, targets))), Rows::Plain(target)) = (parts, rows) else {
            return self.fail("not a row that is evaluated once", &client.value, &one.value);
        };
        let all = targets.len() < one.columns.len();
        let targets = super::insert::spelled_out(targets, "s", &names);
        if names.len() != client.columns.len() || targets.len() != one.columns.len() {
            return self.fail("a row of another width", before, inner);
        }
        for (column, written) in one.columns.iter().zip(&targets) {
            let write = writes.iter().find(|(_, name, _)| name == column.text("name"));
            let expected = write.and_then(|(place, _, formula)| {
                let reference = tree::expression(&format!("s.{}", names.get(*place)?)).ok()?;
                Some(tree::with_parameters(formula, &reference))
            });
            self.equal("another value", expected.as_ref(), written.field("val"))?;
        }
        if before.is("RowExpr") {
            if !is_for_each_row(inner, &self.row_name()) {
                return self.fail("not evaluated once for each row", before, inner);
            }
            let values = inner.list("target_list").iter().filter_map(|it| it.field("val"));
            let values: Vec<Tree> = values.cloned().collect();
            let rows = Rows::Once { target, names, defaults: Vec::new(), all };
            return self.row(before.list("args"), &values, &rows);
        }
        match (before.field("subselect"), evaluated_once(inner)) {
            (Some(query), Some(other)) => {
                let [columns, _] = self.query_columns(query, other)?;
                let fits = columns.is_none_or(|columns| columns.len() == client.columns.len());
                match fits || all {
                    true => Ok(()),
                    false => self.fail("an error is gone", query, other),
                }
            }
            _ => self.fail("not the client's query", before, inner),
        }
    }

    /// The name of the row that an UPDATE changes.
    fn row_name(&self) -> String {
        let own = self.levels.last().and_then(|level| level.sources.first());
        own.map(|own| own.name.clone()).unwrap_or_default()
    }

    /// `(a, b) = (x, y)`, `ROW(x, y)` or `(SELECT x, y …)`.
    fn several(
        &mut self,
        client: &Assignment<'_>,
        writes: &[(usize, String, Tree)],
        one: &Assignment<'_>,
    ) -> Check {
        let (Some(before), Some(after)) = (client.value, one.value) else {
            return self.fail("an assignment without a value", &client.value, &one.value);
        };
        let shape = self.shape;
        let own = self.levels.last().and_then(|level| level.sources.first());
        let table = own.and_then(|own| shape.governed.get(own.governed?));
        let Some(table) = table else { return self.same(before, after) };
        let listed = |columns: &[&Tree]| -> Vec<Tree> {
            columns.iter().map(|column| (*column).clone()).collect()
        };
        if !writes
            .iter()
            .all(|(_, name, _)| one.columns.iter().any(|column| column.text("name") == name))
        {
            return self.fail("other columns are assigned", before, after);
        }
        let mut target = columns_of(table, &listed(&client.columns), &listed(&one.columns));
        // Columns that an UPDATE leaves out keep their values.
        target.is_insert = false;
        let rows = Rows::Plain(target);
        if once_row(after).is_some() && once_row(before).is_none() {
            return self.several_once(client, writes, one, rows);
        }
        match (before.tag(), after.tag()) {
            ("RowExpr", "RowExpr") => {
                self.row(before.list("args"), after.list("args"), &rows)?;
                self.fields(before, after, &["args"])
            }
            ("SubLink", "SubLink") => {
                match (before.field("subselect"), after.field("subselect")) {
                    (Some(query), Some(other)) => self.query_for(query, other, Some(&rows))?,
                    (query, other) => {
                        return self.fail("a sub-select without a query", &query, &other);
                    }
                };
                self.fields(before, after, &["subselect"])
            }
            _ => self.same(before, after),
        }
    }
}

/// How many values a row or sub-select gives, where no `*` hides it.
fn row_width(source: &Tree) -> Option<usize> {
    let select = source.field("subselect");
    let targets = select.map(|select| select.list("target_list"));
    match (source.tag(), targets) {
        ("RowExpr", _) => Some(source.list("args").len()),
        (_, Some([])) | (_, None) => None,
        (_, Some(targets)) => {
            let starred = targets.iter().any(|it| it.field("val").is_some_and(label::is_star));
            (!starred).then_some(targets.len())
        }
    }
}

/// What stands in `(SELECT s.c1, s.c2, s.c1 FROM (…) s(c1, c2))`: the inner query, the names of
/// its columns and the list.
fn once_row(source: &Tree) -> Option<(&Tree, Vec<String>, &[Tree])> {
    let select = source.field("subselect").filter(|_| source.number("sub_link_type") == 5)?;
    let [item] = select.list("from_clause") else { return None };
    let alias = item.field("alias")?;
    let named = alias.text("aliasname") == "s" && alias.field_names() == ["aliasname", "colnames"];
    let plain = super::is_plain(select, &["from_clause", "target_list"])
        && item.field_names() == ["alias", "subquery"]
        && source.field_names() == ["sub_link_type", "subselect"];
    let inner = item.field("subquery").filter(|_| named && plain)?;
    Some((inner, alias.names("colnames"), select.list("target_list")))
}

/// A SET list, assignment by assignment.
fn grouped(targets: &[Tree]) -> Vec<Assignment<'_>> {
    let mut groups: Vec<Assignment<'_>> = Vec::new();
    for target in targets {
        let value = target.field("val");
        match value.filter(|value| value.is("MultiAssignRef")) {
            None => {
                groups.push(Assignment { columns: vec![target], value, several: false, width: 1 })
            }
            Some(part) if part.number("colno") == 1 => groups.push(Assignment {
                columns: vec![target],
                value: part.field("source"),
                several: true,
                width: part.number("ncolumns"),
            }),
            Some(part) => {
                if let Some(last) = groups.last_mut() {
                    last.columns.push(target);
                    let place = i64::try_from(last.columns.len()).unwrap_or(0);
                    let agrees = part.number("colno") == place
                        && part.number("ncolumns") == last.width
                        && part.field("source") == last.value;
                    last.width = if agrees { last.width } else { 0 };
                }
            }
        }
    }
    groups
}

/// The value and the list of a sub-select that evaluates it once for each row of `row`.
fn once_parts<'t>(source: &'t Tree, row: &str) -> Option<(&'t Tree, &'t [Tree])> {
    let select = source.field("subselect").filter(|_| source.number("sub_link_type") == 5)?;
    let [item] = select.list("from_clause") else { return None };
    let inner = item.field("subquery")?;
    let [target] = inner.list("target_list") else { return None };
    let plain = super::is_plain(select, &["from_clause", "target_list"])
        && is_for_each_row(inner, row)
        && item.field_names() == ["alias", "subquery"]
        && source.field_names() == ["sub_link_type", "subselect"]
        && item.field("alias").is_some_and(|alias| {
            alias.text("aliasname") == "s" && alias.field_names() == ["aliasname"]
        })
        && target.text("name") == "v";
    let value = target.field("val")?;
    plain.then(|| (value, select.list("target_list")))
}

/// The query in `SELECT * FROM (…) q OFFSET 0`, which is evaluated once.
pub(super) fn evaluated_once(query: &Tree) -> Option<&Tree> {
    let [item] = query.list("from_clause") else { return None };
    let [target] = query.list("target_list") else { return None };
    let star = tree::expression("*").ok()?;
    let kept = super::is_plain(query, &["from_clause", "limit_offset", "target_list"])
        && query.field("limit_offset").and_then(Tree::integer) == Some(0)
        && target.field("val") == Some(&star)
        && item.field_names() == ["alias", "subquery"]
        && item.field("alias").is_some_and(|alias| alias.text("aliasname") == "q");
    item.field("subquery").filter(|_| kept)
}

/// Whether a query without FROM is evaluated once for each row of a relation.
fn is_for_each_row(query: &Tree, row: &str) -> bool {
    let each_row = format!("\"{}\".ctid IS NOT NULL", row.replace('"', "\"\""));
    super::is_plain(query, &["limit_offset", "target_list", "where_clause"])
        && query.field("limit_offset").and_then(Tree::integer) == Some(0)
        && query.field("where_clause") == tree::expression(&each_row).ok().as_ref()
}
