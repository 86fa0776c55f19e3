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
}

/// One relation that a `*` stands for.
#[derive(Debug, Clone)]
pub(super) enum Element {
    Governed(usize),
    /// How SQL text refers to it.
    Other(String),
}

/// A logical column as an item of a select list.
pub(super) fn item(column: &LogicalColumn) -> String {
    if column.get == column.name {
        name::quoted(&column.name)
    } else {
        format!("{} AS {}", name::quoted(&column.get), name::quoted(&column.name))
    }
}

impl Rewriter<'_> {
    /// Spells out every `*` that a governed table has a part in.
    pub(super) fn emit_stars(&mut self) {
        for star in std::mem::take(&mut self.stars) {
            let spelled = star
                .elements
                .iter()
                .any(|element| matches!(element, Element::Governed(at) if !self.is_derived(*at)));
            if spelled {
                let items: Vec<String> = star
                    .elements
                    .iter()
                    .flat_map(|element| self.star_items(element, star.qualify))
                    .collect();
                let (start, end) = star.span;
                self.edits.replace(start, end, vec![Piece::Text(items.join(", "))]);
            }
        }
    }

    fn star_items(&self, element: &Element, qualify: bool) -> Vec<String> {
        match element {
            Element::Other(reference) => vec![format!("{reference}.*")],
            Element::Governed(at) => {
                let Some(occurrence) = self.occurrences.get(*at) else { return Vec::new() };
                let reference = &occurrence.reference;
                if self.is_derived(*at) {
                    return vec![format!("{reference}.*")];
                }
                let columns = occurrence.lens.shown().map(item);
                columns
                    .map(|column| if qualify { format!("{reference}.{column}") } else { column })
                    .collect()
            }
        }
    }
}
