//! Where there is no new table: what makes it, and what it cannot be given.

use rewrite_rules::Phase::{Contract, DualWrite, Expand, SwitchReads};
use segue::gate::is_open;
use segue_tests::server::Database;

use super::preferences;
use crate::{check, mend, told};

/// Tables with all that can belong to them.
const RICH: &str = "CREATE TABLE users (id int PRIMARY KEY);
    CREATE TABLE tones (tone text PRIMARY KEY);
    CREATE TABLE emails (
        uid int PRIMARY KEY REFERENCES users, news boolean NOT NULL DEFAULT true,
        digest text COLLATE \"C\" NOT NULL REFERENCES tones ON DELETE SET NULL,
        CHECK (uid > 0), CONSTRAINT emails_digest_ok CHECK (digest <> ''), EXCLUDE USING hash (digest WITH =));
    CREATE TABLE notices (
        user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE, push varchar(9) DEFAULT 'on' UNIQUE,
        sms text NOT NULL REFERENCES tones ON DELETE CASCADE, CHECK (user_id > 7), CHECK (push <> 'x'));
    CREATE INDEX emails_news_idx ON emails (news, uid) WHERE digest <> '';
    CREATE UNIQUE INDEX emails_news_key ON emails (news) WHERE NOT news;
    COMMENT ON COLUMN emails.uid IS 'whose';
    COMMENT ON COLUMN notices.user_id IS 'no matter';
    COMMENT ON COLUMN notices.sms IS 'it''s';
    GRANT SELECT, INSERT, DELETE ON emails TO app;
    GRANT SELECT, UPDATE (sms) ON notices TO app;
    ALTER TABLE emails ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON emails USING (digest = CURRENT_USER);
    CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.sms := 1; RETURN NEW; END';
    CREATE TRIGGER shout BEFORE INSERT ON notices FOR EACH ROW EXECUTE FUNCTION shout();
    CREATE STATISTICS st ON push, sms FROM notices;
    CREATE PUBLICATION p FOR TABLE notices;
    ALTER TABLE notices SET (fillfactor = 70); COMMENT ON TABLE notices IS 'x';
    ALTER TABLE notices OWNER TO \"the owner\";";

#[test]
fn the_table_comes_with_all_that_holds_of_each_row() {
    let database = Database::create("gates_merge", RICH);
    let findings = check(&database, &preferences(Expand), DualWrite);
    let expected = [
        r#"not-ready missing-table: table "public.preferences" does not exist, and phase "dual-write" needs it"#,
        "  CREATE TABLE public.preferences (
    user_id integer NOT NULL,
    news boolean DEFAULT true NOT NULL,
    email_digest text COLLATE \"C\",
    has_email boolean NOT NULL DEFAULT false,
    push character varying(9) DEFAULT 'on'::character varying,
    sms text,
    PRIMARY KEY (user_id),
    CONSTRAINT preferences_uid_check CHECK (((NOT has_email) OR (user_id > 0))),
    CONSTRAINT preferences_email_digest_ok CHECK (((NOT has_email) OR (email_digest <> ''::text))),
    CONSTRAINT preferences_uid_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT preferences_email_digest_fkey FOREIGN KEY (email_digest) REFERENCES public.tones(tone) ON DELETE SET NULL,
    CONSTRAINT preferences_push_check CHECK (((push)::text <> 'x'::text)),
    CONSTRAINT preferences_email_digest_not_null CHECK (((NOT has_email) OR (email_digest IS NOT NULL)))
);",
        "  COMMENT ON COLUMN public.preferences.user_id IS 'whose';",
        "  COMMENT ON COLUMN public.preferences.sms IS 'it''s';",
        "  GRANT INSERT (user_id, news, email_digest, has_email), SELECT, UPDATE (sms) ON public.preferences TO app;",
        "  CREATE INDEX CONCURRENTLY preferences_news_idx ON public.preferences USING btree (news, user_id) WHERE (email_digest <> ''::text);",
        "  CREATE UNIQUE INDEX CONCURRENTLY preferences_news_key ON public.preferences USING btree (news) WHERE (NOT news);",
        r#"note missing-index: unique index "notices_push_key" of "public.notices" is not carried to "preferences""#,
        r#"note missing-constraint: exclusion constraint "emails_digest_excl" of "public.emails" is not carried to "preferences""#,
        r#"note missing-constraint: CHECK constraint "notices_user_id_check" of "public.notices" is not carried to "preferences""#,
        r#"note missing-constraint: foreign key "notices_sms_fkey" of "public.notices" is not carried to "preferences""#,
        r#"note not-null: NOT NULL of column "sms", which has no default, of "public.notices" is not carried to "preferences""#,
        r#"note statistics: statistics object "st" of "public.notices" is not carried to "preferences""#,
        r#"note privilege: no owner is carried to "preferences", which belongs to whoever creates it: the merged tables belong to several roles ("the owner", postgres)"#,
        r#"note privilege (by hand): app has DELETE, INSERT on "public.emails" and not UPDATE (news, digest), which phases to come need for that, there or on "preferences": that is for you to grant, and without it such statements fail with 42501"#,
        r#"note privilege (by hand): app has UPDATE on "public.notices" and not INSERT (user_id, push, sms), UPDATE (push), which phases to come need for that, there or on "preferences": that is for you to grant, and without it such statements fail with 42501"#,
        r#"note trigger: trigger "shout" of "public.notices" is not carried to "preferences""#,
        r#"note policy: row security is not carried to "preferences": not all of the merged tables have the same policies"#,
        r#"note publication: publication p has "public.notices" and is not given "preferences""#,
        r#"note dependent: storage parameters are not carried to "preferences": not all of the merged tables have the same"#,
        r#"note dependent: of "public.notices" is not carried to "preferences": its comment"#,
    ];
    assert_eq!(told(&findings), expected);
}

#[test]
fn the_table_that_is_made_opens_the_gate() {
    let plain = "CREATE TABLE users (id int PRIMARY KEY);
        CREATE TABLE emails (
            uid int PRIMARY KEY REFERENCES users ON DELETE CASCADE, news boolean NOT NULL DEFAULT true CHECK (news),
            digest text NOT NULL UNIQUE);
        CREATE TABLE notices (
            user_id int PRIMARY KEY REFERENCES users, push boolean DEFAULT true, sms text CHECK (sms <> ''));
        CREATE INDEX ON emails (news); CREATE INDEX ON notices (push);
        GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON emails, notices TO app;
        ALTER TABLE emails ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON emails USING (uid > 0);
        ALTER TABLE notices ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON notices USING (user_id > 0);
        ALTER TABLE emails OWNER TO \"the owner\"; ALTER TABLE notices OWNER TO \"the owner\";";
    let database = Database::create("gates_merge", plain);
    mend(&database, &check(&database, &preferences(Expand), DualWrite));
    assert_eq!(told(&check(&database, &preferences(Expand), DualWrite)), [""; 0]);
    let owner = "SELECT relowner::regrole FROM pg_class WHERE relname = 'preferences'";
    assert_eq!(database.connect().rows(owner), ["\"the owner\""]);
}

#[test]
fn a_key_of_several_columns_and_odd_names() {
    let odd = r#"CREATE TABLE "Em ails" (
            "Te nant" int, id text COLLATE "C", "Bi'o" text UNIQUE CHECK ("Bi'o" <> 'Bi''o'), settings jsonb,
            PRIMARY KEY (id, "Te nant"));
        CREATE TABLE no"ti"ces (tenant int, "Us er" text COLLATE "C", settings text NOT NULL, PRIMARY KEY (tenant, "Us er"));
        INSERT INTO "Em ails" VALUES (1, 'a', 'b', '{}'); ANALYZE "Em ails";"#
        .replace("no\"ti\"ces", "\"no\"\"tices\"");
    let database = Database::create("gates_merge", &odd);
    let migration = |phase| {
        format!(
            "[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = '\"Pro\"\"files\"'\nkey = [\"id\", \"Us er\"]\n\
             phase = \"{phase}\"\n\
             [[migration.source]]\ntable = '\"Em ails\"'\nkey = [\"Te nant\", \"id\"]\npresent = \"Is the\"\"re\"\n\
             columns = {{ \"Bi'o\" = \"settings\", settings = \"Bi'o\" }}\n\
             [[migration.source]]\ntable = '\"no\"\"tices\"'\nkey = [\"tenant\", \"Us er\"]\npresent = \"here\"\n\
             columns = {{ settings = \"more\" }}\n"
        )
        .replace("\"Is the\"\"re\"", "'Is the\"re'")
    };
    mend(&database, &check(&database, &migration(Expand), DualWrite));
    assert_eq!(told(&check(&database, &migration(Expand), DualWrite)), [""; 0]);
    database.connect().script(
        r#"INSERT INTO "Pro""files" (id, "Us er", settings, "Bi'o", "Is the""re") SELECT *, true FROM "Em ails""#,
    );
    for (from, to) in [(DualWrite, SwitchReads), (SwitchReads, Contract)] {
        let findings = check(&database, &migration(from), to);
        mend(&database, &findings);
        let left = check(&database, &migration(from), to);
        assert!(is_open(&left), "{from} -> {to}\n{}", told(&left).join("\n"));
    }
    let columns = "SELECT attname, attnotnull, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = '\"Pro\"\"files\"'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(
        database.connect().rows(columns),
        [
            "id|t|integer",
            "Us er|t|text",
            "settings|f|text",
            "Bi'o|f|jsonb",
            "Is the\"re|t|boolean",
            "more|f|text",
            "here|t|boolean"
        ]
    );
}

/// A key whose values the server computes could not be that of rows of several tables.
#[test]
fn a_key_that_is_computed_is_said_to_be_the_fault() {
    let database = Database::create(
        "gates_merge",
        "CREATE TABLE emails (news int, digest int, uid int PRIMARY KEY GENERATED ALWAYS AS (news + digest) STORED);
         CREATE TABLE notices (user_id int PRIMARY KEY, push boolean, sms text GENERATED ALWAYS AS ('x') STORED);",
    );
    let told = told(&check(&database, &preferences(Expand), DualWrite));
    for wanted in [
        r#"not-ready definition: key "key" of migration "m": column "uid" of "public.emails" is generated by the server; only an ordinary column can be a key"#,
        r#"not-ready definition: key "columns" of migration "m": column "sms" of "public.notices" is generated by the server; only an ordinary column can move"#,
    ] {
        assert!(told.iter().any(|line| line == wanted), "{wanted}: {told:#?}");
    }
}

#[test]
fn a_rule_that_is_wrong_has_no_remedies() {
    let tables = "CREATE TABLE emails (uid int PRIMARY KEY, news boolean NOT NULL, digest text);
        CREATE TABLE notices (user_id int PRIMARY KEY, push boolean NOT NULL, sms text);";
    let database = Database::create("gates_merge", tables);
    for into in ["emails", "notices"] {
        let lines = told(&check(&database, &super::merge(into, Expand), DualWrite));
        let said = format!("\"public.{into}\" is there twice");
        assert!(lines.iter().any(|it| it.contains(&said)), "{lines:#?}");
        assert!(lines.iter().all(|it| !it.starts_with("  ")), "{lines:#?}");
    }
}

/// What merge-tables.md has segue's own role granted.
#[test]
fn a_role_that_may_copy_is_granted_the_same_there() {
    let tables = "CREATE TABLE emails (uid int PRIMARY KEY, news boolean NOT NULL DEFAULT true, digest text);
        CREATE TABLE notices (user_id int PRIMARY KEY, push boolean, sms text);
        GRANT SELECT, INSERT, UPDATE, DELETE ON emails, notices TO app;";
    let database = Database::create("gates_merge", tables);
    mend(&database, &check(&database, &preferences(Expand), DualWrite));
    assert_eq!(told(&check(&database, &preferences(Expand), DualWrite)), [""; 0]);
    let left = check(&database, &preferences(DualWrite), SwitchReads);
    assert!(left.iter().all(|it| !it.by_hand), "{left:?}");
}
