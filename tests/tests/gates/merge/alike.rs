//! Unique indexes and exclusion constraints of a table that is merged: rows that have no part of it are not in each
//! other's way, and those that have one are as they were.

use rewrite_rules::Phase::{self, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::is_open;
use segue_tests::server::Database;

use crate::{check, mend, told};

const TABLES: &str =
    "CREATE TABLE m1 (k int PRIMARY KEY, x int, y int DEFAULT 4, e int4range DEFAULT '[1,5)',
        t uuid DEFAULT gen_random_uuid());
    CREATE TABLE m2 (k int PRIMARY KEY, z text);";

fn migration(phase: Phase, present: &str) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = \"n\"\nkey = \"k\"\nphase = \"{phase}\"\n\
         [[migration.source]]\ntable = \"m1\"\ncolumns = [\"x\", \"y\", \"e\", \"t\"]\n{present}\n\
         [[migration.source]]\ntable = \"m2\"\ncolumns = [\"z\"]\n"
    )
}

const PRESENT: &str = "present = \"h1\"";

/// Whether the server refuses it. Nothing is left of it.
fn refuses(database: &Database, insert: &str) -> bool {
    let mut wire = database.connect();
    wire.simple(&format!("BEGIN; {insert}; ROLLBACK")).error().is_some()
}

/// Takes a step in thought once all that the gate asks for is done.
#[track_caller]
fn opened(database: &Database, from: Phase, to: Phase, why: &str) {
    // The new table is analyzed once it has its indexes.
    for _ in 0..2 {
        mend(database, &check(database, &migration(from, PRESENT), to));
    }
    let left = check(database, &migration(from, PRESENT), to);
    assert!(is_open(&left), "{why}: {from} -> {to}\n{}", told(&left).join("\n"));
}

#[test]
fn they_are_made_for_the_rows_that_have_the_part() {
    for (ddl, alike, other) in [
        ("CREATE UNIQUE INDEX i ON m1 ((coalesce(x, 0)))", "x: 0", "x: 1"),
        ("CREATE UNIQUE INDEX i ON m1 ((x IS NULL)) WHERE x IS NULL", "x: NULL", "x: 1"),
        ("CREATE UNIQUE INDEX i ON m1 (y) WHERE x IS NULL", "y: 4", "y: 5"),
        ("CREATE UNIQUE INDEX i ON m1 (y) WHERE x IS NULL AND y > 3 AND y < 9", "y: 4", "y: 9"),
        ("ALTER TABLE m1 ADD UNIQUE NULLS NOT DISTINCT (x)", "x: NULL", "x: 1"),
        ("ALTER TABLE m1 ADD UNIQUE NULLS NOT DISTINCT (x, y)", "x: NULL", "x: 1"),
        ("ALTER TABLE m1 ADD UNIQUE (y)", "y: 4", "y: 5"),
        ("ALTER TABLE m1 ADD UNIQUE (x)", "x: 4", "x: 5"),
        ("CREATE UNIQUE INDEX i ON m1 ((t IS NULL), y)", "y: 4", "y: 5"),
        ("ALTER TABLE m1 ADD EXCLUDE USING gist (e WITH &&)", "e: '[1,5)'", "e: '[5,6)'"),
        (
            "ALTER TABLE m1 ADD EXCLUDE USING gist (e WITH &&) WHERE (x IS NULL)",
            "e: '[1,5)'",
            "e: '[5,6)'",
        ),
    ] {
        let database = Database::create("gates_merge_alike", &format!("{TABLES}{ddl}"));
        opened(&database, Expand, DualWrite, ddl);
        opened(&database, DualWrite, SwitchReads, ddl);
        opened(&database, SwitchReads, StopDualWrite, ddl);
        let others = "INSERT INTO n (k, z) VALUES (1, 'a'), (2, 'b')";
        assert!(!refuses(&database, others), "{ddl}");
        let pair = |table: &str, present: &str, first: &str, second: &str| {
            let given = |key: u8, it: &str| {
                let (column, value) = it.split_once(": ").expect("a column and its value");
                format!("INSERT INTO {table} (k, {column}) VALUES ({key}, {value})")
            };
            let mark = |key: u8| match present {
                "" => String::new(),
                _column => format!("; UPDATE {table} SET {present} = true WHERE k = {key}"),
            };
            format!("{}{}; {}{}", given(1, first), mark(1), given(2, second), mark(2))
        };
        for (table, present) in [("m1", ""), ("n", "h1")] {
            assert!(refuses(&database, &pair(table, present, alike, alike)), "{table}: {ddl}");
            assert!(!refuses(&database, &pair(table, present, alike, other)), "{table}: {ddl}");
        }
    }
}

#[test]
fn without_the_column_nothing_does_for_them() {
    for (ddl, kind) in [
        ("CREATE UNIQUE INDEX i ON m1 ((coalesce(x, 0)))", "index of m1"),
        ("ALTER TABLE m1 ADD CONSTRAINT i UNIQUE NULLS NOT DISTINCT (x)", "index of m1"),
        ("ALTER TABLE m1 ADD CONSTRAINT i EXCLUDE USING gist (e WITH &&)", "constraint of m1"),
    ] {
        let database = Database::create("gates_merge_alike", &format!("{TABLES}{ddl}"));
        mend(&database, &check(&database, &migration(Expand, ""), DualWrite));
        assert!(!refuses(&database, "INSERT INTO n (k, z) VALUES (1, 'a'), (2, 'b')"), "{ddl}");
        assert_eq!(told(&check(&database, &migration(Expand, ""), DualWrite)), [""; 0], "{ddl}");
        let found = check(&database, &migration(DualWrite, ""), SwitchReads);
        let way_out = "declare \"present\", or drop it from \"public.m1\"";
        let told_of = |it: &&segue::gate::Finding| it.message.ends_with(way_out);
        let of_it: Vec<_> = found.iter().filter(told_of).collect();
        assert!(
            matches!(&of_it[..], [it] if it.remedy.is_empty() && it.forcible),
            "{kind}: {found:?}"
        );
        // Dropped there, it is in nobody's way.
        let drop = if ddl.starts_with("CREATE") {
            "DROP INDEX i"
        } else {
            "ALTER TABLE m1 DROP CONSTRAINT i"
        };
        database.connect().script(drop);
        let left = check(&database, &migration(DualWrite, ""), SwitchReads);
        assert_eq!(left.iter().filter(told_of).count(), 0, "{ddl}");
    }
}

/// As somebody may have made it.
#[test]
fn what_looks_at_all_rows_is_in_the_way() {
    for (ddl, there, said) in [
        (
            "CREATE UNIQUE INDEX i ON m1 ((coalesce(x, 0)))",
            "CREATE UNIQUE INDEX j ON n ((coalesce(x, 0)))",
            r#"risky unique-index: unique index "j" of "public.n" is over columns that are at their defaults in each row that is none of "public.m1": the second one would be refused"#,
        ),
        (
            "ALTER TABLE m1 ADD EXCLUDE USING gist (e WITH &&)",
            "ALTER TABLE n ADD CONSTRAINT j EXCLUDE USING gist (e WITH &&)",
            r#"risky unique-index: exclusion constraint "j" of "public.n" is over columns that are at their defaults in each row that is none of "public.m1": the second one would be refused"#,
        ),
        (
            "CREATE UNIQUE INDEX i ON m1 ((t IS NULL), y)",
            "CREATE UNIQUE INDEX j ON n ((t IS NULL), y)",
            r#"risky unique-index (by hand): unique index "j" of "public.n" looks at rows that are none of "public.m1" too, and nobody can tell whether it refuses them"#,
        ),
    ] {
        let database = Database::create("gates_merge_alike", TABLES);
        opened(&database, Expand, DualWrite, ddl);
        database.connect().script(ddl);
        database.connect().script(there);
        let found = check(&database, &migration(Expand, PRESENT), DualWrite);
        assert_eq!(told(&found).first().map(String::as_str), Some(said));
        mend(&database, &found);
        assert_eq!(
            told(&check(&database, &migration(Expand, PRESENT), DualWrite)),
            [""; 0],
            "{ddl}"
        );
    }
}
