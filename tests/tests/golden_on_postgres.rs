//! The golden books on a real server: every text prepares, and means what the client's text meant.
//!
//! Several schemas stand for a book's one: as it is during each phase, without the new columns (the
//! unmigrated table), and without the old ones (after the contract). Each case runs inside a
//! transaction that is rolled back.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

use rewrite_rules::Phase;
use rewrite_rules::rule::Change;
use segue_tests::golden::book::{Case, Expected};
use segue_tests::golden::read_books;
use segue_tests::message::{Column, Message};
use segue_tests::server::Database;
use segue_tests::wire::{Reply, Wire};

/// A renamed column of a case's rules.
struct Rename {
    table: String,
    from: String,
    to: String,
}

fn renames(case: &Case) -> Vec<Rename> {
    let rules = case.rules_in(Phase::Expand).expect("the book's rules are valid");
    rules
        .into_iter()
        .map(|rule| match rule.change {
            Change::RenameColumn { table, from, to, .. } => {
                Rename { table, from: quoted(&from), to: quoted(&to) }
            }
        })
        .collect()
}

/// An identifier as SQL writes it. Table names are written so in the configuration already.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table that a text is prepared or run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    /// As it was before the migration: what a client of the old shape knows.
    Old,
    /// As it was, with the columns simply renamed: what a client of the new shape knows.
    Renamed,
    /// Both columns with the same values: all that a client of both shapes can know.
    Both,
    /// As it stands in that phase.
    During(Phase),
    /// After the contract.
    New,
}

/// Opens a transaction in which the case's tables are in that schema, with its rows in them.
fn enter(wire: &mut Wire, case: &Case, schema: Schema) {
    wire.script("BEGIN");
    wire.script(&case.schema);
    let renames = renames(case);
    if let Schema::Old | Schema::Renamed = schema {
        for Rename { table, to, .. } in &renames {
            wire.script(&format!("ALTER TABLE {table} DROP COLUMN {to} CASCADE"));
        }
    }
    wire.script(case.rows.as_deref().unwrap_or_default());
    for Rename { table, from, to } in &renames {
        wire.script(&match schema {
            Schema::Old | Schema::During(Phase::Expand) => String::new(),
            Schema::Renamed => format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"),
            Schema::Both | Schema::During(Phase::DualWrite | Phase::SwitchReads) => {
                format!("UPDATE {table} SET {to} = {from}")
            }
            // Nothing may read the old side any more, so it holds nothing worth reading.
            Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                format!("UPDATE {table} SET {to} = {from}, {from} = NULL")
            }
            Schema::New => format!(
                "UPDATE {table} SET {to} = {from}; ALTER TABLE {table} DROP COLUMN {from} CASCADE"
            ),
        });
    }
}

/// What Describe says of a text: parameter types and result columns.
#[derive(Debug, PartialEq)]
struct Shape {
    parameters: Vec<u32>,
    columns: Option<Vec<Column>>,
}

fn shape(wire: &mut Wire, sql: &str, types: &[u32]) -> Result<Shape, String> {
    wire.script("SAVEPOINT shape");
    let reply = wire.describe(sql, types);
    wire.script("ROLLBACK TO shape");
    if let Some(error) = reply.error() {
        return Err(format!("{error:?}"));
    }
    let parameters = reply.messages.iter().find_map(|message| match message {
        Message::ParameterTypes(types) => Some(types.clone()),
        _ => None,
    });
    Ok(Shape {
        parameters: parameters.ok_or("no ParameterDescription")?,
        columns: reply.columns().map(<[Column]>::to_vec),
    })
}

/// The text that PostgreSQL receives, `None` if it receives none.
fn sent(case: &Case, phase: Phase) -> Option<&str> {
    match case.expected(phase)? {
        Expected::Sql(sql) => Some(sql),
        Expected::Text(text) if text == "forwarded" => Some(&case.client),
        Expected::Text(_) => None,
    }
}

/// The schema that the client's text is written for.
fn spoken(wire: &mut Wire, case: &Case) -> Schema {
    let known = [Schema::Old, Schema::Renamed, Schema::Both].into_iter().find(|schema| {
        enter(wire, case, *schema);
        let known = shape(wire, &case.client, &[]).is_ok();
        wire.script("ROLLBACK");
        known
    });
    known.unwrap_or(Schema::Old)
}

fn prepares(wire: &mut Wire, case: &Case) -> Result<(), String> {
    let spoken = spoken(wire, case);
    enter(wire, case, spoken);
    let client = shape(wire, &case.client, &[]);
    wire.script("ROLLBACK");
    for phase in Phase::ALL {
        let Some(sql) = sent(case, phase) else { continue };
        let mut schemas = vec![Schema::During(phase)];
        match phase {
            // The new column may not be there yet, and the old one not any more.
            Phase::Expand => schemas.push(Schema::Old),
            Phase::Contract => schemas.push(Schema::New),
            Phase::DualWrite | Phase::SwitchReads | Phase::StopDualWrite => {}
        }
        for schema in schemas {
            enter(wire, case, schema);
            let found = shape(wire, sql, &[]);
            wire.script("ROLLBACK");
            match (&client, &found) {
                (Ok(client), Ok(found)) if client == found => {}
                // What PostgreSQL refuses in the client's own text it may refuse in ours.
                (Err(_), Err(_)) => {}
                _ => {
                    return Err(format!(
                        "[{schema:?}] {sql}\n  in {spoken:?} {client:?}\n  found  {found:?}"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Rows, tags and errors, in an order that does not depend on the plan.
fn result(reply: &Reply) -> (Vec<String>, Vec<String>, String) {
    let mut lines = reply.lines();
    lines.sort();
    let tags = reply.tags().into_iter().map(str::to_owned).collect();
    (lines, tags, reply.code().to_owned())
}

/// The tables' content under the old names, and whether the two sides agree where both are written.
fn content(wire: &mut Wire, case: &Case, schema: Schema) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for Rename { table, from, to } in renames(case) {
        let key = |name: &str| name.replace('\'', "''").trim_matches('"').to_owned();
        let (from_key, to_key) = (key(&from), key(&to));
        let row = match schema {
            Schema::Old => "to_jsonb(t)".to_owned(),
            Schema::During(Phase::Expand) => format!("to_jsonb(t) - '{to_key}'"),
            Schema::Both | Schema::During(Phase::DualWrite | Phase::SwitchReads) => {
                let apart = wire.rows(&format!(
                    "SELECT to_jsonb(t) FROM {table} t WHERE t.{from} IS DISTINCT FROM t.{to}"
                ));
                if !apart.is_empty() {
                    return Err(format!("the sides differ: {apart:?}"));
                }
                format!("to_jsonb(t) - '{to_key}'")
            }
            Schema::Renamed
            | Schema::New
            | Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                format!("to_jsonb(t) - '{to_key}' || jsonb_build_object('{from_key}', t.{to})")
            }
        };
        found.extend(wire.rows(&format!("SELECT {row} AS row FROM {table} t ORDER BY 1")));
    }
    Ok(found)
}

/// Rows, tags and SQLSTATE; then the tables' content.
type Effect = ((Vec<String>, Vec<String>, String), Vec<String>);

/// Runs a text in that schema and says what it did.
fn effect(wire: &mut Wire, case: &Case, sql: &str, schema: Schema) -> Result<Effect, String> {
    enter(wire, case, schema);
    wire.script("SELECT setseed(0.25); SAVEPOINT before");
    let reply = wire.extended(sql, &[], false);
    if reply.error().is_some() {
        wire.script("ROLLBACK TO before");
    }
    let content = content(wire, case, schema);
    wire.script("ROLLBACK");
    Ok((result(&reply), content?))
}

fn executes(wire: &mut Wire, case: &Case) -> Result<(), String> {
    if case.rows.is_none() || case.client.contains("$1") {
        return Ok(());
    }
    let spoken = spoken(wire, case);
    let expected = effect(wire, case, &case.client, spoken)?;
    for phase in Phase::ALL {
        let Some(sql) = sent(case, phase) else { continue };
        let schema = match phase {
            Phase::Contract => Schema::New,
            other => Schema::During(other),
        };
        let found = effect(wire, case, sql, schema);
        if found.as_ref() != Ok(&expected) {
            return Err(format!(
                "[{phase}] {sql}\n  in {spoken:?} {expected:?}\n  found  {found:?}"
            ));
        }
    }
    Ok(())
}

#[test]
fn every_text_of_the_books_means_on_the_server_what_the_client_said() {
    let database = Database::create("golden", "");
    let mut wire = database.connect();
    let mut report = Vec::new();
    for book in read_books().expect("the books can be read") {
        for case in &book.cases {
            for check in [prepares, executes] {
                if let Err(fault) = check(&mut wire, case) {
                    wire.simple("ROLLBACK");
                    let place = format!("{}:{}", book.file_name(), case.line);
                    report.push(format!("{place}: {}\n  {fault}", case.name));
                }
            }
        }
    }
    assert!(report.is_empty(), "{} faults\n\n{}\n", report.len(), report.join("\n\n"));
}
