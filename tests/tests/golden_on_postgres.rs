//! The golden books on a real server: every text prepares, and means what the client's text meant.
//!
//! Three schemas stand for a book's one: as it is (*during*), without the new columns (*old*, the
//! unmigrated table), and without the old ones (*new*, after the contract). Each case runs inside
//! a transaction that is rolled back.

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

/// The server's view of one of the three schemas.
enum Schema {
    Old,
    During,
    New,
}

/// Opens a transaction in which the case's tables are in that schema, with `rows` in them.
fn enter(wire: &mut Wire, case: &Case, schema: &Schema, phase: Phase) {
    wire.script("BEGIN");
    wire.script(&case.schema);
    let renames = renames(case);
    if let (Schema::Old, _) | (_, None) = (schema, &case.rows) {
        // The seed, if there is one, goes into the table that it was written for.
    } else {
        wire.script(case.rows.as_deref().unwrap_or_default());
    }
    for Rename { table, from, to } in renames {
        match schema {
            Schema::Old => {
                wire.script(&format!("ALTER TABLE {table} DROP COLUMN {to} CASCADE"));
            }
            Schema::During | Schema::New => match phase {
                Phase::Expand => {}
                Phase::DualWrite | Phase::SwitchReads => {
                    wire.script(&format!("UPDATE {table} SET {to} = {from}"));
                }
                // Nothing may read the old side any more, so it holds nothing worth reading.
                Phase::StopDualWrite | Phase::Contract => {
                    wire.script(&format!("UPDATE {table} SET {to} = {from}, {from} = NULL"));
                }
            },
        }
        if let Schema::New = schema {
            wire.script(&format!("ALTER TABLE {table} DROP COLUMN {from} CASCADE"));
        }
    }
    if let Schema::Old = schema
        && let Some(rows) = &case.rows
    {
        wire.script(rows);
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

/// Whether the client may speak of the new columns only, and so not be known to the old table.
fn speaks_new(wire: &mut Wire, case: &Case) -> bool {
    let before = shape(wire, &case.client, &[]).is_err();
    wire.script("ROLLBACK");
    enter(wire, case, &Schema::During, Phase::Expand);
    before && shape(wire, &case.client, &[]).is_ok()
}

fn prepares(wire: &mut Wire, case: &Case) -> Result<(), String> {
    enter(wire, case, &Schema::Old, Phase::Expand);
    let client = shape(wire, &case.client, &[]);
    let new_shape = speaks_new(wire, case);
    let client = if new_shape { shape(wire, &case.client, &[]) } else { client };
    wire.script("ROLLBACK");
    for phase in Phase::ALL {
        let Some(sql) = sent(case, phase) else { continue };
        let mut schemas = vec![Schema::During];
        if phase == Phase::Contract {
            schemas.push(Schema::New);
        }
        if phase == Phase::Expand && !new_shape {
            schemas.push(Schema::Old);
        }
        for schema in schemas {
            enter(wire, case, &schema, phase);
            let found = shape(wire, sql, &[]);
            wire.script("ROLLBACK");
            match (&client, &found) {
                (Ok(client), Ok(found)) if client == found => {}
                // What PostgreSQL refuses in the client's own text it may refuse in ours.
                (Err(_), Err(_)) => {}
                _ => {
                    return Err(format!("[{phase}] {sql}\n  was {client:?}\n  is  {found:?}"));
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
fn content(wire: &mut Wire, case: &Case, phase: Option<Phase>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for Rename { table, from, to } in renames(case) {
        let (from_key, to_key) = (from.replace('\'', "''"), to.replace('\'', "''"));
        let (from_key, to_key) = (from_key.trim_matches('"'), to_key.trim_matches('"'));
        let row = match phase {
            None => "to_jsonb(t)".to_owned(),
            Some(Phase::Expand) => format!("to_jsonb(t) - '{to_key}'"),
            Some(Phase::DualWrite | Phase::SwitchReads) => {
                let apart = format!(
                    "SELECT to_jsonb(t) FROM {table} t WHERE t.{from} IS DISTINCT FROM t.{to}"
                );
                let apart = wire.rows(&apart);
                if !apart.is_empty() {
                    return Err(format!("the sides differ: {apart:?}"));
                }
                format!("to_jsonb(t) - '{to_key}'")
            }
            Some(Phase::StopDualWrite | Phase::Contract) => {
                format!("to_jsonb(t) - '{to_key}' || jsonb_build_object('{from_key}', t.{to})")
            }
        };
        found.extend(wire.rows(&format!("SELECT {row} AS row FROM {table} t ORDER BY 1")));
    }
    Ok(found)
}

fn executes(wire: &mut Wire, case: &Case) -> Result<(), String> {
    if case.rows.is_none() {
        return Ok(());
    }
    enter(wire, case, &Schema::Old, Phase::Expand);
    wire.script("SELECT setseed(0.25)");
    let reply = wire.extended(&case.client, &[], false);
    if let Some(error) = reply.error() {
        return Err(format!("a case with rows must succeed on the unmigrated table: {error:?}"));
    }
    let expected = (result(&reply), content(wire, case, None)?);
    wire.script("ROLLBACK");
    for phase in Phase::ALL {
        let Some(sql) = sent(case, phase) else { continue };
        let schema = if phase == Phase::Contract { Schema::New } else { Schema::During };
        enter(wire, case, &schema, phase);
        wire.script("SELECT setseed(0.25)");
        let reply = wire.extended(sql, &[], false);
        let found = match reply.error() {
            Some(error) => Err(format!("{error:?}")),
            None => content(wire, case, Some(phase)).map(|content| (result(&reply), content)),
        };
        wire.script("ROLLBACK");
        if found.as_ref() != Ok(&expected) {
            return Err(format!("[{phase}] {sql}\n  expected {expected:?}\n  found    {found:?}"));
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
