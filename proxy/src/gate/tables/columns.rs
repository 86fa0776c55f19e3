//! The moved columns themselves: whether the new table has them, NOT NULL and the same default.

use rewrite_rules::catalog::{Catalog, Column};
use rewrite_rules::name::quoted;

use super::constraints::only_where;
use super::step::{Step, Table};
use crate::gate::columns::set_not_null;
use crate::gate::constraints::Constraint;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::{Move, free_name};

/// `checks`: those of the new table, if it is there.
pub(in crate::gate) fn check(
    step: &Step<'_>,
    new: &Table<'_>,
    catalog: &Catalog,
    checks: Option<&[Constraint]>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = above(step, catalog).into_iter().collect();
    for (from, to) in step.moved() {
        let Some(own) = step.old.relation.column(from) else { continue };
        match new.relation.column(to) {
            None => findings.push(missing(step, new, own, to)),
            Some(its) => {
                if !is_wanted(step, &its.name, checks) {
                    findings.extend(nullable(step, new, own, its));
                }
                findings.extend(not_null(step, new, own, its));
                findings.extend(default(step, new, own, its));
            }
        }
    }
    findings
}

/// What is written through the table above it is not known to be written here.
pub(in crate::gate) fn above(step: &Step<'_>, catalog: &Catalog) -> Option<Finding> {
    let name = &step.old.name;
    let mut parents = catalog.relations.iter();
    let (parent, _) = parents.find(|(_, table)| table.children.contains(name))?;
    let message = format!(
        "\"{name}\" belongs to \"{parent}\": what is written through that is not carried to \"{}\"",
        step.into
    );
    Some(step.finding(Severity::LosesData, About::Definition, message, None))
}

fn missing(step: &Step<'_>, new: &Table<'_>, own: &Column, to: &str) -> Finding {
    let message = format!(
        "column \"{to}\" does not exist in \"{}\", and phase \"{}\" needs it",
        new.name, step.to
    );
    let definition = match step.part {
        Some(_) => definition(own),
        None => type_of(own),
    };
    let add = format!("ALTER TABLE {} ADD COLUMN {} {definition};", new.sql, quoted(to));
    step.not_ready(About::MissingColumn, message, [add])
}

/// A column's type and collation as SQL writes them.
pub(in crate::gate) fn type_of(column: &Column) -> String {
    match &column.collation {
        Some(collation) => format!("{} COLLATE {collation}", column.type_name),
        None => column.type_name.clone(),
    }
}

/// A column as the new table of a merge has it: rows that other tables have alone must have a value there too.
pub(in crate::gate) fn definition(own: &Column) -> String {
    let type_name = type_of(own);
    match &own.default {
        Some(default) => {
            let not_null = if own.not_null { " NOT NULL" } else { "" };
            format!("{type_name} DEFAULT {}{not_null}", default.expression)
        }
        None => type_name,
    }
}

/// Once only the new table is written, nothing would refuse a NULL.
fn nullable(step: &Step<'_>, new: &Table<'_>, own: &Column, its: &Column) -> Option<Finding> {
    let severity = once_alone(step)?;
    if !own.not_null || its.not_null {
        return None;
    }
    let message = format!(
        "column \"{}\" of \"{}\" may be NULL, and \"{}\" of \"{}\" may not",
        its.name, new.name, own.name, step.old.name
    );
    let remedy = match (&step.part, step.present(), &its.default) {
        (None, ..) | (Some(_), _, Some(_)) => set_not_null(&new.sql, &its.name).to_vec(),
        (Some(_), Some(present), None) => wanted_where(new, present, &its.name),
        // What stands in the rows that other tables have alone, only the operator knows.
        (Some(_), None, None) => Vec::new(),
    };
    let severity = if remedy.is_empty() { Severity::Risky } else { severity };
    Some(step.finding(severity, About::NotNull, message, remedy))
}

/// Whether a column must have a value in the rows of a part, which other rows have nothing to do with.
fn is_wanted(step: &Step<'_>, column: &str, checks: Option<&[Constraint]>) -> bool {
    let Some(present) = step.present() else { return false };
    let wanted = only_where(present, &value_in(column));
    // Where it is only supposed to be there it is as it is made.
    checks.is_none_or(|checks| checks.iter().any(|it| it.valid && it.definition == wanted))
}

/// What makes a column have a value in the rows of a part.
fn wanted_where(new: &Table<'_>, present: &str, column: &str) -> Vec<String> {
    let name = quoted(&free_name(&format!("{}_{column}_not_null", new.name.name), &[]));
    let check = only_where(present, &value_in(column));
    let table = &new.sql;
    vec![
        format!("ALTER TABLE {table} ADD CONSTRAINT {name} {check} NOT VALID;"),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
    ]
}

/// That a column has a value, as the server shows it.
pub(in crate::gate) fn value_in(column: &str) -> String {
    format!("({} IS NOT NULL)", quoted(column))
}

/// What the old table takes and the new one does not. On the way back it has let go of NOT NULL, so as not
/// to be written.
fn not_null(step: &Step<'_>, new: &Table<'_>, own: &Column, its: &Column) -> Option<Finding> {
    if own.not_null || !its.not_null {
        return None;
    }
    let drop = || {
        vec![format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;", new.sql, quoted(&its.name))]
    };
    let (what, remedy) = match step.way() {
        Move::WriteBoth => ("clients that store NULL would fail", drop()),
        Move::ReadOldAgain => {
            let set = set_not_null(&step.old.sql, &own.name);
            ("its table is about to be read again", set.to_vec())
        }
        Move::ReadNew
        | Move::LeaveOld
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::LeaveNew
        | Move::Stay => return None,
    };
    let message = format!(
        "column \"{}\" of \"{}\" is NOT NULL, and \"{}\" of \"{}\" is not: {what}",
        its.name, new.name, own.name, step.old.name
    );
    Some(step.finding(Severity::Risky, About::NotNull, message, remedy))
}

/// How bad it is that the new table promises less: nothing yet while both are written.
pub(in crate::gate) fn once_alone(step: &Step<'_>) -> Option<Severity> {
    match step.way() {
        Move::ReadNew => Some(Severity::Risky),
        Move::LeaveOld => Some(Severity::LosesData),
        Move::WriteBoth
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::ReadOldAgain
        | Move::LeaveNew
        | Move::Stay => None,
    }
}

/// Rows that name the column in neither table. While both are written the new one gets what the old one
/// has stored, whatever its default; after that its own default counts.
fn default(step: &Step<'_>, new: &Table<'_>, own: &Column, its: &Column) -> Option<Finding> {
    let text = |column: &Column| column.default.as_ref().map(|it| it.expression.clone());
    let (old, present) = (text(own), text(its));
    if old == present {
        return None;
    }
    let in_words = |default: &Option<String>| match default {
        Some(expression) => format!("the default {expression}"),
        None => "no default".to_owned(),
    };
    let (here, there) = (&step.old, new);
    let is_part = step.part.is_some();
    // A value must be there for the rows that other tables have alone.
    if is_part && old.is_none() && its.not_null {
        return None;
    }
    let severity = match step.way() {
        Move::ReadNew => Severity::Risky,
        // What is deleted is set to it from then on.
        Move::WriteBoth if is_part => Severity::Risky,
        Move::LeaveOld if is_part => Severity::LosesData,
        // A default of the old column that is gone counts no more: see compile.
        Move::LeaveOld if old.is_none() => return None,
        Move::LeaveOld | Move::WriteBothAgain => Severity::LosesData,
        Move::WriteBoth | Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => {
            return None;
        }
    };
    let message = format!(
        "column \"{}\" of \"{}\" has {}, and \"{}\" of \"{}\" has {}",
        own.name,
        here.name,
        in_words(&old),
        its.name,
        there.name,
        in_words(&present)
    );
    // Back: clients have lived with the new one's.
    let (table, column, wanted) = match step.way() {
        Move::WriteBothAgain => (&here.sql, &own.name, present),
        _forward => (&there.sql, &its.name, old),
    };
    let change = match wanted {
        Some(expression) => format!("SET DEFAULT {expression}"),
        None => "DROP DEFAULT".to_owned(),
    };
    let alter = format!("ALTER TABLE {table} ALTER COLUMN {} {change};", quoted(column));
    Some(step.finding(severity, About::Default, message, [alter]))
}
