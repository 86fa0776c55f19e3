//! psql, Django and SQLAlchemy themselves on tables that are split, or merged and gone.

use std::path::Path;
use std::process::Command;

use rewrite_rules::Phase;
use segue_tests::programs::{missing, output, program, python};
use segue_tests::relay::Relay;
use segue_tests::server::{Database, cluster};

use super::queries::difference;
use super::stages::generation;
use super::tables::{DROPPED, NEW, PLAIN, Places, RELEASED, database, rules};
use super::tools::lines;

/// psql's own looks at these tables.
const COMMANDS: &str = "\\d accounts\n\\d+ accounts\n\\d limits\n\\d users\n\\d+ users\n\\d profiles\n\
    \\d holdings\n\\dt\n\\di\n\\dd\n\\dp\n\\d accounts_pkey\n\\d accounts_balance_note_key\n\\d users_username_key\n\\d\n";

#[test]
fn psql_describes_tables_that_are_gone() {
    let Some(psql) = program("psql") else { return missing("psql") };
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), COMMANDS).expect("a temporary file");
    // Which table refers to another is a number there.
    let referring = |line: &str| match line.split_once("TABLE \"") {
        Some(("    ", rest)) => rest.split_once(" CONSTRAINT ").map(|(_, it)| it.to_owned()),
        _ => Some(line.to_owned()),
    };
    as_before(|port, database| {
        let mut command = Command::new(&psql);
        let text = output(command.args(["-X", "-f"]).arg(file.path()), port, database);
        let lines: Vec<String> = text.lines().filter_map(referring).collect();
        lines.join("\n")
    });
}

#[test]
fn django_and_sqlalchemy_reflect_tables_that_are_gone() {
    let modules = "psycopg, django, sqlalchemy";
    let Some(python) = python(modules) else { return missing(modules) };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/reflect.py");
    as_before(|port, database| output(Command::new(&python).arg(&script), port, database));
}

/// Runs a program on the old tables, and through the proxy where they are gone.
fn as_before(run: impl Fn(u16, &Database) -> String) {
    let known = database(&[PLAIN, NEW]);
    let expected = lines(&run(cluster().port(), &known), &known.name);
    assert!(expected.len() > 20, "{expected:#?}");
    for steps in [&[PLAIN, NEW, RELEASED][..], &[PLAIN, NEW, RELEASED, DROPPED]] {
        let database = database(steps);
        let rules = rules(Phase::Contract, Places::Told);
        let relay = Relay::start(&database, generation(1, &database, &rules));
        let found = lines(&run(relay.port, &database), &database.name);
        assert!(found == expected, "{}", difference(&expected, &found));
        let counters = relay.counters();
        assert_eq!((counters.opaque, counters.refused), (0, 0));
        relay.stop();
    }
}
