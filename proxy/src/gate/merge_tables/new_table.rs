//! What the new table asks of rows that have no part of some table's, and of columns of several tables at once.

use rewrite_rules::catalog::Column;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::Subject;
use super::foreign_keys::is_over_key;
use crate::gate::columns::set_not_null;
use crate::gate::constraints::{self, Constraint, Kind};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes;
use crate::gate::step::Move;
use crate::gate::tables::columns::once_alone;
use crate::gate::tables::indexes::removal;
use crate::gate::tables::step::{Step, Table};

pub(super) async fn check(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let Some(first) = subject.steps.first().filter(|step| !step.way().is_leaving()) else {
        return Ok(Vec::new());
    };
    let mut findings = without_default(subject, first, new);
    for step in &subject.steps {
        findings.extend(presence(step, new));
    }
    if first.way() != Move::WriteBoth {
        return Ok(findings);
    }
    for it in constraints::of_tables(transaction, &[new.oid]).await? {
        let columns: Vec<&str> =
            it.columns.iter().filter_map(|number| new.column(*number)).collect();
        if is_over_several(subject, first, &columns) {
            let what = format!("{} \"{}\"", it.kind.name(), it.name);
            let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", new.sql, quoted(&it.name));
            findings.push(over_several(first, new, &what, drop));
        }
    }
    for index in indexes::of_tables(transaction, &[new.oid]).await? {
        let is_told = index.exclusion || !index.unique;
        if !is_told && is_over_several(subject, first, &new.columns_of(&index)) {
            let what = format!("unique index \"{}\"", index.name);
            findings.push(over_several(first, new, &what, removal(new, &index)));
        }
    }
    Ok(findings)
}

/// CHECKs over the key of a table of which each row of the new one counts as a row, that not all tables have: rows
/// of the others need not keep to them.
pub(super) async fn of_one_alone(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    step: &Step<'_>,
) -> Result<Vec<Constraint>, Error> {
    if step.present().is_some() {
        return Ok(Vec::new());
    }
    let (own, others): (Vec<Constraint>, Vec<Constraint>) =
        (constraints::of_tables(transaction, &subject.oids()).await?.into_iter())
            .filter(|it| it.kind == Kind::Check)
            .partition(|it| it.table == step.old.oid);
    let form = |step: &Step<'_>, it: &Constraint| it.over(&|text| step.there(text));
    let is_of_all = |own: &Constraint| {
        let mut steps = subject.steps.iter().filter(|other| other.old.oid != step.old.oid);
        steps.all(|other| {
            let mut its = others.iter().filter(|it| it.table == other.old.oid);
            its.any(|it| form(other, it) == form(step, own))
        })
    };
    Ok(own.into_iter().filter(|it| is_over_key(step, it) && !is_of_all(it)).collect())
}

/// What is said of them before nobody asks the old table any more.
pub(super) fn not_carried(step: &Step<'_>, own: &Constraint) -> Option<Finding> {
    once_alone(step)?;
    let message = format!(
        "CHECK constraint \"{}\" of \"{}\" is over the key, and not all of the merged tables have it: \"{}\" cannot \
         refuse what it does: {}",
        own.name, step.old.name, step.into, own.definition
    );
    Some(step.finding(Severity::Risky, About::MissingConstraint, message, None))
}

/// Whether something is over columns that are filled, and no table has all of those.
fn is_over_several(subject: &Subject<'_>, first: &Step<'_>, columns: &[&str]) -> bool {
    let filled = first.filled();
    columns.iter().any(|name| filled.contains(name))
        && !subject.steps.iter().any(|step| step.concerns(columns.iter().copied()))
}

fn over_several(step: &Step<'_>, new: &Table<'_>, what: &str, drop: String) -> Finding {
    let message = format!(
        "{what} of \"{}\" is over columns that none of the merged tables has together: clients that write what \
         it refuses would fail",
        new.name
    );
    step.finding(Severity::Risky, About::MissingConstraint, message, [drop])
}

/// Columns that must have a value and are given none by who writes another table.
fn without_default(subject: &Subject<'_>, first: &Step<'_>, new: &Table<'_>) -> Vec<Finding> {
    let is_key = |column: &Column| first.key().any(|(_, to)| to == column.name);
    let is_made =
        |column: &Column| column.default.is_some() || column.generated || column.identity.is_some();
    let columns = new.relation.columns.iter();
    let wanting = columns.filter(|it| it.not_null && !is_made(it) && !is_key(it));
    wanting
        .map(|column| {
            let own = subject.steps.iter().find_map(|step| {
                step.old.relation.column(step.name_here(&column.name)?)?.default.as_ref()
            });
            let change = match own {
                Some(default) => format!("SET DEFAULT {}", default.expression),
                None => "DROP NOT NULL".to_owned(),
            };
            let message = format!(
                "column \"{}\" of \"{}\" is NOT NULL without a default, and some table has no row for it",
                column.name, new.name
            );
            let alter =
                format!("ALTER TABLE {} ALTER COLUMN {} {change};", new.sql, quoted(&column.name));
            first.not_ready(About::NotNull, message, [alter])
        })
        .collect()
}

/// The column that tells whether there is a row of a table.
fn presence(step: &Step<'_>, new: &Table<'_>) -> Option<Finding> {
    let present = step.present()?;
    let name = quoted(present);
    let Some(column) = new.relation.column(present) else {
        let message = format!(
            "column \"{present}\" does not exist in \"{}\", and phase \"{}\" needs it",
            new.name, step.to
        );
        let add =
            format!("ALTER TABLE {} ADD COLUMN {name} boolean NOT NULL DEFAULT false;", new.sql);
        return Some(step.not_ready(About::MissingColumn, message, [add]));
    };
    let default = column.default.as_ref().map(|default| default.expression.as_str());
    if column.type_name != "boolean" || (column.not_null && default == Some("false")) {
        return None;
    }
    let message = format!(
        "column \"{present}\" of \"{}\" cannot tell which rows are there: it is not NOT NULL DEFAULT false",
        new.name
    );
    let mut remedy =
        vec![format!("ALTER TABLE {} ALTER COLUMN {name} SET DEFAULT false;", new.sql)];
    if !column.not_null {
        remedy.extend(set_not_null(&new.sql, present));
    }
    Some(step.not_ready(About::NotNull, message, remedy))
}
