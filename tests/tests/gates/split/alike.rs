//! Rows that leave what has moved to its default, or NULL: what the gate says of them is what the server does.

use rewrite_rules::Phase::{self, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::{About, Finding};
use segue_tests::server::Database;

use crate::{check, mend, told};

const TABLE: &str =
    "CREATE TABLE u (id int PRIMARY KEY, k text, a int, b int DEFAULT 5, c int, d text,
        e int4range DEFAULT '[1,5)', f int DEFAULT 9, g boolean, h uuid DEFAULT gen_random_uuid());
    CREATE FUNCTION maybe(int) RETURNS boolean VOLATILE LANGUAGE sql AS 'SELECT $1 IS NULL';";

fn migration(phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"u\"\ninto = \"v\"\n\
         key = {{ from = \"id\", to = \"id\" }}\nphase = \"{phase}\"\n\
         columns = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\"]\n"
    )
}

/// Whether a table refuses two rows that are given nothing but a key.
fn refuses(database: &Database, insert: &str) -> bool {
    let mut wire = database.connect();
    wire.script("DROP TABLE IF EXISTS refused");
    wire.script(&format!(
        "DO $$ BEGIN {insert};
         EXCEPTION WHEN unique_violation OR exclusion_violation OR check_violation THEN
             CREATE TABLE refused (); END $$"
    ));
    wire.rows("SELECT to_regclass('refused') IS NOT NULL") == ["t"]
}

/// What the gate says of it, before the old columns are left.
fn of_defaults(database: &Database) -> Vec<Finding> {
    let mut found = check(database, &migration(SwitchReads), StopDualWrite);
    found.retain(|it| matches!(it.about, About::Default | About::NotNull));
    found
}

fn planted(ddl: &str) -> Database {
    let database = Database::create("gates_split_alike", TABLE);
    mend(&database, &check(&database, &migration(Expand), DualWrite));
    database.connect().script(ddl);
    database
}

#[test]
fn what_refuses_rows_without_what_has_moved() {
    for ddl in [
        "CREATE UNIQUE INDEX i ON u ((coalesce(a, 0)))",
        "CREATE UNIQUE INDEX i ON u (c) NULLS NOT DISTINCT",
        "CREATE UNIQUE INDEX i ON u (b) NULLS NOT DISTINCT",
        "ALTER TABLE u ADD UNIQUE NULLS NOT DISTINCT (b, c)",
        "CREATE UNIQUE INDEX i ON u ((d IS NULL)) WHERE d IS NULL",
        "CREATE UNIQUE INDEX i ON u (b) WHERE f > 5 AND a IS NULL",
        "ALTER TABLE u ADD EXCLUDE USING gist (e WITH &&)",
        "ALTER TABLE u ADD EXCLUDE USING gist (int4range(a, c) WITH &&) WHERE (d IS NULL)",
        "ALTER TABLE u ADD CHECK (num_nonnulls(c, d) >= 1)",
        "ALTER TABLE u ADD CHECK (g IS NOT NULL OR a IS NOT NULL)",
        "ALTER TABLE u ADD CHECK (b <> 5) NO INHERIT NOT VALID",
    ] {
        let database = planted(ddl);
        assert!(refuses(&database, "INSERT INTO u (id) VALUES (1), (2)"), "{ddl}");
        let found = of_defaults(&database);
        assert_eq!(found.len(), 1, "{ddl}: {found:?}");
        assert!(found.iter().all(|it| !it.by_hand && it.remedy.len() == 1), "{ddl}: {found:?}");
        assert!(found.iter().all(|it| it.remedy.iter().all(|it| it.contains("DROP"))), "{ddl}");
        mend(&database, &found);
        assert!(!refuses(&database, "INSERT INTO u (id) VALUES (1), (2)"), "mended: {ddl}");
        assert_eq!(told(&of_defaults(&database)), [""; 0], "mended: {ddl}");
    }
}

#[test]
fn what_takes_them() {
    for ddl in [
        "CREATE UNIQUE INDEX i ON u (a)",
        "CREATE UNIQUE INDEX i ON u (b, c)",
        "CREATE UNIQUE INDEX i ON u (b, id)",
        "CREATE UNIQUE INDEX i ON u (h, b)",
        "CREATE UNIQUE INDEX i ON u ((coalesce(a, 0))) WHERE c IS NOT NULL",
        "CREATE UNIQUE INDEX i ON u (b) INCLUDE (f) WHERE f < 5",
        "CREATE UNIQUE INDEX i ON u (a, (id % 7)) WHERE id > 0",
        "ALTER TABLE u ADD EXCLUDE USING gist (e WITH -|-)",
        "ALTER TABLE u ADD CHECK (a > 0)",
        "ALTER TABLE u ADD CHECK (b = 5 AND f = 9)",
        "ALTER TABLE u ADD CHECK (id < 0 OR b = 5)",
        "CREATE UNIQUE INDEX i ON u (k)",
        "ALTER TABLE u ADD CHECK (k IS NULL)",
    ] {
        let database = planted(ddl);
        assert!(!refuses(&database, "INSERT INTO u (id) VALUES (1), (2)"), "{ddl}");
        assert_eq!(told(&of_defaults(&database)), [""; 0], "{ddl}");
    }
}

/// What hangs on the key, or may be another one each time it is asked, is for a human.
#[test]
fn what_nobody_can_tell() {
    for ddl in [
        "CREATE UNIQUE INDEX i ON u ((id % 7), b)",
        "CREATE UNIQUE INDEX i ON u ((h IS NULL))",
        "ALTER TABLE u ADD CHECK (id > 5 OR a > 0)",
        "ALTER TABLE u ADD CHECK (maybe(a))",
    ] {
        let found = of_defaults(&planted(ddl));
        assert!(matches!(&found[..], [it] if it.by_hand && it.forcible), "{ddl}: {found:?}");
    }
}

/// Its counterpart is for all rows of the one table, and there only the old one's are.
#[test]
fn a_part_of_the_key_tells_no_rows_apart() {
    let table = "CREATE TABLE u (t int, id int, a int DEFAULT 1, b int, PRIMARY KEY (t, id));
        CREATE UNIQUE INDEX i ON u (t, a); CREATE UNIQUE INDEX j ON u (t, b);";
    let database = Database::create("gates_split_alike", table);
    let migration = |phase| {
        format!(
            "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"u\"\ninto = \"v\"\n\
             key = {{ from = [\"t\", \"id\"], to = [\"t\", \"id\"] }}\nphase = \"{phase}\"\n\
             columns = [\"a\", \"b\"]\n"
        )
    };
    mend(&database, &check(&database, &migration(Expand), DualWrite));
    let found = check(&database, &migration(SwitchReads), StopDualWrite);
    assert_eq!(
        told(&found),
        [
            r#"risky default: unique index "i" of "public.u" is over what is the same in all rows once phase "stop-dual-write" leaves what has moved to its default, or NULL: the second row would be refused"#,
            "  DROP INDEX CONCURRENTLY public.i;",
        ]
    );
}
