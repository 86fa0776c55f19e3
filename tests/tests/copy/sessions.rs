//! What surrounds a COPY: other statements, transactions, flips, files, clients that give up.

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule};
use segue_tests::message::Message;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::stage::{self, Shape};
use segue_tests::wire::{Wire, bind, execute, frame, parse, query, sync};

use super::{WAYS, Way, copy_in, copy_out};

fn started(phase: Phase) -> (Database, Relay, Wire) {
    let database = Database::in_shape("copy", Shape::In(phase));
    let generation = relay::generation_of(1, &stage::rules(phase), &database);
    let relay = Relay::start(&database, generation);
    let wire = relay.connect(&database);
    (database, relay, wire)
}

fn tags(answer: &[Message]) -> Vec<&str> {
    let tags = answer.iter().filter_map(|message| match message {
        Message::Tag(tag) => Some(tag.as_str()),
        _ => None,
    });
    tags.collect()
}

fn error(answer: &[Message]) -> Option<&segue_tests::message::Fields> {
    answer.iter().find_map(|message| match message {
        Message::Error(fields) => Some(fields),
        _ => None,
    })
}

#[test]
fn a_copy_commits_on_its_own_and_leaves_nothing_behind() {
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        let (database, relay, mut wire) = started(phase);
        for (place, way) in WAYS.into_iter().enumerate() {
            let (id, row) = ((100 + place).to_string(), format!("{}\tx{place}\n", 100 + place));
            let answer = copy_in(
                &mut wire,
                "COPY users (id, username) FROM STDIN",
                row.as_bytes(),
                (way, 3),
            );
            assert_eq!(
                (tags(&answer), answer.last()),
                (vec!["COPY 1"], Some(&Message::Ready('I')))
            );
            let answer = copy_in(&mut wire, "COPY tokens (id) FROM STDIN", id.as_bytes(), (way, 1));
            assert_eq!(
                (tags(&answer), answer.last()),
                (vec!["COPY 1"], Some(&Message::Ready('I')))
            );
        }
        let mut direct = database.connect();
        let users = "SELECT username, handle FROM users WHERE id >= 100 ORDER BY id";
        assert_eq!(direct.rows(users), ["x0|x0", "x1|x1", "x2|x2", "x3|x3"]);
        let apart = "SELECT count(*), bool_and(code = number) FROM tokens WHERE id >= 100";
        assert_eq!(direct.rows(apart), ["4|t"]);
        assert!(direct.rows("SELECT 1 FROM pg_class WHERE relname ~ 'segue_copy'").is_empty());
        relay.stop();
    }
}

#[test]
fn several_copies_of_one_text_take_turns() {
    let (_database, relay, mut wire) = started(Phase::SwitchReads);
    let text = "COPY users (id, username) FROM STDIN; SELECT username FROM users WHERE id = 101; \
        COPY tokens (id) FROM STDIN (FORMAT csv); COPY posts (id, title) FROM STDIN; \
        SELECT count(*) FROM tokens WHERE code IS NOT NULL";
    let rows = |data: &[u8]| [frame(b'd', data), frame(b'c', &[])].concat();
    let all = [rows(b"101\ta\n"), rows(b"31\n32\n"), rows(b"9\tt")].concat();
    wire.send_bytes(&[query(text), all].concat());
    let reply = wire.until_ready();
    assert_eq!(reply.error(), None);
    assert_eq!(reply.tags(), ["COPY 1", "SELECT 1", "COPY 2", "COPY 1", "SELECT 1"]);
    assert_eq!(reply.lines(), ["a", "4"]);
    let asked: Vec<usize> = reply
        .messages
        .iter()
        .filter_map(|message| match message {
            Message::CopyIn(_, columns) => Some(columns.len()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [2, 1, 2]);
    relay.stop();
}

#[test]
fn the_same_session_goes_on_after_every_failure() {
    for (sql, data) in [
        ("COPY users (id, username) FROM STDIN", "101\ta\nx\tb\n"),
        ("COPY tokens (id) FROM STDIN", "31\nx\n"),
        ("COPY tokens (id) FROM STDIN", "1\n"),
    ] {
        let (_database, relay, mut wire) = started(Phase::DualWrite);
        for way in WAYS {
            for explicit in [false, true] {
                if explicit {
                    wire.script("BEGIN");
                }
                let answer = copy_in(&mut wire, sql, data.as_bytes(), (way, 2));
                let state = if explicit { 'E' } else { 'I' };
                assert!(error(&answer).is_some(), "{sql}: {answer:?}");
                assert_eq!(answer.last(), Some(&Message::Ready(state)), "{sql}");
                if explicit {
                    let refused = copy_in(&mut wire, sql, data.as_bytes(), (way, 2));
                    assert_eq!(error(&refused).map(|it| it.code()), Some("25P02"), "{sql}");
                    wire.script("ROLLBACK");
                }
                assert_eq!(wire.rows("SELECT count(*) FROM users"), ["6"]);
                assert_eq!(wire.rows("SELECT count(*) FROM tokens"), ["2"]);
            }
        }
        relay.stop();
    }
}

#[test]
fn an_error_speaks_of_the_clients_table_and_line() {
    let (_database, relay, mut wire) = started(Phase::DualWrite);
    for way in WAYS {
        let answer = copy_in(&mut wire, "COPY tokens (id) FROM STDIN", b"31\nx\n", (way, 1));
        let fields = error(&answer).expect("an error");
        let context = "COPY tokens, line 2, column id: \"x\"";
        assert_eq!((fields.get('W'), fields.get('P')), (context, ""), "{way:?}");
        let answer = copy_in(&mut wire, "COPY tokens (id) FROM STDIN", b"1\n", (way, 1));
        let fields = error(&answer).expect("an error");
        assert_eq!((fields.code(), fields.get('P')), ("23505", ""), "{way:?}");
    }
    relay.stop();
}

#[test]
fn a_client_that_gives_up_is_told_so() {
    let (_database, relay, mut wire) = started(Phase::DualWrite);
    for sql in ["COPY users (id, username) FROM STDIN", "COPY tokens (id) FROM STDIN"] {
        let end = [frame(b'd', b"101"), frame(b'f', b"changed my mind\0")].concat();
        wire.send_bytes(&[query(sql), end.clone()].concat());
        let reply = wire.until_ready();
        assert_eq!(reply.code(), "57014");
        let batch = [parse("", sql, &[]), bind("", "", &[], false), execute("", 0)].concat();
        wire.send_bytes(&[batch, end, sync()].concat());
        assert_eq!(wire.until_ready().code(), "57014");
        assert_eq!(wire.rows("SELECT count(*) FROM tokens WHERE id = 101"), ["0"]);
    }
    relay.stop();
}

/// What a client may send among its rows, and what it may not.
#[test]
fn other_messages_among_the_rows_mean_what_they_always_do() {
    let plain = Database::in_shape("plain", Shape::Old);
    let (database, relay, _wire) = started(Phase::DualWrite);
    let (data, done) = (|rows: &[u8]| frame(b'd', rows), frame(b'c', &[]));
    let (flush, failed) = (frame(b'H', &[]), frame(b'f', b"no\0"));
    for sql in ["COPY users (id, username) FROM STDIN", "COPY tokens (id, note) FROM STDIN"] {
        let batch = [parse("", sql, &[]), bind("", "", &[], false), execute("", 0)].concat();
        let rows =
            [data(b"70"), flush.clone(), data(b"1\ta\n"), sync(), data(b"702\tb\n")].concat();
        let scripts: [(&str, Vec<Vec<u8>>, usize); 8] = [
            ("flush and sync", vec![batch.clone(), rows.clone(), done.clone(), sync()], 1),
            ("the same in a Query", vec![query(sql), rows.clone(), done.clone()], 1),
            ("a query", vec![query(sql), data(b"1"), query("SELECT 1"), query("SELECT 2")], 2),
            ("a parse", vec![batch.clone(), data(b"1"), parse("", "SELECT 1", &[]), sync()], 1),
            ("an end too many", vec![query(sql), done.clone(), done.clone(), query("SELECT 2")], 2),
            (
                "two failures",
                vec![query(sql), failed.clone(), failed.clone(), query("SELECT 2")],
                2,
            ),
            ("rows for nobody", vec![data(b"1\ta\n"), done.clone(), query("SELECT 2")], 1),
            ("a copy twice", vec![batch, done.clone(), execute("", 0), done.clone(), sync()], 1),
        ];
        for (name, script, readies) in scripts {
            let play = |mut wire: Wire| {
                wire.script("BEGIN");
                wire.send_bytes(&script.concat());
                let mut messages = Vec::new();
                let (mut left, mut open) = (readies, true);
                while left > 0 && open {
                    let message = wire.read();
                    open = message.is_some();
                    left -= usize::from(matches!(message, Some(Message::Ready(_))));
                    messages.extend(message.map(|message| match message {
                        Message::Error(fields) => Message::Tag(fields.code().to_owned()),
                        message => message,
                    }));
                }
                // Some faults end the session.
                let rows = open.then(|| wire.simple("SELECT count(*) FROM users").lines());
                (messages, rows)
            };
            let expected = play(plain.connect());
            assert_eq!(play(relay.connect(&database)), expected, "{name}: {sql}");
        }
    }
    relay.stop();
}

#[test]
fn a_prepared_copy_follows_a_flip() {
    let (database, relay, mut wire) = started(Phase::Expand);
    let sql = "COPY tokens (id, note) FROM STDIN";
    assert_eq!(wire.prepare("s", sql).error(), None);
    let run = |wire: &mut Wire, row: &[u8]| {
        let rows = [frame(b'd', row), frame(b'c', &[])].concat();
        wire.send_bytes(&[bind("", "s", &[], false), execute("", 0), rows, sync()].concat());
        let reply = wire.until_ready();
        assert_eq!((reply.error(), reply.tags()), (None, vec!["COPY 1"]));
    };
    run(&mut wire, b"31\ta\n");
    for (number, phase, row) in [(2, Phase::DualWrite, b"32\tb\n"), (3, Phase::Expand, b"33\tc\n")]
    {
        relay.current.swap(relay::generation_of(number, &stage::rules(phase), &database));
        run(&mut wire, row);
    }
    let rows = "SELECT note, code = number FROM tokens WHERE id > 30 ORDER BY id";
    assert_eq!(database.connect().rows(rows), ["a|NULL", "b|t", "c|NULL"]);
    relay.stop();
}

#[test]
fn a_value_that_is_converted_is_converted_by_the_server() {
    let ddl = "CREATE TABLE orders (id integer PRIMARY KEY, price numeric(10,2) DEFAULT 1.50, \
        note text, price_cents bigint)";
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        let database = Database::create("copy", ddl);
        let change = Change::ChangeColumn {
            columns: ColumnPair::new("orders", "price", "price_cents"),
            up: Some("(price * 100)::bigint".to_owned()),
            down: Some("(price_cents / 100.0)::numeric(10,2)".to_owned()),
            from_type: None,
        };
        let rule = Rule { name: "cents".to_owned(), change, phase };
        let relay = Relay::start(&database, relay::generation_of(1, &[rule], &database));
        let mut wire = relay.connect(&database);
        for way in WAYS {
            for (sql, rows) in [
                ("COPY orders (id, price) FROM STDIN CSV", "1,2.5\n2,\n"),
                ("COPY orders (note, id) FROM STDIN", "x\t3\n"),
                (
                    "COPY orders (id, price_cents) FROM STDIN WHERE price_cents < 100",
                    "4\t99\n5\t100\n",
                ),
            ] {
                let answer = copy_in(&mut wire, sql, rows.as_bytes(), (way, 2));
                assert_eq!(error(&answer), None, "{sql}");
            }
            let rows = "SELECT id, price, price_cents FROM orders ORDER BY id";
            let stored = ["1|2.50|250", "2|NULL|NULL", "3|1.50|150", "4|0.99|99"];
            assert_eq!(database.connect().rows(rows), stored, "{phase} {way:?}");
            let answer = copy_in(&mut wire, "COPY orders (price) FROM STDIN", b"x\n", (way, 1));
            let context = error(&answer).map(|fields| fields.get('W'));
            assert_eq!(context, Some("COPY orders, line 1, column price: \"x\""), "{way:?}");
            let shown = copy_out(&mut wire, "COPY orders TO STDOUT (FORMAT csv, HEADER)");
            let shown = String::from_utf8(shown).expect("a text");
            assert_eq!(shown, "id,price,note\n1,2.50,\n2,,\n3,1.50,x\n4,0.99,\n");
            wire.script("DELETE FROM orders");
        }
        relay.stop();
    }
}

#[test]
fn partitions_and_inheriting_tables_are_copied_as_they_are() {
    let kinds = [
        "CREATE TABLE users (id integer, username text, email text) PARTITION BY LIST (email);
         CREATE TABLE child PARTITION OF users FOR VALUES IN ('a');
         CREATE TABLE other PARTITION OF users FOR VALUES IN ('b');",
        "CREATE TABLE users (id integer, username text, email text);
         CREATE TABLE child (email text, id integer, username text);
         ALTER TABLE child INHERIT users;",
    ];
    let play = |wire: &mut Wire, way| -> Vec<String> {
        wire.script("BEGIN");
        let mut seen = Vec::new();
        for sql in ["COPY users FROM STDIN", "COPY child (email, username, id) FROM STDIN"] {
            let rows = if sql.contains("child") { "a\tx\t3\n" } else { "1\tx\ta\n2\ty\tb\n" };
            seen.push(format!("{:?}", copy_in(wire, sql, rows.as_bytes(), (way, 3))));
        }
        for sql in ["users", "child", "(SELECT tableoid::regclass, * FROM users ORDER BY 2)"] {
            wire.script("SAVEPOINT before");
            let reply = wire.simple(&format!("COPY {sql} TO STDOUT WITH CSV HEADER"));
            seen.push(format!("{} {:?}", reply.code(), reply.messages.iter().rev().nth(1)));
            let data = reply.messages.into_iter().filter(|it| matches!(it, Message::CopyData(_)));
            seen.extend(data.map(|data| format!("{data:?}")));
            wire.script("ROLLBACK TO before");
        }
        wire.script("ROLLBACK");
        seen
    };
    for ddl in kinds {
        let plain = Database::create("plain", ddl);
        let database = Database::create("copy", ddl);
        database.connect().script("ALTER TABLE users ADD COLUMN handle text");
        for phase in [Phase::Expand, Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite] {
            let rule = relay::rename_username(phase);
            let relay = Relay::start(&database, relay::generation_of(1, &[rule], &database));
            for way in WAYS {
                let expected = play(&mut plain.connect(), way);
                let found = play(&mut relay.connect(&database), way);
                // The words of an error are the server's, but the place in its sources is not.
                let errors =
                    |seen: &[String]| seen.iter().filter(|it| it.contains("42809")).count();
                assert_eq!(errors(&found), errors(&expected), "{phase} {way:?} {ddl}");
                let rest = |seen: Vec<String>| -> Vec<String> {
                    seen.into_iter().filter(|it| !it.contains("42809")).collect()
                };
                assert_eq!(rest(found), rest(expected), "{phase} {way:?} {ddl}");
            }
            relay.stop();
        }
    }
}

#[test]
fn files_and_programs_of_the_server_reach_both_columns() {
    let (database, relay, mut wire) = started(Phase::SwitchReads);
    let file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
    std::fs::write(file.path(), "id,username\n101,a\n102,\"b,c\"\n").expect("a file");
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), readable).expect("a mode");
    let path = file.path().display();
    let sql = format!("COPY users (id, username) FROM '{path}' (FORMAT csv, HEADER match)");
    assert_eq!(wire.script(&sql).tags(), ["COPY 2"]);
    let sql = "COPY users (id, username) FROM PROGRAM 'echo 103,d' WITH CSV WHERE username <> 'x'";
    let reply = wire.extended(sql, &[], false);
    assert_eq!((reply.error(), reply.tags()), (None, vec!["COPY 1"]));
    let users = "SELECT username, handle FROM users WHERE id > 100 ORDER BY id";
    assert_eq!(database.connect().rows(users), ["a|a", "b,c|b,c", "d|d"]);
    let missing = wire.simple("COPY users (id, username) FROM '/nowhere'");
    assert_eq!(missing.code(), "58P01");
    relay.stop();
}

#[test]
fn an_encoding_that_can_be_read_is_extended_and_no_other() {
    let (database, relay, mut wire) = started(Phase::DualWrite);
    let sql = "COPY users (id, username) FROM STDIN";
    wire.script("SET client_encoding = 'latin1'");
    let answer = copy_in(&mut wire, sql, b"101\t\xe4\xff\n", (Way::Simple, 1));
    assert_eq!(tags(&answer), ["COPY 1"]);
    wire.script("SET client_encoding = 'sjis'");
    let answer = copy_in(&mut wire, sql, b"102\t\x83\x5c\n", (Way::Simple, 1));
    assert_eq!(error(&answer).map(|it| it.code()), Some("0A000"));
    let encoded = "COPY users (id, username) FROM STDIN (ENCODING 'utf8')";
    let answer = copy_in(&mut wire, encoded, "103\té\n".as_bytes(), (Way::Extended, 1));
    assert_eq!(tags(&answer), ["COPY 1"]);
    wire.script("SET client_encoding = 'utf8'");
    let users = "SELECT username, handle FROM users WHERE id > 100 ORDER BY id";
    assert_eq!(database.connect().rows(users), ["äÿ|äÿ", "é|é"]);
    relay.stop();
}

#[test]
fn many_rows_pass() {
    let (database, relay, mut wire) = started(Phase::DualWrite);
    let source = "(SELECT g AS id, 'user ' || g AS username, repeat('x', g % 50) AS email, g AS age \
        FROM generate_series(1000, 40000) g)";
    for (way, options) in [
        (Way::Simple, "FORMAT text"),
        (Way::ExtendedAhead, "FORMAT csv"),
        (Way::Extended, "FORMAT binary"),
    ] {
        let out = format!(
            "COPY (SELECT id::bigint, username::varchar, email, age FROM {source} s) TO STDOUT ({options})"
        );
        let data = copy_out(&mut database.connect(), &out);
        wire.script("BEGIN");
        let sql = format!("COPY users FROM STDIN ({options})");
        let answer = copy_in(&mut wire, &sql, &data, (way, 100_000));
        assert_eq!(tags(&answer), ["COPY 39001"], "{options}");
        let right = format!(
            "SELECT count(*) FROM users u JOIN {source} s USING (id) \
             WHERE (u.username, u.email, u.age) = (s.username, s.email, s.age)"
        );
        assert_eq!(wire.rows(&right), ["39001"], "{options}");
        wire.script("ROLLBACK");
    }
    relay.stop();
}
