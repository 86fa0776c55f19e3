//! `rename-column`: one value under two names; type, constraints and values stay.

use super::column::Subject;
use super::conversion::Conversion;
use super::{ColumnChange, Fault};
use crate::catalog::Column;
use crate::name;

pub(super) fn compile(subject: &Subject<'_>) -> Result<ColumnChange, Vec<Fault>> {
    let mut faults = Vec::new();
    let conversion = Conversion::identity();
    subject.check(&conversion, &mut faults);
    check_types(subject, &mut faults);
    subject.finish(&conversion, faults)
}

/// A rename changes no type: both columns must hold exactly the same values.
fn check_types(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    if let (Some(from), Some(to)) = (subject.from, subject.to)
        && (from.type_name != to.type_name || from.collation != to.collation)
    {
        faults.push(subject.fault(
            "to",
            format!(
                "column \"{}\" is {}, but \"{}\" is {}",
                to.name,
                described(to),
                from.name,
                described(from)
            ),
            format!(
                "a rename keeps the type: run ALTER TABLE {} ALTER COLUMN {} TYPE {}; \
                 or use kind \"change-column\"",
                subject.table_sql(),
                name::quoted(&to.name),
                described(from)
            ),
        ));
    }
}

fn described(column: &Column) -> String {
    match &column.collation {
        Some(collation) => format!("{} COLLATE {collation}", column.type_name),
        None => column.type_name.clone(),
    }
}
