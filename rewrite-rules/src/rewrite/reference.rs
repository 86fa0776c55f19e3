//! References to governed columns: what was found, and the edits that it comes to.

use std::collections::HashMap;

use super::Rewriter;
use super::Walk;
use crate::name;
use crate::refusal::Refusal;

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
    /// The relation's name.
    Relation,
    /// The schema's and the relation's name; the bytes of the schema's, dot included.
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
    /// Whether this occurrence becomes a derived table.
    pub(super) fn is_derived(&self, occurrence: usize) -> bool {
        self.occurrences.get(occurrence).is_some_and(|found| found.derive.is_some())
    }

    /// Marks an occurrence as one that must become a derived table.
    pub(super) fn derive(&mut self, occurrence: usize, reason: &'static str) {
        if let Some(found) = self.occurrences.get_mut(occurrence) {
            found.derive.get_or_insert(reason);
        }
    }

    /// Marks an occurrence as one that cannot become a derived table.
    pub(super) fn fix(&mut self, occurrence: usize, reason: &'static str) {
        if let Some(found) = self.occurrences.get_mut(occurrence) {
            found.fixed.get_or_insert(reason);
        }
    }

    /// Puts derived tables where they are needed, or refuses where they cannot stand.
    pub(super) fn emit_occurrences(&mut self) -> Walk<()> {
        for occurrence in &self.occurrences {
            if occurrence.derive.is_none() {
                continue;
            }
            let Some((start, end)) = occurrence.span.filter(|_| occurrence.fixed.is_none()) else {
                let reason = occurrence.fixed.or(occurrence.derive).unwrap_or_default();
                return Err(Box::new(Refusal::no_derived_table(reason, occurrence.lens)));
            };
            let columns: Vec<String> = occurrence.lens.shown().map(super::star::item).collect();
            let table = self.text.get(start..end).unwrap_or_default();
            let mut text = format!("(SELECT {} FROM {table})", columns.join(", "));
            if !occurrence.aliased {
                text.push_str(&format!(" AS {}", occurrence.reference));
            }
            self.edits.replace(start, end, vec![text.into()]);
        }
        Ok(())
    }

    /// Replaces names where they stand.
    pub(super) fn emit_references(&mut self) {
        let references = std::mem::take(&mut self.references);
        let mut labels: HashMap<usize, Vec<Label>> = HashMap::new();
        for label in std::mem::take(&mut self.labels) {
            labels.entry(label.ident).or_default().push(label);
        }
        for reference in &references {
            let Some(target) = self.physical_name(reference) else { continue };
            let changed = target != reference.column;
            self.emit(reference, &target, changed);
            if changed {
                for label in labels.get(&reference.span.0).into_iter().flatten() {
                    let text = format!(" AS {}", name::quoted(&label.name));
                    self.edits.insert(label.end, vec![text.into()]);
                }
            }
        }
        self.references = references;
    }

    /// The name that PostgreSQL must see for a reference.
    fn physical_name(&self, reference: &Reference) -> Option<String> {
        let lens = self.occurrences.get(reference.occurrence)?.lens;
        let column = lens.column(&reference.column)?;
        if self.is_derived(reference.occurrence) && !column.shown {
            // The derived table shows the old shape: the same value under its old name.
            return lens.shown().find(|old| old.get == column.get).map(|old| old.name.clone());
        }
        if self.is_derived(reference.occurrence) {
            return Some(column.name.clone());
        }
        Some(column.get.clone())
    }

    fn emit(&mut self, reference: &Reference, target: &str, changed: bool) {
        let derived = self.is_derived(reference.occurrence);
        let (start, end) = reference.span;
        let qualify = match reference.qualifier {
            Qualifier::None | Qualifier::Relation => false,
            Qualifier::IfChanged => changed,
            Qualifier::Always => true,
            Qualifier::Schema(from, to) => {
                if derived {
                    self.edits.replace(from, to, Vec::new());
                }
                false
            }
        };
        if !changed && !qualify {
            return;
        }
        let name = match changed {
            true => name::quoted(target),
            false => self.slice((start, end)).to_owned(),
        };
        let relation = self.occurrences.get(reference.occurrence).filter(|_| qualify);
        let text = match relation {
            Some(occurrence) => format!("{}.{name}", occurrence.reference),
            None => name,
        };
        self.edits.replace(start, end, vec![text.into()]);
    }
}
