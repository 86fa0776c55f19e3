//! A column that is added and filled: to clients of the old shape it is never there, in all phases and
//! through its DDL.

use rewrite_rules::Phase::{self, Backfill, DualWrite, Enforce, Expand};
use segue::phase::agree::Wanted;
use segue::phase::wish::Wish;
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually};
use segue_tests::wire::{Reply, Wire, copy_data, copy_done, query};

use super::alone;

const DDL: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, last_login date, created_at date NOT NULL DEFAULT '2020-01-01');
    INSERT INTO users SELECT g, CASE WHEN g % 2 = 0 THEN '2024-01-01'::date END
        FROM generate_series(1, 20) g;";

fn seen(phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"add-seen\"\nkind = \"backfill-column\"\ntable = \"users\"\n\
         column = \"seen_at\"\nvalue = \"coalesce(last_login, created_at)\"\nnot_null = true\n\
         phase = \"{phase}\"\n"
    )
}

/// What a client of the old shape says, each time. `$n` is a number of its own.
const SAID: [&str; 12] = [
    "SELECT * FROM users ORDER BY id",
    "SELECT u FROM users u WHERE id < 3 ORDER BY id",
    "SELECT row_to_json(u) FROM users u WHERE id = $n",
    "INSERT INTO users VALUES ($n, '2024-05-05', '2021-01-01') RETURNING *",
    "INSERT INTO users (id) VALUES ($n00) RETURNING users.*, id",
    "UPDATE users SET last_login = '2024-06-06' WHERE id = $n RETURNING *",
    "INSERT INTO users VALUES ($n) ON CONFLICT (id) DO UPDATE SET last_login = EXCLUDED.created_at RETURNING *",
    "WITH gone AS (DELETE FROM users WHERE id = $n00 RETURNING *) SELECT * FROM gone",
    "SELECT attname, attnum, attnotnull, atthasdef FROM pg_attribute
     WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY attnum",
    "SELECT column_name, ordinal_position, is_nullable, column_default
     FROM information_schema.columns WHERE table_name = 'users' ORDER BY 2",
    "SELECT relnatts, relchecks FROM pg_class WHERE oid = 'users'::regclass",
    "SELECT c.relname, (SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint
                        WHERE conrelid = i.indrelid)
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE indrelid = 'users'::regclass ORDER BY 1",
];

/// Names and types of columns, rows, tags and SQLSTATE.
type Told = (Vec<(String, u32)>, Vec<String>, Vec<String>, String);

fn told(reply: &Reply) -> Told {
    let columns = reply.columns().unwrap_or_default();
    // A whole row's type is numbered anew in each database.
    let columns = columns.iter().map(|it| (it.name.clone(), it.type_oid.min(16_384)));
    let tags = reply.tags().into_iter().map(str::to_owned).collect();
    (columns.collect(), reply.lines(), tags, reply.code().to_owned())
}

fn copy(wire: &mut Wire, sql: &str, rows: &str) -> Reply {
    wire.send_bytes(&[query(sql), copy_data(rows.as_bytes()), copy_done()].concat());
    wire.until_ready()
}

/// A client of the old shape, beside one of a database that nobody migrates.
struct Client {
    wire: Wire,
    plain: Wire,
    number: u32,
}

impl Client {
    /// Says everything to both; both must answer the same.
    fn works(&mut self, when: &str) {
        self.number += 1;
        for sql in SAID {
            let sql = sql.replace("$n", &format!("1{:02}", self.number));
            assert_eq!(
                told(&self.wire.simple(&sql)),
                told(&self.plain.simple(&sql)),
                "{when}: {sql}"
            );
            let sql = sql.replace("VALUES (1", "VALUES (2").replace("id = 1", "id = 2");
            let found = told(&self.wire.extended(&sql, &[], false));
            assert_eq!(found, told(&self.plain.extended(&sql, &[], false)), "{when}: {sql}");
        }
        let row = format!("3{:02}\t2024-07-07\t2021-02-02\n", self.number);
        for (sql, data) in [("COPY users FROM STDIN", row.as_str()), ("COPY users TO STDOUT", "")] {
            let [found, wanted] = [&mut self.wire, &mut self.plain]
                .map(|wire| if data.is_empty() { wire.simple(sql) } else { copy(wire, sql, data) });
            let mut sorted = [found.messages, wanted.messages];
            sorted.iter_mut().for_each(|it| it.sort_by_key(|message| format!("{message:?}")));
            let [found, wanted] = sorted;
            assert_eq!(found, wanted, "{when}: {sql}");
        }
        // Prepared before there was a column.
        for wire in [&mut self.wire, &mut self.plain] {
            assert_eq!(wire.run("star", &[]).code(), "", "{when}");
        }
        let [found, wanted] =
            [&mut self.wire, &mut self.plain].map(|it| told(&it.run("star", &[])));
        assert_eq!(found, wanted, "{when}");
    }
}

/// Whoever names the column uses it, whatever shape it speaks.
fn names_it(wire: &mut Wire, id: u32, when: &str) {
    wire.script(&format!("INSERT INTO users (id, seen_at) VALUES ({id}, '2024-09-09')"));
    let found = wire
        .rows(&format!("SELECT seen_at FROM users u WHERE u.seen_at IS NOT NULL AND id = {id}"));
    assert_eq!(found, ["2024-09-09"], "{when}");
    wire.script(&format!("DELETE FROM users WHERE id = {id} AND seen_at = '2024-09-09'"));
}

/// The shown columns of a client of the new shape.
fn star(wire: &mut Wire) -> Vec<String> {
    let reply = wire.script("SELECT * FROM users LIMIT 0");
    reply.columns().unwrap_or_default().iter().map(|column| column.name.clone()).collect()
}

fn flip(proxy: &Proxy, phase: Phase) {
    proxy.reload(&seen(phase)).unwrap_or_else(|error| panic!("{phase}: {error}"));
    let flip = proxy.last_flip();
    segue_tests::server::run(flip.drained());
}

/// What the gate has against a step.
#[track_caller]
fn closed(proxy: &Proxy, phase: Phase, running: Phase, code: &str) {
    let error = proxy.reload(&seen(phase)).err().map(|error| error.to_string());
    assert!(error.as_ref().is_some_and(|error| error.contains(code)), "{code}: {error:?}");
    assert_eq!(proxy.phase(), Some(running));
    // The file would be asked again as soon as it has settled.
    proxy.reload(&seen(running)).unwrap_or_else(|error| panic!("{running}: {error}"));
}

fn journal(database: &Database) -> Vec<String> {
    database.connect().rows("SELECT phase || ' ' || definition::text FROM segue.migration")
}

#[test]
fn a_column_is_added_filled_and_enforced_and_nobody_notices() {
    let _alone = alone();
    let database = Database::create("added", DDL);
    let plain = Database::create("added_plain", DDL);
    let proxy = Proxy::start(&database, &seen(Expand));
    let mut direct = database.connect();
    let mut client = Client { wire: proxy.connect(), plain: plain.connect(), number: 0 };
    for wire in [&mut client.wire, &mut client.plain] {
        wire.prepare("star", "SELECT * FROM users ORDER BY id");
    }
    let mut new = proxy.connect();
    new.script("SET segue.shape = 'new'");
    client.works("before it is there");
    let unknown = "SELECT seen_at FROM users";
    assert_eq!(client.wire.simple(unknown).code(), "42703");
    assert_eq!(star(&mut new), ["id", "last_login", "created_at"]);
    closed(&proxy, Backfill, Expand, "missing-column");

    direct.script("ALTER TABLE users ADD COLUMN seen_at date");
    direct.script("ALTER TABLE users ALTER COLUMN seen_at SET DEFAULT '2024-12-12'");
    direct.script("CREATE INDEX users_seen_at_idx ON users (seen_at)");
    direct.script("ALTER TABLE users ADD CONSTRAINT seen CHECK (seen_at > '1900-01-01')");
    let knows = |proxy: &Proxy| {
        let generation = proxy.current().load();
        let catalog = generation.compiled().catalog();
        catalog.relations.iter().any(|(name, it)| {
            name.name == "users" && it.column("seen_at").is_some_and(|it| it.default.is_some())
        })
    };
    eventually("the proxy knows the column", || knows(&proxy));
    client.works("expand, and it is there");
    names_it(&mut client.wire, 1001, "expand");
    let all = ["id", "last_login", "created_at", "seen_at"];
    assert_eq!(star(&mut new), all);
    closed(&proxy, Enforce, Expand, "the next step on that way is \"backfill\"");

    for phase in [Backfill, Expand, Backfill] {
        flip(&proxy, phase);
        client.works(phase.name());
        names_it(&mut client.wire, 1002, phase.name());
        names_it(&mut new, 1003, phase.name());
        assert_eq!(star(&mut new), all, "{phase}");
    }
    closed(&proxy, Enforce, Backfill, "not-filled");
    direct.script(
        "UPDATE users SET seen_at = coalesce(last_login, created_at) WHERE seen_at IS NULL",
    );
    closed(&proxy, Enforce, Backfill, "not-null");
    for statement in [
        "ALTER TABLE users ADD CONSTRAINT filled CHECK (seen_at IS NOT NULL) NOT VALID",
        "ALTER TABLE users VALIDATE CONSTRAINT filled",
        "ALTER TABLE users ALTER COLUMN seen_at SET NOT NULL",
        "ALTER TABLE users DROP CONSTRAINT filled",
    ] {
        direct.script(statement);
        let checks = "SELECT relchecks FROM pg_class WHERE oid = 'users'::regclass";
        eventually("the proxy knows the check", || client.wire.rows(checks) == ["0"]);
        client.works(statement);
    }
    for phase in [Enforce, Backfill, Enforce] {
        flip(&proxy, phase);
        client.works(phase.name());
        names_it(&mut client.wire, 1004, phase.name());
        assert_eq!(star(&mut new), all, "{phase}");
    }
    proxy.stop();
}

#[test]
fn the_journal_has_it_as_it_was_written_and_a_proxy_goes_on_from_there() {
    let _alone = alone();
    let database = Database::create("added", &format!("{DDL} ALTER TABLE users ADD seen_at date"));
    let proxy = Proxy::start(&database, &seen(Expand));
    flip(&proxy, Backfill);
    let definition = "{\"kind\": \"backfill-column\", \"table\": \"users\", \"value\": \
                      \"coalesce(last_login, created_at)\", \"column\": \"seen_at\", \"not_null\": true}";
    assert_eq!(journal(&database), [format!("backfill {definition}")]);
    let proxy = proxy.restart();
    assert_eq!(proxy.phase(), Some(Backfill));
    assert_eq!(star(&mut proxy.connect()), ["id", "last_login", "created_at"]);
    // How it is filled is no part of it.
    let plan = "verify_every = \"1h\"\n[migration.backfill]\nmax_rate = 10\n";
    let reloaded = proxy.reload(&format!("{}{plan}", seen(Backfill)));
    assert!(reloaded.is_ok_and(|it| it.plan.is_empty()));
    assert_eq!(journal(&database), [format!("backfill {definition}")]);
    let step = |phase| {
        let wanted = Wanted { migration: "add-seen".to_owned(), phase, from: None, epoch: None };
        proxy.ask(Wish { step: Some(wanted), ..Wish::default() })
    };
    let refused = step(DualWrite).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("kind \"backfill-column\" has no phase \"dual-write\""), "{refused}");
    step(Expand).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(journal(&database), [format!("expand {definition}")]);
    proxy.stop();
}
