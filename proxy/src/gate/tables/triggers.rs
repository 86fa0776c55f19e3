//! Triggers and rules: those of the new table that change or refuse what is carried to it, those of the old
//! one that go on looking at what it no longer gets.
//!
//! What a BEFORE trigger of the old table makes of a row is carried as it was stored, while that one is read.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::step::{Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::queries;
use crate::gate::step::Move;
use crate::gate::triggers::{Trigger, of_tables};
use crate::gate::words::mentions;

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let leaves = match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::WriteBothAgain => false,
        Move::LeaveOld => true,
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Ok(Vec::new()),
    };
    let mut findings = Vec::new();
    let oids = [step.old.oid, new.oid];
    for trigger in of_tables(transaction, &oids).await? {
        findings.extend(match trigger.table == new.oid {
            true => of_new(step, new, &trigger),
            // All of them are told of with what hangs on the table.
            false if step.part.is_some() => comes_late(step, &trigger),
            false if leaves => looks_at_moved(step, &trigger),
            false => changes_what_moves(step, &trigger),
        });
    }
    for row in transaction.query(queries::RULES, &[&oids.as_slice()]).await? {
        let table = if row.try_get::<_, u32>(0)? == new.oid { new } else { &step.old };
        let (name, definition): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        findings.push(rule(step, table, &name, &definition));
    }
    Ok(findings)
}

/// A trigger of the new table that comes before a row is stored there, or before it goes.
fn of_new(step: &Step<'_>, new: &Table<'_>, trigger: &Trigger) -> Option<Finding> {
    let function = &trigger.function;
    let show = || trigger.unreadable().is_none().then(|| trigger.show_function());
    let (severity, said, remedy) = if trigger.is_before_delete() {
        // A row that such a trigger keeps stays without the one that it belongs to.
        let said = "is called before a row goes: see that it lets it go".to_owned();
        (Severity::Risky, said, show())
    } else if !trigger.is_before_write() {
        return None;
    } else {
        let filled = step.filled().into_iter();
        let named: Vec<&str> = filled.filter(|to| mentions(&trigger.text(), to)).collect();
        match (named.is_empty(), trigger.unreadable()) {
            (false, _) => {
                let said = format!("names {}: see that it keeps what is carried", in_words(&named));
                (Severity::Risky, said, show())
            }
            (true, Some(language)) => {
                let said = format!(
                    "is written in language {language}: nobody can tell whether it keeps what is carried"
                );
                (Severity::Risky, said, None)
            }
            (true, None) => (Severity::Note, "names no column that moves".to_owned(), None),
        }
    };
    let message = format!(
        "BEFORE trigger \"{}\" of \"{}\": its function {function} {said}",
        trigger.name, new.name
    );
    Some(step.finding(severity, About::Trigger, message, remedy))
}

/// A trigger of a table that is merged, once a row is stored in the new one before it comes to the old one.
fn comes_late(step: &Step<'_>, trigger: &Trigger) -> Option<Finding> {
    if !matches!(step.way(), Move::ReadNew | Move::WriteBothAgain)
        || !(trigger.is_before_write() || trigger.is_before_delete())
    {
        return None;
    }
    let message = format!(
        "BEFORE trigger \"{}\" of \"{}\": in phase \"{}\" its function {} comes after \"{}\" was written: what \
         it changes, or keeps from being done, is not so there",
        trigger.name, step.old.name, step.to, trigger.function, step.into
    );
    let show = trigger.unreadable().is_none().then(|| trigger.show_function());
    Some(step.finding(Severity::LosesData, About::Trigger, message, show))
}

/// A trigger of a table that is split, once each table is given its own columns of what a client sends: what the
/// trigger makes of a moved one stays where it is, and the other half of a row is stored under the key that was sent.
fn changes_what_moves(step: &Step<'_>, trigger: &Trigger) -> Option<Finding> {
    if !matches!(step.way(), Move::ReadNew | Move::WriteBothAgain) || !trigger.is_before_write() {
        return None;
    }
    let text = trigger.text();
    let columns = step.key().chain(step.moved()).map(|(from, _)| from);
    let named: Vec<&str> = columns.filter(|from| mentions(&text, from)).collect();
    let show = || trigger.unreadable().is_none().then(|| trigger.show_function());
    let (severity, said, remedy) = match (named.is_empty(), trigger.unreadable()) {
        (false, _) => {
            let said = format!(
                "names {}: see that it changes none of them. What it makes of what moves is not stored in \"{}\" from \
                 phase \"{}\" on, and a row whose key it changes loses what moves",
                in_words(&named),
                step.into,
                step.to
            );
            (Severity::Risky, said, show())
        }
        (true, Some(language)) => {
            let said = format!(
                "is written in language {language}: nobody can tell whether it changes what moves, or the key"
            );
            (Severity::Risky, said, None)
        }
        (true, None) => (Severity::Note, "names no column that moves".to_owned(), None),
    };
    let message = format!(
        "BEFORE trigger \"{}\" of \"{}\": its function {} {said}",
        trigger.name, step.old.name, trigger.function
    );
    Some(step.finding(severity, About::Trigger, message, remedy))
}

/// Columns as a message lists them.
pub(in crate::gate) fn in_words(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<String>>().join(", ")
}

/// A trigger of the old table whose function names what it no longer gets, or has it with all the rest. What PostgreSQL itself knows of
/// (`UPDATE OF`, WHEN) is among the dependents.
fn looks_at_moved(step: &Step<'_>, trigger: &Trigger) -> Option<Finding> {
    let text = trigger.text();
    let named: Vec<&str> =
        step.moved().map(|(from, _)| from).filter(|from| mentions(&text, from)).collect();
    if named.is_empty() {
        let show = trigger.unreadable().is_none().then(|| trigger.show_function());
        if let Some(takes) = trigger.takes_rows(&step.old.name.name) {
            let moved: Vec<&str> = step.moved().map(|(from, _)| from).collect();
            let message = format!(
                "trigger \"{}\" of \"{}\": its function {} {takes}: of \"{}\" phase \"{}\" does not write {}",
                trigger.name,
                step.old.name,
                trigger.function,
                step.old.name,
                step.to,
                in_words(&moved)
            );
            return Some(step.finding(Severity::Risky, About::Trigger, message, show));
        }
        let message = format!(
            "trigger \"{}\" of \"{}\": from phase \"{}\" on an UPDATE of nothing but what has moved does not fire it",
            trigger.name, step.old.name, step.to
        );
        let risky = || step.finding(Severity::Risky, About::Trigger, message, show);
        return trigger.is_of_any_update().then(risky);
    }
    let message = format!(
        "trigger \"{}\" of \"{}\": its function {} names {}, which phase \"{}\" does not write",
        trigger.name,
        step.old.name,
        trigger.function,
        in_words(&named),
        step.to
    );
    let show = trigger.show_function();
    Some(step.finding(Severity::Risky, About::Trigger, message, [show]))
}

/// PostgreSQL takes no rule where a write stands in a WITH list or behind ON CONFLICT, and what a foreign
/// key does must be what it says.
fn rule(step: &Step<'_>, table: &Table<'_>, name: &str, definition: &str) -> Finding {
    let events = ["INSERT", "UPDATE", "DELETE"];
    let event = events.into_iter().find(|it| definition.contains(&format!("AS\n    ON {it} TO")));
    let message = format!(
        "rule \"{name}\" of \"{}\" is for {}: what the rewriting writes there would be refused, or go \
         elsewhere",
        table.name,
        event.unwrap_or("writes")
    );
    let drop = format!("DROP RULE {} ON {};", quoted(name), table.sql);
    step.finding(Severity::Risky, About::Rule, message, [drop])
}
