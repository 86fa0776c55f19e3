//! What the old table must promise again before it is read again: constraints of which it was rid, so as to be left.

use crate::gate::constraints::Constraint;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::free_name;

use super::constraints::{columns_of, is_matched};
use super::step::{Step, Table};
use rewrite_rules::name::quoted;

/// Of the constraints `its` of the new table those over what moves that the old one, which has `own`, lacks.
pub(in crate::gate) fn missing(
    step: &Step<'_>,
    new: &Table<'_>,
    (own, its): (&[&Constraint], &[&Constraint]),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Of tables that are merged each writes its part of the new one, which refuses what it did.
    if step.part.is_some() {
        return findings;
    }
    let mut taken: Vec<String> = own.iter().map(|it| it.name.clone()).collect();
    for it in its.iter().filter(|it| !it.inherited && is_over_moved(step, new, it)) {
        let found: Vec<_> = own.iter().filter(|old| is_matched(step, new, old, it)).collect();
        if !it.valid && !found.is_empty() || found.iter().any(|old| old.valid) {
            continue;
        }
        let (old, kind) = (&step.old, it.kind.name());
        findings.push(match found.first() {
            Some(known) => {
                let message = format!(
                    "{kind} \"{}\" of \"{}\" is NOT VALID, and \"{}\" of \"{}\" is valid: its table is about to \
                     be read again",
                    known.name, old.name, it.name, new.name
                );
                let validate =
                    format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", old.sql, quoted(&known.name));
                step.finding(Severity::Risky, About::UnvalidatedConstraint, message, [validate])
            }
            None => {
                let message = format!(
                    "\"{}\" has no equivalent of {kind} \"{}\" of \"{}\": its table is about to be read again: {}",
                    old.name, it.name, new.name, it.definition
                );
                let known: Vec<&str> = taken.iter().map(String::as_str).collect();
                let name = free_name(&name_here(step, new, &it.name), &known);
                let definition = it.over(&|text| step.here(text));
                let statements = it.added_to((&old.sql, false), &name, &definition);
                taken.push(name);
                step.finding(Severity::Risky, About::MissingConstraint, message, statements)
            }
        });
    }
    findings
}

/// Whether it is over columns that have moved, and at most the key besides.
fn is_over_moved(step: &Step<'_>, new: &Table<'_>, it: &Constraint) -> bool {
    let names = columns_of(new, it);
    let has_moved = |name: &&str| step.moved().any(|(_, to)| to == *name);
    names.iter().any(has_moved) && names.iter().all(|name| step.name_here(name).is_some())
}

/// What the counterpart of an object of the new table is best called.
fn name_here(step: &Step<'_>, new: &Table<'_>, name: &str) -> String {
    let (old, new) = (&step.old.name.name, &new.name.name);
    let mut wanted = match name.contains(new.as_str()) {
        true => name.replacen(new.as_str(), old, 1),
        false => format!("{old}_{name}"),
    };
    for (from, to) in step.moved().filter(|(from, to)| from != to) {
        wanted = wanted.replacen(to, from, 1);
    }
    wanted
}
