//! The values of an INSERT: which of the client's each column of the output gets.

use super::insert::Target;
use super::items::{Output, Value};
use super::keys::Both;
use super::{Check, Difference, Walk};
use crate::shape::{Governed, Logical};
use crate::tree::{self, Tree};

/// Where the value of one column of the output comes from.
#[derive(Debug, Clone)]
pub(super) enum Cell<'s> {
    /// The client's value of that place, as the migration writes it to that physical column.
    Client { place: usize, column: Option<&'s Logical>, physical: String, formula: Tree },
    /// What the column would have defaulted to.
    Default { column: &'s Logical, physical: String },
}

/// How rows of the client become rows of the output.
pub(super) enum Rows<'s> {
    /// Column by column.
    Plain(Target<'s>),
    /// Inside a derived table, whose columns have these names: each value stands once, and may
    /// be cast to its column's type.
    Once {
        /// The columns.
        target: Target<'s>,
        /// The names of the derived table's columns.
        names: Vec<String>,
        /// What stands behind the client's values.
        defaults: Vec<&'s Logical>,
        /// Whether all its columns are used, so that one too many is PostgreSQL's error.
        all: bool,
    },
}

impl<'s> Rows<'s> {
    /// Whether OFFSET 0 may keep the planner from evaluating the rows more than once.
    pub(super) fn may_be_fenced(&self) -> bool {
        matches!(self, Self::Once { .. })
    }

    fn target(&self) -> &Target<'s> {
        match self {
            Self::Plain(target) | Self::Once { target, .. } => target,
        }
    }

    /// The source of each value of an output row, for client rows of that width.
    fn cells(&self, width: usize) -> Result<Option<Vec<Cell<'s>>>, String> {
        match self {
            Self::Plain(target) => target.cells(width),
            Self::Once { target, names, defaults, all } => {
                if names.len() != width + defaults.len() {
                    if *all {
                        return Ok(None);
                    }
                    return Err("a derived table of another width".to_owned());
                }
                let value = tree::expression(crate::shape::VALUE)?;
                let client = (0..width).map(|place| Cell::Client {
                    place,
                    column: target.logical(place),
                    physical: target.columns.get(place).cloned().unwrap_or_default(),
                    formula: value.clone(),
                });
                let extra = defaults
                    .iter()
                    .map(|column| Cell::Default { column, physical: column.name.clone() });
                Ok(Some(client.chain(extra).collect()))
            }
        }
    }
}

impl<'s> Walk<'s> {
    /// Rows of VALUES.
    pub(super) fn rows(&mut self, client: &[Tree], output: &[Tree], rows: &Rows<'s>) -> Check {
        if client.len() != output.len() {
            return self.fail("another number of rows", client, output);
        }
        let uneven = |rows: &[Tree]| {
            rows.windows(2).any(
                |pair| matches!(pair, [a, b] if a.list("items").len() != b.list("items").len()),
            )
        };
        if uneven(client) {
            // Rows of different lengths are PostgreSQL's error, and must stay one.
            return match uneven(output) {
                true => Ok(()),
                false => self.fail("an error is gone", client, output),
            };
        }
        for (index, (before, after)) in client.iter().zip(output).enumerate() {
            self.path.push(format!("row[{index}]"));
            self.row(before.list("items"), after.list("items"), rows)?;
            self.path.pop();
        }
        Ok(())
    }

    /// One row of expressions.
    pub(super) fn row(&mut self, client: &[Tree], output: &[Tree], rows: &Rows<'s>) -> Check {
        let outputs = |items: &'_ [Tree]| -> Vec<Tree> { items.to_vec() };
        let (before, after) = (outputs(client), outputs(output));
        let as_outputs = |items| {
            let items: &[Tree] = items;
            items
                .iter()
                .map(|value| Output { label: None, value: Value::Expression(value) })
                .collect()
        };
        let both = Both { client: as_outputs(&before), output: as_outputs(&after), places: None };
        self.selected_row(&both, rows).map(drop)
    }

    /// One row: returns for each of the output's columns the client's that it gives.
    pub(super) fn selected_row(
        &mut self,
        both: &Both<'_>,
        rows: &Rows<'s>,
    ) -> Result<Vec<Option<usize>>, Box<Difference>> {
        let width = both.client.len();
        let shown = |count: usize| format!("{count} values");
        let cells = match rows.cells(width) {
            Ok(Some(cells)) => cells,
            Ok(None) => return Ok(Vec::new()),
            Err(why) => {
                self.fail(&why, &shown(width), &shown(both.output.len()))?;
                return Ok(Vec::new());
            }
        };
        if cells.len() != both.output.len() {
            self.fail("another number of values", &shown(width), &shown(both.output.len()))?;
        }
        self.each_once(both, &cells)?;
        for (cell, output) in cells.iter().zip(&both.output) {
            self.cell(cell, both, output, rows)?;
        }
        Ok(cells
            .iter()
            .map(|cell| match cell {
                Cell::Client { place, .. } => Some(*place),
                Cell::Default { .. } => None,
            })
            .collect())
    }

    /// No value that may differ each time is written twice.
    fn each_once(&self, both: &Both<'_>, cells: &[Cell<'s>]) -> Check {
        for (place, value) in both.client.iter().enumerate() {
            let uses: usize = cells
                .iter()
                .map(|cell| match cell {
                    Cell::Client { place: used, formula, .. } if *used == place => holes(formula),
                    Cell::Client { .. } | Cell::Default { .. } => 0,
                })
                .sum();
            if let Value::Expression(value) = value.value
                && uses > 1
                && !self.shape.may_repeat(value)
            {
                return self.fail("a value that may differ each time, twice", value, &"");
            }
        }
        Ok(())
    }

    fn cell(
        &mut self,
        cell: &Cell<'s>,
        both: &Both<'_>,
        output: &Output<'_>,
        rows: &Rows<'s>,
    ) -> Check {
        let once = rows.may_be_fenced();
        match (cell, &output.value) {
            (Cell::Default { column, physical }, Value::Expression(value)) => {
                self.default_value(rows.target().table, column, physical, value, once)
            }
            (Cell::Default { .. }, _) => self.fail("not a default", &"", &output.label),
            (Cell::Client { place, column, physical, formula }, _) => {
                let Some(client) = both.client.get(*place) else {
                    return self.fail("no such value", &"", &output.label);
                };
                let (before, after) = match (&client.value, &output.value) {
                    (Value::Expression(before), Value::Expression(after)) => (*before, *after),
                    _ => return self.output(client, output),
                };
                if before.is("SetToDefault") {
                    return match column {
                        Some(column) => {
                            let table = rows.target().table;
                            self.default_value(table, column, physical, after, once)
                        }
                        None => self.same(before, after),
                    };
                }
                let direct = self.attempt(|walk| walk.written(formula, before, after));
                match column {
                    // Evaluated once it may have been given its column's type first.
                    Some(column) if once && direct.is_err() => {
                        let bare = without_cast(before, after, &column.base_type);
                        self.written(formula, before, bare)
                    }
                    _ => direct,
                }
            }
        }
    }

    /// The output is what the column stores where nothing is given.
    pub(super) fn default_value(
        &self,
        table: &Governed,
        column: &Logical,
        physical: &str,
        output: &Tree,
        once: bool,
    ) -> Check {
        if output.is("SetToDefault") {
            let by_itself = table.defaults_by_itself(column, physical);
            return match by_itself && !once {
                true => Ok(()),
                false => self.fail("the server's default is another", &column.name, output),
            };
        }
        let formula = column.write(physical).filter(|_| !once).map(|write| &write.formula);
        let default = column.default_value();
        let expected = match (formula, default) {
            (Some(formula), Some(default)) => Some(tree::with_parameters(formula, &default)),
            (None, default) => default,
            (Some(_), None) => None,
        };
        let bare = match &expected {
            Some(expected) => without_cast(expected, output, &column.base_type),
            None => output,
        };
        match expected.as_ref() == Some(bare) {
            true => Ok(()),
            false => self.fail("not the column's default", &expected, output),
        }
    }

    /// The output is the formula with the client's value in its place.
    pub(super) fn written(&mut self, formula: &Tree, client: &Tree, output: &Tree) -> Check {
        if formula.is("ParamRef") {
            return self.same(client, output);
        }
        match (formula, output) {
            (Tree::Node(tag, fields), Tree::Node(other, others))
                if tag == other && fields.len() == others.len() =>
            {
                fields.iter().try_for_each(|(name, field)| match others.get(name) {
                    Some(other) => self.written(field, client, other),
                    None => self.fail("another expression is written", client, output),
                })
            }
            (Tree::List(items), Tree::List(others)) if items.len() == others.len() => items
                .iter()
                .zip(others)
                .try_for_each(|(item, other)| self.written(item, client, other)),
            (Tree::Leaf(value), Tree::Leaf(other)) if value == other => Ok(()),
            _ => self.fail("another expression is written", client, output),
        }
    }
}

/// How often the value stands in a formula.
pub(super) fn holes(formula: &Tree) -> usize {
    formula.nodes().filter(|node| node.is("ParamRef")).count()
}

/// The expression inside a cast to that type which the client's text does not have.
fn without_cast<'t>(client: &Tree, output: &'t Tree, base_type: &str) -> &'t Tree {
    let cast_to = output.field("type_name").filter(|_| output.is("TypeCast"));
    let added = cast_to.is_some()
        && cast_to == tree::type_name(base_type).ok().as_ref()
        && client != output;
    match output.field("arg") {
        Some(inner) if added => inner,
        _ => output,
    }
}
