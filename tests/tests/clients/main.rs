//! Clients that others wrote, through the proxy in every phase: psql, pgbench, Python's drivers and
//! pools, and what pgjdbc sends.
//!
//! Where one is not installed its test says so and passes; under `CI=true` it fails.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod pgjdbc;
mod pools;
mod way;

use std::process::Command;

use rewrite_rules::Phase;
use segue_tests::programs::{self, missing, program, python};
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

/// The table as it stands in every phase at once: both columns, each free to be left out.
const DDL: &str = "CREATE TABLE users (id bigint PRIMARY KEY, username varchar(50) UNIQUE, email text, handle varchar(50));
    INSERT INTO users SELECT g, 'user' || g, 'mail' || g, 'user' || g FROM generate_series(1, 1000) g;";

/// Runs a program against the proxy in every phase, forward and one step back.
fn in_every_phase(run: impl Fn(&Proxy, &Database, Phase)) {
    let database = Database::create("clients", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    run(&proxy, &database, Phase::Expand);
    for phase in [
        Phase::DualWrite,
        Phase::SwitchReads,
        Phase::DualWrite,
        Phase::SwitchReads,
        Phase::StopDualWrite,
        Phase::Contract,
    ] {
        if phase == Phase::SwitchReads {
            database.connect().script(
                "UPDATE users SET handle = username WHERE handle IS DISTINCT FROM username;
                 CREATE UNIQUE INDEX IF NOT EXISTS users_handle_key ON users (handle);
                 ANALYZE users",
            );
        }
        proxy.flip(phase);
        run(&proxy, &database, phase);
    }
    proxy.stop();
}

/// The program's standard output, if it succeeds.
fn output(command: &mut Command, proxy: &Proxy, database: &Database) -> String {
    programs::output(command, proxy.port(), database)
}

#[test]
fn psql_works_in_every_phase() {
    let Some(psql) = program("psql") else { return missing("psql") };
    in_every_phase(|proxy, database, phase| {
        let script = "\\set ON_ERROR_STOP 1\n\
            BEGIN;\n\
            INSERT INTO users VALUES (5000, 'psql', 'p@example.com') RETURNING *;\n\
            UPDATE users SET username = upper(username) WHERE username = 'psql' RETURNING username;\n\
            SELECT username AS name FROM users WHERE id = 5000 \\gset\n\
            \\echo :name\n\
            DELETE FROM users WHERE username = 'PSQL';\n\
            COPY users FROM STDIN WITH (FORMAT csv, HEADER);\n\
            id,username,email\n\
            5001,\"copied, by psql\",\n\
            \\.\n\
            DELETE FROM users WHERE username = 'copied, by psql' RETURNING id;\n\
            COMMIT;\n\
            SELECT * FROM users WHERE username = 'user7';\n\
            \\copy (SELECT username FROM users WHERE id = 8) TO STDOUT\n";
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), script).expect("a temporary file");
        let found = output(
            Command::new(&psql).args(["-X", "-q", "-A", "-f"]).arg(file.path()),
            proxy,
            database,
        );
        let expected = "id|username|email\n5000|psql|p@example.com\n(1 row)\nusername\nPSQL\n(1 row)\nPSQL\n\
            id\n5001\n(1 row)\n\
            id|username|email\n7|user7|mail7\n(1 row)\nuser8\n";
        assert_eq!(found, expected, "{phase}");
    });
}

#[test]
fn pgbench_works_in_every_phase_and_protocol() {
    let Some(pgbench) = program("pgbench") else { return missing("pgbench") };
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    // Names never meet: two clients that insert one id with one name would fail by the index that is
    // not the arbiter, on any PostgreSQL.
    let text = "\\set id random(1, 1000)\n\\set n random(1, 1000000000)\n\
        UPDATE users SET username = 'bench-' || :id::text || '-' || :n::text WHERE id = :id;\n\
        SELECT username, email FROM users WHERE id = :id;\n\
        INSERT INTO users (id, username) VALUES (:id, 'again-' || :id::text || '-' || :n::text) \
        ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username;\n\
        SELECT * FROM users WHERE username = 'again-' || :id::text || '-' || :n::text;\n";
    std::fs::write(script.path(), text).expect("a temporary file");
    in_every_phase(|proxy, database, phase| {
        for protocol in ["simple", "extended", "prepared"] {
            let found = output(
                Command::new(&pgbench)
                    .args(["-n", "-c", "4", "-j", "2", "-t", "50", "-M", protocol, "-f"])
                    .arg(script.path()),
                proxy,
                database,
            );
            assert!(found.contains("processed: 200/200"), "{phase} {protocol}\n{found}");
        }
        if phase == Phase::SwitchReads {
            let apart = "SELECT count(*) FROM users WHERE username IS DISTINCT FROM handle";
            assert_eq!(database.connect().rows(apart), ["0"], "{phase}");
        }
    });
}

#[test]
fn psycopg_works_in_every_phase() {
    let Some(python) = python("psycopg") else { return missing("psycopg") };
    let script = r#"
import psycopg
with psycopg.connect("", autocommit=False) as conn:
    for prepare in (None, True, False):
        for binary in (False, True):
            with conn.cursor(binary=binary) as cur:
                cur.execute("INSERT INTO users (id, username, email) VALUES (%s, %s, %s) RETURNING username", (6000, "psy", None), prepare=prepare)
                assert cur.fetchone() == ("psy",), "insert"
                cur.execute("SELECT * FROM users WHERE username = %s", ("psy",), prepare=prepare)
                assert [d.name for d in cur.description] == ["id", "username", "email"], cur.description
                assert cur.fetchall() == [(6000, "psy", None)], "select"
                cur.execute("UPDATE users SET username = %s WHERE id = %s", ("psy2", 6000), prepare=prepare)
                assert cur.rowcount == 1, "update"
                cur.executemany("INSERT INTO users VALUES (%s, %s, %s)", [(6001, "a6001", "x"), (6002, "a6002", "y")])
                cur.execute("DELETE FROM users WHERE username = ANY(%s)", (["psy2", "a6001", "a6002"],), prepare=prepare)
                assert cur.rowcount == 3, "delete"
    with conn.pipeline():
        conn.execute("UPDATE users SET username = 'pipe' WHERE id = %s", (9,))
        row = conn.execute("SELECT username FROM users WHERE id = %s", (9,))
        conn.execute("UPDATE users SET username = 'user9' WHERE id = %s", (9,))
        assert row.fetchone() == ("pipe",)
    with conn.cursor(name="server_side") as cur:
        cur.execute("SELECT username FROM users WHERE id < 6 ORDER BY id")
        assert [r[0] for r in cur] == ["user1", "user2", "user3", "user4", "user5"]
    with conn.cursor() as cur, cur.copy("COPY (SELECT username FROM users WHERE id = 3) TO STDOUT") as copy:
        assert list(copy.rows()) == [("user3",)]
    with conn.cursor() as cur:
        with cur.copy("COPY users (id, username) FROM STDIN") as copy:
            copy.write_row((6100, "cop\t\n\\y"))
            copy.write_row((6101, None))
        assert cur.rowcount == 2, cur.rowcount
        with cur.copy("COPY users (username, id) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["varchar", "int8"])
            copy.write_row(("binary", 6102))
        cur.execute("SELECT username FROM users WHERE id BETWEEN 6100 AND 6102 ORDER BY id")
        assert cur.fetchall() == [("cop\t\n\\y",), (None,), ("binary",)], "copied"
    conn.rollback()
    try:
        conn.execute("INSERT INTO users (id, username) VALUES (7000, 'user1')")
        raise AssertionError("no unique violation")
    except psycopg.errors.UniqueViolation:
        conn.rollback()
print("good")
"#;
    in_every_phase(|proxy, database, phase| {
        let found = output(Command::new(&python).args(["-c", script]), proxy, database);
        assert_eq!(found, "good\n", "{phase}");
    });
}
