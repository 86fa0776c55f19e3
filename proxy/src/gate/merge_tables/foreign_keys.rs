//! Foreign keys of the merged tables: by ON DELETE and ON UPDATE rows go and change without a statement of a
//! client's, so the new table needs the like.
//!
//! Over the key it must cascade there whatever it does in the old tables: a DELETE leaves a row of defaults, which
//! nobody sees and which must not keep another table's row. While the old tables are there they refuse what they
//! always did.

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::Subject;
use crate::gate::constraints::{Constraint, Kind, of_tables};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::{Move, free_name};
use crate::gate::tables::columns::once_alone;
use crate::gate::tables::step::{Step, Table, list};

pub(super) async fn check(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::LeaveOld | Move::WriteBothAgain => {}
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Ok(Vec::new()),
    }
    let mut oids: Vec<u32> = subject.steps.iter().map(|step| step.old.oid).collect();
    oids.push(new.oid);
    let mut all = of_tables(transaction, &oids).await?;
    all.retain(|it| it.kind == Kind::ForeignKey);
    let keys = Keys { subject, step, new, all };
    let mut findings = Vec::new();
    for own in keys.of(step.old.oid) {
        findings.extend(match (keys.subject.is_source(own.referenced), is_over_key(step, own)) {
            (true, _) => keys.among_sources(own),
            (false, true) => keys.over_key(own),
            (false, false) => keys.over_part(own),
        });
        findings.extend(keys.holding(own));
    }
    for its in keys.of(new.oid) {
        findings.extend(keys.stricter(its));
    }
    Ok(findings)
}

/// Those that are told of here: over nothing but the key, or by which whole rows go.
pub(super) fn is_apart(step: &Step<'_>, new: &Table<'_>, it: &Constraint) -> bool {
    if it.kind != Kind::ForeignKey {
        return false;
    }
    let names = match it.table == new.oid {
        true => names(new, it),
        false => names(&step.old, it).into_iter().filter_map(|own| step.name_there(own)).collect(),
    };
    names.iter().all(|name| step.key().any(|(_, its)| its == *name)) || it.on_delete() == "c"
}

fn names<'a>(table: &Table<'a>, it: &Constraint) -> Vec<&'a str> {
    it.columns.iter().filter_map(|number| table.column(*number)).collect()
}

/// Whether it is over columns of the old table's key alone.
pub(super) fn is_over_key(step: &Step<'_>, own: &Constraint) -> bool {
    names(&step.old, own).iter().all(|name| step.key().any(|(key, _)| key == *name))
}

struct Keys<'a> {
    subject: &'a Subject<'a>,
    step: &'a Step<'a>,
    new: &'a Table<'a>,
    /// Those of all tables.
    all: Vec<Constraint>,
}

impl Keys<'_> {
    fn of(&self, table: u32) -> impl Iterator<Item = &Constraint> {
        self.all.iter().filter(move |it| it.table == table && !it.inherited)
    }

    /// Whether one of the new table refers to the same by the same columns.
    fn is_like(&self, step: &Step<'_>, own: &Constraint, its: &Constraint) -> bool {
        let there: Vec<i16> =
            own.columns.iter().map(|number| step.number_there(self.new, *number)).collect();
        there == its.columns
            && (own.referenced, &own.referenced_columns)
                == (its.referenced, &its.referenced_columns)
    }

    /// Those of the merged tables that refer to the same by the same columns of the key, in their order.
    fn same(&self, own: &Constraint) -> Vec<&Constraint> {
        let names = |step: &Step<'_>, it: &Constraint| -> Vec<String> {
            let own = names(&step.old, it).into_iter();
            own.filter_map(|own| step.name_there(own)).map(str::to_owned).collect()
        };
        let wanted = names(self.step, own);
        let is_same = |step: &Step<'_>, it: &Constraint| {
            names(step, it) == wanted
                && (it.referenced, &it.referenced_columns)
                    == (own.referenced, &own.referenced_columns)
        };
        let steps = self.subject.steps.iter();
        steps.filter_map(|step| self.of(step.old.oid).find(|it| is_same(step, it))).collect()
    }

    fn finding(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        self.step.finding(severity, about, message, remedy)
    }

    /// One between two of the tables: its rows are then one.
    fn among_sources(&self, own: &Constraint) -> Option<Finding> {
        let what = format!("foreign key \"{}\" of \"{}\"", own.name, self.step.old.name);
        if !own.acts() {
            let message = format!(
                "{what} refers to a table that is merged too: nothing in \"{}\" does for it",
                self.new.name
            );
            let about = About::MissingConstraint;
            return Some(self.finding(Severity::Note, about, message, None));
        }
        let message = format!(
            "{what} refers to a table that is merged too: what it does there to rows that follow is not done \
             in \"{}\"",
            self.new.name
        );
        let table = &self.step.old.sql;
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {};", quoted(&own.name));
        Some(self.finding(Severity::LosesData, About::ForeignKey, message, [drop]))
    }

    fn over_key(&self, own: &Constraint) -> Option<Finding> {
        let (step, new) = (self.step, self.new);
        let same = self.same(own);
        // What several tables have is told once.
        if same.first().is_some_and(|first| first.table != own.table) {
            return None;
        }
        let acts = same.iter().any(|it| it.acts());
        let mut found: Vec<&Constraint> =
            self.of(new.oid).filter(|its| self.is_like(step, own, its)).collect();
        found.sort_by_key(|its| (!its.cascades(), !its.valid));
        let what = format!("foreign key \"{}\" of \"{}\"", own.name, step.old.name);
        let Some(its) = found.first() else {
            let (severity, why) = match acts {
                true => (Severity::LosesData, ": what goes or changes by it stays there"),
                false => (once_alone(step)?, ""),
            };
            let whole = same.len() == self.subject.steps.len();
            let but = match whole {
                true => "",
                false => ", and not all of the merged tables have it: give it to them, or drop it",
            };
            let message = format!("\"{}\" has no equivalent of {what}{why}{but}", new.name);
            let remedy = if whole { self.added(own) } else { Vec::new() };
            return Some(self.finding(severity, About::ForeignKey, message, remedy));
        };
        if !its.cascades() {
            let (severity, why) = match acts {
                true => {
                    (Severity::LosesData, "what goes or changes by the other one would be kept")
                }
                false => (
                    Severity::Risky,
                    "a row of defaults, which a DELETE leaves, would keep what it refers to",
                ),
            };
            let message = format!(
                "foreign key \"{}\" of \"{}\", the equivalent of {what}, is not ON DELETE CASCADE ON UPDATE \
                 CASCADE: {why}",
                its.name, new.name
            );
            let name = quoted(&its.name);
            let remedy = [
                format!(
                    "ALTER TABLE {} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {} NOT VALID;",
                    new.sql,
                    cascading(step, own, own.referred_table())
                ),
                format!("ALTER TABLE {} VALIDATE CONSTRAINT {name};", new.sql),
            ];
            return Some(self.finding(severity, About::ForeignKey, message, remedy));
        }
        if its.valid || !own.valid || once_alone(step).is_none() {
            return None;
        }
        let message = format!(
            "foreign key \"{}\" of \"{}\" is NOT VALID, and \"{}\" of \"{}\" is valid",
            its.name, new.name, own.name, step.old.name
        );
        let validate =
            format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", new.sql, quoted(&its.name));
        Some(self.finding(Severity::Risky, About::UnvalidatedConstraint, message, [validate]))
    }

    fn added(&self, own: &Constraint) -> Vec<String> {
        let taken: Vec<&str> = self.of(self.new.oid).map(|it| it.name.as_str()).collect();
        let wanted = self.step.counterpart_name(&self.new.name, &own.name);
        let definition = cascading(self.step, own, own.referred_table());
        own.added_to((&self.new.sql, false), &free_name(&wanted, &taken), &definition)
    }

    /// One over columns that only this table has.
    fn over_part(&self, own: &Constraint) -> Option<Finding> {
        let (step, new) = (self.step, self.new);
        let what = format!("foreign key \"{}\" of \"{}\"", own.name, step.old.name);
        if own.on_delete() == "c" {
            let message = format!(
                "{what} is ON DELETE CASCADE over columns that other tables do not have: by the same one of \"{}\" \
                 their parts would go too, and without it this part stays",
                new.name
            );
            let drop =
                format!("ALTER TABLE {} DROP CONSTRAINT {};", step.old.sql, quoted(&own.name));
            return Some(self.finding(Severity::LosesData, About::ForeignKey, message, [drop]));
        }
        if step.way() != Move::WriteBoth || !own.acts() {
            return None;
        }
        let numbers = |number: i16| step.number_there(new, number);
        let names = |text: &str| step.there(text);
        if self.of(new.oid).any(|its| own.is_matched_by(its, &names, &numbers)) {
            return None;
        }
        let message = format!(
            "\"{}\" has no equivalent of {what}: what changes by it stays there: {}",
            new.name, own.definition
        );
        let taken: Vec<&str> = self.of(new.oid).map(|it| it.name.as_str()).collect();
        let name = free_name(&step.counterpart_name(&new.name, &own.name), &taken);
        let statements = own.added_to((&new.sql, false), &name, &own.over(&names));
        Some(self.finding(Severity::LosesData, About::MissingConstraint, message, statements))
    }

    /// One by which rows that are not written any more keep those of another table.
    fn holding(&self, own: &Constraint) -> Option<Finding> {
        let step = self.step;
        if step.way() != Move::LeaveOld
            || own.on_delete() == "c"
            || self.subject.is_source(own.referenced)
        {
            return None;
        }
        let message = format!(
            "by foreign key \"{}\" of \"{}\" rows that phase \"{}\" does not write keep those that they refer \
             to: {}",
            own.name, step.old.name, step.to, own.definition
        );
        let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", step.old.sql, quoted(&own.name));
        Some(self.finding(Severity::Risky, About::ForeignKey, message, [drop]))
    }

    /// One of the new table over the key that this table does not have.
    fn stricter(&self, its: &Constraint) -> Option<Finding> {
        let (step, new) = (self.step, self.new);
        // What is not written any more need not keep to it.
        if step.way() == Move::LeaveOld {
            return None;
        }
        let columns = names(new, its);
        if !columns.iter().all(|name| step.key().any(|(_, key)| key == *name)) {
            return None;
        }
        let lacks =
            |step: &&Step<'_>| !self.of(step.old.oid).any(|own| self.is_like(step, own, its));
        // One is enough to tell it of.
        let first = self.subject.steps.iter().find(lacks)?;
        if first.old.oid != step.old.oid {
            return None;
        }
        let message = format!(
            "foreign key \"{}\" of \"{}\" has no equivalent in \"{}\": clients that write what it refuses would \
             fail, and by ON DELETE its rows would go there: {}",
            its.name, new.name, step.old.name, its.definition
        );
        let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", new.sql, quoted(&its.name));
        Some(self.finding(Severity::LosesData, About::ForeignKey, message, [drop]))
    }
}

/// The same of the new table.
pub(super) fn cascading(step: &Step<'_>, own: &Constraint, referred: &str) -> String {
    let columns = names(&step.old, own).into_iter().filter_map(|own| step.name_there(own));
    format!(
        "FOREIGN KEY ({}) REFERENCES {referred} ON DELETE CASCADE ON UPDATE CASCADE",
        list(columns)
    )
}
