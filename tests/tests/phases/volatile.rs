//! What gives another value each time is computed once, however it is written, and stored in both
//! columns.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

use super::alone;

const DDL: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, username text, email text, handle text);
    CREATE SEQUENCE ticks;
    CREATE FUNCTION tick() RETURNS text VOLATILE LANGUAGE sql AS $$SELECT 'v' || nextval('ticks')$$;
    CREATE FUNCTION with_default(x text DEFAULT tick()) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT x';
    CREATE FUNCTION joined(a text, b text) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT a || b || tick()';
    CREATE OPERATOR |+| (FUNCTION = joined, LEFTARG = text, RIGHTARG = text);
    CREATE TABLE posts (id bigint);
    INSERT INTO posts VALUES (1);
    CREATE FUNCTION title(posts) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT tick()';";

/// Each stores a value of its own in row 1, row 2 or both.
const WRITES: [&str; 12] = [
    "INSERT INTO users (id, username) VALUES (1, tick())",
    "INSERT INTO users (id, username) VALUES (1, with_default())",
    "INSERT INTO users (id, username) VALUES (1, with_default()), (2, 'x')",
    "INSERT INTO users (id, username) VALUES (1, 'a'::text |+| 'b')",
    "INSERT INTO users (id, username) VALUES (1, (SELECT tick()))",
    "INSERT INTO users (id, username) SELECT id, with_default() FROM posts",
    "INSERT INTO users (id, username) SELECT p.id, p.title FROM posts p",
    "INSERT INTO users VALUES (1, 'x'), (2, 'y') ON CONFLICT DO NOTHING; UPDATE users SET username = tick()",
    "INSERT INTO users VALUES (1, 'x'), (2, 'y'); UPDATE users SET username = with_default()",
    "INSERT INTO users VALUES (1, 'x'), (2, 'y'); UPDATE users SET username = email |+| username",
    "INSERT INTO users VALUES (1, 'x'), (2, 'y'); UPDATE users SET (username, email) = (tick(), tick())",
    "INSERT INTO users VALUES (1, 'x'); UPDATE users SET username = p.title FROM posts p",
];

#[test]
fn both_columns_get_the_same_value() {
    let _alone = alone();
    let database = Database::create("volatile", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    let mut direct = database.connect();
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        proxy.flip(phase);
        for sql in WRITES {
            wire.script("DELETE FROM users");
            sql.split("; ").for_each(|sql| {
                wire.script(sql);
            });
            let counted = direct.rows(
                "SELECT count(*) > 0, count(*) FILTER (WHERE username IS DISTINCT FROM handle) FROM users",
            );
            assert_eq!(counted, ["t|0"], "{phase}: {sql} {:?}", direct.rows("TABLE users"));
        }
    }
    proxy.stop();
}
