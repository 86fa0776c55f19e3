//! PREPARE, EXECUTE and DEALLOCATE under flips: the same bytes to a server that was never migrated
//! and through the proxy, with another generation in force at every step.

use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::wire::{Wire, bind, close, describe, execute, frame, parse, query, sync};

use super::scripts::{Script, script};

/// The table as it was before the migration.
pub(crate) const OLD_DDL: &str =
    "CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, email text);";

/// The same with all that any phase needs.
pub(crate) const DDL: &str = "CREATE TABLE users (
    id bigint PRIMARY KEY, username text UNIQUE, email text, handle text UNIQUE);";

/// A table of the same name in another schema.
const APP_DDL: &str = "CREATE TABLE app.users (id bigint, username text);";

/// One query a step, so that a flip comes before each.
fn queries(name: &'static str, texts: &[&str]) -> Script {
    script(name, texts.iter().map(|text| (vec![query(text)], 1)).collect())
}

/// Statements of a session that does everything in SQL.
#[expect(clippy::too_many_lines, reason = "a list of cases, each of which is short")]
fn simple_scripts() -> Vec<Script> {
    let read = "PREPARE r (bigint) AS SELECT id, username FROM users WHERE id = $1";
    let add = "PREPARE w AS INSERT INTO users (id, username) VALUES ($1, $2) RETURNING username";
    let all = "SELECT id, username FROM users WHERE id > 90 ORDER BY id";
    vec![
        queries(
            "a read",
            &[read, "EXECUTE r(3)", "EXECUTE r(4)", "execute R (5);", "EXECUTE r(99)"],
        ),
        queries(
            "writes",
            &[
                add,
                "EXECUTE w(101, 'a')",
                "EXECUTE w(101, 'b')",
                "EXECUTE w(102, 'a')",
                "PREPARE u AS UPDATE users SET username = $2 WHERE username = $1",
                "EXECUTE u('a', 'b')",
                "EXECUTE u('a', 'c')",
                "PREPARE d (text) AS DELETE FROM users WHERE username = $1 RETURNING id, username",
                all,
                "EXECUTE d('b')",
                all,
            ],
        ),
        queries(
            "everything in one text",
            &[
                "PREPARE r (bigint) AS SELECT id, username FROM users WHERE id = $1; \
                 PREPARE w AS INSERT INTO users (id, username) VALUES ($1, $2); EXECUTE r(1)",
                "BEGIN; EXECUTE w(103, 'c'); EXECUTE r(103); COMMIT",
                "EXECUTE r(1); SELECT 1/0; EXECUTE r(2)",
                "EXECUTE w(104, 'd'); SELECT 1/0",
                "DEALLOCATE r; PREPARE r AS SELECT username FROM users WHERE id = 2; EXECUTE r",
                "EXECUTE r; DEALLOCATE r; EXECUTE r",
                "EXECUTE r",
                all,
            ],
        ),
        queries(
            "the star",
            // Where nothing is governed the added column shows, to everybody.
            &[
                "PREPARE s AS SELECT * FROM users WHERE id = 3",
                "EXECUTE s",
                "SELECT 1",
                "EXECUTE s",
            ],
        ),
        queries(
            "inside other statements",
            &[
                read,
                "SET enable_seqscan = off; SET enable_bitmapscan = off",
                "EXPLAIN (COSTS off) EXECUTE r(3)",
                "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE r(3)",
                "CREATE TEMP TABLE t AS EXECUTE r(3)",
                "CREATE TABLE pg_temp.t2 (a) AS EXECUTE r(4) WITH NO DATA",
                "SELECT * FROM t, (SELECT count(*) FROM t2) n",
            ],
        ),
        queries(
            "an open transaction",
            &[
                "BEGIN",
                read,
                "EXECUTE r(1)",
                add,
                "EXECUTE w(105, 'e')",
                "ROLLBACK",
                "EXECUTE r(1)",
                "EXECUTE w(105, 'f')",
                all,
            ],
        ),
        queries(
            "a failed transaction",
            &[
                read,
                "BEGIN",
                "SELECT 1/0",
                "EXECUTE r(1)",
                "DEALLOCATE r",
                add,
                "nonsense",
                "ROLLBACK",
                "EXECUTE r(1)",
                "EXECUTE w(1, 'x')",
                "DEALLOCATE r",
                "EXECUTE r(1)",
            ],
        ),
        queries(
            "savepoints",
            &[
                "BEGIN; SAVEPOINT a",
                read,
                "SELECT 1/0",
                "ROLLBACK TO a",
                "EXECUTE r(1)",
                "COMMIT",
                "EXECUTE r(2)",
            ],
        ),
        queries(
            "under other names",
            &[
                read,
                "SET search_path = app, public",
                "EXECUTE r(1)",
                "RESET search_path",
                "EXECUTE r(1)",
                "BEGIN; SET LOCAL search_path = app",
                "EXECUTE r(1)",
                "ROLLBACK",
                "EXECUTE r(1)",
                "CREATE TEMP TABLE users AS SELECT 1::bigint AS id, 'mine' AS username",
                "EXECUTE r(1)",
                "DISCARD TEMP",
                "EXECUTE r(1)",
            ],
        ),
        queries(
            "what fails",
            &[
                "PREPARE f AS SELECT nonsense, username FROM users",
                "EXECUTE f",
                read,
                "PREPARE r AS SELECT 1",
                "EXECUTE r('abc')",
                "EXECUTE r",
                "EXECUTE r(1, 2)",
                "PREPARE f AS SELECT username FROM",
                "PREPARE f (nonsense) AS SELECT username FROM users",
                "PREPARE f AS CREATE TABLE t AS SELECT username FROM users",
                "EXECUTE r(1)",
            ],
        ),
        queries(
            "dropped",
            &[
                read,
                "DEALLOCATE r",
                "EXECUTE r(1)",
                "DEALLOCATE r",
                "PREPARE r AS SELECT username FROM users WHERE id = 5",
                "EXECUTE r",
                add,
                "DEALLOCATE ALL",
                "EXECUTE r",
                "EXECUTE w(1, 'x')",
                read,
                "EXECUTE r(1)",
                "DISCARD ALL",
                "EXECUTE r(1)",
                "DEALLOCATE PREPARE ALL",
            ],
        ),
        queries(
            "names",
            &[
                "PREPARE \"Mixed \"\"Case\" AS SELECT username FROM users WHERE id = 1",
                "PREPARE \"mixed \"\"case\" AS SELECT username FROM users WHERE id = 2",
                "EXECUTE \"Mixed \"\"Case\"",
                "PREPARE a_very_long_name_a_very_long_name_a_very_long_name_a_very_long_name_1 AS \
                 SELECT username FROM users WHERE id = 3",
                "EXECUTE a_very_long_name_a_very_long_name_a_very_long_name_a_very_long_name_2",
                "DEALLOCATE A_very_long_name_a_very_long_name_a_very_long_name_a_very_long",
                "PREPARE transaction AS SELECT username FROM users WHERE id = 4",
                "/* ; */ EXECUTE -- ;\n transaction",
                "PREPARE users (text) AS SELECT username FROM users WHERE username = $1",
                "EXECUTE users('user5')",
                "PREPARE prepare AS SELECT username FROM users WHERE id = 6",
                "EXECUTE prepare",
                "DEALLOCATE prepare",
                "EXECUTE prepare",
            ],
        ),
        queries(
            "what the server knows of them",
            &[
                read,
                "PREPARE s AS SELECT * FROM users WHERE username = $1",
                "EXECUTE r(1)",
                "EXECUTE s('user1')",
                "SELECT name, from_sql, parameter_types FROM pg_prepared_statements ORDER BY name",
            ],
        ),
    ]
}

/// Bind, Execute of a statement, with values.
fn run(statement: &str, values: &[&str]) -> Vec<u8> {
    let values: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
    [bind("", statement, &values, false), describe(b'P', ""), execute("", 0)].concat()
}

/// Statements of a session that mixes SQL with the extended protocol.
#[expect(clippy::too_many_lines, reason = "a list of cases, each of which is short")]
fn extended_scripts() -> Vec<Script> {
    let read = "PREPARE r (bigint) AS SELECT id, username FROM users WHERE id = $1";
    let plain = "SELECT id, username FROM users WHERE id = $1";
    let one = |frames: &[Vec<u8>]| (vec![frames.concat(), sync()], 1);
    vec![
        script(
            "PREPARE and EXECUTE as messages",
            vec![
                one(&[parse("", read, &[]), describe(b'S', ""), run("", &[])]),
                one(&[parse("e", "EXECUTE r(2)", &[]), describe(b'S', "e"), run("e", &[])]),
                one(&[run("e", &[])]),
                one(&[describe(b'S', "e"), run("e", &[]), run("e", &[])]),
                one(&[parse("x", "DEALLOCATE r", &[]), run("x", &[]), run("e", &[])]),
                one(&[run("e", &[])]),
                one(&[parse("p", read, &[]), run("p", &[]), run("e", &[])]),
                one(&[run("p", &[])]),
                one(&[run("x", &[]), run("p", &[]), run("e", &[])]),
            ],
        ),
        script(
            "made by PREPARE, used by messages",
            vec![
                (vec![query(read)], 1),
                one(&[describe(b'S', "r"), run("r", &["3"])]),
                one(&[run("r", &["4"]), run("r", &["5"])]),
                (vec![query("EXECUTE r(6)")], 1),
                one(&[close(b'S', "r")]),
                (vec![query("EXECUTE r(6)")], 1),
                one(&[parse("r", plain, &[23]), run("r", &["7"])]),
                (vec![query("EXECUTE r(7)")], 1),
            ],
        ),
        script(
            "made by a Parse, used in SQL",
            vec![
                one(&[parse("d", plain, &[20])]),
                (vec![query("EXECUTE d(3)")], 1),
                (vec![query("BEGIN; EXECUTE d(3); EXECUTE d(4); COMMIT")], 1),
                (vec![query("PREPARE d AS SELECT 1")], 1),
                (vec![query("DEALLOCATE d")], 1),
                one(&[run("d", &["3"])]),
                (vec![query(read)], 1),
                one(&[parse("r", plain, &[])]),
                (vec![query("EXECUTE r(3)")], 1),
            ],
        ),
        script(
            "in pieces",
            vec![
                (vec![query("PREPARE a AS SELECT id, username FROM users ORDER BY id")], 1),
                one(&[
                    parse("", "EXECUTE a", &[]),
                    bind("p", "", &[], true),
                    execute("p", 7),
                    execute("p", 7),
                    execute("p", 0),
                ]),
            ],
        ),
        script(
            "all at once",
            vec![
                (
                    vec![
                        query(read),
                        query("EXECUTE r(1)"),
                        run("r", &["2"]),
                        sync(),
                        query("DEALLOCATE r; SELECT 1/0"),
                        query("EXECUTE r(1)"),
                        query(read),
                        query("BEGIN; EXECUTE r(3)"),
                        query("nonsense"),
                        query("EXECUTE r(4)"),
                        query("ROLLBACK"),
                        query("EXECUTE r(5)"),
                    ],
                    11,
                ),
                (vec![query("EXECUTE r(6)"), run("r", &["7"]), sync()], 2),
            ],
        ),
        script(
            "an error in a pipeline",
            vec![
                (vec![query(read)], 1),
                (
                    vec![
                        run("r", &["1"]),
                        run("r", &["abc"]),
                        parse("", "DEALLOCATE r", &[]),
                        run("", &[]),
                        sync(),
                        run("r", &["2"]),
                        sync(),
                    ],
                    2,
                ),
            ],
        ),
        script(
            "a query behind an open batch",
            vec![
                (vec![query(read)], 1),
                (vec![parse("u", "UPDATE users SET username = 'x' WHERE id = 1", &[])], 0),
                (vec![run("u", &[]), query("EXECUTE r(1)")], 1),
                (vec![run("r", &["1"]), query("EXECUTE r('abc')"), query("EXECUTE r(2)")], 2),
                (vec![parse("", "nonsense", &[]), query("EXECUTE r(2)"), sync()], 1),
                (vec![frame(b'H', &[]), query("EXECUTE r(3)")], 1),
            ],
        ),
    ]
}

/// Where the migration stands, step by step; the last one stays.
fn walks() -> Vec<Vec<Option<Phase>>> {
    use Phase::{Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
    let forth_and_back = |phases: &[Option<Phase>]| phases.repeat(8);
    let forward = [None, Some(Expand), Some(DualWrite), Some(SwitchReads)];
    vec![
        forward.into_iter().chain([Some(StopDualWrite), Some(Contract)]).collect(),
        vec![Some(SwitchReads), Some(StopDualWrite), Some(Contract)],
        forth_and_back(&[Some(DualWrite), Some(SwitchReads)]),
        forth_and_back(&[None, Some(Expand)]),
        forth_and_back(&[Some(Expand), Some(DualWrite)]),
    ]
}

pub(crate) fn flip(relay: &Relay, number: u64, phase: Option<Phase>) {
    let rules: Vec<_> = phase.map(relay::rename_username).into_iter().collect();
    relay.current.swap(relay::generation(number, &rules, &format!("{DDL} {APP_DDL}")));
}

/// The column that a phase reads, and the other one.
fn sides(phase: Option<Phase>) -> (&'static str, &'static str) {
    match phase {
        None | Some(Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce) => {
            ("username", "handle")
        }
        Some(Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract) => ("handle", "username"),
    }
}

/// Makes the side right that the phase reads, and the other one plainly wrong: nothing may read it.
/// While a transaction is open both are right, since it lives on in its phase.
pub(crate) fn settle(database: &Database, from: Option<Phase>, to: Option<Phase>, idle: bool) {
    let (right, _) = sides(from);
    let (read, other) = sides(to);
    let wrong = if idle { "'wrong side ' || id" } else { right };
    database.connect().script(&format!("UPDATE users SET {read} = {right}, {other} = {wrong}"));
}

/// Plays a script. `before` is called at each step and told whether no transaction is open.
fn play(wire: &mut Wire, script: &Script, mut before: impl FnMut(usize, bool)) -> Vec<Message> {
    let mut messages = Vec::new();
    for (step, (frames, readies)) in script.steps.iter().enumerate() {
        let idle = matches!(messages.last(), None | Some(Message::Ready('I')));
        before(step, idle && *readies > 0);
        wire.send_bytes(&frames.concat());
        for _ in 0..*readies {
            messages.extend(wire.until_ready().messages);
        }
    }
    comparable(messages)
}

/// Answers without the words of their errors.
pub(crate) fn comparable(mut messages: Vec<Message>) -> Vec<Message> {
    for message in &mut messages {
        if let Message::Error(fields) = message {
            fields.0.retain(|field, _| matches!(field, 'S' | 'C' | 'P'));
        }
    }
    messages
}

/// Every row as it was.
pub(crate) fn fill(database: &Database) {
    database.connect().script(
        "TRUNCATE users;
         INSERT INTO users (id, username) SELECT g, 'user' || g FROM generate_series(1, 20) g",
    );
}

#[test]
fn a_statement_outlives_every_flip_unnoticed() {
    let besides =
        format!("CREATE SCHEMA app; {APP_DDL} INSERT INTO app.users VALUES (1, 'another table');");
    let plain = Database::create("plain", &format!("{besides} {OLD_DDL}"));
    let database = Database::create("prepared", &format!("{besides} {DDL}"));
    let relay = Relay::start(&database, relay::ungoverned());
    let mut report = Vec::new();
    let mut number = 1;
    for script in simple_scripts().into_iter().chain(extended_scripts()) {
        fill(&plain);
        let expected = play(&mut plain.connect(), &script, |_, _| {});
        for walk in walks() {
            fill(&database);
            let mut phase = None;
            let mut step_on = |step: usize, idle: bool| {
                let next = walk.get(step).copied().unwrap_or(phase);
                settle(&database, phase, next, idle);
                phase = next;
                number += 1;
                flip(&relay, number, next);
            };
            step_on(0, true);
            let mut wire = relay.connect(&database);
            let found = play(&mut wire, &script, step_on);
            if found != expected {
                let place = found.iter().zip(&expected).position(|(one, other)| one != other);
                report.push(format!(
                    "{} {walk:?} from message {place:?}\n  server: {expected:?}\n  proxy:  {found:?}",
                    script.name
                ));
            }
        }
    }
    let counters = relay.counters();
    relay.stop();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
    assert!(counters.reprepared > 50, "{counters:?}");
}
