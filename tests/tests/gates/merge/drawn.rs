//! Keys that the server gives: whether their values come from one place, and whether that outlives the tables.

use rewrite_rules::Phase::{self, Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use crate::{check, mend, told};

fn migration(phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = \"prefs\"\nkey = \"id\"\nphase = \"{phase}\"\n\
         [[migration.source]]\ntable = '\"Mail\"'\nkey = \"the id\"\ncolumns = [\"often\"]\npresent = \"has_mail\"\n\
         [[migration.source]]\ntable = \"push\"\ncolumns = [\"sound\"]\npresent = \"has_push\"\n"
    )
}

const PUSH: &str = "CREATE TABLE push (id int PRIMARY KEY, sound boolean);";

/// Tables of which one draws the keys, and the one that they become.
const SERIAL: &str = "
    CREATE TABLE \"Mail\" (\"the id\" serial PRIMARY KEY, often text);
    CREATE TABLE push (id int PRIMARY KEY, sound boolean);
    CREATE TABLE prefs (id int PRIMARY KEY, often text, has_mail boolean NOT NULL DEFAULT false, sound boolean,
        has_push boolean NOT NULL DEFAULT false);";

#[test]
fn an_identity_becomes_a_default_that_goes_on_where_it_stands() {
    let identity = format!(
        "CREATE TABLE \"Mail\" (\"the id\" int GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3 CACHE 2) PRIMARY KEY, often text);
         GRANT INSERT (often), SELECT ON \"Mail\" TO app; GRANT SELECT ON SEQUENCE \"Mail_the id_seq\" TO app;
         ALTER TABLE \"Mail\" OWNER TO \"the owner\"; {PUSH}"
    );
    let database = Database::create("gates_merge_drawn", &identity);
    database.connect().script("INSERT INTO \"Mail\" (often) VALUES ('a')");
    let findings = check(&database, &migration(Expand), DualWrite);
    let expected = [
        r#"not-ready key (by hand): "the id" of "public.Mail" is an identity column, and a key that the server gives must be an ordinary column with a default; clients see no difference, but that it takes what GENERATED ALWAYS refuses"#,
        r#"  BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE public."Mail" IN ACCESS EXCLUSIVE MODE;"#,
        r#"  ALTER SEQUENCE public."Mail_the id_seq" RENAME TO "Mail_the id_seq_identity";"#,
        r#"  CREATE SEQUENCE public."Mail_the id_seq" AS integer INCREMENT BY 3 MINVALUE 1 MAXVALUE 2147483647 START WITH 5 CACHE 2;"#,
        r#"  SELECT pg_catalog.setval('public."Mail_the id_seq"', last_value, is_called) FROM public."Mail_the id_seq_identity";"#,
        r#"  ALTER TABLE public."Mail" ALTER COLUMN "the id" DROP IDENTITY;"#,
        r#"  ALTER TABLE public."Mail" ALTER COLUMN "the id" SET DEFAULT pg_catalog.nextval('public."Mail_the id_seq"');"#,
        r#"  ALTER SEQUENCE public."Mail_the id_seq" OWNER TO "the owner";"#,
        r#"  ALTER SEQUENCE public."Mail_the id_seq" OWNED BY public."Mail"."the id";"#,
        r#"  GRANT SELECT, USAGE ON SEQUENCE public."Mail_the id_seq" TO app;"#,
        "  COMMIT;",
    ];
    assert_eq!(told(&findings), expected);
    mend(&database, &findings);
    let mut wire = database.connect();
    wire.script("SET ROLE app; INSERT INTO \"Mail\" (often) VALUES ('b'); RESET ROLE");
    // Two are cached by each session.
    assert_eq!(wire.rows("SELECT * FROM \"Mail\" ORDER BY 1"), ["5|a", "11|b"]);
    let made = check(&database, &migration(Expand), DualWrite);
    let key = "    id integer DEFAULT nextval('public.\"Mail_the id_seq\"'::regclass) NOT NULL,";
    assert!(told(&made).iter().any(|it| it.contains(key)), "{made:?}");
}

#[test]
fn rows_that_have_nothing_to_do_with_each_other() {
    let two = SERIAL.replace("push (id int", "push (id serial");
    let expected = [
        r#"risky key: "public.Mail" draws its keys from nextval('public."Mail_the id_seq"'::regclass), and "public.push" from nextval('public.push_id_seq'::regclass): rows that have nothing to do with each other may come to have one key, and then are one row of "prefs""#,
    ];
    let database = Database::create("gates_merge_drawn", &two);
    assert_eq!(told(&check(&database, &migration(Expand), DualWrite)), expected);
    let fixed = "ALTER TABLE push ALTER id SET DEFAULT 7; ";
    database.connect().script(fixed);
    assert_eq!(told(&check(&database, &migration(Expand), DualWrite)), [""; 0]);
}

#[test]
fn the_default_outlives_the_table() {
    let database = Database::create("gates_merge_drawn", SERIAL);
    let default = r#"risky default: column "the id" of "public.Mail" has the default nextval('public."Mail_the id_seq"'::regclass), and "id" of "public.prefs" has none: once the table is dropped, that is what clients get who leave it out"#;
    let sequence = r#"risky dependent: sequence public."Mail_the id_seq" belongs to column "the id" of "public.Mail" and would go with it"#;
    let expected = [
        default,
        r#"  ALTER TABLE public.prefs ALTER COLUMN id SET DEFAULT nextval('public."Mail_the id_seq"'::regclass);"#,
        sequence,
        r#"  ALTER SEQUENCE public."Mail_the id_seq" OWNED BY public.prefs.id;"#,
    ];
    for (from, to) in [(SwitchReads, StopDualWrite), (StopDualWrite, Contract)] {
        assert_eq!(told(&check(&database, &migration(from), to)), expected, "{from}");
    }
    assert_eq!(told(&check(&database, &migration(DualWrite), SwitchReads)), [""; 0]);
    // Where it has another one, nobody can tell whether that is ahead.
    database
        .connect()
        .script("CREATE SEQUENCE s; ALTER TABLE prefs ALTER id SET DEFAULT nextval('s')");
    let another = default.replace("has none", "has nextval('public.s'::regclass)");
    assert_eq!(
        told(&check(&database, &migration(SwitchReads), StopDualWrite)),
        [another.as_str(), sequence, expected[3]]
    );
    database.connect().script("ALTER TABLE prefs ALTER id DROP DEFAULT");
    let findings = check(&database, &migration(SwitchReads), StopDualWrite);
    mend(&database, &findings);
    assert_eq!(told(&check(&database, &migration(SwitchReads), StopDualWrite)), [""; 0]);
    let mut wire = database.connect();
    wire.script("DROP TABLE \"Mail\", push; INSERT INTO prefs DEFAULT VALUES");
    assert_eq!(wire.rows("SELECT id FROM prefs"), ["1"]);
}
