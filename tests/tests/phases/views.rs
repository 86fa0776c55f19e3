//! Views over a governed table: read through, and written through only where no write is lost.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

use super::alone;

const DDL: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, username text, email text, handle text);
    INSERT INTO users VALUES (1, 'ann', 'a', 'ann'), (2, 'bob', 'b', 'bob');
    CREATE VIEW names AS SELECT id, username AS name FROM users;
    CREATE VIEW names_of_names AS SELECT id, name FROM names WHERE id < 10;
    CREATE VIEW addresses AS SELECT id, email FROM users;
    CREATE VIEW ruled AS SELECT 1 AS number;
    CREATE RULE to_users AS ON INSERT TO ruled DO INSTEAD
        INSERT INTO users (id, username) VALUES (NEW.number, 'ruled');
    CREATE VIEW counted AS SELECT username, count(*) FROM users GROUP BY username;";

/// Statements that write the old column and cannot write the new one.
const PAST_IT: [&str; 5] = [
    "UPDATE names SET name = 'x' WHERE id = 1",
    "INSERT INTO names_of_names (id, name) VALUES (3, 'x')",
    "INSERT INTO public.names VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'",
    "INSERT INTO ruled VALUES (4)",
    "WITH w AS (UPDATE names SET name = 'x' RETURNING id) SELECT * FROM w",
];

/// Statements through views that lose nothing.
const HARMLESS: [&str; 6] = [
    "SELECT * FROM names_of_names ORDER BY id",
    "UPDATE addresses SET email = 'c' WHERE id = 2 RETURNING *",
    "INSERT INTO addresses VALUES (9, 'd')",
    "DELETE FROM names WHERE id = 9 RETURNING name",
    "SELECT username, count FROM counted ORDER BY 1",
    "EXPLAIN (COSTS off) SELECT name FROM names FOR UPDATE",
];

#[test]
fn a_write_through_a_view_that_would_miss_the_other_column_is_refused() {
    let _alone = alone();
    let database = Database::create("views", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    let mut direct = database.connect();
    // Nothing is migrated yet.
    for sql in PAST_IT {
        wire.script(&format!("BEGIN; {sql}; ROLLBACK"));
    }
    let expected: Vec<_> = HARMLESS.iter().map(|sql| direct.simple(sql)).collect();
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        proxy.flip(phase);
        for sql in PAST_IT {
            for reply in [wire.simple(sql), wire.extended(sql, &[], false)] {
                assert_eq!(reply.code(), "0A000", "{phase}: {sql} {reply:?}");
            }
        }
        let found: Vec<_> = HARMLESS.iter().map(|sql| wire.simple(sql)).collect();
        assert_eq!(found, expected, "{phase}");
    }
    let apart = "SELECT * FROM users WHERE username IS DISTINCT FROM handle";
    assert_eq!(direct.rows(apart), [""; 0]);
    proxy.stop();
}
