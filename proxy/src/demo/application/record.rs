//! One row as the application knows it: the cells that are compared, in text form.

use std::fmt;

use super::statement::Value;

/// One cell in text form; `None` is NULL.
pub(in crate::demo) type Cell = Option<String>;

/// What the application has stored under one id. Which cell is what, the scenario knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Record(Vec<Cell>);

impl Record {
    /// A row with these cells.
    pub(in crate::demo) fn new(cells: impl Into<Vec<Cell>>) -> Self {
        Self(cells.into())
    }

    /// A cell.
    pub(in crate::demo) fn cell(&self, place: usize) -> Cell {
        self.0.get(place).cloned().flatten()
    }

    /// A cell's text; nothing for NULL.
    pub(in crate::demo) fn text(&self, place: usize) -> &str {
        self.0.get(place).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Stores another value in a cell.
    pub(in crate::demo) fn set(&mut self, place: usize, text: impl ToString) {
        if let Some(cell) = self.0.get_mut(place) {
            *cell = Some(text.to_string());
        }
    }

    /// Makes a cell NULL.
    pub(in crate::demo) fn clear(&mut self, place: usize) {
        if let Some(cell) = self.0.get_mut(place) {
            *cell = None;
        }
    }

    /// Adds 1 to a number.
    pub(in crate::demo) fn count_up(&mut self, place: usize) {
        let number: i64 = self.text(place).parse().unwrap_or(0);
        self.set(place, number + 1);
    }

    /// Some of its cells, in that order.
    pub(in crate::demo) fn cells(&self, places: &[usize]) -> Vec<Cell> {
        places.iter().map(|place| self.cell(*place)).collect()
    }

    /// The id and some of its cells.
    pub(in crate::demo) fn with_id(&self, id: i64, places: &[usize]) -> Vec<Cell> {
        std::iter::once(Some(id.to_string())).chain(self.cells(places)).collect()
    }

    /// The id and all cells, as a statement that reads the whole row answers.
    pub(in crate::demo) fn whole(&self, id: i64) -> Vec<Cell> {
        std::iter::once(Some(id.to_string())).chain(self.0.iter().cloned()).collect()
    }

    /// A cell as the parameter of a statement.
    pub(in crate::demo) fn value(&self, place: usize) -> Value {
        Value::Text(self.text(place).to_owned())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// A boolean as the server writes it.
pub(in crate::demo) fn flag_text(flag: bool) -> &'static str {
    if flag { "t" } else { "f" }
}

/// `(1, a, NULL)`.
pub(super) fn shown(cells: &[Cell]) -> String {
    let cells: Vec<&str> = cells.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
    format!("({})", cells.join(", "))
}
