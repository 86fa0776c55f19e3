//! Odd names, partitions, children, row-level security, and a role without privileges.

use rewrite_rules::Phase::{DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::is_open;
use segue_tests::server::{Database, eventually};

use super::{CLEAN, READY, check, check_as, mend, migration, told, username};

const RENAME: &str = "kind = \"rename-column\"";

#[test]
fn odd_names_are_quoted_in_every_remedy() {
    let database = Database::create(
        "gates",
        "CREATE SCHEMA \"S 1\";
         CREATE TABLE \"S 1\".\"odd \"\"T\"\"\" (id int PRIMARY KEY, \"a b\" text NOT NULL UNIQUE, \"c\"\"d\" text);
         CREATE INDEX \"i 1\" ON \"S 1\".\"odd \"\"T\"\"\" (lower(\"a b\"));
         ALTER TABLE \"S 1\".\"odd \"\"T\"\"\" ADD CONSTRAINT \"k 1\" CHECK (\"a b\" <> 'a b');
         CREATE VIEW \"S 1\".\"v 1\" AS SELECT \"a b\" FROM \"S 1\".\"odd \"\"T\"\"\";
         GRANT SELECT (\"a b\") ON \"S 1\".\"odd \"\"T\"\"\" TO app;
         INSERT INTO \"S 1\".\"odd \"\"T\"\"\" VALUES (1, 'x', NULL);
         ANALYZE \"S 1\".\"odd \"\"T\"\"\"",
    );
    let rule = |phase| migration("\"S 1\".\"odd \"\"T\"\"\"", "a b", "c\"d", RENAME, phase);
    let findings = check(&database, &rule(DualWrite), SwitchReads);
    assert_eq!(
        told(&findings),
        [
            r#"loses-data rows-differ: column "c"d" does not hold what "a b" says in 1 row of "S 1.odd "T"": id = 1 has NULL for 'x'"#,
            r#"  UPDATE "S 1"."odd ""T""" SET "c""d" = "a b" WHERE record_image_ne(ROW("c""d"), ROW("a b")); -- in batches: segue backfill m"#,
            r#"loses-data missing-index: column "c"d" of "S 1.odd "T"" has no equivalent of unique index "odd "T"_a b_key""#,
            r#"  CREATE UNIQUE INDEX CONCURRENTLY "odd ""T""_c""d_key" ON "S 1"."odd ""T""" USING btree ("c""d");"#,
            r#"loses-data missing-constraint: column "c"d" of "S 1.odd "T"" has no equivalent of CHECK constraint "k 1": CHECK (("a b" <> 'a b'::text))"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" ADD CONSTRAINT "odd ""T""_c""d_check" CHECK (("c""d" <> 'a b'::text)) NOT VALID;"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" VALIDATE CONSTRAINT "odd ""T""_c""d_check";"#,
            r#"loses-data not-null: column "c"d" of "S 1.odd "T"" may be NULL, and "a b" may not"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" ADD CONSTRAINT "segue_c""d_not_null" CHECK ("c""d" IS NOT NULL) NOT VALID;"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" VALIDATE CONSTRAINT "segue_c""d_not_null";"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" ALTER COLUMN "c""d" SET NOT NULL;"#,
            r#"  ALTER TABLE "S 1"."odd ""T""" DROP CONSTRAINT "segue_c""d_not_null";"#,
            r#"risky missing-index: column "c"d" of "S 1.odd "T"" has no equivalent of index "i 1""#,
            r#"  CREATE INDEX CONCURRENTLY "odd ""T""_c""d_idx" ON "S 1"."odd ""T""" USING btree (lower("c""d"));"#,
            r#"risky not-analyzed: column "c"d" of "S 1.odd "T"" has statistics of a time when it held other values"#,
            r#"  ANALYZE "S 1"."odd ""T""" ("c""d", "a b");"#,
            r#"risky privilege: app has SELECT on column "a b" of "S 1.odd "T"", and not on "c"d""#,
            r#"  GRANT SELECT ("c""d") ON "S 1"."odd ""T""" TO app;"#,
        ]
    );
    mend(&database, &findings);
    // What was not there when it was analyzed.
    database.connect().script("ANALYZE \"S 1\".\"odd \"\"T\"\"\"");
    assert_eq!(told(&check(&database, &rule(DualWrite), SwitchReads)), [""; 0]);
    mend(&database, &check(&database, &rule(SwitchReads), StopDualWrite));
    assert_eq!(told(&check(&database, &rule(SwitchReads), StopDualWrite)), [""; 0]);
    assert_eq!(
        database.connect().rows("SELECT \"a b\" FROM \"S 1\".\"v 1\""),
        ["x"],
        "the view keeps its column's name"
    );
}

#[test]
fn partitions_and_children_are_checked_and_mended() {
    let database = Database::create(
        "gates",
        "CREATE TABLE events (day int, kind text, event_type text, PRIMARY KEY (day)) PARTITION BY RANGE (day);
         CREATE TABLE events_a PARTITION OF events FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (day);
         CREATE TABLE events_a1 PARTITION OF events_a FOR VALUES FROM (0) TO (10);
         CREATE TABLE events_b PARTITION OF events FOR VALUES FROM (10) TO (20);
         CREATE INDEX events_kind_idx ON events (kind);
         INSERT INTO events SELECT g, 'k', CASE WHEN g < 18 THEN 'k' END FROM generate_series(0, 19) g;
         ANALYZE events",
    );
    let events = migration("events", "kind", "event_type", RENAME, DualWrite);
    let findings = check(&database, &events, SwitchReads);
    assert_eq!(
        told(&findings),
        [
            r#"loses-data rows-differ: column "event_type" does not hold what "kind" says in 2 rows of "public.events": day = 18 has NULL for 'k', day = 19 has NULL for 'k'"#,
            "  UPDATE public.events SET event_type = kind WHERE record_image_ne(ROW(event_type), ROW(kind)); -- in batches: segue backfill m",
            r#"risky missing-index: column "event_type" of "public.events" has no equivalent of index "events_kind_idx""#,
            "  CREATE INDEX events_event_type_idx ON ONLY public.events USING btree (event_type);",
            "  CREATE INDEX CONCURRENTLY events_b_event_type_idx ON public.events_b USING btree (event_type);",
            "  CREATE INDEX events_a_event_type_idx ON ONLY public.events_a USING btree (event_type);",
            "  CREATE INDEX CONCURRENTLY events_a1_event_type_idx ON public.events_a1 USING btree (event_type);",
            "  ALTER INDEX public.events_a_event_type_idx ATTACH PARTITION public.events_a1_event_type_idx;",
            "  ALTER INDEX public.events_event_type_idx ATTACH PARTITION public.events_a_event_type_idx;",
            "  ALTER INDEX public.events_event_type_idx ATTACH PARTITION public.events_b_event_type_idx;",
            r#"risky not-analyzed: column "event_type" of "public.events_b" has statistics of a time when it held other values"#,
            "  ANALYZE public.events_b (event_type, kind);",
        ]
    );
    mend(&database, &findings);
    assert_eq!(told(&check(&database, &events, SwitchReads)), [""; 0]);
    let database = Database::create(
        "gates",
        "CREATE TABLE documents (id int, title text, caption text);
         CREATE TABLE books () INHERITS (documents);
         CREATE INDEX books_title_idx ON books (title);
         INSERT INTO books VALUES (1, 'a', 'b')",
    );
    let documents = migration("documents", "title", "caption", RENAME, DualWrite);
    let findings = check(&database, &documents, SwitchReads);
    assert_eq!(
        told(&findings),
        [
            r#"loses-data rows-differ: column "caption" does not hold what "title" says in 1 row of "public.documents": ctid = (0,1) of public.books has 'b' for 'a'"#,
            "  UPDATE public.documents SET caption = title WHERE record_image_ne(ROW(caption), ROW(title)); -- in batches: segue backfill m",
            r#"risky missing-index: column "caption" of "public.books" has no equivalent of index "books_title_idx""#,
            "  CREATE INDEX CONCURRENTLY books_caption_idx ON public.books USING btree (caption);",
        ]
    );
    mend(&database, &findings);
    assert_eq!(told(&check(&database, &documents, SwitchReads)), [""; 0]);
}

#[test]
fn a_trigger_is_told_of_once_and_not_for_each_partition() {
    let database = Database::create(
        "gates",
        "CREATE TABLE events (day int, kind text, event_type text) PARTITION BY RANGE (day);
         CREATE TABLE events_a PARTITION OF events FOR VALUES FROM (0) TO (10);
         CREATE FUNCTION tame() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN NEW.kind := lower(NEW.kind); RETURN NEW; END';
         CREATE TRIGGER tame BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION tame()",
    );
    let events = migration("events", "kind", "event_type", RENAME, Expand);
    assert_eq!(
        told(&check(&database, &events, DualWrite)),
        [
            r#"loses-data trigger: BEFORE trigger "tame" of "public.events": its function public.tame() names "kind" and not "event_type": if it changes it, it must change both alike"#,
            "  SELECT pg_get_functiondef('public.tame()'::regprocedure);",
        ]
    );
}

#[test]
fn a_table_of_the_columns_own_name_is_not_renamed() {
    let database = Database::create(
        "gates",
        "CREATE TABLE code (code text CHECK (code <> ''), number text);
         CREATE INDEX ON code (code); CREATE VIEW shown AS SELECT code FROM code;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER code AFTER UPDATE OF code ON code FOR EACH ROW EXECUTE FUNCTION note()",
    );
    let code = |phase| migration("code", "code", "number", RENAME, phase);
    let findings = check(&database, &code(DualWrite), SwitchReads);
    assert_eq!(
        told(&findings),
        [
            r#"loses-data missing-constraint: column "number" of "public.code" has no equivalent of CHECK constraint "code_code_check": CHECK ((code <> ''::text))"#,
            "  ALTER TABLE public.code ADD CONSTRAINT number_code_check CHECK ((number <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.code VALIDATE CONSTRAINT number_code_check;",
            r#"risky missing-index: column "number" of "public.code" has no equivalent of index "code_code_idx""#,
            "  CREATE INDEX CONCURRENTLY number_code_idx ON public.code USING btree (number);",
        ]
    );
    mend(&database, &findings);
    assert_eq!(told(&check(&database, &code(DualWrite), SwitchReads)), [""; 0]);
    assert_eq!(
        told(&check(&database, &code(SwitchReads), StopDualWrite)),
        [
            r#"loses-data trigger: trigger code on table public.code uses column "code" of "public.code", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE TRIGGER code AFTER UPDATE OF number ON public.code FOR EACH ROW EXECUTE FUNCTION public.note();",
            r#"loses-data view: view public.shown uses column "code" of "public.code", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_viewdef('public.shown'::regclass);",
        ]
    );
}

/// Waits until the server has counted what was done to the table: a session reports it up to a second
/// later, or when it ends.
fn counted(database: &Database, what: &str) {
    let look =
        format!("SELECT count(*) FROM pg_stat_all_tables WHERE relname = 'users' AND {what}");
    let mut wire = database.connect();
    eventually(what, || wire.rows(&look) == ["1"]);
}

/// Analyzes the table once all that was done to it is counted.
fn analyze(database: &Database) {
    counted(database, "n_live_tup = 100");
    database.connect().script("ANALYZE users");
    counted(database, "n_mod_since_analyze = 0");
}

/// A role that may log in and no more.
fn stranger(database: &Database, role: &str) {
    database.connect().script(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN"));
}

#[test]
fn rows_that_a_policy_hides_keep_the_gate_closed() {
    let ddl = format!("{CLEAN} {READY} ALTER TABLE users ENABLE ROW LEVEL SECURITY;");
    let database = Database::create("gates", &ddl);
    stranger(&database, "gate_reader");
    database.connect().script("GRANT SELECT ON users TO gate_reader");
    analyze(&database);
    let step = || check_as("gate_reader", &database, &username(DualWrite), SwitchReads);
    let findings = step();
    assert_eq!(
        told(&findings),
        [
            r#"loses-data not-compared: the rows of "public.users" cannot be compared: query would be affected by row-level security policy for table "users""#,
            "  ALTER ROLE gate_reader BYPASSRLS;",
        ]
    );
    mend(&database, &findings);
    assert_eq!(told(&step()), [""; 0]);
}

#[test]
fn a_role_that_may_not_read_the_table_keeps_the_gate_closed() {
    let ddl = format!("{CLEAN} {READY} REVOKE ALL ON SCHEMA public FROM PUBLIC");
    let database = Database::create("gates", &ddl.replace("ANALYZE users;", ""));
    stranger(&database, "gate_stranger");
    counted(&database, "n_live_tup = 100");
    let step = || check_as("gate_stranger", &database, &username(DualWrite), SwitchReads);
    let findings = step();
    assert_eq!(
        told(&findings),
        [
            r#"loses-data not-compared: the rows of "public.users" cannot be compared: permission denied for schema public"#,
            "  GRANT USAGE ON SCHEMA public TO gate_stranger;",
            "  GRANT SELECT ON public.users TO gate_stranger;",
            r#"risky not-analyzed: column "handle" of "public.users" may have no statistics: the table was not analyzed since many rows changed"#,
            "  ANALYZE public.users;",
        ]
    );
    assert!(!is_open(&findings));
    mend(&database, &findings);
    assert_eq!(told(&step()), [""; 0]);
}
