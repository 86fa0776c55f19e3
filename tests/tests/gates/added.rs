//! A column that is added and filled: before it is filled, and before every row must have it.

use rewrite_rules::Phase::{self, Backfill, Enforce, Expand};
use segue::gate::is_open;
use segue_tests::server::Database;

use super::{check, check_as, mend, told};

/// A table with its new column, of which nobody has filled a row.
const CLEAN: &str = "CREATE TABLE users (
        id bigint PRIMARY KEY, last_login timestamptz, created_at timestamptz, seen_at timestamptz);
    INSERT INTO users SELECT g, CASE WHEN g > 1 THEN '2024-01-01'::timestamptz END, '2023-01-01'
        FROM generate_series(1, 5) g;";

/// What the backfill does.
const FILLED: &str =
    "UPDATE users SET seen_at = coalesce(last_login, created_at) WHERE seen_at IS NULL;";

fn seen(rest: &str, phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"backfill-column\"\ntable = \"users\"\n\
         column = \"seen_at\"\nvalue = \"coalesce(last_login, created_at)\"\nphase = \"{phase}\"\n{rest}\n"
    )
}

/// Plants a fault, and wants just these lines of the step.
#[track_caller]
fn planted(ddl: &str, rest: &str, from: Phase, to: Phase, expected: &[&str]) {
    let database = Database::create("gates_added", ddl);
    assert_eq!(told(&check(&database, &seen(rest, from), to)), expected, "{ddl}");
}

#[test]
fn a_clean_database_has_no_findings_on_any_step() {
    let database = Database::create("gates_added", CLEAN);
    let step = |from: Phase, to: Phase| {
        assert_eq!(told(&check(&database, &seen("", from), to)), [""; 0], "{from} -> {to}");
    };
    step(Expand, Backfill);
    step(Backfill, Expand);
    database.connect().script(FILLED);
    step(Backfill, Enforce);
    step(Enforce, Backfill);
}

#[test]
fn the_way_back_is_always_open() {
    let database = Database::create("gates_added", CLEAN);
    let not_null = |phase| seen("not_null = true", phase);
    assert_eq!(told(&check(&database, &not_null(Enforce), Backfill)), [""; 0]);
    assert_eq!(told(&check(&database, &not_null(Backfill), Expand)), [""; 0]);
    database.connect().script("ALTER TABLE users DROP COLUMN seen_at");
    assert_eq!(told(&check(&database, &not_null(Backfill), Expand)), [""; 0]);
}

#[test]
fn a_column_that_is_missing_is_added_with_the_type_of_its_values() {
    planted(
        &format!("{CLEAN} ALTER TABLE users DROP COLUMN seen_at"),
        "",
        Expand,
        Backfill,
        &[
            r#"not-ready missing-column: column "seen_at" does not exist in "public.users", and phase "backfill" needs it"#,
            "  ALTER TABLE public.users ADD COLUMN seen_at timestamp with time zone;",
        ],
    );
}

#[test]
fn a_value_that_does_not_fit() {
    planted(
        &format!(
            "{CLEAN} ALTER TABLE users DROP COLUMN seen_at; ALTER TABLE users ADD seen_at uuid"
        ),
        "",
        Expand,
        Backfill,
        &[
            r#"not-ready definition: key "value" of migration "m": the server cannot store "coalesce(last_login, created_at)" in "seen_at": column "seen_at" is of type uuid but expression is of type timestamp with time zone; names of types, functions and operators outside pg_catalog need their schema; it was asked: UPDATE public.users AS t SET seen_at = coalesce(t.last_login, t.created_at)"#,
        ],
    );
    let database = Database::create("gates_added", CLEAN);
    let aggregate = seen("", Expand).replace("coalesce(last_login, created_at)", "max(created_at)");
    assert_eq!(
        told(&check(&database, &aggregate, Backfill)),
        [
            r#"not-ready definition: key "value" of migration "m": the server cannot read "max(created_at)": aggregate functions are not allowed in WHERE; names of types, functions and operators outside pg_catalog need their schema; it was asked: SELECT FROM public.users AS t WHERE (max(t.created_at)) IS NOT NULL"#,
        ]
    );
}

#[test]
fn what_would_keep_rows_from_being_filled() {
    planted(
        &format!(
            "{CLEAN} ALTER TABLE users DROP COLUMN seen_at;
             ALTER TABLE users ADD seen_at timestamptz DEFAULT '2000-01-01 00:00+00'"
        ),
        "",
        Expand,
        Backfill,
        &[
            r#"risky default: column "seen_at" was added to "public.users" with the default '2000-01-01 00:00:00+00'::timestamp with time zone, which all rows of the past have now: only NULLs are filled"#,
            "  ALTER TABLE public.users DROP COLUMN seen_at;",
            "  ALTER TABLE public.users ADD COLUMN seen_at timestamp with time zone;",
            "  ALTER TABLE public.users ALTER COLUMN seen_at SET DEFAULT '2000-01-01 00:00:00+00'::timestamp with time zone;",
        ],
    );
    // Set afterwards it is only that of new rows.
    planted(
        &format!("{CLEAN} ALTER TABLE users ALTER seen_at SET DEFAULT now()"),
        "",
        Expand,
        Backfill,
        &[],
    );
    planted(
        &format!("{CLEAN} CREATE RULE frozen AS ON UPDATE TO users DO INSTEAD NOTHING"),
        "",
        Expand,
        Backfill,
        &[
            r#"risky rule: rule "frozen" of "public.users" takes the place of an UPDATE, and so of the one that fills "seen_at""#,
            "  DROP RULE frozen ON public.users;",
        ],
    );
    planted(
        &format!("{CLEAN} {FILLED} ALTER TABLE users ALTER seen_at SET NOT NULL"),
        "",
        Expand,
        Backfill,
        &[
            r#"risky not-null: column "seen_at" of "public.users" is NOT NULL without a default: clients that do not know it cannot insert"#,
            "  ALTER TABLE public.users ALTER COLUMN seen_at DROP NOT NULL;",
        ],
    );
}

#[test]
fn triggers_that_the_filling_fires() {
    let function = |name: &str, body: &str| {
        format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body} RETURN NEW; END';"
        )
    };
    let ddl = format!(
        "{CLEAN} {} {}
         CREATE TRIGGER keeps BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION keeps();
         CREATE TRIGGER notes AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION notes();
         CREATE TRIGGER odd BEFORE INSERT OR UPDATE ON users FOR EACH ROW
            EXECUTE FUNCTION suppress_redundant_updates_trigger();
         CREATE TRIGGER made AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION notes();",
        function("keeps", "NEW.seen_at := OLD.seen_at;"),
        function("notes", "")
    );
    planted(
        &ddl,
        "",
        Expand,
        Backfill,
        &[
            r#"risky trigger: BEFORE trigger "keeps" of "public.users": its function public.keeps() names "seen_at": see that it keeps what is written to it"#,
            "  SELECT pg_get_functiondef('public.keeps()'::regprocedure);",
            r#"risky trigger: BEFORE trigger "odd" of "public.users": its function suppress_redundant_updates_trigger() is written in language internal: nobody can tell whether it changes "seen_at""#,
            r#"note trigger: trigger "notes" of "public.users": its function public.notes() is called for every row that is filled"#,
        ],
    );
}

#[test]
fn rows_that_are_not_filled_yet() {
    planted(
        &format!("{CLEAN} {FILLED} UPDATE users SET seen_at = NULL WHERE id = 4"),
        "",
        Backfill,
        Enforce,
        &[
            r#"not-ready not-filled: column "seen_at" is NULL in 1 row of "public.users" for which there is a value: id = 4"#,
            "  UPDATE public.users SET seen_at = coalesce(last_login, created_at) WHERE seen_at IS NULL AND (coalesce(last_login, created_at)) IS NOT NULL; -- in batches: segue backfill m",
        ],
    );
    // What has no value is as it should be.
    let no_value =
        "UPDATE users SET last_login = NULL, created_at = NULL, seen_at = NULL WHERE id = 2;";
    planted(&format!("{CLEAN} {FILLED} {no_value}"), "", Backfill, Enforce, &[]);
    planted(
        &format!("{CLEAN} {FILLED} {no_value} ALTER TABLE users ALTER seen_at SET DEFAULT now()"),
        "not_null = true",
        Backfill,
        Enforce,
        &[
            r#"not-ready not-filled: column "seen_at" is to be NOT NULL, and in 1 row of "public.users" it is NULL and so is the value: id = 2"#,
        ],
    );
}

#[test]
fn a_value_that_is_another_each_time_is_not_computed_to_be_looked_at() {
    let ddl = "CREATE SEQUENCE codes; CREATE TABLE users (id int PRIMARY KEY, seen_at int);
        INSERT INTO users SELECT g FROM generate_series(1, 5) g";
    let database = Database::create("gates_added", ddl);
    let volatile = |phase| {
        seen("", phase).replace("coalesce(last_login, created_at)", "nextval('public.codes')")
    };
    assert_eq!(told(&check(&database, &volatile(Expand), Backfill)), [""; 0]);
    assert_eq!(
        told(&check(&database, &volatile(Backfill), Enforce)),
        [
            r#"not-ready not-filled: column "seen_at" is NULL in 5 rows of "public.users" for which there is a value: id = 1; id = 2; id = 3; …"#,
            "  UPDATE public.users SET seen_at = nextval('public.codes') WHERE seen_at IS NULL; -- in batches: segue backfill m",
        ]
    );
    let called = database.connect().rows("SELECT is_called FROM codes");
    assert_eq!(called, ["f"], "the gate computed a value");
}

#[test]
fn not_null_is_asked_for_when_every_row_is_filled_and_the_remedies_open_the_gate() {
    let database = Database::create("gates_added", CLEAN);
    let step = || check(&database, &seen("not_null = true", Backfill), Enforce);
    let no_default = r#"risky default: column "seen_at" of "public.users" is to be NOT NULL and has no default: clients that leave it out cannot insert any more"#;
    let findings = step();
    assert_eq!(
        told(&findings),
        [
            r#"not-ready not-filled: column "seen_at" is NULL in 5 rows of "public.users" for which there is a value: id = 1; id = 2; id = 3; …"#,
            "  UPDATE public.users SET seen_at = coalesce(last_login, created_at) WHERE seen_at IS NULL AND (coalesce(last_login, created_at)) IS NOT NULL; -- in batches: segue backfill m",
            no_default,
        ]
    );
    mend(&database, &findings);
    let findings = step();
    assert_eq!(
        told(&findings),
        [
            r#"not-ready not-null: column "seen_at" of "public.users" may be NULL, and the migration says not_null"#,
            "  ALTER TABLE public.users ADD CONSTRAINT segue_seen_at_not_null CHECK (seen_at IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT segue_seen_at_not_null;",
            "  ALTER TABLE public.users ALTER COLUMN seen_at SET NOT NULL;",
            "  ALTER TABLE public.users DROP CONSTRAINT segue_seen_at_not_null;",
            no_default,
        ]
    );
    mend(&database, &findings);
    assert!(is_open(&step()), "{}", told(&step()).join("\n"));
    let not_null = "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'seen_at'";
    assert_eq!(database.connect().rows(not_null), ["t"]);
}

#[test]
fn partitions_and_quoted_names() {
    let ddl = "CREATE TABLE \"Users\" (\"Id\" int, \"Last Login\" date, \"Seen\" date) PARTITION BY RANGE (\"Id\");
        CREATE TABLE low PARTITION OF \"Users\" FOR VALUES FROM (0) TO (10);
        CREATE TABLE high PARTITION OF \"Users\" FOR VALUES FROM (10) TO (20);
        INSERT INTO \"Users\" VALUES (1, '2024-01-01'), (11, '2024-01-01')";
    let database = Database::create("gates_added", ddl);
    let quoted = "[[migration]]\nname = \"m\"\nkind = \"backfill-column\"\ntable = '\"Users\"'\n\
        column = \"Seen\"\nvalue = '\"Last Login\"'\nnot_null = true\nphase = \"backfill\"\n";
    mend(&database, &check(&database, quoted, Enforce));
    let nulls = r#"SELECT count(*) FROM "Users" WHERE "Seen" IS NULL"#;
    assert_eq!(database.connect().rows(nulls), ["0"]);
    mend(&database, &check(&database, quoted, Enforce));
    assert!(is_open(&check(&database, quoted, Enforce)));
}

#[test]
fn rows_that_may_not_be_looked_at() {
    let ddl = format!("{CLEAN} REVOKE ALL ON users FROM PUBLIC, segue, app");
    let database = Database::create("gates_added", &ddl);
    assert_eq!(
        told(&check_as("app", &database, &seen("", Backfill), Enforce)),
        [
            r#"not-ready not-compared: the rows of "public.users" cannot be looked at: permission denied for table users"#,
            "  GRANT SELECT ON public.users TO app;",
        ]
    );
}

#[test]
fn a_value_of_a_column_that_is_gone() {
    let ddl = format!("{CLEAN} ALTER TABLE users DROP COLUMN last_login");
    let database = Database::create("gates_added", &ddl);
    assert_eq!(
        told(&check(&database, &seen("", Backfill), Enforce)),
        [
            r#"not-ready definition: key "value": "coalesce(last_login, created_at)" names "last_login", which is no column of the table"#,
        ]
    );
}
