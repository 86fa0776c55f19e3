//! Partitions and inheriting tables: a migration of the parent holds for each of them, by whatever
//! name it is used.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

use super::alone;

/// `users` with two children, in one of two ways. The second child has its columns in another order.
const KINDS: [(&str, &str); 2] = [
    (
        "partitions",
        "CREATE TABLE users (id integer NOT NULL, username text, email text) PARTITION BY LIST (email);
         CREATE TABLE first_child PARTITION OF users FOR VALUES IN ('a');
         CREATE TABLE other_child (email text, id integer NOT NULL, username text);
         ALTER TABLE users ATTACH PARTITION other_child FOR VALUES IN ('b');",
    ),
    (
        "inheritance",
        "CREATE TABLE users (id integer NOT NULL, username text, email text);
         CREATE TABLE first_child () INHERITS (users);
         CREATE TABLE other_child (email text, id integer NOT NULL, username text);
         ALTER TABLE other_child INHERIT users;",
    ),
];

/// Statements through the parent and through each child, and what they give on the unmigrated
/// table. Each script begins with an empty table.
const SCRIPT: [&str; 15] = [
    "INSERT INTO first_child VALUES (1, 'ann', 'a')",
    "INSERT INTO other_child VALUES ('b', 2, 'bob')",
    "INSERT INTO first_child (id, username, email) VALUES (3, 'cid', 'a') RETURNING *",
    "INSERT INTO other_child (username, email, id) SELECT 'dan', 'b', 4 RETURNING username",
    "UPDATE users SET username = upper(username) WHERE username IN ('ann', 'dan') RETURNING id, username",
    "UPDATE first_child SET username = username || '!' WHERE id = 3 RETURNING *",
    "UPDATE other_child o SET username = o.username || '?' RETURNING o.*",
    "UPDATE users SET username = 'v' || round(random() * 0) WHERE id = 1 RETURNING username",
    "SELECT * FROM users ORDER BY id",
    "SELECT * FROM other_child ORDER BY id",
    "SELECT tableoid::regclass::text, username FROM users ORDER BY id",
    "SELECT to_jsonb(c) FROM other_child c ORDER BY c.id",
    "SELECT * FROM ONLY users",
    "DELETE FROM first_child WHERE username = 'v0' RETURNING username",
    "DELETE FROM users RETURNING id, username",
];

fn played(wire: &mut Wire) -> Vec<(String, Vec<String>)> {
    SCRIPT
        .iter()
        .map(|sql| {
            let reply = wire.extended(sql, &[], false);
            let mut lines = reply.lines();
            lines.sort();
            (format!("{sql} {}", reply.code()), lines)
        })
        .collect()
}

/// Has the proxy see what the operator did to the tables.
fn look_again(proxy: &Proxy, phase: Phase) {
    if let Err(error) = proxy.reload(&rename_username(phase)) {
        panic!("{error}");
    }
}

/// Both sides agree where both are written.
fn check(database: &Database, phase: Phase) {
    if let Phase::DualWrite | Phase::SwitchReads = phase {
        let apart = "SELECT * FROM users WHERE username IS DISTINCT FROM handle";
        assert_eq!(database.connect().rows(apart), [""; 0], "{phase}: the sides differ");
    }
}

#[test]
fn children_follow_their_parent_through_every_phase() {
    let _alone = alone();
    for (kind, ddl) in KINDS {
        let expected = played(&mut Database::create("plain", ddl).connect());
        let database = Database::create("children", ddl);
        let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
        let mut wire = proxy.connect();
        assert_eq!(played(&mut wire), expected, "{kind}, before");
        database.connect().script("ALTER TABLE users ADD COLUMN handle text");
        look_again(&proxy, Phase::Expand);
        for phase in [
            Phase::Expand,
            Phase::DualWrite,
            Phase::SwitchReads,
            Phase::DualWrite,
            Phase::SwitchReads,
            Phase::StopDualWrite,
            Phase::Contract,
        ] {
            proxy.flip(phase);
            assert_eq!(played(&mut wire), expected, "{kind}, {phase}");
            check(&database, phase);
        }
        database.connect().script("ALTER TABLE users DROP COLUMN username");
        look_again(&proxy, Phase::Contract);
        assert_eq!(played(&mut wire), expected, "{kind}, after");
        assert_eq!(proxy.counters().refused, 0, "{kind}: {:?}", proxy.counters());
        proxy.stop();
    }
}

#[test]
fn a_column_that_is_inherited_is_migrated_in_the_parent() {
    let _alone = alone();
    let database = Database::create("children", KINDS[1].1);
    let rule = rename_username(Phase::Expand).replace("\"users\"", "\"first_child\"");
    match Proxy::try_start(&database, &rule) {
        Err(error) => {
            let error = error.to_string();
            for part in ["is inherited", "migrate it in \"public.users\""] {
                assert!(error.contains(part), "no {part:?} in {error}");
            }
        }
        Ok(_) => panic!("not refused"),
    }
}
