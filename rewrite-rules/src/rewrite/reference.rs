//! References to governed columns: what was found, and the edits that it comes to.

use std::collections::HashMap;

use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::occurrence::Stance;
use crate::name;

/// A use of a logical column.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) occurrence: usize,
    /// The logical column's name, as the client meant it.
    pub(super) column: String,
    /// Bytes of the column's identifier.
    pub(super) span: (usize, usize),
    pub(super) qualifier: Qualifier,
}

/// What stands, or must stand, before the column's identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier {
    /// Nothing, and nothing is needed: its relation is the only one in sight.
    None,
    /// Nothing, but a name that differs from the client's must be qualified.
    IfChanged,
    /// Nothing, but it must be qualified in any case.
    Always,
    /// The relation's name, or an expression that means its whole row, from this byte on.
    Relation(usize),
    /// The schema's name from this byte, the relation's name from that byte on.
    Schema(usize, usize),
}

/// An output column without a label of its own, which takes its name from a reference.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// Byte offset of the identifier that names it.
    pub(super) ident: usize,
    /// The name that the client expects.
    pub(super) name: String,
    /// Where the item ends.
    pub(super) end: usize,
}

impl Rewriter<'_> {
    /// Replaces names where they stand.
    pub(super) fn emit_references(&mut self) {
        let references = std::mem::take(&mut self.references);
        let mut labels: HashMap<usize, Vec<Label>> = HashMap::new();
        for label in std::mem::take(&mut self.labels) {
            labels.entry(label.ident).or_default().push(label);
        }
        for reference in &references {
            if self.emit(reference) {
                for label in labels.get(&reference.span.0).into_iter().flatten() {
                    let text = format!(" AS {}", name::quoted(&label.name));
                    self.edits.insert(label.end, vec![text.into()]);
                }
            }
        }
        self.references = references;
    }

    /// Edits one reference; returns whether PostgreSQL would name an output column of it otherwise
    /// than the client expects.
    fn emit(&mut self, reference: &Reference) -> bool {
        let Some(occurrence) = self.occurrences.get(reference.occurrence) else { return false };
        let Some(column) = occurrence.lens.column(&reference.column) else { return false };
        let bare = self.read(reference.occurrence, column, "");
        let (start, end) = reference.span;
        if bare == name::quoted(&reference.column) {
            self.emit_qualifier(reference);
            return false;
        }
        let derived = occurrence.stance == Stance::Derived;
        // An alias stands for the table's name then.
        let aliased = derived || occurrence.is_in_place || occurrence.over().is_some();
        let own = format!("{}.", occurrence.reference);
        let (from, qualifier) = match reference.qualifier {
            Qualifier::None => (start, String::new()),
            Qualifier::IfChanged | Qualifier::Always => (start, own),
            Qualifier::Schema(_, relation) if aliased => {
                (start, self.slice((relation, start)).to_owned())
            }
            Qualifier::Relation(from) | Qualifier::Schema(from, _) => {
                (from, self.slice((from, start)).to_owned())
            }
        };
        let computed = occurrence.access(column).through.is_some() && !derived;
        if computed {
            let text = self.read(reference.occurrence, column, &qualifier);
            let text = if self.is_selected_from(end) { format!("({text})") } else { text };
            self.edits.replace(from, end, vec![text.into()]);
            return true;
        }
        let text = match reference.qualifier {
            Qualifier::IfChanged | Qualifier::Always => format!("{qualifier}{bare}"),
            Qualifier::None | Qualifier::Relation(_) | Qualifier::Schema(..) => bare,
        };
        if let (true, Qualifier::Schema(schema, relation)) = (aliased, reference.qualifier) {
            self.edits.replace(schema, relation, Vec::new());
        }
        self.edits.replace(start, end, vec![text.into()]);
        true
    }

    /// A name that stays may still need a qualifier, or one without its schema.
    fn emit_qualifier(&mut self, reference: &Reference) {
        let Some(occurrence) = self.occurrences.get(reference.occurrence) else { return };
        let aliased = occurrence.stance == Stance::Derived
            || occurrence.is_in_place
            || occurrence.over().is_some();
        match reference.qualifier {
            Qualifier::Always => {
                let name = self.slice(reference.span).to_owned();
                let text = format!("{}.{name}", occurrence.reference);
                self.edits.replace(reference.span.0, reference.span.1, vec![text.into()]);
            }
            Qualifier::Schema(schema, relation) if aliased => {
                self.edits.replace(schema, relation, Vec::new());
            }
            Qualifier::None
            | Qualifier::IfChanged
            | Qualifier::Relation(_)
            | Qualifier::Schema(..) => {}
        }
    }

    /// Whether a field or an element is taken from what ends at this byte.
    pub(super) fn is_selected_from(&self, end: usize) -> bool {
        self.lexeme(self.lexeme_at(end))
            .is_some_and(|next| matches!(next.token, Token::Period | Token::LBracket))
    }
}
