//! The golden books on a real server: every text prepares, and means what the client's text meant.
//!
//! Several schemas stand for a book's one: as it is during each phase, without the new columns (the
//! unmigrated table), and without the old ones (after the contract). Each case runs inside a
//! transaction that is rolled back.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod enter;
mod in_place;
mod merge;
mod schemas;
mod split;

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, PreparedUse, STAGING_TABLE, Shape as ClientShape, prepared_uses};
use segue_tests::golden::book::{Case, Expected};
use segue_tests::golden::read_books;
use segue_tests::golden::replies::ONLY_COUNTED;
use segue_tests::message::{Column, Fields, Message};
use segue_tests::server::Database;
use segue_tests::wire::{Reply, Wire, describe, sync};

use self::enter::{SCHEMAS, Schema, enter};

/// A column of a case's rules that moves to another one.
struct Rename {
    table: String,
    from: String,
    to: String,
    /// The new value over the old column, and back.
    up: String,
    down: String,
}

fn renames(case: &Case) -> Vec<Rename> {
    let rules = case.rules_in(Phase::Expand).expect("the book's rules are valid");
    rules
        .into_iter()
        .filter_map(|rule| {
            let ColumnPair { table, from, to, .. } = rule.change.pair()?;
            let (from, to) = (quoted(from), quoted(to));
            let (up, down) = match &rule.change {
                Change::RenameColumn(_)
                | Change::RenameInPlace(_)
                | Change::BackfillColumn(_)
                | Change::SplitTable(_)
                | Change::MergeTables(_) => (None, None),
                Change::ChangeColumn { up, down, .. } => (up.clone(), down.clone()),
            };
            Some(Rename {
                table: table.clone(),
                up: up.unwrap_or_else(|| from.clone()),
                down: down.unwrap_or_else(|| to.clone()),
                from,
                to,
            })
        })
        .collect()
}

/// The columns that a case's rules add, each with its table.
fn added(case: &Case) -> Vec<(String, String)> {
    let rules = case.rules_in(Phase::Expand).expect("the book's rules are valid");
    let added = rules.into_iter().filter_map(|rule| match rule.change {
        Change::BackfillColumn(added) => Some((added.table, quoted(&added.column))),
        Change::RenameColumn(_)
        | Change::RenameInPlace(_)
        | Change::ChangeColumn { .. }
        | Change::SplitTable(_)
        | Change::MergeTables(_) => None,
    });
    added.collect()
}

/// The phase in which a case's migrations end.
fn last(case: &Case) -> Phase {
    case.phases().last().copied().unwrap_or(Phase::Contract)
}

/// Whether a value changes on its way to the new column.
fn changes(case: &Case) -> bool {
    renames(case).iter().any(|it| it.up != it.from || it.down != it.to)
        || case.rules.contains("change-column")
}

/// An identifier as SQL writes it. Table names are written so in the configuration already.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Types from here on are made by the test itself, and numbered anew each time.
const FIRST_OWN_OID: u32 = 16_384;

/// `record`.
const RECORD: u32 = 2249;

/// What Describe says of a text: parameter types and result columns.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    parameters: Vec<u32>,
    columns: Option<Vec<Column>>,
}

fn shape(wire: &mut Wire, sql: &str) -> Result<Shape, Fields> {
    let statements: Vec<&str> = sql.split("; ").collect();
    if let [create, own, rest @ ..] = statements.as_slice()
        && create.starts_with(&format!("CREATE TEMP TABLE pg_temp.{STAGING_TABLE} "))
    {
        // Statements of ours around one of the client's: it alone has a shape that anybody sees.
        let made = wire.simple(create);
        let prepared = rest.iter().map(|sql| wire.describe(sql, &[]));
        let mut replies = std::iter::once(made).chain(prepared);
        let failed = replies.find_map(|reply| reply.error().cloned());
        return failed.map_or_else(|| shape(wire, own), Err);
    }
    let reply = match prepared_uses(sql).as_slice() {
        [PreparedUse::Prepare { name, .. }] => described_inside(wire, sql, name)?,
        _ => wire.describe(sql, &[]),
    };
    if let Some(error) = reply.error() {
        return Err(error.clone());
    }
    let parameters = reply.messages.iter().find_map(|message| match message {
        Message::ParameterTypes(types) => {
            Some(types.iter().map(|oid| FIRST_OWN_OID.min(*oid)).collect())
        }
        _ => None,
    });
    let mut columns = reply.columns().map(<[Column]>::to_vec);
    for column in columns.iter_mut().flatten() {
        // A record stands for a row of the table's own type; the answer is patched.
        if column.type_oid == RECORD {
            column.type_oid = FIRST_OWN_OID;
        }
        column.type_oid = column.type_oid.min(FIRST_OWN_OID);
    }
    Ok(Shape { parameters: parameters.unwrap_or_default(), columns })
}

/// What Describe says of the statement that a PREPARE makes.
fn described_inside(wire: &mut Wire, sql: &str, name: &str) -> Result<Reply, Fields> {
    let made = wire.simple(sql);
    if let Some(error) = made.error() {
        return Err(error.clone());
    }
    wire.send_bytes(&[describe(b'S', name), sync()].concat());
    let reply = wire.until_ready();
    // No ROLLBACK takes it back.
    wire.script("DEALLOCATE ALL");
    Ok(reply)
}

/// The text that PostgreSQL receives, `None` if it receives none.
fn sent(case: &Case, phase: Phase) -> Option<&str> {
    match case.expected(phase)? {
        Expected::Sql(sql) => Some(sql),
        Expected::Text(text) if text == "forwarded" => Some(&case.client),
        Expected::Text(_) => None,
    }
}

/// Rows, tags and errors, in an order that does not depend on the plan.
fn result(reply: &Reply) -> (Vec<String>, Vec<String>, String) {
    let mut lines = reply.lines();
    lines.sort();
    let tags = reply.tags().into_iter().map(str::to_owned).collect();
    (lines, tags, reply.code().to_owned())
}

/// `tag: SELECT n -> UPDATE n`: what the server's tag begins with, and the client's.
fn renamed_tag(reply: &str) -> Option<(String, String)> {
    let mut lines = reply.trim().lines();
    let first = lines.next()?;
    // Behind a statement of ours that shows nothing.
    let first = match first {
        "statement 1: hidden" => lines.next()?.strip_prefix("statement 2: ")?,
        own => own,
    };
    let (server, client) = first.strip_prefix("tag: ")?.split_once(" -> ")?;
    Some((server.strip_suffix(" n")?.to_owned(), client.to_owned()))
}

/// The tables' content under the old names, and whether the two sides agree where both are written.
fn content(wire: &mut Wire, case: &Case, schema: Schema) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for Rename { table, from, to, up, down } in renames(case) {
        let key = |name: &str| name.replace('\'', "''").trim_matches('"').to_owned();
        let (from_key, to_key) = (key(&from), key(&to));
        let row = match schema {
            Schema::Old => "to_jsonb(t)".to_owned(),
            Schema::During(Phase::Expand | Phase::Backfill | Phase::Enforce) => {
                format!("to_jsonb(t) - '{to_key}'")
            }
            Schema::Both | Schema::During(Phase::DualWrite | Phase::SwitchReads) => {
                let apart = wire.rows(&format!(
                    "SELECT to_jsonb(t) FROM {table} t WHERE {to} IS DISTINCT FROM {up}"
                ));
                if !apart.is_empty() {
                    return Err(format!("the sides differ: {apart:?}"));
                }
                format!("to_jsonb(t) - '{to_key}'")
            }
            Schema::Renamed
            | Schema::New
            | Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                format!("to_jsonb(t) - '{to_key}' || jsonb_build_object('{from_key}', {down})")
            }
        };
        found.extend(wire.rows(&format!("SELECT {row} AS row FROM {table} t ORDER BY 1")));
    }
    let splits = split::splits(case);
    if let Schema::During(Phase::DualWrite | Phase::SwitchReads) = schema {
        for split in &splits {
            let apart = wire.rows(&split.apart(case));
            if !apart.is_empty() {
                return Err(format!("the sides differ: {apart:?}"));
            }
        }
    }
    let merges = merge::merges(case);
    if let Schema::During(Phase::DualWrite | Phase::SwitchReads) = schema {
        for query in merges.iter().flat_map(merge::Merge::apart) {
            let apart = wire.rows(&query);
            if !apart.is_empty() {
                return Err(format!("the sides differ: {apart:?}"));
            }
        }
    }
    for merge in &merges {
        let queries = match case.shape {
            ClientShape::Old => merge.content(schema),
            ClientShape::New => merge.merged(schema),
        };
        found.extend(queries.iter().flat_map(|query| wire.rows(query)));
    }
    let is_copied = schema != Schema::During(Phase::DualWrite) || !split::is_uncopied(case);
    let rows = match schema {
        Schema::New | Schema::During(_) if case.shape == ClientShape::New => {
            splits.iter().flat_map(|split| split.halves(&splits, is_copied)).collect()
        }
        Schema::New | Schema::During(Phase::StopDualWrite | Phase::Contract) => {
            split::content_apart(&splits, split::may_lack(case))
        }
        Schema::Old | Schema::Renamed | Schema::Both | Schema::During(_) => {
            splits.iter().map(split::Split::content).collect()
        }
    };
    for query in rows {
        found.extend(wire.rows(&query));
    }
    for (table, column) in added(case) {
        // Nobody has filled it, so where it is not there every row is as where it is.
        let key = column.replace('\'', "''").trim_matches('"').to_owned();
        let row = format!(
            "CASE to_jsonb(t) -> '{key}' WHEN 'null' THEN to_jsonb(t) - '{key}' ELSE to_jsonb(t) END"
        );
        found.extend(wire.rows(&format!("SELECT {row} AS row FROM {table} t ORDER BY 1")));
    }
    Ok(found)
}

/// Rows, tags and SQLSTATE; then the tables' content.
type Effect = ((Vec<String>, Vec<String>, String), Vec<String>);

/// What a text is and does in one schema.
#[derive(Debug, Clone, PartialEq)]
struct Meaning {
    shape: Result<Shape, Fields>,
    effect: Option<Result<Effect, String>>,
}

/// A statement of ours before the one that has a shape and an effect: it has neither.
fn before_its_own(sql: &str) -> (&str, &str) {
    let end = "END$segue$; ";
    let block = sql.strip_prefix("DO $segue$").and_then(|block| block.find(end));
    block.map_or(("", sql), |at| sql.split_at("DO $segue$".len() + at + end.len()))
}

/// Finds it out, and leaves the tables as they were.
fn meaning(wire: &mut Wire, case: &Case, sql: &str, schema: Schema) -> Meaning {
    let patched = match schema {
        Schema::During(phase) => case.reply(phase).and_then(renamed_tag),
        Schema::New => case.reply(last(case)).and_then(renamed_tag),
        Schema::Old | Schema::Renamed | Schema::Both => None,
    };
    let is_counted = |phase| case.reply(phase).is_some_and(|it| it.contains(ONLY_COUNTED));
    let is_counted = match schema {
        Schema::During(phase) => is_counted(phase),
        Schema::New => is_counted(last(case)),
        Schema::Old | Schema::Renamed | Schema::Both => false,
    };
    let (before, sql) = before_its_own(sql);
    wire.script(&format!("SAVEPOINT before; {before}"));
    let mut shape = shape(wire, sql);
    if let (Ok(shape), true) = (&mut shape, is_counted) {
        shape.columns = None;
    }
    wire.script("ROLLBACK TO before");
    let runs = case.rows.is_some() && !case.client.contains("$1");
    let effect = runs.then(|| {
        wire.script(&format!("SELECT setseed(0.25); {before}"));
        let reply = wire.extended(sql, &[], false);
        if reply.error().is_some() {
            wire.script("ROLLBACK TO before");
        }
        let content = content(wire, case, schema);
        wire.script("ROLLBACK TO before");
        let (mut lines, mut tags, mut code) = result(&reply);
        if reply.error().is_some_and(|error| merge::is_taken(case, error)) {
            code = "23505".to_owned();
        }
        lines.retain(|_| !is_counted);
        if let Some((server, client)) = &patched {
            let renamed = |tag: &String| {
                let count = tag.strip_prefix(server.as_str()).map(str::trim);
                count.map_or_else(
                    || tag.clone(),
                    |count| client.replacen(" n", &format!(" {count}"), 1),
                )
            };
            tags.iter_mut().for_each(|tag| *tag = renamed(tag));
        }
        Ok(((lines, tags, code), content?))
    });
    Meaning { shape, effect }
}

/// The texts of a case that must mean something in that schema.
fn texts(case: &Case, schema: Schema) -> Vec<&str> {
    match schema {
        // The new column may not be there yet when `expand` begins. A table that is not is not named.
        Schema::Old => {
            let splits = split::splits(case);
            let sent = sent(case, Phase::Expand);
            let sent = sent.filter(|sql| !splits.iter().any(|split| split.is_named(sql)));
            let merges = merge::merges(case);
            let sent = sent.filter(|sql| !merges.iter().any(|merge| merge.is_named(sql)));
            std::iter::once(case.client.as_str()).chain(sent).collect()
        }
        Schema::Renamed | Schema::Both => vec![&case.client],
        Schema::During(phase) => sent(case, phase).into_iter().collect(),
        Schema::New => {
            let spoken = case.shape == ClientShape::New || changes(case);
            let client = spoken.then_some(case.client.as_str());
            // A rename beside an added column has not come so far.
            let ends = last(case) == Phase::Contract || renames(case).is_empty();
            let sent = sent(case, last(case)).filter(|_| ends);
            sent.into_iter().chain(client).collect()
        }
    }
}

/// A meaning as far as the old table goes.
fn without_halves(meaning: &Meaning) -> Meaning {
    let mut meaning = meaning.clone();
    for (_, content) in meaning.effect.iter_mut().flatten() {
        content.retain(|row| !row.starts_with(split::HALF));
    }
    meaning
}

type Meanings = BTreeMap<(Schema, String), Meaning>;

/// Compares all that a case's texts mean with what the client's text means.
fn compare(case: &Case, meanings: &Meanings) -> Vec<String> {
    let of = |schema: Schema, sql: &str| meanings.get(&(schema, sql.to_owned()));
    // The client speaks of the first schema that has all the columns it names.
    let renamed = if changes(case) { Schema::New } else { Schema::Renamed };
    let schemas = match case.shape {
        ClientShape::Old => [Schema::Old, renamed, Schema::Both],
        ClientShape::New => [Schema::New, Schema::New, Schema::Both],
    };
    let spoken = schemas.into_iter().find(|schema| {
        let shape = of(*schema, &case.client).map(|meaning| &meaning.shape);
        !matches!(shape, Some(Err(error)) if error.code() == "42703")
    });
    let [usual, ..] = schemas;
    let spoken = spoken.unwrap_or(usual);
    let Some(client) = of(spoken, &case.client) else { return vec!["nothing is known".into()] };
    let mut faults = Vec::new();
    for (schema, sql) in meanings.keys() {
        let measured = match schema {
            Schema::Old => spoken == Schema::Old && sent(case, Phase::Expand) == Some(sql),
            Schema::Renamed | Schema::Both => false,
            // While only the old table is complete, each of its rows counts as having a half.
            Schema::During(Phase::Expand | Phase::DualWrite) if split::names_lacking(case) => false,
            // Before the contract drops the old column the texts are held against both.
            Schema::During(_) => true,
            Schema::New => sent(case, last(case)) == Some(sql),
        };
        let Some(found) = of(*schema, sql).filter(|_| measured) else { continue };
        // What PostgreSQL refuses in the client's own text it may refuse in other words in ours.
        let both_fail = client.shape.is_err() && found.shape.is_err();
        // As yet nobody writes the new table.
        let is_alone = case.shape == ClientShape::New && *schema == Schema::During(Phase::Expand);
        let same = match is_alone {
            true => without_halves(client) == without_halves(found),
            false => client == found,
        };
        if !both_fail && !same {
            faults
                .push(format!("[{schema:?}] {sql}\n  in {spoken:?} {client:?}\n  found {found:?}"));
        }
    }
    faults
}

#[test]
fn every_text_of_the_books_means_on_the_server_what_the_client_said() {
    let database = Database::create("golden", "");
    let mut wire = database.connect();
    // Cases over the same tables share the tables: making them is what takes time.
    let mut groups: BTreeMap<[String; 3], Vec<(String, Case)>> = BTreeMap::new();
    for book in read_books().expect("the books can be read") {
        for case in &book.cases {
            let rows = case.rows.clone().unwrap_or_default();
            let key = [case.schema.clone(), case.rules.clone(), rows];
            let place = format!("{}:{}: {}", book.file_name(), case.line, case.name);
            groups.entry(key).or_default().push((place, case.clone()));
        }
    }
    let mut report = Vec::new();
    for cases in groups.values() {
        let mut meanings: Vec<Meanings> = vec![Meanings::new(); cases.len()];
        for schema in SCHEMAS {
            let Some((_, first)) = cases.first() else { continue };
            enter(&mut wire, first, schema);
            for ((_, case), meanings) in cases.iter().zip(&mut meanings) {
                for sql in texts(case, schema) {
                    let meaning = meaning(&mut wire, case, sql, schema);
                    meanings.insert((schema, sql.to_owned()), meaning);
                }
            }
            wire.script("ROLLBACK");
        }
        for ((place, case), meanings) in cases.iter().zip(&meanings) {
            report
                .extend(compare(case, meanings).iter().map(|fault| format!("{place}\n  {fault}")));
        }
    }
    assert!(report.is_empty(), "{} faults\n\n{}\n", report.len(), report.join("\n\n"));
}
