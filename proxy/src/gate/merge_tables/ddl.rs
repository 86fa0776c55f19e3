//! The table that others are merged into, as it should be: what makes it, with all that they promise of their
//! rows as far as it holds of rows that only others have.

use rewrite_rules::catalog::{Column, RelationName};
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::foreign_keys::{cascading, is_over_key};
use super::{Subject, drawn, grants};
use crate::config::parse_relation_name;
use crate::gate::constraints::{Constraint, Kind, of_tables};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::statistics::extended_of;
use crate::gate::step::{free_name, sql};
use crate::gate::tables::columns::{definition, type_of, value_in};
use crate::gate::tables::constraints::{guarded, only_where};
use crate::gate::tables::indexes::{created, names_in};
use crate::gate::tables::manner::{self, Manner};
use crate::gate::tables::step::{Step, list, shown};
use crate::gate::tables::{owner, privileges, queries, row_security};
use crate::gate::{indexes, triggers};

/// The new table while it is put together.
struct Making<'a> {
    subject: &'a Subject<'a>,
    name: RelationName,
    table: String,
    /// What stands in CREATE TABLE.
    lines: Vec<String>,
    /// Names of constraints.
    taken: Vec<String>,
    /// What comes after it.
    statements: Vec<String>,
    /// What nobody but a human can carry.
    left: Vec<(About, String)>,
}

/// What is found where there is no new table.
pub(super) async fn missing(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
) -> Result<Vec<Finding>, Error> {
    // What is no name is told of as a fault of the rule; and of a table that is gone nothing is known.
    let Some(name) = parse_relation_name(&subject.merge.into) else { return Ok(Vec::new()) };
    let Some(first) = subject.steps.first() else { return Ok(Vec::new()) };
    if subject.steps.len() < subject.merge.sources.len() {
        return Ok(Vec::new());
    }
    let message = format!("table \"{name}\" does not exist, and phase \"{}\" needs it", first.to);
    let table = sql(&name);
    let mut making = Making {
        subject,
        name,
        table,
        lines: Vec::new(),
        taken: Vec::new(),
        statements: Vec::new(),
        left: Vec::new(),
    };
    making.columns(first);
    making.constraints(transaction).await?;
    making.not_null();
    making.comments(transaction).await?;
    making.owner(transaction).await?;
    making.privileges(transaction).await?;
    // What is empty is quickly indexed.
    making.indexes(transaction).await?;
    making.others(transaction).await?;
    let manner = making.manner(transaction).await?;
    let Making { table, lines, statements, left, .. } = making;
    let Manner { create, with, .. } = manner;
    let create = format!("{create} {table} (\n    {}\n){with};", lines.join(",\n    "));
    let remedy = std::iter::once(create).chain(statements);
    let mut findings = vec![first.not_ready(About::MissingTable, message, remedy)];
    let note = |(about, what)| first.finding(Severity::Note, about, what, None);
    findings.extend(left.into_iter().map(note));
    for step in &subject.steps {
        findings.extend(privileges::wanted(transaction, step).await?);
    }
    Ok(findings)
}

impl Making<'_> {
    fn leave(&mut self, step: &Step<'_>, about: About, what: &str) {
        let message =
            format!("{what} of \"{}\" is not carried to \"{}\"", step.old.name, step.into);
        self.left.push((about, message));
    }

    fn columns(&mut self, first: &Step<'_>) {
        for (own, its) in first.key() {
            if let Some(column) = first.old.relation.column(own) {
                let default = drawn::default_for_all(self.subject, its);
                let default = default.map(|it| format!(" DEFAULT {it}")).unwrap_or_default();
                self.lines.push(format!("{} {}{default} NOT NULL", quoted(its), type_of(column)));
            }
        }
        for step in &self.subject.steps {
            for (own, its) in step.moved() {
                if let Some(column) = step.old.relation.column(own) {
                    self.lines.push(format!("{} {}", quoted(its), definition(column)));
                }
            }
            if let Some(present) = step.present() {
                self.lines.push(format!("{} boolean NOT NULL DEFAULT false", quoted(present)));
            }
        }
        let key = list(first.key().map(|(_, its)| its));
        self.lines.push(format!("PRIMARY KEY ({key})"));
    }

    async fn constraints(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let subject = self.subject;
        let all = of_tables(transaction, &subject.oids()).await?;
        // What several tables have alike is made once.
        let mut made: Vec<String> = Vec::new();
        for step in &subject.steps {
            for own in all.iter().filter(|it| it.table == step.old.oid) {
                match self.carried(step, own, &all) {
                    Some(definition) if made.contains(&definition) => {}
                    Some(definition) => {
                        let wanted = step.counterpart_name(&self.name, &own.name);
                        let line = self.named(&wanted, &definition);
                        self.lines.push(line);
                        made.push(definition);
                    }
                    None => {
                        let what = format!("{} \"{}\"", own.kind.name(), own.name);
                        self.leave(step, About::MissingConstraint, &what);
                    }
                }
            }
        }
        Ok(())
    }

    fn named(&mut self, wanted: &str, definition: &str) -> String {
        let known: Vec<&str> = self.taken.iter().map(String::as_str).collect();
        let name = free_name(wanted, &known);
        let line = format!("CONSTRAINT {} {definition}", quoted(&name));
        self.taken.push(name);
        line
    }

    /// A constraint as the new table can have it.
    fn carried(&self, step: &Step<'_>, own: &Constraint, all: &[Constraint]) -> Option<String> {
        let there = |text: &str| step.there(text);
        match own.kind {
            // Rows of the past need not keep to one that is NOT VALID.
            _ if !own.valid => None,
            Kind::Exclusion => None,
            Kind::ForeignKey if self.subject.is_source(own.referenced) => None,
            Kind::ForeignKey if is_over_key(step, own) => {
                self.is_of_all(step, own, all).then(|| cascading(step, own, own.referred_table()))
            }
            // Whole rows would go by it.
            Kind::ForeignKey => (own.on_delete() != "c").then(|| own.over(&there)),
            Kind::Check => guarded(step, own).or_else(|| {
                let is_part = !is_over_key(step, own) || self.is_of_all(step, own, all);
                is_part.then(|| own.over(&there))
            }),
        }
    }

    /// Whether each of the other tables has the like.
    fn is_of_all(&self, step: &Step<'_>, own: &Constraint, all: &[Constraint]) -> bool {
        let form = |step: &Step<'_>, it: &Constraint| match it.kind {
            Kind::ForeignKey => cascading(step, it, it.referred_table()),
            Kind::Check | Kind::Exclusion => it.over(&|text| step.there(text)),
        };
        let wanted = form(step, own);
        self.subject.steps.iter().all(|other| {
            let mut its = all.iter().filter(|it| it.table == other.old.oid && it.kind == own.kind);
            its.any(|it| form(other, it) == wanted)
        })
    }

    /// Columns that had to have a value and have no default: in the rows of their own table they still must.
    fn not_null(&mut self) {
        let subject = self.subject;
        for step in &subject.steps {
            let full = |column: &Column| column.not_null && column.default.is_none();
            for (own, its) in step.moved() {
                if !step.old.relation.column(own).is_some_and(full) {
                    continue;
                }
                match step.present() {
                    Some(present) => {
                        let wanted = format!("{}_{its}_not_null", self.name.name);
                        let line = self.named(&wanted, &only_where(present, &value_in(its)));
                        self.lines.push(line);
                    }
                    None => {
                        let what = format!("NOT NULL of column \"{own}\", which has no default,");
                        self.leave(step, About::NotNull, &what);
                    }
                }
            }
        }
    }

    async fn comments(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let mut known: Vec<&str> = Vec::new();
        for step in &self.subject.steps {
            for row in transaction.query(queries::COMMENTS, &[&step.old.oid]).await? {
                let (column, comment): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let Some(its) = step.name_there(&column).filter(|it| !known.contains(it)) else {
                    continue;
                };
                known.push(its);
                self.statements.push(format!(
                    "COMMENT ON COLUMN {}.{} IS {comment};",
                    self.table,
                    quoted(its)
                ));
            }
        }
        Ok(())
    }

    async fn manner(&mut self, transaction: &Transaction<'_>) -> Result<Manner, Error> {
        let subject = self.subject;
        let manner = manner::manner(transaction, &subject.oids()).await?;
        if manner.differs {
            let message = format!(
                "storage parameters are not carried to \"{}\": not all of the merged tables have the same",
                shown(&subject.merge.into)
            );
            self.left.push((About::Dependent, message));
        }
        for step in &subject.steps {
            self.left.extend(manner::left(transaction, step).await?);
        }
        Ok(manner)
    }

    async fn owner(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        match owner::carried(transaction, &self.subject.oids(), &self.table).await? {
            Ok(statement) => self.statements.push(statement),
            Err(names) => {
                let message = format!(
                    "no owner is carried to \"{}\", which belongs to whoever creates it: the merged tables belong \
                     to several roles ({names})",
                    shown(&self.subject.merge.into)
                );
                self.left.push((About::Privilege, message));
            }
        }
        Ok(())
    }

    async fn privileges(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let subject = self.subject;
        match row_security::carried_by_all(transaction, &subject.steps, &self.table).await? {
            Some(statements) => self.statements.extend(statements),
            None => {
                let message = format!(
                    "row security is not carried to \"{}\": not all of the merged tables have the same policies",
                    shown(&subject.merge.into)
                );
                self.left.push((About::Policy, message));
            }
        }
        let grants = grants::statements(transaction, subject, &self.table).await?;
        self.statements.extend(grants);
        Ok(())
    }

    async fn indexes(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let subject = self.subject;
        let mut taken = names_in(transaction, &self.name.schema).await?;
        // What the table's own key will be called.
        taken.extend([format!("{}_pkey", self.name.name), self.name.name.clone()]);
        let mut made: Vec<String> = Vec::new();
        for step in &subject.steps {
            for index in indexes::of_tables(transaction, &[step.old.oid]).await? {
                let columns = step.old.columns_of(&index);
                let of_key = |name: &&str| step.key().any(|(key, _)| key == *name);
                let is_key = index.unique
                    && columns.len() == step.key().count()
                    && columns.iter().all(of_key);
                // What makes an exclusion constraint is told of with that.
                if is_key || !index.valid || index.exclusion {
                    continue;
                }
                let form = step.there(&index.definition);
                if made.contains(&form) {
                    continue;
                }
                let table = (&self.name, self.table.as_str());
                match created(transaction, table, step, &index, &mut taken).await? {
                    Some(create) => self.statements.extend(create),
                    None => {
                        let what = format!("unique index \"{}\"", index.name);
                        self.leave(step, About::MissingIndex, &what);
                    }
                }
                made.push(form);
            }
        }
        Ok(())
    }

    /// Triggers, statistics objects and publications.
    async fn others(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let subject = self.subject;
        for step in &subject.steps {
            let oid = step.old.oid;
            for trigger in triggers::of_tables(transaction, &[oid]).await? {
                let what = format!("trigger \"{}\"", trigger.name);
                self.leave(step, About::Trigger, &what);
            }
            for object in extended_of(transaction, &[oid]).await? {
                let what = format!("statistics object \"{}\"", object.name);
                self.leave(step, About::Statistics, &what);
            }
            for row in transaction.query(queries::PUBLICATIONS, &[&oid, &0_u32]).await? {
                let name: String = row.try_get(0)?;
                let message = format!(
                    "publication {name} has \"{}\" and is not given \"{}\"",
                    step.old.name, step.into
                );
                self.left.push((About::Publication, message));
            }
        }
        Ok(())
    }
}
