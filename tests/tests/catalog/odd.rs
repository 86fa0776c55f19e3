//! Tables that are unlike most: odd names, gaps that a dump has closed, several migrations at once,
//! constraints that no rule declares, triggers, generated columns, inheritance.

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule, Shape};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Login, Wire};

use super::queries::difference;
use super::stages::generation;

/// Everything that the catalog says of columns and what hangs on them, one line each.
const ALL: [&str; 9] = [
    "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
        a.atthasdef, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum) \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 \
        AND NOT a.attisdropped ORDER BY 1, 2",
    "SELECT relname, relnatts, relchecks FROM pg_class WHERE relnamespace = 'public'::regnamespace \
        ORDER BY 1",
    "SELECT c.relname, i.indkey, pg_get_indexdef(i.indexrelid), pg_get_expr(i.indexprs, i.indrelid), \
        pg_get_expr(i.indpred, i.indrelid), pg_get_indexdef(i.indexrelid, 1, true) \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT conname, conrelid::regclass, conkey, confrelid::regclass, confkey, \
        pg_get_constraintdef(oid), pg_get_expr(conbin, conrelid) \
     FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1, 2",
    "SELECT tgname, tgattr, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "SELECT c.relname, a.attname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid \
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass \
        AND d.refobjsubid > 0 AND c.relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT table_name, column_name, ordinal_position, column_default, data_type, is_nullable \
     FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3",
    "SELECT * FROM information_schema.key_column_usage ORDER BY 3, 8",
    "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public' ORDER BY 1, 2",
];

fn look(wire: &mut Wire) -> Vec<String> {
    let mut lines = Vec::new();
    for sql in ALL {
        let reply = wire.script(sql);
        lines.extend(reply.lines());
    }
    lines
}

struct Case<'a> {
    name: &'a str,
    /// The schema that clients of the shape know.
    known: &'a str,
    /// The schema as it stands.
    stands: &'a str,
    shape: Shape,
    phase: Phase,
    pairs: Vec<ColumnPair>,
}

fn check(case: Case<'_>) {
    let known = Database::create("odd", case.known);
    let database = Database::create("odd", case.stands);
    let rules: Vec<Rule> = case
        .pairs
        .into_iter()
        .map(|pair| Rule {
            name: format!("{} {}", pair.table, pair.to),
            change: Change::RenameColumn(pair),
            phase: case.phase,
        })
        .collect();
    let relay = Relay::start(&database, generation(1, &database, &rules));
    let login = Login::at(relay.port, database.superuser(), &database.name);
    let mut wire = login.with("segue.shape", case.shape.name()).connect();
    let name = |lines: Vec<String>, database: &Database| -> Vec<String> {
        lines.iter().map(|line| line.replace(&database.name, "odd")).collect()
    };
    let expected = name(look(&mut known.connect()), &known);
    let found = name(look(&mut wire), &database);
    assert!(found == expected, "{}\n{}", case.name, difference(&expected, &found));
    assert_eq!(relay.counters().opaque, 0, "{}", case.name);
    relay.stop();
}

fn pair(table: &str, from: &str, to: &str, position: u16) -> ColumnPair {
    ColumnPair { position: Some(position), ..ColumnPair::new(table, from, to) }
}

/// A name that needs quotes, a keyword that the server quotes, and signs that mean something to a
/// regular expression or in a literal.
#[test]
fn odd_names() {
    for (from, to) in [
        ("userName", "user \"name\" (1)"),
        ("a^b.c*[d]$", "it's"),
        ("between", "order"),
        ("naïve", "\u{540d}\u{524d}"),
        ("x", "username"),
    ] {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let text = from.replace('\'', "''");
        let ddl = |columns: &str, quoted: &str| {
            format!(
                "CREATE TABLE \"Odd table\" (id int PRIMARY KEY, {columns},
                     CONSTRAINT unique_name UNIQUE ({quoted}),
                     CONSTRAINT check_name CHECK ({quoted} <> '{text}' AND {quoted} <> 'a {text} b'));
                 CREATE INDEX lower_name ON \"Odd table\" (lower({quoted})) WHERE {quoted} > '{text}';
                 COMMENT ON COLUMN \"Odd table\".{quoted} IS '{text}';
                 CREATE TABLE referring (id int, {quoted} text,
                     CONSTRAINT refers FOREIGN KEY ({quoted}) REFERENCES \"Odd table\" ({quoted}));"
            )
        };
        // The same literals and the same name in the other table: only the column is another.
        let column = |name: &str| format!("{} text NOT NULL DEFAULT '{text}'", quoted(name));
        let old = ddl(&format!("{}, note text", column(from)), &quoted(from));
        let rename =
            format!("ALTER TABLE \"Odd table\" RENAME COLUMN {} TO {}", quoted(from), quoted(to));
        let behind = ddl(&format!("gap int, note text, {}", column(from)), &quoted(from));
        let new = format!("{behind}; {rename}; ALTER TABLE \"Odd table\" DROP COLUMN gap");
        check(Case {
            name: from,
            known: &old,
            stands: &new,
            shape: Shape::Old,
            phase: Phase::Contract,
            pairs: vec![pair("\"Odd table\"", from, to, 2)],
        });
        check(Case {
            name: to,
            known: &new,
            stands: &old,
            shape: Shape::New,
            phase: Phase::Expand,
            pairs: vec![pair("\"Odd table\"", from, to, 2)],
        });
    }
}

/// A dump and a restore close the gap that the old column left, so all columns are counted anew.
#[test]
fn a_restored_dump() {
    check(Case {
        name: "restored",
        known: "CREATE TABLE crew (id int PRIMARY KEY, nick text UNIQUE, rank int DEFAULT 3, ship text);
            CREATE INDEX crew_rank ON crew (rank, nick);
            CREATE TABLE logs (id int, rank int, nick text CONSTRAINT by_nick REFERENCES crew (nick));
            COMMENT ON COLUMN crew.ship IS 'hers';",
        stands: "CREATE TABLE crew (id int PRIMARY KEY, rank int DEFAULT 3, ship text, callsign text CONSTRAINT crew_nick_key UNIQUE);
            CREATE INDEX crew_rank ON crew (rank, callsign);
            CREATE TABLE logs (id int, rank int, nick text CONSTRAINT by_nick REFERENCES crew (callsign));
            COMMENT ON COLUMN crew.ship IS 'hers';",
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("crew", "nick", "callsign", 2)],
    });
}

/// Two migrations of one table, with a column dropped long ago between them.
#[test]
fn several_migrations_and_an_old_gap() {
    let known =
        "CREATE TABLE t (a int, b text, c text, gone int, d int, CONSTRAINT t_key UNIQUE (b, c));
        ALTER TABLE t DROP COLUMN gone;
        CREATE INDEX t_cb ON t (c, d, b) INCLUDE (a);";
    check(Case {
        name: "several",
        known,
        stands: "CREATE TABLE t (a int, b text, c text, gone int, d int);
            ALTER TABLE t DROP COLUMN gone, ADD COLUMN bb text, ADD COLUMN cc text;
            ALTER TABLE t ADD CONSTRAINT t_key UNIQUE (bb, cc);
            CREATE INDEX t_cb ON t (cc, d, bb) INCLUDE (a);
            ALTER TABLE t DROP COLUMN b, DROP COLUMN c;",
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("t", "b", "bb", 2), pair("t", "c", "cc", 3)],
    });
    check(Case {
        name: "several, both sides there",
        known,
        stands: "CREATE TABLE t (a int, b text, c text, gone int, d int, CONSTRAINT t_key UNIQUE (b, c));
            ALTER TABLE t DROP COLUMN gone, ADD COLUMN bb text, ADD COLUMN cc text;
            CREATE INDEX t_cb ON t (c, d, b) INCLUDE (a);
            CREATE INDEX helper ON t (bb);
            ALTER TABLE t ADD CONSTRAINT t_key2 UNIQUE (bb, cc);",
        shape: Shape::Old,
        phase: Phase::DualWrite,
        pairs: vec![pair("t", "b", "bb", 2), pair("t", "c", "cc", 3)],
    });
}

/// What depends on the column moves before the old one is released: triggers and generated columns.
#[test]
fn triggers_and_generated_columns() {
    let ddl = |column: &str, columns: &str| {
        format!(
            "CREATE TABLE t (id int PRIMARY KEY,
                 twice text GENERATED ALWAYS AS ({column} || {column}) STORED, {columns});
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE TRIGGER watch AFTER UPDATE OF {column} ON t FOR EACH ROW
                 WHEN (old.{column} IS DISTINCT FROM new.{column}) EXECUTE FUNCTION f();"
        )
    };
    check(Case {
        name: "triggers",
        known: &ddl("label", "label text, note text"),
        stands: &ddl("heading", "heading text, note text"),
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("t", "label", "heading", 3)],
    });
    check(Case {
        name: "triggers of the new shape",
        known: &format!(
            "{}; ALTER TABLE t DROP COLUMN gap",
            ddl("heading", "gap text, note text, heading text")
        ),
        stands: &ddl("label", "label text, note text"),
        shape: Shape::New,
        phase: Phase::Expand,
        pairs: vec![pair("t", "label", "heading", 2)],
    });
}

/// Tables that inherit, and a partition made after the old column was dropped, with columns in an
/// order of its own.
#[test]
fn inheritance_and_a_partition_of_its_own_order() {
    check(Case {
        name: "inheritance",
        known: "CREATE TABLE base (id int, label text NOT NULL);
            CREATE TABLE child (extra int) INHERITS (base);
            CREATE INDEX child_label ON child (label, extra);",
        stands: "CREATE TABLE base (id int, label text NOT NULL);
            CREATE TABLE child (extra int) INHERITS (base);
            ALTER TABLE base ADD COLUMN heading text;
            ALTER TABLE base ALTER COLUMN heading SET NOT NULL;
            CREATE INDEX child_label ON child (heading, extra);
            ALTER TABLE base DROP COLUMN label;",
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("base", "label", "heading", 2)],
    });
    check(Case {
        name: "partition",
        known: "CREATE TABLE t (id int, label text, at date) PARTITION BY RANGE (at);
            CREATE INDEX by_label ON t (label, at);
            CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-1-1') TO ('2021-1-1');
            ALTER INDEX t1_label_at_idx RENAME TO by_label_1;",
        stands: "CREATE TABLE t (id int, label text, at date) PARTITION BY RANGE (at);
            ALTER TABLE t ADD COLUMN heading text;
            CREATE INDEX by_label ON t (heading, at);
            ALTER TABLE t DROP COLUMN label;
            CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-1-1') TO ('2021-1-1');
            ALTER INDEX t1_heading_at_idx RENAME TO by_label_1;",
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("t", "label", "heading", 2)],
    });
}

/// A foreign key of a table to itself, and one whose own column is migrated.
#[test]
fn foreign_keys_on_either_side() {
    let ddl = |column: &str, of: &str| {
        format!(
            "CREATE TABLE t (id int PRIMARY KEY, {column} text CONSTRAINT by_name UNIQUE,
                 parent text CONSTRAINT to_self REFERENCES t ({column}));
             CREATE TABLE other (label text PRIMARY KEY);
             CREATE TABLE s (heading int, {of} text CONSTRAINT to_other REFERENCES other (label)
                 ON DELETE SET NULL ({of}));"
        )
    };
    check(Case {
        name: "foreign keys",
        known: &ddl("label", "label"),
        stands: &ddl("heading", "of_label"),
        shape: Shape::Old,
        phase: Phase::Contract,
        pairs: vec![pair("t", "label", "heading", 2), pair("s", "label", "of_label", 2)],
    });
}
