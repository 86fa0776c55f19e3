//! Row locks of queries over a table that is split and over tables that are merged: what two sessions see of each
//! other is what they would see on the tables that were never touched. Which rows are given, in which order, after
//! which wait, and which are left free for others.

mod drawn;
mod kinds;

use std::collections::BTreeMap;

use rewrite_rules::Phase;
use segue_tests::meeting::until_one_waits;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Reply, Wire, query};

use self::kinds::{Kind, MERGE, SPLIT};

/// Sessions `a`, `b` and `c` in turn. `b? …` must come to wait for a lock, `b!` has its answer.
type Script = &'static [&'static str];

/// On `t (id, kept, moved, n)` and `posts (id, t_id, title)`; `{t}` and so on are their names. `n` has moved too in a merge.
const SCRIPTS: [Script; 18] = [
    // A queue: each worker has the next row, and locks no other.
    &[
        "a BEGIN; SELECT id, moved FROM t ORDER BY n, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        "b BEGIN; SELECT id, moved FROM t ORDER BY n, id LIMIT 2 FOR UPDATE SKIP LOCKED",
        "c SELECT id FROM t WHERE moved IS NOT NULL ORDER BY n, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
        "a UPDATE t SET moved = 'done' WHERE id = 6; COMMIT",
        "c SELECT id, moved FROM t ORDER BY n, id LIMIT 3 FOR UPDATE SKIP LOCKED",
        "b ROLLBACK",
    ],
    // The same in the statement that changes the row. The one behind it has no half, and stays as it is.
    &[
        "a BEGIN; UPDATE t SET moved = 'done' WHERE id = (SELECT id FROM t WHERE id > 1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, moved",
        "b BEGIN; UPDATE t SET moved = 'b', kept = 'b' FROM (SELECT id FROM t WHERE id <> 3 ORDER BY n, id LIMIT 1 FOR UPDATE SKIP LOCKED) q WHERE q.id = t.id RETURNING t.id, kept",
        "c DELETE FROM t WHERE moved IS NULL AND id IN (SELECT id FROM t WHERE id > 1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, moved",
        "a COMMIT",
        "b COMMIT",
        "c SELECT id, moved, kept FROM t ORDER BY id",
    ],
    // In what it assigns, and in a join in brackets.
    &[
        "a BEGIN; UPDATE t SET moved = 'by ' || (SELECT id FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) WHERE id IN (1, 3) RETURNING id, moved",
        "b BEGIN; UPDATE t SET moved = 'b' FROM (posts p JOIN (SELECT id FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) q ON q.id = p.t_id) WHERE q.id = t.id RETURNING t.id, t.moved, p.title",
        "c DELETE FROM t USING (posts p JOIN (SELECT id FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) q ON q.id = p.t_id) WHERE q.id = t.id AND moved <> '' RETURNING t.id, t.moved",
        "a COMMIT",
        "b COMMIT",
        "c SELECT id, moved FROM t ORDER BY id",
    ],
    // The condition is asked again of the row that was waited for, and the next one is taken if it fails.
    &[
        "a BEGIN; UPDATE t SET moved = 'gone' WHERE id = 5",
        "b? BEGIN; SELECT id, moved FROM t WHERE moved LIKE 'm%' ORDER BY id DESC LIMIT 2 FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    &[
        "a BEGIN; UPDATE t SET moved = 'm55' WHERE id = 5",
        "b? BEGIN; SELECT id, moved FROM t WHERE moved LIKE 'm5%' ORDER BY id DESC LIMIT 1 FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    // Over both tables at once.
    &[
        "a BEGIN; UPDATE t SET moved = 'm', kept = 'kk5' WHERE id = 5",
        "b? BEGIN; SELECT * FROM t WHERE length(moved || kept) = 4 ORDER BY n LIMIT 2 FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    // Rolled back.
    &[
        "a BEGIN; UPDATE t SET moved = 'gone', kept = 'gone' WHERE id < 3",
        "b? BEGIN; SELECT id, moved, kept FROM t WHERE kept = 'k1' OR moved = 'm2' ORDER BY id FOR UPDATE",
        "a ROLLBACK",
        "b!",
        "b ROLLBACK",
    ],
    // Deleted meanwhile.
    &[
        "a BEGIN; DELETE FROM t WHERE id = 1",
        "b? BEGIN; SELECT id, moved FROM t WHERE EXISTS (SELECT FROM posts WHERE t_id = t.id) ORDER BY id LIMIT 1 FOR SHARE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    // In the order of the query, one after the other.
    &[
        "a BEGIN; SELECT FROM t WHERE id = 2 FOR UPDATE",
        "b? BEGIN; SELECT id, moved FROM t ORDER BY id DESC FOR UPDATE",
        "a UPDATE t SET moved = 'late', n = -1 WHERE id = 2; COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    &[
        "a BEGIN; SELECT FROM t WHERE id = 5 FOR UPDATE",
        "b? BEGIN; SELECT t.id, title FROM t JOIN posts ON t_id = t.id WHERE moved IS NOT NULL ORDER BY t.id DESC FOR UPDATE OF t",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    // Joins.
    &[
        "a BEGIN; UPDATE posts SET title = 'new' WHERE id = 2",
        "b? BEGIN; SELECT t.moved, p.title FROM posts p JOIN t ON p.t_id = t.id WHERE t.moved = 'm2' OR p.title = 'p1' ORDER BY p.id FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    &[
        "a BEGIN; UPDATE posts SET t_id = 4 WHERE id = 2",
        "b? BEGIN; SELECT t.moved, p.title FROM posts p JOIN t ON p.t_id = t.id WHERE t.moved LIKE 'm%' ORDER BY p.id LIMIT 2 FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    &[
        "a BEGIN; UPDATE t SET moved = 'p2' WHERE id = 2",
        "b? BEGIN; SELECT t.id, t.moved, p.title FROM t LEFT JOIN posts p ON p.t_id = t.id AND t.moved LIKE 'm%' ORDER BY t.id LIMIT 2 FOR UPDATE OF t",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
    &[
        "a BEGIN; SELECT FROM posts WHERE id = 1 FOR UPDATE",
        "b BEGIN; SELECT t.id, t.moved FROM posts p JOIN t ON p.t_id = t.id WHERE t.moved IS NOT NULL ORDER BY p.id LIMIT 1 FOR UPDATE SKIP LOCKED",
        "c SELECT t.id, t.moved FROM posts p JOIN t ON p.t_id = t.id WHERE t.moved IS NOT NULL ORDER BY p.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED",
        "a ROLLBACK",
        "b ROLLBACK",
    ],
    // NOWAIT.
    &[
        "a BEGIN; SELECT id, moved FROM t WHERE id IN (SELECT t_id FROM posts) ORDER BY id LIMIT 1 FOR UPDATE",
        "b SELECT id, moved FROM t WHERE moved IS NOT NULL ORDER BY id FOR UPDATE NOWAIT",
        "b SELECT id, moved FROM t WHERE moved IS NOT NULL ORDER BY id DESC LIMIT 2 FOR UPDATE NOWAIT",
        "b SELECT t.moved, p.id FROM t JOIN posts p ON p.t_id = t.id ORDER BY p.id FOR UPDATE OF p NOWAIT",
        "a COMMIT",
    ],
    // Strengths.
    &[
        "a BEGIN; SELECT id, moved FROM t ORDER BY id LIMIT 2 FOR SHARE",
        "b BEGIN; SELECT id, moved FROM t ORDER BY id LIMIT 3 FOR SHARE NOWAIT",
        "c SELECT id, moved FROM t ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED",
        "c SELECT id, moved FROM t ORDER BY id LIMIT 3 FOR KEY SHARE SKIP LOCKED",
        "a COMMIT",
        "b COMMIT",
    ],
    // What is found stays as it is.
    &[
        "a BEGIN; SELECT id, moved FROM t WHERE id = ANY (ARRAY(SELECT t_id FROM posts)) ORDER BY moved DESC NULLS LAST FOR NO KEY UPDATE",
        "b? UPDATE t SET moved = 'lost' WHERE id = 2",
        "a UPDATE t SET moved = moved || '!' WHERE id = 2 RETURNING moved; COMMIT",
        "b!",
    ],
    &[
        "a BEGIN; UPDATE t SET n = 100 WHERE id = 6",
        "b? BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT id, moved FROM t ORDER BY n, id LIMIT 1 FOR UPDATE",
        "a COMMIT",
        "b!",
        "b ROLLBACK",
    ],
];

/// All that a client is told: rows, tags, SQLSTATE.
fn told(reply: &Reply) -> String {
    format!("{:?} {:?} {}", reply.lines(), reply.tags(), reply.code())
}

/// The rows that nobody has locked, as far as a session can tell.
fn free(wire: &mut Wire, tables: [&str; 2]) -> String {
    let rows = tables.map(|table| {
        let sql = format!("SELECT id FROM {table} ORDER BY id FOR UPDATE SKIP LOCKED");
        wire.rows(&sql).join(",")
    });
    format!("free: {}", rows.join(" / "))
}

/// What a script brings about, line by line.
fn played(
    script: Script,
    kind: &Kind,
    database: &Database,
    mut session: impl FnMut() -> Wire,
) -> Vec<String> {
    let mut looker = database.connect();
    let mut sessions: BTreeMap<&str, Wire> = BTreeMap::new();
    let (mut seen, mut is_waiting) = (Vec::new(), false);
    for line in script {
        let (name, sql) = line.split_once(' ').unwrap_or((line, ""));
        let (name, how) = name.split_at(1);
        let wire = sessions.entry(name).or_insert_with(&mut session);
        let sql = kind.named(sql);
        match how {
            "?" => {
                wire.send_bytes(&query(&sql));
                until_one_waits(&sql, &mut looker);
            }
            "!" => seen.push(told(&wire.until_ready())),
            "" => seen.push(told(&wire.simple(&sql))),
            _ => {}
        }
        // Whoever goes on is not looked at before it is done.
        is_waiting = (is_waiting || how == "?") && how != "!";
        if how == "?" || !is_waiting {
            let mut other = session();
            seen.push(free(&mut other, [kind.table, "posts"]));
        }
    }
    seen
}

/// Plays each script, on rows that are as they were.
fn played_all(
    kind: &Kind,
    rows: &str,
    database: &Database,
    mut session: impl FnMut() -> Wire,
) -> Vec<Vec<String>> {
    let mut owner = database.connect();
    let mut play = |script: Script| {
        owner.script(rows);
        played(script, kind, database, &mut session)
    };
    SCRIPTS.into_iter().map(&mut play).collect()
}

#[track_caller]
fn check(kind: &Kind) {
    let oracle = Database::create("locks_old", kind.old);
    let wanted = played_all(kind, kind.rows, &oracle, || oracle.connect());
    for phase in [Phase::SwitchReads, Phase::StopDualWrite, Phase::DualWrite] {
        let database = Database::create("locks", &format!("{}{}", kind.old, kind.new));
        let relay = Relay::governing(&database, &[(kind.rule)(phase)]);
        let lacks = if phase == Phase::SwitchReads { kind.lacks } else { "" };
        let rows = format!("{}{}{lacks}", kind.rows, kind.new_rows);
        let found = played_all(kind, &rows, &database, || relay.connect(&database));
        relay.stop();
        for ((script, wanted), found) in SCRIPTS.iter().zip(&wanted).zip(&found) {
            assert_eq!(wanted, found, "{phase}: {script:#?}");
        }
    }
}

#[test]
fn locks_of_a_table_that_is_split_are_those_of_one_that_is_not() {
    check(&SPLIT);
}

#[test]
fn locks_of_tables_that_are_merged_are_those_of_others() {
    check(&MERGE);
}
