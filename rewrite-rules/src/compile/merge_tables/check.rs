//! What must be true of the tables of a merge.

use std::collections::BTreeSet;

use super::Subject;
use super::source::Source;
use crate::catalog::{Column, Relation, RelationName};
use crate::compile::Fault;
use crate::compile::table::{key_fault, nearest};
use crate::name::quoted;
use crate::phase::Phase;

/// Everything that is wrong.
pub(super) fn faults(subject: &Subject<'_>) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    if subject.sources.len() < 2 {
        let message = "fewer than two tables are merged".to_owned();
        faults.add("source", message, "write a [[migration.source]] for each table");
    }
    let mut names: Vec<&RelationName> = subject.sources.iter().map(|it| &it.relation).collect();
    names.extend(subject.into.iter().map(|(into, _)| into));
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == name) {
            faults.add("source", format!("\"{name}\" is there twice"), "name each table once");
        }
    }
    for source in &subject.sources {
        of_source(source, subject, &mut faults);
    }
    if let Some((into, table)) = &subject.into {
        of_new_table(subject, into, table, &mut faults);
    }
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, key: &'static str, message: String, hint: impl Into<String>) {
        self.0.push(Fault { rule: 0, key, message, hint: Some(hint.into()) });
    }

    fn unknown(&mut self, name: &str, relation: &RelationName, table: &Relation) {
        let known = table.columns.iter().map(|column| column.name.as_str());
        let hint = nearest(name, known).map(|near| format!("did you mean \"{near}\"?"));
        let message = format!("column \"{name}\" does not exist in table \"{relation}\"");
        self.0.push(Fault { rule: 0, key: "columns", message, hint });
    }
}

fn of_new_table(subject: &Subject<'_>, into: &RelationName, table: &Relation, faults: &mut Faults) {
    if !table.children.is_empty() {
        let message = "has partitions, or tables that inherit from it".to_owned();
        faults.add("into", message, "only a plain table can be the new one");
    }
    let key: Vec<&str> = subject.merge.key.iter().collect();
    faults.0.extend(key_fault(table, into, &key));
    let mut taken: BTreeSet<&str> = key.iter().copied().collect();
    let columns = subject.sources.iter().flat_map(|it| it.source.columns.pairs());
    let present = subject.sources.iter().filter_map(|it| it.source.present.as_deref());
    for column in columns.map(|(_, to)| to).chain(present) {
        if !taken.insert(column) {
            let message = format!("column \"{column}\" of \"{into}\" is meant twice");
            faults.add("columns", message, "rename on the way: columns = { old = \"new\" }");
        }
    }
    if subject.rule.phase == Phase::Expand {
        return;
    }
    let needed = |column: &&Column| {
        let is_made = column.default.is_some() || column.generated || column.identity.is_some();
        column.not_null && !is_made && !key.contains(&column.name.as_str())
    };
    for column in table.columns.iter().filter(needed) {
        let name = &column.name;
        let message = format!(
            "column \"{name}\" of \"{into}\" is NOT NULL without a default, and some source has no row for it"
        );
        let (schema, table) = (quoted(&into.schema), quoted(&into.name));
        let column = quoted(name);
        let hint = format!(
            "run ALTER TABLE {schema}.{table} ALTER COLUMN {column} SET DEFAULT …; or DROP NOT NULL"
        );
        faults.add("into", message, hint);
    }
}

fn of_source(source: &Source<'_>, subject: &Subject<'_>, faults: &mut Faults) {
    let name = &source.relation;
    let length = subject.merge.key.iter().len();
    if source.source.key.as_ref().is_some_and(|own| own.iter().len() != length) {
        let message = format!("that of \"{name}\" has another length than the new table's");
        faults.add("key", message, "name its columns in the order of the other");
        return;
    }
    if source.source.columns.pairs().next().is_none() {
        faults.add("columns", format!("no column of \"{name}\" moves"), "name its columns");
    }
    if !source.table.children.is_empty() {
        let message = format!("\"{name}\" has partitions, or tables that inherit from it");
        faults.add("table", message, "only a plain table can be merged");
    }
    if source.exists {
        let key: Vec<&str> = source.key().map(|(own, _)| own).collect();
        faults.0.extend(key_fault(&source.table, name, &key));
    }
    of_columns(source, faults);
    if let Some((into, new)) = &subject.into {
        for pair in source.pairs() {
            of_counterpart(source, pair, (into, new), faults);
        }
        of_presence(source, (into, new), faults);
    }
}

/// A table that goes away must move as a whole.
fn of_columns(source: &Source<'_>, faults: &mut Faults) {
    let name = &source.relation;
    for (own, _) in source.pairs() {
        if source.exists && source.table.column(own).is_none() {
            faults.unknown(own, name, &source.table);
        }
    }
    for column in &source.table.columns {
        let its = &column.name;
        if !source.pairs().any(|(own, _)| own == its) {
            let message = format!("column \"{its}\" of \"{name}\" moves nowhere");
            faults.add("columns", message, "list it, or drop it first");
        } else if column.generated || column.identity.is_some() {
            let message = format!("column \"{its}\" of \"{name}\" is generated by the server");
            let is_key = source.key().any(|(own, _)| own == its);
            let (key, hint) = match (is_key, column.generated) {
                (false, _) => ("columns", "only an ordinary column can move"),
                (true, true) => ("key", "only an ordinary column can be a key"),
                (true, false) => {
                    ("key", "give it a default in place of its identity: segue check says how")
                }
            };
            faults.add(key, message, hint);
        }
    }
}

fn of_counterpart(
    source: &Source<'_>,
    (own, its): (&str, &str),
    (into, new): (&RelationName, &Relation),
    faults: &mut Faults,
) {
    let Some(column) = new.column(its) else {
        faults.unknown(its, into, new);
        return;
    };
    if column.generated || column.identity.is_some() {
        let message = format!("column \"{its}\" of \"{into}\" is generated by the server");
        faults.add("columns", message, "only an ordinary column can be filled");
    }
    let Some(known) = source.table.column(own) else { return };
    if (&known.type_name, &known.collation) != (&column.type_name, &column.collation) {
        let message = format!(
            "column \"{its}\" of \"{into}\" is {}, \"{own}\" of \"{}\" is {}",
            column.type_name, source.relation, known.type_name
        );
        faults.add("columns", message, "give both the same type and collation");
    }
}

fn of_presence(source: &Source<'_>, (into, new): (&RelationName, &Relation), faults: &mut Faults) {
    let Some(present) = &source.source.present else { return };
    let wanted = format!("{} boolean NOT NULL DEFAULT false", quoted(present));
    let Some(column) = new.column(present) else {
        let message = format!("column \"{present}\" does not exist in table \"{into}\"");
        faults.add("present", message, format!("add it: {wanted}"));
        return;
    };
    let default = column.default.as_ref().map(|default| default.expression.as_str());
    if column.type_name != "boolean" || !column.not_null || default != Some("false") {
        let message =
            format!("column \"{present}\" of \"{into}\" cannot tell which rows are there");
        faults.add("present", message, format!("make it {wanted}"));
    }
}
