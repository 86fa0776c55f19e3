//! The README's walk, as it is written there, with a client that never stops.

use std::path::Path;

use rewrite_rules::{Phase, Rule};
use segue::backfill::{self, Order};
use segue::config::Draft;
use segue::gate::{self, Finding, Means};
use segue::phase::prepare;
use segue_tests::copying::{control, drained, nobody};
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, run};
use segue_tests::wire::Wire;

use super::alone;

/// A step of the walk.
#[derive(Debug, PartialEq)]
enum Step {
    /// One statement on a direct connection.
    Sql(String),
    /// `segue phase rename-username PHASE`.
    Flip(Phase),
    /// `segue check rename-username`.
    Check,
    /// `segue backfill rename-username`.
    Backfill,
}

/// The steps that the README's blocks hold, from top to bottom.
fn steps() -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(path).expect("the README");
    let mut steps = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').unwrap_or((block, ""));
        match language {
            "sql" => steps.extend(
                body.split(';')
                    .map(str::trim)
                    .filter(|s| !s.is_empty())
                    .map(|s| Step::Sql(s.into())),
            ),
            "sh" => {
                let commands = body.lines().filter_map(|line| match line {
                    "segue check rename-username" => Some(Step::Check),
                    "segue backfill rename-username" => Some(Step::Backfill),
                    line => line
                        .strip_prefix("segue phase rename-username ")
                        .map(|phase| Step::Flip(phase.parse().expect("a phase"))),
                });
                steps.extend(commands);
            }
            _ => {}
        }
    }
    steps
}

/// What the application does between any two steps.
fn work(wire: &mut Wire, id: i64) {
    let (number, name) = (id.to_string(), format!("name-{id}"));
    let values = [Some(number.as_str()), Some(name.as_str())];
    assert_eq!(wire.run("insert", &values).code(), "");
    assert_eq!(wire.run("select", &[Some(&name)]).lines(), [number]);
    let row = wire.rows(&format!("SELECT * FROM users WHERE id = {id}"));
    assert_eq!(row, [format!("{id}|{name}|NULL")]);
}

/// What `segue check` finds in the way of the step to `to`.
fn findings(proxy: &Proxy, to: Phase) -> Vec<Finding> {
    run(async {
        let mut draft = Draft::read(&proxy.config()).await;
        let (mut client, loaded) = prepare::load(&mut draft).await.expect("a connection");
        let rules: Vec<Rule> = draft.rules.iter().map(|(rule, _)| rule.clone()).collect();
        let control = draft.control.clone().expect("a URL");
        gate::check(&mut client, Means::of(&control), loaded.catalog, &rules, 0, to)
            .await
            .expect("an answer")
    })
}

/// `segue backfill rename-username`, as segue's own role.
fn backfill(database: &Database) {
    drained(database);
    let order = Order { throttle: false, ..Order::of("rename-username", "the README") };
    let done = run(backfill::run(&control(database), &order, &nobody(), &mut |_| ()));
    assert_eq!(done.map(|done| done.failures).map_err(|error| error.with_hint()), Ok(0));
}

#[test]
fn the_walk_of_the_readme_works_as_written() {
    let _alone = alone();
    let database = Database::create("readme", "");
    let mut direct = database.connect();
    let mut steps = steps().into_iter();
    let Some(Step::Sql(table)) = steps.next() else { panic!("the README begins with the table") };
    direct.script(&table);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    wire.prepare("insert", "INSERT INTO users (id, username) VALUES ($1, $2)");
    wire.prepare("select", "SELECT id FROM users WHERE username = $1");
    let (mut flips, mut checked) = (Vec::new(), 0);
    for (id, step) in (1..).zip(steps) {
        work(&mut wire, id);
        match step {
            // The role is there already, for all tests.
            Step::Sql(sql) if sql.contains("ROLE segue") => {}
            Step::Sql(sql) => {
                let rows = direct.rows(&sql);
                assert_eq!(rows, [""; 0], "{sql}");
            }
            Step::Check => {
                let phase = flips.last().copied().unwrap_or(Phase::Expand);
                assert_eq!(
                    findings(&proxy, phase.next_of(&Phase::TWO_SIDED).expect("a next step")),
                    []
                );
                checked += 1;
            }
            Step::Backfill => backfill(&database),
            Step::Flip(phase) => {
                proxy.flip(phase);
                flips.push(phase);
            }
        }
    }
    work(&mut wire, 1000);
    assert_eq!(checked, 1, "the README checks before it reads the new column");
    assert_eq!(flips, Phase::TWO_SIDED.into_iter().skip(1).collect::<Vec<_>>());
    let left = direct.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped");
    assert_eq!(left, ["id", "email", "handle"]);
    proxy.stop();
}
