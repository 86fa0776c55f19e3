//! SELECT, VALUES, set operations and WITH.

use super::cells::Rows;
use super::from::rename;
use super::keys::{Both, Kind};
use super::{Check, Cte, Difference, Walk};
use crate::label;
use crate::scope::{Columns, Level, View};
use crate::tree::Tree;

/// The names of a query's columns in both texts.
pub(super) type Named = Result<[Columns; 2], Box<Difference>>;

/// Fields of a SELECT that need more than to be the same.
const SPECIAL: [&str; 10] = [
    "locking_clause",
    "with_clause",
    "target_list",
    "from_clause",
    "values_lists",
    "distinct_clause",
    "group_clause",
    "sort_clause",
    "larg",
    "rarg",
];

impl<'s> Walk<'s> {
    pub(super) fn query(&mut self, client: &Tree, output: &Tree) -> Check {
        self.query_columns(client, output).map(drop)
    }

    /// Both queries give the same; returns the names of their columns.
    pub(super) fn query_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        self.query_for(client, output, None)
    }

    /// The same, for a query whose columns are the rows of an INSERT.
    pub(super) fn query_for(
        &mut self,
        client: &Tree,
        output: &Tree,
        rows: Option<&Rows<'s>>,
    ) -> Named {
        let outside = self.ctes.len();
        self.with_clause(client, output)?;
        let columns = match (client.field("larg"), output.field("larg")) {
            (Some(_), Some(_)) => self.set_operation(client, output, rows)?,
            (None, None) if !client.list("values_lists").is_empty() => {
                self.values(client, output, rows)?
            }
            (None, None) => self.select(client, output, rows)?,
            (left, other) => {
                return self.fail("another set operation", &left, &other).map(|()| [None, None]);
            }
        };
        self.ctes.truncate(outside);
        Ok(columns)
    }

    /// A statement that gives columns.
    pub(super) fn statement_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        match (client.tag(), output.tag()) {
            ("SelectStmt", "SelectStmt") => self.query_columns(client, output),
            ("InsertStmt", "InsertStmt") => self.insert_columns(client, output),
            ("UpdateStmt", "UpdateStmt") => self.update_columns(client, output),
            ("DeleteStmt", "DeleteStmt") => self.delete_columns(client, output),
            ("MergeStmt", "MergeStmt") => self.merge_columns(client, output),
            _ => self.same(client, output).map(|()| [None, None]),
        }
    }

    /// WITH: each CTE in turn, seen by what follows.
    pub(super) fn with_clause(&mut self, client: &Tree, output: &Tree) -> Check {
        let (before, after) = match (client.field("with_clause"), output.field("with_clause")) {
            (None, None) => return Ok(()),
            (Some(before), Some(after)) => (before, after),
            (before, after) => return self.fail("another WITH", &before, &after),
        };
        self.fields(before, after, &["ctes"])?;
        let (ours, theirs) = (before.list("ctes"), after.list("ctes"));
        if ours.len() != theirs.len() {
            return self.fail("another number of CTEs", ours, theirs);
        }
        if before.field("recursive").is_some() {
            // Each is visible in all, itself included.
            self.ctes.extend(ours.iter().map(|cte| {
                let columns = first_names(cte);
                Cte { name: cte.text("ctename").to_owned(), columns: [columns.clone(), columns] }
            }));
        }
        for (one, other) in ours.iter().zip(theirs) {
            self.path.push(format!("with {}", one.text("ctename")));
            let (Some(query), Some(rewritten)) = (one.field("ctequery"), other.field("ctequery"))
            else {
                return self.fail("a CTE without a query", one, other);
            };
            let columns = self.statement_columns(query, rewritten)?;
            self.fields(one, other, &["ctequery"])?;
            let names = one.names("aliascolnames");
            self.ctes.push(Cte {
                name: one.text("ctename").to_owned(),
                columns: columns.map(|columns| rename(columns, &names)),
            });
            self.path.pop();
        }
        Ok(())
    }

    fn set_operation(&mut self, client: &Tree, output: &Tree, rows: Option<&Rows<'s>>) -> Named {
        // Arms of different widths are PostgreSQL's error, and must stay one.
        if rows.is_some() && arms_match(client) == Some(false) {
            return match arms_match(output) {
                Some(false) => Ok([None, None]),
                _ => self.fail("an error is gone", client, output).map(|()| [None, None]),
            };
        }
        let mut columns = None;
        for side in ["larg", "rarg"] {
            self.path.push(side.to_owned());
            let found = match (client.field(side), output.field(side)) {
                (Some(before), Some(after)) => self.query_for(before, after, rows)?,
                (before, after) => {
                    return self.fail("another arm", &before, &after).map(|()| [None, None]);
                }
            };
            columns.get_or_insert(found);
            self.path.pop();
        }
        // Only output columns can be sort keys here, and they have kept their names and order.
        // An expression is PostgreSQL's error.
        let (ours, theirs) = (client.list("sort_clause"), output.list("sort_clause"));
        let is_name = |key: &Tree| {
            key.field("node").is_some_and(|it| it.bare_column().is_some() || it.integer().is_some())
        };
        if ours.iter().all(is_name) || theirs.iter().all(is_name) {
            self.equal("another order", client.field("sort_clause"), output.field("sort_clause"))?;
        }
        self.fields(client, output, &SPECIAL)?;
        Ok(columns.unwrap_or([None, None]))
    }

    fn values(&mut self, client: &Tree, output: &Tree, rows: Option<&Rows<'s>>) -> Named {
        let (before, after) = (client.list("values_lists"), output.list("values_lists"));
        match rows {
            None => self.lists(before, after)?,
            Some(rows) => self.rows(before, after, rows)?,
        }
        self.rest(client, output, rows, &[])?;
        self.field(client, output, "sort_clause")?;
        let width = before.first().map_or(0, |row| row.list("items").len());
        let columns: Columns = Some((1..=width).map(|at| format!("column{at}")).collect());
        Ok([columns.clone(), columns])
    }

    fn select(&mut self, client: &Tree, output: &Tree, rows: Option<&Rows<'s>>) -> Named {
        self.levels.push(Level::default());
        let outer = std::mem::take(&mut self.forms);
        self.relations(client.list("from_clause"), output.list("from_clause"))?;
        let forms = std::mem::replace(&mut self.forms, outer);
        self.locks(client, output, &forms)?;
        let (before, after) = (client.list("target_list"), output.list("target_list"));
        let mut both = Both {
            client: self.outputs(View::Client, before),
            output: self.outputs(View::Output, after),
            places: None,
        };
        let columns = match rows {
            None => self.targets(before, after)?,
            Some(rows) => {
                both.places = Some(self.selected_row(&both, rows)?);
                [None, None]
            }
        };
        for (field, kind) in [
            ("distinct_clause", Kind::Order),
            ("group_clause", Kind::Group),
            ("sort_clause", Kind::Order),
        ] {
            self.path.push(field.to_owned());
            if client.list(field) != output.list(field) || !is_plain_distinct(client, field) {
                self.keys(kind, client.list(field), output.list(field), &both)?;
            }
            self.path.pop();
        }
        self.rest(client, output, rows, &[])?;
        self.levels.pop();
        Ok(columns)
    }

    /// Every other clause.
    fn rest(
        &mut self,
        client: &Tree,
        output: &Tree,
        rows: Option<&Rows<'s>>,
        done: &[&str],
    ) -> Check {
        let mut done = [&SPECIAL, done].concat();
        let fenced = rows.is_some_and(Rows::may_be_fenced)
            && client.field("limit_offset").is_none()
            && client.field("limit_count").is_none()
            && output.field("limit_offset").and_then(Tree::integer) == Some(0)
            && output.field("limit_count").is_none()
            && output.number("limit_option") == 2;
        if fenced {
            done.extend(["limit_offset", "limit_option"]);
        }
        self.fields(client, output, &done)
    }
}

/// Whether the arms of a set operation have one width; `None` where a `*` hides it.
pub(super) fn arms_match(query: &Tree) -> Option<bool> {
    let width = |arm: &Tree| match arm.list("values_lists").first() {
        Some(row) => Some(row.list("items").len()),
        None => {
            let targets = arm.list("target_list");
            let starred = targets.iter().any(|it| it.field("val").is_some_and(label::is_star));
            (!starred).then_some(targets.len())
        }
    };
    let mut open = vec![query];
    let mut found = None;
    while let Some(arm) = open.pop() {
        if let (Some(left), Some(right)) = (arm.field("larg"), arm.field("rarg")) {
            open.extend([left, right]);
        } else if *found.get_or_insert(width(arm)?) != width(arm)? {
            return Some(false);
        }
    }
    Some(true)
}

/// `DISTINCT` without a list of keys.
fn is_plain_distinct(client: &Tree, field: &str) -> bool {
    field == "distinct_clause" && client.list(field).iter().all(|key| key.tag().is_empty())
}

/// The names of a recursive CTE's columns, from its list or its first arm.
fn first_names(cte: &Tree) -> Columns {
    let names = cte.names("aliascolnames");
    if !names.is_empty() {
        return Some(names);
    }
    let mut query = cte.field("ctequery")?;
    while let Some(left) = query.field("larg") {
        query = left;
    }
    query.list("target_list").iter().map(label::label).collect()
}
