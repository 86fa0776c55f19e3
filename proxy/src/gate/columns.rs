//! The two columns themselves: whether they exist, may be NULL, and have the same default.

use rewrite_rules::catalog::{Column, Key};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};

use super::finding::{About, Finding, Severity};
use super::step::{Member, Move, Step, free_name};

pub(super) fn check(step: &Step<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &step.members {
        findings.extend(missing(step, member));
    }
    // An ALTER of the table reaches what inherits from it.
    for of_member in [other_type, new_not_null, new_nullable, old_not_null, defaults] {
        let found = step.members.iter().find_map(|member| of_member(step, member));
        findings.extend(found);
    }
    findings
}

fn missing(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let (lacks, other, type_name) = match (member.old, member.new) {
        (None, new) if step.to != Phase::Contract => {
            (&step.pair.from, new, from_type(step.rule).or(type_of(new)))
        }
        (old, None) if step.to != Phase::Expand => (&step.pair.to, old, type_of(old)),
        (Some(_) | None, _) => return None,
    };
    let message = format!(
        "column \"{lacks}\" does not exist in \"{}\", and phase \"{}\" needs it",
        member.name, step.to
    );
    let collation = other.and_then(|column| column.collation.as_deref());
    let collation = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
    let add = type_name.map(|type_name| {
        format!("ALTER TABLE {} ADD COLUMN {} {type_name}{collation};", member.sql, quoted(lacks))
    });
    Some(step.fault(Severity::Risky, About::MissingColumn, message, add))
}

fn from_type(rule: &Rule) -> Option<&str> {
    match &rule.change {
        Change::RenameColumn(_)
        | Change::RenameInPlace(_)
        | Change::BackfillColumn(_)
        | Change::SplitTable(_)
        | Change::MergeTables(_) => None,
        Change::ChangeColumn { from_type, .. } => from_type.as_deref(),
    }
}

fn type_of(column: Option<&Column>) -> Option<&str> {
    column.map(|column| column.type_name.as_str())
}

/// A rename keeps the type.
fn other_type(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let (old, new) = (member.old?, member.new?);
    let is_rename = match &step.rule.change {
        Change::RenameColumn(_) | Change::RenameInPlace(_) => true,
        Change::ChangeColumn { .. }
        | Change::BackfillColumn(_)
        | Change::SplitTable(_)
        | Change::MergeTables(_) => false,
    };
    if !is_rename || member.has_one_type() {
        return None;
    }
    let described = |column: &Column| match &column.collation {
        Some(collation) => format!("{} COLLATE {collation}", column.type_name),
        None => column.type_name.clone(),
    };
    let message = format!(
        "column \"{}\" of \"{}\" is {}, and \"{}\" is {}",
        new.name,
        member.name,
        described(new),
        old.name,
        described(old)
    );
    let change = format!(
        "ALTER TABLE {} ALTER COLUMN {} TYPE {};",
        member.sql,
        quoted(&new.name),
        described(old)
    );
    Some(step.fault(Severity::LosesData, About::Definition, message, [change]))
}

/// A new column that takes no NULL, while not all rows have a value in it.
fn new_not_null(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let new = member.new.filter(|new| new.not_null)?;
    let drop =
        format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;", member.sql, quoted(&new.name));
    match step.way() {
        Move::LeaveNew if new.default.is_none() => Some(step.fault(
            Severity::Risky,
            About::NotNull,
            format!(
                "column \"{}\" of \"{}\" is NOT NULL without a default, and phase \"{}\" does not write it",
                new.name, member.name, step.to
            ),
            [drop],
        )),
        Move::WriteBoth if member.old.is_some_and(|old| !old.not_null) => Some(step.finding(
            Severity::Risky,
            About::NotNull,
            format!(
                "column \"{}\" of \"{}\" is NOT NULL, and \"{}\" is not: clients that store NULL would fail",
                new.name, member.name, step.pair.from
            ),
            [drop],
        )),
        Move::WriteBoth
        | Move::ReadNew
        | Move::LeaveOld
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::ReadOldAgain
        | Move::LeaveNew
        | Move::Stay => None,
    }
}

/// A new column that may be NULL where the old one may not.
fn new_nullable(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let (old, new) = (member.old?, member.new?);
    if step.to < Phase::SwitchReads || !old.not_null || new.not_null {
        return None;
    }
    Some(step.fault(
        Severity::LosesData,
        About::NotNull,
        format!(
            "column \"{}\" of \"{}\" may be NULL, and \"{}\" may not",
            new.name, member.name, old.name
        ),
        set_not_null(&member.sql, &new.name),
    ))
}

/// Makes a column NOT NULL. The one statement alone would read the table under a lock that stops
/// everybody, and so would two of these in one.
pub(super) fn set_not_null(table: &str, column: &str) -> [String; 4] {
    let check = quoted(&free_name(&format!("segue_{column}_not_null"), &[]));
    let column = quoted(column);
    [
        format!(
            "ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID;"
        ),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check};"),
        format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"),
        format!("ALTER TABLE {table} DROP CONSTRAINT {check};"),
    ]
}

/// An old column that must have a value, and is not written any more.
fn old_not_null(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let old = member.old.filter(|old| old.not_null && step.to >= Phase::StopDualWrite)?;
    let (table, column) = (&member.sql, quoted(&old.name));
    let primary =
        member.table.keys.iter().find(|key| key.primary && key.columns.contains(&old.name));
    let exchange = primary.map(|primary| exchange(step, member, primary));
    let drop = format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;");
    Some(step.fault(
        Severity::Risky,
        About::NotNull,
        format!(
            "column \"{}\" of \"{}\" is NOT NULL{}, and phase \"{}\" does not write it",
            old.name,
            member.name,
            primary.map(|key| format!(" by primary key \"{}\"", key.name)).unwrap_or_default(),
            step.to
        ),
        exchange.into_iter().chain([drop]),
    ))
}

/// The primary key on the new column instead.
fn exchange(step: &Step<'_>, member: &Member<'_>, primary: &Key) -> String {
    let columns: Vec<&String> = (primary.columns.iter())
        .map(|column| if *column == step.pair.from { &step.pair.to } else { column })
        .collect();
    let same = |key: &&Key| {
        key.columns.len() == columns.len() && columns.iter().all(|it| key.columns.contains(it))
    };
    let list = || columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    let instead = match member.table.keys.iter().find(same) {
        Some(key) if key.constraint => String::new(),
        // An index becomes a constraint at once, but not in a partitioned table.
        Some(key) if !member.is_partitioned() => format!(
            ", ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}",
            quoted(&primary.name),
            quoted(&key.name)
        ),
        Some(_) | None => {
            format!(", ADD CONSTRAINT {} PRIMARY KEY ({})", quoted(&primary.name), list())
        }
    };
    format!("ALTER TABLE {} DROP CONSTRAINT {}{instead};", member.sql, quoted(&primary.name))
}

/// Rows that name neither column must get in the new one what they got in the old one.
fn defaults(step: &Step<'_>, member: &Member<'_>) -> Option<Finding> {
    let (old, new) = (member.old?, member.new?);
    // A default of the old column that is gone counts no more: see compile.
    let default = old.default.as_ref().filter(|_| step.to >= Phase::StopDualWrite)?;
    let agree = match step.keeps_values() {
        true => new.default.as_ref().map(|it| &it.expression) == Some(&default.expression),
        false => new.default.is_some(),
    };
    if agree {
        return None;
    }
    let present = new.default.as_ref().map_or("none", |it| it.expression.as_str());
    // Of another type or form, only the operator knows what it becomes.
    let remedy = format!(
        "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {};",
        member.sql,
        quoted(&new.name),
        default.expression
    );
    Some(step.fault(
        Severity::LosesData,
        About::Default,
        format!(
            "column \"{}\" of \"{}\" has the default {}, and \"{}\" has {present}",
            old.name, member.name, default.expression, new.name
        ),
        [remedy],
    ))
}
