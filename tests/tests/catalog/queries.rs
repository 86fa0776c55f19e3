//! What the schema looks like to those who ask: the queries of `tests/catalog/*.sql`.

use std::fmt::Write as _;
use std::path::Path;

use rewrite_rules::Shape;
use segue_tests::message::Column;
use segue_tests::wire::Wire;

use super::stages::{STAGES, Stage, known, shapes};

/// Numbers from here on are given to objects as they are made.
const FIRST_OWN_OID: u64 = 16_384;

/// Fewest queries that there may be.
const QUERIES: usize = 60;

/// A query under its title.
pub(crate) struct Query {
    pub(crate) title: String,
    pub(crate) sql: String,
}

/// All queries of all files.
pub(crate) fn read() -> Vec<Query> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of queries")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let mut queries = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file of queries");
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for part in text.split("\n-- ").skip(1) {
            let (title, sql) = part.split_once('\n').expect("a title and a query");
            let title = format!("{name}: {title}");
            queries.push(Query { title, sql: sql.trim().trim_end_matches(';').to_owned() });
        }
    }
    queries
}

/// What a client sees of an answer: columns with their types, and rows.
pub(crate) fn seen(wire: &mut Wire, query: &Query, extended: bool) -> Vec<String> {
    let reply = match extended {
        true => wire.extended(&query.sql, &[], false),
        false => wire.simple(&query.sql),
    };
    if let Some(error) = reply.error() {
        return vec![format!("{error:?}")];
    }
    let columns = reply.columns().unwrap_or_default();
    let column = |column: &Column| {
        let own = u64::from(column.type_oid) >= FIRST_OWN_OID;
        let type_oid = if own { "own".to_owned() } else { column.type_oid.to_string() };
        format!("{}:{type_oid}({})", column.name, column.typmod)
    };
    let mut lines = vec![columns.iter().map(column).collect::<Vec<_>>().join(" ")];
    let mut rows: Vec<String> = reply.lines().iter().map(|line| alike(line)).collect();
    if !query.sql.lines().any(|line| line.starts_with("ORDER BY")) {
        rows.sort();
    }
    lines.extend(rows);
    lines
}

/// The line with numbers of objects, and the database's name, made alike.
fn alike(line: &str) -> String {
    let mut output = String::new();
    let mut digits = String::new();
    for letter in line.chars().chain(['\n']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        match digits.parse::<u64>() {
            Ok(number) if number >= FIRST_OWN_OID => output.push('#'),
            Ok(_) | Err(_) if output.ends_with("catalog_") => output.push('#'),
            Ok(_) | Err(_) => output.push_str(&digits),
        }
        digits.clear();
        output.push(letter);
    }
    output.trim_end().to_owned()
}

/// What differs, line by line.
pub(crate) fn difference(expected: &[String], found: &[String]) -> String {
    let mut text = String::new();
    for line in expected.iter().filter(|line| !found.contains(line)) {
        let _ = writeln!(text, "    lacks {line}");
    }
    for line in found.iter().filter(|line| !expected.contains(line)) {
        let _ = writeln!(text, "    has   {line}");
    }
    match text.as_str() {
        "" => format!("    another order\n    {expected:?}\n    {found:?}\n"),
        _ => text,
    }
}

#[test]
fn who_looks_at_the_schema_sees_the_shape_that_it_knows() {
    let queries = read();
    assert!(queries.len() >= QUERIES, "there are only {} queries", queries.len());
    let expected = Shape::ALL.map(|shape| {
        let mut wire = known(shape).connect();
        let answers: Vec<Vec<String>> =
            queries.iter().map(|query| seen(&mut wire, query, false)).collect();
        (shape, answers)
    });
    let mut report = Vec::new();
    for (query, answer) in queries.iter().zip(&expected[0].1) {
        if answer.len() < 2 && !query.title.ends_with("(nothing)") {
            report.push(format!("{}\n    shows nothing: {answer:?}", query.title));
        }
    }
    for (phase, state) in STAGES {
        let stage = Stage::enter(phase, state);
        for shape in shapes(state) {
            let (_, answers) = expected.iter().find(|(of, _)| *of == shape).expect("both shapes");
            for extended in [false, true] {
                let mut wire = stage.connect(shape);
                for (query, expected) in queries.iter().zip(answers) {
                    let found = seen(&mut wire, query, extended);
                    if found != *expected {
                        let difference = difference(expected, &found);
                        report.push(format!(
                            "{} [{}, {shape}]\n{difference}",
                            query.title, stage.name
                        ));
                    }
                }
            }
        }
        let counters = stage.relay.counters();
        if counters.opaque > 0 || counters.refused > 0 {
            report.push(format!("[{}] not all could be read: {counters:?}", stage.name));
        }
        stage.relay.stop();
    }
    report.dedup();
    assert!(report.is_empty(), "{} differences\n\n{}\n", report.len(), report.join("\n"));
}

/// Otherwise nothing would be compared that matters.
#[test]
fn the_shapes_differ_for_most_queries() {
    let [mut old, mut new] = Shape::ALL.map(|shape| known(shape).connect());
    let alike: Vec<String> = read()
        .iter()
        .filter(|query| {
            !query.title.contains('(')
                && seen(&mut old, query, false) == seen(&mut new, query, false)
        })
        .map(|query| query.title.clone())
        .collect();
    assert!(alike.is_empty(), "the same in both shapes: {alike:#?}");
}

#[test]
fn an_error_is_seen() {
    let mut wire = known(Shape::Old).connect();
    let query = Query { title: String::new(), sql: "SELECT nothing".to_owned() };
    let seen = seen(&mut wire, &query, false);
    assert_eq!(seen, ["42703: column \"nothing\" does not exist AT 8"]);
}
