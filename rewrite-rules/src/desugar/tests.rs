//! What the parser gets to see: the tree of each construct, printed.

use crate::statement::{Parsed, read};

fn parsed(text: &str) -> Option<Parsed> {
    read(text, true).ok().filter(|parsed| parsed.statements.iter().all(Result::is_ok))
}

/// The text's trees, and behind `|` what they do not hold.
fn tree(text: &str) -> String {
    let Some(parsed) = parsed(text) else { return "unread".to_owned() };
    let mut printed: Vec<String> =
        parsed.statements.iter().flatten().map(ToString::to_string).collect();
    for piece in &parsed.pieces {
        let expressions: Vec<String> = piece.expressions.iter().map(ToString::to_string).collect();
        printed.push(format!("| {}", expressions.join(", ")));
    }
    printed.join(" ")
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(tree(text), *expected, "{text}");
    }
}

#[test]
fn operators() {
    check(&[
        ("SELECT a ISNULL", "SELECT a IS NULL"),
        ("SELECT isnull(a)", "SELECT isnull(a)"),
        ("SELECT a NOTNULL", "SELECT a IS NOT NULL"),
        ("SELECT a BETWEEN SYMMETRIC b AND c", "SELECT a BETWEEN b AND c"),
        ("SELECT a OPERATOR(s.+) b", "SELECT a + b"),
        (
            "SELECT a COLLATE \"C\" < b, c COLLATE s.d",
            "SELECT a::\"collated\" < b, c::\"collated\"",
        ),
        ("SELECT a COLLATE FROM t", "SELECT a AS COLLATE FROM t"),
        ("SELECT a FROM t repeatable (b)", "SELECT a FROM t repeatable (b)"),
        (
            "SELECT a = ANY (b), c <> ALL (SELECT d), e LIKE ANY (f)",
            "SELECT a = (b), c <> (SELECT d), e LIKE (f)",
        ),
        ("SELECT a IS NOT DOCUMENT, b IS DOCUMENT", "SELECT a IS NOT TRUE, b IS TRUE"),
        ("SELECT f(a, VARIADIC b)", "SELECT f(a, b)"),
        ("SELECT (f(a)).*, (b).c.*, t.*", "SELECT (f(a)).*, (b).c.*, t.*"),
        ("SELECT a IN ((SELECT b), c)", "SELECT a IN (+(SELECT b), c)"),
    ]);
}

#[test]
fn words_that_are_names() {
    check(&[
        ("SELECT top FROM t global JOIN u ON true", "SELECT top FROM t global JOIN u ON true"),
        ("SELECT a AS only, t.table, values FROM t", "SELECT a AS only, t.table, values FROM t"),
        ("SELECT a or FROM t", "unread"),
        ("SELECT 1 a, 2 desc, 3 end", "SELECT 1 AS a, 2 AS desc, 3 AS end"),
        ("SELECT a::enum", "SELECT a::enum"),
        (
            "SELECT sum(a) OVER (first ORDER BY b) FROM t WINDOW first AS ()",
            "SELECT sum(a) OVER (first ORDER BY b) FROM t WINDOW first AS ()",
        ),
    ]);
}

#[test]
fn queries() {
    check(&[
        ("SELECT", "SELECT 1"),
        ("SELECT ALL a FROM t", "SELECT ALL a FROM t"),
        ("TABLE t", "SELECT * FROM t"),
        ("SELECT a FROM (TABLE ONLY t) x", "SELECT a FROM (SELECT * FROM t) x"),
        (
            "SELECT a FROM t GROUP BY DISTINCT ROLLUP (a), CUBE (b), ()",
            "SELECT a FROM t GROUP BY ROLLUP (a), CUBE (b), ()",
        ),
        (
            "SELECT a FROM t GROUP BY ROLLUP ((a).b, (c, d), ((e))), GROUPING SETS ((a::x), (b)::y)",
            "SELECT a FROM t GROUP BY ROLLUP ((a).b, (c, d), (e)), GROUPING SETS ((a::x), ((b)::y))",
        ),
        (
            "SELECT a FROM t GROUP BY ROLLUP ((SELECT 1), b), CUBE (c, (WITH d AS (SELECT 1) SELECT e)), GROUPING SETS ((TABLE u), (SELECT f))",
            "SELECT a FROM t GROUP BY ROLLUP ((SELECT 1), b), CUBE (c, (WITH d AS (SELECT 1) SELECT e)), GROUPING SETS (((SELECT * FROM u)), ((SELECT f)))",
        ),
        (
            "SELECT a FROM t GROUP BY GROUPING SETS (ROLLUP ((SELECT 1), b), ((SELECT 2), c), ((SELECT 3) UNION SELECT 4))",
            "SELECT a FROM t GROUP BY GROUPING SETS ((ROLLUP(((SELECT 1)), b)), ((SELECT 2), c), (((SELECT 3) UNION SELECT 4)))",
        ),
        ("SELECT a FROM t FETCH FIRST ROW WITH TIES", "SELECT a FROM t"),
        (
            "SELECT a FROM t OFFSET 1 ROW FETCH NEXT (b + 1) ROWS ONLY",
            "SELECT a FROM t LIMIT (b + 1) OFFSET 1 ROW",
        ),
        (
            "SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED FOR KEY SHARE",
            "SELECT a FROM t FOR UPDATE OF t SKIP LOCKED FOR SHARE",
        ),
        (
            "SELECT max(a) OVER (ORDER BY b ROWS c PRECEDING EXCLUDE TIES) FROM t",
            "SELECT max(a) OVER (ORDER BY b ROWS c PRECEDING) FROM t",
        ),
        (
            "WITH a AS (SELECT 1 b) SEARCH DEPTH FIRST BY b SET c CYCLE b SET d USING e SELECT 1",
            "WITH a AS (SELECT 1 AS b) SELECT 1",
        ),
        (
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
        ),
    ]);
}

#[test]
fn relations() {
    check(&[
        ("SELECT a FROM t *, ONLY (u) AS x (b)", "SELECT a FROM t, u AS x (b)"),
        (
            "SELECT a FROM ROWS FROM (f(b), g(c) AS (d int)) WITH ORDINALITY AS x (e)",
            "SELECT a FROM \"rows from\"(f(b), g(c)) WITH ORDINALITY AS x (e)",
        ),
        ("SELECT a FROM f(b) AS (c int, d text COLLATE \"C\")", "SELECT a FROM f(b)"),
        (
            "DELETE FROM t USING (SELECT a FROM u) AS v WHERE b",
            "DELETE FROM t USING (SELECT a FROM u) AS v WHERE b",
        ),
        (
            "SELECT a FROM t JOIN u ON CASE WHEN b THEN c END, ONLY (v) AS x, ROWS FROM (f(d)) y",
            "SELECT a FROM t JOIN u ON CASE WHEN b THEN c END, v AS x, \"rows from\"(f(d)) y",
        ),
        ("SELECT a FROM t JOIN u USING (b) AS j", "SELECT a FROM t JOIN u USING(b)"),
        (
            "SELECT a FROM t TABLESAMPLE system (1) REPEATABLE (f(b))",
            "SELECT a FROM t TABLESAMPLE BERNOULLI (1) | (f(b))",
        ),
        (
            "SELECT a FROM XMLTABLE('/x' PASSING b COLUMNS c int PATH '/c' DEFAULT d) x",
            "SELECT a FROM XMLTABLE(E'/x', b, NULL, E'/c', d) x",
        ),
        (
            "SELECT a FROM ((t CROSS JOIN u) JOIN v ON true)",
            "SELECT a FROM ((t CROSS JOIN u) JOIN v ON true)",
        ),
    ]);
}

#[test]
fn writes() {
    check(&[
        ("UPDATE t SET a[b] = c, d.e = f", "UPDATE t SET a = c, d.e = f | NULL[b]"),
        ("UPDATE t SET (a, b[1]) = ROW (c, d)", "UPDATE t SET (a, b) = ROW(c, d) | NULL[1]"),
        (
            "INSERT INTO t (a[1], b.c) OVERRIDING USER VALUE VALUES (d, e)",
            "INSERT INTO t (a, b.c) VALUES (d, e) | NULL[1]",
        ),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT (lower(a) COLLATE \"C\" text_ops, b) WHERE c DO NOTHING",
            "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING | lower(a)::\"collated\", b, c",
        ),
        (
            "UPDATE t SET a = CASE WHEN b THEN c END, d[3] = e, (f, g[1]) = (h, i) WHERE j",
            "UPDATE t SET a = CASE WHEN b THEN c END, d = e, (f, g) = (h, i) WHERE j | NULL[3] | NULL[1]",
        ),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = CASE c WHEN d THEN e ELSE f END, g[1] = h",
            "INSERT INTO t VALUES (1) ON CONFLICT(a) DO UPDATE SET b = CASE c WHEN d THEN e ELSE f END, g = h | NULL[1]",
        ),
        ("UPDATE t * SET a = 1 WHERE CURRENT OF c", "UPDATE t SET a = 1 WHERE true"),
        (
            "DELETE FROM ONLY (t) AS x USING u WHERE x.a = u.a",
            "DELETE FROM t AS x USING u WHERE x.a = u.a",
        ),
        (
            "MERGE INTO ONLY t AS x USING u ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES WHEN MATCHED THEN DO NOTHING",
            "MERGE INTO t AS x USING u ON true WHEN NOT MATCHED THEN INSERT * WHEN MATCHED THEN DO NOTHING",
        ),
        (
            "MERGE INTO t USING u JOIN v ON CASE WHEN a THEN b END ON CASE WHEN matched THEN d END WHEN MATCHED THEN DELETE",
            "MERGE INTO t USING (u JOIN v ON CASE WHEN a THEN b END) ON CASE WHEN matched THEN d END WHEN MATCHED THEN DELETE",
        ),
        (
            "MERGE INTO t USING u ON CASE WHEN a THEN b END WHEN MATCHED AND c THEN UPDATE SET d = CASE WHEN e THEN f END, g[1] = h WHEN NOT MATCHED THEN INSERT (a) VALUES (c)",
            "MERGE INTO t USING u ON CASE WHEN a THEN b END WHEN MATCHED AND c THEN UPDATE SET d = CASE WHEN e THEN f END, g = h WHEN NOT MATCHED THEN INSERT (a) VALUES (c) | NULL[1]",
        ),
    ]);
}

#[test]
fn definitions() {
    check(&[
        (
            "CREATE TEMP TABLE x (a, b) ON COMMIT DROP AS SELECT c, d FROM t WITH NO DATA",
            "CREATE TEMPORARY TABLE x AS SELECT c, d FROM t",
        ),
        ("CREATE TABLE x AS EXECUTE p (1)", "CREATE TABLE x AS SELECT (1)"),
        (
            "CREATE RECURSIVE VIEW v (a) AS SELECT b FROM t WITH LOCAL CHECK OPTION",
            "CREATE VIEW v (a) AS SELECT b FROM t",
        ),
        (
            "DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR WITH HOLD FOR SELECT a FROM t",
            "DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t",
        ),
        ("EXPLAIN (ANALYZE, FORMAT json) UPDATE t SET a = 1", "EXPLAIN UPDATE t SET a = 1"),
        ("PREPARE p (int, text) AS SELECT $1 FROM t", "PREPARE p (INT, TEXT) AS SELECT $1 FROM t"),
        ("COPY t (a) FROM STDIN WITH (FORMAT csv) WHERE b > 1", "SELECT 1 WHERE b > 1"),
        (
            "LOCK TABLE ONLY t *, u IN SHARE MODE NOWAIT",
            "LOCK TABLE ONLY t *, u IN SHARE MODE NOWAIT",
        ),
        (
            "TRUNCATE ONLY t, u * RESTART IDENTITY CASCADE",
            "TRUNCATE ONLY t, u * RESTART IDENTITY CASCADE",
        ),
    ]);
}
