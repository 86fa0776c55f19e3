//! What reads the new table, or refers to it, when the way back leads to where it is not written any more: that is not
//! turned by the way back, and finds what becomes stale.

use tokio_postgres::{Error, Transaction};

use super::step::{Step, Table};
use crate::gate::definitions::{foreign_key, shown};
use crate::gate::dependents::{Dependent, Kind, of_column};
use crate::gate::finding::{Finding, Severity};
use crate::gate::step::Move;

/// In the place of a column's number: the table itself.
const TABLE: i16 = 0;

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.way() != Move::LeaveNew || !new.is_there() {
        return Ok(Vec::new());
    }
    let names = new.relation.columns.iter().map(|column| column.name.as_str());
    let mut numbers = new.numbers(names);
    numbers.push(TABLE);
    let oids = vec![new.oid; numbers.len()];
    let mut known: Vec<Dependent> = Vec::new();
    for dependent in of_column(transaction, (&oids, &numbers), "").await? {
        let is_known = known.iter().any(|it| it.description == dependent.description);
        if !is_known && is_left(new, &dependent) {
            known.push(dependent);
        }
    }
    Ok(known.iter().map(|dependent| finding(step, new, dependent)).collect())
}

/// Whether it goes on with the new table, and is none of what belongs to that.
fn is_left(new: &Table<'_>, dependent: &Dependent) -> bool {
    match dependent.kind {
        Kind::View | Kind::MaterializedView | Kind::Function => true,
        Kind::Rule | Kind::Policy | Kind::ForeignKey => dependent.owner != new.sql,
        Kind::GeneratedColumn | Kind::Trigger | Kind::Publication | Kind::Other => false,
    }
}

fn finding(step: &Step<'_>, new: &Table<'_>, dependent: &Dependent) -> Finding {
    let Dependent { description, name, owner, definition, .. } = dependent;
    let is_foreign_key = dependent.kind == Kind::ForeignKey;
    let (uses, why) = match is_foreign_key {
        true => ("refers to", "rows that clients store from then on are not found there"),
        false => ("uses", "what is there becomes stale"),
    };
    let message = format!(
        "{description} {uses} \"{}\", which phase \"{}\" does not write: {why}",
        new.name, step.to
    );
    // Which of the tables that are merged is meant nobody can tell.
    let remedy = match (is_foreign_key, step.part.is_some()) {
        (true, true) => Vec::new(),
        (true, false) => {
            let definition = definition.as_deref().unwrap_or_default();
            foreign_key(name, owner, definition, Some(&step.old.sql), &|text| step.here(text))
        }
        (false, _) => shown(dependent).into_iter().collect(),
    };
    step.finding(Severity::Risky, dependent.kind.about(), message, remedy)
}
