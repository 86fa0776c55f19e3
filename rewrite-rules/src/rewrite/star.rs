//! `*` and `t.*`: the logical columns, in the old shape's order, for ever.
//!
//! Sound: outside JOIN … USING and NATURAL, `*` is the concatenation of its relations' columns in
//! FROM order, so a governed relation's part can be spelled out and every other one's left as
//! `t.*`. Where columns are merged, the governed relations become derived tables instead, which
//! show just the old shape, and the `*` stays as it is.

use super::Rewriter;
use crate::edit::Piece;
use crate::lens::LogicalColumn;
use crate::name;

/// A `*` in a select list.
#[derive(Debug, Clone)]
pub(super) struct Star {
    /// Bytes, qualifier included.
    pub(super) span: (usize, usize),
    pub(super) elements: Vec<Element>,
    /// Whether the columns must be written qualified.
    pub(super) qualify: bool,
    /// What the client wrote before the `*`, without the dot.
    written: Option<String>,
    /// Whether the columns stand where no label can.
    unlabelled: bool,
}

impl Star {
    /// A star in a select list, and what the client wrote before it.
    pub(super) fn items(
        span: (usize, usize),
        elements: Vec<Element>,
        qualify: bool,
        written: Option<String>,
    ) -> Self {
        Self { span, elements, qualify, written, unlabelled: false }
    }

    /// A star over one relation inside a row constructor.
    pub(super) fn values(span: (usize, usize), occurrence: usize) -> Self {
        let elements = vec![Element::Governed(occurrence)];
        Self { span, elements, qualify: true, written: None, unlabelled: true }
    }
}

/// One relation that a `*` stands for.
#[derive(Debug, Clone)]
pub(super) enum Element {
    Governed(usize),
    /// How SQL text refers to it.
    Other(String),
}

/// A logical column as an item of a select list over the table itself.
pub(super) fn item(column: &LogicalColumn) -> String {
    labelled(column.get.read(""), column, "")
}

/// The text with a label where PostgreSQL would not name the output as the client expects.
fn labelled(text: String, column: &LogicalColumn, qualifier: &str) -> String {
    let name = name::quoted(&column.name);
    if text == format!("{qualifier}{name}") { text } else { format!("{text} AS {name}") }
}

impl Rewriter<'_> {
    /// A logical column of an occurrence as an item of a select list.
    pub(super) fn star_item(&self, at: usize, column: &LogicalColumn, qualifier: &str) -> String {
        labelled(self.read(at, column, qualifier), column, qualifier)
    }

    /// Spells out every `*` that a governed table has a part in.
    pub(super) fn emit_stars(&mut self) {
        for star in std::mem::take(&mut self.stars) {
            let spelled = star.elements.iter().any(|element| match element {
                Element::Governed(at) => self.is_spelled_out(*at),
                Element::Other(_) => false,
            });
            if spelled {
                let items: Vec<String> = star
                    .elements
                    .iter()
                    .flat_map(|element| self.star_items(element, &star))
                    .collect();
                let (start, end) = star.span;
                let mut text = items.join(", ");
                // `TABLE t` is a query without a star of its own.
                if self.slice(star.span).eq_ignore_ascii_case("table") {
                    text = format!("SELECT {text} FROM");
                }
                self.edits.replace(start, end, vec![Piece::Text(text)]);
            }
        }
    }

    fn star_items(&self, element: &Element, star: &Star) -> Vec<String> {
        match element {
            Element::Other(reference) => vec![format!("{reference}.*")],
            Element::Governed(at) => {
                let Some(occurrence) = self.occurrences.get(*at) else { return Vec::new() };
                let reference = &occurrence.reference;
                if !self.is_spelled_out(*at) {
                    return vec![format!("{reference}.*")];
                }
                let reference = star.written.as_ref().unwrap_or(reference);
                let qualifier = if star.qualify { format!("{reference}.") } else { String::new() };
                let columns = occurrence.lens.shown();
                columns
                    .map(|column| match star.unlabelled {
                        true => self.read(*at, column, &qualifier),
                        false => self.star_item(*at, column, &qualifier),
                    })
                    .collect()
            }
        }
    }
}
