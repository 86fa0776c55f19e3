//! What is in the way of a column that is added and filled (`backfill-column`): whether it can take its
//! values, and then whether every row has one.

use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::catalog::{Column, Relation, RelationName};
use rewrite_rules::compile::{RowValue, backfill_value};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::AddedColumn;
use rewrite_rules::{Catalog, Phase, Rule};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Transaction};

use super::columns::set_not_null;
use super::finding::{About, Finding, Severity};
use super::rows::{access_to, in_batches};
use super::step::sql;
use super::triggers::{self, Trigger};
use super::words::mentions;
use super::{answered, faults, queries, snapshot};
use crate::catalog::{ANSWER_TIMEOUT_S, in_time, reason};
use crate::config::parse_relation_name;
use crate::verify::whole::{self, COUNTED, Differences, SHOWN, Sides};

/// The step that is judged.
struct Step<'a> {
    rule: &'a Rule,
    to: Phase,
    added: &'a AddedColumn,
    name: RelationName,
    /// The table's name as SQL writes it.
    table: String,
    relation: &'a Relation,
    /// The table and every one that inherits from it, with their oids.
    members: Vec<(u32, RelationName)>,
}

pub(super) async fn check(
    client: &mut Client,
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    added: &AddedColumn,
    index: usize,
    to: Phase,
) -> Result<Vec<Finding>, String> {
    let Some(rule) = rules.get(index) else { return Ok(Vec::new()) };
    let faults = faults::find(client, catalog, rules, index, to).await?;
    let mut findings = Vec::new();
    if let Some(step) = Step::new(rule, added, to, catalog) {
        let column = step.relation.column(&added.column);
        match ((rule.phase, to), column) {
            ((Phase::Expand, Phase::Backfill | Phase::Enforce), None) => {
                findings.push(missing(client, &step, catalog).await?);
            }
            ((Phase::Expand, Phase::Backfill), Some(column)) => {
                findings.extend(not_null_too_early(&step, column));
                findings.extend(answered(in_time(of_server(client, &step, column)).await)?);
            }
            ((Phase::Backfill, Phase::Enforce), Some(column)) => {
                findings.extend(enforced(client, &step, column, catalog).await?);
            }
            // Back, and staying: nothing is lost.
            _any => {}
        }
    }
    findings.extend(faults::findings(rules, rule, to, &faults, &findings));
    findings.sort_by_key(|finding| (finding.severity, finding.about));
    Ok(findings)
}

impl<'a> Step<'a> {
    /// `None` if the table does not exist.
    fn new(
        rule: &'a Rule,
        added: &'a AddedColumn,
        to: Phase,
        catalog: &'a Catalog,
    ) -> Option<Self> {
        let name = parse_relation_name(&added.table)?;
        let relation = catalog.relation(&name)?;
        let (mut members, mut open) = (Vec::new(), vec![name.clone()]);
        while let Some(next) = open.pop() {
            let Some(table) = catalog.relation(&next) else { continue };
            if members.iter().all(|(oid, _)| *oid != table.oids.relation) {
                open.extend(table.children.iter().rev().cloned());
                members.push((table.oids.relation, next));
            }
        }
        Some(Self { rule, to, added, table: sql(&name), name, relation, members })
    }

    fn oids(&self) -> Vec<u32> {
        self.members.iter().map(|(oid, _)| *oid).collect()
    }

    fn member(&self, oid: u32) -> Option<&RelationName> {
        self.members.iter().find(|(known, _)| *known == oid).map(|(_, name)| name)
    }

    fn finding(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding::new(self.rule, self.to, severity, about, message, remedy)
    }

    /// A finding that nobody may overrule: the phase would not be what it is called.
    fn not_ready(
        &self,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding { forcible: false, ..self.finding(Severity::Risky, about, message, remedy) }
    }
}

/// The column is not there yet. The server tells of which type its values will be.
async fn missing(client: &Client, step: &Step<'_>, catalog: &Catalog) -> Result<Finding, String> {
    let column = &step.added.column;
    let message = format!(
        "column \"{column}\" does not exist in \"{}\", and phase \"{}\" needs it",
        step.name, step.to
    );
    let type_name = match backfill_value(step.added, catalog) {
        Ok(value) => answered(in_time(type_of(client, step, &value)).await)?,
        Err(_) => None,
    };
    let add = type_name.map(|type_name| {
        format!("ALTER TABLE {} ADD COLUMN {} {type_name};", step.table, quoted(column))
    });
    Ok(step.not_ready(About::MissingColumn, message, add))
}

/// `None` if the server cannot read the expression, which is told elsewhere.
async fn type_of(
    client: &Client,
    step: &Step<'_>,
    value: &RowValue,
) -> Result<Option<String>, Error> {
    let select = format!("SELECT ({}) FROM {} AS t", value.read("t."), step.table);
    let statement = match client.prepare(&select).await {
        Ok(statement) => statement,
        Err(error) if error.as_db_error().is_some() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(column) = statement.columns().first() else { return Ok(None) };
    let oid = column.type_().oid();
    let row = client.query_one("SELECT format_type($1::oid, -1)", &[&oid]).await?;
    Ok(Some(row.try_get(0)?))
}

/// A column that takes no NULL, while not everybody writes it.
fn not_null_too_early(step: &Step<'_>, column: &Column) -> Option<Finding> {
    if !column.not_null || column.default.is_some() {
        return None;
    }
    let name = &column.name;
    let message = format!(
        "column \"{name}\" of \"{}\" is NOT NULL without a default: clients that do not know it \
         cannot insert",
        step.name
    );
    let drop = format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;", step.table, quoted(name));
    Some(step.finding(Severity::Risky, About::NotNull, message, [drop]))
}

/// What the server's catalogs tell, in one snapshot.
async fn of_server(
    client: &mut Client,
    step: &Step<'_>,
    column: &Column,
) -> Result<Vec<Finding>, Error> {
    let transaction = snapshot(client).await?;
    let mut findings = Vec::new();
    findings.extend(given_by_default(&transaction, step, column).await?);
    for trigger in triggers::of_tables(&transaction, &step.oids()).await? {
        findings.extend(fired(step, &trigger));
    }
    for row in transaction.query(queries::RULES, &[&step.oids()]).await? {
        let Some(table) = step.member(row.try_get(0)?) else { continue };
        let (name, definition): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        if !definition.contains("ON UPDATE TO") {
            continue;
        }
        let message = format!(
            "rule \"{name}\" of \"{table}\" takes the place of an UPDATE, and so of the one that \
             fills \"{}\"",
            column.name
        );
        let drop = format!("DROP RULE {} ON {};", quoted(&name), sql(table));
        findings.push(step.finding(Severity::Risky, About::Rule, message, [drop]));
    }
    transaction.commit().await?;
    Ok(findings)
}

/// `ADD COLUMN … DEFAULT` gives the default to all rows that there are, and only NULLs are filled.
async fn given_by_default(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    column: &Column,
) -> Result<Option<Finding>, Error> {
    let query = "
        SELECT FROM pg_attribute
        WHERE attrelid = ANY ($1::oid[]) AND attname = $2 AND atthasmissing";
    let found = transaction.query(query, &[&step.oids(), &column.name]).await?;
    let Some(default) = column.default.as_ref().filter(|_| !found.is_empty()) else {
        return Ok(None);
    };
    let (table, name) = (&step.table, quoted(&column.name));
    let message = format!(
        "column \"{}\" was added to \"{}\" with the default {}, which all rows of the past have \
         now: only NULLs are filled",
        column.name, step.name, default.expression
    );
    let again = [
        format!("ALTER TABLE {table} DROP COLUMN {name};"),
        format!("ALTER TABLE {table} ADD COLUMN {name} {};", column.type_name),
        format!("ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {};", default.expression),
    ];
    Ok(Some(step.finding(Severity::Risky, About::Default, message, again)))
}

/// A trigger that the filling fires in every row, and what may come of it.
fn fired(step: &Step<'_>, trigger: &Trigger) -> Option<Finding> {
    let column = &step.added.column;
    let table = step.member(trigger.table)?;
    let function = &trigger.function;
    let before = trigger.is_before_write();
    let (severity, said) = if before && mentions(&trigger.text(), column) {
        (Severity::Risky, format!("names \"{column}\": see that it keeps what is written to it"))
    } else if let Some(language) = trigger.unreadable().filter(|_| before) {
        let said = format!(
            "is written in language {language}: nobody can tell whether it changes \"{column}\""
        );
        (Severity::Risky, said)
    } else if trigger.is_of_update() {
        (Severity::Note, "is called for every row that is filled".to_owned())
    } else {
        return None;
    };
    let kind = if before { "BEFORE trigger" } else { "trigger" };
    let message =
        format!("{kind} \"{}\" of \"{table}\": its function {function} {said}", trigger.name);
    let show = (severity == Severity::Risky && trigger.unreadable().is_none())
        .then(|| trigger.show_function());
    Some(step.finding(severity, About::Trigger, message, show))
}

/// A column that is to be NOT NULL, and is not.
fn promised(step: &Step<'_>, column: &Column) -> Finding {
    let message = format!(
        "column \"{}\" of \"{}\" may be NULL, and the migration says not_null",
        column.name, step.name
    );
    let statements = set_not_null(&step.table, &column.name);
    step.not_ready(About::NotNull, message, statements)
}

/// A column that every client must write from then on.
fn no_default(step: &Step<'_>, column: &Column) -> Option<Finding> {
    let message = format!(
        "column \"{}\" of \"{}\" is to be NOT NULL and has no default: clients that leave it out \
         cannot insert any more",
        column.name, step.name
    );
    let is_missing = column.default.is_none();
    is_missing.then(|| step.finding(Severity::Risky, About::Default, message, None))
}

/// What `enforce` promises: every row that has a value holds one, and with `not_null` every row.
async fn enforced(
    client: &mut Client,
    step: &Step<'_>,
    column: &Column,
    catalog: &Catalog,
) -> Result<Vec<Finding>, String> {
    if column.not_null {
        return Ok(Vec::new());
    }
    let value = match backfill_value(step.added, catalog) {
        Ok(value) => value,
        Err(fault) => {
            let message = format!("key \"{}\": {}", fault.key, fault.message);
            return Ok(vec![step.not_ready(About::Definition, message, None)]);
        }
    };
    let not_null = step.added.not_null;
    let mut findings = not_filled(client, step, column, &value).await?;
    if not_null && findings.is_empty() {
        findings = without_value(client, step, column).await?;
    }
    // Even NOT VALID the constraint rejects every UPDATE of a row that is not filled.
    if not_null && findings.is_empty() {
        findings.push(promised(step, column));
    }
    findings.extend(no_default(step, column).filter(|_| not_null));
    Ok(findings)
}

async fn not_filled(
    client: &mut Client,
    step: &Step<'_>,
    column: &Column,
    value: &RowValue,
) -> Result<Vec<Finding>, String> {
    let null = format!("t.{} IS NULL", quoted(&column.name));
    // One that is another each time would be called for nothing, and is there.
    let condition = match value.is_volatile() {
        true => null,
        false => format!("{null} AND ({}) IS NOT NULL", value.read("t.")),
    };
    let (name, own) = (quoted(&column.name), value.read(""));
    let fill = format!(
        "UPDATE {} SET {name} = {own} WHERE {name} IS NULL{};{}",
        step.table,
        if value.is_volatile() { String::new() } else { format!(" AND ({own}) IS NOT NULL") },
        in_batches(step.rule)
    );
    let told = |rows: Rows| {
        let message = format!(
            "column \"{}\" is NULL in {} of \"{}\" for which there is a value: {}",
            column.name, rows.count, step.name, rows.first
        );
        step.not_ready(About::NotFilled, message, [fill])
    };
    let found = rows(client, step, &condition).await?;
    Ok(found.map(|rows| rows.map_or_else(|unknown| unknown, told)).into_iter().collect())
}

async fn without_value(
    client: &mut Client,
    step: &Step<'_>,
    column: &Column,
) -> Result<Vec<Finding>, String> {
    let condition = format!("t.{} IS NULL", quoted(&column.name));
    let told = |rows: Rows| {
        let message = format!(
            "column \"{}\" is to be NOT NULL, and in {} of \"{}\" it is NULL and so is the value: {}",
            column.name, rows.count, step.name, rows.first
        );
        step.not_ready(About::NotFilled, message, None)
    };
    let found = rows(client, step, &condition).await?;
    Ok(found.map(|rows| rows.map_or_else(|unknown| unknown, told)).into_iter().collect())
}

/// Rows that were found, in words.
struct Rows {
    count: String,
    first: String,
}

/// The rows for which `condition` over `t` is true, if there are any, or what keeps them from being
/// looked at.
async fn rows(
    client: &mut Client,
    step: &Step<'_>,
    condition: &str,
) -> Result<Option<Result<Rows, Finding>>, String> {
    let primary = step.relation.keys.iter().find(|key| key.primary);
    let sides = Sides {
        relation: step.table.clone(),
        key: primary.map(|key| key.columns.clone()).unwrap_or_default(),
        expected: "false".to_owned(),
        found: format!("({condition})"),
    };
    let patience = Duration::from_millis(whole::STATEMENT_TIMEOUT_MS)
        .saturating_add(Duration::from_secs(ANSWER_TIMEOUT_S));
    let compared = match tokio::time::timeout(patience, whole::compare(client, &sides)).await {
        Ok(compared) => compared,
        Err(_elapsed) => return Err(format!("the server did not answer within {patience:?}")),
    };
    match compared {
        Ok(found) if found.count == 0 => Ok(None),
        Ok(found) => Ok(Some(Ok(in_words(&found)))),
        Err(error) => {
            let Some(code) = error.code() else { return Err(reason(&error)) };
            let remedy = match *code == SqlState::INSUFFICIENT_PRIVILEGE {
                true => {
                    let oid = step.relation.oids.relation;
                    access_to(client, oid, &step.table).await?
                }
                false => Vec::new(),
            };
            let why = reason(&error);
            let message = format!("the rows of \"{}\" cannot be looked at: {why}", step.name);
            Ok(Some(Err(step.not_ready(About::NotCompared, message, remedy))))
        }
    }
}

fn in_words(found: &Differences) -> Rows {
    let count = match found.count {
        1 => "1 row".to_owned(),
        count if count > COUNTED => format!("more than {COUNTED} rows"),
        count => format!("{count} rows"),
    };
    let mut first: Vec<&str> = found.shown.iter().map(|row| row.row.as_str()).collect();
    if usize::try_from(found.count).is_ok_and(|count| count > SHOWN) {
        first.push("…");
    }
    Rows { count, first: first.join("; ") }
}
