//! `rename-column` by `strategy = "metadata"`: the one column is renamed in the schema, and either name
//! means it before and after.

use super::column::Subject;
use super::conversion::Conversion;
use super::{ColumnChange, Fault, Place, Side};
use crate::name::quoted;
use crate::phase::Phase;

pub(super) fn compile(subject: &Subject<'_>) -> Result<ColumnChange, Vec<Fault>> {
    let mut faults = Vec::new();
    let conversion = Conversion::identity();
    subject.check_generated(&mut faults);
    check_phase(subject, &mut faults);
    // There is one column, so both names stand where it stands.
    let column = if subject.phase == Phase::Expand { subject.from } else { subject.to };
    let place = column.map(|column| Place::Number(column.number));
    let change = place.and_then(|place| {
        let change = subject.columns(&conversion, place)?;
        let new = change.new.map(|side| Side { place: Some(place), ..side });
        Some(ColumnChange { new, ..change })
    });
    match change {
        Some(change) if faults.is_empty() => Ok(change),
        Some(_) | None => Err(faults),
    }
}

fn check_phase(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let (from, to) = (&subject.pair.from, &subject.pair.to);
    match (subject.phase, subject.from, subject.to) {
        (Phase::Expand, Some(_), None) | (Phase::Contract, None, Some(_)) => {}
        (Phase::Expand, None, Some(_)) => faults.push(subject.fault(
            "phase",
            format!("column \"{from}\" was renamed to \"{to}\": that is phase \"contract\""),
            "set phase = \"contract\"; if the migration is over, take it out of the file".to_owned(),
        )),
        (Phase::Expand, None, None) => faults.push(subject.missing("from", from)),
        (Phase::Contract, None, None) => faults.push(subject.missing("to", to)),
        (Phase::Expand, Some(_), Some(_)) => faults.push(subject.fault(
            "to",
            format!("columns \"{from}\" and \"{to}\" both exist, and one is to take the other's name"),
            "if nobody needs the other one, drop it; strategy \"dual-write\" copies into it".to_owned(),
        )),
        (Phase::Contract, Some(_), _) => faults.push(subject.fault(
            "from",
            format!("column \"{from}\" exists, so it was not renamed to \"{to}\""),
            format!(
                "segue renames it in the step to this phase; by hand that is ALTER TABLE {} RENAME \
                 COLUMN {} TO {};",
                subject.table_sql(),
                quoted(from),
                quoted(to)
            ),
        )),
        // It has no other phase, which was said already.
        (
            Phase::DualWrite
            | Phase::SwitchReads
            | Phase::StopDualWrite
            | Phase::Backfill
            | Phase::Enforce,
            _,
            _,
        ) => {}
    }
}
