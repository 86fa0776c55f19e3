//! Triggers and rules of the tables: those that could make the columns differ, and those whose
//! functions go on looking at a column that is no longer written.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Row, Transaction};

use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Member, Move, Step};
use super::whole::{takes_record, takes_rows};
use super::words::mentions;

/// Bits of `pg_trigger.tgtype`.
const ROW: i32 = 1;
const BEFORE: i32 = 2;
const INSERT: i32 = 4;
const DELETE: i32 = 8;
const UPDATE: i32 = 16;

/// A trigger with the source of its function.
pub(super) struct Trigger {
    pub(super) table: u32,
    pub(super) name: String,
    kind: i32,
    language: String,
    source: String,
    pub(super) function: String,
    arguments: String,
    /// Whether it names the columns whose UPDATE fires it.
    of_columns: bool,
    /// Whether it is given transition tables.
    of_transitions: bool,
}

/// Which of the two columns a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Neither,
    Old,
    New,
    Both,
}

impl Names {
    /// The only column that is named, and the other one.
    fn alone<'s>(self, step: &Step<'s>) -> Option<(&'s str, &'s str)> {
        match self {
            Self::Old => Some((&step.pair.from, &step.pair.to)),
            Self::New => Some((&step.pair.to, &step.pair.from)),
            Self::Neither | Self::Both => None,
        }
    }
}

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let writes_both = match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::WriteBothAgain => true,
        Move::LeaveOld => false,
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Ok(Vec::new()),
    };
    let oids = step.oids();
    let mut findings = Vec::new();
    for trigger in of_tables(transaction, &oids).await? {
        let Some(member) = step.member(trigger.table) else { continue };
        findings.extend(match writes_both {
            true => before_write(step, member, &trigger),
            false => looks_at_old(step, member, &trigger),
        });
    }
    if writes_both {
        for row in transaction.query(queries::RULES, &[&oids]).await? {
            let Some(member) = step.member(row.try_get(0)?) else { continue };
            let (name, definition): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            findings.push(rule(step, member, &name, &definition));
        }
    }
    Ok(findings)
}

/// The triggers of these tables that fire in an ordinary session.
pub(super) async fn of_tables(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Vec<Trigger>, Error> {
    let rows = transaction.query(queries::TRIGGERS, &[&oids]).await?;
    rows.iter().map(trigger).collect()
}

fn trigger(row: &Row) -> Result<Trigger, Error> {
    Ok(Trigger {
        table: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: row.try_get(2)?,
        language: row.try_get(3)?,
        source: row.try_get(4)?,
        function: row.try_get(5)?,
        arguments: row.try_get(6)?,
        of_columns: row.try_get(7)?,
        of_transitions: row.try_get(8)?,
    })
}

impl Trigger {
    /// Which columns its function names.
    fn names(&self, step: &Step<'_>) -> Names {
        names(&self.text(), step)
    }

    /// Where a column that it looks at would stand. Arguments are what a function in C is told
    /// instead.
    pub(super) fn text(&self) -> String {
        match self.is_readable() {
            true => format!("{}\0{}", self.source, self.arguments),
            false => self.arguments.clone(),
        }
    }

    fn is_readable(&self) -> bool {
        self.language != "c" && self.language != "internal"
    }

    /// The language in which nobody can read what it does.
    pub(super) fn unreadable(&self) -> Option<&str> {
        (!self.is_readable()).then_some(self.language.as_str())
    }

    /// Whether it may change a row before it is stored.
    pub(super) fn is_before_write(&self) -> bool {
        self.kind & (ROW | BEFORE) == ROW | BEFORE && self.kind & (INSERT | UPDATE) != 0
    }

    /// Whether it may keep a row from being deleted.
    pub(super) fn is_before_delete(&self) -> bool {
        self.kind & (ROW | BEFORE | DELETE) == ROW | BEFORE | DELETE
    }

    /// Whether an UPDATE of a row fires it.
    pub(super) fn is_of_update(&self) -> bool {
        self.kind & UPDATE != 0
    }

    /// Whether every UPDATE of a row fires it.
    pub(super) fn is_of_any_update(&self) -> bool {
        self.is_of_update() && !self.of_columns
    }

    /// In which way its function has columns of the table that it does not name, or may have, as a message says it.
    pub(super) fn takes_rows(&self, table: &str) -> Option<String> {
        let why = if self.of_transitions {
            "is given rows as a whole, by transition tables".to_owned()
        } else if self.language == "plpgsql" {
            match (takes_record(&self.source), mentions(&self.source, table)) {
                (true, _) => "takes NEW or OLD as a whole".to_owned(),
                (false, true) if takes_rows(&self.source, table) => {
                    format!("names \"{table}\" and takes rows as a whole")
                }
                (false, _) => return None,
            }
        } else if self.kind & ROW == ROW {
            format!(
                "is written in language {}: nobody can tell whether it takes rows as a whole",
                self.language
            )
        } else {
            return None;
        };
        Some(why)
    }

    pub(super) fn show_function(&self) -> String {
        show_function(&self.function)
    }
}

/// What shows a function's text, for somebody to change it.
pub(super) fn show_function(function: &str) -> String {
    format!("SELECT pg_get_functiondef('{}'::regprocedure);", function.replace('\'', "''"))
}

fn names(text: &str, step: &Step<'_>) -> Names {
    match (mentions(text, &step.pair.from), mentions(text, &step.pair.to)) {
        (false, false) => Names::Neither,
        (true, true) => Names::Both,
        (true, false) => Names::Old,
        (false, true) => Names::New,
    }
}

/// A trigger that may change the row before it is stored, and so one of the columns alone.
fn before_write(step: &Step<'_>, member: &Member<'_>, trigger: &Trigger) -> Option<Finding> {
    if !trigger.is_before_write() {
        return None;
    }
    let (from, to) = (&step.pair.from, &step.pair.to);
    let what = format!("BEFORE trigger \"{}\" of \"{}\"", trigger.name, member.name);
    let names = trigger.names(step);
    let function = &trigger.function;
    let (severity, said, remedy) = match (names, names.alone(step)) {
        (_, Some((named, other))) => (
            Severity::LosesData,
            format!(
                "names \"{named}\" and not \"{other}\": if it changes it, it must change both alike"
            ),
            Some(trigger.show_function()),
        ),
        (Names::Both, None) => (
            Severity::Risky,
            format!("names both \"{from}\" and \"{to}\": see that it changes them alike"),
            Some(trigger.show_function()),
        ),
        (Names::Old | Names::New | Names::Neither, None) if !trigger.is_readable() => (
            Severity::Risky,
            format!(
                "is written in language {}: nobody can tell whether it changes \"{from}\" or \"{to}\" alone",
                trigger.language
            ),
            None,
        ),
        (Names::Old | Names::New | Names::Neither, None) => {
            (Severity::Note, format!("names neither \"{from}\" nor \"{to}\""), None)
        }
    };
    let said = format!("its function {function} {said}");
    Some(step.finding(severity, About::Trigger, format!("{what}: {said}"), remedy))
}

/// A trigger whose function names the old column alone: it will see NULLs in it. What PostgreSQL
/// itself knows of (`UPDATE OF`, WHEN) is among the dependents.
fn looks_at_old(step: &Step<'_>, member: &Member<'_>, trigger: &Trigger) -> Option<Finding> {
    let (from, to) = (&step.pair.from, &step.pair.to);
    let severity = match trigger.names(step) {
        Names::Old => Severity::Risky,
        Names::Both => Severity::Note,
        Names::New | Names::Neither => return None,
    };
    let also = if severity == Severity::Note { format!(" beside \"{to}\"") } else { String::new() };
    Some(step.finding(
        severity,
        About::Trigger,
        format!(
            "trigger \"{}\" of \"{}\": its function {} names \"{from}\"{also}, which phase \"{}\" does not write",
            trigger.name, member.name, trigger.function, step.to
        ),
        (severity == Severity::Risky).then(|| trigger.show_function()),
    ))
}

fn rule(step: &Step<'_>, member: &Member<'_>, name: &str, definition: &str) -> Finding {
    let (from, to) = (&step.pair.from, &step.pair.to);
    let what = format!("rule \"{name}\" of \"{}\"", member.name);
    let drop = format!("DROP RULE {} ON {};", quoted(name), member.sql);
    let names = names(definition, step);
    let (severity, said, remedy) = match (names, names.alone(step)) {
        (_, Some((named, other))) => (
            Severity::LosesData,
            format!(
                "names \"{named}\" and not \"{other}\": if it writes it, it must write both alike"
            ),
            Some(drop),
        ),
        (Names::Both, None) => (
            Severity::Risky,
            format!("names both \"{from}\" and \"{to}\": see that it writes them alike"),
            Some(drop),
        ),
        (Names::Old | Names::New | Names::Neither, None) => {
            (Severity::Note, format!("names neither \"{from}\" nor \"{to}\""), None)
        }
    };
    step.finding(severity, About::Rule, format!("{what} {said}"), remedy)
}
