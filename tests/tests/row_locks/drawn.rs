//! Statements that draw from a sequence: as often as on tables that were never touched.

use rewrite_rules::Phase;
use segue_tests::relay::{Relay, generation_of};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

use super::kinds::{Kind, MERGE, SPLIT};
use super::told;

const SEQUENCE: &str = "
    CREATE SEQUENCE s;
    CREATE FUNCTION draw(many int) RETURNS SETOF bigint LANGUAGE sql
        AS 'SELECT nextval(''s'') FROM generate_series(1, many)';";

/// In the order in which they are sent. Which row has which number is nobody's business, so where each draws one of its own it
/// is not shown.
const STATEMENTS: [&str; 25] = [
    // For each row.
    "UPDATE t SET moved = coalesce(moved, 'k') || nextval('s') * 0 WHERE id IN (1, 3, 4)",
    "UPDATE t SET moved = (SELECT 'x' || nextval('s') * 0 || '-' || t.id) WHERE id IN (1, 3, 4) RETURNING moved",
    "UPDATE t SET moved = (SELECT kept || nextval('s') * 0 FROM posts ORDER BY posts.id LIMIT 1) WHERE id IN (1, 3)",
    "UPDATE t SET moved = coalesce(moved, (SELECT title || nextval('s') * 0 FROM posts WHERE t_id = t.id)) WHERE id < 4",
    "UPDATE t SET kept = CASE WHEN moved IS DISTINCT FROM (SELECT 'k' || nextval('s') * 0 || t.id) THEN 'a' ELSE 'b' END
     WHERE id IN (1, 3)",
    "UPDATE t SET (kept, moved) = ('k', (SELECT title || nextval('s') * 0 FROM posts WHERE t_id = id LIMIT 1))
     WHERE id IN (1, 3) AND coalesce(moved, '') <> 'k'",
    "UPDATE t SET moved = (SELECT max(title) FROM posts WHERE t_id = t.id AND id = (SELECT nextval('s') * 0 + posts.id))
     WHERE id IN (2, 3) RETURNING id, moved",
    "UPDATE t SET moved = (WITH p AS (SELECT * FROM posts WHERE t_id = t.id)
     SELECT max(title) FROM p WHERE p.id = (SELECT min(p.id) + nextval('s') * 0 FROM p))
     WHERE id IN (2, 3) RETURNING id, moved",
    "UPDATE t SET moved = 'r' WHERE id IN (1, 3) RETURNING nextval('s') * 0",
    // Once.
    "UPDATE t SET moved = 'y' || (SELECT nextval('s')) WHERE id IN (1, 3, 4) RETURNING moved",
    "UPDATE t SET moved = 'v' || (VALUES (nextval('s'))), kept = coalesce(moved, 'n') WHERE id IN (1, 3)",
    "UPDATE t SET moved = moved || ((SELECT nextval('s') LIMIT 1) UNION ALL SELECT nextval('s') WHERE false) WHERE id IN (1, 3)",
    "UPDATE t SET (kept, moved) = ((SELECT 'k' || nextval('s')), (SELECT 'm' || nextval('s'))) WHERE id IN (1, 3) RETURNING moved",
    "UPDATE t SET (moved, kept) = ('m' || (SELECT nextval('s')), 'k') WHERE id IN (1, 3) RETURNING kept",
    "UPDATE t SET moved = (SELECT max(title) FROM posts WHERE t_id = t.id AND id > (SELECT nextval('s') * 0)) WHERE id IN (2, 3)
     RETURNING id, moved",
    "UPDATE t SET moved = (ARRAY(SELECT nextval('s') FROM generate_series(1, 3)))[2] WHERE id IN (1, 3) RETURNING moved",
    "UPDATE t SET moved = 'w' WHERE id IN (1, 3) AND moved <> 'w' || (SELECT nextval('s')) RETURNING id",
    "WITH c AS (SELECT 1 AS one) UPDATE t SET moved = 'c' || (SELECT nextval('s') * one FROM c) WHERE id IN (1, 3) RETURNING moved",
    // Not at all: it is not needed.
    "UPDATE t SET moved = 'never' || (SELECT nextval('s')) WHERE id = 99 RETURNING id",
    "UPDATE t SET moved = CASE WHEN id IN (1, 3) THEN moved ELSE 'q' || (SELECT nextval('s')) END WHERE id IN (1, 3)",
    // As relations.
    "UPDATE t SET moved = 'f' || q.n FROM nextval('s') AS q(n) WHERE t.id IN (1, 3)",
    "UPDATE t SET moved = 'd' || d.n FROM posts p, LATERAL draw(1) WITH ORDINALITY d(n) WHERE p.t_id = 2 AND t.id IN (p.t_id, 3)",
    "UPDATE t SET moved = 'j' || q.n FROM (posts p CROSS JOIN (SELECT n FROM draw(1) AS d(n) LIMIT 1) q)
     WHERE p.id = 1 AND t.id IN (1, 3) RETURNING moved, p.title",
    "DELETE FROM t USING (posts p JOIN LATERAL draw(1) AS d(n) ON true) WHERE p.id = 4 AND t.id IN (p.t_id, 3)
     AND coalesce(t.moved, '') <> 'k' AND d.n IS NOT NULL",
    "DELETE FROM t WHERE id = (SELECT nextval('s') * 0 + 6) AND moved IS NOT NULL",
];

/// What each statement brings about.
fn drawn(kind: &Kind, wire: &mut Wire) -> Vec<String> {
    let seen = STATEMENTS.iter().map(|statement| {
        let mut reply = told(&wire.simple(&kind.named(statement)));
        for looks in
            ["SELECT last_value, is_called FROM s", "SELECT id, kept, moved FROM t ORDER BY id"]
        {
            reply.push_str(&format!("\n{:?}", wire.rows(&kind.named(looks))));
        }
        reply
    });
    seen.collect()
}

#[track_caller]
fn check(kind: &Kind) {
    let old = format!("{}{SEQUENCE}", kind.old);
    let oracle = Database::create("drawn_old", &old);
    oracle.connect().script(kind.rows);
    let wanted = drawn(kind, &mut oracle.connect());
    for phase in Phase::TWO_SIDED {
        let database = Database::create("drawn", &format!("{old}{}", kind.new));
        database.connect().script(&format!("{}{}", kind.rows, kind.new_rows));
        let rule = (kind.rule)(phase);
        let relay =
            Relay::start(&database, generation_of(1, std::slice::from_ref(&rule), &database));
        let found = drawn(kind, &mut relay.connect(&database));
        relay.stop();
        for ((statement, wanted), found) in STATEMENTS.iter().zip(&wanted).zip(&found) {
            assert_eq!(found, wanted, "{phase}: {statement}");
        }
    }
}

#[test]
fn a_table_that_is_split_draws_as_often_as_one_that_is_not() {
    check(&SPLIT);
}

#[test]
fn tables_that_are_merged_draw_as_often_as_others() {
    check(&MERGE);
}
