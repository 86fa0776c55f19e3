//! Where there is no new table: what makes it, and what it cannot be given.

use rewrite_rules::Phase::{Contract, DualWrite, Expand, SwitchReads};
use segue::gate::is_open;
use segue_tests::server::Database;

use super::profiles;
use crate::{check, mend, told};

/// A table with all that can belong to columns that move.
const RICH: &str = "CREATE TABLE users (
        id int PRIMARY KEY, email text, first_name text COLLATE \"C\" NOT NULL UNIQUE,
        bio varchar(99) DEFAULT 'none' CONSTRAINT users_bio_ok CHECK (bio <> ''), score int,
        CHECK (score > 0 OR bio <> 'x'));
    CREATE INDEX users_bio_idx ON users (lower(bio)) WHERE first_name <> '';
    CREATE INDEX users_score_bio_idx ON users (score, bio);
    COMMENT ON COLUMN users.bio IS 'it''s';
    CREATE TABLE names (name text COLLATE \"C\" PRIMARY KEY);
    ALTER TABLE users ADD FOREIGN KEY (first_name) REFERENCES names;
    GRANT SELECT, INSERT ON users TO app;
    GRANT UPDATE (bio, score) ON users TO app WITH GRANT OPTION;
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON users USING (first_name = CURRENT_USER);
    CREATE POLICY rich ON users FOR SELECT TO app USING (score > 0);
    CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.bio := upper(NEW.bio); RETURN NEW; END';
    CREATE TRIGGER shout BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION shout();
    CREATE STATISTICS st ON bio, score FROM users;
    CREATE PUBLICATION p FOR TABLE users;
    ALTER TABLE users SET (fillfactor = 70, toast.autovacuum_enabled = off);
    ALTER TABLE users ALTER bio SET STORAGE EXTERNAL, ALTER bio SET STATISTICS 7, ALTER score SET STATISTICS 7;
    ALTER TABLE users ALTER first_name SET COMPRESSION pglz, ALTER first_name SET (n_distinct = 7);
    COMMENT ON TABLE users IS 'x'; COMMENT ON INDEX users_bio_idx IS 'x';
    COMMENT ON CONSTRAINT users_bio_ok ON users IS 'x';
    ALTER TABLE users OWNER TO \"the owner\";";

#[test]
fn the_table_comes_with_all_that_belongs_to_its_columns() {
    let database = Database::create("gates_split", RICH);
    let findings = check(&database, &profiles(Expand), DualWrite);
    let expected = [
        r#"not-ready missing-table: table "public.user_profiles" does not exist, and phase "dual-write" needs it"#,
        "  CREATE TABLE public.user_profiles (\n    user_id integer NOT NULL,\n    given_name text COLLATE \"C\" NOT NULL,\n    bio character varying(99) DEFAULT 'none'::character varying,\n    PRIMARY KEY (user_id),\n    FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE ON UPDATE CASCADE,\n    CONSTRAINT user_profiles_bio_ok CHECK (((bio)::text <> ''::text))\n) WITH (fillfactor = '70', toast.autovacuum_enabled = 'off');",
        "  COMMENT ON COLUMN public.user_profiles.bio IS 'it''s';",
        "  ALTER TABLE public.user_profiles OWNER TO \"the owner\";",
        "  CREATE POLICY own ON public.user_profiles AS PERMISSIVE FOR ALL TO PUBLIC USING ((given_name = CURRENT_USER));",
        "  ALTER TABLE public.user_profiles ENABLE ROW LEVEL SECURITY;",
        "  GRANT INSERT, SELECT ON public.user_profiles TO app;",
        "  GRANT UPDATE (bio) ON public.user_profiles TO app WITH GRANT OPTION;",
        "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_given_name_key ON public.user_profiles USING btree (given_name);",
        "  CREATE INDEX CONCURRENTLY user_profiles_bio_idx ON public.user_profiles USING btree (lower((bio)::text)) WHERE (given_name <> ''::text);",
    ];
    let lines = told(&findings);
    assert_eq!(lines.get(..expected.len()).unwrap_or_default(), expected);
    let left = [
        r#"note missing-index: index "users_score_bio_idx" of "public.users" is not carried to "user_profiles""#,
        r#"note missing-constraint: CHECK constraint "users_check" of "public.users" is not carried to "user_profiles""#,
        r#"note missing-constraint: foreign key "users_first_name_fkey" of "public.users" is not carried to "user_profiles""#,
        r#"note statistics: statistics object "st" of "public.users" is not carried to "user_profiles""#,
        r#"note privilege (by hand): app has INSERT, UPDATE on "public.users" and not UPDATE (first_name), which phases to come need for that, there or on "user_profiles": that is for you to grant, and without it such statements fail with 42501"#,
        r#"note trigger: trigger "shout" of "public.users" is not carried to "user_profiles"; its function public.shout() names columns that move"#,
        r#"note policy: policy "rich" of "public.users" is not carried to "user_profiles""#,
        r#"note publication: publication p has "public.users" and is not given "user_profiles""#,
        r#"note dependent: of "public.users" is not carried to "user_profiles": its comment; the comment on constraint users_bio_ok on table public.users; the comment on index public.users_bio_idx; COMPRESSION, n_distinct=7 of column first_name; STORAGE, STATISTICS of column bio"#,
    ];
    assert_eq!(lines.get(expected.len()..).unwrap_or_default(), left);
}

#[test]
fn the_table_that_is_made_opens_the_gate() {
    let plain = "CREATE TABLE users (
            id int PRIMARY KEY, first_name text NOT NULL, bio text DEFAULT 'none' CHECK (bio <> ''), score int);
        CREATE INDEX ON users (bio); GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON users TO app;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (id > 0);";
    let database = Database::create("gates_split", plain);
    mend(&database, &check(&database, &profiles(Expand), DualWrite));
    assert_eq!(told(&check(&database, &profiles(Expand), DualWrite)), [""; 0]);
}

#[test]
fn a_table_that_is_not_logged_has_no_logged_half() {
    let plain = "CREATE UNLOGGED TABLE users (id int PRIMARY KEY, first_name text, bio text)
        WITH (fillfactor = 70, toast.autovacuum_enabled = off)";
    let database = Database::create("gates_split", plain);
    mend(&database, &check(&database, &profiles(Expand), DualWrite));
    let manner = "SELECT relpersistence, reloptions FROM pg_class WHERE relname = 'user_profiles'";
    assert_eq!(database.connect().rows(manner), ["u|{fillfactor=70}"]);
}

#[test]
fn a_rule_that_cannot_be_is_told_before_the_table_is_made() {
    let plain = "CREATE TABLE users (id int PRIMARY KEY, first_name text, bio text)";
    let database = Database::create("gates_split", plain);
    let migration = |key: &str, columns: &str| {
        format!(
            "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"users\"\ninto = \"user_profiles\"\n\
             key = {{ from = \"{key}\", to = \"user_id\" }}\ncolumns = {columns}\nphase = \"expand\"\n"
        )
    };
    for (key, columns, at_fault) in [
        ("id", r#"["first_nam"]"#, "columns"),
        ("id", r#"["id", "bio"]"#, "columns"),
        ("bio", r#"["first_name"]"#, "key"),
    ] {
        let found = told(&check(&database, &migration(key, columns), DualWrite));
        let wanted = format!("not-ready definition: key \"{at_fault}\" of migration \"m\":");
        assert!(
            found.iter().any(|line| line.starts_with(&wanted)),
            "{columns}\n{}",
            found.join("\n")
        );
    }
}

#[test]
fn a_key_of_several_columns_and_odd_names() {
    let odd = r#"CREATE TABLE "Us ers" (
            "Te nant" int, id text COLLATE "C", "Bi'o" text UNIQUE CHECK ("Bi'o" <> 'Bi''o'), settings jsonb,
            PRIMARY KEY (id, "Te nant"));
        INSERT INTO "Us ers" VALUES (1, 'a', 'b', '{}'); ANALYZE "Us ers";"#;
    let database = Database::create("gates_split", odd);
    let migration = |phase| {
        format!(
            "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = '\"Us ers\"'\ninto = '\"Pro\"\"files\"'\n\
             key = {{ from = [\"Te nant\", \"id\"], to = [\"id\", \"Us er\"] }}\n\
             columns = {{ \"Bi'o\" = \"settings\", settings = \"Bi'o\" }}\nphase = \"{phase}\"\n"
        )
    };
    mend(&database, &check(&database, &migration(Expand), DualWrite));
    for (from, to) in [(Expand, DualWrite), (DualWrite, SwitchReads), (SwitchReads, Contract)] {
        let findings = check(&database, &migration(from), to);
        mend(&database, &findings);
        let left = check(&database, &migration(from), to);
        assert!(is_open(&left), "{from} -> {to}\n{}", told(&left).join("\n"));
    }
    let columns = "SELECT attname, attnotnull, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = '\"Pro\"\"files\"'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(
        database.connect().rows(columns),
        ["id|t|integer", "Us er|t|text", "settings|f|text", "Bi'o|f|jsonb"]
    );
}

#[test]
fn what_may_wait_may_wait_there() {
    let table = "CREATE TABLE users (
            id int PRIMARY KEY, first_name text UNIQUE DEFERRABLE INITIALLY DEFERRED, bio text,
            UNIQUE NULLS NOT DISTINCT (bio) DEFERRABLE);";
    let database = Database::create("gates_split", table);
    mend(&database, &check(&database, &profiles(Expand), DualWrite));
    assert_eq!(told(&check(&database, &profiles(Expand), DualWrite)), [""; 0]);
    let keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'user_profiles'::regclass AND contype = 'u' ORDER BY 1";
    assert_eq!(
        database.connect().rows(keys),
        [
            "UNIQUE (given_name) DEFERRABLE INITIALLY DEFERRED",
            "UNIQUE NULLS NOT DISTINCT (bio) DEFERRABLE"
        ]
    );
}

/// Nobody knows which statements would be right for a rule that is wrong.
#[test]
fn a_rule_that_is_wrong_has_no_remedies() {
    let named = |into: &str, ddl: &str| {
        let database = Database::create("gates_split", ddl);
        told(&check(&database, &super::split(into, Expand), DualWrite))
    };
    let table =
        "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, first_name text, bio text)";
    let lines = named("users", table);
    assert!(lines.iter().any(|it| it.contains("\"table\" and \"into\" are both")), "{lines:#?}");
    assert!(lines.iter().all(|it| !it.starts_with("  ")), "{lines:#?}");
    for ddl in [
        format!("CREATE TABLE above (id int, email text); {table} INHERITS (above)"),
        format!("{table}; CREATE TABLE below () INHERITS (users)"),
    ] {
        let lines = named("user_profiles", &ddl);
        assert!(lines.iter().any(|it| it.contains(" definition: ")), "{lines:#?}");
        assert!(lines.iter().all(|it| !it.starts_with("  ")), "{lines:#?}");
    }
}

#[test]
fn a_table_that_is_written_with_quotes_is_named_with_one_pair() {
    let table = "CREATE TABLE users (id int PRIMARY KEY, first_name text, bio text);
        CREATE STATISTICS st ON first_name, bio FROM users; CREATE SCHEMA \"App Data\"";
    let database = Database::create("gates_split", table);
    let migration = super::split("X", Expand).replace("\"X\"", "'\"App Data\".\"Pro Files\"'");
    let lines = told(&check(&database, &migration, DualWrite));
    let note = r#"note statistics: statistics object "st" of "public.users" is not carried to "App Data.Pro Files""#;
    assert!(lines.iter().any(|it| it == note), "{lines:#?}");
}

/// What split-table.md has segue's own role granted.
#[test]
fn a_role_that_may_copy_is_granted_the_same_there() {
    let table = "CREATE TABLE users (id int PRIMARY KEY, email text, first_name text, bio text);
        GRANT SELECT, INSERT, UPDATE ON users TO app;";
    let database = Database::create("gates_split", table);
    mend(&database, &check(&database, &profiles(Expand), DualWrite));
    assert_eq!(told(&check(&database, &profiles(Expand), DualWrite)), [""; 0]);
    let left = check(&database, &profiles(DualWrite), SwitchReads);
    assert!(left.iter().all(|it| !it.by_hand), "{left:?}");
}
