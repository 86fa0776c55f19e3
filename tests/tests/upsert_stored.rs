//! An upsert of a table some of whose columns have moved: EXCLUDED is what the columns would store, a row that a trigger
//! leaves out is written nowhere, and both tables say the same.

use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::splitting;
use segue_tests::wire::{Reply, Wire};

/// What an unchanged client knows. A trigger leaves out what is called `skip`.
const OLD: &str = "
    CREATE DOMAIN small AS int CHECK (VALUE < 100);
    CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE, name text, nick text, code char(4), score numeric(6,2) DEFAULT 1.5,
        lvl varchar(3), few small);
    CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END$$;
    CREATE TRIGGER leave_out BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION leave_out();
    INSERT INTO t VALUES (1, 'a@x', 'ann', 'n1', 'c', 5, 'l', 1), (2, 'b@x', 'bob', 'n2', 'd', 6, 'm', 2),
        (3, 'c@x', 'cid', NULL, NULL, NULL, NULL, NULL);";

/// Where five of its columns go. The last row has no half.
const NEW: &str = "
    CREATE TABLE t2 (tid int PRIMARY KEY REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE, nick text, code char(4),
        score numeric(6,2) DEFAULT 1.5, lvl varchar(3), few small);
    INSERT INTO t2 SELECT id, nick, code, score, lvl, few FROM t WHERE id < 3;";

const MOVED: [&str; 5] = ["nick", "code", "score", "lvl", "few"];

fn rule(phase: Phase) -> Rule {
    let columns = MOVED.map(|name| (name, name));
    splitting::rule(["t", "t2"], ["id", "tid"], &columns, Some(4), phase)
}

/// What the way to a phase has made of the old table.
fn stands(phase: Phase) -> &'static str {
    match phase {
        Phase::Contract => "ALTER TABLE t DROP nick, DROP code, DROP score, DROP lvl, DROP few;",
        _both_sides => "",
    }
}

/// Rows and tag, or code and message.
fn told(reply: &Reply) -> String {
    let error = reply.error().map(|error| ['C', 'M'].map(|field| error.get(field)));
    format!("{:?} {:?} {error:?}", reply.lines(), reply.tags())
}

/// Rows of which the two tables say different things.
fn apart(wire: &mut Wire) -> Vec<String> {
    let [own, its] = ["t", "t2"].map(|row| MOVED.map(|name| format!("{row}.{name}")).join(", "));
    wire.rows(&format!(
        "SELECT id, ROW({own}), ROW({its}) FROM t JOIN t2 ON tid = id WHERE ROW({own}) IS DISTINCT FROM ROW({its})"
    ))
}

/// In the order in which they are sent, by a client of the old shape.
const OF_OLD: [&str; 24] = [
    // What a trigger leaves out, of a row that is there and of a new one.
    "INSERT INTO t (id, name, email, nick) VALUES (9, 'x', 'a@x', 'zz')
     ON CONFLICT (email) DO UPDATE SET nick = excluded.nick, name = 'skip' RETURNING id, nick",
    "INSERT INTO t (id, name, nick) VALUES (10, 'skip', 'q') ON CONFLICT (email) DO UPDATE SET nick = excluded.nick RETURNING id, nick",
    "INSERT INTO t (id, name, nick) VALUES (10, 'skip', 'q') ON CONFLICT (email) DO UPDATE SET nick = excluded.nick",
    "INSERT INTO t (id, name, email, nick) VALUES (11, 'y', 'b@x', 'new'), (12, 'skip', 'd@x', 'no'), (13, 'z', 'e@x', 'yes')
     ON CONFLICT (email) DO UPDATE SET nick = t.name || excluded.nick RETURNING id, nick",
    "INSERT INTO t (id, name, nick) VALUES (1, 'y', 'p') ON CONFLICT (id) DO UPDATE SET nick = t.name || excluded.nick, name = 'skip'",
    "INSERT INTO t (id, name, nick) VALUES (3, 'y', 'p') ON CONFLICT (id) DO UPDATE SET nick = t.name || excluded.nick, name = 'skip'",
    "INSERT INTO t (id, nick) VALUES (1, 'w'), (2, 'w') ON CONFLICT (id) DO UPDATE
     SET nick = t.name || 'w', name = CASE t.id WHEN 1 THEN 'skip' ELSE t.name END RETURNING id, name, nick",
    // EXCLUDED as it would be stored, with a half and without.
    "INSERT INTO t (id, score) VALUES (1, 1.239) ON CONFLICT (id) DO UPDATE SET nick = excluded.score::text RETURNING nick",
    "INSERT INTO t (id, score) VALUES (3, 2.345) ON CONFLICT (id) DO UPDATE SET nick = (excluded.score * 2)::text RETURNING nick",
    "DELETE FROM t WHERE id > 2",
    "INSERT INTO t (id, name) VALUES (4, 'dan'), (5, 'eve')",
    "INSERT INTO t (id, code) VALUES (4, 'ab') ON CONFLICT (id) DO UPDATE SET nick = octet_length(excluded.code)::text RETURNING nick",
    "INSERT INTO t (id, lvl) VALUES (5, 'ab     ') ON CONFLICT (id) DO UPDATE SET nick = '[' || excluded.lvl || ']' RETURNING nick",
    "INSERT INTO t (id) VALUES (5) ON CONFLICT (id) DO UPDATE SET nick = excluded.score::text RETURNING nick",
    "INSERT INTO t (id, score) SELECT id, id + 0.118 FROM t ON CONFLICT (id) DO UPDATE SET nick = excluded.score::text RETURNING id, nick",
    "INSERT INTO t (id, score) VALUES (1, 3.777) ON CONFLICT (id) DO UPDATE SET nick = t.name || excluded.score RETURNING nick",
    // What its column does not take is refused, though another one is set.
    "INSERT INTO t (id, lvl) VALUES (1, 'toolong') ON CONFLICT (id) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t (id, lvl) VALUES (5, 'toolong') ON CONFLICT (id) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t (id, few) VALUES (1, 100) ON CONFLICT (id) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t (id, few) VALUES (5, 100) ON CONFLICT (id) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t (id, score) VALUES (5, 12345.6) ON CONFLICT (id) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t (id, lvl) VALUES (1, 'toolong') ON CONFLICT (id) DO NOTHING",
    "INSERT INTO t (id, few) VALUES (5, 100) ON CONFLICT (id) DO NOTHING",
    "INSERT INTO t (id, few, nick) VALUES (5, 9, 'good') ON CONFLICT (id) DO UPDATE SET few = excluded.few, nick = excluded.nick RETURNING *",
];

#[test]
fn an_upsert_of_the_old_table_stores_what_it_would_have() {
    for phase in Phase::TWO_SIDED {
        // Whether there is a half may not be seen by this client.
        for left in [
            "",
            "DELETE FROM t2 WHERE tid = 3;",
            "INSERT INTO t2 (tid, score) VALUES (3, NULL) ON CONFLICT DO NOTHING;",
        ] {
            let oracle = Database::create("upsert_stored", OLD);
            let ddl = format!("{OLD}{NEW}{left}{}", stands(phase));
            let database = Database::create("upsert_stored", &ddl);
            let relay = Relay::governing(&database, &[rule(phase)]);
            let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
            let mut looker = database.connect();
            for statement in OF_OLD {
                let (wanted, found) = (direct.simple(statement), client.simple(statement));
                assert_eq!(told(&found), told(&wanted), "{phase} {left}: {statement}");
                let all = "SELECT * FROM t ORDER BY id";
                assert_eq!(client.rows(all), direct.rows(all), "{phase} {left}: {statement}");
                if matches!(phase, Phase::DualWrite | Phase::SwitchReads) {
                    assert!(apart(&mut looker).is_empty(), "{phase} {left}: {statement}");
                }
            }
            drop((client, looker));
            relay.stop();
        }
    }
}

/// In the order in which they are sent, by a client of the new shape.
const OF_NEW: [&str; 12] = [
    "INSERT INTO t2 (tid, score) VALUES (1, 1.239) ON CONFLICT (tid) DO UPDATE SET score = excluded.score * 100 RETURNING score",
    "INSERT INTO t2 (tid, score) VALUES (2, 1.239) ON CONFLICT (tid) DO UPDATE SET nick = excluded.score::text RETURNING nick, score",
    "INSERT INTO t2 (tid) VALUES (2) ON CONFLICT (tid) DO UPDATE SET nick = excluded.score::text RETURNING nick, score",
    "INSERT INTO t2 (tid, code) SELECT 1, 'ab' ON CONFLICT (tid) DO UPDATE SET nick = octet_length(excluded.code)::text RETURNING nick",
    "INSERT INTO t2 (tid, lvl) VALUES (1, 'toolong') ON CONFLICT (tid) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t2 (tid, few) VALUES (1, 100) ON CONFLICT (tid) DO UPDATE SET nick = 'bad'",
    "INSERT INTO t2 (tid, lvl) VALUES (1, 'toolong') ON CONFLICT (tid) DO NOTHING",
    "INSERT INTO t2 (tid, few) VALUES (1, 100) ON CONFLICT (tid) DO NOTHING",
    "INSERT INTO t2 (tid, few) SELECT 2, 100 ON CONFLICT DO NOTHING",
    "INSERT INTO t2 (tid, lvl, nick) VALUES (1, 'abc  ', 'x'), (3, 'abcd', 'y') ON CONFLICT DO NOTHING",
    "INSERT INTO t2 (tid, lvl, nick) VALUES (1, 'abc  ', 'x'), (3, 'abc', 'y') ON CONFLICT DO NOTHING RETURNING tid, lvl, nick",
    "INSERT INTO t2 (tid, score) VALUES (3, 9.999) ON CONFLICT (tid) DO UPDATE SET score = excluded.score RETURNING score",
];

#[test]
fn an_upsert_of_the_new_table_stores_what_it_would_have() {
    let split = format!("{OLD}{NEW}{}", stands(Phase::Contract));
    for (phase, left) in [
        (Phase::DualWrite, ""),
        (Phase::DualWrite, "DELETE FROM t2 WHERE tid = 1;"),
        (Phase::SwitchReads, ""),
        (Phase::StopDualWrite, ""),
    ] {
        let oracle = Database::create("half_stored", &split);
        let ddl = format!("{OLD}{NEW}{left}{}", stands(phase));
        let database = Database::create("half_stored", &ddl);
        let relay = Relay::governing(&database, &[rule(phase)]);
        let (mut direct, mut client) = (oracle.connect(), relay.connect(&database));
        let mut looker = database.connect();
        for statement in OF_NEW {
            let (wanted, found) = (direct.simple(statement), client.simple(statement));
            assert_eq!(told(&found), told(&wanted), "{phase} {left}: {statement}");
            let all =
                "SELECT * FROM t2 WHERE num_nonnulls(nick, code, score, lvl, few) > 0 ORDER BY tid";
            assert_eq!(client.rows(all), direct.rows(all), "{phase} {left}: {statement}");
            if phase != Phase::StopDualWrite {
                assert!(apart(&mut looker).is_empty(), "{phase} {left}: {statement}");
            }
        }
        drop((client, looker));
        relay.stop();
    }
}
