//! INSERT: the target's columns, the rows, ON CONFLICT and RETURNING.

use std::cmp::Ordering;

use super::cells::{Cell, Rows};
use super::query::Named;
use super::{Check, Walk};
use crate::scope::{Level, Source};
use crate::shape::{Governed, Logical, Write};
use crate::tree::{self, Tree};

/// The columns of an INSERT into a table of the migration.
#[derive(Debug, Clone)]
pub(super) struct Target<'s> {
    pub(super) table: &'s Governed,
    /// What the client's values are for, in order, under the client's names.
    pub(super) columns: Vec<String>,
    /// Whether the client wrote them; otherwise a shorter row means fewer.
    pub(super) listed: bool,
    /// What the output's values are for.
    pub(super) physical: Vec<String>,
    /// Whether the output says so; otherwise a shorter row means fewer.
    pub(super) spelled: bool,
    /// Whether columns that are left out take their defaults.
    pub(super) is_insert: bool,
}

impl<'s> Target<'s> {
    pub(super) fn logical(&self, place: usize) -> Option<&'s Logical> {
        self.columns.get(place).and_then(|name| self.table.column(parted(name).0))
    }

    /// The columns that a row of that width gives nothing for, and that have a default.
    fn left_out(&self, width: usize) -> impl Iterator<Item = &'s Logical> + '_ {
        let given: Vec<&Logical> = (0..width).filter_map(|place| self.logical(place)).collect();
        self.table.shown().filter(move |column| {
            self.is_insert
                && !given.iter().any(|given| {
                    given.writes.iter().any(|write| column.write(&write.column).is_some())
                })
        })
    }

    /// Where each value of the output comes from; nothing if PostgreSQL refuses the columns
    /// whatever the values are.
    pub(super) fn cells(&self, width: usize) -> Result<Option<Vec<Cell<'s>>>, String> {
        if repeats(&self.columns) && repeats(&self.physical) {
            return Ok(None);
        }
        let wrong = wrong_width(width, self.columns.len(), self.listed);
        if wrong.is_some() {
            // PostgreSQL's error must stay the same error.
            let in_place = self.columns.iter().zip(&self.physical).all(|(name, physical)| {
                match (self.table.column(parted(name).0), parted(physical)) {
                    (Some(column), (physical, part)) => {
                        parted(name).1 == part && column.write(physical).is_some()
                    }
                    (None, _) => name == physical,
                }
            });
            let same = wrong_width(width, self.physical.len(), self.spelled) == wrong;
            if !(same && in_place && self.columns.len() == self.physical.len()) {
                return Err("another number of columns than values".to_owned());
            }
            let formula = tree::expression(crate::shape::VALUE)?;
            let cell = |place| Cell::Client {
                place,
                column: None,
                physical: String::new(),
                formula: formula.clone(),
            };
            return Ok(Some((0..width).map(cell).collect()));
        }
        let count = if self.spelled { self.physical.len() } else { width };
        let physical: Vec<String> = self.physical.iter().take(count).cloned().collect();
        self.complete(width, &physical)?;
        physical
            .iter()
            .map(|physical| self.cell(width, physical))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn cell(&self, width: usize, physical: &str) -> Result<Cell<'s>, String> {
        for place in 0..width {
            let column = self.logical(place);
            let name = self.columns.get(place).map(String::as_str).unwrap_or_default();
            let (whole, part) = parted(physical);
            let formula = column.filter(|_| parted(name).1 == part);
            let formula = formula.and_then(|column| column.write(whole));
            let unknown = column.is_none() && name == physical;
            let formula = match formula {
                Some(write) => write.formula.clone(),
                None if unknown => tree::expression(crate::shape::VALUE)?,
                None => continue,
            };
            return Ok(Cell::Client { place, column, physical: physical.to_owned(), formula });
        }
        let default = self.left_out(width).find(|column| column.write(physical).is_some());
        match default {
            Some(column) => Ok(Cell::Default { column, physical: physical.to_owned() }),
            None => Err(format!("column \"{physical}\" should not be written")),
        }
    }

    /// Every physical column that must be written is.
    pub(super) fn complete(&self, width: usize, written: &[String]) -> Result<(), String> {
        for place in 0..width {
            let named = self.columns.get(place).cloned().unwrap_or_default();
            let writes = match self.logical(place) {
                Some(column) => {
                    let part = parted(&named).1;
                    column.writes.iter().map(|write| format!("{}{part}", write.column)).collect()
                }
                None => vec![named],
            };
            for name in writes {
                if written.iter().filter(|column| **column == name).count() != 1 {
                    return Err(format!("column \"{name}\" is not written once"));
                }
            }
        }
        for column in self.left_out(width) {
            for Write { column: name, .. } in &column.writes {
                if !written.contains(name) && !self.table.defaults_by_itself(column, name) {
                    return Err(format!("the default of column \"{name}\" is not written"));
                }
            }
        }
        Ok(())
    }
}

impl<'s> Walk<'s> {
    pub(super) fn insert(&mut self, client: &Tree, output: &Tree) -> Check {
        self.insert_columns(client, output).map(drop)
    }

    pub(super) fn insert_columns(&mut self, client: &Tree, output: &Tree) -> Named {
        let outside = self.ctes.len();
        self.with_clause(client, output)?;
        self.levels.push(Level::default());
        let governed = self.target(client, output)?;
        let own = self.levels.pop().unwrap_or_default();
        match governed.and_then(|index| self.shape.governed.get(index)) {
            None => {
                self.equal("other columns", client.field("cols"), output.field("cols"))?;
                self.field(client, output, "select_stmt")?;
            }
            Some(table) => {
                let (before, after) = (client.list("cols"), output.list("cols"));
                let target = columns_of(table, before, after);
                self.source_rows(client, output, &target)?;
            }
        }
        self.levels.push(own);
        self.on_conflict(client, output, governed)?;
        let (before, after) = (client.list("returning_list"), output.list("returning_list"));
        self.path.push("returning".to_owned());
        let columns = self.targets(before, after)?;
        self.path.pop();
        self.levels.pop();
        self.ctes.truncate(outside);
        const DONE: [&str; 6] = [
            "with_clause",
            "relation",
            "cols",
            "select_stmt",
            "on_conflict_clause",
            "returning_list",
        ];
        self.fields(client, output, &DONE)?;
        Ok(columns)
    }

    fn source_rows(&mut self, client: &Tree, output: &Tree, target: &Target<'s>) -> Check {
        if repeats(&target.columns) && repeats(&target.physical) {
            // PostgreSQL refuses the columns whatever the values are.
            return Ok(());
        }
        let plain = Rows::Plain(target.clone());
        let after = output.field("select_stmt");
        let Some(before) = client.field("select_stmt") else {
            // DEFAULT VALUES: one row of nothing.
            return match after {
                None => {
                    let complete = target.complete(0, &[]);
                    complete.or_else(|why| self.fail(&why, client, output))
                }
                Some(after) => {
                    let rows = after.list("values_lists");
                    match rows {
                        [row] if super::is_plain(after, &["values_lists"]) => {
                            self.row(&[], row.list("items"), &plain)
                        }
                        _ => self.wrapped(None, after, target),
                    }
                }
            };
        };
        let Some(after) = after else {
            return self.fail("the rows are lost", client, output);
        };
        self.path.push("rows".to_owned());
        if super::query::arms_match(before) == Some(false) {
            // PostgreSQL's error, which the rows keep as long as they are all there.
            let inner = after.list("from_clause").first().and_then(|it| it.field("subquery"));
            let rows = inner.filter(|_| is_wrapper(after)).unwrap_or(after);
            self.path.pop();
            return match super::query::arms_match(rows) {
                Some(false) => Ok(()),
                _ => self.fail("an error is gone", before, after),
            };
        }
        let direct = self.attempt(|walk| walk.query_for(before, after, Some(&plain)).map(drop));
        let result = match direct {
            Ok(()) => Ok(()),
            Err(difference) if is_wrapper(after) => {
                self.wrapped(Some(before), after, target).map_err(|wrapped| {
                    let why = format!("{} (unwrapped: {difference})", wrapped.why);
                    Box::new(super::Difference { why, ..*wrapped })
                })
            }
            Err(difference) => Err(difference),
        };
        self.path.pop();
        result
    }

    /// `SELECT s.a, s.b, s.b FROM (rows) s(a, b)`.
    fn wrapped(&mut self, client: Option<&Tree>, output: &Tree, target: &Target<'s>) -> Check {
        // What came behind the rows may stand behind the derived table.
        let moved = client.filter(|_| output.number("limit_option") != 1);
        if client.is_none() && output.number("limit_option") != 1 {
            return self.fail("another limit", &client, output);
        }
        if let Some(client) = moved {
            for field in ["limit_count", "limit_offset", "limit_option"] {
                self.field(client, output, field)?;
            }
        }
        let kept = moved.map(Tree::without_limit);
        let client = kept.as_ref().or(client);
        let item = output.list("from_clause").first().filter(|_| is_wrapper(output));
        let parts = item.and_then(|item| item.field("alias").zip(item.field("subquery")));
        let Some((alias, inner)) = parts else {
            return self.fail("not rows in a derived table", &client, output);
        };
        let names = alias.names("colnames");
        let width = wrapped_width(client, target, names.len());
        let mut defaults: Vec<Option<&Logical>> = vec![None; names.len().saturating_sub(width)];
        let all = output.list("target_list").len() < target.physical.len();
        let targets = spelled_out(output.list("target_list"), alias.text("aliasname"), &names);
        if targets.len() != target.physical.len() {
            return self.fail("another number of columns than values", &client, output);
        }
        for (column, physical) in targets.iter().zip(&target.physical) {
            let Some(value) = column.field("val") else {
                return self.fail("no value for this column", &physical.as_str(), column);
            };
            let reference = value.nodes().find(|node| node.is("ColumnRef"));
            let place =
                reference.and_then(|it| wrapper_column(it, alias.text("aliasname"), &names));
            let (Some(reference), Some(place)) = (reference, place) else {
                return self.fail("not a column of the derived table", &physical.as_str(), value);
            };
            let owner = match target.cell(width, physical) {
                Ok(Cell::Client { place: owner, formula, .. }) if owner == place => Some(formula),
                Ok(Cell::Default { column, .. }) if place >= width => {
                    let slot = defaults.get_mut(place - width);
                    let free = slot.is_some_and(|slot| {
                        slot.replace(column).is_none_or(|before| before.name == column.name)
                    });
                    column.write(physical).filter(|_| free).map(|write| write.formula.clone())
                }
                Ok(_) | Err(_) => None,
            };
            let formula =
                owner.filter(|formula| tree::with_parameters(formula, reference) == *value);
            if formula.is_none() {
                return self.fail("another value for this column", &physical.as_str(), value);
            }
        }
        if let Err(why) = target.complete(width, &target.physical) {
            return self.fail(&why, &client, output);
        }
        let Some(defaults) = defaults.into_iter().collect::<Option<Vec<&Logical>>>() else {
            return self.fail("a column of the derived table that nobody uses", &client, output);
        };
        let fenced = super::update::evaluated_once(inner).filter(|_| defaults.is_empty());
        let rows = Rows::Once { target: target.clone(), names: names.clone(), defaults, all };
        if let (Some(client), Some(query)) = (client, fenced) {
            if self.attempt(|walk| walk.query_for(client, query, Some(&rows)).map(drop)).is_ok() {
                return Ok(());
            }
            // The client's query as it is: its columns are cast when they are stored.
            let [columns, _] = self.query_columns(client, query)?;
            let fits = columns.is_none_or(|columns| columns.len() == names.len());
            return match fits || all {
                true => Ok(()),
                false => self.fail("an error is gone", client, query),
            };
        }
        match client {
            Some(client) => self.query_for(client, inner, Some(&rows)).map(drop),
            None => match inner.list("values_lists") {
                [row] if super::is_plain(inner, &["values_lists"]) => {
                    self.row(&[], row.list("items"), &rows)
                }
                _ => self.fail("not one row", &"DEFAULT VALUES", inner),
            },
        }
    }

    fn on_conflict(&mut self, client: &Tree, output: &Tree, governed: Option<usize>) -> Check {
        const FIELD: &str = "on_conflict_clause";
        let (before, after) = match (client.field(FIELD), output.field(FIELD)) {
            (None, None) => return Ok(()),
            (Some(before), Some(after)) => (before, after),
            (before, after) => return self.fail("another ON CONFLICT", &before, &after),
        };
        self.path.push("on conflict".to_owned());
        let table = governed.and_then(|index| self.shape.governed.get(index));
        match (before.field("infer"), after.field("infer")) {
            (None, None) => {}
            (Some(infer), Some(other)) => self.arbiter(infer, other, table)?,
            (infer, other) => return self.fail("another arbiter", &infer, &other),
        }
        if let Some(level) = self.levels.last_mut()
            && let Some(own) = level.sources.first().cloned()
        {
            let name = "excluded".to_owned();
            level.sources.push(Source { name, schema: [None, None], ..own });
        }
        self.assignments(table, before.list("target_list"), after.list("target_list"))?;
        self.fields(before, after, &["infer", "target_list"])?;
        if let Some(level) = self.levels.last_mut() {
            level.sources.truncate(1);
        }
        self.path.pop();
        Ok(())
    }

    /// The unique index that must not be violated.
    fn arbiter(&mut self, client: &Tree, output: &Tree, table: Option<&'s Governed>) -> Check {
        let Some(table) = table else { return self.fields(client, output, &[]) };
        let read = |name: &str| {
            let column = table.column(name);
            let written = || match column.map(|column| column.writes.as_slice()) {
                Some([only]) => only.column.clone(),
                Some(_) | None => name.to_owned(),
            };
            column.and_then(Logical::read_column).unwrap_or_else(written)
        };
        let constraint = client.text("conname");
        let key = table.keys.iter().find(|(name, _)| name == constraint);
        if let (false, Some((_, columns))) = (constraint.is_empty(), key) {
            let is_written =
                |name: &String| table.columns.iter().any(|column| column.write(name).is_some());
            if columns.iter().all(is_written) {
                return self.equal("another constraint", Some(client), Some(output));
            }
            let elements = output.list("index_elems").iter().map(|it| it.text("name").to_owned());
            let expected: Vec<String> = columns.iter().map(|name| read(name)).collect();
            return match elements.collect::<Vec<String>>() == expected {
                true => Ok(()),
                false => self.fail("another arbiter", client, output),
            };
        }
        if let Some((_, columns)) = table.successors.iter().find(|(name, _)| name == constraint) {
            let elements = output.list("index_elems").iter().map(|it| it.text("name"));
            return match elements.eq(columns) {
                true => Ok(()),
                false => self.fail("another arbiter", client, output),
            };
        }
        let (before, after) = (client.list("index_elems"), output.list("index_elems"));
        if before.len() != after.len() {
            return self.fail("another arbiter", before, after);
        }
        for (element, other) in before.iter().zip(after) {
            let name = element.text("name");
            if !name.is_empty() && read(name) != other.text("name") {
                return self.fail("another arbiter", element, other);
            }
            self.fields(element, other, &["name"])?;
        }
        self.fields(client, output, &["index_elems"])
    }
}

/// The columns of an INSERT or of a MERGE's INSERT.
pub(super) fn columns_of<'s>(table: &'s Governed, client: &[Tree], output: &[Tree]) -> Target<'s> {
    let names = |columns: &[Tree]| -> Vec<String> { columns.iter().map(with_part).collect() };
    let listed = !client.is_empty();
    let shown = || table.shown().map(|column| column.name.clone()).collect();
    let columns = if listed { names(client) } else { shown() };
    let spelled = !output.is_empty();
    let exists = || table.physical.iter().map(|column| column.name.clone()).collect();
    let physical = if spelled { names(output) } else { exists() };
    Target { table, columns, listed, physical, spelled, is_insert: true }
}

/// Whether a row has too few or too many values for its columns, which is an error of the
/// client's; without a list a shorter row means fewer columns.
fn wrong_width(width: usize, columns: usize, listed: bool) -> Option<Ordering> {
    match width.cmp(&columns) {
        Ordering::Equal => None,
        Ordering::Less if !listed => None,
        wrong => Some(wrong),
    }
}

/// The name of a column in a list, with what follows it in `a[1]` or `a.b` behind a zero byte:
/// different parts of one column are as different columns.
fn with_part(column: &Tree) -> String {
    let part = column.field("indirection").map(|part| format!("\0{part}"));
    format!("{}{}", column.text("name"), part.unwrap_or_default())
}

/// Such a name taken apart.
fn parted(name: &str) -> (&str, &str) {
    name.split_at(name.find('\0').unwrap_or(name.len()))
}

fn repeats(names: &[String]) -> bool {
    names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|it| it == name))
}

/// Whether a query is a list of columns over one derived table, and nothing more.
fn is_wrapper(output: &Tree) -> bool {
    let plain = super::is_plain(&output.without_limit(), &["from_clause", "target_list"]);
    match output.list("from_clause") {
        [item] => plain && item.is("RangeSubselect") && item.field("lateral").is_none(),
        _ => false,
    }
}

/// How many of a derived table's columns are the client's own.
fn wrapped_width(client: Option<&Tree>, target: &Target<'_>, columns: usize) -> usize {
    match client.map(|client| client.list("values_lists")) {
        None => 0,
        Some([row, ..]) => row.list("items").len(),
        Some([]) if target.listed => target.columns.len(),
        Some([]) => columns.min(target.columns.len()),
    }
}

/// A list over a derived table with its `*` spelled out.
pub(super) fn spelled_out(targets: &[Tree], alias: &str, names: &[String]) -> Vec<Tree> {
    let all = tree::expression(&format!("{alias}.*")).ok();
    let spelled = |target: &Tree| -> Vec<Tree> {
        if target.field("val") != all.as_ref() {
            return vec![target.clone()];
        }
        let columns = names.iter().filter_map(|name| {
            let quoted = name.replace('"', "\"\"");
            let select = tree::parse(&format!("SELECT {alias}.\"{quoted}\"")).ok()?;
            select.first()?.list("target_list").first().cloned()
        });
        columns.collect()
    };
    targets.iter().flat_map(spelled).collect()
}

/// The place of a derived table's column.
fn wrapper_column(reference: &Tree, alias: &str, names: &[String]) -> Option<usize> {
    match reference.names("fields").as_slice() {
        [table, column] if table == alias => names.iter().position(|name| name == column),
        _ => None,
    }
}
