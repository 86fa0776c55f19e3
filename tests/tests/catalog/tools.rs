//! psql, Django and SQLAlchemy themselves: their output is that of a database never migrated.

use std::path::Path;
use std::process::Command;

use rewrite_rules::Shape;
use segue_tests::programs::{missing, output, program, python};
use segue_tests::server::cluster;

use super::queries::difference;
use super::stages::{STAGES, Stage, known, shapes};

/// psql's own looks at the schema.
const COMMANDS: &str = "\\d users\n\\d+ users\n\\d posts\n\\d+ posts\n\\d accounts\n\\d+ accounts\n\
    \\d events\n\\d+ events\n\\d events_1\n\\d+ events_2\n\\d recent\n\\d users_username_key\n\
    \\d users_handle_key\n\\d users_email_username_idx\n\\d users_id_seq\n\\d\n\\dt+\n\\di\n\\di+\n\\dP\n\
    \\dd\n\\dp\n\\ds\n\\dv\n\\dX\n\\dy\n";

/// A program's output, with the database's own number made alike.
pub(crate) fn lines(text: &str, database: &str) -> Vec<String> {
    text.replace(database, "catalog").lines().map(str::to_owned).collect()
}

/// Runs a program on what each client knows, and in each stage.
fn in_every_stage(run: impl Fn(u16, &segue_tests::server::Database, Shape) -> String) {
    let mut report = Vec::new();
    for shape in Shape::ALL {
        let database = known(shape);
        let expected = lines(&run(cluster().port(), &database, shape), &database.name);
        assert!(expected.len() > 20, "{expected:#?}");
        for (phase, state) in STAGES {
            if !shapes(state).contains(&shape) {
                continue;
            }
            let stage = Stage::enter(phase, state);
            let found = run(stage.relay.port, &stage.database, shape);
            let found = lines(&found, &stage.database.name);
            if found != expected {
                report.push(format!(
                    "[{}, {shape}]\n{}",
                    stage.name,
                    difference(&expected, &found)
                ));
            }
            let counters = stage.relay.counters();
            if counters.opaque > 0 || counters.refused > 0 {
                report.push(format!("[{}] not all could be read: {counters:?}", stage.name));
            }
            stage.relay.stop();
        }
    }
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// The option by which libpq's clients say which shape they speak.
fn option(shape: Shape) -> String {
    format!("-c segue.shape={shape}")
}

#[test]
fn psql_describes_the_shape_that_it_knows() {
    let Some(psql) = program("psql") else { return missing("psql") };
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), COMMANDS).expect("a temporary file");
    in_every_stage(|port, database, shape| {
        let mut command = Command::new(&psql);
        command.args(["-X", "-f"]).arg(file.path()).env("PGOPTIONS", option(shape));
        output(&mut command, port, database)
    });
}

#[test]
fn django_and_sqlalchemy_reflect_the_shape_that_they_know() {
    let modules = "psycopg, django, sqlalchemy";
    let Some(python) = python(modules) else { return missing(modules) };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/reflect.py");
    in_every_stage(|port, database, shape| {
        let mut command = Command::new(&python);
        output(command.arg(&script).env("PGOPTIONS", option(shape)), port, database)
    });
}
