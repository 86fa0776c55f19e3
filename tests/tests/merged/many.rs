//! Five tables become one: a row is locked by as many queries as there are ways to lack parts. Of six that is too many.

use rewrite_rules::rule::{Change, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};
use segue_tests::relay::Relay;
use segue_tests::server::Database;

use super::{check_with, source};

/// The tables; the first one has a row of each key that 2 does not divide, the second of those that 3 does not, and so on.
const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

fn old(sources: &[&str]) -> String {
    let one = |(at, name): (usize, &&str)| {
        let divisor = at + 2;
        format!(
            "CREATE TABLE {name} (k int PRIMARY KEY, v text DEFAULT 'none', n int NOT NULL DEFAULT {divisor});
             INSERT INTO {name} SELECT g, '{name}' || g, g * {divisor} FROM generate_series(1, 12) g
                 WHERE g % {divisor} > 0;"
        )
    };
    sources.iter().enumerate().map(one).collect()
}

fn new(sources: &[&str]) -> String {
    let columns = sources.iter().enumerate().map(|(at, name)| {
        let divisor = at + 2;
        format!(
            ", {name}_v text DEFAULT 'none', {name}_n int NOT NULL DEFAULT {divisor},
             has_{name} boolean NOT NULL DEFAULT false"
        )
    });
    let rows = sources.iter().map(|name| {
        format!(
            "INSERT INTO five (k, {name}_v, {name}_n, has_{name}) SELECT k, v, n, true FROM {name}
             ON CONFLICT (k) DO UPDATE SET {name}_v = excluded.{name}_v, {name}_n = excluded.{name}_n, has_{name} = true;"
        )
    });
    let columns: String = columns.collect();
    format!("CREATE TABLE five (k int PRIMARY KEY{columns}); {}", rows.collect::<String>())
}

fn rule(sources: &[&str], phase: Phase) -> Rule {
    let one = |name: &&str| {
        let columns = [("v", format!("{name}_v")), ("n", format!("{name}_n"))];
        let columns = columns.each_ref().map(|(from, to)| (*from, to.as_str()));
        let mut source = source(name, &columns, Some(&format!("has_{name}")));
        source.constraints = [(format!("{name}_pkey"), "five_pkey".to_owned())].into();
        source
    };
    let merge = MergeTables {
        into: "five".to_owned(),
        key: OneOrMore::One("k".to_owned()),
        sources: sources.iter().map(one).collect(),
    };
    Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
}

/// The rows of which the new table does not say what the old ones say.
fn sides() -> String {
    let one = |name: &&str| {
        format!(
            "SELECT '{name}', to_jsonb(o), to_jsonb(p) FROM {name} o
                 FULL JOIN (SELECT * FROM five WHERE has_{name}) p USING (k)
             WHERE (o.v, o.n) IS DISTINCT FROM (p.{name}_v, p.{name}_n)"
        )
    };
    FIVE.iter().map(one).collect::<Vec<String>>().join(" UNION ALL ")
}

fn leave(sources: &[&str], phase: Phase) -> String {
    let one = |name: &&str| match phase {
        Phase::StopDualWrite => {
            format!("UPDATE {name} SET v = 'old'; DELETE FROM {name} WHERE k > 6;")
        }
        Phase::Contract => format!("DROP TABLE {name};"),
        _others => String::new(),
    };
    sources.iter().map(one).collect()
}

const OF_OLD: [&str; 26] = [
    "SELECT * FROM a ORDER BY k",
    "SELECT k, a.v, b.v, c.v, d.v, e.v FROM a FULL JOIN b USING (k) FULL JOIN c USING (k) FULL JOIN d USING (k)
     FULL JOIN e USING (k) ORDER BY k",
    "SELECT sum(a.n * b.n * c.n * d.n * e.n) FROM a JOIN b USING (k) JOIN c USING (k) JOIN d USING (k) JOIN e USING (k)",
    "UPDATE e SET v = upper(v), n = n + 1 WHERE k < 4",
    "WITH u AS (UPDATE d SET n = a.n FROM a WHERE a.k = d.k RETURNING d.k, d.n) SELECT * FROM u ORDER BY k",
    "UPDATE c SET v = (SELECT string_agg(e.v, ',' ORDER BY e.k) FROM e WHERE e.k < c.k) WHERE k IN (4, 8)",
    "UPDATE b SET k = 20 WHERE k = 1",
    "UPDATE b SET k = 4 WHERE k = 2",
    "UPDATE b SET k = 3, v = 'moved' WHERE k = 4 RETURNING *",
    "INSERT INTO a (k, v) VALUES (2, 'two'), (21, 'new') RETURNING *",
    "INSERT INTO a (k) VALUES (1)",
    "INSERT INTO e (k, n) SELECT k, sum(n) FROM (SELECT k, n FROM a UNION ALL SELECT k, n FROM b) AS all_of GROUP BY k
     ON CONFLICT (k) DO UPDATE SET n = e.n + excluded.n WHERE e.k % 2 = 0",
    "INSERT INTO c (k, v) VALUES (1, 'c'), (22, NULL) ON CONFLICT DO NOTHING RETURNING k",
    "INSERT INTO d (k, n) VALUES (1, NULL)",
    "DELETE FROM a USING b, c, d, e WHERE a.k = b.k AND b.k = c.k AND c.k = d.k AND d.k = e.k AND a.k > 6",
    "WITH gone AS (DELETE FROM e WHERE k > 9 RETURNING k, v) SELECT * FROM gone ORDER BY k",
    "SELECT k FROM a EXCEPT SELECT k FROM b UNION SELECT k FROM c INTERSECT SELECT k FROM d ORDER BY 1",
    "SELECT e.v FROM e JOIN d USING (k) ORDER BY k LIMIT 3 FOR UPDATE",
    "SELECT d.k FROM d WHERE n > 10 ORDER BY n DESC FOR UPDATE SKIP LOCKED",
    "BEGIN; TRUNCATE c; SELECT count(*) FROM c; ROLLBACK",
    "COPY d FROM STDIN\n23\tcopied\t7\n",
    "SELECT * FROM a ORDER BY k",
    "SELECT * FROM b ORDER BY k",
    "SELECT * FROM c ORDER BY k",
    "SELECT * FROM d ORDER BY k",
    "SELECT * FROM e ORDER BY k",
];

/// What no table could hold by itself stands in no row.
const OF_NEW: [&str; 30] = [
    "SELECT * FROM five ORDER BY k",
    "INSERT INTO five (k, a_v, has_a) VALUES (20, 'x', true), (21, 'y', true) RETURNING *",
    "INSERT INTO five (k, has_a, has_b, has_c, has_d, has_e, c_n) VALUES (22, true, true, true, true, true, 7) RETURNING *",
    "INSERT INTO five (k, has_a) VALUES (5, true)",
    "INSERT INTO five (k, e_n, has_e) VALUES (23, NULL, true)",
    "UPDATE five SET a_n = a_n + 1, c_v = c_v || '!', e_n = e_n * 2 WHERE has_a AND has_c AND has_e",
    "UPDATE five SET has_a = true, has_b = true, has_c = true, has_d = true, has_e = true WHERE k IN (1, 6, 12)",
    "UPDATE five SET has_a = false, a_v = DEFAULT, a_n = DEFAULT, has_d = false, d_v = 'none', d_n = 5 WHERE k IN (1, 7, 22)
     RETURNING *",
    "UPDATE five SET has_c = NULL WHERE k = 3",
    "UPDATE five SET has_c = NULL, has_e = false, e_v = 'none', e_n = 6 WHERE k = 3",
    "UPDATE five SET has_a = k % 2 = 0, has_b = k % 2 = 0, has_c = true, has_d = k % 3 = 0, has_e = k % 3 = 0,
         a_v = 'none', a_n = 2, b_v = 'none', b_n = 3, d_v = DEFAULT, d_n = DEFAULT, e_v = DEFAULT, e_n = DEFAULT
     WHERE k BETWEEN 2 AND 9",
    "UPDATE five SET k = 30, b_n = 1000 WHERE k = 6",
    "UPDATE five SET k = k + 100",
    "UPDATE five SET k = k - 100",
    "UPDATE five SET k = 11 WHERE k = 10",
    "INSERT INTO five (k, a_n, b_n, has_a, has_b) VALUES (10, 1, 1, true, true), (31, 2, 2, true, true) ON CONFLICT (k)
     DO UPDATE SET a_n = five.b_n + excluded.a_n, has_a = true",
    "INSERT INTO five (k, has_e) VALUES (10, true), (32, true) ON CONFLICT DO NOTHING RETURNING k",
    "INSERT INTO five (k, has_a, has_b, has_c, has_d, has_e) VALUES (31, true, true, true, true, true) ON CONFLICT (k)
     DO UPDATE SET has_a = true, has_b = true, has_c = true, has_d = true, has_e = true RETURNING *",
    "UPDATE five SET c_v = b_v, b_v = c_v, d_n = a_n + e_n WHERE has_a AND has_b AND has_c AND has_d AND has_e",
    "WITH u AS (UPDATE five SET e_n = 0 WHERE has_e RETURNING k, e_n) SELECT * FROM u ORDER BY k",
    "UPDATE five f SET a_v = o.c_v FROM five o WHERE o.k = 11 AND f.k = 12 AND f.has_a RETURNING f.k, f.a_v",
    "SELECT k, d_v FROM five WHERE has_d ORDER BY k LIMIT 2 FOR UPDATE",
    "DELETE FROM five WHERE k = 11",
    "DELETE FROM five WHERE has_a AND NOT has_b RETURNING k",
    "WITH gone AS (DELETE FROM five WHERE k > 29 RETURNING k, a_v, e_v) SELECT * FROM gone ORDER BY k",
    "BEGIN; DELETE FROM five; SELECT count(*) FROM five; ROLLBACK",
    "BEGIN; TRUNCATE five; SELECT count(*) FROM five; ROLLBACK",
    "COPY five (k, b_v, has_b, d_n, has_d) FROM STDIN\n40\tb\tt\t9\tt\n41\tb\tt\t10\tt\n",
    "SELECT count(*), sum(a_n), sum(b_n), sum(c_n), sum(d_n), sum(e_n) FROM five",
    "SELECT * FROM five ORDER BY k",
];

#[test]
fn an_unchanged_client_sees_each_of_five_tables() {
    let (old, new) = (old(&FIVE), new(&FIVE));
    for phase in Phase::TWO_SIDED {
        let new = format!("{old}{new}{}", leave(&FIVE, phase));
        check_with(&rule(&FIVE, phase), (&old, &new), &OF_OLD, &[&sides()]);
    }
}

#[test]
fn a_client_of_the_new_table_writes_all_five() {
    let (old, new) = (old(&FIVE), new(&FIVE));
    let dropped = format!("{old}{new}{}", leave(&FIVE, Phase::Contract));
    for phase in Phase::TWO_SIDED.into_iter().filter(|it| *it != Phase::Expand) {
        let new = format!("{old}{new}{}", leave(&FIVE, phase));
        check_with(&rule(&FIVE, phase), (&dropped, &new), &OF_NEW, &[&sides()]);
    }
}

#[test]
fn six_tables_are_written_by_clients_of_the_new_one_once_it_is_alone() {
    let (old, new) = (old(&SIX), new(&SIX));
    let dropped = format!("{old}{new}{}", leave(&SIX, Phase::Contract));
    let both = format!("{old}{new}");
    let reads = [
        "SELECT * FROM five ORDER BY k",
        "SELECT a_v, f_n FROM five WHERE has_f AND k > 3 ORDER BY k",
    ];
    check_with(&rule(&SIX, Phase::DualWrite), (&dropped, &both), &reads, &[]);
    let left = format!("{both}{}", leave(&SIX, Phase::StopDualWrite));
    check_with(&rule(&SIX, Phase::StopDualWrite), (&dropped, &left), &OF_NEW, &[]);
    let database = Database::create("six", &both);
    let relay = Relay::governing(&database, &[rule(&SIX, Phase::DualWrite)]);
    let mut client = relay.connect(&database);
    let before = database.connect().rows("SELECT to_jsonb(f) FROM five f ORDER BY k");
    for statement in [
        "UPDATE five SET a_n = 0",
        "DELETE FROM five",
        "INSERT INTO five (k, has_a) VALUES (50, true)",
        "SELECT * FROM five WHERE k = 3 FOR UPDATE",
    ] {
        let reply = client.simple(statement);
        let error = reply.error().cloned().unwrap_or_default();
        let message = "cannot rewrite a write or a row lock of what more than five tables are merged into on \
                       table \"public.five\" during migration \"merge\"";
        let hint = "write and lock the old tables until phase \"stop-dual-write\"";
        let found = [error.code(), error.get('M'), error.get('H')];
        assert_eq!(found, ["0A000", message, hint], "{statement}");
    }
    assert_eq!(database.connect().rows("SELECT to_jsonb(f) FROM five f ORDER BY k"), before);
    drop(client);
    relay.stop();
}
