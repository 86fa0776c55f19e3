//! Foreign keys of the old table over what has moved, once that is not written there any more: they go on acting by
//! what rows referred to when it was.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use crate::gate::constraints::{Constraint, Kind, of_tables};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;
use crate::gate::tables::step::Step;

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    if step.way() != Move::LeaveOld {
        return Ok(Vec::new());
    }
    let all = of_tables(transaction, &[step.old.oid]).await?;
    let moves = |number: &i16| {
        let name = step.old.column(*number);
        step.moved().any(|(from, _)| Some(from) == name)
    };
    let over_moved =
        all.iter().filter(|it| it.kind == Kind::ForeignKey && it.columns.iter().any(moves));
    Ok(over_moved.map(|own| stale(step, own)).collect())
}

fn stale(step: &Step<'_>, own: &Constraint) -> Finding {
    let what = format!("foreign key \"{}\" of \"{}\"", own.name, step.old.name);
    let (severity, said) = match own.on_delete() {
        "c" => (
            Severity::LosesData,
            format!(
                "would delete rows by what they referred to before; by the one of \"{}\" only what has moved goes, \
                 and the row stays",
                step.into
            ),
        ),
        _ if own.acts() => {
            (Severity::LosesData, "would act by what rows referred to before".to_owned())
        }
        _ => (Severity::Risky, "keeps what rows referred to before".to_owned()),
    };
    let message = format!(
        "{what} is over what phase \"{}\" does not write there: it {said}: {}",
        step.to, own.definition
    );
    let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", step.old.sql, quoted(&own.name));
    step.finding(severity, About::ForeignKey, message, [drop])
}
