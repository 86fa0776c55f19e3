//! Values of a table that is split whose types hold others, as a client of the old shape gives them: in every phase he sees what
//! he would see on the table that was never touched.

use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::splitting;
use segue_tests::wire::{Login, Reply, Value, Wire};

const OLD: &str = "
    CREATE TYPE address AS (street text, number int);
    CREATE DOMAIN home AS address CHECK ((VALUE).number IS DISTINCT FROM 13);
    CREATE TABLE users (id int PRIMARY KEY, name text, lives address, works home, tags text[], settings jsonb);
    INSERT INTO users VALUES (1, 'ann', ROW('a', 1), ROW('w', 1), '{x,y}', '{\"a\": 1}'), (2, 'bob', NULL, NULL, NULL, NULL),
        (3, 'cy', ROW('c', NULL), NULL, '{}', '{}');
    CREATE TABLE moves (user_id int, street text, number int);
    INSERT INTO moves VALUES (1, 'm', 7), (2, 'n', 8), (2, 'o', 9);";

const NEW: &str = "
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        lives address, works home, tags text[], settings jsonb);
    INSERT INTO profiles SELECT id, lives, works, tags, settings FROM users;";

const MOVED: [&str; 4] = ["lives", "works", "tags", "settings"];

/// A statement, with its parameters if it has any.
type Sent = (&'static str, &'static [Value<'static>]);

const STATEMENTS: [Sent; 37] = [
    ("INSERT INTO users (id, lives) VALUES (4, ROW('d', 4))", &[]),
    ("INSERT INTO users (id, lives, works) VALUES (5, ('e', 5), ('f', 6)) RETURNING *", &[]),
    ("INSERT INTO users (id, lives) VALUES (6, ROW('g', 1)), (7, ('h', 2)), (8, NULL)", &[]),
    (
        "INSERT INTO users (id, lives) VALUES (9, ROW($1, $2)) RETURNING (lives).number",
        &[Some("i"), Some("3")],
    ),
    ("INSERT INTO users (id, works) VALUES (10, ROW('unlucky', 13))", &[]),
    ("INSERT INTO users (id, lives) VALUES (10, ROW('one', 1, 'too many'))", &[]),
    ("INSERT INTO users (id, name) VALUES (10, ROW('as', 'text'))", &[]),
    ("UPDATE users SET lives = ROW('k', 2) WHERE id = 1", &[]),
    ("UPDATE users SET lives = ('l', (lives).number + 1) WHERE id = 1 RETURNING lives", &[]),
    ("UPDATE users SET works = ROW('m', $1) WHERE id = $2", &[Some("4"), Some("2")]),
    ("UPDATE users SET works = ROW('m', 13) WHERE id = 2", &[]),
    ("UPDATE users SET (lives, name) = ROW(ROW('n', 3), 'nn') WHERE id = 2", &[]),
    ("UPDATE users SET (lives, name) = (('o', 4), upper(name)) WHERE id = 3 RETURNING *", &[]),
    (
        "INSERT INTO users (id, lives) VALUES (1, ROW('p', 5)) ON CONFLICT (id) DO UPDATE SET lives = excluded.lives",
        &[],
    ),
    (
        "INSERT INTO users AS u (id, lives) VALUES (1, ROW('q', 6)) ON CONFLICT (id) DO UPDATE SET lives = ROW('r', (u.lives).number * 2) RETURNING lives",
        &[],
    ),
    (
        "UPDATE users SET (name, settings) = (SELECT max(street), to_jsonb(count(*)) FROM moves m WHERE m.user_id = users.id) WHERE tags IS NOT NULL RETURNING id, name, settings",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT users.tags || street, name || number FROM moves m WHERE m.user_id = users.id) WHERE id < 2",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT users.tags || street, name FROM moves m WHERE m.user_id = users.id)",
        &[],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT street, name FROM moves m WHERE m.user_id = users.id) WHERE id = 1",
        &[],
    ),
    (
        "UPDATE users u SET (settings, lives) = (SELECT to_jsonb(o.*), o.lives FROM users o WHERE o.id = u.id + 1), tags = '{z}' WHERE settings IS NOT NULL AND name > $1",
        &[Some("a")],
    ),
    (
        "UPDATE users SET (tags, name) = (SELECT DISTINCT '{s}'::text[], $1) FROM moves m WHERE m.user_id = users.id AND m.number = 7",
        &[Some("t")],
    ),
    ("UPDATE users SET tags[2] = 'q' WHERE id = 1 RETURNING tags", &[]),
    ("UPDATE users SET tags[1] = $1, name = 'r' WHERE id < 4 RETURNING *", &[Some("s")]),
    ("UPDATE users SET tags[2:3] = '{b,c}' WHERE tags[1] = 's'", &[]),
    ("UPDATE users SET tags[$1] = upper(name) WHERE id = 2", &[Some("4")]),
    ("UPDATE users SET settings['a'] = '[1]' WHERE id IN (1, 2)", &[]),
    (
        "UPDATE users SET settings['b']['c'] = to_jsonb(name), lives.number = 8 WHERE id = 3 RETURNING *",
        &[],
    ),
    ("UPDATE users SET settings[$1] = $2 WHERE id = 3", &[Some("d"), Some("null")]),
    ("UPDATE users SET settings['a'] = NULL WHERE id = 1", &[]),
    ("UPDATE users SET settings['a'][1] = 'no json' WHERE id = 1", &[]),
    ("UPDATE users SET lives.street = $1 WHERE id = 2", &[Some("v")]),
    ("UPDATE users SET works.number = (lives).number + 1 WHERE id IN (1, 9)", &[]),
    ("UPDATE users SET works.number = 13 WHERE id = 1", &[]),
    ("UPDATE users SET lives.number = 'x' WHERE id = 1", &[]),
    ("UPDATE users SET lives.nothing = 1 WHERE id = 1", &[]),
    (
        "UPDATE users u SET tags[1] = m.street FROM moves m WHERE m.user_id = u.id AND m.number = 7 RETURNING u.tags",
        &[],
    ),
    ("SELECT * FROM users ORDER BY id", &[]),
];

fn rule(phase: Phase) -> Rule {
    let columns = MOVED.map(|name| (name, name));
    splitting::rule(["users", "profiles"], ["id", "user_id"], &columns, Some(3), phase)
}

fn stage(phase: Phase) -> Database {
    let leave = match phase {
        Phase::Contract => "ALTER TABLE users DROP lives, DROP works, DROP tags, DROP settings;",
        _others => "",
    };
    Database::create("split_values", &format!("{OLD}{NEW}{leave}"))
}

#[test]
fn rows_and_what_queries_give_arrive_as_they_are() {
    for phase in Phase::TWO_SIDED {
        for extended in [false, true] {
            let (plain, governed) = (Database::create("split_values", OLD), stage(phase));
            let relay = Relay::governing(&governed, &[rule(phase)]);
            let (mut client, mut direct) = (relay.connect(&governed), plain.connect());
            for (statement, values) in STATEMENTS {
                let send = |wire: &mut Wire| match extended || !values.is_empty() {
                    true => wire.extended(statement, values, false),
                    false => wire.simple(statement),
                };
                let (wanted, found) = (send(&mut direct), send(&mut client));
                let told = |reply: &Reply| {
                    let code = reply.error().map(|_| reply.code().to_owned());
                    (
                        reply.lines(),
                        reply.tags().iter().map(ToString::to_string).collect::<Vec<_>>(),
                        code,
                    )
                };
                assert_eq!(
                    told(&found),
                    told(&wanted),
                    "{phase}: {statement}: {:?}",
                    found.error()
                );
            }
            if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                let differs = "SELECT u, p FROM users u FULL JOIN profiles p ON user_id = id
                               WHERE (u.lives, u.works, u.tags, u.settings) IS DISTINCT FROM (p.lives, p.works, p.tags, p.settings)";
                assert_eq!(governed.connect().rows(differs), [] as [&str; 0], "{phase}");
            }
            drop(client);
            relay.stop();
        }
    }
}

/// Each table would draw a value of its own, and the new one has another constant.
const DRAWN: &str = "
    CREATE SEQUENCE numbers;
    CREATE TABLE users (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text, token uuid NOT NULL DEFAULT gen_random_uuid(),
        number int DEFAULT nextval('numbers'), note text DEFAULT 'old');
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        token uuid NOT NULL DEFAULT gen_random_uuid(), number int DEFAULT nextval('numbers'), note text DEFAULT 'new');
    CREATE TABLE ledger (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, note text);
    CREATE TABLE notes (ledger_id int PRIMARY KEY REFERENCES ledger (id) ON DELETE CASCADE ON UPDATE CASCADE, note text);";

fn drawn(phase: Phase) -> [Rule; 2] {
    let columns = ["token", "number", "note"].map(|name| (name, name));
    [
        splitting::rule(["users", "profiles"], ["id", "user_id"], &columns, Some(3), phase),
        splitting::rule(
            ["ledger", "notes"],
            ["id", "ledger_id"],
            &[("note", "note")],
            Some(3),
            phase,
        ),
    ]
}

#[test]
fn what_a_default_gives_is_one_value_on_both_sides() {
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite] {
        let database = Database::create("split_values", DRAWN);
        let relay = Relay::governing(&database, &drawn(phase));
        let mut client = relay.connect(&database);
        for (statement, rows, code) in [
            ("INSERT INTO users (name) VALUES ('a')", 1, None),
            (
                "INSERT INTO users (name, note) VALUES ('b', 'n'), ('c', DEFAULT), ('d', NULL)",
                3,
                None,
            ),
            ("INSERT INTO users DEFAULT VALUES", 1, None),
            ("INSERT INTO users (name) SELECT 'e' || g FROM generate_series(1, 3) g", 3, None),
            ("INSERT INTO users (id, name) VALUES (DEFAULT, 'f') RETURNING id", 1, None),
            (
                "INSERT INTO users (id, name, number) VALUES (DEFAULT, 'g', 1), (DEFAULT, 'h', DEFAULT), (50, 'i', 2)",
                3,
                None,
            ),
            ("INSERT INTO users (id, name) VALUES (1, 'j') ON CONFLICT DO NOTHING", 0, None),
            (
                "INSERT INTO users (id, name) VALUES (1, 'k'), (60, 'l') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                2,
                None,
            ),
            (
                "INSERT INTO users (id, name) VALUES (1, 'm'), (61, 'n') ON CONFLICT (id) DO UPDATE SET number = excluded.number, note = 'set'",
                2,
                None,
            ),
            (
                "INSERT INTO ledger (id, name, note) VALUES (DEFAULT, 'a', 'x'), (DEFAULT, 'b', 'y')",
                2,
                None,
            ),
            (
                "INSERT INTO ledger (id, name, note) VALUES (DEFAULT, 'a', 'x'), (7, 'b', 'y')",
                0,
                Some("428C9"),
            ),
            (
                "INSERT INTO ledger (id, name, note) OVERRIDING SYSTEM VALUE VALUES (7, 'b', 'y')",
                1,
                None,
            ),
        ] {
            let reply = client.simple(statement);
            let tag = format!("INSERT 0 {rows}");
            let wanted = code.map_or(vec![tag.as_str()], |_| Vec::new());
            let found = (reply.tags(), reply.error().map(|_| reply.code()));
            assert_eq!(found, (wanted, code), "{phase}: {statement}: {:?}", reply.error());
        }
        let mut direct = database.connect();
        let shown = client.rows("SELECT id, token, number, note FROM users ORDER BY id");
        let halves = "SELECT user_id, token, number, note FROM profiles ORDER BY 1";
        assert_eq!(shown, direct.rows(halves), "{phase}");
        assert_eq!(shown.len(), 14, "{phase}");
        if phase != Phase::StopDualWrite {
            assert_eq!(
                shown,
                direct.rows("SELECT id, token, number, note FROM users ORDER BY id"),
                "{phase}"
            );
            assert_eq!(shown.iter().filter(|row| row.ends_with("|new")).count(), 0, "{phase}");
        }
        drop(client);
        relay.stop();
    }
}

/// What a client of the new shape sees of an upsert of halves that are copied, are NULLs, are missing, and are not copied.
#[test]
fn an_upsert_of_halves_computes_its_values_once() {
    let upserts = [
        "INSERT INTO profiles (user_id, tags, settings) SELECT g, ARRAY['t'], to_jsonb(g) FROM generate_series(1, 4) g
         ON CONFLICT (user_id) DO UPDATE SET tags = excluded.tags || 'z'::text, settings = to_jsonb(excluded.tags)",
        "INSERT INTO profiles (user_id, tags) VALUES (1, '{u}'), (4, NULL)
         ON CONFLICT (user_id) DO UPDATE SET tags = coalesce(excluded.tags, '{none}') || 'y'::text, lives = ROW(excluded.tags[1], 1)",
        "INSERT INTO profiles (user_id, tags) VALUES (1, '{v}'), (2, '{w,w}')
         ON CONFLICT (user_id) DO UPDATE SET extra = cardinality(excluded.tags) + 1, tags = excluded.tags",
        "INSERT INTO profiles (user_id, extra) VALUES (3, 5) ON CONFLICT (user_id) DO UPDATE SET extra = excluded.extra * 2 RETURNING tags",
        "SELECT user_id, lives, works, tags, settings FROM profiles ORDER BY user_id",
    ];
    let alone = "CREATE TYPE address AS (street text, number int); CREATE DOMAIN home AS address CHECK ((VALUE).number IS DISTINCT FROM 13);
        CREATE TABLE profiles (user_id int PRIMARY KEY, lives address, works home, tags text[], settings jsonb);
        INSERT INTO profiles VALUES (1, ROW('a', 1), ROW('w', 1), '{x,y}', '{\"a\": 1}'), (2, NULL, NULL, NULL, NULL), (3, ROW('c', NULL), NULL, '{}', '{}');
        ALTER TABLE profiles ADD extra int DEFAULT 7;";
    let more = "ALTER TABLE profiles ADD extra int DEFAULT 7; INSERT INTO users (id, name) VALUES (4, 'dee');";
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract] {
        let missing = match phase {
            Phase::DualWrite => "DELETE FROM profiles WHERE user_id = 3;",
            _copied => "",
        };
        let database = Database::create("split_values", &format!("{OLD}{NEW}{more}{missing}"));
        let plain = Database::create("split_values", alone);
        let relay = Relay::governing(&database, &[rule(phase)]);
        let (mut client, mut direct) = (relay.connect(&database), plain.connect());
        client.script("SET segue.shape = 'new'");
        for upsert in upserts {
            let (wanted, found) = (direct.simple(upsert), client.simple(upsert));
            let told = |reply: &Reply| {
                (reply.lines(), reply.tags().iter().map(ToString::to_string).collect::<Vec<_>>())
            };
            assert_eq!(told(&found), told(&wanted), "{phase}: {upsert}: {:?}", found.error());
        }
        let extra = "SELECT user_id, extra FROM profiles ORDER BY user_id";
        assert_eq!(database.connect().rows(extra), direct.rows(extra), "{phase}");
        drop(client);
        relay.stop();
    }
}

/// Columns that the server computes, or draws.
const COMPUTED: &str = "
    CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, upname text GENERATED ALWAYS AS (upper(name)) STORED,
        nick text UNIQUE, number int GENERATED ALWAYS AS (length(name)) STORED);
    INSERT INTO users (name, nick) VALUES ('ann', 'a'), ('bob', NULL), ('cy', 'c'), ('dee', 'd');
    CREATE TABLE posts (user_id int, title text);
    INSERT INTO posts VALUES (1, 'first'), (3, 'third');";

const NICKS: &str = "
    CREATE TABLE nicks (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE, nick text UNIQUE);
    INSERT INTO nicks SELECT id, nick FROM users;";

#[test]
fn what_the_server_computes_may_be_told_to_take_its_default() {
    let statements = [
        "INSERT INTO users (name, upname, nick) VALUES ('a', DEFAULT, 'b') RETURNING *",
        "INSERT INTO users (upname, name, nick) VALUES (DEFAULT, 'e', 'f'), ((DEFAULT), 'g', NULL) RETURNING name, upname",
        "INSERT INTO users (nick, name, upname, number) VALUES ('h', 'i', DEFAULT, DEFAULT) RETURNING upname, nick, number",
        "INSERT INTO users (number, upname, nick) VALUES (DEFAULT, DEFAULT, 'j') RETURNING *",
        "INSERT INTO users (number, nick, upname, name) VALUES (DEFAULT, 'k', DEFAULT, 'l'), (DEFAULT, 'm', DEFAULT, 'n')",
        "INSERT INTO users VALUES (DEFAULT, 'o', DEFAULT, 'p', DEFAULT) RETURNING *",
        "INSERT INTO users (upname) VALUES (DEFAULT) RETURNING *",
        "INSERT INTO users (id, number, upname) VALUES (DEFAULT, DEFAULT, DEFAULT) RETURNING *",
        "INSERT INTO users (name, upname, nick) VALUES ('q', 'Q', 'q')",
        "INSERT INTO users (name, upname, nick) VALUES ('q', 'Q', 'q'), ('r', DEFAULT, 'r')",
        "INSERT INTO users (name, upname, nick) SELECT 'q', 'Q', 'q'",
        "INSERT INTO users (id, name, upname, nick) OVERRIDING SYSTEM VALUE VALUES (1, 's', DEFAULT, 't')
         ON CONFLICT (id) DO UPDATE SET nick = excluded.nick, upname = DEFAULT RETURNING *",
        "INSERT INTO users (id, upname, name) OVERRIDING SYSTEM VALUE VALUES (1, DEFAULT, 'u')
         ON CONFLICT (id) DO UPDATE SET nick = users.name || 'v', upname = DEFAULT, name = excluded.name RETURNING *",
        "UPDATE users SET upname = DEFAULT WHERE id = 2",
        "UPDATE users SET upname = DEFAULT WHERE nick = 'c' RETURNING *",
        "UPDATE users SET name = 'w', upname = DEFAULT, nick = 'x' WHERE id = 2 RETURNING *",
        "UPDATE users SET (upname, nick) = (DEFAULT, 'y'), number = (DEFAULT) WHERE id = 3 RETURNING *",
        "UPDATE users u SET upname = DEFAULT, nick = p.title FROM posts p WHERE p.user_id = u.id RETURNING u.*",
        "UPDATE users SET id = DEFAULT WHERE id = 4 RETURNING id, nick",
        "UPDATE users SET id = DEFAULT, nick = 'z' WHERE id = 3 RETURNING *",
        "UPDATE users SET id = DEFAULT WHERE nick = 'z' RETURNING *",
        "UPDATE users SET id = 90 WHERE id = 1",
        "UPDATE users SET upname = 'X', nick = 'n' WHERE id = 1",
        "SELECT * FROM users ORDER BY id",
    ];
    for phase in Phase::TWO_SIDED {
        let leave = if phase == Phase::Contract { "ALTER TABLE users DROP nick;" } else { "" };
        let governed = Database::create("split_values", &format!("{COMPUTED}{NICKS}{leave}"));
        let plain = Database::create("split_values", COMPUTED);
        let rule = splitting::rule(
            ["users", "nicks"],
            ["id", "user_id"],
            &[("nick", "nick")],
            Some(4),
            phase,
        );
        let relay = Relay::governing(&governed, &[rule]);
        let (mut client, mut direct) = (relay.connect(&governed), plain.connect());
        for statement in statements {
            let (wanted, found) = (direct.simple(statement), client.simple(statement));
            let told = |reply: &Reply| {
                let code = reply.error().map(|_| reply.code().to_owned());
                let tags: Vec<String> = reply.tags().iter().map(ToString::to_string).collect();
                (reply.lines(), tags, code)
            };
            assert_eq!(told(&found), told(&wanted), "{phase}: {statement}: {:?}", found.error());
        }
        let refused = client.simple("INSERT INTO users (upname) VALUES (DEFAULT), (DEFAULT)");
        let is_refused = phase >= Phase::SwitchReads;
        assert_eq!(refused.error().map(|_| refused.code()), is_refused.then_some("0A000"));
        drop(client);
        relay.stop();
    }
}

/// Between its CREATE TABLE and the proxy's next look at the catalog.
#[test]
fn a_new_table_that_was_made_a_moment_ago_is_not_there_yet() {
    let database = Database::create("split_values", OLD);
    let relay = Relay::governing(&database, &[rule(Phase::Expand)]);
    let login = || Login::at(relay.port, database.superuser(), &database.name);
    database.connect().script(NEW);
    for mut client in [login().connect(), login().with("segue.shape", "new").connect()] {
        for statement in [
            "INSERT INTO profiles (user_id, tags) VALUES (1, '{z}')",
            "SELECT * FROM profiles",
            "UPDATE public.profiles SET tags = NULL",
            "DELETE FROM profiles",
            "COPY profiles FROM STDIN",
            "TRUNCATE profiles",
        ] {
            assert_eq!(client.simple(statement).code(), "42P01", "{statement}");
        }
        client.script("COMMENT ON TABLE profiles IS 'new'");
    }
    assert_eq!(database.connect().rows("SELECT count(*) FROM profiles"), ["3"]);
    relay.stop();
}
